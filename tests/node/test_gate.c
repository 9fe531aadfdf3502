/* What strangers send, and what it may cost: their connection, never the node. */
#include <check.h>

#include "tests/node/stranger.h"

static struct sim *four(uint64_t seed) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_run_for(sim, 300); /* into the pause after a commit */
    return sim;
}

static void must_go_on(struct sim *sim) {
    int64_t height = sim_ledger(sim, 0)->state.height;
    ck_assert_msg(sim_run_to_height(sim, height + 4, 120000), "%s", sim_complaint(sim));
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}

START_TEST(a_proposal_of_more_parts_than_a_block_can_have_costs_its_sender_the_connection) {
    struct sim *sim = four(1);
    struct proposal proposal = stranger_proposal(sim, 0);
    proposal.block_id.parts.total = 4000000000u;
    stranger_inject(sim, 1, 0, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = proposal});
    sim_run_for(sim, 60);
    ck_assert_uint_eq(sim_drops(sim), 1);
    ck_assert_ptr_nonnull(strstr(sim_last_drop(sim), "parts"));
    must_go_on(sim);
}
END_TEST

START_TEST(a_good_vote_in_a_padded_message_is_counted_and_its_padding_not_kept) {
    struct sim *sim = four(2);
    const struct engine *engine = replica_engine(sim_replica(sim, 0));
    struct vote vote = stranger_vote(sim, 1, engine->height, 0, VOTE_PREVOTE);
    stranger_sign(sim, 1, &vote);
    struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE, .vote = vote};
    struct proto_writer measure;
    proto_writer_measure(&measure);
    wire_consensus_write(&measure, &message);
    stranger_inject_padded(sim, 1, 0, &message, WIRE_CONSENSUS_BYTES_MAX - measure.size - 5);
    sim_run_for(sim, 60);
    ck_assert_uint_eq(sim_drops(sim), 0);
    ck_assert(tally_has(rounds_tally(&engine->rounds, 0, VOTE_PREVOTE), (uint32_t)vote.validator_index));
    sim_kill(sim, 1); /* its key has voted nil here, by another hand */
    sim_run_for(sim, 5000);
    ck_assert_int_lt(sim_journal_bytes(sim, 0), 100000);
    must_go_on(sim);
}
END_TEST

START_TEST(the_greatest_heights_and_rounds_are_only_numbers) {
    struct sim *sim = four(3);
    struct wire_consensus step = {.kind = WIRE_NEW_ROUND_STEP, .height = INT64_MAX, .round = INT32_MAX, .step = ENGINE_COMMIT};
    stranger_inject(sim, 1, 0, &step);
    struct vote vote = stranger_vote(sim, 1, INT64_MAX, INT32_MAX, VOTE_PRECOMMIT);
    stranger_sign(sim, 1, &vote);
    stranger_inject_vote(sim, 1, 0, &vote);
    struct wire_consensus has = {.kind = WIRE_HAS_VOTE, .height = INT64_MAX, .round = INT32_MAX, .type = VOTE_PREVOTE, .index = INT32_MAX};
    stranger_inject(sim, 1, 0, &has);
    struct wire_consensus claim = {.kind = WIRE_VOTE_SET_MAJ23, .height = INT64_MAX, .round = INT32_MAX, .type = VOTE_PREVOTE};
    stranger_inject(sim, 1, 0, &claim);
    ck_assert_int_eq(sim_submit(sim, 0, "a=b"), MEMPOOL_ADDED);
    sim_run_for(sim, 500);
    ck_assert(!replica_catching_up(sim_replica(sim, 0))); /* one loud voice does not make us late (wound 32) */
    must_go_on(sim);
}
END_TEST

/* ---- floods: what a stranger repeats must not fill the journal, nor cost a signature check each time */

static int64_t journal_of_0(struct sim *sim) {
    sim_run_for(sim, 2500); /* past the background flush */
    return sim_journal_bytes(sim, 0);
}

/* Leaves 0 and 1 running, in PREVOTE of some height, for ever. */
static const struct engine *stuck(struct sim *sim) {
    sim_kill(sim, 2);
    sim_kill(sim, 3);
    sim_run_for(sim, 10000);
    return replica_engine(sim_replica(sim, 0));
}

START_TEST(a_claim_is_kept_once_however_often_it_is_made) {
    struct sim *sim = four(4);
    const struct engine *engine = stuck(sim);
    int64_t before = journal_of_0(sim);
    struct wire_consensus claim = {.kind = WIRE_VOTE_SET_MAJ23, .height = engine->height, .type = VOTE_PREVOTE, .block_id = stranger_block_id(5)};
    for (int i = 0; i < 2000; i++) {
        claim.round = i % 2; /* both have tallies */
        stranger_inject(sim, 1, 0, &claim);
        claim.round = 1000 + i; /* these have not */
        stranger_inject(sim, 1, 0, &claim);
        sim_run_for(sim, 1);
    }
    ck_assert_int_lt(journal_of_0(sim) - before, 4000);
    ck_assert_uint_eq(sim_drops(sim), 0);
    sim_free(sim);
}
END_TEST

START_TEST(a_peer_that_claims_two_majorities_of_one_round_loses_the_connection) {
    struct sim *sim = four(5);
    const struct engine *engine = stuck(sim);
    struct wire_consensus claim = {.kind = WIRE_VOTE_SET_MAJ23, .height = engine->height, .type = VOTE_PREVOTE, .block_id = stranger_block_id(5)};
    stranger_inject(sim, 1, 0, &claim);
    sim_run_for(sim, 30);
    ck_assert_uint_eq(sim_drops(sim), 0);
    claim.block_id = stranger_block_id(6);
    stranger_inject(sim, 1, 0, &claim);
    sim_run_for(sim, 30);
    ck_assert_uint_eq(sim_drops(sim), 1);
    sim_free(sim);
}
END_TEST

/* One validator, thousands of votes with good signatures: for other blocks, at other times, in far rounds. */
START_TEST(a_validator_that_signs_thousands_of_votes_fills_no_journal) {
    struct sim *sim = four(6);
    const struct engine *engine = stuck(sim);
    int64_t before = journal_of_0(sim);
    for (int i = 0; i < 3000; i++) {
        struct vote vote = stranger_vote(sim, 2, engine->height, i % 3 == 0 ? 100 + i : 0, VOTE_PRECOMMIT);
        if (i % 3 == 1)
            vote.block_id = stranger_block_id((uint8_t)i);
        vote.timestamp.seconds += i;
        stranger_sign(sim, 2, &vote);
        stranger_inject_vote(sim, 1, 0, &vote);
        if (i % 50 == 0)
            sim_run_for(sim, 20);
    }
    ck_assert_int_lt(journal_of_0(sim) - before, 60000);
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}
END_TEST

Suite *suite_gate(void);
Suite *suite_gate(void) {
    Suite *suite = suite_create("gate");
    TCase *tests = tcase_create("gate");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_proposal_of_more_parts_than_a_block_can_have_costs_its_sender_the_connection);
    tcase_add_test(tests, a_good_vote_in_a_padded_message_is_counted_and_its_padding_not_kept);
    tcase_add_test(tests, the_greatest_heights_and_rounds_are_only_numbers);
    tcase_add_test(tests, a_claim_is_kept_once_however_often_it_is_made);
    tcase_add_test(tests, a_peer_that_claims_two_majorities_of_one_round_loses_the_connection);
    tcase_add_test(tests, a_validator_that_signs_thousands_of_votes_fills_no_journal);
    suite_add_tcase(suite, tests);
    return suite;
}
