#include "node/complaint.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *complaint_of(const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(size >= 0);
    char *text = malloc((size_t)size + 1);
    assert(text != NULL);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}
