/* Validators who vote at one height for blocks on two parents, in front of whole replicas. Without them nothing is decided meanwhile. */
#ifndef QUORATE_TESTS_NODE_TWOFACED_H
#define QUORATE_TESTS_NODE_TWOFACED_H

#include "node/sim.h"

struct twofaced {
    struct sim *sim; /* of four; a loan */
    uint32_t observer;
    uint32_t first, count; /* the liars' nodes: one, or two */
    void (*pass)(struct sim *sim, int64_t ms); /* time */
    bool keeps_parent; /* their own block is on the right parent, and wrong otherwise */
};

/* From now on these lie; it is the turn of one of them to propose. Of one alone: another node is stopped (twofaced_absent). */
void twofaced_begin(const struct twofaced *liars);
uint32_t twofaced_absent(const struct twofaced *liars);
/* Round 0: a liar's block on another parent, with the liars' prevotes. A later round: somebody's good block; the liars are for that too. The height. */
int64_t twofaced_lie(const struct twofaced *liars);

#endif
