#include "tendermint/engine.h"

#include <assert.h>

#include "tendermint/engine_blocks.h"
#include "tendermint/engine_effects.h"
#include "tendermint/engine_phase.h"
#include "tendermint/engine_rules.h"

const char *engine_phase_text(uint32_t phase) {
    static const char *const texts[] = {
        [ENGINE_NEW_HEIGHT] = "RoundStepNewHeight",       [ENGINE_NEW_ROUND] = "RoundStepNewRound",
        [ENGINE_PROPOSE] = "RoundStepPropose",            [ENGINE_PREVOTE] = "RoundStepPrevote",
        [ENGINE_PREVOTE_WAIT] = "RoundStepPrevoteWait",   [ENGINE_PRECOMMIT] = "RoundStepPrecommit",
        [ENGINE_PRECOMMIT_WAIT] = "RoundStepPrecommitWait", [ENGINE_COMMIT] = "RoundStepCommit",
    };
    return phase >= ENGINE_NEW_HEIGHT && phase <= ENGINE_COMMIT ? texts[phase] : "RoundStepUnknown";
}

void engine_init(struct engine *engine, const struct engine_config *config, int64_t initial_height) {
    memset(engine, 0, sizeof *engine);
    engine->config = *config;
    engine->initial_height = initial_height;
    engine->commit_round = engine->locked_round = engine->valid_round = engine->own_index = -1;
    valset_init(&engine->turn);
    arena_init(&engine->arenas[0], ENGINE_ARENA_BYTES_MAX);
    arena_init(&engine->arenas[1], ENGINE_ARENA_BYTES_MAX);
}

void engine_close(struct engine *engine) {
    valset_close(&engine->turn);
    arena_close(&engine->arenas[0]);
    arena_close(&engine->arenas[1]);
}

/* Heights in a row use the arenas in turn, so the last height's precommits live on where they are. */
static struct arena *arena_of(struct engine *engine, int64_t height) { return &engine->arenas[height & 1]; }

static void carry_last_commit(struct engine *engine, int64_t height) {
    engine->has_last_commit = engine->decided && height == engine->height + 1;
    if (engine->has_last_commit)
        engine->last_commit = *rounds_tally(&engine->rounds, engine->commit_round, VOTE_PRECOMMIT);
    else
        memset(&engine->last_commit, 0, sizeof engine->last_commit);
}

/* Everything of the height that is over. */
static void forget_height(struct engine *engine) {
    engine->round = 0;
    engine->phase = ENGINE_NEW_HEIGHT;
    engine->locked = engine->valid = engine->commit_id = engine->wanted = (struct block_id){0};
    engine->locked_round = engine->valid_round = engine->commit_round = -1;
    engine->has_proposal = engine->has_next_proposal = false;
    engine->block_count = 0;
    engine->txs_waiting = engine->precommit_timed = engine->polka_told = false;
    engine->prevoted = engine->precommitted = engine->decided = engine->halted = false;
    engine->expired = 0;
}

void engine_begin(struct engine *engine, struct engine_effects *effects, const struct engine_height *height) {
    assert(height->height > engine->height);
    bool first = engine->height == 0;
    carry_last_commit(engine, height->height);
    forget_height(engine);
    engine->begin = *height;
    engine->height = height->height;
    engine->own_index = height->own.size == 0 ? -1 : valset_find(height->validators, &height->own);
    valset_copy(&engine->turn, height->validators);
    arena_reset(arena_of(engine, engine->height));
    bool room = rounds_init(&engine->rounds, arena_of(engine, engine->height), height->validators, engine->height);
    assert(room);
    effects->count = 0;
    engine_effects_step(effects, engine);
    bool all_in = engine->config.skip_timeout_commit && engine->has_last_commit &&
                  tally_is_complete(&engine->last_commit);
    engine_effects_timer(effects, engine, ENGINE_NEW_HEIGHT, first || all_in ? 0 : engine->config.timeout_commit_ms, 0);
}

/* The first proposal of a round stays; that of the next round may come before we are there. */
static void write_proposal(struct engine *engine, struct engine_effects *effects, const struct proposal *proposal) {
    if (proposal->height != engine->height || proposal->pol_round < -1 || proposal->pol_round >= proposal->round)
        return;
    if (proposal->round == engine->round && !engine->has_proposal)
        engine_phase_take_proposal(engine, effects, proposal);
    if (proposal->round - 1 == engine->round && !engine->has_next_proposal) {
        engine->has_next_proposal = true;
        engine->next_proposal = *proposal;
    }
}

/* Whether we counted it, and whether it convicts. Our own second vote is a matter for the operator, not for evidence. */
static void tell_vote(struct engine *engine, struct engine_effects *effects, const struct vote *vote,
                      const struct vote *previous, enum tally_note note) {
    if (note == TALLY_ADDED || note == TALLY_CONFLICT_COUNTED)
        engine_effects_have(effects, vote);
    if (note != TALLY_CONFLICT && note != TALLY_CONFLICT_COUNTED)
        return;
    bool last = vote->height != engine->height;
    bool own = engine->begin.own.size != 0 && address_equal(&vote->validator_address, &engine->begin.own);
    if (!own && (last ? tally_accuse(&engine->last_commit, (uint32_t)vote->validator_index)
                      : rounds_accuse(&engine->rounds, vote)))
        engine_effects_accuse(effects, vote, previous);
}

static void write_vote(struct engine *engine, struct engine_effects *effects, const struct vote *vote, uint32_t peer) {
    struct vote previous;
    enum tally_note note = TALLY_NOT_OURS;
    if (vote->height == engine->height)
        rounds_note(&engine->rounds, &note, &previous, vote, peer);
    else if (vote->height == engine->height - 1 && engine->phase == ENGINE_NEW_HEIGHT && engine->has_last_commit)
        note = tally_note(&engine->last_commit, &previous, vote);
    tell_vote(engine, effects, vote, &previous, note);
}

/* A timer of another round or height finds nothing to wake. */
static void write_timeout(struct engine *engine, int64_t height, int32_t round, uint32_t phase) {
    if (height == engine->height && round == engine->round && phase <= ENGINE_COMMIT)
        engine->expired |= 1u << phase;
}

static void write_down(struct engine *engine, struct engine_effects *effects, const struct engine_event *event) {
    switch (event->kind) {
    case ENGINE_ON_PROPOSAL:
        write_proposal(engine, effects, &event->proposal);
        break;
    case ENGINE_ON_BLOCK:
        engine_blocks_note(engine, &event->block);
        break;
    case ENGINE_ON_VOTE:
        write_vote(engine, effects, &event->vote, event->peer);
        break;
    case ENGINE_ON_CLAIM:
        rounds_claim(&engine->rounds, event->peer, event->claim.round, event->claim.type, &event->claim.id);
        break;
    case ENGINE_ON_TIMEOUT:
        write_timeout(engine, event->timeout.height, event->timeout.round, event->timeout.phase);
        break;
    case ENGINE_ON_TXS:
        engine->txs_waiting = true;
        break;
    }
}

void engine_step(struct engine *engine, struct engine_effects *effects, const struct engine_event *event) {
    assert(engine->height > 0);
    effects->count = 0;
    if (engine->decided || engine->halted)
        return;
    write_down(engine, effects, event);
    engine_rules_run(engine, effects);
}

int32_t engine_proposer(const struct engine *engine, int32_t round) {
    if (engine->turn.count == 0 || round < engine->round)
        return -1;
    if (round == engine->round)
        return engine->turn.proposer >= 0 ? engine->turn.proposer : valset_find_proposer(&engine->turn);
    struct valset turn;
    valset_init(&turn);
    valset_copy(&turn, &engine->turn);
    valset_increment(&turn, round - engine->round);
    int32_t proposer = turn.proposer;
    valset_close(&turn);
    return proposer;
}

void engine_load_last_commit(struct engine *engine, const struct commit *commit, const struct valset *validators) {
    assert(commit->height == engine->height - 1 && commit->count <= validators->count);
    struct arena *arena = arena_of(engine, commit->height);
    arena_reset(arena);
    bool room = tally_init(&engine->last_commit, arena, validators, commit->height, commit->round, VOTE_PRECOMMIT);
    for (uint32_t i = 0; room && i < commit->count; i++) {
        struct vote vote;
        if (commit->sigs[i].flag == COMMIT_ABSENT)
            continue;
        commit_extended_vote(&vote, commit, i);
        room = tally_note(&engine->last_commit, NULL, &vote) != TALLY_FULL;
    }
    engine->has_last_commit = room && tally_has_majority_for(&engine->last_commit, &commit->block_id);
}

bool engine_last_commit(const struct engine *engine, struct commit *out, struct arena *arena) {
    return engine->has_last_commit && tally_commit(&engine->last_commit, out, arena);
}

bool engine_seen_commit(const struct engine *engine, struct commit *out, struct arena *arena) {
    if (engine->commit_round < 0)
        return false;
    return tally_commit(rounds_tally(&engine->rounds, engine->commit_round, VOTE_PRECOMMIT), out, arena);
}
