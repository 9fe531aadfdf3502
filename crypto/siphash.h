/* SipHash-2-4 (Aumasson, Bernstein): 64 bits of any bytes. For places in indexes and tables where nobody may make two texts meet at will; not a
 * signature of anything. */
#ifndef QUORATE_CRYPTO_SIPHASH_H
#define QUORATE_CRYPTO_SIPHASH_H

#include "crypto/span.h"

struct siphash_key {
    uint64_t low, high;
};

uint64_t siphash_once(const struct siphash_key *key, struct span bytes);
/* Of `a`, then one byte, then `b`, as if they were one text. */
uint64_t siphash_joined(const struct siphash_key *key, struct span a, uint8_t between, struct span b);

#endif
