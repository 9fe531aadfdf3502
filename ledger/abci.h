/* What an application is asked and what it answers, ABCI 2.0 (cometbft: proto/tendermint/abci/types.proto; protocol.md §5). All spans and
 * arrays of an answer come from the arena that the caller passes with the question. */
#ifndef QUORATE_LEDGER_ABCI_H
#define QUORATE_LEDGER_ABCI_H

#include "crypto/arena.h"
#include "tendermint/commit.h"
#include "tendermint/header.h"
#include "tendermint/params.h"

struct abci_attribute {
    struct span key, value;
    bool index;
};

struct abci_event {
    struct span type;
    uint32_t count;
    struct abci_attribute *attributes;
};

struct abci_events {
    uint32_t count;
    struct abci_event *list;
};

struct abci_tx_result { /* ExecTxResult */
    uint32_t code;
    struct span data, log, info;
    int64_t gas_wanted, gas_used;
    struct abci_events events;
    struct span codespace;
};

struct abci_check { /* ResponseCheckTx, and what the mempool orders by */
    struct abci_tx_result result;
    struct span sender;  /* empty: no order among transactions */
    uint64_t sequence;   /* of the sender */
    int64_t expires;     /* last height at which it may be committed; 0: no bound of its own */
};

struct abci_validator_update {
    struct pubkey pub_key;
    int64_t power;
};

struct abci_vote_info {
    struct address address;
    int64_t power;
    int32_t flag; /* enum commit_flag */
    struct span extension, extension_signature; /* prepare_proposal only (ExtendedVoteInfo), of votes for a block; empty where there are none */
};

struct abci_extension { /* RequestVerifyVoteExtension */
    struct digest hash; /* of the block that is voted for */
    struct address validator;
    int64_t height;
    struct span extension;
};

struct abci_misbehavior {
    int32_t type; /* 1 duplicate vote, 2 light client attack */
    struct address address;
    int64_t power;
    int64_t height;
    struct timestamp time;
    int64_t total_power;
};

/* A block as Prepare-, ProcessProposal and FinalizeBlock see it. */
struct abci_block {
    const struct span *txs;
    const uint8_t (*tx_hashes)[32]; /* SHA256 of each; NULL: not known */
    uint32_t tx_count;
    int32_t commit_round;
    const struct abci_vote_info *votes;
    uint32_t vote_count;
    const struct abci_misbehavior *misbehavior;
    uint32_t misbehavior_count;
    struct digest hash;
    int64_t height;
    struct timestamp time;
    struct digest next_validators_hash;
    struct address proposer_address;
};

struct abci_finalized { /* ResponseFinalizeBlock */
    struct abci_events events;
    uint32_t tx_count;
    struct abci_tx_result *tx_results;
    uint32_t update_count;
    struct abci_validator_update *updates;
    bool has_params;
    struct span params_update; /* ConsensusParams bytes: absent sections mean no change */
    struct app_hash app_hash;
};

struct abci_info {
    struct span data, version;
    uint64_t app_version;
    int64_t last_block_height;
    struct app_hash last_block_app_hash;
};

struct abci_init_chain {
    struct timestamp time;
    struct span chain_id;
    const struct params *params;
    const struct abci_validator_update *validators;
    uint32_t validator_count;
    struct span app_state; /* JSON bytes */
    int64_t initial_height;
};

struct abci_initialized {
    struct app_hash app_hash;
    uint32_t validator_count; /* 0: the genesis ones stand */
    struct abci_validator_update *validators;
    bool has_params;
    struct params params;
};

struct abci_query {
    struct span data, path;
    int64_t height; /* 0: the latest */
    bool prove;
};

struct abci_proof_op {
    struct span type, key, data;
};

struct abci_answer { /* ResponseQuery */
    uint32_t code;
    struct span log, info;
    int64_t index;
    struct span key, value;
    uint32_t proof_count;
    struct abci_proof_op *proofs;
    int64_t height;
    struct span codespace;
};

void abci_tx_result_write(struct proto_writer *writer, const struct abci_tx_result *result);
/* Only code, data, gas_wanted, gas_used: what last_results_hash covers (types/results.go). */
void abci_tx_result_write_hashed(struct proto_writer *writer, const struct abci_tx_result *result);
void abci_results_hash(struct digest *out, const struct abci_tx_result *results, size_t count);
/* ResponseFinalizeBlock as stored and, later, as read from a socket. false: bad bytes or no room in the arena. */
void abci_finalized_write(struct proto_writer *writer, const struct abci_finalized *finalized);
bool abci_finalized_decode(struct abci_finalized *finalized, struct span bytes, struct arena *arena);


/* The pieces of it, for other messages that have them. A `message` is the field of the `outer` reader that holds the piece. */
uint32_t abci_count(struct span message, uint32_t number); /* fields of this number: lists are counted before they are taken */
/* A list of as many items of the arena as the message has fields of this number. NULL: no room, and the reader is spoilt. */
void *abci_take_list(struct proto_reader *reader, struct span message, uint32_t number, size_t item_size, struct arena *arena);
void abci_tx_result_read(struct abci_tx_result *result, struct proto_reader *outer, const struct proto_field *message, struct arena *arena);
void abci_update_write(struct proto_writer *writer, uint32_t field, const struct abci_validator_update *update);
void abci_update_read(struct abci_validator_update *update, struct proto_reader *outer, const struct proto_field *message);

#endif
