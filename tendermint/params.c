#include "tendermint/params.h"

#include "crypto/sha256.h"
#include "tendermint/header.h"
#include "tendermint/vote.h"

enum { COMMIT_OVERHEAD_BYTES = 94 };

const char *params_verdict_text(enum params_verdict verdict) {
    switch (verdict) {
    case PARAMS_GOOD: return "good";
    case PARAMS_BAD_BLOCK_BYTES: return "block.max_bytes is neither -1 nor in 1..104857600";
    case PARAMS_BAD_BLOCK_GAS: return "block.max_gas below -1";
    case PARAMS_BAD_EVIDENCE_AGE: return "evidence.max_age_num_blocks and max_age_duration must be positive";
    case PARAMS_BAD_EVIDENCE_BYTES: return "evidence.max_bytes is negative or above block.max_bytes";
    case PARAMS_BAD_KEY_TYPES: return "validator.pub_key_types is empty or names an unknown type";
    case PARAMS_BAD_EXTENSIONS_HEIGHT: return "abci.vote_extensions_enable_height is negative";
    }
    return "unknown";
}

void params_defaults(struct params *params, enum params_release release) {
    *params = (struct params){
        .block_bytes_max = 22020096,
        .block_gas_max = -1,
        .evidence_age_blocks_max = 100000,
        .evidence_age_ns_max = INT64_C(48) * 3600 * 1000000000,
        .evidence_bytes_max = 1048576,
        .key_type_count = 1,
        .key_types = {"ed25519"},
    };
    if (release >= PARAMS_V040)
        params->block_bytes_max += params_commit_bytes_max(VOTE_COUNT_MAX, release);
}

static bool key_type_known(const char *name, enum params_release release) {
    if (strcmp(name, "ed25519") == 0 || strcmp(name, "secp256k1") == 0)
        return true;
    /* 0.40 knows these as names; no validator can hold such a key here. (bls12_381 is known only to special builds.) */
    return release >= PARAMS_V040 && (strcmp(name, "ml_dsa_65") == 0 || strcmp(name, "secp256k1eth") == 0);
}

static bool key_types_known(const struct params *params, enum params_release release) {
    for (uint32_t i = 0; i < params->key_type_count; i++)
        if (!key_type_known(params->key_types[i], release))
            return false;
    return params->key_type_count > 0;
}

int64_t params_block_bytes(const struct params *params) {
    return params->block_bytes_max == -1 ? PARAMS_BLOCK_BYTES_MAX : params->block_bytes_max;
}

enum params_verdict params_check(const struct params *params, enum params_release release) {
    int64_t block_bytes = params_block_bytes(params);
    if (block_bytes <= 0 || block_bytes > PARAMS_BLOCK_BYTES_MAX)
        return PARAMS_BAD_BLOCK_BYTES;
    if (params->block_gas_max < -1)
        return PARAMS_BAD_BLOCK_GAS;
    if (params->evidence_age_blocks_max <= 0 || params->evidence_age_ns_max <= 0)
        return PARAMS_BAD_EVIDENCE_AGE;
    if (params->evidence_bytes_max < 0 || params->evidence_bytes_max > block_bytes)
        return PARAMS_BAD_EVIDENCE_BYTES;
    if (params->extensions_enable_height < 0)
        return PARAMS_BAD_EXTENSIONS_HEIGHT;
    return key_types_known(params, release) ? PARAMS_GOOD : PARAMS_BAD_KEY_TYPES;
}

/* Once reached, the height stands for ever; before that it may move or vanish, but never to a height already begun (wound 19). */
bool params_extensions_update_allowed(const struct params *params, int64_t update, int64_t height) {
    int64_t now = params->extensions_enable_height;
    if (update < 0)
        return false;
    if (update == now || (now <= 0 && update == 0))
        return true;
    bool reached = now > 0 && now <= height;
    return !reached && (update == 0 || update > height);
}

bool params_extensions_enabled(const struct params *params, int64_t height) {
    return params->extensions_enable_height > 0 && height >= params->extensions_enable_height;
}

void params_hash(struct digest *out, const struct params *params) {
    uint8_t bytes[32];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_int64(&writer, 1, params->block_bytes_max);
    proto_put_int64(&writer, 2, params->block_gas_max);
    out->size = 32;
    sha256_once(out->bytes, proto_writer_span(&writer));
}

/* Sizes */

size_t params_signature_bytes_max(enum params_release release) {
    if (release >= PARAMS_V040)
        return 3309; /* ML-DSA-65 */
    return release >= PARAMS_V039 ? 96 /* BLS12-381 */ : 64;
}

/* The releases differ in what they allow for the framing of an entry. */
static int64_t commit_sig_bytes_max(enum params_release release) {
    int64_t content = (int64_t)params_signature_bytes_max(release) + 20 + 1 + 14;
    if (release >= PARAMS_V040)
        return content + 11;
    return content + 10;
}

int64_t params_commit_bytes_max(int64_t validators, enum params_release release) {
    return COMMIT_OVERHEAD_BYTES + validators * (commit_sig_bytes_max(release) + 3);
}

int64_t params_data_bytes_max(int64_t block_bytes, int64_t evidence_bytes, int64_t validators, enum params_release release) {
    int64_t whole = block_bytes == -1 ? PARAMS_BLOCK_BYTES_MAX : block_bytes;
    return whole - PARAMS_BLOCK_OVERHEAD - HEADER_BYTES_MAX - params_commit_bytes_max(validators, release) - evidence_bytes;
}

bool params_parts_allowed(const struct params *params, uint32_t total) {
    return total <= (params_block_bytes(params) - 1) / PARAMS_PART_BYTES + 1;
}
