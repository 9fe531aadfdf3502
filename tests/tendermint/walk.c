#include "tests/tendermint/walk.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/tendermint/story.h"

const char *walk_rule_text(enum walk_rule rule) {
    static const char *const names[] = {"strict", "comet", "paper", "mixed"};
    return names[rule];
}

static uint64_t next(struct walk *walk) {
    uint64_t z = (walk->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t walk_below(struct walk *walk, uint32_t limit) { return (uint32_t)((next(walk) >> 32) * limit >> 32); }

/* ---- who is there */

static struct pubkey key_of(uint32_t number) {
    uint8_t bytes[32] = {(uint8_t)(number + 1), 0x5a};
    return pubkey_ed25519(bytes);
}

static void make_set(struct walk *walk) {
    struct valset_change members[WALK_KEYS_MAX] = {0};
    bool uneven = walk_below(walk, 3) > 0;
    for (uint32_t i = 0; i < walk->keys; i++) {
        members[i].pub_key = key_of(i);
        members[i].power = uneven ? 1 + walk_below(walk, walk_below(walk, 2) == 0 ? 4 : 30) : 1;
    }
    valset_init(&walk->set);
    enum valset_verdict verdict = valset_make(&walk->set, members, walk->keys);
    assert(verdict == VALSET_GOOD);
    valset_hash(&walk->set_hash, &walk->set);
}

static enum walk_fault choose_fault(struct walk *walk, bool one_tongue) {
    if (one_tongue)
        return walk_below(walk, 2) == 0 ? WALK_AMNESIAC : WALK_CONSPIRATOR;
    return 1 + walk_below(walk, WALK_FAULTS - 1);
}

/* As many as fit: below a third, or between a third and two thirds. */
static void choose_faulty(struct walk *walk) {
    int64_t total = walk->set.total_power;
    int64_t most = walk->settings.below_third ? (total - 1) / 3 : total * 2 / 3;
    bool all_alike = walk_below(walk, 2) == 0;
    bool one_tongue = walk_below(walk, 2) == 0; /* never two votes of a round: only locks are broken */
    enum walk_fault fault = choose_fault(walk, one_tongue);
    uint32_t first = walk_below(walk, walk->keys);
    int64_t wanted = walk_below(walk, 3) > 0 ? total / 3 + 1 + walk_below(walk, 2) : most; /* often just above a third */
    for (uint32_t i = 0; i < walk->keys; i++) {
        uint32_t key = (first + i * (1 + walk->keys % 2)) % walk->keys;
        int64_t power = walk->set.validators[key].power;
        if (walk->faults[key] != WALK_HONEST || walk->faulty_power + power > most || (walk->faulty_power >= wanted && !walk->settings.below_third))
            continue;
        walk->faults[key] = all_alike ? fault : choose_fault(walk, one_tongue);
        walk->faulty_power += power;
    }
}

static void add_node(struct walk *walk, uint32_t key) {
    struct walk_node *node = &walk->nodes[walk->node_count++];
    enum walk_rule rule = walk->settings.rule;
    node->key = (uint8_t)key;
    node->fault = walk->faults[key];
    node->is_paper = rule == WALK_PAPER;
    node->config = story_config();
    node->config.lock_rule = rule == WALK_COMET || (rule == WALK_MIXED && walk_below(walk, 2) == 0) ? ENGINE_LOCK_COMET : ENGINE_LOCK_STRICT;
}

static void make_nodes(struct walk *walk) {
    for (uint32_t key = 0; key < walk->keys; key++)
        for (int i = 0; i < (walk->faults[key] == WALK_TWIN ? 2 : 1); i++)
            add_node(walk, key);
}

/* ---- a walk */

void walk_network_run(struct walk *walk);

void walk_run(struct walk *walk, const struct walk_settings *settings) {
    memset(walk, 0, sizeof *walk);
    walk->settings = *settings;
    walk->random = settings->seed * 4 + settings->rule;
    walk->keys = 4 + walk_below(walk, walk_below(walk, 3) == 0 ? WALK_KEYS_MAX - 3 : 4);
    walk->block_count = 1;
    make_set(walk);
    choose_faulty(walk);
    make_nodes(walk);
    walk_network_run(walk);
}

void walk_end(struct walk *walk) {
    for (uint32_t i = 0; i < walk->node_count; i++)
        if (!walk->nodes[i].is_paper)
            engine_close(&walk->nodes[i].engine);
    valset_close(&walk->set);
}

bool walk_fork(const struct walk *walk, uint32_t *one, uint32_t *other) {
    for (*one = 0; *one < walk->node_count; ++*one)
        for (*other = *one + 1; *other < walk->node_count; ++*other) {
            const struct walk_node *a = &walk->nodes[*one], *b = &walk->nodes[*other];
            if (a->fault == WALK_HONEST && b->fault == WALK_HONEST && a->decided && b->decided && a->decided_block != b->decided_block)
                return true;
        }
    return false;
}

/* ---- fast signatures */

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 31;
}

static void sign(const uint8_t *public_key, uint8_t *signature, struct span message) {
    uint64_t words[4] = {1, 2, 3, 4}, chunk;
    memcpy(&chunk, public_key, 8);
    for (size_t at = 0; at < message.size; at += 8) {
        uint64_t piece = 0;
        memcpy(&piece, message.data + at, message.size - at < 8 ? message.size - at : 8);
        for (int i = 0; i < 4; i++)
            words[i] = mix(words[i], piece + (uint64_t)i * chunk);
    }
    for (int i = 0; i < 4; i++)
        words[i] = mix(words[i], chunk + message.size);
    memcpy(signature, words, 32);
    memcpy(signature + 32, words, 32);
}

static bool verify(const uint8_t *public_key, struct span message, const uint8_t *signature) {
    uint8_t right[64];
    sign(public_key, right, message);
    return memcmp(right, signature, sizeof right) == 0;
}

void walk_sign(const struct pubkey *key, struct signature *out, struct span message) {
    out->size = 64;
    sign(key->bytes, out->bytes, message);
}

void walk_use_fast_signatures(void) {
    static const struct ed25519_double fast = {sign, verify};
    ed25519_use_double_insecure(&fast);
}
