#include "ledger/kv_group.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "ledger/kv_table.h"
#include "ledger/salted.h"

enum { ROOM_MIN = 256 };

struct group {
    struct kv kv;
    struct kv *behind;
    bool holds;
    uint32_t count; /* batches gathered */
    struct kv_batch held, last;
    size_t *newest; /* a table by key: where in `held` its newest record begins, plus one; 0: free */
    size_t room, used;
    uint64_t salt;
};

static const struct kv_table table;

static struct group *group_of(struct kv *kv) { return (struct group *)kv; }

static bool is_group(const struct kv *kv) { return kv->table == &table; }

struct record {
    size_t at;
    struct span key, value;
    bool is_delete;
};

static bool read_record(const struct group *self, struct record *record, size_t *cursor) {
    record->at = *cursor;
    return kv_batch_next(&self->held, cursor, &record->key, &record->value, &record->is_delete);
}

/* The place of the key in the table: its own, or the free one that it would take. */
static size_t place_of(const struct group *self, struct span key) {
    size_t place = salted_hash(self->salt, key) & (self->room - 1);
    for (; self->newest[place] != 0; place = (place + 1) & (self->room - 1)) {
        struct record record;
        size_t cursor = self->newest[place] - 1;
        bool found = read_record(self, &record, &cursor);
        assert(found);
        if (span_equal(record.key, key))
            break;
    }
    return place;
}

static void take_room(struct group *self, size_t room) {
    free(self->newest);
    self->newest = calloc(room, sizeof self->newest[0]);
    assert(self->newest != NULL);
    self->room = room;
    self->used = 0;
}

static void note(struct group *self, const struct record *record) {
    size_t place = place_of(self, record->key);
    self->used += self->newest[place] == 0;
    self->newest[place] = record->at + 1;
}

static void note_all(struct group *self, size_t from) {
    struct record record;
    for (size_t cursor = from; read_record(self, &record, &cursor);)
        note(self, &record);
}

static void forget(struct group *self) {
    kv_batch_clear(&self->held);
    self->count = 0;
    if (self->used > 0)
        memset(self->newest, 0, self->room * sizeof self->newest[0]);
    self->used = 0;
}

/* Of each key only what it ends with. */
static void write_held(struct group *self) {
    struct record record;
    if (self->count == 0)
        return;
    kv_batch_clear(&self->last);
    for (size_t cursor = 0; read_record(self, &record, &cursor);) {
        if (self->newest[place_of(self, record.key)] != record.at + 1)
            continue;
        if (record.is_delete)
            kv_batch_delete(&self->last, record.key);
        else
            kv_batch_put(&self->last, record.key, record.value);
    }
    kv_write(self->behind, &self->last, true);
    self->kv.counts.writes++;
    self->kv.counts.synced_writes++;
    forget(self);
}

static void gather(struct group *self, const struct kv_batch *batch) {
    size_t from = self->held.size;
    bool good = kv_batch_load(&self->held, kv_batch_span(batch));
    assert(good);
    self->count++;
    if (2 * (self->used + batch->count) > self->room) {
        size_t room = self->room;
        while (room < 4 * (self->used + batch->count))
            room *= 2;
        take_room(self, room);
        from = 0;
    }
    note_all(self, from);
}

/* ---- the table */

static void group_write(struct kv *kv, const struct kv_batch *batch, bool sync) {
    struct group *self = group_of(kv);
    if (!self->holds) {
        kv_write(self->behind, batch, sync);
        return;
    }
    kv->counts.writes--; /* kv_write is about to count it, but nothing was written */
    kv->counts.synced_writes -= sync;
    gather(self, batch);
    if (self->held.size >= KV_GROUP_BYTES_MAX)
        write_held(self);
}

static struct blob *group_get(struct kv *kv, struct span key) {
    struct group *self = group_of(kv);
    size_t cursor = self->count == 0 ? 0 : self->newest[place_of(self, key)];
    struct record record;
    if (cursor-- == 0)
        return kv_get(self->behind, key);
    bool found = read_record(self, &record, &cursor);
    assert(found);
    return record.is_delete ? NULL : blob_new(record.value);
}

static void group_scan(struct kv *kv, struct span from, struct span to, bool backwards, kv_visit *visit, void *context) {
    write_held(group_of(kv));
    kv_scan(group_of(kv)->behind, from, to, backwards, visit, context);
}

static void group_compact(struct kv *kv, struct span from, struct span to) {
    write_held(group_of(kv));
    kv_compact(group_of(kv)->behind, from, to);
}

static void group_close(struct kv *kv) {
    struct group *self = group_of(kv);
    write_held(self);
    kv_batch_close(&self->held);
    kv_batch_close(&self->last);
    free(self->newest);
    free(self);
}

static struct kv *group_snapshot(struct kv *kv) { return kv_snapshot(group_of(kv)->behind); }

static void group_compact_later(struct kv *kv, struct span from, struct span to) { kv_compact_later(group_of(kv)->behind, from, to); }

static void group_compact_wait(struct kv *kv) { kv_compact_wait(group_of(kv)->behind); }

static uint64_t group_space(struct kv *kv, struct span from, struct span to) { return kv_space(group_of(kv)->behind, from, to); }

static const struct kv_table table = {.close = group_close,
                                      .get = group_get,
                                      .write = group_write,
                                      .scan = group_scan,
                                      .compact = group_compact,
                                      .compact_later = group_compact_later,
                                      .compact_wait = group_compact_wait,
                                      .space = group_space,
                                      .snapshot = group_snapshot};

/* ---- from outside */

struct kv *kv_group_over(struct kv *behind) {
    struct group *self = calloc(1, sizeof *self);
    assert(self != NULL);
    self->kv = (struct kv){.table = &table, .failure = behind->failure};
    self->behind = behind;
    random_fill(&self->salt, sizeof self->salt);
    kv_batch_init(&self->held);
    kv_batch_init(&self->last);
    take_room(self, ROOM_MIN);
    return &self->kv;
}

void kv_group_write(struct kv *kv) {
    if (is_group(kv))
        write_held(group_of(kv));
}

void kv_group_hold(struct kv *kv, bool hold) {
    if (!is_group(kv))
        return;
    if (!hold)
        kv_group_write(kv);
    group_of(kv)->holds = hold;
}

uint32_t kv_group_count(const struct kv *kv) { return is_group(kv) ? ((const struct group *)kv)->count : 0; }

void kv_group_drop(struct kv *kv) {
    if (is_group(kv))
        forget(group_of(kv));
}
