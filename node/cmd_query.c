/* quorate query account|tx|block. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/accounts.h"
#include "node/cli.h"
#include "node/cli_rpc.h"
#include "node/cmd_keys.h"
#include "node/complaint.h"

static const char *home, *node, *prefix;
static bool json;

static const struct cli_option options[] = {
    {"node", CLI_TEXT, &node, "URL", "http://host:port or https://host of the RPC (default: the home\'s)", 0, 0},
    CLI_RPC_OPTIONS,
    {"home", CLI_TEXT, &home, "DIR", "whose config tells the node, whose keys have the names", 0, 0},
    {"json", CLI_FLAG, &json, "", "the node's answer as it is", 0, 0},
    {"prefix", CLI_TEXT, &prefix, "TEXT", "of addresses (quorate)", 0, 0},
};

static bool begin(const struct cli_command *command, struct cli_rest *rest, int *status, int argc, char **argv) {
    home = cli_home();
    cli_rpc_begin();
    node = NULL;
    json = false;
    prefix = ACCOUNTS_PREFIX;
    return cli_parse(command, rest, status, 1, argc, argv);
}

static int finish(const struct cli_command *command, json_t *result, void (*show)(const json_t *result), char *error) {
    if (result != NULL && json)
        cli_rpc_dump(result);
    else if (result != NULL)
        show(result);
    json_decref(result);
    return error == NULL ? CLI_GOOD : cli_fail(command, error);
}

/* An address as it is; else the name or file of a key. */
static bool address_of(char out[static TEXT_BECH32_MAX + 1], const char *text, char **error) {
    struct keyfile key;
    size_t size = strlen(prefix);
    if (strncmp(text, prefix, size) == 0 && text[size] == '1' && strlen(text) <= TEXT_BECH32_MAX) {
        strcpy(out, text);
        return true;
    }
    if (!cmd_keys_load(&key, home, text, error))
        return false;
    bool good = cmd_keys_address(out, &key, prefix);
    keyfile_wipe(&key);
    if (!good)
        *error = complaint_of("--prefix %s: makes no address", prefix);
    return good;
}

static void show_account(const json_t *account) {
    const json_t *coin;
    size_t i;
    printf("address    %s\n", cli_rpc_text(account, "address"));
    printf("number     %s\nsequence   %s\n", cli_rpc_text(account, "account_number"), cli_rpc_text(account, "sequence"));
    json_array_foreach(json_object_get(account, "coins"), i, coin)
        printf("coins      %s %s\n", cli_rpc_text(coin, "amount"), cli_rpc_text(coin, "denom"));
}

static int query_account(int argc, char **argv) {
    static const struct cli_command command = {.name = "query account", .arguments = "ADDRESS|NAME", .summary = "Number, sequence and coins of an account of the ledger.",
                                               .example = "quorate query account first", .options = options, .option_count = 4, .rest_max = 1};
    struct cli_rest rest;
    char address[TEXT_BECH32_MAX + 1], *error = NULL;
    int status;
    if (!begin(&command, &rest, &status, argc, argv))
        return status;
    if (rest.count != 1)
        return cli_misuse(&command, "an address or a key's name is wanted");
    if (!address_of(address, rest.values[0], &error))
        return cli_fail(&command, error);
    char *url = cli_node(node, home);
    json_t *account = cli_rpc_account(url, address, &error);
    free(url);
    return finish(&command, account, show_account, error);
}

static void show_tx(const json_t *tx) {
    int64_t code = cli_rpc_number(tx, "tx_result.code");
    printf("hash       %s\nheight     %s, index %" PRId64 "\n", cli_rpc_text(tx, "hash"), cli_rpc_text(tx, "height"), cli_rpc_number(tx, "index"));
    printf("result     code %" PRId64 "%s%s\n", code, code == 0 ? " (done)" : ": ", code == 0 ? "" : cli_rpc_text(tx, "tx_result.log"));
    printf("gas        %s used of %s wanted\n", cli_rpc_text(tx, "tx_result.gas_used"), cli_rpc_text(tx, "tx_result.gas_wanted"));
}

static int query_tx(int argc, char **argv) {
    static const struct cli_command command = {.name = "query tx", .arguments = "HASH", .summary = "Where a transaction is, and what came of it.",
                                               .example = "quorate query tx 0123…CDEF", .options = options, .option_count = 3, .rest_max = 1};
    struct cli_rest rest;
    char *error = NULL;
    uint8_t hash[32];
    size_t size = 0;
    int status;
    if (!begin(&command, &rest, &status, argc, argv))
        return status;
    const char *text = rest.count == 1 ? rest.values[0] : "";
    text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
    if (!text_hex_decode(hash, &size, sizeof hash, span_text(text)) || size != sizeof hash)
        return cli_misuse(&command, "the hash of a transaction is wanted: 64 hex digits");
    char *url = cli_node(node, home);
    json_t *tx = cli_rpc_call(url, "tx", json_pack("{s:o, s:b}", "hash", cli_rpc_base64(span_of(hash, 32)), "prove", 0), &error);
    free(url);
    return finish(&command, tx, show_tx, error);
}

static void show_block(const json_t *result) {
    const json_t *txs = cli_rpc_at(result, "block.data.txs");
    printf("height     %s, of %s\n", cli_rpc_text(result, "block.header.height"), cli_rpc_text(result, "block.header.time"));
    printf("hash       %s\n", cli_rpc_text(result, "block_id.hash"));
    printf("parent     %s\n", cli_rpc_text(result, "block.header.last_block_id.hash"));
    printf("app hash   %s (after the parent)\n", cli_rpc_text(result, "block.header.app_hash"));
    printf("proposer   %s\n", cli_rpc_text(result, "block.header.proposer_address"));
    printf("txs        %zu\n", json_array_size(txs));
}

static int query_block(int argc, char **argv) {
    static const struct cli_command command = {.name = "query block", .arguments = "[HEIGHT]", .summary = "A block's header; the latest without a height.",
                                               .example = "quorate query block 7 --json", .options = options, .option_count = 3, .rest_max = 1};
    struct cli_rest rest;
    char *error = NULL;
    int status;
    if (!begin(&command, &rest, &status, argc, argv))
        return status;
    const char *height = rest.count == 1 ? rest.values[0] : NULL;
    if (height != NULL && (height[0] == '\0' || strspn(height, "0123456789") != strlen(height)))
        return cli_misuse(&command, "\"%s\" is no height", height);
    char *url = cli_node(node, home);
    json_t *block = cli_rpc_call(url, "block", height == NULL ? json_object() : json_pack("{s:s}", "height", height), &error);
    free(url);
    return finish(&command, block, show_block, error);
}

int cmd_query(int argc, char **argv) {
    static const struct cli_choice choices[] = {
        {"account", "number, sequence and coins", query_account}, {"tx", "a transaction by its hash", query_tx}, {"block", "a block by its height", query_block}};
    return cli_choose("query", choices, 3, argc, argv);
}
