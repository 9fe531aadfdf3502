/* What a transaction would cost, before it is signed: the query by which wallets choose a gas limit (cosmos-sdk: proto/cosmos/tx/v1beta1/
 * service.proto, Simulate). */
#ifndef QUORATE_LEDGER_EXECUTE_SIMULATE_H
#define QUORATE_LEDGER_EXECUTE_SIMULATE_H

#include "ledger/abci.h"
#include "ledger/execute.h"

#define EXECUTE_SIMULATE_PATH "/cosmos.tx.v1beta1.Service/Simulate"

/* SimulateRequest {2 tx_bytes} → SimulateResponse {1 {1 gas_wanted, 2 gas_used}}, or the code that the transaction would have. The mode
 * of `where` is EXECUTE_SIMULATE and its state one to throw away; `tx` is scratch. */
void execute_simulate(const struct execute *where, struct execute_tx *tx, struct abci_answer *out, struct span request, struct arena *arena);

#endif
