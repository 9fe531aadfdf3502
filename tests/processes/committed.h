/* What evidence a chain holds, as a node's RPC shows it. */
#ifndef QUORATE_TESTS_COMMITTED_H
#define QUORATE_TESTS_COMMITTED_H

#include "tendermint/evidence.h"

/* How many pieces the block of that height holds, and whether one of them has this hash. −1: the node has no such block. */
int committed_count(const char *url, int64_t height, const struct digest *hash, bool *is_there);
/* The height of the block, from `from` on, that holds the piece; asks again until it is there. 0: not within `ms`. */
int64_t committed_find(const char *url, int64_t from, const struct digest *hash, int64_t ms);

#endif
