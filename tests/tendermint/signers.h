/* What the tests of the data half share: validators with real keys who sign real votes, and bytes to torture decoders with. */
#ifndef QUORATE_TESTS_TENDERMINT_SIGNERS_H
#define QUORATE_TESTS_TENDERMINT_SIGNERS_H

#include "crypto/arena.h"
#include "tendermint/commit.h"

#define SIGNERS_MAX   16
#define SIGNERS_CHAIN "test-chain"

struct signers { /* key i belongs to validator i of the set */
    struct valset set;
    uint8_t seeds[SIGNERS_MAX][32];
    struct commit_sig sigs[SIGNERS_MAX];
};

/* Validator k (before sorting) has powers[k]; a bit k of `secp256k1` gives it such a key instead of an ed25519 one. */
void signers_init(struct signers *signers, const int64_t *powers, uint32_t count, uint32_t secp256k1);
void signers_close(struct signers *signers);
void signers_sign(const struct signers *signers, uint32_t index, struct signature *out, struct span message);
void signers_sign_vote(const struct signers *signers, struct vote *vote); /* by validator_index, whose address it gets */
/* A commit at `height` for signers_block(1): flags[i] says what validator i did. Sigs live in `signers`. */
struct commit signers_commit(struct signers *signers, int64_t height, const int32_t *flags);
struct block_id signers_block(uint8_t number);
struct span signers_chain(void);

/* Calls `decode` with `bytes`, its prefixes, and many damaged copies of it; then with noise. */
void torture(struct span bytes, void (*decode)(struct span bytes));

#endif
