/* What the application adds to votes, and what it thinks of others' additions (cometbft: state/execution.go). */
#include "ledger/ledger.h"

#include "ledger/question.h"

bool ledger_extends(const struct ledger *ledger, int64_t height) { return params_extensions_enabled(&ledger->state.params, height); }

struct span ledger_extend_vote(struct ledger *ledger, const struct block *block, struct arena *arena) {
    struct app *app = ledger->app;
    struct span extension = span_text("");
    if (app->table->extend_vote == NULL)
        return extension;
    struct abci_block question;
    question_of_block(&question, &ledger->state, block, arena);
    app->table->extend_vote(app, &extension, &question, arena);
    return extension.data == NULL ? span_text("") : extension;
}

bool ledger_accepts_extension(struct ledger *ledger, const struct vote *vote) {
    struct app *app = ledger->app;
    struct abci_extension question = {vote->block_id.hash, vote->validator_address, vote->height, vote->extension};
    return app->table->verify_vote_extension == NULL || app->table->verify_vote_extension(app, &question);
}
