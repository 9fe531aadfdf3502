/* A skip list in key order, and the way back from every batch that was not synced. The heights of towers come from a counter, so
 * that every run is the same. */
#include "ledger/kv_table.h"

#include <assert.h>
#include <stdlib.h>

enum { TOWER_MAX = 20 };

struct entry {
    struct blob *value;
    size_t key_size;
    uint8_t height;
    struct entry **next; /* `height` links, in the entry's own allocation before the key */
    uint8_t *key;
};

struct memory {
    struct kv kv;
    struct entry *first[TOWER_MAX];
    uint64_t entries_made;
    struct kv_batch *undo; /* per unsynced batch: what it replaced */
    uint32_t undo_count, undo_capacity;
    bool fails;
    uint32_t writes_left; /* before a failure, when `fails` */
};

static struct memory *memory_of(struct kv *kv) { return (struct memory *)kv; }

static struct span key_of(const struct entry *entry) { return span_of(entry->key, entry->key_size); }

/* The links that lead to the first entry ≥ key, per level. */
static struct entry *find(struct memory *self, struct span key, struct entry **links[static TOWER_MAX]) {
    struct entry **level_links = self->first;
    struct entry *found = NULL;
    for (int level = TOWER_MAX - 1; level >= 0; level--) {
        while (level_links[level] != NULL && span_compare(key_of(level_links[level]), key) < 0)
            level_links = level_links[level]->next;
        links[level] = &level_links[level];
        found = level_links[level];
    }
    return found;
}

static struct entry *find_equal(struct memory *self, struct span key, struct entry **links[static TOWER_MAX]) {
    struct entry *found = find(self, key, links);
    return found != NULL && span_equal(key_of(found), key) ? found : NULL;
}

static uint8_t tower_height(struct memory *self) {
    uint64_t mixed = ++self->entries_made * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
    mixed *= UINT64_C(0xbf58476d1ce4e5b9);
    unsigned zeros = (unsigned)__builtin_ctzll(mixed >> 16 | UINT64_C(1) << 40) / 2;
    return (uint8_t)(zeros >= TOWER_MAX ? TOWER_MAX : zeros + 1);
}

static void put(struct memory *self, struct span key, struct span value) {
    struct entry **links[TOWER_MAX];
    struct entry *entry = find_equal(self, key, links);
    if (entry != NULL) {
        blob_release(entry->value);
        entry->value = blob_new(value);
        return;
    }
    uint8_t height = tower_height(self);
    entry = malloc(sizeof *entry + height * sizeof entry->next[0] + key.size);
    assert(entry != NULL);
    entry->height = height;
    entry->next = (struct entry **)(entry + 1);
    entry->key = (uint8_t *)(entry->next + height);
    entry->key_size = key.size;
    memcpy(entry->key, key.data, key.size);
    entry->value = blob_new(value);
    for (uint8_t level = 0; level < height; level++) {
        entry->next[level] = *links[level];
        *links[level] = entry;
    }
}

static void cut(struct memory *self, struct span key) {
    struct entry **links[TOWER_MAX];
    struct entry *entry = find_equal(self, key, links);
    if (entry == NULL)
        return;
    for (uint8_t level = 0; level < entry->height; level++)
        *links[level] = entry->next[level];
    blob_release(entry->value);
    free(entry);
}

static void perform(struct memory *self, const struct kv_batch *batch) {
    struct span key, value;
    bool is_delete;
    for (size_t cursor = 0; kv_batch_next(batch, &cursor, &key, &value, &is_delete);) {
        if (is_delete)
            cut(self, key);
        else
            put(self, key, value);
    }
}

/* The old values of all keys of the batch: the same value twice for a key that comes twice, so any order undoes. */
static void note_old(struct memory *self, struct kv_batch *undo, const struct kv_batch *batch) {
    struct span key, value;
    bool is_delete;
    for (size_t cursor = 0; kv_batch_next(batch, &cursor, &key, &value, &is_delete);) {
        struct entry **links[TOWER_MAX];
        const struct entry *old = find_equal(self, key, links);
        if (old == NULL)
            kv_batch_delete(undo, key);
        else
            kv_batch_put(undo, key, blob_span(old->value));
    }
}

static void forget_undo(struct memory *self) {
    for (uint32_t i = 0; i < self->undo_count; i++)
        kv_batch_close(&self->undo[i]);
    self->undo_count = 0;
}

static struct kv_batch *push_undo(struct memory *self) {
    if (self->undo_count == self->undo_capacity) {
        self->undo_capacity = self->undo_capacity == 0 ? 8 : 2 * self->undo_capacity;
        self->undo = realloc(self->undo, self->undo_capacity * sizeof *self->undo);
        assert(self->undo != NULL);
    }
    struct kv_batch *undo = &self->undo[self->undo_count++];
    kv_batch_init(undo);
    return undo;
}

static void memory_write(struct kv *kv, const struct kv_batch *batch, bool sync) {
    struct memory *self = memory_of(kv);
    if (self->fails && self->writes_left-- == 0)
        kv_fail(kv, "memory: writing failed: No space left on device; repair the cause and start again");
    if (sync)
        forget_undo(self); /* a synced log makes durable all that stands before it */
    else
        note_old(self, push_undo(self), batch);
    perform(self, batch);
}

static struct blob *memory_get(struct kv *kv, struct span key) {
    struct entry **links[TOWER_MAX];
    const struct entry *entry = find_equal(memory_of(kv), key, links);
    return entry == NULL ? NULL : blob_hold(entry->value);
}

static struct entry *last_below(struct memory *self, struct span to) {
    struct entry **level_links = self->first;
    struct entry *last = NULL;
    for (int level = TOWER_MAX - 1; level >= 0; level--) {
        while (level_links[level] != NULL && span_compare(key_of(level_links[level]), to) < 0) {
            last = level_links[level];
            level_links = last->next;
        }
    }
    return last;
}

static void memory_scan(struct kv *kv, struct span from, struct span to, bool backwards, kv_visit *visit, void *context) {
    struct memory *self = memory_of(kv);
    struct entry **links[TOWER_MAX];
    struct entry *at = backwards ? last_below(self, to) : find(self, from, links);
    while (at != NULL && span_compare(key_of(at), from) >= 0 && span_compare(key_of(at), to) < 0 &&
           visit(context, key_of(at), blob_span(at->value)))
        at = backwards ? last_below(self, key_of(at)) : at->next[0];
}

static void memory_compact(struct kv *kv, struct span from, struct span to) {
    (void)kv;
    (void)from;
    (void)to;
}

static void memory_close(struct kv *kv) {
    struct memory *self = memory_of(kv);
    forget_undo(self);
    free(self->undo);
    for (struct entry *entry = self->first[0]; entry != NULL;) {
        struct entry *next = entry->next[0];
        blob_release(entry->value);
        free(entry);
        entry = next;
    }
    free(self);
}

/* A whole copy, values too: blobs are not counted across threads. */
static struct kv *memory_snapshot(struct kv *kv) {
    struct kv *copy = kv_memory_new(kv->failure);
    for (const struct entry *entry = memory_of(kv)->first[0]; entry != NULL; entry = entry->next[0])
        put(memory_of(copy), key_of(entry), blob_span(entry->value));
    return copy;
}

static const struct kv_table table = {
    .close = memory_close, .get = memory_get, .write = memory_write, .scan = memory_scan, .compact = memory_compact, .snapshot = memory_snapshot};

struct kv *kv_memory_new(struct kv_failure failure) {
    struct memory *self = calloc(1, sizeof *self);
    assert(self != NULL);
    self->kv = (struct kv){.table = &table, .failure = failure};
    return &self->kv;
}

void kv_memory_crash(struct kv *kv, uint32_t keep) {
    assert(kv->table == &table);
    struct memory *self = memory_of(kv);
    while (self->undo_count > keep) {
        struct kv_batch *undo = &self->undo[--self->undo_count];
        perform(self, undo);
        kv_batch_close(undo);
    }
    forget_undo(self); /* what survived a crash is on the disk */
}

void kv_memory_fail_after(struct kv *kv, uint32_t writes) {
    assert(kv->table == &table);
    memory_of(kv)->fails = true;
    memory_of(kv)->writes_left = writes;
}
