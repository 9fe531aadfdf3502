/* `quorate sim`: networks of whole nodes in virtual time; one seed, many seeds, or a network of an operator's making. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/text.h"
#include "node/cli.h"
#include "node/sim_farm.h"

static int64_t seed, heights, seconds, quiet, count, minutes, jobs;
static bool has_trace, real_crypto, shows_plan;
static const char *keep, *seeds_file, *replay;

static const struct cli_option options[] = {
    {"seed", CLI_NUMBER, &seed, "N", "everything comes from it (default 0: none is run)", 0, INT64_MAX},
    {"trace", CLI_FLAG, &has_trace, "", "print what happens, in the protocol's words", 0, 0},
    {"heights", CLI_NUMBER, &heights, "H", "end the trouble after so many heights", 1, INT64_MAX},
    {"for", CLI_NUMBER, &seconds, "SECONDS", "end it after so much virtual time (default: the seed's)", 1, 1000000000},
    {"real-crypto", CLI_FLAG, &real_crypto, "", "sign and verify each signature in each node", 0, 0},
    {"keep", CLI_TEXT, &keep, "LIST", "of the seed's faults only these, e.g. 0,3; \"none\": none", 0, 0},
    {"plan", CLI_FLAG, &shows_plan, "", "print what the seed has in store, and end", 0, 0},
    {"count", CLI_NUMBER, &count, "N", "so many seeds from --seed on, each in a process of its own; failing ones are shrunk", 1, INT64_MAX},
    {"minutes", CLI_NUMBER, &minutes, "M", "seeds from --seed on, for so long", 1, 1000000},
    {"jobs", CLI_NUMBER, &jobs, "N", "processes at a time (default: one per core)", 1, 64},
    {"seeds-file", CLI_TEXT, &seeds_file, "FILE", "failing seeds are appended to it", 0, 0},
    {"replay", CLI_TEXT, &replay, "FILE", "run every seed of such a file", 0, 0},
    {"quiet", CLI_NUMBER, &quiet, "NODES", "no faults, no load: so many honest validators, as fast as it goes", 1, 100},
};

static const struct cli_command command = {
    .name = "sim",
    .arguments = "--seed N [--trace]",
    .summary = "Runs whole nodes in one process and virtual time, on simulated networks, disks and clocks. Two runs of a seed are the same to\n"
               "the last byte: the SHA-256 at the end is over everything that happened.",
    .example = "quorate sim --seed 42\nquorate sim --seed 1 --count 500\nquorate sim --seed 42 --trace | less\nquorate sim --seed 42 --keep 3,4 --heights 12",
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
           " dropped links; %.2f s of CPU\n",
           result->heights, (double)result->virtual_ms / 1000, result->messages, result->txs, result->faults, result->deaths, result->refusals, result->drops,
           cpu_s);
    if (plan->beyond_third)
        printf("beyond a third: agreement is not asked; %s\n", result->forked ? "it FORKED" : "it did not fork");
    if (result->note[0] != '\0')
        printf("note: %s\n", result->note);
    printf("trace %s (%" PRIu64 " events)\n%s\n", hash, result->events, result->complaint[0] == '\0' ? "all held" : result->complaint);
}

static void make_plan(struct sim_plan *plan) {
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
}

static int run_many(void) {
    struct sim_farm_wish wish = {.first = (uint64_t)seed, .count = (uint64_t)count, .seconds = minutes * 60, .jobs = (uint32_t)jobs,
                                 .real_crypto = real_crypto, .seeds_file = seeds_file};
    return sim_farm_run(&wish) == 0 ? CLI_GOOD : CLI_FAILED;
}

static int run_replay(void) {
    char *error = NULL;
    int64_t failed = sim_farm_replay(replay, (uint32_t)jobs, &error);
    return failed < 0 ? cli_fail(&command, error) : failed == 0 ? CLI_GOOD : CLI_FAILED;
}

int cmd_sim(int argc, char **argv) {
    static struct sim_plan plan;
    struct cli_rest rest;
    struct sim_result result;
    int status;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    if (replay != NULL)
        return run_replay();
    if (count > 0 || minutes > 0)
        return run_many();
    make_plan(&plan);
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
