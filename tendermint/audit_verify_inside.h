/* The third party's own parts, shared by its own files only (audit_verify.c, _trust.c, _statement.c). */
#ifndef QUORATE_TENDERMINT_AUDIT_VERIFY_INSIDE_H
#define QUORATE_TENDERMINT_AUDIT_VERIFY_INSIDE_H

#include "tendermint/audit_verify.h"

enum { AUDIT_VERIFY_SETS_MAX = 4096, AUDIT_VERIFY_HEADERS_MAX = 65536, AUDIT_VERIFY_BLOCKS_MAX = 1 << 20 };

struct audit_verify_set {
    struct digest hash;
    struct valset set; /* the array is the arena's */
};

struct audit_verifier {
    struct audit_verified *out;
    struct arena *arena;
    struct span chain_id;     /* of whoever verifies */
    struct audit_trust trust; /* so far */
    struct audit_verify_set *sets;
    uint32_t set_count;
    struct audit_header *headers; /* those of the commits first */
    bool *header_used;
    uint32_t header_count, header_capacity;
    uint32_t commit_count;
    const struct valset *set;      /* of the height */
    const struct valset *next_set; /* of the one after; NULL: not told */
    struct audit_log *logs;
    uint32_t log_count, log_capacity;
    struct vote *polka;
    uint32_t polka_count;
    bool polka_used, *log_used;
    const struct audit_reexecution *reexecution; /* NULL: none */
    struct span *blocks;
    uint32_t block_count, block_capacity;
    bool reexecuted;
    const char *wrong; /* of the statement at hand */
    uint32_t statement_capacity;
};

/* Each takes a record's content; NULL: good, else what is wrong. */
const char *audit_verify_head(struct audit_verifier *verifier, struct span content);
const char *audit_verify_set(struct audit_verifier *verifier, struct span content);
const char *audit_verify_link(struct audit_verifier *verifier, struct span content);
const char *audit_verify_commit(struct audit_verifier *verifier, struct span content);
const char *audit_verify_header(struct audit_verifier *verifier, struct span content);
const char *audit_verify_polka(struct audit_verifier *verifier, struct span content);
const char *audit_verify_log(struct audit_verifier *verifier, struct span content);
const char *audit_verify_block(struct audit_verifier *verifier, struct span content);
const char *audit_verify_statement(struct audit_verifier *verifier, struct span content);

const char *audit_verify_nothing_idle(const struct audit_verifier *verifier); /* at the end: each header, log and polka bore something out */

/* What was read, written again, must be what stood there: so nothing can hide between the fields. */
bool audit_verify_is_canonical(const struct audit_verifier *verifier, struct span content,
                               void (*write)(struct proto_writer *writer, const void *thing), const void *thing);
const struct valset *audit_verify_find_set(const struct audit_verifier *verifier, const struct digest *hash);
/* A key of the set of that height; NULL: not a validator there. */
const struct validator *audit_verify_signer_of(const struct audit_verifier *verifier, const struct address *who, int64_t height);
const char *audit_verify_note_header(struct audit_verifier *verifier, const struct header *header);

#endif
