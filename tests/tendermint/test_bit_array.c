#include <check.h>

#include "tendermint/bit_array.h"
#include "tests/tendermint/signers.h"

Suite *suite_bit_array(void);

static struct bit_array array, other;

static void set_up(void) {
    bit_array_init(&array);
    bit_array_init(&other);
}

static void tear_down(void) {
    bit_array_close(&array);
    bit_array_close(&other);
}

static bool read_bytes(struct bit_array *out, const uint8_t *bytes, size_t size) {
    struct proto_reader reader = proto_reader_over(span_of(bytes, size));
    bit_array_read(out, &reader);
    return !reader.bad;
}

START_TEST(bits_beyond_the_end_are_neither_set_nor_seen) {
    bit_array_resize(&array, 65);
    bit_array_set(&array, 64, true);
    bit_array_set(&array, 65, true);
    ck_assert(bit_array_get(&array, 64));
    ck_assert(!bit_array_get(&array, 65));
    ck_assert(!bit_array_get(&array, UINT32_MAX));
    ck_assert_uint_eq(bit_array_count(&array), 1);
    bit_array_resize(&array, 10);
    ck_assert_uint_eq(bit_array_count(&array), 0);
}
END_TEST

START_TEST(full_means_every_bit_and_at_least_one) {
    ck_assert(!bit_array_full(&array));
    bit_array_resize(&array, 70);
    for (uint32_t i = 0; i < 70; i++) {
        ck_assert(!bit_array_full(&array));
        bit_array_set(&array, i, true);
    }
    ck_assert(bit_array_full(&array));
}
END_TEST

START_TEST(pick_goes_round_from_where_it_is_told) {
    bit_array_resize(&array, 130);
    bit_array_resize(&other, 130);
    bit_array_set(&array, 3, true);
    bit_array_set(&array, 129, true);
    ck_assert_int_eq(bit_array_pick(&array, &other, 0), 3);
    ck_assert_int_eq(bit_array_pick(&array, &other, 3), 3);
    ck_assert_int_eq(bit_array_pick(&array, &other, 4), 129);
    bit_array_set(&other, 129, true);
    ck_assert_int_eq(bit_array_pick(&array, &other, 4), 3);
    bit_array_set(&other, 3, true);
    ck_assert_int_eq(bit_array_pick(&array, &other, 4), -1);
}
END_TEST

START_TEST(pick_from_every_start_finds_the_nearest_ahead) {
    for (uint32_t bits = 1; bits < 140; bits += 23) {
        bit_array_resize(&array, bits);
        bit_array_resize(&other, bits / 2); /* shorter: lacks nothing beyond its end */
        for (uint32_t i = 0; i < bits; i += 5)
            bit_array_set(&array, i, true);
        bit_array_set(&other, 5, true);
        for (uint32_t from = 0; from < bits; from++) {
            int32_t expected = -1;
            for (uint32_t step = 0; step < bits && expected < 0; step++) {
                uint32_t at = (from + step) % bits;
                if (bit_array_get(&array, at) && !bit_array_get(&other, at))
                    expected = (int32_t)at;
            }
            ck_assert_int_eq(bit_array_pick(&array, &other, from), expected);
        }
    }
    bit_array_resize(&array, 0);
    ck_assert_int_eq(bit_array_pick(&array, &other, 0), -1);
}
END_TEST

START_TEST(or_keeps_to_its_own_bits) {
    bit_array_resize(&array, 3);
    bit_array_resize(&other, 100);
    for (uint32_t i = 0; i < 100; i++)
        bit_array_set(&other, i, true);
    bit_array_or(&array, &other);
    ck_assert_uint_eq(bit_array_count(&array), 3);
    bit_array_copy(&array, &other);
    ck_assert_uint_eq(bit_array_count(&array), 100);
}
END_TEST

START_TEST(bits_that_do_not_fit_the_words_are_refused) { /* wound 26, ASA-2025-003 */
    static const struct {
        size_t size;
        uint8_t bytes[8];
    } bad[] = {
        {2, {0x08, 1}},                   /* a bit without a word */
        {3, {0x12, 1, 1}},                /* a word without a bit */
        {5, {0x08, 65, 0x12, 1, 1}},      /* one word too few */
        {6, {0x08, 64, 0x12, 2, 1, 1}},   /* one too many */
        {4, {0x08, 65, 0x10, 1}},         /* one too few, not packed */
        {5, {0x08, 1, 0x12, 1, 0x80}},    /* a word cut off */
        {5, {0x08, 1, 0x15, 1, 0}},       /* a word of another wire type */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bit_array_resize(&array, 0);
        ck_assert_msg(!read_bytes(&array, bad[i].bytes, bad[i].size), "%zu", i);
        ck_assert_uint_eq(array.bits, 0);
    }
    static const uint8_t negative[] = {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    ck_assert(!read_bytes(&array, negative, sizeof negative));
    static const uint8_t huge[] = {0x08, 0xff, 0xff, 0xff, 0xff, 0x0f};
    ck_assert(!read_bytes(&array, huge, sizeof huge));
}
END_TEST

START_TEST(no_number_of_words_passes_the_bound) {
    uint8_t bytes[4 + 2 * 200];
    size_t size = 0;
    bytes[size++] = 0x08;
    bytes[size++] = 0xc0; /* 10048 bits and one word more */
    bytes[size++] = 0x4e;
    for (size_t i = 0; i < BIT_ARRAY_BITS_MAX / 64; i++) {
        bytes[size++] = 0x10;
        bytes[size++] = 1;
    }
    ck_assert(read_bytes(&array, bytes, size));
    ck_assert_uint_eq(bit_array_count(&array), 157);
    bytes[size++] = 0x10;
    bytes[size++] = 1;
    bit_array_resize(&array, 0);
    ck_assert(!read_bytes(&array, bytes, size));
}
END_TEST

START_TEST(stray_bits_beyond_the_end_are_cleared_at_reading) {
    static const uint8_t bytes[] = {0x08, 3, 0x12, 1, 0x7f};
    ck_assert(read_bytes(&array, bytes, sizeof bytes));
    ck_assert_uint_eq(bit_array_count(&array), 3);
    ck_assert(bit_array_full(&array));
}
END_TEST

START_TEST(an_empty_array_has_no_words_no_text_and_no_bytes) { /* wound 29 */
    char text[8] = "?";
    uint8_t bytes[8];
    struct proto_writer writer;
    bit_array_text(text, &array);
    ck_assert_str_eq(text, "");
    proto_writer_init(&writer, bytes, sizeof bytes);
    bit_array_write(&writer, &array);
    ck_assert_uint_eq(writer.size, 0);
    ck_assert(read_bytes(&array, bytes, 0));
    bit_array_copy(&array, &other);
    bit_array_or(&array, &other);
    ck_assert_uint_eq(bit_array_count(&array), 0);
}
END_TEST

static void decode_any(struct span bytes) {
    struct bit_array read;
    bit_array_init(&read);
    if (read_bytes(&read, bytes.data, bytes.size)) {
        ck_assert_uint_le(read.bits, BIT_ARRAY_BITS_MAX);
        ck_assert_uint_le(bit_array_count(&read), read.bits);
    }
    bit_array_close(&read);
}

START_TEST(no_bytes_break_the_decoder) {
    uint8_t bytes[64];
    struct proto_writer writer;
    bit_array_resize(&array, 130);
    bit_array_set(&array, 129, true);
    proto_writer_init(&writer, bytes, sizeof bytes);
    bit_array_write(&writer, &array);
    torture(proto_writer_span(&writer), decode_any);
}
END_TEST

Suite *suite_bit_array(void) {
    Suite *suite = suite_create("bit_array");
    TCase *tests = tcase_create("bit_array");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, bits_beyond_the_end_are_neither_set_nor_seen);
    tcase_add_test(tests, full_means_every_bit_and_at_least_one);
    tcase_add_test(tests, pick_goes_round_from_where_it_is_told);
    tcase_add_test(tests, pick_from_every_start_finds_the_nearest_ahead);
    tcase_add_test(tests, or_keeps_to_its_own_bits);
    tcase_add_test(tests, bits_that_do_not_fit_the_words_are_refused);
    tcase_add_test(tests, no_number_of_words_passes_the_bound);
    tcase_add_test(tests, stray_bits_beyond_the_end_are_cleared_at_reading);
    tcase_add_test(tests, an_empty_array_has_no_words_no_text_and_no_bytes);
    tcase_add_test(tests, no_bytes_break_the_decoder);
    suite_add_tcase(suite, tests);
    return suite;
}
