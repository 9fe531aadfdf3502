#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/ledger/chain.h"

static struct chain chain;
static struct arena arena;
static const char *const txs[] = {"a=1", "b=2", "c=3"};

static void setup(void) {
    chain_open(&chain, &(struct chain_config){.validators = 4});
    arena_init(&arena, 1 << 24);
    chain_run(&chain, 2);
}

static void teardown(void) {
    chain_close(&chain);
    arena_close(&arena);
}

static struct block *decode(struct span bytes, enum block_verdict *verdict) {
    struct blob *blob = blob_new(bytes);
    struct block *block = block_decode(blob, verdict);
    blob_release(blob);
    return block;
}

static void refused(struct span bytes, enum block_verdict expected) {
    enum block_verdict verdict;
    ck_assert_ptr_null(decode(bytes, &verdict));
    ck_assert_msg(verdict == expected, "%s, not %s", block_verdict_text(verdict), block_verdict_text(expected));
}

START_TEST(a_built_block_decodes_to_itself) {
    struct block *block = chain_next(&chain, txs, 3);
    enum block_verdict verdict;
    struct block *back = decode(blob_span(block->bytes), &verdict);
    ck_assert_int_eq(verdict, BLOCK_GOOD);
    ck_assert(digest_equal(&back->hash, &block->hash));
    ck_assert_uint_eq(back->tx_count, 3);
    ck_assert(span_equal(back->txs[1], span_text("b=2")));
    ck_assert_mem_eq(back->tx_hashes, block->tx_hashes, 96);
    ck_assert_uint_eq(back->last_commit.count, 4);
    struct block_id one, other;
    block_id_of(block, &one);
    block_id_of(back, &other);
    ck_assert(block_id_equal(&one, &other));
    block_release(block);
    block_release(back);
}
END_TEST

START_TEST(the_spans_of_a_built_block_lie_in_its_bytes) {
    struct block *block = chain_next(&chain, txs, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert(block->txs[i].data > block->bytes->data && block->txs[i].data < block->bytes->data + block->bytes->size);
        ck_assert(span_equal(block->txs[i], span_text(txs[i])));
    }
    block_release(block);
}
END_TEST

START_TEST(each_transaction_has_a_proof_under_data_hash) {
    struct block *block = chain_next(&chain, txs, 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct merkle_proof proof;
        block_tx_proof(block, &proof, i);
        ck_assert(merkle_proof_verify(&proof, block->header.data_hash.bytes, span_of(block->tx_hashes[i], 32)));
        ck_assert(!merkle_proof_verify(&proof, block->header.data_hash.bytes, span_of(block->tx_hashes[(i + 1) % 3], 32)));
    }
    block_release(block);
}
END_TEST

/* The message of a block whose header need not fit its content. */
struct pieces {
    struct header header;
    struct span data, evidence; /* list messages */
    const struct commit *commit; /* NULL: left out */
};

static struct span assemble(const struct pieces *pieces) {
    struct proto_writer writer;
    size_t capacity = pieces->data.size + pieces->evidence.size + (1 << 16);
    proto_writer_init(&writer, arena_take(&arena, capacity, 1), capacity);
    size_t mark = proto_begin(&writer, 1);
    header_write(&writer, &pieces->header);
    proto_end(&writer, mark);
    proto_put_bytes_always(&writer, 2, pieces->data);
    proto_put_bytes_always(&writer, 3, pieces->evidence);
    if (pieces->commit != NULL) {
        mark = proto_begin(&writer, 4);
        commit_write(&writer, pieces->commit);
        proto_end(&writer, mark);
    }
    ck_assert(!writer.overflow);
    return proto_writer_span(&writer);
}

static struct block *good; /* empty of transactions and evidence */
static struct pieces pieces;

static void setup_pieces(void) {
    setup();
    good = chain_next(&chain, NULL, 0);
    pieces = (struct pieces){.header = good->header, .commit = &good->last_commit};
    enum block_verdict verdict;
    struct block *block = decode(assemble(&pieces), &verdict);
    ck_assert_int_eq(verdict, BLOCK_GOOD);
    block_release(block);
}

static void teardown_pieces(void) {
    block_release(good);
    teardown();
}

START_TEST(a_header_of_another_protocol_or_without_height_is_refused) {
    pieces.header.version_block = 10;
    refused(assemble(&pieces), BLOCK_BAD_HEADER);
    pieces.header = good->header;
    pieces.header.height = 0;
    refused(assemble(&pieces), BLOCK_BAD_HEADER);
    pieces.header = good->header;
    pieces.header.proposer_address.size = 19;
    refused(assemble(&pieces), BLOCK_BAD_HEADER);
}
END_TEST

START_TEST(a_block_without_last_commit_is_refused) {
    pieces.commit = NULL;
    refused(assemble(&pieces), BLOCK_NO_LAST_COMMIT);
}
END_TEST

START_TEST(a_malformed_last_commit_is_refused) {
    struct commit commit = good->last_commit;
    commit.round = -1;
    pieces.commit = &commit;
    refused(assemble(&pieces), BLOCK_BAD_LAST_COMMIT);
    commit = good->last_commit;
    commit.count = 0;
    refused(assemble(&pieces), BLOCK_BAD_LAST_COMMIT);
}
END_TEST

START_TEST(a_header_that_hashes_another_commit_is_refused) {
    pieces.header.last_commit_hash.bytes[0] ^= 1;
    refused(assemble(&pieces), BLOCK_WRONG_COMMIT_HASH);
}
END_TEST

START_TEST(a_header_that_hashes_other_transactions_is_refused) {
    pieces.data = span_of("\x0a\x03" "a=1", 5);
    refused(assemble(&pieces), BLOCK_WRONG_DATA_HASH);
}
END_TEST

static struct evidence two_votes(void) {
    struct vote votes[2];
    struct block_id one = chain.ledger.state.block_id, other = one;
    other.hash.bytes[0] ^= 1;
    const struct valset *set = &chain.ledger.state.last_validators;
    struct timestamp time = chain.ledger.state.block_time;
    chain_vote(&chain, &votes[0], set, 1, &one, 2, 0, time);
    chain_vote(&chain, &votes[1], set, 1, &other, 2, 0, time);
    struct evidence evidence;
    ck_assert(evidence_from_votes(&evidence, &votes[0], &votes[1], set, &time, &arena));
    return evidence;
}

static struct span evidence_list(struct span piece) {
    struct proto_writer writer;
    proto_writer_init(&writer, arena_take(&arena, 2048, 1), 2048);
    proto_put_bytes_always(&writer, 1, piece);
    return proto_writer_span(&writer);
}

START_TEST(a_header_that_hashes_other_evidence_is_refused) {
    struct evidence evidence = two_votes();
    struct proto_writer writer;
    proto_writer_init(&writer, arena_take(&arena, 2048, 1), 2048);
    evidence_write(&writer, &evidence);
    pieces.evidence = evidence_list(proto_writer_span(&writer));
    refused(assemble(&pieces), BLOCK_WRONG_EVIDENCE_HASH);
}
END_TEST

START_TEST(evidence_of_nothing_is_refused) { /* wounds 30, 31 */
    static const char *const nothings[] = {"", "\x0a\x00", "\x12\x00", "\x0a\x04\x0a\x00\x12\x00", "\x12\x02\x0a\x00"};
    static const size_t nothing_sizes[] = {0, 2, 2, 6, 4};
    for (size_t i = 0; i < 5; i++) {
        struct span list = evidence_list(span_of(nothings[i], nothing_sizes[i]));
        pieces.evidence = list;
        refused(assemble(&pieces), BLOCK_BAD_EVIDENCE);
    }
}
END_TEST

START_TEST(a_block_with_evidence_decodes_to_itself) {
    struct evidence evidence = two_votes();
    struct block_plan plan = chain_plan(&chain, &arena);
    plan.evidence = &evidence;
    plan.evidence_count = 1;
    struct block *block = block_build(&plan);
    enum block_verdict verdict;
    struct block *back = decode(blob_span(block->bytes), &verdict);
    ck_assert_int_eq(verdict, BLOCK_GOOD);
    ck_assert_uint_eq(back->evidence_count, 1);
    ck_assert(span_equal(back->evidence[0].inner, block->evidence[0].inner));
    ck_assert_int_eq(back->evidence_bytes, block->evidence_bytes);
    ck_assert_int_gt(back->evidence_bytes, (int64_t)evidence.inner.size);
    block_release(block);
    block_release(back);
}
END_TEST

START_TEST(what_protobuf_merges_is_one_block) {
    /* Data in two pieces, unknown fields between: gogoproto takes it, so the chain may hold it. */
    struct block *block = chain_next(&chain, txs, 2);
    struct proto_writer writer;
    proto_writer_init(&writer, arena_take(&arena, 1 << 16, 1), 1 << 16);
    proto_put_bytes_always(&writer, 2, span_of("\x0a\x03" "a=1", 5));
    proto_put_uint64(&writer, 77, 5);
    size_t mark = proto_begin(&writer, 4);
    commit_write(&writer, &block->last_commit);
    proto_end(&writer, mark);
    proto_put_bytes_always(&writer, 2, span_of("\x0a\x03" "b=2", 5));
    mark = proto_begin(&writer, 1);
    header_write(&writer, &block->header);
    proto_end(&writer, mark);
    enum block_verdict verdict;
    struct block *back = decode(proto_writer_span(&writer), &verdict);
    ck_assert_int_eq(verdict, BLOCK_GOOD);
    ck_assert_uint_eq(back->tx_count, 2);
    ck_assert(digest_equal(&back->hash, &block->hash));
    block_release(back);
    block_release(block);
}
END_TEST

START_TEST(cut_or_flipped_bytes_never_do_harm) {
    struct evidence evidence = two_votes();
    struct span spans[2] = {span_text("a=1"), span_text("b=2")};
    struct block_plan plan = chain_plan(&chain, &arena);
    plan.evidence = &evidence;
    plan.evidence_count = 1;
    plan.txs = spans;
    plan.tx_count = 2;
    struct block *block = block_build(&plan);
    struct span bytes = blob_span(block->bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        enum block_verdict verdict;
        ck_assert_ptr_null(decode(span_of(bytes.data, i), &verdict));
        struct blob *copy = blob_new(bytes);
        copy->data[i] ^= (uint8_t)(1u << i % 8);
        struct block *other = block_decode(copy, &verdict);
        /* What is not seen by the checks is seen by the hash of the header or of the parts. */
        if (other != NULL) {
            struct block_id id, changed;
            block_id_of(block, &id);
            block_id_of(other, &changed);
            ck_assert(!block_id_equal(&id, &changed));
        }
        block_release(other);
        blob_release(copy);
    }
    block_release(block);
}
END_TEST

START_TEST(a_message_of_millions_of_empty_transactions_takes_no_heap) { /* wound 35 */
    size_t size = 8 << 20;
    uint8_t *list = malloc(size);
    for (size_t i = 0; i < size; i += 2) {
        list[i] = 0x0a;
        list[i + 1] = 0;
    }
    struct blob *bytes = blob_reserve(size + 8);
    struct proto_writer writer;
    proto_writer_init(&writer, bytes->data, bytes->size);
    proto_put_bytes_always(&writer, 2, span_of(list, size));
    bytes->size = writer.size;
    enum block_verdict verdict;
    ck_assert_ptr_null(block_decode(bytes, &verdict));
    ck_assert_int_eq(verdict, BLOCK_BAD_ENCODING);
    blob_release(bytes);
    free(list);
}
END_TEST

START_TEST(a_message_of_millions_of_empty_pieces_of_evidence_takes_no_heap) {
    size_t size = 2 << 20;
    uint8_t *list = calloc(1, size);
    for (size_t i = 0; i < size; i += 2)
        list[i] = 0x0a;
    struct blob *bytes = blob_reserve(size + 8);
    struct proto_writer writer;
    proto_writer_init(&writer, bytes->data, bytes->size);
    proto_put_bytes_always(&writer, 3, span_of(list, size));
    bytes->size = writer.size;
    enum block_verdict verdict;
    ck_assert_ptr_null(block_decode(bytes, &verdict));
    blob_release(bytes);
    free(list);
}
END_TEST

START_TEST(more_bytes_than_any_part_set_are_refused) {
    struct blob *bytes = blob_reserve((size_t)PART_SET_TOTAL_MAX * PARAMS_PART_BYTES + 1);
    enum block_verdict verdict;
    ck_assert_ptr_null(block_decode(bytes, &verdict));
    ck_assert_int_eq(verdict, BLOCK_TOO_LARGE);
    blob_release(bytes);
}
END_TEST

START_TEST(the_first_block_carries_an_empty_commit) {
    struct chain fresh;
    chain_open(&fresh, &(struct chain_config){.validators = 1});
    struct block *block = chain_next(&fresh, NULL, 0);
    static const uint8_t tail[] = {0x22, 0x04, 0x1a, 0x02, 0x12, 0x00};
    ck_assert_mem_eq(block->bytes->data + block->bytes->size - sizeof tail, tail, sizeof tail);
    block_release(block);
    chain_close(&fresh);
}
END_TEST

START_TEST(every_verdict_has_a_text_of_its_own) {
    for (int a = BLOCK_GOOD; a <= BLOCK_REFUSED_BY_APP; a++)
        for (int b = BLOCK_GOOD; b < a; b++)
            ck_assert_str_ne(block_verdict_text((enum block_verdict)a), block_verdict_text((enum block_verdict)b));
}
END_TEST

Suite *suite_block(void);
Suite *suite_block(void) {
    Suite *suite = suite_create("block");
    TCase *built = tcase_create("built"), *bad = tcase_create("bad"), *huge = tcase_create("huge");
    tcase_add_checked_fixture(built, setup, teardown);
    tcase_set_timeout(built, 60);
    tcase_set_timeout(huge, 60);
    tcase_add_test(built, a_built_block_decodes_to_itself);
    tcase_add_test(built, the_spans_of_a_built_block_lie_in_its_bytes);
    tcase_add_test(built, each_transaction_has_a_proof_under_data_hash);
    tcase_add_test(built, a_block_with_evidence_decodes_to_itself);
    tcase_add_test(built, what_protobuf_merges_is_one_block);
    tcase_add_test(built, cut_or_flipped_bytes_never_do_harm);
    tcase_add_checked_fixture(bad, setup_pieces, teardown_pieces);
    tcase_add_test(bad, a_header_of_another_protocol_or_without_height_is_refused);
    tcase_add_test(bad, a_block_without_last_commit_is_refused);
    tcase_add_test(bad, a_malformed_last_commit_is_refused);
    tcase_add_test(bad, a_header_that_hashes_another_commit_is_refused);
    tcase_add_test(bad, a_header_that_hashes_other_transactions_is_refused);
    tcase_add_test(bad, a_header_that_hashes_other_evidence_is_refused);
    tcase_add_test(bad, evidence_of_nothing_is_refused);
    tcase_add_test(huge, a_message_of_millions_of_empty_transactions_takes_no_heap);
    tcase_add_test(huge, a_message_of_millions_of_empty_pieces_of_evidence_takes_no_heap);
    tcase_add_test(huge, more_bytes_than_any_part_set_are_refused);
    tcase_add_test(huge, the_first_block_carries_an_empty_commit);
    tcase_add_test(huge, every_verdict_has_a_text_of_its_own);
    suite_add_tcase(suite, built);
    suite_add_tcase(suite, bad);
    suite_add_tcase(suite, huge);
    return suite;
}
