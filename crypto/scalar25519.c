#include "crypto/scalar25519.h"

#include <assert.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static const uint64_t order[5] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000, 0};
static const uint64_t barrett[5] = {0xed9ce5a30a2c131b, 0x2106215d086329a7, 0xffffffffffffffeb, 0xffffffffffffffff, 0xf};

static void load(uint64_t *out, const uint8_t *bytes, size_t limbs) {
    for (size_t i = 0; i < limbs; i++) {
        out[i] = 0;
        for (int j = 7; j >= 0; j--)
            out[i] = out[i] << 8 | bytes[8 * i + (size_t)j];
    }
}

static bool below_order(const uint64_t *a, size_t limbs) {
    for (size_t i = limbs; i-- > 0;)
        if (a[i] != order[i])
            return a[i] < order[i];
    return false;
}

/* The borrow beyond the last limb is dropped: callers mean it modulo 2^(64 limbs). */
static void subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t limbs) {
    uint64_t borrow = 0;
    for (size_t i = 0; i < limbs; i++) {
        wide difference = (wide)a[i] - b[i] - borrow;
        out[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
}

static void multiply(uint64_t *out, const uint64_t *a, size_t a_limbs, const uint64_t *b, size_t b_limbs) {
    memset(out, 0, (a_limbs + b_limbs) * sizeof *out);
    for (size_t i = 0; i < a_limbs; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b_limbs; j++) {
            wide sum = (wide)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        out[i + b_limbs] = carry;
    }
}

/* Barrett (Handbook of Applied Cryptography 14.42) with base 2^64, k = 4: the quotient is at most 2 too small. */
static void reduce_wide(struct scalar25519 *out, const uint64_t x[static 8]) {
    uint64_t product[10], multiple[9], rest[5];
    multiply(product, x + 3, 5, barrett, 5);
    multiply(multiple, product + 5, 5, order, 4);
    subtract(rest, x, multiple, 5);
    while (!below_order(rest, 5))
        subtract(rest, rest, order, 5);
    memcpy(out->limb, rest, sizeof out->limb);
}

bool scalar25519_decode(struct scalar25519 *out, const uint8_t bytes[static 32]) {
    load(out->limb, bytes, 4);
    return below_order(out->limb, 4);
}

void scalar25519_decode_short(struct scalar25519 *out, const uint8_t bytes[static 16]) {
    load(out->limb, bytes, 2);
    out->limb[2] = out->limb[3] = 0;
}

void scalar25519_reduce(struct scalar25519 *out, const uint8_t bytes[static 64]) {
    uint64_t x[8];
    load(x, bytes, 8);
    reduce_wide(out, x);
}

/* Two reduced numbers stay below 2^254, so no carry is lost. */
void scalar25519_add(struct scalar25519 *out, const struct scalar25519 *a, const struct scalar25519 *b) {
    wide carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (wide)a->limb[i] + b->limb[i];
        out->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (!below_order(out->limb, 4))
        subtract(out->limb, out->limb, order, 4);
}

void scalar25519_mul(struct scalar25519 *out, const struct scalar25519 *a, const struct scalar25519 *b) {
    uint64_t product[8];
    multiply(product, a->limb, 4, b->limb, 4);
    reduce_wide(out, product);
}

void scalar25519_halve(struct scalar25519 *low, struct scalar25519 *high, const struct scalar25519 *a) {
    *low = (struct scalar25519){{a->limb[0], a->limb[1] & ~(UINT64_C(1) << 63)}};
    *high = (struct scalar25519){{a->limb[1] >> 63 | a->limb[2] << 1, a->limb[2] >> 63 | a->limb[3] << 1}};
}

/* `width` bits of a from `position` up; beyond the top there are zeroes. */
static unsigned bits_at(const struct scalar25519 *a, size_t position, unsigned width) {
    size_t index = position / 64, shift = position % 64;
    if (index >= 4)
        return 0;
    uint64_t bits = a->limb[index] >> shift;
    if (shift + width > 64 && index < 3)
        bits |= a->limb[index + 1] << (64 - shift);
    return (unsigned)(bits & ((UINT64_C(1) << width) - 1));
}

size_t scalar25519_naf(int8_t digits[static SCALAR25519_NAF_DIGITS], const struct scalar25519 *a, unsigned width) {
    assert(width >= 2 && width <= 8);
    memset(digits, 0, SCALAR25519_NAF_DIGITS);
    size_t count = 0;
    unsigned carry = 0;
    for (size_t position = 0; position < SCALAR25519_NAF_DIGITS;) {
        unsigned window = bits_at(a, position, width) + carry;
        if (window % 2 == 0) {
            position++;
            continue;
        }
        carry = window >> (width - 1);
        digits[position] = (int8_t)((int)window - (int)(carry << width));
        count = position + 1;
        position += width;
    }
    assert(carry == 0);
    return count;
}

void scalar25519_signed_digits(int16_t *out, size_t count, size_t stride, const struct scalar25519 *a, unsigned width) {
    assert(width >= 4 && width <= 12);
    assert(count * width >= 254);
    unsigned carry = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned window = bits_at(a, i * width, width) + carry;
        carry = window > 1u << (width - 1);
        out[i * stride] = (int16_t)((int)window - (int)(carry << width));
    }
    assert(carry == 0);
}
