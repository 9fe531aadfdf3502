#include "node/abci_link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/buffer.h"
#include "node/signlink.h"

enum {
    READ_BYTES = 64 * 1024,
    OUT_BYTES_SENT = 64 * 1024, /* queued, above which some is sent */
    LOOK_MS = 200,              /* between looks whether we are to stop */
    GRACE_MS = 3000,            /* for an answer when we are to stop: most come, and the stop is an orderly one */
    CONNECT_MS = 3000,
    WORD_MS = 10000,            /* before the first word about a long wait; then it doubles */
    LISTS_BYTES = 1 << 20,      /* of the decoded lists of an answer, beyond a multiple of its size */
};

struct abci_link {
    struct abci_link_settings settings;
    int fd;
    struct buffer in, out;
    size_t taken; /* bytes at the front of `in` that belong to the answer given last */
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static bool complain(char why[static ABCI_LINK_WHY_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool complain(char why[static ABCI_LINK_WHY_SIZE], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, ABCI_LINK_WHY_SIZE, format, args);
    va_end(args);
    return false;
}

/* ---- dialling */

const char *abci_link_check(const char *address) {
    struct signlink_address parsed;
    return signlink_address_parse(&parsed, address);
}

static bool finish_connect(int fd) {
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof failure;
    if (poll(&wait, 1, CONNECT_MS) != 1)
        failure = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        failure = errno;
    errno = failure;
    return failure == 0;
}

/* A socket that does not block, connected; −1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t size) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, address, size) == 0 || (errno == EINPROGRESS && finish_connect(fd)))
        return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static int dial_unix(const char *path, char why[static ABCI_LINK_WHY_SIZE]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = connect_to((struct sockaddr *)&address, sizeof address);
    if (fd < 0)
        complain(why, "%s", strerror(errno));
    return fd;
}

static int dial_tcp(const struct netaddress *host, char why[static ABCI_LINK_WHY_SIZE]) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    char port[8];
    int fd = -1, one = 1;
    snprintf(port, sizeof port, "%u", host->port);
    int result = getaddrinfo(host->host, port, &hints, &found);
    if (result != 0) {
        complain(why, "%s", gai_strerror(result));
        return -1;
    }
    for (struct addrinfo *at = found; fd < 0 && at != NULL; at = at->ai_next)
        fd = connect_to(at->ai_addr, at->ai_addrlen);
    if (fd < 0)
        complain(why, "%s", strerror(errno));
    else
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    freeaddrinfo(found);
    return fd;
}

struct abci_link *abci_link_dial(const char *address, const struct abci_link_settings *settings, char why[static ABCI_LINK_WHY_SIZE]) {
    struct signlink_address parsed;
    const char *wrong = signlink_address_parse(&parsed, address);
    if (wrong != NULL) {
        complain(why, "%s", wrong);
        return NULL;
    }
    int fd = parsed.is_unix ? dial_unix(parsed.path, why) : dial_tcp(&parsed.host, why);
    if (fd < 0)
        return NULL;
    struct abci_link *link = calloc(1, sizeof *link);
    assert(link != NULL);
    link->settings = *settings;
    link->fd = fd;
    buffer_init(&link->in);
    buffer_init(&link->out);
    return link;
}

void abci_link_close(struct abci_link *link) {
    if (link == NULL)
        return;
    close(link->fd);
    buffer_close(&link->in);
    buffer_close(&link->out);
    free(link);
}

int abci_link_fd(const struct abci_link *link) { return link->fd; }

/* ---- bytes */

static bool is_passing(int failure) { return failure == EAGAIN || failure == EWOULDBLOCK || failure == EINTR; }

/* Who does not take it any more may have said why: that is read. */
static void write_some(struct abci_link *link) {
    struct span bytes = buffer_span(&link->out);
    if (bytes.size == 0)
        return;
    ssize_t sent = send(link->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
    if (sent > 0)
        buffer_consume(&link->out, (size_t)sent);
    else if (sent < 0 && !is_passing(errno))
        buffer_consume(&link->out, bytes.size);
}

static const char unasked[] = "says something that was not asked";
static const char closed[] = "has closed the connection: did it crash?";

/* How the other side went. */
static bool tell_end(char why[static ABCI_LINK_WHY_SIZE], ssize_t got) {
    if (got == 0 || errno == ECONNRESET || errno == EPIPE)
        return complain(why, "%s", closed);
    return complain(why, "has gone (%s)", strerror(errno));
}

static bool read_some(struct abci_link *link, char why[static ABCI_LINK_WHY_SIZE]) {
    ssize_t got = recv(link->fd, buffer_reserve(&link->in, READ_BYTES), READ_BYTES, 0);
    if (got == 0 || (got < 0 && !is_passing(errno)))
        return tell_end(why, got);
    if (got > 0)
        buffer_add(&link->in, (size_t)got);
    return true;
}

/* What is ready is done; at most so long it waits. */
static bool turn(struct abci_link *link, int wait_ms, char why[static ABCI_LINK_WHY_SIZE]) {
    struct pollfd wait = {.fd = link->fd, .events = (short)(POLLIN | (buffer_size(&link->out) > 0 ? POLLOUT : 0))};
    int ready = poll(&wait, 1, wait_ms);
    if (ready < 0 && errno != EINTR)
        return complain(why, "cannot be waited for (%s)", strerror(errno));
    if (ready <= 0)
        return true;
    if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !read_some(link, why))
        return false;
    if ((wait.revents & POLLOUT) != 0)
        write_some(link);
    return true;
}

/* ---- questions */

void abci_link_send(struct abci_link *link, const struct abci_request *request) {
    struct proto_writer writer;
    char why[ABCI_LINK_WHY_SIZE];
    proto_writer_measure(&writer);
    abci_request_write(&writer, request);
    size_t size = writer.size;
    uint8_t *place = buffer_reserve(&link->out, size + ABCI_MESSAGE_LENGTH_MAX);
    proto_writer_init(&writer, place, size + ABCI_MESSAGE_LENGTH_MAX);
    proto_put_varint(&writer, size);
    abci_request_write(&writer, request);
    assert(!writer.overflow);
    buffer_add(&link->out, writer.size);
    if (buffer_size(&link->out) > OUT_BYTES_SENT)
        (void)turn(link, 0, why); /* what is wrong is met again by whoever waits for the answer */
}

/* ---- answers */

struct wait {
    enum abci_call call;
    int64_t begun_ms, word_ms;
};

static bool wait_more(struct abci_link *link, struct wait *wait, char why[static ABCI_LINK_WHY_SIZE]) {
    const struct abci_link_settings *settings = &link->settings;
    int64_t waited = now_ms() - wait->begun_ms;
    if (waited >= GRACE_MS && settings->stopping != NULL && settings->stopping(settings->context))
        return complain(why, "was still at work on %s when the node was asked to stop", abci_call_text(wait->call));
    if (settings->limit_ms > 0 && waited >= settings->limit_ms)
        return complain(why, "has not answered %s for %" PRId64 " s: does it hang? ([quorate] app_timeout is how long it may)", abci_call_text(wait->call),
                        waited / 1000);
    if (waited >= wait->word_ms) {
        wait->word_ms *= 2;
        if (settings->waited != NULL)
            settings->waited(settings->context, abci_call_text(wait->call), waited);
    }
    int64_t left = settings->limit_ms > 0 && settings->limit_ms - waited < LOOK_MS ? settings->limit_ms - waited : LOOK_MS;
    return turn(link, (int)left, why);
}

/* One whole message at the front of `in`. */
static bool next_message(struct abci_link *link, struct span *message, enum abci_call call, char why[static ABCI_LINK_WHY_SIZE]) {
    struct wait wait = {call, now_ms(), WORD_MS};
    buffer_consume(&link->in, link->taken);
    link->taken = 0;
    for (;;) {
        long frame = proto_delimited(message, buffer_span(&link->in), ABCI_MESSAGE_BYTES_MAX);
        if (frame < 0)
            return complain(why, "answers %s with something that is no message: its length is malformed or above %d", abci_call_text(call),
                            ABCI_MESSAGE_BYTES_MAX);
        if (frame > 0) {
            link->taken = (size_t)frame;
            return true;
        }
        if (!wait_more(link, &wait, why))
            return false;
    }
}

/* The lists of one answer may take so much, whatever the arena is for. */
static bool decode(struct abci_response *response, struct span message, struct arena *arena) {
    size_t before = arena->bytes_max, room = LISTS_BYTES + ABCI_MESSAGE_GROWTH * message.size;
    if (before - arena->bytes_taken > room)
        arena->bytes_max = arena->bytes_taken + room;
    bool good = abci_response_decode(response, message, arena);
    arena->bytes_max = before;
    return good;
}

bool abci_link_receive(struct abci_link *link, struct abci_response *response, enum abci_call call, struct arena *arena,
                       char why[static ABCI_LINK_WHY_SIZE]) {
    struct span message, copy;
    if (!next_message(link, &message, call, why))
        return false;
    if (!arena_copy(arena, &copy, message) || !decode(response, copy, arena))
        return complain(why, "answers %s with %zu bytes that are no response, or that ask for too much memory", abci_call_text(call), message.size);
    return true;
}

bool abci_link_has_more(const struct abci_link *link) { return buffer_size(&link->in) > link->taken; }

bool abci_link_is_broken(struct abci_link *link, char why[static ABCI_LINK_WHY_SIZE]) {
    uint8_t byte;
    if (abci_link_has_more(link)) {
        complain(why, "%s", unasked);
        return true;
    }
    ssize_t got = recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && is_passing(errno))
        return false;
    if (got > 0)
        complain(why, "%s", unasked);
    else
        tell_end(why, got);
    return true;
}
