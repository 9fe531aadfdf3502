/* Immutable counted bytes, shared by many (a transaction, a part, a frame), on any thread: the count is atomic.
 * blob_new copies; blob_reserve gives an uninitialised blob that its creator fills before anyone else sees it. */
#ifndef QUORATE_CRYPTO_BLOB_H
#define QUORATE_CRYPTO_BLOB_H

#include <stdatomic.h>

#include "crypto/span.h"

struct blob {
    size_t size;
    atomic_uint holders;
    uint8_t data[];
};

struct blob *blob_new(struct span bytes);          /* one holder: the caller */
struct blob *blob_reserve(size_t size);            /* likewise; fill data before sharing */
struct blob *blob_hold(struct blob *blob);         /* one more holder; returns blob */
void blob_release(struct blob *blob);              /* NULL is allowed; the last holder frees */
static inline struct span blob_span(const struct blob *blob) { return span_of(blob->data, blob->size); }

#endif
