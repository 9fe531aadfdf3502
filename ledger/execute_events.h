/* What indexers and SDKs read of an executed transaction: events in the Cosmos SDK's naming, and TxMsgData. */
#ifndef QUORATE_LEDGER_EXECUTE_EVENTS_H
#define QUORATE_LEDGER_EXECUTE_EVENTS_H

#include "ledger/abci.h"
#include "ledger/execute.h"

/* tx{acc_seq}; and, if it was good, message{action, sender, module} and transfer{recipient, sender, amount} for each message. */
void execute_events(struct abci_tx_result *out, const struct execute_tx *tx, const char *prefix, struct arena *arena);
/* cosmos.base.abci.v1beta1.TxMsgData {2 repeated Any msg_responses} */
void execute_data(struct abci_tx_result *out, const struct execute_tx *tx, struct arena *arena);

#endif
