#include "ledger/ledger.h"

#include <assert.h>

#include "ledger/question.h"

enum { SCRATCH_BYTES_MAX = 1 << 30 };

int64_t ledger_data_bytes_max(const struct ledger *ledger) {
    const struct state *state = &ledger->state;
    return params_data_bytes_max(state->params.block_bytes_max, 0, state->validators.count, state->release);
}

/* ---- proposing */

static int64_t evidence_list_size(const struct evidence *evidence, uint32_t count) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    for (uint32_t i = 0; i < count; i++) {
        size_t mark = proto_begin(&writer, 1);
        evidence_write(&writer, &evidence[i]);
        proto_end(&writer, mark);
    }
    return (int64_t)writer.size;
}

/* What the application wants in the block, in both ways it may say so. */
static uint32_t ask_app(struct ledger *ledger, struct app_proposed **out, const struct abci_block *question, int64_t bytes_max,
                        struct arena *arena) {
    struct app *app = ledger->app;
    if (app->table->rewrite_proposal != NULL)
        return app->table->rewrite_proposal(app, out, question, bytes_max, arena);
    uint32_t *chosen = arena_take(arena, question->tx_count, sizeof *chosen);
    assert(chosen != NULL);
    uint32_t count = app->table->prepare_proposal(app, chosen, question, bytes_max, arena);
    *out = arena_take(arena, count, sizeof **out);
    assert(*out != NULL && count <= question->tx_count);
    for (uint32_t i = 0; i < count; i++)
        (*out)[i] = (struct app_proposed){question->txs[chosen[i]], chosen[i]};
    return count;
}

static void adopt(struct block_plan *plan, const struct app_proposed *proposed, uint32_t count, int64_t bytes_max,
                  struct arena *arena) {
    struct span *txs = arena_take(arena, count, sizeof *txs);
    uint8_t(*hashes)[32] = arena_take(arena, count, sizeof *hashes);
    assert(txs != NULL && hashes != NULL);
    int64_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        txs[i] = proposed[i].tx;
        size += (int64_t)(1 + proto_varint_size(txs[i].size) + txs[i].size);
        if (proposed[i].origin >= 0 && plan->tx_hashes != NULL)
            memcpy(hashes[i], plan->tx_hashes[proposed[i].origin], 32);
        else
            sha256_once(hashes[i], txs[i]);
    }
    assert(size <= bytes_max || count == 0);
    plan->txs = txs;
    plan->tx_hashes = (const uint8_t(*)[32])hashes;
    plan->tx_count = count;
}

struct block *ledger_propose(struct ledger *ledger, const struct commit *last_commit, const struct address *proposer,
                             struct span *txs, const uint8_t (*tx_hashes)[32], uint32_t tx_count,
                             const struct evidence *evidence, uint32_t evidence_count) {
    const struct state *state = &ledger->state;
    static const struct commit none;
    struct arena arena;
    arena_init(&arena, SCRATCH_BYTES_MAX);
    bool is_first = state->height == 0;
    assert(is_first || !ledger_extends(ledger, state->height) || commit_extended_ensure(last_commit) == COMMIT_GOOD);
    struct block_plan plan = {.txs = txs,
                              .tx_hashes = tx_hashes,
                              .tx_count = tx_count,
                              .evidence = evidence,
                              .evidence_count = evidence_count,
                              .last_commit = is_first ? &none : last_commit};
    judge_header(&plan.header, state, plan.last_commit, proposer, &arena);
    int64_t bytes_max = params_data_bytes_max(state->params.block_bytes_max, evidence_list_size(evidence, evidence_count),
                                              state->validators.count, state->release);
    struct abci_block question;
    struct app_proposed *proposed = NULL;
    question_of_plan(&question, state, &plan, &arena);
    uint32_t count = ask_app(ledger, &proposed, &question, bytes_max, &arena);
    adopt(&plan, proposed, count, bytes_max, &arena);
    struct block *block = block_build(&plan);
    arena_close(&arena);
    return block;
}

/* ---- judging */

static bool app_accepts(struct ledger *ledger, const struct block *block) {
    struct arena arena;
    struct abci_block question;
    arena_init(&arena, SCRATCH_BYTES_MAX);
    question_of_block(&question, &ledger->state, block, &arena);
    bool accepted = ledger->app->table->process_proposal(ledger->app, &question, &arena);
    arena_close(&arena);
    return accepted;
}

enum block_verdict ledger_judge(struct ledger *ledger, const struct block *block, const struct commit_cache *cache) {
    enum block_verdict verdict = judge_block(&ledger->state, block, cache, &ledger->clock);
    if (verdict != BLOCK_GOOD)
        return verdict;
    if (!evidence_pool_judge(ledger, block))
        return BLOCK_EVIDENCE_REFUSED;
    return app_accepts(ledger, block) ? BLOCK_GOOD : BLOCK_REFUSED_BY_APP;
}
