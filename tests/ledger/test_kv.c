#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/keys.h"
#include "ledger/kv.h"

/* Every test runs over both stores: loop index 0 is memory, 1 is LevelDB. */
enum { MEMORY, LEVELDB, STORES };

static char folder[64];
static char failure_text[512];
static jmp_buf failed;

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    snprintf(failure_text, sizeof failure_text, "%s", what);
    longjmp(failed, 1);
}

static void make_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/quorate-kv-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void drop_folder(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct kv *open_leveldb(void) {
    char *error = NULL;
    struct kv *kv = kv_leveldb_open(folder, NULL, (struct kv_failure){NULL, give_up}, &error);
    ck_assert_msg(kv != NULL, "%s", error);
    return kv;
}

static struct kv *open_store(int which) {
    make_folder();
    return which == MEMORY ? kv_memory_new((struct kv_failure){NULL, give_up}) : open_leveldb();
}

static void shut(struct kv *kv) {
    kv_close(kv);
    drop_folder();
}

static void put(struct kv *kv, const char *key, const char *value, bool sync) {
    static struct kv_batch batch; /* outlives a jump out of a failing write */
    kv_batch_init(&batch);
    if (value != NULL)
        kv_batch_put(&batch, span_text(key), span_text(value));
    else
        kv_batch_delete(&batch, span_text(key));
    kv_write(kv, &batch, sync);
    kv_batch_close(&batch);
}

static bool holds(struct kv *kv, const char *key, const char *value) {
    struct blob *found = kv_get(kv, span_text(key));
    bool same = found == NULL ? value == NULL : value != NULL && span_equal(blob_span(found), span_text(value));
    blob_release(found);
    return same;
}

START_TEST(later_entries_of_a_batch_win) {
    struct kv *kv = open_store(_i);
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_batch_put(&batch, span_text("a"), span_text("1"));
    kv_batch_put(&batch, span_text("b"), span_text(""));
    kv_batch_delete(&batch, span_text("a"));
    memcpy(kv_batch_reserve(&batch, span_text("c"), 2), "33", 2);
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
    ck_assert(holds(kv, "a", NULL));
    ck_assert(holds(kv, "b", ""));
    ck_assert(holds(kv, "c", "33"));
    ck_assert(kv_has(kv, span_text("b")) && !kv_has(kv, span_text("a")));
    shut(kv);
}
END_TEST

struct walk {
    char text[256];
    int left;
};

static bool note(void *context, struct span key, struct span value) {
    struct walk *walk = context;
    size_t used = strlen(walk->text);
    snprintf(walk->text + used, sizeof walk->text - used, "%.*s%.*s ", (int)key.size, (const char *)key.data, (int)value.size,
             (const char *)value.data);
    return --walk->left != 0;
}

static const char *scan(struct kv *kv, const char *from, const char *to, bool backwards, int count) {
    static struct walk walk;
    walk = (struct walk){.left = count};
    kv_scan(kv, span_text(from), span_text(to), backwards, note, &walk);
    return walk.text;
}

START_TEST(a_scan_goes_in_order_and_stops_where_told) {
    struct kv *kv = open_store(_i);
    const char *const keys[] = {"m", "b", "z", "ba", "c", "a", "bz"};
    for (size_t i = 0; i < 7; i++)
        put(kv, keys[i], "=", i % 2 == 0);
    ck_assert_str_eq(scan(kv, "b", "m", false, 0), "b= ba= bz= c= ");
    ck_assert_str_eq(scan(kv, "b", "m", true, 0), "c= bz= ba= b= ");
    ck_assert_str_eq(scan(kv, "b", "m", false, 2), "b= ba= ");
    ck_assert_str_eq(scan(kv, "n", "zz", true, 1), "z= ");
    ck_assert_str_eq(scan(kv, "bb", "by", true, 0), "");
    ck_assert_str_eq(scan(kv, "m", "b", false, 0), "");
    put(kv, "ba", NULL, true);
    ck_assert_str_eq(scan(kv, "b", "c", false, 0), "b= bz= ");
    shut(kv);
}
END_TEST

START_TEST(writes_are_counted_and_synced_ones_apart) {
    struct kv *kv = open_store(_i);
    struct kv_counts counts;
    put(kv, "a", "1", true);
    put(kv, "b", "2", false);
    kv_count(kv, &counts);
    ck_assert_uint_eq(counts.writes, 2);
    ck_assert_uint_eq(counts.synced_writes, 1);
    ck_assert_uint_gt(counts.bytes_written, 4);
    kv_compact(kv, span_text("a"), span_text("z"));
    shut(kv);
}
END_TEST

START_TEST(ten_thousand_random_changes_agree_with_a_plain_table) {
    struct kv *kv = open_store(_i);
    static int table[997];
    memset(table, 0, sizeof table);
    uint64_t seed = 7;
    for (int i = 1; i <= 10000; i++) {
        char key[16], value[16];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned at = (unsigned)(seed >> 33) % 997;
        snprintf(key, sizeof key, "k%03u", at);
        snprintf(value, sizeof value, "%d", i);
        bool cut = (seed >> 20) % 3 == 0;
        put(kv, key, cut ? NULL : value, false);
        table[at] = cut ? 0 : i;
    }
    for (unsigned at = 0; at < 997; at++) {
        char key[16], value[16];
        snprintf(key, sizeof key, "k%03u", at);
        snprintf(value, sizeof value, "%d", table[at]);
        ck_assert(holds(kv, key, table[at] == 0 ? NULL : value));
    }
    shut(kv);
}
END_TEST

START_TEST(a_snapshot_shows_what_was_there_when_it_was_made) {
    struct kv *kv = open_store(_i);
    put(kv, "a", "1", true);
    put(kv, "b", "2", false);
    struct kv *then = kv_snapshot(kv);
    put(kv, "a", "9", true);
    put(kv, "b", NULL, true);
    put(kv, "c", "3", true);
    struct kv *later = kv_snapshot(kv);
    ck_assert(holds(then, "a", "1") && holds(then, "b", "2") && holds(then, "c", NULL));
    ck_assert_str_eq(scan(then, "a", "z", false, 0), "a1 b2 ");
    ck_assert_str_eq(scan(then, "a", "z", true, 0), "b2 a1 ");
    ck_assert_str_eq(scan(later, "a", "z", false, 0), "a9 c3 ");
    kv_close(then);
    put(kv, "a", "0", true);
    ck_assert(holds(later, "a", "9") && holds(kv, "a", "0"));
    kv_close(later);
    shut(kv);
}
END_TEST

START_TEST(a_crash_loses_what_was_not_synced_from_the_end) {
    struct kv *kv = open_store(MEMORY);
    put(kv, "a", "1", true);
    put(kv, "a", "2", false);
    put(kv, "b", "1", false);
    put(kv, "a", NULL, false);
    kv_memory_crash(kv, 2);
    ck_assert(holds(kv, "a", "2") && holds(kv, "b", "1"));
    put(kv, "c", "1", false);
    kv_memory_crash(kv, 0);
    ck_assert(holds(kv, "a", "2") && holds(kv, "b", "1") && holds(kv, "c", NULL));
    put(kv, "d", "1", false);
    put(kv, "e", "1", true); /* a synced log makes durable what stands before it */
    kv_memory_crash(kv, 0);
    ck_assert(holds(kv, "d", "1") && holds(kv, "e", "1"));
    shut(kv);
}
END_TEST

START_TEST(a_full_disk_calls_the_handler_and_changes_nothing) {
    struct kv *kv = open_store(MEMORY);
    kv_memory_fail_after(kv, 1);
    put(kv, "a", "1", true);
    if (setjmp(failed) == 0) {
        put(kv, "a", "2", true);
        ck_abort_msg("the handler was not called");
    }
    ck_assert_ptr_nonnull(strstr(failure_text, "No space left"));
    ck_assert(holds(kv, "a", "1"));
    shut(kv);
}
END_TEST

START_TEST(a_stored_batch_comes_back_and_a_broken_one_is_refused) {
    struct kv_batch batch, copy;
    kv_batch_init(&batch);
    kv_batch_init(&copy);
    kv_batch_put(&batch, span_text("key"), span_text("value"));
    kv_batch_delete(&batch, span_text("gone"));
    ck_assert(kv_batch_load(&copy, kv_batch_span(&batch)));
    ck_assert_uint_eq(copy.count, 2);
    ck_assert(span_equal(kv_batch_span(&copy), kv_batch_span(&batch)));
    for (size_t size = 1; size < batch.size; size++)
        if (size != 9 + 3 + 5)
            ck_assert(!kv_batch_load(&copy, span_of(batch.bytes, size)));
    batch.bytes[0] = 3;
    ck_assert(!kv_batch_load(&copy, kv_batch_span(&batch)));
    ck_assert_uint_eq(copy.count, 2);
    kv_batch_close(&batch);
    kv_batch_close(&copy);
}
END_TEST

START_TEST(leveldb_keeps_across_a_restart_and_has_one_owner) {
    make_folder();
    struct kv *kv = open_leveldb();
    put(kv, "a", "1", true);
    char *error = NULL;
    ck_assert_ptr_null(kv_leveldb_open(folder, NULL, (struct kv_failure){NULL, give_up}, &error));
    ck_assert_ptr_nonnull(strstr(error, "another process uses it"));
    free(error);
    kv_close(kv);
    kv = open_leveldb();
    ck_assert(holds(kv, "a", "1"));
    shut(kv);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_an_error_with_its_path) {
    char *error = NULL;
    ck_assert_ptr_null(kv_leveldb_open("/proc/none/db", NULL, (struct kv_failure){NULL, give_up}, &error));
    ck_assert_ptr_nonnull(strstr(error, "/proc/none/db"));
    free(error);
}
END_TEST

START_TEST(keys_ascend_with_height) {
    int64_t heights[] = {0, 1, 255, 256, 65536, INT64_MAX};
    for (size_t i = 0; i < 6; i++) {
        struct key key = keys_height('b', heights[i]);
        ck_assert_int_eq(keys_height_of(keys_span(&key)), heights[i]);
        if (i > 0) {
            struct key before = keys_height('b', heights[i - 1]);
            ck_assert_int_lt(span_compare(keys_span(&before), keys_span(&key)), 0);
        }
    }
    uint8_t hash[32] = {1};
    struct key key = keys_hash('t', hash);
    ck_assert_uint_eq(key.size, 33);
    ck_assert_int_eq(keys_height_of(keys_span(&key)), -1);
}
END_TEST

Suite *suite_kv(void);
Suite *suite_kv(void) {
    Suite *suite = suite_create("kv");
    TCase *both = tcase_create("both stores"), *one = tcase_create("one store");
    tcase_add_loop_test(both, later_entries_of_a_batch_win, 0, STORES);
    tcase_add_loop_test(both, a_scan_goes_in_order_and_stops_where_told, 0, STORES);
    tcase_add_loop_test(both, writes_are_counted_and_synced_ones_apart, 0, STORES);
    tcase_add_loop_test(both, ten_thousand_random_changes_agree_with_a_plain_table, 0, STORES);
    tcase_add_loop_test(both, a_snapshot_shows_what_was_there_when_it_was_made, 0, STORES);
    tcase_add_test(one, a_crash_loses_what_was_not_synced_from_the_end);
    tcase_add_test(one, a_full_disk_calls_the_handler_and_changes_nothing);
    tcase_add_test(one, a_stored_batch_comes_back_and_a_broken_one_is_refused);
    tcase_add_test(one, leveldb_keeps_across_a_restart_and_has_one_owner);
    tcase_add_test(one, a_folder_that_cannot_be_made_is_an_error_with_its_path);
    tcase_add_test(one, keys_ascend_with_height);
    suite_add_tcase(suite, both);
    suite_add_tcase(suite, one);
    return suite;
}
