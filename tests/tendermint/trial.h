/* A case for the audit, told in a few lines: validators with real keys, blocks by letter, who said what; then the judgement, the bundle and the third
 * party. Height 5 of "test-chain"; blocks a…y; nil is '0'. */
#ifndef QUORATE_TESTS_TENDERMINT_TRIAL_H
#define QUORATE_TESTS_TENDERMINT_TRIAL_H

#include "tendermint/audit_verify.h"
#include "tests/tendermint/signers.h"

enum { TRIAL_HEIGHT = 5, TRIAL_VOTES_MAX = 256 };

struct trial {
    struct arena arena;
    struct signers signers;
    enum audit_rule rule;
    bool deadline_passed;
    struct vote votes[TRIAL_VOTES_MAX], next_votes[TRIAL_VOTES_MAX];
    uint32_t vote_count, next_count;
    struct audit_header headers[64];
    uint32_t header_count;
    struct audit_proposal proposals[16];
    uint32_t proposal_count;
    struct audit_commit commits[2];
    uint32_t commit_count;
    struct audit_own_log logs[SIGNERS_MAX];
    struct span log_bytes[SIGNERS_MAX];
    uint32_t log_count;
    struct audit_commit links[8];
    uint32_t link_count;
    struct audit_trust trust;
    const struct valset *sets[8];
    uint32_t set_count;
    struct audit_votes l, next_l;
    struct audit_case audit;
    struct audit_report report;
    struct span bundle;
};

void trial_open(struct trial *trial, enum audit_rule rule, const int64_t *powers, uint32_t count);
void trial_close(struct trial *trial);
struct block_id trial_block(struct trial *trial, char letter);                                         /* of the height; its header is known */
struct block_id trial_block_on(struct trial *trial, char letter, int64_t height, const struct block_id *parent);
struct vote trial_vote(struct trial *trial, int32_t type, int64_t height, int32_t round, uint32_t index, const struct block_id *id);
void trial_say(struct trial *trial, int32_t type, int32_t round, const char *indexes, char letter);     /* "012": each of them */
void trial_say_next(struct trial *trial, int32_t type, int32_t round, const char *indexes, const struct block_id *id);
void trial_commit(struct trial *trial, int32_t round, const char *indexes, char letter);                /* their precommits, said too */
void trial_propose(struct trial *trial, int32_t round, uint32_t index, char letter);
/* A signed log of all that was said so far by or, for others, in `rounds` ("01": those only; NULL: all). */
void trial_log(struct trial *trial, uint32_t index, const char *rounds, bool complete);
void trial_judge(struct trial *trial);                     /* and the bundle, which the third party must find good and equal */
const char *trial_verify(struct trial *trial, struct audit_verified *out, struct span bundle); /* NULL: good */
void trial_reseal(struct span bundle);                     /* its checksum fits again */
const struct audit_finding *trial_finding(const struct trial *trial, uint32_t index); /* the first of this key; NULL */
char *trial_text(const struct trial *trial);               /* "E1 0, A1? 2": kinds and keys; static. "?" suspect, "!" by log, "." silence, "ok" cleared, "~" set */

#endif
