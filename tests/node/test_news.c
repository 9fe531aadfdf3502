/* One validator alone, or with three that say nothing: what its engine does, as CometBFT's events tell it. */
#include <check.h>
#include <stdio.h>

#include "node/news.h"
#include "tests/ledger/chain.h"

static struct chain chain;
static struct engine engine;
static char trace[2048];

static void note(void *context, const struct rpc_news *news) {
    size_t used = strlen(trace);
    (void)context;
    if (news->kind == RPC_NEWS_VOTE)
        snprintf(trace + used, sizeof trace - used, "Vote%d/%d ", news->vote.type, news->vote.round);
    else
        snprintf(trace + used, sizeof trace - used, "%s:%s/%d ", news_name(news->kind), engine_phase_text(news->phase) + strlen("RoundStep"), news->round);
}

static void step(const struct engine_event *event, struct engine_effects *effects) {
    struct news_before before;
    news_look(&before, &engine);
    engine_step(&engine, effects, event);
    news_of_step(&before, &engine, event, effects, note, NULL);
}

static void expect(const char *wanted) {
    ck_assert_str_eq(trace, wanted);
    trace[0] = '\0';
}

static void begin(uint32_t validators) {
    struct engine_effects effects;
    chain_open(&chain, &(struct chain_config){.validators = validators});
    engine_init(&engine, &(struct engine_config){.create_empty_blocks = true, .timeout_propose_ms = 10, .timeout_prevote_ms = 10, .timeout_precommit_ms = 10}, 1);
    struct engine_height height = {.height = 1, .validators = &chain.ledger.state.validators, .own = chain.ledger.state.validators.validators[0].address};
    trace[0] = '\0';
    engine_begin(&engine, &effects, &height);
    news_of_begin(&engine, &effects, note, NULL);
    expect("NewRoundStep:NewHeight/0 ");
}

static void end(void) {
    engine_close(&engine);
    chain_close(&chain);
}

static void timeout(int32_t round, uint32_t phase) {
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
    event.timeout.height = 1;
    event.timeout.round = round;
    event.timeout.phase = phase;
    step(&event, &effects);
}

static struct block_id some_block(uint8_t which) {
    struct block_id id = {.hash = {.size = 32}, .parts = {.total = 1, .hash = {.size = 32}}};
    memset(id.hash.bytes, which, 32);
    memset(id.parts.hash.bytes, which, 32);
    return id;
}

static void vote(uint32_t index, int32_t type, int32_t round, const struct block_id *id) {
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = index == 0 ? ROUNDS_OWN_PEER : index};
    const struct validator *voter = &chain.ledger.state.validators.validators[index];
    event.vote = (struct vote){.type = type, .height = 1, .round = round, .block_id = *id, .validator_address = voter->address, .validator_index = (int32_t)index};
    event.vote.signature.size = 64;
    step(&event, &effects);
}

static void propose(int32_t round, const struct block_id *id) {
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_ON_PROPOSAL};
    event.proposal = (struct proposal){.type = VOTE_PROPOSAL, .height = 1, .round = round, .pol_round = -1, .block_id = *id};
    step(&event, &effects);
}

static void block(const struct block_id *id) {
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_ON_BLOCK};
    event.block = (struct engine_block){.id = *id, .valid = true};
    step(&event, &effects);
}

START_TEST(a_height_is_told_as_cometbft_tells_it) {
    struct block_id id = some_block(7);
    begin(1);
    timeout(0, ENGINE_NEW_HEIGHT);
    expect("NewRound:NewRound/0 NewRoundStep:Propose/0 ");
    propose(0, &id);
    expect("");
    block(&id);
    expect("CompleteProposal:Propose/0 NewRoundStep:Prevote/0 ");
    vote(0, VOTE_PREVOTE, 0, &id);
    expect("Vote1/0 ValidBlock:Prevote/0 Polka:Prevote/0 Lock:Prevote/0 NewRoundStep:Precommit/0 ");
    vote(0, VOTE_PRECOMMIT, 0, &id);
    expect("Vote2/0 NewRoundStep:Commit/0 ");
    end();
}
END_TEST

START_TEST(timeouts_rounds_and_locks_are_told) {
    struct block_id id = some_block(7), nil = {0};
    begin(4);
    timeout(0, ENGINE_NEW_HEIGHT);
    expect("NewRound:NewRound/0 NewRoundStep:Propose/0 ");
    propose(0, &id);
    block(&id);
    expect("CompleteProposal:Propose/0 NewRoundStep:Prevote/0 ");
    for (uint32_t i = 0; i < 3; i++)
        vote(i, VOTE_PREVOTE, 0, &id);
    expect("Vote1/0 Vote1/0 Vote1/0 ValidBlock:Prevote/0 Polka:Prevote/0 Lock:Prevote/0 NewRoundStep:Precommit/0 ");
    for (uint32_t i = 1; i < 4; i++)
        vote(i, VOTE_PRECOMMIT, 0, &nil);
    expect("Vote2/0 Vote2/0 Vote2/0 ");
    timeout(0, ENGINE_PRECOMMIT_WAIT);
    expect("TimeoutWait:Precommit/0 NewRound:NewRound/1 NewRoundStep:Propose/1 ");
    timeout(1, ENGINE_PROPOSE);
    expect("TimeoutPropose:Propose/1 NewRoundStep:Prevote/1 ");
    vote(0, VOTE_PREVOTE, 1, &id);
    vote(1, VOTE_PREVOTE, 1, &nil);
    vote(2, VOTE_PREVOTE, 1, &nil);
    expect("Vote1/1 Vote1/1 Vote1/1 NewRoundStep:PrevoteWait/1 ");
    timeout(1, ENGINE_PREVOTE_WAIT);
    expect("TimeoutWait:PrevoteWait/1 NewRoundStep:Precommit/1 ");
    end();
}
END_TEST

Suite *suite_news(void);
Suite *suite_news(void) {
    Suite *suite = suite_create("news");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_height_is_told_as_cometbft_tells_it);
    tcase_add_test(all, timeouts_rounds_and_locks_are_told);
    suite_add_tcase(suite, all);
    return suite;
}
