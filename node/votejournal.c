#include "node/votejournal.h"

#include <assert.h>
#include <stdlib.h>

#include "node/votejournal_keys.h"
#include "node/wire.h"

enum { BUFFER_MAX = 8 << 20, SYNC_HEIGHTS = 64, SYNC_BLOCK_BYTES = 16 << 20, PRUNE_HEIGHTS = 256, LATE_PART = INT32_MIN, ARENA_BYTES_MAX = 4 << 20 };

struct items { /* as audit_log.h writes them, one after another */
    uint8_t *bytes;
    size_t size, capacity;
};

struct votejournal {
    struct kv *kv;
    struct votejournal_chain chain;
    int64_t retain;
    struct votejournal_state state;
    int64_t height;        /* of what is gathered */
    bool is_whole;         /* all of it is to be kept, not only what is ours */
    bool last_was_whole;   /* of the height before: then its late votes matter */
    struct items own, all; /* `all` holds the own ones too */
    struct items late;     /* of the height before */
    uint32_t parts;        /* of this height that are written already */
    int64_t heights_unsynced, bytes_unsynced;
    struct arena arena;    /* of one record read back */
};

/* ---- gathering */

static void reserve(struct items *items, size_t more) {
    if (items->capacity - items->size >= more)
        return;
    items->capacity = 2 * (items->size + more);
    items->bytes = realloc(items->bytes, items->capacity);
    assert(items->bytes != NULL);
}

static void put(struct items *items, const struct vote *vote, const struct proposal *proposal, const struct header *header) {
    reserve(items, 1024);
    struct proto_writer writer;
    proto_writer_init(&writer, items->bytes + items->size, items->capacity - items->size);
    audit_log_item_write(&writer, vote, proposal, header);
    assert(!writer.overflow);
    items->size += writer.size;
}

static struct span items_span(const struct items *items) { return span_of(items->bytes, items->size); }

static void write_part(struct votejournal *votes, struct kv_batch *batch, int64_t height, uint32_t part, struct items *items) {
    uint8_t key[VOTEJOURNAL_KEY_BYTES];
    if (items->size == 0)
        return;
    kv_batch_put(batch, votejournal_key_part(key, &votes->chain, height, part), items_span(items));
    items->size = 0;
}

/* Late ones get a place that follows from what they are, so that reading them again writes them over themselves. */
static void write_late(struct votejournal *votes, struct kv_batch *batch) {
    if (votes->late.size > 0)
        write_part(votes, batch, votes->height - 1, votejournal_late_part(items_span(&votes->late)), &votes->late);
}

static void spill(struct votejournal *votes) {
    struct kv_batch batch;
    if (votes->all.size < BUFFER_MAX && votes->late.size < BUFFER_MAX)
        return;
    kv_batch_init(&batch);
    votes->is_whole = true;
    write_late(votes, &batch);
    write_part(votes, &batch, votes->height, votes->parts++, &votes->all);
    votes->own.size = 0;
    kv_write(votes->kv, &batch, false);
    kv_batch_close(&batch);
}

static void note(struct votejournal *votes, int64_t height, int32_t round, bool own, const struct vote *vote, const struct proposal *proposal) {
    if (height == votes->height - 1 && (own || round > 0 || votes->last_was_whole))
        put(&votes->late, vote, proposal, NULL);
    if (height == votes->height) {
        votes->is_whole |= round > 0;
        put(&votes->all, vote, proposal, NULL);
        if (own)
            put(&votes->own, vote, proposal, NULL);
    }
    spill(votes);
}

void votejournal_vote(struct votejournal *votes, const struct vote *vote, bool own) {
    if (votes == NULL)
        return;
    struct vote bare = *vote;
    bare.extension = span_of(NULL, 0); /* it is not what a vote is judged by */
    bare.extension_signature.size = 0;
    note(votes, vote->height, vote->round, own, &bare, NULL);
}

void votejournal_late(struct votejournal *votes, const struct vote *vote) {
    struct vote bare = *vote;
    if (votes == NULL || vote->height != votes->height - 1)
        return;
    bare.extension = span_of(NULL, 0);
    bare.extension_signature.size = 0;
    put(&votes->late, &bare, NULL, NULL);
    spill(votes);
}

void votejournal_proposal(struct votejournal *votes, const struct proposal *proposal, bool own) {
    if (votes != NULL)
        note(votes, proposal->height, proposal->round, own, NULL, proposal);
}

void votejournal_header(struct votejournal *votes, const struct header *header) {
    if (votes != NULL && header->height == votes->height)
        put(&votes->all, NULL, NULL, header);
}

void votejournal_keep(struct votejournal *votes, int64_t height) {
    if (votes != NULL && height == votes->height)
        votes->is_whole = true;
}

/* ---- writing */

static void begin_height(struct votejournal *votes, int64_t height) {
    votes->last_was_whole = votes->is_whole && height == votes->height + 1;
    votes->height = height;
    votes->is_whole = false;
    votes->own.size = votes->all.size = votes->late.size = 0;
    votes->parts = 0;
}

static void put_state(const struct votejournal *votes, struct kv_batch *batch) {
    uint8_t key[VOTEJOURNAL_KEY_BYTES], value[64];
    struct proto_writer writer;
    proto_writer_init(&writer, value, sizeof value);
    proto_put_int64(&writer, 1, votes->state.complete_from);
    proto_put_int64(&writer, 2, votes->state.filled);
    proto_put_int64(&writer, 3, votes->state.lowest);
    kv_batch_put(batch, votejournal_key_state(key, &votes->chain), proto_writer_span(&writer));
}

static void write_gathered(struct votejournal *votes, struct kv_batch *batch) {
    write_late(votes, batch);
    if (votes->is_whole)
        write_part(votes, batch, votes->height, votes->parts++, &votes->all);
    else
        write_part(votes, batch, votes->height, VOTEJOURNAL_OWN_PART, &votes->own);
}

/* Those below `lowest` go, some at a time. */
struct pruning {
    struct kv_batch *batch;
    uint32_t count;
};

static bool prune_one(void *context, struct span key, struct span value) {
    struct pruning *pruning = context;
    (void)value;
    kv_batch_delete(pruning->batch, key);
    return ++pruning->count < PRUNE_HEIGHTS;
}

static void prune(struct votejournal *votes, struct kv_batch *batch, int64_t retain_least) {
    uint8_t from[VOTEJOURNAL_KEY_BYTES], to[VOTEJOURNAL_KEY_BYTES];
    int64_t retain = votes->retain > retain_least ? votes->retain : retain_least, lowest = votes->height - retain + 1;
    if (votes->retain <= 0 || lowest <= 1)
        return;
    struct pruning pruning = {batch, 0};
    kv_scan(votes->kv, votejournal_key_part(from, &votes->chain, 0, 0), votejournal_key_part(to, &votes->chain, lowest, 0), false, prune_one, &pruning);
    votes->state.lowest = lowest;
}

static bool is_due(const struct votejournal *votes) { return votes->heights_unsynced >= SYNC_HEIGHTS || votes->bytes_unsynced >= SYNC_BLOCK_BYTES; }

void votejournal_end_height(struct votejournal *votes, int64_t height, bool marked, int64_t block_bytes, int64_t retain_least) {
    struct kv_batch batch;
    if (votes == NULL || (!marked && votes->all.size == 0 && votes->late.size == 0)) {
        if (votes != NULL)
            begin_height(votes, height + 1);
        return;
    }
    kv_batch_init(&batch);
    if (height == votes->height)
        write_gathered(votes, &batch);
    if (marked) {
        votes->state.filled = height;
        prune(votes, &batch, retain_least);
        put_state(votes, &batch);
    }
    votes->heights_unsynced++;
    votes->bytes_unsynced += block_bytes;
    bool sync = is_due(votes);
    kv_write(votes->kv, &batch, sync);
    if (sync)
        votes->heights_unsynced = votes->bytes_unsynced = 0;
    kv_batch_close(&batch);
    begin_height(votes, height + 1);
}

void votejournal_marked(struct votejournal *votes, const struct vote *vote) {
    struct items items = {0};
    struct kv_batch batch;
    put(&items, vote, NULL, NULL);
    kv_batch_init(&batch);
    write_part(votes, &batch, vote->height, votejournal_late_part(items_span(&items)), &items);
    kv_write(votes->kv, &batch, true); /* the mark will tell another one soon */
    kv_batch_close(&batch);
    free(items.bytes);
}

void votejournal_incomplete(struct votejournal *votes, int64_t complete_from) {
    struct kv_batch batch;
    if (votes == NULL || complete_from <= votes->state.complete_from)
        return;
    votes->state.complete_from = complete_from;
    kv_batch_init(&batch);
    put_state(votes, &batch);
    kv_write(votes->kv, &batch, true);
    kv_batch_close(&batch);
}

/* ---- coming back: what the other journal tells, by the heights of its messages */

struct recovery {
    struct votejournal *votes;
    int64_t ledger_height;
    bool knows_later; /* it has something of a height after the one that was asked for */
};

/* What is of a later height than what is gathered ends that one: it was applied. */
static void turn_to(struct votejournal *votes, int64_t height, int64_t ledger_height) {
    if (height <= votes->height || height > ledger_height + 1)
        return;
    votejournal_end_height(votes, votes->height, false, 0, 0);
    begin_height(votes, height);
}

static void recover_record(void *context, const struct journal_record *record) {
    struct recovery *recovery = context;
    struct votejournal *votes = recovery->votes;
    struct wire_consensus message;
    recovery->knows_later = true;
    if (record->kind != JOURNAL_MESSAGE)
        return;
    arena_reset(&votes->arena);
    if (wire_consensus_parse(&message, record->message, &votes->arena) != NULL)
        return;
    bool own = record->peer_id.size == 0;
    if (message.kind == WIRE_VOTE_MESSAGE) {
        turn_to(votes, message.vote.height, recovery->ledger_height);
        votejournal_vote(votes, &message.vote, own);
    } else if (message.kind == WIRE_PROPOSAL) {
        turn_to(votes, message.proposal.height, recovery->ledger_height);
        votejournal_proposal(votes, &message.proposal, own);
    }
}

static void recover(struct votejournal *votes, struct journal *journal, int64_t ledger_height) {
    struct recovery recovery = {votes, ledger_height, false};
    bool is_new = votes->state.complete_from == 0;
    int64_t from = is_new || votes->state.filled > ledger_height ? ledger_height : votes->state.filled;
    begin_height(votes, from + 1);
    bool found = journal_replay(journal, from + 1, recover_record, &recovery);
    if (from == 0 && ledger_height > 0)
        found = found && recovery.knows_later; /* a new one begins with the end of height 0 */
    if (!found && from < ledger_height) {
        begin_height(votes, ledger_height + 1);
        found = journal_replay(journal, ledger_height + 1, recover_record, &recovery);
        votejournal_incomplete(votes, ledger_height + (found ? 1 : 2));
    } else if (!found && ledger_height > 0) {
        votejournal_incomplete(votes, ledger_height + 2); /* of the height at hand something may have been said, and forgotten */
    } else if (is_new) {
        votejournal_incomplete(votes, ledger_height + 1);
    }
    if (votes->height <= ledger_height)
        votejournal_end_height(votes, votes->height, false, 0, 0);
    if (votes->height != ledger_height + 1)
        begin_height(votes, ledger_height + 1);
}

void votejournal_rescue(struct kv *kv, struct journal *journal, struct span chain_id) {
    struct votejournal votes = {.kv = kv};
    struct recovery recovery = {&votes, INT64_MAX - 8, false};
    struct kv_batch batch;
    votejournal_chain_of(&votes.chain, chain_id);
    arena_init(&votes.arena, ARENA_BYTES_MAX);
    votejournal_read_state(&votes.state, kv, chain_id);
    begin_height(&votes, votes.state.filled + 1);
    journal_replay(journal, votes.state.filled + 1, recover_record, &recovery);
    kv_batch_init(&batch);
    votes.is_whole = true; /* of the height at hand nothing is known yet */
    write_gathered(&votes, &batch);
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
    free(votes.own.bytes);
    free(votes.all.bytes);
    free(votes.late.bytes);
    arena_close(&votes.arena);
}

struct votejournal *votejournal_open(struct kv *kv, struct journal *journal, struct span chain_id, int64_t ledger_height, int64_t retain) {
    struct votejournal *votes = calloc(1, sizeof *votes);
    assert(votes != NULL);
    votes->kv = kv;
    votes->retain = retain;
    votejournal_chain_of(&votes->chain, chain_id);
    arena_init(&votes->arena, ARENA_BYTES_MAX);
    votejournal_read_state(&votes->state, kv, chain_id);
    recover(votes, journal, ledger_height);
    return votes;
}

void votejournal_close(struct votejournal *votes) {
    if (votes == NULL)
        return;
    free(votes->own.bytes);
    free(votes->all.bytes);
    free(votes->late.bytes);
    arena_close(&votes->arena);
    free(votes);
}

bool votejournal_is_whole_now(const struct votejournal *votes, int64_t height) {
    return height == votes->height || votejournal_has_whole(votes->kv, &votes->chain, height);
}

void votejournal_state_now(struct votejournal_state *out, const struct votejournal *votes) { *out = votes->state; }

struct blob *votejournal_items_now(const struct votejournal *votes, int64_t height, size_t bytes_max) {
    struct blob *written = votejournal_gather(votes->kv, &votes->chain, height, bytes_max);
    const struct items *more = height == votes->height ? &votes->all : height == votes->height - 1 ? &votes->late : NULL;
    if (written == NULL || more == NULL || more->size == 0)
        return written;
    struct blob *both = written->size + more->size > bytes_max ? NULL : blob_reserve(written->size + more->size);
    if (both != NULL) {
        memcpy(both->data, written->data, written->size);
        memcpy(both->data + written->size, more->bytes, more->size);
    }
    blob_release(written);
    return both;
}
