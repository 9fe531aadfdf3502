/* What targets and the seed maker stand on: a small chain over a store in memory, the same in every process. */
#ifndef QUORATE_TESTS_FUZZ_WORLD_H
#define QUORATE_TESTS_FUZZ_WORLD_H

#include "tests/ledger/chain.h"
#include "tests/ledger/wallet.h"

/* Four validators, kvstore, three blocks, the second with transactions; transactions indexed. Never closed. */
struct chain *world_chain(void);

/* The application `ledger` at its genesis, in which alice (ed25519) and bob (secp256k1) have coins and carol has none. */
struct world_ledger {
    struct kv *kv;
    struct app *app;
    struct wallet alice, bob, carol;
};
void world_ledger_open(struct world_ledger *world);
void world_ledger_close(struct world_ledger *world);
/* Forgets what check_tx has counted on. */
void world_ledger_commit(struct world_ledger *world);

#endif
