/* Four real validators on loopback, whose keys the script holds too; the first one's application is the script's (ear.h). One scene a program. */
#ifndef QUORATE_TESTS_SCENE_H
#define QUORATE_TESTS_SCENE_H

#include "node/localnet.h"
#include "tests/processes/command.h"
#include "tests/processes/ear.h"
#include "tests/processes/forger.h"

enum { SCENE_NODES = 4, SCENE_PATIENCE_MS = 120000, SCENE_PATH_MAX = 600 };

struct scene {
    const char *name; /* of the test, for what it prints */
    struct localnet net;
    struct command command;
    struct ear ear;
    struct ed25519_key *keys[SCENE_NODES]; /* in the order of the set, not of the nodes */
    struct address addresses[SCENE_NODES]; /* likewise */
    char chain_id[64], genesis[SCENE_PATH_MAX];
};
extern struct scene scene;

/* Tells why, what was said last and how the nodes' logs end, and ends the program. */
void scene_give_up(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void scene_want(bool fact, const char *otherwise);

/* Homes below build/NAME. Block 1 is an hour old, and evidence lives half an hour: what refers to block 1 is too old, and nothing else is. */
void scene_make(const char *name, const char *binary);
void scene_start(bool fork_stops_signing); /* until all have a block */
void scene_stop(void);
void scene_close(void);

/* The block of a height (0: the newest), once the node has it. The caller's to release. */
struct light_block *scene_block(uint32_t node, int64_t height);
int64_t scene_newest(void); /* height, at node 1 */
/* All nodes' fork alarm; if raised, nobody has stopped signing. */
void scene_expect_alarm(bool is_raised);

#endif
