/* L: the votes of one height whose signatures are good, from whatever logs and commits, in one order, whatever order they came in. */
#ifndef QUORATE_TENDERMINT_AUDIT_VOTES_H
#define QUORATE_TENDERMINT_AUDIT_VOTES_H

#include "crypto/arena.h"
#include "tendermint/commit.h"

#define AUDIT_VOTES_PER_VALIDATOR_MAX 20000 /* who signs more than thousands of rounds want shall not stop an audit: the rest is not kept */

struct audit_group { /* votes of one round and type for one thing, nil included */
    int32_t round, type;
    struct block_id id;
    uint32_t begin, end; /* in by_group */
    int64_t power;
};

struct audit_votes {
    const struct valset *set; /* a loan, as chain_id is */
    struct span chain_id;
    int64_t height;
    struct arena *arena;
    struct vote **by_voter; /* sealed: by validator, type (prevotes first), round, block */
    struct vote **by_group; /* sealed: by type, round, block, validator */
    uint32_t count, capacity;
    uint32_t *table; /* number + 1 of a vote in by_voter, until sealed */
    uint32_t table_size;
    struct audit_group *groups;
    uint32_t group_count, prevote_group_count; /* prevotes' groups come first, by round */
    uint32_t *counts;   /* of each validator */
    uint32_t *first_of; /* sealed: of each validator, in by_voter; one more at the end */
    bool sealed;
};

enum audit_note {
    AUDIT_VOTE_ADDED = 0,
    AUDIT_VOTE_KNOWN,        /* the same vote, or the same for the same with another time */
    AUDIT_VOTE_OTHER_HEIGHT,
    AUDIT_VOTE_MALFORMED,
    AUDIT_VOTE_STRANGER,     /* its index and address are not a validator's */
    AUDIT_VOTE_FORGED,       /* the signature is not good for this chain: forged, damaged, or of another chain */
    AUDIT_VOTE_NO_ROOM,
    AUDIT_NOTES,
};
const char *audit_note_text(enum audit_note note);

/* false: no room. */
bool audit_votes_init(struct audit_votes *votes, struct arena *arena, const struct valset *set, struct span chain_id, int64_t height);
/* Before sealing. Extensions are not kept. */
enum audit_note audit_votes_add(struct audit_votes *votes, const struct vote *vote);
bool audit_votes_add_commit(struct audit_votes *votes, const struct commit *commit); /* of the set; false: no room */
bool audit_votes_seal(struct audit_votes *votes); /* false: no room. Then nothing is added any more */

/* Sealed. The votes of a validator of a type, by round. */
struct vote *const *audit_votes_of(const struct audit_votes *votes, uint32_t *count, uint32_t index, int32_t type);
const struct audit_group *audit_votes_group(const struct audit_votes *votes, int32_t round, int32_t type, const struct block_id *id);
bool audit_votes_polka(const struct audit_votes *votes, const struct audit_group *group); /* it passes two thirds */
bool audit_votes_in_group(const struct audit_votes *votes, const struct audit_group *group, uint32_t index);

#endif
