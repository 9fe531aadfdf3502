/* Block sync, the serving side (channel 40; protocol.md §11): what peers ask of our store, with bounds. A peer's requests wait as numbers, not as
 * blocks, until its queue has room, and it gets at most BLOCKSERVE_RATE bytes per second on the average; each answer counts as one KiB at
 * least, so that questions without answers are bounded too. Requests beyond BLOCKSERVE_WAITING_MAX are not answered. */
#ifndef QUORATE_NODE_BLOCKSERVE_H
#define QUORATE_NODE_BLOCKSERVE_H

#include "node/blocksync.h"

#define BLOCKSERVE_WAITING_MAX 64
#define BLOCKSERVE_RATE        (32 * 1024 * 1024)
#define BLOCKSERVE_BURST       (8 * 1024 * 1024)
#define BLOCKSERVE_TURN_BYTES  (2 * 1024 * 1024) /* read from the store for one peer in one turn, and one block more */

struct blockserve_peer {
    uint32_t number; /* 0: a free place */
    bool is_full;    /* its queue was; wait for blockserve_writable */
    bool owes_status;
    int64_t credit;  /* bytes it may have; below zero after a large block */
    uint32_t first, count;
    int64_t heights[BLOCKSERVE_WAITING_MAX];
};

struct blockserve {
    struct ledger *ledger; /* a loan */
    struct blocksync_owner owner; /* send only */
    int64_t turn_ms; /* of the last turn in which somebody waited */
    uint32_t waiting; /* answers that are owed, to all */
    struct blockserve_peer peers[BLOCKSYNC_PEERS_MAX];
};

void blockserve_init(struct blockserve *serve, struct ledger *ledger, const struct blocksync_owner *owner, int64_t now_ms);
void blockserve_peer_up(struct blockserve *serve, uint32_t peer); /* it hears our status */
void blockserve_peer_down(struct blockserve *serve, uint32_t peer);
/* BlockRequest and StatusRequest; others are not for us. */
void blockserve_receive(struct blockserve *serve, uint32_t peer, const struct wire_blocksync *message);
void blockserve_writable(struct blockserve *serve, uint32_t peer);
/* Answers. Returns after how many milliseconds to come again; −1: nothing waits that time would help. */
int64_t blockserve_turn(struct blockserve *serve, int64_t now_ms);

#endif
