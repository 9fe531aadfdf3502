#include "rpc/shapes.h"

#include "genesis/genesis.h"

void shapes_int64(struct emit *emit, const char *key, int64_t value) {
    emit_key(emit, key);
    emit_int64(emit, value);
}

void shapes_number(struct emit *emit, const char *key, int64_t value) {
    emit_key(emit, key);
    emit_number(emit, value);
}

void shapes_text(struct emit *emit, const char *key, struct span text) {
    emit_key(emit, key);
    emit_string(emit, text);
}

void shapes_hex(struct emit *emit, const char *key, struct span bytes) {
    emit_key(emit, key);
    emit_hex(emit, bytes);
}

void shapes_base64(struct emit *emit, const char *key, struct span bytes) {
    emit_key(emit, key);
    emit_base64(emit, bytes);
}

void shapes_time(struct emit *emit, const char *key, const struct timestamp *time) {
    emit_key(emit, key);
    emit_time(emit, time);
}

static void part_header(struct emit *emit, const struct part_header *header) {
    emit_open(emit, '{');
    shapes_number(emit, "total", header->total);
    shapes_hex(emit, "hash", digest_span(&header->hash));
    emit_shut(emit, '}');
}

void shapes_block_id(struct emit *emit, const struct block_id *id) {
    emit_open(emit, '{');
    shapes_hex(emit, "hash", digest_span(&id->hash));
    emit_key(emit, "parts");
    part_header(emit, &id->parts);
    emit_shut(emit, '}');
}

static void version(struct emit *emit, const struct header *header) {
    emit_open(emit, '{');
    if (header->version_block != 0) {
        emit_key(emit, "block");
        emit_uint64(emit, header->version_block);
    }
    if (header->version_app != 0) {
        emit_key(emit, "app");
        emit_uint64(emit, header->version_app);
    }
    emit_shut(emit, '}');
}

void shapes_header(struct emit *emit, const struct header *header) {
    emit_open(emit, '{');
    emit_key(emit, "version");
    version(emit, header);
    shapes_text(emit, "chain_id", header_chain_id(header));
    shapes_int64(emit, "height", header->height);
    shapes_time(emit, "time", &header->time);
    emit_key(emit, "last_block_id");
    shapes_block_id(emit, &header->last_block_id);
    shapes_hex(emit, "last_commit_hash", digest_span(&header->last_commit_hash));
    shapes_hex(emit, "data_hash", digest_span(&header->data_hash));
    shapes_hex(emit, "validators_hash", digest_span(&header->validators_hash));
    shapes_hex(emit, "next_validators_hash", digest_span(&header->next_validators_hash));
    shapes_hex(emit, "consensus_hash", digest_span(&header->consensus_hash));
    shapes_hex(emit, "app_hash", app_hash_span(&header->app_hash));
    shapes_hex(emit, "last_results_hash", digest_span(&header->last_results_hash));
    shapes_hex(emit, "evidence_hash", digest_span(&header->evidence_hash));
    shapes_hex(emit, "proposer_address", address_span(&header->proposer_address));
    emit_shut(emit, '}');
}

static struct span signature_span(const struct signature *signature) { return span_of(signature->bytes, signature->size); }

static void commit_sig(struct emit *emit, const struct commit_sig *sig) {
    emit_open(emit, '{');
    shapes_number(emit, "block_id_flag", sig->flag);
    shapes_hex(emit, "validator_address", address_span(&sig->validator_address));
    shapes_time(emit, "timestamp", &sig->timestamp);
    shapes_base64(emit, "signature", signature_span(&sig->signature));
    emit_shut(emit, '}');
}

void shapes_commit(struct emit *emit, const struct commit *commit) {
    emit_open(emit, '{');
    shapes_int64(emit, "height", commit->height);
    shapes_number(emit, "round", commit->round);
    emit_key(emit, "block_id");
    shapes_block_id(emit, &commit->block_id);
    emit_key(emit, "signatures");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < commit->count; i++)
        commit_sig(emit, &commit->sigs[i]);
    emit_shut(emit, ']');
    emit_shut(emit, '}');
}

void shapes_vote(struct emit *emit, const struct vote *vote) {
    emit_open(emit, '{');
    shapes_number(emit, "type", vote->type);
    shapes_int64(emit, "height", vote->height);
    shapes_number(emit, "round", vote->round);
    emit_key(emit, "block_id");
    shapes_block_id(emit, &vote->block_id);
    shapes_time(emit, "timestamp", &vote->timestamp);
    shapes_hex(emit, "validator_address", address_span(&vote->validator_address));
    shapes_number(emit, "validator_index", vote->validator_index);
    shapes_base64(emit, "signature", signature_span(&vote->signature));
    shapes_base64(emit, "extension", vote->extension);
    shapes_base64(emit, "extension_signature", signature_span(&vote->extension_signature));
    emit_shut(emit, '}');
}

void shapes_proposal(struct emit *emit, const struct proposal *proposal) {
    emit_open(emit, '{');
    shapes_number(emit, "Type", proposal->type);
    shapes_int64(emit, "height", proposal->height);
    shapes_number(emit, "round", proposal->round);
    shapes_number(emit, "pol_round", proposal->pol_round);
    emit_key(emit, "block_id");
    shapes_block_id(emit, &proposal->block_id);
    shapes_time(emit, "timestamp", &proposal->timestamp);
    shapes_base64(emit, "signature", signature_span(&proposal->signature));
    emit_shut(emit, '}');
}

void shapes_validator(struct emit *emit, const struct validator *validator) {
    emit_open(emit, '{');
    shapes_hex(emit, "address", address_span(&validator->address));
    emit_key(emit, "pub_key");
    genesis_emit_pubkey(emit, &validator->pub_key);
    shapes_int64(emit, "voting_power", validator->power);
    shapes_int64(emit, "proposer_priority", validator->priority);
    emit_shut(emit, '}');
}

void shapes_valset(struct emit *emit, const struct valset *set) {
    emit_open(emit, '{');
    emit_key(emit, "validators");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < set->count; i++)
        shapes_validator(emit, &set->validators[i]);
    emit_shut(emit, ']');
    emit_key(emit, "proposer");
    if (set->proposer >= 0)
        shapes_validator(emit, &set->validators[set->proposer]);
    else
        emit_null(emit);
    emit_shut(emit, '}');
}

static void duplicate_vote(struct emit *emit, const struct evidence_duplicate_vote *evidence) {
    emit_open(emit, '{');
    emit_key(emit, "vote_a");
    shapes_vote(emit, &evidence->vote_a);
    emit_key(emit, "vote_b");
    shapes_vote(emit, &evidence->vote_b);
    shapes_int64(emit, "TotalVotingPower", evidence->total_power);
    shapes_int64(emit, "ValidatorPower", evidence->validator_power);
    shapes_time(emit, "Timestamp", &evidence->timestamp);
    emit_shut(emit, '}');
}

static void light_block(struct emit *emit, const struct evidence *evidence) {
    struct valset set;
    valset_init(&set);
    emit_open(emit, '{');
    emit_key(emit, "signed_header");
    emit_open(emit, '{');
    emit_key(emit, "header");
    shapes_header(emit, &evidence->conflicting_header);
    emit_key(emit, "commit");
    shapes_commit(emit, &evidence->conflicting_commit);
    emit_shut(emit, '}');
    emit_key(emit, "validator_set");
    if (valset_decode(&set, evidence->conflicting_validators) == VALSET_GOOD)
        shapes_valset(emit, &set);
    else
        emit_null(emit);
    emit_shut(emit, '}');
    valset_close(&set);
}

static void light_attack(struct emit *emit, const struct evidence *evidence) {
    emit_open(emit, '{');
    emit_key(emit, "ConflictingBlock");
    light_block(emit, evidence);
    shapes_int64(emit, "CommonHeight", evidence->common_height);
    emit_key(emit, "ByzantineValidators");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < evidence->byzantine_count; i++)
        shapes_validator(emit, &evidence->byzantine[i]);
    emit_shut(emit, ']');
    shapes_int64(emit, "TotalVotingPower", evidence->total_power);
    shapes_time(emit, "Timestamp", &evidence->timestamp);
    emit_shut(emit, '}');
}

void shapes_evidence(struct emit *emit, const struct evidence *evidence) {
    bool is_duplicate = evidence->kind == EVIDENCE_DUPLICATE_VOTE;
    emit_open(emit, '{');
    emit_key(emit, "type");
    emit_cstring(emit, is_duplicate ? "tendermint/DuplicateVoteEvidence" : "tendermint/LightClientAttackEvidence");
    emit_key(emit, "value");
    if (is_duplicate)
        duplicate_vote(emit, &evidence->duplicate);
    else
        light_attack(emit, evidence);
    emit_shut(emit, '}');
}

static void block_data(struct emit *emit, const struct block *block) {
    emit_room(emit, block->bytes->size / 3 * 4 + 8 * (size_t)block->tx_count + 1024);
    emit_open(emit, '{');
    emit_key(emit, "txs");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < block->tx_count; i++)
        emit_base64_text(emit, block->txs[i]);
    emit_shut(emit, ']');
    emit_shut(emit, '}');
}

void shapes_block(struct emit *emit, const struct block *block) {
    emit_open(emit, '{');
    emit_key(emit, "header");
    shapes_header(emit, &block->header);
    emit_key(emit, "data");
    block_data(emit, block);
    emit_key(emit, "evidence");
    emit_open(emit, '{');
    emit_key(emit, "evidence");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < block->evidence_count; i++)
        shapes_evidence(emit, &block->evidence[i]);
    emit_shut(emit, ']');
    emit_shut(emit, '}');
    emit_key(emit, "last_commit");
    if (block->has_last_commit)
        shapes_commit(emit, &block->last_commit);
    else
        emit_null(emit);
    emit_shut(emit, '}');
}

void shapes_meta(struct emit *emit, const struct ledger_meta *meta) {
    emit_open(emit, '{');
    emit_key(emit, "block_id");
    shapes_block_id(emit, &meta->block_id);
    shapes_int64(emit, "block_size", meta->size);
    emit_key(emit, "header");
    shapes_header(emit, &meta->header);
    shapes_int64(emit, "num_txs", meta->tx_count);
    emit_shut(emit, '}');
}

void shapes_merkle_proof(struct emit *emit, const struct merkle_proof *proof) {
    emit_open(emit, '{');
    shapes_int64(emit, "total", proof->total);
    shapes_int64(emit, "index", proof->index);
    shapes_base64(emit, "leaf_hash", span_of(proof->leaf_hash, proof->leaf_hash_size));
    emit_key(emit, "aunts");
    emit_open(emit, '[');
    for (unsigned i = 0; i < proof->aunt_count; i++)
        emit_base64(emit, span_of(proof->aunts[i], SHA256_BYTES));
    emit_shut(emit, ']');
    emit_shut(emit, '}');
}

static void node_version(struct emit *emit, const struct rpc_node_info *info) {
    emit_open(emit, '{');
    emit_key(emit, "p2p");
    emit_uint64(emit, info->protocol_p2p);
    emit_key(emit, "block");
    emit_uint64(emit, info->protocol_block);
    emit_key(emit, "app");
    emit_uint64(emit, info->protocol_app);
    emit_shut(emit, '}');
}

void shapes_node_info(struct emit *emit, const struct rpc_node_info *info) {
    emit_open(emit, '{');
    emit_key(emit, "protocol_version");
    node_version(emit, info);
    shapes_text(emit, "id", span_text(info->id));
    shapes_text(emit, "listen_addr", span_text(info->listen_addr));
    shapes_text(emit, "network", span_text(info->network));
    shapes_text(emit, "version", span_text(info->version));
    shapes_hex(emit, "channels", span_of(info->channels, info->channel_count));
    shapes_text(emit, "moniker", span_text(info->moniker));
    emit_key(emit, "other");
    emit_open(emit, '{');
    shapes_text(emit, "tx_index", span_text(info->tx_index));
    shapes_text(emit, "rpc_address", span_text(info->rpc_address));
    emit_shut(emit, '}');
    emit_shut(emit, '}');
}
