/* Many seeds, each in a process of its own on every core, so that an assertion that fails is a finding and not the end. Failing seeds are shrunk: fewest
 * faults, then fewest heights. */
#ifndef QUORATE_NODE_SIM_FARM_H
#define QUORATE_NODE_SIM_FARM_H

#include "node/sim_run.h"

struct sim_farm_wish {
    uint64_t first, count; /* count 0: until the time is up */
    int64_t seconds;       /* of the wall; 0: no bound */
    int64_t cpu_seconds;   /* of all seeds together; 0: no bound */
    uint32_t jobs;         /* 0: one per core */
    bool real_crypto;
    bool skips_large;      /* of 30 nodes and more */
    bool is_silent;        /* no progress lines */
    bool wants_all;        /* a fault, lie or kind of network that never came to pass is a failure, too */
    bool is_impatient;     /* ends at the first failure */
    const struct sim_roads *matrix; /* for seeds with a matrix of regions; a loan; NULL: the one of sim_roads_init */
    const char *seeds_file; /* failing seeds are appended to it; NULL: not */
};

/* Runs them; prints progress, failures and the sums. How many failed. */
uint64_t sim_farm_run(const struct sim_farm_wish *wish);
/* Every line of a seeds file: `N keep=LIST heights=H`, and perhaps ` real-crypto`; # begins a comment. How many failed; −1 with *error malloc'ed: a line is
 * none, or its list is not of the seed's faults. */
int64_t sim_farm_replay(const char *file, uint32_t jobs, char **error);
/* "none" or the numbers of the faults that are kept, with commas. false: that is no list of the plan's faults, and who is left out is undefined. */
bool sim_farm_keep(struct sim_plan *plan, const char *list);

#endif
