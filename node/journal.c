#include "node/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"
#include "node/journal_scan.h"

#define HEAD_BYTES_MAX  (10 * 1024 * 1024)
#define TOTAL_BYTES_MAX (1024 * 1024 * 1024)
#define BUFFER_MAX      (4 * 1024 * 1024) /* what waits for a sync in memory; more goes to the file unsynced */
#define FRAME_BYTES     128               /* of a record around its message and peer id */

struct journal {
    struct disk *disk; /* a loan */
    char name[DISK_NAME_BYTES_MAX - 16];
    int64_t head_bytes, head_bytes_max;
    uint32_t first, next; /* rotated files: [first, next) */
    int64_t rotated_bytes, total_bytes_max;
    uint8_t *buffer;
    size_t buffered, buffer_capacity;
    bool is_unsynced; /* appended to the file since the last sync, maybe by a process before this one */
    bool is_visiting;
};

/* Index `next` is the head. */
static void file_name(const struct journal *journal, char out[static DISK_NAME_BYTES_MAX], uint32_t index) {
    if (index == journal->next)
        strcpy(out, journal->name);
    else
        snprintf(out, DISK_NAME_BYTES_MAX, "%s.%03" PRIu32, journal->name, index);
}

/* Writing */

static void flush_buffer(struct journal *journal) {
    if (journal->buffered == 0)
        return;
    journal->disk->table->append(journal->disk, journal->name, span_of(journal->buffer, journal->buffered));
    journal->head_bytes += (int64_t)journal->buffered;
    journal->buffered = 0;
    journal->is_unsynced = true;
}

void journal_sync(struct journal *journal) {
    flush_buffer(journal);
    if (journal->is_unsynced)
        journal->disk->table->sync(journal->disk, journal->name);
    journal->is_unsynced = false;
}

static void reserve(struct journal *journal, size_t size) {
    if (journal->buffer_capacity - journal->buffered >= size)
        return;
    journal->buffer_capacity = 2 * (journal->buffered + size);
    journal->buffer = realloc(journal->buffer, journal->buffer_capacity);
    assert(journal->buffer != NULL);
}

void journal_append(struct journal *journal, const struct journal_record *record) {
    reserve(journal, record->message.size + record->peer_id.size + FRAME_BYTES);
    size_t size = journal_record_encode(journal->buffer + journal->buffered, journal->buffer_capacity - journal->buffered, record);
    assert(size > 0);
    journal->buffered += size;
    if (journal->buffered > BUFFER_MAX)
        flush_buffer(journal);
}

/* Rotation */

static void drop_oldest(struct journal *journal) {
    char name[DISK_NAME_BYTES_MAX];
    file_name(journal, name, journal->first);
    journal->rotated_bytes -= journal->disk->table->size(journal->disk, name);
    journal->disk->table->remove(journal->disk, name);
    journal->first++;
}

static void rotate(struct journal *journal) {
    char to[DISK_NAME_BYTES_MAX];
    journal_sync(journal);
    journal->next++;
    file_name(journal, to, journal->next - 1);
    journal->disk->table->rename(journal->disk, journal->name, to);
    journal->rotated_bytes += journal->head_bytes;
    journal->head_bytes = 0;
    while (journal->first + 1 < journal->next && journal->rotated_bytes > journal->total_bytes_max) /* the newest has the end of this height */
        drop_oldest(journal);
}

void journal_end_height(struct journal *journal, int64_t height, const struct timestamp *time) {
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_END_HEIGHT, .height = height, .time = *time});
    if (!journal->is_visiting && journal->head_bytes + (int64_t)journal->buffered > journal->head_bytes_max)
        rotate(journal);
}

void journal_limit(struct journal *journal, int64_t head_bytes_max, int64_t total_bytes_max) {
    journal->head_bytes_max = head_bytes_max;
    journal->total_bytes_max = total_bytes_max;
}

/* Opening */

struct indexes {
    const char *base;
    uint32_t *values;
    size_t count;
};

static void note_index(void *context, const char *name) {
    struct indexes *indexes = context;
    size_t size = strlen(indexes->base);
    if (strncmp(name, indexes->base, size) != 0 || name[size] != '.')
        return;
    const char *digits = name + size + 1;
    size_t length = strlen(digits);
    if (length < 3 || length > 9 || strspn(digits, "0123456789") != length)
        return;
    indexes->values = realloc(indexes->values, (indexes->count + 1) * sizeof indexes->values[0]);
    assert(indexes->values != NULL);
    indexes->values[indexes->count++] = (uint32_t)strtoul(digits, NULL, 10);
}

static int compare_indexes(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool check_indexes(struct journal *journal, const struct indexes *indexes, char **error) {
    for (size_t i = 1; i < indexes->count; i++) {
        if (indexes->values[i] == indexes->values[i - 1] + 1)
            continue;
        *error = complaint_of("%s.%03" PRIu32 ": this file of the journal is missing, though %s.%03" PRIu32 " is there. Put it back, or move "
                              "the older files away",
                              journal->name, indexes->values[i - 1] + 1, journal->name, indexes->values[i]);
        return false;
    }
    if (indexes->count > 0) {
        journal->first = indexes->values[0];
        journal->next = indexes->values[indexes->count - 1] + 1;
    }
    return true;
}

static bool find_files(struct journal *journal, char **error) {
    char folder[DISK_NAME_BYTES_MAX];
    const char *slash = strrchr(journal->name, '/');
    assert(slash != NULL);
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - journal->name), journal->name);
    struct indexes indexes = {.base = slash + 1};
    journal->disk->table->list(journal->disk, folder, note_index, &indexes);
    if (indexes.count > 0)
        qsort(indexes.values, indexes.count, sizeof indexes.values[0], compare_indexes);
    bool good = check_indexes(journal, &indexes, error);
    free(indexes.values);
    for (uint32_t i = journal->first; good && i < journal->next; i++) {
        char name[DISK_NAME_BYTES_MAX];
        file_name(journal, name, i);
        journal->rotated_bytes += journal->disk->table->size(journal->disk, name);
    }
    return good;
}

static char *cut_tail(struct journal *journal, const struct journal_scan *scan) {
    const struct disk_table *table = journal->disk->table;
    char copy_name[DISK_NAME_BYTES_MAX];
    snprintf(copy_name, sizeof copy_name, "%s.CORRUPTED", journal->name);
    struct blob *copy = table->read(journal->disk, journal->name, 0, (size_t)scan->end);
    table->replace(journal->disk, copy_name, blob_span(copy));
    blob_release(copy);
    table->truncate(journal->disk, journal->name, scan->offset);
    table->sync(journal->disk, journal->name);
    return complaint_of("%s: the last %" PRId64 " bytes were not written whole (offset %" PRId64 "); they were cut, the file as it was is in %s",
                        journal->name, scan->end - scan->offset, scan->offset, copy_name);
}

static char *damage(const char *name, const struct journal_scan *scan) {
    return complaint_of("%s: damaged record at offset %" PRId64 " of %" PRId64 ": this is no torn end, so replaying up to there could forget a lock. "
                        "Restore the file from a copy; or move the journal's files away and start without them (the signing mark still "
                        "prevents double signing)",
                        name, scan->offset, scan->end);
}

/* Reads a whole file. *has_end: an EndHeight is in it, so a replay of the current height need not look further back. */
static bool verify_file(struct journal *journal, uint32_t index, bool *has_end, char **note, char **error) {
    char name[DISK_NAME_BYTES_MAX];
    struct journal_scan scan;
    struct journal_record record;
    file_name(journal, name, index);
    journal_scan_begin(&scan, journal->disk, name, 0, INT64_MAX);
    while (journal_scan_next(&scan, &record))
        *has_end = *has_end || record.kind == JOURNAL_END_HEIGHT;
    bool is_head = index == journal->next, good = scan.state == JOURNAL_SCAN_GOOD;
    if (scan.state == JOURNAL_SCAN_TORN && is_head) {
        *note = cut_tail(journal, &scan);
        good = true;
    } else if (!good) {
        *error = damage(name, &scan);
    }
    if (is_head)
        journal->head_bytes = scan.offset;
    journal->is_unsynced |= is_head && scan.offset > 0;
    journal_scan_close(&scan);
    return good;
}

static bool verify(struct journal *journal, char **note, char **error) {
    bool has_end = false, good = true;
    for (uint32_t i = journal->next + 1; good && !has_end && i-- > journal->first;)
        good = verify_file(journal, i, &has_end, note, error);
    return good;
}

/* Whoever looks for the height before the first finds it. */
static void begin_empty(struct journal *journal) {
    if (journal->head_bytes > 0 || journal->next > journal->first)
        return;
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_END_HEIGHT, .height = 0});
    journal_sync(journal);
}

struct journal *journal_open(struct disk *disk, const char *name, char **note, char **error) {
    struct journal *journal = calloc(1, sizeof *journal);
    assert(journal != NULL && strlen(name) < sizeof journal->name);
    journal->disk = disk;
    strcpy(journal->name, name);
    journal_limit(journal, HEAD_BYTES_MAX, TOTAL_BYTES_MAX);
    *note = NULL;
    if (!find_files(journal, error) || !verify(journal, note, error)) {
        free(*note);
        *note = NULL;
        free(journal);
        return NULL;
    }
    begin_empty(journal);
    return journal;
}

void journal_close(struct journal *journal) {
    if (journal == NULL)
        return;
    journal_sync(journal);
    free(journal->buffer);
    free(journal);
}

/* Replay */

struct place {
    uint32_t index;
    int64_t offset;
};

/* The newest mark of `height` in one file. *lowest becomes the lowest mark seen, so that the search can end early. */
static bool find_mark(struct journal *journal, struct place *place, int64_t *lowest, int64_t height, uint32_t index) {
    char name[DISK_NAME_BYTES_MAX];
    struct journal_scan scan;
    struct journal_record record;
    bool found = false;
    file_name(journal, name, index);
    journal_scan_begin(&scan, journal->disk, name, 0, INT64_MAX);
    while (journal_scan_next(&scan, &record)) {
        if (record.kind != JOURNAL_END_HEIGHT)
            continue;
        if (record.height < *lowest)
            *lowest = record.height;
        if (record.height == height) {
            *place = (struct place){index, scan.offset};
            found = true;
        }
    }
    if (scan.state != JOURNAL_SCAN_GOOD) /* damage in what opening did not have to read: nothing before it can be replayed */
        *lowest = INT64_MIN;
    journal_scan_close(&scan);
    return found && *lowest != INT64_MIN;
}

static bool find_place(struct journal *journal, struct place *place, int64_t height) {
    int64_t lowest = INT64_MAX;
    for (uint32_t i = journal->next + 1; i-- > journal->first;) {
        if (find_mark(journal, place, &lowest, height, i))
            return true;
        if (lowest < height)
            return false;
    }
    return false;
}

static void visit_file(struct journal *journal, uint32_t index, int64_t offset, int64_t end, journal_visit *visit, void *context) {
    char name[DISK_NAME_BYTES_MAX];
    struct journal_scan scan;
    struct journal_record record;
    file_name(journal, name, index);
    journal_scan_begin(&scan, journal->disk, name, offset, end);
    while (journal_scan_next(&scan, &record))
        visit(context, &record);
    journal_scan_close(&scan);
}

bool journal_replay(struct journal *journal, int64_t height, journal_visit *visit, void *context) {
    struct place place;
    flush_buffer(journal);
    if (!find_place(journal, &place, height - 1))
        return false;
    int64_t head_end = journal->head_bytes;
    journal->is_visiting = true;
    for (uint32_t i = place.index; i <= journal->next; i++)
        visit_file(journal, i, i == place.index ? place.offset : 0, i == journal->next ? head_end : INT64_MAX, visit, context);
    journal->is_visiting = false;
    return true;
}
