/* Where a key lies in a table in memory. Salted, so that no stranger can grind keys into one bucket; nothing but speed may depend on it. */
#ifndef QUORATE_LEDGER_SALTED_H
#define QUORATE_LEDGER_SALTED_H

#include "crypto/span.h"

static inline uint64_t salted_hash(uint64_t salt, struct span key) {
    uint64_t hash = salt ^ key.size;
    for (size_t at = 0; at < key.size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, key.data + at, key.size - at < 8 ? key.size - at : 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return hash;
}

/* Of what is a hash already: its first bytes are random enough. */
static inline uint64_t salted_digest(uint64_t salt, const uint8_t *hash) { return salted_hash(salt, span_of(hash, 8)); }

#endif
