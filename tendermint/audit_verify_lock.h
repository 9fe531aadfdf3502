/* The one question of audit_verify.c that takes counting: does the accused's own log, without the polka that its vote needed, convict it? */
#ifndef QUORATE_TENDERMINT_AUDIT_VERIFY_LOCK_H
#define QUORATE_TENDERMINT_AUDIT_VERIFY_LOCK_H

#include "tendermint/audit.h"
#include "tendermint/audit_log.h"

struct audit_verify_lock { /* loans */
    enum audit_rule rule;
    const struct valset *set;
    struct span chain_id;
    const struct vote *precommit;
    const struct vote *prevote; /* NULL: A2: the precommit itself needs a polka of its round */
};

/* The log holds the accused's own votes in question, so that it was not made before them, and no polka that allows them. A log that does not fit
 * into the arena convicts nobody. */
bool audit_verify_lock_convicts(const struct audit_verify_lock *lock, const struct audit_log *log, struct arena *arena);

#endif
