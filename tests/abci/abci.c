/* make abci: nodes and applications as processes of their own, ours and others', in every pairing. abci QUORATE FOLDER VERSION [ROWS]: CometBFT is
 * FOLDER/bin/VERSION/cometbft, others' applications are in FOLDER/abci/bin (obtain.sh). What is not there leaves its rows out. Homes and logs stay in
 * FOLDER/abci/NAME. Exit status 0: nothing failed, and something was run. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/complaint.h"
#include "node/node.h"
#include "tests/abci/apps.h"
#include "tests/interop/chain.h"

#define ALL     UINT32_MAX
#define HEIGHTS 100

struct run;

struct plan {
    const char *name, *what, *kinds, *apps, *app;
    void (*run)(struct run *run);
    int64_t extensions_from;
    bool is_slice; /* without anything foreign: part of make check */
};

struct run {
    const struct plan *plan;
    struct fleet_wish wish;
    struct fleet fleet;
    struct apps apps;
    int64_t highest; /* block seen so far */
    bool failed;
    const char *missing;
    char heights[32], facts[512], why[1024];
};

static void tell(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void tell(char *out, size_t size, const char *format, ...) {
    size_t used = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + used, size - used, format, args);
    va_end(args);
}
#define TELL(field, ...) tell(run->field, sizeof run->field, __VA_ARGS__)

static bool fail(struct run *run, char *error) { /* takes the text */
    run->failed = true;
    TELL(why, "%s%s", run->why[0] == '\0' ? "" : "; ", error);
    free(error);
    return false;
}

static bool want(struct run *run, bool fact, const char *otherwise) { return fact || fail(run, strdup(otherwise)); }

/* ---- steps */

static bool start_all(struct run *run) {
    char *error = NULL;
    return (apps_start(&run->apps, &error) && fleet_start(&run->fleet, &error)) || fail(run, error);
}

static bool reach(struct run *run, uint32_t nodes, int64_t height, unsigned timeout_ms) {
    char *error = NULL;
    return fleet_wait(&run->fleet, nodes, height, timeout_ms, &error) || fail(run, error);
}

/* All get so far beyond the highest that was ever seen: a node that was just started has not said where it is. */
static bool go_on(struct run *run, int64_t more) {
    int64_t highest = fleet_highest(&run->fleet);
    run->highest = highest > run->highest ? highest : run->highest;
    bool good = reach(run, ALL, run->highest + more, 120000);
    run->highest += more;
    return good;
}

static bool set_up(struct run *run) {
    char *error = NULL;
    return (fleet_make(&run->fleet, &run->wish, &error) || fail(run, error)) && start_all(run) && reach(run, ALL, 2, 60000);
}

static bool compare(struct run *run) {
    struct chain_facts facts;
    if (!chain_compare(&facts, &run->fleet, 1, 0))
        return fail(run, strdup(facts.fault));
    snprintf(run->heights, sizeof run->heights, "1-%" PRId64, facts.last);
    TELL(facts, "%s%" PRIu64 " answers equal, %" PRIu64 " txs", run->facts[0] == '\0' ? "" : "; ", facts.answers, facts.txs);
    return want(run, facts.txs > 20, "next to no transactions");
}

/* ---- the load: a process of its own */

static pid_t start_load(const struct run *run) {
    char endpoints[1024] = "", log[LOCALNET_PATH_MAX + 32], accounts[LOCALNET_PATH_MAX + 32];
    const struct localnet *net = &run->fleet.net;
    bool is_ledger = strcmp(run->plan->app, "ledger") == 0;
    for (uint32_t i = 0; i < net->count; i++)
        tell(endpoints, sizeof endpoints, "%s%s", i == 0 ? "" : ",", net->nodes[i].rpc_url);
    snprintf(log, sizeof log, "%s/load.log", net->folder);
    snprintf(accounts, sizeof accounts, "%s/accounts", net->folder);
    pid_t pid = fork();
    if (pid != 0) {
        fleet_rest(2000); /* it asks before it sends: nobody should be killed meanwhile */
        return pid;
    }
    int out = open(log, O_CREAT | O_APPEND | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execl(run->wish.quorate, run->wish.quorate, "load", "--endpoint", endpoints, "--rate", "60", "--connections", "1", "--for", "600", "--grace", "8", "--poll",
          "20", "--size", is_ledger ? "300" : "100", "--app", is_ledger ? "ledger" : "kvstore", is_ledger ? "--accounts" : (char *)NULL, accounts, "--sign-ahead", "40000",
          (char *)NULL);
    _exit(127);
}

static int stop_load(pid_t pid) {
    int status = -1;
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- all up */

static bool steady(struct run *run) {
    if (!set_up(run))
        return false;
    pid_t load = start_load(run);
    bool good = reach(run, ALL, HEIGHTS + 2, 240000);
    int status = stop_load(load);
    return good && want(run, status == 0, "the load lost or doubled transactions, see load.log") && go_on(run, 3) && compare(run);
}

/* ---- deaths */

/* The node ends by itself when its application is gone: ours with a status of its own. */
static bool ends(struct run *run, uint32_t index) {
    struct localnet_node *node = &run->fleet.net.nodes[index];
    char end[64];
    int status = 0;
    for (int64_t until_ms = fleet_clock() + 30000; waitpid(node->pid, &status, WNOHANG) == 0; fleet_rest(20))
        if (fleet_clock() > until_ms)
            return fail(run, complaint_of("%s goes on 30 s after its application died", node->name));
    node->pid = 0;
    if (run->fleet.nodes[index].kind != 'Q')
        return true; /* CometBFT stops with any status */
    if (WIFEXITED(status) && WEXITSTATUS(status) == NODE_EXIT_APP)
        return true;
    return fail(run, complaint_of("%s ends with %s after its application died", node->name, localnet_end_text(end, status)));
}

static bool kill_app(struct run *run, uint32_t index) {
    if (run->apps.pids[index] == 0)
        return true;
    apps_kill(&run->apps, index);
    return ends(run, index) && start_all(run) && go_on(run, 3);
}

static bool kill_node(struct run *run, uint32_t index) {
    fleet_kill(&run->fleet, index);
    if (run->plan->apps[index] == 'p')
        fleet_rest(1000); /* that server ends with its last connection */
    return start_all(run) && go_on(run, 3);
}

static bool kill_both(struct run *run, uint32_t index, bool app_first) {
    if (app_first)
        apps_kill(&run->apps, index);
    fleet_kill(&run->fleet, index);
    apps_kill(&run->apps, index);
    return start_all(run) && go_on(run, 3);
}

static bool kill_in_turn(struct run *run) {
    uint32_t kills = 0;
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < run->fleet.net.count; i++, kills += 3)
            if (!kill_app(run, i) || !kill_node(run, i) || !kill_both(run, i, round == 0))
                return false;
    TELL(facts, "%s%u kills of application, node or both, at random moments of a height", run->facts[0] == '\0' ? "" : "; ", kills);
    return true;
}

static void run_steady(struct run *run) { steady(run); }

static void run_kills(struct run *run) {
    if (!set_up(run))
        return;
    pid_t load = start_load(run);
    bool good = reach(run, ALL, 10, 60000) && kill_in_turn(run);
    (void)stop_load(load); /* what a killed node had accepted may be lost */
    if (good && go_on(run, 3))
        compare(run);
}

static void run_steady_and_kills(struct run *run) {
    if (!steady(run))
        return;
    pid_t load = start_load(run);
    bool good = kill_in_turn(run);
    (void)stop_load(load);
    if (good && go_on(run, 3))
        compare(run);
}

/* The crate's example gives no results for transactions: either kind of node must stop at it. Ours says why and ends, CometBFT's process stays with
 * its consensus halted. */
static void run_nonsense(struct run *run) {
    char *error = NULL;
    bool is_ours = run->plan->kinds[0] == 'Q';
    const char *words = is_ours ? "gave 0 results for 1 transactions at height" : "expected tx results length to match";
    if (!set_up(run))
        return;
    if (!fleet_send(&run->fleet, 0, "name=satoshi", &error))
        free(error); /* the answer may not come any more */
    if (is_ours && !ends(run, 0))
        return;
    for (int64_t until_ms = fleet_clock() + 20000; fleet_log_count(&run->fleet, 0, words) == 0 && fleet_clock() < until_ms;)
        fleet_rest(100);
    if (want(run, fleet_log_count(&run->fleet, 0, words) > 0, "the log does not say what the application did"))
        TELL(facts, "stops at FinalizeBlock: \"%s\"", words);
}

/* ---- rows */

static const struct plan plans[] = {
    {"o1", "Quorate + quorate abci kvstore, one validator, kills", "Q", "o", "kvstore", run_kills, 0, true},
    {"o2", "2 Quorate built in + 2 Quorate with quorate abci, ledger", "QQQQ", "boob", "ledger", run_steady_and_kills, 0, true},
    {"k1", "Quorate + abci-cli kvstore, one validator, kills", "Q", "c", "kvstore", run_kills, 0, false},
    {"k2", "2 Quorate + abci-cli kvstore, 2 Quorate built in", "QQQQ", "ccbb", "kvstore", run_steady, 0, false},
    {"c1", "CometBFT + quorate abci kvstore, one validator, kills", "C", "o", "kvstore", run_kills, 0, false},
    {"c2", "2 CometBFT + quorate abci kvstore, 2 CometBFT with their own", "CCCC", "oobb", "kvstore", run_steady, 0, false},
    {"m1", "2 Quorate with built-in ledger, 2 CometBFT + quorate abci ledger, transfers, then kills", "QQCC", "bboo", "ledger", run_steady_and_kills, 0, false},
    {"m2", "2 Quorate + abci-cli kvstore, 2 CometBFT + quorate abci kvstore", "QQCC", "ccoo", "kvstore", run_steady_and_kills, 0, false},
    {"e1", "2 Quorate, 2 CometBFT, all + CometBFT's end-to-end application, vote extensions from height 5, kills; it saves every third height", "QQCC", "eeee", "kvstore", run_steady_and_kills, 5, false},
    {"e2", "2 Quorate, one with built-in extender, 2 CometBFT + quorate abci extender, vote extensions from height 5", "QQCC", "booo", "extender", run_steady, 5, false},
    {"p1", "Quorate + pyABCI's sample application (state in memory), kills", "Q", "p", "kvstore", run_kills, 0, false},
    {"p2", "2 Quorate, 2 CometBFT + pyABCI's sample application", "QQCC", "pppp", "kvstore", run_steady, 0, false},
    {"r1", "Quorate + the kvstore of crate tendermint-abci, which gives no results for transactions", "Q", "r", "kvstore", run_nonsense, 0, false},
    {"r2", "CometBFT + the same", "C", "r", "kvstore", run_nonsense, 0, false},
};
#define PLANS (sizeof plans / sizeof plans[0])

static bool is_asked_for(const struct plan *plan, const char *rows) {
    if (strcmp(rows, "slice") == 0)
        return plan->is_slice;
    for (const char *at = rows; *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (size > 0 && strncmp(plan->name, at, size) == 0)
            return true;
        at += size + (at[size] == ',');
    }
    return rows[0] == '\0';
}

static void print_row(FILE *out, const struct run *run, double seconds) {
    const char *outcome = run->missing != NULL ? "missing" : run->failed ? "FAILED" : "ok";
    fprintf(out, "%-3s %-8s %-8s %5.0f s  %s\n", run->plan->name, outcome, run->heights, seconds, run->plan->what);
    if (run->facts[0] != '\0')
        fprintf(out, "    %s\n", run->facts);
    if (run->missing != NULL)
        fprintf(out, "    missing: %s\n", run->missing);
    if (run->why[0] != '\0')
        fprintf(out, "    FAILED: %s\n", run->why);
    fflush(out);
}

static void run_plan(struct run *run, const struct apps_wish *wish) {
    run->fleet.net.lock = -1;
    apps_init(&run->apps, wish);
    run->missing = apps_missing(&run->apps);
    if (strchr(run->plan->kinds, 'C') != NULL && access(run->wish.comet, X_OK) != 0)
        run->missing = "cometbft";
    if (run->missing != NULL)
        return;
    run->wish.proxy_apps = run->apps.proxy_apps;
    run->plan->run(run);
    fleet_close(&run->fleet);
    apps_close(&run->apps);
}

int main(int argc, char **argv) {
    static struct run runs[PLANS];
    uint32_t good = 0, failed = 0, missing = 0;
    if (argc < 4) {
        fprintf(stderr, "usage: abci QUORATE FOLDER VERSION [ROWS]\n");
        return 2;
    }
    char *quorate = realpath(argv[1], NULL), here[256], base[512], comet[1024], programs[1024];
    if (argv[2][0] == '/')
        snprintf(base, sizeof base, "%s", argv[2]);
    else
        snprintf(base, sizeof base, "%s/%s", getcwd(here, sizeof here) == NULL ? "." : here, argv[2]);
    snprintf(comet, sizeof comet, "%s/bin/%s/cometbft", base, argv[3]);
    snprintf(programs, sizeof programs, "%s/abci/bin", base);
    for (uint32_t i = 0; i < PLANS; i++) {
        struct run *run = &runs[i];
        char folder[700];
        static const char *const more[] = {"--accounts", "8", NULL};
        if (!is_asked_for(&plans[i], argc > 4 ? argv[4] : ""))
            continue;
        run->plan = &plans[i];
        snprintf(folder, sizeof folder, "%s/abci/%s", base, plans[i].name);
        run->wish = (struct fleet_wish){.folder = folder, .quorate = quorate, .comet = comet, .kinds = plans[i].kinds, .homes_by = 'Q',
                                        .validators = (uint32_t)strlen(plans[i].kinds), .release = "0.38", .base_port = (uint16_t)(22000 + 50 * i),
                                        .timeout_commit_ms = 50, .pex = true, .extensions_from = plans[i].extensions_from, .app = plans[i].app,
                                        .more = more};
        struct apps_wish wish = {.folder = folder, .quorate = quorate, .programs = programs, .kinds = plans[i].apps, .app = plans[i].app,
                                 .base_port = (uint16_t)(22000 + 50 * i + 30), .extensions_from = plans[i].extensions_from};
        int64_t began_ms = fleet_clock();
        run_plan(run, &wish);
        print_row(stdout, run, (double)(fleet_clock() - began_ms) / 1000);
        missing += run->missing != NULL;
        failed += run->failed;
        good += run->missing == NULL && !run->failed;
    }
    printf("abci: %u passed, %u failed, %u left out because something is missing; logs in %s/abci\n", good, failed, missing, base);
    free(quorate);
    return failed > 0 || good == 0;
}
