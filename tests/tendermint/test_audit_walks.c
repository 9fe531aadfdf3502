/* A slice of `make audit-walks`. QUORATE_WALKS=n walks n of each kind. */
#include <check.h>
#include <stdlib.h>

#include "tests/tendermint/walk.h"
#include "tests/trials.h"

static uint64_t wish(uint64_t walks) {
    const char *text = getenv("QUORATE_WALKS");
    return text == NULL ? trials(walks) : strtoull(text, NULL, 10);
}

static void walk_many(struct walk_counts *counts, enum walk_rule rule, bool below_third, uint64_t walks) {
    walk_use_fast_signatures();
    for (uint64_t seed = 1; seed <= walks; seed++) {
        struct walk_settings settings = {rule, seed, below_third};
        walk_one(counts, &settings);
        ck_assert_msg(walk_wrong(counts, rule) == 0, "%s", counts->first);
    }
}

START_TEST(nobody_honest_is_convicted_whatever_the_lock_rule_and_strict_attributes_every_fork) {
    struct walk_counts counts = {0};
    walk_many(&counts, (enum walk_rule)_i, false, wish(2500));
    ck_assert_uint_gt(counts.forks, 0);
    ck_assert_uint_gt(counts.attributed, 0);
    ck_assert_uint_gt(counts.by_log + counts.by_silence, 0); /* and not only by double votes */
}
END_TEST

START_TEST(below_a_third_there_is_no_fork_and_all_decide_also_with_strict_next_to_comet) {
    struct walk_counts counts = {0};
    walk_many(&counts, (enum walk_rule)_i, true, wish(800));
    ck_assert_uint_eq(counts.forks, 0);
    ck_assert_uint_eq(counts.stuck, 0);
}
END_TEST

START_TEST(there_are_walks_in_which_the_paper_s_predicate_accuses_the_honest) {
    struct walk_counts counts = {0};
    walk_many(&counts, WALK_STRICT, true, 1500);
    ck_assert_uint_gt(counts.paper_accuses, 0); /* while ours convicted nobody honest: walk_many looks */
}
END_TEST

Suite *suite_audit_walks(void);
Suite *suite_audit_walks(void) {
    Suite *suite = suite_create("audit_walks");
    TCase *tests = tcase_create("trials");
    tcase_set_timeout(tests, 3600);
    tcase_add_loop_test(tests, nobody_honest_is_convicted_whatever_the_lock_rule_and_strict_attributes_every_fork, 0, WALK_RULES);
    tcase_add_loop_test(tests, below_a_third_there_is_no_fork_and_all_decide_also_with_strict_next_to_comet, 0, WALK_RULES);
    tcase_add_test(tests, there_are_walks_in_which_the_paper_s_predicate_accuses_the_honest);
    suite_add_tcase(suite, tests);
    return suite;
}
