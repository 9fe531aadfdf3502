#include "tendermint/rounds.h"

#include <assert.h>

/* Where this round is in `pairs`, or would be. */
static uint32_t place_of(const struct rounds *rounds, int32_t round) {
    uint32_t low = 0, high = rounds->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rounds->pairs[middle]->round < round)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct rounds_pair *pair_find(const struct rounds *rounds, int32_t round) {
    uint32_t place = place_of(rounds, round);
    return place < rounds->count && rounds->pairs[place]->round == round ? rounds->pairs[place] : NULL;
}

/* An arena cannot give back: doubling wastes at most what is used. */
static bool grow(struct rounds *rounds) {
    if (rounds->count < rounds->capacity)
        return true;
    uint32_t capacity = rounds->capacity == 0 ? 8 : 2 * rounds->capacity;
    struct rounds_pair **pairs = arena_take(rounds->arena, capacity, sizeof *pairs);
    if (pairs == NULL)
        return false;
    if (rounds->count > 0)
        memcpy(pairs, rounds->pairs, rounds->count * sizeof *pairs);
    rounds->pairs = pairs;
    rounds->capacity = capacity;
    return true;
}

/* NULL: no room. What a failed try took stays taken, and the next try fails sooner. */
static struct rounds_pair *pair_open(struct rounds *rounds, int32_t round) {
    struct rounds_pair *pair = pair_find(rounds, round);
    if (pair != NULL)
        return pair;
    pair = grow(rounds) ? arena_take(rounds->arena, 1, sizeof *pair) : NULL;
    if (pair == NULL ||
        !tally_init(&pair->prevotes, rounds->arena, rounds->validators, rounds->height, round, VOTE_PREVOTE) ||
        !tally_init(&pair->precommits, rounds->arena, rounds->validators, rounds->height, round, VOTE_PRECOMMIT))
        return NULL;
    pair->round = round;
    uint32_t place = place_of(rounds, round);
    memmove(rounds->pairs + place + 1, rounds->pairs + place, (rounds->count - place) * sizeof *rounds->pairs);
    rounds->pairs[place] = pair;
    rounds->count++;
    return pair;
}

bool rounds_init(struct rounds *rounds, struct arena *arena, const struct valset *validators, int64_t height) {
    *rounds = (struct rounds){.height = height, .validators = validators, .arena = arena};
    return rounds_advance(rounds, 0);
}

bool rounds_advance(struct rounds *rounds, int32_t round) {
    assert(round >= rounds->round && round <= ROUNDS_ROUND_MAX);
    /* The round to come first: after a long skip the ones in between are a luxury. */
    bool room = pair_open(rounds, round) != NULL && pair_open(rounds, round + 1) != NULL;
    for (int32_t between = rounds->round; room && between < round; between++)
        room = pair_open(rounds, between) != NULL;
    rounds->round = round;
    return room;
}

static struct tally *tally_of(struct rounds_pair *pair, int32_t type) {
    if (pair == NULL)
        return NULL;
    return type == VOTE_PREVOTE ? &pair->prevotes : type == VOTE_PRECOMMIT ? &pair->precommits : NULL;
}

const struct tally *rounds_tally(const struct rounds *rounds, int32_t round, int32_t type) {
    return tally_of(pair_find(rounds, round), type);
}

/* A peer may show us two rounds far ahead: that of its commit and that where it is now. */
static bool may_open(struct rounds *rounds, uint32_t peer, int32_t round) {
    uint32_t i = 0;
    while (i < rounds->catchup_peer_count && rounds->catchup[i].peer != peer)
        i++;
    if (i == ROUNDS_PEERS_MAX || rounds->catchup[i].used == ROUNDS_CATCHUP_PER_PEER)
        return false;
    if (i == rounds->catchup_peer_count)
        rounds->catchup[rounds->catchup_peer_count++].peer = peer;
    rounds->catchup[i].rounds[rounds->catchup[i].used++] = round;
    return true;
}

/* Nobody opens a round with a vote that could not be counted there. */
static bool can_count(const struct rounds *rounds, const struct vote *vote) {
    if (vote->height != rounds->height || vote->round < 0 || !vote_type_is_vote(vote->type))
        return false;
    if (vote->validator_index < 0 || (uint32_t)vote->validator_index >= rounds->validators->count)
        return false;
    return address_equal(&rounds->validators->validators[vote->validator_index].address, &vote->validator_address);
}

enum rounds_note rounds_note(struct rounds *rounds, enum tally_note *note, struct vote *previous,
                             const struct vote *vote, uint32_t peer) {
    *note = TALLY_NOT_OURS;
    if (!can_count(rounds, vote))
        return ROUNDS_TALLIED;
    if (vote->round > ROUNDS_ROUND_MAX)
        return ROUNDS_UNWANTED;
    struct rounds_pair *pair = pair_find(rounds, vote->round);
    if (pair == NULL && vote->round > rounds->round + 1 && !may_open(rounds, peer, vote->round))
        return ROUNDS_UNWANTED;
    if (pair == NULL)
        pair = pair_open(rounds, vote->round);
    *note = pair == NULL ? TALLY_FULL : tally_note(tally_of(pair, vote->type), previous, vote);
    return ROUNDS_TALLIED;
}

bool rounds_accuse(struct rounds *rounds, const struct vote *vote) {
    struct tally *tally = tally_of(pair_find(rounds, vote->round), vote->type);
    return tally != NULL && vote->validator_index >= 0 && tally_accuse(tally, (uint32_t)vote->validator_index);
}

bool rounds_claim(struct rounds *rounds, uint32_t peer, int32_t round, int32_t type, const struct block_id *block_id) {
    struct tally *tally = tally_of(pair_find(rounds, round), type);
    return tally == NULL || tally_claim(tally, peer, block_id);
}

int32_t rounds_pol(const struct rounds *rounds, struct block_id *block_id, int32_t from) {
    for (uint32_t i = rounds->count; i > 0; i--) {
        const struct rounds_pair *pair = rounds->pairs[i - 1];
        if (pair->round <= from && tally_majority(&pair->prevotes, block_id))
            return pair->round;
    }
    return -1;
}
