/* A network of complete replicas in one process, one thread and virtual time: everything above the seams `world` and `kv` is the production code. The
 * same seed and the same calls give the same run to the last byte. Checkers stand outside of the replicas and abort the run's verdict, not the
 * process. */
#ifndef QUORATE_NODE_SIM_H
#define QUORATE_NODE_SIM_H

#include "node/replica.h"
#include "node/sim_count.h"

#define SIM_NODES_MAX 100

struct sim_road { /* how long messages take; arrival_us NULL: uniform between the config's latencies. bytes 0: a connection is made */
    void *context;
    int64_t (*arrival_us)(void *context, uint32_t from, uint32_t to, size_t bytes, int64_t now_us);
};

struct sim_watch { /* who looks on from outside; each may be NULL. None may call back into the simulation */
    void *context;
    void (*sent)(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message, int64_t arrives_us);
    void (*arrived)(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message); /* before it is taken in */
    void (*applied)(void *context, uint32_t node, struct block *block, const struct abci_finalized *finalized);
    void (*turned)(void *context, uint32_t node, const struct replica *replica); /* after each call into a replica */
    void (*happened)(void *context, uint32_t node, const char *text);            /* lives, links and what the node says */
};

struct sim_config {
    uint64_t seed;
    uint32_t nodes;
    const int64_t *powers;    /* per node; NULL: 10 each; 0: has a key, but is no validator of the genesis */
    uint64_t remote_signers;  /* bit per node (below 64): its signatures come from elsewhere, some time later */
    const uint32_t *key_of;   /* per node: whose key it signs with (twins share one); NULL: each its own */
    const uint8_t *mesh;      /* nodes × nodes, symmetric: who connects to whom; NULL: all to all */
    uint32_t full_nodes;      /* the last so many have no signer and are no validators */
    int64_t initial_height;
    const char *app;          /* "kvstore", "ledger", "extender" */
    int64_t extensions_enable_height;
    struct span app_state;    /* a loan */
    int64_t block_bytes_max;  /* 0: the default */
    struct engine_config engine;
    int64_t block_time_tolerance_ms, double_sign_check_height;
    struct pruning_config retain;
    bool block_sync;
    uint32_t tx_bytes_max, mempool_count_max;
    int64_t journal_file_bytes; /* it begins a new one beyond, and keeps four; 0: the defaults */
    int64_t latency_min_us, latency_max_us; /* per message, uniform; messages of a link keep their order, as TCP does */
    struct sim_road road;
    bool channels_overtake;   /* a link's order holds per channel only, as many channels share it packet by packet */
    bool fork_stops_signing;
    bool forks_allowed;       /* more are faulty than agreement bears: forks and halts are no complaint */
    struct sim_watch watch;
    struct metrics *metrics;  /* node 0 counts into it; NULL: nobody does */
};

struct sim;

/* A call was broken off by death in this process: what it held is lost memory, as it is with a dead process (for leak checkers). */
extern bool sim_was_torn;

struct sim *sim_new(const struct sim_config *config); /* made, and all started */
struct sim *sim_make(const struct sim_config *config);
void sim_start_all(struct sim *sim); /* who is not yet */
void sim_free(struct sim *sim);
void sim_defaults(struct sim_config *config); /* 4 nodes, CometBFT's timeouts, 1 to 20 ms */

/* Runs until every living honest node has applied `height`, or `limit_ms` of virtual time passed: false. */
bool sim_run_to_height(struct sim *sim, int64_t height, int64_t limit_ms);
void sim_run_for(struct sim *sim, int64_t ms);
void sim_run_for_us(struct sim *sim, int64_t us);
int64_t sim_now_ms(const struct sim *sim);
int64_t sim_now_us(const struct sim *sim);

enum mempool_verdict sim_submit(struct sim *sim, uint32_t node, const char *tx);
/* A question to its application; false: it died of it. */
bool sim_query(struct sim *sim, uint32_t node, struct abci_answer *answer, const struct abci_query *question, struct arena *arena);
enum mempool_verdict sim_submit_bytes(struct sim *sim, uint32_t node, struct span tx);

/* ---- lives. kill -9: what was not synced is lost, kept or torn by chance. A dead node can be started again on what is left. */
void sim_kill(struct sim *sim, uint32_t node);
void sim_stop(struct sim *sim, uint32_t node); /* the process ends, the machine goes on: nothing that it wrote is lost */
bool sim_start(struct sim *sim, uint32_t node); /* false: it refuses to start; sim_complaint says why */
enum sim_started { SIM_STARTED, SIM_DIED, SIM_REFUSED };
enum sim_started sim_try_start(struct sim *sim, uint32_t node, char *why, size_t size); /* a refusal is no complaint */
/* The node dies in the middle of its `disk_calls`-th changing call of the disk from now, or of its `kv_writes`-th write to the store; 0: of none.
 * Also if it is started meanwhile; sim_start is then true, and the node dead. */
void sim_doom(struct sim *sim, uint32_t node, uint32_t disk_calls, uint32_t kv_writes);
void sim_doom_in_send(struct sim *sim, uint32_t node, uint32_t sends); /* after some peers heard it, and before the others */
/* Likewise, but the machine goes on: what was written stays, and the disk is full at each start until sim_mend. Of an append that fails half
 * may have arrived. */
void sim_break_disk(struct sim *sim, uint32_t node, uint32_t disk_calls, uint32_t kv_writes);
/* Likewise with EIO, where calls that read count and fail as well; what was not synced may be lost with it. `stays`: until sim_mend, else once. */
void sim_break_io(struct sim *sim, uint32_t node, uint32_t disk_calls, uint32_t kv_calls, bool stays);
/* A bit flips in a file, or in a value of the store, of a dead node; until sim_mend. false: there is nothing to flip. */
bool sim_flip_bit(struct sim *sim, uint32_t node, bool in_store, uint64_t chance, char *what, size_t size);
void sim_mend(struct sim *sim, uint32_t node); /* doom, breaks and flips are over */
bool sim_is_alive(const struct sim *sim, uint32_t node);

/* ---- links */
/* Nodes of different groups (bits of `group_mask` choose group 1; nodes above 63 are of group 0) hear nothing of each other until the next call; 0
 * heals all. */
void sim_partition(struct sim *sim, uint64_t group_mask);
void sim_sever(struct sim *sim, uint32_t a, uint32_t b, bool severed); /* one pair, whatever the partition */
void sim_cut_link(struct sim *sim, uint32_t a, uint32_t b, int64_t for_ms); /* what is under way is lost; it comes back by itself */
bool sim_is_connected(const struct sim *sim, uint32_t a, uint32_t b);
/* What no TCP link does, but proxies and packets of another transport may: of what the node sends so many in a hundred get lost, come twice, or are
 * overtaken within `overtake_ms`, while the link stays. Zeroes end it. */
void sim_set_noise(struct sim *sim, uint32_t node, uint32_t lose_percent, uint32_t double_percent, int64_t overtake_ms);
/* Nothing comes through from `from` to `to`, though the link stays. When it ends the link dies, as its peers' patience would have made it. */
void sim_mute_road(struct sim *sim, uint32_t from, uint32_t to, bool muted);

/* ---- liars and the slow */
/* From now on, the node's messages on this channel are given to `twist` before they leave; it may change bytes in place or return false to
 * swallow. NULL ends it. */
typedef bool sim_twist(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size);
void sim_set_twist(struct sim *sim, uint32_t node, sim_twist *twist, void *context);
/* From now on, nothing that the node wants to send leaves it: the speaker sends what it likes (sim_inject). NULL ends it. */
typedef void sim_speaker(void *context, uint32_t to, uint8_t channel, struct span message);
void sim_set_speaker(struct sim *sim, uint32_t node, sim_speaker *speaker, void *context);
void sim_set_faulty(struct sim *sim, uint32_t node); /* for good: nobody holds it to its word */
bool sim_inject(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct span message); /* as if `from` had sent it; false: no link or room */
void sim_skew_clock(struct sim *sim, uint32_t node, int64_t ms); /* its wall clock is so far ahead */
void sim_set_signer(struct sim *sim, uint32_t node, int64_t ms); /* how long its remote signer takes (0 at first); −1: never answers */
void sim_set_flush_us(struct sim *sim, uint32_t node, int64_t us); /* what each flush of its disk takes; the node waits for it */
void sim_mute(struct sim *sim, uint32_t node, const char *why); /* as if its disk were almost full; NULL: there is space again */
void sim_make_stubborn(struct sim *sim, uint32_t node); /* from its next start on, its application refuses every proposal (ProcessProposal) */

/* ---- looking */
uint32_t sim_node_count(const struct sim *sim);
struct ledger *sim_ledger(struct sim *sim, uint32_t node);
const struct replica *sim_replica(const struct sim *sim, uint32_t node);
struct mempool *sim_mempool(struct sim *sim, uint32_t node);
struct kv *sim_votes(struct sim *sim, uint32_t node); /* the vote journal's store */
const struct ed25519_key *sim_key(const struct sim *sim, uint32_t node);
const struct address *sim_address(const struct sim *sim, uint32_t node);
const struct pubkey *sim_public_key(const struct sim *sim, uint32_t node);
uint32_t sim_key_of(const struct sim *sim, uint32_t node);
const struct state_genesis *sim_genesis(const struct sim *sim);
uint64_t sim_flushes(const struct sim *sim, uint32_t node); /* of journal, mark and store together */
int64_t sim_journal_bytes(const struct sim *sim, uint32_t node); /* in its newest file, without what waits in memory */
uint64_t sim_delivered(const struct sim *sim); /* messages */
uint64_t sim_deaths(const struct sim *sim);
uint32_t sim_drops(const struct sim *sim); /* how often a replica dropped a peer */
const char *sim_last_drop(const struct sim *sim);
void sim_tally(struct sim *sim, enum sim_count what, uint64_t more);
const uint64_t *sim_counts(const struct sim *sim); /* of each sim_count that the simulation itself sees */
bool sim_forked(const struct sim *sim); /* two honest nodes decided differently (forks_allowed) */

/* Agreement, equal app hashes, no honest key signing twice differently or against its lock, heads that only grow: "" or the first violation. */
const char *sim_complaint(const struct sim *sim);
void sim_complain(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3))); /* of other checkers */

#endif
