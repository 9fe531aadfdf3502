/* What an application is asked about a block, from the chain's state and the block (cometbft: state/execution.go
 * BuildLastCommitInfo; types/evidence.go ABCI). Votes, misbehaviour come from the arena; the rest is a loan from the block. */
#ifndef QUORATE_LEDGER_QUESTION_H
#define QUORATE_LEDGER_QUESTION_H

#include "ledger/state.h"

/* `last_commit` has one entry per last validator, or none at the initial height. */
void question_of_block(struct abci_block *out, const struct state *state, const struct block *block, struct arena *arena);
/* The same before the block exists, for PrepareProposal; without hash. */
void question_of_plan(struct abci_block *out, const struct state *state, const struct block_plan *plan, struct arena *arena);

#endif
