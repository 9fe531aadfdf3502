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

Suite *suite_restart(void);
Suite *suite_restart(void) {
    Suite *suite = suite_create("restart");
    TCase *tests = tcase_create("restart");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_vote_cast_while_the_journal_is_read_back_is_known_after_the_next_fall);
    suite_add_tcase(suite, tests);
    return suite;
}
