/* Transactions that flow in: pairs for kvstore, signed transfers among a few accounts for the ledger application. */
#ifndef QUORATE_NODE_SIM_LOAD_H
#define QUORATE_NODE_SIM_LOAD_H

#include "node/load_accounts.h"
#include "node/sim_plan.h"

#define SIM_LOAD_ACCOUNTS 6
#define SIM_LOAD_FUNDS    1000000

struct sim_load {
    bool is_ledger;
    struct load_accounts accounts;
    char app_state[2048];
    uint64_t made;
    size_t tx_bytes; /* kvstore: pairs are padded to so many; 0: as they come */
    char *pair;
};

void sim_load_init(struct sim_load *load, const char *app, size_t tx_bytes);
void sim_load_close(struct sim_load *load);
/* The next one for the node: each account speaks to one node only, so that its sequences stay in order. A loan until the next call. */
struct span sim_load_next(struct sim_load *load, struct sim *sim, uint32_t node);
/* What became of it. After a refusal the account asks where it stands. */
void sim_load_note(struct sim_load *load, struct sim *sim, uint32_t node, enum mempool_verdict verdict);
/* Of the ledger application: all coins of all accounts. −1: it has none. */
int64_t sim_load_coins(const struct sim_load *load, struct ledger *ledger);

#endif
