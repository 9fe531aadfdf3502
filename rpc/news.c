#include "rpc/news.h"

#include "rpc/shapes.h"
#include "tendermint/engine.h"

static const char *const names[RPC_NEWS_COUNT] = {
    "CompleteProposal", "Lock", "NewRound", "NewRoundStep", "Polka", "Relock", "TimeoutPropose", "TimeoutWait", "Unlock", "ValidBlock", "Vote",
};

const char *news_name(enum rpc_news_kind kind) { return names[kind]; }

static const char *type_of(enum rpc_news_kind kind) {
    switch (kind) {
    case RPC_NEWS_COMPLETE_PROPOSAL: return "CompleteProposal";
    case RPC_NEWS_NEW_ROUND: return "NewRound";
    case RPC_NEWS_VOTE: return "Vote";
    default: return "RoundState";
    }
}

static void put_place(struct emit *out, const struct rpc_news *news) {
    shapes_int64(out, "height", news->height);
    shapes_number(out, "round", news->round);
    shapes_text(out, "step", span_text(engine_phase_text(news->phase)));
}

static void put_value(struct emit *out, const struct rpc_news *news) {
    emit_open(out, '{');
    if (news->kind == RPC_NEWS_VOTE) {
        emit_key(out, "Vote");
        shapes_vote(out, &news->vote);
        emit_shut(out, '}');
        return;
    }
    put_place(out, news);
    if (news->kind == RPC_NEWS_COMPLETE_PROPOSAL) {
        emit_key(out, "block_id");
        shapes_block_id(out, &news->block_id);
    }
    if (news->kind == RPC_NEWS_NEW_ROUND) {
        emit_key(out, "proposer");
        emit_open(out, '{');
        shapes_hex(out, "address", address_span(&news->proposer));
        shapes_number(out, "index", news->proposer_index);
        emit_shut(out, '}');
    }
    emit_shut(out, '}');
}

void news_put(struct emit *out, const struct rpc_news *news) {
    emit_literal(out, ",\"data\":{\"type\":\"tendermint/event/");
    emit_literal(out, type_of(news->kind));
    emit_literal(out, "\",\"value\":");
    put_value(out, news);
    emit_literal(out, "},\"events\":{\"tm.event\":[\"");
    emit_literal(out, names[news->kind]);
    emit_literal(out, "\"]}");
}
