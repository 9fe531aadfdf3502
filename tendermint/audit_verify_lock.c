#include "tendermint/audit_verify_lock.h"

#include <stdlib.h>

struct said { /* a prevote of the log */
    int32_t round;
    uint32_t index;
    struct block_id block_id;
};

static int compare(const void *left, const void *right) {
    const struct said *a = left, *b = right;
    int order = (a->round > b->round) - (a->round < b->round);
    if (order == 0)
        order = block_id_compare(&a->block_id, &b->block_id);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* A polka of this round for this thing would excuse. */
static bool would_excuse(const struct audit_verify_lock *lock, int32_t round, const struct block_id *thing) {
    const struct vote *precommit = lock->precommit, *prevote = lock->prevote;
    if (prevote == NULL)
        return round == precommit->round && block_id_equal(thing, &precommit->block_id);
    if (lock->rule == AUDIT_PAPER)
        return round >= precommit->round && round < prevote->round && block_id_equal(thing, &prevote->block_id);
    int32_t last = lock->rule == AUDIT_COMET ? prevote->round : prevote->round - 1;
    return round > precommit->round && round <= last && !block_id_equal(thing, &precommit->block_id);
}

static bool is_good(const struct audit_verify_lock *lock, const struct vote *vote) {
    if (vote_check(vote) != VOTE_GOOD || vote->height != lock->precommit->height ||
        (uint32_t)vote->validator_index >= lock->set->count)
        return false;
    const struct validator *voter = &lock->set->validators[vote->validator_index];
    return address_equal(&voter->address, &vote->validator_address) && vote_verify_vartime(vote, lock->chain_id, &voter->pub_key);
}

/* In CometBFT's case, of the prevote's own round, the accused's own vote does not help. */
static int64_t weight(const struct audit_verify_lock *lock, const struct said *said) {
    const struct validator *voter = &lock->set->validators[said->index];
    bool is_own = address_equal(&voter->address, &lock->precommit->validator_address);
    return is_own && lock->prevote != NULL && lock->rule == AUDIT_COMET && said->round == lock->prevote->round ? 0 : voter->power;
}

static bool has_polka(const struct audit_verify_lock *lock, const struct said *said, size_t count) {
    int64_t power = 0;
    for (size_t i = 0; i < count; i++) {
        bool same_thing = i > 0 && said[i].round == said[i - 1].round && block_id_equal(&said[i].block_id, &said[i - 1].block_id);
        if (!same_thing)
            power = 0;
        if (!same_thing || said[i].index != said[i - 1].index)
            power += weight(lock, &said[i]);
        if (power >= valset_quorum(lock->set))
            return true;
    }
    return false;
}

static bool is_same(const struct vote *own, const struct vote *vote) {
    return own != NULL && vote->type == own->type && vote->round == own->round && block_id_equal(&vote->block_id, &own->block_id) &&
           address_equal(&vote->validator_address, &own->validator_address);
}

bool audit_verify_lock_convicts(const struct audit_verify_lock *lock, const struct audit_log *log, struct arena *arena) {
    struct span rest = log->items, item;
    size_t count = 0, most = 0;
    enum audit_log_item kind;
    bool has_precommit = false, has_prevote = lock->prevote == NULL;
    while ((kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END)
        most += kind == AUDIT_LOG_VOTE;
    struct said *said = arena_take(arena, most + 1, sizeof said[0]);
    if (said == NULL)
        return false;
    for (rest = log->items; (kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END;) {
        struct vote vote;
        if (kind != AUDIT_LOG_VOTE || !vote_decode(&vote, item))
            continue;
        has_precommit |= is_same(lock->precommit, &vote) && is_good(lock, &vote);
        has_prevote |= is_same(lock->prevote, &vote) && is_good(lock, &vote);
        if (vote.type == VOTE_PREVOTE && would_excuse(lock, vote.round, &vote.block_id) && is_good(lock, &vote))
            said[count++] = (struct said){vote.round, (uint32_t)vote.validator_index, vote.block_id};
    }
    if (count > 0)
        qsort(said, count, sizeof said[0], compare);
    return has_precommit && has_prevote && !has_polka(lock, said, count);
}
