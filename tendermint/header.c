#include "tendermint/header.h"

#include <assert.h>

#include "crypto/merkle.h"

enum { LEAVES = 14 };

const char *header_check_text(enum header_check check) {
    switch (check) {
    case HEADER_GOOD: return "good";
    case HEADER_BAD_VERSION: return "wrong block protocol version";
    case HEADER_BAD_HEIGHT: return "height below 1";
    case HEADER_BAD_LAST_BLOCK_ID: return "malformed last block id";
    case HEADER_BAD_PROPOSER: return "proposer address is not 20 bytes";
    }
    return "unknown";
}

void header_init(struct header *header) { *header = (struct header){.time = TIMESTAMP_ZERO}; }

bool header_set_chain_id(struct header *header, struct span chain_id) {
    if (chain_id.size > HEADER_CHAIN_ID_BYTES_MAX)
        return false;
    if (chain_id.size > 0)
        memcpy(header->chain_id, chain_id.data, chain_id.size);
    header->chain_id_size = (uint8_t)chain_id.size;
    header->chain_id[chain_id.size] = '\0';
    return true;
}

struct span header_chain_id(const struct header *header) { return span_of(header->chain_id, header->chain_id_size); }

bool app_hash_equal(const struct app_hash *a, const struct app_hash *b) {
    return span_equal(app_hash_span(a), app_hash_span(b));
}

static void write_version(struct proto_writer *writer, const struct header *header) {
    proto_put_uint64(writer, 1, header->version_block);
    proto_put_uint64(writer, 2, header->version_app);
}

/* Fields 6 to 14, which are leaves 5 to 13 in the same order. */
static struct span tail_field(const struct header *header, uint32_t field) {
    switch (field) {
    case 6: return digest_span(&header->last_commit_hash);
    case 7: return digest_span(&header->data_hash);
    case 8: return digest_span(&header->validators_hash);
    case 9: return digest_span(&header->next_validators_hash);
    case 10: return digest_span(&header->consensus_hash);
    case 11: return app_hash_span(&header->app_hash);
    case 12: return digest_span(&header->last_results_hash);
    case 13: return digest_span(&header->evidence_hash);
    default: return address_span(&header->proposer_address);
    }
}

void header_write(struct proto_writer *writer, const struct header *header) {
    size_t mark = proto_begin(writer, 1);
    write_version(writer, header);
    proto_end(writer, mark);
    proto_put_bytes(writer, 2, header_chain_id(header));
    proto_put_int64(writer, 3, header->height);
    timestamp_put(writer, 4, &header->time);
    block_id_put(writer, 5, &header->last_block_id);
    for (uint32_t field = 6; field <= 14; field++)
        proto_put_bytes(writer, field, tail_field(header, field));
}

static void read_version(struct header *header, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    struct proto_field inner;
    while (proto_next(&sub, &inner)) {
        if (inner.number == 1)
            header->version_block = proto_uint64(&sub, &inner);
        else if (inner.number == 2)
            header->version_app = proto_uint64(&sub, &inner);
    }
    proto_join(reader, &sub);
}

static void read_chain_id(struct header *header, struct proto_reader *reader, const struct proto_field *field) {
    if (!header_set_chain_id(header, proto_bytes(reader, field)))
        reader->bad = true;
}

static void read_field(struct header *header, struct proto_reader *reader, const struct proto_field *field) {
    struct app_hash *app = &header->app_hash;
    struct address *proposer = &header->proposer_address;
    switch (field->number) {
    case 1: read_version(header, reader, field); break;
    case 2: read_chain_id(header, reader, field); break;
    case 3: header->height = proto_int64(reader, field); break;
    case 4: timestamp_get(&header->time, reader, field); break;
    case 5: block_id_get(&header->last_block_id, reader, field); break;
    case 6: digest_read(&header->last_commit_hash, reader, field); break;
    case 7: digest_read(&header->data_hash, reader, field); break;
    case 8: digest_read(&header->validators_hash, reader, field); break;
    case 9: digest_read(&header->next_validators_hash, reader, field); break;
    case 10: digest_read(&header->consensus_hash, reader, field); break;
    case 11: app->size = (uint8_t)proto_bytes_into(reader, field, app->bytes, sizeof app->bytes); break;
    case 12: digest_read(&header->last_results_hash, reader, field); break;
    case 13: digest_read(&header->evidence_hash, reader, field); break;
    case 14: proposer->size = (uint8_t)proto_bytes_into(reader, field, proposer->bytes, sizeof proposer->bytes); break;
    }
}

void header_read(struct header *header, struct proto_reader *reader) {
    struct proto_field field;
    while (proto_next(reader, &field))
        read_field(header, reader, &field);
}

bool header_decode(struct header *header, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct header read;
    header_init(&read);
    header_read(&read, &reader);
    if (!reader.bad)
        *header = read;
    return !reader.bad;
}

/* Plain values are wrapped in a message of one field, so an empty one leaves an empty leaf in its place. */
size_t header_leaf(uint8_t out[static 256], const struct header *header, unsigned index) {
    assert(index < LEAVES);
    struct proto_writer writer;
    proto_writer_init(&writer, out, 256);
    switch (index) {
    case 0: write_version(&writer, header); break;
    case 1: proto_put_bytes(&writer, 1, header_chain_id(header)); break;
    case 2: proto_put_int64(&writer, 1, header->height); break;
    case 3: timestamp_write(&writer, &header->time); break;
    case 4: block_id_write(&writer, &header->last_block_id); break;
    default: proto_put_bytes(&writer, 1, tail_field(header, index + 1));
    }
    assert(!writer.overflow);
    return writer.size;
}

void header_hash(struct digest *out, const struct header *header) {
    *out = (struct digest){0};
    if (header->validators_hash.size == 0)
        return;
    struct merkle tree;
    merkle_init(&tree);
    for (unsigned i = 0; i < LEAVES; i++) {
        uint8_t leaf[256];
        size_t size = header_leaf(leaf, header, i);
        merkle_add(&tree, span_of(leaf, size));
    }
    out->size = 32;
    merkle_root(&tree, out->bytes);
}

static bool digest_well_sized(const struct digest *digest) { return digest->size == 0 || digest->size == 32; }

enum header_check header_check(const struct header *header) {
    if (header->version_block != HEADER_BLOCK_PROTOCOL)
        return HEADER_BAD_VERSION;
    if (header->height <= 0)
        return HEADER_BAD_HEIGHT;
    if (!digest_well_sized(&header->last_block_id.hash) || !digest_well_sized(&header->last_block_id.parts.hash))
        return HEADER_BAD_LAST_BLOCK_ID;
    return header->proposer_address.size == 20 ? HEADER_GOOD : HEADER_BAD_PROPOSER;
}
