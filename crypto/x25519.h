/* X25519 (RFC 7748) and HKDF-SHA256 (RFC 5869), for SecretConnection. OpenSSL behind. */
#ifndef QUORATE_CRYPTO_X25519_H
#define QUORATE_CRYPTO_X25519_H

#include "crypto/span.h"

void x25519_public(uint8_t out[static 32], const uint8_t secret[static 32]);
/* false when the result is all zero (a low-order point: the handshake must be aborted) */
bool x25519_shared(uint8_t out[static 32], const uint8_t secret[static 32], const uint8_t their_public[static 32]);
void x25519_hkdf_sha256(uint8_t *out, size_t size, struct span secret, struct span salt, struct span info);

#endif
