#include "tendermint/light_examine.h"

void light_examine_begin(struct light_examine *examine, const struct light_trace *trace, struct light_block *target, const struct light_rules *rules,
                         const struct timestamp *now) {
    *examine = (struct light_examine){.trace = trace, .target = light_block_hold(target), .rules = *rules, .now = *now};
    light_trace_init(&examine->found);
}

void light_examine_end(struct light_examine *examine) {
    if (examine->walking)
        light_walk_end(&examine->walk);
    light_trace_close(&examine->found);
    light_block_release(examine->target);
    light_block_release(examine->previous);
    light_block_release(examine->candidate);
    light_block_release(examine->divergent);
}

static enum light_examine_state fail(struct light_examine *examine, const char *why) {
    examine->why = why;
    return LIGHT_EXAMINE_FAILED;
}

static enum light_examine_state found(struct light_examine *examine) {
    if (examine->found.count == 0) /* the last common block is the source's last of all */
        light_trace_add(&examine->found, examine->previous);
    examine->divergent = light_block_hold(examine->trace->blocks[examine->index]);
    return LIGHT_EXAMINE_FOUND;
}

static void walk_to(struct light_examine *examine, struct light_block *target) {
    light_walk_begin(&examine->walk, examine->previous, target, &examine->rules, &examine->now, LIGHT_SKIPPING);
    examine->walking = true;
}

static void agree(struct light_examine *examine) {
    light_block_release(examine->previous);
    examine->previous = examine->candidate;
    examine->candidate = NULL;
    examine->index++;
}

static bool agrees(const struct light_examine *examine) {
    return digest_equal(&examine->candidate->hash, &examine->trace->blocks[examine->index]->hash);
}

/* false: there is something to tell, in *state. */
static bool go_on_walking(struct light_examine *examine, enum light_examine_state *state) {
    switch (light_walk_step(&examine->walk)) {
    case LIGHT_WALK_WANTS:
        examine->wanted = examine->walk.wanted;
        *state = LIGHT_EXAMINE_WANTS;
        return false;
    case LIGHT_WALK_REFUSED:
        *state = fail(examine, light_verdict_text(examine->walk.verdict));
        return false;
    case LIGHT_WALK_ARRIVED: break;
    }
    light_trace_move(&examine->found, &examine->walk.trace);
    light_walk_end(&examine->walk);
    examine->walking = false;
    if (examine->beyond || !agrees(examine)) {
        *state = found(examine);
        return false;
    }
    agree(examine);
    return true;
}

/* The trace goes on where the source ends: a header with a height that the chain has not reached convicts by its time. */
static bool pass_beyond(struct light_examine *examine, const struct light_block *at, enum light_examine_state *state) {
    if (timestamp_compare(&at->header.time, &examine->target->header.time) > 0) {
        *state = fail(examine, "both can be true: the trace's block is later than all that the source has");
        return false;
    }
    examine->beyond = true;
    if (examine->previous->header.height != examine->target->header.height) {
        walk_to(examine, examine->target);
        return true;
    }
    *state = found(examine);
    return false;
}

static bool go_on(struct light_examine *examine, enum light_examine_state *state) {
    if (examine->index == examine->trace->count) {
        *state = fail(examine, "the source agrees with the whole trace");
        return false;
    }
    const struct light_block *at = examine->trace->blocks[examine->index];
    if (at->header.height > examine->target->header.height && examine->previous != NULL)
        return pass_beyond(examine, at, state);
    if (examine->candidate == NULL && at->header.height == examine->target->header.height)
        examine->candidate = light_block_hold(examine->target);
    if (examine->candidate == NULL) {
        examine->wanted = at->header.height;
        *state = LIGHT_EXAMINE_WANTS;
        return false;
    }
    if (examine->index > 0) {
        walk_to(examine, examine->candidate);
    } else if (agrees(examine)) {
        agree(examine);
    } else {
        *state = fail(examine, "the source has another block than the trusted one");
        return false;
    }
    return true;
}

enum light_examine_state light_examine_step(struct light_examine *examine) {
    enum light_examine_state state = LIGHT_EXAMINE_FAILED;
    if (examine->why != NULL)
        return state;
    if (examine->target->header.height < examine->trace->blocks[0]->header.height)
        return fail(examine, "the contradicting block is below the trusted one");
    while (examine->walking ? go_on_walking(examine, &state) : go_on(examine, &state))
        continue;
    return state;
}

void light_examine_give(struct light_examine *examine, struct light_block *block) {
    if (examine->walking) {
        light_walk_give(&examine->walk, block);
    } else if (block->header.height != examine->wanted) {
        examine->why = "the source gave a block of another height than it was asked for";
        light_block_release(block);
    } else {
        examine->candidate = block;
    }
}
