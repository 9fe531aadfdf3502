/* The replica's failure detectors: one per peer, fed by whatever it sends and by pongs, and one per validator, fed by its votes. A line in the log when a
 * suspicion begins or ends. They inform (net_info, metrics), and put suspected peers last when parts are given out; agreement never asks them.
 *
 * A validator's time runs only while its vote is missing: we are in a step of votes, and have none of it. So whoever has voted and waits for others is not
 * suspected, nor anybody in a chain that waits for transactions or for a proposal. Where the world can ping, a peer that is silent for half its timeout
 * is asked; where it cannot (the simulator), its time runs only while we are in a step of votes. */
#ifndef QUORATE_NODE_SUSPECTS_H
#define QUORATE_NODE_SUSPECTS_H

#include "node/detector.h"
#include "tendermint/valset.h"

struct suspects_validator {
    struct address address;
    struct detector detector; /* on its own clock: */
    int64_t waited_ms;  /* for votes of it */
    int64_t heard_ms;   /* on the world's clock; 0: never */
    int64_t checked_ms; /* when a late vote of it was last looked at */
};

struct suspects {
    struct suspects_validator *validators; /* in the order of the set; malloc'ed */
    uint32_t count;
    int64_t voting_ms;  /* time in steps of votes */
    int64_t looked_ms;
    int64_t height;     /* what was seen at `seen_ms` */
    int32_t round;
    uint32_t phase;
    int64_t seen_ms;    /* 0: not yet */
};

struct replica;
struct replica_peer;
struct vote;

void suspects_close(struct suspects *suspects);
void suspects_follow(struct replica *replica); /* a height begins: whoever stays in the set keeps what was measured */
void suspects_turn(struct replica *replica);   /* the engine has moved: does time run? */
void suspects_hear_vote(struct replica *replica, const struct vote *vote); /* its signature was good */
/* A vote that is of no use any more: who is suspected is heard by it too, if the signature is good (looked at once a second at most). */
void suspects_hear_late_vote(struct replica *replica, const struct vote *vote);
void suspects_peer_up(struct replica *replica, struct replica_peer *peer);
void suspects_hear_peer(struct replica *replica, struct replica_peer *peer);
void suspects_look(struct replica *replica); /* now and then */

#endif
