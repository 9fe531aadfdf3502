/* Five nodes of the twins' scenarios (twins.h), in rounds that are run as told. */
#ifndef QUORATE_TESTS_TENDERMINT_TWINS_NET_H
#define QUORATE_TESTS_TENDERMINT_TWINS_NET_H

#include "tendermint/engine.h"
#include "tests/tendermint/twins.h"

enum { TWINS_NODES = 5, TWINS_HONEST = 3, TWINS_KEYS = 4, TWINS_NUMBERS = 24 /* of rounds, those of the healing too */, TWINS_BLOCKS = 128, TWINS_PARTITIONS = 41 };

struct twins_node {
    struct engine engine;
    struct engine_effects effects;
    struct engine_config config;
    struct engine_height begin;
    int32_t timers_round;
    uint32_t timers; /* pending: a bit (1 << phase) each */
    bool knows[TWINS_BLOCKS];
    bool proposed[TWINS_NUMBERS];
    uint8_t said[TWINS_NUMBERS][2];                 /* own votes by type: block + 1; 0: none */
    uint8_t claimed[TWINS_NUMBERS][2][TWINS_NODES]; /* what each node claimed to us, likewise */
};

struct twins_net {
    const struct twins_settings *settings;
    bool gossip;
    struct valset set;
    struct twins_node nodes[TWINS_NODES];
    int8_t leaders[TWINS_NUMBERS]; /* keys; −1: not chosen yet */
    const char *violation;
    uint32_t decided; /* honest ones */
};

struct twins_choice { /* of one round */
    uint8_t hear_prevotes, hear_precommits; /* partitions */
    uint8_t leader;
};

uint32_t twins_key_of(uint32_t node);
/* Blocks are numbered by round and maker; 0 is nil. */
struct block_id twins_id_of(uint32_t block);
uint32_t twins_block_of(const struct block_id *id);

/* Of each partition, the group of each node. They are numbered from the fewest groups on, the classic ones first. */
extern uint8_t twins_partitions[TWINS_PARTITIONS][TWINS_NODES];
uint32_t twins_partition_count(enum twins_groups groups); /* makes them as well: call it first */

void twins_net_begin(struct twins_net *net, const struct twins_settings *settings);
void twins_net_end(struct twins_net *net);
int32_t twins_net_front(const struct twins_net *net); /* the highest round that a node is in */
void twins_net_run(struct twins_net *net, const struct twins_choice *choice);
void twins_net_heal(struct twins_net *net); /* all hear all, until all honest ones decided, or it is a violation */

#endif
