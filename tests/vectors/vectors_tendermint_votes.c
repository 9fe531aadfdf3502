/* What is signed and hashed: votes, proposals, extensions, headers; and bit arrays. */
#include <stdlib.h>

#include "crypto/text.h"
#include "tendermint/bit_array.h"
#include "tests/vectors/vectors_tendermint.h"

/* Whether the hex under `key` is exactly these bytes. */
static bool is_hex(const json_t *object, const char *key, struct span bytes) {
    char *text = malloc(TEXT_HEX_SIZE(bytes.size));
    text_hex_lower(text, bytes);
    bool same = span_equal(span_text(text), vectors_text(object, key)) && json_object_get(object, key) != NULL;
    free(text);
    return same;
}

void run_vote_sign_bytes(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = json_is_string(json_object_get(item, "chain_id"));
        struct vote vote = read_vote(item, &ok);
        uint8_t bytes[VOTE_SIGN_BYTES_MAX];
        size_t size = vote_sign_bytes(bytes, &vote, vectors_text(item, "chain_id"));
        vectors_expect(report, i, ok && is_hex(item, "expected_hex", span_of(bytes, size)), "vote sign bytes");
    }
}

void run_proposal_sign_bytes(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = json_is_string(json_object_get(item, "chain_id"));
        struct proposal proposal = {.type = VOTE_PROPOSAL};
        proposal.height = read_int64(item, "height", &ok);
        proposal.round = read_int32(item, "round", &ok);
        proposal.pol_round = read_int32(item, "pol_round", &ok);
        proposal.block_id = read_block_id(item, "block_id", &ok);
        proposal.timestamp = read_time(item, "timestamp", &ok);
        uint8_t bytes[VOTE_SIGN_BYTES_MAX];
        size_t size = proposal_sign_bytes(bytes, &proposal, vectors_text(item, "chain_id"));
        vectors_expect(report, i, ok && is_hex(item, "expected_hex", span_of(bytes, size)), "proposal sign bytes");
    }
}

static bool extension_case(const json_t *item) {
    size_t capacity = vectors_text(item, "extension_hex").size / 2 + 128, size;
    bool ok = json_is_string(json_object_get(item, "chain_id"));
    int64_t height = read_int64(item, "height", &ok);
    int32_t round = read_int32(item, "round", &ok);
    uint8_t *extension = malloc(capacity), *bytes = malloc(capacity);
    ok = ok && vectors_hex(item, "extension_hex", extension, &size, capacity);
    if (ok) {
        size = vote_extension_sign_bytes(bytes, capacity, span_of(extension, size), height, round, vectors_text(item, "chain_id"));
        ok = is_hex(item, "expected_hex", span_of(bytes, size));
    }
    free(extension);
    free(bytes);
    return ok;
}

void run_vote_extension_sign_bytes(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, extension_case(item), "extension sign bytes");
}

static bool leaves_match(const json_t *leaves, const struct header *header) {
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)leaves, i, item) {
        uint8_t leaf[256];
        char text[TEXT_HEX_SIZE(256)];
        if (i >= 14)
            return false;
        text_hex_lower(text, span_of(leaf, header_leaf(leaf, header, (unsigned)i)));
        if (!json_is_string(item) || strcmp(text, json_string_value(item)) != 0)
            return false;
    }
    return json_array_size(leaves) == 14;
}

/* What was hashed must also survive its own encoding. */
static bool header_round_trips(const struct header *header) {
    uint8_t bytes[1024], again[1024];
    struct proto_writer writer, second;
    struct header read;
    proto_writer_init(&writer, bytes, sizeof bytes);
    header_write(&writer, header);
    if (writer.overflow || !header_decode(&read, proto_writer_span(&writer)))
        return false;
    proto_writer_init(&second, again, sizeof again);
    header_write(&second, &read);
    return span_equal(proto_writer_span(&writer), proto_writer_span(&second));
}

void run_header_hash(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = json_object_get(item, "expected_hash_hex") != NULL;
        struct header header = read_header(item, "header", &ok);
        struct digest expected = read_digest(item, "expected_hash_hex", &ok), hash;
        header_hash(&hash, &header);
        const json_t *leaves = json_object_get(item, "leaves_hex");
        ok = ok && digest_equal(&hash, &expected) && header_round_trips(&header);
        vectors_expect(report, i, ok && (leaves == NULL || leaves_match(leaves, &header)), "header hash or leaves");
    }
}

/* Bit arrays */

static bool put_words(struct proto_writer *writer, const json_t *elems) {
    size_t i;
    json_t *item;
    size_t mark = proto_begin(writer, 2);
    json_array_foreach((json_t *)elems, i, item) {
        char *end;
        if (!json_is_string(item))
            return false;
        proto_put_varint(writer, strtoull(json_string_value(item), &end, 10));
        if (*end != '\0')
            return false;
    }
    proto_end(writer, mark);
    return true;
}

/* The message that the case describes, built without the code under test. */
static bool put_described(struct proto_writer *writer, const json_t *item) {
    bool ok = true;
    const json_t *elems = json_object_get(item, "elems");
    proto_put_int64(writer, 1, read_int64(item, "bits", &ok));
    return ok && (elems == NULL || put_words(writer, elems)) && !writer->overflow;
}

static bool set_bits(struct bit_array *array, const json_t *item) {
    size_t i;
    json_t *index;
    bool ok = true;
    int64_t bits = read_int64(item, "bits", &ok);
    if (!ok || bits < 0 || bits > BIT_ARRAY_BITS_MAX)
        return false;
    bit_array_resize(array, (uint32_t)bits);
    json_array_foreach(json_object_get(item, "set"), i, index) {
        if (!json_is_integer(index))
            return false;
        bit_array_set(array, (uint32_t)json_integer_value(index), true);
    }
    return bit_array_count(array) == json_array_size(json_object_get(item, "set"));
}

/* CometBFT's JSON of an empty array is null, which the RPC prints; the text is then empty. */
static bool text_matches(const struct bit_array *array, const json_t *item) {
    char text[BIT_ARRAY_BITS_MAX + 3] = "\"";
    bit_array_text(text + 1, array);
    strcat(text, "\"");
    const char *expected = json_string_value(json_object_get(item, "json"));
    return expected != NULL && strcmp(expected, array->bits == 0 ? "null" : text) == 0;
}

static bool reads_back(const struct bit_array *array, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct bit_array read;
    bit_array_init(&read);
    bit_array_read(&read, &reader);
    bool same = !reader.bad && read.bits == array->bits;
    for (uint32_t i = 0; same && i < array->bits; i++)
        same = bit_array_get(&read, i) == bit_array_get(array, i);
    bit_array_close(&read);
    return same;
}

static bool bit_array_case(const json_t *item) {
    uint8_t bytes[2048], described[2048];
    struct proto_writer writer, expected;
    struct bit_array array;
    proto_writer_init(&expected, described, sizeof described);
    proto_writer_init(&writer, bytes, sizeof bytes);
    bit_array_init(&array);
    bool ok = put_described(&expected, item) && set_bits(&array, item) && text_matches(&array, item);
    bit_array_write(&writer, &array);
    ok = ok && span_equal(proto_writer_span(&writer), proto_writer_span(&expected)) &&
         (json_object_get(item, "proto_hex") == NULL || is_hex(item, "proto_hex", proto_writer_span(&writer))) &&
         reads_back(&array, proto_writer_span(&writer));
    bit_array_close(&array);
    return ok;
}

static bool rejected_case(const json_t *item) {
    uint8_t bytes[4096];
    size_t size = 0;
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    if (json_object_get(item, "proto_hex") != NULL) {
        if (!vectors_hex(item, "proto_hex", bytes, &size, sizeof bytes))
            return false;
    } else if (put_described(&writer, item)) {
        size = writer.size;
    } else {
        return false;
    }
    struct proto_reader reader = proto_reader_over(span_of(bytes, size));
    struct bit_array array;
    bit_array_init(&array);
    bit_array_read(&array, &reader);
    bit_array_close(&array);
    return reader.bad;
}

void run_bit_arrays(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    static const char *const keys[] = {"bits", "set", "json", "elems", "proto_hex", "expect", "source", "name", NULL};
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        const char *expect = json_string_value(json_object_get(item, "expect"));
        bool rejected = expect != NULL && strstr(expect, "rejected") != NULL;
        bool understood = read_only_keys(item, keys) && (expect == NULL || rejected);
        vectors_expect(report, i, understood && (rejected ? rejected_case(item) : bit_array_case(item)), "bit array");
    }
}
