/* Chains of light blocks with real keys, as a test wants them: whose set, who signs, in which round, with what content. Forks share blocks. */
#ifndef QUORATE_TESTS_TENDERMINT_LIGHT_LAB_H
#define QUORATE_TESTS_TENDERMINT_LIGHT_LAB_H

#include "tendermint/light_verify.h"

#define LAB_KEYS       32
#define LAB_BLOCKS_MAX 2048
#define LAB_CHAIN_ID   "light-lab"
#define LAB_TIME       INT64_C(1700000000) /* of height 1; then a block each ten seconds */

enum { LAB_ALL = -1 };

struct lab_chain {
    uint32_t count;
    struct light_block *blocks[LAB_BLOCKS_MAX]; /* heights 1 …, each held */
};

struct lab_step {          /* zero fields: as the block before */
    uint32_t set;          /* a bit per key: members of this height; 0: what the block below announced */
    uint32_t next_set;     /* 0: the same */
    uint32_t signers;      /* 0: all members */
    int32_t round;
    uint8_t app, data;     /* content: app hash (what a lunatic invents) and data hash */
    int64_t time;          /* seconds since LAB_TIME; 0: ten per height */
    int64_t height;        /* 0: the next */
    uint32_t bad_signers;  /* sign wrongly */
};

void lab_open(void);
void lab_close(void);
void lab_grow(struct lab_chain *chain, const struct lab_step *step);
void lab_grow_many(struct lab_chain *chain, uint32_t count, const struct lab_step *step);
void lab_fork(struct lab_chain *fork, const struct lab_chain *chain, uint32_t count); /* shares the first `count` */
void lab_forget(struct lab_chain *chain);
struct light_block *lab_at(const struct lab_chain *chain, int64_t height); /* a loan */
void lab_set(struct valset *set, uint32_t members);
struct timestamp lab_time(int64_t seconds); /* since LAB_TIME */
static inline struct span lab_chain_id(void) { return span_text(LAB_CHAIN_ID); }

#endif
