/* The ledger as it stood after one height: immutable, counted, for a thread beside the one that owns the ledger. A view keeps the store from giving
 * back what was overwritten since: hold one for a question, not for ever. */
#ifndef QUORATE_LEDGER_VIEW_H
#define QUORATE_LEDGER_VIEW_H

#include <stdatomic.h>

#include "ledger/ledger.h"

struct view {
    /* For the reading functions of store.c only: kv is a snapshot; state, base and settings are of its height. No application, no pending evidence. */
    struct ledger ledger;
    atomic_uint holders;
};

/* On the thread of the ledger. While a group gathers (block sync), the view shows the last height that was handed on. */
struct view *view_new(const struct ledger *ledger);
/* On any thread. The functions of store.c may be called by one holder at a time only where they write into the caller's arena; the store itself is shared. */
struct view *view_hold(struct view *view);
void view_release(struct view *view); /* NULL is allowed */

#endif
