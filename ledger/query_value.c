#include "ledger/query_value.h"

#include <assert.h>

/* ---- numbers */

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static size_t count_digits(struct span text, size_t from) {
    size_t end = from;
    while (end < text.size && is_digit(text.data[end]))
        end++;
    return end - from;
}

static struct span without_leading(struct span digits) {
    while (digits.size > 0 && digits.data[0] == '0')
        digits = span_of(digits.data + 1, digits.size - 1);
    return digits;
}

static struct span without_trailing(struct span digits) {
    while (digits.size > 0 && digits.data[digits.size - 1] == '0')
        digits.size--;
    return digits;
}

bool query_number_of(struct query_number *number, struct span value) {
    size_t whole = count_digits(value, 0), fraction = 0;
    if (whole == 0)
        return false;
    if (whole < value.size && value.data[whole] == '.')
        fraction = count_digits(value, whole + 1);
    number->whole = without_leading(span_of(value.data, whole));
    number->fraction = fraction == 0 ? span_of(NULL, 0) : without_trailing(span_of(value.data + whole + 1, fraction));
    number->exact = whole == value.size;
    return true;
}

static int compare_exactly(const struct query_number *a, const struct query_number *b) {
    if (a->whole.size != b->whole.size)
        return a->whole.size < b->whole.size ? -1 : 1;
    int order = span_compare(a->whole, b->whole);
    return order != 0 ? order : span_compare(a->fraction, b->fraction);
}

static bool is_zero(const struct query_number *number) { return number->whole.size == 0 && number->fraction.size == 0; }

/* Up to 36 digits, 125 bits keep apart what decimals keep apart. */
#define DIGITS_APART 36

static size_t digits_of(const struct query_number *a, const struct query_number *b) {
    size_t whole = a->whole.size > b->whole.size ? a->whole.size : b->whole.size;
    size_t fraction = a->fraction.size > b->fraction.size ? a->fraction.size : b->fraction.size;
    return whole + fraction;
}

/* An unsigned number of LIMBS 32-bit limbs, lowest first. Room for a query's digits times a power of two beside 10^DECIMALS_MAX. */
#define LIMBS 192
#define PRECISION 125
#define DIGITS_MAX 640   /* of the whole part: beyond, the comparison was decided before */
#define DECIMALS_MAX 640 /* of the fraction: what follows is only "a little more" */

struct big {
    uint32_t limbs[LIMBS];
};

static void big_times_plus(struct big *big, uint32_t factor, uint32_t more) {
    uint64_t carry = more;
    for (uint32_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert(carry == 0);
}

static int32_t big_bits(const struct big *big) {
    for (int32_t i = LIMBS - 1; i >= 0; i--)
        if (big->limbs[i] != 0)
            return 32 * i + 32 - __builtin_clz(big->limbs[i]);
    return 0;
}

static void big_shift_left(struct big *big, uint32_t bits) {
    assert(big_bits(big) + bits <= 32 * LIMBS);
    uint32_t limbs = bits / 32, rest = bits % 32;
    for (int32_t i = LIMBS - 1; i >= 0; i--) {
        uint64_t high = i >= (int32_t)limbs ? big->limbs[i - (int32_t)limbs] : 0;
        uint64_t low = i > (int32_t)limbs ? big->limbs[i - (int32_t)limbs - 1] : 0;
        big->limbs[i] = (uint32_t)(((high << 32 | low) << rest) >> 32);
    }
}

static int big_compare(const struct big *a, const struct big *b) {
    for (int32_t i = LIMBS - 1; i >= 0; i--)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

static void big_subtract(struct big *a, const struct big *b) {
    int64_t borrow = 0;
    for (uint32_t i = 0; i < LIMBS; i++) {
        borrow += (int64_t)a->limbs[i] - b->limbs[i];
        a->limbs[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    assert(borrow == 0);
}

static void big_digits(struct big *big, struct span digits) {
    for (size_t i = 0; i < digits.size; i++)
        big_times_plus(big, 10, (uint32_t)(digits.data[i] - '0'));
}

/* mantissa × 2^exponent */
struct rounded {
    struct big mantissa;
    int32_t exponent;
};

/* numerator / denominator to PRECISION bits, half to even, by long division. */
static void divide(struct rounded *out, struct big *numerator, struct big *denominator, bool more) {
    *out = (struct rounded){0};
    int32_t shift = big_bits(denominator) + PRECISION - big_bits(numerator); /* the quotient then has PRECISION or PRECISION + 1 bits */
    if (big_bits(numerator) == 0)
        return;
    if (shift > 0)
        big_shift_left(numerator, (uint32_t)shift);
    else
        big_shift_left(denominator, (uint32_t)-shift);
    big_shift_left(denominator, PRECISION);
    for (int32_t i = 0; i <= PRECISION; i++) {
        bool bit = big_compare(numerator, denominator) >= 0;
        if (bit)
            big_subtract(numerator, denominator);
        big_shift_left(&out->mantissa, 1);
        out->mantissa.limbs[0] |= bit;
        big_shift_left(numerator, 1);
    }
    bool rest = more || big_bits(numerator) > 0;
    out->exponent = -shift;
    if (big_bits(&out->mantissa) <= PRECISION) { /* one bit more, so that the last one is the half */
        bool bit = big_compare(numerator, denominator) >= 0;
        if (bit)
            big_subtract(numerator, denominator);
        rest = more || big_bits(numerator) > 0;
        big_shift_left(&out->mantissa, 1);
        out->mantissa.limbs[0] |= bit;
        out->exponent--;
    }
    bool half = out->mantissa.limbs[0] & 1, odd = out->mantissa.limbs[0] & 2;
    out->mantissa.limbs[0] &= ~1U;
    if (half && (rest || odd))
        big_times_plus(&out->mantissa, 1, 2);
}

static void round_number(struct rounded *out, const struct query_number *number) {
    struct span fraction = number->fraction;
    bool more = fraction.size > DECIMALS_MAX;
    if (more)
        fraction.size = DECIMALS_MAX;
    struct big numerator = {{0}}, denominator = {{1}};
    big_digits(&numerator, number->whole);
    big_digits(&numerator, fraction);
    if (number->exact) {
        *out = (struct rounded){.mantissa = numerator};
        return;
    }
    for (size_t i = 0; i < fraction.size; i++)
        big_times_plus(&denominator, 10, 0);
    divide(out, &numerator, &denominator, more);
}

static int compare_rounded(struct rounded *a, struct rounded *b) {
    int32_t bits_a = big_bits(&a->mantissa), bits_b = big_bits(&b->mantissa);
    if (bits_a == 0 || bits_b == 0)
        return (bits_a > 0) - (bits_b > 0);
    if (bits_a + a->exponent != bits_b + b->exponent)
        return bits_a + a->exponent < bits_b + b->exponent ? -1 : 1;
    if (bits_a < bits_b)
        big_shift_left(&a->mantissa, (uint32_t)(bits_b - bits_a));
    else
        big_shift_left(&b->mantissa, (uint32_t)(bits_a - bits_b));
    return big_compare(&a->mantissa, &b->mantissa);
}

int query_number_compare(const struct query_number *a, const struct query_number *b) {
    int order = compare_exactly(a, b);
    size_t far = a->whole.size > b->whole.size ? a->whole.size - b->whole.size : b->whole.size - a->whole.size;
    if (order == 0 && a->exact == b->exact)
        return 0;
    if ((a->exact && b->exact) || is_zero(a) || is_zero(b) || digits_of(a, b) <= DIGITS_APART || far > 1 || a->whole.size > DIGITS_MAX)
        return order; /* rounding is monotonic and cannot make up for a factor of ten */
    struct rounded first, second;
    round_number(&first, a);
    round_number(&second, b);
    return compare_rounded(&first, &second);
}

/* ---- instants */

struct reader {
    struct span text;
    bool bad;
};

static bool next_is_digit(const struct reader *reader, size_t at) { return at < reader->text.size && is_digit(reader->text.data[at]); }

static void skip(struct reader *reader, size_t count) { reader->text = span_of(reader->text.data + count, reader->text.size - count); }

/* `least` to `most` digits. */
static int32_t digits(struct reader *reader, size_t least, size_t most) {
    int32_t value = 0;
    size_t count = 0;
    for (; count < most && next_is_digit(reader, count); count++)
        value = 10 * value + (reader->text.data[count] - '0');
    if (count < least)
        reader->bad = true;
    skip(reader, count);
    return value;
}

static bool accept(struct reader *reader, char c) {
    bool there = reader->text.size > 0 && reader->text.data[0] == (uint8_t)c;
    if (there)
        skip(reader, 1);
    return there;
}

static void expect(struct reader *reader, char c) { reader->bad |= !accept(reader, c); }

static bool is_leap(int32_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int32_t days_in(int32_t year, int32_t month) {
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01; years from 0. */
static int64_t days_before(int32_t year, int32_t month, int32_t day) {
    int64_t past = year - (month <= 2); /* years that began in March */
    int64_t era = (past >= 0 ? past : past - 399) / 400, of_era = past - 400 * era;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t take_date(struct reader *reader, int32_t *year) {
    *year = digits(reader, 4, 4);
    expect(reader, '-');
    int32_t month = digits(reader, 2, 2);
    expect(reader, '-');
    int32_t day = digits(reader, 2, 2);
    if (reader->bad || month < 1 || month > 12 || day < 1 || day > days_in(*year, month)) {
        reader->bad = true;
        return 0;
    }
    return days_before(*year, month, day);
}

/* A fraction may follow the seconds though the layout has none; more than nine digits are cut. */
static int32_t take_fraction(struct reader *reader) {
    if (reader->text.size < 2 || (reader->text.data[0] != '.' && reader->text.data[0] != ',') || !next_is_digit(reader, 1))
        return 0;
    skip(reader, 1);
    int32_t nanos = 0, scale = 100000000;
    while (next_is_digit(reader, 0)) {
        nanos += scale * digits(reader, 1, 1);
        scale /= 10;
    }
    return nanos;
}

static int32_t take_zone(struct reader *reader) {
    if (accept(reader, 'Z'))
        return 0;
    bool west = accept(reader, '-');
    if (!west)
        expect(reader, '+');
    int32_t hours = digits(reader, 2, 2);
    expect(reader, ':');
    int32_t minutes = digits(reader, 2, 2);
    reader->bad |= hours > 24 || minutes > 60; /* as lenient as time.Parse */
    int32_t seconds = 3600 * hours + 60 * minutes;
    return west ? -seconds : seconds;
}

static int32_t take_time(struct reader *reader, int32_t *nanos) {
    expect(reader, 'T');
    int32_t hour = digits(reader, 1, 2); /* time.Parse takes one digit here */
    expect(reader, ':');
    int32_t minute = digits(reader, 2, 2);
    expect(reader, ':');
    int32_t second = digits(reader, 2, 2);
    *nanos = take_fraction(reader);
    reader->bad |= hour > 23 || minute > 59 || second > 59;
    return 3600 * hour + 60 * minute + second - take_zone(reader);
}

bool query_instant_of(struct query_instant *instant, struct span text, bool date) {
    struct reader reader = {.text = text};
    struct query_instant read = {0};
    if (text.size == 0)
        return false;
    read.seconds = 86400 * take_date(&reader, &read.year);
    if (!date && !reader.bad)
        read.seconds += take_time(&reader, &read.nanos);
    if (reader.bad || reader.text.size > 0)
        return false;
    *instant = read;
    return true;
}

int query_instant_compare(const struct query_instant *a, const struct query_instant *b) {
    if (a->seconds != b->seconds)
        return a->seconds < b->seconds ? -1 : 1;
    return (a->nanos > b->nanos) - (a->nanos < b->nanos);
}
