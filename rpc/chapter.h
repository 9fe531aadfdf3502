/* What one height has to tell: its events in CometBFT's order (state/execution.go fireEvents): NewBlock, NewBlockHeader, NewBlockEvents, NewEvidence
 * each, Tx each, ValidatorSetUpdates. Read from the store, so that the past is told as the present was. */
#ifndef QUORATE_RPC_CHAPTER_H
#define QUORATE_RPC_CHAPTER_H

#include "genesis/emit.h"
#include "ledger/ledger.h"
#include "ledger/query.h"

struct chapter {
    int64_t height; /* 0: empty */
    struct block *block;
    struct block_id id;
    struct abci_finalized finalized;
    struct arena arena, keys;
    uint32_t count; /* of events */
    /* of the event looked at last, so that many may look at the same one */
    uint32_t at;
    struct query_pair *pairs;
    size_t pair_count, pair_capacity;
    char hash[65], number[24];
    struct emit text; /* ,"data":…,"events":…} of it; empty: not written yet */
};

void chapter_init(struct chapter *chapter);
void chapter_close(struct chapter *chapter);
/* false: the height or its results are not there (any more); the chapter is empty. */
bool chapter_read(struct chapter *chapter, struct ledger *ledger, int64_t height);
/* Does event `index` (< count) fit? */
bool chapter_matches(struct chapter *chapter, uint32_t index, const struct query *query);
/* Its data and events as members of a JSON object, with a comma before. A loan until another event is looked at. */
struct span chapter_text(struct chapter *chapter, uint32_t index);
/* Pairs as JSON, {"key":["value",…],…}: keys ascend, values of one key stay in order. The pairs are put in that order. */
void chapter_put_pairs(struct emit *out, struct query_pair *pairs, size_t count);

#endif
