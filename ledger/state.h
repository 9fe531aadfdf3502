/* What the next block is judged against: the chain's state after `height` (cometbft: state/state.go; protocol.md §2 "Per block"). */
#ifndef QUORATE_LEDGER_STATE_H
#define QUORATE_LEDGER_STATE_H

#include "ledger/abci.h"
#include "ledger/block.h"

#define STATE_CHAIN_ID_BYTES_MAX HEADER_CHAIN_ID_BYTES_MAX

/* The content of genesis.json that the ledger needs (the genesis room reads it). Loans. */
struct state_genesis {
    struct span chain_id;
    struct timestamp time;
    int64_t initial_height; /* ≥ 1 */
    struct params params;
    const struct valset_change *validators;
    uint32_t validator_count;
    struct app_hash app_hash;
    struct span app_state; /* JSON bytes, may be empty */
    struct digest file_hash;  /* of the file's bytes */
};

struct state {
    char chain_id[STATE_CHAIN_ID_BYTES_MAX + 1];
    enum params_release release; /* the chain's arithmetic where releases differ; set by config, not stored */
    int64_t initial_height;
    struct timestamp genesis_time;
    uint64_t version_app;
    int64_t height; /* last applied; 0 before the first block, whatever initial_height is */
    struct block_id block_id;  /* of `height` */
    struct timestamp block_time;
    struct valset last_validators; /* of `height` */
    struct valset validators;      /* of height + 1 */
    struct valset next_validators; /* of height + 2 */
    int64_t validators_changed;    /* the height at which next_validators last changed (their own height) */
    struct params params;          /* in force for height + 1 */
    int64_t params_changed;
    struct digest results_hash;    /* LastResultsHash: of `height` */
    struct app_hash app_hash;      /* after `height` */
};

void state_init(struct state *state);
void state_close(struct state *state);
void state_copy(struct state *to, const struct state *from);
/* MakeGenesisState with the application's InitChain answer. An error text (static) or NULL. */
const char *state_from_genesis(struct state *state, const struct state_genesis *genesis, const struct abci_initialized *initialized);
static inline int64_t state_next_height(const struct state *state) {
    return state->height == 0 ? state->initial_height : state->height + 1;
}
/* The state after `block` with its results (updateState): validator updates act from height + 2, parameters from height + 1.
 * An error text when the application's updates are refused (the node must halt), else NULL. `to` is initialised. */
const char *state_after(struct state *to, const struct state *from, struct block *block, const struct abci_finalized *finalized);
/* The encoding under key `h`. */
size_t state_encode(const struct state *state, uint8_t **out); /* malloc'ed */
bool state_decode(struct state *state, struct span bytes);

#endif
