/* The store of a node that is not running, found by its home: config, genesis, chain. Another process that holds it is an error; a store that fails
 * while it is open ends the process with CLI_WORLD. */
#ifndef QUORATE_NODE_HOMESTORE_H
#define QUORATE_NODE_HOMESTORE_H

#include "genesis/genesis.h"
#include "ledger/ledger.h"
#include "node/config.h"

struct homestore {
    struct config config;
    struct genesis genesis;
    struct kv *kv;
    struct app *app; /* NULL: not wanted, or it runs apart */
    struct ledger ledger;
    bool has_config, has_genesis, has_ledger;
};

/* false: *error malloc'ed; close it all the same. Without the application the chain can be read, whatever it ran. */
bool homestore_open(struct homestore *store, const char *home, bool with_app, char **error);
void homestore_close(struct homestore *store);

#endif
