#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/config.h"
#include "node/pruning.h"
#include "node/sim.h"

static struct ledger_retain retain_of(struct pruning_config config, int64_t height, int64_t app_retain) {
    struct ledger_retain out;
    pruning_retain(&out, &config, height, app_retain);
    return out;
}

START_TEST(operator_and_application_must_both_allow) {
    ck_assert_int_eq(retain_of((struct pruning_config){0}, 1000, 0).blocks, 0);
    ck_assert_int_eq(retain_of((struct pruning_config){.blocks = 100}, 1000, 0).blocks, 901);
    ck_assert_int_eq(retain_of((struct pruning_config){0}, 1000, 500).blocks, 500);
    ck_assert_int_eq(retain_of((struct pruning_config){.blocks = 100}, 1000, 500).blocks, 500);
    ck_assert_int_eq(retain_of((struct pruning_config){.blocks = 100}, 1000, 950).blocks, 901);
    ck_assert_int_eq(retain_of((struct pruning_config){.blocks = 100}, 50, 20).blocks, 0);   /* the operator keeps all yet */
    ck_assert_int_eq(retain_of((struct pruning_config){0}, 1000, 1001).blocks, 0);            /* what is not there cannot be asked for */
    struct ledger_retain all = retain_of((struct pruning_config){.blocks = 100, .states = 300, .results = 50, .index = 20}, 1000, 0);
    ck_assert_int_eq(all.states, 701);
    ck_assert_int_eq(all.results, 951);
    ck_assert_int_eq(all.index, 981);
}
END_TEST

static char *wrong(const char *toml) {
    struct config config;
    char *warning = NULL, *error = NULL;
    config_init(&config, PARAMS_V038);
    bool good = config_read(&config, span_text(toml), "x", &warning, &error) && config_check(&config, &error);
    ck_assert_msg(good == (error == NULL), "%s", toml);
    config_close(&config);
    free(warning);
    return error;
}

START_TEST(settings_that_do_not_fit_together_are_refused) {
    ck_assert_ptr_null(wrong("[storage]\nretain_blocks = 100\nretain_results = 50\nretain_states = 1000\n[tx_index]\nretain_blocks = 20\n"));
    static const char *const bad[] = {"[storage]\nretain_blocks = 19\n", "[storage]\nretain_blocks = -1\n",
                                      "[storage]\nretain_blocks = 100\nretain_results = 101\n",
                                      "[storage]\nretain_blocks = 100\nretain_states = 99\n",
                                      "[storage]\nretain_blocks = 100\n[tx_index]\nretain_blocks = 101\n", "[quorate]\ndisk_free_min = -1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *error = wrong(bad[i]);
        ck_assert_msg(error != NULL, "%s", bad[i]);
        free(error);
    }
}
END_TEST

START_TEST(nodes_that_prune_go_on_and_serve_what_they_have) {
    struct sim_config config;
    sim_defaults(&config);
    config.retain = (struct pruning_config){.blocks = 30, .results = 25, .index = 20};
    struct sim *sim = sim_new(&config);
    ck_assert_msg(sim_run_to_height(sim, 60, 200000), "%s", sim_complaint(sim));
    for (uint32_t i = 0; i < 4; i++) {
        struct ledger *ledger = sim_ledger(sim, i);
        ck_assert_int_ge(ledger->base, ledger->state.height - 31);
        ck_assert_int_le(ledger->base, ledger->state.height - 29);
        ck_assert_int_ge(ledger_index_base(ledger), ledger->state.height - 21);
    }
    sim_kill(sim, 2);
    sim_run_for(sim, 15000); /* it misses some ten heights, and the others still have them */
    ck_assert(sim_start(sim, 2));
    ck_assert_msg(sim_run_to_height(sim, 90, 200000), "%s", sim_complaint(sim));
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}
END_TEST


START_TEST(who_is_muted_signs_nothing_and_the_others_go_on) {
    struct sim_config config;
    sim_defaults(&config);
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 5, 60000));
    sim_mute(sim, 0, "the disk is full");
    sim_run_for(sim, 3000);
    int64_t height = sim_ledger(sim, 0)->state.height;
    ck_assert_msg(sim_run_to_height(sim, height + 8, 200000), "%s", sim_complaint(sim));
    struct commit commit;
    struct arena arena;
    bool canonical;
    arena_init(&arena, 1 << 20);
    int32_t index = valset_find(&sim_ledger(sim, 1)->state.validators, sim_address(sim, 0));
    for (int64_t at = height + 2; at <= height + 7; at++) {
        ck_assert(ledger_commit(sim_ledger(sim, 1), &commit, &canonical, at, &arena));
        ck_assert_int_eq(commit.sigs[index].flag, COMMIT_ABSENT);
    }
    sim_mute(sim, 0, NULL);
    ck_assert(sim_run_to_height(sim, height + 14, 200000));
    ck_assert(ledger_commit(sim_ledger(sim, 1), &commit, &canonical, height + 13, &arena));
    ck_assert_int_eq(commit.sigs[index].flag, COMMIT_FOR_BLOCK);
    ck_assert_str_eq(sim_complaint(sim), "");
    arena_close(&arena);
    sim_free(sim);
}
END_TEST

/* The round waits for votes that nobody casts, and no timeout would end it. */
START_TEST(when_all_were_muted_the_chain_goes_on_once_they_speak_again) {
    struct sim_config config;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        sim_defaults(&config);
        config.seed = seed;
        config.remote_signers = seed % 2 == 0 ? 0xF : 0;
        struct sim *sim = sim_new(&config);
        ck_assert(sim_run_to_height(sim, 3, 60000));
        sim_run_for(sim, (int64_t)(137 * seed));
        for (uint32_t i = 0; i < 4; i++)
            sim_mute(sim, i, "the disk is full");
        sim_run_for(sim, 60000);
        int64_t height = sim_ledger(sim, 0)->state.height;
        sim_run_for(sim, 60000);
        ck_assert_int_eq(sim_ledger(sim, 0)->state.height, height);
        for (uint32_t i = 0; i < 4; i++)
            sim_mute(sim, i, NULL);
        ck_assert_msg(sim_run_to_height(sim, height + 5, 60000), "seed %d: %s", (int)seed, sim_complaint(sim));
        ck_assert_str_eq(sim_complaint(sim), "");
        sim_free(sim);
    }
}
END_TEST

START_TEST(a_lone_validator_that_restarts_muted_waits_and_then_goes_on) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 1;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_mute(sim, 0, "the disk is full");
    sim_run_for(sim, 20000);
    int64_t height = sim_ledger(sim, 0)->state.height;
    sim_stop(sim, 0);
    ck_assert(sim_start(sim, 0));
    sim_mute(sim, 0, "the disk is full");
    sim_run_for(sim, 20000);
    ck_assert_int_le(sim_ledger(sim, 0)->state.height, height + 1);
    sim_mute(sim, 0, NULL);
    ck_assert(sim_run_to_height(sim, height + 4, 60000));
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}
END_TEST

Suite *suite_pruning(void);
Suite *suite_pruning(void) {
    Suite *suite = suite_create("pruning");
    TCase *tcase = tcase_create("pruning");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, operator_and_application_must_both_allow);
    tcase_add_test(tcase, settings_that_do_not_fit_together_are_refused);
    tcase_add_test(tcase, nodes_that_prune_go_on_and_serve_what_they_have);
    tcase_add_test(tcase, who_is_muted_signs_nothing_and_the_others_go_on);
    tcase_add_test(tcase, when_all_were_muted_the_chain_goes_on_once_they_speak_again);
    tcase_add_test(tcase, a_lone_validator_that_restarts_muted_waits_and_then_goes_on);
    suite_add_tcase(suite, tcase);
    return suite;
}
