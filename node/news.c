#include "node/news.h"

struct told {
    news_teller *teller;
    void *context;
    const struct engine *engine;
};

static bool is_complete(const struct engine *engine) {
    bool known = false;
    for (uint32_t i = 0; engine->has_proposal && i < engine->block_count; i++)
        known |= block_id_equal(&engine->blocks[i].id, &engine->proposal.block_id);
    return known;
}

void news_look(struct news_before *before, const struct engine *engine) {
    *before = (struct news_before){
        .height = engine->height,
        .round = engine->round,
        .valid_round = engine->valid_round,
        .phase = engine->phase,
        .locked = engine->locked,
        .locked_round = engine->locked_round,
        .complete = is_complete(engine),
        .precommitted = engine->precommitted,
    };
}

static void tell(const struct told *told, enum rpc_news_kind kind, int32_t round, uint32_t phase) {
    struct rpc_news news = {.kind = kind, .height = told->engine->height, .round = round, .phase = phase};
    told->teller(told->context, &news);
}

static void tell_timeout(const struct told *told, const struct news_before *before, const struct engine_event *event) {
    if (event->kind != ENGINE_ON_TIMEOUT || event->timeout.height != before->height || event->timeout.round != before->round)
        return;
    if (event->timeout.phase == ENGINE_PROPOSE && before->phase == ENGINE_PROPOSE)
        tell(told, RPC_NEWS_TIMEOUT_PROPOSE, before->round, before->phase);
    if (event->timeout.phase == ENGINE_PREVOTE_WAIT || event->timeout.phase == ENGINE_PRECOMMIT_WAIT)
        tell(told, RPC_NEWS_TIMEOUT_WAIT, before->round, before->phase);
}

static void tell_proposal(const struct told *told, const struct news_before *before) {
    const struct engine *engine = told->engine;
    if (!is_complete(engine) || (before->complete && before->round == engine->round))
        return;
    struct rpc_news news = {.kind = RPC_NEWS_COMPLETE_PROPOSAL, .height = engine->height, .round = engine->round, .phase = before->phase};
    if (news.phase < ENGINE_PROPOSE || before->round != engine->round)
        news.phase = ENGINE_PROPOSE;
    news.block_id = engine->proposal.block_id;
    told->teller(told->context, &news);
}

static void tell_vote(const struct told *told, const struct engine_event *event, const struct engine_effects *effects) {
    for (uint32_t i = 0; event->kind == ENGINE_ON_VOTE && i < effects->count; i++) {
        if (effects->list[i].kind != ENGINE_DO_HAVE)
            continue;
        struct rpc_news news = {.kind = RPC_NEWS_VOTE, .height = event->vote.height, .round = event->vote.round, .vote = event->vote};
        told->teller(told->context, &news);
        return;
    }
}

/* A lock stays through rounds and heights end with it, so what the step left says enough. */
static void tell_locks(const struct told *told, const struct news_before *before) {
    const struct engine *engine = told->engine;
    const struct tally *prevotes = rounds_tally(&engine->rounds, engine->round, VOTE_PREVOTE);
    bool fresh = engine->precommitted && (!before->precommitted || before->round != engine->round);
    uint32_t phase = before->round == engine->round && before->phase >= ENGINE_PREVOTE ? before->phase : ENGINE_PREVOTE;
    if (fresh && prevotes != NULL && tally_majority(prevotes, NULL))
        tell(told, RPC_NEWS_POLKA, engine->round, phase);
    bool was = !block_id_is_nil(&before->locked), is = !block_id_is_nil(&engine->locked), same = block_id_equal(&before->locked, &engine->locked);
    if (was && !is)
        tell(told, RPC_NEWS_UNLOCK, engine->round, phase);
    else if (is && !same)
        tell(told, RPC_NEWS_LOCK, engine->round, phase);
    else if (is && engine->locked_round > before->locked_round)
        tell(told, RPC_NEWS_RELOCK, engine->round, phase);
}

static void tell_new_round(const struct told *told, int32_t round) {
    const struct engine *engine = told->engine;
    struct rpc_news news = {.kind = RPC_NEWS_NEW_ROUND, .height = engine->height, .round = round, .phase = ENGINE_NEW_ROUND};
    news.proposer_index = engine_proposer(engine, round);
    if (news.proposer_index >= 0)
        news.proposer = engine->begin.validators->validators[news.proposer_index].address;
    told->teller(told->context, &news);
}

static void tell_steps(const struct told *told, const struct engine_effects *effects) {
    for (uint32_t i = 0; i < effects->count; i++)
        if (effects->list[i].kind == ENGINE_DO_STEP)
            tell(told, RPC_NEWS_NEW_ROUND_STEP, effects->list[i].round, effects->list[i].phase);
}

void news_of_step(const struct news_before *before, const struct engine *engine, const struct engine_event *event,
                  const struct engine_effects *effects, news_teller *teller, void *context) {
    struct told told = {teller, context, engine};
    tell_timeout(&told, before, event);
    tell_vote(&told, event, effects);
    if (engine->round > before->round || (before->phase == ENGINE_NEW_HEIGHT && engine->phase > ENGINE_NEW_HEIGHT))
        tell_new_round(&told, engine->round);
    tell_proposal(&told, before);
    if (engine->valid_round > before->valid_round)
        tell(&told, RPC_NEWS_VALID_BLOCK, engine->round, before->round == engine->round ? before->phase : engine->phase);
    tell_locks(&told, before);
    tell_steps(&told, effects);
}

void news_of_begin(const struct engine *engine, const struct engine_effects *effects, news_teller *teller, void *context) {
    tell_steps(&(struct told){teller, context, engine}, effects);
}
