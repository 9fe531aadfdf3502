/* The built-in ledger: Cosmos transaction envelope, accounts and balances under an app hash (design/ledger.md). In this release:
 * /cosmos.bank.v1beta1.MsgSend with secp256k1 and ed25519 accounts, one signer, no fees.
 *
 * - Codes are those of codes.h, codespace "ledger". SIGN_MODE_DIRECT hides the chain-id in what is signed, so a transaction for another
 *   chain is a bad signature (4); code 5 is not given.
 * - From a good signature on the sequence is used, whatever becomes of the messages. Accounts are open: who receives gets one.
 * - check_tx counts on over what it let pass since the last commit: after each commit the waiting transactions must be checked again in
 *   sequence (mempool recheck), else a sender with waiting ones cannot add to them.
 * - A signature found good is remembered (in RAM, bounded) and not checked again.
 * - State lives under "s/<store>/<key>", height and app hash under "sh"; the trees of the app hash live in RAM and are rebuilt from
 *   the store when it is opened, and when the store was rolled back behind the application.
 * - A genesis app_state is described in app_state.h. InitChain's writes go into the batch of the next commit. */
#ifndef QUORATE_LEDGER_APP_LEDGER_H
#define QUORATE_LEDGER_APP_LEDGER_H

#include "ledger/app.h"

struct app *app_ledger_open(struct kv *kv, struct span chain_id);

#endif
