/* What a peer has, as far as it told us. */
#include <check.h>

#include "node/peerstate.h"
#include "tendermint/engine.h"

static struct peerstate peer;

static void step(int64_t height, int32_t round, uint32_t phase, int32_t last_commit_round) {
    struct wire_consensus message = {.kind = WIRE_NEW_ROUND_STEP, .height = height, .round = round, .step = phase, .last_commit_round = last_commit_round};
    peerstate_step(&peer, &message, NULL);
}

static void begin(int64_t height, int32_t round) {
    peerstate_init(&peer);
    step(height, round, ENGINE_PREVOTE, 0);
    peerstate_ensure_votes(&peer, height, 4);
}

static struct wire_consensus bits_message(int32_t type, uint32_t bits, uint64_t *words) {
    return (struct wire_consensus){
        .kind = WIRE_VOTE_SET_BITS_MESSAGE, .height = 5, .round = 0, .type = type, .bits = {bits, words}};
}

static struct bit_array bits_of(uint64_t *words) { return (struct bit_array){.bits = 4, .word_capacity = 1, .words = words}; }

START_TEST(its_word_about_a_block_replaces_ours_about_that_block_only) {
    begin(5, 0);
    struct bit_array *prevotes = peerstate_votes(&peer, 5, 0, VOTE_PREVOTE);
    prevotes->words[0] = 0xf;
    uint64_t ours = 0x7, theirs = 0x1;
    struct bit_array for_block = bits_of(&ours);
    struct wire_consensus message = bits_message(VOTE_PREVOTE, 4, &theirs);
    peerstate_vote_bits(&peer, &message, &for_block);
    ck_assert_uint_eq(prevotes->words[0], 0x9); /* 1 and 2 are to be sent again; 3 voted for something else */
    peerstate_close(&peer);
}
END_TEST

/* CometBFT answers with an array of no bits when it holds no vote for that block. */
START_TEST(an_empty_answer_means_that_it_has_none_of_those_votes) {
    begin(5, 0);
    struct bit_array *prevotes = peerstate_votes(&peer, 5, 0, VOTE_PREVOTE);
    prevotes->words[0] = 0xf;
    uint64_t ours = 0x7;
    struct bit_array for_block = bits_of(&ours);
    struct wire_consensus message = bits_message(VOTE_PREVOTE, 0, NULL);
    peerstate_vote_bits(&peer, &message, &for_block);
    ck_assert_uint_eq(prevotes->words[0], 0x8);
    peerstate_vote_bits(&peer, &message, NULL);
    ck_assert_uint_eq(prevotes->words[0], 0);
    peerstate_close(&peer);
}
END_TEST

START_TEST(an_answer_of_another_size_is_ignored) {
    begin(5, 0);
    struct bit_array *prevotes = peerstate_votes(&peer, 5, 0, VOTE_PREVOTE);
    prevotes->words[0] = 0x3;
    uint64_t theirs[2] = {~0ull, ~0ull};
    struct wire_consensus message = bits_message(VOTE_PREVOTE, 128, theirs);
    peerstate_vote_bits(&peer, &message, NULL);
    ck_assert_uint_eq(prevotes->words[0], 0x3);
    peerstate_close(&peer);
}
END_TEST

START_TEST(the_greatest_heights_and_rounds_overflow_nothing) {
    begin(INT64_MAX, INT32_MAX);
    peerstate_ensure_votes(&peer, INT64_MAX, 4);
    ck_assert_ptr_nonnull(peerstate_votes(&peer, INT64_MAX, INT32_MAX, VOTE_PREVOTE));
    ck_assert_ptr_null(peerstate_votes(&peer, INT64_MAX - 1, 3, VOTE_PRECOMMIT));
    step(INT64_MAX, INT32_MAX, ENGINE_COMMIT, 0);
    peerstate_note_vote(&peer, INT64_MAX, INT32_MAX, VOTE_PRECOMMIT, INT32_MAX);
    peerstate_close(&peer);
    begin(5, 0);
    peerstate_ensure_votes(&peer, INT64_MAX, 4);
    peerstate_note_vote(&peer, INT64_MAX, 0, VOTE_PRECOMMIT, 1);
    peerstate_close(&peer);
}
END_TEST

START_TEST(its_precommits_become_its_last_commit_and_are_not_sent_again) {
    begin(5, 1);
    peerstate_note_vote(&peer, 5, 1, VOTE_PRECOMMIT, 2);
    step(6, 0, ENGINE_NEW_HEIGHT, 1);
    struct bit_array *last = peerstate_votes(&peer, 5, 1, VOTE_PRECOMMIT);
    ck_assert(last != NULL && last->bits == 4 && bit_array_get(last, 2) && !bit_array_get(last, 1));
    ck_assert_uint_eq(peerstate_votes(&peer, 6, 0, VOTE_PREVOTE)->bits, 0);
    peerstate_close(&peer);
}
END_TEST

START_TEST(a_commit_of_another_round_can_be_sent_to_whoever_is_still_in_that_height) {
    begin(5, 2);
    ck_assert_ptr_null(peerstate_votes(&peer, 5, 1, VOTE_PRECOMMIT));
    peerstate_ensure_catchup(&peer, 5, 1, 4);
    struct bit_array *catchup = peerstate_votes(&peer, 5, 1, VOTE_PRECOMMIT);
    ck_assert_ptr_nonnull(catchup);
    bit_array_set(catchup, 3, true);
    step(5, 3, ENGINE_PROPOSE, 0);
    ck_assert(bit_array_get(peerstate_votes(&peer, 5, 1, VOTE_PRECOMMIT), 3));
    peerstate_close(&peer);
}
END_TEST

START_TEST(what_was_marked_as_sent_can_be_forgotten_but_not_where_it_is) {
    begin(5, 0);
    struct proposal proposal = {.height = 5, .pol_round = -1, .block_id.parts = {3, {.size = 32}}};
    peerstate_note_proposal(&peer, &proposal);
    peerstate_note_part(&peer, 5, 0, 1);
    peerstate_note_vote(&peer, 5, 0, VOTE_PREVOTE, 2);
    peerstate_forget_sent(&peer);
    ck_assert(!peer.proposal && peer.height == 5 && peer.parts_header.total == 3);
    ck_assert_uint_eq(bit_array_count(&peer.parts), 0);
    ck_assert_uint_eq(bit_array_count(&peer.prevotes), 0);
    peerstate_close(&peer);
}
END_TEST

Suite *suite_peerstate(void);
Suite *suite_peerstate(void) {
    Suite *suite = suite_create("peerstate");
    TCase *tests = tcase_create("peerstate");
    tcase_add_test(tests, its_word_about_a_block_replaces_ours_about_that_block_only);
    tcase_add_test(tests, an_empty_answer_means_that_it_has_none_of_those_votes);
    tcase_add_test(tests, an_answer_of_another_size_is_ignored);
    tcase_add_test(tests, the_greatest_heights_and_rounds_overflow_nothing);
    tcase_add_test(tests, its_precommits_become_its_last_commit_and_are_not_sent_again);
    tcase_add_test(tests, a_commit_of_another_round_can_be_sent_to_whoever_is_still_in_that_height);
    tcase_add_test(tests, what_was_marked_as_sent_can_be_forgotten_but_not_where_it_is);
    suite_add_tcase(suite, tests);
    return suite;
}
