/* Evidence of misbehaviour: double votes and light-client attacks (cometbft: types/evidence.go, evidence/verify.go). Codec and hash
 * are needed for every block; ledger/evidence_pool.h keeps what is still to be committed. */
#ifndef QUORATE_TENDERMINT_EVIDENCE_H
#define QUORATE_TENDERMINT_EVIDENCE_H

#include "tendermint/commit.h"
#include "tendermint/header.h"

enum evidence_kind { EVIDENCE_NONE = 0, EVIDENCE_DUPLICATE_VOTE = 1, EVIDENCE_LIGHT_ATTACK = 2 }; /* the oneof's numbers */

struct evidence_duplicate_vote {
    struct vote vote_a, vote_b; /* a < b by block_id_compare */
    bool has_a, has_b;
    int64_t total_power, validator_power;
    struct timestamp timestamp;
};

struct evidence {
    uint8_t kind;            /* enum evidence_kind */
    struct span inner;       /* the bytes of the inner message AS CometBFT would re-encode them; a loan. What hashes cover. */
    struct evidence_duplicate_vote duplicate; /* when EVIDENCE_DUPLICATE_VOTE */
    /* when EVIDENCE_LIGHT_ATTACK */
    int64_t common_height;
    struct header conflicting_header;
    struct commit conflicting_commit;   /* arena */
    struct span conflicting_validators; /* ValidatorSet bytes as re-encoded (arena); decoded only by evidence_check */
    uint32_t byzantine_count;
    struct validator *byzantine;        /* arena */
    int64_t total_power;
    struct timestamp timestamp;
};

static inline int64_t evidence_height(const struct evidence *evidence) { /* of the fault */
    return evidence->kind == EVIDENCE_LIGHT_ATTACK ? evidence->common_height : evidence->duplicate.vote_a.height;
}
/* An Evidence oneof. Anything nil that CometBFT would dereference (wounds 30, 31) marks the reader bad. */
void evidence_read(struct evidence *evidence, struct proto_reader *reader, struct arena *arena);
void evidence_write(struct proto_writer *writer, const struct evidence *evidence); /* the oneof, from inner */
void evidence_hash(struct digest *out, const struct evidence *evidence);           /* of one piece (31-byte quirk for attacks) */
void evidence_list_hash(struct digest *out, const struct evidence *items, size_t count);
bool evidence_check(const struct evidence *evidence); /* ValidateBasic */
/* Orders the two votes and encodes into the arena. */
bool evidence_from_votes(struct evidence *out, const struct vote *one, const struct vote *other, const struct valset *set,
                         const struct timestamp *block_time, struct arena *arena);
/* evidence/verify.go VerifyDuplicateVote: shapes, same height/round/type/address, powers, both signatures. */
bool evidence_verify_duplicate(const struct evidence *evidence, const struct valset *set, struct span chain_id);
/* The half about light-client attacks, in evidence_attack.c. _read takes the inner message. */
void evidence_attack_read(struct evidence *evidence, struct proto_reader *reader, struct arena *arena);
void evidence_attack_hash(struct digest *out, const struct digest *header_hash, int64_t common_height);
bool evidence_attack_check(const struct evidence *evidence);
/* In evidence_attack_verify.c. What the accused block is held against; loans. */
struct evidence_attack_view {
    const struct valset *common_set;     /* of the common height */
    const struct header *trusted;        /* ours at the conflicting height, or our latest if the chain is not there yet */
    const struct commit *trusted_commit; /* the canonical one of `trusted`; NULL: there is none yet, and only lunatics can be told */
};
/* evidence/verify.go VerifyLightClientAttack: common third (unless at one height), two thirds of its own set, another header than ours,
 * total power, and the very list of byzantine validators that follows; a list of nobody (amnesia) is refused, as CometBFT refuses it off
 * the wire. Time and age are the pool's matter. */
bool evidence_verify_attack(const struct evidence *evidence, const struct evidence_attack_view *view, struct span chain_id);
/* ConflictingHeaderIsInvalid: it differs in what follows from the chain before it. */
bool evidence_attack_is_lunatic(const struct evidence *evidence, const struct header *trusted);
bool evidence_attack_header_is_lunatic(const struct header *conflicting, const struct header *trusted);
/* GetByzantineValidators: who follows from both blocks, by power then address; loans of the sets. found: room for every entry of the commit;
 * `set`: the conflicting block's own. Nobody follows from commits of different rounds (amnesia). */
uint32_t evidence_attack_byzantine(const struct validator **found, const struct header *conflicting, const struct commit *commit,
                                   const struct evidence_attack_view *view, const struct valset *set);
/* Expired iff BOTH ages are exceeded strictly. */
bool evidence_expired(int64_t age_blocks, int64_t age_ns, int64_t age_blocks_max, int64_t age_ns_max);

#endif
