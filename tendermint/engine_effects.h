/* The engine's wishes, each put at the end of the list. Inside of the engine only. */
#ifndef QUORATE_TENDERMINT_ENGINE_EFFECTS_H
#define QUORATE_TENDERMINT_ENGINE_EFFECTS_H

#include "tendermint/engine.h"

void engine_effects_step(struct engine_effects *effects, const struct engine *engine);
void engine_effects_propose(struct engine_effects *effects, const struct engine *engine);
void engine_effects_vote(struct engine_effects *effects, const struct engine *engine, int32_t type, const struct block_id *id,
                         const struct block_id *time_floor);
/* base + round · delta, at most INT64_MAX. */
void engine_effects_timer(struct engine_effects *effects, const struct engine *engine, uint32_t phase, int64_t base_ms,
                          int64_t delta_ms);
void engine_effects_fetch(struct engine_effects *effects, const struct engine *engine, const struct block_id *id);
void engine_effects_valid(struct engine_effects *effects, const struct engine *engine, const struct block_id *id, bool is_commit);
void engine_effects_have(struct engine_effects *effects, const struct vote *vote);
void engine_effects_accuse(struct engine_effects *effects, const struct vote *vote, const struct vote *other);
void engine_effects_decide(struct engine_effects *effects, const struct engine *engine);
void engine_effects_halt(struct engine_effects *effects, const struct engine *engine);

#endif
