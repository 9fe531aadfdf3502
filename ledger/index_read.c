/* What is found in the index, and by which names. */
#include "ledger/index.h"

#include <assert.h>

#include "crypto/proto.h"
#include "ledger/keys.h"

/* Public: a stranger may know it, and would still need 2^64 tries to find a text with another's value. */
const struct siphash_key index_salt = {0x696e6465782e7175u, 0x6f726174652e7631u};

bool index_is_tag(const struct abci_event *event, const struct abci_attribute *attribute, struct span tag) {
    size_t type = event->type.size, key = attribute->key.size;
    return tag.size == type + 1 + key && tag.data[type] == '.' && memcmp(tag.data, event->type.data, type) == 0 &&
           memcmp(tag.data + type + 1, attribute->key.data, key) == 0;
}

bool index_takes(enum index_kind kind, const struct abci_event *event, const struct abci_attribute *attribute) {
    if (!attribute->index || event->type.size == 0 || attribute->key.size == 0)
        return false;
    if (kind == INDEX_BLOCKS)
        return !index_is_tag(event, attribute, span_text("block.height"));
    return !index_is_tag(event, attribute, span_text("tx.height")) && !index_is_tag(event, attribute, span_text("tx.hash"));
}

struct walk {
    index_visit *visit;
    void *context;
};

static bool visit_record(void *context, struct span key, struct span value) {
    struct walk *walk = context;
    uint64_t height = 0;
    for (size_t i = key.size - 8; i < key.size; i++)
        height = height << 8 | key.data[i];
    return walk->visit(walk->context, (int64_t)height, value);
}

static void walk_keys(struct kv *kv, struct key from, struct key to, index_visit *visit, void *context) {
    kv_scan(kv, keys_span(&from), keys_span(&to), false, visit_record, &(struct walk){visit, context});
}

void index_each_value(struct kv *kv, enum index_kind kind, struct span value, int64_t low, int64_t high, index_visit *visit, void *context) {
    uint64_t hash = siphash_once(&index_salt, value);
    walk_keys(kv, keys_index_value(kind == INDEX_TXS, hash, low), keys_index_value(kind == INDEX_TXS, hash, high + 1), visit, context);
}

void index_each_tag(struct kv *kv, enum index_kind kind, struct span tag, int64_t low, int64_t high, index_visit *visit, void *context) {
    uint64_t hash = siphash_once(&index_salt, tag);
    walk_keys(kv, keys_index_tag(kind == INDEX_TXS, hash, low), keys_index_tag(kind == INDEX_TXS, hash, high + 1), visit, context);
}

struct blob *index_value_at(struct kv *kv, enum index_kind kind, struct span value, int64_t height) {
    struct key key = keys_index_value(kind == INDEX_TXS, siphash_once(&index_salt, value), height);
    return kv_get(kv, keys_span(&key));
}

struct index_run index_run_of(struct span record, struct span tag) {
    struct index_run none = {.rest = span_of(NULL, 0)};
    uint32_t wanted = (uint32_t)siphash_once(&index_salt, tag);
    struct proto_reader reader = proto_reader_over(record);
    while (!reader.bad && reader.end - reader.at > 4) {
        uint32_t found = reader.at[0] | (uint32_t)reader.at[1] << 8 | (uint32_t)reader.at[2] << 16 | (uint32_t)reader.at[3] << 24;
        reader.at += 4;
        uint64_t size = proto_varint(&reader);
        if (reader.bad || size > (uint64_t)(reader.end - reader.at))
            return none;
        if (found == wanted)
            return (struct index_run){.rest = span_of(reader.at, size)};
        reader.at += size;
    }
    return none;
}

bool index_next(struct index_run *run, struct index_place *place) {
    struct proto_reader reader = proto_reader_over(run->rest);
    if (run->rest.size == 0)
        return false;
    run->place.tx += (uint32_t)proto_varint(&reader);
    run->place.event = (uint32_t)proto_varint(&reader);
    run->rest = reader.bad ? span_of(NULL, 0) : span_of(reader.at, (size_t)(reader.end - reader.at));
    *place = run->place;
    return !reader.bad;
}
