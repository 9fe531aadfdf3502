/* Fork accountability: who broke which rule, from signed votes alone (design: accountability.md; README.md "Who forked").
 *
 * What can be held against a key:
 *   E1 two votes of one height, round and type       E2 two proposals of one height and round
 *   E3 two commits of one round (E1 in bulk)         E4 votes for two blocks with different parents, at one height
 *   E5 a vote for a header that contradicts the parent which it names itself, or what all blocks up to that parent give when they are executed
 *   A1 a prevote that the lock forbids (amnesia)     A2 a precommit without a polka
 * E1 to E5 stand alone. A1 and A2 are about the absence of a polka, so they convict only by the accused's own complete and signed
 * log, or because it did not answer until the deadline (never A2 of round 0: nobody is bound to keep what was undisputed). A verdict is about a key, never about why. */
#ifndef QUORATE_TENDERMINT_AUDIT_H
#define QUORATE_TENDERMINT_AUDIT_H

#include "tendermint/audit_votes.h"
#include "tendermint/header.h"

enum audit_rule { /* what binds a locked validator; an audit is for one of them */
    AUDIT_STRICT = 0, /* ours: a lock is kept until a newer polka for something else; none of the current round before our own prevote of it */
    AUDIT_COMET = 1,  /* CometBFT's; and chains on which both kinds of node validate */
    AUDIT_PAPER = 2,  /* the paper's (arXiv 1807.04938, line 28): another block only with a polka for that block not older than the lock */
};
const char *audit_rule_text(enum audit_rule rule);
bool audit_rule_parse(enum audit_rule *rule, struct span text);

enum audit_kind { AUDIT_E1 = 1, AUDIT_E2, AUDIT_E3, AUDIT_E4, AUDIT_E5, AUDIT_A1, AUDIT_A2, AUDIT_SET };
const char *audit_kind_text(enum audit_kind kind);   /* "E1", … */
const char *audit_kind_phrase(enum audit_kind kind); /* "two votes of one round", … */

enum audit_status { /* of one key; the first that holds */
    AUDIT_PROVEN = 1,           /* E1 … E5 */
    AUDIT_CONVICTED_BY_LOG,     /* A1, A2, by its own complete log */
    AUDIT_CONVICTED_BY_SILENCE, /* A1, A2, and no answer that justifies it until the deadline */
    AUDIT_SUSPECT,              /* A1, A2 as far as we know: to be asked */
    AUDIT_SET_ONLY,             /* one of some of whom so much power must be guilty */
    AUDIT_CLEARED,              /* was asked for, or looked like it; a polka justifies it */
};
const char *audit_status_text(enum audit_status status); /* "PROVEN", … */

struct audit_finding {
    enum audit_kind kind;
    enum audit_status status;
    struct address who;
    int64_t power;         /* in the set of the height of the offence */
    const struct vote *a;  /* E1, E3: the two; E4, E5: for X and Y; A1: precommit and prevote; A2: the precommit */
    const struct vote *b;
    const struct proposal *proposals[2]; /* E2 */
    const struct header *headers[2];     /* E4: of a's and b's block; E5: the header and its parent, or NULL by re-execution; A1, A2 by log: of a's block */
    const char *wrong;                   /* E5 by re-execution: what the header says that is not so */
    int32_t log;           /* by log: its number in audit_case.logs; else −1 */
    int32_t excuse_round;  /* CLEARED: of the polka */
};

/* A signed header that claims to be decided. */
struct audit_commit {
    struct block_id id; /* of the header */
    struct header header;
    struct commit commit;
};

/* A log that a validator signed as its own and complete for the height (tendermint/audit_log.h); its votes are in audit_case.votes as well. */
struct audit_own_log {
    struct address who;
    struct audit_votes votes;
};

struct audit_proposal {
    struct proposal proposal;
    uint32_t index; /* of the validator in the set, whose signature is good */
};

/* In the order that audit_case wants: by validator, round, block; the same one once. Returns how many are left. */
uint32_t audit_proposals_sort(struct audit_proposal *proposals, uint32_t count);

struct audit_header {
    struct digest hash;
    struct header header;
    const char *wrong; /* static: what it says that is not so, found by executing the blocks before it; NULL: nothing, or not looked at */
};
void audit_headers_sort(struct audit_header *headers, uint32_t count); /* by hash */

struct audit_case { /* all loans */
    enum audit_rule rule;
    int64_t height;
    struct span chain_id;
    const struct valset *set;            /* of the height */
    struct digest set_hash;              /* valset_hash of it */
    const struct audit_commit *commits[2]; /* for two blocks, both verified; NULL: no fork is known */
    struct audit_votes *votes;           /* L: all that was signed at the height, those of the commits included; sealed */
    struct audit_votes *next_votes;      /* likewise at height + 1; NULL: none */
    const struct audit_proposal *proposals; /* sorted */
    uint32_t proposal_count;
    const struct audit_header *headers;  /* of whatever blocks are known, any height; sorted */
    uint32_t header_count;
    const struct audit_own_log *logs;
    uint32_t log_count;
    bool light_attack;                   /* light clients were shown another block of the height than the chain's */
    bool deadline_passed;                /* those who were asked had their time */
    const struct address *asked;         /* who they are; NULL: all. Nobody else is convicted by silence */
    uint32_t asked_count;
};

struct audit_report { /* memory of the arena */
    struct audit_finding *findings; /* by address, then kind: one of a kind and key. Then CLEARED and SET_ONLY ones */
    uint32_t count;
    int64_t total_power, next_total_power;
    int64_t proven_power, by_log_power, by_silence_power, suspect_power; /* of the height's set; each key once, under its best status */
    int64_t next_proven_power;      /* E4: in the set of height + 1 */
    bool third_reached;             /* proven, by log and by silence together pass a third: at the height, or by E4 at the next */
    bool has_polka;                 /* r*: the least round after the first commit with a polka for something else */
    int32_t polka_round;
    struct block_id polka_id;
    int64_t set_power, set_guilty_power; /* of the SET_ONLY ones, and how much of it is guilty at least; 0: no such statement */
};

/* false: the arena is too small. The order of whatever was put in does not matter. */
bool audit_judge(struct audit_report *report, const struct audit_case *audit, struct arena *arena);
/* More than a third of total. */
bool audit_passes_third(int64_t power, int64_t total);

#endif
