/* Small networks in memory: engines, a wild network, liars. Whatever the seed, the honest agree, accuse nobody honest, keep the
 * lock rule, and decide once the network calms down. QUORATE_SEEDS=n runs n seeds of each kind instead; a failure prints its seed. */
#include "tests/tendermint/story.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/trials.h"

enum { NODES_MAX = 7, HEIGHTS = 2, SPOKEN_MAX = 8192, CALM_MS = 6000, PATIENCE_MS = 400000, GOSSIP_MS = 120 };

struct message { /* to one node */
    int64_t time_ms;
    uint64_t number; /* of two at the same time, the older first */
    uint32_t to;
    int32_t proposer;            /* of a proposal: who signed it */
    struct engine_event event;   /* kind 0: a tick */
};

struct decision { /* of the first node that reached it: what stragglers are sent */
    bool made;
    struct block_id id;
    struct vote votes[NODES_MAX];
    uint32_t vote_count;
};

struct node {
    struct engine engine;
    struct engine_effects effects;
    struct engine_config config;
    struct engine_height begin;
    struct address own;
    bool liar;
};

struct network {
    uint64_t seed;
    struct story_random random;
    uint32_t count, liars;
    struct valset sets[HEIGHTS + 3];
    struct node nodes[NODES_MAX];
    struct decision decisions[HEIGHTS + 3];
    struct message **queue; /* a heap */
    size_t queued, capacity;
    uint64_t numbers;
    int64_t now_ms;
    uint32_t drop_percent;
    size_t spoken_count;
    struct vote spoken[SPOKEN_MAX]; /* every vote ever made, liars' too; last: not cleared between seeds */
};

/* Check writes a line to disk for every assertion that holds: too many here. */
#define net_assert(net, condition)                                                                                     \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg("%s (%u nodes, seed %llu)", #condition, (net)->count, (unsigned long long)(net)->seed);       \
    } while (0)

static uint32_t below(struct network *net, uint32_t limit) { return story_random_below(&net->random, limit); }

/* --- the queue ------------------------------------------------------------------------------------------------ */

static bool sooner(const struct message *a, const struct message *b) {
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->number < b->number;
}

static void swap(struct message **a, struct message **b) {
    struct message *kept = *a;
    *a = *b;
    *b = kept;
}

static void enqueue(struct network *net, uint32_t to, int64_t delay_ms, int32_t proposer,
                    const struct engine_event *event) {
    struct message *message = malloc(sizeof *message);
    net_assert(net, message != NULL);
    *message = (struct message){net->now_ms + delay_ms, net->numbers++, to, proposer, *event};
    if (net->queued == net->capacity) {
        net->capacity = net->capacity == 0 ? 256 : 2 * net->capacity;
        net->queue = realloc(net->queue, net->capacity * sizeof *net->queue);
        net_assert(net, net->queue != NULL);
    }
    size_t at = net->queued++;
    net->queue[at] = message;
    for (; at > 0 && sooner(net->queue[at], net->queue[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&net->queue[at], &net->queue[(at - 1) / 2]);
}

static struct message *dequeue(struct network *net) {
    struct message *first = net->queue[0];
    net->queue[0] = net->queue[--net->queued];
    for (size_t at = 0, child; (child = 2 * at + 1) < net->queued; at = child) {
        if (child + 1 < net->queued && sooner(net->queue[child + 1], net->queue[child]))
            child++;
        if (!sooner(net->queue[child], net->queue[at]))
            break;
        swap(&net->queue[child], &net->queue[at]);
    }
    return first;
}

/* Wild at first: slow, lossy, out of order; then calm. What is lost comes again by gossip. */
static void send(struct network *net, uint32_t to, int32_t proposer, const struct engine_event *event) {
    bool wild = net->now_ms < CALM_MS;
    if (wild && below(net, 100) < net->drop_percent)
        return;
    enqueue(net, to, 1 + below(net, wild ? 700 : 40), proposer, event);
}

/* To all, and to ourselves at once: what we said is in our journal. */
static void broadcast(struct network *net, uint32_t from, int32_t proposer, struct engine_event event) {
    for (uint32_t to = 0; to < net->count; to++) {
        event.peer = to == from ? ROUNDS_OWN_PEER : from + 1;
        if (to == from)
            enqueue(net, to, 0, proposer, &event);
        else
            send(net, to, proposer, &event);
    }
}

/* --- what is said --------------------------------------------------------------------------------------------- */

static struct block_id make_block(int64_t height, int32_t round, uint32_t proposer, uint32_t variant) {
    struct block_id id = story_block_id('a');
    snprintf((char *)id.hash.bytes, 32, "%d/%d/%u/%u", (int)height, round, proposer, variant);
    return id;
}

static struct vote make_vote(struct network *net, int64_t height, int32_t round, int32_t type, uint32_t index,
                             const struct block_id *id) {
    struct vote vote = story_vote(&net->sets[height], height, round, type, index, '0');
    vote.block_id = *id;
    memcpy(vote.signature.bytes + 32, id->hash.bytes, 32);
    if (net->spoken_count < SPOKEN_MAX)
        net->spoken[net->spoken_count++] = vote;
    return vote;
}

static void say_proposal(struct network *net, uint32_t from, const struct engine_effect *effect) {
    struct engine_event event = {.kind = ENGINE_ON_PROPOSAL}, block = {.kind = ENGINE_ON_BLOCK};
    event.proposal = story_proposal(effect->height, effect->round, effect->pol_round, 'a');
    event.proposal.block_id = effect->block_id;
    if (block_id_is_nil(&effect->block_id))
        event.proposal.block_id = make_block(effect->height, effect->round, from, 0);
    block.block = (struct engine_block){.id = event.proposal.block_id, .valid = true};
    broadcast(net, from, (int32_t)from, event);
    broadcast(net, from, -1, block);
}

static void say_vote(struct network *net, uint32_t from, const struct engine_effect *effect) {
    struct engine_event event = {.kind = ENGINE_ON_VOTE};
    for (size_t i = 0; i < net->spoken_count; i++) { /* an honest engine never wishes to equivocate */
        const struct vote *old = &net->spoken[i];
        net_assert(net, old->validator_index != (int32_t)from || old->height != effect->height ||
                            old->round != effect->round || old->type != effect->type);
    }
    event.vote = make_vote(net, effect->height, effect->round, effect->type, from, &effect->block_id);
    broadcast(net, from, -1, event);
}

static void fetch_block(struct network *net, uint32_t to, const struct block_id *id) {
    struct engine_event event = {.kind = ENGINE_ON_BLOCK};
    event.block = (struct engine_block){.id = *id, .valid = true};
    send(net, to, -1, &event);
}

/* --- what a node does ----------------------------------------------------------------------------------------- */

static void begin(struct network *net, uint32_t who);

static void keep_decision(struct network *net, uint32_t who, const struct engine_effect *effect) {
    struct decision *decision = &net->decisions[effect->height];
    if (decision->made) {
        net_assert(net, block_id_equal(&decision->id, &effect->block_id));
        return;
    }
    const struct tally *tally = rounds_tally(&net->nodes[who].engine.rounds, effect->round, VOTE_PRECOMMIT);
    decision->made = true;
    decision->id = effect->block_id;
    for (uint32_t i = 0; i < net->count; i++)
        if (tally_vote(tally, &decision->votes[decision->vote_count], i))
            decision->vote_count++;
}

static void perform(struct network *net, uint32_t who) {
    struct node *node = &net->nodes[who];
    bool decided = false;
    for (uint32_t i = 0; i < node->effects.count; i++) {
        const struct engine_effect *effect = &node->effects.list[i];
        net_assert(net, !decided);
        if (effect->kind == ENGINE_DO_PROPOSE)
            say_proposal(net, who, effect);
        else if (effect->kind == ENGINE_DO_VOTE)
            say_vote(net, who, effect);
        else if (effect->kind == ENGINE_DO_FETCH)
            fetch_block(net, who, &effect->block_id);
        else if (effect->kind == ENGINE_DO_TIMER) {
            struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
            event.timeout.height = effect->height;
            event.timeout.round = effect->round;
            event.timeout.phase = effect->phase;
            enqueue(net, who, effect->duration_ms + below(net, 20), -1, &event);
        } else if (effect->kind == ENGINE_DO_ACCUSE)
            net_assert(net, net->nodes[effect->vote_a.validator_index].liar);
        else if (effect->kind == ENGINE_DO_DECIDE) {
            keep_decision(net, who, effect);
            decided = true;
        } else
            net_assert(net, effect->kind != ENGINE_DO_HALT);
    }
    if (decided)
        begin(net, who);
}

static void begin(struct network *net, uint32_t who) {
    struct node *node = &net->nodes[who];
    node->begin = (struct engine_height){.height = node->engine.height + 1, .own = node->own};
    node->begin.validators = &net->sets[node->begin.height];
    engine_begin(&node->engine, &node->effects, &node->begin);
    perform(net, who);
}

/* The gate: a proposal is its proposer's, or it does not pass. */
static bool passes(struct network *net, const struct message *message) {
    const struct engine *engine = &net->nodes[message->to].engine;
    const struct engine_event *event = &message->event;
    if (event->kind != ENGINE_ON_PROPOSAL)
        return true;
    return event->proposal.height == engine->height && event->proposal.round <= engine->round + 1 &&
           engine_proposer(engine, event->proposal.round) == message->proposer;
}

/* --- gossip --------------------------------------------------------------------------------------------------- */

static void gossip_tally(struct network *net, uint32_t from, uint32_t to, const struct tally *mine) {
    const struct tally *theirs = rounds_tally(&net->nodes[to].engine.rounds, mine->round, mine->type);
    struct engine_event event = {.kind = ENGINE_ON_CLAIM, .peer = from + 1};
    struct block_id id;
    bool claims = tally_majority(mine, &id);
    if (claims) {
        event.claim.round = mine->round;
        event.claim.type = mine->type;
        event.claim.id = id;
        send(net, to, -1, &event);
    }
    for (uint32_t i = 0; i < net->count; i++) {
        event = (struct engine_event){.kind = ENGINE_ON_VOTE, .peer = from + 1};
        if (!tally_vote(mine, &event.vote, i))
            continue;
        const struct bit_array *counted = theirs == NULL ? NULL : tally_voted_for(theirs, &id);
        bool lacks = theirs == NULL || !tally_has(theirs, i);
        if (claims && block_id_equal(&event.vote.block_id, &id))
            lacks = counted == NULL || !bit_array_get(counted, i); /* VoteSetBits */
        if (lacks)
            send(net, to, -1, &event);
    }
}

/* A straggler is led on round by round: far rounds are closed to those who opened two. */
static void gossip_height(struct network *net, uint32_t from, uint32_t to) {
    const struct engine *mine = &net->nodes[from].engine;
    for (uint32_t i = 0; i < mine->rounds.count; i++) {
        if (mine->rounds.pairs[i]->round > net->nodes[to].engine.round + 1)
            break;
        gossip_tally(net, from, to, &mine->rounds.pairs[i]->prevotes);
        gossip_tally(net, from, to, &mine->rounds.pairs[i]->precommits);
    }
    if (mine->has_proposal && !net->nodes[to].engine.has_proposal) {
        struct engine_event event = {.kind = ENGINE_ON_PROPOSAL, .peer = from + 1, .proposal = mine->proposal};
        send(net, to, engine_proposer(mine, mine->round), &event);
    }
}

/* The claim too: a liar of the commit may have told the straggler another story first. */
static void gossip_decision(struct network *net, uint32_t from, uint32_t to) {
    const struct decision *decision = &net->decisions[net->nodes[to].engine.height];
    struct engine_event event = {.kind = ENGINE_ON_CLAIM, .peer = from + 1};
    event.claim.round = decision->votes[0].round;
    event.claim.type = VOTE_PRECOMMIT;
    event.claim.id = decision->id;
    send(net, to, -1, &event);
    event = (struct engine_event){.kind = ENGINE_ON_VOTE, .peer = from + 1};
    for (uint32_t i = 0; i < decision->vote_count; i++) {
        event.vote = decision->votes[i];
        send(net, to, -1, &event);
    }
}

static void gossip(struct network *net, uint32_t from) {
    uint32_t to = below(net, net->count);
    struct engine *mine = &net->nodes[from].engine, *theirs = &net->nodes[to].engine;
    if (!block_id_is_nil(&mine->wanted)) /* the data of a lost answer is asked for again */
        fetch_block(net, from, &mine->wanted);
    if (to == from || net->nodes[to].liar)
        return;
    if (theirs->height == mine->height)
        gossip_height(net, from, to);
    else if (theirs->height < mine->height)
        gossip_decision(net, from, to);
}

/* --- liars ---------------------------------------------------------------------------------------------------- */

static struct block_id any_block(struct network *net, const struct engine *victim) {
    static const struct block_id nil;
    const struct block_id *choices[] = {&nil, &victim->locked, &victim->valid, &victim->wanted,
                                        &net->nodes[below(net, net->count)].engine.wanted,
                                        &net->nodes[below(net, net->count)].engine.locked};
    return *choices[below(net, sizeof choices / sizeof *choices)];
}

static int32_t any_round(struct network *net, const struct engine *victim) {
    int32_t round = victim->round + (int32_t)below(net, 4) - 1;
    return round < 0 ? 0 : round;
}

/* Another story to everybody. */
static void lie_to(struct network *net, uint32_t liar, uint32_t to) {
    struct engine *victim = &net->nodes[to].engine;
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = liar + 1};
    int32_t round = any_round(net, victim);
    struct block_id id = any_block(net, victim);
    if (engine_proposer(victim, round) == (int32_t)liar && below(net, 2) == 0) {
        event.kind = ENGINE_ON_PROPOSAL;
        event.proposal = story_proposal(victim->height, round, (int32_t)below(net, (uint32_t)round + 1) - 1, 'a');
        event.proposal.block_id = block_id_is_nil(&id) ? make_block(victim->height, round, liar, below(net, 2)) : id;
        send(net, to, (int32_t)liar, &event);
    } else if (below(net, 8) == 0) {
        event.kind = ENGINE_ON_CLAIM;
        event.claim.round = round;
        event.claim.type = 1 + (int32_t)below(net, 2);
        event.claim.id = id;
        send(net, to, -1, &event);
    } else {
        event.vote = make_vote(net, victim->height, round, 1 + (int32_t)below(net, 2), liar, &id);
        send(net, to, -1, &event);
    }
}

static void lie(struct network *net, uint32_t liar) {
    for (uint32_t to = 0; to < net->count; to++)
        if (!net->nodes[to].liar && net->nodes[to].engine.height <= HEIGHTS && below(net, 3) == 0)
            lie_to(net, liar, to);
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

static void net_begin(struct network *net, uint64_t seed, uint32_t count, uint32_t liars) {
    static const int64_t powers[NODES_MAX] = {1, 1, 1, 1, 1, 1, 1};
    net->seed = seed;
    net->random.state = seed;
    net->count = count;
    net->liars = liars;
    net->drop_percent = below(net, 60);
    valset_init(&net->sets[1]);
    story_valset(&net->sets[1], powers, count);
    for (int64_t height = 2; height <= HEIGHTS + 2; height++) {
        valset_init(&net->sets[height]);
        valset_copy(&net->sets[height], &net->sets[height - 1]);
        valset_increment(&net->sets[height], 1);
    }
}

/* A third of the seeds each: our lock rule, CometBFT's, both in one network. */
static struct engine_config config_of(struct network *net) {
    struct engine_config config = story_config();
    config.timeout_propose_ms = 300;
    config.timeout_propose_delta_ms = 60;
    config.timeout_prevote_ms = config.timeout_precommit_ms = config.timeout_commit_ms = 100;
    config.timeout_prevote_delta_ms = config.timeout_precommit_delta_ms = 30;
    config.skip_timeout_commit = below(net, 2) == 0;
    if (net->seed % 3 == 1 || (net->seed % 3 == 2 && below(net, 2) == 0))
        config.lock_rule = ENGINE_LOCK_COMET;
    return config;
}

static void net_start(struct network *net) {
    uint32_t first_liar = below(net, net->count);
    struct engine_event tick = {0};
    for (uint32_t i = 0; i < net->count; i++) {
        struct node *node = &net->nodes[i];
        node->liar = (i + net->count - first_liar) % net->count < net->liars;
        node->config = config_of(net);
        node->own = net->sets[1].validators[i].address;
        engine_init(&node->engine, &node->config, 1);
        enqueue(net, i, below(net, GOSSIP_MS), -1, &tick);
        if (!node->liar)
            begin(net, i);
    }
}

static void net_end(struct network *net) {
    for (uint32_t i = 0; i < net->count; i++)
        engine_close(&net->nodes[i].engine);
    for (int64_t height = 1; height <= HEIGHTS + 2; height++)
        valset_close(&net->sets[height]);
    for (size_t i = 0; i < net->queued; i++)
        free(net->queue[i]);
    free(net->queue);
}

static bool all_decided(const struct network *net) {
    for (uint32_t i = 0; i < net->count; i++)
        if (!net->nodes[i].liar && net->nodes[i].engine.height <= HEIGHTS)
            return false;
    return true;
}

static void deliver(struct network *net, const struct message *message) {
    struct node *node = &net->nodes[message->to];
    if (message->event.kind == 0) {
        if (node->liar)
            lie(net, message->to);
        else
            gossip(net, message->to);
        enqueue(net, message->to, GOSSIP_MS + below(net, GOSSIP_MS), -1, &message->event);
    } else if (!node->liar && node->engine.height <= HEIGHTS && passes(net, message)) {
        engine_step(&node->engine, &node->effects, &message->event);
        perform(net, message->to);
    }
}

static void net_run(struct network *net) {
    while (!all_decided(net)) {
        struct message *message = dequeue(net);
        net->now_ms = message->time_ms;
        net_assert(net, net->now_ms < PATIENCE_MS);
        deliver(net, message);
        free(message);
    }
}

/* --- the lock rule, judged from outside ----------------------------------------------------------------------- */

static bool polka_for_other(const struct network *net, int64_t height, int32_t round, const struct block_id *locked) {
    for (size_t i = 0; i < net->spoken_count; i++) {
        const struct vote *named = &net->spoken[i];
        bool voted[NODES_MAX] = {false};
        uint32_t power = 0;
        if (named->height != height || named->round != round || named->type != VOTE_PREVOTE ||
            block_id_equal(&named->block_id, locked))
            continue;
        for (size_t j = 0; j < net->spoken_count; j++) {
            const struct vote *vote = &net->spoken[j];
            if (vote->height == height && vote->round == round && vote->type == VOTE_PREVOTE &&
                block_id_equal(&vote->block_id, &named->block_id) && !voted[vote->validator_index]) {
                voted[vote->validator_index] = true;
                power++;
            }
        }
        if (power * 3 > net->count * 2)
            return true;
    }
    return false;
}

static void check_pair(const struct network *net, const struct vote *precommit, const struct vote *prevote) {
    bool excused = false;
    for (int32_t round = precommit->round + 1; round < prevote->round; round++)
        excused |= polka_for_other(net, precommit->height, round, &precommit->block_id);
    net_assert(net, excused);
}

/* accountability.md: precommit v, later prevote x ≠ v, and no polka for y ≠ v strictly in between: amnesia. */
static void check_lock_rule(const struct network *net) {
    for (size_t i = 0; i < net->spoken_count; i++)
        for (size_t j = 0; j < net->spoken_count; j++) {
            const struct vote *a = &net->spoken[i], *b = &net->spoken[j];
            const struct node *node = &net->nodes[a->validator_index];
            if (a->validator_index == b->validator_index && a->height == b->height && a->round < b->round &&
                a->type == VOTE_PRECOMMIT && b->type == VOTE_PREVOTE && !block_id_is_nil(&a->block_id) &&
                !block_id_equal(&a->block_id, &b->block_id) && !node->liar &&
                node->config.lock_rule == ENGINE_LOCK_STRICT)
                check_pair(net, a, b);
        }
}

static void run_seeds(uint32_t count, uint32_t liars, uint64_t seeds) {
    const char *wish = getenv("QUORATE_SEEDS");
    seeds = trials(seeds);
    if (wish != NULL)
        seeds = strtoull(wish, NULL, 10);
    for (uint64_t seed = 0; seed < seeds; seed++) {
        static struct network network;
        struct network *net = &network;
        memset(net, 0, offsetof(struct network, spoken));
        net_begin(net, seed, count, liars);
        net_start(net);
        net_run(net);
        net_assert(net, net->spoken_count < SPOKEN_MAX);
        check_lock_rule(net);
        net_end(net);
    }
}

START_TEST(four_honest_nodes_agree_and_decide) { run_seeds(4, 0, 2000); }
END_TEST

START_TEST(four_nodes_with_one_liar_agree_and_decide) { run_seeds(4, 1, 12000); }
END_TEST

START_TEST(seven_nodes_with_two_liars_agree_and_decide) { run_seeds(7, 2, 2000); }
END_TEST

START_TEST(one_node_alone_decides) { run_seeds(1, 0, 50); }
END_TEST

Suite *suite_engine_network(void);
Suite *suite_engine_network(void) {
    Suite *suite = suite_create("engine_network");
    TCase *tests = tcase_create("trials");
    tcase_set_timeout(tests, 3600);
    tcase_add_test(tests, one_node_alone_decides);
    tcase_add_test(tests, four_honest_nodes_agree_and_decide);
    tcase_add_test(tests, four_nodes_with_one_liar_agree_and_decide);
    tcase_add_test(tests, seven_nodes_with_two_liars_agree_and_decide);
    suite_add_tcase(suite, tests);
    return suite;
}
