#include "tendermint/tally.h"

#include <assert.h>

struct tally_entry { /* first member: votes[] points to it */
    struct tally_vote vote;
    uint32_t index;
    struct tally_entry *next;
};

struct tally_block {
    struct block_id id;
    bool claimed;
    int64_t power;
    struct bit_array voted;
    struct tally_entry *entries;
    struct tally_block *next;
};

struct tally_claim {
    uint32_t peer;
    struct tally_block *block;
    struct tally_claim *next;
};

static bool bits_take(struct bit_array *bits, struct arena *arena, uint32_t count) {
    uint32_t words = (count + 63) / 64;
    uint64_t *memory = arena_take(arena, words, sizeof *memory);
    if (memory == NULL)
        return false;
    *bits = (struct bit_array){.bits = count, .word_capacity = words, .words = memory};
    return true;
}

bool tally_init(struct tally *tally, struct arena *arena, const struct valset *validators, int64_t height,
                int32_t round, int32_t type) {
    *tally = (struct tally){
        .height = height, .round = round, .type = type, .validators = validators, .arena = arena};
    tally->votes = arena_take(arena, validators->count, sizeof *tally->votes);
    return tally->votes != NULL && bits_take(&tally->voted, arena, validators->count) &&
           bits_take(&tally->accused, arena, validators->count);
}

static struct tally_block *block_find(const struct tally *tally, const struct block_id *id) {
    for (struct tally_block *block = tally->blocks; block != NULL; block = block->next)
        if (block_id_equal(&block->id, id))
            return block;
    return NULL;
}

/* Popular blocks come early: new ones go to the end, so that a liar's many blocks do not slow honest votes. */
static struct tally_block *block_open(struct tally *tally, const struct block_id *id) {
    struct tally_block *block = arena_take(tally->arena, 1, sizeof *block);
    if (block == NULL || !bits_take(&block->voted, tally->arena, tally->validators->count))
        return NULL;
    block->id = *id;
    struct tally_block **end = &tally->blocks;
    while (*end != NULL)
        end = &(*end)->next;
    *end = block;
    return block;
}

static bool is_ours(const struct tally *tally, const struct vote *vote) {
    if (vote->height != tally->height || vote->round != tally->round || vote->type != tally->type)
        return false;
    if (vote->validator_index < 0 || (uint32_t)vote->validator_index >= tally->validators->count)
        return false;
    const struct validator *validator = &tally->validators->validators[vote->validator_index];
    return validator->address.size != 0 && address_equal(&validator->address, &vote->validator_address);
}

static const struct tally_vote *vote_in(const struct tally_block *block, uint32_t index) {
    for (const struct tally_entry *entry = block->entries; entry != NULL; entry = entry->next)
        if (entry->index == index)
            return &entry->vote;
    return NULL;
}

/* What this validator already said for this block; NULL if nothing. */
static const struct tally_vote *vote_known(const struct tally *tally, const struct tally_block *block, uint32_t index) {
    if (block == NULL || !bit_array_get(&block->voted, index))
        return NULL;
    const struct tally_vote *first = tally->votes[index];
    return block_id_equal(&first->block_id, &block->id) ? first : vote_in(block, index);
}

static bool signature_equal(const struct signature *a, const struct signature *b) {
    return span_equal(span_of(a->bytes, a->size), span_of(b->bytes, b->size));
}

static struct tally_entry *entry_take(struct tally *tally, const struct vote *vote) {
    struct tally_entry *entry = arena_take(tally->arena, 1, sizeof *entry);
    if (entry == NULL || !arena_copy(tally->arena, &entry->vote.extension, vote->extension))
        return NULL;
    entry->index = (uint32_t)vote->validator_index;
    entry->vote.block_id = vote->block_id;
    entry->vote.timestamp = vote->timestamp;
    entry->vote.signature = vote->signature;
    entry->vote.extension_signature = vote->extension_signature;
    return entry;
}

/* From now on the majority's votes are the ones to show: a commit is made of them. */
static void majority_set(struct tally *tally, struct tally_block *block) {
    tally->majority = block;
    for (struct tally_entry *entry = block->entries; entry != NULL; entry = entry->next)
        tally->votes[entry->index] = &entry->vote;
}

static void entry_count(struct tally *tally, struct tally_block *block, struct tally_entry *entry) {
    int64_t power = tally->validators->validators[entry->index].power;
    if (tally->votes[entry->index] == NULL) {
        tally->votes[entry->index] = &entry->vote;
        bit_array_set(&tally->voted, entry->index, true);
        tally->power += power;
    }
    entry->next = block->entries;
    block->entries = entry;
    bit_array_set(&block->voted, entry->index, true);
    block->power += power;
    if (block == tally->majority)
        tally->votes[entry->index] = &entry->vote;
    else if (tally->majority == NULL && block->power >= valset_quorum(tally->validators))
        majority_set(tally, block);
}

static enum tally_note note_counted(struct tally *tally, struct tally_block *block, const struct vote *vote,
                                    enum tally_note good) {
    if (block == NULL)
        block = block_open(tally, &vote->block_id);
    struct tally_entry *entry = block == NULL ? NULL : entry_take(tally, vote);
    if (entry == NULL)
        return TALLY_FULL;
    entry_count(tally, block, entry);
    return good;
}

enum tally_note tally_note(struct tally *tally, struct vote *previous, const struct vote *vote) {
    if (!is_ours(tally, vote))
        return TALLY_NOT_OURS;
    uint32_t index = (uint32_t)vote->validator_index;
    struct tally_block *block = block_find(tally, &vote->block_id);
    const struct tally_vote *known = vote_known(tally, block, index);
    if (known != NULL)
        return signature_equal(&known->signature, &vote->signature) ? TALLY_DUPLICATE
                                                                    : TALLY_SAME_BLOCK_OTHER_SIGNATURE;
    if (tally->votes[index] == NULL)
        return note_counted(tally, block, vote, TALLY_ADDED);
    if (previous != NULL)
        tally_vote(tally, previous, index);
    /* Second votes cost memory: only blocks that somebody vouches for get them. */
    if (block == NULL || (!block->claimed && block != tally->majority))
        return TALLY_CONFLICT;
    return note_counted(tally, block, vote, TALLY_CONFLICT_COUNTED);
}

bool tally_accuse(struct tally *tally, uint32_t index) {
    bool first = index < tally->accused.bits && !bit_array_get(&tally->accused, index);
    bit_array_set(&tally->accused, index, true);
    return first;
}

bool tally_claim(struct tally *tally, uint32_t peer, const struct block_id *block_id) {
    for (const struct tally_claim *claim = tally->claims; claim != NULL; claim = claim->next)
        if (claim->peer == peer)
            return block_id_equal(&claim->block->id, block_id);
    if (tally->claim_count == TALLY_CLAIMS_MAX)
        return false;
    struct tally_block *block = block_find(tally, block_id);
    if (block == NULL)
        block = block_open(tally, block_id);
    struct tally_claim *claim = block == NULL ? NULL : arena_take(tally->arena, 1, sizeof *claim);
    if (claim == NULL)
        return true;
    block->claimed = true;
    *claim = (struct tally_claim){.peer = peer, .block = block, .next = tally->claims};
    tally->claims = claim;
    tally->claim_count++;
    return true;
}

bool tally_majority(const struct tally *tally, struct block_id *block_id) {
    if (tally->majority == NULL)
        return false;
    if (block_id != NULL)
        *block_id = tally->majority->id;
    return true;
}

bool tally_has_majority_for(const struct tally *tally, const struct block_id *block_id) {
    return tally->majority != NULL && block_id_equal(&tally->majority->id, block_id);
}

bool tally_has_two_thirds_any(const struct tally *tally) { return tally->power >= valset_quorum(tally->validators); }

bool tally_is_complete(const struct tally *tally) { return bit_array_full(&tally->voted); }

bool tally_has(const struct tally *tally, uint32_t index) { return bit_array_get(&tally->voted, index); }

bool tally_vote(const struct tally *tally, struct vote *out, uint32_t index) {
    if (!tally_has(tally, index))
        return false;
    const struct tally_vote *vote = tally->votes[index];
    *out = (struct vote){
        .type = tally->type,
        .height = tally->height,
        .round = tally->round,
        .block_id = vote->block_id,
        .timestamp = vote->timestamp,
        .validator_address = tally->validators->validators[index].address,
        .validator_index = (int32_t)index,
        .signature = vote->signature,
        .extension = vote->extension,
        .extension_signature = vote->extension_signature,
    };
    return true;
}

const struct bit_array *tally_voted(const struct tally *tally) { return &tally->voted; }

const struct bit_array *tally_voted_for(const struct tally *tally, const struct block_id *block_id) {
    const struct tally_block *block = block_find(tally, block_id);
    return block == NULL ? NULL : &block->voted;
}

static void commit_sig_fill(struct commit_sig *sig, const struct tally *tally, uint32_t index) {
    struct vote vote;
    commit_sig_absent(sig);
    if (!tally_vote(tally, &vote, index))
        return;
    bool nil = block_id_is_nil(&vote.block_id);
    if (!nil && !tally_has_majority_for(tally, &vote.block_id))
        return;
    sig->flag = nil ? COMMIT_FOR_NIL : COMMIT_FOR_BLOCK;
    sig->validator_address = vote.validator_address;
    sig->timestamp = vote.timestamp;
    sig->signature = vote.signature;
}

static bool has_extensions(const struct tally *tally) {
    for (const struct tally_entry *entry = tally->majority->entries; entry != NULL; entry = entry->next)
        if (entry->vote.extension_signature.size > 0)
            return true;
    return false;
}

static bool extensions_fill(struct commit *commit, const struct tally *tally, struct arena *arena) {
    if (!has_extensions(tally))
        return true;
    commit->extensions = arena_take(arena, commit->count, sizeof *commit->extensions);
    for (uint32_t i = 0; commit->extensions != NULL && i < commit->count; i++)
        if (commit->sigs[i].flag == COMMIT_FOR_BLOCK)
            commit->extensions[i] = (struct commit_extension){tally->votes[i]->extension, tally->votes[i]->extension_signature};
    return commit->extensions != NULL;
}

bool tally_commit(const struct tally *tally, struct commit *out, struct arena *arena) {
    assert(tally->type == VOTE_PRECOMMIT);
    if (tally->majority == NULL || block_id_is_nil(&tally->majority->id))
        return false;
    struct commit_sig *sigs = arena_take(arena, tally->validators->count, sizeof *sigs);
    if (sigs == NULL)
        return false;
    for (uint32_t i = 0; i < tally->validators->count; i++)
        commit_sig_fill(&sigs[i], tally, i);
    *out = (struct commit){.height = tally->height,
                           .round = tally->round,
                           .block_id = tally->majority->id,
                           .count = tally->validators->count,
                           .sigs = sigs};
    return extensions_fill(out, tally, arena);
}
