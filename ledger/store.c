/* Reading the past. */
#include "ledger/ledger.h"

#include <assert.h>

static struct blob *read_height(struct ledger *ledger, char letter, int64_t height) {
    if (height < 1)
        return NULL;
    struct key key = keys_height(letter, height);
    return kv_get(ledger->kv, keys_span(&key));
}

struct blob *ledger_block_bytes(struct ledger *ledger, int64_t height) { return read_height(ledger, 'b', height); }

struct block *ledger_block(struct ledger *ledger, int64_t height) {
    struct blob *bytes = ledger_block_bytes(ledger, height);
    if (bytes == NULL)
        return NULL;
    enum block_verdict verdict;
    struct block *block = block_decode(bytes, &verdict);
    blob_release(bytes);
    return block;
}

static bool decode_meta(struct ledger_meta *meta, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes), sub;
    *meta = (struct ledger_meta){0};
    header_init(&meta->header);
    for (struct proto_field field; proto_next(&reader, &field);) {
        switch (field.number) {
        case 1: block_id_get(&meta->block_id, &reader, &field); break;
        case 2: meta->size = proto_int64(&reader, &field); break;
        case 3:
            sub = proto_sub(&reader, &field);
            header_read(&meta->header, &sub);
            proto_join(&reader, &sub);
            break;
        case 4: meta->tx_count = (uint32_t)proto_int64(&reader, &field); break;
        }
    }
    return !reader.bad;
}

bool ledger_block_meta(struct ledger *ledger, struct ledger_meta *out, int64_t height) {
    struct blob *bytes = read_height(ledger, 'm', height);
    struct ledger_meta meta;
    bool good = bytes != NULL && decode_meta(&meta, blob_span(bytes));
    if (good)
        *out = meta;
    blob_release(bytes);
    return good;
}

/* One or two varints. */
static bool read_index(struct ledger *ledger, struct key key, int64_t *height, uint64_t *index) {
    struct blob *value = kv_get(ledger->kv, keys_span(&key));
    if (value == NULL)
        return false;
    struct proto_reader reader = proto_reader_over(blob_span(value));
    *height = (int64_t)proto_varint(&reader);
    *index = reader.at < reader.end ? proto_varint(&reader) : 0;
    blob_release(value);
    return !reader.bad;
}

int64_t ledger_height_of(struct ledger *ledger, const uint8_t block_hash[static 32]) {
    int64_t height;
    uint64_t unused;
    return read_index(ledger, keys_hash('i', block_hash), &height, &unused) ? height : 0;
}

bool ledger_find_tx(struct ledger *ledger, const uint8_t tx_hash[static 32], int64_t *height, uint32_t *index) {
    int64_t found;
    uint64_t at;
    if (!read_index(ledger, keys_hash('t', tx_hash), &found, &at))
        return false;
    *height = found;
    *index = (uint32_t)at;
    return true;
}

static bool read_commit(struct ledger *ledger, struct commit *out, char letter, int64_t height, struct arena *arena) {
    struct blob *bytes = read_height(ledger, letter, height);
    bool good = bytes != NULL && commit_decode(out, blob_span(bytes), arena);
    blob_release(bytes);
    return good;
}

struct blob *ledger_extended_commit_bytes(struct ledger *ledger, int64_t height) { return read_height(ledger, 'x', height); }

bool ledger_extended_commit(struct ledger *ledger, struct commit *out, int64_t height, struct arena *arena) {
    struct blob *bytes = ledger_extended_commit_bytes(ledger, height);
    struct commit read;
    struct span copy;
    bool good = bytes != NULL && arena_copy(arena, &copy, blob_span(bytes)) && commit_extended_decode(&read, copy, arena) &&
                read.height == height && commit_extended_ensure(&read) == COMMIT_GOOD;
    blob_release(bytes);
    if (good)
        *out = read;
    return good;
}

bool ledger_seen_commit(struct ledger *ledger, struct commit *out, int64_t height, struct arena *arena) {
    return read_commit(ledger, out, 'k', height, arena);
}

bool ledger_commit(struct ledger *ledger, struct commit *out, bool *canonical, int64_t height, struct arena *arena) {
    bool found = height < ledger->state.height && read_commit(ledger, out, 'c', height, arena);
    if (found)
        *canonical = true;
    if (found || height != ledger->state.height || !ledger_seen_commit(ledger, out, height, arena))
        return found;
    *canonical = false;
    return true;
}

/* ---- what is stored only where it changed */

struct nearest {
    int64_t height; /* 0: none */
    struct blob *value;
};

static bool take_nearest(void *context, struct span key, struct span value) {
    struct nearest *nearest = context;
    nearest->height = keys_height_of(key);
    nearest->value = blob_new(value);
    return false;
}

/* The record at `height` or the next below it. */
static struct nearest find_nearest(struct ledger *ledger, char letter, int64_t height) {
    struct key from = keys_height(letter, 0), to = keys_height(letter, height + 1);
    struct nearest nearest = {0};
    kv_scan(ledger->kv, keys_span(&from), keys_span(&to), true, take_nearest, &nearest);
    return nearest;
}

static bool stored_validators(struct ledger *ledger, struct valset *set, int64_t height) {
    struct nearest nearest = find_nearest(ledger, 'v', height);
    if (nearest.value == NULL)
        return false;
    struct valset read;
    valset_init(&read);
    bool good = valset_decode(&read, blob_span(nearest.value)) == VALSET_GOOD;
    blob_release(nearest.value);
    if (good && height > nearest.height)
        valset_increment(&read, (int32_t)(height - nearest.height));
    if (good)
        valset_copy(set, &read);
    valset_close(&read);
    return good;
}

bool ledger_validators(struct ledger *ledger, struct valset *set, int64_t height) {
    const struct state *state = &ledger->state;
    int64_t next = state_next_height(state);
    if (height < state->initial_height || height > next + 1)
        return false;
    if (height < state->height || (height == state->height && state->height == 0))
        return stored_validators(ledger, set, height);
    valset_copy(set, height == next + 1 ? &state->next_validators : height == next ? &state->validators : &state->last_validators);
    return true;
}

bool ledger_params(struct ledger *ledger, struct params *out, int64_t height, int64_t *changed_at) {
    if (height < ledger->state.initial_height || height > state_next_height(&ledger->state))
        return false;
    struct nearest nearest = find_nearest(ledger, 'p', height);
    if (nearest.value == NULL)
        return false;
    struct params read = {0};
    struct proto_reader reader = proto_reader_over(blob_span(nearest.value));
    params_read(&read, &reader);
    blob_release(nearest.value);
    if (reader.bad)
        return false;
    *out = read;
    *changed_at = nearest.height;
    return true;
}

bool ledger_results(struct ledger *ledger, struct abci_finalized *out, int64_t height, struct arena *arena) {
    struct blob *bytes = read_height(ledger, 'r', height);
    struct span copy;
    bool good = bytes != NULL && arena_copy(arena, &copy, blob_span(bytes)) && abci_finalized_decode(out, copy, arena);
    blob_release(bytes);
    return good;
}

size_t ledger_tx_at(struct ledger *ledger, struct span *tx, int64_t height, uint32_t index, struct arena *arena) {
    struct blob *bytes = ledger_block_bytes(ledger, height);
    struct proto_reader reader = proto_reader_over(bytes == NULL ? span_of(NULL, 0) : blob_span(bytes));
    size_t read = 0;
    for (struct proto_field field, item; read == 0 && proto_next(&reader, &field);) {
        struct proto_reader data = field.number == 2 ? proto_sub(&reader, &field) : proto_reader_over(span_of(NULL, 0));
        for (uint32_t at = 0; read == 0 && proto_next(&data, &item); at += item.number == 1)
            if (item.number == 1 && at == index && arena_copy(arena, tx, proto_bytes(&data, &item)))
                read = bytes->size;
    }
    blob_release(bytes);
    return read;
}

size_t ledger_result_at(struct ledger *ledger, struct abci_tx_result *result, int64_t height, uint32_t index, struct arena *arena) {
    struct blob *bytes = read_height(ledger, 'r', height);
    struct span copy;
    struct proto_reader reader = proto_reader_over(bytes == NULL ? span_of(NULL, 0) : blob_span(bytes));
    size_t read = 0;
    uint32_t at = 0;
    for (struct proto_field field; read == 0 && proto_next(&reader, &field); at += field.number == 2) {
        if (field.number != 2 || at != index || !arena_copy(arena, &copy, proto_bytes(&reader, &field)))
            continue;
        field.bytes = copy; /* so that what it lends outlives the blob */
        *result = (struct abci_tx_result){0};
        abci_tx_result_read(result, &reader, &field, arena);
        read = reader.bad ? 0 : bytes->size;
    }
    blob_release(bytes);
    return read;
}
