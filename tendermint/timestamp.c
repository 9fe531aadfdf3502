#include "tendermint/timestamp.h"

#include <assert.h>
#include <stdio.h>

enum { NANOS_PER_SECOND = 1000000000, SECONDS_PER_DAY = 86400 };

bool timestamp_is_zero(const struct timestamp *time) {
    return time->seconds == TIMESTAMP_SECONDS_MIN && time->nanos == 0;
}

bool timestamp_valid(const struct timestamp *time) {
    return time->seconds >= TIMESTAMP_SECONDS_MIN && time->seconds <= TIMESTAMP_SECONDS_MAX && time->nanos >= 0 &&
           time->nanos < NANOS_PER_SECOND;
}

int timestamp_compare(const struct timestamp *a, const struct timestamp *b) {
    if (a->seconds != b->seconds)
        return a->seconds < b->seconds ? -1 : 1;
    return (a->nanos > b->nanos) - (a->nanos < b->nanos);
}

struct timestamp timestamp_max(const struct timestamp *a, const struct timestamp *b) {
    return timestamp_compare(a, b) >= 0 ? *a : *b;
}

static __int128 nanos_of(const struct timestamp *time) {
    return (__int128)time->seconds * NANOS_PER_SECOND + time->nanos;
}

struct timestamp timestamp_add_ns(const struct timestamp *time, int64_t ns) {
    static const struct timestamp first = {TIMESTAMP_SECONDS_MIN, 0};
    static const struct timestamp last = {TIMESTAMP_SECONDS_MAX, NANOS_PER_SECOND - 1};
    __int128 sum = nanos_of(time) + ns;
    if (sum < nanos_of(&first))
        return first;
    if (sum > nanos_of(&last))
        return last;
    int64_t seconds = (int64_t)(sum / NANOS_PER_SECOND);
    int32_t nanos = (int32_t)(sum % NANOS_PER_SECOND);
    if (nanos < 0) /* nanoseconds count forward before 1970, too */
        return (struct timestamp){seconds - 1, nanos + NANOS_PER_SECOND};
    return (struct timestamp){seconds, nanos};
}

int64_t timestamp_diff_ns(const struct timestamp *later, const struct timestamp *earlier) {
    __int128 difference = nanos_of(later) - nanos_of(earlier);
    if (difference > INT64_MAX)
        return INT64_MAX;
    return difference < INT64_MIN ? INT64_MIN : (int64_t)difference;
}

/* Text. Days since 1970 and the Gregorian calendar, by way of years that begin in March and eras of 400 years. */

struct date {
    int64_t year;
    unsigned month, day;
};

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static struct date date_of_days(int64_t days) {
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct date date = {year + era * 400, (unsigned)(month < 10 ? month + 3 : month - 9),
                        (unsigned)(of_year - (153 * month + 2) / 5 + 1)};
    date.year += date.month <= 2;
    return date;
}

static int64_t days_of_date(struct date date) {
    int64_t year = date.year - (date.month <= 2);
    int64_t era = floor_div(year, 400);
    int64_t of_era = year - era * 400;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t of_year = (153 * month + 2) / 5 + date.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static unsigned days_in_month(int64_t year, unsigned month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static void fraction_text(char out[static 11], int32_t nanos) {
    out[0] = '\0';
    if (nanos == 0)
        return;
    snprintf(out, 11, ".%09u", (unsigned)nanos % NANOS_PER_SECOND);
    for (size_t end = 9; out[end] == '0'; end--)
        out[end] = '\0';
}

void timestamp_text(char out[static TIMESTAMP_TEXT_SIZE], const struct timestamp *time) {
    assert(timestamp_valid(time));
    int64_t days = floor_div(time->seconds, SECONDS_PER_DAY);
    unsigned of_day = (unsigned)(time->seconds - days * SECONDS_PER_DAY);
    struct date date = date_of_days(days);
    char fraction[11];
    fraction_text(fraction, time->nanos);
    snprintf(out, TIMESTAMP_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u%sZ", (unsigned)date.year % 10000, date.month % 100,
             date.day % 100, of_day / 3600 % 100, of_day / 60 % 60, of_day % 60, fraction);
}

/* A cursor over the text; `good` is sticky. */
struct text_reader {
    const uint8_t *at, *end;
    bool good;
};

static bool is_digit(const struct text_reader *text) { return text->at < text->end && *text->at >= '0' && *text->at <= '9'; }

static unsigned number(struct text_reader *text, unsigned digits, unsigned max) {
    unsigned value = 0;
    for (unsigned i = 0; i < digits; i++) {
        text->good = text->good && is_digit(text);
        if (!text->good)
            return 0;
        value = value * 10 + (unsigned)(*text->at++ - '0');
    }
    text->good = value <= max;
    return value;
}

static bool accept(struct text_reader *text, char wanted) {
    if (!text->good || text->at == text->end || *text->at != (uint8_t)wanted)
        return false;
    text->at++;
    return true;
}

static void expect(struct text_reader *text, char wanted) { text->good = accept(text, wanted) && text->good; }

static int64_t read_days(struct text_reader *text) {
    struct date date = {0};
    date.year = number(text, 4, 9999);
    expect(text, '-');
    date.month = number(text, 2, 12);
    expect(text, '-');
    date.day = number(text, 2, 31);
    text->good = text->good && date.month > 0 && date.day > 0 && date.day <= days_in_month(date.year, date.month);
    return text->good ? days_of_date(date) : 0;
}

static int64_t read_clock(struct text_reader *text) {
    unsigned hour = number(text, 2, 23);
    expect(text, ':');
    unsigned minute = number(text, 2, 59);
    expect(text, ':');
    return hour * 3600 + minute * 60 + number(text, 2, 59); /* Go knows no leap seconds */
}

static int32_t read_fraction(struct text_reader *text) {
    int32_t nanos = 0;
    if (!accept(text, '.'))
        return 0;
    text->good = is_digit(text);
    for (int32_t unit = NANOS_PER_SECOND / 10; is_digit(text); unit /= 10)
        nanos += unit * (*text->at++ - '0');
    return nanos;
}

static int64_t read_offset(struct text_reader *text) {
    if (accept(text, 'Z'))
        return 0;
    int64_t sign = accept(text, '+') ? 1 : -1;
    if (sign < 0)
        expect(text, '-');
    unsigned hours = number(text, 2, 23);
    expect(text, ':');
    return sign * (int64_t)(hours * 3600 + number(text, 2, 59) * 60);
}

bool timestamp_parse(struct timestamp *out, struct span bytes) {
    if (bytes.size == 0)
        return false;
    struct text_reader text = {bytes.data, bytes.data + bytes.size, true};
    struct timestamp time = {.seconds = read_days(&text) * SECONDS_PER_DAY};
    expect(&text, 'T');
    time.seconds += read_clock(&text);
    time.nanos = read_fraction(&text);
    time.seconds -= read_offset(&text);
    if (!text.good || text.at != text.end || !timestamp_valid(&time))
        return false;
    *out = time;
    return true;
}

/* Wire */

void timestamp_write(struct proto_writer *writer, const struct timestamp *time) {
    proto_put_int64(writer, 1, time->seconds);
    proto_put_int64(writer, 2, time->nanos);
}

void timestamp_put(struct proto_writer *writer, uint32_t field, const struct timestamp *time) {
    size_t mark = proto_begin(writer, field);
    timestamp_write(writer, time);
    proto_end(writer, mark);
}

/* Unlike other nested messages a time does not merge: gogoproto decodes each occurrence afresh. */
void timestamp_get(struct timestamp *time, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    struct timestamp read = {0, 0};
    struct proto_field inner;
    while (proto_next(&sub, &inner)) {
        if (inner.number == 1)
            read.seconds = proto_int64(&sub, &inner);
        else if (inner.number == 2)
            read.nanos = proto_int32(&sub, &inner);
    }
    sub.bad = sub.bad || !timestamp_valid(&read);
    proto_join(reader, &sub);
    if (!reader->bad)
        *time = read;
}
