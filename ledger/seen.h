/* A bounded memory of 32-byte hashes that forgets what was met longest ago (cometbft: mempool/cache.go LRUTxCache). For what may be
 * forgotten: transactions already met, signatures already verified. Memory grows with use, at most 64 bytes per hash. */
#ifndef QUORATE_LEDGER_SEEN_H
#define QUORATE_LEDGER_SEEN_H

#include "crypto/span.h"

struct seen_node {
    uint8_t hash[32];
    uint32_t chain; /* the next in the same bucket, or the next free one */
    uint32_t older, newer;
};

struct seen { /* private; the caller owns it */
    struct seen_node *nodes;
    uint32_t *buckets;
    uint32_t capacity, count_max, count;
    uint32_t oldest, newest, free;
    uint64_t salt;
};

void seen_init(struct seen *seen, uint32_t count_max); /* 0: remembers nothing */
void seen_close(struct seen *seen);
/* Notes the hash as the latest met; the oldest makes room. true if it was not there before. */
bool seen_add(struct seen *seen, const uint8_t hash[static 32]);
bool seen_has(const struct seen *seen, const uint8_t hash[static 32]); /* does not renew it */
void seen_remove(struct seen *seen, const uint8_t hash[static 32]);
void seen_clear(struct seen *seen);

#endif
