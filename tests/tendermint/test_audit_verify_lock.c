/* Whether the accused's own log convicts it: what is in there twice, invented or of another occasion makes no polka that would excuse. */
#include <check.h>

#include "tendermint/audit_verify_lock.h"
#include "tests/tendermint/trial.h"

static const int64_t four[] = {1, 1, 1, 1};
static struct trial trial;
static struct vote precommit, prevote;
static struct audit_verify_lock lock;
static uint8_t bytes[8192];
static struct proto_writer items;

/* Validator 1 precommitted a in round 0 and prevoted b in round 2; both are in its log. */
static void accuse(enum audit_rule rule) {
    trial_open(&trial, rule, four, 4);
    struct block_id a = trial_block(&trial, 'a'), b = trial_block(&trial, 'b');
    precommit = trial_vote(&trial, VOTE_PRECOMMIT, TRIAL_HEIGHT, 0, 1, &a);
    prevote = trial_vote(&trial, VOTE_PREVOTE, TRIAL_HEIGHT, 2, 1, &b);
    lock = (struct audit_verify_lock){rule, &trial.signers.set, signers_chain(), &precommit, &prevote};
    proto_writer_init(&items, bytes, sizeof bytes);
    audit_log_item_write(&items, &precommit, NULL, NULL);
    audit_log_item_write(&items, &prevote, NULL, NULL);
}

static struct vote prevote_of(uint32_t index, int32_t round, char letter) {
    struct block_id id = trial_block(&trial, letter);
    return trial_vote(&trial, VOTE_PREVOTE, TRIAL_HEIGHT, round, index, &id);
}

static void log_vote(const struct vote *vote) { audit_log_item_write(&items, vote, NULL, NULL); }

static void log_prevote(uint32_t index, int32_t round, char letter) {
    struct vote vote = prevote_of(index, round, letter);
    log_vote(&vote);
}

static bool convicts(void) {
    struct audit_log log = {.items = proto_writer_span(&items)};
    ck_assert(!items.overflow);
    bool does = audit_verify_lock_convicts(&lock, &log, &trial.arena);
    trial_close(&trial);
    return does;
}

START_TEST(without_a_polka_it_convicts) {
    accuse(AUDIT_STRICT);
    ck_assert(convicts());
    accuse(AUDIT_STRICT);
    log_prevote(2, 1, 'c');
    log_prevote(3, 1, 'c');
    log_prevote(0, 1, 'd');
    ck_assert(convicts());
}
END_TEST

START_TEST(a_polka_between_excuses) {
    accuse(AUDIT_STRICT);
    for (uint32_t i = 1; i < 4; i++)
        log_prevote(i, 1, 'c');
    ck_assert(!convicts());
}
END_TEST

START_TEST(a_polka_for_the_lock_or_of_another_round_does_not_excuse) {
    accuse(AUDIT_STRICT);
    for (uint32_t i = 0; i < 4; i++) {
        log_prevote(i, 0, 'c');
        log_prevote(i, 1, 'a');
        log_prevote(i, 2, 'b');
        log_prevote(i, 3, 'c');
    }
    ck_assert(convicts());
}
END_TEST

START_TEST(one_prevote_as_often_as_a_polka_needs_is_one) {
    accuse(AUDIT_STRICT);
    for (uint32_t times = 0; times < 10; times++)
        log_prevote(2, 1, 'c');
    log_prevote(3, 1, 'c');
    ck_assert(convicts());
}
END_TEST

START_TEST(prevotes_that_nobody_signed_do_not_excuse) {
    accuse(AUDIT_STRICT);
    for (uint32_t i = 1; i < 4; i++) {
        struct vote vote = prevote_of(i, 1, 'c');
        vote.signature.bytes[7] ^= 1;
        log_vote(&vote);
    }
    ck_assert(convicts());
}
END_TEST

START_TEST(prevotes_under_anothers_name_or_place_do_not_excuse) {
    accuse(AUDIT_STRICT);
    for (uint32_t i = 0; i < 4; i++) {
        struct vote vote = prevote_of(2, 1, 'c');
        vote.validator_index = (int32_t)i;
        log_vote(&vote);
        vote.validator_index = 4;
        log_vote(&vote);
    }
    ck_assert(convicts());
}
END_TEST

START_TEST(prevotes_of_another_height_do_not_excuse) {
    accuse(AUDIT_STRICT);
    struct block_id c = trial_block(&trial, 'c');
    for (uint32_t i = 1; i < 4; i++) {
        struct vote vote = trial_vote(&trial, VOTE_PREVOTE, TRIAL_HEIGHT + 1, 1, i, &c);
        log_vote(&vote);
    }
    ck_assert(convicts());
}
END_TEST

START_TEST(in_cometbft_a_polka_of_the_prevotes_own_round_excuses_but_not_with_the_help_of_the_accused) {
    accuse(AUDIT_COMET);
    log_prevote(2, 2, 'b');
    log_prevote(3, 2, 'b');
    ck_assert(convicts());
    accuse(AUDIT_COMET);
    log_prevote(0, 2, 'b');
    log_prevote(2, 2, 'b');
    log_prevote(3, 2, 'b');
    ck_assert(!convicts());
}
END_TEST

START_TEST(by_the_papers_rule_the_polka_must_be_for_what_was_prevoted) {
    accuse(AUDIT_PAPER);
    for (uint32_t i = 1; i < 4; i++)
        log_prevote(i, 1, 'c');
    ck_assert(convicts());
    accuse(AUDIT_PAPER);
    for (uint32_t i = 1; i < 4; i++)
        log_prevote(i, 1, 'b');
    ck_assert(!convicts());
}
END_TEST

START_TEST(a_precommit_alone_needs_the_polka_of_its_round) {
    accuse(AUDIT_STRICT);
    lock.prevote = NULL;
    log_prevote(0, 0, 'a');
    log_prevote(2, 0, 'a');
    log_prevote(2, 0, 'a');
    log_prevote(3, 1, 'a');
    ck_assert(convicts());
    accuse(AUDIT_STRICT);
    lock.prevote = NULL;
    for (uint32_t i = 1; i < 4; i++)
        log_prevote(i, 0, 'a');
    ck_assert(!convicts());
}
END_TEST

START_TEST(a_log_without_the_votes_in_question_does_not_convict) {
    accuse(AUDIT_STRICT);
    proto_writer_init(&items, bytes, sizeof bytes);
    log_vote(&precommit);
    ck_assert(!convicts());
    accuse(AUDIT_STRICT);
    proto_writer_init(&items, bytes, sizeof bytes);
    log_vote(&prevote);
    ck_assert(!convicts());
}
END_TEST

Suite *suite_audit_verify_lock(void);
Suite *suite_audit_verify_lock(void) {
    Suite *suite = suite_create("audit_verify_lock");
    TCase *tests = tcase_create("audit_verify_lock");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, without_a_polka_it_convicts);
    tcase_add_test(tests, a_polka_between_excuses);
    tcase_add_test(tests, a_polka_for_the_lock_or_of_another_round_does_not_excuse);
    tcase_add_test(tests, one_prevote_as_often_as_a_polka_needs_is_one);
    tcase_add_test(tests, prevotes_that_nobody_signed_do_not_excuse);
    tcase_add_test(tests, prevotes_under_anothers_name_or_place_do_not_excuse);
    tcase_add_test(tests, prevotes_of_another_height_do_not_excuse);
    tcase_add_test(tests, in_cometbft_a_polka_of_the_prevotes_own_round_excuses_but_not_with_the_help_of_the_accused);
    tcase_add_test(tests, by_the_papers_rule_the_polka_must_be_for_what_was_prevoted);
    tcase_add_test(tests, a_precommit_alone_needs_the_polka_of_its_round);
    tcase_add_test(tests, a_log_without_the_votes_in_question_does_not_convict);
    suite_add_tcase(suite, tests);
    return suite;
}
