/* Light clients across: ours with their node as primary and ours as witness, and the other way round; theirs with ours. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "genesis/scan.h"
#include "node/complaint.h"
#include "node/rpcclient.h"
#include "tests/interop/scenarios.h"

enum { TRUSTED = 3, WANTED = 12, PATIENCE_MS = 60000 };

static void fail(struct row *row, const char *text) {
    size_t used = strlen(row->why);
    row->outcome = OUTCOME_FAILED;
    snprintf(row->why + used, sizeof row->why - used, "%s%s", used > 0 ? "; " : "", text);
}

static void tell(struct row *row, const char *text) {
    size_t used = strlen(row->compared);
    snprintf(row->compared + used, sizeof row->compared - used, "%s%s", used > 0 ? ", " : "", text);
}

/* The hash of a block as a node tells it; "" when it does not. */
static void hash_at(char out[static 65], const char *url, int64_t height) {
    struct rpcclient_answer answer;
    struct span header, commit, id, hash;
    char params[64];
    snprintf(params, sizeof params, "{\"height\":\"%" PRId64 "\"}", height);
    rpcclient_call(&answer, url, "commit", span_text(params), &HTTPCLIENT_LIMITS);
    out[0] = '\0';
    if (answer.kind == RPCCLIENT_RESULT && scan_member(answer.result, &header, "signed_header") && scan_member(header, &commit, "commit") &&
        scan_member(commit, &id, "block_id") && scan_member(id, &hash, "hash") && hash.size == 66)
        snprintf(out, 65, "%.64s", (const char *)hash.data + 1);
    rpcclient_close(&answer);
}

static pid_t start(const struct row *row, const char *program, const char *log, const char *const *arguments) {
    char path[LOCALNET_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", row->fleet.net.folder, log);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int out = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execv(program, (char *const *)arguments);
    _exit(127);
}

static bool log_has(const struct row *row, const char *log, const char *words) {
    char path[LOCALNET_PATH_MAX + 32], line[4096];
    bool found = false;
    snprintf(path, sizeof path, "%s/%s", row->fleet.net.folder, log);
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
        found = strstr(line, words) != NULL;
    if (file != NULL)
        fclose(file);
    return found;
}

/* `quorate light … --verify N`: ends well, and names the block that all nodes have. */
static void try_ours(struct row *row, const char *log, uint32_t primary, const char *witnesses, bool sequential) {
    char hash[65], wanted[65], height[24], verify[24], home[LOCALNET_PATH_MAX + 64];
    const struct localnet *net = &row->fleet.net;
    int status = -1;
    hash_at(hash, net->nodes[0].rpc_url, TRUSTED);
    hash_at(wanted, net->nodes[0].rpc_url, WANTED);
    snprintf(height, sizeof height, "%d", TRUSTED);
    snprintf(verify, sizeof verify, "%d", WANTED);
    snprintf(home, sizeof home, "%s/%s.home", net->folder, log);
    const char *arguments[] = {"quorate", "light", row->fleet.chain_id, "--primary", net->nodes[primary].rpc_url, "--witnesses", witnesses, "--height", height,
                         "--hash", hash, "--home-dir", home, "--verify", verify, sequential ? "--sequential" : NULL, NULL};
    waitpid(start(row, row->quorate, log, arguments), &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || wanted[0] == '\0' || !log_has(row, log, wanted))
        fail(row, log);
    else
        tell(row, log);
}

/* `cometbft light` with ours as primary, asked over its proxy. */
static void try_theirs(struct row *row) {
    char hash[65], wanted[65], got[65] = "", height[24], home[LOCALNET_PATH_MAX + 64], laddr[64], url[64];
    const struct localnet *net = &row->fleet.net;
    hash_at(hash, net->nodes[0].rpc_url, TRUSTED);
    hash_at(wanted, net->nodes[0].rpc_url, WANTED);
    snprintf(height, sizeof height, "%d", TRUSTED);
    snprintf(home, sizeof home, "%s/comet-light", net->folder);
    snprintf(laddr, sizeof laddr, "tcp://127.0.0.1:%u", (unsigned)row->base_port + 190);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)row->base_port + 190);
    const char *arguments[] = {"cometbft", "light", row->fleet.chain_id, "--primary", net->nodes[0].rpc_url, "--witnesses", net->nodes[2].rpc_url, "--height",
                         height, "--hash", hash, "--home-dir", home, "--laddr", laddr, NULL};
    pid_t pid = start(row, row->comet, "comet-light.log", arguments);
    for (int64_t end = fleet_clock() + PATIENCE_MS; got[0] == '\0' && fleet_clock() < end && !log_has(row, "comet-light.log", "bad handshake"); fleet_rest(300))
        hash_at(got, url, WANTED);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    if (got[0] != '\0' && strcmp(got, wanted) == 0) {
        tell(row, "comet-light with Quorate as primary");
    } else if (log_has(row, "comet-light.log", "bad handshake") && row->outcome == OUTCOME_GOOD) {
        row->outcome = OUTCOME_NOT_YET;
        snprintf(row->why, sizeof row->why, "cometbft light wants a WebSocket of its primary");
    } else {
        fail(row, "comet-light, see its log");
    }
}

void scenario_light(struct row *row) {
    struct fleet_wish wish = {.folder = row->folder, .quorate = row->quorate, .comet = row->comet, .kinds = row->kinds, .homes_by = row->homes_by,
                              .validators = (uint32_t)strlen(row->kinds), .release = row->release, .base_port = row->base_port, .timeout_commit_ms = 100};
    char *error = NULL;
    if (!fleet_make(&row->fleet, &wish, &error) || !fleet_start(&row->fleet, &error) || !fleet_wait(&row->fleet, ~0u, WANTED + 3, PATIENCE_MS, &error)) {
        fail(row, error);
        free(error);
        return;
    }
    const struct localnet *net = &row->fleet.net;
    char *both = complaint_of("%s,%s", net->nodes[1].rpc_url, net->nodes[3].rpc_url);
    try_ours(row, "quorate-light-of-comet", 2, both, false);
    try_ours(row, "quorate-light-of-comet-sequential", 2, both, true);
    try_ours(row, "quorate-light-of-quorate", 0, both, false);
    try_theirs(row);
    free(both);
    snprintf(row->heights, sizeof row->heights, "%d-%d", TRUSTED, WANTED);
}
