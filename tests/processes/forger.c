#include "tests/processes/forger.h"

#include <assert.h>
#include <stdlib.h>

#include "node/light_http.h"

struct address forger_address(const struct ed25519_key *key) {
    uint8_t bytes[ED25519_PUBLIC_BYTES];
    ed25519_key_public(key, bytes);
    struct pubkey public_key = pubkey_ed25519(bytes);
    return pubkey_address(&public_key);
}

static struct ed25519_key *key_of(const struct address *address, struct ed25519_key *const *keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct address its = forger_address(keys[i]);
        if (address_equal(&its, address))
            return keys[i];
    }
    return NULL;
}

/* Who is in the real set and whose key is held. */
static void liars_alone(struct valset *set, const struct valset *real, struct ed25519_key *const *keys, uint32_t count) {
    struct valset_change *members = calloc(count, sizeof *members);
    uint32_t found = 0;
    assert(members != NULL);
    for (uint32_t i = 0; i < real->count; i++)
        if (key_of(&real->validators[i].address, keys, count) != NULL)
            members[found++] = (struct valset_change){.pub_key = real->validators[i].pub_key, .power = real->validators[i].power};
    enum valset_verdict verdict = valset_make(set, members, found);
    assert(verdict == VALSET_GOOD);
    free(members);
}

static void sign(struct commit_sig *sig, const struct commit *commit, uint32_t index, const struct ed25519_key *key, const struct header *header) {
    struct vote vote;
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    sig->flag = COMMIT_FOR_BLOCK;
    sig->timestamp = timestamp_add_ns(&header->time, 1000000 * (int64_t)(index + 1));
    sig->signature.size = 64;
    commit_vote(&vote, commit, index);
    ed25519_sign(key, sig->signature.bytes, span_of(bytes, vote_sign_bytes(bytes, &vote, header_chain_id(header))));
}

static struct light_block *seal(const struct header *header, int32_t round, const struct valset *set, struct ed25519_key *const *keys, uint32_t count) {
    struct commit commit = {.height = header->height, .round = round, .count = set->count};
    commit.sigs = calloc(set->count, sizeof commit.sigs[0]);
    assert(commit.sigs != NULL);
    header_hash(&commit.block_id.hash, header);
    commit.block_id.parts = (struct part_header){1, commit.block_id.hash};
    for (uint32_t i = 0; i < set->count; i++) {
        const struct ed25519_key *key = key_of(&set->validators[i].address, keys, count);
        commit_sig_absent(&commit.sigs[i]);
        if (key == NULL)
            continue;
        commit.sigs[i].validator_address = set->validators[i].address;
        sign(&commit.sigs[i], &commit, i, key, header);
    }
    struct light_block *block = light_block_new(header, &commit, set);
    assert(block != NULL);
    free(commit.sigs);
    return block;
}

struct light_block *forger_make(const struct light_block *real, enum forger_lie lie, struct ed25519_key *const *keys, uint32_t count) {
    struct header header = real->header;
    struct valset set;
    valset_init(&set);
    if (lie == FORGER_LUNATIC_SET)
        liars_alone(&set, &real->set, keys, count);
    else
        valset_copy(&set, &real->set);
    valset_hash(&header.validators_hash, &set);
    if (lie == FORGER_LUNATIC_SET)
        header.next_validators_hash = header.validators_hash;
    if (lie == FORGER_EQUIVOCATION)
        header.data_hash.bytes[0] ^= 1;
    else
        header.app_hash.bytes[0] ^= 1;
    struct light_block *block = seal(&header, real->commit.round, &set, keys, count);
    valset_close(&set);
    return block;
}

struct light_block *forger_fetch(const char *url, const char *chain_id, int64_t height, char **error) {
    struct light_http http;
    struct light_block *block = NULL;
    light_http_init(&http, url, span_text(chain_id), 10000);
    struct light_source source = light_http_source(&http);
    return source.fetch(source.context, height, &block, error) == LIGHT_ANSWER_BLOCK ? block : NULL;
}
