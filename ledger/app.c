#include "ledger/app.h"

#include "ledger/app_extender.h"
#include "ledger/app_kvstore.h"
#include "ledger/app_ledger.h"
#include "ledger/app_noop.h"

struct app *app_open(const char *name, struct kv *kv, struct span chain_id) {
    if (strcmp(name, "ledger") == 0)
        return app_ledger_open(kv, chain_id);
    if (strcmp(name, "kvstore") == 0 || strcmp(name, "persistent_kvstore") == 0)
        return app_kvstore_open(kv);
    if (strcmp(name, "extender") == 0)
        return app_extender_open(kv);
    if (strcmp(name, "noop") == 0)
        return app_noop_open(kv);
    return NULL;
}
