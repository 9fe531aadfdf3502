#include "tests/interop/row.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/load_call.h"
#include "node/load_scan.h"

/* ---- what all have in common */

void row_say(char *out, size_t size, const char *format, ...) {
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

bool row_fail(struct row *row, char *error) { /* takes the text */
    row->outcome = OUTCOME_FAILED;
    ROW_TELL(why, "%s%s", row->why[0] == '\0' ? "" : "; ", error);
    free(error);
    return false;
}

bool row_want(struct row *row, bool fact, const char *otherwise) {
    return fact || row_fail(row, strdup(otherwise));
}

struct fleet_wish row_wish(const struct row *row) {
    return (struct fleet_wish){.folder = row->folder, .quorate = row->quorate, .comet = row->comet, .kinds = row->kinds, .homes_by = row->homes_by,
                               .validators = (uint32_t)strlen(row->kinds), .release = row->release, .base_port = row->base_port,
                               .extensions_from = row->extensions_from, .app = row->app, .timeout_commit_ms = 50};
}

bool row_set_up(struct row *row, const struct fleet_wish *wish, uint32_t playing) {
    char *error = NULL;
    bool good = fleet_make(&row->fleet, wish, &error);
    if (good && playing != 0)
        row->fleet.net.count = playing;
    good = good && fleet_start(&row->fleet, &error) && fleet_wait(&row->fleet, ROW_ALL, 2, 60000, &error);
    return good || row_fail(row, error);
}

bool row_reach(struct row *row, uint32_t nodes, int64_t height, unsigned timeout_ms) {
    char *error = NULL;
    return fleet_wait(&row->fleet, nodes, height, timeout_ms, &error) || row_fail(row, error);
}

/* All get so far beyond the highest of now. */
bool row_go_on(struct row *row, uint32_t nodes, int64_t more, unsigned timeout_ms) {
    return row_reach(row, nodes, fleet_highest(&row->fleet) + more, timeout_ms);
}

bool row_restart(struct row *row) {
    char *error = NULL;
    return fleet_start(&row->fleet, &error) || row_fail(row, error);
}

bool row_is_of_one_mind(struct row *row, struct chain_facts *facts, int64_t first) {
    if (!chain_compare(facts, &row->fleet, first, 0))
        return row_fail(row, strdup(facts->fault));
    snprintf(row->heights, sizeof row->heights, "%" PRId64 "-%" PRId64, facts->first, facts->last);
    ROW_TELL(compared, "%s%" PRIu64 " answers equal, %" PRIu64 " txs", row->compared[0] == '\0' ? "" : "; ", facts->answers, facts->txs);
    return true;
}

/* How many extended votes of that height its application was told of by the proposer of the next one; 0: none. */
int row_told(const struct row *row, uint32_t node, int64_t height) {
    char key[40], hex[TEXT_HEX_SIZE(sizeof key)], params[160];
    struct load_call call;
    struct span result, value;
    int count = 0;
    snprintf(key, sizeof key, "extended%" PRId64, height);
    text_hex_upper(hex, span_text(key));
    snprintf(params, sizeof params, "{\"path\":\"\",\"data\":\"%s\",\"height\":\"0\",\"prove\":false}", hex);
    load_call_open(&call, &row->fleet.net.nodes[node].rpc);
    if (load_call_method(&call, &result, "abci_query", params, 5000) && load_scan_path(&value, result, "response.value") && value.size == 4) {
        uint8_t digit[4];
        size_t size;
        if (text_base64_decode(digit, &size, sizeof digit, value) && size == 1)
            count = digit[0] - '0';
    }
    load_call_close(&call);
    return count;
}

/* Two thirds at least came with extensions that their signers had signed, whoever proposed. */
void row_hear_extensions(struct row *row, const struct chain_facts *facts) {
    if (row->app == NULL)
        return;
    uint32_t validators = row->fleet.net.count == 3 ? 2 : row->fleet.net.count, asked = 0;
    int64_t from = row->extensions_from > facts->first ? row->extensions_from : facts->first;
    for (int64_t height = from; height + 1 < facts->last; height += 1 + (facts->last - from) / 100, asked++)
        for (uint32_t node = 0; node < row->fleet.net.count; node++)
            if (3 * row_told(row, node, height) <= 2 * (int)validators) {
                ROW_TELL(why, "node%u was told of %d extended votes of height %" PRId64 "; ", node, row_told(row, node, height), height);
                row->outcome = OUTCOME_FAILED;
                return;
            }
    ROW_TELL(compared, ", more than 2/3 of votes extended at %u heights of %" PRId64 "-%" PRId64, asked, from, facts->last);
}

void row_look_into_logs(struct row *row, unsigned mercy) {
    char *fault = fleet_log_fault(&row->fleet, mercy);
    if (fault != NULL)
        row_fail(row, fault);
    else
        ROW_TELL(compared, "; logs clean");
}

/* ---- the load: a process of its own; endpoints may come and go */

pid_t row_start_load(const struct row *row, const char *rate) {
    char endpoints[1024] = "", log[LOCALNET_PATH_MAX + 32];
    const struct localnet *net = &row->fleet.net;
    for (uint32_t i = 0; i < net->count; i++)
        row_say(endpoints, sizeof endpoints, "%s%s", i == 0 ? "" : ",", net->nodes[i].rpc_url);
    snprintf(log, sizeof log, "%s/load.log", net->folder);
    pid_t pid = fork();
    if (pid != 0) {
        fleet_rest(1500); /* it asks before it sends: nobody should be killed meanwhile */
        return pid;
    }
    int out = open(log, O_CREAT | O_APPEND | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execl(row->quorate, row->quorate, "load", "--endpoint", endpoints, "--rate", rate, "--connections", "1", "--for", "3600", "--grace", "20", "--poll", "20",
          (char *)NULL);
    _exit(127);
}

/* Its exit status: 0, if what was accepted is in the chain once. */
int row_stop_load(pid_t pid) {
    int status = -1;
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
