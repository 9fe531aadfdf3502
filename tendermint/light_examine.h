/* Where does a source that contradicts a verified trace part from it (cometbft: light/detector.go examineConflictingHeaderAgainstTrace)? A fold:
 * it asks the source for blocks and verifies its way along the trace, until the source has proven a block that differs from the trace's. What then
 * follows is evidence (light_attack.h). */
#ifndef QUORATE_TENDERMINT_LIGHT_EXAMINE_H
#define QUORATE_TENDERMINT_LIGHT_EXAMINE_H

#include "tendermint/light_walk.h"

enum light_examine_state { LIGHT_EXAMINE_WANTS, LIGHT_EXAMINE_FOUND, LIGHT_EXAMINE_FAILED };

struct light_examine {
    const struct light_trace *trace; /* a loan until the end */
    struct light_block *target;      /* the source's block that contradicts */
    struct light_rules rules;
    struct timestamp now;
    uint32_t index;                  /* of the trace: everything below is agreed */
    bool walking, beyond;            /* beyond: the trace went on above the target's height */
    struct light_walk walk;
    struct light_block *previous;    /* agreed, held */
    struct light_block *candidate;   /* the source's at trace[index], held; NULL: not asked yet */
    int64_t wanted;                  /* when WANTS */
    const char *why;                 /* when FAILED */
    /* when FOUND */
    struct light_trace found;        /* the source's: from the last common block to the one that differs */
    struct light_block *divergent;   /* the trace's block that differs, held */
};

/* Holds target; the trace's last block must differ from it, and stand at its height or above (an attack by a header from the future). */
void light_examine_begin(struct light_examine *examine, const struct light_trace *trace, struct light_block *target, const struct light_rules *rules,
                         const struct timestamp *now);
enum light_examine_state light_examine_step(struct light_examine *examine);
void light_examine_give(struct light_examine *examine, struct light_block *block); /* takes over the hold */
void light_examine_end(struct light_examine *examine);

#endif
