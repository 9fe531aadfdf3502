/* JSON-RPC with CometBFT's shapes (protocol.md §7; cometbft: rpc/core, rpc/jsonrpc/server): a request and a read view give a response.
 * rpc knows nothing of sockets of peers or of the clock: what it cannot read in the ledger, the mempool and the engine, the host tells.
 * HTTP/1.1 is in request.c (bytes → request, pure), http.c and listen.c (sockets and libevent, known only there). */
#ifndef QUORATE_RPC_RPC_H
#define QUORATE_RPC_RPC_H

#include "genesis/genesis.h"
#include "ledger/ledger.h"
#include "mempool/mempool.h"
#include "tendermint/engine.h"

struct event_base;
struct route;

struct rpc_node_info { /* DefaultNodeInfo as JSON shows it; NUL-terminated texts */
    uint64_t protocol_p2p, protocol_block, protocol_app;
    char id[41];
    char listen_addr[128];
    char network[64];
    char version[64];
    uint8_t channels[16];
    uint8_t channel_count;
    char moniker[128];
    char tx_index[8];
    char rpc_address[128];
};

struct rpc_channel_status {
    uint8_t id;
    uint32_t send_queue_capacity, send_queue_size;
    int32_t priority;
    int64_t recently_sent;
};

struct rpc_peer {
    struct rpc_node_info info;
    bool is_outbound;
    char remote_ip[64];
    int64_t duration_ns;             /* since connected */
    uint64_t bytes_sent, bytes_received;
    int64_t send_rate, recv_rate;    /* bytes per second, averaged */
    uint32_t channel_count;
    struct rpc_channel_status channels[16];
    /* what consensus knows of it, for dump_consensus_state */
    int64_t height;
    int32_t round;
    uint32_t step;
    /* what the failure detector says of it, for net_info */
    bool suspected;
    int64_t heard_ago_ms, silence_max_ms, round_trip_us; /* round trip 0: not measured yet */
};

struct rpc_validator_liveness {
    struct address address;
    bool suspected;
    int64_t heard_ago_ms; /* −1: never in this run */
    int64_t silence_max_ms;
};

struct rpc_dial {
    const char *addresses;
    bool persistent, unconditional, private; /* as in [p2p]: persistent_peers, unconditional_peer_ids, private_peer_ids */
};

struct rpc_fork_alarm {
    bool raised, stopped;
    int64_t height;
    struct digest ours, theirs;
    char bundle[64];
    int64_t parents_height; /* validators that voted there on two parents; 0: none were seen */
    uint32_t parents_validators;
    int64_t parents_power, parents_total;
    char parents_bundle[64];
};

#define RPC_NOTES_MAX 64
struct rpc_vote_log { /* what is known of the completeness of a height's votes */
    int64_t complete_from, filled, lowest;
    bool whole; /* else the height was undisputed, and only this node's own votes are kept */
    uint32_t note_count;
    struct span notes[RPC_NOTES_MAX];
};

/* Filled by the node; every pointer is a loan for the server's life. When rpc has a thread of its own, it calls on it: now, node_info and validator_key;
 * all else is called, and the ledger, the mempool, the engine and the application are touched, on the thread of the event base given to rpc_start. */
struct rpc_host {
    void *context;
    struct ledger *ledger;
    struct mempool *mempool;
    const struct engine *engine;
    const struct genesis *genesis;
    const struct mempool_config *mempool_config; /* for the words of a refusal ("mempool is full: …"); NULL: its limits read 0 */
    const char *software_version;   /* the real one: abci_info's and `quorate version` */
    struct timestamp (*now)(void *context);
    void (*node_info)(void *context, struct rpc_node_info *out);
    bool (*catching_up)(void *context);
    bool (*validator_key)(void *context, struct pubkey *out); /* false: this node has none */
    struct timestamp (*height_started)(void *context);        /* start time of the current height */
    /* Peers: the first call gives their number with out NULL. */
    uint32_t (*peers)(void *context, struct rpc_peer *out, uint32_t capacity);
    /* The validators as the failure detector sees them; the same way. NULL: it is not told. */
    uint32_t (*liveness)(void *context, struct rpc_validator_liveness *out, uint32_t capacity);
    /* Checks the transaction and gives it to gossip; holds the blob if it keeps it. *check (zeroed before the call) lives in the arena. */
    enum mempool_verdict (*submit)(void *context, struct abci_check *check, struct blob *tx, struct arena *arena);
    /* Has this node seen two conflicting commits of its chain? NULL: it does not look. */
    void (*fork_alarm)(void *context, struct rpc_fork_alarm *out);
    /* The vote journal's items of a height (node/votejournal.h), for the caller to release; *out lives in the arena. NULL: none, or more than bytes_max.
     * NULL: this node has no vote journal. */
    struct blob *(*vote_log)(void *context, struct rpc_vote_log *out, int64_t height, size_t bytes_max, struct arena *arena);
    /* Verifies evidence and gives it to the pool and to gossip. NULL: this node takes none. */
    enum evidence_pool_verdict (*submit_evidence)(void *context, const struct evidence *evidence);
    /* Begins to dial ("id@host:port,…"). NULL, or what is wrong with one of them (malloc'ed): then none was dialled. */
    char *(*dial)(void *context, const struct rpc_dial *wish);
};

struct rpc_config { /* [rpc] of config.toml */
    const char *laddr; /* "tcp://127.0.0.1:26657" or "unix:///path" */
    uint32_t max_open_connections;
    uint32_t max_request_batch_size;
    uint64_t max_body_bytes, max_header_bytes;
    int64_t timeout_broadcast_tx_commit_ms;
    const char *cors_allowed_origins; /* comma list; "" off */
    const char *cors_allowed_methods, *cors_allowed_headers;
    bool unsafe;
    uint32_t max_subscription_clients, max_subscriptions_per_client, subscription_buffer_size;
    /* Who may, and how much. Texts may be NULL: "". */
    const char *tls_cert_file, *tls_key_file; /* PEM; both, or plain text is spoken */
    const char *client_ca_file;               /* clients must show a certificate of this authority */
    const char *tokens, *anonymous;           /* access.h */
    uint32_t rate;                            /* calls per second and address; 0: no limit. This host is exempt from this and the next */
    uint32_t max_connections_per_address;     /* 0: no limit */
    bool apart;                  /* a thread of its own: questions to the core go through a bounded mailbox, the past is read in views */
    uint32_t core_questions_max; /* 0: RPC_QUESTIONS_MAX. More at once are answered "busy" */
    /* Another one's answers (node/light_proxy.h): routes of its own (call.h), whose questions so many threads answer instead of the core, each waiting
     * as long as it takes. `apart`, and rpc_start gets no base; the host's ledger may be a mirror (ledger/mirror.h). NULL: a node's own. */
    const struct route *routes;
    uint32_t crew;
    const char *index; /* what GET / says */
};
#define RPC_QUESTIONS_MAX 4096

#define RPC_WAITERS_MAX 1024 /* broadcast_tx_commit calls that wait at once */

struct rpc; /* the server */

/* Begins to listen. base: the core's. config and host are copied, but not what they point to. NULL with *error (malloc'ed) naming address and cause ("address already in use: is another node running? …"). */
struct rpc *rpc_start(struct event_base *base, const struct rpc_config *config, const struct rpc_host *host, char **error);
void rpc_stop(struct rpc *rpc);
uint16_t rpc_port(const struct rpc *rpc); /* the bound port (for laddr port 0) */

/* The host says: a block was applied. Wakes broadcast_tx_commit waiters, later the subscribers. Loans for the call; NULL will do when rpc is apart. */
void rpc_block_applied(struct rpc *rpc, struct block *block, const struct abci_finalized *finalized);

/* For a host with routes of its own, on any thread. Does anybody want to hear of heights? All subscriptions end with an error that says why. */
bool rpc_has_listeners(const struct rpc *rpc);
void rpc_end_subscriptions(struct rpc *rpc, const char *reason);

/* What consensus does, for the subscribers; on the core's thread. Cheap to ask, and nothing needs to be told unless it is wanted. */
struct rpc_news;
bool rpc_wants_news(const struct rpc *rpc);
void rpc_tell_news(struct rpc *rpc, const struct rpc_news *news); /* copied */

/* The pure heart, for tests and fuzzing: answers the body of one POST, or GET /method?query. `reply` is called once, now or
 * (broadcast_tx_commit) later, at the latest in rpc_stop. An empty body: nothing but notifications were asked. */
typedef void rpc_reply(void *context, int http_status, const char *body, size_t size, bool cacheable);
void rpc_handle_post(struct rpc *rpc, struct span body, rpc_reply *reply, void *reply_context);
void rpc_handle_uri(struct rpc *rpc, const char *method, const char *query, rpc_reply *reply, void *reply_context);

#endif
