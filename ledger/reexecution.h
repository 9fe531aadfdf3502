/* A chain run again, from its genesis, in memory: what the header after a block must say. For auditors, who believe no node's state.
 *
 * The blocks are believed because of who names them: a header names its parent by hash and parts, that one its own, down to the first, and the
 * genesis says what the first begins from. So whoever signed the header said that all of them are its chain, and nobody's agreement is needed. */
#ifndef QUORATE_LEDGER_REEXECUTION_H
#define QUORATE_LEDGER_REEXECUTION_H

#include "ledger/ledger.h"

struct reexecution;

/* One of our applications (app_open) and a genesis (its loans are kept). NULL with *error malloc'ed: no such application, or it refuses the genesis. */
struct reexecution *reexecution_begin(const char *application, const struct state_genesis *genesis, enum params_release release, char **error);
void reexecution_free(struct reexecution *run); /* NULL allowed */
/* The next block. NULL: done. Else what is wrong with it, static: it does not follow, or its header says something else than the blocks before it
 * give, so the application is not this chain's; nothing was done. */
const char *reexecution_step(struct reexecution *run, struct block *block);
/* What a header after the last block says that is not so (static); NULL: nothing. Of another parent: *is_of_it false, and NULL. */
const char *reexecution_judge(const struct reexecution *run, bool *is_of_it, const struct header *header);
/* Before two blocks nothing shows that the application is the one of the chain, and nobody may be accused. */
bool reexecution_is_confirmed(const struct reexecution *run);
const struct state *reexecution_state(const struct reexecution *run); /* a loan until the next step */

#endif
