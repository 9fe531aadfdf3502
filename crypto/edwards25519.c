#include "crypto/edwards25519.h"

#include <assert.h>

static const struct fe25519 d = {{0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};
static const struct fe25519 d_twice = {
    {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};

const struct edwards25519 edwards25519_identity = {.y = {{1}}, .z = {{1}}};

/* x² = (y² - 1) / (d y² + 1). -1/d is no square, so the denominator is never zero. */
bool edwards25519_decode(struct edwards25519 *out, const uint8_t bytes[static 32]) {
    struct edwards25519 p = {.z = fe25519_one};
    struct fe25519 u, v;
    fe25519_decode(&p.y, bytes);
    fe25519_square(&u, &p.y);
    fe25519_mul(&v, &u, &d);
    fe25519_subtract(&u, &u, &fe25519_one);
    fe25519_add(&v, &v, &fe25519_one);
    if (!fe25519_root_of_ratio(&p.x, &u, &v))
        return false;
    /* ZIP-215: -0 is 0, so a sign bit on x = 0 changes nothing. */
    if (fe25519_odd(&p.x) != (bytes[31] >> 7))
        fe25519_negate(&p.x, &p.x);
    fe25519_mul(&p.t, &p.x, &p.y);
    *out = p;
    return true;
}

void edwards25519_encode(uint8_t out[static 32], const struct edwards25519 *p) {
    struct fe25519 inverse, x, y;
    fe25519_invert(&inverse, &p->z);
    fe25519_mul(&x, &p->x, &inverse);
    fe25519_mul(&y, &p->y, &inverse);
    fe25519_encode(out, &y);
    out[31] |= (uint8_t)(fe25519_odd(&x) << 7);
}

/* RFC 8032 §5.1: y = 4/5, x even. */
void edwards25519_base(struct edwards25519 *out) {
    static const uint8_t bytes[32] = {0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                      0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                      0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};
    bool decoded = edwards25519_decode(out, bytes);
    assert(decoded);
}

void edwards25519_negate(struct edwards25519 *out, const struct edwards25519 *p) {
    *out = *p;
    fe25519_negate(&out->x, &p->x);
    fe25519_negate(&out->t, &p->t);
}

void edwards25519_add(struct edwards25519 *out, const struct edwards25519 *a, const struct edwards25519 *b) {
    struct edwards25519_addend addend;
    struct edwards25519_sum sum;
    edwards25519_addend_of(&addend, b);
    edwards25519_sum_addend(&sum, a, &addend, false);
    edwards25519_sum_to_point(out, &sum);
}

void edwards25519_double(struct edwards25519 *out, const struct edwards25519 *p) {
    struct edwards25519_plane plane = {p->x, p->y, p->z};
    struct edwards25519_sum sum;
    edwards25519_plane_double(&sum, &plane);
    edwards25519_sum_to_point(out, &sum);
}

bool edwards25519_small_order(const struct edwards25519 *p) {
    struct edwards25519_plane plane = {p->x, p->y, p->z};
    struct edwards25519_sum sum;
    for (int i = 0; i < 3; i++) {
        edwards25519_plane_double(&sum, &plane);
        edwards25519_sum_to_plane(&plane, &sum);
    }
    return fe25519_equal(&plane.x, &fe25519_zero) && fe25519_equal(&plane.y, &plane.z);
}

void edwards25519_addend_of(struct edwards25519_addend *out, const struct edwards25519 *p) {
    fe25519_add(&out->y_plus_x, &p->y, &p->x);
    fe25519_subtract(&out->y_minus_x, &p->y, &p->x);
    fe25519_add(&out->z_twice, &p->z, &p->z);
    fe25519_mul(&out->t_2d, &p->t, &d_twice);
}

void edwards25519_flat_of(struct edwards25519_flat *out, const struct edwards25519 *p) {
    fe25519_add(&out->y_plus_x, &p->y, &p->x);
    fe25519_subtract(&out->y_minus_x, &p->y, &p->x);
    fe25519_mul(&out->t_2d, &p->t, &d_twice);
}

void edwards25519_odd_multiples(struct edwards25519_addend *out, size_t count, const struct edwards25519 *p) {
    struct edwards25519 twice, multiple;
    struct edwards25519_sum sum;
    edwards25519_addend_of(&out[0], p);
    edwards25519_double(&twice, p);
    for (size_t i = 1; i < count; i++) {
        edwards25519_sum_addend(&sum, &twice, &out[i - 1], false);
        edwards25519_sum_to_point(&multiple, &sum);
        edwards25519_addend_of(&out[i], &multiple);
    }
}
