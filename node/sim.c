#include "node/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/kv_group.h"
#include "node/wire.h"
#include "node/witness.h"

#define SIM_EPOCH_SECONDS 1700000000
#define SIM_CHANNELS      6
#define SIM_QUEUE_MAX     100 /* messages on their way, per link and channel, as CometBFT's queues */
#define SIM_QUEUE_BITS    2
#define SIM_SIGNER_PATIENCE_MS 5000

enum item_kind { ITEM_DELIVER, ITEM_TIMER, ITEM_CONNECT, ITEM_SIGN };

struct item {
    int64_t at_us;
    uint64_t number; /* ties in order of making */
    enum item_kind kind;
    uint32_t from, to;
    uint32_t life_from, life_to; /* lives of both ends when it was made: a restart voids it */
    uint32_t link;               /* likewise for the connection */
    uint8_t channel;
    enum world_timer which;
    uint64_t timer_number;
    struct blob *message;
};

struct node {
    struct world world;
    struct sim *sim;
    uint32_t index;
    uint32_t life; /* 0: never started; odd: alive */
    struct disk *disk;
    struct kv *store; /* what survives */
    struct kv *kv;    /* what all go through; NULL while dead */
    struct app *app;
    struct ledger ledger;
    struct mempool *mempool;
    struct signer *signer;
    struct replica *replica;
    uint8_t seed[32];
    struct ed25519_key *key; /* a copy for tests */
    struct pubkey public_key;
    bool keyless;
    bool is_doomed; /* its next failing disk or store is a death */
    bool stubborn;
    struct app_table stubborn_table;
    int64_t skew_ms;
    int64_t signer_ms; /* of a remote signer; −1: it answers nothing */
    bool connected[SIM_NODES_MAX];
    uint8_t under_way[SIM_NODES_MAX][SIM_CHANNELS]; /* messages to that node */
    int64_t link_free_us[SIM_NODES_MAX]; /* when the last message on the way to that node arrives */
    uint64_t timer_numbers[WORLD_TIMER_COUNT];
    sim_twist *twist;
    void *twist_context;
    int64_t head;
    struct blob *looked_at; /* the last message of its own that the witness saw */
};

struct sim {
    struct sim_config config;
    uint64_t chance;
    int64_t now_us;
    uint64_t items_made;
    struct item *heap;
    size_t heap_count, heap_capacity;
    struct node nodes[SIM_NODES_MAX];
    uint32_t links[SIM_NODES_MAX][SIM_NODES_MAX]; /* generation of each connection */
    uint64_t partition;
    uint32_t drops;
    char last_drop[256];
    char complaint[512];
    struct witness *witness;
    struct node *dying; /* whose failure ended the call */
    jmp_buf death;
    struct valset_change *members;
    struct state_genesis genesis;
};

/* ---- chance (splitmix64) */

static uint64_t roll(struct sim *sim) {
    uint64_t z = sim->chance += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static void complain(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct sim *sim, const char *format, ...) {
    if (sim->complaint[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(sim->complaint, sizeof sim->complaint, format, args);
    va_end(args);
}

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    struct node *node = context;
    if (node->is_doomed) {
        node->sim->dying = node;
        longjmp(node->sim->death, 1);
    }
    fprintf(stderr, "sim: node %u: %s\n", node->index, what);
    abort();
}

/* ---- the heap */

static bool sooner(const struct item *a, const struct item *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void push(struct sim *sim, struct item item) {
    item.number = ++sim->items_made;
    if (sim->heap_count == sim->heap_capacity) {
        sim->heap_capacity = sim->heap_capacity == 0 ? 1024 : 2 * sim->heap_capacity;
        sim->heap = realloc(sim->heap, sim->heap_capacity * sizeof *sim->heap);
        assert(sim->heap != NULL);
    }
    size_t at = sim->heap_count++;
    while (at > 0 && sooner(&item, &sim->heap[(at - 1) / 2])) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->heap[at] = item;
}

static struct item pop(struct sim *sim) {
    struct item first = sim->heap[0], last = sim->heap[--sim->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= sim->heap_count)
            break;
        if (child + 1 < sim->heap_count && sooner(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!sooner(&sim->heap[child], &last))
            break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    if (sim->heap_count > 0)
        sim->heap[at] = last;
    return first;
}

/* ---- the world of a node */

static struct node *node_of(struct world *world) { return (struct node *)world; }

static struct timestamp world_now(struct world *world) {
    int64_t us = node_of(world)->sim->now_us + node_of(world)->skew_ms * 1000;
    return (struct timestamp){SIM_EPOCH_SECONDS + us / 1000000, (int32_t)(us % 1000000 * 1000)};
}

static int64_t world_now_ms(struct world *world) { return node_of(world)->sim->now_us / 1000; }

static bool is_alive(const struct node *node) { return node->life % 2 == 1; }

/* Nodes beyond the mask's bits are in group 0. */
static bool in_group(const struct sim *sim, uint32_t node) { return node < 64 && (sim->partition >> node & 1) != 0; }

static bool separated(const struct sim *sim, uint32_t a, uint32_t b) { return in_group(sim, a) != in_group(sim, b); }

static int64_t latency(struct sim *sim) {
    int64_t spread = sim->config.latency_max_us - sim->config.latency_min_us;
    return sim->config.latency_min_us + (spread > 0 ? (int64_t)(roll(sim) % (uint64_t)spread) : 0);
}

static void post(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct blob *message) {
    struct node *sender = &sim->nodes[from];
    int64_t at = sim->now_us + latency(sim);
    if (at < sender->link_free_us[to])
        at = sender->link_free_us[to];
    sender->link_free_us[to] = at;
    push(sim, (struct item){
                  .at_us = at,
                  .kind = ITEM_DELIVER,
                  .from = from,
                  .to = to,
                  .life_from = sender->life,
                  .life_to = sim->nodes[to].life,
                  .link = sim->links[from][to],
                  .channel = channel,
                  .message = message,
              });
}

/* NULL, or what the witness has against a message that leaves, if it is the node's own word. */
static const char *judge_word(struct node *node, const struct wire_consensus *message) {
    const struct engine *engine = replica_engine(node->replica);
    const struct valset *set = engine->begin.validators; /* power matters for prevotes only, which are of this height */
    struct address own = pubkey_address(&node->public_key);
    int32_t index = valset_find(set, &own);
    if (message->kind == WIRE_VOTE_MESSAGE && address_equal(&message->vote.validator_address, &own))
        return witness_vote(node->sim->witness, node->index, &message->vote, index < 0 ? 0 : set->validators[index].power, valset_quorum(set));
    bool now = message->kind == WIRE_PROPOSAL && message->proposal.height == engine->height && message->proposal.round == engine->round;
    return now && index >= 0 && engine_proposer(engine, engine->round) == index
               ? witness_proposal(node->sim->witness, node->index, &message->proposal)
               : NULL;
}

/* What goes to many in a row is looked at once. */
static void look_at(struct node *node, uint8_t channel, struct blob *message) {
    if ((channel != WIRE_VOTE && channel != WIRE_DATA) || message == node->looked_at)
        return;
    struct wire_consensus decoded;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *wrong = wire_consensus_parse(&decoded, blob_span(message), &arena) == NULL ? judge_word(node, &decoded) : NULL;
    if (wrong != NULL)
        complain(node->sim, "node %u at height %" PRId64 " %s", node->index, replica_engine(node->replica)->height, wrong);
    arena_close(&arena);
    blob_release(node->looked_at);
    node->looked_at = blob_hold(message);
}

static uint32_t channel_place(uint8_t channel) {
    return channel == WIRE_MEMPOOL ? 4 : channel == WIRE_BLOCKSYNC ? 5 : (uint32_t)(channel - WIRE_STATE) % 4;
}

static uint32_t queue_max(uint8_t channel) { return channel == WIRE_VOTE_SET_BITS ? SIM_QUEUE_BITS : SIM_QUEUE_MAX; }

static bool world_send(struct world *world, uint32_t peer, uint8_t channel, struct blob *message) {
    struct node *node = node_of(world);
    uint32_t to = (peer - 1) % SIM_NODES_MAX;
    if (!node->connected[to] || node->under_way[to][channel_place(channel)] >= queue_max(channel))
        return false;
    look_at(node, channel, message);
    struct blob *sent = blob_hold(message);
    if (node->twist != NULL) {
        blob_release(sent);
        sent = blob_new(blob_span(message));
        if (!node->twist(node->twist_context, to, channel, sent->data, sent->size)) {
            blob_release(sent);
            return true;
        }
    }
    node->under_way[to][channel_place(channel)]++;
    post(node->sim, node->index, to, channel, sent);
    return true;
}

static void plan_connect(struct sim *sim, uint32_t a, uint32_t b, int64_t delay_us) {
    push(sim, (struct item){.at_us = sim->now_us + delay_us,
                            .kind = ITEM_CONNECT,
                            .from = a,
                            .to = b,
                            .life_from = sim->nodes[a].life,
                            .life_to = sim->nodes[b].life,
                            .link = sim->links[a][b]});
}

static uint32_t peer_number(const struct sim *sim, uint32_t at, uint32_t other) {
    return sim->links[at][other] * SIM_NODES_MAX + other + 1; /* new with each connection */
}

static void cut(struct sim *sim, uint32_t a, uint32_t b) {
    struct node *ends[2] = {&sim->nodes[a], &sim->nodes[b]};
    for (int i = 0; i < 2; i++) {
        struct node *end = ends[i], *other = ends[1 - i];
        if (end->connected[other->index] && is_alive(end))
            replica_peer_down(end->replica, peer_number(sim, end->index, other->index));
        end->connected[other->index] = false;
        memset(end->under_way[other->index], 0, sizeof end->under_way[other->index]);
    }
    sim->links[a][b]++;
    sim->links[b][a] = sim->links[a][b];
}

/* The replica asked: its own side is gone before this returns, as with the switchboard; the other side hears of it once it has returned. */
static void world_drop(struct world *world, uint32_t peer, enum world_blame blame, const char *reason) {
    struct node *node = node_of(world);
    uint32_t other = (peer - 1) % SIM_NODES_MAX;
    node->sim->drops++;
    snprintf(node->sim->last_drop, sizeof node->sim->last_drop, "node %u dropped %u (%d): %s", node->index, other, blame, reason);
    if (getenv("SIM_LOG") != NULL)
        fprintf(stderr, "%8" PRId64 " %s\n", node->sim->now_us / 1000, node->sim->last_drop);
    push(node->sim, (struct item){.at_us = node->sim->now_us,
                                  .kind = ITEM_CONNECT,
                                  .from = node->index,
                                  .to = other,
                                  .life_from = node->life,
                                  .life_to = node->sim->nodes[other].life,
                                  .link = node->sim->links[node->index][other]});
    if (node->connected[other])
        replica_peer_down(node->replica, peer);
    node->connected[other] = false;
}

static void world_timer(struct world *world, enum world_timer which, int64_t delay_ms) {
    struct node *node = node_of(world);
    push(node->sim, (struct item){.at_us = node->sim->now_us + delay_ms * 1000,
                                  .kind = ITEM_TIMER,
                                  .to = node->index,
                                  .life_to = node->life,
                                  .which = which,
                                  .timer_number = ++node->timer_numbers[which]});
}

static void world_log(struct world *world, enum world_level level, const char *text) {
    struct node *node = node_of(world);
    if (getenv("SIM_LOG") != NULL)
        fprintf(stderr, "%8" PRId64 " node %u %d: %s\n", node->sim->now_us / 1000, node->index, level, text);
}

/* The signer is another process: it goes on while the node is dead. */
static void world_sign(struct world *world, const struct world_signing *wish) {
    struct node *node = node_of(world);
    assert(wish->vote.extension.size == 0);
    push(node->sim, (struct item){.at_us = node->sim->now_us + (node->signer_ms < 0 ? SIM_SIGNER_PATIENCE_MS : node->signer_ms) * 1000,
                                  .kind = ITEM_SIGN,
                                  .to = node->index,
                                  .life_to = node->life,
                                  .message = blob_new(span_of(wish, sizeof *wish))});
}

static const struct world_table table = {world_now, world_now_ms, world_send, world_drop, world_timer, world_log, world_sign};

/* ---- checkers */

static void check_block(struct sim *sim, struct node *node, int64_t height) {
    struct ledger_meta mine, theirs;
    if (!ledger_block_meta(&node->ledger, &mine, height))
        return complain(sim, "node %u has no block of its height %" PRId64, node->index, height);
    for (uint32_t i = 0; i < sim->config.nodes; i++) {
        struct node *other = &sim->nodes[i];
        if (other == node || !is_alive(other) || !ledger_block_meta(&other->ledger, &theirs, height))
            continue;
        if (!block_id_equal(&mine.block_id, &theirs.block_id))
            complain(sim, "nodes %u and %u disagree about the block of height %" PRId64, node->index, i, height);
        if (other->ledger.state.height == height && node->ledger.state.height == height &&
            !app_hash_equal(&other->ledger.state.app_hash, &node->ledger.state.app_hash))
            complain(sim, "nodes %u and %u have different app hashes after height %" PRId64, node->index, i, height);
    }
}

static void check(struct sim *sim, struct node *node) {
    if (!is_alive(node))
        return;
    int64_t height = node->ledger.state.height;
    if (height == 0 && node->head < sim->config.initial_height)
        return;
    if (height < node->head)
        complain(sim, "the head of node %u went back from %" PRId64 " to %" PRId64, node->index, node->head, height);
    for (int64_t h = node->head + 1; h <= height; h++)
        check_block(sim, node, h);
    node->head = height;
    char why[256];
    if (replica_halted(node->replica, why, sizeof why))
        complain(sim, "node %u halted: %s", node->index, why);
}

/* ---- life of nodes */

static void id_of(char out[41], uint32_t index) { snprintf(out, 41, "%040x", index + 1); }

static void connect(struct sim *sim, uint32_t a, uint32_t b) {
    struct node *one = &sim->nodes[a], *other = &sim->nodes[b];
    if (!is_alive(one) || !is_alive(other) || one->connected[b])
        return;
    char id[41];
    one->connected[b] = other->connected[a] = true;
    one->link_free_us[b] = other->link_free_us[a] = sim->now_us;
    id_of(id, b);
    replica_peer_up(one->replica, peer_number(sim, a, b), id);
    id_of(id, a);
    replica_peer_up(other->replica, peer_number(sim, b, a), id);
    replica_flush(one->replica);
    replica_flush(other->replica);
}

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
        .journal_name = "data/cs.wal/wal",
    };
}

static bool refuse_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    (void)app;
    (void)block;
    (void)arena;
    return false;
}

static void open_app(struct node *node) {
    node->app = app_open(node->sim->config.app, node->kv, node->sim->genesis.chain_id);
    assert(node->app != NULL);
    if (!node->stubborn)
        return;
    node->stubborn_table = *node->app->table;
    node->stubborn_table.process_proposal = refuse_proposal;
    node->app->table = &node->stubborn_table;
}

static bool open_node(struct node *node, char **error) {
    struct sim *sim = node->sim;
    struct mempool_config pool = {
        .count_max = 5000, .bytes_max = 1 << 30, .tx_bytes_max = sim->config.tx_bytes_max, .cache_count = 10000, .recheck = true};
    struct replica_config config = replica_config_of(sim);
    node->kv = kv_group_over(node->store);
    open_app(node);
    if (!ledger_open(&node->ledger, node->kv, node->app, &sim->genesis, PARAMS_V038, error))
        return false;
    node->mempool = mempool_new(&pool, node->app);
    if (!node->keyless)
        node->signer = signer_open(node->disk, "data/priv_validator_state.json", ed25519_key_new(node->seed), node->ledger.state.height, error);
    if (!node->keyless && node->signer == NULL)
        return false;
    bool is_remote = sim->config.remote_signers >> (node->index & 63) & 1;
    if (is_remote)
        config.remote_key = node->public_key;
    struct replica_parts parts = {&node->world, &node->ledger, node->mempool, is_remote ? NULL : node->signer, {NULL, NULL}};
    node->replica = replica_new(&config, &parts, error);
    return node->replica != NULL;
}

static void close_node(struct node *node) {
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

/* What the closing would write is lost with the rest: the disk is set back to the moment of death first. */
static void bury(struct sim *sim, struct node *node) {
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (i != node->index) {
            node->connected[i] = false; /* nobody tells the dead */
            cut(sim, node->index, i);
        }
    node->life += node->life % 2;
    node->is_doomed = false;
    kv_memory_fail_after(node->store, UINT32_MAX);
    disk_memory_crash(node->disk, roll(sim));
    kv_memory_crash(node->store, (uint32_t)(roll(sim) % 3));
    node->head -= kv_group_count(node->kv) < node->head ? kv_group_count(node->kv) : node->head; /* heights gathered while consensus rested */
    kv_group_drop(node->kv);
    disk_memory_freeze(node->disk, true);
    close_node(node);
    disk_memory_freeze(node->disk, false);
}

bool sim_was_torn;

/* What a call that death broke off held stays behind, as with a process. */
static __attribute__((noinline)) bool run_until_crash(struct sim *sim, void (*call)(void *context), void *context) {
    if (setjmp(sim->death) == 0) {
        call(context);
        return true;
    }
    sim_was_torn = true;
    bury(sim, sim->dying);
    return false;
}

static bool some_doomed(const struct sim *sim) {
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (sim->nodes[i].is_doomed)
            return true;
    return false;
}

/* false: somebody died in it. */
static bool run_call(struct sim *sim, void (*call)(void *context), void *context) {
    if (some_doomed(sim))
        return run_until_crash(sim, call, context);
    call(context);
    return true;
}

struct starting {
    struct node *node;
    char *error;
    bool good;
};

static void start(void *context) {
    struct starting *starting = context;
    struct node *node = starting->node;
    starting->good = open_node(node, &starting->error);
    if (!starting->good)
        return;
    node->life++;
    replica_start(node->replica);
    replica_flush(node->replica);
}

bool sim_start(struct sim *sim, uint32_t index) {
    struct node *node = &sim->nodes[index];
    struct starting starting = {node, NULL, true};
    assert(!is_alive(node));
    if (!run_call(sim, start, &starting))
        return true;
    if (!starting.good) {
        complain(sim, "node %u refuses to start: %s", index, starting.error);
        free(starting.error);
        close_node(node);
        return false;
    }
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (i != index)
            plan_connect(sim, index, i, latency(sim));
    return true;
}

void sim_kill(struct sim *sim, uint32_t index) {
    if (is_alive(&sim->nodes[index]))
        bury(sim, &sim->nodes[index]);
}

void sim_doom(struct sim *sim, uint32_t index, uint32_t disk_calls, uint32_t kv_writes) {
    struct node *node = &sim->nodes[index];
    node->is_doomed = disk_calls > 0 || kv_writes > 0;
    disk_memory_fail_after(node->disk, disk_calls);
    kv_memory_fail_after(node->store, kv_writes > 0 ? kv_writes - 1 : UINT32_MAX);
}

bool sim_is_alive(const struct sim *sim, uint32_t node) { return is_alive(&sim->nodes[node]); }

void sim_partition(struct sim *sim, uint64_t group_mask) {
    sim->partition = group_mask;
    for (uint32_t a = 0; a < sim->config.nodes; a++)
        for (uint32_t b = a + 1; b < sim->config.nodes; b++) {
            if (separated(sim, a, b))
                cut(sim, a, b);
            else
                plan_connect(sim, a, b, 1000 + latency(sim));
        }
}

/* ---- time */

static void deliver(struct sim *sim, struct item *item) {
    struct node *from = &sim->nodes[item->from], *to = &sim->nodes[item->to];
    uint8_t *under_way = &from->under_way[item->to][channel_place(item->channel)];
    if (from->life != item->life_from || to->life != item->life_to || sim->links[item->from][item->to] != item->link)
        return;
    bool was_full = *under_way >= queue_max(item->channel);
    *under_way -= *under_way > 0;
    if (is_alive(to) && to->connected[item->from]) {
        replica_receive(to->replica, peer_number(sim, item->to, item->from), item->channel, blob_span(item->message));
        replica_flush(to->replica);
        check(sim, to);
    }
    if (was_full && is_alive(from) && from->connected[item->to]) {
        replica_peer_writable(from->replica, peer_number(sim, item->from, item->to));
        replica_flush(from->replica);
    }
}

static void run_connect(struct sim *sim, const struct item *item) {
    struct node *one = &sim->nodes[item->from], *other = &sim->nodes[item->to];
    if (one->life != item->life_from || other->life != item->life_to || sim->links[item->from][item->to] != item->link)
        return;
    if (one->connected[item->to] || other->connected[item->from]) { /* somebody wanted the other gone: it comes back later */
        cut(sim, item->from, item->to);
        plan_connect(sim, item->from, item->to, 1000000);
    } else if (!separated(sim, item->from, item->to)) {
        connect(sim, item->from, item->to);
    }
}

static void run_timer(struct sim *sim, const struct item *item) {
    struct node *node = &sim->nodes[item->to];
    if (node->life != item->life_to || !is_alive(node) || node->timer_numbers[item->which] != item->timer_number)
        return;
    replica_timer(node->replica, item->which);
    replica_flush(node->replica);
    check(sim, node);
}

/* What was asked before the node died is signed all the same, and nobody hears of it. */
static void run_sign(struct sim *sim, const struct item *item) {
    struct node *node = &sim->nodes[item->to];
    struct world_signing answer;
    enum signer_verdict verdict = SIGNER_STOPPED;
    memcpy(&answer, item->message->data, sizeof answer);
    if (node->signer_ms >= 0 && node->signer != NULL)
        verdict = answer.is_proposal ? signer_proposal(node->signer, &answer.proposal, span_text("sim"))
                                     : signer_vote(node->signer, &answer.vote, span_text("sim"));
    answer.refused = verdict > SIGNER_SAME ? signer_verdict_text(verdict) : NULL;
    if (node->life != item->life_to || !is_alive(node))
        return;
    replica_signed(node->replica, &answer);
    replica_flush(node->replica);
    check(sim, node);
}

struct running {
    struct sim *sim;
    struct item item;
};

static void run_item(void *context) {
    struct running *running = context;
    switch (running->item.kind) {
    case ITEM_DELIVER: deliver(running->sim, &running->item); break;
    case ITEM_CONNECT: run_connect(running->sim, &running->item); break;
    case ITEM_TIMER: run_timer(running->sim, &running->item); break;
    case ITEM_SIGN: run_sign(running->sim, &running->item); break;
    }
}

static bool step(struct sim *sim, int64_t until_us) {
    if (sim->heap_count == 0 || sim->heap[0].at_us > until_us)
        return false;
    struct running running = {sim, pop(sim)};
    sim->now_us = running.item.at_us;
    run_call(sim, run_item, &running);
    blob_release(running.item.message);
    return true;
}

void sim_run_for(struct sim *sim, int64_t ms) {
    int64_t until = sim->now_us + ms * 1000;
    while (step(sim, until) && sim->complaint[0] == '\0')
        continue;
    sim->now_us = until;
}

static bool all_reached(const struct sim *sim, int64_t height) {
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (is_alive(&sim->nodes[i]) && sim->nodes[i].ledger.state.height < height)
            return false;
    return true;
}

bool sim_run_to_height(struct sim *sim, int64_t height, int64_t limit_ms) {
    int64_t until = sim->now_us + limit_ms * 1000;
    while (!all_reached(sim, height))
        if (sim->complaint[0] != '\0' || !step(sim, until))
            return false;
    return true;
}

int64_t sim_now_ms(const struct sim *sim) { return sim->now_us / 1000; }

/* ---- for those who look and meddle */

struct submitting {
    struct node *node;
    const char *tx;
    enum mempool_verdict verdict;
};

static void submit(void *context) {
    struct submitting *submitting = context;
    struct abci_check check;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct blob *blob = blob_new(span_text(submitting->tx));
    submitting->verdict = replica_submit(submitting->node->replica, &check, blob, &arena);
    blob_release(blob);
    arena_close(&arena);
    replica_flush(submitting->node->replica);
}

enum mempool_verdict sim_submit(struct sim *sim, uint32_t node, const char *tx) {
    struct submitting submitting = {&sim->nodes[node], tx, MEMPOOL_FULL};
    run_call(sim, submit, &submitting);
    return submitting.verdict;
}

void sim_set_twist(struct sim *sim, uint32_t node, sim_twist *twist, void *context) {
    sim->nodes[node].twist = twist;
    sim->nodes[node].twist_context = context;
}

void sim_skew_clock(struct sim *sim, uint32_t node, int64_t ms) { sim->nodes[node].skew_ms = ms; }
void sim_set_signer(struct sim *sim, uint32_t node, int64_t ms) { sim->nodes[node].signer_ms = ms; }
void sim_make_stubborn(struct sim *sim, uint32_t node) { sim->nodes[node].stubborn = true; }

void sim_inject(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct span message) {
    if (sim->nodes[from].connected[to]) {
        sim->nodes[from].under_way[to][channel_place(channel)]++;
        post(sim, from, to, channel, blob_new(message));
    }
}

struct ledger *sim_ledger(struct sim *sim, uint32_t node) { return &sim->nodes[node].ledger; }
const struct replica *sim_replica(const struct sim *sim, uint32_t node) { return sim->nodes[node].replica; }
struct mempool *sim_mempool(struct sim *sim, uint32_t node) { return sim->nodes[node].mempool; }
const struct ed25519_key *sim_key(const struct sim *sim, uint32_t node) { return sim->nodes[node].key; }
uint32_t sim_drops(const struct sim *sim) { return sim->drops; }
const char *sim_last_drop(const struct sim *sim) { return sim->last_drop; }
const char *sim_complaint(const struct sim *sim) { return sim->complaint; }

int64_t sim_journal_bytes(const struct sim *sim, uint32_t node) {
    struct disk *disk = sim->nodes[node].disk;
    return disk->table->size(disk, "data/cs.wal/wal");
}

uint64_t sim_flushes(const struct sim *sim, uint32_t node) {
    struct kv_counts counts;
    kv_count(sim->nodes[node].store, &counts);
    return sim->nodes[node].disk->flushes + counts.synced_writes;
}

/* ---- life */

void sim_defaults(struct sim_config *config) {
    *config = (struct sim_config){
        .seed = 1,
        .nodes = 4,
        .initial_height = 1,
        .app = "kvstore",
        .tx_bytes_max = 1 << 20,
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

static void make_genesis(struct sim *sim) {
    sim->members = calloc(sim->config.nodes, sizeof *sim->members);
    assert(sim->members != NULL);
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->config.nodes; i++) {
        const struct node *node = &sim->nodes[i];
        int64_t power = sim->config.powers == NULL ? 10 : sim->config.powers[i];
        if (!node->keyless && power > 0)
            sim->members[count++] =
                (struct valset_change){.address = pubkey_address(&node->public_key), .pub_key = node->public_key, .power = power};
    }
    sim->genesis = (struct state_genesis){
        .chain_id = span_text("sim"),
        .time = {SIM_EPOCH_SECONDS, 0},
        .initial_height = sim->config.initial_height,
        .validators = sim->members,
        .validator_count = count,
    };
    params_defaults(&sim->genesis.params, PARAMS_V038);
}

static void init_node(struct sim *sim, uint32_t index) {
    struct node *node = &sim->nodes[index];
    char name[32];
    uint8_t key[32];
    snprintf(name, sizeof name, "validator %u", index);
    sha256_once(node->seed, span_text(name));
    node->key = ed25519_key_new(node->seed);
    ed25519_key_public(node->key, key);
    node->public_key = pubkey_ed25519(key);
    node->sim = sim;
    node->index = index;
    node->head = sim->config.initial_height - 1;
    node->keyless = index >= sim->config.nodes - sim->config.full_nodes;
    node->disk = disk_memory_new((struct disk_failure){node, fail});
    node->store = kv_memory_new((struct kv_failure){node, fail});
    node->world = (struct world){&table, node->disk};
}

struct sim *sim_new(const struct sim_config *config) {
    assert(config->nodes >= 1 && config->nodes <= SIM_NODES_MAX);
    struct sim *sim = calloc(1, sizeof *sim);
    assert(sim != NULL);
    sim->config = *config;
    sim->chance = config->seed;
    sim->witness = witness_new();
    for (uint32_t i = 0; i < config->nodes; i++)
        init_node(sim, i);
    make_genesis(sim);
    for (uint32_t i = 0; i < config->nodes; i++)
        sim_start(sim, i);
    return sim;
}

void sim_free(struct sim *sim) {
    for (uint32_t i = 0; i < sim->config.nodes; i++) {
        struct node *node = &sim->nodes[i];
        if (is_alive(node))
            close_node(node);
        kv_close(node->store);
        disk_memory_free(node->disk);
        ed25519_key_free(node->key);
        blob_release(node->looked_at);
    }
    witness_free(sim->witness);
    for (size_t i = 0; i < sim->heap_count; i++)
        blob_release(sim->heap[i].message);
    free(sim->heap);
    free(sim->members);
    free(sim);
}
