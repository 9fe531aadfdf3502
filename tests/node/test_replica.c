/* Whole replicas in virtual time: what a network of them must do. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/node/stranger.h"

static struct sim *four(uint64_t seed) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    return sim_new(&config);
}

static void must_be_fine(struct sim *sim) { ck_assert_str_eq(sim_complaint(sim), ""); }

START_TEST(four_validators_commit_the_same_blocks_in_round_zero) {
    struct sim *sim = four(1);
    ck_assert_msg(sim_run_to_height(sim, 20, 60000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    ck_assert_int_lt(sim_now_ms(sim), 20 * 1300);
    struct commit commit;
    struct arena arena;
    bool canonical;
    arena_init(&arena, 1 << 20);
    for (int64_t height = 1; height <= 20; height++) {
        ck_assert(ledger_commit(sim_ledger(sim, 0), &commit, &canonical, height, &arena));
        ck_assert_int_eq(commit.round, 0);
    }
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    arena_close(&arena);
    sim_free(sim);
}
END_TEST

static bool swallow_votes_to_0(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    (void)context;
    (void)bytes;
    (void)size;
    return to != 0 || channel != WIRE_VOTE;
}

/* It hears the precommits of all others before any prevote: it casts its own in the very step that decides. */
START_TEST(a_precommit_cast_in_the_step_that_decides_joins_the_last_commit) {
    struct sim *sim = four(1);
    const struct engine *engine = replica_engine(sim_replica(sim, 0));
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_run_for(sim, 500);
    for (uint32_t i = 1; i < 4; i++)
        sim_set_twist(sim, i, swallow_votes_to_0, NULL);
    for (int ms = 0; ms < 3000 && engine->phase != ENGINE_PREVOTE; ms++)
        sim_run_for(sim, 1);
    ck_assert_int_eq(engine->height, 4);
    ck_assert_uint_eq(engine->block_count, 1);
    for (uint32_t i = 1; i < 4; i++) {
        struct vote vote = stranger_vote(sim, i, 4, 0, VOTE_PRECOMMIT);
        vote.block_id = engine->wanted;
        stranger_sign(sim, i, &vote);
        stranger_inject_vote(sim, i, 0, &vote);
    }
    sim_run_for(sim, 50);
    ck_assert_int_eq(engine->height, 5);
    ck_assert(engine->has_last_commit && tally_is_complete(&engine->last_commit));
    sim_free(sim);
}
END_TEST

START_TEST(one_validator_commits_alone) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 1;
    config.engine.timeout_commit_ms = 0;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 50, 60000));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_transaction_given_to_one_node_is_committed_by_all_once) {
    struct sim *sim = four(2);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    ck_assert_int_eq(sim_submit(sim, 3, "name=quorate"), MEMPOOL_ADDED);
    sim_run_for(sim, 5000);
    must_be_fine(sim);
    uint8_t hash[32];
    sha256_once(hash, span_text("name=quorate"));
    for (uint32_t i = 0; i < 4; i++) {
        int64_t height;
        uint32_t index;
        ck_assert_msg(ledger_find_tx(sim_ledger(sim, i), hash, &height, &index), "node %u lacks it", i);
        ck_assert_int_eq(mempool_count(sim_mempool(sim, i)), 0);
    }
    ck_assert_int_eq(sim_submit(sim, 0, "name=quorate"), MEMPOOL_KNOWN);
    sim_free(sim);
}
END_TEST

START_TEST(three_of_four_go_on_without_the_fourth_and_two_do_not) {
    struct sim *sim = four(3);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_kill(sim, 1);
    ck_assert_msg(sim_run_to_height(sim, 12, 120000), "%s", sim_complaint(sim));
    sim_kill(sim, 2);
    int64_t height = sim_ledger(sim, 0)->state.height;
    sim_run_for(sim, 30000);
    ck_assert_int_le(sim_ledger(sim, 0)->state.height, height + 1);
    must_be_fine(sim);
    ck_assert(sim_start(sim, 2));
    ck_assert_msg(sim_run_to_height(sim, height + 10, 120000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_node_that_was_away_catches_up_by_gossip) {
    struct sim *sim = four(4);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    sim_kill(sim, 3);
    ck_assert(sim_run_to_height(sim, 60, 600000));
    ck_assert(sim_start(sim, 3));
    ck_assert_msg(sim_run_to_height(sim, 62, 60000), "node 3 is at %" PRId64, sim_ledger(sim, 3)->state.height);
    must_be_fine(sim);
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    sim_free(sim);
}
END_TEST

START_TEST(killed_at_any_moment_a_validator_never_signs_twice_differently) {
    for (uint64_t seed = 100; seed < 112; seed++) {
        struct sim *sim = four(seed);
        for (int i = 0; i < 12; i++) {
            sim_run_for(sim, 137 + (int64_t)(seed * 31 + (uint64_t)i * 977) % 2500);
            uint32_t victim = (uint32_t)((seed + (uint64_t)i * 7) % 4);
            if (sim_is_alive(sim, victim))
                sim_kill(sim, victim);
            sim_run_for(sim, (int64_t)(i * 211 % 700));
            if (!sim_is_alive(sim, victim))
                ck_assert_msg(sim_start(sim, victim), "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
        }
        int64_t height = sim_ledger(sim, 0)->state.height;
        ck_assert_msg(sim_run_to_height(sim, height + 3, 120000), "seed %" PRIu64 ": stuck at %" PRId64 " %s", seed, height, sim_complaint(sim));
        must_be_fine(sim);
        sim_free(sim);
    }
}
END_TEST

START_TEST(all_four_killed_at_once_come_back_and_go_on) {
    for (uint64_t seed = 200; seed < 212; seed++) {
        struct sim *sim = four(seed);
        for (int i = 0; i < 5; i++) {
            sim_run_for(sim, 400 + (int64_t)(seed * 131 + (uint64_t)i * 577) % 3000);
            for (uint32_t node = 0; node < 4; node++)
                sim_kill(sim, node);
            for (uint32_t node = 0; node < 4; node++)
                ck_assert_msg(sim_start(sim, node), "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
        }
        int64_t height = sim_ledger(sim, 0)->state.height;
        ck_assert_msg(sim_run_to_height(sim, height + 3, 240000), "seed %" PRIu64 ": stuck at %" PRId64 " %s", seed, height, sim_complaint(sim));
        must_be_fine(sim);
        sim_free(sim);
    }
}
END_TEST

START_TEST(a_partition_stops_agreement_and_its_healing_resumes_it) {
    struct sim *sim = four(5);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_partition(sim, 3);
    sim_run_for(sim, 20000);
    int64_t height = sim_ledger(sim, 0)->state.height;
    sim_run_for(sim, 20000);
    ck_assert_int_eq(sim_ledger(sim, 0)->state.height, height);
    sim_partition(sim, 0);
    ck_assert_msg(sim_run_to_height(sim, height + 5, 120000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_minority_partition_lets_the_rest_go_on_and_catches_up) {
    struct sim *sim = four(6);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_partition(sim, 4);
    sim_run_for(sim, 60000);
    ck_assert_int_gt(sim_ledger(sim, 0)->state.height, 10);
    ck_assert_int_le(sim_ledger(sim, 2)->state.height, 4);
    sim_partition(sim, 0);
    ck_assert_msg(sim_run_to_height(sim, sim_ledger(sim, 0)->state.height + 3, 120000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_chain) {
    struct ledger_meta first, second;
    for (int i = 0; i < 2; i++) {
        struct sim *sim = four(77);
        sim_run_for(sim, 3000);
        sim_submit(sim, 1, "a=b");
        ck_assert(sim_run_to_height(sim, 8, 60000));
        ck_assert(ledger_block_meta(sim_ledger(sim, 0), i == 0 ? &first : &second, 8));
        sim_free(sim);
    }
    ck_assert(block_id_equal(&first.block_id, &second.block_id));
}
END_TEST

START_TEST(a_height_costs_a_validator_at_most_six_flushes) {
    struct sim *sim = four(8);
    ck_assert(sim_run_to_height(sim, 5, 60000));
    uint64_t before = 0, after = 0;
    for (uint32_t i = 0; i < 4; i++)
        before += sim_flushes(sim, i);
    ck_assert(sim_run_to_height(sim, 45, 600000));
    for (uint32_t i = 0; i < 4; i++)
        after += sim_flushes(sim, i);
    ck_assert_msg(after - before <= 6 * 4 * 41, "%.2f flushes per height and validator", (double)(after - before) / 4 / 40);
    sim_free(sim);
}
END_TEST

START_TEST(a_node_whose_application_refuses_every_proposal_votes_nil_and_follows) {
    struct sim *sim = four(15);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_kill(sim, 3);
    sim_make_stubborn(sim, 3);
    ck_assert(sim_start(sim, 3));
    ck_assert_msg(sim_run_to_height(sim, 10, 120000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_node_whose_clock_is_hours_behind_votes_nil_and_follows) {
    struct sim_config config;
    sim_defaults(&config);
    config.block_time_tolerance_ms = 60000;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    sim_skew_clock(sim, 2, -2 * 3600 * 1000);
    ck_assert_msg(sim_run_to_height(sim, 10, 120000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(clocks_that_run_apart_by_an_hour_on_a_third_of_the_nodes_do_not_stop_the_others) {
    struct sim *sim = four(16);
    sim_skew_clock(sim, 1, 3600 * 1000);
    ck_assert_msg(sim_run_to_height(sim, 8, 120000), "%s", sim_complaint(sim));
    sim_skew_clock(sim, 1, -3600 * 1000);
    ck_assert_msg(sim_run_to_height(sim, 16, 120000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

/* Its proposal and block reach one node only, and then it is gone. */
static bool data_to_one(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    (void)bytes, (void)size;
    return channel != WIRE_DATA || to == *(uint32_t *)context;
}

START_TEST(a_proposal_that_reached_one_node_is_passed_on_by_it_and_decided_in_its_round) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct sim *sim = four(seed);
        ck_assert(sim_run_to_height(sim, 3, 60000));
        sim_run_for(sim, 300);
        uint32_t proposer = stranger_proposer(sim, 0, 0), one = (proposer + 1) % 4;
        const struct engine *engine = replica_engine(sim_replica(sim, one));
        sim_set_twist(sim, proposer, data_to_one, &one);
        for (int ms = 0; ms < 3000 && !(engine->height == 4 && engine->block_count > 0); ms++)
            sim_run_for(sim, 1);
        ck_assert_int_eq(engine->height, 4);
        sim_kill(sim, proposer);
        ck_assert_msg(sim_run_to_height(sim, 4, 1000), "seed %" PRIu64 ": not passed on in time", seed);
        struct commit commit;
        struct arena arena;
        bool canonical;
        arena_init(&arena, 1 << 20);
        ck_assert(ledger_commit(sim_ledger(sim, one), &commit, &canonical, 4, &arena));
        ck_assert_int_eq(commit.round, 0);
        arena_close(&arena);
        must_be_fine(sim);
        sim_free(sim);
    }
}
END_TEST

/* ---- strangers' messages */

static bool swap_a_byte(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    uint64_t *chance = context;
    (void)to;
    (void)channel;
    *chance = *chance * 6364136223846793005ull + 1442695040888963407ull;
    if ((*chance >> 33) % 5 == 0 && size > 0)
        bytes[(*chance >> 40) % size] ^= (uint8_t)(1 + (*chance >> 20) % 255);
    return true;
}

START_TEST(a_node_whose_bytes_are_spoilt_on_the_way_harms_nobody) {
    for (uint64_t seed = 300; seed < 306; seed++) {
        struct sim *sim = four(seed);
        uint64_t chance = seed;
        sim_set_twist(sim, 2, swap_a_byte, &chance);
        sim_run_for(sim, 60000);
        must_be_fine(sim);
        ck_assert_int_gt(sim_ledger(sim, 0)->state.height, 5);
        sim_set_twist(sim, 2, NULL, NULL);
        ck_assert_msg(sim_run_to_height(sim, sim_ledger(sim, 0)->state.height + 3, 240000), "%s", sim_complaint(sim));
        sim_free(sim);
    }
}
END_TEST

START_TEST(a_vote_with_a_bad_signature_costs_its_sender_the_connection) {
    struct sim *sim = four(9);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    struct vote vote = stranger_vote(sim, 1, replica_engine(sim_replica(sim, 0))->height, 0, VOTE_PREVOTE);
    vote.signature.size = 64;
    stranger_inject_vote(sim, 1, 0, &vote);
    sim_run_for(sim, 100);
    ck_assert_uint_eq(sim_drops(sim), 1);
    ck_assert_ptr_nonnull(strstr(sim_last_drop(sim), "signature"));
    ck_assert_msg(sim_run_to_height(sim, 8, 60000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_vote_under_anothers_address_is_refused) {
    struct sim *sim = four(10);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    struct vote vote = stranger_vote(sim, 1, replica_engine(sim_replica(sim, 0))->height, 0, VOTE_PREVOTE);
    vote.validator_index = (vote.validator_index + 1) % 4;
    stranger_sign(sim, 1, &vote);
    stranger_inject_vote(sim, 1, 0, &vote);
    sim_run_for(sim, 100);
    ck_assert_uint_eq(sim_drops(sim), 1);
    ck_assert_ptr_nonnull(strstr(sim_last_drop(sim), "address"));
    sim_free(sim);
}
END_TEST

START_TEST(votes_of_far_heights_and_rounds_neither_help_nor_harm) {
    struct sim *sim = four(11);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    int64_t height = replica_engine(sim_replica(sim, 0))->height;
    for (int32_t i = 0; i < 200; i++) {
        struct vote vote = stranger_vote(sim, 1, i % 2 == 0 ? height : height + 1000 + i, 1000 + i, i % 4 < 2 ? VOTE_PREVOTE : VOTE_PRECOMMIT);
        stranger_sign(sim, 1, &vote);
        stranger_inject_vote(sim, 1, 0, &vote);
    }
    sim_run_for(sim, 50);
    ck_assert_uint_le(replica_engine(sim_replica(sim, 0))->rounds.count, 4); /* rounds 0, 1 and two that one peer may open */
    ck_assert_msg(sim_run_to_height(sim, 8, 60000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(a_proposal_from_whose_turn_it_is_not_costs_its_sender_the_connection) {
    struct sim *sim = four(12);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    const struct engine *engine = replica_engine(sim_replica(sim, 0));
    sim_run_for(sim, 300); /* into the pause after a commit */
    ck_assert(!engine->has_proposal);
    struct proposal proposal = stranger_proposal(sim, 0);
    uint32_t liar = stranger_proposer(sim, 0, engine->round) == 1 ? 2 : 1;
    stranger_sign_proposal(sim, liar, &proposal);
    stranger_inject(sim, liar, 0, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = proposal});
    sim_run_for(sim, 60);
    ck_assert_uint_eq(sim_drops(sim), 1);
    ck_assert_ptr_nonnull(strstr(sim_last_drop(sim), "proposer"));
    ck_assert_msg(sim_run_to_height(sim, 8, 60000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(garbage_on_every_channel_costs_its_sender_the_connection_only) {
    struct sim *sim = four(13);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    static const uint8_t channels[] = {WIRE_STATE, WIRE_DATA, WIRE_VOTE, WIRE_VOTE_SET_BITS, WIRE_MEMPOOL};
    uint8_t garbage[300];
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (uint8_t)(i * 37 + 11);
    for (size_t c = 0; c < sizeof channels; c++) {
        sim_inject(sim, 1, 0, channels[c], span_of(garbage, sizeof garbage));
        sim_run_for(sim, 3000);
    }
    ck_assert_uint_eq(sim_drops(sim), 5);
    ck_assert_msg(sim_run_to_height(sim, 10, 120000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(without_empty_blocks_a_height_waits_for_a_transaction) {
    struct sim_config config;
    sim_defaults(&config);
    config.engine.create_empty_blocks = false;
    struct sim *sim = sim_new(&config);
    sim_run_for(sim, 60000);
    int64_t quiet = sim_ledger(sim, 0)->state.height;
    ck_assert_int_le(quiet, 3);
    ck_assert_int_eq(sim_submit(sim, 0, "k=v"), MEMPOOL_ADDED);
    ck_assert_msg(sim_run_to_height(sim, quiet + 1, 10000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

/* kvstore's "val=ed25519!<base64>!<power>" */
static void submit_power(struct sim *sim, uint32_t to, uint32_t node, int64_t power) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t key[33] = {0};
    char base64[64], tx[128];
    size_t out = 0;
    ed25519_key_public(sim_key(sim, node), key);
    for (size_t i = 0; i < 33; i += 3) {
        uint32_t triple = (uint32_t)key[i] << 16 | (uint32_t)key[i + 1] << 8 | key[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            base64[out++] = digits[triple >> shift & 63];
    }
    base64[43] = '=';
    base64[44] = '\0';
    snprintf(tx, sizeof tx, "val=ed25519!%s!%" PRId64, base64, power);
    ck_assert_int_eq(sim_submit(sim, to, tx), MEMPOOL_ADDED);
}

START_TEST(a_validator_update_takes_effect_two_heights_later_on_all_nodes) {
    struct sim *sim = four(14);
    ck_assert(sim_run_to_height(sim, 2, 60000));
    submit_power(sim, 1, 0, 25);
    ck_assert(sim_run_to_height(sim, 8, 60000));
    must_be_fine(sim);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(sim_ledger(sim, i)->state.validators.total_power, 55);
    sim_free(sim);
}
END_TEST

static uint32_t signatures_at(struct sim *sim, uint32_t node, int64_t height) {
    struct commit commit;
    struct arena arena;
    bool canonical;
    uint32_t count = 0;
    arena_init(&arena, 1 << 20);
    ck_assert(ledger_commit(sim_ledger(sim, node), &commit, &canonical, height, &arena) && canonical);
    for (uint32_t i = 0; i < commit.count; i++)
        count += commit.sigs[i].flag == COMMIT_FOR_BLOCK;
    arena_close(&arena);
    return count;
}

START_TEST(a_node_becomes_a_validator_and_ceases_to_be_one_while_the_chain_goes_on) {
    static const int64_t powers[] = {10, 10, 10, 10, 0};
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 5;
    config.powers = powers;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    submit_power(sim, 4, 4, 10);
    ck_assert_msg(sim_run_to_height(sim, 12, 60000), "%s", sim_complaint(sim));
    ck_assert_uint_eq(signatures_at(sim, 0, 10), 5);
    submit_power(sim, 0, 2, 0);
    ck_assert_msg(sim_run_to_height(sim, 22, 60000), "%s", sim_complaint(sim));
    ck_assert_uint_eq(signatures_at(sim, 0, 20), 4);
    ck_assert_int_lt(replica_engine(sim_replica(sim, 2))->own_index, 0);
    submit_power(sim, 2, 2, 7); /* what it is no longer, it may ask to be again */
    ck_assert_msg(sim_run_to_height(sim, 32, 60000), "%s", sim_complaint(sim));
    ck_assert_uint_eq(signatures_at(sim, 2, 30), 5);
    must_be_fine(sim);
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    sim_free(sim);
}
END_TEST

START_TEST(a_chain_may_begin_at_any_height_and_outlives_restarts_there) {
    struct sim_config config;
    sim_defaults(&config);
    config.initial_height = 1000;
    struct sim *sim = sim_new(&config);
    for (uint32_t i = 0; i < 4; i++)
        sim_kill(sim, i);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert(sim_start(sim, i));
    ck_assert_msg(sim_run_to_height(sim, 1003, 60000), "%s", sim_complaint(sim));
    for (uint32_t i = 0; i < 4; i++) {
        sim_kill(sim, i);
        sim_run_for(sim, 1500);
        ck_assert(sim_start(sim, i));
    }
    ck_assert_msg(sim_run_to_height(sim, 1012, 60000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    sim_free(sim);
}
END_TEST

START_TEST(a_full_node_without_a_key_follows_and_passes_transactions_on) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 5;
    config.full_nodes = 1;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    ck_assert_int_eq(sim_submit(sim, 4, "from=afar"), MEMPOOL_ADDED);
    sim_run_for(sim, 4000);
    uint8_t hash[32];
    int64_t height;
    uint32_t index;
    sha256_once(hash, span_text("from=afar"));
    ck_assert(ledger_find_tx(sim_ledger(sim, 0), hash, &height, &index));
    sim_kill(sim, 4);
    sim_run_for(sim, 5000);
    ck_assert(sim_start(sim, 4));
    ck_assert_msg(sim_run_to_height(sim, 20, 60000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(without_pause_and_with_it_skipped_heights_follow_each_other_at_once) {
    struct sim_config config;
    sim_defaults(&config);
    config.engine.timeout_commit_ms = 0;
    config.engine.skip_timeout_commit = true;
    struct sim *sim = sim_new(&config);
    ck_assert_msg(sim_run_to_height(sim, 100, 20000), "at %" PRId64 " %s", sim_ledger(sim, 0)->state.height, sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
    config.engine.timeout_commit_ms = 100000; /* and then all precommits end it */
    sim = sim_new(&config);
    ck_assert_msg(sim_run_to_height(sim, 50, 20000), "at %" PRId64 " %s", sim_ledger(sim, 0)->state.height, sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

START_TEST(empty_blocks_come_in_their_interval_and_blocks_with_transactions_before_it) {
    struct sim_config config;
    sim_defaults(&config);
    config.engine.create_empty_blocks_interval_ms = 10000;
    struct sim *sim = sim_new(&config);
    sim_run_for(sim, 60000);
    int64_t height = sim_ledger(sim, 0)->state.height;
    ck_assert_int_ge(height, 5);
    ck_assert_int_le(height, 8);
    sim_submit(sim, 2, "a=1");
    ck_assert_msg(sim_run_to_height(sim, height + 1, 3000), "%s", sim_complaint(sim));
    must_be_fine(sim);
    sim_free(sim);
}
END_TEST

static void run_many(uint32_t nodes, const int64_t *powers, int64_t height) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = nodes;
    config.powers = powers;
    struct sim *sim = sim_new(&config);
    ck_assert_msg(sim_run_to_height(sim, height, 60000), "%u nodes: at %" PRId64 " %s", nodes, sim_ledger(sim, 0)->state.height, sim_complaint(sim));
    must_be_fine(sim);
    for (int64_t h = 2; h < height; h++) {
        struct ledger_meta meta;
        ck_assert(ledger_block_meta(sim_ledger(sim, 0), &meta, h));
        ck_assert_uint_eq(signatures_at(sim, 0, h), nodes);
    }
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    sim_free(sim);
}

START_TEST(networks_of_seven_ten_and_thirty_agree_with_every_signature) {
    static const int64_t powers[] = {1, 2, 3, 500, 5, 600, 7, 80, 9, 1000};
    run_many(7, NULL, 10);
    run_many(10, powers, 10);
    run_many(30, NULL, 4);
}
END_TEST

START_TEST(a_network_of_a_hundred_agrees) { run_many(100, NULL, 2); }
END_TEST

/* Wound 41: 1 is the last block. */
START_TEST(a_key_that_signed_one_of_the_last_blocks_does_not_start_when_asked_to_look) {
    struct sim_config config;
    sim_defaults(&config);
    config.double_sign_check_height = 1;
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 5, 60000));
    sim_kill(sim, 1);
    ck_assert(!sim_start(sim, 1));
    ck_assert_ptr_nonnull(strstr(sim_complaint(sim), "double_sign_check_height"));
    sim_free(sim);
}
END_TEST

Suite *suite_replica(void);
Suite *suite_replica(void) {
    Suite *suite = suite_create("replica");
    TCase *tests = tcase_create("replica");
    tcase_set_timeout(tests, 400);
    tcase_add_test(tests, four_validators_commit_the_same_blocks_in_round_zero);
    tcase_add_test(tests, a_precommit_cast_in_the_step_that_decides_joins_the_last_commit);
    tcase_add_test(tests, one_validator_commits_alone);
    tcase_add_test(tests, a_transaction_given_to_one_node_is_committed_by_all_once);
    tcase_add_test(tests, three_of_four_go_on_without_the_fourth_and_two_do_not);
    tcase_add_test(tests, a_node_that_was_away_catches_up_by_gossip);
    tcase_add_test(tests, killed_at_any_moment_a_validator_never_signs_twice_differently);
    tcase_add_test(tests, all_four_killed_at_once_come_back_and_go_on);
    tcase_add_test(tests, a_partition_stops_agreement_and_its_healing_resumes_it);
    tcase_add_test(tests, a_minority_partition_lets_the_rest_go_on_and_catches_up);
    tcase_add_test(tests, the_same_seed_gives_the_same_chain);
    tcase_add_test(tests, a_height_costs_a_validator_at_most_six_flushes);
    tcase_add_test(tests, a_node_whose_application_refuses_every_proposal_votes_nil_and_follows);
    tcase_add_test(tests, a_node_whose_clock_is_hours_behind_votes_nil_and_follows);
    tcase_add_test(tests, clocks_that_run_apart_by_an_hour_on_a_third_of_the_nodes_do_not_stop_the_others);
    tcase_add_test(tests, a_proposal_that_reached_one_node_is_passed_on_by_it_and_decided_in_its_round);
    tcase_add_test(tests, a_node_whose_bytes_are_spoilt_on_the_way_harms_nobody);
    tcase_add_test(tests, a_vote_with_a_bad_signature_costs_its_sender_the_connection);
    tcase_add_test(tests, a_vote_under_anothers_address_is_refused);
    tcase_add_test(tests, votes_of_far_heights_and_rounds_neither_help_nor_harm);
    tcase_add_test(tests, a_proposal_from_whose_turn_it_is_not_costs_its_sender_the_connection);
    tcase_add_test(tests, garbage_on_every_channel_costs_its_sender_the_connection_only);
    tcase_add_test(tests, without_empty_blocks_a_height_waits_for_a_transaction);
    tcase_add_test(tests, a_validator_update_takes_effect_two_heights_later_on_all_nodes);
    tcase_add_test(tests, a_node_becomes_a_validator_and_ceases_to_be_one_while_the_chain_goes_on);
    tcase_add_test(tests, a_chain_may_begin_at_any_height_and_outlives_restarts_there);
    tcase_add_test(tests, a_full_node_without_a_key_follows_and_passes_transactions_on);
    tcase_add_test(tests, without_pause_and_with_it_skipped_heights_follow_each_other_at_once);
    tcase_add_test(tests, empty_blocks_come_in_their_interval_and_blocks_with_transactions_before_it);
    tcase_add_test(tests, networks_of_seven_ten_and_thirty_agree_with_every_signature);
    tcase_add_test(tests, a_network_of_a_hundred_agrees);
    tcase_add_test(tests, a_key_that_signed_one_of_the_last_blocks_does_not_start_when_asked_to_look);
    suite_add_tcase(suite, tests);
    return suite;
}
