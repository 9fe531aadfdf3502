/* Releases of CometBFT differ in what a block's time is: up to 0.39 the median counts nil votes, from 0.40 on it does not (protocol.md §3.4, §12). A node that
 * is set to the other rule refuses good blocks; this names the switch. */
#ifndef QUORATE_NODE_RELEASE_HINT_H
#define QUORATE_NODE_RELEASE_HINT_H

#include "ledger/block.h"
#include "ledger/state.h"

/* Of a block that was refused for its time (BLOCK_WRONG_TIME): what to set, a static text, if the other rule gives just that time; else NULL. */
const char *release_hint_of(const struct state *state, const struct block *block);

#endif
