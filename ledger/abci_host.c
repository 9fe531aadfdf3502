#include "ledger/abci_host.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/proto.h"

#define CHAIN_KEY span_text("chain") /* {1 chain id, 2 initial height}; applications keep to keys that begin with 's' */

static void refuse(struct abci_host *host, struct abci_response *response, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void refuse(struct abci_host *host, struct abci_response *response, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(host->error, sizeof host->error, format, args);
    va_end(args);
    memset(response, 0, sizeof *response);
    response->call = ABCI_EXCEPTION;
    response->error = span_text(host->error);
}

/* ---- opening */

static void read_chain(struct abci_host *host) {
    struct blob *bytes = kv_get(host->kv, CHAIN_KEY);
    host->chain_id[0] = '\0';
    host->initial_height = 1;
    if (bytes == NULL)
        return;
    struct proto_reader reader = proto_reader_over(blob_span(bytes));
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number == 1)
            host->chain_id[proto_bytes_into(&reader, &field, host->chain_id, sizeof host->chain_id - 1)] = '\0';
        else if (field.number == 2)
            host->initial_height = proto_int64(&reader, &field);
    }
    blob_release(bytes);
}

/* What the application held in memory beyond its store is gone. */
static bool open_app(struct abci_host *host) {
    struct arena arena;
    struct abci_info info = {0};
    if (host->app != NULL)
        host->app->table->close(host->app);
    host->app = app_open(host->name, host->kv, span_text(host->chain_id));
    host->is_pending = false;
    if (host->app == NULL)
        return false;
    arena_init(&arena, 1 << 16);
    host->app->table->info(host->app, &info, &arena);
    host->height = info.last_block_height;
    arena_close(&arena);
    return true;
}

bool abci_host_open(struct abci_host *host, const char *name, struct kv *kv) {
    *host = (struct abci_host){.name = name, .kv = kv};
    kv_batch_init(&host->batch);
    read_chain(host);
    return open_app(host);
}

void abci_host_close(struct abci_host *host) {
    if (host->app != NULL)
        host->app->table->close(host->app);
    host->app = NULL;
    kv_batch_close(&host->batch);
}

/* ---- the chain begins */

static bool forget_key(void *context, struct span key, struct span value) {
    (void)value;
    kv_batch_delete(context, key);
    return true;
}

static void put_chain(struct abci_host *host) {
    uint8_t bytes[128];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_text(&writer, 1, host->chain_id);
    proto_put_int64(&writer, 2, host->initial_height);
    kv_batch_put(&host->batch, CHAIN_KEY, proto_writer_span(&writer));
}

/* Nothing of an earlier beginning stays: it may have been of another genesis. */
static void begin_anew(struct abci_host *host, const struct abci_init_chain *chain) {
    static const uint8_t from[] = {0}, to[] = {0xff};
    kv_batch_clear(&host->batch);
    kv_scan(host->kv, span_of(from, 1), span_of(to, 1), false, forget_key, &host->batch);
    kv_write(host->kv, &host->batch, true);
    memcpy(host->chain_id, chain->chain_id.data == NULL ? (const uint8_t *)"" : chain->chain_id.data, chain->chain_id.size);
    host->chain_id[chain->chain_id.size] = '\0';
    host->initial_height = chain->initial_height < 1 ? 1 : chain->initial_height;
    bool opened = open_app(host);
    assert(opened);
}

static void show_params(struct abci_response *response, const struct params *params, struct arena *arena) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    params_write(&writer, params);
    size_t size = writer.size;
    uint8_t *bytes = arena_take(arena, size, 1);
    assert(bytes != NULL);
    proto_writer_init(&writer, bytes, size);
    params_write(&writer, params);
    response->init_chain.has_params = true;
    response->init_chain.params_update = span_of(bytes, size);
}

static void init_chain(struct abci_host *host, struct abci_response *response, const struct abci_init_chain *asked, struct arena *arena) {
    struct abci_initialized done = {0};
    struct abci_init_chain chain = *asked;
    struct params defaults;
    struct span error = {NULL, 0};
    if (host->height > 0) {
        refuse(host, response, "this application is at height %" PRId64 " of chain %s; give a new chain an empty home", host->height, host->chain_id);
        return;
    }
    if (chain.chain_id.size >= sizeof host->chain_id) {
        refuse(host, response, "the chain id is longer than %d bytes", HEADER_CHAIN_ID_BYTES_MAX);
        return;
    }
    params_defaults(&defaults, PARAMS_V038);
    chain.params = chain.params != NULL ? chain.params : &defaults;
    begin_anew(host, &chain);
    chain.initial_height = host->initial_height;
    if (!host->app->table->init_chain(host->app, &done, &chain, arena, &error)) {
        refuse(host, response, "the genesis app_state is refused: %.*s", (int)error.size, error.data == NULL ? "" : (const char *)error.data);
        return;
    }
    kv_batch_clear(&host->batch);
    host->app->table->commit(host->app, &host->batch);
    put_chain(host);
    kv_write(host->kv, &host->batch, true);
    response->init_chain.app_hash = done.app_hash;
    response->init_chain.validator_count = done.validator_count;
    response->init_chain.validators = done.validators;
    if (done.has_params)
        show_params(response, &done.params, arena);
}

/* ---- proposals and blocks */

static void prepare(struct abci_host *host, struct abci_response *response, const struct abci_request *request, struct arena *arena) {
    const struct app_table *table = host->app->table;
    const struct abci_block *block = &request->block;
    struct app_proposed *proposed = NULL;
    uint32_t *chosen = NULL, count;
    if (table->rewrite_proposal != NULL) {
        count = table->rewrite_proposal(host->app, &proposed, block, request->bytes_max, arena);
    } else {
        chosen = arena_take(arena, block->tx_count, sizeof *chosen);
        assert(chosen != NULL);
        count = table->prepare_proposal(host->app, chosen, block, request->bytes_max, arena);
    }
    response->txs.list = arena_take(arena, count, sizeof *response->txs.list);
    assert(response->txs.list != NULL);
    response->txs.count = count;
    for (uint32_t i = 0; i < count; i++)
        response->txs.list[i] = proposed != NULL ? proposed[i].tx : block->txs[chosen[i]];
}

/* Height 0 is abci-cli's, which plays without a chain. */
static bool is_next(const struct abci_host *host, int64_t height) {
    if (host->height == 0)
        return height == host->initial_height || (height == 0 && host->chain_id[0] == '\0');
    return height == host->height + 1;
}

static void finalize(struct abci_host *host, struct abci_response *response, const struct abci_block *block, struct arena *arena) {
    if (host->is_pending)
        open_app(host); /* it was never committed */
    if (!is_next(host, block->height)) {
        refuse(host, response, "this application is at height %" PRId64 " and cannot execute block %" PRId64 "; is the node's chain %s?", host->height,
               block->height, host->chain_id);
        return;
    }
    host->app->table->finalize_block(host->app, &response->finalized, block, arena);
    host->is_pending = true;
}

static void commit(struct abci_host *host, struct abci_response *response) {
    struct arena arena;
    struct abci_info info = {0};
    if (!host->is_pending)
        return;
    kv_batch_clear(&host->batch);
    response->retain_height = host->app->table->commit(host->app, &host->batch);
    kv_write(host->kv, &host->batch, true);
    host->is_pending = false;
    arena_init(&arena, 1 << 16);
    host->app->table->info(host->app, &info, &arena);
    host->height = info.last_block_height;
    arena_close(&arena);
}

/* ---- the rest */

static void check_tx(struct abci_host *host, struct abci_response *response, const struct abci_request *request, struct arena *arena) {
    struct abci_check check = {0};
    host->app->table->check_tx(host->app, &check, request->check_tx.tx, request->check_tx.type == ABCI_CHECK_AGAIN, arena);
    response->check_tx = check.result;
}

static void process(struct abci_host *host, struct abci_response *response, const struct abci_request *request, struct arena *arena) {
    bool accepted = host->app->table->process_proposal(host->app, &request->block, arena);
    response->status = accepted ? ABCI_ACCEPT : ABCI_REJECT;
}

static void verify_extension(struct abci_host *host, struct abci_response *response, const struct abci_extension *extension) {
    const struct app_table *table = host->app->table;
    bool accepted = table->verify_vote_extension == NULL || table->verify_vote_extension(host->app, extension);
    response->status = accepted ? ABCI_ACCEPT : ABCI_REJECT;
}

void abci_host_answer(struct abci_host *host, struct abci_response *response, const struct abci_request *request, struct arena *arena) {
    memset(response, 0, sizeof *response);
    response->call = request->call;
    switch (request->call) {
    case ABCI_FLUSH: break;
    case ABCI_ECHO: response->echo = request->echo; break;
    case ABCI_INFO: host->app->table->info(host->app, &response->info, arena); break;
    case ABCI_INIT_CHAIN: init_chain(host, response, &request->init_chain, arena); break;
    case ABCI_QUERY: host->app->table->query(host->app, &response->query, &request->query, arena); break;
    case ABCI_CHECK_TX: check_tx(host, response, request, arena); break;
    case ABCI_COMMIT: commit(host, response); break;
    case ABCI_LIST_SNAPSHOTS: break; /* none yet */
    case ABCI_OFFER_SNAPSHOT: response->result = ABCI_SNAPSHOT_REJECT; break;
    case ABCI_LOAD_SNAPSHOT_CHUNK: break;
    case ABCI_APPLY_SNAPSHOT_CHUNK: response->apply_chunk.result = ABCI_SNAPSHOT_ABORT; break;
    case ABCI_PREPARE_PROPOSAL: prepare(host, response, request, arena); break;
    case ABCI_PROCESS_PROPOSAL: process(host, response, request, arena); break;
    case ABCI_EXTEND_VOTE:
        if (host->app->table->extend_vote != NULL)
            host->app->table->extend_vote(host->app, &response->extension, &request->block, arena);
        break;
    case ABCI_VERIFY_VOTE_EXTENSION: verify_extension(host, response, &request->verify_extension); break;
    case ABCI_FINALIZE_BLOCK: finalize(host, response, &request->block, arena); break;
    default: refuse(host, response, "this application does not know the call");
    }
}
