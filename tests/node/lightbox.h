/* A node (tests/rpc/lab) on a thread of its own, a light client with two sources, and its proxy. Between the sources and the node stands a relay each,
 * which can lie, stay silent, and count. */
#ifndef QUORATE_TESTS_NODE_LIGHTBOX_H
#define QUORATE_TESTS_NODE_LIGHTBOX_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/light_http.h"
#include "node/light_proxy.h"
#include "tests/rpc/socket.h"

struct relay {
    const char *node_url;
    char url[64];
    int listener;
    pthread_t thread;
    atomic_bool silent, stops;
    atomic_uint asked, lied; /* questions about `method`; changed answers */
    /* Under the lock: in answers to `method`, the first `find` becomes `put`. NULL: nothing is changed. */
    pthread_mutex_t lock;
    const char *method, *find, *put;
};

struct lightbox {
    struct lab lab;
    pthread_mutex_t lock; /* whoever touches the lab */
    pthread_t thread;
    atomic_bool stops;
    struct kv *kv;
    struct relay relays[2]; /* the primary's and the witness's */
    struct light_http https[2];
    struct light_client client;
    struct light_gate gate;
    struct light_proxy *proxy;
    struct digest trusted; /* of height 2 */
    struct lab door;       /* for wires to the proxy */
    char node_url[64], proxy_url[64];
};

/* heights ≥ 2. relayed: the sources are the relays, else the node itself. */
void lightbox_open(struct lightbox *box, int64_t heights, const struct light_proxy_limits *limits, bool relayed);
void lightbox_close(struct lightbox *box);
void lightbox_stop_node(struct lightbox *box);
/* Of these transactions ("a=1"; NULL: none), in this order. */
void lightbox_commit(struct lightbox *box, const char *tx, const char *other);
void lightbox_commit_large(struct lightbox *box, int64_t heights); /* blocks of some 45 kB */
void lightbox_lie(struct lightbox *box, int relay, const char *method, const char *find, const char *put);

#endif
