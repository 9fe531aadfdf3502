#include <inttypes.h>
#include <stdio.h>

#include "node/config.h"

/* Units in nanoseconds. */
static const struct {
    const char *name;
    int64_t ns;
} units[] = {{"ns", 1}, {"us", 1000}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000}, {"ms", 1000000}, {"s", 1000000000},
             {"m", 60000000000}, {"h", 3600000000000}};

struct cursor {
    const char *at, *end;
};

static bool is_digit(const struct cursor *cursor) { return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; }

/* A number with a fraction of at most as many digits as matter. */
static bool read_number(struct cursor *cursor, int64_t *whole, int64_t *fraction, int64_t *scale) {
    const char *begin = cursor->at;
    *whole = *fraction = 0;
    *scale = 1;
    for (; is_digit(cursor); cursor->at++)
        if (__builtin_mul_overflow(*whole, (int64_t)10, whole) || __builtin_add_overflow(*whole, (int64_t)(*cursor->at - '0'), whole))
            return false;
    bool any = cursor->at > begin;
    if (cursor->at == cursor->end || *cursor->at != '.')
        return any;
    for (cursor->at++; is_digit(cursor); cursor->at++) {
        any = true;
        if (*scale < 100000) { /* so that fraction × hour stays in range */
            *fraction = 10 * *fraction + (*cursor->at - '0');
            *scale *= 10;
        }
    }
    return any;
}

static int64_t read_unit(struct cursor *cursor) {
    size_t size = 0, left = (size_t)(cursor->end - cursor->at);
    while (size < left && cursor->at[size] != '.' && (cursor->at[size] < '0' || cursor->at[size] > '9'))
        size++;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].name) == size && memcmp(units[i].name, cursor->at, size) == 0) {
            cursor->at += size;
            return units[i].ns;
        }
    return 0;
}

static bool read_term(struct cursor *cursor, int64_t *total) {
    int64_t whole, fraction, scale, unit;
    if (!read_number(cursor, &whole, &fraction, &scale) || (unit = read_unit(cursor)) == 0)
        return false;
    return !__builtin_mul_overflow(whole, unit, &whole) && !__builtin_add_overflow(*total, whole, total) &&
           !__builtin_add_overflow(*total, fraction * unit / scale, total);
}

bool config_duration_parse(int64_t *out_ms, struct span text) {
    struct cursor cursor = {(const char *)text.data, (const char *)text.data + text.size};
    int64_t total = 0;
    if (text.size == 0)
        return false;
    bool negative = *cursor.at == '-';
    cursor.at += negative || *cursor.at == '+';
    bool good = cursor.at < cursor.end;
    if (good && cursor.end - cursor.at == 1 && *cursor.at == '0')
        cursor.at++;
    while (good && cursor.at < cursor.end)
        good = read_term(&cursor, &total);
    if (!good || total > INT64_MAX - 999999)
        return false;
    *out_ms = negative ? -(total / 1000000) - (total % 1000000 != 0) : (total + 999999) / 1000000;
    return true;
}

void config_duration_text(char out[static CONFIG_DURATION_TEXT_SIZE], int64_t ms) {
    if (ms % 3600000 == 0 && ms != 0)
        snprintf(out, CONFIG_DURATION_TEXT_SIZE, "%" PRId64 "h", ms / 3600000);
    else if (ms % 60000 == 0 && ms != 0)
        snprintf(out, CONFIG_DURATION_TEXT_SIZE, "%" PRId64 "m", ms / 60000);
    else if (ms % 1000 == 0)
        snprintf(out, CONFIG_DURATION_TEXT_SIZE, "%" PRId64 "s", ms / 1000);
    else
        snprintf(out, CONFIG_DURATION_TEXT_SIZE, "%" PRId64 "ms", ms);
}
