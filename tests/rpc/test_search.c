#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rpc/lab.h"

static struct lab lab;

/* Heights 1 to 5; the third has two transactions, then one with a key of its own and the same again. */
static void setup(void) {
    lab_open(&lab, NULL, 5);
    chain_step(&lab.chain, (const char *[]){"deep=sea"}, 1);
    chain_step(&lab.chain, (const char *[]){"other=x", "deep=blue", "more=y"}, 3);
}

static void teardown(void) { lab_close(&lab); }

/* The "height/index" of what is found, and the number in all. */
static void txs(const char *params, const char *expected) {
    char found[1024] = "";
    size_t i;
    json_t *result = lab_result(&lab, "tx_search", params), *tx;
    json_array_foreach(json_object_get(result, "txs"), i, tx) {
        size_t at = strlen(found);
        snprintf(found + at, sizeof found - at, "%s/%lld ", json_string_value(json_object_get(tx, "height")),
                 (long long)json_integer_value(json_object_get(tx, "index")));
    }
    strcat(found, json_string_value(json_object_get(result, "total_count")));
    ck_assert_msg(strcmp(found, expected) == 0, "%s: %s, not %s", params, found, expected);
    json_decref(result);
}

static void fails(const char *method, const char *params, const char *expected) {
    char *error = lab_error(&lab, method, params);
    ck_assert_str_eq(error, expected);
    free(error);
}

START_TEST(transactions_are_found_in_the_order_that_was_asked_for) {
    txs("{\"query\":\"app.key = 'deep'\"}", "6/0 7/1 2");
    txs("{\"query\":\"app.key = 'deep'\",\"order_by\":\"asc\"}", "6/0 7/1 2");
    txs("{\"query\":\"app.key = 'deep'\",\"order_by\":\"desc\"}", "7/1 6/0 2");
    txs("{\"query\":\"tx.height = 7\",\"order_by\":\"desc\"}", "7/2 7/1 7/0 3");
    txs("{\"query\":\"tx.height > 100\"}", "0");
    fails("tx_search", "{\"query\":\"tx.height = 7\",\"order_by\":\"up\"}", "expected order_by to be either `asc` or `desc` or empty");
}
END_TEST

START_TEST(pages_are_cut_after_sorting) {
    txs("{\"query\":\"tx.height > 0\",\"per_page\":\"2\"}", "3/0 3/1 6");
    txs("{\"query\":\"tx.height > 0\",\"per_page\":\"2\",\"page\":\"3\"}", "7/1 7/2 6");
    txs("{\"query\":\"tx.height > 0\",\"per_page\":\"4\",\"page\":\"2\",\"order_by\":\"desc\"}", "3/1 3/0 6");
    txs("{\"query\":\"tx.height > 0\",\"per_page\":\"1000\"}", "3/0 3/1 6/0 7/0 7/1 7/2 6");
    txs("{\"query\":\"tx.height > 100\",\"page\":\"1\"}", "0");
    fails("tx_search", "{\"query\":\"tx.height > 0\",\"per_page\":\"2\",\"page\":\"4\"}", "page should be within [1, 3] range, given 4");
    fails("tx_search", "{\"query\":\"tx.height > 0\",\"page\":\"0\"}", "page should be within [1, 1] range, given 0");
}
END_TEST

START_TEST(a_found_transaction_looks_as_the_one_asked_for_by_its_hash) {
    char params[300];
    json_t *result = lab_result(&lab, "tx_search", "{\"query\":\"app.key = 'other'\",\"prove\":true}");
    json_t *found = json_array_get(json_object_get(result, "txs"), 0);
    snprintf(params, sizeof params, "hash=0x%s&prove=true", json_string_value(json_object_get(found, "hash")));
    struct lab_reply reply;
    lab_uri(&lab, &reply, "tx", params);
    json_error_t error;
    json_t *answer = json_loads(reply.text, 0, &error), *asked = json_object_get(answer, "result");
    ck_assert(json_equal(asked, found));
    ck_assert_ptr_nonnull(json_object_get(found, "proof"));
    snprintf(params, sizeof params, "{\"query\":\"tx.hash = '%s'\"}", json_string_value(json_object_get(found, "hash")));
    txs(params, "7/0 1");
    json_decref(answer);
    json_decref(result);
    lab_reply_close(&reply);
    result = lab_result(&lab, "tx_search", "{\"query\":\"app.key = 'other'\"}");
    ck_assert_ptr_null(json_object_get(json_array_get(json_object_get(result, "txs"), 0), "proof"));
    json_decref(result);
}
END_TEST

/* CosmJS refuses an answer without it. */
START_TEST(the_proof_of_a_lone_transaction_has_an_empty_list_of_aunts) {
    json_t *result = lab_result(&lab, "tx_search", "{\"query\":\"tx.height = 6\",\"prove\":true}");
    json_t *proof = json_object_get(json_object_get(json_array_get(json_object_get(result, "txs"), 0), "proof"), "proof");
    ck_assert_str_eq(json_string_value(json_object_get(proof, "total")), "1");
    ck_assert(json_is_array(json_object_get(proof, "aunts")));
    ck_assert_uint_eq(json_array_size(json_object_get(proof, "aunts")), 0);
    json_decref(result);
}
END_TEST

START_TEST(blocks_come_with_their_ids_newest_first) {
    json_t *result = lab_result(&lab, "block_search", "{\"query\":\"block.height > 3 AND block.height <= 5\"}");
    json_t *first = json_array_get(json_object_get(result, "blocks"), 0), *block = lab_result(&lab, "block", "{\"height\":\"5\"}");
    ck_assert_str_eq(json_string_value(json_object_get(result, "total_count")), "2");
    ck_assert(json_equal(first, block));
    json_decref(result);
    result = lab_result(&lab, "block_search", "{\"query\":\"block.height > 3\",\"order_by\":\"asc\",\"per_page\":\"1\",\"page\":\"2\"}");
    first = json_array_get(json_object_get(result, "blocks"), 0);
    ck_assert(json_equal(first, block));
    json_decref(result);
    json_decref(block);
}
END_TEST

START_TEST(what_cannot_be_searched_is_said_as_cometbft_says_it) {
    char params[700] = "{\"query\":\"a = '";
    fails("tx_search", "{\"query\":\"\"}", "offset 0: EOF");
    fails("tx_search", "{}", "offset 0: EOF");
    fails("block_search", "{\"query\":\"a OR b\"}",
          "offset 2: got tag, wanted <= operator, >= operator, < operator, > operator, = operator, CONTAINS operator or EXISTS operator");
    memset(params + strlen(params), 'x', 512);
    strcat(params, "'\"}");
    fails("tx_search", params, "maximum query length exceeded");
    lab.chain.ledger.index_transactions = false;
    fails("tx_search", "{\"query\":\"tx.height > 0\"}", "transaction indexing is disabled");
    fails("block_search", "{\"query\":\"block.height > 0\"}", "block indexing is disabled");
}
END_TEST

START_TEST(results_that_are_not_served_as_such_are_still_those_of_found_transactions) {
    lab.chain.ledger.keep_results = false;
    txs("{\"query\":\"app.key = 'deep'\"}", "6/0 7/1 2");
    fails("block_results", "{\"height\":\"6\"}", "node is not persisting finalize block responses");
}
END_TEST

START_TEST(heights_below_the_pruned_ones_are_not_searched) {
    ledger_prune_to(&lab.chain.ledger, &(struct ledger_retain){.index = 7}, 100);
    txs("{\"query\":\"app.key = 'deep'\"}", "7/1 1");
    txs("{\"query\":\"tx.height > 0\"}", "7/0 7/1 7/2 3");
    ck_assert_int_eq(lab.chain.ledger.base, 1);
    json_t *block = lab_result(&lab, "block_results", "{\"height\":\"6\"}");
    json_decref(block);
}
END_TEST

Suite *suite_search(void);
Suite *suite_search(void) {
    Suite *suite = suite_create("search");
    TCase *tcase = tcase_create("search");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, transactions_are_found_in_the_order_that_was_asked_for);
    tcase_add_test(tcase, pages_are_cut_after_sorting);
    tcase_add_test(tcase, a_found_transaction_looks_as_the_one_asked_for_by_its_hash);
    tcase_add_test(tcase, the_proof_of_a_lone_transaction_has_an_empty_list_of_aunts);
    tcase_add_test(tcase, blocks_come_with_their_ids_newest_first);
    tcase_add_test(tcase, what_cannot_be_searched_is_said_as_cometbft_says_it);
    tcase_add_test(tcase, results_that_are_not_served_as_such_are_still_those_of_found_transactions);
    tcase_add_test(tcase, heights_below_the_pruned_ones_are_not_searched);
    suite_add_tcase(suite, tcase);
    return suite;
}
