/* Integers modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the Ed25519 base point. Always reduced.
 * Public data only: variable time. */
#ifndef QUORATE_CRYPTO_SCALAR25519_H
#define QUORATE_CRYPTO_SCALAR25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scalar25519 {
    uint64_t limb[4];
};

bool scalar25519_decode(struct scalar25519 *out, const uint8_t bytes[static 32]); /* little endian; false: not below L */
void scalar25519_decode_short(struct scalar25519 *out, const uint8_t bytes[static 16]);
void scalar25519_reduce(struct scalar25519 *out, const uint8_t bytes[static 64]);
void scalar25519_add(struct scalar25519 *out, const struct scalar25519 *a, const struct scalar25519 *b);
void scalar25519_mul(struct scalar25519 *out, const struct scalar25519 *a, const struct scalar25519 *b);

/* a = low + 2^SCALAR25519_HALF_BITS high, both below 2^SCALAR25519_HALF_BITS */
#define SCALAR25519_HALF_BITS 127
void scalar25519_halve(struct scalar25519 *low, struct scalar25519 *high, const struct scalar25519 *a);

#define SCALAR25519_NAF_DIGITS 256
/* a = Σ digit[i] 2^i; every digit is zero or odd, below 2^(width-1) in size; `width` - 1 zeroes follow each. 2 ≤ width ≤ 8.
 * Returns the number of digits up to the highest that is not zero. */
size_t scalar25519_naf(int8_t digits[static SCALAR25519_NAF_DIGITS], const struct scalar25519 *a, unsigned width);

/* a = Σ digit[i] 2^(width i), digits within ±2^(width-1). `out` takes `count` digits, `stride` apart;
 * count · width ≥ 254. 4 ≤ width ≤ 12. */
void scalar25519_signed_digits(int16_t *out, size_t count, size_t stride, const struct scalar25519 *a, unsigned width);

#endif
