/* Four validators; one of them (the odd one) is set to another release's rule of block times, and another, the liar, says nothing but nil
 * precommits with an early time: the two rules then give two times. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/replica_inside.h"
#include "tests/node/stranger.h"

Suite *suite_release_hint(void);

enum { LIAR, ONE, OTHER, ODD, NODES };

static struct sim *sim;
static unsigned hints, hints_of_others;
static char hint[512];

static void listen(void *context, uint32_t node, const char *text) {
    (void)context;
    if (strstr(text, "[quorate] release") == NULL || strstr(text, "two thirds prevote") == NULL)
        return;
    hints += node == ODD;
    hints_of_others += node != ODD;
    snprintf(hint, sizeof hint, "%s", text);
}

static void say_nothing(void *context, uint32_t to, uint8_t channel, struct span message) { (void)context, (void)to, (void)channel, (void)message; }

/* The odd one's clock is ahead, so that its vote is the last of the median's list. */
static void begin(enum params_release chain_release, enum params_release odd_release) {
    static const int64_t powers[] = {30, 60, 60, 10};
    struct sim_config config;
    sim_defaults(&config);
    config.powers = powers;
    config.forks_allowed = true; /* the odd one stops, which is its right */
    config.watch.happened = listen;
    hints = hints_of_others = 0;
    hint[0] = '\0';
    sim = sim_new(&config);
    sim_set_speaker(sim, LIAR, say_nothing, NULL);
    sim_set_faulty(sim, LIAR);
    sim_skew_clock(sim, ODD, 500);
    for (uint32_t i = ONE; i < NODES; i++)
        sim_ledger(sim, i)->state.release = i == ODD ? odd_release : chain_release;
}

/* A nil precommit of the liar joins the last commit of all others. */
static void cast_nil(int64_t height) {
    struct vote vote = stranger_vote(sim, LIAR, height, 0, VOTE_PRECOMMIT);
    vote.timestamp = timestamp_add_ns(&sim_ledger(sim, ONE)->state.block_time, 1000000);
    stranger_sign(sim, LIAR, &vote);
    for (uint32_t i = ONE; i < NODES; i++)
        stranger_inject_vote(sim, i == ONE ? OTHER : ONE, i, &vote);
}

static bool is_refused(void) {
    const struct replica *replica = sim_replica(sim, ODD);
    return !block_id_is_nil(&replica->misjudged);
}

static void run_with_nils(int heights) {
    for (int i = 0; i < heights && !is_refused() && !replica_halted(sim_replica(sim, ODD), NULL, 0); i++) {
        int64_t height = sim_ledger(sim, ONE)->state.height;
        for (int ms = 0; ms < 40000 && sim_ledger(sim, ONE)->state.height == height; ms++)
            sim_run_for(sim, 1);
        sim_run_for(sim, 100);
        cast_nil(height + 1);
        sim_run_for(sim, 300);
    }
    sim_run_for(sim, 3000);
}

START_TEST(a_wrong_release_is_named_when_two_thirds_see_it_otherwise) {
    begin(_i == 0 ? PARAMS_V038 : PARAMS_V040, _i == 0 ? PARAMS_V040 : PARAMS_V038);
    run_with_nils(12);
    char why[256] = "";
    ck_assert_uint_eq(hints, 1);
    ck_assert_uint_eq(hints_of_others, 0);
    ck_assert_msg(strstr(hint, _i == 0 ? "count nil votes in block times: set [quorate] release = \"0.38\"" : "do not count nil votes in block times: set "
                                                                                                              "[quorate] release = \"0.40\"") != NULL, "%s", hint);
    ck_assert(replica_halted(sim_replica(sim, ODD), why, sizeof why));
    ck_assert_msg(strstr(why, "[quorate] release") != NULL && strstr(why, "then restart") != NULL, "%s", why);
    int64_t height = sim_ledger(sim, ONE)->state.height;
    sim_run_for(sim, 60000);
    ck_assert_int_gt(sim_ledger(sim, ONE)->state.height, height); /* the others go on */
    sim_free(sim);
}
END_TEST

START_TEST(the_same_release_everywhere_gives_no_hint) {
    begin(_i == 0 ? PARAMS_V038 : PARAMS_V040, _i == 0 ? PARAMS_V038 : PARAMS_V040);
    run_with_nils(6);
    ck_assert_uint_eq(hints + hints_of_others, 0);
    ck_assert(!replica_halted(sim_replica(sim, ODD), NULL, 0));
    ck_assert_int_ge(sim_ledger(sim, ODD)->state.height, 5);
    sim_free(sim);
}
END_TEST

/* Without nil votes both rules agree, and the wrong switch does no harm yet. */
START_TEST(where_the_rules_agree_nothing_is_said) {
    begin(PARAMS_V038, PARAMS_V040);
    sim_run_for(sim, 30000);
    ck_assert_uint_eq(hints, 0);
    ck_assert_int_ge(sim_ledger(sim, ODD)->state.height, 5);
    sim_free(sim);
}
END_TEST

Suite *suite_release_hint(void) {
    Suite *suite = suite_create("release_hint");
    TCase *tests = tcase_create("networks");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_wrong_release_is_named_when_two_thirds_see_it_otherwise, 0, 2);
    tcase_add_loop_test(tests, the_same_release_everywhere_gives_no_hint, 0, 2);
    tcase_add_test(tests, where_the_rules_agree_nothing_is_said);
    suite_add_tcase(suite, tests);
    return suite;
}
