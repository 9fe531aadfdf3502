/* Votes and proposals: shapes, wire form, canonical sign bytes, stateless checks.
 * (cometbft: types/{vote,proposal,canonical}.go; protocol.md §1.1, §1.5, §1.6) */
#ifndef QUORATE_TENDERMINT_VOTE_H
#define QUORATE_TENDERMINT_VOTE_H

#include "crypto/ed25519.h"
#include "tendermint/block_id.h"
#include "tendermint/timestamp.h"

#define VOTE_CHAIN_ID_BYTES_MAX   50
#define VOTE_EXTENSION_BYTES_MAX  (1024 * 1024)
#define VOTE_COUNT_MAX            10000 /* MaxVotesCount: validators of a set */
#define VOTE_SIGN_BYTES_MAX       256   /* of a vote or proposal */

enum vote_type { VOTE_UNKNOWN = 0, VOTE_PREVOTE = 1, VOTE_PRECOMMIT = 2, VOTE_PROPOSAL = 32 }; /* SignedMsgType */

struct vote {
    int32_t type; /* enum vote_type; as received */
    int64_t height;
    int32_t round;
    struct block_id block_id; /* nil: a vote for nil */
    struct timestamp timestamp;
    struct address validator_address;
    int32_t validator_index;
    struct signature signature;
    struct span extension; /* a loan from the message; empty when extensions are off */
    struct signature extension_signature;
};

struct proposal {
    int32_t type; /* VOTE_PROPOSAL */
    int64_t height;
    int32_t round;
    int32_t pol_round; /* −1: none */
    struct block_id block_id;
    struct timestamp timestamp;
    struct signature signature;
};

enum vote_check {
    VOTE_GOOD = 0,
    VOTE_BAD_TYPE,
    VOTE_BAD_HEIGHT,
    VOTE_BAD_ROUND,
    VOTE_BAD_POL_ROUND,
    VOTE_BAD_BLOCK_ID,
    VOTE_BAD_ADDRESS,
    VOTE_BAD_INDEX,
    VOTE_NO_SIGNATURE,
    VOTE_BAD_EXTENSION,
};
const char *vote_check_text(enum vote_check check);

void vote_init(struct vote *vote);         /* what an empty message decodes to: Go zero time */
void vote_write(struct proto_writer *writer, const struct vote *vote);
void vote_read(struct vote *vote, struct proto_reader *reader);
bool vote_decode(struct vote *vote, struct span bytes);
enum vote_check vote_check(const struct vote *vote); /* Vote.ValidateBasic */
/* The bytes that are signed: uvarint length ‖ CanonicalVote. out has VOTE_SIGN_BYTES_MAX bytes. Returns the size. */
size_t vote_sign_bytes(uint8_t out[static VOTE_SIGN_BYTES_MAX], const struct vote *vote, struct span chain_id);
/* CanonicalVoteExtension; out has capacity for extension.size + 128. Returns the size, or 0 if it does not fit. */
size_t vote_extension_sign_bytes(uint8_t *out, size_t capacity, struct span extension, int64_t height, int32_t round,
                                 struct span chain_id);
bool vote_extension_verify_vartime(const struct vote *vote, struct span chain_id, const struct pubkey *key); /* its signature only */
bool vote_verify_vartime(const struct vote *vote, struct span chain_id, const struct pubkey *key); /* signature only */
bool vote_type_is_vote(int32_t type); /* prevote or precommit */

void proposal_init(struct proposal *proposal);
void proposal_write(struct proto_writer *writer, const struct proposal *proposal);
void proposal_read(struct proposal *proposal, struct proto_reader *reader);
enum vote_check proposal_check(const struct proposal *proposal); /* Proposal.ValidateBasic */
size_t proposal_sign_bytes(uint8_t out[static VOTE_SIGN_BYTES_MAX], const struct proposal *proposal, struct span chain_id);
bool proposal_verify_vartime(const struct proposal *proposal, struct span chain_id, const struct pubkey *key);

#endif
