/* SHA-256 (FIPS 180-4) and RIPEMD-160, over OpenSSL's low-level code (an EVP call per hash costs six times as much). */
#ifndef QUORATE_CRYPTO_SHA256_H
#define QUORATE_CRYPTO_SHA256_H

#include "crypto/span.h"

#define SHA256_BYTES 32

struct sha256 {
    uint64_t opaque[14]; /* the library's context; sha256.c asserts that it fits */
};

void sha256_init(struct sha256 *hash);
void sha256_add(struct sha256 *hash, struct span bytes);
void sha256_final(struct sha256 *hash, uint8_t out[static SHA256_BYTES]);
void sha256_once(uint8_t out[static SHA256_BYTES], struct span bytes);
/* sha256(prefix byte followed by a then b): the Merkle leaf and inner hashes without a copy. */
void sha256_prefixed(uint8_t out[static SHA256_BYTES], uint8_t prefix, struct span a, struct span b);
void sha256_ripemd160(uint8_t out[static 20], struct span bytes); /* RIPEMD160(SHA256(bytes)): secp256k1 addresses */

#endif
