/* The second seam: everything the replica asks of the world. world_libevent.c is the real one; the simulator is the other. All calls are made
 * from the replica's loop; none calls back into the replica before it returns (what arrives, arrives as a replica_* call later).
 * Peers are numbered by the world: 1 … , never reused within a run; 0 is ourselves. */
#ifndef QUORATE_NODE_WORLD_H
#define QUORATE_NODE_WORLD_H

#include "crypto/blob.h"
#include "node/disk.h"
#include "tendermint/timestamp.h"
#include "tendermint/vote.h"

struct world;

enum world_timer { /* one pending each; setting it again replaces it */
    WORLD_TIMER_ENGINE,   /* the earliest of the engine's timeouts */
    WORLD_TIMER_GOSSIP,   /* retry of what peers lacked when their queues were full, relays */
    WORLD_TIMER_CLAIMS,   /* peer_query_maj23_sleep_duration */
    WORLD_TIMER_JOURNAL,  /* background flush, 2 s */
    WORLD_TIMER_CATCHUP,  /* block sync: looks, answers, requests */
    WORLD_TIMER_COUNT,
};

enum world_level { WORLD_DEBUG, WORLD_INFO, WORLD_WARN, WORLD_ERROR };

enum world_blame { /* how a peer is let go */
    WORLD_BLAME_NONE,    /* not its fault (shutdown, a limit of ours) */
    WORLD_BLAME_FAULT,   /* broke a rule: dropped, redialled later with back-off if persistent */
    WORLD_BLAME_MALICE,  /* provable: banned for a while */
};

/* Something to sign for a key that is kept elsewhere, and what became of it. */
struct world_signing {
    bool is_proposal;
    struct vote vote; /* unless is_proposal. Its extension is a loan until return; extension.data not NULL: to be signed too, even when empty */
    struct proposal proposal;
    const char *refused; /* of an answer: NULL (the signature is there, and verified; the timestamp may be another), or why there is none */
};

struct world_table {
    struct timestamp (*now)(struct world *world);  /* wall clock */
    int64_t (*now_ms)(struct world *world);        /* monotonic */
    /* Queues a message for a peer; holds the blob if it takes it. false: that channel's queue is full (or the peer is gone): nothing was taken,
     * and replica_peer_writable is called when there is room again. */
    bool (*send)(struct world *world, uint32_t peer, uint8_t channel, struct blob *message);
    void (*drop)(struct world *world, uint32_t peer, enum world_blame blame, const char *reason);
    void (*timer)(struct world *world, enum world_timer which, int64_t delay_ms); /* → replica_timer */
    void (*log)(struct world *world, enum world_level level, const char *text);
    /* Asks for a signature of replica_config's remote_key; → replica_signed, at most once for each wish. May be NULL where there is no such key. */
    void (*sign)(struct world *world, const struct world_signing *wish);
    /* Asks a peer whether it is there; → replica_pong. NULL: this world cannot. */
    void (*ping)(struct world *world, uint32_t peer);
};

struct world { /* first member of every implementation */
    const struct world_table *table;
    struct disk *disk;
};

#endif
