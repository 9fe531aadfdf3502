#include "rpc/args.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/text.h"
#include "genesis/scan.h"

enum { SHOWN_MAX = 200, TEXT_MAX = 1024 };

struct span args_text(struct arena *arena, const char *format, ...) {
    char text[TEXT_MAX];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    struct span out = span_text("out of memory for this request");
    arena_copy(arena, &out, span_of(text, size < 0 ? 0 : size < TEXT_MAX ? (size_t)size : TEXT_MAX - 1));
    return out;
}

static int shown(struct span value) { return value.size > SHOWN_MAX ? SHOWN_MAX : (int)value.size; }

static const char *go_type(enum arg_type type) {
    switch (type) {
    case ARG_EXTRA_INT64:
    case ARG_INT64: return "int64";
    case ARG_UINT: return "uint64";
    case ARG_TEXT: return "string";
    case ARG_BOOL: return "bool";
    case ARG_JSON: return "interface";
    case ARG_BYTES:
    case ARG_HEX: return "slice";
    }
    return "";
}

/* ---- JSON values */

static bool wrong_kind(struct span *error, struct span value, const char *wanted, struct arena *arena) {
    *error = args_text(arena, "json: cannot unmarshal %s into Go value of type %s", scan_kind_name(value), wanted);
    return false;
}

static bool read_number(struct arg *arg, struct span *error, enum arg_type type, struct span value, struct arena *arena) {
    if (scan_kind(value) != SCAN_TEXT) {
        *error = args_text(arena, "invalid 64-bit integer encoding \"%.*s\", expected string", shown(value), (const char *)value.data);
        return false;
    }
    if (scan_int64_text(&arg->number, value) && (type != ARG_UINT || arg->number >= 0))
        return true;
    *error = args_text(arena, "json: cannot unmarshal %.*s into Go value of type %s", shown(value), (const char *)value.data, go_type(type));
    return false;
}

static bool read_bytes(struct arg *arg, struct span *error, enum arg_type type, struct span value, struct arena *arena) {
    struct span text;
    if (!scan_text(&text, value, arena))
        return wrong_kind(error, value, "[]uint8", arena);
    uint8_t *bytes = arena_take(arena, text.size, 1);
    size_t size;
    bool good = bytes != NULL && (type == ARG_HEX ? text_hex_decode(bytes, &size, text.size, text)
                                                  : text_base64_decode(bytes, &size, text.size, text));
    if (!good) {
        *error = span_text(type == ARG_HEX ? "invalid hex string" : "illegal base64 data");
        return false;
    }
    arg->bytes = span_of(bytes, size);
    return true;
}

static bool read_value(struct arg *arg, struct span *error, enum arg_type type, struct span value, struct arena *arena) {
    if (scan_is_null(value))
        return true;
    arg->given = true;
    switch (type) {
    case ARG_EXTRA_INT64:
    case ARG_INT64:
    case ARG_UINT: return read_number(arg, error, type, value, arena);
    case ARG_BYTES:
    case ARG_HEX: return read_bytes(arg, error, type, value, arena);
    case ARG_TEXT: return scan_text(&arg->bytes, value, arena) || wrong_kind(error, value, "string", arena);
    case ARG_BOOL:
        arg->yes = value.data[0] == 't';
        return scan_kind(value) == SCAN_BOOL || wrong_kind(error, value, "bool", arena);
    case ARG_JSON: arg->bytes = value; return true;
    }
    return false;
}

static size_t count_specs(const struct arg_spec *specs) {
    size_t count = 0;
    while (specs[count].name != NULL)
        count++;
    return count;
}

static struct span join_names(const struct arg_spec *specs, struct arena *arena) {
    char names[128] = "";
    for (size_t i = 0; specs[i].name != NULL && specs[i].type != ARG_EXTRA_INT64; i++) {
        strncat(names, i > 0 ? " " : "", sizeof names - strlen(names) - 1);
        strncat(names, specs[i].name, sizeof names - strlen(names) - 1);
    }
    return args_text(arena, "%s", names);
}

static bool from_list(struct arg *args, struct span *error, const struct arg_spec *specs, struct span params, struct arena *arena) {
    size_t wanted = count_specs(specs), got = scan_count(params), i = 0;
    if (wanted > 0 && got != wanted && specs[wanted - 1].type == ARG_EXTRA_INT64)
        wanted--;
    if (wanted != got) {
        struct span names = join_names(specs, arena);
        *error = args_text(arena, "expected %zu parameters ([%.*s]), got %zu (%.*s)", wanted, (int)names.size, (const char *)names.data, got,
                           shown(params), (const char *)params.data);
        return false;
    }
    struct span key, item;
    for (struct scan_walk walk = scan_walk(params); scan_next(&walk, &key, &item); i++)
        if (!read_value(&args[i], error, specs[i].type, item, arena))
            return false;
    return true;
}

static bool from_object(struct arg *args, struct span *error, const struct arg_spec *specs, struct span params, struct arena *arena) {
    struct span found[ARGS_MAX] = {{0}}, key, item;
    size_t count = count_specs(specs);
    for (struct scan_walk walk = scan_walk(params); scan_next(&walk, &key, &item);)
        for (size_t i = 0; i < count; i++)
            if (scan_key_is(key, specs[i].name, false))
                found[i] = item;
    for (size_t i = 0; i < count; i++)
        if (found[i].size > 0 && !read_value(&args[i], error, specs[i].type, found[i], arena))
            return false;
    return true;
}

bool args_from_json(struct arg *args, struct span *error, const struct arg_spec *specs, struct span params, struct arena *arena) {
    memset(args, 0, ARGS_MAX * sizeof *args);
    if (params.size == 0 || scan_is_null(params))
        return true;
    if (scan_kind(params) == SCAN_OBJECT)
        return from_object(args, error, specs, params, arena);
    if (scan_kind(params) == SCAN_LIST)
        return from_list(args, error, specs, params, arena);
    *error = args_text(arena, "unknown type for JSON params: json: cannot unmarshal %s into Go value of type []json.RawMessage. Expected map or array",
                       scan_kind_name(params));
    return false;
}

/* ---- URIs */

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool args_unescape(struct span *out, struct span text, bool plus, struct arena *arena) {
    uint8_t *at = arena_take(arena, text.size, 1);
    if (at == NULL)
        return false;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1, low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        at[size++] = c;
    }
    *out = span_of(at, size);
    return true;
}

/* The next `key=value` of a query; pairs with ';' or broken escapes are passed over, as url.ParseQuery does. */
static bool next_pair(struct span *query, struct span *key, struct span *value, struct arena *arena) {
    while (query->size > 0) {
        const uint8_t *end = memchr(query->data, '&', query->size);
        struct span pair = span_of(query->data, end == NULL ? query->size : (size_t)(end - query->data));
        size_t step = pair.size + (end != NULL);
        *query = span_of(query->data + step, query->size - step);
        if (pair.size == 0 || memchr(pair.data, ';', pair.size) != NULL)
            continue;
        const uint8_t *equal = memchr(pair.data, '=', pair.size);
        size_t key_size = equal == NULL ? pair.size : (size_t)(equal - pair.data);
        struct span raw = equal == NULL ? span_of(NULL, 0) : span_of(equal + 1, pair.size - key_size - 1);
        if (args_unescape(key, span_of(pair.data, key_size), true, arena) && args_unescape(value, raw, true, arena))
            return true;
    }
    return false;
}

static struct span param_of(struct span query, const char *name, struct arena *arena) {
    struct span key, value;
    while (next_pair(&query, &key, &value, arena))
        if (span_equal(key, span_text(name)))
            return value;
    return span_of(NULL, 0);
}

static bool is_integer(struct span text) {
    size_t i = text.size > 0 && text.data[0] == '-' ? 1 : 0, digits = 0;
    for (; i < text.size; i++, digits++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return digits > 0;
}

static bool is_hex(struct span text) { return text.size >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x'; }

static bool read_0x(struct arg *arg, struct span *error, enum arg_type type, struct span text, struct arena *arena) {
    if (type != ARG_TEXT && type != ARG_BYTES && type != ARG_HEX) {
        *error = args_text(arena, "got a hex string arg, but expected '%s'", go_type(type));
        return false;
    }
    uint8_t *bytes = arena_take(arena, text.size, 1);
    size_t size;
    if (bytes == NULL || !text_hex_decode(bytes, &size, text.size, span_of(text.data + 2, text.size - 2))) {
        *error = span_text("encoding/hex: invalid hex string");
        return false;
    }
    arg->given = true;
    arg->bytes = span_of(bytes, size);
    return true;
}

static bool read_bare_integer(struct arg *arg, struct span *error, enum arg_type type, struct span text, struct arena *arena) {
    struct span quoted = args_text(arena, "\"%.*s\"", shown(text), (const char *)text.data);
    arg->given = true;
    return read_number(arg, error, type, quoted, arena);
}

static bool read_uri_value(struct arg *arg, struct span *error, enum arg_type type, struct span text, struct arena *arena) {
    bool is_number = type == ARG_INT64 || type == ARG_UINT || type == ARG_EXTRA_INT64, is_bytes = type == ARG_BYTES || type == ARG_HEX;
    if (is_number && is_integer(text))
        return read_bare_integer(arg, error, type, text, arena);
    if (is_hex(text))
        return read_0x(arg, error, type, text, arena);
    struct span value;
    if (!scan_value(&value, text, NULL)) {
        *error = args_text(arena, "not a JSON value: %.*s (a string stands in double quotes)", shown(text), (const char *)text.data);
        return false;
    }
    /* Quoted text for bytes means the bytes of the text. */
    return read_value(arg, error, is_bytes && scan_kind(value) == SCAN_TEXT ? ARG_TEXT : type, value, arena);
}

bool args_from_uri(struct arg *args, struct span *error, const struct arg_spec *specs, struct span query, struct span form,
                   struct arena *arena) {
    memset(args, 0, ARGS_MAX * sizeof *args);
    for (size_t i = 0; specs[i].name != NULL; i++) {
        struct span text = param_of(query, specs[i].name, arena);
        if (text.size == 0)
            text = param_of(form, specs[i].name, arena);
        if (text.size > 0 && !read_uri_value(&args[i], error, specs[i].type, text, arena))
            return false;
    }
    return true;
}
