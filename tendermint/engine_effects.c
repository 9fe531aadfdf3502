#include "tendermint/engine_effects.h"

#include <assert.h>

static struct engine_effect *push(struct engine_effects *effects, enum engine_effect_kind kind, int64_t height,
                                  int32_t round) {
    assert(effects->count < ENGINE_EFFECTS_MAX);
    struct engine_effect *effect = &effects->list[effects->count++];
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    effect->height = height;
    effect->round = round;
    return effect;
}

void engine_effects_step(struct engine_effects *effects, const struct engine *engine) {
    push(effects, ENGINE_DO_STEP, engine->height, engine->round)->phase = engine->phase;
}

void engine_effects_propose(struct engine_effects *effects, const struct engine *engine) {
    struct engine_effect *effect = push(effects, ENGINE_DO_PROPOSE, engine->height, engine->round);
    effect->block_id = engine->valid;
    effect->pol_round = engine->valid_round;
}

void engine_effects_vote(struct engine_effects *effects, const struct engine *engine, int32_t type,
                         const struct block_id *id, const struct block_id *time_floor) {
    struct engine_effect *effect = push(effects, ENGINE_DO_VOTE, engine->height, engine->round);
    effect->type = type;
    effect->block_id = *id;
    effect->time_floor = *time_floor;
}

void engine_effects_timer(struct engine_effects *effects, const struct engine *engine, uint32_t phase, int64_t base_ms,
                          int64_t delta_ms) {
    int64_t growth, sum;
    if (__builtin_mul_overflow(delta_ms, (int64_t)engine->round, &growth) ||
        __builtin_add_overflow(base_ms, growth, &sum))
        sum = INT64_MAX;
    struct engine_effect *effect = push(effects, ENGINE_DO_TIMER, engine->height, engine->round);
    effect->phase = phase;
    effect->duration_ms = sum;
}

void engine_effects_fetch(struct engine_effects *effects, const struct engine *engine, const struct block_id *id) {
    push(effects, ENGINE_DO_FETCH, engine->height, engine->round)->block_id = *id;
}

void engine_effects_valid(struct engine_effects *effects, const struct engine *engine, const struct block_id *id,
                          bool is_commit) {
    struct engine_effect *effect = push(effects, ENGINE_DO_VALID, engine->height, engine->round);
    effect->block_id = *id;
    effect->is_commit = is_commit;
}

void engine_effects_have(struct engine_effects *effects, const struct vote *vote) {
    struct engine_effect *effect = push(effects, ENGINE_DO_HAVE, vote->height, vote->round);
    effect->type = vote->type;
    effect->index = (uint32_t)vote->validator_index;
}

/* In the order that evidence wants. */
void engine_effects_accuse(struct engine_effects *effects, const struct vote *vote, const struct vote *other) {
    struct engine_effect *effect = push(effects, ENGINE_DO_ACCUSE, vote->height, vote->round);
    bool ordered = block_id_compare(&vote->block_id, &other->block_id) < 0;
    effect->type = vote->type;
    effect->index = (uint32_t)vote->validator_index;
    effect->vote_a = ordered ? *vote : *other;
    effect->vote_b = ordered ? *other : *vote;
}

void engine_effects_decide(struct engine_effects *effects, const struct engine *engine) {
    push(effects, ENGINE_DO_DECIDE, engine->height, engine->commit_round)->block_id = engine->commit_id;
}

void engine_effects_halt(struct engine_effects *effects, const struct engine *engine) {
    push(effects, ENGINE_DO_HALT, engine->height, engine->commit_round)->block_id = engine->commit_id;
}
