/* Transactions from peer to peer: not back to who sent them, many in one message. What came from our own RPC goes out at once. What a peer sent is
 * passed on only when it still waits after `mempool_relay_ms`: its sender had the same time to reach the others itself. What came from our own RPC and
 * still waits after many heights is offered again: whoever got it may have had no room. */
#include "node/replica_inside.h"

#define TXGOSSIP_MESSAGE_BYTES 32768 /* of transactions in one message; a larger transaction goes alone */
#define TXGOSSIP_MESSAGE_TXS   256
#define TXGOSSIP_FRAME_BYTES   8     /* around a transaction, at most */
#define TXGOSSIP_AGAIN_HEIGHTS 20

struct bundle {
    const struct mempool_tx *txs[TXGOSSIP_MESSAGE_TXS];
    struct span spans[TXGOSSIP_MESSAGE_TXS];
    uint32_t count;
    size_t bytes;
};

static bool send_bundle(struct replica *replica, struct replica_peer *peer, struct bundle *bundle) {
    if (bundle->count == 0)
        return true;
    struct proto_writer writer;
    proto_writer_measure(&writer);
    wire_txs_write(&writer, bundle->spans, bundle->count);
    struct blob *blob = blob_reserve(writer.size);
    proto_writer_init(&writer, blob->data, blob->size);
    wire_txs_write(&writer, bundle->spans, bundle->count);
    bool taken = replica->world->table->send(replica->world, peer->number, WIRE_MEMPOOL, blob);
    blob_release(blob);
    peer->blocked |= !taken;
    for (uint32_t i = 0; taken && i < bundle->count; i++)
        mempool_mark(replica->mempool, bundle->txs[i], peer->slot);
    bundle->count = 0;
    bundle->bytes = 0;
    return taken;
}

static bool peer_knows(const struct replica_peer *peer, const struct mempool_tx *tx) {
    return peer->slot >= 0 && (tx->known_by >> peer->slot & 1) != 0;
}

/* A peer takes no more in one message than its largest transaction, and we know of none but ours (wound 36). */
static size_t bundle_bytes_max(const struct replica *replica) {
    uint32_t tx_bytes_max = mempool_tx_bytes_max(replica->mempool);
    return tx_bytes_max < TXGOSSIP_MESSAGE_BYTES ? tx_bytes_max : TXGOSSIP_MESSAGE_BYTES;
}

/* Walks on from *cursor while `wanted` says; stops without moving on where the queue is full. */
static void walk(struct replica *replica, struct replica_peer *peer, uint64_t *cursor, bool relay) {
    int64_t now = replica->world->table->now_ms(replica->world);
    struct bundle bundle = {.count = 0};
    uint64_t reached = *cursor;
    const struct mempool_tx *tx;
    while ((tx = mempool_next(replica->mempool, reached)) != NULL) {
        bool behind = peer->state.height < tx->height - 1;
        if (behind || (relay && now - tx->arrived_ms < replica->config.mempool_relay_ms))
            break;
        reached = tx->number;
        bool due = relay ? !tx->local || tx->number > peer->fresh_cursor : tx->local;
        if (!due || peer_knows(peer, tx))
            continue;
        size_t size = tx->tx->size + TXGOSSIP_FRAME_BYTES;
        if (bundle.count == TXGOSSIP_MESSAGE_TXS || (bundle.count > 0 && bundle.bytes + size > bundle_bytes_max(replica))) {
            if (!send_bundle(replica, peer, &bundle))
                return;
            *cursor = tx->number - 1;
        }
        bundle.txs[bundle.count] = tx;
        bundle.spans[bundle.count++] = blob_span(tx->tx);
        bundle.bytes += size;
    }
    if (send_bundle(replica, peer, &bundle))
        *cursor = reached;
}

void txgossip_peer(struct replica *replica, struct replica_peer *peer, bool relay) {
    if (!replica->config.mempool_broadcast || !peer->present || peer->state.height == 0)
        return;
    walk(replica, peer, &peer->fresh_cursor, false);
    if (relay)
        walk(replica, peer, &peer->relay_cursor, true);
}

void txgossip_note_height(struct replica *replica, int64_t height) {
    uint64_t first = height % TXGOSSIP_AGAIN_HEIGHTS == 0 ? mempool_unmark(replica->mempool, height - TXGOSSIP_AGAIN_HEIGHTS) : 0;
    for (uint32_t i = 0; first > 0 && i < REPLICA_PEERS_MAX; i++)
        if (replica->peers[i].fresh_cursor >= first)
            replica->peers[i].fresh_cursor = first - 1;
}

static void take_some(struct replica *replica, const struct replica_peer *peer, const struct span *txs, uint32_t count, int64_t now) {
    struct blob *blobs[TXGOSSIP_MESSAGE_TXS];
    for (uint32_t i = 0; i < count; i++)
        blobs[i] = blob_new(txs[i]);
    mempool_add_all(replica->mempool, blobs, count, peer->slot, now);
    for (uint32_t i = 0; i < count; i++)
        blob_release(blobs[i]);
}

void txgossip_receive(struct replica *replica, struct replica_peer *peer, struct span message) {
    struct span *txs;
    uint32_t count;
    arena_reset(&replica->receive_arena);
    uint32_t bytes_max = mempool_tx_bytes_max(replica->mempool);
    const char *wrong = wire_txs_decode(&txs, &count, message, bytes_max, &replica->receive_arena);
    if (wrong != NULL) {
        replica->world->table->drop(replica->world, peer->number, WORLD_BLAME_FAULT, wrong);
        return;
    }
    int64_t now = replica->world->table->now_ms(replica->world);
    for (uint32_t from = 0; from < count; from += TXGOSSIP_MESSAGE_TXS)
        take_some(replica, peer, txs + from, count - from < TXGOSSIP_MESSAGE_TXS ? count - from : TXGOSSIP_MESSAGE_TXS, now);
}
