/* One call of a method, the request that holds it, and the server they belong to. Private to rpc and to whoever brings routes of its own
 * (rpc_config.routes), who knows struct call, struct route and call_fail. */
#ifndef QUORATE_RPC_CALL_H
#define QUORATE_RPC_CALL_H

#include "genesis/emit.h"
#include "genesis/scan.h"
#include "rpc/access.h"
#include "rpc/args.h"
#include "rpc/bucket.h"
#include "rpc/desk.h"
#include "rpc/rpc.h"
#include "rpc/subscriber.h"
#include "rpc/waiters.h"
#include "rpc/websocket.h"

enum { CALL_PARSE_ERROR = -32700, CALL_INVALID_REQUEST = -32600, CALL_NO_METHOD = -32601, CALL_INVALID_PARAMS = -32602, CALL_INTERNAL = -32603, CALL_SERVER = -32000 };

struct route;

struct call { /* what a handler gets */
    const struct route *route;
    struct rpc *rpc;
    const struct rpc_host *host;
    struct arena *arena;   /* of the request */
    struct emit *out;      /* the handler writes one JSON value */
    const struct arg *args;
    void *found;           /* from `prepare` to `ask` to `handle`; arena */
    struct span params;    /* as they came: checked JSON, or (is_uri) the query of a URI; may be empty */
    bool is_uri;
    struct span error;     /* set by call_fail */
    struct span foreign;   /* after call_fail: another node's error object (JSON), to be answered instead of ours */
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

/* A method goes through up to three steps; a step that fails ends it. `prepare` and `handle` run on rpc's thread: they may read call_ledger and the
 * genesis, and nothing else of the host but what rpc.h says is for any thread. `ask` runs on the core's thread, between its own work: short, and
 * it alone may touch mempool, engine, application and the host's other functions. */
struct route {
    const char *name;
    void (*handle)(struct call *call); /* writes the result */
    struct arg_spec specs[ARGS_MAX + 1];
    enum route_cache cache;
    void (*ask)(struct call *call);     /* NULL: the core is not needed */
    void (*prepare)(struct call *call); /* NULL: nothing to do before */
    bool websocket;                     /* over a websocket only */
    bool unsafe;                        /* unknown unless rpc.unsafe */
    bool as_it_comes;                   /* `params` are not looked at: they are somebody else's matter */
    bool of_app; /* `ask` wants the application and nothing else: one apart (app.h) is asked on rpc's thread, lest its slowness becomes the core's */
    enum access_right right;            /* that it needs; 0: ACCESS_READ */
};

extern const struct route routes_table[]; /* ends with a NULL name */
const struct route *routes_find(const struct rpc *rpc, struct span name); /* NULL: none, or an unsafe one that is off */
bool routes_cacheable(const struct route *route, const struct arg *args);

/* A request: one POST body with its calls, or one URI call. Pooled; memory is kept from one to the next. */
struct exchange {
    struct mail mail;      /* on its way to the core and back */
    struct rpc *rpc;
    struct exchange *next; /* in the pool, or among the ready */
    bool at_core;          /* the core has it: nothing of it is touched here, but for `abandoned` */
    bool abandoned;        /* nobody waits for it any more: closed when it comes back */
    void *keeps;           /* malloc'ed bytes that its loans point into, when their owner is gone */
    struct blob **held;    /* released at the end; an arena's list */
    uint32_t held_count;
    struct call call;      /* the current one */
    struct arg args[ARGS_MAX];
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
    struct websocket *websocket; /* that it came over; NULL: HTTP */
    int rights;                  /* of who asks */
    struct bucket_client client;

    /* a call that waits */
    bool is_ready;
    struct waiter waiter;
    void (*done)(struct exchange *exchange); /* called when a waiting exchange is complete */
    void *context;
    rpc_reply *reply; /* of rpc_handle_*: context is its own */
};

struct exchange *exchange_open(struct rpc *rpc);
/* Cancels what waits. `bytes` (malloc'ed, or NULL): what the request lies in; it is freed, now or when the core has done with it. */
void exchange_close_with(struct exchange *exchange, void *bytes);
static inline void exchange_close(struct exchange *exchange) { exchange_close_with(exchange, NULL); }
void exchange_answered(struct exchange *exchange); /* the core has sent it back */
void exchange_forget(struct exchange *exchange);   /* the same, when all ends */
/* true: complete. false: a call waits; `done` will be called. The body is a loan until then. */
bool exchange_post(struct exchange *exchange, struct span body);
bool exchange_socket(struct exchange *exchange, struct span message); /* likewise; no batches, and no answer at all to a notification */
bool exchange_uri(struct exchange *exchange, struct span method, struct span query, struct span form);
/* The waiting call has its result (or its error). The rest of the exchange follows in exchange_go_on, from the loop. */
void exchange_resume(struct exchange *exchange, const struct abci_tx_result *result, int64_t height, const char *error);
void exchange_go_on(struct exchange *exchange);
struct span exchange_body(const struct exchange *exchange); /* of a complete one; a loan */
/* The page of GET /. `host` as the client sent it: it is escaped (wound 38). */
void routes_index(struct emit *out, const struct rpc_config *config, struct span host);

/* Handlers by room of the house that they ask: routes_{node,chain,search,txs,engine,evidence}.c */
void routes_health(struct call *call);
void routes_status(struct call *call);
void routes_net_info(struct call *call);
void routes_genesis(struct call *call);
void routes_genesis_chunked(struct call *call);
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
/* The steps of a method: X, its routes_prepare_X and routes_ask_X. */
void routes_answered(struct call *call); /* `ask` has written the result already */
void routes_ask_tx(struct call *call);   /* submits args[0] */
void routes_prepare_tx_commit(struct call *call);
void routes_ask_check_tx(struct call *call);
void routes_ask_unconfirmed_txs(struct call *call);
void routes_ask_num_unconfirmed_txs(struct call *call);
void routes_ask_abci_info(struct call *call);
void routes_ask_abci_query(struct call *call);
void routes_ask_net_info(struct call *call);
void routes_ask_consensus_state(struct call *call);
void routes_ask_dump_consensus_state(struct call *call);
void routes_ask_fork_alarm(struct call *call);
void routes_ask_vote_log(struct call *call);
void routes_vote_log(struct call *call);
void routes_prepare_evidence(struct call *call);
void routes_ask_evidence(struct call *call);
void routes_prepare_dial(struct call *call);
void routes_ask_dial(struct call *call);
void routes_dial_seeds(struct call *call);
void routes_dial_peers(struct call *call);
void routes_ask_flush_mempool(struct call *call);
void routes_broadcast_tx_async(struct call *call);
void routes_broadcast_tx_sync(struct call *call);
void routes_broadcast_tx_commit(struct call *call);
void routes_broadcast_tx_committed(struct call *call, const struct abci_tx_result *result, int64_t height);
void routes_check_tx(struct call *call);
void routes_broadcast_evidence(struct call *call);
void routes_unconfirmed_txs(struct call *call);

/* For heights as all methods read them (rpc/core/env.go getHeight). false: the call has failed. */
bool routes_height(struct call *call, int64_t *height, int64_t latest);
/* blockchain's range (rpc/core/blocks.go filterMinMax): 0 means the first and the last; at most `limit` heights. NULL, or what is wrong. */
const char *routes_range(int64_t *low, int64_t *high, int64_t base, int64_t height, int64_t limit);
/* Pages: from 1; per_page 30, at most 100. false: the call has failed. */
bool routes_page(struct call *call, uint32_t *skip, uint32_t *count, uint32_t total, const struct arg *page, const struct arg *per_page);
uint32_t routes_per_page(const struct arg *per_page);
struct routes_peers { /* the host's, in the arena */
    uint32_t count;
    struct rpc_peer *list;
    uint32_t validator_count; /* of net_info alone */
    struct rpc_validator_liveness *validators;
};
struct routes_peers *routes_find_peers(struct call *call); /* in `ask`. NULL: the call has failed */
bool call_catching_up(const struct call *call);

struct http;

/* ---- rpc.c */

/* The waiter is to hear of its transaction in any height after `height`. */
void rpc_wait_for_tx(struct rpc *rpc, struct waiter *waiter, int64_t height);
/* To the core with the others of this turn. */
void rpc_post(struct rpc *rpc, struct exchange *exchange);
struct ledger *rpc_ledger(struct rpc *rpc); /* as call_ledger; until the end of the turn */
void rpc_refresh(struct rpc *rpc);          /* a newer view, if there is one */
void rpc_listen(struct rpc *rpc);           /* from now on every head is looked at, while there are waiters or subscribers */
void rpc_touch(struct rpc *rpc);            /* this turn has an end */
int64_t rpc_clock_ms(void); /* monotonic, for deadlines only */

struct rpc {
    struct event_base *base; /* of rpc's own thread, if it has one */
    bool apart;              /* it has */
    pthread_t thread;
    struct desk desk;        /* if apart */
    struct event *answers, *news; /* its answers' descriptor, and its news' */
    struct event *turn_end;
    bool turn_end_due;
    struct mail_list outbox; /* for the core, at the end of this turn */
    struct view *view;       /* held until the end of this turn */
    uint64_t view_edition;
    int64_t told;            /* waiters and subscribers have heard of this height, while there are any */
    atomic_bool stop;
    struct arena arena;      /* of the height that is being told */
    struct rpc_config config;
    struct rpc_host host;
    struct http *http;
    const struct route *routes; /* routes_table; tests may have one of their own */
    struct access access;
    struct buckets buckets;
    struct waiters waiters;
    struct herald herald;
    atomic_bool wants_news;
    struct websocket *due;   /* to be flushed at the end of this turn */
    struct websocket_patience websocket_patience;
    struct exchange *spare; /* exchanges at rest */
    uint32_t spare_count;
    struct exchange *ready; /* woken, to go on at the loop's next turn */
    struct emit genesis;    /* the document on one line, made on first use */
    struct event *alarm;    /* of the first waiter */
    bool stopping;
};

#endif
