/* make kill FOR=seconds: four validators under load, killed with -9 at random moments, one at a time or several at once, and started again on what is
 * left. In the end there must be one chain on all four, no transaction in two blocks, and in all journals together no two votes of one validator
 * for the same height, round and type that name different blocks. The seed is printed: SEED=n repeats the moments. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/demo_proof.h"
#include "node/journal_scan.h"
#include "node/load_call.h"
#include "node/load_scan.h"
#include "node/wire.h"
#include "tests/processes/ports.h"

#define VOTES_MAX 4000000

static uint64_t chance;

static uint32_t roll(uint32_t below) {
    uint64_t z = chance += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (uint32_t)((z ^ (z >> 31)) % below);
}

static void pause_ms(uint32_t ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static _Noreturn void give_up(struct localnet *net, const char *why) {
    fprintf(stderr, "kill: FAILED (SEED=%" PRIu64 "): %s\n", chance, why);
    localnet_stop(net, 2000);
    for (uint32_t i = 0; i < net->count; i++) {
        fprintf(stderr, "the end of %s:\n", net->nodes[i].log);
        localnet_tail(stderr, &net->nodes[i], 6);
    }
    printf("kill: 0 passed, 1 failed\n");
    exit(1);
}

/* ---- the load: a process of its own, whose endpoints come and go */

static pid_t start_load(const struct localnet *net, const char *seconds) {
    char endpoints[1024] = "";
    for (uint32_t i = 0; i < net->count; i++)
        snprintf(endpoints + strlen(endpoints), sizeof endpoints - strlen(endpoints), "%s%s", i == 0 ? "" : ",", net->nodes[i].rpc_url);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int out = open("build/kill-load.txt", O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    execl(net->binary, net->binary, "load", "--endpoint", endpoints, "--rate", "300", "--connections", "2", "--for", seconds, "--grace", "5", (char *)NULL);
    _exit(127);
}

/* ---- killing */

static void kill_some(struct localnet *net) {
    static const uint32_t counts[] = {1, 1, 1, 1, 2, 2, 3, 4};
    uint32_t count = counts[roll(8)];
    for (uint32_t first = roll(net->count), i = 0; i < count; i++) {
        struct localnet_node *node = &net->nodes[(first + i) % net->count];
        if (node->pid != 0)
            kill(node->pid, SIGKILL);
    }
}

static void reap(struct localnet *net) {
    struct localnet_node *ended;
    char end[64], why[128];
    while ((ended = localnet_ended(net)) != NULL)
        if (!WIFSIGNALED(ended->status) || WTERMSIG(ended->status) != SIGKILL) {
            snprintf(why, sizeof why, "%s ended by itself: %s", ended->name, localnet_end_text(end, ended->status));
            give_up(net, why);
        }
}

static uint32_t storm(struct localnet *net, const struct localnet_wish *wish, int64_t until_ms) {
    uint32_t kills = 0;
    char *error = NULL;
    while (now_ms() < until_ms) {
        pause_ms(50 + roll(1500));
        reap(net);
        kill_some(net);
        kills++;
        pause_ms(20 + roll(roll(4) == 0 ? 2500 : 300));
        reap(net);
        if (!localnet_start(net, wish, &error))
            give_up(net, error);
    }
    return kills;
}

/* ---- afterwards */

static int64_t height_of(const struct localnet_node *node) {
    struct load_call call;
    struct span result, digits;
    int64_t height = 0;
    load_call_open(&call, &node->rpc);
    if (load_call_method(&call, &result, "status", "{}", 1000) && load_scan_path(&digits, result, "sync_info.latest_block_height"))
        load_scan_number(&height, digits);
    load_call_close(&call);
    return height;
}

/* All four go on, to the same height and beyond. */
static void wait_for_progress(struct localnet *net) {
    int64_t highest = 0, deadline_ms = now_ms() + 60000;
    for (uint32_t i = 0; i < net->count; i++)
        highest = height_of(&net->nodes[i]) > highest ? height_of(&net->nodes[i]) : highest;
    for (uint32_t ready = 0; ready < net->count;) {
        reap(net);
        if (height_of(&net->nodes[ready]) >= highest + 5)
            ready++;
        else if (now_ms() > deadline_ms)
            give_up(net, "a node did not catch up and go on within a minute after the last kill");
        else
            pause_ms(100);
    }
}

struct seen {
    uint8_t address[20];
    int64_t height;
    int32_t round, type;
    uint8_t hash[32];
};

static struct seen *votes;
static size_t vote_count;

static void note_vote(const struct vote *vote) {
    if (vote_count == VOTES_MAX || vote->validator_address.size != 20)
        return;
    struct seen *seen = &votes[vote_count++];
    memcpy(seen->address, vote->validator_address.bytes, 20);
    seen->height = vote->height;
    seen->round = vote->round;
    seen->type = vote->type;
    memcpy(seen->hash, vote->block_id.hash.bytes, 32);
}

static void read_file(struct disk *disk, const char *name, struct arena *arena) {
    struct journal_scan scan;
    struct journal_record record;
    struct wire_consensus message;
    journal_scan_begin(&scan, disk, name, 0, disk->table->size(disk, name));
    while (journal_scan_next(&scan, &record)) {
        arena_reset(arena);
        if (record.kind == JOURNAL_MESSAGE && wire_consensus_decode(&message, record.message, WIRE_VOTE, 1, arena) == NULL &&
            message.kind == WIRE_VOTE_MESSAGE)
            note_vote(&message.vote);
    }
    journal_scan_close(&scan);
}

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "kill: %s\n", what);
    exit(1);
}

static void read_journals(struct localnet *net) {
    struct arena arena;
    char *error = NULL;
    arena_init(&arena, 64 << 20);
    for (uint32_t i = 0; i < net->count; i++) {
        struct disk *disk = disk_posix_open(net->nodes[i].home, (struct disk_failure){NULL, fail}, &error);
        if (disk == NULL)
            give_up(net, error);
        char name[64];
        for (int part = 0; part < 1000; part++) {
            snprintf(name, sizeof name, "data/cs.wal/wal.%03d", part);
            if (disk->table->size(disk, name) > 0)
                read_file(disk, name, &arena);
        }
        read_file(disk, "data/cs.wal/wal", &arena);
        disk_posix_close(disk);
    }
    arena_close(&arena);
}

static int by_place(const void *left, const void *right) {
    const struct seen *a = left, *b = right;
    int order = memcmp(a->address, b->address, 20);
    if (order == 0)
        order = (a->height > b->height) - (a->height < b->height);
    if (order == 0)
        order = (a->round > b->round) - (a->round < b->round);
    return order != 0 ? order : (a->type > b->type) - (a->type < b->type);
}

static void find_double_votes(struct localnet *net) {
    qsort(votes, vote_count, sizeof *votes, by_place);
    for (size_t i = 1; i < vote_count; i++)
        if (by_place(&votes[i - 1], &votes[i]) == 0 && memcmp(votes[i - 1].hash, votes[i].hash, 32) != 0) {
            char why[128];
            snprintf(why, sizeof why, "a validator voted twice differently at %" PRId64 "/%d, type %d", votes[i].height, votes[i].round, votes[i].type);
            give_up(net, why);
        }
}

int main(int argc, char **argv) {
    const char *seconds = argc > 2 && argv[2][0] != '\0' ? argv[2] : "60";
    const char *seed = getenv("SEED");
    chance = seed != NULL && seed[0] != '\0' ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("kill: %s seconds, SEED=%" PRIu64 "\n", seconds, chance);
    fflush(stdout);
    struct localnet net = {.lock = -1};
    static const char *const options[] = {"--timeout-commit", "100ms", NULL};
    struct localnet_wish wish = {.validators = 4, .app = "kvstore", .base_port = ports_of_this_test(), .options = options};
    char *error = NULL;
    if (!localnet_take(&net, "build/kill", &error))
        give_up(&net, error);
    snprintf(net.binary, sizeof net.binary, "%s", argv[1]);
    if (!localnet_make(&net, &wish, &error) || !localnet_start(&net, &wish, &error) || !localnet_wait(&net, 20000, &error))
        give_up(&net, error);
    pid_t load = start_load(&net, seconds);
    uint32_t kills = storm(&net, &wish, now_ms() + 1000 * strtoll(seconds, NULL, 10));
    int load_status;
    waitpid(load, &load_status, 0);
    wait_for_progress(&net);
    struct demo_proof proof;
    if (!demo_proof_of_chain(&proof, &net))
        give_up(&net, proof.fault);
    if (!localnet_stop(&net, 10000))
        give_up(&net, "a node did not stop cleanly when asked");
    votes = malloc(VOTES_MAX * sizeof *votes);
    if (votes == NULL)
        give_up(&net, "no memory for the votes");
    read_journals(&net);
    find_double_votes(&net);
    if (proof.height_last < 5 || vote_count < 100)
        give_up(&net, "next to nothing was committed: this proves nothing");
    printf("kill: %u rounds of kill -9, one chain of %" PRId64 " heights on four nodes, %zu votes in the journals, none double\n", kills,
           proof.height_last, vote_count);
    printf("kill: 1 passed, 0 failed\n");
    localnet_leave(&net);
    free(votes);
    return 0;
}
