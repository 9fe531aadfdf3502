#include "node/app_socket.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/abci_link.h"
#include "node/node_info.h"
#include "tendermint/header.h"

enum { SCRATCH_BYTES_MAX = 1 << 30, PROGRESS_MS = 5000, ORIGIN_LOOKS = 8 };

enum place { PLACE_QUERY, PLACE_SNAPSHOT, PLACE_MEMPOOL, PLACE_CONSENSUS, PLACE_COUNT }; /* in order of opening */
static const char *const place_names[PLACE_COUNT] = {"query", "snapshot", "mempool", "consensus"};

struct app_socket {
    struct app app;
    struct app_table table; /* with a name of its own */
    char name[160];
    struct app_socket_settings settings;
    struct abci_link *links[PLACE_COUNT];
    struct event *watches[PLACE_COUNT];
    pthread_mutex_t query_lock;      /* held while a question is under way there: rpc's thread may ask it */
    struct arena scratch;            /* of calls without an arena of their own */
    uint32_t ahead;                  /* checks sent and not taken */
    uint32_t until_flush;            /* of those, before the answer to our flush; 0: none is under way */
    int64_t finalized, told_ms;      /* while the chain is brought up to us */
    bool is_watched;
};

static struct app_socket *self_of(struct app *app) { return (struct app_socket *)app; }

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void say(const struct app_socket *self, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(const struct app_socket *self, enum world_level level, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    self->settings.log(self->settings.context, level, text);
}

static void fail(struct app_socket *self, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
static void fail(struct app_socket *self, const char *format, ...) {
    char text[512], line[768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "the application at %s %s", self->settings.address, text);
    self->settings.fail(self->settings.context, line);
}

/* ---- one question */

static void put(struct app_socket *self, enum place place, const struct abci_request *request) { abci_link_send(self->links[place], request); }

static void put_flush(struct app_socket *self, enum place place) { put(self, place, &(struct abci_request){.call = ABCI_FLUSH}); }

static void take(struct app_socket *self, enum place place, struct abci_response *response, enum abci_call call, struct arena *arena) {
    char why[ABCI_LINK_WHY_SIZE];
    if (!abci_link_receive(self->links[place], response, call, arena, why))
        fail(self, "%s (%s connection)", why, place_names[place]);
    if (response->call == ABCI_EXCEPTION)
        fail(self, "refuses %s: %.*s", abci_call_text(call), (int)(response->error.size < 300 ? response->error.size : 300),
             response->error.data == NULL ? "" : (const char *)response->error.data);
    if (response->call != call)
        fail(self, "answers %s with %s (%s connection): does it speak ABCI 2.0?", abci_call_text(call),
             response->call == ABCI_NONE ? "something else" : abci_call_text(response->call), place_names[place]);
}

/* With nothing under way nothing may be left over. */
static void be_quiet(struct app_socket *self, enum place place) {
    char why[ABCI_LINK_WHY_SIZE];
    if (abci_link_has_more(self->links[place]) && abci_link_is_broken(self->links[place], why))
        fail(self, "%s (%s connection)", why, place_names[place]);
}

static void ask(struct app_socket *self, enum place place, struct abci_response *response, const struct abci_request *request, struct arena *arena) {
    struct abci_response flushed;
    assert(place != PLACE_MEMPOOL || self->ahead == 0);
    put(self, place, request);
    put_flush(self, place);
    take(self, place, response, request->call, arena);
    take(self, place, &flushed, ABCI_FLUSH, arena);
    be_quiet(self, place);
}

static void ask_query(struct app_socket *self, struct abci_response *response, const struct abci_request *request, struct arena *arena) {
    pthread_mutex_lock(&self->query_lock);
    ask(self, PLACE_QUERY, response, request, arena);
    pthread_mutex_unlock(&self->query_lock);
}

/* ---- beginning */

static void info(struct app *app, struct abci_info *out, struct arena *arena) {
    struct app_socket *self = self_of(app);
    struct abci_request request = {.call = ABCI_INFO};
    struct abci_response response;
    request.info.version = span_text(self->settings.version);
    request.info.block_version = HEADER_BLOCK_PROTOCOL;
    request.info.p2p_version = NODE_INFO_P2P_VERSION;
    request.info.abci_version = span_text(ABCI_MESSAGE_VERSION);
    ask_query(self, &response, &request, arena);
    *out = response.info;
}

static bool init_chain(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question, struct arena *arena, struct span *error) {
    struct app_socket *self = self_of(app);
    struct abci_request request = {.call = ABCI_INIT_CHAIN};
    struct abci_response response;
    request.init_chain = *question;
    say(self, WORLD_INFO, "the application at %s is at height 0: it gets the genesis", self->settings.address);
    ask(self, PLACE_CONSENSUS, &response, &request, arena);
    *out = (struct abci_initialized){.app_hash = response.init_chain.app_hash,
                                     .validator_count = response.init_chain.validator_count,
                                     .validators = response.init_chain.validators,
                                     .has_params = response.init_chain.has_params,
                                     .params = *question->params};
    struct proto_reader reader = proto_reader_over(response.init_chain.params_update);
    params_read(&out->params, &reader);
    if (reader.bad)
        *error = span_text("its answer to InitChain has malformed consensus parameters");
    return !reader.bad;
}

/* ---- transactions that wait */

static void put_check(struct app_socket *self, struct span tx, bool recheck) {
    struct abci_request request = {.call = ABCI_CHECK_TX};
    request.check_tx.tx = tx;
    request.check_tx.type = recheck ? ABCI_CHECK_AGAIN : ABCI_CHECK_NEW;
    put(self, PLACE_MEMPOOL, &request);
}

static void check_send(struct app *app, struct span tx, bool recheck) {
    struct app_socket *self = self_of(app);
    assert(self->ahead < APP_AHEAD_MAX);
    self->ahead++;
    put_check(self, tx, recheck);
}

/* What the caller has no room for is left out: it is words and events, code and gas decide. */
static void keep_result(struct abci_tx_result *out, const struct abci_tx_result *result, struct arena *arena) {
    struct proto_writer writer;
    struct proto_reader reader = proto_reader_over(span_of(NULL, 0));
    proto_writer_measure(&writer);
    abci_tx_result_write(&writer, result);
    size_t size = writer.size;
    uint8_t *bytes = arena_take(arena, size, 1);
    *out = (struct abci_tx_result){.code = result->code, .gas_wanted = result->gas_wanted, .gas_used = result->gas_used};
    if (bytes == NULL)
        return;
    proto_writer_init(&writer, bytes, size);
    abci_tx_result_write(&writer, result);
    struct abci_tx_result copy = {.code = 0};
    struct proto_field field = {.number = 1, .wire = PROTO_BYTES, .bytes = span_of(bytes, size)};
    abci_tx_result_read(&copy, &reader, &field, arena);
    if (!reader.bad)
        *out = copy;
}

/* The other side need not send anything before it is told to flush. */
static void check_take(struct app *app, struct abci_check *out, struct arena *arena) {
    struct app_socket *self = self_of(app);
    struct abci_response response;
    assert(self->ahead > 0);
    if (self->until_flush == 0) {
        put_flush(self, PLACE_MEMPOOL);
        self->until_flush = self->ahead;
    }
    arena_reset(&self->scratch);
    take(self, PLACE_MEMPOOL, &response, ABCI_CHECK_TX, &self->scratch);
    *out = (struct abci_check){.sequence = 0};
    keep_result(&out->result, &response.check_tx, arena);
    self->ahead--;
    if (--self->until_flush == 0)
        take(self, PLACE_MEMPOOL, &response, ABCI_FLUSH, &self->scratch);
    if (self->ahead == 0)
        be_quiet(self, PLACE_MEMPOOL);
}

static void check_tx(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    check_send(app, tx, recheck);
    check_take(app, out, arena);
}

/* ---- proposals */

static uint32_t prepare_proposal(struct app *app, uint32_t *chosen, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    (void)app, (void)chosen, (void)block, (void)bytes_max, (void)arena;
    assert(!"rewrite_proposal is asked");
    return 0;
}

/* The candidate that it is, looked for from *at on: its hash is known. An application that drops some and adds some is followed all the same. */
static int64_t origin_of(struct span tx, const struct abci_block *block, uint32_t *at) {
    for (uint32_t i = *at; i < block->tx_count && i < *at + ORIGIN_LOOKS; i++) {
        if (span_equal(tx, block->txs[i])) {
            *at = i + 1;
            return i;
        }
    }
    return -1;
}

static uint32_t rewrite_proposal(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    struct app_socket *self = self_of(app);
    struct abci_request request = {.call = ABCI_PREPARE_PROPOSAL};
    struct abci_response response;
    int64_t bytes = 0;
    uint32_t at = 0;
    request.block = *block;
    request.bytes_max = bytes_max;
    ask(self, PLACE_CONSENSUS, &response, &request, arena);
    const struct abci_spans *txs = &response.txs;
    struct app_proposed *list = arena_take(arena, txs->count, sizeof *list);
    assert(list != NULL);
    for (uint32_t i = 0; i < txs->count; i++) {
        bytes += (int64_t)(1 + proto_varint_size(txs->list[i].size) + txs->list[i].size);
        list[i] = (struct app_proposed){txs->list[i], origin_of(txs->list[i], block, &at)};
    }
    if (bytes > bytes_max && txs->count > 0)
        fail(self, "answers PrepareProposal with %" PRId64 " bytes of transactions, the block at height %" PRId64 " has room for %" PRId64 " (max_tx_bytes)", bytes,
             block->height, bytes_max);
    *out = list;
    return txs->count;
}

static bool judged(struct app_socket *self, const struct abci_response *response, enum abci_call call) {
    if (response->status != ABCI_ACCEPT && response->status != ABCI_REJECT)
        fail(self, "answers %s with status %d, which is neither ACCEPT (1) nor REJECT (2)", abci_call_text(call), response->status);
    return response->status == ABCI_ACCEPT;
}

static bool process_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    struct abci_request request = {.call = ABCI_PROCESS_PROPOSAL};
    struct abci_response response;
    request.block = *block;
    ask(self_of(app), PLACE_CONSENSUS, &response, &request, arena);
    return judged(self_of(app), &response, ABCI_PROCESS_PROPOSAL);
}

/* ---- vote extensions */

static void extend_vote(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena) {
    struct abci_request request = {.call = ABCI_EXTEND_VOTE};
    struct abci_response response;
    request.block = *block;
    ask(self_of(app), PLACE_CONSENSUS, &response, &request, arena);
    *out = response.extension;
}

static bool verify_vote_extension(struct app *app, const struct abci_extension *question) {
    struct app_socket *self = self_of(app);
    struct abci_request request = {.call = ABCI_VERIFY_VOTE_EXTENSION};
    struct abci_response response;
    request.verify_extension = *question;
    arena_reset(&self->scratch);
    ask(self, PLACE_CONSENSUS, &response, &request, &self->scratch);
    return judged(self, &response, ABCI_VERIFY_VOTE_EXTENSION);
}

/* ---- decided blocks */

static void tell_progress(struct app_socket *self, int64_t height) {
    self->finalized++;
    if (self->is_watched || now_ms() - self->told_ms < PROGRESS_MS)
        return;
    self->told_ms = now_ms();
    say(self, WORLD_INFO, "the application at %s was behind: it has got %" PRId64 " blocks by now and is at height %" PRId64, self->settings.address,
        self->finalized, height);
}

static void finalize_block(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    struct app_socket *self = self_of(app);
    struct abci_request request = {.call = ABCI_FINALIZE_BLOCK};
    struct abci_response response;
    request.block = *block;
    ask(self, PLACE_CONSENSUS, &response, &request, arena);
    *out = response.finalized;
    tell_progress(self, block->height);
}

static int64_t commit(struct app *app, struct kv_batch *batch) {
    struct app_socket *self = self_of(app);
    struct abci_request request = {.call = ABCI_COMMIT};
    struct abci_response response;
    assert(batch == NULL);
    arena_reset(&self->scratch);
    ask(self, PLACE_CONSENSUS, &response, &request, &self->scratch);
    return response.retain_height;
}

static void query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    struct abci_request request = {.call = ABCI_QUERY};
    struct abci_response response;
    request.query = *question;
    ask_query(self_of(app), &response, &request, arena);
    *out = response.query;
}

static void app_fail(struct app *app, const char *what) __attribute__((noreturn));
static void app_fail(struct app *app, const char *what) {
    struct app_socket *self = self_of(app);
    self->settings.fail(self->settings.context, what);
}

/* ---- life */

static void close_app(struct app *app) {
    struct app_socket *self = self_of(app);
    for (int place = 0; place < PLACE_COUNT; place++) {
        if (self->watches[place] != NULL)
            event_free(self->watches[place]);
        abci_link_close(self->links[place]);
    }
    arena_close(&self->scratch);
    pthread_mutex_destroy(&self->query_lock);
    free(self);
}

static const struct app_table table = {
    .name = "behind the socket",
    .is_apart = true,
    .info = info,
    .init_chain = init_chain,
    .check_tx = check_tx,
    .check_send = check_send,
    .check_take = check_take,
    .prepare_proposal = prepare_proposal,
    .rewrite_proposal = rewrite_proposal,
    .process_proposal = process_proposal,
    .extend_vote = extend_vote,
    .verify_vote_extension = verify_vote_extension,
    .finalize_block = finalize_block,
    .commit = commit,
    .query = query,
    .fail = app_fail,
    .close = close_app,
};

static bool is_stopping(void *context) {
    const struct app_socket *self = context;
    return self->settings.stopping != NULL && self->settings.stopping(self->settings.context);
}

static void on_waited(void *context, const char *what, int64_t ms) {
    const struct app_socket *self = context;
    say(self, WORLD_WARN, "the application at %s has been at work on %s for %" PRId64 " s; waiting for it", self->settings.address, what, ms / 1000);
}

static void pause_before_retry(struct app_socket *self) {
    struct timespec look = {0, 100 * 1000000};
    for (int64_t ms = 0; ms < APP_SOCKET_RETRY_MS && !is_stopping(self); ms += 100)
        nanosleep(&look, NULL);
}

/* false: asked to stop. */
static bool dial(struct app_socket *self, enum place place) {
    struct abci_link_settings settings = {self->settings.limit_ms, self, is_stopping, on_waited};
    char why[ABCI_LINK_WHY_SIZE];
    while ((self->links[place] = abci_link_dial(self->settings.address, &settings, why)) == NULL && !is_stopping(self)) {
        say(self, WORLD_WARN, "the application at %s is not there yet (%s): start it; trying again in %d s", self->settings.address, why, APP_SOCKET_RETRY_MS / 1000);
        pause_before_retry(self);
    }
    return self->links[place] != NULL;
}

struct app *app_socket_open(const struct app_socket_settings *settings, char **error) {
    struct app_socket *self = calloc(1, sizeof *self);
    assert(self != NULL);
    snprintf(self->name, sizeof self->name, "at %s", settings->address);
    self->table = table;
    self->table.name = self->name;
    self->app.table = &self->table;
    self->settings = *settings;
    self->told_ms = now_ms();
    arena_init(&self->scratch, SCRATCH_BYTES_MAX);
    pthread_mutex_init(&self->query_lock, NULL);
    for (int place = 0; place < PLACE_COUNT; place++) {
        if (dial(self, (enum place)place))
            continue;
        close_app(&self->app);
        *error = strdup("asked to stop before the application was there");
        return NULL;
    }
    say(self, WORLD_INFO, "connected with the application at %s", settings->address);
    return &self->app;
}

static void look_at(struct app_socket *self, enum place place) {
    char why[ABCI_LINK_WHY_SIZE];
    if (abci_link_is_broken(self->links[place], why))
        fail(self, "%s (%s connection)", why, place_names[place]);
}

/* An answer that another thread waits for wakes us too: it is not ours to look at. Whatever else comes there, that thread meets. */
static void on_readable(evutil_socket_t fd, short what, void *context) {
    struct app_socket *self = context;
    (void)what;
    for (int place = PLACE_SNAPSHOT; place < PLACE_COUNT; place++)
        if (abci_link_fd(self->links[place]) == fd)
            look_at(self, (enum place)place);
    if (abci_link_fd(self->links[PLACE_QUERY]) != fd || pthread_mutex_trylock(&self->query_lock) != 0)
        return;
    look_at(self, PLACE_QUERY);
    pthread_mutex_unlock(&self->query_lock);
}

void app_socket_watch(struct app *app, struct event_base *base) {
    struct app_socket *self = self_of(app);
    self->is_watched = true;
    for (int place = 0; place < PLACE_COUNT; place++) {
        self->watches[place] = event_new(base, abci_link_fd(self->links[place]), EV_READ | EV_PERSIST | EV_ET, on_readable, self);
        event_add(self->watches[place], NULL);
    }
}
