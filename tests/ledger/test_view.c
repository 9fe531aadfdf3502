#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/kv_group.h"
#include "ledger/view.h"
#include "tests/ledger/chain.h"

static void give_up(void *context, const char *what) __attribute__((noreturn));
static void give_up(void *context, const char *what) {
    (void)context;
    (void)what;
    abort();
}

START_TEST(a_view_stays_at_its_height_while_the_chain_goes_on) {
    struct chain chain;
    struct ledger_meta meta;
    struct commit commit;
    struct arena arena;
    bool canonical = true;
    arena_init(&arena, 1 << 20);
    chain_open(&chain, &(struct chain_config){.validators = 4});
    chain_run(&chain, 3);
    struct view *view = view_new(&chain.ledger);
    chain_run(&chain, 4);
    ck_assert_int_eq(view->ledger.state.height, 3);
    ck_assert(ledger_block_meta(&view->ledger, &meta, 3));
    ck_assert(!ledger_block_meta(&view->ledger, &meta, 4));
    ck_assert(ledger_commit(&view->ledger, &commit, &canonical, 3, &arena) && !canonical);
    struct view *other = view_hold(view);
    view_release(view);
    ck_assert_int_eq(other->ledger.state.height, 3);
    view_release(other);
    chain_close(&chain);
    arena_close(&arena);
}
END_TEST

START_TEST(a_view_of_a_gathering_store_shows_the_last_height_that_was_written) {
    struct kv *store = kv_memory_new((struct kv_failure){NULL, give_up}), *group = kv_group_over(store);
    struct chain chain;
    struct ledger_meta meta;
    chain_open(&chain, &(struct chain_config){.kv = group});
    chain_run(&chain, 5);
    kv_group_hold(group, true);
    chain_run(&chain, 6);
    struct view *view = view_new(&chain.ledger);
    ck_assert_int_eq(view->ledger.state.height, 5);
    ck_assert(ledger_block_meta(&view->ledger, &meta, 5) && !ledger_block_meta(&view->ledger, &meta, 6));
    ck_assert_int_eq(view->ledger.base, 1);
    view_release(view);
    kv_group_write(group);
    view = view_new(&chain.ledger);
    ck_assert_int_eq(view->ledger.state.height, 11);
    view_release(view);
    chain_close(&chain);
    kv_close(group);
    kv_close(store);
}
END_TEST

enum { HEIGHTS = 60 };

static _Atomic(struct view *) newest;
static atomic_bool done;

static void *read_on(void *context) {
    uint64_t *reads = context;
    struct ledger_meta meta;
    struct valset set;
    valset_init(&set);
    while (!atomic_load(&done) || *reads == 0) {
        struct view *view = atomic_exchange(&newest, NULL);
        if (view == NULL)
            continue;
        int64_t height = view->ledger.state.height;
        struct block *block = ledger_block(&view->ledger, height);
        bool good = block != NULL && block->header.height == height && ledger_block_meta(&view->ledger, &meta, 1) &&
                    !ledger_block_meta(&view->ledger, &meta, height + 1) && ledger_validators(&view->ledger, &set, height + 1);
        block_release(block);
        view_release(view);
        if (!good)
            abort();
        ++*reads;
    }
    valset_close(&set);
    return NULL;
}

START_TEST(a_second_thread_reads_views_of_leveldb_while_the_first_writes) {
    char folder[] = "/tmp/quorate-view-XXXXXX", command[64], *error = NULL;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    struct kv *store = kv_leveldb_open(folder, NULL, (struct kv_failure){NULL, give_up}, &error), *group = kv_group_over(store);
    struct chain chain;
    pthread_t reader;
    uint64_t reads = 0;
    chain_open(&chain, &(struct chain_config){.validators = 1, .kv = group});
    ck_assert_int_eq(pthread_create(&reader, NULL, read_on, &reads), 0);
    for (int i = 0; i < HEIGHTS; i++) {
        chain_run(&chain, 1);
        view_release(atomic_exchange(&newest, view_new(&chain.ledger)));
    }
    atomic_store(&done, true);
    pthread_join(reader, NULL);
    view_release(atomic_exchange(&newest, NULL));
    ck_assert_uint_gt(reads, 0);
    chain_close(&chain);
    kv_close(group);
    kv_close(store);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

Suite *suite_view(void);
Suite *suite_view(void) {
    Suite *suite = suite_create("view");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_view_stays_at_its_height_while_the_chain_goes_on);
    tcase_add_test(all, a_view_of_a_gathering_store_shows_the_last_height_that_was_written);
    tcase_add_test(all, a_second_thread_reads_views_of_leveldb_while_the_first_writes);
    suite_add_tcase(suite, all);
    return suite;
}
