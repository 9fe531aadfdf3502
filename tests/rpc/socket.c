#include "tests/rpc/socket.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void wire_open(struct wire *wire, struct lab *lab) {
    struct lab_reply reply;
    *wire = (struct wire){.lab = lab, .sock = lab_connect(lab)};
    lab_send(lab, wire->sock, span_text("GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
                                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    lab_receive(lab, &reply, wire->sock, 30000);
    ck_assert_int_eq(reply.status, 101);
    ck_assert_ptr_nonnull(strstr(reply.head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")); /* RFC 6455 §1.3 */
    lab_reply_close(&reply);
}

void wire_close(struct wire *wire) {
    close(wire->sock);
    free(wire->in);
    lab_turn(wire->lab);
}

void wire_frame(struct wire *wire, uint8_t first, struct span payload) {
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t *bytes = malloc(payload.size + 16);
    size_t at = 0;
    ck_assert_ptr_nonnull(bytes);
    bytes[at++] = first;
    bytes[at++] = 0x80 | (payload.size < 126 ? (uint8_t)payload.size : payload.size < 65536 ? 126 : 127);
    for (int i = payload.size < 126 ? 0 : payload.size < 65536 ? 2 : 8; i > 0; i--)
        bytes[at++] = (uint8_t)(payload.size >> (8 * (i - 1)));
    memcpy(bytes + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < payload.size; i++)
        bytes[at + i] = payload.data[i] ^ mask[i % 4];
    lab_send(wire->lab, wire->sock, span_of(bytes, at + payload.size));
    free(bytes);
}

void wire_call(struct wire *wire, const char *json) { wire_frame(wire, 0x81, span_text(json)); }

void wire_ask(struct wire *wire, const char *id, const char *method, const char *params) {
    char text[4096];
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\",\"params\":%s}", id, method, params);
    wire_call(wire, text);
}

static void read_more(struct wire *wire) {
    char bytes[65536];
    ssize_t got = recv(wire->sock, bytes, sizeof bytes, MSG_DONTWAIT);
    wire->closed |= got == 0 || (got < 0 && errno != EAGAIN);
    if (got <= 0)
        return;
    wire->in = realloc(wire->in, wire->size + (size_t)got);
    ck_assert_ptr_nonnull(wire->in);
    memcpy(wire->in + wire->size, bytes, (size_t)got);
    wire->size += (size_t)got;
}

/* The server's frames are not masked. */
static bool take(struct wire *wire, struct frame *frame) {
    const uint8_t *in = (const uint8_t *)wire->in;
    if (wire->size < 2)
        return false;
    size_t size = in[1], head = 2;
    ck_assert_uint_eq(in[1] & 0x80, 0);
    if (size >= 126) {
        int digits = size == 126 ? 2 : 8;
        if (wire->size < head + (size_t)digits)
            return false;
        for (size = 0; digits-- > 0;)
            size = size << 8 | in[head++];
    }
    if (wire->size < head + size)
        return false;
    frame->first = in[0];
    frame->size = size;
    frame->payload = malloc(size + 1);
    ck_assert_ptr_nonnull(frame->payload);
    memcpy(frame->payload, in + head, size);
    frame->payload[size] = '\0';
    wire->size -= head + size;
    memmove(wire->in, in + head + size, wire->size);
    return true;
}

void wire_next(struct wire *wire, struct frame *frame, int ms_max) {
    *frame = (struct frame){0};
    for (int64_t end = clock_ms() + ms_max; !take(wire, frame) && !wire->closed && clock_ms() < end;) {
        lab_turn(wire->lab);
        read_more(wire);
    }
}

void wire_next_word(struct wire *wire, struct frame *frame, int ms_max) {
    for (wire_next(wire, frame, ms_max); frame->first == 0x89; wire_next(wire, frame, ms_max)) {
        wire_frame(wire, 0x8a, span_of(frame->payload, frame->size));
        free(frame->payload);
    }
}

void wire_expect(struct wire *wire, const char *text) {
    struct frame frame;
    wire_next_word(wire, &frame, 30000);
    ck_assert_msg(frame.first == 0x81 && strncmp(frame.payload, text, strlen(text)) == 0, "%02x %s, not %s", frame.first,
                  frame.payload == NULL ? "" : frame.payload, text);
    free(frame.payload);
}

void wire_expect_close(struct wire *wire, unsigned code) {
    struct frame frame;
    wire_next_word(wire, &frame, 30000);
    ck_assert_msg(frame.first == 0x88, "%02x %s", frame.first, frame.payload == NULL ? "" : frame.payload);
    ck_assert_uint_eq(frame.size < 2 ? 0u : (unsigned)((uint8_t)frame.payload[0] << 8 | (uint8_t)frame.payload[1]), code);
    free(frame.payload);
    shutdown(wire->sock, SHUT_WR);
    wire_next(wire, &frame, 30000);
    ck_assert_uint_eq(frame.first, 0);
    ck_assert(wire->closed);
}

void wire_expect_silence(struct wire *wire) {
    struct frame frame;
    wire_next(wire, &frame, 30);
    ck_assert_msg(frame.first == 0 && !wire->closed, "%02x %s", frame.first, frame.payload == NULL ? "" : frame.payload);
}
