/* A plan, carried out: the network is born, transactions flow, faults begin and end, all is healed, and then everything must go on. */
#ifndef QUORATE_NODE_SIM_RUN_H
#define QUORATE_NODE_SIM_RUN_H

#include "node/sim_check.h"
#include "node/sim_trace.h"

struct sim_result {
    char complaint[512]; /* "": all held */
    char note[256];
    bool forked;         /* beyond a third only */
    int64_t heights;     /* of the chain */
    int64_t virtual_ms, recovery_ms; /* recovery: from the healing until all went on */
    uint64_t messages, deaths, drops, txs, events;
    uint32_t faults, refusals; /* how often a node stopped by itself and said so */
    uint32_t by_kind[SIM_FAULT_KINDS]; /* faults that began */
    uint64_t counts[SIM_COUNTS];
    uint8_t trace[SHA256_BYTES];
};

struct sim_view { /* who else looks on; may be NULL functions */
    void *context;
    void (*begun)(void *context, struct sim *sim);
    struct sim_watch watch;
    void (*admitted)(void *context, uint32_t node, struct span tx);
};

void sim_run(struct sim_result *result, struct sim_plan *plan, FILE *trace /* NULL: unprinted */, const struct sim_view *view /* may be NULL */);

#endif
