/* Verification of commits (cometbft: types/validation.go; protocol.md §1.6). What is cheap comes first: shapes, addresses
 * and the tally are looked at before any signature is. */
#include <assert.h>
#include <stdlib.h>

#include "tendermint/commit.h"

enum { CHUNK = 512 }; /* a larger batch gains nothing and leaves the cache */

struct waiting {
    uint32_t entry;
    const struct pubkey *key;
    size_t size;
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    bool good;
};

/* Signatures to verify: gathered, then verified together. */
struct gathering {
    const struct commit *commit;
    struct span chain_id;
    const struct commit_cache *cache;
    uint32_t count, capacity;
    struct waiting *waiting;
    struct ed25519_claim *claims;
    bool *claims_good;
    bool failed;
    uint32_t culprit; /* the first bad entry */
};

static void *take(size_t count, size_t size) {
    void *memory = malloc(count == 0 ? 1 : count * size);
    assert(memory != NULL);
    return memory;
}

static void gathering_init(struct gathering *all, const struct commit *commit, struct span chain_id,
                           const struct commit_cache *cache) {
    *all = (struct gathering){.commit = commit, .chain_id = chain_id, .cache = cache};
    all->capacity = commit->count < CHUNK ? commit->count : CHUNK;
    all->waiting = take(all->capacity, sizeof all->waiting[0]);
    all->claims = take(all->capacity, sizeof all->claims[0]);
    all->claims_good = take(all->capacity, sizeof all->claims_good[0]);
}

static void gathering_close(struct gathering *all) {
    free(all->waiting);
    free(all->claims);
    free(all->claims_good);
}

static const struct signature *signature_of(const struct gathering *all, const struct waiting *one) {
    return &all->commit->sigs[one->entry].signature;
}

static bool batchable(const struct gathering *all, const struct waiting *one) {
    return one->key->type == PUBKEY_ED25519 && signature_of(all, one)->size == ED25519_SIGNATURE_BYTES;
}

/* Keys of other types stand beside the batch and are verified singly (wound 29). */
static void verify_waiting(struct gathering *all) {
    size_t claims = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct waiting *one = &all->waiting[i];
        if (batchable(all, one))
            all->claims[claims++] =
                (struct ed25519_claim){one->key->bytes, signature_of(all, one)->bytes, span_of(one->bytes, one->size)};
    }
    bool batched = claims >= 2;
    if (batched)
        ed25519_verify_batch_vartime(all->claims_good, all->claims, claims);
    for (uint32_t i = 0, claim = 0; i < all->count; i++) {
        struct waiting *one = &all->waiting[i];
        if (batched && batchable(all, one))
            one->good = all->claims_good[claim++];
        else
            one->good = pubkey_verify_vartime(one->key, span_of(one->bytes, one->size), signature_of(all, one));
    }
}

static void gathering_verify(struct gathering *all) {
    verify_waiting(all);
    for (uint32_t i = 0; i < all->count && !all->failed; i++) {
        all->failed = !all->waiting[i].good;
        all->culprit = all->waiting[i].entry;
    }
    all->count = 0;
}

static void gathering_add(struct gathering *all, uint32_t entry, const struct pubkey *key) {
    struct vote vote;
    commit_vote(&vote, all->commit, entry);
    if (all->failed || (all->cache != NULL && all->cache->knows(all->cache->context, &vote, key)))
        return;
    struct waiting *one = &all->waiting[all->count++];
    one->entry = entry;
    one->key = key;
    one->size = vote_sign_bytes(one->bytes, &vote, all->chain_id);
    if (all->count == all->capacity)
        gathering_verify(all);
}

/* Verifies entries below `end` whose flag is wanted; member_of gives the validator of each entry, or is NULL: the same index. */
static enum commit_verdict verify_entries(struct gathering *all, const struct valset *set, const int32_t *member_of,
                                          uint32_t end, bool nil_too) {
    for (uint32_t i = 0; i < end && !all->failed; i++) {
        int32_t flag = all->commit->sigs[i].flag;
        int32_t member = member_of == NULL ? (int32_t)i : member_of[i];
        if (member >= 0 && (flag == COMMIT_FOR_BLOCK || (nil_too && flag == COMMIT_FOR_NIL)))
            gathering_add(all, i, &set->validators[member].pub_key);
    }
    gathering_verify(all);
    return all->failed ? COMMIT_BAD_SIGNATURE : COMMIT_GOOD;
}

static enum commit_verdict check_matches(const struct commit *commit, const struct valset *set, const struct block_id *block_id,
                                         int64_t height) {
    if (commit->count != set->count)
        return COMMIT_WRONG_SIZE;
    if (commit->height != height)
        return COMMIT_WRONG_HEIGHT;
    return block_id_equal(&commit->block_id, block_id) ? COMMIT_GOOD : COMMIT_WRONG_BLOCK;
}

/* The address of an entry is not signed; if it were not tied to the index, a proposer could put another's name on a vote,
 * and the median time would weigh it with the other's power (wound 27). */
static bool names_its_validator(const struct commit *commit, const struct valset *set, uint32_t i) {
    return address_equal(&commit->sigs[i].validator_address, &set->validators[i].address);
}

static int64_t two_thirds(const struct valset *set) { return valset_quorum(set) - 1; }

static enum commit_verdict tally_all(const struct commit *commit, const struct valset *set, uint32_t *at) {
    int64_t tally = 0;
    for (uint32_t i = 0; i < commit->count; i++) {
        int32_t flag = commit->sigs[i].flag;
        *at = i;
        if (flag < COMMIT_ABSENT || flag > COMMIT_FOR_NIL)
            return COMMIT_BAD_SHAPE;
        if (flag == COMMIT_ABSENT)
            continue;
        if (!names_its_validator(commit, set, i))
            return COMMIT_WRONG_ADDRESS;
        tally += flag == COMMIT_FOR_BLOCK ? set->validators[i].power : 0;
    }
    return tally > two_thirds(set) ? COMMIT_GOOD : COMMIT_NO_QUORUM;
}

enum commit_verdict commit_verify(const struct commit *commit, uint32_t *culprit, const struct valset *set, struct span chain_id,
                                  const struct block_id *block_id, int64_t height, const struct commit_cache *cache) {
    uint32_t at = 0;
    enum commit_verdict verdict = check_matches(commit, set, block_id, height);
    if (verdict == COMMIT_GOOD)
        verdict = tally_all(commit, set, &at);
    if (verdict == COMMIT_GOOD) {
        /* Votes for nil are verified too: the application hears who signed, and a false witness must not pass (wound 10). */
        struct gathering all;
        gathering_init(&all, commit, chain_id, cache);
        verdict = verify_entries(&all, set, NULL, commit->count, true);
        at = all.culprit;
        gathering_close(&all);
    }
    bool named = verdict == COMMIT_BAD_SHAPE || verdict == COMMIT_WRONG_ADDRESS || verdict == COMMIT_BAD_SIGNATURE;
    if (named && culprit != NULL)
        *culprit = at;
    return verdict;
}

static enum commit_verdict verify_some(const struct commit *commit, const struct valset *set, const int32_t *member_of,
                                       uint32_t end, struct span chain_id) {
    struct gathering all;
    gathering_init(&all, commit, chain_id, NULL);
    enum commit_verdict verdict = verify_entries(&all, set, member_of, end, false);
    gathering_close(&all);
    return verdict;
}

/* *end: the entries that must be verified; all, or as many as pass two thirds. */
static enum commit_verdict tally_light(const struct commit *commit, const struct valset *set, bool all, uint32_t *end) {
    int64_t tally = 0;
    for (*end = 0; *end < commit->count && (all || tally <= two_thirds(set)); ++*end) {
        if (commit->sigs[*end].flag != COMMIT_FOR_BLOCK)
            continue;
        if (!names_its_validator(commit, set, *end))
            return COMMIT_WRONG_ADDRESS;
        tally += set->validators[*end].power;
    }
    return tally > two_thirds(set) ? COMMIT_GOOD : COMMIT_NO_QUORUM;
}

static enum commit_verdict verify_light(const struct commit *commit, const struct valset *set, struct span chain_id,
                                        const struct block_id *block_id, int64_t height, bool all) {
    uint32_t end;
    enum commit_verdict verdict = check_matches(commit, set, block_id, height);
    if (verdict == COMMIT_GOOD)
        verdict = tally_light(commit, set, all, &end);
    return verdict == COMMIT_GOOD ? verify_some(commit, set, NULL, end, chain_id) : verdict;
}

enum commit_verdict commit_verify_light(const struct commit *commit, const struct valset *set, struct span chain_id,
                                        const struct block_id *block_id, int64_t height) {
    return verify_light(commit, set, chain_id, block_id, height, false);
}

enum commit_verdict commit_verify_light_all(const struct commit *commit, const struct valset *set, struct span chain_id,
                                            const struct block_id *block_id, int64_t height) {
    return verify_light(commit, set, chain_id, block_id, height, true);
}

/* Who of a set that need not be the commit's own signed for the block; nobody twice. Tallies until above `needed`. */
static enum commit_verdict tally_trusting(const struct commit *commit, const struct valset_index *index, int64_t needed, bool all,
                                          int32_t *member_of, bool *seen, uint32_t *end) {
    int64_t tally = 0;
    for (*end = 0; *end < commit->count && (all || tally <= needed); ++*end) {
        const struct commit_sig *sig = &commit->sigs[*end];
        int32_t member = sig->flag == COMMIT_FOR_BLOCK ? valset_index_find(index, &sig->validator_address) : -1;
        member_of[*end] = member;
        if (member < 0)
            continue;
        if (seen[member])
            return COMMIT_DOUBLE_VOTE;
        seen[member] = true;
        tally += index->set->validators[member].power;
    }
    return tally > needed ? COMMIT_GOOD : COMMIT_NO_QUORUM;
}

static bool share_of(int64_t *needed, int64_t total, uint64_t numerator, uint64_t denominator) {
    int64_t product;
    if (denominator == 0 || denominator > INT64_MAX || numerator > INT64_MAX ||
        __builtin_mul_overflow(total, (int64_t)numerator, &product))
        return false;
    *needed = product / (int64_t)denominator;
    return true;
}

enum commit_verdict commit_verify_trusting(const struct commit *commit, const struct valset *set, struct span chain_id,
                                           uint64_t numerator, uint64_t denominator, bool all) {
    int64_t needed;
    uint32_t end;
    if (!share_of(&needed, set->total_power, numerator, denominator))
        return COMMIT_BAD_TRUST_LEVEL;
    struct valset_index index;
    valset_index_init(&index, set);
    int32_t *member_of = take(commit->count, sizeof member_of[0]);
    bool *seen = take(set->count, sizeof seen[0]);
    memset(seen, 0, set->count * sizeof seen[0]);
    enum commit_verdict verdict = tally_trusting(commit, &index, needed, all, member_of, seen, &end);
    if (verdict == COMMIT_GOOD)
        verdict = verify_some(commit, set, member_of, end, chain_id);
    free(seen);
    free(member_of);
    valset_index_close(&index);
    return verdict;
}
