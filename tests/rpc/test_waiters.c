/* broadcast_tx_commit: who waits, who is woken, who gives up. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/text.h"
#include "tests/rpc/lab.h"

static struct lab lab;

static void open_lab(void) { lab_open(&lab, &(struct rpc_config){.timeout_broadcast_tx_commit_ms = 60}, 2); }
static void close_lab(void) { lab_close(&lab); }

static void ask(struct lab_reply *reply, const char *tx) {
    char body[256], base64[100];
    text_base64(base64, span_text(tx));
    snprintf(body, sizeof body, "{\"id\":1,\"method\":\"broadcast_tx_commit\",\"params\":{\"tx\":\"%s\"}}", base64);
    lab_post(&lab, reply, body);
}

START_TEST(the_answer_comes_with_the_block_and_its_result) {
    struct lab_reply reply;
    ask(&reply, "k=v");
    lab_turn(&lab);
    ck_assert(!reply.came);
    lab_commit(&lab);
    ck_assert(!reply.came); /* not from inside the application of the block */
    lab_turn(&lab);
    ck_assert(reply.came);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_msg(strncmp(reply.text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"check_tx\":{\"code\":0,\"data\":null,\"log\":\"\",\"info\":\"\",\"gas_wanted\":\"1\",", 98) == 0,
                  "%s", reply.text);
    ck_assert_ptr_nonnull(strstr(reply.text, "\"tx_result\":{\"code\":0,\"data\":null,\"log\":\"\",\"info\":\"\",\"gas_wanted\":\"0\",\"gas_used\":\"0\",\"events\":[{\"type\":\"app\""));
    ck_assert_ptr_nonnull(strstr(reply.text, "\"height\":\"3\"}}"));
    lab_reply_close(&reply);
}
END_TEST

START_TEST(whoever_waits_too_long_is_told_so) {
    struct lab_reply one, other;
    ask(&one, "k=v");
    ask(&other, "l=w");
    usleep(80000);
    event_base_loop(lab.base, EVLOOP_ONCE);
    ck_assert(one.came && other.came);
    ck_assert_str_eq(one.text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"timed out waiting for tx to be included "
                               "in a block\"}}");
    lab_reply_close(&one);
    lab_reply_close(&other);
    lab_commit(&lab); /* nobody is there to wake */
    lab_turn(&lab);
}
END_TEST

START_TEST(only_the_transactions_of_the_block_wake) {
    struct lab_reply replies[5];
    ask(&replies[0], "a=1");
    ask(&replies[1], "b=1");
    lab_commit(&lab);
    ask(&replies[2], "c=1");
    lab_turn(&lab);
    ck_assert(replies[0].came && replies[1].came && !replies[2].came);
    lab_commit(&lab);
    lab_turn(&lab);
    ck_assert(replies[2].came);
    for (int i = 0; i < 3; i++)
        lab_reply_close(&replies[i]);
}
END_TEST

START_TEST(many_are_woken_by_one_block) {
    enum { MANY = 20 };
    struct lab_reply replies[MANY];
    lab_close(&lab);
    lab_open_wide(&lab, NULL, 1, MANY);
    for (int i = 0; i < MANY; i++) {
        char tx[32];
        snprintf(tx, sizeof tx, "k%d=v", i);
        ask(&replies[i], tx);
    }
    lab_commit(&lab);
    lab_turn(&lab);
    for (int i = 0; i < MANY; i++) {
        ck_assert_msg(replies[i].came && strstr(replies[i].text, "\"height\":\"2\"") != NULL, "%d: %s", i, replies[i].came ? replies[i].text : "nothing");
        lab_reply_close(&replies[i]);
    }
}
END_TEST

START_TEST(a_batch_goes_on_where_it_waited) {
    struct lab_reply reply;
    lab_post(&lab, &reply,
             "[{\"id\":1,\"method\":\"health\"},{\"id\":2,\"method\":\"broadcast_tx_commit\",\"params\":[\"az12\"]},{\"method\":\"health\"},{\"id\":3,\"method\":\"health\"},"
             "{\"id\":4,\"method\":\"broadcast_tx_commit\",\"params\":[\"az13\"]}]");
    lab_commit(&lab);
    lab_turn(&lab);
    ck_assert(!reply.came);
    lab_commit(&lab);
    lab_turn(&lab);
    ck_assert(reply.came);
    json_t *answers = json_loads(reply.text, 0, NULL);
    ck_assert_msg(json_array_size(answers) == 4, "%s", reply.text);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(answers, i), "id")), (json_int_t)i + 1);
    ck_assert_ptr_nonnull(strstr(reply.text, "\"height\":\"4\""));
    json_decref(answers);
    lab_reply_close(&reply);
}
END_TEST

START_TEST(a_uri_call_may_wait_too) {
    struct lab_reply reply;
    lab_uri(&lab, &reply, "broadcast_tx_commit", "tx=\"k=v\"");
    lab_commit(&lab);
    lab_turn(&lab);
    ck_assert(reply.came && reply.status == 200 && strstr(reply.text, "\"height\":\"3\"") != NULL);
    lab_reply_close(&reply);
}
END_TEST

START_TEST(a_stop_answers_whoever_waits) {
    struct lab_reply reply;
    ask(&reply, "k=v");
    lab_close(&lab);
    ck_assert(reply.came && strstr(reply.text, "the node is stopping") != NULL);
    lab_reply_close(&reply);
    lab_open(&lab, NULL, 0);
}
END_TEST

START_TEST(the_queue_is_bounded) {
    lab_close(&lab);
    lab_open_wide(&lab, NULL, 1, 2000);
    static struct lab_reply replies[RPC_WAITERS_MAX + 1];
    for (int i = 0; i <= RPC_WAITERS_MAX; i++) {
        char tx[32];
        snprintf(tx, sizeof tx, "k%d=v", i);
        ask(&replies[i], tx);
        ck_assert_msg(replies[i].came == (i == RPC_WAITERS_MAX), "%d", i);
    }
    ck_assert_ptr_nonnull(strstr(replies[RPC_WAITERS_MAX].text, "max_subscription_clients 1024 reached"));
    lab_commit(&lab);
    lab_turn(&lab);
    for (int i = 0; i <= RPC_WAITERS_MAX; i++) {
        ck_assert(replies[i].came);
        lab_reply_close(&replies[i]);
    }
}
END_TEST

Suite *suite_waiters(void);
Suite *suite_waiters(void) {
    Suite *suite = suite_create("waiters");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, open_lab, close_lab);
    tcase_add_test(all, the_answer_comes_with_the_block_and_its_result);
    tcase_add_test(all, whoever_waits_too_long_is_told_so);
    tcase_add_test(all, only_the_transactions_of_the_block_wake);
    tcase_add_test(all, many_are_woken_by_one_block);
    tcase_add_test(all, a_batch_goes_on_where_it_waited);
    tcase_add_test(all, a_uri_call_may_wait_too);
    tcase_add_test(all, a_stop_answers_whoever_waits);
    tcase_add_test(all, the_queue_is_bounded);
    suite_add_tcase(suite, all);
    return suite;
}
