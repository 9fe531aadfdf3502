/* Runs a room's suites. Each has a process of its own, and several run at once: a suite that leaves much memory behind (under AddressSanitizer every
 * ck_assert does) would make each later fork slow, and those that wait for sockets and clocks need no processor meanwhile.
 *
 *   RUNNER_JOBS=n    how many at once (as many as there are processors, at most 4)
 *   RUNNER_TIMES=1   tells what each suite took
 *
 * Whoever picks suites by libcheck's own variables (CK_RUN_SUITE, CK_XML_LOG_FILE_NAME, …) gets libcheck's own runner, in one process. */
#ifndef QUORATE_TESTS_RUNNER_H
#define QUORATE_TESTS_RUNNER_H

#include <check.h>
#include <stddef.h>

struct runner_suite {
    const char *name;
    Suite *(*make)(void);
};

int runner_main(const char *room, const struct runner_suite *suites, size_t count); /* the exit status */

#endif
