/* What a query asks of the index: its conditions sorted by what they are about. */
#ifndef QUORATE_LEDGER_SEARCH_PLAN_H
#define QUORATE_LEDGER_SEARCH_PLAN_H

#include "ledger/search.h"

#define SEARCH_CONDITIONS_MAX (QUERY_BYTES_MAX / 5) /* "a=1AND " and the like */

struct search_bound {
    const struct query_condition *condition; /* NULL: no bound */
    bool included;
};

struct search_range { /* of one tag: the last bound of each side counts */
    struct span tag;
    struct search_bound low, high;
};

struct search_plan {
    bool finds_nothing;
    const struct query_condition *hash; /* tx.hash: nothing else counts */
    int64_t low, high;                  /* heights, both included */
    bool by_height;                     /* no condition is about events */
    uint32_t equal_count, other_count, range_count, height_count;
    const struct query_condition *equals[SEARCH_CONDITIONS_MAX]; /* = */
    const struct query_condition *others[SEARCH_CONDITIONS_MAX]; /* EXISTS, CONTAINS */
    struct search_range ranges[SEARCH_CONDITIONS_MAX];
    const struct query_condition *heights[SEARCH_CONDITIONS_MAX]; /* EXISTS, CONTAINS of the height's tag */
};

/* low, high: the heights that the index has. */
void search_plan_make(struct search_plan *plan, enum index_kind kind, const struct query *query, int64_t low, int64_t high);
/* Whether a value is a number, as a whole, within the range. */
bool search_plan_in_range(const struct search_range *range, struct span value);
bool search_plan_height_fits(const struct search_plan *plan, int64_t height);

#endif
