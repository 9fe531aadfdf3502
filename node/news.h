/* What a step of the engine means to those who watch (types/events.go): found by comparing the engine before and after, so that the engine itself
 * tells nothing twice. Order as CometBFT's; what happens within one step of ours comes in that order too. */
#ifndef QUORATE_NODE_NEWS_H
#define QUORATE_NODE_NEWS_H

#include "rpc/news.h"
#include "tendermint/engine.h"

struct news_before {
    int64_t height;
    int32_t round, valid_round;
    uint32_t phase;
    struct block_id locked;
    int32_t locked_round;
    bool complete, precommitted; /* the proposal's block is there; our precommit of the round was cast or skipped */
};

typedef void news_teller(void *context, const struct rpc_news *news);

void news_look(struct news_before *before, const struct engine *engine);
/* After engine_step and before its effects are done. */
void news_of_step(const struct news_before *before, const struct engine *engine, const struct engine_event *event,
                  const struct engine_effects *effects, news_teller *teller, void *context);
/* After engine_begin. */
void news_of_begin(const struct engine *engine, const struct engine_effects *effects, news_teller *teller, void *context);

#endif
