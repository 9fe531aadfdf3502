/* What need not be counted because it is there to be looked at: before each scrape the gauges of ledger, mempool, peers, disk and process are set. */
#ifndef QUORATE_NODE_COLLECT_H
#define QUORATE_NODE_COLLECT_H

#include "node/metrics.h"
#include "node/replica.h"
#include "node/switchboard.h"

struct collect { /* loans, filled by node.c */
    struct metrics *metrics;
    struct replica *replica;
    struct switchboard *board; /* NULL: no peers yet */
    struct mempool *mempool;
    struct disk *disk;
    struct kv *store;
    int64_t started_s; /* since 1970 */
};

void collect_write(void *context /* struct collect */, struct emit *out); /* an exporter_write */

#endif
