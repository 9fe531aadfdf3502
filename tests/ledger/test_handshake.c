/* The chain and an application apart, after every kind of death. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/handshake.h"
#include "tests/ledger/apart.h"
#include "tests/ledger/chain.h"

enum { HEIGHTS = 6 };

static struct chain chain;

static void world_failed(void *context, const char *what) __attribute__((noreturn));
static void world_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void run(int64_t heights) {
    for (int64_t i = 0; i < heights; i++) {
        char text[32];
        snprintf(text, sizeof text, "k%" PRId64 "=v", state_next_height(&chain.ledger.state));
        chain_step(&chain, (const char *[]){text}, 1);
    }
}

static void begin_at(int64_t initial_height) {
    apart_begin();
    chain_open(&chain, &(struct chain_config){.open_app = apart_open, .initial_height = initial_height, .powers = (const int64_t[]){1, 7, 3, 7}});
}

static void setup(void) {
    begin_at(1);
    run(HEIGHTS);
}

static void teardown(void) {
    chain_close(&chain);
    apart_end();
}

static void refused(const char *word) {
    char *error = NULL;
    ck_assert(!chain_try_open(&chain, &error));
    ck_assert_msg(strstr(error, word) != NULL, "%s", error);
    ck_assert_ptr_null(strchr(error, '\n'));
    free(error);
    chain.app->table->close(chain.app);
    chain.app = NULL;
}

static void accepted(void) {
    char *error = NULL;
    bool good = chain_try_open(&chain, &error);
    ck_assert_msg(good, "%s", error);
}

static bool is_apps_key(void *context, struct span key, struct span value) {
    (void)key, (void)value;
    *(bool *)context = true;
    return false;
}

START_TEST(the_state_of_an_application_apart_is_not_in_our_store) {
    bool found = false;
    kv_scan(chain.kv, span_of("s", 1), span_of("t", 1), false, is_apps_key, &found);
    ck_assert(!found);
    ck_assert_uint_eq(apart.commits, HEIGHTS);
    ck_assert_uint_eq(apart.init_chains, 1);
    chain_shut(&chain);
    ck_assert_int_eq(apart_height(), HEIGHTS);
    accepted();
    ck_assert_int_eq(chain.ledger.replayed, 0);
}
END_TEST

START_TEST(a_block_is_on_our_disk_before_the_application_is_told_to_commit_it) {
    apart.chain = chain.kv;
    run(3);
    ck_assert_uint_eq(apart.commits, HEIGHTS + 3);
    ck_assert_uint_eq(apart.early, 0);
}
END_TEST

START_TEST(an_application_that_is_behind_by_any_number_of_blocks_gets_them_and_goes_on) {
    for (int64_t height = HEIGHTS; height >= 0; height--) {
        chain_shut(&chain);
        apart_back(height);
        apart.init_chains = 0;
        accepted();
        ck_assert_int_eq(chain.ledger.replayed, HEIGHTS - height);
        ck_assert_uint_eq(apart.init_chains, height == 0);
        ck_assert_int_eq(chain.ledger.state.height, HEIGHTS);
    }
    run(3);
    chain_shut(&chain);
    ck_assert_int_eq(apart_height(), HEIGHTS + 3);
    accepted();
}
END_TEST

START_TEST(blocks_are_given_again_with_the_validators_of_their_own_time) {
    char key[TEXT_BASE64_SIZE(32)], text[128];
    uint8_t bytes[32] = {1};
    struct ed25519_key *newcomer = ed25519_key_new(bytes);
    ed25519_key_public(newcomer, bytes);
    text_base64(key, span_of(bytes, 32));
    snprintf(text, sizeof text, "val=ed25519!%s!%d", key, 1);
    chain_step(&chain, (const char *[]){text}, 1);
    chain_run(&chain, 1);
    ck_assert_uint_eq(chain.ledger.state.next_validators.count, 5);
    chain_shut(&chain);
    apart_back(0);
    accepted();
    ck_assert_int_eq(chain.ledger.replayed, HEIGHTS + 2);
    ed25519_key_free(newcomer);
}
END_TEST

START_TEST(an_application_that_is_ahead_is_refused_with_both_heights) {
    ck_assert(ledger_rollback(&chain.ledger, true));
    chain_shut(&chain);
    refused("is at height 6, the chain here only at 5");
    apart_back(5);
    accepted();
}
END_TEST

START_TEST(an_application_that_was_taken_back_with_us_gets_the_block_again_in_the_ordinary_way) {
    ck_assert(ledger_rollback(&chain.ledger, false));
    chain_shut(&chain);
    apart_back(5);
    accepted();
    ck_assert_int_eq(chain.ledger.state.height, 5);
    ck_assert_int_eq(chain.ledger.replayed, 0);
}
END_TEST

START_TEST(an_application_with_a_past_is_refused_by_a_home_without_one) {
    chain_shut(&chain);
    kv_close(chain.kv);
    chain.kv = kv_memory_new((struct kv_failure){NULL, world_failed});
    refused("is at height 6 but there is no chain here");
    apart_back(0);
    accepted();
    ck_assert_int_eq(chain.ledger.state.height, 0);
}
END_TEST

static void write_size(int64_t size, int64_t height) {
    uint8_t value[20];
    struct kv_batch batch;
    struct proto_writer writer;
    proto_writer_init(&writer, value, sizeof value);
    proto_put_varint(&writer, (uint64_t)size);
    proto_put_varint(&writer, (uint64_t)height);
    kv_batch_init(&batch);
    kv_batch_put(&batch, span_text("sS"), proto_writer_span(&writer));
    kv_write(apart.own, &batch, true);
    kv_batch_close(&batch);
}

START_TEST(another_app_hash_is_refused_with_both_hashes_and_the_height) {
    chain_shut(&chain);
    write_size(99, HEIGHTS);
    refused("app hash C601000000000000 after height 6, the chain 0C00000000000000");
    write_size(99, 3);
    refused("after height 3");
    write_size(3, 3); /* what the chain had there */
    accepted();
    ck_assert_int_eq(chain.ledger.replayed, 3);
}
END_TEST

START_TEST(heights_that_no_chain_has_are_refused) {
    chain_shut(&chain);
    write_size(6, -1);
    refused("height -1");
    write_size(6, INT64_MAX);
    refused("height 9223372036854775807");
    write_size(6, HEIGHTS);
    accepted();
}
END_TEST

START_TEST(an_application_that_needs_blocks_we_forgot_is_refused_and_one_just_before_them_is_not) {
    int64_t pruned = ledger_prune(&chain.ledger, 4, 100);
    ck_assert_int_eq(pruned, 3);
    chain_shut(&chain);
    apart_back(2);
    refused("needs block 3");
    apart_back(0);
    refused("needs block 1");
    apart_back(3);
    accepted();
    ck_assert_int_eq(chain.ledger.replayed, 3);
}
END_TEST

START_TEST(a_wrong_number_of_results_while_catching_up_is_refused) {
    chain_shut(&chain);
    apart_back(4);
    apart.spare_results = -1;
    refused("gave 0 results for 1 transactions at height 5");
    apart.spare_results = 0;
    accepted();
}
END_TEST

START_TEST(without_a_block_every_start_begins_the_chain_again) {
    teardown();
    begin_at(5);
    for (uint32_t i = 0; i < 3; i++) {
        chain_shut(&chain);
        apart_back(0);
        accepted();
    }
    ck_assert_uint_eq(apart.init_chains, 4);
    run(2);
    ck_assert_int_eq(chain.ledger.state.height, 6);
    chain_shut(&chain);
    apart_back(0);
    accepted();
    ck_assert_int_eq(chain.ledger.replayed, 2);
    run(1);
}
END_TEST

START_TEST(the_retain_height_of_a_commit_is_told) {
    struct ledger_applied applied;
    struct block *block = chain_next(&chain, NULL, 0);
    struct commit commit;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    apart.retain_height = 4;
    chain_sign(&chain, &commit, block, &chain.ledger.state.validators, &arena);
    ck_assert(ledger_apply(&chain.ledger, &applied, block, &commit));
    ck_assert_int_eq(applied.retain_height, 4);
    arena_close(&arena);
    block_release(block);
}
END_TEST

Suite *suite_handshake(void);
Suite *suite_handshake(void) {
    Suite *suite = suite_create("handshake");
    TCase *tests = tcase_create("handshake");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_state_of_an_application_apart_is_not_in_our_store);
    tcase_add_test(tests, a_block_is_on_our_disk_before_the_application_is_told_to_commit_it);
    tcase_add_test(tests, an_application_that_is_behind_by_any_number_of_blocks_gets_them_and_goes_on);
    tcase_add_test(tests, blocks_are_given_again_with_the_validators_of_their_own_time);
    tcase_add_test(tests, an_application_that_is_ahead_is_refused_with_both_heights);
    tcase_add_test(tests, an_application_that_was_taken_back_with_us_gets_the_block_again_in_the_ordinary_way);
    tcase_add_test(tests, an_application_with_a_past_is_refused_by_a_home_without_one);
    tcase_add_test(tests, another_app_hash_is_refused_with_both_hashes_and_the_height);
    tcase_add_test(tests, heights_that_no_chain_has_are_refused);
    tcase_add_test(tests, an_application_that_needs_blocks_we_forgot_is_refused_and_one_just_before_them_is_not);
    tcase_add_test(tests, a_wrong_number_of_results_while_catching_up_is_refused);
    tcase_add_test(tests, without_a_block_every_start_begins_the_chain_again);
    tcase_add_test(tests, the_retain_height_of_a_commit_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
