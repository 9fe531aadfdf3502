#include "node/light_proxy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/complaint.h"
#include "node/light_routes.h"

enum { CREW = 16, QUESTIONS_MAX = 1024, CONNECTIONS = 100, SUBSCRIBERS = 100, SUBSCRIPTIONS_EACH = 5, BUFFERED_MESSAGES = 200, BATCH_MAX = 10, HEAD_MAX = 1 << 20 };

struct light_proxy {
    struct light_gate *gate;
    struct light_feed *feed;
    struct rpc *rpc;
    char *laddr;
};

static const char index_text[] =
    "quorate light: a local RPC whose answers were verified against headers\n\n"
    "verified:  /block /block_by_hash /header /header_by_hash /commit /validators /blockchain /block_results\n"
    "           /consensus_params /tx /abci_query (paths /store/NAME/key)\n"
    "passed on: /status /health /net_info /genesis /genesis_chunked /tx_search /block_search /abci_info\n"
    "           /consensus_state /dump_consensus_state /unconfirmed_txs /num_unconfirmed_txs /check_tx\n"
    "           /broadcast_tx_sync /broadcast_tx_async /broadcast_tx_commit /broadcast_evidence\n"
    "/websocket the same, and subscribe (NewBlock, NewBlockHeader, NewBlockEvents, NewEvidence, Tx, ValidatorSetUpdates), about\n"
    "           a block late: then the next header has confirmed them. Events of applications are as a node says\n";

static struct timestamp now(void *context) {
    struct timespec time;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &time);
    return (struct timestamp){time.tv_sec, (int32_t)time.tv_nsec};
}

static bool catching_up(void *context) {
    (void)context;
    return false;
}

static uint32_t given(uint32_t limit, uint32_t usual) { return limit > 0 ? limit : usual; }

static struct rpc *start_rpc(struct light_proxy *proxy, const char *laddr, const struct light_proxy_limits *limits, char **error) {
    proxy->laddr = complaint_of("%s%s", strstr(laddr, "://") == NULL ? "tcp://" : "", laddr);
    struct rpc_host host = {.context = proxy->gate, .ledger = light_feed_ledger(proxy->feed), .now = now, .catching_up = catching_up};
    struct rpc_config config = {
        .laddr = proxy->laddr,
        .max_open_connections = given(limits->connections, CONNECTIONS),
        .max_request_batch_size = BATCH_MAX,
        .max_body_bytes = LIGHT_PROXY_BODY_MAX,
        .max_header_bytes = HEAD_MAX,
        .cors_allowed_origins = "",
        .cors_allowed_methods = "",
        .cors_allowed_headers = "",
        .max_subscription_clients = given(limits->subscribers, SUBSCRIBERS),
        .max_subscriptions_per_client = given(limits->subscriptions_each, SUBSCRIPTIONS_EACH),
        .subscription_buffer_size = given(limits->buffered_messages, BUFFERED_MESSAGES),
        .apart = true,
        .core_questions_max = QUESTIONS_MAX,
        .routes = light_routes_table,
        .crew = CREW,
        .index = index_text,
    };
    char *why = NULL;
    struct rpc *rpc = rpc_start(NULL, &config, &host, &why);
    if (rpc == NULL)
        *error = complaint_of("--laddr: %s", why);
    free(why);
    return rpc;
}

struct light_proxy *light_proxy_start(struct light_gate *gate, const char *laddr, const struct light_proxy_limits *limits, char **error) {
    struct light_proxy *proxy = calloc(1, sizeof *proxy);
    assert(proxy != NULL);
    proxy->gate = gate;
    gate->feed = proxy->feed = light_feed_new(gate);
    proxy->rpc = start_rpc(proxy, laddr, limits, error);
    if (proxy->rpc == NULL) {
        light_feed_free(proxy->feed);
        gate->feed = NULL;
        free(proxy->laddr);
        free(proxy);
        return NULL;
    }
    light_feed_begin(proxy->feed, proxy->rpc);
    return proxy;
}

uint16_t light_proxy_port(const struct light_proxy *proxy) { return rpc_port(proxy->rpc); }

void light_proxy_stop(struct light_proxy *proxy) {
    light_feed_end(proxy->feed);
    rpc_stop(proxy->rpc);
    light_feed_free(proxy->feed);
    proxy->gate->feed = NULL;
    free(proxy->laddr);
    free(proxy);
}
