/* The first seam: an ordered store of keys and values with atomic, optionally synced batches. LevelDB behind it
 * (kv_leveldb.c, the only file that knows LevelDB) or memory (kv_memory.c) that can lose and tear what was not synced.
 *
 * Failure of the store (I/O error, corruption, full disk) is the world's: the handler given at opening is called with one
 * line that names path, operation and cause, and must not return. So no caller has an error path for it. */
#ifndef QUORATE_LEDGER_KV_H
#define QUORATE_LEDGER_KV_H

#include "crypto/blob.h"

struct kv;

struct kv_failure {
    void *context;
    void (*fail)(void *context, const char *what) __attribute__((noreturn));
};

/* A list of puts and deletes in order; later entries win. */
struct kv_batch {
    uint8_t *bytes; /* private encoding */
    size_t size, capacity;
    uint32_t count;
};

void kv_batch_init(struct kv_batch *batch);
void kv_batch_close(struct kv_batch *batch);
void kv_batch_clear(struct kv_batch *batch); /* keeps the memory */
void kv_batch_put(struct kv_batch *batch, struct span key, struct span value);
/* The same for a value of `size` bytes that the caller writes to the returned place before the batch is touched again. */
uint8_t *kv_batch_reserve(struct kv_batch *batch, struct span key, size_t size);
void kv_batch_delete(struct kv_batch *batch, struct span key);
/* The batch as bytes to be stored, and appended from such bytes (false: they are not a batch's; nothing was appended). */
static inline struct span kv_batch_span(const struct kv_batch *batch) { return span_of(batch->bytes, batch->size); }
bool kv_batch_load(struct kv_batch *batch, struct span bytes);
/* Walks the batch: false at the end. *cursor starts at 0. value.data is NULL for a delete. */
bool kv_batch_next(const struct kv_batch *batch, size_t *cursor, struct span *key, struct span *value, bool *is_delete);

struct kv_options {
    size_t cache_bytes;        /* 0: a small default */
    size_t write_buffer_bytes; /* 0: 4 MiB */
};

/* Opens or makes the store in folder `path`. NULL on failure with *error (caller frees with free) saying what and what to do. Another
 * process that holds it is a failure of its own wording. */
/* What a crash left torn at the end of a log is cut, after a copy; what is damaged otherwise is an error here or, in a table, at whoever reads it. */
struct kv *kv_leveldb_open(const char *path, const struct kv_options *options, struct kv_failure failure, char **error);

/* The in-memory store. kv_memory_crash drops every batch since the last synced one, keeping of them the first `keep`
 * batches (as an unsynced log may survive in part); the store goes on with what is left. */
struct kv *kv_memory_new(struct kv_failure failure);
void kv_memory_crash(struct kv *kv, uint32_t keep);
/* The disk is full: after so many more writes, the next one calls the failure handler and changes nothing. */
void kv_memory_fail_after(struct kv *kv, uint32_t writes);

void kv_close(struct kv *kv); /* NULL allowed */

/* The value as a blob for the caller to release, or NULL: no such key. */
struct blob *kv_get(struct kv *kv, struct span key);
bool kv_has(struct kv *kv, struct span key);
void kv_write(struct kv *kv, const struct kv_batch *batch, bool sync);

/* Keys in [from, to) in order (or backwards, from the last below `to`); visit returns false to stop. Spans are loans for the call. */
typedef bool kv_visit(void *context, struct span key, struct span value);
void kv_scan(struct kv *kv, struct span from, struct span to, bool backwards, kv_visit *visit, void *context);

/* A store for reading only, which shows what was handed on to `kv` until now, whatever is written later; another thread than the writer's may use
 * it (one at a time). What a group gathers is not in it (kv_group.h). kv_close gives it back, before the store behind it is closed. */
struct kv *kv_snapshot(struct kv *kv);

/* Counted since opening, for the tests and metrics of flushes. */
struct kv_counts {
    uint64_t writes, synced_writes, bytes_written;
};
void kv_count(const struct kv *kv, struct kv_counts *out);
/* Gives back the space of deleted ranges; kv_compact_later on a thread of its own, while the caller goes on. Ends of at most 64 bytes. */
void kv_compact(struct kv *kv, struct span from, struct span to);
void kv_compact_later(struct kv *kv, struct span from, struct span to);
void kv_compact_wait(struct kv *kv); /* for what was asked for later */
/* About how many bytes of files the range takes, without what is only in memory or in the log; 0 where there are no files. */
uint64_t kv_space(struct kv *kv, struct span from, struct span to);

#endif
