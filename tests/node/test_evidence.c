/* Evidence in a network of whole replicas: from two votes, or a stranger's message, into a block of all, exactly once. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/node/stranger.h"

enum { LIAR = 3, NODES = 4 };

static struct sim *sim;

static void begin(uint64_t seed) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
}

static void end(void) {
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}

static const struct evidence_pool *pool_of(uint32_t node) { return &sim_ledger(sim, node)->evidence; }

/* ---- what each application hears */

static struct app_table tables[NODES];
static const struct app_table *real[NODES];
static uint32_t heard[NODES];
static struct abci_misbehavior heard_last[NODES];

static uint32_t node_of(const struct app *app) {
    uint32_t node = 0;
    while (sim_ledger(sim, node)->app != app)
        node++;
    return node;
}

static void listen_in(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    uint32_t node = node_of(app);
    heard[node] += block->misbehavior_count;
    if (block->misbehavior_count > 0)
        heard_last[node] = block->misbehavior[0];
    real[node]->finalize_block(app, out, block, arena);
}

static void listen_to_all(void) {
    for (uint32_t i = 0; i < NODES; i++) {
        heard[i] = 0;
        real[i] = sim_ledger(sim, i)->app->table;
        tables[i] = *real[i];
        tables[i].finalize_block = listen_in;
        sim_ledger(sim, i)->app->table = &tables[i];
    }
}

/* ---- the lie */

static struct vote lie(int64_t height, uint8_t name) {
    struct vote vote = stranger_vote(sim, LIAR, height, 0, VOTE_PREVOTE);
    vote.block_id = stranger_block_id(name);
    stranger_sign(sim, LIAR, &vote);
    return vote;
}

/* The pause before height 4. */
static void wait_for_pause(void) {
    sim_run_for(sim, 300);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(replica_engine(sim_replica(sim, i))->height, 4);
}

static void lie_to(uint32_t from, uint32_t to) {
    for (uint8_t name = 8; name < 10; name++) {
        struct vote vote = lie(4, name);
        stranger_inject_vote(sim, from, to, &vote);
    }
}

/* How many pieces stand in the node's blocks; *height of the last one. */
static uint32_t committed(uint32_t node, int64_t *height) {
    uint32_t count = 0;
    struct ledger *ledger = sim_ledger(sim, node);
    for (int64_t at = 1; at <= ledger->state.height; at++) {
        struct block *block = ledger_block(ledger, at);
        count += block->evidence_count;
        *height = block->evidence_count > 0 ? at : *height;
        block_release(block);
    }
    return count;
}

static void committed_once_by_all(void) {
    int64_t first = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        int64_t height = 0;
        ck_assert_msg(committed(i, &height) == 1, "node %u has %u pieces", i, committed(i, &height));
        ck_assert(first == 0 || first == height);
        first = height;
        ck_assert_uint_eq(pool_of(i)->count, 0);
    }
}

static struct address address_of(uint32_t node) {
    struct vote vote = stranger_vote(sim, node, 4, 0, VOTE_PREVOTE);
    return vote.validator_address;
}

/* ---- double votes seen in consensus */

START_TEST(an_equivocators_two_votes_end_as_evidence_in_one_block_and_reach_every_application_once) {
    begin(1);
    listen_to_all();
    wait_for_pause();
    for (uint32_t to = 0; to < 3; to++)
        lie_to(LIAR, to);
    ck_assert_msg(sim_run_to_height(sim, 10, 120000), "%s", sim_complaint(sim));
    committed_once_by_all();
    struct ledger_meta meta;
    struct address liar = address_of(LIAR);
    ck_assert(ledger_block_meta(sim_ledger(sim, 0), &meta, 4));
    for (uint32_t i = 0; i < NODES; i++) {
        ck_assert_uint_eq(heard[i], 1);
        ck_assert_int_eq(heard_last[i].type, 1);
        ck_assert_int_eq(heard_last[i].height, 4);
        ck_assert_int_eq(heard_last[i].power, 10);
        ck_assert_int_eq(heard_last[i].total_power, 40);
        ck_assert_int_eq(timestamp_compare(&heard_last[i].time, &meta.header.time), 0);
        ck_assert(address_equal(&heard_last[i].address, &liar));
    }
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    end();
}
END_TEST

START_TEST(one_witness_is_enough) {
    begin(2);
    wait_for_pause();
    lie_to(1, 0);
    ck_assert_msg(sim_run_to_height(sim, 10, 120000), "%s", sim_complaint(sim));
    committed_once_by_all();
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    end();
}
END_TEST

START_TEST(the_witness_may_fall_before_the_height_is_applied) {
    begin(3);
    wait_for_pause();
    sim_partition(sim, 12); /* nobody decides meanwhile */
    sim_run_for(sim, 2500);
    lie_to(1, 0);
    sim_run_for(sim, 3000); /* the journal flushes by itself every two seconds: a vote of another's is not worth a flush */
    ck_assert_uint_eq(pool_of(0)->vote_count, 1);
    ck_assert_int_eq(sim_ledger(sim, 0)->state.height, 3);
    sim_kill(sim, 0);
    ck_assert(sim_start(sim, 0));
    ck_assert_uint_eq(pool_of(0)->vote_count, 1);
    sim_partition(sim, 0);
    ck_assert_msg(sim_run_to_height(sim, 12, 120000), "%s", sim_complaint(sim));
    committed_once_by_all();
    end();
}
END_TEST

START_TEST(the_witness_may_fall_after_the_height_is_applied) {
    for (uint64_t seed = 40; seed < 46; seed++) { /* what was not synced is kept or lost by chance */
        begin(seed);
        wait_for_pause();
        lie_to(1, 0);
        for (int ms = 0; ms < 5000 && pool_of(0)->count == 0; ms++)
            sim_run_for(sim, 1);
        ck_assert_uint_eq(pool_of(0)->count, 1);
        sim_kill(sim, 0); /* before anyone else can have heard */
        ck_assert(sim_start(sim, 0));
        ck_assert_uint_eq(pool_of(0)->count, 1);
        ck_assert_msg(sim_run_to_height(sim, 12, 120000), "%s", sim_complaint(sim));
        committed_once_by_all();
        end();
    }
}
END_TEST

/* ---- from peer to peer */

static struct evidence double_vote(struct arena *arena, uint32_t node, int64_t height) {
    struct vote one = lie(height, 1), other = lie(height, 2);
    struct ledger_meta meta;
    struct valset set;
    struct evidence evidence;
    valset_init(&set);
    ck_assert(ledger_block_meta(sim_ledger(sim, node), &meta, height) && ledger_validators(sim_ledger(sim, node), &set, height));
    ck_assert(evidence_from_votes(&evidence, &one, &other, &set, &meta.header.time, arena));
    valset_close(&set);
    return evidence;
}

struct watch {
    uint32_t sent[NODES];
    uint32_t early;
};

static bool count_evidence(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    struct watch *watch = context;
    (void)bytes, (void)size;
    if (channel == WIRE_EVIDENCE) {
        watch->sent[to]++;
        watch->early += sim_ledger(sim, to)->state.height < 3;
    }
    return true;
}

START_TEST(a_piece_goes_to_each_peer_once_and_not_back_to_its_sender) {
    begin(5);
    struct arena arena;
    struct watch watches[NODES] = {0};
    arena_init(&arena, 1 << 20);
    for (uint32_t i = 0; i < NODES; i++)
        sim_set_twist(sim, i, count_evidence, &watches[i]);
    sim_run_for(sim, 300); /* the pause after height 3: nobody commits it meanwhile */
    struct evidence evidence = double_vote(&arena, 0, 3);
    ck_assert_int_eq(evidence_pool_add(sim_ledger(sim, 0), &evidence), EVIDENCE_POOL_GOOD);
    sim_run_for(sim, 400);
    for (uint32_t i = 0; i < NODES; i++) {
        ck_assert_uint_eq(pool_of(i)->count, 1);
        ck_assert_uint_eq(watches[i].sent[0], 0);
        ck_assert_uint_eq(watches[0].sent[i], i == 0 ? 0 : 1);
        ck_assert_uint_eq(watches[i].early, 0);
    }
    ck_assert(sim_run_to_height(sim, 8, 60000));
    committed_once_by_all();
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    arena_close(&arena);
    end();
}
END_TEST

START_TEST(a_peer_that_is_behind_gets_it_when_it_has_the_height) {
    begin(6);
    struct arena arena;
    struct watch watch = {0};
    arena_init(&arena, 1 << 20);
    sim_kill(sim, 2);
    sim_partition(sim, 1u << 3); /* so that nobody proposes */
    sim_run_for(sim, 8000);
    int64_t height = sim_ledger(sim, 0)->state.height;
    struct evidence evidence = double_vote(&arena, 0, height);
    sim_set_twist(sim, 0, count_evidence, &watch);
    ck_assert_int_eq(evidence_pool_add(sim_ledger(sim, 0), &evidence), EVIDENCE_POOL_GOOD);
    sim_run_for(sim, 1000);
    ck_assert_uint_eq(watch.sent[1], sim_ledger(sim, 1)->state.height >= height ? 1 : 0);
    ck_assert_uint_eq(watch.sent[2] + watch.sent[3], 0);
    ck_assert(sim_start(sim, 2));
    sim_partition(sim, 0);
    ck_assert_msg(sim_run_to_height(sim, height + 6, 120000), "%s", sim_complaint(sim));
    committed_once_by_all();
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    arena_close(&arena);
    end();
}
END_TEST

static void send_to_0(const struct evidence *evidence) {
    uint8_t bytes[2048];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_evidence_write(&writer, evidence, 1);
    ck_assert(!writer.overflow);
    sim_inject(sim, 1, 0, WIRE_EVIDENCE, proto_writer_span(&writer));
    sim_run_for(sim, 60);
}

/* As a stranger may write them: the bytes follow the fields. */
static struct evidence rewritten(const struct evidence_duplicate_vote *duplicate, struct arena *arena) {
    uint8_t *bytes = arena_take(arena, 1024, 1);
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, 1024);
    const struct vote *votes[] = {&duplicate->vote_a, &duplicate->vote_b};
    for (uint32_t i = 0; i < 2; i++) {
        size_t mark = proto_begin(&writer, 1 + i);
        vote_write(&writer, votes[i]);
        proto_end(&writer, mark);
    }
    proto_put_int64(&writer, 3, duplicate->total_power);
    proto_put_int64(&writer, 4, duplicate->validator_power);
    timestamp_put(&writer, 5, &duplicate->timestamp);
    return (struct evidence){.kind = EVIDENCE_DUPLICATE_VOTE, .inner = proto_writer_span(&writer), .duplicate = *duplicate};
}

static void costs_the_connection(const struct evidence *evidence, const char *why) {
    uint32_t before = sim_drops(sim);
    send_to_0(evidence);
    ck_assert_uint_eq(sim_drops(sim), before + 1);
    ck_assert_msg(strstr(sim_last_drop(sim), why) != NULL, "%s", sim_last_drop(sim));
    ck_assert_uint_eq(pool_of(0)->count, 0);
    sim_run_for(sim, 2000); /* it comes back */
}

START_TEST(evidence_that_proves_nothing_costs_its_sender_the_connection) {
    begin(7);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct evidence good = double_vote(&arena, 0, 2);
    struct evidence_duplicate_vote other = good.duplicate;
    other.vote_a.signature.bytes[0] ^= 1;
    struct evidence evidence = rewritten(&other, &arena);
    costs_the_connection(&evidence, "(2): evidence: it does not prove"); /* banned */
    other = good.duplicate, other.validator_power++;
    evidence = rewritten(&other, &arena);
    costs_the_connection(&evidence, "evidence: it does not prove");
    other = good.duplicate, other.timestamp.seconds++;
    evidence = rewritten(&other, &arena);
    costs_the_connection(&evidence, "(1): evidence: evidence has a different time");
    other = good.duplicate, other.vote_a = good.duplicate.vote_b, other.vote_b = good.duplicate.vote_a;
    evidence = rewritten(&other, &arena);
    costs_the_connection(&evidence, "evidence breaks its own rules");
    evidence.inner = span_text("\x0a\x03nonsense");
    costs_the_connection(&evidence, "malformed evidence");
    send_to_0(&good);
    ck_assert_uint_eq(pool_of(0)->count, 1);
    ck_assert_msg(sim_run_to_height(sim, sim_ledger(sim, 0)->state.height + 5, 60000), "%s", sim_complaint(sim));
    committed_once_by_all();
    arena_close(&arena);
    end();
}
END_TEST

START_TEST(evidence_that_is_early_known_or_committed_costs_nothing) {
    begin(8);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct evidence good = double_vote(&arena, 0, 3);
    struct evidence_duplicate_vote early = good.duplicate;
    early.vote_a.height = early.vote_b.height = 1000;
    struct evidence evidence = rewritten(&early, &arena);
    send_to_0(&evidence);
    send_to_0(&good);
    send_to_0(&good);
    ck_assert(sim_run_to_height(sim, 8, 60000));
    committed_once_by_all();
    send_to_0(&good);
    ck_assert_uint_eq(pool_of(0)->count, 0);
    ck_assert_msg(sim_drops(sim) == 0, "%s", sim_last_drop(sim));
    arena_close(&arena);
    end();
}
END_TEST

START_TEST(a_node_without_a_key_passes_evidence_on) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 5;
    config.full_nodes = 1;
    sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct evidence evidence = double_vote(&arena, 4, 3);
    ck_assert_int_eq(evidence_pool_add(sim_ledger(sim, 4), &evidence), EVIDENCE_POOL_GOOD);
    ck_assert(sim_run_to_height(sim, 9, 60000));
    committed_once_by_all();
    arena_close(&arena);
    end();
}
END_TEST

Suite *suite_evidence(void);
Suite *suite_evidence(void) {
    Suite *suite = suite_create("evidence");
    TCase *tests = tcase_create("evidence");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, an_equivocators_two_votes_end_as_evidence_in_one_block_and_reach_every_application_once);
    tcase_add_test(tests, one_witness_is_enough);
    tcase_add_test(tests, the_witness_may_fall_before_the_height_is_applied);
    tcase_add_test(tests, the_witness_may_fall_after_the_height_is_applied);
    tcase_add_test(tests, a_piece_goes_to_each_peer_once_and_not_back_to_its_sender);
    tcase_add_test(tests, a_peer_that_is_behind_gets_it_when_it_has_the_height);
    tcase_add_test(tests, evidence_that_proves_nothing_costs_its_sender_the_connection);
    tcase_add_test(tests, evidence_that_is_early_known_or_committed_costs_nothing);
    tcase_add_test(tests, a_node_without_a_key_passes_evidence_on);
    suite_add_tcase(suite, tests);
    return suite;
}
