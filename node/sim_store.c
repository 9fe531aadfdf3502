#include "node/sim_store.h"

#include <assert.h>
#include <stdlib.h>

#include "ledger/kv_table.h"

struct store {
    struct kv kv;
    struct kv *memory;
    struct blob *damaged; /* the key; NULL: none */
    enum sim_store_break how;
    uint32_t calls; /* until it breaks; 0: it does not */
    bool stays, is_broken, is_frozen;
    uint32_t unsynced;
};

static struct store *store_of(struct kv *kv) { return (struct store *)kv; }

/* Is this the call? */
static bool breaks(struct store *self) {
    if (self->is_frozen || (!self->is_broken && (self->calls == 0 || --self->calls > 0)))
        return false;
    self->is_broken = self->stays;
    return true;
}

static void look(struct kv *kv, struct span key) {
    const struct store *self = store_of(kv);
    if (self->damaged != NULL && !self->is_frozen && span_equal(blob_span(self->damaged), key))
        kv_fail(kv, "memory: reading failed: block checksum mismatch; restore the data folder from a copy and start again");
}

static void begin_reading(struct kv *kv) {
    if (store_of(kv)->how == SIM_STORE_IO_ERROR && breaks(store_of(kv)))
        kv_fail(kv, "memory: reading failed: Input/output error (5); repair the cause and start again");
}

static struct blob *store_get(struct kv *kv, struct span key) {
    begin_reading(kv);
    look(kv, key);
    return kv_get(store_of(kv)->memory, key);
}

static void fail_in_write(struct kv *kv, const struct kv_batch *batch) {
    struct store *self = store_of(kv);
    if (self->how == SIM_STORE_DEATH) {
        kv_write(self->memory, batch, false);
        self->unsynced++;
        kv_fail(kv, "killed while writing to the store");
    }
    kv_fail(kv, "memory: writing failed: %s; repair the cause and start again",
            self->how == SIM_STORE_IO_ERROR ? "Input/output error (5)" : "No space left on device (28)");
}

static void store_write(struct kv *kv, const struct kv_batch *batch, bool sync) {
    struct store *self = store_of(kv);
    struct span key, value;
    bool is_delete;
    if (breaks(self))
        fail_in_write(kv, batch);
    kv_write(self->memory, batch, sync);
    self->unsynced = sync ? 0 : self->unsynced + 1;
    for (size_t cursor = 0; self->damaged != NULL && kv_batch_next(batch, &cursor, &key, &value, &is_delete);)
        if (span_equal(blob_span(self->damaged), key)) {
            blob_release(self->damaged); /* written anew */
            self->damaged = NULL;
        }
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
    begin_reading(kv);
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

/* ---- breaks */

void sim_store_break(struct kv *store, enum sim_store_break how, uint32_t calls, bool stays) {
    struct store *self = store_of(store);
    assert(store->table == &table);
    self->how = how;
    self->calls = calls;
    self->stays = stays;
    self->is_broken = false;
}

uint32_t sim_store_crash(struct kv *store, uint32_t keep, uint32_t *kept) {
    struct store *self = store_of(store);
    uint32_t unsynced = self->unsynced, survive = keep < unsynced ? keep : unsynced;
    kv_memory_crash(self->memory, keep);
    self->unsynced = 0;
    if (!self->stays)
        self->calls = 0;
    if (kept != NULL)
        *kept = survive;
    return unsynced - survive;
}

void sim_store_reopen(struct kv *store) {
    kv_memory_crash(store_of(store)->memory, UINT32_MAX);
    store_of(store)->unsynced = 0;
}

void sim_store_freeze(struct kv *store, bool frozen) { store_of(store)->is_frozen = frozen; }

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
    blob_release(self->damaged);
    self->damaged = choosing.key;
}

void sim_store_mend(struct kv *store) {
    struct store *self = store_of(store);
    blob_release(self->damaged);
    self->damaged = NULL;
    sim_store_break(store, SIM_STORE_FULL, 0, false);
}
