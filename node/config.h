/* config/config.toml: CometBFT's file (protocol.md §8.3), its keys and defaults, and a section [quorate] of our own. One table (config_keys.c)
 * says for each key its type, default, limits and comment; the reader, the environment, the command line and the writer all go by it.
 *
 * A key that CometBFT (0.34 to 0.40) knows and we do not yet is named in one warning, if its value asks for something; where going on without it
 * would be dangerous (TLS, another mempool) it is an error. A key that neither knows is an error with its line and the nearest name. */
#ifndef QUORATE_NODE_CONFIG_H
#define QUORATE_NODE_CONFIG_H

#include "crypto/span.h"
#include "tendermint/params.h"

/* Texts are malloc'ed, never NULL. Lists are joined by commas. Durations are milliseconds, rounded up. */
struct config {
    char *home;
    char *version, *proxy_app, *abci, *moniker, *db_backend, *db_dir, *log_level, *log_format;
    char *genesis_file, *priv_validator_key_file, *priv_validator_state_file, *node_key_file; /* as written: config_path */
    char *priv_validator_laddr; /* "": the key file signs */
    bool filter_peers;
    struct {
        char *laddr;
        char *cors_allowed_origins, *cors_allowed_methods, *cors_allowed_headers;
        bool unsafe;
        int64_t max_open_connections, max_request_batch_size, max_body_bytes, max_header_bytes;
        int64_t max_subscription_clients, max_subscriptions_per_client, subscription_buffer_size;
        int64_t timeout_broadcast_tx_commit_ms;
        char *tls_cert_file, *tls_key_file; /* as written: below config/ unless absolute */
    } rpc;
    struct {
        char *laddr, *external_address, *seeds, *persistent_peers, *addr_book_file, *unconditional_peer_ids, *private_peer_ids;
        bool addr_book_strict, pex, seed_mode, allow_duplicate_ip;
        bool allow_only; /* ours: none but the ids named in persistent_peers, unconditional_peer_ids, private_peer_ids and allow_only_ids */
        int64_t max_num_inbound_peers, max_num_outbound_peers;
        int64_t persistent_peers_max_dial_period_ms, flush_throttle_timeout_ms, handshake_timeout_ms, dial_timeout_ms;
        int64_t send_rate, recv_rate; /* bytes per second */
    } p2p;
    struct {
        char *type;
        bool recheck, broadcast, keep_invalid_txs_in_cache;
        int64_t size, max_txs_bytes, cache_size, max_tx_bytes;
        int64_t ttl_num_blocks, ttl_duration_ms; /* 0: none */
    } mempool;
    struct {
        char *wal_file;
        int64_t timeout_propose_ms, timeout_propose_delta_ms, timeout_prevote_ms, timeout_prevote_delta_ms;
        int64_t timeout_precommit_ms, timeout_precommit_delta_ms, timeout_commit_ms;
        int64_t double_sign_check_height;
        bool skip_timeout_commit, create_empty_blocks;
        int64_t create_empty_blocks_interval_ms, peer_gossip_sleep_duration_ms, peer_query_maj23_sleep_duration_ms;
        int64_t block_time_tolerance_ms;
    } consensus;
    struct {
        bool discard_abci_responses;
        int64_t retain_blocks, retain_states, retain_results; /* newest heights; 0: all */
    } storage;
    struct {
        char *indexer; /* "kv" or "null" */
        int64_t retain_blocks;
    } tx_index;
    struct {
        bool prometheus;
        char *prometheus_listen_addr, *namespace;
        int64_t max_open_connections;
    } instrumentation;
    struct {
        char *release;     /* "0.38", "0.39", "0.40" */
        char *application; /* "", or the name of one that is built in */
        char *rpc_version; /* "": that of the release */
        char *allow_only_ids;
        int64_t disk_free_min; /* bytes; 0: not watched */
        int64_t mempool_relay_ms, proposal_pace_ms, remote_signer_wait_ms, app_timeout_ms;
        int64_t journal_retain;
        bool fork_stops_signing;
        char *rpc_tokens, *rpc_anonymous, *rpc_client_ca_file; /* rpc/access.h */
        int64_t rpc_rate, rpc_max_connections_per_address;
    } quorate;
    bool given[128]; /* by index in the table: not the default */
};

/* Defaults of the release (protocol.md §12). */
void config_init(struct config *config, enum params_release release);
void config_close(struct config *config);

/* What <home>/config/config.toml, then the environment say; then config_check. The config is initialised by this. false: *error, one line with file,
 * line and what to do. *warning may be NULL. Both malloc'ed. */
bool config_load(struct config *config, const char *home, char **warning, char **error);

/* The steps of config_load, over an initialised config. `name` stands before the messages. */
bool config_read(struct config *config, struct span toml, const char *name, char **warning, char **error);
bool config_environment(struct config *config, const char *const *environment, char **warning, char **error); /* CMT_<SECTION>_<KEY> */
/* One key, as --p2p.laddr=VALUE on a command line: "p2p.laddr", "moniker", "consensus.timeout_commit". */
bool config_set(struct config *config, const char *key, const char *value, char **error);
bool config_is_flag(const char *key); /* of those: true or false, and alone on a command line it means true */
bool config_check(const struct config *config, char **error); /* limits and what must fit together */

/* The file's text with all our keys and comments, readable by CometBFT too; malloc'ed. */
char *config_text(const struct config *config);
/* One value as the file has it ("\"tcp://…\"", "true", "\"1s\""); NULL: no such key of ours. malloc'ed. */
char *config_value(const struct config *config, const char *key);

enum params_release config_release(const struct config *config);
const char *config_application(const struct config *config); /* "ledger", "kvstore" …, or an address; after config_check */
bool config_app_is_apart(const struct config *config);        /* an address: the application is another process */
const char *config_rpc_version(const struct config *config); /* what status and abci tell as CometBFT's version */
/* An absolute path: `file` itself, or below the home. malloc'ed. */
char *config_path(const struct config *config, const char *file);
/* Walks a list; *cursor begins as the list. Items are trimmed, empty ones passed over. */
bool config_list_next(const char **cursor, struct span *item);
/* May a peer of this id (40 lower-case hex) be admitted? */
bool config_admits(const struct config *config, const char *id);

/* Go's durations: "1m30s", "1.5h", "100ms", "0". false: malformed or out of range. */
bool config_duration_parse(int64_t *out_ms, struct span text);
#define CONFIG_DURATION_TEXT_SIZE 40
void config_duration_text(char out[static CONFIG_DURATION_TEXT_SIZE], int64_t ms);

#endif
