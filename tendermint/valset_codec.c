#include <assert.h>
#include <stdlib.h>

#include "tendermint/valset.h"

void validator_write(struct proto_writer *writer, const struct validator *validator) {
    proto_put_bytes(writer, 1, address_span(&validator->address));
    size_t mark = proto_begin(writer, 2);
    pubkey_write(writer, &validator->pub_key);
    proto_end(writer, mark);
    proto_put_int64(writer, 3, validator->power);
    proto_put_int64(writer, 4, validator->priority);
}

static void read_key(struct pubkey *key, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    pubkey_read(key, &sub);
    proto_join(reader, &sub);
}

void validator_read(struct validator *validator, struct proto_reader *reader) {
    struct address *address = &validator->address;
    struct proto_field field;
    while (proto_next(reader, &field)) {
        switch (field.number) {
        case 1: address->size = (uint8_t)proto_bytes_into(reader, &field, address->bytes, sizeof address->bytes); break;
        case 2: read_key(&validator->pub_key, reader, &field); break;
        case 3: validator->power = proto_int64(reader, &field); break;
        case 4: validator->priority = proto_int64(reader, &field); break;
        }
    }
}

static void put_validator(struct proto_writer *writer, uint32_t field, const struct validator *validator) {
    size_t mark = proto_begin(writer, field);
    validator_write(writer, validator);
    proto_end(writer, mark);
}

/* The total stays out, as CometBFT leaves it out: who decodes adds up for himself. */
void valset_write(struct proto_writer *writer, const struct valset *set) {
    for (uint32_t i = 0; i < set->count; i++)
        put_validator(writer, 1, &set->validators[i]);
    int32_t proposer = set->proposer < 0 ? valset_find_proposer(set) : set->proposer;
    if (proposer >= 0)
        put_validator(writer, 2, &set->validators[proposer]);
}

static void get_validator(struct validator *validator, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    validator_read(validator, &sub);
    proto_join(reader, &sub);
}

/* Counted before anything is taken, so that a set costs what its bytes say. */
static enum valset_verdict count_members(uint32_t *count, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    size_t members = 0;
    while (proto_next(&reader, &field))
        members += field.number == 1;
    if (reader.bad)
        return VALSET_BAD_ENCODING;
    *count = (uint32_t)members;
    if (members == 0)
        return VALSET_EMPTY;
    return members > VALSET_COUNT_MAX ? VALSET_TOO_MANY : VALSET_GOOD;
}

static bool read_members(struct valset *set, struct validator *proposer, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    uint32_t at = 0;
    while (proto_next(&reader, &field)) {
        if (field.number == 1)
            get_validator(&set->validators[at++], &reader, &field);
        else if (field.number == 2)
            get_validator(proposer, &reader, &field);
        else if (field.number == 3)
            (void)proto_int64(&reader, &field);
    }
    return !reader.bad;
}

static enum valset_verdict check_member(const struct validator *validator) {
    if (validator->power < 0)
        return VALSET_NEGATIVE_POWER;
    struct address derived = pubkey_address(&validator->pub_key);
    bool named = validator->pub_key.type != PUBKEY_NONE && address_equal(&derived, &validator->address);
    return named ? VALSET_GOOD : VALSET_BAD_ENCODING;
}

static enum valset_verdict check_members(struct valset *set) {
    for (uint32_t i = 0; i < set->count; i++) {
        enum valset_verdict verdict = check_member(&set->validators[i]);
        if (verdict != VALSET_GOOD)
            return verdict;
        if (set->validators[i].power > VALSET_TOTAL_POWER_MAX - set->total_power)
            return VALSET_POWER_OVERFLOW;
        set->total_power += set->validators[i].power;
    }
    return VALSET_GOOD;
}

static enum valset_verdict check_unique(const struct valset *set) {
    struct valset_index index;
    bool twice = false;
    valset_index_init(&index, set);
    for (uint32_t i = 1; i < set->count && !twice; i++)
        twice = address_equal(&set->validators[index.order[i - 1]].address, &set->validators[index.order[i]].address);
    valset_index_close(&index);
    return twice ? VALSET_DUPLICATE : VALSET_GOOD;
}

static enum valset_verdict decode_into(struct valset *set, struct span bytes) {
    struct validator proposer = {0};
    if (!read_members(set, &proposer, bytes))
        return VALSET_BAD_ENCODING;
    enum valset_verdict verdict = check_members(set);
    if (verdict == VALSET_GOOD)
        verdict = check_unique(set);
    if (verdict == VALSET_GOOD)
        verdict = check_member(&proposer);
    set->proposer = valset_find(set, &proposer.address);
    if (verdict == VALSET_GOOD && set->proposer < 0)
        return VALSET_BAD_ENCODING;
    return verdict;
}

enum valset_verdict valset_decode(struct valset *set, struct span bytes) {
    struct valset read;
    valset_init(&read);
    enum valset_verdict verdict = count_members(&read.count, bytes);
    if (verdict != VALSET_GOOD)
        return verdict;
    read.validators = calloc(read.count, sizeof read.validators[0]);
    assert(read.validators != NULL);
    verdict = decode_into(&read, bytes);
    if (verdict == VALSET_GOOD) {
        valset_close(set);
        *set = read;
    } else {
        valset_close(&read);
    }
    return verdict;
}
