/* All tallies of one height (cometbft: consensus/types/height_vote_set.go). Rounds up to the engine's round + 1 exist by
 * themselves; for rounds beyond, a peer may open at most two per height, so that a stranger cannot fill memory. */
#ifndef QUORATE_TENDERMINT_ROUNDS_H
#define QUORATE_TENDERMINT_ROUNDS_H

#include "tendermint/tally.h"

#define ROUNDS_CATCHUP_PER_PEER 2
#define ROUNDS_PEERS_MAX        256
#define ROUNDS_OWN_PEER         0 /* the peer number of our own messages */
#define ROUNDS_ROUND_MAX        (INT32_MAX - 2) /* so that round + 1 can be tallied, and counted, without overflow */

struct rounds_pair { /* of one round; sorted by round in `pairs` */
    int32_t round;
    struct tally prevotes, precommits;
};

struct rounds {
    int64_t height;
    int32_t round; /* tallies exist for 0 … round + 1 */
    const struct valset *validators;
    struct arena *arena;
    struct rounds_pair **pairs;
    uint32_t count, capacity;
    uint32_t catchup_peer_count;
    struct { uint32_t peer; int32_t rounds[ROUNDS_CATCHUP_PER_PEER]; uint8_t used; } catchup[ROUNDS_PEERS_MAX];
};

bool rounds_init(struct rounds *rounds, struct arena *arena, const struct valset *validators, int64_t height);
/* SetRound, round ≤ ROUNDS_ROUND_MAX; false: no room in the arena for some of the rounds: votes of those are not counted. */
bool rounds_advance(struct rounds *rounds, int32_t round);
/* NULL when the round has no tally. */
const struct tally *rounds_tally(const struct rounds *rounds, int32_t round, int32_t type);
enum rounds_note { ROUNDS_TALLIED, ROUNDS_UNWANTED };
/* ROUNDS_UNWANTED: a far round beyond what this peer may open. Otherwise *note and *previous as tally_note gives. */
enum rounds_note rounds_note(struct rounds *rounds, enum tally_note *note, struct vote *previous, const struct vote *vote, uint32_t peer);
bool rounds_accuse(struct rounds *rounds, const struct vote *vote); /* tally_accuse for the tally and validator of this vote */
/* A claim for a round without tally is ignored (true); false: the peer lies or overflows. */
bool rounds_claim(struct rounds *rounds, uint32_t peer, int32_t round, int32_t type, const struct block_id *block_id);
/* The highest round ≤ from with a prevote majority, or −1 (POLInfo). */
int32_t rounds_pol(const struct rounds *rounds, struct block_id *block_id, int32_t from);

#endif
