/* The verdict on a piece of evidence against the chain (cometbft: evidence/verify.go; protocol.md §9), and on those of a block. */
#include <assert.h>
#include <stdlib.h>

#include "ledger/ledger.h"

enum { SCRATCH_BYTES_MAX = 64 << 20 };

const char *evidence_pool_verdict_text(enum evidence_pool_verdict verdict) {
    switch (verdict) {
    case EVIDENCE_POOL_GOOD: return "good";
    case EVIDENCE_POOL_HELD: return "proven, but of a height that this chain has not reached";
    case EVIDENCE_POOL_KNOWN: return "already pending";
    case EVIDENCE_POOL_COMMITTED: return "evidence was already committed";
    case EVIDENCE_POOL_FULL: return "no more evidence is kept of that kind or validator";
    case EVIDENCE_POOL_TOO_LARGE: return "larger than evidence.max_bytes";
    case EVIDENCE_POOL_EARLY: return "about a height that this node has not reached";
    case EVIDENCE_POOL_GONE: return "about a height that this node does not have";
    case EVIDENCE_POOL_EXPIRED: return "too old";
    case EVIDENCE_POOL_WRONG_TIME: return "evidence has a different time to the block it is associated with";
    case EVIDENCE_POOL_BAD_SHAPE: return "malformed";
    case EVIDENCE_POOL_UNPROVEN: return "it does not prove what it claims";
    }
    return "?";
}

bool evidence_pool_is_committed(struct ledger *ledger, const struct digest *hash) {
    struct key key = keys_hash('e', hash->bytes);
    return kv_has(ledger->kv, keys_span(&key));
}

/* Of the height it speaks of: we must have that header, its time must be the evidence's, and it must not be too old. */
static enum evidence_pool_verdict judge_time(struct ledger *ledger, int64_t height, const struct timestamp *time) {
    const struct state *state = &ledger->state;
    struct ledger_meta meta;
    if (height > state->height)
        return EVIDENCE_POOL_EARLY;
    if (!ledger_block_meta(ledger, &meta, height))
        return EVIDENCE_POOL_GONE;
    if (timestamp_compare(&meta.header.time, time) != 0)
        return EVIDENCE_POOL_WRONG_TIME;
    bool expired = evidence_expired(state->height - height, timestamp_diff_ns(&state->block_time, time),
                                    state->params.evidence_age_blocks_max, state->params.evidence_age_ns_max);
    return expired ? EVIDENCE_POOL_EXPIRED : EVIDENCE_POOL_GOOD;
}

static enum evidence_pool_verdict verify_duplicate(struct ledger *ledger, const struct evidence *evidence) {
    int64_t height = evidence->duplicate.vote_a.height;
    struct valset set;
    valset_init(&set);
    bool found = ledger_validators(ledger, &set, height);
    bool good = found && evidence_verify_duplicate(evidence, &set, span_text(ledger->state.chain_id));
    valset_close(&set);
    return good ? EVIDENCE_POOL_GOOD : found ? EVIDENCE_POOL_UNPROVEN : EVIDENCE_POOL_GONE;
}

/* Our block at the conflicting height with its commit. CometBFT wants the commit that the next block carries, because it is the same for all; so a
 * height counts once the chain has passed it. Before that we hold the accused header against our latest one. */
static enum evidence_pool_verdict find_trusted(struct ledger *ledger, struct ledger_meta *meta, struct commit *commit,
                                               const struct evidence *evidence, struct arena *arena) {
    int64_t conflicting = evidence->conflicting_header.height, latest = ledger->state.height;
    if (conflicting < latest) {
        bool canonical;
        bool found = ledger_block_meta(ledger, meta, conflicting) && ledger_commit(ledger, commit, &canonical, conflicting, arena);
        return found ? EVIDENCE_POOL_GOOD : EVIDENCE_POOL_GONE;
    }
    if (!ledger_block_meta(ledger, meta, latest))
        return EVIDENCE_POOL_GONE;
    bool in_time = conflicting == latest || timestamp_compare(&evidence->conflicting_header.time, &meta->header.time) <= 0;
    return in_time && evidence_attack_is_lunatic(evidence, &meta->header) ? EVIDENCE_POOL_HELD : EVIDENCE_POOL_EARLY;
}

static enum evidence_pool_verdict verify_attack(struct ledger *ledger, const struct evidence *evidence) {
    struct arena arena;
    struct ledger_meta meta;
    struct commit commit;
    struct valset common;
    arena_init(&arena, SCRATCH_BYTES_MAX);
    valset_init(&common);
    enum evidence_pool_verdict verdict = find_trusted(ledger, &meta, &commit, evidence, &arena);
    bool proving = verdict == EVIDENCE_POOL_GOOD || verdict == EVIDENCE_POOL_HELD;
    if (proving && !ledger_validators(ledger, &common, evidence->common_height)) {
        verdict = EVIDENCE_POOL_GONE;
    } else if (proving) {
        struct evidence_attack_view view = {&common, &meta.header, verdict == EVIDENCE_POOL_GOOD ? &commit : NULL};
        if (!evidence_verify_attack(evidence, &view, span_text(ledger->state.chain_id)))
            verdict = EVIDENCE_POOL_UNPROVEN;
    }
    valset_close(&common);
    arena_close(&arena);
    return verdict;
}

enum evidence_pool_verdict evidence_pool_judge_standing(struct ledger *ledger, const struct evidence *evidence) {
    struct digest hash;
    evidence_hash(&hash, evidence);
    if (evidence_pool_is_committed(ledger, &hash))
        return EVIDENCE_POOL_COMMITTED;
    bool is_attack = evidence->kind == EVIDENCE_LIGHT_ATTACK;
    return judge_time(ledger, evidence_height(evidence), is_attack ? &evidence->timestamp : &evidence->duplicate.timestamp);
}

enum evidence_pool_verdict evidence_pool_verify(struct ledger *ledger, const struct evidence *evidence) {
    if (!evidence_check(evidence))
        return EVIDENCE_POOL_BAD_SHAPE;
    enum evidence_pool_verdict verdict = evidence_pool_judge_standing(ledger, evidence);
    if (verdict != EVIDENCE_POOL_GOOD)
        return verdict;
    return evidence->kind == EVIDENCE_LIGHT_ATTACK ? verify_attack(ledger, evidence) : verify_duplicate(ledger, evidence);
}

/* ---- the evidence of a block */

/* The hash of a double vote is that of all its bytes: if it is pending, its signatures were verified. That of an attack is not (CometBFT verifies
 * attacks anew as well). */
static bool was_verified(const struct ledger *ledger, const struct evidence *evidence, const struct digest *hash) {
    return evidence->kind == EVIDENCE_DUPLICATE_VOTE &&
           evidence_pool_find(&ledger->evidence, evidence_height(evidence), hash) != NULL;
}

static bool holds(struct ledger *ledger, const struct evidence *evidence, const struct digest *hash) {
    return was_verified(ledger, evidence, hash) ? evidence_pool_judge_standing(ledger, evidence) == EVIDENCE_POOL_GOOD
                                                : evidence_pool_verify(ledger, evidence) == EVIDENCE_POOL_GOOD;
}

static int compare_digests(const void *one, const void *other) {
    return memcmp(((const struct digest *)one)->bytes, ((const struct digest *)other)->bytes, 32);
}

static bool all_differ(struct digest *hashes, uint32_t count) {
    qsort(hashes, count, sizeof *hashes, compare_digests);
    for (uint32_t i = 1; i < count; i++)
        if (digest_equal(&hashes[i - 1], &hashes[i]))
            return false;
    return true;
}

bool evidence_pool_judge(struct ledger *ledger, const struct block *block) {
    uint32_t count = block->evidence_count;
    if (count == 0)
        return true;
    struct digest *hashes = calloc(count, 2 * sizeof *hashes), *sorted = hashes + count;
    assert(hashes != NULL);
    for (uint32_t i = 0; i < count; i++)
        evidence_hash(&hashes[i], &block->evidence[i]);
    memcpy(sorted, hashes, count * sizeof *hashes);
    bool good = all_differ(sorted, count);
    for (uint32_t i = 0; good && i < count; i++)
        good = holds(ledger, &block->evidence[i], &hashes[i]);
    free(hashes);
    return good;
}
