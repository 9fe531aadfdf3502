/* What a state of the twins' network is, whatever the names of nodes and blocks in it, as a fingerprint. */
#ifndef QUORATE_TESTS_TENDERMINT_TWINS_STATE_H
#define QUORATE_TESTS_TENDERMINT_TWINS_STATE_H

#include "tests/tendermint/twins_net.h"

struct twins_state {
    uint64_t a, b;
};

/* Equal: from there on everything goes the same way. What nobody can be influenced by any more is left out; only after a healing may
 * it be heard again, in rounds that all have left and that no majority can come of. */
struct twins_state twins_state_of(const struct twins_net *net);

#endif
