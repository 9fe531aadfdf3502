#include "node/keylock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "node/complaint.h"

int keylock_take(const char *mark_path, char **error) {
    const char *dot = strrchr(mark_path, '.');
    size_t size = dot == NULL || strchr(dot, '/') != NULL ? strlen(mark_path) : (size_t)(dot - mark_path);
    char *path = complaint_of("%.*s.lock", (int)size, mark_path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool taken = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!taken && fd >= 0 && errno == EWOULDBLOCK)
        *error = complaint_of("%s: another process signs with this home's key (`quorate start` or `quorate signer`): stop it first", path);
    else if (!taken)
        *error = complaint_of("%s: %s", path, strerror(errno));
    if (!taken && fd >= 0)
        close(fd);
    free(path);
    return taken ? fd : -1;
}
