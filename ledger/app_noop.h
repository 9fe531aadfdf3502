/* An application that takes every transaction and does nothing with it (cometbft: abci/types/application.go BaseApplication; proxy_app = "noop"). */
#ifndef QUORATE_LEDGER_APP_NOOP_H
#define QUORATE_LEDGER_APP_NOOP_H

#include "ledger/app.h"

struct app *app_noop_open(struct kv *kv);

#endif
