#include <stdlib.h>

#include "tendermint/commit.h"

static int by_time(const void *a, const void *b) {
    return timestamp_compare(&((const struct commit_weighted_time *)a)->time, &((const struct commit_weighted_time *)b)->time);
}

struct timestamp commit_weighted_median(struct commit_weighted_time *times, size_t count, int64_t total) {
    int64_t left = total / 2;
    if (count > 0)
        qsort(times, count, sizeof times[0], by_time);
    for (size_t i = 0; i < count; i++) {
        if (left <= times[i].weight)
            return times[i].time;
        left -= times[i].weight;
    }
    return TIMESTAMP_ZERO;
}

/* Whose votes move the clock. From 0.40 on only those that justify the block do (wound 43). */
static bool counts(const struct commit_sig *sig, bool count_nil) {
    return count_nil ? sig->flag != COMMIT_ABSENT : sig->flag == COMMIT_FOR_BLOCK;
}

/* In a verified commit entry i is validator i; only a foreign one is looked for. */
static int32_t signer(const struct valset_index *index, const struct commit_sig *sig, uint32_t i) {
    if (i < index->set->count && address_equal(&index->set->validators[i].address, &sig->validator_address))
        return (int32_t)i;
    return valset_index_find(index, &sig->validator_address);
}

struct timestamp commit_median_time(const struct commit *commit, const struct valset *set, bool count_nil, struct arena *arena) {
    struct commit_weighted_time *times = arena_take(arena, commit->count, sizeof times[0]);
    if (times == NULL)
        return TIMESTAMP_ZERO;
    struct valset_index index;
    valset_index_init(&index, set);
    int64_t total = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < commit->count; i++) {
        const struct commit_sig *sig = &commit->sigs[i];
        int32_t member = counts(sig, count_nil) ? signer(&index, sig, i) : -1;
        if (member < 0)
            continue;
        times[count++] = (struct commit_weighted_time){sig->timestamp, set->validators[member].power};
        if (__builtin_add_overflow(total, set->validators[member].power, &total))
            total = INT64_MAX; /* only repeated entries, which no verified commit has, lead here */
    }
    valset_index_close(&index);
    return commit_weighted_median(times, count, total);
}
