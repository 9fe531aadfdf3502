/* Station 3: is it wanted, is it due, is the signature good? Whoever breaks a rule pays; the engine sees only what passed. */
#include <inttypes.h>

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
    meter_proposal(replica);
    replica_note(replica, from, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = *proposal});
    replica_event(replica, &(struct engine_event){.kind = ENGINE_ON_PROPOSAL, .peer = peer, .proposal = *proposal});
}

void gate_part(struct replica *replica, struct replica_peer *from, const struct wire_consensus *message) {
    if (message->height != replica->engine.height) {
        meter_part(replica, from, false, false);
        return;
    }
    struct candidate *done;
    enum part_verdict verdict = candidates_note(&replica->candidates, &done, &message->part);
    meter_part(replica, from, verdict == PART_GOOD || verdict == PART_KNOWN, verdict == PART_KNOWN);
    if (verdict == PART_BAD_PROOF && from != NULL)
        /* Not punished: where a proposer signed two proposals, an honest peer sends parts of the other one. */
        replica_say(replica, WORLD_DEBUG, "part %u from %s does not belong to the block that we collect", message->part.index, from->id);
    if (verdict != PART_GOOD)
        return;
    replica_note(replica, from, message);
    if (done != NULL)
        replica_tell_block(replica, done);
}

/* What a peer did is counted per round of ours, its claims per height. */
static void turn_page(const struct replica *replica, struct replica_peer *from) {
    const struct engine *engine = &replica->engine;
    if (from->judged_height != engine->height)
        from->claim_count = 0;
    if (from->judged_height != engine->height || from->judged_round != engine->round)
        from->wasted = 0;
    from->judged_height = engine->height;
    from->judged_round = engine->round;
}

/* Good signatures that serve nothing cost us a check and room in the journal. An honest peer sends at most the conflicting votes that it holds:
 * a few per validator. */
static bool is_patient(struct replica *replica, struct replica_peer *from) {
    if (from == NULL)
        return true;
    turn_page(replica, from);
    if (from->wasted <= 64 + 8 * replica->engine.begin.validators->count)
        return true;
    punish(replica, from, WORLD_BLAME_FAULT, "sends more votes and claims than can be of use");
    return false;
}

/* rounds.h: of rounds beyond the next, each peer may open two. */
static bool may_open_round(const struct rounds *rounds, uint32_t peer) {
    for (uint32_t i = 0; i < rounds->catchup_peer_count; i++)
        if (rounds->catchup[i].peer == peer)
            return rounds->catchup[i].used < ROUNDS_CATCHUP_PER_PEER;
    return rounds->catchup_peer_count < ROUNDS_PEERS_MAX;
}

/* The first vote of a validator is; a second one only if it differs in the block, and convicts or may be counted. */
static bool tally_lacks(const struct tally *tally, const struct vote *vote) {
    uint32_t index = (uint32_t)vote->validator_index;
    struct vote known;
    if (!tally_vote(tally, &known, index))
        return true;
    const struct bit_array *voted = tally_voted_for(tally, &vote->block_id);
    return voted != NULL ? !bit_array_get(voted, index) : !bit_array_get(&tally->accused, index);
}

/* Not known yet, of a round and validator that exist. */
static bool vote_is_wanted(struct replica *replica, uint32_t peer, const struct vote *vote, const struct valset **validators) {
    struct engine *engine = &replica->engine;
    if (vote->height == engine->height) {
        *validators = engine->begin.validators;
        const struct tally *tally = rounds_tally(&engine->rounds, vote->round, vote->type);
        return tally != NULL ? tally_lacks(tally, vote) : vote->round <= engine->round + 1 || may_open_round(&engine->rounds, peer);
    }
    if (vote->height != engine->height - 1 || vote->type != VOTE_PRECOMMIT || engine->phase != ENGINE_NEW_HEIGHT || !engine->has_last_commit ||
        engine->last_commit.round != vote->round)
        return false;
    *validators = engine->last_commit.validators;
    return tally_lacks(&engine->last_commit, vote);
}

/* Exactly where CometBFT asks (consensus/state.go addVote, types/vote_set.go): the application is not asked about our own votes, which it made,
 * nor about those of the last height, which is decided. NULL: nothing is wrong with it. */
static const char *extension_fault(struct replica *replica, const struct vote *vote, const struct pubkey *key) {
    bool belongs = vote->type == VOTE_PRECOMMIT && !block_id_is_nil(&vote->block_id) && ledger_extends(replica->ledger, vote->height);
    if (!belongs)
        return vote->extension.size > 0 || vote->extension_signature.size > 0 ? "carries an extension where none belongs" : NULL;
    if (!vote_extension_verify_vartime(vote, replica_chain_id(replica), key))
        return "its extension is not signed by the validator";
    bool asks = vote->height == replica->engine.height && !address_equal(&vote->validator_address, &replica->own);
    return asks && !ledger_accepts_extension(replica->ledger, vote) ? "the application refuses its extension" : NULL;
}

/* Who passes it on is not cut off, as CometBFT does not: some signers sign extensions that their chain does not have, and applications differ. But it
 * was of no use. */
static void refuse_extension(struct replica *replica, struct replica_peer *from, const struct vote *vote, const char *why) {
    if (from != NULL)
        from->wasted++;
    replica_say(replica, WORLD_DEBUG, "precommit of validator %d at %" PRId64 "/%d not counted: %s", vote->validator_index, vote->height, vote->round,
                why);
}

void gate_vote(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct vote *vote) {
    const struct valset *validators;
    if (from != NULL)
        forkwatch_vote(replica, vote);
    if (!vote_is_wanted(replica, peer, vote, &validators)) {
        meter_unwanted_vote(replica, vote);
        suspects_hear_late_vote(replica, vote);
        return;
    }
    if (!is_patient(replica, from))
        return;
    if ((uint32_t)vote->validator_index >= validators->count)
        return punish(replica, from, WORLD_BLAME_FAULT, "vote: no validator has its index");
    const struct validator *voter = &validators->validators[vote->validator_index];
    if (!address_equal(&voter->address, &vote->validator_address))
        return punish(replica, from, WORLD_BLAME_FAULT, "vote: its address is not that of the validator at its index");
    bool is_good = vote_verify_vartime(vote, replica_chain_id(replica), &voter->pub_key);
    meter_vote(replica, is_good);
    if (!is_good)
        return punish(replica, from, WORLD_BLAME_MALICE, "vote: its signature is not the validator's");
    suspects_hear_vote(replica, vote);
    const char *fault = extension_fault(replica, vote, &voter->pub_key);
    meter_extension(replica, vote, fault == NULL);
    if (fault != NULL)
        return refuse_extension(replica, from, vote, fault);
    uint64_t served = replica->served;
    replica_note(replica, from, &(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = *vote});
    replica_event(replica, &(struct engine_event){.kind = ENGINE_ON_VOTE, .peer = peer, .vote = *vote});
    parentwatch_look(replica);
    if (from != NULL && replica->served == served)
        from->wasted++;
}

/* false: made before, or a second one that contradicts it. */
static bool claim_is_new(struct replica *replica, struct replica_peer *from, const struct wire_consensus *message) {
    uint32_t known = from->claim_count < REPLICA_CLAIMS_MAX ? from->claim_count : REPLICA_CLAIMS_MAX;
    for (uint32_t i = 0; i < known; i++) {
        const struct replica_claim *claim = &from->claims[i];
        if (claim->round != message->round || claim->type != message->type)
            continue;
        if (!block_id_equal(&claim->id, &message->block_id))
            punish(replica, from, WORLD_BLAME_FAULT, "claims two majorities of one round");
        return false;
    }
    from->claims[from->claim_count++ % REPLICA_CLAIMS_MAX] = (struct replica_claim){message->round, message->type, message->block_id};
    from->wasted++; /* of no use yet */
    return true;
}

/* Kept once: it may let a second vote count, and so belongs to what a restart must know. */
void gate_claim(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct wire_consensus *message) {
    if (message->height != replica->engine.height || rounds_tally(&replica->engine.rounds, message->round, message->type) == NULL ||
        !is_patient(replica, from) || (from != NULL && !claim_is_new(replica, from, message)))
        return;
    replica_note(replica, from, message);
    struct engine_event event = {.kind = ENGINE_ON_CLAIM, .peer = peer};
    event.claim.round = message->round;
    event.claim.type = message->type;
    event.claim.id = message->block_id;
    replica_event(replica, &event);
}
