/* Chained proofs of abci_query and their key paths (cometbft: crypto/merkle/proof_{op,value,key_path}.go). */
#ifndef QUORATE_CRYPTO_PROOFOP_H
#define QUORATE_CRYPTO_PROOFOP_H

#include "crypto/merkle.h"

#define PROOFOP_COUNT_MAX 16
#define PROOFOP_KEYS_MAX  32

struct proofop { /* loans */
    struct span type;
    struct span key;
    struct span data;
};

struct proofop_keypath { /* keys decoded from "/App/IBC/x:0A0B" */
    size_t count;
    size_t used;
    struct span keys[PROOFOP_KEYS_MAX];
    uint8_t bytes[2048];
};

bool proofop_keypath_decode(struct proofop_keypath *path, struct span text); /* false: malformed or too long */

/* Runs the operators from leaf to root; keys are popped from the END of the path; each must match its operator's key
 * and all must be used. Knows "simple:v" (ValueOp). args: the value. */
bool proofop_verify(const struct proofop *ops, size_t count, const uint8_t root[static SHA256_BYTES], struct span keypath_text,
                    struct span value);

/* The same with other operators, for applications whose trees are of another kind. An operator computes from the value
 * (for the first) or the last result its own root of at most PROOFOP_RESULT_MAX bytes, or refuses. The table ends with a
 * NULL type. */
#define PROOFOP_RESULT_MAX 64
struct proofop_operator {
    const char *type;
    bool (*run)(uint8_t out[static PROOFOP_RESULT_MAX], size_t *size, const struct proofop *op, struct span value);
};
bool proofop_run_value(uint8_t out[static PROOFOP_RESULT_MAX], size_t *size, const struct proofop *op, struct span value); /* "simple:v" */
bool proofop_verify_with(const struct proofop_operator *operators, const struct proofop *ops, size_t count, struct span root,
                         struct span keypath_text, struct span value);

/* The leaf of a ValueOp: uvarint-length key ‖ uvarint-length SHA256(value), hashed as a Merkle leaf. */
void proofop_value_leaf(uint8_t out[static SHA256_BYTES], struct span key, struct span value);
/* tendermint.crypto.ValueOp {1 key, 2 proof} */
void proofop_value_write(struct proto_writer *writer, struct span key, const struct merkle_proof *proof);

#endif
