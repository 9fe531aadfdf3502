/* A block: header, transactions, evidence, the commit of its parent (cometbft: types/block.go; protocol.md §1.1, §1.3, §1.6). */
#ifndef QUORATE_LEDGER_BLOCK_H
#define QUORATE_LEDGER_BLOCK_H

#include "ledger/part_set.h"
#include "tendermint/evidence.h"
#include "tendermint/header.h"

struct block { /* one allocation unit: the bytes, an arena, and loans into both */
    uint32_t holders;
    struct blob *bytes;     /* the proto encoding as received or as built */
    struct part_set *parts; /* may be NULL until needed */
    struct arena arena;
    struct header header;
    struct digest hash;     /* of the header */
    uint32_t tx_count;
    struct span *txs;              /* loans from bytes */
    uint8_t (*tx_hashes)[32];      /* SHA256 of each */
    uint32_t evidence_count;
    struct evidence *evidence;
    int64_t evidence_bytes;        /* encoded size of the list's items */
    bool has_last_commit;
    struct commit last_commit;
};

enum block_verdict {
    BLOCK_GOOD = 0,
    BLOCK_BAD_ENCODING,
    BLOCK_BAD_HEADER,          /* header_check */
    BLOCK_NO_LAST_COMMIT,
    BLOCK_BAD_LAST_COMMIT,     /* commit_check */
    BLOCK_WRONG_COMMIT_HASH,
    BLOCK_WRONG_DATA_HASH,
    BLOCK_WRONG_EVIDENCE_HASH,
    BLOCK_BAD_EVIDENCE,
    /* against the state (judge.h) */
    BLOCK_WRONG_VERSION,
    BLOCK_WRONG_CHAIN_ID,
    BLOCK_WRONG_HEIGHT,
    BLOCK_WRONG_PARENT,
    BLOCK_WRONG_APP_HASH,
    BLOCK_WRONG_CONSENSUS_HASH,
    BLOCK_WRONG_RESULTS_HASH,
    BLOCK_WRONG_VALIDATORS_HASH,
    BLOCK_WRONG_NEXT_VALIDATORS_HASH,
    BLOCK_COMMIT_REFUSED,      /* commit_verify; or signatures at the initial height */
    BLOCK_UNKNOWN_PROPOSER,
    BLOCK_WRONG_TIME,          /* not the median / genesis time, or not after its parent */
    BLOCK_TIME_TOO_FAR,        /* local tolerance (block_time_tolerance) */
    BLOCK_EVIDENCE_TOO_LARGE,
    BLOCK_EVIDENCE_REFUSED,
    BLOCK_TOO_LARGE,
    BLOCK_REFUSED_BY_APP,      /* ProcessProposal: REJECT */
};
const char *block_verdict_text(enum block_verdict verdict);

/* Decodes and checks all that needs no state (Block.ValidateBasic and the hashes). Holds `bytes`. NULL with *verdict otherwise. */
struct block *block_decode(struct blob *bytes, enum block_verdict *verdict);
struct block *block_hold(struct block *block);
void block_release(struct block *block); /* NULL allowed */

struct block_plan { /* what a proposer puts in; all loans */
    struct header header;   /* filled but for last_commit_hash, data_hash, evidence_hash */
    const struct span *txs;
    const uint8_t (*tx_hashes)[32]; /* may be NULL: computed */
    uint32_t tx_count;
    const struct evidence *evidence;
    uint32_t evidence_count;
    const struct commit *last_commit;
};
/* Builds the bytes, hashes and parts. Never NULL. */
struct block *block_build(const struct block_plan *plan);

/* The id; makes the parts if they are not there. */
void block_id_of(struct block *block, struct block_id *out);
struct part_set *block_parts(struct block *block); /* a loan */
void block_data_hash(struct digest *out, const uint8_t (*tx_hashes)[32], size_t count);
/* The Merkle proof of transaction `index` under data_hash. */
void block_tx_proof(const struct block *block, struct merkle_proof *out, uint32_t index);

#endif
