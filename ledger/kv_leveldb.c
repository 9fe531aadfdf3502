#include "ledger/kv_log.h"
#include "ledger/kv_sweep.h"
#include "ledger/kv_table.h"

#include <leveldb/c.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { CACHE_BYTES = 8 << 20, WRITE_BUFFER_BYTES = 4 << 20, BLOOM_BITS = 10 };

struct leveldb {
    struct kv kv;
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *bloom;
    leveldb_readoptions_t *read, *scan;
    leveldb_writeoptions_t *write, *write_synced;
    struct kv_sweep *sweep; /* NULL: of a snapshot */
    const leveldb_snapshot_t *snapshot; /* of a snapshot: no options and cache of its own, and the db is a loan */
    char path[];
};

static struct leveldb *leveldb_of(struct kv *kv) { return (struct leveldb *)kv; }

static void require(struct leveldb *self, char *error, const char *operation) {
    if (error == NULL)
        return;
    char cause[256];
    snprintf(cause, sizeof cause, "%s", error);
    leveldb_free(error);
    kv_fail(&self->kv, "%s: %s failed: %s; repair the cause and start again", self->path, operation, cause);
}

static void leveldb_shut(struct kv *kv) {
    struct leveldb *self = leveldb_of(kv);
    kv_sweep_free(self->sweep);
    if (self->db != NULL)
        leveldb_close(self->db);
    leveldb_readoptions_destroy(self->read);
    leveldb_readoptions_destroy(self->scan);
    leveldb_writeoptions_destroy(self->write);
    leveldb_writeoptions_destroy(self->write_synced);
    leveldb_options_destroy(self->options);
    leveldb_filterpolicy_destroy(self->bloom);
    leveldb_cache_destroy(self->cache);
    free(self);
}

static struct blob *leveldb_read(struct kv *kv, struct span key) {
    struct leveldb *self = leveldb_of(kv);
    char *error = NULL;
    size_t size;
    char *value = leveldb_get(self->db, self->read, (const char *)key.data, key.size, &size, &error);
    require(self, error, "reading");
    if (value == NULL)
        return NULL;
    struct blob *blob = blob_new(span_of(value, size));
    leveldb_free(value);
    return blob;
}

static void leveldb_append(struct kv *kv, const struct kv_batch *batch, bool sync) {
    struct leveldb *self = leveldb_of(kv);
    leveldb_writebatch_t *records = leveldb_writebatch_create();
    struct span key, value;
    bool is_delete;
    for (size_t cursor = 0; kv_batch_next(batch, &cursor, &key, &value, &is_delete);) {
        if (is_delete)
            leveldb_writebatch_delete(records, (const char *)key.data, key.size);
        else
            leveldb_writebatch_put(records, (const char *)key.data, key.size, (const char *)value.data, value.size);
    }
    char *error = NULL;
    leveldb_write(self->db, sync ? self->write_synced : self->write, records, &error);
    leveldb_writebatch_destroy(records);
    require(self, error, "writing");
}

static struct span iterator_key(const leveldb_iterator_t *at) {
    size_t size;
    const char *data = leveldb_iter_key(at, &size);
    return span_of(data, size);
}

static struct span iterator_value(const leveldb_iterator_t *at) {
    size_t size;
    const char *data = leveldb_iter_value(at, &size);
    return span_of(data, size);
}

static void seek_last_below(leveldb_iterator_t *at, struct span to) {
    leveldb_iter_seek(at, (const char *)to.data, to.size);
    if (leveldb_iter_valid(at))
        leveldb_iter_prev(at);
    else
        leveldb_iter_seek_to_last(at);
}

static void leveldb_walk(struct kv *kv, struct span from, struct span to, bool backwards, kv_visit *visit, void *context) {
    struct leveldb *self = leveldb_of(kv);
    leveldb_iterator_t *at = leveldb_create_iterator(self->db, self->scan);
    if (backwards)
        seek_last_below(at, to);
    else
        leveldb_iter_seek(at, (const char *)from.data, from.size);
    while (leveldb_iter_valid(at)) {
        struct span key = iterator_key(at);
        if (span_compare(key, from) < 0 || span_compare(key, to) >= 0 || !visit(context, key, iterator_value(at)))
            break;
        if (backwards)
            leveldb_iter_prev(at);
        else
            leveldb_iter_next(at);
    }
    char *error = NULL;
    leveldb_iter_get_error(at, &error);
    leveldb_iter_destroy(at);
    require(self, error, "scanning");
}

static void leveldb_shrink(struct kv *kv, struct span from, struct span to) {
    leveldb_compact_range(leveldb_of(kv)->db, (const char *)from.data, from.size, (const char *)to.data, to.size);
}

static void sweep_piece(void *context, struct span from, struct span to) { leveldb_shrink(context, from, to); }

static uint64_t leveldb_space(struct kv *kv, struct span from, struct span to) {
    const char *low = (const char *)from.data, *high = (const char *)to.data;
    uint64_t size = 0;
    leveldb_approximate_sizes(leveldb_of(kv)->db, 1, &low, &from.size, &high, &to.size, &size);
    return size;
}

enum { PIECE_BYTES = 32 << 20, PIECES_MAX = 1024 };

static void leveldb_shrink_later(struct kv *kv, struct span from, struct span to) {
    uint64_t pieces = 1 + leveldb_space(kv, from, to) / PIECE_BYTES;
    kv_sweep_add(leveldb_of(kv)->sweep, from, to, pieces > PIECES_MAX ? PIECES_MAX : (uint32_t)pieces);
}

static void leveldb_shrink_wait(struct kv *kv) { kv_sweep_wait(leveldb_of(kv)->sweep); }

/* ---- snapshots: the same store through read options of their own */

static void snapshot_shut(struct kv *kv) {
    struct leveldb *self = leveldb_of(kv);
    leveldb_readoptions_destroy(self->read);
    leveldb_readoptions_destroy(self->scan);
    leveldb_release_snapshot(self->db, self->snapshot);
    free(self);
}

static void snapshot_write(struct kv *kv, const struct kv_batch *batch, bool sync) {
    (void)kv;
    (void)batch;
    (void)sync;
    assert(!"a snapshot is for reading");
}

static void snapshot_shrink(struct kv *kv, struct span from, struct span to) {
    (void)kv;
    (void)from;
    (void)to;
}

static struct kv *leveldb_snap(struct kv *kv);

static const struct kv_table snapshot_table = {
    .close = snapshot_shut, .get = leveldb_read, .write = snapshot_write, .scan = leveldb_walk, .compact = snapshot_shrink, .snapshot = leveldb_snap};

static leveldb_readoptions_t *read_options(bool fill_cache, const leveldb_snapshot_t *snapshot) {
    leveldb_readoptions_t *options = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(options, 1);
    leveldb_readoptions_set_fill_cache(options, fill_cache);
    leveldb_readoptions_set_snapshot(options, snapshot);
    return options;
}

static struct kv *leveldb_snap(struct kv *kv) {
    const struct leveldb *behind = leveldb_of(kv);
    struct leveldb *self = calloc(1, sizeof *self + strlen(behind->path) + 1);
    assert(self != NULL && behind->snapshot == NULL);
    self->kv = (struct kv){.table = &snapshot_table, .failure = kv->failure};
    strcpy(self->path, behind->path);
    self->db = behind->db;
    self->snapshot = leveldb_create_snapshot(self->db);
    self->read = read_options(true, self->snapshot);
    self->scan = read_options(false, self->snapshot);
    return &self->kv;
}

static const struct kv_table table = {
    .close = leveldb_shut,
    .get = leveldb_read,
    .write = leveldb_append,
    .scan = leveldb_walk,
    .compact = leveldb_shrink,
    .compact_later = leveldb_shrink_later,
    .compact_wait = leveldb_shrink_wait,
    .space = leveldb_space,
    .snapshot = leveldb_snap,
};

static void set_options(struct leveldb *self, const struct kv_options *options) {
    size_t cache = options == NULL || options->cache_bytes == 0 ? CACHE_BYTES : options->cache_bytes;
    size_t buffer = options == NULL || options->write_buffer_bytes == 0 ? WRITE_BUFFER_BYTES : options->write_buffer_bytes;
    self->cache = leveldb_cache_create_lru(cache);
    self->bloom = leveldb_filterpolicy_create_bloom(BLOOM_BITS);
    self->options = leveldb_options_create();
    leveldb_options_set_create_if_missing(self->options, 1);
    leveldb_options_set_paranoid_checks(self->options, 1); /* else a damaged log loses batches in its middle, and compaction copies flipped bits */
    leveldb_options_set_cache(self->options, self->cache);
    leveldb_options_set_filter_policy(self->options, self->bloom);
    leveldb_options_set_write_buffer_size(self->options, buffer);
    leveldb_options_set_compression(self->options, leveldb_snappy_compression);
    self->read = read_options(true, NULL);
    self->scan = read_options(false, NULL);
    self->write = leveldb_writeoptions_create();
    self->write_synced = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(self->write_synced, 1);
}

static bool is_damage(const char *cause) { return strstr(cause, "Corruption") != NULL; }

static char *open_error(const char *path, const char *cause) {
    bool held = strstr(cause, "lock") != NULL, damaged = is_damage(cause);
    const char *advice = held      ? "another process uses it; stop that one first"
                         : damaged ? "restore the data folder from a copy, or move it away and sync anew"
                                   : "check the folder, its owner and the space left";
    size_t size = strlen(path) + strlen(cause) + strlen(advice) + 64;
    char *text = malloc(size);
    assert(text != NULL);
    snprintf(text, size, "%s: cannot open the store: %s; %s", path, cause, advice);
    return text;
}

struct kv *kv_leveldb_open(const char *path, const struct kv_options *options, struct kv_failure failure, char **error) {
    struct leveldb *self = calloc(1, sizeof *self + strlen(path) + 1);
    assert(self != NULL);
    self->kv = (struct kv){.table = &table, .failure = failure};
    memcpy(self->path, path, strlen(path) + 1);
    set_options(self, options);
    char *cause = NULL, *damage = NULL;
    self->db = leveldb_open(self->options, path, &cause);
    if (self->db == NULL && is_damage(cause) && kv_log_mend(path, &damage)) {
        leveldb_free(cause);
        cause = NULL;
        self->db = leveldb_open(self->options, path, &cause);
    }
    if (self->db != NULL) {
        self->sweep = kv_sweep_new(sweep_piece, self);
        return &self->kv;
    }
    *error = damage != NULL ? damage : open_error(path, cause);
    leveldb_free(cause);
    leveldb_shut(&self->kv);
    return NULL;
}
