/* Station 3: is it wanted, is it due, is the signature good? Whoever breaks a rule pays; the engine sees only what passed. */
#include "node/replica_inside.h"

static void punish(struct replica *replica, const struct replica_peer *from, enum world_blame blame, const char *why) {
    if (from != NULL)
        replica->world->table->drop(replica->world, from->number, blame, why);
}

void gate_proposal(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct proposal *proposal) {
    struct engine *engine = &replica->engine;
    if (proposal->height != engine->height)
        return;
    if (!params_parts_allowed(&replica->ledger->state.params, proposal->block_id.parts.total))
        return punish(replica, from, WORLD_BLAME_MALICE, "proposal: more parts than the largest block has");
    if (proposal->pol_round >= proposal->round)
        return punish(replica, from, WORLD_BLAME_MALICE, "proposal: its POL round is not below its round");
    if (proposal->round < engine->round || proposal->round > engine->round + 1)
        return;
    if (proposal->round == engine->round ? engine->has_proposal : engine->has_next_proposal)
        return;
    int32_t proposer = engine_proposer(engine, proposal->round);
    if (proposer < 0)
        return;
    const struct pubkey *key = &engine->begin.validators->validators[proposer].pub_key;
    if (!proposal_verify_vartime(proposal, replica_chain_id(replica), key))
        return punish(replica, from, WORLD_BLAME_MALICE, "proposal: not signed by the proposer of its round");
    replica_note(replica, from, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = *proposal});
    replica_event(replica, &(struct engine_event){.kind = ENGINE_ON_PROPOSAL, .peer = peer, .proposal = *proposal});
}

void gate_part(struct replica *replica, struct replica_peer *from, const struct wire_consensus *message) {
    if (message->height != replica->engine.height)
        return;
    struct candidate *done;
    enum part_verdict verdict = candidates_note(&replica->candidates, &done, &message->part);
    if (verdict == PART_BAD_PROOF && from != NULL)
        /* Not punished: where a proposer signed two proposals, an honest peer sends parts of the other one. */
        replica_say(replica, WORLD_DEBUG, "part %u from %s does not belong to the block that we collect", message->part.index, from->id);
    if (verdict != PART_GOOD)
        return;
    replica_note(replica, from, message);
    if (done != NULL)
        replica_tell_block(replica, done);
}

/* Not known yet, of a round and validator that exist. The tally in *tally when its round has one. */
static bool vote_is_wanted(struct replica *replica, const struct vote *vote, const struct valset **validators) {
    struct engine *engine = &replica->engine;
    const struct tally *tally;
    if (vote->height == engine->height) {
        *validators = engine->begin.validators;
        tally = rounds_tally(&engine->rounds, vote->round, vote->type);
    } else if (vote->height == engine->height - 1 && vote->type == VOTE_PRECOMMIT && engine->phase == ENGINE_NEW_HEIGHT &&
               engine->has_last_commit && engine->last_commit.round == vote->round) {
        tally = &engine->last_commit;
        *validators = tally->validators;
    } else {
        return false;
    }
    struct vote known;
    return tally == NULL || !tally_vote(tally, &known, (uint32_t)vote->validator_index) ||
           known.signature.size != vote->signature.size ||
           memcmp(known.signature.bytes, vote->signature.bytes, known.signature.size) != 0;
}

void gate_vote(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct vote *vote) {
    const struct valset *validators;
    if (!vote_is_wanted(replica, vote, &validators))
        return;
    if ((uint32_t)vote->validator_index >= validators->count)
        return punish(replica, from, WORLD_BLAME_FAULT, "vote: no validator has its index");
    const struct validator *voter = &validators->validators[vote->validator_index];
    if (!address_equal(&voter->address, &vote->validator_address))
        return punish(replica, from, WORLD_BLAME_FAULT, "vote: its address is not that of the validator at its index");
    if (vote->extension.size > 0 || vote->extension_signature.size > 0)
        return punish(replica, from, WORLD_BLAME_FAULT, "vote: carries an extension, which this chain has switched off");
    if (!vote_verify_vartime(vote, replica_chain_id(replica), &voter->pub_key))
        return punish(replica, from, WORLD_BLAME_MALICE, "vote: its signature is not the validator's");
    replica_note(replica, from, &(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = *vote});
    replica_event(replica, &(struct engine_event){.kind = ENGINE_ON_VOTE, .peer = peer, .vote = *vote});
}

void gate_claim(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct wire_consensus *message) {
    if (message->height != replica->engine.height)
        return;
    replica_note(replica, from, message);
    struct engine_event event = {.kind = ENGINE_ON_CLAIM, .peer = peer};
    event.claim.round = message->round;
    event.claim.type = message->type;
    event.claim.id = message->block_id;
    replica_event(replica, &event);
}
