/* A network of whole replicas whose votes, proposals and parts wait for a word before they arrive: any copy of them, whoever passes it on. What nodes
 * tell each other about where they are and what they have comes through at once. */
#ifndef QUORATE_TESTS_NODE_STAGE_H
#define QUORATE_TESTS_NODE_STAGE_H

#include "node/sim.h"
#include "node/wire.h"

enum { STAGE_NODES_MAX = 8, STAGE_HEIGHTS = 5, STAGE_ROUNDS = 8, STAGE_TIMEOUT_MS = 10000 };

struct stage_said { /* by one node in one round */
    bool proposed, voted[2]; /* prevote, precommit */
    struct proposal proposal;
    struct vote votes[2];
};

struct stage; /* nodes are called by their place in the validator set, as in the engine's stories */

/* Not started yet. All timeouts are STAGE_TIMEOUT_MS, in every round. */
struct stage *stage_new(const int64_t *powers, uint32_t count, const struct engine_config *changes);
void stage_free(struct stage *stage);
struct sim *stage_sim(struct stage *stage);
uint32_t stage_node(const struct stage *stage, uint32_t who); /* the simulator's number */
const struct engine *stage_engine(const struct stage *stage, uint32_t who);
/* NULL: out of the bounds above. */
const struct stage_said *stage_said(const struct stage *stage, uint32_t who, int64_t height, int32_t round);

void stage_start(struct stage *stage, uint32_t who);
/* From now on these arrive: the vote of `voter`; the proposal of a round; the parts of a block. */
void stage_let_vote(struct stage *stage, int64_t height, int32_t round, int32_t type, uint32_t voter, uint32_t to);
/* A vote that its voter has said, whether it would send it there or not: others tell nobody of rounds that he has not reached. */
void stage_carry_vote(struct stage *stage, int64_t height, int32_t round, int32_t type, uint32_t voter, uint32_t to);
void stage_let_proposal(struct stage *stage, int64_t height, int32_t round, uint32_t to);
void stage_let_block(struct stage *stage, const struct block_id *id, uint32_t to);
void stage_heal(struct stage *stage);     /* all arrives, now and from now on */
void stage_run(struct stage *stage, int64_t ms);
/* Who was made a liar says no more of itself; votes under its key are made for it. */
void stage_make_liar(struct stage *stage, uint32_t who);
void stage_lie(struct stage *stage, uint32_t who, int64_t height, int32_t round, int32_t type, const struct block_id *id, uint32_t to);

#endif
