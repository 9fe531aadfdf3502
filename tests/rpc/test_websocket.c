#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/random.h"
#include "rpc/call.h"
#include "tests/rpc/socket.h"

static struct lab lab;
static struct wire wire;

static void open_lab(void) {
    lab_open(&lab, &(struct rpc_config){.max_body_bytes = 5000}, 4);
    wire_open(&wire, &lab);
}

static void close_lab(void) {
    wire_close(&wire);
    lab_close(&lab);
}

static void still_healthy(void) {
    struct wire other;
    wire_open(&other, &lab);
    wire_ask(&other, "1", "health", "{}");
    wire_expect(&other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    wire_close(&other);
}

START_TEST(every_method_can_be_called) {
    wire_ask(&wire, "\"x\"", "health", "{}");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
    wire_ask(&wire, "7", "block", "{\"height\":\"3\"}");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"block_id\":{\"hash\":\"");
    wire_ask(&wire, "8", "broadcast_tx_sync", "[\"YT0x\"]");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{\"code\":0,");
    wire_ask(&wire, "9", "nope", "{}");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
    wire_ask(&wire, "10", "block", "{\"height\":3}"); /* here, unlike over HTTP, -32603 */
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":10,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"error converting json params");
}
END_TEST

START_TEST(what_is_no_request_is_told_so_and_notifications_are_passed_over) {
    wire_call(&wire, "{\"jsonrpc\"");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Parse error. Invalid JSON\",\"data\":\"error unmarshaling request:");
    wire_call(&wire, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"health\"}]");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,");
    wire_call(&wire, "{\"jsonrpc\":\"2.0\",\"method\":\"health\"}");
    wire_expect_silence(&wire);
    wire_call(&wire, "");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,");
    wire_frame(&wire, 0x82, span_text("{\"id\":1,\"method\":\"health\"}")); /* binary is read as well */
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
}
END_TEST

START_TEST(calls_are_answered_in_order_also_when_one_waits) {
    wire_ask(&wire, "1", "broadcast_tx_commit", "[\"YT0x\"]");
    for (int i = 2; i < 60; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        wire_ask(&wire, id, "health", "{}");
    }
    wire_expect_silence(&wire);
    lab_commit(&lab);
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"check_tx\"");
    for (int i = 2; i < 60; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{}}", i);
        wire_expect(&wire, text);
    }
}
END_TEST

START_TEST(a_message_may_come_in_fragments_with_a_ping_between) {
    struct frame frame;
    wire_frame(&wire, 0x01, span_text("{\"id\":1,\"met"));
    wire_frame(&wire, 0x89, span_text("hello"));
    wire_next(&wire, &frame, 30000);
    ck_assert_uint_eq(frame.first, 0x8a);
    ck_assert_str_eq(frame.payload, "hello");
    free(frame.payload);
    wire_frame(&wire, 0x00, span_text("hod\":\"heal"));
    wire_frame(&wire, 0x80, span_text("th\"}"));
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
}
END_TEST

START_TEST(a_request_may_follow_the_upgrade_at_once_and_come_byte_by_byte) {
    struct lab_reply reply;
    static const char frames[] = "\x81\x9d\0\0\0\0{\"id\":2,\"method\":\"health\"}   ";
    struct wire ahead = {.lab = &lab, .sock = lab_connect(&lab)};
    char text[1024];
    int size = snprintf(text, sizeof text, "GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    memcpy(text + size, frames, 6 + 29);
    lab_send(&lab, ahead.sock, span_of(text, (size_t)size + 6 + 29));
    lab_receive(&lab, &reply, ahead.sock, 30000);
    ck_assert_int_eq(reply.status, 101);
    lab_reply_close(&reply);
    wire_expect(&ahead, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    for (size_t i = 0; i < 6 + 29; i++)
        lab_send(&lab, ahead.sock, span_of(frames + i, 1));
    wire_expect(&ahead, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    wire_close(&ahead);
}
END_TEST

START_TEST(a_close_is_answered_with_its_code) {
    wire_frame(&wire, 0x88, span_of("\x03\xe8" "bye", 5));
    wire_expect_close(&wire, 1000);
    still_healthy();
}
END_TEST

START_TEST(hostile_frames_end_the_connection_with_the_right_code) {
    static const struct {
        const char *bytes;
        size_t size;
        unsigned code;
    } cases[] = { /* 0: libwslay gives no code where the head of a frame is wrong in itself */
        {"\x81\x05hello", 7, 1002},                   /* not masked */
        {"\xc1\x80\0\0\0\0", 6, 1002},               /* a reserved bit */
        {"\x83\x80\0\0\0\0", 6, 1002},               /* an unknown opcode */
        {"\x80\x80\0\0\0\0", 6, 1002},               /* a continuation of nothing */
        {"\x09\x80\0\0\0\0", 6, 0},               /* a fragmented ping */
        {"\x89\xfe\x00\x7e\0\0\0\0", 8, 0},      /* a ping of 126 bytes */
        {"\x81\xfe\x00\x05\0\0\0\0", 8, 0},      /* a length in more digits than it needs */
        {"\x81\xff\x80\0\0\0\0\0\0\1\0\0\0\0", 14, 0}, /* a negative length */
        {"\x81\xff\0\0\0\1\0\0\0\0\0\0\0\0{", 15, 1009},   /* four gigabytes */
        {"\x81\xfe\x13\x89\0\0\0\0{", 9, 1009},      /* one byte more than max_body_bytes */
        {"\x81\x82\0\0\0\0\xff\xfe", 8, 1007},      /* not UTF-8 */
        {"\x88\x81\0\0\0\0\3", 7, 0},            /* a close of one byte */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire other;
        wire_open(&other, &lab);
        lab_send(&lab, other.sock, span_of(cases[i].bytes, cases[i].size));
        wire_expect_close(&other, cases[i].code);
        wire_close(&other);
    }
    still_healthy();
}
END_TEST

START_TEST(an_upgrade_that_is_none_is_refused) {
    static const struct {
        const char *head, *word;
        int status;
    } cases[] = {
        {"GET /websocket HTTP/1.1\r\nHost: a\r\n\r\n", "'upgrade' token not found in 'Connection' header", 400},
        {"GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "'websocket' token not found in 'Upgrade'", 400},
        {"GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n", "unsupported version", 400},
        {"GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", "'Sec-WebSocket-Key'", 400},
        {"GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n", "16-byte", 400},
        {"POST /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
         "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "method is not GET", 405},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab_reply reply;
        lab_http(&lab, &reply, cases[i].head);
        ck_assert_int_eq(reply.status, cases[i].status);
        ck_assert_msg(strstr(reply.text, cases[i].word) != NULL, "%s", reply.text);
        lab_reply_close(&reply);
    }
}
END_TEST

START_TEST(the_server_pings_and_drops_whoever_is_silent) {
    struct wire alive;
    struct frame frame;
    int pings = 0;
    wire_close(&wire);
    *websocket_patience(lab.rpc) = (struct websocket_patience){.ping_ms = 1000, .read_ms = 2500, .write_ms = 10000};
    wire_open(&wire, &lab);
    wire_open(&alive, &lab);
    for (int i = 0; i < 5 || pings < 3; i++) {
        wire_next(&alive, &frame, 2000);
        ck_assert_int_lt(i, 60);
        if (frame.first == 0x89)
            wire_frame(&alive, 0x8a, span_of(frame.payload, frame.size));
        pings += frame.first == 0x89;
        free(frame.payload);
    }
    ck_assert(!alive.closed);
    for (int i = 0; i < 60 && !wire.closed; i++) {
        wire_next(&wire, &frame, 1000);
        free(frame.payload);
    }
    ck_assert(wire.closed);
    wire_close(&alive);
}
END_TEST

START_TEST(whoever_sends_and_never_reads_holds_little_memory) {
    char ping[126];
    memset(ping, 'p', sizeof ping);
    int small = 4096;
    setsockopt(wire.sock, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 20000; i++) {
        uint8_t frame[6 + 125] = {0x89, 0x80 | 125};
        if (send(wire.sock, frame, sizeof frame, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        lab_turn(&lab);
    }
    for (int i = 0; i < 100; i++)
        lab_turn(&lab);
    still_healthy();
    struct rpc *rpc = lab.rpc;
    ck_assert_ptr_nonnull(rpc);
}
END_TEST

START_TEST(random_frames_are_survived) {
    for (int round = 0; round < 300; round++) {
        struct wire other;
        uint8_t bytes[300];
        random_fill(bytes, sizeof bytes);
        wire_open(&other, &lab);
        if (round % 2 == 0) {
            bytes[0] = (uint8_t)((bytes[0] & 0x80) | (bytes[0] & 0x0f));
            bytes[1] |= 0x80;
        }
        lab_send(&lab, other.sock, span_of(bytes, sizeof bytes));
        wire_close(&other);
    }
    still_healthy();
}
END_TEST

START_TEST(a_client_that_leaves_while_a_call_waits_is_forgotten) {
    wire_ask(&wire, "1", "broadcast_tx_commit", "[\"YT0x\"]");
    wire_close(&wire);
    lab_turn(&lab);
    lab_commit(&lab);
    lab_turn(&lab);
    wire_open(&wire, &lab);
    still_healthy();
}
END_TEST

Suite *suite_websocket(void);
Suite *suite_websocket(void) {
    Suite *suite = suite_create("websocket");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, open_lab, close_lab);
    tcase_add_test(all, every_method_can_be_called);
    tcase_add_test(all, what_is_no_request_is_told_so_and_notifications_are_passed_over);
    tcase_add_test(all, calls_are_answered_in_order_also_when_one_waits);
    tcase_add_test(all, a_message_may_come_in_fragments_with_a_ping_between);
    tcase_add_test(all, a_request_may_follow_the_upgrade_at_once_and_come_byte_by_byte);
    tcase_add_test(all, a_close_is_answered_with_its_code);
    tcase_add_test(all, hostile_frames_end_the_connection_with_the_right_code);
    tcase_add_test(all, an_upgrade_that_is_none_is_refused);
    tcase_add_test(all, the_server_pings_and_drops_whoever_is_silent);
    tcase_add_test(all, whoever_sends_and_never_reads_holds_little_memory);
    tcase_add_test(all, random_frames_are_survived);
    tcase_add_test(all, a_client_that_leaves_while_a_call_waits_is_forgotten);
    suite_add_tcase(suite, all);
    return suite;
}
