#include "ledger/kv_table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A record: kind, key size, value size (host order: a batch never leaves the process), key, value. */
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
    batch->count++;
    return place;
}

static void append(struct kv_batch *batch, uint8_t kind, struct span key, struct span value) {
    assert(key.size > 0 && key.size <= UINT32_MAX && value.size <= UINT32_MAX);
    uint32_t sizes[2] = {(uint32_t)key.size, (uint32_t)value.size};
    uint8_t *place = claim(batch, RECORD_HEAD + key.size + value.size);
    place[0] = kind;
    memcpy(place + 1, sizes, sizeof sizes);
    memcpy(place + RECORD_HEAD, key.data, key.size);
    if (value.size > 0)
        memcpy(place + RECORD_HEAD + key.size, value.data, value.size);
}

void kv_batch_put(struct kv_batch *batch, struct span key, struct span value) { append(batch, RECORD_PUT, key, value); }

void kv_batch_delete(struct kv_batch *batch, struct span key) { append(batch, RECORD_DELETE, key, span_of(NULL, 0)); }

bool kv_batch_next(const struct kv_batch *batch, size_t *cursor, struct span *key, struct span *value, bool *is_delete) {
    assert(*cursor <= batch->size);
    if (*cursor == batch->size)
        return false;
    const uint8_t *record = batch->bytes + *cursor;
    uint32_t sizes[2];
    memcpy(sizes, record + 1, sizeof sizes);
    *is_delete = record[0] == RECORD_DELETE;
    *key = span_of(record + RECORD_HEAD, sizes[0]);
    *value = span_of(*is_delete ? NULL : record + RECORD_HEAD + sizes[0], sizes[1]);
    *cursor += RECORD_HEAD + (size_t)sizes[0] + sizes[1];
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

void kv_fail(struct kv *kv, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    kv->failure.fail(kv->failure.context, line);
}
