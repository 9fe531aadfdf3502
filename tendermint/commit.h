/* A commit: more than two thirds of precommits for one block, and its verification
 * (cometbft: types/block.go Commit, types/validation.go; protocol.md §1.3, §1.6, §3.4). */
#ifndef QUORATE_TENDERMINT_COMMIT_H
#define QUORATE_TENDERMINT_COMMIT_H

#include "crypto/arena.h"
#include "tendermint/valset.h"
#include "tendermint/vote.h"

enum commit_flag { COMMIT_ABSENT = 1, COMMIT_FOR_BLOCK = 2, COMMIT_FOR_NIL = 3 }; /* BlockIDFlag */

struct commit_sig {
    int32_t flag; /* enum commit_flag; as received */
    struct address validator_address;
    struct timestamp timestamp;
    struct signature signature;
};

struct commit_extension {
    struct span bytes; /* a loan, as the sigs */
    struct signature signature;
};

struct commit { /* sigs, extensions: loans from an arena or from whoever built it */
    int64_t height;
    int32_t round;
    struct block_id block_id;
    uint32_t count;
    struct commit_sig *sigs;
    struct commit_extension *extensions; /* one per entry; NULL: none are known. Never part of a block, nor of the commit's hash */
};

enum commit_verdict {
    COMMIT_GOOD = 0,
    COMMIT_BAD_SHAPE,        /* Commit.ValidateBasic */
    COMMIT_WRONG_SIZE,       /* not one entry per validator */
    COMMIT_WRONG_HEIGHT,
    COMMIT_WRONG_BLOCK,
    COMMIT_WRONG_ADDRESS,    /* an entry's address is not the validator's at that index (≥ 0.38.21; wound 27) */
    COMMIT_BAD_SIGNATURE,
    COMMIT_NO_QUORUM,
    COMMIT_DOUBLE_VOTE,      /* trusting: one validator twice */
    COMMIT_BAD_TRUST_LEVEL,
    COMMIT_BAD_EXTENSION,    /* missing, unsigned, where none belongs, or its signature is wrong */
};
const char *commit_verdict_text(enum commit_verdict verdict);

void commit_sig_absent(struct commit_sig *sig);
void commit_write(struct proto_writer *writer, const struct commit *commit);
/* Sigs are taken from the arena; more than VOTE_COUNT_MAX entries mark the reader bad. */
void commit_read(struct commit *commit, struct proto_reader *reader, struct arena *arena);
bool commit_decode(struct commit *commit, struct span bytes, struct arena *arena);
void commit_sig_write(struct proto_writer *writer, const struct commit_sig *sig);
void commit_hash(struct digest *out, const struct commit *commit); /* Merkle over the CommitSigs; empty: SHA256("") */
enum commit_verdict commit_check(const struct commit *commit);     /* Commit.ValidateBasic, and each entry's at any height */
/* The precommit that entry `index` stands for (GetVote). */
void commit_vote(struct vote *out, const struct commit *commit, uint32_t index);

/* ---- commit_extended.c: ExtendedCommit, a commit whose extensions are known (cometbft: types/block.go ExtendedCommit; protocol.md §1.1). */
void commit_extended_write(struct proto_writer *writer, const struct commit *commit); /* extensions NULL: as a commit */
/* Sigs and the table of extensions are taken from the arena, the extensions are loans from `bytes`. */
bool commit_extended_decode(struct commit *commit, struct span bytes, struct arena *arena);
enum commit_verdict commit_extended_check(const struct commit *commit);  /* ExtendedCommit.ValidateBasic */
enum commit_verdict commit_extended_ensure(const struct commit *commit); /* EnsureExtensions(true): signed for the block and nowhere else */
void commit_extended_vote(struct vote *out, const struct commit *commit, uint32_t index); /* GetExtendedVote; a loan of the extension */

/* A memory of signatures already verified, so that each is checked once per node. Both may be NULL. */
struct commit_cache {
    void *context;
    bool (*knows)(void *context, const struct vote *vote, const struct pubkey *key);
};

/* VerifyCommit: every non-absent signature, nil ones too; only Commit flags count. *culprit (may be NULL) is the index of the bad entry. */
enum commit_verdict commit_verify(const struct commit *commit, uint32_t *culprit, const struct valset *set, struct span chain_id,
                                  const struct block_id *block_id, int64_t height, const struct commit_cache *cache);
/* VerifyCommitExtended: likewise, and every extension of a vote for the block is there and signed. `cache` is asked about votes only. */
enum commit_verdict commit_extended_verify(const struct commit *commit, uint32_t *culprit, const struct valset *set, struct span chain_id,
                                           const struct block_id *block_id, int64_t height, const struct commit_cache *cache);
/* VerifyCommitLight: ignores entries not for the block, stops once above two thirds. */
enum commit_verdict commit_verify_light(const struct commit *commit, const struct valset *set, struct span chain_id,
                                        const struct block_id *block_id, int64_t height);
/* VerifyCommitLightAllSignatures: likewise, but every signature for the block must be good (evidence). */
enum commit_verdict commit_verify_light_all(const struct commit *commit, const struct valset *set, struct span chain_id,
                                            const struct block_id *block_id, int64_t height);
/* VerifyCommitLightTrusting: by address, unknown ignored; threshold total·num/den. `all`: verify all signatures (evidence). */
enum commit_verdict commit_verify_trusting(const struct commit *commit, const struct valset *set, struct span chain_id,
                                           uint64_t numerator, uint64_t denominator, bool all);

/* BFT time: the weighted median of the commit's timestamps. `count_nil` is the rule of 0.38/0.39 (nil votes count); 0.40 counts
 * Commit flags only. A signer who is not in the set is ignored. Scratch memory from the arena; zero time when it does not fit. */
struct timestamp commit_median_time(const struct commit *commit, const struct valset *set, bool count_nil, struct arena *arena);
struct commit_weighted_time {
    struct timestamp time;
    int64_t weight;
};
/* WeightedMedian: sorts `times` in place. */
struct timestamp commit_weighted_median(struct commit_weighted_time *times, size_t count, int64_t total);

#endif
