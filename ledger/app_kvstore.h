/* CometBFT's example application, byte-compatible (cometbft: abci/example/kvstore/kvstore.go): "key=value" and "key:value" transactions,
 * `val=ed25519!<base64 key>!power` updates, app hash = the varint of the number of transactions in 8 bytes, its events, query paths
 * ("", "/key", "/val"…), texts and codes. */
#ifndef QUORATE_LEDGER_APP_KVSTORE_H
#define QUORATE_LEDGER_APP_KVSTORE_H

#include "ledger/app.h"

struct app *app_kvstore_open(struct kv *kv);

#endif
