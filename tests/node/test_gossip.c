/* What a node sends to whom: seen by one who only watches, and says what it likes. */
#include <check.h>
#include <inttypes.h>

#include "tests/node/stranger.h"

#define WATCHER 4

struct seen { /* of what node 0 sent to the watcher */
    uint32_t votes, parts, proposals, steps, valid_blocks, claims;
    int64_t height; /* only of this one */
    int32_t vote_round;
};

static bool mute(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    (void)context, (void)to, (void)channel, (void)bytes, (void)size;
    return false;
}

static bool watch(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    struct seen *seen = context;
    struct wire_consensus message;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    if (to == WATCHER && channel != WIRE_MEMPOOL && wire_consensus_parse(&message, span_of(bytes, size), &arena) == NULL) {
        seen->votes += message.kind == WIRE_VOTE_MESSAGE && message.vote.height == seen->height && message.vote.round == seen->vote_round;
        seen->parts += message.kind == WIRE_BLOCK_PART && message.height == seen->height;
        seen->proposals += message.kind == WIRE_PROPOSAL;
        seen->steps += message.kind == WIRE_NEW_ROUND_STEP;
        seen->valid_blocks += message.kind == WIRE_NEW_VALID_BLOCK;
        seen->claims += message.kind == WIRE_VOTE_SET_MAJ23;
    }
    arena_close(&arena);
    return true;
}

/* Four validators, and a watcher that is silent but for what we say in its name. */
static struct sim *five(struct seen *seen) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 5;
    config.full_nodes = 1;
    struct sim *sim = sim_new(&config);
    *seen = (struct seen){.height = -1};
    sim_set_twist(sim, WATCHER, mute, NULL);
    sim_set_twist(sim, 0, watch, seen);
    return sim;
}

static void say_step(struct sim *sim, int64_t height, int32_t round, uint32_t phase) {
    struct wire_consensus step = {
        .kind = WIRE_NEW_ROUND_STEP, .height = height, .round = round, .step = phase, .last_commit_round = height == 1 ? -1 : 0};
    stranger_inject(sim, WATCHER, 0, &step);
}

/* Leaves 0 and 3: they stay where they are. */
static int64_t stop_at(struct sim *sim, int64_t height) {
    while (sim_ledger(sim, 0)->state.height < height)
        sim_run_for(sim, 10);
    sim_kill(sim, 1);
    sim_kill(sim, 2);
    sim_run_for(sim, 3000);
    return replica_engine(sim_replica(sim, 0))->height;
}

START_TEST(a_peer_one_height_behind_gets_the_commit_whatever_round_it_is_in) {
    for (int32_t round = 0; round < 3; round++) {
        struct seen seen;
        struct sim *sim = five(&seen);
        seen.height = stop_at(sim, 5) - 1;
        say_step(sim, seen.height, round, ENGINE_PREVOTE);
        sim_run_for(sim, 500);
        ck_assert_msg(seen.votes >= 3, "round %d: %u precommits", round, seen.votes);
        ck_assert_msg(seen.parts >= 1, "round %d: no parts", round);
        sim_free(sim);
    }
}
END_TEST

START_TEST(a_peer_far_behind_gets_commit_and_block_of_its_height_whatever_round_it_is_in) {
    for (int32_t round = 0; round < 3; round++) {
        struct seen seen;
        struct sim *sim = five(&seen);
        stop_at(sim, 8);
        seen.height = 2;
        say_step(sim, 2, round, ENGINE_PREVOTE);
        sim_run_for(sim, 500);
        ck_assert_msg(seen.votes >= 3, "round %d: %u precommits", round, seen.votes);
        ck_assert_msg(seen.parts >= 1, "round %d: no parts", round);
        sim_free(sim);
    }
}
END_TEST

/* It drops parts until the commit tells it which block; then it says so, and has none. */
START_TEST(parts_that_came_too_early_are_sent_again_when_the_peer_says_what_it_has) {
    struct seen seen;
    struct sim *sim = five(&seen);
    stop_at(sim, 8);
    seen.height = 2;
    say_step(sim, 2, 0, ENGINE_PREVOTE);
    sim_run_for(sim, 500);
    uint32_t before = seen.parts;
    ck_assert_uint_ge(before, 1);
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(sim_ledger(sim, 0), &meta, 2));
    uint64_t none = 0;
    struct wire_consensus valid = {.kind = WIRE_NEW_VALID_BLOCK, .height = 2, .parts = meta.block_id.parts, .bits = {1, &none}, .is_commit = true};
    stranger_inject(sim, WATCHER, 0, &valid);
    sim_run_for(sim, 300);
    ck_assert_uint_gt(seen.parts, before);
    sim_free(sim);
}
END_TEST

Suite *suite_gossip(void);
Suite *suite_gossip(void) {
    Suite *suite = suite_create("gossip");
    TCase *tests = tcase_create("gossip");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_peer_one_height_behind_gets_the_commit_whatever_round_it_is_in);
    tcase_add_test(tests, a_peer_far_behind_gets_commit_and_block_of_its_height_whatever_round_it_is_in);
    tcase_add_test(tests, parts_that_came_too_early_are_sent_again_when_the_peer_says_what_it_has);
    suite_add_tcase(suite, tests);
    return suite;
}
