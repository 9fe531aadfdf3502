#include "tests/tendermint/twins_net.h"

#include <assert.h>

#include "tests/tendermint/story.h"

enum { HEALING_ROUNDS = 12 };

/* --- names ---------------------------------------------------------------------------------------------------- */

uint32_t twins_key_of(uint32_t node) { return node < TWINS_HONEST ? node : TWINS_HONEST; }

/* Blocks are numbered by round and maker; 0 is nil. */
struct block_id twins_id_of(uint32_t block) {
    struct block_id id = {0};
    if (block == 0)
        return id;
    id.hash.size = id.parts.hash.size = 32;
    id.hash.bytes[0] = id.parts.hash.bytes[0] = (uint8_t)block;
    id.parts.total = 1;
    return id;
}

uint32_t twins_block_of(const struct block_id *id) { return id->hash.size == 0 ? 0 : id->hash.bytes[0]; }

static uint32_t block_made(int32_t round, uint32_t node) { return 1 + (uint32_t)round * TWINS_NODES + node; }

/* Groups of each node, numbered in order of their first member. */
uint8_t twins_partitions[TWINS_PARTITIONS][TWINS_NODES];
static uint32_t partition_count[TWINS_NODES + 1]; /* with at most so many groups */

static void add_partitions(uint8_t *groups, uint32_t at, uint32_t used, uint32_t wanted) {
    if (at == TWINS_NODES) {
        if (used == wanted)
            memcpy(twins_partitions[partition_count[wanted]++], groups, TWINS_NODES);
        return;
    }
    for (uint32_t group = 0; group <= used && group < wanted; group++) {
        groups[at] = (uint8_t)group;
        add_partitions(groups, at + 1, group == used ? used + 1 : used, wanted);
    }
}

/* Two honest nodes and a twin, who are a quorum, on one side. */
static bool is_classic(const uint8_t *groups) {
    uint32_t honest = (uint32_t)(groups[0] + groups[1] + groups[2]);
    return groups[3] != groups[4] && (honest == 1 || honest == 2) && groups[3] == honest / 2;
}

/* Those with one group first, then with two, then with three; of those with two, the classic ones first. */
static void make_partitions(void) {
    uint8_t groups[TWINS_NODES], kept[TWINS_NODES];
    for (uint32_t wanted = 1; wanted <= 3; wanted++) {
        partition_count[wanted] = partition_count[wanted - 1];
        add_partitions(groups, 0, 0, wanted);
    }
    for (uint32_t i = 1, first = 1; i < partition_count[2]; i++)
        if (is_classic(twins_partitions[i])) {
            memcpy(kept, twins_partitions[i], TWINS_NODES);
            memmove(twins_partitions[first + 1], twins_partitions[first], (i - first) * TWINS_NODES);
            memcpy(twins_partitions[first++], kept, TWINS_NODES);
        }
}

uint32_t twins_partition_count(enum twins_groups groups) {
    if (partition_count[3] == 0)
        make_partitions();
    return groups == TWINS_CLASSIC ? 7 : partition_count[groups == TWINS_TWO_GROUPS ? 2 : 3];
}

/* --- nodes ---------------------------------------------------------------------------------------------------- */

static void blame(struct twins_net *net, const char *what) {
    if (net->violation == NULL)
        net->violation = what;
}

static void note_decision(struct twins_net *net, uint32_t who) {
    if (who >= TWINS_HONEST)
        return;
    net->decided++;
    for (uint32_t i = 0; i < TWINS_HONEST; i++)
        if (net->nodes[i].engine.decided && !block_id_equal(&net->nodes[i].engine.commit_id, &net->nodes[who].engine.commit_id))
            blame(net, "two honest nodes decided two blocks");
}

static void note_vote(struct twins_net *net, uint32_t who, const struct engine_effect *effect) {
    uint8_t *said = &net->nodes[who].said[effect->round][effect->type - 1];
    if (*said != 0)
        blame(net, "an engine wished to vote twice");
    *said = (uint8_t)(twins_block_of(&effect->block_id) + 1);
}

static struct engine_event vote_event(const struct twins_net *net, uint32_t who, int32_t round, int32_t type, uint32_t block) {
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = who + 1};
    vote_init(&event.vote);
    event.vote.type = type;
    event.vote.height = 1;
    event.vote.round = round;
    event.vote.block_id = twins_id_of(block);
    event.vote.validator_index = (int32_t)twins_key_of(who);
    event.vote.validator_address = net->set.validators[twins_key_of(who)].address;
    event.vote.signature = (struct signature){.size = 64, .bytes = {(uint8_t)round, (uint8_t)type, (uint8_t)twins_key_of(who), (uint8_t)block}};
    return event;
}

static void feed(struct twins_net *net, uint32_t who, const struct engine_event *event);

static void feed_block(struct twins_net *net, uint32_t who, uint32_t block) {
    struct engine_event event = {.kind = ENGINE_ON_BLOCK};
    net->nodes[who].knows[block] = true;
    event.block = (struct engine_block){.id = twins_id_of(block), .valid = true};
    feed(net, who, &event);
}

static void perform(struct twins_net *net, uint32_t who) {
    struct twins_node *node = &net->nodes[who];
    struct engine_event own[8];
    uint32_t own_count = 0, fetched = 0;
    if (node->timers_round != node->engine.round)
        node->timers = 0;
    node->timers_round = node->engine.round;
    for (uint32_t i = 0; i < node->effects.count; i++) {
        const struct engine_effect *effect = &node->effects.list[i];
        if (effect->kind == ENGINE_DO_VOTE) {
            note_vote(net, who, effect);
            own[own_count++] = vote_event(net, who, effect->round, effect->type, twins_block_of(&effect->block_id));
        } else if (effect->kind == ENGINE_DO_TIMER && effect->round == node->engine.round)
            node->timers |= 1u << effect->phase;
        else if (effect->kind == ENGINE_DO_FETCH && node->knows[twins_block_of(&effect->block_id)])
            fetched = twins_block_of(&effect->block_id);
        else if (effect->kind == ENGINE_DO_DECIDE)
            note_decision(net, who);
        else if (effect->kind == ENGINE_DO_ACCUSE && effect->index < TWINS_HONEST)
            blame(net, "an honest node was accused");
        else if (effect->kind == ENGINE_DO_HALT)
            blame(net, "a node halted");
    }
    for (uint32_t i = 0; i < own_count; i++) {
        own[i].peer = ROUNDS_OWN_PEER;
        feed(net, who, &own[i]);
    }
    if (fetched != 0)
        feed_block(net, who, fetched);
}

static void feed(struct twins_net *net, uint32_t who, const struct engine_event *event) {
    struct twins_node *node = &net->nodes[who];
    if (node->engine.decided || net->violation != NULL)
        return;
    engine_step(&node->engine, &node->effects, event);
    perform(net, who);
}

static void feed_timeout(struct twins_net *net, uint32_t who, uint32_t phase) {
    struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
    event.timeout.height = 1;
    event.timeout.round = net->nodes[who].engine.round;
    event.timeout.phase = phase;
    feed(net, who, &event);
}

/* What ran out by the end of an exchange; what it sets runs out later. */
static void fire_timers(struct twins_net *net, uint32_t phase_max) {
    for (uint32_t who = 0; who < TWINS_NODES; who++) {
        struct twins_node *node = &net->nodes[who];
        uint32_t due = node->timers & ((2u << phase_max) - 1);
        int32_t round = node->engine.round;
        node->timers &= ~due;
        for (uint32_t phase = ENGINE_NEW_HEIGHT; phase <= phase_max; phase++)
            if ((due & 1u << phase) != 0 && node->engine.round == round)
                feed_timeout(net, who, phase);
    }
}

static void propose(struct twins_net *net) {
    for (uint32_t who = 0; who < TWINS_NODES; who++) {
        struct twins_node *node = &net->nodes[who];
        int32_t round = node->engine.round;
        if (node->engine.decided || node->engine.phase != ENGINE_PROPOSE || node->proposed[round] ||
            net->leaders[round] != (int8_t)twins_key_of(who))
            continue;
        node->proposed[round] = true;
        bool again = !block_id_is_nil(&node->engine.valid);
        uint32_t block = again ? twins_block_of(&node->engine.valid) : block_made(round, who);
        struct engine_event event = {.kind = ENGINE_ON_PROPOSAL};
        event.proposal = story_proposal(1, round, again ? node->engine.valid_round : -1, 'a');
        event.proposal.block_id = twins_id_of(block);
        feed(net, who, &event);
        feed_block(net, who, block);
    }
}

/* --- what they hear ------------------------------------------------------------------------------------------- */

static void hear_vote(struct twins_net *net, uint32_t to, const struct engine_event *event) {
    const struct tally *tally = rounds_tally(&net->nodes[to].engine.rounds, event->vote.round, event->vote.type);
    const struct bit_array *counted = tally == NULL ? NULL : tally_voted_for(tally, &event->vote.block_id);
    if (counted == NULL || !bit_array_get(counted, (uint32_t)event->vote.validator_index))
        feed(net, to, event);
}

static void hear_claim(struct twins_net *net, uint32_t from, uint32_t to, const struct tally *tally) {
    struct engine_event event = {.kind = ENGINE_ON_CLAIM, .peer = from + 1};
    uint8_t *claimed = &net->nodes[to].claimed[tally->round][tally->type - 1][from];
    if (*claimed != 0 || !tally_majority(tally, &event.claim.id) ||
        rounds_tally(&net->nodes[to].engine.rounds, tally->round, tally->type) == NULL)
        return;
    event.claim.round = tally->round;
    event.claim.type = tally->type;
    *claimed = (uint8_t)(twins_block_of(&event.claim.id) + 1);
    feed(net, to, &event);
}

/* All that a node counted, but for what it said itself in this very exchange. */
static void hear_tally(struct twins_net *net, uint32_t from, uint32_t to, const struct tally *tally, const uint8_t said[TWINS_NUMBERS][2]) {
    hear_claim(net, from, to, tally);
    for (uint32_t key = 0; key < TWINS_KEYS; key++) {
        struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = from + 1};
        bool fresh = key == twins_key_of(from) && said[tally->round][tally->type - 1] == 0;
        if (!fresh && tally_vote(tally, &event.vote, key))
            hear_vote(net, to, &event);
    }
}

static void hear_proposal(struct twins_net *net, uint32_t from, uint32_t to) {
    const struct engine *engine = &net->nodes[from].engine;
    struct engine_event event = {.kind = ENGINE_ON_PROPOSAL, .peer = from + 1};
    bool own = net->nodes[from].proposed[engine->round];
    if (!engine->has_proposal || (!own && !net->gossip) || engine->proposal.round < net->nodes[to].engine.round)
        return;
    event.proposal = engine->proposal;
    feed(net, to, &event);
    if (net->nodes[from].knows[twins_block_of(&event.proposal.block_id)])
        feed_block(net, to, twins_block_of(&event.proposal.block_id));
}

static void hear_own_votes(struct twins_net *net, uint32_t from, uint32_t to, int32_t round, const uint8_t said[TWINS_NUMBERS][2]) {
    for (int32_t type = VOTE_PREVOTE; type <= VOTE_PRECOMMIT; type++) {
        const struct tally *tally = rounds_tally(&net->nodes[from].engine.rounds, round, type);
        if (tally != NULL)
            hear_claim(net, from, to, tally);
        if (said[round][type - 1] == 0)
            continue;
        struct engine_event event = vote_event(net, from, round, type, said[round][type - 1] - 1u);
        hear_vote(net, to, &event);
    }
}

static void hear_all(struct twins_net *net, uint32_t from, uint32_t to, const uint8_t said[TWINS_NUMBERS][2]) {
    const struct rounds *rounds = &net->nodes[from].engine.rounds;
    for (uint32_t i = 0; i < rounds->count; i++) {
        hear_tally(net, from, to, &rounds->pairs[i]->prevotes, said);
        hear_tally(net, from, to, &rounds->pairs[i]->precommits, said);
    }
}

static void hear(struct twins_net *net, uint32_t from, uint32_t to, int32_t round, const uint8_t said[TWINS_NUMBERS][2]) {
    const struct engine *engine = &net->nodes[from].engine;
    if (net->nodes[to].engine.decided)
        return;
    if (engine->decided) { /* to stragglers: the commit */
        hear_tally(net, from, to, rounds_tally(&engine->rounds, engine->commit_round, VOTE_PRECOMMIT), said);
        return;
    }
    hear_proposal(net, from, to);
    if (net->gossip)
        hear_all(net, from, to, said);
    else
        hear_own_votes(net, from, to, round, said);
}

static void fetch(struct twins_net *net, uint32_t to, const uint8_t *groups) {
    const struct engine *engine = &net->nodes[to].engine;
    uint32_t block = twins_block_of(&engine->wanted);
    for (uint32_t from = 0; from < TWINS_NODES && block != 0; from++)
        if (groups[from] == groups[to] && net->nodes[from].knows[block]) {
            feed_block(net, to, block);
            return;
        }
}

/* Everybody says at once what was to be said when it began. */
static void exchange(struct twins_net *net, const uint8_t *groups) {
    uint8_t said[TWINS_NODES][TWINS_NUMBERS][2];
    int32_t rounds[TWINS_NODES];
    propose(net);
    for (uint32_t who = 0; who < TWINS_NODES; who++) {
        memcpy(said[who], net->nodes[who].said, sizeof said[who]);
        rounds[who] = net->nodes[who].engine.round;
    }
    for (uint32_t to = 0; to < TWINS_NODES; to++)
        for (uint32_t from = 0; from < TWINS_NODES; from++)
            if (from != to && groups[from] == groups[to])
                hear(net, from, to, rounds[from], said[from]);
    for (uint32_t to = 0; to < TWINS_NODES; to++)
        fetch(net, to, groups);
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

static enum engine_lock_rule rule_of(enum twins_rule rule, uint32_t who) {
    bool comet = rule == TWINS_COMET || (rule == TWINS_MIXED && (who == 1 || who == 2 || who == 4));
    return comet ? ENGINE_LOCK_COMET : ENGINE_LOCK_STRICT;
}

void twins_net_begin(struct twins_net *net, const struct twins_settings *settings) {
    struct valset_change members[TWINS_KEYS] = {0};
    memset(net, 0, sizeof *net);
    net->settings = settings;
    net->gossip = settings->gossip;
    memset(net->leaders, -1, sizeof net->leaders);
    for (uint32_t key = 0; key < TWINS_KEYS; key++)
        members[key] = (struct valset_change){.address = {.size = 20, .bytes = {(uint8_t)key}}, .power = 1};
    valset_init(&net->set);
    enum valset_verdict verdict = valset_make(&net->set, members, TWINS_KEYS);
    assert(verdict == VALSET_GOOD);
    for (uint32_t who = 0; who < TWINS_NODES; who++) {
        struct twins_node *node = &net->nodes[who];
        node->config = story_config();
        node->config.lock_rule = rule_of(settings->rule, who);
        engine_init(&node->engine, &node->config, 1);
        node->begin = (struct engine_height){.height = 1, .validators = &net->set, .own = net->set.validators[twins_key_of(who)].address};
        engine_begin(&node->engine, &node->effects, &node->begin);
        perform(net, who);
        feed_timeout(net, who, ENGINE_NEW_HEIGHT);
    }
}

void twins_net_end(struct twins_net *net) {
    for (uint32_t who = 0; who < TWINS_NODES; who++)
        engine_close(&net->nodes[who].engine);
    valset_close(&net->set);
}

int32_t twins_net_front(const struct twins_net *net) {
    int32_t round = 0;
    for (uint32_t who = 0; who < TWINS_NODES; who++)
        if (net->nodes[who].engine.round > round)
            round = net->nodes[who].engine.round;
    return round;
}

void twins_net_run(struct twins_net *net, const struct twins_choice *choice) {
    int8_t *leader = &net->leaders[twins_net_front(net)];
    if (*leader < 0)
        *leader = (int8_t)choice->leader;
    exchange(net, twins_partitions[choice->hear_prevotes]);
    fire_timers(net, ENGINE_PROPOSE);
    exchange(net, twins_partitions[choice->hear_prevotes]);
    fire_timers(net, ENGINE_PREVOTE_WAIT);
    exchange(net, twins_partitions[choice->hear_precommits]);
    fire_timers(net, ENGINE_PRECOMMIT_WAIT);
}

/* All hear all. The twins go on as they did: they are the liar that is left. */
void twins_net_heal(struct twins_net *net) {
    net->gossip = true;
    for (uint32_t i = 0; i < HEALING_ROUNDS && net->decided < TWINS_HONEST && net->violation == NULL; i++)
        twins_net_run(net, &(struct twins_choice){0, 0, (uint8_t)(i % TWINS_KEYS)});
    if (net->decided < TWINS_HONEST)
        blame(net, "after the healing not all honest nodes decided");
}
