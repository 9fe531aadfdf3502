#include <check.h>

#include "tests/tendermint/smith.h"

Suite *suite_light_verify(void);

static struct smith_chain chain;
static struct light_rules rules;

static void set_up(void) {
    smith_open();
    rules = LIGHT_RULES_DEFAULT;
    smith_grow_many(&chain, 4, &(struct smith_step){0});
}

static void tear_down(void) {
    smith_forget(&chain);
    smith_close();
}

static enum light_verdict judge(const struct light_block *block, const struct light_block *from, int64_t now) {
    struct timestamp time = smith_time(now);
    return light_verify(block, &from->header, &from->set, &rules, &time);
}

static enum light_verdict next_after(uint32_t below, const struct smith_step *step, int64_t now) {
    struct smith_chain fork = {0};
    smith_fork(&fork, &chain, below);
    smith_grow(&fork, step);
    enum light_verdict verdict = judge(fork.blocks[below], fork.blocks[below - 1], now);
    smith_forget(&fork);
    return verdict;
}

START_TEST(the_next_header_and_a_later_one_follow_from_a_trusted_one) {
    ck_assert_int_eq(judge(smith_at(&chain, 2), smith_at(&chain, 1), 100), LIGHT_GOOD);
    ck_assert_int_eq(judge(smith_at(&chain, 4), smith_at(&chain, 1), 100), LIGHT_GOOD);
}
END_TEST

START_TEST(a_header_does_not_follow_from_itself_or_from_a_later_one) {
    ck_assert_int_eq(judge(smith_at(&chain, 3), smith_at(&chain, 3), 100), LIGHT_NOT_HIGHER);
    ck_assert_int_eq(judge(smith_at(&chain, 2), smith_at(&chain, 4), 100), LIGHT_NOT_HIGHER);
}
END_TEST

START_TEST(adjacent_and_non_adjacent_refuse_each_other_s_heights) {
    struct timestamp now = smith_time(100);
    ck_assert_int_eq(light_verify_adjacent(smith_at(&chain, 3), &smith_at(&chain, 1)->header, &rules, &now), LIGHT_NOT_ADJACENT);
    ck_assert_int_eq(light_verify_non_adjacent(smith_at(&chain, 2), &smith_at(&chain, 1)->header, &smith_at(&chain, 1)->set, &rules, &now), LIGHT_ADJACENT);
}
END_TEST

START_TEST(two_thirds_of_its_own_set_must_have_signed) {
    ck_assert_int_eq(next_after(3, &(struct smith_step){.signers = 0x7}, 100), LIGHT_GOOD);
    ck_assert_int_eq(next_after(3, &(struct smith_step){.signers = 0x3}, 100), LIGHT_BAD_COMMIT);
    ck_assert_int_eq(next_after(3, &(struct smith_step){.signers = 0x7, .bad_signers = 0x1}, 100), LIGHT_BAD_COMMIT);
}
END_TEST

START_TEST(the_next_set_must_be_the_one_that_was_announced) {
    ck_assert_int_eq(next_after(3, &(struct smith_step){.set = 0xf0}, 100), LIGHT_WRONG_NEXT_SET);
}
END_TEST

START_TEST(time_must_pass_and_not_be_ahead_of_ours_by_more_than_the_drift) {
    ck_assert_int_eq(next_after(3, &(struct smith_step){.time = 20}, 100), LIGHT_NOT_LATER);
    ck_assert_int_eq(next_after(3, &(struct smith_step){.time = 109}, 100), LIGHT_GOOD);
    ck_assert_int_eq(next_after(3, &(struct smith_step){.time = 110}, 100), LIGHT_FROM_FUTURE);
}
END_TEST

START_TEST(trust_ends_at_the_very_moment) {
    rules.trusting_period_ns = 100 * LIGHT_SECOND_NS;
    ck_assert_int_eq(judge(smith_at(&chain, 2), smith_at(&chain, 1), 99), LIGHT_GOOD);
    ck_assert_int_eq(judge(smith_at(&chain, 2), smith_at(&chain, 1), 100), LIGHT_EXPIRED);
    ck_assert_int_eq(judge(smith_at(&chain, 3), smith_at(&chain, 1), 100), LIGHT_EXPIRED);
}
END_TEST

/* Of four trusted validators, so many sign a far block of another set. */
static enum light_verdict from_strangers(uint32_t set, uint32_t signers) {
    struct smith_chain fork = {0};
    smith_fork(&fork, &chain, 4);
    smith_grow(&fork, &(struct smith_step){.set = set, .signers = signers, .height = 9});
    enum light_verdict verdict = judge(fork.blocks[4], fork.blocks[1], 1000);
    smith_forget(&fork);
    return verdict;
}

START_TEST(a_far_block_needs_more_than_a_third_of_the_trusted) {
    ck_assert_int_eq(from_strangers(0x33, 0x33), LIGHT_GOOD);
    ck_assert_int_eq(from_strangers(0x71, 0x71), LIGHT_CANNOT_TRUST);
    ck_assert_int_eq(from_strangers(0xf0, 0xf0), LIGHT_CANNOT_TRUST);
}
END_TEST

START_TEST(a_far_block_needs_two_thirds_of_its_own_set_as_well) {
    ck_assert_int_eq(from_strangers(0x33, 0x13), LIGHT_GOOD);
    ck_assert_int_eq(from_strangers(0x33, 0x03), LIGHT_BAD_COMMIT); /* half of those trusted, and half of its own */
}
END_TEST

START_TEST(a_higher_trust_level_needs_more) {
    rules.trust_numerator = 1;
    rules.trust_denominator = 2;
    ck_assert_int_eq(from_strangers(0x33, 0x33), LIGHT_CANNOT_TRUST);
    ck_assert_int_eq(from_strangers(0x37, 0x37), LIGHT_GOOD);
    rules.trust_denominator = 4;
    ck_assert_int_eq(from_strangers(0x37, 0x37), LIGHT_BAD_TRUST_LEVEL);
}
END_TEST

START_TEST(a_set_that_is_not_the_header_s_is_refused) {
    struct valset other;
    smith_set(&other, 0x1f);
    const struct light_block *good = smith_at(&chain, 3);
    struct light_block *bad = light_block_new(&good->header, &good->commit, &other);
    ck_assert_int_eq(judge(bad, smith_at(&chain, 2), 100), LIGHT_WRONG_SET);
    ck_assert_int_eq(light_check(bad, smith_chain_id()), LIGHT_WRONG_SET);
    ck_assert_int_eq(light_check(good, smith_chain_id()), LIGHT_GOOD);
    light_block_release(bad);
    valset_close(&other);
}
END_TEST

/* Wound 15. */
START_TEST(a_header_of_another_chain_is_refused_even_if_all_else_is_right) {
    const struct light_block *good = smith_at(&chain, 3);
    struct header header = good->header;
    struct commit commit = good->commit;
    header_set_chain_id(&header, span_text("another"));
    header_hash(&commit.block_id.hash, &header);
    struct light_block *bad = light_block_new(&header, &commit, &good->set);
    ck_assert_int_eq(judge(bad, smith_at(&chain, 2), 100), LIGHT_OTHER_CHAIN);
    ck_assert_int_eq(light_check(good, span_text("another")), LIGHT_OTHER_CHAIN);
    ck_assert_int_eq(light_verify_backwards(&header, &smith_at(&chain, 4)->header), LIGHT_OTHER_CHAIN);
    light_block_release(bad);
}
END_TEST

START_TEST(a_commit_for_another_block_is_no_commit_for_this_header) {
    const struct light_block *good = smith_at(&chain, 3);
    struct light_block *bad = light_block_new(&good->header, &smith_at(&chain, 2)->commit, &good->set);
    ck_assert_int_eq(judge(bad, smith_at(&chain, 2), 100), LIGHT_BAD_SHAPE);
    light_block_release(bad);
}
END_TEST

START_TEST(backwards_the_hash_decides) {
    ck_assert_int_eq(light_verify_backwards(&smith_at(&chain, 3)->header, &smith_at(&chain, 4)->header), LIGHT_GOOD);
    ck_assert_int_eq(light_verify_backwards(&smith_at(&chain, 2)->header, &smith_at(&chain, 4)->header), LIGHT_BAD_LINK);
    ck_assert_int_eq(light_verify_backwards(&smith_at(&chain, 4)->header, &smith_at(&chain, 3)->header), LIGHT_NOT_LATER);
}
END_TEST

START_TEST(trust_levels_are_from_a_third_to_one) {
    ck_assert(light_trust_level_good(1, 3));
    ck_assert(light_trust_level_good(1, 1));
    ck_assert(!light_trust_level_good(33, 100));
    ck_assert(!light_trust_level_good(4, 3));
    ck_assert(!light_trust_level_good(0, 0));
    ck_assert(!light_trust_level_good(UINT64_C(1) << 63, UINT64_MAX / 3));
    ck_assert(!light_trust_level_good(1, UINT64_MAX));
}
END_TEST

START_TEST(every_header_from_the_first_on_can_be_checked_for_ever) {
    rules = LIGHT_RULES_FOREVER;
    struct timestamp now = smith_at(&chain, 4)->header.time;
    for (int64_t height = 2; height <= 4; height++)
        ck_assert_int_eq(light_verify_adjacent(smith_at(&chain, height), &smith_at(&chain, height - 1)->header, &rules, &now), LIGHT_GOOD);
}
END_TEST

Suite *suite_light_verify(void) {
    Suite *suite = suite_create("light_verify");
    TCase *tests = tcase_create("light_verify");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_next_header_and_a_later_one_follow_from_a_trusted_one);
    tcase_add_test(tests, a_header_does_not_follow_from_itself_or_from_a_later_one);
    tcase_add_test(tests, adjacent_and_non_adjacent_refuse_each_other_s_heights);
    tcase_add_test(tests, two_thirds_of_its_own_set_must_have_signed);
    tcase_add_test(tests, the_next_set_must_be_the_one_that_was_announced);
    tcase_add_test(tests, time_must_pass_and_not_be_ahead_of_ours_by_more_than_the_drift);
    tcase_add_test(tests, trust_ends_at_the_very_moment);
    tcase_add_test(tests, a_far_block_needs_more_than_a_third_of_the_trusted);
    tcase_add_test(tests, a_far_block_needs_two_thirds_of_its_own_set_as_well);
    tcase_add_test(tests, a_higher_trust_level_needs_more);
    tcase_add_test(tests, a_set_that_is_not_the_header_s_is_refused);
    tcase_add_test(tests, a_header_of_another_chain_is_refused_even_if_all_else_is_right);
    tcase_add_test(tests, a_commit_for_another_block_is_no_commit_for_this_header);
    tcase_add_test(tests, backwards_the_hash_decides);
    tcase_add_test(tests, trust_levels_are_from_a_third_to_one);
    tcase_add_test(tests, every_header_from_the_first_on_can_be_checked_for_ever);
    suite_add_tcase(suite, tests);
    return suite;
}
