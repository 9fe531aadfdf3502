/* What binds a locked validator, judged from votes: A1 (a prevote that the lock forbids) and A2 (a precommit without a polka).
 *
 * strict  precommit v at a, prevote x ≠ v (nil too) at b > a, and no polka for any y ≠ v (nil too) in a round strictly between.
 * comet   likewise, but a polka for y ≠ v of round b itself excuses too, if it is one without the accused's own prevote: that unlocks before it.
 * paper   precommit v at a, prevote x at b > a, x neither v nor nil, and no polka for x in a round from a to b − 1. */
#ifndef QUORATE_TENDERMINT_AUDIT_LOCK_H
#define QUORATE_TENDERMINT_AUDIT_LOCK_H

#include "tendermint/audit.h"

/* Is `prevote` forbidden after `precommit` (both of one validator, the precommit for a block, in an earlier round, the prevote for another thing)?
 * If not, *excuse_round is the round of the polka that allows it, −1 if the rule does not look at such a prevote at all. */
bool audit_lock_forbids(int32_t *excuse_round, const struct audit_votes *votes, enum audit_rule rule, const struct vote *precommit,
                        const struct vote *prevote);
/* The first pair that breaks the rule; false: none. */
bool audit_lock_broken(const struct vote **precommit, const struct vote **prevote, const struct audit_votes *votes, enum audit_rule rule,
                       uint32_t index);
/* The first precommit for a block without a polka for it in its round; false: none. */
bool audit_lock_unfounded(const struct vote **precommit, const struct audit_votes *votes, uint32_t index);

#endif
