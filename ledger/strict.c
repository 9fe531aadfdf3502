#include "ledger/strict.h"

#include <assert.h>

struct strict strict_over(struct span bytes) {
    static const uint8_t nothing[1];
    const uint8_t *at = bytes.data == NULL ? nothing : bytes.data;
    return (struct strict){.at = at, .end = at + bytes.size};
}

void strict_fail(struct strict *strict, const char *fault) {
    if (strict->fault == NULL)
        strict->fault = fault;
    strict->at = strict->end;
}

static uint64_t read_varint(struct strict *strict) {
    uint64_t value = 0;
    for (unsigned shift = 0; strict->at < strict->end && shift < 64; shift += 7) {
        uint8_t byte = *strict->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        if (byte == 0 && shift > 0)
            break; /* a last group of zeroes says nothing: not minimal */
        return value;
    }
    strict_fail(strict, "malformed or non-minimal varint");
    return 0;
}

static struct span read_bytes(struct strict *strict, uint64_t size) {
    if (size > (size_t)(strict->end - strict->at)) {
        strict_fail(strict, "truncated field");
        return span_of(NULL, 0);
    }
    struct span bytes = span_of(strict->at, (size_t)size);
    strict->at += size;
    return bytes;
}

static uint64_t read_fixed(struct strict *strict, size_t size) {
    struct span bytes = read_bytes(strict, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++)
        value |= (uint64_t)bytes.data[i] << (8 * i);
    return value;
}

bool strict_next(struct strict *strict, struct proto_field *field) {
    if (strict->at == strict->end)
        return false;
    uint64_t tag = read_varint(strict);
    *field = (struct proto_field){.number = (uint32_t)(tag >> 3), .wire = tag & 7};
    /* A number beyond 29 bits must not wrap around into one that we know (wound 35). */
    if (strict->fault == NULL && (tag > UINT32_MAX || tag >> 3 == 0))
        strict_fail(strict, "field number out of range");
    if (strict->fault != NULL)
        return false;
    switch (field->wire) {
    case PROTO_VARINT: field->value = read_varint(strict); break;
    case PROTO_FIXED64: field->value = read_fixed(strict, 8); break;
    case PROTO_FIXED32: field->value = read_fixed(strict, 4); break;
    case PROTO_BYTES: field->bytes = read_bytes(strict, read_varint(strict)); break;
    default: strict_fail(strict, "unknown wire type");
    }
    return strict->fault == NULL;
}

static bool once(struct strict *strict, const struct proto_field *field, uint8_t wire) {
    assert(field->number < 64);
    uint64_t bit = (uint64_t)1 << field->number;
    if (field->wire != wire)
        strict_fail(strict, "wrong wire type");
    else if (strict->met & bit)
        strict_fail(strict, "duplicate field");
    strict->met |= bit;
    return strict->fault == NULL;
}

struct span strict_bytes_once(struct strict *strict, const struct proto_field *field) {
    return once(strict, field, PROTO_BYTES) ? field->bytes : span_of(NULL, 0);
}

uint64_t strict_uint64_once(struct strict *strict, const struct proto_field *field) {
    return once(strict, field, PROTO_VARINT) ? field->value : 0;
}

struct span strict_bytes(struct strict *strict, const struct proto_field *field) {
    if (field->wire == PROTO_BYTES)
        return field->bytes;
    strict_fail(strict, "wrong wire type");
    return span_of(NULL, 0);
}

/* How many bytes the character at the front takes, 0 if it is none (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
static size_t utf8_character(const uint8_t *at, size_t left) {
    uint8_t first = at[0];
    if (first < 0x80)
        return 1;
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (first == 0xe0 && at[1] < 0xa0) || (first == 0xf0 && at[1] < 0x90);
    bool beyond = (first == 0xed && at[1] >= 0xa0) || (first == 0xf4 && at[1] >= 0x90);
    return overlong || beyond ? 0 : size;
}

struct span strict_text_once(struct strict *strict, const struct proto_field *field) {
    struct span text = strict_bytes_once(strict, field);
    for (size_t at = 0, step; at < text.size; at += step) {
        step = utf8_character(text.data + at, text.size - at);
        if (step == 0) {
            strict_fail(strict, "text is not UTF-8");
            return span_of(NULL, 0);
        }
    }
    return text;
}

void strict_unknown(struct strict *strict, const struct proto_field *field, bool lenient) {
    bool critical = (field->number & 1024) == 0;
    if (critical || !lenient)
        strict_fail(strict, "unknown field");
}
