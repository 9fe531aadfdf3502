/* quorate abci: our applications for nodes that are not ours. */
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/abci_server.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "node/log.h"

struct serving {
    const char *app, *listen, *home;
    char *default_home;
    struct event_base *base;
    struct event *stops[2];
    struct kv *kv;
    struct abci_host host;
    bool has_host;
    struct abci_server *server;
};

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    log_format(WORLD_ERROR, "%s; the application stops. What it answered to Commit is on disk: mend the cause (space, permissions, disk), then start again", what);
    _exit(CLI_WORLD);
}

static void on_stop(evutil_socket_t which, short what, void *context) {
    struct serving *serving = context;
    (void)which, (void)what;
    log_line(WORLD_INFO, "asked to stop");
    event_base_loopbreak(serving->base);
}

static bool open_store(struct serving *serving, char **error) {
    char *path = complaint_of("%s/abci.db", serving->home);
    struct kv_options options = {.cache_bytes = 4u << 20, .write_buffer_bytes = 4u << 20};
    if (mkdir(serving->home, 0700) != 0 && access(serving->home, W_OK | X_OK) != 0)
        *error = complaint_of("%s: cannot be made or written; name another folder with --home", serving->home);
    else
        serving->kv = kv_leveldb_open(path, &options, (struct kv_failure){serving, fail}, error);
    free(path);
    return serving->kv != NULL;
}

static bool open_all(struct serving *serving, char **error) {
    static const int signals[2] = {SIGINT, SIGTERM};
    if (!open_store(serving, error))
        return false;
    serving->has_host = abci_host_open(&serving->host, serving->app, serving->kv);
    if (!serving->has_host) {
        *error = complaint_of("--app %s: there are ledger, kvstore and noop", serving->app);
        return false;
    }
    signal(SIGPIPE, SIG_IGN);
    serving->base = event_base_new();
    for (int i = 0; i < 2; i++) {
        serving->stops[i] = evsignal_new(serving->base, signals[i], on_stop, serving);
        event_add(serving->stops[i], NULL);
    }
    serving->server = abci_server_new(serving->base, &serving->host, serving->listen, log_line, error);
    return serving->server != NULL;
}

static void close_all(struct serving *serving) {
    abci_server_free(serving->server);
    for (int i = 0; i < 2; i++)
        if (serving->stops[i] != NULL)
            event_free(serving->stops[i]);
    if (serving->base != NULL)
        event_base_free(serving->base);
    if (serving->has_host)
        abci_host_close(&serving->host);
    kv_close(serving->kv);
    free(serving->default_home);
}

static void serve(struct serving *serving) {
    const struct abci_host *host = &serving->host;
    log_format(WORLD_INFO, "application %s at %s (port %u), height %" PRId64 " of chain %s, state in %s", serving->app, serving->listen,
               abci_server_port(serving->server), host->height, host->chain_id[0] == '\0' ? "(none yet)" : host->chain_id, serving->home);
    event_base_dispatch(serving->base);
}

int cmd_abci(int argc, char **argv) {
    struct serving serving = {.listen = "tcp://127.0.0.1:26658"};
    bool quiet = false;
    serving.home = serving.default_home = complaint_of("%s/abci", cli_home());
    const struct cli_option options[] = {
        {"app", CLI_TEXT, &serving.app, "NAME", "ledger, kvstore or noop", 0, 0},
        {"listen", CLI_TEXT, &serving.listen, "ADDRESS", "tcp://HOST:PORT or unix://PATH; default tcp://127.0.0.1:26658", 0, 0},
        {"home", CLI_TEXT, &serving.home, "DIR", "its state; default: abci in $QUORATE_HOME or ~/.quorate", 0, 0},
        {"quiet", CLI_FLAG, &quiet, "", "warnings and errors only", 0, 0},
    };
    const struct cli_command command = {
        .name = "abci",
        .arguments = "--app NAME [--listen ADDRESS] [--home DIR]",
        .summary = "Serves one of our applications to a node in another process, over ABCI 2.0, until SIGINT or SIGTERM: CometBFT can run our ledger.\n"
                   "The node's proxy_app is this address. What Commit answers is on disk before. Anybody who reaches the address can change the state:\n"
                   "a unix socket, or 127.0.0.1.",
        .example = "quorate abci --app ledger --listen unix:///tmp/ledger.sock --home ledger\n"
                   "cometbft start --proxy_app unix:///tmp/ledger.sock\n"
                   "quorate start --proxy_app unix:///tmp/ledger.sock",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct cli_rest rest;
    char *error = NULL;
    int status = CLI_FAILED;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv)) {
        free(serving.default_home);
        return status;
    }
    if (serving.app == NULL) {
        free(serving.default_home);
        return cli_misuse(&command, "--app is wanted: ledger, kvstore or noop");
    }
    log_setup(quiet ? WORLD_WARN : WORLD_INFO, false, false);
    status = CLI_GOOD;
    if (open_all(&serving, &error))
        serve(&serving);
    else
        status = cli_fail(&command, error);
    close_all(&serving);
    return status;
}
