/* The chain and an application whose state is its own (app_table.is_apart) come together again, when the ledger is opened
 * (cometbft: consensus/replay.go Handshaker; protocol.md §5).
 *
 * Each height goes first into our store, synced, then the application commits it. So after whatever death the application is as far as the chain
 * or behind it, and is given the blocks that it lacks; each application hash on the way must be the one that the chain has. CometBFT's case of an
 * application ahead by one block cannot arise, and is refused like any other that is ahead. */
#ifndef QUORATE_LEDGER_HANDSHAKE_H
#define QUORATE_LEDGER_HANDSHAKE_H

#include "ledger/ledger.h"

/* The chain has at least one block; the application is at info->last_block_height, and if that is 0 it has just been given InitChain, whose app
 * hash is *begun (size 0: none told). false: *error, and the application may have got some of the blocks. */
bool handshake_follow(struct ledger *ledger, const struct abci_info *info, const struct app_hash *begun, char **error);

#endif
