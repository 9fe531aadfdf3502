#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ledger/chain.h"
#include "tests/ledger/eventful.h"

static struct kv *kv;
static struct eventful chain;
static struct search search;

static void give_up(void *context, const char *what) __attribute__((noreturn));
static void give_up(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void setup(void) {
    kv = kv_memory_new((struct kv_failure){NULL, give_up});
    eventful_open(&chain, kv);
}

static void teardown(void) {
    search_close(&search);
    eventful_close(&chain);
    kv_close(kv);
}

#define ADD(block, ...) \
    eventful_add(&chain, block, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static bool run(enum index_kind kind, const char *text, uint64_t work_max) {
    struct query query;
    char error[QUERY_ERROR_BYTES];
    ck_assert_msg(query_parse(&query, error, span_text(text)), "%s: %s", text, error);
    search_close(&search);
    bool good = search_run(&search, &chain.ledger, kind, &query, work_max);
    query_close(&query);
    return good;
}

/* "height/tx height/tx …" */
static void expect(enum index_kind kind, const char *text, const char *expected) {
    char found[4096] = "";
    ck_assert_msg(run(kind, text, SEARCH_WORK_MAX), "%s: %s", text, search.error);
    for (uint32_t i = 0; i < search.count; i++) {
        size_t at = strlen(found);
        if (kind == INDEX_TXS)
            snprintf(found + at, sizeof found - at, "%s%" PRId64 "/%u", i == 0 ? "" : " ", search.hits[i].height, search.hits[i].tx);
        else
            snprintf(found + at, sizeof found - at, "%s%" PRId64, i == 0 ? "" : " ", search.hits[i].height);
    }
    ck_assert_msg(strcmp(found, expected) == 0, "%s: found \"%s\", not \"%s\"", text, found, expected);
}

static void txs(const char *text, const char *expected) { expect(INDEX_TXS, text, expected); }
static void blocks(const char *text, const char *expected) { expect(INDEX_BLOCKS, text, expected); }

static void some_chain(void) {
    ADD("", "transfer.sender=a transfer.amount=5", "transfer.sender=b transfer.amount=50atom");
    ADD("epoch.end=1", "transfer.sender=a transfer.amount=7 | transfer.sender=b transfer.amount=9", "fee.payer=a");
    ADD("epoch.end=2 | slash.power=-3", "transfer.sender=a !transfer.memo=x | transfer.amount=8.5");
    ADD("", "plain.x=");
}

static bool count_key(void *context, struct span key, struct span value) {
    (void)key;
    (void)value;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t count_keys(char letter) {
    struct key from = keys_plain(letter), to = keys_plain((char)(letter + 1));
    uint64_t count = 0;
    kv_scan(kv, keys_span(&from), keys_span(&to), false, count_key, &count);
    return count;
}

START_TEST(equality_is_of_texts) {
    some_chain();
    txs("transfer.sender = 'a'", "1/0 2/0 3/0");
    txs("transfer.sender = 'b'", "1/1 2/0");
    txs("transfer.amount = 5", "1/0");
    txs("transfer.amount = 05", "");
    txs("transfer.amount = 50", "");
    txs("fee.payer = 'a'", "2/1");
    txs("plain.x = ''", "4/0");
    txs("transfer.recipient = 'a'", "");
}
END_TEST

START_TEST(all_conditions_must_hold_for_one_event) {
    some_chain();
    txs("transfer.sender = 'a' AND transfer.amount = 7", "2/0");
    txs("transfer.sender = 'a' AND transfer.amount = 9", "");
    txs("transfer.sender = 'b' AND transfer.amount = 9", "2/0");
    txs("transfer.sender = 'a' AND transfer.amount > 1", "1/0 2/0");
    txs("transfer.sender = 'b' AND transfer.amount > 7", "2/0");
    txs("transfer.sender = 'a' AND fee.payer = 'a'", "");
    txs("transfer.sender = 'a' AND transfer.sender = 'b'", "");
}
END_TEST

START_TEST(ranges_take_whole_numbers_and_decimals_but_no_units) {
    some_chain();
    txs("transfer.amount > 5", "2/0 3/0");
    txs("transfer.amount >= 5", "1/0 2/0 3/0");
    txs("transfer.amount < 9 AND transfer.amount > 7", "3/0");
    txs("transfer.amount <= 9 AND transfer.amount > 7", "2/0 3/0");
    txs("transfer.amount > TIME 2013-05-03T14:45:00Z", "");
    txs("transfer.amount > 5 AND transfer.amount < DATE 2999-05-03", "");
    txs("transfer.sender > 5", "");
    blocks("slash.power < 3", "3");
    blocks("slash.power > 0", "");
}
END_TEST

START_TEST(exists_and_contains_want_the_whole_tag) {
    some_chain();
    txs("transfer.amount EXISTS", "1/0 1/1 2/0 3/0");
    txs("transfer EXISTS", "");
    txs("transfer.memo EXISTS", "");
    txs("transfer.amount CONTAINS 'atom'", "1/1");
    txs("transfer.amount CONTAINS '5' AND tx.height < 3", "1/0 1/1");
    txs("transfer.sender EXISTS AND transfer.amount EXISTS", "1/0 1/1 2/0");
}
END_TEST

START_TEST(the_height_chooses_among_heights) {
    some_chain();
    txs("tx.height = 2", "2/0 2/1");
    txs("tx.height = 02", "");
    txs("tx.height = 5", "");
    txs("tx.height > 2", "3/0 4/0");
    txs("tx.height >= 2.5", "3/0 4/0");
    txs("tx.height < 2.5", "1/0 1/1 2/0 2/1");
    txs("tx.height <= 1", "1/0 1/1");
    txs("tx.height > 99999999999999999999999", "");
    txs("tx.height < 99999999999999999999999", "1/0 1/1 2/0 2/1 3/0 4/0");
    txs("tx.height > 1 AND tx.height < 3", "2/0 2/1");
    txs("transfer.sender = 'a' AND tx.height = 2", "2/0");
    txs("transfer.sender = 'a' AND tx.height = 2.9", "2/0");
    txs("transfer.sender = 'a' AND tx.height > 1", "2/0 3/0");
    txs("tx.height = 3 AND tx.height = 1", "3/0");
    txs("tx.height = 1 AND tx.height > 2", "3/0 4/0");
    txs("tx.height EXISTS", "1/0 1/1 2/0 2/1 3/0 4/0");
    txs("tx.height CONTAINS '3'", "3/0");
    txs("tx.height EXISTS AND transfer.sender = 'a'", "");
    txs("tx.height = 'x'", "");
    txs("tx.height = 'x' AND transfer.sender = 'a'", "1/0 2/0 3/0");
    txs("tx.height > DATE 2013-05-03", "");
    txs("transfer.amount > 5 AND tx.height = 3", "3/0");
}
END_TEST

START_TEST(blocks_are_found_by_their_own_events) {
    some_chain();
    blocks("epoch.end = 2", "3");
    blocks("epoch.end EXISTS", "2 3");
    blocks("transfer.sender = 'a'", "");
    blocks("block.height = 03", "3");
    blocks("block.height > 1 AND block.height <= 3", "2 3");
    blocks("block.height = 9", "");
    blocks("block.height EXISTS", "");
    blocks("epoch.end EXISTS AND block.height < 3", "2");
    blocks("epoch.end > 1 AND block.height = 3", "3");
    blocks("epoch.end = 2 AND slash.power EXISTS", "");
    txs("epoch.end = 2", "");
}
END_TEST

START_TEST(reserved_names_and_nameless_things_are_not_indexed) {
    ADD("block.height=9 a.b=1", "tx.height=9 tx.hash=9 tx.other=9", ".x=1", "a.=1");
    txs("tx.other = 9", "1/0");
    txs("tx.height = 9", "");
    blocks("block.height = 9", "");
    blocks("a.b = 1", "1");
    txs("a. = 1", "");
}
END_TEST

START_TEST(a_hash_decides_alone) {
    some_chain();
    txs("tx.hash = 'AB' AND transfer.sender = 'a'", "");
    ck_assert(!run(INDEX_TXS, "transfer.sender = 'a' AND tx.hash = 'x'", SEARCH_WORK_MAX));
    ck_assert_str_eq(search.error, "error during searching for a hash in the query: encoding/hex: odd length hex string");
    ck_assert(!run(INDEX_TXS, "tx.hash EXISTS", SEARCH_WORK_MAX));
    ck_assert_str_eq(search.error, "error while retrieving the result: transaction hash cannot be empty");
}
END_TEST

START_TEST(what_is_forgotten_is_not_found_and_leaves_nothing) {
    some_chain();
    ADD("", "transfer.sender=a");
    for (int64_t height = 1; height <= 4; height++)
        eventful_forget(&chain, height);
    chain.ledger.pruned_index = 5;
    txs("transfer.sender = 'a'", "5/0");
    txs("tx.height > 0", "5/0");
    blocks("epoch.end EXISTS", "");
    eventful_forget(&chain, 5);
    ck_assert_uint_eq(count_keys('q') + count_keys('y') + count_keys('z'), 0);
}
END_TEST

START_TEST(many_of_one_height_come_in_order) {
    static const char *list[3000];
    for (int i = 0; i < 3000; i++)
        list[i] = i % 3 == 0 ? "a.x=1 | a.x=1 | b.y=2" : i % 3 == 1 ? "b.y=1 | a.x=1" : "b.y=3";
    eventful_add(&chain, "", list, 3000);
    ck_assert(run(INDEX_TXS, "a.x = 1", SEARCH_WORK_MAX));
    ck_assert_uint_eq(search.count, 2000);
    for (uint32_t i = 1; i < search.count; i++)
        ck_assert(search.hits[i - 1].tx < search.hits[i].tx);
    ck_assert(run(INDEX_TXS, "b.y > 1", SEARCH_WORK_MAX));
    ck_assert_uint_eq(search.count, 2000);
}
END_TEST

START_TEST(the_rarer_value_leads_however_the_query_is_ordered) {
    for (int i = 0; i < 3000; i++)
        ADD("", i == 1500 ? "m.module=bank m.sender=rare" : "m.module=bank m.sender=often");
    uint64_t work = 3000 * 60; /* much less than reading all that have the module */
    ck_assert_msg(run(INDEX_TXS, "m.module = 'bank' AND m.sender = 'rare'", work), "%s", search.error);
    ck_assert_uint_eq(search.count, 1);
    ck_assert_int_eq(search.hits[0].height, 1501);
    ck_assert(run(INDEX_TXS, "m.sender = 'rare' AND m.module = 'bank'", work));
    ck_assert_uint_eq(search.count, 1);
    ck_assert(!run(INDEX_TXS, "m.module = 'bank'", work));
}
END_TEST

START_TEST(a_search_that_looks_at_too_much_gives_up_and_says_how_far_it_came) {
    for (int i = 0; i < 2000; i++)
        ADD("e.x=1", "a.x=1 a.y=2");
    static const char *const hostile[] = {"a.x = 1", "a.x EXISTS", "a.x > 0", "a.x CONTAINS ''", "tx.height > 0", "a.x = 1 AND a.y > 0"};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        ck_assert_msg(run(INDEX_TXS, hostile[i], SEARCH_WORK_MAX), "%s: %s", hostile[i], search.error);
        ck_assert_uint_eq(search.count, 2000);
        ck_assert_msg(!run(INDEX_TXS, hostile[i], 20000), "%s", hostile[i]);
        ck_assert_ptr_nonnull(strstr(search.error, "of 1 to 2000; narrow it with tx.height"));
    }
    ck_assert(!run(INDEX_BLOCKS, "e.x = 1", 20000));
    ck_assert_ptr_nonnull(strstr(search.error, "narrow it with block.height"));
    ck_assert(run(INDEX_TXS, "a.x = 1 AND tx.height > 1990", 20000));
    ck_assert_uint_eq(search.count, 10);
}
END_TEST

START_TEST(a_search_finds_no_more_than_it_may_keep) {
    static const char *list[10000];
    for (int i = 0; i < 10000; i++)
        list[i] = "a.x=1";
    for (int i = 0; i < 101; i++)
        eventful_add(&chain, "", list, 10000);
    ck_assert(!run(INDEX_TXS, "a.x = 1", UINT64_MAX));
    ck_assert_ptr_nonnull(strstr(search.error, "more than 1000000 results up to height 101 of 1 to 101"));
    ck_assert(!run(INDEX_TXS, "tx.height > 0", UINT64_MAX));
    ck_assert(run(INDEX_TXS, "a.x = 1 AND tx.height <= 100", UINT64_MAX));
    ck_assert_uint_eq(search.count, SEARCH_HITS_MAX);
}
END_TEST

START_TEST(a_value_under_ten_thousand_names_is_indexed_in_no_time) {
    char *text = malloc(1 << 20);
    size_t at = 0;
    for (int i = 0; i < 10000; i++)
        at += (size_t)snprintf(text + at, (1 << 20) - at, "%se.k%d=v", i == 0 ? "" : " ", i);
    ADD("", text);
    free(text);
    txs("e.k1 = 'v' AND e.k9999 = 'v'", "1/0");
    txs("e.k10000 = 'v'", "");
}
END_TEST

START_TEST(a_record_of_any_bytes_is_read_without_harm) {
    uint8_t bytes[64];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)rand() % sizeof bytes;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)rand();
        uint64_t tag = siphash_once(&index_salt, span_text("a.x"));
        for (unsigned i = 0; size >= 4 && i < 4 && round % 2 == 0; i++)
            bytes[i] = (uint8_t)(tag >> (8 * i));
        struct index_place place;
        struct index_run from = index_run_of(span_of(bytes, size), span_text("a.x"));
        for (int steps = 0; index_next(&from, &place); steps++)
            ck_assert_int_lt(steps, 64);
    }
}
END_TEST

/* ---- with a real ledger */

START_TEST(a_committed_transaction_is_found_at_once_and_gone_after_a_rollback) {
    struct chain real;
    struct query query;
    char error[QUERY_ERROR_BYTES];
    ck_assert(query_parse(&query, error, span_text("app.key = 'name'")));
    chain_open(&real, &(struct chain_config){.validators = 1});
    chain_step(&real, (const char *[]){"name=satoshi", "x=y"}, 2);
    chain_step(&real, (const char *[]){"name=again"}, 1);
    ck_assert(search_run(&search, &real.ledger, INDEX_TXS, &query, SEARCH_WORK_MAX));
    ck_assert_uint_eq(search.count, 2);
    ck_assert_int_eq(search.hits[1].height, 2);
    search_close(&search);
    ck_assert(ledger_rollback(&real.ledger, true));
    chain_reopen(&real);
    ck_assert(search_run(&search, &real.ledger, INDEX_TXS, &query, SEARCH_WORK_MAX));
    ck_assert_uint_eq(search.count, 1);
    ck_assert_ptr_null(index_value_at(real.ledger.kv, INDEX_TXS, span_text("name"), 2));
    query_close(&query);
    chain_close(&real);
}
END_TEST

Suite *suite_search(void);
Suite *suite_search(void) {
    Suite *suite = suite_create("search");
    TCase *tcase = tcase_create("search");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, equality_is_of_texts);
    tcase_add_test(tcase, all_conditions_must_hold_for_one_event);
    tcase_add_test(tcase, ranges_take_whole_numbers_and_decimals_but_no_units);
    tcase_add_test(tcase, exists_and_contains_want_the_whole_tag);
    tcase_add_test(tcase, the_height_chooses_among_heights);
    tcase_add_test(tcase, blocks_are_found_by_their_own_events);
    tcase_add_test(tcase, reserved_names_and_nameless_things_are_not_indexed);
    tcase_add_test(tcase, a_hash_decides_alone);
    tcase_add_test(tcase, what_is_forgotten_is_not_found_and_leaves_nothing);
    tcase_add_test(tcase, many_of_one_height_come_in_order);
    tcase_add_test(tcase, the_rarer_value_leads_however_the_query_is_ordered);
    tcase_add_test(tcase, a_search_that_looks_at_too_much_gives_up_and_says_how_far_it_came);
    tcase_add_test(tcase, a_search_finds_no_more_than_it_may_keep);
    tcase_add_test(tcase, a_value_under_ten_thousand_names_is_indexed_in_no_time);
    tcase_add_test(tcase, a_record_of_any_bytes_is_read_without_harm);
    tcase_add_test(tcase, a_committed_transaction_is_found_at_once_and_gone_after_a_rollback);
    suite_add_tcase(suite, tcase);
    return suite;
}
