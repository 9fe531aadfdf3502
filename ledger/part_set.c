/* All hashes of the parts' tree lie in one array in pre-order: a subtree of n leaves takes 2n − 1 places, its root first, its left
 * child next to it. A received part's proof fills the places of its path and its aunts, so that every proof we can give costs
 * 64 bytes a part, not 3 kB. */
#include "ledger/part_set.h"

#include <assert.h>
#include <stdlib.h>

struct part_set {
    uint32_t holders;
    struct part_header header;
    struct bit_array has;
    uint32_t count;     /* of parts held */
    size_t size;        /* of the parts held */
    struct blob *bytes; /* NULL until the first part is proven */
    uint8_t (*nodes)[SHA256_BYTES];
};

const char *part_verdict_text(enum part_verdict verdict) {
    switch (verdict) {
    case PART_GOOD: return "good";
    case PART_KNOWN: return "known already";
    case PART_BAD_INDEX: return "index beyond the total";
    case PART_BAD_SIZE: return "wrong size";
    case PART_BAD_PROOF: return "invalid proof";
    }
    return "?";
}

static size_t node_count(uint32_t total) { return total == 0 ? 0 : 2 * (size_t)total - 1; }

static uint32_t left_leaves(uint32_t leaves) { return 1u << (31 - __builtin_clz(leaves - 1)); }

/* The places from the root down to a leaf's aunts and the leaf itself. Returns how many forks there are. */
struct path {
    size_t forks;
    size_t aunts[32], steps[32]; /* of each fork: the aunt's place and the place we go on to */
};

static void path_find(struct path *path, uint32_t total, uint32_t index) {
    size_t place = 0;
    path->forks = 0;
    while (total > 1) {
        uint32_t left = left_leaves(total);
        size_t left_place = place + 1, right_place = place + 2 * (size_t)left;
        bool is_left = index < left;
        path->aunts[path->forks] = is_left ? right_place : left_place;
        place = is_left ? left_place : right_place;
        path->steps[path->forks++] = place;
        index = is_left ? index : index - left;
        total = is_left ? left : total - left;
    }
}

static struct span piece(const struct blob *bytes, uint32_t index) {
    size_t from = (size_t)index * PARAMS_PART_BYTES, left = bytes->size - from;
    return span_of(bytes->data + from, left < PARAMS_PART_BYTES ? left : PARAMS_PART_BYTES);
}

static void hash_subtree(uint8_t (*nodes)[SHA256_BYTES], const struct blob *bytes, uint32_t first, uint32_t leaves) {
    if (leaves == 1) {
        merkle_leaf_hash(nodes[0], piece(bytes, first));
        return;
    }
    uint32_t left = left_leaves(leaves);
    hash_subtree(nodes + 1, bytes, first, left);
    hash_subtree(nodes + 2 * (size_t)left, bytes, first + left, leaves - left);
    merkle_inner_hash(nodes[0], nodes[1], nodes[2 * (size_t)left]);
}

static struct part_set *set_new(uint32_t total) {
    struct part_set *set = calloc(1, sizeof *set);
    assert(set != NULL);
    set->holders = 1;
    set->header.total = total;
    bit_array_init(&set->has);
    bit_array_resize(&set->has, total);
    return set;
}

static void nodes_make(struct part_set *set) {
    set->nodes = malloc(node_count(set->header.total) * sizeof *set->nodes);
    assert(set->nodes != NULL);
}

struct part_set *part_set_of(struct blob *bytes) {
    size_t total = (bytes->size + PARAMS_PART_BYTES - 1) / PARAMS_PART_BYTES;
    assert(total <= BIT_ARRAY_BITS_MAX);
    struct part_set *set = set_new((uint32_t)total);
    set->bytes = blob_hold(bytes);
    set->count = (uint32_t)total;
    set->size = bytes->size;
    for (uint32_t i = 0; i < total; i++)
        bit_array_set(&set->has, i, true);
    set->header.hash.size = SHA256_BYTES;
    if (total == 0) {
        sha256_once(set->header.hash.bytes, span_of(NULL, 0));
        return set;
    }
    nodes_make(set);
    hash_subtree(set->nodes, bytes, 0, (uint32_t)total);
    memcpy(set->header.hash.bytes, set->nodes[0], SHA256_BYTES);
    return set;
}

struct part_set *part_set_new(const struct part_header *header) {
    if (header->total == 0 || header->total > PART_SET_TOTAL_MAX)
        return NULL;
    struct part_set *set = set_new(header->total);
    set->header = *header;
    return set;
}

struct part_set *part_set_hold(struct part_set *set) {
    assert(set->holders > 0);
    set->holders++;
    return set;
}

void part_set_release(struct part_set *set) {
    if (set == NULL || --set->holders > 0)
        return;
    bit_array_close(&set->has);
    blob_release(set->bytes);
    free(set->nodes);
    free(set);
}

enum part_verdict part_check(const struct part *part) {
    if (part->bytes.size > PARAMS_PART_BYTES)
        return PART_BAD_SIZE;
    if ((int64_t)part->index < part->proof.total - 1 && part->bytes.size != PARAMS_PART_BYTES)
        return PART_BAD_SIZE;
    if ((int64_t)part->index != part->proof.index || !merkle_proof_check(&part->proof))
        return PART_BAD_PROOF;
    return PART_GOOD;
}

/* The room for the whole is asked for once a part is proven to be of it. Pages that no part touches cost nothing. */
static void keep_bytes(struct part_set *set, const struct part *part) {
    if (set->bytes == NULL) {
        set->bytes = blob_reserve(set->header.total == 1 ? part->bytes.size : (size_t)set->header.total * PARAMS_PART_BYTES);
        nodes_make(set);
    }
    if (part->bytes.size > 0)
        memcpy(set->bytes->data + (size_t)part->index * PARAMS_PART_BYTES, part->bytes.data, part->bytes.size);
    set->size += part->bytes.size;
    set->count++;
    bit_array_set(&set->has, part->index, true);
    if (set->count == set->header.total)
        set->bytes->size = set->size;
}

static void keep_proof(struct part_set *set, const struct merkle_proof *proof, uint32_t index) {
    struct path path;
    path_find(&path, set->header.total, index);
    assert(path.forks == proof->aunt_count);
    for (size_t i = 0; i < path.forks; i++)
        memcpy(set->nodes[path.aunts[path.forks - 1 - i]], proof->aunts[i], SHA256_BYTES);
    memcpy(set->nodes[path.forks == 0 ? 0 : path.steps[path.forks - 1]], proof->leaf_hash, SHA256_BYTES);
}

enum part_verdict part_set_add(struct part_set *set, const struct part *part, int64_t bytes_max) {
    if (part->index >= set->header.total)
        return PART_BAD_INDEX;
    if (bit_array_get(&set->has, part->index))
        return PART_KNOWN;
    enum part_verdict verdict = part_check(part);
    if (verdict != PART_GOOD)
        return verdict;
    /* A whole that cannot fit is not begun: its total would only make us reserve. */
    if ((int64_t)(set->header.total - 1) * PARAMS_PART_BYTES > bytes_max ||
        (int64_t)(set->size + part->bytes.size) > bytes_max)
        return PART_BAD_SIZE;
    if (part->proof.total != (int64_t)set->header.total || set->header.hash.size != SHA256_BYTES ||
        !merkle_proof_verify(&part->proof, set->header.hash.bytes, part->bytes))
        return PART_BAD_PROOF;
    keep_bytes(set, part);
    keep_proof(set, &part->proof, part->index);
    return PART_GOOD;
}

const struct part_header *part_set_header(const struct part_set *set) { return &set->header; }

const struct bit_array *part_set_has(const struct part_set *set) { return &set->has; }

bool part_set_is_complete(const struct part_set *set) { return set->count == set->header.total; }

struct blob *part_set_bytes(struct part_set *set) { return part_set_is_complete(set) ? set->bytes : NULL; }

/* The last part's size is known only from the whole, or from itself when it came alone. */
static size_t part_size(const struct part_set *set, uint32_t index) {
    if (index + 1 < set->header.total)
        return PARAMS_PART_BYTES;
    return set->size - (size_t)(set->count - 1) * PARAMS_PART_BYTES;
}

bool part_set_get(struct part_set *set, struct part *out, uint32_t index) {
    if (!bit_array_get(&set->has, index))
        return false;
    struct path path;
    path_find(&path, set->header.total, index);
    out->index = index;
    out->bytes = span_of(set->bytes->data + (size_t)index * PARAMS_PART_BYTES, part_size(set, index));
    struct merkle_proof *proof = &out->proof;
    proof->total = set->header.total;
    proof->index = index;
    proof->leaf_hash_size = SHA256_BYTES;
    proof->malformed = false;
    proof->aunt_count = (uint8_t)path.forks;
    memcpy(proof->leaf_hash, set->nodes[path.forks == 0 ? 0 : path.steps[path.forks - 1]], SHA256_BYTES);
    for (size_t i = 0; i < path.forks; i++)
        memcpy(proof->aunts[i], set->nodes[path.aunts[path.forks - 1 - i]], SHA256_BYTES);
    return true;
}

void part_write(struct proto_writer *writer, const struct part *part) {
    proto_put_uint64(writer, 1, part->index);
    proto_put_bytes(writer, 2, part->bytes);
    size_t mark = proto_begin(writer, 3);
    merkle_proof_write(writer, &part->proof);
    proto_end(writer, mark);
}

void part_read(struct part *part, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        struct proto_reader sub;
        switch (field.number) {
        case 1: part->index = proto_uint32(reader, &field); break;
        case 2: part->bytes = proto_bytes(reader, &field); break;
        case 3:
            sub = proto_sub(reader, &field);
            merkle_proof_read(&part->proof, &sub);
            proto_join(reader, &sub);
            break;
        }
    }
}
