#include "node/load_latency.h"

static size_t step_of(uint64_t us) {
    if (us < 128)
        return (size_t)us;
    unsigned doubling = 63 - (unsigned)__builtin_clzll(us) - 6; /* ≥ 1: how often us halves to reach 64 … 127 */
    size_t step = 64 * (size_t)doubling + (size_t)(us >> doubling);
    return step < LOAD_LATENCY_STEPS ? step : LOAD_LATENCY_STEPS - 1;
}

static int64_t step_end(size_t step) {
    if (step < 128)
        return (int64_t)step;
    size_t doubling = step / 64 - 1;
    return (int64_t)(((step % 64 + 65) << doubling) - 1);
}

void load_latency_note(struct load_latency *latency, int64_t us) {
    if (us < 0)
        us = 0;
    latency->count++;
    latency->sum_us += (double)us;
    latency->steps[step_of((uint64_t)us)]++;
    if (us > latency->longest_us)
        latency->longest_us = us;
}

int64_t load_latency_at(const struct load_latency *latency, unsigned per_mille) {
    uint64_t rank = (latency->count * per_mille + 999) / 1000, seen = 0;
    if (rank == 0)
        rank = 1;
    for (size_t step = 0; step < LOAD_LATENCY_STEPS && latency->count > 0; step++) {
        seen += latency->steps[step];
        if (seen >= rank)
            return step_end(step) < latency->longest_us ? step_end(step) : latency->longest_us;
    }
    return latency->longest_us;
}

void load_latency_between(struct load_latency *out, const struct load_latency *later, const struct load_latency *earlier) {
    out->count = later->count - earlier->count;
    out->sum_us = later->sum_us - earlier->sum_us;
    out->longest_us = 0;
    for (size_t step = 0; step < LOAD_LATENCY_STEPS; step++) {
        out->steps[step] = later->steps[step] - earlier->steps[step];
        if (out->steps[step] > 0)
            out->longest_us = step_end(step);
    }
}

double load_latency_mean_us(const struct load_latency *latency) {
    return latency->count == 0 ? 0 : latency->sum_us / (double)latency->count;
}
