/* `make twins`: all scenarios of a few rounds, and some of seven by chance, under our lock rule, CometBFT's, and both in one network.
 *   twins [deep]     deep: one round more of everything, for an hour or two */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tendermint/twins.h"

struct plan {
    enum twins_groups groups;
    bool split, gossip;
    uint32_t rounds, deep_rounds;
};

static const struct plan plans[] = {
    {TWINS_CLASSIC, false, false, 7, 7},    {TWINS_CLASSIC, true, false, 3, 4},    {TWINS_TWO_GROUPS, false, false, 4, 5},
    {TWINS_TWO_GROUPS, false, true, 4, 5},  {TWINS_TWO_GROUPS, true, false, 2, 3}, {TWINS_TWO_GROUPS, true, true, 2, 3},
    {TWINS_THREE_GROUPS, false, false, 3, 4},
};

static uint64_t violations;

static void tell(const struct twins_settings *settings, const struct twins_report *report, const char *how, clock_t began) {
    static const char *const groups[] = {"twins apart", "two groups", "three groups"};
    printf("%-7s %-7s %-13s %-6s %-7s %2u  %9.3g %10llu %9llu %10llu %9llu %5llu  %6.1f s\n", how, twins_rule_text(settings->rule),
           groups[settings->groups], settings->split ? "two" : "one", settings->gossip ? "all" : "own", settings->rounds, report->scenarios,
           (unsigned long long)report->runs, (unsigned long long)report->states, (unsigned long long)report->decisions,
           (unsigned long long)report->healed, (unsigned long long)report->violations, (double)(clock() - began) / CLOCKS_PER_SEC);
    if (report->violations > 0)
        printf("    %s\n", report->first);
    fflush(stdout);
    violations += report->violations;
}

static void enumerate(const struct plan *plan, enum twins_rule rule, bool deep) {
    struct twins_settings settings = {.rule = rule,
                                      .rounds = deep ? plan->deep_rounds : plan->rounds - (rule == TWINS_MIXED && plan->rounds == 7), /* it has many more */
                                      .groups = plan->groups,
                                      .split = plan->split,
                                      .gossip = plan->gossip,
                                      .heal_every = 10,
                                      .states_max = UINT64_MAX};
    struct twins_report report;
    clock_t began = clock();
    twins_enumerate(&report, &settings);
    tell(&settings, &report, "all", began);
}

static void sample(enum twins_rule rule, enum twins_groups groups, bool gossip, bool deep) {
    struct twins_settings settings = {.rule = rule, .rounds = TWINS_ROUNDS_MAX, .groups = groups, .split = true, .gossip = gossip};
    struct twins_report report;
    clock_t began = clock();
    twins_sample(&report, &settings, 1, deep ? 2000000 : 100000);
    tell(&settings, &report, "some", began);
}

int main(int argc, char **argv) {
    bool deep = argc > 1 && strcmp(argv[1], "deep") == 0;
    printf("which   rule    nodes hear    a round says   rnds scenarios       runs    states  decisions    healed  violations\n");
    for (enum twins_rule rule = TWINS_STRICT; rule < TWINS_RULES; rule++) {
        for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
            enumerate(&plans[i], rule, deep);
        for (enum twins_groups groups = TWINS_TWO_GROUPS; groups <= TWINS_THREE_GROUPS; groups++)
            for (int gossip = 0; gossip < 2; gossip++)
                sample(rule, groups, gossip == 1, deep);
    }
    printf("%llu violations\n", (unsigned long long)violations);
    return violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
