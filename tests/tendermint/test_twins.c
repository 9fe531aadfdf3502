/* A slice of `make twins`, which goes deeper: no scenario makes the honest disagree, and healing lets all decide. */
#include "tests/tendermint/twins.h"

#include <check.h>

#include "tests/trials.h"

static void must_be_safe(const struct twins_report *report) {
    ck_assert_msg(report->violations == 0, "%llu violations; the first: %s", (unsigned long long)report->violations, report->first);
    ck_assert_uint_gt(report->decisions, 0);
    ck_assert_uint_gt(report->healed, 0);
}

static void enumerate(struct twins_settings settings) {
    struct twins_report report;
    settings.heal_every = 1;
    settings.states_max = UINT64_MAX;
    for (settings.rule = TWINS_STRICT; settings.rule < TWINS_RULES; settings.rule++) {
        twins_enumerate(&report, &settings);
        ck_assert_uint_eq(report.rounds_done, settings.rounds);
        must_be_safe(&report);
    }
}

START_TEST(three_rounds_of_any_two_groups_are_safe) {
    enumerate((struct twins_settings){.rounds = 3, .groups = TWINS_TWO_GROUPS});
    enumerate((struct twins_settings){.rounds = 3, .groups = TWINS_TWO_GROUPS, .gossip = true});
}
END_TEST

START_TEST(two_rounds_of_any_three_groups_are_safe) {
    enumerate((struct twins_settings){.rounds = 2, .groups = TWINS_THREE_GROUPS});
}
END_TEST

START_TEST(four_rounds_with_the_twins_on_two_sides_are_safe) {
    enumerate((struct twins_settings){.rounds = 4, .groups = TWINS_CLASSIC});
}
END_TEST

START_TEST(two_rounds_whose_precommits_go_other_ways_than_their_prevotes_are_safe) {
    enumerate((struct twins_settings){.rounds = 2, .groups = TWINS_CLASSIC, .split = true});
}
END_TEST

START_TEST(seven_rounds_by_chance_are_safe) {
    struct twins_settings settings = {.rounds = 7, .split = true};
    struct twins_report report;
    for (settings.rule = TWINS_STRICT; settings.rule < TWINS_RULES; settings.rule++)
        for (settings.groups = TWINS_TWO_GROUPS; settings.groups <= TWINS_THREE_GROUPS; settings.groups++) {
            twins_sample(&report, &settings, 1, trials(settings.groups == TWINS_TWO_GROUPS ? 20000 : 5000));
            must_be_safe(&report);
        }
}
END_TEST

Suite *suite_twins(void);
Suite *suite_twins(void) {
    Suite *suite = suite_create("twins");
    TCase *tests = tcase_create("twins");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, three_rounds_of_any_two_groups_are_safe);
    tcase_add_test(tests, two_rounds_of_any_three_groups_are_safe);
    tcase_add_test(tests, four_rounds_with_the_twins_on_two_sides_are_safe);
    tcase_add_test(tests, two_rounds_whose_precommits_go_other_ways_than_their_prevotes_are_safe);
    suite_add_tcase(suite, tests);
    TCase *chance = tcase_create("trials");
    tcase_set_timeout(chance, 300);
    tcase_add_test(chance, seven_rounds_by_chance_are_safe);
    suite_add_tcase(suite, chance);
    return suite;
}
