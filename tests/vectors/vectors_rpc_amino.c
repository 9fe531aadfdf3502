/* libs/json: what is written for a value of a type, and what is read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "genesis/emit.h"
#include "genesis/scan.h"
#include "rpc/args.h"
#include "rpc/document.h"
#include "tests/vectors/vectors_rpc.h"

/* ---- writing */

/* RFC 3339 with an offset, as Go's time has one; "zero". */
static bool read_moment(struct timestamp *out, const char *text) {
    int hours, minutes;
    char copy[64], sign;
    *out = TIMESTAMP_ZERO;
    if (strcmp(text, "zero") == 0)
        return true;
    const char *zone = strrchr(text, '+') != NULL ? strrchr(text, '+') : strlen(text) > 6 && text[strlen(text) - 6] == '-' ? text + strlen(text) - 6 : NULL;
    if (zone == NULL)
        return timestamp_parse(out, span_text(text));
    if (sscanf(zone, "%c%d:%d", &sign, &hours, &minutes) != 3 || (size_t)(zone - text) + 2 > sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*sZ", (int)(zone - text), text);
    if (!timestamp_parse(out, span_text(copy)))
        return false;
    out->seconds -= (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

static bool put_numbers(struct emit *out, const json_t *list) {
    size_t index;
    const json_t *item;
    bool good = true;
    emit_open(out, '[');
    json_array_foreach(list, index, item) {
        good &= json_is_integer(item);
        emit_int64(out, json_integer_value(item));
    }
    emit_shut(out, ']');
    return good && json_is_array(list);
}

static bool put_map(struct emit *out, const json_t *map) {
    const char *key;
    json_t *item;
    bool good = true;
    emit_open(out, '{');
    json_object_foreach((json_t *)(uintptr_t)map, key, item) {
        good &= json_is_integer(item);
        emit_key(out, key);
        emit_int64(out, json_integer_value(item));
    }
    emit_shut(out, '}');
    return good && (json_is_object(map) || json_is_null(map)); /* a nil map is an empty one */
}

static bool put_bytes(struct emit *out, const json_t *value) {
    uint8_t bytes[256];
    size_t size;
    bool good = json_is_string(value) && text_hex_decode(bytes, &size, sizeof bytes, span_text(json_string_value(value)));
    if (good)
        emit_base64(out, span_of(bytes, size));
    return good;
}

/* false: not a type that we know, or not its value. */
static bool put_value(struct emit *out, const char *type, const json_t *value) {
    struct timestamp time;
    if (strcmp(type, "int64") == 0 || strcmp(type, "uint64") == 0 || strcmp(type, "int") == 0 || strcmp(type, "uint") == 0)
        emit_int64(out, json_integer_value(value));
    else if (strncmp(type, "int", 3) == 0 || strncmp(type, "uint", 4) == 0) /* 8 to 32 bits */
        emit_number(out, json_integer_value(value));
    else if (strncmp(type, "float", 5) == 0) {
        char *raw = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        emit_compact(out, span_text(raw));
        free(raw);
    } else if (strcmp(type, "string") == 0)
        emit_string(out, span_of(json_string_value(value), json_string_length(value)));
    else if (strcmp(type, "bool") == 0)
        emit_bool(out, json_is_true(value));
    else if (strcmp(type, "bytes") == 0 && json_is_null(value))
        emit_null(out);
    else if (strcmp(type, "bytes") == 0)
        return put_bytes(out, value);
    else if (strcmp(type, "slice nil") == 0)
        emit_null(out);
    else if (strcmp(type, "slice empty") == 0 || strcmp(type, "[]int64") == 0)
        return put_numbers(out, value);
    else if (strncmp(type, "map[string]int64", 16) == 0)
        return put_map(out, value);
    else if (strcmp(type, "time") == 0 && json_is_string(value) && read_moment(&time, json_string_value(value)))
        emit_time(out, &time);
    else
        return false;
    return true;
}

static void check_written(struct vectors_report *report, size_t index, const json_t *one, const char *type) {
    struct emit out;
    struct span expected = vectors_text(one, "expected_json");
    emit_init(&out);
    bool good = put_value(&out, type, json_object_get(one, "value")) && span_equal(span_of(out.data, out.size), expected);
    if (good)
        vectors_passed(report);
    else
        vectors_failed(report, index, "%s: wrote %.*s", type, (int)out.size, out.data == NULL ? "" : out.data);
    emit_close(&out);
}

/* ---- reading */

static bool read_value(struct span value, const char *type, struct arena *arena);

static bool read_all(struct span value, enum scan_kind kind, const char *type, struct arena *arena) {
    struct span key, item;
    bool good = scan_kind(value) == kind;
    for (struct scan_walk walk = scan_walk(value); scan_next(&walk, &key, &item);)
        good &= read_value(item, type, arena);
    return good;
}

static bool read_time(struct span value, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span object = args_text(arena, "{\"t\":%.*s}", (int)value.size, (const char *)value.data);
    document_time(&document, object, "t");
    return document.wrong == NULL;
}

static bool read_value(struct span value, const char *type, struct arena *arena) {
    struct span text;
    uint8_t bytes[4096];
    size_t size;
    int64_t number;
    uint64_t positive;
    if (strcmp(type, "int64") == 0 || strcmp(type, "int") == 0)
        return scan_int64_text(&number, value);
    if (strcmp(type, "uint64") == 0 || strcmp(type, "uint") == 0)
        return scan_uint64_text(&positive, value);
    if (strncmp(type, "int", 3) == 0 || strncmp(type, "uint", 4) == 0)
        return scan_kind(value) == SCAN_NUMBER && scan_int64_number(&number, value);
    if (strncmp(type, "float", 5) == 0)
        return scan_kind(value) == SCAN_NUMBER;
    if (strcmp(type, "string") == 0)
        return scan_text(&text, value, arena);
    if (strcmp(type, "bool") == 0)
        return scan_kind(value) == SCAN_BOOL;
    if (strcmp(type, "bytes") == 0)
        return scan_text(&text, value, arena) && text_base64_decode(bytes, &size, sizeof bytes, text);
    if (strcmp(type, "time") == 0)
        return read_time(value, arena);
    if (strcmp(type, "[]int64") == 0)
        return read_all(value, SCAN_LIST, "int64", arena);
    return strncmp(type, "map[string]int64", 16) == 0 && read_all(value, SCAN_OBJECT, "int64", arena);
}

static bool is_known(const char *type) {
    static const char *const types[] = {"int64", "int", "uint64", "uint", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64", "string", "bool", "bytes", "time", "[]int64", "map[string]int64"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static void check_read(struct vectors_report *report, size_t index, const json_t *one, const char *type) {
    struct arena arena;
    struct span value, text = vectors_text(one, "json");
    arena_init(&arena, 1 << 20);
    bool good = scan_value(&value, text, NULL) && read_value(value, type, &arena);
    arena_close(&arena);
    vectors_expect(report, index, is_known(type) && good != json_is_true(json_object_get(one, "expect_error")), type);
}

void vectors_rpc_amino(struct vectors_report *report, const json_t *file, const char *path) {
    size_t index;
    const json_t *one;
    (void)path;
    json_array_foreach(json_object_get(file, "cases"), index, one) {
        const char *type = json_string_value(json_object_get(one, "type"));
        if (type != NULL && json_object_get(one, "expected_json") != NULL)
            check_written(report, index, one, type);
        else if (type != NULL && json_is_boolean(json_object_get(one, "expect_error")))
            check_read(report, index, one, type);
        else
            vectors_failed(report, index, "a case of unknown shape");
    }
}
