/* make interop: Quorate and real CometBFT processes in one network on loopback. interop QUORATE FOLDER OLD NEW [ROWS]: the programs of CometBFT
 * are FOLDER/bin/OLD/cometbft and FOLDER/bin/NEW/cometbft; ROWS are beginnings of names, joined by commas. Everything that is run keeps its homes
 * and logs in FOLDER/NAME. Exit status 0: nothing failed. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/interop/scenarios.h"

struct plan {
    const char *name, *what, *kinds;
    char homes_by;
    bool is_new; /* CometBFT's newer line */
    void (*run)(struct row *row);
    int64_t extensions_from; /* the height from which votes are extended; 0: none are */
    const char *app;         /* NULL: kvstore */
};

static const struct plan plans[] = {
    {"a1", "2 Quorate + 2 CometBFT, 200 heights under load, homes by CometBFT", "QQCC", 'C', false, scenario_steady, 0, NULL},
    {"a2", "1 Quorate + 3 CometBFT, the same, homes by Quorate", "QCCC", 'Q', false, scenario_steady, 0, NULL},
    {"a3", "3 Quorate + 1 CometBFT, the same, homes by CometBFT", "QQQC", 'C', false, scenario_steady, 0, NULL},
    {"b1", "each killed with -9 and restarted, twice; all at once", "QQCC", 'Q', false, scenario_kills, 0, NULL},
    {"b2", "cut 2|2, 3|1 for 20 s, refusing and silent, healed", "QQCC", 'C', false, scenario_partitions, 0, NULL},
    {"c1", "CometBFT block-syncs from Quorate only", "QQC", 'C', false, scenario_block_sync, 0, NULL},
    {"c2", "Quorate block-syncs from CometBFT only", "CCQ", 'C', false, scenario_block_sync, 0, NULL},
    {"d", "validators of both kinds added, re-weighed, removed", "QQCCQC", 'C', false, scenario_validators, 0, NULL},
    {"e", "double votes of a validator by script, evidence by the other kind", "QQCC", 'C', false, scenario_double_vote, 0, NULL},
    {"f", "2 Quorate + 2 CometBFT, 200 heights under load, homes by CometBFT", "QQCC", 'C', true, scenario_steady, 0, NULL},
    {"g1", "nil precommits with late times in commits", "QQCC", 'C', false, scenario_nil_times, 0, NULL},
    {"g2", "nil precommits with late times in commits", "QQCC", 'C', true, scenario_nil_times, 0, NULL},
    {"g3", "the same with Quorate's [quorate] release set wrong", "CQCC", 'C', false, scenario_wrong_release, 0, NULL},
    {"h1", "2 Quorate + 2 CometBFT with vote extensions from height 5, 200 heights under load", "QQCC", 'C', false, scenario_steady, 5, NULL},
    {"h2", "each killed with -9 and restarted, twice; all at once; vote extensions from the first height", "QQCC", 'Q', false, scenario_kills, 1, NULL},
    {"h3", "CometBFT block-syncs from Quorate only, vote extensions from height 1000", "QQC", 'C', false, scenario_block_sync, 1000, NULL},
    {"h4", "Quorate block-syncs from CometBFT only, vote extensions from height 1000", "CCQ", 'C', false, scenario_block_sync, 1000, NULL},
    {"h5", "2 Quorate + 2 CometBFT with vote extensions from height 5, 200 heights under load", "QQCC", 'Q', true, scenario_steady, 5, NULL},
    {"i1", "h1 with extensions of kilobytes, of our application on both kinds", "QQCC", 'C', false, scenario_steady, 5, "extender"},
    {"i2", "h2 with extensions of kilobytes, of our application on both kinds", "QQCC", 'Q', false, scenario_kills, 1, "extender"},
    {"i3", "CometBFT block-syncs from Quorate only, extensions of kilobytes from height 1000", "QQC", 'C', false, scenario_block_sync, 1000, "extender"},
    {"i4", "Quorate block-syncs from CometBFT only, extensions of kilobytes from height 1000", "CCQ", 'C', false, scenario_block_sync, 1000, "extender"},
    {"i5", "the application switches vote extensions on, by transactions, while the chain runs", "QQCC", 'C', false, scenario_switch, 0, "extender"},
    {"l", "light clients of both kinds, primaries and witnesses of both", "QQCC", 'C', false, scenario_light, 0, NULL},
    {"l2", "quorate light is attacked by two of four validators, by three; CometBFT takes its evidence, all commit it", "QQCC", 'C', false, scenario_attack_on_ours, 0, NULL},
    {"l3", "cometbft light is attacked by two of four validators, by three; Quorate takes its evidence, all commit it", "QQCC", 'C', false, scenario_attack_on_theirs, 0, NULL},
    {"k", "far signers: ours at CometBFT's and theirs at ours, tcp and unix, killed", "QQCC", 'C', false, scenario_signers, 0, NULL},
    {"m1", "nodes that know only a Quorate seed, then each other's address books", "QQCCQ", 'C', false, scenario_seed, 0, NULL},
    {"m2", "nodes that know only a CometBFT seed, then each other's address books", "QQCCC", 'C', false, scenario_seed, 0, NULL},
    {"s", "block sync of one chain by each kind alone, blocks per second", "QCQQCQ", 'C', false, scenario_speed, 0, NULL},
};
#define PLANS (sizeof plans / sizeof plans[0])

static const char *const outcomes[] = {"ok", "FAILED", "not yet", "missing"};

static bool is_asked_for(const char *name, const char *rows) {
    for (const char *at = rows; *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (size > 0 && strncmp(name, at, size) == 0)
            return true;
        at += size + (at[size] == ',');
    }
    return rows[0] == '\0';
}

static void print_row(FILE *out, const struct plan *plan, const struct row *row, const char *version, double seconds) {
    fprintf(out, "%-3s %-9s %-8s %-9s %5.0f s  %s\n", plan->name, outcomes[row->outcome], version, row->heights, seconds, plan->what);
    if (row->compared[0] != '\0')
        fprintf(out, "    compared: %s\n", row->compared);
    if (row->why[0] != '\0')
        fprintf(out, "    %s: %s\n", outcomes[row->outcome], row->why);
    fflush(out);
}

/* "0.38" of "0.38.26" */
static void name_line(char out[static 16], const char *version) {
    size_t size = strcspn(version, ".");
    size += version[size] == '.' ? 1 + strcspn(version + size + 1, ".") : 0;
    snprintf(out, 16, "%.*s", (int)size, version);
}

static void run_row(struct row *row, const struct plan *plan, uint32_t index) {
    if (access(row->comet, X_OK) != 0) {
        row->outcome = OUTCOME_MISSING;
        snprintf(row->why, sizeof row->why, "no CometBFT at %s", row->comet);
        return;
    }
    row->base_port = (uint16_t)(21500 + 170 * index); /* below those that the kernel gives to whoever dials */
    row->fleet.net.lock = -1;
    plan->run(row);
    fleet_close(&row->fleet);
}

int main(int argc, char **argv) {
    static struct row rows[PLANS];
    uint32_t counts[4] = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: interop QUORATE FOLDER OLD NEW [ROWS]\n");
        return 2;
    }
    char *quorate = realpath(argv[1], NULL), *base = realpath(argv[2], NULL), path[1024];
    if (quorate == NULL || base == NULL) {
        fprintf(stderr, "interop: %s or %s is not there\n", argv[1], argv[2]);
        return 2;
    }
    snprintf(path, sizeof path, "%s/table.txt", base);
    FILE *table = fopen(path, "we");
    for (uint32_t i = 0; i < PLANS; i++) {
        const struct plan *plan = &plans[i];
        char comet[1024], folder[1024], release[16];
        const char *version = argv[plan->is_new ? 4 : 3];
        if (!is_asked_for(plan->name, argc > 5 ? argv[5] : ""))
            continue;
        snprintf(comet, sizeof comet, "%s/bin/%s/cometbft", base, version);
        snprintf(folder, sizeof folder, "%s/%s", base, plan->name);
        name_line(release, version);
        rows[i] = (struct row){.quorate = quorate, .comet = comet, .folder = folder, .kinds = plan->kinds, .release = release,
                               .homes_by = plan->homes_by, .extensions_from = plan->extensions_from, .app = plan->app};
        int64_t began_ms = fleet_clock();
        run_row(&rows[i], plan, i);
        print_row(stdout, plan, &rows[i], version, (double)(fleet_clock() - began_ms) / 1000);
        if (table != NULL)
            print_row(table, plan, &rows[i], version, (double)(fleet_clock() - began_ms) / 1000);
        counts[rows[i].outcome]++;
    }
    printf("interop: %u ok, %u failed, %u not yet, %u missing; logs in %s\n", counts[0], counts[1], counts[2], counts[3], base);
    if (table != NULL)
        fclose(table);
    free(quorate);
    free(base);
    return counts[OUTCOME_FAILED] > 0 || counts[OUTCOME_GOOD] == 0;
}
