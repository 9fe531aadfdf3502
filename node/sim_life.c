/* How nodes come up, go down and break. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/sha256.h"
#include "ledger/kv_group.h"
#include "node/replica_inside.h"
#include "node/sim_extend.h"
#include "node/sim_store.h"

#define MARK_NAME    "data/priv_validator_state.json"
#define JOURNAL_NAME "data/cs.wal/wal"

static void note_failure(struct sim_node *node, const char *what) {
    static const struct {
        const char *words;
        enum sim_count count;
    } kinds[] = {{"while sending", SIM_COUNT_DEATHS_IN_SEND}, {"while writing to the store", SIM_COUNT_DEATHS_IN_STORE}, {"checksum", SIM_COUNT_FLIPS_FOUND},
                 {"Input/output", SIM_COUNT_IO_ERROR}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strstr(what, kinds[i].words) != NULL)
            return sim_tally(node->sim, kinds[i].count, 1);
    sim_tally(node->sim, node->is_doomed ? SIM_COUNT_DEATHS_IN_DISK : SIM_COUNT_NO_SPACE, 1);
}

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    struct sim_node *node = context;
    snprintf(node->last_words, sizeof node->last_words, "%s", what);
    note_failure(node, what);
    if (node->is_doomed || node->is_broken) {
        node->sim->dying = node;
        longjmp(node->sim->death, 1);
    }
    fprintf(stderr, "sim: node %u: %s\n", node->index, what);
    abort();
}

static void set_doomed(struct sim_node *node, bool doomed) {
    node->sim->doomed += doomed - node->is_doomed;
    node->is_doomed = doomed;
}

static void set_broken(struct sim_node *node, bool broken) {
    node->sim->doomed += broken - node->is_broken;
    node->is_broken = broken;
}

/* ---- opening and closing */

static struct replica_config replica_config_of(const struct sim *sim) {
    return (struct replica_config){
        .engine = sim->config.engine,
        .peer_gossip_sleep_ms = 100,
        .peer_query_maj23_sleep_ms = 2000,
        .mempool_broadcast = true,
        .proposal_pace_ms = 500,
        .mempool_relay_ms = 100,
        .double_sign_check_height = sim->config.double_sign_check_height,
        .block_time_tolerance_ms = sim->config.block_time_tolerance_ms,
        .block_sync = sim->config.block_sync,
        .retain = sim->config.retain,
        .journal_name = JOURNAL_NAME,
        .fork_stops_signing = sim->config.fork_stops_signing,
    };
}

static bool refuse_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    (void)app;
    (void)block;
    (void)arena;
    return false;
}

static void open_app(struct sim_node *node) {
    node->app = app_open(node->sim->config.app, node->kv, node->sim->genesis.chain_id);
    assert(node->app != NULL);
    node->plain_table = node->app->table;
    node->patched_table = *node->plain_table;
    if (node->stubborn)
        node->patched_table.process_proposal = refuse_proposal;
    if (node->patched_table.extend_vote != NULL)
        sim_extend_watch(node);
    node->app->table = &node->patched_table;
}

static void on_applied(void *context, struct block *block, const struct abci_finalized *finalized) {
    const struct sim_node *node = context;
    const struct sim_watch *watch = &node->sim->config.watch;
    node->sim->moves++;
    if (watch->applied != NULL)
        watch->applied(watch->context, node->index, block, finalized);
}

static bool open_node(struct sim_node *node, char **error) {
    struct sim *sim = node->sim;
    struct mempool_config pool = {.count_max = sim->config.mempool_count_max,
                                  .bytes_max = 1 << 30,
                                  .tx_bytes_max = sim->config.tx_bytes_max,
                                  .cache_count = 10000,
                                  .recheck = true};
    struct replica_config config = replica_config_of(sim);
    sim_store_reopen(node->store);
    node->kv = kv_group_over(node->store);
    open_app(node);
    if (!ledger_open(&node->ledger, node->kv, node->app, &sim->genesis, PARAMS_V038, error))
        return false;
    node->mempool = mempool_new(&pool, node->app);
    if (!node->keyless)
        node->signer = signer_open(node->disk, MARK_NAME, ed25519_key_new(node->seed), node->ledger.state.height, error);
    if (!node->keyless && node->signer == NULL)
        return false;
    bool is_remote = node->index < 64 && (sim->config.remote_signers >> node->index & 1) != 0;
    if (is_remote)
        config.remote_key = node->public_key;
    struct replica_parts parts = {&node->world, &node->ledger, node->mempool, is_remote ? NULL : node->signer, {.context = node, .block_applied = on_applied},
                                  node->votes, node->index == 0 ? sim->config.metrics : NULL};
    node->replica = replica_new(&config, &parts, error);
    if (node->replica != NULL && sim->config.journal_file_bytes > 0)
        journal_limit(node->replica->journal, sim->config.journal_file_bytes, 4 * sim->config.journal_file_bytes);
    return node->replica != NULL;
}

static void close_node(struct sim_node *node) {
    replica_free(node->replica);
    signer_free(node->signer);
    mempool_free(node->mempool);
    ledger_close(&node->ledger);
    if (node->app != NULL)
        node->app->table->close(node->app);
    kv_close(node->kv);
    node->kv = NULL;
    node->replica = NULL;
    node->signer = NULL;
    node->mempool = NULL;
    node->app = NULL;
    memset(&node->ledger, 0, sizeof node->ledger);
}

/* ---- death */

/* Everything since the last flush is lost, kept or torn. */
static void lose_unsynced(struct sim *sim, struct sim_node *node) {
    struct disk_memory_counts before, after;
    uint32_t kept;
    disk_memory_count(node->disk, &before);
    disk_memory_crash(node->disk, sim_roll(sim));
    disk_memory_count(node->disk, &after);
    kv_memory_crash(node->votes, (uint32_t)(sim->deaths % 5));
    sim_tally(sim, SIM_COUNT_BATCHES_LOST, sim_store_crash(node->store, (uint32_t)(sim_roll(sim) % 3), &kept));
    sim_tally(sim, SIM_COUNT_BATCHES_KEPT, kept);
    sim_tally(sim, SIM_COUNT_LOST, after.lost - before.lost);
    sim_tally(sim, SIM_COUNT_TORN, after.torn - before.torn);
    sim_tally(sim, SIM_COUNT_KEPT, after.kept - before.kept);
    sim_tally(sim, SIM_COUNT_SECTORS, after.by_sectors - before.by_sectors);
    sim_tally(sim, SIM_COUNT_NAMES_LOST, after.names_lost - before.names_lost);
}

/* What the closing would write is lost with the rest: the disk is set back to the moment of death first. */
static void bury(struct sim *sim, struct sim_node *node, bool machine_lives) {
    node->life += node->life % 2;
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (i != node->index) {
            node->connected[i] = false; /* nobody tells the dead */
            sim_world_cut(sim, node->index, i);
        }
    sim->deaths++;
    sim->moves++;
    set_doomed(node, false);
    node->doom_sends = 0;
    if (!machine_lives)
        lose_unsynced(sim, node);
    uint32_t gathered = node->kv == NULL ? 0 : kv_group_count(node->kv); /* heights, while consensus rested */
    int64_t floor = sim->config.initial_height - 1;
    node->head = node->head - gathered < floor ? floor : node->head - gathered;
    if (node->kv != NULL)
        kv_group_drop(node->kv);
    disk_memory_freeze(node->disk, true);
    sim_store_freeze(node->store, true);
    close_node(node);
    disk_memory_freeze(node->disk, false);
    sim_store_freeze(node->store, false);
    node->busy_until_us = 0;
    sim_happened(sim, node->index, "dies%s%s", node->last_words[0] == '\0' ? "" : ": ", node->last_words);
    node->last_words[0] = '\0';
}

void sim_life_bury(struct sim *sim, struct sim_node *node) { bury(sim, node, node->is_broken && !node->has_io_error); }

void sim_kill(struct sim *sim, uint32_t index) {
    if (sim_lives(&sim->nodes[index]))
        bury(sim, &sim->nodes[index], false);
}

void sim_stop(struct sim *sim, uint32_t index) {
    if (sim_lives(&sim->nodes[index]))
        bury(sim, &sim->nodes[index], true);
}

void sim_doom(struct sim *sim, uint32_t index, uint32_t disk_calls, uint32_t kv_writes) {
    struct sim_node *node = &sim->nodes[index];
    set_doomed(node, disk_calls > 0 || kv_writes > 0);
    disk_memory_fail_after(node->disk, disk_calls);
    sim_store_break(node->store, SIM_STORE_DEATH, kv_writes, false);
}

static void break_node(struct sim_node *node, bool io_error) {
    set_doomed(node, false);
    set_broken(node, true);
    node->has_io_error = io_error;
}

void sim_break_disk(struct sim *sim, uint32_t index, uint32_t disk_calls, uint32_t kv_writes) {
    struct sim_node *node = &sim->nodes[index];
    break_node(node, false);
    disk_memory_break(node->disk, DISK_BREAK_FULL, disk_calls, true);
    sim_store_break(node->store, SIM_STORE_FULL, kv_writes, true);
}

void sim_break_io(struct sim *sim, uint32_t index, uint32_t disk_calls, uint32_t kv_calls, bool stays) {
    struct sim_node *node = &sim->nodes[index];
    break_node(node, true);
    disk_memory_break(node->disk, DISK_BREAK_IO, disk_calls, stays);
    sim_store_break(node->store, SIM_STORE_IO_ERROR, kv_calls, stays);
}

void sim_doom_in_send(struct sim *sim, uint32_t index, uint32_t sends) {
    set_doomed(&sim->nodes[index], sends > 0);
    sim->nodes[index].doom_sends = sends;
}

void sim_life_die(struct sim_node *node, const char *how) { fail(node, how); }

bool sim_flip_bit(struct sim *sim, uint32_t index, bool in_store, uint64_t chance, char *what, size_t size) {
    struct sim_node *node = &sim->nodes[index];
    assert(!sim_lives(node));
    set_broken(node, true);
    node->has_io_error = false;
    if (!in_store) {
        bool flipped = disk_memory_flip(node->disk, chance, what, size);
        sim_tally(sim, SIM_COUNT_FLIPS_IN_FILES, flipped);
        return flipped;
    }
    sim_tally(sim, SIM_COUNT_FLIPS_IN_STORES, 1);
    sim_store_damage(node->store, chance);
    snprintf(what, size, "a value of the store");
    return true;
}

void sim_mend(struct sim *sim, uint32_t index) {
    struct sim_node *node = &sim->nodes[index];
    set_doomed(node, false);
    node->doom_sends = 0;
    set_broken(node, false);
    node->has_io_error = false;
    disk_memory_fail_after(node->disk, 0);
    disk_memory_unflip(node->disk);
    sim_store_mend(node->store);
}

/* ---- birth */

struct starting {
    struct sim_node *node;
    char *error;
    bool good;
};

static void start(void *context) {
    struct starting *starting = context;
    struct sim_node *node = starting->node;
    starting->good = open_node(node, &starting->error);
    if (!starting->good)
        return;
    node->life++;
    node->sim->moves++;
    sim_happened(node->sim, node->index, "starts at height %" PRId64, node->ledger.state.height);
    replica_start(node->replica);
    replica_flush(node->replica);
}

enum sim_started sim_try_start(struct sim *sim, uint32_t index, char *why, size_t size) {
    struct sim_node *node = &sim->nodes[index];
    struct starting starting = {node, NULL, true};
    assert(!sim_lives(node));
    node->flushes_seen = sim_flushes(sim, index);
    if (!sim_run_call(sim, start, &starting))
        return SIM_DIED;
    if (!starting.good) {
        snprintf(why, size, "%s", starting.error);
        sim_happened(sim, index, "refuses to start: %s", starting.error);
        sim_tally(sim, SIM_COUNT_FLIPS_FOUND, 1);
        free(starting.error);
        close_node(node);
        return SIM_REFUSED;
    }
    sim_world_settle(node);
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (sim_world_is_meshed(sim, index, i))
            sim_world_plan_connect(sim, index, i, sim_world_latency(sim, index, i));
    return SIM_STARTED;
}

bool sim_start(struct sim *sim, uint32_t index) {
    char why[512];
    if (sim_try_start(sim, index, why, sizeof why) != SIM_REFUSED)
        return true;
    sim_complain(sim, "node %u refuses to start: %s", index, why);
    return false;
}

bool sim_is_alive(const struct sim *sim, uint32_t node) { return sim_lives(&sim->nodes[node]); }

/* ---- the first breath and the last */

void sim_life_init(struct sim *sim, uint32_t index) {
    struct sim_node *node = &sim->nodes[index];
    char name[32];
    uint8_t key[32];
    snprintf(name, sizeof name, "validator %u", sim_key_of(sim, index));
    sha256_once(node->seed, span_text(name));
    node->key = ed25519_key_new(node->seed);
    ed25519_key_public(node->key, key);
    node->public_key = pubkey_ed25519(key);
    node->address = pubkey_address(&node->public_key);
    node->sim = sim;
    node->index = index;
    node->head = sim->config.initial_height - 1;
    node->keyless = index >= sim->config.nodes - sim->config.full_nodes;
    node->disk = disk_memory_new((struct disk_failure){node, fail});
    node->store = sim_store_new((struct kv_failure){node, fail});
    node->votes = kv_memory_new((struct kv_failure){node, fail});
    node->world = (struct world){&sim_world_table, node->disk};
    if (!node->keyless) /* as `quorate init` leaves it */
        node->disk->table->replace(node->disk, MARK_NAME, span_text("{\"height\":\"0\",\"round\":0,\"step\":0}"));
}

void sim_life_end(struct sim_node *node) {
    if (sim_lives(node))
        close_node(node);
    kv_close(node->store);
    kv_close(node->votes);
    disk_memory_free(node->disk);
    ed25519_key_free(node->key);
    blob_release(node->looked_at);
}
