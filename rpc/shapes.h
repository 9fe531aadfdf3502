/* The protocol's structs as CometBFT's JSON shows them (protocol.md §7.2). Each writes one value. */
#ifndef QUORATE_RPC_SHAPES_H
#define QUORATE_RPC_SHAPES_H

#include "genesis/emit.h"
#include "ledger/ledger.h"
#include "rpc/rpc.h"

void shapes_block_id(struct emit *emit, const struct block_id *id);
void shapes_header(struct emit *emit, const struct header *header);
void shapes_commit(struct emit *emit, const struct commit *commit);
void shapes_vote(struct emit *emit, const struct vote *vote);
void shapes_proposal(struct emit *emit, const struct proposal *proposal);
void shapes_validator(struct emit *emit, const struct validator *validator);
void shapes_valset(struct emit *emit, const struct valset *set); /* {"validators","proposer"} */
void shapes_evidence(struct emit *emit, const struct evidence *evidence);
void shapes_block(struct emit *emit, const struct block *block);
void shapes_meta(struct emit *emit, const struct ledger_meta *meta);
void shapes_merkle_proof(struct emit *emit, const struct merkle_proof *proof);

/* ABCI answers that go through jsonpb: every field shown, events []. */
void shapes_tx_result(struct emit *emit, const struct abci_tx_result *result);
void shapes_answer(struct emit *emit, const struct abci_answer *answer);
/* Those of block_results, which do not: empty lists are null, empty fields left out. */
void shapes_block_events(struct emit *emit, const struct abci_events *events);
void shapes_validator_updates(struct emit *emit, const struct abci_finalized *finalized);
void shapes_params_update(struct emit *emit, const struct abci_finalized *finalized);

/* Those of events: empty fields are left out of a transaction's result by itself, not of those within a block's. */
void shapes_tx_result_brief(struct emit *emit, const struct abci_tx_result *result);
void shapes_finalized(struct emit *emit, const struct abci_finalized *finalized);

void shapes_node_info(struct emit *emit, const struct rpc_node_info *info);

/* A key and its value, for the many that repeat. */
void shapes_int64(struct emit *emit, const char *key, int64_t value);
void shapes_number(struct emit *emit, const char *key, int64_t value);
void shapes_text(struct emit *emit, const char *key, struct span text);
void shapes_hex(struct emit *emit, const char *key, struct span bytes);
void shapes_base64(struct emit *emit, const char *key, struct span bytes);
void shapes_time(struct emit *emit, const char *key, const struct timestamp *time);

#endif
