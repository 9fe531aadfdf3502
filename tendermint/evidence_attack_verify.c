/* Is a light client attack proven (cometbft: evidence/verify.go VerifyLightClientAttack, types/evidence.go GetByzantineValidators;
 * protocol.md §9)? What costs no signature is looked at first: the evidence may hold ten thousand of them. */
#include <assert.h>
#include <stdlib.h>

#include "tendermint/evidence.h"

bool evidence_attack_header_is_lunatic(const struct header *conflicting, const struct header *trusted) {
    return !digest_equal(&trusted->validators_hash, &conflicting->validators_hash) ||
           !digest_equal(&trusted->next_validators_hash, &conflicting->next_validators_hash) ||
           !digest_equal(&trusted->consensus_hash, &conflicting->consensus_hash) ||
           !app_hash_equal(&trusted->app_hash, &conflicting->app_hash) ||
           !digest_equal(&trusted->last_results_hash, &conflicting->last_results_hash);
}

bool evidence_attack_is_lunatic(const struct evidence *evidence, const struct header *trusted) {
    return evidence_attack_header_is_lunatic(&evidence->conflicting_header, trusted);
}

/* Who signed for a block that no correct validator could have made: those of the common set. */
static uint32_t find_lunatics(const struct validator **out, const struct commit *commit, const struct valset *common) {
    struct valset_index index;
    uint32_t count = 0;
    valset_index_init(&index, common);
    for (uint32_t i = 0; i < commit->count; i++) {
        const struct commit_sig *sig = &commit->sigs[i];
        int32_t member = sig->flag == COMMIT_FOR_BLOCK ? valset_index_find(&index, &sig->validator_address) : -1;
        if (member >= 0)
            out[count++] = &common->validators[member];
    }
    valset_index_close(&index);
    return count;
}

/* Both blocks have the same set, hence the same order: whoever signed at one index in both commits. */
static uint32_t find_equivocators(const struct validator **out, const struct commit *commit, const struct commit *trusted,
                                  const struct valset *set) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < commit->count && i < trusted->count && i < set->count; i++)
        if (commit->sigs[i].flag == COMMIT_FOR_BLOCK && trusted->sigs[i].flag == COMMIT_FOR_BLOCK)
            out[count++] = &set->validators[i];
    return count;
}

static int by_power(const void *one, const void *other) {
    const struct validator *a = *(const struct validator *const *)one, *b = *(const struct validator *const *)other;
    return a->power != b->power ? (a->power < b->power) - (a->power > b->power) : address_compare(&a->address, &b->address);
}

uint32_t evidence_attack_byzantine(const struct validator **found, const struct header *conflicting, const struct commit *commit,
                                   const struct evidence_attack_view *view, const struct valset *set) {
    uint32_t count = 0;
    if (evidence_attack_header_is_lunatic(conflicting, view->trusted))
        count = find_lunatics(found, commit, view->common_set);
    else if (view->trusted_commit != NULL && view->trusted_commit->round == commit->round)
        count = find_equivocators(found, commit, view->trusted_commit, set);
    if (count > 0)
        qsort(found, count, sizeof *found, by_power);
    return count;
}

static bool list_equals(const struct evidence *evidence, const struct validator **found, uint32_t count) {
    if (count == 0 || count != evidence->byzantine_count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!address_equal(&found[i]->address, &evidence->byzantine[i].address) || found[i]->power != evidence->byzantine[i].power)
            return false;
    return true;
}

/* The list must be exactly the one that follows from both blocks. From commits of different rounds (amnesia) none follows, and a list of
 * nobody is refused: CometBFT tells an empty list that came over the wire from none at all, and takes only the latter. */
static bool names_the_byzantine(const struct evidence *evidence, const struct evidence_attack_view *view, const struct valset *set) {
    const struct commit *commit = &evidence->conflicting_commit;
    const struct validator **found = calloc(commit->count > 0 ? commit->count : 1, sizeof *found);
    assert(found != NULL);
    uint32_t count = evidence_attack_byzantine(found, &evidence->conflicting_header, commit, view, set);
    bool good = list_equals(evidence, found, count);
    free(found);
    return good;
}

/* A header of a height that the chain has not reached convicts only by its time: it is not later than our latest block. */
static bool contradicts(const struct evidence *evidence, const struct header *trusted) {
    const struct header *conflicting = &evidence->conflicting_header;
    if (conflicting->height > trusted->height)
        return timestamp_compare(&conflicting->time, &trusted->time) <= 0;
    struct digest ours;
    header_hash(&ours, trusted);
    return !digest_equal(&ours, &evidence->conflicting_commit.block_id.hash); /* which is the conflicting header's (check) */
}

static bool is_signed(const struct evidence *evidence, const struct evidence_attack_view *view, const struct valset *set,
                      struct span chain_id) {
    const struct commit *commit = &evidence->conflicting_commit;
    bool skipped = evidence->common_height != evidence->conflicting_header.height;
    if (skipped && commit_verify_trusting(commit, view->common_set, chain_id, 1, 3, true) != COMMIT_GOOD)
        return false;
    return commit_verify_light_all(commit, set, chain_id, &commit->block_id, evidence->conflicting_header.height) == COMMIT_GOOD;
}

bool evidence_verify_attack(const struct evidence *evidence, const struct evidence_attack_view *view, struct span chain_id) {
    bool same_height = evidence->common_height == evidence->conflicting_header.height;
    if (evidence->kind != EVIDENCE_LIGHT_ATTACK || !evidence_attack_check(evidence) ||
        evidence->total_power != view->common_set->total_power || !contradicts(evidence, view->trusted) ||
        (same_height && evidence_attack_is_lunatic(evidence, view->trusted)))
        return false;
    struct valset set;
    valset_init(&set);
    bool good = valset_decode(&set, evidence->conflicting_validators) == VALSET_GOOD && names_the_byzantine(evidence, view, &set) &&
                is_signed(evidence, view, &set, chain_id);
    valset_close(&set);
    return good;
}
