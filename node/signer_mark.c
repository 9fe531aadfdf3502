#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/signer.h"

size_t signer_mark_text(char *out, size_t capacity, const struct signer_mark_state *mark) {
    char signature[TEXT_BASE64_SIZE(64)], sign_bytes[TEXT_HEX_SIZE(VOTE_SIGN_BYTES_MAX)];
    int size = snprintf(out, capacity, "{\n  \"height\": \"%" PRId64 "\",\n  \"round\": %" PRId32 ",\n  \"step\": %" PRId32, mark->height,
                        mark->round, mark->step);
    assert(size > 0 && (size_t)size < capacity);
    if (mark->sign_bytes_size > 0) {
        text_base64(signature, span_of(mark->signature.bytes, mark->signature.size));
        text_hex_upper(sign_bytes, span_of(mark->sign_bytes, mark->sign_bytes_size));
        size += snprintf(out + size, capacity - (size_t)size, ",\n  \"signature\": \"%s\",\n  \"signbytes\": \"%s\"", signature, sign_bytes);
        assert((size_t)size < capacity);
    }
    size += snprintf(out + size, capacity - (size_t)size, "\n}");
    assert((size_t)size < capacity);
    return (size_t)size;
}

static struct span text_of(const json_t *value) {
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : span_of(NULL, 0);
}

static bool parse_height(int64_t *out, const json_t *value) {
    struct span text = text_of(value);
    int64_t height = 0;
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(height, (int64_t)10, &height) ||
            __builtin_add_overflow(height, (int64_t)(text.data[i] - '0'), &height))
            return false;
    *out = height;
    return true;
}

static bool parse_small(int32_t *out, const json_t *value, int32_t max) {
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return false;
    *out = (int32_t)json_integer_value(value);
    return true;
}

static bool parse_signed(struct signer_mark_state *mark, const json_t *signature, const json_t *sign_bytes) {
    size_t signature_size = 0, sign_bytes_size = 0;
    if (signature == NULL && sign_bytes == NULL)
        return true;
    if (!text_base64_decode(mark->signature.bytes, &signature_size, sizeof mark->signature.bytes, text_of(signature)) ||
        !text_hex_decode(mark->sign_bytes, &sign_bytes_size, sizeof mark->sign_bytes, text_of(sign_bytes)))
        return false;
    mark->signature.size = (uint8_t)signature_size;
    mark->sign_bytes_size = (uint32_t)sign_bytes_size;
    return signature_size > 0 && sign_bytes_size > 0;
}

static bool parse_object(struct signer_mark_state *mark, const json_t *object) {
    const json_t *signature = json_object_get(object, "signature"), *sign_bytes = json_object_get(object, "signbytes");
    size_t known = 3 + (signature != NULL) + (sign_bytes != NULL);
    return json_is_object(object) && json_object_size(object) == known && parse_height(&mark->height, json_object_get(object, "height")) &&
           parse_small(&mark->round, json_object_get(object, "round"), INT32_MAX) &&
           parse_small(&mark->step, json_object_get(object, "step"), 3) && parse_signed(mark, signature, sign_bytes);
}

bool signer_mark_parse(struct signer_mark_state *out, struct span json) {
    struct signer_mark_state mark = {0};
    json_t *object = json.size == 0 ? NULL : json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    bool good = object != NULL && parse_object(&mark, object);
    json_decref(object);
    if (good)
        *out = mark;
    return good;
}
