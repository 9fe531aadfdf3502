#include "node/disk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define FILES_MAX    4096
#define SECTOR_BYTES 512

/* A file as it is seen now, and as the platter surely has it. Between the two lie the changes since the last sync, in order. */
enum change_kind { CHANGE_APPEND, CHANGE_OVERWRITE, CHANGE_TRUNCATE };

struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

struct change {
    enum change_kind kind;
    size_t size; /* of a truncation */
    struct blob *blob;
};

struct file {
    char name[DISK_NAME_BYTES_MAX];
    bool is_durable; /* its name is */
    bool is_flipped;
    size_t flipped_byte;
    uint8_t flipped_mask;
    struct bytes now, synced;
    struct change *changes;
    size_t change_count, change_capacity;
};

struct memory {
    struct disk disk;
    struct disk_failure failure;
    struct file **files;
    size_t file_count;
    uint64_t fail_after;
    enum disk_break breaks; /* what the failure is */
    bool stays_broken, is_broken;
    struct disk_memory_counts counts;
};

static void *must(void *place) {
    assert(place != NULL);
    return place;
}

static void bytes_reserve(struct bytes *bytes, size_t size) {
    if (size <= bytes->capacity)
        return;
    bytes->capacity = size < 64 ? 64 : 2 * size;
    bytes->data = must(realloc(bytes->data, bytes->capacity));
}

static void bytes_append(struct bytes *bytes, struct span more) {
    bytes_reserve(bytes, bytes->size + more.size);
    if (more.size > 0)
        memcpy(bytes->data + bytes->size, more.data, more.size);
    bytes->size += more.size;
}

static void bytes_assign(struct bytes *bytes, struct span content) {
    bytes->size = 0;
    bytes_append(bytes, content);
}

/* Beyond the end a file grows by zeroes. */
static void bytes_resize(struct bytes *bytes, size_t size) {
    bytes_reserve(bytes, size);
    if (size > bytes->size)
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    bytes->size = size;
}

static struct span bytes_span(const struct bytes *bytes) { return span_of(bytes->data, bytes->size); }

static void file_settle(struct file *file) {
    for (size_t i = 0; i < file->change_count; i++)
        blob_release(file->changes[i].blob);
    file->change_count = 0;
}

static void file_free(struct file *file) {
    file_settle(file);
    free(file->changes);
    free(file->now.data);
    free(file->synced.data);
    free(file);
}

static struct file *find(const struct memory *memory, const char *name) {
    for (size_t i = 0; i < memory->file_count; i++)
        if (strcmp(memory->files[i]->name, name) == 0)
            return memory->files[i];
    return NULL;
}

static struct file *find_or_make(struct memory *memory, const char *name) {
    struct file *file = find(memory, name);
    if (file != NULL)
        return file;
    assert(strlen(name) < sizeof file->name && memory->file_count < FILES_MAX);
    file = must(calloc(1, sizeof *file));
    strcpy(file->name, name);
    memory->files = must(realloc(memory->files, (memory->file_count + 1) * sizeof memory->files[0]));
    memory->files[memory->file_count++] = file;
    return file;
}

static void drop(struct memory *memory, const char *name) {
    for (size_t i = 0; i < memory->file_count; i++) {
        if (strcmp(memory->files[i]->name, name) != 0)
            continue;
        file_free(memory->files[i]);
        memory->files[i] = memory->files[--memory->file_count];
        return;
    }
}

static void note_change(struct file *file, enum change_kind kind, size_t size, struct span bytes) {
    if (file->change_count == file->change_capacity) {
        file->change_capacity = file->change_capacity == 0 ? 8 : 2 * file->change_capacity;
        file->changes = must(realloc(file->changes, file->change_capacity * sizeof file->changes[0]));
    }
    file->changes[file->change_count++] = (struct change){kind, size, blob_new(bytes)};
}

static void fail(struct memory *memory, const char *name, const char *call) {
    char what[DISK_NAME_BYTES_MAX + 64];
    memory->is_broken = memory->stays_broken;
    snprintf(what, sizeof what, "%s: %s: %s", name, call,
             memory->breaks == DISK_BREAK_IO ? "Input/output error (5)" : "No space left on device (28)");
    memory->failure.fail(memory->failure.context, what);
}

/* Every changing call passes here first. */
static struct memory *changing(struct disk *disk, const char *name) {
    struct memory *memory = (struct memory *)disk;
    if (memory->is_broken || (memory->fail_after > 0 && --memory->fail_after == 0))
        fail(memory, name, "write");
    return memory;
}

/* What gives room needs none. */
static struct memory *freeing(struct disk *disk, const char *name) {
    struct memory *memory = (struct memory *)disk;
    bool is_free = memory->is_broken && memory->breaks == DISK_BREAK_FULL;
    return is_free ? memory : changing(disk, name);
}

static int64_t memory_size(struct disk *disk, const char *name) {
    struct file *file = find((struct memory *)disk, name);
    return file == NULL ? -1 : (int64_t)file->now.size;
}

static struct blob *read_file(struct disk *disk, const char *name, int64_t offset, size_t size) {
    struct file *file = find((struct memory *)disk, name);
    assert(offset >= 0);
    if (file == NULL)
        return NULL;
    size_t from = (uint64_t)offset < file->now.size ? (size_t)offset : file->now.size;
    size_t left = file->now.size - from;
    return blob_new(span_of(file->now.data == NULL ? NULL : file->now.data + from, size < left ? size : left));
}

static struct blob *memory_read(struct disk *disk, const char *name, int64_t offset, size_t size) {
    struct memory *memory = (struct memory *)disk;
    if (memory->breaks == DISK_BREAK_IO && find(memory, name) != NULL && (memory->is_broken || (memory->fail_after > 0 && --memory->fail_after == 0)))
        fail(memory, name, "read");
    return read_file(disk, name, offset, size);
}

static void grow(struct file *file, struct span bytes) {
    bytes_append(&file->now, bytes);
    note_change(file, CHANGE_APPEND, 0, bytes);
}

/* Of a write that fails for want of room the first half is there. */
static void memory_append(struct disk *disk, const char *name, struct span bytes) {
    struct memory *memory = (struct memory *)disk;
    struct file *file = memory->fail_after == 1 && !memory->is_broken ? find(memory, name) : NULL;
    if (file != NULL)
        grow(file, span_of(bytes.data, bytes.size / 2));
    grow(find_or_make(changing(disk, name), name), bytes);
}

static void memory_overwrite(struct disk *disk, const char *name, struct span bytes) {
    struct file *file = find_or_make(changing(disk, name), name);
    bytes_assign(&file->now, bytes);
    file->is_flipped = false;
    note_change(file, CHANGE_OVERWRITE, 0, bytes);
}

static void memory_truncate(struct disk *disk, const char *name, int64_t size) {
    struct file *file = find_or_make(changing(disk, name), name);
    assert(size >= 0);
    bytes_resize(&file->now, (size_t)size);
    file->is_flipped = file->is_flipped && file->flipped_byte < (size_t)size;
    note_change(file, CHANGE_TRUNCATE, (size_t)size, span_of(NULL, 0));
}

static bool only_grew(const struct file *file) {
    for (size_t i = 0; i < file->change_count; i++)
        if (file->changes[i].kind != CHANGE_APPEND)
            return false;
    return true;
}

static void settle_now(struct disk *disk, struct file *file) {
    size_t before = only_grew(file) ? file->synced.size : 0;
    file->synced.size = before;
    bytes_append(&file->synced, span_of(file->now.data == NULL ? NULL : file->now.data + before, file->now.size - before));
    file_settle(file);
    file->is_durable = true;
    disk->flushes++;
}

static void memory_sync(struct disk *disk, const char *name) {
    struct file *file = find(changing(disk, name), name);
    if (file != NULL)
        settle_now(disk, file);
}

static void memory_replace(struct disk *disk, const char *name, struct span bytes) {
    struct file *file = find_or_make(changing(disk, name), name);
    bytes_assign(&file->now, bytes);
    note_change(file, CHANGE_OVERWRITE, 0, bytes);
    file->is_flipped = false;
    settle_now(disk, file);
    disk->flushes++;
}

static void memory_rename(struct disk *disk, const char *from, const char *to) {
    struct memory *memory = changing(disk, from);
    assert(find(memory, from) != NULL && strlen(to) < DISK_NAME_BYTES_MAX);
    drop(memory, to);
    struct file *file = find(memory, from);
    strcpy(file->name, to);
    file->is_durable = true;
    disk->flushes++;
}

static void memory_remove(struct disk *disk, const char *name) {
    drop(freeing(disk, name), name);
    disk->flushes++;
}

static void memory_list(struct disk *disk, const char *folder, void (*visit)(void *context, const char *name), void *context) {
    const struct memory *memory = (const struct memory *)disk;
    size_t size = strlen(folder);
    for (size_t i = 0; i < memory->file_count; i++) {
        const char *name = memory->files[i]->name;
        if (strncmp(name, folder, size) == 0 && name[size] == '/' && strchr(name + size + 1, '/') == NULL)
            visit(context, name + size + 1);
    }
}

/* The crash */

static uint64_t next_chance(uint64_t *chance) { /* splitmix64 */
    uint64_t x = *chance += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void apply(struct bytes *bytes, const struct change *change) {
    switch (change->kind) {
    case CHANGE_APPEND: bytes_append(bytes, blob_span(change->blob)); break;
    case CHANGE_OVERWRITE: bytes_assign(bytes, blob_span(change->blob)); break;
    case CHANGE_TRUNCATE: bytes_resize(bytes, change->size); break;
    }
}

/* The first `cut` bytes arrived; of an append the size may have, too: then zeroes stand for the rest. */
static void apply_torn(struct bytes *bytes, const struct change *change, uint64_t *chance) {
    size_t cut = (size_t)(next_chance(chance) % (change->blob->size + 1));
    size_t before = bytes->size;
    if (change->kind == CHANGE_APPEND) {
        bytes_append(bytes, span_of(change->blob->data, cut));
        if (next_chance(chance) % 2 == 0)
            bytes_resize(bytes, before + change->blob->size);
    } else if (change->kind == CHANGE_OVERWRITE) {
        bytes_resize(bytes, before > cut ? before : cut);
        if (cut > 0)
            memcpy(bytes->data, change->blob->data, cut);
    }
}

static void crash_in_order(struct file *file, uint64_t chance, struct disk_memory_counts *counts) {
    size_t whole = (size_t)(next_chance(&chance) % (file->change_count + 1));
    bytes_assign(&file->now, bytes_span(&file->synced));
    for (size_t i = 0; i < whole; i++)
        apply(&file->now, &file->changes[i]);
    bool tears = whole < file->change_count && next_chance(&chance) % 4 != 0;
    if (tears)
        apply_torn(&file->now, &file->changes[whole], &chance);
    counts->kept += whole;
    counts->torn += tears;
    counts->lost += file->change_count - whole - tears;
}

/* The file has its new size, or a part of the growth; each sector that changed is there or not, whatever became of those before it. */
static void crash_by_sectors(struct file *file, uint64_t chance) {
    size_t old = file->synced.size, size = file->now.size;
    if (next_chance(&chance) % 2 == 0)
        size = old + (size_t)(next_chance(&chance) % (size - old + 1));
    bytes_resize(&file->now, size);
    for (size_t at = old - old % SECTOR_BYTES; at < size; at += SECTOR_BYTES) {
        size_t from = at > old ? at : old, end = at + SECTOR_BYTES < size ? at + SECTOR_BYTES : size;
        if (from < end && next_chance(&chance) % 2 == 0)
            memset(file->now.data + from, 0, end - from);
    }
}

static void crash_file(struct file *file, uint64_t chance, struct disk_memory_counts *counts) {
    uint64_t way = chance ^ 0x5ec7025;
    if (file->change_count > 0 && only_grew(file) && file->now.size / SECTOR_BYTES > file->synced.size / SECTOR_BYTES && next_chance(&way) % 3 == 0) {
        crash_by_sectors(file, way);
        counts->by_sectors++;
    } else {
        crash_in_order(file, chance, counts);
    }
    bytes_assign(&file->synced, bytes_span(&file->now));
    file_settle(file);
}

void disk_memory_crash(struct disk *disk, uint64_t chance) {
    struct memory *memory = (struct memory *)disk;
    for (size_t i = memory->file_count; i-- > 0;) {
        struct file *file = memory->files[i];
        uint64_t own = next_chance(&chance);
        if (!file->is_durable && own % 3 == 0) {
            memory->counts.names_lost++;
            drop(memory, file->name);
            continue;
        }
        crash_file(file, own, &memory->counts);
        file->is_durable = true;
    }
    if (!memory->stays_broken)
        memory->fail_after = 0;
}

void disk_memory_count(const struct disk *disk, struct disk_memory_counts *out) { *out = ((const struct memory *)disk)->counts; }

void disk_memory_fail_after(struct disk *disk, uint64_t calls) { disk_memory_break(disk, DISK_BREAK_FULL, calls, false); }

void disk_memory_break(struct disk *disk, enum disk_break breaks, uint64_t calls, bool stays) {
    struct memory *memory = (struct memory *)disk;
    memory->fail_after = calls;
    memory->breaks = breaks;
    memory->stays_broken = stays;
    memory->is_broken = false;
}

/* ---- bits that flip */

static void flip(struct file *file) {
    if (file->flipped_byte < file->now.size)
        file->now.data[file->flipped_byte] ^= file->flipped_mask;
    if (file->flipped_byte < file->synced.size)
        file->synced.data[file->flipped_byte] ^= file->flipped_mask;
    file->is_flipped = !file->is_flipped;
}

bool disk_memory_flip(struct disk *disk, uint64_t chance, char *what, size_t size) {
    struct memory *memory = (struct memory *)disk;
    for (size_t i = 0; i < memory->file_count; i++) {
        struct file *file = memory->files[(chance + i) % memory->file_count];
        if (file->now.size == 0)
            continue;
        uint64_t where = next_chance(&chance);
        file->flipped_byte = (size_t)(where / 8 % file->now.size);
        file->flipped_mask = (uint8_t)(1u << where % 8);
        flip(file);
        snprintf(what, size, "%s at %zu of %zu", file->name, file->flipped_byte, file->now.size);
        return true;
    }
    return false;
}

void disk_memory_unflip(struct disk *disk) {
    struct memory *memory = (struct memory *)disk;
    for (size_t i = 0; i < memory->file_count; i++)
        if (memory->files[i]->is_flipped)
            flip(memory->files[i]);
}

/* ---- the frozen disk: writes of a process that is dead already go nowhere */

static void ignore_bytes(struct disk *disk, const char *name, struct span bytes) { (void)disk, (void)name, (void)bytes; }
static void ignore_size(struct disk *disk, const char *name, int64_t size) { (void)disk, (void)name, (void)size; }
static void ignore_name(struct disk *disk, const char *name) { (void)disk, (void)name; }
static void ignore_names(struct disk *disk, const char *from, const char *to) { (void)disk, (void)from, (void)to; }

static const struct disk_table table = {memory_size, memory_read,     memory_append, memory_overwrite, memory_replace,
                                        memory_sync, memory_truncate, memory_rename, memory_remove,    memory_list};
static const struct disk_table frozen_table = {memory_size, memory_read, ignore_bytes, ignore_bytes, ignore_bytes,
                                               ignore_name, ignore_size, ignore_names, ignore_name,  memory_list};

void disk_memory_freeze(struct disk *disk, bool frozen) { disk->table = frozen ? &frozen_table : &table; }

struct disk *disk_memory_new(struct disk_failure failure) {
    struct memory *memory = must(calloc(1, sizeof *memory));
    memory->disk.table = &table;
    memory->failure = failure;
    return &memory->disk;
}

void disk_memory_free(struct disk *disk) {
    struct memory *memory = (struct memory *)disk;
    if (memory == NULL)
        return;
    while (memory->file_count > 0)
        drop(memory, memory->files[0]->name);
    free(memory->files);
    free(memory);
}
