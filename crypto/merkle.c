#include "crypto/merkle.h"

#include <assert.h>
#include <stdlib.h>

enum { PREFIX_LEAF = 0, PREFIX_INNER = 1 };

void merkle_leaf_hash(uint8_t out[static SHA256_BYTES], struct span item) {
    sha256_prefixed(out, PREFIX_LEAF, item, span_of(NULL, 0));
}

void merkle_inner_hash(uint8_t out[static SHA256_BYTES], const uint8_t left[static SHA256_BYTES],
                       const uint8_t right[static SHA256_BYTES]) {
    sha256_prefixed(out, PREFIX_INNER, span_of(left, SHA256_BYTES), span_of(right, SHA256_BYTES));
}

/* Streaming: the stack holds one root per set bit of `count`, the tallest tree at the bottom. */

void merkle_init(struct merkle *tree) { tree->count = 0; }

void merkle_add_leaf_hash(struct merkle *tree, const uint8_t leaf[static SHA256_BYTES]) {
    assert(tree->count < UINT64_MAX);
    size_t top = (size_t)__builtin_popcountll(tree->count);
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, leaf, sizeof hash);
    for (uint64_t full = tree->count; full & 1; full >>= 1)
        merkle_inner_hash(hash, tree->stack[--top], hash);
    memcpy(tree->stack[top], hash, sizeof hash);
    tree->count++;
}

void merkle_add(struct merkle *tree, struct span item) {
    uint8_t leaf[SHA256_BYTES];
    merkle_leaf_hash(leaf, item);
    merkle_add_leaf_hash(tree, leaf);
}

void merkle_root(const struct merkle *tree, uint8_t out[static SHA256_BYTES]) {
    if (tree->count == 0) {
        sha256_once(out, span_of(NULL, 0));
        return;
    }
    size_t at = (size_t)__builtin_popcountll(tree->count) - 1;
    memcpy(out, tree->stack[at], SHA256_BYTES);
    while (at > 0)
        merkle_inner_hash(out, tree->stack[--at], out);
}

/* Proofs. Splitting at the largest power of two below n gives the same tree as pairing neighbours level by level and
 * letting an odd last node rise unpaired. */

static void pair_level(uint8_t *parents, const uint8_t *nodes, size_t count) {
    for (size_t i = 0; i + 1 < count; i += 2)
        merkle_inner_hash(parents + i / 2 * SHA256_BYTES, nodes + i * SHA256_BYTES, nodes + (i + 1) * SHA256_BYTES);
    if (count % 2 != 0)
        memcpy(parents + count / 2 * SHA256_BYTES, nodes + (count - 1) * SHA256_BYTES, SHA256_BYTES);
}

/* The proofs of `proof_count` leaves from `first` on. One level's nodes are alive at a time. */
static void make_proofs(struct merkle_proof *proofs, size_t first, size_t proof_count, const uint8_t *leaf_hashes,
                        size_t count) {
    assert(count > 0 && count <= SIZE_MAX / SHA256_BYTES);
    assert(first < count && proof_count <= count - first);
    for (size_t p = 0; p < proof_count; p++) {
        struct merkle_proof *proof = &proofs[p];
        proof->total = (int64_t)count;
        proof->index = (int64_t)(first + p);
        proof->leaf_hash_size = SHA256_BYTES;
        proof->aunt_count = 0;
        proof->malformed = false;
        memcpy(proof->leaf_hash, leaf_hashes + (first + p) * SHA256_BYTES, SHA256_BYTES);
    }
    uint8_t *parents = malloc((count + 1) / 2 * SHA256_BYTES);
    assert(parents != NULL);
    const uint8_t *nodes = leaf_hashes;
    for (unsigned level = 0; count > 1; level++) {
        for (size_t p = 0; p < proof_count; p++) {
            size_t sibling = (first + p) >> level ^ 1;
            if (sibling < count)
                memcpy(proofs[p].aunts[proofs[p].aunt_count++], nodes + sibling * SHA256_BYTES, SHA256_BYTES);
        }
        pair_level(parents, nodes, count); /* in place from the second level on: a parent never passes its children */
        nodes = parents;
        count = (count + 1) / 2;
    }
    free(parents);
}

void merkle_proof_make(struct merkle_proof *proof, const uint8_t *leaf_hashes, size_t count, size_t index) {
    make_proofs(proof, index, 1, leaf_hashes, count);
}

void merkle_proof_make_all(struct merkle_proof *proofs, const uint8_t *leaf_hashes, size_t count) {
    make_proofs(proofs, 0, count, leaf_hashes, count);
}

bool merkle_proof_check(const struct merkle_proof *proof) {
    return proof->total >= 0 && proof->index >= 0 && proof->leaf_hash_size == SHA256_BYTES && !proof->malformed;
}

static uint64_t split_point(uint64_t total) { return UINT64_C(1) << (63 - __builtin_clzll(total - 1)); }

/* Which side the path takes at each fork, from the root down. Returns the number of forks. */
static size_t path_to(bool went_left[static 64], uint64_t index, uint64_t total) {
    size_t forks = 0;
    while (total > 1) {
        uint64_t left = split_point(total);
        bool is_left = index < left;
        went_left[forks++] = is_left;
        index = is_left ? index : index - left;
        total = is_left ? left : total - left;
    }
    return forks;
}

bool merkle_proof_root(const struct merkle_proof *proof, uint8_t out[static SHA256_BYTES]) {
    if (!merkle_proof_check(proof) || proof->index >= proof->total)
        return false;
    bool went_left[64];
    size_t forks = path_to(went_left, (uint64_t)proof->index, (uint64_t)proof->total);
    if (forks != proof->aunt_count)
        return false;
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, proof->leaf_hash, sizeof hash);
    for (size_t i = 0; i < forks; i++) {
        bool is_left = went_left[forks - 1 - i];
        merkle_inner_hash(hash, is_left ? hash : proof->aunts[i], is_left ? proof->aunts[i] : hash);
    }
    memcpy(out, hash, sizeof hash);
    return true;
}

bool merkle_proof_verify(const struct merkle_proof *proof, const uint8_t root[static SHA256_BYTES], struct span item) {
    uint8_t hash[SHA256_BYTES];
    merkle_leaf_hash(hash, item);
    return proof->leaf_hash_size == SHA256_BYTES && memcmp(hash, proof->leaf_hash, SHA256_BYTES) == 0 &&
           merkle_proof_root(proof, hash) && memcmp(hash, root, SHA256_BYTES) == 0;
}

void merkle_proof_write(struct proto_writer *writer, const struct merkle_proof *proof) {
    size_t leaf_size = proof->leaf_hash_size < SHA256_BYTES ? proof->leaf_hash_size : SHA256_BYTES;
    proto_put_int64(writer, 1, proof->total);
    proto_put_int64(writer, 2, proof->index);
    proto_put_bytes(writer, 3, span_of(proof->leaf_hash, leaf_size));
    for (size_t i = 0; i < proof->aunt_count; i++)
        proto_put_bytes_always(writer, 4, span_of(proof->aunts[i], SHA256_BYTES));
}

static void read_leaf_hash(struct merkle_proof *proof, struct span bytes) {
    proof->leaf_hash_size = (uint8_t)(bytes.size < UINT8_MAX ? bytes.size : UINT8_MAX);
    if (bytes.size == SHA256_BYTES)
        memcpy(proof->leaf_hash, bytes.data, SHA256_BYTES);
    else
        memset(proof->leaf_hash, 0, SHA256_BYTES);
}

static void read_aunt(struct merkle_proof *proof, struct span bytes) {
    if (bytes.size != SHA256_BYTES || proof->aunt_count >= MERKLE_AUNTS_MAX)
        proof->malformed = true;
    else
        memcpy(proof->aunts[proof->aunt_count++], bytes.data, SHA256_BYTES);
}

void merkle_proof_read(struct merkle_proof *proof, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: proof->total = proto_int64(reader, &field); break;
        case 2: proof->index = proto_int64(reader, &field); break;
        case 3: read_leaf_hash(proof, proto_bytes(reader, &field)); break;
        case 4: read_aunt(proof, proto_bytes(reader, &field)); break;
        }
    }
}
