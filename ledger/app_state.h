/* The application's part of genesis.json, as InitChain gives it (the only JSON in this room, because ABCI gives it as such):
 *   {"prefix": "quorate", "accounts": [{"address": "quorate1…", "pub_key": {"type": "tendermint/PubKeyEd25519", "value": "…"},
 *     "coins": [{"denom": "unit", "amount": "1000000"}]}]}
 * All may be left out but address, denom and amount. The order of accounts gives their numbers. */
#ifndef QUORATE_LEDGER_APP_STATE_H
#define QUORATE_LEDGER_APP_STATE_H

#include "crypto/arena.h"
#include "ledger/accounts.h"

/* Writes it all into the state, the prefix too. false with *error (arena text) that names the entry; what was written until then is to
 * be thrown away. */
bool app_state_load(struct overlay *state, struct span json, struct arena *arena, struct span *error);

#endif
