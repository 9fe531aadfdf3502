/* secp256k1 ECDSA over SHA-256(message): 33-byte compressed keys, 64-byte r‖s, low s required
 * (cometbft: crypto/secp256k1/secp256k1.go). libsecp256k1 behind it. */
#ifndef QUORATE_CRYPTO_SECP256K1_KEY_H
#define QUORATE_CRYPTO_SECP256K1_KEY_H

#include "crypto/span.h"

#define SECP256K1_PUBLIC_BYTES    33
#define SECP256K1_SECRET_BYTES    32
#define SECP256K1_SIGNATURE_BYTES 64

bool secp256k1_key_valid(const uint8_t secret[static SECP256K1_SECRET_BYTES]);
bool secp256k1_key_public(uint8_t out[static SECP256K1_PUBLIC_BYTES], const uint8_t secret[static SECP256K1_SECRET_BYTES]);
bool secp256k1_key_sign(uint8_t signature[static SECP256K1_SIGNATURE_BYTES], const uint8_t secret[static SECP256K1_SECRET_BYTES],
                        struct span message);
bool secp256k1_key_verify_vartime(const uint8_t public_key[static SECP256K1_PUBLIC_BYTES], struct span message,
                                  const uint8_t signature[static SECP256K1_SIGNATURE_BYTES]);

#endif
