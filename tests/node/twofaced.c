#include "tests/node/twofaced.h"

#include <check.h>

#include "node/replica_inside.h"
#include "tests/node/stranger.h"

static void swallow(void *context, uint32_t to, uint8_t channel, struct span message) {
    (void)context;
    (void)to;
    (void)channel;
    (void)message;
}

static const struct engine *engine_of(const struct twofaced *liars) { return replica_engine(sim_replica(liars->sim, liars->observer)); }

static uint32_t proposer(const struct twofaced *liars) { return stranger_proposer(liars->sim, liars->observer, 0); }

static bool is_liar(const struct twofaced *liars, uint32_t node) { return node >= liars->first && node < liars->first + liars->count; }

uint32_t twofaced_absent(const struct twofaced *liars) {
    uint32_t node = 0;
    while (is_liar(liars, node) || node == liars->observer)
        node++;
    return node;
}

void twofaced_begin(const struct twofaced *liars) {
    struct sim *sim = liars->sim;
    const struct engine *engine = engine_of(liars);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    for (int ms = 0; ms < 60000 && !(engine->phase == ENGINE_NEW_HEIGHT && is_liar(liars, proposer(liars))); ms++)
        liars->pass(sim, 1);
    ck_assert(is_liar(liars, proposer(liars)));
    for (uint32_t i = 0; i < liars->count; i++) {
        sim_set_speaker(sim, liars->first + i, swallow, NULL);
        sim_set_faulty(sim, liars->first + i);
    }
    if (liars->count == 1)
        sim_stop(sim, twofaced_absent(liars));
    for (int ms = 0; ms < 60000 && engine->phase != ENGINE_PROPOSE; ms++)
        liars->pass(sim, 1);
    ck_assert_int_eq(engine->round, 0);
}

/* The commit in it nobody signed: only its form is looked at before its parent. */
static struct block *bad_block(const struct twofaced *liars) {
    struct ledger *ledger = sim_ledger(liars->sim, liars->observer);
    struct arena arena;
    struct commit commit;
    arena_init(&arena, 1 << 20);
    ck_assert(ledger_seen_commit(ledger, &commit, ledger->state.height, &arena));
    struct block_plan plan = {.last_commit = &commit};
    judge_header(&plan.header, &ledger->state, &commit, sim_address(liars->sim, proposer(liars)), &arena);
    if (liars->keeps_parent)
        plan.header.app_hash.bytes[0] ^= 1;
    else
        plan.header.last_block_id.hash.bytes[0] ^= 1;
    commit.block_id = plan.header.last_block_id;
    struct block *block = block_build(&plan);
    arena_close(&arena);
    return block;
}

static void say(const struct twofaced *liars, const struct wire_consensus *message) {
    for (uint32_t to = 0; to < 4; to++)
        if (!is_liar(liars, to) && sim_is_alive(liars->sim, to))
            stranger_inject(liars->sim, liars->first, to, message);
}

static void vote(const struct twofaced *liars, int32_t round, int32_t type, const struct block_id *id) {
    const struct engine *engine = engine_of(liars);
    for (uint32_t i = 0; i < liars->count; i++) {
        struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
        vote_init(&message.vote);
        message.vote.type = type;
        message.vote.height = engine->height;
        message.vote.round = round;
        message.vote.timestamp = (struct timestamp){1700000000, 0};
        message.vote.validator_address = *sim_address(liars->sim, liars->first + i);
        message.vote.validator_index = valset_find(engine->begin.validators, &message.vote.validator_address);
        message.vote.block_id = *id;
        stranger_sign(liars->sim, liars->first + i, &message.vote);
        say(liars, &message);
    }
}

static void propose(const struct twofaced *liars, struct block *block) {
    static struct wire_consensus message;
    struct wire_consensus proposal = {.kind = WIRE_PROPOSAL, .proposal = stranger_proposal(liars->sim, liars->observer)};
    block_id_of(block, &proposal.proposal.block_id);
    stranger_sign_proposal(liars->sim, proposer(liars), &proposal.proposal);
    say(liars, &proposal);
    liars->pass(liars->sim, 200);
    message = (struct wire_consensus){.kind = WIRE_BLOCK_PART, .height = block->header.height};
    for (uint32_t i = 0; part_set_get(block_parts(block), &message.part, i); i++)
        say(liars, &message);
    liars->pass(liars->sim, 200);
}

int64_t twofaced_lie(const struct twofaced *liars) {
    static const struct block_id nil;
    const struct engine *engine = engine_of(liars);
    const struct parentwatch *watch = &sim_replica(liars->sim, liars->observer)->parentwatch;
    int64_t height = engine->height;
    struct block_id id;
    struct block *block = bad_block(liars);
    propose(liars, block);
    block_id_of(block, &id);
    block_release(block);
    vote(liars, 0, VOTE_PREVOTE, &id);
    liars->pass(liars->sim, 200);
    ck_assert(watch->strange_height == height || liars->keeps_parent);
    ck_assert_int_eq(watch->height, 0); /* one parent only, so far */
    for (int ms = 0; ms < 120000 && !(engine->round > 0 && engine->has_proposal); ms++) {
        liars->pass(liars->sim, 1);
        if (ms % 100 == 0 && engine->phase >= ENGINE_PREVOTE && !engine->has_proposal) /* rounds of nobody shall end */
            vote(liars, engine->round, VOTE_PREVOTE, &nil);
        if (ms % 100 == 0)
            vote(liars, engine->round, VOTE_PRECOMMIT, &nil);
    }
    ck_assert(engine->has_proposal);
    ck_assert_int_eq(engine->height, height);
    id = engine->proposal.block_id;
    vote(liars, engine->round, VOTE_PREVOTE, &id);
    liars->pass(liars->sim, 500);
    return height;
}
