#include "tests/tendermint/smith.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/ed25519.h"

static struct ed25519_key *keys[SMITH_KEYS];
static struct pubkey pub_keys[SMITH_KEYS];
static uint32_t next_sets[SMITH_BLOCKS_MAX + 1]; /* by the hash's owner: see members_announced */

void smith_open(void) {
    for (uint32_t i = 0; i < SMITH_KEYS; i++) {
        char text[32];
        uint8_t seed[32], public_key[32];
        snprintf(text, sizeof text, "light %u", (unsigned)i);
        sha256_once(seed, span_text(text));
        keys[i] = ed25519_key_new(seed);
        ed25519_key_public(keys[i], public_key);
        pub_keys[i] = pubkey_ed25519(public_key);
    }
}

void smith_close(void) {
    for (uint32_t i = 0; i < SMITH_KEYS; i++)
        ed25519_key_free(keys[i]);
}

struct timestamp smith_time(int64_t seconds) { return (struct timestamp){SMITH_TIME + seconds, 0}; }

void smith_set(struct valset *set, uint32_t members) {
    struct valset_change changes[SMITH_KEYS];
    size_t count = 0;
    for (uint32_t i = 0; i < SMITH_KEYS; i++)
        if (members >> i & 1)
            changes[count++] = (struct valset_change){pubkey_address(&pub_keys[i]), pub_keys[i], 10};
    valset_init(set);
    bool good = valset_make(set, changes, count) == VALSET_GOOD;
    assert(good);
}

static uint32_t key_of(const struct address *address) {
    for (uint32_t i = 0; i < SMITH_KEYS; i++) {
        struct address at = pubkey_address(&pub_keys[i]);
        if (address_equal(&at, address))
            return i;
    }
    abort();
}

static uint32_t members_of(const struct valset *set) {
    uint32_t members = 0;
    for (uint32_t i = 0; i < set->count; i++)
        members |= UINT32_C(1) << key_of(&set->validators[i].address);
    return members;
}

static struct digest set_hash(uint32_t members) {
    struct valset set;
    struct digest hash;
    smith_set(&set, members);
    valset_hash(&hash, &set);
    valset_close(&set);
    return hash;
}

/* Whose hash the block below announced, as far as this file has made it. */
static uint32_t members_announced(const struct smith_chain *chain) {
    const struct light_block *below = chain->blocks[chain->count - 1];
    for (uint32_t i = 0; i < SMITH_BLOCKS_MAX; i++) {
        struct digest hash;
        if (next_sets[i] == 0)
            break;
        hash = set_hash(next_sets[i]);
        if (digest_equal(&hash, &below->header.next_validators_hash))
            return next_sets[i];
    }
    return members_of(&below->set);
}

static void remember(uint32_t members) {
    for (uint32_t i = 0; i < SMITH_BLOCKS_MAX; i++) {
        if (next_sets[i] == members)
            return;
        if (next_sets[i] == 0) {
            next_sets[i] = members;
            return;
        }
    }
}

static struct digest content(const char *what, uint8_t variant) {
    char text[32];
    struct digest digest = {.size = 32};
    snprintf(text, sizeof text, "%s %u", what, variant);
    sha256_once(digest.bytes, span_text(text));
    return digest;
}

static void make_header(struct header *header, const struct smith_chain *chain, const struct smith_step *step, uint32_t members, const struct valset *set) {
    int64_t height = step->height != 0 ? step->height : (int64_t)chain->count + 1;
    header_init(header);
    header->version_block = HEADER_BLOCK_PROTOCOL;
    header_set_chain_id(header, smith_chain_id());
    header->height = height;
    header->time = smith_time(step->time != 0 ? step->time : 10 * (height - 1));
    if (chain->count > 0)
        header->last_block_id = chain->blocks[chain->count - 1]->commit.block_id;
    header->validators_hash = set_hash(members);
    header->next_validators_hash = set_hash(step->next_set != 0 ? step->next_set : members);
    header->data_hash = content("data", step->data);
    header->consensus_hash = content("params", 0);
    struct digest app = content("app", step->app);
    header->app_hash.size = 32;
    memcpy(header->app_hash.bytes, app.bytes, 32);
    header->proposer_address = set->validators[0].address;
}

static void sign(struct commit *commit, uint32_t index, bool wrongly) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    struct vote vote;
    struct commit_sig *sig = &commit->sigs[index];
    commit_vote(&vote, commit, index);
    size_t size = vote_sign_bytes(bytes, &vote, smith_chain_id());
    sig->signature.size = 64;
    ed25519_sign(keys[key_of(&sig->validator_address)], sig->signature.bytes, span_of(bytes, size));
    sig->signature.bytes[5] ^= wrongly;
}

static void make_commit(struct commit *commit, struct commit_sig *sigs, const struct header *header, const struct smith_step *step, const struct valset *set) {
    *commit = (struct commit){.height = header->height, .round = step->round, .count = set->count, .sigs = sigs};
    header_hash(&commit->block_id.hash, header);
    commit->block_id.parts.total = 1;
    commit->block_id.parts.hash = content("parts", 0);
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t bit = UINT32_C(1) << key_of(&set->validators[i].address);
        commit_sig_absent(&sigs[i]);
        if (step->signers != 0 && !(step->signers & bit))
            continue;
        sigs[i].flag = COMMIT_FOR_BLOCK;
        sigs[i].validator_address = set->validators[i].address;
        sigs[i].timestamp = timestamp_add_ns(&header->time, LIGHT_SECOND_NS);
        sign(commit, i, step->bad_signers & bit);
    }
}

void smith_grow(struct smith_chain *chain, const struct smith_step *step) {
    struct header header;
    struct commit commit;
    struct commit_sig sigs[SMITH_KEYS];
    struct valset set;
    assert(chain->count < SMITH_BLOCKS_MAX);
    uint32_t members = step->set != 0 ? step->set : chain->count > 0 ? members_announced(chain) : 0xf;
    remember(members);
    if (step->next_set != 0)
        remember(step->next_set);
    smith_set(&set, members);
    make_header(&header, chain, step, members, &set);
    make_commit(&commit, sigs, &header, step, &set);
    chain->blocks[chain->count++] = light_block_new(&header, &commit, &set);
    valset_close(&set);
}

void smith_grow_many(struct smith_chain *chain, uint32_t count, const struct smith_step *step) {
    while (count-- > 0)
        smith_grow(chain, step);
}

void smith_fork(struct smith_chain *fork, const struct smith_chain *chain, uint32_t count) {
    fork->count = count;
    for (uint32_t i = 0; i < count; i++)
        fork->blocks[i] = light_block_hold(chain->blocks[i]);
}

void smith_forget(struct smith_chain *chain) {
    while (chain->count > 0)
        light_block_release(chain->blocks[--chain->count]);
}

struct light_block *smith_at(const struct smith_chain *chain, int64_t height) {
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->blocks[i]->header.height == height)
            return chain->blocks[i];
    return NULL;
}
