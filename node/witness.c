#include "node/witness.h"

#include <assert.h>
#include <stdlib.h>

#define HEIGHTS_KEPT 64 /* behind the newest: what is older cannot be said anew by anybody whose mark works */

struct said {
    int64_t height;
    int32_t round, type; /* VOTE_PROPOSAL too */
    uint32_t node;
    int64_t power;
    struct block_id id;
};

struct witness {
    struct said *list; /* about in the order of heights */
    size_t count, capacity;
    int64_t newest;
};

struct witness *witness_new(void) {
    struct witness *witness = calloc(1, sizeof *witness);
    assert(witness != NULL);
    return witness;
}

void witness_free(struct witness *witness) {
    if (witness == NULL)
        return;
    free(witness->list);
    free(witness);
}

static void forget_old(struct witness *witness) {
    size_t kept = 0;
    for (size_t i = 0; i < witness->count; i++)
        if (witness->list[i].height + HEIGHTS_KEPT >= witness->newest)
            witness->list[kept++] = witness->list[i];
    witness->count = kept;
}

static void make_room(struct witness *witness) {
    forget_old(witness);
    if (witness->count < witness->capacity / 2)
        return;
    witness->capacity = witness->capacity == 0 ? 1024 : 2 * witness->capacity;
    witness->list = realloc(witness->list, witness->capacity * sizeof *witness->list);
    assert(witness->list != NULL);
}

static void keep(struct witness *witness, const struct said *said) {
    if (said->height > witness->newest)
        witness->newest = said->height;
    if (witness->count == witness->capacity)
        make_room(witness);
    witness->list[witness->count++] = *said;
}

static const struct said *find(const struct witness *witness, const struct said *like) {
    for (size_t i = witness->count; i-- > 0;) {
        const struct said *each = &witness->list[i];
        if (each->node == like->node && each->height == like->height && each->round == like->round && each->type == like->type)
            return each;
    }
    return NULL;
}

static int64_t power_for(const struct witness *witness, int64_t height, int32_t round, const struct block_id *id) {
    int64_t power = 0;
    for (size_t i = 0; i < witness->count; i++) {
        const struct said *each = &witness->list[i];
        if (each->height == height && each->round == round && each->type == VOTE_PREVOTE && block_id_equal(&each->id, id))
            power += each->power;
    }
    return power;
}

/* A polka for anything but the lock, after it and before this prevote. */
static bool is_freed(const struct witness *witness, const struct said *lock, const struct said *prevote, int64_t quorum) {
    for (size_t i = 0; i < witness->count; i++) {
        const struct said *each = &witness->list[i];
        if (each->height == lock->height && each->type == VOTE_PREVOTE && each->round > lock->round && each->round < prevote->round &&
            !block_id_equal(&each->id, &lock->id) && power_for(witness, each->height, each->round, &each->id) >= quorum)
            return true;
    }
    return false;
}

static bool breaks_lock(const struct witness *witness, const struct said *prevote, int64_t quorum) {
    for (size_t i = 0; i < witness->count; i++) {
        const struct said *each = &witness->list[i];
        if (each->node == prevote->node && each->height == prevote->height && each->type == VOTE_PRECOMMIT && each->round < prevote->round &&
            !block_id_is_nil(&each->id) && !block_id_equal(&each->id, &prevote->id) && !is_freed(witness, each, prevote, quorum))
            return true;
    }
    return false;
}

const char *witness_vote(struct witness *witness, uint32_t voter, const struct vote *vote, int64_t power, int64_t quorum) {
    struct said said = {vote->height, vote->round, vote->type, voter, power, vote->block_id};
    const struct said *before = find(witness, &said);
    if (before != NULL)
        return block_id_equal(&before->id, &said.id) ? NULL : "signed two votes of one type in one round";
    keep(witness, &said);
    return vote->type == VOTE_PREVOTE && breaks_lock(witness, &said, quorum) ? "prevoted against its lock without a newer polka" : NULL;
}

const char *witness_proposal(struct witness *witness, uint32_t proposer, const struct proposal *proposal) {
    struct said said = {proposal->height, proposal->round, VOTE_PROPOSAL, proposer, 0, proposal->block_id};
    const struct said *before = find(witness, &said);
    if (before != NULL)
        return block_id_equal(&before->id, &said.id) ? NULL : "signed two proposals in one round";
    keep(witness, &said);
    return NULL;
}
