/* Transactions from peer to peer. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/node/stranger.h"

struct seen {
    uint32_t messages, txs, to_sender, largest; /* bytes of the largest message with more than one transaction */
    uint32_t sender;
};

static bool watch(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    struct seen *seen = context;
    struct span *txs;
    uint32_t count;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    if (channel == WIRE_MEMPOOL && wire_txs_decode(&txs, &count, span_of(bytes, size), 1 << 20, &arena) == NULL) {
        seen->messages++;
        seen->txs += count;
        seen->to_sender += to == seen->sender ? count : 0;
        if (count > 1 && size > seen->largest)
            seen->largest = (uint32_t)size;
    }
    arena_close(&arena);
    return true;
}

static struct sim *network(uint32_t nodes, uint32_t tx_bytes_max) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = nodes;
    config.tx_bytes_max = tx_bytes_max;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    return sim;
}

static void submit(struct sim *sim, uint32_t node, uint32_t count, uint32_t first) {
    for (uint32_t i = 0; i < count; i++) {
        char tx[32];
        snprintf(tx, sizeof tx, "k%u=%u", first + i, first + i);
        ck_assert_int_eq(sim_submit(sim, node, tx), MEMPOOL_ADDED);
    }
}

START_TEST(each_peer_gets_a_transaction_of_ours_once_and_no_sender_gets_it_back) {
    struct sim *sim = network(4, 1 << 20);
    struct seen of_0 = {.sender = 1}, of_1 = {.sender = 0};
    sim_run_for(sim, 500);
    sim_kill(sim, 2);
    sim_kill(sim, 3); /* no block takes the transactions away */
    sim_run_for(sim, 1500);
    sim_set_twist(sim, 0, watch, &of_0);
    sim_set_twist(sim, 1, watch, &of_1);
    submit(sim, 0, 700, 0);
    sim_run_for(sim, 5000);
    ck_assert_uint_eq(mempool_count(sim_mempool(sim, 1)), 700);
    ck_assert_uint_eq(of_0.to_sender, 700);
    ck_assert_uint_eq(of_1.to_sender, 0);
    sim_free(sim);
}
END_TEST

START_TEST(a_peer_that_comes_later_gets_what_waits_whoever_sent_it) {
    struct sim *sim = network(4, 1 << 20);
    sim_kill(sim, 2);
    sim_kill(sim, 3);
    sim_run_for(sim, 1500);
    submit(sim, 0, 300, 0);
    submit(sim, 1, 300, 300);
    sim_run_for(sim, 1000);
    sim_kill(sim, 1);
    sim_run_for(sim, 3000);
    ck_assert(sim_start(sim, 1)); /* with an empty mempool */
    sim_run_for(sim, 2000);
    ck_assert_uint_eq(mempool_count(sim_mempool(sim, 1)), 600);
    sim_free(sim);
}
END_TEST

/* A CometBFT peer takes no more in one message than its largest transaction is. */
START_TEST(a_bundle_is_not_larger_than_the_largest_transaction_may_be) {
    struct sim *sim = network(4, 500);
    struct seen seen = {.sender = 1};
    sim_set_twist(sim, 0, watch, &seen);
    submit(sim, 0, 400, 0);
    sim_run_for(sim, 3000);
    ck_assert_uint_gt(seen.largest, 100);
    ck_assert_uint_le(seen.largest, 500);
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    sim_free(sim);
}
END_TEST

START_TEST(a_transaction_reaches_all_of_a_sparse_network) {
    struct sim *sim = network(7, 1 << 20);
    sim_partition(sim, 0x0f);
    sim_run_for(sim, 2000);
    submit(sim, 0, 20, 0);
    sim_run_for(sim, 2000);
    sim_partition(sim, 0);
    sim_run_for(sim, 20000);
    uint8_t hash[32];
    sha256_once(hash, span_text("k7=7"));
    for (uint32_t i = 0; i < 7; i++) {
        int64_t height;
        uint32_t index;
        ck_assert_msg(ledger_find_tx(sim_ledger(sim, i), hash, &height, &index), "node %u lacks it", i);
    }
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}
END_TEST

static bool swallow(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    uint32_t *swallowed = context;
    (void)to, (void)bytes, (void)size;
    *swallowed += channel == WIRE_MEMPOOL;
    return channel != WIRE_MEMPOOL;
}

/* Seed 700204: the validators had no room when a node that is none offered it, and nobody else had it. */
START_TEST(what_nobody_kept_is_offered_again_and_comes_into_a_block) {
    struct sim_config config;
    uint32_t swallowed = 0;
    sim_defaults(&config);
    config.nodes = 5;
    config.full_nodes = 1;
    config.engine.timeout_commit_ms = 10;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    sim_set_twist(sim, 4, swallow, &swallowed);
    submit(sim, 4, 1, 0);
    sim_run_for(sim, 1000);
    ck_assert_uint_eq(swallowed, 4);
    sim_set_twist(sim, 4, NULL, NULL);
    ck_assert(sim_run_to_height(sim, sim_ledger(sim, 4)->state.height + 50, 60000));
    ck_assert_uint_eq(mempool_count(sim_mempool(sim, 4)), 0);
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}
END_TEST

Suite *suite_txgossip(void);
Suite *suite_txgossip(void) {
    Suite *suite = suite_create("txgossip");
    TCase *tests = tcase_create("txgossip");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, each_peer_gets_a_transaction_of_ours_once_and_no_sender_gets_it_back);
    tcase_add_test(tests, a_peer_that_comes_later_gets_what_waits_whoever_sent_it);
    tcase_add_test(tests, a_bundle_is_not_larger_than_the_largest_transaction_may_be);
    tcase_add_test(tests, a_transaction_reaches_all_of_a_sparse_network);
    tcase_add_test(tests, what_nobody_kept_is_offered_again_and_comes_into_a_block);
    suite_add_tcase(suite, tests);
    return suite;
}
