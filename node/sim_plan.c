#include "node/sim_plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/sim_byzantine.h"

uint64_t sim_chance_roll(struct sim_chance *chance) {
    uint64_t z = chance->state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

int64_t sim_chance_below(struct sim_chance *chance, int64_t limit) { return (int64_t)(sim_chance_roll(chance) % (uint64_t)limit); }

static int64_t between(struct sim_chance *chance, int64_t least, int64_t most) { return least + sim_chance_below(chance, most - least + 1); }
static bool one_in(struct sim_chance *chance, int64_t many) { return sim_chance_below(chance, many) == 0; }

/* ---- the network */

static uint32_t choose_nodes(struct sim_chance *chance) {
    static const struct {
        uint32_t nodes, mille;
    } sizes[] = {{1, 50}, {4, 430}, {5, 150}, {7, 200}, {10, 142}, {30, 20}, {100, 8}};
    uint32_t dice = (uint32_t)sim_chance_below(chance, 1000), at = 0;
    while (dice >= sizes[at].mille)
        dice -= sizes[at++].mille;
    return sizes[at].nodes;
}

static void choose_powers(struct sim_plan *plan, struct sim_chance *chance, uint32_t nodes) {
    int64_t shape = sim_chance_below(chance, 4);
    for (uint32_t i = 0; i < nodes; i++)
        plan->powers[i] = shape == 0 ? 10 : shape == 1 ? between(chance, 1, 100) : shape == 2 ? (i == 0 ? 3 * nodes : 10) : 1 + (int64_t)(i * i);
}

/* Each dials some, and is dialled by as many; and a ring, so that nobody is alone. */
static void choose_mesh(struct sim_plan *plan, struct sim_chance *chance, uint32_t dialled) {
    uint32_t nodes = plan->config.nodes;
    plan->is_mesh_full = false;
    for (uint32_t i = 0; i < nodes; i++) {
        for (uint32_t k = 0; k < dialled; k++) {
            uint32_t other = k == 0 ? (i + 1) % nodes : (uint32_t)sim_chance_below(chance, nodes);
            if (other != i)
                plan->mesh[i * nodes + other] = plan->mesh[other * nodes + i] = 1;
        }
    }
}

static void choose_roads(struct sim_plan *plan, struct sim_chance *chance) {
    sim_roads_init(&plan->roads, (enum sim_roads_kind)sim_chance_below(chance, SIM_ROADS_KINDS), sim_chance_roll(chance));
    plan->roads.min_us = between(chance, 100, 5000);
    plan->roads.max_us = plan->roads.min_us + (one_in(chance, 4) ? between(chance, 1000, 400000) : between(chance, 1000, 40000));
    plan->roads.regions = (uint32_t)between(chance, 2, 8);
    if (one_in(chance, 5))
        plan->roads.bytes_per_s = between(chance, 100000, 3000000);
}

static void choose_engine(struct sim_plan *plan, struct sim_chance *chance) {
    struct engine_config *engine = &plan->config.engine;
    engine->timeout_propose_ms = between(chance, 500, 3000);
    engine->timeout_propose_delta_ms = between(chance, 100, 500);
    engine->timeout_prevote_ms = engine->timeout_precommit_ms = between(chance, 100, 1000);
    engine->timeout_commit_ms = one_in(chance, 3) ? 0 : between(chance, 1, 1000);
    engine->skip_timeout_commit = one_in(chance, 3);
    engine->create_empty_blocks = !one_in(chance, 6);
    engine->create_empty_blocks_interval_ms = engine->create_empty_blocks ? 0 : between(chance, 200, 2000);
    plan->config.block_sync = one_in(chance, 3);
    plan->config.channels_overtake = one_in(chance, 2);
    plan->config.block_time_tolerance_ms = one_in(chance, 4) ? between(chance, 500, 10000) : 0;
    plan->config.initial_height = one_in(chance, 8) ? between(chance, 2, 1000000) : 1;
    plan->config.app = one_in(chance, 3) ? "ledger" : "kvstore";
    plan->config.block_bytes_max = one_in(chance, 4) ? between(chance, 4000, 200000) : 0;
    if (plan->config.block_bytes_max > 0 && plan->config.nodes > 10)
        plan->config.block_bytes_max += 40000; /* a commit of many must fit */
    if (one_in(chance, 4))
        plan->config.mempool_count_max = (uint32_t)between(chance, 5, 100);
    if (one_in(chance, 6))
        plan->config.remote_signers = sim_chance_roll(chance);
    plan->tx_every_us = 1000 * (one_in(chance, 4) ? between(chance, 2, 20) : between(chance, 50, 1000));
    if (one_in(chance, 5) && plan->tx_every_us >= 50000) /* what all roads can carry */
        plan->tx_bytes = (size_t)between(chance, 100, 60000);
}

/* ---- what happens */

static struct sim_fault *add(struct sim_plan *plan, enum sim_fault_kind kind, int64_t at_ms, int64_t for_ms, uint32_t node) {
    assert(plan->fault_count < SIM_PLAN_FAULTS_MAX);
    struct sim_fault *fault = &plan->faults[plan->fault_count++];
    *fault = (struct sim_fault){.kind = kind, .at_ms = at_ms, .for_ms = for_ms, .node = node};
    return fault;
}

static void fill(struct sim_plan *plan, struct sim_chance *chance, struct sim_fault *fault) {
    int64_t others = plan->config.nodes;
    switch (fault->kind) {
    case SIM_FAULT_DOOM_DISK:
    case SIM_FAULT_FULL_DISK: fault->a = between(chance, 1, 60); break;
    case SIM_FAULT_DOOM_SEND: fault->a = between(chance, 1, 200); break;
    case SIM_FAULT_DOOM_STORE:
    case SIM_FAULT_FULL_STORE: fault->a = between(chance, 1, 6); break;
    case SIM_FAULT_FLIP:
        fault->a = (int64_t)(sim_chance_roll(chance) >> 1);
        fault->b = sim_chance_below(chance, 2);
        break;
    case SIM_FAULT_SPLIT:
    case SIM_FAULT_BRIDGE: fault->a = (int64_t)(sim_chance_roll(chance) >> 1); break;
    case SIM_FAULT_ONE_LINK: fault->a = sim_chance_below(chance, others); break;
    case SIM_FAULT_FLAP: fault->b = between(chance, 20, 1500); break;
    case SIM_FAULT_CLOG:
        fault->a = between(chance, 50, 4000);
        fault->b = one_in(chance, 2) ? 0 : 1 + sim_chance_below(chance, others);
        break;
    case SIM_FAULT_SLOW_DISK: fault->a = between(chance, 500, one_in(chance, 4) ? 400000 : 20000); break;
    case SIM_FAULT_CLOCK:
        fault->a = one_in(chance, 3) ? between(chance, -3600000, 3600000) : between(chance, -3000, 3000);
        /* Blocks of a third's clocks beyond the tolerance are refused until all clocks are there: the rule, and no bug. */
        if (plan->config.block_time_tolerance_ms > 0 && fault->a > plan->config.block_time_tolerance_ms / 2)
            fault->a = plan->config.block_time_tolerance_ms / 2;
        break;
    case SIM_FAULT_SIGNER: fault->a = one_in(chance, 3) ? -1 : between(chance, 1, 3000); break;
    case SIM_FAULT_POWER: fault->a = one_in(chance, 4) ? 0 : plan->powers[fault->node] + between(chance, 1, 30); break;
    default: break;
    }
}

static void choose_faults(struct sim_plan *plan, struct sim_chance *chance) {
    int64_t count = one_in(chance, 8) ? 0 : between(chance, 1, plan->config.nodes > 10 ? 6 : 20);
    for (int64_t i = 0; i < count; i++) {
        enum sim_fault_kind kind = (enum sim_fault_kind)sim_chance_below(chance, SIM_FAULT_LIE);
        int64_t for_ms = one_in(chance, 4) ? between(chance, 5000, 20000) : between(chance, 50, 4000);
        struct sim_fault *fault =
            add(plan, kind, sim_chance_below(chance, plan->trouble_ms), for_ms, (uint32_t)sim_chance_below(chance, plan->config.nodes));
        fill(plan, chance, fault);
    }
}

/* ---- what was thought of later: drawn apart, so that a seed's other faults and their numbers stay */

static void fill_later(struct sim_plan *plan, struct sim_chance *chance, struct sim_fault *fault) {
    switch (fault->kind) {
    case SIM_FAULT_IO_DISK:
    case SIM_FAULT_IO_STORE:
        fault->a = between(chance, 1, fault->kind == SIM_FAULT_IO_DISK ? 40 : 400);
        fault->b = sim_chance_below(chance, 2);
        break;
    case SIM_FAULT_THREE:
    case SIM_FAULT_ONE_WAY: fault->a = one_in(chance, 3) ? INT64_MAX : (int64_t)(sim_chance_roll(chance) >> 1); break;
    case SIM_FAULT_LOSE:
    case SIM_FAULT_DOUBLE: fault->a = between(chance, 1, one_in(chance, 3) ? 60 : 15); break;
    case SIM_FAULT_OVERTAKE: fault->a = between(chance, 1, 1000); break;
    case SIM_FAULT_SKEW:
        fault->a = one_in(chance, 3) ? between(chance, 1, 3600000) : between(chance, 1, 2000);
        if (plan->config.block_time_tolerance_ms > 0 && fault->a > plan->config.block_time_tolerance_ms / 2)
            fault->a = plan->config.block_time_tolerance_ms / 2; /* as with SIM_FAULT_CLOCK */
        break;
    default: break;
    }
}

static void choose_later(struct sim_plan *plan, uint64_t seed) {
    struct sim_chance chance = {seed ^ 0x1a7e2};
    if (one_in(&chance, 3) && plan->fault_count < SIM_PLAN_FAULTS_MAX)
        add(plan, SIM_FAULT_JOURNALS, 0, plan->trouble_ms, 0)->a = between(&chance, 5000, 200000);
    int64_t count = one_in(&chance, 2) ? 0 : between(&chance, 1, 4);
    for (int64_t i = 0; i < count && plan->fault_count < SIM_PLAN_FAULTS_MAX; i++) {
        enum sim_fault_kind kind = (enum sim_fault_kind)between(&chance, SIM_FAULT_LATER, SIM_FAULT_JOURNALS - 1);
        int64_t for_ms = one_in(&chance, 4) ? between(&chance, 5000, 20000) : between(&chance, 50, 4000);
        struct sim_fault *fault =
            add(plan, kind, sim_chance_below(&chance, plan->trouble_ms), for_ms, (uint32_t)sim_chance_below(&chance, plan->config.nodes));
        fill_later(plan, &chance, fault);
    }
}

bool sim_fault_is_fall(enum sim_fault_kind kind) { return kind <= SIM_FAULT_FLIP || kind == SIM_FAULT_IO_DISK || kind == SIM_FAULT_IO_STORE; }
bool sim_fault_is_timed(enum sim_fault_kind kind) { return kind != SIM_FAULT_LIE && kind != SIM_FAULT_TWIN; }

/* ---- who lies */

static int64_t total_power(const struct sim_plan *plan) {
    int64_t total = 0;
    for (uint32_t i = 0; i < plan->config.nodes; i++)
        total += plan->key_of[i] == i ? plan->powers[i] : 0;
    return total;
}

static bool lies(const struct sim_plan *plan, uint32_t node) {
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct sim_fault *fault = &plan->faults[i];
        bool has_twin = fault->kind == SIM_FAULT_TWIN && (uint32_t)fault->a == node;
        if (has_twin || ((fault->kind == SIM_FAULT_LIE || fault->kind == SIM_FAULT_TWIN) && fault->node == node))
            return true;
    }
    return false;
}

/* With liars nobody is raised or lowered in their favour, so that a third stays a third whatever is committed when. Without them half of the others
 * may leave. */
static void spare_powers(struct sim_plan *plan) {
    bool some_lie = false;
    uint32_t removals = 0;
    for (uint32_t i = 0; i < plan->config.nodes; i++)
        some_lie |= lies(plan, i);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        struct sim_fault *fault = &plan->faults[i];
        if (fault->kind != SIM_FAULT_POWER)
            continue;
        bool may_go = !some_lie && fault->node > 0 && 2 * ++removals <= plan->config.nodes;
        if (fault->a < plan->powers[fault->node] && !may_go)
            fault->a = 2 * plan->powers[fault->node];
        if (lies(plan, fault->node))
            fault->a = plan->powers[fault->node];
    }
}

static void add_liar(struct sim_plan *plan, struct sim_chance *chance, uint32_t node) {
    uint32_t nodes = plan->config.nodes;
    if (nodes < SIM_NODES_MAX && (plan->beyond_third ? !one_in(chance, 4) : one_in(chance, 5))) { /* the twin is one more node */
        plan->config.nodes++;
        plan->powers[nodes] = 0;
        add(plan, SIM_FAULT_TWIN, 0, plan->trouble_ms, nodes)->a = node;
        return;
    }
    add(plan, SIM_FAULT_LIE, 0, plan->trouble_ms, node)->a = sim_chance_below(chance, SIM_LIAR_EXTENDER);
}

/* The attack that works: each of two twins on its side of a split, the honest in two halves, so that both sides may have two thirds. */
static void split_twins(struct sim_plan *plan, struct sim_chance *chance) {
    uint64_t mask = 0;
    uint32_t halves = 0;
    bool some = false;
    for (uint32_t i = 0; i < plan->config.nodes && i < 63; i++)
        if (!lies(plan, i) && halves++ % 2 == 0)
            mask |= UINT64_C(1) << i;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct sim_fault *fault = &plan->faults[i];
        if (fault->kind != SIM_FAULT_TWIN || fault->node >= 63)
            continue;
        mask |= UINT64_C(1) << fault->node;
        some = true;
    }
    if (some && plan->fault_count < SIM_PLAN_FAULTS_MAX)
        add(plan, SIM_FAULT_SPLIT, between(chance, 0, 3000), plan->trouble_ms, 0)->a = (int64_t)mask;
}

/* Up to a third in most seeds, beyond it in some; in every third nobody. */
static void choose_liars(struct sim_plan *plan, struct sim_chance *chance) {
    uint32_t nodes = plan->config.nodes;
    int64_t total = total_power(plan), left = (total - 1) / 3;
    plan->beyond_third = nodes >= 4 && one_in(chance, 14);
    if (one_in(chance, 3) && !plan->beyond_third)
        return;
    if (plan->beyond_third) {
        for (uint32_t i = 0; i < nodes; i++)
            plan->powers[i] = plan->powers[i] > 0 ? 10 : 0;
        left = total_power(plan) * 3 / 5;
    }
    for (uint32_t tries = 0; tries < nodes && plan->fault_count + 2 < SIM_PLAN_FAULTS_MAX && tries < 12; tries++) {
        uint32_t node = (uint32_t)sim_chance_below(chance, nodes);
        if (lies(plan, node) || plan->powers[node] == 0 || plan->powers[node] > left)
            continue;
        left -= plan->powers[node];
        add_liar(plan, chance, node);
        if (!plan->beyond_third && one_in(chance, 2))
            break;
    }
    if (plan->beyond_third)
        split_twins(plan, chance);
    plan->honest_at_the_end = one_in(chance, 2);
}

/* ---- vote extensions, from the start or later. A chance of their own: what other seeds mean does not change. */

static void choose_extensions(struct sim_plan *plan) {
    struct sim_chance apart = {plan->seed * 0x9e3779b97f4a7c15ull + 4}, *chance = &apart;
    if (strcmp(plan->config.app, "kvstore") != 0 || !one_in(chance, 5))
        return;
    plan->config.app = "extender";
    for (uint32_t i = 0; i < plan->fault_count; i++)
        if (plan->faults[i].kind == SIM_FAULT_LIE && one_in(chance, 3))
            plan->faults[i].a = SIM_LIAR_EXTENDER;
    if (one_in(chance, 2)) {
        plan->config.extensions_enable_height = plan->config.initial_height + sim_chance_below(chance, 4);
        return;
    }
    for (int64_t i = between(chance, 1, 3); i > 0 && plan->fault_count < SIM_PLAN_FAULTS_MAX; i--) {
        struct sim_fault *fault = add(plan, SIM_FAULT_EXTEND, sim_chance_below(chance, plan->trouble_ms / 2), 0, 0);
        fault->a = between(chance, 1, 12);
        fault->b = one_in(chance, 4);
    }
}

/* Those of equal times keep their order. */
static void sort_faults(struct sim_plan *plan) {
    for (uint32_t i = 1; i < plan->fault_count; i++) {
        struct sim_fault fault = plan->faults[i];
        uint32_t at = i;
        for (; at > 0 && plan->faults[at - 1].at_ms > fault.at_ms; at--)
            plan->faults[at] = plan->faults[at - 1];
        plan->faults[at] = fault;
    }
}

static void begin(struct sim_plan *plan, uint64_t seed, uint32_t nodes) {
    memset(plan, 0, sizeof *plan);
    sim_defaults(&plan->config);
    plan->seed = plan->config.seed = seed;
    plan->config.nodes = nodes;
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++)
        plan->key_of[i] = i;
    plan->is_mesh_full = true;
}

void sim_plan_make(struct sim_plan *plan, uint64_t seed) {
    struct sim_chance chance = {seed * 2654435761u + 17};
    begin(plan, seed, choose_nodes(&chance));
    choose_powers(plan, &chance, plan->config.nodes);
    if (one_in(&chance, 4) && plan->config.nodes > 1 && plan->config.nodes <= 10) /* who is no validator yet */
        plan->config.nodes += (uint32_t)between(&chance, 1, 2);
    choose_roads(plan, &chance);
    choose_engine(plan, &chance);
    plan->flush_us = plan->config.nodes > 1 && one_in(&chance, 2) ? 0 : between(&chance, 500, 4000);
    plan->stagger_us = one_in(&chance, 3) ? 0 : 1000000 / plan->config.nodes;
    plan->real_crypto = plan->config.nodes <= 7 && one_in(&chance, 20);
    plan->trouble_ms = plan->config.nodes == 1 ? 4000 : plan->config.nodes > 30 ? 4000 : plan->config.nodes > 10 ? 8000 : between(&chance, 5000, 20000);
    choose_faults(plan, &chance);
    choose_liars(plan, &chance);
    spare_powers(plan);
    if (plan->config.nodes > 12)
        choose_mesh(plan, &chance, 6);
    sort_faults(plan);
    choose_extensions(plan);
    choose_later(plan, seed);
    sim_plan_settle(plan);
}

void sim_plan_quiet(struct sim_plan *plan, uint64_t seed, uint32_t nodes) {
    begin(plan, seed, nodes);
    for (uint32_t i = 0; i < nodes; i++)
        plan->powers[i] = 10;
    sim_roads_init(&plan->roads, SIM_ROADS_UNIFORM, seed);
    plan->trouble_ms = INT64_MAX / 4;
    plan->is_quiet = true;
    plan->config.engine.timeout_commit_ms = 100;
    sim_plan_settle(plan);
}

void sim_plan_network(struct sim_plan *plan, uint64_t seed, uint32_t nodes, uint32_t peers) {
    struct sim_chance chance = {seed};
    sim_plan_quiet(plan, seed, nodes);
    sim_roads_init(&plan->roads, SIM_ROADS_WAN, seed);
    plan->config.engine.timeout_commit_ms = 1000;
    plan->flush_us = 1000;
    plan->is_untraced = true;
    plan->stagger_us = 500000 / nodes;
    if (peers > 0 && peers + 1 < nodes)
        choose_mesh(plan, &chance, (peers + 1) / 2);
    sim_plan_settle(plan);
}

void sim_plan_settle(struct sim_plan *plan) {
    memset(plan->is_faulty, 0, sizeof plan->is_faulty);
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++)
        plan->key_of[i] = i;
    plan->config.journal_file_bytes = 0;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct sim_fault *fault = &plan->faults[i];
        if (fault->kind == SIM_FAULT_JOURNALS && !fault->left_out)
            plan->config.journal_file_bytes = fault->a;
        if (fault->left_out || (fault->kind != SIM_FAULT_LIE && fault->kind != SIM_FAULT_TWIN))
            continue;
        plan->is_faulty[fault->node] = true;
        if (fault->kind == SIM_FAULT_TWIN) {
            plan->is_faulty[fault->a] = true;
            plan->key_of[fault->node] = (uint32_t)fault->a;
        }
    }
    plan->config.powers = plan->powers;
    plan->config.key_of = plan->key_of;
    plan->config.mesh = plan->is_mesh_full ? NULL : plan->mesh;
    plan->config.road = sim_roads_road(&plan->roads);
    plan->config.forks_allowed = plan->beyond_third;
}

/* ---- in words */

const char *sim_fault_kind_text(enum sim_fault_kind kind) {
    static const char *const texts[SIM_FAULT_KINDS] = {
        "kill", "doom in a disk call", "doom in a store write", "doom in a message", "full disk", "full store", "flipped bit",
        "split", "bridge", "ring", "alone", "one link", "flapping links",
        "clog", "slow disk", "clock", "far signer", "power", "liar", "twin", "vote extensions",
        "EIO of the disk", "EIO of the store", "three groups", "star", "unheard", "messages lost", "messages doubled", "messages overtaken", "clocks of all",
        "small journals",
    };
    return texts[kind];
}

void sim_fault_text(char out[static SIM_PLAN_TEXT_SIZE], const struct sim_fault *fault) {
    if (fault->kind == SIM_FAULT_LIE) {
        snprintf(out, SIM_PLAN_TEXT_SIZE, "node %u: %s", fault->node, sim_liar_kind_text((enum sim_liar_kind)fault->a));
        return;
    }
    snprintf(out, SIM_PLAN_TEXT_SIZE, "node %u: %s %" PRId64 " %" PRId64 ", at %" PRId64 " ms for %" PRId64 " ms", fault->node,
             sim_fault_kind_text(fault->kind), fault->a, fault->b, fault->at_ms, fault->for_ms);
}

void sim_plan_text(char out[static SIM_PLAN_TEXT_SIZE], const struct sim_plan *plan) {
    uint32_t faulty = 0;
    for (uint32_t i = 0; i < plan->config.nodes; i++)
        faulty += plan->is_faulty[i];
    snprintf(out, SIM_PLAN_TEXT_SIZE, "%u nodes, %s roads, %s, %u faults, %u liars%s%s%s", plan->config.nodes, sim_roads_kind_text(plan->roads.kind),
             plan->config.app, sim_plan_faults(plan), faulty, plan->beyond_third ? " (beyond a third)" : "", plan->config.block_sync ? ", block sync" : "",
             plan->real_crypto ? ", real signatures" : "");
}

uint32_t sim_plan_faults(const struct sim_plan *plan) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->fault_count; i++)
        count += !plan->faults[i].left_out;
    return count;
}
