/* A network of complete replicas in one process, one thread and virtual time: everything above the seams `world` and `kv` is the production code. The
 * same seed and the same calls give the same run to the last byte. Checkers stand outside of the replicas and abort the run's verdict, not the
 * process. */
#ifndef QUORATE_NODE_SIM_H
#define QUORATE_NODE_SIM_H

#include "node/replica.h"

#define SIM_NODES_MAX 100

struct sim_config {
    uint64_t seed;
    uint32_t nodes;
    const int64_t *powers;    /* per node; NULL: 10 each; 0: has a key, but is no validator of the genesis */
    uint64_t remote_signers;  /* bit per node (below 64): its signatures come from elsewhere, some time later */
    uint32_t full_nodes;      /* the last so many have no signer and are no validators */
    int64_t initial_height;
    const char *app;          /* "kvstore" */
    struct engine_config engine;
    int64_t block_time_tolerance_ms, double_sign_check_height;
    bool block_sync;
    uint32_t tx_bytes_max;
    int64_t latency_min_us, latency_max_us; /* per message, uniform; messages of a link keep their order, as TCP does */
};

struct sim;

/* A call was broken off by death in this process: what it held is lost memory, as it is with a dead process (for leak checkers). */
extern bool sim_was_torn;

struct sim *sim_new(const struct sim_config *config);
void sim_free(struct sim *sim);
void sim_defaults(struct sim_config *config); /* 4 nodes, CometBFT's timeouts, 1 to 20 ms */

/* Runs until every living node has applied `height`, or `limit_ms` of virtual time passed: false. */
bool sim_run_to_height(struct sim *sim, int64_t height, int64_t limit_ms);
void sim_run_for(struct sim *sim, int64_t ms);
int64_t sim_now_ms(const struct sim *sim);

enum mempool_verdict sim_submit(struct sim *sim, uint32_t node, const char *tx);
/* kill -9: what was not synced is lost, kept or torn by chance. A dead node can be started again on what is left. */
void sim_kill(struct sim *sim, uint32_t node);
bool sim_start(struct sim *sim, uint32_t node); /* false: it refuses to start; sim_complaint says why */
/* The node dies in the middle of its `disk_calls`-th changing call of the disk from now, or of its `kv_writes`-th write to the store; 0: of none.
 * Also if it is started meanwhile; sim_start is then true, and the node dead. */
void sim_doom(struct sim *sim, uint32_t node, uint32_t disk_calls, uint32_t kv_writes);
bool sim_is_alive(const struct sim *sim, uint32_t node);
/* Nodes of different groups (bits of `group_mask` choose group 1) hear nothing of each other until the next call; 0 heals all. */
void sim_partition(struct sim *sim, uint64_t group_mask);
/* From now on, the node's messages on this channel are given to `twist` before they leave; it may change bytes in place or return false to
 * swallow. NULL ends it. */
typedef bool sim_twist(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size);
void sim_set_twist(struct sim *sim, uint32_t node, sim_twist *twist, void *context);
void sim_skew_clock(struct sim *sim, uint32_t node, int64_t ms); /* its wall clock is so far ahead */
void sim_set_signer(struct sim *sim, uint32_t node, int64_t ms); /* how long its remote signer takes (0 at first); −1: never answers */
void sim_make_stubborn(struct sim *sim, uint32_t node); /* from its next start on, its application refuses every proposal (ProcessProposal) */
void sim_inject(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct span message); /* as if `from` had sent it */

struct ledger *sim_ledger(struct sim *sim, uint32_t node);
const struct replica *sim_replica(const struct sim *sim, uint32_t node);
struct mempool *sim_mempool(struct sim *sim, uint32_t node);
const struct ed25519_key *sim_key(const struct sim *sim, uint32_t node);
uint64_t sim_flushes(const struct sim *sim, uint32_t node); /* of journal, mark and store together */
int64_t sim_journal_bytes(const struct sim *sim, uint32_t node); /* in its newest file, without what waits in memory */
uint32_t sim_drops(const struct sim *sim); /* how often a replica dropped a peer */
const char *sim_last_drop(const struct sim *sim);

/* Agreement, equal app hashes, no honest key signing twice differently or against its lock, heads that only grow: "" or the first violation. */
const char *sim_complaint(const struct sim *sim);

#endif
