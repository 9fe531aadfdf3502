/* Points of edwards25519, -x² + y² = 1 + d x² y², in the coordinates of Hisil, Wong, Carter and Dawson (2008). Public data
 * only: variable time. Every field element held in a point is tight (fe25519.h) unless said otherwise. */
#ifndef QUORATE_CRYPTO_EDWARDS25519_H
#define QUORATE_CRYPTO_EDWARDS25519_H

#include <stddef.h>

#include "crypto/fe25519.h"

struct edwards25519 { /* x = X/Z, y = Y/Z, xy = T/Z */
    struct fe25519 x, y, z, t;
};

struct edwards25519_plane { /* the same without T: enough to double */
    struct fe25519 x, y, z;
};

struct edwards25519_sum { /* X = ef, Y = gh, Z = fg, T = eh, not yet multiplied out; loose elements */
    struct fe25519 e, f, g, h;
};

struct edwards25519_addend { /* made ready for repeated addition; the first two are loose */
    struct fe25519 y_plus_x, y_minus_x, z_twice, t_2d;
};

struct edwards25519_flat { /* an addend with Z = 1: cheaper still */
    struct fe25519 y_plus_x, y_minus_x, t_2d;
};

extern const struct edwards25519 edwards25519_identity;

/* ZIP-215: y ≥ p is accepted and reduced, so is x = 0 with the sign bit set. false: no such point. z is 1. */
bool edwards25519_decode(struct edwards25519 *out, const uint8_t bytes[static 32]);
void edwards25519_encode(uint8_t out[static 32], const struct edwards25519 *p);
void edwards25519_base(struct edwards25519 *out);
void edwards25519_negate(struct edwards25519 *out, const struct edwards25519 *p);
void edwards25519_add(struct edwards25519 *out, const struct edwards25519 *a, const struct edwards25519 *b);
void edwards25519_double(struct edwards25519 *out, const struct edwards25519 *p);
bool edwards25519_small_order(const struct edwards25519 *p); /* [8]p is the identity */

void edwards25519_addend_of(struct edwards25519_addend *out, const struct edwards25519 *p);
void edwards25519_flat_of(struct edwards25519_flat *out, const struct edwards25519 *p); /* p's z must be 1 */
/* p, 3p, 5p, …: `count` odd multiples. */
void edwards25519_odd_multiples(struct edwards25519_addend *out, size_t count, const struct edwards25519 *p);

static inline void edwards25519_sum_to_plane(struct edwards25519_plane *out, const struct edwards25519_sum *s) {
    fe25519_mul(&out->x, &s->e, &s->f);
    fe25519_mul(&out->y, &s->g, &s->h);
    fe25519_mul(&out->z, &s->f, &s->g);
}

static inline void edwards25519_sum_to_point(struct edwards25519 *out, const struct edwards25519_sum *s) {
    fe25519_mul(&out->x, &s->e, &s->f);
    fe25519_mul(&out->y, &s->g, &s->h);
    fe25519_mul(&out->z, &s->f, &s->g);
    fe25519_mul(&out->t, &s->e, &s->h);
}

/* dbl-2008-hwcd with all signs turned: e = 2xy, g = y² - x², h = y² + x², f = 2z² - g, then f and e pair as above. */
static inline void edwards25519_plane_double(struct edwards25519_sum *out, const struct edwards25519_plane *p) {
    struct fe25519 xx, yy, zz, both;
    fe25519_square(&xx, &p->x);
    fe25519_square(&yy, &p->y);
    fe25519_square(&zz, &p->z);
    fe25519_add(&both, &p->x, &p->y);
    fe25519_square(&both, &both);
    fe25519_add(&zz, &zz, &zz);
    fe25519_add(&out->h, &yy, &xx);
    fe25519_subtract(&out->e, &both, &out->h);
    fe25519_subtract(&out->g, &yy, &xx);
    /* zz + xx - yy, not zz - g: g may be too large to subtract. */
    fe25519_add(&zz, &zz, &xx);
    fe25519_subtract(&out->f, &zz, &yy);
}

/* add-2008-hwcd-3. `minus` exchanges the roles that -q would exchange. */
static inline void edwards25519_sum_addend(struct edwards25519_sum *out, const struct edwards25519 *p,
                                           const struct edwards25519_addend *q, bool minus) {
    struct fe25519 a, b, c, d;
    fe25519_subtract(&a, &p->y, &p->x);
    fe25519_mul(&a, &a, minus ? &q->y_plus_x : &q->y_minus_x);
    fe25519_add(&b, &p->y, &p->x);
    fe25519_mul(&b, &b, minus ? &q->y_minus_x : &q->y_plus_x);
    fe25519_mul(&c, &p->t, &q->t_2d);
    fe25519_mul(&d, &p->z, &q->z_twice);
    fe25519_subtract(&out->e, &b, &a);
    fe25519_add(&out->h, &b, &a);
    fe25519_subtract(minus ? &out->g : &out->f, &d, &c);
    fe25519_add(minus ? &out->f : &out->g, &d, &c);
}

static inline void edwards25519_sum_flat(struct edwards25519_sum *out, const struct edwards25519 *p,
                                         const struct edwards25519_flat *q, bool minus) {
    struct fe25519 a, b, c, d;
    fe25519_subtract(&a, &p->y, &p->x);
    fe25519_mul(&a, &a, minus ? &q->y_plus_x : &q->y_minus_x);
    fe25519_add(&b, &p->y, &p->x);
    fe25519_mul(&b, &b, minus ? &q->y_minus_x : &q->y_plus_x);
    fe25519_mul(&c, &p->t, &q->t_2d);
    fe25519_add(&d, &p->z, &p->z);
    fe25519_subtract(&out->e, &b, &a);
    fe25519_add(&out->h, &b, &a);
    fe25519_subtract(minus ? &out->g : &out->f, &d, &c);
    fe25519_add(minus ? &out->f : &out->g, &d, &c);
}

#endif
