/* HTTP over real sockets: a client that sends whatever it likes, in pieces, and reads what comes. Whatever comes is responses, one after the other,
 * and once the server has closed, nothing. */
#define FUZZ_BYTES_MAX 2048
#define _GNU_SOURCE /* memmem */
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/server.h"

struct heard {
    char bytes[1 << 16];
    size_t size;
    bool closed;
};

static void hear(struct heard *heard, int fd) {
    while (!heard->closed && heard->size < sizeof heard->bytes) {
        ssize_t size = recv(fd, heard->bytes + heard->size, sizeof heard->bytes - heard->size, 0);
        if (size < 0 && errno == EAGAIN)
            return;
        heard->closed = size <= 0;
        heard->size += size > 0 ? (size_t)size : 0;
    }
}

static void turn(const struct server *server, struct heard *heard, int fd) {
    event_base_loop(server->base, EVLOOP_NONBLOCK);
    hear(heard, fd);
}

static bool starts(const char *at, const char *end, const char *text) {
    return (size_t)(end - at) >= strlen(text) && memcmp(at, text, strlen(text)) == 0;
}

/* A whole answer says its length; none is begun within another. HEAD's have no body, so only the first is looked at then. */
static void must_be_answers(const struct heard *heard) {
    const char *at = heard->bytes, *end = at + heard->size;
    if (heard->size > 0 && heard->size < sizeof heard->bytes)
        assert(starts(at, end, "HTTP/1.1 ") && memmem(at, heard->size, "\r\n\r\n", 4) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct heard heard;
    const struct server *server = server_running();
    struct fuzz fuzz = fuzz_over(data, size);
    int fd = server_connect(server);
    if (fd < 0)
        return 0;
    heard.size = 0;
    heard.closed = false;
    size_t step = 1 + fuzz_byte(&fuzz) * 16u;
    bool half_close = step & 16;
    turn(server, &heard, fd);
    for (struct span bytes = fuzz_rest(&fuzz); bytes.size > 0 && !heard.closed;) {
        size_t more = bytes.size < step ? bytes.size : step;
        ssize_t sent = send(fd, bytes.data, more, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
        turn(server, &heard, fd);
    }
    if (half_close)
        shutdown(fd, SHUT_WR);
    turn(server, &heard, fd);
    server_commit();
    turn(server, &heard, fd);
    must_be_answers(&heard);
    close(fd);
    event_base_loop(server->base, EVLOOP_NONBLOCK);
    server_forget();
    fuzz_end();
    return 0;
}
