/* The index of events: under which values of which attributes the transactions and blocks of a height are found. Only attributes marked `index`
 * of events with a type (cometbft: state/txindex/kv, state/indexer/block/kv).
 *
 * It is kept small, because every block writes it: texts are not in it, only 64 bits of a value and 32 of its tag (SipHash, so that nobody makes two
 * texts meet). All of a height that has one value is one record. What cannot be asked by a value (ranges, EXISTS, CONTAINS) is answered from the
 * results of the heights that have the tag at all (search.h).
 *
 *   q<value 64><height>  transactions: for each tag its events        y<value 64><height>  events of blocks likewise
 *   z<kind><tag 64><height>  how many indexed attributes of that tag the height has
 *
 * A record is a list of runs: tag (4 bytes, little end first), size (varint), then pairs of varints: transaction minus the one before, event. */
#ifndef QUORATE_LEDGER_INDEX_H
#define QUORATE_LEDGER_INDEX_H

#include "crypto/siphash.h"
#include "ledger/abci.h"
#include "ledger/kv.h"

enum index_kind { INDEX_TXS, INDEX_BLOCKS };

#define INDEX_HEIGHT_TAG(kind) ((kind) == INDEX_TXS ? "tx.height" : "block.height")

extern const struct siphash_key index_salt;

struct index; /* scratch memory for one height after the other */

struct index *index_new(void);
void index_free(struct index *index); /* NULL allowed */

/* Appends what the height's results add to the index, or what takes it away again: both are the same keys. */
void index_put(struct index *index, struct kv_batch *batch, int64_t height, const struct abci_finalized *finalized);
void index_delete(struct index *index, struct kv_batch *batch, int64_t height, const struct abci_finalized *finalized);

/* Whether the attribute is in the index: marked, named, of an event with a type, and not one of the names that mean the height or hash itself. */
bool index_takes(enum index_kind kind, const struct abci_event *event, const struct abci_attribute *attribute);
/* Whether the attribute's composite key is `tag`. */
bool index_is_tag(const struct abci_event *event, const struct abci_attribute *attribute, struct span tag);

/* Where a value is found. tx is 0 for events of blocks. */
struct index_place {
    uint32_t tx, event;
};

/* The heights in [low, high] that have the value under any tag, with their records, in order; likewise those that have the tag, with the count.
 * visit returns false to stop. */
typedef bool index_visit(void *context, int64_t height, struct span record);
void index_each_value(struct kv *kv, enum index_kind kind, struct span value, int64_t low, int64_t high, index_visit *visit, void *context);
void index_each_tag(struct kv *kv, enum index_kind kind, struct span tag, int64_t low, int64_t high, index_visit *visit, void *context);
/* The record of one height, or NULL; the caller releases. */
struct blob *index_value_at(struct kv *kv, enum index_kind kind, struct span value, int64_t height);

/* The places of `tag` in a record, ascending: calls to index_next, false at the end. */
struct index_run {
    struct span rest;
    struct index_place place;
};
struct index_run index_run_of(struct span record, struct span tag);
bool index_next(struct index_run *run, struct index_place *place);

#endif
