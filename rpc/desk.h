/* What rpc's thread and the core's share: the desk on the core's loop where questions are answered that only its thread may answer, in bounded
 * portions between the core's own work; and the newest view of the ledger, which the core lays out after each height. Private to rpc. */
#ifndef QUORATE_RPC_DESK_H
#define QUORATE_RPC_DESK_H

#include "ledger/view.h"
#include "rpc/mailbox.h"
#include "rpc/news.h"

struct rpc;
struct event;
struct event_base;

#define DESK_CREW_MAX 64

struct desk_text { /* an answer that several get */
    struct emit text;
    int64_t made_us, took_us;
};

struct desk {
    struct rpc *rpc;
    struct event *mail, *more, *look; /* of the core's loop */
    struct mailbox questions, answers, news;
    atomic_bool news_lost; /* there was no room for some */
    struct mail_list pile, done;      /* the core's: fetched and not yet answered, answered and not yet sent */
    struct desk_text texts[2];        /* the core's: consensus_state, dump_consensus_state */
    pthread_mutex_t lock;
    struct view *head;                /* under the lock */
    atomic_uint_fast64_t edition;     /* counts heads */
    atomic_int_fast64_t height;       /* of the head */
    atomic_bool catching_up;
    atomic_bool listening;            /* rpc's thread wants to hear of every head */
    pthread_t crew[DESK_CREW_MAX];    /* instead of the core, when rpc has routes of its own (rpc_config.routes) */
    uint32_t crew_count;
    char ending[160];                 /* under the lock: why all subscriptions are to end; "": they are not */
};

/* The core's thread. questions_max: how many may wait. core NULL: a crew of threads answers, and nobody looks at the ledger but desk_publish. */
void desk_open(struct desk *desk, struct rpc *rpc, struct event_base *core, uint32_t questions_max);
/* When rpc's thread has ended: what is still under way is closed. */
void desk_close(struct desk *desk);
/* The core's thread: the ledger has another height. */
void desk_publish(struct desk *desk);
struct desk_news {
    struct mail mail;
    struct rpc_news news;
    uint8_t extension[]; /* of its vote */
};
void desk_tell_news(struct desk *desk, const struct rpc_news *news); /* the core's thread; copied, or lost */
struct view *desk_head(struct desk *desk); /* on rpc's thread; held for the caller */

#endif
