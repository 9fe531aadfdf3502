#include <check.h>
#include <stdlib.h>

#include "ledger/part_set.h"

#define LIMIT PARAMS_BLOCK_BYTES_MAX

static struct blob *some_bytes(size_t size) {
    struct blob *bytes = blob_reserve(size);
    for (size_t i = 0; i < size; i++)
        bytes->data[i] = (uint8_t)(i * 7 + i / 251);
    return bytes;
}

static struct part_set *some_set(size_t size) {
    struct blob *bytes = some_bytes(size);
    struct part_set *set = part_set_of(bytes);
    blob_release(bytes);
    return set;
}

/* Sizes about all the edges of parts and of the tree's shape. */
static const size_t sizes[] = {1, 65535, 65536, 65537, 131072, 3 * 65536 - 1, 5 * 65536 + 9, 11 * 65536, 37 * 65536 + 1};

START_TEST(parts_in_any_order_give_back_the_bytes) {
    struct part_set *from = some_set(sizes[_i]);
    struct part_set *to = part_set_new(part_set_header(from));
    uint32_t total = part_set_header(from)->total;
    for (uint32_t n = 0; n < total; n++) {
        struct part part, back;
        uint32_t index = (n * 7 + 3) % total; /* 7 divides none of the totals */
        ck_assert(part_set_get(from, &part, index));
        ck_assert_ptr_null(part_set_bytes(to));
        ck_assert_int_eq(part_set_add(to, &part, LIMIT), PART_GOOD);
        ck_assert_int_eq(part_set_add(to, &part, LIMIT), PART_KNOWN);
        ck_assert(part_set_get(to, &back, index));
        ck_assert(span_equal(back.bytes, part.bytes));
        ck_assert(merkle_proof_verify(&back.proof, part_set_header(from)->hash.bytes, part.bytes));
    }
    ck_assert(part_set_is_complete(to) && bit_array_full(part_set_has(to)));
    ck_assert(span_equal(blob_span(part_set_bytes(to)), blob_span(part_set_bytes(from))));
    part_set_release(from);
    part_set_release(to);
}
END_TEST

START_TEST(the_root_and_proofs_are_those_of_a_plain_tree) {
    struct part_set *set = some_set(sizes[_i]);
    struct blob *bytes = part_set_bytes(set);
    uint32_t total = part_set_header(set)->total;
    struct merkle tree;
    uint8_t root[32], (*leaves)[32] = malloc(total * sizeof *leaves);
    merkle_init(&tree);
    for (uint32_t i = 0; i < total; i++) {
        size_t from = (size_t)i * PARAMS_PART_BYTES, size = bytes->size - from;
        struct span piece = span_of(bytes->data + from, size < PARAMS_PART_BYTES ? size : PARAMS_PART_BYTES);
        merkle_add(&tree, piece);
        merkle_leaf_hash(leaves[i], piece);
    }
    merkle_root(&tree, root);
    ck_assert_mem_eq(root, part_set_header(set)->hash.bytes, 32);
    for (uint32_t i = 0; i < total; i++) {
        struct part part;
        static struct merkle_proof proof;
        ck_assert(part_set_get(set, &part, i));
        merkle_proof_make(&proof, leaves[0], total, i);
        ck_assert_uint_eq(part.proof.aunt_count, proof.aunt_count);
        ck_assert_mem_eq(part.proof.aunts, proof.aunts, (size_t)32 * proof.aunt_count);
        ck_assert_mem_eq(part.proof.leaf_hash, proof.leaf_hash, 32);
    }
    free(leaves);
    part_set_release(set);
}
END_TEST

static struct part_set *three;
static struct part_set *empty;
static struct part part;

static void setup(void) {
    three = some_set(2 * 65536 + 100);
    empty = part_set_new(part_set_header(three));
    ck_assert(part_set_get(three, &part, 1));
}

static void teardown(void) {
    part_set_release(three);
    part_set_release(empty);
}

static void refused(enum part_verdict verdict) {
    ck_assert_int_eq(part_set_add(empty, &part, LIMIT), verdict);
    ck_assert_uint_eq(bit_array_count(part_set_has(empty)), 0);
}

START_TEST(an_index_beyond_the_total_is_refused) {
    part.index = 3;
    refused(PART_BAD_INDEX);
}
END_TEST

START_TEST(a_proof_of_another_place_is_refused) { /* wound 25 */
    part.index = 0;
    refused(PART_BAD_PROOF);
    ck_assert_int_eq(part_check(&part), PART_BAD_PROOF);
}
END_TEST

START_TEST(a_proof_of_another_total_is_refused) {
    part.proof.total = 4;
    refused(PART_BAD_PROOF);
    part.proof.total = 2; /* now it is the last, whose size is free */
    refused(PART_BAD_PROOF);
    part.proof.total = -1;
    refused(PART_BAD_PROOF);
}
END_TEST

START_TEST(changed_bytes_are_refused) {
    static uint8_t copy[65536];
    memcpy(copy, part.bytes.data, sizeof copy);
    copy[77] ^= 1;
    part.bytes = span_of(copy, sizeof copy);
    refused(PART_BAD_PROOF);
}
END_TEST

START_TEST(a_changed_aunt_or_leaf_is_refused) {
    part.proof.aunts[0][5] ^= 1;
    refused(PART_BAD_PROOF);
    part.proof.aunts[0][5] ^= 1;
    part.proof.leaf_hash[0] ^= 1;
    refused(PART_BAD_PROOF);
    part.proof.leaf_hash[0] ^= 1;
    part.proof.aunt_count++;
    refused(PART_BAD_PROOF);
}
END_TEST

START_TEST(a_short_part_before_the_last_and_a_long_one_are_refused) {
    struct span whole = part.bytes;
    part.bytes.size--;
    refused(PART_BAD_SIZE);
    static uint8_t longer[65537];
    part.bytes = span_of(longer, sizeof longer);
    refused(PART_BAD_SIZE);
    part.bytes = whole;
    ck_assert_int_eq(part_check(&part), PART_GOOD);
}
END_TEST

START_TEST(a_whole_beyond_the_limit_is_never_begun) {
    ck_assert_int_eq(part_set_add(empty, &part, 2 * 65536 - 1), PART_BAD_SIZE);
    ck_assert_int_eq(part_set_add(empty, &part, 2 * 65536 + 99), PART_GOOD);
    ck_assert(part_set_get(three, &part, 0));
    ck_assert_int_eq(part_set_add(empty, &part, 2 * 65536 + 99), PART_GOOD);
    ck_assert(part_set_get(three, &part, 2)); /* the last hundred bytes are one too many */
    ck_assert_int_eq(part_set_add(empty, &part, 2 * 65536 + 99), PART_BAD_SIZE);
    ck_assert_int_eq(part_set_add(empty, &part, 2 * 65536 + 100), PART_GOOD);
    ck_assert(part_set_is_complete(empty));
}
END_TEST

START_TEST(a_header_of_no_or_too_many_parts_makes_no_set) {
    struct part_header header = {.total = 0};
    ck_assert_ptr_null(part_set_new(&header));
    header.total = PART_SET_TOTAL_MAX + 1;
    ck_assert_ptr_null(part_set_new(&header));
    header.total = PART_SET_TOTAL_MAX;
    struct part_set *set = part_set_new(&header);
    ck_assert_ptr_nonnull(set);
    ck_assert(!part_set_is_complete(set) && !part_set_get(set, &part, 0));
    part_set_release(set);
}
END_TEST

START_TEST(a_part_read_back_is_the_part_written) {
    static uint8_t bytes[70000];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    part_write(&writer, &part);
    ck_assert(!writer.overflow);
    static struct part back;
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    part_read(&back, &reader);
    ck_assert(!reader.bad);
    ck_assert_uint_eq(back.index, 1);
    ck_assert_int_eq(part_set_add(empty, &back, LIMIT), PART_GOOD);
    for (size_t size = 0; size < writer.size; size += size < 400 ? 1 : 997) {
        static struct part cut;
        memset(&cut, 0, sizeof cut);
        reader = proto_reader_over(span_of(bytes, size));
        part_read(&cut, &reader);
    }
}
END_TEST

START_TEST(no_bytes_are_a_complete_set_of_no_parts) {
    struct part_set *set = some_set(0);
    uint8_t nothing[32];
    sha256_once(nothing, span_of(NULL, 0));
    ck_assert_uint_eq(part_set_header(set)->total, 0);
    ck_assert_mem_eq(part_set_header(set)->hash.bytes, nothing, 32);
    ck_assert(part_set_is_complete(set));
    part_set_release(set);
}
END_TEST

Suite *suite_part_set(void);
Suite *suite_part_set(void) {
    Suite *suite = suite_create("part_set");
    TCase *shapes = tcase_create("shapes"), *one = tcase_create("one part of three");
    tcase_add_loop_test(shapes, parts_in_any_order_give_back_the_bytes, 0, 9);
    tcase_add_loop_test(shapes, the_root_and_proofs_are_those_of_a_plain_tree, 0, 9);
    tcase_add_test(shapes, no_bytes_are_a_complete_set_of_no_parts);
    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_test(one, an_index_beyond_the_total_is_refused);
    tcase_add_test(one, a_proof_of_another_place_is_refused);
    tcase_add_test(one, a_proof_of_another_total_is_refused);
    tcase_add_test(one, changed_bytes_are_refused);
    tcase_add_test(one, a_changed_aunt_or_leaf_is_refused);
    tcase_add_test(one, a_short_part_before_the_last_and_a_long_one_are_refused);
    tcase_add_test(one, a_whole_beyond_the_limit_is_never_begun);
    tcase_add_test(one, a_header_of_no_or_too_many_parts_makes_no_set);
    tcase_add_test(one, a_part_read_back_is_the_part_written);
    suite_add_tcase(suite, shapes);
    suite_add_tcase(suite, one);
    return suite;
}
