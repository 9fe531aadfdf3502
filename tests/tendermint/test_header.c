#include <check.h>

#include "crypto/merkle.h"
#include "tendermint/header.h"
#include "tests/tendermint/signers.h"

Suite *suite_header(void);

static struct header header;

static void set_up(void) {
    static const uint8_t hash[32] = {9};
    header_init(&header);
    header.version_block = HEADER_BLOCK_PROTOCOL;
    header.version_app = 1;
    header_set_chain_id(&header, span_text("chain"));
    header.height = 12;
    header.time = (struct timestamp){1700000000, 1};
    header.last_block_id = signers_block(4);
    header.last_commit_hash = header.data_hash = header.validators_hash = header.next_validators_hash = digest_of(hash);
    header.consensus_hash = header.last_results_hash = header.evidence_hash = digest_of(hash);
    header.app_hash = (struct app_hash){5, "hello"};
    header.proposer_address = (struct address){20, {1}};
}

static size_t encode(uint8_t *out, size_t capacity, const struct header *from) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, capacity);
    header_write(&writer, from);
    ck_assert(!writer.overflow);
    return writer.size;
}

START_TEST(what_was_written_is_read) {
    uint8_t bytes[1024], twice[1024];
    struct header again;
    size_t size = encode(bytes, sizeof bytes, &header);
    ck_assert_uint_le(size, HEADER_BYTES_MAX);
    ck_assert(header_decode(&again, span_of(bytes, size)));
    ck_assert_uint_eq(encode(twice, sizeof twice, &again), size);
    ck_assert_mem_eq(bytes, twice, size);
    ck_assert_str_eq(again.chain_id, "chain");
}
END_TEST

START_TEST(the_largest_header_that_builders_count_on_fits) {
    uint8_t bytes[1024];
    char name[HEADER_CHAIN_ID_BYTES_MAX];
    memset(name, 'x', sizeof name);
    ck_assert(header_set_chain_id(&header, span_of(name, sizeof name)));
    header.version_block = header.version_app = UINT64_MAX;
    header.height = INT64_MAX;
    header.time = (struct timestamp){-62135596799, 999999999};
    header.last_block_id.parts.total = UINT32_MAX;
    header.app_hash.size = 32;
    ck_assert_uint_le(encode(bytes, sizeof bytes, &header), HEADER_BYTES_MAX);
}
END_TEST

START_TEST(the_hash_is_the_root_of_fourteen_leaves_and_any_field_changes_it) {
    struct digest hash, changed;
    struct merkle tree;
    merkle_init(&tree);
    header_hash(&hash, &header);
    for (unsigned i = 0; i < 14; i++) {
        uint8_t leaf[256];
        merkle_add(&tree, span_of(leaf, header_leaf(leaf, &header, i)));
    }
    merkle_root(&tree, changed.bytes);
    ck_assert_mem_eq(hash.bytes, changed.bytes, 32);
    for (size_t i = 0; i < 6; i++) {
        struct header other = header;
        void *places[] = {&other.version_app, &other.height, other.last_block_id.parts.hash.bytes, other.app_hash.bytes,
                          other.evidence_hash.bytes, other.proposer_address.bytes};
        *(uint8_t *)places[i] ^= 1;
        header_hash(&changed, &other);
        ck_assert(!digest_equal(&hash, &changed));
    }
}
END_TEST

START_TEST(an_empty_value_keeps_an_empty_leaf) {
    uint8_t leaf[256];
    header.height = 0;
    header.app_hash.size = 0;
    header.last_block_id = (struct block_id){0};
    ck_assert_uint_eq(header_leaf(leaf, &header, 2), 0);
    ck_assert_uint_eq(header_leaf(leaf, &header, 10), 0);
    ck_assert_uint_eq(header_leaf(leaf, &header, 4), 2);
    ck_assert_mem_eq(leaf, "\x12\x00", 2);
}
END_TEST

START_TEST(without_validators_there_is_no_hash) {
    struct digest hash = {32, {1}};
    header.validators_hash.size = 0;
    header_hash(&hash, &header);
    ck_assert_uint_eq(hash.size, 0);
}
END_TEST

START_TEST(each_malformed_field_has_its_verdict) {
    ck_assert_int_eq(header_check(&header), HEADER_GOOD);
    header.version_block = 10;
    ck_assert_int_eq(header_check(&header), HEADER_BAD_VERSION);
    set_up();
    header.height = 0;
    ck_assert_int_eq(header_check(&header), HEADER_BAD_HEIGHT);
    set_up();
    header.proposer_address.size = 0;
    ck_assert_int_eq(header_check(&header), HEADER_BAD_PROPOSER);
    set_up();
    header.last_block_id.hash.size = 31;
    ck_assert_int_eq(header_check(&header), HEADER_BAD_LAST_BLOCK_ID);
}
END_TEST

START_TEST(fields_too_long_are_refused_at_decoding) {
    uint8_t bytes[160] = {0x12, 51};
    struct header read;
    ck_assert(!header_decode(&read, span_of(bytes, 53)));
    bytes[1] = 50;
    ck_assert(header_decode(&read, span_of(bytes, 52)));
    bytes[0] = 0x72, bytes[1] = 21;
    ck_assert(!header_decode(&read, span_of(bytes, 23)));
    bytes[0] = 0x3a, bytes[1] = 31;
    ck_assert(!header_decode(&read, span_of(bytes, 33)));
    memcpy(bytes, "\x5a\x81\x01", 3);
    ck_assert(!header_decode(&read, span_of(bytes, 3 + 129)));
    bytes[1] = 0x80;
    ck_assert(header_decode(&read, span_of(bytes, 3 + 128)));
}
END_TEST

START_TEST(an_absent_time_is_gos_zero) {
    struct header read;
    ck_assert(header_decode(&read, span_of(NULL, 0)));
    ck_assert(timestamp_is_zero(&read.time));
}
END_TEST

static void decode_any(struct span bytes) {
    struct header read;
    struct digest hash;
    if (!header_decode(&read, bytes))
        return;
    header_check(&read);
    header_hash(&hash, &read);
}

START_TEST(no_bytes_break_the_decoder) {
    uint8_t bytes[1024];
    torture(span_of(bytes, encode(bytes, sizeof bytes, &header)), decode_any);
}
END_TEST

Suite *suite_header(void) {
    Suite *suite = suite_create("header");
    TCase *tests = tcase_create("header");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, the_largest_header_that_builders_count_on_fits);
    tcase_add_test(tests, the_hash_is_the_root_of_fourteen_leaves_and_any_field_changes_it);
    tcase_add_test(tests, an_empty_value_keeps_an_empty_leaf);
    tcase_add_test(tests, without_validators_there_is_no_hash);
    tcase_add_test(tests, each_malformed_field_has_its_verdict);
    tcase_add_test(tests, fields_too_long_are_refused_at_decoding);
    tcase_add_test(tests, an_absent_time_is_gos_zero);
    tcase_add_test(tests, no_bytes_break_the_decoder);
    suite_add_tcase(suite, tests);
    return suite;
}
