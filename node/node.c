#define _GNU_SOURCE /* asprintf */
#include "node/node.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ledger/kv_group.h"
#include "node/app_meter.h"
#include "node/app_socket.h"
#include "node/collect.h"
#include "node/diskwatch.h"
#include "node/exporter.h"
#include "node/host.h"
#include "node/keyfile.h"
#include "node/keylock.h"
#include "node/log.h"
#include "node/notary.h"
#include "node/peer_filter.h"
#include "node/stop.h"

struct node {
    const struct config *config;
    enum node_exit status; /* should the next step of opening fail */
    struct event_base *base;
    struct event *stop_signals[2];
    struct disk *disk;
    struct kv *store, *kv; /* LevelDB, and what all go through */
    struct kv *votes;      /* of the vote journal */
    struct genesis genesis;
    struct app *app;
    struct app *timed; /* the same, or with a watch around it */
    struct ledger ledger;
    bool has_genesis, has_ledger;
    struct mempool_config pool;
    struct mempool *mempool;
    struct ed25519_key *node_key;
    struct signer *signer;
    struct notary *notary; /* instead of it, when the key is elsewhere */
    int key_lock;
    struct pubkey validator_key;
    struct node_info info;
    struct world_libevent *real;
    struct replica *replica;
    struct switchboard *board;
    struct diskwatch *watch;
    struct host host;
    struct rpc *rpc;
    struct metrics *metrics; /* NULL: off */
    struct collect collect;
    struct exporter *exporter;
    int64_t first_height; /* after opening, for the count of flushes */
    char *laddr, *journal_name, *mark_name, *addr_book_path;
};

/* The world failed under the node: one line, and out. What was synced stays; a restart goes on from there. */
static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    log_format(WORLD_ERROR, "%s; the node stops. Nothing synced is lost: mend the cause (space, permissions, disk), then start again", what);
    _exit(NODE_EXIT_WORLD);
}

/* ---- opening, step by step; each says false with *error */

static bool open_disk(struct node *node, char **error) {
    node->disk = disk_posix_open(node->config->home, (struct disk_failure){node, fail}, error);
    return node->disk != NULL;
}

static bool open_genesis(struct node *node, char **error) {
    char *path = config_path(node->config, node->config->genesis_file);
    node->has_genesis = genesis_load(&node->genesis, path, config_release(node->config), error);
    free(path);
    return node->has_genesis;
}

static struct kv *open_kv(struct node *node, const char *name, char **error) {
    char *folder = config_path(node->config, node->config->db_dir);
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    free(folder);
    struct kv_options options = {.cache_bytes = 4u << 20, .write_buffer_bytes = 4u << 20};
    return kv_leveldb_open(path, &options, (struct kv_failure){node, fail}, error);
}

static bool open_store(struct node *node, char **error) {
    node->store = open_kv(node, "quorate.db", error);
    if (node->store == NULL)
        return false;
    node->kv = kv_group_over(node->store);
    node->votes = open_kv(node, "votes.db", error);
    return node->votes != NULL;
}

static void on_app_failed(void *context, const char *what) __attribute__((noreturn));
static void on_app_failed(void *context, const char *what) {
    (void)context;
    bool is_asked = stop_asked();
    log_format(is_asked ? WORLD_WARN : WORLD_ERROR, "%s; the node stops%s. Nothing is lost: whatever the application has not committed it gets when it and "
               "the node are started again", what, is_asked ? " as asked" : "");
    _exit(is_asked ? NODE_EXIT_GOOD : NODE_EXIT_APP);
}

static void on_app_log(void *context, enum world_level level, const char *text) {
    (void)context;
    log_line(level, text);
}

static bool is_stopping(void *context) {
    (void)context;
    return stop_asked();
}

static bool open_app_apart(struct node *node, char **error) {
    struct app_socket_settings settings = {
        .address = config_application(node->config),
        .version = config_rpc_version(node->config),
        .limit_ms = node->config->quorate.app_timeout_ms,
        .stopping = is_stopping,
        .log = on_app_log,
        .fail = on_app_failed,
    };
    node->app = app_socket_open(&settings, error);
    return node->app != NULL;
}

static bool open_ledger(struct node *node, char **error) {
    const struct config *config = node->config;
    bool is_apart = config_app_is_apart(config);
    if (is_apart && !open_app_apart(node, error))
        return false;
    if (!is_apart)
        node->app = app_open(config_application(config), node->kv, node->genesis.state.chain_id);
    assert(node->app != NULL); /* config_check knows the names */
    if (config->instrumentation.prometheus)
        node->metrics = metrics_new(config->instrumentation.namespace, node->genesis.chain_id);
    node->timed = node->metrics != NULL ? app_meter_over(node->app, node->metrics) : node->app;
    node->status = is_apart ? NODE_EXIT_APP : NODE_EXIT_FAILED;
    node->has_ledger = ledger_open(&node->ledger, node->kv, node->timed, &node->genesis.state, config_release(config), error);
    if (!node->has_ledger)
        return false;
    if (node->ledger.replayed > 0)
        log_format(WORLD_INFO, "the application lacked %" PRId64 " blocks and has got them; it is at height %" PRId64, node->ledger.replayed,
                   node->ledger.state.height);
    if (is_apart)
        app_socket_watch(node->app, node->base);
    node->ledger.index_transactions = strcmp(config->tx_index.indexer, "null") != 0;
    node->ledger.keep_results = !config->storage.discard_abci_responses;
    node->first_height = node->ledger.state.height;
    return true;
}

static bool open_mempool(struct node *node, char **error) {
    (void)error;
    const struct config *config = node->config;
    node->pool = (struct mempool_config){
        .count_max = (uint32_t)config->mempool.size,
        .bytes_max = (uint64_t)config->mempool.max_txs_bytes,
        .tx_bytes_max = (uint32_t)config->mempool.max_tx_bytes,
        .cache_count = (uint32_t)config->mempool.cache_size,
        .keep_invalid_in_cache = config->mempool.keep_invalid_txs_in_cache,
        .recheck = config->mempool.recheck,
        .ttl_blocks = config->mempool.ttl_num_blocks,
        .ttl_ms = config->mempool.ttl_duration_ms,
    };
    node->mempool = mempool_new(&node->pool, node->timed);
    return true;
}

/* A name below the home, as the disk wants it. */
static bool below_home(char **name, const struct config *config, const char *file, const char *what, char **error) {
    char *path = config_path(config, file);
    size_t home = strlen(config->home);
    bool below = strncmp(path, config->home, home) == 0 && path[home] == '/';
    if (below)
        *name = strdup(path + home + 1);
    else if (asprintf(error, "%s: \"%s\" is outside of the home %s; move it below", what, path, config->home) < 0)
        *error = NULL;
    free(path);
    return below;
}

static void on_signed(void *context, const struct world_signing *answer) {
    struct node *node = context;
    replica_signed(node->replica, answer);
    world_libevent_touch(node->real);
}

static void on_notary_log(void *context, enum world_level level, const char *text) {
    (void)context;
    log_line(level, text);
}

/* The key is known before anything else begins: who we are depends on it. */
static bool open_notary(struct node *node, char **error) {
    const struct config *config = node->config;
    struct notary_settings settings = {
        .base = node->base,
        .address = config->priv_validator_laddr,
        .chain_id = node->genesis.chain_id,
        .message_bytes_max = config_release(config) == PARAMS_V040 ? SIGNLINK_BYTES_MAX_40 : SIGNLINK_BYTES_MAX,
    };
    struct notary_listener listener = {node, on_signed, on_notary_log};
    node->notary = notary_new(&settings, &listener, error);
    if (node->notary == NULL)
        return false;
    bool stopped;
    bool shown = notary_wait(node->notary, &node->validator_key, config->quorate.remote_signer_wait_ms, &stopped);
    if (!shown && !stopped && asprintf(error, "no remote signer has connected to priv_validator_laddr %s: start it there, `quorate signer --home DIR --address "
                                              "%s`; wait longer with [quorate] remote_signer_wait; or empty priv_validator_laddr to sign with the key file",
                                       settings.address, settings.address) < 0)
        *error = NULL;
    if (!shown && stopped)
        *error = strdup("asked to stop before the remote signer came");
    return shown;
}

static bool open_signer(struct node *node, struct ed25519_key *key, char **error) {
    char *mark = config_path(node->config, node->config->priv_validator_state_file);
    node->key_lock = keylock_take(mark, error);
    free(mark);
    if (node->key_lock < 0) {
        ed25519_key_free(key);
        return false;
    }
    node->status = NODE_EXIT_DAMAGED;
    node->signer = signer_open(node->disk, node->mark_name, key, node->ledger.state.height, error);
    if (node->signer != NULL)
        signer_public(node->signer, &node->validator_key);
    return node->signer != NULL;
}

static bool open_keys(struct node *node, char **error) {
    const struct config *config = node->config;
    char *path = config_path(config, config->node_key_file);
    node->node_key = keyfile_load_signing(path, true, error);
    free(path);
    if (node->node_key == NULL)
        return false;
    if (config->p2p.seed_mode)
        return true;
    if (config->priv_validator_laddr[0] != '\0')
        return open_notary(node, error);
    path = config_path(config, config->priv_validator_key_file);
    bool has_validator = access(path, F_OK) == 0;
    struct ed25519_key *key = has_validator ? keyfile_load_signing(path, false, error) : NULL;
    free(path);
    if (!has_validator) {
        log_line(WORLD_WARN, "no validator key in this home: the node follows the chain and signs nothing");
        return true;
    }
    if (key == NULL || !below_home(&node->mark_name, config, config->priv_validator_state_file, "priv_validator_state_file", error))
        return false;
    return open_signer(node, key, error);
}

static void on_block(void *context, struct block *block, const struct abci_finalized *finalized) {
    struct node *node = context;
    char hash[65];
    if (node->rpc != NULL)
        rpc_block_applied(node->rpc, block, finalized);
    if (replica_resting(node->replica))
        return; /* thousands per second: block sync tells how far it is */
    for (size_t i = 0; i < 6; i++)
        snprintf(hash + 2 * i, 3, "%02X", block->hash.bytes[i]);
    log_format(WORLD_INFO, "committed height %" PRId64 " %s… with %u transactions", block->header.height, hash, block->tx_count);
}

static bool wants_news(void *context) {
    const struct node *node = context;
    return node->rpc != NULL && rpc_wants_news(node->rpc);
}

static void on_news(void *context, const struct rpc_news *news) { rpc_tell_news(((struct node *)context)->rpc, news); }

static bool open_replica(struct node *node, char **error) {
    const struct config *config = node->config;
    if (!below_home(&node->journal_name, config, config->consensus.wal_file, "consensus.wal_file", error))
        return false;
    struct replica_config settings = {
        .engine =
            {
                .timeout_propose_ms = config->consensus.timeout_propose_ms,
                .timeout_propose_delta_ms = config->consensus.timeout_propose_delta_ms,
                .timeout_prevote_ms = config->consensus.timeout_prevote_ms,
                .timeout_prevote_delta_ms = config->consensus.timeout_prevote_delta_ms,
                .timeout_precommit_ms = config->consensus.timeout_precommit_ms,
                .timeout_precommit_delta_ms = config->consensus.timeout_precommit_delta_ms,
                .timeout_commit_ms = config->consensus.timeout_commit_ms,
                .create_empty_blocks_interval_ms = config->consensus.create_empty_blocks_interval_ms,
                .create_empty_blocks = config->consensus.create_empty_blocks,
                .skip_timeout_commit = config->consensus.skip_timeout_commit,
            },
        .peer_gossip_sleep_ms = config->consensus.peer_gossip_sleep_duration_ms,
        .peer_query_maj23_sleep_ms = config->consensus.peer_query_maj23_sleep_duration_ms,
        .mempool_broadcast = config->mempool.broadcast,
        .proposal_pace_ms = config->quorate.proposal_pace_ms,
        .mempool_relay_ms = config->quorate.mempool_relay_ms,
        .double_sign_check_height = config->consensus.double_sign_check_height,
        .block_time_tolerance_ms = config->consensus.block_time_tolerance_ms,
        .retain = {config->storage.retain_blocks, config->storage.retain_states, config->storage.retain_results, config->tx_index.retain_blocks},
        .block_sync = true,
        .journal_name = node->journal_name,
        .fork_stops_signing = config->quorate.fork_stops_signing,
        .votes_retain = config->quorate.journal_retain,
    };
    if (node->notary != NULL)
        settings.remote_key = node->validator_key;
    node->real = world_libevent_new(node->base, node->disk, node->notary);
    world_libevent_count(node->real, node->metrics);
    struct replica_parts parts = {world_libevent_world(node->real), &node->ledger, node->mempool, node->signer, {node, on_block, wants_news, on_news},
                                  node->votes, node->metrics};
    node->status = NODE_EXIT_DAMAGED;
    node->replica = replica_new(&settings, &parts, error);
    return node->replica != NULL;
}

static void describe(struct node *node) {
    const struct config *config = node->config;
    struct node_info *info = &node->info;
    uint8_t key[32];
    ed25519_key_public(node->node_key, key);
    struct pubkey public_key = pubkey_ed25519(key);
    *info = (struct node_info){
        .p2p_version = NODE_INFO_P2P_VERSION,
        .block_version = NODE_INFO_BLOCK_VERSION,
        .app_version = node->ledger.state.version_app,
    };
    node_info_id_of(info->id, &public_key);
    snprintf(info->listen_addr, sizeof info->listen_addr, "%s",
             config->p2p.external_address[0] != '\0' ? config->p2p.external_address : config->p2p.laddr);
    snprintf(info->network, sizeof info->network, "%s", node->genesis.chain_id);
    snprintf(info->version, sizeof info->version, "%s", config_rpc_version(config));
    snprintf(info->moniker, sizeof info->moniker, "%s", config->moniker);
    snprintf(info->tx_index, sizeof info->tx_index, "%s", strcmp(config->tx_index.indexer, "null") == 0 ? "off" : "on");
    snprintf(info->rpc_address, sizeof info->rpc_address, "%s", config->rpc.laddr);
}

static bool open_board(struct node *node, char **error) {
    const struct config *config = node->config;
    describe(node);
    node->addr_book_path = config_path(config, config->p2p.addr_book_file);
    struct switchboard_config settings = {
        .laddr = config->p2p.laddr,
        .persistent_peers = config->p2p.persistent_peers,
        .seeds = config->p2p.seeds,
        .unconditional_peer_ids = config->p2p.unconditional_peer_ids,
        .private_peer_ids = config->p2p.private_peer_ids,
        .allow_only_ids = config->quorate.allow_only_ids,
        .addr_book_path = config->p2p.addr_book_file[0] == '\0' ? NULL : node->addr_book_path,
        .seed_mode = config->p2p.seed_mode,
        .admits = config->filter_peers ? peer_filter_admits : NULL,
        .admits_context = node->app,
        .max_num_inbound_peers = (uint32_t)config->p2p.max_num_inbound_peers,
        .max_num_outbound_peers = (uint32_t)config->p2p.max_num_outbound_peers,
        .allow_duplicate_ip = config->p2p.allow_duplicate_ip,
        .pex = config->p2p.pex,
        .addr_book_strict = config->p2p.addr_book_strict,
        .allow_only = config->p2p.allow_only,
        .persistent_peers_max_dial_period_ms = config->p2p.persistent_peers_max_dial_period_ms,
        .handshake_timeout_ms = config->p2p.handshake_timeout_ms,
        .dial_timeout_ms = config->p2p.dial_timeout_ms,
        .send_rate = config->p2p.send_rate,
        .recv_rate = config->p2p.recv_rate,
    };
    struct switchboard_listener listener = world_libevent_listener(node->real);
    node->status = NODE_EXIT_FAILED;
    node->board = switchboard_new(node->base, &settings, node->node_key, &node->info, &listener, error);
    return node->board != NULL;
}

/* Relative paths are below the folder of config.toml, as in CometBFT; "" stays. */
static char *beside_config(const struct config *config, const char *file) {
    char *path;
    if (file[0] == '\0' || file[0] == '/')
        return strdup(file);
    if (asprintf(&path, "%s/config/%s", config->home, file) < 0)
        abort();
    return path;
}

static bool open_rpc(struct node *node, char **error) {
    const struct config *config = node->config;
    char *cert = beside_config(config, config->rpc.tls_cert_file), *key = beside_config(config, config->rpc.tls_key_file);
    char *authority = beside_config(config, config->quorate.rpc_client_ca_file);
    struct rpc_config settings = {
        .laddr = config->rpc.laddr,
        .max_open_connections = (uint32_t)config->rpc.max_open_connections,
        .max_request_batch_size = (uint32_t)config->rpc.max_request_batch_size,
        .max_body_bytes = (uint64_t)config->rpc.max_body_bytes,
        .max_header_bytes = (uint64_t)config->rpc.max_header_bytes,
        .timeout_broadcast_tx_commit_ms = config->rpc.timeout_broadcast_tx_commit_ms,
        .cors_allowed_origins = config->rpc.cors_allowed_origins,
        .cors_allowed_methods = config->rpc.cors_allowed_methods,
        .cors_allowed_headers = config->rpc.cors_allowed_headers,
        .unsafe = config->rpc.unsafe,
        .max_subscription_clients = (uint32_t)config->rpc.max_subscription_clients,
        .max_subscriptions_per_client = (uint32_t)config->rpc.max_subscriptions_per_client,
        .subscription_buffer_size = (uint32_t)config->rpc.subscription_buffer_size,
        .tls_cert_file = cert,
        .tls_key_file = key,
        .client_ca_file = authority,
        .tokens = config->quorate.rpc_tokens,
        .anonymous = config->quorate.rpc_anonymous,
        .rate = (uint32_t)config->quorate.rpc_rate,
        .max_connections_per_address = (uint32_t)config->quorate.rpc_max_connections_per_address,
        .apart = true,
    };
    node->host = (struct host){
        .replica = node->replica,
        .votes = node->votes,
        .board = node->board,
        .real = node->real,
        .info = &node->info,
        .validator_key = node->signer != NULL || node->notary != NULL ? &node->validator_key : NULL,
        .rpc_version = config_rpc_version(config),
    };
    struct rpc_host host = {
        .ledger = &node->ledger,
        .mempool = node->mempool,
        .mempool_config = &node->pool,
        .engine = replica_engine(node->replica),
        .genesis = &node->genesis,
        .software_version = QUORATE_VERSION,
    };
    host_fill(&host, &node->host);
    bool wanted = settings.laddr[0] != '\0';
    if (wanted)
        node->rpc = rpc_start(node->base, &settings, &host, error);
    free(cert); /* what they name has been read */
    free(key);
    free(authority);
    return !wanted || node->rpc != NULL;
}

static bool open_exporter(struct node *node, char **error) {
    const struct config *config = node->config;
    if (node->metrics == NULL)
        return true;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    node->collect = (struct collect){node->metrics, node->replica, node->board, node->mempool, node->disk, node->store, now.tv_sec};
    node->exporter = exporter_start(node->base, config->instrumentation.prometheus_listen_addr, (uint32_t)config->instrumentation.max_open_connections,
                                    collect_write, &node->collect, error);
    if (node->exporter != NULL)
        log_format(WORLD_INFO, "metrics on port %u", (unsigned)exporter_port(node->exporter));
    return node->exporter != NULL;
}

static void on_disk(void *context, const char *why) {
    struct node *node = context;
    replica_mute(node->replica, why);
    world_libevent_touch(node->real);
}

static void watch_disk(struct node *node) {
    char *folder = config_path(node->config, node->config->db_dir);
    node->watch = diskwatch_new(node->base, folder, (uint64_t)node->config->quorate.disk_free_min, on_disk, node);
    free(folder);
}

static bool node_open(struct node *node, char **error) {
    static bool (*const steps[])(struct node *node, char **error) = {open_disk,    open_genesis, open_store, open_ledger, open_mempool,
                                                                     open_keys,    open_replica, open_board, open_rpc,
                                                                     open_exporter};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        node->status = NODE_EXIT_FAILED;
        if (!steps[i](node, error))
            return false;
    }
    world_libevent_attach(node->real, node->replica, node->board);
    watch_disk(node);
    return true;
}

/* ---- running */

static void on_stop(evutil_socket_t which, short what, void *context) {
    (void)what;
    struct node *node = context;
    log_format(WORLD_INFO, "%s: stopping", which == SIGINT ? "interrupted" : "asked to stop");
    event_base_loopbreak(node->base);
}

/* Read by those who measure: how often this run made the disk wait, and for how many heights. */
static void tell_flushes(const struct node *node) {
    struct kv_counts counts;
    kv_count(node->store, &counts);
    log_format(WORLD_INFO, "flushes: files %" PRIu64 " store %" PRIu64 " heights %" PRId64, node->disk->flushes, counts.synced_writes,
               node->ledger.state.height - node->first_height);
}

static void node_close(struct node *node) {
    if (node->rpc != NULL)
        rpc_stop(node->rpc);
    exporter_stop(node->exporter);
    switchboard_free(node->board);
    diskwatch_free(node->watch);
    replica_free(node->replica);
    signer_free(node->signer);
    notary_free(node->notary);
    if (node->key_lock >= 0)
        close(node->key_lock);
    mempool_free(node->mempool);
    if (node->has_ledger)
        tell_flushes(node);
    if (node->has_ledger)
        ledger_close(&node->ledger);
    if (node->timed != node->app)
        node->timed->table->close(node->timed);
    if (node->app != NULL)
        node->app->table->close(node->app);
    kv_close(node->kv);
    kv_close(node->store);
    kv_close(node->votes);
    if (node->has_genesis)
        genesis_close(&node->genesis);
    ed25519_key_free(node->node_key);
    world_libevent_free(node->real);
    metrics_free(node->metrics);
    disk_posix_close(node->disk);
    for (int i = 0; i < 2; i++)
        if (node->stop_signals[i] != NULL)
            event_free(node->stop_signals[i]);
    event_base_free(node->base);
    free(node->journal_name);
    free(node->mark_name);
    free(node->addr_book_path);
    free(node->laddr);
}

/* Sockets of peers and clients need handles; the soft limit is often far below what is allowed. */
static void raise_handle_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

enum node_exit node_run(const struct config *config) {
    struct node *node = calloc(1, sizeof *node);
    assert(node != NULL);
    node->config = config;
    node->key_lock = -1;
    signal(SIGPIPE, SIG_IGN);
    raise_handle_limit();
    node->base = event_base_new();
    assert(node->base != NULL);
    static const int signals[2] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        node->stop_signals[i] = evsignal_new(node->base, signals[i], on_stop, node);
        event_add(node->stop_signals[i], NULL);
    }
    stop_watch();
    char *error = NULL;
    enum node_exit status = NODE_EXIT_GOOD;
    if (node_open(node, &error)) {
        log_format(WORLD_INFO, "quorate %s: chain %s, height %" PRId64 ", node %s, p2p port %u, rpc %s", QUORATE_VERSION, node->genesis.chain_id,
                   node->ledger.state.height, node->info.id, switchboard_port(node->board), config->rpc.laddr);
        if (config->p2p.seed_mode)
            log_line(WORLD_INFO, "p2p.seed_mode: this node exchanges addresses; it neither follows the chain nor signs");
        else
            replica_start(node->replica);
        world_libevent_touch(node->real);
        event_base_dispatch(node->base);
    } else {
        status = node->status;
        log_line(WORLD_ERROR, error != NULL ? error : "the node cannot start");
        free(error);
    }
    node_close(node);
    free(node);
    return status;
}
