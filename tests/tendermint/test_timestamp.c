#include <check.h>

#include "crypto/text.h"
#include "tendermint/timestamp.h"
#include "tests/tendermint/signers.h"

Suite *suite_timestamp(void);

static bool parse(struct timestamp *time, const char *text) { return timestamp_parse(time, span_text(text)); }

static void check_text(int64_t seconds, int32_t nanos, const char *expected) {
    struct timestamp time = {seconds, nanos}, again;
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_text(text, &time);
    ck_assert_str_eq(text, expected);
    ck_assert(parse(&again, text));
    ck_assert_int_eq(timestamp_compare(&time, &again), 0);
}

START_TEST(text_is_that_of_go_and_reads_back) {
    check_text(0, 0, "1970-01-01T00:00:00Z");
    check_text(-1, 999999999, "1969-12-31T23:59:59.999999999Z");
    check_text(1518332962, 765000000, "2018-02-11T07:09:22.765Z");
    check_text(951782400, 10, "2000-02-29T00:00:00.00000001Z");
    check_text(TIMESTAMP_SECONDS_MIN, 0, "0001-01-01T00:00:00Z");
    check_text(TIMESTAMP_SECONDS_MAX, 999999999, "9999-12-31T23:59:59.999999999Z");
    check_text(-2203977600, 1, "1900-02-28T00:00:00.000000001Z");
}
END_TEST

START_TEST(every_day_of_five_centuries_reads_back) {
    for (int64_t day = -100000; day < 100000; day += 7) {
        struct timestamp time = {day * 86400 + 12345, 0}, again;
        char text[TIMESTAMP_TEXT_SIZE];
        timestamp_text(text, &time);
        ck_assert(parse(&again, text));
        ck_assert_int_eq(again.seconds, time.seconds);
    }
}
END_TEST

START_TEST(offsets_are_subtracted_and_long_fractions_cut) {
    struct timestamp time;
    ck_assert(parse(&time, "2020-01-01T01:30:00+01:30"));
    ck_assert_int_eq(time.seconds, 1577836800);
    ck_assert(parse(&time, "2019-12-31T16:00:00.1234567899-08:00"));
    ck_assert_int_eq(time.seconds, 1577836800);
    ck_assert_int_eq(time.nanos, 123456789);
}
END_TEST

START_TEST(malformed_or_impossible_texts_are_refused) {
    static const char *const bad[] = {
        "", "2020", "2020-01-01", "2020-01-01T00:00:00", "2020-01-01 00:00:00Z", "2020-13-01T00:00:00Z", "2020-00-01T00:00:00Z",
        "2020-01-32T00:00:00Z", "2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:60:00Z",
        "2020-01-01T00:00:60Z", "2020-01-01T00:00:00.Z", "2020-01-01T00:00:00Zx", "2020-01-01T00:00:00+24:00",
        "2020-01-01T00:00:00+0100", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-12-31T23:59:59Z",
        "+020-01-01T00:00:00Z", "2020-1-01T00:00:00Z", "2020-01-01T00:00:00z"};
    struct timestamp time;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!parse(&time, bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(sums_and_differences_saturate) {
    struct timestamp zero = TIMESTAMP_ZERO, last = {TIMESTAMP_SECONDS_MAX, 999999999}, epoch = {0, 0};
    struct timestamp before = timestamp_add_ns(&epoch, -1);
    ck_assert_int_eq(before.seconds, -1);
    ck_assert_int_eq(before.nanos, 999999999);
    ck_assert_int_eq(timestamp_diff_ns(&epoch, &before), 1);
    ck_assert_int_eq(timestamp_diff_ns(&last, &zero), INT64_MAX);
    ck_assert_int_eq(timestamp_diff_ns(&zero, &last), INT64_MIN);
    struct timestamp sum = timestamp_add_ns(&last, 1);
    ck_assert_int_eq(timestamp_compare(&sum, &last), 0);
    sum = timestamp_add_ns(&zero, INT64_MIN);
    ck_assert(timestamp_is_zero(&sum));
    sum = timestamp_add_ns(&epoch, 1500000000);
    ck_assert_int_eq(sum.seconds, 1);
    ck_assert_int_eq(sum.nanos, 500000000);
}
END_TEST

static void check_wire(struct timestamp time, const char *expected) {
    uint8_t bytes[32];
    char text[TEXT_HEX_SIZE(32)];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    timestamp_put(&writer, 5, &time);
    text_hex_lower(text, proto_writer_span(&writer));
    ck_assert_str_eq(text, expected);
}

START_TEST(zero_time_has_eleven_bytes_and_the_epoch_none) {
    check_wire(TIMESTAMP_ZERO, "2a0b088092b8c398feffffff01");
    check_wire((struct timestamp){0, 0}, "2a00");
    check_wire((struct timestamp){1, 2}, "2a0408011002");
}
END_TEST

static bool get(struct timestamp *time, const char *hex) {
    uint8_t bytes[64];
    size_t size;
    ck_assert(text_hex_decode(bytes, &size, sizeof bytes, span_text(hex)));
    struct proto_reader reader = proto_reader_over(span_of(bytes, size));
    struct proto_field field;
    while (proto_next(&reader, &field))
        timestamp_get(time, &reader, &field);
    return !reader.bad;
}

START_TEST(an_empty_message_is_the_epoch_and_each_occurrence_starts_afresh) {
    struct timestamp time = TIMESTAMP_ZERO;
    ck_assert(get(&time, "2a00"));
    ck_assert_int_eq(time.seconds, 0);
    ck_assert(get(&time, "2a0208092a021003"));
    ck_assert_int_eq(time.seconds, 0);
    ck_assert_int_eq(time.nanos, 3);
}
END_TEST

START_TEST(times_out_of_range_are_refused) {
    struct timestamp time = {7, 7};
    ck_assert(!get(&time, "2a061080a8d6b907"));         /* nanos 2000000000 */
    ck_assert(!get(&time, "2a06108094ebdc03"));         /* nanos 10^9 */
    ck_assert(!get(&time, "2a0b10ffffffffffffffffff01")); /* nanos −1 */
    ck_assert(!get(&time, "2a0b08ff91b8c398feffffff01")); /* a second before year 1 */
    ck_assert(!get(&time, "2a07088083d1ffaf07"));       /* a second after year 9999 */
    ck_assert(get(&time, "2a0708ff82d1ffaf07"));
    ck_assert(!get(&time, "2801"));                     /* no message at all */
    ck_assert_int_eq(time.seconds, TIMESTAMP_SECONDS_MAX);
}
END_TEST

Suite *suite_timestamp(void) {
    Suite *suite = suite_create("timestamp");
    TCase *tests = tcase_create("timestamp");
    tcase_add_test(tests, text_is_that_of_go_and_reads_back);
    tcase_add_test(tests, every_day_of_five_centuries_reads_back);
    tcase_add_test(tests, offsets_are_subtracted_and_long_fractions_cut);
    tcase_add_test(tests, malformed_or_impossible_texts_are_refused);
    tcase_add_test(tests, sums_and_differences_saturate);
    tcase_add_test(tests, zero_time_has_eleven_bytes_and_the_epoch_none);
    tcase_add_test(tests, an_empty_message_is_the_epoch_and_each_occurrence_starts_afresh);
    tcase_add_test(tests, times_out_of_range_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
