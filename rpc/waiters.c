#include "rpc/waiters.h"

#include <assert.h>
#include <stdlib.h>

void waiters_add(struct waiters *waiters, struct waiter *waiter) {
    assert(!waiter->waits);
    if (waiters->last != NULL && waiters->last->deadline_ms > waiter->deadline_ms)
        waiter->deadline_ms = waiters->last->deadline_ms;
    waiter->waits = true;
    waiter->earlier = waiters->last;
    waiter->later = NULL;
    *(waiters->last == NULL ? &waiters->first : &waiters->last->later) = waiter;
    waiters->last = waiter;
    waiters->count++;
}

void waiters_remove(struct waiters *waiters, struct waiter *waiter) {
    if (!waiter->waits)
        return;
    *(waiter->earlier == NULL ? &waiters->first : &waiter->earlier->later) = waiter->later;
    *(waiter->later == NULL ? &waiters->last : &waiter->later->earlier) = waiter->earlier;
    waiter->waits = false;
    waiters->count--;
}

struct place { /* of a transaction in its block, by hash */
    uint8_t hash[32];
    uint32_t index;
};

static int compare_places(const void *a, const void *b) {
    const struct place *one = a, *other = b;
    int order = memcmp(one->hash, other->hash, sizeof one->hash);
    return order != 0 ? order : (one->index > other->index) - (one->index < other->index);
}

static int compare_hash(const void *key, const void *place) { return memcmp(key, ((const struct place *)place)->hash, 32); }

static struct place *sort_places(const struct block *block) {
    struct place *places = malloc(block->tx_count * sizeof *places);
    assert(places != NULL);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        memcpy(places[i].hash, block->tx_hashes[i], sizeof places[i].hash);
        places[i].index = i;
    }
    qsort(places, block->tx_count, sizeof *places, compare_places);
    return places;
}

/* Few waiters: look through the block for each. Many: sort the block once. */
enum { FEW = 8 };

static int64_t find_tx(const struct block *block, const struct place *places, const uint8_t hash[static 32]) {
    if (places != NULL) {
        const struct place *found = bsearch(hash, places, block->tx_count, sizeof *places, compare_hash);
        return found == NULL ? -1 : (int64_t)found->index;
    }
    for (uint32_t i = 0; i < block->tx_count; i++)
        if (memcmp(block->tx_hashes[i], hash, 32) == 0)
            return i;
    return -1;
}

void waiters_applied(struct waiters *waiters, const struct block *block, const struct abci_finalized *finalized, waiters_wake *wake) {
    if (waiters->count == 0 || block->tx_count == 0)
        return;
    assert(finalized->tx_count == block->tx_count);
    struct place *places = waiters->count > FEW ? sort_places(block) : NULL;
    /* Whoever is woken may add others at the end: they have not seen this block and stop the walk at `last`. */
    struct waiter *last = waiters->last, *later;
    for (struct waiter *waiter = waiters->first; waiter != NULL; waiter = later) {
        later = waiter == last ? NULL : waiter->later;
        int64_t index = find_tx(block, places, waiter->hash);
        if (index < 0)
            continue;
        waiters_remove(waiters, waiter);
        wake(waiter->exchange, &finalized->tx_results[index], block->header.height, NULL);
    }
    free(places);
}

int64_t waiters_expire(struct waiters *waiters, int64_t now_ms, const char *error, waiters_wake *wake) {
    while (waiters->first != NULL && waiters->first->deadline_ms <= now_ms) {
        struct waiter *waiter = waiters->first;
        waiters_remove(waiters, waiter);
        wake(waiter->exchange, NULL, 0, error);
    }
    return waiters->first == NULL ? -1 : waiters->first->deadline_ms - now_ms;
}
