/* kvstore with vote extensions, for tests, simulations and mixed networks: the smallest application that needs all of them.
 *
 *   "extend=<height>"   a transaction that switches vote extensions on from that height on, where the rules allow it (0: takes that back)
 *   extensions          app_extender_text: a function of height and block, so that everybody can tell a right one from a wrong one
 *   "extended<h>=<n>"   the transaction that each proposer puts first: how many votes of the last height h came with a signed extension */
#ifndef QUORATE_LEDGER_APP_EXTENDER_H
#define QUORATE_LEDGER_APP_EXTENDER_H

#include "ledger/app.h"

#define APP_EXTENDER_BYTES_MAX 4096 /* of one extension */

struct app *app_extender_open(struct kv *kv);
/* The right extension: empty at every fifth height, some kilobytes at every seventh. Returns its size. */
size_t app_extender_text(uint8_t out[static APP_EXTENDER_BYTES_MAX], int64_t height, const struct digest *block_hash);

#endif
