#include "crypto/arena.h"

#include <assert.h>
#include <stdlib.h>

enum { ALIGNMENT = 16, CHUNK_BYTES = 16384 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t size;
    size_t used;
    _Alignas(ALIGNMENT) uint8_t data[];
};

void arena_init(struct arena *arena, size_t bytes_max) { *arena = (struct arena){.bytes_max = bytes_max}; }

void arena_close(struct arena *arena) {
    while (arena->chunks != NULL) {
        struct arena_chunk *older = arena->chunks->older;
        free(arena->chunks);
        arena->chunks = older;
    }
    arena->bytes_taken = 0;
}

void arena_reset(struct arena *arena) {
    while (arena->chunks != NULL && arena->chunks->older != NULL) {
        struct arena_chunk *older = arena->chunks->older;
        free(arena->chunks);
        arena->chunks = older;
    }
    if (arena->chunks != NULL)
        arena->chunks->used = 0;
    arena->bytes_taken = 0;
}

/* Chunks double, so that a large block costs few calls, but never beyond what bytes_max still allows. */
static size_t chunk_size_for(const struct arena *arena, size_t size) {
    size_t wanted = arena->chunks == NULL ? CHUNK_BYTES : 2 * arena->chunks->size;
    size_t allowed = arena->bytes_max - arena->bytes_taken;
    if (wanted > allowed)
        wanted = allowed;
    wanted -= wanted % ALIGNMENT;
    return wanted > size ? wanted : size;
}

static struct arena_chunk *chunk_push(struct arena *arena, size_t size) {
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    assert(chunk != NULL);
    chunk->older = arena->chunks;
    chunk->size = size;
    chunk->used = 0;
    arena->chunks = chunk;
    return chunk;
}

void *arena_take(struct arena *arena, size_t count, size_t item_size) {
    size_t size;
    if (__builtin_mul_overflow(count, item_size, &size) || size > SIZE_MAX / 4)
        return NULL;
    /* Even nothing gets a place of its own: NULL must mean refusal only. */
    size = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->bytes_max - arena->bytes_taken)
        return NULL;
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || size > chunk->size - chunk->used)
        chunk = chunk_push(arena, chunk_size_for(arena, size));
    void *taken = chunk->data + chunk->used;
    chunk->used += size;
    arena->bytes_taken += size;
    return memset(taken, 0, size);
}

bool arena_copy(struct arena *arena, struct span *out, struct span bytes) {
    uint8_t *copy = arena_take(arena, bytes.size, 1);
    if (copy == NULL)
        return false;
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    *out = span_of(copy, bytes.size);
    return true;
}
