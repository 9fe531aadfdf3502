#include "tests/node/leaks.h"

#include <stddef.h>

#include "node/sim.h"

void __lsan_disable(void) __attribute__((weak)); /* there with sanitizers */
void __lsan_enable(void) __attribute__((weak));

void leaks_are_meant(void) {
    if (__lsan_disable != NULL)
        __lsan_disable();
}

void leaks_are_told(void) {
    if (__lsan_enable != NULL)
        __lsan_enable();
}

/* Of a torn simulation all of it is left behind. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return sim_was_torn; }
