/* Vote extensions in whole nodes: who must carry them, whose word counts on them, and that no restart, sync or switch loses one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/app_extender.h"
#include "ledger/kv_group.h"
#include "node/replica_inside.h"
#include "node/sim_inside.h"
#include "tests/node/stranger.h"

Suite *suite_extensions(void);

static struct sim_config extending(uint64_t seed, int64_t enable_height) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    config.app = "extender";
    config.extensions_enable_height = enable_height;
    return config;
}

static struct sim *four(uint64_t seed, int64_t enable_height) {
    struct sim_config config = extending(seed, enable_height);
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_run_for(sim, 300); /* into the pause after a commit */
    return sim;
}

static void end(struct sim *sim) {
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}

static void must_reach(struct sim *sim, int64_t height) { ck_assert_msg(sim_run_to_height(sim, height, 240000), "%s", sim_complaint(sim)); }

static bool keeps(struct sim *sim, uint32_t node, int64_t height) {
    struct arena arena;
    struct commit commit;
    arena_init(&arena, 1 << 24);
    bool kept = ledger_extended_commit(sim_ledger(sim, node), &commit, height, &arena);
    arena_close(&arena);
    return kept;
}

/* How many extended votes of that height the next proposer told the application of; −1: of none, as where extensions are not on. */
static int told(struct sim *sim, uint32_t node, int64_t height) {
    char key[40];
    struct arena arena;
    struct ledger *ledger = sim_ledger(sim, node);
    snprintf(key, sizeof key, "extended%d", (int)height);
    struct abci_query question = {.data = span_text(key)};
    struct abci_answer answer;
    arena_init(&arena, 1 << 16);
    ledger->app->table->query(ledger->app, &answer, &question, &arena);
    int count = answer.value.size == 1 ? answer.value.data[0] - '0' : -1;
    arena_close(&arena);
    return count;
}

/* ---- the ordinary day */

START_TEST(every_block_s_proposer_hears_the_extensions_of_the_last_one) {
    struct sim *sim = four(1, 1);
    must_reach(sim, 12);
    for (int64_t height = 1; height <= 11; height++) {
        ck_assert_int_ge(told(sim, 0, height), 3);
        for (uint32_t node = 0; node < 4; node++)
            ck_assert(keeps(sim, node, height));
    }
    end(sim);
}
END_TEST

START_TEST(a_transaction_switches_extensions_on_and_the_chain_goes_on) {
    struct sim *sim = four(2, 0);
    int64_t now = sim_ledger(sim, 0)->state.height;
    char tx[40];
    snprintf(tx, sizeof tx, "extend=%d", (int)now + 6);
    ck_assert_int_eq(sim_submit(sim, 0, tx), MEMPOOL_ADDED);
    must_reach(sim, now + 10);
    ck_assert_int_eq(sim_ledger(sim, 1)->state.params.extensions_enable_height, now + 6);
    ck_assert(!keeps(sim, 1, now + 5) && keeps(sim, 1, now + 6) && keeps(sim, 1, now + 9));
    ck_assert_int_eq(told(sim, 1, now + 5), -1);
    ck_assert_int_ge(told(sim, 1, now + 6), 3);
    ck_assert_uint_eq(sim_drops(sim), 0);
    end(sim);
}
END_TEST

/* The earliest height that the rules allow. */
START_TEST(extensions_may_be_on_from_the_very_next_height) {
    struct sim *sim = four(3, 0);
    int64_t tries = 0, enabled;
    for (; (enabled = sim_ledger(sim, 0)->state.params.extensions_enable_height) == 0 && tries < 20; tries++) {
        char tx[40];
        snprintf(tx, sizeof tx, "extend=%d", (int)sim_ledger(sim, 0)->state.height + 2); /* decided in the next block, at its height + 1 */
        sim_submit(sim, 0, tx);
        must_reach(sim, sim_ledger(sim, 0)->state.height + 2);
    }
    ck_assert_int_gt(enabled, 0);
    must_reach(sim, enabled + 3);
    ck_assert(!keeps(sim, 2, enabled - 1) && keeps(sim, 2, enabled));
    ck_assert_int_eq(told(sim, 2, enabled - 1), -1);
    ck_assert_int_ge(told(sim, 2, enabled), 3);
    end(sim);
}
END_TEST

START_TEST(keys_on_other_hosts_sign_extensions_too) {
    struct sim_config config = extending(4, 1);
    config.remote_signers = 0xf;
    struct sim *sim = sim_new(&config);
    must_reach(sim, 8);
    ck_assert_int_ge(told(sim, 0, 4), 3);
    ck_assert_int_ge(told(sim, 0, 6), 3); /* 7 is a large one */
    end(sim);
}
END_TEST

START_TEST(an_application_that_knows_nothing_of_extensions_lives_with_empty_ones) {
    struct sim_config config = extending(5, 2);
    config.app = "kvstore";
    struct sim *sim = sim_new(&config);
    must_reach(sim, 8);
    ck_assert(!keeps(sim, 0, 1) && keeps(sim, 0, 2) && keeps(sim, 3, 7));
    end(sim);
}
END_TEST

/* ---- the gate. Node 3 is dead, and another hand signs with its key. */

struct caught {
    struct sim *sim;
    struct vote vote; /* extension: a loan */
};

static void sign_extension(struct caught *caught, struct span extension) {
    uint8_t bytes[APP_EXTENDER_BYTES_MAX + 128];
    struct vote *vote = &caught->vote;
    vote->extension = extension;
    size_t size = vote_extension_sign_bytes(bytes, sizeof bytes, extension, vote->height, vote->round, span_text("sim"));
    vote->extension_signature.size = 64;
    ed25519_sign(sim_key(caught->sim, 3), vote->extension_signature.bytes, span_of(bytes, size));
}

static struct span right_extension(const struct caught *caught) {
    static uint8_t text[APP_EXTENDER_BYTES_MAX];
    return span_of(text, app_extender_text(text, caught->vote.height, &caught->vote.block_id.hash));
}

/* A precommit of node 3 at the height where 0 and 1 stand still, for some block, rightly extended. */
static struct caught stuck(uint64_t seed, int64_t enable_height) {
    struct caught caught = {.sim = four(seed, enable_height)};
    sim_kill(caught.sim, 3);
    sim_kill(caught.sim, 2);
    sim_run_for(caught.sim, 10000);
    const struct engine *engine = replica_engine(sim_replica(caught.sim, 0));
    caught.vote = stranger_vote(caught.sim, 3, engine->height, 0, VOTE_PRECOMMIT);
    caught.vote.block_id = stranger_block_id(7);
    stranger_sign(caught.sim, 3, &caught.vote);
    if (enable_height > 0)
        sign_extension(&caught, right_extension(&caught));
    return caught;
}

/* Whether it is counted; who passed it on is not cut off in any case. */
static bool is_counted(struct caught *caught) {
    const struct engine *engine = replica_engine(sim_replica(caught->sim, 0));
    stranger_inject_vote(caught->sim, 1, 0, &caught->vote);
    sim_run_for(caught->sim, 60);
    ck_assert_uint_eq(sim_drops(caught->sim), 0);
    return tally_has(rounds_tally(&engine->rounds, 0, VOTE_PRECOMMIT), (uint32_t)caught->vote.validator_index);
}

START_TEST(a_rightly_extended_precommit_is_counted_with_its_extension) {
    struct caught caught = stuck(10, 1);
    struct vote known;
    ck_assert(is_counted(&caught));
    const struct engine *engine = replica_engine(sim_replica(caught.sim, 0));
    ck_assert(tally_vote(rounds_tally(&engine->rounds, 0, VOTE_PRECOMMIT), &known, (uint32_t)caught.vote.validator_index));
    ck_assert(span_equal(known.extension, right_extension(&caught)));
    ck_assert_uint_eq(known.extension_signature.size, 64);
    end(caught.sim);
}
END_TEST

START_TEST(a_precommit_without_a_signed_extension_is_not_counted_and_its_bearer_not_cut_off) {
    struct caught caught = stuck(11, 1);
    caught.vote.extension = span_of(NULL, 0);
    caught.vote.extension_signature.size = 0;
    ck_assert(!is_counted(&caught));
    sign_extension(&caught, right_extension(&caught));
    ck_assert(is_counted(&caught)); /* the same vote, whole */
    end(caught.sim);
}
END_TEST

START_TEST(a_wrongly_signed_extension_is_not_counted_and_its_bearer_not_cut_off) {
    struct caught caught = stuck(12, 1);
    caught.vote.extension_signature.bytes[9] ^= 1;
    ck_assert(!is_counted(&caught));
    caught.vote.round = 1;
    sign_extension(&caught, right_extension(&caught)); /* good, of another round */
    caught.vote.round = 0;
    ck_assert(!is_counted(&caught));
    sign_extension(&caught, right_extension(&caught));
    caught.vote.extension.size--;
    ck_assert(!is_counted(&caught));
    end(caught.sim);
}
END_TEST

START_TEST(what_the_application_refuses_is_not_counted_and_its_bearer_not_cut_off) {
    struct caught caught = stuck(13, 1);
    sign_extension(&caught, span_text("well signed, and wrong"));
    ck_assert(!is_counted(&caught));
    sign_extension(&caught, right_extension(&caught));
    ck_assert(is_counted(&caught));
    end(caught.sim);
}
END_TEST

START_TEST(precommits_for_nil_and_prevotes_need_no_extension) {
    struct caught caught = stuck(14, 1);
    const struct engine *engine = replica_engine(sim_replica(caught.sim, 0));
    caught.vote = stranger_vote(caught.sim, 3, engine->height, 0, VOTE_PRECOMMIT);
    stranger_sign(caught.sim, 3, &caught.vote);
    ck_assert(is_counted(&caught));
    caught.vote.type = VOTE_PREVOTE;
    caught.vote.block_id = stranger_block_id(7);
    stranger_sign(caught.sim, 3, &caught.vote);
    is_counted(&caught);
    ck_assert(tally_has(rounds_tally(&engine->rounds, 0, VOTE_PREVOTE), (uint32_t)caught.vote.validator_index));
    end(caught.sim);
}
END_TEST

START_TEST(an_extension_for_nil_is_malformed) {
    struct caught caught = stuck(15, 1);
    const struct engine *engine = replica_engine(sim_replica(caught.sim, 0));
    memset(&caught.vote.block_id, 0, sizeof caught.vote.block_id);
    stranger_sign(caught.sim, 3, &caught.vote);
    sign_extension(&caught, span_text("x"));
    stranger_inject_vote(caught.sim, 1, 0, &caught.vote);
    sim_run_for(caught.sim, 60);
    ck_assert_uint_eq(sim_drops(caught.sim), 1);
    ck_assert(!tally_has(rounds_tally(&engine->rounds, 0, VOTE_PRECOMMIT), (uint32_t)caught.vote.validator_index));
    end(caught.sim);
}
END_TEST

/* Old and foreign signers sign extensions of every precommit for a block; CometBFT does not cut them off (wound 28). */
START_TEST(where_extensions_are_off_a_precommit_with_one_is_not_counted_and_its_bearer_not_cut_off) {
    struct caught caught = stuck(16, 0);
    sign_extension(&caught, span_text(""));
    ck_assert(!is_counted(&caught));
    sign_extension(&caught, span_text("x"));
    ck_assert(!is_counted(&caught));
    caught.vote.extension = span_of(NULL, 0);
    caught.vote.extension_signature.size = 0;
    ck_assert(is_counted(&caught));
    end(caught.sim);
}
END_TEST

START_TEST(before_their_first_height_extensions_are_off) {
    struct caught caught = stuck(17, 1000);
    ck_assert(!is_counted(&caught));
    caught.vote.extension = span_of(NULL, 0);
    caught.vote.extension_signature.size = 0;
    ck_assert(is_counted(&caught));
    end(caught.sim);
}
END_TEST

START_TEST(whoever_floods_with_wrong_extensions_fills_no_journal_and_is_cut_off_at_last) {
    struct caught caught = stuck(18, 1);
    sim_run_for(caught.sim, 2500);
    int64_t before = sim_journal_bytes(caught.sim, 0);
    for (int i = 0; i < 300; i++) {
        char text[32];
        snprintf(text, sizeof text, "wrong %d", i);
        sign_extension(&caught, span_text(text));
        stranger_inject_vote(caught.sim, 1, 0, &caught.vote);
        if (i % 20 == 0)
            sim_run_for(caught.sim, 20);
    }
    sim_run_for(caught.sim, 2500);
    ck_assert_int_lt(sim_journal_bytes(caught.sim, 0) - before, 4000);
    ck_assert_uint_ge(sim_drops(caught.sim), 1);
    end(caught.sim);
}
END_TEST

/* As CometBFT's: the votes as they came. */
START_TEST(evidence_of_two_precommits_holds_their_extensions) {
    struct caught caught = stuck(19, 1);
    struct sim *sim = caught.sim;
    int64_t height = caught.vote.height;
    uint32_t found = 0;
    sim_set_faulty(sim, 3);
    ck_assert(is_counted(&caught));
    caught.vote.block_id = stranger_block_id(8);
    stranger_sign(sim, 3, &caught.vote);
    sign_extension(&caught, right_extension(&caught));
    stranger_inject_vote(sim, 1, 0, &caught.vote);
    sim_run_for(sim, 60);
    ck_assert(sim_start(sim, 2));
    sim_run_for(sim, 60000);
    ck_assert_int_gt(sim_ledger(sim, 0)->state.height, height + 2);
    for (int64_t at = height; at <= sim_ledger(sim, 0)->state.height; at++) {
        struct block *block = ledger_block(sim_ledger(sim, 0), at);
        for (uint32_t i = 0; i < block->evidence_count; i++, found++) {
            ck_assert_uint_eq(block->evidence[i].duplicate.vote_a.extension_signature.size, 64);
            ck_assert_uint_eq(block->evidence[i].duplicate.vote_b.extension_signature.size, 64);
        }
        block_release(block);
    }
    ck_assert_uint_eq(found, 1);
    end(sim);
}
END_TEST

/* ---- whom the application is asked about */

static uint32_t asked;
static struct address asked_about[64];

static bool count_and_accept(struct app *app, const struct abci_extension *question) {
    (void)app;
    if (asked < 64)
        asked_about[asked] = question->validator;
    asked++;
    return true;
}

/* Node 0's application, from now on. */
static struct app_table *table_of(struct sim *sim, uint32_t node) { return &sim->nodes[node].patched_table; }

START_TEST(the_application_is_not_asked_about_our_own_votes_nor_twice_about_others) {
    struct sim *sim = four(20, 1);
    asked = 0;
    int64_t before = sim_ledger(sim, 0)->state.height;
    table_of(sim, 0)->verify_vote_extension = count_and_accept;
    must_reach(sim, before + 5);
    ck_assert_uint_ge(asked, 2 * 5);
    ck_assert_uint_le(asked, 3 * 6);
    for (uint32_t i = 0; i < asked; i++)
        ck_assert(!address_equal(&asked_about[i], sim_address(sim, 0)));
    end(sim);
}
END_TEST

/* The block is decided: what the application thinks of a late vote changes nothing. Its signature must be good all the same. */
START_TEST(a_late_precommit_of_the_last_height_must_be_signed_but_the_application_is_not_asked) {
    struct caught caught = {.sim = four(21, 1)};
    struct sim *sim = caught.sim;
    sim_kill(sim, 3);
    must_reach(sim, sim_ledger(sim, 0)->state.height + 2);
    const struct engine *engine = replica_engine(sim_replica(sim, 0));
    for (int ms = 0; ms < 5000 && !(engine->phase == ENGINE_NEW_HEIGHT && engine->has_last_commit && !tally_is_complete(&engine->last_commit)); ms++)
        sim_run_for(sim, 1);
    asked = 0;
    table_of(sim, 0)->verify_vote_extension = count_and_accept;
    caught.vote = stranger_vote(sim, 3, engine->height - 1, engine->last_commit.round, VOTE_PRECOMMIT);
    ck_assert(tally_majority(&engine->last_commit, &caught.vote.block_id));
    stranger_sign(sim, 3, &caught.vote);
    stranger_inject_vote(sim, 1, 0, &caught.vote);
    sim_run_for(sim, 50);
    ck_assert(!tally_has(&engine->last_commit, (uint32_t)caught.vote.validator_index));
    sign_extension(&caught, span_text("late, and whatever"));
    stranger_inject_vote(sim, 1, 0, &caught.vote);
    sim_run_for(sim, 50);
    ck_assert_int_eq(engine->phase, ENGINE_NEW_HEIGHT);
    ck_assert(tally_has(&engine->last_commit, (uint32_t)caught.vote.validator_index));
    ck_assert_uint_eq(asked, 0);
    sim_set_faulty(sim, 3); /* its extension is a wrong one */
    must_reach(sim, engine->height + 2);
    end(sim);
}
END_TEST

/* ---- our own */

static void extend_too_much(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena) {
    (void)app;
    (void)block;
    *out = span_of(arena_take(arena, WIRE_CONSENSUS_BYTES_MAX, 1), WIRE_CONSENSUS_BYTES_MAX);
    ck_assert_ptr_nonnull(out->data);
}

START_TEST(an_extension_that_fits_into_no_message_costs_a_vote_and_not_the_node) {
    struct sim *sim = four(30, 1);
    table_of(sim, 0)->extend_vote = extend_too_much;
    int64_t before = sim_ledger(sim, 0)->state.height;
    must_reach(sim, before + 6);
    ck_assert_int_eq(told(sim, 1, before + 3), 3);
    ck_assert(!replica_halted(sim_replica(sim, 0), NULL, 0));
    end(sim);
}
END_TEST

static void extend_to_the_limit(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena) {
    (void)app;
    (void)block;
    *out = span_of(arena_take(arena, WIRE_CONSENSUS_BYTES_MAX - 1024, 1), WIRE_CONSENSUS_BYTES_MAX - 1024);
    ck_assert_ptr_nonnull(out->data);
}

START_TEST(the_largest_extensions_of_all_are_counted_kept_read_back_and_passed_on) {
    struct sim_config config = extending(33, 1);
    config.block_sync = true;
    struct sim *sim = sim_new(&config);
    asked = 0;
    for (uint32_t node = 0; node < 4; node++) {
        table_of(sim, node)->extend_vote = extend_to_the_limit;
        table_of(sim, node)->verify_vote_extension = count_and_accept;
        sim_set_faulty(sim, node); /* no other right extensions are expected of them */
    }
    sim_run_for(sim, 20000);
    int64_t height = sim_ledger(sim, 0)->state.height;
    ck_assert_int_gt(height, 4);
    ck_assert(keeps(sim, 0, height));
    struct blob *bytes = ledger_extended_commit_bytes(sim_ledger(sim, 1), height - 1);
    ck_assert_uint_gt(bytes->size, 3 * (WIRE_CONSENSUS_BYTES_MAX - 1024));
    blob_release(bytes);
    sim_kill(sim, 3);
    sim_run_for(sim, 40000);
    ck_assert(sim_start(sim, 3));
    table_of(sim, 3)->extend_vote = extend_to_the_limit;
    table_of(sim, 3)->verify_vote_extension = count_and_accept;
    sim_run_for(sim, 20000);
    ck_assert_int_gt(sim_ledger(sim, 3)->state.height, height + 10);
    ck_assert(keeps(sim, 3, height + 5));
    ck_assert_uint_eq(sim_drops(sim), 0);
    end(sim);
}
END_TEST

static void contradict_itself(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena) {
    (void)app;
    (void)block;
    (void)arena;
    *out = span_text("what it would refuse itself");
}

START_TEST(from_040_on_an_application_that_refuses_its_own_extensions_stops_the_node_with_a_word) {
    struct sim *sim = four(31, 1);
    char why[256];
    sim_ledger(sim, 0)->state.release = PARAMS_V040;
    table_of(sim, 0)->extend_vote = contradict_itself;
    sim_run_for(sim, 10000);
    ck_assert(replica_halted(sim_replica(sim, 0), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "refuses its own vote extension"));
    must_reach(sim, sim_ledger(sim, 1)->state.height); /* the others go on */
    sim_free(sim);
}
END_TEST

START_TEST(in_038_such_a_node_goes_on_and_the_others_do_not_count_its_votes) {
    struct sim *sim = four(32, 1);
    int64_t before = sim_ledger(sim, 0)->state.height;
    table_of(sim, 0)->extend_vote = contradict_itself;
    sim_set_faulty(sim, 0);
    sim_run_for(sim, 60000);
    ck_assert_int_gt(sim_ledger(sim, 1)->state.height, before + 5);
    int32_t index = valset_find(&sim_ledger(sim, 1)->state.validators, sim_address(sim, 0));
    for (int64_t height = before + 2; height < before + 5; height++) {
        struct arena arena;
        struct commit commit;
        arena_init(&arena, 1 << 24);
        ck_assert(ledger_extended_commit(sim_ledger(sim, 1), &commit, height, &arena)); /* as it decided; the late ones came later */
        ck_assert_int_eq(commit.sigs[index].flag, COMMIT_ABSENT);
        arena_close(&arena);
    }
    ck_assert(!replica_halted(sim_replica(sim, 0), NULL, 0));
    end(sim);
}
END_TEST

/* ---- restarts */

START_TEST(all_nodes_fall_and_the_next_proposer_still_hears_the_extensions) {
    struct sim *sim = four(40, 1);
    for (int round = 0; round < 6; round++) {
        sim_run_for(sim, 137 * (round + 1));
        int64_t last = 0;
        for (uint32_t node = 0; node < 4; node++) {
            last = sim_ledger(sim, node)->state.height > last ? sim_ledger(sim, node)->state.height : last;
            sim_kill(sim, node);
        }
        for (uint32_t node = 0; node < 4; node++)
            ck_assert(sim_start(sim, node));
        must_reach(sim, last + 2);
        ck_assert_int_ge(told(sim, 0, last), 3);
    }
    end(sim);
}
END_TEST

START_TEST(a_node_that_falls_in_any_disk_call_of_an_extended_height_comes_back) {
    for (uint32_t calls = 1; calls <= 14; calls++) {
        struct sim *sim = four(41 + calls, 1);
        sim_doom(sim, 0, calls, 0);
        for (int ms = 0; ms < 20000 && sim_is_alive(sim, 0); ms++)
            sim_run_for(sim, 1);
        ck_assert(!sim_is_alive(sim, 0));
        ck_assert(sim_start(sim, 0));
        must_reach(sim, sim_ledger(sim, 0)->state.height + 3);
        end(sim);
    }
}
END_TEST

/* As it would be if the node had been bootstrapped from a snapshot, or its store damaged. */
static void lose_extended(struct sim *sim, uint32_t node, int64_t height) {
    struct kv_batch batch;
    struct key key = keys_height('x', height);
    kv_batch_init(&batch);
    kv_batch_delete(&batch, keys_span(&key));
    kv_write(sim->nodes[node].store, &batch, true);
    kv_batch_close(&batch);
}

START_TEST(a_node_without_the_last_extended_commit_refuses_to_start_and_says_why) {
    struct sim *sim = four(60, 1);
    char why[512];
    int64_t height = sim_ledger(sim, 0)->state.height;
    sim_stop(sim, 0);
    lose_extended(sim, 0, height);
    ck_assert_int_eq(sim_try_start(sim, 0, why, sizeof why), SIM_REFUSED);
    ck_assert_ptr_nonnull(strstr(why, "extended commit of height"));
    ck_assert_ptr_nonnull(strstr(why, "restore"));
    end(sim);
}
END_TEST

START_TEST(with_block_sync_it_waits_for_the_next_block_and_its_extensions) {
    struct sim_config config = extending(61, 1);
    config.block_sync = true;
    config.powers = (const int64_t[]){10, 10, 10, 1};
    struct sim *sim = sim_new(&config);
    must_reach(sim, 5);
    int64_t height = sim_ledger(sim, 3)->state.height;
    sim_stop(sim, 3);
    lose_extended(sim, 3, height);
    for (uint32_t node = 0; node < 3; node++)
        sim_sever(sim, 3, node, true);
    ck_assert(sim_start(sim, 3));
    sim_run_for(sim, 60000);
    ck_assert(replica_resting(sim_replica(sim, 3))); /* nobody there, and yet it does not go on without */
    for (uint32_t node = 0; node < 3; node++)
        sim_sever(sim, 3, node, false);
    sim_run_for(sim, 30000);
    ck_assert(!replica_resting(sim_replica(sim, 3)));
    ck_assert(keeps(sim, 3, height + 1));
    must_reach(sim, sim_ledger(sim, 0)->state.height + 3);
    end(sim);
}
END_TEST

/* ---- who was away */

START_TEST(who_comes_late_by_gossip_keeps_the_extended_commits_too) {
    struct sim *sim = four(70, 1);
    int64_t height = sim_ledger(sim, 0)->state.height;
    sim_kill(sim, 2);
    must_reach(sim, height + 14);
    ck_assert(sim_start(sim, 2));
    must_reach(sim, height + 18);
    ck_assert_int_ge(sim_ledger(sim, 2)->state.height, height + 18);
    for (int64_t at = height + 1; at <= height + 17; at++)
        ck_assert(keeps(sim, 2, at));
    ck_assert_uint_eq(sim_drops(sim), 0);
    end(sim);
}
END_TEST

START_TEST(who_comes_late_by_block_sync_keeps_them_and_can_propose) {
    struct sim_config config = extending(71, 1);
    config.block_sync = true;
    struct sim *sim = sim_new(&config);
    must_reach(sim, 3);
    sim_kill(sim, 2);
    must_reach(sim, 60);
    ck_assert(sim_start(sim, 2));
    must_reach(sim, 70);
    for (int64_t at = 4; at <= 69; at++)
        ck_assert(keeps(sim, 2, at));
    ck_assert_uint_eq(sim_drops(sim), 0);
    end(sim);
}
END_TEST

START_TEST(block_sync_over_the_height_of_the_switch_keeps_what_belongs) {
    struct sim_config config = extending(72, 0);
    config.block_sync = true;
    struct sim *sim = sim_new(&config);
    must_reach(sim, 3);
    sim_kill(sim, 2);
    ck_assert_int_eq(sim_submit(sim, 0, "extend=30"), MEMPOOL_ADDED);
    must_reach(sim, 50);
    ck_assert(sim_start(sim, 2));
    must_reach(sim, 55);
    ck_assert(!keeps(sim, 2, 29) && keeps(sim, 2, 30) && keeps(sim, 2, 54));
    ck_assert_uint_eq(sim_drops(sim), 0);
    end(sim);
}
END_TEST

Suite *suite_extensions(void) {
    Suite *suite = suite_create("extensions");
    TCase *days = tcase_create("days"), *gate = tcase_create("gate"), *restarts = tcase_create("restarts");
    tcase_set_timeout(days, 300);
    tcase_set_timeout(gate, 300);
    tcase_set_timeout(restarts, 600);
    tcase_add_test(days, every_block_s_proposer_hears_the_extensions_of_the_last_one);
    tcase_add_test(days, a_transaction_switches_extensions_on_and_the_chain_goes_on);
    tcase_add_test(days, extensions_may_be_on_from_the_very_next_height);
    tcase_add_test(days, keys_on_other_hosts_sign_extensions_too);
    tcase_add_test(days, an_application_that_knows_nothing_of_extensions_lives_with_empty_ones);
    tcase_add_test(gate, a_rightly_extended_precommit_is_counted_with_its_extension);
    tcase_add_test(gate, a_precommit_without_a_signed_extension_is_not_counted_and_its_bearer_not_cut_off);
    tcase_add_test(gate, a_wrongly_signed_extension_is_not_counted_and_its_bearer_not_cut_off);
    tcase_add_test(gate, what_the_application_refuses_is_not_counted_and_its_bearer_not_cut_off);
    tcase_add_test(gate, precommits_for_nil_and_prevotes_need_no_extension);
    tcase_add_test(gate, an_extension_for_nil_is_malformed);
    tcase_add_test(gate, where_extensions_are_off_a_precommit_with_one_is_not_counted_and_its_bearer_not_cut_off);
    tcase_add_test(gate, before_their_first_height_extensions_are_off);
    tcase_add_test(gate, whoever_floods_with_wrong_extensions_fills_no_journal_and_is_cut_off_at_last);
    tcase_add_test(gate, evidence_of_two_precommits_holds_their_extensions);
    tcase_add_test(gate, the_application_is_not_asked_about_our_own_votes_nor_twice_about_others);
    tcase_add_test(gate, a_late_precommit_of_the_last_height_must_be_signed_but_the_application_is_not_asked);
    tcase_add_test(gate, an_extension_that_fits_into_no_message_costs_a_vote_and_not_the_node);
    tcase_add_test(gate, the_largest_extensions_of_all_are_counted_kept_read_back_and_passed_on);
    tcase_add_test(gate, from_040_on_an_application_that_refuses_its_own_extensions_stops_the_node_with_a_word);
    tcase_add_test(gate, in_038_such_a_node_goes_on_and_the_others_do_not_count_its_votes);
    tcase_add_test(restarts, all_nodes_fall_and_the_next_proposer_still_hears_the_extensions);
    tcase_add_test(restarts, a_node_that_falls_in_any_disk_call_of_an_extended_height_comes_back);
    tcase_add_test(restarts, a_node_without_the_last_extended_commit_refuses_to_start_and_says_why);
    tcase_add_test(restarts, with_block_sync_it_waits_for_the_next_block_and_its_extensions);
    tcase_add_test(restarts, who_comes_late_by_gossip_keeps_the_extended_commits_too);
    tcase_add_test(restarts, who_comes_late_by_block_sync_keeps_them_and_can_propose);
    tcase_add_test(restarts, block_sync_over_the_height_of_the_switch_keeps_what_belongs);
    suite_add_tcase(suite, days);
    suite_add_tcase(suite, gate);
    suite_add_tcase(suite, restarts);
    return suite;
}
