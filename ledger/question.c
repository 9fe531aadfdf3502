#include "ledger/question.h"

#include <assert.h>

static void ask_votes(struct abci_block *out, const struct state *state, const struct commit *commit, int64_t height,
                      struct arena *arena) {
    if (height == state->initial_height)
        return;
    assert(commit->count == state->last_validators.count);
    struct abci_vote_info *votes = arena_take(arena, commit->count, sizeof *votes);
    assert(votes != NULL);
    for (uint32_t i = 0; i < commit->count; i++) {
        const struct validator *validator = &state->last_validators.validators[i];
        votes[i] = (struct abci_vote_info){.address = validator->address, .power = validator->power, .flag = commit->sigs[i].flag};
        if (commit->extensions == NULL)
            continue;
        const struct signature *signature = &commit->extensions[i].signature;
        votes[i].extension = commit->extensions[i].bytes;
        votes[i].extension_signature = span_of(signature->bytes, signature->size);
    }
    out->commit_round = commit->round;
    out->votes = votes;
    out->vote_count = commit->count;
}

static uint32_t accused_count(const struct evidence *evidence) {
    return evidence->kind == EVIDENCE_LIGHT_ATTACK ? evidence->byzantine_count : 1;
}

static void accuse(struct abci_misbehavior *out, const struct evidence *evidence, uint32_t index) {
    if (evidence->kind == EVIDENCE_LIGHT_ATTACK) {
        const struct validator *validator = &evidence->byzantine[index];
        *out = (struct abci_misbehavior){EVIDENCE_LIGHT_ATTACK, validator->address,  validator->power,
                                         evidence->common_height, evidence->timestamp, evidence->total_power};
        return;
    }
    const struct evidence_duplicate_vote *duplicate = &evidence->duplicate;
    *out = (struct abci_misbehavior){EVIDENCE_DUPLICATE_VOTE,   duplicate->vote_a.validator_address,
                                     duplicate->validator_power, duplicate->vote_a.height,
                                     duplicate->timestamp,       duplicate->total_power};
}

static void ask_misbehavior(struct abci_block *out, const struct evidence *evidence, uint32_t count, struct arena *arena) {
    uint32_t total = 0, at = 0;
    for (uint32_t i = 0; i < count; i++)
        total += accused_count(&evidence[i]);
    struct abci_misbehavior *list = arena_take(arena, total, sizeof *list);
    assert(list != NULL);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t who = 0; who < accused_count(&evidence[i]); who++)
            accuse(&list[at++], &evidence[i], who);
    out->misbehavior = list;
    out->misbehavior_count = total;
}

static void ask_header(struct abci_block *out, const struct header *header) {
    out->height = header->height;
    out->time = header->time;
    out->next_validators_hash = header->next_validators_hash;
    out->proposer_address = header->proposer_address;
}

void question_of_block(struct abci_block *out, const struct state *state, const struct block *block, struct arena *arena) {
    *out = (struct abci_block){.txs = block->txs,
                               .tx_hashes = (const uint8_t(*)[32])block->tx_hashes,
                               .tx_count = block->tx_count,
                               .hash = block->hash};
    ask_header(out, &block->header);
    ask_votes(out, state, &block->last_commit, block->header.height, arena);
    ask_misbehavior(out, block->evidence, block->evidence_count, arena);
}

void question_of_plan(struct abci_block *out, const struct state *state, const struct block_plan *plan, struct arena *arena) {
    *out = (struct abci_block){.txs = plan->txs, .tx_hashes = plan->tx_hashes, .tx_count = plan->tx_count};
    ask_header(out, &plan->header);
    ask_votes(out, state, plan->last_commit, plan->header.height, arena);
    ask_misbehavior(out, plan->evidence, plan->evidence_count, arena);
}
