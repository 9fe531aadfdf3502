/* quorate start: the node itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/log.h"
#include "node/node.h"
int cmd_start(int argc, char **argv);

static const char help[] =
    "quorate start [--home DIR] [--KEY VALUE …]\n"
    "\n"
    "Runs the node of a home until SIGINT or SIGTERM. Every key of config.toml can be given as a flag for this run:\n"
    "  --rpc.laddr tcp://127.0.0.1:26657   --p2p.persistent_peers id@host:port,…   --consensus.timeout_commit 1s   --moniker name\n"
    "\n"
    "Example:\n"
    "  quorate testnet --v 4 --o mynet --chain-id demo && quorate start --home mynet/node0\n"
    "\n"
    "Exit status: 0 stopped as asked, 1 could not start, 2 wrong usage, 3 disk or store failed under way, 4 damaged files (a human must look)\n";

static const char *default_home(void) {
    static char home[4096];
    const char *given = getenv("QUORATE_HOME") != NULL ? getenv("QUORATE_HOME") : getenv("CMTHOME");
    if (given != NULL)
        return given;
    snprintf(home, sizeof home, "%s/.quorate", getenv("HOME") != NULL ? getenv("HOME") : ".");
    return home;
}

/* "--key=value" or "--key value"; a boolean key may stand alone. Returns how many arguments it took, 0 if it is none. */
static int flag(char **key, char **value, int left, char **argv) {
    if (strncmp(argv[0], "--", 2) != 0)
        return 0;
    *key = argv[0] + 2;
    char *equals = strchr(*key, '=');
    if (equals != NULL) {
        *equals = '\0';
        *value = equals + 1;
        return 1;
    }
    bool alone = left < 2 || strncmp(argv[1], "--", 2) == 0;
    *value = alone ? (char *)"true" : argv[1];
    return alone ? 1 : 2;
}

static int refuse(char *error) {
    fprintf(stderr, "quorate start: %s\n", error);
    free(error);
    return 2;
}

static int wrong(const char *argument) {
    fprintf(stderr, "quorate start: \"%s\" is not a flag; see quorate start --help\n", argument);
    return 2;
}

int cmd_start(int argc, char **argv) {
    const char *home = default_home();
    char *key = NULL, *value = NULL, *warning = NULL, *error = NULL;
    for (int i = 1, taken; i < argc; i += taken) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--home") == 0 && i + 1 < argc)
            home = argv[i + 1];
        else if (strncmp(argv[i], "--home=", 7) == 0)
            home = argv[i] + 7;
        taken = strncmp(argv[i], "--", 2) != 0 ? 0 : strchr(argv[i], '=') != NULL || i + 1 == argc || strncmp(argv[i + 1], "--", 2) == 0 ? 1 : 2;
        if (taken == 0)
            return wrong(argv[i]);
    }
    struct config config;
    if (!config_load(&config, home, &warning, &error)) {
        fprintf(stderr, "quorate start: %s\n", error);
        free(error);
        free(warning);
        return NODE_EXIT_FAILED;
    }
    for (int i = 1, taken; i < argc; i += taken) {
        taken = flag(&key, &value, argc - i, argv + i);
        if (strcmp(key, "home") != 0 && !config_set(&config, key, value, &error))
            return refuse(error);
    }
    if (!config_check(&config, &error))
        return refuse(error);
    enum world_level level = WORLD_INFO;
    if (!log_level_from_text(&level, config.log_level))
        fprintf(stderr, "quorate start: log_level \"%s\" is not debug, info, warn, error or none; going on with info\n", config.log_level);
    log_setup(level, strcmp(config.log_format, "json") == 0, false);
    if (warning != NULL)
        log_line(WORLD_WARN, warning);
    free(warning);
    enum node_exit status = node_run(&config);
    config_close(&config);
    return (int)status;
}
