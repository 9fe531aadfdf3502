/* What each method answers, on a chain of five blocks whose third has two transactions. */
#include <check.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "tests/rpc/lab.h"

static struct lab lab;

static void open_lab(void) { lab_open(&lab, NULL, 5); }
static void close_lab(void) { lab_close(&lab); }

/* result.a.b[0].c as text: numbers and texts as they are, null and bools by name, else compact JSON. */
static const char *at(json_t *value, const char *path) {
    static char text[4096];
    char step[64];
    while (value != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");
        snprintf(step, sizeof step, "%.*s", (int)size, path);
        path += size + (path[size] == '.');
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(step)) : json_object_get(value, step);
    }
    if (value == NULL)
        return "MISSING";
    if (json_is_string(value))
        return json_string_value(value);
    char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    snprintf(text, sizeof text, "%s", dump);
    free(dump);
    return text;
}

static void error_is(const char *method, const char *params, const char *text) {
    char *error = lab_error(&lab, method, params);
    ck_assert_msg(strcmp(error, text) == 0, "%s %s: %s", method, params, error);
    free(error);
}

static void hash_of(int64_t height, char base64[static 64], char hex[static 80]) {
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(&lab.chain.ledger, &meta, height));
    text_base64(base64, digest_span(&meta.block_id.hash));
    text_hex_upper(hex, digest_span(&meta.block_id.hash));
}

START_TEST(status_tells_the_node_the_chain_and_the_validator) {
    json_t *result = lab_result(&lab, "status", "{}");
    char base64[64], hex[80], address[80];
    hash_of(5, base64, hex);
    text_hex_upper(address, address_span(&lab.chain.addresses[0]));
    ck_assert_str_eq(at(result, "node_info.protocol_version"), "{\"p2p\":\"8\",\"block\":\"11\",\"app\":\"1\"}");
    ck_assert_str_eq(at(result, "node_info.channels"), "4020");
    ck_assert_str_eq(at(result, "node_info.moniker"), "lab <1>");
    ck_assert_str_eq(at(result, "node_info.other.rpc_address"), "tcp://0.0.0.0:26657");
    ck_assert_str_eq(at(result, "sync_info.latest_block_hash"), hex);
    ck_assert_str_eq(at(result, "sync_info.latest_block_height"), "5");
    ck_assert_str_eq(at(result, "sync_info.earliest_block_height"), "1");
    ck_assert_str_eq(at(result, "sync_info.catching_up"), "false");
    ck_assert_str_eq(at(result, "validator_info.address"), address);
    ck_assert_str_eq(at(result, "validator_info.pub_key.type"), "tendermint/PubKeyEd25519");
    ck_assert_str_eq(at(result, "validator_info.voting_power"), "10");
    json_decref(result);
    lab.has_key = false;
    lab.catching_up = true;
    result = lab_result(&lab, "status", "{}");
    ck_assert_str_eq(at(result, "validator_info"), "{\"address\":\"\",\"pub_key\":null,\"voting_power\":\"0\"}");
    ck_assert_str_eq(at(result, "sync_info.catching_up"), "true");
    json_decref(result);
}
END_TEST

START_TEST(a_height_must_be_there) {
    static const char *const methods[] = {"block", "header", "commit", "block_results"};
    for (size_t i = 0; i < 4; i++) {
        error_is(methods[i], "{\"height\":\"0\"}", "height must be greater than 0, but got 0");
        error_is(methods[i], "{\"height\":\"-7\"}", "height must be greater than 0, but got -7");
        error_is(methods[i], "{\"height\":\"6\"}", "height 6 must be less than or equal to the current blockchain height 5");
    }
    error_is("validators", "{\"height\":\"7\"}", "height 7 must be less than or equal to the current blockchain height 6");
    error_is("consensus_params", "{\"height\":\"7\"}", "height 7 must be less than or equal to the current blockchain height 6");
    lab.chain.ledger.base = 3;
    error_is("block", "{\"height\":\"2\"}", "height 2 is not available, lowest height is 3");
    lab.catching_up = true;
    error_is("validators", "{\"height\":\"6\"}", "height 6 must be less than or equal to the current blockchain height 5");
}
END_TEST

START_TEST(a_node_that_catches_up_takes_transactions_as_its_release_does) {
    static const char *const methods[] = {"broadcast_tx_sync", "broadcast_tx_async", "broadcast_tx_commit"};
    lab.catching_up = true;
    for (size_t i = 0; i < 3; i++) {
        lab.chain.ledger.state.release = i == 1 ? PARAMS_V040 : PARAMS_V039;
        error_is(methods[i], "{\"tx\":\"eD15\"}", "endpoint is closed while node is catching up");
    }
    ck_assert_uint_eq(lab.submitted, 0);
    lab.chain.ledger.state.release = PARAMS_V038;
    json_decref(lab_result(&lab, "broadcast_tx_sync", "{\"tx\":\"eD15\"}"));
    lab.chain.ledger.state.release = PARAMS_V039;
    lab.catching_up = false;
    json_decref(lab_result(&lab, "broadcast_tx_sync", "{\"tx\":\"eD16\"}"));
    ck_assert_uint_eq(lab.submitted, 2);
    lab.chain.ledger.state.release = PARAMS_V038;
}
END_TEST

START_TEST(a_block_shows_its_parts) {
    json_t *result = lab_result(&lab, "block", "{\"height\":\"3\"}");
    char base64[64], hex[80], by_hash[160];
    hash_of(3, base64, hex);
    ck_assert_str_eq(at(result, "block_id.hash"), hex);
    ck_assert_str_eq(at(result, "block_id.parts.total"), "1");
    ck_assert_str_eq(at(result, "block.header.version"), "{\"block\":\"11\",\"app\":\"1\"}");
    ck_assert_str_eq(at(result, "block.header.chain_id"), CHAIN_ID);
    ck_assert_str_eq(at(result, "block.header.height"), "3");
    ck_assert_str_eq(at(result, "block.data.txs"), "[\"dHgwPXZhbHVl\",\"YT08Yj4=\"]");
    ck_assert_str_eq(at(result, "block.evidence"), "{\"evidence\":[]}");
    ck_assert_str_eq(at(result, "block.last_commit.height"), "2");
    ck_assert_str_eq(at(result, "block.last_commit.round"), "0");
    ck_assert_str_eq(at(result, "block.last_commit.signatures.0.block_id_flag"), "2");
    snprintf(by_hash, sizeof by_hash, "{\"hash\":\"%s\"}", base64);
    json_t *again = lab_result(&lab, "block_by_hash", by_hash);
    ck_assert(json_equal(result, again));
    json_decref(again);
    json_decref(result);
    result = lab_result(&lab, "block", "{\"height\":\"1\"}");
    ck_assert_str_eq(at(result, "block.last_commit"),
                     "{\"height\":\"0\",\"round\":0,\"block_id\":{\"hash\":\"\",\"parts\":{\"total\":0,\"hash\":\"\"}},\"signatures\":[]}");
    ck_assert_str_eq(at(result, "block.data.txs"), "[]");
    json_decref(result);
}
END_TEST

START_TEST(an_unknown_hash_gives_nothing_and_no_error) {
    static const char *const hashes[] = {"{}", "{\"hash\":\"\"}", "{\"hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"};
    for (size_t i = 0; i < 3; i++) {
        json_t *result = lab_result(&lab, "block_by_hash", hashes[i]);
        ck_assert_str_eq(at(result, ""), "{\"block_id\":{\"hash\":\"\",\"parts\":{\"total\":0,\"hash\":\"\"}},\"block\":null}");
        json_decref(result);
    }
    json_t *result = lab_result(&lab, "header_by_hash", "{\"hash\":\"00\"}");
    ck_assert_str_eq(at(result, ""), "{\"header\":null}");
    json_decref(result);
}
END_TEST

START_TEST(a_header_is_found_by_height_and_by_hash) {
    char base64[64], hex[80], by_hash[160];
    hash_of(4, base64, hex);
    snprintf(by_hash, sizeof by_hash, "{\"hash\":\"%s\"}", hex);
    json_t *one = lab_result(&lab, "header", "[\"4\"]"), *other = lab_result(&lab, "header_by_hash", by_hash);
    ck_assert_str_eq(at(one, "header.height"), "4");
    ck_assert(json_equal(one, other));
    json_decref(one);
    json_decref(other);
}
END_TEST

START_TEST(a_commit_is_canonical_but_for_the_last_height) {
    json_t *result = lab_result(&lab, "commit", "{\"height\":\"4\"}");
    char base64[64], hex[80];
    hash_of(4, base64, hex);
    ck_assert_str_eq(at(result, "canonical"), "true");
    ck_assert_str_eq(at(result, "signed_header.header.height"), "4");
    ck_assert_str_eq(at(result, "signed_header.commit.block_id.hash"), hex);
    json_decref(result);
    result = lab_result(&lab, "commit", "{}");
    ck_assert_str_eq(at(result, "canonical"), "false");
    ck_assert_str_eq(at(result, "signed_header.commit.height"), "5");
    json_decref(result);
}
END_TEST

START_TEST(block_metas_come_newest_first_and_at_most_twenty) {
    json_t *result = lab_result(&lab, "blockchain", "{}");
    ck_assert_str_eq(at(result, "last_height"), "5");
    ck_assert_uint_eq(json_array_size(json_object_get(result, "block_metas")), 5);
    ck_assert_str_eq(at(result, "block_metas.0.header.height"), "5");
    ck_assert_str_eq(at(result, "block_metas.2.num_txs"), "2");
    ck_assert(atoi(at(result, "block_metas.2.block_size")) > 300);
    json_decref(result);
    result = lab_result(&lab, "blockchain", "{\"minHeight\":\"2\",\"maxHeight\":\"3\"}");
    ck_assert_uint_eq(json_array_size(json_object_get(result, "block_metas")), 2);
    json_decref(result);
    chain_run(&lab.chain, 30);
    result = lab_result(&lab, "blockchain", "{\"minHeight\":\"1\"}");
    ck_assert_uint_eq(json_array_size(json_object_get(result, "block_metas")), 20);
    json_decref(result);
    error_is("blockchain", "{\"minHeight\":\"-1\"}", "heights must be non-negative");
    error_is("blockchain", "{\"minHeight\":\"-9223372036854775808\",\"maxHeight\":\"-9223372036854775788\"}", "heights must be non-negative");
    error_is("blockchain", "{\"minHeight\":\"4\",\"maxHeight\":\"3\"}", "min height 4 can't be greater than max height 3");
}
END_TEST

START_TEST(validators_come_in_pages) {
    lab_close(&lab);
    lab_open(&lab, NULL, 0);
    struct valset_change changes[5];
    for (int i = 0; i < 5; i++)
        changes[i] = (struct valset_change){.pub_key = lab.chain.pub_keys[i], .power = 10 + i};
    ck_assert_int_eq(valset_make(&lab.chain.ledger.state.validators, changes, 5), VALSET_GOOD);
    json_t *result = lab_result(&lab, "validators", "{\"page\":\"2\",\"per_page\":\"2\"}");
    ck_assert_str_eq(at(result, "block_height"), "1");
    ck_assert_str_eq(at(result, "count"), "2");
    ck_assert_str_eq(at(result, "total"), "5");
    ck_assert_str_eq(at(result, "validators.0.voting_power"), "12");
    ck_assert_str_eq(at(result, "validators.0.pub_key.type"), "tendermint/PubKeyEd25519");
    json_decref(result);
    result = lab_result(&lab, "validators", "{\"page\":\"3\",\"per_page\":\"2\"}");
    ck_assert_str_eq(at(result, "count"), "1");
    json_decref(result);
    result = lab_result(&lab, "validators", "{\"per_page\":\"-3\"}");
    ck_assert_str_eq(at(result, "count"), "5");
    json_decref(result);
    error_is("validators", "{\"page\":\"4\",\"per_page\":\"2\"}", "page should be within [1, 3] range, given 4");
    error_is("validators", "{\"page\":\"0\"}", "page should be within [1, 1] range, given 0");
    error_is("validators", "{\"page\":\"-9223372036854775808\"}", "page should be within [1, 1] range, given -9223372036854775808");
    error_is("validators", "{\"page\":\"9223372036854775807\",\"per_page\":\"9223372036854775807\"}", "page should be within [1, 1] range, given 9223372036854775807");
}
END_TEST

START_TEST(parameters_are_those_of_the_height) {
    json_t *result = lab_result(&lab, "consensus_params", "{}");
    ck_assert_str_eq(at(result, ""),
                     "{\"block_height\":\"6\",\"consensus_params\":{\"block\":{\"max_bytes\":\"22020096\",\"max_gas\":\"-1\"},\"evidence\":{\"max_age_num_blocks\":"
                     "\"100000\",\"max_age_duration\":\"172800000000000\",\"max_bytes\":\"1048576\"},\"validator\":{\"pub_key_types\":[\"ed25519\"]},\"version\":{"
                     "\"app\":\"0\"},\"abci\":{\"vote_extensions_enable_height\":\"0\"}}}");
    json_decref(result);
}
END_TEST

START_TEST(results_show_what_the_application_said) {
    json_t *result = lab_result(&lab, "block_results", "{\"height\":\"3\"}");
    ck_assert_str_eq(at(result, "height"), "3");
    ck_assert_uint_eq(json_array_size(json_object_get(result, "txs_results")), 2);
    ck_assert_str_eq(at(result, "txs_results.0.code"), "0");
    ck_assert_str_eq(at(result, "txs_results.0.data"), "null");
    ck_assert_str_eq(at(result, "txs_results.0.gas_used"), "0");
    ck_assert_str_eq(at(result, "txs_results.0.events.0.attributes.0"), "{\"key\":\"creator\",\"value\":\"Cosmoshi Netowoko\",\"index\":true}");
    ck_assert_str_eq(at(result, "validator_updates"), "null");
    ck_assert_str_eq(at(result, "consensus_param_updates"), "null");
    ck_assert_str_eq(at(result, "app_hash"), "BAAAAAAAAAA=");
    json_decref(result);
    result = lab_result(&lab, "block_results", "{\"height\":\"2\"}");
    ck_assert_str_eq(at(result, "txs_results"), "null");
    ck_assert_str_eq(at(result, "finalize_block_events"), "null");
    json_decref(result);
}
END_TEST

START_TEST(a_transaction_is_found_by_its_hash_with_its_proof) {
    uint8_t hash[32];
    char base64[64], params[160], hex[80];
    sha256_once(hash, span_text("a=<b>"));
    text_base64(base64, span_of(hash, 32));
    text_hex_upper(hex, span_of(hash, 32));
    snprintf(params, sizeof params, "{\"hash\":\"%s\",\"prove\":true}", base64);
    json_t *result = lab_result(&lab, "tx", params), *block = lab_result(&lab, "block", "{\"height\":\"3\"}");
    ck_assert_str_eq(at(result, "hash"), hex);
    ck_assert_str_eq(at(result, "height"), "3");
    ck_assert_str_eq(at(result, "index"), "1");
    ck_assert_str_eq(at(result, "tx"), "YT08Yj4=");
    ck_assert_str_eq(at(result, "tx_result.events.0.type"), "app");
    char root[80];
    snprintf(root, sizeof root, "%s", at(block, "block.header.data_hash"));
    ck_assert_str_eq(at(result, "proof.root_hash"), root);
    ck_assert_str_eq(at(result, "proof.data"), "YT08Yj4=");
    ck_assert_str_eq(at(result, "proof.proof.total"), "2");
    ck_assert_str_eq(at(result, "proof.proof.index"), "1");
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(json_object_get(result, "proof"), "proof"), "aunts")), 1);
    json_decref(result);
    json_decref(block);
    snprintf(params, sizeof params, "{\"hash\":\"%s\"}", base64);
    result = lab_result(&lab, "tx", params);
    ck_assert_str_eq(at(result, "proof"), "MISSING");
    json_decref(result);
    error_is("tx", "{\"hash\":\"AAE=\"}", "tx (0001) not found");
    error_is("tx", "{}", "transaction hash cannot be empty");
    lab.chain.ledger.index_transactions = false;
    error_is("tx", params, "transaction indexing is disabled");
}
END_TEST

START_TEST(broadcast_answers_with_check_and_hash) {
    json_t *result = lab_result(&lab, "broadcast_tx_sync", "{\"tx\":\"az12\"}");
    ck_assert_str_eq(at(result, ""), "{\"code\":0,\"data\":\"\",\"log\":\"\",\"codespace\":\"\",\"hash\":\"9246D2C0E0F213AE2B86AC78A432A55EDFD31D07A072331D58763C08D5292212\"}");
    json_decref(result);
    ck_assert_uint_eq(mempool_count(lab.mempool), 1);
    error_is("broadcast_tx_sync", "{\"tx\":\"az12\"}", "tx already exists in cache");
    error_is("broadcast_tx_async", "{\"tx\":\"az12\"}", "tx already exists in cache");
    error_is("broadcast_tx_commit", "{\"tx\":\"az12\"}", "error on broadcastTxCommit: tx already exists in cache");
    result = lab_result(&lab, "broadcast_tx_async", "{\"tx\":\"az13\"}");
    ck_assert_str_eq(at(result, "code"), "0");
    json_decref(result);
}
END_TEST

START_TEST(a_transaction_refused_by_the_application_is_an_answer_and_not_an_error) {
    json_t *result = lab_result(&lab, "broadcast_tx_sync", "{\"tx\":\"bm9ub25zZW5zZQ==\"}");
    ck_assert_str_eq(at(result, "code"), "2");
    json_decref(result);
    result = lab_result(&lab, "broadcast_tx_async", "{\"tx\":\"bm9ub25zZW5zZTI=\"}");
    ck_assert_str_eq(at(result, "code"), "0");
    json_decref(result);
    result = lab_result(&lab, "broadcast_tx_commit", "{\"tx\":\"bm9ub25zZW5zZTM=\"}");
    ck_assert_str_eq(at(result, "check_tx.code"), "2");
    ck_assert_str_eq(at(result, "tx_result"),
                     "{\"code\":0,\"data\":null,\"log\":\"\",\"info\":\"\",\"gas_wanted\":\"0\",\"gas_used\":\"0\",\"events\":[],\"codespace\":\"\"}");
    ck_assert_str_eq(at(result, "height"), "0");
    json_decref(result);
    ck_assert_uint_eq(mempool_count(lab.mempool), 0);
    result = lab_result(&lab, "check_tx", "{\"tx\":\"az12\"}");
    ck_assert_str_eq(at(result, "gas_wanted"), "1");
    json_decref(result);
    ck_assert_uint_eq(mempool_count(lab.mempool), 0);
}
END_TEST

START_TEST(full_and_too_large_are_told_in_numbers) {
    char large[2000], params[2100];
    memset(large, 'A', sizeof large);
    snprintf(params, sizeof params, "{\"tx\":\"%.*s\"}", 1336, large);
    error_is("broadcast_tx_sync", params, "Tx too large. Max size is 1000, but got 1002");
    static const char *const txs[] = {"az0x", "az0y", "az0z", "az00"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(params, sizeof params, "{\"tx\":\"%s\"}", txs[i]);
        json_decref(lab_result(&lab, "broadcast_tx_sync", params));
    }
    error_is("broadcast_tx_sync", "{\"tx\":\"az01\"}", "mempool is full: number of txs 4 (max: 4), total txs bytes 12 (max: 2000)");
    error_is("broadcast_tx_commit", "{\"tx\":\"az01\"}",
             "error on broadcastTxCommit: mempool is full: number of txs 4 (max: 4), total txs bytes 12 (max: 2000)");
}
END_TEST

START_TEST(waiting_transactions_are_counted_and_listed) {
    json_decref(lab_result(&lab, "broadcast_tx_sync", "{\"tx\":\"az12\"}"));
    json_decref(lab_result(&lab, "broadcast_tx_sync", "{\"tx\":\"az13\"}"));
    json_t *result = lab_result(&lab, "num_unconfirmed_txs", "{}");
    ck_assert_str_eq(at(result, ""), "{\"n_txs\":\"2\",\"total\":\"2\",\"total_bytes\":\"6\",\"txs\":null}");
    json_decref(result);
    result = lab_result(&lab, "unconfirmed_txs", "{\"limit\":\"1\"}");
    ck_assert_str_eq(at(result, ""), "{\"n_txs\":\"1\",\"total\":\"2\",\"total_bytes\":\"6\",\"txs\":[\"az12\"]}");
    json_decref(result);
    result = lab_result(&lab, "unconfirmed_txs", "{\"limit\":\"-1\"}");
    ck_assert_str_eq(at(result, "txs"), "[\"az12\",\"az13\"]");
    json_decref(result);
}
END_TEST

START_TEST(the_application_is_asked_for_info_and_values) {
    json_t *result = lab_result(&lab, "abci_info", "{}");
    ck_assert_str_eq(at(result, "response.last_block_height"), "5");
    ck_assert_str_eq(at(result, "response.last_block_app_hash"), "BAAAAAAAAAA=");
    ck_assert_str_eq(at(result, "response.app_version"), "1");
    json_decref(result);
    result = lab_result(&lab, "abci_query", "{\"data\":\"747830\"}");
    ck_assert_str_eq(at(result, "response.key"), "dHgw");
    ck_assert_str_eq(at(result, "response.value"), "dmFsdWU=");
    ck_assert_str_eq(at(result, "response.log"), "exists");
    ck_assert_str_eq(at(result, "response.proofOps"), "null");
    json_decref(result);
    result = lab_result(&lab, "abci_query", "{\"data\":\"ff\"}");
    ck_assert_str_eq(at(result, "response.value"), "null");
    json_decref(result);
}
END_TEST

START_TEST(genesis_is_given_whole_and_in_chunks) {
    json_t *result = lab_result(&lab, "genesis", "{}"), *chunk = lab_result(&lab, "genesis_chunked", "{\"chunk\":\"0\"}");
    ck_assert_str_eq(at(result, "genesis.chain_id"), CHAIN_ID);
    ck_assert_str_eq(at(result, "genesis.initial_height"), "1");
    ck_assert_str_eq(at(result, "genesis.validators.0.power"), "10");
    ck_assert_str_eq(at(chunk, "total"), "1");
    ck_assert_str_eq(at(chunk, "chunk"), "0");
    const char *data = at(chunk, "data");
    static uint8_t bytes[65536];
    size_t size;
    ck_assert(text_base64_decode(bytes, &size, sizeof bytes, span_text(data)));
    json_t *document = json_loadb((char *)bytes, size, 0, NULL);
    ck_assert(json_equal(document, json_object_get(result, "genesis")));
    json_decref(document);
    json_decref(chunk);
    json_decref(result);
    error_is("genesis_chunked", "{\"chunk\":\"1\"}", "there are 0 chunks, 1 is invalid");
    error_is("genesis_chunked", "{\"chunk\":\"9223372036854775807\"}", "there are 0 chunks, 9223372036854775807 is invalid");
}
END_TEST

START_TEST(peers_are_listed) {
    lab.peer_count = 2;
    json_t *result = lab_result(&lab, "net_info", "{}");
    ck_assert_str_eq(at(result, "n_peers"), "2");
    ck_assert_str_eq(at(result, "listening"), "true");
    ck_assert_str_eq(at(result, "peers.1.is_outbound"), "true");
    ck_assert_str_eq(at(result, "peers.1.connection_status.SendMonitor.Bytes"), "6");
    ck_assert_str_eq(at(result, "peers.1.connection_status.Channels.0"),
                     "{\"ID\":32,\"SendQueueCapacity\":\"0\",\"SendQueueSize\":\"0\",\"Priority\":\"6\",\"RecentlySent\":\"0\"}");
    json_decref(result);
}
END_TEST

START_TEST(consensus_state_shows_round_and_votes) { /* wound 16: asked while peers are there, it answers */
    lab.peer_count = 1;
    json_t *result = lab_result(&lab, "consensus_state", "{}");
    ck_assert_str_eq(at(result, "round_state.start_time"), "2023-11-14T22:14:59Z");
    ck_assert(strncmp(at(result, "round_state.height/round/step"), "6/0/", 4) == 0);
    ck_assert_str_eq(at(result, "round_state.height_vote_set.0.prevotes.0"), "nil-Vote");
    ck_assert_str_eq(at(result, "round_state.height_vote_set.0.precommits_bit_array"), "BA{1:_} 0/10 = 0.00");
    ck_assert_str_eq(at(result, "round_state.proposer.index"), "0");
    ck_assert_str_eq(at(result, "round_state.locked_block_hash"), "");
    json_decref(result);
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_ON_VOTE};
    struct block_id id = {.hash = digest_of((const uint8_t[32]){0xAB}), .parts = {1, digest_of((const uint8_t[32]){1})}};
    chain_vote(&lab.chain, &event.vote, &lab.chain.ledger.state.validators, 0, &id, 6, 0, (struct timestamp){1700000000, 0});
    event.vote.type = VOTE_PREVOTE;
    event.peer = 1;
    engine_step(&lab.engine, &effects, &event);
    result = lab_result(&lab, "dump_consensus_state", "{}");
    ck_assert_str_eq(at(result, "round_state.height"), "6");
    const char *vote = at(result, "round_state.votes.0.prevotes.0");
    ck_assert_msg(strncmp(vote, "Vote{0:", 7) == 0 && strstr(vote, " 6/00/SIGNED_MSG_TYPE_PREVOTE(Prevote) AB0000000000 ") != NULL &&
                      strstr(vote, " 000000000000 @ 2023-11-14T22:13:20Z}") != NULL,
                  "%s", vote);
    ck_assert_str_eq(at(result, "round_state.votes.0.prevotes_bit_array"), "BA{1:x} 10/10 = 1.00");
    ck_assert_str_eq(at(result, "round_state.validators.validators.0.voting_power"), "10");
    ck_assert_str_eq(at(result, "peers.0.peer_state.round_state.height"), "9");
    json_decref(result);
}
END_TEST

START_TEST(a_node_before_its_first_block_answers_everything) {
    lab_close(&lab);
    lab_open(&lab, NULL, 0);
    static const char *const methods[] = {"status", "net_info", "validators", "consensus_params", "abci_info", "consensus_state", "dump_consensus_state", "genesis",
                                          "unconfirmed_txs", "block"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        json_decref(lab_result(&lab, methods[i], "{}"));
    error_is("blockchain", "{}", "min height 1 can't be greater than max height 0");
    error_is("block", "{\"height\":\"1\"}", "height 1 must be less than or equal to the current blockchain height 0");
    json_t *result = lab_result(&lab, "status", "{}");
    ck_assert_str_eq(at(result, "sync_info.latest_block_time"), "1970-01-01T00:00:00Z");
    ck_assert_str_eq(at(result, "sync_info.latest_block_hash"), "");
    json_decref(result);
}
END_TEST

Suite *suite_routes(void);
Suite *suite_routes(void) {
    Suite *suite = suite_create("routes");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, open_lab, close_lab);
    tcase_add_test(all, status_tells_the_node_the_chain_and_the_validator);
    tcase_add_test(all, a_height_must_be_there);
    tcase_add_test(all, a_node_that_catches_up_takes_transactions_as_its_release_does);
    tcase_add_test(all, a_block_shows_its_parts);
    tcase_add_test(all, an_unknown_hash_gives_nothing_and_no_error);
    tcase_add_test(all, a_header_is_found_by_height_and_by_hash);
    tcase_add_test(all, a_commit_is_canonical_but_for_the_last_height);
    tcase_add_test(all, block_metas_come_newest_first_and_at_most_twenty);
    tcase_add_test(all, validators_come_in_pages);
    tcase_add_test(all, parameters_are_those_of_the_height);
    tcase_add_test(all, results_show_what_the_application_said);
    tcase_add_test(all, a_transaction_is_found_by_its_hash_with_its_proof);
    tcase_add_test(all, broadcast_answers_with_check_and_hash);
    tcase_add_test(all, a_transaction_refused_by_the_application_is_an_answer_and_not_an_error);
    tcase_add_test(all, full_and_too_large_are_told_in_numbers);
    tcase_add_test(all, waiting_transactions_are_counted_and_listed);
    tcase_add_test(all, the_application_is_asked_for_info_and_values);
    tcase_add_test(all, genesis_is_given_whole_and_in_chunks);
    tcase_add_test(all, peers_are_listed);
    tcase_add_test(all, consensus_state_shows_round_and_votes);
    tcase_add_test(all, a_node_before_its_first_block_answers_everything);
    suite_add_tcase(suite, all);
    return suite;
}
