/* The light client's local RPC server: rpc's, with light_routes.h for routes and light_feed.h for what subscribers are told. Questions wait for the
 * primary on threads of a crew, so that one that takes long holds up nobody else's. No TLS of its own: it is for programs on this machine. */
#ifndef QUORATE_NODE_LIGHT_PROXY_H
#define QUORATE_NODE_LIGHT_PROXY_H

#include "node/light_gate.h"

#define LIGHT_PROXY_BODY_MAX (4u << 20)

struct light_proxy;

struct light_proxy_limits { /* 0: the defaults of a node's [rpc] */
    uint32_t connections, subscribers, subscriptions_each, buffered_messages;
};

/* laddr: "tcp://127.0.0.1:8888" (port 0: any). NULL: *error (malloc'ed). The gate is a loan. */
struct light_proxy *light_proxy_start(struct light_gate *gate, const char *laddr, const struct light_proxy_limits *limits, char **error);
uint16_t light_proxy_port(const struct light_proxy *proxy);
void light_proxy_stop(struct light_proxy *proxy); /* waits for calls under way, as long as they may take */

#endif
