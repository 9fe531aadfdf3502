/* A full node's RPC as a source of light blocks: /commit and pages of /validators, /broadcast_evidence (cometbft: light/provider/http). */
#ifndef QUORATE_NODE_LIGHT_HTTP_H
#define QUORATE_NODE_LIGHT_HTTP_H

#include "node/httpclient.h"
#include "node/light_source.h"

#define LIGHT_HTTP_URL_MAX 256

struct light_http {
    char url[LIGHT_HTTP_URL_MAX];
    struct span chain_id; /* a loan */
    struct httpclient_limits limits;
};

void light_http_init(struct light_http *http, const char *url, struct span chain_id, int64_t timeout_ms);
struct light_source light_http_source(struct light_http *http); /* lends http */
/* The validators of a height, that of a block not decided yet too; not compared with any header. *set is initialised. *why as of a source. */
enum light_answer light_http_validators(struct light_http *http, struct valset *set, int64_t height, char **why);

#endif
