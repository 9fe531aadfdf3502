/* quorate signer: a key on another host than its node. */
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "genesis/genesis.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "node/keylock.h"
#include "node/log.h"
#include "node/signservice.h"

struct signing { /* the process */
    const char *home, *address, *chain_id;
    char *known_chain_id; /* the genesis's */
    struct config config;
    struct disk *disk;
    struct signer *signer;
    struct signservice *service;
    struct event_base *base;
    struct event *stops[2];
    int lock;
    int status; /* should the next step fail */
};

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    log_format(WORLD_ERROR, "%s; the signer stops. Nothing was signed that is not marked: mend the cause, then start again", what);
    _exit(CLI_WORLD);
}

static bool know_chain(struct signing *signing, char **error) {
    struct genesis genesis;
    char *path, *why = NULL;
    if (signing->chain_id != NULL)
        return true;
    path = config_path(&signing->config, signing->config.genesis_file);
    bool loaded = genesis_load(&genesis, path, config_release(&signing->config), &why);
    if (loaded) {
        signing->known_chain_id = complaint_of("%s", genesis.chain_id);
        signing->chain_id = signing->known_chain_id;
        genesis_close(&genesis);
    } else {
        *error = complaint_of("which chain to sign for? Give --chain-id, or the home its genesis (%s)", why);
    }
    free(why);
    free(path);
    return loaded;
}

/* A mark that is missing is no blank one here: a key that comes to another host brings its mark along. */
static bool open_signer(struct signing *signing, char **error) {
    const struct config *config = &signing->config;
    char *mark = config_path(config, config->priv_validator_state_file), *path = config_path(config, config->priv_validator_key_file);
    size_t home = strlen(config->home);
    struct ed25519_key *key = NULL;
    if (strncmp(mark, config->home, home) != 0 || mark[home] != '/')
        *error = complaint_of("priv_validator_state_file: \"%s\" is outside of the home %s; move it below", mark, config->home);
    else if (access(mark, F_OK) != 0)
        *error = complaint_of("%s: the signing mark is missing: bring the node's along with the key, last of all, when the node signs no more. Only if "
                              "this key has surely never signed, make it with the content {\"height\":\"0\",\"round\":0,\"step\":0}",
                              mark);
    else if ((signing->lock = keylock_take(mark, error)) >= 0)
        key = keyfile_load_signing(path, false, error);
    if (key != NULL)
        signing->disk = disk_posix_open(config->home, (struct disk_failure){signing, fail}, error);
    if (signing->disk != NULL)
        signing->status = CLI_DAMAGED;
    if (signing->disk != NULL)
        signing->signer = signer_open(signing->disk, mark + home + 1, key, 0, error);
    else if (key != NULL)
        ed25519_key_free(key);
    free(mark);
    free(path);
    return signing->signer != NULL;
}

static void on_stop(evutil_socket_t which, short what, void *context) {
    (void)which;
    (void)what;
    event_base_loopbreak(((struct signing *)context)->base);
}

static void set_log(const struct config *config) {
    enum world_level level = WORLD_INFO;
    (void)log_level_from_text(&level, config->log_level);
    log_setup(level, strcmp(config->log_format, "json") == 0, false);
}

static bool open_service(struct signing *signing, char **error) {
    signing->status = CLI_FAILED;
    static const int signals[2] = {SIGINT, SIGTERM};
    struct signservice_settings settings = {
        .address = signing->address,
        .chain_id = signing->chain_id,
        .message_bytes_max = config_release(&signing->config) == PARAMS_V040 ? SIGNLINK_BYTES_MAX_40 : SIGNLINK_BYTES_MAX,
    };
    signal(SIGPIPE, SIG_IGN);
    settings.base = signing->base = event_base_new();
    for (int i = 0; i < 2; i++) {
        signing->stops[i] = evsignal_new(signing->base, signals[i], on_stop, signing);
        event_add(signing->stops[i], NULL);
    }
    signing->service = signservice_new(&settings, signing->signer, log_line, error);
    return signing->service != NULL;
}

static void serve(struct signing *signing) {
    int64_t height;
    int32_t round, step;
    signer_mark(signing->signer, &height, &round, &step);
    log_format(WORLD_INFO, "signing for chain %s, mark at %" PRId64 "/%d/%d, dialling %s", signing->chain_id, height, round, step, signing->address);
    event_base_dispatch(signing->base);
    log_line(WORLD_INFO, "asked to stop");
}

static void close_all(struct signing *signing) {
    signservice_free(signing->service);
    for (int i = 0; i < 2; i++)
        if (signing->stops[i] != NULL)
            event_free(signing->stops[i]);
    if (signing->base != NULL)
        event_base_free(signing->base);
    signer_free(signing->signer);
    disk_posix_close(signing->disk);
    if (signing->lock >= 0)
        close(signing->lock);
    free(signing->known_chain_id);
    config_close(&signing->config);
}

int cmd_signer(int argc, char **argv) {
    struct signing signing = {.home = cli_home(), .lock = -1, .status = CLI_FAILED};
    const struct cli_option options[] = {
        {"home", CLI_TEXT, &signing.home, "DIR", "where the key and its mark are", 0, 0},
        {"address", CLI_TEXT, &signing.address, "ADDRESS", "the node's priv_validator_laddr: tcp://HOST:PORT or unix://PATH", 0, 0},
        {"chain-id", CLI_TEXT, &signing.chain_id, "ID", "the chain to sign for; default: that of the home's genesis", 0, 0},
    };
    const struct cli_command command = {
        .name = "signer",
        .arguments = "--address ADDRESS [--home DIR] [--chain-id ID]",
        .summary = "Signs for a node on another host, or in another account: dials the node's priv_validator_laddr, again and again, until SIGINT or SIGTERM.\n"
                   "The home's key never leaves; its mark sees to it that nothing is signed twice. Move key and mark together, and leave no copy where the node is.",
        .example = "quorate signer --home signer --address tcp://10.0.0.7:26659\n"
                   "quorate start --home node0 --priv_validator_laddr tcp://10.0.0.7:26659",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct cli_rest rest;
    char *error = NULL, *warning = NULL;
    int status;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    if (signing.address == NULL)
        return cli_misuse(&command, "--address is wanted");
    if (!config_load(&signing.config, signing.home, &warning, &error)) {
        free(warning);
        config_close(&signing.config);
        return cli_fail(&command, error);
    }
    free(warning);
    set_log(&signing.config);
    bool good = know_chain(&signing, &error) && open_signer(&signing, &error) && open_service(&signing, &error);
    if (good)
        serve(&signing);
    close_all(&signing);
    if (!good)
        (void)cli_fail(&command, error);
    return good ? CLI_GOOD : signing.status;
}
