/* How many blocks per second block sync verifies and applies: `make bench-sync`. One process and one thread, the serving peers' store included;
 * every signature of every commit is verified, every block judged, executed and in LevelDB, 64 heights in one synced write, as the node does it. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger/kv_group.h"
#include "node/blockserve.h"
#include "node/wire.h"
#include "tests/ledger/chain.h"

enum { PEERS = 3, LETTERS_MAX = 4096, GROUP_HEIGHTS = 64 };

struct letter {
    uint32_t to; /* 0: the joiner */
    uint32_t from;
    struct blob *bytes;
};

struct bench {
    struct chain source, joiner;
    struct blocksync sync;
    struct blockserve serves[PEERS + 1];
    uint32_t names[PEERS + 1];
    struct letter letters[LETTERS_MAX];
    uint32_t first, count;
};

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void __attribute__((noreturn)) die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "bench-sync: %s\n", what);
    exit(1);
}

static bool post(struct bench *bench, uint32_t from, uint32_t to, struct blob *message) {
    assert(bench->count < LETTERS_MAX);
    bench->letters[(bench->first + bench->count++) % LETTERS_MAX] = (struct letter){to, from, blob_hold(message)};
    return true;
}

static bool from_joiner(void *context, uint32_t peer, struct blob *message) { return post(context, 0, peer, message); }

static struct bench *the_bench;
static bool from_peer(void *context, uint32_t peer, struct blob *message) {
    (void)peer;
    return post(the_bench, *(uint32_t *)context, 0, message);
}

static void on_drop(void *context, uint32_t peer, enum world_blame blame, const char *reason) {
    (void)context;
    (void)peer;
    (void)blame;
    die(NULL, reason);
}

static void on_applied(void *context, struct block *block, const struct ledger_applied *applied) {
    (void)context;
    (void)block;
    (void)applied;
}

static void on_halt(void *context, const char *why) { die(context, why); }

static void deliver(struct bench *bench) {
    while (bench->count > 0) {
        struct letter letter = bench->letters[bench->first];
        bench->first = (bench->first + 1) % LETTERS_MAX;
        bench->count--;
        struct wire_blocksync message;
        const char *wrong = wire_blocksync_decode(&message, blob_span(letter.bytes));
        if (wrong != NULL)
            die(NULL, wrong);
        if (letter.to == 0)
            blocksync_receive(&bench->sync, letter.from, &message);
        else
            blockserve_receive(&bench->serves[letter.to], 1, &message);
        blob_release(letter.bytes);
    }
}

static void fill(struct bench *bench, int64_t heights, uint32_t txs, size_t tx_bytes) {
    char *texts[64];
    for (uint32_t i = 0; i < txs; i++)
        texts[i] = calloc(1, tx_bytes + 64);
    for (int64_t height = 1; height <= heights; height++) {
        for (uint32_t i = 0; i < txs; i++) {
            int size = snprintf(texts[i], tx_bytes + 64, "key%" PRId64 ".%" PRIu32 "=", height, i);
            memset(texts[i] + size, 'v', tx_bytes - (size_t)size);
            texts[i][tx_bytes] = '\0';
        }
        struct block *block = chain_next(&bench->source, (const char *const *)texts, txs);
        chain_apply(&bench->source, block);
        block_release(block);
    }
    for (uint32_t i = 0; i < txs; i++)
        free(texts[i]);
}

static void run(const char *what, uint32_t validators, int64_t heights, uint32_t txs, size_t tx_bytes) {
    struct bench *bench = the_bench = calloc(1, sizeof *bench);
    char folder[] = "/tmp/bench-sync-XXXXXX", path[64], command[80], *error = NULL;
    if (bench == NULL || mkdtemp(folder) == NULL)
        die(NULL, "no folder in /tmp");
    snprintf(path, sizeof path, "%s/store", folder);
    struct kv *store = kv_leveldb_open(path, &(struct kv_options){0}, (struct kv_failure){NULL, die}, &error);
    if (store == NULL)
        die(NULL, error);
    struct kv *kv = kv_group_over(store);
    chain_open(&bench->source, &(struct chain_config){.validators = validators});
    fill(bench, heights, txs, tx_bytes);
    chain_open(&bench->joiner, &(struct chain_config){.validators = validators, .kv = kv});
    struct blocksync_owner joiner = {bench, from_joiner, on_drop, on_applied, on_halt};
    blocksync_init(&bench->sync, &bench->joiner.ledger, &joiner);
    double begun = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 1; i <= PEERS; i++) {
        char id[41];
        bench->names[i] = i;
        snprintf(id, sizeof id, "%040u", i);
        struct blocksync_owner peer = {.context = &bench->names[i], .send = from_peer};
        blockserve_init(&bench->serves[i], &bench->source.ledger, &peer, 0);
        blockserve_peer_up(&bench->serves[i], 1);
        blocksync_peer_up(&bench->sync, i, id);
    }
    kv_group_hold(kv, true);
    blocksync_begin(&bench->sync, 0);
    const struct state *state = &bench->joiner.ledger.state;
    for (int64_t until = 0; state->height < heights - 1 && until < 600000;) {
        int64_t now_ms = (int64_t)((seconds(CLOCK_MONOTONIC) - begun) * 1000);
        for (uint32_t i = 1; i <= PEERS; i++)
            blockserve_turn(&bench->serves[i], now_ms);
        deliver(bench);
        while (blocksync_turn(&bench->sync, now_ms))
            continue;
        if (kv_group_count(kv) >= GROUP_HEIGHTS)
            kv_group_write(kv);
        until = now_ms;
    }
    if (state->height != heights - 1)
        die(NULL, "it did not arrive");
    kv_group_write(kv);
    double took = seconds(CLOCK_MONOTONIC) - begun, used = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%-44s %6" PRId64 " blocks  %8.0f blocks/s  %6.0f us CPU per block\n", what, heights - 1, (double)(heights - 1) / took,
           used * 1e6 / (double)(heights - 1));
    fflush(stdout);
    while (bench->count > 0)
        deliver(bench);
    blocksync_close(&bench->sync);
    chain_close(&bench->joiner);
    chain_close(&bench->source);
    kv_close(kv);
    kv_close(store);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        die(NULL, "cannot remove the folder in /tmp");
    free(bench);
}

int main(int argc, char **argv) {
    int64_t heights = argc > 1 ? atoll(argv[1]) : 10000;
    run("4 validators, empty blocks", 4, heights, 0, 0);
    run("4 validators, 10 transactions of 250 bytes", 4, heights / 2, 10, 250);
    run("100 validators, empty blocks", 100, heights / 10, 0, 0);
    return 0;
}
