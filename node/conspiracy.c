#include "node/conspiracy.h"

#include <assert.h>

#include "tendermint/engine.h"

void conspiracy_init(struct conspiracy *plot, enum conspiracy_kind kind, const char *chain_id, const struct valset *set, int64_t height) {
    memset(plot, 0, sizeof *plot);
    plot->kind = kind;
    plot->chain_id = chain_id;
    plot->set = set;
    plot->height = height;
    plot->lock_round = plot->betrayal_round = -1;
}

void conspiracy_add_key(struct conspiracy *plot, const struct ed25519_key *key) {
    uint8_t bytes[ED25519_PUBLIC_BYTES];
    ed25519_key_public(key, bytes);
    struct pubkey public_key = pubkey_ed25519(bytes);
    struct address address = pubkey_address(&public_key);
    int32_t index = valset_find(plot->set, &address);
    assert(index >= 0 && plot->key_count < CONSPIRACY_KEYS_MAX);
    plot->keys[plot->key_count].key = key;
    plot->keys[plot->key_count++].index = (uint32_t)index;
}

void conspiracy_add_victim(struct conspiracy *plot, uint32_t index) {
    assert(plot->victim_count < CONSPIRACY_VICTIMS_MAX);
    plot->victims[plot->victim_count++].index = index;
}

static void tell(struct conspiracy_victim *victim, const struct wire_consensus *message) {
    if (victim->count < CONSPIRACY_QUEUE_MAX)
        victim->queue[(victim->first + victim->count++) % CONSPIRACY_QUEUE_MAX] = *message;
}

bool conspiracy_next(struct conspiracy *plot, uint32_t number, struct wire_consensus *out) {
    struct conspiracy_victim *victim = &plot->victims[number];
    if (victim->count == 0)
        return false;
    *out = victim->queue[victim->first];
    victim->first = (victim->first + 1) % CONSPIRACY_QUEUE_MAX;
    victim->count--;
    return true;
}

/* A little later than the victim's own: later than the block, as a vote must be. */
static void say(struct conspiracy *plot, struct conspiracy_victim *victim, const struct vote *heard, int32_t type, const struct block_id *id) {
    for (uint32_t i = 0; i < plot->key_count; i++) {
        struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
        struct vote *vote = &message.vote;
        uint8_t bytes[VOTE_SIGN_BYTES_MAX];
        vote_init(vote);
        vote->type = type;
        vote->height = heard->height;
        vote->round = heard->round;
        vote->block_id = *id;
        vote->timestamp = timestamp_add_ns(&heard->timestamp, 2000000);
        vote->validator_index = (int32_t)plot->keys[i].index;
        vote->validator_address = plot->set->validators[plot->keys[i].index].address;
        size_t size = vote_sign_bytes(bytes, vote, span_text(plot->chain_id));
        vote->signature.size = ED25519_SIGNATURE_BYTES;
        ed25519_sign(plot->keys[i].key, vote->signature.bytes, span_of(bytes, size));
        tell(victim, &message);
    }
}

static uint32_t proposer_of(const struct conspiracy *plot, int32_t round) {
    struct valset turn;
    valset_init(&turn);
    valset_copy(&turn, plot->set);
    if (round > 0)
        valset_increment(&turn, round);
    int32_t proposer = turn.proposer;
    valset_close(&turn);
    return (uint32_t)proposer;
}

/* Another victim proposes in this round, and has not said what. */
static bool another_may_propose(const struct conspiracy *plot, uint32_t number, int32_t round) {
    uint32_t proposer = proposer_of(plot, round);
    for (uint32_t i = 0; i < plot->victim_count; i++) {
        const struct conspiracy_victim *other = &plot->victims[i];
        if (i != number && other->index == proposer && other->height <= plot->height && other->round <= round)
            return true;
    }
    return false;
}

/* What they vote for in this round of the height that is to fork. false: they do not know yet. */
static bool choose(struct conspiracy *plot, uint32_t number, const struct vote *heard, struct block_id *id) {
    int32_t round = heard->round;
    bool one_tongue = plot->kind == CONSPIRACY_AMNESIA;
    if (one_tongue && plot->chosen[round]) {
        *id = plot->choice[round];
        return true;
    }
    if (block_id_is_nil(&heard->block_id)) {
        if (one_tongue && another_may_propose(plot, number, round))
            return false;
        *id = one_tongue && plot->is_locked ? plot->lock : (struct block_id){0};
    } else {
        *id = heard->block_id;
        if (!plot->is_locked) {
            plot->is_locked = true;
            plot->first_victim = number;
            plot->lock = *id;
            plot->lock_round = round;
        } else if (number != plot->first_victim && plot->betrayal_round < 0) {
            plot->betrayal = *id;
            plot->betrayal_round = round;
        }
    }
    plot->chosen[round] = true;
    plot->choice[round] = *id;
    return true;
}

static bool answer(struct conspiracy *plot, uint32_t number, const struct vote *heard) {
    struct conspiracy_victim *victim = &plot->victims[number];
    struct block_id id = heard->block_id, nil = {0};
    if (heard->height == plot->height && !choose(plot, number, heard, &id))
        return false;
    bool decides = heard->height != plot->height || heard->round == plot->lock_round || heard->round == plot->betrayal_round;
    if (plot->kind == CONSPIRACY_DOUBLE_VOTES && heard->height == plot->height)
        decides = !block_id_is_nil(&id);
    say(plot, victim, heard, VOTE_PREVOTE, &id);
    say(plot, victim, heard, VOTE_PRECOMMIT, decides ? &id : &nil);
    return true;
}

static void answer_waiting(struct conspiracy *plot) {
    for (uint32_t i = 0; i < plot->victim_count; i++)
        if (plot->victims[i].waits)
            plot->victims[i].waits = !answer(plot, i, &plot->victims[i].waiting);
}

/* We are where it is: so it tells us what it votes. */
static void follow(struct conspiracy_victim *victim, const struct wire_consensus *step) {
    victim->height = step->height;
    victim->round = step->round;
    tell(victim, step);
}

void conspiracy_hear(struct conspiracy *plot, uint32_t number, const struct wire_consensus *message) {
    struct conspiracy_victim *victim = &plot->victims[number];
    const struct vote *vote = &message->vote;
    if (message->kind == WIRE_NEW_ROUND_STEP) {
        follow(victim, message);
        answer_waiting(plot);
    }
    if (message->kind != WIRE_VOTE_MESSAGE || vote->type != VOTE_PREVOTE || vote->validator_index != (int32_t)victim->index || vote->height < plot->height ||
        vote->round >= CONSPIRACY_ROUNDS_MAX)
        return;
    victim->waiting = *vote;
    victim->waiting.extension = span_of(NULL, 0);
    victim->waits = true;
    answer_waiting(plot);
}

bool conspiracy_done(const struct conspiracy *plot, int64_t height) {
    for (uint32_t i = 0; i < plot->victim_count; i++)
        if (plot->victims[i].height <= height)
            return false;
    return true;
}
