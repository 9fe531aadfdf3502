/* When block sync has done what it can, and how far it is. */
#include "node/blocksync.h"

enum { FRESH_S_MAX = 60, WAIT_FOR_ALL_MS = 1000 };

struct claims {
    uint32_t present, spoke, ahead;
    int64_t target; /* of those who have our next block, and are trusted so far */
    int64_t lowest_base;
};

static struct claims collect(const struct blocksync *sync) {
    struct claims claims = {0};
    int64_t height = sync->ledger->state.height;
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++) {
        const struct blocksync_peer *peer = &sync->peers[i];
        claims.present += peer->number != 0;
        if (peer->number == 0 || !peer->spoke)
            continue;
        claims.spoke++;
        if (!blocksync_trusts(sync, peer))
            continue;
        claims.ahead += peer->height - 1 > height;
        if (claims.lowest_base == 0 || peer->base < claims.lowest_base)
            claims.lowest_base = peer->base;
        if (peer->base <= sync->front && peer->height > claims.target)
            claims.target = peer->height;
    }
    return claims;
}

/* Two thirds of the validators say in it what time it was. */
static bool last_block_is_fresh(const struct blocksync *sync, const struct timestamp *now) {
    const struct state *state = &sync->ledger->state;
    struct timestamp limit = timestamp_add_ns(&state->block_time, FRESH_S_MAX * INT64_C(1000000000));
    return state->height > 0 && timestamp_compare(now, &limit) < 0;
}

bool blocksync_is_done(const struct blocksync *sync, const struct timestamp *now) {
    struct claims claims = collect(sync);
    if (sync->lacks_extensions)
        return false; /* cometbft: blocksync/reactor.go "no extended commit yet" */
    if (claims.spoke == 0)
        return sync->clock_ms - sync->heard_ms >= BLOCKSYNC_GRACE_MS;
    if (claims.spoke < claims.present && sync->clock_ms - sync->begun_ms < WAIT_FOR_ALL_MS)
        return false;
    if (claims.target == 0 || sync->ledger->state.height >= claims.target - 1)
        return true;
    int64_t idle_ms = sync->clock_ms - sync->progress_ms;
    bool doubtful = 2 * claims.ahead <= claims.spoke;
    if (doubtful && (idle_ms >= BLOCKSYNC_SILENCE_MS || last_block_is_fresh(sync, now)))
        return true;
    return idle_ms >= 4 * BLOCKSYNC_SILENCE_MS;
}

void blocksync_progress(const struct blocksync *sync, struct blocksync_progress *out) {
    struct claims claims = collect(sync);
    *out = (struct blocksync_progress){.height = sync->ledger->state.height, .target = claims.target, .blocks_per_second = -1, .seconds_left = -1};
    if (claims.lowest_base > sync->front)
        out->lowest_base = claims.lowest_base;
    if (sync->rate < 0)
        return;
    out->blocks_per_second = sync->rate / 1000;
    if (sync->rate > 0 && claims.target > out->height)
        out->seconds_left = (claims.target - out->height) / (sync->rate / 1000 + 1);
}
