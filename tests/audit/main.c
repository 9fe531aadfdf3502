/* `make audit-walks WALKS=n`: n random walks, a quarter under each lock rule, a fifth of them below a third; each judged by the audit. What must not
 * be, is counted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/tendermint/walk.h"

static void tell(enum walk_rule rule, bool below_third, const struct walk_counts *counts, time_t began) {
    printf("%-6s %-9s %9" PRIu64 " %9" PRIu64 " %10" PRIu64 " | %6" PRIu64 " %6" PRIu64 " %7" PRIu64 " %8" PRIu64 " | %9" PRIu64 " %8" PRIu64 " %8" PRIu64
           " %8" PRIu64 " %7" PRIu64 " %5" PRIu64 " | %8" PRIu64 " %6" PRIu64 " | %8" PRIu64 " %5" PRIu64 " | %8" PRIu64 " %5" PRIu64 " | %5ld s\n",
           walk_rule_text(rule), below_third ? "< 1/3" : "1/3 - 2/3", counts->walks, counts->forks, counts->audits, counts->honest_proven,
           counts->honest_by_log, counts->honest_by_silence, counts->honest_suspects, counts->attributed, counts->by_e, counts->by_log,
           counts->by_silence, counts->set_only, counts->unattributed, counts->next_heights, counts->next_unattributed, counts->bundles,
           counts->verify_failures, counts->decided, counts->stuck, (long)(time(NULL) - began));
    if (counts->paper_accuses > 0)
        printf("       in %" PRIu64 " of these walks the paper's predicate accuses an honest validator, by its own complete log; ours clears it\n",
               counts->paper_accuses);
    if (counts->first[0] != '\0')
        printf("    !! %s\n", counts->first);
    fflush(stdout);
}

static uint64_t run(enum walk_rule rule, bool below_third, uint64_t first, uint64_t count) {
    struct walk_counts counts = {0};
    time_t began = time(NULL);
    for (uint64_t i = 0; i < count; i++) {
        struct walk_settings settings = {rule, first + i, below_third};
        walk_one(&counts, &settings);
    }
    tell(rule, below_third, &counts, began);
    return walk_wrong(&counts, rule) + (below_third ? counts.forks + counts.stuck : 0);
}

int main(int argc, char **argv) {
    uint64_t walks = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, wrong = 0;
    walk_use_fast_signatures();
    printf("                                                |     honest keys that are    |                    forks, once all answered              |  "
           "with H+1      |    bundles     | below a third\n");
    printf("rule   faulty        walks     forks     audits | PROVEN by log silence suspects | attribut.    by E   by log  silence set only none |  forks  "
           "none | verified wrong |  decided stuck |\n");
    for (enum walk_rule rule = WALK_STRICT; rule < WALK_RULES; rule++) {
        wrong += run(rule, false, first, walks / 5);
        wrong += run(rule, true, first, walks / 20);
    }
    printf("%" PRIu64 " wrong\n", wrong);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
