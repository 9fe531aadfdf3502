/* What a peer has, as far as it told us or we told it (cometbft: consensus/reactor.go PeerState; protocol.md §3.6). Pure bookkeeping: it decides
 * nothing but what is still worth sending. */
#ifndef QUORATE_NODE_PEERSTATE_H
#define QUORATE_NODE_PEERSTATE_H

#include "node/wire.h"
#include "tendermint/bit_array.h"

struct peerstate {
    int64_t height; /* 0: it has not spoken yet */
    int32_t round;  /* −1: unknown */
    uint32_t step;
    int32_t last_commit_round;
    bool proposal; /* it has the proposal of its round */
    struct part_header parts_header; /* of the block whose parts it collects; zero: unknown */
    struct bit_array parts;
    int32_t pol_round;
    struct bit_array pol;
    struct bit_array prevotes, precommits;
    struct bit_array last_commit;
    int32_t catchup_round; /* the commit round of a height that it is still in, −1 */
    struct bit_array catchup;
};

void peerstate_init(struct peerstate *peer);
void peerstate_close(struct peerstate *peer);

/* NewRoundStep. false: not newer, ignored. *moved (may be NULL): height or round changed. */
bool peerstate_step(struct peerstate *peer, const struct wire_consensus *step, bool *moved);
void peerstate_valid_block(struct peerstate *peer, const struct wire_consensus *message); /* NewValidBlock */
void peerstate_pol(struct peerstate *peer, const struct wire_consensus *message);         /* ProposalPOL */
void peerstate_note_proposal(struct peerstate *peer, const struct proposal *proposal);
void peerstate_note_part(struct peerstate *peer, int64_t height, int32_t round, uint32_t index);
/* Catch-up: the peer collects the block of its height, whose parts these are. */
void peerstate_expect_parts(struct peerstate *peer, const struct part_header *header);

/* Room for the votes of `height` by `validators`; call before noting votes of that height. */
void peerstate_ensure_votes(struct peerstate *peer, int64_t height, uint32_t validators);
void peerstate_ensure_catchup(struct peerstate *peer, int64_t height, int32_t round, uint32_t validators);
/* The bits of what it has of these votes; NULL: votes it could not use now. */
struct bit_array *peerstate_votes(struct peerstate *peer, int64_t height, int32_t round, int32_t type);
void peerstate_note_vote(struct peerstate *peer, int64_t height, int32_t round, int32_t type, int32_t index);
/* Sent is not received: nothing of what we sent or heard of is taken for granted any more, only where the peer is. */
void peerstate_forget_sent(struct peerstate *peer);
/* VoteSetBits: `ours` are the validators whose vote for that block we hold, NULL: we do not know. */
void peerstate_vote_bits(struct peerstate *peer, const struct wire_consensus *message, const struct bit_array *ours);

#endif
