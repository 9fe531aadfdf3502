/* What `quorate demo` proves when it ends: that all nodes hold the same chain, and that each accepted transfer stands in it exactly once, by
 * asking every node. */
#ifndef QUORATE_NODE_DEMO_PROOF_H
#define QUORATE_NODE_DEMO_PROOF_H

#include "node/load_tally.h"
#include "node/localnet.h"

#define DEMO_PROOF_TXS_MAX 20000 /* asked for singly at each node; beyond it a sample spread over all */

struct demo_proof {
    int64_t height_first, height_last; /* the lowest common height */
    uint64_t txs_asked;                /* at each node */
    char fault[512];                   /* "": proved */
};

/* false: `fault` names node, height or hash. Blocks until done. */
bool demo_proof_of_chain(struct demo_proof *proof, const struct localnet *net);
/* Each accepted transaction of the tally is found by `tx` on every node with the height in which it was read. */
bool demo_proof_of_txs(struct demo_proof *proof, const struct localnet *net, const struct load_tally *tally);

#endif
