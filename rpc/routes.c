/* The table of methods (cometbft: rpc/core/routes.go). Names of parameters are the protocol's. */
#include "rpc/call.h"

#define HEIGHT {"height", ARG_INT64}
#define TX     {"tx", ARG_BYTES}

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* steps that a method lacks are left out */

const struct route routes_table[] = {
    {"broadcast_tx_sync", routes_broadcast_tx_sync, {TX}, ROUTE_FRESH, routes_ask_tx, .right = ACCESS_SUBMIT},
    {"broadcast_tx_async", routes_broadcast_tx_async, {TX}, ROUTE_FRESH, routes_ask_tx, .right = ACCESS_SUBMIT},
    {"broadcast_tx_commit", routes_broadcast_tx_commit, {TX}, ROUTE_FRESH, routes_ask_tx, routes_prepare_tx_commit, .right = ACCESS_SUBMIT},
    {"check_tx", routes_check_tx, {TX}, ROUTE_FRESH, routes_ask_check_tx, .right = ACCESS_SUBMIT},
    {"abci_query", routes_abci_query, {{"path", ARG_TEXT}, {"data", ARG_HEX}, {"height", ARG_INT64}, {"prove", ARG_BOOL}}, ROUTE_FRESH, routes_ask_abci_query,
     .of_app = true},
    {"abci_info", routes_answered, {{NULL, 0}}, ROUTE_CACHED, routes_ask_abci_info, .of_app = true},
    {"health", routes_health, {{NULL, 0}}, ROUTE_FRESH},
    {"status", routes_status, {{NULL, 0}}, ROUTE_FRESH},
    {"net_info", routes_net_info, {{NULL, 0}}, ROUTE_FRESH, routes_ask_net_info},
    {"blockchain", routes_blockchain, {{"minHeight", ARG_INT64}, {"maxHeight", ARG_INT64}}, ROUTE_CACHED},
    {"genesis", routes_genesis, {{NULL, 0}}, ROUTE_CACHED},
    {"genesis_chunked", routes_genesis_chunked, {{"chunk", ARG_UINT}}, ROUTE_CACHED},
    {"block", routes_block, {HEIGHT}, ROUTE_CACHED_AT_HEIGHT},
    {"block_by_hash", routes_block_by_hash, {{"hash", ARG_BYTES}}, ROUTE_CACHED},
    {"block_results", routes_block_results, {HEIGHT}, ROUTE_CACHED_AT_HEIGHT},
    {"commit", routes_commit, {HEIGHT}, ROUTE_CACHED_AT_HEIGHT},
    {"header", routes_header, {HEIGHT}, ROUTE_CACHED_AT_HEIGHT},
    {"header_by_hash", routes_header_by_hash, {{"hash", ARG_HEX}}, ROUTE_CACHED},
    {"tx", routes_tx, {{"hash", ARG_BYTES}, {"prove", ARG_BOOL}}, ROUTE_CACHED},
    {"tx_search", routes_tx_search, {{"query", ARG_TEXT}, {"prove", ARG_BOOL}, {"page", ARG_INT64}, {"per_page", ARG_INT64}, {"order_by", ARG_TEXT}}, ROUTE_FRESH},
    {"block_search", routes_block_search, {{"query", ARG_TEXT}, {"page", ARG_INT64}, {"per_page", ARG_INT64}, {"order_by", ARG_TEXT}}, ROUTE_FRESH},
    {"validators", routes_validators, {HEIGHT, {"page", ARG_INT64}, {"per_page", ARG_INT64}}, ROUTE_CACHED_AT_HEIGHT},
    {"dump_consensus_state", routes_answered, {{NULL, 0}}, ROUTE_FRESH, routes_ask_dump_consensus_state},
    {"consensus_state", routes_answered, {{NULL, 0}}, ROUTE_FRESH, routes_ask_consensus_state},
    {"consensus_params", routes_consensus_params, {HEIGHT}, ROUTE_CACHED_AT_HEIGHT},
    {"unconfirmed_txs", routes_unconfirmed_txs, {{"limit", ARG_INT64}}, ROUTE_FRESH, routes_ask_unconfirmed_txs},
    {"num_unconfirmed_txs", routes_answered, {{NULL, 0}}, ROUTE_FRESH, routes_ask_num_unconfirmed_txs},
    {"fork_alarm", routes_answered, {{NULL, 0}}, ROUTE_FRESH, routes_ask_fork_alarm}, /* not CometBFT's, as the next: for auditors */
    {"vote_log", routes_vote_log, {HEIGHT}, ROUTE_FRESH, routes_ask_vote_log},
    {"broadcast_evidence", routes_broadcast_evidence, {{"evidence", ARG_JSON}}, ROUTE_FRESH, routes_ask_evidence, routes_prepare_evidence, .right = ACCESS_SUBMIT},
    {"subscribe", subscriber_subscribe, {{"query", ARG_TEXT}, {"from_height", ARG_EXTRA_INT64}}, ROUTE_FRESH, .websocket = true},
    {"unsubscribe", subscriber_unsubscribe, {{"query", ARG_TEXT}}, ROUTE_FRESH, .websocket = true},
    {"unsubscribe_all", subscriber_unsubscribe_all, {{NULL, 0}}, ROUTE_FRESH, .websocket = true},
    {"dial_seeds", routes_dial_seeds, {{"seeds", ARG_JSON}}, ROUTE_FRESH, routes_ask_dial, routes_prepare_dial, .unsafe = true, .right = ACCESS_ADMIN},
    {"dial_peers", routes_dial_peers, {{"peers", ARG_JSON}, {"persistent", ARG_BOOL}, {"unconditional", ARG_BOOL}, {"private", ARG_BOOL}}, ROUTE_FRESH,
     routes_ask_dial, routes_prepare_dial, .unsafe = true, .right = ACCESS_ADMIN},
    {"unsafe_flush_mempool", routes_answered, {{NULL, 0}}, ROUTE_FRESH, routes_ask_flush_mempool, .unsafe = true, .right = ACCESS_ADMIN},
    {NULL, NULL, {{NULL, 0}}, ROUTE_FRESH},
};

const struct route *routes_find(const struct rpc *rpc, struct span name) {
    for (const struct route *route = rpc->routes; route->name != NULL; route++)
        if (span_equal(name, span_text(route->name)))
            return route->unsafe && !rpc->config.unsafe ? NULL : route;
    return NULL;
}

bool routes_cacheable(const struct route *route, const struct arg *args) {
    return route->cache == ROUTE_CACHED || (route->cache == ROUTE_CACHED_AT_HEIGHT && args[0].given);
}
