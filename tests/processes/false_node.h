/* A node's RPC that lies: it says what a real node says, but for one height, of which it shows a forged block; and it claims to have nothing newer.
 * It takes evidence like an honest one, and keeps it. WebSockets are passed on to the real node, because CometBFT's light client wants one. */
#ifndef QUORATE_TESTS_FALSE_NODE_H
#define QUORATE_TESTS_FALSE_NODE_H

#include "tendermint/light_block.h"
#include "tests/processes/booth.h"

#define FALSE_NODE_REPORTS_MAX 8

struct false_node {
    struct booth booth;
    char url[64];
    char real[64];              /* the real node's URL */
    struct light_block *forged; /* held */
    pthread_mutex_t lock;
    uint32_t reports;
    char *reported[FALSE_NODE_REPORTS_MAX]; /* evidence as it came: JSON, NUL-terminated */
    atomic_uint asked; /* how often the forged block */
};

bool false_node_open(struct false_node *node, const char *real, struct light_block *forged);
void false_node_close(struct false_node *node);
uint32_t false_node_reports(struct false_node *node);

#endif
