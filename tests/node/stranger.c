#include "tests/node/stranger.h"

#include <check.h>
#include <stdlib.h>

void stranger_inject_padded(struct sim *sim, uint32_t from, uint32_t to, const struct wire_consensus *message, size_t padding) {
    size_t capacity = 128 * 1024 + padding;
    uint8_t *bytes = calloc(1, capacity);
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, capacity);
    wire_consensus_write(&writer, message);
    if (padding > 0) {
        uint8_t *nothing = calloc(1, padding);
        proto_put_bytes_always(&writer, 77, span_of(nothing, padding));
        free(nothing);
    }
    ck_assert(!writer.overflow);
    sim_inject(sim, from, to, wire_consensus_channel(message->kind), proto_writer_span(&writer));
    free(bytes);
}

void stranger_inject(struct sim *sim, uint32_t from, uint32_t to, const struct wire_consensus *message) {
    stranger_inject_padded(sim, from, to, message, 0);
}

static struct address address_of(struct sim *sim, uint32_t node) {
    uint8_t key[32];
    ed25519_key_public(sim_key(sim, node), key);
    struct pubkey pub = pubkey_ed25519(key);
    return pubkey_address(&pub);
}

struct vote stranger_vote(struct sim *sim, uint32_t node, int64_t height, int32_t round, int32_t type) {
    struct vote vote;
    vote_init(&vote);
    vote.type = type;
    vote.height = height;
    vote.round = round;
    vote.timestamp = (struct timestamp){1700000000, 0};
    vote.validator_address = address_of(sim, node);
    vote.validator_index = valset_find(replica_engine(sim_replica(sim, 0))->begin.validators, &vote.validator_address);
    return vote;
}

void stranger_sign(struct sim *sim, uint32_t node, struct vote *vote) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = vote_sign_bytes(bytes, vote, span_text("sim"));
    vote->signature.size = 64;
    ed25519_sign(sim_key(sim, node), vote->signature.bytes, span_of(bytes, size));
}

void stranger_inject_vote(struct sim *sim, uint32_t from, uint32_t to, const struct vote *vote) {
    stranger_inject(sim, from, to, &(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = *vote});
}

struct block_id stranger_block_id(uint8_t name) {
    struct block_id id = {.hash = digest_of((const uint8_t[32]){name})};
    id.parts = (struct part_header){1, digest_of((const uint8_t[32]){name, 1})};
    return id;
}

struct proposal stranger_proposal(struct sim *sim, uint32_t at) {
    const struct engine *engine = replica_engine(sim_replica(sim, at));
    struct proposal proposal = {.type = VOTE_PROPOSAL, .height = engine->height, .round = engine->round, .pol_round = -1};
    proposal.block_id = stranger_block_id(1);
    proposal.timestamp = (struct timestamp){1700000000, 0};
    proposal.signature.size = 64;
    return proposal;
}

void stranger_sign_proposal(struct sim *sim, uint32_t node, struct proposal *proposal) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = proposal_sign_bytes(bytes, proposal, span_text("sim"));
    proposal->signature.size = 64;
    ed25519_sign(sim_key(sim, node), proposal->signature.bytes, span_of(bytes, size));
}

uint32_t stranger_proposer(struct sim *sim, uint32_t at, int32_t round) {
    const struct engine *engine = replica_engine(sim_replica(sim, at));
    const struct validator *due = &engine->begin.validators->validators[engine_proposer(engine, round)];
    for (uint32_t node = 0;; node++) {
        struct address address = address_of(sim, node);
        if (address_equal(&address, &due->address))
            return node;
    }
}
