/* `quorate load`: measures any CometBFT-compatible node or network. See load.h. */
#include <assert.h>
#include <event2/event.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/load.h"
#include "node/load_kvstore.h"
#include "node/load_report.h"

int cmd_load(int argc, char **argv);

#define EXIT_CLEAN   0
#define EXIT_UNCLEAN 1 /* something was lost, doubled or wrongly answered, or nothing was committed */
#define EXIT_FAULT   2 /* the run could not be made */
#define PLACES_MAX   64
#define PROGRESS_MS  500

static const char USAGE[] =
    "usage: quorate load [options]\n"
    "Sends transactions to CometBFT-compatible nodes, reads the blocks back, and says what was committed, how fast, and what was lost.\n"
    "  --endpoint URL[,URL…]   where to send (http://host:port; may be repeated; default http://127.0.0.1:26657); blocks are read from the first\n"
    "  --connections N         to each endpoint (16)\n"
    "  --rate TX_PER_S         0: flat out (0)\n"
    "  --for SECONDS           of sending (10, unless --count is given)\n"
    "  --count N               of transactions\n"
    "  --size BYTES            of a transaction (250)\n"
    "  --batch N               transactions per request (1; CometBFT's servers allow 10 unless told otherwise)\n"
    "  --mode sync|async|commit\n"
    "  --app kvstore|ledger    ledger: signed transfers between the accounts of --accounts\n"
    "  --accounts DIR          key files as `quorate testnet` writes them\n"
    "  --sign-ahead N          transfers signed before the start (what --count or --rate and --for come to, else 100000)\n"
    "  --warmup SECONDS        at the start that do not count for rates and durations (0)\n"
    "  --grace SECONDS         an accepted transaction is lost when none was seen in a block for so long (15)\n"
    "  --poll MS               between questions for the next block (2)\n"
    "  --remember N            transactions at most, because each is remembered in 52 to 60 bytes (8000000)\n"
    "  --json                  the outcome as one line of JSON\n"
    "Exit status: 0 clean; 1 lost, doubled or wrong transactions, or none committed; 2 the run could not be made.\n";

struct request { /* what the command line asks for */
    struct load_options options;
    struct load_http_place places[PLACES_MAX];
    struct load_accounts accounts;
    const char *accounts_folder;
    bool is_ledger, is_json, has_sign_ahead;
};

static bool complain(const char *option, const char *value, const char *why) {
    fprintf(stderr, "quorate load: --%s %s: %s\n", option, value, why);
    return false;
}

/* Arguments */

static bool read_number(double *out, const char *option, const char *text, double least, double most) {
    char *end;
    double value = strtod(text, &end);
    if (end != text && *end == 's' && end[1] == '\0')
        end++;
    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        char why[96];
        snprintf(why, sizeof why, "must be a number from %.15g to %.15g", least, most);
        return complain(option, text, why);
    }
    *out = value;
    return true;
}

static bool read_whole(uint64_t *out, const char *option, const char *text, double least, double most) {
    double value;
    if (!read_number(&value, option, text, least, most))
        return false;
    if (value != (double)(uint64_t)value)
        return complain(option, text, "must be a whole number");
    *out = (uint64_t)value;
    return true;
}

static bool read_uint32(uint32_t *out, const char *option, const char *text, double least, double most) {
    uint64_t value;
    if (!read_whole(&value, option, text, least, most))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_endpoints(struct request *request, const char *list) {
    char *copy = strdup(list), *rest = copy;
    assert(copy != NULL);
    const char *fault = NULL;
    for (char *url; fault == NULL && (url = strsep(&rest, ",")) != NULL;) {
        if (request->options.place_count == PLACES_MAX)
            fault = "too many endpoints";
        else
            fault = load_http_resolve(&request->places[request->options.place_count++], url);
    }
    free(copy);
    return fault == NULL || complain("endpoint", list, fault);
}

static bool read_choice(int *out, const char *option, const char *text, const char *const *choices) {
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return complain(option, text, "is none of the choices (see --help)");
}

enum option_id {
    OPTION_ENDPOINT = 256, OPTION_CONNECTIONS, OPTION_RATE, OPTION_FOR, OPTION_COUNT, OPTION_SIZE, OPTION_BATCH, OPTION_MODE, OPTION_APP,
    OPTION_ACCOUNTS, OPTION_SIGN_AHEAD, OPTION_WARMUP, OPTION_GRACE, OPTION_POLL, OPTION_REMEMBER, OPTION_JSON, OPTION_HELP,
};

static const struct option OPTIONS[] = {
    {"endpoint", required_argument, NULL, OPTION_ENDPOINT},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"for", required_argument, NULL, OPTION_FOR},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"size", required_argument, NULL, OPTION_SIZE},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"mode", required_argument, NULL, OPTION_MODE},
    {"app", required_argument, NULL, OPTION_APP},
    {"accounts", required_argument, NULL, OPTION_ACCOUNTS},
    {"sign-ahead", required_argument, NULL, OPTION_SIGN_AHEAD},
    {"warmup", required_argument, NULL, OPTION_WARMUP},
    {"grace", required_argument, NULL, OPTION_GRACE},
    {"poll", required_argument, NULL, OPTION_POLL},
    {"remember", required_argument, NULL, OPTION_REMEMBER},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool take_option(struct request *request, int id, const char *name, const char *value) {
    static const char *const modes[] = {"sync", "async", "commit", NULL}, *const apps[] = {"kvstore", "ledger", NULL};
    struct load_options *options = &request->options;
    uint64_t whole = 0;
    int choice = 0;
    bool good = true;
    switch (id) {
    case OPTION_ENDPOINT: return read_endpoints(request, value);
    case OPTION_CONNECTIONS: return read_uint32(&options->connections, name, value, 1, LOAD_LANES_MAX);
    case OPTION_RATE: return read_number(&options->rate, name, value, 0, 1e7);
    case OPTION_FOR: return read_number(&options->seconds, name, value, 0, 1e7);
    case OPTION_COUNT: return read_whole(&options->count, name, value, 1, 1e9);
    case OPTION_SIZE:
        good = read_whole(&whole, name, value, LOAD_KVSTORE_SIZE_MIN, LOAD_KVSTORE_SIZE_MAX);
        options->size = (size_t)whole;
        return good;
    case OPTION_BATCH: return read_uint32(&options->batch, name, value, 1, LOAD_BATCH_MAX);
    case OPTION_MODE:
        good = read_choice(&choice, name, value, modes);
        options->mode = (enum load_mode)choice;
        return good;
    case OPTION_APP:
        good = read_choice(&choice, name, value, apps);
        request->is_ledger = choice == 1;
        return good;
    case OPTION_ACCOUNTS: request->accounts_folder = value; return true;
    case OPTION_SIGN_AHEAD:
        request->has_sign_ahead = true;
        return read_whole(&options->sign_ahead, name, value, 0, LOAD_AHEAD_MAX);
    case OPTION_WARMUP: return read_number(&options->warmup, name, value, 0, 1e6);
    case OPTION_GRACE: return read_number(&options->grace, name, value, 0, 1e6);
    case OPTION_POLL:
        good = read_whole(&whole, name, value, 1, 60000);
        options->poll_ms = (unsigned)whole;
        return good;
    case OPTION_REMEMBER: return read_uint32(&options->remember, name, value, 1, 1e9);
    case OPTION_JSON: request->is_json = true; return true;
    default: return false;
    }
}

static uint64_t sign_ahead_of(const struct load_options *options) {
    if (options->count > 0)
        return options->count;
    return options->rate > 0 && options->seconds > 0 ? (uint64_t)(options->rate * options->seconds) + 1 : 100000;
}

static bool complete(struct request *request) {
    struct load_options *options = &request->options;
    char *error = NULL;
    if (options->place_count == 0 && !read_endpoints(request, "http://127.0.0.1:26657"))
        return false;
    options->places = request->places;
    if (options->seconds == 0 && options->count == 0)
        options->seconds = 10;
    if ((uint64_t)options->connections * options->place_count > LOAD_LANES_MAX) {
        fprintf(stderr, "quorate load: more than %d connections in all\n", LOAD_LANES_MAX);
        return false;
    }
    if (!request->is_ledger)
        return true;
    if (request->accounts_folder == NULL || !load_accounts_read(&request->accounts, request->accounts_folder, &error)) {
        fprintf(stderr, "quorate load: %s\n", error == NULL ? "--app ledger needs --accounts DIR (as `quorate testnet` makes it)" : error);
        free(error);
        return false;
    }
    request->accounts.size = options->size;
    options->accounts = &request->accounts;
    if (!request->has_sign_ahead)
        options->sign_ahead = sign_ahead_of(options);
    return true;
}

/* −1: go on, otherwise the exit status. */
static int read_arguments(struct request *request, int argc, char **argv) {
    int id, index = 0;
    *request = (struct request){.options = {.connections = 16, .batch = 1, .size = 250, .grace = 15, .poll_ms = 2, .remember = LOAD_REMEMBER}};
    optind = 1;
    while ((id = getopt_long(argc, argv, "", OPTIONS, &index)) != -1) {
        if (id == OPTION_HELP) {
            fputs(USAGE, stdout);
            return EXIT_CLEAN;
        }
        if (id == '?' || !take_option(request, id, OPTIONS[id - OPTION_ENDPOINT].name, optarg))
            return EXIT_FAULT;
    }
    if (optind < argc) {
        fprintf(stderr, "quorate load: %s is no option (see --help)\n", argv[optind]);
        return EXIT_FAULT;
    }
    return complete(request) ? -1 : EXIT_FAULT;
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
        fprintf(stderr, "quorate load: %s\n", error);
        free(error);
        event_base_free(run.base);
        return EXIT_FAULT;
    }
    go(&run);
    load_measure(run.load, &report);
    show(request, &report);
    bool is_good = load_is_clean(&report) && report.tally->committed > 0;
    load_free(run.load);
    event_base_free(run.base);
    return is_good ? EXIT_CLEAN : EXIT_UNCLEAN;
}

int cmd_load(int argc, char **argv) {
    static struct request request; /* holds 64 places: too large for a stack frame to be proud of */
    int status = read_arguments(&request, argc, argv);
    if (status < 0)
        status = run_it(&request);
    load_accounts_close(&request.accounts);
    return status;
}
