#include "node/meter.h"

#include <stdlib.h>

#include "crypto/text.h"
#include "node/replica_inside.h"
#include "tendermint/evidence.h"

static const struct timestamp never;

static bool is_never(const struct timestamp *time) { return time->seconds == 0 && time->nanos == 0; }

struct timestamp meter_now(const struct replica *replica) {
    return replica->metrics == NULL ? never : replica->world->table->now(replica->world);
}

/* The wall clock may be set back. */
static double seconds_since(const struct replica *replica, const struct timestamp *since) {
    struct timestamp now = meter_now(replica);
    int64_t ns = timestamp_diff_ns(&now, since);
    return ns > 0 ? (double)ns / 1e9 : 0;
}

void meter_stage(struct replica *replica, const char *stage, const struct timestamp *since) {
    if (replica->metrics != NULL && !is_never(since))
        metrics_observe_to(replica->metrics, METRICS_STAGE, stage, seconds_since(replica, since));
}

/* ---- rounds and steps */

static void end_phase(struct replica *replica) {
    const struct meter *meter = &replica->meter;
    const char *text = engine_phase_text(meter->phase);
    if (!is_never(&meter->phase_began) && strncmp(text, "RoundStep", 9) == 0)
        metrics_observe_to(replica->metrics, METRICS_STEP_DURATION, text + 9, seconds_since(replica, &meter->phase_began));
}

static void begin_round(struct replica *replica, int32_t round) {
    struct meter *meter = &replica->meter;
    if (!is_never(&meter->round_began))
        metrics_observe(replica->metrics, METRICS_ROUND_DURATION, seconds_since(replica, &meter->round_began));
    metrics_set(replica->metrics, METRICS_ROUNDS, round);
    meter->round_began = meter_now(replica);
    meter->proposed = never;
}

struct cast {
    struct timestamp time;
    int64_t power;
};

static int by_time(const void *one, const void *other) {
    const struct cast *a = one, *b = other;
    return timestamp_compare(&a->time, &b->time);
}

/* The votes of a tally in the order of their times. */
static uint32_t sorted_votes(struct cast *out, const struct tally *tally) {
    uint32_t count = 0;
    struct vote vote;
    for (uint32_t i = 0; i < tally->validators->count; i++)
        if (tally_vote(tally, &vote, i))
            out[count++] = (struct cast){vote.timestamp, tally->validators->validators[i].power};
    qsort(out, count, sizeof *out, by_time);
    return count;
}

static void set_delay(struct replica *replica, enum metrics_id id, const struct timestamp *time) {
    const struct engine *engine = &replica->engine;
    int32_t proposer = engine_proposer(engine, engine->round);
    char text[TEXT_HEX_SIZE(20)];
    if (proposer < 0)
        return;
    text_hex_upper(text, address_span(&engine->begin.validators->validators[proposer].address));
    metrics_set_to(replica->metrics, id, text, NULL, (double)timestamp_diff_ns(time, &engine->proposal.timestamp) / 1e9);
}

/* When two thirds had voted, by the votes' own times, counted from the proposal's. */
static void measure_quorum(struct replica *replica, int32_t type, enum metrics_id quorum, bool all) {
    const struct engine *engine = &replica->engine;
    const struct tally *tally = engine->has_proposal ? rounds_tally(&engine->rounds, engine->round, type) : NULL;
    if (tally == NULL || tally->validators->count == 0)
        return;
    struct cast *votes = calloc(tally->validators->count, sizeof *votes);
    uint32_t count = votes == NULL ? 0 : sorted_votes(votes, tally);
    int64_t power = 0, needed = valset_quorum(tally->validators);
    for (uint32_t i = 0; i < count; i++) {
        power += votes[i].power;
        if (power >= needed) {
            set_delay(replica, quorum, &votes[i].time);
            break;
        }
    }
    if (all && count == tally->validators->count)
        set_delay(replica, METRICS_FULL_PREVOTE, &votes[count - 1].time);
    free(votes);
}

/* Shares are computed where somebody looks: at the end of each step. */
static void measure_power(struct replica *replica, int32_t type, const char *label) {
    const struct engine *engine = &replica->engine;
    const struct tally *tally = rounds_tally(&engine->rounds, engine->round, type);
    int64_t total = engine->begin.validators->total_power;
    metrics_set_to(replica->metrics, METRICS_ROUND_POWER, label, NULL, tally == NULL || total == 0 ? 0 : (double)tally->power / (double)total);
}

static void enter_phase(struct replica *replica, uint32_t phase) {
    if (phase == ENGINE_COMMIT) { /* not before: two thirds end the step of prevotes, and the last ones come after it */
        measure_quorum(replica, VOTE_PREVOTE, METRICS_QUORUM_PREVOTE, true);
        measure_quorum(replica, VOTE_PRECOMMIT, METRICS_QUORUM_PRECOMMIT, false);
    }
    if (phase == ENGINE_NEW_HEIGHT) /* in the pause the last round's shares stay */
        return;
    measure_power(replica, VOTE_PREVOTE, "prevote");
    measure_power(replica, VOTE_PRECOMMIT, "precommit");
}

/* timeout_commit is over: who has precommitted the last height by now? */
static void count_last_commit(struct replica *replica) {
    const struct engine *engine = &replica->engine;
    if (!engine->has_last_commit || engine->last_commit.validators->total_power == 0)
        return;
    metrics_set(replica->metrics, METRICS_PRECOMMITS_COUNTED, (double)bit_array_count(tally_voted(&engine->last_commit)));
    metrics_set(replica->metrics, METRICS_PRECOMMITS_STAKE, 100.0 * (double)engine->last_commit.power / (double)engine->last_commit.validators->total_power);
}

void meter_step(struct replica *replica, int64_t height, int32_t round, uint32_t phase) {
    struct meter *meter = &replica->meter;
    if (replica->metrics == NULL || replica->replaying)
        return;
    end_phase(replica);
    if (meter->phase == ENGINE_NEW_HEIGHT && meter->height == height)
        count_last_commit(replica);
    if (meter->height != height || meter->round != round)
        begin_round(replica, round);
    metrics_set(replica->metrics, METRICS_HEIGHT, (double)height);
    meter->height = height;
    meter->round = round;
    meter->phase = phase;
    meter->phase_began = meter_now(replica);
    enter_phase(replica, phase);
}

/* ---- what comes */

void meter_proposal(struct replica *replica) {
    if (replica->metrics != NULL && is_never(&replica->meter.proposed))
        replica->meter.proposed = meter_now(replica);
}

void meter_judged(struct replica *replica, bool accepted, const struct timestamp *since) {
    if (replica->metrics == NULL || replica->replaying)
        return;
    meter_stage(replica, "judge", since);
    meter_stage(replica, "collect", &replica->meter.proposed);
    metrics_add_to(replica->metrics, METRICS_PROPOSALS_RECEIVED, accepted ? "accepted" : "rejected", NULL, 1);
}

void meter_part(struct replica *replica, const struct replica_peer *from, bool matches, bool duplicate) {
    if (replica->metrics == NULL || from == NULL)
        return;
    metrics_add_to(replica->metrics, METRICS_BLOCK_PARTS, from->id, NULL, 1);
    metrics_add_to(replica->metrics, METRICS_PARTS_RECEIVED, matches ? "true" : "false", NULL, 1);
    if (duplicate)
        metrics_add(replica->metrics, METRICS_DUPLICATE_PART, 1);
}

void meter_unwanted_vote(struct replica *replica, const struct vote *vote) {
    const struct engine *engine = &replica->engine;
    if (replica->metrics == NULL)
        return;
    if (vote->height < engine->height || (vote->height == engine->height && vote->round < engine->round))
        metrics_add_to(replica->metrics, METRICS_LATE_VOTES, vote->type == VOTE_PREVOTE ? "prevote" : "precommit", NULL, 1);
    else
        metrics_add(replica->metrics, METRICS_DUPLICATE_VOTE, 1);
}

void meter_vote(struct replica *replica, bool good) {
    if (replica->metrics != NULL)
        metrics_add_to(replica->metrics, METRICS_SIGNATURES, good ? "good" : "bad", NULL, 1);
}

void meter_extension(struct replica *replica, const struct vote *vote, bool accepted) {
    if (replica->metrics != NULL && vote->extension_signature.size > 0)
        metrics_add_to(replica->metrics, METRICS_EXTENSIONS_RECEIVED, accepted ? "accepted" : "rejected", NULL, 1);
}

/* ---- blocks (consensus/state.go recordMetrics) */

/* The commit in a block is the last height's, whose set alternates with this one's; after a restart it may not be at hand. */
static const struct valset *last_set(const struct replica *replica, const struct block *block) {
    const struct valset *set = &replica->validators[(block->header.height - 1) & 1];
    bool fits = set->count == block->last_commit.count;
    for (uint32_t i = 0; fits && i < set->count; i++)
        fits = block->last_commit.sigs[i].flag == COMMIT_ABSENT || address_equal(&block->last_commit.sigs[i].validator_address, &set->validators[i].address);
    return fits ? set : NULL;
}

static void count_own(struct replica *replica, const struct block *block, const struct validator *validator, int32_t flag, const char *text) {
    metrics_set_to(replica->metrics, METRICS_VALIDATOR_POWER, text, NULL, (double)validator->power);
    if (flag == COMMIT_FOR_BLOCK)
        metrics_set_to(replica->metrics, METRICS_VALIDATOR_LAST_SIGNED, text, NULL, (double)block->header.height);
    metrics_add_to(replica->metrics, METRICS_VALIDATOR_MISSED, text, NULL, flag == COMMIT_FOR_BLOCK ? 0 : 1);
}

static void count_absent(struct replica *replica, const struct block *block) {
    const struct valset *set = last_set(replica, block);
    double missing = 0, power = 0;
    metrics_clear(replica->metrics, METRICS_VALIDATOR_ABSENT);
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        const struct validator *validator = &set->validators[i];
        int32_t flag = block->last_commit.sigs[i].flag;
        char text[TEXT_HEX_SIZE(20)];
        text_hex_upper(text, address_span(&validator->address));
        missing += flag == COMMIT_ABSENT;
        power += flag == COMMIT_ABSENT ? (double)validator->power : 0;
        metrics_set_to(replica->metrics, METRICS_VALIDATOR_ABSENT, text, NULL, flag == COMMIT_ABSENT);
        if (flag != COMMIT_ABSENT)
            metrics_set_to(replica->metrics, METRICS_VALIDATOR_SIGNED, text, NULL, (double)(block->header.height - 1));
        if (address_equal(&validator->address, &replica->own))
            count_own(replica, block, validator, flag, text);
    }
    metrics_set(replica->metrics, METRICS_MISSING, missing);
    metrics_set(replica->metrics, METRICS_MISSING_POWER, power);
}

static void count_byzantine(struct replica *replica, const struct block *block, const struct valset *set) {
    double count = 0, power = 0;
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        int32_t index = block->evidence[i].kind == EVIDENCE_DUPLICATE_VOTE ? valset_find(set, &block->evidence[i].duplicate.vote_a.validator_address) : -1;
        count += index >= 0;
        power += index >= 0 ? (double)set->validators[index].power : 0;
    }
    metrics_set(replica->metrics, METRICS_BYZANTINE, count);
    metrics_set(replica->metrics, METRICS_BYZANTINE_POWER, power);
}

static void count_content(struct replica *replica, const struct block *block, bool syncing) {
    struct metrics *metrics = replica->metrics;
    double txs = block->tx_count, size = (double)block->bytes->size, height = (double)block->header.height;
    metrics_set(metrics, METRICS_NUM_TXS, txs);
    metrics_add(metrics, METRICS_TOTAL_TXS, txs);
    metrics_set(metrics, METRICS_BLOCK_SIZE, size);
    metrics_add(metrics, METRICS_CHAIN_SIZE, size);
    metrics_set(metrics, METRICS_LATEST_HEIGHT, height);
    if (!syncing)
        return;
    metrics_set(metrics, METRICS_SYNC_NUM_TXS, txs);
    metrics_add(metrics, METRICS_SYNC_TOTAL_TXS, txs);
    metrics_set(metrics, METRICS_SYNC_BLOCK_SIZE, size);
    metrics_set(metrics, METRICS_SYNC_HEIGHT, height);
}

void meter_applied(struct replica *replica, const struct block *block, const struct abci_finalized *finalized) {
    struct meter *meter = &replica->meter;
    struct metrics *metrics = replica->metrics;
    const struct valset *set = &replica->ledger->state.last_validators;
    if (metrics == NULL)
        return;
    metrics_set(metrics, METRICS_VALIDATORS, set->count);
    metrics_set(metrics, METRICS_VALIDATORS_POWER, (double)set->total_power);
    if (!replica->resting)
        count_absent(replica, block);
    count_byzantine(replica, block, set);
    if (meter->block_height == block->header.height - 1 && meter->block_height > 0)
        metrics_observe(metrics, METRICS_BLOCK_INTERVAL, (double)timestamp_diff_ns(&block->header.time, &meter->block_time) / 1e9);
    meter->block_height = block->header.height;
    meter->block_time = block->header.time;
    count_content(replica, block, replica->resting);
    metrics_add(metrics, METRICS_SET_UPDATES, finalized->update_count > 0);
    metrics_add(metrics, METRICS_PARAM_UPDATES, finalized->has_params);
}

void meter_processed(struct replica *replica, const struct timestamp *since) {
    if (replica->metrics != NULL && !is_never(since))
        metrics_observe(replica->metrics, METRICS_BLOCK_PROCESSING, 1000 * seconds_since(replica, since));
    meter_stage(replica, "apply", since);
    if (replica->metrics != NULL)
        meter_stage(replica, "decide", &replica->meter.proposed);
}
