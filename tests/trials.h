/* How many random trials: all of them in a plain build, a fifth of them with sanitizers, which make each about ten times as slow and look for other faults
 * than the trials do. `make check` runs both. QUORATE_TRIALS=all: all of them everywhere. */
#ifndef QUORATE_TESTS_TRIALS_H
#define QUORATE_TESTS_TRIALS_H

#include <stdint.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TRIALS_ARE_SLOW 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRIALS_ARE_SLOW 1
#endif
#ifndef TRIALS_ARE_SLOW
#define TRIALS_ARE_SLOW 0
#endif

static inline uint64_t trials(uint64_t all) { return TRIALS_ARE_SLOW && getenv("QUORATE_TRIALS") == NULL ? (all + 4) / 5 : all; }

#endif
