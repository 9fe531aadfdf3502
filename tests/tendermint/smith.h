/* Chains of light blocks with real keys, as a test wants them: whose set, who signs, in which round, with what content. Forks share blocks. */
#ifndef QUORATE_TESTS_TENDERMINT_SMITH_H
#define QUORATE_TESTS_TENDERMINT_SMITH_H

#include "tendermint/light_verify.h"

#define SMITH_KEYS       32
#define SMITH_BLOCKS_MAX 2048
#define SMITH_CHAIN_ID   "light-lab"
#define SMITH_TIME       INT64_C(1700000000) /* of height 1; then a block each ten seconds */

enum { SMITH_ALL = -1 };

struct smith_chain {
    uint32_t count;
    struct light_block *blocks[SMITH_BLOCKS_MAX]; /* heights 1 …, each held */
};

struct smith_step {          /* zero fields: as the block before */
    uint32_t set;          /* a bit per key: members of this height; 0: what the block below announced */
    uint32_t next_set;     /* 0: the same */
    uint32_t signers;      /* 0: all members */
    int32_t round;
    uint8_t app, data;     /* content: app hash (what a lunatic invents) and data hash */
    int64_t time;          /* seconds since SMITH_TIME; 0: ten per height */
    int64_t height;        /* 0: the next */
    uint32_t bad_signers;  /* sign wrongly */
};

void smith_open(void);
void smith_close(void);
void smith_grow(struct smith_chain *chain, const struct smith_step *step);
void smith_grow_many(struct smith_chain *chain, uint32_t count, const struct smith_step *step);
void smith_fork(struct smith_chain *fork, const struct smith_chain *chain, uint32_t count); /* shares the first `count` */
void smith_forget(struct smith_chain *chain);
struct light_block *smith_at(const struct smith_chain *chain, int64_t height); /* a loan */
void smith_set(struct valset *set, uint32_t members);
struct timestamp smith_time(int64_t seconds); /* since SMITH_TIME */
static inline struct span smith_chain_id(void) { return span_text(SMITH_CHAIN_ID); }

#endif
