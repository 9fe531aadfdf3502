#include "ledger/app_noop.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/proto.h"

#define HEIGHT_KEY "sN" /* so that it agrees with the chain after a restart */

struct noop {
    struct app app;
    struct kv *kv;
    int64_t height, next_height;
};

static struct noop *noop_of(struct app *app) { return (struct noop *)app; }

static void info(struct app *app, struct abci_info *out, struct arena *arena) {
    (void)arena;
    *out = (struct abci_info){.last_block_height = noop_of(app)->height};
}

static bool init_chain(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question, struct arena *arena,
                       struct span *error) {
    (void)app, (void)question, (void)arena, (void)error;
    *out = (struct abci_initialized){0};
    return true;
}

static void check_tx(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    (void)app, (void)tx, (void)recheck, (void)arena;
    *out = (struct abci_check){0};
}

static uint32_t prepare_proposal(struct app *app, uint32_t *chosen, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    (void)app, (void)arena;
    uint32_t count = 0;
    for (; count < block->tx_count; count++) {
        size_t size = block->txs[count].size;
        bytes_max -= (int64_t)(1 + proto_varint_size(size) + size);
        if (bytes_max < 0)
            break;
        chosen[count] = count;
    }
    return count;
}

static bool process_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    (void)app, (void)block, (void)arena;
    return true;
}

static void finalize_block(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    *out = (struct abci_finalized){.tx_count = block->tx_count};
    out->tx_results = arena_take(arena, block->tx_count, sizeof *out->tx_results);
    assert(out->tx_results != NULL);
    noop_of(app)->next_height = block->height;
}

static int64_t commit(struct app *app, struct kv_batch *batch) {
    struct noop *self = noop_of(app);
    uint8_t value[10];
    struct proto_writer writer;
    proto_writer_init(&writer, value, sizeof value);
    self->height = self->next_height;
    proto_put_varint(&writer, (uint64_t)self->height);
    kv_batch_put(batch, span_text(HEIGHT_KEY), proto_writer_span(&writer));
    return 0;
}

static void query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    (void)app, (void)question, (void)arena;
    *out = (struct abci_answer){0};
}

static void close_app(struct app *app) { free(app); }

static const struct app_table table = {
    .name = "noop",
    .info = info,
    .init_chain = init_chain,
    .check_tx = check_tx,
    .prepare_proposal = prepare_proposal,
    .process_proposal = process_proposal,
    .finalize_block = finalize_block,
    .commit = commit,
    .query = query,
    .close = close_app,
};

struct app *app_noop_open(struct kv *kv) {
    struct noop *self = calloc(1, sizeof *self);
    assert(self != NULL);
    self->app.table = &table;
    self->kv = kv;
    struct blob *value = kv_get(kv, span_text(HEIGHT_KEY));
    if (value != NULL) {
        struct proto_reader reader = proto_reader_over(blob_span(value));
        self->height = self->next_height = (int64_t)proto_varint(&reader);
        blob_release(value);
    }
    return &self->app;
}
