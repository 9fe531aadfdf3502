#define _XOPEN_SOURCE 700 /* nftw */
#include "node/dbstats.h"

#include <assert.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/keys.h"

static const struct {
    const char *letters, *name;
} known[] = {{"b", "blocks"},
             {"r", "results"},
             {"t", "transactions by hash"},
             {"q", "transactions by event"},
             {"y", "blocks by event"},
             {"z", "tags of events"},
             {"m", "headers"},
             {"c", "commits"},
             {"k", "seen commits"},
             {"x", "extended commits"},
             {"i", "blocks by hash"},
             {"v", "validators"},
             {"p", "parameters"},
             {"u", "undo records"},
             {"ew", "evidence"},
             {"hgj", "head and genesis"},
             {"s", "application"},
             {"", "other"}};

enum { KINDS = sizeof known / sizeof known[0] };
_Static_assert(KINDS <= DBSTATS_KINDS, "room for all");

static struct dbstats_kind *kind_of(struct dbstats *stats, char letter) {
    uint32_t i = 0;
    while (i + 1 < stats->count && (letter == '\0' || strchr(stats->kinds[i].letters, letter) == NULL))
        i++;
    return &stats->kinds[i];
}

static bool is_by_height(const struct dbstats_kind *kind) { return kind->letters[0] != '\0' && strchr("brmckxvpu", kind->letters[0]) != NULL; }

static bool count(void *context, struct span key, struct span value) {
    struct dbstats_kind *kind = kind_of(context, (char)key.data[0]);
    int64_t height = is_by_height(kind) ? keys_height_of(key) : -1;
    kind->keys++;
    kind->key_bytes += key.size;
    kind->value_bytes += value.size;
    if (height > 0 && kind->lowest == 0)
        kind->lowest = height;
    if (height > 0)
        kind->highest = height;
    if (value.size > kind->value_max) {
        kind->value_max = value.size;
        kind->largest = height > 0 ? height : 0;
    }
    return true;
}

void dbstats_count(struct dbstats *stats, struct kv *kv) {
    *stats = (struct dbstats){.count = KINDS};
    for (uint32_t i = 0; i < KINDS; i++)
        stats->kinds[i] = (struct dbstats_kind){.letters = known[i].letters, .name = known[i].name};
    kv_scan(kv, span_of("\0", 1), span_of("\xff\xff", 2), false, count, stats);
    for (uint32_t i = 0; i < KINDS; i++)
        for (const char *letter = known[i].letters; *letter != '\0'; letter++) {
            struct key from = keys_plain(*letter), to = keys_plain((char)(*letter + 1));
            stats->kinds[i].file_bytes += kv_space(kv, keys_span(&from), keys_span(&to));
        }
}

static uint64_t folder_bytes;

static int add_file(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)path;
    (void)place;
    if (type == FTW_F)
        folder_bytes += (uint64_t)status->st_size;
    return 0;
}

uint64_t dbstats_folder(const char *path) {
    folder_bytes = 0;
    nftw(path, add_file, 8, FTW_PHYS);
    return folder_bytes;
}

static void put(struct emit *emit, const char *key, uint64_t value) {
    emit_key(emit, key);
    emit_number(emit, (int64_t)value);
}

void dbstats_json(struct emit *emit, const struct dbstats *stats) {
    emit_open(emit, '{');
    emit_key(emit, "kinds");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < stats->count; i++) {
        const struct dbstats_kind *kind = &stats->kinds[i];
        emit_open(emit, '{');
        emit_key(emit, "name");
        emit_cstring(emit, kind->name);
        emit_key(emit, "letters");
        emit_cstring(emit, kind->letters);
        put(emit, "keys", kind->keys);
        put(emit, "key_bytes", kind->key_bytes);
        put(emit, "value_bytes", kind->value_bytes);
        put(emit, "largest_value", kind->value_max);
        put(emit, "largest_height", (uint64_t)kind->largest);
        put(emit, "file_bytes", kind->file_bytes);
        put(emit, "lowest_height", (uint64_t)kind->lowest);
        put(emit, "highest_height", (uint64_t)kind->highest);
        emit_shut(emit, '}');
    }
    emit_shut(emit, ']');
    put(emit, "store_bytes", stats->store_bytes);
    put(emit, "journal_bytes", stats->journal_bytes);
    put(emit, "free_bytes", stats->free_bytes);
    emit_shut(emit, '}');
}

static void bytes_text(char out[static 16], uint64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        value /= 1000;
    snprintf(out, 16, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void print_kind(const struct dbstats_kind *kind) {
    char keys[16], values[16], largest[16], files[16], heights[48] = "", at[32] = "";
    bytes_text(keys, kind->key_bytes);
    bytes_text(values, kind->value_bytes);
    bytes_text(largest, kind->value_max);
    bytes_text(files, kind->file_bytes);
    if (kind->lowest > 0)
        snprintf(heights, sizeof heights, "%" PRId64 " to %" PRId64, kind->lowest, kind->highest);
    if (kind->largest > 0)
        snprintf(at, sizeof at, " at %" PRId64, kind->largest);
    printf("%-22s %10" PRIu64 " %10s %10s %10s %10s%-12s %s\n", kind->name, kind->keys, keys, values, files, largest, at, heights);
}

void dbstats_print(const struct dbstats *stats) {
    char store[16], journal[16], left[16];
    printf("%-22s %10s %10s %10s %10s %10s%-12s %s\n", "", "records", "keys", "values", "in files", "largest", "", "heights");
    for (uint32_t i = 0; i < stats->count; i++)
        if (stats->kinds[i].keys > 0)
            print_kind(&stats->kinds[i]);
    bytes_text(store, stats->store_bytes);
    bytes_text(journal, stats->journal_bytes);
    bytes_text(left, stats->free_bytes);
    printf("files of the store %s, of the journal %s; free on the disk %s\n", store, journal, left);
}
