#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/complaint.h"
#include "node/keyfile.h"

#define PATH_BYTES_MAX 4096

static bool failed(const char *path, const char *operation, char **error) {
    int number = errno;
    *error = complaint_of("%s: %s: %s (%d)", path, operation, strerror(number), number);
    errno = number;
    return false;
}

static bool read_all(int fd, struct blob *blob, const char *path, char **error) {
    size_t done = 0;
    while (done < blob->size) {
        ssize_t got = read(fd, blob->data + done, blob->size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(path, "read", error);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    blob->size = done;
    return true;
}

struct blob *keyfile_read(const char *path, size_t size_max, char **error) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        failed(path, "open", error);
        return NULL;
    }
    struct blob *blob = NULL;
    if (!S_ISREG(status.st_mode)) {
        *error = complaint_of("%s: it is %s, not a file", path, S_ISDIR(status.st_mode) ? "a folder" : "a pipe or a device");
    } else if ((uint64_t)status.st_size > size_max) {
        *error = complaint_of("%s: %lld bytes; such a file has at most %zu bytes", path, (long long)status.st_size, size_max);
    } else {
        blob = blob_reserve((size_t)status.st_size);
        if (!read_all(fd, blob, path, error)) {
            blob_release(blob);
            blob = NULL;
        }
    }
    close(fd);
    if (blob == NULL)
        errno = EINVAL;
    return blob;
}

static bool make_folders(const char *path, char **error) {
    char folder[PATH_BYTES_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return failed(folder, "make folder", error);
        *slash = '/';
    }
    return true;
}

static bool write_all(int fd, struct span bytes, const char *path, char **error) {
    while (bytes.size > 0) {
        ssize_t written = write(fd, bytes.data, bytes.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failed(path, "write", error);
        bytes = span_of(bytes.data + written, bytes.size - (size_t)written);
    }
    return fsync(fd) == 0 || failed(path, "sync", error);
}

static bool sync_folder(const char *path, char **error) {
    char folder[PATH_BYTES_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        strcpy(folder, ".");
    else
        slash[slash == folder] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(folder, "open folder", error);
    bool good = fsync(fd) == 0 || failed(folder, "sync folder", error);
    close(fd);
    return good;
}

/* A link, not a rename, so that whoever made the file meanwhile keeps it. */
static bool put_in_place(const char *temporary, const char *path, bool replace, char **error) {
    if (replace)
        return rename(temporary, path) == 0 || failed(path, "rename", error);
    if (link(temporary, path) == 0)
        return unlink(temporary) == 0 || failed(temporary, "remove", error);
    if (errno == EEXIST)
        *error = complaint_of("%s: is there already, and is not replaced", path);
    else
        failed(path, "make", error);
    return false;
}

bool keyfile_write(const char *path, struct span bytes, bool replace, char **error) {
    char temporary[PATH_BYTES_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path, (long)getpid()) >= (int)sizeof temporary) {
        *error = complaint_of("%.80s…: the path is too long", path);
        return false;
    }
    if (!make_folders(path, error))
        return false;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(temporary, "make", error);
    bool good = write_all(fd, bytes, temporary, error);
    close(fd);
    if (good && put_in_place(temporary, path, replace, error))
        return sync_folder(path, error);
    unlink(temporary);
    return false;
}
