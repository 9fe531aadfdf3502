#include "node/light_feed.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/complaint.h"
#include "node/rpcclient.h"
#include "rpc/args.h"
#include "rpc/light_height.h"
#include "tendermint/light_verify.h"

enum { STALL_MS = 60000, IDLE_MS = 200, LOOK_MS_MIN = 200, LOOK_MS_MAX = 1000, ARENA_BYTES_MAX = 1 << 28, URL_MAX = 256, NEAR_HEIGHTS = 16, STRETCH = 32 };

struct light_feed {
    struct light_gate *gate;
    struct mirror mirror;
    struct rpc *rpc;
    pthread_mutex_t lock; /* guards the mirror, and that one alone fills it */
    pthread_mutex_t nap;  /* guards `ending` */
    pthread_cond_t woken;
    bool ending, begun;
    bool hopeless; /* nothing new will be trusted any more */
    pthread_t thread;
    int64_t stall_ms, stalled_at_ms; /* since when there is no way on; 0: there is one */
    int64_t look_ms;
    struct timestamp shown_time; /* of the newest height shown */
};

static int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- one height */

static struct light_block *trusted(struct light_feed *feed, int64_t height, char **why) {
    struct light_block *block = NULL;
    pthread_mutex_lock(&feed->gate->lock);
    enum light_outcome outcome = light_client_at(feed->gate->client, &block, height);
    if (outcome != LIGHT_DONE)
        *why = complaint_of("%s: %s", light_outcome_name(outcome), feed->gate->client->reason);
    feed->hopeless = outcome == LIGHT_ATTACKED || outcome == LIGHT_TOO_OLD;
    pthread_mutex_unlock(&feed->gate->lock);
    return block;
}

static bool source_url(struct light_feed *feed, char *out, uint32_t index) {
    pthread_mutex_lock(&feed->gate->lock);
    const struct light_client *client = feed->gate->client;
    bool there = index < client->source_count;
    if (there)
        snprintf(out, URL_MAX, "%s", client->sources[index].name);
    pthread_mutex_unlock(&feed->gate->lock);
    return there;
}

struct telling { /* one source's word on one height */
    const char *url;
    int64_t height;
    const struct light_block *next; /* the trusted block above: a loan */
    struct rpcclient_answer block_answer, results_answer;
    struct block *block;
    struct abci_finalized finalized;
    struct arena arena;
};

static const char *ask(struct light_feed *feed, struct telling *telling, struct rpcclient_answer *answer, const char *method) {
    struct span params = args_text(&telling->arena, "{\"height\":\"%" PRId64 "\"}", telling->height);
    rpcclient_call(answer, telling->url, method, params, &feed->gate->limits);
    return answer->kind == RPCCLIENT_RESULT ? NULL : answer->text;
}

/* NULL: it holds. */
static const char *hear(struct light_feed *feed, struct telling *telling) {
    const char *wrong = ask(feed, telling, &telling->block_answer, "block");
    if (wrong != NULL)
        return wrong;
    telling->block = light_height_block(&wrong, telling->block_answer.result, &telling->next->header, &telling->arena);
    if (telling->block == NULL)
        return wrong;
    wrong = ask(feed, telling, &telling->results_answer, "block_results");
    return wrong != NULL ? wrong
                         : light_height_results(&telling->finalized, telling->results_answer.result, telling->block, telling->next, &telling->arena);
}

static void hush(struct telling *telling) {
    rpcclient_close(&telling->block_answer);
    rpcclient_close(&telling->results_answer);
    block_release(telling->block);
    arena_close(&telling->arena);
}

static bool show_from(struct light_feed *feed, const char *url, const struct light_block *next, char **why) {
    struct telling telling = {.url = url, .height = next->header.height - 1, .next = next};
    arena_init(&telling.arena, ARENA_BYTES_MAX);
    const char *wrong = hear(feed, &telling);
    if (wrong == NULL && !mirror_put(&feed->mirror, telling.block, &telling.finalized))
        wrong = "it is too far back to be told";
    if (wrong == NULL)
        feed->shown_time = telling.block->header.time;
    else {
        free(*why);
        *why = complaint_of("height %" PRId64 ": %s: %s", telling.height, url, wrong);
    }
    hush(&telling);
    return wrong == NULL;
}

/* The height below `next`, by whoever of the sources tells it truly. */
static bool show_below(struct light_feed *feed, const struct light_block *next, char **why) {
    char url[URL_MAX];
    bool good = false;
    for (uint32_t i = 0; !good && source_url(feed, url, i); i++)
        good = show_from(feed, url, next, why);
    if (good) {
        free(*why);
        *why = NULL;
    }
    return good;
}

/* The block below a trusted one follows from its hash, and needs no witness. */
static struct light_block *linked(struct light_feed *feed, const struct light_block *above, char **why) {
    struct light_block *block = NULL;
    pthread_mutex_lock(&feed->gate->lock);
    const struct light_client *client = feed->gate->client;
    for (uint32_t i = 0; block == NULL && i < client->source_count; i++) {
        const struct light_source *source = &client->sources[i];
        char *fault = NULL;
        if (source->fetch(source->context, above->header.height - 1, &block, &fault) == LIGHT_ANSWER_BLOCK &&
            light_verify_backwards(&block->header, &above->header) != LIGHT_GOOD) {
            light_block_release(block);
            block = NULL;
        }
        if (block == NULL) {
            free(*why);
            *why = complaint_of("height %" PRId64 ": %s: %s", above->header.height - 1, source->name, fault == NULL ? "it has another block than the next header names" : fault);
        }
        free(fault);
    }
    pthread_mutex_unlock(&feed->gate->lock);
    return block;
}

/* ---- going on */

/* Half of what the newest block took, so that a slow chain's sources are not asked all the time. */
static void set_pace(struct light_feed *feed, const struct light_block *newest) {
    int64_t ms = (newest->header.time.seconds - feed->shown_time.seconds) * 1000 / 2;
    feed->look_ms = feed->shown_time.seconds <= 0 || ms < LOOK_MS_MIN ? LOOK_MS_MIN : ms > LOOK_MS_MAX ? LOOK_MS_MAX : ms;
}

static void publish(struct light_feed *feed) {
    if (feed->rpc != NULL)
        rpc_block_applied(feed->rpc, NULL, NULL);
}

static bool is_ending(struct light_feed *feed) {
    pthread_mutex_lock(&feed->nap);
    bool ending = feed->ending;
    pthread_mutex_unlock(&feed->nap);
    return ending;
}

/* links[i] is the trusted block of height `from` + i, the last of them given. */
static bool link_down(struct light_feed *feed, struct light_block **links, int64_t count, char **why) {
    for (int64_t i = count - 1; i > 0; i--) {
        links[i - 1] = linked(feed, links[i], why);
        if (links[i - 1] == NULL)
            return false;
    }
    return true;
}

/* The next heights, below the newest or as many as go into one stretch. */
static bool show_stretch(struct light_feed *feed, struct light_block *newest, char **why) {
    struct light_block *links[STRETCH] = {NULL};
    int64_t first = feed->mirror.ledger.state.height + 2, left = newest->header.height - first + 1, count = left < STRETCH ? left : STRETCH;
    links[count - 1] = left <= STRETCH ? light_block_hold(newest) : trusted(feed, first + count - 1, why);
    bool good = links[count - 1] != NULL && link_down(feed, links, count, why);
    for (int64_t i = 0; good && i < count && !is_ending(feed); i++) {
        good = show_below(feed, links[i], why);
        if (good)
            publish(feed);
    }
    for (int64_t i = 0; i < count; i++)
        light_block_release(links[i]);
    return good;
}

/* Under the lock. false: there is a height to be told, or must be, that cannot be had. */
static bool go_on(struct light_feed *feed, char **why) {
    struct light_block *newest = trusted(feed, 0, why);
    bool good = newest != NULL;
    while (good && feed->mirror.ledger.state.height + 1 < newest->header.height && !is_ending(feed))
        good = show_stretch(feed, newest, why);
    if (good)
        set_pace(feed, newest);
    light_block_release(newest);
    return good;
}

/* Nobody has listened for a while, or nobody ever did: what was missed is not fetched. */
static bool jump(struct light_feed *feed, char **why) {
    struct light_block *newest = trusted(feed, 0, why);
    if (newest == NULL)
        return false;
    int64_t missed = newest->header.height - 1 - feed->mirror.ledger.state.height;
    bool near = feed->mirror.ledger.base > 0 && missed <= NEAR_HEIGHTS;
    if (missed > 0 && !near) {
        mirror_begin(&feed->mirror, newest->header.height);
        publish(feed);
    }
    light_block_release(newest);
    return !near || go_on(feed, why); /* what somebody may be about to be told stays */
}

static bool reach_back(struct light_feed *feed, int64_t from, char **why) {
    struct ledger *ledger = &feed->mirror.ledger;
    int64_t head = ledger->state.height;
    if (from <= 0 || from > head)
        return true; /* rpc has its words for that */
    if (head - from >= MIRROR_HEIGHTS_MAX) {
        *why = complaint_of("from_height %" PRId64 " is not available, lowest height is %" PRId64 ": the light client's proxy tells the last %d heights, and of "
                            "those no more than %u MiB",
                            from, head - MIRROR_HEIGHTS_MAX + 1, MIRROR_HEIGHTS_MAX, MIRROR_BYTES_MAX >> 20);
        return false;
    }
    if (ledger->base == 0)
        mirror_begin(&feed->mirror, head);
    int64_t lowest = ledger->base == 0 ? head + 1 : ledger->base;
    struct light_block *next = from < lowest ? trusted(feed, lowest, why) : NULL;
    bool good = next != NULL || from >= lowest;
    while (good && from < lowest) {
        good = show_below(feed, next, why);
        struct light_block *below = good && from < --lowest ? linked(feed, next, why) : NULL;
        good = good && (below != NULL || from >= lowest);
        light_block_release(next);
        next = below;
    }
    light_block_release(next);
    publish(feed);
    return good;
}

bool light_feed_reach(struct light_feed *feed, int64_t from, char **why) {
    pthread_mutex_lock(&feed->lock);
    bool good = (feed->rpc != NULL && rpc_has_listeners(feed->rpc)) || jump(feed, why);
    good = good && reach_back(feed, from, why);
    pthread_mutex_unlock(&feed->lock);
    return good;
}

/* ---- the thread */

static void complain(struct light_feed *feed, const char *why) {
    char reason[160];
    if (feed->stalled_at_ms == 0)
        feed->stalled_at_ms = clock_ms();
    if (!feed->hopeless && clock_ms() - feed->stalled_at_ms < feed->stall_ms)
        return;
    snprintf(reason, sizeof reason, "%s", why);
    for (size_t size = strlen(reason); size > 0 && (unsigned char)reason[size - 1] >= 0x80; size--)
        reason[size - 1] = '\0'; /* not the half of a character */
    rpc_end_subscriptions(feed->rpc, reason);
    feed->stalled_at_ms = 0;
}

static void look(struct light_feed *feed) {
    char *why = NULL;
    pthread_mutex_lock(&feed->lock);
    bool good = go_on(feed, &why);
    pthread_mutex_unlock(&feed->lock);
    if (good)
        feed->stalled_at_ms = 0;
    else
        complain(feed, why);
    free(why);
}

/* false: it is to end. */
static bool sleep_for(struct light_feed *feed, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&feed->nap);
    if (!feed->ending)
        pthread_cond_timedwait(&feed->woken, &feed->nap, &until);
    bool goes_on = !feed->ending;
    pthread_mutex_unlock(&feed->nap);
    return goes_on;
}

static void *follow(void *context) {
    struct light_feed *feed = context;
    while (sleep_for(feed, rpc_has_listeners(feed->rpc) ? feed->look_ms : IDLE_MS)) {
        if (rpc_has_listeners(feed->rpc))
            look(feed);
        else
            feed->stalled_at_ms = 0;
    }
    return NULL;
}

/* ---- life */

static void __attribute__((noreturn)) memory_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "quorate light: %s\n", what);
    abort();
}

struct light_feed *light_feed_new(struct light_gate *gate) {
    struct light_feed *feed = calloc(1, sizeof *feed);
    pthread_condattr_t monotonic;
    assert(feed != NULL);
    feed->gate = gate;
    feed->stall_ms = STALL_MS;
    feed->look_ms = LOOK_MS_MIN;
    mirror_open(&feed->mirror, (struct kv_failure){NULL, memory_failed});
    pthread_mutex_init(&feed->lock, NULL);
    pthread_mutex_init(&feed->nap, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return feed;
}

struct ledger *light_feed_ledger(struct light_feed *feed) { return &feed->mirror.ledger; }

void light_feed_patience(struct light_feed *feed, int64_t stall_ms) { feed->stall_ms = stall_ms; }

/* Signals are the command's. */
void light_feed_begin(struct light_feed *feed, struct rpc *rpc) {
    sigset_t all, before;
    pthread_mutex_lock(&feed->lock);
    feed->rpc = rpc;
    pthread_mutex_unlock(&feed->lock);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    feed->begun = pthread_create(&feed->thread, NULL, follow, feed) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(feed->begun);
}

void light_feed_end(struct light_feed *feed) {
    pthread_mutex_lock(&feed->nap);
    feed->ending = true;
    pthread_cond_broadcast(&feed->woken);
    pthread_mutex_unlock(&feed->nap);
    if (feed->begun)
        pthread_join(feed->thread, NULL);
    feed->begun = false;
}

void light_feed_free(struct light_feed *feed) {
    if (feed == NULL)
        return;
    mirror_close(&feed->mirror);
    pthread_mutex_destroy(&feed->lock);
    pthread_mutex_destroy(&feed->nap);
    pthread_cond_destroy(&feed->woken);
    free(feed);
}
