/* The protobuf cursors. Whatever decodes must re-encode, field by field, to bytes that decode to the same fields; what the strict cursor
 * takes, the permissive one takes and reads alike; streams of delimited messages do not depend on how they are cut. */
#include "tests/fuzz/fuzz.h"

#include "ledger/strict.h"

static void write_field(struct proto_writer *writer, const struct proto_field *field) {
    proto_put_varint(writer, (uint64_t)field->number << 3 | (field->wire == PROTO_GROUP ? PROTO_BYTES : field->wire));
    if (field->wire == PROTO_VARINT)
        proto_put_varint(writer, field->value);
    else if (field->wire == PROTO_BYTES)
        proto_put_varint(writer, field->bytes.size), proto_put_raw(writer, field->bytes);
    else if (field->wire == PROTO_GROUP)
        proto_put_varint(writer, 0);
    else
        for (int i = 0; i < (field->wire == PROTO_FIXED64 ? 8 : 4); i++)
            proto_put_raw(writer, span_of(&(uint8_t){(uint8_t)(field->value >> (8 * i))}, 1));
}

static bool rewrite(struct proto_writer *writer, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    while (proto_next(&reader, &field)) {
        assert(field.number != 0 && reader.at <= reader.end);
        write_field(writer, &field);
    }
    return !reader.bad;
}

static void ask_all(struct span bytes) { /* every reader on every field: the wrong ones mark the reader bad and give zero */
    for (int asked = 0; asked < 9; asked++) {
        struct proto_reader reader = proto_reader_over(bytes);
        struct proto_field field;
        uint8_t place[8];
        while (proto_next(&reader, &field)) {
            struct proto_reader sub = {0};
            uint64_t got = 0;
            switch (asked) {
            case 0: got = proto_uint64(&reader, &field); break;
            case 1: got = (uint64_t)proto_int64(&reader, &field); break;
            case 2: got = (uint64_t)(int64_t)proto_int32(&reader, &field); break;
            case 3: got = proto_uint32(&reader, &field); break;
            case 4: got = proto_bool(&reader, &field); break;
            case 5: got = (uint64_t)proto_sfixed64(&reader, &field); break;
            case 6: got = proto_bytes(&reader, &field).size; break;
            case 7: got = proto_bytes_into(&reader, &field, place, sizeof place); break;
            default:
                sub = proto_sub(&reader, &field);
                while (proto_next(&sub, &field)) {}
                proto_join(&reader, &sub);
            }
            assert(!reader.bad || got == 0 || asked == 8);
        }
        assert(!proto_next(&reader, &field));
    }
}

static void permissive(struct span bytes) {
    FUZZ_WRITE(first, rewrite(&first, bytes));
    struct proto_writer null;
    proto_writer_measure(&null);
    if (rewrite(&null, bytes)) {
        FUZZ_WRITE(second, rewrite(&second, proto_writer_span(&first)));
        fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    }
    ask_all(bytes);
}

static void strict(struct span bytes) {
    struct strict strict = strict_over(bytes);
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field one, other;
    FUZZ_WRITE(written, rewrite(&written, bytes));
    while (strict_next(&strict, &one)) {
        assert(proto_next(&reader, &other));
        assert(one.number == other.number && one.wire == other.wire);
        if (one.wire == PROTO_BYTES)
            assert(span_equal(one.bytes, other.bytes));
        else
            assert(one.value == other.value);
    }
    if (strict.fault == NULL) {
        assert(!proto_next(&reader, &other) && !reader.bad);
        fuzz_same(proto_writer_span(&written), bytes); /* one spelling only */
    }
}

static void delimited(struct span bytes, size_t size_max) {
    struct span message, whole;
    while (bytes.size > 0) {
        long size = proto_delimited(&message, bytes, size_max);
        if (size <= 0)
            break;
        assert((size_t)size <= bytes.size && message.size <= size_max);
        for (size_t cut = 0; cut < (size_t)size && cut < 12; cut++)
            assert(proto_delimited(&whole, span_of(bytes.data, cut), size_max) == 0);
        bytes = span_of(bytes.data + size, bytes.size - (size_t)size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    struct span bytes = fuzz_rest(&fuzz);
    if (choice == 0)
        permissive(bytes);
    else if (choice == 1)
        strict(bytes);
    else
        delimited(bytes, choice);
    fuzz_end();
    return 0;
}
