/* The file signer: never two signatures that differ (cometbft: privval/file.go; protocol.md §6 "File signer rule"). The mark (height, round,
 * step, sign bytes, signature) is durable before a signature leaves.
 *
 * The mark lives in data/priv_validator_state.json (CometBFT's format) and its twin data/priv_validator_state.alt. A new mark is written in place
 * to the one that did not take the last mark, and synced: one flush, and a torn write never harms the newer one. Then the other one is brought
 * up to date, unsynced. Both are padded with spaces to one length, so that a sync need not touch the file's size. A file that does not hold a
 * signed mark of ours is not written in place but replaced. Loading takes the newest whole mark of this key: whole is one whose signature is ours
 * over its sign bytes, and whose sign bytes tell its height, round and step; or one without sign bytes (a blank mark, or one raised by hand).
 *
 * The .json must be there once the chain or the twin is: a file that someone took away is no blank mark. */
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
/* Fills in signature (and, for SIGNER_SAME, the timestamp). Other verdicts leave the vote untouched. The extension of a precommit for a block is
 * signed, each time anew, if extension.data is not NULL: so it says that the chain has extensions, even for an empty one. */
enum signer_verdict signer_vote(struct signer *signer, struct vote *vote, struct span chain_id);
enum signer_verdict signer_proposal(struct signer *signer, struct proposal *proposal, struct span chain_id);
/* A prevote refused as SIGNER_CONFLICT was signed before, for something else, and may not have left us: the journal has no word of it when we died in
 * between, and the verdict on its block is another one now (our clock, an application that is not sure). It is our vote all the same, and without it
 * the round may never end. Fills in block id, timestamp and signature from the mark. false: the mark is of another place. Prevotes only: a precommit
 * goes with a lock. */
bool signer_marked_prevote(const struct signer *signer, struct vote *vote, struct span chain_id);
/* The last vote that was signed, as far as the mark tells it: without the validator's address and index. false: it was none, or of another chain. */
bool signer_marked_vote(const struct signer *signer, struct vote *vote, struct span chain_id);
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
/* Total; a signature comes with sign bytes or not at all; an unknown key is refused. */
bool signer_mark_parse(struct signer_mark_state *out, struct span json);
#define SIGNER_MARK_TEXT_SIZE 1024 /* holds any mark's text, NUL included */
size_t signer_mark_text(char *out, size_t capacity, const struct signer_mark_state *mark);

#endif
