#include <inttypes.h>
#include <stdio.h>

#include "crypto/sha256.h"
#include "node/wire.h"

static void read_snapshot(struct wire_statesync *message, struct proto_reader *reader, const struct proto_field *field) {
    switch (field->number) {
    case 3: message->chunks = proto_uint32(reader, field); break;
    case 4: message->hash = proto_bytes(reader, field); break;
    case 5: message->metadata = proto_bytes(reader, field); break;
    }
}

static void read_chunk(struct wire_statesync *message, struct proto_reader *reader, const struct proto_field *field) {
    if (field->number == 3)
        message->index = proto_uint32(reader, field);
    else if (field->number == 4 && message->kind == WIRE_CHUNK_RESPONSE)
        message->chunk = proto_bytes(reader, field);
    else if (field->number == 5 && message->kind == WIRE_CHUNK_RESPONSE)
        message->missing = proto_bool(reader, field);
}

static void read_inner(struct wire_statesync *message, struct proto_reader *reader, const struct proto_field *field) {
    if (message->kind == WIRE_SNAPSHOTS_REQUEST)
        return;
    if (field->number == 1)
        message->height = proto_uint64(reader, field);
    else if (field->number == 2)
        message->format = proto_uint32(reader, field);
    else if (message->kind == WIRE_SNAPSHOTS_RESPONSE)
        read_snapshot(message, reader, field);
    else
        read_chunk(message, reader, field);
}

const char *wire_statesync_parse(struct wire_statesync *out, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field outer, field;
    struct wire_statesync message = {0};
    while (proto_next(&reader, &outer)) {
        if (outer.number < WIRE_SNAPSHOTS_REQUEST || outer.number > WIRE_CHUNK_RESPONSE)
            continue;
        message = (struct wire_statesync){.kind = (enum wire_statesync_kind)outer.number};
        struct proto_reader inner = proto_sub(&reader, &outer);
        while (proto_next(&inner, &field))
            read_inner(&message, &inner, &field);
        proto_join(&reader, &inner);
    }
    if (reader.bad)
        return "malformed state sync message";
    if (message.kind == 0)
        return "unknown state sync message";
    *out = message;
    return NULL;
}

/* cometbft: statesync/messages.go. A chunk may be empty, but it must be there. */
static const char *check(const struct wire_statesync *message) {
    if (message->kind == WIRE_SNAPSHOTS_REQUEST)
        return NULL;
    if (message->height == 0)
        return "height 0";
    if (message->kind == WIRE_CHUNK_RESPONSE) {
        if (message->missing)
            return message->chunk.size > 0 ? "missing chunk with content" : NULL;
        return message->chunk.data == NULL ? "chunk without content" : NULL;
    }
    if (message->kind != WIRE_SNAPSHOTS_RESPONSE)
        return NULL;
    if (message->hash.size == 0)
        return "snapshot without a hash";
    if (message->chunks == 0)
        return "snapshot without chunks";
    return message->chunks > WIRE_SNAPSHOT_CHUNKS_MAX ? "snapshot of too many chunks" : NULL;
}

const char *wire_statesync_decode(struct wire_statesync *out, struct span bytes) {
    struct wire_statesync message;
    const char *why = wire_statesync_parse(&message, bytes);
    if (why == NULL)
        why = check(&message);
    if (why == NULL)
        *out = message;
    return why;
}

void wire_statesync_write(struct proto_writer *writer, const struct wire_statesync *message) {
    size_t mark = proto_begin(writer, message->kind);
    proto_put_uint64(writer, 1, message->height);
    proto_put_uint64(writer, 2, message->format);
    if (message->kind == WIRE_SNAPSHOTS_RESPONSE) {
        proto_put_uint64(writer, 3, message->chunks);
        proto_put_bytes(writer, 4, message->hash);
        proto_put_bytes(writer, 5, message->metadata);
    } else {
        proto_put_uint64(writer, 3, message->index);
    }
    if (message->kind == WIRE_CHUNK_RESPONSE) {
        if (message->chunk.data != NULL)
            proto_put_bytes_always(writer, 4, message->chunk);
        proto_put_bool(writer, 5, message->missing);
    }
    proto_end(writer, mark);
}

void wire_snapshot_key(uint8_t out[static 32], const struct wire_statesync *offer) {
    char numbers[64];
    struct sha256 hash;
    snprintf(numbers, sizeof numbers, "%" PRIu64 ":%" PRIu32 ":%" PRIu32, offer->height, offer->format, offer->chunks);
    sha256_init(&hash);
    sha256_add(&hash, span_text(numbers));
    sha256_add(&hash, offer->hash);
    sha256_add(&hash, offer->metadata);
    sha256_final(&hash, out);
}
