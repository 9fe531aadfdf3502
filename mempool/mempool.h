/* Waiting transactions: bounded, in order of arrival, each known by its hash (cometbft: mempool/clist_mempool.go, cache.go; protocol.md §4.6).
 * Whoever names a sender (abci_check.sender) has its transactions proposed in sequence order. Knows no peer but by number, no clock
 * but the heights and milliseconds it is told. Not a source of truth: all of it may be lost. */
#ifndef QUORATE_MEMPOOL_MEMPOOL_H
#define QUORATE_MEMPOOL_MEMPOOL_H

#include "ledger/app.h"
#include "ledger/block.h"

#define MEMPOOL_PEERS_MAX 64 /* peers whose knowledge is remembered, as bits */

struct mempool_config {
    uint32_t count_max;        /* size: 5000 */
    uint64_t bytes_max;        /* max_txs_bytes: 1 GiB */
    uint32_t tx_bytes_max;     /* max_tx_bytes: 1 MiB */
    uint32_t cache_count;      /* cache_size: 10000 hashes of seen transactions */
    bool keep_invalid_in_cache;
    bool recheck;
    int64_t ttl_blocks;        /* 0: none. A transaction that waited so many heights is dropped */
    int64_t ttl_ms;            /* 0: none */
};

enum mempool_verdict {
    MEMPOOL_ADDED = 0,
    MEMPOOL_KNOWN,      /* in the pool or in the cache: "tx already exists in cache" */
    MEMPOOL_FULL,       /* count or bytes */
    MEMPOOL_TOO_LARGE,
    MEMPOOL_EMPTY_TX,
    MEMPOOL_REFUSED,    /* the application's code is not 0, or gas beyond the block's */
};
const char *mempool_verdict_text(enum mempool_verdict verdict);

struct mempool_tx { /* read-only for others */
    struct blob *tx;
    uint8_t hash[32];
    int64_t height;      /* the chain's height when it came */
    int64_t arrived_ms;
    uint64_t number;     /* ascends with arrival: a gossip cursor */
    uint64_t known_by;   /* bit per peer slot: who sent it to us or got it from us */
    int64_t gas_wanted;
    bool local;          /* no peer sent it: it came through our own RPC */
};

#define MEMPOOL_SIZE_CLASSES 8
struct mempool_counts { /* since the beginning; for those who look */
    uint64_t added, known, rejected /* no room */, failed /* refused, or of a bad size */, evicted /* good at first */, rechecks;
    uint64_t sizes[MEMPOOL_SIZE_CLASSES]; /* of those added: up to 1, 3, 9, 27, 81, 243, 729 bytes, and larger */
    uint64_t size_sum;
};

struct mempool;

struct mempool *mempool_new(const struct mempool_config *config, struct app *app);
void mempool_free(struct mempool *pool);
/* What a block has room for (PreCheck/PostCheck); set at each height. block_gas_max −1: no limit. What fits into no block any more is forgotten. */
void mempool_set_limits(struct mempool *pool, int64_t data_bytes_max, int64_t block_gas_max);

/* Checks with the application and keeps. Holds the blob if kept. `peer_slot` −1: from RPC. *check (arena) is filled when the application was
 * asked. A KNOWN one notes that the peer has it. */
enum mempool_verdict mempool_add(struct mempool *pool, struct abci_check *check, struct blob *tx, int peer_slot, int64_t now_ms,
                                 struct arena *arena);
/* The same for many at once, of which nobody waits for an answer: an application that is far away is asked about all before its first answer. */
void mempool_add_all(struct mempool *pool, struct blob *const *txs, uint32_t count, int peer_slot, int64_t now_ms);
/* For a proposal: the first transactions in order, per sender by sequence, at most bytes_max as Data encodes them and gas_max (−1: no limit).
 * Arrays come from the arena. Returns the count. */
uint32_t mempool_reap(const struct mempool *pool, struct span **txs, uint8_t (**hashes)[32], int64_t bytes_max, int64_t gas_max,
                      struct arena *arena);
/* After a block: committed ones go (with result codes: an INVALID one leaves the cache unless keep_invalid_in_cache: wound 6), expired go,
 * the rest is rechecked. */
void mempool_update(struct mempool *pool, const struct block *block, const struct abci_tx_result *results, int64_t now_ms);
void mempool_flush(struct mempool *pool);

uint32_t mempool_tx_bytes_max(const struct mempool *pool);
void mempool_counted(const struct mempool *pool, struct mempool_counts *out);
uint32_t mempool_count(const struct mempool *pool);
uint64_t mempool_bytes(const struct mempool *pool);
const struct mempool_tx *mempool_find(const struct mempool *pool, const uint8_t hash[static 32]);
/* Gossip: the first transaction with number > after (0: the oldest), or NULL. mark: peer slot has it now. */
const struct mempool_tx *mempool_next(const struct mempool *pool, uint64_t after);
void mempool_mark(struct mempool *pool, const struct mempool_tx *tx, int peer_slot);
/* Those of our own that came at `height` or before: nobody is known to have them any more. The smallest number among them; 0: there is none. */
uint64_t mempool_unmark(struct mempool *pool, int64_t height);
void mempool_forget_peer(struct mempool *pool, int peer_slot); /* the slot will be used by another */

#endif
