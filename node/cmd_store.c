/* quorate rollback, quorate db: the store of a node that is not running. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/text.h"
#include "genesis/genesis.h"
#include "ledger/ledger.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "node/dbstats.h"

static const char *home;
static bool hard;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"hard", CLI_FLAG, &hard, "", "remove the block too, not its effects alone", 0, 0},
};

struct store {
    struct config config;
    struct genesis genesis;
    struct kv *kv;
    struct app *app;
    struct ledger ledger;
    bool has_genesis, has_ledger;
};

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "quorate: %s\n", what);
    _Exit(CLI_WORLD);
}

static bool open_store(struct store *store, char **error) {
    char *warning = NULL;
    bool good = config_load(&store->config, home, &warning, error);
    free(warning);
    if (!good)
        return false;
    char *genesis = config_path(&store->config, store->config.genesis_file), *data = config_path(&store->config, store->config.db_dir);
    char *path = complaint_of("%s/quorate.db", data);
    store->has_genesis = genesis_load(&store->genesis, genesis, config_release(&store->config), error);
    if (store->has_genesis)
        store->kv = kv_leveldb_open(path, NULL, (struct kv_failure){NULL, fail}, error);
    free(genesis);
    free(data);
    free(path);
    if (store->kv == NULL)
        return false;
    if (!config_app_is_apart(&store->config)) /* else the chain alone: its application may not even run */
        store->app = app_open(config_application(&store->config), store->kv, store->genesis.state.chain_id);
    store->has_ledger = ledger_open(&store->ledger, store->kv, store->app, &store->genesis.state, config_release(&store->config), error);
    return store->has_ledger;
}

static void close_store(struct store *store) {
    if (store->has_ledger)
        ledger_close(&store->ledger);
    if (store->app != NULL)
        store->app->table->close(store->app);
    kv_close(store->kv);
    if (store->has_genesis)
        genesis_close(&store->genesis);
    config_close(&store->config);
}

static int with_store(const struct cli_command *command, int (*work)(const struct cli_command *command, struct store *store), int argc, char **argv) {
    struct cli_rest rest;
    struct store store = {0};
    char *error = NULL;
    int status;
    home = cli_home();
    hard = false;
    if (!cli_parse(command, &rest, &status, 1, argc, argv))
        return status;
    status = open_store(&store, &error) ? work(command, &store) : cli_fail(command, error);
    close_store(&store);
    return status;
}

static void show_head(const struct store *store) {
    char app_hash[TEXT_HEX_SIZE(sizeof store->ledger.state.app_hash.bytes)];
    const struct state *state = &store->ledger.state;
    text_hex_upper(app_hash, span_of(state->app_hash.bytes, state->app_hash.size));
    printf("chain      %s (%s)\nheight     %" PRId64 "\napp hash   %s\n", state->chain_id, config_application(&store->config), state->height, app_hash);
}

static int take_back(const struct cli_command *command, struct store *store) {
    int64_t height = store->ledger.state.height;
    if (!ledger_rollback(&store->ledger, hard))
        return cli_fail(command, complaint_of("height %" PRId64 " cannot be taken back: there is none, or its undo record is gone", height));
    show_head(store);
    if (store->app == NULL)
        printf("The application keeps its own state: take it back to height %" PRId64 " too, before the node is started.\n", store->ledger.state.height);
    return CLI_GOOD;
}

int cmd_rollback(int argc, char **argv) {
    static const struct cli_command command = {.name = "rollback", .arguments = "[--home DIR] [--hard]",
                                               .summary = "Takes back the last applied block: chain and application return to the height before. Without --hard the block\n"
                                                          "stays and is applied again at the next start. The signing mark is not touched.",
                                               .example = "quorate rollback --home net/node0", .options = options, .option_count = 2};
    return with_store(&command, take_back, argc, argv);
}

static int show_info(const struct cli_command *command, struct store *store) {
    (void)command;
    show_head(store);
    printf("blocks     from %" PRId64 "\nvalidators %u\n", store->ledger.base, store->ledger.state.validators.count);
    return CLI_GOOD;
}

static int compact(const struct cli_command *command, struct store *store) {
    (void)command;
    char *data = config_path(&store->config, store->config.db_dir), *path = complaint_of("%s/quorate.db", data);
    uint64_t before = dbstats_folder(path);
    kv_compact(store->kv, span_of("\0", 1), span_of("\xff", 1));
    printf("compacted: %" PRIu64 " bytes of files before, %" PRIu64 " after\n", before, dbstats_folder(path));
    free(path);
    free(data);
    return CLI_GOOD;
}

static int db_info(int argc, char **argv) {
    static const struct cli_command command = {.name = "db info", .arguments = "[--home DIR]", .summary = "What the store of a node that is not running holds.",
                                               .example = "quorate db info --home net/node0", .options = options, .option_count = 1};
    return with_store(&command, show_info, argc, argv);
}

static int db_compact(int argc, char **argv) {
    static const struct cli_command command = {.name = "db compact", .arguments = "[--home DIR]", .summary = "Gives back the space of what was removed.",
                                               .example = "quorate db compact --home net/node0", .options = options, .option_count = 1};
    return with_store(&command, compact, argc, argv);
}

int cmd_db(int argc, char **argv) {
    static const struct cli_choice choices[] = {
        {"info", "heights, hashes, counts", db_info}, {"stats", "what uses the disk", cmd_db_stats}, {"compact", "give back space", db_compact}};
    return cli_choose("db", choices, 3, argc, argv);
}
