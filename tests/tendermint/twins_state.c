#include "tests/tendermint/twins_state.h"

#include <assert.h>

enum { SYMMETRIES = 12 };

/* --- the name of a state -------------------------------------------------------------------------------------- */

struct text {
    uint32_t size;
    uint8_t bytes[8192];
};

static const uint8_t symmetries[SYMMETRIES][TWINS_NODES] = { /* who stands in each place */
    {0, 1, 2, 3, 4}, {0, 2, 1, 3, 4}, {1, 0, 2, 3, 4}, {1, 2, 0, 3, 4}, {2, 0, 1, 3, 4}, {2, 1, 0, 3, 4},
    {0, 1, 2, 4, 3}, {0, 2, 1, 4, 3}, {1, 0, 2, 4, 3}, {1, 2, 0, 4, 3}, {2, 0, 1, 4, 3}, {2, 1, 0, 4, 3},
};

/* Blocks are named in the order in which they come up; of rounds that all have left, only the order counts. */
struct naming {
    const uint8_t *who; /* in each place */
    uint8_t place[TWINS_NODES];
    uint8_t names[TWINS_BLOCKS]; /* 0: not come up yet */
    uint8_t blocks[TWINS_BLOCKS];
    uint8_t count;
    int16_t rounds[TWINS_NUMBERS + 2];
};

static void put(struct text *text, int64_t value) {
    assert(text->size < sizeof text->bytes && value >= -1 && value < 255);
    text->bytes[text->size++] = (uint8_t)(value + 1);
}

static uint8_t name_of(struct naming *naming, uint32_t block) {
    if (block != 0 && naming->names[block] == 0) {
        naming->blocks[naming->count] = (uint8_t)block;
        naming->names[block] = ++naming->count;
    }
    return naming->names[block];
}

static void put_id(struct text *text, struct naming *naming, const struct block_id *id) { put(text, name_of(naming, twins_block_of(id))); }

static void put_round(struct text *text, const struct naming *naming, int32_t round) { put(text, round < 0 ? -1 : naming->rounds[round]); }

/* Block + 1; 0: none. */
static void put_vote(struct text *text, struct naming *naming, uint8_t said) { put(text, said == 0 ? -1 : name_of(naming, said - 1u)); }

/* Of a round that all have left, votes matter only if they can still become a majority somewhere: then they decide, unlock, or carry a proposal. */
static bool may_become_majority(const struct twins_net *net, int32_t round, int32_t type) {
    for (uint32_t who = 0; who < TWINS_NODES; who++) {
        uint8_t block = net->nodes[who].said[round][type - 1];
        bool keys[TWINS_KEYS] = {false};
        uint32_t count = 0;
        if (block == 0 || (block == 1 && type == VOTE_PRECOMMIT))
            continue;
        for (uint32_t other = 0; other < TWINS_NODES; other++)
            if (net->nodes[other].said[round][type - 1] == block && !keys[twins_key_of(other)]) {
                keys[twins_key_of(other)] = true;
                count++;
            }
        if (count >= 3)
            return true;
    }
    return false;
}

static int32_t rear(const struct twins_net *net) {
    int32_t round = INT32_MAX;
    for (uint32_t who = 0; who < TWINS_NODES; who++)
        if (!net->nodes[who].engine.decided && net->nodes[who].engine.round < round)
            round = net->nodes[who].engine.round;
    return round == INT32_MAX ? twins_net_front(net) : round;
}

static bool round_matters(const struct twins_net *net, int32_t round, int32_t type) {
    return round >= rear(net) || may_become_majority(net, round, type);
}

static void number_rounds(struct naming *naming, const struct twins_net *net) {
    bool mentioned[TWINS_NUMBERS + 2] = {false};
    for (uint32_t who = 0; who < TWINS_NODES; who++) {
        const struct engine *engine = &net->nodes[who].engine;
        int32_t named[] = {engine->locked_round, engine->valid_round, engine->commit_round,
                           engine->has_proposal ? engine->proposal.pol_round : -1,
                           engine->has_next_proposal ? engine->next_proposal.pol_round : -1};
        for (uint32_t i = 0; i < sizeof named / sizeof named[0]; i++)
            if (named[i] >= 0)
                mentioned[named[i]] = true;
    }
    int32_t from = rear(net);
    int16_t number = 0;
    for (int32_t round = 0; round < TWINS_NUMBERS + 2; round++) {
        bool counts = round >= from || mentioned[round] || may_become_majority(net, round, VOTE_PREVOTE) ||
                      may_become_majority(net, round, VOTE_PRECOMMIT);
        naming->rounds[round] = counts ? number++ : -1;
    }
}

static void put_tally(struct text *text, struct naming *naming, const struct twins_node *node, int32_t round, int32_t type) {
    const struct tally *tally = rounds_tally(&node->engine.rounds, round, type);
    struct block_id majority;
    put(text, tally != NULL);
    if (tally == NULL)
        return;
    put(text, tally_majority(tally, &majority));
    if (tally_majority(tally, &majority))
        put_id(text, naming, &majority);
    for (uint32_t place = 0; place < TWINS_NODES; place++)
        put_vote(text, naming, node->claimed[round][type - 1][naming->who[place]]);
    for (uint32_t place = 0; place < TWINS_KEYS; place++) {
        struct vote vote;
        bool voted = tally_vote(tally, &vote, twins_key_of(naming->who[place]));
        put_vote(text, naming, voted ? (uint8_t)(1 + twins_block_of(&vote.block_id)) : 0);
    }
}

/* A key's second votes, counted for claimed blocks. */
static void put_second_votes(struct text *text, const struct naming *naming, const struct twins_net *net, const struct twins_node *node,
                             int32_t round, int32_t type) {
    const struct tally *tally = rounds_tally(&node->engine.rounds, round, type);
    for (uint32_t place = TWINS_HONEST; tally != NULL && place < TWINS_NODES; place++) {
        uint8_t said = net->nodes[naming->who[place]].said[round][type - 1];
        struct block_id id = twins_id_of(said == 0 ? 0 : said - 1u);
        const struct bit_array *counted = said == 0 ? NULL : tally_voted_for(tally, &id);
        put(text, counted != NULL && bit_array_get(counted, TWINS_HONEST));
    }
}

static void put_engine(struct text *text, struct naming *naming, const struct twins_node *node) {
    const struct engine *engine = &node->engine;
    put(text, engine->decided);
    put(text, node->config.lock_rule);
    if (engine->decided) {
        put_id(text, naming, &engine->commit_id);
        put_round(text, naming, engine->commit_round);
        return;
    }
    put_round(text, naming, engine->round);
    put(text, engine->phase);
    put_id(text, naming, &engine->locked);
    put_round(text, naming, engine->locked_round);
    put_id(text, naming, &engine->valid);
    put_round(text, naming, engine->valid_round);
    put_id(text, naming, &engine->wanted);
    put(text, engine->has_proposal << 1 | engine->has_next_proposal);
    if (engine->has_proposal) {
        put_id(text, naming, &engine->proposal.block_id);
        put_round(text, naming, engine->proposal.pol_round);
    }
    if (engine->has_next_proposal) {
        put_id(text, naming, &engine->next_proposal.block_id);
        put_round(text, naming, engine->next_proposal.pol_round);
    }
    put(text, engine->precommit_timed | engine->prevoted << 1 | engine->precommitted << 2 | engine->polka_told << 3);
    put_round(text, naming, engine->commit_round);
    put(text, node->proposed[engine->round]);
    put(text, (int64_t)(engine->expired & 0x7f));
    put(text, (int64_t)(node->timers & 0x7f));
    put(text, (int64_t)(node->timers >> 7 & 0x7f));
}

/* Who knows those that came up. No other will ever be spoken of. */
static void put_blocks(struct text *text, const struct naming *naming, const struct twins_net *net) {
    for (uint8_t name = 0; name < naming->count; name++)
        for (uint32_t place = 0; place < TWINS_NODES; place++) {
            const struct twins_node *node = &net->nodes[naming->who[place]];
            struct block_id id = twins_id_of(naming->blocks[name]);
            bool here = false;
            for (uint32_t i = 0; i < node->engine.block_count; i++)
                here |= block_id_equal(&node->engine.blocks[i].id, &id);
            put(text, node->knows[naming->blocks[name]] << 1 | (here && !node->engine.decided));
        }
}

/* How many far rounds each peer has opened. */
static void put_opened(struct text *text, const struct naming *naming, const struct rounds *rounds) {
    for (uint32_t place = 0; place < TWINS_NODES; place++) {
        uint32_t used = 0;
        for (uint32_t i = 0; i < rounds->catchup_peer_count; i++)
            if (rounds->catchup[i].peer == naming->who[place] + 1u)
                used = rounds->catchup[i].used;
        put(text, used);
    }
}

/* What a node that has left a round knows of it matters if it passes that on, or if a majority may yet come of it. */
static bool tally_matters(const struct twins_net *net, const struct twins_node *node, int32_t round, int32_t type) {
    if (node->engine.decided)
        return round == node->engine.commit_round && type == VOTE_PRECOMMIT;
    return net->gossip || round >= node->engine.round || may_become_majority(net, round, type);
}

static void put_votes(struct text *text, struct naming *naming, const struct twins_net *net) {
    int32_t last = twins_net_front(net);
    for (int32_t round = 0; round <= last; round++)
        for (int32_t type = VOTE_PREVOTE; type <= VOTE_PRECOMMIT; type++) {
            if (!round_matters(net, round, type))
                continue;
            put_round(text, naming, round);
            for (uint32_t place = 0; place < TWINS_NODES; place++) {
                const struct twins_node *node = &net->nodes[naming->who[place]];
                bool matters = tally_matters(net, node, round, type);
                put(text, matters);
                if (matters || may_become_majority(net, round, type))
                    put_vote(text, naming, node->said[round][type - 1]);
                if (!matters)
                    continue;
                put_tally(text, naming, node, round, type);
                put_second_votes(text, naming, net, node, round, type);
            }
        }
}

static void describe(struct text *text, const struct twins_net *net, const uint8_t *who) {
    struct naming naming = {.who = who};
    int32_t from = rear(net), to = twins_net_front(net);
    for (uint32_t place = 0; place < TWINS_NODES; place++)
        naming.place[who[place]] = (uint8_t)place;
    number_rounds(&naming, net);
    text->size = 0;
    for (int32_t round = from; round <= to; round++)
        put(text, net->leaders[round] < 0 ? -1 : net->leaders[round] == TWINS_HONEST ? TWINS_HONEST : naming.place[net->leaders[round]]);
    for (uint32_t place = 0; place < TWINS_NODES; place++) {
        const struct twins_node *node = &net->nodes[who[place]];
        put_engine(text, &naming, node);
        if (!node->engine.decided)
            put_opened(text, &naming, &node->engine.rounds);
    }
    put_votes(text, &naming, net);
    put_blocks(text, &naming, net);
}

static struct twins_state fingerprint_of(const struct text *text) {
    struct twins_state print = {0xcbf29ce484222325, 0x9e3779b97f4a7c15};
    for (uint32_t i = 0; i < text->size; i++) {
        print.a = (print.a ^ text->bytes[i]) * 0x100000001b3;
        print.b = (print.b + text->bytes[i]) * 0xbf58476d1ce4e5b9;
        print.b ^= print.b >> 29;
    }
    print.a ^= print.a >> 32;
    return print;
}

/* What can be seen of a node whatever the names: most nodes differ in it, so that few orders of them need be tried. */
enum { MARKS = 14 };

static void mark(int32_t marks[MARKS], const struct twins_net *net, uint32_t who) {
    const struct twins_node *node = &net->nodes[who];
    const struct engine *engine = &node->engine;
    uint32_t at = 0;
    memset(marks, 0, MARKS * sizeof marks[0]);
    marks[at++] = engine->decided;
    marks[at++] = (int32_t)node->config.lock_rule;
    if (engine->decided)
        return;
    marks[at++] = engine->round;
    marks[at++] = (int32_t)engine->phase;
    marks[at++] = engine->locked_round;
    marks[at++] = engine->valid_round;
    marks[at++] = engine->has_proposal;
    marks[at++] = node->proposed[engine->round];
    for (int32_t type = VOTE_PREVOTE; type <= VOTE_PRECOMMIT; type++) {
        const struct tally *tally = rounds_tally(&engine->rounds, engine->round, type);
        marks[at++] = node->said[engine->round][type - 1] < 2 ? node->said[engine->round][type - 1] : 2;
        marks[at++] = tally == NULL ? -1 : (int32_t)bit_array_count(&tally->voted);
        marks[at++] = tally != NULL && bit_array_get(&tally->voted, TWINS_HONEST);
    }
}

static bool in_order(const int32_t marks[TWINS_NODES][MARKS], const uint8_t *who) {
    for (uint32_t place = 1; place < TWINS_NODES; place++)
        for (uint32_t i = 0; place != TWINS_HONEST && i < MARKS; i++)
            if (marks[who[place - 1]][i] != marks[who[place]][i]) {
                if (marks[who[place - 1]][i] > marks[who[place]][i])
                    return false;
                break;
            }
    return true;
}

struct twins_state twins_state_of(const struct twins_net *net) {
    static struct text text;
    struct twins_state least = {UINT64_MAX, UINT64_MAX};
    int32_t marks[TWINS_NODES][MARKS];
    for (uint32_t who = 0; who < TWINS_NODES; who++)
        mark(marks[who], net, who);
    for (uint32_t i = 0; i < SYMMETRIES; i++) {
        if (!in_order((const int32_t(*)[MARKS])marks, symmetries[i]))
            continue;
        describe(&text, net, symmetries[i]);
        struct twins_state print = fingerprint_of(&text);
        if (print.a < least.a || (print.a == least.a && print.b < least.b))
            least = print;
    }
    return least;
}
