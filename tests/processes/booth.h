/* A port of 127.0.0.1 where each caller is heard by a thread of its own, for the servers of these tests that lie or listen. */
#ifndef QUORATE_TESTS_BOOTH_H
#define QUORATE_TESTS_BOOTH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "node/buffer.h"

struct booth {
    int fd;
    uint16_t port;
    void (*hear)(void *context, int fd); /* in the caller's thread; fd is closed afterwards */
    void *context;
    atomic_bool stopping;
    atomic_uint callers;
    pthread_t thread;
};

bool booth_open(struct booth *booth, void (*hear)(void *context, int fd), void *context); /* any free port; false: none */
void booth_close(struct booth *booth); /* waits for the callers' threads */
/* For these: more of what is said; false: it is over, or the booth closes. */
bool booth_read(struct booth *booth, int fd, struct buffer *in);
bool booth_write(int fd, struct span bytes);

#endif
