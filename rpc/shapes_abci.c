/* ABCI's answers. CometBFT sends some through jsonpb and some through libs/json, which differ in what they leave out. */
#include "genesis/genesis.h"
#include "rpc/shapes.h"

static void attribute(struct emit *emit, const struct abci_attribute *item) {
    emit_open(emit, '{');
    shapes_text(emit, "key", item->key);
    shapes_text(emit, "value", item->value);
    emit_key(emit, "index");
    emit_bool(emit, item->index);
    emit_shut(emit, '}');
}

static void attributes(struct emit *emit, const struct abci_event *event) {
    emit_key(emit, "attributes");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < event->count; i++)
        attribute(emit, &event->attributes[i]);
    emit_shut(emit, ']');
}

static void all_events(struct emit *emit, const struct abci_events *events) {
    emit_open(emit, '[');
    for (uint32_t i = 0; i < events->count; i++) {
        emit_open(emit, '{');
        shapes_text(emit, "type", events->list[i].type);
        attributes(emit, &events->list[i]);
        emit_shut(emit, '}');
    }
    emit_shut(emit, ']');
}

void shapes_tx_result(struct emit *emit, const struct abci_tx_result *result) {
    emit_open(emit, '{');
    shapes_number(emit, "code", result->code);
    shapes_base64(emit, "data", result->data);
    shapes_text(emit, "log", result->log);
    shapes_text(emit, "info", result->info);
    shapes_int64(emit, "gas_wanted", result->gas_wanted);
    shapes_int64(emit, "gas_used", result->gas_used);
    emit_key(emit, "events");
    all_events(emit, &result->events);
    shapes_text(emit, "codespace", result->codespace);
    emit_shut(emit, '}');
}

void shapes_tx_result_brief(struct emit *emit, const struct abci_tx_result *result) {
    emit_open(emit, '{');
    if (result->code != 0)
        shapes_number(emit, "code", result->code);
    if (result->data.size > 0)
        shapes_base64(emit, "data", result->data);
    if (result->log.size > 0)
        shapes_text(emit, "log", result->log);
    if (result->info.size > 0)
        shapes_text(emit, "info", result->info);
    if (result->gas_wanted != 0)
        shapes_int64(emit, "gas_wanted", result->gas_wanted);
    if (result->gas_used != 0)
        shapes_int64(emit, "gas_used", result->gas_used);
    if (result->events.count > 0) {
        emit_key(emit, "events");
        shapes_block_events(emit, &result->events);
    }
    if (result->codespace.size > 0)
        shapes_text(emit, "codespace", result->codespace);
    emit_shut(emit, '}');
}

static void proof_ops(struct emit *emit, const struct abci_answer *answer) {
    if (answer->proof_count == 0) {
        emit_null(emit);
        return;
    }
    emit_open(emit, '{');
    emit_key(emit, "ops");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < answer->proof_count; i++) {
        emit_open(emit, '{');
        shapes_text(emit, "type", answer->proofs[i].type);
        shapes_base64(emit, "key", answer->proofs[i].key);
        shapes_base64(emit, "data", answer->proofs[i].data);
        emit_shut(emit, '}');
    }
    emit_shut(emit, ']');
    emit_shut(emit, '}');
}

void shapes_answer(struct emit *emit, const struct abci_answer *answer) {
    emit_open(emit, '{');
    shapes_number(emit, "code", answer->code);
    shapes_text(emit, "log", answer->log);
    shapes_text(emit, "info", answer->info);
    shapes_int64(emit, "index", answer->index);
    shapes_base64(emit, "key", answer->key);
    shapes_base64(emit, "value", answer->value);
    emit_key(emit, "proofOps");
    proof_ops(emit, answer);
    shapes_int64(emit, "height", answer->height);
    shapes_text(emit, "codespace", answer->codespace);
    emit_shut(emit, '}');
}

void shapes_block_events(struct emit *emit, const struct abci_events *events) {
    if (events->count == 0) {
        emit_null(emit);
        return;
    }
    emit_open(emit, '[');
    for (uint32_t i = 0; i < events->count; i++) {
        emit_open(emit, '{');
        if (events->list[i].type.size > 0)
            shapes_text(emit, "type", events->list[i].type);
        if (events->list[i].count > 0)
            attributes(emit, &events->list[i]);
        emit_shut(emit, '}');
    }
    emit_shut(emit, ']');
}

static void public_key(struct emit *emit, const struct pubkey *key) {
    bool is_ed25519 = key->type == PUBKEY_ED25519;
    emit_open(emit, '{');
    emit_key(emit, "Sum");
    emit_open(emit, '{');
    emit_key(emit, "type");
    emit_cstring(emit, is_ed25519 ? "tendermint.crypto.PublicKey_Ed25519" : "tendermint.crypto.PublicKey_Secp256K1");
    emit_key(emit, "value");
    emit_open(emit, '{');
    shapes_base64(emit, is_ed25519 ? "ed25519" : "secp256k1", span_of(key->bytes, key->size));
    emit_shut(emit, '}');
    emit_shut(emit, '}');
    emit_shut(emit, '}');
}

void shapes_validator_updates(struct emit *emit, const struct abci_finalized *finalized) {
    if (finalized->update_count == 0) {
        emit_null(emit);
        return;
    }
    emit_open(emit, '[');
    for (uint32_t i = 0; i < finalized->update_count; i++) {
        emit_open(emit, '{');
        emit_key(emit, "pub_key");
        public_key(emit, &finalized->updates[i].pub_key);
        if (finalized->updates[i].power != 0)
            shapes_int64(emit, "power", finalized->updates[i].power);
        emit_shut(emit, '}');
    }
    emit_shut(emit, ']');
}

static void nonzero(struct emit *emit, const char *key, int64_t value) {
    if (value != 0)
        shapes_int64(emit, key, value);
}

static void key_types(struct emit *emit, const struct params *params) {
    if (params->key_type_count == 0)
        return;
    emit_key(emit, "pub_key_types");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < params->key_type_count; i++)
        emit_cstring(emit, params->key_types[i]);
    emit_shut(emit, ']');
}

enum section { SECTION_BLOCK = 1, SECTION_EVIDENCE, SECTION_VALIDATOR, SECTION_VERSION, SECTION_ABCI, SECTION_COUNT };

static void params_section(struct emit *emit, enum section section, const struct params *params) {
    static const char *const names[SECTION_COUNT] = {"", "block", "evidence", "validator", "version", "abci"};
    emit_key(emit, names[section]);
    emit_open(emit, '{');
    switch (section) {
    case SECTION_BLOCK:
        nonzero(emit, "max_bytes", params->block_bytes_max);
        nonzero(emit, "max_gas", params->block_gas_max);
        break;
    case SECTION_EVIDENCE:
        nonzero(emit, "max_age_num_blocks", params->evidence_age_blocks_max);
        shapes_int64(emit, "max_age_duration", params->evidence_age_ns_max);
        nonzero(emit, "max_bytes", params->evidence_bytes_max);
        break;
    case SECTION_VALIDATOR: key_types(emit, params); break;
    case SECTION_VERSION:
        if (params->version_app != 0) {
            emit_key(emit, "app");
            emit_uint64(emit, params->version_app);
        }
        break;
    default: nonzero(emit, "vote_extensions_enable_height", params->extensions_enable_height);
    }
    emit_shut(emit, '}');
}

void shapes_params_update(struct emit *emit, const struct abci_finalized *finalized) {
    if (!finalized->has_params) {
        emit_null(emit);
        return;
    }
    bool present[SECTION_COUNT] = {false};
    struct params params = {0};
    struct proto_field field;
    struct proto_reader look = proto_reader_over(finalized->params_update), reader = look;
    while (proto_next(&look, &field))
        if (field.number >= SECTION_BLOCK && field.number < SECTION_COUNT)
            present[field.number] = true;
    params_read(&params, &reader);
    emit_open(emit, '{');
    for (unsigned section = SECTION_BLOCK; section < SECTION_COUNT; section++)
        if (present[section])
            params_section(emit, section, &params);
    emit_shut(emit, '}');
}

void shapes_finalized(struct emit *emit, const struct abci_finalized *finalized) {
    emit_open(emit, '{');
    if (finalized->events.count > 0) {
        emit_key(emit, "events");
        shapes_block_events(emit, &finalized->events);
    }
    if (finalized->tx_count > 0) {
        emit_key(emit, "tx_results");
        emit_open(emit, '[');
        for (uint32_t i = 0; i < finalized->tx_count; i++)
            shapes_tx_result(emit, &finalized->tx_results[i]);
        emit_shut(emit, ']');
    }
    emit_key(emit, "validator_updates");
    if (finalized->update_count > 0)
        shapes_validator_updates(emit, finalized);
    else
        emit_literal(emit, "[]");
    if (finalized->has_params) {
        emit_key(emit, "consensus_param_updates");
        shapes_params_update(emit, finalized);
    }
    if (finalized->app_hash.size > 0)
        shapes_base64(emit, "app_hash", app_hash_span(&finalized->app_hash));
    emit_shut(emit, '}');
}
