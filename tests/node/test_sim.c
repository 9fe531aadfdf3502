/* Networks in trouble: many seeds, each with its own mix of falls, cuts, losses and noise. After the healing all must go on, and nobody have lied. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/node/stranger.h"

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

Suite *suite_sim(void);
Suite *suite_sim(void) {
    Suite *suite = suite_create("sim");
    TCase *tests = tcase_create("sim");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, after_losses_on_all_channels_the_network_goes_on);
    suite_add_tcase(suite, tests);
    return suite;
}
