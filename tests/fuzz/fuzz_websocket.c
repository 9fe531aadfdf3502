/* A websocket over a real socket. The input is a list of moves: a good frame with bytes of the input, raw bytes, a block, news of consensus. Whatever
 * comes back is frames as a server sends them, and their texts are JSON. */
#define FUZZ_BYTES_MAX 4096
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "genesis/scan.h"
#include "rpc/news.h"
#include "tests/fuzz/server.h"

struct heard {
    uint8_t bytes[1 << 20];
    size_t size;
    bool closed;
};

static void turn(const struct server *server, struct heard *heard, int fd) {
    event_base_loop(server->base, EVLOOP_NONBLOCK);
    while (!heard->closed && heard->size < sizeof heard->bytes) {
        ssize_t size = recv(fd, heard->bytes + heard->size, sizeof heard->bytes - heard->size, 0);
        if (size < 0 && errno == EAGAIN)
            return;
        heard->closed = size <= 0;
        heard->size += size > 0 ? (size_t)size : 0;
    }
}

/* false: not whole. */
static bool take_frame(struct span *rest, uint8_t *first, struct span *payload) {
    if (rest->size < 2)
        return false;
    size_t size = rest->data[1], at = 2;
    assert(size < 0x80 && (rest->data[0] & 0x70) == 0);
    if (size >= 126) {
        size_t digits = size == 126 ? 2 : 8;
        if (rest->size < at + digits)
            return false;
        for (size = 0; digits > 0; digits--)
            size = size << 8 | rest->data[at++];
    }
    if (rest->size < at + size)
        return false;
    *first = rest->data[0];
    *payload = span_of(rest->data + at, size);
    *rest = span_of(rest->data + at + size, rest->size - at - size);
    return true;
}

static void must_be_frames(const struct heard *heard) {
    struct span rest = span_of(heard->bytes, heard->size), payload, value;
    uint8_t first;
    while (take_frame(&rest, &first, &payload)) {
        assert(first == 0x81 || first == 0x88 || first == 0x89 || first == 0x8a);
        if (first == 0x81)
            assert(scan_value(&value, payload, NULL) && scan_kind(value) == SCAN_OBJECT);
        if (first == 0x88)
            assert(rest.size == 0);
    }
}

static void send_frame(int fd, uint8_t first, struct span payload) {
    uint8_t frame[8 + FUZZ_BYTES_MAX] = {first};
    size_t at = 1;
    if (payload.size < 126) {
        frame[at++] = (uint8_t)(0x80 | payload.size);
    } else {
        frame[at++] = 0x80 | 126;
        frame[at++] = (uint8_t)(payload.size >> 8);
        frame[at++] = (uint8_t)payload.size;
    }
    at += 4; /* a mask of zeroes */
    memcpy(frame + at, payload.data, payload.size);
    (void)!send(fd, frame, at + payload.size, MSG_NOSIGNAL);
}

static void move(struct fuzz *fuzz, const struct server *server, int fd) {
    uint8_t kind = fuzz_byte(fuzz);
    struct rpc_news news = {.kind = kind % RPC_NEWS_COUNT, .height = kind, .phase = 1 + kind % 8};
    struct span piece;
    switch (kind >> 5) {
    case 0:
        piece = fuzz_piece(fuzz);
        (void)!send(fd, piece.data, piece.size, MSG_NOSIGNAL);
        break;
    case 1: server_commit(); break;
    case 2:
        for (int i = 0; i < kind % 32 * 8 && rpc_wants_news(server->rpc); i++)
            rpc_tell_news(server->rpc, &news);
        break;
    case 3: send_frame(fd, fuzz_byte(fuzz), fuzz_piece(fuzz)); break;
    default: send_frame(fd, 0x81, fuzz_piece(fuzz));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char upgrade[] = "GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static struct heard heard;
    const struct server *server = server_running();
    struct fuzz fuzz = fuzz_over(data, size);
    int fd = server_connect(server);
    if (fd < 0)
        return 0;
    heard.size = 0;
    heard.closed = false;
    (void)!send(fd, upgrade, sizeof upgrade - 1, MSG_NOSIGNAL);
    for (int i = 0; i < 100 && heard.size == 0; i++)
        turn(server, &heard, fd);
    assert(heard.size > 12 && memcmp(heard.bytes, "HTTP/1.1 101", 12) == 0);
    heard.size = 0;
    for (int moves = 0; fuzz.at < fuzz.end && moves < 64; moves++) {
        move(&fuzz, server, fd);
        turn(server, &heard, fd);
    }
    turn(server, &heard, fd);
    if (heard.size < sizeof heard.bytes)
        must_be_frames(&heard);
    close(fd);
    event_base_loop(server->base, EVLOOP_NONBLOCK);
    server_forget();
    fuzz_end();
    return 0;
}
