/* The rotation of proposers (cometbft: types/validator_set.go; protocol.md §2). Every step is int64 arithmetic as Go does
 * it: sums saturate, quotients truncate, and what wraps there wraps here. */
#include <assert.h>

#include "tendermint/valset.h"

static int64_t add_clip(int64_t a, int64_t b) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int64_t sub_clip(int64_t a, int64_t b) {
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference))
        return b > 0 ? INT64_MIN : INT64_MAX;
    return difference;
}

int64_t valset_average_priority(const struct valset *set) {
    assert(set->count > 0);
    __int128 sum = 0;
    for (uint32_t i = 0; i < set->count; i++)
        sum += set->validators[i].priority;
    __int128 average = sum / set->count;
    return (int64_t)(average - (sum % set->count < 0));
}

void valset_centre(struct valset *set) {
    int64_t average = valset_average_priority(set);
    for (uint32_t i = 0; i < set->count; i++)
        set->validators[i].priority = sub_clip(set->validators[i].priority, average);
}

/* The distance between the extremes; a distance beyond int64 wraps and loses its sign, as there. */
static int64_t spread(const struct valset *set) {
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint32_t i = 0; i < set->count; i++) {
        int64_t priority = set->validators[i].priority;
        low = priority < low ? priority : low;
        high = priority > high ? priority : high;
    }
    uint64_t difference = (uint64_t)high - (uint64_t)low;
    return (int64_t)((int64_t)difference < 0 ? 0 - difference : difference);
}

void valset_rescale(struct valset *set, int64_t diff_max) {
    assert(set->count > 0);
    int64_t diff = spread(set);
    if (diff_max <= 0 || diff <= diff_max)
        return;
    int64_t ratio = (int64_t)((uint64_t)diff + (uint64_t)diff_max - 1) / diff_max;
    if (ratio == 0 || ratio == -1) /* only a limit near int64's own end leads here; no validator set has it */
        return;
    for (uint32_t i = 0; i < set->count; i++)
        set->validators[i].priority /= ratio;
}

static bool goes_before(const struct validator *a, const struct validator *b) {
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return address_compare(&a->address, &b->address) < 0;
}

int32_t valset_find_proposer(const struct valset *set) {
    int32_t best = set->count == 0 ? -1 : 0;
    for (uint32_t i = 1; i < set->count; i++)
        if (goes_before(&set->validators[i], &set->validators[best]))
            best = (int32_t)i;
    return best;
}

static void advance(struct valset *set) {
    for (uint32_t i = 0; i < set->count; i++)
        set->validators[i].priority = add_clip(set->validators[i].priority, set->validators[i].power);
    set->proposer = valset_find_proposer(set);
    struct validator *proposer = &set->validators[set->proposer];
    proposer->priority = sub_clip(proposer->priority, set->total_power);
}

/* Rescaled and centred once per call, not per turn: increment(2) may differ from two times increment(1). */
void valset_increment(struct valset *set, int32_t times) {
    assert(set->count > 0);
    assert(times > 0);
    valset_rescale(set, 2 * set->total_power);
    valset_centre(set);
    for (int32_t i = 0; i < times; i++)
        advance(set);
}
