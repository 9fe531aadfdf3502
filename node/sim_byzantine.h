/* Liars: nodes that run the production replica, but what leaves them is something else. They have their own key and their own node's knowledge, and
 * no other's. */
#ifndef QUORATE_NODE_SIM_BYZANTINE_H
#define QUORATE_NODE_SIM_BYZANTINE_H

#include "node/sim.h"

enum sim_liar_kind {
    SIM_LIAR_TWO_PROPOSALS, /* tells half of the others of one block, half of another, and votes accordingly */
    SIM_LIAR_TWO_VOTES,     /* votes for what its replica thinks, and to half of the others for something else */
    SIM_LIAR_AMNESIAC,      /* votes for whatever is proposed, locked or not */
    SIM_LIAR_MAJORITIES,    /* claims majorities, votes, parts and places that are not */
    SIM_LIAR_WITHHOLDER,    /* keeps parts to itself */
    SIM_LIAR_BAD_BLOCKS,    /* proposes blocks that break a rule, well signed */
    SIM_LIAR_FLOODER,       /* more of everything than anybody can use */
    SIM_LIAR_MUTE,
    SIM_LIAR_REPLAYER,      /* says again, to anybody, what it said long ago */
    SIM_LIAR_MUTATOR,       /* changes bytes of its messages */
    SIM_LIAR_EXTENDER,      /* votes with wrong extensions, with none, with another's, or wrongly signed ones */
    SIM_LIAR_KINDS,
};
const char *sim_liar_kind_text(enum sim_liar_kind kind);

struct sim_liar;

struct sim_liar *sim_liar_new(struct sim *sim, uint32_t node, enum sim_liar_kind kind, uint64_t seed);
void sim_liar_end(struct sim_liar *liar);  /* from now on its words are its replica's */
void sim_liar_free(struct sim_liar *liar); /* before its sim; NULL allowed */

#endif
