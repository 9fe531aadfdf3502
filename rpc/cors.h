/* Cross-origin headers (github.com/rs/cors, which CometBFT uses; config rpc.cors_allowed_*). */
#ifndef QUORATE_RPC_CORS_H
#define QUORATE_RPC_CORS_H

#include "genesis/emit.h"
#include "rpc/request.h"
#include "rpc/rpc.h"

/* Is this a question before the real request, to be answered with 204 and no body? */
bool cors_is_preflight(const struct rpc_config *config, const struct request *request);
/* Appends the header lines for this request, if CORS is on. */
void cors_headers(struct emit *head, const struct rpc_config *config, const struct request *request);

#endif
