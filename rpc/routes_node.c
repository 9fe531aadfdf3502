/* The node itself: health, status, peers, genesis, application (cometbft: rpc/core/{health,status,net,abci}.go). */
#include <inttypes.h>
#include <stdio.h>

#include "rpc/call.h"
#include "rpc/shapes.h"

enum { GENESIS_CHUNK_BYTES = 16 * 1024 * 1024, PEERS_MAX = 4096 };

void routes_health(struct call *call) {
    emit_open(call->out, '{');
    emit_shut(call->out, '}');
}

/* ---- status */

static void put_tip(struct emit *out, const char *which, const struct ledger_meta *meta) {
    static const struct timestamp epoch;
    static const char *const fields[] = {"block_hash", "app_hash", "block_height", "block_time"};
    char names[4][40];
    for (size_t i = 0; i < 4; i++)
        snprintf(names[i], sizeof names[i], "%s_%s", which, fields[i]);
    shapes_hex(out, names[0], meta == NULL ? span_of(NULL, 0) : digest_span(&meta->block_id.hash));
    shapes_hex(out, names[1], meta == NULL ? span_of(NULL, 0) : app_hash_span(&meta->header.app_hash));
    shapes_int64(out, names[2], meta == NULL ? 0 : meta->header.height);
    shapes_time(out, names[3], meta == NULL ? &epoch : &meta->header.time);
}

static void put_sync(struct call *call) {
    struct ledger *ledger = call_ledger(call);
    struct ledger_meta latest, earliest;
    bool has_latest = ledger_block_meta(ledger, &latest, ledger->state.height);
    bool has_earliest = ledger->base > 0 && ledger_block_meta(ledger, &earliest, ledger->base);
    emit_open(call->out, '{');
    put_tip(call->out, "latest", has_latest ? &latest : NULL);
    put_tip(call->out, "earliest", has_earliest ? &earliest : NULL);
    emit_key(call->out, "catching_up");
    emit_bool(call->out, call_catching_up(call));
    emit_shut(call->out, '}');
}

static void put_validator(struct call *call) {
    struct pubkey key = {0};
    bool has_key = call->host->validator_key(call->host->context, &key);
    struct address address = pubkey_address(&key);
    const struct valset *set = &call_ledger(call)->state.validators;
    int32_t index = has_key ? valset_find(set, &address) : -1;
    emit_open(call->out, '{');
    shapes_hex(call->out, "address", address_span(&address));
    emit_key(call->out, "pub_key");
    genesis_emit_pubkey(call->out, &key);
    shapes_int64(call->out, "voting_power", index < 0 ? 0 : set->validators[index].power);
    emit_shut(call->out, '}');
}

void routes_status(struct call *call) {
    struct rpc_node_info info = {0};
    call->host->node_info(call->host->context, &info);
    emit_open(call->out, '{');
    emit_key(call->out, "node_info");
    shapes_node_info(call->out, &info);
    emit_key(call->out, "sync_info");
    put_sync(call);
    emit_key(call->out, "validator_info");
    put_validator(call);
    emit_shut(call->out, '}');
}

/* ---- peers */

static void put_monitor(struct emit *out, const struct timestamp *start, uint64_t bytes, int64_t rate, int64_t duration_ns) {
    emit_open(out, '{');
    shapes_time(out, "Start", start);
    emit_key(out, "Bytes");
    emit_uint64(out, bytes);
    shapes_int64(out, "Samples", 0);
    shapes_int64(out, "InstRate", rate);
    shapes_int64(out, "CurRate", rate);
    shapes_int64(out, "AvgRate", rate);
    shapes_int64(out, "PeakRate", rate);
    shapes_int64(out, "BytesRem", 0);
    shapes_int64(out, "Duration", duration_ns);
    shapes_int64(out, "Idle", 0);
    shapes_int64(out, "TimeRem", 0);
    shapes_number(out, "Progress", 0);
    emit_key(out, "Active");
    emit_bool(out, true);
    emit_shut(out, '}');
}

static void put_channel(struct emit *out, const struct rpc_channel_status *channel) {
    emit_open(out, '{');
    shapes_number(out, "ID", channel->id);
    shapes_int64(out, "SendQueueCapacity", channel->send_queue_capacity);
    shapes_int64(out, "SendQueueSize", channel->send_queue_size);
    shapes_int64(out, "Priority", channel->priority);
    shapes_int64(out, "RecentlySent", channel->recently_sent);
    emit_shut(out, '}');
}

static void put_connection(struct call *call, const struct rpc_peer *peer) {
    struct emit *out = call->out;
    struct timestamp now = call->host->now(call->host->context), start = timestamp_add_ns(&now, -peer->duration_ns);
    emit_open(out, '{');
    shapes_int64(out, "Duration", peer->duration_ns);
    emit_key(out, "SendMonitor");
    put_monitor(out, &start, peer->bytes_sent, peer->send_rate, peer->duration_ns);
    emit_key(out, "RecvMonitor");
    put_monitor(out, &start, peer->bytes_received, peer->recv_rate, peer->duration_ns);
    emit_key(out, "Channels");
    emit_open(out, '[');
    for (uint32_t i = 0; i < peer->channel_count; i++)
        put_channel(out, &peer->channels[i]);
    emit_shut(out, ']');
    emit_shut(out, '}');
}

struct routes_peers *routes_find_peers(struct call *call) {
    uint32_t count = call->host->peers(call->host->context, NULL, 0);
    count = count > PEERS_MAX ? PEERS_MAX : count;
    struct routes_peers *peers = arena_take(call->arena, 1, sizeof *peers);
    if (peers != NULL)
        peers->list = arena_take(call->arena, count, sizeof *peers->list);
    if (peers == NULL || peers->list == NULL) {
        call_fail(call, "too many peers to show at once");
        return NULL;
    }
    uint32_t filled = call->host->peers(call->host->context, peers->list, count);
    peers->count = filled < count ? filled : count;
    return peers;
}

static void find_validators(struct call *call, struct routes_peers *found) {
    const struct rpc_host *host = call->host;
    uint32_t count = host->liveness == NULL ? 0 : host->liveness(host->context, NULL, 0);
    found->validators = arena_take(call->arena, count, sizeof *found->validators);
    if (count > 0 && found->validators != NULL)
        found->validator_count = host->liveness(host->context, found->validators, count);
}

void routes_ask_net_info(struct call *call) {
    struct routes_peers *found = routes_find_peers(call);
    if (found != NULL)
        find_validators(call, found);
    call->found = found;
}

/* Ours, beside CometBFT's keys: who is suspected to be slow or gone. */
static void put_liveness(struct emit *out, bool suspected, int64_t heard_ago_ms, int64_t silence_max_ms) {
    emit_key(out, "suspected");
    emit_bool(out, suspected);
    shapes_int64(out, "heard_ago_ms", heard_ago_ms);
    shapes_int64(out, "silence_max_ms", silence_max_ms);
}

static void put_peer_liveness(struct emit *out, const struct rpc_peer *peer) {
    emit_key(out, "liveness");
    emit_open(out, '{');
    put_liveness(out, peer->suspected, peer->heard_ago_ms, peer->silence_max_ms);
    shapes_int64(out, "round_trip_us", peer->round_trip_us);
    emit_shut(out, '}');
}

static void put_validators_liveness(struct emit *out, const struct routes_peers *found) {
    emit_key(out, "validators");
    emit_open(out, '[');
    for (uint32_t i = 0; i < found->validator_count; i++) {
        const struct rpc_validator_liveness *validator = &found->validators[i];
        emit_open(out, '{');
        shapes_hex(out, "address", address_span(&validator->address));
        put_liveness(out, validator->suspected, validator->heard_ago_ms, validator->silence_max_ms);
        emit_shut(out, '}');
    }
    emit_shut(out, ']');
}

void routes_net_info(struct call *call) {
    const struct routes_peers *found = call->found;
    const struct rpc_peer *peers = found->list;
    struct emit *out = call->out;
    uint32_t count = found->count;
    emit_open(out, '{');
    emit_key(out, "listening");
    emit_bool(out, true);
    emit_key(out, "listeners");
    emit_open(out, '[');
    emit_cstring(out, "Listener(@)");
    emit_shut(out, ']');
    shapes_int64(out, "n_peers", count);
    emit_key(out, "peers");
    emit_open(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        emit_open(out, '{');
        emit_key(out, "node_info");
        shapes_node_info(out, &peers[i].info);
        emit_key(out, "is_outbound");
        emit_bool(out, peers[i].is_outbound);
        emit_key(out, "connection_status");
        put_connection(call, &peers[i]);
        shapes_text(out, "remote_ip", span_text(peers[i].remote_ip));
        put_peer_liveness(out, &peers[i]);
        emit_shut(out, '}');
    }
    emit_shut(out, ']');
    if (call->host->liveness != NULL)
        put_validators_liveness(out, found);
    emit_shut(out, '}');
}

/* ---- genesis */

static struct span genesis_document(struct call *call) {
    struct emit *document = &call->rpc->genesis;
    if (document->size == 0) {
        struct genesis_plan plan = genesis_plan_of(call->host->genesis);
        genesis_emit(document, &plan);
    }
    return span_of(document->data, document->size);
}

void routes_genesis(struct call *call) {
    struct span document = genesis_document(call);
    if (document.size > GENESIS_CHUNK_BYTES) {
        call_fail(call, "genesis response is large, please use the genesis_chunked API instead");
        return;
    }
    emit_open(call->out, '{');
    emit_key(call->out, "genesis");
    emit_raw(call->out, document);
    emit_shut(call->out, '}');
}

void routes_genesis_chunked(struct call *call) {
    struct span document = genesis_document(call);
    int64_t total = (int64_t)((document.size + GENESIS_CHUNK_BYTES - 1) / GENESIS_CHUNK_BYTES), chunk = call->args[0].number;
    if (chunk > total - 1) {
        call_fail(call, "there are %" PRId64 " chunks, %" PRId64 " is invalid", total - 1, chunk);
        return;
    }
    size_t start = (size_t)chunk * GENESIS_CHUNK_BYTES, left = document.size - start;
    emit_open(call->out, '{');
    shapes_int64(call->out, "chunk", chunk);
    shapes_int64(call->out, "total", total);
    shapes_base64(call->out, "data", span_of(document.data + start, left < GENESIS_CHUNK_BYTES ? left : GENESIS_CHUNK_BYTES));
    emit_shut(call->out, '}');
}

/* ---- the application */

static void put_info(struct emit *out, const struct abci_info *info) {
    emit_open(out, '{');
    if (info->data.size > 0)
        shapes_text(out, "data", info->data);
    if (info->version.size > 0)
        shapes_text(out, "version", info->version);
    if (info->app_version != 0) {
        emit_key(out, "app_version");
        emit_uint64(out, info->app_version);
    }
    if (info->last_block_height != 0)
        shapes_int64(out, "last_block_height", info->last_block_height);
    if (info->last_block_app_hash.size > 0)
        shapes_base64(out, "last_block_app_hash", app_hash_span(&info->last_block_app_hash));
    emit_shut(out, '}');
}

void routes_ask_abci_info(struct call *call) {
    struct app *app = call->host->ledger->app;
    struct abci_info info = {0};
    app->table->info(app, &info, call->arena);
    emit_open(call->out, '{');
    emit_key(call->out, "response");
    put_info(call->out, &info);
    emit_shut(call->out, '}');
}

void routes_ask_abci_query(struct call *call) {
    struct app *app = call->host->ledger->app;
    const struct arg *args = call->args;
    struct abci_query question = {.path = args[0].bytes, .data = args[1].bytes, .height = args[2].number, .prove = args[3].yes};
    struct abci_answer *answer = arena_take(call->arena, 1, sizeof *answer);
    if (answer == NULL)
        return call_fail(call, "no room for an answer");
    app->table->query(app, answer, &question, call->arena);
    call->found = answer;
}

void routes_abci_query(struct call *call) {
    emit_open(call->out, '{');
    emit_key(call->out, "response");
    shapes_answer(call->out, call->found);
    emit_shut(call->out, '}');
}

/* ---- the page of GET / */

static void put_escaped(struct emit *out, struct span text) {
    static const char specials[] = "<>&\"'";
    static const char *const names[] = {"&lt;", "&gt;", "&amp;", "&#34;", "&#39;"};
    for (size_t i = 0; i < text.size; i++) {
        const char *special = text.data[i] == 0 ? NULL : strchr(specials, text.data[i]);
        if (special == NULL)
            emit_raw(out, span_of(text.data + i, 1));
        else
            emit_literal(out, names[special - specials]);
    }
}

static void put_link(struct emit *out, struct span host, const struct route *route) {
    emit_literal(out, "//");
    put_escaped(out, host);
    emit_literal(out, "/");
    emit_literal(out, route->name);
    for (size_t i = 0; route->specs[i].name != NULL; i++) {
        emit_literal(out, i == 0 ? "?" : "&");
        emit_literal(out, route->specs[i].name);
        emit_literal(out, "=_");
    }
}

static void put_links(struct emit *out, const struct rpc_config *config, struct span host, bool with_params) {
    for (const struct route *route = routes_table; route->name != NULL; route++) {
        if (route->websocket || (route->unsafe && !config->unsafe) || (route->specs[0].name != NULL) != with_params)
            continue;
        emit_literal(out, "<a href=\"");
        put_link(out, host, route);
        emit_literal(out, "\">");
        put_link(out, host, route);
        emit_literal(out, "</a></br>");
    }
}

void routes_index(struct emit *out, const struct rpc_config *config, struct span host) {
    emit_literal(out, "<html><body><br>Available endpoints:<br>");
    put_links(out, config, host, false);
    emit_literal(out, "<br>Endpoints that require arguments:<br>");
    put_links(out, config, host, true);
    emit_literal(out, "</body></html>");
}
