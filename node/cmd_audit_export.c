/* quorate audit export: what a node knows of a height. */
#include <inttypes.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/cli_rpc.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"

static const char *home, *out_path;
static int64_t height;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the node's home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"out", CLI_TEXT, &out_path, "FILE", "where to (default height-H.log); what is there is replaced", 0, 0},
    CLI_RPC_OPTIONS,
    {"height", CLI_NUMBER, &height, "H", "which height", 1, INT64_MAX - 2},
};

static const struct cli_command export_command = {
    .name = "audit export",
    .arguments = "--height H [--home DIR] [--out FILE]",
    .summary = "Writes what this node signed and saw at a height: votes, proposals, headers, with a manifest that its validator key signs: is it complete,\n"
               "and from which height on. The node may run. An auditor takes it with --log.\n"
               "The log speaks for its signer and against it: if it holds a vote that breaks the lock rule, and no polka that allowed it, it convicts.",
    .example = "quorate audit export --home net/node1 --height 7 --out node1.log",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

void cmd_audit_tell(const struct audit_home *node, int64_t at, const char *path) {
    char address[TEXT_HEX_SIZE(20)] = "";
    text_hex_upper(address, address_span(&node->address));
    printf("chain      %s, height %" PRId64 "\nvotes      %u\n", node->chain_id, at, node->votes);
    printf("complete   %s", node->complete ? "yes" : "no");
    if (!node->complete && at > node->filled)
        printf(": the height is not over yet for this node");
    else if (!node->is_whole)
        printf(": the height took one round; of such ones only own votes are kept for long");
    else if (!node->complete)
        printf(": the vote journal is complete from height %" PRId64 " on", node->complete_from);
    printf("\nsigned     %s%s\nwritten    %s\n", node->is_signed ? "by " : "no: the validator key is not in this home", node->is_signed ? address : "", path);
}

int cmd_audit_export(int argc, char **argv) {
    struct cli_rest rest;
    struct audit_home node;
    char *error = NULL;
    int status;
    home = cli_home();
    cli_rpc_begin();
    out_path = NULL;
    height = 0;
    if (!cli_parse(&export_command, &rest, &status, 1, argc, argv))
        return status;
    if (height == 0)
        return cli_misuse(&export_command, "which height? --height H");
    struct blob *log = cmd_audit_home_log(&node, home, height, &error);
    char *path = out_path != NULL ? complaint_of("%s", out_path) : complaint_of("height-%" PRId64 ".log", height);
    bool good = log != NULL && cmd_audit_write(path, blob_span(log), &error);
    if (good)
        cmd_audit_tell(&node, height, path);
    status = good ? CLI_GOOD : cli_fail(&export_command, error);
    if (!good && log != NULL)
        status = CLI_WORLD;
    blob_release(log);
    free(path);
    return status;
}
