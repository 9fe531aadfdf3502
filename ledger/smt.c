#include "ledger/smt.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

enum { CHUNK_ITEMS = 1024, BITS = 8 * SMT_BYTES };

/* A node is named by a number: 0 nothing, else an index + 1, with the top bit for leaves. */
#define NOTHING  0u
#define LEAF_BIT 0x80000000u

struct leaf {
    uint8_t path[SMT_BYTES];
    uint8_t value[SMT_BYTES]; /* not the leaf's own hash: a proof that a key is absent shows this */
};

struct fork { /* two subtrees that part at `bit`, both non-empty; the hash is that of the node at depth `bit` */
    uint8_t hash[SMT_BYTES];
    uint32_t sides[2];
    uint32_t bit;
};

/* ---- pools */

static void pool_init(struct smt_pool *pool, size_t item_size) { *pool = (struct smt_pool){.item_size = (uint32_t)item_size}; }

static void pool_close(struct smt_pool *pool) {
    for (uint32_t i = 0; i < pool->chunk_count; i++)
        free(pool->chunks[i]);
    free(pool->chunks);
    pool_init(pool, pool->item_size);
}

static void *pool_at(const struct smt_pool *pool, uint32_t number) {
    uint32_t index = number - 1;
    return pool->chunks[index / CHUNK_ITEMS] + (size_t)(index % CHUNK_ITEMS) * pool->item_size;
}

static void pool_grow(struct smt_pool *pool) {
    if ((pool->chunk_count & (pool->chunk_count - 1)) == 0) { /* at powers of two the list doubles */
        size_t capacity = pool->chunk_count == 0 ? 1 : 2 * (size_t)pool->chunk_count;
        pool->chunks = realloc(pool->chunks, capacity * sizeof(uint8_t *));
    }
    assert(pool->chunks != NULL);
    pool->chunks[pool->chunk_count] = malloc((size_t)CHUNK_ITEMS * pool->item_size);
    assert(pool->chunks[pool->chunk_count] != NULL);
    pool->chunk_count++;
}

static uint32_t pool_take(struct smt_pool *pool) {
    uint32_t number = pool->free;
    if (number != 0) {
        memcpy(&pool->free, pool_at(pool, number), sizeof pool->free);
        return number;
    }
    if (pool->used == pool->chunk_count * CHUNK_ITEMS)
        pool_grow(pool);
    assert(pool->used < SMT_COUNT_MAX);
    return ++pool->used;
}

static void pool_give(struct smt_pool *pool, uint32_t number) {
    memcpy(pool_at(pool, number), &pool->free, sizeof pool->free);
    pool->free = number;
}

/* ---- nodes */

static bool is_leaf(uint32_t node) { return (node & LEAF_BIT) != 0; }
static struct leaf *leaf_at(const struct smt *tree, uint32_t node) { return pool_at(&tree->leaves, node & ~LEAF_BIT); }
static struct fork *fork_at(const struct smt *tree, uint32_t node) { return pool_at(&tree->forks, node); }
static unsigned bit_of(const uint8_t *path, uint32_t bit) { return path[bit / 8] >> (7 - bit % 8) & 1; }

/* The path of any leaf below: its first bits are those of all. */
static const uint8_t *path_below(const struct smt *tree, uint32_t node) {
    while (!is_leaf(node))
        node = fork_at(tree, node)->sides[0];
    return leaf_at(tree, node)->path;
}

void smt_leaf_hash(uint8_t out[static SMT_BYTES], const uint8_t path[static SMT_BYTES], const uint8_t value[static SMT_BYTES]) {
    sha256_prefixed(out, 0, span_of(path, SMT_BYTES), span_of(value, SMT_BYTES));
}

static void hash_fork(uint8_t *out, const uint8_t *left, const uint8_t *right) {
    sha256_prefixed(out, 1, span_of(left, SMT_BYTES), span_of(right, SMT_BYTES));
}

/* The hash of the node as its parent at depth − 1 sees it: forks with an empty side, which are not stored, are put on top. */
static void hash_at_depth(const struct smt *tree, uint8_t *out, uint32_t node, uint32_t depth) {
    static const uint8_t nothing[SMT_BYTES];
    if (node == NOTHING) {
        memset(out, 0, SMT_BYTES);
        return;
    }
    if (is_leaf(node)) {
        smt_leaf_hash(out, leaf_at(tree, node)->path, leaf_at(tree, node)->value);
        return;
    }
    const struct fork *fork = fork_at(tree, node);
    memcpy(out, fork->hash, SMT_BYTES);
    const uint8_t *path = fork->bit > depth ? path_below(tree, node) : NULL;
    for (uint32_t bit = fork->bit; bit-- > depth;) {
        bool is_right = bit_of(path, bit);
        hash_fork(out, is_right ? nothing : out, is_right ? out : nothing);
    }
}

static void rehash(const struct smt *tree, struct fork *fork) {
    uint8_t left[SMT_BYTES], right[SMT_BYTES];
    hash_at_depth(tree, left, fork->sides[0], fork->bit + 1);
    hash_at_depth(tree, right, fork->sides[1], fork->bit + 1);
    hash_fork(fork->hash, left, right);
}

/* ---- updating */

static uint32_t set_leaf(struct smt *tree, uint32_t node, const struct smt_change *change) {
    if (change->is_delete) {
        if (node == NOTHING)
            return NOTHING;
        pool_give(&tree->leaves, node & ~LEAF_BIT);
        tree->count--;
        return NOTHING;
    }
    if (node == NOTHING) {
        node = pool_take(&tree->leaves) | LEAF_BIT;
        tree->count++;
    }
    struct leaf *leaf = leaf_at(tree, node);
    memcpy(leaf->path, change->path, SMT_BYTES);
    memcpy(leaf->value, change->value, SMT_BYTES);
    return node;
}

/* The two subtrees that part at `bit`; `node` is a fork that may be used again, or nothing. */
static uint32_t join(struct smt *tree, uint32_t node, uint32_t left, uint32_t right, uint32_t bit) {
    if (left == NOTHING || right == NOTHING) {
        if (node != NOTHING)
            pool_give(&tree->forks, node);
        return left == NOTHING ? right : left;
    }
    if (node == NOTHING)
        node = pool_take(&tree->forks);
    struct fork *fork = fork_at(tree, node);
    *fork = (struct fork){.sides = {left, right}, .bit = bit};
    rehash(tree, fork);
    return node;
}

static size_t count_left(const struct smt_change *changes, size_t count, uint32_t bit) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bit_of(changes[middle].path, bit))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The subtree `node`, whose keys and all changes share the bits before `depth`, after the changes. At most BITS deep. */
static uint32_t merge(struct smt *tree, uint32_t node, const struct smt_change *changes, size_t count, uint32_t depth) {
    if (count == 0)
        return node;
    bool is_alone = node == NOTHING || (is_leaf(node) && memcmp(leaf_at(tree, node)->path, changes[0].path, SMT_BYTES) == 0);
    if (count == 1 && is_alone)
        return set_leaf(tree, node, &changes[0]);
    assert(depth < BITS);
    size_t left_count = count_left(changes, count, depth);
    uint32_t sides[2] = {NOTHING, NOTHING}, reused = NOTHING;
    if (node != NOTHING && !is_leaf(node) && fork_at(tree, node)->bit == depth) {
        memcpy(sides, fork_at(tree, node)->sides, sizeof sides);
        reused = node;
    } else if (node != NOTHING) {
        sides[bit_of(path_below(tree, node), depth)] = node;
    }
    sides[0] = merge(tree, sides[0], changes, left_count, depth + 1);
    sides[1] = merge(tree, sides[1], changes + left_count, count - left_count, depth + 1);
    return join(tree, reused, sides[0], sides[1], depth);
}

/* The first eight bytes nearly always decide. */
static int compare_paths(const void *a, const void *b) {
    const uint8_t *one = ((const struct smt_change *)a)->path, *other = ((const struct smt_change *)b)->path;
    uint64_t x, y;
    memcpy(&x, one, sizeof x);
    memcpy(&y, other, sizeof y);
    if (x != y)
        return be64toh(x) < be64toh(y) ? -1 : 1;
    return memcmp(one, other, SMT_BYTES);
}

void smt_update(struct smt *tree, struct smt_change *changes, size_t count) {
    if (count == 0)
        return;
    qsort(changes, count, sizeof *changes, compare_paths);
    for (size_t i = 1; i < count; i++)
        assert(compare_paths(&changes[i - 1], &changes[i]) != 0);
    tree->root = merge(tree, tree->root, changes, count, 0);
}

void smt_change_of(struct smt_change *change, struct span key, struct span value) {
    sha256_once(change->path, key);
    change->is_delete = value.data == NULL;
    memset(change->value, 0, SMT_BYTES);
    if (!change->is_delete)
        sha256_once(change->value, value);
}

void smt_root(const struct smt *tree, uint8_t out[static SMT_BYTES]) { hash_at_depth(tree, out, tree->root, 0); }

/* ---- proofs */

/* From depth `proof->depth` down to the fork's own: forks with an empty side, along the path of all below. false: the key leaves them earlier, into
 * nothing; then what is below is the last sibling. */
static bool pass_chain(const struct smt *tree, struct smt_proof *proof, uint32_t node, const uint8_t *path) {
    const struct fork *fork = fork_at(tree, node);
    const uint8_t *below = path_below(tree, node);
    for (; proof->depth < fork->bit; proof->depth++) {
        memset(proof->sides[proof->depth], 0, SMT_BYTES);
        if (bit_of(below, proof->depth) == bit_of(path, proof->depth))
            continue;
        hash_at_depth(tree, proof->sides[proof->depth], node, proof->depth + 1);
        proof->depth++;
        return false;
    }
    return true;
}

void smt_prove(const struct smt *tree, struct smt_proof *proof, struct span key) {
    uint8_t path[SMT_BYTES];
    uint32_t node = tree->root;
    sha256_once(path, key);
    proof->depth = 0;
    while (node != NOTHING && !is_leaf(node)) {
        if (!pass_chain(tree, proof, node, path)) {
            node = NOTHING;
            break;
        }
        const struct fork *fork = fork_at(tree, node);
        unsigned side = bit_of(path, fork->bit);
        hash_at_depth(tree, proof->sides[proof->depth++], fork->sides[side ^ 1], fork->bit + 1);
        node = fork->sides[side];
    }
    proof->end = SMT_END_NOTHING;
    if (node == NOTHING)
        return;
    memcpy(proof->path, leaf_at(tree, node)->path, SMT_BYTES);
    memcpy(proof->value, leaf_at(tree, node)->value, SMT_BYTES);
    proof->end = memcmp(proof->path, path, SMT_BYTES) == 0 ? SMT_END_KEY : SMT_END_OTHER;
}

/* Another leaf proves absence only where the key's way ends at it. */
static bool end_is_possible(const struct smt_proof *proof, const uint8_t *path) {
    bool same = memcmp(proof->path, path, SMT_BYTES) == 0;
    if (proof->depth > SMT_DEPTH_MAX || (proof->end == SMT_END_KEY && !same) || (proof->end == SMT_END_OTHER && same))
        return false;
    for (uint32_t bit = 0; proof->end == SMT_END_OTHER && bit < proof->depth; bit++)
        if (bit_of(proof->path, bit) != bit_of(path, bit))
            return false;
    return true;
}

bool smt_proof_root(const struct smt_proof *proof, uint8_t out[static SMT_BYTES], struct span key) {
    uint8_t path[SMT_BYTES];
    sha256_once(path, key);
    if (!end_is_possible(proof, path))
        return false;
    memset(out, 0, SMT_BYTES);
    if (proof->end != SMT_END_NOTHING)
        smt_leaf_hash(out, proof->path, proof->value);
    for (uint32_t depth = proof->depth; depth-- > 0;) {
        bool is_right = bit_of(path, depth);
        hash_fork(out, is_right ? proof->sides[depth] : out, is_right ? out : proof->sides[depth]);
    }
    return true;
}

void smt_init(struct smt *tree) {
    *tree = (struct smt){.root = NOTHING};
    pool_init(&tree->leaves, sizeof(struct leaf));
    pool_init(&tree->forks, sizeof(struct fork));
}

void smt_close(struct smt *tree) {
    pool_close(&tree->leaves);
    pool_close(&tree->forks);
    tree->root = NOTHING;
    tree->count = 0;
}

void smt_clear(struct smt *tree) { smt_close(tree); }

size_t smt_memory(const struct smt *tree) {
    size_t leaves = (size_t)tree->leaves.chunk_count * (CHUNK_ITEMS * tree->leaves.item_size + sizeof(uint8_t *));
    return leaves + (size_t)tree->forks.chunk_count * (CHUNK_ITEMS * tree->forks.item_size + sizeof(uint8_t *));
}
