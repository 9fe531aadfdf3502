/* A node's RPC server on loopback over the small chain of world.h, for targets. Started once, never stopped. */
#ifndef QUORATE_TESTS_FUZZ_SERVER_H
#define QUORATE_TESTS_FUZZ_SERVER_H

#include <event2/event.h>

#include "rpc/rpc.h"

struct server {
    struct event_base *base;
    struct rpc *rpc;
};

const struct server *server_running(void);
int server_connect(const struct server *server); /* a socket that does not block; −1: no connection was to be had */
/* broadcast_tx_commit waits for a block: here is one with all that waits, as far as rpc can tell. The chain stays as it is. */
void server_commit(void);
void server_forget(void); /* what waits */

#endif
