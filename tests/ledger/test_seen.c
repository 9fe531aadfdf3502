#include <check.h>
#include <stdlib.h>

#include "ledger/seen.h"

static struct seen seen;

static void teardown(void) { seen_close(&seen); }

static const uint8_t *hash_of(uint32_t number) {
    static uint8_t hash[32];
    memcpy(hash + 8, &number, sizeof number);
    hash[0] = (uint8_t)number;
    return hash;
}

START_TEST(what_was_added_is_there_once) {
    seen_init(&seen, 10);
    ck_assert(!seen_has(&seen, hash_of(1)));
    ck_assert(seen_add(&seen, hash_of(1)));
    ck_assert(!seen_add(&seen, hash_of(1)));
    ck_assert(seen_has(&seen, hash_of(1)));
    ck_assert_uint_eq(seen.count, 1);
}
END_TEST

START_TEST(the_one_met_longest_ago_makes_room) {
    seen_init(&seen, 3);
    for (uint32_t i = 1; i <= 3; i++)
        seen_add(&seen, hash_of(i));
    seen_add(&seen, hash_of(1)); /* met again */
    seen_add(&seen, hash_of(4));
    ck_assert(seen_has(&seen, hash_of(1)));
    ck_assert(!seen_has(&seen, hash_of(2)));
    ck_assert(seen_has(&seen, hash_of(3)));
    ck_assert_uint_eq(seen.count, 3);
}
END_TEST

START_TEST(what_was_removed_is_gone_and_the_rest_is_not) {
    seen_init(&seen, 100);
    for (uint32_t i = 0; i < 100; i++)
        seen_add(&seen, hash_of(i));
    for (uint32_t i = 0; i < 100; i += 2)
        seen_remove(&seen, hash_of(i));
    seen_remove(&seen, hash_of(1000));
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_int_eq(seen_has(&seen, hash_of(i)), i % 2);
    seen_clear(&seen);
    ck_assert(!seen_has(&seen, hash_of(1)));
    ck_assert(seen_add(&seen, hash_of(1)));
}
END_TEST

START_TEST(with_no_room_nothing_is_remembered) {
    seen_init(&seen, 0);
    ck_assert(seen_add(&seen, hash_of(1)));
    ck_assert(seen_add(&seen, hash_of(1)));
    ck_assert(!seen_has(&seen, hash_of(1)));
    seen_remove(&seen, hash_of(1));
}
END_TEST

START_TEST(it_never_holds_more_than_its_bound) {
    seen_init(&seen, 1000);
    for (uint32_t i = 0; i < 100000; i++) {
        seen_add(&seen, hash_of(i));
        ck_assert_uint_le(seen.count, 1000);
    }
    ck_assert_uint_le(seen.capacity, 1024);
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert(seen_has(&seen, hash_of(99000 + i)));
}
END_TEST

Suite *suite_seen(void);
Suite *suite_seen(void) {
    Suite *suite = suite_create("seen");
    TCase *tests = tcase_create("seen");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, what_was_added_is_there_once);
    tcase_add_test(tests, the_one_met_longest_ago_makes_room);
    tcase_add_test(tests, what_was_removed_is_gone_and_the_rest_is_not);
    tcase_add_test(tests, with_no_room_nothing_is_remembered);
    tcase_add_test(tests, it_never_holds_more_than_its_bound);
    suite_add_tcase(suite, tests);
    return suite;
}
