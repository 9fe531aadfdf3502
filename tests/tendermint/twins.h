/* Twins, enumerated: four validators of equal power, one of whose keys two honest engines share, so five nodes: 0, 1, 2 and the twins 3 and 4. A
 * scenario says for each round who may propose and which nodes hear each other: while proposals and prevotes are exchanged, and while
 * precommits are. What is said across groups is lost. With one twin (f of n = 3f + 1) the three others must agree, and decide once all is healed.
 *
 * Scenarios that lead to the same state, or to one that differs only by names (of 0, 1, 2 among each other, and of the twins), go on
 * as one: each state is gone through once, so that all scenarios of some rounds are covered without running each. */
#ifndef QUORATE_TESTS_TENDERMINT_TWINS_H
#define QUORATE_TESTS_TENDERMINT_TWINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TWINS_ROUNDS_MAX = 7 };

enum twins_rule { TWINS_STRICT, TWINS_COMET, TWINS_MIXED, TWINS_RULES };

enum twins_groups {
    TWINS_CLASSIC, /* all in one, or two honest nodes with one twin, and the third with the other: 7 */
    TWINS_TWO_GROUPS, /* one or two: 16 */
    TWINS_THREE_GROUPS, /* one to three: 41 */
};

struct twins_settings {
    enum twins_rule rule;
    uint32_t rounds;     /* at most TWINS_ROUNDS_MAX */
    enum twins_groups groups;
    bool split;          /* precommits are exchanged in other groups than prevotes */
    bool gossip;         /* nodes pass on all they know; else only what they say themselves in the round that they are in */
    uint64_t heal_every; /* so many states for one that is healed */
    uint64_t states_max; /* beyond, it ends after the round at hand */
};

struct twins_report {
    double scenarios;     /* as many as the runs stand for */
    uint32_t rounds_done; /* exhaustively */
    uint64_t runs;        /* rounds run: one step from a state to the next */
    uint64_t states;      /* that differ */
    uint64_t decisions;   /* runs after which an honest node had newly decided */
    uint64_t healed;      /* states that were healed, after which all decided */
    uint64_t violations;
    char first[512];      /* the first violation, with its scenario */
};

const char *twins_rule_text(enum twins_rule rule);
void twins_enumerate(struct twins_report *report, const struct twins_settings *settings);
/* `count` scenarios by chance instead, each healed at its end. */
void twins_sample(struct twins_report *report, const struct twins_settings *settings, uint64_t seed, uint64_t count);

#endif
