#include "tendermint/engine_phase.h"

#include <assert.h>

#include "tendermint/engine_blocks.h"
#include "tendermint/engine_effects.h"

static const struct block_id nil;

void engine_phase_want(struct engine *engine, struct engine_effects *effects, const struct block_id *id) {
    if (block_id_equal(&engine->wanted, id))
        return;
    engine->wanted = *id;
    if (engine_blocks_find(engine, id) == NULL)
        engine_effects_fetch(effects, engine, id);
}

/* A polka or a commit that came before the proposal knows better which block to collect (defaultSetProposal). */
void engine_phase_take_proposal(struct engine *engine, struct engine_effects *effects,
                                const struct proposal *proposal) {
    engine->has_proposal = true;
    engine->proposal = *proposal;
    if (block_id_is_nil(&engine->wanted))
        engine_phase_want(engine, effects, &proposal->block_id);
}

bool engine_phase_waits_for_txs(const struct engine *engine) {
    bool wait = !engine->config.create_empty_blocks || engine->config.create_empty_blocks_interval_ms > 0;
    return wait && engine->round == 0 && !engine->begin.proof_block && !engine->txs_waiting &&
           (engine->expired & 1u << ENGINE_NEW_ROUND) == 0;
}

/* What belongs to one round ends with it; an early proposal of the new round becomes its proposal. */
static void forget_round(struct engine *engine, struct engine_effects *effects, int32_t round) {
    struct proposal early = engine->next_proposal;
    bool has_early = engine->has_next_proposal && early.round == round;
    engine->has_proposal = false;
    engine->wanted = nil;
    engine->polka_told = false;
    if (!has_early)
        engine->has_next_proposal = false;
    engine_blocks_forget(engine);
    engine->has_next_proposal = false;
    if (has_early)
        engine_phase_take_proposal(engine, effects, &early);
}

void engine_phase_new_round(struct engine *engine, struct engine_effects *effects, int32_t round) {
    assert(round > engine->round || (round == engine->round && engine->phase == ENGINE_NEW_HEIGHT));
    int32_t turns = round - engine->round;
    engine->round = round;
    engine->phase = ENGINE_NEW_ROUND;
    engine->precommit_timed = false; /* wound 2: a wait of the last round must not stand for this one's */
    engine->prevoted = engine->precommitted = false;
    engine->expired = 0;
    rounds_advance(&engine->rounds, round); /* no room: the votes of this round will be dropped, one by one */
    if (turns > 0) {                        /* round 0 keeps what came early, while the last commit was awaited */
        valset_increment(&engine->turn, turns);
        forget_round(engine, effects, round);
    }
    if (engine_phase_waits_for_txs(engine) && engine->config.create_empty_blocks_interval_ms > 0)
        engine_effects_timer(effects, engine, ENGINE_NEW_ROUND, engine->config.create_empty_blocks_interval_ms, 0);
}

void engine_phase_propose(struct engine *engine, struct engine_effects *effects) {
    engine->phase = ENGINE_PROPOSE;
    engine_effects_timer(effects, engine, ENGINE_PROPOSE, engine->config.timeout_propose_ms,
                         engine->config.timeout_propose_delta_ms);
    if (engine->own_index >= 0 && engine_proposer(engine, engine->round) == engine->own_index)
        engine_effects_propose(effects, engine);
    engine_effects_step(effects, engine);
}

/* A vote is later than the block that it may commit (voteTime). */
static void cast(struct engine *engine, struct engine_effects *effects, int32_t type, const struct block_id *id) {
    const struct block_id *floor = &engine->locked;
    if (block_id_is_nil(floor) && engine_blocks_find(engine, &engine->wanted) != NULL)
        floor = &engine->wanted;
    if (engine->own_index >= 0)
        engine_effects_vote(effects, engine, type, id, floor);
}

/* doPrevote: the lock, whatever is proposed; else the block at hand, if judge and application accept it. */
static const struct block_id *prevote_of(const struct engine *engine) {
    if (!block_id_is_nil(&engine->locked))
        return &engine->locked;
    const struct engine_block *block = engine_blocks_find(engine, &engine->wanted);
    return block != NULL && block->valid && !block->app_rejects ? &engine->wanted : &nil;
}

void engine_phase_prevote(struct engine *engine, struct engine_effects *effects) {
    struct block_id id = *prevote_of(engine);
    cast(engine, effects, VOTE_PREVOTE, &id);
    engine->prevoted = true;
    engine->phase = ENGINE_PREVOTE;
    engine_effects_step(effects, engine);
}

void engine_phase_prevote_wait(struct engine *engine, struct engine_effects *effects) {
    engine->phase = ENGINE_PREVOTE_WAIT;
    engine_effects_timer(effects, engine, ENGINE_PREVOTE_WAIT, engine->config.timeout_prevote_ms,
                         engine->config.timeout_prevote_delta_ms);
    engine_effects_step(effects, engine);
}

/* A polka for the lock, or for a block that we know to be good, locks at this round. What another polka unlocks, and which block
 * is wanted then, are rules of their own (unlock, want_polka_block): they fire whether we precommit or not. */
static bool lock(struct engine *engine) {
    const struct tally *prevotes = rounds_tally(&engine->rounds, engine->round, VOTE_PREVOTE);
    struct block_id polka;
    if (prevotes == NULL || !tally_majority(prevotes, &polka) || block_id_is_nil(&polka))
        return false;
    if (!block_id_equal(&polka, &engine->locked) && !engine_blocks_valid(engine, &polka))
        return false;
    engine->locked = polka;
    engine->locked_round = engine->round;
    return true;
}

void engine_phase_precommit(struct engine *engine, struct engine_effects *effects) {
    cast(engine, effects, VOTE_PRECOMMIT, lock(engine) ? &engine->locked : &nil);
    engine->prevoted = engine->precommitted = true;
    engine->phase = ENGINE_PRECOMMIT;
    engine_effects_step(effects, engine);
}

/* Not a step: whatever step we are in goes on meanwhile (cometbft never enters RoundStepPrecommitWait either). */
void engine_phase_precommit_wait(struct engine *engine, struct engine_effects *effects) {
    engine->precommit_timed = true;
    engine_effects_timer(effects, engine, ENGINE_PRECOMMIT_WAIT, engine->config.timeout_precommit_ms,
                         engine->config.timeout_precommit_delta_ms);
}

void engine_phase_commit(struct engine *engine, struct engine_effects *effects, int32_t round,
                         const struct block_id *id) {
    engine->phase = ENGINE_COMMIT;
    engine->commit_round = round;
    engine->commit_id = *id;
    engine->wanted = *id;
    if (engine_blocks_find(engine, id) == NULL) {
        engine_effects_valid(effects, engine, id, true);
        engine_effects_fetch(effects, engine, id);
    }
    engine_effects_step(effects, engine);
}
