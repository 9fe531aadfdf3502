/* A store before a store, which can gather batches and write them as one, synced: for block sync, which applies many heights in a second and
 * signs nothing meanwhile. Each batch stays whole, and so does their order: a crash leaves either all of a group or nothing of it, so heads only
 * grow and a lost height is fetched again. Whoever reads through it sees what is gathered.
 *
 * Everybody who writes must come through it (the ledger and its application do). Without holding it hands on everything at once. The functions
 * below do nothing when the store is of another kind. */
#ifndef QUORATE_LEDGER_KV_GROUP_H
#define QUORATE_LEDGER_KV_GROUP_H

#include "ledger/kv.h"

#define KV_GROUP_BYTES_MAX (4 * 1024 * 1024) /* gathered, above which they are written */

struct kv *kv_group_over(struct kv *behind); /* a loan; kv_close writes what is gathered */
void kv_group_hold(struct kv *kv, bool hold); /* false: what is gathered is written first */
void kv_group_write(struct kv *kv);
uint32_t kv_group_count(const struct kv *kv); /* batches gathered */
void kv_group_drop(struct kv *kv); /* forgets what is gathered, as a crash does */

#endif
