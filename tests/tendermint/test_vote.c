#include <check.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "tests/tendermint/signers.h"

Suite *suite_vote(void);

static struct signers signers;

static void set_up(void) {
    static const int64_t powers[] = {30, 20};
    signers_init(&signers, powers, 2, 2);
}

static void tear_down(void) { signers_close(&signers); }

static struct vote good_vote(int32_t type, int32_t index) {
    struct vote vote;
    vote_init(&vote);
    vote.type = type;
    vote.height = 7;
    vote.round = 2;
    vote.block_id = signers_block(1);
    vote.timestamp = (struct timestamp){1700000000, 9};
    vote.validator_index = index;
    signers_sign_vote(&signers, &vote);
    return vote;
}

static size_t encode(uint8_t *out, size_t capacity, const struct vote *vote) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, capacity);
    vote_write(&writer, vote);
    ck_assert(!writer.overflow);
    return writer.size;
}

START_TEST(what_was_written_is_read) {
    struct vote vote = good_vote(VOTE_PRECOMMIT, 1), again;
    uint8_t bytes[512], twice[512];
    vote.extension = span_text("more");
    vote.extension_signature = vote.signature;
    size_t size = encode(bytes, sizeof bytes, &vote);
    ck_assert(vote_decode(&again, span_of(bytes, size)));
    ck_assert_uint_eq(encode(twice, sizeof twice, &again), size);
    ck_assert_mem_eq(bytes, twice, size);
    ck_assert_int_eq(again.validator_index, 1);
    ck_assert(span_equal(again.extension, vote.extension));
}
END_TEST

START_TEST(an_absent_time_is_gos_zero_and_an_empty_one_the_epoch) {
    static const uint8_t with_time[] = {0x2a, 0x00};
    struct vote vote;
    ck_assert(vote_decode(&vote, span_of(NULL, 0)));
    ck_assert(timestamp_is_zero(&vote.timestamp));
    ck_assert(vote_decode(&vote, span_of(with_time, 2)));
    ck_assert_int_eq(vote.timestamp.seconds, 0);
}
END_TEST

START_TEST(a_well_formed_vote_passes_with_either_type_and_nil_or_complete_id) {
    struct vote vote = good_vote(VOTE_PREVOTE, 0);
    ck_assert_int_eq(vote_check(&vote), VOTE_GOOD);
    vote.type = VOTE_PRECOMMIT;
    ck_assert_int_eq(vote_check(&vote), VOTE_GOOD);
    vote.block_id = (struct block_id){0};
    ck_assert_int_eq(vote_check(&vote), VOTE_GOOD);
}
END_TEST

START_TEST(each_malformed_field_has_its_verdict) {
    struct vote good = good_vote(VOTE_PRECOMMIT, 0), vote = good;
    vote.type = VOTE_PROPOSAL;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_TYPE);
    vote = good, vote.height = 0;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_HEIGHT);
    vote = good, vote.round = -1;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_ROUND);
    vote = good, vote.block_id.hash.size = 0;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_BLOCK_ID);
    vote = good, vote.block_id.parts.total = 0;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_BLOCK_ID);
    vote = good, vote.validator_address.size = 19;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_ADDRESS);
    vote = good, vote.validator_index = -1;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_INDEX);
    vote = good, vote.signature.size = 0;
    ck_assert_int_eq(vote_check(&vote), VOTE_NO_SIGNATURE);
}
END_TEST

START_TEST(an_empty_vote_is_refused_and_not_followed) { /* wound 31 */
    struct vote vote;
    ck_assert(vote_decode(&vote, span_of(NULL, 0)));
    ck_assert_int_ne(vote_check(&vote), VOTE_GOOD);
}
END_TEST

START_TEST(only_a_precommit_for_a_block_may_carry_an_extension_and_a_signed_one) {
    struct vote good = good_vote(VOTE_PRECOMMIT, 0), vote = good;
    vote.extension = span_text("x");
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_EXTENSION);
    vote.extension_signature = vote.signature;
    ck_assert_int_eq(vote_check(&vote), VOTE_GOOD);
    vote.extension = span_of(NULL, 0);
    ck_assert_int_eq(vote_check(&vote), VOTE_GOOD);
    vote.type = VOTE_PREVOTE;
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_EXTENSION);
    vote.type = VOTE_PRECOMMIT;
    vote.block_id = (struct block_id){0};
    ck_assert_int_eq(vote_check(&vote), VOTE_BAD_EXTENSION);
}
END_TEST

START_TEST(addresses_and_signatures_too_long_are_refused_at_decoding) {
    uint8_t bytes[80] = {0x32, 21};
    struct vote vote;
    ck_assert(!vote_decode(&vote, span_of(bytes, 23)));
    bytes[0] = 0x42;
    bytes[1] = 65;
    ck_assert(!vote_decode(&vote, span_of(bytes, 67)));
    bytes[1] = 64;
    ck_assert(vote_decode(&vote, span_of(bytes, 66)));
}
END_TEST

START_TEST(a_signature_holds_for_its_vote_and_no_other) {
    for (int32_t index = 0; index < 2; index++) {
        struct vote vote = good_vote(VOTE_PREVOTE, index);
        const struct pubkey *key = &signers.set.validators[index].pub_key;
        ck_assert(vote_verify_vartime(&vote, signers_chain(), key));
        ck_assert(!vote_verify_vartime(&vote, span_text("another-chain"), key));
        ck_assert(!vote_verify_vartime(&vote, signers_chain(), &signers.set.validators[1 - index].pub_key));
        vote.timestamp.nanos++;
        ck_assert(!vote_verify_vartime(&vote, signers_chain(), key));
        vote.timestamp.nanos--;
        vote.type = VOTE_PRECOMMIT;
        ck_assert(!vote_verify_vartime(&vote, signers_chain(), key));
        vote.type = VOTE_PREVOTE;
        vote.signature.size = 63;
        ck_assert(!vote_verify_vartime(&vote, signers_chain(), key));
    }
}
END_TEST

START_TEST(neither_extension_nor_index_is_part_of_what_a_vote_signs) {
    struct vote vote = good_vote(VOTE_PRECOMMIT, 0);
    uint8_t before[VOTE_SIGN_BYTES_MAX], after[VOTE_SIGN_BYTES_MAX];
    size_t size = vote_sign_bytes(before, &vote, signers_chain());
    vote.extension = span_text("x");
    vote.validator_index = 5;
    ck_assert_uint_eq(vote_sign_bytes(after, &vote, signers_chain()), size);
    ck_assert_mem_eq(before, after, size);
}
END_TEST

START_TEST(the_longest_vote_fits_its_buffer) {
    struct vote vote = good_vote(VOTE_PRECOMMIT, 0);
    char chain_id[VOTE_CHAIN_ID_BYTES_MAX];
    uint8_t out[VOTE_SIGN_BYTES_MAX];
    memset(chain_id, 'c', sizeof chain_id);
    vote.type = -1;
    vote.round = INT32_MIN;
    vote.height = INT64_MIN;
    vote.block_id.parts.total = UINT32_MAX;
    vote.timestamp = (struct timestamp){-62135596799, 999999999};
    size_t size = vote_sign_bytes(out, &vote, span_of(chain_id, sizeof chain_id));
    ck_assert_uint_gt(size, 160);
    ck_assert_uint_le(size, VOTE_SIGN_BYTES_MAX);
}
END_TEST

START_TEST(extension_sign_bytes_need_their_room) {
    uint8_t out[64];
    size_t size = vote_extension_sign_bytes(out, sizeof out, span_text("e"), 1, 0, span_text("c"));
    ck_assert_uint_eq(size, 16);
    ck_assert_uint_eq(vote_extension_sign_bytes(out, size, span_text("e"), 1, 0, span_text("c")), size);
    ck_assert_uint_eq(vote_extension_sign_bytes(out, size - 1, span_text("e"), 1, 0, span_text("c")), 0);
}
END_TEST

static struct proposal good_proposal(void) {
    struct proposal proposal;
    proposal_init(&proposal);
    proposal.type = VOTE_PROPOSAL;
    proposal.height = 3;
    proposal.pol_round = -1;
    proposal.block_id = signers_block(2);
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = proposal_sign_bytes(bytes, &proposal, signers_chain());
    signers_sign(&signers, 0, &proposal.signature, span_of(bytes, size));
    return proposal;
}

START_TEST(a_proposal_is_checked_and_verified) {
    struct proposal good = good_proposal(), proposal = good;
    const struct pubkey *key = &signers.set.validators[0].pub_key;
    ck_assert_int_eq(proposal_check(&good), VOTE_GOOD);
    ck_assert(proposal_verify_vartime(&good, signers_chain(), key));
    ck_assert(!proposal_verify_vartime(&good, span_text("other"), key));
    proposal.type = VOTE_PREVOTE;
    ck_assert_int_eq(proposal_check(&proposal), VOTE_BAD_TYPE);
    proposal = good, proposal.height = -1;
    ck_assert_int_eq(proposal_check(&proposal), VOTE_BAD_HEIGHT);
    proposal = good, proposal.round = -1;
    ck_assert_int_eq(proposal_check(&proposal), VOTE_BAD_ROUND);
    proposal = good, proposal.pol_round = -2;
    ck_assert_int_eq(proposal_check(&proposal), VOTE_BAD_POL_ROUND);
    proposal = good, proposal.block_id = (struct block_id){0};
    ck_assert_int_eq(proposal_check(&proposal), VOTE_BAD_BLOCK_ID);
    proposal = good, proposal.signature.size = 0;
    ck_assert_int_eq(proposal_check(&proposal), VOTE_NO_SIGNATURE);
}
END_TEST

START_TEST(a_proposal_without_polka_round_keeps_its_minus_one_on_the_wire) {
    struct proposal proposal = good_proposal(), again;
    uint8_t bytes[512];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    proposal_write(&writer, &proposal);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    proposal_init(&again);
    proposal_read(&again, &reader);
    ck_assert(!reader.bad);
    ck_assert_int_eq(again.pol_round, -1);
    ck_assert(block_id_equal(&again.block_id, &proposal.block_id));
    ck_assert_int_eq(proposal_check(&again), VOTE_GOOD);
}
END_TEST

static void decode_any(struct span bytes) {
    struct vote vote;
    struct proposal proposal;
    uint8_t out[VOTE_SIGN_BYTES_MAX];
    struct proto_reader reader = proto_reader_over(bytes);
    if (vote_decode(&vote, bytes)) {
        vote_check(&vote);
        vote_sign_bytes(out, &vote, signers_chain());
    }
    proposal_init(&proposal);
    proposal_read(&proposal, &reader);
    if (!reader.bad) {
        proposal_check(&proposal);
        proposal_sign_bytes(out, &proposal, signers_chain());
    }
}

START_TEST(no_bytes_break_the_decoders) {
    struct vote vote = good_vote(VOTE_PRECOMMIT, 0);
    uint8_t bytes[512];
    vote.extension = span_text("extension");
    vote.extension_signature = vote.signature;
    torture(span_of(bytes, encode(bytes, sizeof bytes, &vote)), decode_any);
}
END_TEST

Suite *suite_vote(void) {
    Suite *suite = suite_create("vote");
    TCase *tests = tcase_create("vote");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, an_absent_time_is_gos_zero_and_an_empty_one_the_epoch);
    tcase_add_test(tests, a_well_formed_vote_passes_with_either_type_and_nil_or_complete_id);
    tcase_add_test(tests, each_malformed_field_has_its_verdict);
    tcase_add_test(tests, an_empty_vote_is_refused_and_not_followed);
    tcase_add_test(tests, only_a_precommit_for_a_block_may_carry_an_extension_and_a_signed_one);
    tcase_add_test(tests, addresses_and_signatures_too_long_are_refused_at_decoding);
    tcase_add_test(tests, a_signature_holds_for_its_vote_and_no_other);
    tcase_add_test(tests, neither_extension_nor_index_is_part_of_what_a_vote_signs);
    tcase_add_test(tests, the_longest_vote_fits_its_buffer);
    tcase_add_test(tests, extension_sign_bytes_need_their_room);
    tcase_add_test(tests, a_proposal_is_checked_and_verified);
    tcase_add_test(tests, a_proposal_without_polka_round_keeps_its_minus_one_on_the_wire);
    tcase_add_test(tests, no_bytes_break_the_decoders);
    suite_add_tcase(suite, tests);
    return suite;
}
