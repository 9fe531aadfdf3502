#include "node/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/sim_inside.h"

/* ---- chance (splitmix64) */

uint64_t sim_roll(struct sim *sim) {
    uint64_t z = sim->chance += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

void sim_complain(struct sim *sim, const char *format, ...) {
    if (sim->complaint[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(sim->complaint, sizeof sim->complaint, format, args);
    va_end(args);
}

/* SIM_LOG=1 shows it to whoever hunts. */
void sim_happened(struct sim *sim, uint32_t node, const char *format, ...) {
    static int shows = -1;
    if (shows < 0)
        shows = getenv("SIM_LOG") != NULL;
    if (sim->config.watch.happened == NULL && !shows)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (shows)
        fprintf(stderr, "%8" PRId64 " node %u %s\n", sim->now_us / 1000, node, text);
    if (sim->config.watch.happened != NULL)
        sim->config.watch.happened(sim->config.watch.context, node, text);
}

/* ---- checkers */

static struct sim_truth *truth_of(struct sim *sim, int64_t height) {
    size_t place = (size_t)(height - sim->config.initial_height);
    if (place >= sim->truth_capacity) {
        size_t capacity = place < 256 ? 512 : 2 * place;
        sim->truth = realloc(sim->truth, capacity * sizeof *sim->truth);
        assert(sim->truth != NULL);
        memset(sim->truth + sim->truth_capacity, 0, (capacity - sim->truth_capacity) * sizeof *sim->truth);
        sim->truth_capacity = capacity;
    }
    return &sim->truth[place];
}

static void disagree(struct sim *sim, uint32_t node, int64_t height) {
    sim->forked = true;
    if (!sim->config.forks_allowed)
        sim_complain(sim, "node %u disagrees about the block of height %" PRId64, node, height);
}

static void check_block(struct sim *sim, struct sim_node *node, int64_t height) {
    struct ledger_meta meta;
    struct sim_truth *truth = truth_of(sim, height);
    if (!ledger_block_meta(&node->ledger, &meta, height))
        return sim_complain(sim, "node %u has no block of its height %" PRId64, node->index, height);
    if (block_id_is_nil(&truth->id))
        truth->id = meta.block_id;
    if (!block_id_equal(&meta.block_id, &truth->id))
        return disagree(sim, node->index, height);
    if (node->ledger.state.height != height)
        return;
    if (!truth->has_app_hash)
        truth->app_hash = node->ledger.state.app_hash;
    truth->has_app_hash = true;
    if (!app_hash_equal(&truth->app_hash, &node->ledger.state.app_hash))
        sim_complain(sim, "node %u has another app hash than others after height %" PRId64, node->index, height);
}

static void check(struct sim *sim, struct sim_node *node) {
    if (!sim_lives(node) || node->is_faulty)
        return;
    int64_t height = node->ledger.state.height;
    if (height == 0 && node->head < sim->config.initial_height)
        return;
    if (height < node->head)
        sim_complain(sim, "the head of node %u went back from %" PRId64 " to %" PRId64, node->index, node->head, height);
    for (int64_t h = node->head + 1; h <= height; h++)
        check_block(sim, node, h);
    node->head = height;
    char why[256];
    if (!sim->config.forks_allowed && replica_halted(node->replica, why, sizeof why))
        sim_complain(sim, "node %u halted: %s", node->index, why);
}

static void after(struct sim *sim, struct sim_node *node) {
    const struct sim_watch *watch = &sim->config.watch;
    check(sim, node);
    sim_world_settle(node);
    if (watch->turned != NULL && sim_lives(node))
        watch->turned(watch->context, node->index, node->replica);
}

/* ---- time */

static void run_timer(struct sim *sim, const struct sim_item *item) {
    struct sim_node *node = &sim->nodes[item->to];
    if (node->life != item->life_to || !sim_lives(node) || node->timer_numbers[item->which] != item->timer_number)
        return;
    replica_timer(node->replica, item->which);
    replica_flush(node->replica);
}

struct running {
    struct sim *sim;
    struct sim_item item;
};

static void run_item(void *context) {
    struct running *running = context;
    struct sim *sim = running->sim;
    switch (running->item.kind) {
    case SIM_ITEM_DELIVER: sim_world_deliver(sim, &running->item); break;
    case SIM_ITEM_CONNECT: sim_world_connect(sim, &running->item); break;
    case SIM_ITEM_TIMER: run_timer(sim, &running->item); break;
    case SIM_ITEM_SIGN: sim_world_sign(sim, &running->item); break;
    }
    after(sim, &sim->nodes[running->item.to]);
}

bool sim_was_torn;

/* What a call that death broke off held stays behind, as with a process. */
static __attribute__((noinline)) bool run_until_crash(struct sim *sim, void (*call)(void *context), void *context) {
    if (setjmp(sim->death) == 0) {
        call(context);
        return true;
    }
    sim_was_torn = true;
    sim_life_bury(sim, sim->dying);
    return false;
}

bool sim_run_call(struct sim *sim, void (*call)(void *context), void *context) {
    if (sim->doomed > 0)
        return run_until_crash(sim, call, context);
    call(context);
    return true;
}

static bool step(struct sim *sim, int64_t until_us) {
    if (sim_queue_next_us(&sim->queue) > until_us)
        return false;
    struct running running = {sim, sim_queue_take(&sim->queue)};
    const struct sim_node *node = &sim->nodes[running.item.to];
    sim->now_us = running.item.at_us;
    if (node->busy_until_us > sim->now_us) { /* it waits for its disk */
        running.item.at_us = node->busy_until_us;
        sim_queue_defer(&sim->queue, running.item);
        return true;
    }
    sim_run_call(sim, run_item, &running);
    blob_release(running.item.message);
    return true;
}

void sim_run_for(struct sim *sim, int64_t ms) { sim_run_for_us(sim, ms * 1000); }

void sim_run_for_us(struct sim *sim, int64_t us) {
    int64_t until = sim->now_us + us;
    while (step(sim, until) && sim->complaint[0] == '\0')
        continue;
    sim->now_us = until;
}

static bool all_reached(const struct sim *sim, int64_t height) {
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (sim_lives(&sim->nodes[i]) && !sim->nodes[i].is_faulty && sim->nodes[i].ledger.state.height < height)
            return false;
    return true;
}

bool sim_run_to_height(struct sim *sim, int64_t height, int64_t limit_ms) {
    int64_t until = sim->now_us + limit_ms * 1000;
    for (uint64_t looked = UINT64_MAX;;) { /* the look at all is dear with many nodes */
        if (sim->moves != looked && all_reached(sim, height))
            return true;
        looked = sim->moves;
        if (sim->complaint[0] != '\0' || !step(sim, until))
            return false;
    }
}

int64_t sim_now_ms(const struct sim *sim) { return sim->now_us / 1000; }
int64_t sim_now_us(const struct sim *sim) { return sim->now_us; }

/* ---- life */

void sim_defaults(struct sim_config *config) {
    *config = (struct sim_config){
        .seed = 1,
        .nodes = 4,
        .initial_height = 1,
        .app = "kvstore",
        .tx_bytes_max = 1 << 20,
        .mempool_count_max = 5000,
        .latency_min_us = 1000,
        .latency_max_us = 20000,
        .engine =
            {
                .timeout_propose_ms = 3000,
                .timeout_propose_delta_ms = 500,
                .timeout_prevote_ms = 1000,
                .timeout_prevote_delta_ms = 500,
                .timeout_precommit_ms = 1000,
                .timeout_precommit_delta_ms = 500,
                .timeout_commit_ms = 1000,
                .create_empty_blocks = true,
            },
    };
}

/* Of those who share a key the first stands for all. */
static bool is_member(const struct sim *sim, uint32_t index) {
    int64_t power = sim->config.powers == NULL ? 10 : sim->config.powers[index];
    if (sim->nodes[index].keyless || power == 0)
        return false;
    for (uint32_t i = 0; i < index; i++)
        if (sim_key_of(sim, i) == sim_key_of(sim, index))
            return false;
    return true;
}

static void make_genesis(struct sim *sim) {
    sim->members = calloc(sim->config.nodes, sizeof *sim->members);
    assert(sim->members != NULL);
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->config.nodes; i++) {
        const struct sim_node *node = &sim->nodes[i];
        int64_t power = sim->config.powers == NULL ? 10 : sim->config.powers[i];
        if (is_member(sim, i))
            sim->members[count++] = (struct valset_change){.address = node->address, .pub_key = node->public_key, .power = power};
    }
    sim->genesis = (struct state_genesis){
        .chain_id = span_text("sim"),
        .time = {SIM_EPOCH_SECONDS, 0},
        .initial_height = sim->config.initial_height,
        .app_state = sim->config.app_state,
        .validators = sim->members,
        .validator_count = count,
    };
    params_defaults(&sim->genesis.params, PARAMS_V038);
    sim->genesis.params.extensions_enable_height = sim->config.extensions_enable_height;
    if (sim->config.block_bytes_max > 0)
        sim->genesis.params.block_bytes_max = sim->config.block_bytes_max;
    if (sim->genesis.params.evidence_bytes_max > sim->genesis.params.block_bytes_max && sim->genesis.params.block_bytes_max > 0)
        sim->genesis.params.evidence_bytes_max = sim->genesis.params.block_bytes_max / 2;
}

struct sim *sim_make(const struct sim_config *config) {
    assert(config->nodes >= 1 && config->nodes <= SIM_NODES_MAX);
    struct sim *sim = calloc(1, sizeof *sim);
    assert(sim != NULL);
    sim->config = *config;
    sim->chance = config->seed;
    sim->witness = witness_new();
    for (uint32_t i = 0; i < config->nodes; i++)
        sim_life_init(sim, i);
    make_genesis(sim);
    return sim;
}

void sim_start_all(struct sim *sim) {
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (!sim_lives(&sim->nodes[i]))
            sim_start(sim, i);
}

struct sim *sim_new(const struct sim_config *config) {
    struct sim *sim = sim_make(config);
    sim_start_all(sim);
    return sim;
}

void sim_free(struct sim *sim) {
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        sim_life_end(&sim->nodes[i]);
    witness_free(sim->witness);
    sim_queue_close(&sim->queue);
    free(sim->members);
    free(sim->truth);
    free(sim);
}
