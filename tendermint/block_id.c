#include "tendermint/block_id.h"

#include <inttypes.h>
#include <stdio.h>

#include "crypto/text.h"

struct digest digest_of(const uint8_t bytes[static 32]) {
    struct digest digest = {.size = 32};
    memcpy(digest.bytes, bytes, 32);
    return digest;
}

void digest_read(struct digest *digest, struct proto_reader *reader, const struct proto_field *field) {
    struct span bytes = proto_bytes(reader, field);
    reader->bad = reader->bad || (bytes.size != 0 && bytes.size != sizeof digest->bytes);
    if (reader->bad)
        return;
    digest->size = (uint8_t)bytes.size;
    if (bytes.size > 0)
        memcpy(digest->bytes, bytes.data, bytes.size);
}

bool part_header_equal(const struct part_header *a, const struct part_header *b) {
    return a->total == b->total && digest_equal(&a->hash, &b->hash);
}

bool part_header_is_zero(const struct part_header *header) { return header->total == 0 && header->hash.size == 0; }

bool block_id_equal(const struct block_id *a, const struct block_id *b) {
    return digest_equal(&a->hash, &b->hash) && part_header_equal(&a->parts, &b->parts);
}

bool block_id_is_nil(const struct block_id *id) { return id->hash.size == 0 && part_header_is_zero(&id->parts); }

bool block_id_is_complete(const struct block_id *id) {
    return id->hash.size == 32 && id->parts.hash.size == 32 && id->parts.total > 0;
}

static struct span key_of(uint8_t out[static 96], const struct block_id *id) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, 96);
    proto_put_raw(&writer, digest_span(&id->hash));
    part_header_write(&writer, &id->parts);
    return proto_writer_span(&writer);
}

int block_id_compare(const struct block_id *a, const struct block_id *b) {
    uint8_t key_a[96], key_b[96];
    return span_compare(key_of(key_a, a), key_of(key_b, b));
}

void block_id_text(char out[static BLOCK_ID_TEXT_SIZE], const struct block_id *id) {
    char hash[TEXT_HEX_SIZE(32)], parts[TEXT_HEX_SIZE(6)];
    if (block_id_is_nil(id)) {
        snprintf(out, BLOCK_ID_TEXT_SIZE, "nil");
        return;
    }
    text_hex_upper(hash, digest_span(&id->hash));
    text_hex_upper(parts, span_of(id->parts.hash.bytes, id->parts.hash.size == 0 ? 0 : 6));
    snprintf(out, BLOCK_ID_TEXT_SIZE, "%s:%" PRIu32 ":%s", hash, id->parts.total, parts);
}

void part_header_write(struct proto_writer *writer, const struct part_header *header) {
    proto_put_uint64(writer, 1, header->total);
    proto_put_bytes(writer, 2, digest_span(&header->hash));
}

void part_header_read(struct part_header *header, struct proto_reader *reader) {
    struct proto_field field;
    while (proto_next(reader, &field)) {
        if (field.number == 1)
            header->total = proto_uint32(reader, &field);
        else if (field.number == 2)
            digest_read(&header->hash, reader, &field);
    }
}

void block_id_write(struct proto_writer *writer, const struct block_id *id) {
    proto_put_bytes(writer, 1, digest_span(&id->hash));
    size_t mark = proto_begin(writer, 2);
    part_header_write(writer, &id->parts);
    proto_end(writer, mark);
}

void block_id_read(struct block_id *id, struct proto_reader *reader) {
    struct proto_field field;
    while (proto_next(reader, &field)) {
        if (field.number == 1) {
            digest_read(&id->hash, reader, &field);
        } else if (field.number == 2) {
            struct proto_reader sub = proto_sub(reader, &field);
            part_header_read(&id->parts, &sub);
            proto_join(reader, &sub);
        }
    }
}

void block_id_put(struct proto_writer *writer, uint32_t field, const struct block_id *id) {
    size_t mark = proto_begin(writer, field);
    block_id_write(writer, id);
    proto_end(writer, mark);
}

void block_id_get(struct block_id *id, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    block_id_read(id, &sub);
    proto_join(reader, &sub);
}

/* An id without a hash but with parts is not nil and is kept: such votes are malformed, yet their bytes are defined. */
void block_id_put_canonical(struct proto_writer *writer, uint32_t field, const struct block_id *id) {
    if (!block_id_is_nil(id))
        block_id_put(writer, field, id);
}
