/* What strings and numbers say. */
#include "genesis/scan.h"

enum { REPLACEMENT = 0xFFFD };

static size_t utf8_put(uint8_t *out, uint32_t point) {
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3F));
    out[0] = (uint8_t)(lead[size] | point);
    return size;
}

size_t scan_utf8_size(const uint8_t *at, const uint8_t *end) {
    if (at[0] < 0x80)
        return 1;
    size_t size = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4 || (size_t)(end - at) < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    bool bad = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] >= 0xA0) || (at[0] == 0xF0 && at[1] < 0x90) ||
               (at[0] == 0xF4 && at[1] >= 0x90);
    return bad ? 0 : size;
}

static uint32_t unit_at(const uint8_t *at) { /* \uXXXX, known to be good */
    uint32_t unit = 0;
    for (int i = 2; i < 6; i++)
        unit = unit << 4 | (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
    return unit;
}

static bool is_unit(const uint8_t *at, const uint8_t *end) { return end - at >= 6 && at[0] == '\\' && at[1] == 'u'; }

/* One escape; returns how much of the text it took. */
static size_t unescape(uint32_t *point, const uint8_t *at, const uint8_t *end) {
    static const char names[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    if (at[1] != 'u') {
        const char *name = memchr(names, at[1], sizeof names - 1);
        *point = name == NULL ? at[1] : (uint8_t)meanings[name - names];
        return 2;
    }
    *point = unit_at(at);
    if (*point < 0xD800 || *point > 0xDFFF)
        return 6;
    uint32_t low = *point < 0xDC00 && is_unit(at + 6, end) ? unit_at(at + 6) : 0;
    if (low < 0xDC00 || low > 0xDFFF) {
        *point = REPLACEMENT; /* half a pair */
        return 6;
    }
    *point = 0x10000 + ((*point - 0xD800) << 10) + (low - 0xDC00);
    return 12;
}

/* `out` has room for three times the input: a foreign byte becomes U+FFFD. Returns the size. */
static size_t decode(uint8_t *out, const uint8_t *at, const uint8_t *end) {
    uint8_t *start = out;
    while (at < end) {
        uint32_t point = *at;
        size_t took = 1;
        if (*at == '\\') {
            took = unescape(&point, at, end);
        } else if (*at >= 0x80) {
            took = scan_utf8_size(at, end);
            if (took > 0) {
                memcpy(out, at, took);
                out += took;
                at += took;
                continue;
            }
            point = REPLACEMENT;
            took = 1;
        }
        out += utf8_put(out, point);
        at += took;
    }
    return (size_t)(out - start);
}

static bool is_plain(struct span text) {
    uint8_t tops = 0;
    bool escapes = false;
    for (size_t i = 0; i < text.size; i++) {
        tops |= text.data[i];
        escapes |= text.data[i] == '\\';
    }
    return tops < 0x80 && !escapes;
}

bool scan_text(struct span *out, struct span value, struct arena *arena) {
    if (value.size < 2 || value.data[0] != '"')
        return false;
    struct span inner = span_of(value.data + 1, value.size - 2);
    if (is_plain(inner)) {
        *out = inner;
        return true;
    }
    uint8_t *text = arena_take(arena, inner.size, 3);
    if (text == NULL)
        return false;
    *out = span_of(text, decode(text, inner.data, inner.data + inner.size));
    return true;
}

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

static bool text_is(struct span text, const char *name, bool fold) {
    if (text.size != strlen(name))
        return false;
    if (!fold)
        return memcmp(text.data, name, text.size) == 0;
    for (size_t i = 0; i < text.size; i++)
        if (lower(text.data[i]) != lower((uint8_t)name[i]))
            return false;
    return true;
}

bool scan_key_is(struct span key, const char *name, bool fold) {
    struct span inner = span_of(key.data + 1, key.size - 2);
    if (memchr(inner.data, '\\', inner.size) == NULL)
        return text_is(inner, name, fold);
    uint8_t text[3 * 256];
    if (inner.size > 256)
        return false; /* no name of ours is so long, whatever the escapes */
    return text_is(span_of(text, decode(text, inner.data, inner.data + inner.size)), name, fold);
}

/* Digits with a sign, no leading zero: what a JSON number without fraction may be. */
static bool read_digits(uint64_t *out, bool *negative, struct span text) {
    *negative = text.size > 0 && text.data[0] == '-';
    size_t i = *negative ? 1 : 0;
    if (i == text.size || text.size - i > 20 || (text.data[i] == '0' && text.size - i > 1))
        return false;
    uint64_t value = 0;
    for (; i < text.size; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

static bool as_int64(int64_t *out, uint64_t value, bool negative) {
    if (value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static bool quoted(struct span *inner, struct span value) {
    if (value.size < 2 || value.data[0] != '"')
        return false;
    *inner = span_of(value.data + 1, value.size - 2);
    return true;
}

bool scan_int64_text(int64_t *out, struct span value) {
    struct span inner;
    uint64_t digits;
    bool negative;
    return quoted(&inner, value) && read_digits(&digits, &negative, inner) && as_int64(out, digits, negative);
}

bool scan_uint64_text(uint64_t *out, struct span value) {
    struct span inner;
    bool negative;
    return quoted(&inner, value) && read_digits(out, &negative, inner) && !negative;
}

/* The exponent of a number, saturated; *mantissa is what stands before it. */
static int32_t split_exponent(struct span *mantissa, struct span value) {
    *mantissa = value;
    for (size_t i = 0; i < value.size; i++) {
        if ((value.data[i] | 0x20) != 'e')
            continue;
        mantissa->size = i++;
        bool negative = value.data[i] == '-';
        i += negative || value.data[i] == '+';
        int32_t exponent = 0;
        for (; i < value.size; i++)
            exponent = exponent > 100000 ? exponent : exponent * 10 + (value.data[i] - '0');
        return negative ? -exponent : exponent;
    }
    return 0;
}

bool scan_int64_number(int64_t *out, struct span value) {
    struct span mantissa;
    int32_t exponent = split_exponent(&mantissa, value);
    uint64_t digits = 0;
    bool negative = mantissa.size > 0 && mantissa.data[0] == '-', fraction = false;
    int32_t zeros = 0; /* trailing ones, not yet carried into `digits` */
    for (size_t i = negative; i < mantissa.size; i++) {
        if (mantissa.data[i] == '.') {
            fraction = true;
            continue;
        }
        exponent -= fraction;
        zeros++;
        if (mantissa.data[i] == '0')
            continue;
        for (; zeros > 0; zeros--)
            if (digits != 0 && __builtin_mul_overflow(digits, 10, &digits))
                return false;
        if (__builtin_add_overflow(digits, mantissa.data[i] - '0', &digits))
            return false;
    }
    for (exponent += zeros; digits != 0 && exponent > 0; exponent--)
        if (__builtin_mul_overflow(digits, 10, &digits))
            return false;
    return (digits == 0 || exponent == 0) && as_int64(out, digits, negative);
}
