/* quorate keys: the keys of accounts, in HOME/keys/NAME.json. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/text.h"
#include "ledger/accounts.h"
#include "node/cli.h"
#include "node/cmd_keys.h"
#include "node/complaint.h"

static const char *home, *type, *prefix;

static bool name_is_good(const char *name) {
    size_t size = strlen(name);
    return size > 0 && size <= 64 && name[0] != '.' && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == size;
}

bool cmd_keys_load(struct keyfile *key, const char *where, const char *name, char **error) {
    bool is_path = strchr(name, '/') != NULL;
    if (!is_path && !name_is_good(name)) {
        *error = complaint_of("\"%s\" is no name of a key: letters, digits, - _ . are wanted", name);
        return false;
    }
    char *path = is_path ? complaint_of("%s", name) : complaint_of("%s/keys/%s.json", where, name);
    bool good = keyfile_load(key, path, false, error);
    free(path);
    return good;
}

bool cmd_keys_address(char out[static TEXT_BECH32_MAX + 1], const struct keyfile *key, const char *with_prefix) {
    struct address address = pubkey_address(&key->public_key);
    return text_bech32(out, with_prefix, address_span(&address));
}

static void show(const char *name, const struct keyfile *key) {
    char address[TEXT_BECH32_MAX + 1] = "";
    (void)cmd_keys_address(address, key, prefix);
    printf("%-20s %-10s %s\n", name, pubkey_type_name(key->type), address);
}

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"prefix", CLI_TEXT, &prefix, "TEXT", "of addresses (quorate)", 0, 0},
    {"type", CLI_TEXT, &type, "TYPE", "secp256k1 (default) or ed25519", 0, 0},
};

static bool begin(const struct cli_command *command, struct cli_rest *rest, int *status, int argc, char **argv) {
    home = cli_home();
    type = "secp256k1";
    prefix = ACCOUNTS_PREFIX;
    return cli_parse(command, rest, status, 1, argc, argv);
}

static int save(const struct cli_command *command, const char *name, struct keyfile *key) {
    char *error = NULL, *path = complaint_of("%s/keys/%s.json", home, name);
    bool good = keyfile_save(key, path, false, false, &error);
    if (good)
        show(name, key);
    keyfile_wipe(key);
    free(path);
    return good ? CLI_GOOD : cli_fail(command, error);
}

static int keys_make(int argc, char **argv) {
    static const struct cli_command command = {.name = "keys make", .arguments = "NAME [--type secp256k1|ed25519]",
                                               .summary = "Makes a key and keeps it in HOME/keys/NAME.json, readable by you alone. Make a copy: nobody can restore it.",
                                               .example = "quorate keys make alice", .options = options, .option_count = 3, .rest_max = 1};
    struct cli_rest rest;
    struct keyfile key;
    int status;
    if (!begin(&command, &rest, &status, argc, argv))
        return status;
    uint8_t kind = pubkey_type_from_name(span_text(type));
    if (rest.count != 1 || !name_is_good(rest.values[0]))
        return cli_misuse(&command, "a name is wanted: letters, digits, - _ .");
    if (kind == PUBKEY_NONE)
        return cli_misuse(&command, "--type %s: secp256k1 or ed25519 is wanted", type);
    keyfile_generate(&key, kind);
    return save(&command, rest.values[0], &key);
}

static int keys_import(int argc, char **argv) {
    static const struct cli_command command = {.name = "keys import", .arguments = "NAME FILE",
                                               .summary = "Takes the key of FILE ({\"priv_key\":{\"type\",\"value\"}}, such as `quorate testnet` makes) into HOME/keys/NAME.json.",
                                               .example = "quorate keys import alice net/accounts/account0.json", .options = options, .option_count = 2,
                                               .rest_max = 2};
    struct cli_rest rest;
    struct keyfile key;
    char *error = NULL;
    int status;
    if (!begin(&command, &rest, &status, argc, argv))
        return status;
    if (rest.count != 2 || !name_is_good(rest.values[0]))
        return cli_misuse(&command, "a name and a file are wanted");
    if (!keyfile_load(&key, rest.values[1], false, &error))
        return cli_fail(&command, error);
    return save(&command, rest.values[0], &key);
}

static int is_json(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0;
}

static void list_one(const char *file) {
    struct keyfile key;
    char *error = NULL, *path = complaint_of("%s/keys/%s", home, file), *name = complaint_of("%.*s", (int)strlen(file) - 5, file);
    if (keyfile_load(&key, path, false, &error))
        show(name, &key);
    else
        fprintf(stderr, "quorate keys list: %s\n", error);
    keyfile_wipe(&key);
    free(error);
    free(path);
    free(name);
}

static int keys_list(int argc, char **argv) {
    static const struct cli_command command = {.name = "keys list", .arguments = "", .summary = "Name, type and address of every key in HOME/keys.",
                                               .example = "quorate keys list --home net/node0", .options = options, .option_count = 2};
    struct cli_rest rest;
    struct dirent **entries;
    int status;
    if (!begin(&command, &rest, &status, argc, argv))
        return status;
    char *folder = complaint_of("%s/keys", home);
    int count = scandir(folder, &entries, is_json, alphasort);
    free(folder);
    for (int i = 0; i < count; i++) {
        list_one(entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (count <= 0)
        fprintf(stderr, "no keys in %s/keys; make one with `quorate keys make NAME`\n", home);
    return CLI_GOOD;
}

int cmd_keys(int argc, char **argv) {
    static const struct cli_choice choices[] = {
        {"make", "a new key", keys_make}, {"list", "the keys that are there", keys_list}, {"import", "the key of a file", keys_import}};
    return cli_choose("keys", choices, 3, argc, argv);
}
