/* The built-in ledger: Cosmos transaction envelope, accounts and balances under proofs (design/ledger.md). In this release:
 * /cosmos.bank.v1beta1.MsgSend with secp256k1 and ed25519 accounts. */
#ifndef QUORATE_LEDGER_APP_LEDGER_H
#define QUORATE_LEDGER_APP_LEDGER_H

#include "ledger/app.h"

struct app *app_ledger_open(struct kv *kv, struct span chain_id);

#endif
