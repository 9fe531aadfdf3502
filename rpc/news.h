/* What consensus does, as values for the subscribers (types/events.go: the internal events). */
#ifndef QUORATE_RPC_NEWS_H
#define QUORATE_RPC_NEWS_H

#include "genesis/emit.h"
#include "tendermint/vote.h"

enum rpc_news_kind {
    RPC_NEWS_COMPLETE_PROPOSAL,
    RPC_NEWS_LOCK,
    RPC_NEWS_NEW_ROUND,
    RPC_NEWS_NEW_ROUND_STEP,
    RPC_NEWS_POLKA,
    RPC_NEWS_RELOCK,
    RPC_NEWS_TIMEOUT_PROPOSE,
    RPC_NEWS_TIMEOUT_WAIT,
    RPC_NEWS_UNLOCK,
    RPC_NEWS_VALID_BLOCK,
    RPC_NEWS_VOTE,
    RPC_NEWS_COUNT,
};

struct rpc_news {
    enum rpc_news_kind kind;
    int64_t height;
    int32_t round;
    uint32_t phase;             /* enum engine_phase */
    struct block_id block_id;   /* COMPLETE_PROPOSAL */
    struct address proposer;    /* NEW_ROUND */
    int32_t proposer_index;
    struct vote vote;           /* VOTE; its extension is not told */
};

const char *news_name(enum rpc_news_kind kind); /* "Lock" */
/* ,"data":…,"events":… of a result. */
void news_put(struct emit *out, const struct rpc_news *news);

#endif
