#include "crypto/proofop.h"

/* Key paths */

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool hex_pair(uint8_t *out, struct span text) {
    int high = text.size >= 2 ? hex_digit(text.data[0]) : -1, low = text.size >= 2 ? hex_digit(text.data[1]) : -1;
    *out = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    return high >= 0 && low >= 0;
}

static struct span after(struct span text, size_t size) { return span_of(text.data + size, text.size - size); }

/* Both decoders write no more bytes than the part has characters. */
static bool decode_hex_part(uint8_t *out, size_t *size, struct span part) {
    for (; part.size > 0; part = after(part, 2))
        if (!hex_pair(&out[(*size)++], part))
            return false;
    return true;
}

/* As Go's url.PathUnescape: "%XX" is a byte, everything else (also '+') stands for itself. */
static bool decode_url_part(uint8_t *out, size_t *size, struct span part) {
    while (part.size > 0) {
        bool is_escape = part.data[0] == '%';
        if (is_escape && !hex_pair(&out[*size], after(part, 1)))
            return false;
        if (!is_escape)
            out[*size] = part.data[0];
        ++*size;
        part = after(part, is_escape ? 3 : 1);
    }
    return true;
}

static bool add_key(struct proofop_keypath *path, struct span part) {
    if (path->count >= PROOFOP_KEYS_MAX || part.size > sizeof path->bytes - path->used)
        return false;
    uint8_t *out = path->bytes + path->used;
    size_t size = 0;
    bool is_hex = part.size >= 2 && part.data[0] == 'x' && part.data[1] == ':';
    if (!(is_hex ? decode_hex_part(out, &size, after(part, 2)) : decode_url_part(out, &size, part)))
        return false;
    path->keys[path->count++] = span_of(out, size);
    path->used += size;
    return true;
}

bool proofop_keypath_decode(struct proofop_keypath *path, struct span text) {
    path->count = path->used = 0;
    if (text.size == 0 || text.data[0] != '/')
        return false;
    for (struct span rest = after(text, 1);;) {
        size_t size = 0;
        while (size < rest.size && rest.data[size] != '/')
            size++;
        if (!add_key(path, span_of(rest.data, size)))
            return false;
        if (size == rest.size)
            return true;
        rest = after(rest, size + 1);
    }
}

/* ValueOp */

void proofop_value_leaf(uint8_t out[static SHA256_BYTES], struct span key, struct span value) {
    uint8_t value_hash[SHA256_BYTES], key_size[10], hash_size = SHA256_BYTES, prefix = 0;
    struct proto_writer size_writer;
    proto_writer_init(&size_writer, key_size, sizeof key_size);
    proto_put_varint(&size_writer, key.size);
    sha256_once(value_hash, value);
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, span_of(&prefix, 1));
    sha256_add(&hash, proto_writer_span(&size_writer));
    sha256_add(&hash, key);
    sha256_add(&hash, span_of(&hash_size, 1));
    sha256_add(&hash, span_of(value_hash, sizeof value_hash));
    sha256_final(&hash, out);
}

void proofop_value_write(struct proto_writer *writer, struct span key, const struct merkle_proof *proof) {
    proto_put_bytes(writer, 1, key);
    size_t mark = proto_begin(writer, 2);
    merkle_proof_write(writer, proof);
    proto_end(writer, mark);
}

static bool read_value_op(struct merkle_proof *proof, struct span data) {
    struct proto_reader reader = proto_reader_over(data);
    bool has_proof = false;
    memset(proof, 0, sizeof *proof);
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number == 1)
            proto_bytes(&reader, &field); /* the key inside is not believed: ProofOp.key is the one that counts */
        if (field.number != 2)
            continue;
        has_proof = true;
        struct proto_reader sub = proto_sub(&reader, &field);
        merkle_proof_read(proof, &sub);
        proto_join(&reader, &sub);
    }
    return has_proof && !reader.bad;
}

bool proofop_run_value(uint8_t out[static PROOFOP_RESULT_MAX], size_t *size, const struct proofop *op, struct span value) {
    struct merkle_proof proof;
    uint8_t leaf[SHA256_BYTES];
    if (!read_value_op(&proof, op->data) || !merkle_proof_check(&proof))
        return false;
    proofop_value_leaf(leaf, op->key, value);
    *size = SHA256_BYTES;
    return memcmp(leaf, proof.leaf_hash, sizeof leaf) == 0 && merkle_proof_root(&proof, out);
}

/* Chains */

static const struct proofop_operator *operator_of(const struct proofop_operator *operators, struct span type) {
    for (; operators->type != NULL; operators++)
        if (span_equal(span_text(operators->type), type))
            return operators;
    return NULL;
}

bool proofop_verify_with(const struct proofop_operator *operators, const struct proofop *ops, size_t count, struct span root,
                         struct span keypath_text, struct span value) {
    struct proofop_keypath path;
    uint8_t results[2][PROOFOP_RESULT_MAX];
    if (count > PROOFOP_COUNT_MAX || !proofop_keypath_decode(&path, keypath_text))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct proofop *op = &ops[i];
        const struct proofop_operator *kind = operator_of(operators, op->type);
        if (op->key.size != 0 && (path.count == 0 || !span_equal(path.keys[--path.count], op->key)))
            return false;
        size_t size = 0;
        if (kind == NULL || !kind->run(results[i % 2], &size, op, value))
            return false;
        value = span_of(results[i % 2], size);
    }
    return path.count == 0 && span_equal(value, root);
}

bool proofop_verify(const struct proofop *ops, size_t count, const uint8_t root[static SHA256_BYTES],
                    struct span keypath_text, struct span value) {
    static const struct proofop_operator operators[] = {{"simple:v", proofop_run_value}, {NULL, NULL}};
    return proofop_verify_with(operators, ops, count, span_of(root, SHA256_BYTES), keypath_text, value);
}
