/* quorate rollback, quorate db: the store of a node that is not running. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/text.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "node/dbstats.h"
#include "node/homestore.h"

static const char *home;
static bool hard;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"hard", CLI_FLAG, &hard, "", "remove the block too, not its effects alone", 0, 0},
};

static int with_store(const struct cli_command *command, int (*work)(const struct cli_command *command, struct homestore *store), int argc, char **argv) {
    struct cli_rest rest;
    struct homestore store;
    char *error = NULL;
    int status;
    home = cli_home();
    hard = false;
    if (!cli_parse(command, &rest, &status, 1, argc, argv))
        return status;
    status = homestore_open(&store, home, true, &error) ? work(command, &store) : cli_fail(command, error);
    homestore_close(&store);
    return status;
}

static void show_head(const struct homestore *store) {
    char app_hash[TEXT_HEX_SIZE(sizeof store->ledger.state.app_hash.bytes)];
    const struct state *state = &store->ledger.state;
    text_hex_upper(app_hash, span_of(state->app_hash.bytes, state->app_hash.size));
    printf("chain      %s (%s)\nheight     %" PRId64 "\napp hash   %s\n", state->chain_id, config_application(&store->config), state->height, app_hash);
}

static int take_back(const struct cli_command *command, struct homestore *store) {
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

static int show_info(const struct cli_command *command, struct homestore *store) {
    (void)command;
    show_head(store);
    printf("blocks     from %" PRId64 "\nvalidators %u\n", store->ledger.base, store->ledger.state.validators.count);
    return CLI_GOOD;
}

static int compact(const struct cli_command *command, struct homestore *store) {
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
