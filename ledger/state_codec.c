/* The state as it is stored. Three sets that mostly have the same members: only the next one is written whole; of the others,
 * where keys and powers agree with it, the priorities alone. */
#include "ledger/state.h"

#include <assert.h>
#include <stdlib.h>

enum { SET_WHOLE = 1, SET_PRIORITIES = 2, SET_PROPOSER = 3 };

static bool same_members(const struct valset *a, const struct valset *b) {
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = a->validators[i].power == b->validators[i].power &&
               pubkey_equal(&a->validators[i].pub_key, &b->validators[i].pub_key);
    return same;
}

static uint64_t zigzag(int64_t value) { return (uint64_t)value << 1 ^ (uint64_t)(value >> 63); }

static int64_t unzigzag(uint64_t value) { return (int64_t)(value >> 1 ^ (~(value & 1) + 1)); }

static void write_set(struct proto_writer *writer, uint32_t field, const struct valset *set, const struct valset *base) {
    size_t mark = proto_begin(writer, field), inner;
    if (set->count > 0 && base != NULL && same_members(set, base)) {
        inner = proto_begin(writer, SET_PRIORITIES);
        for (uint32_t i = 0; i < set->count; i++)
            proto_put_varint(writer, zigzag(set->validators[i].priority));
        proto_end(writer, inner);
        proto_put_int64(writer, SET_PROPOSER, (int64_t)set->proposer + 1);
    } else if (set->count > 0) {
        inner = proto_begin(writer, SET_WHOLE);
        valset_write(writer, set);
        proto_end(writer, inner);
    }
    proto_end(writer, mark);
}

static void read_priorities(struct valset *set, const struct valset *base, struct span bytes, struct proto_reader *outer) {
    struct proto_reader reader = proto_reader_over(bytes);
    valset_copy(set, base);
    set->proposer = -1; /* its own, if it has one, is a field */
    for (uint32_t i = 0; i < set->count; i++)
        set->validators[i].priority = unzigzag(proto_varint(&reader));
    outer->bad = outer->bad || reader.bad || reader.at != reader.end;
}

static void read_set(struct valset *set, struct proto_reader *outer, const struct proto_field *message, const struct valset *base) {
    struct proto_reader reader = proto_sub(outer, message);
    for (struct proto_field field; proto_next(&reader, &field);) {
        struct span bytes;
        int64_t proposer;
        switch (field.number) {
        case SET_WHOLE:
            bytes = proto_bytes(&reader, &field);
            reader.bad = reader.bad || valset_decode(set, bytes) != VALSET_GOOD;
            break;
        case SET_PRIORITIES: read_priorities(set, base, proto_bytes(&reader, &field), &reader); break;
        case SET_PROPOSER:
            proposer = proto_int64(&reader, &field);
            reader.bad = reader.bad || proposer < 0 || proposer > (int64_t)set->count;
            set->proposer = (int32_t)proposer - 1;
            break;
        }
    }
    proto_join(outer, &reader);
}

static void write_state(struct proto_writer *writer, const struct state *state) {
    proto_put_text(writer, 1, state->chain_id);
    proto_put_int64(writer, 2, state->initial_height);
    timestamp_put(writer, 3, &state->genesis_time);
    proto_put_uint64(writer, 4, state->version_app);
    proto_put_int64(writer, 5, state->height);
    block_id_put(writer, 6, &state->block_id);
    timestamp_put(writer, 7, &state->block_time);
    write_set(writer, 8, &state->next_validators, NULL);
    write_set(writer, 9, &state->validators, &state->next_validators);
    write_set(writer, 10, &state->last_validators, &state->next_validators);
    proto_put_int64(writer, 11, state->validators_changed);
    size_t mark = proto_begin(writer, 12);
    params_write(writer, &state->params);
    proto_end(writer, mark);
    proto_put_int64(writer, 13, state->params_changed);
    proto_put_bytes(writer, 14, digest_span(&state->results_hash));
    proto_put_bytes(writer, 15, app_hash_span(&state->app_hash));
}

size_t state_encode(const struct state *state, uint8_t **out) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write_state(&writer, state);
    *out = malloc(writer.size);
    assert(*out != NULL);
    proto_writer_init(&writer, *out, writer.size);
    write_state(&writer, state);
    assert(!writer.overflow);
    return writer.size;
}

static void read_chain_id(struct state *state, struct proto_reader *reader, const struct proto_field *field) {
    memset(state->chain_id, 0, sizeof state->chain_id);
    proto_bytes_into(reader, field, state->chain_id, STATE_CHAIN_ID_BYTES_MAX);
}

static void read_params(struct state *state, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    params_read(&state->params, &sub);
    proto_join(reader, &sub);
}

static void read_field(struct state *state, struct proto_reader *reader, const struct proto_field *field) {
    struct app_hash *hash = &state->app_hash;
    switch (field->number) {
    case 1: read_chain_id(state, reader, field); break;
    case 2: state->initial_height = proto_int64(reader, field); break;
    case 3: timestamp_get(&state->genesis_time, reader, field); break;
    case 4: state->version_app = proto_uint64(reader, field); break;
    case 5: state->height = proto_int64(reader, field); break;
    case 6: block_id_get(&state->block_id, reader, field); break;
    case 7: timestamp_get(&state->block_time, reader, field); break;
    case 8: read_set(&state->next_validators, reader, field, &state->next_validators); break;
    case 9: read_set(&state->validators, reader, field, &state->next_validators); break;
    case 10: read_set(&state->last_validators, reader, field, &state->next_validators); break;
    case 11: state->validators_changed = proto_int64(reader, field); break;
    case 12: read_params(state, reader, field); break;
    case 13: state->params_changed = proto_int64(reader, field); break;
    case 14: digest_read(&state->results_hash, reader, field); break;
    case 15: hash->size = (uint8_t)proto_bytes_into(reader, field, hash->bytes, sizeof hash->bytes); break;
    }
}

static bool plausible(const struct state *state) {
    return state->chain_id[0] != '\0' && state->initial_height >= 1 && state->height >= 0 &&
           (state->height == 0 || state->height >= state->initial_height) && state->height <= INT64_MAX - 2 &&
           state->validators.count > 0 && state->next_validators.count > 0;
}

bool state_decode(struct state *state, struct span bytes) {
    struct state read;
    state_init(&read);
    read.release = state->release;
    struct proto_reader reader = proto_reader_over(bytes);
    for (struct proto_field field; proto_next(&reader, &field);)
        read_field(&read, &reader, &field);
    bool good = !reader.bad && plausible(&read);
    if (good)
        state_copy(state, &read);
    state_close(&read);
    return good;
}
