/* What the light client's local RPC answers (cometbft: light/{rpc,proxy}): what the primary says, after it was held against verified headers; what no
 * header covers (status, mempool, broadcasts, searches) is passed on as it comes. Errors of verification are -32603 with a sentence. Subscriptions are
 * rpc's, told from the feed.
 *
 * For rpc_config.routes; the host's context is the struct light_gate. Questions run on any number of threads; the client is behind the gate's lock. */
#ifndef QUORATE_NODE_LIGHT_ROUTES_H
#define QUORATE_NODE_LIGHT_ROUTES_H

#include "node/light_feed.h"
#include "rpc/call.h"

extern const struct route light_routes_table[];

#endif
