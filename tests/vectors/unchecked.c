/* The lab of rpc's tests asserts with check's macros. Here no test runs around it: an assertion that fails ends the program. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void _mark_point(const char *file, int line) {
    (void)file;
    (void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...) {
    va_list args;
    fprintf(stderr, "%s:%d: %s: ", file, line, expr);
    va_start(args, msg);
    if (msg != NULL)
        vfprintf(stderr, msg, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
