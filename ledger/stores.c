#include "ledger/stores.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/proofop.h"
#include "ledger/keys.h"

enum { BATCH = 65536 };

static const char *const names[STORES_COUNT] = {"acc", "bank", "gov", "rec", "role", "sys", "val"};

const char *stores_name(unsigned index) { return names[index]; }

void stores_init(struct stores *stores) {
    for (unsigned i = 0; i < STORES_COUNT; i++)
        smt_init(&stores->trees[i]);
}

void stores_close(struct stores *stores) {
    for (unsigned i = 0; i < STORES_COUNT; i++)
        smt_close(&stores->trees[i]);
}

/* Changes gathered per store, so that each tree is updated at once. */
struct gathering {
    struct stores *stores;
    struct smt_change *changes[STORES_COUNT];
    size_t counts[STORES_COUNT], capacities[STORES_COUNT];
};

/* "s/<store>/<key>" */
static unsigned split_key(struct span *rest, struct span key) {
    for (unsigned i = 0; i < STORES_COUNT; i++) {
        size_t size = strlen(names[i]);
        if (key.size > size + 3 && memcmp(key.data + 2, names[i], size) == 0 && key.data[2 + size] == '/') {
            *rest = span_of(key.data + size + 3, key.size - size - 3);
            return i;
        }
    }
    assert(!"a key of no store");
    return 0;
}

static void apply(struct gathering *gathering, unsigned store) {
    smt_update(&gathering->stores->trees[store], gathering->changes[store], gathering->counts[store]);
    gathering->counts[store] = 0;
}

static void gather(void *context, struct span key, struct span value) {
    struct gathering *gathering = context;
    struct span rest = {NULL, 0};
    unsigned store = split_key(&rest, key);
    if (gathering->counts[store] == gathering->capacities[store]) {
        size_t capacity = gathering->capacities[store] == 0 ? 256 : 2 * gathering->capacities[store];
        gathering->changes[store] = realloc(gathering->changes[store], capacity * sizeof(struct smt_change));
        assert(gathering->changes[store] != NULL);
        gathering->capacities[store] = capacity;
    }
    smt_change_of(&gathering->changes[store][gathering->counts[store]++], rest, value);
}

static bool gather_stored(void *context, struct span key, struct span value) {
    struct gathering *gathering = context;
    gather(gathering, key, value);
    for (unsigned i = 0; i < STORES_COUNT; i++)
        if (gathering->counts[i] == BATCH)
            apply(gathering, i);
    return true;
}

static void finish(struct gathering *gathering) {
    for (unsigned i = 0; i < STORES_COUNT; i++) {
        apply(gathering, i);
        free(gathering->changes[i]);
    }
}

void stores_rebuild(struct stores *stores, struct kv *kv) {
    struct gathering gathering = {.stores = stores};
    for (unsigned i = 0; i < STORES_COUNT; i++)
        smt_clear(&stores->trees[i]);
    kv_scan(kv, span_text("s/"), span_text("s0"), false, gather_stored, &gathering); /* '0' follows '/' */
    finish(&gathering);
}

void stores_update(struct stores *stores, const struct overlay *changes) {
    struct gathering gathering = {.stores = stores};
    overlay_each(changes, gather, &gathering);
    finish(&gathering);
}

static void leaf_of(const struct stores *stores, uint8_t out[static SHA256_BYTES], unsigned index) {
    uint8_t root[SMT_BYTES];
    smt_root(&stores->trees[index], root);
    proofop_value_leaf(out, span_text(names[index]), span_of(root, SMT_BYTES));
}

void stores_prove(const struct stores *stores, struct merkle_proof *proof, unsigned index) {
    uint8_t leaves[STORES_COUNT][SHA256_BYTES];
    for (unsigned i = 0; i < STORES_COUNT; i++)
        leaf_of(stores, leaves[i], i);
    merkle_proof_make(proof, leaves[0], STORES_COUNT, index);
}

void stores_app_hash(const struct stores *stores, uint8_t out[static SHA256_BYTES]) {
    struct merkle map;
    merkle_init(&map);
    for (unsigned i = 0; i < STORES_COUNT; i++) {
        uint8_t leaf[SHA256_BYTES];
        leaf_of(stores, leaf, i);
        merkle_add_leaf_hash(&map, leaf);
    }
    merkle_root(&map, out);
}
