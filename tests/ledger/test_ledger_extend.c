/* Vote extensions below the network: asked for, kept with their block, handed to the next proposer, forgotten with it. */
#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/app_extender.h"
#include "tests/ledger/chain.h"

Suite *suite_ledger_extend(void);

static struct chain chain;
static struct arena arena;

static struct app *open_extender(struct kv *kv, struct span chain_id) {
    (void)chain_id;
    return app_extender_open(kv);
}

static void begin(int64_t enable_height) {
    arena_init(&arena, 1 << 26);
    chain_open(&chain, &(struct chain_config){.open_app = open_extender, .extensions_enable_height = enable_height});
}

static void end(void) {
    chain_close(&chain);
    arena_close(&arena);
}

static bool holds(int64_t height) {
    struct commit commit;
    return ledger_extended_commit(&chain.ledger, &commit, height, &arena);
}

/* What the application was told of the votes of that height, as the proposer of the next one put it into the block. */
static int told(int64_t height) {
    char key[40];
    snprintf(key, sizeof key, "extended%d", (int)height);
    struct abci_query question = {.data = span_text(key)};
    struct abci_answer answer;
    chain.app->table->query(chain.app, &answer, &question, &arena);
    return answer.value.size == 1 ? answer.value.data[0] - '0' : -1;
}

START_TEST(a_chain_that_extends_from_its_first_height_keeps_every_extended_commit) {
    begin(1);
    struct commit commit;
    chain_run(&chain, 8);
    for (int64_t height = 1; height <= 8; height++) {
        ck_assert(ledger_extended_commit(&chain.ledger, &commit, height, &arena));
        ck_assert_int_eq(commit.height, height);
        ck_assert_int_eq(commit_extended_verify(&commit, NULL, &chain.ledger.state.validators, span_text(CHAIN_ID), &commit.block_id, height, NULL),
                         COMMIT_GOOD);
        ck_assert_int_eq(told(height), height < 8 ? 4 : -1);
    }
    ck_assert_uint_eq(commit.extensions[0].bytes.size > 0, 1);
    ck_assert(ledger_extended_commit(&chain.ledger, &commit, 5, &arena));
    ck_assert_uint_eq(commit.extensions[0].bytes.size, 0); /* empty, and signed all the same */
    end();
}
END_TEST

START_TEST(a_chain_without_extensions_keeps_none) {
    begin(0);
    chain_run(&chain, 3);
    for (int64_t height = 1; height <= 3; height++)
        ck_assert(!holds(height));
    ck_assert_int_eq(told(1), -1);
    end();
}
END_TEST

/* The proposer of the first height with extensions has a last commit without; that of the next one has it with. */
START_TEST(the_first_extended_height_follows_one_without) {
    begin(4);
    chain_run(&chain, 6);
    ck_assert(!holds(3) && holds(4) && holds(6));
    ck_assert_int_eq(told(3), -1);
    ck_assert_int_eq(told(4), 4);
    end();
}
END_TEST

START_TEST(the_application_switches_extensions_on_and_moves_and_withdraws_the_height_before_it_comes) {
    begin(0);
    chain_step(&chain, (const char *const[]){"extend=5"}, 1); /* 1 */
    ck_assert_int_eq(chain.ledger.state.params.extensions_enable_height, 5);
    chain_step(&chain, (const char *const[]){"extend=0"}, 1);
    ck_assert_int_eq(chain.ledger.state.params.extensions_enable_height, 0);
    chain_step(&chain, (const char *const[]){"extend=9"}, 1);
    chain_step(&chain, (const char *const[]){"extend=6"}, 1); /* 4 */
    chain_reopen(&chain);
    chain_run(&chain, 2); /* 6 */
    ck_assert(!holds(5) && holds(6));
    chain_step(&chain, (const char *const[]){"extend=0"}, 1); /* too late */
    chain_step(&chain, (const char *const[]){"extend=20"}, 1);
    ck_assert_int_eq(chain.ledger.state.params.extensions_enable_height, 6);
    ck_assert(holds(7) && holds(8));
    ck_assert_int_eq(told(5), -1);
    ck_assert_int_eq(told(6), 4);
    end();
}
END_TEST

START_TEST(an_extended_commit_comes_back_after_a_restart) {
    begin(1);
    chain_run(&chain, 3);
    chain_reopen(&chain);
    ck_assert_ptr_nonnull(chain.last.extensions);
    ck_assert_int_eq(commit_extended_ensure(&chain.last), COMMIT_GOOD);
    chain_run(&chain, 1);
    ck_assert_int_eq(told(3), 4);
    end();
}
END_TEST

START_TEST(an_extended_commit_goes_with_its_block) {
    begin(1);
    chain_run(&chain, 10);
    ck_assert_int_eq(ledger_prune(&chain.ledger, 6, 100), 5);
    ck_assert(!holds(5) && holds(6));
    ck_assert_ptr_null(ledger_extended_commit_bytes(&chain.ledger, 5));
    end();
}
END_TEST

START_TEST(a_rollback_keeps_it_with_the_block_and_a_hard_one_does_not) {
    begin(1);
    chain_run(&chain, 4);
    ck_assert(ledger_rollback(&chain.ledger, false));
    ck_assert(holds(4));
    chain_reopen(&chain);
    ck_assert(ledger_rollback(&chain.ledger, true));
    ck_assert(!holds(3) && holds(2));
    end();
}
END_TEST

START_TEST(a_rollback_takes_back_the_switch_too) {
    begin(0);
    chain_step(&chain, (const char *const[]){"extend=3"}, 1);
    ck_assert(ledger_rollback(&chain.ledger, true));
    chain_reopen(&chain);
    ck_assert_int_eq(chain.ledger.state.params.extensions_enable_height, 0);
    chain_run(&chain, 4);
    ck_assert(!holds(3));
    end();
}
END_TEST

/* ---- what the proposer tells its application */

static struct abci_vote_info seen[4];
static uint32_t seen_count;
static struct app_table looking;

static uint32_t look(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max, struct arena *scratch) {
    (void)app;
    (void)bytes_max;
    (void)scratch;
    seen_count = block->vote_count;
    for (uint32_t i = 0; i < block->vote_count; i++)
        seen[i] = block->votes[i];
    static struct app_proposed none;
    *out = &none;
    return 0;
}

static void look_at_proposal(void) {
    looking = *chain.app->table;
    looking.rewrite_proposal = look;
    chain.app->table = &looking;
    block_release(chain_next(&chain, NULL, 0));
}

START_TEST(a_proposer_hears_of_each_vote_with_its_extension_and_signature) {
    begin(1);
    chain_run(&chain, 2);
    commit_sig_absent(&chain.last.sigs[1]);
    chain.last.extensions[1] = (struct commit_extension){0};
    look_at_proposal();
    uint8_t text[APP_EXTENDER_BYTES_MAX];
    ck_assert_uint_eq(seen_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(seen[i].flag, i == 1 ? COMMIT_ABSENT : COMMIT_FOR_BLOCK);
        ck_assert_uint_eq(seen[i].extension_signature.size, i == 1 ? 0 : 64);
        ck_assert_uint_eq(seen[i].extension.size, i == 1 ? 0 : app_extender_text(text, 2, &chain.last.block_id.hash));
    }
    end();
}
END_TEST

START_TEST(where_the_last_height_had_none_a_proposer_hears_of_votes_alone) {
    begin(3);
    chain_run(&chain, 2);
    look_at_proposal();
    ck_assert_uint_eq(seen_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(seen[i].extension.size + seen[i].extension_signature.size, 0);
    end();
}
END_TEST

/* ---- asking */

START_TEST(an_application_is_asked_for_its_word_on_a_block_and_on_others_words) {
    begin(1);
    chain_run(&chain, 1);
    struct block *block = chain_next(&chain, NULL, 0);
    struct vote vote = {.type = VOTE_PRECOMMIT, .height = 2};
    block_id_of(block, &vote.block_id);
    vote.extension = ledger_extend_vote(&chain.ledger, block, &arena);
    ck_assert_uint_gt(vote.extension.size, 0);
    ck_assert(ledger_accepts_extension(&chain.ledger, &vote));
    vote.block_id.hash.bytes[0] ^= 1;
    ck_assert(!ledger_accepts_extension(&chain.ledger, &vote));
    block_release(block);
    end();
}
END_TEST

/* As CometBFT's base application: whoever refused what others accept would stay behind. */
START_TEST(an_application_without_a_word_on_extensions_says_nothing_and_accepts_everything) {
    arena_init(&arena, 1 << 26);
    chain_open(&chain, &(struct chain_config){.extensions_enable_height = 1});
    struct block *block = chain_next(&chain, NULL, 0);
    struct vote vote = {.type = VOTE_PRECOMMIT, .height = 1, .extension = span_text("whatever")};
    struct span own = ledger_extend_vote(&chain.ledger, block, &arena);
    ck_assert(own.data != NULL && own.size == 0);
    ck_assert(ledger_accepts_extension(&chain.ledger, &vote));
    block_release(block);
    chain_run(&chain, 3);
    ck_assert(holds(3));
    end();
}
END_TEST

START_TEST(a_damaged_extended_commit_is_not_taken_for_one) {
    begin(1);
    chain_run(&chain, 3);
    struct blob *bytes = ledger_extended_commit_bytes(&chain.ledger, 3);
    struct kv_batch batch;
    struct key key = keys_height('x', 3);
    kv_batch_init(&batch);
    for (size_t cut = 1; cut < bytes->size; cut += 97) {
        kv_batch_clear(&batch);
        kv_batch_put(&batch, keys_span(&key), span_of(bytes->data, bytes->size - cut));
        kv_write(chain.kv, &batch, true);
        ck_assert(!holds(3));
    }
    kv_batch_close(&batch);
    blob_release(bytes);
    end();
}
END_TEST

Suite *suite_ledger_extend(void) {
    Suite *suite = suite_create("ledger_extend");
    TCase *tests = tcase_create("ledger_extend");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_chain_that_extends_from_its_first_height_keeps_every_extended_commit);
    tcase_add_test(tests, a_chain_without_extensions_keeps_none);
    tcase_add_test(tests, the_first_extended_height_follows_one_without);
    tcase_add_test(tests, the_application_switches_extensions_on_and_moves_and_withdraws_the_height_before_it_comes);
    tcase_add_test(tests, an_extended_commit_comes_back_after_a_restart);
    tcase_add_test(tests, an_extended_commit_goes_with_its_block);
    tcase_add_test(tests, a_rollback_keeps_it_with_the_block_and_a_hard_one_does_not);
    tcase_add_test(tests, a_rollback_takes_back_the_switch_too);
    tcase_add_test(tests, a_proposer_hears_of_each_vote_with_its_extension_and_signature);
    tcase_add_test(tests, where_the_last_height_had_none_a_proposer_hears_of_votes_alone);
    tcase_add_test(tests, an_application_is_asked_for_its_word_on_a_block_and_on_others_words);
    tcase_add_test(tests, an_application_without_a_word_on_extensions_says_nothing_and_accepts_everything);
    tcase_add_test(tests, a_damaged_extended_commit_is_not_taken_for_one);
    suite_add_tcase(suite, tests);
    return suite;
}
