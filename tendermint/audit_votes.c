#include "tendermint/audit_votes.h"

#include <assert.h>
#include <stdlib.h>

const char *audit_note_text(enum audit_note note) {
    switch (note) {
    case AUDIT_VOTE_ADDED: return "taken";
    case AUDIT_VOTE_KNOWN: return "known already";
    case AUDIT_VOTE_OTHER_HEIGHT: return "of another height";
    case AUDIT_VOTE_MALFORMED: return "malformed";
    case AUDIT_VOTE_STRANGER: return "not of a validator of this height";
    case AUDIT_VOTE_FORGED: return "with a signature that is not good for this chain";
    case AUDIT_VOTE_NO_ROOM: return "beyond the memory that an audit may take";
    case AUDIT_NOTES: break;
    }
    return "unknown";
}

bool audit_votes_init(struct audit_votes *votes, struct arena *arena, const struct valset *set, struct span chain_id, int64_t height) {
    *votes = (struct audit_votes){.set = set, .chain_id = chain_id, .height = height, .arena = arena, .table_size = 256};
    votes->table = arena_take(arena, votes->table_size, sizeof votes->table[0]);
    votes->counts = arena_take(arena, set->count + 1, sizeof votes->counts[0]);
    return votes->table != NULL && votes->counts != NULL;
}

/* ---- taking them in: each validator's vote of a round and type for one thing is kept once */

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t slot_hash(const struct vote *vote) {
    uint64_t hash = mix(mix((uint64_t)(uint32_t)vote->validator_index, (uint64_t)(uint32_t)vote->round), (uint64_t)vote->type), word;
    for (size_t i = 0; i < 32; i += 8) {
        memcpy(&word, vote->block_id.hash.bytes + i, 8);
        hash = mix(hash, word);
    }
    memcpy(&word, vote->block_id.parts.hash.bytes, 8);
    return mix(hash, word ^ vote->block_id.parts.total);
}

static bool same_slot(const struct vote *a, const struct vote *b) {
    return a->validator_index == b->validator_index && a->round == b->round && a->type == b->type && block_id_equal(&a->block_id, &b->block_id);
}

/* Where the vote is, or the free place for it. */
static uint32_t *find_place(const struct audit_votes *votes, uint32_t *table, uint32_t size, const struct vote *vote) {
    uint32_t at = (uint32_t)slot_hash(vote) & (size - 1);
    while (table[at] != 0 && !same_slot(votes->by_voter[table[at] - 1], vote))
        at = (at + 1) & (size - 1);
    return &table[at];
}

static bool grow(struct audit_votes *votes) {
    uint32_t capacity = votes->capacity == 0 ? 64 : 2 * votes->capacity;
    struct vote **list = arena_take(votes->arena, capacity, sizeof list[0]);
    uint32_t size = votes->table_size < 2 * capacity ? 2 * capacity : votes->table_size;
    uint32_t *table = arena_take(votes->arena, size, sizeof table[0]);
    if (list == NULL || table == NULL || capacity > UINT32_MAX / 8)
        return false;
    if (votes->count > 0)
        memcpy(list, votes->by_voter, votes->count * sizeof list[0]);
    votes->by_voter = list;
    for (uint32_t i = 0; i < votes->count; i++)
        *find_place(votes, table, size, list[i]) = i + 1;
    votes->table = table;
    votes->table_size = size;
    votes->capacity = capacity;
    return true;
}

/* Of two for the same thing that differ in time, one is kept that does not depend on who came first. */
static bool precedes(const struct vote *a, const struct vote *b) {
    int order = timestamp_compare(&a->timestamp, &b->timestamp);
    return order != 0 ? order < 0 : memcmp(a->signature.bytes, b->signature.bytes, sizeof a->signature.bytes) < 0;
}

static bool same_vote(const struct vote *a, const struct vote *b) {
    return timestamp_compare(&a->timestamp, &b->timestamp) == 0 && a->signature.size == b->signature.size &&
           memcmp(a->signature.bytes, b->signature.bytes, a->signature.size) == 0;
}

static enum audit_note check(const struct audit_votes *votes, const struct vote *vote) {
    struct vote bare = *vote;
    bare.extension = span_of(NULL, 0);
    bare.extension_signature.size = 0;
    if (vote_check(&bare) != VOTE_GOOD)
        return AUDIT_VOTE_MALFORMED;
    if (vote->height != votes->height)
        return AUDIT_VOTE_OTHER_HEIGHT;
    if ((uint32_t)vote->validator_index >= votes->set->count ||
        !address_equal(&vote->validator_address, &votes->set->validators[vote->validator_index].address))
        return AUDIT_VOTE_STRANGER;
    return AUDIT_VOTE_ADDED;
}

static enum audit_note put(struct audit_votes *votes, const struct vote *vote) {
    if (votes->count == votes->capacity && !grow(votes))
        return AUDIT_VOTE_NO_ROOM;
    uint32_t *place = find_place(votes, votes->table, votes->table_size, vote);
    bool known = *place != 0;
    if (!known && votes->counts[vote->validator_index] >= AUDIT_VOTES_PER_VALIDATOR_MAX)
        return AUDIT_VOTE_NO_ROOM;
    struct vote *kept = known ? votes->by_voter[*place - 1] : arena_take(votes->arena, 1, sizeof *kept);
    if (kept == NULL)
        return AUDIT_VOTE_NO_ROOM;
    if (!known) {
        votes->counts[vote->validator_index]++;
        votes->by_voter[votes->count++] = kept;
        *place = votes->count;
    }
    if (!known || precedes(vote, kept)) {
        *kept = *vote;
        kept->extension = span_of(NULL, 0);
        kept->extension_signature = (struct signature){0};
    }
    return known ? AUDIT_VOTE_KNOWN : AUDIT_VOTE_ADDED;
}

enum audit_note audit_votes_add(struct audit_votes *votes, const struct vote *vote) {
    assert(!votes->sealed);
    enum audit_note note = check(votes, vote);
    if (note != AUDIT_VOTE_ADDED)
        return note;
    const uint32_t *place = votes->capacity == 0 ? NULL : find_place(votes, votes->table, votes->table_size, vote);
    if (place != NULL && *place != 0 && same_vote(votes->by_voter[*place - 1], vote))
        return AUDIT_VOTE_KNOWN; /* a log full of copies costs no signature checks */
    if (!vote_verify_vartime(vote, votes->chain_id, &votes->set->validators[vote->validator_index].pub_key))
        return AUDIT_VOTE_FORGED;
    return put(votes, vote);
}

bool audit_votes_add_commit(struct audit_votes *votes, const struct commit *commit) {
    for (uint32_t i = 0; i < commit->count; i++) {
        struct vote vote;
        if (commit->sigs[i].flag == COMMIT_ABSENT)
            continue;
        commit_vote(&vote, commit, i);
        if (audit_votes_add(votes, &vote) == AUDIT_VOTE_NO_ROOM)
            return false;
    }
    return true;
}

/* ---- in order */

static int compare_numbers(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int compare_thing(const struct vote *a, const struct vote *b) {
    int order = compare_numbers(a->type, b->type);
    if (order == 0)
        order = compare_numbers(a->round, b->round);
    return order != 0 ? order : block_id_compare(&a->block_id, &b->block_id);
}

static int compare_by_voter(const void *left, const void *right) {
    const struct vote *a = *(struct vote *const *)left, *b = *(struct vote *const *)right;
    int order = compare_numbers(a->validator_index, b->validator_index);
    return order != 0 ? order : compare_thing(a, b);
}

static int compare_by_group(const void *left, const void *right) {
    const struct vote *a = *(struct vote *const *)left, *b = *(struct vote *const *)right;
    int order = compare_thing(a, b);
    return order != 0 ? order : compare_numbers(a->validator_index, b->validator_index);
}

static uint32_t count_groups(const struct audit_votes *votes) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < votes->count; i++)
        count += i == 0 || compare_thing(votes->by_group[i - 1], votes->by_group[i]) != 0;
    return count;
}

static void make_groups(struct audit_votes *votes) {
    for (uint32_t i = 0; i < votes->count; i++) {
        const struct vote *vote = votes->by_group[i];
        if (i == 0 || compare_thing(votes->by_group[i - 1], vote) != 0) {
            votes->prevote_group_count += vote->type == VOTE_PREVOTE;
            votes->groups[votes->group_count++] = (struct audit_group){vote->round, vote->type, vote->block_id, i, i, 0};
        }
        struct audit_group *group = &votes->groups[votes->group_count - 1];
        group->end = i + 1;
        group->power += votes->set->validators[vote->validator_index].power;
    }
}

bool audit_votes_seal(struct audit_votes *votes) {
    assert(!votes->sealed);
    votes->sealed = true;
    votes->first_of = arena_take(votes->arena, (size_t)votes->set->count + 1, sizeof votes->first_of[0]);
    votes->by_group = arena_take(votes->arena, votes->count + 1, sizeof votes->by_group[0]);
    if (votes->by_voter == NULL)
        votes->by_voter = arena_take(votes->arena, 1, sizeof votes->by_voter[0]);
    if (votes->first_of == NULL || votes->by_group == NULL || votes->by_voter == NULL)
        return false;
    if (votes->count > 0) {
        memcpy(votes->by_group, votes->by_voter, votes->count * sizeof votes->by_group[0]);
        qsort(votes->by_voter, votes->count, sizeof votes->by_voter[0], compare_by_voter);
        qsort(votes->by_group, votes->count, sizeof votes->by_group[0], compare_by_group);
    }
    votes->table = NULL;
    for (uint32_t i = 0, at = 0; i <= votes->set->count; i++) {
        while (at < votes->count && (uint32_t)votes->by_voter[at]->validator_index < i)
            at++;
        votes->first_of[i] = at;
    }
    votes->groups = arena_take(votes->arena, count_groups(votes) + 1, sizeof votes->groups[0]);
    if (votes->groups == NULL)
        return false;
    make_groups(votes);
    return true;
}

/* ---- questions */

struct vote *const *audit_votes_of(const struct audit_votes *votes, uint32_t *count, uint32_t index, int32_t type) {
    uint32_t begin = votes->first_of[index], end = votes->first_of[index + 1], middle = begin;
    while (middle < end && votes->by_voter[middle]->type == VOTE_PREVOTE)
        middle++;
    *count = type == VOTE_PREVOTE ? middle - begin : end - middle;
    return votes->by_voter + (type == VOTE_PREVOTE ? begin : middle);
}

const struct audit_group *audit_votes_group(const struct audit_votes *votes, int32_t round, int32_t type, const struct block_id *id) {
    struct vote wanted = {.round = round, .type = type, .block_id = *id};
    uint32_t low = 0, high = votes->group_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_thing(votes->by_group[votes->groups[middle].begin], &wanted);
        if (order == 0)
            return &votes->groups[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool audit_votes_polka(const struct audit_votes *votes, const struct audit_group *group) {
    return group->type == VOTE_PREVOTE && group->power >= valset_quorum(votes->set);
}

bool audit_votes_in_group(const struct audit_votes *votes, const struct audit_group *group, uint32_t index) {
    uint32_t low = group->begin, high = group->end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, at = (uint32_t)votes->by_group[middle]->validator_index;
        if (at == index)
            return true;
        if (at < index)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
