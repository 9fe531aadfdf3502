#include <check.h>
#include <stdlib.h>

#include "tendermint/audit_lock.h"
#include "tests/tendermint/trial.h"

static const int64_t four[] = {1, 1, 1, 1};
static const int64_t seven[] = {1, 1, 1, 1, 1, 1, 1};
static struct trial trial;

#define PREVOTE   VOTE_PREVOTE
#define PRECOMMIT VOTE_PRECOMMIT
#define open(rule)  trial_open(&trial, rule, four, 4)
#define say(...)    trial_say(&trial, __VA_ARGS__)
#define commit(...) trial_commit(&trial, __VA_ARGS__)

/* ---- what stands alone */

START_TEST(two_votes_of_one_round_prove_whoever_signed_them) {
    open(AUDIT_STRICT);
    say(PREVOTE, 0, "0123", 'a');
    say(PREVOTE, 0, "2", 'b');
    say(PRECOMMIT, 1, "3", '0');
    say(PRECOMMIT, 1, "3", 'b');
    commit(0, "012", 'a');
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "E1 2, E1 3");
    ck_assert_int_eq(trial.report.proven_power, 2);
    ck_assert(trial.report.third_reached);
    trial_close(&trial);
}
END_TEST

START_TEST(the_same_vote_with_another_time_proves_nothing) {
    open(AUDIT_STRICT);
    say(PREVOTE, 0, "0123", 'a');
    struct vote *again = &trial.votes[trial.vote_count++];
    *again = trial.votes[0];
    again->timestamp.seconds += 5;
    signers_sign_vote(&trial.signers, again);
    commit(0, "012", 'a');
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "");
    trial_close(&trial);
}
END_TEST

START_TEST(two_commits_of_one_round_convict_all_who_signed_both) {
    open(AUDIT_STRICT);
    commit(2, "012", 'a');
    commit(2, "123", 'b');
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "E3 1, E3 2");
    ck_assert(trial.report.third_reached);
    trial_close(&trial);
}
END_TEST

START_TEST(two_proposals_of_one_round_prove_their_proposer) {
    open(AUDIT_STRICT);
    trial_propose(&trial, 0, 1, 'a');
    trial_propose(&trial, 0, 1, 'b');
    trial_propose(&trial, 1, 2, 'b');
    trial_propose(&trial, 1, 2, 'b');
    commit(0, "012", 'a');
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "E2 1");
    trial_close(&trial);
}
END_TEST

START_TEST(votes_on_two_parents_convict_without_a_log_whatever_their_rounds) {
    open(AUDIT_STRICT);
    commit(0, "012", 'a');
    commit(3, "123", 'b');
    struct block_id on_a = trial_block_on(&trial, 'x', TRIAL_HEIGHT + 1, &trial.commits[0].id);
    struct block_id on_b = trial_block_on(&trial, 'y', TRIAL_HEIGHT + 1, &trial.commits[1].id);
    trial_say_next(&trial, PRECOMMIT, 0, "012", &on_a);
    trial_say_next(&trial, PREVOTE, 7, "123", &on_b);
    trial_judge(&trial);
    ck_assert_int_eq(trial.report.next_proven_power, 2);
    ck_assert(trial.report.third_reached);
    ck_assert_int_eq(trial_finding(&trial, 1)->kind, AUDIT_E4);
    ck_assert_int_eq(trial_finding(&trial, 2)->kind, AUDIT_E4);
    trial_close(&trial);
}
END_TEST

START_TEST(votes_for_two_blocks_on_one_parent_in_two_rounds_are_no_offence) {
    open(AUDIT_STRICT);
    commit(0, "0123", 'a');
    say(PREVOTE, 0, "0123", 'a');
    struct block_id one = trial_block_on(&trial, 'x', TRIAL_HEIGHT + 1, &trial.commits[0].id);
    struct block_id other = trial_block_on(&trial, 'y', TRIAL_HEIGHT + 1, &trial.commits[0].id);
    trial_say_next(&trial, PREVOTE, 0, "012", &one);
    trial_say_next(&trial, PREVOTE, 1, "123", &other);
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "");
    trial_close(&trial);
}
END_TEST

START_TEST(a_vote_for_a_header_that_contradicts_its_parent_proves) {
    open(AUDIT_STRICT);
    commit(0, "012", 'a');
    say(PREVOTE, 0, "012", 'a');
    struct block_id bad = trial_block_on(&trial, 'x', TRIAL_HEIGHT + 1, &trial.commits[0].id);
    for (uint32_t i = 0; i < trial.header_count; i++)
        if (digest_equal(&trial.headers[i].hash, &bad.hash)) {
            trial.headers[i].header.validators_hash.bytes[0] ^= 1;
            header_hash(&trial.headers[i].hash, &trial.headers[i].header);
            bad.hash = trial.headers[i].hash;
        }
    trial_say_next(&trial, PREVOTE, 0, "3", &bad);
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "E5 3");
    trial_close(&trial);
}
END_TEST

START_TEST(without_any_log_the_signers_of_both_commits_are_asked_for_their_polkas) {
    open(AUDIT_STRICT);
    commit(0, "012", 'a');
    commit(1, "123", 'b');
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "A2? 0, A2? 1, A2? 2, A2? 3");
    ck_assert(!trial.report.has_polka);
    trial_close(&trial);
}
END_TEST

/* ---- amnesia */

/* a is decided at round 0 by 0, 1, 2; then 1, 2, 3 decide b at round 1: 1 and 2 forgot. */
static void fork_by_amnesia(enum audit_rule rule) {
    open(rule);
    say(PREVOTE, 0, "0123", 'a');
    commit(0, "012", 'a');
    say(PREVOTE, 1, "123", 'b');
    commit(1, "123", 'b');
}

START_TEST(amnesia_without_logs_makes_suspects_and_no_more) {
    fork_by_amnesia(AUDIT_STRICT);
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "A1? 1, A1? 2");
    ck_assert(!trial.report.third_reached);
    ck_assert_int_eq(trial.report.suspect_power, 2);
    ck_assert_int_eq(trial.report.polka_round, 1);
    trial_close(&trial);
}
END_TEST

START_TEST(amnesia_is_convicted_by_the_own_log_or_by_silence_after_the_deadline) {
    fork_by_amnesia(AUDIT_STRICT);
    trial_log(&trial, 1, NULL, true);
    trial.deadline_passed = true;
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "A1! 1, A1. 2");
    ck_assert_int_eq(trial.report.by_log_power, 1);
    ck_assert_int_eq(trial.report.by_silence_power, 1);
    ck_assert(trial.report.third_reached);
    trial_close(&trial);
}
END_TEST

START_TEST(a_log_made_before_the_vote_in_question_convicts_nobody) {
    open(AUDIT_STRICT);
    say(PREVOTE, 0, "0123", 'a');
    commit(0, "012", 'a');
    trial_log(&trial, 1, NULL, true); /* an honest one, who will see a polka for nil at round 1, and be free at round 2 */
    say(PREVOTE, 2, "123", 'b');
    commit(2, "123", 'b');
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "A1? 1, A1? 2");
    trial_close(&trial);
}
END_TEST

START_TEST(a_polka_in_between_clears_even_one_for_nil) {
    open(AUDIT_STRICT);
    say(PREVOTE, 0, "0123", 'a');
    commit(0, "012", 'a');
    say(PREVOTE, 1, "013", '0');
    say(PREVOTE, 2, "123", 'b');
    commit(2, "123", 'b');
    trial_judge(&trial);
    /* 2 was freed by the polka that 0, 1 and 3 made; for their own prevotes of nil 0 and 1 have no such excuse */
    ck_assert_str_eq(trial_text(&trial), "A1? 0, A1? 1, A1ok 2");
    ck_assert_int_eq(trial_finding(&trial, 2)->excuse_round, 1);
    ck_assert_int_eq(trial.report.polka_round, 1);
    trial_close(&trial);
}
END_TEST

START_TEST(a_precommit_without_a_polka_is_convicted_by_the_own_log) {
    open(AUDIT_STRICT);
    say(PREVOTE, 0, "01", 'a');
    say(PREVOTE, 0, "23", '0');
    say(PRECOMMIT, 0, "0", 'a');
    say(PREVOTE, 1, "0123", 'b');
    commit(1, "123", 'b');
    trial_log(&trial, 0, NULL, true);
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "A1! 0, A2! 0");
    trial_close(&trial);
}
END_TEST

/* ---- the lock rule matters */

/* Six of seven would do; the three attackers are 0, 1, 2. */
static void hide_among_the_honest(enum audit_rule rule) {
    trial_open(&trial, rule, seven, 7);
    say(PREVOTE, 0, "01234", 'a');
    commit(0, "01234", 'a');           /* 5 decided a, and is gone */
    say(PREVOTE, 1, "01256", 'b');     /* a polka; 3 sees it before its own prevote of the round: by CometBFT's rule it is free, and joins */
    say(PREVOTE, 1, "3", 'b');
    commit(1, "012356", 'b');
    trial.deadline_passed = true;
}

START_TEST(a_third_and_one_hide_behind_the_honest_under_comet) {
    hide_among_the_honest(AUDIT_COMET);
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "SET~ 0, SET~ 1, SET~ 2, SET~ 3");
    ck_assert(!trial.report.third_reached);
    ck_assert_int_eq(trial.report.set_power, 4);
    ck_assert_int_eq(trial.report.set_guilty_power, 3);
    trial_close(&trial);
}
END_TEST

START_TEST(under_strict_the_honest_one_keeps_its_lock_and_the_same_attack_is_attributed) {
    trial_open(&trial, AUDIT_STRICT, seven, 7);
    say(PREVOTE, 0, "01234", 'a');
    commit(0, "01234", 'a');
    say(PREVOTE, 1, "01256", 'b');
    say(PREVOTE, 1, "3", 'a'); /* it unlocks only after its own prevote; then it may precommit b */
    commit(1, "012356", 'b');
    trial.deadline_passed = true;
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "A1. 0, A1. 1, A1. 2");
    ck_assert(trial.report.third_reached);
    trial_close(&trial);
}
END_TEST

/* 2 is honest and of our rule: locked on a at round 0, freed by the polka for nil at round 1, it votes for the new block b at round 2. The paper
 * allows that only with a polka for b. */
START_TEST(the_paper_s_predicate_would_accuse_an_honest_validator_and_ours_clears_it) {
    enum audit_rule rules[] = {AUDIT_PAPER, AUDIT_STRICT};
    for (int i = 0; i < 2; i++) {
        open(rules[i]);
        say(PREVOTE, 0, "0123", 'a');
        commit(0, "012", 'a');
        say(PREVOTE, 1, "013", '0');
        say(PREVOTE, 1, "2", 'a');
        say(PREVOTE, 2, "123", 'b');
        commit(2, "123", 'b');
        trial_log(&trial, 2, NULL, true);
        trial_judge(&trial);
        ck_assert_int_eq(trial_finding(&trial, 2)->status, rules[i] == AUDIT_PAPER ? AUDIT_CONVICTED_BY_LOG : AUDIT_CLEARED);
        trial_close(&trial);
    }
}
END_TEST

START_TEST(the_paper_allows_nil_and_what_an_older_polka_is_for) {
    open(AUDIT_PAPER);
    say(PREVOTE, 0, "0123", 'a');
    commit(0, "012", 'a');
    say(PREVOTE, 1, "0", '0');
    say(PREVOTE, 1, "123", 'b'); /* 1 and 2 may not; at round 2 all may */
    say(PREVOTE, 2, "0123", 'b');
    commit(2, "0123", 'b');
    trial_judge(&trial);
    ck_assert_str_eq(trial_text(&trial), "A1ok 0, A1? 1, A1? 2");
    trial_close(&trial);
}
END_TEST

/* ---- order, forgeries, floods */

START_TEST(the_order_of_what_is_put_in_changes_no_byte_of_the_bundle) {
    uint8_t *first = NULL;
    size_t first_size = 0;
    for (uint32_t turn = 0; turn < 8; turn++) {
        fork_by_amnesia(AUDIT_STRICT);
        trial_propose(&trial, 0, 1, 'b');
        trial_propose(&trial, 0, 1, 'a');
        for (uint32_t i = 0; i < trial.vote_count; i++) {
            struct vote kept = trial.votes[i];
            uint32_t j = (i * 7 + turn * 5) % trial.vote_count;
            trial.votes[i] = trial.votes[j];
            trial.votes[j] = kept;
        }
        for (uint32_t i = 0; i < turn * 5; i++)
            trial.votes[trial.vote_count++] = trial.votes[i];
        if (turn % 2 == 1) {
            struct audit_commit kept = trial.commits[0];
            trial.commits[0] = trial.commits[1];
            trial.commits[1] = kept;
        }
        trial_judge(&trial);
        if (first == NULL) {
            first_size = trial.bundle.size;
            first = malloc(first_size);
            ck_assert_ptr_nonnull(first);
            memcpy(first, trial.bundle.data, first_size);
        }
        ck_assert(span_equal(trial.bundle, span_of(first, first_size)));
        trial_close(&trial);
    }
    free(first);
}
END_TEST

START_TEST(votes_that_are_forged_foreign_or_of_strangers_are_told_apart_and_dropped) {
    struct audit_votes votes;
    open(AUDIT_STRICT);
    struct block_id id = trial_block(&trial, 'a');
    struct vote good = trial_vote(&trial, PREVOTE, TRIAL_HEIGHT, 0, 1, &id), bad;
    ck_assert(audit_votes_init(&votes, &trial.arena, &trial.signers.set, signers_chain(), TRIAL_HEIGHT));
    ck_assert_int_eq(audit_votes_add(&votes, &good), AUDIT_VOTE_ADDED);
    ck_assert_int_eq(audit_votes_add(&votes, &good), AUDIT_VOTE_KNOWN);
    bad = good;
    bad.block_id = trial_block(&trial, 'b');
    ck_assert_int_eq(audit_votes_add(&votes, &bad), AUDIT_VOTE_FORGED);
    bad = good;
    bad.validator_index = 2;
    ck_assert_int_eq(audit_votes_add(&votes, &bad), AUDIT_VOTE_STRANGER);
    bad = good;
    bad.validator_index = 77;
    ck_assert_int_eq(audit_votes_add(&votes, &bad), AUDIT_VOTE_STRANGER);
    bad = good;
    bad.height++;
    ck_assert_int_eq(audit_votes_add(&votes, &bad), AUDIT_VOTE_OTHER_HEIGHT);
    bad = good;
    bad.type = 9;
    ck_assert_int_eq(audit_votes_add(&votes, &bad), AUDIT_VOTE_MALFORMED);
    struct audit_votes foreign;
    ck_assert(audit_votes_init(&foreign, &trial.arena, &trial.signers.set, span_text("other-chain"), TRIAL_HEIGHT));
    ck_assert_int_eq(audit_votes_add(&foreign, &good), AUDIT_VOTE_FORGED);
    trial_close(&trial);
}
END_TEST

START_TEST(a_validator_that_floods_fills_its_own_share_and_no_memory) {
    struct audit_votes votes;
    struct signers small;
    struct arena arena;
    const int64_t one[] = {1};
    signers_init(&small, one, 1, 0);
    arena_init(&arena, 64 << 20);
    ck_assert(audit_votes_init(&votes, &arena, &small.set, signers_chain(), 1));
    struct vote vote;
    vote_init(&vote);
    vote.type = PREVOTE;
    vote.height = 1;
    uint32_t added = 0;
    for (int32_t round = 0; round < AUDIT_VOTES_PER_VALIDATOR_MAX + 5; round++) {
        vote.round = round;
        signers_sign_vote(&small, &vote);
        added += audit_votes_add(&votes, &vote) == AUDIT_VOTE_ADDED;
    }
    ck_assert_uint_eq(added, AUDIT_VOTES_PER_VALIDATOR_MAX);
    ck_assert(audit_votes_seal(&votes));
    arena_close(&arena);
    signers_close(&small);
}
END_TEST

START_TEST(a_small_arena_is_refused_and_nothing_breaks) {
    struct arena small;
    struct audit_votes votes;
    open(AUDIT_STRICT);
    arena_init(&small, 20000);
    ck_assert(audit_votes_init(&votes, &small, &trial.signers.set, signers_chain(), TRIAL_HEIGHT));
    struct block_id id = trial_block(&trial, 'a');
    enum audit_note note = AUDIT_VOTE_ADDED;
    for (int32_t round = 0; note == AUDIT_VOTE_ADDED; round++) {
        struct vote vote = trial_vote(&trial, PREVOTE, TRIAL_HEIGHT, round, 1, &id);
        note = audit_votes_add(&votes, &vote);
    }
    ck_assert_int_eq(note, AUDIT_VOTE_NO_ROOM);
    arena_close(&small);
    trial_close(&trial);
}
END_TEST

Suite *suite_audit(void);
Suite *suite_audit(void) {
    Suite *suite = suite_create("audit");
    TCase *tests = tcase_create("rules");
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, two_votes_of_one_round_prove_whoever_signed_them);
    tcase_add_test(tests, the_same_vote_with_another_time_proves_nothing);
    tcase_add_test(tests, two_commits_of_one_round_convict_all_who_signed_both);
    tcase_add_test(tests, two_proposals_of_one_round_prove_their_proposer);
    tcase_add_test(tests, votes_on_two_parents_convict_without_a_log_whatever_their_rounds);
    tcase_add_test(tests, votes_for_two_blocks_on_one_parent_in_two_rounds_are_no_offence);
    tcase_add_test(tests, a_vote_for_a_header_that_contradicts_its_parent_proves);
    tcase_add_test(tests, without_any_log_the_signers_of_both_commits_are_asked_for_their_polkas);
    tcase_add_test(tests, amnesia_without_logs_makes_suspects_and_no_more);
    tcase_add_test(tests, amnesia_is_convicted_by_the_own_log_or_by_silence_after_the_deadline);
    tcase_add_test(tests, a_log_made_before_the_vote_in_question_convicts_nobody);
    tcase_add_test(tests, a_polka_in_between_clears_even_one_for_nil);
    tcase_add_test(tests, a_precommit_without_a_polka_is_convicted_by_the_own_log);
    tcase_add_test(tests, a_third_and_one_hide_behind_the_honest_under_comet);
    tcase_add_test(tests, under_strict_the_honest_one_keeps_its_lock_and_the_same_attack_is_attributed);
    tcase_add_test(tests, the_paper_s_predicate_would_accuse_an_honest_validator_and_ours_clears_it);
    tcase_add_test(tests, the_paper_allows_nil_and_what_an_older_polka_is_for);
    tcase_add_test(tests, the_order_of_what_is_put_in_changes_no_byte_of_the_bundle);
    tcase_add_test(tests, votes_that_are_forged_foreign_or_of_strangers_are_told_apart_and_dropped);
    tcase_add_test(tests, a_validator_that_floods_fills_its_own_share_and_no_memory);
    tcase_add_test(tests, a_small_arena_is_refused_and_nothing_breaks);
    suite_add_tcase(suite, tests);
    return suite;
}
