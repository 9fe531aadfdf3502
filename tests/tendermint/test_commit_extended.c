/* Commits with the extensions of their votes. */
#include <check.h>
#include <stdlib.h>

#include "tests/tendermint/signers.h"

Suite *suite_commit_extended(void);

enum { FOUR = 4, HEIGHT = 5 };
enum { ABSENT = COMMIT_ABSENT, BLOCK = COMMIT_FOR_BLOCK, NIL = COMMIT_FOR_NIL };

static struct signers signers;
static struct arena arena;
static struct commit commit;
static struct commit_extension extensions[FOUR];
static uint32_t culprit;

static void sign_extension(uint32_t index, struct span chain_id) {
    uint8_t bytes[256];
    struct commit_extension *extension = &extensions[index];
    size_t size = vote_extension_sign_bytes(bytes, sizeof bytes, extension->bytes, commit.height, commit.round, chain_id);
    signers_sign(&signers, index, &extension->signature, span_of(bytes, size));
}

/* 0 extends, 1 signs an empty extension, 2 votes nil, 3 extends too. */
static void set_up(void) {
    static const int64_t powers[] = {10, 10, 1, 10};
    signers_init(&signers, powers, FOUR, 0);
    arena_init(&arena, 1 << 22);
    int32_t flags[FOUR];
    for (uint32_t i = 0; i < FOUR; i++)
        flags[i] = signers.set.validators[i].power == 1 ? NIL : BLOCK;
    ck_assert_int_eq(flags[3], NIL);
    commit = signers_commit(&signers, HEIGHT, flags);
    memset(extensions, 0, sizeof extensions);
    extensions[0].bytes = span_text("one");
    extensions[2].bytes = span_text("a third one");
    commit.extensions = extensions;
    for (uint32_t i = 0; i < 3; i++)
        sign_extension(i, signers_chain());
    culprit = 99;
}

static void tear_down(void) {
    signers_close(&signers);
    arena_close(&arena);
}

static enum commit_verdict verify(void) {
    struct block_id block = signers_block(1);
    return commit_extended_verify(&commit, &culprit, &signers.set, signers_chain(), &block, HEIGHT, NULL);
}

static struct span written(const struct commit *from, bool extended) {
    static uint8_t bytes[4096];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    if (extended)
        commit_extended_write(&writer, from);
    else
        commit_write(&writer, from);
    ck_assert(!writer.overflow);
    return proto_writer_span(&writer);
}

START_TEST(what_was_written_is_read_and_verifies) {
    struct commit again;
    struct span bytes, copy;
    bytes = written(&commit, true);
    ck_assert(arena_copy(&arena, &copy, bytes));
    ck_assert(commit_extended_decode(&again, copy, &arena));
    ck_assert(span_equal(written(&again, true), copy));
    ck_assert_uint_eq(again.count, FOUR);
    ck_assert(span_equal(again.extensions[2].bytes, span_text("a third one")));
    ck_assert_uint_eq(again.extensions[1].bytes.size, 0);
    ck_assert_uint_eq(again.extensions[1].signature.size, 64);
    ck_assert_uint_eq(again.extensions[3].signature.size, 0);
    ck_assert_int_eq(commit_extended_check(&again), COMMIT_GOOD);
    ck_assert_int_eq(commit_extended_ensure(&again), COMMIT_GOOD);
    commit = again;
    ck_assert_int_eq(verify(), COMMIT_GOOD);
}
END_TEST

/* CometBFT: ExtendedCommitSig is CommitSig with fields 5 and 6. */
START_TEST(a_commit_reads_an_extended_one_and_leaves_the_extensions_out) {
    struct commit plain;
    struct digest hash, hash_plain;
    struct span extended, copy;
    extended = written(&commit, true);
    ck_assert(arena_copy(&arena, &copy, extended));
    ck_assert(commit_decode(&plain, copy, &arena));
    ck_assert_ptr_null(plain.extensions);
    commit_hash(&hash, &commit);
    commit_hash(&hash_plain, &plain);
    ck_assert(digest_equal(&hash, &hash_plain));
    ck_assert_uint_lt(written(&plain, false).size, copy.size);
    commit.extensions = NULL;
    copy.size = written(&commit, true).size;
    ck_assert_uint_eq(copy.size, written(&plain, false).size);
}
END_TEST

START_TEST(the_votes_carry_the_extensions) {
    struct vote vote;
    commit_extended_vote(&vote, &commit, 2);
    ck_assert(span_equal(vote.extension, span_text("a third one")));
    ck_assert(vote_extension_verify_vartime(&vote, signers_chain(), &signers.set.validators[2].pub_key));
    ck_assert_int_eq(vote_check(&vote), VOTE_GOOD);
    commit_extended_vote(&vote, &commit, 3);
    ck_assert(block_id_is_nil(&vote.block_id));
    ck_assert_uint_eq(vote.extension_signature.size, 0);
}
END_TEST

START_TEST(a_vote_for_the_block_without_a_signed_extension_is_refused) {
    extensions[1].signature.size = 0;
    ck_assert_int_eq(commit_extended_check(&commit), COMMIT_GOOD); /* CometBFT's ValidateBasic lets it pass */
    ck_assert_int_eq(commit_extended_ensure(&commit), COMMIT_BAD_EXTENSION);
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
    ck_assert_uint_eq(culprit, 1);
}
END_TEST

START_TEST(no_table_of_extensions_is_not_an_extended_commit) {
    commit.extensions = NULL;
    ck_assert_int_eq(commit_extended_ensure(&commit), COMMIT_BAD_EXTENSION);
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
}
END_TEST

START_TEST(a_vote_for_nil_or_none_may_bring_no_extension) {
    extensions[3].bytes = span_text("x");
    ck_assert_int_eq(commit_extended_check(&commit), COMMIT_BAD_EXTENSION);
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
    ck_assert_uint_eq(culprit, 3);
    extensions[3] = (struct commit_extension){0};
    sign_extension(3, signers_chain());
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
    extensions[3] = (struct commit_extension){0};
    ck_assert_int_eq(verify(), COMMIT_GOOD);
}
END_TEST

START_TEST(an_extension_of_another_chain_round_validator_or_content_is_refused) {
    struct commit_extension good = extensions[2];
    sign_extension(2, span_text("another"));
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
    ck_assert_uint_eq(culprit, 2);
    commit.round++;
    sign_extension(2, signers_chain());
    commit.round--;
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
    extensions[2].signature = extensions[1].signature;
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
    extensions[2] = good;
    extensions[2].bytes = span_text("a third two");
    ck_assert_int_eq(verify(), COMMIT_BAD_EXTENSION);
    extensions[2] = good;
    ck_assert_int_eq(verify(), COMMIT_GOOD);
}
END_TEST

START_TEST(good_extensions_do_not_make_up_for_bad_votes) {
    commit.sigs[0].signature.bytes[3] ^= 1;
    ck_assert_int_eq(verify(), COMMIT_BAD_SIGNATURE);
    ck_assert_uint_eq(culprit, 0);
    commit_sig_absent(&commit.sigs[0]);
    extensions[0] = (struct commit_extension){0};
    ck_assert_int_eq(verify(), COMMIT_NO_QUORUM);
}
END_TEST

START_TEST(an_extension_of_a_megabyte_passes_and_one_byte_more_does_not) {
    uint8_t *large = calloc(1, VOTE_EXTENSION_BYTES_MAX + 1);
    extensions[0].bytes = span_of(large, VOTE_EXTENSION_BYTES_MAX);
    ck_assert_int_eq(commit_extended_check(&commit), COMMIT_GOOD);
    extensions[0].bytes.size++;
    ck_assert_int_eq(commit_extended_check(&commit), COMMIT_BAD_EXTENSION);
    free(large);
}
END_TEST

static void decode(struct span bytes) {
    struct commit out;
    arena_reset(&arena);
    if (!commit_extended_decode(&out, bytes, &arena))
        return;
    commit_extended_check(&out);
    commit_extended_ensure(&out);
    for (uint32_t i = 0; i < out.count; i++) {
        struct vote vote;
        commit_extended_vote(&vote, &out, i);
        ck_assert(vote.extension.size <= bytes.size);
    }
}

START_TEST(damaged_bytes_are_refused_or_read_and_nothing_else) {
    struct span bytes;
    bytes = written(&commit, true);
    uint8_t *copy = malloc(bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    torture(span_of(copy, bytes.size), decode);
    free(copy);
}
END_TEST

Suite *suite_commit_extended(void) {
    Suite *suite = suite_create("commit_extended");
    TCase *tests = tcase_create("commit_extended");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_was_written_is_read_and_verifies);
    tcase_add_test(tests, a_commit_reads_an_extended_one_and_leaves_the_extensions_out);
    tcase_add_test(tests, the_votes_carry_the_extensions);
    tcase_add_test(tests, a_vote_for_the_block_without_a_signed_extension_is_refused);
    tcase_add_test(tests, no_table_of_extensions_is_not_an_extended_commit);
    tcase_add_test(tests, a_vote_for_nil_or_none_may_bring_no_extension);
    tcase_add_test(tests, an_extension_of_another_chain_round_validator_or_content_is_refused);
    tcase_add_test(tests, good_extensions_do_not_make_up_for_bad_votes);
    tcase_add_test(tests, an_extension_of_a_megabyte_passes_and_one_byte_more_does_not);
    tcase_add_test(tests, damaged_bytes_are_refused_or_read_and_nothing_else);
    suite_add_tcase(suite, tests);
    return suite;
}
