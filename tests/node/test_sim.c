/* Networks in trouble: many seeds, each with its own mix of falls, cuts, losses and noise. After the healing all must go on, and nobody have lied. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/node/stranger.h"
#include "tests/trials.h"

struct chance {
    uint64_t state;
    uint32_t percent;
    bool noise; /* changes bytes instead of swallowing */
};

static uint64_t roll(struct chance *chance) {
    uint64_t z = chance->state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static bool spoil(void *context, uint32_t to, uint8_t channel, uint8_t *bytes, size_t size) {
    struct chance *chance = context;
    (void)to, (void)channel;
    if (roll(chance) % 100 >= chance->percent)
        return true;
    if (chance->noise && size > 0)
        bytes[roll(chance) % size] ^= (uint8_t)(1 + roll(chance) % 255);
    return chance->noise;
}

static int64_t highest(struct sim *sim, uint32_t nodes) {
    int64_t height = 0;
    for (uint32_t i = 0; i < nodes; i++)
        if (sim_is_alive(sim, i) && sim_ledger(sim, i)->state.height > height)
            height = sim_ledger(sim, i)->state.height;
    return height;
}

static void must_go_on(struct sim *sim, uint32_t nodes, uint64_t seed) {
    int64_t height = highest(sim, nodes);
    bool good = sim_run_to_height(sim, height + 3, 120000);
    for (uint32_t i = 0; !good && i < nodes; i++) {
        const struct engine *engine = replica_engine(sim_replica(sim, i));
        fprintf(stderr, "node %u: %" PRId64 "/%d/%u\n", i, engine->height, engine->round, engine->phase);
    }
    ck_assert_msg(good, "seed %" PRIu64 ": stuck behind %" PRId64 ". %s", seed, height, sim_complaint(sim));
    ck_assert_msg(sim_complaint(sim)[0] == '\0', "seed %" PRIu64 ": %s", seed, sim_complaint(sim));
}

START_TEST(after_losses_on_all_channels_the_network_goes_on) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim_config config;
        sim_defaults(&config);
        config.seed = seed;
        struct sim *sim = sim_new(&config);
        struct chance chance = {seed, 10 + (uint32_t)(seed % 3) * 10, false};
        for (uint32_t i = 0; i < 4; i++)
            sim_set_twist(sim, i, spoil, &chance);
        sim_run_for(sim, 15000);
        for (uint32_t i = 0; i < 4; i++)
            sim_set_twist(sim, i, NULL, NULL);
        must_go_on(sim, 4, seed);
        sim_free(sim);
    }
}
END_TEST

struct trouble {
    struct sim *sim;
    struct chance chance;      /* of the story */
    struct chance spoilers[7]; /* per node, of its messages */
    uint32_t nodes, txs;
};

static void start_if_dead(struct trouble *trouble, uint32_t node) {
    for (int tries = 0; tries < 5 && !sim_is_alive(trouble->sim, node); tries++)
        ck_assert_msg(sim_start(trouble->sim, node), "%s", sim_complaint(trouble->sim));
}

static void one_trouble(struct trouble *trouble) {
    struct sim *sim = trouble->sim;
    struct chance *chance = &trouble->chance;
    uint32_t node = (uint32_t)(roll(chance) % trouble->nodes);
    char tx[32];
    switch (roll(chance) % 8) {
    case 0: sim_kill(sim, node); break;
    case 1: start_if_dead(trouble, node); break;
    case 2: sim_partition(sim, roll(chance) % (1u << trouble->nodes)); break;
    case 3: sim_partition(sim, 0); break;
    case 4:
        trouble->spoilers[node] = (struct chance){roll(chance), (uint32_t)(roll(chance) % 35), roll(chance) % 3 == 0};
        sim_set_twist(sim, node, spoil, &trouble->spoilers[node]);
        break;
    case 5: sim_set_twist(sim, node, NULL, NULL); break;
    case 6:
        snprintf(tx, sizeof tx, "k%u=v", trouble->txs++);
        if (sim_is_alive(sim, node))
            sim_submit(sim, node, tx);
        break;
    default:
        if (sim_is_alive(sim, node))
            sim_doom(sim, node, 1 + (uint32_t)(roll(chance) % 20), roll(chance) % 4 == 0);
        break;
    }
    sim_run_for(sim, (int64_t)(roll(chance) % 1200));
}

static void heal(struct trouble *trouble) {
    for (uint32_t i = 0; i < trouble->nodes; i++) {
        sim_set_twist(trouble->sim, i, NULL, NULL);
        sim_doom(trouble->sim, i, 0, 0);
    }
    sim_partition(trouble->sim, 0);
    for (uint32_t i = 0; i < trouble->nodes; i++)
        start_if_dead(trouble, i);
}

static void run_seed(uint64_t seed) {
    static const int64_t powers[] = {40, 10, 25, 10, 5, 30, 10};
    struct trouble trouble = {.chance = {seed * 977, 0, false}};
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    config.nodes = trouble.nodes = 3 + (uint32_t)(roll(&trouble.chance) % 5);
    config.powers = roll(&trouble.chance) % 2 == 0 ? powers : NULL;
    config.engine.skip_timeout_commit = roll(&trouble.chance) % 2;
    config.engine.create_empty_blocks = roll(&trouble.chance) % 4 != 0;
    config.engine.create_empty_blocks_interval_ms = config.engine.create_empty_blocks ? 0 : 1500;
    config.engine.timeout_propose_ms = 500 + (int64_t)(roll(&trouble.chance) % 2500);
    config.engine.timeout_commit_ms = (int64_t)(roll(&trouble.chance) % 1000);
    config.latency_max_us = 2000 + (int64_t)(roll(&trouble.chance) % 300000);
    trouble.sim = sim_new(&config);
    for (int i = 0; i < 20 && sim_complaint(trouble.sim)[0] == '\0'; i++)
        one_trouble(&trouble);
    heal(&trouble);
    must_go_on(trouble.sim, trouble.nodes, seed);
    sim_free(trouble.sim);
}

/* SIM_SEEDS="first count" runs others. */
START_TEST(after_any_trouble_the_network_goes_on_and_nobody_has_lied) {
    const char *asked = getenv("SIM_SEEDS");
    unsigned long first = 1, count = trials(200);
    if (asked != NULL)
        sscanf(asked, "%lu %lu", &first, &count);
    for (unsigned long seed = first; seed < first + count; seed++)
        run_seed(seed);
}
END_TEST

Suite *suite_sim(void);
Suite *suite_sim(void) {
    Suite *suite = suite_create("sim");
    TCase *tests = tcase_create("trials");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, after_losses_on_all_channels_the_network_goes_on);
    tcase_add_test(tests, after_any_trouble_the_network_goes_on_and_nobody_has_lied);
    suite_add_tcase(suite, tests);
    return suite;
}
