#include "tests/fuzz/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

static struct chain *chain;
static struct mempool *mempool;
static struct engine engine;
static struct genesis genesis;
static struct server server;

static struct timestamp now(void *context) {
    (void)context;
    return (struct timestamp){1700000100, 7};
}

static void node_info(void *context, struct rpc_node_info *out) {
    (void)context;
    *out = (struct rpc_node_info){.id = "594d6b74ea5d99705f5cfbd28e20d937bda4c689", .network = CHAIN_ID, .moniker = "lab <1>", .tx_index = "on"};
}

static bool catching_up(void *context) {
    (void)context;
    return false;
}

static bool validator_key(void *context, struct pubkey *out) {
    (void)context;
    *out = chain->pub_keys[0];
    return true;
}

static uint32_t peers(void *context, struct rpc_peer *out, uint32_t capacity) {
    if (out != NULL && capacity > 0) {
        *out = (struct rpc_peer){.remote_ip = "127.0.0.1", .channel_count = 1, .height = 9};
        node_info(context, &out->info);
    }
    return 1;
}

static enum mempool_verdict submit(void *context, struct abci_check *check, struct blob *tx, struct arena *arena) {
    (void)context;
    return mempool_add(mempool, check, tx, -1, 0, arena);
}

static enum evidence_pool_verdict submit_evidence(void *context, const struct evidence *evidence) {
    (void)context;
    return evidence_pool_verify(&chain->ledger, evidence); /* kept by nobody, so that no input changes what the next one meets */
}

static void make_genesis(void) {
    struct genesis_validator validators[4] = {0};
    struct genesis_plan plan = {.chain_id = CHAIN_ID,
                                .time = chain->genesis.time,
                                .initial_height = 1,
                                .params = chain->genesis.params,
                                .validators = validators,
                                .validator_count = 4,
                                .app_state = "{\"x\": 1.50}"};
    for (uint32_t i = 0; i < plan.validator_count; i++)
        validators[i].member = chain->changes[i];
    char *text = genesis_text(&plan), *error = NULL;
    bool good = genesis_parse(&genesis, span_text(text), PARAMS_V038, &plan.time, &error);
    assert(good);
    free(text);
}

static void begin(void) {
    static const struct rpc_config config = {.laddr = "tcp://127.0.0.1:0",
                                             .max_open_connections = 100,
                                             .max_request_batch_size = 10,
                                             .max_body_bytes = 1000000,
                                             .max_header_bytes = 65536,
                                             .timeout_broadcast_tx_commit_ms = 10000,
                                             .cors_allowed_origins = "",
                                             .cors_allowed_methods = "",
                                             .cors_allowed_headers = "",
                                             .max_subscription_clients = 100,
                                             .max_subscriptions_per_client = 5,
                                             .subscription_buffer_size = 200,
                                             .unsafe = true};
    static const struct mempool_config pool = {.count_max = 4, .bytes_max = 2000, .tx_bytes_max = 1000, .cache_count = 100};
    struct engine_effects effects;
    chain = world_chain();
    mempool = mempool_new(&pool, chain->app);
    mempool_set_limits(mempool, ledger_data_bytes_max(&chain->ledger), -1);
    engine_init(&engine, &(struct engine_config){.create_empty_blocks = true}, 1);
    engine_begin(&engine, &effects,
                 &(struct engine_height){.height = state_next_height(&chain->ledger.state), .validators = &chain->ledger.state.validators});
    make_genesis();
    struct rpc_host host = {.ledger = &chain->ledger,
                            .mempool = mempool,
                            .engine = &engine,
                            .genesis = &genesis,
                            .mempool_config = &pool,
                            .software_version = "0",
                            .now = now,
                            .node_info = node_info,
                            .catching_up = catching_up,
                            .validator_key = validator_key,
                            .height_started = now,
                            .peers = peers,
                            .submit = submit,
                            .submit_evidence = submit_evidence};
    char *error = NULL;
    server.base = event_base_new();
    server.rpc = rpc_start(server.base, &config, &host, &error);
    if (server.rpc == NULL)
        fprintf(stderr, "%s\n", error);
    assert(server.rpc != NULL);
}

void server_commit(void) {
    struct span *txs;
    uint8_t(*hashes)[32];
    struct abci_tx_result results[8] = {{0}};
    uint32_t count = mempool_reap(mempool, &txs, &hashes, 1 << 20, -1, fuzz_arena());
    struct block_plan plan = chain_plan(chain, fuzz_arena());
    plan.txs = txs;
    plan.tx_count = count;
    struct block *block = block_build(&plan);
    assert(count <= 8);
    rpc_block_applied(server.rpc, block, &(struct abci_finalized){.tx_count = count, .tx_results = results});
    block_release(block);
}

void server_forget(void) { mempool_flush(mempool); }

const struct server *server_running(void) {
    if (server.rpc == NULL)
        begin();
    return &server;
}

int server_connect(const struct server *running) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(rpc_port(running->rpc)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert(fd >= 0);
    const struct linger at_once = {.l_onoff = 1}; /* no TIME_WAIT: there are very many of us */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}
