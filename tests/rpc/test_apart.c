/* rpc on its own thread: the test is the core's. */
#define _GNU_SOURCE /* memmem */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/text.h"
#include "tests/rpc/lab.h"

static struct lab lab;

static void open_lab(void) { lab_open(&lab, &(struct rpc_config){.apart = true, .core_questions_max = 3, .timeout_broadcast_tx_commit_ms = 60000}, 4); }
static void close_lab(void) { lab_close(&lab); }

static void ask_uri(int sock, const char *target) {
    char text[512];
    snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    lab_send(&lab, sock, span_text(text));
}

static char *fetch(struct lab *from, const char *target) {
    char text[512];
    struct lab_reply reply;
    snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", target);
    int sock = lab_connect(from);
    lab_send(from, sock, span_text(text));
    lab_receive(from, &reply, sock, 30000);
    close(sock);
    ck_assert_msg(reply.came, "no answer to %s", target);
    free(reply.head);
    return reply.text;
}

START_TEST(every_method_answers_as_on_the_cores_own_thread) {
    static const char *const targets[] = {
        "health", "status", "net_info", "blockchain", "genesis", "genesis_chunked?chunk=0", "block", "block?height=3", "block_results?height=3", "commit",
        "commit?height=2", "header?height=1", "validators", "consensus_params", "consensus_state", "dump_consensus_state", "unconfirmed_txs",
        "num_unconfirmed_txs", "abci_info", "abci_query?data=0x61", "check_tx?tx=\"q=1\"", "broadcast_tx_sync?tx=\"b=2\"", "broadcast_tx_sync?tx=\"b=2\"",
        "unconfirmed_txs", "broadcast_tx_async?tx=\"c=3\"", "block?height=99", "block?height=-1", "broadcast_evidence?evidence={}"};
    struct lab near;
    lab.peer_count = 2;
    lab_open(&near, NULL, 4);
    near.peer_count = 2;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        char *one = fetch(&lab, targets[i]), *other = fetch(&near, targets[i]);
        ck_assert_str_eq(one, other);
        free(one);
        free(other);
    }
    lab_close(&near);
}
END_TEST

START_TEST(the_past_is_read_while_the_core_does_not_turn) {
    struct lab_reply reply = {0};
    int sock = lab_connect(&lab);
    char text[] = "GET /block?height=3 HTTP/1.1\r\nHost: a\r\n\r\n", answer[65536];
    ck_assert_int_eq(write(sock, text, sizeof text - 1), sizeof text - 1);
    ssize_t got = -1;
    for (int i = 0; i < 3000 && got <= 0; i++) {
        usleep(10000);
        got = read(sock, answer, sizeof answer);
    }
    ck_assert_int_gt(got, 100);
    ck_assert_ptr_nonnull(memmem(answer, (size_t)got, "\"height\":\"3\"", 12));
    close(sock);
    lab_reply_close(&reply);
}
END_TEST

START_TEST(a_new_height_is_seen_at_once) {
    for (int i = 5; i < 15; i++) {
        char wanted[64], *text;
        lab_commit(&lab);
        snprintf(wanted, sizeof wanted, "\"latest_block_height\":\"%d\"", i);
        text = fetch(&lab, "status");
        ck_assert_ptr_nonnull(strstr(text, wanted));
        free(text);
    }
}
END_TEST

/* Waits until as many transactions as that came to the core. */
static void turn_until(uint32_t submitted) {
    for (int i = 0; i < 30000 && lab.submitted < submitted; i++) {
        usleep(1000);
        lab_turn(&lab);
    }
    ck_assert_uint_eq(lab.submitted, submitted);
}

START_TEST(who_waits_for_a_commit_is_answered_with_its_block) {
    struct lab_reply reply;
    int sock = lab_connect(&lab), other = lab_connect(&lab);
    ask_uri(sock, "broadcast_tx_commit?tx=\"a=1\"");
    ask_uri(other, "broadcast_tx_commit?tx=\"b=1\"");
    turn_until(2);
    lab_commit(&lab);
    lab_receive(&lab, &reply, sock, 30000);
    ck_assert(reply.came && strstr(reply.text, "\"height\":\"5\"}") != NULL);
    lab_reply_close(&reply);
    lab_receive(&lab, &reply, other, 30000);
    ck_assert(reply.came && strstr(reply.text, "\"height\":\"5\"}") != NULL);
    lab_reply_close(&reply);
    ask_uri(sock, "broadcast_tx_commit?tx=\"c=1\"");
    turn_until(3);
    lab_commit(&lab);
    lab_receive(&lab, &reply, sock, 30000);
    ck_assert(reply.came && strstr(reply.text, "\"height\":\"6\"}") != NULL);
    lab_reply_close(&reply);
    close(sock);
    close(other);
}
END_TEST

START_TEST(a_transaction_committed_while_it_is_handed_in_is_not_missed) {
    struct lab_reply reply;
    int sock = lab_connect(&lab), other = lab_connect(&lab);
    lab.commits_at_once = true;
    for (int i = 0; i < 5; i++) {
        char target[64];
        snprintf(target, sizeof target, "broadcast_tx_commit?tx=\"a=%d\"", i);
        ask_uri(sock, target);
        lab_receive(&lab, &reply, sock, 30000);
        ck_assert(reply.came && strstr(reply.text, "\"tx_result\":{\"code\":0") != NULL);
        lab_reply_close(&reply);
    }
    lab.commits_at_once = false; /* now somebody waits already, for something else */
    ask_uri(other, "broadcast_tx_commit?tx=\"x=1\"");
    turn_until(6);
    lab.commits_at_once = true;
    ask_uri(sock, "broadcast_tx_commit?tx=\"y=1\"");
    lab_receive(&lab, &reply, sock, 30000);
    ck_assert(reply.came && strstr(reply.text, "\"tx_result\":{\"code\":0") != NULL);
    lab_reply_close(&reply);
    lab_receive(&lab, &reply, other, 30000);
    ck_assert(reply.came && strstr(reply.text, "\"tx_result\":{\"code\":0") != NULL);
    lab_reply_close(&reply);
    close(sock);
    close(other);
}
END_TEST

static void *send_questions(void *context) {
    int *socks = context;
    static const char text[] = "GET /num_unconfirmed_txs HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 8; i++)
        if (write(socks[i], text, sizeof text - 1) != sizeof text - 1)
            abort();
    return NULL;
}

/* The core stands still, so its mailbox of three fills. */
START_TEST(more_questions_than_there_is_room_for_are_answered_busy) {
    int socks[8], busy = 0, good = 0;
    char answers[8][4096];
    for (int i = 0; i < 8; i++)
        socks[i] = lab_connect(&lab);
    send_questions(socks);
    for (int i = 0; i < 30000 && busy < 5; i++) {
        usleep(1000);
        for (int k = 0; k < 8; k++) {
            ssize_t got = read(socks[k], answers[k], sizeof answers[k]);
            busy += got > 0 && memmem(answers[k], (size_t)got, "the node is busy", 16) != NULL && memcmp(answers[k], "HTTP/1.1 500", 12) == 0;
        }
    }
    ck_assert_int_eq(busy, 5);
    for (int i = 0; i < 30000 && good < 3; i++) {
        usleep(1000);
        lab_turn(&lab);
        for (int k = 0; k < 8; k++) {
            ssize_t got = read(socks[k], answers[k], sizeof answers[k]);
            good += got > 0 && memmem(answers[k], (size_t)got, "\"n_txs\":\"0\"", 11) != NULL;
        }
    }
    ck_assert_int_eq(good, 3);
    for (int i = 0; i < 8; i++)
        close(socks[i]);
}
END_TEST

START_TEST(a_client_that_leaves_while_the_core_has_its_question_is_forgotten) {
    for (int round = 0; round < 50; round++) {
        static const char text[] = "GET /abci_query?data=0x6161&path=\"/store\" HTTP/1.1\r\nHost: a\r\n\r\n";
        int sock = lab_connect(&lab);
        ck_assert_int_eq(write(sock, text, sizeof text - 1), sizeof text - 1);
        usleep(round * 50);
        close(sock);
        lab_turn(&lab);
    }
    char *text = fetch(&lab, "health");
    ck_assert_str_eq(text, "{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":{}}");
    free(text);
}
END_TEST

START_TEST(a_stop_with_questions_under_way_is_clean) {
    static const char one[] = "GET /num_unconfirmed_txs HTTP/1.1\r\nHost: a\r\n\r\n", two[] = "GET /broadcast_tx_commit?tx=\"a=1\" HTTP/1.1\r\nHost: a\r\n\r\n";
    int asks = lab_connect(&lab), waits = lab_connect(&lab);
    char answer[4096];
    ck_assert_int_eq(write(waits, two, sizeof two - 1), sizeof two - 1);
    turn_until(1);
    ck_assert_int_eq(write(asks, one, sizeof one - 1), sizeof one - 1);
    usleep(20000);
    rpc_stop(lab.rpc);
    ssize_t got = read(waits, answer, sizeof answer - 1);
    ck_assert_int_gt(got, 0);
    answer[got] = '\0';
    ck_assert_ptr_nonnull(strstr(answer, "the node is stopping"));
    ck_assert_int_le(read(asks, answer, sizeof answer), 0);
    close(asks);
    close(waits);
    lab.rpc = NULL;
}
END_TEST

START_TEST(the_core_answers_in_portions) {
    enum { CLIENTS = 60 };
    int socks[CLIENTS];
    lab_close(&lab);
    lab_open_wide(&lab, &(struct rpc_config){.apart = true}, 1, 100);
    lab.submit_us = 700;
    for (int i = 0; i < CLIENTS; i++) {
        char text[128];
        socks[i] = lab_connect(&lab);
        int size = snprintf(text, sizeof text, "GET /broadcast_tx_async?tx=\"k%d=1\" HTTP/1.1\r\nHost: a\r\n\r\n", i);
        ck_assert_int_eq(write(socks[i], text, (size_t)size), size);
    }
    usleep(100000); /* most of them wait by now */
    for (int turn = 0; turn < 30000 && lab.submitted < CLIENTS; turn++) {
        uint32_t before = lab.submitted;
        event_base_loop(lab.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        ck_assert_uint_le(lab.submitted - before, 2);
        if (lab.submitted == before)
            usleep(1000);
    }
    ck_assert_uint_eq(lab.submitted, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        close(socks[i]);
}
END_TEST

Suite *suite_apart(void);
Suite *suite_apart(void) {
    Suite *suite = suite_create("apart");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, open_lab, close_lab);
    tcase_add_test(all, every_method_answers_as_on_the_cores_own_thread);
    tcase_add_test(all, the_past_is_read_while_the_core_does_not_turn);
    tcase_add_test(all, a_new_height_is_seen_at_once);
    tcase_add_test(all, who_waits_for_a_commit_is_answered_with_its_block);
    tcase_add_test(all, a_transaction_committed_while_it_is_handed_in_is_not_missed);
    tcase_add_test(all, more_questions_than_there_is_room_for_are_answered_busy);
    tcase_add_test(all, a_client_that_leaves_while_the_core_has_its_question_is_forgotten);
    tcase_add_test(all, a_stop_with_questions_under_way_is_clean);
    tcase_add_test(all, the_core_answers_in_portions);
    suite_add_tcase(suite, all);
    return suite;
}
