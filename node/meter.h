/* What the replica counts for metrics, in one place; each does nothing without them. Durations are differences of the world's time: the simulator's are
 * virtual. */
#ifndef QUORATE_NODE_METER_H
#define QUORATE_NODE_METER_H

#include "node/metrics.h"
#include "tendermint/vote.h"

struct replica;
struct replica_peer;
struct abci_finalized;
struct block;

struct meter { /* of the height under way */
    int64_t height;
    int32_t round;
    uint32_t phase;
    struct timestamp phase_began, round_began, proposed; /* zero: not yet */
    int64_t block_height; /* the last one applied, and its time */
    struct timestamp block_time;
};

struct timestamp meter_now(const struct replica *replica); /* zero without metrics: nobody asks the clock */
void meter_stage(struct replica *replica, const char *stage, const struct timestamp *since);

void meter_step(struct replica *replica, int64_t height, int32_t round, uint32_t phase); /* the engine entered it */
void meter_proposal(struct replica *replica);
void meter_judged(struct replica *replica, bool accepted, const struct timestamp *since);
void meter_part(struct replica *replica, const struct replica_peer *from, bool matches, bool duplicate);
void meter_unwanted_vote(struct replica *replica, const struct vote *vote);
void meter_vote(struct replica *replica, bool good);
void meter_extension(struct replica *replica, const struct vote *vote, bool accepted);
void meter_applied(struct replica *replica, const struct block *block, const struct abci_finalized *finalized);
void meter_processed(struct replica *replica, const struct timestamp *since); /* ledger_apply is through */

#endif
