/* Merkle trees, chained proofs, key paths and transcripts. */
#include "tests/vectors/vectors_crypto.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/merkle.h"
#include "crypto/merlin.h"
#include "crypto/proofop.h"
#include "crypto/text.h"

enum { BYTES_MAX = 4096 };

static bool hex_is(const json_t *object, const char *key, struct span expected) {
    uint8_t bytes[BYTES_MAX];
    size_t size;
    return vectors_hex(object, key, bytes, &size, sizeof bytes) && span_equal(span_of(bytes, size), expected);
}

/* merkle_roots */

static bool add_hex_leaf(struct merkle *tree, const json_t *leaf) {
    uint8_t bytes[BYTES_MAX];
    size_t size;
    if (!json_is_string(leaf) ||
        !text_hex_decode(bytes, &size, sizeof bytes, span_of(json_string_value(leaf), json_string_length(leaf))))
        return false;
    merkle_add(tree, span_of(bytes, size));
    return true;
}

static bool root_case(const json_t *item) {
    const json_t *leaves = json_object_get(item, "leaves_hex"), *leaf;
    struct merkle tree;
    uint8_t root[SHA256_BYTES];
    size_t i;
    bool good = json_is_array(leaves);
    merkle_init(&tree);
    json_array_foreach(leaves, i, leaf) good = good && add_hex_leaf(&tree, leaf);
    merkle_root(&tree, root);
    return good && hex_is(item, "expected_root_hex", span_of(root, sizeof root));
}

static bool primitive_case(const json_t *item) {
    uint8_t left[BYTES_MAX], right[BYTES_MAX], made[SHA256_BYTES];
    size_t left_size, right_size;
    struct span op = vectors_text(item, "op");
    if (span_equal(op, span_text("empty"))) {
        struct merkle tree;
        merkle_init(&tree);
        merkle_root(&tree, made);
    } else if (span_equal(op, span_text("leaf"))) {
        if (!vectors_hex(item, "input_hex", left, &left_size, sizeof left))
            return false;
        merkle_leaf_hash(made, span_of(left, left_size));
    } else if (span_equal(op, span_text("inner"))) {
        if (!vectors_hex(item, "left_hex", left, &left_size, sizeof left) ||
            !vectors_hex(item, "right_hex", right, &right_size, sizeof right))
            return false;
        if (left_size == SHA256_BYTES && right_size == SHA256_BYTES)
            merkle_inner_hash(made, left, right);
        else
            sha256_prefixed(made, 1, span_of(left, left_size), span_of(right, right_size));
    } else {
        return false;
    }
    return hex_is(item, "expected_hex", span_of(made, sizeof made));
}

void vectors_merkle_roots(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, root_case(item), "the root differs");
    json_array_foreach(json_object_get(file, "primitives"), i, item)
        vectors_expect(report, i, primitive_case(item), "a primitive's hash differs");
}

/* Proofs, in the JSON of these files. Anything a struct cannot hold goes through the wire format, as from a peer. */

static bool proof_bytes(struct proto_writer *writer, const json_t *json) {
    int64_t total, index;
    uint8_t bytes[BYTES_MAX];
    size_t size, i;
    const json_t *aunt, *aunts = json_object_get(json, "aunts");
    if (!vectors_int64(json, "total", &total) || !vectors_int64(json, "index", &index) ||
        !vectors_hex(json, "leaf_hash", bytes, &size, sizeof bytes) || !json_is_array(aunts))
        return false;
    proto_put_int64(writer, 1, total);
    proto_put_int64(writer, 2, index);
    proto_put_bytes(writer, 3, span_of(bytes, size));
    json_array_foreach(aunts, i, aunt) {
        if (!json_is_string(aunt) ||
            !text_hex_decode(bytes, &size, sizeof bytes, span_of(json_string_value(aunt), json_string_length(aunt))))
            return false;
        proto_put_bytes_always(writer, 4, span_of(bytes, size));
    }
    return !writer->overflow;
}

static bool load_proof(struct merkle_proof *proof, const json_t *json) {
    uint8_t bytes[2 * BYTES_MAX];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    memset(proof, 0, sizeof *proof);
    if (!proof_bytes(&writer, json))
        return false;
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    merkle_proof_read(proof, &reader);
    return !reader.bad;
}

static bool proof_equal(const struct merkle_proof *a, const struct merkle_proof *b) {
    return a->total == b->total && a->index == b->index && !a->malformed && !b->malformed &&
           a->leaf_hash_size == b->leaf_hash_size && memcmp(a->leaf_hash, b->leaf_hash, SHA256_BYTES) == 0 &&
           a->aunt_count == b->aunt_count && memcmp(a->aunts, b->aunts, (size_t)a->aunt_count * SHA256_BYTES) == 0;
}

/* merkle_roots_proofs */

enum { TREE_MAX = 4096 };

static void rule_leaf(uint8_t out[static SHA256_BYTES], uint64_t index) {
    uint8_t bytes[16];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_raw(&writer, span_text("leaf"));
    proto_put_varint(&writer, index);
    sha256_once(out, proto_writer_span(&writer));
}

static void fill_tree(uint8_t root[static SHA256_BYTES], uint8_t *leaf_hashes, size_t count) {
    struct merkle tree;
    uint8_t leaf[SHA256_BYTES];
    merkle_init(&tree);
    for (size_t i = 0; i < count; i++) {
        rule_leaf(leaf, i);
        merkle_leaf_hash(leaf_hashes + i * SHA256_BYTES, span_of(leaf, sizeof leaf));
        merkle_add(&tree, span_of(leaf, sizeof leaf));
    }
    merkle_root(&tree, root);
}

static bool tree_proof(const json_t *json, const struct merkle_proof *made, size_t count, const uint8_t *root) {
    struct merkle_proof given;
    uint8_t leaf[SHA256_BYTES];
    if (!load_proof(&given, json) || given.index < 0 || (size_t)given.index >= count)
        return false;
    rule_leaf(leaf, (uint64_t)given.index);
    return proof_equal(&given, &made[given.index]) && merkle_proof_check(&given) &&
           merkle_proof_verify(&given, root, span_of(leaf, sizeof leaf));
}

static bool tree_case(const json_t *item) {
    const json_t *proofs = json_object_get(item, "proofs"), *proof;
    int64_t n;
    size_t i;
    uint8_t root[SHA256_BYTES];
    if (!vectors_int64(item, "n", &n) || n < 0 || n > TREE_MAX || !json_is_array(proofs) ||
        !span_equal(vectors_text(item, "leaf_rule"), span_text("leaf i = SHA256(ascii 'leaf' || uvarint(i))")))
        return false;
    uint8_t *leaf_hashes = calloc((size_t)n + 1, SHA256_BYTES);
    struct merkle_proof *made = calloc((size_t)n + 1, sizeof *made);
    bool good = leaf_hashes != NULL && made != NULL;
    if (good) {
        fill_tree(root, leaf_hashes, (size_t)n);
        if (n > 0)
            merkle_proof_make_all(made, leaf_hashes, (size_t)n);
        good = hex_is(item, "root_hex", span_of(root, sizeof root));
        json_array_foreach(proofs, i, proof) good = good && tree_proof(proof, made, (size_t)n, root);
    }
    free(leaf_hashes);
    free(made);
    return good;
}

void vectors_merkle_roots_proofs(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, tree_case(item), "the root or a proof differs");
}

/* merkle_proof_validation */

static bool boolean(const json_t *object, const char *key, bool *out) {
    const json_t *value = json_object_get(object, key);
    *out = json_is_true(value);
    return json_is_boolean(value);
}

static bool validation_case(const json_t *item) {
    struct merkle_proof proof;
    uint8_t leaf[BYTES_MAX], root[SHA256_BYTES];
    size_t leaf_size, root_size;
    bool basic, verifies;
    if (!load_proof(&proof, json_object_get(item, "proof")) || !vectors_hex(item, "leaf_hex", leaf, &leaf_size, sizeof leaf) ||
        !vectors_hex(item, "root_hex", root, &root_size, sizeof root) || !boolean(item, "validate_basic_ok", &basic) ||
        !boolean(item, "verify_ok", &verifies))
        return false;
    bool verified = root_size == SHA256_BYTES && merkle_proof_verify(&proof, root, span_of(leaf, leaf_size));
    return merkle_proof_check(&proof) == basic && verified == verifies;
}

void vectors_merkle_proof_validation(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, validation_case(item), "another verdict on a proof");
}

/* merkle_value_op */

static void escape_key(char *out, struct span key) {
    memcpy(out, "/x:", 3);
    text_hex_upper(out + 3, key);
}

static bool value_op_verifies(const json_t *op_json, struct span key, struct span value, const uint8_t root[static SHA256_BYTES],
                              struct span data) {
    char path[TEXT_HEX_SIZE(BYTES_MAX) + 3];
    uint8_t other[SHA256_BYTES];
    struct span type = vectors_text(op_json, "type");
    struct proofop op = {.type = type, .key = key, .data = data};
    escape_key(path, key);
    memcpy(other, root, sizeof other);
    other[0] ^= 1;
    return proofop_verify(&op, 1, root, span_text(path), value) && !proofop_verify(&op, 1, other, span_text(path), value) &&
           !proofop_verify(&op, 1, root, span_text("/another key"), value) &&
           !proofop_verify(&op, 1, root, span_text(path), span_text("another value"));
}

static bool value_op_case(const json_t *item) {
    const json_t *op = json_object_get(item, "proof_op");
    uint8_t key[BYTES_MAX], value[BYTES_MAX], root[SHA256_BYTES], leaf[SHA256_BYTES], data[BYTES_MAX];
    size_t key_size, value_size, root_size;
    struct merkle_proof proof;
    struct proto_writer writer;
    if (!vectors_hex(item, "key_hex", key, &key_size, sizeof key) ||
        !vectors_hex(item, "value_hex", value, &value_size, sizeof value) ||
        !vectors_hex(item, "root_hex", root, &root_size, sizeof root) || root_size != SHA256_BYTES ||
        !load_proof(&proof, json_object_get(item, "proof")) || !hex_is(op, "key_hex", span_of(key, key_size)))
        return false;
    proofop_value_leaf(leaf, span_of(key, key_size), span_of(value, value_size));
    proto_writer_init(&writer, data, sizeof data);
    proofop_value_write(&writer, span_of(key, key_size), &proof);
    return memcmp(leaf, proof.leaf_hash, sizeof leaf) == 0 && !writer.overflow && hex_is(op, "data_hex", proto_writer_span(&writer)) &&
           value_op_verifies(op, span_of(key, key_size), span_of(value, value_size), root, proto_writer_span(&writer));
}

void vectors_merkle_value_op(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, value_op_case(item), "another leaf, encoding or verdict");
}

/* merkle_keypath: paths alone, and chains of an operator that knows one input and gives one output ("domino"). */

static bool path_case(const json_t *item) {
    struct proofop_keypath path;
    bool expected;
    if (!boolean(item, "ok", &expected) || !json_is_string(json_object_get(item, "path")))
        return false;
    bool decoded = proofop_keypath_decode(&path, vectors_text(item, "path"));
    if (decoded != expected || !decoded)
        return decoded == expected;
    const json_t *keys = json_object_get(item, "keys_hex"), *key;
    size_t i;
    bool good = json_is_array(keys) && json_array_size(keys) == path.count;
    json_array_foreach(keys, i, key) {
        char text[TEXT_HEX_SIZE(sizeof path.bytes)];
        if (i >= path.count)
            break;
        text_hex_lower(text, path.keys[i]);
        good = good && json_is_string(key) && strcmp(json_string_value(key), text) == 0;
    }
    return good;
}

/* data = input, NUL, output */
static bool run_domino(uint8_t out[static PROOFOP_RESULT_MAX], size_t *size, const struct proofop *op, struct span value) {
    size_t input = strlen((const char *)op->data.data);
    *size = op->data.size - input - 1;
    if (!span_equal(value, span_of(op->data.data, input)) || *size > PROOFOP_RESULT_MAX)
        return false;
    memcpy(out, op->data.data + input + 1, *size);
    return true;
}

static bool load_domino(struct proofop *op, char data[static 256], const json_t *json) {
    const char *key = json_string_value(json_array_get(json, 0)), *input = json_string_value(json_array_get(json, 1));
    const char *output = json_string_value(json_array_get(json, 2));
    if (json_array_size(json) != 3 || key == NULL || input == NULL || output == NULL)
        return false;
    int size = snprintf(data, 256, "%s%c%s", input, 0, output);
    *op = (struct proofop){.type = span_text("domino"), .key = span_text(key), .data = span_of(data, (size_t)size)};
    return size < 256;
}

static bool domino_case(const json_t *item) {
    static const struct proofop_operator operators[] = {{"domino", run_domino}, {NULL, NULL}};
    const json_t *json, *list = json_object_get(item, "ops");
    struct proofop ops[PROOFOP_COUNT_MAX];
    char data[PROOFOP_COUNT_MAX][256];
    bool expected;
    size_t i, count = json_array_size(list);
    if (!boolean(item, "ok", &expected) || !json_is_array(list) || count > PROOFOP_COUNT_MAX ||
        !json_is_string(json_object_get(item, "root")) || !json_is_string(json_object_get(item, "path")) ||
        !json_is_string(json_object_get(item, "value")))
        return false;
    json_array_foreach(list, i, json) {
        if (!load_domino(&ops[i], data[i], json))
            return false;
    }
    return proofop_verify_with(operators, ops, count, vectors_text(item, "root"), vectors_text(item, "path"),
                               vectors_text(item, "value")) == expected;
}

void vectors_merkle_keypath(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool is_domino = json_is_true(json_object_get(item, "domino"));
        vectors_expect(report, i, is_domino ? domino_case(item) : path_case(item), "another verdict on a key path");
    }
}

/* merlin_transcript */

static bool transcript_case(const json_t *item) {
    const json_t *appends = json_object_get(item, "appends"), *pair;
    const char *protocol = json_string_value(json_object_get(item, "protocol"));
    const char *label = json_string_value(json_object_get(item, "challenge_label"));
    int64_t n;
    uint8_t out[BYTES_MAX];
    struct merlin transcript;
    size_t i;
    if (protocol == NULL || label == NULL || !json_is_array(appends) || !vectors_int64(item, "n", &n) || n < 0 || n > BYTES_MAX)
        return false;
    merlin_init(&transcript, protocol);
    json_array_foreach(appends, i, pair) {
        const json_t *name = json_array_get(pair, 0), *message = json_array_get(pair, 1);
        if (json_array_size(pair) != 2 || !json_is_string(name) || !json_is_string(message))
            return false;
        merlin_append(&transcript, json_string_value(name), span_of(json_string_value(message), json_string_length(message)));
    }
    merlin_challenge(&transcript, label, out, (size_t)n);
    return hex_is(item, "expected_hex", span_of(out, (size_t)n));
}

void vectors_merlin_transcript(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, transcript_case(item), "another challenge");
}
