/* The blocks that the engine knows by name. Inside of the engine only. */
#ifndef QUORATE_TENDERMINT_ENGINE_BLOCKS_H
#define QUORATE_TENDERMINT_ENGINE_BLOCKS_H

#include "tendermint/engine.h"

const struct engine_block *engine_blocks_find(const struct engine *engine, const struct block_id *id); /* NULL: unknown */
bool engine_blocks_valid(const struct engine *engine, const struct block_id *id);                      /* known and valid */
/* A full table gives up the oldest block that nothing in the engine names; at most six are named, so there is one. */
void engine_blocks_note(struct engine *engine, const struct engine_block *block);
void engine_blocks_forget(struct engine *engine); /* all but those that are named: locked, valid, wanted, proposed */

#endif
