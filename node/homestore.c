#include "node/homestore.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/cli.h"
#include "node/complaint.h"

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "quorate: %s\n", what);
    _Exit(CLI_WORLD);
}

bool homestore_open(struct homestore *store, const char *home, bool with_app, char **error) {
    char *warning = NULL;
    *store = (struct homestore){.kv = NULL};
    bool good = config_load(&store->config, home, &warning, error);
    store->has_config = true; /* there is something to close, well read or not */
    free(warning);
    if (!good)
        return false;
    char *genesis = config_path(&store->config, store->config.genesis_file), *data = config_path(&store->config, store->config.db_dir);
    char *path = complaint_of("%s/quorate.db", data);
    store->has_genesis = genesis_load(&store->genesis, genesis, config_release(&store->config), error);
    if (store->has_genesis && !with_app && access(path, F_OK) != 0) /* nobody shall make an empty one by looking */
        *error = complaint_of("%s: there is no chain in this home yet: has a node run in it?", path);
    else if (store->has_genesis)
        store->kv = kv_leveldb_open(path, NULL, (struct kv_failure){NULL, fail}, error);
    free(genesis);
    free(data);
    free(path);
    if (store->kv == NULL)
        return false;
    if (with_app && !config_app_is_apart(&store->config)) /* else the chain alone: its application may not even run */
        store->app = app_open(config_application(&store->config), store->kv, store->genesis.state.chain_id);
    store->has_ledger = ledger_open(&store->ledger, store->kv, store->app, &store->genesis.state, config_release(&store->config), error);
    return store->has_ledger;
}

void homestore_close(struct homestore *store) {
    if (store->has_ledger)
        ledger_close(&store->ledger);
    if (store->app != NULL)
        store->app->table->close(store->app);
    kv_close(store->kv);
    if (store->has_genesis)
        genesis_close(&store->genesis);
    if (store->has_config)
        config_close(&store->config);
}
