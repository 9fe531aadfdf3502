#include "node/replica.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/sha256.h"
#include "node/evidence_gossip.h"
#include "node/news.h"
#include "node/release_hint.h"
#include "node/replica_inside.h"

#define ARENA_BYTES_MAX      (64u * 1024 * 1024)
#define JOURNAL_FLUSH_MS     2000
#define RECEIVE_BYTES_MAX    (16u * 1024 * 1024)

/* ---- small things */

void replica_say(struct replica *replica, enum world_level level, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    replica->world->table->log(replica->world, level, text);
}

struct span replica_chain_id(const struct replica *replica) { return span_text(replica->ledger->state.chain_id); }

/* Salted with our own address, so that nobody makes an id of another one's number. */
uint32_t replica_engine_number(const struct replica *replica, struct span peer_id) {
    uint8_t bytes[sizeof replica->own.bytes + 64], hash[32];
    size_t size = peer_id.size < 64 ? peer_id.size : 64;
    uint32_t number;
    if (peer_id.size == 0)
        return ROUNDS_OWN_PEER;
    memcpy(bytes, replica->own.bytes, sizeof replica->own.bytes);
    memcpy(bytes + sizeof replica->own.bytes, peer_id.data, size);
    sha256_once(hash, span_of(bytes, sizeof replica->own.bytes + size));
    memcpy(&number, hash, sizeof number);
    return number == ROUNDS_OWN_PEER ? 1 : number;
}

struct replica_peer *replica_find_peer(struct replica *replica, uint32_t number) {
    for (uint32_t i = 0; i < replica->peers_end; i++)
        if (replica->peers[i].present && replica->peers[i].number == number)
            return &replica->peers[i];
    return NULL;
}

static struct span encode(struct replica *replica, const struct wire_consensus *message) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    wire_consensus_write(&writer, message);
    if (writer.size > replica->record_capacity) {
        replica->record_capacity = 2 * writer.size;
        replica->record = realloc(replica->record, replica->record_capacity);
        assert(replica->record != NULL);
    }
    proto_writer_init(&writer, replica->record, replica->record_capacity);
    wire_consensus_write(&writer, message);
    return proto_writer_span(&writer);
}

static void append(struct replica *replica, const char *peer_id, const struct wire_consensus *message) {
    struct journal_record record = {
        .kind = JOURNAL_MESSAGE,
        .time = replica->world->table->now(replica->world),
        .message = encode(replica, message),
        .peer_id = span_text(peer_id),
    };
    journal_append(replica->journal, &record);
}

static void append_vote(struct replica *replica, const struct wire_consensus *message, bool own) {
    if (message->kind == WIRE_VOTE_MESSAGE)
        votejournal_vote(replica->votes, &message->vote, own);
    else if (message->kind == WIRE_PROPOSAL)
        votejournal_proposal(replica->votes, &message->proposal, own);
}

void replica_note(struct replica *replica, const struct replica_peer *from, const struct wire_consensus *message) {
    if (from == NULL)
        return;
    append(replica, from->id, message);
    append_vote(replica, message, false);
}

void replica_note_own(struct replica *replica, const struct wire_consensus *message) {
    append(replica, "", message);
    append_vote(replica, message, true);
}

void replica_end_height(struct replica *replica, int64_t height, int64_t block_bytes) {
    struct timestamp time = replica->world->table->now(replica->world);
    journal_end_height(replica->journal, height, &time);
    parentwatch_look(replica);
    votejournal_end_height(replica->votes, height, true, block_bytes, replica->ledger->state.params.evidence_age_blocks_max);
}

struct blob *replica_vote_log(const struct replica *replica, struct votejournal_state *state, bool *is_whole, int64_t height, size_t bytes_max) {
    if (replica->votes == NULL)
        return NULL;
    votejournal_state_now(state, replica->votes);
    *is_whole = votejournal_is_whole_now(replica->votes, height);
    return votejournal_items_now(replica->votes, height, bytes_max);
}

void replica_halt(struct replica *replica, const char *why) {
    if (replica->halted)
        return;
    replica->halted = true;
    snprintf(replica->halted_why, sizeof replica->halted_why, "%s", why);
    if (replica->signer != NULL)
        signer_stop(replica->signer);
    replica_say(replica, WORLD_ERROR, "agreement stopped at height %" PRId64 ": %s. Queries are still answered", replica->engine.height, why);
}

/* A signature in our tally of the last height was verified when it came: not again inside the next block. */
static bool was_verified(const struct replica *replica, const struct vote *vote) {
    const struct engine *engine = &replica->engine;
    struct vote known;
    return engine->has_last_commit && engine->last_commit.height == vote->height && engine->last_commit.round == vote->round &&
           vote->validator_index >= 0 && tally_vote(&engine->last_commit, &known, (uint32_t)vote->validator_index) &&
           known.signature.size == vote->signature.size &&
           memcmp(known.signature.bytes, vote->signature.bytes, known.signature.size) == 0 &&
           block_id_equal(&known.block_id, &vote->block_id) && timestamp_compare(&known.timestamp, &vote->timestamp) == 0 &&
           address_equal(&known.validator_address, &vote->validator_address);
}

static bool commit_is_known(void *context, const struct vote *vote, const struct pubkey *key) {
    struct replica *replica = context;
    bool is_known = was_verified(replica, vote);
    (void)key; /* the tally's validator at that index is who signed */
    if (is_known)
        metrics_add_to(replica->metrics, METRICS_SIGNATURES, "known", NULL, 1);
    return is_known;
}

static enum block_verdict judge(struct replica *replica, const struct block *block, int64_t tolerance_ms) {
    struct commit_cache cache = {replica, commit_is_known};
    replica->ledger->clock = (struct judge_clock){
        .now = replica->world->table->now(replica->world),
        .tolerance_ns = tolerance_ms * 1000000,
    };
    return ledger_judge(replica->ledger, block, &cache);
}

/* What the application refuses, and what is too far ahead of our own clock, we do not vote for; but others may see it otherwise, and two thirds
 * of them are to be followed. The clock's verdict changes with the clock: it is asked each time. */
void replica_tell_block(struct replica *replica, struct candidate *candidate) {
    struct engine_event event = {.kind = ENGINE_ON_BLOCK};
    bool too_far = false;
    if (candidate->block != NULL && !candidate->judged) {
        votejournal_header(replica->votes, &candidate->block->header);
        struct timestamp since = meter_now(replica);
        candidate->verdict = judge(replica, candidate->block, replica->config.block_time_tolerance_ms);
        meter_judged(replica, candidate->verdict == BLOCK_GOOD, &since);
        too_far = candidate->verdict == BLOCK_TIME_TOO_FAR;
        candidate->judged = !too_far;
        if (candidate->verdict != BLOCK_GOOD)
            forkwatch_block(replica, candidate->block);
        if (candidate->verdict == BLOCK_WRONG_PARENT)
            parentwatch_block(replica, candidate->block->header.height);
        else
            parentwatch_look(replica);
        if (candidate->verdict != BLOCK_GOOD)
            replica_say(replica, WORLD_WARN, "block of height %" PRId64 " refused: %s", candidate->block->header.height,
                        block_verdict_text(candidate->verdict));
        const char *hint = candidate->verdict == BLOCK_WRONG_TIME ? release_hint_of(&replica->ledger->state, candidate->block) : NULL;
        if (hint != NULL) {
            replica->release_hint = hint;
            replica->misjudged = candidate->id;
        }
        if (too_far)
            candidate->verdict = judge(replica, candidate->block, 0);
    }
    bool refused = candidate->verdict == BLOCK_REFUSED_BY_APP;
    event.block.id = candidate->id;
    event.block.valid = candidate->block != NULL && (candidate->verdict == BLOCK_GOOD || refused);
    event.block.app_rejects = refused || too_far;
    perform_hint(replica);
    replica_event(replica, &event);
}

static bool engine_names(const struct engine *engine, const struct block_id *id) {
    const struct block_id *names[] = {&engine->locked, &engine->valid, &engine->wanted, &engine->commit_id,
                                      engine->has_proposal ? &engine->proposal.block_id : id,
                                      engine->has_next_proposal ? &engine->next_proposal.block_id : id};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i] != id && block_id_equal(names[i], id))
            return true;
    for (uint32_t i = 0; i < engine->block_count; i++)
        if (block_id_equal(&engine->blocks[i].id, id))
            return true;
    return false;
}

/* What the engine knows by name it may decide without another word: its bytes must stay. */
void replica_pin_candidates(struct replica *replica) {
    for (uint32_t i = 0; i < replica->candidates.count; i++) {
        struct candidate *candidate = &replica->candidates.list[i];
        candidate->pinned = engine_names(&replica->engine, &candidate->id) || block_id_equal(&replica->awaited, &candidate->id);
    }
}

/* ---- the pump: station 6 */

void replica_tell_txs(struct replica *replica) {
    if (replica->resting || replica->txs_told || mempool_count(replica->mempool) == 0)
        return;
    replica->txs_told = true;
    replica_event(replica, &(struct engine_event){.kind = ENGINE_ON_TXS});
}

void replica_event(struct replica *replica, const struct engine_event *event) {
    if (replica->halted || replica->resting)
        return;
    /* Only PROPOSE (two), VOTE and FETCH raise events, each at most once per rule and round, and a strangers' event makes the engine enter two rounds
     * at most before the queue is empty again: further ones need a timer. Whatever strangers send, it stays below twenty. */
    assert(replica->queue_count < REPLICA_QUEUE_MAX);
    struct replica_queued *place = &replica->queue[(replica->queue_first + replica->queue_count++) % REPLICA_QUEUE_MAX];
    *place = (struct replica_queued){.event = *event};
    if (event->kind == ENGINE_ON_VOTE && event->vote.extension.size > 0) {
        place->extension = blob_new(event->vote.extension);
        place->event.vote.extension = blob_span(place->extension);
    }
    if (!replica->pumping)
        replica_pump(replica);
}

static void step(struct replica *replica, const struct engine_event *event) {
    const struct replica_listener *listener = &replica->listener;
    bool watched = listener->wants_news != NULL && listener->wants_news(listener->context);
    struct news_before before;
    if (watched)
        news_look(&before, &replica->engine);
    engine_step(&replica->engine, &replica->effects, event);
    if (watched)
        news_of_step(&before, &replica->engine, event, &replica->effects, listener->news, listener->context);
}

void replica_pump(struct replica *replica) {
    replica->pumping = true;
    while (replica->queue_count > 0 && !replica->halted) {
        struct replica_queued next = replica->queue[replica->queue_first];
        replica->queue_first = (replica->queue_first + 1) % REPLICA_QUEUE_MAX;
        replica->queue_count--;
        step(replica, &next.event);
        perform_effects(replica, &replica->effects);
        blob_release(next.extension);
        if (replica->queue_count == 0)
            replica_tell_txs(replica);
    }
    replica->pumping = false;
    suspects_turn(replica);
}

/* ---- life */

static void recall_marked_vote(struct replica *replica) {
    struct valset set;
    struct vote vote;
    if (replica->votes == NULL || replica->signer == NULL || !signer_marked_vote(replica->signer, &vote, replica_chain_id(replica)))
        return;
    valset_init(&set);
    vote.validator_address = replica->own;
    vote.validator_index = ledger_validators(replica->ledger, &set, vote.height) ? valset_find(&set, &replica->own) : -1;
    if (vote.validator_index >= 0)
        votejournal_marked(replica->votes, &vote);
    valset_close(&set);
}

struct replica *replica_new(const struct replica_config *config, const struct replica_parts *parts, char **error) {
    char *note = NULL;
    struct journal *journal = journal_open(parts->world->disk, config->journal_name, &note, error);
    if (journal == NULL)
        return NULL;
    struct replica *replica = calloc(1, sizeof *replica);
    assert(replica != NULL);
    replica->config = *config;
    replica->world = parts->world;
    replica->ledger = parts->ledger;
    replica->mempool = parts->mempool;
    replica->signer = parts->signer;
    replica->listener = parts->listener;
    replica->journal = journal;
    replica->metrics = parts->metrics;
    if (parts->votes != NULL)
        replica->votes = votejournal_open(parts->votes, journal, span_text(parts->ledger->state.chain_id), parts->ledger->state.height, config->votes_retain);
    arena_init(&replica->arena, ARENA_BYTES_MAX);
    arena_init(&replica->receive_arena, RECEIVE_BYTES_MAX);
    arena_init(&replica->tx_arena, 4 * ARENA_BYTES_MAX);
    candidates_init(&replica->candidates);
    shelf_init(&replica->shelf, parts->ledger);
    catchup_init(replica);
    valset_init(&replica->validators[0]);
    valset_init(&replica->validators[1]);
    pace_init(&replica->pace, config->proposal_pace_ms, (int64_t)mempool_tx_bytes_max(parts->mempool) + 64);
    engine_init(&replica->engine, &config->engine, parts->ledger->state.initial_height);
    struct pubkey key = config->remote_key;
    assert(key.type == PUBKEY_NONE || (parts->signer == NULL && parts->world->table->sign != NULL));
    if (replica->signer != NULL)
        signer_public(replica->signer, &key);
    replica->own = pubkey_address(&key);
    recall_marked_vote(replica);
    forkwatch_init(replica);
    if (note != NULL)
        replica_say(replica, WORLD_WARN, "%s", note);
    free(note);
    if (replica->own.size > 0 && restart_signed_lately(replica)) {
        replica_free(replica);
        *error = strdup("this validator's key signed one of the last blocks (consensus.double_sign_check_height): make sure that no other node "
                        "runs with it, wait for more blocks or set the option to 0, then start again");
        return NULL;
    }
    if (restart_lacks_extensions(replica) && !catchup_comes_first(replica)) {
        char why[256];
        snprintf(why, sizeof why, "the store has no whole extended commit of height %" PRId64 ", without which vote extensions cannot go on: restore the "
                 "data folder from a copy", parts->ledger->state.height);
        replica_free(replica);
        *error = strdup(why);
        return NULL;
    }
    return replica;
}

void replica_free(struct replica *replica) {
    if (replica == NULL)
        return;
    for (uint32_t i = 0; i < replica->peers_end; i++)
        if (replica->peers[i].present)
            peerstate_close(&replica->peers[i].state);
    for (; replica->queue_count > 0; replica->queue_count--)
        blob_release(replica->queue[(replica->queue_first + replica->queue_count - 1) % REPLICA_QUEUE_MAX].extension);
    shelf_close(&replica->shelf);
    catchup_close(replica);
    engine_close(&replica->engine);
    candidates_close(&replica->candidates);
    valset_close(&replica->validators[0]);
    valset_close(&replica->validators[1]);
    suspects_close(&replica->suspects);
    arena_close(&replica->arena);
    arena_close(&replica->receive_arena);
    arena_close(&replica->tx_arena);
    free(replica->record);
    journal_close(replica->journal);
    votejournal_close(replica->votes);
    forkwatch_close(replica);
    free(replica);
}

void replica_start(struct replica *replica) {
    restart_begin(replica);
    if (!catchup_at_start(replica))
        restart_replay(replica);
    catchup_turn(replica);
    replica->world->table->timer(replica->world, WORLD_TIMER_GOSSIP, replica->config.peer_gossip_sleep_ms);
    replica->world->table->timer(replica->world, WORLD_TIMER_CLAIMS, replica->config.peer_query_maj23_sleep_ms);
    replica->world->table->timer(replica->world, WORLD_TIMER_JOURNAL, JOURNAL_FLUSH_MS);
}

/* ---- peers */

void replica_peer_up(struct replica *replica, uint32_t number, const char *id) {
    for (uint32_t i = 0; i < REPLICA_PEERS_MAX; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->present)
            continue;
        if (i >= replica->peers_end)
            replica->peers_end = i + 1;
        *peer = (struct replica_peer){.number = number, .present = true, .slot = -1, .loads = REPLICA_LOADS_MAX};
        snprintf(peer->id, sizeof peer->id, "%s", id);
        peer->engine_number = replica_engine_number(replica, span_text(peer->id));
        peerstate_init(&peer->state);
        suspects_peer_up(replica, peer);
        for (int slot = 0; slot < MEMPOOL_PEERS_MAX && peer->slot < 0; slot++)
            if ((replica->slots_used >> slot & 1) == 0)
                peer->slot = slot;
        if (peer->slot >= 0)
            replica->slots_used |= 1ull << peer->slot;
        if (!replica->resting) /* else its engine has nothing to say yet */
            gossip_introduce(replica, peer);
        catchup_peer_up(replica, peer);
        forkwatch_peer_up(replica);
        return;
    }
    replica->world->table->drop(replica->world, number, WORLD_BLAME_NONE, "this node has as many peers as it can follow");
}

void replica_peer_down(struct replica *replica, uint32_t number) {
    struct replica_peer *peer = replica_find_peer(replica, number);
    if (peer == NULL)
        return;
    catchup_peer_down(replica, number);
    if (peer->slot >= 0) {
        replica->slots_used &= ~(1ull << peer->slot);
        mempool_forget_peer(replica->mempool, peer->slot);
    }
    peerstate_close(&peer->state);
    peer->present = false;
}

void replica_peer_writable(struct replica *replica, uint32_t number) {
    struct replica_peer *peer = replica_find_peer(replica, number);
    if (peer != NULL && peer->blocked)
        peer->moved = true;
    blockserve_writable(&replica->serve, number);
}

enum mempool_verdict replica_submit(struct replica *replica, struct abci_check *check, struct blob *tx, struct arena *arena) {
    int64_t now = replica->world->table->now_ms(replica->world);
    enum mempool_verdict verdict = mempool_add(replica->mempool, check, tx, -1, now, arena);
    if (verdict == MEMPOOL_ADDED) {
        replica->push_txs = true;
        replica_tell_txs(replica);
    }
    return verdict;
}

enum evidence_pool_verdict replica_submit_evidence(struct replica *replica, const struct evidence *evidence) {
    enum evidence_pool_verdict verdict = evidence_pool_add(replica->ledger, evidence);
    replica->push_evidence |= verdict == EVIDENCE_POOL_GOOD;
    if (verdict == EVIDENCE_POOL_GOOD)
        forkwatch_evidence(replica, evidence);
    return verdict;
}

/* ---- what goes out */

/* Twice over the peers: who is suspected to be gone gets what is left when all others have theirs. */
static struct replica_peer *nth_peer(struct replica *replica, uint32_t n) {
    bool wants_suspected = n >= replica->peers_end;
    struct replica_peer *peer = &replica->peers[wants_suspected ? n - replica->peers_end : n];
    return peer->present && peer->detector.suspected == wants_suspected ? peer : NULL;
}

static void flush_gossip(struct replica *replica) {
    for (uint32_t i = 0; i < 2 * replica->peers_end; i++) {
        struct replica_peer *peer = nth_peer(replica, i);
        if (peer == NULL)
            continue;
        bool was_blocked = peer->blocked && peer->moved;
        if (was_blocked)
            peer->blocked = false;
        if (replica->push || peer->moved)
            gossip_peer(replica, peer, was_blocked);
        if (replica->push_txs || peer->moved)
            txgossip_peer(replica, peer, false);
        if (replica->push_evidence || peer->moved)
            evidence_gossip_peer(replica, peer);
        peer->moved = false;
    }
    replica->push = false;
    replica->push_txs = false;
    replica->push_evidence = false;
}

void replica_flush(struct replica *replica) {
    catchup_turn(replica);
    if (!replica->resting)
        flush_gossip(replica);
}

static void gossip_round(struct replica *replica) {
    suspects_look(replica);
    for (uint32_t i = 0; i < 2 * replica->peers_end && !replica->resting; i++) {
        struct replica_peer *peer = nth_peer(replica, i);
        if (peer == NULL)
            continue;
        peer->blocked = false;
        peer->loads = REPLICA_LOADS_MAX;
        gossip_peer(replica, peer, true);
        txgossip_peer(replica, peer, true);
        evidence_gossip_peer(replica, peer);
    }
    replica->world->table->timer(replica->world, WORLD_TIMER_GOSSIP, replica->config.peer_gossip_sleep_ms);
}

/* Whoever waits for transactions stands still by intent; but a lost word of where it is must not keep it there. */
static void look_for_standstill(struct replica *replica) {
    const struct engine *engine = &replica->engine;
    bool same = replica->stalled_height == engine->height && replica->stalled_round == engine->round && replica->stalled_phase == engine->phase;
    replica->stalled_looks = same ? replica->stalled_looks + 1 : 0;
    replica->stalled_height = engine->height;
    replica->stalled_round = engine->round;
    replica->stalled_phase = engine->phase;
    if (replica->stalled_looks < REPLICA_STALL_LOOKS)
        return;
    replica->stalled_looks = 0;
    gossip_again(replica);
}

void replica_signed(struct replica *replica, const struct world_signing *answer) {
    if (replica->halted || replica->resting)
        return;
    journal_sync(replica->journal); /* a word of our own in the journal says that all before it is durable (journal_scan.c) */
    replica->pumping = true; /* a proposal and its block belong together */
    perform_signed(replica, answer);
    replica->pumping = false;
    replica_pump(replica);
}

/* Before anything else uses the ledger: what the apply lent is gone after this. */
void replica_note_applied(struct replica *replica, const struct ledger_applied *applied) {
    if (applied->retain_height > 0)
        replica->app_retain = applied->retain_height;
    pruning_step(replica->ledger, &replica->config.retain, replica->app_retain, PRUNING_PER_BLOCK);
}

void replica_mute(struct replica *replica, const char *why) {
    if (replica->muted == (why != NULL))
        return;
    replica->muted = why != NULL;
    if (replica->muted) {
        replica_say(replica, WORLD_ERROR, "signing and proposing nothing: %s", why);
        return;
    }
    replica_say(replica, WORLD_INFO, "signing and proposing again");
    if (!replica->resting)
        perform_wishes(replica);
}

void replica_timer(struct replica *replica, enum world_timer which) {
    switch (which) {
    case WORLD_TIMER_ENGINE:
        if (!replica->resting)
            perform_due_timers(replica);
        break;
    case WORLD_TIMER_GOSSIP: gossip_round(replica); break;
    case WORLD_TIMER_CLAIMS:
        for (uint32_t i = 0; i < replica->peers_end && !replica->resting; i++)
            gossip_claims(replica, &replica->peers[i]);
        if (!replica->resting)
            look_for_standstill(replica);
        if (!replica->resting)
            perform_wishes(replica);
        pruning_step(replica->ledger, &replica->config.retain, replica->app_retain, PRUNING_PER_TURN);
        replica->world->table->timer(replica->world, WORLD_TIMER_CLAIMS, replica->config.peer_query_maj23_sleep_ms);
        break;
    case WORLD_TIMER_JOURNAL:
        journal_sync(replica->journal);
        replica->world->table->timer(replica->world, WORLD_TIMER_JOURNAL, JOURNAL_FLUSH_MS);
        break;
    case WORLD_TIMER_CATCHUP: catchup_timer(replica); break;
    case WORLD_TIMER_COUNT: break;
    }
}

/* ---- for those who look */

const struct engine *replica_engine(const struct replica *replica) { return &replica->engine; }

/* One peer may say what it likes: half of those who spoke must be ahead (wound 32). */
bool replica_catching_up(const struct replica *replica) {
    uint32_t spoke = 0, ahead = 0;
    if (replica->resting)
        return true;
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        const struct replica_peer *peer = &replica->peers[i];
        spoke += peer->present && peer->state.height > 0;
        ahead += peer->present && peer->state.height > replica->engine.height + 1;
    }
    return ahead > 0 && 2 * ahead >= spoke;
}

bool replica_resting(const struct replica *replica) { return replica->resting; }
bool replica_muted(const struct replica *replica) { return replica->muted; }

const struct forkwatch_alarm *replica_fork_alarm(const struct replica *replica) { return &replica->forkwatch.alarm; }

const struct parentwatch *replica_two_parents(const struct replica *replica) { return &replica->parentwatch; }

struct timestamp replica_height_started(const struct replica *replica) { return replica->height_started; }

bool replica_peer_progress(const struct replica *replica, uint32_t number, int64_t *height, int32_t *round, uint32_t *step) {
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        const struct replica_peer *peer = &replica->peers[i];
        if (!peer->present || peer->number != number)
            continue;
        *height = peer->state.height;
        *round = peer->state.round;
        *step = peer->state.step;
        return true;
    }
    return false;
}

bool replica_next_peer(const struct replica *replica, uint32_t *at, uint32_t *number, const char **id) {
    while (*at < replica->peers_end) {
        const struct replica_peer *peer = &replica->peers[(*at)++];
        if (!peer->present)
            continue;
        *number = peer->number;
        *id = peer->id;
        return true;
    }
    return false;
}

uint32_t replica_tx_peers(const struct replica *replica) {
    uint32_t count = 0;
    for (uint32_t i = 0; replica->config.mempool_broadcast && i < replica->peers_end; i++)
        count += replica->peers[i].present;
    return count;
}

bool replica_halted(const struct replica *replica, char *why, size_t size) {
    if (replica->halted && why != NULL)
        snprintf(why, size, "%s", replica->halted_why);
    return replica->halted;
}
