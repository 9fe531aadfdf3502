#include "tests/ledger/apart.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/app_kvstore.h"
#include "ledger/keys.h"

struct apart apart;

static void world_failed(void *context, const char *what) __attribute__((noreturn));
static void world_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct kv *new_store(void) { return kv_memory_new((struct kv_failure){NULL, world_failed}); }

static bool copy_pair(void *context, struct span key, struct span value) {
    kv_batch_put(context, key, value);
    return true;
}

static struct kv *copy_of(struct kv *kv) {
    struct kv_batch batch;
    struct kv *copy = new_store();
    kv_batch_init(&batch);
    kv_scan(kv, span_of("\0", 1), span_of("\xff", 1), false, copy_pair, &batch);
    kv_write(copy, &batch, true);
    kv_batch_close(&batch);
    return copy;
}

/* ---- calls */

static const struct app_table *real_table(void) { return apart.real->table; }

static void info(struct app *app, struct abci_info *out, struct arena *arena) {
    (void)app;
    real_table()->info(apart.real, out, arena);
}

static bool init_chain(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question, struct arena *arena, struct span *error) {
    (void)app;
    apart.init_chains++;
    for (uint32_t i = 1; i < question->validator_count; i++) /* as a set has them */
        assert(question->validators[i - 1].power >= question->validators[i].power);
    return real_table()->init_chain(apart.real, out, question, arena, error);
}

static void check_tx(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    (void)app;
    real_table()->check_tx(apart.real, out, tx, recheck, arena);
}

static uint32_t rewrite_proposal(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    (void)app;
    return real_table()->rewrite_proposal(apart.real, out, block, bytes_max, arena);
}

static bool process_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    (void)app;
    return real_table()->process_proposal(apart.real, block, arena);
}

static void finalize_block(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    (void)app;
    apart.finalized++;
    apart.height = block->height;
    real_table()->finalize_block(apart.real, out, block, arena);
    out->tx_count = (uint32_t)((int)out->tx_count + apart.spare_results);
}

static int64_t commit(struct app *app, struct kv_batch *batch) {
    (void)app;
    struct kv_batch own;
    assert(batch == NULL && apart.height < APART_HEIGHTS_MAX);
    apart.commits++;
    struct key block = keys_height('b', apart.height);
    if (apart.chain != NULL) {
        kv_memory_crash(apart.chain, 0);
        apart.early += !kv_has(apart.chain, keys_span(&block));
    }
    kv_batch_init(&own);
    real_table()->commit(apart.real, &own);
    kv_write(apart.own, &own, true);
    kv_batch_close(&own);
    kv_close(apart.past[apart.height]);
    apart.past[apart.height] = copy_of(apart.own);
    return apart.retain_height;
}

static void query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    (void)app;
    real_table()->query(apart.real, out, question, arena);
}

static void close_app(struct app *app) {
    (void)app;
    real_table()->close(apart.real);
    apart.real = NULL;
}

static const struct app_table table = {
    .name = "apart",
    .is_apart = true,
    .info = info,
    .init_chain = init_chain,
    .check_tx = check_tx,
    .process_proposal = process_proposal,
    .finalize_block = finalize_block,
    .commit = commit,
    .query = query,
    .close = close_app,
    .rewrite_proposal = rewrite_proposal,
};

struct app *apart_open(struct kv *kv, struct span chain_id) {
    (void)kv, (void)chain_id;
    assert(apart.real == NULL && apart.own != NULL);
    apart.app.table = &table;
    apart.real = app_kvstore_open(apart.own);
    return &apart.app;
}

/* ---- its store */

void apart_end(void) {
    assert(apart.real == NULL);
    kv_close(apart.own);
    for (size_t i = 0; i < APART_HEIGHTS_MAX; i++)
        kv_close(apart.past[i]);
    apart = (struct apart){.own = NULL};
}

void apart_begin(void) {
    apart_end();
    apart.own = new_store();
}

void apart_back(int64_t height) {
    assert(apart.real == NULL && height < APART_HEIGHTS_MAX);
    kv_close(apart.own);
    apart.own = height == 0 ? new_store() : copy_of(apart.past[height]);
}

int64_t apart_height(void) {
    struct app *app = app_kvstore_open(apart.own);
    struct arena arena;
    struct abci_info out;
    arena_init(&arena, 1 << 16);
    app->table->info(app, &out, &arena);
    arena_close(&arena);
    app->table->close(app);
    return out.last_block_height;
}
