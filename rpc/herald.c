/* Telling the subscribers. Block events are told event by event to all who stand at the same place, in portions between the loop's other work. */
#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>

#include "rpc/call.h"
#include "rpc/subscriber.h"
#include "rpc/websocket.h"

enum { PORTION_MS = 5, UNTAKEN_BYTES_MAX = 8 << 20 /* of a client that is behind */ };

static void on_more(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    rpc_touch(((struct herald *)context)->rpc);
}

void herald_open(struct herald *herald, struct rpc *rpc) {
    *herald = (struct herald){.rpc = rpc};
    chapter_init(&herald->chapters[0]);
    chapter_init(&herald->chapters[1]);
    herald->more = event_new(rpc->base, -1, 0, on_more, herald);
    assert(herald->more != NULL);
}

void herald_close(struct herald *herald) {
    assert(herald->first == NULL);
    event_free(herald->more);
    chapter_close(&herald->chapters[0]);
    chapter_close(&herald->chapters[1]);
}

static bool has_room(const struct subscriber *subscriber) {
    return websocket_waiting(subscriber->websocket) < subscriber->rpc->config.subscription_buffer_size &&
           websocket_untaken(subscriber->websocket) < UNTAKEN_BYTES_MAX;
}

static void hand_over(struct subscriber *subscriber, const struct subscription *subscription, struct span members) {
    struct emit text;
    emit_init(&text);
    emit_room(&text, members.size + subscription->id.size + 2 * subscription->text.size + 64);
    emit_literal(&text, "{\"jsonrpc\":\"2.0\",\"id\":");
    emit_raw(&text, subscription->id);
    emit_literal(&text, ",\"result\":{\"query\":");
    emit_string(&text, subscription->text);
    emit_raw(&text, members);
    emit_literal(&text, "}}");
    websocket_send(subscriber->websocket, span_of(text.data, text.size));
    emit_close(&text);
}

/* ---- blocks */

static struct chapter *open_chapter(struct herald *herald, struct ledger *ledger, int64_t height) {
    for (int i = 0; i < 2; i++)
        if (herald->chapters[i].height == height)
            return &herald->chapters[i];
    struct chapter *chapter = &herald->chapters[herald->oldest];
    herald->oldest ^= 1;
    return chapter_read(chapter, ledger, height) ? chapter : NULL;
}

/* The place furthest back at which somebody stands who has room. */
static bool find_place(const struct herald *herald, int64_t newest, int64_t *height, uint32_t *index) {
    *height = newest + 1;
    for (const struct subscriber *subscriber = herald->first; subscriber != NULL; subscriber = subscriber->next) {
        if (!has_room(subscriber))
            continue;
        for (const struct subscription *one = subscriber->subscriptions; one != NULL; one = one->next)
            if (one->height < *height || (one->height == *height && one->height <= newest && one->index < *index)) {
                *height = one->height;
                *index = one->index;
            }
    }
    return *height <= newest;
}

int64_t herald_resumes(struct herald *herald, const struct subscription *subscription) {
    if (subscription->index == 0 || subscription->height == INT64_MAX)
        return subscription->height;
    struct chapter *chapter = open_chapter(herald, rpc_ledger(herald->rpc), subscription->height);
    for (uint32_t i = subscription->index; chapter != NULL && i < chapter->count; i++)
        if (chapter_matches(chapter, i, &subscription->query))
            return subscription->height;
    return subscription->height + 1;
}

static void tell_event(struct herald *herald, struct chapter *chapter, uint32_t index) {
    for (struct subscriber *subscriber = herald->first; subscriber != NULL; subscriber = subscriber->next) {
        for (struct subscription *one = subscriber->subscriptions; one != NULL; one = one->next) {
            if (one->height != chapter->height || one->index != index || !has_room(subscriber))
                continue;
            if (chapter_matches(chapter, index, &one->query))
                hand_over(subscriber, one, chapter_text(chapter, index));
            if (++one->index < chapter->count)
                continue;
            one->height++;
            one->index = 0;
        }
    }
}

static void end_lost(struct herald *herald, int64_t height) {
    char reason[96];
    snprintf(reason, sizeof reason, "height %" PRId64 " or its results are not available any more", height);
    for (struct subscriber *subscriber = herald->first, *next; subscriber != NULL; subscriber = next) {
        next = subscriber->next;
        bool lost = false;
        for (const struct subscription *one = subscriber->subscriptions; one != NULL; one = one->next)
            lost |= one->height == height;
        if (lost)
            subscriber_end(subscriber, reason);
    }
}

void herald_tell(struct herald *herald) {
    int64_t end = rpc_clock_ms() + PORTION_MS, height;
    uint32_t index = 0, looked = 0;
    struct ledger *ledger = rpc_ledger(herald->rpc);
    bool over = false;
    while (!over && find_place(herald, ledger->state.height, &height, &index)) {
        struct chapter *chapter = open_chapter(herald, ledger, height);
        if (chapter == NULL)
            end_lost(herald, height);
        for (; chapter != NULL && index < chapter->count && !over; index++) {
            tell_event(herald, chapter, index);
            over = ++looked % 16 == 0 && rpc_clock_ms() >= end;
        }
        over |= rpc_clock_ms() >= end;
    }
}

void herald_go_on(struct herald *herald) {
    static const struct timeval at_once = {0, 0};
    int64_t height;
    uint32_t index = 0;
    if (herald->first != NULL && find_place(herald, rpc_ledger(herald->rpc)->state.height, &height, &index))
        event_add(herald->more, &at_once);
}

/* ---- consensus */

static bool is_for(const struct subscription *subscription, const struct rpc_news *news) {
    struct query_pair pair = {span_text("tm.event"), span_text(news_name(news->kind))};
    return subscription->wants_news && query_matches(&subscription->query, &pair, 1);
}

void herald_news(struct herald *herald, const struct rpc_news *news) {
    struct emit members;
    emit_init(&members);
    for (struct subscriber *subscriber = herald->first, *next; subscriber != NULL; subscriber = next) {
        next = subscriber->next;
        bool fits = true;
        for (const struct subscription *one = subscriber->subscriptions; one != NULL && fits; one = one->next) {
            if (!is_for(one, news))
                continue;
            if (members.size == 0)
                news_put(&members, news);
            fits = has_room(subscriber);
            if (fits)
                hand_over(subscriber, one, span_of(members.data, members.size));
        }
        if (!fits)
            subscriber_end(subscriber, "internal subscription event buffer is out of capacity");
    }
    emit_close(&members);
}

void herald_end(struct herald *herald, const char *reason) {
    while (herald->first != NULL)
        subscriber_end(herald->first, reason);
}

void herald_missed_news(struct herald *herald) {
    for (struct subscriber *subscriber = herald->first, *next; subscriber != NULL; subscriber = next) {
        next = subscriber->next;
        bool wanted = false;
        for (const struct subscription *one = subscriber->subscriptions; one != NULL; one = one->next)
            wanted |= one->wants_news;
        if (wanted)
            subscriber_end(subscriber, "the node was too busy to tell all of its events");
    }
}
