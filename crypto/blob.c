#include "crypto/blob.h"

#include <assert.h>
#include <stdlib.h>

struct blob *blob_reserve(size_t size) {
    assert(size <= SIZE_MAX - sizeof(struct blob));
    struct blob *blob = malloc(sizeof *blob + size);
    assert(blob != NULL);
    blob->size = size;
    blob->holders = 1;
    return blob;
}

struct blob *blob_new(struct span bytes) {
    struct blob *blob = blob_reserve(bytes.size);
    if (bytes.size > 0)
        memcpy(blob->data, bytes.data, bytes.size);
    return blob;
}

struct blob *blob_hold(struct blob *blob) {
    assert(blob->holders > 0);
    assert(blob->holders < UINT32_MAX);
    blob->holders++;
    return blob;
}

void blob_release(struct blob *blob) {
    if (blob == NULL)
        return;
    assert(blob->holders > 0);
    if (--blob->holders == 0)
        free(blob);
}
