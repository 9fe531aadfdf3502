#include "ledger/abci.h"

#include <assert.h>

/* ---- writing */

static void write_attribute(struct proto_writer *writer, const struct abci_attribute *attribute) {
    size_t mark = proto_begin(writer, 2);
    proto_put_bytes(writer, 1, attribute->key);
    proto_put_bytes(writer, 2, attribute->value);
    proto_put_bool(writer, 3, attribute->index);
    proto_end(writer, mark);
}

static void write_events(struct proto_writer *writer, uint32_t field, const struct abci_events *events) {
    for (uint32_t i = 0; i < events->count; i++) {
        const struct abci_event *event = &events->list[i];
        size_t mark = proto_begin(writer, field);
        proto_put_bytes(writer, 1, event->type);
        for (uint32_t a = 0; a < event->count; a++)
            write_attribute(writer, &event->attributes[a]);
        proto_end(writer, mark);
    }
}

void abci_tx_result_write(struct proto_writer *writer, const struct abci_tx_result *result) {
    proto_put_uint64(writer, 1, result->code);
    proto_put_bytes(writer, 2, result->data);
    proto_put_bytes(writer, 3, result->log);
    proto_put_bytes(writer, 4, result->info);
    proto_put_int64(writer, 5, result->gas_wanted);
    proto_put_int64(writer, 6, result->gas_used);
    write_events(writer, 7, &result->events);
    proto_put_bytes(writer, 8, result->codespace);
}

void abci_tx_result_write_hashed(struct proto_writer *writer, const struct abci_tx_result *result) {
    proto_put_uint64(writer, 1, result->code);
    proto_put_bytes(writer, 2, result->data);
    proto_put_int64(writer, 5, result->gas_wanted);
    proto_put_int64(writer, 6, result->gas_used);
}

/* The leaf of a result: its data, of whatever size, is hashed where it lies. */
static void result_leaf(uint8_t out[static SHA256_BYTES], const struct abci_tx_result *result) {
    static const uint8_t leaf_prefix = 0;
    uint8_t head[32], tail[32];
    struct proto_writer before, after;
    proto_writer_init(&before, head, sizeof head);
    proto_put_uint64(&before, 1, result->code);
    if (result->data.size > 0) {
        proto_put_varint(&before, 2 << 3 | PROTO_BYTES);
        proto_put_varint(&before, result->data.size);
    }
    proto_writer_init(&after, tail, sizeof tail);
    proto_put_int64(&after, 5, result->gas_wanted);
    proto_put_int64(&after, 6, result->gas_used);
    assert(!before.overflow && !after.overflow);
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, span_of(&leaf_prefix, 1));
    sha256_add(&hash, proto_writer_span(&before));
    sha256_add(&hash, result->data);
    sha256_add(&hash, proto_writer_span(&after));
    sha256_final(&hash, out);
}

void abci_results_hash(struct digest *out, const struct abci_tx_result *results, size_t count) {
    struct merkle tree;
    merkle_init(&tree);
    for (size_t i = 0; i < count; i++) {
        uint8_t leaf[SHA256_BYTES];
        result_leaf(leaf, &results[i]);
        merkle_add_leaf_hash(&tree, leaf);
    }
    out->size = SHA256_BYTES;
    merkle_root(&tree, out->bytes);
}

void abci_update_write(struct proto_writer *writer, uint32_t field, const struct abci_validator_update *update) {
    size_t mark = proto_begin(writer, field);
    size_t key = proto_begin(writer, 1);
    pubkey_write(writer, &update->pub_key);
    proto_end(writer, key);
    proto_put_int64(writer, 2, update->power);
    proto_end(writer, mark);
}

void abci_finalized_write(struct proto_writer *writer, const struct abci_finalized *finalized) {
    write_events(writer, 1, &finalized->events);
    for (uint32_t i = 0; i < finalized->tx_count; i++) {
        size_t mark = proto_begin(writer, 2);
        abci_tx_result_write(writer, &finalized->tx_results[i]);
        proto_end(writer, mark);
    }
    for (uint32_t i = 0; i < finalized->update_count; i++)
        abci_update_write(writer, 3, &finalized->updates[i]);
    if (finalized->has_params)
        proto_put_bytes_always(writer, 4, finalized->params_update);
    proto_put_bytes(writer, 5, app_hash_span(&finalized->app_hash));
}

/* ---- reading: arrays are counted first, so that no message takes more than a fixed multiple of its size */

uint32_t abci_count(struct span message, uint32_t number) {
    uint32_t count = 0;
    struct proto_reader reader = proto_reader_over(message);
    for (struct proto_field field; proto_next(&reader, &field);)
        count += field.number == number;
    return count;
}

void *abci_take_list(struct proto_reader *reader, struct span message, uint32_t number, size_t item_size, struct arena *arena) {
    void *list = arena_take(arena, abci_count(message, number), item_size);
    reader->bad = reader->bad || list == NULL;
    return list;
}

static void read_attribute(struct abci_attribute *attribute, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: attribute->key = proto_bytes(reader, &field); break;
        case 2: attribute->value = proto_bytes(reader, &field); break;
        case 3: attribute->index = proto_bool(reader, &field); break;
        }
    }
}

static void read_event(struct abci_event *event, struct proto_reader *outer, const struct proto_field *message,
                       struct arena *arena) {
    struct proto_reader reader = proto_sub(outer, message);
    event->attributes = arena_take(arena, abci_count(message->bytes, 2), sizeof *event->attributes);
    reader.bad = reader.bad || event->attributes == NULL;
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number == 1) {
            event->type = proto_bytes(&reader, &field);
        } else if (field.number == 2) {
            struct proto_reader sub = proto_sub(&reader, &field);
            read_attribute(&event->attributes[event->count++], &sub);
            proto_join(&reader, &sub);
        }
    }
    proto_join(outer, &reader);
}

void abci_tx_result_read(struct abci_tx_result *result, struct proto_reader *outer, const struct proto_field *message,
                         struct arena *arena) {
    struct proto_reader reader = proto_sub(outer, message);
    result->events.list = arena_take(arena, abci_count(message->bytes, 7), sizeof *result->events.list);
    reader.bad = reader.bad || result->events.list == NULL;
    for (struct proto_field field; proto_next(&reader, &field);) {
        switch (field.number) {
        case 1: result->code = proto_uint32(&reader, &field); break;
        case 2: result->data = proto_bytes(&reader, &field); break;
        case 3: result->log = proto_bytes(&reader, &field); break;
        case 4: result->info = proto_bytes(&reader, &field); break;
        case 5: result->gas_wanted = proto_int64(&reader, &field); break;
        case 6: result->gas_used = proto_int64(&reader, &field); break;
        case 7: read_event(&result->events.list[result->events.count++], &reader, &field, arena); break;
        case 8: result->codespace = proto_bytes(&reader, &field); break;
        }
    }
    proto_join(outer, &reader);
}

void abci_update_read(struct abci_validator_update *update, struct proto_reader *outer, const struct proto_field *message) {
    struct proto_reader reader = proto_sub(outer, message);
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number == 1) {
            struct proto_reader sub = proto_sub(&reader, &field);
            pubkey_read(&update->pub_key, &sub);
            proto_join(&reader, &sub);
        } else if (field.number == 2) {
            update->power = proto_int64(&reader, &field);
        }
    }
    proto_join(outer, &reader);
}

static bool make_lists(struct abci_finalized *out, struct span bytes, struct arena *arena) {
    out->events.list = arena_take(arena, abci_count(bytes, 1), sizeof *out->events.list);
    out->tx_results = arena_take(arena, abci_count(bytes, 2), sizeof *out->tx_results);
    out->updates = arena_take(arena, abci_count(bytes, 3), sizeof *out->updates);
    return out->events.list != NULL && out->tx_results != NULL && out->updates != NULL;
}

static void read_field(struct abci_finalized *out, struct proto_reader *reader, const struct proto_field *field,
                       struct arena *arena) {
    switch (field->number) {
    case 1: read_event(&out->events.list[out->events.count++], reader, field, arena); break;
    case 2: abci_tx_result_read(&out->tx_results[out->tx_count++], reader, field, arena); break;
    case 3: abci_update_read(&out->updates[out->update_count++], reader, field); break;
    case 4:
        out->has_params = true;
        out->params_update = proto_bytes(reader, field);
        break;
    case 5:
        out->app_hash.size = (uint8_t)proto_bytes_into(reader, field, out->app_hash.bytes, sizeof out->app_hash.bytes);
        break;
    }
}

bool abci_finalized_decode(struct abci_finalized *finalized, struct span bytes, struct arena *arena) {
    struct abci_finalized out = {0};
    if (!make_lists(&out, bytes, arena))
        return false;
    struct proto_reader reader = proto_reader_over(bytes);
    for (struct proto_field field; proto_next(&reader, &field);)
        read_field(&out, &reader, &field, arena);
    if (!reader.bad)
        *finalized = out;
    return !reader.bad;
}
