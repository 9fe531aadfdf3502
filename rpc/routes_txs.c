/* Transactions on their way in (cometbft: rpc/core/mempool.go). */
#include <inttypes.h>

#include "crypto/sha256.h"
#include "rpc/call.h"
#include "rpc/shapes.h"

static void fail_full(struct call *call, const char *prefix, const struct mempool_config *config) {
    call_fail(call, "%smempool is full: number of txs %u (max: %u), total txs bytes %" PRIu64 " (max: %" PRIu64 ")", prefix,
              mempool_count(call->host->mempool), config->count_max, mempool_bytes(call->host->mempool), config->bytes_max);
}

static void fail_too_large(struct call *call, const char *prefix, size_t size) {
    uint32_t size_max = mempool_tx_bytes_max(call->host->mempool);
    if (size > size_max)
        call_fail(call, "%sTx too large. Max size is %u, but got %zu", prefix, size_max, size);
    else /* beyond what the next block has room for */
        call_fail(call, "%stx pre check: tx size is too big: %zu, max: %" PRId64, prefix, size, ledger_data_bytes_max(call->host->ledger));
}

/* false: the mempool would not even ask the application, and the call has failed with `prefix` and the reason. */
static bool submit(struct call *call, struct abci_check *check, struct span tx, const char *prefix) {
    static const struct mempool_config unknown;
    const struct mempool_config *config = call->host->mempool_config != NULL ? call->host->mempool_config : &unknown;
    struct blob *blob = blob_new(tx);
    *check = (struct abci_check){0};
    enum mempool_verdict verdict = call->host->submit(call->host->context, check, blob, call->arena);
    blob_release(blob);
    switch (verdict) {
    case MEMPOOL_ADDED:
    case MEMPOOL_REFUSED: return true;
    case MEMPOOL_FULL: fail_full(call, prefix, config); break;
    case MEMPOOL_TOO_LARGE: fail_too_large(call, prefix, tx.size); break;
    default: call_fail(call, "%s%s", prefix, mempool_verdict_text(verdict));
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
    struct abci_check check;
    struct abci_tx_result silent = {0}; /* whatever the application said */
    if (submit(call, &check, call->args[0].bytes, ""))
        put_broadcast(call, &silent);
}

void routes_broadcast_tx_sync(struct call *call) {
    struct abci_check check;
    if (submit(call, &check, call->args[0].bytes, ""))
        put_broadcast(call, &check.result);
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

void routes_broadcast_tx_commit(struct call *call) {
    struct waiters *waiters = &call->rpc->waiters;
    struct exchange *exchange = call->exchange;
    struct span tx = call->args[0].bytes;
    struct abci_tx_result none = {0};
    if (call->rpc->stopping) {
        call_fail(call, "the node is stopping");
        return;
    }
    if (waiters->count >= RPC_WAITERS_MAX) {
        call_fail(call, "max_subscription_clients %d reached", RPC_WAITERS_MAX);
        return;
    }
    sha256_once(exchange->waiter.hash, tx);
    if (!submit(call, &exchange->check, tx, "error on broadcastTxCommit: "))
        return;
    if (exchange->check.result.code != 0) {
        put_committed(call->out, &exchange->check.result, &none, exchange->waiter.hash, 0);
        return;
    }
    exchange->waiter.exchange = exchange;
    exchange->waiter.deadline_ms = rpc_clock_ms() + call->rpc->config.timeout_broadcast_tx_commit_ms;
    waiters_add(waiters, &exchange->waiter);
    rpc_watch_waiters(call->rpc);
    call->waits = true;
}

void routes_broadcast_tx_committed(struct call *call, const struct abci_tx_result *result, int64_t height) {
    put_committed(call->out, &call->exchange->check.result, result, call->exchange->waiter.hash, height);
}

void routes_check_tx(struct call *call) {
    struct app *app = call->host->ledger->app;
    struct abci_check check = {0};
    app->table->check_tx(app, &check, call->args[0].bytes, false, call->arena);
    shapes_tx_result(call->out, &check.result);
}

static void put_totals(struct call *call, uint32_t count) {
    struct mempool *mempool = call->host->mempool;
    emit_open(call->out, '{');
    shapes_int64(call->out, "n_txs", count);
    shapes_int64(call->out, "total", mempool_count(mempool));
    shapes_int64(call->out, "total_bytes", (int64_t)mempool_bytes(mempool));
    emit_key(call->out, "txs");
}

void routes_unconfirmed_txs(struct call *call) {
    struct mempool *mempool = call->host->mempool;
    uint32_t limit = routes_per_page(&call->args[0]), count = mempool_count(mempool);
    put_totals(call, count < limit ? count : limit);
    emit_open(call->out, '[');
    const struct mempool_tx *tx = mempool_next(mempool, 0);
    for (uint32_t i = 0; i < limit && tx != NULL; i++, tx = mempool_next(mempool, tx->number))
        emit_base64_text(call->out, blob_span(tx->tx));
    emit_shut(call->out, ']');
    emit_shut(call->out, '}');
}

void routes_num_unconfirmed_txs(struct call *call) {
    put_totals(call, mempool_count(call->host->mempool));
    emit_null(call->out);
    emit_shut(call->out, '}');
}
