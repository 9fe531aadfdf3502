/* The whole of it over sockets: a real node's RPC as primary and witness, a light client on its disk, and its local RPC asked as anybody would. */
#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
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
#include "tests/rpc/lab.h"

Suite *suite_light_proxy(void);

static struct lab lab;
static pthread_t lab_thread;
static atomic_bool lab_stops;
static struct kv *kv;
static struct light_http https[2];
static struct light_client client;
static struct light_gate gate;
static struct light_proxy *proxy;
static char node_url[64], proxy_url[64];
static struct digest trusted;

static void __attribute__((noreturn)) die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}

static struct timestamp now(void *context) {
    (void)context;
    struct timestamp time = lab.chain.genesis.time;
    return timestamp_add_ns(&time, 3600 * INT64_C(1000000000));
}
static void no_wait(void *context, int64_t ms) { (void)context, (void)ms; }

static void *turn(void *context) {
    (void)context;
    while (!atomic_load(&lab_stops)) {
        lab_turn(&lab);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static void open_client(void) {
    struct light_source sources[2];
    struct light_world world = {NULL, now, no_wait, NULL, NULL};
    struct light_config config = {.chain_id = span_text(CHAIN_ID), .rules = LIGHT_RULES_DEFAULT, .mode = LIGHT_SKIPPING};
    char *error = NULL;
    for (int i = 0; i < 2; i++) {
        light_http_init(&https[i], node_url, span_text(CHAIN_ID), 20000);
        sources[i] = light_http_source(&https[i]);
    }
    kv = kv_memory_new((struct kv_failure){NULL, die});
    ck_assert_msg(light_client_open(&client, &config, &world, sources, 2, kv, &error), "%s", error);
    ck_assert_msg(light_client_trust(&client, 2, &trusted, false) == LIGHT_DONE, "%s", client.reason);
}

static void set_up(void) {
    struct ledger_meta meta;
    char *error = NULL;
    lab_open(&lab, &(struct rpc_config){0}, 8);
    ck_assert(ledger_block_meta(&lab.chain.ledger, &meta, 2));
    trusted = meta.block_id.hash;
    snprintf(node_url, sizeof node_url, "http://127.0.0.1:%u", (unsigned)rpc_port(lab.rpc));
    atomic_store(&lab_stops, false);
    pthread_create(&lab_thread, NULL, turn, NULL);
    open_client();
    pthread_mutex_init(&gate.lock, NULL);
    gate.client = &client;
    gate.limits = (struct httpclient_limits){1 << 24, 20000, NULL};
    proxy = light_proxy_start(&gate, "tcp://127.0.0.1:0", 4, &error);
    ck_assert_msg(proxy != NULL, "%s", error);
    snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u", (unsigned)light_proxy_port(proxy));
}

static void stop_node(void) {
    if (atomic_exchange(&lab_stops, true))
        return;
    pthread_join(lab_thread, NULL);
}

static void tear_down(void) {
    light_proxy_stop(proxy);
    light_client_close(&client);
    kv_close(kv);
    stop_node();
    lab_close(&lab);
}

static struct rpcclient_answer ask(const char *method, const char *params) {
    struct rpcclient_answer answer;
    rpcclient_call(&answer, proxy_url, method, span_text(params), &gate.limits);
    return answer;
}

static void check_same(const char *method, const char *params) {
    struct rpcclient_answer ours = ask(method, params), theirs;
    rpcclient_call(&theirs, node_url, method, span_text(params), &gate.limits);
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
    stop_node();
    gate.limits.timeout_ms = https[0].limits.timeout_ms = https[1].limits.timeout_ms = 300;
    struct rpcclient_answer answer;
    rpcclient_call(&answer, proxy_url, "commit", span_text("{\"height\":\"5\"}"), &(struct httpclient_limits){1 << 24, 20000, NULL});
    ck_assert_int_eq(answer.kind, RPCCLIENT_RESULT);
    rpcclient_close(&answer);
    rpcclient_call(&answer, proxy_url, "commit", span_text("{\"height\":\"6\"}"), &(struct httpclient_limits){1 << 24, 20000, NULL});
    ck_assert_int_eq(answer.kind, RPCCLIENT_ERROR);
    rpcclient_close(&answer);
}
END_TEST

static char *get(const char *path, int *status) {
    char url[512], *error = NULL;
    snprintf(url, sizeof url, "%s%s", proxy_url, path);
    struct blob *body = httpclient_ask(status, url, span_of(NULL, 0), &gate.limits, &error);
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
    struct blob *answer = httpclient_ask(status, proxy_url, span_text(body), &gate.limits, &error);
    ck_assert_msg(answer != NULL, "%s", error);
    return answer;
}

START_TEST(batches_ids_and_notifications_are_as_everywhere) {
    int status;
    struct blob *answer = post("[{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"health\"},{\"jsonrpc\":\"2.0\",\"method\":\"health\"},7]", &status);
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

/* Four at once are served; the fifth hears that it is one too many. */
START_TEST(connections_are_bounded) {
    int status = 0, sockets[4];
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(light_proxy_port(proxy)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(sockets[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    char *error = NULL;
    for (int tries = 0; tries < 200 && status != 503; tries++) { /* until all four were accepted */
        struct blob *body = httpclient_ask(&status, proxy_url, span_of(NULL, 0), &gate.limits, &error);
        blob_release(body);
        free(error);
        error = NULL;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    ck_assert_int_eq(status, 503);
    for (int i = 0; i < 4; i++)
        close(sockets[i]);
}
END_TEST

START_TEST(the_wrong_hash_and_the_wrong_chain_are_found_before_anything_is_served) {
    struct light_block *block = NULL;
    char *why = NULL;
    struct light_http other;
    light_http_init(&other, node_url, span_text("another"), 20000);
    struct light_source source = light_http_source(&other);
    ck_assert_int_eq(source.fetch(source.context, 3, &block, &why), LIGHT_ANSWER_BAD);
    ck_assert_ptr_nonnull(strstr(why, "another chain"));
    free(why);
    trusted.bytes[0] ^= 1;
    ck_assert_int_eq(light_client_trust(&client, 2, &trusted, false), LIGHT_OTHER_TRUST);
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
