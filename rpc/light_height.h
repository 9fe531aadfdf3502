/* A whole height as another node's RPC tells it, made into a block and its results, and held against the trusted header above.
 * Pure; memory from the arena, or loans of the answers.
 *
 * What is proven: each byte of the block (the next header has its id); of the results code, data and gas of each transaction, the application's hash,
 * the validators' changes, and the block's size and gas among the parameters' changes. What no hash covers: events, log, info and codespace, and the
 * other parameters; these are as that node says. */
#ifndef QUORATE_RPC_LIGHT_HEIGHT_H
#define QUORATE_RPC_LIGHT_HEIGHT_H

#include "genesis/scan.h"
#include "ledger/abci.h"
#include "ledger/block.h"
#include "tendermint/light_block.h"

/* `result` of /block. NULL: *wrong (static) says why it cannot be the block below `next`. */
struct block *light_height_block(const char **wrong, struct span result, const struct header *next, struct arena *arena);
/* `result` of /block_results of that block; `next`: the trusted block above. NULL, or what is wrong (static). */
const char *light_height_results(struct abci_finalized *out, struct span result, const struct block *block, const struct light_block *next,
                                 struct arena *arena);

#endif
