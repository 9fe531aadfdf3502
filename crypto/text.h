/* Bytes as text: hex, base64 (RFC 4648 with padding), bech32 (BIP-173). Decoders are total and exact: any foreign
 * character, odd length, wrong padding or non-zero trailing bits is refused. Encoders write a terminating NUL. */
#ifndef QUORATE_CRYPTO_TEXT_H
#define QUORATE_CRYPTO_TEXT_H

#include "crypto/span.h"

#define TEXT_HEX_SIZE(n)    (2 * (n) + 1)
#define TEXT_BASE64_SIZE(n) (4 * (((n) + 2) / 3) + 1)

void text_hex_lower(char *out, struct span bytes); /* out: TEXT_HEX_SIZE(bytes.size) */
void text_hex_upper(char *out, struct span bytes);
/* Either case. Returns false (out untouched) unless text is exactly hex of at most `capacity` bytes; *size is the number of bytes. */
bool text_hex_decode(uint8_t *out, size_t *size, size_t capacity, struct span text);

void text_base64(char *out, struct span bytes); /* out: TEXT_BASE64_SIZE(bytes.size) */
bool text_base64_decode(uint8_t *out, size_t *size, size_t capacity, struct span text);

#define TEXT_BECH32_MAX 90
/* BIP-173 bech32 of bytes (regrouped to 5 bits). false when the result would pass TEXT_BECH32_MAX characters. */
bool text_bech32(char out[static TEXT_BECH32_MAX + 1], const char *prefix, struct span bytes);
/* The prefix must match; mixed case refused. */
bool text_bech32_decode(uint8_t *out, size_t *size, size_t capacity, const char *prefix, struct span text);

#endif
