#include "ledger/reexecution.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/ledger_put.h"
#include "ledger/question.h"

enum { CONFIRMING_BLOCKS = 2 };

struct reexecution {
    struct kv *kv;
    struct app *app;
    struct ledger ledger; /* for its beginning, its state and its scratch */
    bool has_ledger;
    uint64_t blocks;
};

static void die(void *context, const char *what) __attribute__((noreturn));
static void die(void *context, const char *what) { /* a store in memory does not fail */
    (void)context;
    fprintf(stderr, "quorate: %s\n", what);
    abort();
}

struct reexecution *reexecution_begin(const char *application, const struct state_genesis *genesis, enum params_release release, char **error) {
    struct reexecution *run = calloc(1, sizeof *run);
    assert(run != NULL);
    run->kv = kv_memory_new((struct kv_failure){NULL, die});
    run->app = app_open(application, run->kv, genesis->chain_id);
    if (run->app == NULL)
        ledger_refuse(error, "application %.64s is none of those that this program has, so its chain cannot be run again here", application);
    run->has_ledger = run->app != NULL && ledger_open(&run->ledger, run->kv, run->app, genesis, release, error);
    if (run->has_ledger)
        return run;
    reexecution_free(run);
    return NULL;
}

void reexecution_free(struct reexecution *run) {
    if (run == NULL)
        return;
    if (run->has_ledger)
        ledger_close(&run->ledger);
    if (run->app != NULL)
        run->app->table->close(run->app);
    kv_close(run->kv);
    free(run);
}

static bool is_parent(const struct state *state, const struct header *header) {
    return header->height == state_next_height(state) && block_id_equal(&header->last_block_id, &state->block_id);
}

static void execute(struct reexecution *run, struct abci_finalized *finalized, const struct block *block) {
    struct ledger *ledger = &run->ledger;
    struct abci_block question;
    arena_reset(&ledger->arena);
    question_of_block(&question, &ledger->state, block, &ledger->arena);
    *finalized = (struct abci_finalized){0};
    run->app->table->finalize_block(run->app, finalized, &question, &ledger->arena);
}

static void commit(struct reexecution *run) {
    struct ledger *ledger = &run->ledger;
    kv_batch_clear(&ledger->batch);
    run->app->table->commit(run->app, &ledger->batch);
    kv_write(run->kv, &ledger->batch, false);
    struct state old = ledger->state;
    ledger->state = ledger->next;
    ledger->next = old; /* its memory serves the next block */
    run->blocks++;
}

/* The commit in it has an entry for each of its parent's validators: what the application is told is made of both. */
static bool commit_fits(const struct state *state, const struct block *block) {
    uint32_t wanted = state->height == 0 ? 0 : state->last_validators.count;
    return block->last_commit.count == wanted;
}

const char *reexecution_step(struct reexecution *run, struct block *block) {
    struct ledger *ledger = &run->ledger;
    struct abci_finalized finalized;
    if (!is_parent(&ledger->state, &block->header) || !commit_fits(&ledger->state, block))
        return "it does not follow the block before it";
    enum block_verdict verdict = judge_bare_header(&ledger->state, &block->header);
    if (verdict != BLOCK_GOOD)
        return block_verdict_text(verdict);
    execute(run, &finalized, block);
    if (finalized.tx_count != block->tx_count)
        return "the application gave another number of results";
    const char *fault = state_after(&ledger->next, &ledger->state, block, &finalized);
    if (fault == NULL)
        commit(run);
    return fault;
}

const char *reexecution_judge(const struct reexecution *run, bool *is_of_it, const struct header *header) {
    const struct state *state = &run->ledger.state;
    *is_of_it = is_parent(state, header);
    enum block_verdict verdict = *is_of_it ? judge_bare_header(state, header) : BLOCK_GOOD;
    return verdict == BLOCK_GOOD ? NULL : block_verdict_text(verdict);
}

bool reexecution_is_confirmed(const struct reexecution *run) { return run->blocks >= CONFIRMING_BLOCKS; }

const struct state *reexecution_state(const struct reexecution *run) { return &run->ledger.state; }
