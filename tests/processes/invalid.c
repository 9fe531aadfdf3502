/* make fork, its last part: a validator by script proposes a block that the chain contradicts, and votes for it. The others will have none of it, and the
 * chain goes on; what is left is the vote in the journal of a node that only looked on. From that, the node's chain and the genesis the commands show
 * who did it, by executing the chain again; nobody else has to be believed. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/complaint.h"
#include "node/localnet.h"
#include "tests/processes/actor.h"
#include "tests/processes/command.h"
#include "tests/processes/ports.h"

enum { HEIGHTS = 20, CRIME = HEIGHTS + 2 }; /* served; where the crime is */

static struct localnet net = {.lock = -1};
static struct chain chain;
static struct actor teacher;
static struct command command;

static void give_up(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void give_up(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "invalid: FAILED: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n%s", command.output);
    va_end(args);
    localnet_stop(&net, 2000);
    if (net.count > 0)
        localnet_tail(stderr, &net.nodes[0], 12);
    printf("invalid: 0 passed, 1 failed\n");
    exit(1);
}

static void start(const char *binary) {
    static const char *const options[] = {"--filter_peers", "--p2p.send_rate", "250000", "--consensus.timeout_commit", "50ms", NULL};
    const struct localnet_wish wish = {.validators = 1, .app = "kvstore", .base_port = ports_of_this_test(), .start = options};
    char *error = NULL;
    if (!localnet_take(&net, "build/fork-invalid", &error))
        give_up("%s", error);
    if (realpath(binary, net.binary) == NULL)
        give_up("%s: not there", binary);
    if (!localnet_make(&net, &wish, &error))
        give_up("%s", error);
    if (!actor_write_genesis(&chain, net.nodes[0].home))
        give_up("the genesis file cannot be written");
    if (!localnet_start(&net, &wish, &error))
        give_up("%s", error);
}

static void wait_for(const char *what, bool (*holds)(int64_t), int64_t value) {
    for (int64_t end = outsider_clock() + 60000; !holds(value); outsider_turn(NULL))
        if (outsider_clock() > end)
            give_up("in vain: %s %d", what, (int)value);
}

static bool is_in_height(int64_t height) { return teacher.step_height >= height; }
static bool is_in_round(int64_t round) { return teacher.step_round >= round; }

static uint32_t proposer_of(int32_t round, struct address *address) {
    struct valset set;
    valset_init(&set);
    valset_copy(&set, &chain.ledger.state.validators);
    if (round > 0)
        valset_increment(&set, round);
    *address = set.validators[set.proposer].address;
    valset_close(&set);
    return (uint32_t)valset_find(&chain.ledger.state.validators, address);
}

static struct block *next_block(int32_t round, bool is_bad) {
    struct address proposer;
    struct arena arena;
    proposer_of(round, &proposer);
    if (!is_bad)
        return ledger_propose(&chain.ledger, &chain.last, &proposer, NULL, NULL, 0, NULL, 0);
    arena_init(&arena, 1 << 20);
    struct block_plan plan = chain_plan(&chain, &arena);
    plan.header.app_hash.bytes[0] ^= 1;
    struct block *block = block_build(&plan);
    arena_close(&arena);
    return block;
}

static void sign_again(struct commit *commit, const struct valset *set, int32_t round) {
    commit->round = round;
    for (uint32_t i = 0; i < commit->count; i++)
        chain_resign(&chain, commit, set, i);
}

static void decide(int32_t round) {
    struct arena arena;
    struct commit commit;
    arena_init(&arena, 1 << 20);
    struct block *block = next_block(round, false);
    chain_sign(&chain, &commit, block, &chain.ledger.state.validators, &arena);
    sign_again(&commit, &chain.ledger.state.validators, round);
    actor_say_round(&teacher, block, &commit);
    chain_apply(&chain, block);
    sign_again(&chain.last, &chain.ledger.state.last_validators, round); /* the next block's: else all of them had voted twice */
    block_release(block);
    arena_close(&arena);
    wait_for("the height after", is_in_height, chain.ledger.state.height + 1);
}

/* Round 0 of the crime's height: its proposer is the liar. */
static void lie(char liar[static 41]) {
    static const struct block_id nil;
    struct address proposer;
    struct block_id id;
    uint32_t index = proposer_of(0, &proposer);
    text_hex_upper(liar, address_span(&proposer));
    struct block *block = next_block(0, true);
    block_id_of(block, &id);
    actor_say_step(&teacher, CRIME, 0, 4);
    actor_say_proposal(&teacher, block, 0);
    for (uint32_t i = 0; i < 4; i++)
        actor_say_vote(&teacher, VOTE_PREVOTE, CRIME, 0, i, i == index ? &id : &nil);
    for (uint32_t i = 0; i < 4; i++)
        actor_say_vote(&teacher, VOTE_PRECOMMIT, CRIME, 0, i, &nil);
    block_release(block);
    wait_for("round", is_in_round, 1);
}

static void teach(char liar[static 41]) {
    for (int64_t end = outsider_clock() + 60000; !actor_open(&teacher, &chain, 500, net.nodes[0].p2p_port, ACTOR_HONEST, 2000); outsider_rest(NULL, 100))
        if (outsider_clock() > end)
            give_up("the node lets no peer by script in");
    wait_for("height", is_in_height, HEIGHTS);
    actor_say_step(&teacher, HEIGHTS + 1, 0, 1);
    for (int64_t end = outsider_clock() + 60000; teacher.step_height < HEIGHTS + 1; outsider_rest(NULL, 10)) { /* its last block comes with votes */
        actor_say_decided(&teacher, HEIGHTS);
        if (outsider_clock() > end)
            give_up("in vain: the decided height");
    }
    actor_say_step(&teacher, HEIGHTS + 1, 0, 4);
    decide(0);
    lie(liar);
    actor_say_step(&teacher, CRIME, 1, 4);
    decide(1);
    actor_say_step(&teacher, CRIME + 1, 0, 4);
    decide(0);
}

#define EXPECT(wanted, says, ...) command_expect(&command, NULL, wanted, says, __VA_ARGS__, (const char *)NULL)

static void audit(const char *liar) {
    char *genesis = complaint_of("%s/config/genesis.json", net.nodes[0].home), *proof = complaint_of("%s/proof", net.folder);
    char *log = complaint_of("%s/a.log", net.folder), *empty = complaint_of("%s/empty", net.folder), height[24], guilty[80];
    const char *home = net.nodes[0].home;
    snprintf(height, sizeof height, "%d", CRIME);
    snprintf(guilty, sizeof guilty, "%s   25.0 %%  PROVEN               E5", liar);
    EXPECT(0, "complete   yes", "audit", "export", "--home", home, "--height", height, "--out", log);
    EXPECT(0, "nobody broke a rule", "audit", "run", "--genesis", genesis, "--height", height, "--log", log, "--chain", home);
    EXPECT(0, guilty, "audit", "run", "--genesis", genesis, "--height", height, "--log", log, "--chain", home, "--execute", "--bundle", proof);
    char *copy = complaint_of("mkdir -p %s && cp %s %s %s", empty, proof, genesis, empty);
    if (system(copy) != 0)
        give_up("%s", copy);
    command_expect(&command, empty, 0, "wrong app hash, by executing them", "audit", "verify", "proof", "--genesis", "genesis.json", "--application", "kvstore",
                   (const char *)NULL);
    command_expect(&command, empty, 2, "--application kvstore", "audit", "verify", "proof", "--genesis", "genesis.json", (const char *)NULL);
    char *texts[] = {genesis, proof, log, empty, copy};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

int main(int argc, char **argv) {
    char liar[41];
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        fprintf(stderr, "invalid: which quorate?\n");
        return 2;
    }
    chain_open(&chain, &(struct chain_config){.validators = 4});
    chain_run(&chain, HEIGHTS);
    start(argv[1]);
    command.program = net.binary;
    command.give_up = give_up;
    teach(liar);
    if (!localnet_stop(&net, 10000))
        give_up("the node did not stop cleanly when asked");
    audit(liar);
    printf("invalid: a vote for a block that %d blocks before it contradict is proven by executing them, with the genesis alone\n", CRIME - 1);
    printf("invalid: 1 passed, 0 failed\n");
    actor_close(&teacher);
    localnet_leave(&net);
    chain_close(&chain);
    return 0;
}
