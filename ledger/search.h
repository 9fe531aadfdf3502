/* tx_search and block_search: which transactions, or which blocks, fit a query (cometbft 0.38.26: state/txindex/kv, state/indexer/block/kv).
 *
 * All conditions must hold for ONE event, except those on the height (tx.height, block.height), which choose among heights, and tx.hash, which
 * alone decides. `=` compares texts, whatever the operand's kind; <, <=, >, >= compare numbers, and only values that are a number as a whole, a
 * sign allowed; with times and dates they find nothing, as there. EXISTS and CONTAINS want the whole tag, not only the event's type.
 * Where it differs: `=` does not find values that merely begin with the operand and a slash; a transaction that was committed twice is found twice.
 *
 * A search is bounded: it counts what it looks at and gives up with a text for the client. */
#ifndef QUORATE_LEDGER_SEARCH_H
#define QUORATE_LEDGER_SEARCH_H

#include "ledger/index.h"
#include "ledger/ledger.h"
#include "ledger/query.h"

#define SEARCH_WORK_MAX 50000000u /* units of some 5 ns: a quarter of a second */
#define SEARCH_HITS_MAX 1000000u

struct search_hit {
    int64_t height;
    uint32_t tx; /* 0 for blocks */
};

struct search {
    struct search_hit *hits; /* ascending, each once */
    uint32_t count;
    char error[256];
};

/* false: `error` says why, for the client. The ledger may be a view's. */
bool search_run(struct search *search, struct ledger *ledger, enum index_kind kind, const struct query *query, uint64_t work_max);
void search_close(struct search *search);

#endif
