/* Restarts of whole replicas: what was said before the fall is known after it, and nothing is said that contradicts it. */
#include <check.h>
#include <inttypes.h>

#include "tests/node/stranger.h"

/* Node 0 holds half of the power: nothing is decided without it. */
static struct sim *leader_and_three(uint64_t seed) {
    static const int64_t powers[] = {30, 10, 10, 10};
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    config.powers = powers;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    return sim;
}

static bool run_until_dead(struct sim *sim, uint32_t node, int ms) {
    while (ms-- > 0 && sim_is_alive(sim, node))
        sim_run_for(sim, 1);
    return !sim_is_alive(sim, node);
}

static bool knows_own_vote(struct sim *sim, uint32_t node, int32_t type) {
    const struct engine *engine = replica_engine(sim_replica(sim, node));
    const struct tally *tally = rounds_tally(&engine->rounds, engine->round, type);
    return tally != NULL && tally_has(tally, (uint32_t)engine->own_index);
}

/* It precommits with a prevote behind it that was signed while the journal was read back: both must outlive the next fall. */
START_TEST(a_vote_cast_while_the_journal_is_read_back_is_known_after_the_next_fall) {
    for (uint32_t calls = 1; calls <= 12; calls++) {
        struct sim *sim = leader_and_three(calls);
        sim_doom(sim, 0, calls, 0);
        ck_assert_msg(run_until_dead(sim, 0, 20000), "it lived through %u calls", calls);
        ck_assert(sim_start(sim, 0));
        const struct engine *engine = replica_engine(sim_replica(sim, 0));
        for (int ms = 0; ms < 20000 && !(engine->phase == ENGINE_PRECOMMIT && knows_own_vote(sim, 0, VOTE_PRECOMMIT)); ms++)
            sim_run_for(sim, 1);
        ck_assert_msg(engine->phase == ENGINE_PRECOMMIT, "%u calls: no precommit", calls);
        bool prevoted = knows_own_vote(sim, 0, VOTE_PREVOTE);
        int64_t height = engine->height;
        sim_kill(sim, 0);
        ck_assert(sim_start(sim, 0));
        engine = replica_engine(sim_replica(sim, 0));
        ck_assert_int_eq(engine->height, height);
        ck_assert_msg(knows_own_vote(sim, 0, VOTE_PREVOTE) == prevoted, "%u calls: its prevote is forgotten", calls);
        ck_assert_msg(sim_run_to_height(sim, height + 2, 60000), "%u calls: %s", calls, sim_complaint(sim));
        sim_free(sim);
    }
}
END_TEST

START_TEST(a_lock_is_known_again_after_a_fall_before_anybody_is_heard) {
    uint32_t others = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct sim *sim = leader_and_three(seed);
        ck_assert(sim_run_to_height(sim, 2 + (int64_t)seed, 60000)); /* the proposers take turns */
        const struct engine *engine = replica_engine(sim_replica(sim, 0));
        for (int ms = 0; ms < 20000 && (block_id_is_nil(&engine->locked) || !knows_own_vote(sim, 0, VOTE_PRECOMMIT)); ms++)
            sim_run_for(sim, 1);
        ck_assert(!block_id_is_nil(&engine->locked));
        struct block_id lock = engine->locked;
        int64_t height = engine->height;
        int32_t round = engine->locked_round;
        others += stranger_proposer(sim, 0, round) != 0; /* its block came in parts, from another node */
        sim_kill(sim, 0);
        ck_assert(sim_start(sim, 0));
        engine = replica_engine(sim_replica(sim, 0));
        ck_assert_int_eq(engine->height, height);
        ck_assert_msg(block_id_equal(&engine->locked, &lock) && engine->locked_round == round, "seed %" PRIu64 ": the lock is forgotten", seed);
        sim_free(sim);
    }
    ck_assert_uint_gt(others, 0);
}
END_TEST

START_TEST(a_claim_that_lets_second_votes_count_is_known_again_after_a_fall) {
    struct sim_config config;
    sim_defaults(&config);
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_kill(sim, 2);
    sim_kill(sim, 3);
    sim_run_for(sim, 10000);
    const struct engine *engine = replica_engine(sim_replica(sim, 0));
    struct block_id id = stranger_block_id(5);
    struct wire_consensus claim = {.kind = WIRE_VOTE_SET_MAJ23, .height = engine->height, .type = VOTE_PREVOTE, .block_id = id};
    stranger_inject(sim, 1, 0, &claim);
    sim_run_for(sim, 2500); /* past the background flush */
    ck_assert_ptr_nonnull(tally_voted_for(rounds_tally(&engine->rounds, 0, VOTE_PREVOTE), &id));
    sim_kill(sim, 0);
    ck_assert(sim_start(sim, 0));
    engine = replica_engine(sim_replica(sim, 0));
    ck_assert_ptr_nonnull(tally_voted_for(rounds_tally(&engine->rounds, 0, VOTE_PREVOTE), &id));
    sim_free(sim);
}
END_TEST

/* Dies in its k-th call of disk or store, for all k of two heights and more, and again soon after; then all go on. */
static void fall_at(uint32_t disk_calls, uint32_t kv_writes, const int64_t *powers) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = 1000 + disk_calls * 7 + kv_writes;
    config.powers = powers;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    sim_submit(sim, 0, "a=b");
    for (uint32_t again = 0; again < 2; again++) {
        sim_doom(sim, 0, disk_calls, kv_writes);
        ck_assert_msg(run_until_dead(sim, 0, 60000), "it lived: disk %u store %u", disk_calls, kv_writes);
        sim_doom(sim, 0, again == 0 && disk_calls > 0 ? 1 + disk_calls % 3 : 0, 0); /* it may fall while it comes back */
        for (int tries = 0; tries < 3 && !sim_is_alive(sim, 0); tries++)
            ck_assert_msg(sim_start(sim, 0), "disk %u store %u: %s", disk_calls, kv_writes, sim_complaint(sim));
        sim_doom(sim, 0, 0, 0);
    }
    if (!sim_is_alive(sim, 0))
        ck_assert(sim_start(sim, 0));
    int64_t height = sim_ledger(sim, 1)->state.height;
    ck_assert_msg(sim_run_to_height(sim, height + 3, 120000), "disk %u store %u: %s", disk_calls, kv_writes, sim_complaint(sim));
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}

/* Only timers lead out of a round whose proposer is dead: without them the journal tells of a round gone by. */
START_TEST(a_round_reached_by_timers_is_known_again_after_a_fall) {
    struct sim_config config;
    sim_defaults(&config);
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_run_for(sim, 300);
    uint32_t dead = stranger_proposer(sim, 0, 0), node = dead == 0 ? 1 : 0;
    sim_kill(sim, dead);
    const struct engine *engine = replica_engine(sim_replica(sim, node));
    for (int ms = 0; ms < 20000 && !(engine->round == 1 && knows_own_vote(sim, node, VOTE_PREVOTE)); ms++)
        sim_run_for(sim, 1);
    ck_assert_int_eq(engine->round, 1);
    int64_t height = engine->height;
    sim_kill(sim, node);
    ck_assert(sim_start(sim, node));
    engine = replica_engine(sim_replica(sim, node));
    ck_assert_int_eq(engine->height, height);
    ck_assert_int_eq(engine->round, 1);
    ck_assert(knows_own_vote(sim, node, VOTE_PREVOTE));
    ck_assert_msg(sim_run_to_height(sim, height + 2, 60000), "%s", sim_complaint(sim));
    sim_free(sim);
}
END_TEST

START_TEST(a_validator_that_dies_in_any_call_of_the_disk_loses_no_block_and_breaks_no_promise) {
    for (uint32_t calls = 1; calls <= 30; calls++)
        fall_at(calls, 0, NULL);
}
END_TEST

START_TEST(so_does_one_without_whom_nothing_is_decided) {
    static const int64_t powers[] = {30, 10, 10, 10};
    for (uint32_t calls = 1; calls <= 30; calls++)
        fall_at(calls, 0, powers);
}
END_TEST

START_TEST(a_validator_that_dies_in_any_write_of_the_store_loses_no_block) {
    for (uint32_t writes = 1; writes <= 4; writes++)
        fall_at(0, writes, NULL);
}
END_TEST

START_TEST(a_lone_validator_that_dies_in_any_call_goes_on_where_it_was) {
    for (uint32_t calls = 1; calls <= 40; calls++) {
        struct sim_config config;
        sim_defaults(&config);
        config.nodes = 1;
        config.seed = calls;
        struct sim *sim = sim_new(&config);
        ck_assert(sim_run_to_height(sim, 2, 60000));
        sim_doom(sim, 0, calls, 0);
        ck_assert(run_until_dead(sim, 0, 60000));
        ck_assert_msg(sim_start(sim, 0), "%u calls: %s", calls, sim_complaint(sim));
        int64_t height = sim_ledger(sim, 0)->state.height;
        ck_assert_msg(sim_run_to_height(sim, height + 3, 60000), "%u calls: stuck at %" PRId64 " %s", calls, height, sim_complaint(sim));
        ck_assert_str_eq(sim_complaint(sim), "");
        sim_free(sim);
    }
}
END_TEST

Suite *suite_restart(void);
Suite *suite_restart(void) {
    Suite *suite = suite_create("restart");
    TCase *tests = tcase_create("restart");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_vote_cast_while_the_journal_is_read_back_is_known_after_the_next_fall);
    tcase_add_test(tests, a_lock_is_known_again_after_a_fall_before_anybody_is_heard);
    tcase_add_test(tests, a_claim_that_lets_second_votes_count_is_known_again_after_a_fall);
    tcase_add_test(tests, a_round_reached_by_timers_is_known_again_after_a_fall);
    tcase_add_test(tests, a_validator_that_dies_in_any_call_of_the_disk_loses_no_block_and_breaks_no_promise);
    tcase_add_test(tests, so_does_one_without_whom_nothing_is_decided);
    tcase_add_test(tests, a_validator_that_dies_in_any_write_of_the_store_loses_no_block);
    tcase_add_test(tests, a_lone_validator_that_dies_in_any_call_goes_on_where_it_was);
    suite_add_tcase(suite, tests);
    return suite;
}
