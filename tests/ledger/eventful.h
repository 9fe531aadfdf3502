/* A ledger that has nothing but results, written as text, and what the index makes of them: events are parted by '|', their attributes
 * (type.key=value, '!' before: not indexed) by spaces. */
#ifndef QUORATE_TESTS_LEDGER_EVENTFUL_H
#define QUORATE_TESTS_LEDGER_EVENTFUL_H

#include "ledger/search.h"

struct eventful {
    struct ledger ledger;
    struct arena arena;
};

void eventful_open(struct eventful *eventful, struct kv *kv);
void eventful_close(struct eventful *eventful);
/* The next height: events of the block, then of each transaction. */
void eventful_add(struct eventful *eventful, const char *block, const char *const *txs, uint32_t count);
/* Takes the index of a height away again. */
void eventful_forget(struct eventful *eventful, int64_t height);

#endif
