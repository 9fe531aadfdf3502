/* The whole of it over sockets: a real node's RPC as primary and witness, a light client on its disk, and its local RPC asked as anybody would. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "genesis/scan.h"
#include "node/httpclient.h"
#include "node/light_http.h"
#include "node/light_proxy.h"
#include "node/rpcclient.h"
#include "tests/node/lightbox.h"

Suite *suite_light_proxy(void);

static struct lightbox box;

static void set_up(void) { lightbox_open(&box, 8, &(struct light_proxy_limits){.connections = 4}, false); }
static void tear_down(void) { lightbox_close(&box); }

static struct rpcclient_answer ask(const char *method, const char *params) {
    struct rpcclient_answer answer;
    rpcclient_call(&answer, box.proxy_url, method, span_text(params), &box.gate.limits);
    return answer;
}

static void check_same(const char *method, const char *params) {
    struct rpcclient_answer ours = ask(method, params), theirs;
    rpcclient_call(&theirs, box.node_url, method, span_text(params), &box.gate.limits);
    ck_assert_msg(ours.kind == RPCCLIENT_RESULT, "%s: %s", method, ours.text == NULL ? "" : ours.text);
    ck_assert_int_eq(theirs.kind, RPCCLIENT_RESULT);
    ck_assert_msg(span_equal(ours.result, theirs.result), "%s differs: %.*s", method, (int)ours.result.size, (const char *)ours.result.data);
    rpcclient_close(&ours);
    rpcclient_close(&theirs);
}

START_TEST(verified_answers_are_the_node_s_to_the_byte) {
    check_same("block", "{\"height\":\"3\"}");
    check_same("block", "{}");
    check_same("header", "{\"height\":\"3\"}");
    check_same("commit", "{\"height\":\"3\"}");
    check_same("validators", "{\"height\":\"3\"}");
    check_same("validators", "{\"height\":\"3\",\"page\":\"1\",\"per_page\":\"1\"}");
    check_same("blockchain", "{\"minHeight\":\"2\",\"maxHeight\":\"5\"}");
    check_same("block_results", "{\"height\":\"3\"}");
    check_same("consensus_params", "{\"height\":\"4\"}");
    check_same("genesis", "{}");
    check_same("abci_info", "{}");
    check_same("num_unconfirmed_txs", "[]");
}
END_TEST

START_TEST(below_the_trusted_block_the_hashes_lead_and_above_the_newest_there_is_nothing) {
    check_same("header", "{\"height\":\"1\"}");
    struct rpcclient_answer answer = ask("header", "{\"height\":\"99\"}");
    ck_assert_int_eq(answer.kind, RPCCLIENT_ERROR);
    ck_assert_ptr_nonnull(strstr(answer.text, "unavailable"));
    rpcclient_close(&answer);
}
END_TEST

START_TEST(an_answer_without_proof_is_not_passed_on) {
    struct rpcclient_answer answer = ask("abci_query", "{\"path\":\"/key\",\"data\":\"61\"}");
    ck_assert_int_eq(answer.kind, RPCCLIENT_ERROR);
    ck_assert_ptr_nonnull(strstr(answer.text, "proof"));
    rpcclient_close(&answer);
}
END_TEST

START_TEST(an_error_of_the_node_comes_through_and_unknown_methods_are_named) {
    struct rpcclient_answer answer = ask("genesis_chunked", "{\"chunk\":\"7\"}");
    ck_assert_int_eq(answer.kind, RPCCLIENT_ERROR);
    ck_assert_ptr_nonnull(strstr(answer.text, "chunk"));
    rpcclient_close(&answer);
    answer = ask("nothing", "{}");
    ck_assert_ptr_nonnull(strstr(answer.text, "Method not found"));
    rpcclient_close(&answer);
    answer = ask("tx", "{\"hash\":\"AAAA\"}");
    ck_assert_ptr_nonnull(strstr(answer.text, "32 bytes"));
    rpcclient_close(&answer);
    answer = ask("block", "{\"height\":3}");
    ck_assert_ptr_nonnull(strstr(answer.text, "Invalid params"));
    rpcclient_close(&answer);
}
END_TEST

START_TEST(what_was_verified_is_answered_when_the_node_is_gone) {
    check_same("commit", "{\"height\":\"5\"}");
    lightbox_stop_node(&box);
    box.gate.limits.timeout_ms = box.https[0].limits.timeout_ms = box.https[1].limits.timeout_ms = 300;
    struct rpcclient_answer answer;
    rpcclient_call(&answer, box.proxy_url, "commit", span_text("{\"height\":\"5\"}"), &(struct httpclient_limits){1 << 24, 20000, NULL});
    ck_assert_int_eq(answer.kind, RPCCLIENT_RESULT);
    rpcclient_close(&answer);
    rpcclient_call(&answer, box.proxy_url, "commit", span_text("{\"height\":\"6\"}"), &(struct httpclient_limits){1 << 24, 20000, NULL});
    ck_assert_int_eq(answer.kind, RPCCLIENT_ERROR);
    rpcclient_close(&answer);
}
END_TEST

static char *get(const char *path, int *status) {
    char url[512], *error = NULL;
    snprintf(url, sizeof url, "%s%s", box.proxy_url, path);
    struct blob *body = httpclient_ask(status, url, span_of(NULL, 0), &box.gate.limits, &error);
    ck_assert_msg(body != NULL, "%s", error);
    char *text = calloc(1, body->size + 1);
    memcpy(text, body->data, body->size);
    blob_release(body);
    return text;
}

START_TEST(addresses_in_a_browser_work_too) {
    int status;
    char *text = get("/header?height=3", &status);
    ck_assert_int_eq(status, 200);
    ck_assert_ptr_nonnull(strstr(text, "\"id\":-1"));
    ck_assert_ptr_nonnull(strstr(text, "\"height\":\"3\""));
    free(text);
    text = get("/", &status);
    ck_assert_ptr_nonnull(strstr(text, "verified"));
    free(text);
    text = get("/none", &status);
    ck_assert_int_eq(status, 404);
    free(text);
    text = get("/genesis_chunked?chunk=0", &status);
    ck_assert_ptr_nonnull(strstr(text, "\"total\":\"1\""));
    free(text);
}
END_TEST

static struct blob *post(const char *body, int *status) {
    char *error = NULL;
    struct blob *answer = httpclient_ask(status, box.proxy_url, span_text(body), &box.gate.limits, &error);
    ck_assert_msg(answer != NULL, "%s", error);
    return answer;
}

START_TEST(batches_ids_and_notifications_are_as_everywhere) {
    int status;
    struct blob *answer = post("[{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"health\"},{\"jsonrpc\":\"2.0\",\"method\":\"health\"},{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"none\"}]", &status);
    struct span all = blob_span(answer), value, key, item;
    ck_assert(scan_value(&value, all, NULL));
    ck_assert_uint_eq(scan_count(value), 2);
    struct scan_walk walk = scan_walk(value);
    ck_assert(scan_next(&walk, &key, &item));
    ck_assert(scan_member(item, &value, "id"));
    ck_assert(span_equal(value, span_text("\"x\"")));
    blob_release(answer);
    answer = post("{\"jsonrpc\":\"2.0\",\"method\":\"health\"}", &status);
    ck_assert_uint_eq(answer->size, 0);
    blob_release(answer);
    answer = post("{", &status);
    ck_assert_int_eq(status, 500);
    blob_release(answer);
    answer = post("[1,2,3,4,5,6,7,8,9,10,11]", &status);
    ck_assert(scan_value(&value, blob_span(answer), NULL) && scan_member(value, &item, "error"));
    blob_release(answer);
}
END_TEST

/* Four at once; for the fifth the one that has been idle longest gives way. */
START_TEST(connections_are_bounded) {
    int sockets[4];
    char byte;
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(light_proxy_port(box.proxy)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(sockets[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    struct rpcclient_answer answer = ask("health", "{}");
    ck_assert_msg(answer.kind == RPCCLIENT_RESULT, "%s", answer.text);
    rpcclient_close(&answer);
    ck_assert_int_eq(recv(sockets[0], &byte, 1, 0), 0);
    for (int i = 0; i < 4; i++)
        close(sockets[i]);
}
END_TEST

START_TEST(the_wrong_hash_and_the_wrong_chain_are_found_before_anything_is_served) {
    struct light_block *block = NULL;
    char *why = NULL;
    struct light_http other;
    light_http_init(&other, box.node_url, span_text("another"), 20000);
    struct light_source source = light_http_source(&other);
    ck_assert_int_eq(source.fetch(source.context, 3, &block, &why), LIGHT_ANSWER_BAD);
    ck_assert_ptr_nonnull(strstr(why, "another chain"));
    free(why);
    box.trusted.bytes[0] ^= 1;
    ck_assert_int_eq(light_client_trust(&box.client, 2, &box.trusted, false), LIGHT_OTHER_TRUST);
}
END_TEST

Suite *suite_light_proxy(void) {
    Suite *suite = suite_create("light_proxy");
    TCase *tests = tcase_create("light_proxy");
    tcase_set_timeout(tests, 180);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, verified_answers_are_the_node_s_to_the_byte);
    tcase_add_test(tests, below_the_trusted_block_the_hashes_lead_and_above_the_newest_there_is_nothing);
    tcase_add_test(tests, an_answer_without_proof_is_not_passed_on);
    tcase_add_test(tests, an_error_of_the_node_comes_through_and_unknown_methods_are_named);
    tcase_add_test(tests, what_was_verified_is_answered_when_the_node_is_gone);
    tcase_add_test(tests, addresses_in_a_browser_work_too);
    tcase_add_test(tests, batches_ids_and_notifications_are_as_everywhere);
    tcase_add_test(tests, connections_are_bounded);
    tcase_add_test(tests, the_wrong_hash_and_the_wrong_chain_are_found_before_anything_is_served);
    suite_add_tcase(suite, tests);
    return suite;
}
