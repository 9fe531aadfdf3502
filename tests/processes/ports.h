/* Where a test's network listens: below the ports that connections are given (32768 on), of which one may be any process's, and apart from other tests'. */
#ifndef QUORATE_TESTS_PORTS_H
#define QUORATE_TESTS_PORTS_H

#include <stdint.h>
#include <unistd.h>

#define PORTS_OF_A_TEST 12

static inline uint16_t ports_of_this_test(void) { return (uint16_t)(10000 + getpid() % 1800 * PORTS_OF_A_TEST); }

#endif
