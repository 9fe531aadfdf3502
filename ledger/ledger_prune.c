/* Forgetting. The order is from what is derived to what it is derived from: the index of a height is taken away with its results and its block at
 * hand, then the results, then the block. Its header, commit and place among the validators go only when no evidence about its height can be valid
 * any more, or this node would refuse blocks that others accept. */
#include "ledger/ledger.h"

#include <assert.h>

enum { STEP_BYTES = 4 << 20 /* of blocks whose index is forgotten in one call */ };

static void delete_height(struct kv_batch *batch, char letter, int64_t height) {
    struct key key = keys_height(letter, height);
    kv_batch_delete(batch, keys_span(&key));
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* With a block but without a pruned index; without an index nothing is found. */
int64_t ledger_index_base(const struct ledger *ledger) {
    return ledger->index_transactions ? larger(ledger->base, ledger->pruned_index) : ledger->state.height + 1;
}

int64_t ledger_results_base(const struct ledger *ledger) { return larger(ledger->base, ledger->pruned_results); }

/* ---- the index */

/* Unless the same bytes were committed again above. */
static void forget_tx(struct ledger *ledger, const uint8_t hash[static 32], int64_t height) {
    int64_t found;
    uint32_t index;
    struct key key = keys_hash('t', hash);
    if (ledger_find_tx(ledger, hash, &found, &index) && found == height)
        kv_batch_delete(&ledger->batch, keys_span(&key));
}

/* Returns the size of the block: how much work it was. A node that keeps no index may have kept one before. */
static size_t forget_index(struct ledger *ledger, int64_t height) {
    struct abci_finalized finalized;
    struct block *block = ledger_block(ledger, height);
    size_t size = block == NULL ? 0 : block->bytes->size;
    uint32_t before = ledger->batch.count;
    for (uint32_t i = 0; block != NULL && i < block->tx_count; i++)
        forget_tx(ledger, block->tx_hashes[i], height);
    block_release(block);
    arena_reset(&ledger->arena);
    if ((ledger->index_transactions || ledger->batch.count > before) && ledger_results(ledger, &finalized, height, &ledger->arena))
        index_delete(ledger->index, &ledger->batch, height, &finalized);
    return size;
}

/* ---- headers and what belongs to them */

static bool header_is_done(const struct state *state, const struct ledger_meta *meta) {
    int64_t age_ns = timestamp_diff_ns(&state->block_time, &meta->header.time);
    return evidence_expired(state->height - meta->header.height, age_ns, state->params.evidence_age_blocks_max,
                            state->params.evidence_age_ns_max);
}

static void forget_header(struct ledger *ledger, int64_t height, const struct ledger_meta *meta) {
    struct key key = keys_hash('i', meta->block_id.hash.bytes);
    kv_batch_delete(&ledger->batch, keys_span(&key));
    delete_height(&ledger->batch, 'm', height);
    delete_height(&ledger->batch, 'c', height);
}

static bool take_height(void *context, struct span key, struct span value) {
    (void)value;
    *(int64_t *)context = keys_height_of(key);
    return false;
}

/* The lowest (or, backwards, the highest) height in [from, to) with a record; 0: none. */
static int64_t find_height(struct ledger *ledger, char letter, int64_t from, int64_t to, bool backwards) {
    struct key low = keys_height(letter, from), high = keys_height(letter, to);
    int64_t found = 0;
    kv_scan(ledger->kv, keys_span(&low), keys_span(&high), backwards, take_height, &found);
    return found;
}

static bool delete_record(void *context, struct span key, struct span value) {
    (void)value;
    kv_batch_delete(context, key);
    return true;
}

/* The record that speaks for `lowest` stays, those below it go. */
static void forget_before(struct ledger *ledger, char letter, int64_t lowest) {
    int64_t speaks = find_height(ledger, letter, 0, lowest + 1, true);
    struct key low = keys_height(letter, 0), high = keys_height(letter, speaks);
    kv_scan(ledger->kv, keys_span(&low), keys_span(&high), false, delete_record, &ledger->batch);
}

static int64_t forget_headers(struct ledger *ledger, int64_t retain, int64_t count_max) {
    int64_t lowest = find_height(ledger, 'm', 0, retain, false);
    struct ledger_meta meta;
    int64_t height = lowest;
    for (; lowest > 0 && height < retain && height - lowest < count_max; height++) {
        if (!ledger_block_meta(ledger, &meta, height) || !header_is_done(&ledger->state, &meta))
            break;
        forget_header(ledger, height, &meta);
    }
    if (height > lowest) {
        forget_before(ledger, 'v', height);
        forget_before(ledger, 'p', height);
    }
    return height - lowest;
}

/* ---- all of it */

/* What may be kept together: nothing without its block, no index without results. */
static struct ledger_retain reconcile(const struct ledger *ledger, const struct ledger_retain *retain) {
    struct ledger_retain out = *retain;
    out.blocks = smaller(larger(out.blocks, ledger->base), ledger->state.height);
    out.index = ledger->index_transactions ? smaller(larger(out.index, out.blocks), ledger->state.height) : out.blocks;
    out.results = smaller(larger(out.results, out.blocks), out.index);
    out.states = retain->states == 0 ? out.blocks : smaller(retain->states, out.blocks);
    return out;
}

static void put_pruned(struct ledger *ledger) {
    uint8_t value[20];
    struct key key = keys_plain('j');
    struct proto_writer writer;
    proto_writer_init(&writer, value, sizeof value);
    proto_put_varint(&writer, (uint64_t)ledger->pruned_results);
    proto_put_varint(&writer, (uint64_t)ledger->pruned_index);
    assert(!writer.overflow);
    kv_batch_put(&ledger->batch, keys_span(&key), proto_writer_span(&writer));
}

/* Each stage stays behind the one before it, which may not have come so far in this call. */
static void forget_indexes(struct ledger *ledger, int64_t retain, int64_t count_max) {
    int64_t height = larger(ledger->base, ledger->pruned_index), end = smaller(retain, height + count_max);
    for (size_t bytes = 0; height < end && bytes < STEP_BYTES; height++)
        bytes += forget_index(ledger, height);
    ledger->pruned_index = larger(ledger->pruned_index, height);
}

static void forget_results(struct ledger *ledger, int64_t retain, int64_t count_max) {
    int64_t height = larger(ledger->base, ledger->pruned_results);
    int64_t end = smaller(smaller(retain, ledger->pruned_index), height + count_max);
    for (; height < end; height++)
        delete_height(&ledger->batch, 'r', height);
    ledger->pruned_results = larger(ledger->pruned_results, height);
}

static void forget_blocks(struct ledger *ledger, int64_t retain, int64_t count_max) {
    int64_t height = ledger->base, end = smaller(smaller(retain, ledger->pruned_results), height + count_max);
    for (; height < end; height++)
        for (const char *letter = "bkxu"; *letter != '\0'; letter++)
            delete_height(&ledger->batch, *letter, height);
    ledger->base = height;
}

/* ---- space. What ascends with the height is given back often: it is a range of its own. What is scattered by hashes is a reason to rewrite all of
 * it, so only when a quarter of it is rubbish. */

enum { GIVE_BACK_HEIGHTS = 1000, GIVE_BACK_EVERY = 16, GIVE_BACK_BYTES = 32 << 20 };

static void give_back_heights(struct ledger *ledger) {
    int64_t done = ledger->base - ledger->given_back_blocks;
    struct key from = keys_height('b', 0), to = keys_height('b', ledger->base);
    bool much = done >= GIVE_BACK_HEIGHTS ||
                (done >= GIVE_BACK_EVERY && kv_space(ledger->kv, keys_span(&from), keys_span(&to)) >= GIVE_BACK_BYTES);
    if (!much)
        return;
    ledger->given_back_blocks = ledger->base;
    for (const char *letter = "brukmcxvp"; *letter != '\0'; letter++) {
        from = keys_height(*letter, 0);
        to = keys_height(*letter, ledger->base);
        kv_compact_later(ledger->kv, keys_span(&from), keys_span(&to));
    }
}

static void give_back_hashes(struct ledger *ledger) {
    int64_t rubbish = ledger->pruned_index - ledger->given_back_index, kept = ledger->state.height - ledger->pruned_index;
    if (rubbish < GIVE_BACK_HEIGHTS || rubbish < kept / 4)
        return;
    ledger->given_back_index = ledger->pruned_index;
    for (const char *letter = "tiqyz"; *letter != '\0'; letter++) {
        struct key from = keys_plain(*letter), to = keys_plain((char)(*letter + 1));
        kv_compact_later(ledger->kv, keys_span(&from), keys_span(&to));
    }
}

static int64_t progress(const struct ledger *ledger) {
    return ledger->base + larger(ledger->base, ledger->pruned_index) + larger(ledger->base, ledger->pruned_results);
}

int64_t ledger_prune_to(struct ledger *ledger, const struct ledger_retain *wanted, int64_t count_max) {
    if (ledger->base == 0 || count_max <= 0)
        return 0;
    struct ledger_retain retain = reconcile(ledger, wanted);
    int64_t before = progress(ledger);
    kv_batch_clear(&ledger->batch);
    forget_indexes(ledger, retain.index, count_max);
    forget_results(ledger, retain.results, count_max);
    forget_blocks(ledger, retain.blocks, count_max);
    int64_t done = progress(ledger) - before;
    done += forget_headers(ledger, smaller(retain.states, ledger->base), count_max);
    if (done > 0) {
        put_pruned(ledger);
        kv_write(ledger->kv, &ledger->batch, false);
        give_back_heights(ledger);
        give_back_hashes(ledger);
    }
    return done;
}

int64_t ledger_prune(struct ledger *ledger, int64_t retain, int64_t count_max) {
    int64_t base = ledger->base;
    if (base == 0 || retain <= base || retain > ledger->state.height)
        return 0;
    ledger_prune_to(ledger, &(struct ledger_retain){retain, retain, retain, retain}, count_max);
    return ledger->base - base;
}
