#include "tendermint/commit.h"

#include <assert.h>
#include <stdlib.h>

const char *commit_verdict_text(enum commit_verdict verdict) {
    switch (verdict) {
    case COMMIT_GOOD: return "good";
    case COMMIT_BAD_SHAPE: return "malformed commit";
    case COMMIT_WRONG_SIZE: return "not one entry per validator";
    case COMMIT_WRONG_HEIGHT: return "commit for another height";
    case COMMIT_WRONG_BLOCK: return "commit for another block";
    case COMMIT_WRONG_ADDRESS: return "entry does not name the validator of its index";
    case COMMIT_BAD_SIGNATURE: return "wrong signature";
    case COMMIT_NO_QUORUM: return "not enough voting power signed";
    case COMMIT_DOUBLE_VOTE: return "one validator signed twice";
    case COMMIT_BAD_TRUST_LEVEL: return "trust level out of range";
    case COMMIT_BAD_EXTENSION: return "vote extension missing, where none belongs, or not signed by its validator";
    }
    return "unknown";
}

void commit_sig_absent(struct commit_sig *sig) {
    *sig = (struct commit_sig){.flag = COMMIT_ABSENT, .timestamp = TIMESTAMP_ZERO};
}

void commit_sig_write(struct proto_writer *writer, const struct commit_sig *sig) {
    proto_put_int64(writer, 1, sig->flag);
    proto_put_bytes(writer, 2, address_span(&sig->validator_address));
    timestamp_put(writer, 3, &sig->timestamp);
    proto_put_bytes(writer, 4, span_of(sig->signature.bytes, sig->signature.size));
}

void commit_write(struct proto_writer *writer, const struct commit *commit) {
    proto_put_int64(writer, 1, commit->height);
    proto_put_int64(writer, 2, commit->round);
    block_id_put(writer, 3, &commit->block_id);
    for (uint32_t i = 0; i < commit->count; i++) {
        size_t mark = proto_begin(writer, 4);
        commit_sig_write(writer, &commit->sigs[i]);
        proto_end(writer, mark);
    }
}

static void read_sig(struct commit_sig *sig, struct proto_reader *reader, const struct proto_field *outer) {
    struct address *address = &sig->validator_address;
    struct signature *signature = &sig->signature;
    struct proto_reader sub = proto_sub(reader, outer);
    struct proto_field field;
    *sig = (struct commit_sig){.timestamp = TIMESTAMP_ZERO};
    while (proto_next(&sub, &field)) {
        switch (field.number) {
        case 1: sig->flag = proto_int32(&sub, &field); break;
        case 2: address->size = (uint8_t)proto_bytes_into(&sub, &field, address->bytes, sizeof address->bytes); break;
        case 3: timestamp_get(&sig->timestamp, &sub, &field); break;
        case 4: signature->size = (uint8_t)proto_bytes_into(&sub, &field, signature->bytes, sizeof signature->bytes); break;
        }
    }
    proto_join(reader, &sub);
}

/* Entries are counted before memory is taken for them. Those already there, of an earlier piece of the same message, stay. */
static bool make_room(struct commit *commit, struct proto_reader reader, struct arena *arena) {
    struct proto_field field;
    size_t count = commit->count;
    while (proto_next(&reader, &field))
        count += field.number == 4;
    if (reader.bad || count > VOTE_COUNT_MAX)
        return false;
    if (count == commit->count)
        return true;
    struct commit_sig *sigs = arena_take(arena, count, sizeof sigs[0]);
    if (sigs == NULL)
        return false;
    if (commit->count > 0)
        memcpy(sigs, commit->sigs, commit->count * sizeof sigs[0]);
    commit->sigs = sigs;
    return true;
}

void commit_read(struct commit *commit, struct proto_reader *reader, struct arena *arena) {
    struct proto_field field;
    reader->bad = reader->bad || !make_room(commit, *reader, arena);
    while (proto_next(reader, &field)) {
        switch (field.number) {
        case 1: commit->height = proto_int64(reader, &field); break;
        case 2: commit->round = proto_int32(reader, &field); break;
        case 3: block_id_get(&commit->block_id, reader, &field); break;
        case 4: read_sig(&commit->sigs[commit->count++], reader, &field); break;
        }
    }
}

bool commit_decode(struct commit *commit, struct span bytes, struct arena *arena) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct commit read = {0};
    commit_read(&read, &reader, arena);
    if (!reader.bad)
        *commit = read;
    return !reader.bad;
}

void commit_hash(struct digest *out, const struct commit *commit) {
    struct merkle tree;
    merkle_init(&tree);
    for (uint32_t i = 0; i < commit->count; i++) {
        uint8_t leaf[160];
        struct proto_writer writer;
        proto_writer_init(&writer, leaf, sizeof leaf);
        commit_sig_write(&writer, &commit->sigs[i]);
        assert(!writer.overflow);
        merkle_add(&tree, proto_writer_span(&writer));
    }
    out->size = 32;
    merkle_root(&tree, out->bytes);
}

static bool sig_well_formed(const struct commit_sig *sig) {
    switch (sig->flag) {
    case COMMIT_ABSENT:
        return sig->validator_address.size == 0 && timestamp_is_zero(&sig->timestamp) && sig->signature.size == 0;
    case COMMIT_FOR_BLOCK:
    case COMMIT_FOR_NIL: return sig->validator_address.size == 20 && sig->signature.size > 0;
    default: return false;
    }
}

enum commit_verdict commit_check(const struct commit *commit) {
    if (commit->height < 0 || commit->round < 0)
        return COMMIT_BAD_SHAPE;
    if (commit->height >= 1 && (block_id_is_nil(&commit->block_id) || commit->count == 0))
        return COMMIT_BAD_SHAPE;
    for (uint32_t i = 0; i < commit->count; i++)
        if (!sig_well_formed(&commit->sigs[i]))
            return COMMIT_BAD_SHAPE;
    return COMMIT_GOOD;
}

void commit_vote(struct vote *out, const struct commit *commit, uint32_t index) {
    assert(index < commit->count);
    const struct commit_sig *sig = &commit->sigs[index];
    vote_init(out);
    out->type = VOTE_PRECOMMIT;
    out->height = commit->height;
    out->round = commit->round;
    if (sig->flag == COMMIT_FOR_BLOCK)
        out->block_id = commit->block_id;
    out->timestamp = sig->timestamp;
    out->validator_address = sig->validator_address;
    out->validator_index = (int32_t)index;
    out->signature = sig->signature;
}
