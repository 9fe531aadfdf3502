/* The chain in a store of our own as a source of light blocks: a node's, or that of one that does not run (homestore.h, without its application). */
#ifndef QUORATE_NODE_LIGHT_LEDGER_H
#define QUORATE_NODE_LIGHT_LEDGER_H

#include "ledger/ledger.h"
#include "node/light_source.h"

struct light_source light_ledger_source(struct ledger *ledger, const char *name); /* lends both; takes no reports */

#endif
