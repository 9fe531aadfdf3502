/* make fork: two real nodes that do not hear each other, and two validators by script that talk to both over real sockets and make them decide different
 * blocks: once by forgetting their locks, once by voting twice. Then everything that an auditor does, with the commands alone: the nodes' commits,
 * their logs (from running nodes and from stopped ones), requests, silence, the bundle, and a third party in an empty folder with only the genesis. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/text.h"
#include "genesis/genesis.h"
#include "node/complaint.h"
#include "node/conspiracy.h"
#include "node/keyfile.h"
#include "node/load_scan.h"
#include "node/localnet.h"
#include "tests/node/outsider.h"
#include "tests/processes/command.h"
#include "tests/processes/ports.h"

enum { HONEST = 2, ALL = 4, PATIENCE_MS = 120000 };

static struct localnet net = {.lock = -1};
static pid_t watcher; /* somebody who watches from the beginning; 0: not now */
static struct conspiracy plot;
static struct outsider lines[HONEST];
static struct arena arena;
static int64_t fork_height;
static char fork_text[24], later_text[24]; /* it and the one after the next, for arguments */
static void give_up(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static struct command command = {.program = net.binary, .give_up = give_up};

static void give_up(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "fork: FAILED: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n%s", command.output);
    va_end(args);
    if (watcher > 0)
        kill(watcher, SIGKILL);
    localnet_stop(&net, 2000);
    for (uint32_t i = 0; i < net.count; i++) {
        fprintf(stderr, "the end of %s:\n", net.nodes[i].log);
        localnet_tail(stderr, &net.nodes[i], 12);
    }
    printf("fork: 0 passed, 1 failed\n");
    exit(1);
}

/* ---- the crime */

static void on_message(struct outsider *outsider, uint8_t channel, struct span bytes) {
    struct wire_consensus message;
    arena_reset(&arena);
    if (wire_consensus_decode(&message, bytes, channel, 1, &arena) == NULL)
        conspiracy_hear(&plot, (uint32_t)(outsider - lines), &message);
}

static void whisper(void) {
    static uint8_t bytes[65536];
    for (uint32_t i = 0; i < HONEST; i++) {
        struct wire_consensus message;
        while (!outsider_is_cut_off(&lines[i]) && lines[i].stage == OUTSIDER_UP && conspiracy_next(&plot, i, &message)) {
            struct proto_writer writer;
            proto_writer_init(&writer, bytes, sizeof bytes);
            wire_consensus_write(&writer, &message);
            outsider_say(&lines[i], wire_consensus_channel(message.kind), bytes, writer.size);
        }
    }
}

static void connect_line(uint32_t i, const char *chain_id) {
    int fd = outsider_connect(net.nodes[i].p2p_port, 1);
    if (fd < 0)
        return;
    outsider_close(&lines[i]);
    outsider_open(&lines[i], fd, 700 + i, chain_id, OUTSIDER_UP);
    lines[i].hear = on_message;
}

static struct ed25519_key *key_of(uint32_t node) {
    char *error = NULL, *path = complaint_of("%s/config/priv_validator_key.json", net.nodes[node].home);
    struct ed25519_key *key = keyfile_load_signing(path, false, &error);
    free(path);
    if (key == NULL)
        give_up("%s", error);
    return key;
}

static uint32_t index_of(const struct valset *set, const struct ed25519_key *key) {
    uint8_t bytes[32];
    ed25519_key_public(key, bytes);
    struct pubkey public_key = pubkey_ed25519(bytes);
    struct address address = pubkey_address(&public_key);
    int32_t index = valset_find(set, &address);
    if (index < 0)
        give_up("a key is not in the genesis");
    return (uint32_t)index;
}

static void talk(const char *chain_id) {
    for (uint32_t i = 0; i < HONEST; i++)
        if (lines[i].key == NULL || outsider_is_cut_off(&lines[i]))
            connect_line(i, chain_id);
    outsider_turn(NULL);
    whisper();
}

static void read_answer(uint32_t node, const char *what) { command_get(&command, net.nodes[node].rpc.host, what); }

/* The two honest nodes meet, while the script goes on with both. Each must see the other branch, stop signing, and write a bundle. */
static void meet(const char *chain_id) {
    uint32_t raised = 0;
    char id[41];
    char *error = NULL, *path = complaint_of("%s/config/node_key.json", net.nodes[1].home);
    struct keyfile file;
    if (!keyfile_load(&file, path, true, &error))
        give_up("%s", error);
    keyfile_id(id, &file);
    free(path);
    char *dial = complaint_of("dial_peers?persistent=true&peers=%%5B%%22%s@127.0.0.1:%u%%22%%5D", id, net.nodes[1].p2p_port);
    read_answer(0, dial);
    if (strstr(command.output, "\"result\"") == NULL)
        give_up("node0 does not dial:");
    free(dial);
    for (int64_t until = outsider_clock() + PATIENCE_MS, looked = 0; raised < HONEST;) {
        if (outsider_clock() > until)
            give_up("only %u of %d see the fork", raised, HONEST);
        talk(chain_id);
        if (outsider_clock() - looked < 500)
            continue;
        looked = outsider_clock();
        raised = 0;
        for (uint32_t i = 0; i < HONEST; i++) {
            read_answer(i, "fork_alarm");
            raised += strstr(command.output, "\"raised\":true,\"stopped_signing\":true") != NULL && strstr(command.output, "data/fork-") != NULL;
        }
    }
}

static void fork_network(enum conspiracy_kind kind) {
    static struct genesis genesis;
    static struct valset set;
    struct ed25519_key *keys[4];
    char *error = NULL, *path = complaint_of("%s/config/genesis.json", net.nodes[0].home);
    if (!genesis_load(&genesis, path, PARAMS_V038, &error))
        give_up("%s", error);
    free(path);
    valset_init(&set);
    if (valset_make(&set, genesis.state.validators, genesis.state.validator_count) != VALSET_GOOD)
        give_up("the genesis names no validators");
    for (int64_t height = 1; height < fork_height; height++)
        valset_increment(&set, 1);
    conspiracy_init(&plot, kind, genesis.chain_id, &set, fork_height);
    for (uint32_t i = 0; i < 4; i++) {
        keys[i] = key_of(i);
        if (i < HONEST)
            conspiracy_add_victim(&plot, index_of(&set, keys[i]));
        else
            conspiracy_add_key(&plot, keys[i]);
    }
    for (int64_t until = outsider_clock() + PATIENCE_MS; !conspiracy_done(&plot, fork_height + 3);) {
        if (outsider_clock() > until)
            give_up("no fork came about: victims at %" PRId64 "/%d and %" PRId64 "/%d, lock round %d, betrayal %d", plot.victims[0].height, plot.victims[0].round,
                    plot.victims[1].height, plot.victims[1].round, plot.lock_round, plot.betrayal_round);
        talk(genesis.chain_id);
    }
    meet(genesis.chain_id);
    for (uint32_t i = 0; i < HONEST; i++)
        outsider_close(&lines[i]);
    for (uint32_t i = 0; i < 4; i++)
        ed25519_key_free(keys[i]);
    valset_close(&set);
    genesis_close(&genesis);
}

/* ---- before it: a chain that all four make, and that rests */

static int64_t number_in(const char *path) {
    struct span digits;
    int64_t number = 0;
    if (load_scan_path(&digits, span_text(command.output), path))
        load_scan_number(&number, digits);
    return number;
}

/* Without empty blocks a transaction's block is followed by one that shows its effect, and then by none. */
static void live_in_peace(void) {
    static const char *const start[] = {"--consensus.create_empty_blocks", "false", NULL};
    struct localnet_wish wish = {.validators = ALL, .start = start};
    char *error = NULL;
    if (!localnet_start(&net, &wish, &error) || !localnet_wait(&net, PATIENCE_MS, &error))
        give_up("%s", error);
    read_answer(0, "broadcast_tx_commit?tx=%22peace=1%22");
    int64_t last = number_in("result.height") + 1;
    if (last < 3)
        give_up("the chain does not begin:");
    for (uint32_t i = 0; i < ALL; i++)
        for (int64_t until = outsider_clock() + PATIENCE_MS;; outsider_rest(NULL, 50)) {
            read_answer(i, "status");
            if (number_in("result.sync_info.latest_block_height") == last)
                break;
            if (outsider_clock() > until)
                give_up("node%u does not come to height %" PRId64 ":", i, last);
        }
    if (!localnet_stop(&net, 10000))
        give_up("a node did not stop cleanly when asked");
    fork_height = last + 1;
    snprintf(fork_text, sizeof fork_text, "%" PRId64, fork_height);
    snprintf(later_text, sizeof later_text, "%" PRId64, fork_height + 2);
}

/* ---- the audit: commands only */

#define EXPECT(wanted, says, ...) command_expect(&command, NULL, wanted, says, __VA_ARGS__, (const char *)NULL)

/* Of the last report: no line says both an honest address and a conviction. */
static void must_spare_the_honest(void) {
    for (uint32_t i = 0; i < HONEST; i++) {
        struct ed25519_key *key = key_of(i);
        uint8_t bytes[32];
        char address[41];
        ed25519_key_public(key, bytes);
        struct pubkey public_key = pubkey_ed25519(bytes);
        struct address its = pubkey_address(&public_key);
        text_hex_upper(address, address_span(&its));
        ed25519_key_free(key);
        for (const char *at = command.output; (at = strstr(at, address)) != NULL; at++) {
            size_t line = strcspn(at, "\n");
            if (memmem(at, line, "CONVICTED", 9) != NULL || memmem(at, line, "PROVEN", 6) != NULL)
                give_up("somebody honest is convicted: %s", address);
        }
    }
}

static char *in(const char *name) { return complaint_of("%s/%s", net.folder, name); }

/* What `quorate query` or curl would fetch. */
static void fetch_commit(uint32_t node, int64_t height, const char *path) {
    struct load_http_place *place = &net.nodes[node].rpc;
    char *line = complaint_of("curl -s 'http://%s/commit?height=%" PRId64 "' > %s", place->host, height, path);
    if (system(line) != 0)
        give_up("%s", line);
    free(line);
}

static void audit_running(enum conspiracy_kind kind) {
    char *genesis = complaint_of("%s/config/genesis.json", net.nodes[0].home), *a = in("a.json"), *b = in("b.json"), *bundle = in("watch.bundle");
    fetch_commit(0, fork_height, a);
    fetch_commit(1, fork_height, b);
    char *one = complaint_of("http://%s", net.nodes[0].rpc.host), *other = complaint_of("http://%s", net.nodes[1].rpc.host);
    EXPECT(10, "FORK", "audit", "watch", "--once", "--genesis", genesis, "--node", one, "--node", other, "--bundle", bundle);
    EXPECT(10, "PROVEN", "audit", "verify", bundle, "--genesis", genesis);
    char *log = in("running.log");
    EXPECT(0, "complete   yes", "audit", "export", "--home", net.nodes[0].home, "--height", fork_text, "--out", log);
    const char *const with_one_log[] = {"audit", "run", "--genesis", genesis, "--commit", a, "--commit", b, "--log", log, NULL};
    int status = command_run(&command, NULL, with_one_log);
    if (status != 11 && (kind == CONSPIRACY_AMNESIA || status != 10)) /* of double votes one log holds both, if it is the second victim's */
        give_up("with one log the audit ends with %d", status);
    must_spare_the_honest();
    char *texts[] = {genesis, a, b, bundle, one, other, log};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

/* A deadline that has passed, but after the blocks. */
static const char *just_now(void) {
    static char text[32];
    time_t now = time(NULL);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    return text;
}

/* The first evidence that the light client kept, as it said. */
static char *evidence_file(void) {
    const char *at = strstr(command.output, " is in ");
    if (at == NULL)
        give_up("the light client keeps no evidence:");
    return complaint_of("%.*s", (int)strcspn(at + 7, " \n"), at + 7);
}

/* A light client that has one branch's node as primary and the other's as witness sees it too; what it keeps and the other branch's commit are enough to
 * begin an audit with: of the fork, and of a later height, where the application hash may differ, so that the evidence names honest validators too. */
static void look_by_light(enum conspiracy_kind kind) {
    char *genesis = complaint_of("%s/config/genesis.json", net.nodes[0].home), *log0 = in("running.log"), *log1 = in("running1.log");
    char *one = complaint_of("http://%s", net.nodes[0].rpc.host), *other = complaint_of("http://%s", net.nodes[1].rpc.host);
    const char *const heights[2] = {fork_text, later_text};
    char hash[80], chain_id[64];
    struct span text;
    read_answer(0, "commit?height=2");
    if (!load_scan_path(&text, span_text(command.output), "result.signed_header.commit.block_id.hash"))
        give_up("block 2 is not to be had:");
    snprintf(hash, sizeof hash, "%.*s", (int)text.size, (const char *)text.data);
    load_scan_path(&text, span_text(command.output), "result.signed_header.header.chain_id");
    snprintf(chain_id, sizeof chain_id, "%.*s", (int)text.size, (const char *)text.data);
    EXPECT(0, "complete   yes", "audit", "export", "--home", net.nodes[1].home, "--height", fork_text, "--out", log1);
    for (int i = 0; i < 2; i++) {
        char *home = complaint_of("%s/light-%s", net.folder, heights[i]), *commit = complaint_of("%s/commit-%s.json", net.folder, heights[i]);
        EXPECT(6, "ATTACK", "light", chain_id, "--primary", one, "--witnesses", other, "--height", "2", "--hash", hash, "--home-dir", home, "--verify", heights[i]);
        if (i == 0 && strstr(command.output, "amnesia") == NULL)
            give_up("the light client does not see a fork in two rounds:");
        if (i == 0 && strstr(command.output, "did not take the evidence") == NULL)
            give_up("evidence that names nobody was taken:");
        if (i == 1 && kind == CONSPIRACY_AMNESIA && strstr(command.output, "Punish nobody before") == NULL)
            give_up("the light client does not warn of naming the honest:");
        char *file = evidence_file();
        fetch_commit(1, fork_height + 2 * i, commit);
        const char *const run[] = {"audit", "run", "--genesis", genesis, "--commit", commit, "--evidence", file, i == 0 ? "--log" : NULL, log0, "--log", log1, NULL};
        int status = command_run(&command, NULL, run);
        bool good = i == 0 ? status == 10 || status == 11 : status == 10 && strstr(command.output, "two different parents") != NULL;
        if (!good || strstr(command.output, "FORK") == NULL)
            give_up("with the light client's evidence the audit of height %s ends with %d", heights[i], status);
        must_spare_the_honest();
        free(file);
        free(home);
        free(commit);
    }
    char *texts[] = {genesis, one, other, log0, log1};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

static void audit_stopped(enum conspiracy_kind kind) {
    char *genesis = complaint_of("%s/config/genesis.json", net.nodes[0].home), *a = in("a.json"), *b = in("b.json"), *log0 = in("0.log"), *log1 = in("1.log");
    char *asks = in("ask"), *answers = in("answers"), *proof = in("proof"), *empty = in("empty"), *svg = in("fork.svg"), *wal = complaint_of("%s/data/cs.wal", net.nodes[1].home);
    EXPECT(0, "complete   yes", "audit", "export", "--home", net.nodes[0].home, "--height", fork_text, "--out", log0);
    EXPECT(0, "signed     by", "audit", "export", "--home", net.nodes[1].home, "--height", fork_text, "--out", log1);
    if (kind == CONSPIRACY_DOUBLE_VOTES) {
        EXPECT(10, "E1 ", "audit", "run", "--genesis", genesis, "--commit", a, "--commit", b, "--log", log0, "--log", log1, "--bundle", proof, "--svg", svg);
    } else {
        EXPECT(11, "SUSPECT", "audit", "run", "--genesis", genesis, "--commit", a, "--commit", b, "--log", log0, "--cometbft-wal", wal, "--requests", asks);
        char *request = complaint_of("%s/request-1.json", asks), *answer = complaint_of("%s/1.json", answers);
        /* the honest are not asked: both requests are to those who conspired, whose homes know nothing of the height */
        const char *const first[] = {"audit", "answer", request, "--home", net.nodes[2].home, "--out", answer, NULL};
        if (command_run(&command, NULL, first) == 2 && strstr(command.output, "to another validator") != NULL)
            EXPECT(1, "justified  NO", "audit", "answer", request, "--home", net.nodes[3].home, "--out", answer);
        else if (strstr(command.output, "justified  NO") == NULL)
            give_up("who conspired has an answer:");
        EXPECT(2, "to another validator", "audit", "answer", request, "--home", net.nodes[0].home, "--out", answer);
        free(request);
        free(answer);
        EXPECT(10, "CONVICTED_BY_SILENCE", "audit", "run", "--genesis", genesis, "--commit", a, "--commit", b, "--log", log0, "--log", log1, "--deadline",
               just_now(), "--bundle", proof, "--svg", svg);
    }
    must_spare_the_honest();
    /* what each node wrote by itself when it met the other */
    for (uint32_t i = 0; i < HONEST; i++) {
        char *name = complaint_of("ls %s/data/fork-*.bundle", net.nodes[i].home);
        FILE *list = popen(name, "r");
        char bundle[LOCALNET_PATH_MAX + 64] = "";
        if (list == NULL || fgets(bundle, sizeof bundle, list) == NULL)
            give_up("node%u has written no bundle", i);
        pclose(list);
        bundle[strcspn(bundle, "\n")] = '\0';
        EXPECT(10, "two different parents", "audit", "verify", bundle, "--genesis", genesis);
        must_spare_the_honest();
        free(name);
    }
    /* a third party: an empty folder, the bundle, the genesis */
    mkdir(empty, 0700);
    char *copy = complaint_of("cp %s %s %s", proof, genesis, empty);
    if (system(copy) != 0)
        give_up("%s", copy);
    command_expect(&command, empty, 10, "more than a third", "audit", "verify", "proof", "--genesis", "genesis.json", "--silence-known", (const char *)NULL);
    char *texts[] = {genesis, a, b, log0, log1, asks, answers, proof, empty, svg, wal, copy};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

static void send_to_one(void) {
    for (int64_t until = outsider_clock() + PATIENCE_MS;; outsider_rest(NULL, 50)) {
        read_answer(0, "broadcast_tx_sync?tx=%22branch=1%22");
        if (strstr(command.output, "\"code\":0") != NULL)
            return;
        if (outsider_clock() > until)
            give_up("node0 takes no transaction:");
    }
}

/* Two nodes of the network and one that is not there. */
static void begin_watch(void) {
    char *genesis = complaint_of("%s/config/genesis.json", net.nodes[0].home), *bundle = in("live.bundle"), *said = in("watch.txt");
    char *one = complaint_of("http://%s", net.nodes[0].rpc.host), *other = complaint_of("http://%s", net.nodes[1].rpc.host);
    watcher = fork();
    if (watcher == 0) {
        int file = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(file, 1);
        dup2(file, 2);
        execl(net.binary, net.binary, "audit", "watch", "--genesis", genesis, "--node", one, "--node", "http://127.0.0.1:1", "--node", other, "--bundle", bundle,
              "--interval", "200", (char *)NULL);
        _exit(127);
    }
    char *texts[] = {genesis, bundle, said, one, other};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

/* It has seen the fork by itself, and its bundle convicts. */
static void end_watch(void) {
    char *genesis = complaint_of("%s/config/genesis.json", net.nodes[0].home), *bundle = in("live.bundle");
    int status = 0;
    pid_t ended = 0;
    for (int64_t until = outsider_clock() + PATIENCE_MS; ended == 0 && outsider_clock() < until; usleep(20000))
        ended = waitpid(watcher, &status, WNOHANG);
    if (ended == watcher)
        watcher = 0;
    if (ended == 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 10)
        give_up("whoever watched from the beginning ended with %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    EXPECT(10, "PROVEN", "audit", "verify", bundle, "--genesis", genesis);
    must_spare_the_honest();
    free(genesis);
    free(bundle);
}

static void run(enum conspiracy_kind kind, const char *binary, const char *folder, const char *name) {
    static const char *const options[] = {"--timeout-commit", "100ms", NULL};
    static const char *const start[] = {"--rpc.unsafe", "true", "--p2p.persistent_peers", "", "--p2p.pex", "false", "--consensus.timeout_propose", "300ms",
                                        "--consensus.timeout_prevote", "200ms", "--consensus.timeout_precommit", "200ms", NULL};
    struct localnet_wish wish = {.validators = 4, .app = "kvstore", .base_port = ports_of_this_test(), .options = options, .start = start};
    char *error = NULL;
    if (!localnet_take(&net, folder, &error))
        give_up("%s", error);
    char whole[4096];
    if (realpath(binary, whole) == NULL || strlen(whole) >= sizeof net.binary)
        give_up("%s: not there", binary);
    strcpy(net.binary, whole);
    if (!localnet_make(&net, &wish, &error))
        give_up("%s", error);
    live_in_peace();
    net.count = HONEST; /* the others are the script */
    if (!localnet_start(&net, &wish, &error))
        give_up("%s", error);
    if (kind == CONSPIRACY_AMNESIA) /* one branch's application gets another state, by its second block at the latest */
        send_to_one();
    begin_watch();
    net.count = ALL; /* their homes are read */
    fork_network(kind);
    net.count = HONEST;
    end_watch();
    audit_running(kind);
    look_by_light(kind);
    if (!localnet_stop(&net, 10000))
        give_up("a node did not stop cleanly when asked");
    audit_stopped(kind);
    printf("fork: %s: two honest nodes decided different blocks at height %" PRId64 " (rounds %d and %d); a light client saw it; more than a third is convicted, and nobody honest\n",
           name, fork_height, plot.lock_round, plot.betrayal_round);
    fflush(stdout);
    localnet_leave(&net);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    arena_init(&arena, 16u << 20);
    if (argc < 2) {
        fprintf(stderr, "fork: which quorate?\n");
        return 2;
    }
    run(CONSPIRACY_AMNESIA, argv[1], "build/fork-amnesia", "two amnesiacs");
    run(CONSPIRACY_DOUBLE_VOTES, argv[1], "build/fork-double", "two double voters");
    printf("fork: 1 passed, 0 failed\n");
    arena_close(&arena);
    return 0;
}
