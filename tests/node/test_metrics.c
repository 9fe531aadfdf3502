/* The exposition format, and the port that it is read from. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/exporter.h"
#include "node/httpclient.h"
#include "node/metrics.h"

Suite *suite_metrics(void);

static struct metrics *metrics;

static void set_up(void) { metrics = metrics_new("cometbft", "chain \"1\"\\\n"); }
static void tear_down(void) { metrics_free(metrics); }

static char *text(void) {
    struct emit emit;
    emit_init(&emit);
    metrics_write(metrics, &emit);
    return emit_text(&emit);
}

static void has(const char *line) {
    char *all = text();
    ck_assert_msg(strstr(all, line) != NULL, "%s is not in:\n%s", line, all);
    free(all);
}

static void has_not(const char *line) {
    char *all = text();
    ck_assert_ptr_null(strstr(all, line));
    free(all);
}

START_TEST(a_gauge_is_written_with_its_chain_and_labels_escaped) {
    metrics_set(metrics, METRICS_HEIGHT, 77);
    has("# HELP cometbft_consensus_height Height of the chain.\n# TYPE cometbft_consensus_height gauge\ncometbft_consensus_height{chain_id=\"chain \\\"1\\\"\\\\\\n\"} 77\n");
    metrics_set_to(metrics, METRICS_VALIDATOR_POWER, "AB", NULL, 1.5);
    has("cometbft_consensus_validator_power{chain_id=\"chain \\\"1\\\"\\\\\\n\",validator_address=\"AB\"} 1.5\n");
    metrics_add_to(metrics, METRICS_PEER_SENT, "p", "0x20", 3);
    has(",peer_id=\"p\",chID=\"0x20\"} 3\n");
}
END_TEST

START_TEST(what_has_no_labels_is_there_from_the_start_and_what_has_is_not) {
    has("cometbft_mempool_size{");
    has("# TYPE cometbft_consensus_chain_size_bytes counter\n");
    has("quorate_fork_alarm{");
    has("process_cpu_seconds_total 0\n");
    has_not("cometbft_consensus_late_votes");
}
END_TEST

START_TEST(histograms_add_up_from_bucket_to_bucket) {
    metrics_observe(metrics, METRICS_BLOCK_INTERVAL, 0.3);
    metrics_observe(metrics, METRICS_BLOCK_INTERVAL, 0.7);
    metrics_observe(metrics, METRICS_BLOCK_INTERVAL, 60);
    has("cometbft_consensus_block_interval_seconds_bucket{chain_id=\"chain \\\"1\\\"\\\\\\n\",le=\"0.25\"} 0\n");
    has(",le=\"0.5\"} 1\n");
    has(",le=\"1\"} 2\n");
    has(",le=\"10\"} 2\n");
    has(",le=\"+Inf\"} 3\n");
    has("_sum{chain_id=\"chain \\\"1\\\"\\\\\\n\"} 61\n");
    has("_count{chain_id=\"chain \\\"1\\\"\\\\\\n\"} 3\n");
    ck_assert(metrics_value(metrics, METRICS_BLOCK_INTERVAL, NULL, NULL) == 3);
    uint64_t sizes[8] = {0, 0, 0, 0, 2, 0, 0, 1};
    metrics_set_histogram(metrics, METRICS_TX_SIZE, sizes, 8, 1000);
    has("cometbft_mempool_tx_size_bytes_bucket{chain_id=\"chain \\\"1\\\"\\\\\\n\",le=\"81\"} 2\n");
    has("cometbft_mempool_tx_size_bytes_sum{chain_id=\"chain \\\"1\\\"\\\\\\n\"} 1000\n");
}
END_TEST

START_TEST(without_metrics_nothing_is_counted_and_nothing_breaks) {
    metrics_add(NULL, METRICS_HEIGHT, 1);
    metrics_observe_to(NULL, METRICS_STAGE, "apply", 1);
    metrics_cell_add(metrics_cell(NULL, METRICS_MESSAGE_SENT, "x", NULL), 1);
    metrics_clear(NULL, METRICS_STAGE);
    ck_assert(metrics_value(NULL, METRICS_HEIGHT, NULL, NULL) == 0);
}
END_TEST

START_TEST(series_are_bounded) {
    for (int i = 0; i < METRICS_SERIES_MAX + 50; i++) {
        char label[32];
        snprintf(label, sizeof label, "peer %d", i);
        metrics_add_to(metrics, METRICS_BLOCK_PARTS, label, NULL, 1);
    }
    ck_assert(metrics_value(metrics, METRICS_BLOCK_PARTS, "peer 1023", NULL) == 1);
    ck_assert(metrics_value(metrics, METRICS_BLOCK_PARTS, "peer 1024", NULL) == 0);
    metrics_clear(metrics, METRICS_BLOCK_PARTS);
    metrics_add_to(metrics, METRICS_BLOCK_PARTS, "peer 1024", NULL, 1);
    ck_assert(metrics_value(metrics, METRICS_BLOCK_PARTS, "peer 1024", NULL) == 1);
    char huge[200];
    memset(huge, 'x', sizeof huge - 1);
    huge[199] = '\0';
    metrics_add_to(metrics, METRICS_BLOCK_PARTS, huge, NULL, 1);
    metrics_add_to(metrics, METRICS_BLOCK_PARTS, huge, NULL, 1);
    ck_assert(metrics_value(metrics, METRICS_BLOCK_PARTS, huge, NULL) == 2);
}
END_TEST

START_TEST(messages_have_the_names_that_the_dashboards_know) {
    ck_assert_str_eq(metrics_message_name(0x22, 6 << 3 | 2), "consensus_Vote");
    ck_assert_str_eq(metrics_message_name(0x20, 1 << 3 | 2), "consensus_NewRoundStep");
    ck_assert_str_eq(metrics_message_name(0x30, 1 << 3 | 2), "mempool_Txs");
    ck_assert_str_eq(metrics_message_name(0x40, 3 << 3 | 2), "blocksync_BlockResponse");
    ck_assert_str_eq(metrics_message_name(0x00, 4 << 3 | 2), "p2p_PexAddrs");
    for (int channel = 0; channel < 256; channel++)
        for (int byte = 0; byte < 256; byte++)
            ck_assert_ptr_nonnull(metrics_message_name((uint8_t)channel, (uint8_t)byte));
}
END_TEST

/* promtool, where Debian's prometheus package is there, knows the format better than we do. */
START_TEST(promtool_finds_nothing_wrong_with_it) {
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        return;
    metrics_free(metrics);
    metrics = metrics_new("cometbft", "chain");
    for (uint32_t id = 0; id < METRICS_COUNT; id++) {
        metrics_add_to(metrics, (enum metrics_id)id, "a", "b", 1);
        if (id == METRICS_STAGE || id == METRICS_STEP_DURATION)
            metrics_observe_to(metrics, (enum metrics_id)id, "apply", 0.01);
    }
    char path[] = "/tmp/quorate-metrics-XXXXXX", command[128], *all = text();
    int file = mkstemp(path);
    ck_assert_int_eq(write(file, all, strlen(all)), (ssize_t)strlen(all));
    close(file);
    free(all);
    /* It dislikes names of CometBFT's (counters without _total); what cannot be parsed is what matters. */
    snprintf(command, sizeof command, "promtool check metrics < %s 2>&1 | grep -i 'error\\|parsing'", path);
    int found = system(command);
    unlink(path);
    ck_assert_int_ne(found, 0);
}
END_TEST

/* ---- the port */

static struct event_base *base;
static struct exporter *exporter;
static pthread_t thread;
static atomic_bool stops;
static char url[64];

static void write_out(void *context, struct emit *out) {
    (void)context;
    metrics_write(metrics, out);
}

static void *turn(void *context) {
    (void)context;
    while (!atomic_load(&stops)) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static void set_up_port(void) {
    char *error = NULL;
    set_up();
    base = event_base_new();
    exporter = exporter_start(base, "127.0.0.1:0", 2, write_out, NULL, &error);
    ck_assert_msg(exporter != NULL, "%s", error);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)exporter_port(exporter));
    atomic_store(&stops, false);
    pthread_create(&thread, NULL, turn, NULL);
}

static void tear_down_port(void) {
    atomic_store(&stops, true);
    pthread_join(thread, NULL);
    exporter_stop(exporter);
    event_base_free(base);
    tear_down();
}

static int get(const char *path, char **body) {
    char whole[128], *error = NULL;
    int status = 0;
    snprintf(whole, sizeof whole, "%s%s", url, path);
    struct blob *answer = httpclient_ask(&status, whole, span_of(NULL, 0), &HTTPCLIENT_LIMITS, &error);
    if (body != NULL && answer != NULL)
        *body = strndup((const char *)answer->data, answer->size);
    blob_release(answer);
    free(error);
    return status;
}

START_TEST(it_is_read_over_http_and_nothing_else_is) {
    char *body = NULL;
    metrics_set(metrics, METRICS_HEIGHT, 5);
    ck_assert_int_eq(get("/metrics", &body), 200);
    ck_assert_ptr_nonnull(strstr(body, "cometbft_consensus_height{"));
    free(body);
    ck_assert_int_eq(get("/metrics?x=1", NULL), 200);
    ck_assert_int_eq(get("/other", NULL), 404);
    ck_assert_int_eq(get("/metrics", NULL), 200);
}
END_TEST

static int dial(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(exporter_port(exporter)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

START_TEST(who_says_nothing_or_too_much_costs_no_more_than_his_connection) {
    char byte, block[4096];
    int idle[2] = {dial(), dial()}, third = dial();
    ck_assert_int_le(recv(third, &byte, 1, 0), 0); /* one too many */
    close(third);
    memset(block, 'a', sizeof block);
    for (int i = 0; i < 8 && send(idle[0], block, sizeof block, MSG_NOSIGNAL) > 0; i++)
        continue;
    ck_assert_int_le(recv(idle[0], &byte, 1, 0), 0);
    ck_assert_int_gt(send(idle[1], "POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 35, MSG_NOSIGNAL), 0);
    ck_assert_int_gt(recv(idle[1], block, sizeof block, 0), 12);
    ck_assert_int_eq(strncmp(block, "HTTP/1.1 405", 12), 0);
    close(idle[0]);
    close(idle[1]);
    int status = 0;
    for (int tries = 0; tries < 100 && status != 200; tries++)
        status = get("/metrics", NULL);
    ck_assert_int_eq(status, 200);
}
END_TEST

START_TEST(a_taken_port_is_named_with_the_key_to_change) {
    char address[64], *error = NULL;
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)exporter_port(exporter));
    ck_assert_ptr_null(exporter_start(base, address, 1, write_out, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error, "prometheus_listen_addr"));
    free(error);
}
END_TEST

Suite *suite_metrics(void) {
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("text"), *port = tcase_create("port");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_gauge_is_written_with_its_chain_and_labels_escaped);
    tcase_add_test(tests, what_has_no_labels_is_there_from_the_start_and_what_has_is_not);
    tcase_add_test(tests, histograms_add_up_from_bucket_to_bucket);
    tcase_add_test(tests, without_metrics_nothing_is_counted_and_nothing_breaks);
    tcase_add_test(tests, series_are_bounded);
    tcase_add_test(tests, messages_have_the_names_that_the_dashboards_know);
    tcase_add_test(tests, promtool_finds_nothing_wrong_with_it);
    tcase_set_timeout(port, 60);
    tcase_add_checked_fixture(port, set_up_port, tear_down_port);
    tcase_add_test(port, it_is_read_over_http_and_nothing_else_is);
    tcase_add_test(port, who_says_nothing_or_too_much_costs_no_more_than_his_connection);
    tcase_add_test(port, a_taken_port_is_named_with_the_key_to_change);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, port);
    return suite;
}
