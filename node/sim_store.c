#include "node/sim_store.h"

#include <assert.h>
#include <stdlib.h>

#include "ledger/kv_table.h"

struct store {
    struct kv kv;
    struct kv *memory;
    struct blob *damaged; /* the key; NULL: none */
};

static struct store *store_of(struct kv *kv) { return (struct store *)kv; }

static void look(struct kv *kv, struct span key) {
    const struct store *self = store_of(kv);
    if (self->damaged != NULL && span_equal(blob_span(self->damaged), key))
        kv_fail(kv, "memory: reading failed: block checksum mismatch; restore the data folder from a copy and start again");
}

static struct blob *store_get(struct kv *kv, struct span key) {
    look(kv, key);
    return kv_get(store_of(kv)->memory, key);
}

static void store_write(struct kv *kv, const struct kv_batch *batch, bool sync) {
    struct store *self = store_of(kv);
    struct span key, value;
    bool is_delete;
    kv_write(self->memory, batch, sync);
    for (size_t cursor = 0; self->damaged != NULL && kv_batch_next(batch, &cursor, &key, &value, &is_delete);)
        if (span_equal(blob_span(self->damaged), key))
            sim_store_mend(kv); /* written anew */
}

struct visiting {
    struct kv *kv;
    kv_visit *visit;
    void *context;
};

static bool look_and_visit(void *context, struct span key, struct span value) {
    struct visiting *visiting = context;
    look(visiting->kv, key);
    return visiting->visit(visiting->context, key, value);
}

static void store_scan(struct kv *kv, struct span from, struct span to, bool backwards, kv_visit *visit, void *context) {
    struct visiting visiting = {kv, visit, context};
    kv_scan(store_of(kv)->memory, from, to, backwards, look_and_visit, &visiting);
}

static void store_compact(struct kv *kv, struct span from, struct span to) { kv_compact(store_of(kv)->memory, from, to); }

static void store_close(struct kv *kv) {
    kv_close(store_of(kv)->memory);
    blob_release(store_of(kv)->damaged);
    free(kv);
}

static const struct kv_table table = {
    .close = store_close, .get = store_get, .write = store_write, .scan = store_scan, .compact = store_compact};

struct kv *sim_store_new(struct kv_failure failure) {
    struct store *self = calloc(1, sizeof *self);
    assert(self != NULL);
    self->kv = (struct kv){.table = &table, .failure = failure};
    self->memory = kv_memory_new(failure);
    return &self->kv;
}

struct kv *sim_store_memory(struct kv *store) {
    assert(store->table == &table);
    return store_of(store)->memory;
}

/* ---- damage */

static const uint8_t first_key[1] = {0}, last_key[1] = {0xff};

struct choosing {
    uint64_t count, wanted;
    struct blob *key;
};

static bool count_key(void *context, struct span key, struct span value) {
    struct choosing *choosing = context;
    (void)value;
    if (choosing->count++ != choosing->wanted)
        return true;
    choosing->key = blob_new(key);
    return false;
}

void sim_store_damage(struct kv *store, uint64_t chance) {
    struct store *self = store_of(store);
    struct choosing choosing = {.wanted = UINT64_MAX};
    kv_scan(self->memory, span_of(first_key, 1), span_of(last_key, 1), false, count_key, &choosing);
    if (choosing.count == 0)
        return;
    choosing = (struct choosing){.wanted = chance % choosing.count};
    kv_scan(self->memory, span_of(first_key, 1), span_of(last_key, 1), false, count_key, &choosing);
    sim_store_mend(store);
    self->damaged = choosing.key;
}

void sim_store_mend(struct kv *store) {
    blob_release(store_of(store)->damaged);
    store_of(store)->damaged = NULL;
}
