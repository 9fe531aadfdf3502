/* A node's real answers made into heights: as they are, and with every byte changed. */
#include "rpc/light_height.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "rpc/light_json.h"
#include "rpc/shapes.h"
#include "tests/rpc/lab.h"

Suite *suite_light_height(void);

static struct lab lab;
static struct arena arena;
static struct light_block *blocks[12];

static void submit(const char *tx) {
    struct lab_reply reply;
    char params[512], base64[400];
    text_base64(base64, span_text(tx));
    snprintf(params, sizeof params, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_tx_sync\",\"params\":{\"tx\":\"%s\"}}", base64);
    lab_post(&lab, &reply, params);
    ck_assert_msg(strstr(reply.text, "\"code\":0") != NULL, "%s", reply.text);
    lab_reply_close(&reply);
}

/* The result of a call as its text, in the arena. */
static struct span result_of(const char *method, int height) {
    char params[64];
    snprintf(params, sizeof params, "{\"height\":\"%d\"}", height);
    json_t *result = lab_result(&lab, method, params);
    char *text = json_dumps(result, JSON_COMPACT);
    struct span copy, value;
    ck_assert(arena_copy(&arena, &copy, span_text(text)) && scan_value(&value, copy, NULL));
    free(text);
    json_decref(result);
    return value;
}

static struct light_block *fetch(int height) {
    static struct validator members[VALSET_COUNT_MAX];
    struct header header;
    struct commit commit;
    struct valset set;
    uint32_t count = 0;
    int64_t total, at;
    const char *error;
    ck_assert(light_json_commit(&header, &commit, &error, result_of("commit", height), &arena));
    ck_assert(light_json_validators(members, &count, &total, &at, &error, result_of("validators", height), &arena));
    valset_init(&set);
    ck_assert_int_eq(light_block_set_of(&set, members, count), VALSET_GOOD);
    struct light_block *block = light_block_new(&header, &commit, &set);
    valset_close(&set);
    return block;
}

/* Height 7 has a change of validators, 8 one that adds and removes. */
static void set_up(void) {
    char tx[200], key[TEXT_BASE64_SIZE(32)];
    uint8_t other[32] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    lab_open(&lab, &(struct rpc_config){0}, 6);
    arena_init(&arena, 1 << 28);
    text_base64(key, span_of(other, 32));
    snprintf(tx, sizeof tx, "val=ed25519!%s!5", key);
    submit(tx);
    lab_commit(&lab);
    submit("x=1");
    lab_commit(&lab);
    for (int i = 1; i <= 8; i++)
        blocks[i] = fetch(i);
}

static void tear_down(void) {
    for (int i = 1; i <= 8; i++)
        light_block_release(blocks[i]);
    arena_close(&arena);
    lab_close(&lab);
}

static struct span encode(const struct abci_finalized *finalized) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    abci_finalized_write(&writer, finalized);
    uint8_t *place = arena_take(&arena, writer.size + 1, 1);
    proto_writer_init(&writer, place, writer.size);
    abci_finalized_write(&writer, finalized);
    return proto_writer_span(&writer);
}

static void blank_events(struct abci_events *events) { *events = (struct abci_events){0}; }

/* Without what no hash covers. */
static struct span encode_proven(struct abci_finalized *finalized) {
    blank_events(&finalized->events);
    for (uint32_t i = 0; i < finalized->tx_count; i++) {
        struct abci_tx_result *result = &finalized->tx_results[i];
        blank_events(&result->events);
        result->log = result->info = result->codespace = span_of(NULL, 0);
    }
    return encode(finalized);
}

START_TEST(whole_heights_come_out_as_they_are_in_the_node_s_store) {
    for (int height = 1; height < 8; height++) {
        const char *wrong;
        struct abci_finalized ours, theirs;
        struct block *block = light_height_block(&wrong, result_of("block", height), &blocks[height + 1]->header, &arena);
        ck_assert_msg(block != NULL, "%s", wrong);
        struct blob *bytes = ledger_block_bytes(&lab.chain.ledger, height);
        ck_assert(span_equal(blob_span(block->bytes), blob_span(bytes)));
        wrong = light_height_results(&ours, result_of("block_results", height), block, blocks[height + 1], &arena);
        ck_assert_msg(wrong == NULL, "height %d: %s", height, wrong);
        ck_assert(ledger_results(&lab.chain.ledger, &theirs, height, &arena));
        ck_assert(span_equal(encode(&ours), encode(&theirs)));
        ck_assert_uint_eq(ours.update_count, height == 7 ? 1 : 0);
        blob_release(bytes);
        block_release(block);
    }
}
END_TEST

START_TEST(another_height_s_answers_are_no_answers) {
    const char *wrong;
    struct abci_finalized finalized;
    ck_assert_ptr_null(light_height_block(&wrong, result_of("block", 4), &blocks[4]->header, &arena));
    struct block *block = light_height_block(&wrong, result_of("block", 3), &blocks[4]->header, &arena);
    ck_assert_ptr_nonnull(light_height_results(&finalized, result_of("block_results", 4), block, blocks[4], &arena));
    ck_assert_ptr_null(light_height_block(&wrong, result_of("block", 3), &blocks[5]->header, &arena));
    block_release(block);
}
END_TEST

static void change(uint8_t *byte) {
    uint8_t was = *byte;
    *byte = was == '1' ? '2' : was == 'A' ? 'B' : was >= '0' && was <= '9' ? '1' : was >= 'A' && was <= 'Z' ? 'A' : (uint8_t)(was ^ 1);
}

START_TEST(no_byte_of_a_block_can_be_changed) {
    const char *wrong;
    int height = _i == 0 ? 3 : 7;
    struct span text = result_of("block", height), value;
    uint8_t *bytes = (uint8_t *)(uintptr_t)text.data;
    struct blob *stored = ledger_block_bytes(&lab.chain.ledger, height);
    for (size_t i = 0; i < text.size; i++) {
        struct arena scratch;
        uint8_t was = bytes[i];
        arena_init(&scratch, 1 << 24);
        change(&bytes[i]);
        struct block *block = scan_value(&value, text, NULL)
                                  ? light_height_block(&wrong, value, &blocks[height + 1]->header, &scratch) : NULL;
        ck_assert_msg(block == NULL || span_equal(blob_span(block->bytes), blob_span(stored)), "byte %zu", i);
        block_release(block);
        bytes[i] = was;
        arena_close(&scratch);
    }
    blob_release(stored);
}
END_TEST

START_TEST(what_is_proven_of_results_cannot_be_changed) {
    const char *wrong;
    int height = _i == 0 ? 3 : 7;
    struct abci_finalized finalized;
    struct block *block = light_height_block(&wrong, result_of("block", height), &blocks[height + 1]->header, &arena);
    struct span text = result_of("block_results", height), value;
    uint8_t *bytes = (uint8_t *)(uintptr_t)text.data;
    ck_assert_ptr_null(light_height_results(&finalized, text, block, blocks[height + 1], &arena));
    struct span proven = encode_proven(&finalized);
    uint32_t unnoticed = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t was = bytes[i];
        change(&bytes[i]);
        if (scan_value(&value, text, NULL) && light_height_results(&finalized, value, block, blocks[height + 1], &arena) == NULL) {
            unnoticed++;
            ck_assert_msg(span_equal(encode_proven(&finalized), proven), "byte %zu of %.*s", i, (int)text.size, (char *)bytes);
        }
        bytes[i] = was;
    }
    ck_assert_uint_gt(unnoticed, 0); /* events, and names of what is as good when missing */
    block_release(block);
}
END_TEST

/* Parameters that an application changes: their block's part is in the next header's consensus hash. */
START_TEST(changes_of_parameters_lead_to_the_next_header_s) {
    struct params params;
    struct light_block *next = light_block_new(&blocks[4]->header, &blocks[4]->commit, &blocks[4]->set);
    const char *wrong;
    struct abci_finalized finalized;
    struct span value;
    static const char good[] = "\"consensus_param_updates\":{\"block\":{\"max_bytes\":\"1000000\",\"max_gas\":\"77\"},\"evidence\":{\"max_age_num_blocks\":\"9\","
                               "\"max_age_duration\":\"5000000007\",\"max_bytes\":\"8\"},\"validator\":{\"pub_key_types\":[\"ed25519\",\"secp256k1\"]},"
                               "\"version\":{\"app\":\"4\"},\"abci\":{\"vote_extensions_enable_height\":\"6\"}}";
    struct block *block = light_height_block(&wrong, result_of("block", 3), &blocks[4]->header, &arena);
    struct span text = result_of("block_results", 3);
    char *whole = calloc(1, text.size + sizeof good), *place = strstr((const char *)text.data, "\"consensus_param_updates\":null");
    ck_assert_ptr_nonnull(place);
    size_t before = (size_t)(place - (char *)(uintptr_t)text.data);
    memcpy(whole, text.data, before);
    strcpy(whole + before, good);
    strncat(whole, place + strlen("\"consensus_param_updates\":null"), text.size - before - strlen("\"consensus_param_updates\":null"));
    ck_assert(scan_value(&value, span_text(whole), NULL));
    wrong = light_height_results(&finalized, value, block, next, &arena);
    ck_assert_msg(wrong != NULL && strstr(wrong, "parameters") != NULL, "%s", wrong == NULL ? "taken" : wrong);
    params_defaults(&params, PARAMS_V038);
    params.block_bytes_max = 1000000;
    params.block_gas_max = 77;
    params_hash(&next->header.consensus_hash, &params);
    ck_assert_ptr_null(light_height_results(&finalized, value, block, next, &arena));
    struct emit emit;
    emit_init(&emit);
    shapes_params_update(&emit, &finalized);
    ck_assert(span_equal(span_of(emit.data, emit.size), span_of(good + strlen("\"consensus_param_updates\":"), sizeof good - 1 - strlen("\"consensus_param_updates\":"))));
    emit_close(&emit);
    free(whole);
    light_block_release(next);
    block_release(block);
}
END_TEST

Suite *suite_light_height(void) {
    Suite *suite = suite_create("light_height");
    TCase *tests = tcase_create("light_height");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, whole_heights_come_out_as_they_are_in_the_node_s_store);
    tcase_add_test(tests, another_height_s_answers_are_no_answers);
    tcase_add_loop_test(tests, no_byte_of_a_block_can_be_changed, 0, 2);
    tcase_add_loop_test(tests, what_is_proven_of_results_cannot_be_changed, 0, 2);
    tcase_add_test(tests, changes_of_parameters_lead_to_the_next_header_s);
    suite_add_tcase(suite, tests);
    return suite;
}
