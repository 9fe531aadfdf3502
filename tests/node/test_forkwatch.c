/* Two honest nodes whose chain was forked under them by two conspirators, and who then hear each other. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/conspiracy.h"
#include "node/replica_inside.h"
#include "node/sim.h"
#include "tendermint/audit_verify.h"

enum { VICTIMS = 2, FORK_HEIGHT = 3 };

static struct stage {
    struct sim *sim;
    struct conspiracy plot;
    struct valset set;
    struct arena arena;
    bool is_on;
    uint32_t votes_sent; /* new ones, by victims, since counted */
    int64_t front[4];    /* the newest of each */
} stage;

static void on_arrived(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message) {
    struct wire_consensus heard;
    (void)context;
    if (!stage.is_on || from < VICTIMS || to != 0)
        return;
    arena_reset(&stage.arena);
    if (wire_consensus_decode(&heard, message, channel, 1, &stage.arena) == NULL)
        conspiracy_hear(&stage.plot, from - VICTIMS, &heard);
}

static void on_sent(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message, int64_t arrives_us) {
    struct wire_consensus said;
    (void)context;
    (void)to;
    (void)arrives_us;
    arena_reset(&stage.arena);
    if (from >= VICTIMS && channel == WIRE_VOTE && wire_consensus_parse(&said, message, &stage.arena) == NULL && said.kind == WIRE_VOTE_MESSAGE &&
        stage.sim != NULL && address_equal(&said.vote.validator_address, sim_address(stage.sim, from)) &&
        said.vote.height * 10000 + said.vote.round * 10 + said.vote.type > stage.front[from]) {
        stage.front[from] = said.vote.height * 10000 + said.vote.round * 10 + said.vote.type;
        stage.votes_sent++;
    }
}

static void swallow(void *context, uint32_t to, uint8_t channel, struct span message) {
    (void)context;
    (void)to;
    (void)channel;
    (void)message;
}

static void whisper(void) {
    static uint8_t bytes[65536];
    for (uint32_t victim = 0; victim < VICTIMS; victim++) {
        struct wire_consensus message;
        while (conspiracy_next(&stage.plot, victim, &message)) {
            struct proto_writer writer;
            proto_writer_init(&writer, bytes, sizeof bytes);
            wire_consensus_write(&writer, &message);
            sim_inject(stage.sim, 0, VICTIMS + victim, wire_consensus_channel(message.kind), proto_writer_span(&writer));
        }
    }
}

/* As in cmd_audit_demo.c: nodes 0 and 1 conspire, 2 and 3 do not hear each other. */
static void fork_chain(bool stops, bool far_signers) {
    struct sim_config config;
    sim_defaults(&config);
    config.forks_allowed = true;
    config.fork_stops_signing = stops;
    config.remote_signers = far_signers ? 0xc : 0;
    config.watch.arrived = on_arrived;
    config.watch.sent = on_sent;
    memset(&stage, 0, sizeof stage);
    arena_init(&stage.arena, 1 << 24);
    stage.sim = sim_new(&config);
    ck_assert(sim_run_to_height(stage.sim, FORK_HEIGHT - 1, 100000));
    valset_init(&stage.set);
    valset_copy(&stage.set, replica_engine(sim_replica(stage.sim, 3))->begin.validators);
    conspiracy_init(&stage.plot, CONSPIRACY_AMNESIA, "sim", &stage.set, FORK_HEIGHT);
    for (uint32_t i = 0; i < 4; i++) {
        if (i >= VICTIMS) {
            conspiracy_add_victim(&stage.plot, (uint32_t)valset_find(&stage.set, sim_address(stage.sim, i)));
            continue;
        }
        conspiracy_add_key(&stage.plot, sim_key(stage.sim, i));
        sim_set_speaker(stage.sim, i, swallow, NULL);
        sim_set_faulty(stage.sim, i);
    }
    sim_sever(stage.sim, 2, 3, true);
    stage.is_on = true;
    for (int64_t ms = 0; ms < 600000 && !conspiracy_done(&stage.plot, FORK_HEIGHT + 1); ms += 10) {
        sim_run_for(stage.sim, 10);
        whisper();
    }
    ck_assert(sim_forked(stage.sim));
    for (uint32_t i = VICTIMS; i < 4; i++)
        ck_assert(!replica_fork_alarm(sim_replica(stage.sim, i))->raised); /* each saw only its own branch */
}

/* The victims meet; the conspirators go on with both. */
static void meet(void) {
    sim_sever(stage.sim, 2, 3, false);
    for (int64_t ms = 0; ms < 60000; ms += 10) {
        sim_run_for(stage.sim, 10);
        whisper();
    }
}

static void leave(void) {
    sim_free(stage.sim);
    valset_close(&stage.set);
    arena_close(&stage.arena);
}

static const struct forkwatch_alarm *alarm_of(uint32_t node) { return replica_fork_alarm(sim_replica(stage.sim, node)); }

/* What lies on the node's disk, verified with nothing but the set of the genesis. */
static void verify_bundle(uint32_t node) {
    const struct replica *replica = sim_replica(stage.sim, node);
    struct audit_verified seen;
    struct arena arena;
    struct valset genesis;
    size_t offset;
    ck_assert_str_ne(alarm_of(node)->bundle, "");
    struct blob *bundle = replica->world->disk->table->read(replica->world->disk, alarm_of(node)->bundle, 0, 1 << 24);
    ck_assert_ptr_nonnull(bundle);
    valset_init(&genesis);
    int64_t trusted = sim_ledger(stage.sim, node)->base - 1; /* where nothing is pruned, below the first block: the genesis */
    trusted += trusted > 0;
    ck_assert(ledger_validators(sim_ledger(stage.sim, node), &genesis, trusted + 1));
    struct audit_trust trust = {.height = trusted};
    valset_hash(&trust.set_hash, &genesis);
    arena_init(&arena, 1 << 26);
    const char *wrong = audit_verify(&seen, &offset, blob_span(bundle), &trust, span_text("sim"), NULL, &arena);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert(seen.is_fork);
    for (uint32_t i = 0; i < seen.statement_count; i++)
        for (uint32_t honest = VICTIMS; honest < 4; honest++)
            ck_assert(seen.statements[i].status > AUDIT_CONVICTED_BY_SILENCE || !address_equal(&seen.statements[i].who, sim_address(stage.sim, honest)));
    arena_close(&arena);
    valset_close(&genesis);
    blob_release(bundle);
}

START_TEST(who_sees_the_other_branch_raises_the_alarm_stops_signing_and_writes_a_bundle_that_holds) {
    fork_chain(true, _i == 1);
    meet();
    uint32_t raised = 0;
    for (uint32_t i = VICTIMS; i < 4; i++) {
        if (!alarm_of(i)->raised)
            continue;
        raised++;
        ck_assert(alarm_of(i)->stopped);
        ck_assert_int_ge(alarm_of(i)->height, FORK_HEIGHT);
        ck_assert(!block_id_equal(&alarm_of(i)->ours, &alarm_of(i)->theirs));
        verify_bundle(i);
    }
    ck_assert_uint_eq(raised, VICTIMS);
    int64_t heights[] = {sim_ledger(stage.sim, 2)->state.height, sim_ledger(stage.sim, 3)->state.height};
    stage.votes_sent = 0;
    meet();
    ck_assert_uint_eq(stage.votes_sent, 0);
    ck_assert_int_eq(sim_ledger(stage.sim, 2)->state.height, heights[0]); /* with one honest vote less neither branch has two thirds */
    ck_assert_int_eq(sim_ledger(stage.sim, 3)->state.height, heights[1]);
    leave();
}
END_TEST

/* As after pruning: no block, and no validators below height 2. */
static void prune_first(uint32_t node) {
    struct ledger *ledger = sim_ledger(stage.sim, node);
    struct key old = keys_height('v', 1), new = keys_height('v', 2), block = keys_height('b', 1), meta = keys_height('m', 1);
    struct blob *set = kv_get(ledger->kv, keys_span(&old));
    struct kv_batch batch;
    ck_assert_ptr_nonnull(set);
    kv_batch_init(&batch);
    kv_batch_put(&batch, keys_span(&new), blob_span(set));
    kv_batch_delete(&batch, keys_span(&old));
    kv_batch_delete(&batch, keys_span(&block));
    kv_batch_delete(&batch, keys_span(&meta));
    kv_write(ledger->kv, &batch, true);
    kv_batch_close(&batch);
    blob_release(set);
    ledger->base = 2;
}

START_TEST(a_node_that_has_pruned_the_beginning_builds_its_bundle_on_the_lowest_header_it_has) {
    fork_chain(true, false);
    for (uint32_t i = VICTIMS; i < 4; i++)
        prune_first(i);
    meet();
    for (uint32_t i = VICTIMS; i < 4; i++) {
        ck_assert(alarm_of(i)->raised);
        verify_bundle(i);
    }
    leave();
}
END_TEST

START_TEST(a_restart_does_not_make_it_sign_again) {
    fork_chain(true, _i == 1);
    meet();
    ck_assert(alarm_of(2)->stopped);
    sim_stop(stage.sim, 2);
    ck_assert(sim_start(stage.sim, 2));
    ck_assert(alarm_of(2)->raised && alarm_of(2)->stopped);
    stage.votes_sent = 0;
    sim_run_for(stage.sim, 20000);
    ck_assert_uint_eq(stage.votes_sent, 0);
    leave();
}
END_TEST

/* While all others go on, so that there is something to vote for; with the key at hand, and on another host, where no signer of ours can refuse. */
START_TEST(a_node_that_stopped_follows_and_signs_nothing) {
    struct sim_config config;
    sim_defaults(&config);
    config.remote_signers = _i == 1 ? 0x4 : 0;
    config.watch.sent = on_sent;
    memset(&stage, 0, sizeof stage);
    arena_init(&stage.arena, 1 << 24);
    stage.sim = sim_new(&config);
    ck_assert(sim_run_to_height(stage.sim, 3, 60000));
    int64_t front = stage.front[2];
    ck_assert_int_ge(front, 30000);
    struct replica *replica = (struct replica *)sim_replica(stage.sim, 2);
    replica->forkwatch.alarm.stopped = true;
    if (replica->signer != NULL)
        signer_stop(replica->signer);
    sim_run_for(stage.sim, 1000); /* what was under way */
    front = stage.front[2];
    ck_assert(sim_run_to_height(stage.sim, 12, 100000));
    ck_assert_int_eq(stage.front[2], front);
    ck_assert_int_ge(stage.front[3], 110000);
    ck_assert_int_ge(sim_ledger(stage.sim, 2)->state.height, 12);
    sim_free(stage.sim);
    arena_close(&stage.arena);
}
END_TEST

START_TEST(whoever_wishes_goes_on_signing_but_hears_of_it) {
    fork_chain(false, false);
    meet();
    ck_assert(alarm_of(2)->raised && !alarm_of(2)->stopped);
    leave();
}
END_TEST

START_TEST(one_validator_that_votes_for_something_else_is_no_alarm) {
    struct sim_config config;
    sim_defaults(&config);
    config.fork_stops_signing = true;
    memset(&stage, 0, sizeof stage);
    struct sim *sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    for (int round = 0; round < 200; round++) { /* precommits of the last height for all kinds of blocks, with good signatures of one key */
        uint8_t bytes[VOTE_SIGN_BYTES_MAX], wire[1024];
        struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
        struct vote *vote = &message.vote;
        const struct replica *replica = sim_replica(sim, 1);
        vote_init(vote);
        vote->type = VOTE_PRECOMMIT;
        vote->height = replica_engine(replica)->height - 1;
        vote->round = round % 9;
        vote->block_id = (struct block_id){digest_of((const uint8_t[32]){(uint8_t)round, 7}), {1, digest_of((const uint8_t[32]){9})}};
        vote->timestamp = (struct timestamp){1700000000, 0};
        vote->validator_address = *sim_address(sim, 0);
        vote->validator_index = valset_find(replica_engine(replica)->begin.validators, sim_address(sim, 0));
        vote->signature.size = 64;
        ed25519_sign(sim_key(sim, 0), vote->signature.bytes, span_of(bytes, vote_sign_bytes(bytes, vote, span_text("sim"))));
        struct proto_writer writer;
        proto_writer_init(&writer, wire, sizeof wire);
        wire_consensus_write(&writer, &message);
        sim_inject(sim, 0, 1, WIRE_VOTE, proto_writer_span(&writer));
        sim_run_for(sim, 20);
    }
    ck_assert(!replica_fork_alarm(sim_replica(sim, 1))->raised);
    ck_assert_uint_le(sim_replica(sim, 1)->forkwatch.branch_count, FORKWATCH_BRANCHES_MAX);
    ck_assert(sim_run_to_height(sim, sim_ledger(sim, 1)->state.height + 2, 60000));
    sim_free(sim);
}
END_TEST

Suite *suite_forkwatch(void);
Suite *suite_forkwatch(void) {
    Suite *suite = suite_create("forkwatch");
    TCase *tests = tcase_create("alarm");
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, who_sees_the_other_branch_raises_the_alarm_stops_signing_and_writes_a_bundle_that_holds, 0, 2); /* with the key at hand, and on another host */
    tcase_add_loop_test(tests, a_restart_does_not_make_it_sign_again, 0, 2); /* with the key at hand, and on another host */
    tcase_add_loop_test(tests, a_node_that_stopped_follows_and_signs_nothing, 0, 2);
    tcase_add_test(tests, a_node_that_has_pruned_the_beginning_builds_its_bundle_on_the_lowest_header_it_has);
    tcase_add_test(tests, whoever_wishes_goes_on_signing_but_hears_of_it);
    tcase_add_test(tests, one_validator_that_votes_for_something_else_is_no_alarm);
    suite_add_tcase(suite, tests);
    return suite;
}
