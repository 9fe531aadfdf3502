/* Compaction of ranges on a thread of its own, one after the other, in pieces, so that whoever asked goes on and a stop need not wait for long. */
#ifndef QUORATE_LEDGER_KV_SWEEP_H
#define QUORATE_LEDGER_KV_SWEEP_H

#include "crypto/span.h"

#define KV_SWEEP_RANGES_MAX 16 /* that wait; one more is passed over: whoever prunes will ask again */

struct kv_sweep;

typedef void kv_sweep_compact(void *context, struct span from, struct span to); /* on the thread */

struct kv_sweep *kv_sweep_new(kv_sweep_compact *compact, void *context);
void kv_sweep_free(struct kv_sweep *sweep); /* waits for the piece under way, not for the rest; NULL allowed */
/* In so many pieces of about equal width. A range that waits already is not added again. false: too many wait. */
bool kv_sweep_add(struct kv_sweep *sweep, struct span from, struct span to, uint32_t pieces);
void kv_sweep_wait(struct kv_sweep *sweep); /* until nothing is left: for tests, and for tools */

#endif
