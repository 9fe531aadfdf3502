#include "node/light_routes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/text.h"
#include "node/complaint.h"
#include "node/rpcclient.h"
#include "rpc/call.h"
#include "rpc/light_results.h"
#include "rpc/shapes.h"

enum { METAS_MAX = 64, PAGE_DEFAULT = 30, PAGE_MAX = 100, SOON_MS = 10000, SOON_STEP_MS = 250 };

struct asking { /* one call */
    struct light_gate *gate;
    struct call *call;
    struct arena *arena;
    struct emit *out;
    const struct arg *args;
    struct blob *body;     /* of the primary's last answer: the result lies in it */
    struct span result;
};

static bool fail(struct asking *asking, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct asking *asking, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call_fail(asking->call, "%s", text);
    return false;
}

static void refuse(struct asking *asking, const char *what) {
    asking->call->bad_params = true;
    call_fail(asking->call, "%s", what);
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
        fail(asking, "%s", answer->text);
    if (answer->kind == RPCCLIENT_ERROR)
        arena_copy(asking->arena, &asking->call->foreign, answer->error);
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
    char *whole = complaint_of("%s/%s?%.*s", url, asking->call->route->name, (int)asking->call->params.size, (const char *)asking->call->params.data);
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
    if (asking->call->is_uri ? ask_uri(asking) : ask_primary(asking, asking->call->route->name, asking->call->params))
        emit_raw(asking->out, asking->result);
}

/* ---- verified headers */

static enum light_outcome try_trusted(struct asking *asking, struct light_block **block, int64_t height) {
    pthread_mutex_lock(&asking->gate->lock);
    enum light_outcome outcome = light_client_at(asking->gate->client, block, height);
    if (outcome != LIGHT_DONE)
        fail(asking, "light client: %s: %s", light_outcome_name(outcome), asking->gate->client->reason);
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
        asking->call->failed = false;
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
    return good || fail(asking, "the primary's answer is not what the trusted header of height %" PRId64 " says", height);
}

typedef const char *reader(struct span result, int64_t *height, struct digest *hash, struct arena *arena);

/* A question about a height (0: the newest), whose answer one hash of a header covers; `above`: of the next height's. */
static void ask_covered(struct asking *asking, int64_t asked, reader *read, enum covered covered, int above) {
    int64_t height = 0;
    struct span params = asked == 0 ? span_text("{}") : args_text(asking->arena, "{\"height\":\"%" PRId64 "\"}", asked);
    struct digest hash = {0};
    if (!ask_primary(asking, asking->call->route->name, params))
        return;
    const char *wrong = read(asking->result, &height, &hash, asking->arena);
    if (wrong != NULL)
        fail(asking, "the primary's answer cannot be: %s", wrong);
    else if (asked != 0 && asked != height)
        fail(asking, "the primary answered about height %" PRId64 " instead of %" PRId64, height, asked);
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
        refuse(asking, "a hash of 32 bytes is wanted");
        return;
    }
    (is_header ? text_hex_upper : text_base64)(text, asking->args[0].bytes);
    struct span params = args_text(asking->arena, "{\"hash\":\"%s\"}", text);
    free(text);
    if (!ask_primary(asking, asking->call->route->name, params))
        return;
    if (scan_member(asking->result, &part, member) && scan_is_null(part)) {
        emit_raw(asking->out, asking->result);
        return;
    }
    const char *wrong = read(asking->result, &height, &hash, asking->arena);
    if (wrong != NULL)
        fail(asking, "the primary's answer cannot be: %s", wrong);
    else if (!span_equal(digest_span(&hash), asking->args[0].bytes))
        fail(asking, "the primary answered with another block than was asked for");
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
    struct span params = args_text(asking->arena, "{\"minHeight\":\"%" PRId64 "\",\"maxHeight\":\"%" PRId64 "\"}", asking->args[0].number,
                                   asking->args[1].number);
    if (!ask_primary(asking, "blockchain", params))
        return;
    const char *wrong = light_results_blockchain(asking->result, heights, hashes, &count, METAS_MAX, asking->arena);
    if (wrong != NULL) {
        fail(asking, "the primary's answer cannot be: %s", wrong);
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
        refuse(asking, "the hash of a transaction is wanted: 32 bytes");
        return;
    }
    memcpy(asked.bytes, asking->args[0].bytes.data, 32);
    text_base64(text, asking->args[0].bytes);
    if (!ask_primary(asking, "tx", args_text(asking->arena, "{\"hash\":\"%s\",\"prove\":true}", text)))
        return;
    const char *wrong = light_results_tx(asking->result, &asked, &height, &data_hash, asking->arena);
    if (wrong != NULL)
        fail(asking, "the primary's answer cannot be: %s", wrong);
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
    arena_copy(asking->arena, &copy, span_of(emit.data, emit.size));
    emit_close(&emit);
    return copy;
}

static void ask_query(struct asking *asking) {
    struct light_results_query query;
    if (!ask_primary(asking, "abci_query", query_params(asking)))
        return;
    const char *wrong = light_results_query(&query, asking->result, asking->arena);
    struct light_block *above = wrong == NULL ? trusted_soon(asking, query.height + 1) : NULL;
    if (above != NULL)
        wrong = light_results_query_verify(&query, asking->args[0].bytes, asking->args[1].bytes, &above->header.app_hash);
    if (wrong != NULL)
        fail(asking, "%s", wrong);
    else if (above != NULL)
        emit_raw(asking->out, asking->result);
    light_block_release(above);
}

/* ---- from the trusted block itself */

static struct light_block *asked_block(struct asking *asking) {
    if (asking->args[0].given && asking->args[0].number <= 0) {
        fail(asking, "height must be greater than 0, but got %" PRId64, asking->args[0].number);
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
        fail(asking, "page should be within [1, %" PRId64 "] range, given %" PRId64, pages, at);
    } else {
        uint32_t skip = (uint32_t)(at - 1) * size;
        write_members(asking->out, block, skip, total - skip < size ? total - skip : size);
    }
    light_block_release(block);
}

/* ---- the table */

static void run(struct call *call, void (*ask)(struct asking *asking)) {
    struct asking asking = {.gate = ((struct light_gate *)call->host->context), .call = call, .arena = call->arena, .out = call->out, .args = call->args};
    ask(&asking);
    blob_release(asking.body);
}

#define ROUTE(name)                                                          \
    static void route_##name(struct call *call) { run(call, ask_##name); }
ROUTE(block)
ROUTE(block_by_hash)
ROUTE(header)
ROUTE(header_by_hash)
ROUTE(commit)
ROUTE(validators)
ROUTE(blockchain)
ROUTE(results)
ROUTE(params)
ROUTE(tx)
ROUTE(query)
static void route_passed(struct call *call) { run(call, pass_on); }

/* Before it is subscribed: the heights that it begins with are fetched. */
static void route_subscribe(struct call *call) {
    const struct light_gate *gate = call->host->context;
    char *why = NULL;
    if (!light_feed_reach(gate->feed, call->args[1].given ? call->args[1].number : 0, &why))
        call_fail(call, "%s", why);
    free(why);
}

#define HEIGHT {"height", ARG_INT64}
#define PASSED(name) {name, routes_answered, .ask = route_passed, .as_it_comes = true}

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* what a route lacks is left out */

const struct route light_routes_table[] = {
    {"block", routes_answered, {HEIGHT}, .ask = route_block},
    {"block_by_hash", routes_answered, {{"hash", ARG_BYTES}}, .ask = route_block_by_hash},
    {"header", routes_answered, {HEIGHT}, .ask = route_header},
    {"header_by_hash", routes_answered, {{"hash", ARG_HEX}}, .ask = route_header_by_hash},
    {"commit", routes_answered, {HEIGHT}, .ask = route_commit},
    {"validators", routes_answered, {HEIGHT, {"page", ARG_INT64}, {"per_page", ARG_INT64}}, .ask = route_validators},
    {"blockchain", routes_answered, {{"minHeight", ARG_INT64}, {"maxHeight", ARG_INT64}}, .ask = route_blockchain},
    {"block_results", routes_answered, {HEIGHT}, .ask = route_results},
    {"consensus_params", routes_answered, {HEIGHT}, .ask = route_params},
    {"tx", routes_answered, {{"hash", ARG_BYTES}, {"prove", ARG_BOOL}}, .ask = route_tx},
    {"abci_query", routes_answered, {{"path", ARG_TEXT}, {"data", ARG_HEX}, {"height", ARG_INT64}, {"prove", ARG_BOOL}}, .ask = route_query},
    PASSED("health"),
    PASSED("status"),
    PASSED("net_info"),
    PASSED("genesis"),
    PASSED("genesis_chunked"),
    PASSED("tx_search"),
    PASSED("block_search"),
    PASSED("abci_info"),
    PASSED("consensus_state"),
    PASSED("dump_consensus_state"),
    PASSED("unconfirmed_txs"),
    PASSED("num_unconfirmed_txs"),
    PASSED("check_tx"),
    PASSED("broadcast_tx_sync"),
    PASSED("broadcast_tx_async"),
    PASSED("broadcast_tx_commit"),
    PASSED("broadcast_evidence"),
    {"subscribe", subscriber_subscribe, {{"query", ARG_TEXT}, {"from_height", ARG_EXTRA_INT64}}, .ask = route_subscribe, .prepare = subscriber_prepare,
     .websocket = true},
    {"unsubscribe", subscriber_unsubscribe, {{"query", ARG_TEXT}}, .websocket = true},
    {"unsubscribe_all", subscriber_unsubscribe_all, .websocket = true},
    {NULL},
};
