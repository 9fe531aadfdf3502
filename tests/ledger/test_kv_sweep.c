#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/kv_sweep.h"

enum { PIECES = 1000 };

struct seen {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char from[PIECES][32], to[PIECES][32];
    uint32_t count;
    bool held; /* the thread waits in its first piece */
};

static struct seen seen;

static void note(void *context, struct span from, struct span to) {
    (void)context;
    pthread_mutex_lock(&seen.lock);
    ck_assert(from.size <= 32 && to.size <= 32);
    if (seen.count < PIECES) {
        memcpy(seen.from[seen.count], from.data, from.size);
        memcpy(seen.to[seen.count], to.data, to.size);
    }
    seen.count++;
    pthread_cond_broadcast(&seen.changed);
    while (seen.held)
        pthread_cond_wait(&seen.changed, &seen.lock);
    pthread_mutex_unlock(&seen.lock);
}

static void hold(bool held) {
    pthread_mutex_lock(&seen.lock);
    seen.held = held;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static void wait_for(uint32_t count) {
    pthread_mutex_lock(&seen.lock);
    while (seen.count < count)
        pthread_cond_wait(&seen.changed, &seen.lock);
    pthread_mutex_unlock(&seen.lock);
}

static void setup(void) {
    memset(&seen, 0, sizeof seen);
    pthread_mutex_init(&seen.lock, NULL);
    pthread_cond_init(&seen.changed, NULL);
}

START_TEST(a_range_is_swept_in_pieces_that_meet) {
    struct kv_sweep *sweep = kv_sweep_new(note, NULL);
    const char from[9] = "b\0\0\0\0\0\0\0\0", to[9] = "b\0\0\0\0\0\0\x10\0";
    ck_assert(kv_sweep_add(sweep, span_of(from, 9), span_of(to, 9), 16));
    kv_sweep_wait(sweep);
    ck_assert_uint_eq(seen.count, 16);
    ck_assert_mem_eq(seen.from[0], from, 9);
    ck_assert_mem_eq(seen.to[15], to, 9);
    for (int i = 1; i < 16; i++) {
        ck_assert_mem_eq(seen.from[i], seen.to[i - 1], sizeof seen.from[i]);
        ck_assert_int_gt(memcmp(seen.to[i], seen.from[i], 9), 0);
    }
    kv_sweep_free(sweep);
}
END_TEST

START_TEST(a_stop_waits_for_the_piece_under_way_and_not_for_the_rest) {
    struct kv_sweep *sweep = kv_sweep_new(note, NULL);
    kv_sweep_add(sweep, span_text("a"), span_text("b"), UINT32_MAX); /* which would take hours */
    wait_for(1);
    kv_sweep_free(sweep);
}
END_TEST

START_TEST(no_more_ranges_wait_than_there_is_room_for_and_the_same_one_only_once) {
    struct kv_sweep *sweep = kv_sweep_new(note, NULL);
    char key[2] = "a";
    hold(true);
    ck_assert(kv_sweep_add(sweep, span_text("A"), span_text("B"), 1));
    wait_for(1);
    for (int i = 1; i < KV_SWEEP_RANGES_MAX; i++) {
        key[0] = (char)('a' + i);
        ck_assert(kv_sweep_add(sweep, span_text(key), span_text("~"), 1));
        ck_assert(kv_sweep_add(sweep, span_text(key), span_text("~"), 1));
    }
    ck_assert(!kv_sweep_add(sweep, span_text("z"), span_text("~"), 1));
    hold(false);
    kv_sweep_wait(sweep);
    ck_assert_uint_eq(seen.count, KV_SWEEP_RANGES_MAX);
    kv_sweep_free(sweep);
}
END_TEST

START_TEST(what_never_had_work_is_closed_without_a_thread) {
    kv_sweep_free(kv_sweep_new(note, NULL));
    kv_sweep_free(NULL);
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST

Suite *suite_kv_sweep(void);
Suite *suite_kv_sweep(void) {
    Suite *suite = suite_create("kv_sweep");
    TCase *tcase = tcase_create("kv_sweep");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_range_is_swept_in_pieces_that_meet);
    tcase_add_test(tcase, a_stop_waits_for_the_piece_under_way_and_not_for_the_rest);
    tcase_add_test(tcase, no_more_ranges_wait_than_there_is_room_for_and_the_same_one_only_once);
    tcase_add_test(tcase, what_never_had_work_is_closed_without_a_thread);
    suite_add_tcase(suite, tcase);
    return suite;
}
