#include <check.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "genesis/scan.h"

static bool good(const char *text) {
    struct span value;
    return scan_value(&value, span_text(text), NULL);
}

static struct span value_of(const char *text) {
    struct span value = {0};
    ck_assert_msg(scan_value(&value, span_text(text), NULL), "%s", text);
    return value;
}

START_TEST(every_shape_of_rfc_8259_is_one_value) {
    static const char *const texts[] = {"null", "true", "false", "0", "-0", "12.5e-3", "1E+9", "\"\"", "[]", "{}", " [1 , 2]\n",
                                        "{\"a\":{\"b\":[null,{}]}, \"c\":\"\\u00e9\\n\"}", "\"\\\\\"", "[[],[{}]]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(good(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(whatever_is_not_json_is_refused) {
    static const char *const texts[] = {"", " ", "nul", "01", "1.", ".5", "+1", "1e", "-", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[1,]", "[,1]",
                                        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:2}", "[1}", "{\"a\":1]", "[", "{", "{\"a\":", "1 2",
                                        "[] []", "'a'", "NaN", "Infinity", "[1 2]", "{\"a\":1 \"b\":2}", "]", "}", "\xef\xbb\xbf[]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(!good(texts[i]), "%s", texts[i]);
    struct span value;
    ck_assert(!scan_value(&value, span_of("[\0]", 3), NULL));
}
END_TEST

START_TEST(deep_nesting_is_refused_and_the_allowed_depth_is_not) {
    char text[2 * 200000];
    memset(text, '[', 200000);
    memset(text + 200000, ']', 200000);
    struct span value;
    ck_assert(!scan_value(&value, span_of(text, sizeof text), NULL));
    ck_assert(!scan_value(&value, span_of(text + 200000 - SCAN_DEPTH_MAX - 1, 2 * SCAN_DEPTH_MAX + 2), NULL));
    ck_assert(scan_value(&value, span_of(text + 200000 - SCAN_DEPTH_MAX, 2 * SCAN_DEPTH_MAX), NULL));
}
END_TEST

START_TEST(a_walk_gives_the_members_in_order_and_the_last_of_a_name_counts) {
    struct span object = value_of(" {\"a\" : 1, \"b\":[1,{\"a\":9}] ,\"\\u0061\": \"x\" } "), key, item;
    struct scan_walk walk = scan_walk(object);
    ck_assert(scan_next(&walk, &key, &item) && span_equal(key, span_text("\"a\"")) && span_equal(item, span_text("1")));
    ck_assert(scan_next(&walk, &key, &item) && span_equal(item, span_text("[1,{\"a\":9}]")));
    ck_assert(scan_next(&walk, &key, &item) && span_equal(item, span_text("\"x\"")));
    ck_assert(!scan_next(&walk, &key, &item));
    ck_assert(scan_member(object, &item, "a") && span_equal(item, span_text("\"x\"")));
    ck_assert(!scan_member(object, &item, "c"));
    ck_assert(!scan_member(value_of("[\"a\"]"), &item, "a"));
    ck_assert_uint_eq(scan_count(value_of("[1,[2,3],4]")), 3);
    ck_assert_uint_eq(scan_count(value_of("[ ]")), 0);
}
END_TEST

START_TEST(text_is_unescaped_and_foreign_bytes_are_replaced) {
    struct arena arena;
    arena_init(&arena, 1 << 16);
    static const char *const cases[][2] = {
        {"\"plain\"", "plain"},       {"\"a\\n\\\"\\/\\u0041\"", "a\n\"/A"}, {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"}, {"\"\\ude00x\"", "\xef\xbf\xbdx"},     {"\"\xff\"", "\xef\xbf\xbd"},
        {"\"\xc3\xa9\"", "\xc3\xa9"},    {"\"\xed\xa0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span text;
        ck_assert(scan_text(&text, value_of(cases[i][0]), &arena));
        ck_assert_msg(span_equal(text, span_text(cases[i][1])), "%s", cases[i][0]);
    }
    struct span text;
    ck_assert(!scan_text(&text, value_of("12"), &arena));
    arena_close(&arena);
}
END_TEST

START_TEST(whole_numbers_stand_in_quotes_and_in_range) {
    int64_t number;
    uint64_t natural;
    ck_assert(scan_int64_text(&number, value_of("\"-9223372036854775808\"")) && number == INT64_MIN);
    ck_assert(scan_int64_text(&number, value_of("\"9223372036854775807\"")) && number == INT64_MAX);
    ck_assert(scan_uint64_text(&natural, value_of("\"18446744073709551615\"")) && natural == UINT64_MAX);
    static const char *const bad[] = {"7", "\"\"", "\"-\"", "\"+7\"", "\" 7\"", "\"07\"", "\"7.0\"", "\"9223372036854775808\"", "\"1e3\"", "null",
                                      "\"-9223372036854775809\"", "\"99999999999999999999999\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!scan_int64_text(&number, value_of(bad[i])), "%s", bad[i]);
    ck_assert(!scan_uint64_text(&natural, value_of("\"18446744073709551616\"")));
    ck_assert(!scan_uint64_text(&natural, value_of("\"-1\"")));
}
END_TEST

START_TEST(a_json_number_is_whole_when_its_exponent_is_carried_out) {
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},         {"-0", true, 0},     {"12", true, 12},      {"-7", true, -7},        {"1.0", true, 1},
        {"1e3", true, 1000},    {"1.50e1", true, 15}, {"100e-2", true, 1},   {"1.3", false, 0},       {"1e-1", false, 0},
        {"1e20", false, 0},     {"1e999999999999", false, 0}, {"0e999999999999", true, 0}, {"1e-999999999999", false, 0},
        {"9223372036854775807", true, INT64_MAX}, {"9223372036854775808", false, 0}, {"-9223372036854775808", true, INT64_MIN},
        {"0.000000000000000000000000000001e30", true, 1}, {"1000000000000000000000000000000e-30", true, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        ck_assert_msg(scan_int64_number(&value, value_of(cases[i].text)) == cases[i].good, "%s", cases[i].text);
        if (cases[i].good)
            ck_assert_int_eq(value, cases[i].value);
    }
}
END_TEST

START_TEST(random_and_mangled_bytes_never_lead_astray) {
    static const char sample[] = "{\"a\":[1,-2.5e3,\"x\\u0041\\n\",null,true],\"b\":{\"c\":{}},\"d\":\"\\ud83d\\ude00\"}";
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int round = 0; round < 20000; round++) {
        char *text = malloc(sizeof sample - 1); /* its own allocation, so that the sanitizer sees its ends */
        memcpy(text, sample, sizeof sample - 1);
        uint8_t dice[8];
        random_fill(dice, sizeof dice);
        size_t size = dice[0] % (sizeof sample);
        for (int i = 1; i + 1 < 8; i += 2)
            if (dice[i] < 120)
                text[dice[i] % (sizeof sample - 1)] = dice[i + 1] < 128 ? "{}[]\",:\\u0123"[dice[i + 1] % 13] : (char)dice[i + 1];
        struct span value, key, item, out;
        if (scan_value(&value, span_of(text, size), NULL))
            for (struct scan_walk walk = scan_walk(value); scan_next(&walk, &key, &item);) {
                int64_t number;
                scan_text(&out, item, &arena);
                scan_count(item);
                if (scan_kind(item) == SCAN_NUMBER)
                    scan_int64_number(&number, item);
                if (key.size > 0)
                    scan_key_is(key, "a", true);
            }
        arena_reset(&arena);
        free(text);
    }
    arena_close(&arena);
}
END_TEST

Suite *suite_scan(void);
Suite *suite_scan(void) {
    Suite *suite = suite_create("scan");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, every_shape_of_rfc_8259_is_one_value);
    tcase_add_test(all, whatever_is_not_json_is_refused);
    tcase_add_test(all, deep_nesting_is_refused_and_the_allowed_depth_is_not);
    tcase_add_test(all, a_walk_gives_the_members_in_order_and_the_last_of_a_name_counts);
    tcase_add_test(all, text_is_unescaped_and_foreign_bytes_are_replaced);
    tcase_add_test(all, whole_numbers_stand_in_quotes_and_in_range);
    tcase_add_test(all, a_json_number_is_whole_when_its_exponent_is_carried_out);
    tcase_add_test(all, random_and_mangled_bytes_never_lead_astray);
    suite_add_tcase(suite, all);
    return suite;
}
