#define _GNU_SOURCE /* memmem */
#include "tests/rpc/lab.h"

#include <arpa/inet.h>
#include <assert.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rpc/rpc.h"

static struct timestamp now(void *context) {
    (void)context;
    return (struct timestamp){1700000100, 7};
}

static void node_info(void *context, struct rpc_node_info *out) {
    (void)context;
    *out = (struct rpc_node_info){.protocol_p2p = 8,
                                  .protocol_block = 11,
                                  .protocol_app = 1,
                                  .id = "594d6b74ea5d99705f5cfbd28e20d937bda4c689",
                                  .listen_addr = "tcp://0.0.0.0:26656",
                                  .network = CHAIN_ID,
                                  .version = "0.38.0",
                                  .channels = {0x40, 0x20},
                                  .channel_count = 2,
                                  .moniker = "lab <1>",
                                  .tx_index = "on",
                                  .rpc_address = "tcp://0.0.0.0:26657"};
}

static bool catching_up(void *context) { return ((struct lab *)context)->catching_up; }

static bool validator_key(void *context, struct pubkey *out) {
    struct lab *lab = context;
    if (lab->has_key)
        *out = lab->chain.pub_keys[0];
    return lab->has_key;
}

static struct timestamp height_started(void *context) {
    (void)context;
    return (struct timestamp){1700000099, 0};
}

static uint32_t peers(void *context, struct rpc_peer *out, uint32_t capacity) {
    struct lab *lab = context;
    for (uint32_t i = 0; out != NULL && i < lab->peer_count && i < capacity; i++) {
        out[i] = (struct rpc_peer){.is_outbound = true, .remote_ip = "127.0.0.1", .duration_ns = 5, .bytes_sent = 6, .channel_count = 1, .height = 9};
        out[i].channels[0] = (struct rpc_channel_status){.id = 0x20, .priority = 6};
        node_info(context, &out[i].info);
    }
    return lab->peer_count;
}

static enum mempool_verdict submit(void *context, struct abci_check *check, struct blob *tx, struct arena *arena) {
    struct lab *lab = context;
    enum mempool_verdict verdict = mempool_add(lab->mempool, check, tx, -1, 0, arena);
    lab->submitted++;
    if (lab->submit_us > 0)
        usleep(lab->submit_us);
    if (lab->commits_at_once)
        lab_commit(lab);
    return verdict;
}

static enum evidence_pool_verdict submit_evidence(void *context, const struct evidence *evidence) {
    return evidence_pool_add(&((struct lab *)context)->chain.ledger, evidence);
}

static char *dial(void *context, const struct rpc_dial *wish) {
    struct lab *lab = context;
    snprintf(lab->dialled, sizeof lab->dialled, "%s%s%s %s", wish->persistent ? "p" : "", wish->unconditional ? "u" : "", wish->private ? "r" : "",
             wish->addresses);
    return strstr(wish->addresses, "bad") == NULL ? NULL : strdup("\"bad\": no");
}

static void make_genesis(struct lab *lab) {
    struct genesis_validator validators[CHAIN_VALIDATORS_MAX] = {0};
    struct genesis_plan plan = {.chain_id = CHAIN_ID,
                                .time = lab->chain.genesis.time,
                                .initial_height = 1,
                                .params = lab->chain.genesis.params,
                                .validators = validators,
                                .validator_count = lab->chain.genesis.validator_count,
                                .app_state = "{\"x\": 1.50}"};
    for (uint32_t i = 0; i < plan.validator_count; i++)
        validators[i].member = lab->chain.changes[i];
    char *text = genesis_text(&plan), *error = NULL;
    bool good = genesis_parse(&lab->genesis, span_text(text), PARAMS_V038, &plan.time, &error);
    ck_assert_msg(good, "%s", good ? "" : error);
    free(text);
}

static void begin_height(struct lab *lab) {
    struct engine_effects effects;
    engine_begin(&lab->engine, &effects,
                 &(struct engine_height){.height = state_next_height(&lab->chain.ledger.state), .validators = &lab->chain.ledger.state.validators});
}

static void set_defaults(struct rpc_config *config) {
    if (config->laddr == NULL)
        config->laddr = "tcp://127.0.0.1:0";
    if (config->max_request_batch_size == 0)
        config->max_request_batch_size = 10;
    if (config->max_body_bytes == 0)
        config->max_body_bytes = 1000000;
    if (config->max_header_bytes == 0)
        config->max_header_bytes = 65536;
    if (config->max_open_connections == 0)
        config->max_open_connections = 900;
    if (config->timeout_broadcast_tx_commit_ms == 0)
        config->timeout_broadcast_tx_commit_ms = 10000;
    if (config->max_subscription_clients == 0)
        config->max_subscription_clients = 100;
    if (config->max_subscriptions_per_client == 0)
        config->max_subscriptions_per_client = 5;
    if (config->subscription_buffer_size == 0)
        config->subscription_buffer_size = 200;
    if (config->cors_allowed_origins == NULL)
        config->cors_allowed_origins = "";
    config->cors_allowed_methods = "HEAD,GET,POST";
    config->cors_allowed_headers = "Origin,Accept,Content-Type,X-Requested-With,X-Server-Time";
}

void lab_open(struct lab *lab, const struct rpc_config *config, int64_t heights) { lab_open_wide(lab, config, heights, 4); }

void lab_open_wide(struct lab *lab, const struct rpc_config *config, int64_t heights, uint32_t mempool_count_max) {
    static const char *const txs[] = {"tx0=value", "a=<b>"};
    static const struct rpc_config none;
    *lab = (struct lab){.config = config != NULL ? *config : none, .has_key = true};
    set_defaults(&lab->config);
    chain_open(&lab->chain, &(struct chain_config){.validators = 1});
    lab->chain.ledger.index_transactions = lab->chain.ledger.keep_results = true;
    for (int64_t i = 1; i <= heights; i++)
        chain_step(&lab->chain, txs, i == 3 ? 2 : 0);
    lab->mempool_config = (struct mempool_config){
        .count_max = mempool_count_max, .bytes_max = 500u * mempool_count_max, .tx_bytes_max = 1000, .cache_count = 100 + mempool_count_max};
    lab->mempool = mempool_new(&lab->mempool_config, lab->chain.app);
    mempool_set_limits(lab->mempool, ledger_data_bytes_max(&lab->chain.ledger), -1);
    engine_init(&lab->engine, &(struct engine_config){.create_empty_blocks = true}, 1);
    begin_height(lab);
    make_genesis(lab);
    lab->base = event_base_new();
    struct rpc_host host = {.context = lab,
                            .ledger = &lab->chain.ledger,
                            .mempool = lab->mempool,
                            .engine = &lab->engine,
                            .genesis = &lab->genesis,
                            .mempool_config = &lab->mempool_config,
                            .software_version = "0",
                            .now = now,
                            .node_info = node_info,
                            .catching_up = catching_up,
                            .validator_key = validator_key,
                            .height_started = height_started,
                            .peers = peers,
                            .submit = submit,
                            .submit_evidence = submit_evidence,
                            .dial = dial};
    char *error = NULL;
    lab->rpc = rpc_start(lab->base, &lab->config, &host, &error);
    ck_assert_msg(lab->rpc != NULL, "%s", lab->rpc != NULL ? "" : error);
}

void lab_close(struct lab *lab) {
    rpc_stop(lab->rpc);
    event_base_free(lab->base);
    engine_close(&lab->engine);
    mempool_free(lab->mempool);
    genesis_close(&lab->genesis);
    chain_close(&lab->chain);
}

void lab_turn(struct lab *lab) {
    if (lab->port == 0)
        event_base_loop(lab->base, EVLOOP_NONBLOCK);
    else
        usleep(200);
}

void lab_commit(struct lab *lab) {
    struct chain *chain = &lab->chain;
    struct arena arena;
    struct span *txs;
    uint8_t(*hashes)[32];
    struct ledger_applied applied;
    struct commit commit;
    arena_init(&arena, 1 << 24);
    uint32_t count = mempool_reap(lab->mempool, &txs, &hashes, ledger_data_bytes_max(&chain->ledger), -1, &arena);
    struct address proposer = chain_proposer(chain);
    struct block *block = ledger_propose(&chain->ledger, &chain->last, &proposer, txs, hashes, count, NULL, 0);
    ck_assert_int_eq(ledger_judge(&chain->ledger, block, NULL), BLOCK_GOOD);
    chain->turn ^= 1;
    arena_reset(&chain->arenas[chain->turn]);
    chain_sign(chain, &commit, block, &chain->ledger.state.validators, &chain->arenas[chain->turn]);
    ck_assert(ledger_apply(&chain->ledger, &applied, block, &commit));
    chain->last = commit;
    mempool_update(lab->mempool, block, applied.finalized.tx_results, 0);
    rpc_block_applied(lab->rpc, block, &applied.finalized);
    block_release(block);
    arena_close(&arena);
    begin_height(lab);
}

/* ---- the heart */

void lab_reply_close(struct lab_reply *reply) {
    free(reply->text);
    free(reply->head);
    *reply = (struct lab_reply){0};
}

static char *copy_text(const void *bytes, size_t size) {
    char *text = malloc(size + 1);
    assert(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

static void note_reply(void *context, int status, const char *body, size_t size, bool cacheable) {
    struct lab_reply *reply = context;
    ck_assert_msg(!reply->came, "a second reply");
    *reply = (struct lab_reply){.came = true, .status = status, .cacheable = cacheable, .size = size, .text = copy_text(body, size)};
}

void lab_post_bytes(struct lab *lab, struct lab_reply *reply, struct span body) {
    *reply = (struct lab_reply){0};
    rpc_handle_post(lab->rpc, body, note_reply, reply);
}

void lab_post(struct lab *lab, struct lab_reply *reply, const char *body) { lab_post_bytes(lab, reply, span_text(body)); }

void lab_uri(struct lab *lab, struct lab_reply *reply, const char *method, const char *query) {
    *reply = (struct lab_reply){0};
    rpc_handle_uri(lab->rpc, method, query, note_reply, reply);
}

static json_t *call(struct lab *lab, const char *method, const char *params) {
    char body[65536];
    struct lab_reply reply;
    snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
    lab_post(lab, &reply, body);
    ck_assert(reply.came);
    json_error_t error;
    json_t *answer = json_loads(reply.text, JSON_ALLOW_NUL, &error);
    ck_assert_msg(answer != NULL, "%s: %s in %s", method, error.text, reply.text);
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "id")), 7);
    lab_reply_close(&reply);
    return answer;
}

json_t *lab_result(struct lab *lab, const char *method, const char *params) {
    json_t *answer = call(lab, method, params), *result = json_object_get(answer, "result");
    if (result == NULL)
        ck_abort_msg("%s %s: %s", method, params, json_dumps(answer, 0));
    json_incref(result);
    json_decref(answer);
    return result;
}

char *lab_error(struct lab *lab, const char *method, const char *params) {
    json_t *answer = call(lab, method, params), *error = json_object_get(answer, "error");
    ck_assert_msg(error != NULL, "%s %s has no error", method, params);
    const char *data = json_string_value(json_object_get(error, "data"));
    char *text = copy_text(data == NULL ? "" : data, data == NULL ? 0 : strlen(data));
    json_decref(answer);
    return text;
}

/* ---- over the wire */

int lab_connect(struct lab *lab) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(lab->port != 0 ? lab->port : rpc_port(lab->rpc)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(sock, 0);
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(sock, F_SETFL, O_NONBLOCK);
    lab_turn(lab);
    return sock;
}

void lab_send(struct lab *lab, int sock, struct span bytes) {
    for (int tries = 0; bytes.size > 0 && tries < 100000; tries++) {
        ssize_t sent = send(sock, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent > 0)
            bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
        else if (sent < 0 && errno != EAGAIN)
            return; /* the server has closed */
        lab_turn(lab);
    }
}

static int64_t clock_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The length of the first whole response in the text, or 0. */
static size_t response_size(const char *text, size_t size, size_t *head_size) {
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    *head_size = (size_t)(end - text) + 4;
    const char *length = strstr(text, "Content-Length: ");
    size_t body = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
    return *head_size + body <= size ? *head_size + body : 0;
}

void lab_receive(struct lab *lab, struct lab_reply *reply, int sock, int ms_max) {
    static char text[64 * 1024 * 1024];
    size_t size = 0, head_size = 0, whole = 0;
    *reply = (struct lab_reply){0};
    for (int64_t end = clock_ms() + ms_max; clock_ms() < end && whole == 0;) {
        lab_turn(lab);
        /* A byte at a time until the head is whole, so that the next response stays in the socket. */
        size_t wanted = head_size == 0 ? 1 : sizeof text - 1 - size;
        if (head_size > 0) {
            const char *length = strstr(text, "Content-Length: ");
            wanted = head_size + (length == NULL ? 0 : strtoul(length + 16, NULL, 10)) - size;
        }
        ssize_t got = recv(sock, text + size, wanted, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            reply->closed = true;
            break;
        }
        size += got > 0 ? (size_t)got : 0;
        text[size] = '\0';
        whole = response_size(text, size, &head_size);
    }
    if (whole == 0)
        return;
    reply->came = true;
    reply->status = atoi(text + 9);
    reply->head = copy_text(text, head_size);
    reply->size = whole - head_size;
    reply->text = copy_text(text + head_size, reply->size);
}

void lab_http(struct lab *lab, struct lab_reply *reply, const char *request) {
    int sock = lab_connect(lab);
    lab_send(lab, sock, span_text(request));
    lab_receive(lab, reply, sock, 3000);
    close(sock);
    lab_turn(lab);
}
