/* A sparse Merkle tree hashed exactly as ICS-23's smtSpec (cosmos/ics23: go/proof.go; the semantics of celestiaorg/smt): the path of a key is
 * SHA256(key), bits from the most significant; leaf = SHA256(0 ‖ path ‖ SHA256(value)), inner = SHA256(1 ‖ left ‖ right), nothing = 32 zero
 * bytes; a subtree with a single leaf is that leaf. So the root is a pure function of the set of keys and values.
 *
 * In RAM only, compact: chains of forks that have one side empty are not stored. About 110 bytes per entry. */
#ifndef QUORATE_LEDGER_SMT_H
#define QUORATE_LEDGER_SMT_H

#include "crypto/sha256.h"

#define SMT_BYTES     SHA256_BYTES
#define SMT_COUNT_MAX ((uint32_t)1 << 30)

struct smt_pool { /* private: items in chunks that never move */
    uint8_t **chunks;
    uint32_t item_size, chunk_count, used, free;
};

struct smt {
    struct smt_pool leaves, forks;
    uint32_t root;
    uint32_t count; /* keys in the tree */
};

struct smt_change {
    uint8_t path[SMT_BYTES];
    uint8_t value[SMT_BYTES]; /* SHA256 of it */
    bool is_delete;
};

/* The way from the root to where a key is, or would be: the sibling at each depth (zeroes: nothing there), and what stands at the end. */
#define SMT_DEPTH_MAX (8 * SMT_BYTES)
enum smt_end { SMT_END_KEY, SMT_END_NOTHING, SMT_END_OTHER }; /* the key; an empty subtree; the only leaf of its subtree, another key's */
struct smt_proof {
    enum smt_end end;
    uint32_t depth;
    uint8_t sides[SMT_DEPTH_MAX][SMT_BYTES];
    uint8_t path[SMT_BYTES], value[SMT_BYTES]; /* of the leaf at the end, if there is one */
};

void smt_init(struct smt *tree);
void smt_close(struct smt *tree);
void smt_clear(struct smt *tree);
/* A change that sets the key to the value; value.data NULL: deletes it (to delete what is not there changes nothing). */
void smt_change_of(struct smt_change *change, struct span key, struct span value);
/* Applies all at once: every fork above them is hashed once. Sorts the array; no two may have the same path. */
void smt_update(struct smt *tree, struct smt_change *changes, size_t count);
void smt_leaf_hash(uint8_t out[static SMT_BYTES], const uint8_t path[static SMT_BYTES], const uint8_t value[static SMT_BYTES]);
void smt_prove(const struct smt *tree, struct smt_proof *proof, struct span key);
/* The root that the proof leads to for this key; false (out untouched): the end is not a possible one for the key. */
bool smt_proof_root(const struct smt_proof *proof, uint8_t out[static SMT_BYTES], struct span key);
void smt_root(const struct smt *tree, uint8_t out[static SMT_BYTES]);
size_t smt_memory(const struct smt *tree); /* bytes held */

#endif
