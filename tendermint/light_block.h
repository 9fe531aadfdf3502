/* What a light client looks at: a header, the commit that decided it, and the validators who signed (cometbft: types/light.go; LightBlock
 * {1 signed_header {1 header, 2 commit}, 2 validator_set}). Immutable once made and counted, so that traces, stores and requests of several
 * threads share one. */
#ifndef QUORATE_TENDERMINT_LIGHT_BLOCK_H
#define QUORATE_TENDERMINT_LIGHT_BLOCK_H

#include <stdatomic.h>

#include "tendermint/commit.h"
#include "tendermint/header.h"

struct light_block {
    struct header header;
    struct digest hash; /* of the header; size 0: it has none */
    struct commit commit;
    struct valset set;
    struct arena arena; /* private: the commit's entries */
    atomic_uint holders;
};

/* Copies what is lent. One holder: the caller. NULL: the commit is larger than any (VOTE_COUNT_MAX entries). */
struct light_block *light_block_new(const struct header *header, const struct commit *commit, const struct valset *set);
struct light_block *light_block_decode(struct span bytes); /* NULL: malformed; light_block_check is the caller's */
struct light_block *light_block_hold(struct light_block *block);
void light_block_release(struct light_block *block); /* NULL allowed */
void light_block_write(struct proto_writer *writer, const struct light_block *block);

/* A set out of members in any order, priorities kept; the proposer is who has the highest (ValidatorSetFromExistingValidators). Checked as
 * valset_decode checks; on a bad verdict *set is untouched. */
enum valset_verdict light_block_set_of(struct valset *set, const struct validator *members, uint32_t count);
/* Priorities are not in any hash, so that two sources can agree on the hash and not on who proposes next (wound 22). For sets of one hash. */
bool light_block_same_priorities(const struct light_block *one, const struct light_block *other);

#endif
