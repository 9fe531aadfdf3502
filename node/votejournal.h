/* The vote journal: what an auditor may ask for years later, when the journal that serves restarts (journal.h) is long cut. In a store of its own
 * (data/votes.db, through kv.h), so that it outlives a reset.
 *
 * Of every height: own votes and proposals. Of every height in which any message of a round above 0 was sent or seen, or a validator voted twice:
 * also all votes that the gate let in (of a validator, round and type the first, one that conflicts, and those that a majority claim made count), the
 * proposals, and the headers of the blocks that came. Late votes too. Not in it: what strangers could add without end.
 *
 * So of an undisputed height the log is not complete: it clears its signer of nothing, and convicts it of nothing (votejournal_is_whole).
 *
 * Durable without a flush of its own: journal.h has every message before the engine acts on it, and is synced before anything of ours is signed. The
 * heights that this journal has not written durably are read again from there at the start; `filled` says up to where that is not needed. It is synced
 * every 64 heights or 16 MiB of blocks, long before the other one is cut. Where that had no record (lost files), the heights are not complete and the
 * manifest says so: `complete_from`. */
#ifndef QUORATE_NODE_VOTEJOURNAL_H
#define QUORATE_NODE_VOTEJOURNAL_H

#include "ledger/kv.h"
#include "node/journal.h"
#include "tendermint/audit_log.h"

struct votejournal;

/* kv: a loan. Heights up to ledger_height are done. Reads from `journal` what is not written yet. `retain`: heights to keep, 0: all. */
struct votejournal *votejournal_open(struct kv *kv, struct journal *journal, struct span chain_id, int64_t ledger_height, int64_t retain);
/* Before the other journal is removed: what only that one holds is written here, durably. */
void votejournal_rescue(struct kv *kv, struct journal *journal, struct span chain_id);
void votejournal_close(struct votejournal *votes); /* what waits is in the other journal; NULL allowed */

/* What passed the gate, and what is ours. NULL journals are ignored, in all of these. */
void votejournal_vote(struct votejournal *votes, const struct vote *vote, bool own);
void votejournal_late(struct votejournal *votes, const struct vote *vote); /* of the height before, and of interest whatever that was like */
void votejournal_proposal(struct votejournal *votes, const struct proposal *proposal, bool own);
void votejournal_header(struct votejournal *votes, const struct header *header);
/* Our last vote as the signing mark tells it: it may have left us without a record, when we died just then. Once, after the opening. */
void votejournal_marked(struct votejournal *votes, const struct vote *vote);
void votejournal_keep(struct votejournal *votes, int64_t height); /* all of this height is of interest (a double vote) */
/* The height is applied. `marked`: journal.h has its EndHeight; not so while blocks are synced. block_bytes: how fast journal.h grows. retain_least: what
 * evidence needs. */
void votejournal_end_height(struct votejournal *votes, int64_t height, bool marked, int64_t block_bytes, int64_t retain_least);
void votejournal_incomplete(struct votejournal *votes, int64_t complete_from); /* nothing is known of what was before */

/* ---- reading, also of a store that no node has open */

struct votejournal_state {
    int64_t complete_from; /* 0: the store knows nothing of this chain */
    int64_t filled;
    int64_t lowest;        /* below it heights were dropped (retain); 0: none */
};
void votejournal_read_state(struct votejournal_state *out, struct kv *kv, struct span chain_id);
/* Is all of the height kept that was sent and seen, or was it undisputed, and only what is ours? */
bool votejournal_is_whole(struct kv *kv, struct span chain_id, int64_t height);
/* The items of a height (audit_log.h), as one blob; empty: none. NULL: more than bytes_max. */
struct blob *votejournal_items(struct kv *kv, struct span chain_id, int64_t height, size_t bytes_max);
/* The same of an open journal, with what it has not written yet. */
void votejournal_state_now(struct votejournal_state *out, const struct votejournal *votes);
bool votejournal_is_whole_now(const struct votejournal *votes, int64_t height);
struct blob *votejournal_items_now(const struct votejournal *votes, int64_t height, size_t bytes_max);

/* Notes that belong into every manifest from then on: a reset, a restored backup. A text of at most AUDIT_LOG_NOTE_BYTES_MAX bytes. */
void votejournal_add_note(struct kv *kv, struct span chain_id, struct span text);
/* From the arena; the newest AUDIT_LOG_NOTES_MAX. */
uint32_t votejournal_notes(struct span notes[static AUDIT_LOG_NOTES_MAX], struct kv *kv, struct span chain_id, struct arena *arena);

#endif
