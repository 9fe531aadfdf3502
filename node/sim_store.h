/* The simulator's store: memory behind it, and single values that a disk has damaged. LevelDB keeps a checksum over every block, so a flipped bit
 * is found by whoever reads it: here too, by the failure handler. */
#ifndef QUORATE_NODE_SIM_STORE_H
#define QUORATE_NODE_SIM_STORE_H

#include "ledger/kv.h"

struct kv *sim_store_new(struct kv_failure failure);
struct kv *sim_store_memory(struct kv *store); /* for kv_memory_* */
void sim_store_damage(struct kv *store, uint64_t chance); /* one value, chosen by it; none of an empty store */
void sim_store_mend(struct kv *store);

#endif
