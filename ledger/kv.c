#include "ledger/kv_table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A record: kind, key size, value size (both four bytes, little end first), key, value. */
enum { RECORD_PUT = 1, RECORD_DELETE = 2, RECORD_HEAD = 9 };

void kv_batch_init(struct kv_batch *batch) { *batch = (struct kv_batch){0}; }

void kv_batch_close(struct kv_batch *batch) {
    free(batch->bytes);
    *batch = (struct kv_batch){0};
}

void kv_batch_clear(struct kv_batch *batch) {
    batch->size = 0;
    batch->count = 0;
}

static uint8_t *claim(struct kv_batch *batch, size_t size) {
    if (size > batch->capacity - batch->size) {
        size_t wanted = batch->size + size > 2 * batch->capacity ? batch->size + size : 2 * batch->capacity;
        batch->capacity = wanted < 4096 ? 4096 : wanted;
        batch->bytes = realloc(batch->bytes, batch->capacity);
        assert(batch->bytes != NULL);
    }
    uint8_t *place = batch->bytes + batch->size;
    batch->size += size;
    return place;
}

static void store_size(uint8_t *place, size_t size) {
    for (unsigned i = 0; i < 4; i++)
        place[i] = (uint8_t)(size >> (8 * i));
}

static size_t load_size(const uint8_t *place) {
    return place[0] | (size_t)place[1] << 8 | (size_t)place[2] << 16 | (size_t)place[3] << 24;
}

/* Appends all but the value; returns its place. */
static uint8_t *append(struct kv_batch *batch, uint8_t kind, struct span key, size_t value_size) {
    assert(key.size > 0 && key.size <= UINT32_MAX && value_size <= UINT32_MAX);
    uint8_t *place = claim(batch, RECORD_HEAD + key.size + value_size);
    batch->count++;
    place[0] = kind;
    store_size(place + 1, key.size);
    store_size(place + 5, value_size);
    memcpy(place + RECORD_HEAD, key.data, key.size);
    return place + RECORD_HEAD + key.size;
}

uint8_t *kv_batch_reserve(struct kv_batch *batch, struct span key, size_t size) { return append(batch, RECORD_PUT, key, size); }

void kv_batch_put(struct kv_batch *batch, struct span key, struct span value) {
    uint8_t *place = append(batch, RECORD_PUT, key, value.size);
    if (value.size > 0)
        memcpy(place, value.data, value.size);
}

void kv_batch_delete(struct kv_batch *batch, struct span key) { append(batch, RECORD_DELETE, key, 0); }

bool kv_batch_next(const struct kv_batch *batch, size_t *cursor, struct span *key, struct span *value, bool *is_delete) {
    assert(*cursor <= batch->size);
    if (*cursor == batch->size)
        return false;
    const uint8_t *record = batch->bytes + *cursor;
    *is_delete = record[0] == RECORD_DELETE;
    *key = span_of(record + RECORD_HEAD, load_size(record + 1));
    *value = span_of(*is_delete ? NULL : key->data + key->size, load_size(record + 5));
    *cursor += RECORD_HEAD + key->size + value->size;
    return true;
}

/* The size of the record at the front, or 0 when there is no whole one. */
static size_t record_size(struct span bytes) {
    if (bytes.size < RECORD_HEAD || (bytes.data[0] != RECORD_PUT && bytes.data[0] != RECORD_DELETE))
        return 0;
    size_t key_size = load_size(bytes.data + 1), size = RECORD_HEAD + key_size + load_size(bytes.data + 5);
    bool is_delete = bytes.data[0] == RECORD_DELETE;
    bool good = key_size > 0 && size <= bytes.size && (!is_delete || size == RECORD_HEAD + key_size);
    return good ? size : 0;
}

bool kv_batch_load(struct kv_batch *batch, struct span bytes) {
    uint32_t count = 0;
    for (struct span left = bytes; left.size > 0; count++) {
        size_t size = record_size(left);
        if (size == 0)
            return false;
        left = span_of(left.data + size, left.size - size);
    }
    if (bytes.size > 0)
        memcpy(claim(batch, bytes.size), bytes.data, bytes.size);
    batch->count += count;
    return true;
}

void kv_close(struct kv *kv) {
    if (kv != NULL)
        kv->table->close(kv);
}

struct blob *kv_get(struct kv *kv, struct span key) { return kv->table->get(kv, key); }

bool kv_has(struct kv *kv, struct span key) {
    struct blob *value = kv_get(kv, key);
    blob_release(value);
    return value != NULL;
}

void kv_write(struct kv *kv, const struct kv_batch *batch, bool sync) {
    kv->table->write(kv, batch, sync);
    kv->counts.writes++;
    kv->counts.synced_writes += sync;
    kv->counts.bytes_written += batch->size;
}

void kv_scan(struct kv *kv, struct span from, struct span to, bool backwards, kv_visit *visit, void *context) {
    if (span_compare(from, to) < 0)
        kv->table->scan(kv, from, to, backwards, visit, context);
}

void kv_count(const struct kv *kv, struct kv_counts *out) { *out = kv->counts; }

void kv_compact(struct kv *kv, struct span from, struct span to) { kv->table->compact(kv, from, to); }

struct kv *kv_snapshot(struct kv *kv) { return kv->table->snapshot(kv); }

void kv_compact_later(struct kv *kv, struct span from, struct span to) {
    if (kv->table->compact_later != NULL)
        kv->table->compact_later(kv, from, to);
}

void kv_compact_wait(struct kv *kv) {
    if (kv->table->compact_wait != NULL)
        kv->table->compact_wait(kv);
}

uint64_t kv_space(struct kv *kv, struct span from, struct span to) { return kv->table->space == NULL ? 0 : kv->table->space(kv, from, to); }

void kv_fail(struct kv *kv, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    kv->failure.fail(kv->failure.context, line);
}
