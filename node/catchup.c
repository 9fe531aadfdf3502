/* Block sync within the replica. Three states: consensus alone; consensus while block sync looks whether it can help (nothing is lost if it
 * cannot); and rest, from the first block it applied until it is done. While consensus rests nothing is signed, proposed, gossiped or fed to the
 * engine, but where the peers are is noted, so that all begins at once when the engine begins its next height. What was signed before stays in
 * the signer's mark. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "ledger/kv_group.h"
#include "node/replica_inside.h"

enum {
    LOOK_MS = 1000,       /* between looks at how far the peers are */
    BEHIND_LOOKS = 3,     /* in a row */
    PROGRESS_MS = 5000,
    GROUP_HEIGHTS = 64,   /* made durable together */
    GROUP_MS = 200,
    HELPLESS_MS = 10000,  /* before we look for help again when there was none; doubles */
    HELPLESS_MS_MAX = 60000,
};

static int64_t now_ms(struct replica *replica) { return replica->world->table->now_ms(replica->world); }

/* ---- what block sync asks of us */

static bool on_send(void *context, uint32_t peer, struct blob *message) {
    struct replica *replica = context;
    return replica->world->table->send(replica->world, peer, WIRE_BLOCKSYNC, message);
}

static void on_drop(void *context, uint32_t peer, enum world_blame blame, const char *reason) {
    struct replica *replica = context;
    replica->world->table->drop(replica->world, peer, blame, reason);
}

static void rest(struct replica *replica) {
    replica->resting = true;
    replica->timer_count = 0;
    replica->push = replica->push_txs = false;
    /* Nobody has our word for these heights; but an application apart commits each, and must not come to be ahead of us. */
    kv_group_hold(replica->ledger->kv, !replica->ledger->app->table->is_apart);
}

static void write_group(struct replica *replica) {
    struct kv *kv = replica->ledger->kv;
    int64_t now = now_ms(replica);
    if (kv_group_count(kv) < GROUP_HEIGHTS && now - replica->catchup.grouped_ms < GROUP_MS)
        return;
    kv_group_write(kv);
    replica->catchup.grouped_ms = now;
}

static void on_applied(void *context, struct block *block, const struct ledger_applied *applied) {
    struct replica *replica = context;
    if (!replica->resting)
        rest(replica);
    votejournal_end_height(replica->votes, block->header.height, false, 0, 0);
    mempool_update(replica->mempool, block, applied->finalized.tx_results, now_ms(replica));
    txgossip_note_height(replica, block->header.height);
    meter_applied(replica, block, &applied->finalized);
    if (replica->listener.block_applied != NULL)
        replica->listener.block_applied(replica->listener.context, block, &applied->finalized);
    replica_note_applied(replica, applied);
}

static void on_halt(void *context, const char *why) {
    struct replica *replica = context;
    char text[sizeof replica->halted_why];
    bool is_time = strcmp(why, block_verdict_text(BLOCK_WRONG_TIME)) == 0; /* release_hint.h */
    snprintf(text, sizeof text, "two thirds of the validators signed block %" PRId64 ", which this node refuses (%s); %s, then restart",
             state_next_height(&replica->ledger->state), why,
             is_time ? "is [quorate] release the one whose rules this chain follows? Set it" : "compare the versions and settings of the validators");
    blocksync_end(&replica->sync);
    kv_group_hold(replica->ledger->kv, false);
    replica_halt(replica, text);
}

void catchup_init(struct replica *replica) {
    struct blocksync_owner owner = {replica, on_send, on_drop, on_applied, on_halt};
    blocksync_init(&replica->sync, replica->ledger, &owner);
    blockserve_init(&replica->serve, replica->ledger, &owner, now_ms(replica));
    replica->catchup.looked_ms = replica->catchup.told_ms = now_ms(replica);
    replica->catchup.due_ms = INT64_MAX;
}

void catchup_close(struct replica *replica) { blocksync_close(&replica->sync); }

/* ---- beginning */

/* A chain cannot have gone on without whoever holds a third (cometbft: blocksync/reactor.go localNodeBlocksTheChain). */
static bool chain_needs_us(const struct replica *replica) {
    const struct valset *validators = &replica->ledger->state.validators;
    int32_t index = replica->own.size == 0 ? -1 : valset_find(validators, &replica->own);
    return index >= 0 && validators->validators[index].power >= validators->total_power / 3;
}

bool catchup_comes_first(const struct replica *replica) { return replica->config.block_sync && !chain_needs_us(replica); }

bool catchup_at_start(struct replica *replica) {
    if (!catchup_comes_first(replica))
        return false;
    if (restart_lacks_extensions(replica))
        replica_say(replica, WORLD_WARN, "the store has no extended commit of height %" PRId64 ": consensus waits until a peer gives block %" PRId64,
                    replica->ledger->state.height, state_next_height(&replica->ledger->state));
    rest(replica);
    blocksync_begin(&replica->sync, now_ms(replica));
    return true;
}

static int64_t highest_peer(const struct replica *replica) {
    int64_t highest = 0;
    for (uint32_t i = 0; i < replica->peers_end; i++)
        if (replica->peers[i].present && replica->peers[i].state.height > highest)
            highest = replica->peers[i].state.height;
    return highest;
}

/* Anybody's word is enough: looking for help costs a few requests, and only blocks that two thirds signed make consensus rest. */
static void look(struct replica *replica) {
    struct catchup *catchup = &replica->catchup;
    if (now_ms(replica) - catchup->looked_ms < LOOK_MS)
        return;
    catchup->looked_ms = now_ms(replica);
    bool behind = highest_peer(replica) - replica->engine.height >= CATCHUP_BEHIND_HEIGHTS;
    catchup->behind_looks = behind ? catchup->behind_looks + 1 : 0;
    if (catchup->behind_looks < BEHIND_LOOKS || now_ms(replica) < catchup->helpless_until_ms || replica->halted)
        return;
    catchup->behind_looks = 0;
    replica_say(replica, WORLD_INFO, "behind by %" PRId64 " heights: fetching blocks", highest_peer(replica) - replica->engine.height);
    blocksync_begin(&replica->sync, now_ms(replica));
}

/* ---- ending */

static void tell_progress(struct replica *replica) {
    struct blocksync_progress progress;
    if (now_ms(replica) - replica->catchup.told_ms < PROGRESS_MS)
        return;
    replica->catchup.told_ms = now_ms(replica);
    blocksync_progress(&replica->sync, &progress);
    if (progress.target == 0)
        replica_say(replica, WORLD_INFO, "block sync: at height %" PRId64 ", waiting for peers", progress.height);
    else if (progress.seconds_left < 0)
        replica_say(replica, WORLD_INFO, "block sync: height %" PRId64 " of %" PRId64, progress.height, progress.target);
    else
        replica_say(replica, WORLD_INFO, "block sync: height %" PRId64 " of %" PRId64 ", %" PRId64 " blocks/s, %" PRId64 " s left", progress.height,
                    progress.target, progress.blocks_per_second, progress.seconds_left);
}

static void resume(struct replica *replica, int64_t applied) {
    struct blocksync_progress progress;
    blocksync_progress(&replica->sync, &progress);
    if (progress.lowest_base > 0)
        replica_say(replica, WORLD_WARN, "no peer has block %" PRId64 " any more (the lowest is %" PRId64 "): find one that keeps more", progress.height + 1,
                    progress.lowest_base);
    kv_group_hold(replica->ledger->kv, false);
    replica->resting = false;
    if (applied > 0) {
        replica_say(replica, WORLD_INFO, "block sync: %" PRId64 " blocks applied, consensus goes on at height %" PRId64, applied, progress.height + 1);
        replica_end_height(replica, replica->ledger->state.height, 0);
        restart_begin(replica);
    }
    restart_replay(replica);
}

static void finish(struct replica *replica) {
    struct catchup *catchup = &replica->catchup;
    int64_t applied = replica->sync.applied;
    blocksync_end(&replica->sync);
    if (applied > 0)
        catchup->helpless_ms = 0;
    else
        catchup->helpless_ms = catchup->helpless_ms == 0 ? HELPLESS_MS : 2 * catchup->helpless_ms;
    if (catchup->helpless_ms > HELPLESS_MS_MAX)
        catchup->helpless_ms = HELPLESS_MS_MAX;
    catchup->helpless_until_ms = now_ms(replica) + catchup->helpless_ms;
    if (replica->resting)
        resume(replica, applied);
}

/* ---- turns */

static void wake_in(struct replica *replica, int64_t delay_ms) {
    int64_t due_ms = now_ms(replica) + delay_ms;
    if (due_ms >= replica->catchup.due_ms)
        return;
    replica->catchup.due_ms = due_ms;
    replica->world->table->timer(replica->world, WORLD_TIMER_CATCHUP, delay_ms);
}

void catchup_turn(struct replica *replica) {
    int64_t come_again_ms = blockserve_turn(&replica->serve, now_ms(replica));
    if (come_again_ms >= 0)
        wake_in(replica, come_again_ms);
    bool has_more = blocksync_turn(&replica->sync, now_ms(replica));
    if (!replica->config.block_sync || replica->halted)
        return;
    write_group(replica);
    if (replica->sync.is_active) {
        struct timestamp now = replica->world->table->now(replica->world);
        if (blocksync_is_done(&replica->sync, &now))
            finish(replica);
        else
            tell_progress(replica);
    } else {
        look(replica);
    }
    wake_in(replica, has_more ? 0 : replica->sync.is_active ? BLOCKSYNC_TICK_MS : LOOK_MS);
}

void catchup_timer(struct replica *replica) {
    replica->catchup.due_ms = INT64_MAX;
    catchup_turn(replica);
}

/* ---- peers */

void catchup_peer_up(struct replica *replica, const struct replica_peer *peer) {
    blockserve_peer_up(&replica->serve, peer->number);
    blocksync_peer_up(&replica->sync, peer->number, peer->id);
}

void catchup_peer_down(struct replica *replica, uint32_t number) {
    blockserve_peer_down(&replica->serve, number);
    blocksync_peer_down(&replica->sync, number);
}

void catchup_receive(struct replica *replica, uint32_t number, struct span bytes) {
    struct wire_blocksync message;
    const char *wrong = wire_blocksync_decode(&message, bytes);
    if (wrong != NULL) {
        replica->world->table->drop(replica->world, number, WORLD_BLAME_MALICE, wrong);
        return;
    }
    if (forkwatch_receive(replica, &message))
        return;
    blockserve_receive(&replica->serve, number, &message);
    blocksync_receive(&replica->sync, number, &message);
}
