/* The verdict on a block against the state (cometbft: state/validation.go validateBlock; protocol.md §1.6). Knows no round and no peer. */
#ifndef QUORATE_LEDGER_JUDGE_H
#define QUORATE_LEDGER_JUDGE_H

#include "ledger/state.h"

struct judge_clock { /* the local tolerance for block times (block_time_tolerance, ≥ 0.38.22); ns 0: no check */
    struct timestamp now;
    int64_t tolerance_ns;
};

/* cache may be NULL (commit.h). */
enum block_verdict judge_block(const struct state *state, const struct block *block, const struct commit_cache *cache,
                               const struct judge_clock *clock);
/* What of it the header alone tells: place, hashes, proposer, that it is later than its parent. */
enum block_verdict judge_bare_header(const struct state *state, const struct header *header);
/* The header a proposer of the next height writes: all but the three content hashes; time from the last commit's median. */
void judge_header(struct header *out, const struct state *state, const struct commit *last_commit, const struct address *proposer,
                  struct arena *arena);

#endif
