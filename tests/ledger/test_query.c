#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/query.h"

static struct query query;
static char error[QUERY_ERROR_BYTES];

static void teardown(void) { query_close(&query); }

static bool parses(const char *text) {
    query_close(&query);
    error[0] = '\0';
    return query_parse(&query, error, span_text(text));
}

static void expect_error(const char *text, const char *expected) {
    ck_assert(!parses(text));
    ck_assert_str_eq(error, expected);
}

/* One value under one key. */
static bool finds(const char *text, const char *key, const char *value) {
    struct query_pair pair = {span_text(key), span_text(value)};
    ck_assert_msg(parses(text), "%s: %s", text, error);
    return query_matches(&query, &pair, 1);
}

static void expect_text(const char *text, const char *expected) {
    ck_assert_msg(parses(text), "%s: %s", text, error);
    ck_assert_msg(span_equal(query_text(&query), span_text(expected)), "%.*s", (int)query.size, (char *)query.bytes);
}

START_TEST(the_text_of_a_query_is_the_same_however_it_was_spaced) {
    expect_text("tm.event='Tx'", "tm.event = 'Tx'");
    expect_text("  tm.event  =\t'Tx'\n AND  tx.height>=  007. AND a EXISTS", "tm.event = 'Tx' AND tx.height >= 007. AND a EXISTS");
    expect_text("a.b<TIME 2013-05-03T14:45:00+07:00 AND c CONTAINS ' x '", "a.b < TIME 2013-05-03T14:45:00+07:00 AND c CONTAINS ' x '");
    expect_text("a=1AND b=2", "a = 1 AND b = 2");
    expect_text("d >= DATE 2013-05-03", "d >= DATE 2013-05-03");
}
END_TEST

START_TEST(a_fault_is_named_with_its_place) {
    expect_error("", "offset 0: EOF");
    expect_error("a.b", "offset 3: EOF");
    expect_error("a.b = ", "offset 6: EOF");
    expect_error("a.b = c", "offset 6: got tag, wanted number, timestamp, datestamp or string");
    expect_error("a.b > 'c'", "offset 6: got string, wanted number, timestamp or datestamp");
    expect_error("a.b CONTAINS 3", "offset 13: got number, wanted string");
    expect_error("a.b 3", "offset 4: got number, wanted <= operator, >= operator, < operator, > operator, = operator, CONTAINS operator or EXISTS operator");
    expect_error("a.b=1 OR c=1", "offset 6: got tag, want AND operator");
    expect_error("a.b=1 AND", "offset 9: EOF");
    expect_error("a.b = -3", "offset 6: invalid input - at offset 7");
    expect_error("a.b = 'c", "offset 6: EOF");
    expect_error("= 3", "offset 0: got = operator, wanted tag");
    expect_error("a = 1 \xff", "offset 6: got invalid token, want AND operator");
    expect_error("\xff", "offset 0: invalid input \xEF\xBF\xBD at offset 1");
}
END_TEST

START_TEST(a_string_without_end_after_a_condition_is_passed_over_as_cometbft_does) {
    expect_text("a = 1 'b AND c = 2", "a = 1");
}
END_TEST

START_TEST(tags_are_made_of_any_letters_and_digits) {
    expect_text("größe.ß_1 = 'ÿ'", "größe.ß_1 = 'ÿ'");
    expect_text("\xD9\xA3.x = 1", "\xD9\xA3.x = 1"); /* an Arabic digit */
    ck_assert(!parses("\xE2\x82\xAC = 1"));          /* a currency sign */
    ck_assert(!parses(".a = 1"));
    ck_assert(!parses("-a = 1"));
    ck_assert(!parses("1a = 1"));
    expect_text("a\xC2\xA0=\xE3\x80\x80 1", "a = 1"); /* spaces of Unicode */
}
END_TEST

START_TEST(words_are_words_only_alone) {
    expect_text("TIME\t= 1 AND DATE\tEXISTS", "TIME = 1 AND DATE EXISTS");
    ck_assert(!parses("TIME = 1"));
    ck_assert(!parses("AND = 1"));
    ck_assert(!parses("EXISTS EXISTS"));
    expect_text("ANDa = 1", "ANDa = 1");
    ck_assert(!parses("and = 1 and b = 2"));
}
END_TEST

START_TEST(a_query_is_as_long_as_cometbft_lets_it_be_and_no_longer) {
    char text[QUERY_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    memcpy(text, "a = '", 5);
    text[QUERY_BYTES_MAX - 1] = '\'';
    text[QUERY_BYTES_MAX] = '\0';
    ck_assert(parses(text));
    text[QUERY_BYTES_MAX - 1] = 'x';
    text[QUERY_BYTES_MAX] = '\'';
    text[QUERY_BYTES_MAX + 1] = '\0';
    expect_error(text, "maximum query length exceeded");
    memset(text, 0xFF, QUERY_BYTES_MAX); /* each becomes three bytes */
    memcpy(text, "a='", 3);
    text[QUERY_BYTES_MAX - 1] = '\'';
    text[QUERY_BYTES_MAX] = '\0';
    ck_assert(parses(text));
    ck_assert_uint_eq(query.conditions[0].operand.size, 3 * (QUERY_BYTES_MAX - 4));
    for (size_t i = 0; i + 7 <= QUERY_BYTES_MAX; i += 7)
        memcpy(text + i, "a=1AND ", 7);
    text[QUERY_BYTES_MAX / 7 * 7 - 4] = '\0';
    ck_assert(parses(text));
    ck_assert_uint_eq(query.count, QUERY_BYTES_MAX / 7);
}
END_TEST

START_TEST(every_condition_must_hold_and_each_may_hold_for_another_value) {
    struct query_pair pairs[] = {{span_text("a.x"), span_text("1")}, {span_text("a.x"), span_text("2")}, {span_text("b.y"), span_text("z")}};
    ck_assert(parses("a.x = 1 AND a.x = 2 AND b.y = 'z'"));
    ck_assert(query_matches(&query, pairs, 3));
    ck_assert(!query_matches(&query, pairs, 2));
    ck_assert(!query_matches(&query, pairs, 0));
    ck_assert(parses("a.x > 0 AND a.x = 3"));
    ck_assert(!query_matches(&query, pairs, 3));
}
END_TEST

START_TEST(a_tag_that_is_an_events_type_finds_the_event) {
    ck_assert(finds("slash EXISTS", "slash.reason", "x"));
    ck_assert(finds("slash = ''", "slash.reason", "x"));
    ck_assert(finds("slash CONTAINS ''", "slash.reason", "x"));
    ck_assert(!finds("slash = 'x'", "slash.reason", "x"));
    ck_assert(!finds("slash EXISTS", "slash.reason.deep", "x"));
    ck_assert(finds("slash.reason EXISTS", "slash.reason.deep", "x"));
    ck_assert(!finds("sla EXISTS", "slash.reason", "x"));
    ck_assert(!finds("plain EXISTS", "plain", "x")); /* a key without a type is found by nothing */
}
END_TEST

START_TEST(numbers_are_taken_from_the_beginning_of_the_text) {
    ck_assert(finds("a.b = 8", "a.b", "8atom"));
    ck_assert(finds("a.b = 8.5", "a.b", "8.50stake"));
    ck_assert(finds("a.b = 8", "a.b", "8.stake"));
    ck_assert(finds("a.b = 8.5", "a.b", "8.5.7"));
    ck_assert(finds("a.b = 007", "a.b", "7"));
    ck_assert(finds("a.b = 0", "a.b", "000"));
    ck_assert(!finds("a.b = 5", "a.b", "+5"));
    ck_assert(!finds("a.b < 5", "a.b", "-5"));
    ck_assert(!finds("a.b < 5", "a.b", "atom"));
    ck_assert(!finds("a.b < 5", "a.b", ""));
    ck_assert(!finds("a.b < 5", "a.b", ".3"));
    ck_assert(finds("a.b < 5", "a.b", "1e9"));
    ck_assert(finds("a.b <= 5 AND a.b >= 5", "a.b", "5"));
    ck_assert(!finds("a.b < 5", "a.b", "5"));
    ck_assert(!finds("a.b > 5", "a.b", "5"));
    ck_assert(finds("a.b > 9", "a.b", "10"));
}
END_TEST

START_TEST(whole_numbers_are_exact_and_others_have_125_bits) {
    const char *big = "1606938044258990275541962092341162602522202993782792835301377"; /* 2^200 + 1 */
    char text[200];
    snprintf(text, sizeof text, "a.b = %s", big);
    ck_assert(finds(text, "a.b", big));
    ck_assert(!finds(text, "a.b", "1606938044258990275541962092341162602522202993782792835301376"));
    /* with a unit it is only worth 2^200 */
    ck_assert(!finds(text, "a.b", "1606938044258990275541962092341162602522202993782792835301377atom"));
    ck_assert(finds("a.b = 1606938044258990275541962092341162602522202993782792835301376", "a.b",
                    "1606938044258990275541962092341162602522202993782792835301377atom"));
    ck_assert(finds("a.b = 0.3333333333333333333333333333333333333333333333333333333333", "a.b",
                    "0.33333333333333333333333333333333333333333333333333333333339"));
    ck_assert(!finds("a.b = 0.33333333333333333333333333333333333333", "a.b", "0.33333333333333333333333333333333333334"));
    ck_assert(finds("a.b > 0", "a.b", "0.00000000000000000000000000000000000000000000000000000000000001"));
}
END_TEST

START_TEST(a_value_of_a_million_digits_is_compared_without_effort) {
    size_t size = 1000000;
    char *value = malloc(size + 1);
    ck_assert_ptr_nonnull(value);
    memset(value, '9', size);
    value[size] = '\0';
    ck_assert(finds("a.b > 5", "a.b", value));
    memset(value, '0', size);
    ck_assert(finds("a.b = 0", "a.b", value));
    value[1] = '.';
    value[size - 1] = '1';
    ck_assert(finds("a.b > 0 AND a.b < 0.000000000000000000000000000000000000000000000000000000001", "a.b", value));
    free(value);
}
END_TEST

START_TEST(instants_are_compared_across_zones_and_dates_with_dates_only) {
    ck_assert(finds("a.b = TIME 2013-05-03T14:45:00Z", "a.b", "2013-05-03T16:45:00+02:00"));
    ck_assert(finds("a.b < TIME 2013-05-03T14:45:00Z", "a.b", "2013-05-03T14:44:59.999999999Z"));
    ck_assert(finds("a.b > TIME 2013-05-03T14:45:00Z", "a.b", "2013-05-03T14:45:00,5Z"));
    ck_assert(finds("a.b = TIME 2013-05-03T04:45:00Z", "a.b", "2013-05-03T4:45:00Z")); /* as Go reads it */
    ck_assert(!finds("a.b >= TIME 2013-05-03T14:45:00Z", "a.b", "2014-05-03"));
    ck_assert(!finds("a.b >= DATE 2013-05-03", "a.b", "2014-05-03T14:45:00Z"));
    ck_assert(finds("a.b >= DATE 2013-05-03", "a.b", "2013-05-03"));
    ck_assert(finds("a.b > DATE 2000-02-29", "a.b", "2000-03-01"));
    ck_assert(!finds("a.b > DATE 2000-02-29", "a.b", "2001-02-29"));
    ck_assert(finds("a.b > DATE 1900-02-28", "a.b", "9999-12-31"));
    ck_assert(finds("a.b < DATE 1900-02-28", "a.b", "0000-01-01"));
}
END_TEST

START_TEST(nothing_is_neither_a_number_nor_an_instant) {
    struct query_number number;
    struct query_instant instant;
    ck_assert(!query_number_of(&number, span_of(NULL, 0)));
    ck_assert(!query_instant_of(&instant, span_of(NULL, 0), true));
    ck_assert(!query_instant_of(&instant, span_of(NULL, 0), false));
    ck_assert(!finds("tx.date = DATE 2017-01-01", "tx.date.", "2017-01-01")); /* the type alone: asked about an empty text */
}
END_TEST

START_TEST(instants_have_the_known_seconds) {
    struct query_instant instant;
    ck_assert(query_instant_of(&instant, span_text("1970-01-01T00:00:00Z"), false));
    ck_assert_int_eq(instant.seconds, 0);
    ck_assert(query_instant_of(&instant, span_text("2013-05-03T14:45:00.25-02:00"), false));
    ck_assert_int_eq(instant.seconds, 1367599500);
    ck_assert_int_eq(instant.nanos, 250000000);
    ck_assert(query_instant_of(&instant, span_text("0001-01-01"), true));
    ck_assert_int_eq(instant.seconds, -62135596800);
    ck_assert(query_instant_of(&instant, span_text("2100-03-01"), true));
    ck_assert_int_eq(instant.seconds, 4107542400);
}
END_TEST

START_TEST(a_string_is_equal_or_contained) {
    ck_assert(finds("a.b = 'Igor'", "a.b", "Igor"));
    ck_assert(!finds("a.b = 'Igor'", "a.b", "Igor,Ivan"));
    ck_assert(finds("a.b CONTAINS 'Ivan'", "a.b", "Igor,Ivan"));
    ck_assert(finds("a.b CONTAINS ''", "a.b", ""));
    ck_assert(!finds("a.b CONTAINS 'Igor'", "a.b", "Igo"));
    ck_assert(finds("a.b = ''", "a.b", ""));
    ck_assert(!finds("a.b = ''", "a.b", "x"));
}
END_TEST

Suite *suite_query(void);
Suite *suite_query(void) {
    Suite *suite = suite_create("query");
    TCase *tcase = tcase_create("query");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, the_text_of_a_query_is_the_same_however_it_was_spaced);
    tcase_add_test(tcase, a_fault_is_named_with_its_place);
    tcase_add_test(tcase, a_string_without_end_after_a_condition_is_passed_over_as_cometbft_does);
    tcase_add_test(tcase, tags_are_made_of_any_letters_and_digits);
    tcase_add_test(tcase, words_are_words_only_alone);
    tcase_add_test(tcase, a_query_is_as_long_as_cometbft_lets_it_be_and_no_longer);
    tcase_add_test(tcase, every_condition_must_hold_and_each_may_hold_for_another_value);
    tcase_add_test(tcase, a_tag_that_is_an_events_type_finds_the_event);
    tcase_add_test(tcase, numbers_are_taken_from_the_beginning_of_the_text);
    tcase_add_test(tcase, whole_numbers_are_exact_and_others_have_125_bits);
    tcase_add_test(tcase, a_value_of_a_million_digits_is_compared_without_effort);
    tcase_add_test(tcase, instants_are_compared_across_zones_and_dates_with_dates_only);
    tcase_add_test(tcase, nothing_is_neither_a_number_nor_an_instant);
    tcase_add_test(tcase, instants_have_the_known_seconds);
    tcase_add_test(tcase, a_string_is_equal_or_contained);
    suite_add_tcase(suite, tcase);
    return suite;
}
