#include "tests/tendermint/story.h"

#include <check.h>

static struct valset set;
static struct arena arena;
static struct tally tally;

static void begin(const int64_t *powers, uint32_t count, int32_t type) {
    valset_init(&set);
    story_valset(&set, powers, count);
    arena_init(&arena, 1 << 24);
    ck_assert(tally_init(&tally, &arena, &set, 7, 2, type));
}

static void begin_four(void) { begin((const int64_t[]){1, 1, 1, 1}, 4, VOTE_PRECOMMIT); }

static void end(void) {
    arena_close(&arena);
    valset_close(&set);
}

static enum tally_note note(uint32_t index, char letter) {
    struct vote vote = story_vote(&set, 7, 2, tally.type, index, letter);
    return tally_note(&tally, NULL, &vote);
}

static bool claim(uint32_t peer, char letter) {
    struct block_id id = story_block_id(letter);
    return tally_claim(&tally, peer, &id);
}

static bool majority_for(char letter) {
    struct block_id id = story_block_id(letter);
    return tally_has_majority_for(&tally, &id);
}

static uint32_t voted_for(char letter) {
    struct block_id id = story_block_id(letter);
    const struct bit_array *voted = tally_voted_for(&tally, &id);
    return voted == NULL ? UINT32_MAX : bit_array_count(voted);
}

START_TEST(more_than_two_thirds_of_the_power_make_the_majority) {
    begin((const int64_t[]){5, 3, 2, 1, 1}, 5, VOTE_PREVOTE); /* 12: 9 are needed, 8 are two thirds */
    ck_assert_int_eq(note(0, 'A'), TALLY_ADDED);
    ck_assert_int_eq(note(1, 'A'), TALLY_ADDED);
    ck_assert(!tally_majority(&tally, NULL) && !tally_has_two_thirds_any(&tally));
    ck_assert_int_eq(note(4, 'A'), TALLY_ADDED);
    struct block_id id;
    ck_assert(tally_majority(&tally, &id) && tally_has_two_thirds_any(&tally));
    ck_assert_int_eq(story_letter(&id), 'A');
    ck_assert(majority_for('A') && !majority_for('0') && !majority_for('B'));
    ck_assert(!tally_is_complete(&tally));
    note(2, 'B');
    note(3, '0');
    ck_assert(tally_is_complete(&tally));
    end();
}
END_TEST

START_TEST(a_quorum_of_huge_powers_does_not_overflow) {
    begin((const int64_t[]){VALSET_TOTAL_POWER_MAX / 2, VALSET_TOTAL_POWER_MAX / 2}, 2, VOTE_PREVOTE);
    note(0, 'A');
    ck_assert(!tally_has_two_thirds_any(&tally));
    note(1, 'A');
    ck_assert(majority_for('A'));
    end();
}
END_TEST

START_TEST(nil_is_a_block_like_others) {
    begin_four();
    for (uint32_t i = 0; i < 3; i++)
        note(i, '0');
    struct block_id id = story_block_id('A');
    ck_assert(tally_majority(&tally, &id));
    ck_assert(block_id_is_nil(&id));
    ck_assert(majority_for('0'));
    end();
}
END_TEST

START_TEST(two_thirds_of_anything_are_no_majority) {
    begin_four();
    note(0, 'A');
    note(1, 'B');
    ck_assert(!tally_has_two_thirds_any(&tally));
    note(2, '0');
    ck_assert(tally_has_two_thirds_any(&tally));
    ck_assert(!tally_majority(&tally, NULL));
    ck_assert_uint_eq(voted_for('A'), 1);
    ck_assert_uint_eq(voted_for('C'), UINT32_MAX);
    end();
}
END_TEST

START_TEST(a_vote_counts_once) {
    begin_four();
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(note(0, 'A'), i == 0 ? TALLY_ADDED : TALLY_DUPLICATE);
    ck_assert_int_eq(tally.power, 1);
    struct vote vote = story_vote(&set, 7, 2, VOTE_PRECOMMIT, 0, 'A');
    vote.signature.bytes[63] ^= 1;
    ck_assert_int_eq(tally_note(&tally, NULL, &vote), TALLY_SAME_BLOCK_OTHER_SIGNATURE);
    ck_assert_int_eq(tally.power, 1);
    end();
}
END_TEST

START_TEST(a_vote_that_does_not_belong_here_is_refused) {
    begin_four();
    struct vote good = story_vote(&set, 7, 2, VOTE_PRECOMMIT, 1, 'A'), vote;
#define REFUSED(change) (vote = good, change, tally_note(&tally, NULL, &vote) == TALLY_NOT_OURS)
    ck_assert(REFUSED(vote.height = 6));
    ck_assert(REFUSED(vote.round = 1));
    ck_assert(REFUSED(vote.type = VOTE_PREVOTE));
    ck_assert(REFUSED(vote.validator_index = 4)); /* wound 23 */
    ck_assert(REFUSED(vote.validator_index = -1));
    ck_assert(REFUSED(vote.validator_index = INT32_MIN));
    ck_assert(REFUSED(vote.validator_index = 2)); /* wound 27: the address of another */
    ck_assert(REFUSED(vote.validator_address.size = 0));
    ck_assert(REFUSED(vote.validator_address.bytes[19] ^= 1));
    ck_assert_int_eq(tally.power, 0);
    ck_assert_int_eq(tally_note(&tally, NULL, &good), TALLY_ADDED);
    end();
}
END_TEST

START_TEST(the_first_vote_counts_and_the_second_is_a_conflict) {
    begin_four();
    note(3, 'A');
    struct vote previous, vote = story_vote(&set, 7, 2, VOTE_PRECOMMIT, 3, 'B');
    ck_assert_int_eq(tally_note(&tally, &previous, &vote), TALLY_CONFLICT);
    struct vote first = story_vote(&set, 7, 2, VOTE_PRECOMMIT, 3, 'A');
    ck_assert(block_id_equal(&previous.block_id, &first.block_id));
    ck_assert_mem_eq(previous.signature.bytes, first.signature.bytes, 64);
    ck_assert(address_equal(&previous.validator_address, &first.validator_address));
    ck_assert_int_eq(previous.validator_index, 3);
    ck_assert_int_eq(previous.height, 7);
    ck_assert_int_eq(previous.round, 2);
    note(0, 'B');
    note(1, 'B');
    ck_assert_int_eq(note(3, 'B'), TALLY_CONFLICT); /* B is tracked, but nobody claims it */
    ck_assert(!tally_majority(&tally, NULL));
    ck_assert_int_eq(tally.power, 3);
    end();
}
END_TEST

START_TEST(a_conflict_counts_for_a_claimed_block_and_not_twice_in_the_power) {
    begin_four();
    note(3, 'A');
    note(0, 'B');
    note(1, 'B');
    ck_assert(claim(9, 'B'));
    ck_assert_int_eq(note(3, 'B'), TALLY_CONFLICT_COUNTED);
    ck_assert(majority_for('B'));
    ck_assert_int_eq(tally.power, 3);
    ck_assert_int_eq(note(3, 'B'), TALLY_DUPLICATE);
    ck_assert_int_eq(note(3, 'A'), TALLY_DUPLICATE); /* both are known now */
    ck_assert_uint_eq(voted_for('A'), 1);
    ck_assert_uint_eq(voted_for('B'), 3);
    ck_assert_int_eq(note(3, 'C'), TALLY_CONFLICT);
    end();
}
END_TEST

START_TEST(the_first_majority_stays) {
    begin_four();
    for (uint32_t i = 0; i < 3; i++)
        note(i, 'A');
    claim(9, 'B');
    for (uint32_t i = 0; i < 4; i++)
        note(i, 'B');
    ck_assert(majority_for('A') && !majority_for('B'));
    ck_assert_uint_eq(voted_for('B'), 4);
    end();
}
END_TEST

START_TEST(the_votes_shown_are_those_of_the_majority) {
    begin_four();
    struct vote vote;
    note(3, 'A');
    note(2, 'A');
    claim(9, 'B');
    note(3, 'B');
    ck_assert(tally_vote(&tally, &vote, 3));
    ck_assert_int_eq(story_letter(&vote.block_id), 'A');
    note(0, 'B');
    note(1, 'B');
    ck_assert(tally_vote(&tally, &vote, 3));
    ck_assert_int_eq(story_letter(&vote.block_id), 'B');
    ck_assert_int_eq(note(2, 'B'), TALLY_CONFLICT_COUNTED); /* and those that come after it */
    ck_assert(tally_vote(&tally, &vote, 2));
    ck_assert_int_eq(story_letter(&vote.block_id), 'B');
    ck_assert_int_eq(note(2, 'A'), TALLY_DUPLICATE);
    ck_assert(!tally_vote(&tally, &vote, 4));
    end();
}
END_TEST

START_TEST(a_conflict_after_the_majority_counts_for_it) {
    begin_four();
    note(3, 'A');
    for (uint32_t i = 0; i < 3; i++)
        note(i, 'B');
    ck_assert_int_eq(note(3, 'B'), TALLY_CONFLICT_COUNTED);
    ck_assert_uint_eq(voted_for('B'), 4);
    end();
}
END_TEST

START_TEST(a_peer_claims_one_block) {
    begin_four();
    ck_assert(claim(1, 'A'));
    ck_assert(claim(1, 'A'));
    ck_assert(!claim(1, 'B'));
    ck_assert_uint_eq(voted_for('A'), 0);
    ck_assert_uint_eq(voted_for('B'), UINT32_MAX);
    for (uint32_t peer = 2; peer <= TALLY_CLAIMS_MAX; peer++)
        ck_assert(claim(peer, 'A'));
    ck_assert(!claim(TALLY_CLAIMS_MAX + 1, 'A'));
    ck_assert(claim(TALLY_CLAIMS_MAX, 'A'));
    end();
}
END_TEST

START_TEST(a_liar_is_accused_once) {
    begin_four();
    ck_assert(tally_accuse(&tally, 2));
    ck_assert(!tally_accuse(&tally, 2));
    ck_assert(tally_accuse(&tally, 3));
    ck_assert(!tally_accuse(&tally, 4));
    end();
}
END_TEST

START_TEST(a_full_arena_refuses_votes_and_keeps_what_it_has) {
    begin_four();
    note(0, 'A');
    note(1, 'A');
    arena.bytes_max = arena.bytes_taken;
    ck_assert_int_eq(note(2, 'A'), TALLY_FULL);
    ck_assert_int_eq(note(2, 'B'), TALLY_FULL);
    ck_assert(claim(5, 'C'));
    ck_assert_uint_eq(voted_for('A'), 2);
    ck_assert(!tally_has(&tally, 2));
    struct tally other;
    ck_assert(!tally_init(&other, &arena, &set, 7, 3, VOTE_PREVOTE));
    arena.bytes_max += 4096;
    ck_assert_int_eq(note(2, 'A'), TALLY_ADDED);
    ck_assert(majority_for('A'));
    end();
}
END_TEST

START_TEST(a_commit_has_votes_for_the_block_and_nil_and_leaves_the_rest_absent) {
    begin((const int64_t[]){4, 4, 1, 1, 1}, 5, VOTE_PRECOMMIT);
    struct commit commit;
    note(0, 'A');
    ck_assert(!tally_commit(&tally, &commit, &arena));
    note(2, '0');
    note(3, 'B');
    note(1, 'A');
    ck_assert(tally_commit(&tally, &commit, &arena));
    const int32_t flags[] = {COMMIT_FOR_BLOCK, COMMIT_FOR_BLOCK, COMMIT_FOR_NIL, COMMIT_ABSENT, COMMIT_ABSENT};
    ck_assert_uint_eq(commit.count, 5);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_int_eq(commit.sigs[i].flag, flags[i]);
    ck_assert_int_eq(commit.height, 7);
    ck_assert_int_eq(commit.round, 2);
    ck_assert_int_eq(story_letter(&commit.block_id), 'A');
    ck_assert_uint_eq(commit.sigs[3].signature.size, 0);
    ck_assert(timestamp_is_zero(&commit.sigs[4].timestamp));
    struct vote vote;
    commit_vote(&vote, &commit, 2);
    ck_assert_int_eq(note(2, '0'), TALLY_DUPLICATE);
    ck_assert_int_eq(tally_note(&tally, NULL, &vote), TALLY_DUPLICATE); /* the very vote that went in */
    ck_assert_int_eq(commit_check(&commit), COMMIT_GOOD);
    struct arena small;
    arena_init(&small, 8);
    ck_assert(!tally_commit(&tally, &commit, &small));
    arena_close(&small);
    end();
}
END_TEST

START_TEST(nil_makes_no_commit) {
    begin_four();
    struct commit commit;
    for (uint32_t i = 0; i < 4; i++)
        note(i, '0');
    ck_assert(!tally_commit(&tally, &commit, &arena));
    end();
}
END_TEST

START_TEST(an_extension_is_copied_and_comes_out_again) {
    begin_four();
    uint8_t bytes[] = "price";
    struct vote vote = story_vote(&set, 7, 2, VOTE_PRECOMMIT, 0, 'A'), out;
    vote.extension = span_of(bytes, 5);
    vote.extension_signature = (struct signature){.size = 64, .bytes = {1, 2, 3}};
    ck_assert_int_eq(tally_note(&tally, NULL, &vote), TALLY_ADDED);
    bytes[0] = 'P';
    ck_assert(tally_vote(&tally, &out, 0));
    ck_assert(span_equal(out.extension, span_text("price")));
    ck_assert_uint_eq(out.extension_signature.size, 64);
    end();
}
END_TEST

START_TEST(a_commit_has_the_extensions_of_its_votes_and_of_no_others) {
    begin_four();
    struct commit commit;
    for (uint32_t i = 0; i < 4; i++) {
        struct vote vote = story_vote(&set, 7, 2, VOTE_PRECOMMIT, i, i == 3 ? 'B' : 'A');
        vote.extension = span_text(i == 0 ? "" : "price");
        vote.extension_signature = (struct signature){.size = 64, .bytes = {(uint8_t)(i + 1)}};
        ck_assert_int_eq(tally_note(&tally, NULL, &vote), TALLY_ADDED);
    }
    ck_assert(tally_commit(&tally, &commit, &arena));
    ck_assert_ptr_nonnull(commit.extensions);
    ck_assert_int_eq(commit_extended_ensure(&commit), COMMIT_GOOD);
    ck_assert(span_equal(commit.extensions[1].bytes, span_text("price")));
    ck_assert_uint_eq(commit.extensions[2].signature.bytes[0], 3);
    ck_assert_int_eq(commit.sigs[3].flag, COMMIT_ABSENT);
    ck_assert_uint_eq(commit.extensions[3].signature.size, 0);
    end();
}
END_TEST

START_TEST(a_commit_of_plain_votes_has_no_table_of_extensions) {
    begin_four();
    struct commit commit;
    for (uint32_t i = 0; i < 3; i++)
        note(i, 'A');
    ck_assert(tally_commit(&tally, &commit, &arena));
    ck_assert_ptr_null(commit.extensions);
    end();
}
END_TEST

/* One liar per block, and ten thousand of them: memory and time stay small. */
START_TEST(ten_thousand_validators_with_as_many_blocks_are_borne) {
    static int64_t powers[VALSET_COUNT_MAX];
    for (uint32_t i = 0; i < VALSET_COUNT_MAX; i++)
        powers[i] = 1;
    begin(powers, VALSET_COUNT_MAX, VOTE_PREVOTE);
    arena.bytes_max = 1 << 26;
    for (uint32_t i = 0; i < VALSET_COUNT_MAX; i++) {
        struct vote vote = story_vote(&set, 7, 2, VOTE_PREVOTE, i, 'A');
        if (i >= 6667)
            vote.block_id.hash.bytes[0] = (uint8_t)i, vote.block_id.hash.bytes[1] = (uint8_t)(i >> 8);
        ck_assert_int_eq(tally_note(&tally, NULL, &vote), TALLY_ADDED);
    }
    ck_assert(majority_for('A'));
    ck_assert(tally_is_complete(&tally));
    ck_assert_uint_lt(arena.bytes_taken, 12 << 20);
    end();
}
END_TEST

Suite *suite_tally(void);
Suite *suite_tally(void) {
    Suite *suite = suite_create("tally");
    TCase *tests = tcase_create("tally");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, more_than_two_thirds_of_the_power_make_the_majority);
    tcase_add_test(tests, a_quorum_of_huge_powers_does_not_overflow);
    tcase_add_test(tests, nil_is_a_block_like_others);
    tcase_add_test(tests, two_thirds_of_anything_are_no_majority);
    tcase_add_test(tests, a_vote_counts_once);
    tcase_add_test(tests, a_vote_that_does_not_belong_here_is_refused);
    tcase_add_test(tests, the_first_vote_counts_and_the_second_is_a_conflict);
    tcase_add_test(tests, a_conflict_counts_for_a_claimed_block_and_not_twice_in_the_power);
    tcase_add_test(tests, the_first_majority_stays);
    tcase_add_test(tests, the_votes_shown_are_those_of_the_majority);
    tcase_add_test(tests, a_conflict_after_the_majority_counts_for_it);
    tcase_add_test(tests, a_peer_claims_one_block);
    tcase_add_test(tests, a_liar_is_accused_once);
    tcase_add_test(tests, a_full_arena_refuses_votes_and_keeps_what_it_has);
    tcase_add_test(tests, a_commit_has_votes_for_the_block_and_nil_and_leaves_the_rest_absent);
    tcase_add_test(tests, nil_makes_no_commit);
    tcase_add_test(tests, an_extension_is_copied_and_comes_out_again);
    tcase_add_test(tests, a_commit_has_the_extensions_of_its_votes_and_of_no_others);
    tcase_add_test(tests, a_commit_of_plain_votes_has_no_table_of_extensions);
    tcase_add_test(tests, ten_thousand_validators_with_as_many_blocks_are_borne);
    suite_add_tcase(suite, tests);
    return suite;
}
