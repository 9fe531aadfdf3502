/* All that is handed in to an audit, from whatever files, until it is judged: commits, blocks and validator sets as RPC shows them, evidence, journals
 * of ours and of CometBFT, signed logs, answers. What does not hold is dropped, counted with the reason, and never an end of it all. */
#ifndef QUORATE_NODE_DOCKET_H
#define QUORATE_NODE_DOCKET_H

#include "tendermint/audit_bundle.h"

#define DOCKET_BYTES_MAX        ((size_t)1024 * 1024 * 1024) /* of memory, for all */
#define DOCKET_FILE_BYTES_MAX   ((size_t)256 * 1024 * 1024)  /* of a file that is read whole; journals are read piece by piece, of any size */
#define DOCKET_SIGNED_MAX       65536
#define DOCKET_SETS_MAX         4096
#define DOCKET_ACCUSED_MAX      64
#define DOCKET_HEADERS_MAX      65536
#define DOCKET_PROPOSALS_MAX    4096
#define DOCKET_SOURCES_MAX      4096
#define DOCKET_REFUSALS_MAX     8

struct docket_source { /* what became of one file or folder */
    char name[256];
    uint64_t votes, kept; /* read; new to the audit */
    uint64_t dropped[AUDIT_NOTES];
    uint64_t proposals, headers, records, damaged_bytes;
    char note[400]; /* "" or what is to be told of it */
    bool unused; /* was to tell of commits or validators, or to be executed, and could not be used */
};

struct docket_refusal { /* a commit of the height that does not count */
    struct block_id id;
    const char *why;
};

struct docket {
    struct arena arena;
    char chain_id[VOTE_CHAIN_ID_BYTES_MAX + 1];
    struct audit_trust trust;
    enum audit_rule rule;
    bool has_comet_log; /* a journal that CometBFT wrote was handed in: its honest nodes may do what the rule strict forbids */
    int64_t height;

    struct valset *sets; /* arrays of room; the first is the genesis' or the trusted one */
    const struct valset **set_list;
    struct digest *set_hashes;
    uint32_t set_count;
    struct audit_commit *signed_headers;
    uint32_t signed_count;
    struct docket_accused { /* blocks that evidence of attacks on light clients shows */
        struct audit_commit block;
        struct docket_source *source;
    } accused[DOCKET_ACCUSED_MAX];
    uint32_t accused_count;
    struct docket_attack { /* all that it showed, wherever they were counted since */
        int64_t height;
        struct digest hash;
    } attacks[DOCKET_ACCUSED_MAX];
    uint32_t attack_count;
    struct audit_header *headers;
    uint32_t header_count;
    struct audit_proposal *proposals;
    uint32_t proposal_count;
    struct docket_source *sources;
    uint32_t source_count;
    struct validator *page_members; /* of a set that comes in pages */
    uint32_t page_count;
    int64_t page_height;

    /* from docket_settle on */
    struct audit_commit *links;
    uint32_t link_count;
    const struct audit_commit *commits[2];
    struct docket_refusal refusals[DOCKET_REFUSALS_MAX]; /* of blocks that none of commits[] is for */
    uint32_t refusal_count;
    const struct audit_commit *other_branch; /* its block names another parent than the one commit of the height is for; NULL: none such was given */
    const struct valset *set, *next_set;
    struct digest set_hash;
    struct audit_votes votes, next_votes;
    struct audit_own_log *own_logs;
    struct span *own_bytes;
    uint32_t own_count, own_capacity;

    const char *application; /* by whose rules headers were judged; a loan of the rerun; NULL: none */
    struct span *blocks;     /* for the bundle: from the first to below the height */
    uint32_t block_count;

    struct address *asked; /* NULL: all suspects were asked */
    uint32_t asked_count;

    /* from docket_judge on */
    struct audit_case audit;
    struct audit_report report;
    struct span bundle;
};

void docket_init(struct docket *docket, enum audit_rule rule, struct span chain_id);
void docket_close(struct docket *docket);
void docket_trust(struct docket *docket, int64_t height, const struct valset *set); /* the set of height + 1 */

/* First: what tells commits, headers and sets. */
struct docket_source *docket_source(struct docket *docket, const char *name);
void docket_add_signed(struct docket *docket, struct docket_source *source, const struct header *header, const struct commit *commit);
bool docket_add_set(struct docket *docket, struct valset *set); /* takes its content; false: no room */
void docket_add_header(struct docket *docket, const struct header *header);
/* A JSON answer of /commit, /block, /validators or /header, whole or only its result; or evidence. false: the note says why. */
bool docket_add_json(struct docket *docket, struct docket_source *source, struct span text);

const struct valset *docket_find_set(const struct docket *docket, const struct digest *hash); /* NULL: not among them */
/* Does a signed header follow from what is trusted, as the third party will see it (audit_bundle.h)? NULL: yes; else why not. */
const char *docket_follows(const struct docket *docket, const struct audit_trust *trust, const struct audit_commit *one);
int64_t docket_choose_height(struct docket *docket); /* the lowest height with two commits, else the highest with one; 0: none */

/* Then: which height (0: docket_choose_height), which commits, which set. NULL: good; else what is missing, malloc'ed. */
char *docket_settle(struct docket *docket, int64_t height);

/* Then: who said what. */
void docket_add_vote(struct docket *docket, struct docket_source *source, const struct vote *vote);
void docket_add_proposal(struct docket *docket, struct docket_source *source, const struct proposal *proposal);
void docket_add_log(struct docket *docket, struct docket_source *source, struct span bytes); /* audit_log.h; kept as its signer's own if it is */
bool docket_add_evidence(struct docket *docket, struct docket_source *source, struct span json);
void docket_add_json_evidence(struct docket *docket, struct docket_source *source, struct span text); /* of what docket_add_json took before */
/* A journal's file, or all files of a folder (`wal`, `wal.000` …), ours or CometBFT's. */
void docket_add_journal(struct docket *docket, const char *path);
void docket_add_items(struct docket *docket, struct docket_source *source, struct span items); /* without a manifest: votes of anybody's log */
bool docket_is_log(struct span bytes); /* looks like audit_log.h */

/* Then: which headers of the height contradict the blocks of a home. The rerun must outlive docket_judge. */
struct rerun;
void docket_rerun(struct docket *docket, struct docket_source *source, struct rerun *rerun);

void docket_add_asked(struct docket *docket, const struct address *who); /* from the first call on, nobody else was; NULL: nobody yet */

/* At last. NULL: good; the bundle is there unless no commit is. */
char *docket_judge(struct docket *docket, bool deadline_passed);
bool docket_is_fork(const struct docket *docket);
bool docket_is_whole(const struct docket *docket); /* no commit or set that was handed in had to be passed over */

#endif
