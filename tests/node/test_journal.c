#include "node/journal.h"

#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/wire.h"
#include "tests/node/leaks.h"


#define NAME "data/cs.wal/wal"

static jmp_buf failed;
static void note_failure(void *context, const char *what) __attribute__((noreturn));
static void note_failure(void *context, const char *what) {
    (void)context;
    (void)what;
    longjmp(failed, 1);
}
static const struct disk_failure failure = {.fail = note_failure};

static struct disk *disk;
static const struct timestamp now = {1714564800, 500000000};

static void setup(void) { disk = disk_memory_new(failure); }
static void teardown(void) { disk_memory_free(disk); }

static struct journal *must_open(void) {
    char *note, *error = NULL;
    struct journal *journal = journal_open(disk, NAME, &note, &error);
    ck_assert_msg(journal != NULL, "%s", error);
    ck_assert_msg(note == NULL, "%s", note);
    return journal;
}

static void append_message(struct journal *journal, const char *text) {
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_MESSAGE, .time = now, .message = span_text(text), .peer_id = span_text("ab")});
}

struct seen {
    char text[4096]; /* "m:text t:3 e:7 " */
};

static void note_record(void *context, const struct journal_record *record) {
    struct seen *seen = context;
    size_t size = strlen(seen->text), room = sizeof seen->text - size;
    char *end = seen->text + size;
    switch (record->kind) {
    case JOURNAL_MESSAGE: snprintf(end, room, "m:%.*s ", (int)record->message.size, (const char *)record->message.data); break;
    case JOURNAL_TIMEOUT: snprintf(end, room, "t:%d/%u/%lld ", record->round, record->step, (long long)record->duration_ns); break;
    case JOURNAL_END_HEIGHT: snprintf(end, room, "e:%lld ", (long long)record->height); break;
    case JOURNAL_ROUND_STATE: snprintf(end, room, "r:%.*s ", (int)record->peer_id.size, (const char *)record->peer_id.data); break;
    }
}

static const char *replayed(struct journal *journal, int64_t height) {
    static struct seen seen;
    seen.text[0] = '\0';
    return journal_replay(journal, height, note_record, &seen) ? seen.text : NULL;
}

START_TEST(a_new_journal_begins_with_the_end_of_height_zero) {
    struct journal *journal = must_open();
    ck_assert_int_gt(disk->table->size(disk, NAME), 0);
    ck_assert_str_eq(replayed(journal, 1), "");
    ck_assert_ptr_null(replayed(journal, 2));
    journal_close(journal);
    journal = must_open();
    ck_assert_str_eq(replayed(journal, 1), "");
    journal_close(journal);
}
END_TEST

START_TEST(records_of_every_kind_come_back_in_order) {
    struct journal *journal = must_open();
    append_message(journal, "one");
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_TIMEOUT, .time = now, .height = 1, .round = 2, .step = 3, .duration_ns = 1500000000});
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_ROUND_STATE, .time = now, .height = 1, .peer_id = span_text("RoundStepPropose")});
    journal_sync(journal);
    ck_assert_str_eq(replayed(journal, 1), "m:one t:2/3/1500000000 r:RoundStepPropose ");
    journal_close(journal);
    journal = must_open();
    ck_assert_str_eq(replayed(journal, 1), "m:one t:2/3/1500000000 r:RoundStepPropose ");
    journal_close(journal);
}
END_TEST

START_TEST(a_replay_begins_after_the_end_of_the_height_before) {
    struct journal *journal = must_open();
    append_message(journal, "one");
    journal_end_height(journal, 1, &now);
    append_message(journal, "two");
    ck_assert_str_eq(replayed(journal, 2), "m:two ");
    ck_assert_str_eq(replayed(journal, 1), "m:one e:1 m:two ");
    ck_assert_ptr_null(replayed(journal, 3));
    journal_close(journal);
}
END_TEST

START_TEST(all_since_the_last_sync_costs_one_append_and_one_flush) {
    struct journal *journal = must_open();
    uint64_t before = disk->flushes;
    int64_t size = disk->table->size(disk, NAME);
    for (int i = 0; i < 100; i++)
        append_message(journal, "waiting");
    ck_assert_int_eq(disk->table->size(disk, NAME), size);
    journal_sync(journal);
    ck_assert_uint_eq(disk->flushes, before + 1);
    journal_sync(journal);
    ck_assert_uint_eq(disk->flushes, before + 1);
    journal_close(journal);
    ck_assert_uint_eq(disk->flushes, before + 1);
}
END_TEST

START_TEST(closing_makes_the_rest_durable) { /* wound 2 */
    struct journal *journal = must_open();
    append_message(journal, "late");
    journal_close(journal);
    disk_memory_crash(disk, 3);
    journal = must_open();
    ck_assert_str_eq(replayed(journal, 1), "m:late ");
    journal_close(journal);
}
END_TEST

/* Damage */

static struct blob *three_records(int64_t *last) {
    struct journal *journal = must_open();
    append_message(journal, "first message");
    append_message(journal, "second message");
    journal_sync(journal);
    *last = disk->table->size(disk, NAME);
    append_message(journal, "third message");
    journal_close(journal);
    return disk->table->read(disk, NAME, 0, 1 << 24);
}

static void put_file(struct span bytes) {
    disk->table->overwrite(disk, NAME, bytes);
    disk->table->sync(disk, NAME);
}

static void expect_cut(struct span bytes, bool noted) {
    char *note, *error = NULL;
    put_file(bytes);
    struct journal *journal = journal_open(disk, NAME, &note, &error);
    ck_assert_msg(journal != NULL, "%s", error);
    ck_assert_str_eq(replayed(journal, 1), "m:first message m:second message ");
    ck_assert_int_eq(note != NULL, noted);
    if (noted) {
        struct blob *copy = disk->table->read(disk, NAME ".CORRUPTED", 0, 1 << 20);
        ck_assert(copy != NULL && span_equal(blob_span(copy), bytes));
        ck_assert_ptr_nonnull(strstr(note, NAME ".CORRUPTED"));
        blob_release(copy);
    }
    append_message(journal, "more");
    journal_close(journal);
    journal = must_open();
    ck_assert_str_eq(replayed(journal, 1), "m:first message m:second message m:more ");
    journal_close(journal);
    free(note);
}

START_TEST(a_tail_torn_at_any_byte_is_cut) {
    int64_t last;
    struct blob *whole = three_records(&last);
    for (size_t size = (size_t)last; size < whole->size; size++)
        expect_cut(span_of(whole->data, size), size > (size_t)last);
    blob_release(whole);
}
END_TEST

START_TEST(a_tail_of_zeroes_from_any_byte_is_cut) {
    int64_t last;
    struct blob *whole = three_records(&last);
    size_t longer = whole->size + 5000;
    uint8_t *bytes = calloc(1, longer);
    for (size_t size = (size_t)last; size < whole->size; size++) {
        memset(bytes, 0, longer);
        memcpy(bytes, whole->data, size);
        expect_cut(span_of(bytes, whole->size), true);
        if (size < whole->size - 1)
            expect_cut(span_of(bytes, longer), true);
    }
    free(bytes);
    blob_release(whole);
}
END_TEST

START_TEST(zeroes_after_a_whole_record_are_cut) {
    int64_t last;
    struct blob *whole = three_records(&last);
    uint8_t bytes[8192] = {0};
    memcpy(bytes, whole->data, (size_t)last);
    for (size_t more = 1; more < 30; more++)
        expect_cut(span_of(bytes, (size_t)last + more), true);
    expect_cut(span_of(bytes, sizeof bytes), true);
    blob_release(whole);
}
END_TEST

START_TEST(a_file_of_zeroes_begins_anew) {
    uint8_t bytes[4096] = {0};
    char *note, *error;
    put_file(span_of(bytes, sizeof bytes));
    struct journal *journal = journal_open(disk, NAME, &note, &error);
    ck_assert(journal != NULL && note != NULL);
    ck_assert_str_eq(replayed(journal, 1), "");
    journal_close(journal);
    free(note);
}
END_TEST

START_TEST(an_empty_file_begins_anew) {
    put_file(span_text(""));
    struct journal *journal = must_open();
    ck_assert_str_eq(replayed(journal, 1), "");
    journal_close(journal);
}
END_TEST

START_TEST(a_flipped_bit_in_an_earlier_record_stops_with_file_and_offset) {
    int64_t last;
    struct blob *whole = three_records(&last);
    for (size_t at = 0; at < (size_t)last; at++)
        for (int bit = 0; bit < 8; bit++) {
            char *note, *error = NULL;
            whole->data[at] ^= (uint8_t)(1 << bit);
            put_file(blob_span(whole));
            ck_assert_msg(journal_open(disk, NAME, &note, &error) == NULL, "byte %zu bit %d went unnoticed", at, bit);
            ck_assert(note == NULL && strstr(error, NAME ": damaged record at offset ") != NULL);
            struct blob *still = disk->table->read(disk, NAME, 0, 1 << 24);
            ck_assert(span_equal(blob_span(still), blob_span(whole))); /* nothing was changed */
            blob_release(still);
            free(error);
            whole->data[at] ^= (uint8_t)(1 << bit);
        }
    blob_release(whole);
}
END_TEST

/* What was torn ends early or in zeroes. Of a record that is all there whoever cut it could forget a vote of his own (seed 7021172). */
START_TEST(a_flipped_bit_in_the_last_record_stops) {
    int64_t last;
    struct blob *whole = three_records(&last);
    ck_assert_uint_ne(whole->data[whole->size - 1] & (whole->data[whole->size - 1] - 1), 0); /* one flip does not make it a zero */
    for (size_t at = (size_t)last; at < whole->size; at++)
        for (int bit = 0; bit < 8; bit++) {
            char *note, *error = NULL;
            whole->data[at] ^= (uint8_t)(1 << bit);
            put_file(blob_span(whole));
            struct journal *journal = journal_open(disk, NAME, &note, &error);
            ck_assert_msg(journal == NULL, "byte %zu bit %d: %s", at - (size_t)last, bit, note == NULL ? "unnoticed" : note);
            ck_assert(note == NULL && error != NULL);
            free(error);
            whole->data[at] ^= (uint8_t)(1 << bit);
        }
    blob_release(whole);
}
END_TEST

START_TEST(a_record_above_the_limit_is_damage) {
    int64_t last;
    struct blob *whole = three_records(&last);
    char *note, *error;
    memcpy(whole->data + last + 4, "\x00\x10\x00\x19", 4);
    put_file(blob_span(whole));
    ck_assert_ptr_null(journal_open(disk, NAME, &note, &error));
    free(error);
    blob_release(whole);
}
END_TEST

START_TEST(garbage_is_never_replayed) {
    uint64_t state = 5;
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[600];
        char *note, *error = NULL;
        for (size_t k = 0; k < sizeof bytes; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[k] = (uint8_t)(state >> 56);
        }
        bytes[4] = 0;
        bytes[5] = (uint8_t)(bytes[5] % 17);
        put_file(span_of(bytes, sizeof bytes));
        struct journal *journal = journal_open(disk, NAME, &note, &error);
        if (journal != NULL)
            ck_assert_str_eq(replayed(journal, 1), "");
        journal_close(journal);
        free(note);
        free(error);
    }
}
END_TEST

/* Rotation */

static struct journal *five_files(void) { /* heights 1..10, a file for every two; height 11 begun */
    struct journal *journal = must_open();
    journal_limit(journal, 100, 1 << 20);
    for (int64_t height = 1; height <= 10; height++) {
        char text[16];
        snprintf(text, sizeof text, "h%d", (int)height);
        append_message(journal, text);
        journal_end_height(journal, height, &now);
    }
    append_message(journal, "h11");
    return journal;
}

START_TEST(a_replay_goes_across_rotated_files) {
    struct journal *journal = five_files();
    ck_assert_int_ge(disk->table->size(disk, NAME ".002"), 0);
    for (int turn = 0; turn < 2; turn++) {
        ck_assert_str_eq(replayed(journal, 11), "m:h11 ");
        ck_assert_str_eq(replayed(journal, 8), "m:h8 e:8 m:h9 e:9 m:h10 e:10 m:h11 ");
        ck_assert_str_eq(replayed(journal, 1), "m:h1 e:1 m:h2 e:2 m:h3 e:3 m:h4 e:4 m:h5 e:5 m:h6 e:6 m:h7 e:7 m:h8 e:8 m:h9 e:9 m:h10 e:10 m:h11 ");
        ck_assert_ptr_null(replayed(journal, 12));
        journal_close(journal);
        journal = must_open();
    }
    journal_close(journal);
}
END_TEST

/* An older file, which opening had no need to read: where the mark is whole, what follows it may not be. */
START_TEST(a_replay_never_begins_in_a_file_that_is_damaged) {
    struct journal *journal = five_files();
    for (int64_t height = 1; height <= 8; height++)
        for (uint32_t index = 0; index < 4; index++) {
            char name[32];
            snprintf(name, sizeof name, NAME ".%03u", index);
            int64_t size = disk->table->size(disk, name);
            struct blob *whole = disk->table->read(disk, name, 0, (size_t)size), *spoilt = blob_new(blob_span(whole));
            char *before = strdup(replayed(journal, height));
            spoilt->data[size - 12] ^= 1; /* in its last record */
            disk->table->replace(disk, name, blob_span(spoilt));
            const char *after = replayed(journal, height);
            ck_assert_msg(after == NULL || strcmp(after, before) == 0, "file %u: \"%s\" instead of \"%s\"", index, after, before);
            disk->table->replace(disk, name, blob_span(whole));
            free(before);
            blob_release(whole);
            blob_release(spoilt);
        }
    journal_close(journal);
}
END_TEST

START_TEST(old_files_are_dropped_beyond_the_limit) {
    struct journal *journal = five_files();
    journal_limit(journal, 100, 250);
    for (int64_t height = 11; height <= 20; height++) {
        append_message(journal, "x");
        journal_end_height(journal, height, &now);
    }
    append_message(journal, "now");
    ck_assert_int_eq(disk->table->size(disk, NAME ".000"), -1);
    journal_close(journal);
    journal = must_open(); /* missing at the old end is no hole */
    ck_assert_str_eq(replayed(journal, 21), "m:now ");
    ck_assert_ptr_null(replayed(journal, 2));
    journal_close(journal);
}
END_TEST

/* It holds the end of the last height: without it a restart would forget what was signed of the height at hand. */
START_TEST(a_height_larger_than_all_files_may_be_is_kept_until_the_next_has_ended) {
    struct journal *journal = must_open();
    journal_limit(journal, 100, 250);
    for (int64_t height = 1; height <= 3; height++) {
        for (int i = 0; i < 40; i++)
            append_message(journal, "many words of one height");
        journal_end_height(journal, height, &now);
    }
    append_message(journal, "now");
    journal_close(journal);
    journal = must_open();
    ck_assert_str_eq(replayed(journal, 4), "m:now ");
    ck_assert_int_eq(disk->table->size(disk, NAME ".001"), -1);
    journal_close(journal);
}
END_TEST

START_TEST(a_missing_middle_file_is_named) {
    char *note, *error;
    journal_close(five_files());
    disk->table->remove(disk, NAME ".001");
    ck_assert_ptr_null(journal_open(disk, NAME, &note, &error));
    ck_assert_ptr_nonnull(strstr(error, NAME ".001: this file of the journal is missing"));
    free(error);
}
END_TEST

START_TEST(a_torn_rotated_file_is_damage_if_it_is_needed) {
    char *note, *error;
    struct journal *journal = must_open();
    journal_limit(journal, 1, 1 << 20);
    journal_end_height(journal, 1, &now); /* alone in wal.000 with EndHeight{0}; the head is empty */
    journal_close(journal);
    int64_t size = disk->table->size(disk, NAME ".000");
    disk->table->truncate(disk, NAME ".000", size - 1);
    ck_assert_ptr_null(journal_open(disk, NAME, &note, &error));
    ck_assert_ptr_nonnull(strstr(error, NAME ".000: damaged record"));
    free(error);
}
END_TEST

static struct journal *visited;
static void append_while_visiting(void *context, const struct journal_record *record) {
    note_record(context, record);
    append_message(visited, "again");
    journal_end_height(visited, 1, &now);
    journal_sync(visited);
}

START_TEST(a_replay_may_append_and_end_heights_and_does_not_visit_them) {
    visited = must_open();
    journal_limit(visited, 1, 1 << 20);
    append_message(visited, "one");
    append_message(visited, "two");
    struct seen seen = {0};
    ck_assert(journal_replay(visited, 1, append_while_visiting, &seen));
    ck_assert_str_eq(seen.text, "m:one m:two ");
    journal_end_height(visited, 2, &now);
    ck_assert_int_gt(disk->table->size(disk, NAME ".000"), 0);
    journal_close(visited);
}
END_TEST

START_TEST(records_larger_than_a_window_come_back) {
    struct journal *journal = must_open();
    size_t size = 1000 * 1000;
    char *large = malloc(size + 1);
    memset(large, 'x', size);
    large[size] = '\0';
    for (int i = 0; i < 9; i++)
        append_message(journal, large);
    append_message(journal, "end");
    static struct seen seen;
    ck_assert(journal_replay(journal, 1, note_record, &seen));
    journal_close(journal);
    journal = must_open();
    ck_assert_int_gt(disk->table->size(disk, NAME), 9 * 1000 * 1000);
    ck_assert(journal_replay(journal, 1, note_record, &seen));
    journal_close(journal);
    free(large);
}
END_TEST

/* Every crash */

struct check {
    int next, synced;
};

static void check_record(void *context, const struct journal_record *record) {
    struct check *check = context;
    char text[16];
    if (record->kind != JOURNAL_MESSAGE)
        return;
    snprintf(text, sizeof text, "m%d", check->next++);
    ck_assert(span_equal(record->message, span_text(text)));
}

/* Appends, syncs now and then, ends heights in small files; fails at the k-th call of the disk. */
static void work(struct journal *journal, struct check *check) {
    for (int i = 0; i < 24; i++) {
        char text[16];
        snprintf(text, sizeof text, "m%d", i);
        append_message(journal, text);
        if (i % 3 == 2) {
            journal_sync(journal);
            check->synced = i + 1;
        }
        if (i % 8 == 7)
            journal_end_height(journal, i / 8 + 1, &now);
    }
}

/* Leaks what the dead process held: like a process, it ends there. */
static bool run_and_fall(uint64_t fail_after, struct check *volatile check) {
    char *note, *error;
    struct journal *volatile journal = NULL;
    disk_memory_fail_after(disk, fail_after);
    if (setjmp(failed) != 0)
        return false;
    journal = journal_open(disk, NAME, &note, &error);
    ck_assert_ptr_nonnull(journal);
    journal_limit(journal, 200, 1 << 20);
    work(journal, check);
    journal_close(journal);
    return true;
}

static bool run_until_crash(uint64_t fail_after, struct check *check) {
    leaks_are_meant();
    bool finished = run_and_fall(fail_after, check);
    leaks_are_told();
    return finished;
}

START_TEST(no_crash_loses_a_synced_record_or_keeps_the_journal_from_opening) {
    bool finished = false;
    for (uint64_t fail_after = 1; !finished; fail_after++) {
        for (uint64_t chance = 0; chance < 60; chance++) {
            struct check check = {0};
            char *note, *error = NULL;
            disk_memory_free(disk);
            disk = disk_memory_new(failure);
            finished = run_until_crash(fail_after, &check);
            disk_memory_crash(disk, chance);
            struct journal *journal = journal_open(disk, NAME, &note, &error);
            ck_assert_msg(journal != NULL, "call %d chance %d: %s", (int)fail_after, (int)chance, error);
            int synced = check.synced;
            check.next = 0;
            ck_assert(journal_replay(journal, 1, check_record, &check));
            ck_assert_int_ge(check.next, synced);
            journal_close(journal);
            free(note);
        }
    }
}
END_TEST

/* A process dies and the machine lives: what it had written is read back, and may still be on no disk. Whoever signs after that syncs it first. */
START_TEST(the_first_sync_after_opening_makes_durable_what_was_read) {
    for (uint64_t chance = 0; chance < 40; chance++) {
        disk_memory_free(disk);
        disk = disk_memory_new(failure);
        struct journal *journal = must_open();
        append_message(journal, "one");
        journal_replay(journal, 1, note_record, &(struct seen){0}); /* it flushes, and syncs nothing */
        disk_memory_freeze(disk, true);
        journal_close(journal);
        disk_memory_freeze(disk, false);
        journal = must_open();
        ck_assert_str_eq(replayed(journal, 1), "m:one ");
        journal_sync(journal);
        disk_memory_crash(disk, chance);
        disk_memory_freeze(disk, true);
        journal_close(journal);
        disk_memory_freeze(disk, false);
        journal = must_open();
        ck_assert_str_eq(replayed(journal, 1), "m:one ");
        journal_close(journal);
    }
}
END_TEST

/* Sectors that arrived in no order */

enum { PART = WIRE_BLOCK_PART << 3 | 2, VOTE = WIRE_VOTE_MESSAGE << 3 | 2 };

static void append_large(struct journal *journal, int number, const char *peer) {
    char text[1700];
    memset(text, 'a' + number, sizeof text - 1);
    if (number < 0)
        text[0] = (char)-number;
    text[sizeof text - 1] = '\0';
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_MESSAGE, .time = now, .message = span_text(text), .peer_id = span_text(peer)});
}

static void count_record(void *context, const struct journal_record *record) {
    int *count = context;
    ck_assert_int_eq(record->message.data[0], 'a' + *count);
    ++*count;
}

/* Two are synced, three are not. */
static void write_five(void) {
    disk_memory_free(disk);
    disk = disk_memory_new(failure);
    struct journal *journal = must_open();
    for (int i = 0; i < 5; i++) {
        append_large(journal, i, "ab");
        if (i == 1)
            journal_sync(journal);
    }
    journal_replay(journal, 1, note_record, &(struct seen){0}); /* it flushes, and syncs nothing */
    disk_memory_freeze(disk, true);
    journal_close(journal);
    disk_memory_freeze(disk, false);
}

START_TEST(of_what_was_not_synced_any_sector_may_be_missing) {
    int counts[6] = {0};
    for (uint64_t chance = 0; chance < 400; chance++) {
        char *note, *error = NULL;
        int count = 0;
        write_five();
        disk_memory_crash(disk, chance);
        struct journal *journal = journal_open(disk, NAME, &note, &error);
        ck_assert_msg(journal != NULL, "chance %d: %s", (int)chance, error);
        ck_assert(journal_replay(journal, 1, count_record, &count));
        ck_assert_int_ge(count, 2);
        counts[count]++;
        journal_close(journal);
        free(note);
    }
    ck_assert(counts[2] > 20 && counts[3] > 20 && counts[5] > 20);
}
END_TEST

static void clear_bytes(int64_t from, size_t size) {
    struct blob *whole = disk->table->read(disk, NAME, 0, 1 << 24);
    struct blob *copy = blob_new(blob_span(whole));
    memset(copy->data + from, 0, size);
    disk->table->replace(disk, NAME, blob_span(copy));
    blob_release(copy);
    blob_release(whole);
}

/* A vote of our own was written after a sync of all before it, so a sector that is missing there was there once. Parts of our own block were not:
 * many are written in one go (seed 3008298). */
START_TEST(a_sector_missing_before_a_vote_of_our_own_is_damage) {
    static const char *const peers[] = {"ab", "", ""};
    static const int kinds[] = {VOTE, VOTE, PART};
    for (int own = 0; own < 3; own++) {
        char *note = NULL, *error = NULL;
        disk_memory_free(disk);
        disk = disk_memory_new(failure);
        struct journal *journal = must_open();
        for (int i = 0; i < 3; i++)
            append_large(journal, i == 2 ? -kinds[own] : i, i == 2 ? peers[own] : "ab");
        journal_close(journal);
        clear_bytes(1024, 512);
        journal = journal_open(disk, NAME, &note, &error);
        ck_assert_msg((journal == NULL) == (own == 1), "%s", own == 1 ? "opened" : error);
        ck_assert(own != 1 || strstr(error, "damaged record at offset") != NULL);
        journal_close(journal);
        free(note);
        free(error);
    }
}
END_TEST

START_TEST(less_than_a_sector_missing_amid_what_was_written_is_damage) {
    char *note = NULL, *error = NULL;
    struct journal *journal = must_open();
    for (int i = 0; i < 3; i++)
        append_large(journal, i, "ab");
    journal_close(journal);
    clear_bytes(1024, 511);
    ck_assert_ptr_null(journal_open(disk, NAME, &note, &error));
    free(error);
}
END_TEST

/* A peer's bytes may look like the heads of many records, each of which would have to be read. */
START_TEST(a_hole_before_bytes_that_look_like_many_records_costs_no_more_than_a_moment) {
    char *note = NULL, *error = NULL;
    struct journal *journal = must_open();
    for (int i = 0; i < 9; i++) {
        struct blob *heads = blob_reserve(1000000);
        for (size_t k = 0; k < heads->size; k++)
            heads->data[k] = k % 4 < 2 ? 0 : 0x70; /* lengths of 0x7070 everywhere */
        journal_append(journal, &(struct journal_record){.kind = JOURNAL_MESSAGE, .time = now, .message = blob_span(heads), .peer_id = span_text("ab")});
        blob_release(heads);
    }
    journal_close(journal);
    clear_bytes(1024, 512);
    journal = journal_open(disk, NAME, &note, &error);
    ck_assert(journal != NULL || strstr(error, "damaged record") != NULL);
    journal_close(journal);
    free(note);
    free(error);
}
END_TEST

/* The codec */

START_TEST(the_codec_gives_back_what_it_was_given) {
    struct journal_record records[] = {
        {.kind = JOURNAL_END_HEIGHT, .time = now, .height = INT64_MAX},
        {.kind = JOURNAL_TIMEOUT, .time = now, .height = 5, .round = 3, .step = 5, .duration_ns = INT64_MAX},
        {.kind = JOURNAL_TIMEOUT, .time = now, .height = 5, .duration_ns = -1500000000},
        {.kind = JOURNAL_MESSAGE, .time = TIMESTAMP_ZERO, .message = span_text("m"), .peer_id = span_text("")},
        {.kind = JOURNAL_ROUND_STATE, .time = now, .height = 1, .round = 2, .peer_id = span_text("RoundStepCommit")},
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        uint8_t bytes[256];
        struct journal_record out;
        size_t size = journal_record_encode(bytes, sizeof bytes, &records[i]);
        ck_assert_uint_gt(size, 0);
        ck_assert_uint_eq(journal_record_encode(bytes, size - 1, &records[i]), 0);
        ck_assert_uint_eq(journal_record_encode(bytes, size, &records[i]), size);
        for (size_t less = 0; less < size; less++)
            ck_assert_int_eq(journal_record_decode(&out, span_of(bytes, less)), 0);
        ck_assert_int_eq(journal_record_decode(&out, span_of(bytes, size)), (long)size);
        ck_assert(out.kind == records[i].kind && out.height == records[i].height && out.round == records[i].round);
        ck_assert(out.step == records[i].step && out.duration_ns == records[i].duration_ns);
        ck_assert(span_equal(out.message, records[i].message) && span_equal(out.peer_id, records[i].peer_id));
        ck_assert_int_eq(timestamp_compare(&out.time, &records[i].time), 0);
        bytes[size - 1] ^= 1;
        ck_assert_int_eq(journal_record_decode(&out, span_of(bytes, size)), -1);
    }
}
END_TEST

START_TEST(a_message_of_the_largest_size_fits_and_a_larger_one_does_not) {
    static uint8_t message[JOURNAL_RECORD_BYTES_MAX], out[JOURNAL_RECORD_BYTES_MAX + 64];
    struct journal_record record = {.kind = JOURNAL_MESSAGE, .time = {1, 0}, .message = span_of(message, 1048576)};
    ck_assert_uint_gt(journal_record_encode(out, sizeof out, &record), 0);
    record.message.size = JOURNAL_RECORD_BYTES_MAX;
    ck_assert_uint_eq(journal_record_encode(out, sizeof out, &record), 0);
}
END_TEST

Suite *suite_journal(void);
Suite *suite_journal(void) {
    Suite *suite = suite_create("journal");
    TCase *tests = tcase_create("journal");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_new_journal_begins_with_the_end_of_height_zero);
    tcase_add_test(tests, records_of_every_kind_come_back_in_order);
    tcase_add_test(tests, a_replay_begins_after_the_end_of_the_height_before);
    tcase_add_test(tests, all_since_the_last_sync_costs_one_append_and_one_flush);
    tcase_add_test(tests, closing_makes_the_rest_durable);
    tcase_add_test(tests, a_tail_torn_at_any_byte_is_cut);
    tcase_add_test(tests, a_tail_of_zeroes_from_any_byte_is_cut);
    tcase_add_test(tests, zeroes_after_a_whole_record_are_cut);
    tcase_add_test(tests, a_file_of_zeroes_begins_anew);
    tcase_add_test(tests, an_empty_file_begins_anew);
    tcase_add_test(tests, a_flipped_bit_in_an_earlier_record_stops_with_file_and_offset);
    tcase_add_test(tests, a_flipped_bit_in_the_last_record_stops);
    tcase_add_test(tests, a_record_above_the_limit_is_damage);
    tcase_add_test(tests, garbage_is_never_replayed);
    tcase_add_test(tests, a_replay_goes_across_rotated_files);
    tcase_add_test(tests, a_replay_never_begins_in_a_file_that_is_damaged);
    tcase_add_test(tests, old_files_are_dropped_beyond_the_limit);
    tcase_add_test(tests, a_height_larger_than_all_files_may_be_is_kept_until_the_next_has_ended);
    tcase_add_test(tests, a_missing_middle_file_is_named);
    tcase_add_test(tests, a_torn_rotated_file_is_damage_if_it_is_needed);
    tcase_add_test(tests, a_replay_may_append_and_end_heights_and_does_not_visit_them);
    tcase_add_test(tests, records_larger_than_a_window_come_back);
    tcase_add_test(tests, no_crash_loses_a_synced_record_or_keeps_the_journal_from_opening);
    tcase_add_test(tests, the_first_sync_after_opening_makes_durable_what_was_read);
    tcase_add_test(tests, of_what_was_not_synced_any_sector_may_be_missing);
    tcase_add_test(tests, a_sector_missing_before_a_vote_of_our_own_is_damage);
    tcase_add_test(tests, a_hole_before_bytes_that_look_like_many_records_costs_no_more_than_a_moment);
    tcase_add_test(tests, less_than_a_sector_missing_amid_what_was_written_is_damage);
    tcase_add_test(tests, the_codec_gives_back_what_it_was_given);
    tcase_add_test(tests, a_message_of_the_largest_size_fits_and_a_larger_one_does_not);
    suite_add_tcase(suite, tests);
    return suite;
}
