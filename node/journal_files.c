#define _GNU_SOURCE
#include "node/journal_files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { WINDOW_BYTES = 4 << 20 };

/* A record's length is at most a megabyte, and its payload begins with its time. */
static bool may_begin(const uint8_t *bytes, size_t size) { return size < 10 || (bytes[4] == 0 && bytes[5] <= 16 && bytes[8] == 0x0a && bytes[9] <= 16); }

static void tell_damage(uint64_t *damaged, const struct journal_files *visitor) {
    if (*damaged > 0 && visitor->damage != NULL)
        visitor->damage(visitor->context, *damaged);
    *damaged = 0;
}

static void read_file(FILE *file, const struct journal_files *visitor) {
    uint8_t *window = malloc(WINDOW_BYTES);
    size_t size = 0, at = 0;
    uint64_t damaged = 0;
    bool ended = false;
    assert(window != NULL);
    while (!ended || at < size) {
        struct journal_record record;
        long taken = may_begin(window + at, size - at) ? journal_record_decode(&record, span_of(window + at, size - at)) : -1;
        if (taken > 0) {
            tell_damage(&damaged, visitor);
            visitor->record(visitor->context, &record);
            at += (size_t)taken;
        } else if (taken < 0 || ended) {
            damaged++;
            at++;
        } else {
            memmove(window, window + at, size - at);
            size -= at;
            at = 0;
            size_t more = fread(window + size, 1, WINDOW_BYTES - size, file);
            ended = more == 0;
            size += more;
        }
    }
    free(window);
    tell_damage(&damaged, visitor);
}

static uint32_t read_path(const char *path, const struct journal_files *visitor) {
    FILE *file = fopen(path, "rb");
    if (visitor->begin != NULL)
        visitor->begin(visitor->context, path);
    if (file == NULL) {
        if (visitor->failed != NULL)
            visitor->failed(visitor->context, strerror(errno));
        return 0;
    }
    read_file(file, visitor);
    fclose(file);
    return 1;
}

static int is_journal_file(const struct dirent *entry) {
    const char *dot = strchr(entry->d_name, '.');
    size_t digits = dot == NULL ? 0 : strspn(dot + 1, "0123456789");
    return entry->d_name[0] != '.' && (dot == NULL || (digits >= 3 && dot[1 + digits] == '\0'));
}

static bool is_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

uint32_t journal_files_walk(const char *path, const struct journal_files *visitor) {
    struct dirent **entries;
    uint32_t read = 0;
    if (is_file(path))
        return read_path(path, visitor);
    int count = scandir(path, &entries, is_journal_file, alphasort);
    for (int turn = 0; turn < 2; turn++) /* rotated ones first, the newest (without a number) last */
        for (int i = 0; i < count; i++) {
            char *name;
            if ((strchr(entries[i]->d_name, '.') == NULL) != (turn == 1))
                continue;
            if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
                abort();
            read += is_file(name) ? read_path(name, visitor) : 0;
            free(name);
        }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    if (count >= 0)
        free(entries);
    return read;
}
