/* For those who look and meddle. */
#include "node/sim_inside.h"

struct submitting {
    struct sim_node *node;
    struct span tx;
    enum mempool_verdict verdict;
};

static void submit(void *context) {
    struct submitting *submitting = context;
    struct abci_check check;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct blob *blob = blob_new(submitting->tx);
    submitting->verdict = replica_submit(submitting->node->replica, &check, blob, &arena);
    blob_release(blob);
    arena_close(&arena);
    replica_flush(submitting->node->replica);
    sim_world_settle(submitting->node);
}

enum mempool_verdict sim_submit_bytes(struct sim *sim, uint32_t node, struct span tx) {
    struct submitting submitting = {&sim->nodes[node], tx, MEMPOOL_FULL};
    sim_run_call(sim, submit, &submitting);
    return submitting.verdict;
}

enum mempool_verdict sim_submit(struct sim *sim, uint32_t node, const char *tx) { return sim_submit_bytes(sim, node, span_text(tx)); }

struct muting {
    struct sim_node *node;
    const char *why;
};

static void mute(void *context) {
    const struct muting *muting = context;
    replica_mute(muting->node->replica, muting->why);
    replica_flush(muting->node->replica);
    sim_world_settle(muting->node);
}

void sim_mute(struct sim *sim, uint32_t node, const char *why) { sim_run_call(sim, mute, &(struct muting){&sim->nodes[node], why}); }

struct asking {
    struct app *app;
    struct abci_answer *answer;
    const struct abci_query *question;
    struct arena *arena;
};

static void ask(void *context) {
    const struct asking *asking = context;
    asking->app->table->query(asking->app, asking->answer, asking->question, asking->arena);
}

bool sim_query(struct sim *sim, uint32_t node, struct abci_answer *answer, const struct abci_query *question, struct arena *arena) {
    struct asking asking = {sim->nodes[node].app, answer, question, arena};
    return sim_run_call(sim, ask, &asking);
}

/* ---- links */

static void mesh_again(struct sim *sim, uint32_t a, uint32_t b) {
    if (!sim_world_is_meshed(sim, a, b))
        return;
    if (sim_world_separated(sim, a, b))
        sim_world_cut(sim, a, b);
    else
        sim_world_plan_connect(sim, a, b, 1000 + sim_world_latency(sim, a, b));
}

void sim_partition(struct sim *sim, uint64_t group_mask) {
    sim->partition = group_mask;
    for (uint32_t a = 0; a < sim->config.nodes; a++)
        for (uint32_t b = a + 1; b < sim->config.nodes; b++)
            mesh_again(sim, a, b);
}

void sim_sever(struct sim *sim, uint32_t a, uint32_t b, bool severed) {
    if (a == b || sim->severed[a][b] == severed)
        return;
    sim->severed[a][b] = sim->severed[b][a] = severed;
    mesh_again(sim, a, b);
}

void sim_cut_link(struct sim *sim, uint32_t a, uint32_t b, int64_t for_ms) {
    if (!sim->nodes[a].connected[b])
        return;
    sim_world_cut(sim, a, b);
    sim_world_plan_connect(sim, a, b, for_ms * 1000);
}

void sim_set_noise(struct sim *sim, uint32_t index, uint32_t lose_percent, uint32_t double_percent, int64_t overtake_ms) {
    struct sim_node *node = &sim->nodes[index];
    node->lose_percent = lose_percent;
    node->double_percent = double_percent;
    node->overtake_us = overtake_ms * 1000;
}

void sim_mute_road(struct sim *sim, uint32_t from, uint32_t to, bool muted) {
    if (from == to || sim->unheard[from][to] == muted)
        return;
    sim->unheard[from][to] = muted;
    if (!muted)
        sim_cut_link(sim, from, to, 100);
}

/* ---- whose words, clocks and disks are not as they should be */

void sim_set_twist(struct sim *sim, uint32_t node, sim_twist *twist, void *context) {
    sim->nodes[node].twist = twist;
    sim->nodes[node].twist_context = context;
}

void sim_set_speaker(struct sim *sim, uint32_t node, sim_speaker *speaker, void *context) {
    sim->nodes[node].speaker = speaker;
    sim->nodes[node].speaker_context = context;
}

void sim_set_faulty(struct sim *sim, uint32_t node) { sim->nodes[node].is_faulty = true; }
void sim_skew_clock(struct sim *sim, uint32_t node, int64_t ms) { sim->nodes[node].skew_ms = ms; }
void sim_set_signer(struct sim *sim, uint32_t node, int64_t ms) { sim->nodes[node].signer_ms = ms; }
void sim_make_stubborn(struct sim *sim, uint32_t node) { sim->nodes[node].stubborn = true; }

void sim_set_flush_us(struct sim *sim, uint32_t index, int64_t us) {
    struct sim_node *node = &sim->nodes[index];
    node->flushes_seen = sim_flushes(sim, index);
    node->flush_us = us;
}

/* ---- looking */

struct ledger *sim_ledger(struct sim *sim, uint32_t node) { return &sim->nodes[node].ledger; }
const struct replica *sim_replica(const struct sim *sim, uint32_t node) { return sim->nodes[node].replica; }
struct kv *sim_votes(struct sim *sim, uint32_t node) { return sim->nodes[node].votes; }

struct mempool *sim_mempool(struct sim *sim, uint32_t node) { return sim->nodes[node].mempool; }
const struct ed25519_key *sim_key(const struct sim *sim, uint32_t node) { return sim->nodes[node].key; }
const struct address *sim_address(const struct sim *sim, uint32_t node) { return &sim->nodes[node].address; }
const struct pubkey *sim_public_key(const struct sim *sim, uint32_t node) { return &sim->nodes[node].public_key; }
const struct state_genesis *sim_genesis(const struct sim *sim) { return &sim->genesis; }
uint32_t sim_key_of(const struct sim *sim, uint32_t node) { return sim->config.key_of == NULL ? node : sim->config.key_of[node]; }
bool sim_is_connected(const struct sim *sim, uint32_t a, uint32_t b) { return sim->nodes[a].connected[b]; }
uint32_t sim_node_count(const struct sim *sim) { return sim->config.nodes; }
uint32_t sim_drops(const struct sim *sim) { return sim->drops; }
uint64_t sim_delivered(const struct sim *sim) { return sim->delivered; }
uint64_t sim_deaths(const struct sim *sim) { return sim->deaths; }
const char *sim_last_drop(const struct sim *sim) { return sim->last_drop; }
void sim_tally(struct sim *sim, enum sim_count what, uint64_t more) { sim->counts[what] += more; }
const uint64_t *sim_counts(const struct sim *sim) { return sim->counts; }
const char *sim_complaint(const struct sim *sim) { return sim->complaint; }
bool sim_forked(const struct sim *sim) { return sim->forked; }

int64_t sim_journal_bytes(const struct sim *sim, uint32_t node) {
    struct disk *disk = sim->nodes[node].disk;
    return disk->table->size(disk, "data/cs.wal/wal");
}

uint64_t sim_flushes(const struct sim *sim, uint32_t node) {
    struct kv_counts counts;
    kv_count(sim->nodes[node].store, &counts);
    return sim->nodes[node].disk->flushes + counts.synced_writes;
}
