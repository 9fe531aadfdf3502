#include <check.h>
#include <stdlib.h>

#include "tests/ledger/chain.h"

static struct chain chain;
static struct arena arena;
static struct block_plan plan;
static struct judge_clock clock_far; /* the block's own time, an hour of tolerance */

static void begin(enum params_release release, int64_t heights) {
    chain_open(&chain, &(struct chain_config){.validators = 4, .release = release});
    arena_init(&arena, 1 << 24);
    chain_run(&chain, heights);
    plan = chain_plan(&chain, &arena);
    clock_far = (struct judge_clock){plan.header.time, INT64_C(3600000000000)};
}

static void setup(void) { begin(PARAMS_V038, 2); }

static void teardown(void) {
    chain_close(&chain);
    arena_close(&arena);
}

static enum block_verdict judged(void) {
    struct block *block = block_build(&plan);
    enum block_verdict verdict = judge_block(&chain.ledger.state, block, NULL, &clock_far);
    block_release(block);
    return verdict;
}

static void refused(enum block_verdict expected) {
    enum block_verdict verdict = judged();
    ck_assert_msg(verdict == expected, "%s, not %s", block_verdict_text(verdict), block_verdict_text(expected));
}

START_TEST(the_next_block_is_good) {
    ck_assert_int_eq(judged(), BLOCK_GOOD);
    struct block *block = chain_next(&chain, NULL, 0);
    ck_assert_int_eq(judge_block(&chain.ledger.state, block, NULL, NULL), BLOCK_GOOD);
    block_release(block);
}
END_TEST

START_TEST(another_version_is_refused) {
    plan.header.version_app++;
    refused(BLOCK_WRONG_VERSION);
    plan.header.version_app--;
    plan.header.version_block++;
    refused(BLOCK_WRONG_VERSION);
}
END_TEST

START_TEST(another_chain_is_refused) {
    header_set_chain_id(&plan.header, span_text("other-chain"));
    refused(BLOCK_WRONG_CHAIN_ID);
}
END_TEST

START_TEST(another_height_is_refused) {
    plan.header.height++;
    refused(BLOCK_WRONG_HEIGHT);
    plan.header.height -= 2;
    refused(BLOCK_WRONG_HEIGHT);
}
END_TEST

START_TEST(another_parent_is_refused) {
    plan.header.last_block_id.parts.hash.bytes[0] ^= 1;
    refused(BLOCK_WRONG_PARENT);
}
END_TEST

START_TEST(each_hash_of_the_header_must_be_the_states) {
    plan.header.app_hash.bytes[0] ^= 1;
    refused(BLOCK_WRONG_APP_HASH);
    plan.header.app_hash.bytes[0] ^= 1;
    plan.header.consensus_hash.bytes[0] ^= 1;
    refused(BLOCK_WRONG_CONSENSUS_HASH);
    plan.header.consensus_hash.bytes[0] ^= 1;
    plan.header.last_results_hash.bytes[0] ^= 1;
    refused(BLOCK_WRONG_RESULTS_HASH);
    plan.header.last_results_hash.bytes[0] ^= 1;
    plan.header.validators_hash.bytes[0] ^= 1;
    refused(BLOCK_WRONG_VALIDATORS_HASH);
    plan.header.validators_hash.bytes[0] ^= 1;
    plan.header.next_validators_hash.bytes[0] ^= 1;
    refused(BLOCK_WRONG_NEXT_VALIDATORS_HASH);
}
END_TEST

static struct commit *own_commit(void) {
    static struct commit copy;
    copy = chain.last;
    copy.sigs = arena_take(&arena, copy.count, sizeof *copy.sigs);
    memcpy(copy.sigs, chain.last.sigs, copy.count * sizeof *copy.sigs);
    plan.last_commit = &copy;
    return &copy;
}

static void resign(struct commit *commit, uint32_t index) { chain_resign(&chain, commit, &chain.ledger.state.last_validators, index); }

static void retime(const struct commit *commit, bool count_nil) {
    plan.header.time = commit_median_time(commit, &chain.ledger.state.last_validators, count_nil, &arena);
}

START_TEST(a_commit_with_a_wrong_signature_is_refused) {
    struct commit *commit = own_commit();
    commit->sigs[3].signature.bytes[1] ^= 1; /* beyond two thirds already: wound 10 */
    refused(BLOCK_COMMIT_REFUSED);
}
END_TEST

START_TEST(a_commit_with_foreign_addresses_is_refused) { /* wound 27 */
    struct commit *commit = own_commit();
    commit->sigs[0].validator_address = commit->sigs[1].validator_address;
    refused(BLOCK_COMMIT_REFUSED);
}
END_TEST

START_TEST(a_commit_without_two_thirds_is_refused) {
    struct commit *commit = own_commit();
    for (uint32_t i = 0; i < 2; i++) {
        commit->sigs[i].flag = i == 0 ? COMMIT_ABSENT : COMMIT_FOR_NIL;
        resign(commit, i);
    }
    refused(BLOCK_COMMIT_REFUSED);
}
END_TEST

START_TEST(a_commit_of_fewer_entries_is_refused) {
    own_commit()->count--;
    refused(BLOCK_COMMIT_REFUSED);
}
END_TEST

START_TEST(a_commit_for_another_height_is_refused) {
    own_commit()->height--;
    refused(BLOCK_COMMIT_REFUSED);
}
END_TEST

START_TEST(a_commit_of_three_of_four_is_good) {
    struct commit *commit = own_commit();
    commit->sigs[2].flag = COMMIT_ABSENT;
    resign(commit, 2);
    retime(commit, true);
    ck_assert_int_eq(judged(), BLOCK_GOOD);
}
END_TEST

START_TEST(a_proposer_who_is_no_validator_is_refused) {
    plan.header.proposer_address = chain.addresses[20];
    refused(BLOCK_UNKNOWN_PROPOSER);
    plan.header.proposer_address = chain.ledger.state.validators.validators[2].address; /* any validator will do */
    ck_assert_int_eq(judged(), BLOCK_GOOD);
}
END_TEST

START_TEST(a_time_off_the_median_is_refused) {
    plan.header.time = timestamp_add_ns(&plan.header.time, 1);
    refused(BLOCK_WRONG_TIME);
}
END_TEST

START_TEST(a_time_not_after_the_parent_is_refused) {
    struct commit *commit = own_commit();
    for (uint32_t i = 0; i < commit->count; i++) {
        commit->sigs[i].timestamp = chain.ledger.state.block_time;
        resign(commit, i);
    }
    retime(commit, true);
    refused(BLOCK_WRONG_TIME);
}
END_TEST

START_TEST(a_time_beyond_the_local_tolerance_is_refused) {
    clock_far.tolerance_ns = 1000;
    clock_far.now = timestamp_add_ns(&plan.header.time, -1000);
    refused(BLOCK_TIME_TOO_FAR);
    clock_far.now = timestamp_add_ns(&clock_far.now, 1);
    ck_assert_int_eq(judged(), BLOCK_GOOD);
}
END_TEST

/* A nil vote in the commit moves the median up to 0.39 and not from 0.40 on (wound 43). */
static void nil_votes(enum params_release release, bool count_nil) {
    begin(release, 2);
    struct commit *commit = own_commit();
    struct timestamp far = timestamp_add_ns(&plan.header.time, -500000000);
    commit->sigs[0].flag = COMMIT_FOR_NIL;
    commit->sigs[0].timestamp = far;
    resign(commit, 0);
    retime(commit, !count_nil);
    struct timestamp other = plan.header.time;
    refused(BLOCK_WRONG_TIME);
    retime(commit, count_nil);
    ck_assert_int_ne(timestamp_compare(&other, &plan.header.time), 0);
    ck_assert_int_eq(judged(), BLOCK_GOOD);
    teardown();
}

START_TEST(nil_votes_move_the_time_until_0_39) {
    nil_votes(PARAMS_V038, true);
    nil_votes(PARAMS_V039, true);
}
END_TEST

START_TEST(nil_votes_do_not_move_the_time_from_0_40_on) { nil_votes(PARAMS_V040, false); }
END_TEST

static struct evidence two_votes(int64_t height) {
    struct vote votes[2];
    struct block_id one = chain.ledger.state.block_id, other = one;
    other.hash.bytes[0] ^= 1;
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(&chain.ledger, &meta, height));
    const struct valset *set = &chain.ledger.state.last_validators;
    chain_vote(&chain, &votes[0], set, 1, &one, height, 0, meta.header.time);
    chain_vote(&chain, &votes[1], set, 1, &other, height, 0, meta.header.time);
    struct evidence evidence;
    ck_assert(evidence_from_votes(&evidence, &votes[0], &votes[1], set, &meta.header.time, &arena));
    return evidence;
}

START_TEST(more_evidence_than_the_parameters_allow_is_refused) {
    struct evidence evidence = two_votes(2);
    plan.evidence = &evidence;
    plan.evidence_count = 1;
    struct block *block = block_build(&plan);
    chain.ledger.state.params.evidence_bytes_max = block->evidence_bytes;
    ck_assert_int_eq(judged(), BLOCK_GOOD);
    chain.ledger.state.params.evidence_bytes_max--;
    refused(BLOCK_EVIDENCE_TOO_LARGE);
    block_release(block);
}
END_TEST

START_TEST(a_block_above_the_limit_is_refused) {
    static uint8_t big[3000];
    struct span tx = span_of(big, sizeof big);
    plan.txs = &tx;
    plan.tx_count = 1;
    struct params *params = &chain.ledger.state.params;
    struct block *block = block_build(&plan);
    params->block_bytes_max = (int64_t)block->bytes->size;
    params_hash(&plan.header.consensus_hash, params);
    ck_assert_int_eq(judged(), BLOCK_GOOD);
    params->block_bytes_max--;
    params_hash(&plan.header.consensus_hash, params);
    refused(BLOCK_TOO_LARGE);
    block_release(block);
}
END_TEST

/* ---- with the ledger: evidence against history, and the application's word */

static enum block_verdict ledger_judged(void) {
    struct block *block = block_build(&plan);
    enum block_verdict verdict = ledger_judge(&chain.ledger, block, NULL);
    block_release(block);
    return verdict;
}

static struct evidence pieces[2];

static void accuse(int64_t height) {
    pieces[0] = two_votes(height);
    plan.evidence = pieces;
    plan.evidence_count = 1;
}

START_TEST(proven_double_votes_are_good_evidence) {
    accuse(2);
    ck_assert_int_eq(ledger_judged(), BLOCK_GOOD);
    accuse(1);
    ck_assert_int_eq(ledger_judged(), BLOCK_GOOD);
}
END_TEST

START_TEST(the_same_evidence_twice_is_refused) {
    accuse(2);
    pieces[1] = pieces[0];
    plan.evidence_count = 2;
    ck_assert_int_eq(ledger_judged(), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

START_TEST(evidence_with_another_time_is_refused) { /* wound 11 */
    accuse(2);
    struct evidence_duplicate_vote *duplicate = &pieces[0].duplicate;
    const struct valset *set = &chain.ledger.state.last_validators;
    struct timestamp time = timestamp_add_ns(&duplicate->timestamp, 1);
    ck_assert(evidence_from_votes(&pieces[0], &duplicate->vote_a, &duplicate->vote_b, set, &time, &arena));
    ck_assert_int_eq(ledger_judged(), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

START_TEST(evidence_of_a_height_to_come_is_refused) { /* wound 11 */
    struct vote votes[2];
    struct block_id one = chain.ledger.state.block_id, other = one;
    other.hash.bytes[0] ^= 1;
    const struct valset *set = &chain.ledger.state.validators;
    chain_vote(&chain, &votes[0], set, 1, &one, 3, 0, plan.header.time);
    chain_vote(&chain, &votes[1], set, 1, &other, 3, 0, plan.header.time);
    ck_assert(evidence_from_votes(&pieces[0], &votes[0], &votes[1], set, &plan.header.time, &arena));
    plan.evidence = pieces;
    plan.evidence_count = 1;
    ck_assert_int_eq(ledger_judged(), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

START_TEST(evidence_too_old_in_blocks_and_in_time_is_refused) {
    accuse(1);
    chain.ledger.state.params.evidence_age_blocks_max = 1;
    ck_assert_int_eq(ledger_judged(), BLOCK_GOOD); /* one age alone does not matter */
    chain.ledger.state.params.evidence_age_ns_max = 1;
    ck_assert_int_eq(ledger_judged(), BLOCK_GOOD); /* one block old is not older than one */
    chain.ledger.state.params.evidence_age_blocks_max = 0;
    ck_assert_int_eq(ledger_judged(), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

START_TEST(committed_evidence_is_refused_also_after_a_restart) { /* wound 48 */
    accuse(2);
    struct block *block = block_build(&plan);
    chain_apply(&chain, block);
    block_release(block);
    chain_reopen(&chain);
    plan = chain_plan(&chain, &arena);
    ck_assert_int_eq(ledger_judged(), BLOCK_GOOD);
    plan.evidence = pieces;
    plan.evidence_count = 1;
    ck_assert_int_eq(ledger_judged(), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

START_TEST(what_the_application_rejects_is_refused) {
    struct span tx = span_text("neither pair nor anything");
    plan.txs = &tx;
    plan.tx_count = 1;
    ck_assert_int_eq(judged(), BLOCK_GOOD);
    ck_assert_int_eq(ledger_judged(), BLOCK_REFUSED_BY_APP);
}
END_TEST

/* ---- the first block */

static void setup_first(void) { begin(PARAMS_V038, 0); }

START_TEST(the_first_block_has_the_genesis_time) {
    ck_assert_int_eq(judged(), BLOCK_GOOD);
    plan.header.time = timestamp_add_ns(&plan.header.time, 1);
    refused(BLOCK_WRONG_TIME);
}
END_TEST

START_TEST(the_first_block_carries_no_signatures) {
    struct block *block = chain_next(&chain, NULL, 0);
    struct commit commit;
    chain_sign(&chain, &commit, block, &chain.ledger.state.validators, &arena);
    plan.last_commit = &commit;
    refused(BLOCK_COMMIT_REFUSED);
    block_release(block);
}
END_TEST

START_TEST(the_first_block_has_the_initial_height) {
    plan.header.height = 2;
    refused(BLOCK_WRONG_HEIGHT);
}
END_TEST

Suite *suite_judge(void);
Suite *suite_judge(void) {
    Suite *suite = suite_create("judge");
    TCase *next = tcase_create("next"), *first = tcase_create("first"), *releases = tcase_create("releases");
    tcase_set_timeout(next, 60);
    tcase_add_checked_fixture(next, setup, teardown);
    tcase_add_test(next, the_next_block_is_good);
    tcase_add_test(next, another_version_is_refused);
    tcase_add_test(next, another_chain_is_refused);
    tcase_add_test(next, another_height_is_refused);
    tcase_add_test(next, another_parent_is_refused);
    tcase_add_test(next, each_hash_of_the_header_must_be_the_states);
    tcase_add_test(next, a_commit_with_a_wrong_signature_is_refused);
    tcase_add_test(next, a_commit_with_foreign_addresses_is_refused);
    tcase_add_test(next, a_commit_without_two_thirds_is_refused);
    tcase_add_test(next, a_commit_of_fewer_entries_is_refused);
    tcase_add_test(next, a_commit_for_another_height_is_refused);
    tcase_add_test(next, a_commit_of_three_of_four_is_good);
    tcase_add_test(next, a_proposer_who_is_no_validator_is_refused);
    tcase_add_test(next, a_time_off_the_median_is_refused);
    tcase_add_test(next, a_time_not_after_the_parent_is_refused);
    tcase_add_test(next, a_time_beyond_the_local_tolerance_is_refused);
    tcase_add_test(next, more_evidence_than_the_parameters_allow_is_refused);
    tcase_add_test(next, a_block_above_the_limit_is_refused);
    tcase_add_test(next, proven_double_votes_are_good_evidence);
    tcase_add_test(next, the_same_evidence_twice_is_refused);
    tcase_add_test(next, evidence_with_another_time_is_refused);
    tcase_add_test(next, evidence_of_a_height_to_come_is_refused);
    tcase_add_test(next, evidence_too_old_in_blocks_and_in_time_is_refused);
    tcase_add_test(next, committed_evidence_is_refused_also_after_a_restart);
    tcase_add_test(next, what_the_application_rejects_is_refused);
    tcase_add_test(releases, nil_votes_move_the_time_until_0_39);
    tcase_add_test(releases, nil_votes_do_not_move_the_time_from_0_40_on);
    tcase_add_checked_fixture(first, setup_first, teardown);
    tcase_add_test(first, the_first_block_has_the_genesis_time);
    tcase_add_test(first, the_first_block_carries_no_signatures);
    tcase_add_test(first, the_first_block_has_the_initial_height);
    suite_add_tcase(suite, next);
    suite_add_tcase(suite, releases);
    suite_add_tcase(suite, first);
    return suite;
}
