/* Writes inputs to begin with: fuzz-seeds OUT [VECTORS]. Into OUT/NAME/ goes what fuzz_NAME may start from, from the test vectors if they are there,
 * and made by our own writers. A file is named after the hash of its content. The first bytes that choose a kind are those of each target. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/crc32c.h"
#include "genesis/genesis.h"
#include "ledger/abci_response.h"
#include "node/addrbook.h"
#include "node/config.h"
#include "node/journal.h"
#include "node/keyfile.h"
#include "node/node_info.h"
#include "node/signer.h"
#include "node/wire.h"
#include "rpc/shapes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

enum { SEED_BYTES_MAX = 16384 };

static const char *out_root;
static unsigned long count;

static void put(const char *target, struct span head, struct span bytes) {
    char path[2048], name[TEXT_HEX_SIZE(8)];
    uint8_t hash[32], both[SEED_BYTES_MAX + 64];
    if (head.size + bytes.size > SEED_BYTES_MAX)
        return;
    memcpy(both, head.data, head.size);
    if (bytes.size > 0)
        memcpy(both + head.size, bytes.data, bytes.size);
    sha256_once(hash, span_of(both, head.size + bytes.size));
    text_hex_lower(name, span_of(hash, 8));
    snprintf(path, sizeof path, "%s/%s", out_root, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", out_root, target, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(both, 1, head.size + bytes.size, file) != head.size + bytes.size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    count++;
}

#define HEAD(...) span_of((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})
#define NO_HEAD   span_of("", 0)

static void put_text(const char *target, struct span head, const char *text) { put(target, head, span_text(text)); }

/* Puts what `call` writes. */
#define PUT_WRITTEN(target, head, call)                 \
    do {                                                \
        FUZZ_WRITE(writer, call);                       \
        put(target, head, proto_writer_span(&writer));  \
    } while (0)

/* ---- from the vectors */

static bool hex_of(const json_t *object, const char *key, struct span *out) {
    const json_t *text = json_object_get(object, key);
    size_t size;
    if (!json_is_string(text))
        return false;
    uint8_t *bytes = fuzz_room(json_string_length(text) / 2);
    if (!text_hex_decode(bytes, &size, json_string_length(text) / 2, span_of(json_string_value(text), json_string_length(text))))
        return false;
    *out = span_of(bytes, size);
    return true;
}

static const char *text_of(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }

static void from_wire(const json_t *item) {
    static const struct {
        const char *module;
        uint8_t choice;
    } others[] = {{"mempool", 0}, {"pex", 1}, {"p2p", 1}, {"blocksync", 2}, {"statesync", 3}, {"privval", 4}};
    const char *module = text_of(item, "module");
    struct span bytes;
    if (module == NULL || (!hex_of(item, "expected_hex", &bytes) && !hex_of(item, "bytes_hex", &bytes)))
        return;
    if (strcmp(module, "consensus") == 0)
        for (uint8_t channel = 0; channel < 4; channel++)
            put("consensus", HEAD(channel), bytes);
    if (strcmp(module, "evidence") == 0)
        put("evidence", NO_HEAD, bytes);
    if (strcmp(module, "p2p") == 0 && bytes.size < 128)
        put("mconn", HEAD(2, (uint8_t)bytes.size), bytes);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(module, others[i].module) == 0)
            put("messages", HEAD(others[i].choice), bytes);
}

static void from_block(const json_t *item) {
    struct span bytes;
    struct proto_field field;
    if (!hex_of(item, "block_proto_hex", &bytes))
        return;
    put("block", HEAD(0), bytes);
    put("block", HEAD(1), bytes);
    for (struct proto_reader reader = proto_reader_over(bytes); proto_next(&reader, &field);) {
        if (field.number == 1)
            put("types", HEAD(0), field.bytes);
        else if (field.number == 4)
            put("commit", NO_HEAD, field.bytes);
    }
}

static void from_wal(const json_t *item) {
    struct span bytes;
    if (hex_of(item, "record_hex", &bytes) && bytes.size > 8) {
        put("journal", HEAD(0), bytes);
        put("journal", HEAD(1), span_of(bytes.data + 8, bytes.size - 8));
        put("journal", HEAD(2), bytes);
    } else if (hex_of(item, "stream_hex", &bytes)) {
        put("journal", HEAD(2), bytes);
    }
}

static void from_genesis(const json_t *item) {
    const char *text = text_of(item, "json");
    if (text != NULL) {
        put_text("genesis", HEAD(0), text);
        put_text("genesis", HEAD(130), text);
        put_text("json", HEAD(0), text);
    }
}

static void from_rules(const json_t *item) {
    if (text_of(item, "body") != NULL)
        put_text("rpc", HEAD(0), text_of(item, "body"));
    if (text_of(item, "params") != NULL)
        put_text("json", HEAD(0), text_of(item, "params"));
}

static void from_abci(const json_t *item) {
    struct span bytes, message;
    if (!hex_of(item, "hex", &bytes) || text_of(item, "name") == NULL || proto_delimited(&message, bytes, SEED_BYTES_MAX) <= 0)
        return;
    put("abci", HEAD(strncmp(text_of(item, "name"), "Request", 7) == 0 ? 0 : 1), message);
}

static void from_address(const json_t *item) {
    if (text_of(item, "address") != NULL)
        put_text("text", HEAD(7), text_of(item, "address"));
}

static void from_keypath(const json_t *item) {
    if (text_of(item, "path") != NULL)
        put_text("merkle", HEAD(2), text_of(item, "path"));
}

static void from_ed25519(const json_t *item) {
    struct span key, signature, message = span_of(NULL, 0);
    uint8_t bytes[2048];
    const char *ascii = text_of(item, "message_ascii");
    if (!hex_of(item, "public_key", &key) || !hex_of(item, "signature", &signature) || key.size != 32 || signature.size != 64)
        return;
    if (ascii != NULL)
        message = span_text(ascii);
    else
        hex_of(item, "message", &message);
    if (message.size > 1024)
        return;
    memcpy(bytes, key.data, 32);
    memcpy(bytes + 32, signature.data, 64);
    if (message.size > 0)
        memcpy(bytes + 96, message.data, message.size);
    put("ed25519", HEAD(1), span_of(bytes, 96 + message.size));
    if (message.size < 256) { /* after an honest one, in a batch */
        uint8_t batch[1400] = {1, 4};
        memcpy(batch + 2, bytes, 96);
        batch[98] = (uint8_t)message.size;
        memcpy(batch + 100, bytes + 96, message.size);
        put("ed25519", HEAD(2), span_of(batch, 100 + message.size));
    }
}

static void from_bits(const json_t *item) {
    struct span bytes;
    if (hex_of(item, "proto_hex", &bytes))
        put("types", HEAD(7), bytes);
}

static void from_node_id(const json_t *item) {
    static const char *const keys[] = {"node_key_json", "priv_validator_key_json"};
    for (uint8_t i = 0; i < 2; i++) {
        char *text = json_dumps(json_object_get(item, keys[i]), 0);
        if (text != NULL)
            put_text("keys", HEAD(i), text);
        free(text);
    }
}

static void from_value_op(const json_t *item) {
    const json_t *op = json_object_get(item, "proof_op");
    struct span key, value, root, data;
    if (!hex_of(item, "key_hex", &key) || !hex_of(item, "value_hex", &value) || !hex_of(item, "root_hex", &root) || !hex_of(op, "data_hex", &data))
        return;
    char path[600] = "/x:";
    if (key.size > 200 || data.size > 1000)
        return;
    text_hex_lower(path + 3, key);
    const struct span pieces[] = {span_text(path), value, root, key, data};
    uint8_t bytes[4096];
    size_t size = 0;
    for (int i = 0; i < 5; i++) {
        bytes[size++] = (uint8_t)pieces[i].size;
        bytes[size++] = (uint8_t)(pieces[i].size >> 8);
        if (pieces[i].size > 0)
            memcpy(bytes + size, pieces[i].data, pieces[i].size);
        size += pieces[i].size;
    }
    put("merkle", HEAD(3, 1, 0), span_of(bytes, size));
    put("merkle", HEAD(3, 1, 1), span_of(bytes, size));
}

static void from_handshake(const json_t *item) {
    static const char *const sides[] = {"alice", "bob"};
    for (int i = 0; i < 2; i++) {
        struct span hello, frame;
        const json_t *side = json_object_get(item, sides[i]);
        if (hex_of(side, "handshake_message_1", &hello))
            put("secretconn", HEAD(0), hello);
        if (hex_of(side, "auth_sig_plaintext_delimited", &frame) && frame.size < 256) {
            put("secretconn", HEAD(1, (uint8_t)frame.size, (uint8_t)frame.size, 0), frame);
        }
    }
}

static void put_piece(uint8_t *bytes, size_t *size, const char *text) {
    size_t length = strlen(text);
    if (length > 1000 || *size + length + 2 > 3000)
        return;
    bytes[(*size)++] = (uint8_t)length;
    bytes[(*size)++] = (uint8_t)(length >> 8);
    memcpy(bytes + *size, text, length);
    *size += length;
}

static void from_query(const json_t *item) {
    const char *text = text_of(item, text_of(item, "query") != NULL ? "query" : "scanner_input"), *key;
    uint8_t bytes[3000];
    size_t size = 0;
    json_t *values;
    if (text == NULL)
        return;
    put_piece(bytes, &size, text);
    json_object_foreach(json_object_get(item, "events"), key, values) {
        put_piece(bytes, &size, key);
        put_piece(bytes, &size, json_array_size(values) == 0 ? "" : json_string_value(json_array_get(values, 0)));
    }
    put("event_query", NO_HEAD, span_of(bytes, size));
}

/* A signed header with its set, as files keep them. */
static void from_light(const json_t *item) {
    json_t *block = json_pack("{s:O, s:{s:[]}}", "signed_header", json_object_get(json_object_get(item, "trusted"), "signed_header"), "validator_set", "validators");
    char *text = block == NULL ? NULL : json_dumps(block, JSON_COMPACT);
    if (text != NULL) {
        put_text("light", HEAD(0), text);
        put_text("light", HEAD(1), text);
    }
    free(text);
    json_decref(block);
}

static const struct {
    const char *file;
    void (*take)(const json_t *item);
    size_t most;
} vectors[] = {
    {"wire_messages", from_wire, 1000},      {"real_blocks", from_block, 12},          {"wal_records", from_wal, 100},
    {"genesis_parse", from_genesis, 100},    {"rpc_jsonrpc_rules", from_rules, 100}, {"abci_frames", from_abci, 100},   {"net_address_parse", from_address, 100},
    {"merkle_keypath", from_keypath, 100},   {"ed25519_sign_verify", from_ed25519, 40}, {"ed25519_zip215", from_ed25519, 60},
    {"bit_arrays", from_bits, 100},          {"node_ids", from_node_id, 10},           {"merkle_value_op", from_value_op, 10},
    {"secret_connection_handshake", from_handshake, 10}, {"query_parse", from_query, 100}, {"query_match", from_query, 100},
    {"light_verifier", from_light, 20},
};

static struct span file_bytes(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = fuzz_room(SEED_BYTES_MAX + 1);
    size_t size = file == NULL ? 0 : fread(bytes, 1, SEED_BYTES_MAX + 1, file);
    if (file != NULL)
        fclose(file);
    return size > SEED_BYTES_MAX ? span_of(NULL, 0) : span_of(bytes, size);
}

static void each_file(const char *folder, void (*take)(const char *path, const char *name)) {
    char path[4096];
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            take(path, entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    fuzz_end();
}

static void take_vectors(const char *path, const char *name) {
    json_error_t error;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        if (strncmp(name, vectors[i].file, strlen(vectors[i].file)) != 0)
            continue;
        json_t *file = json_load_file(path, 0, &error), *cases = json_object_get(file, "cases");
        size_t there = json_array_size(cases), step = there > vectors[i].most ? there / vectors[i].most : 1;
        for (size_t c = 0; c < there; c += step) {
            vectors[i].take(json_array_get(cases, c));
            fuzz_end();
        }
        json_decref(file);
    }
}

static void take_request(const char *path, const char *name) {
    (void)name;
    put("rpc", HEAD(0), file_bytes(path));
}

static void take_answer(const char *path, const char *name) {
    (void)name;
    put("json", HEAD(0), file_bytes(path));
    put("json", HEAD(2), file_bytes(path));
    put("light", HEAD(2), file_bytes(path));
}

static void take_sample(const char *path, const char *name) {
    struct span bytes = file_bytes(path);
    put(strstr(name, ".toml") != NULL ? "config" : "keys", strstr(name, "validator") != NULL ? HEAD(1) : HEAD(0), bytes);
}

static void from_vectors(const char *root) {
    static const struct {
        const char *folder;
        void (*take)(const char *path, const char *name);
    } folders[] = {{"", take_vectors},
                   {"/rpc_fixtures/kvstore_v0_37/outgoing", take_request},
                   {"/rpc_fixtures/kvstore_v0_37/incoming", take_answer},
                   {"/config_samples", take_sample}};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[2048];
        snprintf(path, sizeof path, "%s%s", root, folders[i].folder);
        each_file(path, folders[i].take);
    }
}

/* ---- from our own writers */

static void own_chain(void) {
    static const char *const txs[] = {"name=quorate", "x=y"};
    static struct part part;
    struct chain *chain = world_chain();
    const struct state *state = &chain->ledger.state;
    struct vote vote;
    struct block *next = chain_next(chain, txs, 2);
    put("block", HEAD(0), blob_span(next->bytes));
    put("block", HEAD(1), blob_span(next->bytes));
    for (int64_t height = 1; height <= 3; height++) {
        struct blob *bytes = ledger_block_bytes(&chain->ledger, height);
        put("block", HEAD(0), blob_span(bytes));
        blob_release(bytes);
    }
    part_set_get(block_parts(next), &part, 0);
    PUT_WRITTEN("part", HEAD(0), part_write(&writer, &part));
    PUT_WRITTEN("part", HEAD(1), part_write(&writer, &part));
    PUT_WRITTEN("part", HEAD(2, 1, 0, 0, 0), part_write(&writer, &part));
    static struct part last = {.index = 2, .bytes = {(const uint8_t *)"the last of three", 17}};
    uint8_t leaves[3][32] = {{1}, {2}, {3}};
    merkle_proof_make(&last.proof, leaves[0], 3, 2);
    PUT_WRITTEN("part", HEAD(1), part_write(&writer, &last));
    PUT_WRITTEN("part", HEAD(2, 3, 0, 0, 0), part_write(&writer, &last));
    put("part", HEAD(3), blob_span(next->bytes));
    put("part", HEAD(4, 5, 0, 3), HEAD(2, 0, 130, 1, 3, 1));
    put("part", HEAD(4, 0, 0, 1), HEAD(1, 0));
    PUT_WRITTEN("commit", NO_HEAD, commit_write(&writer, &chain->last));
    struct commit extended = chain->last;
    chain_extend(chain, &extended, NULL, &chain->ledger.state.last_validators, fuzz_arena());
    PUT_WRITTEN("commit", NO_HEAD, commit_extended_write(&writer, &extended));
    PUT_WRITTEN("valset", HEAD(0), valset_write(&writer, &state->validators));
    PUT_WRITTEN("types", HEAD(0), header_write(&writer, &next->header));
    chain_vote(chain, &vote, &state->validators, 1, &state->block_id, 4, 0, (struct timestamp){1700000004, 0});
    PUT_WRITTEN("types", HEAD(1), vote_write(&writer, &vote));
    struct proposal proposal = {VOTE_PROPOSAL, 4, 0, -1, state->block_id, {1700000004, 0}, vote.signature};
    PUT_WRITTEN("types", HEAD(2), proposal_write(&writer, &proposal));
    PUT_WRITTEN("types", HEAD(3), block_id_write(&writer, &state->block_id));
    PUT_WRITTEN("types", HEAD(4), params_write(&writer, &state->params));
    PUT_WRITTEN("types", HEAD(5), pubkey_write(&writer, &chain->pub_keys[0]));
    PUT_WRITTEN("types", HEAD(6), validator_write(&writer, &state->validators.validators[0]));
    struct abci_finalized finalized;
    if (ledger_results(&chain->ledger, &finalized, 2, fuzz_arena()))
        PUT_WRITTEN("types", HEAD(8), abci_finalized_write(&writer, &finalized));
    uint8_t *bytes;
    size_t size = state_encode(state, &bytes);
    put("types", HEAD(9), span_of(bytes, size));
    free(bytes);
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_batch_put(&batch, span_text("key"), span_text("value"));
    kv_batch_delete(&batch, span_text("gone"));
    put("types", HEAD(10), kv_batch_span(&batch));
    kv_batch_close(&batch);
    block_release(next);
    fuzz_end();
}

/* A light-client attack by a signed header of our own chain. */
static void write_attack(struct proto_writer *writer, struct chain *chain) {
    const struct valset *set = &chain->ledger.state.validators;
    struct ledger_meta meta;
    ledger_block_meta(&chain->ledger, &meta, 3);
    size_t outer = proto_begin(writer, 2), block = proto_begin(writer, 1), head = proto_begin(writer, 1), mark = proto_begin(writer, 1);
    header_write(writer, &meta.header);
    proto_end(writer, mark);
    mark = proto_begin(writer, 2);
    commit_write(writer, &chain->last);
    proto_end(writer, mark);
    proto_end(writer, head);
    mark = proto_begin(writer, 2);
    valset_write(writer, set);
    proto_end(writer, mark);
    proto_end(writer, block);
    proto_put_int64(writer, 2, 1);
    mark = proto_begin(writer, 3);
    validator_write(writer, &set->validators[0]);
    proto_end(writer, mark);
    proto_put_int64(writer, 4, 40);
    timestamp_put(writer, 5, &meta.header.time);
    proto_end(writer, outer);
}

static void own_evidence(void) {
    struct chain *chain = world_chain();
    const struct valset *set = &chain->ledger.state.validators;
    struct block_id other = chain->ledger.state.block_id;
    struct vote a, b;
    struct evidence evidence;
    struct timestamp time = {1700000003, 0};
    other.hash.bytes[0] ^= 1;
    chain_vote(chain, &a, set, 1, &chain->ledger.state.block_id, 3, 0, time);
    chain_vote(chain, &b, set, 1, &other, 3, 0, time);
    if (evidence_from_votes(&evidence, &a, &b, set, &time, fuzz_arena()))
        PUT_WRITTEN("evidence", NO_HEAD, wire_evidence_write(&writer, &evidence, 1));
    FUZZ_WRITE(piece, write_attack(&piece, chain));
    PUT_WRITTEN("evidence", NO_HEAD, proto_put_bytes(&writer, 1, proto_writer_span(&piece)));
    struct evidence pieces[2] = {evidence}, *decoded;
    uint32_t decoded_count;
    FUZZ_WRITE(attack_list, proto_put_bytes(&attack_list, 1, proto_writer_span(&piece)));
    if (wire_evidence_parse(&decoded, &decoded_count, proto_writer_span(&attack_list), fuzz_arena()) == NULL)
        pieces[1] = decoded[0];
    for (int i = 0; i < 2 && pieces[i].kind != EVIDENCE_NONE; i++) {
        struct emit emit;
        emit_init(&emit);
        emit_literal(&emit, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_evidence\",\"params\":{\"evidence\":");
        shapes_evidence(&emit, &pieces[i]);
        emit_literal(&emit, "}}");
        put("rpc", HEAD(0), span_of(emit.data, emit.size));
        emit_close(&emit);
    }
    struct block_plan plan = chain_plan(chain, fuzz_arena());
    plan.evidence = &evidence;
    plan.evidence_count = 1;
    struct block *block = block_build(&plan);
    put("block", HEAD(0), blob_span(block->bytes));
    put("block", HEAD(1), blob_span(block->bytes));
    block_release(block);
    fuzz_end();
}

static void own_abci(void) {
    struct span txs[] = {span_text("a=1"), span_text("")};
    struct abci_vote_info vote = {.power = 5, .flag = 2, .address = {20, "01234567890123456789"}, .extension = span_text("e"), .extension_signature = span_text("s")};
    struct abci_misbehavior fault = {1, vote.address, 5, 2, {3, 4}, 5};
    struct abci_validator_update update = {pubkey_ed25519((const uint8_t *)"0123456789abcdef0123456789abcdef"), 5};
    struct params params;
    params_defaults(&params, PARAMS_V038);
    for (int call = ABCI_ECHO; call <= ABCI_FINALIZE_BLOCK; call++) {
        struct abci_request request = {.call = (enum abci_call)call};
        struct abci_response response = {.call = (enum abci_call)call};
        if (call == ABCI_INIT_CHAIN)
            request.init_chain = (struct abci_init_chain){{1, 2}, span_text("c"), &params, &update, 1, span_text("{}"), 1};
        else if (call >= ABCI_PREPARE_PROPOSAL && call != ABCI_VERIFY_VOTE_EXTENSION)
            request.block = (struct abci_block){.txs = txs, .tx_count = 2, .votes = &vote, .vote_count = 1, .misbehavior = &fault, .misbehavior_count = 1, .height = 3};
        else if (call == ABCI_QUERY)
            request.query = (struct abci_query){span_text("d"), span_text("p"), 1, true};
        PUT_WRITTEN("abci", HEAD(0), abci_request_write(&writer, &request));
        PUT_WRITTEN("abci", HEAD(1), abci_response_write(&writer, &response));
    }
    fuzz_end();
}

static void own_txs(void) {
    struct world_ledger world;
    world_ledger_open(&world);
    const struct wallet_wish wishes[] = {{.to = world.bob.text},
                                         {.to = world.carol.text, .memo = "memo", .amount = "17", .timeout_height = 9},
                                         {.to = world.bob.text, .to2 = world.carol.text, .amount2 = "5"},
                                         {.to = world.bob.text, .amount = "5000"},
                                         {.to = world.bob.text, .sequence = 1, .with_fee = true},
                                         {.to = world.bob.text, .denom = "gold", .gas_limit = 1},
                                         {.to = world.bob.text, .without_key = true},
                                         {.to = world.bob.text, .type_url = "/cosmos.bank.v1beta1.MsgMultiSend"}};
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        struct wallet_wish wish = wishes[i];
        put("tx", NO_HEAD, wallet_sign(&world.alice, &wish));
        wish.account_number = 1;
        put("tx", NO_HEAD, wallet_sign(&world.bob, &wish));
        PUT_WRITTEN("query", HEAD(0, 5), proto_put_bytes(&writer, 2, wallet_sign(&world.alice, &wish)));
        PUT_WRITTEN("proto", HEAD(1), proto_put_bytes(&writer, 1, wallet_sign(&world.alice, &wish)));
    }
    for (uint8_t path = 0; path < 5; path++)
        PUT_WRITTEN("query", HEAD(0, path), (proto_put_text(&writer, 1, path == 4 ? "unit" : world.alice.text), proto_put_text(&writer, 2, "unit")));
    uint8_t head[70] = {8, 6, (uint8_t)strlen(world.alice.text)};
    memcpy(head + 4, world.alice.text, strlen(world.alice.text));
    put("query", NO_HEAD, span_of(head, 4 + strlen(world.alice.text)));
    put_text("query", HEAD(1, 9), "tx0");
    put_text("query", HEAD(3, 10), "a");
    put_text("query", HEAD(1, 11), "x");
    put_text("text", HEAD(2), world.alice.text);
    put_text("text", HEAD(3), "twenty bytes, really");
    world_ledger_close(&world);
    fuzz_end();
}

static void own_book(void) {
    struct addrbook book;
    struct addrbook_address address = {.ip = {[10] = 0xff, 0xff, 8, 8, 8, 8}, .port = 26656};
    addrbook_init(&book, "", true, NULL);
    for (uint8_t i = 1; i < 6; i++) {
        address.id[0] = address.ip[13] = i;
        addrbook_add(&book, &address, &address, 1700000000000);
        if (i % 2 == 0)
            addrbook_good(&book, address.id, 1700000000000);
    }
    char *text = addrbook_text(&book);
    put_text("addrbook", HEAD(1), text);
    put_text("addrbook", HEAD(0), "{\"key\":\"01\",\"addrs\":null}");
    free(text);
    addrbook_close(&book);
}

static void own_files(void) {
    own_book();
    struct config config;
    char *text, mark[SIGNER_MARK_TEXT_SIZE];
    config_init(&config, PARAMS_V038);
    text = config_text(&config);
    for (char *at = text, *next; at != NULL && *at != '\0'; at = next) { /* a section each, because all of it is long */
        next = strstr(at + 1, "\n[");
        put("config", HEAD(0), span_of(at, next == NULL ? strlen(at) : (size_t)(next - at)));
    }
    free(text);
    config_close(&config);
    put_text("config", HEAD(1), "CMT_P2P_LADDR=tcp://0.0.0.0:1\nCMT_MONIKER=x\nCMTHOME=/tmp\nCMT_CONSENSUS_TIMEOUT_COMMIT=1m2.5s");
    put_text("config", HEAD(2), "consensus.timeout_propose=3s");
    put_text("config", HEAD(2), "p2p.persistent_peers=594d6b74ea5d99705f5cfbd28e20d937bda4c689@a:1, b");
    put_text("config", HEAD(0), "a.b = '''x\ny'''\n[rpc]\ncors_allowed_origins = [\"*\", 'a', # b\n]\nunsafe = true\n[p2p]\n\"laddr\" = \"tcp://\\u00e9:1\\n\"\nrate=1_000\n");
    struct chain *chain = world_chain();
    for (uint8_t type = PUBKEY_ED25519; type <= PUBKEY_SECP256K1; type++)
        for (uint8_t node = 0; node < 2; node++) {
            struct keyfile key = {.type = type, .secret = {1}};
            struct wallet wallet = {.secret = {0}};
            wallet = wallet_of(type, 1);
            memcpy(key.secret, wallet.secret, 32);
            key.public_key = wallet.key;
            text = keyfile_text(&key, node == 0);
            put_text("keys", HEAD(node), text);
            free(text);
        }
    struct signer_mark_state state = {.height = 7, .round = 1, .step = 2};
    size_t size = signer_mark_text(mark, sizeof mark, &state);
    put("keys", HEAD(2), span_of(mark, size));
    uint8_t both[SIGNER_MARK_TEXT_SIZE + 64] = {3, 3, (uint8_t)size, (uint8_t)(size >> 8)};
    memcpy(both + 4, mark, size);
    put("keys", NO_HEAD, span_of(both, 4 + size));
    struct vote vote;
    uint8_t seed[32] = {1};
    struct ed25519_key *key = ed25519_key_new(seed); /* that of the target */
    vote_init(&vote);
    vote.type = VOTE_PREVOTE;
    vote.height = 7;
    vote.round = 1;
    state.sign_bytes_size = (uint32_t)vote_sign_bytes(state.sign_bytes, &vote, span_text("chain"));
    ed25519_sign(key, state.signature.bytes, span_of(state.sign_bytes, state.sign_bytes_size));
    state.signature.size = 64;
    ed25519_key_free(key);
    size = signer_mark_text(mark, sizeof mark, &state);
    put("keys", HEAD(2), span_of(mark, size));
    both[2] = (uint8_t)size, both[3] = (uint8_t)(size >> 8);
    memcpy(both + 4, mark, size);
    put("keys", NO_HEAD, span_of(both, 4 + size));
    struct genesis_validator validators[2] = {{.member = chain->changes[0], .name = "one"}, {.member = chain->changes[1]}};
    struct genesis_plan plan = {.chain_id = "a-chain", .time = {1700000000, 5}, .initial_height = 3, .validators = validators, .validator_count = 2};
    params_defaults(&plan.params, PARAMS_V038);
    char with_key[600];
    struct wallet wallet = wallet_of(PUBKEY_SECP256K1, 2);
    char key_text[TEXT_BASE64_SIZE(33)];
    text_base64(key_text, span_of(wallet.key.bytes, wallet.key.size));
    snprintf(with_key, sizeof with_key, "{\"accounts\":[{\"address\":\"%s\",\"pub_key\":{\"type\":\"tendermint/PubKeySecp256k1\",\"value\":\"%s\"},\"coins\":[]}]}",
             wallet.text, key_text);
    const char *const states[] = {"{\"x\":1}", with_key, "{\"prefix\":\"quorate\",\"accounts\":[{\"address\":\"quorate1sfukylsjgy4quyfaqlmgnpmulmu07uw5uhxgpu\","
                                                      "\"coins\":[{\"denom\":\"unit\",\"amount\":\"1000\"}]}]}"};
    for (uint8_t i = 0; i < 3; i++) {
        plan.app_state = states[i];
        text = genesis_text(&plan);
        put_text("genesis", HEAD((uint8_t)(i == 0 ? 128 : 0)), text);
        put_text("json", HEAD(0), text);
        free(text);
    }
}

static void own_streams(void) {
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\nHost: a:1\r\nContent-Type: application/json\r\nContent-Length: 5\r\nOrigin: http://a.c\r\n\r\n",
        "GET http://h/status?a=%20b HTTP/1.1\nhost: x\nConnection: keep-alive, close\n\n",
        "OPTIONS * HTTP/1.0\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a, origin\r\nOrigin: http://x.b\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"};
    for (uint8_t i = 0; i < 4; i++)
        put_text("http", HEAD((uint8_t)(4 * i)), heads[i]);
    put_text("http", HEAD(5), "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\nrest");
    put_text("http", HEAD(1), "3e8\r\nhello");
    put("mconn", HEAD(2), HEAD(2, 0x0a, 0, 2, 0x12, 0, 11, 0x1a, 9, 8, 0x20, 0x10, 1, 0x1a, 3, 'a', 'b', 'c'));
    put("mconn", HEAD(7), HEAD(9, 0x1a, 7, 8, 0x21, 0x1a, 3, 'a', 'b', 'c', 11, 0x1a, 9, 8, 0x21, 0x10, 1, 0x1a, 3, 'd', 'e', 'f'));
    put("mconn", HEAD(1), HEAD(0, 3, 0, 'a', 'b', 'c', 7, 1, 2, 0, 'x', 'y', 3, 0xf8, 1, 0, 'z'));
    put("secretconn", HEAD(3), HEAD(2, 3, 2, 3, 6, 7, 0xfe, 0, 1, 6, 6));
    put("secretconn", HEAD(2), HEAD(5, 5, 0, 'h', 'e', 'l', 'l', 'o', 1, 0, 4, 0, 0, 0));
    struct node_info info = {.p2p_version = 8, .block_version = 11, .id = "594d6b74ea5d99705f5cfbd28e20d937bda4c689", .listen_addr = "tcp://1.2.3.4:5",
                             .network = "test-chain", .version = "0.38.0", .moniker = "m", .tx_index = "on", .rpc_address = "tcp://0.0.0.0:1",
                             .channel_count = 3, .channels = {0x20, 0x21, 0x40}};
    static uint8_t encoded[NODE_INFO_BYTES_MAX + 10];
    put("node_info", NO_HEAD, span_of(encoded, node_info_encode(encoded, &info)));
    put("proto", HEAD(0), HEAD(8, 1, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1a, 2, 'a', 'b', 0x25, 1, 2, 3, 4, 0x2b, 8, 1, 0x2c, 0xb0, 0x80, 0));
    put("proto", HEAD(100), HEAD(3, 'a', 'b', 'c', 0x80, 1, 'x', 0));
    put("journal", HEAD(3), HEAD(5, 1, 13, 2, 5, 2, 0x24, 4, 0, 5, 3, 13, 1, 0x0b, 0, 0x17));
}

static void write_packet(struct proto_writer *writer, struct span data) { /* of channel 0, the only one */
    size_t mark = proto_begin(writer, 3);
    proto_put_int64(writer, 2, 1);
    proto_put_bytes(writer, 3, data);
    proto_end(writer, mark);
}

/* Moves: a kind, two bytes of length, the text of a frame. */
static void websocket_seeds(void) {
    static const char *const calls[] = {
        "{\"id\":1,\"method\":\"subscribe\",\"params\":{\"query\":\"tm.event EXISTS\",\"from_height\":\"1\"}}",
        "{\"id\":\"a\",\"method\":\"subscribe\",\"params\":[\"tm.event = 'NewBlock' AND block.height > 1\"]}",
        "{\"id\":2,\"method\":\"unsubscribe\",\"params\":[\"tm.event EXISTS\"]}",
        "{\"id\":3,\"method\":\"unsubscribe_all\"}",
        "{\"id\":4,\"method\":\"broadcast_tx_commit\",\"params\":[\"YT1i\"]}",
        "[]",
    };
    uint8_t bytes[2048];
    size_t size = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t length = strlen(calls[i]), from = size;
        bytes[size++] = 0x80;
        bytes[size++] = (uint8_t)length;
        bytes[size++] = (uint8_t)(length >> 8);
        memcpy(bytes + size, calls[i], length);
        size += length;
        put("websocket", HEAD(0x20), span_of(bytes + from, size - from));
        bytes[size++] = 0x20; /* a block */
        bytes[size++] = 0x4f; /* news */
    }
    put("websocket", HEAD(0x20), span_of(bytes, size));
}

static void own_connections(void) {
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}  GET /status HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /block?height=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD / HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\n[]\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: <b>\r\n\r\n",
        "GET /broadcast_tx_commit?tx=\"c=d\" HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nheight=%31"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        put_text("socket", HEAD(255), requests[i]);
        put_text("socket", HEAD(1), requests[i]);
    }
    websocket_seeds();
    struct node_info info = {.p2p_version = 8, .block_version = 11, .id = "594d6b74ea5d99705f5cfbd28e20d937bda4c689", .listen_addr = "tcp://1.2.3.4:5",
                             .network = "test-chain", .version = "0.38.0", .moniker = "m", .channel_count = 1, .channels = {0x20}};
    static uint8_t encoded[NODE_INFO_BYTES_MAX + 10];
    size_t size = node_info_encode(encoded, &info);
    put("link", HEAD(1, (uint8_t)size, (uint8_t)(size >> 8)), span_of(encoded, size));
    put("link", HEAD(2, 18, 0), HEAD(2, 0x0a, 0, 2, 0x12, 0, 11, 0x1a, 9, 8, 0x20, 0x10, 1, 0x1a, 3, 'a', 'b', 'c'));
    put("link", HEAD(6, 10, 0), HEAD(9, 0x1a, 7, 8, 0x21, 0x1a, 3, 'a', 'b', 'c', 12, 0, 11, 0x1a, 9, 8, 0x21, 0x10, 1, 0x1a, 3, 'd', 'e', 'f'));
    struct wire_address told[] = {{span_text("594d6b74ea5d99705f5cfbd28e20d937bda4c689"), span_text("8.8.8.8"), 26656},
                                  {span_text("0123456789abcdef0123456789abcdef01234567"), span_text("2001:4860:4860::8888"), 1}};
    const struct wire_pex pex[] = {{.is_request = true}, {.count = 2, .addresses = told}};
    for (int i = 0; i < 2; i++) {
        FUZZ_WRITE(text, wire_pex_write(&text, &pex[i]));
        FUZZ_WRITE(packet, write_packet(&packet, proto_writer_span(&text)));
        put("link", HEAD(2, (uint8_t)(packet.size + 2), 0, (uint8_t)(packet.size | 128), (uint8_t)(packet.size >> 7)), proto_writer_span(&packet));
        PUT_WRITTEN("messages", HEAD(1), wire_pex_write(&writer, &pex[i]));
    }
    put("link", HEAD(0, 35, 0, 34, 0x0a, 32), span_text("\x09zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"));
}

static void own_texts(void) {
    static const struct {
        uint8_t kind;
        const char *text;
    } texts[] = {{0, "00ffAB"}, {1, "aGVsbG8="}, {4, "340282366920938463463374607431768211455"}, {5, "2006-01-02T15:04:05.999999999+07:00"},
                 {5, "0001-01-01T00:00:00Z"}, {6, "1h2m3.5s"}, {6, "1.5µs"}, {7, "[::1]:5"}, {7, "tcp://594d6b74ea5d99705f5cfbd28e20d937bda4c689@[fe80::1]:26656"},
                 {8, "::ffff:1.2.3.4"}, {8, "1:2:3::8"}, {9, "0123456789abcdef"}, {10, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put_text("text", HEAD(texts[i].kind), texts[i].text);
    put_text("json", HEAD(0), " {\"a\":[1,-2.5e3,true,null,\"\\u00e9\\ud83d\\ude00<\"],\"A\":{},\"a\":{\"b\":\"x\"}} ");
    put_text("json", HEAD(1), "text <&> \xe2\x80\xa8 \xff\x01");
    put_text("json", HEAD(2), "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"code\":0,\"hash\":\"AB\"}},{\"id\":2,\"error\":{\"code\":-3,\"message\":\"m\",\"data\":\"d\"}}]");
    static const char *const posts[] = {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"2\"}}",
                                        "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"broadcast_tx_commit\",\"params\":[\"eD15\"]},{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"status\"}]",
                                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"validators\",\"params\":[\"1\",\"1\",\"2\"]}",
                                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dump_consensus_state\"}", "{\"jsonrpc\":\"2.0\",\"method\":\"health\"}",
                                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"abci_query\",\"params\":{\"path\":\"/key\",\"data\":\"61\",\"prove\":true}}"};
    for (size_t i = 0; i < sizeof posts / sizeof posts[0]; i++)
        put_text("rpc", HEAD(0), posts[i]);
    static const char *const uris[] = {"block?height=2", "block_results?height=\"2\"", "blockchain?minHeight=1&maxHeight=3", "broadcast_tx_sync?tx=\"a=b\"",
                                       "broadcast_tx_commit?tx=0x613d62", "tx?hash=0x00&prove=true", "genesis_chunked?chunk=0", "abci_query?path=\"/key\"&data=0x61",
                                       "unconfirmed_txs?limit=5", "check_tx?tx=\"a=b\"", "consensus_params", "net_info", "commit?height=%31", "block_by_hash?hash=0xAA"};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++)
        put_text("rpc", HEAD(1), uris[i]);
    put("merkle", HEAD(0, 3, 7, 1), span_text("some leaves"));
    struct merkle_proof *proof = fuzz_room(sizeof *proof);
    uint8_t leaves[5][32] = {{1}, {2}, {3}, {4}, {5}};
    merkle_proof_make(proof, leaves[0], 5, 3);
    PUT_WRITTEN("merkle", HEAD(1), merkle_proof_write(&writer, proof));
    put("valset", HEAD(1), HEAD(6, 0x21, 0x32, 0x13, 3, 9, 4, 0x01, 0x44, 5, 2, 0x02));
    put_text("ed25519", HEAD(0, 3, 1), "message");
    put_text("ed25519", HEAD(3), "message");
    fuzz_end();
}

static size_t script_message(uint8_t *out, uint8_t op, uint8_t how, const struct wire_consensus *message) {
    FUZZ_WRITE(bytes, wire_consensus_write(&bytes, message));
    out[0] = op;
    out[1] = how;
    out[2] = (uint8_t)bytes.size;
    out[3] = (uint8_t)(bytes.size >> 8);
    memcpy(out + 4, bytes.data, bytes.size);
    return 4 + bytes.size;
}

static void own_replica(void) {
    struct wire_consensus vote = {.kind = WIRE_VOTE_MESSAGE}, proposal = {.kind = WIRE_PROPOSAL};
    struct wire_consensus claim = {.kind = WIRE_VOTE_SET_MAJ23, .height = 3, .type = VOTE_PREVOTE};
    struct wire_consensus step = {.kind = WIRE_NEW_ROUND_STEP, .height = 3, .step = 1, .last_commit_round = 0};
    struct wire_consensus part = {.kind = WIRE_BLOCK_PART, .height = 3, .part = {.bytes = span_text("part"), .proof = {.total = 1, .leaf_hash_size = 32}}};
    struct wire_consensus has = {.kind = WIRE_HAS_VOTE, .height = 3, .type = VOTE_PREVOTE, .index = 1};
    uint8_t script[1024];
    vote_init(&vote.vote);
    vote.vote.type = VOTE_PREVOTE;
    vote.vote.timestamp = (struct timestamp){1700000000, 0};
    vote.vote.signature.size = 64;
    vote.vote.validator_address.size = 20;
    proposal_init(&proposal.proposal);
    proposal.proposal.type = VOTE_PROPOSAL;
    proposal.proposal.pol_round = -1;
    proposal.proposal.timestamp = (struct timestamp){1700000000, 0};
    proposal.proposal.signature.size = 64;
    claim.block_id.hash.size = claim.block_id.parts.hash.size = 32;
    claim.block_id.parts.total = 1;
    proposal.proposal.block_id = claim.block_id;
    const struct wire_consensus *all[] = {&vote, &proposal, &claim, &step, &part, &has};
    size_t size = 0;
    for (size_t i = 0; i < 6; i++) {
        uint8_t one[512] = {1, 0xfc};
        size_t length = 2 + script_message(one + 2, 2, i < 2 ? 0x31 : 0x11, all[i]);
        one[length++] = 0xfc;
        put("replica", NO_HEAD, span_of(one, length));
        if (i < 4)
            size += script_message(script + size, 2, 0x71, all[i]);
        script[size++] = 0x28;
    }
    put("replica", HEAD(2), span_of(script, size));
    put("replica", HEAD(3, 0x11, 3, 0), span_text("\x0a\x01\x61"));
    put("replica", HEAD(128), HEAD(0xff, 1, 0, 0, 0x80, 0xff, 2, 0, 0, 0xff, 5, 77, 0, 0xf0));
    fuzz_end();
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s OUT [VECTORS]\n", argv[0]);
        return 2;
    }
    out_root = argv[1];
    for (char *slash = strchr(argv[1] + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(argv[1], 0777) != 0 && errno != EEXIST) {
            perror(argv[1]);
            return 1;
        }
        if (slash == NULL)
            break;
        *slash = '/';
    }
    if (argc > 2)
        from_vectors(argv[2]);
    unsigned long found = count;
    own_chain();
    own_evidence();
    own_abci();
    own_txs();
    own_files();
    own_streams();
    own_connections();
    own_texts();
    own_replica();
    fuzz_end();
    printf("fuzz-seeds: %lu from test vectors, %lu of our own\n", found, count - found);
    return 0;
}
