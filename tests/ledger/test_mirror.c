#include "ledger/mirror.h"

#include <check.h>
#include <stdlib.h>

#include "ledger/view.h"
#include "tests/ledger/chain.h"

static struct chain chain;
static struct mirror mirror;

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    (void)what;
    abort();
}

static void set_up(void) {
    static const char *const txs[] = {"a=1", "b=2"};
    chain_open(&chain, &(struct chain_config){.validators = 1});
    for (int i = 0; i < 80; i++)
        chain_step(&chain, txs, i % 3 == 0 ? 2 : 0);
    mirror_open(&mirror, (struct kv_failure){NULL, give_up});
}

static void tear_down(void) {
    mirror_close(&mirror);
    chain_close(&chain);
}

static bool put(int64_t height) {
    struct arena arena;
    struct abci_finalized finalized;
    struct block *block = ledger_block(&chain.ledger, height);
    arena_init(&arena, 1 << 20);
    ck_assert(ledger_results(&chain.ledger, &finalized, height, &arena));
    bool good = mirror_put(&mirror, block, &finalized);
    block_release(block);
    arena_close(&arena);
    return good;
}

static bool shows(struct ledger *ledger, int64_t height) {
    struct arena arena;
    struct abci_finalized finalized;
    struct block *block = ledger_block(ledger, height), *original = ledger_block(&chain.ledger, height);
    arena_init(&arena, 1 << 20);
    bool good = block != NULL && digest_equal(&block->hash, &original->hash) && ledger_results(ledger, &finalized, height, &arena) &&
                finalized.tx_count == block->tx_count;
    block_release(block);
    block_release(original);
    arena_close(&arena);
    return good;
}

START_TEST(heights_that_are_put_in_are_shown_and_the_lowest_go_when_there_are_too_many) {
    mirror_begin(&mirror, 5);
    ck_assert_int_eq(state_next_height(&mirror.ledger.state), 5);
    ck_assert(!shows(&mirror.ledger, 5));
    for (int64_t height = 5; height < 5 + MIRROR_HEIGHTS_MAX; height++)
        ck_assert(put(height));
    ck_assert_int_eq(mirror.ledger.base, 5);
    ck_assert(shows(&mirror.ledger, 5) && shows(&mirror.ledger, 68));
    ck_assert(put(69) && put(70));
    ck_assert_int_eq(mirror.ledger.base, 7);
    ck_assert(!shows(&mirror.ledger, 6) && shows(&mirror.ledger, 7) && shows(&mirror.ledger, 70));
}
END_TEST

START_TEST(heights_below_are_taken_while_there_is_room) {
    mirror_begin(&mirror, 60);
    ck_assert(put(60));
    for (int64_t height = 59; height > 60 - MIRROR_HEIGHTS_MAX && height > 0; height--)
        ck_assert(put(height));
    ck_assert_int_eq(mirror.ledger.base, 1);
    ck_assert_int_eq(mirror.ledger.state.height, 60);
    for (int64_t height = 61; height <= 66; height++)
        ck_assert(put(height));
    ck_assert_int_eq(mirror.ledger.base, 3);
    ck_assert(!put(2));
    ck_assert_int_eq(mirror.ledger.base, 3);
    ck_assert(shows(&mirror.ledger, 3) && !shows(&mirror.ledger, 2));
}
END_TEST

START_TEST(it_begins_anew_elsewhere_and_views_keep_what_they_saw) {
    mirror_begin(&mirror, 3);
    ck_assert(put(3) && put(4));
    struct view *view = view_new(&mirror.ledger);
    mirror_begin(&mirror, 20);
    ck_assert(!shows(&mirror.ledger, 4));
    ck_assert(put(20));
    ck_assert_int_eq(mirror.ledger.base, 20);
    ck_assert_int_eq(view->ledger.base, 3);
    ck_assert_int_eq(view->ledger.state.height, 4);
    ck_assert(shows(&view->ledger, 4) && !shows(&view->ledger, 20));
    view_release(view);
}
END_TEST

START_TEST(large_heights_push_the_lowest_out_but_for_one) {
    enum { LARGE = 7 << 20 };
    char *text = malloc(LARGE + 1);
    memset(text, 'x', LARGE);
    text[LARGE] = '\0';
    text[1] = '=';
    struct span tx = span_text(text);
    struct abci_tx_result result = {0};
    struct abci_finalized finalized = {.tx_count = 1, .tx_results = &result};
    mirror_begin(&mirror, 1);
    for (int64_t height = 1; height <= 6; height++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        struct block_plan plan = chain_plan(&chain, &arena);
        plan.header.height = height;
        plan.txs = &tx;
        plan.tx_hashes = NULL;
        plan.tx_count = 1;
        struct block *block = block_build(&plan);
        ck_assert(mirror_put(&mirror, block, &finalized));
        ck_assert_uint_le(mirror.bytes, MIRROR_BYTES_MAX);
        block_release(block);
        arena_close(&arena);
    }
    ck_assert_int_eq(mirror.ledger.base, 5);
    free(text);
}
END_TEST

Suite *suite_mirror(void);
Suite *suite_mirror(void) {
    Suite *suite = suite_create("mirror");
    TCase *tests = tcase_create("mirror");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, heights_that_are_put_in_are_shown_and_the_lowest_go_when_there_are_too_many);
    tcase_add_test(tests, heights_below_are_taken_while_there_is_room);
    tcase_add_test(tests, it_begins_anew_elsewhere_and_views_keep_what_they_saw);
    tcase_add_test(tests, large_heights_push_the_lowest_out_but_for_one);
    suite_add_tcase(suite, tests);
    return suite;
}
