/* `quorate load`: measures any CometBFT-compatible node or network. See load.h. */
#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cli.h"
#include "node/complaint.h"
#include "node/load.h"
#include "node/load_kvstore.h"
#include "node/load_report.h"

#define PLACES_MAX   64
#define PROGRESS_MS  500
#define AHEAD_UNLESS 100000 /* when nothing says how many transfers it will be */

struct request { /* what the command line asks for */
    int64_t connections, rate, seconds, count, size, batch, warmup, grace, poll_ms, remember, sign_ahead;
    const char *mode, *app, *accounts_folder;
    bool is_json;
    struct load_options options;
    struct load_http_place places[PLACES_MAX];
    struct load_accounts accounts;
};

static struct request wish;

static const struct cli_option options[] = {
    {"connections", CLI_NUMBER, &wish.connections, "N", "to each endpoint (16)", 1, LOAD_LANES_MAX},
    {"rate", CLI_NUMBER, &wish.rate, "TX_PER_S", "0: flat out (0)", 0, 10000000},
    {"for", CLI_NUMBER, &wish.seconds, "SECONDS", "of sending (10, unless --count is given)", 0, 10000000},
    {"count", CLI_NUMBER, &wish.count, "N", "transactions", 0, 1000000000},
    {"size", CLI_NUMBER, &wish.size, "BYTES", "of a transaction (250); transfers are padded to it, if they are smaller", LOAD_KVSTORE_SIZE_MIN, LOAD_KVSTORE_SIZE_MAX},
    {"batch", CLI_NUMBER, &wish.batch, "N", "transactions per request (1; nodes allow 10 unless told otherwise)", 1, LOAD_BATCH_MAX},
    {"mode", CLI_TEXT, &wish.mode, "MODE", "sync (default), async or commit", 0, 0},
    {"app", CLI_TEXT, &wish.app, "NAME", "kvstore (default), or ledger: signed transfers among --accounts", 0, 0},
    {"accounts", CLI_TEXT, &wish.accounts_folder, "DIR", "key files as `quorate testnet` writes them", 0, 0},
    {"sign-ahead", CLI_NUMBER, &wish.sign_ahead, "N", "transfers signed before the start (as many as will be sent, at most 400000)", 0, LOAD_AHEAD_MAX},
    {"warmup", CLI_NUMBER, &wish.warmup, "SECONDS", "at the start that do not count for rates and durations (0)", 0, 1000000},
    {"grace", CLI_NUMBER, &wish.grace, "SECONDS", "what was accepted is lost when nothing is seen in a block for so long (15)", 0, 1000000},
    {"poll", CLI_NUMBER, &wish.poll_ms, "MS", "between questions for the next block (2)", 1, 60000},
    {"remember", CLI_NUMBER, &wish.remember, "N", "transactions at most, 52 to 60 bytes each (8000000)", 1, 1000000000},
    {"json", CLI_FLAG, &wish.is_json, "", "the outcome as one line of JSON", 0, 0},
};

static bool set_other(void *context, const char *name, const char *value, char **error);

static const struct cli_command command = {
    .name = "load",
    .arguments = "[--endpoint URL[,URL …]] [--rate TX_PER_S] [--for SECONDS | --count N] …",
    .summary = "Sends transactions to CometBFT-compatible nodes, reads the blocks back, and says what was committed, how fast, and what was lost.\n"
               "--endpoint http://host:port may come several times (http://127.0.0.1:26657); blocks are read from the first.\n"
               "Good (0) only if nothing was lost, doubled or wrongly answered, and something was committed.",
    .example = "quorate load --endpoint http://127.0.0.1:26657,http://127.0.0.1:26659 --rate 1000 --for 30\n"
               "quorate load --app ledger --accounts run/accounts --count 10000",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .other = set_other,
    .context = &wish,
};

/* Arguments */

static bool set_other(void *context, const char *name, const char *value, char **error) {
    struct request *request = context;
    if (strcmp(name, "endpoint") != 0)
        return false;
    char *copy = strdup(value), *rest = copy;
    assert(copy != NULL);
    for (char *url; *error == NULL && (url = strsep(&rest, ",")) != NULL;) {
        const char *fault = request->options.place_count == PLACES_MAX
                                ? "is one endpoint too many"
                                : load_http_resolve(&request->places[request->options.place_count++], url);
        if (fault != NULL)
            *error = complaint_of("--endpoint %s: %s", url, fault);
    }
    free(copy);
    return true;
}

static bool read_choice(int *out, const char *text, const char *const *choices) {
    for (int i = 0; choices[i] != NULL; i++) {
        *out = i;
        if (strcmp(choices[i], text) == 0)
            return true;
    }
    return false;
}

static uint64_t sign_ahead_of(const struct request *request) {
    if (request->sign_ahead >= 0)
        return (uint64_t)request->sign_ahead;
    if (request->count > 0)
        return (uint64_t)request->count;
    return request->rate > 0 ? (uint64_t)(request->rate * request->seconds) + 1 : AHEAD_UNLESS;
}

static void fill_options(struct request *request, int mode) {
    struct load_options *out = &request->options;
    out->places = request->places;
    out->connections = (uint32_t)request->connections;
    out->batch = (uint32_t)request->batch;
    out->mode = (enum load_mode)mode;
    out->rate = (double)request->rate;
    out->seconds = (double)request->seconds;
    out->count = (uint64_t)request->count;
    out->warmup = (double)request->warmup;
    out->grace = (double)request->grace;
    out->poll_ms = (unsigned)request->poll_ms;
    out->size = (size_t)request->size;
    out->remember = (uint32_t)request->remember;
}

static int complete(struct request *request) {
    static const char *const modes[] = {"sync", "async", "commit", NULL}, *const apps[] = {"kvstore", "ledger", NULL};
    char *error = NULL;
    int mode, app;
    if (!read_choice(&mode, request->mode, modes))
        return cli_misuse(&command, "--mode %s: sync, async or commit is wanted", request->mode);
    if (!read_choice(&app, request->app, apps))
        return cli_misuse(&command, "--app %s: kvstore or ledger is wanted", request->app);
    if (app == 1 && request->accounts_folder == NULL)
        return cli_misuse(&command, "--app ledger needs --accounts DIR, as `quorate testnet` makes it");
    if (request->options.place_count == 0)
        set_other(request, "endpoint", "http://127.0.0.1:26657", &error);
    if (request->connections * request->options.place_count > LOAD_LANES_MAX)
        return cli_misuse(&command, "more than %d connections in all", LOAD_LANES_MAX);
    if (request->seconds == 0 && request->count == 0)
        request->seconds = 10;
    fill_options(request, mode);
    if (app == 0)
        return CLI_GOOD;
    if (!load_accounts_read(&request->accounts, request->accounts_folder, &error))
        return cli_fail(&command, error);
    request->accounts.size = request->options.size;
    request->options.accounts = &request->accounts;
    request->options.sign_ahead = sign_ahead_of(request);
    return CLI_GOOD;
}

/* The run */

struct run {
    struct event_base *base;
    struct load *load;
    uint64_t committed_before;
    int64_t before_us;
    bool is_stopping;
};

static void on_done(void *context) { event_base_loopbreak(((struct run *)context)->base); }

static void on_signal(evutil_socket_t fd, short what, void *context) {
    struct run *run = context;
    (void)fd;
    (void)what;
    if (run->is_stopping)
        event_base_loopbreak(run->base);
    run->is_stopping = true;
    load_stop(run->load);
}

static void on_progress(evutil_socket_t fd, short what, void *context) {
    struct run *run = context;
    struct load_report report;
    char p50[LOAD_REPORT_DURATION_SIZE];
    (void)fd;
    (void)what;
    load_measure(run->load, &report);
    int64_t now_us = load_now_us();
    double rate = (double)(report.tally->committed - run->committed_before) * 1e6 / (double)(now_us - run->before_us);
    fprintf(stderr, "\r%6.1f s  sent %" PRIu64 "  accepted %" PRIu64 "  committed %" PRIu64 "  %.0f tx/s  p50 %s\033[K", report.seconds,
            report.tally->sent, report.tally->accepted, report.tally->committed, rate,
            load_report_duration(p50, load_latency_at(&report.tally->seen, 500)));
    run->committed_before = report.tally->committed;
    run->before_us = now_us;
}

static void go(struct run *run) {
    struct timeval every = {0, PROGRESS_MS * 1000};
    struct event *progress = event_new(run->base, -1, EV_PERSIST, on_progress, run);
    struct event *interrupt = evsignal_new(run->base, SIGINT, on_signal, run);
    struct event *terminate = evsignal_new(run->base, SIGTERM, on_signal, run);
    assert(progress != NULL && interrupt != NULL && terminate != NULL);
    event_add(interrupt, NULL);
    event_add(terminate, NULL);
    run->before_us = load_now_us();
    if (isatty(STDERR_FILENO))
        event_add(progress, &every);
    load_begin(run->load);
    event_base_dispatch(run->base);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    event_free(progress);
    event_free(interrupt);
    event_free(terminate);
}

static void show(const struct request *request, const struct load_report *report) {
    if (request->is_json) {
        load_report_json(stdout, report);
        return;
    }
    load_report_text(stdout, report);
    load_report_lost(stdout, report->tally);
}

static int run_it(const struct request *request) {
    struct load_report report;
    char *error = NULL;
    struct run run = {.base = load_base_new()};
    run.load = load_new(run.base, &request->options, on_done, &run, &error);
    if (run.load == NULL) {
        event_base_free(run.base);
        return cli_fail(&command, error);
    }
    go(&run);
    load_measure(run.load, &report);
    show(request, &report);
    bool is_good = load_is_clean(&report) && report.tally->committed > 0;
    load_free(run.load);
    event_base_free(run.base);
    return is_good ? CLI_GOOD : CLI_FAILED;
}

int cmd_load(int argc, char **argv) {
    struct cli_rest rest;
    int status;
    wish = (struct request){.connections = 16, .size = 250, .batch = 1, .grace = 15, .poll_ms = 2, .remember = LOAD_REMEMBER,
                            .sign_ahead = -1, .mode = "sync", .app = "kvstore"};
    if (cli_parse(&command, &rest, &status, 1, argc, argv) && (status = complete(&wish)) == CLI_GOOD)
        status = run_it(&wish);
    load_accounts_close(&wish.accounts);
    return status;
}
