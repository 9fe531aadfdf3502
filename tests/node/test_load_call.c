#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/load_call.h"

/* A node that answers one connection's questions, each after its own pause. */
struct slow_node {
    int fd;
    uint32_t count, pauses_ms[4];
    pthread_t thread;
    struct load_http_place place;
};

static void *serve(void *context) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}";
    struct slow_node *node = context;
    char question[4096];
    int fd = accept(node->fd, NULL, NULL);
    for (uint32_t i = 0; i < node->count && recv(fd, question, sizeof question, 0) > 0; i++) {
        struct timespec pause = {0, node->pauses_ms[i] * 1000000L};
        nanosleep(&pause, NULL);
        send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    }
    recv(fd, question, sizeof question, 0); /* until the other side has gone */
    close(fd);
    return NULL;
}

static void open_node(struct slow_node *node) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    char url[64];
    node->fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(node->fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(node->fd, 1), 0);
    getsockname(node->fd, (struct sockaddr *)&address, &size);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_ptr_null(load_http_resolve(&node->place, url));
    ck_assert_int_eq(pthread_create(&node->thread, NULL, serve, node), 0);
}

static void close_node(struct slow_node *node) {
    pthread_join(node->thread, NULL);
    close(node->fd);
}

START_TEST(the_time_of_an_answered_question_does_not_end_the_next_ones) {
    struct slow_node node = {.count = 2, .pauses_ms = {0, 300}};
    struct load_call call;
    struct span result;
    open_node(&node);
    load_call_open(&call, &node.place);
    ck_assert_msg(load_call_method(&call, &result, "status", "{}", 100), "%s", call.fault);
    ck_assert_msg(load_call_method(&call, &result, "status", "{}", 5000), "%s", call.fault);
    ck_assert_uint_eq(result.size, 2);
    load_call_close(&call);
    close_node(&node);
}
END_TEST

START_TEST(a_question_without_answer_ends_in_its_time) {
    struct slow_node node = {.count = 1, .pauses_ms = {400}};
    struct load_call call;
    struct span result;
    open_node(&node);
    load_call_open(&call, &node.place);
    ck_assert(!load_call_method(&call, &result, "status", "{}", 50));
    ck_assert_ptr_nonnull(strstr(call.fault, "no answer within 50 ms"));
    load_call_close(&call);
    close_node(&node);
}
END_TEST

Suite *suite_load_call(void);
Suite *suite_load_call(void) {
    Suite *suite = suite_create("load_call");
    TCase *tcase = tcase_create("load_call");
    tcase_add_test(tcase, the_time_of_an_answered_question_does_not_end_the_next_ones);
    tcase_add_test(tcase, a_question_without_answer_ends_in_its_time);
    suite_add_tcase(suite, tcase);
    return suite;
}
