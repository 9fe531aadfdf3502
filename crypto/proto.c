#include "crypto/proto.h"

#include <assert.h>

enum { WIRE_GROUP_BEGIN = PROTO_GROUP, WIRE_GROUP_END = 4 };

void proto_writer_init(struct proto_writer *writer, void *data, size_t capacity) {
    *writer = (struct proto_writer){.data = data, .capacity = data == NULL ? SIZE_MAX : capacity};
}

void proto_writer_measure(struct proto_writer *writer) { proto_writer_init(writer, NULL, 0); }

/* The place for `size` more bytes, or NULL when there is nothing to write to (measuring, or no room). */
static uint8_t *claim(struct proto_writer *writer, size_t size) {
    if (writer->overflow || size > writer->capacity - writer->size) {
        writer->overflow = true;
        return NULL;
    }
    uint8_t *place = writer->data == NULL ? NULL : writer->data + writer->size;
    writer->size += size;
    return place;
}

size_t proto_varint_size(uint64_t value) {
    return (size_t)(70 - __builtin_clzll(value | 1)) / 7;
}

static void store_varint(uint8_t *place, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *place++ = (uint8_t)(value | 0x80);
    *place = (uint8_t)value;
}

void proto_put_varint(struct proto_writer *writer, uint64_t value) {
    uint8_t *place = claim(writer, proto_varint_size(value));
    if (place != NULL)
        store_varint(place, value);
}

void proto_put_raw(struct proto_writer *writer, struct span bytes) {
    uint8_t *place = claim(writer, bytes.size);
    if (place != NULL && bytes.size > 0)
        memcpy(place, bytes.data, bytes.size);
}

static void put_tag(struct proto_writer *writer, uint32_t field, enum proto_wire wire) {
    assert(field > 0);
    proto_put_varint(writer, (uint64_t)field << 3 | (uint64_t)wire);
}

void proto_put_uint64(struct proto_writer *writer, uint32_t field, uint64_t value) {
    if (value == 0)
        return;
    put_tag(writer, field, PROTO_VARINT);
    proto_put_varint(writer, value);
}

void proto_put_int64(struct proto_writer *writer, uint32_t field, int64_t value) {
    proto_put_uint64(writer, field, (uint64_t)value);
}

void proto_put_bool(struct proto_writer *writer, uint32_t field, bool value) {
    proto_put_uint64(writer, field, value ? 1 : 0);
}

void proto_put_sfixed64(struct proto_writer *writer, uint32_t field, int64_t value) {
    if (value == 0)
        return;
    put_tag(writer, field, PROTO_FIXED64);
    uint8_t *place = claim(writer, 8);
    for (size_t i = 0; place != NULL && i < 8; i++)
        place[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

void proto_put_bytes_always(struct proto_writer *writer, uint32_t field, struct span bytes) {
    put_tag(writer, field, PROTO_BYTES);
    proto_put_varint(writer, bytes.size);
    proto_put_raw(writer, bytes);
}

void proto_put_bytes(struct proto_writer *writer, uint32_t field, struct span bytes) {
    if (bytes.size > 0)
        proto_put_bytes_always(writer, field, bytes);
}

void proto_put_text(struct proto_writer *writer, uint32_t field, const char *text) {
    proto_put_bytes(writer, field, span_text(text));
}

/* One byte is kept for the length: most nested messages are shorter than 128 bytes and need not be moved at the end. */
size_t proto_begin(struct proto_writer *writer, uint32_t field) {
    put_tag(writer, field, PROTO_BYTES);
    claim(writer, 1);
    return writer->size;
}

void proto_end(struct proto_writer *writer, size_t mark) {
    if (writer->overflow)
        return;
    assert(mark > 0 && mark <= writer->size);
    size_t size = writer->size - mark, prefix = proto_varint_size(size);
    claim(writer, prefix - 1);
    if (writer->overflow || writer->data == NULL)
        return;
    uint8_t *payload = writer->data + mark;
    if (prefix > 1)
        memmove(payload + prefix - 1, payload, size);
    store_varint(payload - 1, size);
}

/* Reader */

struct proto_reader proto_reader_over(struct span bytes) {
    static const uint8_t nothing[1];
    const uint8_t *at = bytes.data == NULL ? nothing : bytes.data;
    assert(bytes.data != NULL || bytes.size == 0);
    return (struct proto_reader){.at = at, .end = at + bytes.size};
}

static void spoil(struct proto_reader *reader) {
    reader->bad = true;
    reader->at = reader->end;
}

static size_t bytes_left(const struct proto_reader *reader) { return (size_t)(reader->end - reader->at); }

/* Ten bytes at most; what the tenth carries above bit 63 is dropped, not refused, as the generated Go code does. */
static uint64_t long_varint(struct proto_reader *reader) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    spoil(reader);
    return 0;
}

uint64_t proto_varint(struct proto_reader *reader) {
    if (reader->at < reader->end && *reader->at < 0x80)
        return *reader->at++;
    return long_varint(reader);
}

static struct span read_bytes(struct proto_reader *reader, uint64_t size) {
    if (size > bytes_left(reader)) {
        spoil(reader);
        return span_of(NULL, 0);
    }
    struct span bytes = span_of(reader->at, (size_t)size);
    reader->at += size;
    return bytes;
}

static uint64_t read_fixed(struct proto_reader *reader, size_t size) {
    struct span bytes = read_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++)
        value |= (uint64_t)bytes.data[i] << (8 * i);
    return value;
}

/* After the tag that begins it. Tags inside are not looked at but for their wire type (field 0 passes there), and ends
 * need not name the field that began: the generated Go code counts depth only, and so do we, without recursion. */
static void skip_group(struct proto_reader *reader) {
    size_t depth = 1;
    while (depth > 0 && !reader->bad) {
        switch (proto_varint(reader) & 7) {
        case PROTO_VARINT: proto_varint(reader); break;
        case PROTO_FIXED64: read_bytes(reader, 8); break;
        case PROTO_BYTES: read_bytes(reader, proto_varint(reader)); break;
        case WIRE_GROUP_BEGIN: depth++; break;
        case WIRE_GROUP_END: depth--; break;
        case PROTO_FIXED32: read_bytes(reader, 4); break;
        default: spoil(reader);
        }
    }
}

static void read_value(struct proto_reader *reader, struct proto_field *field) {
    switch (field->wire) {
    case PROTO_VARINT: field->value = proto_varint(reader); break;
    case PROTO_FIXED64: field->value = read_fixed(reader, 8); break;
    case PROTO_BYTES: field->bytes = read_bytes(reader, proto_varint(reader)); break;
    case PROTO_GROUP: skip_group(reader); break;
    case PROTO_FIXED32: field->value = read_fixed(reader, 4); break;
    default: spoil(reader);
    }
}

bool proto_next(struct proto_reader *reader, struct proto_field *field) {
    *field = (struct proto_field){0};
    if (reader->bad || reader->at >= reader->end)
        return false;
    uint64_t tag = proto_varint(reader);
    /* A field number is an int32 there: bits above are dropped before it is looked at. */
    uint32_t number = (uint32_t)(tag >> 3);
    if (number == 0 || number > INT32_MAX)
        spoil(reader);
    *field = (struct proto_field){.number = number, .wire = (uint8_t)(tag & 7)};
    if (!reader->bad)
        read_value(reader, field);
    if (reader->bad)
        *field = (struct proto_field){0};
    return !reader->bad;
}

static bool is_wire(struct proto_reader *reader, const struct proto_field *field, enum proto_wire wire) {
    if (field->wire != wire)
        spoil(reader);
    return !reader->bad;
}

uint64_t proto_uint64(struct proto_reader *reader, const struct proto_field *field) {
    return is_wire(reader, field, PROTO_VARINT) ? field->value : 0;
}

int64_t proto_int64(struct proto_reader *reader, const struct proto_field *field) {
    return (int64_t)proto_uint64(reader, field);
}

uint32_t proto_uint32(struct proto_reader *reader, const struct proto_field *field) {
    return (uint32_t)proto_uint64(reader, field);
}

int32_t proto_int32(struct proto_reader *reader, const struct proto_field *field) {
    return (int32_t)proto_uint32(reader, field);
}

bool proto_bool(struct proto_reader *reader, const struct proto_field *field) {
    return proto_uint64(reader, field) != 0;
}

int64_t proto_sfixed64(struct proto_reader *reader, const struct proto_field *field) {
    return is_wire(reader, field, PROTO_FIXED64) ? (int64_t)field->value : 0;
}

struct span proto_bytes(struct proto_reader *reader, const struct proto_field *field) {
    return is_wire(reader, field, PROTO_BYTES) ? field->bytes : span_of(NULL, 0);
}

size_t proto_bytes_into(struct proto_reader *reader, const struct proto_field *field, void *out, size_t capacity) {
    struct span bytes = proto_bytes(reader, field);
    if (bytes.size > capacity) {
        spoil(reader);
        return 0;
    }
    if (bytes.size > 0)
        memcpy(out, bytes.data, bytes.size);
    return bytes.size;
}

struct proto_reader proto_sub(struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_reader_over(proto_bytes(reader, field));
    sub.bad = reader->bad;
    return sub;
}

void proto_join(struct proto_reader *reader, const struct proto_reader *sub) {
    if (sub->bad)
        spoil(reader);
}

/* As Go's ReadUvarint: non-minimal lengths pass, but here bits above 63 are refused. */
long proto_delimited(struct span *message, struct span bytes, size_t size_max) {
    uint64_t size = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        if (i == 9 && byte > 1)
            return -1;
        size |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte >= 0x80)
            continue;
        if (size > size_max || size > (uint64_t)INT64_MAX - 10)
            return -1;
        if (size > bytes.size - i - 1)
            return 0;
        *message = span_of(bytes.data + i + 1, (size_t)size);
        return (long)(i + 1 + size);
    }
    return 0;
}
