/* Sums of multiples of points of edwards25519: what verification of Ed25519 spends its time on. Public data only: variable time. */
#ifndef QUORATE_CRYPTO_MULTISCALAR25519_H
#define QUORATE_CRYPTO_MULTISCALAR25519_H

#include "crypto/edwards25519.h"
#include "crypto/scalar25519.h"

struct multiscalar25519_term {
    struct scalar25519 scalar;
    struct edwards25519 point; /* z = 1, as decoded */
};

#define MULTISCALAR25519_TERMS_MAX 4096

/* out = [base]B + Σ [scalar]point. count ≤ MULTISCALAR25519_TERMS_MAX. Straus for few terms, Pippenger for many. */
void multiscalar25519_vartime(struct edwards25519 *out, const struct scalar25519 *base, const struct multiscalar25519_term *terms,
                              size_t count);

/* A point that will be multiplied again and again: odd multiples of it and of its 2^127-fold, which halve the doublings. */
#define MULTISCALAR25519_MULTIPLES 8
struct multiscalar25519_ready {
    struct edwards25519_addend low[MULTISCALAR25519_MULTIPLES];
    struct edwards25519_addend high[MULTISCALAR25519_MULTIPLES];
};

void multiscalar25519_prepare(struct multiscalar25519_ready *out, const struct edwards25519 *point);
/* out = [base]B + [scalar]point */
void multiscalar25519_ready_vartime(struct edwards25519 *out, const struct scalar25519 *base, const struct scalar25519 *scalar,
                                    const struct multiscalar25519_ready *point);

/* The two methods by name, for tests and measurements. */
void multiscalar25519_straus_vartime(struct edwards25519 *out, const struct scalar25519 *base,
                                     const struct multiscalar25519_term *terms, size_t count);
void multiscalar25519_pippenger_vartime(struct edwards25519 *out, const struct scalar25519 *base,
                                        const struct multiscalar25519_term *terms, size_t count);

#endif
