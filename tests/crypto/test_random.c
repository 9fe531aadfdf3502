#include "crypto/random.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

START_TEST(two_fillings_differ_and_nothing_beyond_is_touched) {
    uint8_t a[1001] = {0}, b[1001] = {0};
    random_fill(a, 1000);
    random_fill(b, 1000);
    ck_assert_mem_ne(a, b, 1000);
    ck_assert_mem_ne(a + 984, (uint8_t[16]){0}, 16);
    ck_assert_uint_eq(a[1000], 0);
    random_fill(NULL, 0);
}
END_TEST

Suite *suite_random(void);
Suite *suite_random(void) {
    Suite *suite = suite_create("random");
    TCase *tcase = tcase_create("random");
    tcase_add_test(tcase, two_fillings_differ_and_nothing_beyond_is_touched);
    suite_add_tcase(suite, tcase);
    return suite;
}
