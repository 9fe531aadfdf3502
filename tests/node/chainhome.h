/* The home of a node that has stopped: config, genesis, and a chain in its store that the test goes on with, validators changing as it likes. */
#ifndef QUORATE_TESTS_NODE_CHAINHOME_H
#define QUORATE_TESTS_NODE_CHAINHOME_H

#include "tests/ledger/chain.h"

struct chainhome {
    char path[128];
    struct kv *kv;
    struct chain chain;
};

void chainhome_open(struct chainhome *home, const char *name, uint32_t validators); /* a folder of prompt.h's */
void chainhome_shut(struct chainhome *home); /* the files stay, and others may open them */
void chainhome_key(struct chainhome *home, uint32_t index); /* whose home it is */
/* A block that gives validator `index` so much power, from two heights later on. */
void chainhome_set_power(struct chainhome *home, uint32_t index, int64_t power);

#endif
