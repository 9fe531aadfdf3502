#include <assert.h>
#include <stdlib.h>

#include "tendermint/valset.h"

/* What is being changed: the changes in order of address, and what they come to. Nothing of `set` changes before all
 * of it is known to be good. */
struct plan {
    const struct valset *set;
    struct valset_change *changes;
    size_t count;
    int32_t *member_of; /* per change: index in the set, −1: new */
    int32_t *change_of; /* per member: index of its change, −1: none */
    size_t added, removed;
    int64_t removed_power;
    int64_t total_power; /* after everything */
};

static void *take(size_t count, size_t size) {
    void *memory = calloc(count == 0 ? 1 : count, size);
    assert(memory != NULL);
    return memory;
}

static int by_address(const void *a, const void *b) {
    return address_compare(&((const struct valset_change *)a)->address, &((const struct valset_change *)b)->address);
}

static int by_power(const void *a, const void *b) {
    const struct validator *one = a, *other = b;
    if (one->power != other->power)
        return one->power > other->power ? -1 : 1;
    return address_compare(&one->address, &other->address);
}

static void plan_init(struct plan *plan, const struct valset *set, const struct valset_change *changes, size_t count) {
    *plan = (struct plan){.set = set, .count = count, .changes = take(count, sizeof changes[0])};
    plan->member_of = take(count, sizeof plan->member_of[0]);
    plan->change_of = take(set->count, sizeof plan->change_of[0]);
    memcpy(plan->changes, changes, count * sizeof changes[0]);
    for (size_t i = 0; i < count; i++)
        if (plan->changes[i].address.size == 0)
            plan->changes[i].address = pubkey_address(&plan->changes[i].pub_key);
    qsort(plan->changes, count, sizeof changes[0], by_address);
}

static void plan_close(struct plan *plan) {
    free(plan->changes);
    free(plan->member_of);
    free(plan->change_of);
}

static enum valset_verdict check_changes(const struct plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        const struct valset_change *change = &plan->changes[i];
        if (i > 0 && address_equal(&change->address, &change[-1].address))
            return VALSET_DUPLICATE;
        if (change->power < 0)
            return VALSET_NEGATIVE_POWER;
        if (change->power > VALSET_TOTAL_POWER_MAX)
            return VALSET_POWER_OVERFLOW;
    }
    return VALSET_GOOD;
}

static void match_members(struct plan *plan) {
    struct valset_index index;
    valset_index_init(&index, plan->set);
    for (uint32_t i = 0; i < plan->set->count; i++)
        plan->change_of[i] = -1;
    for (size_t i = 0; i < plan->count; i++) {
        plan->member_of[i] = valset_index_find(&index, &plan->changes[i].address);
        if (plan->member_of[i] >= 0)
            plan->change_of[plan->member_of[i]] = (int32_t)i;
    }
    valset_index_close(&index);
}

/* CometBFT adds the differences in ascending order and looks at each sum; the last is the largest, so one look does. */
static enum valset_verdict add_up(struct plan *plan) {
    bool unknown_removed = false;
    __int128 total = plan->set->total_power;
    for (size_t i = 0; i < plan->count; i++) {
        int32_t member = plan->member_of[i];
        int64_t before = member < 0 ? 0 : plan->set->validators[member].power;
        bool removal = plan->changes[i].power == 0;
        total += (__int128)plan->changes[i].power - before;
        unknown_removed |= removal && member < 0;
        plan->added += !removal && member < 0;
        plan->removed += removal && member >= 0;
        plan->removed_power += removal ? before : 0;
    }
    if (unknown_removed)
        return VALSET_UNKNOWN_REMOVED;
    if (plan->set->count + plan->added == plan->removed)
        return VALSET_EMPTY;
    if (total > VALSET_TOTAL_POWER_MAX)
        return VALSET_POWER_OVERFLOW;
    plan->total_power = (int64_t)total;
    return plan->set->count + plan->added - plan->removed > VALSET_COUNT_MAX ? VALSET_TOO_MANY : VALSET_GOOD;
}

/* A newcomer starts 1.125 totals behind, so that leaving and coming back gains nothing. The total is that of before the
 * removals; below two times the maximum, it fits. */
static int64_t newcomer_priority(const struct plan *plan) {
    int64_t total = plan->total_power + plan->removed_power;
    return -(total + (total >> 3));
}

static uint32_t keep_members(struct validator *out, const struct plan *plan) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->set->count; i++) {
        const struct valset_change *change = plan->change_of[i] < 0 ? NULL : &plan->changes[plan->change_of[i]];
        if (change != NULL && change->power == 0)
            continue;
        out[count] = plan->set->validators[i];
        if (change != NULL) {
            out[count].pub_key = change->pub_key;
            out[count].power = change->power;
        }
        count++;
    }
    return count;
}

static uint32_t add_newcomers(struct validator *out, const struct plan *plan) {
    uint32_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->member_of[i] < 0)
            out[count++] = (struct validator){plan->changes[i].address, plan->changes[i].pub_key, plan->changes[i].power,
                                              newcomer_priority(plan)};
    return count;
}

static void plan_carry_out(const struct plan *plan, struct valset *set) {
    struct valset next = {.total_power = plan->total_power};
    next.validators = take(set->count + plan->added, sizeof next.validators[0]);
    next.count = keep_members(next.validators, plan);
    next.count += add_newcomers(next.validators + next.count, plan);
    valset_rescale(&next, 2 * next.total_power);
    valset_centre(&next);
    qsort(next.validators, next.count, sizeof next.validators[0], by_power);
    next.proposer = set->proposer < 0 ? -1 : valset_find(&next, &set->validators[set->proposer].address);
    valset_close(set);
    *set = next;
}

enum valset_verdict valset_update(struct valset *set, const struct valset_change *changes, size_t count) {
    if (count == 0)
        return VALSET_GOOD;
    if (count > INT32_MAX)
        return VALSET_TOO_MANY;
    struct plan plan;
    plan_init(&plan, set, changes, count);
    enum valset_verdict verdict = check_changes(&plan);
    if (verdict == VALSET_GOOD) {
        match_members(&plan);
        verdict = add_up(&plan);
    }
    if (verdict == VALSET_GOOD)
        plan_carry_out(&plan, set);
    plan_close(&plan);
    return verdict;
}

enum valset_verdict valset_make(struct valset *set, const struct valset_change *members, size_t count) {
    struct valset made;
    valset_init(&made);
    enum valset_verdict verdict = valset_update(&made, members, count);
    if (verdict != VALSET_GOOD)
        return verdict;
    if (count > 0)
        valset_increment(&made, 1);
    valset_close(set);
    *set = made;
    return VALSET_GOOD;
}
