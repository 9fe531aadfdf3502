#include "crypto/blob.h"

#include <assert.h>
#include <stdlib.h>

struct blob *blob_reserve(size_t size) {
    assert(size <= SIZE_MAX - sizeof(struct blob));
    struct blob *blob = malloc(sizeof *blob + size);
    assert(blob != NULL);
    blob->size = size;
    atomic_init(&blob->holders, 1);
    return blob;
}

struct blob *blob_new(struct span bytes) {
    struct blob *blob = blob_reserve(bytes.size);
    if (bytes.size > 0)
        memcpy(blob->data, bytes.data, bytes.size);
    return blob;
}

struct blob *blob_hold(struct blob *blob) {
    unsigned before = atomic_fetch_add_explicit(&blob->holders, 1, memory_order_relaxed);
    assert(before > 0 && before < UINT32_MAX);
    return blob;
}

void blob_release(struct blob *blob) {
    if (blob == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&blob->holders, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        free(blob);
}
