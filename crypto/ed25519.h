/* Ed25519: signing by OpenSSL (constant time), verification by our own edwards25519 arithmetic under ZIP-215
 * (https://zips.z.cash/zip-0215; cometbft: crypto/ed25519): non-canonical encodings of A and R and small orders are
 * accepted, s < L is required, the equation is cofactored: [8][s]B = [8]R + [8][k]A. Verification works on public data
 * and is not constant time. A strict RFC 8032 check would fork us from every CometBFT node. */
#ifndef QUORATE_CRYPTO_ED25519_H
#define QUORATE_CRYPTO_ED25519_H

#include "crypto/span.h"

#define ED25519_PUBLIC_BYTES    32
#define ED25519_SEED_BYTES      32
#define ED25519_SIGNATURE_BYTES 64

struct ed25519_key; /* a private key; holds the library's handle, made once */

struct ed25519_key *ed25519_key_new(const uint8_t seed[static ED25519_SEED_BYTES]);
void ed25519_key_free(struct ed25519_key *key); /* wipes; NULL allowed */
void ed25519_key_public(const struct ed25519_key *key, uint8_t out[static ED25519_PUBLIC_BYTES]);
void ed25519_key_seed(const struct ed25519_key *key, uint8_t out[static ED25519_SEED_BYTES]);
void ed25519_sign(const struct ed25519_key *key, uint8_t signature[static ED25519_SIGNATURE_BYTES], struct span message);

bool ed25519_verify_vartime(const uint8_t public_key[static ED25519_PUBLIC_BYTES], struct span message,
                            const uint8_t signature[static ED25519_SIGNATURE_BYTES]);

struct ed25519_claim { /* loans */
    const uint8_t *public_key; /* 32 bytes */
    const uint8_t *signature;  /* 64 bytes */
    struct span message;
};

/* Verifies all claims at once with 128-bit random coefficients (from getrandom; the verdict does not depend on them
 * but with probability 2^-128). On failure each is checked singly so that `good[i]` (may be NULL) names the culprits.
 * The result always equals that of single checks. */
bool ed25519_verify_batch_vartime(bool *good, const struct ed25519_claim *claims, size_t count);

/* A double in place of both, for a process in which simulated nodes are all that speaks and a signature costs more than all else. It must be as
 * hard to forge there as the real one. NULL (the state of every process that does not call this): none. */
struct ed25519_double {
    void (*sign)(const uint8_t public_key[static ED25519_PUBLIC_BYTES], uint8_t signature[static ED25519_SIGNATURE_BYTES], struct span message);
    bool (*verify)(const uint8_t public_key[static ED25519_PUBLIC_BYTES], struct span message,
                   const uint8_t signature[static ED25519_SIGNATURE_BYTES]);
};
void ed25519_use_double_insecure(const struct ed25519_double *stand_in); /* a loan for good */

#endif
