#include <check.h>

#include "tests/tendermint/signers.h"

Suite *suite_block_id(void);

START_TEST(an_id_is_nil_complete_or_neither) {
    struct block_id id = {0}, half = signers_block(1);
    ck_assert(block_id_is_nil(&id) && !block_id_is_complete(&id));
    half.hash.size = 0;
    ck_assert(!block_id_is_nil(&half) && !block_id_is_complete(&half));
    id = signers_block(1);
    ck_assert(block_id_is_complete(&id) && !block_id_is_nil(&id));
    id.parts.total = 0;
    ck_assert(!block_id_is_complete(&id) && !block_id_is_nil(&id));
}
END_TEST

START_TEST(order_is_that_of_the_bytes_of_hash_and_part_header) {
    struct block_id a = signers_block(1), b = signers_block(2), nil = {0};
    ck_assert_int_lt(block_id_compare(&a, &b), 0);
    ck_assert_int_gt(block_id_compare(&b, &a), 0);
    ck_assert_int_eq(block_id_compare(&a, &a), 0);
    ck_assert_int_lt(block_id_compare(&nil, &a), 0);
    /* 128 parts (80 01) come before 2 (02)? Bytes are compared, not numbers. */
    b = a;
    a.parts.total = 128;
    b.parts.total = 2;
    ck_assert_int_gt(block_id_compare(&a, &b), 0);
    a.parts.total = 256; /* 80 02 */
    b.parts.total = 129; /* 81 01 */
    ck_assert_int_lt(block_id_compare(&a, &b), 0);
}
END_TEST

static size_t encode(uint8_t *out, size_t capacity, const struct block_id *id) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, capacity);
    block_id_write(&writer, id);
    ck_assert(!writer.overflow);
    return writer.size;
}

static bool decode(struct block_id *id, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    *id = (struct block_id){0};
    block_id_read(id, &reader);
    return !reader.bad;
}

START_TEST(what_was_written_is_read) {
    struct block_id id = signers_block(9), again;
    uint8_t bytes[128];
    ck_assert(decode(&again, span_of(bytes, encode(bytes, sizeof bytes, &id))));
    ck_assert(block_id_equal(&id, &again));
    struct block_id nil = {0};
    ck_assert_uint_eq(encode(bytes, sizeof bytes, &nil), 2); /* 12 00: the part header is always there */
    ck_assert(decode(&again, span_of(bytes, 2)) && block_id_is_nil(&again));
}
END_TEST

START_TEST(a_hash_of_another_size_is_refused) {
    uint8_t bytes[40] = {0x0a, 31};
    struct block_id id;
    ck_assert(!decode(&id, span_of(bytes, 33)));
    bytes[1] = 33;
    ck_assert(!decode(&id, span_of(bytes, 35)));
    bytes[1] = 32;
    ck_assert(decode(&id, span_of(bytes, 34)));
    ck_assert_uint_eq(id.hash.size, 32);
}
END_TEST

START_TEST(pieces_of_a_part_header_merge) {
    uint8_t bytes[] = {0x12, 2, 0x08, 5, 0x12, 0};
    struct block_id id;
    ck_assert(decode(&id, span_of(bytes, sizeof bytes)));
    ck_assert_uint_eq(id.parts.total, 5);
}
END_TEST

START_TEST(the_canonical_form_leaves_out_only_the_nil_id) {
    uint8_t bytes[128];
    struct proto_writer writer;
    struct block_id id = {0};
    proto_writer_init(&writer, bytes, sizeof bytes);
    block_id_put_canonical(&writer, 4, &id);
    ck_assert_uint_eq(writer.size, 0);
    id.parts.total = 1;
    block_id_put_canonical(&writer, 4, &id);
    ck_assert_uint_eq(writer.size, 6);
}
END_TEST

START_TEST(text_names_hash_and_parts) {
    char text[BLOCK_ID_TEXT_SIZE];
    struct block_id id = signers_block(1), nil = {0};
    block_id_text(text, &id);
    ck_assert_str_eq(text, "0101010101010101010101010101010101010101010101010101010101010101:1:515151515151");
    block_id_text(text, &nil);
    ck_assert_str_eq(text, "nil");
}
END_TEST

static void decode_any(struct span bytes) {
    struct block_id id;
    if (decode(&id, bytes))
        ck_assert(id.hash.size == 0 || id.hash.size == 32);
}

START_TEST(no_bytes_break_the_decoder) {
    struct block_id id = signers_block(3);
    uint8_t bytes[128];
    torture(span_of(bytes, encode(bytes, sizeof bytes, &id)), decode_any);
}
END_TEST

Suite *suite_block_id(void) {
    Suite *suite = suite_create("block_id");
    TCase *tests = tcase_create("block_id");
    tcase_add_test(tests, an_id_is_nil_complete_or_neither);
    tcase_add_test(tests, order_is_that_of_the_bytes_of_hash_and_part_header);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, a_hash_of_another_size_is_refused);
    tcase_add_test(tests, pieces_of_a_part_header_merge);
    tcase_add_test(tests, the_canonical_form_leaves_out_only_the_nil_id);
    tcase_add_test(tests, text_names_hash_and_parts);
    tcase_add_test(tests, no_bytes_break_the_decoder);
    suite_add_tcase(suite, tests);
    return suite;
}
