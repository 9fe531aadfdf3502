#include "node/candidates.h"

#include <assert.h>

static void drop(struct candidate *candidate) {
    part_set_release(candidate->parts);
    block_release(candidate->block);
    *candidate = (struct candidate){0};
}

void candidates_init(struct candidates *candidates) { *candidates = (struct candidates){0}; }

void candidates_close(struct candidates *candidates) {
    for (uint32_t i = 0; i < candidates->count; i++)
        drop(&candidates->list[i]);
    candidates->count = 0;
    candidates->wanted = NULL;
}

void candidates_begin(struct candidates *candidates, int64_t height, int64_t block_bytes_max) {
    candidates_close(candidates);
    candidates->height = height;
    candidates->block_bytes_max = block_bytes_max;
}

struct candidate *candidates_find(struct candidates *candidates, const struct block_id *id) {
    for (uint32_t i = 0; i < candidates->count; i++)
        if (block_id_equal(&candidates->list[i].id, id))
            return &candidates->list[i];
    return NULL;
}

struct candidate *candidates_find_parts(struct candidates *candidates, const struct part_header *parts) {
    for (uint32_t i = 0; i < candidates->count; i++)
        if (part_header_equal(&candidates->list[i].id.parts, parts))
            return &candidates->list[i];
    return NULL;
}

/* Whatever is evicted can be collected again: the engine asks for what it needs by name. */
static struct candidate *place(struct candidates *candidates) {
    if (candidates->count < CANDIDATES_MAX)
        return &candidates->list[candidates->count++];
    struct candidate *oldest = NULL;
    for (uint32_t i = 0; i < candidates->count; i++) {
        struct candidate *each = &candidates->list[i];
        if (each != candidates->wanted && !each->pinned && (oldest == NULL || each->used < oldest->used))
            oldest = each;
    }
    assert(oldest != NULL);
    drop(oldest);
    return oldest;
}

/* The bytes are what the part header promises; are they the block that the id's hash promises? */
static void finish(struct candidate *candidate) {
    candidate->complete = true;
    candidate->block = block_decode(part_set_bytes(candidate->parts), &candidate->verdict);
    if (candidate->block == NULL || digest_equal(&candidate->block->hash, &candidate->id.hash))
        return;
    candidate->verdict = BLOCK_BAD_HEADER;
    block_release(candidate->block);
    candidate->block = NULL;
}

/* NULL: the id cannot be collected. */
static struct part_set *parts_for(struct candidates *candidates, const struct block_id *id) {
    int64_t total_max = (candidates->block_bytes_max + PARAMS_PART_BYTES - 1) / PARAMS_PART_BYTES + 1;
    struct candidate *other = candidates_find_parts(candidates, &id->parts);
    if (other != NULL)
        return part_set_hold(other->parts);
    return id->parts.total > total_max ? NULL : part_set_new(&id->parts);
}

struct candidate *candidates_want(struct candidates *candidates, const struct block_id *id) {
    struct candidate *candidate = candidates_find(candidates, id);
    if (candidate == NULL) {
        struct part_set *parts = parts_for(candidates, id);
        if (parts == NULL)
            return NULL;
        candidate = place(candidates);
        *candidate = (struct candidate){.id = *id, .parts = parts};
    }
    if (!candidate->complete && part_set_is_complete(candidate->parts))
        finish(candidate);
    candidate->used = ++candidates->uses;
    candidates->wanted = candidate;
    return candidate;
}

enum part_verdict candidates_note(struct candidates *candidates, struct candidate **done, const struct part *part) {
    *done = NULL;
    struct candidate *wanted = candidates->wanted;
    if (wanted == NULL || wanted->complete)
        return PART_KNOWN;
    enum part_verdict verdict = part_set_add(wanted->parts, part, candidates->block_bytes_max);
    if (verdict == PART_GOOD && part_set_is_complete(wanted->parts)) {
        finish(wanted);
        *done = wanted;
    }
    return verdict;
}

struct candidate *candidates_take(struct candidates *candidates, struct block *block) {
    struct block_id id;
    block_id_of(block, &id);
    struct candidate *candidate = candidates_find(candidates, &id);
    if (candidate != NULL && candidate->complete)
        return candidate;
    if (candidate == NULL)
        candidate = place(candidates);
    else
        part_set_release(candidate->parts);
    *candidate = (struct candidate){
        .id = id,
        .parts = part_set_hold(block_parts(block)),
        .block = block_hold(block),
        .complete = true,
        .own = true,
        .used = ++candidates->uses,
    };
    return candidate;
}
