#include "tendermint/vote.h"

#include <assert.h>
#include <stdlib.h>

const char *vote_check_text(enum vote_check check) {
    switch (check) {
    case VOTE_GOOD: return "good";
    case VOTE_BAD_TYPE: return "wrong type";
    case VOTE_BAD_HEIGHT: return "height out of range";
    case VOTE_BAD_ROUND: return "negative round";
    case VOTE_BAD_POL_ROUND: return "polka round below -1";
    case VOTE_BAD_BLOCK_ID: return "block id neither nil nor complete";
    case VOTE_BAD_ADDRESS: return "address is not 20 bytes";
    case VOTE_BAD_INDEX: return "negative validator index";
    case VOTE_NO_SIGNATURE: return "no signature";
    case VOTE_BAD_EXTENSION: return "extension where none belongs, too large, or unsigned";
    }
    return "unknown";
}

bool vote_type_is_vote(int32_t type) { return type == VOTE_PREVOTE || type == VOTE_PRECOMMIT; }

void vote_init(struct vote *vote) { *vote = (struct vote){.timestamp = TIMESTAMP_ZERO}; }

void vote_write(struct proto_writer *writer, const struct vote *vote) {
    proto_put_int64(writer, 1, vote->type);
    proto_put_int64(writer, 2, vote->height);
    proto_put_int64(writer, 3, vote->round);
    block_id_put(writer, 4, &vote->block_id);
    timestamp_put(writer, 5, &vote->timestamp);
    proto_put_bytes(writer, 6, address_span(&vote->validator_address));
    proto_put_int64(writer, 7, vote->validator_index);
    proto_put_bytes(writer, 8, span_of(vote->signature.bytes, vote->signature.size));
    proto_put_bytes(writer, 9, vote->extension);
    proto_put_bytes(writer, 10, span_of(vote->extension_signature.bytes, vote->extension_signature.size));
}

static void read_signature(struct signature *signature, struct proto_reader *reader, const struct proto_field *field) {
    signature->size = (uint8_t)proto_bytes_into(reader, field, signature->bytes, sizeof signature->bytes);
}

static void read_field(struct vote *vote, struct proto_reader *reader, const struct proto_field *field) {
    struct address *address = &vote->validator_address;
    switch (field->number) {
    case 1: vote->type = proto_int32(reader, field); break;
    case 2: vote->height = proto_int64(reader, field); break;
    case 3: vote->round = proto_int32(reader, field); break;
    case 4: block_id_get(&vote->block_id, reader, field); break;
    case 5: timestamp_get(&vote->timestamp, reader, field); break;
    case 6: address->size = (uint8_t)proto_bytes_into(reader, field, address->bytes, sizeof address->bytes); break;
    case 7: vote->validator_index = proto_int32(reader, field); break;
    case 8: read_signature(&vote->signature, reader, field); break;
    case 9: vote->extension = proto_bytes(reader, field); break;
    case 10: read_signature(&vote->extension_signature, reader, field); break;
    }
}

void vote_read(struct vote *vote, struct proto_reader *reader) {
    struct proto_field field;
    while (proto_next(reader, &field))
        read_field(vote, reader, &field);
}

bool vote_decode(struct vote *vote, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct vote read;
    vote_init(&read);
    vote_read(&read, &reader);
    if (!reader.bad)
        *vote = read;
    return !reader.bad;
}

/* Only a precommit for a block may carry an extension, and never one that nobody signed. Whether the chain wants them
 * at all is not known here. */
static bool extension_allowed(const struct vote *vote) {
    if (vote->type != VOTE_PRECOMMIT || block_id_is_nil(&vote->block_id))
        return vote->extension.size == 0 && vote->extension_signature.size == 0;
    return vote->extension.size <= VOTE_EXTENSION_BYTES_MAX &&
           (vote->extension.size == 0 || vote->extension_signature.size > 0);
}

enum vote_check vote_check(const struct vote *vote) {
    if (!vote_type_is_vote(vote->type))
        return VOTE_BAD_TYPE;
    if (vote->height <= 0)
        return VOTE_BAD_HEIGHT;
    if (vote->round < 0)
        return VOTE_BAD_ROUND;
    if (!block_id_is_nil(&vote->block_id) && !block_id_is_complete(&vote->block_id))
        return VOTE_BAD_BLOCK_ID;
    if (vote->validator_address.size != sizeof vote->validator_address.bytes)
        return VOTE_BAD_ADDRESS;
    if (vote->validator_index < 0)
        return VOTE_BAD_INDEX;
    if (vote->signature.size == 0)
        return VOTE_NO_SIGNATURE;
    return extension_allowed(vote) ? VOTE_GOOD : VOTE_BAD_EXTENSION;
}

/* What is signed carries its length in front, for the sake of signers that expect it. */
static size_t frame(uint8_t *out, size_t capacity, const struct proto_writer *body) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, capacity);
    proto_put_varint(&writer, body->size);
    proto_put_raw(&writer, proto_writer_span(body));
    assert(!writer.overflow);
    return writer.size;
}

size_t vote_sign_bytes(uint8_t out[static VOTE_SIGN_BYTES_MAX], const struct vote *vote, struct span chain_id) {
    uint8_t buffer[VOTE_SIGN_BYTES_MAX];
    struct proto_writer body;
    proto_writer_init(&body, buffer, sizeof buffer - 2);
    proto_put_int64(&body, 1, vote->type);
    proto_put_sfixed64(&body, 2, vote->height);
    proto_put_sfixed64(&body, 3, vote->round);
    block_id_put_canonical(&body, 4, &vote->block_id);
    timestamp_put(&body, 5, &vote->timestamp);
    proto_put_bytes(&body, 6, chain_id);
    assert(!body.overflow);
    return frame(out, VOTE_SIGN_BYTES_MAX, &body);
}

static void extension_body(struct proto_writer *writer, struct span extension, int64_t height, int32_t round,
                           struct span chain_id) {
    proto_put_bytes(writer, 1, extension);
    proto_put_sfixed64(writer, 2, height);
    proto_put_sfixed64(writer, 3, round);
    proto_put_bytes(writer, 4, chain_id);
}

size_t vote_extension_sign_bytes(uint8_t *out, size_t capacity, struct span extension, int64_t height, int32_t round,
                                 struct span chain_id) {
    struct proto_writer measure, writer;
    proto_writer_measure(&measure);
    extension_body(&measure, extension, height, round, chain_id);
    proto_writer_init(&writer, out, capacity);
    proto_put_varint(&writer, measure.size);
    extension_body(&writer, extension, height, round, chain_id);
    return writer.overflow ? 0 : writer.size;
}

bool vote_extension_verify_vartime(const struct vote *vote, struct span chain_id, const struct pubkey *key) {
    size_t capacity = vote->extension.size + 128;
    uint8_t *bytes = malloc(capacity);
    assert(bytes != NULL);
    size_t size = vote_extension_sign_bytes(bytes, capacity, vote->extension, vote->height, vote->round, chain_id);
    bool good = size > 0 && pubkey_verify_vartime(key, span_of(bytes, size), &vote->extension_signature);
    free(bytes);
    return good;
}

bool vote_verify_vartime(const struct vote *vote, struct span chain_id, const struct pubkey *key) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = vote_sign_bytes(bytes, vote, chain_id);
    return pubkey_verify_vartime(key, span_of(bytes, size), &vote->signature);
}
