/* One of our applications as a stranger's node asks it: requests in, responses out. Its state is in a store of its own, and Commit makes it
 * durable before it is answered. Knows no socket; whoever serves hands in one request at a time, of whatever connection.
 *
 * What a node does and an application in our own process never meets is settled here: a block finalized and never committed (the node died
 * between) is forgotten when the next one comes, InitChain may come again as long as there is no block, and a block that is not the next one
 * is refused with an exception, because a store cannot serve two chains. */
#ifndef QUORATE_LEDGER_ABCI_HOST_H
#define QUORATE_LEDGER_ABCI_HOST_H

#include "ledger/abci_response.h"
#include "ledger/app.h"

struct abci_host {
    const char *name;
    struct kv *kv; /* a loan */
    struct app *app;
    char chain_id[HEADER_CHAIN_ID_BYTES_MAX + 1]; /* "": InitChain has not come */
    int64_t height, initial_height;
    bool is_pending; /* a block waits for its commit */
    struct kv_batch batch;
    char error[256]; /* of the last exception */
};

/* `name` as app_open knows it (a loan). false: no such application. */
bool abci_host_open(struct abci_host *host, const char *name, struct kv *kv);
void abci_host_close(struct abci_host *host);
/* The answer's spans are loans from the request, the arena or the host until the next call. An exception means that the node should not go on. */
void abci_host_answer(struct abci_host *host, struct abci_response *response, const struct abci_request *request, struct arena *arena);

#endif
