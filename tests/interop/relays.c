#define _GNU_SOURCE
#include "tests/interop/relays.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WIRES_MAX   (RELAYS_NODES_MAX * RELAYS_NODES_MAX)
#define PAIRS_MAX   (4 * WIRES_MAX)
#define BUFFER_SIZE 65536
#define GLANCE_MS   20

struct wire {
    uint16_t port, to_port; /* 0: no wire */
    int listener;           /* −1: refusing */
    _Atomic int mode;
};

struct half { /* bytes on their way in one direction */
    uint8_t bytes[BUFFER_SIZE];
    size_t begin, end;
};

struct pair {
    struct wire *wire; /* NULL: free */
    int fds[2];
    struct half from[2]; /* what was read from fds[0], fds[1] */
};

struct relays {
    uint32_t count;
    struct wire wires[WIRES_MAX];
    struct pair pairs[PAIRS_MAX];
    pthread_t thread;
    _Atomic bool ends;
};

uint16_t relays_port(uint16_t base_port, uint32_t from, uint32_t to) { return (uint16_t)(base_port + RELAYS_NODES_MAX * from + to); }

static struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int listen_at(uint16_t port) {
    struct sockaddr_in address = loopback(port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 16) == 0)
        return fd;
    close(fd);
    return -1;
}

static int dial(uint16_t port) {
    struct sockaddr_in address = loopback(port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void drop(struct pair *pair) {
    close(pair->fds[0]);
    close(pair->fds[1]);
    pair->wire = NULL;
}

static void take(struct relays *relays, struct wire *wire) {
    int on = 1, near = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), far = near < 0 ? -1 : dial(wire->to_port);
    struct pair *pair = relays->pairs;
    while (pair < relays->pairs + PAIRS_MAX && pair->wire != NULL)
        pair++;
    if (far < 0 || pair == relays->pairs + PAIRS_MAX) {
        if (near >= 0)
            close(near);
        if (far >= 0)
            close(far);
        return;
    }
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pair->wire = wire;
    pair->fds[0] = near;
    pair->fds[1] = far;
    pair->from[0].begin = pair->from[0].end = pair->from[1].begin = pair->from[1].end = 0;
}

/* false: one side is gone. */
static bool carry(struct half *half, int from, int to) {
    if (half->begin == half->end) {
        ssize_t got = recv(from, half->bytes, BUFFER_SIZE, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        half->begin = 0;
        half->end = got > 0 ? (size_t)got : 0;
    }
    while (half->begin < half->end) {
        ssize_t sent = send(to, half->bytes + half->begin, half->end - half->begin, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        half->begin += (size_t)sent;
    }
    return true;
}

static void obey(struct relays *relays, struct wire *wire) {
    bool refuses = atomic_load(&wire->mode) == RELAYS_REFUSING;
    if (refuses && wire->listener >= 0) {
        close(wire->listener);
        wire->listener = -1;
        for (struct pair *pair = relays->pairs; pair < relays->pairs + PAIRS_MAX; pair++)
            if (pair->wire == wire)
                drop(pair);
    } else if (!refuses && wire->listener < 0) {
        wire->listener = listen_at(wire->port); /* taken for a moment: again at the next glance */
    }
}

static void turn(struct relays *relays) {
    static struct pollfd polls[WIRES_MAX + 2 * PAIRS_MAX];
    nfds_t count = 0;
    for (struct wire *wire = relays->wires; wire < relays->wires + WIRES_MAX; wire++) {
        if (wire->port == 0)
            continue;
        obey(relays, wire);
        if (wire->listener >= 0 && atomic_load(&wire->mode) == RELAYS_OPEN)
            polls[count++] = (struct pollfd){wire->listener, POLLIN, 0};
    }
    for (struct pair *pair = relays->pairs; pair < relays->pairs + PAIRS_MAX; pair++)
        for (int side = 0; pair->wire != NULL && atomic_load(&pair->wire->mode) == RELAYS_OPEN && side < 2; side++) {
            bool is_empty = pair->from[side].begin == pair->from[side].end, is_owed = pair->from[1 - side].begin < pair->from[1 - side].end;
            polls[count++] = (struct pollfd){pair->fds[side], (short)((is_empty ? POLLIN : 0) | (is_owed ? POLLOUT : 0)), 0};
        }
    poll(polls, count, GLANCE_MS);
    for (struct wire *wire = relays->wires; wire < relays->wires + WIRES_MAX; wire++)
        if (wire->port != 0 && wire->listener >= 0 && atomic_load(&wire->mode) == RELAYS_OPEN)
            take(relays, wire);
    for (struct pair *pair = relays->pairs; pair < relays->pairs + PAIRS_MAX; pair++)
        if (pair->wire != NULL && atomic_load(&pair->wire->mode) == RELAYS_OPEN &&
            (!carry(&pair->from[0], pair->fds[0], pair->fds[1]) || !carry(&pair->from[1], pair->fds[1], pair->fds[0])))
            drop(pair);
}

static void *run(void *context) {
    struct relays *relays = context;
    while (!atomic_load(&relays->ends))
        turn(relays);
    return NULL;
}

struct relays *relays_open(uint16_t base_port, uint32_t count, const uint16_t *ports) {
    assert(count <= RELAYS_NODES_MAX);
    struct relays *relays = calloc(1, sizeof *relays);
    assert(relays != NULL);
    relays->count = count;
    bool good = true;
    for (uint32_t i = 0; i < count * count; i++) {
        struct wire *wire = &relays->wires[i];
        uint32_t from = i / count, to = i % count;
        if (from == to)
            continue;
        wire->port = relays_port(base_port, from, to);
        wire->to_port = ports[to];
        wire->listener = listen_at(wire->port);
        good = good && wire->listener >= 0;
    }
    if (good && pthread_create(&relays->thread, NULL, run, relays) == 0)
        return relays;
    for (struct wire *wire = relays->wires; wire < relays->wires + WIRES_MAX; wire++)
        if (wire->port != 0 && wire->listener >= 0)
            close(wire->listener);
    free(relays);
    return NULL;
}

void relays_close(struct relays *relays) {
    if (relays == NULL)
        return;
    atomic_store(&relays->ends, true);
    pthread_join(relays->thread, NULL);
    for (struct pair *pair = relays->pairs; pair < relays->pairs + PAIRS_MAX; pair++)
        if (pair->wire != NULL)
            drop(pair);
    for (struct wire *wire = relays->wires; wire < relays->wires + WIRES_MAX; wire++)
        if (wire->port != 0 && wire->listener >= 0)
            close(wire->listener);
    free(relays);
}

void relays_part(struct relays *relays, uint32_t side, enum relays_mode mode) {
    for (uint32_t i = 0; i < relays->count * relays->count; i++)
        if ((side >> (i / relays->count) & 1) != (side >> (i % relays->count) & 1))
            atomic_store(&relays->wires[i].mode, mode);
}
