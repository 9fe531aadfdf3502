#include "node/sim_extend.h"

#include <inttypes.h>
#include <stddef.h>

#include "ledger/app_extender.h"

static struct sim_node *node_of(struct app *app) {
    return (struct sim_node *)(uintptr_t)((const char *)app->table - offsetof(struct sim_node, patched_table));
}

static bool is_honest(const struct sim *sim, const struct address *address) {
    for (uint32_t i = 0; i < sim->config.nodes; i++)
        if (address_equal(&sim->nodes[i].address, address) && sim->nodes[i].is_faulty)
            return false;
    return true;
}

static const char *extension_fault(const struct sim_node *node, const struct abci_vote_info *told, const struct validator *validator, int32_t round) {
    const struct state *state = &node->ledger.state;
    uint8_t right[APP_EXTENDER_BYTES_MAX];
    struct vote vote = {.height = state->height, .round = round, .extension = told->extension};
    if (told->extension_signature.size != 64)
        return "has no signed extension";
    memcpy(vote.extension_signature.bytes, told->extension_signature.data, 64);
    vote.extension_signature.size = 64;
    if (!vote_extension_verify_vartime(&vote, span_text(state->chain_id), &validator->pub_key))
        return "has an extension that its validator did not sign";
    struct span expected = span_of(right, app_extender_text(right, state->height, &state->block_id.hash));
    bool is_right = span_equal(told->extension, expected);
    return is_right || !is_honest(node->sim, &told->address) ? NULL : "has a wrong extension of an honest validator";
}

static void check_last_commit(const struct sim_node *node, const struct abci_block *block) {
    const struct state *state = &node->ledger.state;
    const struct valset *set = &state->last_validators;
    bool extends = ledger_extends(&node->ledger, state->height);
    int64_t power = 0;
    if (block->vote_count != set->count) {
        sim_complain(node->sim, "proposer %u of %" PRId64 " hears of %" PRIu32 " votes instead of %" PRIu32, node->index, block->height, block->vote_count,
                     set->count);
        return;
    }
    for (uint32_t i = 0; i < block->vote_count; i++) {
        const struct abci_vote_info *told = &block->votes[i];
        bool counts = told->flag == COMMIT_FOR_BLOCK, carries = told->extension.size > 0 || told->extension_signature.size > 0;
        const char *fault = counts && extends ? extension_fault(node, told, &set->validators[i], block->commit_round)
                            : carries         ? "has an extension where none belongs"
                                              : NULL;
        power += counts ? set->validators[i].power : 0;
        if (fault != NULL)
            sim_complain(node->sim, "proposer %u of %" PRId64 ": vote %" PRIu32 " of the last height %s", node->index, block->height, i, fault);
    }
    if (power < valset_quorum(set))
        sim_complain(node->sim, "proposer %u of %" PRId64 ": the last height's votes it knows are no two thirds", node->index, block->height);
}

static uint32_t watched_proposal(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    struct sim_node *node = node_of(app);
    if (node->ledger.state.height > 0)
        check_last_commit(node, block);
    return node->plain_table->rewrite_proposal(app, out, block, bytes_max, arena);
}

void sim_extend_watch(struct sim_node *node) { node->patched_table.rewrite_proposal = watched_proposal; }
