/* What a node forgets: the operator's retain settings and the application's retain height, after each block. */
#ifndef QUORATE_NODE_PRUNING_H
#define QUORATE_NODE_PRUNING_H

#include "ledger/ledger.h"

struct pruning_config { /* how many of the newest heights are kept; 0: all */
    int64_t blocks, states, results, index;
};

#define PRUNING_HEIGHTS_MIN 20 /* of blocks: who is a few behind is helped by gossip, with blocks of ours */

/* The lowest heights to keep after `height`. app_retain is the application's, 0: it has no opinion. Where both speak of blocks, both must allow. */
void pruning_retain(struct ledger_retain *out, const struct pruning_config *config, int64_t height, int64_t app_retain);

/* A block was applied: a few heights; a turn without one: more, as long as something is left. Returns how many went. */
#define PRUNING_PER_BLOCK 8
#define PRUNING_PER_TURN  200
int64_t pruning_step(struct ledger *ledger, const struct pruning_config *config, int64_t app_retain, int64_t count_max);

#endif
