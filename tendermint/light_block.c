#include "tendermint/light_block.h"

#include <assert.h>
#include <stdlib.h>

enum { ARENA_BYTES_MAX = 1 << 22 }; /* VOTE_COUNT_MAX entries */

static struct light_block *new_block(void) {
    struct light_block *block = calloc(1, sizeof *block);
    assert(block != NULL);
    atomic_init(&block->holders, 1);
    valset_init(&block->set);
    arena_init(&block->arena, ARENA_BYTES_MAX);
    return block;
}

struct light_block *light_block_new(const struct header *header, const struct commit *commit, const struct valset *set) {
    struct light_block *block = new_block();
    block->header = *header;
    header_hash(&block->hash, header);
    block->commit = *commit;
    block->commit.sigs = commit->count > VOTE_COUNT_MAX ? NULL : arena_take(&block->arena, commit->count, sizeof *commit->sigs);
    if (block->commit.sigs == NULL) {
        light_block_release(block);
        return NULL;
    }
    if (commit->count > 0)
        memcpy(block->commit.sigs, commit->sigs, commit->count * sizeof *commit->sigs);
    valset_copy(&block->set, set);
    return block;
}

struct light_block *light_block_hold(struct light_block *block) {
    atomic_fetch_add(&block->holders, 1);
    return block;
}

void light_block_release(struct light_block *block) {
    if (block == NULL || atomic_fetch_sub(&block->holders, 1) > 1)
        return;
    valset_close(&block->set);
    arena_close(&block->arena);
    free(block);
}

/* ---- bytes */

void light_block_write(struct proto_writer *writer, const struct light_block *block) {
    size_t outer = proto_begin(writer, 1), mark = proto_begin(writer, 1);
    header_write(writer, &block->header);
    proto_end(writer, mark);
    mark = proto_begin(writer, 2);
    commit_write(writer, &block->commit);
    proto_end(writer, mark);
    proto_end(writer, outer);
    mark = proto_begin(writer, 2);
    valset_write(writer, &block->set);
    proto_end(writer, mark);
}

/* A message of two nested fields that come once each, as everyone writes it. */
static bool split(struct span bytes, struct span *first, struct span *second) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    bool has_first = false, has_second = false, twice = false;
    while (proto_next(&reader, &field)) {
        if (field.number > 2)
            continue;
        bool *has = field.number == 1 ? &has_first : &has_second;
        twice |= *has;
        *has = true;
        *(field.number == 1 ? first : second) = proto_bytes(&reader, &field);
    }
    return !reader.bad && has_first && has_second && !twice;
}

struct light_block *light_block_decode(struct span bytes) {
    struct span signed_header, set, header, commit;
    if (!split(bytes, &signed_header, &set) || !split(signed_header, &header, &commit))
        return NULL;
    struct light_block *block = new_block();
    if (!header_decode(&block->header, header) || !commit_decode(&block->commit, commit, &block->arena) ||
        valset_decode(&block->set, set) != VALSET_GOOD) {
        light_block_release(block);
        return NULL;
    }
    header_hash(&block->hash, &block->header);
    return block;
}

/* ---- sets */

static int by_order(const void *one, const void *other) {
    const struct validator *a = one, *b = other;
    return a->power != b->power ? (a->power < b->power) - (a->power > b->power) : address_compare(&a->address, &b->address);
}

/* Through the bytes, because their reader knows every rule about a set. */
static enum valset_verdict set_through_bytes(struct valset *set, const struct valset *sorted) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    valset_write(&writer, sorted);
    size_t size = writer.size;
    uint8_t *bytes = malloc(size + 1);
    assert(bytes != NULL);
    proto_writer_init(&writer, bytes, size);
    valset_write(&writer, sorted);
    enum valset_verdict verdict = valset_decode(set, proto_writer_span(&writer));
    free(bytes);
    return verdict;
}

enum valset_verdict light_block_set_of(struct valset *set, const struct validator *members, uint32_t count) {
    struct valset sorted;
    if (count == 0)
        return VALSET_EMPTY;
    if (count > VALSET_COUNT_MAX)
        return VALSET_TOO_MANY;
    valset_init(&sorted);
    sorted.validators = malloc(count * sizeof *members);
    assert(sorted.validators != NULL);
    memcpy(sorted.validators, members, count * sizeof *members);
    sorted.count = count;
    qsort(sorted.validators, count, sizeof *members, by_order);
    enum valset_verdict verdict = set_through_bytes(set, &sorted);
    valset_close(&sorted);
    return verdict;
}

bool light_block_same_priorities(const struct light_block *one, const struct light_block *other) {
    if (one->set.count != other->set.count)
        return false;
    for (uint32_t i = 0; i < one->set.count; i++)
        if (one->set.validators[i].priority != other->set.validators[i].priority)
            return false;
    return true;
}
