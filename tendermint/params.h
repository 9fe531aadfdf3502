/* Consensus parameters: defaults, validation, updates, hash (cometbft: types/params.go; protocol.md §1.3, §1.6). */
#ifndef QUORATE_TENDERMINT_PARAMS_H
#define QUORATE_TENDERMINT_PARAMS_H

#include "crypto/proto.h"
#include "tendermint/block_id.h"

#define PARAMS_BLOCK_BYTES_MAX   104857600 /* MaxBlockSizeBytes */
#define PARAMS_PART_BYTES        65536     /* BlockPartSize */
#define PARAMS_BLOCK_OVERHEAD    11        /* MaxOverheadForBlock */
#define PARAMS_KEY_TYPES_MAX     8
#define PARAMS_KEY_TYPE_BYTES    32

/* Which release's arithmetic a chain follows where they differ (protocol.md §12). */
enum params_release { PARAMS_V038 = 38, PARAMS_V039 = 39, PARAMS_V040 = 40 };

struct params {
    int64_t block_bytes_max; /* −1: PARAMS_BLOCK_BYTES_MAX */
    int64_t block_gas_max;   /* −1: none */
    int64_t evidence_age_blocks_max;
    int64_t evidence_age_ns_max;
    int64_t evidence_bytes_max;
    uint32_t key_type_count;
    char key_types[PARAMS_KEY_TYPES_MAX][PARAMS_KEY_TYPE_BYTES]; /* names; as given, unknown ones too (check refuses them) */
    uint64_t version_app;
    int64_t extensions_enable_height; /* 0: off */
};

enum params_verdict {
    PARAMS_GOOD = 0,
    PARAMS_BAD_BLOCK_BYTES,
    PARAMS_BAD_BLOCK_GAS,
    PARAMS_BAD_EVIDENCE_AGE,
    PARAMS_BAD_EVIDENCE_BYTES,
    PARAMS_BAD_KEY_TYPES,
    PARAMS_BAD_EXTENSIONS_HEIGHT,
};
const char *params_verdict_text(enum params_verdict verdict);

void params_defaults(struct params *params, enum params_release release);
enum params_verdict params_check(const struct params *params, enum params_release release); /* ValidateBasic; key types known to the release */
/* ValidateUpdate: may `extensions_enable_height` become `update` at `height`? */
bool params_extensions_update_allowed(const struct params *params, int64_t update, int64_t height);
/* VoteExtensionsEnabled. For a height begun the answer never changes, so any later parameters give it too. */
bool params_extensions_enabled(const struct params *params, int64_t height);
void params_hash(struct digest *out, const struct params *params); /* SHA256 of HashedParams */
/* tendermint.types.ConsensusParams, also as an ABCI update: an absent section leaves *params as it is. */
void params_write(struct proto_writer *writer, const struct params *params);
void params_read(struct params *params, struct proto_reader *reader);

/* Sizes (cometbft: types/block.go). */
int64_t params_commit_bytes_max(int64_t validators, enum params_release release); /* MaxCommitBytes */
/* MaxDataBytes: room for transactions; negative when the block is too small (CometBFT panics there). block_bytes −1: the maximum. */
int64_t params_data_bytes_max(int64_t block_bytes, int64_t evidence_bytes, int64_t validators, enum params_release release);
size_t params_signature_bytes_max(enum params_release release);
int64_t params_block_bytes(const struct params *params); /* block_bytes_max with −1 resolved */
/* Whether a proposal may announce so many parts: as many as a block of the maximum size needs (types/proposal.go
 * ValidateBlockSize). */
bool params_parts_allowed(const struct params *params, uint32_t total);

#endif
