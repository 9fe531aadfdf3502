#include <check.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "rpc/request.h"

static int parse(struct request *request, const char *head) {
    size_t seen = 0, size = request_head_size(span_text(head), &seen);
    ck_assert_msg(size == strlen(head), "%s", head);
    return request_parse(request, span_of(head, size));
}

START_TEST(a_head_ends_at_its_empty_line_however_it_comes) {
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    size_t seen = 0, size = 0;
    for (size_t have = 0; have < sizeof text && size == 0; have++) {
        size = request_head_size(span_of(text, have), &seen);
        ck_assert(size == 0 || size == have);
    }
    ck_assert_uint_eq(size, strlen(text) - 4);
    seen = 0;
    ck_assert_uint_eq(request_head_size(span_text("GET / HTTP/1.1\n\nx"), &seen), 16);
}
END_TEST

START_TEST(the_parts_of_a_head_are_found) {
    struct request request;
    ck_assert_int_eq(parse(&request, "POST /a%20b?x=1&y HTTP/1.1\r\nhOST: h:1\r\nContent-Length:  12 \r\nOrigin: o\r\nExpect: 100-continue\r\n"
                                     "Content-Type: application/json\r\nAccess-Control-Request-Method: GET\r\n\r\n"),
                     0);
    ck_assert(span_equal(request.method, span_text("POST")) && span_equal(request.path, span_text("/a%20b")));
    ck_assert(span_equal(request.query, span_text("x=1&y")) && span_equal(request.host, span_text("h:1")));
    ck_assert(request.has_length && request.length == 12 && request.keep_alive && request.expects_continue && !request.chunked);
    ck_assert(span_equal(request.wants_method, span_text("GET")) && span_equal(request.content_type, span_text("application/json")));
    ck_assert_int_eq(parse(&request, "GET http://h/status?a HTTP/1.1\r\nHost:\r\nConnection: foo, Close\r\n\r\n"), 0);
    ck_assert(span_equal(request.path, span_text("/status")) && !request.keep_alive);
    ck_assert_int_eq(parse(&request, "GET / HTTP/1.0\r\n\r\n"), 0);
    ck_assert(!request.keep_alive);
    ck_assert_int_eq(parse(&request, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), 0);
    ck_assert(request.keep_alive);
}
END_TEST

START_TEST(heads_that_two_readers_could_read_differently_are_refused) {
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* no host */
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET /\r\nHost: a\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"garbage\r\n\r\n", 400},
        {"\x16\x03\x01 \x02 \x01\r\n\r\n", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request request;
        int status = parse(&request, cases[i].head);
        ck_assert_msg(status == cases[i].status, "%d for %s", status, cases[i].head);
    }
}
END_TEST

static enum request_progress unchunk(struct request_chunks *chunks, char *text, uint64_t max) {
    *chunks = (struct request_chunks){0};
    return request_unchunk(chunks, (uint8_t *)text, strlen(text), max);
}

START_TEST(chunks_are_joined_in_place) {
    struct request_chunks chunks;
    char text[] = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: z\r\n\r\nGET";
    ck_assert_int_eq(unchunk(&chunks, text, 100), REQUEST_WHOLE);
    ck_assert(span_equal(span_of(text, chunks.out), span_text("abc0123456789")));
    ck_assert_str_eq(text + chunks.in, "GET");
    /* a byte at a time */
    char slow[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    chunks = (struct request_chunks){0};
    for (size_t have = 1; have < sizeof slow - 1; have++)
        ck_assert_int_eq(request_unchunk(&chunks, (uint8_t *)slow, have, 100), REQUEST_MORE);
    ck_assert_int_eq(request_unchunk(&chunks, (uint8_t *)slow, sizeof slow - 1, 100), REQUEST_WHOLE);
    ck_assert(span_equal(span_of(slow, chunks.out), span_text("abcde")));
}
END_TEST

START_TEST(bad_and_endless_chunks_are_refused) {
    struct request_chunks chunks;
    static const char *const bad[] = {"x\r\n", "3\r\nabcd\r\n", "-1\r\n", "\r\n", "10000000000000000\r\n", "3 x\r\nabc\r\n0 \r\nq"};
    for (size_t i = 0; i < 5; i++) {
        char text[64];
        strcpy(text, bad[i]);
        enum request_progress progress = unchunk(&chunks, text, 1u << 30);
        ck_assert_msg(progress == REQUEST_BAD, "%s", bad[i]);
    }
    char large[] = "ff\r\n";
    ck_assert_int_eq(unchunk(&chunks, large, 100), REQUEST_TOO_LARGE);
    char twice[] = "32\r\n01234567890123456789012345678901234567890123456789\r\n33\r\n";
    ck_assert_int_eq(unchunk(&chunks, twice, 100), REQUEST_TOO_LARGE);
    char line[400];
    memset(line, '1', sizeof line - 1);
    line[0] = '0';
    line[1] = ';';
    line[sizeof line - 1] = '\0';
    ck_assert_int_eq(unchunk(&chunks, line, 100), REQUEST_BAD);
    /* trailers without end are framing without body */
    size_t size = 100000;
    char *endless = malloc(size + 8);
    strcpy(endless, "0\r\n");
    for (size_t i = 3; i + 4 <= size; i += 4)
        memcpy(endless + i, "a:\r\n", 5);
    ck_assert_int_eq(unchunk(&chunks, endless, 100), REQUEST_BAD);
    free(endless);
}
END_TEST

START_TEST(random_heads_and_chunks_are_survived) {
    static const char sample[] = "POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int round = 0; round < 20000; round++) {
        uint8_t dice[40];
        random_fill(dice, sizeof dice);
        size_t size = sizeof sample - 1, seen = 0;
        uint8_t *bytes = malloc(size);
        memcpy(bytes, sample, size);
        for (int i = 0; i < 6; i += 2)
            bytes[dice[i] % size] = dice[i + 1];
        struct request request;
        size_t head = request_head_size(span_of(bytes, size), &seen);
        if (head > 0)
            request_parse(&request, span_of(bytes, head));
        for (size_t i = 0; i < sizeof dice; i++)
            bytes[i] = "0123\r\n\r\n;aF "[dice[i] % 12];
        struct request_chunks chunks = {0};
        for (size_t have = 1; have <= sizeof dice; have++)
            if (request_unchunk(&chunks, bytes, have, 50) != REQUEST_MORE)
                break;
        free(bytes);
    }
}
END_TEST

Suite *suite_request(void);
Suite *suite_request(void) {
    Suite *suite = suite_create("request");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_head_ends_at_its_empty_line_however_it_comes);
    tcase_add_test(all, the_parts_of_a_head_are_found);
    tcase_add_test(all, heads_that_two_readers_could_read_differently_are_refused);
    tcase_add_test(all, chunks_are_joined_in_place);
    tcase_add_test(all, bad_and_endless_chunks_are_refused);
    tcase_add_test(all, random_heads_and_chunks_are_survived);
    suite_add_tcase(suite, all);
    return suite;
}
