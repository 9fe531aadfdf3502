#include "mempool/mempool.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "crypto/sha256.h"
#include "ledger/salted.h"
#include "ledger/seen.h"
#include "mempool/senders.h"

/* One application answer; an application that wants more than this for its log has to do without. */
#define ANSWER_BYTES_MAX (1 << 20)

struct entry {
    struct mempool_tx tx; /* first: a mempool_tx of ours is an entry */
    struct senders_place place;
    int64_t expires;
    struct entry *chain; /* in its bucket */
    bool gone;           /* to be swept at the end of the update */
};

struct mempool {
    struct mempool_config config;
    struct app *app;
    int64_t height; /* 0: not yet told */
    int64_t data_bytes_max;
    int64_t block_gas_max;
    struct entry **entries; /* in order of arrival, so ascending in number; never a hole outside of mempool_update */
    uint32_t count, capacity;
    struct entry **buckets;
    uint32_t bucket_count; /* a power of two */
    uint64_t salt;
    uint64_t bytes;
    uint64_t last_number;
    struct seen seen;
    struct senders senders;
    struct arena scratch;
    struct mempool_counts counts;
};

const char *mempool_verdict_text(enum mempool_verdict verdict) {
    switch (verdict) {
    case MEMPOOL_ADDED: return "added";
    case MEMPOOL_KNOWN: return "tx already exists in cache";
    case MEMPOOL_FULL: return "mempool is full";
    case MEMPOOL_TOO_LARGE: return "tx too large";
    case MEMPOOL_EMPTY_TX: return "tx is empty";
    case MEMPOOL_REFUSED: return "refused by the application";
    }
    return "unknown";
}

struct mempool *mempool_new(const struct mempool_config *config, struct app *app) {
    struct mempool *pool = calloc(1, sizeof *pool);
    assert(pool != NULL);
    pool->config = *config;
    pool->app = app;
    pool->data_bytes_max = INT64_MAX;
    pool->block_gas_max = -1;
    random_fill(&pool->salt, sizeof pool->salt);
    seen_init(&pool->seen, config->cache_count);
    senders_init(&pool->senders);
    arena_init(&pool->scratch, ANSWER_BYTES_MAX);
    return pool;
}

void mempool_free(struct mempool *pool) {
    if (pool == NULL)
        return;
    mempool_flush(pool);
    free(pool->entries);
    free(pool->buckets);
    seen_close(&pool->seen);
    senders_close(&pool->senders);
    arena_close(&pool->scratch);
    free(pool);
}

/* ---- the table of hashes */

static struct entry **bucket_of(const struct mempool *pool, const uint8_t *hash) {
    return &pool->buckets[salted_digest(pool->salt, hash) & (pool->bucket_count - 1)];
}

static struct entry *find(const struct mempool *pool, const uint8_t *hash) {
    if (pool->count == 0)
        return NULL;
    struct entry *entry = *bucket_of(pool, hash);
    while (entry != NULL && memcmp(entry->tx.hash, hash, 32) != 0)
        entry = entry->chain;
    return entry;
}

static void table_put(struct mempool *pool, struct entry *entry) {
    struct entry **bucket = bucket_of(pool, entry->tx.hash);
    entry->chain = *bucket;
    *bucket = entry;
}

static void table_remove(struct mempool *pool, struct entry *entry) {
    struct entry **link = bucket_of(pool, entry->tx.hash);
    while (*link != entry)
        link = &(*link)->chain;
    *link = entry->chain;
}

static void grow(struct mempool *pool) {
    uint32_t capacity = pool->capacity == 0 ? 256 : 2 * pool->capacity;
    pool->entries = realloc(pool->entries, capacity * sizeof(struct entry *));
    free(pool->buckets);
    pool->buckets = calloc(capacity, sizeof(struct entry *));
    assert(pool->entries != NULL && pool->buckets != NULL);
    pool->capacity = capacity;
    pool->bucket_count = capacity;
    for (uint32_t i = 0; i < pool->count; i++)
        table_put(pool, pool->entries[i]);
}

/* ---- coming */

static int64_t encoded_size(size_t tx_size) { return (int64_t)(1 + proto_varint_size(tx_size) + tx_size); }

static bool has_room(const struct mempool *pool, size_t size) {
    return pool->count < pool->config.count_max && pool->bytes + size <= pool->config.bytes_max;
}

static bool gas_allowed(const struct mempool *pool, int64_t gas_wanted) {
    return pool->block_gas_max == -1 || (gas_wanted >= 0 && gas_wanted <= pool->block_gas_max);
}

static void note_peer(struct mempool_tx *tx, int peer_slot) {
    assert(peer_slot < MEMPOOL_PEERS_MAX);
    if (peer_slot >= 0)
        tx->known_by |= (uint64_t)1 << peer_slot;
}

/* Not only the cache is asked: it may have forgotten what still waits here (wound 17). */
static bool is_known(struct mempool *pool, const uint8_t *hash, int peer_slot) {
    struct entry *waiting = find(pool, hash);
    if (waiting == NULL && !seen_has(&pool->seen, hash))
        return false;
    seen_add(&pool->seen, hash); /* met again: forgotten later */
    if (waiting != NULL)
        note_peer(&waiting->tx, peer_slot);
    return true;
}

static void keep(struct mempool *pool, struct blob *tx, const uint8_t *hash, const struct abci_check *check, int peer_slot,
                 int64_t now_ms) {
    if (pool->count == pool->capacity)
        grow(pool);
    struct entry *entry = calloc(1, sizeof *entry);
    assert(entry != NULL);
    entry->tx = (struct mempool_tx){.tx = blob_hold(tx),
                                    .height = pool->height,
                                    .arrived_ms = now_ms,
                                    .number = ++pool->last_number,
                                    .gas_wanted = check->result.gas_wanted,
                                    .local = peer_slot < 0};
    memcpy(entry->tx.hash, hash, 32);
    entry->expires = check->expires;
    note_peer(&entry->tx, peer_slot);
    senders_add(&pool->senders, &entry->place, check->sender, check->sequence);
    table_put(pool, entry);
    pool->entries[pool->count++] = entry;
    pool->bytes += tx->size;
}

/* What can be said without the application; ADDED: it must be asked. */
static enum mempool_verdict look(struct mempool *pool, struct blob *tx, const uint8_t *hash, int peer_slot) {
    if (is_known(pool, hash, peer_slot)) {
        pool->counts.known++;
        return MEMPOOL_KNOWN;
    }
    if (has_room(pool, tx->size))
        return MEMPOOL_ADDED;
    pool->counts.rejected++;
    return MEMPOOL_FULL;
}

static void count_added(struct mempool *pool, size_t size) {
    unsigned class = 0;
    for (size_t limit = 1; class < MEMPOOL_SIZE_CLASSES - 1 && size > limit; limit *= 3)
        class++;
    pool->counts.added++;
    pool->counts.sizes[class]++;
    pool->counts.size_sum += size;
}

static enum mempool_verdict judge_size(const struct mempool *pool, const struct blob *tx) {
    if (tx->size == 0)
        return MEMPOOL_EMPTY_TX;
    return tx->size > pool->config.tx_bytes_max || encoded_size(tx->size) > pool->data_bytes_max ? MEMPOOL_TOO_LARGE : MEMPOOL_ADDED;
}

static enum mempool_verdict check_size(struct mempool *pool, const struct blob *tx) {
    enum mempool_verdict verdict = judge_size(pool, tx);
    pool->counts.failed += verdict != MEMPOOL_ADDED;
    return verdict;
}

static enum mempool_verdict settle(struct mempool *pool, struct blob *tx, const uint8_t *hash, const struct abci_check *check, int peer_slot,
                                   int64_t now_ms) {
    bool good = check->result.code == 0 && gas_allowed(pool, check->result.gas_wanted);
    if (good || pool->config.keep_invalid_in_cache)
        seen_add(&pool->seen, hash);
    if (!good) {
        pool->counts.failed++;
        return MEMPOOL_REFUSED;
    }
    count_added(pool, tx->size);
    keep(pool, tx, hash, check, peer_slot, now_ms);
    return MEMPOOL_ADDED;
}

enum mempool_verdict mempool_add(struct mempool *pool, struct abci_check *check, struct blob *tx, int peer_slot, int64_t now_ms,
                                 struct arena *arena) {
    enum mempool_verdict verdict = check_size(pool, tx);
    if (verdict != MEMPOOL_ADDED)
        return verdict;
    uint8_t hash[32];
    sha256_once(hash, blob_span(tx));
    verdict = look(pool, tx, hash, peer_slot);
    if (verdict != MEMPOOL_ADDED)
        return verdict;
    pool->app->table->check_tx(pool->app, check, blob_span(tx), false, arena);
    return settle(pool, tx, hash, check, peer_slot, now_ms);
}

static bool is_among(const uint8_t (*hashes)[32], uint32_t count, const uint8_t *hash) {
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(hashes[i], hash, 32) == 0)
            return true;
    return false;
}

/* All questions first, then all answers. Twice the same within them is one; room is looked at again when its turn comes. */
static void add_ahead(struct mempool *pool, struct blob *const *txs, uint32_t count, int peer_slot, int64_t now_ms) {
    uint8_t hashes[APP_AHEAD_MAX][32];
    struct blob *asked[APP_AHEAD_MAX];
    uint32_t sent = 0;
    assert(count <= APP_AHEAD_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *hash = hashes[sent];
        if (check_size(pool, txs[i]) != MEMPOOL_ADDED)
            continue;
        sha256_once(hash, blob_span(txs[i]));
        if (is_among((const uint8_t(*)[32])hashes, sent, hash) || look(pool, txs[i], hash, peer_slot) != MEMPOOL_ADDED)
            continue;
        asked[sent++] = txs[i];
        pool->app->table->check_send(pool->app, blob_span(txs[i]), false);
    }
    for (uint32_t i = 0; i < sent; i++) {
        struct abci_check check;
        arena_reset(&pool->scratch);
        pool->app->table->check_take(pool->app, &check, &pool->scratch);
        if (has_room(pool, asked[i]->size))
            settle(pool, asked[i], hashes[i], &check, peer_slot, now_ms);
    }
}

void mempool_add_all(struct mempool *pool, struct blob *const *txs, uint32_t count, int peer_slot, int64_t now_ms) {
    struct abci_check check;
    if (pool->app->table->check_send != NULL) {
        for (uint32_t from = 0; from < count; from += APP_AHEAD_MAX)
            add_ahead(pool, txs + from, count - from < APP_AHEAD_MAX ? count - from : APP_AHEAD_MAX, peer_slot, now_ms);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        arena_reset(&pool->scratch);
        mempool_add(pool, &check, txs[i], peer_slot, now_ms, &pool->scratch);
    }
}

/* ---- the order of a proposal: that of arrival; but the places of one sender are filled in the order of its sequence */

static void order_begin(const struct mempool *pool) {
    for (uint32_t i = 0; i < pool->count; i++)
        senders_rewind(&pool->entries[i]->place);
}

static struct entry *order_at(const struct mempool *pool, uint32_t i) {
    struct entry *entry = pool->entries[i];
    struct senders_place *place = senders_take(&entry->place);
    return (struct entry *)((uint8_t *)place - offsetof(struct entry, place));
}

/* How many of the first fit, and in *order who they are. */
static uint32_t choose(const struct mempool *pool, struct entry **order, int64_t bytes_max, int64_t gas_max) {
    __int128 bytes = 0, gas = 0;
    order_begin(pool);
    for (uint32_t i = 0; i < pool->count; i++) {
        order[i] = order_at(pool, i);
        bytes += encoded_size(order[i]->tx.tx->size);
        gas += order[i]->tx.gas_wanted;
        if ((bytes_max >= 0 && bytes > bytes_max) || (gas_max >= 0 && gas > gas_max))
            return i;
    }
    return pool->count;
}

uint32_t mempool_reap(const struct mempool *pool, struct span **txs, uint8_t (**hashes)[32], int64_t bytes_max, int64_t gas_max,
                      struct arena *arena) {
    struct entry **order = arena_take(arena, pool->count, sizeof *order);
    if (order == NULL)
        return 0;
    uint32_t count = choose(pool, order, bytes_max, gas_max);
    *txs = arena_take(arena, count, sizeof **txs);
    *hashes = arena_take(arena, count, sizeof **hashes);
    if (*txs == NULL || *hashes == NULL)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        (*txs)[i] = blob_span(order[i]->tx.tx);
        memcpy((*hashes)[i], order[i]->tx.hash, 32);
    }
    return count;
}

/* ---- going */

static void forget(struct mempool *pool, struct entry *entry) {
    table_remove(pool, entry);
    senders_remove(&pool->senders, &entry->place);
    pool->bytes -= entry->tx.tx->size;
    blob_release(entry->tx.tx);
    free(entry);
}

/* Forgets whoever is marked gone, in one pass that keeps the order. */
static void sweep(struct mempool *pool) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        struct entry *entry = pool->entries[i];
        if (entry->gone)
            forget(pool, entry);
        else
            pool->entries[kept++] = entry;
    }
    pool->count = kept;
}

static void mark_invalid(struct mempool *pool, struct entry *entry) {
    entry->gone = true;
    if (!pool->config.keep_invalid_in_cache)
        seen_remove(&pool->seen, entry->tx.hash);
}

static void mark_committed(struct mempool *pool, const struct block *block, const struct abci_tx_result *results) {
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const uint8_t *hash = block->tx_hashes[i];
        /* Wound 6: what failed in the block may be good later, so it is not remembered as done. */
        if (results[i].code == 0)
            seen_add(&pool->seen, hash);
        else if (!pool->config.keep_invalid_in_cache)
            seen_remove(&pool->seen, hash);
        struct entry *entry = find(pool, hash);
        if (entry != NULL)
            entry->gone = true;
    }
}

static bool has_expired(const struct mempool *pool, const struct entry *entry, int64_t now_ms) {
    const struct mempool_config *config = &pool->config;
    return (entry->expires > 0 && pool->height >= entry->expires) ||
           (config->ttl_blocks > 0 && pool->height - entry->tx.height >= config->ttl_blocks) ||
           (config->ttl_ms > 0 && now_ms - entry->tx.arrived_ms >= config->ttl_ms);
}

static void mark_expired(struct mempool *pool, int64_t now_ms) {
    for (uint32_t i = 0; i < pool->count; i++) {
        struct entry *entry = pool->entries[i];
        if (entry->tx.height == 0) /* came before we were told any height */
            entry->tx.height = pool->height - 1;
        if (!entry->gone && has_expired(pool, entry, now_ms))
            mark_invalid(pool, entry);
    }
}

static void judge_again(struct mempool *pool, struct entry *entry, const struct abci_check *check) {
    bool is_bad = check->result.code != 0 || !gas_allowed(pool, check->result.gas_wanted);
    pool->counts.rechecks++;
    pool->counts.evicted += is_bad;
    if (is_bad)
        mark_invalid(pool, entry);
}

static void recheck_one(struct mempool *pool, struct entry *entry) {
    struct abci_check check = {.sequence = 0};
    pool->app->table->check_tx(pool->app, &check, blob_span(entry->tx.tx), true, &pool->scratch);
    arena_reset(&pool->scratch);
    judge_again(pool, entry, &check);
}

static void recheck_ahead(struct mempool *pool, struct entry **entries, uint32_t count) {
    const struct app_table *table = pool->app->table;
    for (uint32_t i = 0; i < count; i++)
        table->check_send(pool->app, blob_span(entries[i]->tx.tx), true);
    for (uint32_t i = 0; i < count; i++) {
        struct abci_check check;
        arena_reset(&pool->scratch);
        table->check_take(pool->app, &check, &pool->scratch);
        judge_again(pool, entries[i], &check);
    }
}

/* In the order of a proposal, because the application counts sequences on. */
static void recheck(struct mempool *pool) {
    struct entry *ahead[APP_AHEAD_MAX];
    uint32_t count = 0;
    order_begin(pool);
    for (uint32_t i = 0; i < pool->count; i++) {
        struct entry *entry = order_at(pool, i);
        if (pool->app->table->check_send == NULL) {
            recheck_one(pool, entry);
            continue;
        }
        ahead[count++] = entry;
        if (count == APP_AHEAD_MAX || i + 1 == pool->count) {
            recheck_ahead(pool, ahead, count);
            count = 0;
        }
    }
}

static bool outgrows(const struct mempool *pool, const struct entry *entry) {
    return encoded_size(entry->tx.tx->size) > pool->data_bytes_max || !gas_allowed(pool, entry->tx.gas_wanted);
}

/* Blocks got less room, by a new parameter or by more validators whose commit takes its part: what fits into none would stand before all others for ever. */
void mempool_set_limits(struct mempool *pool, int64_t data_bytes_max, int64_t block_gas_max) {
    bool is_less = data_bytes_max < pool->data_bytes_max || (block_gas_max >= 0 && (pool->block_gas_max < 0 || block_gas_max < pool->block_gas_max));
    pool->data_bytes_max = data_bytes_max;
    pool->block_gas_max = block_gas_max;
    for (uint32_t i = 0; is_less && i < pool->count; i++)
        if (outgrows(pool, pool->entries[i])) {
            pool->counts.evicted++;
            mark_invalid(pool, pool->entries[i]);
        }
    if (is_less)
        sweep(pool);
}

void mempool_update(struct mempool *pool, const struct block *block, const struct abci_tx_result *results, int64_t now_ms) {
    pool->height = block->header.height;
    mark_committed(pool, block, results);
    mark_expired(pool, now_ms);
    sweep(pool);
    if (pool->config.recheck && pool->count > 0) {
        recheck(pool);
        sweep(pool);
    }
}

void mempool_counted(const struct mempool *pool, struct mempool_counts *out) { *out = pool->counts; }

void mempool_flush(struct mempool *pool) {
    for (uint32_t i = 0; i < pool->count; i++)
        forget(pool, pool->entries[i]);
    pool->count = 0;
    seen_clear(&pool->seen);
    assert(pool->bytes == 0);
}

/* ---- looking */

uint32_t mempool_tx_bytes_max(const struct mempool *pool) { return pool->config.tx_bytes_max; }
uint32_t mempool_count(const struct mempool *pool) { return pool->count; }

uint64_t mempool_bytes(const struct mempool *pool) { return pool->bytes; }

const struct mempool_tx *mempool_find(const struct mempool *pool, const uint8_t hash[static 32]) {
    struct entry *entry = find(pool, hash);
    return entry == NULL ? NULL : &entry->tx;
}

const struct mempool_tx *mempool_next(const struct mempool *pool, uint64_t after) {
    uint32_t low = 0, high = pool->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (pool->entries[middle]->tx.number > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low == pool->count ? NULL : &pool->entries[low]->tx;
}

void mempool_mark(struct mempool *pool, const struct mempool_tx *tx, int peer_slot) {
    struct entry *entry = find(pool, tx->hash);
    assert(entry != NULL);
    note_peer(&entry->tx, peer_slot);
}

uint64_t mempool_unmark(struct mempool *pool, int64_t height) {
    uint64_t first = 0;
    for (uint32_t i = pool->count; i-- > 0;) {
        struct mempool_tx *tx = &pool->entries[i]->tx;
        if (!tx->local || tx->height > height)
            continue;
        tx->known_by = 0;
        first = tx->number;
    }
    return first;
}

void mempool_forget_peer(struct mempool *pool, int peer_slot) {
    assert(peer_slot >= 0 && peer_slot < MEMPOOL_PEERS_MAX);
    for (uint32_t i = 0; i < pool->count; i++)
        pool->entries[i]->tx.known_by &= ~((uint64_t)1 << peer_slot);
}
