/* filter_peers: the application says whom the node speaks with (cometbft: node/setup.go createTransport; protocol.md §4.2). */
#ifndef QUORATE_NODE_PEER_FILTER_H
#define QUORATE_NODE_PEER_FILTER_H

#include "ledger/app.h"

/* The application's answer to a query of `path`: code 0 admits. `app` is a struct app *. */
bool peer_filter_admits(void *app, const char *path);

#endif
