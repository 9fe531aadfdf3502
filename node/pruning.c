#include "node/pruning.h"

static int64_t lowest(int64_t count, int64_t height) { return count == 0 || count >= height ? 0 : height - count + 1; }

static int64_t lowest_block(int64_t wanted, int64_t app_retain) {
    if (wanted == 0 || app_retain <= 0)
        return wanted == 0 ? app_retain : wanted;
    return wanted < app_retain ? wanted : app_retain;
}

void pruning_retain(struct ledger_retain *out, const struct pruning_config *config, int64_t height, int64_t app_retain) {
    bool silent = app_retain <= 0 || app_retain > height; /* above: a fault of the application, which must not cost blocks */
    *out = (struct ledger_retain){
        .blocks = config->blocks != 0 && lowest(config->blocks, height) == 0 ? 0 : lowest_block(lowest(config->blocks, height), silent ? 0 : app_retain),
        .states = lowest(config->states, height),
        .results = lowest(config->results, height),
        .index = lowest(config->index, height),
    };
}

int64_t pruning_step(struct ledger *ledger, const struct pruning_config *config, int64_t app_retain, int64_t count_max) {
    struct ledger_retain retain;
    pruning_retain(&retain, config, ledger->state.height, app_retain);
    if (retain.blocks == 0 && retain.results == 0 && retain.index == 0)
        return 0;
    return ledger_prune_to(ledger, &retain, count_max);
}
