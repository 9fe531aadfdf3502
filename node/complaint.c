#include "node/complaint.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
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

/* C0, DEL, and C1 as UTF-8 writes it. */
void complaint_plain(char *text) {
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        bool is_c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
        if (is_c1)
            at[1] = ' ';
        if (is_c1 || *at < ' ' || *at == 0x7f)
            *at = ' ';
    }
}
