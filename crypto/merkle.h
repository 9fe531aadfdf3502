/* RFC 6962 Merkle trees as CometBFT builds them (cometbft: crypto/merkle/{hash,tree,proof}.go): leaf = SHA256(0 ‖ item),
 * inner = SHA256(1 ‖ left ‖ right), empty list = SHA256(""), the split is the largest power of two strictly below n. */
#ifndef QUORATE_CRYPTO_MERKLE_H
#define QUORATE_CRYPTO_MERKLE_H

#include "crypto/proto.h"
#include "crypto/sha256.h"

#define MERKLE_AUNTS_MAX 100

/* The streaming root: leaves in order, O(log n) memory. */
struct merkle {
    uint64_t count;
    uint8_t stack[64][SHA256_BYTES];
};

void merkle_init(struct merkle *tree);
void merkle_add(struct merkle *tree, struct span item);                                /* hashes the item as a leaf */
void merkle_add_leaf_hash(struct merkle *tree, const uint8_t leaf[static SHA256_BYTES]);
void merkle_root(const struct merkle *tree, uint8_t out[static SHA256_BYTES]);          /* the tree may grow on */

void merkle_leaf_hash(uint8_t out[static SHA256_BYTES], struct span item);
void merkle_inner_hash(uint8_t out[static SHA256_BYTES], const uint8_t left[static SHA256_BYTES], const uint8_t right[static SHA256_BYTES]);

struct merkle_proof {
    int64_t total;
    int64_t index;
    uint8_t leaf_hash[SHA256_BYTES];
    uint8_t leaf_hash_size; /* as received; must be 32 to verify */
    uint8_t aunt_count;     /* at most MERKLE_AUNTS_MAX */
    bool malformed;         /* an aunt of another size than 32, or too many aunts: never verifies */
    uint8_t aunts[MERKLE_AUNTS_MAX][SHA256_BYTES]; /* bottom-up */
};

/* The proof of leaf `index` among `count` leaf hashes (32 bytes each, contiguous). count > 0, index < count. */
void merkle_proof_make(struct merkle_proof *proof, const uint8_t *leaf_hashes, size_t count, size_t index);
/* All inner nodes are computed once for all `count` proofs. proofs has `count` entries. */
void merkle_proof_make_all(struct merkle_proof *proofs, const uint8_t *leaf_hashes, size_t count);
bool merkle_proof_check(const struct merkle_proof *proof);  /* Proof.ValidateBasic */
/* The root that the proof's own leaf hash leads to; false (out untouched) when it leads nowhere: malformed, index beyond
 * total, or not exactly as many aunts as forks. */
bool merkle_proof_root(const struct merkle_proof *proof, uint8_t out[static SHA256_BYTES]);
bool merkle_proof_verify(const struct merkle_proof *proof, const uint8_t root[static SHA256_BYTES], struct span item);

/* tendermint.crypto.Proof {1 total, 2 index, 3 leaf_hash, 4 repeated aunts} */
void merkle_proof_write(struct proto_writer *writer, const struct merkle_proof *proof);
void merkle_proof_read(struct merkle_proof *proof, struct proto_reader *reader);

#endif
