/* The steps of a round, entered (cometbft consensus/state.go: enter…). Whether to enter is a matter of engine_rules.
 * Inside of the engine only. */
#ifndef QUORATE_TENDERMINT_ENGINE_PHASE_H
#define QUORATE_TENDERMINT_ENGINE_PHASE_H

#include "tendermint/engine.h"

/* Collects this block from now on, and asks for it if it is unknown. */
void engine_phase_want(struct engine *engine, struct engine_effects *effects, const struct block_id *id);
void engine_phase_take_proposal(struct engine *engine, struct engine_effects *effects, const struct proposal *proposal);
bool engine_phase_waits_for_txs(const struct engine *engine);

void engine_phase_new_round(struct engine *engine, struct engine_effects *effects, int32_t round);
void engine_phase_propose(struct engine *engine, struct engine_effects *effects);
void engine_phase_prevote(struct engine *engine, struct engine_effects *effects);
void engine_phase_prevote_wait(struct engine *engine, struct engine_effects *effects);
void engine_phase_precommit(struct engine *engine, struct engine_effects *effects);
void engine_phase_precommit_wait(struct engine *engine, struct engine_effects *effects);
void engine_phase_commit(struct engine *engine, struct engine_effects *effects, int32_t round, const struct block_id *id);

#endif
