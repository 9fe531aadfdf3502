/* Transactions on their way in (cometbft: rpc/core/mempool.go). */
#include <inttypes.h>

#include "crypto/sha256.h"
#include "rpc/call.h"
#include "rpc/shapes.h"

/* What the core said to a transaction. */
struct submitted {
    enum mempool_verdict verdict;
    struct abci_check check;
    int64_t height; /* before it was handed in */
    uint32_t count, tx_bytes_max;
    uint64_t bytes;
    int64_t data_bytes_max;
};

void routes_ask_tx(struct call *call) {
    const struct rpc_host *host = call->host;
    struct submitted *found = arena_take(call->arena, 1, sizeof *found);
    if (found == NULL)
        return call_fail(call, "no room for an answer");
    if (host->ledger->state.release >= PARAMS_V039 && host->catching_up(host->context)) /* 0.38 takes them */
        return call_fail(call, "endpoint is closed while node is catching up");
    struct blob *blob = blob_new(call->args[0].bytes);
    found->height = host->ledger->state.height;
    found->verdict = host->submit(host->context, &found->check, blob, call->arena);
    blob_release(blob);
    found->count = mempool_count(host->mempool);
    found->bytes = mempool_bytes(host->mempool);
    found->tx_bytes_max = mempool_tx_bytes_max(host->mempool);
    found->data_bytes_max = ledger_data_bytes_max(host->ledger);
    call->found = found;
}

static void fail_full(struct call *call, const char *prefix, const struct submitted *found) {
    static const struct mempool_config unknown;
    const struct mempool_config *config = call->host->mempool_config != NULL ? call->host->mempool_config : &unknown;
    call_fail(call, "%smempool is full: number of txs %u (max: %u), total txs bytes %" PRIu64 " (max: %" PRIu64 ")", prefix, found->count,
              config->count_max, found->bytes, config->bytes_max);
}

static void fail_too_large(struct call *call, const char *prefix, const struct submitted *found, size_t size) {
    if (size > found->tx_bytes_max)
        call_fail(call, "%sTx too large. Max size is %u, but got %zu", prefix, found->tx_bytes_max, size);
    else /* beyond what the next block has room for */
        call_fail(call, "%stx pre check: tx size is too big: %zu, max: %" PRId64, prefix, size, found->data_bytes_max);
}

/* false: the mempool would not even ask the application, and the call has failed with `prefix` and the reason. */
static bool submitted(struct call *call, const char *prefix) {
    const struct submitted *found = call->found;
    switch (found->verdict) {
    case MEMPOOL_ADDED:
    case MEMPOOL_REFUSED: return true;
    case MEMPOOL_FULL: fail_full(call, prefix, found); break;
    case MEMPOOL_TOO_LARGE: fail_too_large(call, prefix, found, call->args[0].bytes.size); break;
    default: call_fail(call, "%s%s", prefix, mempool_verdict_text(found->verdict));
    }
    return false;
}

static void put_hash(struct emit *out, struct span tx) {
    uint8_t hash[SHA256_BYTES];
    sha256_once(hash, tx);
    shapes_hex(out, "hash", span_of(hash, sizeof hash));
}

static void put_broadcast(struct call *call, const struct abci_tx_result *result) {
    struct emit *out = call->out;
    emit_open(out, '{');
    shapes_number(out, "code", result->code);
    shapes_hex(out, "data", result->data);
    shapes_text(out, "log", result->log);
    shapes_text(out, "codespace", result->codespace);
    put_hash(out, call->args[0].bytes);
    emit_shut(out, '}');
}

void routes_broadcast_tx_async(struct call *call) {
    struct abci_tx_result silent = {0}; /* whatever the application said */
    if (submitted(call, ""))
        put_broadcast(call, &silent);
}

void routes_broadcast_tx_sync(struct call *call) {
    if (submitted(call, ""))
        put_broadcast(call, &((const struct submitted *)call->found)->check.result);
}

static void put_committed(struct emit *out, const struct abci_tx_result *check, const struct abci_tx_result *result,
                          const uint8_t hash[static SHA256_BYTES], int64_t height) {
    emit_open(out, '{');
    emit_key(out, "check_tx");
    shapes_tx_result(out, check);
    emit_key(out, "tx_result");
    shapes_tx_result(out, result);
    shapes_hex(out, "hash", span_of(hash, SHA256_BYTES));
    shapes_int64(out, "height", height);
    emit_shut(out, '}');
}

void routes_prepare_tx_commit(struct call *call) {
    if (call->rpc->stopping)
        call_fail(call, "the node is stopping");
    else if (call->rpc->waiters.count >= RPC_WAITERS_MAX)
        call_fail(call, "max_subscription_clients %d reached", RPC_WAITERS_MAX);
    else
        sha256_once(call->exchange->waiter.hash, call->args[0].bytes);
}

void routes_broadcast_tx_commit(struct call *call) {
    struct exchange *exchange = call->exchange;
    const struct submitted *found = call->found;
    struct abci_tx_result none = {0};
    if (!submitted(call, "error on broadcastTxCommit: "))
        return;
    if (found->check.result.code != 0) {
        put_committed(call->out, &found->check.result, &none, exchange->waiter.hash, 0);
        return;
    }
    exchange->waiter.exchange = exchange;
    exchange->waiter.deadline_ms = rpc_clock_ms() + call->rpc->config.timeout_broadcast_tx_commit_ms;
    call->waits = true;
    rpc_wait_for_tx(call->rpc, &exchange->waiter, found->height);
}

void routes_broadcast_tx_committed(struct call *call, const struct abci_tx_result *result, int64_t height) {
    const struct submitted *found = call->found;
    put_committed(call->out, &found->check.result, result, call->exchange->waiter.hash, height);
}

void routes_ask_check_tx(struct call *call) {
    struct app *app = call->host->ledger->app;
    struct abci_check *check = arena_take(call->arena, 1, sizeof *check);
    if (check == NULL)
        return call_fail(call, "no room for an answer");
    app->table->check_tx(app, check, call->args[0].bytes, false, call->arena);
    call->found = check;
}

void routes_check_tx(struct call *call) { shapes_tx_result(call->out, &((const struct abci_check *)call->found)->result); }

/* ---- those that wait */

struct totals {
    uint32_t total;
    uint64_t bytes;
};

static void put_totals(struct emit *out, uint32_t count, const struct totals *totals) {
    emit_open(out, '{');
    shapes_int64(out, "n_txs", count);
    shapes_int64(out, "total", totals->total);
    shapes_int64(out, "total_bytes", (int64_t)totals->bytes);
    emit_key(out, "txs");
}

/* Held until the exchange closes. */
static bool hold_txs(struct exchange *exchange, struct mempool *mempool, uint32_t limit) {
    uint32_t count = mempool_count(mempool);
    struct blob **list = arena_take(&exchange->arena, exchange->held_count + (count < limit ? count : limit), sizeof *list);
    if (list == NULL)
        return false;
    if (exchange->held_count > 0) /* of an earlier call of the batch */
        memcpy(list, exchange->held, exchange->held_count * sizeof *list);
    exchange->held = list;
    const struct mempool_tx *tx = mempool_next(mempool, 0);
    for (uint32_t i = 0; i < limit && tx != NULL; i++, tx = mempool_next(mempool, tx->number))
        exchange->held[exchange->held_count++] = blob_hold(tx->tx);
    return true;
}

struct waiting_txs {
    struct totals totals;
    uint32_t from; /* where in exchange->held they begin */
};

void routes_ask_unconfirmed_txs(struct call *call) {
    struct mempool *mempool = call->host->mempool;
    struct waiting_txs *found = arena_take(call->arena, 1, sizeof *found);
    if (found == NULL)
        return call_fail(call, "no room for an answer");
    *found = (struct waiting_txs){{mempool_count(mempool), mempool_bytes(mempool)}, call->exchange->held_count};
    call->found = found;
    if (!hold_txs(call->exchange, mempool, routes_per_page(&call->args[0])))
        call_fail(call, "no room for an answer");
}

void routes_unconfirmed_txs(struct call *call) {
    const struct exchange *exchange = call->exchange;
    const struct waiting_txs *found = call->found;
    put_totals(call->out, exchange->held_count - found->from, &found->totals);
    emit_open(call->out, '[');
    for (uint32_t i = found->from; i < exchange->held_count; i++)
        emit_base64_text(call->out, blob_span(exchange->held[i]));
    emit_shut(call->out, ']');
    emit_shut(call->out, '}');
}

void routes_ask_num_unconfirmed_txs(struct call *call) {
    struct mempool *mempool = call->host->mempool;
    struct totals totals = {mempool_count(mempool), mempool_bytes(mempool)};
    put_totals(call->out, totals.total, &totals);
    emit_null(call->out);
    emit_shut(call->out, '}');
}
