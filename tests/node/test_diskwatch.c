#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "node/diskwatch.h"

static char told[512];
static int changes;

static void tell(void *context, const char *why) {
    (void)context;
    changes++;
    snprintf(told, sizeof told, "%s", why == NULL ? "good" : why);
}

START_TEST(low_is_below_the_limit_and_good_is_a_tenth_above_it) {
    ck_assert(!diskwatch_is_low(false, 1000, 1000));
    ck_assert(diskwatch_is_low(false, 999, 1000));
    ck_assert(diskwatch_is_low(true, 1000, 1000));
    ck_assert(diskwatch_is_low(true, 1099, 1000));
    ck_assert(!diskwatch_is_low(true, 1100, 1000));
    ck_assert(diskwatch_is_low(true, 5, UINT64_MAX));
    ck_assert(!diskwatch_is_low(false, 0, 0));
}
END_TEST

START_TEST(the_first_look_is_at_once_and_says_the_numbers) {
    struct event_base *base = event_base_new();
    uint64_t bytes_free = 0;
    ck_assert(diskwatch_measure(&bytes_free, "/"));
    ck_assert(!diskwatch_measure(&bytes_free, "/not there"));
    struct diskwatch *watch = diskwatch_new(base, "/tmp", UINT64_MAX / 4, tell, NULL);
    ck_assert_int_eq(changes, 1);
    ck_assert_ptr_nonnull(strstr(told, "bytes are free on the disk of /tmp, fewer than [quorate] disk_free_min = 4611686018427387903"));
    diskwatch_free(watch);
    watch = diskwatch_new(base, "/tmp", 1, tell, NULL);
    ck_assert_int_eq(changes, 1);
    diskwatch_free(watch);
    ck_assert_ptr_null(diskwatch_new(base, "/tmp", 0, tell, NULL));
    event_base_free(base);
}
END_TEST

Suite *suite_diskwatch(void);
Suite *suite_diskwatch(void) {
    Suite *suite = suite_create("diskwatch");
    TCase *tcase = tcase_create("diskwatch");
    tcase_add_test(tcase, low_is_below_the_limit_and_good_is_a_tenth_above_it);
    tcase_add_test(tcase, the_first_look_is_at_once_and_says_the_numbers);
    suite_add_tcase(suite, tcase);
    return suite;
}
