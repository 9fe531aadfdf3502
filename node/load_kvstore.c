#include "node/load_kvstore.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "crypto/text.h"

#define RUN_BYTES 7 /* 14 digits; the number takes 12 */
#define KEY_SIZE  26

static void fill(uint8_t *out, size_t size) {
    uint8_t bytes[64];
    char hex[TEXT_HEX_SIZE(sizeof bytes)];
    random_fill(bytes, sizeof bytes);
    text_hex_lower(hex, span_of(bytes, sizeof bytes));
    for (size_t at = 0; at < size; at++)
        out[at] = (uint8_t)hex[at % (2 * sizeof bytes)];
}

void load_kvstore_init(struct load_kvstore *kvstore, size_t size) {
    assert(size >= LOAD_KVSTORE_SIZE_MIN && size <= LOAD_KVSTORE_SIZE_MAX);
    *kvstore = (struct load_kvstore){.size = size, .tx = malloc(size)};
    assert(kvstore->tx != NULL);
    fill(kvstore->tx, size);
    kvstore->tx[KEY_SIZE] = '=';
}

void load_kvstore_close(struct load_kvstore *kvstore) {
    free(kvstore->tx);
    kvstore->tx = NULL;
}

struct span load_kvstore_next(struct load_kvstore *kvstore) {
    uint64_t number = kvstore->next++;
    for (size_t at = KEY_SIZE; at-- > 2 * RUN_BYTES; number >>= 4)
        kvstore->tx[at] = (uint8_t)"0123456789abcdef"[number & 15];
    return span_of(kvstore->tx, kvstore->size);
}
