/* Station 7: the effects, in order. To speak: journal synced → signing mark on disk → signed → back in by the same door → sent. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "node/news.h"
#include "node/replica_inside.h"

#define TIMER_MS_MAX (INT64_C(1000) * 3600 * 24 * 365) /* what far rounds ask for need not fit a clock */

static int64_t now_ms(struct replica *replica) { return replica->world->table->now_ms(replica->world); }

static struct timestamp now(struct replica *replica) { return replica->world->table->now(replica->world); }

static int32_t own_index(const struct replica *replica) {
    return replica->own.size == 0 ? -1 : valset_find(replica->engine.begin.validators, &replica->own);
}

/* ---- signing. The signer of this process answers at once, a remote one some time later; their answers go through the same door. */

static bool can_sign(const struct replica *replica) {
    return !replica->halted && !replica->forkwatch.alarm.stopped && (replica->signer != NULL || replica->config.remote_key.type != PUBKEY_NONE);
}

static void ask(struct replica *replica, struct world_signing *wish) {
    struct timestamp since = meter_now(replica);
    journal_sync(replica->journal);
    meter_stage(replica, "journal", &since);
    since = meter_now(replica);
    if (replica->signer == NULL) {
        replica->world->table->sign(replica->world, wish);
        return;
    }
    struct span chain_id = replica_chain_id(replica);
    enum signer_verdict verdict = wish->is_proposal ? signer_proposal(replica->signer, &wish->proposal, chain_id)
                                                    : signer_vote(replica->signer, &wish->vote, chain_id);
    meter_stage(replica, "sign", &since);
    bool is_good = verdict == SIGNER_SIGNED || verdict == SIGNER_SAME ||
                   (verdict == SIGNER_CONFLICT && !wish->is_proposal && signer_marked_prevote(replica->signer, &wish->vote, chain_id));
    wish->refused = is_good ? NULL : signer_verdict_text(verdict);
    perform_signed(replica, wish);
}

static struct replica_wish *find_wish(struct replica *replica, int64_t height, int32_t round, int32_t type) {
    for (uint32_t i = 0; i < replica->wish_count; i++) {
        const struct engine_effect *effect = &replica->wishes[i].effect;
        int32_t its_type = effect->kind == ENGINE_DO_PROPOSE ? VOTE_PROPOSAL : effect->type;
        if (effect->height == height && effect->round == round && its_type == type)
            return &replica->wishes[i];
    }
    return NULL;
}

/* While the journal is read back a remote signer is not asked: what it signed before the restart is in there, most likely. And who is muted asks
 * nobody, but will. */
static bool is_put_off(struct replica *replica, const struct engine_effect *effect) {
    bool waits = replica->muted || (replica->signer == NULL && replica->replaying);
    if (replica->signer != NULL && !waits && replica->wish_count == 0)
        return false;
    const struct engine_effect *known = &replica->wishes[0].effect;
    if (replica->wish_count > 0 && (known->height != effect->height || known->round != effect->round))
        replica->wish_count = 0;
    struct replica_wish *wish =
        find_wish(replica, effect->height, effect->round, effect->kind == ENGINE_DO_PROPOSE ? VOTE_PROPOSAL : effect->type);
    if (wish == NULL) {
        assert(replica->wish_count < REPLICA_WISHES_MAX);
        wish = &replica->wishes[replica->wish_count++];
        wish->effect = *effect;
    }
    wish->asked = !waits;
    return waits;
}

static void may_ask_again(struct replica *replica, int64_t height, int32_t round, int32_t type) {
    struct replica_wish *wish = find_wish(replica, height, round, type);
    if (wish != NULL)
        wish->asked = false;
}

/* ---- proposing */

static struct candidate *build_block(struct replica *replica) {
    struct ledger *ledger = replica->ledger;
    struct commit last_commit = {0};
    if (ledger->state.height > 0 && !engine_last_commit(&replica->engine, &last_commit, &replica->arena)) {
        replica_say(replica, WORLD_ERROR, "cannot propose height %" PRId64 ": the last height's commit is not at hand", replica->engine.height);
        return NULL;
    }
    struct span *txs;
    uint8_t(*hashes)[32];
    struct arena *arena = &replica->tx_arena;
    arena_reset(arena);
    struct evidence *evidence;
    int64_t evidence_bytes;
    uint32_t evidence_count = evidence_pool_list(ledger, &evidence, &evidence_bytes, arena);
    int64_t room = pace_room(&replica->pace, ledger_data_bytes_max(ledger) - evidence_bytes);
    uint32_t count = mempool_reap(replica->mempool, &txs, &hashes, room, ledger->state.params.block_gas_max, arena);
    struct block *block = ledger_propose(ledger, &last_commit, &replica->own, txs, hashes, count, evidence, evidence_count);
    pace_note_proposed(&replica->pace, replica->engine.height, (int64_t)block->bytes->size, now_ms(replica));
    replica_pin_candidates(replica);
    struct candidate *candidate = candidates_take(&replica->candidates, block);
    block_release(block);
    return candidate;
}

/* What the mark forbids is not even built: after a restart the proposal of this round went out already. */
static bool mark_allows_proposal(struct replica *replica, int32_t round) {
    int64_t height;
    int32_t mark_round, step;
    if (replica->signer == NULL)
        return true; /* the mark is where the key is */
    signer_mark(replica->signer, &height, &mark_round, &step);
    return height < replica->engine.height || (height == replica->engine.height && mark_round < round);
}

static void note_own_parts(struct replica *replica, const struct proposal *proposal, struct candidate *candidate) {
    struct wire_consensus message = {.kind = WIRE_BLOCK_PART, .height = proposal->height, .round = proposal->round};
    for (uint32_t i = 0; i < candidate->id.parts.total; i++) {
        bool held = part_set_get(candidate->parts, &message.part, i);
        assert(held);
        replica_note_own(replica, &message);
    }
}

static void propose(struct replica *replica, const struct engine_effect *effect) {
    if (!can_sign(replica) || !mark_allows_proposal(replica, effect->round) || is_put_off(replica, effect))
        return;
    arena_reset(&replica->arena);
    struct candidate *candidate = block_id_is_nil(&effect->block_id) ? build_block(replica)
                                                                     : candidates_find(&replica->candidates, &effect->block_id);
    if (candidate == NULL || candidate->block == NULL)
        return;
    struct world_signing wish = {.is_proposal = true};
    wish.proposal = (struct proposal){
        .type = VOTE_PROPOSAL,
        .height = replica->engine.height,
        .round = effect->round,
        .pol_round = effect->pol_round,
        .block_id = candidate->id,
        .timestamp = now(replica),
    };
    replica->awaited = candidate->id;
    ask(replica, &wish);
}

static void take_proposal(struct replica *replica, const struct world_signing *answer) {
    const struct proposal *proposal = &answer->proposal;
    struct candidate *candidate = candidates_find(&replica->candidates, &proposal->block_id);
    if (block_id_equal(&replica->awaited, &proposal->block_id))
        replica->awaited = (struct block_id){0};
    if (answer->refused != NULL) {
        may_ask_again(replica, proposal->height, proposal->round, VOTE_PROPOSAL);
        replica_say(replica, WORLD_WARN, "proposal of %" PRId64 "/%d not signed: %s", proposal->height, proposal->round, answer->refused);
        return;
    }
    if (proposal->height != replica->engine.height || proposal->round < replica->engine.round || candidate == NULL || candidate->block == NULL)
        return; /* too late */
    candidate->own = true;
    meter_proposal(replica);
    metrics_add(replica->metrics, METRICS_PROPOSALS_CREATED, 1);
    replica_note_own(replica, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = *proposal});
    note_own_parts(replica, proposal, candidate);
    replica_event(replica, &(struct engine_event){.kind = ENGINE_ON_PROPOSAL, .proposal = *proposal});
    replica_tell_block(replica, candidate);
    replica->push = true;
}

/* ---- voting */

/* BFT time: a vote is later than the block it may decide (protocol.md §3.2 "Own vote time"). */
static struct timestamp vote_time(struct replica *replica, const struct block_id *floor) {
    struct timestamp time = now(replica);
    struct candidate *candidate = block_id_is_nil(floor) ? NULL : candidates_find(&replica->candidates, floor);
    if (candidate == NULL || candidate->block == NULL)
        return time;
    struct timestamp least = timestamp_add_ns(&candidate->block->header.time, 1000000);
    return timestamp_max(&time, &least);
}

#define EXTENSION_BYTES_MAX (WIRE_CONSENSUS_BYTES_MAX - 1024) /* so that the vote fits into a message */

/* false: the vote cannot be cast. */
static bool extend(struct replica *replica, struct vote *vote) {
    struct ledger *ledger = replica->ledger;
    if (vote->type != VOTE_PRECOMMIT || block_id_is_nil(&vote->block_id) || !ledger_extends(ledger, vote->height))
        return true;
    struct candidate *candidate = candidates_find(&replica->candidates, &vote->block_id);
    assert(candidate != NULL && candidate->block != NULL);
    arena_reset(&replica->arena);
    vote->extension = ledger_extend_vote(ledger, candidate->block, &replica->arena);
    if (vote->extension.size > EXTENSION_BYTES_MAX) {
        replica_say(replica, WORLD_ERROR, "no precommit at %" PRId64 "/%d: the application's vote extension has %zu bytes, %d fit into a message; repair it",
                    vote->height, vote->round, vote->extension.size, EXTENSION_BYTES_MAX);
        return false;
    }
    /* From 0.40 on: others would refuse our vote, and a chain of such validators would stand still without a word. */
    bool asks = ledger->state.release >= PARAMS_V040 && vote->extension.size > 0;
    if (asks && !ledger_accepts_extension(ledger, vote))
        replica_halt(replica, "the application refuses its own vote extension (ExtendVote and VerifyVoteExtension contradict each other); repair it, "
                              "then restart");
    return !replica->halted;
}

static void cast_vote(struct replica *replica, const struct engine_effect *effect) {
    int32_t index = own_index(replica);
    if (!can_sign(replica) || index < 0 || is_put_off(replica, effect))
        return;
    struct world_signing wish = {.is_proposal = false};
    struct vote *vote = &wish.vote;
    vote_init(vote);
    vote->type = effect->type;
    vote->height = effect->height;
    vote->round = effect->round;
    vote->block_id = effect->block_id;
    vote->timestamp = vote_time(replica, &effect->time_floor);
    vote->validator_address = replica->own;
    vote->validator_index = index;
    if (extend(replica, vote))
        ask(replica, &wish);
    else
        may_ask_again(replica, effect->height, effect->round, effect->type);
}

static void take_vote(struct replica *replica, const struct world_signing *answer) {
    const struct vote *vote = &answer->vote;
    bool is_late = vote->height == replica->engine.height - 1 && vote->type == VOTE_PRECOMMIT; /* it joins the last commit */
    if (answer->refused != NULL) {
        may_ask_again(replica, vote->height, vote->round, vote->type);
        if (!replica->replaying) /* then it is in the journal, and comes */
            replica_say(replica, WORLD_WARN, "vote of %" PRId64 "/%d not signed: %s", vote->height, vote->round, answer->refused);
        return;
    }
    if (vote->height != replica->engine.height && !is_late)
        return; /* nobody needs it any more */
    replica_note_own(replica, &(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = *vote});
    replica_event(replica, &(struct engine_event){.kind = ENGINE_ON_VOTE, .vote = *vote});
}

void perform_signed(struct replica *replica, const struct world_signing *answer) {
    if (answer->is_proposal)
        take_proposal(replica, answer);
    else
        take_vote(replica, answer);
}

static bool is_answered(const struct replica *replica, const struct engine_effect *wish) {
    const struct engine *engine = &replica->engine;
    if (wish->height != engine->height || wish->round != engine->round)
        return true;
    if (wish->kind == ENGINE_DO_PROPOSE)
        return engine->has_proposal || engine->phase > ENGINE_PROPOSE;
    const struct tally *tally = rounds_tally(&engine->rounds, wish->round, wish->type);
    int32_t index = own_index(replica);
    return tally == NULL || index < 0 || tally_has(tally, (uint32_t)index);
}

void perform_wishes(struct replica *replica) {
    bool pumping = replica->pumping;
    if (replica->muted)
        return;
    replica->pumping = true; /* a signer of this process answers at once, and a proposal and its block belong together */
    for (uint32_t i = 0; i < replica->wish_count; i++) {
        struct engine_effect wish = replica->wishes[i].effect;
        if (replica->wishes[i].asked || is_answered(replica, &wish))
            continue;
        if (wish.kind == ENGINE_DO_PROPOSE)
            propose(replica, &wish);
        else
            cast_vote(replica, &wish);
    }
    replica->pumping = pumping;
    if (!pumping)
        replica_pump(replica);
}

/* ---- timers */

static void arm(struct replica *replica) {
    if (replica->timer_count == 0)
        return;
    int64_t earliest = replica->timers[0].deadline_ms;
    for (uint32_t i = 1; i < replica->timer_count; i++)
        if (replica->timers[i].deadline_ms < earliest)
            earliest = replica->timers[i].deadline_ms;
    int64_t delay = earliest - now_ms(replica);
    replica->world->table->timer(replica->world, WORLD_TIMER_ENGINE, delay > 0 ? delay : 0);
}

static bool timer_is_stale(const struct replica *replica, const struct replica_timer *timer) {
    const struct engine *engine = &replica->engine;
    return timer->height != engine->height || timer->round < engine->round;
}

/* Those of the round that the engine is in, one per phase, and those of rounds that it passed within one step: far below the maximum. */
static void set_timer(struct replica *replica, const struct engine_effect *effect) {
    int64_t duration_ms = effect->duration_ms < TIMER_MS_MAX ? effect->duration_ms : TIMER_MS_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < replica->timer_count; i++)
        if (!timer_is_stale(replica, &replica->timers[i]))
            replica->timers[kept++] = replica->timers[i];
    replica->timer_count = kept;
    assert(kept < REPLICA_TIMERS_MAX);
    replica->timers[replica->timer_count++] = (struct replica_timer){
        .number = ++replica->timers_set,
        .deadline_ms = now_ms(replica) + duration_ms,
        .height = effect->height,
        .round = effect->round,
        .phase = effect->phase,
        .duration_ms = duration_ms,
    };
    arm(replica);
}

static void note_timeout(struct replica *replica, const struct replica_timer *timer) {
    struct journal_record record = {
        .kind = JOURNAL_TIMEOUT,
        .time = now(replica),
        .height = timer->height,
        .round = timer->round,
        .step = timer->phase,
        .duration_ns = timer->duration_ms * 1000000,
    };
    journal_append(replica->journal, &record);
    struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
    event.timeout.height = timer->height;
    event.timeout.round = timer->round;
    event.timeout.phase = timer->phase;
    replica_event(replica, &event);
}

static int32_t next_due(const struct replica *replica, int64_t at, uint64_t number_max) {
    int32_t due = -1;
    for (uint32_t i = 0; i < replica->timer_count; i++) {
        const struct replica_timer *timer = &replica->timers[i];
        if (timer->number <= number_max && timer->deadline_ms <= at && (due < 0 || timer->deadline_ms < replica->timers[due].deadline_ms))
            due = (int32_t)i;
    }
    return due;
}

/* Those that the due ones set wait for the next turn, however short they are: a lone validator must not keep the loop to itself. */
void perform_due_timers(struct replica *replica) {
    int64_t at = now_ms(replica);
    uint64_t number_max = replica->timers_set;
    for (int32_t due; (due = next_due(replica, at, number_max)) >= 0;) {
        struct replica_timer timer = replica->timers[due];
        replica->timers[due] = replica->timers[--replica->timer_count];
        if (!timer_is_stale(replica, &timer))
            note_timeout(replica, &timer);
    }
    arm(replica);
}

/* ---- the rest */

static void fetch(struct replica *replica, const struct block_id *id) {
    replica_pin_candidates(replica);
    struct candidate *candidate = candidates_want(&replica->candidates, id);
    if (candidate != NULL && candidate->complete)
        replica_tell_block(replica, candidate);
}

static void accuse(struct replica *replica, const struct engine_effect *effect) {
    evidence_pool_note_votes(replica->ledger, &effect->vote_a, &effect->vote_b);
    votejournal_keep(replica->votes, effect->vote_a.height);
    char address[41];
    for (size_t i = 0; i < 20; i++)
        snprintf(address + 2 * i, 3, "%02X", effect->vote_a.validator_address.bytes[i]);
    replica_say(replica, WORLD_WARN, "validator %s voted twice at %" PRId64 "/%d (type %d): two conflicting votes with good signatures", address,
                effect->vote_a.height, effect->vote_a.round, effect->vote_a.type);
}

enum { HINT_MS = 60000 };

void perform_hint(struct replica *replica) {
    struct block_id polka;
    const struct engine *engine = &replica->engine;
    if (block_id_is_nil(&replica->misjudged) || (replica->hinted_ms != 0 && now_ms(replica) - replica->hinted_ms < HINT_MS))
        return;
    if (rounds_pol(&engine->rounds, &polka, engine->round + 1) < 0 || !block_id_equal(&polka, &replica->misjudged))
        return;
    replica->hinted_ms = now_ms(replica);
    replica_say(replica, WORLD_ERROR, "two thirds prevote the block of height %" PRId64 " whose time we refuse: %s", engine->height, replica->release_hint);
}

/* Two thirds decided what our judge refuses. */
static void halt(struct replica *replica, const struct engine_effect *effect) {
    char why[sizeof replica->halted_why];
    bool hinted = block_id_equal(&effect->block_id, &replica->misjudged) && !block_id_is_nil(&replica->misjudged);
    snprintf(why, sizeof why, "two thirds of the validators decided a block that this node's rules refuse; %s, then restart",
             hinted ? replica->release_hint : "compare the versions and settings of the validators");
    replica_halt(replica, why);
}

static void perform(struct replica *replica, const struct engine_effect *effect) {
    replica->served += effect->kind == ENGINE_DO_HAVE || effect->kind == ENGINE_DO_ACCUSE;
    switch (effect->kind) {
    case ENGINE_DO_STEP:
        meter_step(replica, effect->height, effect->round, effect->phase);
        gossip_step(replica);
        break;
    case ENGINE_DO_PROPOSE: propose(replica, effect); break;
    case ENGINE_DO_VOTE: cast_vote(replica, effect); break;
    case ENGINE_DO_TIMER: set_timer(replica, effect); break;
    case ENGINE_DO_FETCH: fetch(replica, &effect->block_id); break;
    case ENGINE_DO_VALID: gossip_valid_block(replica, effect); break;
    case ENGINE_DO_HAVE:
        gossip_have(replica, effect);
        perform_hint(replica);
        break;
    case ENGINE_DO_DECIDE:
        replica->decided = true;
        replica->decided_id = effect->block_id;
        break;
    case ENGINE_DO_ACCUSE: accuse(replica, effect); break;
    case ENGINE_DO_HALT:
        halt(replica, effect);
        break;
    }
}

/* What was still to be told is of the height that ended. Of it only our own precommit matters yet: it joins the last commit. */
static void keep_late_votes(struct replica *replica) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < replica->queue_count; i++) {
        const struct replica_queued *queued = &replica->queue[(replica->queue_first + i) % REPLICA_QUEUE_MAX];
        if (queued->event.kind == ENGINE_ON_VOTE)
            replica->queue[(replica->queue_first + kept++) % REPLICA_QUEUE_MAX] = *queued;
    }
    replica->queue_count = kept;
}

void perform_begin_height(struct replica *replica) {
    struct ledger *ledger = replica->ledger;
    int64_t height = state_next_height(&ledger->state);
    struct valset *validators = &replica->validators[height & 1];
    valset_copy(validators, &ledger->state.validators);
    candidates_begin(&replica->candidates, height, params_block_bytes(&ledger->state.params));
    mempool_set_limits(replica->mempool, ledger_data_bytes_max(ledger), ledger->state.params.block_gas_max);
    struct engine_height begin = {
        .height = height,
        .validators = validators,
        .own = replica->own,
        .proof_block = ledger->state.height == 0 || !app_hash_equal(&replica->app_hash_of_last_header, &ledger->state.app_hash),
    };
    replica->height_started = now(replica);
    replica->timer_count = 0;
    replica->awaited = replica->misjudged = (struct block_id){0};
    keep_late_votes(replica);
    replica->txs_told = false;
    engine_begin(&replica->engine, &replica->effects, &begin);
    suspects_follow(replica);
}

/* Stations 8 and 9: execute and make durable, then everybody who wants to know hears of it. */
static void decide(struct replica *replica) {
    struct candidate *candidate = candidates_find(&replica->candidates, &replica->decided_id);
    assert(candidate != NULL && candidate->block != NULL);
    struct block *block = block_hold(candidate->block);
    arena_reset(&replica->arena);
    struct commit commit;
    bool has_commit = engine_seen_commit(&replica->engine, &commit, &replica->arena);
    assert(has_commit);
    struct ledger_applied applied;
    struct timestamp since = meter_now(replica);
    bool fresh = ledger_apply(replica->ledger, &applied, block, &commit);
    assert(fresh);
    meter_processed(replica, &since);
    since = meter_now(replica);
    meter_applied(replica, block, &applied.finalized);
    replica_end_height(replica, block->header.height, (int64_t)block->bytes->size);
    shelf_put(&replica->shelf, block->header.height, candidate->parts);
    replica->app_hash_of_last_header = block->header.app_hash;
    mempool_update(replica->mempool, block, applied.finalized.tx_results, now_ms(replica));
    txgossip_note_height(replica, block->header.height);
    pace_note_decided(&replica->pace, block->header.height, candidate->own, now_ms(replica));
    if (replica->listener.block_applied != NULL)
        replica->listener.block_applied(replica->listener.context, block, &applied.finalized);
    replica_note_applied(replica, &applied);
    meter_stage(replica, "notify", &since);
    block_release(block);
}

void perform_effects(struct replica *replica, const struct engine_effects *effects) {
    for (uint32_t i = 0; i < effects->count; i++)
        perform(replica, &effects->list[i]);
    if (!replica->decided)
        return;
    replica->decided = false;
    decide(replica);
    perform_begin_height(replica); /* its effects are replica->effects: `effects` is done with */
    if (replica->listener.wants_news != NULL && replica->listener.wants_news(replica->listener.context))
        news_of_begin(&replica->engine, &replica->effects, replica->listener.news, replica->listener.context);
    for (uint32_t i = 0; i < replica->effects.count; i++)
        perform(replica, &replica->effects.list[i]);
}
