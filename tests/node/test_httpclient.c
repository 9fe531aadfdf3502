#include "node/httpclient.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server that says one prepared thing to each who comes. */
static struct {
    int listener;
    pthread_t thread;
    char url[64];
    struct span answer;
    bool stays_silent;
    char request[4096];
    volatile bool is_over;
} server;

static bool is_whole(size_t size) {
    const char *end = size == 0 ? NULL : strstr(server.request, "\r\n\r\n"), *length = size == 0 ? NULL : strstr(server.request, "Content-Length: ");
    return end != NULL && strlen(end + 4) >= (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
}

static void *serve(void *context) {
    (void)context;
    for (;;) {
        int fd = accept(server.listener, NULL, NULL);
        if (fd < 0 || server.is_over) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        size_t size = 0;
        char rest[256];
        while (!is_whole(size)) {
            ssize_t got = recv(fd, server.request + size, sizeof server.request - 1 - size, 0);
            if (got <= 0)
                break;
            size += (size_t)got;
            server.request[size] = '\0';
        }
        if (server.stays_silent)
            usleep(400000);
        else
            (void)send(fd, server.answer.data, server.answer.size, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, rest, sizeof rest, 0) > 0) /* a close with unread bytes would be a reset */
            continue;
        close(fd);
    }
}

static void setup(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    memset(&server, 0, sizeof server);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(server.listener, 8), 0);
    getsockname(server.listener, (struct sockaddr *)&address, &size);
    snprintf(server.url, sizeof server.url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void teardown(void) {
    server.is_over = true;
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
}

static char *error;
static int status;

static struct blob *ask(const char *answer, const char *body) {
    struct httpclient_limits limits = {1000, 300, NULL};
    free(error);
    error = NULL;
    server.answer = span_text(answer);
    return httpclient_ask(&status, server.url, span_text(body), &limits, &error);
}

static void expect_body(const char *answer, int code, const char *body) {
    struct blob *got = ask(answer, "{}");
    ck_assert_msg(got != NULL, "%s", error);
    ck_assert_int_eq(status, code);
    ck_assert(span_equal(blob_span(got), span_text(body)));
    blob_release(got);
}

static void expect_error(const char *answer, const char *part) {
    struct blob *got = ask(answer, "{}");
    ck_assert_ptr_null(got);
    ck_assert_msg(error != NULL && strstr(error, part) != NULL, "%s", error);
    free(error);
    error = NULL;
}

START_TEST(answers_of_every_framing_are_read) {
    expect_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
    expect_body("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\nno", 500, "no");
    expect_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 200, "hello");
    expect_body("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end");
    expect_body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x");
    expect_body("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, "x");
}
END_TEST

START_TEST(a_body_is_posted_and_no_body_asks) {
    blob_release(ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "{\"a\":1}"));
    ck_assert_ptr_nonnull(strstr(server.request, "POST / HTTP/1.1\r\nHost: 127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(server.request, "Content-Length: 7\r\n\r\n{\"a\":1}"));
    blob_release(ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""));
    ck_assert_ptr_nonnull(strstr(server.request, "GET / HTTP/1.1\r\n"));
}
END_TEST

START_TEST(answers_above_the_limit_are_refused) { /* wound 3 */
    static char large[3000];
    expect_error("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "too large");
    expect_error("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "too large");
    expect_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "too large");
    expect_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "malformed");
    strcpy(large, "HTTP/1.1 200 OK\r\n\r\n");
    memset(large + strlen(large), 'x', sizeof large - strlen("HTTP/1.1 200 OK\r\n\r\n") - 1);
    expect_error(large, "too large");
}
END_TEST

START_TEST(compressed_answers_are_refused) { /* wound 3 */
    expect_error("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "compressed");
    expect_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "unknown transfer encoding");
}
END_TEST

START_TEST(broken_answers_are_refused) {
    expect_error("", "ended before the answer");
    expect_error("hello\r\n\r\n", "not HTTP");
    expect_error("HTTP/1.1 xyz\r\n\r\n", "not HTTP");
    expect_error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "ended within the answer");
    expect_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "ended within the answer");
    expect_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "malformed");
}
END_TEST

START_TEST(silence_ends_in_time) {
    server.stays_silent = true;
    expect_error("", "no answer in time");
}
END_TEST

START_TEST(addresses_are_checked) {
    static const char *const urls[] = {"", "http://", "http://h:x", "http://:80", "http://h:1/a b", "https://", "https://u:secret@h", "http://token@h:1/", "ftp://h"};
    struct httpclient_limits limits = {1000, 300, NULL};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char *why = NULL;
        ck_assert_msg(httpclient_ask(&status, urls[i], span_text(""), &limits, &why) == NULL, "%s", urls[i]);
        ck_assert_ptr_nonnull(strstr(why, "http://host:port or https://host is wanted"));
        ck_assert(strstr(why, "secret") == NULL && strstr(why, "token@") == NULL);
        free(why);
    }
    char *why = NULL;
    ck_assert_ptr_null(httpclient_ask(&status, "tcp://127.0.0.1:1", span_text(""), &limits, &why));
    ck_assert_ptr_nonnull(strstr(why, "127.0.0.1:1: Connection refused"));
    free(why);
}
END_TEST

Suite *suite_httpclient(void);
Suite *suite_httpclient(void) {
    Suite *suite = suite_create("httpclient");
    TCase *tests = tcase_create("httpclient");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, answers_of_every_framing_are_read);
    tcase_add_test(tests, a_body_is_posted_and_no_body_asks);
    tcase_add_test(tests, answers_above_the_limit_are_refused);
    tcase_add_test(tests, compressed_answers_are_refused);
    tcase_add_test(tests, broken_answers_are_refused);
    tcase_add_test(tests, silence_ends_in_time);
    tcase_add_test(tests, addresses_are_checked);
    suite_add_tcase(suite, tests);
    return suite;
}
