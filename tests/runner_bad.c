/* Suites of which most are bad: `make test-runner` wants the runner to say so. A runner that is silent would make every test pass. */
#include <stdlib.h>

#include "tests/runner.h"

START_TEST(holds) { ck_assert_int_eq(1, 1); }
END_TEST
START_TEST(does_not_hold) { ck_assert_int_eq(1, 2); }
END_TEST
START_TEST(crashes) { abort(); }
END_TEST

static Suite *of(const char *name, const TTest *test) {
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_add_test(tests, test);
    suite_add_tcase(suite, tests);
    return suite;
}

static Suite *good(void) { return of("good", holds); }
static Suite *failing(void) { return of("failing", does_not_hold); }
static Suite *crashing(void) { return of("crashing", crashes); }
static Suite *gone(void) { exit(7); } /* before any test */

int main(int argc, char **argv) {
    (void)argv;
    static const struct runner_suite suites[] = {{"good", good}, {"failing", failing}, {"crashing", crashing}, {"gone", gone}};
    return runner_main("bad", suites, argc > 1 ? 1 : sizeof suites / sizeof suites[0]);
}
