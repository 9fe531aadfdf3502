#include "node/sim_run_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "node/sim_seal.h"

#define RECOVERY_HEIGHTS 3
#define RECOVERY_MS      240000 /* after the healing all have applied so many more by then */
#define TXS_HEIGHTS      45     /* twice what it takes until a transaction is offered again (txgossip.c), and a few */
#define MEETING_MS       15000  /* beyond a third: those who parted meet again, and must bear it */

/* ---- who looks on */

static void on_sent(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message, int64_t arrives_us) {
    struct run *run = context;
    sim_trace_sent(&run->trace, from, to, channel, message, arrives_us);
    if (run->view != NULL && run->view->watch.sent != NULL)
        run->view->watch.sent(run->view->context, from, to, channel, message, arrives_us);
}

static void on_arrived(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message) {
    struct run *run = context;
    sim_trace_arrived(&run->trace, from, to, channel, message);
    if (run->view != NULL && run->view->watch.arrived != NULL)
        run->view->watch.arrived(run->view->context, from, to, channel, message);
}

static void on_applied(void *context, uint32_t node, struct block *block, const struct abci_finalized *finalized) {
    struct run *run = context;
    sim_trace_applied(&run->trace, node, block);
    sim_check_applied(run->check, node, block);
    if (run->view != NULL && run->view->watch.applied != NULL)
        run->view->watch.applied(run->view->context, node, block, finalized);
}

static void on_turned(void *context, uint32_t node, const struct replica *replica) {
    struct run *run = context;
    sim_trace_turned(&run->trace, node, replica);
    if (run->view != NULL && run->view->watch.turned != NULL)
        run->view->watch.turned(run->view->context, node, replica);
}

static void on_happened(void *context, uint32_t node, const char *text) {
    struct run *run = context;
    sim_trace_happened(&run->trace, node, text);
}

/* ---- transactions */

static void submit_next(struct run *run, uint32_t node) {
    if (!sim_is_alive(run->sim, node))
        return;
    struct span tx = sim_load_next(&run->load, run->sim, node);
    enum mempool_verdict verdict = sim_submit_bytes(run->sim, node, tx);
    if (verdict == MEMPOOL_ADDED && !run->plan->is_faulty[node])
        sim_check_admitted(run->check, tx);
    if (verdict == MEMPOOL_ADDED && run->view != NULL && run->view->admitted != NULL)
        run->view->admitted(run->view->context, node, tx);
    sim_load_note(&run->load, run->sim, node, verdict);
}

static void flow(struct run *run) {
    uint32_t node = (uint32_t)sim_chance_below(&run->chance, run->plan->config.nodes);
    if (run->load.is_ledger) /* an account speaks to one node only */
        node %= SIM_LOAD_ACCOUNTS;
    submit_next(run, node);
    run->next_tx_us += 1 + sim_chance_below(&run->chance, 2 * run->plan->tx_every_us);
}

/* ---- time */

static bool is_timed(const struct sim_fault *fault) { return !fault->left_out && sim_fault_is_timed(fault->kind); }

static void sooner(int64_t *due, int64_t at) {
    if (at < *due)
        *due = at;
}

static int64_t next_due(const struct run *run) {
    int64_t due = run->plan->trouble_ms;
    if (run->plan->tx_every_us > 0)
        sooner(&due, run->next_tx_us / 1000);
    for (uint32_t i = 0; i < run->plan->fault_count; i++) {
        const struct sim_fault *fault = &run->plan->faults[i];
        if (!is_timed(fault) || run->ended[i])
            continue;
        sooner(&due, run->begun[i] ? fault->at_ms + fault->for_ms : fault->at_ms);
        if (run->begun[i] && fault->kind == SIM_FAULT_FLAP)
            sooner(&due, run->flap_ms[i]);
    }
    return due;
}

static void do_due(struct run *run, int64_t now) {
    for (int i = 0; run->plan->tx_every_us > 0 && run->next_tx_us / 1000 <= now && i < 100; i++)
        flow(run);
    for (uint32_t i = 0; i < run->plan->fault_count; i++) {
        const struct sim_fault *fault = &run->plan->faults[i];
        if (!is_timed(fault) || run->ended[i])
            continue;
        if (!run->begun[i] && fault->at_ms <= now) {
            run->begun[i] = true;
            run->result->faults++;
            run->result->by_kind[run->plan->faults[i].kind]++;
            sim_faults_begin(run, i);
        } else if (run->begun[i] && fault->at_ms + fault->for_ms <= now) {
            run->ended[i] = true;
            sim_faults_end(run, i);
        } else if (run->begun[i] && fault->kind == SIM_FAULT_FLAP && run->flap_ms[i] <= now) {
            sim_faults_flap(run, i);
        }
    }
}

/* Those that died of their doom or their disk come back by themselves after a while, as with a supervisor: a broken disk stops them again. */
static void raise_dead(struct run *run) {
    for (uint32_t i = 0; i < run->plan->config.nodes; i++)
        if (!sim_is_alive(run->sim, i) && sim_chance_below(&run->chance, 4) == 0)
            sim_faults_start(run, i);
}

static int64_t highest(const struct run *run) {
    int64_t height = 0;
    for (uint32_t i = 0; i < run->plan->config.nodes; i++)
        if (sim_is_alive(run->sim, i) && !run->plan->is_faulty[i] && sim_ledger(run->sim, i)->state.height > height)
            height = sim_ledger(run->sim, i)->state.height;
    return height;
}

static int64_t heights_done(const struct run *run) {
    int64_t height = highest(run);
    return height == 0 ? 0 : height - run->plan->config.initial_height + 1;
}

static bool is_good(const struct run *run) { return sim_complaint(run->sim)[0] == '\0'; }

static bool has_enough(const struct run *run) { return run->plan->heights > 0 && heights_done(run) >= run->plan->heights; }

static void trouble(struct run *run) {
    int64_t looked = 0;
    while (is_good(run) && sim_now_ms(run->sim) < run->plan->trouble_ms && !has_enough(run)) {
        int64_t due = next_due(run), now = sim_now_ms(run->sim), step = due - now;
        if (step > 500)
            step = 500; /* looks at heights and the dead in between */
        sim_run_for(run->sim, step > 0 ? step : 0);
        do_due(run, sim_now_ms(run->sim));
        if (sim_now_ms(run->sim) - looked >= 500 && run->plan->fault_count > 0) {
            looked = sim_now_ms(run->sim);
            raise_dead(run);
        }
    }
}

/* ---- the healing */

static void heal(struct run *run) {
    uint32_t nodes = run->plan->config.nodes;
    for (uint32_t i = 0; i < run->plan->fault_count; i++) {
        if (is_timed(&run->plan->faults[i]) && run->begun[i] && !run->ended[i])
            sim_faults_end(run, i);
        if (run->plan->honest_at_the_end && run->liars[i] != NULL)
            sim_liar_end(run->liars[i]);
    }
    for (uint32_t a = 0; a < nodes; a++)
        for (uint32_t b = a + 1; b < nodes; b++)
            sim_sever(run->sim, a, b, false);
    for (uint32_t a = 0; a < nodes; a++)
        for (uint32_t b = 0; b < nodes; b++)
            sim_mute_road(run->sim, a, b, false);
    sim_roads_mend(&run->plan->roads);
    for (uint32_t i = 0; i < nodes; i++) {
        run->stays_down[i] = false;
        sim_mend(run->sim, i);
        sim_set_flush_us(run->sim, i, run->plan->flush_us);
        sim_skew_clock(run->sim, i, 0);
        sim_set_noise(run->sim, i, 0, 0, 0);
        sim_set_signer(run->sim, i, 0);
        sim_faults_start(run, i);
        if (!sim_is_alive(run->sim, i) && !run->plan->is_faulty[i] && !run->is_absent[i])
            sim_complain(run->sim, "node %u does not start though all is mended", i);
    }
}

static uint32_t longest_queue(const struct run *run) {
    uint32_t longest = 0;
    for (uint32_t i = 0; i < run->plan->config.nodes; i++) {
        uint32_t count = sim_is_alive(run->sim, i) && !run->plan->is_faulty[i] ? mempool_count(sim_mempool(run->sim, i)) : 0;
        longest = count > longest ? count : longest;
    }
    return longest;
}

/* In a large network on long roads heights take their time, and a block may have room for one of those that wait. */
static bool has_time(const struct run *run, int64_t healed, int64_t last_height) {
    int64_t passed = sim_now_ms(run->sim) - healed;
    return passed < RECOVERY_MS || (passed < 4 * RECOVERY_MS && highest(run) < last_height);
}

/* The clocks of the healed may be behind block times of those that were ahead: that must not stop anybody. */
static void go_on(struct run *run) {
    int64_t healed = sim_now_ms(run->sim), height = highest(run);
    uint32_t honest = 0;
    sim_check_expect(run->check);
    for (uint32_t i = 0; i < 3; i++) {
        for (honest = (uint32_t)sim_chance_below(&run->chance, run->plan->config.nodes); run->plan->is_faulty[honest];)
            honest = (honest + 1) % run->plan->config.nodes;
        if (run->load.is_ledger && honest >= SIM_LOAD_ACCOUNTS)
            continue;
        submit_next(run, honest);
    }
    int64_t floor = run->plan->config.initial_height - 1, last_height = height + TXS_HEIGHTS + longest_queue(run);
    bool reached = sim_run_to_height(run->sim, (height < floor ? floor : height) + RECOVERY_HEIGHTS, RECOVERY_MS);
    while (reached && is_good(run) && sim_check_missing(run->check) > 0 && has_time(run, healed, last_height))
        sim_run_for(run->sim, 500);
    run->result->recovery_ms = sim_now_ms(run->sim) - healed;
    if (!reached && is_good(run))
        sim_complain(run->sim, "%d s after the healing not all are %d heights further than %" PRId64, RECOVERY_MS / 1000, RECOVERY_HEIGHTS, height);
    else if (is_good(run) && sim_check_missing(run->check) > 0)
        sim_complain(run->sim, "of the transactions that were admitted after the healing %u are in no block; %u of them still wait somewhere",
                     sim_check_missing(run->check), sim_check_waiting(run->check));
}

/* ---- life */

static void make_liars(struct run *run) {
    for (uint32_t i = 0; i < run->plan->fault_count; i++) {
        const struct sim_fault *fault = &run->plan->faults[i];
        if (fault->left_out)
            continue;
        if (fault->kind == SIM_FAULT_LIE)
            run->liars[i] = sim_liar_new(run->sim, fault->node, (enum sim_liar_kind)fault->a, run->plan->seed * 31 + i);
        if (fault->kind == SIM_FAULT_TWIN) {
            sim_set_faulty(run->sim, fault->node);
            sim_set_faulty(run->sim, (uint32_t)fault->a);
        }
        run->result->faults += !sim_fault_is_timed(fault->kind);
    }
}

static void start_all(struct run *run) {
    for (uint32_t i = 0; i < run->plan->fault_count; i++)
        if (run->plan->faults[i].kind == SIM_FAULT_TWIN && run->plan->faults[i].left_out)
            run->is_absent[run->plan->faults[i].node] = true;
    for (uint32_t i = 0; i < run->plan->config.nodes; i++) {
        sim_set_flush_us(run->sim, i, run->plan->flush_us);
        sim_faults_start(run, i);
        if (run->plan->stagger_us > 0)
            sim_run_for_us(run->sim, sim_chance_below(&run->chance, run->plan->stagger_us));
    }
}

static void open_run(struct run *run) {
    struct sim_plan *plan = run->plan;
    sim_seal_use_insecure(!plan->real_crypto);
    sim_load_init(&run->load, plan->config.app, plan->tx_bytes);
    plan->config.app_state = run->load.is_ledger ? span_text(run->load.app_state) : span_of(NULL, 0);
    plan->config.watch = (struct sim_watch){run, on_sent, on_arrived, on_applied, on_turned, on_happened};
    run->check = sim_check_new(plan, &run->load);
    run->sim = sim_make(&plan->config);
    sim_trace_begin(&run->trace, run->sim);
    sim_check_begin(run->check, run->sim);
    make_liars(run);
    if (run->view != NULL && run->view->begun != NULL)
        run->view->begun(run->view->context, run->sim);
}

static void count_plan(uint64_t *counts, const struct sim_plan *plan) {
    static const uint32_t sizes[] = {1, 4, 5, 7, 10, 30, 100};
    uint32_t validators = 0, faulty = 0;
    bool uneven = false;
    for (uint32_t i = 0; i < plan->config.nodes; i++) {
        validators += plan->powers[i] > 0;
        uneven |= plan->powers[i] > 0 && plan->powers[i] != plan->powers[0];
        faulty += plan->is_faulty[i];
    }
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        counts[SIM_COUNT_NODES_1 + i] += validators == sizes[i];
    counts[SIM_COUNT_UNEVEN] += uneven;
    counts[SIM_COUNT_NO_VALIDATORS_YET] += plan->config.nodes > validators;
    counts[SIM_COUNT_ROADS_UNIFORM + (int)plan->roads.kind]++;
    counts[SIM_COUNT_NARROW] += plan->roads.bytes_per_s > 0;
    counts[SIM_COUNT_PARTLY_MESHED] += !plan->is_mesh_full;
    counts[SIM_COUNT_OVERTAKING_CHANNELS] += plan->config.channels_overtake;
    counts[SIM_COUNT_BLOCK_SYNC] += plan->config.block_sync;
    counts[SIM_COUNT_LEDGER_APP] += strcmp(plan->config.app, "ledger") == 0;
    counts[SIM_COUNT_KVSTORE_APP] += strcmp(plan->config.app, "kvstore") == 0;
    counts[SIM_COUNT_EXTENDER_APP] += strcmp(plan->config.app, "extender") == 0;
    counts[SIM_COUNT_SMALL_BLOCKS] += plan->config.block_bytes_max > 0;
    counts[SIM_COUNT_SMALL_POOLS] += plan->config.mempool_count_max < 1000;
    counts[SIM_COUNT_NO_EMPTY_BLOCKS] += !plan->config.engine.create_empty_blocks;
    counts[SIM_COUNT_FAR_SIGNERS] += plan->config.remote_signers != 0;
    counts[SIM_COUNT_LATER_GENESIS] += plan->config.initial_height > 1;
    counts[SIM_COUNT_SMALL_JOURNALS] += plan->config.journal_file_bytes > 0;
    counts[SIM_COUNT_REAL_CRYPTO] += plan->real_crypto;
    counts[plan->beyond_third ? SIM_COUNT_BEYOND_A_THIRD : faulty > 0 ? SIM_COUNT_UP_TO_A_THIRD : SIM_COUNT_NO_LIARS]++;
}

static void count_all(struct run *run) {
    struct sim_result *result = run->result;
    memcpy(result->counts, sim_counts(run->sim), sizeof result->counts);
    count_plan(result->counts, run->plan);
    result->counts[SIM_COUNT_FORKS] += sim_forked(run->sim);
    for (uint32_t i = 0; i < run->plan->fault_count; i++)
        if (!run->plan->faults[i].left_out && !sim_fault_is_timed(run->plan->faults[i].kind))
            result->by_kind[run->plan->faults[i].kind]++;
}

static void close_run(struct run *run) {
    struct sim_result *result = run->result;
    snprintf(result->complaint, sizeof result->complaint, "%s", sim_complaint(run->sim));
    snprintf(result->note, sizeof result->note, "%s", sim_check_note(run->check));
    result->forked = sim_forked(run->sim);
    count_all(run);
    result->heights = heights_done(run);
    result->virtual_ms = sim_now_ms(run->sim);
    result->messages = sim_delivered(run->sim);
    result->deaths = sim_deaths(run->sim);
    result->drops = sim_drops(run->sim);
    result->txs = sim_check_txs(run->check);
    result->events = run->trace.events;
    sim_trace_end(&run->trace, result->trace);
    for (uint32_t i = 0; i < SIM_PLAN_FAULTS_MAX; i++)
        sim_liar_free(run->liars[i]);
    sim_free(run->sim);
    sim_check_free(run->check);
    sim_load_close(&run->load);
    sim_seal_use_insecure(false);
}

void sim_run(struct sim_result *result, struct sim_plan *plan, FILE *trace, const struct sim_view *view) {
    static struct run run; /* jumps out of dying nodes must not lose it */
    run = (struct run){.plan = plan, .result = result, .view = view, .chance = {plan->seed * 7 + 3}, .next_tx_us = 1000};
    *result = (struct sim_result){0};
    sim_trace_init(&run.trace, trace);
    run.trace.is_off = plan->is_untraced;
    open_run(&run);
    start_all(&run);
    trouble(&run);
    bool heals = plan->fault_count > 0 || plan->tx_every_us > 0;
    if (heals && is_good(&run) && !plan->is_quiet) {
        heal(&run);
        if (!plan->beyond_third)
            go_on(&run);
        else
            sim_run_for(run.sim, MEETING_MS);
    }
    if (is_good(&run))
        sim_check_end(run.check);
    close_run(&run);
}
