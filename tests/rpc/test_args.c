#include <check.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "genesis/scan.h"
#include "rpc/args.h"

static const struct arg_spec specs[ARGS_MAX + 1] = {{"height", ARG_INT64}, {"name", ARG_TEXT}};
static const struct arg_spec bytes_specs[ARGS_MAX + 1] = {{"tx", ARG_BYTES}, {"data", ARG_HEX}, {"yes", ARG_BOOL}, {"chunk", ARG_UINT}};
static struct arena arena;
static struct arg args[ARGS_MAX];
static struct span error;

static void open_arena(void) { arena_init(&arena, 1 << 20); }
static void close_arena(void) { arena_close(&arena); }

static bool json(const struct arg_spec *wanted, const char *text) {
    struct span params;
    ck_assert(scan_value(&params, span_text(text), NULL));
    return args_from_json(args, &error, wanted, params, &arena);
}

static bool uri(const struct arg_spec *wanted, const char *query) {
    return args_from_uri(args, &error, wanted, span_text(query), span_of(NULL, 0), &arena);
}

static bool holds(int64_t height, const char *name) { return args[0].number == height && span_equal(args[1].bytes, span_text(name)); }

START_TEST(json_params_go_by_name_or_by_position) {
    ck_assert(json(specs, "[\"7\", \"flew\"]") && holds(7, "flew"));
    ck_assert(json(specs, "{\"name\": \"john\", \"height\": \"22\"}") && holds(22, "john"));
    ck_assert(json(specs, "{\"name\": \"solo\", \"unused\": [{}]}") && holds(0, "solo"));
    ck_assert(!args[0].given && args[1].given);
    ck_assert(json(specs, "{}") && holds(0, ""));
    ck_assert(json(specs, "null") && holds(0, ""));
    ck_assert(json(specs, "{\"height\":\"1\",\"height\":\"2\"}") && holds(2, ""));
    ck_assert(json(specs, "{\"h\\u0065ight\":\"3\"}") && holds(3, ""));
}
END_TEST

START_TEST(json_params_of_another_type_or_number_are_refused) {
    static const char *const bad[] = {"[\"flew\", 7]",      "[7,\"flew\",100]",  "{\"name\": -12, \"height\": \"fred\"}", "[\"7\"]", "5", "\"x\"", "true",
                                      "{\"height\": 7}",    "{\"height\":\"\"}", "{\"height\":\"7.5\"}",                 "{\"height\":\"9223372036854775808\"}",
                                      "{\"height\":true}", "{\"name\":{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!json(specs, bad[i]) && error.size > 0, "%s", bad[i]);
}
END_TEST

START_TEST(json_bytes_are_base64_and_hashes_hex) {
    ck_assert(json(bytes_specs, "{\"tx\":\"YWI=\",\"data\":\"0aFf\",\"yes\":true,\"chunk\":\"3\"}"));
    ck_assert(span_equal(args[0].bytes, span_text("ab")) && span_equal(args[1].bytes, span_of("\x0a\xff", 2)) && args[2].yes && args[3].number == 3);
    ck_assert(json(bytes_specs, "{\"tx\":\"\\u0059WI=\"}") && span_equal(args[0].bytes, span_text("ab")));
    ck_assert(json(bytes_specs, "{\"tx\":\"\"}") && args[0].given && args[0].bytes.size == 0);
    ck_assert(!json(bytes_specs, "{\"tx\":\"YWI\"}"));
    ck_assert(!json(bytes_specs, "{\"tx\":[97]}"));
    ck_assert(!json(bytes_specs, "{\"data\":\"0x0a\"}"));
    ck_assert(!json(bytes_specs, "{\"chunk\":\"-1\"}"));
    ck_assert(!json(bytes_specs, "{\"yes\":\"true\"}"));
}
END_TEST

START_TEST(uri_numbers_are_bare_or_quoted_and_texts_quoted) {
    ck_assert(uri(specs, "height=7&name=\"flew\"") && holds(7, "flew"));
    ck_assert(uri(specs, "height=-10&name=%22bob%22") && holds(-10, "bob"));
    ck_assert(uri(specs, "height=\"7\"&name=\"fl+ew\"") && holds(7, "fl ew"));
    ck_assert(uri(specs, "") && holds(0, "") && !args[0].given);
    ck_assert(uri(specs, "height=&&x=1&name=0x626f62") && holds(0, "bob"));
    ck_assert(uri(specs, "height=5&height=6") && holds(5, ""));
    ck_assert(uri(specs, "a;height=6&height=%zz&height=7") && holds(7, ""));
    ck_assert(!uri(specs, "name=bob"));
    ck_assert(!uri(specs, "height=0x10"));
    ck_assert(!uri(specs, "height=1.5"));
    ck_assert(!uri(specs, "height=99999999999999999999"));
}
END_TEST

START_TEST(uri_bytes_are_0x_hex_or_the_quoted_text_itself) {
    ck_assert(uri(bytes_specs, "tx=0xABcd&data=0X01&yes=true&chunk=2"));
    ck_assert(span_equal(args[0].bytes, span_of("\xab\xcd", 2)) && span_equal(args[1].bytes, span_of("\1", 1)) && args[2].yes && args[3].number == 2);
    ck_assert(uri(bytes_specs, "tx=\"a%3Db\"&data=\"ff\"") && span_equal(args[0].bytes, span_text("a=b")) && span_equal(args[1].bytes, span_text("ff")));
    ck_assert(!uri(bytes_specs, "tx=abc"));
    ck_assert(!uri(bytes_specs, "tx=0xabc"));
    ck_assert(!uri(bytes_specs, "tx=5"));
    ck_assert(!uri(bytes_specs, "yes=1"));
    ck_assert(!uri(bytes_specs, "chunk=-2"));
}
END_TEST

START_TEST(a_form_serves_where_the_query_is_silent) {
    ck_assert(args_from_uri(args, &error, specs, span_text("height=1"), span_text("height=2&name=%22n%22"), &arena) && holds(1, "n"));
}
END_TEST

START_TEST(random_queries_are_survived) {
    for (int round = 0; round < 20000; round++) {
        uint8_t dice[32];
        random_fill(dice, sizeof dice);
        char *query = malloc(sizeof dice);
        for (size_t i = 0; i < sizeof dice; i++)
            query[i] = dice[i] < 200 ? "tx=data&%2;\"0x1{}[],ye"[dice[i] % 22] : (char)dice[i];
        args_from_uri(args, &error, bytes_specs, span_of(query, dice[0] % 33), span_of(NULL, 0), &arena);
        free(query);
        arena_reset(&arena);
    }
}
END_TEST

Suite *suite_args(void);
Suite *suite_args(void) {
    Suite *suite = suite_create("args");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, open_arena, close_arena);
    tcase_add_test(all, json_params_go_by_name_or_by_position);
    tcase_add_test(all, json_params_of_another_type_or_number_are_refused);
    tcase_add_test(all, json_bytes_are_base64_and_hashes_hex);
    tcase_add_test(all, uri_numbers_are_bare_or_quoted_and_texts_quoted);
    tcase_add_test(all, uri_bytes_are_0x_hex_or_the_quoted_text_itself);
    tcase_add_test(all, a_form_serves_where_the_query_is_silent);
    tcase_add_test(all, random_queries_are_survived);
    suite_add_tcase(suite, all);
    return suite;
}
