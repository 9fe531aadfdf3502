#include "node/disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/complaint.h"

#define HANDLES_MAX 32
#define PATH_BYTES_MAX 4096

struct handle {
    char name[DISK_NAME_BYTES_MAX];
    int fd;
    int64_t size;
    bool is_dirty;     /* written since its last sync */
    bool is_name_sure; /* its folder was synced since we opened it: whoever made it may have died before that */
    uint64_t last_used;
};

struct posix {
    struct disk disk;
    struct disk_failure failure;
    char *home;
    int folder;
    struct handle handles[HANDLES_MAX];
    size_t handle_count;
    uint64_t uses;
};

static void fail(struct posix *posix, const char *name, const char *operation) __attribute__((noreturn));
static void fail(struct posix *posix, const char *name, const char *operation) {
    char what[PATH_BYTES_MAX + DISK_NAME_BYTES_MAX + 160];
    int number = errno;
    snprintf(what, sizeof what, "%s/%s: %s: %s (%d)", posix->home, name, operation, strerror(number), number);
    posix->failure.fail(posix->failure.context, what);
}

static void check_name(const char *name) {
    assert(name[0] != '\0' && name[0] != '/' && strlen(name) < DISK_NAME_BYTES_MAX);
    assert(strncmp(name, "../", 3) != 0 && strstr(name, "/../") == NULL);
}

/* Folders */

static void folder_of(char out[static DISK_NAME_BYTES_MAX], const char *name) {
    const char *slash = strrchr(name, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - name);
    memcpy(out, name, size);
    strcpy(out + size, size == 0 ? "." : "");
}

static void sync_folder(struct posix *posix, const char *name) {
    char folder[DISK_NAME_BYTES_MAX];
    folder_of(folder, name);
    int fd = openat(posix->folder, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        fail(posix, folder, "open folder");
    if (fsync(fd) != 0)
        fail(posix, folder, "sync folder");
    close(fd);
    posix->disk.flushes++;
}

static void make_folders(struct posix *posix, const char *name) {
    char path[DISK_NAME_BYTES_MAX];
    strcpy(path, name);
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(posix->folder, path, 0700) == 0)
            sync_folder(posix, path);
        else if (errno != EEXIST)
            fail(posix, path, "make folder");
        *slash = '/';
    }
}

/* Handles */

static void close_handle(struct posix *posix, struct handle *handle) {
    close(handle->fd);
    *handle = posix->handles[--posix->handle_count];
}

static struct handle *handle_of(struct posix *posix, const char *name) {
    for (size_t i = 0; i < posix->handle_count; i++)
        if (strcmp(posix->handles[i].name, name) == 0)
            return &posix->handles[i];
    return NULL;
}

/* Never one with unsynced bytes: their late errors are told only to those who had the file open. */
static void make_room(struct posix *posix) {
    struct handle *oldest = NULL;
    for (size_t i = 0; i < posix->handle_count; i++) {
        struct handle *handle = &posix->handles[i];
        if (!handle->is_dirty && (oldest == NULL || handle->last_used < oldest->last_used))
            oldest = handle;
    }
    assert(oldest != NULL);
    close_handle(posix, oldest);
}

static int open_file(struct posix *posix, const char *name, bool create) {
    int fd = openat(posix->folder, name, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create) {
        make_folders(posix, name);
        fd = openat(posix->folder, name, O_RDWR | O_CLOEXEC | O_CREAT, 0600);
    }
    if (fd < 0 && (errno != ENOENT || create))
        fail(posix, name, "open");
    return fd;
}

/* NULL: not there (and not to be made). */
static struct handle *open_handle(struct posix *posix, const char *name, bool create) {
    check_name(name);
    struct handle *handle = handle_of(posix, name);
    if (handle == NULL) {
        int fd = open_file(posix, name, create);
        struct stat status;
        if (fd < 0)
            return NULL;
        if (fstat(fd, &status) != 0)
            fail(posix, name, "stat");
        if (posix->handle_count == HANDLES_MAX)
            make_room(posix);
        handle = &posix->handles[posix->handle_count++];
        *handle = (struct handle){.fd = fd, .size = status.st_size};
        strcpy(handle->name, name);
    }
    handle->last_used = ++posix->uses;
    return handle;
}

static void forget(struct posix *posix, const char *name) {
    struct handle *handle = handle_of(posix, name);
    if (handle != NULL)
        close_handle(posix, handle);
}

static void write_all(struct posix *posix, const char *name, int fd, struct span bytes, int64_t offset) {
    while (bytes.size > 0) {
        ssize_t written = pwrite(fd, bytes.data, bytes.size, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            fail(posix, name, "write");
        bytes = span_of(bytes.data + written, bytes.size - (size_t)written);
        offset += written;
    }
}

/* The table */

static int64_t posix_size(struct disk *disk, const char *name) {
    struct handle *handle = open_handle((struct posix *)disk, name, false);
    return handle == NULL ? -1 : handle->size;
}

static struct blob *posix_read(struct disk *disk, const char *name, int64_t offset, size_t size) {
    struct posix *posix = (struct posix *)disk;
    struct handle *handle = open_handle(posix, name, false);
    assert(offset >= 0);
    if (handle == NULL)
        return NULL;
    size_t left = offset < handle->size ? (size_t)(handle->size - offset) : 0, done = 0;
    struct blob *blob = blob_reserve(size < left ? size : left);
    while (done < blob->size) {
        ssize_t got = pread(handle->fd, blob->data + done, blob->size - done, offset + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail(posix, name, "read");
        if (got == 0)
            break;
        done += (size_t)got;
    }
    blob->size = done;
    return blob;
}

static void posix_append(struct disk *disk, const char *name, struct span bytes) {
    struct posix *posix = (struct posix *)disk;
    struct handle *handle = open_handle(posix, name, true);
    handle->is_dirty = true;
    write_all(posix, name, handle->fd, bytes, handle->size);
    handle->size += (int64_t)bytes.size;
}

static void resize(struct posix *posix, struct handle *handle, int64_t size) {
    handle->is_dirty = true;
    if (ftruncate(handle->fd, size) != 0)
        fail(posix, handle->name, "truncate");
    handle->size = size;
}

static void posix_overwrite(struct disk *disk, const char *name, struct span bytes) {
    struct posix *posix = (struct posix *)disk;
    struct handle *handle = open_handle(posix, name, true);
    handle->is_dirty = true;
    write_all(posix, name, handle->fd, bytes, 0);
    if (handle->size > (int64_t)bytes.size)
        resize(posix, handle, (int64_t)bytes.size);
    handle->size = (int64_t)bytes.size;
}

/* A failed sync is never tried again: the system may have dropped what it could not write. */
static void posix_sync(struct disk *disk, const char *name) {
    struct posix *posix = (struct posix *)disk;
    struct handle *handle = open_handle(posix, name, false);
    if (handle == NULL)
        return;
    if (fdatasync(handle->fd) != 0)
        fail(posix, name, "sync");
    disk->flushes++;
    handle->is_dirty = false;
    if (!handle->is_name_sure)
        sync_folder(posix, name);
    handle->is_name_sure = true;
}

static void posix_truncate(struct disk *disk, const char *name, int64_t size) {
    struct posix *posix = (struct posix *)disk;
    resize(posix, open_handle(posix, name, true), size);
}

static void posix_rename(struct disk *disk, const char *from, const char *to) {
    struct posix *posix = (struct posix *)disk;
    check_name(from);
    check_name(to);
    forget(posix, from);
    forget(posix, to);
    if (renameat(posix->folder, from, posix->folder, to) != 0)
        fail(posix, from, "rename");
    sync_folder(posix, to);
}

static void posix_replace(struct disk *disk, const char *name, struct span bytes) {
    struct posix *posix = (struct posix *)disk;
    char temporary[DISK_NAME_BYTES_MAX + 8];
    check_name(name);
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    make_folders(posix, name);
    int fd = openat(posix->folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        fail(posix, temporary, "make");
    write_all(posix, temporary, fd, bytes, 0);
    if (fsync(fd) != 0)
        fail(posix, temporary, "sync");
    disk->flushes++;
    close(fd);
    posix_rename(disk, temporary, name);
}

static void posix_remove(struct disk *disk, const char *name) {
    struct posix *posix = (struct posix *)disk;
    check_name(name);
    forget(posix, name);
    if (unlinkat(posix->folder, name, 0) == 0)
        sync_folder(posix, name);
    else if (errno != ENOENT)
        fail(posix, name, "remove");
}

static void posix_list(struct disk *disk, const char *folder, void (*visit)(void *context, const char *name), void *context) {
    struct posix *posix = (struct posix *)disk;
    check_name(folder);
    int fd = openat(posix->folder, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return;
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL)
        fail(posix, folder, "open folder");
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        if (entry->d_name[0] != '.')
            visit(context, entry->d_name);
    closedir(stream);
}

struct disk *disk_posix_open(const char *home, struct disk_failure failure, char **error) {
    static const struct disk_table table = {posix_size, posix_read,     posix_append, posix_overwrite, posix_replace,
                                            posix_sync, posix_truncate, posix_rename, posix_remove,    posix_list};
    int folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        *error = complaint_of("%s: open folder: %s (%d)", home, strerror(errno), errno);
        return NULL;
    }
    struct posix *posix = calloc(1, sizeof *posix);
    assert(posix != NULL);
    posix->disk.table = &table;
    posix->failure = failure;
    posix->folder = folder;
    posix->home = strdup(home);
    assert(posix->home != NULL);
    return &posix->disk;
}

void disk_posix_close(struct disk *disk) {
    struct posix *posix = (struct posix *)disk;
    if (posix == NULL)
        return;
    while (posix->handle_count > 0)
        close_handle(posix, &posix->handles[0]);
    close(posix->folder);
    free(posix->home);
    free(posix);
}
