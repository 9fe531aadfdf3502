/* A node without peers for the tests of rpc: a real chain of the kvstore application, a mempool, an engine at its next height, and the
 * server on a free port of loopback. */
#ifndef QUORATE_TESTS_RPC_LAB_H
#define QUORATE_TESTS_RPC_LAB_H

#include <event2/event.h>
#include <jansson.h>

#include "rpc/rpc.h"
#include "tests/ledger/chain.h"

struct lab {
    struct chain chain;
    struct mempool_config mempool_config;
    struct mempool *mempool;
    struct engine engine;
    struct genesis genesis;
    struct rpc_config config;
    struct event_base *base;
    struct rpc *rpc;
    bool catching_up, has_key;
    uint32_t peer_count;
    bool commits_at_once;     /* what is submitted is in a block before submit returns */
    uint32_t submit_us;       /* how long that takes at least */
    uint32_t submitted;       /* how often */
    char dialled[256];        /* what was asked for last, with p, u, r for persistent, unconditional, private before it */
    uint16_t port;            /* not 0: clients go there, to a server on other threads; nothing else of the lab is used */
};

/* config: the changed parts; zero means the default of config.toml. heights: blocks made before, the third with two transactions. */
void lab_open(struct lab *lab, const struct rpc_config *config, int64_t heights);
/* The same with a mempool of so many transactions (4 otherwise). */
void lab_open_wide(struct lab *lab, const struct rpc_config *config, int64_t heights, uint32_t mempool_count);
void lab_close(struct lab *lab);
/* A block of what waits in the mempool is made, applied, and told to rpc. */
void lab_commit(struct lab *lab);
void lab_turn(struct lab *lab); /* of the event loop, without waiting */

struct lab_reply { /* of the last lab_post, lab_uri or lab_http */
    bool came;
    int status;
    bool cacheable;
    size_t size;
    char *text;  /* the body, NUL-terminated; malloc'ed */
    char *head;  /* of lab_http: the whole head */
    bool closed; /* the server has closed the connection */
};
void lab_reply_close(struct lab_reply *reply);
/* Straight into the heart. The reply may come later: the struct must stay where it is. */
void lab_post(struct lab *lab, struct lab_reply *reply, const char *body);
void lab_post_bytes(struct lab *lab, struct lab_reply *reply, struct span body);
void lab_uri(struct lab *lab, struct lab_reply *reply, const char *method, const char *query);
/* Posts, and gives the `result` (a new reference), or fails the test. */
json_t *lab_result(struct lab *lab, const char *method, const char *params);
/* The `data` of the error (new), or fails the test. */
char *lab_error(struct lab *lab, const char *method, const char *params);

int lab_connect(struct lab *lab);
void lab_send(struct lab *lab, int socket, struct span bytes);
/* One response from the socket, or the end. Waits at most ms_max. */
void lab_receive(struct lab *lab, struct lab_reply *reply, int socket, int ms_max);
/* A connection for one request. */
void lab_http(struct lab *lab, struct lab_reply *reply, const char *request);

#endif
