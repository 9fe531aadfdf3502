/* Bytes that grow at the end and are consumed from the front: what came off a socket, what is to be sent. The owner bounds
 * it; running out of memory aborts. An emptied buffer gives back what is above BUFFER_KEPT bytes, because a node holds
 * several per peer. */
#ifndef QUORATE_NODE_BUFFER_H
#define QUORATE_NODE_BUFFER_H

#include "crypto/span.h"

#define BUFFER_KEPT 16384

struct buffer {
    uint8_t *data;
    size_t begin, end; /* what is there: data[begin..end) */
    size_t capacity;
};

void buffer_init(struct buffer *buffer);
void buffer_close(struct buffer *buffer); /* wipes nothing; may be used again as if new */
/* Room for `size` more bytes at the end; fill them, then buffer_add what was filled. Moves the bytes: loans end. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_add(struct buffer *buffer, size_t size);
void buffer_append(struct buffer *buffer, struct span bytes);
void buffer_consume(struct buffer *buffer, size_t size); /* from the front; at most what is there */

static inline size_t buffer_size(const struct buffer *buffer) { return buffer->end - buffer->begin; }
static inline struct span buffer_span(const struct buffer *buffer) {
    return buffer->data == NULL ? span_of(NULL, 0) : span_of(buffer->data + buffer->begin, buffer_size(buffer));
}

#endif
