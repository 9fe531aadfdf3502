#include "tests/tendermint/twins.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tendermint/story.h"
#include "tests/tendermint/twins_state.h"

struct scenario {
    uint8_t rounds;
    struct twins_choice choices[TWINS_ROUNDS_MAX];
};

static void run_scenario(struct twins_net *net, const struct scenario *scenario) {
    for (uint32_t i = 0; i < scenario->rounds; i++)
        twins_net_run(net, &scenario->choices[i]);
}

struct seen { /* a hash table; {0, 0}: free */
    struct twins_state *places;
    uint64_t count, capacity;
};

static bool seen_put(struct seen *seen, struct twins_state print);

static void seen_grow(struct seen *seen) {
    struct seen larger = {.capacity = seen->capacity == 0 ? 1024 : 2 * seen->capacity};
    larger.places = calloc(larger.capacity, sizeof *larger.places);
    assert(larger.places != NULL);
    for (uint64_t i = 0; i < seen->capacity; i++)
        if (seen->places[i].a != 0 || seen->places[i].b != 0)
            seen_put(&larger, seen->places[i]);
    free(seen->places);
    *seen = larger;
}

/* false: it was there. */
static bool seen_put(struct seen *seen, struct twins_state print) {
    if (2 * seen->count >= seen->capacity)
        seen_grow(seen);
    uint64_t at = print.a & (seen->capacity - 1);
    for (; seen->places[at].a != 0 || seen->places[at].b != 0; at = (at + 1) & (seen->capacity - 1))
        if (seen->places[at].a == print.a && seen->places[at].b == print.b)
            return false;
    seen->places[at] = print;
    seen->count++;
    return true;
}

struct layer { /* states to go on from, by a scenario that leads there */
    struct scenario *list;
    uint64_t count, capacity;
};

static void layer_add(struct layer *layer, const struct scenario *scenario) {
    if (layer->count == layer->capacity) {
        layer->capacity = layer->capacity == 0 ? 256 : 2 * layer->capacity;
        layer->list = realloc(layer->list, layer->capacity * sizeof *layer->list);
        assert(layer->list != NULL);
    }
    layer->list[layer->count++] = *scenario;
}

const char *twins_rule_text(enum twins_rule rule) {
    return rule == TWINS_STRICT ? "strict" : rule == TWINS_COMET ? "comet" : "mixed";
}

static void tell_violation(struct twins_report *report, const struct twins_net *net, const struct scenario *scenario) {
    report->violations++;
    if (report->first[0] != '\0')
        return;
    size_t size = (size_t)snprintf(report->first, sizeof report->first, "%s (rule %s):", net->violation, twins_rule_text(net->settings->rule));
    for (uint32_t i = 0; i < scenario->rounds && size < sizeof report->first; i++) {
        const struct twins_choice *choice = &scenario->choices[i];
        const uint8_t *a = twins_partitions[choice->hear_prevotes], *b = twins_partitions[choice->hear_precommits];
        size += (size_t)snprintf(report->first + size, sizeof report->first - size, " [leader %u, groups %u%u%u%u%u, then %u%u%u%u%u]",
                                 choice->leader, a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2], b[3], b[4]);
    }
}

struct search {
    const struct twins_settings *settings;
    struct twins_report *report;
    struct seen seen;
    struct layer now, next;
};

/* One more round from a state: is the one it leads to new? */
static void go_on(struct search *search, const struct scenario *before, const struct twins_choice *choice) {
    static struct twins_net net;
    struct scenario scenario = *before;
    twins_net_begin(&net, search->settings);
    run_scenario(&net, before);
    uint32_t decided = net.decided;
    int8_t leader = net.leaders[twins_net_front(&net)];
    if (leader < 0 || leader == (int8_t)choice->leader) { /* else the same run again */
        scenario.choices[scenario.rounds++] = *choice;
        twins_net_run(&net, choice);
        search->report->runs++;
        search->report->decisions += net.decided > decided;
        bool fresh = seen_put(&search->seen, twins_state_of(&net));
        if (fresh && net.decided < TWINS_HONEST && net.violation == NULL)
            layer_add(&search->next, &scenario);
        if (fresh && net.violation == NULL && search->seen.count % search->settings->heal_every == 0) {
            twins_net_heal(&net);
            search->report->healed += net.violation == NULL;
        }
        if (net.violation != NULL)
            tell_violation(search->report, &net, &scenario);
    }
    twins_net_end(&net);
}

static void expand(struct search *search, const struct scenario *before) {
    uint32_t count = twins_partition_count(search->settings->groups);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < (search->settings->split ? count : 1); j++)
            for (uint8_t leader = 0; leader < TWINS_KEYS; leader++)
                go_on(search, before, &(struct twins_choice){(uint8_t)i, (uint8_t)(search->settings->split ? j : i), leader});
}

static double scenarios_of(const struct twins_settings *settings, uint32_t rounds) {
    double each = TWINS_KEYS * (double)twins_partition_count(settings->groups), all = 1;
    if (settings->split)
        each *= twins_partition_count(settings->groups);
    for (uint32_t i = 0; i < rounds; i++)
        all *= each;
    return all;
}

void twins_enumerate(struct twins_report *report, const struct twins_settings *settings) {
    struct search search = {settings, report, {0}, {0}, {0}};
    *report = (struct twins_report){0};
    twins_partition_count(settings->groups);
    layer_add(&search.now, &(struct scenario){0});
    for (uint32_t round = 0; round < settings->rounds && search.seen.count <= settings->states_max; round++) {
        search.next = (struct layer){0};
        for (uint64_t i = 0; i < search.now.count; i++)
            expand(&search, &search.now.list[i]);
        free(search.now.list);
        search.now = search.next;
        report->rounds_done = round + 1;
    }
    report->states = search.seen.count;
    report->scenarios = scenarios_of(settings, report->rounds_done);
    free(search.now.list);
    free(search.seen.places);
}

void twins_sample(struct twins_report *report, const struct twins_settings *settings, uint64_t seed, uint64_t count) {
    static struct twins_net net;
    struct story_random random = {seed};
    *report = (struct twins_report){.scenarios = (double)count};
    twins_partition_count(settings->groups);
    for (uint64_t n = 0; n < count; n++) {
        struct scenario scenario = {0};
        twins_net_begin(&net, settings);
        for (uint32_t i = 0; i < settings->rounds && net.decided < TWINS_HONEST; i++) {
            uint32_t parts = twins_partition_count(settings->groups), before = net.decided;
            struct twins_choice choice = {(uint8_t)story_random_below(&random, parts), 0, (uint8_t)story_random_below(&random, TWINS_KEYS)};
            choice.hear_precommits = settings->split ? (uint8_t)story_random_below(&random, parts) : choice.hear_prevotes;
            scenario.choices[scenario.rounds++] = choice;
            twins_net_run(&net, &choice);
            report->runs++;
            report->decisions += net.decided > before;
        }
        twins_net_heal(&net);
        report->healed += net.violation == NULL;
        if (net.violation != NULL)
            tell_violation(report, &net, &scenario);
        twins_net_end(&net);
    }
}
