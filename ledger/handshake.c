#include "ledger/handshake.h"

#include <inttypes.h>

#include "crypto/text.h"
#include "ledger/ledger_put.h"
#include "ledger/question.h"

static bool refuse_hash(struct ledger *ledger, int64_t height, const struct app_hash *theirs, const struct app_hash *ours, char **error) {
    char its[TEXT_HEX_SIZE(HEADER_APP_HASH_BYTES_MAX)], chain[TEXT_HEX_SIZE(HEADER_APP_HASH_BYTES_MAX)];
    text_hex_upper(its, app_hash_span(theirs));
    text_hex_upper(chain, app_hash_span(ours));
    return ledger_refuse(error,
                         "application %s has app hash %.64s after height %" PRId64 ", the chain %.64s: is it the application that made this chain, of the "
                         "same version and settings? Restore its state from a copy, or empty it and start again",
                         ledger->app->table->name, its, height, chain);
}

static bool refuse_height(struct ledger *ledger, int64_t height, char **error) {
    if (height < 0)
        return ledger_refuse(error, "application %s says that it is at height %" PRId64 ", which no chain has; repair it", ledger->app->table->name, height);
    return ledger_refuse(error,
                         "application %s is at height %" PRId64 ", the chain here only at %" PRId64 ": this home is older than the application's state. "
                         "Restore both from the same copy, or take the application back to %" PRId64,
                         ledger->app->table->name, height, ledger->state.height, ledger->state.height);
}

static bool refuse_gap(struct ledger *ledger, int64_t height, int64_t missing, char **error) {
    return ledger_refuse(error,
                         "application %s is at height %" PRId64 " and needs block %" PRId64 ", which this node does not keep any more: restore the "
                         "application's state from a copy that is younger",
                         ledger->app->table->name, height, missing);
}

/* What the block's application was asked when it was decided: of the state only the validators that signed the block before count. */
static bool ask_again(struct ledger *ledger, struct abci_finalized *finalized, struct block *block) {
    struct state past;
    struct abci_block question;
    int64_t height = block->header.height;
    state_init(&past);
    past.initial_height = ledger->state.initial_height;
    bool known = height == past.initial_height || ledger_validators(ledger, &past.last_validators, height - 1);
    known = known && (height == past.initial_height || past.last_validators.count == block->last_commit.count);
    if (known) {
        *finalized = (struct abci_finalized){0};
        question_of_block(&question, &past, block, &ledger->arena);
        ledger->app->table->finalize_block(ledger->app, finalized, &question, &ledger->arena);
    }
    state_close(&past);
    return known;
}

static bool replay(struct ledger *ledger, struct app_hash *hash, struct block *block, int64_t from, char **error) {
    struct abci_finalized finalized;
    int64_t height = block->header.height;
    if (!ask_again(ledger, &finalized, block))
        return refuse_gap(ledger, from, height - 1, error);
    if (finalized.tx_count != block->tx_count)
        return ledger_refuse(error, "application %s gave %" PRIu32 " results for %" PRIu32 " transactions at height %" PRId64 "; repair it",
                             ledger->app->table->name, finalized.tx_count, block->tx_count, height);
    ledger->app->table->commit(ledger->app, NULL);
    *hash = finalized.app_hash;
    ledger->replayed++;
    return true;
}

/* Before each block the hash after the one before it is compared: an application that strays is stopped where it strayed. */
static bool replay_from(struct ledger *ledger, struct app_hash *hash, bool is_known, int64_t first, char **error) {
    for (int64_t height = first; height <= ledger->state.height; height++) {
        struct block *block = ledger_block(ledger, height);
        if (block == NULL)
            return refuse_gap(ledger, first - 1, height, error);
        arena_reset(&ledger->arena);
        bool good = !is_known || app_hash_equal(hash, &block->header.app_hash) || refuse_hash(ledger, height - 1, hash, &block->header.app_hash, error);
        good = good && replay(ledger, hash, block, first - 1, error);
        is_known = true;
        block_release(block);
        if (!good)
            return false;
    }
    return true;
}

bool handshake_follow(struct ledger *ledger, const struct abci_info *info, const struct app_hash *begun, char **error) {
    int64_t height = info->last_block_height;
    const struct state *state = &ledger->state;
    if (height < 0 || height > state->height)
        return refuse_height(ledger, height, error);
    bool is_new = height == 0;
    struct app_hash hash = is_new ? *begun : info->last_block_app_hash;
    int64_t first = is_new ? state->initial_height : height + 1;
    if (!replay_from(ledger, &hash, !is_new || begun->size > 0, first, error))
        return false;
    return app_hash_equal(&hash, &state->app_hash) || refuse_hash(ledger, state->height, &hash, &state->app_hash, error);
}
