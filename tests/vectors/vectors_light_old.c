#include "tests/vectors/vectors_light_old.h"

#include <stdlib.h>

#include "crypto/ed25519.h"
#include "crypto/text.h"

struct digest old_name_of(const struct old_names *names, const struct digest *old) {
    for (uint32_t i = 0; i < names->count; i++)
        if (digest_equal(&names->old[i], old))
            return names->now[i];
    return *old;
}

/* The first to use a name has it: whoever comes with other content under the same name is the liar that the case is about. */
static bool name(struct old_names *names, const struct digest *old, const struct digest *now) {
    struct digest known = old_name_of(names, old);
    if (old->size == 0 || !digest_equal(&known, old))
        return true;
    if (names->count == OLD_NAMES_MAX)
        return false;
    names->old[names->count] = *old;
    names->now[names->count++] = *now;
    return true;
}

static struct ed25519_key *new_key(const struct address *old) {
    uint8_t seed[32];
    sha256_once(seed, address_span(old));
    return ed25519_key_new(seed);
}

static void renew_validator(struct validator *validator) {
    uint8_t public_key[32];
    struct ed25519_key *key = new_key(&validator->address);
    ed25519_key_public(key, public_key);
    ed25519_key_free(key);
    validator->pub_key = pubkey_ed25519(public_key);
    validator->address = pubkey_address(&validator->pub_key);
}

static bool renew_set(struct valset *now, const struct valset *old) {
    struct validator *members = calloc(old->count + 1, sizeof *members);
    for (uint32_t i = 0; i < old->count; i++) {
        members[i] = old->validators[i];
        renew_validator(&members[i]);
    }
    bool good = light_block_set_of(now, members, old->count) == VALSET_GOOD;
    free(members);
    return good;
}

static const struct commit_sig *find_sig(const struct light_block *block, const struct address *now, struct address *old) {
    for (uint32_t i = 0; i < block->set.count; i++) {
        struct validator validator = block->set.validators[i];
        renew_validator(&validator);
        if (!address_equal(&validator.address, now))
            continue;
        *old = block->set.validators[i].address;
        for (uint32_t j = 0; j < block->commit.count; j++)
            if (address_equal(&block->commit.sigs[j].validator_address, old))
                return &block->commit.sigs[j];
    }
    return NULL;
}

static void sign(struct commit *commit, uint32_t index, const struct address *old, struct span chain_id) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    struct vote vote;
    struct ed25519_key *key = new_key(old);
    commit_vote(&vote, commit, index);
    size_t size = vote_sign_bytes(bytes, &vote, chain_id);
    commit->sigs[index].signature.size = 64;
    ed25519_sign(key, commit->sigs[index].signature.bytes, span_of(bytes, size));
    ed25519_key_free(key);
}

/* Entries go with their validators, whose order is another now. */
static void renew_sigs(struct commit *commit, const struct light_block *block, const struct valset *set) {
    for (uint32_t i = 0; i < commit->count; i++) {
        struct address old;
        const struct commit_sig *sig = i < set->count ? find_sig(block, &set->validators[i].address, &old) : NULL;
        commit_sig_absent(&commit->sigs[i]);
        if (sig == NULL || sig->flag == COMMIT_ABSENT)
            continue;
        commit->sigs[i] = *sig;
        commit->sigs[i].validator_address = set->validators[i].address;
        if (sig->signature.size == 64)
            sign(commit, i, &old, header_chain_id(&block->header));
    }
}

static bool renew_header(struct old_names *names, struct header *header, const struct light_block *block, const struct valset *set,
                         const struct valset *next) {
    struct digest hash, next_hash;
    *header = block->header;
    valset_hash(&hash, set);
    valset_hash(&next_hash, next);
    if (!name(names, &header->validators_hash, &hash) || !name(names, &header->next_validators_hash, &next_hash))
        return false;
    header->version_block = HEADER_BLOCK_PROTOCOL;
    header->validators_hash = old_name_of(names, &header->validators_hash);
    header->next_validators_hash = old_name_of(names, &header->next_validators_hash);
    header->last_block_id.hash = old_name_of(names, &header->last_block_id.hash);
    return true;
}

static struct light_block *renew(struct old_names *names, const struct light_block *block, const struct valset *set, const struct valset *next) {
    struct header header;
    struct commit commit = block->commit;
    struct digest hash;
    if (!renew_header(names, &header, block, set, next))
        return NULL;
    header_hash(&hash, &header);
    if (!name(names, &block->commit.block_id.hash, &hash))
        return NULL;
    commit.block_id.hash = old_name_of(names, &block->commit.block_id.hash);
    commit.sigs = calloc(commit.count + 1, sizeof *commit.sigs);
    renew_sigs(&commit, block, set);
    struct light_block *now = light_block_new(&header, &commit, set);
    free(commit.sigs);
    return now;
}

struct light_block *old_renew(struct old_names *names, const struct light_block *block, const struct valset *next) {
    struct valset set, next_set;
    valset_init(&set);
    valset_init(&next_set);
    struct light_block *now = renew_set(&set, &block->set) && renew_set(&next_set, next) ? renew(names, block, &set, &next_set) : NULL;
    valset_close(&set);
    valset_close(&next_set);
    return now;
}
