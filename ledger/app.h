/* The application: a table of ABCI 2.0 calls, because the user chooses it. Built in: `ledger` (app_ledger.h), `kvstore`
 * (app_kvstore.h) and `noop`; any other runs behind a socket (node/app_socket.h). Calls of one application never overlap. check_tx
 * works on a state of its own, apart from finalize_block's, and falls back to the committed state at each commit. Whatever
 * finalize_block decides depends on committed state and the block alone. */
#ifndef QUORATE_LEDGER_APP_H
#define QUORATE_LEDGER_APP_H

#include "ledger/abci.h"
#include "ledger/kv.h"

struct app;

#define APP_AHEAD_MAX 256

struct app_proposed { /* a transaction to propose */
    struct span tx;
    int64_t origin; /* its index among the candidates if it is that one unchanged (its hash is known); −1: new bytes */
};

struct app_table {
    const char *name;
    void (*info)(struct app *app, struct abci_info *out, struct arena *arena);
    /* false with *error (arena text): the genesis app_state is refused; nothing was kept */
    bool (*init_chain)(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question, struct arena *arena,
                       struct span *error);
    void (*check_tx)(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena);
    /* Chooses from `block->txs` those to propose, in order, at most bytes_max in all counted as Data encodes them
     * (proto size). `chosen` has room for tx_count indexes; returns how many. */
    uint32_t (*prepare_proposal)(struct app *app, uint32_t *chosen, const struct abci_block *block, int64_t bytes_max, struct arena *arena);
    bool (*process_proposal)(struct app *app, const struct abci_block *block, struct arena *arena); /* ACCEPT */
    void (*finalize_block)(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena);
    /* Appends the writes of the finalized block to the batch (keys begin with KEYS_APP_PREFIX), and makes them the committed
     * state. Called after init_chain too, for what genesis gave. An application apart is given no batch, is called when the block is on disk, and
     * not after init_chain. Returns the retain height, 0: keep all. The batch is on disk
     * when the call that led here returns, or the process dies. */
    int64_t (*commit)(struct app *app, struct kv_batch *batch);
    void (*query)(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena);
    void (*close)(struct app *app);
    /* NULL, or asked INSTEAD of prepare_proposal by an application that alters, adds or reorders transactions. *out is of the
     * arena; spans are of the arena or of the block. Returns the count; the same bound of bytes_max holds. */
    uint32_t (*rewrite_proposal)(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max,
                                 struct arena *arena);
    /* What our precommit for this block carries, where vote extensions are on; *out is of the arena or lives until the next call. It may depend on
     * anything, and the same vote may be asked for twice (after a restart). NULL: it is empty. */
    void (*extend_vote)(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena);
    /* Another validator's extension: ACCEPT. false: its vote is not counted, so what one honest node accepts all must. The block of that hash need
     * not be known yet. NULL: everything is accepted. */
    bool (*verify_vote_extension)(struct app *app, const struct abci_extension *question);
    bool is_apart; /* its state is its own, not in our batch: when the ledger is opened it gets the blocks that it lacks (handshake.h) */
    /* NULL, or called instead of the store's failure handler when its answer is one with which no chain can go on. Must not return. */
    void (*fail)(struct app *app, const char *what) __attribute__((noreturn));
    /* NULL, or for an application that is far away: CheckTx asked ahead, so that the way is not waited for each time. For each check_send one
     * check_take, in the same order; between them only these two are called, and no more than APP_AHEAD_MAX are under way. */
    void (*check_send)(struct app *app, struct span tx, bool recheck);
    void (*check_take)(struct app *app, struct abci_check *out, struct arena *arena);
};

struct app { /* the first member of every application's own struct */
    const struct app_table *table;
};

/* By name: "ledger", "kvstore" (also called "persistent_kvstore"), "noop", "extender" (app_extender.h). Reads its committed state from kv (a loan
 * for the app's life). NULL: unknown name. */
struct app *app_open(const char *name, struct kv *kv, struct span chain_id);

#endif
