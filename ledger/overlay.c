#include "ledger/overlay.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "ledger/salted.h"

struct overlay_entry {
    struct overlay_entry *chain, *after;
    uint64_t hash;
    struct span value; /* data NULL: no such key. Never changed in place, so that undoing is putting the span back */
    uint32_t key_size;
    bool is_changed; /* written here; if not (a write was taken back), what lies below is meant, or at the bottom it is the cache */
    uint8_t key[];
};

void overlay_init(struct overlay *overlay, struct overlay *below, struct kv *kv) {
    assert((below == NULL) != (kv == NULL));
    *overlay = (struct overlay){.below = below, .kv = kv};
    /* One salt along the whole pile: a key is hashed once. */
    if (below != NULL)
        overlay->salt = below->salt;
    else
        random_fill(&overlay->salt, sizeof overlay->salt);
    arena_init(&overlay->arena, SIZE_MAX / 2);
}

void overlay_close(struct overlay *overlay) {
    free(overlay->buckets);
    free(overlay->undo);
    arena_close(&overlay->arena);
}

void overlay_clear(struct overlay *overlay) {
    free(overlay->buckets);
    overlay->buckets = NULL;
    overlay->bucket_count = overlay->count = overlay->undo_count = 0;
    overlay->first = overlay->last = NULL;
    arena_reset(&overlay->arena);
}

static struct overlay_entry *find(const struct overlay *overlay, uint64_t hash, struct span key) {
    if (overlay->count == 0)
        return NULL;
    struct overlay_entry *entry = overlay->buckets[hash & (overlay->bucket_count - 1)];
    while (entry != NULL && !(entry->hash == hash && span_equal(span_of(entry->key, entry->key_size), key)))
        entry = entry->chain;
    return entry;
}

static void grow(struct overlay *overlay) {
    free(overlay->buckets);
    overlay->bucket_count = overlay->bucket_count == 0 ? 64 : 2 * overlay->bucket_count;
    overlay->buckets = calloc(overlay->bucket_count, sizeof(struct overlay_entry *));
    assert(overlay->buckets != NULL);
    for (struct overlay_entry *entry = overlay->first; entry != NULL; entry = entry->after) {
        struct overlay_entry **bucket = &overlay->buckets[entry->hash & (overlay->bucket_count - 1)];
        entry->chain = *bucket;
        *bucket = entry;
    }
}

static struct overlay_entry *add(struct overlay *overlay, uint64_t hash, struct span key) {
    if (overlay->count == overlay->bucket_count)
        grow(overlay);
    struct overlay_entry *entry = arena_take(&overlay->arena, sizeof *entry + key.size, 1);
    assert(entry != NULL);
    entry->hash = hash;
    entry->key_size = (uint32_t)key.size;
    memcpy(entry->key, key.data, key.size);
    struct overlay_entry **bucket = &overlay->buckets[hash & (overlay->bucket_count - 1)];
    entry->chain = *bucket;
    *bucket = entry;
    *(overlay->last == NULL ? &overlay->first : &overlay->last->after) = entry;
    overlay->last = entry;
    overlay->count++;
    return entry;
}

static struct span keep(struct overlay *overlay, struct span value) {
    struct span copy;
    bool kept = arena_copy(&overlay->arena, &copy, value);
    assert(kept);
    return copy;
}

static struct span get(struct overlay *overlay, uint64_t hash, struct span key) {
    struct overlay_entry *entry = find(overlay, hash, key);
    if (entry != NULL && (entry->is_changed || overlay->below == NULL))
        return entry->value;
    if (overlay->below != NULL)
        return get(overlay->below, hash, key);
    struct blob *stored = kv_get(overlay->kv, key);
    entry = add(overlay, hash, key);
    if (stored != NULL)
        entry->value = keep(overlay, blob_span(stored));
    blob_release(stored);
    return entry->value;
}

struct span overlay_get(struct overlay *overlay, struct span key) { return get(overlay, salted_hash(overlay->salt, key), key); }

static void note_undo(struct overlay *overlay, struct overlay_entry *entry) {
    if (overlay->undo_count == overlay->undo_capacity) {
        overlay->undo_capacity = overlay->undo_capacity == 0 ? 64 : 2 * overlay->undo_capacity;
        overlay->undo = realloc(overlay->undo, overlay->undo_capacity * sizeof *overlay->undo);
        assert(overlay->undo != NULL);
    }
    overlay->undo[overlay->undo_count++] =
        (struct overlay_undo){.entry = entry, .value = entry->value, .was_changed = entry->is_changed};
}

static void change(struct overlay *overlay, struct span key, struct span value) {
    uint64_t hash = salted_hash(overlay->salt, key);
    struct overlay_entry *entry = find(overlay, hash, key);
    if (entry == NULL)
        entry = add(overlay, hash, key);
    if (overlay->below != NULL)
        note_undo(overlay, entry);
    entry->value = value;
    entry->is_changed = overlay->below != NULL;
}

void overlay_put(struct overlay *overlay, struct span key, struct span value) {
    assert(value.size > 0);
    change(overlay, key, keep(overlay, value));
}

void overlay_delete(struct overlay *overlay, struct span key) { change(overlay, key, span_of(NULL, 0)); }

void overlay_mark(struct overlay *overlay) { overlay->undo_count = 0; }

void overlay_revert(struct overlay *overlay) {
    while (overlay->undo_count > 0) {
        struct overlay_undo *undo = &overlay->undo[--overlay->undo_count];
        undo->entry->value = undo->value;
        undo->entry->is_changed = undo->was_changed;
    }
}

void overlay_each(const struct overlay *overlay, overlay_visit *visit, void *context) {
    for (struct overlay_entry *entry = overlay->first; entry != NULL; entry = entry->after)
        if (entry->is_changed)
            visit(context, span_of(entry->key, entry->key_size), entry->value);
}

static void write_one(void *context, struct span key, struct span value) {
    if (value.data == NULL)
        kv_batch_delete(context, key);
    else
        kv_batch_put(context, key, value);
}

void overlay_write(const struct overlay *overlay, struct kv_batch *batch) { overlay_each(overlay, write_one, batch); }

static void merge_one(void *context, struct span key, struct span value) {
    if (value.data == NULL)
        overlay_delete(context, key);
    else
        overlay_put(context, key, value);
}

void overlay_merge(struct overlay *overlay) { overlay_each(overlay, merge_one, overlay->below); }

size_t overlay_memory(const struct overlay *overlay) {
    return overlay->arena.bytes_taken + overlay->bucket_count * sizeof(struct overlay_entry *);
}
