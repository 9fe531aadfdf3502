/* make light-attack: four real validators; the script holds their keys, and shows a light client blocks that were never decided. `quorate light` finds out,
 * names them, keeps the evidence and hands it in; the living network commits it, and its application hears who it was. Then the same once more, too
 * late, and with the wrong height; and an auditor who has the evidence alone. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/text.h"
#include "genesis/scan.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_scan.h"
#include "node/localnet.h"
#include "node/rpcclient.h"
#include "rpc/evidence_json.h"
#include "tests/node/outsider.h"
#include "tests/processes/command.h"
#include "tests/processes/committed.h"
#include "tests/processes/ear.h"
#include "tests/processes/false_node.h"
#include "tests/processes/forger.h"

enum { NODES = 4, PATIENCE_MS = 120000, FOLDER_MAX = 600 };
#define NOBODY "http://127.0.0.1:1" /* a witness that is down */

static struct localnet net = {.lock = -1};
static _Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
static struct command command = {.program = net.binary, .give_up = give_up};
static struct ear ear;
static struct ed25519_key *keys[NODES];
static struct address addresses[NODES];
static char chain_id[64], genesis[FOLDER_MAX];
static struct arena arena;

static _Noreturn void give_up(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "light-attack: FAILED: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n%s", command.output);
    va_end(args);
    localnet_stop(&net, 2000);
    for (uint32_t i = 0; i < net.count; i++) {
        fprintf(stderr, "the end of %s:\n", net.nodes[i].log);
        localnet_tail(stderr, &net.nodes[i], 8);
    }
    printf("light-attack: 0 passed, 1 failed\n");
    exit(1);
}

static void want(bool fact, const char *otherwise) {
    if (!fact)
        give_up("%s", otherwise);
}

/* ---- the network */

/* The first block's time is the genesis': an hour ago, and evidence lives half an hour. So what refers to block 1 is too old, and nothing else is. */
static void set_genesis(void) {
    char hour_ago[40];
    time_t then = time(NULL) - 3600;
    struct tm parts;
    strftime(hour_ago, sizeof hour_ago, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &parts));
    char *line = complaint_of("sed -i -e 's/\"genesis_time\": \"[^\"]*\"/\"genesis_time\": \"%s\"/' -e 's/\"max_age_num_blocks\": \"[0-9]*\"/\"max_age_num_blocks\": \"5\"/' "
                              "-e 's/\"max_age_duration\": \"[0-9]*\"/\"max_age_duration\": \"1800000000000\"/' %s/node*/config/genesis.json && "
                              "sed -i 's|^proxy_app = .*|proxy_app = \"tcp://127.0.0.1:%u\"|' %s/config/config.toml",
                              hour_ago, net.folder, (unsigned)ear.booth.port, net.nodes[0].home);
    want(system(line) == 0, line);
    free(line);
}

/* In the order of the set, so that the liars, who are the last, stand elsewhere in a set of their own. */
static int by_address(const void *left, const void *right) {
    struct address a = forger_address(*(struct ed25519_key *const *)left), b = forger_address(*(struct ed25519_key *const *)right);
    return address_compare(&a, &b);
}

static void read_keys(void) {
    for (uint32_t i = 0; i < NODES; i++) {
        char *error = NULL, *path = complaint_of("%s/config/priv_validator_key.json", net.nodes[i].home);
        keys[i] = keyfile_load_signing(path, false, &error);
        want(keys[i] != NULL, error);
        free(path);
    }
    qsort(keys, NODES, sizeof keys[0], by_address);
    for (uint32_t i = 0; i < NODES; i++)
        addresses[i] = forger_address(keys[i]);
    char *error = NULL;
    snprintf(genesis, sizeof genesis, "%s/config/genesis.json", net.nodes[0].home);
    struct blob *text = keyfile_read(genesis, 1 << 20, &error);
    struct span id;
    want(text != NULL && load_scan_path(&id, blob_span(text), "chain_id"), "the genesis names no chain");
    snprintf(chain_id, sizeof chain_id, "%.*s", (int)id.size, (const char *)id.data);
    blob_release(text);
}

static void make_network(const char *binary) {
    static const char *const options[] = {"--timeout-commit", "200ms", NULL};
    struct localnet_wish wish = {.validators = NODES, .app = "kvstore", .base_port = (uint16_t)(30100 + getpid() % 150 * 12), .options = options};
    char *error = NULL, *whole = realpath(binary, NULL);
    if (whole == NULL || !localnet_take(&net, "build/light-attack", &error))
        give_up("%s", error == NULL ? binary : error);
    snprintf(net.binary, sizeof net.binary, "%s", whole);
    free(whole);
    want(ear_open(&ear), "no port for the application");
    if (!localnet_make(&net, &wish, &error))
        give_up("%s", error);
    set_genesis();
    read_keys();
}

static void start_network(const char *stops_signing) {
    const char *const start[] = {"--quorate.fork_stops_signing", stops_signing, NULL};
    struct localnet_wish wish = {.validators = NODES, .start = start};
    char *error = NULL;
    if (!localnet_start(&net, &wish, &error) || !localnet_wait(&net, PATIENCE_MS, &error))
        give_up("%s", error);
}

static void stop_network(void) { want(localnet_stop(&net, 10000), "a node did not stop cleanly when asked"); }

/* Two thirds who sign a second block are a fork, for all that a node can know; a third who show one to light clients alone are not. */
static void expect_alarm(bool is_raised) {
    const char *wanted = is_raised ? "\"raised\":true,\"stopped_signing\":false" : "\"raised\":false";
    for (uint32_t i = 0; i < NODES; i++) {
        command_get(&command, net.nodes[i].rpc.host, "fork_alarm");
        if (strstr(command.output, wanted) == NULL)
            give_up("%s: its fork alarm is not as it should be:", net.nodes[i].name);
    }
}

/* Of node 1, whose application is its own. NULL: it has not got so far. */
static struct light_block *try_block(uint32_t node, int64_t height) {
    char *why = NULL;
    struct light_block *block = forger_fetch(net.nodes[node].rpc_url, chain_id, height, &why);
    free(why);
    return block;
}

static struct light_block *block_at(uint32_t node, int64_t height) {
    for (int64_t until = outsider_clock() + PATIENCE_MS; outsider_clock() < until; outsider_rest(NULL, 50)) {
        struct light_block *block = try_block(node, height);
        if (block != NULL)
            return block;
    }
    give_up("%s has no block %" PRId64, net.nodes[node].name, height);
}

static int64_t newest(void) {
    struct light_block *block = block_at(1, 0);
    int64_t height = block->header.height;
    light_block_release(block);
    return height;
}

/* ---- one attack */

struct attack {
    const char *name, *kind; /* what the client calls it */
    enum forger_lie lie;
    uint32_t liar_count; /* the last validators */
    int64_t trusted;
    char home[FOLDER_MAX], file[FOLDER_MAX]; /* the client's; the evidence's */
    struct light_block *real, *forged;
    struct false_node primary;
    struct evidence evidence; /* as the file has it */
    int64_t since;            /* no block below can hold the evidence */
    int64_t committed_at;
};

static void text_of(char out[static 65], const struct digest *hash) { text_hex_upper(out, digest_span(hash)); }

/* `quorate light` with the false primary, a witness that is down, one that lies without proof, and a node. */
static void run_client(struct attack *attack, const char *node, int wanted) {
    struct false_node liar;
    struct light_block *unproven = forger_make(attack->real, FORGER_LUNATIC, &keys[3], 1), *trusted = block_at(1, attack->trusted);
    char hash[65], height[24], verify[24];
    want(false_node_open(&liar, node, unproven), "no port for a witness");
    char *witnesses = complaint_of(NOBODY ",%s,%s", liar.url, node);
    text_of(hash, &trusted->hash);
    snprintf(height, sizeof height, "%" PRId64, attack->trusted);
    snprintf(verify, sizeof verify, "%" PRId64, attack->real->header.height);
    command_expect(&command, NULL, wanted, attack->kind, "light", chain_id, "--primary", attack->primary.url, "--witnesses", witnesses, "--height", height, "--hash",
                   hash, "--home-dir", attack->home, "--verify", verify, (const char *)NULL);
    want(strstr(command.output, NOBODY ": ") != NULL, "it does not tell of the witness that is down:");
    char *unproved = complaint_of("%s: it contradicts, but cannot prove it", liar.url);
    want(strstr(command.output, unproved) != NULL, "it does not tell of the witness that lies:");
    free(unproved);
    free(witnesses);
    light_block_release(trusted);
    light_block_release(unproven);
    false_node_close(&liar);
}

/* "evidence against X, by Y, is in FILE" */
static void find_file(struct attack *attack) {
    char *line = complaint_of("evidence against %s, by ", attack->primary.url);
    const char *at = strstr(command.output, line), *path = at == NULL ? NULL : strstr(at, " is in ");
    want(path != NULL, "it does not say where the evidence is:");
    path += strlen(" is in ");
    snprintf(attack->file, sizeof attack->file, "%.*s", (int)strcspn(path, " \n"), path);
    free(line);
}

static void read_evidence(struct attack *attack) {
    char *error = NULL;
    struct span value, copy, wrong = {0};
    struct blob *text = keyfile_read(attack->file, 1 << 20, &error);
    want(text != NULL, error);
    want(scan_value(&value, blob_span(text), NULL) && arena_copy(&arena, &copy, value) && evidence_json_read(&attack->evidence, &wrong, copy, &arena),
         "the file holds no evidence");
    blob_release(text);
}

static bool is_liar(const struct attack *attack, const struct address *address) {
    for (uint32_t i = NODES - attack->liar_count; i < NODES; i++)
        if (address_equal(address, &addresses[i]))
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
    want(evidence->kind == EVIDENCE_LIGHT_ATTACK && evidence->total_power == NODES, "the evidence is of another kind, or its power is wrong");
    want(evidence->common_height == since, "the evidence names another common height");
    want(count == evidence->byzantine_count, "the evidence names too many or too few");
    for (uint32_t i = 0; i < count; i++) {
        bool is_named = false;
        char address[TEXT_HEX_SIZE(20)];
        for (uint32_t j = 0; j < count; j++)
            is_named = is_named || address_equal(&who[i], &evidence->byzantine[j].address);
        text_hex_upper(address, address_span(&who[i]));
        want(is_named, "the evidence does not name who did it");
        want(strstr(command.output, address) != NULL, "the client does not say who did it:");
    }
}

/* ---- what the network makes of it */

static void wait_for_block(struct attack *attack) {
    struct digest hash;
    evidence_hash(&hash, &attack->evidence);
    int64_t height = attack->committed_at = committed_find(net.nodes[1].rpc_url, attack->since, &hash, PATIENCE_MS);
    want(height > 0, "no block holds the evidence");
    struct light_block *one = block_at(0, height);
    for (uint32_t i = 1; i < NODES; i++) {
        struct light_block *other = block_at(i, height);
        want(digest_equal(&one->hash, &other->hash), "the validators do not have the same block");
        light_block_release(other);
    }
    light_block_release(one);
}

static void judge_misbehavior(const struct attack *attack) {
    struct abci_misbehavior told[EAR_FAULTS_MAX];
    uint32_t count = ear_of_block(&ear, told, attack->committed_at);
    want(count == attack->evidence.byzantine_count, "the application hears of too many or too few");
    for (uint32_t i = 0; i < count; i++) {
        const struct validator *named = &attack->evidence.byzantine[i];
        want(told[i].type == 2 && told[i].total_power == NODES && told[i].height == attack->evidence.common_height, "the application hears of something else");
        want(address_equal(&told[i].address, &named->address) && told[i].power == named->power, "the application hears of somebody else");
        want(timestamp_compare(&told[i].time, &attack->evidence.timestamp) == 0, "the application hears of another time");
    }
}

/* Only the node's commit and the client's file. */
static void audit(const struct attack *attack) {
    char *real = complaint_of("%s/real.json", attack->home), *height = complaint_of("%" PRId64, attack->real->header.height);
    char *bundle = complaint_of("%s/bundle", attack->home);
    char *line = complaint_of("curl -s 'http://%s/commit?height=%s' > %s", net.nodes[1].rpc.host, height, real);
    want(system(line) == 0, line);
    command_expect(&command, NULL, 10, "PROVEN", "audit", "run", "--genesis", genesis, "--height", height, "--commit", real, "--evidence", attack->file, "--bundle",
                   bundle, (const char *)NULL);
    for (uint32_t i = 0; i < attack->real->commit.count; i++) {
        const struct address *who = &attack->real->set.validators[i].address;
        char address[TEXT_HEX_SIZE(20)];
        text_hex_upper(address, address_span(who));
        bool is_named = strstr(command.output, address) != NULL, has_signed_both = is_liar(attack, who) && attack->real->commit.sigs[i].flag != COMMIT_ABSENT;
        want(is_named == has_signed_both, "the audit names somebody honest, or leaves out who signed both:");
    }
    command_expect(&command, NULL, 10, "PROVEN", "audit", "verify", bundle, "--genesis", genesis, (const char *)NULL);
    char *texts[] = {real, height, bundle, line};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

static uint32_t files_in(const char *home) {
    char *line = complaint_of("ls %s/evidence-*.json | wc -l", home);
    FILE *list = popen(line, "r");
    unsigned count = 0;
    want(list != NULL && fscanf(list, "%u", &count) == 1, line);
    pclose(list);
    free(line);
    return count;
}

/* The same client once more: it says the same, keeps no second file, and no second piece comes into a block. */
static void run_again(struct attack *attack) {
    uint32_t files = files_in(attack->home), count = 0;
    run_client(attack, net.nodes[1].rpc_url, 6);
    want(strstr(command.output, "is in") != NULL && strstr(command.output, attack->file) != NULL, "it does not say where the evidence is:");
    want(files_in(attack->home) == files, "it keeps a second file");
    int64_t last = newest() + 3;
    bool is_there = false;
    struct digest hash;
    evidence_hash(&hash, &attack->evidence);
    for (int64_t height = attack->since; height <= last; height++) {
        light_block_release(block_at(1, height));
        count += (uint32_t)committed_count(net.nodes[1].rpc_url, height, &hash, &is_there);
    }
    want(count == 1, "the evidence is in the chain twice");
}

static void prepare(struct attack *attack) {
    int64_t height = newest();
    height = height < attack->trusted + 3 ? attack->trusted + 3 : height;
    light_block_release(block_at(1, height + 1)); /* so that the commit is the one that the chain keeps */
    attack->since = height + 1;
    attack->real = block_at(1, height);
    attack->forged = forger_make(attack->real, attack->lie, &keys[NODES - attack->liar_count], attack->liar_count);
    want(false_node_open(&attack->primary, net.nodes[1].rpc_url, attack->forged), "no port for the primary");
    snprintf(attack->home, sizeof attack->home, "%s/client-%s", net.folder, attack->name);
}

static void finish(struct attack *attack) {
    false_node_close(&attack->primary);
    light_block_release(attack->forged);
    light_block_release(attack->real);
}

static void carry_out(struct attack *attack) {
    prepare(attack);
    run_client(attack, net.nodes[1].rpc_url, 6);
    want(strstr(command.output, "quorate audit run") != NULL, "it does not say what to do next:");
    find_file(attack);
    read_evidence(attack);
    judge_evidence(attack);
    want(false_node_reports(&attack->primary) == 1, "the primary was not told");
    wait_for_block(attack);
    judge_misbehavior(attack);
    audit(attack);
    run_again(attack);
    printf("light-attack: %s of height %" PRId64 " signed by %u of %d: found out, %u named, in block %" PRId64 " of all validators, the application was told, the audit names the same\n",
           attack->name, attack->real->header.height, attack->liar_count, NODES, attack->evidence.byzantine_count, attack->committed_at);
    fflush(stdout);
    finish(attack);
}

/* ---- what is refused */

static void refuse_too_old(void) {
    struct attack attack = {.name = "old", .kind = "lunatic", .lie = FORGER_LUNATIC_SET, .liar_count = 2, .trusted = 1};
    prepare(&attack);
    run_client(&attack, net.nodes[1].rpc_url, 6);
    want(strstr(command.output, "did not take the evidence") != NULL && strstr(command.output, "too old") != NULL, "it does not say that the evidence is too old:");
    printf("light-attack: evidence since block 1, an hour ago where half an hour is the limit: refused as too old, kept in the file\n");
    finish(&attack);
}

/* The first attack's file with another common height: nobody takes it. */
static void refuse_wrong_height(const struct attack *attack, int64_t common, const char *reason) {
    char *error = NULL, from[64], to[64];
    struct rpcclient_answer answer;
    struct blob *text = keyfile_read(attack->file, 1 << 20, &error);
    want(text != NULL, error);
    char *json = complaint_of("%.*s", (int)text->size, (const char *)text->data);
    snprintf(from, sizeof from, "\"CommonHeight\":\"%" PRId64 "\"", attack->evidence.common_height);
    snprintf(to, sizeof to, "\"CommonHeight\":\"%" PRId64 "\"", common);
    char *at = strstr(json, from);
    want(at != NULL, "the file does not tell the common height");
    char *params = complaint_of("{\"evidence\":%.*s%s%s}", (int)(at - json), json, to, at + strlen(from));
    rpcclient_call(&answer, net.nodes[2].rpc_url, "broadcast_evidence", span_text(params), &HTTPCLIENT_LIMITS);
    if (answer.kind != RPCCLIENT_ERROR || strstr(answer.text, reason) == NULL)
        give_up("evidence with the wrong common height %" PRId64 ": %s", common, answer.text == NULL ? "was taken" : answer.text);
    printf("light-attack: the same evidence with the common height %" PRId64 ": refused: %s\n", common, answer.text);
    rpcclient_close(&answer);
    free(params);
    free(json);
    blob_release(text);
}

int main(int argc, char **argv) {
    struct attack lunatic = {.name = "lunatic", .kind = "lunatic", .lie = FORGER_LUNATIC_SET, .liar_count = 2, .trusted = 2};
    struct attack equivocation = {.name = "equivocation", .kind = "equivocation", .lie = FORGER_EQUIVOCATION, .liar_count = 3, .trusted = 2};
    signal(SIGPIPE, SIG_IGN);
    arena_init(&arena, 16u << 20);
    if (argc < 2) {
        fprintf(stderr, "light-attack: which quorate?\n");
        return 2;
    }
    make_network(argv[1]);
    start_network("true");
    carry_out(&lunatic);
    refuse_too_old();
    refuse_wrong_height(&lunatic, 3, "different time");
    refuse_wrong_height(&lunatic, INT64_C(1) << 40, "malformed");
    expect_alarm(false);
    stop_network();
    start_network("false");
    carry_out(&equivocation);
    expect_alarm(true);
    stop_network();
    printf("light-attack: 1 passed, 0 failed\n");
    ear_close(&ear);
    for (uint32_t i = 0; i < NODES; i++)
        ed25519_key_free(keys[i]);
    arena_close(&arena);
    localnet_leave(&net);
    return 0;
}
