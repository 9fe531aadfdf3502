#include "ledger/kv_log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crc32c.h"

#define BLOCK_BYTES  32768
#define HEAD_BYTES   7
#define SECTOR_BYTES 512
#define FILE_BYTES_MAX (1u << 30) /* larger ones are not LevelDB's */

enum { ZERO = 0, FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4 };

struct record {
    size_t offset, size; /* size: with its head; 0: it cannot be told */
    uint8_t type;
};

static uint32_t load_le32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

static size_t block_end(struct span file, size_t at) {
    size_t end = at - at % BLOCK_BYTES + BLOCK_BYTES;
    return end < file.size ? end : file.size;
}

static bool all_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

enum found { WHOLE, END, BAD };

/* The record at `at`; END also where it goes beyond the end of the file, as nothing can follow. */
static enum found read_record(struct record *record, struct span file, size_t at) {
    size_t end = block_end(file, at);
    *record = (struct record){.offset = at};
    if (end - at < HEAD_BYTES)
        return END;
    const uint8_t *head = file.data + at;
    size_t length = head[4] | (size_t)head[5] << 8;
    record->type = head[6];
    if (at + HEAD_BYTES + length > end)
        return end == file.size ? END : BAD;
    record->size = HEAD_BYTES + length;
    bool good = record->type >= FULL && record->type <= LAST && masked(crc32c(0, span_of(head + 6, 1 + length))) == load_le32(head);
    return good ? WHOLE : BAD;
}

/* The last bytes of a block are too few for a head, and zero. */
static size_t skip_trailer(struct span file, size_t at) {
    size_t left = BLOCK_BYTES - at % BLOCK_BYTES;
    return left < HEAD_BYTES && at + left <= file.size ? at + left : at;
}

/* From the sector of `at` on, up to `end`: is there one that never arrived? */
static bool lacks_sector(struct span file, size_t at, size_t end) {
    while (at < end) {
        size_t next = at - at % SECTOR_BYTES + SECTOR_BYTES;
        if (next > file.size)
            next = file.size;
        if (all_zero(file.data + at, next - at))
            return true;
        at = next;
    }
    return false;
}

/* Does a batch begin after the record that is not whole? In its block only what its length leads to can be found, then whole blocks. */
static bool batch_follows(struct span file, const struct record *bad) {
    struct record record;
    size_t at = bad->size == 0 ? block_end(file, bad->offset) : bad->offset + bad->size;
    while (at < file.size) {
        at = skip_trailer(file, at);
        enum found found = at < file.size ? read_record(&record, file, at) : END;
        if (found == WHOLE && (record.type == FULL || record.type == FIRST))
            return true;
        at = found == WHOLE ? at + record.size : block_end(file, at) == at ? file.size : block_end(file, at);
    }
    return false;
}

static enum kv_log_state judge_bad(struct span file, const struct record *bad) {
    size_t end = bad->size == 0 ? block_end(file, bad->offset) : bad->offset + bad->size;
    return lacks_sector(file, bad->offset, end) && !batch_follows(file, bad) ? KV_LOG_TORN : KV_LOG_DAMAGED;
}

enum kv_log_state kv_log_judge(size_t *offset, struct span file) {
    size_t at = 0;
    bool inside = false; /* of a batch of several records */
    *offset = 0;
    for (struct record record; (at = skip_trailer(file, at)) < file.size; at += record.size) {
        enum found found = read_record(&record, file, at);
        if (found == END)
            return KV_LOG_GOOD;
        bool begins = record.type == FULL || record.type == FIRST;
        if (found == BAD || begins == inside) {
            *offset = inside ? *offset : at;
            return found == BAD ? judge_bad(file, &record) : KV_LOG_DAMAGED;
        }
        if (begins)
            *offset = at;
        inside = record.type == FIRST || record.type == MIDDLE;
    }
    return KV_LOG_GOOD;
}

/* ---- files */

static char *complain(const char *path, const char *name, const char *what) {
    size_t size = strlen(path) + strlen(name) + strlen(what) + 8;
    char *text = malloc(size);
    assert(text != NULL);
    snprintf(text, size, "%s/%s: %s", path, name, what);
    return text;
}

static char *complain_of_damage(const char *path, const char *name, size_t offset, size_t size) {
    char text[256];
    snprintf(text, sizeof text, "damaged at offset %zu of %zu, and this is no torn end: what was written after it would be lost. Restore the data folder "
             "from a copy, or move it away and sync anew (the signing mark stays where it is)", offset, size);
    return complain(path, name, text);
}

static bool is_log(const char *name) {
    size_t size = strlen(name);
    return (size > 4 && strcmp(name + size - 4, ".log") == 0 && strspn(name, "0123456789") == size - 4) ||
           (strncmp(name, "MANIFEST-", 9) == 0 && strspn(name + 9, "0123456789") == size - 9);
}

static uint8_t *read_whole(int fd, size_t size) {
    uint8_t *bytes = malloc(size + 1);
    size_t have = 0;
    assert(bytes != NULL);
    for (ssize_t got; have < size && (got = pread(fd, bytes + have, size - have, (off_t)have)) > 0;)
        have += (size_t)got;
    if (have == size)
        return bytes;
    free(bytes);
    return NULL;
}

static bool keep_copy(int folder, const char *name, const uint8_t *bytes, size_t size) {
    char copy[280];
    snprintf(copy, sizeof copy, "%s.CORRUPTED", name);
    int fd = openat(folder, copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0;
    for (size_t put = 0; good && put < size;) {
        ssize_t got = write(fd, bytes + put, size - put);
        good = got > 0;
        put += got > 0 ? (size_t)got : 0;
    }
    good = good && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static bool mend_file(int folder, const char *path, const char *name, char **error) {
    struct stat stat;
    size_t offset;
    int fd = openat(folder, name, O_RDWR | O_CLOEXEC);
    uint8_t *bytes = NULL;
    bool cut = false;
    if (fd >= 0 && fstat(fd, &stat) == 0 && stat.st_size < (off_t)FILE_BYTES_MAX)
        bytes = read_whole(fd, (size_t)stat.st_size);
    if (bytes == NULL) {
        *error = complain(path, name, strerror(errno));
    } else {
        size_t size = (size_t)stat.st_size;
        enum kv_log_state state = kv_log_judge(&offset, span_of(bytes, size));
        if (state == KV_LOG_DAMAGED)
            *error = complain_of_damage(path, name, offset, size);
        if (state == KV_LOG_TORN) {
            cut = keep_copy(folder, name, bytes, size) && ftruncate(fd, (off_t)offset) == 0 && fsync(fd) == 0;
            if (!cut)
                *error = complain(path, name, strerror(errno));
        }
    }
    free(bytes);
    if (fd >= 0)
        close(fd);
    return cut;
}

bool kv_log_mend(const char *path, char **error) {
    DIR *folder = opendir(path);
    bool cut = false;
    *error = NULL;
    if (folder == NULL)
        return false;
    for (struct dirent *entry; *error == NULL && (entry = readdir(folder)) != NULL;)
        if (is_log(entry->d_name))
            cut |= mend_file(dirfd(folder), path, entry->d_name, error);
    if (cut)
        fsync(dirfd(folder));
    closedir(folder);
    return cut && *error == NULL;
}
