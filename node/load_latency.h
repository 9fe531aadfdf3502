/* Durations as a histogram of fixed size: microseconds exact up to 127, above within 0.8 % (64 steps per doubling), as HDR histograms do
 * it. Percentiles are the upper end of the step that holds the rank, never below the true value; the longest is exact. */
#ifndef QUORATE_NODE_LOAD_LATENCY_H
#define QUORATE_NODE_LOAD_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LOAD_LATENCY_STEPS 2048 /* reaches beyond two hours; longer ones count in the last */

struct load_latency {
    uint64_t count;
    int64_t longest_us;
    double sum_us;
    uint32_t steps[LOAD_LATENCY_STEPS];
};

void load_latency_note(struct load_latency *latency, int64_t us); /* negative counts as 0 */
/* The smallest recorded duration that at least `per_mille` of all do not pass (nearest rank); 0 when there are none. */
int64_t load_latency_at(const struct load_latency *latency, unsigned per_mille);
/* What was noted between two copies of one histogram; the longest is then the longest step's end. */
void load_latency_between(struct load_latency *out, const struct load_latency *later, const struct load_latency *earlier);
double load_latency_mean_us(const struct load_latency *latency);

#endif
