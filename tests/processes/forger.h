/* Blocks that no chain has: a real light block, altered as a liar would, and signed with those validators' keys that the liar holds. */
#ifndef QUORATE_TESTS_FORGER_H
#define QUORATE_TESTS_FORGER_H

#include "crypto/ed25519.h"
#include "tendermint/light_block.h"

enum forger_lie {
    FORGER_LUNATIC_SET, /* another app hash, and a validator set of the liars alone: what a client that skips can be shown by more than a third */
    FORGER_LUNATIC,     /* another app hash, the real set: two thirds must sign */
    FORGER_EQUIVOCATION, /* other transactions, signed in the round in which the real block was */
};

/* Signed by these keys and nobody else. The caller's to release. */
struct light_block *forger_make(const struct light_block *real, enum forger_lie lie, struct ed25519_key *const *keys, uint32_t count);
struct address forger_address(const struct ed25519_key *key);
/* The real block of that height as the node at `url` has it; height 0: its newest. NULL: *error, malloc'ed. */
struct light_block *forger_fetch(const char *url, const char *chain_id, int64_t height, char **error);

#endif
