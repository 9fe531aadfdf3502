/* LevelDB's files after a crash and after a disk's mistakes. */
#include "ledger/kv_log.h"

#include <check.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/kv.h"

#define ENTRIES     300
#define VALUE_BYTES 700

static char folder[64];
static jmp_buf failed;

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    (void)what;
    longjmp(failed, 1);
}

static const struct kv_failure failure = {NULL, give_up};

static void make_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/quorate-kv-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void drop_folder(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void key_of(char out[static 16], uint32_t number) { snprintf(out, 16, "key%05u", number); }

static void value_of(uint8_t out[static VALUE_BYTES], uint32_t number) {
    for (uint32_t i = 0; i < VALUE_BYTES; i++) /* that does not compress */
        out[i] = (uint8_t)((number * 2654435761u + i * 40503u) >> 11 ^ i * i >> 3);
}

/* The value, its name again and the one before it in a batch: so that a lost batch in the middle shows. */
static void fill(struct kv *kv, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++) {
        struct kv_batch batch;
        char key[16];
        uint8_t value[VALUE_BYTES];
        key_of(key, i);
        value_of(value, i);
        kv_batch_init(&batch);
        kv_batch_put(&batch, span_text(key), span_of(value, sizeof value));
        kv_batch_put(&batch, span_text("head"), span_text(key));
        kv_write(kv, &batch, i % 7 == 0);
        kv_batch_close(&batch);
    }
}

static struct kv *open_store(char **error) { return kv_leveldb_open(folder, NULL, failure, error); }

static struct kv *must_open(void) {
    char *error = NULL;
    struct kv *kv = open_store(&error);
    ck_assert_msg(kv != NULL, "%s", error);
    return kv;
}

/* All entries up to the head are there and right. Returns how many. */
static uint32_t check_all(struct kv *kv) {
    struct blob *head = kv_get(kv, span_text("head"));
    char text[16] = "";
    if (head != NULL)
        memcpy(text, head->data, head->size < 15 ? head->size : 15);
    uint32_t count = head == NULL ? 0 : (uint32_t)atoi(text + 3) + 1;
    blob_release(head);
    for (uint32_t i = 0; i < count; i++) {
        char key[16];
        uint8_t value[VALUE_BYTES];
        key_of(key, i);
        value_of(value, i);
        struct blob *read = kv_get(kv, span_text(key));
        ck_assert_msg(read != NULL, "%s of %u is missing, and nobody said so", key, count);
        ck_assert_msg(span_equal(blob_span(read), span_of(value, sizeof value)), "%s is wrong, and nobody said so", key);
        blob_release(read);
    }
    return count;
}

/* Some in tables, the rest in the log. */
static void make_store(void) {
    make_folder();
    struct kv *kv = must_open();
    fill(kv, 0, ENTRIES / 2);
    kv_compact(kv, span_text("a"), span_text("z"));
    fill(kv, ENTRIES / 2, ENTRIES);
    kv_close(kv);
}

static void copy_folder(const char *from, const char *to) {
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s && cp -r %s %s", to, from, to);
    ck_assert_int_eq(system(command), 0);
}

/* The name of the largest file whose name ends so. */
static bool find_file(char out[static 400], const char *ending) {
    DIR *dir = opendir(folder);
    off_t largest = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat stat_of;
        char path[400];
        size_t size = strlen(entry->d_name);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (size >= strlen(ending) && strstr(entry->d_name, ending) != NULL && stat(path, &stat_of) == 0 && stat_of.st_size > largest) {
            largest = stat_of.st_size;
            memcpy(out, path, sizeof path);
        }
    }
    closedir(dir);
    return largest > 0;
}

static struct blob *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    struct blob *blob = blob_reserve((size_t)ftell(file));
    rewind(file);
    ck_assert_uint_eq(fread(blob->data, 1, blob->size, file), blob->size);
    fclose(file);
    return blob;
}

static void write_file(const char *path, struct span bytes) {
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
}

static uint64_t roll(uint64_t *chance) {
    uint64_t z = *chance += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* Opens what is there, reads all, and lets LevelDB move it into new tables. true: somebody said that it is not as it was. */
static bool is_noticed(void) {
    struct kv *volatile kv = NULL;
    char *error = NULL;
    if (setjmp(failed) != 0) {
        kv_close(kv);
        return true;
    }
    kv = open_store(&error);
    free(error);
    if (kv == NULL)
        return true;
    check_all(kv);
    kv_compact(kv, span_text("a"), span_text("z"));
    check_all(kv);
    kv_close(kv);
    return false;
}

START_TEST(a_flipped_bit_in_any_file_is_noticed_or_changes_nothing) {
    static const char *const endings[] = {".log", ".ldb", "MANIFEST-", "CURRENT"};
    char whole[64];
    uint64_t chance = 5;
    uint32_t noticed = 0;
    make_store();
    snprintf(whole, sizeof whole, "%s", folder);
    snprintf(folder, sizeof folder, "%.50s-flip", whole);
    for (volatile int i = 0; i < 160; i++) {
        char path[400];
        copy_folder(whole, folder);
        if (!find_file(path, endings[i % 4]))
            continue;
        struct blob *bytes = read_file(path);
        uint64_t where = roll(&chance) % (8 * bytes->size);
        bytes->data[where / 8] ^= (uint8_t)(1u << where % 8);
        write_file(path, blob_span(bytes));
        blob_release(bytes);
        noticed += is_noticed();
    }
    ck_assert_uint_gt(noticed, 100);
    drop_folder();
    snprintf(folder, sizeof folder, "%s", whole);
    drop_folder();
}
END_TEST

START_TEST(damage_in_a_log_is_named_with_file_and_offset) {
    char path[400], *error = NULL;
    make_store();
    ck_assert(find_file(path, ".log"));
    struct blob *bytes = read_file(path);
    bytes->data[bytes->size / 2] ^= 4;
    write_file(path, blob_span(bytes));
    ck_assert_ptr_null(open_store(&error));
    ck_assert_ptr_nonnull(strstr(error, path));
    ck_assert_ptr_nonnull(strstr(error, "damaged at offset"));
    free(error);
    blob_release(bytes);
    drop_folder();
}
END_TEST

/* The power went while the last batches were written: the file is as long as it was to become, and sectors of its end are missing in any order. */
START_TEST(a_log_whose_last_sectors_never_arrived_is_cut_and_the_rest_is_there) {
    uint64_t chance = 9;
    uint32_t cut = 0;
    for (int i = 0; i < 40; i++) {
        char path[400];
        make_store();
        ck_assert(find_file(path, ".log"));
        struct blob *bytes = read_file(path);
        size_t synced, size = bytes->size;
        ck_assert_int_eq(kv_log_judge(&synced, blob_span(bytes)), KV_LOG_GOOD); /* where the last batch begins */
        ck_assert_uint_gt(size - synced, VALUE_BYTES);
        for (size_t at = synced; at < size; at += 512 - at % 512)
            if (roll(&chance) % 2 == 0)
                memset(bytes->data + at, 0, size - at < 512 - at % 512 ? size - at : 512 - at % 512);
        write_file(path, blob_span(bytes));
        blob_release(bytes);
        struct kv *kv = must_open();
        uint32_t left = check_all(kv);
        ck_assert_uint_ge(left, ENTRIES - 1);
        cut += left < ENTRIES;
        kv_close(kv);
        drop_folder();
    }
    ck_assert_uint_gt(cut, 20);
}
END_TEST

START_TEST(a_sector_missing_in_the_middle_of_a_log_is_damage) {
    char path[400], *error = NULL;
    make_store();
    ck_assert(find_file(path, ".log"));
    struct blob *bytes = read_file(path);
    memset(bytes->data + 10240, 0, 512);
    write_file(path, blob_span(bytes));
    blob_release(bytes);
    ck_assert_ptr_null(open_store(&error));
    ck_assert_ptr_nonnull(strstr(error, "damaged at offset"));
    free(error);
    drop_folder();
}
END_TEST

START_TEST(a_log_cut_at_any_byte_opens_with_what_was_whole) {
    char whole[64];
    make_store();
    snprintf(whole, sizeof whole, "%s", folder);
    snprintf(folder, sizeof folder, "%.50s-cut", whole);
    for (size_t less = 1; less < 2000; less += 61) {
        char path[400];
        copy_folder(whole, folder);
        ck_assert(find_file(path, ".log"));
        struct blob *bytes = read_file(path);
        write_file(path, span_of(bytes->data, bytes->size - less));
        blob_release(bytes);
        struct kv *kv = must_open();
        ck_assert_uint_ge(check_all(kv), ENTRIES - 3);
        kv_close(kv);
    }
    drop_folder();
    snprintf(folder, sizeof folder, "%s", whole);
    drop_folder();
}
END_TEST

Suite *suite_kv_log(void);
Suite *suite_kv_log(void) {
    Suite *suite = suite_create("kv_log");
    TCase *tests = tcase_create("kv_log");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, a_flipped_bit_in_any_file_is_noticed_or_changes_nothing);
    tcase_add_test(tests, damage_in_a_log_is_named_with_file_and_offset);
    tcase_add_test(tests, a_log_whose_last_sectors_never_arrived_is_cut_and_the_rest_is_there);
    tcase_add_test(tests, a_sector_missing_in_the_middle_of_a_log_is_damage);
    tcase_add_test(tests, a_log_cut_at_any_byte_opens_with_what_was_whole);
    suite_add_tcase(suite, tests);
    return suite;
}
