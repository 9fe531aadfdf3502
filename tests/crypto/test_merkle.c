#include <check.h>
#include <stdlib.h>

#include "crypto/merkle.h"
#include "crypto/text.h"

Suite *suite_merkle(void);

enum { LEAVES_MAX = 300 };

static uint8_t leaves[LEAVES_MAX][SHA256_BYTES];
static struct merkle_proof proofs[LEAVES_MAX];

static void set_up(void) {
    for (size_t i = 0; i < LEAVES_MAX; i++)
        merkle_leaf_hash(leaves[i], span_of(&i, sizeof i));
}

/* The definition, word for word, to compare with. */
static void naive_root(uint8_t out[static SHA256_BYTES], size_t first, size_t count) {
    uint8_t left[SHA256_BYTES], right[SHA256_BYTES];
    if (count == 0) {
        sha256_once(out, span_of(NULL, 0));
        return;
    }
    if (count == 1) {
        memcpy(out, leaves[first], SHA256_BYTES);
        return;
    }
    size_t split = 1;
    while (split * 2 < count)
        split *= 2;
    naive_root(left, first, split);
    naive_root(right, first + split, count - split);
    merkle_inner_hash(out, left, right);
}

START_TEST(the_streaming_root_is_the_recursive_one_for_every_count) {
    struct merkle tree;
    uint8_t streamed[SHA256_BYTES], recursive[SHA256_BYTES];
    merkle_init(&tree);
    for (size_t n = 0; n <= LEAVES_MAX; n++) {
        merkle_root(&tree, streamed);
        naive_root(recursive, 0, n);
        ck_assert_mem_eq(streamed, recursive, SHA256_BYTES);
        if (n < LEAVES_MAX)
            merkle_add(&tree, span_of(&n, sizeof n));
    }
}
END_TEST

START_TEST(an_empty_tree_is_the_hash_of_nothing) {
    struct merkle tree;
    uint8_t root[SHA256_BYTES];
    char text[TEXT_HEX_SIZE(SHA256_BYTES)];
    merkle_init(&tree);
    merkle_root(&tree, root);
    text_hex_lower(text, span_of(root, sizeof root));
    ck_assert_str_eq(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

static void must_be(const uint8_t *hash, const char *hex) {
    char text[TEXT_HEX_SIZE(SHA256_BYTES)];
    text_hex_upper(text, span_of(hash, SHA256_BYTES));
    ck_assert_str_eq(text, hex);
}

/* Hashes as others compute them (printf '\\0' | sha256sum): a leaf and a fork begin differently, or one would pass for the other. */
START_TEST(leaves_and_forks_are_told_apart_by_their_first_byte) {
    uint8_t leaf[SHA256_BYTES], fork[SHA256_BYTES], pair[2 * SHA256_BYTES];
    merkle_leaf_hash(leaf, span_of(NULL, 0));
    must_be(leaf, "6E340B9CFFB37A989CA544E6BB780A2C78901D3FB33738768511A30617AFA01D");
    merkle_inner_hash(fork, leaf, leaf);
    must_be(fork, "FE43D66AFA4A9A5C4F9C9DA89F4FFB52635C8F342E7FFB731D68E36C5982072A");
    memcpy(pair, leaf, SHA256_BYTES);
    memcpy(pair + SHA256_BYTES, leaf, SHA256_BYTES);
    merkle_leaf_hash(leaf, span_of(pair, sizeof pair));
    ck_assert_mem_ne(leaf, fork, SHA256_BYTES);
}
END_TEST

START_TEST(every_proof_of_every_tree_verifies_and_only_for_its_leaf) {
    for (size_t n = 1; n <= LEAVES_MAX; n += n < 70 ? 1 : 23) {
        uint8_t root[SHA256_BYTES];
        naive_root(root, 0, n);
        merkle_proof_make_all(proofs, leaves[0], n);
        for (size_t i = 0; i < n; i++) {
            struct merkle_proof single;
            ck_assert(merkle_proof_check(&proofs[i]));
            ck_assert(merkle_proof_verify(&proofs[i], root, span_of(&i, sizeof i)));
            size_t other = i + 1;
            ck_assert(!merkle_proof_verify(&proofs[i], root, span_of(&other, sizeof other)));
            merkle_proof_make(&single, leaves[0], n, i);
            ck_assert_int_eq(single.index, proofs[i].index);
            ck_assert_int_eq(single.total, proofs[i].total);
            ck_assert_uint_eq(single.aunt_count, proofs[i].aunt_count);
            ck_assert_mem_eq(single.aunts, proofs[i].aunts, single.aunt_count * SHA256_BYTES);
        }
    }
}
END_TEST

/* An index beyond the end would take the path of the last leaf, were it not refused. */
START_TEST(a_proof_moved_to_another_index_is_refused) {
    size_t n = 13, moved = 0;
    uint8_t root[SHA256_BYTES];
    naive_root(root, 0, n);
    merkle_proof_make_all(proofs, leaves[0], n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 3 * n; j++, moved++) {
            struct merkle_proof proof = proofs[i];
            proof.index = (int64_t)j;
            ck_assert(merkle_proof_verify(&proof, root, span_of(&i, sizeof i)) == (i == j));
        }
    ck_assert_uint_eq(moved, 3 * n * n);
}
END_TEST

START_TEST(a_proof_with_one_aunt_more_or_less_or_other_is_refused) {
    size_t item = 5;
    uint8_t root[SHA256_BYTES];
    struct merkle_proof good, bad;
    naive_root(root, 0, 11);
    merkle_proof_make(&good, leaves[0], 11, 5);
    ck_assert(merkle_proof_verify(&good, root, span_of(&item, sizeof item)));
    bad = good;
    bad.aunt_count--;
    ck_assert(!merkle_proof_verify(&bad, root, span_of(&item, sizeof item)));
    bad = good;
    memset(bad.aunts[bad.aunt_count++], 0, SHA256_BYTES);
    ck_assert(!merkle_proof_verify(&bad, root, span_of(&item, sizeof item)));
    for (size_t i = 0; i < good.aunt_count; i++) {
        bad = good;
        bad.aunts[i][7] ^= 1;
        ck_assert(!merkle_proof_verify(&bad, root, span_of(&item, sizeof item)));
    }
    bad = good;
    bad.malformed = true;
    ck_assert(!merkle_proof_verify(&bad, root, span_of(&item, sizeof item)));
    bad = good;
    bad.leaf_hash_size = 31;
    ck_assert(!merkle_proof_verify(&bad, root, span_of(&item, sizeof item)));
}
END_TEST

START_TEST(absurd_totals_and_indexes_are_refused_without_harm) {
    static const int64_t values[] = {INT64_MIN, -1, 0, 1, 2, 3, INT64_MAX - 1, INT64_MAX};
    size_t item = 0;
    struct merkle_proof proof;
    uint8_t root[SHA256_BYTES];
    naive_root(root, 0, 4);
    for (size_t t = 0; t < 8; t++)
        for (size_t i = 0; i < 8; i++)
            for (unsigned aunts = 0; aunts <= MERKLE_AUNTS_MAX; aunts++) {
                merkle_proof_make(&proof, leaves[0], 4, 0);
                proof.total = values[t];
                proof.index = values[i];
                proof.aunt_count = (uint8_t)aunts;
                bool shape_of_four = values[i] == 0 && values[t] == 3 && aunts == 2; /* the same path as in four */
                ck_assert(merkle_proof_verify(&proof, root, span_of(&item, sizeof item)) == shape_of_four);
                ck_assert(merkle_proof_check(&proof) == (values[t] >= 0 && values[i] >= 0));
            }
}
END_TEST

START_TEST(a_proof_survives_its_encoding) {
    uint8_t bytes[4096];
    struct proto_writer writer;
    struct merkle_proof back = {0};
    merkle_proof_make_all(proofs, leaves[0], 100);
    proto_writer_init(&writer, bytes, sizeof bytes);
    merkle_proof_write(&writer, &proofs[77]);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    merkle_proof_read(&back, &reader);
    ck_assert(!reader.bad && !back.malformed);
    ck_assert_int_eq(back.total, 100);
    ck_assert_int_eq(back.index, 77);
    ck_assert_uint_eq(back.aunt_count, proofs[77].aunt_count);
    ck_assert_mem_eq(back.aunts, proofs[77].aunts, back.aunt_count * SHA256_BYTES);
    size_t item = 77;
    uint8_t root[SHA256_BYTES];
    naive_root(root, 0, 100);
    ck_assert(merkle_proof_verify(&back, root, span_of(&item, sizeof item)));
}
END_TEST

static struct merkle_proof read_proof(size_t leaf_size, size_t aunt_size, size_t aunt_count) {
    uint8_t bytes[8192], zeroes[300] = {0};
    struct proto_writer writer;
    struct merkle_proof proof = {0};
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_int64(&writer, 1, 3);
    proto_put_bytes(&writer, 3, span_of(zeroes, leaf_size));
    for (size_t i = 0; i < aunt_count; i++)
        proto_put_bytes_always(&writer, 4, span_of(zeroes, aunt_size));
    ck_assert(!writer.overflow);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    merkle_proof_read(&proof, &reader);
    ck_assert(!reader.bad);
    return proof;
}

START_TEST(hashes_of_another_size_and_too_many_aunts_are_read_but_never_pass) {
    struct merkle_proof proof = read_proof(32, 32, MERKLE_AUNTS_MAX);
    ck_assert(merkle_proof_check(&proof));
    proof = read_proof(32, 32, MERKLE_AUNTS_MAX + 1);
    ck_assert(!merkle_proof_check(&proof));
    static const size_t sizes[] = {0, 1, 31, 33, 255, 256, 288};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        proof = read_proof(sizes[i], 32, 2);
        ck_assert(!merkle_proof_check(&proof));
        proof = read_proof(32, sizes[i], 2);
        ck_assert(!merkle_proof_check(&proof));
    }
}
END_TEST

Suite *suite_merkle(void) {
    Suite *suite = suite_create("merkle");
    TCase *tests = tcase_create("merkle");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, the_streaming_root_is_the_recursive_one_for_every_count);
    tcase_add_test(tests, an_empty_tree_is_the_hash_of_nothing);
    tcase_add_test(tests, leaves_and_forks_are_told_apart_by_their_first_byte);
    tcase_add_test(tests, every_proof_of_every_tree_verifies_and_only_for_its_leaf);
    tcase_add_test(tests, a_proof_moved_to_another_index_is_refused);
    tcase_add_test(tests, a_proof_with_one_aunt_more_or_less_or_other_is_refused);
    tcase_add_test(tests, absurd_totals_and_indexes_are_refused_without_harm);
    tcase_add_test(tests, a_proof_survives_its_encoding);
    tcase_add_test(tests, hashes_of_another_size_and_too_many_aunts_are_read_but_never_pass);
    suite_add_tcase(suite, tests);
    return suite;
}
