/* Blocks of one height on their way in. */
#include <check.h>
#include <stdlib.h>

#include "node/candidates.h"

#define HEIGHT 7

static struct block *some_block(uint8_t name, size_t tx_size) {
    struct commit last_commit = {.height = HEIGHT - 1};
    struct commit_sig sig;
    commit_sig_absent(&sig);
    sig.flag = COMMIT_FOR_BLOCK;
    sig.validator_address.size = 20;
    sig.signature.size = 64;
    last_commit.count = 1;
    last_commit.sigs = &sig;
    last_commit.block_id.hash = digest_of((const uint8_t[32]){name});
    last_commit.block_id.parts = (struct part_header){1, digest_of((const uint8_t[32]){name})};
    uint8_t *bytes = calloc(1, tx_size);
    bytes[0] = name;
    struct span tx = span_of(bytes, tx_size);
    struct block_plan plan = {.txs = &tx, .tx_count = 1, .last_commit = &last_commit};
    header_init(&plan.header);
    plan.header.version_block = HEADER_BLOCK_PROTOCOL;
    header_set_chain_id(&plan.header, span_text("test"));
    plan.header.height = HEIGHT;
    plan.header.last_block_id = last_commit.block_id;
    plan.header.validators_hash = plan.header.next_validators_hash = plan.header.consensus_hash = plan.header.last_results_hash =
        digest_of((const uint8_t[32]){9});
    plan.header.proposer_address.size = 20;
    struct block *block = block_build(&plan);
    free(bytes);
    return block;
}

static struct candidates candidates;
static struct block *block;
static struct block_id id;

static void begin(size_t tx_size) {
    candidates_init(&candidates);
    candidates_begin(&candidates, HEIGHT, 1 << 22);
    block = some_block(1, tx_size);
    block_id_of(block, &id);
}

static void end(void) {
    candidates_close(&candidates);
    block_release(block);
}

static struct candidate *feed(uint32_t index) {
    struct part part;
    struct candidate *done;
    ck_assert(part_set_get(block_parts(block), &part, index));
    ck_assert_int_eq(candidates_note(&candidates, &done, &part), PART_GOOD);
    return done;
}

START_TEST(a_block_is_whole_with_its_last_part_and_its_id_is_that_of_its_bytes) {
    begin(150000);
    ck_assert_uint_eq(id.parts.total, 3);
    ck_assert(!candidates_want(&candidates, &id)->complete);
    ck_assert_ptr_null(feed(2));
    ck_assert_ptr_null(feed(0));
    struct candidate *done = feed(1);
    ck_assert_ptr_nonnull(done);
    ck_assert(done->block != NULL && digest_equal(&done->block->hash, &id.hash));
    end();
}
END_TEST

START_TEST(bytes_that_are_not_the_promised_block_are_none) {
    begin(100);
    struct block_id wrong = id;
    wrong.hash.bytes[3] ^= 1;
    candidates_want(&candidates, &wrong);
    struct candidate *done = feed(0);
    ck_assert(done != NULL && done->complete && done->block == NULL);
    end();
}
END_TEST

/* A liar's proposal names the parts of the good block under another hash: who was told the lie first must not need the parts again. */
START_TEST(parts_collected_under_a_wrong_hash_serve_the_block_with_the_right_one) {
    begin(150000);
    struct block_id wrong = id;
    wrong.hash.bytes[3] ^= 1;
    candidates_want(&candidates, &wrong);
    feed(0);
    ck_assert_uint_eq(bit_array_count(part_set_has(candidates_want(&candidates, &id)->parts)), 1);
    feed(1);
    candidates_want(&candidates, &wrong);
    ck_assert_ptr_null(feed(2)->block);
    struct candidate *good = candidates_want(&candidates, &id);
    ck_assert(good->complete && good->block != NULL);
    end();
}
END_TEST

START_TEST(what_is_named_stays_whatever_else_is_wanted) {
    begin(100);
    candidates_want(&candidates, &id);
    feed(0)->pinned = true;
    struct block_id other = {.hash = id.hash};
    for (uint8_t i = 0; i < 100; i++) {
        other.hash.bytes[0] = other.hash.bytes[1] = i;
        other.parts = (struct part_header){1, digest_of((const uint8_t[32]){i, 7})};
        ck_assert_ptr_nonnull(candidates_want(&candidates, &other));
    }
    struct candidate *kept = candidates_find(&candidates, &id);
    ck_assert(kept != NULL && kept->block != NULL);
    end();
}
END_TEST

START_TEST(an_id_of_more_parts_than_a_block_can_have_is_not_collected) {
    begin(100);
    struct block_id huge = id;
    huge.parts.total = 4000000000u;
    ck_assert_ptr_null(candidates_want(&candidates, &huge));
    huge.parts.total = 0;
    ck_assert_ptr_null(candidates_want(&candidates, &huge));
    end();
}
END_TEST

Suite *suite_candidates(void);
Suite *suite_candidates(void) {
    Suite *suite = suite_create("candidates");
    TCase *tests = tcase_create("candidates");
    tcase_add_test(tests, a_block_is_whole_with_its_last_part_and_its_id_is_that_of_its_bytes);
    tcase_add_test(tests, bytes_that_are_not_the_promised_block_are_none);
    tcase_add_test(tests, parts_collected_under_a_wrong_hash_serve_the_block_with_the_right_one);
    tcase_add_test(tests, what_is_named_stays_whatever_else_is_wanted);
    tcase_add_test(tests, an_id_of_more_parts_than_a_block_can_have_is_not_collected);
    suite_add_tcase(suite, tests);
    return suite;
}
