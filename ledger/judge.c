#include "ledger/judge.h"

static bool counts_nil(enum params_release release) { return release < PARAMS_V040; }

static struct timestamp median_of(const struct state *state, const struct commit *commit) {
    struct arena scratch;
    arena_init(&scratch, 64 << 20);
    struct timestamp median = commit_median_time(commit, &state->last_validators, counts_nil(state->release), &scratch);
    arena_close(&scratch);
    return median;
}

static enum block_verdict judge_place(const struct state *state, const struct header *header) {
    if (header->version_block != HEADER_BLOCK_PROTOCOL || header->version_app != state->version_app)
        return BLOCK_WRONG_VERSION;
    if (!span_equal(header_chain_id(header), span_text(state->chain_id)))
        return BLOCK_WRONG_CHAIN_ID;
    if (header->height != state_next_height(state))
        return BLOCK_WRONG_HEIGHT;
    return block_id_equal(&header->last_block_id, &state->block_id) ? BLOCK_GOOD : BLOCK_WRONG_PARENT;
}

static enum block_verdict judge_hashes(const struct state *state, const struct header *header) {
    struct digest hash;
    if (!app_hash_equal(&header->app_hash, &state->app_hash))
        return BLOCK_WRONG_APP_HASH;
    params_hash(&hash, &state->params);
    if (!digest_equal(&header->consensus_hash, &hash))
        return BLOCK_WRONG_CONSENSUS_HASH;
    if (!digest_equal(&header->last_results_hash, &state->results_hash))
        return BLOCK_WRONG_RESULTS_HASH;
    valset_hash(&hash, &state->validators);
    if (!digest_equal(&header->validators_hash, &hash))
        return BLOCK_WRONG_VALIDATORS_HASH;
    valset_hash(&hash, &state->next_validators);
    return digest_equal(&header->next_validators_hash, &hash) ? BLOCK_GOOD : BLOCK_WRONG_NEXT_VALIDATORS_HASH;
}

static enum block_verdict judge_commit(const struct state *state, const struct block *block, const struct commit_cache *cache) {
    if (block->header.height == state->initial_height)
        return block->last_commit.count == 0 ? BLOCK_GOOD : BLOCK_COMMIT_REFUSED;
    enum commit_verdict verdict = commit_verify(&block->last_commit, NULL, &state->last_validators, span_text(state->chain_id),
                                                &state->block_id, block->header.height - 1, cache);
    return verdict == COMMIT_GOOD ? BLOCK_GOOD : BLOCK_COMMIT_REFUSED;
}

static enum block_verdict judge_time(const struct state *state, const struct block *block, const struct judge_clock *clock) {
    const struct timestamp *time = &block->header.time;
    if (clock != NULL && clock->tolerance_ns > 0) {
        struct timestamp latest = timestamp_add_ns(&clock->now, clock->tolerance_ns);
        if (timestamp_compare(time, &latest) >= 0)
            return BLOCK_TIME_TOO_FAR;
    }
    if (block->header.height == state->initial_height)
        return timestamp_compare(time, &state->block_time) == 0 ? BLOCK_GOOD : BLOCK_WRONG_TIME;
    struct timestamp median = median_of(state, &block->last_commit);
    bool good = timestamp_compare(time, &state->block_time) > 0 && timestamp_compare(time, &median) == 0;
    return good ? BLOCK_GOOD : BLOCK_WRONG_TIME;
}

static enum block_verdict judge_size(const struct state *state, const struct block *block) {
    if (block->evidence_bytes > state->params.evidence_bytes_max)
        return BLOCK_EVIDENCE_TOO_LARGE;
    return (int64_t)block->bytes->size <= params_block_bytes(&state->params) ? BLOCK_GOOD : BLOCK_TOO_LARGE;
}

/* In the order of validateBlock, so that the first fault found is the one CometBFT names. */
enum block_verdict judge_block(const struct state *state, const struct block *block, const struct commit_cache *cache,
                               const struct judge_clock *clock) {
    enum block_verdict verdict = judge_place(state, &block->header);
    if (verdict == BLOCK_GOOD)
        verdict = judge_hashes(state, &block->header);
    if (verdict == BLOCK_GOOD)
        verdict = judge_commit(state, block, cache);
    if (verdict == BLOCK_GOOD && valset_find(&state->validators, &block->header.proposer_address) < 0)
        verdict = BLOCK_UNKNOWN_PROPOSER;
    if (verdict == BLOCK_GOOD)
        verdict = judge_time(state, block, clock);
    return verdict == BLOCK_GOOD ? judge_size(state, block) : verdict;
}

enum block_verdict judge_bare_header(const struct state *state, const struct header *header) {
    enum block_verdict verdict = judge_place(state, header);
    if (verdict == BLOCK_GOOD)
        verdict = judge_hashes(state, header);
    if (verdict == BLOCK_GOOD && valset_find(&state->validators, &header->proposer_address) < 0)
        verdict = BLOCK_UNKNOWN_PROPOSER;
    if (verdict != BLOCK_GOOD)
        return verdict;
    int order = timestamp_compare(&header->time, &state->block_time);
    return (header->height == state->initial_height ? order == 0 : order > 0) ? BLOCK_GOOD : BLOCK_WRONG_TIME;
}

void judge_header(struct header *out, const struct state *state, const struct commit *last_commit, const struct address *proposer,
                  struct arena *arena) {
    header_init(out);
    out->version_block = HEADER_BLOCK_PROTOCOL;
    out->version_app = state->version_app;
    header_set_chain_id(out, span_text(state->chain_id));
    out->height = state_next_height(state);
    out->last_block_id = state->block_id;
    out->app_hash = state->app_hash;
    out->last_results_hash = state->results_hash;
    out->proposer_address = *proposer;
    params_hash(&out->consensus_hash, &state->params);
    valset_hash(&out->validators_hash, &state->validators);
    valset_hash(&out->next_validators_hash, &state->next_validators);
    bool is_first = out->height == state->initial_height;
    out->time = is_first ? state->block_time
                         : commit_median_time(last_commit, &state->last_validators, counts_nil(state->release), arena);
}
