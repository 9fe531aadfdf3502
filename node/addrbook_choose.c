/* Whom to dial and whom to tell of. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "node/addrbook.h"
#include "node/addrbook_place.h"

#define PICKS_MAX 32 /* looks into random buckets */

bool addrbook_is_due(const struct addrbook_entry *entry, int64_t now_ms) {
    if (entry->banned_until_ms > now_ms)
        return false;
    if (entry->attempts == 0 || entry->last_attempt_ms > now_ms)
        return true;
    int64_t pause_ms = entry->attempts > ADDRBOOK_ATTEMPTS_MAX ? ADDRBOOK_REST_MS : (int64_t)1000 << entry->attempts;
    return now_ms - entry->last_attempt_ms >= pause_ms;
}

/* Many of a kind weigh less than their number: a flood of hearsay must not keep the proven from being dialled. */
static bool prefers_old(const struct addrbook *book, uint32_t new_percent) {
    double old = sqrt(book->old_count) * (100 - new_percent), new = sqrt(book->new_count) * new_percent;
    return (old + new) * addrbook_place_chance(1u << 20) < old * (1u << 20);
}

static const struct addrbook_entry *random_one(const struct addrbook *book, bool is_old) {
    uint32_t buckets = is_old ? ADDRBOOK_OLD_BUCKETS : ADDRBOOK_NEW_BUCKETS, first = addrbook_place_chance(buckets);
    for (uint32_t i = 0; i < buckets; i++) {
        const struct addrbook_bucket *bucket = &(is_old ? book->old_buckets : book->new_buckets)[(first + i) % buckets];
        if (bucket->count > 0)
            return &book->entries[bucket->entries[addrbook_place_chance(bucket->count)]];
    }
    return NULL;
}

struct search {
    int64_t now_ms;
    bool (*wanted)(void *context, const struct addrbook_entry *entry);
    void *context;
};

static bool suits(const struct search *search, const struct addrbook_entry *entry) {
    return entry != NULL && entry->bucket_count > 0 && addrbook_is_due(entry, search->now_ms) && search->wanted(search->context, entry);
}

static const struct addrbook_entry *anyone(const struct addrbook *book, const struct search *search) {
    uint32_t first = addrbook_place_chance(book->entries_made);
    for (uint32_t i = 0; i < book->entries_made; i++) {
        const struct addrbook_entry *entry = &book->entries[(first + i) % book->entries_made];
        if (suits(search, entry))
            return entry;
    }
    return NULL;
}

bool addrbook_pick(const struct addrbook *book, struct addrbook_address *out, uint32_t new_percent, int64_t now_ms,
                   bool (*wanted)(void *context, const struct addrbook_entry *entry), void *context) {
    const struct search search = {now_ms, wanted, context};
    const struct addrbook_entry *found = NULL;
    if (addrbook_count(book) == 0)
        return false;
    for (int i = 0; i < PICKS_MAX && found == NULL; i++) {
        const struct addrbook_entry *entry = random_one(book, prefers_old(book, new_percent < 100 ? new_percent : 100));
        found = suits(&search, entry) ? entry : NULL;
    }
    if (found == NULL && addrbook_wants_more(book))
        found = anyone(book, &search);
    if (found != NULL)
        *out = found->address;
    return found != NULL;
}

/* ---- telling */

struct pool { /* indexes of entries */
    uint16_t *indexes;
    uint32_t count;
};

static struct pool pool_of(const struct addrbook *book, const bool *is_old /* NULL: either */, const uint8_t *but, int64_t now_ms) {
    struct pool pool = {malloc((book->entries_made + 1) * sizeof(uint16_t)), 0};
    assert(pool.indexes != NULL);
    for (uint32_t i = 0; i < book->entries_made; i++) {
        const struct addrbook_entry *entry = &book->entries[i];
        if (entry->bucket_count > 0 && entry->attempts < ADDRBOOK_ATTEMPTS_MAX && entry->banned_until_ms <= now_ms &&
            memcmp(entry->address.id, but, NETADDRESS_ID_BYTES) != 0 && (is_old == NULL || entry->is_old == *is_old))
            pool.indexes[pool.count++] = (uint16_t)i;
    }
    return pool;
}

static uint32_t draw(const struct addrbook *book, struct addrbook_address *out, struct pool *pool, uint32_t most) {
    uint32_t count = most < pool->count ? most : pool->count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t chosen = i + addrbook_place_chance(pool->count - i);
        uint16_t index = pool->indexes[chosen];
        pool->indexes[chosen] = pool->indexes[i];
        out[i] = book->entries[index].address;
    }
    free(pool->indexes);
    return count;
}

uint32_t addrbook_select(const struct addrbook *book, struct addrbook_address out[static ADDRBOOK_SELECTION_MAX], uint32_t new_percent,
                         const uint8_t but[NETADDRESS_ID_BYTES], int64_t now_ms) {
    uint32_t size = addrbook_count(book), most = size * 23 / 100;
    most = most > 32 ? most : size < 32 ? size : 32;
    most = most < ADDRBOOK_SELECTION_MAX ? most : ADDRBOOK_SELECTION_MAX;
    if (new_percent > 100) {
        struct pool all = pool_of(book, NULL, but, now_ms);
        return draw(book, out, &all, most);
    }
    static const bool no = false, yes = true;
    struct pool new = pool_of(book, &no, but, now_ms), old = pool_of(book, &yes, but, now_ms);
    uint32_t of_new = (most * new_percent + 50) / 100;
    if (of_new + old.count < most)
        of_new = most - old.count;
    uint32_t count = draw(book, out, &new, of_new);
    return count + draw(book, out + count, &old, most - count);
}
