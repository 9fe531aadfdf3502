#include "node/light_store.h"

#include <assert.h>
#include <stdlib.h>

#include "node/complaint.h"

#define PREFIX "light/b/"
enum { PREFIX_SIZE = 8, KEY_SIZE = 16 };
static const char chain_key[] = "light/chain";

static struct span key_of(uint8_t key[static KEY_SIZE], int64_t height) {
    memcpy(key, PREFIX, PREFIX_SIZE);
    for (int i = 0; i < 8; i++)
        key[PREFIX_SIZE + i] = (uint8_t)((uint64_t)height >> (56 - 8 * i));
    return span_of(key, KEY_SIZE);
}

static int64_t height_of(struct span key) {
    uint64_t height = 0;
    for (size_t i = PREFIX_SIZE; i < KEY_SIZE && key.size == KEY_SIZE; i++)
        height = height << 8 | key.data[i];
    return (int64_t)height;
}

static bool note(void *context, struct span key, struct span value) {
    struct light_store *store = context;
    (void)value;
    store->first = store->count == 0 ? height_of(key) : store->first;
    store->last = height_of(key);
    store->count++;
    return true;
}

static void survey(struct light_store *store) {
    uint8_t from[KEY_SIZE], to[KEY_SIZE];
    store->count = 0;
    store->first = store->last = 0;
    kv_scan(store->kv, key_of(from, 0), key_of(to, INT64_MAX), false, note, store);
}

bool light_store_open(struct light_store *store, struct kv *kv, struct span chain_id, uint32_t kept, char **error) {
    *store = (struct light_store){.kv = kv, .kept = kept > 0 ? kept : 1};
    struct blob *chain = kv_get(kv, span_text(chain_key));
    bool good = chain == NULL || span_equal(blob_span(chain), chain_id);
    if (!good)
        *error = complaint_of("the trusted store holds blocks of chain \"%.*s\", not of \"%.*s\"; choose another --home-dir", (int)chain->size,
                              (const char *)chain->data, (int)chain_id.size, (const char *)chain_id.data);
    if (chain == NULL) {
        struct kv_batch batch;
        kv_batch_init(&batch);
        kv_batch_put(&batch, span_text(chain_key), chain_id);
        kv_write(kv, &batch, true);
        kv_batch_close(&batch);
    }
    blob_release(chain);
    survey(store);
    return good;
}

struct heights {
    uint32_t wanted, count;
    int64_t *heights;
};

static bool collect(void *context, struct span key, struct span value) {
    struct heights *all = context;
    (void)value;
    if (all->count < all->wanted)
        all->heights[all->count++] = height_of(key);
    return all->count < all->wanted;
}

/* Deletes the lowest, but never `spared`, into the batch. */
static void prune(struct light_store *store, struct kv_batch *batch, uint32_t surplus, int64_t spared) {
    uint8_t from[KEY_SIZE], to[KEY_SIZE];
    struct heights all = {.wanted = surplus};
    all.heights = malloc(surplus * sizeof *all.heights);
    assert(all.heights != NULL);
    kv_scan(store->kv, key_of(from, 0), key_of(to, INT64_MAX), false, collect, &all);
    for (uint32_t i = 0; i < all.count; i++)
        if (all.heights[i] != spared && all.heights[i] != store->last)
            kv_batch_delete(batch, key_of(from, all.heights[i]));
    free(all.heights);
}

void light_store_put(struct light_store *store, const struct light_block *block) {
    uint8_t key[KEY_SIZE];
    struct proto_writer writer;
    struct kv_batch batch;
    proto_writer_measure(&writer);
    light_block_write(&writer, block);
    size_t size = writer.size;
    bool is_new = !kv_has(store->kv, key_of(key, block->header.height));
    kv_batch_init(&batch);
    proto_writer_init(&writer, kv_batch_reserve(&batch, key_of(key, block->header.height), size), size);
    light_block_write(&writer, block);
    assert(!writer.overflow && writer.size == size);
    if (is_new && store->count + 1 > store->kept)
        prune(store, &batch, store->count + 1 - store->kept, block->header.height);
    kv_write(store->kv, &batch, true);
    kv_batch_close(&batch);
    survey(store);
}

static struct light_block *decode(struct blob *value) {
    struct light_block *block = value == NULL ? NULL : light_block_decode(blob_span(value));
    blob_release(value);
    return block;
}

struct light_block *light_store_get(struct light_store *store, int64_t height) {
    uint8_t key[KEY_SIZE];
    return height <= 0 ? NULL : decode(kv_get(store->kv, key_of(key, height)));
}

static bool take_height(void *context, struct span key, struct span value) {
    (void)value;
    *(int64_t *)context = height_of(key);
    return false;
}

struct light_block *light_store_before(struct light_store *store, int64_t height) {
    uint8_t from[KEY_SIZE], to[KEY_SIZE];
    int64_t found = 0;
    kv_scan(store->kv, key_of(from, 0), key_of(to, height), true, take_height, &found);
    return light_store_get(store, found);
}

struct light_block *light_store_after(struct light_store *store, int64_t height) {
    uint8_t from[KEY_SIZE], to[KEY_SIZE];
    int64_t found = 0;
    kv_scan(store->kv, key_of(from, height + 1), key_of(to, INT64_MAX), false, take_height, &found);
    return light_store_get(store, found);
}

static bool erase(void *context, struct span key, struct span value) {
    (void)value;
    kv_batch_delete(context, key);
    return true;
}

void light_store_clear(struct light_store *store) {
    uint8_t from[KEY_SIZE], to[KEY_SIZE];
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_scan(store->kv, key_of(from, 0), key_of(to, INT64_MAX), false, erase, &batch);
    kv_write(store->kv, &batch, true);
    kv_batch_close(&batch);
    survey(store);
}
