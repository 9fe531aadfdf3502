/* `make bench-votes`: what the vote journal costs a node among 100 validators: bytes of disk and microseconds of the core's time, a height of one round
 * and one of three. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "node/votejournal.h"

enum { VALIDATORS = 100, HEIGHTS = 4000 };

static void die(void *context, const char *what) __attribute__((noreturn));
static void die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double folder_bytes(const char *path) {
    double total = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char name[4096];
        struct stat status;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode))
            total += (double)status.st_size;
    }
    if (folder != NULL)
        closedir(folder);
    return total;
}

static void say(struct votejournal *votes, int64_t height, int32_t round, int32_t index) {
    for (int32_t type = VOTE_PREVOTE; type <= VOTE_PRECOMMIT; type++) {
        struct vote vote;
        vote_init(&vote);
        vote.type = type;
        vote.height = height;
        vote.round = round;
        vote.block_id = (struct block_id){{32, {(uint8_t)height, (uint8_t)(height >> 8), 9}}, {1, {32, {(uint8_t)height, 7}}}};
        vote.timestamp = (struct timestamp){1700000000 + height, index * 1000};
        vote.validator_index = index;
        vote.validator_address = (struct address){20, {(uint8_t)index, 3}};
        vote.signature.size = 64;
        for (int i = 0; i < 64; i++)
            vote.signature.bytes[i] = (uint8_t)(rand() >> 7);
        votejournal_vote(votes, &vote, index == 0);
    }
}

static void measure(int32_t rounds) {
    char path[] = "/tmp/quorate-bench-votes-XXXXXX", *note = NULL, *error = NULL;
    if (mkdtemp(path) == NULL)
        die(NULL, "no folder");
    struct kv *kv = kv_leveldb_open(path, &(struct kv_options){0}, (struct kv_failure){NULL, die}, &error);
    struct disk *disk = disk_memory_new((struct disk_failure){NULL, die});
    struct journal *journal = journal_open(disk, "data/cs.wal/wal", &note, &error);
    struct votejournal *votes = votejournal_open(kv, journal, span_text("bench"), 0, 0);
    double spent = 0, worst = 0;
    for (int64_t height = 1; height <= HEIGHTS; height++) {
        double began = now();
        for (int32_t round = 0; round < rounds; round++)
            for (int32_t index = 0; index < VALIDATORS; index++)
                say(votes, height, round, index);
        votejournal_end_height(votes, height, true, 100000, 100000);
        double took = now() - began;
        spent += took;
        worst = took > worst ? took : worst;
    }
    votejournal_close(votes);
    kv_close(kv);
    printf("%d validators, %d round%s: %.0f bytes of disk a height, %.0f us a height (%.3f %% of a second), the longest %.1f ms\n", VALIDATORS, rounds,
           rounds == 1 ? " " : "s", folder_bytes(path) / HEIGHTS, 1e6 * spent / HEIGHTS, 100 * spent / HEIGHTS, 1e3 * worst);
    journal_close(journal);
    disk_memory_free(disk);
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s", path);
    if (system(command) != 0)
        die(NULL, "cannot clean up");
}

int main(void) {
    measure(1);
    measure(3);
    return 0;
}
