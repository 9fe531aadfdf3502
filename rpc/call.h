/* Private to rpc: one call of a method, the request that holds it, and the server they belong to. */
#ifndef QUORATE_RPC_CALL_H
#define QUORATE_RPC_CALL_H

#include "genesis/emit.h"
#include "genesis/scan.h"
#include "rpc/args.h"
#include "rpc/rpc.h"
#include "rpc/waiters.h"

enum { CALL_PARSE_ERROR = -32700, CALL_INVALID_REQUEST = -32600, CALL_NO_METHOD = -32601, CALL_INVALID_PARAMS = -32602, CALL_INTERNAL = -32603 };

struct call { /* what a handler gets */
    struct rpc *rpc;
    const struct rpc_host *host;
    struct arena *arena;   /* of the request */
    struct emit *out;      /* the handler writes one JSON value */
    const struct arg *args;
    struct span error;     /* set by call_fail */
    bool failed;
    bool bad_params;       /* then the error is -32602 */
    bool waits;            /* the handler has given the exchange to the waiters */
    struct exchange *exchange;
};

/* The handler's error: -32603 (or -32602: bad_params) with this text as data; what it wrote is dropped. */
void call_fail(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The past and the state, to be read with the functions of ledger.h's store.c and nothing else: it may be a view (ledger/view.h) on another thread
 * than the ledger's. The same throughout one call. */
struct ledger *call_ledger(const struct call *call);

enum route_cache { ROUTE_FRESH, ROUTE_CACHED, ROUTE_CACHED_AT_HEIGHT /* only if the first argument is given */ };

struct route {
    const char *name;
    void (*handle)(struct call *call); /* NULL: WebSocket only */
    struct arg_spec specs[ARGS_MAX + 1];
    enum route_cache cache;
};

extern const struct route routes_table[]; /* ends with a NULL name */
const struct route *routes_find(struct span name); /* NULL: none */
bool routes_cacheable(const struct route *route, const struct arg *args);

/* A request: one POST body with its calls, or one URI call. Pooled; memory is kept from one to the next. */
struct exchange {
    struct rpc *rpc;
    struct exchange *next; /* in the pool, or among the ready */
    struct arena arena;
    struct emit out;       /* the answer's body */
    int status;            /* of HTTP */
    bool cacheable;
    struct span plain;     /* not empty: a text/plain or HTML answer of this type */

    /* what is still to be done */
    struct scan_walk rest; /* of a batch */
    struct span single;    /* the one request of a body that is no batch */
    bool is_batch;
    uint32_t answers;
    size_t mark;           /* where the current answer begins in `out` */
    struct span id;        /* of the current call, as JSON */
    bool uri;

    /* a call that waits */
    bool is_ready;
    struct waiter waiter;
    struct abci_check check; /* of broadcast_tx_commit, while it waits; arena */
    void (*done)(struct exchange *exchange); /* called when a waiting exchange is complete */
    void *context;
    rpc_reply *reply; /* of rpc_handle_*: context is its own */
};

struct exchange *exchange_open(struct rpc *rpc);
void exchange_close(struct exchange *exchange); /* cancels what waits */
/* true: complete. false: a call waits; `done` will be called. The body is a loan until then. */
bool exchange_post(struct exchange *exchange, struct span body);
bool exchange_uri(struct exchange *exchange, struct span method, struct span query, struct span form);
/* The waiting call has its result (or its error). The rest of the exchange follows in exchange_go_on, from the loop. */
void exchange_resume(struct exchange *exchange, const struct abci_tx_result *result, int64_t height, const char *error);
void exchange_go_on(struct exchange *exchange);
struct span exchange_body(const struct exchange *exchange); /* of a complete one; a loan */
/* The page of GET /. `host` as the client sent it: it is escaped (wound 38). */
void routes_index(struct emit *out, struct span host);

/* Handlers by room of the house that they ask: routes_{node,chain,search,txs,engine,evidence}.c */
void routes_health(struct call *call);
void routes_status(struct call *call);
void routes_net_info(struct call *call);
void routes_genesis(struct call *call);
void routes_genesis_chunked(struct call *call);
void routes_abci_info(struct call *call);
void routes_abci_query(struct call *call);
void routes_blockchain(struct call *call);
void routes_block(struct call *call);
void routes_block_by_hash(struct call *call);
void routes_header(struct call *call);
void routes_header_by_hash(struct call *call);
void routes_commit(struct call *call);
void routes_validators(struct call *call);
void routes_consensus_params(struct call *call);
void routes_block_results(struct call *call);
void routes_tx(struct call *call);
void routes_tx_search(struct call *call);
void routes_block_search(struct call *call);
void routes_broadcast_tx_async(struct call *call);
void routes_broadcast_tx_sync(struct call *call);
void routes_broadcast_tx_commit(struct call *call);
void routes_broadcast_tx_committed(struct call *call, const struct abci_tx_result *result, int64_t height);
void routes_check_tx(struct call *call);
void routes_broadcast_evidence(struct call *call);
void routes_unconfirmed_txs(struct call *call);
void routes_num_unconfirmed_txs(struct call *call);
void routes_consensus_state(struct call *call);
void routes_dump_consensus_state(struct call *call);

/* For heights as all methods read them (rpc/core/env.go getHeight). false: the call has failed. */
bool routes_height(struct call *call, int64_t *height, int64_t latest);
/* Pages: from 1; per_page 30, at most 100. false: the call has failed. */
bool routes_page(struct call *call, uint32_t *skip, uint32_t *count, uint32_t total, const struct arg *page, const struct arg *per_page);
uint32_t routes_per_page(const struct arg *per_page);
uint32_t routes_load_peers(struct call *call, struct rpc_peer **peers); /* the host's, into the arena */

struct http;

/* Begins the countdown of a waiter that was just added. rpc.c */
void rpc_watch_waiters(struct rpc *rpc);
int64_t rpc_clock_ms(void); /* monotonic, for deadlines only */

struct rpc {
    struct event_base *base;
    struct rpc_config config;
    struct rpc_host host;
    struct http *http;
    struct waiters waiters;
    struct exchange *spare; /* exchanges at rest */
    uint32_t spare_count;
    struct exchange *ready; /* woken, to go on at the loop's next turn */
    struct emit genesis;    /* the document on one line, made on first use */
    struct event *alarm;    /* of the first waiter */
    bool stopping;
};

#endif
