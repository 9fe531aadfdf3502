/* Every metric moves when it should. The table names each family that the exposition has, and the story in which it must rise or fall, or must not stir;
 * a family without a line here is a failure, and so is a line without its family. The stories are whole nodes in virtual time, and one on real sockets. */
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/app_meter.h"
#include "node/collect.h"
#include "node/sim_inside.h"
#include "node/world_libevent.h"
#include "tests/ledger/chain.h"
#include "tests/node/post.h"
#include "tests/node/stranger.h"
#include "tests/node/twofaced.h"

Suite *suite_meter(void);

enum story { ORDINARY, AWAY, MUTED, ROUNDS, TWICE, FORGED, STUBBORN, LIAR, EXTENDED, FORK, PARENTS, HALT, SYNC, POOL, POWERS, SILENCE, WIRE, STORIES };
enum moves { RISES = 1, FALLS = 2, RESTS = 4 };

static const struct row {
    const char *family, *label; /* NULL: all series together */
    enum story story;
    int moves;
    const char *reason; /* why it can only rest; else NULL */
} rows[] = {
#define C "cometbft_consensus_"
    {C "height", NULL, ORDINARY, RISES, NULL},
    {C "latest_block_height", NULL, ORDINARY, RISES, NULL},
    {C "validator_last_signed_height", NULL, ORDINARY, RISES, NULL},
    {C "rounds", NULL, ORDINARY, RESTS, NULL},
    {C "rounds", NULL, ROUNDS, RISES | FALLS, NULL},
    {C "round_duration_seconds", NULL, ORDINARY, RISES, NULL},
    {C "step_duration_seconds", "step=\"NewHeight\"", ORDINARY, RISES, NULL},
    {C "step_duration_seconds", "step=\"Propose\"", ORDINARY, RISES, NULL},
    {C "step_duration_seconds", "step=\"Prevote\"", ORDINARY, RISES, NULL},
    {C "step_duration_seconds", "step=\"Precommit\"", ORDINARY, RISES, NULL},
    {C "step_duration_seconds", "step=\"Commit\"", ORDINARY, RISES, NULL},
    {C "validators", NULL, ORDINARY, RISES, NULL},
    {C "validators_power", NULL, ORDINARY, RISES, NULL},
    {C "validators_power", NULL, POWERS, RISES | FALLS, NULL},
    {C "validator_power", NULL, ORDINARY, RISES, NULL},
    {C "validator_power", NULL, POWERS, RISES | FALLS, NULL},
    {C "validator_missed_blocks", NULL, ORDINARY, RESTS, NULL},
    {C "validator_missed_blocks", NULL, MUTED, RISES, NULL},
    {C "missing_validators", NULL, ORDINARY, RESTS, NULL},
    {C "missing_validators", NULL, AWAY, RISES | FALLS, NULL},
    {C "missing_validators_power", NULL, ORDINARY, RESTS, NULL},
    {C "missing_validators_power", NULL, AWAY, RISES | FALLS, NULL},
    {C "byzantine_validators", NULL, ORDINARY, RESTS, NULL},
    {C "byzantine_validators", NULL, LIAR, RISES | FALLS, NULL},
    {C "byzantine_validators_power", NULL, ORDINARY, RESTS, NULL},
    {C "byzantine_validators_power", NULL, LIAR, RISES | FALLS, NULL},
    {C "block_interval_seconds", NULL, ORDINARY, RISES, NULL},
    {C "num_txs", NULL, ORDINARY, RISES | FALLS, NULL},
    {C "total_txs", NULL, ORDINARY, RISES, NULL},
    {C "block_size_bytes", NULL, ORDINARY, RISES | FALLS, NULL},
    {C "chain_size_bytes", NULL, ORDINARY, RISES, NULL},
    {C "block_parts", NULL, ORDINARY, RISES, NULL},
    {C "block_gossip_parts_received", "matches_current=\"true\"", ORDINARY, RISES, NULL},
    {C "block_gossip_parts_received", "matches_current=\"false\"", TWICE, RISES, NULL},
    {C "duplicate_block_part", NULL, TWICE, RISES, NULL},
    {C "duplicate_vote", NULL, TWICE, RISES, NULL},
    {C "late_votes", "vote_type=\"prevote\"", FORGED, RISES, NULL},
    {C "late_votes", "vote_type=\"precommit\"", FORGED, RISES, NULL},
    {C "quorum_prevote_delay", NULL, ORDINARY, RISES, NULL},
    {C "quorum_precommit_delay", NULL, ORDINARY, RISES, NULL},
    {C "full_prevote_delay", NULL, ORDINARY, RISES, NULL},
    {C "precommits_counted", NULL, ORDINARY, RISES, NULL},
    {C "precommits_counted", NULL, AWAY, RISES | FALLS, NULL},
    {C "precommits_staking_percentage", NULL, ORDINARY, RISES, NULL},
    {C "precommits_staking_percentage", NULL, AWAY, RISES | FALLS, NULL},
    {C "vote_extension_receive_count", "status=\"accepted\"", EXTENDED, RISES, NULL},
    {C "vote_extension_receive_count", "status=\"rejected\"", EXTENDED, RISES, NULL},
    {C "vote_extension_receive_count", NULL, ORDINARY, RESTS, NULL},
    {C "proposal_receive_count", "status=\"accepted\"", ORDINARY, RISES, NULL},
    {C "proposal_receive_count", "status=\"rejected\"", ORDINARY, RESTS, NULL},
    {C "proposal_receive_count", "status=\"rejected\"", STUBBORN, RISES, NULL},
    {C "proposal_create_count", NULL, ORDINARY, RISES, NULL},
    {C "round_voting_power_percent", "vote_type=\"prevote\"", ORDINARY, RISES | FALLS, NULL},
    {C "round_voting_power_percent", "vote_type=\"precommit\"", ORDINARY, RISES | FALLS, NULL},
    {C "peer_height", NULL, ORDINARY, RISES, NULL},
#undef C
#define P "cometbft_p2p_"
    {P "peers", NULL, WIRE, RISES | FALLS, NULL},
    {P "peer_receive_bytes_total", "chID=\"0x20\"", WIRE, RISES, NULL},
    {P "peer_send_bytes_total", "chID=\"0x20\"", WIRE, RISES, NULL},
    {P "peer_pending_send_bytes", NULL, WIRE, RISES | FALLS, NULL},
    {P "message_receive_bytes_total", "message_type=\"consensus_NewRoundStep\"", WIRE, RISES, NULL},
    {P "message_send_bytes_total", "message_type=\"consensus_NewRoundStep\"", WIRE, RISES, NULL},
#undef P
#define M "cometbft_mempool_"
    {M "active_outbound_connections", NULL, SILENCE, RISES | FALLS, NULL},
    {M "size", NULL, ORDINARY, RISES | FALLS, NULL},
    {M "size_bytes", NULL, ORDINARY, RISES | FALLS, NULL},
    {M "tx_size_bytes", NULL, ORDINARY, RISES, NULL},
    {M "failed_txs", NULL, ORDINARY, RESTS, NULL},
    {M "failed_txs", NULL, POOL, RISES, NULL},
    {M "rejected_txs", NULL, ORDINARY, RESTS, NULL},
    {M "rejected_txs", NULL, POOL, RISES, NULL},
    {M "evicted_txs", NULL, ORDINARY, RESTS, NULL},
    {M "evicted_txs", NULL, POOL, RISES, NULL},
    {M "recheck_times", NULL, POOL, RISES, NULL},
    {M "already_received_txs", NULL, POOL, RISES, NULL},
#undef M
    {"cometbft_state_block_processing_time", NULL, ORDINARY, RISES, NULL},
    {"cometbft_state_consensus_param_updates", NULL, ORDINARY, RESTS, NULL},
    {"cometbft_state_consensus_param_updates", NULL, EXTENDED, RISES, NULL},
    {"cometbft_state_validator_set_updates", NULL, ORDINARY, RESTS, NULL},
    {"cometbft_state_validator_set_updates", NULL, POWERS, RISES, NULL},
    {"cometbft_blocksync_syncing", NULL, SYNC, RISES | FALLS, NULL},
    {"cometbft_blocksync_num_txs", NULL, SYNC, RISES | FALLS, NULL},
    {"cometbft_blocksync_total_txs", NULL, SYNC, RISES, NULL},
    {"cometbft_blocksync_block_size_bytes", NULL, SYNC, RISES | FALLS, NULL},
    {"cometbft_blocksync_latest_block_height", NULL, SYNC, RISES, NULL},
    {"cometbft_blocksync_latest_block_height", NULL, ORDINARY, RESTS, NULL},
    {"cometbft_abci_connection_method_timing_seconds", "method=\"info\"", WIRE, RISES, NULL},
    {"cometbft_abci_connection_method_timing_seconds", "method=\"init_chain\"", WIRE, RISES, NULL},
    {"cometbft_abci_connection_method_timing_seconds", "method=\"check_tx\"", WIRE, RISES, NULL},
    {"cometbft_abci_connection_method_timing_seconds", "method=\"process_proposal\"", WIRE, RISES, NULL},
    {"cometbft_abci_connection_method_timing_seconds", "method=\"finalize_block\"", WIRE, RISES, NULL},
    {"cometbft_abci_connection_method_timing_seconds", "method=\"commit\"", WIRE, RISES, NULL},
    {"cometbft_statesync_syncing", NULL, SYNC, RESTS, "there is no state sync here; the family stays for dashboards that draw it"},
#define Q "quorate_"
    {Q "stage_seconds", "stage=\"judge\"", ORDINARY, RISES, NULL},
    {Q "stage_seconds", "stage=\"journal\"", ORDINARY, RISES, NULL},
    {Q "stage_seconds", "stage=\"sign\"", ORDINARY, RISES, NULL},
    {Q "stage_seconds", "stage=\"apply\"", ORDINARY, RISES, NULL},
    {Q "stage_seconds", "stage=\"notify\"", ORDINARY, RISES, NULL},
    {Q "stage_seconds", "stage=\"collect\"", ORDINARY, RISES, NULL},
    {Q "stage_seconds", "stage=\"decide\"", ORDINARY, RISES, NULL},
    {Q "flushes_total", "what=\"files\"", ORDINARY, RISES, NULL},
    {Q "flushes_total", "what=\"store\"", ORDINARY, RISES, NULL},
    {Q "store_written_bytes_total", NULL, ORDINARY, RISES, NULL},
    {Q "signature_checks_total", "result=\"good\"", ORDINARY, RISES, NULL},
    {Q "signature_checks_total", "result=\"known\"", ORDINARY, RISES, NULL},
    {Q "signature_checks_total", "result=\"bad\"", ORDINARY, RESTS, NULL},
    {Q "signature_checks_total", "result=\"bad\"", FORGED, RISES, NULL},
    {Q "send_queue_messages", NULL, WIRE, RISES | FALLS, NULL},
    {Q "validator_absent", NULL, ORDINARY, RESTS, NULL},
    {Q "validator_absent", NULL, AWAY, RISES | FALLS, NULL},
    {Q "validator_last_signed_height", NULL, ORDINARY, RISES, NULL},
    {Q "peer_suspected", NULL, ORDINARY, RESTS, NULL},
    {Q "peer_suspected", NULL, SILENCE, RISES | FALLS, NULL},
    {Q "validator_suspected", NULL, ORDINARY, RESTS, NULL},
    {Q "validator_suspected", NULL, AWAY, RISES | FALLS, NULL},
    {Q "peer_round_trip_seconds", NULL, SILENCE, RISES, NULL},
    {Q "suspicions_total", NULL, ORDINARY, RESTS, NULL},
    {Q "suspicions_total", "what=\"validator\"", AWAY, RISES, NULL},
    {Q "suspicions_total", "what=\"mistaken\"", AWAY, RISES, NULL},
    {Q "suspicions_total", "what=\"peer\"", SILENCE, RISES, NULL},
    {Q "signing_muted", NULL, ORDINARY, RESTS, NULL},
    {Q "signing_muted", NULL, MUTED, RISES | FALLS, NULL},
    {Q "fork_alarm", NULL, ORDINARY, RESTS, NULL},
    {Q "fork_alarm", NULL, FORK, RISES, NULL},
    {Q "two_parents_power", NULL, ORDINARY, RESTS, NULL},
    {Q "two_parents_power", NULL, PARENTS, RISES, NULL},
    {Q "halted", NULL, ORDINARY, RESTS, NULL},
    {Q "halted", NULL, HALT, RISES, NULL},
#undef Q
    {"process_cpu_seconds_total", NULL, ORDINARY, RISES, NULL},
    {"process_resident_memory_bytes", NULL, ORDINARY, RISES, NULL},
    {"process_virtual_memory_bytes", NULL, ORDINARY, RISES, NULL},
    {"process_open_fds", NULL, WIRE, RISES | FALLS, NULL},
    {"process_max_fds", NULL, ORDINARY, RISES, NULL},
    {"process_start_time_seconds", NULL, ORDINARY, RISES, NULL},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* ---- reading the exposition */

static struct watched {
    double last;
    int moved;
} watched[ROWS];

/* The sum over the series of a family that have the label; of a histogram, over their counts. */
static double read_family(const char *text, const char *family, const char *label) {
    size_t size = strlen(family);
    double sum = 0;
    for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if (strncmp(line, family, size) != 0)
            continue;
        const char *rest = line + size;
        if (strncmp(rest, "_count", 6) == 0)
            rest += 6;
        if (*rest != '{' && *rest != ' ')
            continue;
        const char *value = *rest == '{' ? strstr(rest, "} ") : rest - 1, *found = label == NULL ? rest : strstr(rest, label);
        ck_assert(value != NULL && value < end);
        if (found != NULL && found < end)
            sum += strtod(value + 2, NULL);
    }
    return sum;
}

static void note(enum story story, const char *text) {
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].story != story)
            continue;
        double now = read_family(text, rows[i].family, rows[i].label);
        watched[i].moved |= now > watched[i].last ? RISES : now < watched[i].last ? FALLS : 0;
        watched[i].last = now;
    }
}

static void judge(enum story story) {
    for (size_t i = 0; i < ROWS; i++) {
        int wanted = rows[i].moves & (RISES | FALLS), moved = watched[i].moved;
        if (rows[i].story == story)
            ck_assert_msg(rows[i].moves == RESTS ? moved == 0 : (moved & wanted) == wanted, "%s %s: rose %d, fell %d, is %g", rows[i].family,
                          rows[i].label == NULL ? "" : rows[i].label, (moved & RISES) != 0, (moved & FALLS) != 0, watched[i].last);
    }
}

/* ---- looking at node 0 */

static enum story story;
static struct metrics *metrics;
static struct sim *sim;

static void look(struct collect *collect) {
    struct emit emit;
    emit_init(&emit);
    collect_write(collect, &emit);
    char *text = emit_text(&emit);
    note(story, text);
    free(text);
}

static void look_at_sim(void) {
    struct sim_node *node = &sim->nodes[0];
    struct collect collect = {metrics, node->replica, NULL, node->mempool, node->disk, node->store, 1700000000};
    if (sim_is_alive(sim, 0))
        look(&collect);
}

static void pass(int64_t ms) {
    for (int64_t passed = 0; passed < ms; passed += 20) {
        sim_run_for(sim, 20);
        look_at_sim();
    }
}

static void begin(void (*change)(struct sim_config *config)) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = 100 + (uint64_t)story;
    config.metrics = metrics;
    if (change != NULL)
        change(&config);
    sim = sim_new(&config);
    pass(4000);
}

static void submit(uint32_t to, char name, size_t size, enum mempool_verdict wanted) {
    char tx[1024];
    memset(tx, 'x', sizeof tx);
    tx[0] = name;
    tx[1] = '=';
    ck_assert_int_eq(sim_submit_bytes(sim, to, span_of(tx, size)), wanted);
}

/* Node 0 has just begun the pause after a commit. */
static void wait_for_pause(void) {
    while (replica_engine(sim_replica(sim, 0))->phase == ENGINE_NEW_HEIGHT)
        pass(20);
    while (replica_engine(sim_replica(sim, 0))->phase != ENGINE_NEW_HEIGHT)
        pass(20);
    pass(100);
}

/* ---- the stories */

static void tell_ordinary(void) {
    begin(NULL);
    submit(0, 'a', 200, MEMPOOL_ADDED);
    pass(8000);
}

static void tell_away(void) {
    begin(NULL);
    sim_mute(sim, 2, "tired");
    pass(60000);
    sim_mute(sim, 2, NULL);
    pass(20000);
}

static void tell_muted(void) {
    begin(NULL);
    sim_mute(sim, 0, "the disk is almost full");
    pass(6000);
    sim_mute(sim, 0, NULL);
    pass(3000);
}

static void tell_rounds(void) {
    begin(NULL);
    sim_kill(sim, 3);
    pass(30000);
}

/* What comes twice, and parts that come when their height is over. */
static void tell_twice(void) {
    begin(NULL);
    for (uint32_t node = 1; node < 4; node++)
        sim_set_noise(sim, node, 0, 100, 3000);
    pass(10000);
}

static void inject_vote(int64_t height, int32_t type, bool good) {
    struct vote vote = stranger_vote(sim, 3, height, 0, type);
    stranger_sign(sim, 3, &vote);
    vote.signature.bytes[5] ^= good ? 0 : 1;
    stranger_inject_vote(sim, 1, 0, &vote);
    pass(100);
}

static void tell_forged(void) {
    begin(NULL);
    wait_for_pause();
    int64_t height = replica_engine(sim_replica(sim, 0))->height;
    inject_vote(height - 2, VOTE_PREVOTE, true);
    inject_vote(height - 2, VOTE_PRECOMMIT, true);
    inject_vote(height, VOTE_PREVOTE, false);
}

static void tell_stubborn(void) {
    begin(NULL);
    sim_make_stubborn(sim, 0);
    sim_stop(sim, 0);
    ck_assert(sim_start(sim, 0));
    pass(6000);
}

static void tell_liar(void) {
    begin(NULL);
    sim_set_faulty(sim, 3);
    wait_for_pause();
    for (uint8_t name = 8; name < 10; name++) {
        struct vote vote = stranger_vote(sim, 3, replica_engine(sim_replica(sim, 0))->height, 0, VOTE_PREVOTE);
        vote.block_id = stranger_block_id(name);
        stranger_sign(sim, 3, &vote);
        for (uint32_t to = 0; to < 3; to++)
            stranger_inject_vote(sim, 3, to, &vote);
    }
    pass(15000);
}

static void with_extender(struct sim_config *config) { config->app = "extender"; }

static void say_nonsense(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena) {
    (void)app;
    (void)block;
    (void)arena;
    *out = span_text("what nobody accepts");
}

static void switch_on_extensions(void) {
    begin(with_extender);
    ck_assert_int_eq(sim_submit(sim, 0, "extend=8"), MEMPOOL_ADDED);
    pass(15000);
}

static void tell_extended(void) {
    switch_on_extensions();
    sim_set_faulty(sim, 3);
    sim->nodes[3].patched_table.extend_vote = say_nonsense;
    pass(8000);
}

static void tell_halt(void) {
    switch_on_extensions();
    sim_ledger(sim, 0)->state.release = PARAMS_V040;
    sim->nodes[0].patched_table.extend_vote = say_nonsense;
    pass(8000);
}

static void with_forks(struct sim_config *config) { config->forks_allowed = true; }

static void tell_fork(void) {
    begin(with_forks);
    wait_for_pause();
    for (uint32_t node = 1; node < 4; node++) {
        struct vote vote = stranger_vote(sim, node, sim_ledger(sim, 0)->state.height, 0, VOTE_PRECOMMIT);
        sim_set_faulty(sim, node);
        vote.block_id = stranger_block_id(7);
        stranger_sign(sim, node, &vote);
        stranger_inject_vote(sim, 1, 0, &vote);
    }
    pass(1000);
}

static void pass_looking(struct sim *its, int64_t ms) {
    (void)its;
    for (; ms > 0; ms--)
        sim_run_for(sim, 1);
    look_at_sim();
}

static void tell_parents(void) {
    begin(NULL);
    struct twofaced liars = {sim, 0, 1, 1, pass_looking, false};
    twofaced_begin(&liars);
    int64_t height = twofaced_lie(&liars);
    ck_assert_int_eq(replica_two_parents(sim_replica(sim, 0))->height, height);
    ck_assert_int_eq(replica_two_parents(sim_replica(sim, 0))->power, 10);
}

static void with_sync(struct sim_config *config) {
    config->block_sync = true;
}

static void tell_sync(void) {
    begin(with_sync);
    pass(8000);
    sim_stop(sim, 0);
    for (char name = 'a'; name <= 'z'; name++) {
        submit(1, name, 300, MEMPOOL_ADDED);
        pass(500);
    }
    pass(10000);
    ck_assert(sim_start(sim, 0));
    for (int ms = 0; ms < 2000; ms++) { /* many blocks come in a moment */
        sim_run_for(sim, 1);
        look_at_sim();
    }
}

static void with_small_pool(struct sim_config *config) {
    config->mempool_count_max = 12;
    config->block_bytes_max = 3000;
}

static void refuse_again(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    sim->nodes[0].plain_table->check_tx(app, out, tx, recheck, arena);
    out->result.code = recheck ? 1 : out->result.code;
}

static void tell_pool(void) {
    begin(with_small_pool);
    wait_for_pause();
    for (char name = 'a'; name < 'a' + 12; name++)
        submit(0, name, 500, MEMPOOL_ADDED);
    submit(0, 'z', 500, MEMPOOL_FULL);
    submit(0, 'a', 500, MEMPOOL_KNOWN);
    pass(1200);
    sim->nodes[0].patched_table.check_tx = refuse_again;
    pass(3000);
    ck_assert_int_eq(sim_submit(sim, 0, "neither key nor value"), MEMPOOL_REFUSED);
    pass(1000);
}

static void submit_power(int64_t power) {
    uint8_t key[32];
    char base64[TEXT_BASE64_SIZE(32)], tx[128];
    ed25519_key_public(sim_key(sim, 0), key);
    text_base64(base64, span_of(key, 32));
    snprintf(tx, sizeof tx, "val=ed25519!%s!%d", base64, (int)power);
    ck_assert_int_eq(sim_submit(sim, 0, tx), MEMPOOL_ADDED);
    pass(6000);
}

static void tell_powers(void) {
    begin(NULL);
    submit_power(15);
    submit_power(9);
}

static void tell_silence(void) {
    uint32_t at = 0, number;
    const char *id;
    begin(NULL);
    ck_assert(replica_next_peer(sim_replica(sim, 0), &at, &number, &id));
    replica_pong(sim->nodes[0].replica, number, 1500);
    sim_mute_road(sim, 1, 0, true);
    pass(60000);
    sim_mute_road(sim, 1, 0, false); /* the link dies with it */
    pass(10000);
}

/* ---- on real sockets: a full node and an outsider */

static struct event_base *base;
static struct post post;
static struct collect full;

static struct app *within; /* the watch around it does not own it */

static struct app *open_metered(struct kv *kv, struct span chain_id) {
    within = app_open("kvstore", kv, chain_id);
    return app_meter_over(within, metrics);
}

static void hear(uint32_t times) {
    for (uint32_t i = 0; i < times; i++)
        outsider_turn(base);
    look(&full);
}

static double value(enum metrics_id id, const char *first, const char *second) { return metrics_value(metrics, id, first, second); }

static void say_step(struct outsider *outsider) {
    uint8_t bytes[64];
    struct proto_writer writer;
    struct wire_consensus step = {.kind = WIRE_NEW_ROUND_STEP, .height = 1, .step = ENGINE_NEW_HEIGHT, .last_commit_round = -1};
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_consensus_write(&writer, &step);
    outsider_say(outsider, WIRE_STATE, bytes, proto_writer_span(&writer).size);
}

/* Who reads nothing has bytes waiting for him, until he reads again. */
static void meet_outsider(void) {
    struct outsider outsider;
    post_admit(&post, &outsider, 77, 2, OUTSIDER_UP);
    outsider_wait(base, 60000, (hear(1), value(METRICS_PEERS, NULL, NULL) == 1));
    outsider_wait(base, 60000, (hear(1), outsider.stage == OUTSIDER_UP && outsider.messages > 0));
    say_step(&outsider);
    outsider_wait(base, 60000, (hear(1), value(METRICS_MESSAGE_RECEIVED, "consensus_NewRoundStep", NULL) > 0));
    outsider.deaf = true;
    uint32_t at = 0, peer;
    const char *id;
    ck_assert(replica_next_peer(full.replica, &at, &peer, &id));
    for (uint32_t i = 0; i < 100000 && (value(METRICS_PEER_PENDING, id, NULL) == 0 || value(METRICS_SEND_QUEUE, id, "0x30") == 0); i++) {
        post_send(&post, peer, WIRE_MEMPOOL, 16000, 7);
        switchboard_flush(post.board);
        hear(1);
    }
    outsider.deaf = false;
    outsider_wait(base, 60000, (hear(20), value(METRICS_PEER_PENDING, id, NULL) == 0 && value(METRICS_SEND_QUEUE, id, "0x30") == 0));
    outsider_close(&outsider);
    outsider_wait(base, 60000, (hear(1), value(METRICS_PEERS, NULL, NULL) == 0));
}

static void submit_to_full(void) {
    struct abci_check check;
    struct arena arena;
    struct blob *tx = blob_new(span_text("a=b"));
    arena_init(&arena, 1 << 16);
    ck_assert_int_eq(replica_submit(full.replica, &check, tx, &arena), MEMPOOL_ADDED);
    arena_close(&arena);
    blob_release(tx);
}

static void open_full(struct world_libevent *real, struct chain *chain) {
    struct sim_config defaults;
    char *error = NULL;
    sim_defaults(&defaults);
    struct replica_config config = {.engine = defaults.engine, .peer_gossip_sleep_ms = 100, .peer_query_maj23_sleep_ms = 2000, .journal_name = "data/cs.wal/wal"};
    struct replica_parts parts = {.world = world_libevent_world(real), .ledger = &chain->ledger, .mempool = full.mempool, .metrics = metrics};
    struct switchboard_listener listener = world_libevent_listener(real);
    world_libevent_count(real, metrics);
    full.replica = replica_new(&config, &parts, &error);
    ck_assert_msg(full.replica != NULL, "%s", error);
    post_prepare(&post, 76, 0);
    full.board = post.board = switchboard_new(base, &post.config, post.key, &post.info, &listener, &error);
    ck_assert_msg(post.board != NULL, "%s", error);
    world_libevent_attach(real, full.replica, post.board);
    replica_start(full.replica);
}

static void tell_wire(void) {
    struct chain chain;
    struct mempool_config room = {.count_max = 10, .bytes_max = 1 << 20, .tx_bytes_max = 1 << 16, .cache_count = 10};
    base = event_base_new();
    chain_open(&chain, &(struct chain_config){.open_app = open_metered});
    chain_run(&chain, 1);
    full = (struct collect){metrics, NULL, NULL, mempool_new(&room, chain.app), disk_memory_new((struct disk_failure){NULL, NULL}), chain.kv, 1700000000};
    struct world_libevent *real = world_libevent_new(base, full.disk, NULL);
    open_full(real, &chain);
    submit_to_full();
    meet_outsider();
    post_close(&post);
    replica_free(full.replica);
    world_libevent_free(real);
    disk_memory_free(full.disk);
    mempool_free(full.mempool);
    chain_close(&chain);
    within->table->close(within);
    event_base_free(base);
}

static const struct {
    void (*tell)(void);
    bool is_lawful; /* nobody lies or halts: the simulator has no complaint */
} stories[STORIES] = {
    [ORDINARY] = {tell_ordinary, true}, [AWAY] = {tell_away, true},         [MUTED] = {tell_muted, true},       [ROUNDS] = {tell_rounds, true},
    [TWICE] = {tell_twice, true},       [FORGED] = {tell_forged, false},    [STUBBORN] = {tell_stubborn, true}, [LIAR] = {tell_liar, true},
    [EXTENDED] = {tell_extended, true}, [FORK] = {tell_fork, false},        [PARENTS] = {tell_parents, false},  [HALT] = {tell_halt, false},        [SYNC] = {tell_sync, true},
    [POOL] = {tell_pool, true},         [POWERS] = {tell_powers, true},     [SILENCE] = {tell_silence, true},   [WIRE] = {tell_wire, false},
};

START_TEST(each_metric_moves_when_it_should_and_not_on_an_ordinary_day) {
    story = (enum story)_i;
    metrics = metrics_new("cometbft", "c");
    stories[story].tell();
    if (sim != NULL && stories[story].is_lawful)
        ck_assert_str_eq(sim_complaint(sim), "");
    judge(story);
    if (sim != NULL)
        sim_free(sim);
    metrics_free(metrics);
}
END_TEST

static bool has_row(const char *name, size_t size) {
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].family) == size && memcmp(rows[i].family, name, size) == 0 && (rows[i].moves != RESTS || rows[i].reason != NULL))
            return true;
    return false;
}

START_TEST(no_metric_is_printed_that_no_story_moves_and_no_story_waits_for_one_that_is_not_printed) {
    static const char mark[] = "# TYPE ";
    struct emit emit;
    char name[128];
    metrics = metrics_new("cometbft", "c");
    for (uint32_t id = 0; id < METRICS_COUNT; id++) /* those with labels show themselves from their first series on */
        metrics_cell(metrics, (enum metrics_id)id, "a", "b");
    emit_init(&emit);
    metrics_write(metrics, &emit);
    char *text = emit_text(&emit);
    for (const char *at = text; (at = strstr(at, mark)) != NULL; at += sizeof mark - 1) {
        size_t size = strcspn(at + sizeof mark - 1, " ");
        ck_assert_msg(has_row(at + sizeof mark - 1, size), "%.*s has no story that moves it", (int)size, at + sizeof mark - 1);
    }
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "%s%s ", mark, rows[i].family);
        ck_assert_msg(strstr(text, name) != NULL, "%s is not printed", rows[i].family);
    }
    free(text);
    metrics_free(metrics);
}
END_TEST

Suite *suite_meter(void) {
    Suite *suite = suite_create("meter");
    TCase *tests = tcase_create("meter");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, no_metric_is_printed_that_no_story_moves_and_no_story_waits_for_one_that_is_not_printed);
    tcase_add_loop_test(tests, each_metric_moves_when_it_should_and_not_on_an_ordinary_day, 0, STORIES);
    suite_add_tcase(suite, tests);
    return suite;
}
