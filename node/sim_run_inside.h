/* A plan's run from inside, shared by sim_run.c and sim_faults.c only. */
#ifndef QUORATE_NODE_SIM_RUN_INSIDE_H
#define QUORATE_NODE_SIM_RUN_INSIDE_H

#include "node/sim_byzantine.h"
#include "node/sim_run.h"

struct run {
    struct sim_plan *plan;
    struct sim_result *result;
    struct sim *sim;
    struct sim_trace trace;
    struct sim_load load;
    struct sim_check *check;
    const struct sim_view *view;
    struct sim_chance chance;
    struct sim_liar *liars[SIM_PLAN_FAULTS_MAX];
    int64_t next_tx_us;
    int64_t flap_ms[SIM_PLAN_FAULTS_MAX];   /* when its links die next */
    bool begun[SIM_PLAN_FAULTS_MAX], ended[SIM_PLAN_FAULTS_MAX];
    bool stays_down[SIM_NODES_MAX];
    bool is_absent[SIM_NODES_MAX]; /* a twin that is left out is not there at all */
};

/* sim_faults.c */
void sim_faults_begin(struct run *run, uint32_t index); /* of the plan's faults */
void sim_faults_end(struct run *run, uint32_t index);
void sim_faults_flap(struct run *run, uint32_t index);
void sim_faults_start(struct run *run, uint32_t node); /* unless it is to stay down; it may refuse, or die in it */

#endif
