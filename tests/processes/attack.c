/* make light-attack: four real validators; the script holds their keys, and shows a light client blocks that were never decided. `quorate light` finds out,
 * names them, keeps the evidence and hands it in; the living network commits it, and its application hears who it was. Then the same once more, too
 * late, and with the wrong height; and an auditor who has the evidence alone. */
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
#include "node/rpcclient.h"
#include "rpc/evidence_json.h"
#include "tests/node/outsider.h"
#include "tests/processes/committed.h"
#include "tests/processes/false_node.h"
#include "tests/processes/scene.h"

enum { NODES = SCENE_NODES };
#define NOBODY "http://127.0.0.1:1" /* a witness that is down */

static struct arena arena;

/* ---- one attack */

struct attack {
    const char *name, *kind; /* what the client calls it */
    enum forger_lie lie;
    uint32_t liar_count; /* the last validators: in a set of their own they stand elsewhere */
    bool is_at_tip;      /* of the newest block, about which no node can judge yet */
    int64_t trusted;
    char home[SCENE_PATH_MAX], file[SCENE_PATH_MAX]; /* the client's; the evidence's */
    struct light_block *real, *forged;
    struct false_node primary;
    struct evidence evidence; /* as the file has it */
    int64_t since;            /* no block below can hold the evidence */
    int64_t committed_at;
    bool has_waited;          /* the client did, for the chain to go on */
};

static void text_of(char out[static 65], const struct digest *hash) { text_hex_upper(out, digest_span(hash)); }

/* `quorate light` with the false primary, a witness that is down, one that lies without proof, and a node. */
static void run_client(struct attack *attack, const char *node, int wanted) {
    struct false_node liar;
    struct light_block *unproven = forger_make(attack->real, FORGER_LUNATIC, &scene.keys[3], 1), *trusted = scene_block(1, attack->trusted);
    char hash[65], height[24], verify[24];
    scene_want(false_node_open(&liar, node, unproven), "no port for a witness");
    char *witnesses = complaint_of(NOBODY ",%s,%s", liar.url, node);
    text_of(hash, &trusted->hash);
    snprintf(height, sizeof height, "%" PRId64, attack->trusted);
    snprintf(verify, sizeof verify, "%" PRId64, attack->real->header.height);
    command_expect(&scene.command, NULL, wanted, attack->kind, "light", scene.chain_id, "--primary", attack->primary.url, "--witnesses", witnesses, "--height", height, "--hash",
                   hash, "--home-dir", attack->home, "--verify", verify, (const char *)NULL);
    scene_want(strstr(scene.command.output, NOBODY ": ") != NULL, "it does not tell of the witness that is down:");
    char *unproved = complaint_of("%s: it contradicts, but cannot prove it", liar.url);
    scene_want(strstr(scene.command.output, unproved) != NULL, "it does not tell of the witness that lies:");
    free(unproved);
    free(witnesses);
    light_block_release(trusted);
    light_block_release(unproven);
    false_node_close(&liar);
}

/* "evidence against X, by Y, is in FILE"; of several the last one, because what was refused is made anew. */
static void find_file(struct attack *attack) {
    char *line = complaint_of("evidence against %s, by ", attack->primary.url);
    const char *at = NULL;
    for (const char *next = scene.command.output; (next = strstr(next, line)) != NULL; next++)
        at = next;
    const char *path = at == NULL ? NULL : strstr(at, " is in ");
    scene_want(path != NULL, "it does not say where the evidence is:");
    path += strlen(" is in ");
    snprintf(attack->file, sizeof attack->file, "%.*s", (int)strcspn(path, " \n"), path);
    free(line);
}

static void read_evidence(struct attack *attack) {
    char *error = NULL;
    struct span value, copy, wrong = {0};
    struct blob *text = keyfile_read(attack->file, 1 << 20, &error);
    scene_want(text != NULL, error);
    scene_want(scan_value(&value, blob_span(text), NULL) && arena_copy(&arena, &copy, value) && evidence_json_read(&attack->evidence, &wrong, copy, &arena),
         "the file holds no evidence");
    blob_release(text);
}

static bool is_liar(const struct attack *attack, const struct address *address) {
    for (uint32_t i = NODES - attack->liar_count; i < NODES; i++)
        if (address_equal(address, &scene.addresses[i]))
            return true;
    return false;
}

/* Who must be named: of a lunatic block everybody who signed it; of a second block of one round who signed both. */
static uint32_t guilty(const struct attack *attack, struct address out[static NODES]) {
    uint32_t count = 0;
    const struct commit *commit = &attack->real->commit;
    for (uint32_t i = 0; i < commit->count; i++) {
        const struct address *address = &attack->real->set.validators[i].address;
        if (is_liar(attack, address) && (attack->lie != FORGER_EQUIVOCATION || commit->sigs[i].flag == COMMIT_FOR_BLOCK))
            out[count++] = *address;
    }
    return count;
}

static void judge_evidence(const struct attack *attack) {
    const struct evidence *evidence = &attack->evidence;
    struct address who[NODES];
    uint32_t count = guilty(attack, who);
    int64_t since = attack->lie == FORGER_EQUIVOCATION ? attack->real->header.height : attack->trusted;
    scene_want(evidence->kind == EVIDENCE_LIGHT_ATTACK && evidence->total_power == NODES, "the evidence is of another kind, or its power is wrong");
    scene_want(evidence->common_height == since, "the evidence names another common height");
    scene_want(count == evidence->byzantine_count, "the evidence names too many or too few");
    for (uint32_t i = 0; i < count; i++) {
        bool is_named = false;
        char address[TEXT_HEX_SIZE(20)];
        for (uint32_t j = 0; j < count; j++)
            is_named = is_named || address_equal(&who[i], &evidence->byzantine[j].address);
        text_hex_upper(address, address_span(&who[i]));
        scene_want(is_named, "the evidence does not name who did it");
        scene_want(strstr(scene.command.output, address) != NULL, "the client does not say who did it:");
    }
}

/* ---- what the network makes of it */

static void wait_for_block(struct attack *attack) {
    struct digest hash;
    evidence_hash(&hash, &attack->evidence);
    int64_t height = attack->committed_at = committed_find(scene.net.nodes[1].rpc_url, attack->since, &hash, SCENE_PATIENCE_MS);
    scene_want(height > 0, "no block holds the evidence");
    struct light_block *one = scene_block(0, height);
    for (uint32_t i = 1; i < NODES; i++) {
        struct light_block *other = scene_block(i, height);
        scene_want(digest_equal(&one->hash, &other->hash), "the validators do not have the same block");
        light_block_release(other);
    }
    light_block_release(one);
}

static void judge_misbehavior(const struct attack *attack) {
    struct abci_misbehavior told[EAR_FAULTS_MAX];
    uint32_t count = ear_of_block(&scene.ear, told, attack->committed_at);
    scene_want(count == attack->evidence.byzantine_count, "the application hears of too many or too few");
    for (uint32_t i = 0; i < count; i++) {
        const struct validator *named = &attack->evidence.byzantine[i];
        scene_want(told[i].type == 2 && told[i].total_power == NODES && told[i].height == attack->evidence.common_height, "the application hears of something else");
        scene_want(address_equal(&told[i].address, &named->address) && told[i].power == named->power, "the application hears of somebody else");
        scene_want(timestamp_compare(&told[i].time, &attack->evidence.timestamp) == 0, "the application hears of another time");
    }
}

/* Only the node's commit, its log, and the client's file. */
static void audit(const struct attack *attack) {
    char *real = complaint_of("%s/real.json", attack->home), *height = complaint_of("%" PRId64, attack->real->header.height);
    char *bundle = complaint_of("%s/bundle", attack->home), *log = complaint_of("%s/node1.log", attack->home);
    char *line = complaint_of("curl -s 'http://%s/commit?height=%s' > %s", scene.net.nodes[1].rpc.host, height, real);
    scene_want(system(line) == 0, line);
    command_expect(&scene.command, NULL, 0, "signed     by", "audit", "export", "--home", scene.net.nodes[1].home, "--height", height, "--out", log,
                   (const char *)NULL);
    command_expect(&scene.command, NULL, 10, "PROVEN", "audit", "run", "--genesis", scene.genesis, "--height", height, "--commit", real, "--evidence",
                   attack->file, "--log", log, "--bundle", bundle, (const char *)NULL);
    for (uint32_t i = 0; i < attack->real->commit.count; i++) {
        const struct address *who = &attack->real->set.validators[i].address;
        char address[TEXT_HEX_SIZE(20)];
        text_hex_upper(address, address_span(who));
        bool is_named = strstr(scene.command.output, address) != NULL, has_signed_both = is_liar(attack, who) && attack->real->commit.sigs[i].flag != COMMIT_ABSENT;
        scene_want(is_named == has_signed_both, "the audit names somebody honest, or leaves out who signed both:");
    }
    command_expect(&scene.command, NULL, 10, "PROVEN", "audit", "verify", bundle, "--genesis", scene.genesis, (const char *)NULL);
    char *texts[] = {real, height, bundle, line, log};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

static uint32_t files_in(const char *home) {
    char *line = complaint_of("ls %s/evidence-*.json | wc -l", home);
    FILE *list = popen(line, "r");
    unsigned count = 0;
    scene_want(list != NULL && fscanf(list, "%u", &count) == 1, line);
    pclose(list);
    free(line);
    return count;
}

/* The same client once more: it says the same, keeps no second file, and no second piece comes into a block. */
static void run_again(struct attack *attack) {
    uint32_t files = files_in(attack->home), count = 0;
    run_client(attack, scene.net.nodes[1].rpc_url, 6);
    char *known = complaint_of("%s since an earlier run", attack->file);
    scene_want(strstr(scene.command.output, known) != NULL, "it does not say that it has the evidence:");
    free(known);
    /* the block at the tip has another commit now, and so has what is said against the honest witness */
    scene_want(attack->is_at_tip || files_in(attack->home) == files, "it keeps a second file");
    int64_t last = scene_newest() + 3;
    bool is_there = false;
    struct digest hash;
    evidence_hash(&hash, &attack->evidence);
    for (int64_t height = attack->since; height <= last; height++) {
        light_block_release(scene_block(1, height));
        count += (uint32_t)committed_count(scene.net.nodes[1].rpc_url, height, &hash, &is_there);
    }
    scene_want(count == 1, "the evidence is in the chain twice");
}

static void prepare(struct attack *attack) {
    int64_t height = scene_newest();
    height = height < attack->trusted + 3 ? attack->trusted + 3 : height;
    if (!attack->is_at_tip)
        light_block_release(scene_block(1, height + 1)); /* so that the commit is the one that the chain keeps */
    attack->since = height + 1;
    attack->real = scene_block(1, height);
    attack->forged = forger_make(attack->real, attack->lie, &scene.keys[NODES - attack->liar_count], attack->liar_count);
    scene_want(false_node_open(&attack->primary, scene.net.nodes[1].rpc_url, attack->forged), "no port for the primary");
    snprintf(attack->home, sizeof attack->home, "%s/client-%s", scene.net.folder, attack->name);
}

static void finish(struct attack *attack) {
    false_node_close(&attack->primary);
    light_block_release(attack->forged);
    light_block_release(attack->real);
}

static void carry_out(struct attack *attack) {
    prepare(attack);
    run_client(attack, scene.net.nodes[1].rpc_url, 6);
    attack->has_waited = strstr(scene.command.output, "waiting for its next block") != NULL;
    scene_want(strstr(scene.command.output, "quorate audit run") != NULL, "it does not say what to do next:");
    find_file(attack);
    read_evidence(attack);
    light_block_release(attack->real); /* now its commit is the one that the chain keeps */
    light_block_release(scene_block(1, attack->since));
    attack->real = scene_block(1, attack->since - 1);
    judge_evidence(attack);
    scene_want(false_node_reports(&attack->primary) == 1, "the primary was not told");
    wait_for_block(attack);
    judge_misbehavior(attack);
    audit(attack);
    run_again(attack);
    printf("light-attack: %s, height %" PRId64 " signed by %u of %d%s: found out, %u named, in block %" PRId64 " of all validators, the application was told, the audit names the same\n",
           attack->name, attack->real->header.height, attack->liar_count, NODES, attack->has_waited ? ", newest" : "", attack->evidence.byzantine_count, attack->committed_at);
    fflush(stdout);
    finish(attack);
}

/* ---- a client that serves */

static pid_t serve(const struct attack *attack, const char *log) {
    struct light_block *trusted = scene_block(1, attack->trusted);
    char hash[65], height[24];
    text_of(hash, &trusted->hash);
    light_block_release(trusted);
    snprintf(height, sizeof height, "%" PRId64, attack->trusted);
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int out = open(log, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(scene.net.binary, scene.net.binary, "light", scene.chain_id, "--primary", attack->primary.url, "--witnesses", scene.net.nodes[2].rpc_url, "--height", height,
          "--hash", hash, "--home-dir", attack->home, "--laddr", "tcp://127.0.0.1:0", (char *)NULL);
    _exit(127);
}

/* Into scene.command.output; until it says this. */
static const char *await_words(const char *log, const char *words) {
    for (int64_t until = outsider_clock() + SCENE_PATIENCE_MS; outsider_clock() < until; outsider_rest(NULL, 50)) {
        char *error = NULL;
        struct blob *text = keyfile_read(log, sizeof scene.command.output - 1, &error);
        snprintf(scene.command.output, sizeof scene.command.output, "%.*s", text == NULL ? 0 : (int)text->size, text == NULL ? "" : (const char *)text->data);
        blob_release(text);
        free(error);
        const char *at = strstr(scene.command.output, words);
        if (at != NULL)
            return at;
    }
    scene_give_up("the client that serves does not say \"%s\":", words);
}

/* Whoever asks it gets no lie, nor anything new afterwards; asked to end, it says by its status what it saw. */
static void attack_who_serves(void) {
    struct attack attack = {.name = "served", .kind = "lunatic", .lie = FORGER_LUNATIC_SET, .liar_count = 2, .trusted = 2};
    char host[64], path[64];
    unsigned port = 0;
    int status = -1;
    prepare(&attack);
    char *log = complaint_of("%s/served.log", scene.net.folder);
    pid_t pid = serve(&attack, log);
    scene_want(sscanf(await_words(log, " on port "), " on port %u", &port) == 1, "it does not say its port:");
    snprintf(host, sizeof host, "127.0.0.1:%u", port);
    snprintf(path, sizeof path, "commit?height=%" PRId64, attack.real->header.height);
    command_get(&scene.command, host, path);
    scene_want(strstr(scene.command.output, "exclude each other") != NULL, "it does not tell of the attack:");
    snprintf(path, sizeof path, "commit?height=%" PRId64, attack.real->header.height - 1);
    command_get(&scene.command, host, path);
    scene_want(strstr(scene.command.output, "nothing new is verified") != NULL, "it goes on after an attack:");
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    await_words(log, "what to do");
    scene_want(WIFEXITED(status) && WEXITSTATUS(status) == 6, "its status does not tell of the attack:");
    find_file(&attack);
    read_evidence(&attack);
    judge_evidence(&attack);
    wait_for_block(&attack);
    printf("light-attack: a client that serves: told whoever asked, verified nothing more, ended with 6; its evidence is in block %" PRId64 "\n", attack.committed_at);
    free(log);
    finish(&attack);
}

/* ---- what is refused */

static void refuse_too_old(void) {
    struct attack attack = {.name = "old", .kind = "lunatic", .lie = FORGER_LUNATIC_SET, .liar_count = 2, .trusted = 1};
    prepare(&attack);
    run_client(&attack, scene.net.nodes[1].rpc_url, 6);
    scene_want(strstr(scene.command.output, "did not take the evidence") != NULL && strstr(scene.command.output, "too old") != NULL, "it does not say that the evidence is too old:");
    printf("light-attack: evidence since block 1, an hour ago where half an hour is the limit: refused as too old, kept in the file\n");
    finish(&attack);
}

/* The first attack's file with another common height: nobody takes it. */
static void refuse_wrong_height(const struct attack *attack, int64_t common, const char *reason) {
    char *error = NULL, from[64], to[64];
    struct rpcclient_answer answer;
    struct blob *text = keyfile_read(attack->file, 1 << 20, &error);
    scene_want(text != NULL, error);
    char *json = complaint_of("%.*s", (int)text->size, (const char *)text->data);
    snprintf(from, sizeof from, "\"CommonHeight\":\"%" PRId64 "\"", attack->evidence.common_height);
    snprintf(to, sizeof to, "\"CommonHeight\":\"%" PRId64 "\"", common);
    char *at = strstr(json, from);
    scene_want(at != NULL, "the file does not tell the common height");
    char *params = complaint_of("{\"evidence\":%.*s%s%s}", (int)(at - json), json, to, at + strlen(from));
    rpcclient_call(&answer, scene.net.nodes[2].rpc_url, "broadcast_evidence", span_text(params), &HTTPCLIENT_LIMITS);
    if (answer.kind != RPCCLIENT_ERROR || strstr(answer.text, reason) == NULL)
        scene_give_up("evidence with the wrong common height %" PRId64 ": %s", common, answer.text == NULL ? "was taken" : answer.text);
    printf("light-attack: the same evidence with the common height %" PRId64 ": refused: %s\n", common, answer.text);
    rpcclient_close(&answer);
    free(params);
    free(json);
    blob_release(text);
}

int main(int argc, char **argv) {
    struct attack tip = {.name = "lunatic-tip", .kind = "lunatic", .lie = FORGER_LUNATIC_SET, .liar_count = 2, .trusted = 2, .is_at_tip = true};
    struct attack lunatic = {.name = "lunatic", .kind = "lunatic", .lie = FORGER_LUNATIC_SET, .liar_count = 2, .trusted = 2};
    struct attack equivocation = {.name = "equivocation", .kind = "equivocation", .lie = FORGER_EQUIVOCATION, .liar_count = 3, .trusted = 2};
    struct attack newest = {.name = "equivocation-tip", .kind = "equivocation", .lie = FORGER_EQUIVOCATION, .liar_count = 3, .trusted = 2, .is_at_tip = true};
    signal(SIGPIPE, SIG_IGN);
    arena_init(&arena, 16u << 20);
    if (argc < 2) {
        fprintf(stderr, "light-attack: which quorate?\n");
        return 2;
    }
    scene_make("light-attack", argv[1]);
    scene_start(true);
    carry_out(&lunatic);
    carry_out(&tip);
    attack_who_serves();
    refuse_too_old();
    refuse_wrong_height(&lunatic, 3, "different time");
    refuse_wrong_height(&lunatic, INT64_C(1) << 40, "malformed");
    scene_expect_alarm(false);
    scene_stop();
    scene_start(false);
    carry_out(&equivocation);
    carry_out(&newest);
    scene_expect_alarm(true);
    scene_stop();
    printf("light-attack: 1 passed, 0 failed\n");
    arena_close(&arena);
    scene_close();
    return 0;
}
