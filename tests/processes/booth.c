#include "tests/processes/booth.h"

#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_MS = 50, READ_BYTES = 65536 };

struct caller {
    struct booth *booth;
    int fd;
};

bool booth_read(struct booth *booth, int fd, struct buffer *in) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (!atomic_load(&booth->stopping)) {
        if (poll(&poll_fd, 1, TICK_MS) <= 0)
            continue;
        ssize_t got = recv(fd, buffer_reserve(in, READ_BYTES), READ_BYTES, 0);
        if (got > 0)
            buffer_add(in, (size_t)got);
        return got > 0;
    }
    return false;
}

bool booth_write(int fd, struct span bytes) {
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return true;
}

static void *hear_one(void *context) {
    struct caller *caller = context;
    struct booth *booth = caller->booth;
    booth->hear(booth->context, caller->fd);
    close(caller->fd);
    free(caller);
    atomic_fetch_sub(&booth->callers, 1);
    return NULL;
}

static void *accept_all(void *context) {
    struct booth *booth = context;
    struct pollfd poll_fd = {.fd = booth->fd, .events = POLLIN};
    while (!atomic_load(&booth->stopping)) {
        pthread_t thread;
        int fd = poll(&poll_fd, 1, TICK_MS) > 0 ? accept(booth->fd, NULL, NULL) : -1;
        if (fd < 0)
            continue;
        struct caller *caller = malloc(sizeof *caller);
        assert(caller != NULL);
        *caller = (struct caller){booth, fd};
        atomic_fetch_add(&booth->callers, 1);
        int failed = pthread_create(&thread, NULL, hear_one, caller);
        assert(!failed);
        pthread_detach(thread);
    }
    return NULL;
}

bool booth_open(struct booth *booth, void (*hear)(void *context, int fd), void *context) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(booth, 0, sizeof *booth);
    booth->hear = hear;
    booth->context = context;
    booth->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (booth->fd < 0 || bind(booth->fd, (struct sockaddr *)&address, size) != 0 || listen(booth->fd, 64) != 0 ||
        getsockname(booth->fd, (struct sockaddr *)&address, &size) != 0)
        return false;
    booth->port = ntohs(address.sin_port);
    return pthread_create(&booth->thread, NULL, accept_all, booth) == 0;
}

void booth_close(struct booth *booth) {
    atomic_store(&booth->stopping, true);
    pthread_join(booth->thread, NULL);
    close(booth->fd);
    while (atomic_load(&booth->callers) > 0)
        poll(NULL, 0, TICK_MS);
}
