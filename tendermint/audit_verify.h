/* The third party: is what a bundle (audit_bundle.h) says true? A pure function of the bundle and of what is trusted to begin with. It shares no
 * code with the audit that made the bundle, only the basics: signatures, the shapes of votes, headers and commits, and their hashes. What it
 * cannot see for itself, that somebody kept silent or that nobody has a polka, it gives as the reporter's word. To be read from the end. */
#ifndef QUORATE_TENDERMINT_AUDIT_VERIFY_H
#define QUORATE_TENDERMINT_AUDIT_VERIFY_H

#include "tendermint/audit_bundle.h"

/* For statements E5 that no two headers show. Whoever verifies brings it, for no application runs in this room, and says by whose rules: with another
 * application than the chain's own anybody could be accused. */
struct audit_reexecution {
    void *context;
    struct span application;
    /* Runs the blocks (loans, all from the first on; none: the context has them) up to the header's parent. NULL: *wrong (static) tells what the header
     * says that is not so, or is NULL. Else why that cannot be told (static). Asked about several headers with the same blocks. */
    const char *(*judge)(void *context, const char **wrong, const struct span *blocks, uint32_t block_count, const struct header *header);
};

struct audit_verified_statement {
    enum audit_kind kind;
    enum audit_status status;
    struct address who;
    int64_t height;
    int64_t power;
    int32_t round_a, round_b;        /* of what was signed; −1: nothing */
    struct block_id block_a, block_b;
    const char *wrong; /* E5 by re-execution: what the header says that is not so; static */
};

struct audit_verified {
    struct span chain_id; /* a loan of the bundle */
    int64_t height;
    enum audit_rule rule;
    struct audit_trust trust;  /* what it was built on, and what was demanded */
    uint32_t link_count;
    bool is_fork;              /* two commits, both good */
    bool light_attack;         /* the reporter's word: light clients were shown another block of the height */
    struct block_id blocks[2];
    int32_t rounds[2];
    int64_t total_power, next_total_power;
    int64_t proven_power, by_log_power, next_proven_power; /* seen */
    int64_t by_silence_power, suspect_power, set_power;    /* the reporter's word */
    bool third_seen;           /* proven and by log: more than a third */
    bool third_said;           /* with those said to be silent */
    struct audit_verified_statement *statements; /* memory of the arena */
    uint32_t statement_count;
    struct span application; /* a loan of the bundle; empty: nothing is by re-execution */
};

/* NULL: all of it holds. Else a static text says what does not, and *offset where the record begins. Without `reexecution` (NULL) a statement that
 * needs it does not hold. */
const char *audit_verify(struct audit_verified *out, size_t *offset, struct span bundle, const struct audit_trust *trust, struct span chain_id,
                         const struct audit_reexecution *reexecution, struct arena *arena);

#endif
