/* The world of a node: clocks, roads to others, and who is connected. */
#define _GNU_SOURCE /* memmem */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/sim_inside.h"
#include "node/wire.h"

#define UNDER_WAY_MAX      250
#define SIGNER_PATIENCE_MS 5000

static struct sim_node *node_of(struct world *world) { return (struct sim_node *)world; }

/* ---- time */

int64_t sim_world_local_us(const struct sim_node *node) {
    int64_t now = node->sim->now_us;
    if (node->flush_us == 0)
        return now;
    uint64_t flushes = sim_flushes(node->sim, node->index) - node->flushes_seen;
    return now + (int64_t)flushes * node->flush_us;
}

void sim_world_settle(struct sim_node *node) {
    if (node->flush_us == 0 && node->busy_until_us == 0)
        return;
    node->busy_until_us = sim_world_local_us(node);
    node->flushes_seen = sim_flushes(node->sim, node->index);
}

static struct timestamp world_now(struct world *world) {
    int64_t us = SIM_EPOCH_SECONDS * INT64_C(1000000) + sim_world_local_us(node_of(world)) + node_of(world)->skew_ms * 1000;
    return (struct timestamp){us / 1000000, (int32_t)(us % 1000000 * 1000)};
}

static int64_t world_now_ms(struct world *world) { return sim_world_local_us(node_of(world)) / 1000; }

/* ---- roads */

bool sim_world_is_meshed(const struct sim *sim, uint32_t a, uint32_t b) {
    return a != b && (sim->config.mesh == NULL || sim->config.mesh[a * sim->config.nodes + b] != 0);
}

bool sim_world_separated(const struct sim *sim, uint32_t a, uint32_t b) {
    uint64_t side_a = a < 64 ? sim->partition >> a : 0, side_b = b < 64 ? sim->partition >> b : 0;
    return ((side_a ^ side_b) & 1) != 0 || sim->severed[a][b];
}

static int64_t uniform_us(struct sim *sim) {
    int64_t spread = sim->config.latency_max_us - sim->config.latency_min_us;
    return sim->config.latency_min_us + (spread > 0 ? (int64_t)(sim_roll(sim) % (uint64_t)spread) : 0);
}

int64_t sim_world_latency(struct sim *sim, uint32_t from, uint32_t to) {
    const struct sim_road *road = &sim->config.road;
    return road->arrival_us == NULL ? uniform_us(sim) : road->arrival_us(road->context, from, to, 0, sim->now_us) - sim->now_us;
}

static int64_t arrival_us(struct sim *sim, uint32_t from, uint32_t to, size_t bytes) {
    const struct sim_road *road = &sim->config.road;
    int64_t now = sim_world_local_us(&sim->nodes[from]);
    return road->arrival_us == NULL ? now + uniform_us(sim) : road->arrival_us(road->context, from, to, bytes, now);
}

static uint32_t channel_place(uint8_t channel) {
    if (channel >= WIRE_STATE && channel <= WIRE_VOTE_SET_BITS)
        return (uint32_t)(channel - WIRE_STATE);
    return channel == WIRE_MEMPOOL ? 4 : channel == WIRE_BLOCKSYNC ? 5 : 6;
}

static uint32_t queue_max(uint8_t channel) { return channel == WIRE_VOTE_SET_BITS ? SIM_QUEUE_BITS : SIM_QUEUE_MAX; }

static void hear_liar(struct sim_node *node, uint8_t channel, struct blob *message);

static void put_on_road(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct blob *message) {
    struct sim_node *sender = &sim->nodes[from];
    uint32_t place = channel_place(channel);
    int64_t *free_us = &sender->road_free_us[to][sim->config.channels_overtake ? place : 0];
    int64_t at = arrival_us(sim, from, to, message->size);
    if (sender->overtake_us > 0) {
        int64_t later = (int64_t)(sim_roll(sim) % (uint64_t)sender->overtake_us);
        sim_tally(sim, SIM_COUNT_OVERTAKEN, at + later < *free_us);
        at += later;
    } else if (at < *free_us) {
        at = *free_us;
    }
    *free_us = at > *free_us ? at : *free_us;
    sender->under_way[to][place]++;
    if (sim->config.watch.sent != NULL)
        sim->config.watch.sent(sim->config.watch.context, from, to, channel, blob_span(message), at);
    sim_queue_put(&sim->queue, (struct sim_item){
                                   .at_us = at,
                                   .kind = SIM_ITEM_DELIVER,
                                   .from = from,
                                   .to = to,
                                   .life_from = sender->life,
                                   .life_to = sim->nodes[to].life,
                                   .link = sim->links[from][to],
                                   .channel = channel,
                                   .message = message,
                               });
}

/* What noise makes of it; a road that nobody hears swallows all. */
void sim_world_post(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct blob *message) {
    struct sim_node *sender = &sim->nodes[from];
    if (sender->is_faulty)
        hear_liar(sender, channel, message);
    bool is_lost = sender->lose_percent > 0 && sim_roll(sim) % 100 < sender->lose_percent;
    if (is_lost || sim->unheard[from][to]) {
        sim_tally(sim, is_lost ? SIM_COUNT_LOST_ALONE : SIM_COUNT_ONE_WAY, 1);
        blob_release(message);
        return;
    }
    if (sender->double_percent > 0 && sender->under_way[to][channel_place(channel)] < UNDER_WAY_MAX && sim_roll(sim) % 100 < sender->double_percent) {
        sim_tally(sim, SIM_COUNT_DOUBLED, 1);
        put_on_road(sim, from, to, channel, blob_hold(message));
    }
    put_on_road(sim, from, to, channel, message);
}

bool sim_inject(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct span message) {
    struct sim_node *node = &sim->nodes[from];
    if (!node->connected[to] || node->under_way[to][channel_place(channel)] >= UNDER_WAY_MAX)
        return false;
    sim_world_post(sim, from, to, channel, blob_new(message));
    return true;
}

/* ---- what the witness hears */

/* NULL, or what the witness has against a message that leaves, if it is the node's own word. */
static const char *judge_word(struct sim_node *node, const struct wire_consensus *message) {
    const struct engine *engine = replica_engine(node->replica);
    const struct valset *set = engine->begin.validators; /* power matters for prevotes only, which are of this height */
    int32_t index = valset_find(set, &node->address);
    if (message->kind == WIRE_VOTE_MESSAGE && address_equal(&message->vote.validator_address, &node->address))
        return witness_vote(node->sim->witness, node->index, &message->vote, index < 0 ? 0 : set->validators[index].power, valset_quorum(set));
    bool now = message->kind == WIRE_PROPOSAL && message->proposal.height == engine->height && message->proposal.round == engine->round;
    return now && index >= 0 && engine_proposer(engine, engine->round) == index
               ? witness_proposal(node->sim->witness, node->index, &message->proposal)
               : NULL;
}

/* The first byte tells the kind; a vote of its own has its address in it. */
static bool may_be_own_word(const struct sim_node *node, uint8_t channel, const struct blob *message) {
    if (message->size == 0)
        return false;
    if (channel == WIRE_DATA)
        return message->data[0] == (WIRE_PROPOSAL << 3 | 2);
    return channel == WIRE_VOTE && memmem(message->data, message->size, node->address.bytes, node->address.size) != NULL;
}

/* A liar's votes count for what others may do; they are heard where they really go out. */
static void hear_liar(struct sim_node *node, uint8_t channel, struct blob *message) {
    struct wire_consensus decoded;
    struct arena arena;
    if (channel != WIRE_VOTE || !may_be_own_word(node, channel, message))
        return;
    arena_init(&arena, 1 << 20);
    sim_tally(node->sim, SIM_COUNT_TWIN_VOTES, node->speaker == NULL);
    const struct valset *set = replica_engine(node->replica)->begin.validators;
    int32_t index = set == NULL ? -1 : valset_find(set, &node->address);
    if (index >= 0 && wire_consensus_parse(&decoded, blob_span(message), &arena) == NULL && decoded.kind == WIRE_VOTE_MESSAGE)
        witness_faulty_vote(node->sim->witness, sim_key_of(node->sim, node->index), &decoded.vote, set->validators[index].power);
    arena_close(&arena);
}

/* What goes to many in a row is looked at once. */
static void look_at(struct sim_node *node, uint8_t channel, struct blob *message) {
    if (message == node->looked_at || node->is_faulty || !may_be_own_word(node, channel, message))
        return;
    struct wire_consensus decoded;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *wrong = wire_consensus_parse(&decoded, blob_span(message), &arena) == NULL ? judge_word(node, &decoded) : NULL;
    if (wrong != NULL)
        sim_complain(node->sim, "node %u at height %" PRId64 " %s", node->index, replica_engine(node->replica)->height, wrong);
    arena_close(&arena);
    blob_release(node->looked_at);
    node->looked_at = blob_hold(message);
}

/* ---- sending */

static struct blob *twisted(struct sim_node *node, uint32_t to, uint8_t channel, struct blob *message) {
    struct blob *copy = blob_new(blob_span(message));
    if (node->twist(node->twist_context, to, channel, copy->data, copy->size))
        return copy;
    blob_release(copy);
    return NULL;
}

static bool world_send(struct world *world, uint32_t peer, uint8_t channel, struct blob *message) {
    struct sim_node *node = node_of(world);
    uint32_t to = (peer - 1) % SIM_NODES_MAX;
    if (!node->connected[to])
        return false;
    if (node->under_way[to][channel_place(channel)] >= queue_max(channel)) {
        sim_tally(node->sim, SIM_COUNT_QUEUE_FULL, 1);
        return false;
    }
    if (node->doom_sends > 0 && --node->doom_sends == 0)
        sim_life_die(node, "killed while sending");
    look_at(node, channel, message);
    if (node->speaker != NULL) {
        node->speaker(node->speaker_context, to, channel, blob_span(message));
        return true;
    }
    struct blob *sent = node->twist == NULL ? blob_hold(message) : twisted(node, to, channel, message);
    if (sent != NULL)
        sim_world_post(node->sim, node->index, to, channel, sent);
    return true;
}

/* ---- connections */

void sim_world_plan_connect(struct sim *sim, uint32_t a, uint32_t b, int64_t delay_us) {
    sim_queue_put(&sim->queue, (struct sim_item){.at_us = sim->now_us + delay_us,
                                                 .kind = SIM_ITEM_CONNECT,
                                                 .from = a,
                                                 .to = b,
                                                 .life_from = sim->nodes[a].life,
                                                 .life_to = sim->nodes[b].life,
                                                 .link = sim->links[a][b]});
}

static uint32_t peer_number(const struct sim *sim, uint32_t at, uint32_t other) {
    return sim->links[at][other] * SIM_NODES_MAX + other + 1; /* new with each connection */
}

void sim_world_cut(struct sim *sim, uint32_t a, uint32_t b) {
    struct sim_node *ends[2] = {&sim->nodes[a], &sim->nodes[b]};
    bool was_up = false;
    for (int i = 0; i < 2; i++) {
        struct sim_node *end = ends[i], *other = ends[1 - i];
        was_up |= end->connected[other->index];
        if (end->connected[other->index] && sim_lives(end))
            replica_peer_down(end->replica, peer_number(sim, end->index, other->index));
        end->connected[other->index] = false;
        for (uint32_t place = 0; place < SIM_CHANNELS; place++)
            sim_tally(sim, SIM_COUNT_LOST_WITH_LINK, end->under_way[other->index][place]);
        memset(end->under_way[other->index], 0, sizeof end->under_way[other->index]);
    }
    sim->links[a][b]++;
    sim->links[b][a] = sim->links[a][b];
    sim_tally(sim, SIM_COUNT_LINKS_CUT, was_up);
    if (was_up)
        sim_happened(sim, a, "loses its link to %u", b);
}

/* The replica asked: its own side is gone before this returns, as with the switchboard; the other side hears of it once it has returned. */
static void world_drop(struct world *world, uint32_t peer, enum world_blame blame, const char *reason) {
    struct sim_node *node = node_of(world);
    struct sim *sim = node->sim;
    uint32_t other = (peer - 1) % SIM_NODES_MAX;
    sim->drops++;
    snprintf(sim->last_drop, sizeof sim->last_drop, "node %u dropped %u (%d): %s", node->index, other, blame, reason);
    sim_happened(sim, node->index, "drops %u: %s", other, reason);
    sim_world_plan_connect(sim, node->index, other, 0);
    if (node->connected[other])
        replica_peer_down(node->replica, peer);
    node->connected[other] = false;
}

static void world_timer(struct world *world, enum world_timer which, int64_t delay_ms) {
    struct sim_node *node = node_of(world);
    sim_queue_put(&node->sim->queue, (struct sim_item){.at_us = sim_world_local_us(node) + delay_ms * 1000,
                                                       .kind = SIM_ITEM_TIMER,
                                                       .to = node->index,
                                                       .life_to = node->life,
                                                       .which = which,
                                                       .timer_number = ++node->timer_numbers[which]});
}

static void world_log(struct world *world, enum world_level level, const char *text) {
    if (level >= WORLD_INFO)
        sim_happened(node_of(world)->sim, node_of(world)->index, "says: %s", text);
}

/* The signer is another process: it goes on while the node is dead. */
static void world_sign(struct world *world, const struct world_signing *wish) {
    struct sim_node *node = node_of(world);
    int64_t ms = node->signer_ms < 0 ? SIGNER_PATIENCE_MS : node->signer_ms;
    struct span extension = wish->is_proposal ? span_of(NULL, 0) : wish->vote.extension;
    struct blob *kept = blob_reserve(sizeof *wish + extension.size);
    memcpy(kept->data, wish, sizeof *wish);
    if (extension.size > 0)
        memcpy(kept->data + sizeof *wish, extension.data, extension.size);
    sim_queue_put(&node->sim->queue, (struct sim_item){.at_us = sim_world_local_us(node) + ms * 1000,
                                                       .kind = SIM_ITEM_SIGN,
                                                       .to = node->index,
                                                       .life_to = node->life,
                                                       .message = kept});
}

/* What was asked before the node died is signed all the same, and nobody hears of it. */
void sim_world_sign(struct sim *sim, const struct sim_item *item) {
    struct sim_node *node = &sim->nodes[item->to];
    struct world_signing answer;
    enum signer_verdict verdict = SIGNER_STOPPED;
    memcpy(&answer, item->message->data, sizeof answer);
    if (!answer.is_proposal && answer.vote.extension.data != NULL)
        answer.vote.extension = span_of(item->message->data + sizeof answer, item->message->size - sizeof answer);
    if (node->signer_ms >= 0 && node->signer != NULL)
        verdict = answer.is_proposal ? signer_proposal(node->signer, &answer.proposal, span_text("sim"))
                                     : signer_vote(node->signer, &answer.vote, span_text("sim"));
    answer.refused = verdict > SIGNER_SAME ? signer_verdict_text(verdict) : NULL;
    if (node->life != item->life_to || !sim_lives(node))
        return;
    replica_signed(node->replica, &answer);
    replica_flush(node->replica);
}

const struct world_table sim_world_table = {world_now, world_now_ms, world_send, world_drop, world_timer, world_log, world_sign, NULL};

static void id_of(char out[41], uint32_t index) { snprintf(out, 41, "%040x", index + 1); }

static void connect(struct sim *sim, uint32_t a, uint32_t b) {
    struct sim_node *one = &sim->nodes[a], *other = &sim->nodes[b];
    if (!sim_lives(one) || !sim_lives(other) || one->connected[b])
        return;
    char id[41];
    one->connected[b] = other->connected[a] = true;
    for (uint32_t i = 0; i < SIM_CHANNELS; i++)
        one->road_free_us[b][i] = other->road_free_us[a][i] = sim->now_us;
    id_of(id, b);
    replica_peer_up(one->replica, peer_number(sim, a, b), id);
    id_of(id, a);
    replica_peer_up(other->replica, peer_number(sim, b, a), id);
    replica_flush(one->replica);
    replica_flush(other->replica);
    sim_happened(sim, a, "has a link to %u", b);
}

void sim_world_connect(struct sim *sim, const struct sim_item *item) {
    struct sim_node *one = &sim->nodes[item->from], *other = &sim->nodes[item->to];
    if (one->life != item->life_from || other->life != item->life_to || sim->links[item->from][item->to] != item->link)
        return;
    if (one->connected[item->to] || other->connected[item->from]) { /* somebody wanted the other gone: it comes back later */
        sim_world_cut(sim, item->from, item->to);
        sim_world_plan_connect(sim, item->from, item->to, 1000000);
    } else if (!sim_world_separated(sim, item->from, item->to)) {
        connect(sim, item->from, item->to);
    }
    sim_world_settle(one);
    sim_world_settle(other);
}

void sim_world_deliver(struct sim *sim, const struct sim_item *item) {
    struct sim_node *from = &sim->nodes[item->from], *to = &sim->nodes[item->to];
    uint8_t *under_way = &from->under_way[item->to][channel_place(item->channel)];
    if (from->life != item->life_from || to->life != item->life_to || sim->links[item->from][item->to] != item->link)
        return;
    bool was_full = *under_way >= queue_max(item->channel);
    *under_way -= *under_way > 0;
    sim->delivered++;
    if (sim_lives(to) && to->connected[item->from]) {
        if (sim->config.watch.arrived != NULL)
            sim->config.watch.arrived(sim->config.watch.context, item->from, item->to, item->channel, blob_span(item->message));
        replica_receive(to->replica, peer_number(sim, item->to, item->from), item->channel, blob_span(item->message));
        replica_flush(to->replica);
    }
    if (was_full && sim_lives(from) && from->connected[item->to]) {
        replica_peer_writable(from->replica, peer_number(sim, item->from, item->to));
        replica_flush(from->replica);
        sim_world_settle(from);
    }
}
