/* The simulator's memory of every vote and proposal that left a node: stands outside of the replicas and tells who broke which promise, also over restarts.
 * Knows nothing but what was said aloud. */
#ifndef QUORATE_NODE_WITNESS_H
#define QUORATE_NODE_WITNESS_H

#include "tendermint/vote.h"

struct witness;

struct witness *witness_new(void);
void witness_free(struct witness *witness);

/* A vote of node `voter` leaves it. `power` is the voter's, `quorum` what two thirds are, both of the vote's height. NULL, or what is wrong:
 * a second vote for another block, or a prevote against its own lock without a newer polka (accountability.md: strict). */
const char *witness_vote(struct witness *witness, uint32_t voter, const struct vote *vote, int64_t power, int64_t quorum);
/* The same of a voter whom nobody holds to its word: both of its votes count for others' polkas. */
void witness_faulty_vote(struct witness *witness, uint32_t voter, const struct vote *vote, int64_t power);
const char *witness_proposal(struct witness *witness, uint32_t proposer, const struct proposal *proposal);

#endif
