#include "node/blocksync.h"

#include <assert.h>
#include <stdio.h>

#include "node/wire.h"

enum {
    AWAKE_MS_MAX = 1000, /* of one turn: what lasted longer was our own doing */
    SECOND_MS = 1000,
    BUSY_MS = 10000,     /* after which a rate says something */
    LONG_WAIT_MS = 5000,
    HEDGED_HEIGHTS = 50,
    TYPICAL_BYTES_MIN = 1024,
    OWED_MAX = 2,
    NEAR_HEIGHTS = 100,
};

/* ---- small things */

static struct blocksync_peer *find(struct blocksync *sync, uint32_t number) {
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++)
        if (sync->peers[i].number == number)
            return &sync->peers[i];
    return NULL;
}

struct blocksync_slot *blocksync_slot(struct blocksync *sync, int64_t height) { return &sync->slots[height % BLOCKSYNC_WINDOW_MAX]; }

static bool is_in_window(const struct blocksync *sync, int64_t height) {
    return sync->is_active && height >= sync->front && height - sync->front < BLOCKSYNC_WINDOW_MAX;
}

static void empty(struct blocksync *sync, struct blocksync_slot *slot) {
    sync->held_bytes -= slot->bytes != NULL ? (int64_t)slot->bytes->size : 0;
    sync->held_bytes -= slot->extended != NULL ? (int64_t)slot->extended->size : 0;
    block_release(slot->block);
    blob_release(slot->bytes);
    blob_release(slot->extended);
    *slot = (struct blocksync_slot){.owed = slot->owed, .asked_ms = slot->asked_ms};
}

/* The ledger went on, through us or through consensus. */
static void advance(struct blocksync *sync) {
    for (int64_t next = state_next_height(&sync->ledger->state); sync->front < next; sync->front++) {
        struct blocksync_slot *slot = blocksync_slot(sync, sync->front);
        empty(sync, slot);
        *slot = (struct blocksync_slot){0};
        sync->progress_ms = sync->clock_ms;
    }
}

static bool send(struct blocksync *sync, const struct blocksync_peer *peer, const struct wire_blocksync *message) {
    uint8_t bytes[32];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_blocksync_write(&writer, message);
    assert(!writer.overflow);
    struct blob *blob = blob_new(proto_writer_span(&writer));
    bool taken = sync->owner.send(sync->owner.context, peer->number, blob);
    blob_release(blob);
    return taken;
}

static void ask_status(struct blocksync *sync, const struct blocksync_peer *peer) {
    send(sync, peer, &(struct wire_blocksync){.kind = WIRE_STATUS_REQUEST});
}

/* ---- who owes what */

static bool owes(const struct blocksync_peer *peer, int64_t height) {
    for (uint32_t i = 0; i < peer->asked_count; i++)
        if (peer->asked[i].height == height)
            return true;
    return false;
}

/* It answered, one way or the other. false: nobody had asked. */
static bool settle(struct blocksync *sync, struct blocksync_peer *peer, int64_t height) {
    for (uint32_t i = 0; i < peer->asked_count; i++) {
        if (peer->asked[i].height != height)
            continue;
        for (peer->asked_count--; i < peer->asked_count; i++)
            peer->asked[i] = peer->asked[i + 1];
        peer->heard_ms = sync->clock_ms;
        sync->owed--;
        struct blocksync_slot *slot = blocksync_slot(sync, height);
        if (is_in_window(sync, height) && slot->owed > 0)
            slot->owed--;
        return true;
    }
    return false;
}

static void forget(struct blocksync *sync, struct blocksync_peer *peer) {
    while (peer->asked_count > 0)
        settle(sync, peer, peer->asked[0].height);
    peer->number = 0;
}

static void distrust(struct blocksync *sync, const char *id) {
    struct blocksync_distrusted *place = &sync->distrusted[sync->distrusted_next++ % BLOCKSYNC_DISTRUSTED_MAX];
    snprintf(place->id, sizeof place->id, "%s", id);
    place->until_ms = sync->clock_ms + BLOCKSYNC_DISTRUST_MS;
}

bool blocksync_trusts(const struct blocksync *sync, const struct blocksync_peer *peer) {
    if (!peer->spoke || peer->is_doubted)
        return false;
    for (uint32_t i = 0; i < BLOCKSYNC_DISTRUSTED_MAX; i++)
        if (sync->clock_ms < sync->distrusted[i].until_ms && strcmp(sync->distrusted[i].id, peer->id) == 0)
            return false;
    return true;
}

static void drop(struct blocksync *sync, struct blocksync_peer *peer, enum world_blame blame, const char *reason) {
    uint32_t number = peer->number;
    distrust(sync, peer->id);
    forget(sync, peer);
    sync->owner.drop(sync->owner.context, number, blame, reason);
}

/* What came from a convicted liar is asked elsewhere, all of it. */
static void drop_supplier(struct blocksync *sync, uint32_t number, enum world_blame blame, const char *reason) {
    for (int64_t height = sync->front; height < sync->front + BLOCKSYNC_WINDOW_MAX; height++) {
        struct blocksync_slot *slot = blocksync_slot(sync, height);
        if (slot->bytes != NULL && slot->supplier == number)
            empty(sync, slot);
    }
    struct blocksync_peer *peer = find(sync, number);
    if (number != 0 && peer != NULL) /* else it left already */
        drop(sync, peer, blame, reason);
}

/* ---- peers */

void blocksync_peer_up(struct blocksync *sync, uint32_t number, const char *id) {
    struct blocksync_peer *peer = find(sync, 0);
    if (peer == NULL)
        return;
    *peer = (struct blocksync_peer){.number = number, .heard_ms = sync->clock_ms};
    snprintf(peer->id, sizeof peer->id, "%s", id);
    if (sync->is_active)
        ask_status(sync, peer);
}

void blocksync_peer_down(struct blocksync *sync, uint32_t number) {
    struct blocksync_peer *peer = find(sync, number);
    if (peer != NULL)
        forget(sync, peer);
}

static void take_status(struct blocksync *sync, struct blocksync_peer *peer, int64_t base, int64_t height) {
    if (height < peer->height || base < peer->base)
        return drop(sync, peer, WORLD_BLAME_FAULT, "block sync: its height or base went back");
    if (peer->is_doubted && peer->denied >= base && peer->denied <= height)
        return drop(sync, peer, WORLD_BLAME_FAULT, "block sync: it claims a block that it denied");
    peer->spoke = true;
    peer->is_doubted = false;
    peer->base = base;
    peer->height = height;
}

static void take_denial(struct blocksync *sync, struct blocksync_peer *peer, int64_t height) {
    if (!settle(sync, peer, height))
        return; /* costs nothing */
    peer->denied = height;
    if (!peer->is_doubted)
        ask_status(sync, peer);
    peer->is_doubted = true;
}

/* ---- blocks */

/* Header.height, without decoding the rest. 0: there is none. */
static int64_t height_of(struct span block) {
    int64_t height = 0;
    struct proto_reader reader = proto_reader_over(block);
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number != 1)
            continue;
        struct proto_reader header = proto_sub(&reader, &field);
        for (struct proto_field inner; proto_next(&header, &inner);)
            if (inner.number == 3)
                height = proto_int64(&header, &inner);
        proto_join(&reader, &header);
    }
    return reader.bad ? 0 : height;
}

/* The next pair always has room. */
static bool has_room(const struct blocksync *sync, int64_t height, int64_t more, int64_t bytes_max) {
    return height - sync->front < 2 || sync->held_bytes + more <= bytes_max;
}

static void take_block(struct blocksync *sync, struct blocksync_peer *peer, const struct wire_blocksync *message) {
    int64_t height = height_of(message->block), size = (int64_t)(message->block.size + message->extended_commit.size);
    if (height < 1 || message->block.size > BLOCKSYNC_BLOCK_MAX)
        return drop(sync, peer, WORLD_BLAME_MALICE, height < 1 ? "block sync: malformed block" : "block sync: block too large");
    if (!settle(sync, peer, height))
        return drop(sync, peer, WORLD_BLAME_FAULT, "block sync: a block that nobody asked for");
    peer->busy_bytes += size;
    struct blocksync_slot *slot = blocksync_slot(sync, height);
    if (!is_in_window(sync, height) || slot->bytes != NULL)
        return; /* late, or the second of two */
    if (!has_room(sync, height, size, 2 * (int64_t)BLOCKSYNC_BYTES_MAX))
        return; /* asked again when there is */
    slot->bytes = blob_new(message->block);
    slot->supplier = peer->number;
    slot->extended = message->has_extended_commit ? blob_new(message->extended_commit) : NULL;
    sync->held_bytes += size;
    sync->typical_bytes += (size - sync->typical_bytes) / 8;
    if (sync->typical_bytes < TYPICAL_BYTES_MIN)
        sync->typical_bytes = TYPICAL_BYTES_MIN;
}

void blocksync_receive(struct blocksync *sync, uint32_t number, const struct wire_blocksync *message) {
    struct blocksync_peer *peer = find(sync, number);
    if (number == 0 || peer == NULL)
        return;
    switch (message->kind) {
    case WIRE_STATUS_RESPONSE: take_status(sync, peer, message->base, message->height); break;
    case WIRE_NO_BLOCK: take_denial(sync, peer, message->height); break;
    case WIRE_BLOCK_RESPONSE: take_block(sync, peer, message); break;
    case WIRE_BLOCK_REQUEST:
    case WIRE_STATUS_REQUEST: break;
    }
}

/* ---- asking */

static bool can_give(const struct blocksync *sync, const struct blocksync_peer *peer, int64_t height) {
    return peer->number != 0 && height >= peer->base && height <= peer->height && blocksync_trusts(sync, peer);
}

/* Who owes least; of equals who was asked longest ago. Fast peers owe little, so they are asked more. */
static struct blocksync_peer *pick(struct blocksync *sync, int64_t height) {
    struct blocksync_peer *best = NULL;
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++) {
        struct blocksync_peer *peer = &sync->peers[i];
        if (peer->asked_count >= BLOCKSYNC_ASKED_MAX || !can_give(sync, peer, height) || owes(peer, height))
            continue;
        if (best == NULL || peer->asked_count < best->asked_count || (peer->asked_count == best->asked_count && peer->turn < best->turn))
            best = peer;
    }
    return best;
}

static bool ask_one(struct blocksync *sync, struct blocksync_slot *slot, int64_t height) {
    struct blocksync_peer *peer = pick(sync, height);
    if (peer == NULL || !send(sync, peer, &(struct wire_blocksync){.kind = WIRE_BLOCK_REQUEST, .height = height}))
        return false;
    if (peer->asked_count == 0)
        peer->heard_ms = sync->clock_ms;
    peer->asked[peer->asked_count++] = (struct blocksync_asked){height, sync->clock_ms};
    peer->turn = ++sync->turns;
    slot->owed++;
    slot->asked_ms = sync->clock_ms;
    sync->owed++;
    return true;
}

static bool is_late(const struct blocksync *sync, const struct blocksync_slot *slot, int64_t height) {
    return slot->owed < OWED_MAX && height - sync->front < HEDGED_HEIGHTS && sync->clock_ms - slot->asked_ms >= BLOCKSYNC_HEDGE_MS;
}

/* The highest height that anybody may be asked for, and whether anybody may be asked more. */
static int64_t highest(const struct blocksync *sync, bool *has_free) {
    int64_t height = 0;
    *has_free = false;
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++) {
        const struct blocksync_peer *peer = &sync->peers[i];
        if (peer->number == 0 || !blocksync_trusts(sync, peer))
            continue;
        *has_free = *has_free || peer->asked_count < BLOCKSYNC_ASKED_MAX;
        height = peer->height > height ? peer->height : height;
    }
    return height;
}

static void ask(struct blocksync *sync) {
    bool has_free;
    int64_t top = highest(sync, &has_free);
    uint32_t failures = 0;
    for (int64_t height = sync->front; has_free && failures < 8 && height <= top && height - sync->front < BLOCKSYNC_WINDOW_MAX; height++) {
        struct blocksync_slot *slot = blocksync_slot(sync, height);
        if (slot->bytes != NULL || (slot->owed > 0 && !is_late(sync, slot, height)))
            continue;
        if (!has_room(sync, height, (sync->owed + 1) * sync->typical_bytes, BLOCKSYNC_BYTES_MAX))
            return;
        failures += slot->owed == 0 && !ask_one(sync, slot, height);
        if (slot->owed > 0 && is_late(sync, slot, height))
            ask_one(sync, slot, height);
    }
}

/* ---- who must go */

static bool others_can_give(const struct blocksync *sync, const struct blocksync_peer *peer, int64_t height) {
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++)
        if (&sync->peers[i] != peer && can_give(sync, &sync->peers[i], height))
            return true;
    return false;
}

static bool is_silent(const struct blocksync *sync, const struct blocksync_peer *peer) {
    int64_t patience = BLOCKSYNC_SILENCE_MS + sync->typical_bytes * 1000 / BLOCKSYNC_RATE_MIN;
    return peer->asked_count > 0 && sync->clock_ms - peer->heard_ms >= patience;
}

/* A low rate alone is no fault: small blocks make one too, and so do we when we ask for little. */
static bool is_slow(const struct blocksync *sync, const struct blocksync_peer *peer) {
    return peer->asked_count > 0 && peer->busy_ms >= BUSY_MS && peer->busy_bytes * 1000 / peer->busy_ms < BLOCKSYNC_RATE_MIN &&
           sync->clock_ms - peer->asked[0].at_ms >= LONG_WAIT_MS && others_can_give(sync, peer, peer->asked[0].height);
}

static void note_busy(struct blocksync_peer *peer, int64_t elapsed_ms) {
    if (peer->asked_count > 0)
        peer->busy_ms += elapsed_ms;
    if (peer->busy_ms >= 2 * BUSY_MS) {
        peer->busy_ms /= 2;
        peer->busy_bytes /= 2;
    }
}

static void watch(struct blocksync *sync, int64_t elapsed_ms) {
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++) {
        struct blocksync_peer *peer = &sync->peers[i];
        if (peer->number == 0)
            continue;
        note_busy(peer, elapsed_ms);
        if (is_silent(sync, peer))
            drop(sync, peer, WORLD_BLAME_FAULT, "block sync: it owes blocks and is silent");
        else if (is_slow(sync, peer))
            drop(sync, peer, WORLD_BLAME_FAULT, "block sync: it is too slow");
        else if (peer->spoke)
            sync->heard_ms = sync->clock_ms;
    }
}

/* ---- turns */

static void measure(struct blocksync *sync) {
    if (sync->clock_ms - sync->second_ms < SECOND_MS)
        return;
    int64_t rate = (sync->applied - sync->rate_from) * 1000000 / (sync->clock_ms - sync->second_ms);
    sync->rate = sync->rate < 0 ? rate : sync->rate + (rate - sync->rate) / 4;
    sync->rate_from = sync->applied;
    sync->second_ms = sync->clock_ms;
}

static void refresh_claims(struct blocksync *sync) {
    struct blocksync_progress progress;
    blocksync_progress(sync, &progress);
    int64_t period_ms = progress.target - progress.height < NEAR_HEIGHTS ? BLOCKSYNC_STATUS_MS / 10 : BLOCKSYNC_STATUS_MS;
    if (sync->clock_ms - sync->status_ms < period_ms)
        return;
    sync->status_ms = sync->clock_ms;
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++)
        if (sync->peers[i].number != 0)
            ask_status(sync, &sync->peers[i]);
}

static void blame(struct blocksync *sync, const struct blocksync_blame *found) {
    uint32_t first = blocksync_slot(sync, sync->front)->supplier, second = blocksync_slot(sync, sync->front + 1)->supplier;
    if (found->first)
        drop_supplier(sync, first, found->blame, found->reason);
    if (found->second && (second != first || !found->first))
        drop_supplier(sync, second, found->blame, found->reason);
}

/* true: it stopped because it did enough for one turn. */
static bool apply_ready(struct blocksync *sync) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < BLOCKSYNC_APPLY_MAX && bytes < BLOCKSYNC_BYTES_MAX / 16; i++) {
        struct blocksync_blame found = {0};
        struct blob *next = blocksync_slot(sync, sync->front)->bytes;
        bytes += next != NULL ? (int64_t)next->size : 0;
        switch (blocksync_pair(sync, &found)) {
        case BLOCKSYNC_WAITS:
        case BLOCKSYNC_HALTED: return false;
        case BLOCKSYNC_BLAMED: blame(sync, &found); break;
        case BLOCKSYNC_APPLIED:
            sync->applied++;
            sync->lacks_extensions = false;
            advance(sync);
            break;
        }
        if (!sync->is_active)
            return false;
    }
    return true;
}

bool blocksync_turn(struct blocksync *sync, int64_t now_ms) {
    int64_t elapsed_ms = now_ms - sync->turn_ms;
    elapsed_ms = elapsed_ms > AWAKE_MS_MAX ? AWAKE_MS_MAX : elapsed_ms;
    sync->turn_ms = now_ms;
    sync->clock_ms += elapsed_ms;
    if (!sync->is_active)
        return false;
    advance(sync);
    watch(sync, elapsed_ms);
    refresh_claims(sync);
    bool has_more = apply_ready(sync);
    if (sync->is_active)
        ask(sync);
    measure(sync);
    return has_more && sync->is_active;
}

/* ---- life */

void blocksync_init(struct blocksync *sync, struct ledger *ledger, const struct blocksync_owner *owner) {
    *sync = (struct blocksync){.ledger = ledger, .owner = *owner, .typical_bytes = TYPICAL_BYTES_MIN, .clock_ms = 1};
}

static bool lacks_extensions(struct ledger *ledger) {
    int64_t height = ledger->state.height;
    struct blob *extended = height > 0 && ledger_extends(ledger, height) ? ledger_extended_commit_bytes(ledger, height) : NULL;
    bool lacks = height > 0 && ledger_extends(ledger, height) && extended == NULL;
    blob_release(extended);
    return lacks;
}

void blocksync_begin(struct blocksync *sync, int64_t now_ms) {
    assert(!sync->is_active);
    sync->is_active = true;
    sync->turn_ms = now_ms;
    sync->front = state_next_height(&sync->ledger->state);
    sync->applied = sync->rate_from = 0;
    sync->lacks_extensions = lacks_extensions(sync->ledger);
    sync->rate = -1;
    sync->begun_ms = sync->progress_ms = sync->heard_ms = sync->second_ms = sync->clock_ms;
    sync->status_ms = sync->clock_ms - BLOCKSYNC_STATUS_MS;
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++)
        sync->peers[i].spoke = false; /* long ago */
    refresh_claims(sync);
}

void blocksync_end(struct blocksync *sync) {
    for (uint32_t i = 0; i < BLOCKSYNC_WINDOW_MAX; i++) {
        empty(sync, &sync->slots[i]);
        sync->slots[i] = (struct blocksync_slot){0};
    }
    sync->is_active = false;
}

void blocksync_close(struct blocksync *sync) { blocksync_end(sync); }
