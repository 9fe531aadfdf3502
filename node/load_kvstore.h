/* Transactions for the kvstore application that no other run has made: "<run><number>=<filler>", lower-case hex throughout, so that they
 * are their own JSON and every one has the size asked for. */
#ifndef QUORATE_NODE_LOAD_KVSTORE_H
#define QUORATE_NODE_LOAD_KVSTORE_H

#include "crypto/span.h"

#define LOAD_KVSTORE_SIZE_MIN 32
#define LOAD_KVSTORE_SIZE_MAX 700000 /* fits the default body limit of a node as base64 */

struct load_kvstore {
    uint64_t next;
    size_t size;
    uint8_t *tx;
};

/* `size` within the limits above. */
void load_kvstore_init(struct load_kvstore *kvstore, size_t size);
void load_kvstore_close(struct load_kvstore *kvstore);
struct span load_kvstore_next(struct load_kvstore *kvstore); /* a loan until the next call */

#endif
