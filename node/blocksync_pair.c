/* Two blocks in a row: the second carries the commit that proves the first. */
#include <assert.h>

#include "node/blocksync.h"

enum { EXTENDED_TABLES_MAX = 16 * 1024 * 1024 }; /* of VOTE_COUNT_MAX entries; extensions are loans */

/* ---- signatures already verified */

/* The vote is an entry of the very commit whose signatures all were verified under these keys. */
static bool is_proven(void *context, const struct vote *vote, const struct pubkey *key) {
    const struct valset *keys = context;
    return vote->validator_index >= 0 && (uint32_t)vote->validator_index < keys->count &&
           pubkey_equal(key, &keys->validators[vote->validator_index].pub_key);
}

/* ---- verdicts */

static enum blocksync_step convict(struct blocksync_blame *blame, bool first, bool second, enum world_blame how, const char *reason) {
    *blame = (struct blocksync_blame){first, second, how, reason};
    return BLOCKSYNC_BLAMED;
}

static bool decode(struct blocksync_slot *slot) {
    enum block_verdict verdict;
    if (slot->block == NULL)
        slot->block = block_decode(slot->bytes, &verdict);
    return slot->block != NULL;
}

static enum commit_verdict verify(const struct blocksync *sync, const struct blocksync_slot *slot, const struct block_id *id) {
    const struct state *state = &sync->ledger->state;
    return commit_verify(&slot->block->last_commit, NULL, &state->validators, span_text(state->chain_id), id, sync->front, NULL);
}

/* A commit that is good for another block: two thirds decided that one, and this one is made up. A commit that is good for none: whoever
 * has its block whole never got it from an honest validator. Unless we ourselves have other validators than the chain: then nobody is convicted
 * by this, but we cannot go on with these two. */
static enum blocksync_step refuse(const struct blocksync *sync, struct blocksync_blame *blame, const struct blocksync_slot *first,
                                  const struct blocksync_slot *second) {
    struct digest validators;
    if (verify(sync, second, &second->block->last_commit.block_id) == COMMIT_GOOD)
        return convict(blame, true, false, WORLD_BLAME_MALICE, "block sync: its block is not the one that two thirds signed");
    valset_hash(&validators, &sync->ledger->state.validators);
    if (digest_equal(&first->block->header.validators_hash, &validators))
        return convict(blame, false, true, WORLD_BLAME_MALICE, "block sync: its block carries a commit that does not hold");
    return convict(blame, true, true, WORLD_BLAME_FAULT, "block sync: its blocks are of other validators than ours");
}

/* The application is not asked whether it likes what two thirds decided. */
static enum block_verdict judge(struct blocksync *sync, const struct blocksync_slot *slot) {
    struct commit_cache cache = {&sync->ledger->state.last_validators, is_proven};
    const struct commit_cache *known = slot->is_proof ? &cache : NULL;
    if (slot->block->evidence_count == 0)
        return judge_block(&sync->ledger->state, slot->block, known, NULL);
    sync->ledger->clock = (struct judge_clock){.tolerance_ns = 0};
    enum block_verdict verdict = ledger_judge(sync->ledger, slot->block, known);
    return verdict == BLOCK_REFUSED_BY_APP ? BLOCK_GOOD : verdict;
}

/* ---- the extended commit, which the first block's supplier gave. What it shares with the second block's commit was verified there. */

static bool is_in_commit(void *context, const struct vote *vote, const struct pubkey *key) {
    const struct commit *proven = context;
    struct vote known;
    (void)key; /* of the same validators */
    if ((uint32_t)vote->validator_index >= proven->count || proven->round != vote->round ||
        proven->sigs[vote->validator_index].flag == COMMIT_ABSENT)
        return false;
    commit_vote(&known, proven, (uint32_t)vote->validator_index);
    return block_id_equal(&known.block_id, &vote->block_id) && timestamp_compare(&known.timestamp, &vote->timestamp) == 0 &&
           span_equal(span_of(known.signature.bytes, known.signature.size), span_of(vote->signature.bytes, vote->signature.size));
}

static enum commit_verdict take_extended(const struct blocksync *sync, struct commit *extended, const struct blocksync_slot *first,
                                         struct blocksync_slot *second, const struct block_id *id, struct arena *arena) {
    const struct state *state = &sync->ledger->state;
    struct commit_cache cache = {&second->block->last_commit, is_in_commit};
    if (!commit_extended_decode(extended, blob_span(first->extended), arena))
        return COMMIT_BAD_SHAPE;
    enum commit_verdict verdict = commit_extended_check(extended);
    return verdict != COMMIT_GOOD ? verdict : commit_extended_verify(extended, NULL, &state->validators, span_text(state->chain_id), id, sync->front, &cache);
}

static enum blocksync_step apply(struct blocksync *sync, struct blocksync_slot *first, struct blocksync_slot *second, const struct commit *seen) {
    enum block_verdict verdict = judge(sync, first);
    if (verdict != BLOCK_GOOD) {
        sync->owner.halt(sync->owner.context, block_verdict_text(verdict));
        return BLOCKSYNC_HALTED;
    }
    struct ledger_applied applied;
    second->is_proof = true; /* of validators that become the last ones */
    bool fresh = ledger_apply(sync->ledger, &applied, first->block, seen);
    assert(fresh);
    sync->owner.applied(sync->owner.context, first->block, &applied);
    return BLOCKSYNC_APPLIED;
}

static enum blocksync_step apply_extended(struct blocksync *sync, struct blocksync_blame *blame, struct blocksync_slot *first,
                                          struct blocksync_slot *second, const struct block_id *id) {
    struct arena arena;
    struct commit extended;
    arena_init(&arena, EXTENDED_TABLES_MAX);
    enum commit_verdict verdict = take_extended(sync, &extended, first, second, id, &arena);
    enum blocksync_step step = verdict == COMMIT_GOOD
                                   ? apply(sync, first, second, &extended)
                                   : convict(blame, true, false, WORLD_BLAME_MALICE, "block sync: its block comes with an extended commit that does not hold");
    arena_close(&arena);
    return step;
}

enum blocksync_step blocksync_pair(struct blocksync *sync, struct blocksync_blame *blame) {
    struct blocksync_slot *first = blocksync_slot(sync, sync->front), *second = blocksync_slot(sync, sync->front + 1);
    if (first->bytes == NULL || second->bytes == NULL)
        return BLOCKSYNC_WAITS;
    if (!decode(first))
        return convict(blame, true, false, WORLD_BLAME_MALICE, "block sync: malformed block");
    if (!decode(second))
        return convict(blame, false, true, WORLD_BLAME_MALICE, "block sync: malformed block");
    if ((first->extended != NULL) != ledger_extends(sync->ledger, sync->front))
        return convict(blame, true, false, WORLD_BLAME_FAULT, "block sync: an extended commit comes when, and only when, vote extensions are on");
    struct block_id id;
    block_id_of(first->block, &id);
    if (verify(sync, second, &id) != COMMIT_GOOD)
        return refuse(sync, blame, first, second);
    return first->extended == NULL ? apply(sync, first, second, &second->block->last_commit) : apply_extended(sync, blame, first, second, &id);
}
