#include <check.h>
#include <stdlib.h>

#include "crypto/proto.h"
#include "crypto/text.h"

Suite *suite_proto(void);

static struct span from_hex(uint8_t *out, size_t capacity, const char *text) {
    size_t size = 0;
    ck_assert(text_hex_decode(out, &size, capacity, span_text(text)));
    return span_of(out, size);
}

static void expect_hex(const struct proto_writer *writer, const char *expected) {
    char text[TEXT_HEX_SIZE(512)];
    ck_assert(!writer->overflow);
    ck_assert_uint_le(writer->size, 512);
    text_hex_lower(text, proto_writer_span(writer));
    ck_assert_str_eq(text, expected);
}

/* Reads to the end; the last value of field 1, or bad. */
static bool read_field_one(const char *hex, uint64_t *value) {
    uint8_t bytes[256];
    struct proto_reader reader = proto_reader_over(from_hex(bytes, sizeof bytes, hex));
    *value = 0;
    for (struct proto_field field; proto_next(&reader, &field);)
        if (field.number == 1)
            *value = proto_uint64(&reader, &field);
    return !reader.bad;
}

static bool is_good(const char *hex) {
    uint64_t value;
    return read_field_one(hex, &value);
}

START_TEST(zero_scalars_and_empty_bytes_are_left_out) {
    uint8_t out[64];
    struct proto_writer writer;
    proto_writer_init(&writer, out, sizeof out);
    proto_put_uint64(&writer, 1, 0);
    proto_put_int64(&writer, 2, 0);
    proto_put_bool(&writer, 3, false);
    proto_put_sfixed64(&writer, 4, 0);
    proto_put_bytes(&writer, 5, span_of(NULL, 0));
    proto_put_text(&writer, 6, "");
    ck_assert_uint_eq(writer.size, 0);
    proto_put_bytes_always(&writer, 7, span_of(NULL, 0));
    expect_hex(&writer, "3a00");
}
END_TEST

START_TEST(scalars_have_the_bytes_of_gogoproto) {
    uint8_t out[128];
    struct proto_writer writer;
    proto_writer_init(&writer, out, sizeof out);
    proto_put_uint64(&writer, 1, 300);
    proto_put_int64(&writer, 2, -1);
    proto_put_bool(&writer, 3, true);
    proto_put_sfixed64(&writer, 4, -2);
    proto_put_text(&writer, 16, "hi");
    expect_hex(&writer, "08ac02"
                        "10ffffffffffffffffff01"
                        "1801"
                        "21feffffffffffffff"
                        "8201026869");
}
END_TEST

START_TEST(a_nested_message_is_written_even_when_empty) {
    uint8_t out[8];
    struct proto_writer writer;
    proto_writer_init(&writer, out, sizeof out);
    proto_end(&writer, proto_begin(&writer, 2));
    expect_hex(&writer, "1200");
}
END_TEST

/* Three levels around `size` bytes, written once measured and once for real. */
static void write_nested(struct proto_writer *writer, struct span payload) {
    size_t outer = proto_begin(writer, 1), middle = proto_begin(writer, 2);
    proto_put_bytes(writer, 3, payload);
    proto_end(writer, middle);
    proto_put_uint64(writer, 4, 5);
    proto_end(writer, outer);
}

START_TEST(nested_lengths_of_any_width_read_back_and_measure_the_same) {
    static const size_t sizes[] = {1, 2, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 300, 16370, 16378, 16384, 70000};
    uint8_t *payload = malloc(70000), *out = malloc(70100);
    for (size_t i = 0; i < 70000; i++)
        payload[i] = (uint8_t)(i * 7);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        struct proto_writer measure, writer;
        struct span given = span_of(payload, sizes[k]);
        proto_writer_measure(&measure);
        write_nested(&measure, given);
        proto_writer_init(&writer, out, measure.size);
        write_nested(&writer, given);
        ck_assert(!writer.overflow);
        ck_assert_uint_eq(writer.size, measure.size);
        struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
        struct proto_field field;
        ck_assert(proto_next(&reader, &field));
        struct proto_reader outer = proto_sub(&reader, &field);
        ck_assert(proto_next(&outer, &field));
        struct proto_reader middle = proto_sub(&outer, &field);
        ck_assert(proto_next(&middle, &field));
        ck_assert(span_equal(proto_bytes(&middle, &field), given));
        ck_assert(proto_next(&outer, &field));
        ck_assert_uint_eq(proto_uint64(&outer, &field), 5);
        ck_assert(!proto_next(&outer, &field) && !outer.bad && !middle.bad);
        ck_assert(!proto_next(&reader, &field) && !reader.bad);
    }
    free(payload);
    free(out);
}
END_TEST

START_TEST(a_writer_without_room_overflows_and_never_passes_its_end) {
    uint8_t payload[200] = {1};
    struct proto_writer measure;
    proto_writer_measure(&measure);
    write_nested(&measure, span_of(payload, sizeof payload));
    for (size_t capacity = 0; capacity < measure.size; capacity++) {
        uint8_t *out = malloc(capacity + 1); /* one more, because malloc(0) may be NULL, which measures */
        out[capacity] = 0xa5;
        struct proto_writer writer;
        proto_writer_init(&writer, out, capacity);
        write_nested(&writer, span_of(payload, sizeof payload));
        ck_assert(writer.overflow);
        ck_assert_uint_le(writer.size, capacity);
        ck_assert_uint_eq(out[capacity], 0xa5);
        free(out);
    }
}
END_TEST

START_TEST(varint_sizes_are_those_that_are_written) {
    for (unsigned bit = 0; bit < 64; bit++)
        for (int d = -1; d <= 1; d++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)d;
            uint8_t out[10];
            struct proto_writer writer;
            proto_writer_init(&writer, out, sizeof out);
            proto_put_varint(&writer, value);
            ck_assert_uint_eq(writer.size, proto_varint_size(value));
            struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
            ck_assert_uint_eq(proto_varint(&reader), value);
            ck_assert(!reader.bad && reader.at == reader.end);
        }
}
END_TEST

START_TEST(varints_of_ten_bytes_pass_and_bits_above_64_are_dropped) {
    uint64_t value;
    ck_assert(read_field_one("088100", &value) && value == 1); /* not minimal */
    ck_assert(read_field_one("0880808080808080808000", &value) && value == 0);
    ck_assert(read_field_one("08ffffffffffffffffff7f", &value) && value == UINT64_MAX);
    ck_assert(read_field_one("08ffffffffffffffffff02", &value) && value == INT64_MAX);
    ck_assert(!is_good("08ffffffffffffffffffff01"));
    ck_assert(!is_good("08808080808080808080808000"));
    ck_assert(!is_good("08"));
    ck_assert(!is_good("0880"));
}
END_TEST

START_TEST(the_last_of_a_repeated_singular_field_wins) {
    uint64_t value;
    ck_assert(read_field_one("080508060807", &value));
    ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(unknown_fields_of_every_wire_type_are_skipped) {
    uint64_t value;
    ck_assert(read_field_one("1005"               /* varint */
                             "110102030405060708" /* fixed64 */
                             "1203616263"         /* bytes */
                             "1501020304"         /* fixed32 */
                             "13"                 /* group 2 */
                             "0805"               /*   its field 1 is not ours */
                             "1b0000"             /*   group 3: field 0 passes inside a group */
                             "241c"               /*   ends are not matched by number */
                             "0809",
                             &value));
    ck_assert_uint_eq(value, 9);
}
END_TEST

START_TEST(a_group_where_a_scalar_is_expected_is_bad) { ck_assert(!is_good("0b0c")); }
END_TEST

START_TEST(unfinished_and_stray_groups_are_bad) {
    ck_assert(is_good("1314"));
    ck_assert(!is_good("13"));
    ck_assert(!is_good("131305"));
    ck_assert(!is_good("14"));
    ck_assert(!is_good("0c"));
    ck_assert(!is_good("1316"));       /* wire type 6 inside */
    ck_assert(!is_good("1312ff0114")); /* a length beyond the end inside */
}
END_TEST

START_TEST(ten_thousand_open_groups_cost_no_stack) {
    uint8_t *bytes = malloc(20000);
    memset(bytes, 0x13, 10000);
    memset(bytes + 10000, 0x14, 10000);
    struct proto_reader reader = proto_reader_over(span_of(bytes, 20000));
    struct proto_field field;
    ck_assert(proto_next(&reader, &field));
    ck_assert_uint_eq(field.wire, PROTO_GROUP);
    ck_assert(!proto_next(&reader, &field) && !reader.bad);
    free(bytes);
}
END_TEST

START_TEST(field_numbers_are_cut_to_32_bits_and_must_be_positive) {
    uint64_t value;
    ck_assert(!is_good("0000"));           /* field 0 */
    ck_assert(!is_good("8080808040" "00")); /* 2^31: negative as int32 */
    ck_assert(is_good("f8ffffff3f" "05"));  /* 2^31 - 1 */
    /* 2^32 + 1 is field 1 for gogoproto: a filter that thinks otherwise is evaded (wound 35) */
    ck_assert(read_field_one("888080808001" "2a", &value));
    ck_assert_uint_eq(value, 42);
    ck_assert(!is_good("808080808001" "2a")); /* 2^32: zero */
}
END_TEST

START_TEST(illegal_wire_types_are_bad) {
    ck_assert(!is_good("0e"));
    ck_assert(!is_good("17"));
}
END_TEST

START_TEST(lengths_beyond_the_end_or_negative_are_bad) {
    ck_assert(!is_good("1201"));
    ck_assert(!is_good("12050102"));
    ck_assert(!is_good("12ffffffffffffffffff01"));
    ck_assert(!is_good("12ffffffffffffffff7f"));
    ck_assert(!is_good("1101020304050607"));
    ck_assert(!is_good("15010203"));
}
END_TEST

START_TEST(a_bad_reader_gives_zeroes_for_ever) {
    uint8_t bytes[] = {0x0a, 0x01, 'x', 0x08, 0x05};
    struct proto_reader reader = proto_reader_over(span_of(bytes, sizeof bytes));
    struct proto_field field;
    ck_assert(proto_next(&reader, &field));
    ck_assert_uint_eq(proto_uint64(&reader, &field), 0); /* asked for the wrong type */
    ck_assert(reader.bad);
    ck_assert_uint_eq(proto_bytes(&reader, &field).size, 0);
    ck_assert_uint_eq(proto_varint(&reader), 0);
    ck_assert(!proto_next(&reader, &field));
    struct proto_reader sub = proto_sub(&reader, &field);
    ck_assert(sub.bad);
}
END_TEST

START_TEST(small_integers_are_truncated_as_go_does) {
    uint8_t bytes[16];
    struct proto_reader reader = proto_reader_over(from_hex(bytes, sizeof bytes, "0885808080f0ffffff7f"));
    struct proto_field field;
    ck_assert(proto_next(&reader, &field));
    ck_assert_int_eq(proto_int32(&reader, &field), 5);
    ck_assert_uint_eq(proto_uint32(&reader, &field), 5);
    ck_assert(proto_bool(&reader, &field));
    ck_assert(!reader.bad);
}
END_TEST

START_TEST(bytes_longer_than_their_place_are_bad_and_not_copied) {
    uint8_t bytes[] = {0x0a, 0x03, 1, 2, 3}, place[3] = {9, 9, 9};
    struct proto_field field;
    struct proto_reader reader = proto_reader_over(span_of(bytes, sizeof bytes));
    ck_assert(proto_next(&reader, &field));
    ck_assert_uint_eq(proto_bytes_into(&reader, &field, place, 3), 3);
    ck_assert_uint_eq(place[2], 3);
    place[0] = 9;
    ck_assert_uint_eq(proto_bytes_into(&reader, &field, place, 2), 0);
    ck_assert(reader.bad);
    ck_assert_uint_eq(place[0], 9);
}
END_TEST

START_TEST(a_bad_nested_message_makes_the_outer_bad) {
    uint8_t bytes[] = {0x0a, 0x01, 0x80, 0x10, 0x01};
    struct proto_field field;
    struct proto_reader reader = proto_reader_over(span_of(bytes, sizeof bytes));
    ck_assert(proto_next(&reader, &field));
    struct proto_reader sub = proto_sub(&reader, &field);
    ck_assert(!proto_next(&sub, &field));
    ck_assert(!reader.bad);
    proto_join(&reader, &sub);
    ck_assert(reader.bad && !proto_next(&reader, &field));
}
END_TEST

static long delimited(const char *hex, size_t size_max, size_t *size) {
    uint8_t bytes[64];
    struct span message = span_of(NULL, 0);
    long taken = proto_delimited(&message, from_hex(bytes, sizeof bytes, hex), size_max);
    *size = message.size;
    return taken;
}

START_TEST(delimited_messages_wait_for_the_rest_and_refuse_too_much) {
    size_t size;
    ck_assert_int_eq(delimited("", 10, &size), 0);
    ck_assert_int_eq(delimited("03", 10, &size), 0);
    ck_assert_int_eq(delimited("030102", 10, &size), 0);
    ck_assert_int_eq(delimited("03010203", 10, &size), 4);
    ck_assert_uint_eq(size, 3);
    ck_assert_int_eq(delimited("0301020304", 10, &size), 4);
    ck_assert_int_eq(delimited("00", 10, &size), 1);
    ck_assert_int_eq(delimited("8000", 10, &size), 2);
    ck_assert_int_eq(delimited("0b", 10, &size), -1);
    ck_assert_int_eq(delimited("80", 10, &size), 0);
    ck_assert_int_eq(delimited("ffffffffffffffffff01", SIZE_MAX, &size), -1);
    ck_assert_int_eq(delimited("ffffffffffffffffff02", SIZE_MAX, &size), -1);
    ck_assert_int_eq(delimited("ffffffffffffffffffff", SIZE_MAX, &size), -1);
}
END_TEST

static void walk(struct proto_reader *reader, unsigned depth) {
    for (struct proto_field field; proto_next(reader, &field);) {
        uint8_t place[8];
        ck_assert_uint_gt(field.number, 0);
        if (field.wire == PROTO_BYTES && depth < 4) {
            struct proto_reader sub = proto_sub(reader, &field);
            walk(&sub, depth + 1);
        }
        if (field.wire == PROTO_BYTES && field.bytes.size <= sizeof place)
            proto_bytes_into(reader, &field, place, sizeof place);
    }
    ck_assert(reader->at == reader->end);
}

START_TEST(random_bytes_never_leave_the_input) {
    srand(1);
    for (int round = 0; round < 200000; round++) {
        size_t size = (size_t)rand() % 40;
        uint8_t *bytes = malloc(size + (size == 0)); /* exactly, so that the sanitizer sees a step beyond */
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(rand() % 3 == 0 ? rand() : rand() % 40);
        struct proto_reader reader = proto_reader_over(span_of(bytes, size));
        walk(&reader, 0);
        struct span message;
        long taken = proto_delimited(&message, span_of(bytes, size), 30);
        ck_assert_int_le(taken, (long)size);
        free(bytes);
    }
}
END_TEST

Suite *suite_proto(void) {
    Suite *suite = suite_create("proto");
    TCase *tests = tcase_create("proto");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, zero_scalars_and_empty_bytes_are_left_out);
    tcase_add_test(tests, scalars_have_the_bytes_of_gogoproto);
    tcase_add_test(tests, a_nested_message_is_written_even_when_empty);
    tcase_add_test(tests, nested_lengths_of_any_width_read_back_and_measure_the_same);
    tcase_add_test(tests, a_writer_without_room_overflows_and_never_passes_its_end);
    tcase_add_test(tests, varint_sizes_are_those_that_are_written);
    tcase_add_test(tests, varints_of_ten_bytes_pass_and_bits_above_64_are_dropped);
    tcase_add_test(tests, the_last_of_a_repeated_singular_field_wins);
    tcase_add_test(tests, unknown_fields_of_every_wire_type_are_skipped);
    tcase_add_test(tests, a_group_where_a_scalar_is_expected_is_bad);
    tcase_add_test(tests, unfinished_and_stray_groups_are_bad);
    tcase_add_test(tests, ten_thousand_open_groups_cost_no_stack);
    tcase_add_test(tests, field_numbers_are_cut_to_32_bits_and_must_be_positive);
    tcase_add_test(tests, illegal_wire_types_are_bad);
    tcase_add_test(tests, lengths_beyond_the_end_or_negative_are_bad);
    tcase_add_test(tests, a_bad_reader_gives_zeroes_for_ever);
    tcase_add_test(tests, small_integers_are_truncated_as_go_does);
    tcase_add_test(tests, bytes_longer_than_their_place_are_bad_and_not_copied);
    tcase_add_test(tests, a_bad_nested_message_makes_the_outer_bad);
    tcase_add_test(tests, delimited_messages_wait_for_the_rest_and_refuse_too_much);
    tcase_add_test(tests, random_bytes_never_leave_the_input);
    suite_add_tcase(suite, tests);
    return suite;
}
