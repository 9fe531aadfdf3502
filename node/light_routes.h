/* What the light client's local RPC answers (cometbft: light/{rpc,proxy}): what the primary says, after it was held against verified headers; what no
 * header covers (status, mempool, broadcasts, searches) is passed on as it comes. Errors of verification are -32603 with a sentence.
 *
 * Threads: any number; the client is behind the gate's lock. */
#ifndef QUORATE_NODE_LIGHT_ROUTES_H
#define QUORATE_NODE_LIGHT_ROUTES_H

#include <pthread.h>

#include "genesis/emit.h"
#include "node/httpclient.h"
#include "node/light_client.h"

struct light_gate {
    pthread_mutex_t lock; /* guards *client */
    struct light_client *client;
    struct httpclient_limits limits; /* of calls to the primary */
};

#define LIGHT_ROUTES_BATCH_MAX 10

/* The body of a POST, or GET /method?query. Writes the answer; returns the HTTP status. An empty answer: nothing but notifications were asked. */
int light_routes_post(struct light_gate *gate, struct emit *out, struct span body);
int light_routes_uri(struct light_gate *gate, struct emit *out, struct span method, struct span query);

#endif
