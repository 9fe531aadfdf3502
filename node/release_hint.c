#include "node/release_hint.h"

const char *release_hint_of(const struct state *state, const struct block *block) {
    struct arena scratch;
    bool ours_counts_nil = state->release < PARAMS_V040;
    if (block->header.height == state->initial_height)
        return NULL;
    arena_init(&scratch, 64 << 20);
    struct timestamp other = commit_median_time(&block->last_commit, &state->last_validators, !ours_counts_nil, &scratch);
    arena_close(&scratch);
    if (timestamp_compare(&other, &block->header.time) != 0)
        return NULL;
    return ours_counts_nil ? "this chain's blocks do not count nil votes in block times: set [quorate] release = \"0.40\""
                           : "this chain's blocks count nil votes in block times: set [quorate] release = \"0.38\" or \"0.39\"";
}
