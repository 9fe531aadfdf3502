/* Who contradicts, and what follows: examination of a trace, and the evidence made of it. */
#include <check.h>

#include "tendermint/light_attack.h"
#include "tendermint/light_examine.h"
#include "tests/tendermint/smith.h"

Suite *suite_light_attack(void);

static struct smith_chain ours, theirs; /* the trace is made of ours; theirs contradicts */
static struct light_trace trace;
static struct light_examine examine;
static struct arena arena;
static struct evidence evidence;

static void set_up(void) {
    smith_open();
    arena_init(&arena, 1 << 24);
    light_trace_init(&trace);
}

static void tear_down(void) {
    light_examine_end(&examine);
    light_trace_close(&trace);
    smith_forget(&ours);
    smith_forget(&theirs);
    arena_close(&arena);
    smith_close();
}

static void make_trace(const int64_t *heights) {
    for (; *heights != 0; heights++)
        light_trace_add(&trace, smith_at(&ours, *heights));
}
#define TRACE(...) make_trace((const int64_t[]){__VA_ARGS__, 0})

static enum light_examine_state run(int64_t target) {
    struct light_rules rules = LIGHT_RULES_DEFAULT;
    struct timestamp now = smith_time(100000);
    enum light_examine_state state;
    light_examine_begin(&examine, &trace, smith_at(&theirs, target), &rules, &now);
    while ((state = light_examine_step(&examine)) == LIGHT_EXAMINE_WANTS) {
        struct light_block *block = smith_at(&theirs, examine.wanted);
        ck_assert_ptr_nonnull(block);
        light_examine_give(&examine, light_block_hold(block));
    }
    return state;
}

static const struct light_block *common(void) { return examine.found.blocks[0]; }
static const struct light_block *true_one(void) { return light_trace_last(&examine.found); }

/* Evidence against ours, as a node on theirs verifies it. */
static bool convicts(void) {
    ck_assert(light_attack_evidence(&evidence, examine.divergent, true_one(), common(), &arena));
    const struct light_block *at_common = smith_at(&theirs, evidence.common_height);
    struct light_block *trusted = smith_at(&theirs, evidence.conflicting_header.height);
    if (trusted == NULL)
        trusted = theirs.blocks[theirs.count - 1];
    struct evidence_attack_view view = {&at_common->set, &trusted->header, &trusted->commit};
    return evidence_check(&evidence) && evidence_verify_attack(&evidence, &view, smith_chain_id());
}

START_TEST(a_lunatic_s_block_is_found_and_its_signers_of_the_common_set_are_named) {
    smith_grow_many(&ours, 6, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 6);
    smith_grow_many(&theirs, 4, &(struct smith_step){0});
    smith_grow_many(&ours, 4, &(struct smith_step){.app = 7, .signers = 0x7});
    TRACE(1, 5, 10);
    ck_assert_int_eq(run(10), LIGHT_EXAMINE_FOUND);
    ck_assert_int_eq(common()->header.height, 5);
    ck_assert_int_eq(examine.divergent->header.height, 10);
    ck_assert(convicts());
    ck_assert_int_eq(light_attack_kind_of(examine.divergent, true_one()), LIGHT_ATTACK_LUNATIC);
    ck_assert_int_eq(evidence.common_height, 5);
    ck_assert_uint_eq(evidence.byzantine_count, 3);
}
END_TEST

START_TEST(the_trace_is_examined_up_to_the_first_block_that_differs) {
    smith_grow_many(&ours, 4, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    smith_grow_many(&ours, 6, &(struct smith_step){.app = 7});
    smith_grow_many(&theirs, 6, &(struct smith_step){0});
    TRACE(1, 3, 6, 8, 10);
    ck_assert_int_eq(run(10), LIGHT_EXAMINE_FOUND);
    ck_assert_int_eq(common()->header.height, 3);
    ck_assert_int_eq(examine.divergent->header.height, 6);
    ck_assert_int_eq(true_one()->header.height, 6);
    ck_assert(convicts());
}
END_TEST

START_TEST(an_equivocation_names_who_signed_both) {
    smith_grow_many(&ours, 4, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    smith_grow(&ours, &(struct smith_step){.data = 1, .signers = 0x7});
    smith_grow(&theirs, &(struct smith_step){.data = 2, .signers = 0xe});
    TRACE(1, 5);
    ck_assert_int_eq(run(5), LIGHT_EXAMINE_FOUND);
    ck_assert(convicts());
    ck_assert_int_eq(light_attack_kind_of(examine.divergent, true_one()), LIGHT_ATTACK_EQUIVOCATION);
    ck_assert_int_eq(evidence.common_height, 5);
    ck_assert_uint_eq(evidence.byzantine_count, 2);
}
END_TEST

START_TEST(of_amnesia_there_is_evidence_that_names_nobody) {
    smith_grow_many(&ours, 4, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    smith_grow(&ours, &(struct smith_step){.data = 1});
    smith_grow(&theirs, &(struct smith_step){.data = 2, .round = 3});
    TRACE(1, 5);
    ck_assert_int_eq(run(5), LIGHT_EXAMINE_FOUND);
    ck_assert(light_attack_evidence(&evidence, examine.divergent, true_one(), common(), &arena));
    ck_assert_int_eq(light_attack_kind_of(examine.divergent, true_one()), LIGHT_ATTACK_AMNESIA);
    ck_assert(evidence_check(&evidence));
    ck_assert_uint_eq(evidence.byzantine_count, 0);
}
END_TEST

/* Wound 14: a block of a height that the chain has not reached, with a time that it has. */
START_TEST(a_forward_lunatic_is_convicted_by_the_time_of_the_newest_block) {
    smith_grow_many(&ours, 4, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    smith_grow_many(&theirs, 4, &(struct smith_step){0});
    smith_grow(&ours, &(struct smith_step){.height = 50, .app = 1, .time = 65});
    TRACE(1, 4, 50);
    ck_assert_int_eq(run(8), LIGHT_EXAMINE_FOUND);
    ck_assert_int_eq(examine.divergent->header.height, 50);
    ck_assert_int_eq(true_one()->header.height, 8);
    ck_assert(convicts());
    ck_assert_int_eq(evidence.common_height, 4);
}
END_TEST

START_TEST(a_forward_lunatic_is_found_even_when_the_source_ends_at_a_height_of_the_trace) {
    smith_grow_many(&ours, 4, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    smith_grow(&ours, &(struct smith_step){.height = 50, .app = 1, .time = 25});
    TRACE(4, 50);
    ck_assert_int_eq(run(4), LIGHT_EXAMINE_FOUND);
    ck_assert_int_eq(common()->header.height, 4);
    ck_assert_int_eq(examine.divergent->header.height, 50);
}
END_TEST

START_TEST(a_later_block_of_a_greater_height_is_no_contradiction) {
    smith_grow_many(&ours, 9, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    TRACE(1, 9);
    ck_assert_int_eq(run(4), LIGHT_EXAMINE_FAILED);
}
END_TEST

START_TEST(a_source_that_cannot_prove_its_block_has_proven_nothing) {
    smith_grow_many(&ours, 9, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    smith_grow_many(&theirs, 5, &(struct smith_step){.set = 0xf0, .app = 3});
    TRACE(1, 9);
    ck_assert_int_eq(run(9), LIGHT_EXAMINE_FAILED);
    ck_assert_ptr_nonnull(examine.why);
}
END_TEST

START_TEST(a_source_with_another_first_block_has_proven_nothing) {
    smith_grow_many(&ours, 5, &(struct smith_step){0});
    smith_grow_many(&theirs, 5, &(struct smith_step){.data = 9});
    TRACE(1, 5);
    ck_assert_int_eq(run(5), LIGHT_EXAMINE_FAILED);
}
END_TEST

START_TEST(a_source_that_agrees_with_all_of_the_trace_contradicts_nothing) {
    smith_grow_many(&ours, 5, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 5);
    TRACE(1, 3, 5);
    ck_assert_int_eq(run(5), LIGHT_EXAMINE_FAILED);
}
END_TEST

/* Wound 39. */
START_TEST(both_sides_accuse_each_other_and_the_roles_are_swapped) {
    smith_grow_many(&ours, 4, &(struct smith_step){0});
    smith_fork(&theirs, &ours, 4);
    smith_grow_many(&ours, 2, &(struct smith_step){.app = 7});
    smith_grow_many(&theirs, 2, &(struct smith_step){0});
    TRACE(1, 6);
    ck_assert_int_eq(run(6), LIGHT_EXAMINE_FOUND);
    struct light_rules rules = LIGHT_RULES_DEFAULT;
    struct timestamp now = smith_time(100000);
    struct light_examine back;
    light_examine_begin(&back, &examine.found, examine.divergent, &rules, &now);
    enum light_examine_state state;
    while ((state = light_examine_step(&back)) == LIGHT_EXAMINE_WANTS)
        light_examine_give(&back, light_block_hold(smith_at(&ours, back.wanted)));
    ck_assert_int_eq(state, LIGHT_EXAMINE_FOUND);
    ck_assert_ptr_eq(back.divergent, true_one());
    light_examine_end(&back);
}
END_TEST

Suite *suite_light_attack(void) {
    Suite *suite = suite_create("light_attack");
    TCase *tests = tcase_create("light_attack");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_lunatic_s_block_is_found_and_its_signers_of_the_common_set_are_named);
    tcase_add_test(tests, the_trace_is_examined_up_to_the_first_block_that_differs);
    tcase_add_test(tests, an_equivocation_names_who_signed_both);
    tcase_add_test(tests, of_amnesia_there_is_evidence_that_names_nobody);
    tcase_add_test(tests, a_forward_lunatic_is_convicted_by_the_time_of_the_newest_block);
    tcase_add_test(tests, a_forward_lunatic_is_found_even_when_the_source_ends_at_a_height_of_the_trace);
    tcase_add_test(tests, a_later_block_of_a_greater_height_is_no_contradiction);
    tcase_add_test(tests, a_source_that_cannot_prove_its_block_has_proven_nothing);
    tcase_add_test(tests, a_source_with_another_first_block_has_proven_nothing);
    tcase_add_test(tests, a_source_that_agrees_with_all_of_the_trace_contradicts_nothing);
    tcase_add_test(tests, both_sides_accuse_each_other_and_the_roles_are_swapped);
    suite_add_tcase(suite, tests);
    return suite;
}
