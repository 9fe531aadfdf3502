#include "rpc/rpc.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/call.h"
#include "rpc/http.h"

/* ---- what stands before those who ask */

struct ledger *rpc_ledger(struct rpc *rpc) {
    if (!rpc->apart)
        return rpc->host.ledger;
    if (rpc->view == NULL)
        rpc_refresh(rpc);
    return &rpc->view->ledger;
}

void rpc_touch(struct rpc *rpc) {
    if (rpc->turn_end_due)
        return;
    rpc->turn_end_due = true;
    event_active(rpc->turn_end, EV_TIMEOUT, 0); /* behind all that is active now */
}

void rpc_refresh(struct rpc *rpc) {
    uint64_t edition = rpc->apart ? atomic_load(&rpc->desk.edition) : 0;
    if (!rpc->apart || (rpc->view != NULL && rpc->view_edition == edition))
        return;
    view_release(rpc->view);
    rpc->view = desk_head(&rpc->desk);
    rpc->view_edition = edition; /* or a later one, which costs a look more */
    rpc_touch(rpc);
}

/* ---- the core's answers */

void rpc_post(struct rpc *rpc, struct exchange *exchange) {
    exchange->at_core = true;
    mail_list_add(&rpc->outbox, &exchange->mail);
    rpc_touch(rpc);
}

static struct exchange *exchange_of(struct mail *mail) { return (struct exchange *)((char *)mail - offsetof(struct exchange, mail)); }

static void send_outbox(struct rpc *rpc) {
    if (rpc->outbox.count == 0)
        return;
    mailbox_send(&rpc->desk.questions, &rpc->outbox);
    struct mail_list refused = rpc->outbox;
    rpc->outbox = (struct mail_list){0}; /* what is asked instead waits for the next turn */
    for (struct mail *mail; (mail = mail_list_take(&refused)) != NULL;) {
        struct exchange *exchange = exchange_of(mail);
        call_fail(&exchange->call, "the node is busy: %u questions wait already; try again", rpc->desk.questions.limit);
        exchange_answered(exchange);
    }
}

/* Those whose wait is over go on here and not where they were woken: a block's application must not be re-entered by what they ask next. */
static void run_ready(struct rpc *rpc) {
    while (rpc->ready != NULL) {
        struct exchange *exchange = rpc->ready;
        rpc->ready = exchange->next;
        exchange->is_ready = false;
        exchange_go_on(exchange);
    }
}

/* ---- telling of blocks */

static void tell_height(struct rpc *rpc, struct waiters *waiters, int64_t height) {
    struct ledger *ledger = rpc_ledger(rpc);
    struct block *block = waiters->count == 0 ? NULL : ledger_block(ledger, height);
    struct abci_finalized finalized;
    if (block == NULL)
        return;
    arena_reset(&rpc->arena);
    if (ledger_results(ledger, &finalized, height, &rpc->arena) && finalized.tx_count == block->tx_count)
        waiters_applied(waiters, block, &finalized, exchange_resume);
    block_release(block);
}

static void tell(struct rpc *rpc) {
    if (rpc->apart && !atomic_load(&rpc->desk.listening))
        return;
    rpc_refresh(rpc);
    int64_t height = rpc_ledger(rpc)->state.height;
    while (rpc->apart && rpc->told < height)
        tell_height(rpc, &rpc->waiters, ++rpc->told);
    if (rpc->herald.first != NULL)
        herald_tell(&rpc->herald);
}

/* Before the head is looked at, which happens at the end of this turn: so none is missed. */
static void listen_after(struct rpc *rpc, int64_t height) {
    rpc_touch(rpc);
    if (!rpc->apart || atomic_load(&rpc->desk.listening))
        return;
    rpc->told = height;
    atomic_store(&rpc->desk.listening, true);
}

void rpc_listen(struct rpc *rpc) { listen_after(rpc, rpc_ledger(rpc)->state.height); }

static void watch_waiters(struct rpc *rpc) {
    if (rpc->waiters.first == NULL || event_pending(rpc->alarm, EV_TIMEOUT, NULL))
        return;
    int64_t left = rpc->waiters.first->deadline_ms - rpc_clock_ms();
    left = left < 1 ? 1 : left;
    struct timeval wait = {left / 1000, left % 1000 * 1000};
    event_add(rpc->alarm, &wait);
}

/* Its block may have come before we knew that somebody waits for it: a node that is alone commits while the transaction is being handed in. */
void rpc_wait_for_tx(struct rpc *rpc, struct waiter *waiter, int64_t height) {
    struct waiters late = {0};
    listen_after(rpc, height);
    int64_t deadline = waiter->deadline_ms;
    waiters_add(&late, waiter);
    while (rpc->apart && height < rpc->told)
        tell_height(rpc, &late, ++height);
    if (!waiter->waits) {
        rpc_touch(rpc); /* it is ready */
        return;
    }
    waiters_remove(&late, waiter);
    waiter->deadline_ms = deadline;
    waiters_add(&rpc->waiters, waiter);
    watch_waiters(rpc);
}

static void on_waited(evutil_socket_t fd, short what, void *context) {
    struct rpc *rpc = context;
    (void)fd;
    (void)what;
    waiters_expire(&rpc->waiters, rpc_clock_ms(), "timed out waiting for tx to be included in a block", exchange_resume);
    run_ready(rpc);
    watch_waiters(rpc);
}

static void on_turn_end(evutil_socket_t fd, short what, void *context) {
    struct rpc *rpc = context;
    (void)fd;
    (void)what;
    tell(rpc);
    run_ready(rpc);
    websocket_flush_due(rpc);
    herald_go_on(&rpc->herald);
    if (rpc->apart && rpc->waiters.count == 0 && rpc->herald.first == NULL)
        atomic_store(&rpc->desk.listening, false);
    send_outbox(rpc);
    rpc->turn_end_due = false;
    view_release(rpc->view); /* the store may let go of what is overwritten */
    rpc->view = NULL;
}

static void end_thread(struct rpc *rpc);

static void end_subscriptions(struct rpc *rpc) {
    char reason[sizeof rpc->desk.ending];
    pthread_mutex_lock(&rpc->desk.lock);
    memcpy(reason, rpc->desk.ending, sizeof reason);
    rpc->desk.ending[0] = '\0';
    pthread_mutex_unlock(&rpc->desk.lock);
    if (reason[0] != '\0')
        herald_end(&rpc->herald, reason);
}

static void on_answers(evutil_socket_t fd, short what, void *context) {
    struct rpc *rpc = context;
    struct mail_list answers = {0};
    (void)fd;
    (void)what;
    end_subscriptions(rpc);
    mailbox_fetch(&rpc->desk.answers, &answers);
    for (struct mail *mail; (mail = mail_list_take(&answers)) != NULL;)
        exchange_answered(exchange_of(mail));
    rpc_touch(rpc);
    if (atomic_load(&rpc->stop))
        end_thread(rpc);
}

/* ---- news */

bool rpc_wants_news(const struct rpc *rpc) { return atomic_load(&rpc->wants_news); }

void rpc_tell_news(struct rpc *rpc, const struct rpc_news *news) {
    if (rpc->apart)
        desk_tell_news(&rpc->desk, news);
    else
        herald_news(&rpc->herald, news);
}

bool rpc_has_listeners(const struct rpc *rpc) { return atomic_load(&rpc->desk.listening); }

void rpc_end_subscriptions(struct rpc *rpc, const char *reason) {
    assert(rpc->apart);
    pthread_mutex_lock(&rpc->desk.lock);
    snprintf(rpc->desk.ending, sizeof rpc->desk.ending, "%s", reason);
    pthread_mutex_unlock(&rpc->desk.lock);
    mailbox_wake(&rpc->desk.answers);
}

static void on_news(evutil_socket_t fd, short what, void *context) {
    struct rpc *rpc = context;
    struct mail_list list = {0};
    (void)fd;
    (void)what;
    bool lost = atomic_exchange(&rpc->desk.news_lost, false);
    mailbox_fetch(&rpc->desk.news, &list);
    for (struct mail *mail; (mail = mail_list_take(&list)) != NULL;) {
        struct desk_news *told = (struct desk_news *)mail; /* its first member */
        herald_news(&rpc->herald, &told->news);
        free(told);
    }
    if (lost)
        herald_missed_news(&rpc->herald);
}

/* ---- life */

static void shut(struct rpc *rpc) {
    rpc->stopping = true;
    waiters_expire(&rpc->waiters, INT64_MAX, "the node is stopping", exchange_resume);
    run_ready(rpc);
    http_stop(rpc->http);
    herald_close(&rpc->herald);
}

static void end_thread(struct rpc *rpc) {
    shut(rpc);
    event_base_loopbreak(rpc->base);
}

static void *run_thread(void *context) {
    struct rpc *rpc = context;
    event_base_loop(rpc->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

/* Signals are the core's. */
static void start_thread(struct rpc *rpc) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&rpc->thread, NULL, run_thread, rpc);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(failed == 0);
    (void)failed;
}

static void release(struct rpc *rpc) {
    if (rpc->answers != NULL)
        event_free(rpc->answers);
    if (rpc->news != NULL)
        event_free(rpc->news);
    event_free(rpc->turn_end);
    event_free(rpc->alarm);
    view_release(rpc->view);
    if (rpc->apart)
        desk_close(&rpc->desk);
    while (rpc->spare != NULL) {
        struct exchange *exchange = rpc->spare;
        rpc->spare = exchange->next;
        arena_close(&exchange->arena);
        emit_close(&exchange->out);
        free(exchange);
    }
    if (rpc->apart)
        event_base_free(rpc->base);
    buckets_close(&rpc->buckets);
    emit_close(&rpc->genesis);
    arena_close(&rpc->arena);
    free(rpc);
}

struct rpc *rpc_start(struct event_base *base, const struct rpc_config *config, const struct rpc_host *host, char **error) {
    struct rpc *rpc = calloc(1, sizeof *rpc);
    assert(rpc != NULL);
    rpc->config = *config;
    rpc->host = *host;
    rpc->routes = config->routes != NULL ? config->routes : routes_table;
    assert(config->routes == NULL || (config->apart && base == NULL));
    rpc->apart = config->apart;
    rpc->base = config->apart ? event_base_new() : base;
    assert(rpc->base != NULL);
    arena_init(&rpc->arena, SIZE_MAX / 4); /* for what our own store holds */
    rpc->alarm = event_new(rpc->base, -1, 0, on_waited, rpc);
    rpc->turn_end = event_new(rpc->base, -1, 0, on_turn_end, rpc);
    assert(rpc->alarm != NULL && rpc->turn_end != NULL);
    if (rpc->apart) {
        desk_open(&rpc->desk, rpc, base, config->core_questions_max > 0 ? config->core_questions_max : RPC_QUESTIONS_MAX);
        rpc->answers = event_new(rpc->base, rpc->desk.answers.wake_fd, EV_READ | EV_PERSIST, on_answers, rpc);
        assert(rpc->answers != NULL);
        event_add(rpc->answers, NULL);
        rpc->news = event_new(rpc->base, rpc->desk.news.wake_fd, EV_READ | EV_PERSIST, on_news, rpc);
        assert(rpc->news != NULL);
        event_add(rpc->news, NULL);
    }
    herald_open(&rpc->herald, rpc);
    rpc->websocket_patience = (struct websocket_patience){27000, 30000, 10000};
    *error = access_read(&rpc->access, config->tokens, config->anonymous);
    buckets_open(&rpc->buckets, config->rate);
    rpc->http = *error == NULL ? http_start(rpc, error) : NULL;
    if (rpc->http == NULL) {
        herald_close(&rpc->herald);
        release(rpc);
        return NULL;
    }
    if (rpc->apart)
        start_thread(rpc);
    return rpc;
}

void rpc_stop(struct rpc *rpc) {
    if (rpc == NULL)
        return;
    if (rpc->apart) {
        atomic_store(&rpc->stop, true);
        mailbox_wake(&rpc->desk.answers);
        pthread_join(rpc->thread, NULL);
    } else {
        shut(rpc);
    }
    release(rpc);
}

uint16_t rpc_port(const struct rpc *rpc) { return http_port(rpc->http); }

void rpc_block_applied(struct rpc *rpc, struct block *block, const struct abci_finalized *finalized) {
    if (rpc->apart) {
        desk_publish(&rpc->desk);
        return;
    }
    waiters_applied(&rpc->waiters, block, finalized, exchange_resume);
    if (rpc->ready != NULL || rpc->herald.first != NULL)
        rpc_touch(rpc);
}

/* ---- without HTTP */

static void reply_now(struct exchange *exchange) {
    struct span body = exchange_body(exchange);
    exchange->reply(exchange->context, exchange->status, (const char *)body.data, body.size, exchange->cacheable);
    exchange_close(exchange);
}

static struct exchange *open_for(struct rpc *rpc, rpc_reply *reply, void *context) {
    assert(!rpc->apart);
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
