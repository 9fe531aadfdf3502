/* Asking a node: JSON-RPC over httpclient.h. */
#ifndef QUORATE_NODE_CLI_RPC_H
#define QUORATE_NODE_CLI_RPC_H

#include <jansson.h>

#include "crypto/span.h"

/* How a command reaches a node that has TLS or tokens: its options begin as NULL, which also ends the last command's. One thread. */
void cli_rpc_begin(void);
extern const char *cli_rpc_ca, *cli_rpc_tokens;
#define CLI_RPC_OPTIONS                                                                                                                \
    {"ca", CLI_TEXT, &cli_rpc_ca, "FILE", "for https: trust the authorities of this file (PEM) instead of the system's", 0, 0},       \
    {"token-file", CLI_TEXT, &cli_rpc_tokens, "FILE", "for nodes that want one: lines with an address like https://host and its token", 0, 0}

struct passport;
const struct passport *cli_rpc_passport(char **error); /* what those options say; NULL: *error */

/* The result, for the caller to json_decref; takes `params`. NULL with *error: no answer, no JSON, or the node's own error. */
json_t *cli_rpc_call(const char *node, const char *method, json_t *params, char **error);

/* Texts and numbers (also in quotes) below an answer, by a path "sync_info.latest_block_height"; "" and 0 when it is not there. */
const char *cli_rpc_text(const json_t *result, const char *path);
int64_t cli_rpc_number(const json_t *result, const char *path);
const json_t *cli_rpc_at(const json_t *result, const char *path);
void cli_rpc_dump(const json_t *result); /* as it is, indented, to stdout */

json_t *cli_rpc_base64(struct span bytes); /* a JSON text */

/* An account of the ledger application: the JSON that /ledger/account/ADDRESS answers. */
json_t *cli_rpc_account(const char *node, const char *address, char **error);

#endif
