#include <assert.h>

#include "crypto/crc32c.h"
#include "crypto/proto.h"
#include "node/journal.h"

#define HEAD_BYTES    8
#define NS_PER_SECOND 1000000000

static void store_be32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t load_be32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Encoding: TimedWALMessage {1 time!, 2 msg}; the oneof's numbers are those of the kind. */

static void put_timeout(struct proto_writer *writer, const struct journal_record *record) {
    size_t mark = proto_begin(writer, 1);
    proto_put_int64(writer, 1, record->duration_ns / NS_PER_SECOND);
    proto_put_int64(writer, 2, record->duration_ns % NS_PER_SECOND);
    proto_end(writer, mark);
    proto_put_int64(writer, 2, record->height);
    proto_put_int64(writer, 3, record->round);
    proto_put_uint64(writer, 4, record->step);
}

static void put_content(struct proto_writer *writer, const struct journal_record *record) {
    switch (record->kind) {
    case JOURNAL_ROUND_STATE:
        proto_put_int64(writer, 1, record->height);
        proto_put_int64(writer, 2, record->round);
        proto_put_bytes(writer, 3, record->peer_id);
        break;
    case JOURNAL_MESSAGE:
        proto_put_bytes_always(writer, 1, record->message);
        proto_put_bytes(writer, 2, record->peer_id);
        break;
    case JOURNAL_TIMEOUT: put_timeout(writer, record); break;
    case JOURNAL_END_HEIGHT: proto_put_int64(writer, 1, record->height); break;
    }
}

size_t journal_record_encode(uint8_t *out, size_t capacity, const struct journal_record *record) {
    if (capacity < HEAD_BYTES)
        return 0;
    struct proto_writer writer;
    proto_writer_init(&writer, out + HEAD_BYTES, capacity - HEAD_BYTES);
    timestamp_put(&writer, 1, &record->time);
    size_t outer = proto_begin(&writer, 2);
    size_t inner = proto_begin(&writer, record->kind);
    put_content(&writer, record);
    proto_end(&writer, inner);
    proto_end(&writer, outer);
    if (writer.overflow || writer.size > JOURNAL_RECORD_BYTES_MAX)
        return 0;
    store_be32(out, crc32c(0, proto_writer_span(&writer)));
    store_be32(out + 4, (uint32_t)writer.size);
    return HEAD_BYTES + writer.size;
}

/* Decoding */

static void read_duration(struct journal_record *record, struct proto_reader *reader, const struct proto_field *outer) {
    struct proto_reader inner = proto_sub(reader, outer);
    struct proto_field field;
    int64_t seconds = 0;
    int32_t nanos = 0;
    while (proto_next(&inner, &field)) {
        if (field.number == 1)
            seconds = proto_int64(&inner, &field);
        else if (field.number == 2)
            nanos = proto_int32(&inner, &field);
    }
    if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_SECOND, &record->duration_ns) ||
        __builtin_add_overflow(record->duration_ns, (int64_t)nanos, &record->duration_ns)) {
        record->duration_ns = 0;
        inner.bad = true;
    }
    proto_join(reader, &inner);
}

static void read_timeout(struct journal_record *record, struct proto_reader *reader, const struct proto_field *field) {
    switch (field->number) {
    case 1: read_duration(record, reader, field); break;
    case 2: record->height = proto_int64(reader, field); break;
    case 3: record->round = proto_int32(reader, field); break;
    case 4: record->step = proto_uint32(reader, field); break;
    }
}

static void read_round_state(struct journal_record *record, struct proto_reader *reader, const struct proto_field *field) {
    switch (field->number) {
    case 1: record->height = proto_int64(reader, field); break;
    case 2: record->round = proto_int32(reader, field); break;
    case 3: record->peer_id = proto_bytes(reader, field); break;
    }
}

static void read_content(struct journal_record *record, struct proto_reader *reader, const struct proto_field *field) {
    if (record->kind == JOURNAL_TIMEOUT)
        read_timeout(record, reader, field);
    else if (record->kind == JOURNAL_ROUND_STATE)
        read_round_state(record, reader, field);
    else if (record->kind == JOURNAL_END_HEIGHT && field->number == 1)
        record->height = proto_int64(reader, field);
    else if (record->kind == JOURNAL_MESSAGE && field->number == 1)
        record->message = proto_bytes(reader, field);
    else if (record->kind == JOURNAL_MESSAGE && field->number == 2)
        record->peer_id = proto_bytes(reader, field);
}

static void read_kind(struct journal_record *record, struct proto_reader *reader, const struct proto_field *outer) {
    struct proto_reader wrapper = proto_sub(reader, outer);
    struct proto_field member, field;
    while (proto_next(&wrapper, &member)) {
        if (member.number < JOURNAL_ROUND_STATE || member.number > JOURNAL_END_HEIGHT)
            continue;
        *record = (struct journal_record){.kind = (enum journal_kind)member.number, .time = record->time};
        struct proto_reader content = proto_sub(&wrapper, &member);
        while (proto_next(&content, &field))
            read_content(record, &content, &field);
        proto_join(&wrapper, &content);
    }
    proto_join(reader, &wrapper);
}

static bool read_payload(struct journal_record *out, struct span payload) {
    struct proto_reader reader = proto_reader_over(payload);
    struct proto_field field;
    struct journal_record record = {.time = TIMESTAMP_ZERO};
    while (proto_next(&reader, &field)) {
        if (field.number == 1)
            timestamp_get(&record.time, &reader, &field);
        else if (field.number == 2)
            read_kind(&record, &reader, &field);
    }
    if (reader.bad || record.kind == 0)
        return false;
    *out = record;
    return true;
}

/* Eight zero bytes are a right checksum of nothing: nothing is no record. */
long journal_record_decode(struct journal_record *out, struct span bytes) {
    if (bytes.size < HEAD_BYTES)
        return 0;
    uint32_t size = load_be32(bytes.data + 4);
    if (size == 0 || size > JOURNAL_RECORD_BYTES_MAX)
        return -1;
    if (size > bytes.size - HEAD_BYTES)
        return 0;
    struct span payload = span_of(bytes.data + HEAD_BYTES, size);
    if (crc32c(0, payload) != load_be32(bytes.data) || !read_payload(out, payload))
        return -1;
    return HEAD_BYTES + (long)size;
}
