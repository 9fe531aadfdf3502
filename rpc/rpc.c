#include "rpc/rpc.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "rpc/call.h"
#include "rpc/http.h"

/* Those whose wait is over go on here and not where they were woken: a block's application must not be re-entered by what they ask next. */
static void run_ready(struct rpc *rpc) {
    while (rpc->ready != NULL) {
        struct exchange *exchange = rpc->ready;
        rpc->ready = exchange->next;
        exchange->is_ready = false;
        exchange_go_on(exchange);
    }
}

static void on_waited(evutil_socket_t fd, short what, void *context) {
    struct rpc *rpc = context;
    (void)fd;
    (void)what;
    waiters_expire(&rpc->waiters, rpc_clock_ms(), "timed out waiting for tx to be included in a block", exchange_resume);
    run_ready(rpc);
    rpc_watch_waiters(rpc);
}

void rpc_watch_waiters(struct rpc *rpc) {
    if (rpc->waiters.first == NULL || event_pending(rpc->alarm, EV_TIMEOUT, NULL))
        return;
    int64_t left = rpc->waiters.first->deadline_ms - rpc_clock_ms();
    left = left < 1 ? 1 : left;
    struct timeval wait = {left / 1000, left % 1000 * 1000};
    event_add(rpc->alarm, &wait);
}

struct rpc *rpc_start(struct event_base *base, const struct rpc_config *config, const struct rpc_host *host, char **error) {
    struct rpc *rpc = calloc(1, sizeof *rpc);
    assert(rpc != NULL);
    rpc->base = base;
    rpc->config = *config;
    rpc->host = *host;
    rpc->alarm = event_new(base, -1, 0, on_waited, rpc);
    assert(rpc->alarm != NULL);
    rpc->http = http_start(rpc, error);
    if (rpc->http == NULL) {
        event_free(rpc->alarm);
        free(rpc);
        return NULL;
    }
    return rpc;
}

static void free_spare(struct rpc *rpc) {
    while (rpc->spare != NULL) {
        struct exchange *exchange = rpc->spare;
        rpc->spare = exchange->next;
        arena_close(&exchange->arena);
        emit_close(&exchange->out);
        free(exchange);
    }
}

void rpc_stop(struct rpc *rpc) {
    if (rpc == NULL)
        return;
    rpc->stopping = true;
    waiters_expire(&rpc->waiters, INT64_MAX, "the node is stopping", exchange_resume);
    run_ready(rpc);
    http_stop(rpc->http);
    event_free(rpc->alarm);
    free_spare(rpc);
    emit_close(&rpc->genesis);
    free(rpc);
}

uint16_t rpc_port(const struct rpc *rpc) { return http_port(rpc->http); }

void rpc_block_applied(struct rpc *rpc, struct block *block, const struct abci_finalized *finalized) {
    waiters_applied(&rpc->waiters, block, finalized, exchange_resume);
    if (rpc->ready != NULL)
        event_active(rpc->alarm, EV_TIMEOUT, 0);
}

/* ---- without HTTP */

static void reply_now(struct exchange *exchange) {
    struct span body = exchange_body(exchange);
    exchange->reply(exchange->context, exchange->status, (const char *)body.data, body.size, exchange->cacheable);
    exchange_close(exchange);
}

static struct exchange *open_for(struct rpc *rpc, rpc_reply *reply, void *context) {
    struct exchange *exchange = exchange_open(rpc);
    exchange->reply = reply;
    exchange->context = context;
    exchange->done = reply_now;
    return exchange;
}

void rpc_handle_post(struct rpc *rpc, struct span body, rpc_reply *reply, void *reply_context) {
    struct exchange *exchange = open_for(rpc, reply, reply_context);
    struct span kept = span_of(NULL, 0);
    /* A copy, since the answer may come when the caller's bytes are gone. */
    bool copied = arena_copy(&exchange->arena, &kept, body);
    assert(copied); /* a body is far below what a request may use */
    if (exchange_post(exchange, kept))
        reply_now(exchange);
}

void rpc_handle_uri(struct rpc *rpc, const char *method, const char *query, rpc_reply *reply, void *reply_context) {
    struct exchange *exchange = open_for(rpc, reply, reply_context);
    struct span name = span_text(method), kept = span_of(NULL, 0);
    bool copied = arena_copy(&exchange->arena, &kept, span_text(query == NULL ? "" : query));
    assert(copied);
    if (exchange_uri(exchange, name, kept, span_of(NULL, 0)))
        reply_now(exchange);
}
