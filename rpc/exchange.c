/* The JSON-RPC envelope: batches, ids, notifications, errors (cometbft: rpc/jsonrpc/server/http_json_handler.go, rpc/jsonrpc/types). */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/call.h"

enum { ARENA_BYTES_MAX = 512 * 1024 * 1024, ARENA_KEPT_BYTES = 256 * 1024, OUTPUT_BYTES_MAX = 256 * 1024 * 1024, SPARE_MAX = 8, SHOWN_MAX = 100, STATUS_OK = 200, STATUS_FORBIDDEN = 403, STATUS_NOT_FOUND = 404, STATUS_TOO_MANY = 429, STATUS_ERROR = 500 };

struct exchange *exchange_open(struct rpc *rpc) {
    struct exchange *exchange = rpc->spare;
    if (exchange != NULL) {
        rpc->spare = exchange->next;
        rpc->spare_count--;
    } else {
        exchange = calloc(1, sizeof *exchange);
        assert(exchange != NULL);
        arena_init(&exchange->arena, ARENA_BYTES_MAX);
        emit_init(&exchange->out);
    }
    struct arena arena = exchange->arena;
    struct emit out = exchange->out;
    *exchange = (struct exchange){.rpc = rpc, .arena = arena, .out = out, .status = STATUS_OK, .cacheable = true, .rights = ACCESS_ALL, .client.is_local = true};
    return exchange;
}

static void let_go(struct exchange *exchange) {
    for (uint32_t i = 0; i < exchange->held_count; i++)
        blob_release(exchange->held[i]);
    free(exchange->keeps);
}

void exchange_close_with(struct exchange *exchange, void *bytes) {
    struct rpc *rpc = exchange->rpc;
    assert(exchange->keeps == NULL);
    exchange->keeps = bytes;
    if (exchange->at_core) {
        exchange->abandoned = true;
        return;
    }
    let_go(exchange);
    waiters_remove(&rpc->waiters, &exchange->waiter);
    for (struct exchange **place = &rpc->ready; exchange->is_ready; place = &(*place)->next)
        if (*place == exchange) {
            *place = exchange->next;
            exchange->is_ready = false;
            break;
        }
    if (exchange->arena.bytes_taken > ARENA_KEPT_BYTES)
        arena_close(&exchange->arena);
    else
        arena_reset(&exchange->arena);
    emit_clear(&exchange->out);
    if (rpc->spare_count == SPARE_MAX) {
        arena_close(&exchange->arena);
        emit_close(&exchange->out);
        free(exchange);
        return;
    }
    exchange->next = rpc->spare;
    rpc->spare = exchange;
    rpc->spare_count++;
}

void call_fail(struct call *call, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call->failed = true;
    call->error = args_text(call->arena, "%s", text);
}

struct ledger *call_ledger(const struct call *call) { return rpc_ledger(call->rpc); }

bool call_catching_up(const struct call *call) {
    return call->rpc->apart ? atomic_load(&call->rpc->desk.catching_up) : call->host->catching_up(call->host->context);
}

/* ---- answers */

static void put_id(struct exchange *exchange) {
    emit_literal(&exchange->out, "{\"jsonrpc\":\"2.0\"");
    if (exchange->id.size > 0) { /* no id was found out: left out, as Go's omitempty does */
        emit_literal(&exchange->out, ",\"id\":");
        emit_raw(&exchange->out, exchange->id);
    }
}

static void begin_answer(struct exchange *exchange) {
    if (exchange->is_batch)
        emit_literal(&exchange->out, exchange->answers == 0 ? "[" : ",");
    exchange->answers++;
    exchange->mark = exchange->out.size;
    put_id(exchange);
    emit_literal(&exchange->out, ",\"result\":");
}

static const char *message_of(int code) {
    switch (code) {
    case CALL_PARSE_ERROR: return "Parse error. Invalid JSON";
    case CALL_INVALID_REQUEST: return "Invalid Request";
    case CALL_NO_METHOD: return "Method not found";
    case CALL_INVALID_PARAMS: return "Invalid params";
    case CALL_SERVER: return "Server error";
    default: return "Internal error";
    }
}

/* Instead of the result that was begun. */
static void put_error(struct exchange *exchange, int code, struct span data) {
    exchange->out.size = exchange->mark;
    put_id(exchange);
    emit_literal(&exchange->out, ",\"error\":{");
    emit_key(&exchange->out, "code");
    emit_number(&exchange->out, code);
    emit_key(&exchange->out, "message");
    emit_cstring(&exchange->out, message_of(code));
    if (data.size > 0) {
        emit_key(&exchange->out, "data");
        emit_string(&exchange->out, data);
    }
    emit_literal(&exchange->out, "}}");
}

static void put_foreign(struct exchange *exchange, struct span error) {
    exchange->out.size = exchange->mark;
    put_id(exchange);
    emit_literal(&exchange->out, ",\"error\":");
    emit_raw(&exchange->out, error);
    emit_literal(&exchange->out, "}");
}

static void answer_error(struct exchange *exchange, int code, struct span data) {
    begin_answer(exchange);
    put_error(exchange, code, data);
}

/* The whole request is refused. */
static bool refuse(struct exchange *exchange, int status, int code, const char *format, struct span detail) {
    exchange->status = status;
    exchange->cacheable = false;
    exchange->id = span_of(NULL, 0);
    answer_error(exchange, code, args_text(&exchange->arena, format, (int)detail.size, (const char *)detail.data));
    return true;
}

/* ---- one request object */

struct envelope {
    bool is_call;       /* it has an id */
    struct span id;     /* as JSON to echo */
    struct span method;
    struct span params; /* raw; may be empty */
};

static bool read_id(struct envelope *envelope, struct span *error, struct span id, struct arena *arena) {
    int64_t number;
    switch (scan_kind(id)) {
    case SCAN_TEXT: {
        struct span text;
        struct emit emit;
        if (!scan_text(&text, id, arena))
            return false;
        emit_init(&emit);
        emit_string(&emit, text);
        bool kept = arena_copy(arena, &envelope->id, span_of(emit.data, emit.size));
        emit_close(&emit);
        return kept;
    }
    case SCAN_NUMBER:
        if (!scan_int64_number(&number, id)) { /* fractions and numbers beyond 64 bits would collide (wound 37) */
            *error = args_text(arena, "json-rpc ID must be a whole number of 64 bits, got %.*s", id.size > SHOWN_MAX ? SHOWN_MAX : (int)id.size,
                               (const char *)id.data);
            return false;
        }
        envelope->id = args_text(arena, "%" PRId64, number);
        return true;
    default:
        *error = args_text(arena, "json-rpc ID (%.*s) is of unknown type (%s)", id.size > SHOWN_MAX ? SHOWN_MAX : (int)id.size,
                           (const char *)id.data, scan_kind_name(id));
        return false;
    }
}

/* Most ids say the same when echoed byte for byte: short digits, plain text. */
static bool id_is_plain(struct span id) {
    if (id.data[0] == '"') {
        for (size_t i = 1; i + 1 < id.size; i++)
            if (id.data[i] < 0x20 || id.data[i] >= 0x80 || id.data[i] == '\\' || id.data[i] == '<' || id.data[i] == '>' || id.data[i] == '&')
                return false;
        return true;
    }
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] < '0' || id.data[i] > '9')
            return false;
    return id.size <= 18;
}

static bool want_text(struct span *out, struct span *error, const char *field, struct span value, struct arena *arena) {
    if (value.size == 0 || scan_is_null(value))
        return true;
    if (scan_text(out, value, arena))
        return true;
    *error = args_text(arena, "json: cannot unmarshal %s into Go struct field .%s of type string", scan_kind_name(value), field);
    return false;
}

static bool read_envelope(struct envelope *envelope, struct span *error, struct span request, struct arena *arena) {
    *envelope = (struct envelope){0};
    if (scan_is_null(request))
        return true;
    if (scan_kind(request) != SCAN_OBJECT) {
        *error = args_text(arena, "json: cannot unmarshal %s into Go value of type types.RPCRequest", scan_kind_name(request));
        return false;
    }
    struct span version = {0}, id = {0}, method = {0}, key, item, ignored;
    for (struct scan_walk walk = scan_walk(request); scan_next(&walk, &key, &item);) {
        if (scan_key_is(key, "method", true))
            method = item;
        else if (scan_key_is(key, "params", true))
            envelope->params = item;
        else if (scan_key_is(key, "id", true))
            id = item;
        else if (scan_key_is(key, "jsonrpc", true))
            version = item;
    }
    if (!want_text(&ignored, error, "jsonrpc", version, arena) || !want_text(&envelope->method, error, "method", method, arena))
        return false;
    if (id.size == 0 || scan_is_null(id))
        return true;
    envelope->is_call = true;
    envelope->id = id;
    return id_is_plain(id) || read_id(envelope, error, id, arena);
}

/* ---- calls */

static void end_call(struct exchange *exchange, const struct call *call) {
    if (!call->failed) {
        emit_literal(&exchange->out, "}");
        return;
    }
    if (call->foreign.size > 0)
        put_foreign(exchange, call->foreign);
    else
        put_error(exchange, call->bad_params ? CALL_INVALID_PARAMS : CALL_INTERNAL, call->error);
    if (exchange->uri) { /* over POST a handler's error is a good answer to HTTP */
        exchange->status = STATUS_ERROR;
        exchange->cacheable = false;
    }
}

static struct call *begin_call(struct exchange *exchange, const struct route *route, const struct arg *args, struct span params) {
    memcpy(exchange->args, args, sizeof exchange->args);
    exchange->call = (struct call){
        .route = route,
        .rpc = exchange->rpc,
        .host = &exchange->rpc->host,
        .arena = &exchange->arena,
        .out = &exchange->out,
        .args = exchange->args,
        .params = params,
        .is_uri = exchange->uri,
        .exchange = exchange,
    };
    begin_answer(exchange);
    return &exchange->call;
}

/* The last step. true: done. false: it waits. */
static bool conclude(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (!call->failed)
        call->route->handle(call);
    if (!call->waits)
        end_call(exchange, call);
    return !call->waits;
}

static bool run(struct exchange *exchange, const struct route *route, const struct arg *args, struct span params) {
    struct rpc *rpc = exchange->rpc;
    struct call *call = begin_call(exchange, route, args, params);
    rpc_refresh(rpc);
    if (exchange->mark > OUTPUT_BYTES_MAX) /* of the batch so far */
        call_fail(call, "the answers of this batch are larger than %d bytes: ask for less at once", OUTPUT_BYTES_MAX);
    else if (route->prepare != NULL)
        route->prepare(call);
    if (!call->failed && route->ask != NULL && rpc->apart && !(route->of_app && rpc->host.ledger->app->table->is_apart)) {
        rpc_post(rpc, exchange);
        return false;
    }
    if (!call->failed && route->ask != NULL)
        route->ask(call);
    return conclude(exchange);
}

void exchange_answered(struct exchange *exchange) {
    exchange->at_core = false;
    if (exchange->abandoned) {
        void *bytes = exchange->keeps;
        exchange->keeps = NULL;
        exchange_close_with(exchange, bytes);
        return;
    }
    rpc_refresh(exchange->rpc);
    if (conclude(exchange))
        exchange_go_on(exchange);
}

void exchange_forget(struct exchange *exchange) {
    void *bytes = exchange->keeps;
    assert(exchange->abandoned);
    exchange->at_core = false;
    exchange->keeps = NULL;
    exchange_close_with(exchange, bytes);
}

/* Neither a token's rights nor its owner's haste concern CometBFT, so the errors are those of its class "server error". */
static bool is_admitted(struct exchange *exchange, const struct route *route) {
    enum access_right right = route->right == 0 ? ACCESS_READ : route->right;
    struct span why = {0};
    if ((exchange->rights & (int)right) == 0) {
        exchange->status = STATUS_FORBIDDEN;
        why = args_text(&exchange->arena, "%s needs the right to %s: send a token that has it (Authorization: Bearer TOKEN)", route->name,
                        access_right_text(right));
    } else if (!buckets_take(&exchange->rpc->buckets, &exchange->client, rpc_clock_ms())) {
        exchange->status = STATUS_TOO_MANY;
        why = args_text(&exchange->arena, "too many calls: %u a second are allowed", exchange->rpc->buckets.rate);
    }
    if (why.size == 0)
        return true;
    answer_error(exchange, CALL_SERVER, why);
    exchange->cacheable = false;
    return false;
}

static bool run_request(struct exchange *exchange, const struct envelope *envelope) {
    struct arg args[ARGS_MAX];
    struct span error = {0};
    if (!envelope->is_call)
        return true; /* a notification: no answer */
    exchange->id = envelope->id;
    const struct route *route = routes_find(exchange->rpc, envelope->method);
    if (route == NULL || (route->websocket && exchange->websocket == NULL)) {
        answer_error(exchange, CALL_NO_METHOD, error);
        exchange->cacheable = false;
        return true;
    }
    if (!is_admitted(exchange, route))
        return true;
    memset(args, 0, sizeof args);
    if (!route->as_it_comes && !args_from_json(args, &error, route->specs, envelope->params, &exchange->arena)) {
        struct span data = args_text(&exchange->arena, "error converting json params to arguments: %.*s", (int)error.size, (const char *)error.data);
        answer_error(exchange, exchange->websocket != NULL ? CALL_INTERNAL : CALL_INVALID_PARAMS, data); /* as ws_handler.go has it */
        exchange->cacheable = false;
        return true;
    }
    exchange->cacheable = exchange->cacheable && routes_cacheable(route, args);
    return run(exchange, route, args, envelope->params);
}

static void finish(struct exchange *exchange) {
    if (exchange->answers > 1)
        emit_literal(&exchange->out, "]");
    if (exchange->answers == 0)
        exchange->cacheable = false;
}

static bool next_request(struct exchange *exchange, struct span *request) {
    struct span key;
    if (exchange->is_batch)
        return scan_next(&exchange->rest, &key, request);
    *request = exchange->single;
    exchange->single = span_of(NULL, 0);
    return request->size > 0;
}

static bool go_on(struct exchange *exchange) {
    struct span request, error = {0};
    struct envelope envelope;
    while (next_request(exchange, &request)) {
        bool good = read_envelope(&envelope, &error, request, &exchange->arena);
        assert(good); /* exchange_post has seen it */
        if (!run_request(exchange, &envelope))
            return false;
    }
    finish(exchange);
    return true;
}

static bool refuse_unparsed(struct exchange *exchange, struct span why) {
    return refuse(exchange, STATUS_ERROR, CALL_PARSE_ERROR, "error unmarshaling request: %.*s", why);
}

/* Every request of the batch is looked at before the first is run: one that cannot be read spoils all. */
static bool check_batch(struct exchange *exchange, struct span *error, struct span batch, size_t *count) {
    struct span key, item;
    struct envelope envelope;
    *count = 0;
    for (struct scan_walk walk = scan_walk(batch); scan_next(&walk, &key, &item); ++*count)
        if (!read_envelope(&envelope, error, item, &exchange->arena))
            return false;
    return true;
}

static bool post_batch(struct exchange *exchange, struct span batch) {
    struct span error = {0};
    size_t count, count_max = exchange->rpc->config.max_request_batch_size;
    if (!check_batch(exchange, &error, batch, &count))
        return refuse_unparsed(exchange, error);
    if (count_max > 0 && count > count_max) {
        char text[32];
        snprintf(text, sizeof text, "%zu", count_max);
        return refuse(exchange, STATUS_OK, CALL_INVALID_REQUEST, "batch request exceeds maximum (%.*s) allowed number of requests", span_text(text));
    }
    exchange->is_batch = true;
    exchange->rest = scan_walk(batch);
    return go_on(exchange);
}

static bool refuse_text(struct exchange *exchange, size_t bad_at, size_t size) {
    char text[96];
    snprintf(text, sizeof text, "invalid JSON or nested too deep at byte %zu of %zu", bad_at, size);
    return refuse_unparsed(exchange, span_text(text));
}

static bool post_one(struct exchange *exchange, struct span value) {
    struct span error = {0};
    struct envelope envelope;
    if (!read_envelope(&envelope, &error, value, &exchange->arena))
        return refuse_unparsed(exchange, error);
    bool complete = run_request(exchange, &envelope);
    if (complete)
        finish(exchange);
    return complete;
}

bool exchange_post(struct exchange *exchange, struct span body) {
    struct span value;
    size_t bad_at;
    if (!scan_value(&value, body, &bad_at))
        return refuse_text(exchange, bad_at, body.size);
    return scan_kind(value) == SCAN_LIST ? post_batch(exchange, value) : post_one(exchange, value);
}

bool exchange_socket(struct exchange *exchange, struct span message) {
    struct span value;
    size_t bad_at;
    return scan_value(&value, message, &bad_at) ? post_one(exchange, value) : refuse_text(exchange, bad_at, message.size);
}

bool exchange_uri(struct exchange *exchange, struct span method, struct span query, struct span form) {
    struct arg args[ARGS_MAX];
    struct span error = {0};
    const struct route *route = routes_find(exchange->rpc, method);
    exchange->uri = true;
    if (route == NULL) {
        exchange->status = STATUS_NOT_FOUND;
        exchange->cacheable = false;
        exchange->plain = span_text("text/plain; charset=utf-8");
        emit_literal(&exchange->out, "404 page not found\n");
        return true;
    }
    exchange->id = span_text("-1");
    if (route->websocket) {
        answer_error(exchange, CALL_NO_METHOD, error);
        exchange->status = STATUS_NOT_FOUND;
        exchange->cacheable = false;
        return true;
    }
    if (!is_admitted(exchange, route))
        return true;
    memset(args, 0, sizeof args);
    if (!route->as_it_comes && !args_from_uri(args, &error, route->specs, query, form, &exchange->arena)) {
        answer_error(exchange, CALL_INVALID_PARAMS,
                     args_text(&exchange->arena, "error converting http params to arguments: %.*s", (int)error.size, (const char *)error.data));
        exchange->status = STATUS_ERROR;
        exchange->cacheable = false;
        return true;
    }
    exchange->cacheable = routes_cacheable(route, args);
    return run(exchange, route, args, query.size > 0 ? query : form);
}

void exchange_resume(struct exchange *exchange, const struct abci_tx_result *result, int64_t height, const char *error) {
    struct call *call = &exchange->call;
    call->waits = false;
    if (error != NULL)
        call_fail(call, "%s", error);
    else
        routes_broadcast_tx_committed(call, result, height);
    end_call(exchange, call);
    exchange->is_ready = true;
    exchange->next = exchange->rpc->ready;
    exchange->rpc->ready = exchange;
}

void exchange_go_on(struct exchange *exchange) {
    if (exchange->uri || go_on(exchange))
        exchange->done(exchange);
}

struct span exchange_body(const struct exchange *exchange) {
    size_t skip = exchange->is_batch && exchange->answers == 1; /* one answer stands alone, not in a list */
    return exchange->out.size == 0 ? span_of(NULL, 0) : span_of(exchange->out.data + skip, exchange->out.size - skip);
}
