/* ChaCha20-Poly1305 (RFC 8439) without additional data; a context per key and direction, so that no set-up is paid per frame. */
#ifndef QUORATE_CRYPTO_AEAD_H
#define QUORATE_CRYPTO_AEAD_H

#include "crypto/span.h"

#define AEAD_KEY_BYTES   32
#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES   16

struct aead;

struct aead *aead_new(const uint8_t key[static AEAD_KEY_BYTES], bool seal); /* one direction */
void aead_free(struct aead *aead);                                          /* wipes; NULL allowed */
/* out has plain.size + AEAD_TAG_BYTES bytes; out may equal plain.data. */
void aead_seal(struct aead *aead, uint8_t *out, const uint8_t nonce[static AEAD_NONCE_BYTES], struct span plain);
/* out has sealed.size - AEAD_TAG_BYTES bytes (sealed.size ≥ AEAD_TAG_BYTES). false: not authentic, out is untouched or wiped. */
bool aead_open(struct aead *aead, uint8_t *out, const uint8_t nonce[static AEAD_NONCE_BYTES], struct span sealed);

#endif
