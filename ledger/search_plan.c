#include "ledger/search_plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static bool is_range(enum query_op op) { return op == QUERY_LT || op == QUERY_LE || op == QUERY_GT || op == QUERY_GE; }

static void bound(struct search_range *range, const struct query_condition *condition) {
    bool lower = condition->op == QUERY_GT || condition->op == QUERY_GE;
    struct search_bound *side = lower ? &range->low : &range->high;
    side->condition = condition;
    side->included |= condition->op == QUERY_GE || condition->op == QUERY_LE; /* `>= 3 AND > 5` is `>= 5` there */
}

static void add_range(struct search_plan *plan, const struct query_condition *condition) {
    uint32_t i = 0;
    while (i < plan->range_count && !span_equal(plan->ranges[i].tag, condition->tag))
        i++;
    if (i == plan->range_count)
        plan->ranges[plan->range_count++] = (struct search_range){.tag = condition->tag};
    bound(&plan->ranges[i], condition);
}

/* Cut to an integer as Float.Int64 does. false: no number. */
static bool whole_number(int64_t *out, const struct query_condition *condition) {
    struct query_number number;
    struct span text = condition->operand;
    bool all = text.size > 0;
    for (size_t i = 0, dots = 0; i < text.size; i++) {
        dots += text.data[i] == '.';
        all = all && ((text.data[i] >= '0' && text.data[i] <= '9') || (text.data[i] == '.' && dots == 1));
    }
    if (!all || !query_number_of(&number, text))
        return false;
    *out = 0;
    for (size_t i = 0; i < number.whole.size; i++)
        *out = *out > (INT64_MAX - 9) / 10 ? INT64_MAX / 2 : 10 * *out + (number.whole.data[i] - '0');
    return true;
}

/* ---- heights */

static void narrow_low(struct search_plan *plan, const struct search_bound *side) {
    int64_t height;
    if (side->condition == NULL)
        return;
    if (side->condition->type != QUERY_NUMBER || !whole_number(&height, side->condition)) {
        plan->finds_nothing = true;
        return;
    }
    if (!side->included || side->condition->number.fraction.size > 0)
        height++;
    if (height > plan->low)
        plan->low = height;
}

static void narrow_high(struct search_plan *plan, const struct search_bound *side) {
    int64_t height;
    if (side->condition == NULL)
        return;
    if (side->condition->type != QUERY_NUMBER || !whole_number(&height, side->condition)) {
        plan->finds_nothing = true;
        return;
    }
    if (!side->included && side->condition->number.fraction.size == 0)
        height--;
    if (height < plan->high)
        plan->high = height;
}

/* The first equality counts, and none beside any other condition on the height; one whose operand is no number is no condition. */
static void choose_height(struct search_plan *plan, enum index_kind kind, const struct query_condition *equal, const struct search_range *range,
                          bool others) {
    int64_t height;
    if (range->low.condition != NULL || range->high.condition != NULL || plan->height_count > 0) {
        narrow_low(plan, &range->low);
        narrow_high(plan, &range->high);
    } else if (equal != NULL && whole_number(&height, equal)) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, height);
        bool same = kind == INDEX_BLOCKS || span_equal(span_text(text), equal->operand);
        if (!others && !same) /* alone, the height is compared as a text there */
            plan->finds_nothing = true;
        if (height == 0 && others) /* and then 0 chooses all */
            return;
        plan->low = height > plan->low ? height : plan->low;
        plan->high = height < plan->high ? height : plan->high;
    } else if (!others) {
        plan->finds_nothing = true;
    }
}

static void sort_condition(struct search_plan *plan, const struct query_condition *condition) {
    assert(plan->equal_count + plan->other_count + plan->range_count < SEARCH_CONDITIONS_MAX);
    if (is_range(condition->op))
        add_range(plan, condition);
    else if (condition->op == QUERY_EQ)
        plan->equals[plan->equal_count++] = condition;
    else
        plan->others[plan->other_count++] = condition;
}

void search_plan_make(struct search_plan *plan, enum index_kind kind, const struct query *query, int64_t low, int64_t high) {
    *plan = (struct search_plan){.low = low, .high = high};
    struct search_range range = {.tag = span_text(INDEX_HEIGHT_TAG(kind))};
    const struct query_condition *equal = NULL;
    for (uint32_t i = 0; i < query->count; i++) {
        const struct query_condition *condition = &query->conditions[i];
        int64_t unused;
        if (kind == INDEX_TXS && plan->hash == NULL && span_equal(condition->tag, span_text("tx.hash")))
            plan->hash = condition;
        if (!span_equal(condition->tag, range.tag))
            sort_condition(plan, condition);
        else if (is_range(condition->op))
            bound(&range, condition);
        else if (condition->op != QUERY_EQ)
            plan->heights[plan->height_count++] = condition;
        else if (equal == NULL && whole_number(&unused, condition))
            equal = condition;
    }
    bool events = plan->equal_count + plan->other_count + plan->range_count > 0;
    plan->by_height = !events;
    choose_height(plan, kind, equal, &range, events);
    /* the height's own entries belong to no event, and those of blocks cannot be asked this way */
    if (plan->height_count > 0 && (events || kind == INDEX_BLOCKS))
        plan->finds_nothing = true;
    if (plan->low > plan->high)
        plan->finds_nothing = true;
}

bool search_plan_height_fits(const struct search_plan *plan, int64_t height) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, height);
    for (uint32_t i = 0; i < plan->height_count; i++)
        if (!query_holds(plan->heights[i], span_text(text)))
            return false;
    return true;
}

/* ---- values */

struct signed_number {
    bool negative;
    struct query_number number;
};

static bool read_number(struct signed_number *out, struct span value) {
    bool sign = value.size > 0 && (value.data[0] == '-' || value.data[0] == '+');
    out->negative = sign && value.data[0] == '-';
    if (sign)
        value = span_of(value.data + 1, value.size - 1);
    for (size_t i = 0, dots = 0; i < value.size; i++) {
        dots += value.data[i] == '.';
        if ((value.data[i] < '0' || value.data[i] > '9') && (value.data[i] != '.' || dots > 1))
            return false;
    }
    return query_number_of(&out->number, value);
}

static int compare(const struct signed_number *value, const struct query_number *bound_number) {
    bool zero = value->number.whole.size == 0 && value->number.fraction.size == 0;
    return value->negative && !zero ? -1 : query_number_compare(&value->number, bound_number);
}

static bool side_holds(const struct search_bound *side, const struct signed_number *value, int wanted) {
    if (side->condition == NULL)
        return true;
    if (side->condition->type != QUERY_NUMBER)
        return false;
    int order = compare(value, &side->condition->number);
    return order == 0 ? side->included : (order < 0) == (wanted < 0);
}

bool search_plan_in_range(const struct search_range *range, struct span value) {
    struct signed_number number;
    return read_number(&number, value) && side_holds(&range->low, &number, 1) && side_holds(&range->high, &number, -1);
}
