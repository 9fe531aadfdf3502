/* Stations 2 and 3: what a peer sends is decoded, noted as what the peer has, and goes to the gate. */
#include "node/evidence_gossip.h"

static void answer_claim(struct replica *replica, struct replica_peer *from, const struct wire_consensus *claim) {
    const struct tally *tally = claim->height == replica->engine.height ? rounds_tally(&replica->engine.rounds, claim->round, claim->type) : NULL;
    if (tally == NULL)
        return;
    const struct bit_array *voted = tally_voted_for(tally, &claim->block_id);
    struct bit_array none;
    bit_array_init(&none);
    bit_array_resize(&none, tally->validators->count);
    const struct bit_array *bits = voted != NULL ? voted : &none;
    struct wire_consensus answer = {
        .kind = WIRE_VOTE_SET_BITS_MESSAGE,
        .height = claim->height,
        .round = claim->round,
        .type = claim->type,
        .block_id = claim->block_id,
        .bits = {bits->bits, bits->words},
    };
    gossip_send(replica, from, &answer);
    bit_array_close(&none);
}

static void note_vote_bits(struct replica *replica, struct replica_peer *from, const struct wire_consensus *message) {
    const struct tally *tally =
        message->height == replica->engine.height ? rounds_tally(&replica->engine.rounds, message->round, message->type) : NULL;
    const struct bit_array *ours = tally == NULL ? NULL : tally_voted_for(tally, &message->block_id);
    struct bit_array none;
    bit_array_init(&none);
    if (tally != NULL && ours == NULL) { /* we know that we hold none for it */
        bit_array_resize(&none, tally->validators->count);
        ours = &none;
    }
    peerstate_vote_bits(&from->state, message, ours);
    from->moved = true;
    bit_array_close(&none);
}

static void note_peer_vote(struct replica *replica, struct replica_peer *from, const struct vote *vote) {
    const struct engine *engine = &replica->engine;
    peerstate_ensure_votes(&from->state, engine->height, engine->begin.validators->count);
    if (engine->has_last_commit)
        peerstate_ensure_votes(&from->state, engine->height - 1, engine->last_commit.validators->count);
    peerstate_note_vote(&from->state, vote->height, vote->round, vote->type, vote->validator_index);
}

static void note_has_vote(struct replica *replica, struct replica_peer *from, const struct wire_consensus *message) {
    const struct engine *engine = &replica->engine;
    if (message->height == engine->height)
        peerstate_ensure_votes(&from->state, message->height, engine->begin.validators->count);
    else if (message->height == engine->height - 1 && engine->has_last_commit)
        peerstate_ensure_votes(&from->state, message->height, engine->last_commit.validators->count);
    peerstate_note_vote(&from->state, message->height, message->round, message->type, message->index);
}

void receive_consensus(struct replica *replica, struct replica_peer *from, uint32_t peer,
                       const struct wire_consensus *message) {
    switch (message->kind) {
    case WIRE_NEW_ROUND_STEP:
        if (from != NULL) {
            bool moved;
            if (peerstate_step(&from->state, message, &moved) && moved) {
                from->moved = true;
                from->catchup_rounds = 0;
            }
        }
        break;
    case WIRE_NEW_VALID_BLOCK:
        if (from != NULL) {
            peerstate_valid_block(&from->state, message);
            from->moved = true;
        }
        break;
    case WIRE_PROPOSAL:
        if (from != NULL)
            peerstate_note_proposal(&from->state, &message->proposal);
        gate_proposal(replica, from, peer, &message->proposal);
        break;
    case WIRE_PROPOSAL_POL:
        if (from != NULL)
            peerstate_pol(&from->state, message);
        break;
    case WIRE_BLOCK_PART:
        if (from != NULL)
            peerstate_note_part(&from->state, message->height, message->round, message->part.index);
        gate_part(replica, from, message);
        break;
    case WIRE_VOTE_MESSAGE:
        if (from != NULL)
            note_peer_vote(replica, from, &message->vote);
        gate_vote(replica, from, peer, &message->vote);
        break;
    case WIRE_HAS_VOTE:
        if (from != NULL)
            note_has_vote(replica, from, message);
        break;
    case WIRE_VOTE_SET_MAJ23:
        gate_claim(replica, from, peer, message);
        if (from != NULL && from->present)
            answer_claim(replica, from, message);
        break;
    case WIRE_VOTE_SET_BITS_MESSAGE:
        if (from != NULL)
            note_vote_bits(replica, from, message);
        break;
    }
}

void replica_receive(struct replica *replica, uint32_t number, uint8_t channel, struct span bytes) {
    struct replica_peer *from = replica_find_peer(replica, number);
    if (from == NULL)
        return;
    suspects_hear_peer(replica, from);
    if (channel == WIRE_BLOCKSYNC) {
        catchup_receive(replica, number, bytes);
        return;
    }
    if (channel == WIRE_EVIDENCE) {
        evidence_gossip_receive(replica, from, bytes);
        return;
    }
    if (channel == WIRE_MEMPOOL && replica->resting)
        return; /* judged by a state of long ago it would be refused, and remembered as bad */
    if (channel == WIRE_MEMPOOL) {
        txgossip_receive(replica, from, bytes);
        replica_tell_txs(replica);
        return;
    }
    if (channel < WIRE_STATE || channel > WIRE_VOTE_SET_BITS)
        return;
    struct wire_consensus message;
    arena_reset(&replica->receive_arena);
    const char *wrong = wire_consensus_decode(&message, bytes, channel, replica->ledger->state.initial_height, &replica->receive_arena);
    if (wrong != NULL) {
        replica->world->table->drop(replica->world, number, WORLD_BLAME_MALICE, wrong);
        return;
    }
    if (!replica->resting || message.kind == WIRE_NEW_ROUND_STEP || message.kind == WIRE_NEW_VALID_BLOCK)
        receive_consensus(replica, from, from->engine_number, &message);
}
