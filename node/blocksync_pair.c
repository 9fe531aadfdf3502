/* Two blocks in a row: the second carries the commit that proves the first. */
#include <assert.h>

#include "node/blocksync.h"

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

static bool wants_extensions(const struct state *state, int64_t height) {
    int64_t from = state->params.extensions_enable_height;
    return from != 0 && height >= from;
}

static enum blocksync_step apply(struct blocksync *sync, struct blocksync_slot *first, struct blocksync_slot *second) {
    enum block_verdict verdict = judge(sync, first);
    if (verdict != BLOCK_GOOD) {
        sync->owner.halt(sync->owner.context, block_verdict_text(verdict));
        return BLOCKSYNC_HALTED;
    }
    struct ledger_applied applied;
    second->is_proof = true; /* of validators that become the last ones */
    bool fresh = ledger_apply(sync->ledger, &applied, first->block, &second->block->last_commit);
    assert(fresh);
    sync->owner.applied(sync->owner.context, first->block, &applied);
    return BLOCKSYNC_APPLIED;
}

enum blocksync_step blocksync_pair(struct blocksync *sync, struct blocksync_blame *blame) {
    struct blocksync_slot *first = blocksync_slot(sync, sync->front), *second = blocksync_slot(sync, sync->front + 1);
    if (first->bytes == NULL || second->bytes == NULL)
        return BLOCKSYNC_WAITS;
    if (!decode(first))
        return convict(blame, true, false, WORLD_BLAME_MALICE, "block sync: malformed block");
    if (!decode(second))
        return convict(blame, false, true, WORLD_BLAME_MALICE, "block sync: malformed block");
    if (first->has_extended_commit != wants_extensions(&sync->ledger->state, sync->front))
        return convict(blame, true, false, WORLD_BLAME_FAULT, "block sync: an extended commit comes when, and only when, vote extensions are on");
    struct block_id id;
    block_id_of(first->block, &id);
    if (verify(sync, second, &id) != COMMIT_GOOD)
        return refuse(sync, blame, first, second);
    return apply(sync, first, second);
}
