#include "genesis/emit.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "genesis/scan.h"

enum { FIRST_BYTES = 1024, KEPT_BYTES = 256 * 1024, INDENT_DEPTH_MAX = 1024 };

void emit_init(struct emit *emit) { *emit = (struct emit){0}; }

void emit_close(struct emit *emit) {
    free(emit->data);
    *emit = (struct emit){0};
}

void emit_clear(struct emit *emit) {
    if (emit->capacity > KEPT_BYTES)
        emit_close(emit);
    emit->size = 0;
}

struct emit emit_take(struct emit *emit) {
    struct emit taken = *emit;
    *emit = (struct emit){0};
    return taken;
}

void emit_room(struct emit *emit, size_t more) {
    size_t wanted;
    if (more <= emit->capacity - emit->size)
        return;
    assert(!__builtin_add_overflow(emit->size, more, &wanted));
    size_t capacity = emit->capacity == 0 ? FIRST_BYTES : emit->capacity + emit->capacity / 2;
    emit->capacity = capacity > wanted ? capacity : wanted;
    emit->data = realloc(emit->data, emit->capacity);
    assert(emit->data != NULL);
}

char *emit_text(struct emit *emit) {
    emit_room(emit, 1);
    emit->data[emit->size] = '\0';
    return emit_take(emit).data;
}

void emit_raw(struct emit *emit, struct span text) {
    if (text.size == 0)
        return;
    emit_room(emit, text.size);
    memcpy(emit->data + emit->size, text.data, text.size);
    emit->size += text.size;
}

void emit_literal(struct emit *emit, const char *text) { emit_raw(emit, span_text(text)); }

static void put(struct emit *emit, char c) {
    emit_room(emit, 1);
    emit->data[emit->size++] = c;
}

/* A value or key stands before us unless the last character opens something. Strings end with a quote, so it cannot be theirs. */
static void separate(struct emit *emit) {
    if (emit->size == 0)
        return;
    char last = emit->data[emit->size - 1];
    if (last != '{' && last != '[' && last != ':' && last != ',')
        put(emit, ',');
}

void emit_open(struct emit *emit, char bracket) {
    separate(emit);
    put(emit, bracket);
}

void emit_shut(struct emit *emit, char bracket) { put(emit, bracket); }

void emit_key(struct emit *emit, const char *name) {
    separate(emit);
    size_t size = strlen(name);
    emit_room(emit, size + 3);
    char *at = emit->data + emit->size;
    at[0] = '"';
    memcpy(at + 1, name, size);
    at[size + 1] = '"';
    at[size + 2] = ':';
    emit->size += size + 3;
}

void emit_null(struct emit *emit) {
    separate(emit);
    emit_literal(emit, "null");
}

void emit_bool(struct emit *emit, bool value) {
    separate(emit);
    emit_literal(emit, value ? "true" : "false");
}

static void put_digits(struct emit *emit, uint64_t value, bool negative) {
    char text[24], *at = text + sizeof text;
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    if (negative)
        *--at = '-';
    emit_raw(emit, span_of(at, (size_t)(text + sizeof text - at)));
}

static uint64_t magnitude(int64_t value) { return value < 0 ? 0 - (uint64_t)value : (uint64_t)value; }

void emit_number(struct emit *emit, int64_t value) {
    separate(emit);
    put_digits(emit, magnitude(value), value < 0);
}

static void put_quoted_digits(struct emit *emit, uint64_t value, bool negative) {
    separate(emit);
    put(emit, '"');
    put_digits(emit, value, negative);
    put(emit, '"');
}

void emit_int64(struct emit *emit, int64_t value) { put_quoted_digits(emit, magnitude(value), value < 0); }

void emit_uint64(struct emit *emit, uint64_t value) { put_quoted_digits(emit, value, false); }

/* 0: stands for itself; 1: \u00XX; 2: perhaps more than a byte; else the letter after the backslash. */
static char escape_of(uint8_t c) {
    switch (c) {
    case '"':
    case '\\': return (char)c;
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\b': return 'b';
    case '\f': return 'f';
    case '<':
    case '>':
    case '&': return 1;
    default: return c < 0x20 ? 1 : c >= 0x80 ? 2 : 0;
    }
}

static void put_unit(struct emit *emit, unsigned unit) {
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', digits[unit >> 12], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};
    emit_raw(emit, span_of(text, sizeof text));
}

static size_t put_wide(struct emit *emit, const uint8_t *at, size_t left) {
    size_t size = scan_utf8_size(at, at + left);
    if (size == 0) {
        emit_literal(emit, "\\ufffd");
        return 1;
    }
    if (size == 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9))
        put_unit(emit, at[2] == 0xA8 ? 0x2028 : 0x2029);
    else
        emit_raw(emit, span_of(at, size));
    return size;
}

static void put_escaped(struct emit *emit, struct span text) {
    size_t i = 0;
    while (i < text.size) {
        size_t plain = i;
        while (i < text.size && escape_of(text.data[i]) == 0)
            i++;
        emit_raw(emit, span_of(text.data + plain, i - plain));
        if (i == text.size)
            return;
        char escape = escape_of(text.data[i]);
        if (escape == 2) {
            i += put_wide(emit, text.data + i, text.size - i);
            continue;
        }
        if (escape == 1)
            put_unit(emit, text.data[i]);
        else
            emit_raw(emit, span_of((char[]){'\\', escape}, 2));
        i++;
    }
}

void emit_string(struct emit *emit, struct span text) {
    separate(emit);
    emit_room(emit, text.size + 2);
    put(emit, '"');
    put_escaped(emit, text);
    put(emit, '"');
}

void emit_cstring(struct emit *emit, const char *text) { emit_string(emit, span_text(text)); }

void emit_hex(struct emit *emit, struct span bytes) {
    separate(emit);
    emit_room(emit, TEXT_HEX_SIZE(bytes.size) + 2);
    put(emit, '"');
    text_hex_upper(emit->data + emit->size, bytes);
    emit->size += 2 * bytes.size;
    put(emit, '"');
}

void emit_base64_text(struct emit *emit, struct span bytes) {
    separate(emit);
    emit_room(emit, TEXT_BASE64_SIZE(bytes.size) + 2);
    put(emit, '"');
    text_base64(emit->data + emit->size, bytes);
    emit->size += TEXT_BASE64_SIZE(bytes.size) - 1;
    put(emit, '"');
}

void emit_base64(struct emit *emit, struct span bytes) {
    if (bytes.size == 0)
        emit_null(emit);
    else
        emit_base64_text(emit, bytes);
}

void emit_time(struct emit *emit, const struct timestamp *time) {
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_text(text, time);
    emit_cstring(emit, text);
}

void emit_compact(struct emit *emit, struct span value) {
    separate(emit);
    emit_room(emit, value.size);
    bool in_string = false;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
            continue;
        if (c == '"')
            in_string = !in_string;
        if (c == '\\') { /* only in strings: what follows is no quote of ours */
            emit_raw(emit, span_of(value.data + i, 2));
            i++;
        } else if (c == '<' || c == '>' || c == '&') {
            put_unit(emit, c);
        } else if (c == 0xE2 && value.size - i >= 3 && value.data[i + 1] == 0x80 && (value.data[i + 2] & 0xFE) == 0xA8) {
            i += put_wide(emit, value.data + i, 3) - 1;
        } else {
            put(emit, (char)c);
        }
    }
}

static void put_line(struct emit *emit, unsigned depth) {
    put(emit, '\n');
    for (unsigned i = 0; i < depth; i++)
        emit_literal(emit, "  ");
}

void emit_indented(struct emit *emit, struct span value) {
    bool in_string = false;
    unsigned depth = 0;
    for (size_t i = 0; i < value.size; i++) {
        char c = (char)value.data[i], before = i > 0 ? (char)value.data[i - 1] : 0;
        if (!in_string && ((before == '{' && c != '}') || (before == '[' && c != ']')))
            put_line(emit, depth);
        if (in_string || c == '"') {
            if (c == '"')
                in_string = !in_string;
            put(emit, c);
            if (c == '\\')
                put(emit, (char)value.data[++i]);
            continue;
        }
        if (c == '{' || c == '[') {
            assert(depth < INDENT_DEPTH_MAX);
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
            if (before != '{' && before != '[')
                put_line(emit, depth);
        }
        put(emit, c);
        if (c == ',')
            put_line(emit, depth);
        if (c == ':')
            put(emit, ' ');
    }
}
