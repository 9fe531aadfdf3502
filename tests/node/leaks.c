/* A test that stops a function in its middle, as a crash does, leaves behind what the dead process held: then nobody looks for leaks. */
#include "node/sim.h"

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:run_until_crash\n"; }

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return sim_was_torn; }
