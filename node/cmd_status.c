/* quorate status. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli.h"
#include "node/cli_rpc.h"

static const char *home, *node;
static bool json;

static const struct cli_option options[] = {
    {"node", CLI_TEXT, &node, "URL", "http://host:port or https://host of the RPC (default: the home\'s)", 0, 0},
    CLI_RPC_OPTIONS,
    {"home", CLI_TEXT, &home, "DIR", "whose config tells the node", 0, 0},
    {"json", CLI_FLAG, &json, "", "the node's answer as it is", 0, 0},
};

static void show(const json_t *status, const json_t *net) {
    const char *power = cli_rpc_text(status, "validator_info.voting_power");
    printf("node       %s (%s)\n", cli_rpc_text(status, "node_info.moniker"), cli_rpc_text(status, "node_info.id"));
    printf("chain      %s, version %s\n", cli_rpc_text(status, "node_info.network"), cli_rpc_text(status, "node_info.version"));
    printf("height     %s, of %s%s\n", cli_rpc_text(status, "sync_info.latest_block_height"), cli_rpc_text(status, "sync_info.latest_block_time"),
           json_is_true(cli_rpc_at(status, "sync_info.catching_up")) ? " (catching up)" : "");
    printf("block      %s\n", cli_rpc_text(status, "sync_info.latest_block_hash"));
    printf("app hash   %s\n", cli_rpc_text(status, "sync_info.latest_app_hash"));
    printf("validator  %s, power %s%s\n", cli_rpc_text(status, "validator_info.address"), power, strcmp(power, "0") == 0 ? " (does not vote)" : "");
    if (net != NULL)
        printf("peers      %" PRId64 "\n", cli_rpc_number(net, "n_peers"));
}

int cmd_status(int argc, char **argv) {
    static const struct cli_command command = {.name = "status", .arguments = "[--node URL] [--json]", .summary = "What a running node says of itself: chain, height, peers.",
                                               .example = "quorate status --home net/node0\nquorate status --node http://127.0.0.1:26657 --json", .options = options,
                                               .option_count = sizeof options / sizeof options[0]};
    struct cli_rest rest;
    char *error = NULL, *unneeded = NULL;
    int code;
    home = cli_home();
    cli_rpc_begin();
    node = NULL;
    json = false;
    if (!cli_parse(&command, &rest, &code, 1, argc, argv))
        return code;
    char *url = cli_node(node, home);
    json_t *status = cli_rpc_call(url, "status", json_object(), &error);
    json_t *net = status != NULL && !json ? cli_rpc_call(url, "net_info", json_object(), &unneeded) : NULL;
    if (status != NULL && json)
        cli_rpc_dump(status);
    else if (status != NULL)
        show(status, net);
    json_decref(status);
    json_decref(net);
    free(unneeded);
    free(url);
    return error == NULL ? CLI_GOOD : cli_fail(&command, error);
}
