/* The simulator's store: memory behind it, and what disks do to a store: it is full, it cannot be read, single values are damaged. LevelDB keeps a
 * checksum over every block, so a flipped bit is found by whoever reads it: here too, by the failure handler. */
#ifndef QUORATE_NODE_SIM_STORE_H
#define QUORATE_NODE_SIM_STORE_H

#include "ledger/kv.h"

struct kv *sim_store_new(struct kv_failure failure);

enum sim_store_break {
    SIM_STORE_FULL,     /* the write changes nothing */
    SIM_STORE_IO_ERROR, /* likewise; reads are calls and fail, too */
    SIM_STORE_DEATH,    /* its log may have the batch, or not: what sim_store_crash keeps */
};
/* The `calls`-th call from now (1: the next; 0: none) calls the failure handler; if it `stays` so does every one after it, crash or not. */
void sim_store_break(struct kv *store, enum sim_store_break how, uint32_t calls, bool stays);
/* As LevelDB does when it is opened: what is there becomes durable. */
void sim_store_reopen(struct kv *store);
/* Of the batches since the last synced one the first `keep` survive. *kept may be NULL. Returns how many were lost. */
uint32_t sim_store_crash(struct kv *store, uint32_t keep, uint32_t *kept);
void sim_store_freeze(struct kv *store, bool frozen); /* nothing fails: whoever looks now is dead */
void sim_store_damage(struct kv *store, uint64_t chance); /* one value, chosen by it; none of an empty store */
void sim_store_mend(struct kv *store);                    /* damage and breaks */

#endif
