#include "node/sim_report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "node/wire.h"

#define PARTS_MAX 2048
#define ITEMS     (PARTS_MAX + 2 * SIM_NODES_MAX)

static void *grown(void *list, size_t count, size_t *capacity, size_t item_size) {
    if (count < *capacity)
        return list;
    *capacity = *capacity == 0 ? 256 : 2 * *capacity;
    list = realloc(list, *capacity * item_size);
    assert(list != NULL);
    return list;
}

/* ---- what is seen */

static struct sim_report_height *height_of(struct sim_report *report, int64_t height) {
    size_t place = (size_t)(height - report->plan->config.initial_height);
    while (report->height_count <= place) {
        report->heights = grown(report->heights, report->height_count, &report->height_capacity, sizeof *report->heights);
        report->heights[report->height_count++] = (struct sim_report_height){0};
    }
    return &report->heights[place];
}

static uint32_t channel_place(uint8_t channel) {
    return channel >= WIRE_STATE && channel <= WIRE_VOTE_SET_BITS ? (uint32_t)(channel - WIRE_STATE) : channel == WIRE_MEMPOOL ? 4 : 5;
}

static void add_flight(struct sim_report *report, const struct sim_report_flight *flight) {
    report->flights = grown(report->flights, report->flight_count, &report->flight_capacity, sizeof *report->flights);
    report->flights[report->flight_count++] = *flight;
}

static bool is_of_drawn(const struct sim_report *report, const struct wire_consensus *message) {
    int64_t height = message->kind == WIRE_VOTE_MESSAGE ? message->vote.height : message->kind == WIRE_BLOCK_PART ? message->height : 0;
    return height != 0 && height == report->drawn_height;
}

static int64_t quorum_of(const struct sim_report *report, uint32_t node) {
    return valset_quorum(replica_engine(sim_replica(report->sim, node))->begin.validators);
}

static int64_t power_of(const struct sim_report *report, uint32_t node, int32_t index) {
    const struct valset *set = replica_engine(sim_replica(report->sim, node))->begin.validators;
    return (uint32_t)index < set->count ? set->validators[index].power : 0;
}

/* Notes that the item is there; false: it was before. */
static bool is_news(struct sim_report *report, uint32_t node, uint32_t item) {
    uint8_t *known = &report->known[node * ITEMS + item];
    bool news = *known == 0;
    *known = 1;
    return news;
}

static void note_part(struct sim_report *report, struct sim_report_flight *flight, const struct wire_consensus *message) {
    uint32_t total = (uint32_t)message->part.proof.total;
    if (message->part.index >= PARTS_MAX || !is_news(report, flight->to, message->part.index))
        return;
    flight->kind = SIM_REPORT_BLOCK;
    flight->is_decisive = ++report->nodes[flight->to].parts_seen == total;
    add_flight(report, flight);
}

static void note_vote(struct sim_report *report, struct sim_report_flight *flight, const struct vote *vote) {
    bool is_prevote = vote->type == VOTE_PREVOTE;
    uint32_t index = (uint32_t)vote->validator_index;
    if (index >= SIM_NODES_MAX || !is_news(report, flight->to, PARTS_MAX + (is_prevote ? 0 : SIM_NODES_MAX) + index))
        return;
    int64_t *seen = &report->nodes[flight->to].power_seen[!is_prevote], before = *seen, quorum = quorum_of(report, flight->to);
    *seen += power_of(report, flight->to, vote->validator_index);
    flight->kind = is_prevote ? SIM_REPORT_PREVOTE : SIM_REPORT_PRECOMMIT;
    flight->is_decisive = before < quorum && *seen >= quorum;
    if (flight->from != flight->to) /* else it is its own, which reaches it by no road */
        add_flight(report, flight);
}

static void push_sent(struct sim_report *report, uint32_t from, uint32_t to) {
    report->sent = grown(report->sent, report->sent_count, &report->sent_capacity, sizeof *report->sent);
    report->sent[report->sent_count++] = (struct sim_report_sent){sim_now_us(report->sim), 0};
    uint32_t place = (uint32_t)report->sent_count, last = report->last_sent[from][to];
    if (report->first_sent[from][to] == 0)
        report->first_sent[from][to] = place;
    else
        report->sent[last - 1].next = place;
    report->last_sent[from][to] = place;
}

static int64_t pop_sent(struct sim_report *report, uint32_t from, uint32_t to) {
    uint32_t place = report->first_sent[from][to];
    if (place == 0)
        return sim_now_us(report->sim);
    report->first_sent[from][to] = report->sent[place - 1].next;
    return report->sent[place - 1].sent_us;
}

/* Whoever sends it is at that height, or behind it, and only then the message is looked into: that is dear. */
static bool may_be_drawn(const struct sim_report *report, uint32_t from, uint8_t channel) {
    int64_t ahead = replica_engine(sim_replica(report->sim, from))->height - report->drawn_height;
    return report->drawn_height != 0 && ahead >= 0 && ahead <= 1 && (channel == WIRE_DATA || channel == WIRE_VOTE);
}

static bool is_drawn(const struct sim_report *report, struct wire_consensus *decoded, struct span message, struct arena *arena) {
    return wire_consensus_parse(decoded, message, arena) == NULL &&
           is_of_drawn(report, decoded);
}

static void on_sent(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message, int64_t arrives_us) {
    struct sim_report *report = context;
    struct wire_consensus decoded;
    struct arena arena;
    (void)arrives_us;
    report->messages++;
    report->bytes[channel_place(channel)] += message.size;
    int64_t height = replica_engine(sim_replica(report->sim, from))->height;
    if (height >= report->plan->config.initial_height)
        height_of(report, height)->bytes += (int64_t)message.size;
    arena_init(&arena, 4u << 20);
    if (may_be_drawn(report, from, channel) && is_drawn(report, &decoded, message, &arena)) {
        push_sent(report, from, to);
        if (decoded.kind == WIRE_VOTE_MESSAGE && address_equal(&decoded.vote.validator_address, sim_address(report->sim, from)))
            note_vote(report, &(struct sim_report_flight){.from = from, .to = from}, &decoded.vote);
    }
    arena_close(&arena);
}

static void on_arrived(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message) {
    struct sim_report *report = context;
    struct wire_consensus decoded;
    struct arena arena;
    arena_init(&arena, 4u << 20);
    bool is_due = report->first_sent[from][to] != 0 && (channel == WIRE_DATA || channel == WIRE_VOTE);
    if (is_due && is_drawn(report, &decoded, message, &arena)) {
        struct sim_report_flight flight = {.sent_us = pop_sent(report, from, to), .arrives_us = sim_now_us(report->sim), .from = from, .to = to};
        if (decoded.kind == WIRE_BLOCK_PART)
            note_part(report, &flight, &decoded);
        else
            note_vote(report, &flight, &decoded.vote);
    }
    arena_close(&arena);
}

static void on_applied(void *context, uint32_t node, struct block *block, const struct abci_finalized *finalized) {
    struct sim_report *report = context;
    struct sim_report_height *height = height_of(report, block->header.height);
    int64_t now = sim_now_us(report->sim);
    (void)finalized;
    if (height->applied++ == 0) {
        struct arena arena;
        struct commit commit;
        arena_init(&arena, 4u << 20);
        height->first_us = now;
        height->txs = block->tx_count;
        if (ledger_seen_commit(sim_ledger(report->sim, node), &commit, block->header.height, &arena))
            height->round = commit.round;
        arena_close(&arena);
    }
    height->last_us = now;
    if (block->header.height == report->drawn_height) {
        report->nodes[node].decided_us = now;
        if (address_equal(&block->header.proposer_address, sim_address(report->sim, node)))
            report->proposer = node;
    }
    for (size_t i = 0; i < report->tx_count; i++) {
        struct sim_report_tx *tx = &report->txs[i];
        if (tx->node != node || tx->final_us != 0)
            continue;
        for (uint32_t k = 0; k < block->tx_count && tx->final_us == 0; k++)
            if (memcmp(tx->hash, block->tx_hashes[k], 32) == 0)
                tx->final_us = now;
    }
}

/* One of which nobody has said anything yet. */
static int64_t height_to_come(const struct sim_report *report) {
    int64_t highest = 0;
    for (uint32_t i = 0; i < report->plan->config.nodes; i++)
        if (sim_is_alive(report->sim, i) && replica_engine(sim_replica(report->sim, i))->height > highest)
            highest = replica_engine(sim_replica(report->sim, i))->height;
    return highest + 1;
}

static void on_turned(void *context, uint32_t index, const struct replica *replica) {
    struct sim_report *report = context;
    const struct engine *engine = replica_engine(replica);
    struct sim_report_node *node = &report->nodes[index];
    int64_t now = sim_now_us(report->sim);
    if (report->drawn_height == 0 && report->draw_after_us > 0 && now >= report->draw_after_us)
        report->drawn_height = height_to_come(report);
    if (engine->height != report->drawn_height)
        return;
    if (node->begun_us == 0)
        node->begun_us = now;
    if (node->prevoted_us == 0 && engine->phase >= ENGINE_PREVOTE)
        node->prevoted_us = now;
    if (node->locked_us == 0 && engine->locked_round >= 0)
        node->locked_us = now;
    if (node->precommitted_us == 0 && engine->phase >= ENGINE_PRECOMMIT)
        node->precommitted_us = now;
}

static void on_begun(void *context, struct sim *sim) { ((struct sim_report *)context)->sim = sim; }

static void on_admitted(void *context, uint32_t node, struct span tx) {
    struct sim_report *report = context;
    report->txs = grown(report->txs, report->tx_count, &report->tx_capacity, sizeof *report->txs);
    struct sim_report_tx *noted = &report->txs[report->tx_count++];
    *noted = (struct sim_report_tx){.node = node, .admitted_us = sim_now_us(report->sim)};
    sha256_once(noted->hash, tx);
}

void sim_report_init(struct sim_report *report, const struct sim_plan *plan, int64_t drawn_height) {
    *report = (struct sim_report){.plan = plan, .drawn_height = drawn_height};
    report->known = calloc(SIM_NODES_MAX, ITEMS);
    assert(report->known != NULL);
}

void sim_report_close(struct sim_report *report) {
    free(report->heights);
    free(report->txs);
    free(report->sent);
    free(report->flights);
    free(report->known);
}

struct sim_view sim_report_view(struct sim_report *report) {
    return (struct sim_view){.context = report,
                             .begun = on_begun,
                             .watch = {.sent = on_sent, .arrived = on_arrived, .applied = on_applied, .turned = on_turned},
                             .admitted = on_admitted};
}

/* ---- the table */

static int by_value(const void *a, const void *b) {
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static void print_spread(FILE *out, const char *what, int64_t *values, size_t count) {
    if (count == 0) {
        fprintf(out, "%-34s —\n", what);
        return;
    }
    qsort(values, count, sizeof *values, by_value);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    fprintf(out, "%-34s %9.1f %9.1f %9.1f %9.1f\n", what, (double)sum / (double)count / 1000, (double)values[count / 2] / 1000,
            (double)values[count * 99 / 100] / 1000, (double)values[count - 1] / 1000);
}

/* Heights that all nodes finished; the first is left out, as everybody only comes up in it. */
static bool counts(const struct sim_report *report, size_t place) {
    return place > 0 && report->heights[place].applied >= report->plan->config.nodes;
}

void sim_report_print(FILE *out, struct sim_report *report) {
    size_t whole = 0, above_zero = 0, finals = 0;
    uint64_t txs = 0, bytes = 0, all = 0;
    int64_t *intervals = calloc(report->height_count + 1, sizeof *intervals), *spreads = calloc(report->height_count + 1, sizeof *spreads);
    int64_t *waits = calloc(report->tx_count + 1, sizeof *waits);
    assert(intervals != NULL && spreads != NULL && waits != NULL);
    for (size_t i = 0; i < report->height_count; i++) {
        if (!counts(report, i))
            continue;
        intervals[whole] = report->heights[i].first_us - report->heights[i - 1].first_us;
        spreads[whole++] = report->heights[i].last_us - report->heights[i].first_us;
        above_zero += report->heights[i].round > 0;
        txs += report->heights[i].txs;
        bytes += (uint64_t)report->heights[i].bytes;
    }
    for (size_t i = 0; i < report->tx_count; i++)
        if (report->txs[i].final_us != 0)
            waits[finals++] = report->txs[i].final_us - report->txs[i].admitted_us;
    int64_t span_us = 0;
    for (size_t i = 0; i < whole; i++)
        span_us += intervals[i];
    fprintf(out, "%-34s %9s %9s %9s %9s\n", "milliseconds", "mean", "p50", "p99", "most");
    print_spread(out, "block interval", intervals, whole);
    print_spread(out, "from the first to the last node", spreads, whole);
    print_spread(out, "time to finality", waits, finals);
    fprintf(out, "\n%-34s %9zu of %zu\n", "heights decided above round 0", above_zero, whole);
    if (span_us > 0)
        fprintf(out, "%-34s %9.1f (%zu were waited for to the end)\n", "transactions per second", (double)txs * 1e6 / (double)span_us, finals);
    if (whole > 0)
        fprintf(out, "%-34s %9.1f kB\n", "sent per node and block", (double)bytes / (double)whole / report->plan->config.nodes / 1000);
    static const char *const names[] = {"steps and what is had", "proposals and parts", "votes", "bits of votes", "transactions", "the rest"};
    for (int i = 0; i < 6; i++)
        all += report->bytes[i];
    for (int i = 0; i < 6; i++)
        if (report->bytes[i] > 0)
            fprintf(out, "  %-32s %8.1f %%\n", names[i], 100.0 * (double)report->bytes[i] / (double)all);
    free(intervals);
    free(spreads);
    free(waits);
}
