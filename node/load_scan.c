#include "node/load_scan.h"

/* Sticky: after the first fault `bad` stays and nothing more is given. */
struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static struct cursor over(struct span text) {
    return (struct cursor){text.data, text.data == NULL ? NULL : text.data + text.size, false};
}

static void skip_space(struct cursor *cursor) {
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\t' || *cursor->at == '\r'))
        cursor->at++;
}

static bool peek(struct cursor *cursor, char c) {
    skip_space(cursor);
    return !cursor->bad && cursor->at < cursor->end && *cursor->at == (uint8_t)c;
}

static bool eat(struct cursor *cursor, char c) {
    if (!peek(cursor, c))
        return false;
    cursor->at++;
    return true;
}

static void want(struct cursor *cursor, char c) {
    if (!eat(cursor, c))
        cursor->bad = true;
}

static size_t backslashes_before(const uint8_t *begin, const uint8_t *at) {
    size_t count = 0;
    while (at > begin && at[-1] == '\\') {
        at--;
        count++;
    }
    return count;
}

static struct span text_of(struct cursor *cursor) {
    want(cursor, '"');
    if (cursor->bad)
        return span_of(NULL, 0);
    const uint8_t *begin = cursor->at, *at = begin;
    for (;;) {
        const uint8_t *quote = memchr(at, '"', (size_t)(cursor->end - at));
        if (quote == NULL) {
            cursor->bad = true;
            return span_of(NULL, 0);
        }
        at = quote + 1;
        if (backslashes_before(begin, quote) % 2 == 0)
            break;
    }
    cursor->at = at;
    return span_of(begin, (size_t)(at - 1 - begin));
}

/* A number, true, false or null: taken as a word, judged by whoever wants it. */
static struct span word_of(struct cursor *cursor) {
    skip_space(cursor);
    const uint8_t *begin = cursor->at;
    while (cursor->at < cursor->end && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *cursor->at) != NULL &&
           *cursor->at != 0)
        cursor->at++;
    if (cursor->at == begin)
        cursor->bad = true;
    return span_of(begin, (size_t)(cursor->at - begin));
}

/* Over an object or a list, however deep, by counting brackets outside of texts. */
static void skip_nested(struct cursor *cursor) {
    size_t depth = 0;
    do {
        skip_space(cursor);
        if (cursor->at >= cursor->end) {
            cursor->bad = true;
            return;
        }
        uint8_t c = *cursor->at;
        if (c == '"') {
            text_of(cursor);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        cursor->at++;
    } while (depth > 0 && !cursor->bad);
}

static struct span value_of(struct cursor *cursor) {
    skip_space(cursor);
    const uint8_t *begin = cursor->at;
    if (peek(cursor, '{') || peek(cursor, '['))
        skip_nested(cursor);
    else if (peek(cursor, '"'))
        return text_of(cursor);
    else
        return word_of(cursor);
    return cursor->bad ? span_of(NULL, 0) : span_of(begin, (size_t)(cursor->at - begin));
}

/* The members of an object, one call each; `first` begins true. The caller must then read the value. */
static bool member(struct cursor *cursor, struct span *name, bool *first) {
    if (*first)
        want(cursor, '{');
    if (cursor->bad || eat(cursor, '}'))
        return false;
    if (!*first)
        want(cursor, ',');
    *first = false;
    *name = text_of(cursor);
    want(cursor, ':');
    return !cursor->bad;
}

static bool is(struct span name, const char *text) { return span_equal(name, span_text(text)); }

bool load_scan_number(int64_t *out, struct span digits) {
    uint64_t value = 0, limit = INT64_MAX;
    size_t at = digits.size > 0 && digits.data[0] == '-' ? 1 : 0;
    bool is_negative = at == 1;
    if (at == digits.size || digits.size - at > 19)
        return false;
    for (; at < digits.size; at++) {
        if (digits.data[at] < '0' || digits.data[at] > '9')
            return false;
        value = value * 10 + (uint64_t)(digits.data[at] - '0');
    }
    if (value > limit)
        return false;
    *out = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static int64_t number_of(struct cursor *cursor) {
    int64_t number = 0;
    if (!load_scan_number(&number, value_of(cursor)))
        cursor->bad = true;
    return number;
}

/* check_tx or tx_result of broadcast_tx_commit: the first code that is not 0 counts. */
static void read_verdict(struct cursor *cursor, struct load_answer *answer) {
    struct span name, log = span_of(NULL, 0);
    int64_t code = 0;
    for (bool first = true; member(cursor, &name, &first);) {
        if (is(name, "code"))
            code = number_of(cursor);
        else if (is(name, "log"))
            log = value_of(cursor);
        else
            value_of(cursor);
    }
    if (answer->code != 0 || code == 0)
        return;
    answer->code = code;
    answer->text = log;
}

static void read_result(struct cursor *cursor, struct load_answer *answer) {
    struct span name;
    for (bool first = true; member(cursor, &name, &first);) {
        if (is(name, "code"))
            answer->code = number_of(cursor);
        else if (is(name, "log") && peek(cursor, '"'))
            answer->text = text_of(cursor);
        else if (is(name, "hash") && peek(cursor, '"'))
            answer->hash = text_of(cursor);
        else if (is(name, "height") && peek(cursor, '"'))
            answer->height = number_of(cursor);
        else if ((is(name, "check_tx") || is(name, "tx_result")) && peek(cursor, '{'))
            read_verdict(cursor, answer);
        else
            value_of(cursor);
    }
}

static void read_error(struct cursor *cursor, struct load_answer *answer) {
    struct span name;
    answer->is_error = true;
    for (bool first = true; member(cursor, &name, &first);) {
        if (is(name, "code"))
            answer->code = number_of(cursor);
        else if (is(name, "data") && peek(cursor, '"'))
            answer->text = text_of(cursor);
        else if (is(name, "message") && answer->text.size == 0)
            answer->text = value_of(cursor);
        else
            value_of(cursor);
    }
}

static int64_t read_id(struct cursor *cursor) {
    int64_t id;
    bool is_text = peek(cursor, '"');
    struct span value = value_of(cursor);
    return !is_text && load_scan_number(&id, value) ? id : -1;
}

static void read_answer(struct cursor *cursor, struct load_answer *answer) {
    struct span name;
    bool has_outcome = false;
    *answer = (struct load_answer){.id = -1};
    for (bool first = true; member(cursor, &name, &first);) {
        if (is(name, "id")) {
            answer->id = read_id(cursor);
        } else if (is(name, "result") && peek(cursor, '{')) {
            const uint8_t *begin = cursor->at;
            read_result(cursor, answer);
            answer->result = span_of(begin, (size_t)(cursor->at - begin));
            has_outcome = true;
        } else if (is(name, "error") && peek(cursor, '{')) {
            read_error(cursor, answer);
            has_outcome = true;
        } else {
            value_of(cursor);
        }
    }
    cursor->bad |= !has_outcome;
}

static bool read_one(struct cursor *cursor, load_scan_visit *visit, void *context) {
    struct load_answer answer;
    read_answer(cursor, &answer);
    if (!cursor->bad)
        visit(context, &answer);
    return !cursor->bad;
}

bool load_scan_answers(struct span body, load_scan_visit *visit, void *context) {
    struct cursor cursor = over(body);
    if (eat(&cursor, '[')) {
        do {
            read_one(&cursor, visit, context);
        } while (!cursor.bad && eat(&cursor, ','));
        want(&cursor, ']');
    } else {
        read_one(&cursor, visit, context);
    }
    skip_space(&cursor);
    return !cursor.bad && cursor.at == cursor.end;
}

static void read_header(struct cursor *cursor, struct load_scan_block *out) {
    struct span name;
    for (bool first = true; member(cursor, &name, &first);) {
        if (is(name, "height"))
            out->height = number_of(cursor);
        else if (is(name, "time"))
            cursor->bad |= !load_scan_time(&out->time_ns, value_of(cursor));
        else if (is(name, "app_hash"))
            out->app_hash = value_of(cursor);
        else
            value_of(cursor);
    }
}

static void read_data(struct cursor *cursor, struct load_scan_block *out) {
    struct span name;
    for (bool first = true; member(cursor, &name, &first);) {
        if (!is(name, "txs") || !peek(cursor, '[')) {
            value_of(cursor);
            continue;
        }
        struct span list = value_of(cursor);
        if (!cursor->bad)
            out->txs = span_of(list.data + 1, list.size - 2);
    }
}

static void read_block(struct cursor *cursor, struct load_scan_block *out) {
    struct span name;
    for (bool first = true; member(cursor, &name, &first);) {
        if (is(name, "header"))
            read_header(cursor, out);
        else if (is(name, "data"))
            read_data(cursor, out);
        else
            value_of(cursor);
    }
}

static void read_block_id(struct cursor *cursor, struct load_scan_block *out) {
    struct span name;
    for (bool first = true; member(cursor, &name, &first);) {
        struct span value = value_of(cursor);
        if (is(name, "hash"))
            out->hash = value;
    }
}

bool load_scan_block(struct load_scan_block *out, struct span result) {
    struct cursor cursor = over(result);
    struct load_scan_block block = {0};
    struct span name;
    for (bool first = true; member(&cursor, &name, &first);) {
        if (is(name, "block") && peek(&cursor, '{'))
            read_block(&cursor, &block);
        else if (is(name, "block_id") && peek(&cursor, '{'))
            read_block_id(&cursor, &block);
        else
            value_of(&cursor);
    }
    if (cursor.bad || block.height <= 0)
        return false;
    *out = block;
    return true;
}

bool load_scan_tx(struct span *txs, struct span *base64, bool *bad) {
    struct cursor cursor = over(*txs);
    *bad = false;
    skip_space(&cursor);
    if (cursor.at == cursor.end)
        return false;
    *base64 = text_of(&cursor);
    bool has_next = eat(&cursor, ',');
    skip_space(&cursor);
    *txs = span_of(cursor.at, (size_t)(cursor.end - cursor.at));
    *bad = cursor.bad || has_next != (txs->size > 0);
    return !*bad;
}

bool load_scan_path(struct span *out, struct span value, const char *path) {
    for (;;) {
        size_t size = strcspn(path, ".");
        struct cursor cursor = over(value);
        struct span name, found = {0};
        for (bool first = true; member(&cursor, &name, &first);) {
            struct span item = value_of(&cursor);
            if (name.size == size && memcmp(name.data, path, size) == 0)
                found = item;
        }
        if (cursor.bad || found.data == NULL)
            return false;
        value = found;
        if (path[size] == '\0')
            break;
        path += size + 1;
    }
    *out = value;
    return true;
}

static bool digits(int64_t *out, const uint8_t *at, size_t size) {
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *out = *out * 10 + (at[i] - '0');
    }
    return true;
}

/* Days since 1970-01-01 in the Gregorian calendar, counting years from March, so that the leap day comes last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    month += month <= 2 ? 9 : -3;
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719468;
}

static bool fraction(int64_t *ns, const uint8_t *at, const uint8_t *end) {
    *ns = 0;
    if (at == end)
        return true;
    if (*at++ != '.' || at == end || end - at > 9)
        return false;
    if (!digits(ns, at, (size_t)(end - at)))
        return false;
    for (long missing = 9 - (end - at); missing > 0; missing--)
        *ns *= 10;
    return true;
}

bool load_scan_time(int64_t *time_ns, struct span text) {
    int64_t year, month, day, hour, minute, second, ns;
    const uint8_t *at = text.data;
    if (text.size < 20 || at[text.size - 1] != 'Z' || at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' ||
        at[16] != ':')
        return false;
    if (!digits(&year, at, 4) || !digits(&month, at + 5, 2) || !digits(&day, at + 8, 2) || !digits(&hour, at + 11, 2) ||
        !digits(&minute, at + 14, 2) || !digits(&second, at + 17, 2) || !fraction(&ns, at + 19, at + text.size - 1))
        return false;
    if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
        return false;
    *time_ns = (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000000000 + ns;
    return true;
}
