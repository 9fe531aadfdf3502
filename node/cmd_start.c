/* quorate start: the node itself. */
#include <stdio.h>
#include <stdlib.h>

#include "node/cli.h"
#include "node/log.h"
#include "node/node.h"

#define START_SETTINGS_MAX 64

struct start { /* settings of this run, by their keys in config.toml */
    const char *home;
    size_t count;
    struct {
        char *key;         /* ours */
        const char *value; /* of argv */
    } settings[START_SETTINGS_MAX];
};

/* Which keys there are, the configuration knows, once it is read. */
static bool take_setting(void *context, const char *name, const char *value, char **error) {
    struct start *start = context;
    if (start->count == START_SETTINGS_MAX) {
        *error = strdup("too many settings on one command line; write them into config.toml");
        return true;
    }
    start->settings[start->count].key = strdup(name);
    start->settings[start->count++].value = value;
    return true;
}

static bool read_config(struct config *config, const struct start *start, char **error) {
    char *warning = NULL;
    if (!config_load(config, start->home, &warning, error))
        return false;
    for (size_t i = 0; i < start->count; i++)
        if (!config_set(config, start->settings[i].key, start->settings[i].value, error))
            return false;
    if (!config_check(config, error))
        return false;
    enum world_level level = WORLD_INFO;
    bool known = log_level_from_text(&level, config->log_level);
    log_setup(level, strcmp(config->log_format, "json") == 0, false);
    if (!known)
        log_format(WORLD_WARN, "log_level \"%s\" is not debug, info, warn, error or none; going on with info", config->log_level);
    if (warning != NULL)
        log_line(WORLD_WARN, warning);
    free(warning);
    return true;
}

int cmd_start(int argc, char **argv) {
    struct start start = {.home = cli_home()};
    const struct cli_option options[] = {
        {"home", CLI_TEXT, &start.home, "DIR", "the node's home", 0, 0},
    };
    const struct cli_command command = {
        .name = "start",
        .arguments = "[--KEY VALUE …]",
        .summary = "Runs the node of a home until SIGINT or SIGTERM. Every key of config.toml can be given for this run:\n"
                   "--moniker NAME, --rpc.laddr tcp://127.0.0.1:26657, --p2p.persistent_peers id@host:port,…, --p2p.seed_mode, --consensus.timeout_commit 1s",
        .example = "quorate testnet --v 4 --o mynet --chain-id demo\nquorate start --home mynet/node0",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .other = take_setting,
        .other_is_flag = config_is_flag,
        .context = &start,
    };
    struct cli_rest rest;
    int status;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    struct config config;
    char *error = NULL;
    if (!read_config(&config, &start, &error))
        return cli_fail(&command, error);
    status = (int)node_run(&config);
    config_close(&config);
    for (size_t i = 0; i < start.count; i++)
        free(start.settings[i].key);
    return status;
}
