/* What goes to whom. Our own votes, proposals and parts go out at once; those of others wait for the next round of gossip, because in a well-meshed
 * network their owner reaches everybody first. The conditions are CometBFT's (consensus/reactor.go gossipDataRoutine, gossipVotesRoutine,
 * queryMaj23Routine), so that its peers make use of what we send. */
#include "node/replica_inside.h"

static struct blob *encode(const struct wire_consensus *message) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    wire_consensus_write(&writer, message);
    struct blob *blob = blob_reserve(writer.size);
    proto_writer_init(&writer, blob->data, blob->size);
    wire_consensus_write(&writer, message);
    return blob;
}

static bool send(struct replica *replica, struct replica_peer *peer, uint8_t channel, struct blob *blob) {
    bool taken = replica->world->table->send(replica->world, peer->number, channel, blob);
    if (!taken)
        peer->blocked = true;
    return taken;
}

bool gossip_send(struct replica *replica, struct replica_peer *peer, const struct wire_consensus *message) {
    struct blob *blob = encode(message);
    bool taken = send(replica, peer, wire_consensus_channel(message->kind), blob);
    blob_release(blob);
    return taken;
}

/* Where we are and what we lack must come through: whoever had no room for it hears it later. */
static void broadcast(struct replica *replica, const struct wire_consensus *message) {
    struct blob *blob = encode(message);
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->present && !send(replica, peer, wire_consensus_channel(message->kind), blob))
            peer->untold = true;
    }
    blob_release(blob);
}

static void fill_step(struct replica *replica, struct wire_consensus *out) {
    const struct engine *engine = &replica->engine;
    struct timestamp now = replica->world->table->now(replica->world);
    *out = (struct wire_consensus){
        .kind = WIRE_NEW_ROUND_STEP,
        .height = engine->height,
        .round = engine->round,
        .step = engine->phase,
        .seconds_since_start = timestamp_diff_ns(&now, &replica->height_started) / 1000000000,
        .last_commit_round = engine->has_last_commit ? engine->last_commit.round : -1,
    };
}

void gossip_step(struct replica *replica) {
    struct wire_consensus step;
    fill_step(replica, &step);
    broadcast(replica, &step);
}

/* ---- our own, at once */

void gossip_own_vote(struct replica *replica, const struct vote *vote, uint32_t validators) {
    struct blob *blob = encode(&(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = *vote});
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (!peer->present)
            continue;
        peerstate_ensure_votes(&peer->state, vote->height, validators);
        struct bit_array *votes = peerstate_votes(&peer->state, vote->height, vote->round, vote->type);
        if (votes == NULL || bit_array_get(votes, (uint32_t)vote->validator_index))
            continue;
        if (send(replica, peer, WIRE_VOTE, blob))
            bit_array_set(votes, (uint32_t)vote->validator_index, true);
    }
    blob_release(blob);
}

static const struct tally *tally_of(const struct replica *replica, int64_t height, int32_t round, int32_t type) {
    const struct engine *engine = &replica->engine;
    if (height == engine->height)
        return rounds_tally(&engine->rounds, round, type);
    bool last = height + 1 == engine->height && type == VOTE_PRECOMMIT && engine->has_last_commit && engine->last_commit.round == round;
    return last ? &engine->last_commit : NULL;
}

static bool vote_is_own(const struct replica *replica, const struct tally *tally, uint32_t index) {
    return replica->own.size != 0 && address_equal(&tally->validators->validators[index].address, &replica->own);
}

/* A vote was counted. Whoever gets the vote itself from us needs no word about it. */
void gossip_have(struct replica *replica, const struct engine_effect *have) {
    const struct tally *tally = tally_of(replica, have->height, have->round, have->type);
    struct vote vote;
    bool own = tally != NULL && have->index < tally->validators->count && vote_is_own(replica, tally, have->index);
    if (own && tally_vote(tally, &vote, have->index))
        gossip_own_vote(replica, &vote, tally->validators->count);
    struct wire_consensus message = {
        .kind = WIRE_HAS_VOTE, .height = have->height, .round = have->round, .type = have->type, .index = (int32_t)have->index};
    struct blob *blob = encode(&message);
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (!peer->present)
            continue;
        const struct bit_array *votes = peerstate_votes(&peer->state, have->height, have->round, have->type);
        if (!own || votes == NULL || !bit_array_get(votes, have->index))
            send(replica, peer, WIRE_STATE, blob);
    }
    blob_release(blob);
}

/* What we have of the block; its bits are a loan from `none` or from the candidate. */
static void fill_valid_block(struct replica *replica, struct wire_consensus *out, struct bit_array *none, const struct block_id *id, bool is_commit) {
    struct candidate *candidate = candidates_find_parts(&replica->candidates, &id->parts);
    bit_array_resize(none, id->parts.total);
    const struct bit_array *has = candidate != NULL ? part_set_has(candidate->parts) : none;
    *out = (struct wire_consensus){
        .kind = WIRE_NEW_VALID_BLOCK,
        .height = replica->engine.height,
        .round = replica->engine.round,
        .parts = id->parts,
        .bits = {has->bits, has->words},
        .is_commit = is_commit,
    };
}

void gossip_valid_block(struct replica *replica, const struct engine_effect *valid) {
    struct wire_consensus message;
    struct bit_array none;
    if (valid->block_id.parts.total > PART_SET_TOTAL_MAX)
        return;
    bit_array_init(&none);
    fill_valid_block(replica, &message, &none, &valid->block_id, valid->is_commit);
    message.round = valid->round;
    broadcast(replica, &message);
    bit_array_close(&none);
}

/* A polka or a commit told us of a block whose bytes we still lack. */
static bool lacks_block(const struct replica *replica) {
    const struct engine *engine = &replica->engine;
    return !block_id_is_nil(&engine->wanted) && engine->wanted.parts.total <= PART_SET_TOTAL_MAX &&
           (engine->phase == ENGINE_COMMIT || engine->polka_told);
}

/* Where we are, and what we lack, to whoever may not know it. */
void gossip_introduce(struct replica *replica, struct replica_peer *peer) {
    struct wire_consensus message;
    fill_step(replica, &message);
    peer->untold = !gossip_send(replica, peer, &message);
    if (peer->untold || !lacks_block(replica))
        return;
    struct bit_array none;
    bit_array_init(&none);
    fill_valid_block(replica, &message, &none, &replica->engine.wanted, replica->engine.phase == ENGINE_COMMIT);
    peer->untold = !gossip_send(replica, peer, &message);
    bit_array_close(&none);
}

/* Nothing moves, so something that we take for granted is not so: all is told and sent again. */
void gossip_again(struct replica *replica) {
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (!peer->present)
            continue;
        gossip_introduce(replica, peer);
        peerstate_forget_sent(&peer->state);
        peer->moved = true;
    }
}

/* ---- blocks */

static void send_parts(struct replica *replica, struct replica_peer *peer, struct part_set *parts) {
    struct peerstate *state = &peer->state;
    const struct bit_array *has = part_set_has(parts);
    struct wire_consensus message = {.kind = WIRE_BLOCK_PART, .height = state->height, .round = state->round};
    /* Each peer is begun with at another part, so that they can pass parts on to each other. */
    uint32_t from = has->bits == 0 ? 0 : peer->number % has->bits;
    for (;;) {
        int32_t index = bit_array_pick(has, &state->parts, from);
        if (index < 0 || !part_set_get(parts, &message.part, (uint32_t)index) || !gossip_send(replica, peer, &message))
            return;
        bit_array_set(&state->parts, (uint32_t)index, true);
    }
}

static void send_proposal(struct replica *replica, struct replica_peer *peer) {
    struct engine *engine = &replica->engine;
    const struct proposal *proposal = &engine->proposal;
    if (!engine->has_proposal || peer->state.proposal ||
        !gossip_send(replica, peer, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = *proposal}))
        return;
    peerstate_note_proposal(&peer->state, proposal);
    const struct tally *pol = proposal->pol_round < 0 ? NULL : rounds_tally(&engine->rounds, proposal->pol_round, VOTE_PREVOTE);
    if (pol == NULL)
        return;
    const struct bit_array *voted = tally_voted(pol);
    struct wire_consensus message = {
        .kind = WIRE_PROPOSAL_POL, .height = proposal->height, .round = proposal->pol_round, .bits = {voted->bits, voted->words}};
    gossip_send(replica, peer, &message);
}

static void gossip_block(struct replica *replica, struct replica_peer *peer, bool relay) {
    struct engine *engine = &replica->engine;
    struct candidate *candidate = engine->has_proposal ? candidates_find(&replica->candidates, &engine->proposal.block_id) : NULL;
    bool own = candidate != NULL && candidate->own;
    if (peer->state.round == engine->round && (relay || own))
        send_proposal(replica, peer);
    struct candidate *collected = candidates_find_parts(&replica->candidates, &peer->state.parts_header);
    if (collected != NULL && !part_header_is_zero(&peer->state.parts_header) && (relay || collected->own || engine->phase == ENGINE_COMMIT))
        send_parts(replica, peer, collected->parts);
}

/* ---- votes */

static bool send_vote(struct replica *replica, struct replica_peer *peer, struct bit_array *known, const struct vote *vote) {
    if (!gossip_send(replica, peer, &(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = *vote}))
        return false;
    bit_array_set(known, (uint32_t)vote->validator_index, true);
    return true;
}

static void send_votes(struct replica *replica, struct replica_peer *peer, const struct tally *tally, bool relay) {
    if (tally == NULL)
        return;
    peerstate_ensure_votes(&peer->state, tally->height, tally->validators->count);
    struct bit_array *known = peerstate_votes(&peer->state, tally->height, tally->round, tally->type);
    if (known == NULL)
        return;
    struct vote vote;
    for (uint32_t from = 0; from < tally->validators->count; from++) {
        int32_t index = bit_array_pick(tally_voted(tally), known, from);
        if (index < (int32_t)from)
            return;
        from = (uint32_t)index;
        if ((relay || vote_is_own(replica, tally, from)) && tally_vote(tally, &vote, from) && !send_vote(replica, peer, known, &vote))
            return;
    }
}

static void gossip_votes(struct replica *replica, struct replica_peer *peer, bool relay) {
    struct engine *engine = &replica->engine;
    struct peerstate *state = &peer->state;
    if (state->step == ENGINE_NEW_HEIGHT && engine->has_last_commit)
        send_votes(replica, peer, &engine->last_commit, relay);
    bool wants_pol = state->pol_round >= 0; /* the polka that its proposal refers to */
    if (wants_pol && state->step <= ENGINE_PROPOSE)
        send_votes(replica, peer, rounds_tally(&engine->rounds, state->pol_round, VOTE_PREVOTE), relay);
    if (state->round >= 0 && state->round <= engine->round) {
        send_votes(replica, peer, rounds_tally(&engine->rounds, state->round, VOTE_PREVOTE), relay);
        send_votes(replica, peer, rounds_tally(&engine->rounds, state->round, VOTE_PRECOMMIT), relay);
    }
    if (wants_pol)
        send_votes(replica, peer, rounds_tally(&engine->rounds, state->pol_round, VOTE_PREVOTE), relay);
}

/* ---- peers that are behind */

static void send_commit(struct replica *replica, struct replica_peer *peer, const struct commit *commit) {
    peerstate_ensure_votes(&peer->state, commit->height, commit->count);
    peerstate_ensure_catchup(&peer->state, commit->height, commit->round, commit->count);
    struct bit_array *known = peerstate_votes(&peer->state, commit->height, commit->round, VOTE_PRECOMMIT);
    struct vote vote;
    for (uint32_t i = 0; known != NULL && i < commit->count; i++) {
        if (commit->sigs[i].flag == COMMIT_ABSENT || bit_array_get(known, i))
            continue;
        commit_extended_vote(&vote, commit, i);
        if (!send_vote(replica, peer, known, &vote))
            return;
    }
}

/* Of the height before ours, the votes at hand are more than those that the next block will name. */
static void send_commit_of(struct replica *replica, struct replica_peer *peer, int64_t height) {
    const struct tally *last = &replica->engine.last_commit;
    const struct commit *commit;
    if (height == replica->engine.height - 1 && replica->engine.has_last_commit) {
        peerstate_ensure_votes(&peer->state, height, last->validators->count);
        peerstate_ensure_catchup(&peer->state, height, last->round, last->validators->count);
        send_votes(replica, peer, last, true);
    } else if ((commit = shelf_commit(&replica->shelf, height)) != NULL) {
        send_commit(replica, peer, commit);
    }
}

static bool may_load(struct replica *replica, struct replica_peer *peer, int64_t height) {
    if (shelf_has(&replica->shelf, height))
        return true;
    if (peer->loads == 0)
        return false;
    peer->loads--;
    return true;
}

/* The votes first: they tell the peer which block it lacks, and its NewValidBlock then tells us what it has of it. If no such word comes, it
 * collects that block already (or is of another make): then the parts go anyway. */
static void gossip_catchup(struct replica *replica, struct replica_peer *peer, bool relay) {
    struct peerstate *state = &peer->state;
    struct ledger *ledger = replica->ledger;
    if (state->height < ledger->base || state->height > ledger->state.height || !may_load(replica, peer, state->height))
        return;
    send_commit_of(replica, peer, state->height);
    struct part_set *parts = shelf_parts(&replica->shelf, state->height);
    if (parts == NULL)
        return;
    if (part_header_is_zero(&state->parts_header) && relay && ++peer->catchup_rounds > 2)
        peerstate_expect_parts(state, part_set_header(parts));
    if (part_header_equal(&state->parts_header, part_set_header(parts)))
        send_parts(replica, peer, parts);
}

void gossip_peer(struct replica *replica, struct replica_peer *peer, bool relay) {
    struct peerstate *state = &peer->state;
    if (!peer->present)
        return;
    if (peer->untold)
        gossip_introduce(replica, peer);
    if (state->height == 0)
        return;
    if (state->height == replica->engine.height) {
        gossip_block(replica, peer, relay);
        gossip_votes(replica, peer, relay);
    } else if (state->height < replica->engine.height) {
        gossip_catchup(replica, peer, relay);
    }
}

/* ---- claims of majorities */

static void claim(struct replica *replica, struct replica_peer *peer, int32_t round, int32_t type) {
    const struct tally *tally = round < 0 ? NULL : rounds_tally(&replica->engine.rounds, round, type);
    struct wire_consensus message = {.kind = WIRE_VOTE_SET_MAJ23, .height = replica->engine.height, .round = round, .type = type};
    if (tally != NULL && tally_majority(tally, &message.block_id))
        gossip_send(replica, peer, &message);
}

static void claim_commit(struct replica *replica, struct replica_peer *peer) {
    const struct commit *commit = shelf_commit(&replica->shelf, peer->state.height);
    if (commit == NULL)
        return;
    struct wire_consensus message = {.kind = WIRE_VOTE_SET_MAJ23,
                                     .height = commit->height,
                                     .round = commit->round,
                                     .type = VOTE_PRECOMMIT,
                                     .block_id = commit->block_id};
    gossip_send(replica, peer, &message);
}

void gossip_claims(struct replica *replica, struct replica_peer *peer) {
    struct peerstate *state = &peer->state;
    if (!peer->present || state->height == 0)
        return;
    if (state->height == replica->engine.height) {
        claim(replica, peer, state->round, VOTE_PREVOTE);
        claim(replica, peer, state->round, VOTE_PRECOMMIT);
        claim(replica, peer, state->pol_round, VOTE_PREVOTE);
    } else if (state->height >= replica->ledger->base && state->height <= replica->ledger->state.height) {
        claim_commit(replica, peer);
    }
}
