/* The walk itself: rounds in which the seed says who hears whom, and what the faulty do meanwhile. */
#include <assert.h>
#include <stdlib.h>

#include "tests/tendermint/walk.h"

void walk_network_run(struct walk *walk);

enum { EPOCHS_MAX = 7, HEALING_EPOCHS = 120, NEVER = 255 };

#define ALL_NODES UINT32_MAX

uint32_t walk_proposer(const struct walk *walk, int32_t round) { return (uint32_t)(round + (int32_t)(walk->settings.seed % 7)) % walk->keys; }

/* Real headers, so that their hashes and the set that they name can be judged. */
uint8_t walk_make_block(struct walk *walk, int32_t round, uint32_t maker) {
    if (walk->block_count == WALK_BLOCKS_MAX)
        return 0;
    uint8_t block = (uint8_t)walk->block_count++;
    struct header *header = &walk->headers[block].header;
    header_init(header);
    header_set_chain_id(header, span_text("walk"));
    header->version_block = HEADER_BLOCK_PROTOCOL;
    header->height = 1;
    header->time = (struct timestamp){1700000000 + round, 0};
    header->validators_hash = header->next_validators_hash = walk->set_hash;
    header->proposer_address = walk->set.validators[walk->nodes[maker].key].address;
    header->app_hash = (struct app_hash){2, {block, (uint8_t)maker}};
    header_hash(&walk->headers[block].hash, header);
    struct block_id *id = &walk->ids[block];
    id->hash = id->parts.hash = walk->headers[block].hash;
    id->parts.total = 1;
    return block;
}

static uint8_t block_of(const struct walk *walk, const struct block_id *id) {
    for (uint32_t i = 1; i < walk->block_count; i++)
        if (block_id_equal(&walk->ids[i], id))
            return (uint8_t)i;
    return 0;
}

void walk_say(struct walk *walk, uint32_t from, int32_t type, int32_t round, uint8_t block, int32_t pol_round, uint32_t to) {
    if (walk->said_count == WALK_SAID_MAX || round >= WALK_ROUNDS_MAX) {
        walk->halted = true;
        return;
    }
    walk->said[walk->said_count++] = (struct walk_said){type, round, pol_round, (uint8_t)from, walk->nodes[from].key, block, to};
}

/* ---- the engine's side of a node */

static void step(struct walk *walk, uint32_t who, const struct engine_event *event, bool *counted);
static void hear(struct walk *walk, uint32_t who, uint32_t number);

static void feed_block(struct walk *walk, uint32_t who, uint8_t block) {
    struct engine_event event = {.kind = ENGINE_ON_BLOCK};
    event.block = (struct engine_block){.id = walk->ids[block], .valid = true};
    step(walk, who, &event, NULL);
}

static void propose(struct walk *walk, uint32_t who, const struct engine_effect *effect) {
    uint8_t block = block_id_is_nil(&effect->block_id) ? walk_make_block(walk, effect->round, who) : block_of(walk, &effect->block_id);
    if (block != 0)
        walk_say(walk, who, VOTE_PROPOSAL, effect->round, block, effect->pol_round, ALL_NODES);
}

static void start_engine(struct walk *walk, uint32_t who) {
    struct walk_node *node = &walk->nodes[who];
    engine_init(&node->engine, &node->config, 1);
    node->begin = (struct engine_height){.height = 1, .validators = &walk->set, .own = walk->set.validators[node->key].address, .proof_block = true};
}

static void wake(struct walk *walk, uint32_t who);

/* The decision too: it goes on as if it had never been there, and hears what is said from now on. */
static void forget_all(struct walk *walk, uint32_t who) {
    struct walk_node *node = &walk->nodes[who];
    node->decided = false;
    engine_close(&node->engine);
    memset(node->delivered, 1, walk->said_count);
    start_engine(walk, who);
    node->timers_round = node->engine.round;
    node->timers = 0;
    node->asleep = true;
}

static void perform(struct walk *walk, uint32_t who, const struct engine_effects *effects) {
    struct walk_node *node = &walk->nodes[who];
    uint32_t own = walk->said_count;
    uint8_t fetched = 0;
    if (node->timers_round != node->engine.round)
        node->timers = 0;
    node->timers_round = node->engine.round;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct engine_effect *effect = &effects->list[i];
        if (effect->kind == ENGINE_DO_VOTE)
            walk_say(walk, who, effect->type, effect->round, block_of(walk, &effect->block_id), 0, ALL_NODES);
        else if (effect->kind == ENGINE_DO_PROPOSE)
            propose(walk, who, effect);
        else if (effect->kind == ENGINE_DO_TIMER && effect->round == node->engine.round)
            node->timers |= 1u << effect->phase;
        else if (effect->kind == ENGINE_DO_FETCH)
            fetched = block_of(walk, &effect->block_id);
        else if (effect->kind == ENGINE_DO_DECIDE) {
            node->decided = true;
            node->decided_block = block_of(walk, &effect->block_id);
            node->decided_round = effect->round;
        } else if (effect->kind == ENGINE_DO_HALT)
            walk->halted = true;
    }
    if (node->decided && node->fault == WALK_AMNESIAC)
        forget_all(walk, who);
    for (uint32_t end = walk->said_count; own < end; own++)
        hear(walk, who, own); /* what we say comes back by the same door, at once */
    if (fetched != 0)
        feed_block(walk, who, fetched);
}

static void step(struct walk *walk, uint32_t who, const struct engine_event *event, bool *counted) {
    struct walk_node *node = &walk->nodes[who];
    int32_t round = node->engine.round;
    if (node->decided || walk->halted || node->asleep)
        return;
    struct engine_effects effects;
    engine_step(&node->engine, &node->effects, event);
    for (uint32_t i = 0; counted != NULL && i < node->effects.count; i++)
        *counted |= node->effects.list[i].kind == ENGINE_DO_HAVE || node->effects.list[i].kind == ENGINE_DO_ACCUSE;
    effects.count = node->effects.count;
    memcpy(effects.list, node->effects.list, node->effects.count * sizeof effects.list[0]);
    perform(walk, who, &effects);
    /* An amnesiac forgets between rounds what it is locked on. */
    if (node->fault == WALK_AMNESIAC && node->engine.round != round && walk_below(walk, 4) > 0) {
        node->engine.locked = node->engine.valid = (struct block_id){0};
        node->engine.locked_round = node->engine.valid_round = -1;
    }
}

static void hear_proposal(struct walk *walk, uint32_t who, const struct walk_said *said) {
    struct engine_event event = {.kind = ENGINE_ON_PROPOSAL, .peer = said->from == who ? ROUNDS_OWN_PEER : said->from + 1u};
    proposal_init(&event.proposal);
    event.proposal.type = VOTE_PROPOSAL;
    event.proposal.height = 1;
    event.proposal.round = said->round;
    event.proposal.pol_round = said->pol_round;
    event.proposal.block_id = walk->ids[said->block];
    if (said->key == (uint32_t)engine_proposer(&walk->nodes[who].engine, said->round))
        step(walk, who, &event, NULL);
    feed_block(walk, who, said->block);
}

static void hear_vote(struct walk *walk, uint32_t who, const struct walk_said *said, bool *counted) {
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = said->from == who ? ROUNDS_OWN_PEER : said->from + 1u};
    vote_init(&event.vote);
    event.vote.type = said->type;
    event.vote.height = 1;
    event.vote.round = said->round;
    event.vote.block_id = walk->ids[said->block];
    event.vote.timestamp = (struct timestamp){1700000000, said->key};
    event.vote.validator_index = said->key;
    event.vote.validator_address = walk->set.validators[said->key].address;
    event.vote.signature = (struct signature){.size = 64, .bytes = {said->key, (uint8_t)said->round, (uint8_t)said->type, said->block}};
    step(walk, who, &event, counted);
}

static bool has_brain(const struct walk_node *node) { return node->fault != WALK_CONSPIRATOR && node->fault != WALK_TWO_TONGUES; }

static void hear(struct walk *walk, uint32_t who, uint32_t number) {
    struct walk_node *node = &walk->nodes[who];
    const struct walk_said said = walk->said[number];
    bool counted = false;
    node->delivered[number] = 1;
    if (node->is_paper) {
        counted = !node->decided;
        walk_paper_hear(walk, who, &said);
    } else if (said.type == VOTE_PROPOSAL)
        hear_proposal(walk, who, &said);
    else
        hear_vote(walk, who, &said, &counted);
    node->logged[number] |= (counted || said.from == who) && said.type != VOTE_PROPOSAL; /* a claim may have had it counted before */
}

/* ---- the faulty without a brain */

/* One tongue: whatever is newest, to all; locks do not matter. Two: to each half something else. */
static void conspire(struct walk *walk, uint32_t who, int32_t round) {
    uint8_t newest[2] = {0, 0};
    int64_t most = 0, power[WALK_BLOCKS_MAX] = {0};
    for (uint32_t i = 0; i < walk->said_count; i++) {
        const struct walk_said *said = &walk->said[i];
        if (said->round == round && said->type == VOTE_PROPOSAL) {
            newest[0] = newest[1];
            newest[1] = said->block;
        } else if (said->round == round && said->type == VOTE_PREVOTE && said->block != 0)
            power[said->block] += walk->set.validators[said->key].power;
    }
    for (uint32_t block = 1; block < walk->block_count; block++)
        if (power[block] > most) { /* whatever others are for already */
            most = power[block];
            newest[1] = (uint8_t)block;
        }
    uint32_t half = (uint32_t)walk_below(walk, 1u << 16) | walk_below(walk, 1u << 16) << 16;
    bool both = walk->nodes[who].fault == WALK_TWO_TONGUES;
    uint8_t other = walk_below(walk, 3) == 0 || walk->block_count < 2 ? newest[0] : (uint8_t)walk_below(walk, walk->block_count);
    uint8_t mine = walk_below(walk, 6) == 0 ? other : newest[1];
    for (int32_t type = VOTE_PREVOTE; type <= VOTE_PRECOMMIT; type++) {
        uint8_t wish = type == VOTE_PRECOMMIT && walk_below(walk, 5) == 0 ? 0 : mine;
        if (!both && walk_below(walk, 8) == 0)
            continue; /* keeps silent */
        walk_say(walk, who, type, round, wish, 0, both ? half : ALL_NODES);
        if (both && other != wish)
            walk_say(walk, who, type, round, other, 0, ~half);
    }
}

static void propose_twice(struct walk *walk, uint32_t who, int32_t round) {
    uint32_t half = walk_below(walk, 1u << 20);
    uint8_t a = walk_make_block(walk, round, who), b = walk_below(walk, 2) == 0 ? walk_make_block(walk, round, who) : a;
    if (a == 0 || b == 0)
        return;
    walk_say(walk, who, VOTE_PROPOSAL, round, a, -1, a == b ? ALL_NODES : half);
    if (a != b)
        walk_say(walk, who, VOTE_PROPOSAL, round, b, -1, ~half);
}

static bool proposes(const struct walk *walk, uint32_t who, int32_t round) {
    for (uint32_t i = 0; i < walk->node_count; i++)
        if (!walk->nodes[i].is_paper && has_brain(&walk->nodes[i]) && walk->nodes[i].engine.round <= round && !walk->nodes[i].decided)
            return engine_proposer(&walk->nodes[i].engine, round) == walk->nodes[who].key;
    return walk->nodes[who].is_paper && walk_proposer(walk, round) == walk->nodes[who].key;
}

/* ---- rounds */

static bool is_single(const struct walk_node *node) { return node->fault != WALK_HONEST && node->fault != WALK_TWIN; }

/* The honest are in two teams; one of them agrees with the faulty on something, and often only one of it learns what was decided. */
static void choose_team(struct walk *walk, int32_t round) {
    uint32_t on = (uint32_t)round + walk_below(walk, 4) / 3, lucky = walk_below(walk, walk->node_count), lone = walk_below(walk, 2);
    for (uint32_t to = 0; to < walk->node_count; to++)
        for (int type = 0; type < 2; type++) {
            struct walk_node *node = &walk->nodes[to];
            node->hears[type] = 1u << to;
            bool listens = is_single(node) || (to + on) % 2 == 0;
            if (listens && (type == 0 || lone == 0 || to == lucky || node->fault != WALK_HONEST))
                for (uint32_t from = 0; from < walk->node_count; from++)
                    node->hears[type] |= is_single(&walk->nodes[from]) || (from + on) % 2 == 0 ? 1u << from : 0;
        }
}

static void choose_hearing(struct walk *walk, int32_t round) {
    if (walk->in_teams && walk_below(walk, 6) > 0) {
        choose_team(walk, round);
        return;
    }
    uint32_t groups = 1 + walk_below(walk, 3), loss = walk_below(walk, 4);
    uint8_t group[WALK_NODES_MAX];
    for (int type = 0; type < 2; type++) {
        if (type == 0 || walk_below(walk, 2) == 0)
            for (uint32_t i = 0; i < walk->node_count; i++)
                group[i] = (uint8_t)walk_below(walk, groups);
        for (uint32_t to = 0; to < walk->node_count; to++) {
            uint32_t *hears = &walk->nodes[to].hears[type];
            *hears = 1u << to;
            for (uint32_t from = 0; from < walk->node_count; from++) {
                bool everywhere = is_single(&walk->nodes[from]) || is_single(&walk->nodes[to]);
                if ((group[from] == group[to] || everywhere) && (loss < 3 || walk_below(walk, 4) > 0))
                    *hears |= 1u << from;
            }
        }
    }
}

static bool may_hear(const struct walk *walk, uint32_t who, uint32_t number, int32_t round) {
    const struct walk_said *said = &walk->said[number];
    const struct walk_node *node = &walk->nodes[who];
    if (node->delivered[number] || (said->to >> who & 1) == 0)
        return false;
    (void)round;
    return (node->hears[said->type == VOTE_PRECOMMIT] >> said->from & 1) != 0;
}

static bool deliver_some(struct walk *walk, int32_t round) {
    bool any = false;
    for (uint32_t i = 0; i < walk->said_count; i++) {
        uint32_t first = walk_below(walk, walk->node_count);
        for (uint32_t j = 0; j < walk->node_count; j++) {
            uint32_t who = (first + j) % walk->node_count;
            if (has_brain(&walk->nodes[who]) && may_hear(walk, who, i, round)) {
                hear(walk, who, i);
                any = true;
            }
        }
    }
    return any;
}

static void fire(struct walk *walk, uint32_t who, uint32_t phase);

static void wake(struct walk *walk, uint32_t who) {
    struct walk_node *node = &walk->nodes[who];
    node->asleep = false;
    engine_begin(&node->engine, &node->effects, &node->begin);
    struct engine_effects effects = node->effects;
    perform(walk, who, &effects);
    fire(walk, who, ENGINE_NEW_HEIGHT);
}

static void fire(struct walk *walk, uint32_t who, uint32_t phase) {
    struct walk_node *node = &walk->nodes[who];
    if (node->is_paper) {
        walk_paper_timeout(walk, who, phase);
        return;
    }
    struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
    event.timeout.height = 1;
    event.timeout.round = node->engine.round;
    event.timeout.phase = phase;
    node->timers &= ~(1u << phase);
    step(walk, who, &event, NULL);
}

static int32_t round_of(const struct walk_node *node) { return node->is_paper ? node->paper.round : node->engine.round; }

static bool fire_some(struct walk *walk, int32_t round) {
    bool any = false;
    uint32_t first = walk_below(walk, walk->node_count);
    for (uint32_t j = 0; j < walk->node_count; j++) {
        uint32_t who = (first + j) % walk->node_count;
        struct walk_node *node = &walk->nodes[who];
        uint32_t timers = node->is_paper ? node->paper.timers : node->timers;
        if (!has_brain(node) || node->decided || round_of(node) > round || timers == 0)
            continue;
        fire(walk, who, (uint32_t)__builtin_ctz(timers));
        any = true;
        if (walk_below(walk, 3) == 0)
            break;
    }
    return any;
}

/* For each round in which somebody is, once: when all was said that will be said without them. */
static bool conspire_all(struct walk *walk, int32_t round_max) {
    int32_t front = 0;
    bool any = false;
    for (uint32_t i = 0; i < walk->node_count; i++)
        if (has_brain(&walk->nodes[i]) && !walk->nodes[i].decided && round_of(&walk->nodes[i]) > front)
            front = round_of(&walk->nodes[i]);
    for (uint32_t who = 0; who < walk->node_count; who++)
        if (!has_brain(&walk->nodes[who]) && walk->nodes[who].conspired <= front && walk->nodes[who].conspired <= round_max) {
            conspire(walk, who, walk->nodes[who].conspired++);
            any = true;
        }
    return any;
}

static void epoch(struct walk *walk, int32_t round) {
    for (uint32_t who = 0; who < walk->node_count; who++)
        if (!has_brain(&walk->nodes[who]) && proposes(walk, who, round))
            propose_twice(walk, who, round);
    for (int turn = 0; turn < 400 && !walk->halted; turn++)
        if (!deliver_some(walk, round) && !conspire_all(walk, round) && !fire_some(walk, round))
            break;
    for (uint32_t who = 0; who < walk->node_count; who++)
        if (walk->nodes[who].asleep) /* where the others are it learns by hearing two thirds there */
            wake(walk, who);
}

/* ---- the end: all is heard by all who may hear it; and majorities are told, so that a liar's other vote counts where it must */

static void claim(struct walk *walk, uint32_t from, uint32_t to, const struct tally *tally) {
    struct engine_event event = {.kind = ENGINE_ON_CLAIM, .peer = from + 1};
    bool *claimed = &walk->nodes[to].claimed[tally->type - 1][tally->round][from];
    if (*claimed || !tally_majority(tally, &event.claim.id) || rounds_tally(&walk->nodes[to].engine.rounds, tally->round, tally->type) == NULL)
        return;
    *claimed = true;
    event.claim.round = tally->round;
    event.claim.type = tally->type;
    step(walk, to, &event, NULL);
    for (uint32_t i = 0; i < walk->said_count; i++) { /* what it dropped comes again */
        const struct walk_said said = walk->said[i];
        bool counted = false;
        if (said.type == tally->type && said.round == tally->round && block_id_equal(&walk->ids[said.block], &event.claim.id)) {
            hear_vote(walk, to, &said, &counted);
            walk->nodes[to].logged[i] |= counted;
        }
    }
}

static void claim_all(struct walk *walk) {
    for (uint32_t from = 0; from < walk->node_count; from++)
        for (uint32_t to = 0; to < walk->node_count; to++) {
            const struct rounds *rounds = &walk->nodes[from].engine.rounds;
            if (from == to || walk->nodes[from].fault != WALK_HONEST || walk->nodes[to].fault != WALK_HONEST || walk->nodes[from].is_paper)
                continue;
            for (uint32_t i = 0; i < rounds->count; i++) {
                claim(walk, from, to, &rounds->pairs[i]->prevotes);
                claim(walk, from, to, &rounds->pairs[i]->precommits);
            }
        }
}

static bool all_decided(const struct walk *walk) {
    for (uint32_t i = 0; i < walk->node_count; i++)
        if (walk->nodes[i].fault == WALK_HONEST && !walk->nodes[i].decided)
            return false;
    return true;
}

static int32_t lowest_round(const struct walk *walk) {
    int32_t lowest = WALK_ROUNDS_MAX;
    for (uint32_t i = 0; i < walk->node_count; i++)
        if (walk->nodes[i].fault == WALK_HONEST && !walk->nodes[i].decided && round_of(&walk->nodes[i]) < lowest)
            lowest = round_of(&walk->nodes[i]);
    return lowest;
}

/* What came too early, of a round too far off, was dropped, and comes again: gossip ends only when it is counted. */
static void remind(struct walk *walk) {
    for (uint32_t who = 0; who < walk->node_count; who++) {
        struct walk_node *node = &walk->nodes[who];
        if (node->is_paper || node->fault != WALK_HONEST || node->decided || node->reminded == node->engine.round + 1)
            continue;
        node->reminded = node->engine.round + 1;
        for (uint32_t i = 0; i < walk->said_count; i++)
            if (walk->said[i].type != VOTE_PROPOSAL && !node->logged[i])
                node->delivered[i] = 0;
    }
}

/* Gossip passes on what anybody knows. */
static void heal(struct walk *walk) {
    for (uint32_t i = 0; i < walk->node_count; i++)
        walk->nodes[i].hears[0] = walk->nodes[i].hears[1] = ALL_NODES;
    for (uint32_t i = 0; i < walk->said_count; i++)
        walk->said[i].to = ALL_NODES;
    for (int32_t i = 0; i < HEALING_EPOCHS && !all_decided(walk) && !walk->halted; i++) {
        int32_t round = lowest_round(walk);
        for (int turn = 0; turn < 400 && !walk->halted; turn++) {
            remind(walk);
            bool delivered = deliver_some(walk, round);
            claim_all(walk);
            if (!delivered && !fire_some(walk, round))
                break;
        }
    }
}

static void begin(struct walk *walk, uint32_t who) {
    struct walk_node *node = &walk->nodes[who];
    if (node->is_paper) {
        if (has_brain(node))
            walk_paper_begin(walk, who);
        return;
    }
    start_engine(walk, who);
    if (has_brain(node))
        wake(walk, who);
}

void walk_network_run(struct walk *walk) {
    for (uint32_t who = 0; who < walk->node_count; who++)
        begin(walk, who);
    walk->in_teams = walk_below(walk, 4) > 0;
    int32_t epochs = 2 + (int32_t)walk_below(walk, EPOCHS_MAX - 1);
    for (int32_t round = 0; round < epochs && !walk->halted && !all_decided(walk); round++) {
        choose_hearing(walk, round);
        epoch(walk, round);
    }
    if (walk->settings.below_third || walk_below(walk, 2) == 0)
        heal(walk);
}
