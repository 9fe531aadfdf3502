#include "node/buffer.h"

#include <assert.h>
#include <stdlib.h>

void buffer_init(struct buffer *buffer) { *buffer = (struct buffer){0}; }

void buffer_close(struct buffer *buffer) {
    free(buffer->data);
    buffer_init(buffer);
}

static void grow(struct buffer *buffer, size_t wanted) {
    assert(wanted <= SIZE_MAX / 2);
    size_t capacity = buffer->capacity < 512 ? 512 : buffer->capacity;
    while (capacity < wanted)
        capacity *= 2;
    uint8_t *data = realloc(buffer->data, capacity);
    assert(data != NULL);
    buffer->data = data;
    buffer->capacity = capacity;
}

/* Moves to the front only when half is consumed, so that each byte is moved less than once on average. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size) {
    size_t kept = buffer_size(buffer);
    assert(size <= SIZE_MAX / 4 - kept);
    if (size > buffer->capacity - buffer->end && buffer->begin >= kept && buffer->begin > 0) {
        memmove(buffer->data, buffer->data + buffer->begin, kept);
        buffer->begin = 0;
        buffer->end = kept;
    }
    if (buffer->data == NULL || size > buffer->capacity - buffer->end)
        grow(buffer, buffer->end + size);
    return buffer->data + buffer->end;
}

void buffer_add(struct buffer *buffer, size_t size) {
    assert(size <= buffer->capacity - buffer->end);
    buffer->end += size;
}

void buffer_append(struct buffer *buffer, struct span bytes) {
    if (bytes.size == 0)
        return;
    memcpy(buffer_reserve(buffer, bytes.size), bytes.data, bytes.size);
    buffer_add(buffer, bytes.size);
}

void buffer_consume(struct buffer *buffer, size_t size) {
    assert(size <= buffer_size(buffer));
    buffer->begin += size;
    if (buffer->begin < buffer->end)
        return;
    buffer->begin = buffer->end = 0;
    if (buffer->capacity > BUFFER_KEPT)
        buffer_close(buffer);
}
