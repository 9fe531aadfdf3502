#include "node/sim_check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/replica_inside.h"
#include "tendermint/light_verify.h"

#define ARENA_BYTES_MAX  (64u << 20)
#define TALLY_BYTES_MAX  (64u << 20) /* of one height's votes in one engine */
#define SAMPLES          64          /* committed transactions looked up at the end, per node */

struct known_tx {
    uint8_t hash[32];
    int64_t height; /* committed; 0: not yet */
    bool admitted, expected, good;
    size_t size;
};

struct sim_check {
    const struct sim_plan *plan;
    const struct sim_load *load;
    struct sim *sim;
    struct kv *kv;
    struct app *app;
    struct ledger ledger;
    bool is_open, is_off;
    struct header last_header; /* that the light client followed; height 0: none yet */
    struct valset trusted;     /* of that height; at first of the genesis */
    struct known_tx *txs;
    size_t tx_count, tx_capacity;
    uint32_t *places; /* hash table of indexes + 1 */
    size_t place_count;
    uint64_t committed;
    bool strict_once; /* nothing may come twice, even where the application does not care */
    char note[256];
};

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "sim: the auditor: %s\n", what);
    abort();
}

/* ---- the book of transactions */

static void grow_places(struct sim_check *check) {
    check->place_count = check->place_count == 0 ? 1024 : 2 * check->place_count;
    free(check->places);
    check->places = calloc(check->place_count, sizeof *check->places);
    assert(check->places != NULL);
    for (size_t i = 0; i < check->tx_count; i++) {
        uint64_t at;
        memcpy(&at, check->txs[i].hash, sizeof at);
        while (check->places[at % check->place_count] != 0)
            at++;
        check->places[at % check->place_count] = (uint32_t)i + 1;
    }
}

static struct known_tx *find_or_add(struct sim_check *check, const uint8_t hash[static 32]) {
    if (2 * check->tx_count >= check->place_count)
        grow_places(check);
    uint64_t at;
    memcpy(&at, hash, sizeof at);
    for (; check->places[at % check->place_count] != 0; at++) {
        struct known_tx *known = &check->txs[check->places[at % check->place_count] - 1];
        if (memcmp(known->hash, hash, 32) == 0)
            return known;
    }
    if (check->tx_count == check->tx_capacity) {
        check->tx_capacity = check->tx_capacity == 0 ? 256 : 2 * check->tx_capacity;
        check->txs = realloc(check->txs, check->tx_capacity * sizeof *check->txs);
        assert(check->txs != NULL);
    }
    struct known_tx *known = &check->txs[check->tx_count++];
    *known = (struct known_tx){0};
    memcpy(known->hash, hash, 32);
    check->places[at % check->place_count] = (uint32_t)check->tx_count;
    return known;
}

void sim_check_admitted(struct sim_check *check, struct span tx) {
    uint8_t hash[32];
    sha256_once(hash, tx);
    struct known_tx *known = find_or_add(check, hash);
    known->admitted = true;
    known->expected = true;
    known->size = tx.size;
}

void sim_check_expect(struct sim_check *check) {
    for (size_t i = 0; i < check->tx_count; i++)
        check->txs[i].expected = false;
}

/* Of what a block has room for; more validators leave less. */
static int64_t room_now(const struct sim_check *check) {
    for (uint32_t node = 0; node < check->plan->config.nodes; node++)
        if (sim_is_alive(check->sim, node) && !check->plan->is_faulty[node])
            return ledger_data_bytes_max(sim_ledger(check->sim, node));
    return INT64_MAX;
}

uint32_t sim_check_missing(const struct sim_check *check) {
    uint32_t missing = 0;
    int64_t room = room_now(check);
    for (size_t i = 0; i < check->tx_count; i++)
        missing += check->txs[i].expected && check->txs[i].height == 0 && (int64_t)(1 + proto_varint_size(check->txs[i].size) + check->txs[i].size) <= room;
    return missing;
}

uint32_t sim_check_waiting(const struct sim_check *check) {
    uint32_t waiting = 0;
    for (size_t i = 0; i < check->tx_count; i++) {
        bool held = false;
        for (uint32_t node = 0; node < check->plan->config.nodes; node++)
            held |= sim_is_alive(check->sim, node) && mempool_find(sim_mempool(check->sim, node), check->txs[i].hash) != NULL;
        waiting += held && check->txs[i].expected && check->txs[i].height == 0;
    }
    return waiting;
}

static void note_committed(struct sim_check *check, const struct block *block, const struct abci_finalized *finalized) {
    for (uint32_t i = 0; i < block->tx_count; i++) {
        struct known_tx *known = find_or_add(check, block->tx_hashes[i]);
        bool good = finalized->tx_results[i].code == 0, again = known->height > 0;
        if (again && check->load->is_ledger && known->good && good)
            sim_complain(check->sim, "a transfer was executed twice, at %" PRId64 " and %" PRId64, known->height, block->header.height);
        if (again && check->strict_once)
            sim_complain(check->sim, "a transaction was committed twice, at %" PRId64 " and %" PRId64, known->height, block->header.height);
        if (again && check->note[0] == '\0')
            snprintf(check->note, sizeof check->note, "a transaction was committed at %" PRId64 " and %" PRId64 " (no replay protection in this application)",
                     known->height, block->header.height);
        known->height = block->header.height;
        known->good |= good;
        check->committed++;
    }
}

/* ---- the light client */

/* The first header needs the validators of the genesis, each other one what the header before it announced. */
static enum light_verdict follow(const struct sim_check *check, const struct light_block *told) {
    struct digest genesis;
    if (check->last_header.height > 0)
        return light_verify_adjacent(told, &check->last_header, &LIGHT_RULES_FOREVER, &told->header.time);
    valset_hash(&genesis, &check->trusted);
    enum light_verdict verdict = light_check(told, span_text("sim"));
    if (verdict == LIGHT_GOOD && !digest_equal(&genesis, &told->header.validators_hash))
        return LIGHT_WRONG_NEXT_SET;
    return verdict == LIGHT_GOOD ? light_verify_own_commit(told, span_text("sim")) : verdict;
}

/* Who signs is known unless it changed: then a node is asked, and its answer must fit the header. */
static void ask_for_set(struct sim_check *check, struct ledger *theirs, const struct header *header) {
    struct digest hash;
    struct valset next;
    valset_hash(&hash, &check->trusted);
    valset_init(&next);
    if (digest_equal(&hash, &header->validators_hash) || !ledger_validators(theirs, &next, header->height))
        return valset_close(&next);
    sim_tally(check->sim, SIM_COUNT_VALSET_CHANGES, 1);
    valset_close(&check->trusted);
    check->trusted = next;
}

static void follow_header(struct sim_check *check, struct ledger *theirs, const struct block *block, const struct commit *commit) {
    if (check->last_header.height > 0)
        ask_for_set(check, theirs, &block->header);
    struct light_block *told = light_block_new(&block->header, commit, &check->trusted);
    enum light_verdict verdict = told == NULL ? LIGHT_BAD_SHAPE : follow(check, told);
    if (verdict != LIGHT_GOOD)
        sim_complain(check->sim, "light client: header %" PRId64 " does not follow: %s", block->header.height, light_verdict_text(verdict));
    light_block_release(told);
    check->last_header = block->header;
}

/* ---- the auditor's own ledger */

static void compare(struct sim_check *check, struct ledger *theirs, int64_t height) {
    const struct state *ours = &check->ledger.state;
    if (theirs->state.height == height && !app_hash_equal(&theirs->state.app_hash, &ours->app_hash))
        sim_complain(check->sim, "the app hash after height %" PRId64 " is not what its execution gives", height);
    if (theirs->state.height == height && !digest_equal(&theirs->state.results_hash, &ours->results_hash))
        sim_complain(check->sim, "the results of height %" PRId64 " are not what its execution gives", height);
}

/* As the node saw it; with its extensions where they are on, and then every one of them must hold. */
static bool read_commit(struct sim_check *check, struct ledger *theirs, struct commit *commit, int64_t height, struct arena *arena) {
    bool canonical;
    if (!ledger_extends(&check->ledger, height))
        return ledger_seen_commit(theirs, commit, height, arena) || ledger_commit(theirs, commit, &canonical, height, arena);
    if (!ledger_extended_commit(theirs, commit, height, arena))
        return false;
    enum commit_verdict verdict =
        commit_extended_verify(commit, NULL, &check->ledger.state.validators, span_text("sim"), &commit->block_id, height, NULL);
    if (verdict != COMMIT_GOOD)
        sim_complain(check->sim, "the extended commit of height %" PRId64 " does not hold: %s", height, commit_verdict_text(verdict));
    return verdict == COMMIT_GOOD;
}

static void audit(struct sim_check *check, struct ledger *theirs, struct block *block) {
    struct arena arena;
    struct commit commit;
    int64_t height = block->header.height;
    arena_init(&arena, ARENA_BYTES_MAX);
    if (!read_commit(check, theirs, &commit, height, &arena)) {
        arena_close(&arena);
        return sim_complain(check->sim, "no commit is kept for height %" PRId64, height);
    }
    follow_header(check, theirs, block, &commit);
    sim_tally(check->sim, SIM_COUNT_HEIGHTS_ABOVE_0, commit.round > 0);
    sim_tally(check->sim, SIM_COUNT_EXTENDED_HEIGHTS, ledger_extends(&check->ledger, height));
    sim_tally(check->sim, SIM_COUNT_EVIDENCE, block->evidence_count);
    enum block_verdict verdict = ledger_judge(&check->ledger, block, NULL);
    if (verdict != BLOCK_GOOD)
        sim_complain(check->sim, "block %" PRId64 " was committed, but is not valid: %s", height, block_verdict_text(verdict));
    struct ledger_applied applied;
    if (verdict == BLOCK_GOOD && ledger_apply(&check->ledger, &applied, block, &commit)) {
        note_committed(check, block, &applied.finalized);
        compare(check, theirs, height);
    }
    arena_close(&arena);
}

/* Whoever applied a height, through agreement or block sync, can propose the next one and serve others. */
static void check_extended(struct sim_check *check, uint32_t node, int64_t height) {
    struct ledger *ledger = sim_ledger(check->sim, node);
    struct blob *extended = ledger_extended_commit_bytes(ledger, height);
    if ((extended != NULL) != ledger_extends(ledger, height))
        sim_complain(check->sim, "node %u %s an extended commit of height %" PRId64, node, extended != NULL ? "keeps" : "has not kept", height);
    blob_release(extended);
}

static int64_t next_height(const struct sim_check *check) { return state_next_height(&check->ledger.state); }

/* What a node applied without telling (it died in between) is read from its store. */
static void audit_up_to(struct sim_check *check, uint32_t node, int64_t height) {
    while (next_height(check) < height && sim_complaint(check->sim)[0] == '\0') {
        struct block *block = ledger_block(sim_ledger(check->sim, node), next_height(check));
        if (block == NULL)
            return; /* it came by block sync, and others have more */
        audit(check, sim_ledger(check->sim, node), block);
        block_release(block);
    }
}

/* ---- bounds */

static void check_bounds(struct sim_check *check, uint32_t node) {
    const struct replica *replica = sim_replica(check->sim, node);
    if (mempool_count(replica->mempool) > check->plan->config.mempool_count_max)
        sim_complain(check->sim, "node %u holds more transactions than it may", node);
    if (replica->candidates.count > CANDIDATES_MAX || replica->timer_count > REPLICA_TIMERS_MAX / 2 || replica->queue_count > REPLICA_QUEUE_MAX / 2)
        sim_complain(check->sim, "node %u: %u candidates, %u timers, %u events wait", node, replica->candidates.count, replica->timer_count,
                     replica->queue_count);
    if (replica->arena.bytes_taken > ARENA_BYTES_MAX || replica->receive_arena.bytes_taken > ARENA_BYTES_MAX || replica->tx_arena.bytes_taken > ARENA_BYTES_MAX)
        sim_complain(check->sim, "node %u: one message or effect takes more than %u bytes of scratch memory", node, ARENA_BYTES_MAX);
    if (replica->ledger->evidence.count > EVIDENCE_POOL_PIECES_MAX)
        sim_complain(check->sim, "node %u holds %u pieces of evidence", node, replica->ledger->evidence.count);
    for (int i = 0; i < 2; i++)
        if (replica->engine.arenas[i].bytes_taken > TALLY_BYTES_MAX)
            sim_complain(check->sim, "node %u: the votes of a height take %zu bytes", node, replica->engine.arenas[i].bytes_taken);
}

void sim_check_applied(struct sim_check *check, uint32_t node, struct block *block) {
    if (check->plan->is_faulty[node] || sim_complaint(check->sim)[0] != '\0')
        return;
    check_bounds(check, node);
    check_extended(check, node, block->header.height);
    check->is_off |= sim_forked(check->sim);
    if (check->is_off || block->header.height < next_height(check))
        return;
    audit_up_to(check, node, block->header.height);
    if (next_height(check) != block->header.height)
        return;
    struct block_id parent = check->ledger.state.block_id;
    if (check->plan->beyond_third && !block_id_equal(&parent, &block->header.last_block_id)) {
        check->is_off = true; /* another branch: there is nothing to audit any more */
        return;
    }
    audit(check, sim_ledger(check->sim, node), block);
}

/* ---- life */

/* Where nobody forgets what it saw and nobody says old things again, not even an application without memory gets anything twice. */
static bool nothing_comes_twice(const struct sim_plan *plan) {
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct sim_fault *fault = &plan->faults[i];
        bool says_again = fault->kind == SIM_FAULT_DOUBLE || fault->kind == SIM_FAULT_OVERTAKE;
        if (!fault->left_out && (sim_fault_is_fall(fault->kind) || !sim_fault_is_timed(fault->kind) || says_again))
            return false;
    }
    return true;
}

struct sim_check *sim_check_new(const struct sim_plan *plan, const struct sim_load *load) {
    struct sim_check *check = calloc(1, sizeof *check);
    assert(check != NULL);
    check->plan = plan;
    check->load = load;
    check->strict_once = nothing_comes_twice(plan);
    valset_init(&check->trusted);
    return check;
}

void sim_check_begin(struct sim_check *check, struct sim *sim) {
    char *error = NULL;
    check->sim = sim;
    check->kv = kv_memory_new((struct kv_failure){check, fail});
    check->app = app_open(check->plan->config.app, check->kv, span_text("sim"));
    assert(check->app != NULL);
    check->is_open = ledger_open(&check->ledger, check->kv, check->app, sim_genesis(sim), PARAMS_V038, &error);
    if (!check->is_open)
        sim_complain(sim, "the auditor cannot start: %s", error);
    free(error);
    const struct state_genesis *genesis = sim_genesis(sim);
    enum valset_verdict made = valset_make(&check->trusted, genesis->validators, genesis->validator_count);
    assert(made == VALSET_GOOD);
}

void sim_check_free(struct sim_check *check) {
    if (check == NULL)
        return;
    if (check->is_open)
        ledger_close(&check->ledger);
    if (check->app != NULL)
        check->app->table->close(check->app);
    kv_close(check->kv);
    valset_close(&check->trusted);
    free(check->txs);
    free(check->places);
    free(check);
}

static void look_up(struct sim_check *check, uint32_t node, size_t step) {
    for (size_t i = 0; i < check->tx_count; i += step) {
        const struct known_tx *known = &check->txs[i];
        int64_t height;
        uint32_t index;
        if (known->height > 0 && known->height <= sim_ledger(check->sim, node)->state.height &&
            !ledger_find_tx(sim_ledger(check->sim, node), known->hash, &height, &index))
            sim_complain(check->sim, "node %u does not know a transaction that was committed at %" PRId64, node, known->height);
    }
}

void sim_check_end(struct sim_check *check) {
    if (check->is_off || sim_forked(check->sim))
        return;
    size_t step = 1 + check->tx_count / SAMPLES;
    for (uint32_t i = 0; i < check->plan->config.nodes; i++)
        if (!check->plan->is_faulty[i] && sim_is_alive(check->sim, i))
            look_up(check, i, step);
    int64_t coins = sim_load_coins(check->load, &check->ledger);
    if (check->load->is_ledger && coins != (int64_t)SIM_LOAD_ACCOUNTS * SIM_LOAD_FUNDS)
        sim_complain(check->sim, "all accounts together hold %" PRId64 " instead of %" PRId64, coins, (int64_t)SIM_LOAD_ACCOUNTS * SIM_LOAD_FUNDS);
}

uint64_t sim_check_txs(const struct sim_check *check) { return check->committed; }
int64_t sim_check_height(const struct sim_check *check) { return check->ledger.state.height; }
const char *sim_check_note(const struct sim_check *check) { return check->note; }
