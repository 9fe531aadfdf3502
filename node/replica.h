/* The replica: everything of a node above the seams `world` and `kv`, deterministic: gossip, gate, candidates, journal, engine, signer, ledger,
 * mempool (house.md "The one way of a block", stations 2 to 9). The world calls in; nothing here blocks but disk flushes. */
#ifndef QUORATE_NODE_REPLICA_H
#define QUORATE_NODE_REPLICA_H

#include "ledger/ledger.h"
#include "mempool/mempool.h"
#include "node/forkwatch.h"
#include "node/parentwatch.h"
#include "node/journal.h"
#include "node/metrics.h"
#include "node/pruning.h"
#include "node/signer.h"
#include "node/votejournal.h"
#include "node/world.h"
#include "rpc/news.h"
#include "tendermint/engine.h"

struct replica_config {
    struct engine_config engine;
    int64_t peer_gossip_sleep_ms;       /* retry period of gossip */
    int64_t peer_query_maj23_sleep_ms;
    bool mempool_broadcast;
    int64_t proposal_pace_ms;           /* pace.h; 0: proposals of all that fits */
    int64_t mempool_relay_ms;           /* wait before passing on what a peer sent: in a full mesh its sender reaches the others itself */
    int64_t double_sign_check_height;
    int64_t block_time_tolerance_ms;
    struct pruning_config retain;
    bool block_sync;                    /* at the start, and whenever we fall behind; blocks are served in any case */
    const char *journal_name;           /* "data/cs.wal/wal" */
    bool fork_stops_signing;            /* forkwatch.h */
    int64_t votes_retain;               /* heights that the vote journal keeps; 0: all */
    struct pubkey remote_key;           /* not NONE: our key is elsewhere, and signatures are asked of the world; then parts.signer is NULL */
};

struct replica;

struct replica_listener { /* who hears of applied blocks and of what the engine does (rpc); may be NULL functions */
    void *context;
    void (*block_applied)(void *context, struct block *block, const struct abci_finalized *finalized);
    bool (*wants_news)(void *context);
    void (*news)(void *context, const struct rpc_news *news); /* a loan for the call */
};

/* All loans for the replica's life; the ledger is open. signer NULL: the key is elsewhere (remote_key), or this is a full node without one. */
struct replica_parts {
    struct world *world;
    struct ledger *ledger;
    struct mempool *mempool;
    struct signer *signer;
    struct replica_listener listener;
    struct kv *votes; /* the vote journal's store; NULL: no such journal */
    struct metrics *metrics; /* NULL: nobody counts */
};

/* Opens the journal. NULL with *error malloc'ed. */
struct replica *replica_new(const struct replica_config *config, const struct replica_parts *parts, char **error);
void replica_start(struct replica *replica); /* begins the height, replays the journal through the same way */
void replica_free(struct replica *replica);  /* syncs the journal */

/* The world calls. */
void replica_peer_up(struct replica *replica, uint32_t peer, const char *id /* 40 hex */);
void replica_peer_down(struct replica *replica, uint32_t peer);
void replica_receive(struct replica *replica, uint32_t peer, uint8_t channel, struct span message);
void replica_peer_writable(struct replica *replica, uint32_t peer);
void replica_pong(struct replica *replica, uint32_t peer, int64_t round_trip_us); /* the world's ping came back */
void replica_timer(struct replica *replica, enum world_timer which);
/* The world knows a reason why this node must not sign (a disk that is almost full): nothing is signed or proposed until it is told NULL. Then what
 * this round is still waiting for is signed. */
void replica_mute(struct replica *replica, const char *why);
void replica_signed(struct replica *replica, const struct world_signing *answer);
enum mempool_verdict replica_submit(struct replica *replica, struct abci_check *check, struct blob *tx, struct arena *arena); /* from RPC */
enum evidence_pool_verdict replica_submit_evidence(struct replica *replica, const struct evidence *evidence); /* likewise */
/* Called by the world when it has handed in everything that was at hand: gossip that was put together goes out now. */
void replica_flush(struct replica *replica);

/* For those who look. */
struct blob *replica_vote_log(const struct replica *replica, struct votejournal_state *state, bool *is_whole, int64_t height, size_t bytes_max); /* NULL: none, or too large */
const struct engine *replica_engine(const struct replica *replica);
bool replica_catching_up(const struct replica *replica);
bool replica_resting(const struct replica *replica); /* block sync is at work: the engine tells of the past */
struct timestamp replica_height_started(const struct replica *replica);
bool replica_peer_progress(const struct replica *replica, uint32_t peer, int64_t *height, int32_t *round, uint32_t *step);
/* Walks over the peers: *at is 0 at first. false: no more. The id is a loan until the next call into the replica. */
bool replica_next_peer(const struct replica *replica, uint32_t *at, uint32_t *number, const char **id);
uint32_t replica_tx_peers(const struct replica *replica); /* how many are sent transactions */
/* Who is suspected to be slow or gone (suspects.h). */
struct replica_liveness {
    struct address address; /* of a validator */
    bool suspected;
    int64_t heard_ago_ms; /* −1: never in this run */
    int64_t timeout_ms;   /* silence that is tolerated */
    int64_t round_trip_us; /* of a peer; 0: not measured yet */
    uint32_t mistakes;    /* suspicions that ended */
};
bool replica_peer_liveness(const struct replica *replica, uint32_t peer, struct replica_liveness *out);
uint32_t replica_validators_liveness(const struct replica *replica, struct replica_liveness *out, uint32_t capacity); /* how many there are */
bool replica_muted(const struct replica *replica);
const struct forkwatch_alarm *replica_fork_alarm(const struct replica *replica);
const struct parentwatch *replica_two_parents(const struct replica *replica);
bool replica_halted(const struct replica *replica, char *why, size_t size);

#endif
