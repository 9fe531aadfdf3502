/* `quorate bench`: networks of validators on this machine under load, and what that takes: rate, durations, CPU, memory, disk, flushes. */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/bench_proc.h"
#include "node/cli.h"
#include "node/load.h"
#include "node/load_report.h"
#include "node/localnet.h"

#define START_TIMEOUT_MS 30000
#define STOP_GRACE_MS    20000
#define WARMUP_S         2
#define SIZE_BYTES       250
#define COMMIT_SECONDS   5
#define AHEAD_PER_S      15000 /* transfers signed before a full load */

struct goal { /* printed beside a value; 0: none */
    double value;
    bool is_most; /* the value should not be above it */
};

struct plan {
    const char *name, *title, *app;
    uint32_t validators;
    struct goal rate, batch_rate, cpu_us, commit_ms, flushes;
};

/* From the reference machine's figures of CometBFT 0.38.17 at its best tuning: 4.4k tx/s, 482 µs and 32.7 ms with four validators, 14.5k (23.3k in
 * lists), 106 µs and 7.8 ms with one; goals: 6 times (one validator: 4.3 and 5), a tenth (a sixth) of the CPU, a tenth of the duration. */
static const struct plan PLANS[] = {
    {"kvstore4", "four validators, kvstore, 250 bytes", "kvstore", 4, {26400, false}, {41000, false}, {48, true}, {3.3, true}, {4, true}},
    {"ledger4", "four validators, signed transfers", "ledger", 4, {12000, false}, {0, false}, {0, false}, {3.3, true}, {4, true}},
    {"kvstore1", "one validator, kvstore, 250 bytes", "kvstore", 1, {62000, false}, {116000, false}, {18, true}, {0.8, true}, {3, true}},
};
#define PLAN_COUNT (sizeof PLANS / sizeof PLANS[0])

struct bench {
    const char *folder, *only;
    int64_t seconds, base_port, connections;
    FILE *rows;
    const struct plan *plan;
    struct localnet net;
    struct load_http_place places[LOCALNET_NODES_MAX];
    struct load_accounts accounts;
    bool is_unclean;
};

static struct bench bench_wish;

static const struct cli_option command_options[] = {
    {"dir", CLI_TEXT, &bench_wish.folder, "DIR", "for the networks, made anew, and the raw rows (build/bench)", 0, 0},
    {"for", CLI_NUMBER, &bench_wish.seconds, "SECONDS", "of load per case (20)", 1, 100000},
    {"connections", CLI_NUMBER, &bench_wish.connections, "N", "of the full load, to each node (16)", 1, 1000},
    {"base-port", CLI_NUMBER, &bench_wish.base_port, "PORT", "(27656)", 1024, 65500},
    {"only", CLI_TEXT, &bench_wish.only, "NAME,…", "of kvstore4, ledger4, kvstore1", 0, 0},
};

static const struct cli_command command = {
    .name = "bench",
    .arguments = "[--for SECONDS] [--only NAME,…] [--dir DIR]",
    .summary = "Measures networks of validators on this machine: rates, durations, CPU, memory, disk, flushes; each beside its goal. The load shares\n"
               "the cores. Machines and moments differ: compare in one sitting, in turns, several times.",
    .example = "quorate bench --for 20 --only kvstore4",
    .options = command_options,
    .option_count = sizeof command_options / sizeof command_options[0],
};

struct outcome { /* of one case */
    struct load_report report;
    struct load_tally tally; /* sums and durations only */
    double cpu_seconds;      /* of all nodes */
    double written_bytes;
};

/* Rows */

static void row(struct bench *bench, const char *what, double value, const char *unit, struct goal goal) {
    fprintf(bench->rows, "%s\t%s\t%.3f\t%s\t%.3f\n", bench->plan->name, what, value, unit, goal.value);
    fflush(bench->rows);
    printf("  %-44s %12.*f %-10s", what, value < 100 ? 2 : 0, value, unit);
    if (goal.value > 0)
        printf(" goal %s %.*f, %s (%.2f×)", goal.is_most ? "≤" : "≥", goal.value < 100 ? 1 : 0, goal.value,
               (goal.is_most ? value <= goal.value : value >= goal.value) ? "met" : "missed", value / goal.value);
    printf("\n");
    fflush(stdout);
}

static const struct goal NO_GOAL = {0, false};

static void durations(struct bench *bench, const char *which, const struct load_latency *latency, struct goal goal) {
    char what[64];
    if (latency->count == 0) {
        printf("  %s: none came to an end\n", which);
        return;
    }
    snprintf(what, sizeof what, "%s, p50", which);
    row(bench, what, (double)load_latency_at(latency, 500) / 1e3, "ms", goal);
    snprintf(what, sizeof what, "%s, p99", which);
    row(bench, what, (double)load_latency_at(latency, 990) / 1e3, "ms", NO_GOAL);
}

/* Cases */

static void sum_up(const struct bench *bench, double *cpu_seconds, double *written_bytes) {
    *cpu_seconds = *written_bytes = 0;
    for (uint32_t i = 0; i < bench->net.count; i++) {
        struct bench_proc proc;
        if (!bench_proc_read(&proc, bench->net.nodes[i].pid))
            continue;
        *cpu_seconds += proc.cpu_seconds;
        *written_bytes += (double)proc.written_bytes;
    }
}

static void stop_loop(void *base) { event_base_loopbreak(base); }

static bool no_one_died(struct bench *bench, char **error) {
    char end[64];
    const struct localnet_node *node = localnet_ended(&bench->net);
    if (node == NULL)
        return true;
    fprintf(stderr, "%s died (%s); the end of %s:\n", node->name, localnet_end_text(end, node->status), node->log);
    localnet_tail(stderr, node, 20);
    *error = strdup("a node died");
    return false;
}

static bool run_case(struct bench *bench, struct outcome *outcome, struct load_options *options, char **error) {
    double cpu_before, written_before;
    struct event_base *base = load_base_new();
    options->places = bench->places;
    options->place_count = bench->net.count;
    options->size = SIZE_BYTES;
    options->grace = 30;
    options->remember = LOAD_REMEMBER;
    options->accounts = bench->accounts.count > 0 ? &bench->accounts : NULL;
    struct load *load = load_new(base, options, stop_loop, base, error);
    if (load != NULL) {
        sum_up(bench, &cpu_before, &written_before);
        load_begin(load);
        event_base_dispatch(base);
        sum_up(bench, &outcome->cpu_seconds, &outcome->written_bytes);
        outcome->cpu_seconds -= cpu_before;
        outcome->written_bytes -= written_before;
        load_measure(load, &outcome->report);
        outcome->tally = *outcome->report.tally;
        outcome->report.tally = &outcome->tally;
        load_report_json(bench->rows, &outcome->report);
        load_free(load);
    }
    event_base_free(base);
    if (load == NULL || !no_one_died(bench, error))
        return false;
    if (!load_is_clean(&outcome->report)) {
        bench->is_unclean = true;
        printf("  NOT CLEAN: %" PRIu64 " lost, %" PRIu64 " doubled, %" PRIu64 " wrong answers\n", outcome->report.lost, outcome->tally.duplicates,
               outcome->report.answers_wrong);
    }
    return true;
}

static struct load_options full_load(const struct bench *bench, uint32_t batch) {
    return (struct load_options){.connections = (uint32_t)bench->connections, .batch = batch, .seconds = (double)bench->seconds + WARMUP_S,
                                 .warmup = WARMUP_S, .poll_ms = 5, .sign_ahead = (uint64_t)(bench->seconds + WARMUP_S) * AHEAD_PER_S};
}

static bool run_commits(struct bench *bench, char **error) {
    static struct outcome outcome;
    struct load_options options = {.connections = 1, .batch = 1, .mode = LOAD_COMMIT, .seconds = COMMIT_SECONDS, .poll_ms = 50};
    bench->net.count = 1; /* one client, one node */
    bool good = run_case(bench, &outcome, &options, error);
    bench->net.count = bench->plan->validators;
    if (!good)
        return false;
    durations(bench, "idle, broadcast_tx_commit", &outcome.tally.answered, bench->plan->commit_ms);
    return true;
}

static void show_full(struct bench *bench, const struct outcome *outcome) {
    double committed = outcome->tally.committed > 0 ? (double)outcome->tally.committed : 1;
    row(bench, "full load, committed until all was", outcome->report.per_second_overall, "tx/s", bench->plan->rate);
    row(bench, "full load, committed by blocks' times", outcome->report.per_second_by_blocks, "tx/s", NO_GOAL);
    row(bench, "full load, committed by our clock", outcome->report.per_second_by_clock, "tx/s", NO_GOAL);
    durations(bench, "full load, submission to block", &outcome->tally.seen, NO_GOAL);
    row(bench, "full load, block interval", outcome->report.block_interval_ms, "ms", (struct goal){500, true});
    row(bench, "full load, CPU of all nodes per 1,000", outcome->cpu_seconds * 1e6 / committed, "ms", bench->plan->cpu_us);
    row(bench, "full load, written per transaction and node", outcome->written_bytes / committed / bench->net.count, "bytes",
        (struct goal){1500, true});
    row(bench, "full load, rejected", (double)outcome->tally.rejected, "", NO_GOAL);
    row(bench, "full load, the generator's own CPU per 1,000", outcome->report.own_cpu_seconds * 1e6 / committed, "ms", NO_GOAL);
}

static bool run_full(struct bench *bench, double *rate, char **error) {
    static struct outcome outcome;
    struct load_options options = full_load(bench, 1);
    if (!run_case(bench, &outcome, &options, error))
        return false;
    *rate = outcome.report.per_second_overall;
    show_full(bench, &outcome);
    return true;
}

static bool run_tenth(struct bench *bench, double full_rate, char **error) {
    static struct outcome outcome;
    struct load_options options = full_load(bench, 1);
    options.rate = full_rate >= 100 ? full_rate / 10 : 10;
    options.sign_ahead = (uint64_t)(options.rate * options.seconds);
    options.poll_ms = 1;
    if (!run_case(bench, &outcome, &options, error))
        return false;
    row(bench, "a tenth of it, committed", outcome.report.per_second_overall, "tx/s", NO_GOAL);
    durations(bench, "a tenth of it, submission to block", &outcome.tally.seen, NO_GOAL);
    return true;
}

static bool run_batch(struct bench *bench, char **error) {
    static struct outcome outcome;
    struct load_options options = full_load(bench, 50);
    if (bench->plan->batch_rate.value == 0)
        return true;
    if (!run_case(bench, &outcome, &options, error))
        return false;
    double committed = (double)outcome.tally.committed;
    row(bench, "lists of 50, committed until all was", outcome.report.per_second_overall, "tx/s", bench->plan->batch_rate);
    if (outcome.tally.committed > 0)
        row(bench, "lists of 50, CPU of all nodes per 1,000", outcome.cpu_seconds * 1e6 / committed, "ms", NO_GOAL);
    return true;
}

static void show_memory(struct bench *bench, bool is_idle) {
    uint64_t peak = 0, resident = 0;
    for (uint32_t i = 0; i < bench->net.count; i++) {
        struct bench_proc proc;
        if (!bench_proc_read(&proc, bench->net.nodes[i].pid))
            continue;
        peak = proc.peak_bytes > peak ? proc.peak_bytes : peak;
        resident = proc.resident_bytes > resident ? proc.resident_bytes : resident;
    }
    if (is_idle)
        row(bench, "idle, memory of the largest node", (double)resident / 1e6, "MB", (struct goal){8, true});
    else
        row(bench, "memory of the largest node at its peak", (double)peak / 1e6, "MB", (struct goal){100, true});
}

/* "flushes: files F store S heights H", which a node says when it stops. */
static bool read_flushes(const struct localnet_node *node, double *flushes, double *heights) {
    char line[1024];
    unsigned long long files, store, height;
    bool found = false;
    FILE *file = fopen(node->log, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *at = strstr(line, "flushes: ");
        if (at == NULL || sscanf(at, "flushes: files %llu store %llu heights %llu", &files, &store, &height) != 3)
            continue;
        *flushes += (double)(files + store);
        *heights += (double)height;
        found = true;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static void show_flushes(struct bench *bench) {
    double flushes = 0, heights = 0;
    bool found = true;
    for (uint32_t i = 0; i < bench->net.count; i++)
        found = read_flushes(&bench->net.nodes[i], &flushes, &heights) && found;
    if (found && heights > 0)
        row(bench, "flushes per height and validator", flushes / heights, "", bench->plan->flushes);
    else
        printf("  flushes per height and validator: the nodes do not say\n");
}

/* Networks */

/* A node sends 5 MB/s to a peer unless told otherwise, which would be what is measured. The ledger needs its rechecks: without them a commit lets
 * the pending sequences be forgotten. */
#define SETTINGS                                                                                                                          \
    "--timeout-commit", "0s", "--skip-timeout-commit", "true", "--mempool.size", "200000", "--mempool.cache_size", "400000",               \
        "--tx_index.indexer", "null", "--rpc.max_request_batch_size", "100", "--rpc.max_open_connections", "2000", "--p2p.send_rate",     \
        "500000000", "--p2p.recv_rate", "500000000"

static bool bring_up(struct bench *bench, char **error) {
    static const char *const kvstore[] = {SETTINGS, "--mempool.recheck", "false", NULL};
    static const char *const ledger[] = {SETTINGS, "--accounts", "256", "--account-type", "ed25519", NULL};
    bool is_ledger = strcmp(bench->plan->app, "ledger") == 0;
    char folder[LOCALNET_PATH_MAX];
    struct localnet_wish wish = {bench->plan->validators, bench->plan->app, (uint16_t)bench->base_port, is_ledger ? ledger : kvstore, NULL};
    snprintf(folder, sizeof folder, "%s/%s", bench->folder, bench->plan->name);
    if (!localnet_take(&bench->net, folder, error) || !localnet_make(&bench->net, &wish, error) ||
        !localnet_start(&bench->net, &wish, error) || !localnet_wait(&bench->net, START_TIMEOUT_MS, error))
        return false;
    for (uint32_t i = 0; i < bench->net.count; i++)
        bench->places[i] = bench->net.nodes[i].rpc;
    bench->accounts.count = 0;
    return !is_ledger || load_accounts_read(&bench->accounts, bench->net.accounts, error);
}

static bool measure(struct bench *bench, char **error) {
    double rate = 0;
    sleep(1);
    show_memory(bench, true);
    if (!run_commits(bench, error) || !run_full(bench, &rate, error) || !run_tenth(bench, rate, error) || !run_batch(bench, error))
        return false;
    show_memory(bench, false);
    return true;
}

static bool run_plan(struct bench *bench, const struct plan *plan) {
    char *error = NULL;
    bench->plan = plan;
    printf("%s\n", plan->title);
    bool good = bring_up(bench, &error) && measure(bench, &error);
    bool is_clean_end = localnet_stop(&bench->net, STOP_GRACE_MS);
    load_accounts_close(&bench->accounts);
    if (good)
        show_flushes(bench);
    else
        fprintf(stderr, "quorate bench: %s\n", error);
    if (good && !is_clean_end)
        fprintf(stderr, "quorate bench: a node did not stop as asked\n");
    localnet_leave(&bench->net);
    free(error);
    printf("\n");
    return good && is_clean_end && !bench->is_unclean;
}

/* The command */

static bool is_wanted(const struct bench *bench, const char *name) {
    size_t size = strlen(name);
    for (const char *at = bench->only; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return bench->only == NULL;
}

static bool open_rows(struct bench *bench) {
    char path[LOCALNET_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/rows-%lld.tsv", bench->folder, (long long)time(NULL));
    bench->rows = localnet_make_folders(bench->folder) ? fopen(path, "we") : NULL;
    if (bench->rows == NULL)
        fprintf(stderr, "quorate bench: %s: cannot be written: %s\n", path, strerror(errno));
    else
        printf("raw rows: %s (a line of JSON per run, then name, value, unit, goal by tabs)\n\n", path);
    return bench->rows != NULL;
}

int cmd_bench(int argc, char **argv) {
    struct cli_rest rest;
    int status;
    bench_wish = (struct bench){.folder = "build/bench", .seconds = 20, .base_port = 27656, .connections = 16, .net = {.lock = -1}};
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    if (!open_rows(&bench_wish))
        return CLI_FAILED;
    for (size_t i = 0; i < PLAN_COUNT; i++)
        if (is_wanted(&bench_wish, PLANS[i].name) && !run_plan(&bench_wish, &PLANS[i]))
            status = CLI_FAILED;
    fclose(bench_wish.rows);
    return status;
}
