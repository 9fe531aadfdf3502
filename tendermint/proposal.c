#include <assert.h>

#include "tendermint/vote.h"

void proposal_init(struct proposal *proposal) { *proposal = (struct proposal){.timestamp = TIMESTAMP_ZERO}; }

void proposal_write(struct proto_writer *writer, const struct proposal *proposal) {
    proto_put_int64(writer, 1, proposal->type);
    proto_put_int64(writer, 2, proposal->height);
    proto_put_int64(writer, 3, proposal->round);
    proto_put_int64(writer, 4, proposal->pol_round);
    block_id_put(writer, 5, &proposal->block_id);
    timestamp_put(writer, 6, &proposal->timestamp);
    proto_put_bytes(writer, 7, span_of(proposal->signature.bytes, proposal->signature.size));
}

static void read_field(struct proposal *proposal, struct proto_reader *reader, const struct proto_field *field) {
    struct signature *signature = &proposal->signature;
    switch (field->number) {
    case 1: proposal->type = proto_int32(reader, field); break;
    case 2: proposal->height = proto_int64(reader, field); break;
    case 3: proposal->round = proto_int32(reader, field); break;
    case 4: proposal->pol_round = proto_int32(reader, field); break;
    case 5: block_id_get(&proposal->block_id, reader, field); break;
    case 6: timestamp_get(&proposal->timestamp, reader, field); break;
    case 7: signature->size = (uint8_t)proto_bytes_into(reader, field, signature->bytes, sizeof signature->bytes); break;
    }
}

void proposal_read(struct proposal *proposal, struct proto_reader *reader) {
    struct proto_field field;
    while (proto_next(reader, &field))
        read_field(proposal, reader, &field);
}

enum vote_check proposal_check(const struct proposal *proposal) {
    if (proposal->type != VOTE_PROPOSAL)
        return VOTE_BAD_TYPE;
    if (proposal->height < 0)
        return VOTE_BAD_HEIGHT;
    if (proposal->round < 0)
        return VOTE_BAD_ROUND;
    if (proposal->pol_round < -1)
        return VOTE_BAD_POL_ROUND;
    if (!block_id_is_complete(&proposal->block_id))
        return VOTE_BAD_BLOCK_ID;
    return proposal->signature.size == 0 ? VOTE_NO_SIGNATURE : VOTE_GOOD;
}

size_t proposal_sign_bytes(uint8_t out[static VOTE_SIGN_BYTES_MAX], const struct proposal *proposal, struct span chain_id) {
    uint8_t buffer[VOTE_SIGN_BYTES_MAX];
    struct proto_writer body, writer;
    proto_writer_init(&body, buffer, sizeof buffer - 2);
    proto_put_int64(&body, 1, VOTE_PROPOSAL);
    proto_put_sfixed64(&body, 2, proposal->height);
    proto_put_sfixed64(&body, 3, proposal->round);
    proto_put_int64(&body, 4, proposal->pol_round);
    block_id_put_canonical(&body, 5, &proposal->block_id);
    timestamp_put(&body, 6, &proposal->timestamp);
    proto_put_bytes(&body, 7, chain_id);
    assert(!body.overflow);
    proto_writer_init(&writer, out, VOTE_SIGN_BYTES_MAX);
    proto_put_varint(&writer, body.size);
    proto_put_raw(&writer, proto_writer_span(&body));
    return writer.size;
}

bool proposal_verify_vartime(const struct proposal *proposal, struct span chain_id, const struct pubkey *key) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = proposal_sign_bytes(bytes, proposal, chain_id);
    return pubkey_verify_vartime(key, span_of(bytes, size), &proposal->signature);
}
