#include "tests/tendermint/signers.h"

#include <stdlib.h>

#include "crypto/secp256k1_key.h"

struct span signers_chain(void) { return span_text(SIGNERS_CHAIN); }

struct block_id signers_block(uint8_t number) {
    struct block_id id = {{32, {0}}, {1, {32, {0}}}};
    memset(id.hash.bytes, number, 32);
    memset(id.parts.hash.bytes, 0x50 + number, 32);
    return id;
}

static void fill_seed(uint8_t seed[static 32], uint32_t k) {
    memset(seed, 0, 32);
    seed[0] = (uint8_t)(k + 1);
    seed[31] = 7;
}

static struct pubkey key_of(const uint8_t seed[static 32], bool secp256k1) {
    uint8_t bytes[33];
    if (secp256k1) {
        secp256k1_key_public(bytes, seed);
        return pubkey_secp256k1(bytes);
    }
    struct ed25519_key *key = ed25519_key_new(seed);
    ed25519_key_public(key, bytes);
    ed25519_key_free(key);
    return pubkey_ed25519(bytes);
}

void signers_init(struct signers *signers, const int64_t *powers, uint32_t count, uint32_t secp256k1) {
    struct valset_change members[SIGNERS_MAX];
    uint8_t seeds[SIGNERS_MAX][32];
    memset(signers, 0, sizeof *signers);
    valset_init(&signers->set);
    for (uint32_t k = 0; k < count; k++) {
        fill_seed(seeds[k], k);
        members[k].pub_key = key_of(seeds[k], (secp256k1 >> k & 1) != 0);
        members[k].address = pubkey_address(&members[k].pub_key);
        members[k].power = powers[k];
    }
    if (valset_make(&signers->set, members, count) != VALSET_GOOD)
        abort();
    for (uint32_t k = 0; k < count; k++)
        memcpy(signers->seeds[valset_find(&signers->set, &members[k].address)], seeds[k], 32);
}

void signers_close(struct signers *signers) { valset_close(&signers->set); }

void signers_sign(const struct signers *signers, uint32_t index, struct signature *out, struct span message) {
    out->size = 64;
    if (signers->set.validators[index].pub_key.type == PUBKEY_SECP256K1) {
        secp256k1_key_sign(out->bytes, signers->seeds[index], message);
        return;
    }
    struct ed25519_key *key = ed25519_key_new(signers->seeds[index]);
    ed25519_sign(key, out->bytes, message);
    ed25519_key_free(key);
}

void signers_sign_vote(const struct signers *signers, struct vote *vote) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    uint32_t index = (uint32_t)vote->validator_index;
    vote->validator_address = signers->set.validators[index].address;
    size_t size = vote_sign_bytes(bytes, vote, signers_chain());
    signers_sign(signers, index, &vote->signature, span_of(bytes, size));
}

struct commit signers_commit(struct signers *signers, int64_t height, const int32_t *flags) {
    struct commit commit = {.height = height, .round = 1, .block_id = signers_block(1), .count = signers->set.count};
    commit.sigs = signers->sigs;
    for (uint32_t i = 0; i < commit.count; i++) {
        commit_sig_absent(&commit.sigs[i]);
        commit.sigs[i].flag = flags[i];
        if (flags[i] == COMMIT_ABSENT)
            continue;
        commit.sigs[i].timestamp = (struct timestamp){1700000000 + i, 5};
        struct vote vote;
        commit_vote(&vote, &commit, i);
        signers_sign_vote(signers, &vote);
        commit.sigs[i].validator_address = vote.validator_address;
        commit.sigs[i].signature = vote.signature;
    }
    return commit;
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Each call gets a block of exactly the size, so that a read beyond the end is seen. */
static void hand_over(void (*decode)(struct span bytes), const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (size > 0)
        memcpy(copy, bytes, size);
    decode(span_of(copy, size));
    free(copy);
}

void torture(struct span bytes, void (*decode)(struct span bytes)) {
    uint64_t state = 88172645463325252u;
    uint8_t *damaged = malloc(bytes.size + 64);
    for (size_t size = 0; size <= bytes.size; size++)
        hand_over(decode, bytes.data, size);
    for (int round = 0; round < 4000; round++) {
        if (bytes.size > 0)
            memcpy(damaged, bytes.data, bytes.size);
        for (uint64_t hits = 1 + next_random(&state) % 4; bytes.size > 0 && hits > 0; hits--)
            damaged[next_random(&state) % bytes.size] = (uint8_t)next_random(&state);
        hand_over(decode, damaged, bytes.size);
    }
    for (int round = 0; round < 4000; round++) {
        size_t size = next_random(&state) % 64;
        for (size_t i = 0; i < size; i++) /* small numbers: tags and lengths that lead further in */
            damaged[i] = (uint8_t)(next_random(&state) % (round % 2 == 0 ? 256 : 48));
        hand_over(decode, damaged, size);
    }
    free(damaged);
}
