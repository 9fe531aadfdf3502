/* Whose transactions wait, and in which sequence: so that a proposal has those of one sender in the order in which alone they can be
 * executed. A place is part of whoever waits; the lists are threaded through them. */
#ifndef QUORATE_MEMPOOL_SENDERS_H
#define QUORATE_MEMPOOL_SENDERS_H

#include "crypto/span.h"

#define SENDERS_BYTES_MAX 128 /* a longer name is taken for none */

struct senders_record;

struct senders_place {
    struct senders_record *record; /* NULL: no sender, no order */
    struct senders_place *before, *after;
    uint64_t sequence;
};

struct senders { /* private */
    struct senders_record **buckets;
    uint32_t bucket_count, count; /* a power of two; of records */
    uint64_t salt;
};

void senders_init(struct senders *senders);
void senders_close(struct senders *senders); /* every place must have been removed */
/* Places of equal sequence keep the order in which they were added. */
void senders_add(struct senders *senders, struct senders_place *place, struct span sender, uint64_t sequence);
void senders_remove(struct senders *senders, struct senders_place *place);
/* Begin again with the sender of this place; then each call of take with any place of a sender gives the next of its places in the order
 * of their sequence. A place without a sender gives itself. Call take no more often than the sender has places. */
void senders_rewind(struct senders_place *place);
struct senders_place *senders_take(struct senders_place *place);

#endif
