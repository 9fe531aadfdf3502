/* The envelope of JSON-RPC. */
#include <check.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "tests/rpc/lab.h"

static struct lab lab;

static void open_lab(void) { lab_open(&lab, NULL, 3); }
static void close_lab(void) { lab_close(&lab); }

static void expect(const char *body, int status, const char *answer) {
    struct lab_reply reply;
    lab_post(&lab, &reply, body);
    ck_assert(reply.came);
    ck_assert_msg(reply.status == status, "%s: %d", body, reply.status);
    ck_assert_msg(strcmp(reply.text, answer) == 0, "%s\n gives   %s\n and not %s", body, reply.text, answer);
    lab_reply_close(&reply);
}

static void expect_part(const char *body, int status, const char *part) {
    struct lab_reply reply;
    lab_post(&lab, &reply, body);
    ck_assert(reply.came);
    ck_assert_msg(reply.status == status && strstr(reply.text, part) != NULL, "%s\n gives %d %s\n without %s", body, reply.status, reply.text, part);
    lab_reply_close(&reply);
}

#define GOOD(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"

START_TEST(text_and_whole_numbers_are_ids_and_come_back_as_they_were) {
    expect("{\"jsonrpc\":\"2.0\",\"id\":\"abc\",\"method\":\"health\"}", 200, GOOD("\"abc\""));
    expect("{\"id\":0,\"method\":\"health\"}", 200, GOOD("0"));
    expect("{\"id\":-1,\"method\":\"health\"}", 200, GOOD("-1"));
    expect("{\"id\":1.0,\"method\":\"health\"}", 200, GOOD("1"));
    expect("{\"id\":9223372036854775807,\"method\":\"health\"}", 200, GOOD("9223372036854775807"));
    expect("{\"id\":\"\",\"method\":\"health\"}", 200, GOOD("\"\""));
    expect("{\"id\":\"a\\u003cb\\n\\u00e9\",\"method\":\"health\"}", 200, GOOD("\"a\\u003cb\\n\xc3\xa9\""));
    expect("{\"ID\":5,\"Method\":\"health\"}", 200, GOOD("5"));
}
END_TEST

START_TEST(fractions_huge_numbers_and_other_kinds_are_no_ids) { /* wound 37 */
    static const char *const ids[] = {"1.3", "1e20", "9223372036854775808", "-9223372036854775809", "1e400", "true", "{}", "[]"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"id\":%s,\"method\":\"health\"}", ids[i]);
        expect_part(body, 500, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Parse error. Invalid JSON\",\"data\":\"error unmarshaling request: json-rpc ID");
    }
}
END_TEST

START_TEST(a_request_without_id_is_a_notification_without_answer) {
    expect("{\"jsonrpc\":\"2.0\",\"method\":\"health\"}", 200, "");
    expect("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"health\"}", 200, "");
    expect("null", 200, "");
    expect("[]", 200, "");
    expect("[{\"method\":\"health\"},null]", 200, "");
}
END_TEST

START_TEST(a_batch_is_answered_in_order_and_one_answer_stands_alone) {
    expect("[{\"id\":1,\"method\":\"health\"},{\"id\":2,\"method\":\"health\"}]", 200, "[" GOOD("1") "," GOOD("2") "]");
    expect("[{\"id\":1,\"method\":\"health\"},{\"method\":\"health\"}]", 200, GOOD("1"));
    expect("[{\"method\":\"health\"},{\"id\":1,\"method\":\"health\"},{\"method\":\"health\"},{\"id\":2,\"method\":\"health\"}]", 200,
           "[" GOOD("1") "," GOOD("2") "]");
    expect("[{\"id\":1,\"method\":\"health\"},{\"id\":2,\"method\":\"nope\"}]", 200,
           "[" GOOD("1") ",{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}]");
}
END_TEST

START_TEST(a_batch_above_the_limit_is_refused_whole) {
    char body[2048] = "[";
    for (int i = 0; i < 11; i++) {
        strcat(body, i > 0 ? "," : "");
        strcat(body, "{\"id\":1,\"method\":\"health\"}");
    }
    strcat(body, "]");
    expect(body, 200,
           "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"Invalid Request\",\"data\":\"batch request exceeds maximum (10) allowed number of requests\"}}");
    body[strlen(body) - strlen(",{\"id\":1,\"method\":\"health\"}]")] = '\0';
    strcat(body, "]");
    expect_part(body, 200, "[" GOOD("1") ",");
}
END_TEST

START_TEST(what_is_not_json_is_a_parse_error) {
    static const char *const bodies[] = {"{", "garbage", "{\"id\":1,\"method\":\"health\",}", "{\"method\": \"c\", \"id\": \"0\", \"params\": a}", "5", "\"x\"",
                                         "[1]", "[{\"id\":1,\"method\":\"health\"},5]", "{\"id\":1,\"method\":7}", "{\"id\":1,\"jsonrpc\":2}", "\xff"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        expect_part(bodies[i], 500, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Parse error. Invalid JSON\",\"data\":\"error unmarshaling request: ");
}
END_TEST

START_TEST(deep_json_is_refused_without_harm) {
    size_t depth = 400000;
    char *body = malloc(2 * depth + 100);
    int head = sprintf(body, "{\"id\":1,\"method\":\"health\",\"params\":");
    memset(body + head, '[', depth);
    memset(body + head + depth, ']', depth);
    strcpy(body + head + 2 * depth, "}");
    expect_part(body, 500, "nested too deep");
    free(body);
}
END_TEST

START_TEST(unknown_and_websocket_methods_are_not_found) {
    expect("{\"id\":1,\"method\":\"nope\"}", 200, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
    expect("{\"id\":1}", 200, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
    expect("{\"id\":1,\"method\":\"subscribe\",\"params\":{\"query\":\"x\"}}", 200,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
}
END_TEST

START_TEST(wrong_params_are_named_and_wrong_numbers_too) {
    expect("{\"id\":1,\"method\":\"block\",\"params\":{\"height\":5}}", 200,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"Invalid params\",\"data\":\"error converting json params to arguments: "
           "invalid 64-bit integer encoding \\\"5\\\", expected string\"}}");
    expect_part("{\"id\":1,\"method\":\"block\",\"params\":[]}", 200, "expected 1 parameters ([height]), got 0 ([])");
    expect_part("{\"id\":1,\"method\":\"block\",\"params\":7}", 200, "unknown type for JSON params");
    expect_part("{\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"x\"}}", 200, "-32602");
    expect_part("{\"id\":1,\"method\":\"broadcast_tx_sync\",\"params\":{\"tx\":\"***\"}}", 200, "illegal base64 data");
    expect_part("{\"id\":1,\"method\":\"abci_query\",\"params\":{\"data\":\"zz\"}}", 200, "-32602");
    expect_part("{\"id\":1,\"method\":\"tx\",\"params\":{\"hash\":\"\",\"prove\":\"true\"}}", 200, "json: cannot unmarshal string into Go value of type bool");
}
END_TEST

START_TEST(null_and_missing_params_mean_the_defaults) {
    expect_part("{\"id\":1,\"method\":\"header\"}", 200, "\"height\":\"3\"");
    expect_part("{\"id\":1,\"method\":\"header\",\"params\":null}", 200, "\"height\":\"3\"");
    expect_part("{\"id\":1,\"method\":\"header\",\"params\":{\"height\":null,\"other\":5}}", 200, "\"height\":\"3\"");
    expect_part("{\"id\":1,\"method\":\"header\",\"params\":[\"2\"]}", 200, "\"height\":\"2\"");
}
END_TEST

START_TEST(only_answers_that_stay_true_are_cacheable) {
    static const struct {
        const char *body;
        bool cacheable;
    } cases[] = {
        {"{\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"2\"}}", true},
        {"{\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"0\"}}", true}, /* a handler's error changes nothing */
        {"{\"id\":1,\"method\":\"block\"}", false},
        {"{\"id\":1,\"method\":\"block\",\"params\":{\"height\":2}}", false},
        {"{\"id\":1,\"method\":\"health\"}", false},
        {"{\"id\":1,\"method\":\"genesis\"}", true},
        {"[{\"id\":1,\"method\":\"genesis\"},{\"id\":1,\"method\":\"health\"}]", false},
        {"[{\"id\":1,\"method\":\"genesis\"},{\"id\":1,\"method\":\"commit\",\"params\":[\"1\"]}]", true},
        {"{\"id\":1,\"method\":\"nope\"}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab_reply reply;
        lab_post(&lab, &reply, cases[i].body);
        ck_assert_msg(reply.cacheable == cases[i].cacheable, "%s", cases[i].body);
        lab_reply_close(&reply);
    }
}
END_TEST

START_TEST(uri_calls_answer_id_minus_one_and_their_errors_are_500) {
    struct lab_reply reply;
    lab_uri(&lab, &reply, "health", "");
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.text, GOOD("-1"));
    lab_reply_close(&reply);
    lab_uri(&lab, &reply, "block", "height=99");
    ck_assert_int_eq(reply.status, 500);
    ck_assert_str_eq(reply.text, "{\"jsonrpc\":\"2.0\",\"id\":-1,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"height 99 must be less than or "
                                 "equal to the current blockchain height 3\"}}");
    ck_assert(!reply.cacheable);
    lab_reply_close(&reply);
    lab_uri(&lab, &reply, "block", "height=abc");
    ck_assert_int_eq(reply.status, 500);
    ck_assert_ptr_nonnull(strstr(reply.text, "-32602"));
    lab_reply_close(&reply);
    lab_uri(&lab, &reply, "subscribe", "query=1");
    ck_assert_int_eq(reply.status, 404);
    ck_assert_ptr_nonnull(strstr(reply.text, "-32601"));
    lab_reply_close(&reply);
    lab_uri(&lab, &reply, "nope", NULL);
    ck_assert_int_eq(reply.status, 404);
    ck_assert_str_eq(reply.text, "404 page not found\n");
    lab_reply_close(&reply);
}
END_TEST

START_TEST(mangled_requests_are_survived) {
    static const char sample[] = "[{\"jsonrpc\":\"2.0\",\"id\":\"x\\u00e9\",\"method\":\"abci_query\",\"params\":{\"path\":\"/key\",\"data\":\"6162\",\"height\":\"0\","
                                 "\"prove\":false}},{\"id\":12e0,\"method\":\"validators\",\"params\":[\"1\",\"1\",\"5\"]}]";
    for (int round = 0; round < 20000; round++) {
        char *body = malloc(sizeof sample - 1);
        memcpy(body, sample, sizeof sample - 1);
        uint16_t dice[6];
        random_fill(dice, sizeof dice);
        for (int i = 0; i < 4; i += 2)
            body[dice[i] % (sizeof sample - 1)] = "{}[]\",:\\u0123-. \xff"[dice[i + 1] % 18];
        struct lab_reply reply;
        lab_post_bytes(&lab, &reply, span_of(body, dice[4] % 4 == 0 ? dice[5] % sizeof sample : sizeof sample - 1));
        ck_assert(reply.came && (reply.status == 200 || reply.status == 500));
        lab_reply_close(&reply);
        free(body);
    }
}
END_TEST

Suite *suite_exchange(void);
Suite *suite_exchange(void) {
    Suite *suite = suite_create("exchange");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, open_lab, close_lab);
    tcase_add_test(all, text_and_whole_numbers_are_ids_and_come_back_as_they_were);
    tcase_add_test(all, fractions_huge_numbers_and_other_kinds_are_no_ids);
    tcase_add_test(all, a_request_without_id_is_a_notification_without_answer);
    tcase_add_test(all, a_batch_is_answered_in_order_and_one_answer_stands_alone);
    tcase_add_test(all, a_batch_above_the_limit_is_refused_whole);
    tcase_add_test(all, what_is_not_json_is_a_parse_error);
    tcase_add_test(all, deep_json_is_refused_without_harm);
    tcase_add_test(all, unknown_and_websocket_methods_are_not_found);
    tcase_add_test(all, wrong_params_are_named_and_wrong_numbers_too);
    tcase_add_test(all, null_and_missing_params_mean_the_defaults);
    tcase_add_test(all, only_answers_that_stay_true_are_cacheable);
    tcase_add_test(all, uri_calls_answer_id_minus_one_and_their_errors_are_500);
    tcase_add_test(all, mangled_requests_are_survived);
    suite_add_tcase(suite, all);
    return suite;
}
