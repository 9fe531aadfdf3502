/* The votes of one type in one round, and what they add up to (cometbft: types/vote_set.go).
 *
 * The first vote of a validator counts. A second, different one is a conflict: reported, and counted too for its block
 * only if a peer has claimed a two-thirds majority for that block (SetPeerMaj23); without this, honest nodes that count
 * different firsts of a liar can stay stuck for ever. The first block to pass two thirds is the majority and stays it.
 * Signatures were checked before; the validator's index and address belong together. Memory comes from an arena. */
#ifndef QUORATE_TENDERMINT_TALLY_H
#define QUORATE_TENDERMINT_TALLY_H

#include "crypto/arena.h"
#include "tendermint/bit_array.h"
#include "tendermint/commit.h"

#define TALLY_CLAIMS_MAX 128 /* distinct peers whose claim is remembered, per tally */

struct tally_vote { /* what a vote adds to its tally's height, round, type */
    struct block_id block_id;
    struct timestamp timestamp;
    struct signature signature;
    struct span extension; /* copied into the arena; empty unless extensions are on */
    struct signature extension_signature;
};

struct tally_block; /* votes for one block (nil included) */
struct tally_claim; /* what one peer claimed */

struct tally {
    int64_t height;
    int32_t round;
    int32_t type;
    const struct valset *validators; /* a loan for the tally's life */
    struct arena *arena;             /* likewise */
    struct bit_array voted;          /* words from the arena: do not close */
    struct tally_vote **votes;       /* per validator; NULL: none yet */
    int64_t power;                   /* of all who voted */
    struct tally_block *blocks;
    struct tally_block *majority;    /* NULL: none yet */
    struct bit_array accused;        /* validators whose conflict was taken by tally_accuse */
    uint32_t claim_count;            /* at most TALLY_CLAIMS_MAX */
    struct tally_claim *claims;
};

enum tally_note {
    TALLY_ADDED = 0,        /* new, counted */
    TALLY_DUPLICATE,        /* the same vote again */
    TALLY_CONFLICT,         /* differs from *previous; not counted */
    TALLY_CONFLICT_COUNTED, /* differs from *previous, counted for its block, which is claimed or already the majority */
    TALLY_SAME_BLOCK_OTHER_SIGNATURE, /* non-deterministic signature for the same vote: ignored (CometBFT: error) */
    TALLY_NOT_OURS,         /* other height, round, type, unknown index or wrong address */
    TALLY_FULL,             /* the arena has no room: dropped */
};

/* false: no room in the arena. */
bool tally_init(struct tally *tally, struct arena *arena, const struct valset *validators, int64_t height, int32_t round, int32_t type);
/* *previous (may be NULL): for conflicts, the vote it differs from, filled in whole. */
enum tally_note tally_note(struct tally *tally, struct vote *previous, const struct vote *vote);
/* For whoever reports a conflict: true the first time for this validator, so that one liar is reported once per tally. */
bool tally_accuse(struct tally *tally, uint32_t index);
/* A peer's claim. false: this peer claimed another block before (it lies), or the table is full. The same claim again is fine; so is one that the
 * arena has no room for: it is forgotten. */
bool tally_claim(struct tally *tally, uint32_t peer, const struct block_id *block_id);

bool tally_majority(const struct tally *tally, struct block_id *block_id); /* the polka; block_id may be NULL, nil id for a nil polka */
bool tally_has_majority_for(const struct tally *tally, const struct block_id *block_id);
bool tally_has_two_thirds_any(const struct tally *tally);
bool tally_is_complete(const struct tally *tally); /* every validator voted */
bool tally_has(const struct tally *tally, uint32_t index);
/* The vote of a validator as a wire vote; false if none. Spans are loans from the arena. */
bool tally_vote(const struct tally *tally, struct vote *out, uint32_t index);
const struct bit_array *tally_voted(const struct tally *tally);
/* The validators counted for this block; NULL if nobody and not claimed. */
const struct bit_array *tally_voted_for(const struct tally *tally, const struct block_id *block_id);
/* The commit from a precommit tally whose majority is a block: others as absent or nil (MakeExtendedCommit; votes for other blocks become absent),
 * with extensions if any of its votes has a signed one. Both tables are taken from `arena`, extensions are loans. false when there is no majority for a block, or no room. */
bool tally_commit(const struct tally *tally, struct commit *out, struct arena *arena);

#endif
