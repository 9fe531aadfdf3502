/* Questions about accounts and balances, over committed state: the gRPC paths that CosmJS asks through abci_query, with protobuf in and out
 * (cosmos-sdk: proto/cosmos/{auth,bank}/v1beta1/query.proto), and /ledger/account/<address>, which answers JSON for people. */
#ifndef QUORATE_LEDGER_ACCOUNTS_QUERY_H
#define QUORATE_LEDGER_ACCOUNTS_QUERY_H

#include "ledger/abci.h"
#include "ledger/accounts.h"

#define ACCOUNTS_QUERY_BALANCES_MAX 1000 /* that one answer lists */

struct accounts_query { /* loans */
    struct overlay *committed;
    struct kv *kv;
    const char *prefix;
    int64_t height;
};

/* Only the latest height can be asked about: another gives code 31. */
void accounts_query_answer(const struct accounts_query *where, struct abci_answer *out, const struct abci_query *question, struct arena *arena);

#endif
