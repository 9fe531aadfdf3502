/* The field of 2^255 - 19 in five limbs of 51 bits. Variable time in nothing, secret in nothing: verification only.
 *
 * Sizes of limbs: "tight" is below 2^51 + 2^14 (what mul, square and carry give), "loose" up to 2^54 (what mul and square take).
 *   add:      two operands whose limbs' sum stays loose; no carry
 *   subtract: a ≤ 2^53, b ≤ 2^53 - 76 give loose; no carry
 * Out may be one of the operands everywhere. */
#ifndef QUORATE_CRYPTO_FE25519_H
#define QUORATE_CRYPTO_FE25519_H

#include <stdbool.h>
#include <stdint.h>

#define FE25519_MASK ((UINT64_C(1) << 51) - 1)

struct fe25519 {
    uint64_t limb[5];
};

__extension__ typedef unsigned __int128 fe25519_wide;

extern const struct fe25519 fe25519_zero, fe25519_one;

static inline void fe25519_add(struct fe25519 *out, const struct fe25519 *a, const struct fe25519 *b) {
    for (int i = 0; i < 5; i++)
        out->limb[i] = a->limb[i] + b->limb[i];
}

/* Adds 4p first, so that no limb goes below zero. */
static inline void fe25519_subtract(struct fe25519 *out, const struct fe25519 *a, const struct fe25519 *b) {
    out->limb[0] = a->limb[0] + 4 * (FE25519_MASK - 18) - b->limb[0];
    for (int i = 1; i < 5; i++)
        out->limb[i] = a->limb[i] + 4 * FE25519_MASK - b->limb[i];
}

/* r[i] below 2^115, r[4] below 2^111: the last carry times 19 then still fits 64 bits. */
static inline void fe25519_fold(struct fe25519 *out, fe25519_wide r0, fe25519_wide r1, fe25519_wide r2, fe25519_wide r3,
                                fe25519_wide r4) {
    r1 += (uint64_t)(r0 >> 51);
    r2 += (uint64_t)(r1 >> 51);
    r3 += (uint64_t)(r2 >> 51);
    r4 += (uint64_t)(r3 >> 51);
    uint64_t low = ((uint64_t)r0 & FE25519_MASK) + 19 * (uint64_t)(r4 >> 51);
    out->limb[0] = low & FE25519_MASK;
    out->limb[1] = ((uint64_t)r1 & FE25519_MASK) + (low >> 51);
    out->limb[2] = (uint64_t)r2 & FE25519_MASK;
    out->limb[3] = (uint64_t)r3 & FE25519_MASK;
    out->limb[4] = (uint64_t)r4 & FE25519_MASK;
}

static inline void fe25519_mul(struct fe25519 *out, const struct fe25519 *f, const struct fe25519 *g) {
    uint64_t f0 = f->limb[0], f1 = f->limb[1], f2 = f->limb[2], f3 = f->limb[3], f4 = f->limb[4];
    uint64_t g0 = g->limb[0], g1 = g->limb[1], g2 = g->limb[2], g3 = g->limb[3], g4 = g->limb[4];
    uint64_t g1_19 = 19 * g1, g2_19 = 19 * g2, g3_19 = 19 * g3, g4_19 = 19 * g4;
    typedef fe25519_wide w;
    fe25519_fold(out, (w)f0 * g0 + (w)f1 * g4_19 + (w)f2 * g3_19 + (w)f3 * g2_19 + (w)f4 * g1_19,
                 (w)f0 * g1 + (w)f1 * g0 + (w)f2 * g4_19 + (w)f3 * g3_19 + (w)f4 * g2_19,
                 (w)f0 * g2 + (w)f1 * g1 + (w)f2 * g0 + (w)f3 * g4_19 + (w)f4 * g3_19,
                 (w)f0 * g3 + (w)f1 * g2 + (w)f2 * g1 + (w)f3 * g0 + (w)f4 * g4_19,
                 (w)f0 * g4 + (w)f1 * g3 + (w)f2 * g2 + (w)f3 * g1 + (w)f4 * g0);
}

static inline void fe25519_square(struct fe25519 *out, const struct fe25519 *f) {
    uint64_t f0 = f->limb[0], f1 = f->limb[1], f2 = f->limb[2], f3 = f->limb[3], f4 = f->limb[4];
    uint64_t f0_2 = 2 * f0, f1_2 = 2 * f1, f1_38 = 38 * f1, f2_38 = 38 * f2, f3_38 = 38 * f3, f3_19 = 19 * f3,
             f4_19 = 19 * f4;
    typedef fe25519_wide w;
    fe25519_fold(out, (w)f0 * f0 + (w)f1_38 * f4 + (w)f2_38 * f3, (w)f0_2 * f1 + (w)f2_38 * f4 + (w)f3_19 * f3,
                 (w)f0_2 * f2 + (w)f1 * f1 + (w)f3_38 * f4, (w)f0_2 * f3 + (w)f1_2 * f2 + (w)f4_19 * f4,
                 (w)f0_2 * f4 + (w)f1_2 * f3 + (w)f2 * f2);
}

void fe25519_negate(struct fe25519 *out, const struct fe25519 *a);   /* tight result */
void fe25519_decode(struct fe25519 *out, const uint8_t bytes[static 32]); /* bit 255 ignored; values ≥ p are reduced */
void fe25519_encode(uint8_t out[static 32], const struct fe25519 *a);     /* the canonical bytes of a loose element */
bool fe25519_equal(const struct fe25519 *a, const struct fe25519 *b);
bool fe25519_odd(const struct fe25519 *a); /* the low bit of the canonical value: the "sign" */
void fe25519_invert(struct fe25519 *out, const struct fe25519 *a);
/* *root = sqrt(u/v), either of the two; false: u/v is no square. u = 0 gives 0. v must not be zero. */
bool fe25519_root_of_ratio(struct fe25519 *root, const struct fe25519 *u, const struct fe25519 *v);

#endif
