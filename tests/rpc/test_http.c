/* The server over real sockets: what it says, and what no client can do to it. */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/random.h"
#include "rpc/call.h"
#include "rpc/http.h"
#include "tests/rpc/lab.h"

static struct lab lab;

static void open_lab(void) { lab_open(&lab, &(struct rpc_config){.max_body_bytes = 5000, .max_header_bytes = 2000, .cors_allowed_origins = "http://a"}, 3); }
static void close_lab(void) { lab_close(&lab); }

#define HOST   "Host: localhost\r\n"
#define HEALTH "{\"id\":1,\"method\":\"health\"}"
#define HEALTHY "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"
#define POST_HEALTH "POST / HTTP/1.1\r\n" HOST "Content-Length: 26\r\n\r\n" HEALTH

static void expect(const char *request, int status, const char *head_part, const char *text_part) {
    struct lab_reply reply;
    lab_http(&lab, &reply, request);
    ck_assert_msg(reply.came, "no answer to %.60s", request);
    ck_assert_msg(reply.status == status, "%d for %.60s: %s", reply.status, request, reply.text);
    ck_assert_msg(strstr(reply.head, head_part) != NULL, "%s", reply.head);
    ck_assert_msg(strstr(reply.text, text_part) != NULL, "%s", reply.text);
    lab_reply_close(&reply);
}

static void still_healthy(void) { expect(POST_HEALTH, 200, "Content-Type: application/json\r\n", HEALTHY); }

START_TEST(a_post_and_a_get_are_answered) {
    still_healthy();
    expect("GET /health HTTP/1.1\r\n" HOST "\r\n", 200, "Content-Type: application/json\r\n", "\"id\":-1,\"result\":{}}");
    expect("GET /header?height=2 HTTP/1.1\r\n" HOST "\r\n", 200, "Cache-Control: public, max-age=86400\r\n", "\"height\":\"2\"");
    expect("GET /%68ealth HTTP/1.1\r\n" HOST "\r\n", 200, "", "\"result\":{}}");
    expect("POST / HTTP/1.0\r\nContent-Length: 26\r\n\r\n" HEALTH, 200, "Connection: close\r\n", HEALTHY);
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n[]", 200, "Content-Length: 0\r\n", "");
}
END_TEST

START_TEST(every_answer_carries_the_servers_time) {
    expect("GET /health HTTP/1.1\r\n" HOST "\r\n", 200, "X-Server-Time: 1700000100\r\n", "");
    expect("GET /nope HTTP/1.1\r\n" HOST "\r\n", 404, "X-Server-Time: 1700000100\r\nDate: Tue, 14 Nov 2023 22:15:00 GMT\r\n", "404 page not found");
    expect("GET /block?height=x HTTP/1.1\r\n" HOST "\r\n", 500, "X-Server-Time: ", "-32602");
}
END_TEST

START_TEST(texts_of_a_uri_are_quoted_and_hashes_0x) {
    expect("GET /abci_query?data=0x747830 HTTP/1.1\r\n" HOST "\r\n", 200, "", "\"value\":\"dmFsdWU=\"");
    expect("GET /abci_query?path=%22%22&data=%22tx0%22 HTTP/1.1\r\n" HOST "\r\n", 200, "", "\"value\":\"dmFsdWU=\"");
    expect("GET /abci_query?path=x HTTP/1.1\r\n" HOST "\r\n", 500, "", "-32602");
    expect("GET /broadcast_tx_sync?tx=\"k=v\" HTTP/1.1\r\n" HOST "\r\n", 200, "", "9246D2C0E0F213AE2B86AC78A432A55EDFD31D07A072331D58763C08D5292212");
    expect("POST /abci_query HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n\r\ndata=0x747830", 200, "",
           "\"value\":\"dmFsdWU=\"");
}
END_TEST

START_TEST(unknown_paths_are_not_found) {
    static const char *const paths[] = {"/nope", "/status/", "//", "/websocket/", "/health/x", "/favicon.ico", "/%00", "*"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char request[256];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
        expect(request, 404, "text/plain", "404 page not found");
    }
    expect("GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400, "", "");
    expect("POST /nope HTTP/1.1\r\n" HOST "Content-Length: 26\r\n\r\n" HEALTH, 404, "", "404");
    expect("GET /subscribe?query=1 HTTP/1.1\r\n" HOST "\r\n", 404, "application/json", "-32601");
}
END_TEST

START_TEST(the_index_lists_methods_and_escapes_the_host) { /* wound 38 */
    expect("GET / HTTP/1.1\r\n" HOST "\r\n", 200, "Content-Type: text/html\r\n", "<a href=\"//localhost/block?height=_\">");
    expect("GET / HTTP/1.1\r\nHost: x\"><script>alert('1')</script>\r\n\r\n", 200, "", "//x&#34;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;/health\"");
    struct lab_reply reply;
    lab_http(&lab, &reply, "GET / HTTP/1.1\r\nHost: <b>\r\n\r\n");
    ck_assert_ptr_null(strstr(reply.text, "<b>"));
    lab_reply_close(&reply);
}
END_TEST

START_TEST(a_connection_serves_many_requests_also_when_they_come_at_once) {
    int sock = lab_connect(&lab);
    struct lab_reply reply;
    for (int i = 0; i < 5; i++) {
        lab_send(&lab, sock, span_text(POST_HEALTH));
        lab_receive(&lab, &reply, sock, 2000);
        ck_assert(reply.came && strcmp(reply.text, HEALTHY) == 0);
        lab_reply_close(&reply);
    }
    lab_send(&lab, sock, span_text(POST_HEALTH POST_HEALTH "\r\nGET /health HTTP/1.1\r\n" HOST "\r\n" POST_HEALTH));
    for (int i = 0; i < 4; i++) {
        lab_receive(&lab, &reply, sock, 2000);
        ck_assert(reply.came && (i == 2 || strcmp(reply.text, HEALTHY) == 0));
        lab_reply_close(&reply);
    }
    close(sock);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte_and_in_chunks) {
    static const char chunked[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nA\r\n{\"id\":1,\"m\r\n10\r\nethod\":\"health\"}\r\n0\r\n\r\n";
    static const char *const requests[] = {POST_HEALTH, chunked};
    for (int i = 0; i < 2; i++) {
        int sock = lab_connect(&lab);
        struct lab_reply reply;
        for (const char *at = requests[i]; *at != '\0'; at++)
            lab_send(&lab, sock, span_of(at, 1));
        lab_receive(&lab, &reply, sock, 2000);
        ck_assert_msg(reply.came && strcmp(reply.text, HEALTHY) == 0, "%d: %s", i, reply.came ? reply.text : "");
        lab_reply_close(&reply);
        lab_send(&lab, sock, span_text(chunked));
        lab_receive(&lab, &reply, sock, 2000);
        ck_assert(reply.came && strcmp(reply.text, HEALTHY) == 0);
        lab_reply_close(&reply);
        close(sock);
    }
}
END_TEST

START_TEST(a_client_that_expects_continue_is_told_to) {
    int sock = lab_connect(&lab);
    struct lab_reply reply;
    lab_send(&lab, sock, span_text("POST / HTTP/1.1\r\n" HOST "Content-Length: 26\r\nExpect: 100-continue\r\n\r\n"));
    lab_receive(&lab, &reply, sock, 2000);
    ck_assert_int_eq(reply.status, 100);
    lab_reply_close(&reply);
    lab_send(&lab, sock, span_text(HEALTH));
    lab_receive(&lab, &reply, sock, 2000);
    ck_assert_str_eq(reply.text, HEALTHY);
    lab_reply_close(&reply);
    close(sock);
}
END_TEST

START_TEST(a_head_request_gets_no_body) {
    int sock = lab_connect(&lab);
    lab_send(&lab, sock, span_text("HEAD /health HTTP/1.1\r\n" HOST "\r\nGET /nope HTTP/1.1\r\n" HOST "\r\n"));
    char text[2000];
    ssize_t got = 0;
    for (int tries = 0; tries < 1000 && got < 300; tries++) {
        lab_turn(&lab);
        ssize_t more = recv(sock, text + got, sizeof text - 1 - (size_t)got, 0);
        got += more > 0 ? more : 0;
    }
    text[got] = '\0';
    const char *next = strstr(text, "\r\n\r\n");
    ck_assert_msg(next != NULL && strncmp(next + 4, "HTTP/1.1 404", 12) == 0, "%s", text);
    close(sock);
}
END_TEST

START_TEST(origins_of_the_config_are_welcome) {
    expect("GET /health HTTP/1.1\r\n" HOST "Origin: http://a\r\n\r\n", 200, "Access-Control-Allow-Origin: http://a\r\n", "");
    expect("OPTIONS / HTTP/1.1\r\n" HOST "Origin: http://a\r\nAccess-Control-Request-Method: POST\r\n\r\n", 204, "Access-Control-Allow-Methods: POST\r\n", "");
}
END_TEST

START_TEST(an_oversize_body_is_refused_before_it_is_read) {
    static const char why[] = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"Invalid Request\",\"data\":\"error reading request body: http: request body too large\"}}";
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 5001\r\n\r\n", 400, "Connection: close\r\n", why);
    expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n", 400, "", why);
    expect("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n", 400, "", why);
    still_healthy();
}
END_TEST

START_TEST(an_oversize_or_garbled_head_is_refused) {
    char large[4000];
    memset(large, 'a', sizeof large - 1);
    memcpy(large, "GET /", 5);
    large[sizeof large - 1] = '\0';
    expect(large, 431, "Connection: close\r\n", "431");
    static const char *const garbage[] = {"\x16\x03\x01\x02\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n" HOST HOST "\r\n"};
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
        expect(garbage[i], 400, "Connection: close\r\n", "400");
    expect("GET / HTTP/3.0\r\n" HOST "\r\n", 505, "", "");
    still_healthy();
}
END_TEST

static bool is_closed(int sock) {
    char byte;
    return recv(sock, &byte, 1, 0) == 0;
}

static void wait_ms(int ms) {
    struct timeval time = {ms / 1000, ms % 1000 * 1000};
    event_base_loopexit(lab.base, &time);
    event_base_dispatch(lab.base);
}

START_TEST(whoever_dawdles_with_a_request_is_cut_off) {
    http_set_patience(lab.rpc->http, &(struct http_patience){.read_ms = 300, .write_ms = 300, .idle_ms = 60000, .output_bytes_max = 1 << 20});
    int silent = lab_connect(&lab), slow_head = lab_connect(&lab), slow_body = lab_connect(&lab), idle = lab_connect(&lab);
    struct lab_reply reply;
    lab_send(&lab, slow_head, span_text("GET / HTTP/1.1\r\nX:"));
    lab_send(&lab, slow_body, span_text("POST / HTTP/1.1\r\n" HOST "Content-Length: 26\r\n\r\n{"));
    lab_send(&lab, idle, span_text(POST_HEALTH));
    lab_receive(&lab, &reply, idle, 1000);
    lab_reply_close(&reply);
    for (int i = 0; i < 15; i++) { /* a byte now and then buys no time */
        wait_ms(100);
        lab_send(&lab, slow_head, span_text("y"));
    }
    ck_assert(is_closed(silent) && is_closed(slow_head) && is_closed(slow_body) && !is_closed(idle));
    close(silent);
    close(slow_head);
    close(slow_body);
    close(idle);
    still_healthy();
}
END_TEST

enum { LARGE_TXS = 100, LARGE_BYTES = 8000000 /* at least, as JSON */ };

static void make_large_block(void) {
    static char large[LARGE_TXS][60000];
    const char *txs[LARGE_TXS];
    for (int i = 0; i < LARGE_TXS; i++) {
        memset(large[i], 'v', sizeof large[i] - 1);
        snprintf(large[i], sizeof large[i], "%04d", i);
        large[i][4] = '=';
        txs[i] = large[i];
    }
    chain_step(&lab.chain, txs, LARGE_TXS);
}

static int ask_for_large(int times) {
    static const char request[] = "GET /block HTTP/1.1\r\n" HOST "\r\n";
    int sock = lab_connect(&lab);
    for (int i = 0; i < times; i++)
        lab_send(&lab, sock, span_text(request));
    for (int i = 0; i < 50; i++)
        lab_turn(&lab);
    return sock;
}

START_TEST(a_large_answer_arrives_whole) {
    make_large_block();
    struct lab_reply reply;
    int sock = ask_for_large(2);
    for (int i = 0; i < 2; i++) {
        lab_receive(&lab, &reply, sock, 20000);
        ck_assert(reply.came && reply.status == 200 && reply.size > LARGE_BYTES);
        json_t *answer = json_loads(reply.text, 0, NULL);
        ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(json_object_get(json_object_get(answer, "result"), "block"), "data"), "txs")), LARGE_TXS);
        json_decref(answer);
        lab_reply_close(&reply);
    }
    close(sock);
}
END_TEST

START_TEST(whoever_never_reads_is_cut_off_and_holds_one_answer_at_most) {
    make_large_block();
    http_set_patience(lab.rpc->http, &(struct http_patience){.read_ms = 9000, .write_ms = -125000, .idle_ms = 60000, .output_bytes_max = 1 << 28});
    int sock = ask_for_large(20);
    still_healthy();
    wait_ms(1200);
    char waste[65536];
    ssize_t got;
    size_t all = 0;
    while ((got = recv(sock, waste, sizeof waste, 0)) > 0)
        all += (size_t)got;
    ck_assert_msg(got == 0 || all > 0, "still open");
    ck_assert_msg(all < 2 * LARGE_BYTES, "%zu", all);
    close(sock);
    still_healthy();
}
END_TEST

START_TEST(what_all_leave_untaken_together_is_bounded) {
    make_large_block();
    http_set_patience(lab.rpc->http, &(struct http_patience){.read_ms = 9000, .write_ms = 9000, .idle_ms = 60000, .output_bytes_max = 3 * LARGE_BYTES});
    int socks[8], closed = 0;
    char waste[65536];
    for (int i = 0; i < 8; i++)
        socks[i] = ask_for_large(1);
    for (int i = 0; i < 8; i++) {
        ssize_t got, all = 0;
        while ((got = recv(socks[i], waste, sizeof waste, 0)) > 0)
            all += got;
        closed += got == 0 && all < LARGE_BYTES;
        close(socks[i]);
    }
    ck_assert_int_ge(closed, 4);
    still_healthy();
}
END_TEST

START_TEST(a_newcomer_takes_the_place_of_the_longest_idle) {
    lab_close(&lab);
    lab_open(&lab, &(struct rpc_config){.max_open_connections = 3}, 1);
    int socks[3];
    struct lab_reply reply;
    for (int i = 0; i < 3; i++) {
        socks[i] = lab_connect(&lab);
        lab_send(&lab, socks[i], span_text(POST_HEALTH));
        lab_receive(&lab, &reply, socks[i], 1000);
        lab_reply_close(&reply);
        usleep(3000);
    }
    for (int i = 0; i < 10; i++)
        still_healthy();
    ck_assert(is_closed(socks[0]));
    for (int i = 0; i < 3; i++)
        close(socks[i]);
    lab_turn(&lab);
}
END_TEST

START_TEST(when_all_are_busy_a_newcomer_waits_for_one_to_go) {
    lab_close(&lab);
    lab_open(&lab, &(struct rpc_config){.max_open_connections = 2}, 1);
    int busy[2];
    for (int i = 0; i < 2; i++) {
        busy[i] = lab_connect(&lab);
        lab_send(&lab, busy[i], span_text("GET /hea"));
    }
    int sock = lab_connect(&lab);
    struct lab_reply reply;
    lab_send(&lab, sock, span_text(POST_HEALTH));
    lab_receive(&lab, &reply, sock, 200);
    ck_assert(!reply.came);
    close(busy[0]);
    lab_receive(&lab, &reply, sock, 1000);
    ck_assert(reply.came && strcmp(reply.text, HEALTHY) == 0);
    lab_reply_close(&reply);
    close(busy[1]);
    close(sock);
    lab_turn(&lab);
}
END_TEST

static const char commit_request[] = "GET /broadcast_tx_commit?tx=\"k=v\" HTTP/1.1\r\n" HOST "\r\n";

START_TEST(a_client_that_leaves_while_it_waits_is_forgotten) {
    int sock = lab_connect(&lab);
    lab_send(&lab, sock, span_text(commit_request));
    lab_turn(&lab);
    ck_assert_uint_eq(lab.rpc->waiters.count, 1);
    close(sock);
    lab_turn(&lab);
    ck_assert_uint_eq(lab.rpc->waiters.count, 0);
    lab_commit(&lab);
    still_healthy();
}
END_TEST

START_TEST(requests_behind_a_waiting_one_wait_too) {
    int sock = lab_connect(&lab);
    struct lab_reply reply;
    lab_send(&lab, sock, span_text(commit_request));
    lab_send(&lab, sock, span_text(POST_HEALTH POST_HEALTH));
    lab_receive(&lab, &reply, sock, 100);
    ck_assert(!reply.came);
    lab_commit(&lab);
    lab_receive(&lab, &reply, sock, 1000);
    ck_assert(reply.came && strstr(reply.text, "\"height\":\"4\"") != NULL);
    lab_reply_close(&reply);
    for (int i = 0; i < 2; i++) {
        lab_receive(&lab, &reply, sock, 1000);
        ck_assert(reply.came && strcmp(reply.text, HEALTHY) == 0);
        lab_reply_close(&reply);
    }
    close(sock);
}
END_TEST

START_TEST(a_stop_closes_every_connection) {
    int sock = lab_connect(&lab);
    lab_send(&lab, sock, span_text(commit_request));
    lab_close(&lab);
    char text[4096];
    ssize_t got = recv(sock, text, sizeof text - 1, 0);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "the node is stopping"));
    ck_assert(is_closed(sock));
    close(sock);
    lab_open(&lab, NULL, 0);
}
END_TEST

START_TEST(an_address_that_is_taken_or_wrong_is_named) {
    char laddr[64], *error = NULL;
    struct rpc_config config = lab.config;
    snprintf(laddr, sizeof laddr, "tcp://127.0.0.1:%u", rpc_port(lab.rpc));
    config.laddr = laddr;
    ck_assert_ptr_null(rpc_start(lab.base, &config, &lab.rpc->host, &error));
    ck_assert_msg(strstr(error, laddr) != NULL && strstr(error, "Address already in use: is another node running?") != NULL, "%s", error);
    free(error);
    static const char *const wrong[] = {"127.0.0.1:1", "tcp://127.0.0.1", "tcp://127.0.0.1:", "http://x:1", "unix:///nowhere/at/all"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        config.laddr = wrong[i];
        error = NULL;
        ck_assert_ptr_null(rpc_start(lab.base, &config, &lab.rpc->host, &error));
        ck_assert_msg(strstr(error, wrong[i]) != NULL, "%s", error);
        free(error);
    }
}
END_TEST

START_TEST(a_unix_socket_serves_and_a_dead_one_is_replaced) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char laddr[128], *error = NULL;
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/quorate-rpc-%d", (int)getpid());
    snprintf(laddr, sizeof laddr, "unix://%s", address.sun_path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);
    struct rpc_config config = lab.config;
    config.laddr = laddr;
    struct rpc *rpc = rpc_start(lab.base, &config, &lab.rpc->host, &error);
    ck_assert_msg(rpc != NULL, "%s", error);
    ck_assert_ptr_null(rpc_start(lab.base, &config, &lab.rpc->host, &error)); /* but a living one is not */
    free(error);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct lab_reply reply;
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&address, sizeof address), 0);
    lab_send(&lab, sock, span_text(POST_HEALTH));
    lab_receive(&lab, &reply, sock, 1000);
    ck_assert(reply.came && strcmp(reply.text, HEALTHY) == 0);
    lab_reply_close(&reply);
    close(sock);
    rpc_stop(rpc);
    ck_assert_int_ne(access(address.sun_path, F_OK), 0);
}
END_TEST

START_TEST(random_bytes_on_many_connections_are_survived) {
    for (int round = 0; round < 300; round++) {
        int sock = lab_connect(&lab);
        uint8_t bytes[200];
        random_fill(bytes, sizeof bytes);
        if (round % 3 == 1)
            memcpy(bytes, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n", 49);
        if (round % 3 == 2)
            memcpy(bytes, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n", 60);
        lab_send(&lab, sock, span_of(bytes, sizeof bytes));
        close(sock);
        lab_turn(&lab);
    }
    still_healthy();
}
END_TEST

Suite *suite_http(void);
Suite *suite_http(void) {
    Suite *suite = suite_create("http");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, open_lab, close_lab);
    tcase_add_test(all, a_post_and_a_get_are_answered);
    tcase_add_test(all, every_answer_carries_the_servers_time);
    tcase_add_test(all, texts_of_a_uri_are_quoted_and_hashes_0x);
    tcase_add_test(all, unknown_paths_are_not_found);
    tcase_add_test(all, the_index_lists_methods_and_escapes_the_host);
    tcase_add_test(all, a_connection_serves_many_requests_also_when_they_come_at_once);
    tcase_add_test(all, a_request_may_come_byte_by_byte_and_in_chunks);
    tcase_add_test(all, a_client_that_expects_continue_is_told_to);
    tcase_add_test(all, a_head_request_gets_no_body);
    tcase_add_test(all, origins_of_the_config_are_welcome);
    tcase_add_test(all, an_oversize_body_is_refused_before_it_is_read);
    tcase_add_test(all, an_oversize_or_garbled_head_is_refused);
    tcase_add_test(all, whoever_dawdles_with_a_request_is_cut_off);
    tcase_add_test(all, a_large_answer_arrives_whole);
    tcase_add_test(all, whoever_never_reads_is_cut_off_and_holds_one_answer_at_most);
    tcase_add_test(all, what_all_leave_untaken_together_is_bounded);
    tcase_add_test(all, a_newcomer_takes_the_place_of_the_longest_idle);
    tcase_add_test(all, when_all_are_busy_a_newcomer_waits_for_one_to_go);
    tcase_add_test(all, a_client_that_leaves_while_it_waits_is_forgotten);
    tcase_add_test(all, requests_behind_a_waiting_one_wait_too);
    tcase_add_test(all, a_stop_closes_every_connection);
    tcase_add_test(all, an_address_that_is_taken_or_wrong_is_named);
    tcase_add_test(all, a_unix_socket_serves_and_a_dead_one_is_replaced);
    tcase_add_test(all, random_bytes_on_many_connections_are_survived);
    suite_add_tcase(suite, all);
    return suite;
}
