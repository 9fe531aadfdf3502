#include "node/light_routes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/text.h"
#include "node/complaint.h"
#include "node/rpcclient.h"
#include "rpc/args.h"
#include "rpc/light_results.h"
#include "rpc/shapes.h"

enum { PARSE_ERROR = -32700, INVALID_REQUEST = -32600, NO_METHOD = -32601, INVALID_PARAMS = -32602, INTERNAL = -32603 };
enum { ARENA_BYTES_MAX = 1 << 27, METAS_MAX = 64, PAGE_DEFAULT = 30, PAGE_MAX = 100, SOON_MS = 10000, SOON_STEP_MS = 250 };

struct asking { /* one call */
    struct light_gate *gate;
    struct arena arena;
    struct emit *out;
    const char *method;
    const struct arg *args;
    struct span params;    /* as they came: JSON, or the query of a URI */
    bool is_uri;
    int code;              /* of the error; 0: none */
    struct span error;     /* the primary's own error object, to be passed on */
    char *text;            /* of ours, malloc'ed */
    struct blob *body;     /* of the primary's last answer: result and error lie in it */
    struct span result;
};

static bool fail(struct asking *asking, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(struct asking *asking, int code, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    free(asking->text);
    asking->code = code;
    asking->text = complaint_of("%s", text);
    return false;
}

/* ---- the primary */

static void primary_url(struct asking *asking, char *out, size_t size) {
    pthread_mutex_lock(&asking->gate->lock);
    snprintf(out, size, "%s", asking->gate->client->sources[0].name);
    pthread_mutex_unlock(&asking->gate->lock);
}

static bool take_answer(struct asking *asking, struct rpcclient_answer *answer) {
    blob_release(asking->body);
    asking->body = answer->body;
    answer->body = NULL;
    asking->result = answer->result;
    bool good = answer->kind == RPCCLIENT_RESULT;
    if (!good)
        fail(asking, INTERNAL, "%s", answer->text);
    if (answer->kind == RPCCLIENT_ERROR)
        asking->error = answer->error;
    rpcclient_close(answer);
    return good;
}

static bool ask_primary(struct asking *asking, const char *method, struct span params) {
    char url[512];
    struct rpcclient_answer answer;
    primary_url(asking, url, sizeof url);
    rpcclient_call(&answer, url, method, params, &asking->gate->limits);
    return take_answer(asking, &answer);
}

static bool ask_uri(struct asking *asking) {
    char url[512];
    struct rpcclient_answer answer;
    int status;
    char *error = NULL;
    primary_url(asking, url, sizeof url);
    char *whole = complaint_of("%s/%s?%.*s", url, asking->method, (int)asking->params.size, (const char *)asking->params.data);
    struct blob *body = httpclient_ask(&status, whole, span_of(NULL, 0), &asking->gate->limits, &error);
    free(whole);
    if (body != NULL)
        rpcclient_read(&answer, body);
    else
        answer = (struct rpcclient_answer){.kind = RPCCLIENT_SILENT, .text = error};
    return take_answer(asking, &answer);
}

/* As it comes, unverified. */
static void pass_on(struct asking *asking) {
    if (asking->is_uri ? ask_uri(asking) : ask_primary(asking, asking->method, asking->params))
        emit_raw(asking->out, asking->result);
}

/* ---- verified headers */

static enum light_outcome try_trusted(struct asking *asking, struct light_block **block, int64_t height) {
    pthread_mutex_lock(&asking->gate->lock);
    enum light_outcome outcome = light_client_at(asking->gate->client, block, height);
    if (outcome != LIGHT_DONE)
        fail(asking, INTERNAL, "light client: %s: %s", light_outcome_name(outcome), asking->gate->client->reason);
    pthread_mutex_unlock(&asking->gate->lock);
    return outcome;
}

static struct light_block *trusted_at(struct asking *asking, int64_t height) {
    struct light_block *block = NULL;
    try_trusted(asking, &block, height);
    return block;
}

/* The header above an answer about the newest state is not there yet: a block's time passes. */
static struct light_block *trusted_soon(struct asking *asking, int64_t height) {
    struct light_block *block = NULL;
    for (int waited = 0; waited < SOON_MS && try_trusted(asking, &block, height) == LIGHT_UNAVAILABLE; waited += SOON_STEP_MS)
        nanosleep(&(struct timespec){0, SOON_STEP_MS * 1000000L}, NULL);
    if (block != NULL)
        asking->code = 0;
    return block;
}

enum covered { BY_HASH, BY_DATA, BY_RESULTS, BY_PARAMS };

static const struct digest *covered_hash(const struct light_block *block, enum covered covered) {
    switch (covered) {
    case BY_HASH: return &block->hash;
    case BY_DATA: return &block->header.data_hash;
    case BY_RESULTS: return &block->header.last_results_hash;
    case BY_PARAMS: return &block->header.consensus_hash;
    }
    return NULL;
}

/* The trusted header at this height has this hash. */
static bool is_covered(struct asking *asking, int64_t height, const struct digest *hash, enum covered covered) {
    struct light_block *block = trusted_soon(asking, height);
    if (block == NULL)
        return false;
    bool good = digest_equal(covered_hash(block, covered), hash);
    light_block_release(block);
    return good || fail(asking, INTERNAL, "the primary's answer is not what the trusted header of height %" PRId64 " says", height);
}

typedef const char *reader(struct span result, int64_t *height, struct digest *hash, struct arena *arena);

/* A question about a height (0: the newest), whose answer one hash of a header covers; `above`: of the next height's. */
static void ask_covered(struct asking *asking, int64_t asked, reader *read, enum covered covered, int above) {
    int64_t height = 0;
    struct span params = asked == 0 ? span_text("{}") : args_text(&asking->arena, "{\"height\":\"%" PRId64 "\"}", asked);
    struct digest hash = {0};
    if (!ask_primary(asking, asking->method, params))
        return;
    const char *wrong = read(asking->result, &height, &hash, &asking->arena);
    if (wrong != NULL)
        fail(asking, INTERNAL, "the primary's answer cannot be: %s", wrong);
    else if (asked != 0 && asked != height)
        fail(asking, INTERNAL, "the primary answered about height %" PRId64 " instead of %" PRId64, height, asked);
    else if (is_covered(asking, height + above, &hash, covered))
        emit_raw(asking->out, asking->result);
}

static void ask_block(struct asking *asking) { ask_covered(asking, asking->args[0].number, light_results_block, BY_HASH, 0); }

/* By hash, a block that nobody knows is null, and that is all there is to say. */
static void ask_by_hash(struct asking *asking, reader *read, const char *member) {
    char *text = asking->args[0].bytes.size == 32 ? malloc(TEXT_BASE64_SIZE(32) + TEXT_HEX_SIZE(32)) : NULL;
    bool is_header = strcmp(member, "header") == 0;
    int64_t height;
    struct digest hash;
    struct span part;
    if (text == NULL) {
        fail(asking, INVALID_PARAMS, "a hash of 32 bytes is wanted");
        return;
    }
    (is_header ? text_hex_upper : text_base64)(text, asking->args[0].bytes);
    struct span params = args_text(&asking->arena, "{\"hash\":\"%s\"}", text);
    free(text);
    if (!ask_primary(asking, asking->method, params))
        return;
    if (scan_member(asking->result, &part, member) && scan_is_null(part)) {
        emit_raw(asking->out, asking->result);
        return;
    }
    const char *wrong = read(asking->result, &height, &hash, &asking->arena);
    if (wrong != NULL)
        fail(asking, INTERNAL, "the primary's answer cannot be: %s", wrong);
    else if (!span_equal(digest_span(&hash), asking->args[0].bytes))
        fail(asking, INTERNAL, "the primary answered with another block than was asked for");
    else if (is_covered(asking, height, &hash, BY_HASH))
        emit_raw(asking->out, asking->result);
}

static void ask_block_by_hash(struct asking *asking) { ask_by_hash(asking, light_results_block, "block"); }
static void ask_header_by_hash(struct asking *asking) { ask_by_hash(asking, light_results_header, "header"); }

/* Of the latest block nothing can be proven yet: the results of the one before it are answered. */
static void ask_results(struct asking *asking) {
    int64_t height = asking->args[0].number;
    if (!asking->args[0].given) {
        struct light_block *newest = trusted_at(asking, 0);
        if (newest == NULL)
            return;
        height = newest->header.height - 1;
        light_block_release(newest);
    }
    ask_covered(asking, height, light_results_txs, BY_RESULTS, 1);
}

static void ask_params(struct asking *asking) { ask_covered(asking, asking->args[0].number, light_results_params, BY_PARAMS, 0); }

static void ask_blockchain(struct asking *asking) {
    int64_t heights[METAS_MAX];
    struct digest hashes[METAS_MAX];
    uint32_t count;
    struct span params = args_text(&asking->arena, "{\"minHeight\":\"%" PRId64 "\",\"maxHeight\":\"%" PRId64 "\"}", asking->args[0].number,
                                   asking->args[1].number);
    if (!ask_primary(asking, "blockchain", params))
        return;
    const char *wrong = light_results_blockchain(asking->result, heights, hashes, &count, METAS_MAX, &asking->arena);
    if (wrong != NULL) {
        fail(asking, INTERNAL, "the primary's answer cannot be: %s", wrong);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!is_covered(asking, heights[i], &hashes[i], BY_HASH))
            return;
    emit_raw(asking->out, asking->result);
}

/* The proof is asked for in any case. */
static void ask_tx(struct asking *asking) {
    char text[TEXT_BASE64_SIZE(32)];
    struct digest asked = {.size = 32}, data_hash;
    int64_t height;
    if (asking->args[0].bytes.size != 32) {
        fail(asking, INVALID_PARAMS, "the hash of a transaction is wanted: 32 bytes");
        return;
    }
    memcpy(asked.bytes, asking->args[0].bytes.data, 32);
    text_base64(text, asking->args[0].bytes);
    if (!ask_primary(asking, "tx", args_text(&asking->arena, "{\"hash\":\"%s\",\"prove\":true}", text)))
        return;
    const char *wrong = light_results_tx(asking->result, &asked, &height, &data_hash, &asking->arena);
    if (wrong != NULL)
        fail(asking, INTERNAL, "the primary's answer cannot be: %s", wrong);
    else if (is_covered(asking, height, &data_hash, BY_DATA))
        emit_raw(asking->out, asking->result);
}

static struct span query_params(struct asking *asking) {
    struct emit emit;
    struct span copy = {0};
    emit_init(&emit);
    emit_open(&emit, '{');
    shapes_text(&emit, "path", asking->args[0].bytes);
    shapes_hex(&emit, "data", asking->args[1].bytes);
    shapes_int64(&emit, "height", asking->args[2].number);
    emit_key(&emit, "prove");
    emit_bool(&emit, true);
    emit_shut(&emit, '}');
    arena_copy(&asking->arena, &copy, span_of(emit.data, emit.size));
    emit_close(&emit);
    return copy;
}

static void ask_query(struct asking *asking) {
    struct light_results_query query;
    if (!ask_primary(asking, "abci_query", query_params(asking)))
        return;
    const char *wrong = light_results_query(&query, asking->result, &asking->arena);
    struct light_block *above = wrong == NULL ? trusted_soon(asking, query.height + 1) : NULL;
    if (above != NULL)
        wrong = light_results_query_verify(&query, asking->args[0].bytes, asking->args[1].bytes, &above->header.app_hash);
    if (wrong != NULL)
        fail(asking, INTERNAL, "%s", wrong);
    else if (above != NULL)
        emit_raw(asking->out, asking->result);
    light_block_release(above);
}

/* ---- from the trusted block itself */

static struct light_block *asked_block(struct asking *asking) {
    if (asking->args[0].given && asking->args[0].number <= 0) {
        fail(asking, INTERNAL, "height must be greater than 0, but got %" PRId64, asking->args[0].number);
        return NULL;
    }
    return trusted_at(asking, asking->args[0].number);
}

static void ask_header(struct asking *asking) {
    struct light_block *block = asked_block(asking);
    if (block == NULL)
        return;
    emit_open(asking->out, '{');
    emit_key(asking->out, "header");
    shapes_header(asking->out, &block->header);
    emit_shut(asking->out, '}');
    light_block_release(block);
}

static void ask_commit(struct asking *asking) {
    struct light_block *block = asked_block(asking);
    if (block == NULL)
        return;
    emit_open(asking->out, '{');
    emit_key(asking->out, "signed_header");
    emit_open(asking->out, '{');
    emit_key(asking->out, "header");
    shapes_header(asking->out, &block->header);
    emit_key(asking->out, "commit");
    shapes_commit(asking->out, &block->commit);
    emit_shut(asking->out, '}');
    emit_key(asking->out, "canonical");
    emit_bool(asking->out, true);
    emit_shut(asking->out, '}');
    light_block_release(block);
}

static void write_members(struct emit *out, const struct light_block *block, uint32_t skip, uint32_t count) {
    emit_open(out, '{');
    shapes_int64(out, "block_height", block->header.height);
    emit_key(out, "validators");
    emit_open(out, '[');
    for (uint32_t i = skip; i < skip + count; i++)
        shapes_validator(out, &block->set.validators[i]);
    emit_shut(out, ']');
    shapes_int64(out, "count", count);
    shapes_int64(out, "total", block->set.count);
    emit_shut(out, '}');
}

static void ask_validators(struct asking *asking) {
    const struct arg *page = &asking->args[1], *per_page = &asking->args[2];
    struct light_block *block = asked_block(asking);
    if (block == NULL)
        return;
    uint32_t total = block->set.count, size = PAGE_DEFAULT;
    if (per_page->given && per_page->number >= 1)
        size = per_page->number > PAGE_MAX ? PAGE_MAX : (uint32_t)per_page->number;
    int64_t pages = (total + size - 1) / size, at = page->given ? page->number : 1;
    if (at < 1 || at > pages) {
        fail(asking, INTERNAL, "page should be within [1, %" PRId64 "] range, given %" PRId64, pages, at);
    } else {
        uint32_t skip = (uint32_t)(at - 1) * size;
        write_members(asking->out, block, skip, total - skip < size ? total - skip : size);
    }
    light_block_release(block);
}

/* ---- the table */

#define HEIGHT {"height", ARG_INT64}

static const struct method {
    const char *name;
    void (*ask)(struct asking *asking); /* NULL: over a WebSocket only, which is not here */
    struct arg_spec specs[ARGS_MAX + 1];
    bool is_passed; /* arguments are the primary's matter */
} methods[] = {
    {"block", ask_block, {HEIGHT}, false},
    {"block_by_hash", ask_block_by_hash, {{"hash", ARG_BYTES}}, false},
    {"header", ask_header, {HEIGHT}, false},
    {"header_by_hash", ask_header_by_hash, {{"hash", ARG_HEX}}, false},
    {"commit", ask_commit, {HEIGHT}, false},
    {"validators", ask_validators, {HEIGHT, {"page", ARG_INT64}, {"per_page", ARG_INT64}}, false},
    {"blockchain", ask_blockchain, {{"minHeight", ARG_INT64}, {"maxHeight", ARG_INT64}}, false},
    {"block_results", ask_results, {HEIGHT}, false},
    {"consensus_params", ask_params, {HEIGHT}, false},
    {"tx", ask_tx, {{"hash", ARG_BYTES}, {"prove", ARG_BOOL}}, false},
    {"abci_query", ask_query, {{"path", ARG_TEXT}, {"data", ARG_HEX}, {"height", ARG_INT64}, {"prove", ARG_BOOL}}, false},
    {"health", pass_on, {{0}}, true},
    {"status", pass_on, {{0}}, true},
    {"net_info", pass_on, {{0}}, true},
    {"genesis", pass_on, {{0}}, true},
    {"genesis_chunked", pass_on, {{0}}, true},
    {"tx_search", pass_on, {{0}}, true},
    {"block_search", pass_on, {{0}}, true},
    {"abci_info", pass_on, {{0}}, true},
    {"consensus_state", pass_on, {{0}}, true},
    {"dump_consensus_state", pass_on, {{0}}, true},
    {"unconfirmed_txs", pass_on, {{0}}, true},
    {"num_unconfirmed_txs", pass_on, {{0}}, true},
    {"check_tx", pass_on, {{0}}, true},
    {"broadcast_tx_sync", pass_on, {{0}}, true},
    {"broadcast_tx_async", pass_on, {{0}}, true},
    {"broadcast_tx_commit", pass_on, {{0}}, true},
    {"broadcast_evidence", pass_on, {{0}}, true},
    {"subscribe", NULL, {{0}}, false},
    {"unsubscribe", NULL, {{0}}, false},
    {"unsubscribe_all", NULL, {{0}}, false},
    {NULL, NULL, {{0}}, false},
};

static const struct method *find_method(struct span name) {
    for (const struct method *method = methods; method->name != NULL; method++)
        if (span_equal(name, span_text(method->name)))
            return method;
    return NULL;
}

static const char *message_of(int code) {
    switch (code) {
    case PARSE_ERROR: return "Parse error. Invalid JSON";
    case INVALID_REQUEST: return "Invalid Request";
    case NO_METHOD: return "Method not found";
    case INVALID_PARAMS: return "Invalid params";
    }
    return "Internal error";
}

/* ---- envelopes */

static void begin_answer(struct emit *out, struct span id) {
    emit_open(out, '{');
    shapes_text(out, "jsonrpc", span_text("2.0"));
    emit_key(out, "id");
    emit_raw(out, id);
}

static void write_error(struct emit *out, struct span id, int code, const char *data) {
    begin_answer(out, id);
    emit_key(out, "error");
    emit_open(out, '{');
    shapes_number(out, "code", code);
    shapes_text(out, "message", span_text(message_of(code)));
    if (data != NULL)
        shapes_text(out, "data", span_text(data));
    emit_shut(out, '}');
    emit_shut(out, '}');
}

static void write_failure(struct asking *asking, struct span id) {
    if (asking->error.size == 0) {
        write_error(asking->out, id, asking->code, asking->text);
        return;
    }
    begin_answer(asking->out, id);
    emit_key(asking->out, "error");
    emit_raw(asking->out, asking->error);
    emit_shut(asking->out, '}');
}

static void call(struct asking *asking, const struct method *method) {
    struct arg args[ARGS_MAX];
    struct span error = {0};
    asking->method = method->name;
    asking->args = args;
    if (method->ask == NULL) {
        fail(asking, NO_METHOD, "%s works over a WebSocket only; the light client's proxy has none: subscribe at the node", method->name);
        return;
    }
    memset(args, 0, sizeof args);
    bool good = method->is_passed || (asking->is_uri ? args_from_uri(args, &error, method->specs, asking->params, span_of(NULL, 0), &asking->arena)
                                                     : args_from_json(args, &error, method->specs, asking->params, &asking->arena));
    if (good)
        method->ask(asking);
    else
        fail(asking, INVALID_PARAMS, "%.*s", (int)error.size, (const char *)error.data);
}

/* Returns whether all went well. */
static bool run(struct light_gate *gate, struct emit *out, struct span id, const struct method *method, struct span params, bool is_uri) {
    struct asking asking = {.gate = gate, .out = out, .params = params, .is_uri = is_uri};
    size_t mark = out->size;
    arena_init(&asking.arena, ARENA_BYTES_MAX);
    begin_answer(out, id);
    emit_key(out, "result");
    call(&asking, method);
    if (asking.code == 0) {
        emit_shut(out, '}');
    } else {
        out->size = mark;
        write_failure(&asking, id);
    }
    free(asking.text);
    blob_release(asking.body);
    arena_close(&asking.arena);
    return asking.code == 0;
}

static bool is_id(struct span id) { return scan_kind(id) == SCAN_TEXT || scan_kind(id) == SCAN_NUMBER || scan_is_null(id); }

/* One request of a body; a notification is not answered. */
static void answer_one(struct light_gate *gate, struct emit *out, struct span request) {
    struct span id, method, params = {0}, name = {0};
    struct arena arena;
    if (scan_kind(request) != SCAN_OBJECT) {
        write_error(out, span_text("null"), INVALID_REQUEST, "an object is wanted");
        return;
    }
    if (!scan_member(request, &id, "id"))
        return;
    if (!is_id(id)) {
        write_error(out, span_text("null"), INVALID_REQUEST, "an id is a string or a number");
        return;
    }
    arena_init(&arena, 1 << 16);
    const struct method *found = NULL;
    if (scan_member(request, &method, "method") && scan_text(&name, method, &arena))
        found = find_method(name);
    scan_member(request, &params, "params");
    if (found == NULL)
        write_error(out, id, NO_METHOD, NULL);
    else
        run(gate, out, id, found, params, false);
    arena_close(&arena);
}

static void answer_batch(struct light_gate *gate, struct emit *out, struct span batch) {
    struct span key, item;
    emit_open(out, '[');
    for (struct scan_walk walk = scan_walk(batch); scan_next(&walk, &key, &item);)
        answer_one(gate, out, item);
    emit_shut(out, ']');
    if (out->size == 2)
        emit_clear(out); /* nothing but notifications */
}

int light_routes_post(struct light_gate *gate, struct emit *out, struct span body) {
    struct span value;
    if (!scan_value(&value, body, NULL)) {
        write_error(out, span_text("null"), PARSE_ERROR, "the body is not JSON");
        return 500;
    }
    if (scan_kind(value) != SCAN_LIST) {
        answer_one(gate, out, value);
        return 200;
    }
    if (scan_count(value) > LIGHT_ROUTES_BATCH_MAX) {
        write_error(out, span_text("null"), INVALID_REQUEST, "a batch of at most 10 requests is taken");
        return 200;
    }
    answer_batch(gate, out, value);
    return 200;
}

int light_routes_uri(struct light_gate *gate, struct emit *out, struct span name, struct span query) {
    const struct method *method = find_method(name);
    if (method == NULL || method->ask == NULL) {
        write_error(out, span_text("-1"), NO_METHOD, NULL);
        return 404;
    }
    return run(gate, out, span_text("-1"), method, query, true) ? 200 : 500;
}
