/* A validator by script: its key, no node. It connects to one node as a peer and says votes, also two that conflict. */
#ifndef QUORATE_TESTS_INTEROP_VOTER_H
#define QUORATE_TESTS_INTEROP_VOTER_H

#include "tests/interop/fleet.h"
#include "tendermint/vote.h"
#include "tests/node/outsider.h"

struct voter {
    struct outsider line;
    const struct fleet *fleet; /* a loan */
    uint32_t self, at;
    struct ed25519_key *key;
    struct address address;
};

/* The key of home `self`, connected to node `at`. false with *error. */
bool voter_open(struct voter *voter, const struct fleet *fleet, uint32_t self, uint32_t at, char **error);
void voter_close(struct voter *voter);
bool voter_is_heard(const struct voter *voter); /* the node has not closed the connection */
void voter_turn(struct voter *voter, unsigned ms);
/* A vote of round 0 for the block id made of `name` (0: nil), whose time is now and so many ms more. Its index is its place among the validators
 * of the last block. */
void voter_say(struct voter *voter, int64_t height, int32_t type, uint8_t name, int64_t later_ms);

#endif
