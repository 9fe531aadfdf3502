/* quorate tx send|raw. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secp256k1_key.h"
#include "ledger/accounts.h"
#include "ledger/cosmos_tx.h"
#include "node/cli.h"
#include "node/cli_rpc.h"
#include "node/cmd_keys.h"
#include "node/complaint.h"

#define TX_BYTES_MAX (4 << 20)

static const char *home, *node, *prefix, *from, *to, *amount_given, *memo, *mode, *chain_id;
static int64_t gas, timeout_height;
static bool json, hex;

static const struct cli_option send_options[] = {
    {"from", CLI_TEXT, &from, "NAME", "the key that pays: a name in HOME/keys, or a key file (with a /)", 0, 0},
    {"to", CLI_TEXT, &to, "ADDRESS", "who gets it: an address, a key's name or file", 0, 0},
    {"amount", CLI_TEXT, &amount_given, "COIN", "number and denomination: 5unit", 0, 0},
    {"node", CLI_TEXT, &node, "URL", "http://host:port or https://host of the RPC (default: the home\'s)", 0, 0},
    CLI_RPC_OPTIONS,
    {"home", CLI_TEXT, &home, "DIR", "the home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"memo", CLI_TEXT, &memo, "TEXT", "at most 256 bytes, for everybody to read", 0, 0},
    {"mode", CLI_TEXT, &mode, "MODE", "commit (default): wait for the block; sync: for the check; async: for nothing", 0, 0},
    {"chain-id", CLI_TEXT, &chain_id, "ID", "default: what the node says", 0, 0},
    {"gas", CLI_NUMBER, &gas, "N", "the most that it may use (200000)", 0, INT64_MAX},
    {"timeout-height", CLI_NUMBER, &timeout_height, "H", "not valid above this height (0: always)", 0, INT64_MAX},
    {"prefix", CLI_TEXT, &prefix, "TEXT", "of addresses (quorate)", 0, 0},
    {"json", CLI_FLAG, &json, "", "the node's answer as it is", 0, 0},
};

static const struct cli_option raw_options[] = {
    {"node", CLI_TEXT, &node, "URL", "http://host:port or https://host of the RPC (default: the home\'s)", 0, 0},
    CLI_RPC_OPTIONS,
    {"home", CLI_TEXT, &home, "DIR", "whose config tells the node", 0, 0},
    {"mode", CLI_TEXT, &mode, "MODE", "commit (default), sync or async", 0, 0},
    {"hex", CLI_FLAG, &hex, "", "the argument is hex", 0, 0},
    {"json", CLI_FLAG, &json, "", "the node's answer as it is", 0, 0},
};

static const struct cli_command send_command = {
    .name = "tx send", .arguments = "--from NAME --to ADDRESS --amount 5unit",
    .summary = "Signs a transfer of the built-in ledger (a Cosmos MsgSend, SIGN_MODE_DIRECT), sends it and tells what came of it.",
    .example = "quorate tx send --from first --to quorate1… --amount 5unit\n"
               "quorate tx send --home net/node0 --from net/accounts/account0.json --to net/accounts/account1.json --amount 5unit",
    .options = send_options, .option_count = sizeof send_options / sizeof send_options[0]};

static const struct cli_command raw_command = {
    .name = "tx raw", .arguments = "TEXT", .summary = "Sends the bytes of TEXT as a transaction, as the kvstore takes them.",
    .example = "quorate tx raw key=value\nquorate tx raw --hex 6b65793d76616c7565", .options = raw_options,
    .option_count = sizeof raw_options / sizeof raw_options[0], .rest_max = 1};

static bool begin(const struct cli_command *command, struct cli_rest *rest, int *status, int argc, char **argv) {
    home = cli_home();
    cli_rpc_begin();
    node = from = to = amount_given = chain_id = NULL;
    prefix = ACCOUNTS_PREFIX;
    memo = "";
    mode = "commit";
    gas = 200000;
    timeout_height = 0;
    json = hex = false;
    if (!cli_parse(command, rest, status, 1, argc, argv))
        return false;
    if (strcmp(mode, "commit") == 0 || strcmp(mode, "sync") == 0 || strcmp(mode, "async") == 0)
        return true;
    *status = cli_misuse(command, "--mode %s: commit, sync or async is wanted", mode);
    return false;
}

/* Sending */

static int show_outcome(const json_t *result) {
    bool waited = strcmp(mode, "commit") == 0;
    int64_t check = cli_rpc_number(result, waited ? "check_tx.code" : "code"), code = waited ? cli_rpc_number(result, "tx_result.code") : 0;
    const char *log = check != 0 ? cli_rpc_text(result, waited ? "check_tx.log" : "log") : cli_rpc_text(result, "tx_result.log");
    printf("hash       %s\n", cli_rpc_text(result, "hash"));
    if (check != 0)
        printf("refused    code %" PRId64 ": %s\n", check, log);
    else if (waited && code != 0)
        printf("failed     code %" PRId64 ": %s (in block %s)\n", code, log, cli_rpc_text(result, "height"));
    else if (waited)
        printf("committed  in block %s\n", cli_rpc_text(result, "height"));
    else
        printf("accepted   ask for it with: quorate query tx %s\n", cli_rpc_text(result, "hash"));
    return check == 0 && code == 0 ? CLI_GOOD : CLI_FAILED;
}

static int broadcast(const struct cli_command *command, const char *url, struct span tx) {
    char method[32], *error = NULL;
    snprintf(method, sizeof method, "broadcast_tx_%s", mode);
    json_t *result = cli_rpc_call(url, method, json_pack("{s:o}", "tx", cli_rpc_base64(tx)), &error);
    if (result == NULL)
        return cli_fail(command, error);
    if (json)
        cli_rpc_dump(result);
    bool waited = strcmp(mode, "commit") == 0;
    bool good = cli_rpc_number(result, waited ? "check_tx.code" : "code") == 0 && (!waited || cli_rpc_number(result, "tx_result.code") == 0);
    int status = json ? (good ? CLI_GOOD : CLI_FAILED) : show_outcome(result);
    json_decref(result);
    return status;
}

static int tx_raw(int argc, char **argv) {
    static uint8_t bytes[TX_BYTES_MAX];
    struct cli_rest rest;
    int status;
    size_t size = 0;
    if (!begin(&raw_command, &rest, &status, argc, argv))
        return status;
    if (rest.count != 1 || rest.values[0][0] == '\0')
        return cli_misuse(&raw_command, "the transaction's text is wanted");
    struct span tx = span_text(rest.values[0]);
    if (hex && !text_hex_decode(bytes, &size, sizeof bytes, tx))
        return cli_misuse(&raw_command, "\"%.40s\" is no hex", rest.values[0]);
    char *url = cli_node(node, home);
    status = broadcast(&raw_command, url, hex ? span_of(bytes, size) : tx);
    free(url);
    return status;
}

/* Transfers */

struct transfer {
    struct keyfile key;
    char from[TEXT_BECH32_MAX + 1], to[TEXT_BECH32_MAX + 1];
    struct cosmos_tx_coin coin;
    uint64_t number, sequence;
    char chain_id[64];
};

static bool parse_coin(struct cosmos_tx_coin *coin, const char *text) {
    size_t digits = strspn(text, "0123456789");
    coin->denom = span_text(text + digits);
    return amount_parse(&coin->amount, span_of(text, digits)) && coin->amount > 0 && cosmos_tx_denom_valid(coin->denom);
}

/* An address must be one; else it is the name or the file of a key. */
static bool read_receiver(struct transfer *transfer, char **error) {
    uint8_t address[ACCOUNTS_ADDRESS_BYTES];
    struct keyfile key;
    size_t size = strlen(prefix);
    if (strncmp(to, prefix, size) == 0 && to[size] == '1') {
        if (!accounts_parse_address(address, prefix, span_text(to))) {
            *error = complaint_of("--to %s: is no address (mistyped? its checksum does not fit)", to);
            return false;
        }
        strcpy(transfer->to, to);
        return true;
    }
    if (!cmd_keys_load(&key, home, to, error))
        return false;
    bool good = cmd_keys_address(transfer->to, &key, prefix);
    keyfile_wipe(&key);
    return good;
}

static bool ask_account(struct transfer *transfer, const char *url, char **error) {
    json_t *account = cli_rpc_account(url, transfer->from, error);
    if (account == NULL)
        return false;
    transfer->number = (uint64_t)cli_rpc_number(account, "account_number");
    transfer->sequence = (uint64_t)cli_rpc_number(account, "sequence");
    json_decref(account);
    if (chain_id != NULL) {
        snprintf(transfer->chain_id, sizeof transfer->chain_id, "%s", chain_id);
        return true;
    }
    json_t *status = cli_rpc_call(url, "status", json_object(), error);
    if (status == NULL)
        return false;
    snprintf(transfer->chain_id, sizeof transfer->chain_id, "%s", cli_rpc_text(status, "node_info.network"));
    json_decref(status);
    return true;
}

static bool sign(struct signature *signature, const struct keyfile *key, struct span bytes) {
    signature->size = 64;
    if (key->type == PUBKEY_SECP256K1)
        return secp256k1_key_sign(signature->bytes, key->secret, bytes);
    struct ed25519_key *pair = ed25519_key_new(key->secret);
    ed25519_sign(pair, signature->bytes, bytes);
    ed25519_key_free(pair);
    return true;
}

static struct span build(uint8_t *out, size_t capacity, const struct transfer *transfer) {
    static uint8_t message[1024], body[2048], auth_info[1024], document[4096];
    struct proto_writer writer;
    struct signature signature;
    struct cosmos_tx_send send = {.from = span_text(transfer->from), .to = span_text(transfer->to), .coin_count = 1};
    send.coins[0] = transfer->coin;
    proto_writer_init(&writer, message, sizeof message);
    cosmos_tx_write_send(&writer, &send);
    struct cosmos_tx_any any = {span_text(COSMOS_TX_SEND_URL), proto_writer_span(&writer)};
    proto_writer_init(&writer, body, sizeof body);
    cosmos_tx_write_body(&writer, &any, 1, span_text(memo), (uint64_t)timeout_height);
    struct span body_bytes = proto_writer_span(&writer);
    assert(!writer.overflow);
    proto_writer_init(&writer, auth_info, sizeof auth_info);
    cosmos_tx_write_auth_info(&writer, &transfer->key.public_key, transfer->sequence, NULL, 0, (uint64_t)gas);
    struct span auth_bytes = proto_writer_span(&writer);
    proto_writer_init(&writer, document, sizeof document);
    cosmos_tx_write_sign_doc(&writer, body_bytes, auth_bytes, span_text(transfer->chain_id), transfer->number);
    assert(!writer.overflow);
    bool good = sign(&signature, &transfer->key, proto_writer_span(&writer));
    assert(good);
    proto_writer_init(&writer, out, capacity);
    cosmos_tx_write_raw(&writer, body_bytes, auth_bytes, &signature);
    assert(!writer.overflow);
    return proto_writer_span(&writer);
}

static int send(struct transfer *transfer) {
    static uint8_t tx[8192];
    char *error = NULL;
    if (!cmd_keys_load(&transfer->key, home, from, &error) || !cmd_keys_address(transfer->from, &transfer->key, prefix) || !read_receiver(transfer, &error))
        return cli_fail(&send_command, error != NULL ? error : complaint_of("--prefix %s: makes no address", prefix));
    char *url = cli_node(node, home);
    int status = ask_account(transfer, url, &error) ? broadcast(&send_command, url, build(tx, sizeof tx, transfer)) : cli_fail(&send_command, error);
    free(url);
    return status;
}

static int tx_send(int argc, char **argv) {
    struct cli_rest rest;
    struct transfer transfer = {0};
    int status;
    if (!begin(&send_command, &rest, &status, argc, argv))
        return status;
    if (from == NULL || to == NULL || amount_given == NULL)
        return cli_misuse(&send_command, "--from, --to and --amount are wanted");
    if (!parse_coin(&transfer.coin, amount_given))
        return cli_misuse(&send_command, "--amount %s: a number and a denomination are wanted, such as 5unit", amount_given);
    if (strlen(memo) > COSMOS_TX_MEMO_MAX)
        return cli_misuse(&send_command, "--memo: at most %d bytes", COSMOS_TX_MEMO_MAX);
    status = send(&transfer);
    keyfile_wipe(&transfer.key);
    return status;
}

int cmd_tx(int argc, char **argv) {
    static const struct cli_choice choices[] = {{"send", "coins to another account", tx_send}, {"raw", "the bytes of a text", tx_raw}};
    return cli_choose("tx", choices, 2, argc, argv);
}
