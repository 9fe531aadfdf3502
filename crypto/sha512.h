/* SHA-512, for Ed25519. Low level, like sha256.h. */
#ifndef QUORATE_CRYPTO_SHA512_H
#define QUORATE_CRYPTO_SHA512_H

#include "crypto/span.h"

#define SHA512_BYTES 64

void sha512_three(uint8_t out[static SHA512_BYTES], struct span a, struct span b, struct span c); /* of a ‖ b ‖ c */

#endif
