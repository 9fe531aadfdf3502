#include "tests/node/stage.h"

#include <check.h>
#include <stdlib.h>

#include "tests/node/stranger.h"

struct held { /* a message on hold */
    uint32_t from, to; /* places */
    uint8_t channel;
    struct blob *bytes;
    enum wire_consensus_kind kind;
    int64_t height;
    int32_t round, type;
    uint32_t voter;
    uint8_t root[SHA256_BYTES]; /* of a part's block */
};

struct opened_block {
    uint8_t root[SHA256_BYTES];
    uint32_t to;
};

struct place {
    struct stage *stage;
    uint32_t who;
    bool liar;
    struct stage_said said[STAGE_HEIGHTS][STAGE_ROUNDS];
    bool votes[STAGE_HEIGHTS][STAGE_ROUNDS][2][STAGE_NODES_MAX]; /* that arrive here */
    bool proposals[STAGE_HEIGHTS][STAGE_ROUNDS];
};

struct stage {
    struct sim *sim;
    uint32_t count;
    uint32_t nodes[STAGE_NODES_MAX]; /* of each place */
    struct place places[STAGE_NODES_MAX];
    struct opened_block *blocks;
    size_t block_count;
    struct held *held;
    size_t held_count;
    bool healed;
};

struct sim *stage_sim(struct stage *stage) { return stage->sim; }
uint32_t stage_node(const struct stage *stage, uint32_t who) { return stage->nodes[who]; }
const struct engine *stage_engine(const struct stage *stage, uint32_t who) {
    return replica_engine(sim_replica(stage->sim, stage->nodes[who]));
}

static bool in_bounds(int64_t height, int32_t round) {
    return height >= 0 && height < STAGE_HEIGHTS && round >= 0 && round < STAGE_ROUNDS;
}

const struct stage_said *stage_said(const struct stage *stage, uint32_t who, int64_t height, int32_t round) {
    return in_bounds(height, round) ? &stage->places[who].said[height][round] : NULL;
}

static uint32_t place_of(const struct stage *stage, uint32_t node) {
    for (uint32_t who = 0; who < stage->count; who++)
        if (stage->nodes[who] == node)
            return who;
    ck_abort_msg("no node %u on the stage", node);
}

/* ---- what is said */

static bool is_known_block(const struct stage *stage, const uint8_t *root, uint32_t to) {
    for (size_t i = 0; i < stage->block_count; i++)
        if (stage->blocks[i].to == to && memcmp(stage->blocks[i].root, root, SHA256_BYTES) == 0)
            return true;
    return false;
}

static bool may_arrive(const struct stage *stage, const struct held *held) {
    const struct place *to = &stage->places[held->to];
    if (stage->healed)
        return true;
    switch (held->kind) {
    case WIRE_VOTE_MESSAGE:
        return in_bounds(held->height, held->round) && to->votes[held->height][held->round][held->type - 1][held->voter];
    case WIRE_PROPOSAL: return in_bounds(held->height, held->round) && to->proposals[held->height][held->round];
    case WIRE_BLOCK_PART: return is_known_block(stage, held->root, held->to);
    default: return true;
    }
}

/* What cannot be sent now, because the link is down or full, waits on. */
static bool pass(struct stage *stage, const struct held *held) {
    return may_arrive(stage, held) &&
           sim_inject(stage->sim, stage->nodes[held->from], stage->nodes[held->to], held->channel, blob_span(held->bytes));
}

static bool same(const struct held *a, const struct held *b) {
    return a->from == b->from && a->to == b->to && span_equal(blob_span(a->bytes), blob_span(b->bytes));
}

static void hold(struct stage *stage, const struct held *held) {
    for (size_t i = 0; i < stage->held_count; i++)
        if (same(&stage->held[i], held)) {
            blob_release(held->bytes);
            return;
        }
    stage->held = realloc(stage->held, (stage->held_count + 1) * sizeof *stage->held);
    ck_assert_ptr_nonnull(stage->held);
    stage->held[stage->held_count++] = *held;
}

static void release(struct stage *stage) {
    size_t kept = 0;
    for (size_t i = 0; i < stage->held_count; i++) {
        if (pass(stage, &stage->held[i]))
            blob_release(stage->held[i].bytes);
        else
            stage->held[kept++] = stage->held[i];
    }
    stage->held_count = kept;
}

static void note_own(struct place *place, const struct wire_consensus *message) {
    const struct address *own = sim_address(place->stage->sim, place->stage->nodes[place->who]);
    if (message->kind == WIRE_VOTE_MESSAGE && in_bounds(message->vote.height, message->vote.round) &&
        address_equal(&message->vote.validator_address, own)) {
        struct stage_said *said = &place->said[message->vote.height][message->vote.round];
        said->voted[message->vote.type - 1] = true;
        said->votes[message->vote.type - 1] = message->vote;
    }
    const struct engine *engine = stage_engine(place->stage, place->who);
    if (message->kind == WIRE_PROPOSAL && in_bounds(message->proposal.height, message->proposal.round) &&
        engine_proposer(engine, message->proposal.round) == engine->own_index) {
        struct stage_said *said = &place->said[message->proposal.height][message->proposal.round];
        said->proposed = true;
        said->proposal = message->proposal;
    }
}

static void describe(struct held *held, const struct wire_consensus *message) {
    held->kind = message->kind;
    if (message->kind == WIRE_VOTE_MESSAGE) {
        held->height = message->vote.height;
        held->round = message->vote.round;
        held->type = message->vote.type;
        held->voter = (uint32_t)message->vote.validator_index;
    } else if (message->kind == WIRE_PROPOSAL) {
        held->height = message->proposal.height;
        held->round = message->proposal.round;
    } else if (message->kind == WIRE_BLOCK_PART)
        ck_assert(merkle_proof_root(&message->part.proof, held->root));
}

static void speak(void *context, uint32_t to, uint8_t channel, struct span message) {
    struct place *place = context;
    struct stage *stage = place->stage;
    struct held held = {.from = place->who, .to = place_of(stage, to), .channel = channel, .kind = WIRE_HAS_VOTE};
    bool of_consensus = channel >= WIRE_STATE && channel <= WIRE_VOTE_SET_BITS;
    if (of_consensus) {
        struct arena arena;
        struct wire_consensus decoded;
        arena_init(&arena, 1 << 20);
        ck_assert_ptr_null(wire_consensus_parse(&decoded, message, &arena));
        describe(&held, &decoded);
        if (!place->liar)
            note_own(place, &decoded);
        arena_close(&arena);
    }
    if (place->liar && of_consensus)
        return;
    held.bytes = blob_new(message);
    if (pass(stage, &held))
        blob_release(held.bytes);
    else
        hold(stage, &held);
}

/* ---- for the story */

static void settings(struct sim_config *config, const struct engine_config *changes) {
    sim_defaults(config);
    config->latency_min_us = config->latency_max_us = 1000;
    config->engine = *changes;
    config->engine.timeout_propose_ms = config->engine.timeout_prevote_ms = STAGE_TIMEOUT_MS;
    config->engine.timeout_precommit_ms = config->engine.timeout_commit_ms = STAGE_TIMEOUT_MS;
    config->engine.timeout_propose_delta_ms = config->engine.timeout_prevote_delta_ms = config->engine.timeout_precommit_delta_ms = 0;
}

/* In the order of the set: powers fall, and among equals addresses rise. */
static void find_places(struct stage *stage, const int64_t *powers) {
    for (uint32_t who = 0; who < stage->count; who++)
        stage->nodes[who] = who;
    for (uint32_t i = 1; i < stage->count; i++)
        for (uint32_t j = i; j > 0; j--) {
            uint32_t a = stage->nodes[j - 1], b = stage->nodes[j];
            bool right = powers[a] != powers[b] ? powers[a] > powers[b]
                                                : address_compare(sim_address(stage->sim, a), sim_address(stage->sim, b)) < 0;
            stage->nodes[j - 1] = right ? a : b;
            stage->nodes[j] = right ? b : a;
        }
}

struct stage *stage_new(const int64_t *powers, uint32_t count, const struct engine_config *changes) {
    struct stage *stage = calloc(1, sizeof *stage);
    struct sim_config config;
    ck_assert_ptr_nonnull(stage);
    ck_assert_uint_le(count, STAGE_NODES_MAX);
    settings(&config, changes);
    config.nodes = count;
    config.powers = powers;
    stage->count = count;
    stage->sim = sim_make(&config);
    find_places(stage, powers);
    for (uint32_t who = 0; who < count; who++) {
        stage->places[who].stage = stage;
        stage->places[who].who = who;
        sim_set_speaker(stage->sim, stage->nodes[who], speak, &stage->places[who]);
    }
    return stage;
}

void stage_free(struct stage *stage) {
    for (size_t i = 0; i < stage->held_count; i++)
        blob_release(stage->held[i].bytes);
    sim_free(stage->sim);
    free(stage->held);
    free(stage->blocks);
    free(stage);
}

void stage_start(struct stage *stage, uint32_t who) { ck_assert(sim_start(stage->sim, stage->nodes[who])); }

void stage_run(struct stage *stage, int64_t ms) {
    for (int64_t done = 0; done < ms; done += 10) { /* what found no room finds it soon */
        release(stage);
        sim_run_for(stage->sim, 10);
    }
}

void stage_let_vote(struct stage *stage, int64_t height, int32_t round, int32_t type, uint32_t voter, uint32_t to) {
    ck_assert(in_bounds(height, round));
    stage->places[to].votes[height][round][type - 1][voter] = true;
}

void stage_carry_vote(struct stage *stage, int64_t height, int32_t round, int32_t type, uint32_t voter, uint32_t to) {
    const struct stage_said *said = stage_said(stage, voter, height, round);
    ck_assert_msg(said != NULL && said->voted[type - 1], "%u has not voted in round %d", voter, round);
    stranger_inject_vote(stage->sim, stage->nodes[voter], stage->nodes[to], &said->votes[type - 1]);
}

void stage_let_proposal(struct stage *stage, int64_t height, int32_t round, uint32_t to) {
    ck_assert(in_bounds(height, round));
    stage->places[to].proposals[height][round] = true;
}

void stage_let_block(struct stage *stage, const struct block_id *id, uint32_t to) {
    stage->blocks = realloc(stage->blocks, (stage->block_count + 1) * sizeof *stage->blocks);
    ck_assert_ptr_nonnull(stage->blocks);
    struct opened_block *block = &stage->blocks[stage->block_count++];
    memcpy(block->root, id->parts.hash.bytes, SHA256_BYTES);
    block->to = to;
}

void stage_heal(struct stage *stage) { stage->healed = true; }

void stage_make_liar(struct stage *stage, uint32_t who) {
    stage->places[who].liar = true;
    sim_set_faulty(stage->sim, stage->nodes[who]);
}

void stage_lie(struct stage *stage, uint32_t who, int64_t height, int32_t round, int32_t type, const struct block_id *id, uint32_t to) {
    uint32_t node = stage->nodes[who];
    struct vote vote = stranger_vote(stage->sim, node, height, round, type);
    vote.validator_index = (int32_t)who;
    vote.block_id = *id;
    stranger_sign(stage->sim, node, &vote);
    stranger_inject_vote(stage->sim, node, stage->nodes[to], &vote);
}
