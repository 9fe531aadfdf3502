#include "tendermint/audit_lock.h"

/* Groups of prevotes are in order of rounds: the first that is of a round after `round`. */
static uint32_t first_after(const struct audit_votes *votes, int32_t round) {
    uint32_t low = 0, high = votes->prevote_group_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (votes->groups[middle].round <= round)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t power_without(const struct audit_votes *votes, const struct audit_group *group, uint32_t index) {
    bool is_in = audit_votes_in_group(votes, group, index);
    return group->power - (is_in ? votes->set->validators[index].power : 0);
}

/* Strictly between for `strict`; for `comet` also in the prevote's own round, the accused's vote left out. */
static bool frees(const struct audit_votes *votes, enum audit_rule rule, const struct audit_group *group, const struct vote *precommit,
                  const struct vote *prevote) {
    if (block_id_equal(&group->id, &precommit->block_id))
        return false;
    if (group->round < prevote->round)
        return audit_votes_polka(votes, group);
    return rule == AUDIT_COMET && power_without(votes, group, (uint32_t)prevote->validator_index) >= valset_quorum(votes->set);
}

static bool paper_forbids(int32_t *excuse_round, const struct audit_votes *votes, const struct vote *precommit, const struct vote *prevote) {
    if (block_id_is_nil(&prevote->block_id))
        return false;
    for (uint32_t i = first_after(votes, precommit->round - 1); i < votes->prevote_group_count && votes->groups[i].round < prevote->round; i++)
        if (block_id_equal(&votes->groups[i].id, &prevote->block_id) && audit_votes_polka(votes, &votes->groups[i])) {
            *excuse_round = votes->groups[i].round;
            return false;
        }
    return true;
}

bool audit_lock_forbids(int32_t *excuse_round, const struct audit_votes *votes, enum audit_rule rule, const struct vote *precommit,
                        const struct vote *prevote) {
    *excuse_round = -1;
    if (rule == AUDIT_PAPER)
        return paper_forbids(excuse_round, votes, precommit, prevote);
    for (uint32_t i = first_after(votes, precommit->round); i < votes->prevote_group_count && votes->groups[i].round <= prevote->round; i++)
        if (frees(votes, rule, &votes->groups[i], precommit, prevote)) {
            *excuse_round = votes->groups[i].round;
            return false;
        }
    return true;
}

static bool is_pair(const struct vote *precommit, const struct vote *prevote) {
    return prevote->round > precommit->round && !block_id_is_nil(&precommit->block_id) && !block_id_equal(&precommit->block_id, &prevote->block_id);
}

/* Once one prevote after a precommit is excused by a polka before it, the later ones are excused by the same; but not where the polka was of the
 * prevote's own round, nor by the paper's rule, which asks for a polka for that very block. */
bool audit_lock_broken(const struct vote **precommit, const struct vote **prevote, const struct audit_votes *votes, enum audit_rule rule,
                       uint32_t index) {
    uint32_t precommit_count, prevote_count;
    struct vote *const *precommits = audit_votes_of(votes, &precommit_count, index, VOTE_PRECOMMIT);
    struct vote *const *prevotes = audit_votes_of(votes, &prevote_count, index, VOTE_PREVOTE);
    for (uint32_t i = 0; i < precommit_count; i++)
        for (uint32_t j = 0; j < prevote_count; j++) {
            int32_t excuse_round;
            if (!is_pair(precommits[i], prevotes[j]))
                continue;
            if (audit_lock_forbids(&excuse_round, votes, rule, precommits[i], prevotes[j])) {
                *precommit = precommits[i];
                *prevote = prevotes[j];
                return true;
            }
            if (rule != AUDIT_PAPER && excuse_round < prevotes[j]->round)
                break;
        }
    return false;
}

bool audit_lock_unfounded(const struct vote **precommit, const struct audit_votes *votes, uint32_t index) {
    uint32_t count;
    struct vote *const *precommits = audit_votes_of(votes, &count, index, VOTE_PRECOMMIT);
    for (uint32_t i = 0; i < count; i++) {
        if (block_id_is_nil(&precommits[i]->block_id))
            continue;
        const struct audit_group *group = audit_votes_group(votes, precommits[i]->round, VOTE_PREVOTE, &precommits[i]->block_id);
        if (group == NULL || !audit_votes_polka(votes, group)) {
            *precommit = precommits[i];
            return true;
        }
    }
    return false;
}
