#include "node/suspects.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/replica_inside.h"

enum { LOOK_MS = 250, LATE_CHECK_MS = 1000, MEASURE_MS = 10000, PEER_FIRST_MS = 10000, PEER_LEAST_MS = 1000, VALIDATOR_FIRST_MS = 1000, VALIDATOR_LEAST_MS = 200 };

void suspects_close(struct suspects *suspects) { free(suspects->validators); }

static int64_t now_ms(const struct replica *replica) { return replica->world->table->now_ms(replica->world); }

/* ---- time, as far as it counts */

static int32_t type_of(uint32_t phase) {
    if (phase == ENGINE_PREVOTE || phase == ENGINE_PREVOTE_WAIT)
        return VOTE_PREVOTE;
    return phase == ENGINE_PRECOMMIT || phase == ENGINE_PRECOMMIT_WAIT ? VOTE_PRECOMMIT : 0;
}

/* Of the step that was seen last. Often it ended with the height: then the last commit tells who was missing. */
static const struct tally *tally_of_step(const struct replica *replica) {
    const struct suspects *suspects = &replica->suspects;
    const struct engine *engine = &replica->engine;
    int32_t type = type_of(suspects->phase);
    if (type == 0)
        return NULL;
    if (suspects->height == engine->height)
        return rounds_tally(&engine->rounds, suspects->round, type);
    return engine->has_last_commit && engine->last_commit.height == suspects->height ? &engine->last_commit : NULL;
}

static void account(struct replica *replica, int64_t ms) {
    struct suspects *suspects = &replica->suspects;
    const struct tally *tally = tally_of_step(replica);
    if (tally == NULL || tally->validators->count != suspects->count)
        return;
    suspects->voting_ms += ms;
    for (uint32_t i = 0; i < suspects->count; i++)
        if (!tally_has(tally, i))
            suspects->validators[i].waited_ms += ms;
}

static void see(struct replica *replica) {
    struct suspects *suspects = &replica->suspects;
    int64_t now = now_ms(replica);
    if (suspects->seen_ms != 0 && now > suspects->seen_ms)
        account(replica, now - suspects->seen_ms);
    suspects->seen_ms = now;
    suspects->height = replica->engine.height;
    suspects->round = replica->engine.round;
    suspects->phase = replica->resting || replica->halted || replica->replaying ? 0 : replica->engine.phase;
}

void suspects_turn(struct replica *replica) {
    const struct suspects *suspects = &replica->suspects;
    const struct engine *engine = &replica->engine;
    if (suspects->height != engine->height || suspects->round != engine->round || suspects->phase != engine->phase)
        see(replica);
}

static bool can_ping(const struct replica *replica) { return replica->world->table->ping != NULL; }
static int64_t peers_ms(const struct replica *replica) { return can_ping(replica) ? now_ms(replica) : replica->suspects.voting_ms; }

/* ---- validators */

static struct suspects_validator *known(struct suspects *suspects, uint32_t hint, const struct address *address) {
    if (hint < suspects->count && address_equal(&suspects->validators[hint].address, address))
        return &suspects->validators[hint];
    for (uint32_t i = 0; i < suspects->count; i++)
        if (address_equal(&suspects->validators[i].address, address))
            return &suspects->validators[i];
    return NULL;
}

static bool is_same(const struct suspects *suspects, const struct valset *set) {
    if (suspects->count != set->count)
        return false;
    for (uint32_t i = 0; i < set->count; i++)
        if (!address_equal(&suspects->validators[i].address, &set->validators[i].address))
            return false;
    return true;
}

void suspects_follow(struct replica *replica) {
    struct suspects *suspects = &replica->suspects;
    const struct valset *set = replica->engine.begin.validators;
    if (is_same(suspects, set))
        return;
    struct suspects_validator *next = calloc(set->count, sizeof *next);
    assert(next != NULL);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct suspects_validator *before = known(suspects, i, &set->validators[i].address);
        if (before != NULL)
            next[i] = *before;
        else
            detector_init(&next[i].detector, 0, VALIDATOR_FIRST_MS, VALIDATOR_LEAST_MS);
        next[i].address = set->validators[i].address;
    }
    free(suspects->validators);
    suspects->validators = next;
    suspects->count = set->count;
}

static void name(char out[static 41], const struct address *address) {
    out[0] = '\0';
    for (size_t i = 0; i < address->size; i++)
        snprintf(out + 2 * i, 3, "%02X", address->bytes[i]);
}

static void tell_validator(struct replica *replica, const struct suspects_validator *validator) {
    char address[41];
    name(address, &validator->address);
    if (validator->detector.suspected) {
        replica_say(replica, WORLD_WARN, "validator %s is suspected to be gone: votes of it have been waited for %" PRId64 " ms", address,
                    validator->waited_ms - validator->detector.heard_ms);
        metrics_add_to(replica->metrics, METRICS_SUSPICIONS, "validator", NULL, 1);
        return;
    }
    replica_say(replica, WORLD_INFO, "validator %s votes again; it is given %" PRId64 " ms from now on", address, detector_timeout_ms(&validator->detector));
    metrics_add_to(replica->metrics, METRICS_SUSPICIONS, "mistaken", NULL, 1);
}

static void hear_validator(struct replica *replica, struct suspects_validator *validator) {
    validator->heard_ms = now_ms(replica);
    if (detector_hear(&validator->detector, validator->waited_ms))
        tell_validator(replica, validator);
}

void suspects_hear_vote(struct replica *replica, const struct vote *vote) {
    struct suspects_validator *validator =
        replica->replaying ? NULL : known(&replica->suspects, (uint32_t)vote->validator_index, &vote->validator_address);
    if (validator != NULL)
        hear_validator(replica, validator);
}

void suspects_hear_late_vote(struct replica *replica, const struct vote *vote) {
    const struct valset *set = replica->engine.begin.validators;
    int64_t now = now_ms(replica);
    if (replica->replaying || vote->validator_index < 0 || vote->height > replica->engine.height)
        return;
    struct suspects_validator *validator = known(&replica->suspects, (uint32_t)vote->validator_index, &vote->validator_address);
    if (validator == NULL || !validator->detector.suspected || (validator->checked_ms != 0 && now - validator->checked_ms < LATE_CHECK_MS))
        return;
    validator->checked_ms = now;
    if (vote_verify_vartime(vote, replica_chain_id(replica), &set->validators[validator - replica->suspects.validators].pub_key))
        hear_validator(replica, validator);
}

/* ---- peers */

void suspects_peer_up(struct replica *replica, struct replica_peer *peer) {
    detector_init(&peer->detector, peers_ms(replica), PEER_FIRST_MS, PEER_LEAST_MS);
    peer->heard_ms = now_ms(replica);
}

static void tell_peer(struct replica *replica, const struct replica_peer *peer) {
    if (peer->detector.suspected) {
        replica_say(replica, WORLD_WARN, "peer %s is suspected to be gone: silent for %" PRId64 " ms", peer->id, now_ms(replica) - peer->heard_ms);
        metrics_add_to(replica->metrics, METRICS_SUSPICIONS, "peer", NULL, 1);
        return;
    }
    replica_say(replica, WORLD_INFO, "peer %s is heard again; it is given %" PRId64 " ms from now on", peer->id, detector_timeout_ms(&peer->detector));
    metrics_add_to(replica->metrics, METRICS_SUSPICIONS, "mistaken", NULL, 1);
}

void suspects_hear_peer(struct replica *replica, struct replica_peer *peer) {
    peer->heard_ms = now_ms(replica);
    if (detector_hear(&peer->detector, peers_ms(replica)))
        tell_peer(replica, peer);
}

void replica_pong(struct replica *replica, uint32_t number, int64_t round_trip_us) {
    struct replica_peer *peer = replica_find_peer(replica, number);
    if (peer == NULL)
        return;
    peer->round_trip_us = round_trip_us > 0 ? round_trip_us : 1;
    peer->measured_ms = now_ms(replica);
    peer->pinged = false;
    suspects_hear_peer(replica, peer);
}

/* Before it is suspected it is asked; and now and then, to measure the way. */
static void look_at_peer(struct replica *replica, struct replica_peer *peer, int64_t now) {
    bool is_due = peer->measured_ms == 0 || now - peer->measured_ms > MEASURE_MS || now - peer->detector.heard_ms > detector_timeout_ms(&peer->detector) / 2;
    if (can_ping(replica) && !peer->pinged && is_due) {
        peer->pinged = true;
        replica->world->table->ping(replica->world, peer->number);
    }
    if (detector_look(&peer->detector, now))
        tell_peer(replica, peer);
}

void suspects_look(struct replica *replica) {
    struct suspects *suspects = &replica->suspects;
    int64_t now = now_ms(replica);
    if (suspects->looked_ms != 0 && now - suspects->looked_ms < LOOK_MS)
        return;
    suspects->looked_ms = now;
    see(replica);
    int64_t peers = peers_ms(replica);
    for (uint32_t i = 0; i < suspects->count; i++) {
        struct suspects_validator *validator = &suspects->validators[i];
        if (!address_equal(&validator->address, &replica->own) && detector_look(&validator->detector, validator->waited_ms))
            tell_validator(replica, validator);
    }
    for (uint32_t i = 0; i < replica->peers_end; i++)
        if (replica->peers[i].present)
            look_at_peer(replica, &replica->peers[i], peers);
}

/* ---- for those who look */

bool replica_peer_liveness(const struct replica *replica, uint32_t number, struct replica_liveness *out) {
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        const struct replica_peer *peer = &replica->peers[i];
        if (!peer->present || peer->number != number)
            continue;
        *out = (struct replica_liveness){.suspected = peer->detector.suspected,
                                         .heard_ago_ms = now_ms(replica) - peer->heard_ms,
                                         .timeout_ms = detector_timeout_ms(&peer->detector),
                                         .round_trip_us = peer->round_trip_us,
                                         .mistakes = peer->detector.mistakes};
        return true;
    }
    return false;
}

static int64_t heard_ago(const struct replica *replica, const struct suspects_validator *validator) {
    if (address_equal(&validator->address, &replica->own))
        return 0;
    return validator->heard_ms == 0 ? -1 : now_ms(replica) - validator->heard_ms;
}

uint32_t replica_validators_liveness(const struct replica *replica, struct replica_liveness *out, uint32_t capacity) {
    const struct suspects *suspects = &replica->suspects;
    for (uint32_t i = 0; i < suspects->count && i < capacity; i++) {
        const struct suspects_validator *validator = &suspects->validators[i];
        out[i] = (struct replica_liveness){.address = validator->address,
                                           .suspected = validator->detector.suspected,
                                           .heard_ago_ms = heard_ago(replica, validator),
                                           .timeout_ms = detector_timeout_ms(&validator->detector),
                                           .mistakes = validator->detector.mistakes};
    }
    return suspects->count;
}
