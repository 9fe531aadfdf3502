#include "rpc/subscriber.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/call.h"
#include "rpc/websocket.h"

static struct herald *herald_of(const struct subscriber *subscriber) { return &subscriber->rpc->herald; }

struct subscriber *subscriber_new(struct rpc *rpc, struct websocket *websocket) {
    struct subscriber *subscriber = calloc(1, sizeof *subscriber);
    assert(subscriber != NULL);
    subscriber->rpc = rpc;
    subscriber->websocket = websocket;
    return subscriber;
}

/* ---- one more, one less */

static void count_news(struct herald *herald, int change) {
    herald->news_count = (uint32_t)((int)herald->news_count + change);
    atomic_store(&herald->rpc->wants_news, herald->news_count > 0);
}

static void enlist(struct subscriber *subscriber) {
    struct herald *herald = herald_of(subscriber);
    subscriber->previous = NULL;
    subscriber->next = herald->first;
    if (herald->first != NULL)
        herald->first->previous = subscriber;
    herald->first = subscriber;
    herald->count++;
}

static void discharge(struct subscriber *subscriber) {
    struct herald *herald = herald_of(subscriber);
    *(subscriber->previous == NULL ? &herald->first : &subscriber->previous->next) = subscriber->next;
    if (subscriber->next != NULL)
        subscriber->next->previous = subscriber->previous;
    subscriber->next = subscriber->previous = NULL;
    herald->count--;
}

static void drop(struct subscriber *subscriber, struct subscription **place) {
    struct subscription *gone = *place;
    *place = gone->next;
    count_news(herald_of(subscriber), -(int)gone->wants_news);
    query_close(&gone->query);
    free(gone);
    if (--subscriber->count == 0)
        discharge(subscriber);
}

static void drop_all(struct subscriber *subscriber) {
    while (subscriber->subscriptions != NULL)
        drop(subscriber, &subscriber->subscriptions);
}

void subscriber_free(struct subscriber *subscriber) {
    drop_all(subscriber);
    free(subscriber);
}

/* ---- the end of a slow one */

static void put_end(struct emit *out, const struct subscription *subscription, const char *reason, int64_t from) {
    char data[256];
    bool resumes = from != INT64_MAX;
    snprintf(data, sizeof data, "subscription was canceled (reason: %s)%s", reason, resumes ? "; to go on without a gap, subscribe from_height " : "");
    if (resumes)
        snprintf(data + strlen(data), sizeof data - strlen(data), "%" PRId64, from);
    emit_literal(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    emit_raw(out, subscription->id);
    emit_literal(out, ",\"error\":{\"code\":-32000,\"message\":\"Server error\",\"data\":");
    emit_string(out, span_text(data));
    emit_literal(out, "}}");
}

void subscriber_end(struct subscriber *subscriber, const char *reason) {
    struct emit text;
    struct websocket *websocket = subscriber->websocket;
    emit_init(&text);
    for (struct subscription *one = subscriber->subscriptions; one != NULL; one = one->next) {
        emit_clear(&text);
        put_end(&text, one, reason, herald_resumes(herald_of(subscriber), one));
        if (one->next != NULL)
            websocket_send(websocket, span_of(text.data, text.size));
        else
            websocket_end(websocket, span_of(text.data, text.size), 1008, reason);
    }
    emit_close(&text);
    drop_all(subscriber);
}

bool subscriber_is_slow(struct subscriber *subscriber) {
    bool had = subscriber->count > 0;
    if (had)
        subscriber_end(subscriber, "slow client");
    return had;
}

/* ---- routes */

static struct subscription **find(struct subscriber *subscriber, const struct query *query) {
    for (struct subscription **place = &subscriber->subscriptions; *place != NULL; place = &(*place)->next)
        if (span_equal(query_text(&(*place)->query), query_text(query)))
            return place;
    return NULL;
}

static bool read_query(struct call *call, struct query *query) {
    char error[QUERY_ERROR_BYTES];
    if (query_parse(query, error, call->args[0].bytes))
        return true;
    call_fail(call, "failed to parse query: %s", error);
    return false;
}

/* Where it begins: behind the newest height, or where it says. false: the call has failed. */
static bool read_start(struct call *call, int64_t *start) {
    const struct ledger *ledger = call_ledger(call);
    const struct arg *from = &call->args[1];
    int64_t next = state_next_height(&ledger->state);
    *start = from->given ? from->number : next;
    if (*start <= 0)
        call_fail(call, "from_height must be greater than 0, but got %" PRId64, *start);
    else if (*start > next)
        call_fail(call, "from_height %" PRId64 " must be less than or equal to the next height %" PRId64, *start, next);
    else if (*start < ledger->base && *start < next)
        call_fail(call, "from_height %" PRId64 " is not available, lowest height is %" PRId64, *start, ledger->base);
    return !call->failed;
}

/* id and text live in the same allocation. */
static struct subscription *make(const struct query *query, struct span id, struct span text) {
    struct subscription *made = malloc(sizeof *made + id.size + text.size);
    assert(made != NULL);
    uint8_t *bytes = (uint8_t *)(made + 1);
    memcpy(bytes, id.data, id.size);
    if (text.size > 0)
        memcpy(bytes + id.size, text.data, text.size);
    *made = (struct subscription){.query = *query, .id = span_of(bytes, id.size), .text = span_of(bytes + id.size, text.size)};
    return made;
}

/* A condition tm.event = 'Vote' can hold for no event of a block. */
static bool is_for_blocks(const struct query *query) {
    for (uint32_t i = 0; i < query->count; i++) {
        const struct query_condition *condition = &query->conditions[i];
        if (condition->op != QUERY_EQ || !span_equal(condition->tag, span_text("tm.event")))
            continue;
        for (int kind = 0; kind < RPC_NEWS_COUNT; kind++)
            if (span_equal(condition->operand, span_text(news_name((enum rpc_news_kind)kind))))
                return false;
    }
    return true;
}

static bool is_for_news(const struct query *query) {
    for (int kind = 0; kind < RPC_NEWS_COUNT; kind++) {
        struct query_pair pair = {span_text("tm.event"), span_text(news_name((enum rpc_news_kind)kind))};
        if (query_matches(query, &pair, 1))
            return true;
    }
    return false;
}

static bool has_room(struct call *call, const struct subscriber *subscriber) {
    const struct rpc_config *config = &call->rpc->config;
    if (herald_of(subscriber)->count >= config->max_subscription_clients)
        call_fail(call, "max_subscription_clients %u reached", config->max_subscription_clients);
    else if (subscriber->count >= config->max_subscriptions_per_client)
        call_fail(call, "max_subscriptions_per_client %u reached", config->max_subscriptions_per_client);
    else if (call->args[0].bytes.size > QUERY_BYTES_MAX)
        call_fail(call, "maximum query length exceeded");
    return !call->failed;
}

static void put_nothing(struct call *call) {
    emit_open(call->out, '{');
    emit_shut(call->out, '}');
}

/* Events of consensus are in no block, so nobody can hold them against one. */
static bool can_be_told(struct call *call, const struct query *query) {
    if (call->rpc->config.routes == NULL || is_for_blocks(query))
        return true;
    call_fail(call, "events of consensus cannot be verified, so they are not told here: subscribe to them at a node");
    return false;
}

void subscriber_prepare(struct call *call) {
    struct query query;
    if (!has_room(call, websocket_subscriber(call->exchange->websocket)) || !read_query(call, &query))
        return;
    can_be_told(call, &query);
    query_close(&query);
}

void subscriber_subscribe(struct call *call) {
    struct subscriber *subscriber = websocket_subscriber(call->exchange->websocket);
    struct query query;
    int64_t start;
    if (!has_room(call, subscriber) || !read_start(call, &start) || !read_query(call, &query))
        return;
    if (find(subscriber, &query) != NULL) {
        query_close(&query);
        return call_fail(call, "already subscribed");
    }
    struct subscription *added = make(&query, call->exchange->id, call->args[0].bytes);
    added->height = is_for_blocks(&query) ? start : INT64_MAX;
    added->wants_news = call->rpc->config.routes == NULL && is_for_news(&query);
    count_news(herald_of(subscriber), added->wants_news);
    added->next = subscriber->subscriptions;
    subscriber->subscriptions = added;
    if (subscriber->count++ == 0)
        enlist(subscriber);
    rpc_listen(call->rpc);
    put_nothing(call);
}

void subscriber_unsubscribe(struct call *call) {
    struct subscriber *subscriber = websocket_subscriber(call->exchange->websocket);
    struct query query;
    if (!read_query(call, &query))
        return;
    struct subscription **place = find(subscriber, &query);
    query_close(&query);
    if (place == NULL)
        return call_fail(call, "subscription not found");
    drop(subscriber, place);
    put_nothing(call);
}

void subscriber_unsubscribe_all(struct call *call) {
    struct subscriber *subscriber = websocket_subscriber(call->exchange->websocket);
    if (subscriber->count == 0)
        return call_fail(call, "subscription not found");
    drop_all(subscriber);
    put_nothing(call);
}
