/* Keys of nodes, and the version. */
#include <stdio.h>
#include <stdlib.h>

#include "node/cli.h"
#include "node/complaint.h"

#ifndef QUORATE_VERSION
#define QUORATE_VERSION "0.1.0"
#endif

static const char *home;
static bool verbose;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
};

static bool begin(const struct cli_command *command, int *status, int argc, char **argv) {
    struct cli_rest rest;
    home = cli_home();
    verbose = false;
    return cli_parse(command, &rest, status, 1, argc, argv);
}

/* The key file that the home's config names. */
static bool load_key(struct keyfile *key, bool is_node_key, char **error) {
    struct config config;
    char *warning = NULL;
    bool good = config_load(&config, home, &warning, error);
    char *path = good ? config_path(&config, is_node_key ? config.node_key_file : config.priv_validator_key_file) : NULL;
    good = good && keyfile_load(key, path, is_node_key, error);
    free(path);
    free(warning);
    config_close(&config);
    return good;
}

int cmd_show_node_id(int argc, char **argv) {
    static const struct cli_command command = {.name = "show-node-id", .arguments = "[--home DIR]", .summary = "The id that peers know the node by: id@host:port is its address.",
                                               .example = "quorate show-node-id --home net/node0", .options = options, .option_count = 1};
    struct keyfile key;
    char id[KEYFILE_ID_SIZE], *error = NULL;
    int status;
    if (!begin(&command, &status, argc, argv))
        return status;
    if (!load_key(&key, true, &error))
        return cli_fail(&command, error);
    keyfile_id(id, &key);
    keyfile_wipe(&key);
    puts(id);
    return CLI_GOOD;
}

int cmd_show_validator(int argc, char **argv) {
    static const struct cli_command command = {.name = "show-validator", .arguments = "[--home DIR]", .summary = "The public key that signs votes, as genesis.json writes it.",
                                               .example = "quorate show-validator", .options = options, .option_count = 1};
    struct keyfile key;
    char *error = NULL;
    int status;
    if (!begin(&command, &status, argc, argv))
        return status;
    if (!load_key(&key, false, &error))
        return cli_fail(&command, error);
    char *text = keyfile_public_json(&key.public_key);
    keyfile_wipe(&key);
    puts(text);
    free(text);
    return CLI_GOOD;
}

int cmd_gen_validator(int argc, char **argv) {
    static const struct cli_command command = {.name = "gen-validator", .arguments = "",
                                               .summary = "Prints a new validator key as priv_validator_key.json has it. Nothing is kept: put it where only the node reads it.",
                                               .example = "quorate gen-validator > priv_validator_key.json", .options = options, .option_count = 1};
    struct keyfile key;
    int status;
    if (!begin(&command, &status, argc, argv))
        return status;
    keyfile_generate(&key, PUBKEY_ED25519);
    char *text = keyfile_text(&key, false);
    puts(text);
    keyfile_wipe(&key);
    free(text);
    return CLI_GOOD;
}

int cmd_gen_node_key(int argc, char **argv) {
    static const struct cli_command command = {.name = "gen-node-key", .arguments = "[--home DIR]", .summary = "Makes HOME/config/node_key.json, if there is none, and prints its id.",
                                               .example = "quorate gen-node-key --home /var/lib/quorate", .options = options, .option_count = 1};
    struct keyfile key;
    char id[KEYFILE_ID_SIZE], *error = NULL;
    int status;
    if (!begin(&command, &status, argc, argv))
        return status;
    char *path = complaint_of("%s/config/node_key.json", home);
    keyfile_generate(&key, PUBKEY_ED25519);
    bool good = keyfile_save(&key, path, true, false, &error);
    free(path);
    keyfile_id(id, &key);
    keyfile_wipe(&key);
    if (!good)
        return cli_fail(&command, error);
    puts(id);
    return CLI_GOOD;
}

int cmd_version(int argc, char **argv) {
    static const struct cli_option own[] = {{"verbose", CLI_FLAG, &verbose, "", "the protocols too", 0, 0}};
    static const struct cli_command command = {.name = "version", .arguments = "[--verbose]", .summary = "The release of this program.", .example = "quorate version --verbose",
                                               .options = own, .option_count = 1};
    int status;
    if (!begin(&command, &status, argc, argv))
        return status;
    printf("%s%s\n", verbose ? "quorate " : "", QUORATE_VERSION);
    if (verbose)
        printf("rules of CometBFT 0.38, 0.39, 0.40; peer protocol 8, block protocol 11, ABCI 2.0.0 (built-in applications)\n");
    return CLI_GOOD;
}
