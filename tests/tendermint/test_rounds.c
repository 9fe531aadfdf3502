#include "tests/tendermint/story.h"

#include <check.h>

static struct valset set;
static struct arena arena;
static struct rounds rounds;

static void begin(void) {
    valset_init(&set);
    story_valset(&set, (const int64_t[]){1, 1, 1, 1}, 4);
    arena_init(&arena, 1 << 24);
    ck_assert(rounds_init(&rounds, &arena, &set, 7));
}

static void end(void) {
    arena_close(&arena);
    valset_close(&set);
}

static enum rounds_note note(enum tally_note *tallied, int32_t round, int32_t type, uint32_t index, char letter,
                             uint32_t peer) {
    struct vote vote = story_vote(&set, 7, round, type, index, letter);
    return rounds_note(&rounds, tallied, NULL, &vote, peer);
}

static bool counted(int32_t round, int32_t type, uint32_t index, char letter, uint32_t peer) {
    enum tally_note tallied;
    return note(&tallied, round, type, index, letter, peer) == ROUNDS_TALLIED && tallied == TALLY_ADDED;
}

static bool exists(int32_t round) { return rounds_tally(&rounds, round, VOTE_PREVOTE) != NULL; }

START_TEST(this_round_and_the_next_exist_by_themselves) {
    begin();
    ck_assert(exists(0) && exists(1) && !exists(2) && !exists(-1));
    ck_assert(rounds_advance(&rounds, 5));
    for (int32_t round = 0; round <= 6; round++) {
        const struct tally *prevotes = rounds_tally(&rounds, round, VOTE_PREVOTE);
        const struct tally *precommits = rounds_tally(&rounds, round, VOTE_PRECOMMIT);
        ck_assert_int_eq(prevotes->round, round);
        ck_assert_int_eq(prevotes->type, VOTE_PREVOTE);
        ck_assert_int_eq(precommits->type, VOTE_PRECOMMIT);
        ck_assert_int_eq(precommits->height, 7);
    }
    ck_assert(!exists(7));
    ck_assert_ptr_null(rounds_tally(&rounds, 0, VOTE_PROPOSAL));
    ck_assert_ptr_null(rounds_tally(&rounds, 0, VOTE_UNKNOWN));
    end();
}
END_TEST

START_TEST(a_peer_opens_two_far_rounds) {
    begin();
    enum tally_note tallied;
    ck_assert(counted(9, VOTE_PREVOTE, 0, 'A', 1));
    ck_assert(counted(4, VOTE_PRECOMMIT, 0, 'A', 1));
    ck_assert_int_eq(note(&tallied, 5, VOTE_PREVOTE, 0, 'A', 1), ROUNDS_UNWANTED);
    ck_assert(exists(4) && exists(9) && !exists(5));
    ck_assert(counted(9, VOTE_PRECOMMIT, 1, 'A', 1)); /* what is open is open to all */
    ck_assert(counted(5, VOTE_PREVOTE, 0, 'A', 2));
    ck_assert(counted(5, VOTE_PREVOTE, 1, 'A', 1));
    ck_assert(counted(1, VOTE_PREVOTE, 1, 'A', 1));
    end();
}
END_TEST

START_TEST(a_round_that_was_opened_early_keeps_its_votes) {
    begin();
    ck_assert(counted(3, VOTE_PREVOTE, 2, 'A', 1));
    ck_assert(rounds_advance(&rounds, 3));
    ck_assert(tally_has(rounds_tally(&rounds, 3, VOTE_PREVOTE), 2));
    for (uint32_t i = 1; i < rounds.count; i++)
        ck_assert_int_lt(rounds.pairs[i - 1]->round, rounds.pairs[i]->round);
    end();
}
END_TEST

START_TEST(a_vote_that_nobody_could_count_opens_no_round) {
    begin();
    enum tally_note tallied;
    struct vote vote = story_vote(&set, 7, 9, VOTE_PREVOTE, 0, 'A');
    vote.validator_index = 4;
    ck_assert_int_eq(rounds_note(&rounds, &tallied, NULL, &vote, 1), ROUNDS_TALLIED);
    ck_assert_int_eq(tallied, TALLY_NOT_OURS);
    vote = story_vote(&set, 7, 9, VOTE_PREVOTE, 0, 'A');
    vote.validator_address.bytes[3] = 1;
    rounds_note(&rounds, &tallied, NULL, &vote, 1);
    ck_assert_int_eq(tallied, TALLY_NOT_OURS);
    vote = story_vote(&set, 8, 9, VOTE_PREVOTE, 0, 'A');
    rounds_note(&rounds, &tallied, NULL, &vote, 1);
    ck_assert_int_eq(tallied, TALLY_NOT_OURS);
    vote = story_vote(&set, 7, 9, VOTE_PROPOSAL, 0, 'A');
    rounds_note(&rounds, &tallied, NULL, &vote, 1);
    ck_assert_int_eq(tallied, TALLY_NOT_OURS);
    note(&tallied, -5, VOTE_PREVOTE, 0, 'A', 1);
    ck_assert_int_eq(tallied, TALLY_NOT_OURS);
    ck_assert(!exists(9) && !exists(-5));
    ck_assert_int_eq(note(&tallied, ROUNDS_ROUND_MAX + 1, VOTE_PREVOTE, 0, 'A', 1), ROUNDS_UNWANTED);
    ck_assert_int_eq(note(&tallied, INT32_MAX, VOTE_PREVOTE, 0, 'A', 1), ROUNDS_UNWANTED);
    ck_assert_uint_eq(rounds.catchup_peer_count, 0);
    end();
}
END_TEST

START_TEST(peers_beyond_the_table_open_nothing) {
    begin();
    enum tally_note tallied;
    for (uint32_t peer = 1; peer <= ROUNDS_PEERS_MAX; peer++)
        ck_assert(counted(100 + (int32_t)peer, VOTE_PREVOTE, 0, 'A', peer));
    ck_assert_int_eq(note(&tallied, 99, VOTE_PREVOTE, 0, 'A', ROUNDS_PEERS_MAX + 1), ROUNDS_UNWANTED);
    ck_assert(counted(99, VOTE_PREVOTE, 0, 'A', ROUNDS_PEERS_MAX));
    end();
}
END_TEST

START_TEST(a_full_arena_opens_no_round_and_breaks_nothing) {
    begin();
    enum tally_note tallied;
    arena.bytes_max = arena.bytes_taken + 900;
    ck_assert(!rounds_advance(&rounds, 40));
    ck_assert_int_eq(rounds.round, 40);
    ck_assert_int_eq(note(&tallied, 30, VOTE_PREVOTE, 0, 'A', 1), ROUNDS_TALLIED);
    ck_assert_int_eq(tallied, TALLY_FULL);
    ck_assert(exists(0));
    arena.bytes_max = 1 << 24;
    ck_assert(counted(30, VOTE_PREVOTE, 0, 'A', 1)); /* a round gone by is opened when room comes back */
    end();
}
END_TEST

START_TEST(a_claim_reaches_its_tally_only) {
    begin();
    struct block_id a = story_block_id('A'), b = story_block_id('B');
    ck_assert(rounds_claim(&rounds, 1, 0, VOTE_PREVOTE, &a));
    ck_assert(!rounds_claim(&rounds, 1, 0, VOTE_PREVOTE, &b));
    ck_assert(rounds_claim(&rounds, 1, 0, VOTE_PRECOMMIT, &b));
    ck_assert(rounds_claim(&rounds, 1, 50, VOTE_PRECOMMIT, &a));
    ck_assert(rounds_claim(&rounds, 1, 50, VOTE_PRECOMMIT, &b)); /* no such round: nothing is remembered */
    ck_assert(rounds_claim(&rounds, 1, 0, 77, &b));
    ck_assert(!exists(50));
    ck_assert_ptr_nonnull(tally_voted_for(rounds_tally(&rounds, 0, VOTE_PREVOTE), &a));
    end();
}
END_TEST

START_TEST(the_newest_polka_is_found) {
    begin();
    struct block_id id;
    rounds_advance(&rounds, 4);
    ck_assert_int_eq(rounds_pol(&rounds, &id, 4), -1);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert(counted(1, VOTE_PREVOTE, i, 'A', 1));
        ck_assert(counted(3, VOTE_PREVOTE, i, '0', 1));
        ck_assert(counted(4, VOTE_PRECOMMIT, i, 'B', 1));
    }
    ck_assert_int_eq(rounds_pol(&rounds, &id, 4), 3);
    ck_assert(block_id_is_nil(&id));
    ck_assert_int_eq(rounds_pol(&rounds, &id, 2), 1);
    ck_assert_int_eq(story_letter(&id), 'A');
    ck_assert_int_eq(rounds_pol(&rounds, NULL, 0), -1);
    end();
}
END_TEST

START_TEST(a_liar_is_accused_once_per_round_and_type) {
    begin();
    struct vote vote = story_vote(&set, 7, 0, VOTE_PREVOTE, 2, 'A');
    ck_assert(rounds_accuse(&rounds, &vote));
    ck_assert(!rounds_accuse(&rounds, &vote));
    vote.round = 1;
    ck_assert(rounds_accuse(&rounds, &vote));
    vote.round = 77;
    ck_assert(!rounds_accuse(&rounds, &vote));
    end();
}
END_TEST

Suite *suite_rounds(void);
Suite *suite_rounds(void) {
    Suite *suite = suite_create("rounds");
    TCase *tests = tcase_create("rounds");
    tcase_add_test(tests, this_round_and_the_next_exist_by_themselves);
    tcase_add_test(tests, a_peer_opens_two_far_rounds);
    tcase_add_test(tests, a_round_that_was_opened_early_keeps_its_votes);
    tcase_add_test(tests, a_vote_that_nobody_could_count_opens_no_round);
    tcase_add_test(tests, peers_beyond_the_table_open_nothing);
    tcase_add_test(tests, a_full_arena_opens_no_round_and_breaks_nothing);
    tcase_add_test(tests, a_claim_reaches_its_tally_only);
    tcase_add_test(tests, the_newest_polka_is_found);
    tcase_add_test(tests, a_liar_is_accused_once_per_round_and_type);
    suite_add_tcase(suite, tests);
    return suite;
}
