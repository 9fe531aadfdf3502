/* What the engine does about what it knows. Inside of the engine only. */
#ifndef QUORATE_TENDERMINT_ENGINE_RULES_H
#define QUORATE_TENDERMINT_ENGINE_RULES_H

#include "tendermint/engine.h"

void engine_rules_run(struct engine *engine, struct engine_effects *effects); /* until none fires */

#endif
