/* The ledger: the chain's state, its store and its application behind one door. A height enters through ledger_apply and nowhere else:
 * executed, then block, commit, state, application state and indexes in ONE synced batch. */
#ifndef QUORATE_LEDGER_LEDGER_H
#define QUORATE_LEDGER_LEDGER_H

#include "ledger/app.h"
#include "ledger/evidence_pool.h"
#include "ledger/index.h"
#include "ledger/judge.h"
#include "ledger/keys.h"

struct ledger {
    struct kv *kv;     /* a loan */
    struct app *app;   /* a loan */
    struct state state;
    int64_t base;      /* lowest height with a block; 0: none */
    int64_t pruned_results, pruned_index; /* no results, no places in the indexes below these heights, because they were pruned */
    int64_t given_back_blocks, given_back_index; /* up to these heights the space of what was pruned was asked back from the store */
    struct evidence_pool evidence; /* pending */
    struct judge_clock clock; /* set by the shell before judging */
    struct kv_batch batch;
    struct state next; /* scratch of one apply: what becomes the state */
    struct index *index; /* scratch of one apply, too */
    struct arena arena; /* scratch of one apply: its answers are loans until the next */
    bool index_transactions; /* tx_index.indexer is not "null" */
    bool keep_results;       /* !storage.discard_abci_responses; false: only the last LEDGER_RESULTS_KEPT, unless the index needs them */
    int64_t replayed;        /* blocks that the application lacked when the ledger was opened, and got (handshake.h) */
};
#define LEDGER_RESULTS_KEPT 16

/* Without an application (NULL) the chain is opened as it is: to be looked at, or taken back.
 * Reads the head, or starts the chain: InitChain, first state, written with sync. Refuses (false, *error malloc'ed, one line with what
 * to do): another genesis than the stored one, an application that is ahead, behind or of another hash. */
bool ledger_open(struct ledger *ledger, struct kv *kv, struct app *app, const struct state_genesis *genesis,
                 enum params_release release, char **error);
void ledger_close(struct ledger *ledger);

/* A block for the next height from candidate transactions (the mempool's, in order), through the application's PrepareProposal. last_commit has its
 * extensions where ledger_extends the last height. */
struct block *ledger_propose(struct ledger *ledger, const struct commit *last_commit, const struct address *proposer,
                             struct span *txs, const uint8_t (*tx_hashes)[32], uint32_t tx_count,
                             const struct evidence *evidence, uint32_t evidence_count);
/* How many bytes of transactions the next block has room for, as Data encodes them. */
int64_t ledger_data_bytes_max(const struct ledger *ledger);
/* Validity, and the application's ProcessProposal. */
enum block_verdict ledger_judge(struct ledger *ledger, const struct block *block, const struct commit_cache *cache);

/* Vote extensions (ledger_extend.c). Whether those of this height are on; of a height begun, at any later time too. */
bool ledger_extends(const struct ledger *ledger, int64_t height);
/* ExtendVote: of the arena, or a loan until the application's next call; data is never NULL. */
struct span ledger_extend_vote(struct ledger *ledger, const struct block *block, struct arena *arena);
/* VerifyVoteExtension of a precommit for a block; its signatures were verified before. */
bool ledger_accepts_extension(struct ledger *ledger, const struct vote *vote);

struct ledger_applied { /* loans until the next apply */
    struct abci_finalized finalized;
    int64_t retain_height;
};
/* Applies the judged block of the next height with the commit that decided it; where ledger_extends, the commit has all its extensions. A second call for an applied height is refused (false,
 * nothing done). Aborts through the kv's failure handler if the application's updates are invalid. */
bool ledger_apply(struct ledger *ledger, struct ledger_applied *applied, struct block *block, const struct commit *seen_commit);

/* Takes back the last applied height (undo record): state and application return to height − 1; the block is kept unless `hard`.
 * false: nothing to undo, or its record is gone. */
bool ledger_rollback(struct ledger *ledger, bool hard);

/* ---- ledger_prune.c: forgetting. Lowest heights to be kept; 0 keeps all. Results are kept as long as the index needs them, and nothing longer
 * than its block, but for headers, commits and validators: these stay until no evidence about them can be valid any more. */
struct ledger_retain {
    int64_t blocks, states, results, index;
};
/* Looks at no more than `count_max` heights of each kind in a call. Returns how many it went through, 0: nothing is left to do. One write, not synced.
 * From time to time the store is asked to give back the space, which it does beside (kv_compact_later). */
int64_t ledger_prune_to(struct ledger *ledger, const struct ledger_retain *retain, int64_t count_max);
/* All below `retain`. Returns how many blocks went. */
int64_t ledger_prune(struct ledger *ledger, int64_t retain, int64_t count_max);
/* The lowest height that tx, tx_search and block_search can find; that has results. */
int64_t ledger_index_base(const struct ledger *ledger);
int64_t ledger_results_base(const struct ledger *ledger);

/* ---- store.c: reading the past. All return a blob/struct for the caller to release, or NULL / false when not there. */
struct blob *ledger_block_bytes(struct ledger *ledger, int64_t height);
struct block *ledger_block(struct ledger *ledger, int64_t height);
struct ledger_meta {
    struct block_id block_id;
    int64_t size;
    struct header header;
    uint32_t tx_count;
};
bool ledger_block_meta(struct ledger *ledger, struct ledger_meta *out, int64_t height);
int64_t ledger_height_of(struct ledger *ledger, const uint8_t block_hash[static 32]); /* 0: unknown */
/* canonical: the commit in block height + 1; for the last height the seen one (*canonical false). Sigs from the arena. */
bool ledger_commit(struct ledger *ledger, struct commit *out, bool *canonical, int64_t height, struct arena *arena);
/* With its extensions, of a height where ledger_extends: as it was seen here, or as block sync got it. false also: a damaged one. Copies. */
bool ledger_extended_commit(struct ledger *ledger, struct commit *out, int64_t height, struct arena *arena);
struct blob *ledger_extended_commit_bytes(struct ledger *ledger, int64_t height);
bool ledger_seen_commit(struct ledger *ledger, struct commit *out, int64_t height, struct arena *arena);
/* Validators with priorities as of `height` (up to state height + 1; + 2 is next_validators). *set is initialised by the caller. */
bool ledger_validators(struct ledger *ledger, struct valset *set, int64_t height);
bool ledger_params(struct ledger *ledger, struct params *out, int64_t height, int64_t *changed_at);
bool ledger_results(struct ledger *ledger, struct abci_finalized *out, int64_t height, struct arena *arena); /* copies into the arena */
/* One transaction, one result, copied into the arena, without reading the rest. Return how many bytes were read for it, 0: it is not there. */
size_t ledger_tx_at(struct ledger *ledger, struct span *tx, int64_t height, uint32_t index, struct arena *arena);
size_t ledger_result_at(struct ledger *ledger, struct abci_tx_result *result, int64_t height, uint32_t index, struct arena *arena);
bool ledger_find_tx(struct ledger *ledger, const uint8_t tx_hash[static 32], int64_t *height, uint32_t *index);

#endif
