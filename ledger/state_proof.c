#include "ledger/state_proof.h"

#include <assert.h>

#include "crypto/text.h"
#include "ledger/codes.h"

enum { ICS23_SHA256 = 1, KEY_MAX = 512 };

/* ---- ics23:smt */

static void write_leaf_op(struct proto_writer *writer) {
    size_t mark = proto_begin(writer, 3);
    proto_put_uint64(writer, 1, ICS23_SHA256);
    proto_put_uint64(writer, 2, ICS23_SHA256);
    proto_put_uint64(writer, 3, ICS23_SHA256);
    proto_put_bytes_always(writer, 5, span_of("\0", 1));
    proto_end(writer, mark);
}

static unsigned bit_of(const uint8_t *path, uint32_t bit) { return path[bit / 8] >> (7 - bit % 8) & 1; }

static void write_inner_op(struct proto_writer *writer, const uint8_t *side, bool is_right) {
    uint8_t prefix[1 + SMT_BYTES] = {1};
    memcpy(prefix + 1, side, SMT_BYTES);
    size_t mark = proto_begin(writer, 4);
    proto_put_uint64(writer, 1, ICS23_SHA256);
    proto_put_bytes(writer, 2, span_of(prefix, is_right ? sizeof prefix : 1));
    proto_put_bytes(writer, 3, span_of(side, is_right ? 0 : SMT_BYTES));
    proto_end(writer, mark);
}

static void write_existence(struct proto_writer *writer, const struct smt_proof *proof, struct span key, struct span value) {
    size_t mark = proto_begin(writer, 1);
    proto_put_bytes(writer, 1, key);
    proto_put_bytes(writer, 2, value);
    write_leaf_op(writer);
    for (uint32_t depth = proof->depth; depth-- > 0;)
        write_inner_op(writer, proof->sides[depth], bit_of(proof->path, depth));
    proto_end(writer, mark);
}

struct existence {
    struct span key, value;
    bool has_leaf;
    uint32_t inner_count;
    uint8_t inner_right[SMT_DEPTH_MAX]; /* from the leaf up */
    uint8_t sides[SMT_DEPTH_MAX][SMT_BYTES];
};

static bool read_leaf_op(struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    uint64_t numbers[5] = {0};
    struct span prefix = {0};
    while (proto_next(&reader, &field)) {
        if (field.number >= 1 && field.number <= 4)
            numbers[field.number] = proto_uint64(&reader, &field);
        else if (field.number == 5)
            prefix = proto_bytes(&reader, &field);
    }
    return !reader.bad && numbers[1] == ICS23_SHA256 && numbers[2] == ICS23_SHA256 && numbers[3] == ICS23_SHA256 && numbers[4] == 0 &&
           prefix.size == 1 && prefix.data[0] == 0;
}

/* A left child has its sibling behind it, a right one before it; anything else is no step of this tree. */
static bool read_inner_op(struct existence *existence, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    uint64_t hash = 0;
    struct span prefix = {0}, suffix = {0};
    while (proto_next(&reader, &field)) {
        if (field.number == 1)
            hash = proto_uint64(&reader, &field);
        else if (field.number == 2)
            prefix = proto_bytes(&reader, &field);
        else if (field.number == 3)
            suffix = proto_bytes(&reader, &field);
    }
    bool is_right = prefix.size == 1 + SMT_BYTES && suffix.size == 0, is_left = prefix.size == 1 && suffix.size == SMT_BYTES;
    if (reader.bad || hash != ICS23_SHA256 || !(is_left || is_right) || prefix.data[0] != 1 || existence->inner_count == SMT_DEPTH_MAX)
        return false;
    memcpy(existence->sides[existence->inner_count], is_right ? prefix.data + 1 : suffix.data, SMT_BYTES);
    existence->inner_right[existence->inner_count++] = is_right;
    return true;
}

static bool read_existence(struct existence *existence, struct span bytes) {
    struct proto_reader outer = proto_reader_over(bytes);
    struct proto_field field;
    struct span inside = {0};
    while (proto_next(&outer, &field))
        if (field.number == 1)
            inside = proto_bytes(&outer, &field);
    struct proto_reader reader = proto_reader_over(inside);
    bool good = true;
    while (good && proto_next(&reader, &field)) {
        switch (field.number) {
        case 1: existence->key = proto_bytes(&reader, &field); break;
        case 2: existence->value = proto_bytes(&reader, &field); break;
        case 3: existence->has_leaf = good = read_leaf_op(proto_bytes(&reader, &field)); break;
        case 4: good = read_inner_op(existence, proto_bytes(&reader, &field)); break;
        }
    }
    return good && !outer.bad && !reader.bad && existence->has_leaf;
}

/* The sides must be those of the key's own path: else a proof of one leaf would serve for a key elsewhere. */
static bool to_proof(struct smt_proof *proof, const struct existence *existence, struct span key, struct span value) {
    sha256_once(proof->path, key);
    sha256_once(proof->value, value);
    proof->end = SMT_END_KEY;
    proof->depth = existence->inner_count;
    for (uint32_t i = 0; i < existence->inner_count; i++) {
        uint32_t depth = existence->inner_count - 1 - i;
        if (bit_of(proof->path, depth) != existence->inner_right[i])
            return false;
        memcpy(proof->sides[depth], existence->sides[i], SMT_BYTES);
    }
    return true;
}

static bool run_exists(uint8_t out[static PROOFOP_RESULT_MAX], size_t *size, const struct proofop *op, struct span value) {
    struct existence existence = {0};
    struct smt_proof proof;
    *size = SMT_BYTES;
    return value.size > 0 && read_existence(&existence, op->data) && span_equal(existence.key, op->key) && span_equal(existence.value, value) &&
           to_proof(&proof, &existence, op->key, value) && smt_proof_root(&proof, out, op->key);
}

/* ---- quorate:absent */

static void write_absence(struct proto_writer *writer, const struct smt_proof *proof) {
    static const uint8_t nothing[SMT_BYTES];
    for (uint32_t depth = 0; depth < proof->depth; depth++) {
        bool is_empty = memcmp(proof->sides[depth], nothing, SMT_BYTES) == 0;
        proto_put_bytes_always(writer, 1, span_of(proof->sides[depth], is_empty ? 0 : SMT_BYTES));
    }
    if (proof->end == SMT_END_OTHER) {
        proto_put_bytes(writer, 2, span_of(proof->path, SMT_BYTES));
        proto_put_bytes(writer, 3, span_of(proof->value, SMT_BYTES));
    }
}

static bool read_side(struct smt_proof *proof, struct span side) {
    if (proof->depth == SMT_DEPTH_MAX || (side.size != 0 && side.size != SMT_BYTES))
        return false;
    memset(proof->sides[proof->depth], 0, SMT_BYTES);
    if (side.size > 0)
        memcpy(proof->sides[proof->depth], side.data, SMT_BYTES);
    proof->depth++;
    return true;
}

static bool read_absence(struct smt_proof *proof, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    bool good = true, has_path = false, has_value = false;
    proof->depth = 0;
    while (good && proto_next(&reader, &field)) {
        struct span part = field.number <= 3 ? proto_bytes(&reader, &field) : span_of(NULL, 0);
        if (field.number == 1) {
            good = read_side(proof, part);
        } else if (field.number <= 3) {
            *(field.number == 2 ? &has_path : &has_value) = good = part.size == SMT_BYTES;
            if (good)
                memcpy(field.number == 2 ? proof->path : proof->value, part.data, SMT_BYTES);
        }
    }
    proof->end = has_path ? SMT_END_OTHER : SMT_END_NOTHING;
    return good && !reader.bad && has_path == has_value;
}

static bool run_absent(uint8_t out[static PROOFOP_RESULT_MAX], size_t *size, const struct proofop *op, struct span value) {
    struct smt_proof proof;
    *size = SMT_BYTES;
    return value.size == 0 && read_absence(&proof, op->data) && smt_proof_root(&proof, out, op->key);
}

/* ---- both */

const struct proofop_operator state_proof_operators[] = {
    {STATE_PROOF_EXISTS, run_exists}, {STATE_PROOF_ABSENT, run_absent}, {"simple:v", proofop_run_value}, {NULL, NULL}};

static void write_keypath(char *out, struct span store, struct span key) {
    out[0] = '/';
    memcpy(out + 1, store.data, store.size);
    memcpy(out + 1 + store.size, "/x:", 3);
    text_hex_upper(out + 4 + store.size, key);
}

bool state_proof_verify(const struct proofop *ops, size_t count, struct span app_hash, struct span store, struct span key, struct span value) {
    char path[8 + 64 + TEXT_HEX_SIZE(KEY_MAX)];
    if (store.size == 0 || store.size > 64 || key.size == 0 || key.size > KEY_MAX || count != 2)
        return false;
    write_keypath(path, store, key);
    return proofop_verify_with(state_proof_operators, ops, count, app_hash, span_text(path), value);
}

/* ---- answering */

static bool take_written(struct span *out, struct arena *arena, void (*write)(struct proto_writer *, const void *), const void *what) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write(&writer, what);
    size_t size = writer.size;
    uint8_t *place = arena_take(arena, size, 1);
    if (place == NULL)
        return false;
    proto_writer_init(&writer, place, size);
    write(&writer, what);
    *out = proto_writer_span(&writer);
    return true;
}

struct shown {
    const struct smt_proof *proof;
    struct span key, value;
};

static void write_shown(struct proto_writer *writer, const void *context) {
    const struct shown *shown = context;
    if (shown->proof->end != SMT_END_KEY) {
        write_absence(writer, shown->proof);
        return;
    }
    write_existence(writer, shown->proof, shown->key, shown->value);
}

struct store_shown {
    struct span name;
    struct merkle_proof proof;
};

static void write_store(struct proto_writer *writer, const void *context) {
    const struct store_shown *shown = context;
    proofop_value_write(writer, shown->name, &shown->proof);
}

static bool prove(const struct stores *stores, unsigned store, struct abci_answer *out, struct arena *arena) {
    struct smt_proof *proof = arena_take(arena, 1, sizeof *proof);
    struct store_shown *above = arena_take(arena, 1, sizeof *above);
    struct abci_proof_op *ops = arena_take(arena, 2, sizeof *ops);
    if (proof == NULL || above == NULL || ops == NULL)
        return false;
    smt_prove(&stores->trees[store], proof, out->key);
    assert((proof->end == SMT_END_KEY) == (out->value.size > 0));
    above->name = span_text(stores_name(store));
    stores_prove(stores, &above->proof, store);
    const struct shown shown = {proof, out->key, out->value};
    ops[0] = (struct abci_proof_op){.type = span_text(proof->end == SMT_END_KEY ? STATE_PROOF_EXISTS : STATE_PROOF_ABSENT), .key = out->key};
    ops[1] = (struct abci_proof_op){.type = span_text("simple:v"), .key = above->name};
    out->proofs = ops;
    out->proof_count = 2;
    return take_written(&ops[0].data, arena, write_shown, &shown) && take_written(&ops[1].data, arena, write_store, above);
}

static bool store_of_path(unsigned *store, struct span path) {
    for (unsigned i = 0; i < STORES_COUNT; i++) {
        char text[64] = STATE_PROOF_PATH;
        strcat(text, stores_name(i));
        strcat(text, "/key");
        *store = i;
        if (span_equal(path, span_text(text)))
            return true;
    }
    return false;
}

static void refuse(struct abci_answer *out, enum codes code, const char *why) {
    *out = (struct abci_answer){.code = code, .codespace = span_text(CODES_CODESPACE), .log = span_text(why), .height = out->height};
}

static bool read_value(struct overlay *committed, unsigned store, struct abci_answer *out, struct arena *arena) {
    uint8_t place[KEY_MAX + 16] = "s/";
    size_t size = 2, name = strlen(stores_name(store));
    memcpy(place + size, stores_name(store), name);
    size += name;
    place[size++] = '/';
    memcpy(place + size, out->key.data, out->key.size);
    struct span value = overlay_get(committed, span_of(place, size + out->key.size));
    return value.data == NULL || arena_copy(arena, &out->value, value);
}

void state_proof_answer(const struct stores *stores, struct overlay *committed, struct abci_answer *out, const struct abci_query *question,
                        struct arena *arena) {
    unsigned store;
    *out = (struct abci_answer){.height = out->height};
    if (!store_of_path(&store, question->path))
        return refuse(out, CODES_BAD_PATH, "unknown store: /store/NAME/key with NAME one of acc, bank, gov, rec, role, sys, val is wanted");
    if (question->data.size == 0 || question->data.size > KEY_MAX)
        return refuse(out, CODES_PARSE, "a key of 1 to 512 bytes is wanted as data");
    if (!arena_copy(arena, &out->key, question->data) || !read_value(committed, store, out, arena) ||
        (question->prove && !prove(stores, store, out, arena)))
        refuse(out, CODES_INTERNAL, "the answer is too large");
}
