/* quorate db stats: what uses the space of a node that is not running. No application is opened, so it may be anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cli.h"
#include "node/complaint.h"
#include "node/dbstats.h"
#include "node/diskwatch.h"

static const char *home;
static bool is_json;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"json", CLI_FLAG, &is_json, "", "one line of JSON, all sizes in bytes", 0, 0},
};

static const struct cli_command command = {.name = "db stats", .arguments = "[--home DIR] [--json]",
                                           .summary = "What uses the disk: for each kind of record how many there are, their bytes, what they take in files\n"
                                                      "(compressed, without what is in the log yet), and the largest one. The node must not run.",
                                           .example = "quorate db stats --home net/node0\nquorate db stats --home net/node0 --json",
                                           .options = options, .option_count = 2};

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "quorate: %s\n", what);
    _Exit(CLI_WORLD);
}

static void measure_files(struct dbstats *stats, const struct config *config, const char *store) {
    char *journal = config_path(config, config->consensus.wal_file), *slash = strrchr(journal, '/');
    *slash = '\0'; /* its folder */
    stats->store_bytes = dbstats_folder(store);
    stats->journal_bytes = dbstats_folder(journal);
    if (!diskwatch_measure(&stats->free_bytes, store))
        stats->free_bytes = 0;
    free(journal);
}

static void show(const struct dbstats *stats) {
    if (!is_json) {
        dbstats_print(stats);
        return;
    }
    struct emit emit;
    emit_init(&emit);
    dbstats_json(&emit, stats);
    printf("%.*s\n", (int)emit.size, emit.data);
    emit_close(&emit);
}

static bool count_store(const struct config *config, char **error) {
    char *data = config_path(config, config->db_dir), *path = complaint_of("%s/quorate.db", data);
    struct dbstats stats;
    free(data);
    struct kv *kv = NULL;
    if (access(path, F_OK) != 0) /* or it would be made */
        *error = complaint_of("%s: there is no store; has this node ever run?", path);
    else
        kv = kv_leveldb_open(path, NULL, (struct kv_failure){NULL, fail}, error);
    if (kv != NULL) {
        dbstats_count(&stats, kv);
        kv_close(kv);
        measure_files(&stats, config, path);
        show(&stats);
    }
    free(path);
    return kv != NULL;
}

int cmd_db_stats(int argc, char **argv) {
    struct cli_rest rest;
    struct config config;
    char *error = NULL, *warning = NULL;
    int status;
    home = cli_home();
    is_json = false;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    bool good = config_load(&config, home, &warning, &error) && count_store(&config, &error);
    config_close(&config);
    free(warning);
    return good ? CLI_GOOD : cli_fail(&command, error);
}
