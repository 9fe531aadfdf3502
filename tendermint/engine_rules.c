/* One function per rule: it looks at what is known, and either does nothing and says false, or fires.
 *
 * A rule that fired makes itself false (the phase grows, a flag is set, a name changes), so the walk ends. How many effects one
 * step can make: writing the event down 2 (HAVE and ACCUSE, or one FETCH). A whole round at most 15: entered 1 (FETCH or NEW_ROUND
 * timer), propose 3, prevote 2, prevote wait 2, polka without its block 2, with it 1, precommit 3, precommit wait 1. Two rounds at
 * most: a skip goes to the highest round at once, and the next round needs a timer of this one to have run out. Commit 3 and
 * decision 1. Together not above 40, below ENGINE_EFFECTS_MAX. */
#include "tendermint/engine_rules.h"

#include "tendermint/engine_blocks.h"
#include "tendermint/engine_effects.h"
#include "tendermint/engine_phase.h"

static bool two_thirds_any(const struct engine *engine, int32_t round, int32_t type) {
    const struct tally *tally = rounds_tally(&engine->rounds, round, type);
    return tally != NULL && tally_has_two_thirds_any(tally);
}

static bool majority(const struct engine *engine, struct block_id *id, int32_t round, int32_t type) {
    const struct tally *tally = rounds_tally(&engine->rounds, round, type);
    return tally != NULL && tally_majority(tally, id);
}

static bool expired(const struct engine *engine, uint32_t phase) { return (engine->expired & 1u << phase) != 0; }

/* isProposalComplete. The block at hand need not be the proposed one, nor the older polka one for it: cometbft asks no more. */
static bool proposal_complete(const struct engine *engine) {
    if (!engine->has_proposal || engine_blocks_find(engine, &engine->wanted) == NULL)
        return false;
    return engine->proposal.pol_round < 0 || majority(engine, NULL, engine->proposal.pol_round, VOTE_PREVOTE);
}

/* finalizeCommit. Two thirds outvote our judge only if it or they are broken: nobody may go on by himself. */
static bool decide(struct engine *engine, struct engine_effects *effects) {
    const struct engine_block *block = engine_blocks_find(engine, &engine->commit_id);
    if (engine->phase != ENGINE_COMMIT || engine->decided || engine->halted || block == NULL)
        return false;
    engine->decided = block->valid;
    engine->halted = !block->valid;
    if (block->valid)
        engine_effects_decide(effects, engine);
    else
        engine_effects_halt(effects, engine);
    return true;
}

/* addVote: where two thirds are, in whatever they vote for, a decision may come, and we follow. */
static bool skip_to_later_round(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase >= ENGINE_COMMIT)
        return false;
    for (uint32_t i = engine->rounds.count; i > 0; i--) {
        int32_t round = engine->rounds.pairs[i - 1]->round;
        if (round <= engine->round)
            return false;
        if (two_thirds_any(engine, round, VOTE_PREVOTE) || two_thirds_any(engine, round, VOTE_PRECOMMIT)) {
            engine_phase_new_round(engine, effects, round);
            return true;
        }
    }
    return false;
}

/* The time after a commit is for its late precommits: over by the timer, when none is missing, or when others have gone on. */
static bool leave_new_height(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase != ENGINE_NEW_HEIGHT)
        return false;
    bool all_in = engine->config.skip_timeout_commit && engine->has_last_commit &&
                  tally_is_complete(&engine->last_commit);
    if (!all_in && !expired(engine, ENGINE_NEW_HEIGHT) && !two_thirds_any(engine, 0, VOTE_PRECOMMIT))
        return false;
    engine_phase_new_round(engine, effects, 0);
    return true;
}

/* A polka of this very round does not free us before our own prevote of it: else a lock broken by that prevote could be
 * excused by a polka that it helped to make, and amnesia could not be told from it (accountability.md). */
static bool frees(const struct engine *engine, const struct rounds_pair *pair) {
    if (pair->round <= engine->locked_round || pair->round > engine->round)
        return false;
    if (pair->round == engine->round && engine->config.lock_rule == ENGINE_LOCK_STRICT && !engine->prevoted)
        return false;
    return tally_majority(&pair->prevotes, NULL) && !tally_has_majority_for(&pair->prevotes, &engine->locked);
}

/* addVote: a polka newer than our lock, for another block or nil: our block cannot have been decided where we locked it. */
static bool unlock(struct engine *engine, struct engine_effects *effects) {
    (void)effects;
    if (block_id_is_nil(&engine->locked) || engine->phase >= ENGINE_COMMIT)
        return false;
    for (uint32_t i = engine->rounds.count; i > 0; i--)
        if (frees(engine, engine->rounds.pairs[i - 1])) {
            engine->locked = (struct block_id){0};
            engine->locked_round = -1;
            return true;
        }
    return false;
}

/* The polka of this round for a block: what we propose when our turn comes (addVote, handleCompleteProposal). */
static bool know_valid_block(struct engine *engine, struct engine_effects *effects) {
    struct block_id polka;
    if (engine->phase >= ENGINE_COMMIT || engine->valid_round >= engine->round ||
        !majority(engine, &polka, engine->round, VOTE_PREVOTE) || block_id_is_nil(&polka) ||
        !engine_blocks_valid(engine, &polka))
        return false;
    engine->valid = polka;
    engine->valid_round = engine->round;
    engine->wanted = polka;
    engine_effects_valid(effects, engine, &polka, false);
    return true;
}

/* The same without the block at hand: we collected the wrong one, and peers shall send us the right one. */
static bool want_polka_block(struct engine *engine, struct engine_effects *effects) {
    struct block_id polka;
    if (engine->phase >= ENGINE_COMMIT || engine->polka_told || engine->valid_round >= engine->round ||
        !majority(engine, &polka, engine->round, VOTE_PREVOTE) || block_id_is_nil(&polka))
        return false;
    engine->polka_told = true;
    engine_phase_want(engine, effects, &polka);
    engine_effects_valid(effects, engine, &polka, false);
    return true;
}

/* addVote: two thirds precommitted one thing, nil or a block; our own precommit is due, even if the prevote was skipped. */
static bool precommit_after_others(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase < ENGINE_NEW_ROUND || engine->phase >= ENGINE_PRECOMMIT ||
        !majority(engine, NULL, engine->round, VOTE_PRECOMMIT))
        return false;
    engine_phase_precommit(engine, effects);
    return true;
}

/* enterCommit, at whatever round of this height, gone by or not. */
static bool commit(struct engine *engine, struct engine_effects *effects) {
    struct block_id id;
    if (engine->phase < ENGINE_NEW_ROUND || engine->phase >= ENGINE_COMMIT)
        return false;
    for (uint32_t i = 0; i < engine->rounds.count; i++) {
        const struct rounds_pair *pair = engine->rounds.pairs[i];
        if (tally_majority(&pair->precommits, &id) && !block_id_is_nil(&id)) {
            engine_phase_commit(engine, effects, pair->round, &id);
            return true;
        }
    }
    return false;
}

/* enterPrecommitWait: no majority yet, or one for nil; give the rest a moment, once a round. */
static bool wait_for_precommits(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase < ENGINE_NEW_ROUND || engine->phase >= ENGINE_COMMIT || engine->precommit_timed ||
        !two_thirds_any(engine, engine->round, VOTE_PRECOMMIT))
        return false;
    engine_phase_precommit_wait(engine, effects);
    return true;
}

static bool go_to_next_round(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase >= ENGINE_COMMIT || engine->round >= ROUNDS_ROUND_MAX ||
        !expired(engine, ENGINE_PRECOMMIT_WAIT))
        return false;
    if (engine->phase < ENGINE_PRECOMMIT)
        engine_phase_precommit(engine, effects);
    engine_phase_new_round(engine, effects, engine->round + 1);
    return true;
}

static bool propose(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase != ENGINE_NEW_ROUND || engine_phase_waits_for_txs(engine))
        return false;
    engine_phase_propose(engine, effects);
    return true;
}

/* A proposal that is complete is voted on at once, also by whoever still waits for late precommits or for transactions. */
static bool prevote(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase > ENGINE_PROPOSE || (!proposal_complete(engine) && !expired(engine, ENGINE_PROPOSE)))
        return false;
    engine_phase_prevote(engine, effects);
    return true;
}

/* addVote: the polka of this round. For a block, the proposal has to be here too: else some more time is given to it. */
static bool precommit_after_polka(struct engine *engine, struct engine_effects *effects) {
    struct block_id polka;
    if (engine->phase < ENGINE_PREVOTE || engine->phase >= ENGINE_PRECOMMIT ||
        !majority(engine, &polka, engine->round, VOTE_PREVOTE))
        return false;
    if (!block_id_is_nil(&polka) && !proposal_complete(engine))
        return false;
    engine_phase_precommit(engine, effects);
    return true;
}

static bool precommit_after_timeout(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase >= ENGINE_PRECOMMIT || !expired(engine, ENGINE_PREVOTE_WAIT))
        return false;
    engine_phase_precommit(engine, effects);
    return true;
}

static bool wait_for_prevotes(struct engine *engine, struct engine_effects *effects) {
    if (engine->phase != ENGINE_PREVOTE || !two_thirds_any(engine, engine->round, VOTE_PREVOTE))
        return false;
    engine_phase_prevote_wait(engine, effects);
    return true;
}

/* What ends a height or a round comes before what goes on with it. */
static bool (*const rules[])(struct engine *engine, struct engine_effects *effects) = {
    decide,
    skip_to_later_round,
    leave_new_height,
    unlock,
    know_valid_block,
    want_polka_block,
    precommit_after_others,
    commit,
    wait_for_precommits,
    go_to_next_round,
    propose,
    prevote,
    precommit_after_polka,
    precommit_after_timeout,
    wait_for_prevotes,
};

static bool fire_one(struct engine *engine, struct engine_effects *effects) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i](engine, effects))
            return true;
    return false;
}

void engine_rules_run(struct engine *engine, struct engine_effects *effects) {
    while (fire_one(engine, effects))
        ;
}
