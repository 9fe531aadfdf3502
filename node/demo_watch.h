/* What each node of a network says of itself, asked again and again: the live table of `quorate demo`. */
#ifndef QUORATE_NODE_DEMO_WATCH_H
#define QUORATE_NODE_DEMO_WATCH_H

#include "node/load_http.h"
#include "node/localnet.h"

struct demo_watch { /* one node */
    struct load_http http;
    bool is_answering; /* the last question was answered */
    int64_t height, round, peers, mempool;
};

void demo_watch_start(struct demo_watch *watch, struct event_base *base, const struct load_http_place *place);
void demo_watch_ask(struct demo_watch *watch); /* unless it is still waiting for an answer */
void demo_watch_stop(struct demo_watch *watch);

#endif
