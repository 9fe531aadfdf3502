/* Trees over an input's leaves: the streaming root, the proofs one by one and all at once agree, and no altered proof leads to the root. Proofs as
 * bytes; chains of proof operators and their key paths. */
#include "tests/fuzz/fuzz.h"

#include "crypto/proofop.h"

enum { LEAVES_MAX = 40 };

static void tree(struct fuzz *fuzz) {
    static struct merkle merkle;
    static struct merkle_proof all[LEAVES_MAX], one;
    static uint8_t leaves[LEAVES_MAX][SHA256_BYTES];
    struct span items[LEAVES_MAX];
    uint8_t root[SHA256_BYTES];
    size_t count = 0, victim = fuzz_byte(fuzz), bit = fuzz_number(fuzz, 2);
    merkle_init(&merkle);
    while (fuzz->at < fuzz->end && count < LEAVES_MAX) {
        items[count] = fuzz_copy(span_of(fuzz->at, 1));
        fuzz->at++;
        merkle_add(&merkle, items[count]);
        merkle_leaf_hash(leaves[count], items[count]);
        count++;
    }
    merkle_root(&merkle, root);
    if (count == 0)
        return;
    merkle_proof_make_all(all, leaves[0], count);
    for (size_t i = 0; i < count; i++) {
        merkle_proof_make(&one, leaves[0], count, i);
        assert(one.aunt_count == all[i].aunt_count && memcmp(one.aunts, all[i].aunts, one.aunt_count * sizeof one.aunts[0]) == 0);
        assert(merkle_proof_check(&one) && merkle_proof_verify(&one, root, items[i]));
    }
    one = all[victim % count];
    if (one.aunt_count > 0) {
        one.aunts[bit / 256 % one.aunt_count][bit / 8 % 32] ^= (uint8_t)(1 << bit % 8);
        assert(!merkle_proof_verify(&one, root, items[victim % count]));
    }
}

static bool read(struct merkle_proof *proof, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    *proof = (struct merkle_proof){0};
    merkle_proof_read(proof, &reader);
    return !reader.bad;
}

static void encoding(struct span bytes) {
    static struct merkle_proof proof, again;
    uint8_t root[SHA256_BYTES];
    if (!read(&proof, bytes))
        return;
    merkle_proof_check(&proof);
    if (proof.malformed) {
        assert(!merkle_proof_root(&proof, root));
        return;
    }
    FUZZ_WRITE(first, merkle_proof_write(&first, &proof));
    assert(read(&again, proto_writer_span(&first)));
    FUZZ_WRITE(second, merkle_proof_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    assert(!merkle_proof_check(&proof) || merkle_proof_check(&again));
    merkle_leaf_hash(proof.leaf_hash, span_text("item"));
    proof.leaf_hash_size = SHA256_BYTES;
    if (merkle_proof_root(&proof, root) && merkle_proof_check(&proof))
        assert(merkle_proof_verify(&proof, root, span_text("item")));
}

static void keypath(struct span text) {
    static struct proofop_keypath path;
    if (!proofop_keypath_decode(&path, text))
        return;
    assert(path.count > 0 && path.count <= PROOFOP_KEYS_MAX && path.used <= sizeof path.bytes);
    for (size_t i = 0; i < path.count; i++)
        assert(path.keys[i].size == 0 || (path.keys[i].data >= path.bytes && path.keys[i].data + path.keys[i].size <= path.bytes + path.used));
}

static bool join(uint8_t out[static PROOFOP_RESULT_MAX], size_t *size, const struct proofop *op, struct span value) { /* value ‖ data, if it fits */
    if (value.size + op->data.size > PROOFOP_RESULT_MAX)
        return false;
    uint8_t both[PROOFOP_RESULT_MAX];
    if (value.size > 0)
        memcpy(both, value.data, value.size);
    if (op->data.size > 0)
        memcpy(both + value.size, op->data.data, op->data.size);
    *size = value.size + op->data.size;
    memcpy(out, both, *size);
    return true;
}

static void chain(struct fuzz *fuzz) {
    static const struct proofop_operator operators[] = {{"join", join}, {NULL, NULL}};
    struct proofop ops[PROOFOP_COUNT_MAX + 1];
    size_t count = fuzz_byte(fuzz) % (PROOFOP_COUNT_MAX + 2);
    uint8_t choice = fuzz_byte(fuzz);
    struct span path = fuzz_piece(fuzz), value = fuzz_piece(fuzz), root = fuzz_piece(fuzz);
    for (size_t i = 0; i < count; i++) {
        struct span key = fuzz_piece(fuzz), data = fuzz_piece(fuzz);
        ops[i] = (struct proofop){choice >> i % 8 & 1 ? span_text("join") : span_text("simple:v"), key, data};
    }
    if (root.size == SHA256_BYTES)
        proofop_verify(ops, count, root.data, path, value);
    proofop_verify_with(operators, ops, count, root, path, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    switch (fuzz_byte(&fuzz)) {
    case 0: tree(&fuzz); break;
    case 1: encoding(fuzz_rest(&fuzz)); break;
    case 2: keypath(fuzz_rest(&fuzz)); break;
    case 3: chain(&fuzz); break;
    }
    fuzz_end();
    return 0;
}
