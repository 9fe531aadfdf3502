/* A light client of either kind is shown a block that two of four validators made up, then one that three of four signed beside the real one; a node of
 * the other kind takes the evidence, and all commit it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/text.h"
#include "genesis/scan.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_scan.h"
#include "node/rpcclient.h"
#include "tests/interop/scenarios.h"
#include "tests/processes/committed.h"
#include "tests/processes/false_node.h"
#include "tests/processes/forger.h"

enum { TRUSTED = 3, PATIENCE_MS = 60000, LIARS_MAX = 3 };

/* Of the first two one runs ours, the other theirs. */
static const uint32_t liars[LIARS_MAX] = {1, 3, 2};

struct attack {
    struct row *row;
    uint32_t witness; /* the node that is to take the evidence; the false primary speaks for the rest like node 0 */
    enum forger_lie lie;
    uint32_t liar_count;
    int64_t height;
    struct light_block *trusted, *real, *forged;
    struct false_node primary;
    struct ed25519_key *keys[LIARS_MAX];
    char log[LOCALNET_PATH_MAX + 32], home[LOCALNET_PATH_MAX + 32], hash[TEXT_HEX_SIZE(32)], number[24];
};

static bool prepare(struct attack *attack, char **error) {
    const struct fleet *fleet = &attack->row->fleet;
    const char *url = fleet->net.nodes[0].rpc_url;
    for (uint32_t i = 0; i < attack->liar_count; i++) {
        char path[LOCALNET_PATH_MAX + 64];
        snprintf(path, sizeof path, "%s/config/priv_validator_key.json", fleet->net.nodes[liars[i]].home);
        attack->keys[i] = keyfile_load_signing(path, false, error);
        if (attack->keys[i] == NULL)
            return false;
    }
    attack->trusted = forger_fetch(url, fleet->chain_id, TRUSTED, error);
    attack->real = attack->trusted == NULL ? NULL : forger_fetch(url, fleet->chain_id, attack->height, error);
    if (attack->real == NULL)
        return false;
    attack->forged = forger_make(attack->real, attack->lie, attack->keys, attack->liar_count);
    snprintf(attack->log, sizeof attack->log, "%s/light-%d.log", fleet->net.folder, (int)attack->lie);
    snprintf(attack->home, sizeof attack->home, "%s/light-%d.home", fleet->net.folder, (int)attack->lie);
    snprintf(attack->number, sizeof attack->number, "%" PRId64, attack->height);
    text_hex_upper(attack->hash, digest_span(&attack->trusted->hash));
    return false_node_open(&attack->primary, url, attack->forged);
}

static void finish(struct attack *attack) {
    if (attack->primary.forged != NULL)
        false_node_close(&attack->primary);
    light_block_release(attack->forged);
    light_block_release(attack->real);
    light_block_release(attack->trusted);
    for (uint32_t i = 0; i < LIARS_MAX; i++)
        ed25519_key_free(attack->keys[i]);
}

static pid_t start(const struct attack *attack, const char *program, const char *const *arguments) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int out = open(attack->log, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execv(program, (char *const *)arguments);
    _exit(127);
}

static bool log_has(const struct attack *attack, const char *words) {
    char *error = NULL;
    struct blob *text = keyfile_read(attack->log, 1 << 22, &error);
    bool found = text != NULL && memmem(text->data, text->size, words, strlen(words)) != NULL;
    blob_release(text);
    free(error);
    return found;
}

static bool run_ours(struct attack *attack) {
    struct row *row = attack->row;
    int status = -1;
    const char *arguments[] = {"quorate", "light", row->fleet.chain_id, "--primary", attack->primary.url, "--witnesses",
                               row->fleet.net.nodes[attack->witness].rpc_url, "--height", "3", "--hash", attack->hash, "--home-dir", attack->home, "--verify", attack->number, NULL};
    waitpid(start(attack, row->quorate, arguments), &status, 0);
    char *taken = complaint_of("%s: took the evidence", row->fleet.net.nodes[attack->witness].rpc_url);
    bool good = row_want(row, WIFEXITED(status) && WEXITSTATUS(status) == 6, "quorate light saw no attack, see light-*.log") &&
                row_want(row, log_has(attack, taken), "the witness did not take the evidence, see light-*.log");
    free(taken);
    return good;
}

/* Theirs is asked over its proxy, and goes on running. */
static bool run_theirs(struct attack *attack) {
    struct row *row = attack->row;
    char laddr[64], url[64], params[64];
    snprintf(params, sizeof params, "{\"height\":\"%s\"}", attack->number);
    snprintf(laddr, sizeof laddr, "tcp://127.0.0.1:%u", (unsigned)row->base_port + 160);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)row->base_port + 160);
    const char *arguments[] = {"cometbft", "light", row->fleet.chain_id, "--primary", attack->primary.url, "--witnesses",
                               row->fleet.net.nodes[attack->witness].rpc_url, "--height", "3", "--hash", attack->hash, "--home-dir", attack->home, "--laddr", laddr, NULL};
    pid_t pid = start(attack, row->comet, arguments);
    bool is_found = false;
    for (int64_t end = fleet_clock() + PATIENCE_MS; !is_found && fleet_clock() < end; fleet_rest(300)) {
        struct rpcclient_answer answer;
        rpcclient_call(&answer, url, "commit", span_text(params), &HTTPCLIENT_LIMITS);
        is_found = answer.kind == RPCCLIENT_ERROR && strstr(answer.text, "attempted attack detected") != NULL;
        rpcclient_close(&answer);
    }
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    return row_want(row, is_found, "cometbft light saw no attack, see light-*.log");
}

/* Hands the first piece of that block in again, at either kind: who has committed it already answers as at first, and both in the same form. */
static void hand_in_again(struct row *row, int64_t height) {
    struct rpcclient_answer block, answers[2];
    struct span list, key, piece = {0};
    char params[64];
    snprintf(params, sizeof params, "{\"height\":\"%" PRId64 "\"}", height);
    rpcclient_call(&block, row->fleet.net.nodes[0].rpc_url, "block", span_text(params), &HTTPCLIENT_LIMITS);
    if (block.kind == RPCCLIENT_RESULT && load_scan_path(&list, block.result, "block.evidence.evidence")) {
        struct scan_walk walk = scan_walk(list);
        scan_next(&walk, &key, &piece);
    }
    char *evidence = complaint_of("{\"evidence\":%.*s}", (int)piece.size, (const char *)piece.data);
    for (uint32_t i = 0; i < 2; i++)
        rpcclient_call(&answers[i], row->fleet.net.nodes[2 * i].rpc_url, "broadcast_evidence", span_text(evidence), &HTTPCLIENT_LIMITS);
    for (uint32_t i = 0; i < 2; i++)
        if (answers[i].kind != RPCCLIENT_RESULT || !span_equal(answers[i].result, answers[0].result)) {
            row_fail(row, strdup("the two kinds do not answer alike to evidence that was committed"));
            ROW_TELL(why, ": %s, and %.*s", answers[i].text != NULL ? answers[i].text : "", (int)answers[0].result.size, (const char *)answers[0].result.data);
            ROW_TELL(why, ", %.*s", (int)answers[i].result.size, (const char *)answers[i].result.data);
        }
    for (uint32_t i = 0; i < 2; i++)
        rpcclient_close(&answers[i]);
    rpcclient_close(&block);
    free(evidence);
}

static bool judge(struct attack *attack) {
    struct row *row = attack->row;
    struct digest hash;
    evidence_attack_hash(&hash, &attack->forged->hash, attack->lie == FORGER_EQUIVOCATION ? attack->height : TRUSTED);
    int64_t height = committed_find(row->fleet.net.nodes[0].rpc_url, attack->height, &hash, PATIENCE_MS);
    if (!row_want(row, height > 0, "no block holds the evidence") || !row_reach(row, ROW_ALL, height + 2, PATIENCE_MS) ||
        !row_want(row, false_node_reports(&attack->primary) == 1, "the primary was not told"))
        return false;
    hand_in_again(row, height);
    ROW_TELL(compared, "%sof %s by %u of 4, taken by %c%u, in block %" PRId64, row->compared[0] == '\0' ? "evidence " : ", ",
             attack->lie == FORGER_EQUIVOCATION ? "equivocation" : "a lunatic block", attack->liar_count, row->kinds[attack->witness], attack->witness, height);
    return true;
}

static bool attack_once(struct row *row, uint32_t witness, enum forger_lie lie, uint32_t liar_count, bool (*run)(struct attack *attack)) {
    struct attack attack = {.row = row, .witness = witness, .lie = lie, .liar_count = liar_count, .height = fleet_highest(&row->fleet) + 1};
    char *error = NULL;
    if (attack.height < TRUSTED + 2)
        attack.height = TRUSTED + 2;
    bool good = row_reach(row, ROW_ALL, attack.height + 2, PATIENCE_MS);
    if (good && !prepare(&attack, &error))
        good = row_fail(row, error == NULL ? strdup("no port for the false primary") : error);
    good = good && run(&attack) && judge(&attack);
    finish(&attack);
    return good;
}

/* Two thirds who sign a second block are a fork for ours, who would sign nothing more; here they are told to go on. */
static bool set_up(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    char *error = NULL;
    wish.timeout_commit_ms = 200;
    bool good = fleet_make(&row->fleet, &wish, &error);
    for (uint32_t i = 0; good && i < row->fleet.net.count; i++)
        good = row->kinds[i] != 'Q' || fleet_set(&row->fleet, i, "quorate", "fork_stops_signing", "false", &error);
    good = good && fleet_start(&row->fleet, &error) && fleet_wait(&row->fleet, ROW_ALL, 2, PATIENCE_MS, &error);
    return good || row_fail(row, error);
}

static void scenario(struct row *row, uint32_t witness, bool (*run)(struct attack *attack)) {
    struct chain_facts facts;
    if (!set_up(row) || !attack_once(row, witness, FORGER_LUNATIC_SET, 2, run) || !attack_once(row, witness, FORGER_EQUIVOCATION, 3, run))
        return;
    row_want(row, fleet_log_count(&row->fleet, 0, "FORK: at height") == 1, "our node did not raise its alarm");
    if (row_is_of_one_mind(row, &facts, 1))
        row_look_into_logs(row, FLEET_LOG_FORK);
}

void scenario_attack_on_ours(struct row *row) { scenario(row, 2, run_ours); }
void scenario_attack_on_theirs(struct row *row) { scenario(row, 0, run_theirs); }
