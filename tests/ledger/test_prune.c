#define _XOPEN_SOURCE 700 /* nftw, mkdtemp */
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/kv_group.h"
#include "ledger/search.h"
#include "tests/ledger/chain.h"

static struct chain chain;
static struct kv *store;
static char folder[64];
static uint64_t folder_size;

static void give_up(void *context, const char *what) __attribute__((noreturn));
static void give_up(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void open_store(void) {
    char *error = NULL;
    snprintf(folder, sizeof folder, "/tmp/quorate-prune-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    store = kv_leveldb_open(folder, &(struct kv_options){.write_buffer_bytes = 1 << 20}, (struct kv_failure){NULL, give_up}, &error);
    ck_assert_msg(store != NULL, "%s", error);
    chain_open(&chain, &(struct chain_config){.validators = 1, .kv = store});
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void close_store(void) {
    chain_close(&chain);
    kv_close(store);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int add_size(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)path;
    (void)place;
    if (type == FTW_F)
        folder_size += (uint64_t)status->st_size;
    return 0;
}

static uint64_t measure(void) {
    folder_size = 0;
    nftw(folder, add_size, 8, FTW_PHYS);
    return folder_size;
}

static uint64_t state = 1;

/* Transactions of bytes that no compressor makes smaller, and that the application's state has only once. */
static void step_heavy(uint32_t count, size_t size) {
    char **txs = calloc(count, sizeof *txs);
    for (uint32_t i = 0; i < count; i++) {
        txs[i] = malloc(size + 1);
        for (size_t at = 0; at < size; at++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            txs[i][at] = at == 0 ? (char)('a' + i) : at == 1 ? '=' : "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[state >> 58];
        }
        txs[i][size] = '\0';
    }
    chain_step(&chain, (const char *const *)txs, count);
    for (uint32_t i = 0; i < count; i++)
        free(txs[i]);
    free(txs);
}

static uint64_t found(const char *text) {
    struct query query;
    struct search search;
    char error[QUERY_ERROR_BYTES];
    ck_assert(query_parse(&query, error, span_text(text)));
    ck_assert(search_run(&search, &chain.ledger, INDEX_TXS, &query, UINT64_MAX));
    uint64_t count = search.count;
    search_close(&search);
    query_close(&query);
    return count;
}

static bool count_key(void *context, struct span key, struct span value) {
    (void)key;
    (void)value;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t count_keys(char letter) {
    struct key from = keys_plain(letter), to = keys_plain((char)(letter + 1));
    uint64_t count = 0;
    kv_scan(chain.ledger.kv, keys_span(&from), keys_span(&to), false, count_key, &count);
    return count;
}

START_TEST(the_files_shrink_after_pruning_while_the_chain_goes_on) {
    open_store();
    for (int i = 0; i < 400; i++)
        step_heavy(4, 40000); /* 64 MB */
    uint64_t before = measure();
    ck_assert_uint_gt(before, 60u << 20);
    struct ledger_retain retain = {.blocks = 391};
    uint32_t calls = 0;
    while (ledger_prune_to(&chain.ledger, &retain, 20) > 0 && ++calls < 1000)
        if (calls % 5 == 0)
            step_heavy(1, 1000);
    ck_assert_int_eq(chain.ledger.base, 391);
    kv_compact_wait(store);
    step_heavy(1, 1000);
    uint64_t after = measure();
    ck_assert_msg(after < before / 4, "%llu of %llu bytes are left", (unsigned long long)after, (unsigned long long)before);
    close_store();
}
END_TEST

START_TEST(a_call_goes_through_no_more_heights_than_it_may) {
    chain_open(&chain, &(struct chain_config){.validators = 1});
    for (int i = 0; i < 50; i++)
        chain_step(&chain, (const char *[]){"a=b"}, 1);
    struct ledger_retain retain = {.blocks = 41};
    ck_assert_int_eq(ledger_prune_to(&chain.ledger, &retain, 7), 21);
    ck_assert_int_eq(chain.ledger.base, 8);
    ck_assert_int_eq(ledger_prune_to(&chain.ledger, &retain, 0), 0);
    while (ledger_prune_to(&chain.ledger, &retain, 7) > 0)
        ;
    ck_assert_int_eq(chain.ledger.base, 41);
    ck_assert_int_eq(ledger_prune_to(&chain.ledger, &(struct ledger_retain){.blocks = 30, .index = 30}, 7), 0);
    chain_close(&chain);
}
END_TEST

START_TEST(large_blocks_make_a_call_stop_earlier) {
    chain_open(&chain, &(struct chain_config){.validators = 1});
    for (int i = 0; i < 12; i++)
        step_heavy(20, 50000); /* a megabyte each */
    ledger_prune_to(&chain.ledger, &(struct ledger_retain){.blocks = 12}, 100);
    ck_assert_int_gt(chain.ledger.base, 3);
    ck_assert_int_lt(chain.ledger.base, 7);
    chain_close(&chain);
}
END_TEST

START_TEST(each_kind_is_kept_for_its_own_time) {
    chain_open(&chain, &(struct chain_config){.validators = 1});
    for (int i = 0; i < 40; i++) {
        char tx[32];
        snprintf(tx, sizeof tx, "key%d=same", i);
        chain_step(&chain, (const char *[]){tx}, 1);
    }
    chain.ledger.state.params.evidence_age_blocks_max = 5;
    chain.ledger.state.params.evidence_age_ns_max = 1;
    struct ledger_retain retain = {.blocks = 11, .states = 5, .results = 21, .index = 31};
    while (ledger_prune_to(&chain.ledger, &retain, 100) > 0)
        ;
    ck_assert_uint_eq(count_keys('b'), 30);
    ck_assert_uint_eq(count_keys('r'), 20);
    ck_assert_uint_eq(count_keys('t'), 10);
    ck_assert_uint_eq(count_keys('m'), 36);
    ck_assert_int_eq(ledger_results_base(&chain.ledger), 21);
    ck_assert_int_eq(ledger_index_base(&chain.ledger), 31);
    ck_assert_uint_eq(found("app.key EXISTS"), 10);
    ck_assert_uint_eq(found("tx.height < 31"), 0);
    chain_reopen(&chain);
    ck_assert_int_eq(ledger_results_base(&chain.ledger), 21);
    ck_assert_int_eq(ledger_index_base(&chain.ledger), 31);
    /* results are kept for the index, and both no longer than their block */
    retain = (struct ledger_retain){.blocks = 35, .results = 39, .index = 37};
    while (ledger_prune_to(&chain.ledger, &retain, 100) > 0)
        ;
    ck_assert_int_eq(ledger_results_base(&chain.ledger), 37);
    retain = (struct ledger_retain){.blocks = 39};
    while (ledger_prune_to(&chain.ledger, &retain, 100) > 0)
        ;
    ck_assert_int_eq(ledger_index_base(&chain.ledger), 39);
    ck_assert_uint_eq(count_keys('r'), 2);
    chain_close(&chain);
}
END_TEST

START_TEST(nothing_of_the_index_is_left_of_what_was_pruned) {
    chain_open(&chain, &(struct chain_config){.validators = 1});
    for (int i = 0; i < 30; i++) {
        char tx[32];
        snprintf(tx, sizeof tx, "key%d=%d", i, i % 3);
        chain_step(&chain, (const char *[]){tx, "always=1"}, 2);
    }
    ck_assert_uint_gt(count_keys('q'), 60);
    while (ledger_prune_to(&chain.ledger, &(struct ledger_retain){.index = 30}, 3) > 0)
        ;
    ck_assert_uint_eq(count_keys('t'), 2);
    ck_assert_uint_le(count_keys('q'), 8);
    ck_assert_uint_eq(count_keys('b'), 30);
    ck_assert_uint_eq(count_keys('r'), 30);
    ck_assert_uint_eq(found("app.index_key EXISTS"), 2);
    chain_close(&chain);
}
END_TEST

START_TEST(a_node_without_an_index_prunes_the_one_it_had) {
    chain_open(&chain, &(struct chain_config){.validators = 1});
    for (int i = 0; i < 10; i++)
        chain_step(&chain, (const char *[]){"a=b"}, i % 2);
    chain.ledger.index_transactions = false;
    for (int i = 0; i < 10; i++)
        chain_step(&chain, (const char *[]){"a=b"}, 1);
    uint64_t had = count_keys('q');
    ck_assert_uint_gt(had, 0);
    ck_assert_int_eq(ledger_index_base(&chain.ledger), 21); /* nothing is found */
    while (ledger_prune_to(&chain.ledger, &(struct ledger_retain){.blocks = 15}, 3) > 0)
        ;
    ck_assert_int_eq(chain.ledger.base, 15);
    ck_assert_uint_lt(count_keys('q'), had);
    chain_close(&chain);
}
END_TEST

Suite *suite_prune(void);
Suite *suite_prune(void) {
    Suite *suite = suite_create("prune");
    TCase *tcase = tcase_create("prune");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, the_files_shrink_after_pruning_while_the_chain_goes_on);
    tcase_add_test(tcase, a_call_goes_through_no_more_heights_than_it_may);
    tcase_add_test(tcase, large_blocks_make_a_call_stop_earlier);
    tcase_add_test(tcase, each_kind_is_kept_for_its_own_time);
    tcase_add_test(tcase, nothing_of_the_index_is_left_of_what_was_pruned);
    tcase_add_test(tcase, a_node_without_an_index_prunes_the_one_it_had);
    suite_add_tcase(suite, tcase);
    return suite;
}
