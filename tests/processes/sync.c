/* make sync FOR=seconds: real node processes and peers by script.
 *
 * First a node that knows nobody is given a chain over the wire: a script shakes hands, serves its blocks, asks for them back, and plays four validators
 * whose proposal, votes and parts the node follows. Then a second node fetches the chain from the first one while liars, silent ones and ones that
 * shrink offer it too, and is killed with -9 again and again on the way. In the end both hold the script's chain, block by block. SEED=n repeats
 * the moments. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/demo_proof.h"
#include "node/keyfile.h"
#include "node/load_call.h"
#include "node/load_scan.h"
#include "tests/processes/actor.h"
#include "tests/processes/ports.h"

#define HEIGHTS 1500 /* of the chain that is served; the last one is its followers' proof */
#define FOES    4

static uint64_t chance, seed;
static struct localnet net = {.lock = -1};
static struct chain chain;
static struct actor teacher, foes[FOES];

static uint32_t roll(uint32_t below) {
    uint64_t z = chance += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (uint32_t)((z ^ (z >> 31)) % below);
}

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "sync: FAILED (SEED=%" PRIu64 "): %s\n", seed, why);
    localnet_stop(&net, 2000);
    for (uint32_t i = 0; i < net.count; i++) {
        fprintf(stderr, "the end of %s:\n", net.nodes[i].log);
        localnet_tail(stderr, &net.nodes[i], 8);
    }
    printf("sync: 0 passed, 1 failed\n");
    exit(1);
}

/* Turns until the condition holds, generously. */
#define WAIT(seconds, condition)                                          \
    do {                                                                  \
        for (int64_t end = outsider_clock() + 1000ll * (seconds); !(condition); outsider_turn(NULL)) \
            if (outsider_clock() > end)                                   \
                give_up("in vain: " #condition);                          \
    } while (0)

/* ---- the chain and the homes */

static void build_chain(void) {
    char text[3][40];
    const char *txs[3] = {text[0], text[1], text[2]};
    chain_open(&chain, &(struct chain_config){.validators = 4});
    for (int h = 1; h <= HEIGHTS; h++) {
        for (int i = 0; i < 3; i++)
            snprintf(text[i], sizeof text[i], "key%d-%d=value%d", h, i, h * i);
        chain_step(&chain, txs, (uint32_t)(h % 4));
    }
}

static void start(uint32_t count) {
    static const char *const options[] = {"--filter_peers", "--p2p.send_rate", "250000", "--consensus.timeout_commit", "50ms", NULL};
    const struct localnet_wish wish = {.validators = 2, .app = "kvstore", .base_port = ports_of_this_test(), .start = options};
    char *error = NULL;
    net.count = count;
    if (!localnet_start(&net, &wish, &error))
        give_up(error);
}

static void make_homes(const char *binary) {
    const struct localnet_wish wish = {.validators = 2, .app = "kvstore", .base_port = ports_of_this_test()};
    char *error = NULL;
    if (!localnet_take(&net, "build/sync", &error))
        give_up(error);
    snprintf(net.binary, sizeof net.binary, "%s", binary);
    if (!localnet_make(&net, &wish, &error))
        give_up(error);
    if (!actor_write_genesis(&chain, net.nodes[0].home) || !actor_write_genesis(&chain, net.nodes[1].home))
        give_up("a genesis file cannot be written");
}

static int64_t height_of(uint32_t node) {
    struct load_call call;
    struct span result, digits;
    int64_t height = -1;
    load_call_open(&call, &net.nodes[node].rpc);
    if (load_call_method(&call, &result, "status", "{}", 1000) && load_scan_path(&digits, result, "sync_info.latest_block_height"))
        load_scan_number(&height, digits);
    load_call_close(&call);
    return height;
}

/* Asking a busy node costs it and us time. */
static bool is_at(uint32_t node, int64_t height) {
    static int64_t next_ms;
    if (outsider_clock() < next_ms)
        return false;
    next_ms = outsider_clock() + 100;
    return height_of(node) >= height;
}

/* Does the node tell of the script's block at this height? */
static bool has_block(uint32_t node, int64_t height) {
    struct load_call call;
    struct ledger_meta meta;
    struct span result, hash;
    char params[64], wanted[65];
    bool same = false;
    snprintf(params, sizeof params, "{\"height\":\"%" PRId64 "\"}", height);
    if (!ledger_block_meta(&chain.ledger, &meta, height))
        return false;
    text_hex_upper(wanted, span_of(meta.block_id.hash.bytes, 32));
    load_call_open(&call, &net.nodes[node].rpc);
    if (load_call_method(&call, &result, "block", params, 5000) && load_scan_path(&hash, result, "block_id.hash"))
        same = span_equal(hash, span_text(wanted));
    load_call_close(&call);
    return same;
}

static bool log_says(uint32_t node, const char *words) {
    char line[4096];
    bool found = false;
    FILE *in = fopen(net.nodes[node].log, "re");
    while (in != NULL && !found && fgets(line, sizeof line, in) != NULL)
        found = strstr(line, words) != NULL;
    if (in != NULL)
        fclose(in);
    return found;
}

/* ---- a node and a teacher */

/* What every implementation must find on the wire: the first words of a node, byte by byte. */
static void check_first_words(void) {
    const struct node_info *info = &teacher.line.theirs;
    if (strcmp(info->network, CHAIN_ID) != 0 || info->block_version != 11 || info->p2p_version != 8 || !node_info_has_channel(info, 0x40) ||
        node_info_check(info) != NODE_INFO_GOOD)
        give_up("the node does not introduce itself well");
}

static void teach(void) {
    WAIT(60, is_at(0, 0));
    if (!actor_open(&teacher, &chain, 500, net.nodes[0].p2p_port, ACTOR_HONEST, 20000))
        give_up("the node lets no peer by script in");
    check_first_words();
    WAIT(20, teacher.told_height == 0 && teacher.told_base <= 1); /* it tells its own status unasked */
    actor_ask_status(&teacher);
    WAIT(120, is_at(0, HEIGHTS - 1));
    if (teacher.served < HEIGHTS)
        give_up("the node has blocks that nobody served");
}

static void follow(void) {
    WAIT(60, teacher.step_height == HEIGHTS); /* it is in consensus, and says so */
    actor_say_step(&teacher, HEIGHTS + 1, 0, 1);
    for (int times = 0; !is_at(0, HEIGHTS); times++) { /* parts overtake votes, and are dropped as long as nobody knows what they are of */
        if (times % 50 == 0)
            actor_say_decided(&teacher, HEIGHTS);
        if (times > 6000)
            give_up("in vain: the decided height");
        outsider_rest(NULL, 10);
    }
    for (int i = 1; i <= 3; i++) {
        const char *txs[] = {"live=1"};
        struct arena arena;
        struct commit commit;
        arena_init(&arena, 1 << 20);
        struct block *block = chain_next(&chain, txs, 1);
        chain_sign(&chain, &commit, block, &chain.ledger.state.validators, &arena);
        WAIT(60, teacher.step_height == HEIGHTS + i);
        actor_say_step(&teacher, HEIGHTS + i, 0, 4);
        actor_say_round(&teacher, block, &commit);
        chain_apply(&chain, block);
        WAIT(60, is_at(0, HEIGHTS + i));
        if (!has_block(0, HEIGHTS + i))
            give_up("the node committed another block than the validators decided");
        block_release(block);
        arena_close(&arena);
    }
}

/* What it fetched it gives to others, the same bytes; what it has not it says. */
static void ask_back(void) {
    static const int64_t heights[] = {1, 2, 127, 128, HEIGHTS / 2, HEIGHTS, HEIGHTS + 3};
    for (size_t i = 0; i < sizeof heights / sizeof heights[0]; i++) {
        actor_ask_block(&teacher, heights[i]);
        WAIT(20, teacher.got_height == heights[i]);
        struct blob *ours = ledger_block_bytes(&chain.ledger, heights[i]);
        if (!span_equal(blob_span(ours), blob_span(teacher.got)))
            give_up("the node serves other bytes than it was given");
        blob_release(ours);
    }
    actor_ask_block(&teacher, HEIGHTS + 100);
    WAIT(20, teacher.got_height == -1);
    teacher.told_height = -1;
    actor_ask_status(&teacher);
    WAIT(20, teacher.told_height == HEIGHTS + 3 && teacher.told_base == 1);
}

/* ---- a node, foes and kills */

static void let_foes_in(void) {
    static const enum actor_temper tempers[FOES] = {ACTOR_LIAR, ACTOR_SHRINKS, ACTOR_SILENT, ACTOR_LAZY};
    for (uint32_t i = 0; i < FOES; i++)
        if (!actor_is_heard(&foes[i])) {
            actor_close(&foes[i]);
            actor_open(&foes[i], &chain, 600 + 10 * (uint32_t)chance % 1000 + i, net.nodes[1].p2p_port, tempers[i], 200);
        }
}

static void kill_second(void) {
    struct localnet_node *node = &net.nodes[1], *ended;
    char end[64], why[128];
    kill(node->pid, SIGKILL);
    while ((ended = localnet_ended(&net)) == NULL)
        outsider_rest(NULL, 1);
    if (ended != node || !WIFSIGNALED(ended->status) || WTERMSIG(ended->status) != SIGKILL) {
        snprintf(why, sizeof why, "%s ended by itself: %s", ended->name, localnet_end_text(end, ended->status));
        give_up(why);
    }
}

/* Kills in the middle of syncing only count while there is something to sync. */
static uint32_t storm(int64_t until_ms) {
    uint32_t kills = 0;
    int64_t before = 0;
    while (outsider_clock() < until_ms && before < HEIGHTS) {
        int64_t end = outsider_clock() + 150 + roll(1500);
        while (outsider_clock() < end) {
            outsider_rest(NULL, 50);
            let_foes_in();
        }
        int64_t height = height_of(1);
        if (height >= 0 && height < before)
            give_up("the node forgot blocks that it had told of");
        before = height > before ? height : before;
        kill_second();
        kills++;
        start(2);
    }
    return kills;
}

static void check_whole_chain(void) {
    struct demo_proof proof;
    if (!demo_proof_of_chain(&proof, &net))
        give_up(proof.fault);
    if (proof.height_first != 1 || proof.height_last < HEIGHTS)
        give_up("not the whole chain was compared");
    for (int64_t height = 1; height <= HEIGHTS; height += 97)
        if (!has_block(1, height))
            give_up("the second node has another chain than the script");
    if (log_says(1, "panic") || log_says(0, "ERR"))
        give_up("a node complains of an error");
}

/* What a node learned of others it keeps for its next start. */
static void check_book(uint32_t node, uint32_t knows) {
    char path[LOCALNET_PATH_MAX + 32], text[65536], id[KEYFILE_ID_SIZE], *error = NULL;
    struct keyfile key;
    snprintf(path, sizeof path, "%s/config/node_key.json", net.nodes[knows].home);
    if (!keyfile_load(&key, path, true, &error))
        give_up(error);
    keyfile_id(id, &key);
    snprintf(path, sizeof path, "%s/config/addrbook.json", net.nodes[node].home);
    struct blob *book = keyfile_read(path, sizeof text - 1, &error);
    if (book == NULL)
        give_up(error);
    snprintf(text, sizeof text, "%.*s", (int)book->size, (const char *)book->data);
    blob_release(book);
    if (strstr(text, id) == NULL)
        give_up("a node's address book does not know its peer");
}

int main(int argc, char **argv) {
    const char *seconds = argc > 2 && argv[2][0] != '\0' ? argv[2] : "20";
    const char *given = getenv("SEED");
    seed = chance = given != NULL && given[0] != '\0' ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("sync: %s seconds, SEED=%" PRIu64 "\n", seconds, seed);
    fflush(stdout);
    build_chain();
    make_homes(argv[1]);
    start(1);
    teach();
    follow();
    ask_back();
    start(2);
    uint32_t kills = storm(outsider_clock() + 1000 * strtoll(seconds, NULL, 10));
    int64_t at = height_of(1);
    for (uint32_t i = 0; i < FOES; i++)
        actor_close(&foes[i]);
    WAIT(180, is_at(1, HEIGHTS + 2));
    check_whole_chain();
    if (kills < 2)
        give_up("there was no time to kill anything: this proves nothing");
    if (!localnet_stop(&net, 10000))
        give_up("a node did not stop cleanly when asked");
    check_book(1, 0);
    printf("sync: %d heights taught by script, %u served; a second node killed %u times on its way (at the end at %" PRId64 "), both hold the script's chain\n",
           HEIGHTS + 3, teacher.served, kills, at);
    printf("sync: 1 passed, 0 failed\n");
    actor_close(&teacher);
    localnet_leave(&net);
    chain_close(&chain);
    return 0;
}
