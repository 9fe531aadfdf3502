#include <check.h>

#include "node/pace.h"

static void decide(struct pace *pace, int64_t height, int64_t bytes, int64_t taken_ms, bool ours) {
    pace_note_proposed(pace, height, bytes, 1000);
    pace_note_decided(pace, height, ours, 1000 + taken_ms);
}

START_TEST(full_blocks_that_take_too_long_make_the_next_ones_smaller) {
    struct pace pace;
    pace_init(&pace, 500, 1000);
    pace.bytes = 100000;
    decide(&pace, 1, 100000, 1000, true);
    ck_assert_int_eq(pace_room(&pace, 1000000), 50000);
    decide(&pace, 2, 50000, 600, true);
    ck_assert_int_eq(pace_room(&pace, 1000000), 50000 * 500 / 600);
}
END_TEST

START_TEST(full_blocks_with_time_to_spare_make_the_next_ones_larger) {
    struct pace pace;
    pace_init(&pace, 500, 1000);
    decide(&pace, 1, 1000, 100, true);
    ck_assert_int_eq(pace_room(&pace, 1000000), 1250);
    decide(&pace, 2, 1250, 450, true); /* just right */
    ck_assert_int_eq(pace_room(&pace, 1000000), 1250);
}
END_TEST

START_TEST(blocks_that_were_not_full_tell_nothing) {
    struct pace pace;
    pace_init(&pace, 500, 1000);
    pace.bytes = 100000;
    decide(&pace, 1, 10, 5000, true);
    ck_assert_int_eq(pace.bytes, 100000);
}
END_TEST

START_TEST(a_proposal_that_lost_its_height_halves_the_next) {
    struct pace pace;
    pace_init(&pace, 500, 1000);
    pace.bytes = 100000;
    decide(&pace, 1, 100000, 100, false);
    ck_assert_int_eq(pace.bytes, 50000);
    pace_note_decided(&pace, 2, false, 9999); /* nothing was proposed by us */
    ck_assert_int_eq(pace.bytes, 50000);
}
END_TEST

START_TEST(the_largest_transaction_always_has_room_and_the_block_is_the_limit) {
    struct pace pace;
    pace_init(&pace, 500, 1000);
    for (int64_t height = 1; height < 20; height++)
        decide(&pace, height, 1000, 100000, true);
    ck_assert_int_eq(pace_room(&pace, 1000000), 1000);
    for (int64_t height = 20; height < 200; height++)
        decide(&pace, height, pace.bytes, 1, true);
    ck_assert_int_eq(pace_room(&pace, 1000000), 1000000);
    pace_init(&pace, 0, 1000);
    ck_assert_int_eq(pace_room(&pace, 1000000), 1000000);
}
END_TEST

Suite *suite_pace(void);
Suite *suite_pace(void) {
    Suite *suite = suite_create("pace");
    TCase *tests = tcase_create("pace");
    tcase_add_test(tests, full_blocks_that_take_too_long_make_the_next_ones_smaller);
    tcase_add_test(tests, full_blocks_with_time_to_spare_make_the_next_ones_larger);
    tcase_add_test(tests, blocks_that_were_not_full_tell_nothing);
    tcase_add_test(tests, a_proposal_that_lost_its_height_halves_the_next);
    tcase_add_test(tests, the_largest_transaction_always_has_room_and_the_block_is_the_limit);
    suite_add_tcase(suite, tests);
    return suite;
}
