#include "node/config_keys.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"

#define AT(field) offsetof(struct config, field)
#define DAY_MS    (24ll * 3600 * 1000)
#define TEXT(section, name, field, value, choices, comment) \
    {section, name, CONFIG_KEYS_TEXT, AT(field), value, NULL, 0, 0, choices, comment}
#define LIST(section, name, field, value, comment) {section, name, CONFIG_KEYS_LIST, AT(field), value, NULL, 0, 0, NULL, comment}
#define BOOL(section, name, field, value, comment) {section, name, CONFIG_KEYS_BOOLEAN, AT(field), value, NULL, 0, 0, NULL, comment}
#define NUMBER(section, name, field, value, value_40, min, max, comment) \
    {section, name, CONFIG_KEYS_INTEGER, AT(field), value, value_40, min, max, NULL, comment}
#define TIME(section, name, field, value, value_40, comment) \
    {section, name, CONFIG_KEYS_DURATION, AT(field), value, value_40, 0, 365 * DAY_MS, NULL, comment}

const struct config_keys_own config_keys[] = {
    TEXT("", "version", version, "0.38.17", NULL, "The CometBFT release whose file this is"),
    TEXT("", "proxy_app", proxy_app, "ledger", NULL,
         "The application: \"ledger\", \"kvstore\" or \"noop\", all built in, or where another one listens: \"tcp://HOST:PORT\", \"unix://PATH\""),
    TEXT("", "abci", abci, "socket", NULL, "How an application that is not built in is spoken to: always \"socket\""),
    TEXT("", "moniker", moniker, "quorate", NULL, "A name of this node for people"),
    TEXT("", "db_backend", db_backend, "goleveldb", NULL, "Always LevelDB here; kept for CometBFT's tools"),
    TEXT("", "db_dir", db_dir, "data", NULL, "Folder of the store; like all paths here relative to the home, or absolute"),
    TEXT("", "log_level", log_level, "info", NULL, "debug, info, warn or error"),
    TEXT("", "log_format", log_format, "plain", "plain|json", "plain or json"),
    TEXT("", "genesis_file", genesis_file, "config/genesis.json", NULL, "What the chain starts from"),
    TEXT("", "priv_validator_key_file", priv_validator_key_file, "config/priv_validator_key.json", NULL, "The key that signs votes"),
    TEXT("", "priv_validator_state_file", priv_validator_state_file, "data/priv_validator_state.json", NULL,
         "The signing mark: what was signed last. Never copy it, never delete it"),
    TEXT("", "priv_validator_laddr", priv_validator_laddr, "", NULL,
         "Where a remote signer may connect (tcp://IP:PORT, unix://PATH; see `quorate signer`); empty: the key file signs"),
    TEXT("", "node_key_file", node_key_file, "config/node_key.json", NULL, "The key that this node proves to its peers"),
    BOOL("", "filter_peers", filter_peers, "false",
         "Ask the application about each peer: queries /p2p/filter/addr/IP:PORT and /p2p/filter/id/ID; a code other than 0 keeps it out"),

    TEXT("rpc", "laddr", rpc.laddr, "tcp://127.0.0.1:26657", NULL, "Where the RPC listens"),
    LIST("rpc", "cors_allowed_origins", rpc.cors_allowed_origins, "", "Origins that browsers may ask from; [] none, [\"*\"] any"),
    LIST("rpc", "cors_allowed_methods", rpc.cors_allowed_methods, "HEAD,GET,POST", NULL),
    LIST("rpc", "cors_allowed_headers", rpc.cors_allowed_headers, "Origin,Accept,Content-Type,X-Requested-With,X-Server-Time", NULL),
    BOOL("rpc", "unsafe", rpc.unsafe, "false", "Methods that change the node: dial_seeds, dial_peers, unsafe_flush_mempool"),
    NUMBER("rpc", "max_open_connections", rpc.max_open_connections, "900", NULL, 0, 1000000, "0: no limit"),
    NUMBER("rpc", "max_subscription_clients", rpc.max_subscription_clients, "100", NULL, 0, 1000000, NULL),
    NUMBER("rpc", "max_subscriptions_per_client", rpc.max_subscriptions_per_client, "5", NULL, 0, 1000000, NULL),
    NUMBER("rpc", "experimental_subscription_buffer_size", rpc.subscription_buffer_size, "200", NULL, 100, 1000000,
           "Messages that may wait for a subscriber to take them"),
    TIME("rpc", "timeout_broadcast_tx_commit", rpc.timeout_broadcast_tx_commit_ms, "10s", NULL, "How long broadcast_tx_commit waits for its block"),
    NUMBER("rpc", "max_request_batch_size", rpc.max_request_batch_size, "10", NULL, 0, 1000000, "Requests in one JSON-RPC batch; 0: no limit"),
    NUMBER("rpc", "max_body_bytes", rpc.max_body_bytes, "1000000", NULL, 0, 1ll << 31, NULL),
    NUMBER("rpc", "max_header_bytes", rpc.max_header_bytes, "1048576", NULL, 0, 1ll << 31, NULL),
    TEXT("rpc", "tls_cert_file", rpc.tls_cert_file, "", NULL, "Certificate chain (PEM) for HTTPS; a relative path is below config/; empty: plain HTTP"),
    TEXT("rpc", "tls_key_file", rpc.tls_key_file, "", NULL, "Its key (PEM)"),

    TEXT("p2p", "laddr", p2p.laddr, "tcp://0.0.0.0:26656", NULL, "Where peers may connect"),
    TEXT("p2p", "external_address", p2p.external_address, "", NULL, "What peers are told to dial (ip:port); empty: what laddr says"),
    TEXT("p2p", "seeds", p2p.seeds, "", NULL, "Nodes to ask for addresses: id@host:port, joined by commas"),
    TEXT("p2p", "persistent_peers", p2p.persistent_peers, "", NULL, "Nodes to stay connected with: id@host:port, joined by commas"),
    TEXT("p2p", "addr_book_file", p2p.addr_book_file, "config/addrbook.json", NULL,
         "Addresses of nodes, kept for the next start (CometBFT's format)"),
    BOOL("p2p", "addr_book_strict", p2p.addr_book_strict, "true", "Only addresses of the public internet; false for private networks"),
    NUMBER("p2p", "max_num_inbound_peers", p2p.max_num_inbound_peers, "40", NULL, 0, 10000, NULL),
    NUMBER("p2p", "max_num_outbound_peers", p2p.max_num_outbound_peers, "10", NULL, 0, 10000, "Without the persistent ones"),
    TEXT("p2p", "unconditional_peer_ids", p2p.unconditional_peer_ids, "", NULL, "Ids that no limit keeps out"),
    TIME("p2p", "persistent_peers_max_dial_period", p2p.persistent_peers_max_dial_period_ms, "0s", NULL,
         "Longest pause before dialling a persistent peer again; 0s: it doubles and doubles"),
    TIME("p2p", "flush_throttle_timeout", p2p.flush_throttle_timeout_ms, "100ms", "10ms", NULL),
    NUMBER("p2p", "send_rate", p2p.send_rate, "5120000", NULL, 0, 1ll << 40, "Bytes per second and peer"),
    NUMBER("p2p", "recv_rate", p2p.recv_rate, "5120000", NULL, 0, 1ll << 40, NULL),
    BOOL("p2p", "pex", p2p.pex, "true", "Exchange addresses with peers"),
    BOOL("p2p", "seed_mode", p2p.seed_mode, "false", "A seed: gather and tell addresses, and hang up; the node neither follows the chain nor signs"),
    TEXT("p2p", "private_peer_ids", p2p.private_peer_ids, "", NULL, "Ids that are never told to others"),
    BOOL("p2p", "allow_only", p2p.allow_only, "false",
         "Only peers whose ids are listed (persistent_peers, unconditional_peer_ids, private_peer_ids,\n[quorate] p2p_allow_only) are admitted"),
    BOOL("p2p", "allow_duplicate_ip", p2p.allow_duplicate_ip, "false", "Several peers from one address"),
    TIME("p2p", "handshake_timeout", p2p.handshake_timeout_ms, "20s", NULL, NULL),
    TIME("p2p", "dial_timeout", p2p.dial_timeout_ms, "3s", NULL, NULL),

    TEXT("mempool", "type", mempool.type, "flood", "flood|", NULL),
    BOOL("mempool", "recheck", mempool.recheck, "true", "Check what waits again after each block"),
    BOOL("mempool", "broadcast", mempool.broadcast, "true", "Pass transactions on to peers"),
    NUMBER("mempool", "size", mempool.size, "5000", NULL, 0, 100000000, "Transactions that may wait"),
    NUMBER("mempool", "max_txs_bytes", mempool.max_txs_bytes, "1073741824", NULL, 0, 1ll << 40, "... and all their bytes"),
    NUMBER("mempool", "cache_size", mempool.cache_size, "10000", NULL, 0, 100000000, "Hashes of transactions seen before"),
    BOOL("mempool", "keep-invalid-txs-in-cache", mempool.keep_invalid_txs_in_cache, "false", NULL),
    NUMBER("mempool", "max_tx_bytes", mempool.max_tx_bytes, "1048576", "4194304", 1, PARAMS_BLOCK_BYTES_MAX, "The largest transaction"),
    TIME("mempool", "ttl-duration", mempool.ttl_duration_ms, "0s", NULL, "Drop what waited so long; 0: never"),
    NUMBER("mempool", "ttl-num-blocks", mempool.ttl_num_blocks, "0", NULL, 0, 1ll << 40, NULL),

    TEXT("consensus", "wal_file", consensus.wal_file, "data/cs.wal/wal", NULL, "The journal of the current height"),
    TIME("consensus", "timeout_propose", consensus.timeout_propose_ms, "3s", NULL, "Wait for a proposal before voting nil; each delta is added per round"),
    TIME("consensus", "timeout_propose_delta", consensus.timeout_propose_delta_ms, "500ms", NULL, NULL),
    TIME("consensus", "timeout_prevote", consensus.timeout_prevote_ms, "1s", NULL, NULL),
    TIME("consensus", "timeout_prevote_delta", consensus.timeout_prevote_delta_ms, "500ms", NULL, NULL),
    TIME("consensus", "timeout_precommit", consensus.timeout_precommit_ms, "1s", NULL, NULL),
    TIME("consensus", "timeout_precommit_delta", consensus.timeout_precommit_delta_ms, "500ms", NULL, NULL),
    TIME("consensus", "timeout_commit", consensus.timeout_commit_ms, "1s", NULL, "Wait after a block for more precommits, before the next height"),
    NUMBER("consensus", "double_sign_check_height", consensus.double_sign_check_height, "0", NULL, 0, 1000000,
           "Do not start if our key signed one of the last so many blocks; 0: no check"),
    BOOL("consensus", "skip_timeout_commit", consensus.skip_timeout_commit, "false", "Go on as soon as all precommits are there"),
    BOOL("consensus", "create_empty_blocks", consensus.create_empty_blocks, "true", NULL),
    TIME("consensus", "create_empty_blocks_interval", consensus.create_empty_blocks_interval_ms, "0s", NULL, NULL),
    TIME("consensus", "peer_gossip_sleep_duration", consensus.peer_gossip_sleep_duration_ms, "100ms", NULL, NULL),
    TIME("consensus", "peer_query_maj23_sleep_duration", consensus.peer_query_maj23_sleep_duration_ms, "2s", NULL, NULL),
    TIME("consensus", "block_time_tolerance", consensus.block_time_tolerance_ms, "1m", NULL, "How far a block's time may be ahead of our clock; 0s: any"),

    BOOL("storage", "discard_abci_responses", storage.discard_abci_responses, "false", "Keep no results of blocks beyond what the index needs; no block_results"),
    NUMBER("storage", "retain_blocks", storage.retain_blocks, "0", NULL, 0, INT64_MAX,
           "How many of the newest blocks are kept; 0: all. The application may want to keep more. Headers, commits and validators stay\n"
           "as long as evidence about them can be valid"),
    NUMBER("storage", "retain_states", storage.retain_states, "0", NULL, 0, INT64_MAX, "Headers, commits, validators and parameters; 0: with their blocks"),
    NUMBER("storage", "retain_results", storage.retain_results, "0", NULL, 0, INT64_MAX, "Results of blocks; 0: with their blocks. The index needs those that it covers"),

    TEXT("tx_index", "indexer", tx_index.indexer, "kv", "kv|null", "kv: transactions and blocks are found by hash and by their events; null: no index"),
    NUMBER("tx_index", "retain_blocks", tx_index.retain_blocks, "0", NULL, 0, INT64_MAX, "How many of the newest blocks are indexed; 0: all that are kept"),

    BOOL("instrumentation", "prometheus", instrumentation.prometheus, "false", "Metrics for Prometheus at /metrics"),
    TEXT("instrumentation", "prometheus_listen_addr", instrumentation.prometheus_listen_addr, ":26660", NULL, NULL),
    NUMBER("instrumentation", "max_open_connections", instrumentation.max_open_connections, "3", NULL, 0, 64, "Of those who scrape; 0: 64"),
    TEXT("instrumentation", "namespace", instrumentation.namespace, "cometbft", NULL, "What CometBFT's names begin with; ours begin with quorate"),

    TEXT("quorate", "release", quorate.release, "0.38", "0.38|0.39|0.40",
         "The release of CometBFT whose rules the chain follows where they differ (median of times, limits, defaults; and whether transactions\nare taken while catching up): \"0.38\", \"0.39\", \"0.40\".\n"
         "All nodes of a chain must agree. A validator set that mixes rules can halt"),
    TEXT("quorate", "application", quorate.application, "", "ledger|kvstore|persistent_kvstore|noop|extender|", "Overrides proxy_app, for a file that other tools read as well"),
    TEXT("quorate", "rpc_version", quorate.rpc_version, "", NULL, "What status tells as CometBFT's version; empty: that of the release"),
    TEXT("quorate", "p2p_allow_only", quorate.allow_only_ids, "", NULL, "Ids (40 hex digits, joined by commas); not empty: nobody else is admitted"),
    NUMBER("quorate", "disk_free_min", quorate.disk_free_min, "100000000", NULL, 0, INT64_MAX,
           "Bytes. With less left on the disk of the home the node signs and proposes nothing, until there is space again; 0: it does not look"),
    TIME("quorate", "mempool_relay", quorate.mempool_relay_ms, "100ms", NULL,
         "Pause before passing on what a peer sent: in a full mesh its sender reaches the others itself"),
    TIME("quorate", "proposal_pace", quorate.proposal_pace_ms, "500ms", NULL,
         "Under a backlog our proposals are only so large that building, agreeing and applying take about this long; 0s: as large as allowed"),
    TIME("quorate", "remote_signer_wait", quorate.remote_signer_wait_ms, "1m", NULL, "How long a start waits for the remote signer to connect"),
    LIST("quorate", "rpc_tokens", quorate.rpc_tokens, "",
         "Who may call the RPC with `Authorization: Bearer TOKEN`, and what: [\"TOKEN=read+submit\", \"sha256:HEX=admin\"]. A token has 16\n"
         "characters or more. read: queries; submit: broadcast_*, check_tx; admin: the unsafe methods"),
    TEXT("quorate", "rpc_anonymous", quorate.rpc_anonymous, "read+submit+admin", NULL, "What those without a token may; empty: nothing"),
    TEXT("quorate", "rpc_client_ca_file", quorate.rpc_client_ca_file, "", NULL,
         "Under TLS: clients must show a certificate of this authority (PEM; a relative path is below config/)"),
    NUMBER("quorate", "rpc_rate", quorate.rpc_rate, "0", NULL, 0, 1000000, "RPC calls per second from one address; 0: no limit. This host is exempt"),
    NUMBER("quorate", "rpc_max_connections_per_address", quorate.rpc_max_connections_per_address, "400", NULL, 0, 1000000,
           "RPC connections from one address at once; 0: no limit. This host is exempt"),
    TIME("quorate", "app_timeout", quorate.app_timeout_ms, "10m", NULL,
         "How long an application that is not built in may be at work on one call before the node stops; 0s: for ever"),
    BOOL("quorate", "fork_stops_signing", quorate.fork_stops_signing, "true",
         "When two conflicting commits of this chain are seen, sign nothing more until data/fork-alarm.json is moved away; queries are still answered"),
    NUMBER("quorate", "journal_retain", quorate.journal_retain, "0", NULL, 0, 1ll << 40,
           "Heights of which the vote journal (data/votes.db) keeps what was voted, for auditors; 0: all. Never fewer than evidence is good for"),
};
const size_t config_keys_count = sizeof config_keys / sizeof config_keys[0];
_Static_assert(sizeof config_keys / sizeof config_keys[0] <= sizeof((struct config *)0)->given, "one flag for each key");

#define STATE_SYNC    "state sync comes in a later release. Set it to false: the node then fetches blocks from its peers"
#define OTHER_NET     "this transport comes in a later release. Set it to false"

const struct config_keys_foreign config_keys_foreign[] = {
    {"", "fast_sync", NULL, NULL},
    {"", "block_sync", NULL, NULL},
    {"", "event_bus_buffer_capacity", NULL, NULL},
    {"", "home", NULL, NULL},
    {"rpc", "grpc_laddr", "", NULL},
    {"rpc", "grpc_max_open_connections", NULL, NULL},
    {"rpc", "experimental_websocket_write_buffer_size", "200", NULL},
    {"rpc", "experimental_close_on_slow_client", "false", NULL},
    {"rpc", "pprof_laddr", "", NULL},
    {"p2p", "upnp", "false", NULL},
    {"p2p", "max_packet_msg_payload_size", "1024", NULL},
    {"p2p", "test_dial_fail", "false", NULL},
    {"p2p", "test_fuzz", "false", NULL},
    {"p2p.libp2p", "enabled", "false", OTHER_NET},
    {"mempool", "version", "v0|flood", NULL},
    {"mempool", "recheck_timeout", NULL, NULL},
    {"mempool", "wal_dir", "", NULL},
    {"mempool", "max_batch_bytes", NULL, NULL},
    {"mempool", "experimental_max_gossip_connections_to_persistent_peers", "0", NULL},
    {"mempool", "experimental_max_gossip_connections_to_non_persistent_peers", "0", NULL},
    {"mempool", "seen_cache_size", NULL, NULL},
    {"mempool", "reap_max_bytes", NULL, NULL},
    {"mempool", "reap_max_gas", NULL, NULL},
    {"mempool", "reap_interval", NULL, NULL},
    {"mempool", "check_tx_retry_delay", NULL, NULL},
    {"statesync", "enable", "false", STATE_SYNC},
    {"statesync", "rpc_servers", NULL, NULL},
    {"statesync", "trust_height", NULL, NULL},
    {"statesync", "trust_hash", NULL, NULL},
    {"statesync", "trust_period", NULL, NULL},
    {"statesync", "discovery_time", NULL, NULL},
    {"statesync", "temp_dir", NULL, NULL},
    {"statesync", "chunk_request_timeout", NULL, NULL},
    {"statesync", "chunk_fetchers", NULL, NULL},
    {"statesync", "max_snapshot_chunks", NULL, NULL},
    {"fastsync", "version", NULL, NULL},
    {"blocksync", "version", "v0", NULL},
    {"blocksync", "adaptive_sync", "false", NULL},
    {"tx_index", "psql-conn", "", NULL},
};
const size_t config_keys_foreign_count = sizeof config_keys_foreign / sizeof config_keys_foreign[0];

const struct config_keys_own *config_keys_find(const char *section, const char *name) {
    for (size_t i = 0; i < config_keys_count; i++)
        if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

const struct config_keys_foreign *config_keys_find_foreign(const char *section, const char *name) {
    for (size_t i = 0; i < config_keys_foreign_count; i++)
        if (strcmp(config_keys_foreign[i].section, section) == 0 && strcmp(config_keys_foreign[i].name, name) == 0)
            return &config_keys_foreign[i];
    return NULL;
}

bool config_keys_section_is_foreign(const char *section) {
    return strncmp(section, "p2p.libp2p", 10) == 0 || strcmp(section, "p2p.test_fuzz_config") == 0;
}

bool config_keys_is_choice(const char *choices, const char *value) {
    size_t size = strlen(value);
    for (const char *at = choices;; at++) {
        const char *end = strchr(at, '|');
        size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        if (length == size && memcmp(at, value, size) == 0)
            return true;
        if (end == NULL)
            return false;
        at = end;
    }
}

/* Edit distance, for short names. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[65];
    size_t rows = strlen(b);
    if (rows > 64 || strlen(a) > 64)
        return 99;
    for (unsigned i = 0; i <= rows; i++)
        row[i] = i;
    for (size_t k = 0; a[k] != '\0'; k++) {
        unsigned corner = row[0];
        row[0]++;
        for (size_t i = 1; i <= rows; i++) {
            unsigned least = corner + (a[k] != b[i - 1]);
            corner = row[i];
            if (row[i] + 1 < least)
                least = row[i] + 1;
            if (row[i - 1] + 1 < least)
                least = row[i - 1] + 1;
            row[i] = least;
        }
    }
    return row[rows];
}

struct nearest {
    const char *section, *name;
    unsigned distance;
};

static void compare(struct nearest *best, const char *section, const char *name, const char *wanted_section, const char *wanted_name) {
    unsigned far = 2 * distance(name, wanted_name) + (strcmp(section, wanted_section) != 0);
    if (far < best->distance)
        *best = (struct nearest){section, name, far};
}

void config_keys_nearest(char *out, size_t size, const char *section, const char *name) {
    struct nearest best = {.distance = 8};
    for (size_t i = 0; i < config_keys_count; i++)
        compare(&best, config_keys[i].section, config_keys[i].name, section, name);
    for (size_t i = 0; i < config_keys_foreign_count; i++)
        compare(&best, config_keys_foreign[i].section, config_keys_foreign[i].name, section, name);
    out[0] = '\0';
    if (best.name != NULL)
        snprintf(out, size, best.section[0] == '\0' ? "%s%s, at the top" : "[%s] %s", best.section, best.name);
}

/* Values */

static char **text_at(struct config *config, const struct config_keys_own *key) { return (char **)(void *)((char *)config + key->offset); }
static bool *flag_at(struct config *config, const struct config_keys_own *key) { return (bool *)(void *)((char *)config + key->offset); }
static int64_t *number_at(struct config *config, const struct config_keys_own *key) {
    return (int64_t *)(void *)((char *)config + key->offset);
}

static const char *set_number(int64_t *out, const struct config_keys_own *key, const char *text) {
    int64_t value;
    char *end;
    if (key->type == CONFIG_KEYS_DURATION) {
        if (!config_duration_parse(&value, span_text(text)))
            return "expected a duration, such as \"1s\", \"500ms\" or \"1m30s\"";
    } else {
        value = strtoll(text, &end, 10);
        if (text[0] == '\0' || *end != '\0' || value == INT64_MAX || value == INT64_MIN)
            return "expected a whole number";
    }
    if (value < key->min)
        return key->min == 0 ? "must not be negative" : "is too small";
    if (value > key->max)
        return "is too large";
    *out = value;
    return NULL;
}

const char *config_keys_set(struct config *config, const struct config_keys_own *key, const char *text) {
    if (key->type == CONFIG_KEYS_INTEGER || key->type == CONFIG_KEYS_DURATION)
        return set_number(number_at(config, key), key, text);
    if (key->type == CONFIG_KEYS_BOOLEAN) {
        bool is_true = config_keys_is_choice("true|1|t|T|TRUE|True", text);
        if (!is_true && !config_keys_is_choice("false|0|f|F|FALSE|False", text))
            return "expected true or false";
        *flag_at(config, key) = is_true;
        return NULL;
    }
    if (key->choices != NULL && !config_keys_is_choice(key->choices, text))
        return "is none of the values that it may have";
    char **place = text_at(config, key), *copy = strdup(text);
    assert(copy != NULL);
    free(*place);
    *place = copy;
    return NULL;
}

static char *quoted(const char *text) { /* TOML basic string; control characters as \u00XX */
    char *out = malloc(6 * strlen(text) + 3), *at = out;
    assert(out != NULL);
    *at++ = '"';
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c < 0x20 || c == 0x7f) {
            at += sprintf(at, "\\u%04X", c);
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

static char *list_text(const char *list) {
    char *out = strdup("["), *joined;
    struct span item;
    while (config_list_next(&list, &item)) {
        char *copy = complaint_of("%.*s", (int)item.size, (const char *)item.data), *text = quoted(copy);
        joined = complaint_of("%s%s%s", out, strlen(out) > 1 ? ", " : "", text);
        free(copy);
        free(text);
        free(out);
        out = joined;
    }
    joined = complaint_of("%s]", out);
    free(out);
    return joined;
}

char *config_keys_text(const struct config *config, const struct config_keys_own *key) {
    struct config *own = (struct config *)(uintptr_t)config; /* read only */
    char duration[CONFIG_DURATION_TEXT_SIZE];
    switch (key->type) {
    case CONFIG_KEYS_TEXT: return quoted(*text_at(own, key));
    case CONFIG_KEYS_LIST: return list_text(*text_at(own, key));
    case CONFIG_KEYS_INTEGER: return complaint_of("%lld", (long long)*number_at(own, key));
    case CONFIG_KEYS_BOOLEAN: return complaint_of("%s", *flag_at(own, key) ? "true" : "false");
    case CONFIG_KEYS_DURATION: break;
    }
    config_duration_text(duration, *number_at(own, key));
    return complaint_of("\"%s\"", duration);
}
