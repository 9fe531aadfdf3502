/* That the checkers outside find what they are for: a checker that never complains proves nothing. */
#define _GNU_SOURCE
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "ledger/keys.h"
#include "node/replica_inside.h"
#include "node/sim_inside.h"
#include "node/sim_run.h"
#include "node/sim_seal.h"

static struct sim_plan plan;

/* Four equal validators; two of them run twice, each on its side of a split: both sides have three of four keys. */
static void plan_fork(bool allowed) {
    sim_plan_quiet(&plan, 5, 6);
    plan.is_quiet = false;
    plan.trouble_ms = 12000;
    plan.powers[4] = plan.powers[5] = 0;
    plan.faults[0] = (struct sim_fault){.kind = SIM_FAULT_SPLIT, .at_ms = 0, .for_ms = 12000, .a = 0x34}; /* 2, 4 and 5 against 0, 1 and 3 */
    plan.faults[1] = (struct sim_fault){.kind = SIM_FAULT_TWIN, .node = 4, .a = 0};
    plan.faults[2] = (struct sim_fault){.kind = SIM_FAULT_TWIN, .node = 5, .a = 1};
    plan.fault_count = 3;
    plan.tx_every_us = 100000;
    plan.beyond_third = allowed;
    sim_plan_settle(&plan);
}

START_TEST(a_fork_is_seen) {
    struct sim_result result;
    plan_fork(false);
    sim_run(&result, &plan, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(result.complaint, "disagrees about the block"));
}
END_TEST

START_TEST(a_fork_beyond_a_third_is_told_and_no_complaint) {
    struct sim_result result;
    plan_fork(true);
    sim_run(&result, &plan, NULL, NULL);
    ck_assert(result.forked);
    ck_assert_str_eq(result.complaint, "");
}
END_TEST

START_TEST(one_pair_of_twins_in_four_does_not_fork) {
    struct sim_result result;
    plan_fork(false);
    plan.faults[2].left_out = true;
    sim_plan_settle(&plan);
    sim_run(&result, &plan, NULL, NULL);
    ck_assert_str_eq(result.complaint, "");
    ck_assert(!result.forked);
}
END_TEST

/* Half of the power stays away for good. */
START_TEST(a_network_that_does_not_go_on_is_seen) {
    struct sim_result result;
    sim_plan_quiet(&plan, 5, 4);
    plan.is_quiet = false;
    plan.trouble_ms = 1000;
    plan.tx_every_us = 100000;
    for (uint32_t i = 0; i < 2; i++)
        plan.faults[i] = (struct sim_fault){.kind = SIM_FAULT_LIE, .node = i, .a = 7 /* mute */};
    plan.fault_count = 2;
    sim_plan_settle(&plan);
    sim_run(&result, &plan, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(result.complaint, "heights further"));
}
END_TEST

static void plan_flow(uint64_t seed) {
    sim_plan_quiet(&plan, seed, 4);
    plan.is_quiet = false;
    plan.trouble_ms = 3000;
    plan.tx_every_us = 100000;
    sim_plan_settle(&plan);
}

START_TEST(a_network_that_goes_on_and_takes_all_in_is_no_complaint) {
    struct sim_result result;
    plan_flow(5);
    sim_run(&result, &plan, NULL, NULL);
    ck_assert_str_eq(result.complaint, "");
    ck_assert_uint_gt(result.txs, 20);
}
END_TEST

/* Mempools that lose what they take in, from the healing on. */
static void lose_transactions(void *context, uint32_t node, const struct replica *replica) {
    struct sim **watched = context;
    (void)node;
    if (sim_now_ms(*watched) >= plan.trouble_ms)
        mempool_flush(replica->mempool);
}

static void remember(void *context, struct sim *sim) { *(struct sim **)context = sim; }

START_TEST(a_transaction_that_was_taken_and_comes_into_no_block_is_seen) {
    struct sim *watched;
    struct sim_view view = {.context = &watched, .begun = remember, .watch = {.turned = lose_transactions}};
    struct sim_result result;
    plan_flow(5);
    sim_run(&result, &plan, NULL, &view);
    ck_assert_msg(strstr(result.complaint, "that were admitted after the healing 3 are in no block; 0 of them still wait somewhere") != NULL, "%s",
                  result.complaint);
}
END_TEST

/* What no mending undoes. */
static void spoil_mark(void *context, struct sim *sim) {
    struct disk *disk = sim->nodes[2].disk;
    (void)context;
    disk->table->replace(disk, "data/priv_validator_state.json", span_text("nonsense"));
}

START_TEST(a_node_that_does_not_come_back_though_all_is_mended_is_seen) {
    struct sim_view view = {.begun = spoil_mark};
    struct sim_result result;
    plan_flow(5);
    sim_run(&result, &plan, NULL, &view);
    ck_assert_str_eq(result.complaint, "node 2 does not start though all is mended");
}
END_TEST

/* ---- the auditor, told of things that did not happen */

struct desk {
    struct sim *sim;
    struct sim_load load;
    struct sim_check *check;
};

static void open_desk(struct desk *desk, const char *app) {
    sim_plan_quiet(&plan, 3, 4);
    plan.config.app = app;
    sim_load_init(&desk->load, app, 0);
    plan.config.app_state = desk->load.is_ledger ? span_text(desk->load.app_state) : span_of(NULL, 0);
    sim_plan_settle(&plan);
    sim_seal_use_insecure(true);
    desk->check = sim_check_new(&plan, &desk->load);
    desk->sim = sim_make(&plan.config);
    sim_check_begin(desk->check, desk->sim);
    sim_start_all(desk->sim);
}

static void close_desk(struct desk *desk) {
    sim_free(desk->sim);
    sim_check_free(desk->check);
    sim_load_close(&desk->load);
    sim_seal_use_insecure(false);
}

static void audit_all(struct desk *desk) {
    for (int64_t height = sim_check_height(desk->check) + 1; height <= sim_ledger(desk->sim, 0)->state.height; height++) {
        struct block *block = ledger_block(sim_ledger(desk->sim, 0), height);
        sim_check_applied(desk->check, 0, block);
        block_release(block);
    }
}

/* In the store of a node, behind its back. */
static void write_key(struct desk *desk, uint32_t node, struct key key, struct span value) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    if (value.size > 0)
        kv_batch_put(&batch, keys_span(&key), value);
    else
        kv_batch_delete(&batch, keys_span(&key));
    kv_write(sim_ledger(desk->sim, node)->kv, &batch, true);
    kv_batch_close(&batch);
}

static void must_complain(const struct desk *desk, const char *text) {
    ck_assert_msg(strstr(sim_complaint(desk->sim), text) != NULL, "\"%s\" instead of \"%s\"", sim_complaint(desk->sim), text);
}

START_TEST(an_honest_chain_passes_the_audit) {
    struct desk desk;
    open_desk(&desk, "ledger");
    for (uint32_t i = 0; i < 20; i++) {
        struct span tx = sim_load_next(&desk.load, desk.sim, i % 4);
        ck_assert_int_eq(sim_submit_bytes(desk.sim, i % 4, tx), MEMPOOL_ADDED);
        sim_check_admitted(desk.check, tx);
        sim_run_for(desk.sim, 50);
    }
    ck_assert(sim_run_to_height(desk.sim, 8, 60000));
    audit_all(&desk);
    sim_check_end(desk.check);
    ck_assert_str_eq(sim_complaint(desk.sim), "");
    ck_assert_int_ge(sim_check_height(desk.check), 8);
    ck_assert_uint_eq(sim_check_txs(desk.check), 20);
    ck_assert_uint_eq(sim_check_missing(desk.check), 0);
    close_desk(&desk);
}
END_TEST

/* As a node would that had taken in a block which breaks a rule, under a commit of the true one. */
static void tell_spoilt(struct desk *desk, void (*spoil)(struct header *header)) {
    struct block *block = ledger_block(sim_ledger(desk->sim, 0), 2);
    struct block_plan changed = {.header = block->header, .txs = block->txs, .tx_count = block->tx_count, .last_commit = &block->last_commit};
    spoil(&changed.header);
    struct block *spoilt = block_build(&changed);
    sim_check_applied(desk->check, 0, spoilt);
    block_release(spoilt);
    block_release(block);
}

static void spoil_app_hash(struct header *header) { header->app_hash.bytes[0] ^= 1; }
static void spoil_validators(struct header *header) { header->validators_hash.bytes[0] ^= 1; }

START_TEST(a_block_that_nobody_signed_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    tell_spoilt(&desk, spoil_app_hash);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "light client: header 2 does not follow: "));
    close_desk(&desk);
}
END_TEST

START_TEST(a_header_of_other_validators_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    tell_spoilt(&desk, spoil_validators);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "light client: header 2 does not follow: "));
    close_desk(&desk);
}
END_TEST

/* The header is the one that was signed, but what is under it is something else. */
START_TEST(a_committed_block_that_is_not_valid_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 4, 60000));
    for (int64_t height = 1; sim_complaint(desk.sim)[0] == '\0' && height <= 4; height++) {
        struct block *block = ledger_block(sim_ledger(desk.sim, 0), height);
        if (height == 3)
            block->last_commit.sigs[0].signature.bytes[0] ^= 1;
        sim_check_applied(desk.check, 0, block);
        block_release(block);
    }
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "was committed, but is not valid"));
    close_desk(&desk);
}
END_TEST

START_TEST(an_app_hash_that_execution_does_not_give_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    sim_ledger(desk.sim, 0)->state.app_hash.bytes[0] ^= 1;
    audit_all(&desk);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "is not what its execution gives"));
    sim_ledger(desk.sim, 0)->state.app_hash.bytes[0] ^= 1;
    close_desk(&desk);
}
END_TEST

START_TEST(results_that_execution_does_not_give_are_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    sim_ledger(desk.sim, 0)->state.results_hash.bytes[0] ^= 1;
    audit_all(&desk);
    must_complain(&desk, "the results of height");
    sim_ledger(desk.sim, 0)->state.results_hash.bytes[0] ^= 1;
    close_desk(&desk);
}
END_TEST

START_TEST(a_block_that_is_kept_without_its_commit_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 4, 60000));
    write_key(&desk, 0, keys_height('c', 2), span_of(NULL, 0));
    write_key(&desk, 0, keys_height('k', 2), span_of(NULL, 0));
    audit_all(&desk);
    must_complain(&desk, "no commit is kept for height 2");
    close_desk(&desk);
}
END_TEST

START_TEST(a_genesis_with_which_nobody_can_start_is_seen) {
    struct desk desk;
    sim_plan_quiet(&plan, 3, 4);
    plan.config.app = "ledger";
    sim_load_init(&desk.load, "ledger", 0);
    plan.config.app_state = span_text("{\"accounts\":7}");
    sim_plan_settle(&plan);
    desk.check = sim_check_new(&plan, &desk.load);
    desk.sim = sim_make(&plan.config);
    sim_check_begin(desk.check, desk.sim);
    must_complain(&desk, "the auditor cannot start: ");
    close_desk(&desk);
}
END_TEST

/* ---- extended commits */

static void open_extending_desk(struct desk *desk) {
    sim_plan_quiet(&plan, 3, 4);
    plan.config.app = "extender";
    plan.config.extensions_enable_height = 2;
    sim_load_init(&desk->load, "extender", 0);
    sim_plan_settle(&plan);
    sim_seal_use_insecure(true);
    desk->check = sim_check_new(&plan, &desk->load);
    desk->sim = sim_make(&plan.config);
    sim_check_begin(desk->check, desk->sim);
    sim_start_all(desk->sim);
    ck_assert(sim_run_to_height(desk->sim, 6, 60000));
}

START_TEST(a_chain_with_extensions_passes_the_audit) {
    struct desk desk;
    open_extending_desk(&desk);
    audit_all(&desk);
    sim_check_end(desk.check);
    ck_assert_str_eq(sim_complaint(desk.sim), "");
    ck_assert_int_ge(sim_check_height(desk.check), 6);
    ck_assert_uint_ge(sim_counts(desk.sim)[SIM_COUNT_EXTENDED_HEIGHTS], 5);
    close_desk(&desk);
}
END_TEST

START_TEST(an_extended_commit_whose_extension_nobody_signed_is_seen) {
    struct desk desk;
    open_extending_desk(&desk);
    struct blob *told = ledger_extended_commit_bytes(sim_ledger(desk.sim, 0), 4), *spoilt = blob_new(blob_span(told));
    uint8_t *text = memmem(spoilt->data, spoilt->size, "extension of 4/", 15);
    ck_assert_ptr_nonnull(text);
    text[0] ^= 1;
    write_key(&desk, 0, keys_height('x', 4), blob_span(spoilt));
    audit_all(&desk);
    must_complain(&desk, "the extended commit of height 4 does not hold: ");
    blob_release(told);
    blob_release(spoilt);
    close_desk(&desk);
}
END_TEST

START_TEST(an_extended_commit_that_is_missing_is_seen) {
    struct desk desk;
    open_extending_desk(&desk);
    write_key(&desk, 0, keys_height('x', 3), span_of(NULL, 0));
    audit_all(&desk);
    must_complain(&desk, "node 0 has not kept an extended commit of height 3");
    close_desk(&desk);
}
END_TEST

START_TEST(an_extended_commit_where_none_belongs_is_seen) {
    struct desk desk;
    open_extending_desk(&desk);
    struct blob *later = ledger_extended_commit_bytes(sim_ledger(desk.sim, 0), 2);
    write_key(&desk, 0, keys_height('x', 1), blob_span(later));
    audit_all(&desk);
    must_complain(&desk, "node 0 keeps an extended commit of height 1");
    blob_release(later);
    close_desk(&desk);
}
END_TEST

/* ---- what the simulation itself looks at, told of things that did not happen */

START_TEST(another_app_hash_than_that_of_others_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    struct sim_truth *next = &desk.sim->truth[desk.sim->nodes[0].head];
    next->has_app_hash = true;
    next->app_hash.size = 9;
    sim_run_for(desk.sim, 10000);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "has another app hash than others after height"));
    close_desk(&desk);
}
END_TEST

START_TEST(another_block_at_a_height_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    struct sim_truth *next = &desk.sim->truth[desk.sim->nodes[0].head];
    next->id = desk.sim->truth[0].id;
    sim_run_for(desk.sim, 10000);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "disagrees about the block of height"));
    close_desk(&desk);
}
END_TEST

START_TEST(a_head_that_goes_back_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    desk.sim->nodes[2].head += 5;
    sim_run_for(desk.sim, 1000);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "the head of node 2 went back"));
    close_desk(&desk);
}
END_TEST

START_TEST(a_height_without_its_block_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    write_key(&desk, 2, keys_height('m', 2), span_of(NULL, 0));
    desk.sim->nodes[2].head = 1;
    sim_run_for(desk.sim, 10000);
    must_complain(&desk, "node 2 has no block of its height 2");
    close_desk(&desk);
}
END_TEST

START_TEST(an_honest_node_that_halts_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    struct replica *replica = (struct replica *)sim_replica(desk.sim, 1);
    replica->halted = true;
    snprintf(replica->halted_why, sizeof replica->halted_why, "it had enough");
    sim_run_for(desk.sim, 10000);
    must_complain(&desk, "node 1 halted: it had enough");
    close_desk(&desk);
}
END_TEST

START_TEST(a_node_that_does_not_start_again_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    sim_kill(desk.sim, 3);
    ck_assert(sim_start(desk.sim, 3));
    ck_assert_str_eq(sim_complaint(desk.sim), "");
    sim_kill(desk.sim, 3);
    struct disk *disk = desk.sim->nodes[3].disk;
    disk->table->replace(disk, "data/priv_validator_state.json", span_text("nonsense"));
    disk->table->replace(disk, "data/priv_validator_state.alt", span_text("nonsense"));
    ck_assert(!sim_start(desk.sim, 3));
    must_complain(&desk, "node 3 refuses to start: ");
    close_desk(&desk);
}
END_TEST

/* The witness is told beforehand of another vote with the same key, which never was: then the true one is a second. */
START_TEST(a_second_vote_that_leaves_an_honest_node_is_seen) {
    for (int type = VOTE_PREVOTE; type <= VOTE_PRECOMMIT; type++) {
        struct desk desk;
        struct vote vote;
        open_desk(&desk, "kvstore");
        ck_assert(sim_run_to_height(desk.sim, 3, 60000));
        vote_init(&vote);
        vote.type = type;
        vote.height = sim_ledger(desk.sim, 2)->state.height + 2;
        vote.block_id.hash.size = vote.block_id.parts.hash.size = 32;
        vote.block_id.parts.total = 1;
        ck_assert_ptr_null(witness_vote(desk.sim->witness, 2, &vote, 10, 27));
        sim_run_for(desk.sim, 10000);
        must_complain(&desk, "signed two votes of one type in one round");
        ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "node 2 at height"));
        close_desk(&desk);
    }
}
END_TEST

START_TEST(a_second_proposal_that_leaves_an_honest_node_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    for (int64_t height = 0; height < 4; height++) { /* of four in a row one is its turn */
        struct proposal proposal = {.height = sim_ledger(desk.sim, 2)->state.height + 2 + height};
        ck_assert_ptr_null(witness_proposal(desk.sim->witness, 2, &proposal));
    }
    sim_run_for(desk.sim, 10000);
    must_complain(&desk, "signed two proposals in one round");
    close_desk(&desk);
}
END_TEST

START_TEST(a_second_vote_is_seen_by_the_witness) {
    struct witness *witness = witness_new();
    struct vote vote;
    vote_init(&vote);
    vote.type = VOTE_PREVOTE;
    vote.height = 7;
    ck_assert_ptr_null(witness_vote(witness, 0, &vote, 10, 27));
    ck_assert_ptr_null(witness_vote(witness, 0, &vote, 10, 27)); /* the same again is no second */
    ck_assert_ptr_null(witness_vote(witness, 1, &vote, 10, 27));
    vote.block_id.hash.size = vote.block_id.parts.hash.size = 32;
    vote.block_id.parts.total = 1;
    ck_assert_ptr_nonnull(witness_vote(witness, 0, &vote, 10, 27));
    witness_free(witness);
}
END_TEST

START_TEST(a_second_proposal_and_a_prevote_against_the_lock_are_seen_by_the_witness) {
    struct witness *witness = witness_new();
    struct proposal proposal = {.height = 3, .round = 1};
    ck_assert_ptr_null(witness_proposal(witness, 0, &proposal));
    proposal.block_id.hash.size = 32;
    ck_assert_ptr_nonnull(witness_proposal(witness, 0, &proposal));
    struct vote vote;
    vote_init(&vote);
    vote.height = 3;
    vote.block_id.hash.size = vote.block_id.parts.hash.size = 32;
    vote.block_id.parts.total = 1;
    vote.type = VOTE_PREVOTE;
    for (uint32_t voter = 0; voter < 3; voter++)
        ck_assert_ptr_null(witness_vote(witness, voter, &vote, 10, 27));
    vote.type = VOTE_PRECOMMIT;
    ck_assert_ptr_null(witness_vote(witness, 0, &vote, 10, 27));
    vote.type = VOTE_PREVOTE;
    vote.round = 1;
    vote.block_id.hash.bytes[0] = 1;
    ck_assert_ptr_nonnull(witness_vote(witness, 0, &vote, 10, 27));
    witness_free(witness);
}
END_TEST

/* ---- bounds */

START_TEST(what_grows_beyond_its_bound_is_seen) {
    static const char *const said[] = {"holds more transactions than it may", "candidates", "timers", "events wait", "scratch memory", "scratch memory",
                                       "scratch memory", "pieces of evidence", "the votes of a height take", "the votes of a height take"};
    for (int bound = 0; bound < (int)(sizeof said / sizeof said[0]); bound++) {
        struct desk desk;
        open_desk(&desk, "kvstore");
        ck_assert_int_eq(sim_submit(desk.sim, 0, "k=v"), MEMPOOL_ADDED);
        ck_assert(sim_run_to_height(desk.sim, 2, 60000));
        struct replica *replica = (struct replica *)sim_replica(desk.sim, 0);
        struct replica *kept = malloc(sizeof *kept);
        memcpy(kept, replica, sizeof *kept);
        uint32_t evidence = replica->ledger->evidence.count;
        ck_assert_int_eq(sim_submit(desk.sim, 0, "l=v"), MEMPOOL_ADDED);
        switch (bound) {
        case 0: plan.config.mempool_count_max = 0; break;
        case 1: replica->candidates.count = CANDIDATES_MAX + 1; break;
        case 2: replica->timer_count = REPLICA_TIMERS_MAX / 2 + 1; break;
        case 3: replica->queue_count = REPLICA_QUEUE_MAX; break;
        case 4: replica->arena.bytes_taken = 1u << 30; break;
        case 5: replica->receive_arena.bytes_taken = 1u << 30; break;
        case 6: replica->tx_arena.bytes_taken = 1u << 30; break;
        case 7: replica->ledger->evidence.count = EVIDENCE_POOL_PIECES_MAX + 1; break;
        default: replica->engine.arenas[bound - 8].bytes_taken = 1u << 30; break;
        }
        audit_all(&desk);
        ck_assert_msg(strstr(sim_complaint(desk.sim), said[bound]) != NULL, "%d: %s", bound, sim_complaint(desk.sim));
        memcpy(replica, kept, sizeof *kept);
        replica->ledger->evidence.count = evidence;
        free(kept);
        close_desk(&desk);
    }
}
END_TEST

/* ---- transactions */

START_TEST(a_committed_transaction_that_a_node_does_not_know_is_seen) {
    struct desk desk;
    uint8_t hash[32];
    open_desk(&desk, "kvstore");
    ck_assert_int_eq(sim_submit(desk.sim, 0, "k=v"), MEMPOOL_ADDED);
    ck_assert(sim_run_to_height(desk.sim, 4, 60000));
    audit_all(&desk);
    sim_check_end(desk.check);
    ck_assert_str_eq(sim_complaint(desk.sim), "");
    sha256_once(hash, span_text("k=v"));
    write_key(&desk, 2, keys_hash('t', hash), span_of(NULL, 0));
    sim_check_end(desk.check);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "node 2 does not know a transaction that was committed"));
    close_desk(&desk);
}
END_TEST

START_TEST(coins_that_nobody_was_given_are_seen) {
    struct desk desk;
    open_desk(&desk, "ledger");
    close_desk(&desk);
    sim_plan_quiet(&plan, 3, 4);
    plan.config.app = "ledger";
    sim_load_init(&desk.load, "ledger", 0);
    char *amount = strstr(desk.load.app_state, "\"amount\":\"1000000\"");
    amount[strlen("\"amount\":\"")] = '2';
    plan.config.app_state = span_text(desk.load.app_state);
    sim_plan_settle(&plan);
    sim_seal_use_insecure(true);
    desk.check = sim_check_new(&plan, &desk.load);
    desk.sim = sim_make(&plan.config);
    sim_check_begin(desk.check, desk.sim);
    sim_start_all(desk.sim);
    ck_assert(sim_run_to_height(desk.sim, 2, 60000));
    audit_all(&desk);
    sim_check_end(desk.check);
    ck_assert_ptr_nonnull(strstr(sim_complaint(desk.sim), "all accounts together hold"));
    close_desk(&desk);
}
END_TEST

START_TEST(a_transaction_that_gets_lost_is_missed) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    sim_check_admitted(desk.check, span_text("lost=1"));
    ck_assert(sim_run_to_height(desk.sim, 3, 60000));
    audit_all(&desk);
    ck_assert_uint_eq(sim_check_missing(desk.check), 1);
    sim_check_expect(desk.check);
    ck_assert_uint_eq(sim_check_missing(desk.check), 0);
    close_desk(&desk);
}
END_TEST

/* A pair that comes again after the mempool forgot it: kvstore takes it. */
static void commit_twice(struct desk *desk) {
    ck_assert_int_eq(sim_submit(desk->sim, 0, "k=v"), MEMPOOL_ADDED);
    ck_assert(sim_run_to_height(desk->sim, 3, 60000));
    mempool_flush(sim_mempool(desk->sim, 0));
    ck_assert_int_eq(sim_submit(desk->sim, 0, "k=v"), MEMPOOL_ADDED);
    for (uint32_t i = 1; i < 4; i++)
        mempool_flush(sim_mempool(desk->sim, i));
    ck_assert(sim_run_to_height(desk->sim, 9, 60000));
    audit_all(desk);
}

START_TEST(a_transaction_that_comes_twice_where_nothing_is_forgotten_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    commit_twice(&desk);
    must_complain(&desk, "a transaction was committed twice");
    close_desk(&desk);
}
END_TEST

START_TEST(a_transaction_that_comes_twice_where_nodes_fall_is_noted_and_no_complaint) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    sim_check_free(desk.check);
    plan.faults[plan.fault_count++] = (struct sim_fault){.kind = SIM_FAULT_KILL};
    desk.check = sim_check_new(&plan, &desk.load);
    sim_check_begin(desk.check, desk.sim);
    commit_twice(&desk);
    ck_assert_str_eq(sim_complaint(desk.sim), "");
    ck_assert_ptr_nonnull(strstr(sim_check_note(desk.check), "a transaction was committed at"));
    close_desk(&desk);
}
END_TEST

/* An application without memory in the ledger's place: where nodes fall, the ledger's own memory is all that keeps a transfer from being executed again. */
START_TEST(a_transfer_that_is_executed_twice_is_seen) {
    struct desk desk;
    open_desk(&desk, "kvstore");
    sim_check_free(desk.check);
    plan.faults[plan.fault_count++] = (struct sim_fault){.kind = SIM_FAULT_KILL};
    desk.check = sim_check_new(&plan, &desk.load);
    sim_check_begin(desk.check, desk.sim);
    desk.load.is_ledger = true;
    commit_twice(&desk);
    must_complain(&desk, "a transfer was executed twice, at ");
    desk.load.is_ledger = false;
    close_desk(&desk);
}
END_TEST

/* ---- disks */

static void plan_fault(enum sim_fault_kind kind, int64_t a, int64_t b) {
    sim_plan_quiet(&plan, 7, 4);
    plan.is_quiet = false;
    plan.trouble_ms = 6000;
    plan.tx_every_us = 200000;
    plan.faults[0] = (struct sim_fault){.kind = kind, .at_ms = 1500, .for_ms = 3000, .node = 2, .a = a, .b = b};
    plan.fault_count = 1;
    sim_plan_settle(&plan);
}

START_TEST(a_node_with_a_full_disk_stops_says_so_and_comes_back_when_there_is_room) {
    for (int64_t call = 1; call <= 12; call++) {
        struct sim_result result;
        plan_fault(call % 2 == 0 ? SIM_FAULT_FULL_STORE : SIM_FAULT_FULL_DISK, 1 + call / 2, 0);
        FILE *trace = tmpfile();
        sim_run(&result, &plan, trace, NULL);
        ck_assert_str_eq(result.complaint, "");
        ck_assert_uint_ge(result.deaths, 1);
        char line[512];
        bool said = false;
        rewind(trace);
        while (fgets(line, sizeof line, trace) != NULL)
            said |= strstr(line, "2  ! dies:") != NULL && strstr(line, "No space left on device") != NULL;
        ck_assert(said);
        fclose(trace);
    }
}
END_TEST

START_TEST(a_flipped_bit_leads_nobody_astray) {
    uint32_t stops = 0;
    for (int64_t chance = 1; chance <= 60; chance++) {
        struct sim_result result;
        plan_fault(SIM_FAULT_FLIP, chance * INT64_C(0x123456789abcd), chance % 2);
        sim_run(&result, &plan, NULL, NULL);
        ck_assert_str_eq(result.complaint, "");
        stops += result.refusals > 0 || result.deaths > 1;
    }
    ck_assert_uint_gt(stops, 5);
}
END_TEST

Suite *suite_sim_check(void);
Suite *suite_sim_check(void) {
    Suite *suite = suite_create("sim_check");
    TCase *tests = tcase_create("sim_check");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, a_fork_is_seen);
    tcase_add_test(tests, a_fork_beyond_a_third_is_told_and_no_complaint);
    tcase_add_test(tests, one_pair_of_twins_in_four_does_not_fork);
    tcase_add_test(tests, a_network_that_does_not_go_on_is_seen);
    tcase_add_test(tests, a_network_that_goes_on_and_takes_all_in_is_no_complaint);
    tcase_add_test(tests, a_transaction_that_was_taken_and_comes_into_no_block_is_seen);
    tcase_add_test(tests, a_node_that_does_not_come_back_though_all_is_mended_is_seen);
    tcase_add_test(tests, an_honest_chain_passes_the_audit);
    tcase_add_test(tests, a_block_that_nobody_signed_is_seen);
    tcase_add_test(tests, a_header_of_other_validators_is_seen);
    tcase_add_test(tests, a_committed_block_that_is_not_valid_is_seen);
    tcase_add_test(tests, an_app_hash_that_execution_does_not_give_is_seen);
    tcase_add_test(tests, results_that_execution_does_not_give_are_seen);
    tcase_add_test(tests, a_block_that_is_kept_without_its_commit_is_seen);
    tcase_add_test(tests, a_genesis_with_which_nobody_can_start_is_seen);
    tcase_add_test(tests, a_chain_with_extensions_passes_the_audit);
    tcase_add_test(tests, an_extended_commit_whose_extension_nobody_signed_is_seen);
    tcase_add_test(tests, an_extended_commit_that_is_missing_is_seen);
    tcase_add_test(tests, an_extended_commit_where_none_belongs_is_seen);
    tcase_add_test(tests, another_app_hash_than_that_of_others_is_seen);
    tcase_add_test(tests, another_block_at_a_height_is_seen);
    tcase_add_test(tests, a_head_that_goes_back_is_seen);
    tcase_add_test(tests, a_height_without_its_block_is_seen);
    tcase_add_test(tests, an_honest_node_that_halts_is_seen);
    tcase_add_test(tests, a_node_that_does_not_start_again_is_seen);
    tcase_add_test(tests, a_second_vote_that_leaves_an_honest_node_is_seen);
    tcase_add_test(tests, a_second_proposal_that_leaves_an_honest_node_is_seen);
    tcase_add_test(tests, a_second_vote_is_seen_by_the_witness);
    tcase_add_test(tests, a_second_proposal_and_a_prevote_against_the_lock_are_seen_by_the_witness);
    tcase_add_test(tests, what_grows_beyond_its_bound_is_seen);
    tcase_add_test(tests, a_committed_transaction_that_a_node_does_not_know_is_seen);
    tcase_add_test(tests, coins_that_nobody_was_given_are_seen);
    tcase_add_test(tests, a_transaction_that_gets_lost_is_missed);
    tcase_add_test(tests, a_transaction_that_comes_twice_where_nothing_is_forgotten_is_seen);
    tcase_add_test(tests, a_transaction_that_comes_twice_where_nodes_fall_is_noted_and_no_complaint);
    tcase_add_test(tests, a_transfer_that_is_executed_twice_is_seen);
    tcase_add_test(tests, a_node_with_a_full_disk_stops_says_so_and_comes_back_when_there_is_room);
    tcase_add_test(tests, a_flipped_bit_leads_nobody_astray);
    suite_add_tcase(suite, tests);
    return suite;
}
