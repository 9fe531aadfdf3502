/* quorate testnet: the homes of a whole network. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli.h"
#include "node/complaint.h"
#include "node/config_keys.h"
#include "node/home.h"

#define NODES_MAX    1000
#define ACCOUNTS_MAX 65536

static struct {
    int64_t validators, others, p2p_port, loopback_base_port, initial_height, accounts, coins, power;
    const char *out, *chain_id, *app, *release, *prefix, *hostname_prefix, *hostname_suffix, *starting_ip, *account_type;
    bool populate;
    const char *hostnames[NODES_MAX];
    size_t hostname_count;
} wish;

static const struct cli_option options[] = {
    {"v", CLI_NUMBER, &wish.validators, "N", "validators (4)", 1, NODES_MAX},
    {"n", CLI_NUMBER, &wish.others, "N", "nodes that only follow (0)", 0, NODES_MAX},
    {"o", CLI_TEXT, &wish.out, "DIR", "folder for the homes (./mytestnet)", 0, 0},
    {"chain-id", CLI_TEXT, &wish.chain_id, "ID", "at most 50 characters (chain-XXXXXX)", 0, 0},
    {"app", CLI_TEXT, &wish.app, "NAME", "ledger (default) or kvstore", 0, 0},
    {"release", CLI_TEXT, &wish.release, "R", "rules of CometBFT 0.38 (default), 0.39 or 0.40", 0, 0},
    {"loopback-base-port", CLI_NUMBER, &wish.loopback_base_port, "P", "all on 127.0.0.1: node i takes P+2i for peers, P+2i+1 for RPC", 1024, 65535},
    {"node-dir-prefix", CLI_TEXT, &wish.prefix, "NAME", "names of the homes (node)", 0, 0},
    {"initial-height", CLI_NUMBER, &wish.initial_height, "H", "height of the first block (1)", 0, INT64_MAX / 2},
    {"populate-persistent-peers", CLI_FLAG, &wish.populate, "", "name all nodes as persistent peers (true)", 0, 0},
    {"hostname-prefix", CLI_TEXT, &wish.hostname_prefix, "NAME", "node i is at NAMEi (node)", 0, 0},
    {"hostname-suffix", CLI_TEXT, &wish.hostname_suffix, "NAME", "... and this behind it", 0, 0},
    {"starting-ip-address", CLI_TEXT, &wish.starting_ip, "IP", "node 0 is at this IPv4 address, the others follow", 0, 0},
    {"p2p-port", CLI_NUMBER, &wish.p2p_port, "PORT", "where all listen for peers (26656)", 1, 65535},
    {"accounts", CLI_NUMBER, &wish.accounts, "N", "funded accounts of the ledger, keys in DIR/accounts (4)", 0, ACCOUNTS_MAX},
    {"account-type", CLI_TEXT, &wish.account_type, "TYPE", "secp256k1 (default) or ed25519", 0, 0},
    {"account-coins", CLI_NUMBER, &wish.coins, "N", "units for each (1000000000000)", 1, INT64_MAX},
    {"validator-power", CLI_NUMBER, &wish.power, "N", "of each (1)", 1, 1000000000},
};

static bool set_other(void *context, const char *name, const char *value, char **error);

static struct config base;

static const struct cli_command command = {
    .name = "testnet",
    .arguments = "[--v N] [--n N] [--o DIR] [--app ledger|kvstore] [--loopback-base-port P] [--SETTING VALUE …]",
    .summary = "Makes the homes of a network: DIR/node0, node1, …, with keys, settings and one genesis. Refuses to overwrite.\n"
               "--hostname NAME may be given once per node. Any setting of config.toml can be given for all nodes, by its name or, where\n"
               "that is not enough, with its section: --timeout-commit 100ms, --mempool.size 20000, --p2p.pex false.",
    .example = "quorate testnet --v 4 --o net --chain-id demo --loopback-base-port 26656\nquorate start --home net/node0",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .other = set_other,
    .context = &base,
};

/* "timeout-commit", "consensus.timeout_commit", "mempool.keep-invalid-txs-in-cache" */
static bool names_key(const struct config_keys_own *key, const char *name) {
    const char *dot = strrchr(name, '.'), *own = key->name;
    if (dot != NULL && (strlen(key->section) != (size_t)(dot - name) || strncmp(key->section, name, (size_t)(dot - name)) != 0))
        return false;
    for (name = dot == NULL ? name : dot + 1; *name != '\0' && *own != '\0'; name++, own++)
        if ((*name == '-' ? '_' : *name) != (*own == '-' ? '_' : *own))
            return false;
    return *name == '\0' && *own == '\0';
}

static bool set_other(void *context, const char *name, const char *value, char **error) {
    const struct config_keys_own *found = NULL;
    char key[128];
    if (strcmp(name, "hostname") == 0) {
        if (wish.hostname_count < NODES_MAX)
            wish.hostnames[wish.hostname_count++] = value;
        return true;
    }
    for (size_t i = 0; i < config_keys_count; i++) {
        if (!names_key(&config_keys[i], name))
            continue;
        if (found != NULL) {
            *error = complaint_of("--%s: is in more than one section; say --%s.%s or --%s.%s", name, found->section, name, config_keys[i].section, name);
            return true;
        }
        found = &config_keys[i];
    }
    if (found == NULL)
        return false;
    snprintf(key, sizeof key, "%s%s%s", found->section, found->section[0] == '\0' ? "" : ".", found->name);
    (void)config_set(context, key, value, error);
    return true;
}

struct network {
    size_t count;
    struct home_keys *keys;
    char **homes;
    struct home_account *accounts;
};

static char *host_of(size_t index) {
    struct in_addr ip;
    char text[INET_ADDRSTRLEN];
    if (wish.loopback_base_port != 0)
        return complaint_of("127.0.0.1");
    if (wish.hostname_count > 0)
        return complaint_of("%s", wish.hostnames[index]);
    if (wish.starting_ip == NULL)
        return complaint_of("%s%zu%s", wish.hostname_prefix, index, wish.hostname_suffix);
    inet_pton(AF_INET, wish.starting_ip, &ip);
    ip.s_addr = htonl(ntohl(ip.s_addr) + (uint32_t)index);
    inet_ntop(AF_INET, &ip, text, sizeof text);
    return complaint_of("%s", text);
}

static int64_t p2p_port(size_t index) {
    return wish.loopback_base_port != 0 ? wish.loopback_base_port + 2 * (int64_t)index : wish.p2p_port;
}

/* All but the node itself. */
static char *peers_of(const struct network *net, size_t index) {
    char *list = complaint_of("%s", "");
    for (size_t i = 0; wish.populate && i < net->count; i++) {
        if (i == index)
            continue;
        char *host = host_of(i), *longer;
        longer = complaint_of("%s%s%s@%s:%lld", list, list[0] == '\0' ? "" : ",", net->keys[i].id, host, (long long)p2p_port(i));
        free(host);
        free(list);
        list = longer;
    }
    return list;
}

static void set_or_die(struct config *config, const char *key, const char *value) {
    char *error = NULL;
    bool good = config_set(config, key, value, &error);
    assert(good);
}

static void set_formatted(struct config *config, const char *key, const char *format, long long value) {
    char text[64];
    snprintf(text, sizeof text, format, value);
    set_or_die(config, key, text);
}

/* Settings of one node, from those of all. A moniker is its own, everything else can be the same. */
static bool write_texts(const struct network *net, size_t index, const char *genesis, char **error) {
    char *peers = peers_of(net, index), *name = complaint_of("%s%zu", wish.prefix, index);
    set_or_die(&base, "p2p.persistent_peers", peers);
    set_or_die(&base, "moniker", name);
    set_or_die(&base, "version", config_rpc_version(&base));
    if (wish.loopback_base_port != 0) {
        set_formatted(&base, "p2p.laddr", "tcp://127.0.0.1:%lld", p2p_port(index));
        set_formatted(&base, "rpc.laddr", "tcp://127.0.0.1:%lld", p2p_port(index) + 1);
    } else {
        set_formatted(&base, "p2p.laddr", "tcp://0.0.0.0:%lld", wish.p2p_port);
    }
    bool good = home_write_texts(net->homes[index], &base, genesis, error);
    free(peers);
    free(name);
    return good;
}

static char *make_genesis(const struct network *net) {
    struct genesis_validator *validators = calloc((size_t)wish.validators, sizeof validators[0]);
    bool is_ledger = strcmp(config_application(&base), "ledger") == 0;
    char random_id[VOTE_CHAIN_ID_BYTES_MAX + 1], *state = is_ledger ? home_app_state(net->accounts, (size_t)wish.accounts, wish.coins) : NULL;
    assert(validators != NULL);
    home_random_chain_id(random_id);
    for (int64_t i = 0; i < wish.validators; i++) {
        const struct pubkey *key = &net->keys[i].validator.public_key;
        validators[i].member = (struct valset_change){pubkey_address(key), *key, wish.power};
        snprintf(validators[i].name, sizeof validators[i].name, "%.60s%lld", wish.prefix, (long long)i);
    }
    struct genesis_plan plan = {.chain_id = wish.chain_id != NULL ? wish.chain_id : random_id, .time = home_now(),
                                .initial_height = wish.initial_height > 0 ? wish.initial_height : 1, .validators = validators,
                                .validator_count = (uint32_t)wish.validators, .app_state = state};
    params_defaults(&plan.params, config_release(&base));
    char *text = genesis_text(&plan);
    free(validators);
    free(state);
    return text;
}

static bool save_accounts(const struct network *net, char **error) {
    bool good = true;
    for (int64_t i = 0; good && i < wish.accounts; i++) {
        char *path = complaint_of("%s/accounts/account%lld.json", wish.out, (long long)i);
        home_account_generate(&net->accounts[i], strcmp(wish.account_type, "ed25519") == 0 ? PUBKEY_ED25519 : PUBKEY_SECP256K1);
        good = keyfile_save(&net->accounts[i].key, path, false, false, error);
        free(path);
    }
    return good;
}

static bool write_network(struct network *net, char **error) {
    bool good = true;
    for (size_t i = 0; good && i < net->count; i++)
        good = home_is_free(net->homes[i], error);
    if (good && strcmp(config_application(&base), "ledger") == 0)
        good = save_accounts(net, error);
    for (size_t i = 0; good && i < net->count; i++)
        good = home_write_keys(net->homes[i], &net->keys[i], (int64_t)i < wish.validators, error);
    char *genesis = good ? make_genesis(net) : NULL;
    for (size_t i = 0; good && i < net->count; i++)
        good = write_texts(net, i, genesis, error);
    free(genesis);
    return good;
}

static void free_network(struct network *net) {
    for (size_t i = 0; i < net->count; i++)
        free(net->homes[i]);
    explicit_bzero(net->keys, net->count * sizeof net->keys[0]);
    free(net->homes);
    free(net->keys);
    free(net->accounts);
}

static void tell(const struct network *net) {
    printf("made %zu homes in %s\nrun each with: quorate start --home %s\n", net->count, wish.out, net->homes[0]);
    if (wish.loopback_base_port != 0 || wish.hostname_count > 0 || wish.starting_ip != NULL || net->count < 2)
        return;
    char *first = host_of(0), *last = host_of(net->count - 1);
    printf("the others are dialled at %s%s %s: DNS or /etc/hosts must know these names; for one machine: --loopback-base-port %lld\n", first,
           net->count == 2 ? "," : " to", last, (long long)wish.p2p_port);
    free(first);
    free(last);
}

static bool make_network(char **error) {
    struct network net = {.count = (size_t)(wish.validators + wish.others)};
    net.keys = calloc(net.count, sizeof net.keys[0]);
    net.homes = calloc(net.count, sizeof net.homes[0]);
    net.accounts = calloc((size_t)wish.accounts + 1, sizeof net.accounts[0]);
    assert(net.keys != NULL && net.homes != NULL && net.accounts != NULL);
    for (size_t i = 0; i < net.count; i++)
        net.homes[i] = complaint_of("%s/%s%zu", wish.out, wish.prefix, i);
    bool good = write_network(&net, error);
    if (good)
        tell(&net);
    free_network(&net);
    return good;
}

static int check_wish(void) {
    struct in_addr ip;
    int64_t nodes = wish.validators + wish.others;
    if (wish.chain_id != NULL && (wish.chain_id[0] == '\0' || strlen(wish.chain_id) > VOTE_CHAIN_ID_BYTES_MAX))
        return cli_misuse(&command, "--chain-id: 1 to 50 characters are wanted");
    if (wish.hostname_count > 0 && (int64_t)wish.hostname_count != nodes)
        return cli_misuse(&command, "--hostname is given %zu times, for %lld nodes", wish.hostname_count, (long long)nodes);
    if (wish.starting_ip != NULL && inet_pton(AF_INET, wish.starting_ip, &ip) != 1)
        return cli_misuse(&command, "--starting-ip-address %s: is no IPv4 address", wish.starting_ip);
    if (wish.loopback_base_port != 0 && wish.loopback_base_port + 2 * nodes - 1 > 65535)
        return cli_misuse(&command, "--loopback-base-port: there are not ports enough above it for %lld nodes", (long long)nodes);
    if (!config_keys_is_choice("secp256k1|ed25519", wish.account_type))
        return cli_misuse(&command, "--account-type: secp256k1 or ed25519 is wanted");
    return CLI_GOOD;
}

static int finish(char *error, int status) {
    config_close(&base);
    return error == NULL ? status : (cli_fail(&command, error), status);
}

int cmd_testnet(int argc, char **argv) {
    struct cli_rest rest;
    char *warning = NULL, *error = NULL;
    int status;
    memset(&wish, 0, sizeof wish);
    wish.validators = 4;
    wish.p2p_port = 26656;
    wish.accounts = 4;
    wish.coins = 1000000000000;
    wish.power = 1;
    wish.out = "./mytestnet";
    wish.app = "ledger";
    wish.release = "0.38";
    wish.prefix = wish.hostname_prefix = "node";
    wish.hostname_suffix = "";
    wish.account_type = "secp256k1";
    wish.populate = true;
    config_init(&base, PARAMS_V038);
    set_or_die(&base, "p2p.addr_book_strict", "false"); /* private networks, as CometBFT's testnet has it */
    set_or_die(&base, "p2p.allow_duplicate_ip", "true");
    if (!cli_parse(&command, &rest, &status, 1, argc, argv) || (status = check_wish()) != CLI_GOOD)
        return finish(NULL, status);
    if (!config_set(&base, "quorate.release", wish.release, &error) ||
        !config_read(&base, span_text(""), "", &warning, &error) /* the release's defaults */ || !config_set(&base, "proxy_app", wish.app, &error) || !config_check(&base, &error))
        return finish(error, CLI_USAGE);
    return make_network(&error) ? finish(NULL, CLI_GOOD) : finish(error, CLI_FAILED);
}
