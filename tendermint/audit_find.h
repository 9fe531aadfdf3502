/* What convicts by itself, looked for among the votes, proposals and headers of a case. Each gives the first in the case's order; false: none. */
#ifndef QUORATE_TENDERMINT_AUDIT_FIND_H
#define QUORATE_TENDERMINT_AUDIT_FIND_H

#include "tendermint/audit.h"

bool audit_find_double_vote(const struct vote **a, const struct vote **b, const struct audit_votes *votes, uint32_t index);
/* The two precommits in commits of one round. */
bool audit_find_commits_of_one_round(const struct vote **a, const struct vote **b, const struct audit_case *audit, uint32_t index);
bool audit_find_double_proposal(const struct proposal **a, const struct proposal **b, const struct audit_case *audit, uint32_t index);
bool audit_find_two_parents(const struct vote **a, const struct vote **b, const struct header **of_a, const struct header **of_b,
                            const struct audit_case *audit, const struct audit_votes *votes, uint32_t index);
/* *parent is what it contradicts, or NULL and *wrong tells what re-execution found. */
bool audit_find_bad_header(const struct vote **vote, const struct header **header, const struct header **parent, const char **wrong,
                           const struct audit_case *audit, const struct audit_votes *votes, uint32_t index);
const struct header *audit_find_header(const struct audit_case *audit, const struct block_id *id); /* NULL: not known */

#endif
