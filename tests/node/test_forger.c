/* What the due proposer may try with a block: all is in order but for one thing, so that only the judge can refuse it. */
#include <check.h>

#include "tests/node/stranger.h"

struct forgery {
    struct sim *sim;
    const struct engine *engine; /* of the node that will judge */
    uint32_t judge, due;         /* nodes */
    struct arena arena;
    struct commit last_commit;
    struct block_plan plan;
};

/* In the pause after a commit; whose turn comes next is dead, and we have its key. */
static void forgery_begin(struct forgery *forgery, uint64_t seed) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    *forgery = (struct forgery){.sim = sim_new(&config)};
    ck_assert(sim_run_to_height(forgery->sim, 3, 60000));
    sim_run_for(forgery->sim, 300);
    forgery->due = stranger_proposer(forgery->sim, 0, 0);
    forgery->judge = forgery->due == 0 ? 1 : 0;
    forgery->engine = replica_engine(sim_replica(forgery->sim, forgery->judge));
    ck_assert_uint_eq(forgery->engine->phase, ENGINE_NEW_HEIGHT);
    arena_init(&forgery->arena, 1 << 20);
    struct ledger *ledger = sim_ledger(forgery->sim, forgery->judge);
    struct address proposer = stranger_vote(forgery->sim, forgery->due, 1, 0, VOTE_PREVOTE).validator_address;
    ck_assert(engine_last_commit(forgery->engine, &forgery->last_commit, &forgery->arena));
    judge_header(&forgery->plan.header, &ledger->state, &forgery->last_commit, &proposer, &forgery->arena);
    forgery->plan.last_commit = &forgery->last_commit;
    sim_kill(forgery->sim, forgery->due);
}

static void send_to_all(struct forgery *forgery, const struct wire_consensus *message) {
    for (uint32_t to = 0; to < 4; to++)
        for (uint32_t from = 0; from < 4; from++)
            if (to != from && to != forgery->due && from != forgery->due) {
                stranger_inject(forgery->sim, from, to, message);
                break;
            }
}

static struct block_id forgery_propose(struct forgery *forgery) {
    struct block *block = block_build(&forgery->plan);
    struct block_id id;
    block_id_of(block, &id);
    struct proposal proposal = stranger_proposal(forgery->sim, forgery->judge);
    proposal.block_id = id;
    stranger_sign_proposal(forgery->sim, forgery->due, &proposal);
    send_to_all(forgery, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = proposal});
    struct wire_consensus part = {.kind = WIRE_BLOCK_PART, .height = proposal.height, .round = 0};
    for (uint32_t i = 0; i < id.parts.total; i++) {
        ck_assert(part_set_get(block_parts(block), &part.part, i));
        send_to_all(forgery, &part);
    }
    block_release(block);
    return id;
}

/* How all three voted in round 0, before any of them would give up waiting. */
static void must_be_prevoted(struct forgery *forgery, const struct block_id *id) {
    sim_run_for(forgery->sim, 600);
    const struct tally *prevotes = rounds_tally(&forgery->engine->rounds, 0, VOTE_PREVOTE);
    ck_assert(prevotes != NULL && bit_array_count(tally_voted(prevotes)) == 3);
    struct block_id majority;
    ck_assert(tally_majority(prevotes, &majority) && block_id_equal(&majority, id));
    ck_assert_int_eq(forgery->engine->height, 4);
}

static void forgery_end(struct forgery *forgery) {
    ck_assert_msg(sim_run_to_height(forgery->sim, 5, 60000), "%s", sim_complaint(forgery->sim));
    ck_assert_str_eq(sim_complaint(forgery->sim), "");
    arena_close(&forgery->arena);
    sim_free(forgery->sim);
}

/* Nothing is forged: so what is refused below is refused for its one fault. */
START_TEST(a_block_made_by_hand_is_decided_if_nothing_is_wrong_with_it) {
    struct forgery forgery;
    forgery_begin(&forgery, 1);
    struct block_id id = forgery_propose(&forgery);
    sim_run_for(forgery.sim, 1200);
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(sim_ledger(forgery.sim, forgery.judge), &meta, 4));
    ck_assert(block_id_equal(&meta.block_id, &id));
    forgery_end(&forgery);
}
END_TEST

static const struct block_id nil;

START_TEST(a_block_with_another_app_hash_is_prevoted_nil) {
    struct forgery forgery;
    forgery_begin(&forgery, 2);
    forgery.plan.header.app_hash.bytes[0] ^= 1;
    forgery_propose(&forgery);
    must_be_prevoted(&forgery, &nil);
    forgery_end(&forgery);
}
END_TEST

/* The judge believes signatures that the node verified when they came as votes, but only as they came. */
START_TEST(a_known_signature_with_another_time_is_no_signature) {
    struct forgery forgery;
    forgery_begin(&forgery, 3);
    struct ledger *ledger = sim_ledger(forgery.sim, forgery.judge);
    for (uint32_t i = 0; i < forgery.last_commit.count; i++)
        forgery.last_commit.sigs[i].timestamp.seconds += 3600;
    forgery.plan.header.time = commit_median_time(&forgery.last_commit, &ledger->state.last_validators, true, &forgery.arena);
    forgery_propose(&forgery);
    must_be_prevoted(&forgery, &nil);
    forgery_end(&forgery);
}
END_TEST

START_TEST(a_known_signature_for_nil_is_none_for_the_block) {
    struct forgery forgery;
    forgery_begin(&forgery, 4);
    ck_assert_uint_eq(forgery.last_commit.count, 4);
    struct commit_sig *sig = &forgery.last_commit.sigs[0];
    ck_assert_int_eq(sig->flag, COMMIT_FOR_BLOCK);
    sig->flag = COMMIT_FOR_NIL;
    forgery_propose(&forgery);
    must_be_prevoted(&forgery, &nil);
    forgery_end(&forgery);
}
END_TEST

Suite *suite_forger(void);
Suite *suite_forger(void) {
    Suite *suite = suite_create("forger");
    TCase *tests = tcase_create("forger");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_block_made_by_hand_is_decided_if_nothing_is_wrong_with_it);
    tcase_add_test(tests, a_block_with_another_app_hash_is_prevoted_nil);
    tcase_add_test(tests, a_known_signature_with_another_time_is_no_signature);
    tcase_add_test(tests, a_known_signature_for_nil_is_none_for_the_block);
    suite_add_tcase(suite, tests);
    return suite;
}
