#include "ledger/ledger_put.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/kv_table.h"
#include "ledger/question.h"

enum {
    UNDO_HEIGHTS = 16,       /* how far a rollback reaches */
    WHOLE_SET_EVERY = 1000,  /* so that no question about validators costs more increments than that */
    INDEX_VALUE_BYTES = 20,
};

static void put_message(struct kv_batch *batch, struct key key, void (*write)(struct proto_writer *, const void *),
                        const void *value) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write(&writer, value);
    size_t size = writer.size;
    uint8_t *place = kv_batch_reserve(batch, keys_span(&key), size);
    if (size == 0)
        return;
    proto_writer_init(&writer, place, size);
    write(&writer, value);
    assert(!writer.overflow && writer.size == size);
}

static void write_commit(struct proto_writer *writer, const void *commit) { commit_write(writer, commit); }

static void write_extended(struct proto_writer *writer, const void *commit) { commit_extended_write(writer, commit); }

static void write_finalized(struct proto_writer *writer, const void *finalized) { abci_finalized_write(writer, finalized); }

static void write_meta(struct proto_writer *writer, const void *value) {
    const struct ledger_meta *meta = value;
    block_id_put(writer, 1, &meta->block_id);
    proto_put_int64(writer, 2, meta->size);
    size_t mark = proto_begin(writer, 3);
    header_write(writer, &meta->header);
    proto_end(writer, mark);
    proto_put_int64(writer, 4, meta->tx_count);
}

static void put_index(struct kv_batch *batch, struct key key, int64_t height, int64_t index) {
    uint8_t value[INDEX_VALUE_BYTES];
    struct proto_writer writer;
    proto_writer_init(&writer, value, sizeof value);
    proto_put_varint(&writer, (uint64_t)height);
    if (index >= 0)
        proto_put_varint(&writer, (uint64_t)index);
    kv_batch_put(batch, keys_span(&key), proto_writer_span(&writer));
}

static void put_block(struct ledger *ledger, struct block *block, const struct commit *seen_commit) {
    struct kv_batch *batch = &ledger->batch;
    int64_t height = block->header.height;
    struct ledger_meta meta = {.size = (int64_t)block->bytes->size, .header = block->header, .tx_count = block->tx_count};
    block_id_of(block, &meta.block_id);
    struct key key = keys_height('b', height);
    kv_batch_put(batch, keys_span(&key), blob_span(block->bytes));
    put_message(batch, keys_height('m', height), write_meta, &meta);
    put_message(batch, keys_height('k', height), write_commit, seen_commit);
    if (ledger_extends(ledger, height))
        put_message(batch, keys_height('x', height), write_extended, seen_commit);
    if (height > ledger->state.initial_height)
        put_message(batch, keys_height('c', height - 1), write_commit, &block->last_commit);
    put_index(batch, keys_hash('i', block->hash.bytes), height, -1);
}

static void put_indexes(struct ledger *ledger, const struct block *block, const struct abci_finalized *finalized) {
    for (uint32_t i = 0; ledger->index_transactions && i < block->tx_count; i++)
        put_index(&ledger->batch, keys_hash('t', block->tx_hashes[i]), block->header.height, i);
    if (ledger->index_transactions)
        index_put(ledger->index, &ledger->batch, block->header.height, finalized);
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        struct digest hash;
        evidence_hash(&hash, &block->evidence[i]);
        put_index(&ledger->batch, keys_hash('e', hash.bytes), block->header.height, -1);
    }
}

/* ---- the way back. The record is itself a batch: the old head and the application's old values, found while the batch holds
 * nothing but the application's writes. What else a height adds is known from the block. */

static void collect_old(struct ledger *ledger, struct kv_batch *undo) {
    struct span key, value;
    bool is_delete;
    for (size_t cursor = 0; kv_batch_next(&ledger->batch, &cursor, &key, &value, &is_delete);) {
        assert(key.data[0] == KEYS_APP_PREFIX);
        struct blob *old = kv_get(ledger->kv, key);
        if (old != NULL)
            kv_batch_put(undo, key, blob_span(old));
        else
            kv_batch_delete(undo, key);
        blob_release(old);
    }
    uint8_t *head;
    size_t size = state_encode(&ledger->state, &head);
    struct key head_key = keys_plain('h');
    kv_batch_put(undo, keys_span(&head_key), span_of(head, size));
    free(head);
}

static void delete_height(struct kv_batch *batch, char letter, int64_t height) {
    struct key key = keys_height(letter, height);
    if (height > 0)
        kv_batch_delete(batch, keys_span(&key));
}

static void put_undo(struct ledger *ledger, int64_t height) {
    struct kv_batch undo;
    kv_batch_init(&undo);
    collect_old(ledger, &undo);
    struct key key = keys_height('u', height);
    kv_batch_put(&ledger->batch, keys_span(&key), kv_batch_span(&undo));
    kv_batch_close(&undo);
    delete_height(&ledger->batch, 'u', height > UNDO_HEIGHTS ? height - UNDO_HEIGHTS : 0);
    delete_height(&ledger->batch, 'k', height > UNDO_HEIGHTS ? height - UNDO_HEIGHTS - 1 : 0);
}

/* ---- applying */

static void app_fail(struct ledger *ledger, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

static void app_fail(struct ledger *ledger, const char *format, ...) {
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (ledger->app->table->fail != NULL)
        ledger->app->table->fail(ledger->app, what);
    kv_fail(ledger->kv, "%s", what);
}

static void finalize(struct ledger *ledger, struct abci_finalized *finalized, const struct block *block) {
    struct abci_block question;
    question_of_block(&question, &ledger->state, block, &ledger->arena);
    *finalized = (struct abci_finalized){0};
    ledger->app->table->finalize_block(ledger->app, finalized, &question, &ledger->arena);
    if (finalized->tx_count != block->tx_count)
        app_fail(ledger, "application %s gave %" PRIu32 " results for %" PRIu32 " transactions at height %" PRId64 "; repair it",
                 ledger->app->table->name, finalized->tx_count, block->tx_count, block->header.height);
}

static void take_next_state(struct ledger *ledger, struct block *block, const struct abci_finalized *finalized) {
    const char *fault = state_after(&ledger->next, &ledger->state, block, finalized);
    if (fault != NULL)
        app_fail(ledger, "application %s at height %" PRId64 ": %s; the chain cannot go on with it", ledger->app->table->name, block->header.height,
                 fault);
}

/* The newest ones are kept in any case: subscribers hear of a block by reading it. The index is a way to them. */
static void put_results(struct ledger *ledger, int64_t height, const struct abci_finalized *finalized) {
    put_message(&ledger->batch, keys_height('r', height), write_finalized, finalized);
    if (!ledger->keep_results && !ledger->index_transactions)
        delete_height(&ledger->batch, 'r', height - LEDGER_RESULTS_KEPT);
}

static void write_all(struct ledger *ledger, int64_t *retain_height, struct block *block, const struct abci_finalized *finalized,
                      const struct commit *seen_commit) {
    int64_t height = block->header.height;
    kv_batch_clear(&ledger->batch);
    bool is_apart = ledger->app->table->is_apart;
    if (!is_apart)
        *retain_height = ledger->app->table->commit(ledger->app, &ledger->batch);
    put_undo(ledger, height);
    put_block(ledger, block, seen_commit);
    put_indexes(ledger, block, finalized);
    evidence_pool_apply(ledger, block);
    put_results(ledger, height, finalized);
    ledger_put_state(ledger, &ledger->next, finalized->update_count > 0 || (height + 2) % WHOLE_SET_EVERY == 0, finalized->has_params);
    kv_write(ledger->kv, &ledger->batch, true);
    if (is_apart)
        *retain_height = ledger->app->table->commit(ledger->app, NULL);
}

bool ledger_apply(struct ledger *ledger, struct ledger_applied *applied, struct block *block, const struct commit *seen_commit) {
    int64_t height = block->header.height;
    if (height != state_next_height(&ledger->state))
        return false;
    struct block_id id;
    block_id_of(block, &id);
    assert(seen_commit->height == height && block_id_equal(&seen_commit->block_id, &id));
    assert(ledger_extends(ledger, height) ? commit_extended_ensure(seen_commit) == COMMIT_GOOD : seen_commit->extensions == NULL);
    arena_reset(&ledger->arena);
    finalize(ledger, &applied->finalized, block);
    take_next_state(ledger, block, &applied->finalized);
    write_all(ledger, &applied->retain_height, block, &applied->finalized, seen_commit);
    struct state old = ledger->state;
    ledger->state = ledger->next;
    ledger->next = old; /* its memory serves the next height */
    if (ledger->base == 0)
        ledger->base = height;
    return true;
}

/* ---- rolling back */

static void forget_additions(struct ledger *ledger, const struct block *block, bool hard) {
    struct kv_batch *batch = &ledger->batch;
    struct abci_finalized finalized;
    int64_t height = block->header.height;
    arena_reset(&ledger->arena);
    if (ledger_results(ledger, &finalized, height, &ledger->arena))
        index_delete(ledger->index, batch, height, &finalized);
    struct key key = keys_hash('i', block->hash.bytes);
    kv_batch_delete(batch, keys_span(&key));
    for (uint32_t i = 0; i < block->tx_count; i++) {
        key = keys_hash('t', block->tx_hashes[i]);
        kv_batch_delete(batch, keys_span(&key));
    }
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        struct digest hash;
        evidence_hash(&hash, &block->evidence[i]);
        key = keys_hash('e', hash.bytes);
        kv_batch_delete(batch, keys_span(&key));
    }
    delete_height(batch, 'u', height);
    delete_height(batch, 'r', height);
    delete_height(batch, 'v', height + 2);
    delete_height(batch, 'p', height + 1);
    for (const char *letter = "bmkx"; hard && *letter != '\0'; letter++)
        delete_height(batch, *letter, height);
    if (hard)
        delete_height(batch, 'c', height - 1);
}

static bool reload_head(struct ledger *ledger) {
    struct key key = keys_plain('h');
    struct blob *head = kv_get(ledger->kv, keys_span(&key));
    bool good = head != NULL && state_decode(&ledger->state, blob_span(head));
    blob_release(head);
    return good;
}

bool ledger_rollback(struct ledger *ledger, bool hard) {
    int64_t height = ledger->state.height;
    struct key key = keys_height('u', height);
    struct blob *undo = height == 0 ? NULL : kv_get(ledger->kv, keys_span(&key));
    struct block *block = undo == NULL ? NULL : ledger_block(ledger, height);
    kv_batch_clear(&ledger->batch);
    bool good = block != NULL && kv_batch_load(&ledger->batch, blob_span(undo));
    if (good) {
        forget_additions(ledger, block, hard);
        kv_write(ledger->kv, &ledger->batch, true);
        if (!reload_head(ledger))
            kv_fail(ledger->kv, "the head after a rollback to %" PRId64 " is malformed; restore the data folder from a copy", height - 1);
        if (hard && ledger->base == height)
            ledger->base = 0;
    }
    block_release(block);
    blob_release(undo);
    return good;
}
