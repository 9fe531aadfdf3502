#include "node/witness.h"

#include <assert.h>
#include <stdlib.h>

#define HEIGHTS_KEPT 64 /* behind the newest: what is older cannot be said anew by anybody whose mark works */

struct said {
    int32_t round, type; /* VOTE_PROPOSAL too */
    uint32_t node;
    int64_t power;
    struct block_id id;
};

struct page { /* of one height */
    int64_t height;
    struct said *list;
    size_t count, capacity;
};

struct witness {
    struct page pages[HEIGHTS_KEPT]; /* by height */
};

struct witness *witness_new(void) {
    struct witness *witness = calloc(1, sizeof *witness);
    assert(witness != NULL);
    return witness;
}

void witness_free(struct witness *witness) {
    if (witness == NULL)
        return;
    for (size_t i = 0; i < HEIGHTS_KEPT; i++)
        free(witness->pages[i].list);
    free(witness);
}

/* NULL: too old. */
static struct page *page_of(struct witness *witness, int64_t height) {
    struct page *page = &witness->pages[height % HEIGHTS_KEPT];
    if (page->height > height)
        return NULL;
    if (page->height < height)
        page->count = 0;
    page->height = height;
    return page;
}

static void keep(struct page *page, const struct said *said) {
    if (page->count == page->capacity) {
        page->capacity = page->capacity == 0 ? 64 : 2 * page->capacity;
        page->list = realloc(page->list, page->capacity * sizeof *page->list);
        assert(page->list != NULL);
    }
    page->list[page->count++] = *said;
}

static const struct said *find(const struct page *page, const struct said *like) {
    for (size_t i = page->count; i-- > 0;) {
        const struct said *each = &page->list[i];
        if (each->node == like->node && each->round == like->round && each->type == like->type)
            return each;
    }
    return NULL;
}

static int64_t power_for(const struct page *page, int32_t round, const struct block_id *id) {
    int64_t power = 0;
    for (size_t i = 0; i < page->count; i++) {
        const struct said *each = &page->list[i];
        if (each->round == round && each->type == VOTE_PREVOTE && block_id_equal(&each->id, id))
            power += each->power;
    }
    return power;
}

/* A polka for anything but the lock, after it and before this prevote. */
static bool is_freed(const struct page *page, const struct said *lock, const struct said *prevote, int64_t quorum) {
    for (size_t i = 0; i < page->count; i++) {
        const struct said *each = &page->list[i];
        if (each->type == VOTE_PREVOTE && each->round > lock->round && each->round < prevote->round && !block_id_equal(&each->id, &lock->id) &&
            power_for(page, each->round, &each->id) >= quorum)
            return true;
    }
    return false;
}

static bool breaks_lock(const struct page *page, const struct said *prevote, int64_t quorum) {
    for (size_t i = 0; i < page->count && prevote->round > 0; i++) {
        const struct said *each = &page->list[i];
        if (each->node == prevote->node && each->type == VOTE_PRECOMMIT && each->round < prevote->round && !block_id_is_nil(&each->id) &&
            !block_id_equal(&each->id, &prevote->id) && !is_freed(page, each, prevote, quorum))
            return true;
    }
    return false;
}

const char *witness_vote(struct witness *witness, uint32_t voter, const struct vote *vote, int64_t power, int64_t quorum) {
    struct said said = {vote->round, vote->type, voter, power, vote->block_id};
    struct page *page = page_of(witness, vote->height);
    if (page == NULL)
        return NULL;
    const struct said *before = find(page, &said);
    if (before != NULL)
        return block_id_equal(&before->id, &said.id) ? NULL : "signed two votes of one type in one round";
    keep(page, &said);
    return vote->type == VOTE_PREVOTE && breaks_lock(page, &said, quorum) ? "prevoted against its lock without a newer polka" : NULL;
}

void witness_faulty_vote(struct witness *witness, uint32_t voter, const struct vote *vote, int64_t power) {
    struct said said = {vote->round, vote->type, voter, power, vote->block_id};
    struct page *page = page_of(witness, vote->height);
    for (size_t i = 0; page != NULL && i < page->count; i++) {
        const struct said *each = &page->list[i];
        if (each->node == voter && each->round == said.round && each->type == said.type && block_id_equal(&each->id, &said.id))
            return;
    }
    if (page != NULL)
        keep(page, &said);
}

const char *witness_proposal(struct witness *witness, uint32_t proposer, const struct proposal *proposal) {
    struct said said = {proposal->round, VOTE_PROPOSAL, proposer, 0, proposal->block_id};
    struct page *page = page_of(witness, proposal->height);
    if (page == NULL)
        return NULL;
    const struct said *before = find(page, &said);
    if (before != NULL)
        return block_id_equal(&before->id, &said.id) ? NULL : "signed two proposals in one round";
    keep(page, &said);
    return NULL;
}
