/* What a seed makes, and that it is carried out the same each time. */
#include <check.h>
#include <stdlib.h>

#include "node/sim_run.h"

static struct sim_plan plan;

static void run_seed(struct sim_result *result, uint64_t seed) {
    sim_plan_make(&plan, seed);
    sim_run(result, &plan, NULL, NULL);
}

START_TEST(two_runs_of_a_seed_have_one_trace) {
    static const uint64_t seeds[] = {2, 7, 12, 25, 77};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct sim_result one, other;
        run_seed(&one, seeds[i]);
        run_seed(&other, seeds[i]);
        ck_assert_mem_eq(one.trace, other.trace, sizeof one.trace);
        ck_assert_uint_gt(one.events, 0);
        ck_assert_str_eq(one.complaint, "");
    }
}
END_TEST

START_TEST(two_seeds_have_two_traces) {
    struct sim_result one, other;
    run_seed(&one, 2);
    run_seed(&other, 3);
    ck_assert_mem_ne(one.trace, other.trace, sizeof one.trace);
}
END_TEST

START_TEST(printing_the_trace_changes_nothing) {
    struct sim_result silent, printed;
    run_seed(&silent, 12);
    FILE *out = tmpfile();
    sim_plan_make(&plan, 12);
    sim_run(&printed, &plan, out, NULL);
    ck_assert_mem_eq(silent.trace, printed.trace, sizeof silent.trace);
    ck_assert_int_gt(ftell(out), 10000);
    fclose(out);
}
END_TEST

START_TEST(real_signatures_give_another_chain_that_holds_as_well) {
    struct sim_result cheap, real;
    sim_plan_make(&plan, 41);
    plan.heights = 3;
    sim_run(&cheap, &plan, NULL, NULL);
    sim_plan_make(&plan, 41);
    plan.heights = 3;
    plan.real_crypto = true;
    sim_run(&real, &plan, NULL, NULL);
    ck_assert_str_eq(real.complaint, "");
    ck_assert_mem_ne(cheap.trace, real.trace, sizeof real.trace);
}
END_TEST

/* Over many seeds everything that the generator knows comes to pass, and within what it promises. */
START_TEST(seeds_make_everything_and_liars_stay_below_a_third) {
    bool faults[SIM_FAULT_KINDS] = {false}, roads[SIM_ROADS_KINDS] = {false}, sizes[SIM_NODES_MAX + 1] = {false}, beyond = false, ledger = false;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        int64_t total = 0, faulty = 0;
        sim_plan_make(&plan, seed);
        for (uint32_t i = 0; i < plan.config.nodes; i++) {
            total += plan.key_of[i] == i ? plan.powers[i] : 0;
            faulty += plan.key_of[i] == i && plan.is_faulty[i] ? plan.powers[i] : 0;
        }
        ck_assert_msg(plan.beyond_third || 3 * faulty < total, "seed %d: %d of %d", (int)seed, (int)faulty, (int)total);
        for (uint32_t i = 0; i < plan.fault_count; i++)
            faults[plan.faults[i].kind] = true;
        roads[plan.roads.kind] = sizes[plan.config.nodes] = true;
        beyond |= plan.beyond_third;
        ledger |= strcmp(plan.config.app, "ledger") == 0;
    }
    for (int i = 0; i < SIM_FAULT_KINDS; i++)
        ck_assert_msg(faults[i], "%s", sim_fault_kind_text((enum sim_fault_kind)i));
    for (int i = 0; i < SIM_ROADS_KINDS; i++)
        ck_assert(roads[i]);
    ck_assert(sizes[1] && sizes[4] && sizes[5] && sizes[7] && sizes[10] && sizes[30] && sizes[100] && beyond && ledger);
}
END_TEST

START_TEST(the_matrix_of_regions_in_the_tree_is_the_one_of_seeds) {
    static struct sim_roads built_in, read;
    static char text[4096];
    char *error;
    FILE *file = fopen("tests/sim/regions.txt", "r");
    if (file == NULL)
        return; /* elsewhere than in the tree */
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    sim_roads_init(&built_in, SIM_ROADS_WAN, 1);
    sim_roads_init(&read, SIM_ROADS_UNIFORM, 1);
    ck_assert(sim_roads_read(&read, text, &error));
    ck_assert_uint_eq(read.regions, built_in.regions);
    ck_assert_mem_eq(read.names, built_in.names, sizeof read.names);
    ck_assert_mem_eq(read.region_us, built_in.region_us, sizeof read.region_us);
}
END_TEST

START_TEST(a_fault_that_is_left_out_leaves_the_others_as_they_were) {
    struct sim_plan *whole = malloc(sizeof *whole);
    uint64_t seed = 1;
    do
        sim_plan_make(whole, seed);
    while (whole->fault_count < 5 && seed++ < 100);
    sim_plan_make(&plan, seed);
    plan.faults[1].left_out = true;
    sim_plan_settle(&plan);
    ck_assert_uint_eq(sim_plan_faults(&plan) + 1, sim_plan_faults(whole));
    for (uint32_t i = 2; i < plan.fault_count; i++)
        ck_assert_mem_eq(&plan.faults[i], &whole->faults[i], sizeof plan.faults[i]);
    free(whole);
}
END_TEST

Suite *suite_sim_plan(void);
Suite *suite_sim_plan(void) {
    Suite *suite = suite_create("sim_plan");
    TCase *tests = tcase_create("sim_plan");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, two_runs_of_a_seed_have_one_trace);
    tcase_add_test(tests, two_seeds_have_two_traces);
    tcase_add_test(tests, printing_the_trace_changes_nothing);
    tcase_add_test(tests, real_signatures_give_another_chain_that_holds_as_well);
    tcase_add_test(tests, seeds_make_everything_and_liars_stay_below_a_third);
    tcase_add_test(tests, the_matrix_of_regions_in_the_tree_is_the_one_of_seeds);
    tcase_add_test(tests, a_fault_that_is_left_out_leaves_the_others_as_they_were);
    suite_add_tcase(suite, tests);
    return suite;
}
