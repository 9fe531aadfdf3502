/* The block header and its hash (cometbft: types/block.go Header; protocol.md §1.3). */
#ifndef QUORATE_TENDERMINT_HEADER_H
#define QUORATE_TENDERMINT_HEADER_H

#include "tendermint/block_id.h"
#include "tendermint/timestamp.h"

#define HEADER_BLOCK_PROTOCOL     11
#define HEADER_CHAIN_ID_BYTES_MAX 50
#define HEADER_APP_HASH_BYTES_MAX 128 /* CometBFT sets no bound; a longer one is refused at decoding */
#define HEADER_BYTES_MAX          626 /* MaxHeaderBytes: counted in the size of own proposals */

struct app_hash {
    uint8_t size;
    uint8_t bytes[HEADER_APP_HASH_BYTES_MAX];
};

struct header {
    uint64_t version_block;
    uint64_t version_app;
    uint8_t chain_id_size;
    char chain_id[HEADER_CHAIN_ID_BYTES_MAX + 1]; /* NUL-terminated; a longer one is bad at decoding */
    int64_t height;
    struct timestamp time;
    struct block_id last_block_id;
    struct digest last_commit_hash;
    struct digest data_hash;
    struct digest validators_hash;
    struct digest next_validators_hash;
    struct digest consensus_hash;
    struct app_hash app_hash;
    struct digest last_results_hash;
    struct digest evidence_hash;
    struct address proposer_address;
};

enum header_check {
    HEADER_GOOD = 0,
    HEADER_BAD_VERSION,
    HEADER_BAD_HEIGHT,
    HEADER_BAD_LAST_BLOCK_ID,
    HEADER_BAD_PROPOSER,
};
const char *header_check_text(enum header_check check);

void header_init(struct header *header);
bool header_set_chain_id(struct header *header, struct span chain_id); /* false: too long */
struct span header_chain_id(const struct header *header);
bool app_hash_equal(const struct app_hash *a, const struct app_hash *b);
static inline struct span app_hash_span(const struct app_hash *hash) { return span_of(hash->bytes, hash->size); }
void header_write(struct proto_writer *writer, const struct header *header);
void header_read(struct header *header, struct proto_reader *reader);
bool header_decode(struct header *header, struct span bytes);
/* The 14-leaf Merkle root; size 0 when validators_hash is empty. */
void header_hash(struct digest *out, const struct header *header);
/* Leaf `index` (0..13) as bytes, for vectors and proofs. Returns its size; out has 256 bytes. */
size_t header_leaf(uint8_t out[static 256], const struct header *header, unsigned index);
enum header_check header_check(const struct header *header); /* Header.ValidateBasic (sizes are checked at decoding) */

#endif
