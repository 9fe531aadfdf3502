/* Whole nodes in virtual time: the mute are suspected, the slow are cleared, nobody is when nothing is to be heard, and agreement does not care. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/sim.h"

Suite *suite_suspects(void);

static struct sim *sim;

static void begin(uint64_t seed, struct metrics *metrics) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    config.metrics = metrics;
    sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 5, 60000));
}

static void end(void) {
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}

/* What `who` says of the validator whose key `about` has. */
static struct replica_liveness view(uint32_t who, uint32_t about) {
    struct replica_liveness list[16];
    uint32_t count = replica_validators_liveness(sim_replica(sim, who), list, 16);
    for (uint32_t i = 0; i < count; i++)
        if (address_equal(&list[i].address, sim_address(sim, about)))
            return list[i];
    ck_abort_msg("it is no validator");
    return list[0];
}

static bool all_see(uint32_t about, bool suspected) {
    for (uint32_t who = 0; who < sim_node_count(sim); who++)
        if (who != about && sim_is_alive(sim, who) && view(who, about).suspected != suspected)
            return false;
    return true;
}

static bool run_until(uint32_t about, bool suspected, int64_t limit_ms) {
    for (int64_t ms = 0; ms < limit_ms; ms += 500) {
        if (all_see(about, suspected))
            return true;
        sim_run_for(sim, 500);
    }
    return false;
}

START_TEST(in_a_healthy_network_nobody_is_suspected) {
    begin(11, NULL);
    for (int i = 0; i < 120; i++) {
        sim_run_for(sim, 1000);
        for (uint32_t about = 0; about < 4; about++)
            ck_assert(all_see(about, false));
    }
    end();
}
END_TEST

START_TEST(a_mute_validator_is_suspected_by_all_and_cleared_once_it_votes_again) {
    begin(12, NULL);
    sim_mute(sim, 2, "tired");
    ck_assert(run_until(2, true, 120000));
    for (uint32_t about = 0; about < 4; about++)
        ck_assert(about == 2 || all_see(about, false));
    sim_run_for(sim, 30000);
    ck_assert(all_see(2, true)); /* and stays so */
    sim_mute(sim, 2, NULL);
    ck_assert(run_until(2, false, 60000));
    ck_assert_uint_eq(view(0, 2).mistakes, 1);
    end();
}
END_TEST

START_TEST(a_dead_node_is_suspected_and_a_restarted_one_cleared) {
    begin(13, NULL);
    sim_kill(sim, 1);
    ck_assert(run_until(1, true, 120000));
    ck_assert(sim_start(sim, 1));
    ck_assert(run_until(1, false, 120000));
    end();
}
END_TEST

/* Votes only now and then: suspected at first, but each mistake makes the others more patient, until there are no more. */
START_TEST(a_slow_validator_is_suspected_for_the_last_time_at_some_time) {
    begin(14, NULL);
    uint32_t last = 0;
    int quiet = 0;
    for (int turn = 0; turn < 60 && quiet < 12; turn++) {
        sim_mute(sim, 3, "slow");
        sim_run_for(sim, 9000);
        sim_mute(sim, 3, NULL);
        sim_run_for(sim, 4000);
        uint32_t mistakes = view(0, 3).mistakes;
        quiet = mistakes == last ? quiet + 1 : 0;
        last = mistakes;
    }
    ck_assert_uint_gt(last, 0);
    ck_assert_int_ge(quiet, 12);
    ck_assert(all_see(3, false));
    end();
}
END_TEST

START_TEST(a_chain_that_waits_for_transactions_suspects_nobody) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = 15;
    config.engine.create_empty_blocks = false;
    sim = sim_new(&config);
    sim_run_for(sim, 20000);
    int64_t height = sim_ledger(sim, 0)->state.height;
    sim_run_for(sim, 3600000);
    ck_assert_int_le(sim_ledger(sim, 0)->state.height, height + 1);
    for (uint32_t about = 0; about < 4; about++)
        ck_assert(all_see(about, false));
    ck_assert_int_eq(sim_submit(sim, 0, "a=b"), MEMPOOL_ADDED);
    ck_assert(sim_run_to_height(sim, height + 1, 60000));
    end();
}
END_TEST

START_TEST(peers_behind_a_silent_road_are_suspected_though_their_votes_come_by_others) {
    begin(16, NULL);
    sim_mute_road(sim, 1, 0, true);
    struct replica_liveness peer = {0};
    for (int i = 0; i < 240 && !peer.suspected; i++) {
        sim_run_for(sim, 500);
        for (uint32_t number = 1; number < 100 && !peer.suspected; number++)
            if (!replica_peer_liveness(sim_replica(sim, 0), number, &peer))
                peer.suspected = false;
    }
    ck_assert(peer.suspected);
    ck_assert(!view(0, 1).suspected);
    end();
}
END_TEST

/* ---- the metrics of whole nodes: each moves when it should */

static struct metrics *metrics;
static double value(enum metrics_id id, const char *label) { return metrics_value(metrics, id, label, NULL); }

START_TEST(blocks_rounds_votes_and_parts_are_counted) {
    metrics = metrics_new("cometbft", "c");
    begin(17, metrics);
    double height = value(METRICS_LATEST_HEIGHT, NULL), intervals = value(METRICS_BLOCK_INTERVAL, NULL), steps = value(METRICS_STEP_DURATION, "Propose");
    double rounds = value(METRICS_ROUND_DURATION, NULL), parts = value(METRICS_PARTS_RECEIVED, "true"), size = value(METRICS_CHAIN_SIZE, NULL);
    double judged = value(METRICS_PROPOSALS_RECEIVED, "accepted"), checks = value(METRICS_SIGNATURES, "good"), known = value(METRICS_SIGNATURES, "known");
    ck_assert(sim_run_to_height(sim, 15, 60000));
    ck_assert(value(METRICS_LATEST_HEIGHT, NULL) >= height + 10 - 1);
    ck_assert(value(METRICS_HEIGHT, NULL) == value(METRICS_LATEST_HEIGHT, NULL) + 1);
    ck_assert(value(METRICS_BLOCK_INTERVAL, NULL) >= intervals + 9);
    ck_assert(value(METRICS_STEP_DURATION, "Propose") > steps);
    ck_assert(value(METRICS_STEP_DURATION, "Commit") > 0);
    ck_assert(value(METRICS_ROUND_DURATION, NULL) >= rounds + 9);
    ck_assert(value(METRICS_PARTS_RECEIVED, "true") > parts);
    ck_assert(value(METRICS_CHAIN_SIZE, NULL) > size);
    ck_assert(value(METRICS_PROPOSALS_RECEIVED, "accepted") > judged);
    ck_assert(value(METRICS_PROPOSALS_CREATED, NULL) > 0);
    ck_assert(value(METRICS_SIGNATURES, "good") > checks);
    ck_assert(value(METRICS_SIGNATURES, "known") > known);
    ck_assert(value(METRICS_VALIDATORS, NULL) == 4 && value(METRICS_VALIDATORS_POWER, NULL) == 40);
    ck_assert(value(METRICS_BLOCK_PROCESSING, NULL) > 0);
    ck_assert(value(METRICS_STAGE, "apply") > 0 && value(METRICS_STAGE, "sign") > 0 && value(METRICS_STAGE, "judge") > 0);
    ck_assert(value(METRICS_STAGE, "journal") > 0 && value(METRICS_STAGE, "decide") > 0 && value(METRICS_STAGE, "collect") > 0);
    ck_assert(value(METRICS_PRECOMMITS_COUNTED, NULL) >= 3 && value(METRICS_PRECOMMITS_STAKE, NULL) >= 75);
    for (int i = 0; i < 5000 && value(METRICS_ROUND_POWER, "prevote") == 0; i++) /* of the round under way */
        sim_run_for(sim, 1);
    ck_assert(value(METRICS_ROUND_POWER, "prevote") > 0);
    ck_assert(value(METRICS_LATE_VOTES, "precommit") + value(METRICS_DUPLICATE_VOTE, NULL) > 0);
    end();
    metrics_free(metrics);
}
END_TEST

START_TEST(transactions_and_validator_updates_are_counted) {
    metrics = metrics_new("cometbft", "c");
    begin(18, metrics);
    ck_assert_int_eq(sim_submit(sim, 0, "a=b"), MEMPOOL_ADDED);
    sim_run_for(sim, 15000);
    ck_assert(value(METRICS_TOTAL_TXS, NULL) == 1);
    end();
    metrics_free(metrics);
}
END_TEST

START_TEST(who_is_missing_is_named_and_suspicions_are_counted) {
    char address[41];
    metrics = metrics_new("cometbft", "c");
    begin(19, metrics);
    for (size_t i = 0; i < 20; i++)
        snprintf(address + 2 * i, 3, "%02X", sim_address(sim, 2)->bytes[i]);
    sim_mute(sim, 2, "tired");
    ck_assert(run_until(2, true, 120000));
    sim_run_for(sim, 5000);
    ck_assert(value(METRICS_MISSING, NULL) == 1 && value(METRICS_MISSING_POWER, NULL) == 10);
    ck_assert(value(METRICS_VALIDATOR_ABSENT, address) == 1);
    ck_assert(value(METRICS_VALIDATOR_SIGNED, address) < value(METRICS_LATEST_HEIGHT, NULL) - 1);
    ck_assert(value(METRICS_SUSPICIONS, "validator") == 1);
    sim_mute(sim, 2, NULL);
    ck_assert(run_until(2, false, 60000));
    sim_run_for(sim, 5000);
    ck_assert(value(METRICS_SUSPICIONS, "mistaken") == 1);
    ck_assert(value(METRICS_MISSING, NULL) == 0 && value(METRICS_VALIDATOR_ABSENT, address) == 0);
    sim_mute(sim, 0, "tired"); /* and of ourselves */
    sim_run_for(sim, 20000);
    for (size_t i = 0; i < 20; i++)
        snprintf(address + 2 * i, 3, "%02X", sim_address(sim, 0)->bytes[i]);
    ck_assert(value(METRICS_VALIDATOR_MISSED, address) > 0);
    ck_assert(value(METRICS_VALIDATOR_POWER, address) == 10);
    ck_assert(value(METRICS_VALIDATOR_LAST_SIGNED, address) > 0);
    end();
    metrics_free(metrics);
}
END_TEST

Suite *suite_suspects(void) {
    Suite *suite = suite_create("suspects");
    TCase *tests = tcase_create("suspects");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, in_a_healthy_network_nobody_is_suspected);
    tcase_add_test(tests, a_mute_validator_is_suspected_by_all_and_cleared_once_it_votes_again);
    tcase_add_test(tests, a_dead_node_is_suspected_and_a_restarted_one_cleared);
    tcase_add_test(tests, a_slow_validator_is_suspected_for_the_last_time_at_some_time);
    tcase_add_test(tests, a_chain_that_waits_for_transactions_suspects_nobody);
    tcase_add_test(tests, peers_behind_a_silent_road_are_suspected_though_their_votes_come_by_others);
    tcase_add_test(tests, blocks_rounds_votes_and_parts_are_counted);
    tcase_add_test(tests, transactions_and_validator_updates_are_counted);
    tcase_add_test(tests, who_is_missing_is_named_and_suspicions_are_counted);
    suite_add_tcase(suite, tests);
    return suite;
}
