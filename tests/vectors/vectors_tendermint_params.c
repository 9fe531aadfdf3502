/* Consensus parameters and sizes. */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/part_set.h"
#include "tendermint/params.h"
#include "tests/vectors/vectors_tendermint.h"

/* "v0.40 (…)": the release that a case speaks of. */
static enum params_release release_of(const char *text, bool *ok) {
    const char *at = text == NULL ? NULL : strstr(text, "v0.");
    int minor = at == NULL ? 0 : atoi(at + 3);
    if (minor < 38 || minor > 40)
        *ok = false;
    return minor <= 38 ? PARAMS_V038 : minor == 39 ? PARAMS_V039 : PARAMS_V040;
}

void run_consensus_params_hash(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = true;
        struct params params;
        params_defaults(&params, PARAMS_V038);
        params.block_bytes_max = read_int64(item, "max_bytes", &ok);
        params.block_gas_max = read_int64(item, "max_gas", &ok);
        struct digest hash, expected = read_digest(item, "expected_hex", &ok);
        params_hash(&hash, &params);
        vectors_expect(report, i, ok && digest_equal(&hash, &expected), "params hash");
    }
}

/* false: no place for so many or so long names, which decoding refuses as well. */
static bool set_key_types(struct params *params, const json_t *list, bool *ok) {
    size_t i;
    json_t *item;
    params->key_type_count = 0;
    *ok = *ok && json_is_array(list);
    json_array_foreach((json_t *)list, i, item) {
        if (!json_is_string(item))
            *ok = false;
        else if (i >= PARAMS_KEY_TYPES_MAX || json_string_length(item) >= PARAMS_KEY_TYPE_BYTES)
            return false;
        else
            snprintf(params->key_types[params->key_type_count++], PARAMS_KEY_TYPE_BYTES, "%s", json_string_value(item));
    }
    return true;
}

/* The parameters as they come back from the wire must be judged alike. */
static bool valid_as_read_back(const struct params *params, enum params_release release) {
    uint8_t bytes[512];
    struct proto_writer writer;
    struct params read = {0};
    proto_writer_init(&writer, bytes, sizeof bytes);
    params_write(&writer, params);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    params_read(&read, &reader);
    return !writer.overflow && !reader.bad && params_check(&read, release) == PARAMS_GOOD;
}

void run_consensus_params_validation(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    static const char *const keys[] = {"max_bytes", "max_gas", "max_age_num_blocks", "max_age_duration_ns", "evidence_max_bytes",
                                       "pub_key_types", "vote_extensions_enable_height", "release", "expected_valid", "source",
                                       "name", NULL};
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = read_only_keys(item, keys);
        struct params params;
        enum params_release release = PARAMS_V038;
        if (json_object_get(item, "release") != NULL)
            release = release_of(json_string_value(json_object_get(item, "release")), &ok);
        params_defaults(&params, release);
        params.block_bytes_max = read_int64(item, "max_bytes", &ok);
        params.block_gas_max = read_int64(item, "max_gas", &ok);
        params.evidence_age_blocks_max = read_int64(item, "max_age_num_blocks", &ok);
        params.evidence_age_ns_max = read_int64(item, "max_age_duration_ns", &ok);
        params.evidence_bytes_max = read_int64(item, "evidence_max_bytes", &ok);
        if (json_object_get(item, "vote_extensions_enable_height") != NULL)
            params.extensions_enable_height = read_int64(item, "vote_extensions_enable_height", &ok);
        bool fits = set_key_types(&params, json_object_get(item, "pub_key_types"), &ok);
        bool valid = fits && params_check(&params, release) == PARAMS_GOOD;
        ok = ok && valid == (fits && valid_as_read_back(&params, release));
        bool expected = read_bool(item, "expected_valid", &ok);
        vectors_expect(report, i, ok && valid == expected, "params validity");
    }
}

void run_vote_extension_enable_height_update(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = json_object_get(item, "update") != NULL;
        struct params params = {.extensions_enable_height = read_int64(item, "enable_height", &ok)};
        int64_t height = read_int64(item, "current_height", &ok);
        /* Without an ABCI section nothing is asked for. */
        bool absent = json_is_null(json_object_get(item, "update"));
        bool allowed = absent || params_extensions_update_allowed(&params, read_int64(item, "update", &ok), height);
        bool expect_error = read_bool(item, "expect_error", &ok);
        vectors_expect(report, i, ok && allowed != expect_error, "extensions height update");
    }
}

static bool data_bytes_case(const json_t *item) {
    bool ok = json_object_get(item, "expected") != NULL;
    enum params_release release = release_of(json_string_value(json_object_get(item, "release")), &ok);
    int64_t block = read_int64(item, "max_bytes", &ok), evidence = read_int64(item, "evidence_bytes", &ok);
    int64_t got = params_data_bytes_max(block, evidence, read_int64(item, "validators", &ok), release);
    if (json_is_null(json_object_get(item, "expected")))
        return ok && got < 0;
    return read_int64(item, "expected", &ok) == got && ok;
}

static bool part_count_case(const json_t *item) {
    bool ok = true;
    struct params params = {.block_bytes_max = read_int64(item, "max_bytes", &ok)};
    int64_t total = read_int64(item, "total_parts", &ok);
    bool expected = read_bool(item, "expected_ok", &ok);
    return ok && total >= 0 && total <= UINT32_MAX && params_parts_allowed(&params, (uint32_t)total) == expected;
}

static bool part_case(const json_t *item) {
    bool ok = true;
    int64_t size = read_int64(item, "bytes_len", &ok);
    if (!ok || size < 0 || size > 1 << 24)
        return false;
    uint8_t *bytes = calloc((size_t)size + 1, 1);
    struct part part = {.bytes = span_of(bytes, (size_t)size)};
    part.index = (uint32_t)read_int64(item, "index", &ok);
    part.proof.index = read_int64(item, "proof_index", &ok);
    part.proof.total = read_int64(item, "proof_total", &ok);
    part.proof.leaf_hash_size = 32;
    bool expected = read_bool(item, "expected_ok", &ok);
    bool good = part_check(&part) == PART_GOOD;
    free(bytes);
    return ok && good == expected;
}

static bool constant_of(int64_t *out, const char *name) {
    static const struct {
        const char *name;
        int64_t value;
    } constants[] = {
        {"MaxHeaderBytes", HEADER_BYTES_MAX},
        {"MaxOverheadForBlock", PARAMS_BLOCK_OVERHEAD},
        {"MaxBlockSizeBytes", PARAMS_BLOCK_BYTES_MAX},
        {"BlockPartSizeBytes", PARAMS_PART_BYTES},
        {"MaxBlockPartsCount", PART_SET_TOTAL_MAX},
        {"MaxVotesCount", VOTE_COUNT_MAX},
        {"MaxChainIDLen", HEADER_CHAIN_ID_BYTES_MAX},
        {"MaxVoteExtensionSize", VOTE_EXTENSION_BYTES_MAX},
        {"MaxTotalVotingPower", VALSET_TOTAL_POWER_MAX},
        {"MaxAunts", MERKLE_AUNTS_MAX},
    };
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        *out = constants[i].value;
        if (strcmp(name, constants[i].name) == 0)
            return true;
    }
    bool ok = true;
    long validators;
    if (sscanf(name, "MaxCommitBytes(%ld)", &validators) == 1)
        *out = params_commit_bytes_max(validators, release_of(name, &ok));
    else if (strncmp(name, "MaxSignatureSize", 16) == 0)
        *out = (int64_t)params_signature_bytes_max(release_of(name, &ok));
    else
        ok = false;
    return ok;
}

static bool constant_case(const json_t *item) {
    const char *name = json_string_value(json_object_get(item, "name"));
    bool ok = name != NULL;
    int64_t ours = 0, expected = read_int64(item, "value", &ok);
    return ok && constant_of(&ours, name) && ours == expected;
}

void run_size_limits(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    static const struct {
        const char *kind;
        bool (*run)(const json_t *item);
    } kinds[] = {{"max_data_bytes", data_bytes_case},
                 {"proposal part count vs max_bytes", part_count_case},
                 {"part validate_basic", part_case},
                 {"constant", constant_case}};
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        const char *kind = json_string_value(json_object_get(item, "kind"));
        bool good = false;
        for (size_t k = 0; kind != NULL && k < sizeof kinds / sizeof kinds[0]; k++)
            if (strcmp(kind, kinds[k].kind) == 0)
                good = kinds[k].run(item);
        vectors_expect(report, i, good, kind == NULL ? "no kind" : kind);
    }
}
