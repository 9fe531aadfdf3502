/* Which header follows from one that is trusted (cometbft: light/verifier.go; protocol.md §10). Pure: now is an argument.
 *
 * For whoever has every header from the first one on (a checker of a whole chain): light_verify_adjacent with `rules` of LIGHT_RULES_FOREVER, and
 * `now` the latest header's time, says what a light client would say about each step. */
#ifndef QUORATE_TENDERMINT_LIGHT_VERIFY_H
#define QUORATE_TENDERMINT_LIGHT_VERIFY_H

#include "tendermint/light_block.h"

struct light_rules {
    int64_t trusting_period_ns;
    int64_t clock_drift_ns;
    uint64_t trust_numerator, trust_denominator; /* within [1/3, 1] */
    uint32_t pivot_numerator, pivot_denominator; /* where the walk divides what it cannot skip */
};
#define LIGHT_SECOND_NS INT64_C(1000000000)
#define LIGHT_RULES_DEFAULT ((struct light_rules){168 * 3600 * LIGHT_SECOND_NS, 10 * LIGHT_SECOND_NS, 1, 3, 9, 16})
#define LIGHT_RULES_FOREVER ((struct light_rules){INT64_MAX, 10 * LIGHT_SECOND_NS, 1, 3, 9, 16})

enum light_verdict {
    LIGHT_GOOD = 0,
    LIGHT_NOT_ADJACENT,     /* not the next height */
    LIGHT_ADJACENT,         /* the next height, where another was to be judged */
    LIGHT_EXPIRED,          /* the trusted header is older than the trusting period */
    LIGHT_CANNOT_TRUST,     /* too little of the trusted set signed: ask for one between */
    LIGHT_BAD_TRUST_LEVEL,
    /* What only a faulty source gives (ErrInvalidHeader): */
    LIGHT_BAD_SHAPE,        /* the header or its commit by itself */
    LIGHT_OTHER_CHAIN,
    LIGHT_NOT_HIGHER,
    LIGHT_NOT_LATER,        /* its time is not after (backwards: before) the trusted one's */
    LIGHT_FROM_FUTURE,
    LIGHT_WRONG_SET,        /* the set supplied is not the header's */
    LIGHT_WRONG_NEXT_SET,   /* its set is not the one that the trusted header announced */
    LIGHT_BAD_COMMIT,       /* not signed by two thirds of its own set, or wrongly */
    LIGHT_BAD_LINK,         /* backwards: not the block that the trusted header names as its parent */
};
const char *light_verdict_text(enum light_verdict verdict);
static inline bool light_verdict_is_invalid(enum light_verdict verdict) { return verdict >= LIGHT_BAD_SHAPE; }

bool light_trust_level_good(uint64_t numerator, uint64_t denominator); /* ValidateTrustLevel */
bool light_header_expired(const struct header *header, int64_t trusting_period_ns, const struct timestamp *now); /* at the very moment: yes */

/* SignedHeader.ValidateBasic: header and commit by themselves, the chain, and that the commit is this header's. */
enum light_verdict light_check_signed_header(const struct light_block *block, struct span chain_id);
/* LightBlock.ValidateBasic: also that the set is the header's. The set's own shape was checked when it was made. */
enum light_verdict light_check(const struct light_block *block, struct span chain_id);

/* A later header from a trusted one with its set: adjacent, by the announced set; else by the trust level of `trusted_set`, which may be that of the
 * trusted height or of the next; then by two thirds of its own set, last, because a stranger can make that as large as he likes. */
enum light_verdict light_verify_adjacent(const struct light_block *block, const struct header *trusted, const struct light_rules *rules,
                                         const struct timestamp *now);
enum light_verdict light_verify_non_adjacent(const struct light_block *block, const struct header *trusted, const struct valset *trusted_set,
                                             const struct light_rules *rules, const struct timestamp *now);
enum light_verdict light_verify(const struct light_block *block, const struct header *trusted, const struct valset *trusted_set,
                                const struct light_rules *rules, const struct timestamp *now);
/* The header just below a trusted one, by its hash. */
enum light_verdict light_verify_backwards(const struct header *header, const struct header *trusted);
/* Two thirds of its own set: for the first trusted block, whose hash is known from elsewhere. */
enum light_verdict light_verify_own_commit(const struct light_block *block, struct span chain_id);

#endif
