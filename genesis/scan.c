#include "genesis/scan.h"

enum { WORD_BYTES = 8 };

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* Does any of eight bytes end a run of plain string text: a quote, a backslash, a control character? */
static bool has_special(const uint8_t *at) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * 0x20) & ~word)) & tops;
}

static const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end) {
    while (end - at >= WORD_BYTES && !has_special(at))
        at += WORD_BYTES;
    while (at < end && *at != '"' && *at != '\\' && *at >= 0x20)
        at++;
    return at;
}

static int hex_digit(uint8_t c) {
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at `at`, or −1. */
static int32_t hex_unit(const uint8_t *at, const uint8_t *end) {
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Past the string that begins at `at`, or NULL with *bad where it went wrong. */
static const uint8_t *skip_string(const uint8_t *at, const uint8_t *end, const uint8_t **bad) {
    at++;
    for (;;) {
        at = skip_plain(at, end);
        *bad = at;
        if (at == end || *at < 0x20)
            return NULL;
        if (*at == '"')
            return at + 1;
        if (end - at < 2)
            return NULL;
        if (at[1] == 'u') {
            if (hex_unit(at + 2, end) < 0)
                return NULL;
            at += 6;
        } else if (memchr("\"\\/bfnrt", at[1], 8) != NULL) {
            at += 2;
        } else {
            return NULL;
        }
    }
}

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end) {
    while (at < end && is_digit(*at))
        at++;
    return at;
}

static const uint8_t *skip_number(const uint8_t *at, const uint8_t *end, const uint8_t **bad) {
    if (*at == '-')
        at++;
    *bad = at;
    if (at == end || !is_digit(*at))
        return NULL;
    at = *at == '0' ? at + 1 : skip_digits(at, end);
    if (at < end && *at == '.') {
        *bad = ++at;
        if (at == end || !is_digit(*at))
            return NULL;
        at = skip_digits(at, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        *bad = at;
        if (at == end || !is_digit(*at))
            return NULL;
        at = skip_digits(at, end);
    }
    return at;
}

static const uint8_t *skip_word(const uint8_t *at, const uint8_t *end, const uint8_t **bad) {
    static const char *const words[] = {"null", "true", "false"};
    *bad = at;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(end - at) >= size && memcmp(at, words[i], size) == 0)
            return at + size;
    }
    return NULL;
}

static const uint8_t *skip_scalar(const uint8_t *at, const uint8_t *end, const uint8_t **bad) {
    if (*at == '"')
        return skip_string(at, end, bad);
    if (*at == '-' || is_digit(*at))
        return skip_number(at, end, bad);
    return skip_word(at, end, bad);
}

struct nesting { /* which of the open brackets are objects */
    uint32_t depth;
    uint64_t objects[SCAN_DEPTH_MAX / 64];
};

static bool nesting_push(struct nesting *nesting, bool is_object) {
    if (nesting->depth == SCAN_DEPTH_MAX)
        return false;
    uint64_t bit = UINT64_C(1) << nesting->depth % 64, *word = &nesting->objects[nesting->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    nesting->depth++;
    return true;
}

static bool nesting_in_object(const struct nesting *nesting) {
    uint32_t top = nesting->depth - 1;
    return nesting->objects[top / 64] >> top % 64 & 1;
}

/* `"key" :` and the space after it. */
static const uint8_t *skip_key(const uint8_t *at, const uint8_t *end, const uint8_t **bad) {
    *bad = at;
    if (at == end || *at != '"' || (at = skip_string(at, end, bad)) == NULL)
        return NULL;
    at = skip_space(at, end);
    *bad = at;
    return at == end || *at != ':' ? NULL : skip_space(at + 1, end);
}

/* After a value: closes brackets, steps over a comma (and the next key). *done when the outermost value is complete. */
static const uint8_t *skip_between(struct nesting *nesting, const uint8_t *at, const uint8_t *end, const uint8_t **bad, bool *done) {
    while (nesting->depth > 0) {
        at = skip_space(at, end);
        *bad = at;
        if (at == end)
            return NULL;
        if (*at == ',') {
            at = skip_space(at + 1, end);
            return nesting_in_object(nesting) ? skip_key(at, end, bad) : at;
        }
        if (*at != (nesting_in_object(nesting) ? '}' : ']'))
            return NULL;
        nesting->depth--;
        at++;
    }
    *done = true;
    return at;
}

/* Past the value at `at`, or NULL. */
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, const uint8_t **bad) {
    struct nesting nesting = {0};
    bool done = false;
    while (!done) {
        *bad = at;
        if (at == end)
            return NULL;
        if (*at == '{' || *at == '[') {
            bool is_object = *at == '{';
            if (!nesting_push(&nesting, is_object))
                return NULL;
            at = skip_space(at + 1, end);
            *bad = at;
            if (at < end && *at == (is_object ? '}' : ']')) {
                nesting.depth--;
                at = skip_between(&nesting, at + 1, end, bad, &done);
            } else if (is_object) {
                at = skip_key(at, end, bad);
            }
        } else {
            at = skip_scalar(at, end, bad);
            if (at != NULL)
                at = skip_between(&nesting, at, end, bad, &done);
        }
        if (at == NULL)
            return NULL;
    }
    return at;
}

bool scan_value(struct span *value, struct span text, size_t *bad_at) {
    if (text.size == 0) {
        if (bad_at != NULL)
            *bad_at = 0;
        return false;
    }
    const uint8_t *end = text.data + text.size, *start = skip_space(text.data, end), *bad = start;
    const uint8_t *stop = skip_value(start, end, &bad);
    if (stop != NULL && (bad = skip_space(stop, end)) == end) {
        *value = span_of(start, (size_t)(stop - start));
        return true;
    }
    if (bad_at != NULL)
        *bad_at = (size_t)(bad - text.data);
    return false;
}

enum scan_kind scan_kind(struct span value) {
    switch (value.data[0]) {
    case 'n': return SCAN_NULL;
    case 't':
    case 'f': return SCAN_BOOL;
    case '"': return SCAN_TEXT;
    case '[': return SCAN_LIST;
    case '{': return SCAN_OBJECT;
    default: return SCAN_NUMBER;
    }
}

const char *scan_kind_name(struct span value) {
    static const char *const names[] = {"null", "bool", "number", "string", "array", "object"};
    return names[scan_kind(value)];
}

struct scan_walk scan_walk(struct span value) {
    struct scan_walk walk = {0};
    if (value.size > 0 && (value.data[0] == '{' || value.data[0] == '[')) {
        walk.is_object = value.data[0] == '{';
        walk.end = value.data + value.size - 1; /* the closing bracket */
        walk.at = skip_space(value.data + 1, walk.end);
    }
    return walk;
}

/* Past a value known to be good. */
static const uint8_t *step_over(const uint8_t *at, const uint8_t *end) {
    const uint8_t *bad;
    if (*at == '{' || *at == '[')
        return skip_value(at, end, &bad);
    return skip_scalar(at, end, &bad);
}

bool scan_next(struct scan_walk *walk, struct span *key, struct span *item) {
    if (walk->at == walk->end)
        return false;
    const uint8_t *at = walk->at, *bad;
    *key = span_of(NULL, 0);
    if (walk->is_object) {
        const uint8_t *stop = skip_string(at, walk->end, &bad);
        *key = span_of(at, (size_t)(stop - at));
        at = skip_space(skip_space(stop, walk->end) + 1, walk->end);
    }
    const uint8_t *stop = step_over(at, walk->end);
    *item = span_of(at, (size_t)(stop - at));
    stop = skip_space(stop, walk->end);
    walk->at = stop < walk->end ? skip_space(stop + 1, walk->end) : stop;
    return true;
}

size_t scan_count(struct span value) {
    size_t count = 0;
    struct span key, item;
    for (struct scan_walk walk = scan_walk(value); scan_next(&walk, &key, &item);)
        count++;
    return count;
}

bool scan_member(struct span object, struct span *out, const char *name) {
    bool found = false;
    struct span key, item;
    *out = span_of(NULL, 0);
    struct scan_walk walk = scan_walk(object);
    while (walk.is_object && scan_next(&walk, &key, &item))
        if (scan_key_is(key, name, false)) {
            *out = item;
            found = true;
        }
    return found;
}
