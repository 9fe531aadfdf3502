/* Our applications asked as a stranger's node asks them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/abci_host.h"

static struct kv *kv;
static struct abci_host host;
static struct arena arena;

static void world_failed(void *context, const char *what) __attribute__((noreturn));
static void world_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void setup(void) {
    kv = kv_memory_new((struct kv_failure){NULL, world_failed});
    arena_init(&arena, 64 << 20);
    ck_assert(abci_host_open(&host, "kvstore", kv));
}

static void teardown(void) {
    abci_host_close(&host);
    arena_close(&arena);
    kv_close(kv);
}

static struct abci_response ask(const struct abci_request *request) {
    struct abci_response response;
    abci_host_answer(&host, &response, request, &arena);
    return response;
}

static struct abci_response begin(const char *chain_id, const char *state, int64_t initial_height) {
    static struct abci_validator_update update;
    update = (struct abci_validator_update){pubkey_ed25519((const uint8_t *)"0123456789abcdef0123456789abcdef"), 5};
    struct abci_request request = {.call = ABCI_INIT_CHAIN};
    request.init_chain = (struct abci_init_chain){.chain_id = span_text(chain_id),
                                                  .validators = &update,
                                                  .validator_count = 1,
                                                  .app_state = span_text(state),
                                                  .initial_height = initial_height};
    return ask(&request);
}

static struct abci_response finalize(int64_t height, const char *tx) {
    static struct span txs[1];
    txs[0] = span_text(tx);
    struct abci_request request = {.call = ABCI_FINALIZE_BLOCK};
    request.block = (struct abci_block){.txs = txs, .tx_count = 1, .height = height};
    return ask(&request);
}

static struct abci_response plain(enum abci_call call) { return ask(&(struct abci_request){.call = call}); }

static struct abci_response step(int64_t height, const char *tx) {
    struct abci_response response = finalize(height, tx);
    ck_assert_int_eq(response.call, ABCI_FINALIZE_BLOCK);
    ck_assert_int_eq(plain(ABCI_COMMIT).call, ABCI_COMMIT);
    return response;
}

static void reopen(void) {
    abci_host_close(&host);
    kv_memory_crash(kv, 0); /* what was answered was durable before */
    ck_assert(abci_host_open(&host, "kvstore", kv));
}

START_TEST(what_a_commit_answered_survives_the_death_of_the_application) {
    begin("c", "", 1);
    struct abci_response first = step(1, "a=1"), info;
    reopen();
    info = plain(ABCI_INFO);
    ck_assert_int_eq(info.info.last_block_height, 1);
    ck_assert(app_hash_equal(&info.info.last_block_app_hash, &first.finalized.app_hash));
    ck_assert_str_eq(host.chain_id, "c");
    step(2, "b=1");
}
END_TEST

START_TEST(a_block_that_was_never_committed_is_forgotten_when_the_next_one_comes) {
    begin("c", "", 1);
    step(1, "a=1");
    struct abci_response once = finalize(2, "b=1"), again = finalize(2, "b=1");
    ck_assert(app_hash_equal(&once.finalized.app_hash, &again.finalized.app_hash));
    ck_assert_int_eq(plain(ABCI_INFO).info.last_block_height, 1);
    plain(ABCI_COMMIT);
    plain(ABCI_COMMIT);
    ck_assert_int_eq(plain(ABCI_INFO).info.last_block_height, 2);
}
END_TEST

START_TEST(the_chain_may_begin_again_until_there_is_a_block) {
    teardown();
    setup();
    abci_host_close(&host);
    ck_assert(abci_host_open(&host, "ledger", kv));
    struct abci_response once = begin("one", "", 1), again = begin("other", "", 5);
    ck_assert_int_eq(once.call, ABCI_INIT_CHAIN);
    ck_assert_int_eq(again.call, ABCI_INIT_CHAIN);
    ck_assert(app_hash_equal(&once.init_chain.app_hash, &again.init_chain.app_hash));
    ck_assert_str_eq(host.chain_id, "other");
    ck_assert_int_eq(finalize(1, "x").call, ABCI_EXCEPTION);
    step(5, "x");
    struct abci_response late = begin("other", "", 5);
    ck_assert_int_eq(late.call, ABCI_EXCEPTION);
    ck_assert_ptr_nonnull(strstr(host.error, "height 5"));
}
END_TEST

START_TEST(a_block_that_is_not_the_next_one_is_refused_and_changes_nothing) {
    begin("c", "", 1);
    step(1, "a=1");
    for (int64_t height = -1; height < 4; height++)
        if (height != 2)
            ck_assert_int_eq(finalize(height, "b=1").call, ABCI_EXCEPTION);
    ck_assert_int_eq(plain(ABCI_COMMIT).call, ABCI_COMMIT);
    ck_assert_int_eq(plain(ABCI_INFO).info.last_block_height, 1);
    step(2, "b=1");
}
END_TEST

START_TEST(a_refused_genesis_is_an_exception_with_the_applications_words) {
    abci_host_close(&host);
    ck_assert(abci_host_open(&host, "ledger", kv));
    struct abci_response response = begin("c", "{\"accounts\": 7}", 1);
    ck_assert_int_eq(response.call, ABCI_EXCEPTION);
    ck_assert_ptr_nonnull(strstr(host.error, "the genesis app_state is refused: "));
    ck_assert_int_eq(begin("c", "", 1).call, ABCI_INIT_CHAIN);
    ck_assert_int_eq(begin("012345678901234567890123456789012345678901234567890", "", 1).call, ABCI_EXCEPTION);
}
END_TEST

START_TEST(proposals_are_answered_by_applications_that_choose_and_by_those_that_rewrite) {
    static struct span txs[3];
    txs[0] = span_text("a:1");
    txs[1] = span_text("nonsense");
    txs[2] = span_text("b=2");
    struct abci_request request = {.call = ABCI_PREPARE_PROPOSAL};
    request.block = (struct abci_block){.txs = txs, .tx_count = 3, .height = 1};
    request.bytes_max = 1000;
    begin("c", "", 1);
    struct abci_response response = ask(&request);
    ck_assert_uint_eq(response.txs.count, 2);
    ck_assert(span_equal(response.txs.list[0], span_text("a=1")));
    request.call = ABCI_PROCESS_PROPOSAL;
    ck_assert_int_eq(ask(&request).status, ABCI_REJECT);
    abci_host_close(&host);
    ck_assert(abci_host_open(&host, "noop", kv));
    request.call = ABCI_PREPARE_PROPOSAL;
    request.bytes_max = 10 + 5;
    response = ask(&request);
    ck_assert_uint_eq(response.txs.count, 2);
    ck_assert(span_equal(response.txs.list[0], span_text("a:1")));
    request.call = ABCI_PROCESS_PROPOSAL;
    ck_assert_int_eq(ask(&request).status, ABCI_ACCEPT);
}
END_TEST

START_TEST(what_we_do_not_know_is_an_exception_and_what_we_do_not_do_is_said) { /* wound 44 */
    struct abci_request request = {.call = ABCI_NONE};
    ck_assert_int_eq(ask(&request).call, ABCI_EXCEPTION);
    ck_assert_uint_eq(plain(ABCI_LIST_SNAPSHOTS).snapshots.count, 0);
    ck_assert_int_eq(plain(ABCI_OFFER_SNAPSHOT).result, ABCI_SNAPSHOT_REJECT);
    ck_assert_int_eq(plain(ABCI_APPLY_SNAPSHOT_CHUNK).apply_chunk.result, ABCI_SNAPSHOT_ABORT);
    ck_assert_int_eq(plain(ABCI_EXTEND_VOTE).extension.size, 0);
    ck_assert_int_eq(plain(ABCI_VERIFY_VOTE_EXTENSION).status, ABCI_ACCEPT);
    ck_assert(!abci_host_open(&(struct abci_host){0}, "nothing", kv));
}
END_TEST

START_TEST(noop_takes_everything_and_remembers_its_height) {
    abci_host_close(&host);
    ck_assert(abci_host_open(&host, "noop", kv));
    begin("c", "", 1);
    struct abci_response response = step(1, "anything");
    ck_assert_uint_eq(response.finalized.app_hash.size, 0);
    ck_assert_uint_eq(response.finalized.tx_results[0].code, 0);
    abci_host_close(&host);
    ck_assert(abci_host_open(&host, "noop", kv));
    ck_assert_int_eq(plain(ABCI_INFO).info.last_block_height, 1);
}
END_TEST

Suite *suite_abci_host(void);
Suite *suite_abci_host(void) {
    Suite *suite = suite_create("abci_host");
    TCase *tests = tcase_create("host");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_a_commit_answered_survives_the_death_of_the_application);
    tcase_add_test(tests, a_block_that_was_never_committed_is_forgotten_when_the_next_one_comes);
    tcase_add_test(tests, the_chain_may_begin_again_until_there_is_a_block);
    tcase_add_test(tests, a_block_that_is_not_the_next_one_is_refused_and_changes_nothing);
    tcase_add_test(tests, a_refused_genesis_is_an_exception_with_the_applications_words);
    tcase_add_test(tests, proposals_are_answered_by_applications_that_choose_and_by_those_that_rewrite);
    tcase_add_test(tests, what_we_do_not_know_is_an_exception_and_what_we_do_not_do_is_said);
    tcase_add_test(tests, noop_takes_everything_and_remembers_its_height);
    suite_add_tcase(suite, tests);
    return suite;
}
