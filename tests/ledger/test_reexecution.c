/* A chain run again from its genesis: what the next header must say, and what a wrong one says that is not so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/reexecution.h"
#include "tests/ledger/chain.h"

static struct chain chain;
static struct reexecution *run;

/* Eight heights with transactions, and a change of validators among them. */
static void setup(void) {
    chain_open(&chain, &(struct chain_config){.validators = 4});
    char key[TEXT_BASE64_SIZE(32)], val[128];
    const char *texts[] = {"a=b", "c=d"}, *change[] = {val};
    text_base64(key, span_of(chain.pub_keys[4].bytes, 32));
    snprintf(val, sizeof val, "val=ed25519!%s!7", key);
    chain_step(&chain, texts, 2);
    chain_run(&chain, 2);
    chain_step(&chain, change, 1);
    chain_run(&chain, 4);
    ck_assert_int_eq(chain.ledger.state.height, 8);
    ck_assert_uint_eq(chain.ledger.state.validators.count, 5);
    char *error = NULL;
    run = reexecution_begin("kvstore", &chain.genesis, PARAMS_V038, &error);
    ck_assert_msg(run != NULL, "%s", error);
}

static void teardown(void) {
    reexecution_free(run);
    chain_close(&chain);
}

static const char *step(struct reexecution *again, int64_t height) {
    struct block *block = ledger_block(&chain.ledger, height);
    const char *wrong = reexecution_step(again, block);
    block_release(block);
    return wrong;
}

static void run_to(int64_t height) {
    for (int64_t at = reexecution_state(run)->height + 1; at <= height; at++)
        ck_assert_msg(step(run, at) == NULL, "height %d", (int)at);
}

static struct header header_of(int64_t height) {
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(&chain.ledger, &meta, height));
    return meta.header;
}

START_TEST(the_state_after_any_block_is_the_one_that_the_chain_had) {
    run_to(8);
    const struct state *state = reexecution_state(run);
    ck_assert(app_hash_equal(&state->app_hash, &chain.ledger.state.app_hash));
    ck_assert(block_id_equal(&state->block_id, &chain.ledger.state.block_id));
    struct digest ours, theirs;
    valset_hash(&ours, &state->next_validators);
    valset_hash(&theirs, &chain.ledger.state.next_validators);
    ck_assert(digest_equal(&ours, &theirs));
}
END_TEST

START_TEST(no_header_of_the_chain_is_found_wrong) {
    for (int64_t height = 1; height < 8; height++) {
        run_to(height);
        struct header header = header_of(height + 1);
        bool is_of_it;
        ck_assert_ptr_null(reexecution_judge(run, &is_of_it, &header));
        ck_assert(is_of_it);
    }
}
END_TEST

START_TEST(whatever_the_blocks_before_give_cannot_be_said_otherwise) {
    run_to(7);
    for (int field = 0; field < 8; field++) {
        struct header header = header_of(8);
        static const char *const texts[] = {"wrong app hash",        "wrong last results hash",         "wrong consensus hash",     "wrong validators hash",
                                            "wrong next validators hash", "proposer is no validator", "wrong version", "wrong time"};
        uint8_t *const bytes[] = {header.app_hash.bytes,        header.last_results_hash.bytes,      header.consensus_hash.bytes, header.validators_hash.bytes,
                                  header.next_validators_hash.bytes, header.proposer_address.bytes};
        if (field < 6)
            bytes[field][0] ^= 1;
        header.version_app += field == 6;
        header.time = field == 7 ? header_of(7).time : header.time;
        bool is_of_it;
        const char *wrong = reexecution_judge(run, &is_of_it, &header);
        ck_assert(is_of_it);
        ck_assert_msg(wrong != NULL && strcmp(wrong, texts[field]) == 0, "field %d: %s", field, wrong == NULL ? "good" : wrong);
    }
}
END_TEST

/* Whoever signed it said that another chain is its own: of that nothing is known here. */
START_TEST(a_header_of_another_parent_is_not_judged) {
    run_to(7);
    struct header header = header_of(8);
    header.last_block_id.hash.bytes[0] ^= 1;
    header.app_hash.bytes[0] ^= 1;
    bool is_of_it;
    ck_assert_ptr_null(reexecution_judge(run, &is_of_it, &header));
    ck_assert(!is_of_it);
    header = header_of(7);
    ck_assert_ptr_null(reexecution_judge(run, &is_of_it, &header));
    ck_assert(!is_of_it);
}
END_TEST

START_TEST(the_wrong_application_is_found_out_by_the_blocks) {
    char *error = NULL;
    struct reexecution *other = reexecution_begin("noop", &chain.genesis, PARAMS_V038, &error);
    ck_assert_msg(other != NULL, "%s", error);
    const char *wrong = NULL;
    for (int64_t height = 1; height <= 3 && wrong == NULL; height++) {
        ck_assert(!reexecution_is_confirmed(other));
        wrong = step(other, height);
    }
    ck_assert_ptr_nonnull(wrong);
    ck_assert(!reexecution_is_confirmed(other));
    reexecution_free(other);
}
END_TEST

START_TEST(an_application_that_nobody_has_is_named) {
    char *error = NULL;
    ck_assert_ptr_null(reexecution_begin("a-strangers", &chain.genesis, PARAMS_V038, &error));
    ck_assert_ptr_nonnull(strstr(error, "application a-strangers is none of those"));
    free(error);
}
END_TEST

START_TEST(blocks_come_in_order_and_each_once) {
    ck_assert_ptr_nonnull(step(run, 2));
    ck_assert_ptr_null(step(run, 1));
    ck_assert_ptr_nonnull(step(run, 1));
    ck_assert_ptr_nonnull(step(run, 3));
    run_to(8);
}
END_TEST

START_TEST(a_block_of_another_content_does_not_follow) {
    run_to(3);
    struct blob *bytes = ledger_block_bytes(&chain.ledger, 4);
    uint32_t refused = 0;
    for (size_t i = 0; i < bytes->size; i++) {
        struct blob *copy = blob_new(blob_span(bytes));
        copy->data[i] ^= 4;
        enum block_verdict verdict;
        struct block *block = block_decode(copy, &verdict);
        blob_release(copy);
        const char *wrong = block == NULL ? "malformed" : reexecution_step(run, block);
        if (wrong == NULL) { /* a good block in itself: then the next, which names the true one, does not follow */
            ck_assert_ptr_nonnull(step(run, 5));
            char *error = NULL;
            reexecution_free(run);
            run = reexecution_begin("kvstore", &chain.genesis, PARAMS_V038, &error);
            run_to(3);
        }
        refused += wrong != NULL;
        block_release(block);
    }
    ck_assert_uint_gt(refused, 0);
    blob_release(bytes);
    run_to(8);
}
END_TEST

Suite *suite_reexecution(void);
Suite *suite_reexecution(void) {
    Suite *suite = suite_create("reexecution");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_state_after_any_block_is_the_one_that_the_chain_had);
    tcase_add_test(tests, no_header_of_the_chain_is_found_wrong);
    tcase_add_test(tests, whatever_the_blocks_before_give_cannot_be_said_otherwise);
    tcase_add_test(tests, a_header_of_another_parent_is_not_judged);
    tcase_add_test(tests, the_wrong_application_is_found_out_by_the_blocks);
    tcase_add_test(tests, an_application_that_nobody_has_is_named);
    tcase_add_test(tests, blocks_come_in_order_and_each_once);
    tcase_add_test(tests, a_block_of_another_content_does_not_follow);
    suite_add_tcase(suite, tests);
    return suite;
}
