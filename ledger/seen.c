#include "ledger/seen.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "ledger/salted.h"

enum { CAPACITY_FIRST = 64 };
#define NOBODY UINT32_MAX

void seen_init(struct seen *seen, uint32_t count_max) {
    *seen = (struct seen){.count_max = count_max, .oldest = NOBODY, .newest = NOBODY, .free = NOBODY};
    random_fill(&seen->salt, sizeof seen->salt);
}

void seen_close(struct seen *seen) {
    free(seen->nodes);
    free(seen->buckets);
    *seen = (struct seen){.oldest = NOBODY, .newest = NOBODY, .free = NOBODY};
}

static uint32_t *bucket_of(const struct seen *seen, const uint8_t *hash) {
    return &seen->buckets[salted_digest(seen->salt, hash) & (seen->capacity - 1)];
}

static uint32_t find(const struct seen *seen, const uint8_t *hash) {
    if (seen->count == 0)
        return NOBODY;
    uint32_t at = *bucket_of(seen, hash);
    while (at != NOBODY && memcmp(seen->nodes[at].hash, hash, 32) != 0)
        at = seen->nodes[at].chain;
    return at;
}

static void list_remove(struct seen *seen, uint32_t at) {
    struct seen_node *node = &seen->nodes[at];
    *(node->older == NOBODY ? &seen->oldest : &seen->nodes[node->older].newer) = node->newer;
    *(node->newer == NOBODY ? &seen->newest : &seen->nodes[node->newer].older) = node->older;
}

static void list_push(struct seen *seen, uint32_t at) {
    struct seen_node *node = &seen->nodes[at];
    node->older = seen->newest;
    node->newer = NOBODY;
    *(seen->newest == NOBODY ? &seen->oldest : &seen->nodes[seen->newest].newer) = at;
    seen->newest = at;
}

static void drop(struct seen *seen, uint32_t at) {
    uint32_t *link = bucket_of(seen, seen->nodes[at].hash);
    while (*link != at)
        link = &seen->nodes[*link].chain;
    *link = seen->nodes[at].chain;
    list_remove(seen, at);
    seen->nodes[at].chain = seen->free;
    seen->free = at;
    seen->count--;
}

/* Doubles the places (a power of two, so that it serves as the number of buckets too) and chains everything anew. */
static void grow(struct seen *seen) {
    uint32_t old = seen->capacity, capacity = old == 0 ? CAPACITY_FIRST : 2 * old;
    seen->nodes = realloc(seen->nodes, capacity * sizeof *seen->nodes);
    seen->buckets = realloc(seen->buckets, capacity * sizeof *seen->buckets);
    assert(seen->nodes != NULL && seen->buckets != NULL);
    seen->capacity = capacity;
    memset(seen->buckets, 0xff, capacity * sizeof *seen->buckets);
    for (uint32_t at = seen->oldest; at != NOBODY; at = seen->nodes[at].newer) {
        uint32_t *bucket = bucket_of(seen, seen->nodes[at].hash);
        seen->nodes[at].chain = *bucket;
        *bucket = at;
    }
    for (uint32_t at = capacity; at-- > old;) {
        seen->nodes[at].chain = seen->free;
        seen->free = at;
    }
}

bool seen_add(struct seen *seen, const uint8_t hash[static 32]) {
    if (seen->count_max == 0)
        return true;
    uint32_t at = find(seen, hash);
    if (at != NOBODY) {
        list_remove(seen, at);
        list_push(seen, at);
        return false;
    }
    if (seen->count == seen->count_max)
        drop(seen, seen->oldest);
    if (seen->free == NOBODY)
        grow(seen);
    at = seen->free;
    seen->free = seen->nodes[at].chain;
    memcpy(seen->nodes[at].hash, hash, 32);
    uint32_t *bucket = bucket_of(seen, hash);
    seen->nodes[at].chain = *bucket;
    *bucket = at;
    list_push(seen, at);
    seen->count++;
    return true;
}

bool seen_has(const struct seen *seen, const uint8_t hash[static 32]) { return find(seen, hash) != NOBODY; }

void seen_remove(struct seen *seen, const uint8_t hash[static 32]) {
    uint32_t at = find(seen, hash);
    if (at != NOBODY)
        drop(seen, at);
}

void seen_clear(struct seen *seen) {
    while (seen->count > 0)
        drop(seen, seen->oldest);
}
