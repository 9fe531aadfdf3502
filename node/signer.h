/* The file signer: never two signatures that differ (cometbft: privval/file.go; protocol.md §6 "File signer rule"). The mark (height, round,
 * step, sign bytes, signature) is durable before a signature leaves.
 *
 * The mark lives in data/priv_validator_state.json (CometBFT's format) and its twin data/priv_validator_state.alt. A new mark is written in place
 * to the one that holds the OLDER mark and synced: one flush, and a torn write never harms the newer one; the .json is always brought up to
 * date (unsynced when the twin was the one synced). Loading takes the newest whole mark of this key. */
#ifndef QUORATE_NODE_SIGNER_H
#define QUORATE_NODE_SIGNER_H

#include "node/disk.h"
#include "tendermint/vote.h"

enum signer_verdict {
    SIGNER_SIGNED = 0,       /* new mark, new signature */
    SIGNER_SAME,             /* the mark's signature (and its timestamp) given back */
    SIGNER_REGRESSION_HEIGHT,
    SIGNER_REGRESSION_ROUND,
    SIGNER_REGRESSION_STEP,
    SIGNER_CONFLICT,         /* same height, round, step, other data: refused */
    SIGNER_STOPPED,          /* signer_stop was called: nothing is signed any more */
};
const char *signer_verdict_text(enum signer_verdict verdict);

struct signer;

/* Takes the key (owns it from now on). Refuses (NULL, *error malloc'ed) a mark that cannot be read, and a missing mark when `chain_height` > 0
 * (the ledger has blocks: signing from a blank mark could sign twice). `json_name` e.g. "data/priv_validator_state.json". */
struct signer *signer_open(struct disk *disk, const char *json_name, struct ed25519_key *key, int64_t chain_height, char **error);
void signer_free(struct signer *signer);
void signer_public(const struct signer *signer, struct pubkey *out);
/* Fills in signature (and, for SIGNER_SAME, the timestamp). Other verdicts leave the vote untouched. */
enum signer_verdict signer_vote(struct signer *signer, struct vote *vote, struct span chain_id);
enum signer_verdict signer_proposal(struct signer *signer, struct proposal *proposal, struct span chain_id);
void signer_mark(const struct signer *signer, int64_t *height, int32_t *round, int32_t *step);
void signer_stop(struct signer *signer);

/* The mark's text form (CometBFT's JSON), for the commands that keep or show it. */
struct signer_mark_state {
    int64_t height;
    int32_t round;
    int32_t step; /* 0 none, 1 propose, 2 prevote, 3 precommit */
    struct signature signature;
    uint32_t sign_bytes_size;
    uint8_t sign_bytes[VOTE_SIGN_BYTES_MAX];
};
bool signer_mark_parse(struct signer_mark_state *out, struct span json);
size_t signer_mark_text(char *out, size_t capacity, const struct signer_mark_state *mark);

#endif
