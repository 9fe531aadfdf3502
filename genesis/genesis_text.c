#include <assert.h>
#include <stdlib.h>

#include "genesis/genesis.h"
#include "genesis/scan.h"

static void emit_key_types(struct emit *emit, const struct params *params) {
    emit_open(emit, '[');
    for (uint32_t i = 0; i < params->key_type_count; i++)
        emit_cstring(emit, params->key_types[i]);
    emit_shut(emit, ']');
}

static void emit_int64_as(struct emit *emit, const char *key, int64_t value) {
    emit_key(emit, key);
    emit_int64(emit, value);
}

static void emit_section(struct emit *emit, const char *key) {
    emit_key(emit, key);
    emit_open(emit, '{');
}

void genesis_emit_params(struct emit *emit, const struct params *params) {
    emit_open(emit, '{');
    emit_section(emit, "block");
    emit_int64_as(emit, "max_bytes", params->block_bytes_max);
    emit_int64_as(emit, "max_gas", params->block_gas_max);
    emit_shut(emit, '}');
    emit_section(emit, "evidence");
    emit_int64_as(emit, "max_age_num_blocks", params->evidence_age_blocks_max);
    emit_int64_as(emit, "max_age_duration", params->evidence_age_ns_max);
    emit_int64_as(emit, "max_bytes", params->evidence_bytes_max);
    emit_shut(emit, '}');
    emit_section(emit, "validator");
    emit_key(emit, "pub_key_types");
    emit_key_types(emit, params);
    emit_shut(emit, '}');
    emit_section(emit, "version");
    emit_key(emit, "app");
    emit_uint64(emit, params->version_app);
    emit_shut(emit, '}');
    emit_section(emit, "abci");
    emit_int64_as(emit, "vote_extensions_enable_height", params->extensions_enable_height);
    emit_shut(emit, '}');
    emit_shut(emit, '}');
}

void genesis_emit_pubkey(struct emit *emit, const struct pubkey *key) {
    if (key->type == PUBKEY_NONE) {
        emit_null(emit);
        return;
    }
    emit_open(emit, '{');
    emit_key(emit, "type");
    emit_cstring(emit, pubkey_json_tag(key->type));
    emit_key(emit, "value");
    emit_base64_text(emit, span_of(key->bytes, key->size));
    emit_shut(emit, '}');
}

static void emit_validator(struct emit *emit, const struct genesis_validator *validator) {
    struct address address = pubkey_address(&validator->member.pub_key);
    emit_open(emit, '{');
    emit_key(emit, "address");
    emit_hex(emit, address_span(&address));
    emit_key(emit, "pub_key");
    genesis_emit_pubkey(emit, &validator->member.pub_key);
    emit_int64_as(emit, "power", validator->member.power);
    emit_key(emit, "name");
    emit_cstring(emit, validator->name);
    emit_shut(emit, '}');
}

static void emit_app_state(struct emit *emit, const char *text) {
    struct span value;
    bool good = scan_value(&value, span_text(text), NULL);
    assert(good); /* a plan's app_state is JSON: ours to see to */
    emit_key(emit, "app_state");
    emit_compact(emit, value);
}

void genesis_emit(struct emit *emit, const struct genesis_plan *plan) {
    emit_open(emit, '{');
    emit_key(emit, "genesis_time");
    emit_time(emit, &plan->time);
    emit_key(emit, "chain_id");
    emit_cstring(emit, plan->chain_id);
    emit_int64_as(emit, "initial_height", plan->initial_height);
    emit_key(emit, "consensus_params");
    genesis_emit_params(emit, &plan->params);
    if (plan->validator_count > 0) {
        emit_key(emit, "validators");
        emit_open(emit, '[');
        for (uint32_t i = 0; i < plan->validator_count; i++)
            emit_validator(emit, &plan->validators[i]);
        emit_shut(emit, ']');
    }
    emit_key(emit, "app_hash");
    emit_hex(emit, app_hash_span(&plan->app_hash));
    if (plan->app_state != NULL)
        emit_app_state(emit, plan->app_state);
    emit_shut(emit, '}');
}

char *genesis_text(const struct genesis_plan *plan) {
    struct emit compact, indented;
    emit_init(&compact);
    emit_init(&indented);
    genesis_emit(&compact, plan);
    emit_indented(&indented, span_of(compact.data, compact.size));
    emit_close(&compact);
    return emit_text(&indented);
}

struct genesis_plan genesis_plan_of(const struct genesis *genesis) {
    return (struct genesis_plan){
        .chain_id = genesis->chain_id,
        .time = genesis->state.time,
        .initial_height = genesis->state.initial_height,
        .params = genesis->state.params,
        .validators = genesis->validators,
        .validator_count = genesis->state.validator_count,
        .app_state = genesis->app_state,
        .app_hash = genesis->state.app_hash,
    };
}
