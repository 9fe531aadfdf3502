#include "node/load.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "crypto/sha256.h"
#include "node/complaint.h"
#include "node/load_call.h"
#include "node/load_kvstore.h"
#include "node/load_reader.h"
#include "node/load_scan.h"

#define ANSWER_BYTES_MAX ((size_t)4 << 20) /* of a broadcast */
#define CALL_TIMEOUT_MS  5000
#define TICK_US          1000
#define PAUSE_US_MIN     2000 /* of a connection after a refusal, doubled by each further one, six times at most */
#define AFTERMATH_US     1500000 /* how long after the last one is found blocks are still read, for doubles */
#define AFTERMATH_BLOCKS 2

struct sent { /* a transaction of the request that a lane waits for */
    uint32_t number; /* in the tally */
    uint32_t account;
    uint64_t sequence;
    bool is_answered;
};

struct lane { /* a connection; requests go out one at a time, so that an account's transfers stay in order */
    struct load *load;
    struct load_http http;
    struct event *pause;
    struct lane *next_idle;
    struct sent sent[LOAD_BATCH_MAX];
    uint32_t sent_count;
    unsigned refusals; /* in a row */
    /* Accounts of this lane: first, first + step, … */
    uint32_t account_first, account_step, account_at;
    uint32_t asking; /* account whose sequence is being asked for, or none */
};

#define NO_ACCOUNT UINT32_MAX

enum phase { PHASE_READY, PHASE_SENDING, PHASE_SETTLING, PHASE_DONE };

struct load {
    struct event_base *base;
    struct load_options options;
    void (*done)(void *context);
    void *context;
    enum phase phase;
    struct load_tally tally;
    struct load_kvstore kvstore;
    struct load_reader reader;
    struct event *tick;
    struct lane *lanes;
    uint32_t lane_count, waiting;
    struct lane *idle_first, *idle_last;
    bool *must_ask; /* by account: its sequence is in doubt */
    uint32_t doubts;
    uint64_t taken; /* from the schedule */
    int64_t begun_us, stopped_us, progress_us, found_us, found_height;
    struct load_window during, whole;
    double cpu_before;
    struct load_report sums; /* only what is counted as it happens */
};

int64_t load_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct event_base *load_base_new(void) {
    struct event_config *config = event_config_new();
    assert(config != NULL);
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    assert(base != NULL);
    event_config_free(config);
    return base;
}

static void pump(struct load *load);

/* Lanes that wait for work, first come first served, so that nodes take turns. */

static void set_idle(struct lane *lane) {
    struct load *load = lane->load;
    lane->next_idle = NULL;
    if (load->idle_first == NULL)
        load->idle_first = lane;
    else
        load->idle_last->next_idle = lane;
    load->idle_last = lane;
}

static struct lane *take_idle(struct load *load) {
    struct lane *lane = load->idle_first;
    load->idle_first = lane->next_idle;
    return lane;
}

/* Sequences in doubt */

static void set_doubt(struct load *load, uint32_t account, bool is_in_doubt) {
    load->doubts += is_in_doubt && !load->must_ask[account];
    load->doubts -= !is_in_doubt && load->must_ask[account];
    load->must_ask[account] = is_in_doubt;
}

static void ask_sequence(struct lane *lane, uint32_t account) {
    char request[256];
    int size = snprintf(request, sizeof request,
                        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"abci_query\",\"params\":{\"path\":\"/ledger/account/%s\"}}",
                        lane->load->options.accounts->accounts[account].address);
    assert(size > 0 && (size_t)size < sizeof request);
    lane->asking = account;
    lane->load->waiting++;
    lane->load->sums.resyncs++;
    load_http_post(&lane->http, span_of(request, (size_t)size));
}

/* The first account of the lane in doubt, if any. */
static uint32_t account_in_doubt(const struct lane *lane) {
    const struct load *load = lane->load;
    if (load->doubts == 0)
        return NO_ACCOUNT;
    for (uint32_t i = lane->account_first; i < load->options.accounts->count; i += lane->account_step)
        if (load->must_ask[i])
            return i;
    return NO_ACCOUNT;
}

static void take_sequence(void *context, const struct load_answer *answer) {
    struct lane *lane = context;
    struct span response;
    if (!answer->is_error && load_scan_path(&response, answer->result, "response") &&
        load_accounts_understand(&lane->load->options.accounts->accounts[lane->asking], response))
        set_doubt(lane->load, lane->asking, false);
}

/* Composing a request */

static const char *const METHODS[] = {"broadcast_tx_sync", "broadcast_tx_async", "broadcast_tx_commit"};

static void compose_call(struct buffer *out, const char *method, uint32_t id, struct span tx) {
    char *at = (char *)buffer_reserve(out, 128 + TEXT_BASE64_SIZE(tx.size));
    int size = sprintf(at, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":{\"tx\":\"", id, method);
    text_base64(at + size, tx);
    size_t total = (size_t)size + TEXT_BASE64_SIZE(tx.size) - 1;
    memcpy(at + total, "\"}}", 3);
    buffer_add(out, total + 3);
}

static struct span take_tx(struct lane *lane, struct sent *sent) {
    struct load *load = lane->load;
    struct load_accounts *accounts = load->options.accounts;
    if (accounts == NULL)
        return load_kvstore_next(&load->kvstore);
    sent->account = lane->account_at;
    sent->sequence = accounts->accounts[sent->account].sequence;
    lane->account_at += lane->account_step;
    if (lane->account_at >= accounts->count)
        lane->account_at = lane->account_first;
    return load_accounts_next(accounts, sent->account);
}

static bool is_warmup(const struct load *load, int64_t now_us) {
    return (double)(now_us - load->begun_us) < load->options.warmup * 1e6;
}

/* The tally does not take it: all it can remember is used up, or the node expects again what another has in a block already. */
static void give_back(struct load *load, const struct sent *sent) {
    load->sums.reached_limit |= sent->number == LOAD_TALLY_NONE;
    if (load->options.accounts == NULL)
        return;
    load->options.accounts->accounts[sent->account].sequence = sent->sequence;
    set_doubt(load, sent->account, true);
}

/* One more transaction into the lane's request. false: that one cannot go now. */
static bool add_tx(struct lane *lane, struct buffer *out, int64_t now_us) {
    struct load *load = lane->load;
    struct sent *sent = &lane->sent[lane->sent_count];
    uint8_t hash[SHA256_BYTES];
    struct span tx = take_tx(lane, sent);
    sha256_once(hash, tx);
    sent->number = load_tally_sent(&load->tally, hash, now_us, is_warmup(load, now_us));
    sent->is_answered = false;
    if (sent->number >= LOAD_TALLY_BUSY) {
        give_back(load, sent);
        return false;
    }
    if (load->options.batch > 1)
        buffer_append(out, span_text(lane->sent_count == 0 ? "[" : ","));
    compose_call(out, METHODS[load->options.mode], lane->sent_count, tx);
    lane->sent_count++;
    return true;
}

static void pause_lane(struct lane *lane) {
    unsigned doublings = lane->refusals < 1 ? 0 : lane->refusals > 7 ? 6 : lane->refusals - 1;
    struct timeval pause = {0, PAUSE_US_MIN << doublings};
    event_add(lane->pause, &pause);
}

static void send_request(struct lane *lane, uint64_t count) {
    struct load *load = lane->load;
    static struct buffer out; /* emptied after use; kept, because each request needs it */
    int64_t now_us = load_now_us();
    lane->sent_count = 0;
    while (lane->sent_count < count && add_tx(lane, &out, now_us))
        continue;
    if (lane->sent_count == 0) {
        lane->refusals++;
        pause_lane(lane);
        if (load->sums.reached_limit)
            load_stop(load);
        return;
    }
    if (load->options.batch > 1)
        buffer_append(&out, span_text("]"));
    load->taken += lane->sent_count;
    load->waiting++;
    load_http_post(&lane->http, buffer_span(&out));
    buffer_consume(&out, buffer_size(&out));
}

/* The schedule */

static uint64_t due(const struct load *load) {
    const struct load_options *options = &load->options;
    uint64_t due_now = UINT64_MAX;
    if (options->rate > 0)
        due_now = (uint64_t)((double)(load_now_us() - load->begun_us) * options->rate / 1e6);
    if (options->count > 0 && due_now > options->count)
        due_now = options->count;
    return due_now > load->taken ? due_now - load->taken : 0;
}

static bool is_over(const struct load *load) {
    const struct load_options *options = &load->options;
    bool is_late = options->seconds > 0 && (double)(load_now_us() - load->begun_us) >= options->seconds * 1e6;
    return is_late || (options->count > 0 && load->taken >= options->count);
}

/* How many the next request takes: full batches, but for the last one of a count. */
static uint64_t next_size(const struct load *load) {
    uint64_t there = due(load), batch = load->options.batch;
    if (there >= batch)
        return batch;
    bool is_last = load->options.count > 0 && load->options.count - load->taken == there;
    return is_last ? there : 0;
}

static void pump(struct load *load) {
    while (load->phase == PHASE_SENDING && load->idle_first != NULL) {
        if (is_over(load)) {
            load_stop(load);
            return;
        }
        uint32_t doubtful = account_in_doubt(load->idle_first);
        uint64_t size = doubtful == NO_ACCOUNT ? next_size(load) : 1;
        if (size == 0)
            return;
        struct lane *lane = take_idle(load);
        if (doubtful != NO_ACCOUNT)
            ask_sequence(lane, doubtful);
        else
            send_request(lane, size);
    }
}

/* Answers */

/* The text with every number as '#', so that texts that differ in a height or a sequence count as one. */
static void without_numbers(char *out, size_t capacity, struct span text) {
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < capacity - 1; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (!is_digit)
            out[size++] = (char)text.data[i];
        else if (size == 0 || out[size - 1] != '#')
            out[size++] = '#';
    }
    out[size] = '\0';
}

static struct load_refusal *refusal_of(struct load *load, int64_t code, bool is_error, struct span text) {
    struct load_report *sums = &load->sums;
    struct load_refusal fresh = {.code = code, .is_error = is_error};
    without_numbers(fresh.text, sizeof fresh.text, text);
    for (uint32_t i = 0; i < sums->refusal_count; i++) {
        struct load_refusal *known = &sums->refusals[i];
        if (known->code == code && known->is_error == is_error && strcmp(known->text, fresh.text) == 0)
            return known;
    }
    struct load_refusal *rest = &sums->refusals[LOAD_REFUSALS_MAX];
    if (sums->refusal_count == LOAD_REFUSALS_MAX) {
        snprintf(rest->text, sizeof rest->text, "(all other answers)");
        return rest;
    }
    sums->refusals[sums->refusal_count] = fresh;
    return &sums->refusals[sums->refusal_count++];
}

static void settle(struct lane *lane, struct sent *sent, enum load_tally_state state) {
    sent->is_answered = true;
    load_tally_answered(&lane->load->tally, sent->number, state, load_now_us());
}

/* A refused transfer takes its sequence back; later ones of the same request were refused with it. */
static void resynchronise(struct lane *lane, const struct sent *sent, const struct load_answer *answer) {
    struct load *load = lane->load;
    if (load->options.accounts == NULL)
        return;
    struct load_account *account = &load->options.accounts->accounts[sent->account];
    uint64_t expected;
    if (load_accounts_expected(&expected, answer->text)) {
        load->sums.resyncs += account->sequence != expected;
        account->sequence = expected;
    } else if (sent->sequence < account->sequence) {
        account->sequence = sent->sequence;
    }
}

static void refuse(struct lane *lane, struct sent *sent, const struct load_answer *answer) {
    static const char gave_up[] = "timed out";
    bool is_unknown = lane->load->options.mode == LOAD_COMMIT && answer->is_error && answer->text.size >= sizeof gave_up - 1 &&
                      memcmp(answer->text.data, gave_up, sizeof gave_up - 1) == 0;
    refusal_of(lane->load, answer->code, answer->is_error, answer->text)->count++;
    settle(lane, sent, is_unknown ? LOAD_TALLY_UNKNOWN : LOAD_TALLY_REJECTED);
    lane->refusals++;
    if (is_unknown && lane->load->options.accounts != NULL)
        set_doubt(lane->load, sent->account, true);
    else
        resynchronise(lane, sent, answer);
}

static bool is_hash_of(const struct load_tally_tx *tx, struct span hex) {
    uint8_t hash[32];
    size_t size;
    return text_hex_decode(hash, &size, sizeof hash, hex) && size == 32 && memcmp(hash, tx->hash, 32) == 0;
}

static void take_answer(void *context, const struct load_answer *answer) {
    struct lane *lane = context;
    struct load *load = lane->load;
    if (answer->id < 0 || answer->id >= lane->sent_count || lane->sent[answer->id].is_answered)
        return; /* what stays without an answer is counted later */
    struct sent *sent = &lane->sent[answer->id];
    if (answer->is_error || (answer->code != 0 && answer->height == 0)) {
        refuse(lane, sent, answer);
        return;
    }
    if (!is_hash_of(&load->tally.txs[sent->number], answer->hash))
        return;
    lane->refusals = 0;
    load->sums.failed_in_block += answer->code != 0;
    settle(lane, sent, LOAD_TALLY_ACCEPTED);
}

static void settle_rest(struct lane *lane, struct span reason) {
    struct load *load = lane->load;
    for (uint32_t i = 0; i < lane->sent_count; i++) {
        if (lane->sent[i].is_answered)
            continue;
        if (load->options.accounts != NULL)
            set_doubt(load, lane->sent[i].account, true);
        refusal_of(load, 0, true, reason)->count++;
        settle(lane, &lane->sent[i], LOAD_TALLY_UNKNOWN);
        lane->refusals++;
    }
    lane->sent_count = 0;
}

static void go_on(struct lane *lane) {
    struct load *load = lane->load;
    load->waiting--;
    if (lane->refusals > 0 && load->phase == PHASE_SENDING) {
        pause_lane(lane);
        return;
    }
    set_idle(lane);
    pump(load);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context) {
    struct lane *lane = context;
    (void)fd;
    (void)what;
    set_idle(lane);
    pump(lane->load);
}

static void on_answered(void *context, int status, struct span body) {
    struct lane *lane = context;
    if (lane->asking != NO_ACCOUNT) {
        bool is_in_doubt = !load_scan_answers(body, take_sequence, lane) || lane->load->must_ask[lane->asking];
        lane->refusals = is_in_doubt ? lane->refusals + 1 : 0;
        lane->asking = NO_ACCOUNT;
        go_on(lane);
        return;
    }
    load_scan_answers(body, take_answer, lane);
    char reason[64];
    snprintf(reason, sizeof reason, "no proper answer (HTTP %d)", status);
    uint64_t before = lane->load->tally.unknown;
    settle_rest(lane, span_text(reason));
    if (status == 200)
        lane->load->sums.answers_wrong += lane->load->tally.unknown - before;
    go_on(lane);
}

static void on_broke(void *context, const char *reason) {
    struct lane *lane = context;
    lane->load->sums.breaks++;
    lane->asking = NO_ACCOUNT;
    lane->refusals++;
    settle_rest(lane, span_text(reason));
    go_on(lane);
}

/* Blocks */

static void widen(struct load_window *window, const struct load_scan_block *block, uint64_t ours, uint64_t bytes, int64_t now_us) {
    if (window->first_height == 0) {
        if (ours == 0)
            return;
        window->first_height = window->last_height = block->height;
        window->first_time_ns = window->last_time_ns = block->time_ns;
        window->first_seen_us = window->last_seen_us = now_us;
        return;
    }
    window->txs += ours;
    window->bytes += bytes;
    if (ours == 0)
        return;
    window->last_height = block->height;
    window->last_time_ns = block->time_ns;
    window->last_seen_us = now_us;
    window->blocks = (uint64_t)(block->height - window->first_height);
}

static void on_block(void *context, const struct load_scan_block *block) {
    struct load *load = context;
    static uint8_t tx[LOAD_KVSTORE_SIZE_MAX * 2];
    uint8_t hash[SHA256_BYTES];
    uint64_t ours = 0, bytes = 0, committed = load->tally.committed;
    struct span txs = block->txs, base64;
    size_t size;
    bool bad;
    int64_t now_us = load_now_us();
    while (load_scan_tx(&txs, &base64, &bad)) {
        if (!text_base64_decode(tx, &size, sizeof tx, base64))
            continue; /* longer than any of ours, or not base64: it cannot be one of ours */
        sha256_once(hash, span_of(tx, size));
        bytes += size;
        ours += load_tally_seen(&load->tally, hash, block->height, now_us);
    }
    if (load->tally.committed > committed)
        load->progress_us = now_us;
    if (load->phase == PHASE_SENDING)
        widen(&load->during, block, ours, bytes, now_us);
    widen(&load->whole, block, ours, bytes, now_us);
}

/* The end */

void load_stop(struct load *load) {
    if (load->phase != PHASE_SENDING)
        return;
    uint64_t missed = load->options.rate > 0 ? due(load) : 0;
    load->phase = PHASE_SETTLING;
    load->stopped_us = load->progress_us = load_now_us();
    load->sums.sent_to_none = missed;
}

static bool is_found(struct load *load, int64_t now_us) {
    if (load->waiting > 0 || load->tally.owed > 0) {
        load->found_us = 0;
        return false;
    }
    if (load->found_us == 0) {
        load->found_us = now_us;
        load->found_height = load->reader.height;
    }
    return now_us - load->found_us > AFTERMATH_US || load->reader.height - load->found_height >= AFTERMATH_BLOCKS;
}

static bool is_hopeless(const struct load *load, int64_t now_us) {
    return (double)(now_us - load->progress_us) > load->options.grace * 1e6;
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    struct load *load = context;
    (void)fd;
    (void)what;
    if (load->phase == PHASE_SENDING) {
        if (is_over(load))
            load_stop(load);
        else
            pump(load);
    }
    int64_t now_us = load_now_us();
    if (load->phase != PHASE_SETTLING || (!is_found(load, now_us) && !is_hopeless(load, now_us)))
        return;
    load->phase = PHASE_DONE;
    event_del(load->tick);
    load_reader_stop(&load->reader);
    load->done(load->context);
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void load_begin(struct load *load) {
    struct timeval every = {0, load->options.rate > 0 ? TICK_US : 20 * TICK_US};
    load_reader_start(&load->reader, load->base, &load->options.places[0], load->tally.base_height,
                      (int)load->options.poll_ms * 1000, (struct load_reader_owner){load, on_block});
    load->phase = PHASE_SENDING;
    load->cpu_before = cpu_seconds();
    load->begun_us = load->progress_us = load_now_us();
    event_add(load->tick, &every);
    pump(load);
}

/* The beginning */

static bool ask_chain(struct load *load, struct load_call *call) {
    struct span result, value;
    int64_t height;
    struct load_accounts *accounts = load->options.accounts;
    if (!load_call_method(call, &result, "status", "{}", CALL_TIMEOUT_MS))
        return false;
    if (!load_scan_path(&value, result, "sync_info.latest_block_height") || !load_scan_number(&height, value) || height < 0 ||
        !load_scan_path(&value, result, "node_info.network")) {
        snprintf(call->fault, sizeof call->fault, "%s: its status has no height or no network", call->http.place->host);
        return false;
    }
    load_tally_init(&load->tally, load->options.remember, height + 1);
    if (accounts != NULL)
        snprintf(accounts->chain_id, sizeof accounts->chain_id, "%.*s", (int)value.size, (const char *)value.data);
    return true;
}

static bool ask_account(struct load *load, struct load_call *call, uint32_t index) {
    char params[192];
    struct span result, response, log;
    struct load_account *account = &load->options.accounts->accounts[index];
    snprintf(params, sizeof params, "{\"path\":\"/ledger/account/%s\"}", account->address);
    if (!load_call_method(call, &result, "abci_query", params, CALL_TIMEOUT_MS))
        return false;
    if (load_scan_path(&response, result, "response") && load_accounts_understand(account, response)) {
        if (index == 0)
            load_accounts_take_denom(load->options.accounts, response);
        return true;
    }
    if (response.data == NULL || !load_scan_path(&log, response, "log"))
        log = span_text("malformed answer");
    snprintf(call->fault, sizeof call->fault, "%s: account %s: %.*s", call->http.place->host, account->address,
             (int)(log.size < 120 ? log.size : 120), (const char *)log.data);
    return false;
}

static bool ask_all(struct load *load, char **error) {
    struct load_call call;
    struct load_accounts *accounts = load->options.accounts;
    load_call_open(&call, &load->options.places[0]);
    bool good = ask_chain(load, &call);
    for (uint32_t i = 0; good && accounts != NULL && i < accounts->count; i++)
        good = ask_account(load, &call, i);
    if (!good)
        *error = complaint_of("%s", call.fault);
    load_call_close(&call);
    return good;
}

/* Lane l of all goes to place l mod places; account a belongs to lane a mod lanes, so it always meets the same node. */
static void open_lanes(struct load *load) {
    const struct load_options *options = &load->options;
    uint64_t count = (uint64_t)options->connections * options->place_count;
    if (options->accounts != NULL && count > options->accounts->count)
        count = options->accounts->count;
    assert(count > 0 && count <= LOAD_LANES_MAX);
    load->lane_count = (uint32_t)count;
    load->lanes = calloc(count, sizeof *load->lanes);
    assert(load->lanes != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct lane *lane = &load->lanes[i];
        lane->load = load;
        lane->asking = NO_ACCOUNT;
        lane->account_first = lane->account_at = i;
        lane->account_step = load->lane_count;
        lane->pause = event_new(load->base, -1, 0, on_pause_over, lane);
        assert(lane->pause != NULL);
        load_http_init(&lane->http, load->base, &options->places[i % options->place_count], ANSWER_BYTES_MAX,
                       (struct load_http_owner){lane, on_answered, on_broke});
        set_idle(lane);
    }
}

static void prepare_txs(struct load *load) {
    struct load_accounts *accounts = load->options.accounts;
    if (accounts == NULL) {
        load_kvstore_init(&load->kvstore, load->options.size);
        return;
    }
    load->must_ask = calloc(accounts->count, sizeof *load->must_ask);
    assert(load->must_ask != NULL);
    uint64_t ahead = load->options.sign_ahead < LOAD_AHEAD_MAX ? load->options.sign_ahead : LOAD_AHEAD_MAX;
    load_accounts_sign_ahead(accounts, (ahead + accounts->count - 1) / accounts->count);
}

struct load *load_new(struct event_base *base, const struct load_options *options, void (*done)(void *context), void *context,
                      char **error) {
    struct load *load = calloc(1, sizeof *load);
    assert(load != NULL && options->batch >= 1 && options->batch <= LOAD_BATCH_MAX && options->place_count > 0);
    load->base = base;
    load->options = *options;
    load->done = done;
    load->context = context;
    if (!ask_all(load, error)) {
        load_free(load);
        return NULL;
    }
    load->tick = event_new(base, -1, EV_PERSIST, on_tick, load);
    assert(load->tick != NULL);
    prepare_txs(load);
    open_lanes(load);
    return load;
}

void load_free(struct load *load) {
    if (load == NULL)
        return;
    load_reader_stop(&load->reader);
    for (uint32_t i = 0; i < load->lane_count; i++) {
        load_http_close(&load->lanes[i].http);
        event_free(load->lanes[i].pause);
    }
    free(load->lanes);
    free(load->must_ask);
    if (load->tick != NULL)
        event_free(load->tick);
    load_kvstore_close(&load->kvstore);
    load_tally_close(&load->tally);
    free(load);
}

const struct load_tally *load_tally(const struct load *load) { return &load->tally; }

/* What came of it */

static double per_second(uint64_t count, double seconds) { return seconds > 0 ? (double)count / seconds : 0; }

/* Few blocks, or blocks read so late that they tell of the beginning only, are no measure of the whole sending. */
static bool is_enough(const struct load *load, const struct load_window *window, double seconds) {
    double span = (double)(window->last_time_ns - window->first_time_ns) / 1e9;
    return window->blocks >= 3 && span * 2 >= seconds - load->options.warmup;
}

void load_measure(const struct load *load, struct load_report *out) {
    *out = load->sums;
    int64_t end_us = load->stopped_us != 0 ? load->stopped_us : load_now_us();
    out->seconds = load->begun_us == 0 ? 0 : (double)(end_us - load->begun_us) / 1e6;
    out->tally = &load->tally;
    out->lost = load->tally.owed;
    out->is_window_whole = !is_enough(load, &load->during, out->seconds);
    out->window = out->is_window_whole ? load->whole : load->during;
    const struct load_window *window = &out->window;
    double by_blocks = (double)(window->last_time_ns - window->first_time_ns) / 1e9;
    out->per_second_by_blocks = per_second(window->txs, by_blocks);
    out->per_second_by_clock = per_second(window->txs, (double)(window->last_seen_us - window->first_seen_us) / 1e6);
    double warm_us = (double)load->begun_us + load->options.warmup * 1e6;
    out->per_second_overall = per_second(load->tally.seen.count, ((double)load->whole.last_seen_us - warm_us) / 1e6);
    out->block_interval_ms = window->blocks == 0 ? 0 : by_blocks * 1000 / (double)window->blocks;
    out->own_cpu_seconds = load->begun_us == 0 ? 0 : cpu_seconds() - load->cpu_before;
    if (load->reader.is_failing)
        snprintf(out->reader_fault, sizeof out->reader_fault, "%s", load->reader.fault);
}

bool load_is_clean(const struct load_report *report) {
    return report->lost == 0 && report->tally->duplicates == 0 && report->answers_wrong == 0;
}
