#include "ledger/kv_sweep.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { KEY_MAX = 64 };

struct bound {
    uint8_t bytes[KEY_MAX];
    size_t size;
};

struct range {
    struct bound from, to;
    uint32_t pieces;
};

struct kv_sweep {
    kv_sweep_compact *compact;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct range ranges[KV_SWEEP_RANGES_MAX]; /* the first is under way while `busy` */
    uint32_t count;
    bool started, busy, stopping;
};

static struct span span_of_bound(const struct bound *bound) { return span_of(bound->bytes, bound->size); }

static struct bound bound_of(struct span key) {
    struct bound bound = {.size = key.size};
    assert(key.size <= KEY_MAX);
    memcpy(bound.bytes, key.data, key.size);
    return bound;
}

/* ---- cutting: the eight bytes after what both ends share are taken as a number */

static uint64_t number_after(const struct bound *bound, size_t shared) {
    uint64_t number = 0;
    for (size_t i = shared; i < shared + 8; i++)
        number = number << 8 | (i < bound->size ? bound->bytes[i] : 0);
    return number;
}

static struct bound cut(const struct range *range, uint32_t piece) {
    size_t shared = 0;
    if (piece == 0)
        return range->from;
    if (piece == range->pieces)
        return range->to;
    while (shared < range->from.size && shared < range->to.size && range->from.bytes[shared] == range->to.bytes[shared])
        shared++;
    uint64_t low = number_after(&range->from, shared), high = number_after(&range->to, shared);
    uint64_t at = low + (high - low) / range->pieces * piece;
    struct bound bound = range->from;
    bound.size = shared + 8 <= KEY_MAX ? shared + 8 : KEY_MAX;
    for (size_t i = shared; i < bound.size; i++)
        bound.bytes[i] = (uint8_t)(at >> (56 - 8 * (i - shared)));
    return bound;
}

/* ---- the thread */

static bool is_stopping(struct kv_sweep *sweep) {
    pthread_mutex_lock(&sweep->lock);
    bool stopping = sweep->stopping;
    pthread_mutex_unlock(&sweep->lock);
    return stopping;
}

static void sweep_range(struct kv_sweep *sweep, const struct range *range) {
    for (uint32_t piece = 0; piece < range->pieces && !is_stopping(sweep); piece++) {
        struct bound from = cut(range, piece), to = cut(range, piece + 1);
        sweep->compact(sweep->context, span_of_bound(&from), span_of_bound(&to));
    }
}

static void *run(void *context) {
    struct kv_sweep *sweep = context;
    pthread_mutex_lock(&sweep->lock);
    while (!sweep->stopping) {
        if (sweep->count == 0) {
            pthread_cond_wait(&sweep->changed, &sweep->lock);
            continue;
        }
        struct range range = sweep->ranges[0];
        sweep->busy = true;
        pthread_mutex_unlock(&sweep->lock);
        sweep_range(sweep, &range);
        pthread_mutex_lock(&sweep->lock);
        sweep->busy = false;
        memmove(sweep->ranges, sweep->ranges + 1, --sweep->count * sizeof sweep->ranges[0]);
        pthread_cond_broadcast(&sweep->changed);
    }
    pthread_mutex_unlock(&sweep->lock);
    return NULL;
}

/* Only when there is something to do, and without the process's signals. */
static void start(struct kv_sweep *sweep) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int fault = pthread_create(&sweep->thread, NULL, run, sweep);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(fault == 0);
    sweep->started = true;
}

struct kv_sweep *kv_sweep_new(kv_sweep_compact *compact, void *context) {
    struct kv_sweep *sweep = calloc(1, sizeof *sweep);
    assert(sweep != NULL);
    sweep->compact = compact;
    sweep->context = context;
    pthread_mutex_init(&sweep->lock, NULL);
    pthread_cond_init(&sweep->changed, NULL);
    return sweep;
}

static bool is_waiting(const struct kv_sweep *sweep, struct span from, struct span to) {
    for (uint32_t i = sweep->busy ? 1 : 0; i < sweep->count; i++)
        if (span_equal(span_of_bound(&sweep->ranges[i].from), from) && span_equal(span_of_bound(&sweep->ranges[i].to), to))
            return true;
    return false;
}

bool kv_sweep_add(struct kv_sweep *sweep, struct span from, struct span to, uint32_t pieces) {
    pthread_mutex_lock(&sweep->lock);
    bool known = is_waiting(sweep, from, to), room = sweep->count < KV_SWEEP_RANGES_MAX;
    if (!known && room)
        sweep->ranges[sweep->count++] = (struct range){bound_of(from), bound_of(to), pieces == 0 ? 1 : pieces};
    if (!sweep->started)
        start(sweep);
    pthread_cond_broadcast(&sweep->changed);
    pthread_mutex_unlock(&sweep->lock);
    return known || room;
}

void kv_sweep_wait(struct kv_sweep *sweep) {
    pthread_mutex_lock(&sweep->lock);
    while (sweep->count > 0 && !sweep->stopping)
        pthread_cond_wait(&sweep->changed, &sweep->lock);
    pthread_mutex_unlock(&sweep->lock);
}

void kv_sweep_free(struct kv_sweep *sweep) {
    if (sweep == NULL)
        return;
    pthread_mutex_lock(&sweep->lock);
    sweep->stopping = true;
    pthread_cond_broadcast(&sweep->changed);
    pthread_mutex_unlock(&sweep->lock);
    if (sweep->started)
        pthread_join(sweep->thread, NULL);
    pthread_cond_destroy(&sweep->changed);
    pthread_mutex_destroy(&sweep->lock);
    free(sweep);
}
