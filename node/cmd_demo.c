/* `quorate demo`: a network of validators on this machine at work, and in the end the proof that it worked. */
#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/cli.h"
#include "node/demo_proof.h"
#include "node/demo_watch.h"
#include "node/load.h"
#include "node/load_report.h"
#include "node/localnet.h"

#define START_TIMEOUT_MS 30000
#define STOP_GRACE_MS    10000
#define CONNECTIONS      4 /* to each node */
#define TAIL_LINES       20

struct demo {
    const char *folder, *timeout_commit;
    int64_t validators, seconds, rate, base_port;
    struct localnet net;
    struct load_http_place places[LOCALNET_NODES_MAX];
    struct event_base *base;
    struct event *answers;
    struct load_accounts accounts;
    struct load *load;
    struct demo_watch watches[LOCALNET_NODES_MAX];
    const struct localnet_node *dead;
    bool is_terminal, is_stopping, is_drawn;
    int64_t begun_us;
    uint64_t committed_before;
    struct load_latency seen_before;
};

static struct demo demo_wish;

static const struct cli_option options[] = {
    {"dir", CLI_TEXT, &demo_wish.folder, "DIR", "the network's folder, made anew (run)", 0, 0},
    {"validators", CLI_NUMBER, &demo_wish.validators, "N", "(4)", 1, LOCALNET_NODES_MAX},
    {"for", CLI_NUMBER, &demo_wish.seconds, "SECONDS", "then end; without it until Ctrl-C", 0, 10000000},
    {"rate", CLI_NUMBER, &demo_wish.rate, "TX_PER_S", "transfers a second (200)", 1, 1000000},
    {"base-port", CLI_NUMBER, &demo_wish.base_port, "PORT", "of the first node for peers, RPC is one above, the next node two (26656)", 1024, 65500},
    {"timeout-commit", CLI_TEXT, &demo_wish.timeout_commit, "TIME", "pause between blocks (100ms)", 0, 0},
};

static const struct cli_command command = {
    .name = "demo",
    .arguments = "[--for SECONDS] [--rate TX_PER_S] [--validators N] [--dir DIR]",
    .summary = "Starts validators on this machine, sends signed transfers through all of them, shows them at work, and in the end checks that all\n"
               "hold the same blocks and that each accepted transfer is in one of them, once. Good (0) only if that is so.",
    .example = "quorate demo --for 20",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

/* Showing */

static void show_table(struct demo *demo, const struct load_tally *tally, double per_second, const char *p50, const char *p99) {
    double seconds = (double)(load_now_us() - demo->begun_us) / 1e6;
    char until[32] = "until Ctrl-C";
    if (demo->seconds > 0)
        snprintf(until, sizeof until, "of %" PRId64 " s", demo->seconds);
    if (demo->is_drawn)
        printf("\033[%uA", demo->net.count + 4);
    demo->is_drawn = true;
    printf("\r%u validators, %" PRId64 " signed transfers a second, %.0f s %s\033[K\n", demo->net.count, demo->rate, seconds, until);
    printf("  node     RPC                           height  round  peers  mempool\033[K\n");
    for (uint32_t i = 0; i < demo->net.count; i++) {
        const struct demo_watch *watch = &demo->watches[i];
        printf("  %-8s %-26s %9" PRId64 " %6" PRId64 " %6" PRId64 " %8" PRId64 "%s\033[K\n", demo->net.nodes[i].name,
               demo->net.nodes[i].rpc_url, watch->height, watch->round, watch->peers, watch->mempool, watch->is_answering ? "" : "  (silent)");
    }
    printf("  accepted %" PRIu64 ", committed %" PRIu64 ", %.0f tx/s\033[K\n", tally->accepted, tally->committed, per_second);
    printf("  from submission to finality: p50 %s, p99 %s\033[K\n", p50, p99);
}

static void show_column(const struct demo *demo, const char *name, int64_t (*of)(const struct demo_watch *)) {
    printf("  %s", name);
    for (uint32_t i = 0; i < demo->net.count; i++)
        printf(" %" PRId64, of(&demo->watches[i]));
}

static int64_t height_of(const struct demo_watch *watch) { return watch->height; }
static int64_t round_of(const struct demo_watch *watch) { return watch->round; }
static int64_t peers_of(const struct demo_watch *watch) { return watch->peers; }
static int64_t mempool_of(const struct demo_watch *watch) { return watch->mempool; }

static void show_line(const struct demo *demo, const struct load_tally *tally, double per_second, const char *p50, const char *p99) {
    printf("%4.0f s", (double)(load_now_us() - demo->begun_us) / 1e6);
    show_column(demo, "heights", height_of);
    show_column(demo, "rounds", round_of);
    show_column(demo, "peers", peers_of);
    show_column(demo, "mempool", mempool_of);
    printf("  committed %" PRIu64 " (%.0f tx/s)  finality p50 %s p99 %s\n", tally->committed, per_second, p50, p99);
}

static void show(struct demo *demo) {
    static struct load_latency recent;
    char p50[LOAD_REPORT_DURATION_SIZE], p99[LOAD_REPORT_DURATION_SIZE];
    const struct load_tally *tally = load_tally(demo->load);
    double per_second = (double)(tally->committed - demo->committed_before);
    load_latency_between(&recent, &tally->seen, &demo->seen_before);
    load_report_duration(p50, load_latency_at(&recent, 500));
    load_report_duration(p99, load_latency_at(&recent, 990));
    if (demo->is_terminal)
        show_table(demo, tally, per_second, p50, p99);
    else
        show_line(demo, tally, per_second, p50, p99);
    fflush(stdout);
    demo->committed_before = tally->committed;
    demo->seen_before = tally->seen;
}

static void show_start(const struct demo *demo) {
    printf("%u validators are up; their files and logs are in %s/. Look further with:\n", demo->net.count, demo->net.folder);
    printf("    curl -s %s/status\n", demo->net.nodes[0].rpc_url);
    printf("    curl -s '%s/block?height=2'\n", demo->net.nodes[demo->net.count - 1].rpc_url);
    printf("    curl -s '%s/abci_query?path=\"/ledger/account/%s\"'\n", demo->net.nodes[0].rpc_url, demo->accounts.accounts[0].address);
    printf("    %s status --home %s\n", demo->net.binary, demo->net.nodes[0].home);
    printf("    tail -f %s\n\n", demo->net.nodes[0].log);
    fflush(stdout);
}

/* Running */

static void on_done(void *context) { event_base_loopbreak(((struct demo *)context)->base); }

static void look_for_the_dead(struct demo *demo) {
    const struct localnet_node *node = localnet_ended(&demo->net);
    if (node == NULL || demo->dead != NULL)
        return;
    demo->dead = node;
    event_base_loopbreak(demo->base);
}

static void on_child(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    look_for_the_dead(context);
}

static void on_interrupt(evutil_socket_t fd, short what, void *context) {
    struct demo *demo = context;
    (void)fd;
    (void)what;
    if (demo->is_stopping)
        event_base_loopbreak(demo->base); /* asked twice: without waiting for what is under way */
    demo->is_stopping = true;
    load_stop(demo->load);
}

static void on_answers(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    show(context);
}

static void on_second(evutil_socket_t fd, short what, void *context) {
    struct demo *demo = context;
    struct timeval answers_ms = {0, 50000}; /* by then the nodes have answered */
    (void)fd;
    (void)what;
    look_for_the_dead(demo);
    for (uint32_t i = 0; i < demo->net.count; i++)
        demo_watch_ask(&demo->watches[i]);
    event_add(demo->answers, &answers_ms);
}

static void go(struct demo *demo) {
    struct timeval second = {1, 0};
    struct event *events[4] = {evsignal_new(demo->base, SIGINT, on_interrupt, demo), evsignal_new(demo->base, SIGTERM, on_interrupt, demo),
                               evsignal_new(demo->base, SIGCHLD, on_child, demo), event_new(demo->base, -1, EV_PERSIST, on_second, demo)};
    for (unsigned i = 0; i < 4; i++) {
        assert(events[i] != NULL);
        event_add(events[i], i == 3 ? &second : NULL);
    }
    demo->answers = event_new(demo->base, -1, 0, on_answers, demo);
    assert(demo->answers != NULL);
    for (uint32_t i = 0; i < demo->net.count; i++)
        demo_watch_start(&demo->watches[i], demo->base, &demo->net.nodes[i].rpc);
    demo->begun_us = load_now_us();
    load_begin(demo->load);
    look_for_the_dead(demo); /* before the signal's handler was there */
    if (demo->dead == NULL)
        event_base_dispatch(demo->base);
    for (uint32_t i = 0; i < demo->net.count; i++)
        demo_watch_stop(&demo->watches[i]);
    for (unsigned i = 0; i < 4; i++)
        event_free(events[i]);
    event_free(demo->answers);
}

/* The end */

static void mourn(const struct demo *demo) {
    char end[64];
    fprintf(stderr, "\nquorate demo: %s died (%s); the end of %s:\n", demo->dead->name, localnet_end_text(end, demo->dead->status), demo->dead->log);
    localnet_tail(stderr, demo->dead, TAIL_LINES);
}

static bool prove(const struct demo *demo, const struct load_report *report) {
    struct demo_proof proof;
    const struct load_tally *tally = report->tally;
    printf("\nchecking …\n");
    fflush(stdout);
    bool good = demo_proof_of_chain(&proof, &demo->net);
    if (good)
        printf("  chain      heights %" PRId64 " to %" PRId64 ": all %u nodes hold the same block hash and app hash at each\n", proof.height_first,
               proof.height_last, demo->net.count);
    good = good && demo_proof_of_txs(&proof, &demo->net, tally);
    if (good)
        printf("  transfers  %" PRIu64 " accepted; %s%" PRIu64 " found by `tx` on each of the %u nodes, in the one block each\n", tally->accepted,
               proof.txs_asked < tally->accepted ? "of them a sample of " : "all ", proof.txs_asked, demo->net.count);
    if (!good)
        printf("  FAULT      %s\n", proof.fault);
    if (!load_is_clean(report)) {
        printf("  FAULT      %" PRIu64 " accepted transfers are in no block, %" PRIu64 " in two, %" PRIu64 " answers were wrong\n", report->lost,
               tally->duplicates, report->answers_wrong);
        load_report_lost(stdout, tally);
    }
    if (tally->committed == 0)
        printf("  FAULT      nothing was committed\n");
    return good && load_is_clean(report) && tally->committed > 0;
}

static bool finish(struct demo *demo) {
    struct load_report report;
    if (demo->dead != NULL) {
        mourn(demo);
        localnet_stop(&demo->net, STOP_GRACE_MS);
        return false;
    }
    load_measure(demo->load, &report);
    bool good = prove(demo, &report);
    bool is_clean_end = localnet_stop(&demo->net, STOP_GRACE_MS);
    printf("  nodes      %s\n\n", is_clean_end ? "all stopped as asked" : "FAULT: not all stopped as asked (see their logs)");
    load_report_text(stdout, &report);
    printf("\n%s\n", good && is_clean_end ? "All is well." : "NOT all is well.");
    return good && is_clean_end;
}

static bool prepare(struct demo *demo, char **error) {
    const char *const settings[] = {"--timeout-commit", demo->timeout_commit, "--accounts", "32", NULL};
    struct localnet_wish wish = {(uint32_t)demo->validators, "ledger", (uint16_t)demo->base_port, settings, NULL};
    if (!localnet_take(&demo->net, demo->folder, error) || !localnet_make(&demo->net, &wish, error) ||
        !load_accounts_read(&demo->accounts, demo->net.accounts, error) || !localnet_start(&demo->net, &wish, error) ||
        !localnet_wait(&demo->net, START_TIMEOUT_MS, error))
        return false;
    for (uint32_t i = 0; i < demo->net.count; i++)
        demo->places[i] = demo->net.nodes[i].rpc;
    struct load_options load = {.places = demo->places, .place_count = demo->net.count, .connections = CONNECTIONS, .batch = 1, .rate = (double)demo->rate,
                                .seconds = (double)demo->seconds, .grace = 15, .poll_ms = 2, .accounts = &demo->accounts, .remember = LOAD_REMEMBER};
    demo->load = load_new(demo->base, &load, on_done, demo, error);
    return demo->load != NULL;
}

static int run_it(struct demo *demo) {
    char *error = NULL;
    int status = CLI_FAILED;
    demo->is_terminal = isatty(STDOUT_FILENO);
    demo->base = load_base_new();
    if (prepare(demo, &error)) {
        show_start(demo);
        go(demo);
        status = finish(demo) ? CLI_GOOD : CLI_FAILED;
    } else {
        localnet_stop(&demo->net, STOP_GRACE_MS);
        cli_fail(&command, error);
    }
    load_free(demo->load);
    load_accounts_close(&demo->accounts);
    localnet_leave(&demo->net);
    event_base_free(demo->base);
    return status;
}

int cmd_demo(int argc, char **argv) {
    struct cli_rest rest;
    int status;
    demo_wish = (struct demo){.folder = "run", .timeout_commit = "100ms", .rate = 200, .validators = 4, .base_port = 26656, .net = {.lock = -1}};
    return cli_parse(&command, &rest, &status, 1, argc, argv) ? run_it(&demo_wish) : status;
}
