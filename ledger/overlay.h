/* Values by key, laid over a store or over another overlay: what a block, or a check of waiting transactions, has changed so far. Reads
 * fall through; writes stay here until they are written down (overlay_write) and merged below (overlay_merge). Over the store itself it
 * is a cache. Keys are those of the store, values are not empty. */
#ifndef QUORATE_LEDGER_OVERLAY_H
#define QUORATE_LEDGER_OVERLAY_H

#include "crypto/arena.h"
#include "ledger/kv.h"

struct overlay_entry;

struct overlay_undo { /* private */
    struct overlay_entry *entry;
    struct span value;
    bool was_changed;
};

struct overlay { /* private; the caller owns it */
    struct overlay *below; /* NULL: kv */
    struct kv *kv;
    struct overlay_entry **buckets;
    uint32_t bucket_count, count;
    struct overlay_entry *first, *last; /* those made here, oldest first */
    struct overlay_undo *undo;
    uint32_t undo_count, undo_capacity;
    uint64_t salt;
    struct arena arena;
};

void overlay_init(struct overlay *overlay, struct overlay *below, struct kv *kv); /* one of below and kv is NULL */
void overlay_close(struct overlay *overlay);
void overlay_clear(struct overlay *overlay); /* forgets all writes, or the cache */
/* The value, or data NULL: no such key. A loan until the overlay it lies in is cleared. */
struct span overlay_get(struct overlay *overlay, struct span key);
void overlay_put(struct overlay *overlay, struct span key, struct span value);
void overlay_delete(struct overlay *overlay, struct span key);
/* Since the last mark all writes are taken back, or stay. There is one mark at a time. */
void overlay_mark(struct overlay *overlay);
void overlay_revert(struct overlay *overlay);

/* Each key written here, in the order of first writing; value.data NULL: deleted. Loans. */
typedef void overlay_visit(void *context, struct span key, struct span value);
void overlay_each(const struct overlay *overlay, overlay_visit *visit, void *context);
/* Appends the writes to a batch; puts them into the overlay below. */
void overlay_write(const struct overlay *overlay, struct kv_batch *batch);
void overlay_merge(struct overlay *overlay);
size_t overlay_memory(const struct overlay *overlay);

#endif
