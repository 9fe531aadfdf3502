#include "ledger/ledger.h"

/* A block is forgotten in two steps: its bytes and results below `retain`; its header, commit and place among the validators only when
 * no evidence about its height can be valid any more, or this node would refuse blocks that others accept. */

static void delete_height(struct kv_batch *batch, char letter, int64_t height) {
    struct key key = keys_height(letter, height);
    kv_batch_delete(batch, keys_span(&key));
}

/* Unless the same bytes were committed again above. */
static void forget_tx(struct ledger *ledger, const uint8_t hash[static 32], int64_t height) {
    int64_t found;
    uint32_t index;
    struct key key = keys_hash('t', hash);
    if (ledger_find_tx(ledger, hash, &found, &index) && found == height)
        kv_batch_delete(&ledger->batch, keys_span(&key));
}

static void forget_block(struct ledger *ledger, int64_t height) {
    struct block *block = ledger_block(ledger, height);
    for (uint32_t i = 0; block != NULL && i < block->tx_count; i++)
        forget_tx(ledger, block->tx_hashes[i], height);
    block_release(block);
    for (const char *letter = "bkxru"; *letter != '\0'; letter++)
        delete_height(&ledger->batch, *letter, height);
}

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

static void forget_headers(struct ledger *ledger, int64_t retain, int64_t count_max) {
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
}

int64_t ledger_prune(struct ledger *ledger, int64_t retain, int64_t count_max) {
    if (ledger->base == 0 || retain <= ledger->base || retain > ledger->state.height || count_max <= 0)
        return 0;
    int64_t count = retain - ledger->base < count_max ? retain - ledger->base : count_max;
    kv_batch_clear(&ledger->batch);
    for (int64_t i = 0; i < count; i++)
        forget_block(ledger, ledger->base + i);
    forget_headers(ledger, ledger->base + count, count_max);
    kv_write(ledger->kv, &ledger->batch, false);
    ledger->base += count;
    return count;
}
