/* Whole replicas that come late or fall behind, and return through block sync. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/node/stranger.h"
#include "tests/trials.h"

/* About ten heights per second. Of more than four nodes the last ones are no validators. */
static void fast(struct sim_config *config, uint64_t seed, uint32_t nodes) {
    sim_defaults(config);
    config->seed = seed;
    config->nodes = nodes;
    config->full_nodes = nodes > 4 ? nodes - 4 : 0;
    config->engine.timeout_commit_ms = 50;
    config->engine.timeout_propose_ms = 150; /* for those who are away */
    config->engine.timeout_prevote_ms = config->engine.timeout_precommit_ms = 50;
    config->latency_max_us = 5000;
    config->block_sync = true;
}

static struct sim *fast_net(uint64_t seed, uint32_t nodes) {
    struct sim_config config;
    fast(&config, seed, nodes);
    return sim_new(&config);
}

static int64_t height_of(struct sim *sim, uint32_t node) { return sim_ledger(sim, node)->state.height; }

static void must_be_fine(struct sim *sim) { ck_assert_str_eq(sim_complaint(sim), ""); }

static bool rests(struct sim *sim, uint32_t node) { return sim_is_alive(sim, node) && replica_resting(sim_replica(sim, node)); }

/* Runs until the node's consensus goes on; false: not within the limit. */
static bool run_until_awake(struct sim *sim, uint32_t node, int64_t limit_ms) {
    for (int64_t ms = 0; ms < limit_ms && rests(sim, node); ms += 10)
        sim_run_for(sim, 10);
    return !rests(sim, node);
}

static bool run_until_resting(struct sim *sim, uint32_t node, int64_t limit_ms) {
    for (int64_t ms = 0; ms < limit_ms && !rests(sim, node); ms += 10)
        sim_run_for(sim, 10);
    return rests(sim, node);
}

/* Votes of a height that only consensus has. */
static bool follows(struct sim *sim, uint32_t node) {
    int64_t height = height_of(sim, node);
    sim_run_for(sim, 3000);
    return height_of(sim, node) >= height + 10 && height_of(sim, node) + 2 >= height_of(sim, 0) && !rests(sim, node);
}

static struct sim *without_last(uint64_t seed, uint32_t nodes, int64_t height) {
    struct sim *sim = fast_net(seed, nodes);
    sim_kill(sim, nodes - 1);
    ck_assert_msg(sim_run_to_height(sim, height, 600000), "%s", sim_complaint(sim));
    return sim;
}

START_TEST(a_node_that_joins_late_syncs_500_heights_from_its_peers_and_then_follows) {
    struct sim *sim = without_last(1, 5, 500);
    ck_assert(sim_start(sim, 4));
    ck_assert(rests(sim, 4));
    ck_assert(replica_catching_up(sim_replica(sim, 4)));
    int64_t begun = sim_now_ms(sim);
    ck_assert_msg(run_until_awake(sim, 4, 10000), "at %" PRId64, height_of(sim, 4));
    ck_assert_int_ge(height_of(sim, 4), 499);
    ck_assert_int_lt(sim_now_ms(sim) - begun, 5000);
    ck_assert(follows(sim, 4));
    ck_assert(!replica_catching_up(sim_replica(sim, 4)));
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_validator_that_joins_late_syncs_and_then_votes) {
    struct sim *sim = without_last(2, 4, 200);
    ck_assert(sim_start(sim, 3));
    ck_assert(run_until_awake(sim, 3, 10000));
    ck_assert_int_ge(height_of(sim, 3), 199);
    ck_assert(follows(sim, 3));
    struct commit commit;
    struct arena arena;
    bool canonical, voted = false;
    arena_init(&arena, 1 << 20);
    int64_t last = height_of(sim, 0);
    struct address own = pubkey_address(&(struct pubkey){0});
    uint8_t key[32];
    ed25519_key_public(sim_key(sim, 3), key);
    struct pubkey public_key = pubkey_ed25519(key);
    own = pubkey_address(&public_key);
    for (int64_t height = last - 3; height < last; height++) {
        arena_reset(&arena);
        ck_assert(ledger_commit(sim_ledger(sim, 0), &commit, &canonical, height, &arena));
        for (uint32_t i = 0; i < commit.count; i++)
            voted = voted || (commit.sigs[i].flag == COMMIT_FOR_BLOCK && address_equal(&commit.sigs[i].validator_address, &own));
    }
    ck_assert(voted);
    must_be_fine(sim);
    arena_close(&arena);
    sim_free(sim);
}
END_TEST

START_TEST(a_network_that_starts_together_does_not_wait_for_block_sync) {
    struct sim *sim = fast_net(3, 4);
    sim_run_for(sim, 1500);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(!rests(sim, i));
        ck_assert_int_ge(height_of(sim, i), 2);
    }
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_validator_without_whom_nothing_goes_does_not_sync) {
    struct sim_config config;
    fast(&config, 4, 1);
    struct sim *sim = sim_new(&config);
    ck_assert(!rests(sim, 0));
    sim_run_for(sim, 1000);
    ck_assert_int_ge(height_of(sim, 0), 5);
    sim_free(sim);
}
END_TEST

START_TEST(alone_for_five_seconds_a_node_goes_on_without_sync) {
    struct sim *sim = fast_net(5, 4);
    ck_assert(sim_run_to_height(sim, 3, 10000));
    for (uint32_t i = 0; i < 4; i++)
        sim_kill(sim, i);
    ck_assert(sim_start(sim, 0));
    sim_run_for(sim, 4800);
    ck_assert(rests(sim, 0));
    sim_run_for(sim, 400);
    ck_assert(!rests(sim, 0));
    ck_assert(sim_start(sim, 1));
    ck_assert(sim_start(sim, 2));
    ck_assert_msg(sim_run_to_height(sim, 8, 60000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(all_four_killed_at_once_come_back_with_block_sync_on) {
    for (uint64_t seed = 300; seed < 300 + trials(6); seed++) {
        struct sim *sim = fast_net(seed, 4);
        for (int i = 0; i < 5; i++) {
            sim_run_for(sim, 400 + (int64_t)(seed * 131 + (uint64_t)i * 577) % 3000);
            for (uint32_t node = 0; node < 4; node++)
                sim_kill(sim, node);
            for (uint32_t node = 0; node < 4; node++)
                ck_assert_msg(sim_start(sim, node), "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
        }
        int64_t height = height_of(sim, 0);
        ck_assert_msg(sim_run_to_height(sim, height + 3, 240000), "seed %" PRIu64 ": stuck at %" PRId64 " %s", seed, height, sim_complaint(sim));
        must_be_fine(sim);
        sim_free(sim);
    }
}
END_TEST

/* ---- falling behind */

START_TEST(a_validator_cut_off_for_a_minute_returns_through_block_sync) {
    struct sim *sim = fast_net(6, 4);
    ck_assert(sim_run_to_height(sim, 5, 60000));
    sim_partition(sim, 8);
    sim_run_for(sim, 60000);
    int64_t ahead = height_of(sim, 0);
    ck_assert_int_gt(ahead, height_of(sim, 3) + 100);
    sim_partition(sim, 0);
    ck_assert(run_until_resting(sim, 3, 10000));
    ck_assert_int_lt(height_of(sim, 3), ahead - 50);
    ck_assert(run_until_awake(sim, 3, 10000));
    ck_assert_int_ge(height_of(sim, 3), ahead - 1);
    ck_assert(follows(sim, 3));
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(again_and_again_cut_off_it_never_signs_against_what_it_signed) {
    for (uint64_t seed = 10; seed < 10 + trials(4); seed++) {
        struct sim *sim = fast_net(seed, 4);
        for (int i = 0; i < 4; i++) {
            sim_run_for(sim, 500 + (int64_t)(seed * 379 + (uint64_t)i * 811) % 1500);
            sim_partition(sim, 1u << (seed + (uint64_t)i) % 4);
            sim_run_for(sim, 10000);
            sim_partition(sim, 0);
            sim_run_for(sim, 3000 + (int64_t)(seed * 97 % 2500));
        }
        ck_assert_msg(sim_run_to_height(sim, height_of(sim, 0) + 5, 60000), "seed %" PRIu64 " %s", seed, sim_complaint(sim));
        must_be_fine(sim);
        sim_free(sim);
    }
}
END_TEST

/* A word about far heights makes us look for help, which costs a few requests; consensus goes on meanwhile. */
START_TEST(whoever_claims_to_be_far_ahead_does_not_stop_consensus) {
    struct sim *sim = fast_net(7, 4);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    for (int i = 0; i < 20; i++) {
        stranger_inject(sim, 3, 0, &(struct wire_consensus){.kind = WIRE_NEW_ROUND_STEP, .height = 1000000000, .step = 1, .last_commit_round = 0});
        sim_run_for(sim, 1000);
        ck_assert(!rests(sim, 0));
    }
    ck_assert_int_gt(height_of(sim, 0), 60);
    ck_assert_int_ge(height_of(sim, 0) + 2, height_of(sim, 1));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(while_it_rests_a_validator_says_nothing) {
    struct sim *sim = without_last(8, 4, 300);
    uint64_t flushes = sim_flushes(sim, 3);
    ck_assert(sim_start(sim, 3));
    int64_t bytes = sim_journal_bytes(sim, 3);
    while (rests(sim, 3)) {
        ck_assert_int_eq(replica_engine(sim_replica(sim, 3))->round, 0);
        ck_assert_int_eq(replica_engine(sim_replica(sim, 3))->phase, ENGINE_NEW_HEIGHT);
        ck_assert_int_eq(sim_journal_bytes(sim, 3), bytes); /* nothing of consensus is written, so nothing was signed */
        sim_run_for(sim, 1);
    }
    ck_assert_uint_gt(sim_flushes(sim, 3), flushes);
    ck_assert(follows(sim, 3));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

/* ---- accidents */

START_TEST(killed_anywhere_in_the_middle_of_syncing_it_goes_on_where_it_was) {
    for (uint64_t seed = 20; seed < 20 + trials(12); seed++) {
        struct sim *sim = without_last(seed, 5, 120);
        for (uint32_t i = 0; i < 6; i++) {
            sim_doom(sim, 4, i % 3 == 2 ? 1 + (uint32_t)(seed + i) % 3 : 0, i % 2 == 0 ? 1 + (uint32_t)(seed * 7 + i * 13) % 3 : 0);
            ck_assert_msg(sim_start(sim, 4), "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
            for (uint64_t ms = 0; ms < 4 + (seed + i * 7) % 20 && sim_is_alive(sim, 4); ms++)
                sim_run_for(sim, 1);
            if (sim_is_alive(sim, 4))
                sim_kill(sim, 4);
        }
        sim_doom(sim, 4, 0, 0);
        ck_assert_msg(sim_start(sim, 4), "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
        ck_assert_msg(run_until_awake(sim, 4, 20000), "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
        ck_assert_msg(follows(sim, 4), "seed %" PRIu64 " at %" PRId64 ": %s", seed, height_of(sim, 4), sim_complaint(sim));
        must_be_fine(sim);
        sim_free(sim);
    }
}
END_TEST

START_TEST(a_validator_killed_while_syncing_signs_nothing_twice) {
    for (uint64_t seed = 40; seed < 40 + trials(6); seed++) {
        struct sim *sim = fast_net(seed, 4);
        ck_assert(sim_run_to_height(sim, 4, 60000));
        sim_partition(sim, 8);
        sim_run_for(sim, 60000);
        sim_partition(sim, 0);
        ck_assert(run_until_resting(sim, 3, 10000));
        sim_run_for(sim, (int64_t)(seed * 7 % 20));
        sim_kill(sim, 3);
        sim_run_for(sim, 1000);
        ck_assert_msg(sim_start(sim, 3), "%s", sim_complaint(sim));
        ck_assert(run_until_awake(sim, 3, 20000));
        ck_assert_msg(follows(sim, 3), "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
        must_be_fine(sim);
        sim_free(sim);
    }
}
END_TEST

START_TEST(peers_that_come_and_go_only_delay) {
    struct sim *sim = without_last(9, 5, 300);
    ck_assert(sim_start(sim, 4));
    for (uint32_t i = 0; i < 8; i++) {
        sim_run_for(sim, 30);
        sim_partition(sim, 16u | 1u << i % 3);
        sim_run_for(sim, 30);
        sim_partition(sim, 0);
    }
    ck_assert(run_until_awake(sim, 4, 20000));
    ck_assert(follows(sim, 4));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

/* ---- pruned peers */

START_TEST(what_most_peers_pruned_comes_from_the_one_that_kept_it) {
    struct sim *sim = without_last(11, 5, 200);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(ledger_prune(sim_ledger(sim, i), 150, 1000), 149);
    ck_assert(sim_start(sim, 4));
    ck_assert(run_until_awake(sim, 4, 20000));
    ck_assert_int_ge(height_of(sim, 4), 199);
    ck_assert(follows(sim, 4));
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_node_that_has_the_base_of_pruned_peers_goes_on_from_there) {
    struct sim *sim = fast_net(12, 5);
    ck_assert(sim_run_to_height(sim, 60, 60000));
    sim_kill(sim, 4);
    ck_assert(sim_run_to_height(sim, 200, 600000));
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(ledger_prune(sim_ledger(sim, i), 50, 1000), 49);
    ck_assert(sim_start(sim, 4));
    ck_assert(run_until_awake(sim, 4, 20000));
    ck_assert_int_ge(height_of(sim, 4), 199);
    ck_assert(follows(sim, 4));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

/* ---- bad peers, over the whole replica */

static bool spoil_blocks(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    uint32_t *kind = context;
    (void)to;
    if (channel != WIRE_BLOCKSYNC || size < 200)
        return true;
    if (*kind == 0)
        return false; /* silence */
    bytes[*kind == 1 ? size / 2 : size - 5] ^= 0x55;
    return true;
}

START_TEST(a_peer_whose_blocks_are_spoiled_or_never_come_does_not_stop_it) {
    uint32_t kind = (uint32_t)_i;
    struct sim *sim = without_last(13, 5, 150);
    sim_set_twist(sim, 1, spoil_blocks, &kind);
    ck_assert(sim_start(sim, 4));
    ck_assert(run_until_awake(sim, 4, 30000));
    ck_assert_int_ge(height_of(sim, 4), 149);
    sim_run_for(sim, 20000);
    ck_assert_msg(kind == 0 || sim_drops(sim) > 0, "%s", sim_last_drop(sim));
    ck_assert(follows(sim, 4));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(malformed_words_on_the_channel_cost_their_sender_the_connection) {
    static const char *const words[] = {"\x0a\x02\x08\xff", "\xff\xff\xff", "\x2a\x04\x08\x01\x10\x05" /* base above height */, "\x1a\x00" /* no block */};
    for (size_t i = 0; i < 4; i++) {
        struct sim *sim = fast_net(14, 4);
        ck_assert(sim_run_to_height(sim, 2, 60000));
        sim_inject(sim, 1, 0, WIRE_BLOCKSYNC, span_of(words[i], strlen(words[i]) + (i == 3)));
        sim_run_for(sim, 300);
        ck_assert_uint_eq(sim_drops(sim), 1);
        sim_free(sim);
    }
}
END_TEST

Suite *suite_catchup(void);
Suite *suite_catchup(void) {
    Suite *suite = suite_create("catchup");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 240);
    tcase_add_test(all, a_node_that_joins_late_syncs_500_heights_from_its_peers_and_then_follows);
    tcase_add_test(all, a_validator_that_joins_late_syncs_and_then_votes);
    tcase_add_test(all, a_network_that_starts_together_does_not_wait_for_block_sync);
    tcase_add_test(all, a_validator_without_whom_nothing_goes_does_not_sync);
    tcase_add_test(all, alone_for_five_seconds_a_node_goes_on_without_sync);
    tcase_add_test(all, a_validator_cut_off_for_a_minute_returns_through_block_sync);
    tcase_add_test(all, whoever_claims_to_be_far_ahead_does_not_stop_consensus);
    tcase_add_test(all, while_it_rests_a_validator_says_nothing);
    tcase_add_test(all, peers_that_come_and_go_only_delay);
    tcase_add_test(all, what_most_peers_pruned_comes_from_the_one_that_kept_it);
    tcase_add_test(all, a_node_that_has_the_base_of_pruned_peers_goes_on_from_there);
    tcase_add_loop_test(all, a_peer_whose_blocks_are_spoiled_or_never_come_does_not_stop_it, 0, 3);
    tcase_add_test(all, malformed_words_on_the_channel_cost_their_sender_the_connection);
    suite_add_tcase(suite, all);
    TCase *many = tcase_create("trials");
    tcase_set_timeout(many, 240);
    tcase_add_test(many, all_four_killed_at_once_come_back_with_block_sync_on);
    tcase_add_test(many, again_and_again_cut_off_it_never_signs_against_what_it_signed);
    tcase_add_test(many, killed_anywhere_in_the_middle_of_syncing_it_goes_on_where_it_was);
    tcase_add_test(many, a_validator_killed_while_syncing_signs_nothing_twice);
    suite_add_tcase(suite, many);
    return suite;
}
