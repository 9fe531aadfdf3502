/* The way from a trusted block to a wanted one, as a fold (cometbft: light/client.go verifySequential, verifySkipping; protocol.md §10). It asks
 * for blocks by height and judges what it is given; who fetches them, and from whom, is the caller's matter.
 *
 *     light_walk_begin(&walk, trusted, target, &rules, now, LIGHT_SKIPPING);
 *     while (light_walk_step(&walk) == LIGHT_WALK_WANTS)
 *         light_walk_give(&walk, fetch(walk.wanted));
 *     … walk.trace …
 *     light_walk_end(&walk);
 */
#ifndef QUORATE_TENDERMINT_LIGHT_WALK_H
#define QUORATE_TENDERMINT_LIGHT_WALK_H

#include "tendermint/light_verify.h"

struct light_trace { /* blocks of ascending height, each verified from the one before; the trace holds them */
    uint32_t count, capacity;
    struct light_block **blocks;
};
void light_trace_init(struct light_trace *trace);
void light_trace_close(struct light_trace *trace);
void light_trace_add(struct light_trace *trace, struct light_block *block);
void light_trace_move(struct light_trace *to, struct light_trace *from); /* `to` is closed first; `from` is empty then */
static inline struct light_block *light_trace_last(const struct light_trace *trace) { return trace->blocks[trace->count - 1]; }

enum light_mode { LIGHT_SEQUENTIAL = 1, LIGHT_SKIPPING };
enum light_walk_state { LIGHT_WALK_WANTS, LIGHT_WALK_ARRIVED, LIGHT_WALK_REFUSED };

#define LIGHT_WALK_DEPTH_MAX 128 /* an interval of 2^63 heights shrinks to one in fewer divisions */

struct light_walk {
    struct light_rules rules;
    struct timestamp now;
    enum light_mode mode;
    struct light_trace trace;       /* from the trusted block; to the target, once arrived */
    uint32_t pending_count, depth;  /* blocks seen above the verified one: the target first, then lower and lower */
    struct light_block *pending[LIGHT_WALK_DEPTH_MAX];
    int64_t wanted;                 /* when LIGHT_WALK_WANTS */
    enum light_verdict verdict;     /* when LIGHT_WALK_REFUSED: of `to` judged from `from` */
    int64_t from, to;
};

/* Holds both. The rules' pivot must be within (0, 1). Mode LIGHT_SEQUENTIAL asks for every height, upwards. */
void light_walk_begin(struct light_walk *walk, struct light_block *trusted, struct light_block *target, const struct light_rules *rules,
                      const struct timestamp *now, enum light_mode mode);
/* Goes as far as it can. WANTS: give it the block of height `wanted`, or end. */
enum light_walk_state light_walk_step(struct light_walk *walk);
/* Takes over the caller's hold. A block of another height is refused at the next step (LIGHT_BAD_SHAPE). */
void light_walk_give(struct light_walk *walk, struct light_block *block);
void light_walk_end(struct light_walk *walk);

#endif
