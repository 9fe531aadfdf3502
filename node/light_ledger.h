/* The chain in a store of our own as a source of light blocks: of an open ledger, or of the home of a node that does not run (or a copy of it),
 * opened without its application. Nothing is written but what LevelDB writes when it opens a folder. */
#ifndef QUORATE_NODE_LIGHT_LEDGER_H
#define QUORATE_NODE_LIGHT_LEDGER_H

#include "genesis/genesis.h"
#include "ledger/ledger.h"
#include "node/config.h"
#include "node/light_source.h"

struct light_source light_ledger_source(struct ledger *ledger, const char *name); /* lends both; takes no reports */

struct light_home {
    struct config config;
    struct genesis genesis;
    struct kv *kv;
    struct ledger ledger;
    bool has_config, has_genesis, has_ledger;
};

/* false, *error malloc'ed: no chain is there, a node has it open (says so), it is damaged. To be closed in any case. */
bool light_home_open(struct light_home *home, const char *folder, char **error);
void light_home_close(struct light_home *home);

#endif
