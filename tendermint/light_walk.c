#include "tendermint/light_walk.h"

#include <assert.h>
#include <stdlib.h>

void light_trace_init(struct light_trace *trace) { *trace = (struct light_trace){0}; }

void light_trace_close(struct light_trace *trace) {
    for (uint32_t i = 0; i < trace->count; i++)
        light_block_release(trace->blocks[i]);
    free(trace->blocks);
    light_trace_init(trace);
}

void light_trace_add(struct light_trace *trace, struct light_block *block) {
    if (trace->count == trace->capacity) {
        trace->capacity = trace->capacity == 0 ? 16 : 2 * trace->capacity;
        trace->blocks = realloc(trace->blocks, trace->capacity * sizeof trace->blocks[0]);
        assert(trace->blocks != NULL);
    }
    trace->blocks[trace->count++] = light_block_hold(block);
}

void light_trace_move(struct light_trace *to, struct light_trace *from) {
    light_trace_close(to);
    *to = *from;
    light_trace_init(from);
}

void light_walk_begin(struct light_walk *walk, struct light_block *trusted, struct light_block *target, const struct light_rules *rules,
                      const struct timestamp *now, enum light_mode mode) {
    assert(rules->pivot_numerator > 0 && rules->pivot_numerator < rules->pivot_denominator);
    *walk = (struct light_walk){.rules = *rules, .now = *now, .mode = mode, .pending_count = 1};
    walk->pending[0] = light_block_hold(target);
    light_trace_init(&walk->trace);
    light_trace_add(&walk->trace, trusted);
}

void light_walk_end(struct light_walk *walk) {
    while (walk->pending_count > 0)
        light_block_release(walk->pending[--walk->pending_count]);
    light_trace_close(&walk->trace);
}

static enum light_walk_state refuse(struct light_walk *walk, enum light_verdict verdict, int64_t to) {
    walk->verdict = verdict;
    walk->from = light_trace_last(&walk->trace)->header.height;
    walk->to = to;
    return LIGHT_WALK_REFUSED;
}

static enum light_walk_state want(struct light_walk *walk, int64_t height) {
    walk->wanted = height;
    return LIGHT_WALK_WANTS;
}

/* The verified block is now pending[depth], which need not be the lowest seen; what lies below it is of no use any more. */
static bool advance(struct light_walk *walk) {
    light_trace_add(&walk->trace, walk->pending[walk->depth]);
    if (walk->depth == 0)
        return true;
    while (walk->pending_count > walk->depth)
        light_block_release(walk->pending[--walk->pending_count]);
    walk->depth = 0;
    return false;
}

static int64_t pivot(const struct light_walk *walk) {
    int64_t low = light_trace_last(&walk->trace)->header.height, high = walk->pending[walk->depth]->header.height;
    __int128 share = (__int128)(high - low) * walk->rules.pivot_numerator / walk->rules.pivot_denominator;
    return low + (share < 1 ? 1 : (int64_t)share);
}

/* Between the verified block and the first that it cannot vouch for: the next lower one seen, or a new one. */
static bool descend(struct light_walk *walk) {
    if (walk->depth + 1 == walk->pending_count)
        return false;
    walk->depth++;
    return true;
}

static enum light_walk_state skip(struct light_walk *walk) {
    for (;;) {
        const struct light_block *verified = light_trace_last(&walk->trace), *next = walk->pending[walk->depth];
        enum light_verdict verdict = light_verify(next, &verified->header, &verified->set, &walk->rules, &walk->now);
        if (verdict == LIGHT_GOOD && advance(walk))
            return LIGHT_WALK_ARRIVED;
        if (verdict == LIGHT_CANNOT_TRUST && !descend(walk))
            return want(walk, pivot(walk));
        if (verdict != LIGHT_GOOD && verdict != LIGHT_CANNOT_TRUST)
            return refuse(walk, verdict, next->header.height);
    }
}

/* Upwards: the block of the next height is pending[1], if it is not the target itself. */
static enum light_walk_state climb(struct light_walk *walk) {
    for (;;) {
        const struct light_block *verified = light_trace_last(&walk->trace), *target = walk->pending[0];
        walk->depth = walk->pending_count - 1;
        if (walk->depth == 0 && verified->header.height < INT64_MAX && verified->header.height + 1 < target->header.height)
            return want(walk, verified->header.height + 1);
        const struct light_block *next = walk->pending[walk->depth];
        enum light_verdict verdict = light_verify_adjacent(next, &verified->header, &walk->rules, &walk->now);
        if (verdict != LIGHT_GOOD)
            return refuse(walk, verdict, next->header.height);
        if (advance(walk))
            return LIGHT_WALK_ARRIVED;
    }
}

enum light_walk_state light_walk_step(struct light_walk *walk) {
    if (walk->verdict != LIGHT_GOOD)
        return LIGHT_WALK_REFUSED;
    return walk->mode == LIGHT_SEQUENTIAL ? climb(walk) : skip(walk);
}

void light_walk_give(struct light_walk *walk, struct light_block *block) {
    assert(walk->pending_count < LIGHT_WALK_DEPTH_MAX);
    if (block->header.height != walk->wanted) {
        refuse(walk, LIGHT_BAD_SHAPE, walk->wanted);
        light_block_release(block);
        return;
    }
    walk->pending[walk->pending_count++] = block;
    walk->depth = walk->pending_count - 1;
}
