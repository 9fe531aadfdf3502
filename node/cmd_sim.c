/* `quorate sim`: networks of whole nodes in virtual time; one seed, many seeds, or a network of an operator's making. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "node/sim_farm.h"
#include "node/sim_report.h"

#define LATENCY_FILE_MAX 1000000

static int64_t seed, heights, seconds, quiet, count, minutes, cpu_minutes, jobs;
static int64_t validators, peers = 20, bandwidth_kb, tx_rate, tx_bytes = 250, block_bytes, timeout_propose, timeout_commit = -1, flush_us = -1, svg_height;
static const char *latency_file, *svg = "sim.svg";
static bool has_trace, real_crypto, shows_plan, skips_large, wants_all, measures_speed;
static const char *keep, *seeds_file, *replay;

static const struct cli_option options[] = {
    {"seed", CLI_NUMBER, &seed, "N", "everything comes from it (default 0)", 0, INT64_MAX},
    {"trace", CLI_FLAG, &has_trace, "", "print what happens, in the protocol's words", 0, 0},
    {"heights", CLI_NUMBER, &heights, "H", "end the trouble after so many heights", 1, INT64_MAX},
    {"for", CLI_NUMBER, &seconds, "SECONDS", "end it after so much virtual time (default: the seed's)", 1, 1000000000},
    {"real-crypto", CLI_FLAG, &real_crypto, "", "sign and verify each signature in each node", 0, 0},
    {"keep", CLI_TEXT, &keep, "LIST", "of the seed's faults only these, e.g. 0,3; \"none\": none", 0, 0},
    {"plan", CLI_FLAG, &shows_plan, "", "print what the seed has in store, and end", 0, 0},
    {"count", CLI_NUMBER, &count, "N", "so many seeds from --seed on, each in a process of its own; failing ones are shrunk", 1, INT64_MAX},
    {"minutes", CLI_NUMBER, &minutes, "M", "seeds from --seed on, for so long", 1, 1000000},
    {"cpu-minutes", CLI_NUMBER, &cpu_minutes, "M", "likewise, until they took so much time of processors", 1, 1000000},
    {"jobs", CLI_NUMBER, &jobs, "N", "processes at a time (default: one per core)", 1, 64},
    {"skip-large", CLI_FLAG, &skips_large, "", "of many seeds leave out networks of 30 and more", 0, 0},
    {"want-all", CLI_FLAG, &wants_all, "", "of many seeds: fail if a fault, lie or kind of network never came to pass", 0, 0},
    {"seeds-file", CLI_TEXT, &seeds_file, "FILE", "failing seeds are appended to it", 0, 0},
    {"replay", CLI_TEXT, &replay, "FILE", "run every seed of such a file", 0, 0},
    {"quiet", CLI_NUMBER, &quiet, "NODES", "no faults, no load: so many honest validators, as fast as it goes", 1, 100},
    {"speed", CLI_FLAG, &measures_speed, "", "measure: heights a second of 4 quiet validators, and 100 validators against real time (with --latency)", 0, 0},
    {"validators", CLI_NUMBER, &validators, "N", "a network of an operator's making: so many honest validators; prints a table and draws a height", 1, 100},
    {"latency", CLI_TEXT, &latency_file, "FILE", "lines `REGION ms ms …`, one way to each region (default: eight regions of the world); of many seeds for those with such roads", 0, 0},
    {"peers", CLI_NUMBER, &peers, "N", "about so many links each (default 20; 0: all to all)", 0, 99},
    {"bandwidth", CLI_NUMBER, &bandwidth_kb, "KB/S", "what a node can send, kilobytes a second (default: no bound)", 1, 100000000},
    {"tx-rate", CLI_NUMBER, &tx_rate, "N", "transactions a second, at random nodes (default 0)", 0, 100000},
    {"tx-bytes", CLI_NUMBER, &tx_bytes, "BYTES", "of each (default 250)", 16, 1000000},
    {"block-bytes", CLI_NUMBER, &block_bytes, "BYTES", "block.max_bytes of the genesis (default: CometBFT's)", 4000, 104857600},
    {"timeout-propose", CLI_NUMBER, &timeout_propose, "MS", "as in config.toml (default 3000)", 1, 1000000},
    {"timeout-commit", CLI_NUMBER, &timeout_commit, "MS", "as in config.toml (default 1000)", 0, 1000000},
    {"flush-us", CLI_NUMBER, &flush_us, "US", "what a flush of a disk takes (default 1000)", 0, 10000000},
    {"svg", CLI_TEXT, &svg, "FILE", "where the diagram goes (default sim.svg)", 0, 0},
    {"svg-height", CLI_NUMBER, &svg_height, "H", "the height that is drawn (default: the one in the middle)", 1, INT64_MAX},
};

static const struct cli_command command = {
    .name = "sim",
    .arguments = "--seed N [--trace] | --seed N --count M | --validators N [--latency FILE …]",
    .summary = "Runs whole nodes in one process and virtual time, on simulated networks, disks and clocks. Two runs of a seed are the same to\n"
               "the last byte: the SHA-256 at the end is over everything that happened.",
    .example = "quorate sim --seed 42\nquorate sim --seed 1 --count 500\nquorate sim --seed 42 --trace | less\nquorate sim --seed 42 --keep 3,4 --heights 12\nquorate sim --validators 100 --latency tests/sim/regions.txt --bandwidth 12500 --tx-rate 200 --block-bytes 1000000",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

static void print_plan(const struct sim_plan *plan) {
    char text[SIM_PLAN_TEXT_SIZE];
    sim_plan_text(text, plan);
    printf("seed %" PRIu64 ": %s\n", plan->seed, text);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        sim_fault_text(text, &plan->faults[i]);
        printf("  %2u%s %s\n", i, plan->faults[i].left_out ? " (left out)" : "", text);
    }
}

static void print_result(const struct sim_plan *plan, const struct sim_result *result, double cpu_s) {
    char hash[65];
    text_hex_lower(hash, span_of(result->trace, sizeof result->trace));
    printf("%" PRId64 " heights in %.1f virtual seconds, %" PRIu64 " messages, %" PRIu64 " transactions, %u faults, %" PRIu64 " deaths, %u stops by itself, %" PRIu64
           " dropped links\n",
           result->heights, (double)result->virtual_ms / 1000, result->messages, result->txs, result->faults, result->deaths, result->refusals, result->drops);
    fprintf(stderr, "%.2f s of CPU, %.0f heights a second\n", cpu_s, (double)result->heights / cpu_s); /* the rest is the same each time */
    if (plan->beyond_third)
        printf("beyond a third: agreement is not asked; %s\n", result->forked ? "it FORKED" : "it did not fork");
    if (result->note[0] != '\0')
        printf("note: %s\n", result->note);
    printf("trace %s (%" PRIu64 " events)\n%s\n", hash, result->events, result->complaint[0] == '\0' ? "all held" : result->complaint);
}

static bool read_latencies(struct sim_roads *roads, char **error);

/* Before hours are spent on what goes there; leaves nothing behind. */
static bool can_be_written(const char *name, char **error) {
    bool is_new = access(name, F_OK) != 0;
    FILE *file = fopen(name, "ae");
    if (file == NULL)
        *error = complaint_of("%s: cannot be written: %s", name, strerror(errno));
    else
        fclose(file);
    if (file != NULL && is_new)
        unlink(name);
    return file != NULL;
}

static bool make_plan(struct sim_plan *plan, char **error) {
    if (quiet > 0)
        sim_plan_quiet(plan, (uint64_t)seed, (uint32_t)quiet);
    else
        sim_plan_make(plan, (uint64_t)seed);
    plan->real_crypto |= real_crypto;
    if (heights > 0)
        plan->heights = heights;
    if (seconds > 0)
        plan->trouble_ms = seconds * 1000;
    if (quiet > 0 && heights == 0 && seconds == 0)
        plan->heights = 1000;
    return read_latencies(&plan->roads, error);
}

static int run_many(void) {
    static struct sim_roads matrix;
    char *error = NULL;
    if (count > 0 && seed > INT64_MAX - count + 1)
        return cli_misuse(&command, "--seed %" PRId64 " --count %" PRId64 ": the last seed is above %" PRId64, seed, count, INT64_MAX);
    if (!read_latencies(&matrix, &error) || (seeds_file != NULL && !can_be_written(seeds_file, &error)))
        return cli_fail(&command, error);
    struct sim_farm_wish wish = {.first = (uint64_t)seed, .count = (uint64_t)count, .seconds = minutes * 60, .cpu_seconds = cpu_minutes * 60, .jobs = (uint32_t)jobs,
                                 .real_crypto = real_crypto, .skips_large = skips_large, .wants_all = wants_all, .matrix = latency_file == NULL ? NULL : &matrix, .seeds_file = seeds_file};
    return sim_farm_run(&wish) == 0 ? CLI_GOOD : CLI_FAILED;
}

static int run_replay(void) {
    char *error = NULL;
    int64_t failed = sim_farm_replay(replay, (uint32_t)jobs, &error);
    return failed < 0 ? cli_fail(&command, error) : failed == 0 ? CLI_GOOD : CLI_FAILED;
}

/* ---- an operator's network */

static char *read_text(const char *name, char **error) {
    FILE *file = fopen(name, "re");
    char *text = calloc(1, LATENCY_FILE_MAX + 1);
    if (file == NULL || text == NULL) {
        *error = complaint_of("%s: cannot be read: %s", name, strerror(errno));
        free(text);
        if (file != NULL)
            fclose(file);
        return NULL;
    }
    size_t size = fread(text, 1, LATENCY_FILE_MAX + 1, file);
    if (ferror(file))
        *error = complaint_of("%s: cannot be read: %s", name, strerror(errno));
    else if (size > LATENCY_FILE_MAX)
        *error = complaint_of("%s: is longer than %d bytes", name, LATENCY_FILE_MAX);
    else
        text[size] = '\0';
    fclose(file);
    if (*error == NULL)
        return text;
    free(text);
    return NULL;
}

/* Good without a file: then nothing changes. */
static bool read_latencies(struct sim_roads *roads, char **error) {
    char *text = latency_file == NULL ? NULL : read_text(latency_file, error);
    if (text == NULL)
        return latency_file == NULL;
    char *wrong = NULL;
    bool good = sim_roads_read(roads, text, &wrong);
    if (!good)
        *error = complaint_of("%s: %s", latency_file, wrong);
    free(wrong);
    free(text);
    return good;
}

static bool make_network(struct sim_plan *plan, char **error) {
    sim_plan_network(plan, (uint64_t)seed, (uint32_t)validators, (uint32_t)peers);
    plan->heights = heights > 0 ? heights : 20;
    plan->roads.bytes_per_s = bandwidth_kb * 1000;
    plan->config.block_bytes_max = block_bytes;
    plan->tx_bytes = (size_t)tx_bytes;
    plan->tx_every_us = tx_rate > 0 ? 1000000 / tx_rate : 0;
    plan->real_crypto = real_crypto;
    if (timeout_propose > 0)
        plan->config.engine.timeout_propose_ms = timeout_propose;
    if (timeout_commit >= 0)
        plan->config.engine.timeout_commit_ms = timeout_commit;
    if (flush_us >= 0)
        plan->flush_us = flush_us;
    if (seconds > 0) {
        plan->trouble_ms = seconds * 1000;
        plan->heights = heights;
    }
    plan->config.mempool_count_max = 1000000;
    return read_latencies(&plan->roads, error);
}

static int draw(const struct sim_report *report, int64_t reached) {
    if (!sim_report_can_draw(report))
        return cli_fail(&command, complaint_of("nothing is drawn: height %" PRId64 " was not reached by all (the chain has %" PRId64 "); ask for another one "
                                               "(--svg-height) or for more (--heights, --for)",
                                               report->drawn_height == 0 ? 1 : report->drawn_height, reached));
    FILE *file = fopen(svg, "we");
    bool drawn = file != NULL && sim_report_draw(file, report);
    if ((file != NULL && fclose(file) != 0) || !drawn)
        return cli_fail(&command, complaint_of("%s: cannot be written: %s", svg, strerror(errno)));
    printf("height %" PRId64 " is drawn in %s\n", report->drawn_height, svg);
    return CLI_GOOD;
}

static int run_network(void) {
    static struct sim_plan plan;
    static struct sim_report report;
    struct sim_result result;
    char *error = NULL;
    if (!make_network(&plan, &error) || !can_be_written(svg, &error))
        return cli_fail(&command, error);
    sim_plan_settle(&plan);
    sim_report_init(&report, &plan, svg_height > 0 ? svg_height : plan.heights / 2 + plan.heights % 2);
    report.draw_after_us = seconds * 500000; /* for whoever bounds the time and not the heights */
    struct sim_view view = sim_report_view(&report);
    clock_t began = clock();
    sim_run(&result, &plan, has_trace ? stdout : NULL, &view);
    double cpu_s = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("%" PRId64 " validators, %s, %" PRId64 " heights in %.1f virtual seconds (%.1f s of CPU: %.1f times faster than real time)\n\n", validators,
           latency_file == NULL ? "eight regions of the world" : latency_file, result.heights, (double)result.virtual_ms / 1000, cpu_s,
           (double)result.virtual_ms / 1000 / cpu_s);
    sim_report_print(stdout, &report);
    int status = draw(&report, result.heights);
    sim_report_close(&report);
    if (result.complaint[0] == '\0')
        return status;
    printf("%s\n", result.complaint);
    return CLI_FAILED;
}

/* ---- how fast it is */

#define GOAL_HEIGHTS_PER_S 2000
#define SPEED_HEIGHTS      20000
#define SPEED_WAN_HEIGHTS  20

static double run_timed(struct sim_result *result, struct sim_plan *plan) {
    clock_t began = clock();
    sim_run(result, plan, NULL, NULL);
    return (double)(clock() - began) / CLOCKS_PER_SEC;
}

static int run_speed(void) {
    static struct sim_plan plan;
    struct sim_result result;
    char *error = NULL;
    sim_plan_quiet(&plan, (uint64_t)seed, 4);
    plan.heights = SPEED_HEIGHTS;
    double cpu_s = run_timed(&result, &plan), heights_per_s = (double)result.heights / cpu_s;
    bool held = result.complaint[0] == '\0';
    printf("4 quiet validators: %" PRId64 " heights in %.1f s of CPU, one thread: %.0f heights a second (goal %d)\n", result.heights, cpu_s, heights_per_s,
           GOAL_HEIGHTS_PER_S);
    validators = 100;
    heights = SPEED_WAN_HEIGHTS;
    if (!make_network(&plan, &error))
        return cli_fail(&command, error);
    sim_plan_settle(&plan);
    cpu_s = run_timed(&result, &plan);
    double times = (double)result.virtual_ms / 1000 / cpu_s;
    printf("100 validators, %s: %" PRId64 " heights in %.1f virtual seconds, %.1f s of CPU: %.1f times faster than real time (goal 1)\n",
           latency_file == NULL ? "eight regions of the world" : latency_file, result.heights, (double)result.virtual_ms / 1000, cpu_s, times);
    return held && result.complaint[0] == '\0' && heights_per_s >= GOAL_HEIGHTS_PER_S && times > 1 ? CLI_GOOD : CLI_FAILED;
}

/* ---- the command */

struct clash { /* options that say nothing in a run of that kind */
    const char *name;
    bool is_given;
};

/* NULL, or the first one. What is not heard would be taken for done. */
static const char *unheard(void) {
    bool is_many = count > 0 || minutes > 0 || cpu_minutes > 0, is_network = validators > 0 || measures_speed;
    bool is_one = !is_many && !is_network && replay == NULL;
    const struct clash clashes[] = {
        {"keep", keep != NULL && !is_one},
        {"plan", shows_plan && !is_one},
        {"quiet", quiet > 0 && !is_one},
        {"trace", has_trace && (is_many || measures_speed || replay != NULL)},
        {"heights", heights > 0 && (is_many || measures_speed || replay != NULL)},
        {"for", seconds > 0 && (is_many || measures_speed || replay != NULL)},
        {"real-crypto", real_crypto && replay != NULL},
        {"validators", validators > 0 && (is_many || measures_speed || replay != NULL)},
        {"speed", measures_speed && (is_many || replay != NULL)},
        {"replay", replay != NULL && is_many},
        {"seeds-file", seeds_file != NULL && !is_many},
        {"want-all", wants_all && !is_many},
        {"skip-large", skips_large && !is_many},
        {"svg-height", svg_height > 0 && validators == 0},
    };
    for (size_t i = 0; i < sizeof clashes / sizeof clashes[0]; i++)
        if (clashes[i].is_given)
            return clashes[i].name;
    return NULL;
}

int cmd_sim(int argc, char **argv) {
    static struct sim_plan plan;
    struct cli_rest rest;
    struct sim_result result;
    int status;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    const char *clash = unheard();
    if (clash != NULL)
        return cli_misuse(&command, "--%s does not go with the other options: is it one seed, many, a replay or a network that you want?", clash);
    if (replay != NULL)
        return run_replay();
    if (measures_speed)
        return run_speed();
    if (validators > 0)
        return run_network();
    if (count > 0 || minutes > 0 || cpu_minutes > 0)
        return run_many();
    char *error = NULL;
    if (!make_plan(&plan, &error))
        return cli_fail(&command, error);
    if (keep != NULL && !sim_farm_keep(&plan, keep))
        return cli_misuse(&command, "--keep %s: numbers of the seed's faults are wanted", keep);
    sim_plan_settle(&plan);
    if (quiet == 0)
        print_plan(&plan);
    if (shows_plan)
        return CLI_GOOD;
    clock_t began = clock();
    sim_run(&result, &plan, has_trace ? stdout : NULL, NULL);
    print_result(&plan, &result, (double)(clock() - began) / CLOCKS_PER_SEC);
    return result.complaint[0] == '\0' ? CLI_GOOD : CLI_FAILED;
}
