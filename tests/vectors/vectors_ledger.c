/* The ledger's kinds: real blocks, part sets, results and the first validators of a chain. */
#include <assert.h>
#include <stdlib.h>

#include "ledger/state.h"
#include "tests/vectors/vectors_ledger.h"

static struct signature read_base64_signature(const json_t *object, bool *ok) {
    struct signature signature = {0};
    size_t size = 0;
    const json_t *text = json_object_get(object, "signature");
    if (!json_is_null(text) &&
        !text_base64_decode(signature.bytes, &size, sizeof signature.bytes, vectors_text(object, "signature")))
        *ok = false;
    signature.size = (uint8_t)size;
    return signature;
}

/* An array, or null for an empty one. */
static const json_t *read_list(const json_t *object, const char *key, bool *ok) {
    static json_t *empty;
    if (empty == NULL)
        empty = json_array();
    const json_t *list = json_object_get(object, key);
    if (list == NULL || json_is_null(list))
        return empty;
    *ok = *ok && json_is_array(list);
    return list;
}

static void read_txs(struct block_plan *plan, const json_t *data, struct arena *arena, bool *ok) {
    const json_t *list = read_list(data, "txs", ok);
    struct span *txs = arena_take(arena, json_array_size(list), sizeof *txs);
    for (size_t i = 0; *ok && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct span text = span_of(json_string_value(item), json_string_length(item));
        uint8_t *bytes = arena_take(arena, text.size, 1);
        size_t size = 0;
        *ok = json_is_string(item) && text_base64_decode(bytes, &size, text.size, text);
        txs[i] = span_of(bytes, size);
    }
    plan->txs = txs;
    plan->tx_count = (uint32_t)json_array_size(list);
}

static struct vote read_signed_vote(const json_t *object, bool *ok) {
    struct vote vote = read_vote(object, ok);
    vote.validator_address = read_address(object, "validator_address", ok);
    vote.validator_index = read_int32(object, "validator_index", ok);
    vote.signature = read_base64_signature(object, ok);
    return vote;
}

static void put_vote(struct proto_writer *writer, uint32_t field, const json_t *object, bool *ok) {
    struct vote vote = read_signed_vote(object, ok);
    size_t mark = proto_begin(writer, field);
    vote_write(writer, &vote);
    proto_end(writer, mark);
}

static void read_piece(struct evidence *evidence, const json_t *item, struct arena *arena, bool *ok) {
    const json_t *value = json_object_get(item, "value");
    if (!span_equal(vectors_text(item, "type"), span_text("tendermint/DuplicateVoteEvidence"))) {
        *ok = false;
        return;
    }
    struct proto_writer writer;
    proto_writer_init(&writer, arena_take(arena, 2048, 1), 2048);
    size_t mark = proto_begin(&writer, EVIDENCE_DUPLICATE_VOTE);
    put_vote(&writer, 1, json_object_get(value, "vote_a"), ok);
    put_vote(&writer, 2, json_object_get(value, "vote_b"), ok);
    proto_put_int64(&writer, 3, read_int64(value, "TotalVotingPower", ok));
    proto_put_int64(&writer, 4, read_int64(value, "ValidatorPower", ok));
    struct timestamp time = read_time(value, "Timestamp", ok);
    timestamp_put(&writer, 5, &time);
    proto_end(&writer, mark);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    evidence_read(evidence, &reader, arena);
    *ok = *ok && !writer.overflow && !reader.bad;
}

static void read_evidence(struct block_plan *plan, const json_t *object, struct arena *arena, bool *ok) {
    const json_t *list = read_list(object, "evidence", ok);
    struct evidence *pieces = arena_take(arena, json_array_size(list), sizeof *pieces);
    for (size_t i = 0; *ok && i < json_array_size(list); i++)
        read_piece(&pieces[i], json_array_get(list, i), arena, ok);
    plan->evidence = pieces;
    plan->evidence_count = (uint32_t)json_array_size(list);
}

static void read_commit(struct commit *commit, const json_t *object, struct arena *arena, bool *ok) {
    const json_t *list = read_list(object, "signatures", ok);
    commit->height = read_int64(object, "height", ok);
    commit->round = read_int32(object, "round", ok);
    commit->block_id = read_block_id(object, "block_id", ok);
    commit->count = (uint32_t)json_array_size(list);
    commit->sigs = arena_take(arena, commit->count, sizeof *commit->sigs);
    for (size_t i = 0; i < commit->count; i++) {
        const json_t *item = json_array_get(list, i);
        commit->sigs[i] = (struct commit_sig){.flag = read_int32(item, "block_id_flag", ok),
                                              .validator_address = read_address(item, "validator_address", ok),
                                              .timestamp = read_time(item, "timestamp", ok),
                                              .signature = read_base64_signature(item, ok)};
    }
}

struct expected_block {
    struct digest hash, parts, data, commit, evidence;
    int64_t total, size;
    struct span bytes;
};

static struct expected_block read_expected(const json_t *object, struct arena *arena, bool *ok) {
    struct expected_block expected = {.hash = read_digest(object, "block_hash", ok),
                                      .parts = read_digest(object, "part_set_hash", ok),
                                      .data = read_digest(object, "data_hash", ok),
                                      .commit = read_digest(object, "last_commit_hash", ok),
                                      .evidence = read_digest(object, "evidence_hash", ok),
                                      .total = read_int64(object, "part_set_total", ok),
                                      .size = read_int64(object, "block_size", ok)};
    size_t capacity = json_string_length(json_object_get(object, "block_proto_hex")) / 2, size = 0;
    uint8_t *bytes = arena_take(arena, capacity, 1);
    *ok = *ok && vectors_hex(object, "block_proto_hex", bytes, &size, capacity) && size > 0;
    expected.bytes = span_of(bytes, size);
    return expected;
}

static bool is_as_expected(struct block *block, const struct expected_block *expected) {
    struct block_id id;
    block_id_of(block, &id);
    return digest_equal(&block->hash, &expected->hash) && digest_equal(&id.parts.hash, &expected->parts) &&
           id.parts.total == expected->total && (int64_t)block->bytes->size == expected->size &&
           digest_equal(&block->header.data_hash, &expected->data) &&
           digest_equal(&block->header.last_commit_hash, &expected->commit) &&
           digest_equal(&block->header.evidence_hash, &expected->evidence) && span_equal(blob_span(block->bytes), expected->bytes);
}

/* Both ways: the fields give the bytes, and the bytes give the block. The content hashes are ours, not the file's. */
static const char *check_block(const struct block_plan *plan, const struct expected_block *expected) {
    struct block *built = block_build(plan);
    enum block_verdict verdict;
    struct blob *bytes = blob_new(expected->bytes);
    struct block *decoded = block_decode(bytes, &verdict);
    bool built_well = is_as_expected(built, expected), decoded_well = decoded != NULL && is_as_expected(decoded, expected);
    block_release(built);
    block_release(decoded);
    blob_release(bytes);
    if (!built_well)
        return "built from its fields it is another block";
    return decoded_well ? NULL : decoded == NULL ? block_verdict_text(verdict) : "decoded from its bytes it is another block";
}

static void run_real_blocks(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        struct arena arena;
        arena_init(&arena, (size_t)1 << 30);
        bool ok = true;
        const json_t *block = json_object_get(item, "block");
        struct commit commit = {0};
        struct block_plan plan = {.header = read_header(block, "header", &ok), .last_commit = &commit};
        read_txs(&plan, json_object_get(block, "data"), &arena, &ok);
        read_evidence(&plan, json_object_get(block, "evidence"), &arena, &ok);
        read_commit(&commit, json_object_get(block, "last_commit"), &arena, &ok);
        struct expected_block expected = read_expected(json_object_get(item, "expected"), &arena, &ok);
        const char *fault = ok ? check_block(&plan, &expected) : "a shape that the handler does not know";
        vectors_expect(report, i, fault == NULL, fault == NULL ? "" : fault);
        arena_close(&arena);
    }
}

/* ---- part sets */

static struct blob *make_bytes(size_t length) {
    struct blob *bytes = blob_reserve(length);
    for (size_t i = 0; i < length; i++)
        bytes->data[i] = (uint8_t)((7 * i + length) % 251);
    return bytes;
}

static bool part_is(struct part_set *set, const json_t *item) {
    bool ok = true;
    struct part part;
    int64_t index = read_int64(item, "index", &ok), length = read_int64(item, "length", &ok);
    struct digest leaf = read_digest(item, "leaf_hash", &ok);
    const json_t *aunts = json_object_get(item, "aunts"), *aunt;
    if (!ok || index < 0 || index > UINT32_MAX || leaf.size != 32 || !part_set_get(set, &part, (uint32_t)index) ||
        part.bytes.size != (size_t)length || memcmp(part.proof.leaf_hash, leaf.bytes, 32) != 0 || !json_is_array(aunts) ||
        json_array_size(aunts) != part.proof.aunt_count || part_check(&part) != PART_GOOD)
        return false;
    size_t i;
    json_array_foreach((json_t *)aunts, i, aunt) {
        uint8_t bytes[32];
        size_t size;
        struct span text = span_of(json_string_value(aunt), json_string_length(aunt));
        if (!text_hex_decode(bytes, &size, sizeof bytes, text) || size != 32 || memcmp(bytes, part.proof.aunts[i], 32) != 0)
            return false;
    }
    return true;
}

/* The same set collected from its parts, last first. */
static bool collects(struct part_set *set, int64_t total) {
    struct part_set *other = total == 0 ? NULL : part_set_new(part_set_header(set));
    bool good = total == 0 || other != NULL;
    for (int64_t i = total - 1; good && i >= 0; i--) {
        struct part part;
        good = part_set_get(set, &part, (uint32_t)i) && part_set_add(other, &part, PARAMS_BLOCK_BYTES_MAX) == PART_GOOD;
    }
    good = good && (total == 0 || span_equal(blob_span(part_set_bytes(other)), blob_span(part_set_bytes(set))));
    part_set_release(other);
    return good;
}

static bool part_set_case(const json_t *item) {
    bool ok = span_equal(vectors_text(item, "data_rule"), span_text("byte i = (7*i + len) mod 251"));
    int64_t length = read_int64(item, "length", &ok), total = read_int64(item, "total", &ok);
    struct digest root = read_digest(item, "root", &ok);
    const json_t *parts = json_object_get(item, "parts"), *part;
    if (!ok || length < 0 || length > PARAMS_BLOCK_BYTES_MAX || !json_is_array(parts))
        return false;
    struct blob *bytes = make_bytes((size_t)length);
    struct part_set *set = part_set_of(bytes);
    bool good = part_set_header(set)->total == total && digest_equal(&part_set_header(set)->hash, &root) && collects(set, total);
    size_t i;
    json_array_foreach((json_t *)parts, i, part) good = good && part_is(set, part);
    part_set_release(set);
    blob_release(bytes);
    return good;
}

static void run_part_sets(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, part_set_case(item), "another part set");
}

/* ---- results */

static struct span read_hex_span(const json_t *object, const char *key, struct arena *arena, bool *ok) {
    size_t capacity = json_string_length(json_object_get(object, key)) / 2, size = 0;
    uint8_t *bytes = arena_take(arena, capacity, 1);
    if (json_object_get(object, key) != NULL && !vectors_hex(object, key, bytes, &size, capacity))
        *ok = false;
    return span_of(bytes, size);
}

static int64_t read_optional(const json_t *object, const char *key, bool *ok) {
    return json_object_get(object, key) == NULL ? 0 : read_int64(object, key, ok);
}

static void run_last_results_hash(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    static const char *const known[] = {"code", "data", "gas_wanted", "gas_used", "log", "info", "codespace", "events", NULL};
    size_t i, r;
    const json_t *item, *result;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        struct arena arena;
        arena_init(&arena, (size_t)1 << 26);
        const json_t *list = json_object_get(item, "results");
        bool ok = json_is_array(list);
        struct abci_tx_result *results = arena_take(&arena, json_array_size(list), sizeof *results);
        json_array_foreach((json_t *)list, r, result) {
            ok = ok && read_only_keys(result, known);
            results[r] = (struct abci_tx_result){.code = (uint32_t)read_optional(result, "code", &ok),
                                                 .data = read_hex_span(result, "data", &arena, &ok),
                                                 .log = vectors_text(result, "log"),
                                                 .gas_wanted = read_optional(result, "gas_wanted", &ok),
                                                 .gas_used = read_optional(result, "gas_used", &ok)};
        }
        struct digest expected = read_digest(item, "expected_hex", &ok), hash;
        abci_results_hash(&hash, results, json_array_size(list));
        vectors_expect(report, i, ok && digest_equal(&hash, &expected), "another results hash");
        arena_close(&arena);
    }
}

/* ---- the first validators */

static bool priorities_are(const struct valset *set, const json_t *object) {
    bool ok = json_is_object(object) && json_object_size(object) == set->count;
    for (uint32_t i = 0; ok && i < set->count; i++) {
        char address[TEXT_HEX_SIZE(20)];
        text_hex_upper(address, address_span(&set->validators[i].address));
        ok = set->validators[i].priority == read_int64(object, address, &ok) && ok;
    }
    return ok;
}

static bool proposer_is(const struct valset *set, const struct address *address) {
    return set->proposer >= 0 && address_equal(&set->validators[set->proposer].address, address);
}

/* The members as genesis lists them: a set made of them would have lost that order. */
static uint32_t read_members(struct valset_change *members, uint32_t capacity, const json_t *list, bool *ok) {
    size_t i;
    const json_t *item;
    *ok = *ok && json_is_array(list) && json_array_size(list) <= capacity;
    json_array_foreach((json_t *)list, i, item) {
        uint8_t bytes[33];
        size_t size = 0;
        if (!*ok || !vectors_hex(item, "pub_key", bytes, &size, sizeof bytes) || (size != 32 && size != 33)) {
            *ok = false;
            return 0;
        }
        members[i].pub_key = size == 32 ? pubkey_ed25519(bytes) : pubkey_secp256k1(bytes);
        members[i].address = pubkey_address(&members[i].pub_key);
        members[i].power = read_int64(item, "power", ok);
        struct address given = read_address(item, "address", ok);
        *ok = *ok && address_equal(&given, &members[i].address);
    }
    return (uint32_t)json_array_size(list);
}

static bool genesis_case(const json_t *item) {
    static struct valset_change members[VALSET_COUNT_MAX];
    bool ok = true;
    struct state_genesis genesis = {.chain_id = span_text("vectors"), .initial_height = 1, .validators = members};
    params_defaults(&genesis.params, PARAMS_V038);
    genesis.validator_count = read_members(members, VALSET_COUNT_MAX, json_object_get(item, "validators"), &ok);
    struct address first = read_address(item, "height1_round0_proposer", &ok);
    struct address second = read_address(item, "height2_round0_proposer", &ok);
    struct state state;
    state_init(&state);
    bool good = ok && state_from_genesis(&state, &genesis, NULL) == NULL && proposer_is(&state.validators, &first) &&
                proposer_is(&state.next_validators, &second) &&
                priorities_are(&state.validators, json_object_get(item, "height1_priorities")) &&
                priorities_are(&state.next_validators, json_object_get(item, "next_validators_priorities"));
    state_close(&state);
    return good;
}

static void run_genesis_validator_state(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, genesis_case(item), "another first state");
}

const struct vectors_kind vectors_ledger[] = {
    {"real_blocks", run_real_blocks},
    {"part_sets", run_part_sets},
    {"last_results_hash", run_last_results_hash},
    {"genesis_validator_state", run_genesis_validator_state},
    {"query_parse", run_query_parse},
    {"query_match", run_query_match},
    {"abci_frames", run_abci_frames},
    {"abci_cli_kvstore", run_abci_cli_kvstore},
    {NULL, NULL},
};
