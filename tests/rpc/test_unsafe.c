#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/rpc/lab.h"

static struct lab lab;

static void expect(const char *body, const char *answer) {
    struct lab_reply reply;
    lab_post(&lab, &reply, body);
    ck_assert_str_eq(reply.text, answer);
    lab_reply_close(&reply);
}

START_TEST(unsafe_methods_are_unknown_unless_they_are_on) {
    static const char *const methods[] = {"dial_seeds", "dial_peers", "unsafe_flush_mempool"};
    lab_open(&lab, NULL, 1);
    for (size_t i = 0; i < 3; i++) {
        char body[128];
        struct lab_reply reply;
        snprintf(body, sizeof body, "{\"id\":1,\"method\":\"%s\"}", methods[i]);
        expect(body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
        lab_uri(&lab, &reply, methods[i], "");
        ck_assert_int_eq(reply.status, 404);
        lab_reply_close(&reply);
    }
    lab_close(&lab);
}
END_TEST

START_TEST(peers_and_seeds_are_dialled_and_the_mempool_is_emptied) {
    struct lab_reply reply;
    lab_open(&lab, &(struct rpc_config){.unsafe = true}, 1);
    expect("{\"id\":1,\"method\":\"dial_seeds\",\"params\":{\"seeds\":[\"aa@1.2.3.4:5\",\"bb@h:6\"]}}",
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"log\":\"Dialing seeds in progress. See /net_info for details\"}}");
    ck_assert_str_eq(lab.dialled, " aa@1.2.3.4:5,bb@h:6");
    lab_uri(&lab, &reply, "dial_peers", "persistent=true&private=true&unconditional=true&peers=%5B%22cc@1.1.1.1:1%22%5D");
    ck_assert_str_eq(reply.text, "{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":{\"log\":\"Dialing peers in progress. See /net_info for details\"}}");
    ck_assert_str_eq(lab.dialled, "pur cc@1.1.1.1:1");
    lab_reply_close(&reply);
    expect("{\"id\":1,\"method\":\"dial_peers\"}",
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"no peers provided\"}}");
    expect("{\"id\":1,\"method\":\"dial_seeds\",\"params\":[[]]}",
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"no seeds provided\"}}");
    expect("{\"id\":1,\"method\":\"dial_seeds\",\"params\":[[\"bad\"]]}",
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"\\\"bad\\\": no\"}}");
    static const char *const wrong[] = {"[\"x\"]", "[[1]]", "[[\"a,b\"]]", "{\"seeds\":{}}", "[[\"a\\u0000b\"]]"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"id\":1,\"method\":\"dial_seeds\",\"params\":%s}", wrong[i]);
        lab_post(&lab, &reply, body);
        ck_assert_msg(strstr(reply.text, "\"code\":-32602") != NULL, "%s: %s", wrong[i], reply.text);
        lab_reply_close(&reply);
    }
    json_decref(lab_result(&lab, "broadcast_tx_sync", "[\"YT1i\"]"));
    ck_assert_uint_eq(mempool_count(lab.mempool), 1);
    expect("{\"id\":1,\"method\":\"unsafe_flush_mempool\"}", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    ck_assert_uint_eq(mempool_count(lab.mempool), 0);
    lab_close(&lab);
}
END_TEST

Suite *suite_unsafe(void);
Suite *suite_unsafe(void) {
    Suite *suite = suite_create("unsafe");
    TCase *all = tcase_create("all");
    tcase_add_test(all, unsafe_methods_are_unknown_unless_they_are_on);
    tcase_add_test(all, peers_and_seeds_are_dialled_and_the_mempool_is_emptied);
    suite_add_tcase(suite, all);
    return suite;
}
