#include "crypto/siphash.h"

struct siphash {
    uint64_t v0, v1, v2, v3;
    uint64_t word; /* bytes that are no whole word yet */
    uint64_t size;
};

static uint64_t rotate(uint64_t word, unsigned bits) { return word << bits | word >> (64 - bits); }

static void turn(struct siphash *hash) {
    hash->v0 += hash->v1;
    hash->v1 = rotate(hash->v1, 13) ^ hash->v0;
    hash->v0 = rotate(hash->v0, 32);
    hash->v2 += hash->v3;
    hash->v3 = rotate(hash->v3, 16) ^ hash->v2;
    hash->v0 += hash->v3;
    hash->v3 = rotate(hash->v3, 21) ^ hash->v0;
    hash->v2 += hash->v1;
    hash->v1 = rotate(hash->v1, 17) ^ hash->v2;
    hash->v2 = rotate(hash->v2, 32);
}

static void eat(struct siphash *hash, uint64_t word) {
    hash->v3 ^= word;
    turn(hash);
    turn(hash);
    hash->v0 ^= word;
}

static struct siphash begin(const struct siphash_key *key) {
    return (struct siphash){.v0 = key->low ^ 0x736f6d6570736575u,
                            .v1 = key->high ^ 0x646f72616e646f6du,
                            .v2 = key->low ^ 0x6c7967656e657261u,
                            .v3 = key->high ^ 0x7465646279746573u};
}

static uint64_t load(const uint8_t *bytes) {
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static void add_byte(struct siphash *hash, uint8_t byte) {
    hash->word |= (uint64_t)byte << (8 * (hash->size % 8));
    if (++hash->size % 8 == 0) {
        eat(hash, hash->word);
        hash->word = 0;
    }
}

static void add(struct siphash *hash, struct span bytes) {
    size_t at = 0;
    for (; at < bytes.size && hash->size % 8 != 0; at++)
        add_byte(hash, bytes.data[at]);
    for (; bytes.size - at >= 8; at += 8) {
        eat(hash, load(bytes.data + at));
        hash->size += 8;
    }
    for (; at < bytes.size; at++)
        add_byte(hash, bytes.data[at]);
}

static uint64_t finish(struct siphash *hash) {
    eat(hash, hash->word | hash->size << 56);
    hash->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        turn(hash);
    return hash->v0 ^ hash->v1 ^ hash->v2 ^ hash->v3;
}

uint64_t siphash_once(const struct siphash_key *key, struct span bytes) {
    struct siphash hash = begin(key);
    add(&hash, bytes);
    return finish(&hash);
}

uint64_t siphash_joined(const struct siphash_key *key, struct span a, uint8_t between, struct span b) {
    struct siphash hash = begin(key);
    add(&hash, a);
    add_byte(&hash, between);
    add(&hash, b);
    return finish(&hash);
}
