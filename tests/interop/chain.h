/* Are the nodes of a fleet of one mind? Every answer about every height is asked of all of them and compared byte for byte. */
#ifndef QUORATE_TESTS_INTEROP_CHAIN_H
#define QUORATE_TESTS_INTEROP_CHAIN_H

#include "tests/interop/fleet.h"

struct chain_facts {
    int64_t first, last;  /* heights compared */
    uint64_t answers;     /* of other nodes than the first, each equal to the first one's */
    uint64_t txs;
    uint32_t late_rounds; /* blocks that were committed in a round above 0 */
    uint32_t absent, nils; /* signatures in the commits */
    uint32_t proposed[RELAYS_NODES_MAX], signed_for[RELAYS_NODES_MAX]; /* blocks, by node */
    uint32_t evidence[RELAYS_NODES_MAX]; /* pieces in the blocks of that proposer */
    char fault[1024];     /* "": all are equal */
};

/* `block`, `block_results`, `commit` and `validators` of the heights from `first` to the lowest node's last but one, or to `last` if that is not 0.
 * The nodes must run. At the first difference: false, `fault` says where, and both answers are kept in the fleet's folder. */
bool chain_compare(struct chain_facts *facts, const struct fleet *fleet, int64_t first, int64_t last);

#endif
