/* Which transactions were sent, which were accepted, and in which block each was seen: by hash, so that a loss or a double
 * is found whoever causes it. 48 bytes a transaction and 4 to 8 of index, up to the limit given; then load_tally_sent refuses and the
 * run has to end. Times are microseconds of a monotonic clock. */
#ifndef QUORATE_NODE_LOAD_TALLY_H
#define QUORATE_NODE_LOAD_TALLY_H

#include "crypto/span.h"
#include "node/load_latency.h"

#define LOAD_TALLY_NONE UINT32_MAX       /* no such; or the limit is reached */
#define LOAD_TALLY_BUSY (UINT32_MAX - 1) /* in a block already, or no answer yet */

enum load_tally_state {
    LOAD_TALLY_SENT,     /* no answer yet */
    LOAD_TALLY_ACCEPTED, /* the node took it: it owes us a block */
    LOAD_TALLY_REJECTED,
    LOAD_TALLY_UNKNOWN,  /* the connection broke or the node gave up waiting: it may yet be in a block, but owes none */
};

struct load_tally_tx {
    uint8_t hash[32];
    int64_t sent_us;
    uint32_t block; /* height − base_height + 1; 0: in none yet */
    uint8_t state;  /* enum load_tally_state */
    bool is_warmup; /* counts for nothing but loss and doubles */
    bool is_owed;   /* was accepted once and is in no block yet */
};

struct load_tally {
    struct load_tally_tx *txs;
    uint32_t count, capacity, limit;
    uint32_t *slots; /* open addressing: number of the transaction + 1 */
    uint32_t slot_count;
    int64_t base_height;
    /* sums */
    uint64_t sent, accepted, rejected, unknown; /* answers, a transaction sent again counts again */
    uint64_t committed;  /* our transactions seen in a block, each once */
    uint64_t owed;       /* accepted ones not yet seen in a block */
    uint64_t duplicates; /* sightings beyond the first */
    uint64_t foreign;    /* transactions in blocks that are not ours */
    uint64_t unaccepted; /* committed although rejected, or without an answer so far */
    struct load_latency answered, seen; /* from sent to the node's answer; to being read in a block */
};

void load_tally_init(struct load_tally *tally, uint32_t limit, int64_t base_height);
void load_tally_close(struct load_tally *tally);
/* Its number, or LOAD_TALLY_NONE or LOAD_TALLY_BUSY. One that has its answer and is in no block may be sent again; what was accepted once
 * stays owed, whatever is answered then. */
uint32_t load_tally_sent(struct load_tally *tally, const uint8_t hash[static 32], int64_t now_us, bool is_warmup);
void load_tally_answered(struct load_tally *tally, uint32_t number, enum load_tally_state state, int64_t now_us);
/* A transaction in the block of `height`. true: the first sight of one of ours that is not of the warm-up. */
bool load_tally_seen(struct load_tally *tally, const uint8_t hash[static 32], int64_t height, int64_t now_us);
uint32_t load_tally_find(const struct load_tally *tally, const uint8_t hash[static 32]);
/* Of an accepted one that no block holds, from number `from` on; LOAD_TALLY_NONE: there is none. */
uint32_t load_tally_next_lost(const struct load_tally *tally, uint32_t from);

#endif
