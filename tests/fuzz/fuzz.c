#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOMS_MAX = 4096 };
static void *rooms[ROOMS_MAX];
static size_t room_count;
static struct arena arena;

struct fuzz fuzz_over(const uint8_t *data, size_t size) { return (struct fuzz){data, data + size}; }

uint64_t fuzz_number(struct fuzz *fuzz, size_t bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes && fuzz->at < fuzz->end; i++)
        number |= (uint64_t)*fuzz->at++ << (8 * i);
    return number;
}

struct span fuzz_rest(struct fuzz *fuzz) {
    struct span rest = span_of(fuzz->at, (size_t)(fuzz->end - fuzz->at));
    fuzz->at = fuzz->end;
    return rest;
}

void *fuzz_room(size_t size) {
    void *room = malloc(size > 0 ? size : 1);
    assert(room != NULL && room_count < ROOMS_MAX);
    return rooms[room_count++] = room;
}

struct span fuzz_copy(struct span bytes) {
    uint8_t *room = fuzz_room(bytes.size);
    if (bytes.size > 0)
        memcpy(room, bytes.data, bytes.size);
    return span_of(room, bytes.size);
}

struct span fuzz_piece(struct fuzz *fuzz) {
    size_t size = fuzz_number(fuzz, 2), there = (size_t)(fuzz->end - fuzz->at);
    struct span piece = span_of(fuzz->at, size < there ? size : there);
    fuzz->at += piece.size;
    return fuzz_copy(piece);
}

char *fuzz_string(struct span bytes) {
    char *text = fuzz_room(bytes.size + 1);
    if (bytes.size > 0)
        memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

struct arena *fuzz_arena(void) {
    if (arena.bytes_max == 0)
        arena_init(&arena, 64u << 20);
    return &arena;
}

void fuzz_end(void) {
    while (room_count > 0)
        free(rooms[--room_count]);
    if (arena.bytes_max != 0)
        arena_reset(&arena);
}

static void show(const char *name, struct span bytes) {
    fprintf(stderr, "%s (%zu bytes): ", name, bytes.size);
    for (size_t i = 0; i < bytes.size && i < 4096; i++)
        fprintf(stderr, "%02x", bytes.data[i]);
    fputc('\n', stderr);
}

void fuzz_same(struct span a, struct span b) {
    if (span_equal(a, b))
        return;
    show("one  ", a);
    show("other", b);
    abort();
}

void fuzz_world_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}
