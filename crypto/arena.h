/* Memory that is freed all at once: decoded blocks, one height's votes, one request. Grows in chunks up to bytes_max.
 * arena_take returns zeroed, 16-byte aligned memory, or NULL when bytes_max would be passed (a stranger's input asked
 * for too much: the caller refuses it). arena_reset forgets everything but keeps the first chunk. */
#ifndef QUORATE_CRYPTO_ARENA_H
#define QUORATE_CRYPTO_ARENA_H

#include "crypto/span.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t bytes_taken;
    size_t bytes_max;
};

void arena_init(struct arena *arena, size_t bytes_max);
void arena_close(struct arena *arena);
void arena_reset(struct arena *arena);
void *arena_take(struct arena *arena, size_t count, size_t item_size); /* overflow of the product gives NULL */
bool arena_copy(struct arena *arena, struct span *out, struct span bytes);

#endif
