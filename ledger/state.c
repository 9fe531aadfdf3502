#include "ledger/state.h"

#include <assert.h>
#include <stdlib.h>

void state_init(struct state *state) {
    *state = (struct state){.release = PARAMS_V038, .genesis_time = TIMESTAMP_ZERO, .block_time = TIMESTAMP_ZERO};
    valset_init(&state->last_validators);
    valset_init(&state->validators);
    valset_init(&state->next_validators);
}

void state_close(struct state *state) {
    valset_close(&state->last_validators);
    valset_close(&state->validators);
    valset_close(&state->next_validators);
}

/* All but the three sets. */
static void copy_plain(struct state *to, const struct state *from) {
    struct valset last = to->last_validators, now = to->validators, next = to->next_validators;
    *to = *from;
    to->last_validators = last;
    to->validators = now;
    to->next_validators = next;
}

void state_copy(struct state *to, const struct state *from) {
    if (to == from)
        return;
    copy_plain(to, from);
    valset_copy(&to->last_validators, &from->last_validators);
    valset_copy(&to->validators, &from->validators);
    valset_copy(&to->next_validators, &from->next_validators);
}

/* ---- the first state */

static struct valset_change *changes_of(const struct abci_validator_update *updates, uint32_t count) {
    struct valset_change *changes = calloc(count > 0 ? count : 1, sizeof *changes);
    assert(changes != NULL);
    for (uint32_t i = 0; i < count; i++)
        changes[i] = (struct valset_change){
            .address = pubkey_address(&updates[i].pub_key), .pub_key = updates[i].pub_key, .power = updates[i].power};
    return changes;
}

/* The application's validators replace those of the genesis file; either may be missing, not both. */
static enum valset_verdict first_validators(struct valset *set, const struct state_genesis *genesis,
                                            const struct abci_initialized *initialized) {
    if (initialized == NULL || initialized->validator_count == 0)
        return valset_make(set, genesis->validators, genesis->validator_count);
    struct valset_change *changes = changes_of(initialized->validators, initialized->validator_count);
    enum valset_verdict verdict = valset_make(set, changes, initialized->validator_count);
    free(changes);
    return verdict;
}

const char *state_from_genesis(struct state *state, const struct state_genesis *genesis, const struct abci_initialized *initialized) {
    bool has_params = initialized != NULL && initialized->has_params;
    const struct params *params = has_params ? &initialized->params : &genesis->params;
    if (genesis->chain_id.size == 0 || genesis->chain_id.size > STATE_CHAIN_ID_BYTES_MAX)
        return "chain id must have 1 to 50 bytes";
    if (genesis->initial_height < 1)
        return "initial height must be at least 1";
    if (params_check(params, state->release) != PARAMS_GOOD)
        return params_verdict_text(params_check(params, state->release));
    struct valset first;
    valset_init(&first);
    enum valset_verdict verdict = first_validators(&first, genesis, initialized);
    if (verdict != VALSET_GOOD)
        return valset_verdict_text(verdict);
    if (first.count == 0)
        return "no validators, neither in the genesis file nor from the application";

    enum params_release release = state->release;
    state_close(state);
    state_init(state);
    state->release = release;
    memcpy(state->chain_id, genesis->chain_id.data, genesis->chain_id.size);
    state->initial_height = genesis->initial_height;
    state->genesis_time = state->block_time = genesis->time;
    state->version_app = has_params ? params->version_app : 0;
    state->params = *params;
    state->params_changed = state->validators_changed = genesis->initial_height;
    state->validators = first;
    valset_copy(&state->next_validators, &first);
    valset_increment(&state->next_validators, 1);
    abci_results_hash(&state->results_hash, NULL, 0);
    bool has_hash = initialized != NULL && initialized->app_hash.size > 0;
    state->app_hash = has_hash ? initialized->app_hash : genesis->app_hash;
    return NULL;
}

/* ---- the next state */

static bool key_type_allowed(const struct params *params, const struct pubkey *key) {
    for (uint32_t i = 0; key->type != PUBKEY_NONE && i < params->key_type_count; i++)
        if (strcmp(params->key_types[i], pubkey_type_name(key->type)) == 0)
            return true;
    return false;
}

static const char *check_updates(const struct params *params, const struct abci_finalized *finalized) {
    for (uint32_t i = 0; i < finalized->update_count; i++) {
        const struct abci_validator_update *update = &finalized->updates[i];
        if (update->power < 0)
            return "validator update with negative power";
        if (update->pub_key.type == PUBKEY_NONE)
            return "validator update without a key";
        if (update->power > 0 && !key_type_allowed(params, &update->pub_key))
            return "validator update with a key type that the parameters do not allow";
    }
    return NULL;
}

static const char *next_params(struct params *params, enum params_release release, struct span update, int64_t height) {
    struct params changed = *params;
    struct proto_reader reader = proto_reader_over(update);
    params_read(&changed, &reader);
    if (reader.bad)
        return "parameter update is malformed";
    if (params_check(&changed, release) != PARAMS_GOOD)
        return params_verdict_text(params_check(&changed, release));
    if (!params_extensions_update_allowed(params, changed.extensions_enable_height, height))
        return params_verdict_text(PARAMS_BAD_EXTENSIONS_HEIGHT);
    *params = changed;
    return NULL;
}

static const char *update_validators(struct valset *set, const struct abci_finalized *finalized) {
    if (finalized->update_count == 0)
        return NULL;
    struct valset_change *changes = changes_of(finalized->updates, finalized->update_count);
    enum valset_verdict verdict = valset_update(set, changes, finalized->update_count);
    free(changes);
    return verdict == VALSET_GOOD ? NULL : valset_verdict_text(verdict);
}

const char *state_after(struct state *to, const struct state *from, struct block *block, const struct abci_finalized *finalized) {
    assert(to != from);
    int64_t height = block->header.height;
    const char *error = check_updates(&from->params, finalized);
    if (error != NULL)
        return error;
    copy_plain(to, from);
    valset_copy(&to->last_validators, &from->validators);
    valset_copy(&to->validators, &from->next_validators);
    valset_copy(&to->next_validators, &from->next_validators);
    error = update_validators(&to->next_validators, finalized);
    if (error == NULL && finalized->has_params)
        error = next_params(&to->params, from->release, finalized->params_update, height);
    if (error != NULL)
        return error;
    valset_increment(&to->next_validators, 1); /* after the update: newcomers take part in the turn */
    if (finalized->update_count > 0)
        to->validators_changed = height + 2;
    if (finalized->has_params) {
        to->params_changed = height + 1;
        to->version_app = to->params.version_app;
    }
    to->height = height;
    block_id_of(block, &to->block_id);
    to->block_time = block->header.time;
    abci_results_hash(&to->results_hash, finalized->tx_results, finalized->tx_count);
    to->app_hash = finalized->app_hash;
    return NULL;
}
