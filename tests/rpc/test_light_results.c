/* A node's real answers, as they are and with every byte changed: whatever is still believed is either what it was, or covered by no hash. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/app_ledger.h"
#include "ledger/state_proof.h"
#include "rpc/light_json.h"
#include "rpc/light_results.h"
#include "rpc/shapes.h"
#include "tendermint/light_verify.h"
#include "tests/rpc/lab.h"

Suite *suite_light_results(void);

static struct lab lab;
static struct arena arena;

static void set_up(void) {
    lab_open(&lab, &(struct rpc_config){0}, 6);
    arena_init(&arena, 1 << 27);
}

static void tear_down(void) {
    lab_close(&lab);
    arena_close(&arena);
}

/* The result of a call as its text, in the arena. */
static struct span result_of(const char *method, const char *params) {
    json_t *result = lab_result(&lab, method, params);
    char *text = json_dumps(result, JSON_COMPACT);
    struct span copy, value;
    ck_assert(arena_copy(&arena, &copy, span_text(text)) && scan_value(&value, copy, NULL));
    free(text);
    json_decref(result);
    return value;
}

static struct header header_at(int64_t height) {
    struct header header;
    struct commit commit;
    char params[64];
    const char *error;
    snprintf(params, sizeof params, "{\"height\":\"%d\"}", (int)height);
    ck_assert(light_json_commit(&header, &commit, &error, result_of("commit", params), &arena));
    return header;
}

typedef const char *reader(struct span result, int64_t *height, struct digest *hash, struct arena *arena);

/* Changes each byte in turn. Returns how many changes left height and hash as they were. */
static uint32_t count_unnoticed(struct span result, reader *read, int64_t height, const struct digest *hash) {
    uint8_t *text = (uint8_t *)result.data;
    uint32_t unnoticed = 0;
    struct arena scratch;
    arena_init(&scratch, 1 << 24);
    for (size_t i = 0; i < result.size; i++) {
        struct span value;
        struct digest other = {0};
        int64_t at = 0;
        uint8_t was = text[i];
        text[i] = was == '1' ? '2' : was == 'A' ? 'B' : was >= '0' && was <= '9' ? '1' : was >= 'A' && was <= 'Z' ? 'A' : (uint8_t)(was ^ 1);
        bool is_json = scan_value(&value, result, NULL);
        if (is_json && read(value, &at, &other, &scratch) == NULL && at == height && digest_equal(&other, hash))
            unnoticed++;
        text[i] = was;
        arena_reset(&scratch);
    }
    arena_close(&scratch);
    return unnoticed;
}

START_TEST(a_block_is_believed_with_its_transactions_and_no_byte_of_them_changed) {
    int64_t height;
    struct digest hash, wanted;
    struct span result = result_of("block", "{\"height\":\"3\"}");
    struct header header = header_at(3);
    header_hash(&wanted, &header);
    ck_assert_ptr_null(light_results_block(result, &height, &hash, &arena));
    ck_assert_int_eq(height, 3);
    ck_assert(digest_equal(&hash, &wanted));
    /* What is not covered: the id's part set, the round, and names of members that are as good when missing. */
    ck_assert_uint_lt(count_unnoticed(result, light_results_block, 3, &wanted), 160);
    char *tx = strstr((char *)result.data, "\"txs\":[\"");
    ck_assert_ptr_nonnull(tx);
    tx[8] ^= 1;
    ck_assert_ptr_nonnull(light_results_block(result, &height, &hash, &arena));
    tx[8] ^= 1;
    char *sig = strstr((char *)result.data, "\"signature\":\"");
    sig[13] = sig[13] == 'Q' ? 'R' : 'Q';
    ck_assert_ptr_nonnull(light_results_block(result, &height, &hash, &arena));
}
END_TEST

START_TEST(results_lead_to_the_next_header) {
    int64_t height;
    struct digest hash;
    struct header header = header_at(4);
    struct span result = result_of("block_results", "{\"height\":\"3\"}");
    ck_assert_ptr_null(light_results_txs(result, &height, &hash, &arena));
    ck_assert_int_eq(height, 3);
    ck_assert(digest_equal(&hash, &header.last_results_hash));
    char *code = strstr((char *)result.data, "\"code\":0");
    ck_assert_ptr_nonnull(code);
    code[7] = '1';
    ck_assert_ptr_null(light_results_txs(result, &height, &hash, &arena));
    ck_assert(!digest_equal(&hash, &header.last_results_hash));
    result = result_of("block_results", "{\"height\":\"2\"}");
    header = header_at(3);
    ck_assert_ptr_null(light_results_txs(result, &height, &hash, &arena));
    ck_assert(digest_equal(&hash, &header.last_results_hash));
}
END_TEST

START_TEST(parameters_lead_to_the_consensus_hash) {
    int64_t height;
    struct digest hash;
    struct header header = header_at(5);
    struct span result = result_of("consensus_params", "{\"height\":\"5\"}");
    ck_assert_ptr_null(light_results_params(result, &height, &hash, &arena));
    ck_assert_int_eq(height, 5);
    ck_assert(digest_equal(&hash, &header.consensus_hash));
    char *size = strstr((char *)result.data, "\"max_gas\":\"-1\"");
    ck_assert_ptr_nonnull(size);
    size[12] = '2';
    light_results_params(result, &height, &hash, &arena);
    ck_assert(!digest_equal(&hash, &header.consensus_hash));
}
END_TEST

START_TEST(headers_come_with_their_hashes) {
    int64_t heights[8];
    struct digest hashes[8];
    uint32_t count;
    struct span result = result_of("blockchain", "{\"minHeight\":\"2\",\"maxHeight\":\"4\"}");
    ck_assert_ptr_null(light_results_blockchain(result, heights, hashes, &count, 8, &arena));
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(heights[0], 4);
    struct header header = header_at(2);
    struct digest wanted;
    header_hash(&wanted, &header);
    ck_assert(digest_equal(&hashes[2], &wanted));
    ck_assert_ptr_nonnull(light_results_blockchain(result, heights, hashes, &count, 2, &arena));
    result = result_of("header", "{\"height\":\"2\"}");
    ck_assert_ptr_null(light_results_header(result, heights, hashes, &arena));
    ck_assert(digest_equal(&hashes[0], &wanted));
}
END_TEST

static struct span tx_result(struct digest *asked) {
    json_t *block = lab_result(&lab, "block", "{\"height\":\"3\"}");
    const char *text = json_string_value(json_array_get(json_object_get(json_object_get(json_object_get(block, "block"), "data"), "txs"), 0));
    uint8_t tx[256];
    size_t size;
    char base64[64], params[128];
    ck_assert(text_base64_decode(tx, &size, sizeof tx, span_text(text)));
    json_decref(block);
    asked->size = 32;
    sha256_once(asked->bytes, span_of(tx, size));
    text_base64(base64, digest_span(asked));
    snprintf(params, sizeof params, "{\"hash\":\"%s\",\"prove\":true}", base64);
    return result_of("tx", params);
}

START_TEST(a_transaction_s_proof_leads_to_the_data_hash) {
    int64_t height;
    struct digest asked, data_hash;
    struct header header = header_at(3);
    struct span result = tx_result(&asked);
    ck_assert_ptr_null(light_results_tx(result, &asked, &height, &data_hash, &arena));
    ck_assert_int_eq(height, 3);
    ck_assert(digest_equal(&data_hash, &header.data_hash));
    struct digest other = asked;
    other.bytes[0] ^= 1;
    ck_assert_ptr_nonnull(light_results_tx(result, &other, &height, &data_hash, &arena));
    char *tx = strstr((char *)result.data, "\"tx\":\"");
    tx[6] ^= 1;
    ck_assert_ptr_nonnull(light_results_tx(result, &(struct digest){0}, &height, &data_hash, &arena));
    tx[6] ^= 1;
    char *leaf = strstr((char *)result.data, "\"leaf_hash\":\"");
    leaf[14] ^= 1;
    ck_assert_ptr_nonnull(light_results_tx(result, &(struct digest){0}, &height, &data_hash, &arena));
}
END_TEST

/* The ledger application's, as rpc shows them. */
static struct span query_text(const struct abci_answer *answer) {
    struct emit emit;
    struct span copy, value;
    emit_init(&emit);
    emit_literal(&emit, "{\"response\":");
    shapes_answer(&emit, answer);
    emit_literal(&emit, "}");
    ck_assert(arena_copy(&arena, &copy, span_of(emit.data, emit.size)) && scan_value(&value, copy, NULL));
    emit_close(&emit);
    return value;
}

START_TEST(a_piece_of_state_is_believed_against_the_app_hash_above) {
    struct chain chain;
    struct light_results_query query;
    chain_open(&chain, &(struct chain_config){.validators = 1, .open_app = app_ledger_open});
    chain_run(&chain, 2);
    struct app_hash app_hash = chain.ledger.state.app_hash;
    struct abci_answer answer;
    struct abci_query question = {.path = span_text("/store/sys/key"), .data = span_text("accounts"), .prove = true};
    chain.app->table->query(chain.app, &answer, &question, &arena);
    struct span text = query_text(&answer);
    ck_assert_ptr_null(light_results_query(&query, text, &arena));
    ck_assert_int_eq(query.height, 2);
    ck_assert_ptr_null(light_results_query_verify(&query, question.path, question.data, &app_hash));
    ck_assert_ptr_nonnull(light_results_query_verify(&query, span_text("/store/bank/key"), question.data, &app_hash));
    ck_assert_ptr_nonnull(light_results_query_verify(&query, span_text("/ledger/account/x"), question.data, &app_hash));
    ck_assert_ptr_nonnull(light_results_query_verify(&query, question.path, span_text("prefix"), &app_hash));
    app_hash.bytes[3] ^= 1;
    ck_assert_ptr_nonnull(light_results_query_verify(&query, question.path, question.data, &app_hash));
    question.prove = false;
    chain.app->table->query(chain.app, &answer, &question, &arena);
    ck_assert_ptr_nonnull(strstr(light_results_query(&query, query_text(&answer), &arena), "no proof"));
    chain_close(&chain);
}
END_TEST

START_TEST(what_a_light_client_reads_is_a_light_block) {
    struct header header;
    struct commit commit;
    struct validator members[CHAIN_VALIDATORS_MAX];
    struct valset set;
    const char *error = "";
    uint32_t count = 0;
    int64_t total, height;
    valset_init(&set);
    ck_assert(light_json_commit(&header, &commit, &error, result_of("commit", "{\"height\":\"4\"}"), &arena));
    ck_assert(light_json_validators(members, &count, &total, &height, &error, result_of("validators", "{\"height\":\"4\"}"), &arena));
    ck_assert_int_eq(total, count);
    ck_assert_int_eq(light_block_set_of(&set, members, count), VALSET_GOOD);
    struct light_block *block = light_block_new(&header, &commit, &set), *again;
    ck_assert_int_eq(light_check(block, span_text(CHAIN_ID)), LIGHT_GOOD);
    struct emit emit;
    struct span value;
    emit_init(&emit);
    light_json_write(&emit, block);
    ck_assert(scan_value(&value, span_of(emit.data, emit.size), NULL));
    again = light_json_block(&error, value, &arena);
    ck_assert_msg(again != NULL, "%s", error);
    ck_assert(digest_equal(&again->hash, &block->hash));
    ck_assert(light_block_same_priorities(again, block));
    emit_close(&emit);
    light_block_release(block);
    light_block_release(again);
    valset_close(&set);
}
END_TEST

START_TEST(answers_that_lack_something_are_named_by_it) {
    struct header header;
    struct commit commit;
    const char *error = "";
    struct span value;
    ck_assert(scan_value(&value, span_text("{\"signed_header\":{\"header\":null,\"commit\":null}}"), NULL));
    ck_assert(!light_json_commit(&header, &commit, &error, value, &arena));
    ck_assert_str_eq(error, "header");
    ck_assert(scan_value(&value, span_text("[]"), NULL));
    ck_assert(!light_json_commit(&header, &commit, &error, value, &arena));
    ck_assert_str_eq(error, "signed_header");
    uint32_t count = 0;
    int64_t total, height;
    struct validator members[1];
    ck_assert(scan_value(&value, span_text("{\"validators\":[],\"total\":\"0\"}"), NULL));
    ck_assert(!light_json_validators(members, &count, &total, &height, &error, value, &arena));
}
END_TEST

Suite *suite_light_results(void) {
    Suite *suite = suite_create("light_results");
    TCase *tests = tcase_create("light_results");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_block_is_believed_with_its_transactions_and_no_byte_of_them_changed);
    tcase_add_test(tests, results_lead_to_the_next_header);
    tcase_add_test(tests, parameters_lead_to_the_consensus_hash);
    tcase_add_test(tests, headers_come_with_their_hashes);
    tcase_add_test(tests, a_transaction_s_proof_leads_to_the_data_hash);
    tcase_add_test(tests, a_piece_of_state_is_believed_against_the_app_hash_above);
    tcase_add_test(tests, what_a_light_client_reads_is_a_light_block);
    tcase_add_test(tests, answers_that_lack_something_are_named_by_it);
    suite_add_tcase(suite, tests);
    return suite;
}
