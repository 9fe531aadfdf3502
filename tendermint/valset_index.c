#define _GNU_SOURCE /* qsort_r */
#include <assert.h>
#include <stdlib.h>

#include "tendermint/valset.h"

static int by_address(const void *a, const void *b, void *validators) {
    const struct validator *all = validators;
    return address_compare(&all[*(const uint32_t *)a].address, &all[*(const uint32_t *)b].address);
}

void valset_index_init(struct valset_index *index, const struct valset *set) {
    *index = (struct valset_index){.set = set};
    if (set->count == 0)
        return;
    index->order = malloc(set->count * sizeof index->order[0]);
    assert(index->order != NULL);
    for (uint32_t i = 0; i < set->count; i++)
        index->order[i] = i;
    qsort_r(index->order, set->count, sizeof index->order[0], by_address, set->validators);
}

void valset_index_close(struct valset_index *index) {
    free(index->order);
    *index = (struct valset_index){0};
}

int32_t valset_index_find(const struct valset_index *index, const struct address *address) {
    uint32_t low = 0, high = index->set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, at = index->order[middle];
        int order = address_compare(&index->set->validators[at].address, address);
        if (order == 0)
            return (int32_t)at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}
