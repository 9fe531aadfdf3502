/* What rpc asks of the node (rpc/rpc.h struct rpc_host): peers, keys, clock and the way of a transaction into the replica. */
#ifndef QUORATE_NODE_HOST_H
#define QUORATE_NODE_HOST_H

#include "node/replica.h"
#include "node/switchboard.h"
#include "node/world_libevent.h"
#include "rpc/rpc.h"

struct host { /* loans, filled by node.c */
    struct replica *replica;
    struct kv *votes; /* of its vote journal; NULL: none */
    struct switchboard *board;
    struct world_libevent *real;
    const struct node_info *info;
    const struct pubkey *validator_key; /* NULL: none */
    const char *rpc_version;            /* what status says: the release whose clients we serve */
};

/* Fills the functions and the context of *out; ledger, mempool, engine, genesis and software_version are the caller's. */
void host_fill(struct rpc_host *out, struct host *host);

#endif
