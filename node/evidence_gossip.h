/* Evidence from peer to peer (channel 38; cometbft: evidence/reactor.go; protocol.md §4.4, §9). One of the replica's own files. A piece goes once to each
 * peer, as soon as it can make use of it: its chain has the height of the fault (for an attack: has passed the conflicting one), and the fault is
 * not older than evidence.max_age_num_blocks there; earlier CometBFT would drop us for it. */
#ifndef QUORATE_NODE_EVIDENCE_GOSSIP_H
#define QUORATE_NODE_EVIDENCE_GOSSIP_H

#include "node/replica_inside.h"

/* What the peer lacks, as far as its queue takes it. */
void evidence_gossip_peer(struct replica *replica, struct replica_peer *peer);
/* Whoever sends what is malformed or proves nothing is dropped; what is too early, too old, known or beyond our bounds is passed over. */
void evidence_gossip_receive(struct replica *replica, struct replica_peer *from, struct span message);

#endif
