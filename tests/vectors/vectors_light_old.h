/* Recordings of a protocol before this one (block version 0: hashes and signatures of an encoding that is gone, which nobody can recompute any more).
 * What they tell is kept and written anew: each validator gets a key of ours, each set and header the hash of today under the name that it had, and
 * each signature that is there is made again. So the walk, the witnesses and the evidence are judged with real hashes and real signatures. */
#ifndef QUORATE_TESTS_VECTORS_LIGHT_OLD_H
#define QUORATE_TESTS_VECTORS_LIGHT_OLD_H

#include "tendermint/light_block.h"

#define OLD_NAMES_MAX 4096

struct old_names { /* of one file: old digests and what they are now */
    uint32_t count;
    struct digest old[OLD_NAMES_MAX], now[OLD_NAMES_MAX];
};

static inline bool old_is(const struct light_block *block) { return block->header.version_block == 0; }
/* The block as it would be today; blocks of a source in ascending order. `next`: the set of the next height. NULL: no room. */
struct light_block *old_renew(struct old_names *names, const struct light_block *block, const struct valset *next);
struct digest old_name_of(const struct old_names *names, const struct digest *old); /* itself, if it has no other name */

#endif
