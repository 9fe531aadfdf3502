/* Subscriptions (cometbft: rpc/core/events.go, libs/pubsub): who wants to hear of which events, and how far each has heard. Events of blocks are read
 * from the store, so each subscription is a place in the chain: a slow client lags behind and loses nothing; it can be asked to go on from any
 * height that is still there. What consensus does is told as it happens, or the subscription ends with an error. Private to rpc. */
#ifndef QUORATE_RPC_SUBSCRIBER_H
#define QUORATE_RPC_SUBSCRIBER_H

#include "rpc/chapter.h"
#include "rpc/news.h"

struct call;
struct event;
struct rpc;
struct websocket;

struct subscription {
    struct subscription *next;
    struct query query;
    struct span id, text; /* of the request that subscribed: JSON to echo, and the query as written; in one allocation */
    int64_t height;       /* the event to be looked at next; INT64_MAX: it is not for events of blocks */
    uint32_t index;
    bool wants_news;      /* of consensus */
};

struct subscriber { /* of one websocket */
    struct subscriber *next, *previous; /* among those with subscriptions */
    struct rpc *rpc;
    struct websocket *websocket;
    struct subscription *subscriptions;
    uint32_t count;
};

struct herald { /* all of them */
    struct rpc *rpc;
    struct subscriber *first;
    uint32_t count; /* of subscribers */
    uint32_t news_count; /* of subscriptions that want news */
    struct chapter chapters[2];
    unsigned oldest;
    struct event *more; /* the rest of a portion */
};

void herald_open(struct herald *herald, struct rpc *rpc);
void herald_close(struct herald *herald);
/* At the end of the loop's turns. There may be new heights, or room; what is queued is flushed afterwards, then herald_go_on looks if all is told. */
void herald_tell(struct herald *herald);
void herald_go_on(struct herald *herald);
/* From which height on it has not heard everything. */
int64_t herald_resumes(struct herald *herald, const struct subscription *subscription);
void herald_news(struct herald *herald, const struct rpc_news *news); /* of consensus */
void herald_end(struct herald *herald, const char *reason); /* all subscriptions */
void herald_missed_news(struct herald *herald);                       /* some were lost: who wanted them must know */

struct subscriber *subscriber_new(struct rpc *rpc, struct websocket *websocket);
void subscriber_free(struct subscriber *subscriber);
void subscriber_end(struct subscriber *subscriber, const char *reason); /* an error for each subscription, then the connection ends */
/* It takes nothing. true: it had subscriptions, which are ended with an error; the connection ends when that is out. */
bool subscriber_is_slow(struct subscriber *subscriber);

/* Routes. subscribe in two steps: whether there is room, and the rest, which looks at the newest height. */
void subscriber_prepare(struct call *call);
void subscriber_subscribe(struct call *call);
void subscriber_unsubscribe(struct call *call);
void subscriber_unsubscribe_all(struct call *call);

#endif
