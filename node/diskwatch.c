#include "node/diskwatch.h"

#include <event2/event.h>
#include <sys/statvfs.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diskwatch {
    struct event *timer;
    uint64_t bytes_min;
    diskwatch_tell *tell;
    void *context;
    bool low;
    char path[];
};

bool diskwatch_is_low(bool low, uint64_t bytes_free, uint64_t bytes_min) {
    uint64_t limit = low && bytes_min <= UINT64_MAX / 2 ? bytes_min + bytes_min / 10 : bytes_min;
    return bytes_free < limit;
}

bool diskwatch_measure(uint64_t *bytes_free, const char *path) {
    struct statvfs disk;
    if (statvfs(path, &disk) != 0)
        return false;
    *bytes_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    return true;
}

static void look(struct diskwatch *watch) {
    uint64_t bytes_free;
    char why[512];
    if (!diskwatch_measure(&bytes_free, watch->path))
        return;
    bool low = diskwatch_is_low(watch->low, bytes_free, watch->bytes_min);
    if (low == watch->low)
        return;
    watch->low = low;
    snprintf(why, sizeof why,
             "%" PRIu64 " bytes are free on the disk of %.200s, fewer than [quorate] disk_free_min = %" PRIu64
             "; make room, or prune with [storage] retain_blocks",
             bytes_free, watch->path, watch->bytes_min);
    watch->tell(watch->context, low ? why : NULL);
}

static void on_timer(evutil_socket_t unused, short what, void *context) {
    (void)unused;
    (void)what;
    look(context);
}

struct diskwatch *diskwatch_new(struct event_base *base, const char *path, uint64_t bytes_min, diskwatch_tell *tell, void *context) {
    if (bytes_min == 0)
        return NULL;
    struct diskwatch *watch = calloc(1, sizeof *watch + strlen(path) + 1);
    assert(watch != NULL);
    *watch = (struct diskwatch){.bytes_min = bytes_min, .tell = tell, .context = context};
    strcpy(watch->path, path);
    watch->timer = event_new(base, -1, EV_PERSIST, on_timer, watch);
    event_add(watch->timer, &(struct timeval){DISKWATCH_MS / 1000, DISKWATCH_MS % 1000 * 1000});
    look(watch);
    return watch;
}

void diskwatch_free(struct diskwatch *watch) {
    if (watch == NULL)
        return;
    event_free(watch->timer);
    free(watch);
}
