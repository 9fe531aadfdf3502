/* The third party: is what a bundle (audit_bundle.h) says true? A pure function of the bundle and of what is trusted to begin with. It shares no
 * code with the audit that made the bundle, only the basics: signatures, the shapes of votes, headers and commits, and their hashes. What it
 * cannot see for itself, that somebody kept silent or that nobody has a polka, it gives as the reporter's word. To be read from the end. */
#ifndef QUORATE_TENDERMINT_AUDIT_VERIFY_H
#define QUORATE_TENDERMINT_AUDIT_VERIFY_H

#include "tendermint/audit_bundle.h"

struct audit_verified_statement {
    enum audit_kind kind;
    enum audit_status status;
    struct address who;
    int64_t height;
    int64_t power;
    int32_t round_a, round_b;        /* of what was signed; −1: nothing */
    struct block_id block_a, block_b;
};

struct audit_verified {
    struct span chain_id; /* a loan of the bundle */
    int64_t height;
    enum audit_rule rule;
    struct audit_trust trust;  /* what it was built on, and what was demanded */
    uint32_t link_count;
    bool is_fork;              /* two commits, both good */
    struct block_id blocks[2];
    int32_t rounds[2];
    int64_t total_power, next_total_power;
    int64_t proven_power, by_log_power, next_proven_power; /* seen */
    int64_t by_silence_power, suspect_power, set_power;    /* the reporter's word */
    bool third_seen;           /* proven and by log: more than a third */
    bool third_said;           /* with those said to be silent */
    struct audit_verified_statement *statements; /* memory of the arena */
    uint32_t statement_count;
};

/* NULL: all of it holds. Else a static text says what does not, and *offset where the record begins. */
const char *audit_verify(struct audit_verified *out, size_t *offset, struct span bundle, const struct audit_trust *trust, struct span chain_id,
                         struct arena *arena);

#endif
