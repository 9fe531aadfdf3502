#include "node/disk.h"

#include <check.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[64];
static jmp_buf failed;
static char failure_text[5000];

static void note_failure(void *context, const char *what) __attribute__((noreturn));
static void note_failure(void *context, const char *what) {
    (void)context;
    snprintf(failure_text, sizeof failure_text, "%s", what);
    longjmp(failed, 1);
}

static const struct disk_failure failure = {.fail = note_failure};

static void setup(void) {
    strcpy(home, "/tmp/quorate-disk-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
}

static void teardown(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0);
}

static struct disk *open_disk(int kind) {
    char *error = NULL;
    struct disk *disk = kind == 0 ? disk_memory_new(failure) : disk_posix_open(home, failure, &error);
    ck_assert_ptr_nonnull(disk);
    return disk;
}

static void close_disk(struct disk *disk, int kind) {
    if (kind == 0)
        disk_memory_free(disk);
    else
        disk_posix_close(disk);
}

static void expect_content(struct disk *disk, const char *name, const char *content) {
    struct blob *blob = disk->table->read(disk, name, 0, 1000);
    ck_assert_ptr_nonnull(blob);
    ck_assert_msg(span_equal(blob_span(blob), span_text(content)), "%s: %.*s", name, (int)blob->size, (const char *)blob->data);
    ck_assert_int_eq(disk->table->size(disk, name), (int64_t)strlen(content));
    blob_release(blob);
}

static void count_name(void *context, const char *name) {
    ck_assert(strcmp(name, "wal") == 0 || strcmp(name, "wal.000") == 0);
    ++*(int *)context;
}

/* Both kinds of disk say the same. */
START_TEST(a_disk_keeps_what_is_given_to_it) {
    struct disk *disk = open_disk(_i);
    const struct disk_table *table = disk->table;
    ck_assert_int_eq(table->size(disk, "data/cs.wal/wal"), -1);
    ck_assert_ptr_null(table->read(disk, "data/cs.wal/wal", 0, 10));
    table->sync(disk, "data/cs.wal/wal");
    table->append(disk, "data/cs.wal/wal", span_text("hello "));
    table->append(disk, "data/cs.wal/wal", span_text("world"));
    table->sync(disk, "data/cs.wal/wal");
    expect_content(disk, "data/cs.wal/wal", "hello world");
    struct blob *middle = table->read(disk, "data/cs.wal/wal", 6, 3), *beyond = table->read(disk, "data/cs.wal/wal", 60, 3);
    ck_assert(span_equal(blob_span(middle), span_text("wor")) && beyond->size == 0);
    blob_release(middle);
    blob_release(beyond);
    table->truncate(disk, "data/cs.wal/wal", 5);
    expect_content(disk, "data/cs.wal/wal", "hello");
    table->append(disk, "data/cs.wal/wal", span_text("!"));
    table->rename(disk, "data/cs.wal/wal", "data/cs.wal/wal.000");
    ck_assert_int_eq(table->size(disk, "data/cs.wal/wal"), -1);
    expect_content(disk, "data/cs.wal/wal.000", "hello!");
    table->append(disk, "data/cs.wal/wal", span_text("new"));
    expect_content(disk, "data/cs.wal/wal", "new");
    int names = 0;
    table->list(disk, "data/cs.wal", count_name, &names);
    table->list(disk, "data/nothing", count_name, &names);
    ck_assert_int_eq(names, 2);
    table->overwrite(disk, "state", span_text("a longer text"));
    table->overwrite(disk, "state", span_text("short"));
    expect_content(disk, "state", "short");
    table->replace(disk, "state", span_text("replaced"));
    expect_content(disk, "state", "replaced");
    table->remove(disk, "state");
    table->remove(disk, "state");
    ck_assert_int_eq(table->size(disk, "state"), -1);
    close_disk(disk, _i);
}
END_TEST

START_TEST(files_outlive_the_disk_that_wrote_them) {
    struct disk *disk = open_disk(1);
    disk->table->append(disk, "data/x", span_text("kept"));
    disk->table->replace(disk, "y", span_text("kept too"));
    close_disk(disk, 1);
    disk = open_disk(1);
    expect_content(disk, "data/x", "kept");
    expect_content(disk, "y", "kept too");
    disk->table->append(disk, "data/x", span_text(" on"));
    expect_content(disk, "data/x", "kept on");
    close_disk(disk, 1);
}
END_TEST

START_TEST(many_files_do_not_need_many_handles) {
    struct disk *disk = open_disk(1);
    char name[32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 100; i++) {
            snprintf(name, sizeof name, "many/%d", i);
            disk->table->append(disk, name, span_text("x"));
            disk->table->sync(disk, name);
        }
    expect_content(disk, "many/0", "xx");
    expect_content(disk, "many/99", "xx");
    close_disk(disk, 1);
}
END_TEST

START_TEST(files_and_folders_are_for_their_owner_alone) {
    struct disk *disk = open_disk(1);
    struct stat status;
    char path[128];
    disk->table->append(disk, "data/secret", span_text("x"));
    disk->table->replace(disk, "data/secret2", span_text("x"));
    close_disk(disk, 1);
    snprintf(path, sizeof path, "%s/data", home);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/data/secret%s", home, i == 0 ? "" : "2");
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 0777, 0600);
    }
}
END_TEST

START_TEST(a_home_that_is_not_there_is_named) {
    char *error = NULL;
    ck_assert_ptr_null(disk_posix_open("/no/such/home", failure, &error));
    ck_assert_ptr_nonnull(strstr(error, "/no/such/home"));
    ck_assert_ptr_nonnull(strstr(error, "No such file"));
    free(error);
}
END_TEST

START_TEST(a_full_disk_is_told_with_path_and_cause) {
    struct disk *disk = open_disk(1);
    char path[128];
    snprintf(path, sizeof path, "%s/full", home);
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    if (setjmp(failed) == 0) {
        disk->table->append(disk, "full", span_text("x"));
        ck_abort_msg("a full disk took bytes");
    }
    ck_assert_ptr_nonnull(strstr(failure_text, "/full: write: No space left on device (28)"));
    ck_assert_ptr_nonnull(strstr(failure_text, home));
    close_disk(disk, 1);
}
END_TEST

START_TEST(a_sync_is_one_flush_and_a_new_name_costs_one_more) {
    struct disk *disk = open_disk(1);
    disk->table->append(disk, "data/x", span_text("1"));
    uint64_t before = disk->flushes;
    disk->table->sync(disk, "data/x");
    ck_assert_uint_eq(disk->flushes, before + 2); /* wound 49: the folder too, or the name is lost with the power */
    before = disk->flushes;
    for (int i = 0; i < 5; i++) {
        disk->table->append(disk, "data/x", span_text("1"));
        disk->table->sync(disk, "data/x");
    }
    ck_assert_uint_eq(disk->flushes, before + 5);
    close_disk(disk, 1);
    disk = open_disk(1); /* whoever made the file may have died before that */
    before = disk->flushes;
    disk->table->sync(disk, "data/x");
    ck_assert_uint_eq(disk->flushes, before + 2);
    before = disk->flushes;
    disk->table->replace(disk, "data/x", span_text("2"));
    disk->table->remove(disk, "data/x");
    ck_assert_uint_eq(disk->flushes, before + 3);
    close_disk(disk, 1);
}
END_TEST

/* The memory's crash */

START_TEST(what_was_synced_survives_every_crash) {
    for (uint64_t chance = 0; chance < 500; chance++) {
        struct disk *disk = open_disk(0);
        disk->table->append(disk, "a", span_text("synced"));
        disk->table->sync(disk, "a");
        disk->table->append(disk, "a", span_text(" and not"));
        disk->table->replace(disk, "b", span_text("replaced"));
        disk_memory_crash(disk, chance);
        struct blob *a = disk->table->read(disk, "a", 0, 100);
        ck_assert(a != NULL && a->size >= 6 && memcmp(a->data, "synced", 6) == 0);
        expect_content(disk, "b", "replaced");
        blob_release(a);
        close_disk(disk, 0);
    }
}
END_TEST

START_TEST(what_was_not_synced_is_lost_kept_or_torn) {
    int lost = 0, kept = 0, torn = 0, zeroes = 0, gone = 0;
    for (uint64_t chance = 0; chance < 2000; chance++) {
        struct disk *disk = open_disk(0);
        disk->table->append(disk, "a", span_text("synced"));
        disk->table->sync(disk, "a");
        disk->table->append(disk, "a", span_text("append"));
        disk->table->append(disk, "new", span_text("new"));
        disk_memory_crash(disk, chance);
        struct blob *a = disk->table->read(disk, "a", 0, 100);
        lost += a->size == 6;
        kept += a->size == 12 && memcmp(a->data + 6, "append", 6) == 0;
        torn += a->size > 6 && a->size < 12;
        zeroes += a->size == 12 && a->data[11] == 0;
        gone += disk->table->size(disk, "new") < 0;
        blob_release(a);
        close_disk(disk, 0);
    }
    ck_assert(lost > 100 && kept > 100 && torn > 100 && zeroes > 100 && gone > 100);
}
END_TEST

START_TEST(sectors_of_an_unsynced_append_arrive_in_no_order) {
    int holes = 0;
    for (uint64_t chance = 0; chance < 500; chance++) {
        struct disk *disk = open_disk(0);
        struct blob *many = blob_reserve(3000);
        memset(many->data, 'x', 3000);
        disk->table->append(disk, "a", span_text("synced"));
        disk->table->sync(disk, "a");
        disk->table->append(disk, "a", blob_span(many));
        disk_memory_crash(disk, chance);
        struct blob *a = disk->table->read(disk, "a", 0, 4000);
        ck_assert(a->size >= 6 && memcmp(a->data, "synced", 6) == 0);
        for (size_t i = 512; i + 512 < a->size; i += 512)
            holes += a->data[i - 1] == 0 && a->data[i] == 'x';
        blob_release(a);
        blob_release(many);
        close_disk(disk, 0);
    }
    ck_assert_int_gt(holes, 100);
}
END_TEST

START_TEST(a_full_disk_stays_full_but_lets_files_be_removed_and_a_broken_one_cannot_be_read) {
    struct disk *disk = open_disk(0);
    disk->table->append(disk, "a", span_text("1"));
    for (volatile int kind = 0; kind < 2; kind++) {
        disk_memory_break(disk, kind == 0 ? DISK_BREAK_FULL : DISK_BREAK_IO, 1, true);
        if (setjmp(failed) == 0) {
            disk->table->replace(disk, "b", span_text("2"));
            ck_abort_msg("written");
        }
        if (setjmp(failed) == 0) {
            disk->table->append(disk, "a", span_text("2"));
            ck_abort_msg("written");
        }
        if (setjmp(failed) == 0) {
            expect_content(disk, "a", "1");
            ck_assert_int_eq(kind, 0);
            disk->table->remove(disk, "c");
        } else {
            ck_assert_int_eq(kind, 1);
        }
    }
    disk_memory_fail_after(disk, 0);
    expect_content(disk, "a", "1");
    close_disk(disk, 0);
}
END_TEST

START_TEST(a_torn_overwrite_mixes_old_and_new) {
    int mixed = 0;
    for (uint64_t chance = 0; chance < 500; chance++) {
        struct disk *disk = open_disk(0);
        disk->table->overwrite(disk, "a", span_text("oldold"));
        disk->table->sync(disk, "a");
        disk->table->overwrite(disk, "a", span_text("newnew"));
        disk_memory_crash(disk, chance);
        struct blob *a = disk->table->read(disk, "a", 0, 100);
        ck_assert_uint_eq(a->size, 6);
        mixed += a->data[0] == 'n' && a->data[5] == 'd';
        blob_release(a);
        close_disk(disk, 0);
    }
    ck_assert_int_gt(mixed, 50);
}
END_TEST

START_TEST(the_memory_fails_at_the_call_it_was_told) {
    struct disk *disk = open_disk(0);
    disk_memory_fail_after(disk, 3);
    disk->table->append(disk, "a", span_text("1"));
    disk->table->sync(disk, "a");
    if (setjmp(failed) == 0) {
        disk->table->append(disk, "a", span_text("2"));
        ck_abort_msg("the third call went through");
    }
    expect_content(disk, "a", "1");
    disk->table->append(disk, "a", span_text("3"));
    expect_content(disk, "a", "13");
    close_disk(disk, 0);
}
END_TEST

Suite *suite_disk(void);
Suite *suite_disk(void) {
    Suite *suite = suite_create("disk");
    TCase *tests = tcase_create("disk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_disk_keeps_what_is_given_to_it, 0, 2);
    tcase_add_test(tests, files_outlive_the_disk_that_wrote_them);
    tcase_add_test(tests, many_files_do_not_need_many_handles);
    tcase_add_test(tests, files_and_folders_are_for_their_owner_alone);
    tcase_add_test(tests, a_home_that_is_not_there_is_named);
    tcase_add_test(tests, a_full_disk_is_told_with_path_and_cause);
    tcase_add_test(tests, a_sync_is_one_flush_and_a_new_name_costs_one_more);
    tcase_add_test(tests, what_was_synced_survives_every_crash);
    tcase_add_test(tests, what_was_not_synced_is_lost_kept_or_torn);
    tcase_add_test(tests, sectors_of_an_unsynced_append_arrive_in_no_order);
    tcase_add_test(tests, a_full_disk_stays_full_but_lets_files_be_removed_and_a_broken_one_cannot_be_read);
    tcase_add_test(tests, a_torn_overwrite_mixes_old_and_new);
    tcase_add_test(tests, the_memory_fails_at_the_call_it_was_told);
    suite_add_tcase(suite, tests);
    return suite;
}
