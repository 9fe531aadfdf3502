/* How the faults of a plan begin and end. */
#include <inttypes.h>
#include <stdio.h>

#include "crypto/text.h"
#include "node/sim_run_inside.h"

#define START_TRIES      5

static void give_power(struct run *run, const struct sim_fault *fault) {
    char key[64], tx[128];
    const struct pubkey *pubkey = sim_public_key(run->sim, fault->node);
    if (run->load.is_ledger)
        return;
    text_base64(key, span_of(pubkey->bytes, pubkey->size));
    snprintf(tx, sizeof tx, "val=ed25519!%s!%" PRId64, key, fault->a);
    for (uint32_t i = 0; i < run->plan->config.nodes; i++) {
        uint32_t node = (fault->node + i) % run->plan->config.nodes;
        if (!sim_is_alive(run->sim, node) || run->plan->is_faulty[node])
            continue;
        sim_submit(run->sim, node, tx); /* not expected: another may say the same */
        return;
    }
}

static void switch_extensions(struct run *run, const struct sim_fault *fault) {
    char tx[64];
    for (uint32_t node = 0; node < run->plan->config.nodes; node++) {
        if (!sim_is_alive(run->sim, node) || run->plan->is_faulty[node])
            continue;
        snprintf(tx, sizeof tx, "extend=%" PRId64, fault->b != 0 ? 0 : sim_ledger(run->sim, node)->state.height + fault->a);
        sim_submit(run->sim, node, tx);
        return;
    }
}

void sim_faults_start(struct run *run, uint32_t node) {
    char why[512];
    if (sim_is_alive(run->sim, node) || run->stays_down[node] || run->is_absent[node])
        return;
    for (int i = 0; i < START_TRIES && !sim_is_alive(run->sim, node); i++) {
        enum sim_started started = sim_try_start(run->sim, node, why, sizeof why);
        if (started == SIM_STARTED)
            return;
        run->result->refusals++;
        if (started == SIM_REFUSED)
            return;
    }
}

static uint32_t group_of(uint64_t mask, uint32_t node) { return (uint32_t)(mask >> 2 * (node % 31) & 3) % 3; }

static void sever_groups(struct run *run, const struct sim_fault *fault, bool severed) {
    uint32_t nodes = run->plan->config.nodes;
    uint64_t mask = (uint64_t)fault->a;
    for (uint32_t a = 0; a < nodes; a++) {
        for (uint32_t b = a + 1; b < nodes; b++) {
            bool touches = a == fault->node || b == fault->node, is_ring = b == a + 1 || (a == 0 && b == nodes - 1);
            bool apart = ((mask >> a % 64 ^ mask >> b % 64) & 1) != 0;
            if (fault->kind == SIM_FAULT_ALONE)
                apart = touches;
            else if (fault->kind == SIM_FAULT_RING)
                apart = !is_ring;
            else if (fault->kind == SIM_FAULT_ONE_LINK)
                apart = touches && (a == fault->a || b == fault->a);
            else if (fault->kind == SIM_FAULT_BRIDGE)
                apart = apart && !touches;
            else if (fault->kind == SIM_FAULT_STAR)
                apart = !touches;
            else if (fault->kind == SIM_FAULT_THREE)
                apart = group_of(mask, a) != group_of(mask, b);
            if (apart)
                sim_sever(run->sim, a, b, severed);
        }
    }
}

static void clog_roads(struct run *run, const struct sim_fault *fault, int64_t ms) {
    for (uint32_t to = 0; to < run->plan->config.nodes; to++)
        if (fault->b == 0 || (uint32_t)fault->b - 1 == to)
            run->plan->roads.clog_ms[fault->node][to] = (int32_t)ms;
}

static void unhear(struct run *run, const struct sim_fault *fault, bool muted) {
    for (uint32_t to = 0; to < run->plan->config.nodes; to++)
        if (((uint64_t)fault->a >> to % 64 & 1) != 0)
            sim_mute_road(run->sim, fault->node, to, muted);
}

static void make_noise(struct run *run, const struct sim_fault *fault, int64_t much) {
    sim_set_noise(run->sim, fault->node, fault->kind == SIM_FAULT_LOSE ? (uint32_t)much : 0, fault->kind == SIM_FAULT_DOUBLE ? (uint32_t)much : 0,
                  fault->kind == SIM_FAULT_OVERTAKE ? much : 0);
}

/* By up to so much, ahead or behind, each otherwise. */
static void skew_all(struct run *run, int64_t ms) {
    for (uint32_t i = 0; i < run->plan->config.nodes; i++)
        sim_skew_clock(run->sim, i, ms == 0 ? 0 : sim_chance_below(&run->chance, 2 * ms + 1) - ms);
}

static void flip(struct run *run, const struct sim_fault *fault) {
    char what[256];
    sim_stop(run->sim, fault->node);
    sim_mend(run->sim, fault->node); /* one bit at a time */
    run->stays_down[fault->node] = false;
    if (sim_flip_bit(run->sim, fault->node, fault->b != 0, (uint64_t)fault->a, what, sizeof what))
        sim_trace_happened(&run->trace, fault->node, what);
    sim_faults_start(run, fault->node); /* and goes on, or refuses, or stops later */
}

void sim_faults_begin(struct run *run, uint32_t index) {
    const struct sim_fault *fault = &run->plan->faults[index];
    struct sim *sim = run->sim;
    switch (fault->kind) {
    case SIM_FAULT_KILL:
        sim_kill(sim, fault->node);
        run->stays_down[fault->node] = true;
        break;
    case SIM_FAULT_DOOM_DISK: sim_doom(sim, fault->node, (uint32_t)fault->a, 0); break;
    case SIM_FAULT_DOOM_STORE: sim_doom(sim, fault->node, 0, (uint32_t)fault->a); break;
    case SIM_FAULT_DOOM_SEND: sim_doom_in_send(sim, fault->node, (uint32_t)fault->a); break;
    case SIM_FAULT_FULL_DISK: sim_break_disk(sim, fault->node, (uint32_t)fault->a, 0); break;
    case SIM_FAULT_FULL_STORE: sim_break_disk(sim, fault->node, 0, (uint32_t)fault->a); break;
    case SIM_FAULT_FLIP: flip(run, fault); break;
    case SIM_FAULT_SPLIT:
    case SIM_FAULT_BRIDGE:
    case SIM_FAULT_RING:
    case SIM_FAULT_ALONE:
    case SIM_FAULT_THREE:
    case SIM_FAULT_STAR:
    case SIM_FAULT_ONE_LINK: sever_groups(run, fault, true); break;
    case SIM_FAULT_FLAP: run->flap_ms[index] = sim_now_ms(sim); break;
    case SIM_FAULT_CLOG: clog_roads(run, fault, fault->a); break;
    case SIM_FAULT_SLOW_DISK: sim_set_flush_us(sim, fault->node, fault->a); break;
    case SIM_FAULT_CLOCK: sim_skew_clock(sim, fault->node, fault->a); break;
    case SIM_FAULT_SIGNER: sim_set_signer(sim, fault->node, fault->a); break;
    case SIM_FAULT_POWER: give_power(run, fault); break;
    case SIM_FAULT_EXTEND: switch_extensions(run, fault); break;
    case SIM_FAULT_IO_DISK: sim_break_io(sim, fault->node, (uint32_t)fault->a, 0, fault->b != 0); break;
    case SIM_FAULT_IO_STORE: sim_break_io(sim, fault->node, 0, (uint32_t)fault->a, fault->b != 0); break;
    case SIM_FAULT_ONE_WAY: unhear(run, fault, true); break;
    case SIM_FAULT_LOSE:
    case SIM_FAULT_DOUBLE:
    case SIM_FAULT_OVERTAKE: make_noise(run, fault, fault->a); break;
    case SIM_FAULT_SKEW: skew_all(run, fault->a); break;
    default: break;
    }
}

void sim_faults_end(struct run *run, uint32_t index) {
    const struct sim_fault *fault = &run->plan->faults[index];
    struct sim *sim = run->sim;
    switch (fault->kind) {
    case SIM_FAULT_KILL: run->stays_down[fault->node] = false; break;
    case SIM_FAULT_DOOM_DISK:
    case SIM_FAULT_DOOM_STORE:
    case SIM_FAULT_DOOM_SEND:
    case SIM_FAULT_FULL_DISK:
    case SIM_FAULT_FULL_STORE:
    case SIM_FAULT_IO_DISK:
    case SIM_FAULT_IO_STORE:
    case SIM_FAULT_FLIP: sim_mend(sim, fault->node); break;
    case SIM_FAULT_SPLIT:
    case SIM_FAULT_BRIDGE:
    case SIM_FAULT_RING:
    case SIM_FAULT_ALONE:
    case SIM_FAULT_THREE:
    case SIM_FAULT_STAR:
    case SIM_FAULT_ONE_LINK: sever_groups(run, fault, false); break;
    case SIM_FAULT_CLOG: clog_roads(run, fault, 0); break;
    case SIM_FAULT_SLOW_DISK: sim_set_flush_us(sim, fault->node, run->plan->flush_us); break;
    case SIM_FAULT_CLOCK: sim_skew_clock(sim, fault->node, 0); break;
    case SIM_FAULT_SIGNER: sim_set_signer(sim, fault->node, 0); break;
    case SIM_FAULT_ONE_WAY: unhear(run, fault, false); break;
    case SIM_FAULT_LOSE:
    case SIM_FAULT_DOUBLE:
    case SIM_FAULT_OVERTAKE: make_noise(run, fault, 0); break;
    case SIM_FAULT_SKEW: skew_all(run, 0); break;
    default: break;
    }
    if (sim_fault_is_fall(fault->kind))
        sim_faults_start(run, fault->node);
}

void sim_faults_flap(struct run *run, uint32_t index) {
    const struct sim_fault *fault = &run->plan->faults[index];
    uint32_t other = (uint32_t)sim_chance_below(&run->chance, run->plan->config.nodes);
    if (other != fault->node)
        sim_cut_link(run->sim, fault->node, other, 1 + sim_chance_below(&run->chance, 2 * fault->b));
    run->flap_ms[index] += fault->b;
}
