#include "node/app_meter.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

struct app_meter {
    struct app app;
    struct app_table table; /* what the one within lacks is lacking here too */
    struct app *within;
    struct metrics *metrics;
};

static struct app_meter *meter_of(struct app *app) { return (struct app_meter *)app; }

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note(struct app_meter *meter, const char *method, int64_t since_ns) {
    metrics_observe_pair(meter->metrics, METRICS_ABCI, method, "sync", (double)(now_ns() - since_ns) / 1e9);
}

static void info(struct app *app, struct abci_info *out, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    meter->within->table->info(meter->within, out, arena);
    note(meter, "info", since);
}

static bool init_chain(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question, struct arena *arena, struct span *error) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    bool good = meter->within->table->init_chain(meter->within, out, question, arena, error);
    note(meter, "init_chain", since);
    return good;
}

static void check_tx(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    meter->within->table->check_tx(meter->within, out, tx, recheck, arena);
    note(meter, "check_tx", since);
}

static uint32_t prepare_proposal(struct app *app, uint32_t *chosen, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    uint32_t count = meter->within->table->prepare_proposal(meter->within, chosen, block, bytes_max, arena);
    note(meter, "prepare_proposal", since);
    return count;
}

static bool process_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    bool accepts = meter->within->table->process_proposal(meter->within, block, arena);
    note(meter, "process_proposal", since);
    return accepts;
}

static void finalize_block(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    meter->within->table->finalize_block(meter->within, out, block, arena);
    note(meter, "finalize_block", since);
}

static int64_t commit(struct app *app, struct kv_batch *batch) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns(), retain = meter->within->table->commit(meter->within, batch);
    note(meter, "commit", since);
    return retain;
}

static void query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    meter->within->table->query(meter->within, out, question, arena);
    note(meter, "query", since);
}

static uint32_t rewrite_proposal(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    uint32_t count = meter->within->table->rewrite_proposal(meter->within, out, block, bytes_max, arena);
    note(meter, "prepare_proposal", since);
    return count;
}

static void extend_vote(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    meter->within->table->extend_vote(meter->within, out, block, arena);
    note(meter, "extend_vote", since);
}

static bool verify_vote_extension(struct app *app, const struct abci_extension *question) {
    struct app_meter *meter = meter_of(app);
    int64_t since = now_ns();
    bool accepts = meter->within->table->verify_vote_extension(meter->within, question);
    note(meter, "verify_vote_extension", since);
    return accepts;
}

static void fail(struct app *app, const char *what) __attribute__((noreturn));
static void fail(struct app *app, const char *what) { meter_of(app)->within->table->fail(meter_of(app)->within, what); }

/* Asked ahead, the questions overlap: how long one takes cannot be told. */
static void check_send(struct app *app, struct span tx, bool recheck) {
    meter_of(app)->within->table->check_send(meter_of(app)->within, tx, recheck);
}

static void check_take(struct app *app, struct abci_check *out, struct arena *arena) {
    meter_of(app)->within->table->check_take(meter_of(app)->within, out, arena);
}

static void close_meter(struct app *app) { free(app); }

struct app *app_meter_over(struct app *app, struct metrics *metrics) {
    struct app_meter *meter = calloc(1, sizeof *meter);
    assert(meter != NULL);
    const struct app_table *table = app->table;
    meter->table = (struct app_table){
        .name = table->name,
        .info = info,
        .init_chain = init_chain,
        .check_tx = check_tx,
        .prepare_proposal = prepare_proposal,
        .process_proposal = process_proposal,
        .finalize_block = finalize_block,
        .commit = commit,
        .query = query,
        .close = close_meter,
        .rewrite_proposal = table->rewrite_proposal == NULL ? NULL : rewrite_proposal,
        .extend_vote = table->extend_vote == NULL ? NULL : extend_vote,
        .verify_vote_extension = table->verify_vote_extension == NULL ? NULL : verify_vote_extension,
        .is_apart = table->is_apart,
        .fail = table->fail == NULL ? NULL : fail,
        .check_send = table->check_send == NULL ? NULL : check_send,
        .check_take = table->check_take == NULL ? NULL : check_take,
    };
    meter->app.table = &meter->table;
    meter->within = app;
    meter->metrics = metrics;
    return &meter->app;
}
