/* Vote extensions, looked at from outside: what each proposer's application is told of the last height's votes. */
#ifndef QUORATE_NODE_SIM_EXTEND_H
#define QUORATE_NODE_SIM_EXTEND_H

#include "node/sim_inside.h"

/* From now on the node's application (app_extender.h) is asked through a check: more than two thirds voted for the last block, and each of these votes
 * has an extension signed by its validator, the right one if it is honest; or nobody's has any, where extensions were not on. */
void sim_extend_watch(struct sim_node *node);

#endif
