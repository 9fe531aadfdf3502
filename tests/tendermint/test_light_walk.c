#include <check.h>

#include "tendermint/light_walk.h"
#include "tests/tendermint/smith.h"

Suite *suite_light_walk(void);

static struct smith_chain chain;
static struct light_walk walk;
static uint32_t asked;

static void set_up(void) {
    smith_open();
    asked = 0;
}

static void tear_down(void) {
    light_walk_end(&walk);
    smith_forget(&chain);
    smith_close();
}

static enum light_walk_state run(int64_t from, int64_t to, enum light_mode mode) {
    struct light_rules rules = LIGHT_RULES_DEFAULT;
    struct timestamp now = smith_time(100000);
    enum light_walk_state state;
    light_walk_begin(&walk, smith_at(&chain, from), smith_at(&chain, to), &rules, &now, mode);
    while ((state = light_walk_step(&walk)) == LIGHT_WALK_WANTS) {
        struct light_block *block = smith_at(&chain, walk.wanted);
        ck_assert_ptr_nonnull(block);
        ck_assert_int_gt(walk.wanted, from);
        ck_assert_int_lt(walk.wanted, to);
        light_walk_give(&walk, light_block_hold(block));
        asked++;
    }
    return state;
}

static void check_trace(int64_t from, int64_t to) {
    ck_assert_int_eq(walk.trace.blocks[0]->header.height, from);
    ck_assert_int_eq(light_trace_last(&walk.trace)->header.height, to);
    for (uint32_t i = 1; i < walk.trace.count; i++)
        ck_assert_int_lt(walk.trace.blocks[i - 1]->header.height, walk.trace.blocks[i]->header.height);
}

START_TEST(with_one_set_it_skips_to_the_target_at_once) {
    smith_grow_many(&chain, 100, &(struct smith_step){0});
    ck_assert_int_eq(run(1, 100, LIGHT_SKIPPING), LIGHT_WALK_ARRIVED);
    ck_assert_uint_eq(asked, 0);
    check_trace(1, 100);
}
END_TEST

/* One member of four is replaced each ten heights. */
static void grow_changing(void) {
    smith_grow(&chain, &(struct smith_step){0});
    for (uint32_t i = 0; i < 20; i++) {
        smith_grow_many(&chain, 9, &(struct smith_step){0});
        smith_grow(&chain, &(struct smith_step){.next_set = UINT32_C(0xf) << (i + 1)});
    }
}

START_TEST(with_changing_sets_it_divides_and_asks_for_few) {
    grow_changing();
    ck_assert_int_eq(run(1, 200, LIGHT_SKIPPING), LIGHT_WALK_ARRIVED);
    ck_assert_uint_gt(asked, 5);
    ck_assert_uint_lt(asked, 40);
    check_trace(1, 200);
}
END_TEST

START_TEST(when_every_height_has_another_set_it_visits_every_height) {
    for (uint32_t i = 0; i < 20; i++)
        smith_grow(&chain, &(struct smith_step){.set = UINT32_C(1) << i, .next_set = UINT32_C(2) << i});
    ck_assert_int_eq(run(1, 20, LIGHT_SKIPPING), LIGHT_WALK_ARRIVED);
    ck_assert_uint_eq(walk.trace.count, 20);
}
END_TEST

START_TEST(sequentially_it_asks_for_every_height_upwards) {
    smith_grow_many(&chain, 30, &(struct smith_step){0});
    ck_assert_int_eq(run(3, 30, LIGHT_SEQUENTIAL), LIGHT_WALK_ARRIVED);
    ck_assert_uint_eq(asked, 26);
    ck_assert_uint_eq(walk.trace.count, 28);
}
END_TEST

START_TEST(the_next_height_needs_nothing_between_in_either_mode) {
    smith_grow_many(&chain, 3, &(struct smith_step){0});
    ck_assert_int_eq(run(1, 2, LIGHT_SEQUENTIAL), LIGHT_WALK_ARRIVED);
    light_walk_end(&walk);
    ck_assert_int_eq(run(1, 2, LIGHT_SKIPPING), LIGHT_WALK_ARRIVED);
    ck_assert_uint_eq(asked, 0);
}
END_TEST

START_TEST(an_invalid_block_on_the_way_is_named) {
    grow_changing();
    struct smith_chain fork = {0};
    smith_fork(&fork, &chain, 112);
    smith_grow(&fork, &(struct smith_step){.signers = UINT32_C(1) << 12});
    light_block_release(chain.blocks[112]);
    chain.blocks[112] = light_block_hold(fork.blocks[112]);
    smith_forget(&fork);
    enum light_walk_state state = run(1, 200, LIGHT_SEQUENTIAL);
    ck_assert_int_eq(state, LIGHT_WALK_REFUSED);
    ck_assert_int_eq(walk.verdict, LIGHT_BAD_COMMIT);
    ck_assert_int_eq(walk.from, 112);
    ck_assert_int_eq(walk.to, 113);
    ck_assert_int_eq(light_walk_step(&walk), LIGHT_WALK_REFUSED);
}
END_TEST

START_TEST(a_block_of_another_height_than_asked_for_is_refused) {
    struct light_rules rules = LIGHT_RULES_DEFAULT;
    struct timestamp now = smith_time(100000);
    smith_grow_many(&chain, 9, &(struct smith_step){0});
    light_walk_begin(&walk, smith_at(&chain, 1), smith_at(&chain, 9), &rules, &now, LIGHT_SEQUENTIAL);
    ck_assert_int_eq(light_walk_step(&walk), LIGHT_WALK_WANTS);
    light_walk_give(&walk, light_block_hold(smith_at(&chain, 5)));
    ck_assert_int_eq(light_walk_step(&walk), LIGHT_WALK_REFUSED);
    ck_assert(light_verdict_is_invalid(walk.verdict));
}
END_TEST

/* A stranger's target may claim any height: the walk towards it stays within its bounds. */
START_TEST(the_greatest_height_takes_fewer_divisions_than_there_is_room_for) {
    struct light_rules rules = LIGHT_RULES_DEFAULT;
    struct timestamp now = smith_time(100000);
    smith_grow(&chain, &(struct smith_step){0});
    smith_grow(&chain, &(struct smith_step){.set = 0xf0, .height = INT64_MAX, .time = 50000});
    light_walk_begin(&walk, chain.blocks[0], chain.blocks[1], &rules, &now, LIGHT_SKIPPING);
    uint32_t steps = 0;
    enum light_walk_state state;
    while ((state = light_walk_step(&walk)) == LIGHT_WALK_WANTS) {
        struct smith_chain fork = {0};
        smith_fork(&fork, &chain, 1);
        smith_grow(&fork, &(struct smith_step){.set = 0xf0, .height = walk.wanted, .time = 40000 - steps});
        light_walk_give(&walk, light_block_hold(fork.blocks[1]));
        smith_forget(&fork);
        ck_assert_uint_lt(++steps, LIGHT_WALK_DEPTH_MAX);
    }
    ck_assert_int_eq(state, LIGHT_WALK_REFUSED);
    ck_assert_int_eq(walk.verdict, LIGHT_WRONG_NEXT_SET);
}
END_TEST

Suite *suite_light_walk(void) {
    Suite *suite = suite_create("light_walk");
    TCase *tests = tcase_create("light_walk");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, with_one_set_it_skips_to_the_target_at_once);
    tcase_add_test(tests, with_changing_sets_it_divides_and_asks_for_few);
    tcase_add_test(tests, when_every_height_has_another_set_it_visits_every_height);
    tcase_add_test(tests, sequentially_it_asks_for_every_height_upwards);
    tcase_add_test(tests, the_next_height_needs_nothing_between_in_either_mode);
    tcase_add_test(tests, an_invalid_block_on_the_way_is_named);
    tcase_add_test(tests, a_block_of_another_height_than_asked_for_is_refused);
    tcase_add_test(tests, the_greatest_height_takes_fewer_divisions_than_there_is_room_for);
    suite_add_tcase(suite, tests);
    return suite;
}
