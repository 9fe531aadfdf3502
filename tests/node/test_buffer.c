#include <check.h>
#include <stdlib.h>

#include "node/buffer.h"

Suite *suite_buffer(void);

START_TEST(what_goes_in_comes_out_in_order_whatever_the_pieces) {
    struct buffer buffer;
    uint8_t in = 0, out = 0, piece[300];
    srand(6);
    buffer_init(&buffer);
    for (int round = 0; round < 20000; round++) {
        size_t put = (size_t)rand() % sizeof piece, got = (size_t)rand() % sizeof piece;
        for (size_t i = 0; i < put; i++)
            piece[i] = in++;
        buffer_append(&buffer, span_of(piece, put));
        if (got > buffer_size(&buffer))
            got = buffer_size(&buffer);
        bool in_order = true; /* millions of ck_asserts would take much longer than what they look at */
        for (size_t i = 0; i < got; i++)
            in_order &= buffer_span(&buffer).data[i] == out++;
        ck_assert(in_order);
        buffer_consume(&buffer, got);
    }
    ck_assert_uint_eq((uint8_t)(in - out), (uint8_t)buffer_size(&buffer));
    buffer_close(&buffer);
}
END_TEST

START_TEST(a_steady_stream_does_not_grow_the_buffer) {
    struct buffer buffer;
    uint8_t piece[1000] = {0};
    buffer_init(&buffer);
    buffer_append(&buffer, span_of(piece, 500));
    for (int round = 0; round < 10000; round++) {
        buffer_append(&buffer, span_of(piece, sizeof piece));
        buffer_consume(&buffer, sizeof piece);
    }
    ck_assert_uint_eq(buffer_size(&buffer), 500);
    ck_assert_uint_le(buffer.capacity, 4096);
    buffer_close(&buffer);
}
END_TEST

START_TEST(an_emptied_large_buffer_gives_its_memory_back) {
    struct buffer buffer;
    buffer_init(&buffer);
    memset(buffer_reserve(&buffer, 1 << 20), 1, 1 << 20);
    buffer_add(&buffer, 1 << 20);
    buffer_consume(&buffer, (1 << 20) - 1);
    ck_assert_uint_ge(buffer.capacity, 1 << 20);
    buffer_consume(&buffer, 1);
    ck_assert_uint_le(buffer.capacity, BUFFER_KEPT);
    buffer_close(&buffer);
}
END_TEST

Suite *suite_buffer(void) {
    Suite *suite = suite_create("buffer");
    TCase *tests = tcase_create("buffer");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_goes_in_comes_out_in_order_whatever_the_pieces);
    tcase_add_test(tests, a_steady_stream_does_not_grow_the_buffer);
    tcase_add_test(tests, an_emptied_large_buffer_gives_its_memory_back);
    suite_add_tcase(suite, tests);
    return suite;
}
