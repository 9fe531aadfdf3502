/* Public keys of Ed25519 that this thread has met lately, made ready for verification: validators sign again and again.
 * A bounded table, a place per hash of the key, the newest wins. What it holds never changes a verdict. */
#ifndef QUORATE_CRYPTO_VERKEY25519_H
#define QUORATE_CRYPTO_VERKEY25519_H

#include "crypto/multiscalar25519.h"

struct verkey25519 {
    uint8_t bytes[32];               /* the encoding as it came, canonical or not */
    uint32_t uses;                   /* 0: an empty place */
    struct edwards25519 minus_point; /* -A: the equation subtracts it */
    struct multiscalar25519_ready minus_ready; /* of minus_point; filled by verkey25519_ready */
    bool is_ready;
};

/* NULL: the bytes are no point (ZIP-215). A loan until this thread's next call. */
struct verkey25519 *verkey25519_of(const uint8_t bytes[static 32]);
/* The multiples of -A, for a key that keeps coming back; NULL for one met a few times only. */
const struct multiscalar25519_ready *verkey25519_ready(struct verkey25519 *key);

#endif
