/* What stands behind struct kv (kv.h): for kv.c, the stores and those few who must stop on the world's failure. */
#ifndef QUORATE_LEDGER_KV_TABLE_H
#define QUORATE_LEDGER_KV_TABLE_H

#include "ledger/kv.h"

struct kv_table {
    void (*close)(struct kv *kv);
    struct blob *(*get)(struct kv *kv, struct span key);
    void (*write)(struct kv *kv, const struct kv_batch *batch, bool sync);
    void (*scan)(struct kv *kv, struct span from, struct span to, bool backwards, kv_visit *visit, void *context);
    void (*compact)(struct kv *kv, struct span from, struct span to);
    void (*compact_later)(struct kv *kv, struct span from, struct span to); /* NULL: there is nothing to compact */
    void (*compact_wait)(struct kv *kv);
    uint64_t (*space)(struct kv *kv, struct span from, struct span to);
    struct kv *(*snapshot)(struct kv *kv);
};

struct kv { /* the first member of every store's own struct */
    const struct kv_table *table;
    struct kv_failure failure;
    struct kv_counts counts;
};

/* Calls the failure handler with one formatted line; does not return. */
void kv_fail(struct kv *kv, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

#endif
