/* quorate init: a home, and a chain of which this node is the only validator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cli.h"
#include "node/complaint.h"
#include "node/home.h"

#define COINS 1000000000000

static const char *home, *chain_id, *app, *moniker, *release;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "where (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"chain-id", CLI_TEXT, &chain_id, "ID", "the chain's name, at most 50 characters (default chain-XXXXXX)", 0, 0},
    {"app", CLI_TEXT, &app, "NAME", "ledger (default) or kvstore", 0, 0},
    {"moniker", CLI_TEXT, &moniker, "NAME", "the node's name for people (the machine's name)", 0, 0},
    {"release", CLI_TEXT, &release, "R", "rules of CometBFT 0.38 (default), 0.39 or 0.40", 0, 0},
};

static const struct cli_command command = {
    .name = "init",
    .arguments = "[--home DIR] [--chain-id ID] [--app ledger|kvstore]",
    .summary = "Makes the home of a node: keys, blank signing mark, config/config.toml and config/genesis.json with this node as the only\n"
               "validator. With the ledger a funded account \"first\" is put into keys/. To join another chain, replace genesis.json by that\n"
               "chain's and set persistent_peers. Refuses to overwrite anything.",
    .example = "quorate init --chain-id demo && quorate start\nquorate init --home /var/lib/quorate --app kvstore",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

static char *make_app_state(const char *where, const char *application, char **error) {
    struct home_account account;
    if (strcmp(application, "ledger") != 0)
        return complaint_of("null");
    home_account_generate(&account, PUBKEY_SECP256K1);
    char *path = complaint_of("%s/keys/first.json", where), *state = home_app_state(&account, 1, COINS);
    if (!keyfile_save(&account.key, path, false, false, error)) {
        free(state);
        state = NULL;
    }
    keyfile_wipe(&account.key);
    free(path);
    return state;
}

static bool write_home(struct config *config, const char *where, char **error) {
    struct home_keys keys = {0};
    char random_id[VOTE_CHAIN_ID_BYTES_MAX + 1];
    home_random_chain_id(random_id);
    if (!home_write_keys(where, &keys, true, error))
        return false;
    char *state = make_app_state(where, config_application(config), error);
    if (state == NULL)
        return false;
    struct genesis_validator validator = {.member = {.pub_key = keys.validator.public_key, .power = 10}};
    struct genesis_plan plan = {.chain_id = chain_id != NULL ? chain_id : random_id, .time = home_now(), .initial_height = 1,
                                .validators = &validator, .validator_count = 1, .app_state = strcmp(state, "null") == 0 ? NULL : state};
    validator.member.address = pubkey_address(&validator.member.pub_key);
    params_defaults(&plan.params, config_release(config));
    char *genesis = genesis_text(&plan);
    bool good = home_write_texts(where, config, genesis, error);
    if (good)
        printf("made %s: chain %s, node %s\nrun it with: quorate start --home %s\n", where, plan.chain_id, keys.id, where);
    keyfile_wipe(&keys.node);
    keyfile_wipe(&keys.validator);
    free(genesis);
    free(state);
    return good;
}

/* As CometBFT: the name of the machine. */
static const char *default_moniker(void) {
    static char name[128];
    return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "quorate";
}

int cmd_init(int argc, char **argv) {
    struct cli_rest rest;
    struct config config;
    char *error = NULL;
    int status;
    chain_id = NULL;
    moniker = default_moniker();
    app = "ledger";
    release = "0.38";
    home = cli_home();
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    if (chain_id != NULL && (chain_id[0] == '\0' || strlen(chain_id) > VOTE_CHAIN_ID_BYTES_MAX))
        return cli_misuse(&command, "--chain-id: 1 to 50 characters are wanted");
    config_init(&config, strcmp(release, "0.40") == 0 ? PARAMS_V040 : strcmp(release, "0.39") == 0 ? PARAMS_V039 : PARAMS_V038);
    bool good = config_set(&config, "quorate.release", release, &error) && config_set(&config, "proxy_app", app, &error) &&
                config_set(&config, "moniker", moniker, &error) && config_set(&config, "version", config_rpc_version(&config), &error) &&
                config_check(&config, &error);
    status = good ? CLI_FAILED : CLI_USAGE;
    good = good && home_is_free(home, &error) && write_home(&config, home, &error);
    config_close(&config);
    if (good)
        return CLI_GOOD;
    cli_fail(&command, error);
    return status;
}
