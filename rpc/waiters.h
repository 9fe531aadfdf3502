/* Who waits for a transaction to be committed (broadcast_tx_commit): a bounded queue in order of their deadlines. */
#ifndef QUORATE_RPC_WAITERS_H
#define QUORATE_RPC_WAITERS_H

#include "ledger/abci.h"
#include "ledger/block.h"

struct exchange;

struct waiter {
    struct waiter *earlier, *later;
    bool waits;
    uint8_t hash[32];
    int64_t deadline_ms;
    struct exchange *exchange;
};

struct waiters {
    struct waiter *first, *last;
    uint32_t count;
};

void waiters_add(struct waiters *waiters, struct waiter *waiter); /* a deadline before the last one's becomes that */
void waiters_remove(struct waiters *waiters, struct waiter *waiter); /* one that does not wait: nothing happens */
/* The block's transactions are committed: `wake` is called for each waiter of one, already removed. */
typedef void waiters_wake(struct exchange *exchange, const struct abci_tx_result *result, int64_t height, const char *error);
void waiters_applied(struct waiters *waiters, const struct block *block, const struct abci_finalized *finalized, waiters_wake *wake);
/* Wakes with `error` whoever waited until `now_ms`. Returns the milliseconds until the next deadline, −1: nobody waits. */
int64_t waiters_expire(struct waiters *waiters, int64_t now_ms, const char *error, waiters_wake *wake);

#endif
