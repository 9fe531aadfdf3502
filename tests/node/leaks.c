/* A test that stops a function in its middle, as a crash does, leaves behind what the dead process held. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:run_until_crash\n"; }
