/* Batches gathered and written as one: whoever reads through it must not notice, a crash must leave all or nothing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/kv_group.h"
#include "tests/ledger/chain.h"

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct kv *store, *group;

static void open_group(void) {
    store = kv_memory_new((struct kv_failure){NULL, give_up});
    group = kv_group_over(store);
}

static void close_group(void) {
    kv_close(group);
    kv_close(store);
}

static void put(const char *key, const char *value) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    if (value != NULL)
        kv_batch_put(&batch, span_text(key), span_text(value));
    else
        kv_batch_delete(&batch, span_text(key));
    kv_write(group, &batch, true);
    kv_batch_close(&batch);
}

static bool holds(struct kv *kv, const char *key, const char *value) {
    struct blob *found = kv_get(kv, span_text(key));
    bool same = value == NULL ? found == NULL : found != NULL && span_equal(blob_span(found), span_text(value));
    blob_release(found);
    return same;
}

START_TEST(without_holding_everything_goes_through_at_once) {
    put("a", "1");
    ck_assert(holds(store, "a", "1"));
    ck_assert_uint_eq(kv_group_count(group), 0);
}
END_TEST

START_TEST(what_is_gathered_is_read_and_not_yet_stored) {
    put("a", "0");
    put("b", "0");
    kv_group_hold(group, true);
    put("a", "1");
    put("a", "2");
    put("b", NULL);
    put("c", "");
    ck_assert_uint_eq(kv_group_count(group), 4);
    ck_assert(holds(group, "a", "2"));
    ck_assert(holds(group, "b", NULL));
    ck_assert(holds(group, "c", ""));
    ck_assert(!kv_has(group, span_text("d")));
    ck_assert(holds(store, "a", "0") && holds(store, "b", "0") && holds(store, "c", NULL));
    kv_group_hold(group, false);
    ck_assert(holds(store, "a", "2") && holds(store, "b", NULL) && holds(store, "c", ""));
}
END_TEST

START_TEST(one_flush_makes_all_of_it_durable) {
    struct kv_counts before, after;
    kv_group_hold(group, true);
    kv_count(store, &before);
    for (int i = 0; i < 64; i++)
        put("a", "x");
    kv_group_write(group);
    kv_count(store, &after);
    ck_assert_uint_eq(after.synced_writes, before.synced_writes + 1);
    kv_count(group, &after);
    ck_assert_uint_eq(after.synced_writes, 1);
    kv_memory_crash(store, 0);
    ck_assert(holds(group, "a", "x"));
}
END_TEST

START_TEST(a_crash_leaves_nothing_of_the_group) {
    put("a", "0");
    kv_group_hold(group, true);
    put("a", "1");
    put("b", "1");
    kv_memory_crash(store, 0);
    kv_group_drop(group);
    ck_assert(holds(group, "a", "0"));
    ck_assert(holds(group, "b", NULL));
}
END_TEST

static bool count_one(void *context, struct span key, struct span value) {
    (void)key;
    (void)value;
    ++*(int *)context;
    return true;
}

START_TEST(a_walk_sees_what_is_gathered) {
    put("b", "0");
    kv_group_hold(group, true);
    put("a", "1");
    put("b", NULL);
    put("c", "1");
    int count = 0;
    kv_scan(group, span_text("a"), span_text("z"), false, count_one, &count);
    ck_assert_int_eq(count, 2);
    ck_assert_uint_eq(kv_group_count(group), 0);
}
END_TEST

START_TEST(memory_is_bounded) {
    static uint8_t large[100000];
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_group_hold(group, true);
    for (uint32_t i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %u", i);
        kv_batch_clear(&batch);
        kv_batch_put(&batch, span_text(key), span_of(large, sizeof large));
        kv_write(group, &batch, true);
        ck_assert_uint_le(kv_group_count(group), KV_GROUP_BYTES_MAX / sizeof large + 1);
    }
    ck_assert(kv_has(store, span_text("key 100")));
    kv_batch_close(&batch);
}
END_TEST

START_TEST(it_tells_the_same_as_a_plain_store_whatever_is_written) {
    struct kv *plain = kv_memory_new((struct kv_failure){NULL, give_up});
    struct kv_batch batch;
    kv_batch_init(&batch);
    uint32_t chance = 7;
    for (int i = 0; i < 20000; i++) {
        kv_batch_clear(&batch);
        for (uint32_t records = chance % 5; records > 0; records--) {
            char key[16], value[16];
            chance = chance * 1103515245 + 12345;
            snprintf(key, sizeof key, "%u", (chance >> 8) % 2000);
            snprintf(value, sizeof value, "%u", chance);
            if ((chance >> 4) % 4 == 0)
                kv_batch_delete(&batch, span_text(key));
            else
                kv_batch_put(&batch, span_text(key), span_text(value));
        }
        kv_write(plain, &batch, true);
        kv_write(group, &batch, true);
        chance = chance * 1103515245 + 12345;
        if ((chance >> 8) % 50 == 0)
            kv_group_hold(group, (chance >> 16) % 2 == 0);
        char key[16];
        snprintf(key, sizeof key, "%u", (chance >> 8) % 2000);
        struct blob *one = kv_get(plain, span_text(key)), *other = kv_get(group, span_text(key));
        ck_assert((one == NULL) == (other == NULL));
        ck_assert(one == NULL || span_equal(blob_span(one), blob_span(other)));
        blob_release(one);
        blob_release(other);
    }
    kv_batch_close(&batch);
    kv_close(plain);
}
END_TEST

START_TEST(a_chain_killed_within_a_group_is_at_the_height_before_it_and_goes_on) {
    struct chain chain;
    chain_open(&chain, &(struct chain_config){.kv = group});
    chain_run(&chain, 5);
    kv_group_hold(group, true);
    const char *txs[] = {"a=1"};
    chain_step(&chain, txs, 1);
    chain_run(&chain, 20);
    ck_assert_int_eq(chain.ledger.state.height, 26);
    kv_memory_crash(store, 0);
    kv_group_drop(group);
    kv_group_hold(group, false);
    chain_reopen(&chain);
    ck_assert_int_eq(chain.ledger.state.height, 5);
    chain_run(&chain, 10);
    kv_group_hold(group, true);
    chain_run(&chain, 30);
    kv_group_write(group);
    chain_run(&chain, 3);
    kv_group_drop(group);
    chain_reopen(&chain);
    ck_assert_int_eq(chain.ledger.state.height, 45);
    ck_assert(ledger_rollback(&chain.ledger, true));
    ck_assert_int_eq(chain.ledger.state.height, 44);
    chain_close(&chain);
}
END_TEST

START_TEST(other_stores_are_left_alone) {
    kv_group_hold(store, true);
    put("a", "1");
    kv_group_write(store);
    kv_group_drop(store);
    ck_assert_uint_eq(kv_group_count(store), 0);
    ck_assert(holds(store, "a", "1"));
}
END_TEST

Suite *suite_kv_group(void);
Suite *suite_kv_group(void) {
    Suite *suite = suite_create("kv_group");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, open_group, close_group);
    tcase_add_test(all, without_holding_everything_goes_through_at_once);
    tcase_add_test(all, what_is_gathered_is_read_and_not_yet_stored);
    tcase_add_test(all, one_flush_makes_all_of_it_durable);
    tcase_add_test(all, a_crash_leaves_nothing_of_the_group);
    tcase_add_test(all, a_walk_sees_what_is_gathered);
    tcase_add_test(all, memory_is_bounded);
    tcase_add_test(all, it_tells_the_same_as_a_plain_store_whatever_is_written);
    tcase_add_test(all, a_chain_killed_within_a_group_is_at_the_height_before_it_and_goes_on);
    tcase_add_test(all, other_stores_are_left_alone);
    suite_add_tcase(suite, all);
    return suite;
}
