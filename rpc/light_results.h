/* Answers of another node's RPC, held against what a light client knows (cometbft: light/rpc/client.go). Pure: each reads a result (checked JSON), checks
 * whatever in it hangs together, and says at which height the trusted header must have which hash. Memory from the arena. They return NULL, or
 * a static text that says what is wrong. */
#ifndef QUORATE_RPC_LIGHT_RESULTS_H
#define QUORATE_RPC_LIGHT_RESULTS_H

#include "crypto/proofop.h"
#include "genesis/scan.h"
#include "tendermint/header.h"

/* block, block_by_hash: transactions, evidence, last commit and id are those of the header; then: the header at *height has *hash. */
const char *light_results_block(struct span result, int64_t *height, struct digest *hash, struct arena *arena);
const char *light_results_header(struct span result, int64_t *height, struct digest *hash, struct arena *arena);
/* blockchain: each header, newest first, behind the other; *count ≤ capacity. */
const char *light_results_blockchain(struct span result, int64_t *heights, struct digest *hashes, uint32_t *count, uint32_t capacity, struct arena *arena);
/* block_results: the header at *height + 1 has *hash as last_results_hash. Events are covered by no hash. */
const char *light_results_txs(struct span result, int64_t *height, struct digest *hash, struct arena *arena);
/* consensus_params: the header at *height has *hash as consensus_hash, which covers the block's size and gas alone. */
const char *light_results_params(struct span result, int64_t *height, struct digest *hash, struct arena *arena);
/* tx: the transaction has the hash that was asked for (size 0: any), and its proof leads to the data_hash of the header at *height. */
const char *light_results_tx(struct span result, const struct digest *asked, int64_t *height, struct digest *data_hash, struct arena *arena);

struct light_results_query { /* abci_query; loans of the arena */
    int64_t height; /* the header at height + 1 has the app hash */
    struct span key, value;
    uint32_t op_count;
    struct proofop ops[PROOFOP_COUNT_MAX];
};
const char *light_results_query(struct light_results_query *out, struct span result, struct arena *arena);
/* "/store/NAME/key": does the proof lead to the app hash? Knows "simple:v", and the ledger application's (ledger/state_proof.h). */
const char *light_results_query_verify(const struct light_results_query *query, struct span path, struct span asked_key, const struct app_hash *app_hash);

#endif
