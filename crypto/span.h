/* A loan of bytes: valid as long as whoever lent them says; nothing is owned. An empty span may have a NULL pointer. */
#ifndef QUORATE_CRYPTO_SPAN_H
#define QUORATE_CRYPTO_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t size;
};

static inline struct span span_of(const void *data, size_t size) {
    return (struct span){(const uint8_t *)data, size};
}

static inline struct span span_text(const char *text) {
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static inline bool span_equal(struct span a, struct span b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Byte-wise order; a proper prefix comes first. Negative, zero or positive as memcmp. */
static inline int span_compare(struct span a, struct span b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

#endif
