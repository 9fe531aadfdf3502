#include "node/blockserve.h"

#include "node/wire.h"

enum { ANSWER_BYTES_MIN = 1024, COME_AGAIN_MS = 20 };

void blockserve_init(struct blockserve *serve, struct ledger *ledger, const struct blocksync_owner *owner, int64_t now_ms) {
    *serve = (struct blockserve){.ledger = ledger, .owner = *owner, .turn_ms = now_ms};
}

static struct blockserve_peer *find(struct blockserve *serve, uint32_t number) {
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++)
        if (serve->peers[i].number == number)
            return &serve->peers[i];
    return NULL;
}

void blockserve_peer_up(struct blockserve *serve, uint32_t number) {
    struct blockserve_peer *peer = find(serve, 0);
    if (peer == NULL)
        return;
    *peer = (struct blockserve_peer){.number = number, .owes_status = true, .credit = BLOCKSERVE_BURST};
    serve->waiting++;
}

void blockserve_peer_down(struct blockserve *serve, uint32_t number) {
    struct blockserve_peer *peer = find(serve, number);
    if (number == 0 || peer == NULL)
        return;
    serve->waiting -= peer->count + peer->owes_status;
    peer->number = 0;
}

void blockserve_writable(struct blockserve *serve, uint32_t number) {
    struct blockserve_peer *peer = find(serve, number);
    if (peer != NULL)
        peer->is_full = false;
}

void blockserve_receive(struct blockserve *serve, uint32_t number, const struct wire_blocksync *message) {
    struct blockserve_peer *peer = find(serve, number);
    if (number == 0 || peer == NULL)
        return;
    if (message->kind == WIRE_STATUS_REQUEST && !peer->owes_status) {
        peer->owes_status = true;
        serve->waiting++;
    } else if (message->kind == WIRE_BLOCK_REQUEST && peer->count < BLOCKSERVE_WAITING_MAX) {
        peer->heights[(peer->first + peer->count++) % BLOCKSERVE_WAITING_MAX] = message->height;
        serve->waiting++;
    }
}

/* ---- answering */

static bool send(struct blockserve *serve, struct blockserve_peer *peer, const struct wire_blocksync *message) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    wire_blocksync_write(&writer, message);
    struct blob *blob = blob_reserve(writer.size);
    proto_writer_init(&writer, blob->data, blob->size);
    wire_blocksync_write(&writer, message);
    peer->is_full = !serve->owner.send(serve->owner.context, peer->number, blob);
    serve->waiting -= !peer->is_full;
    if (!peer->is_full)
        peer->credit -= blob->size < ANSWER_BYTES_MIN ? ANSWER_BYTES_MIN : (int64_t)blob->size;
    blob_release(blob);
    return !peer->is_full;
}

static void answer_status(struct blockserve *serve, struct blockserve_peer *peer) {
    const struct ledger *ledger = serve->ledger;
    struct wire_blocksync status = {.kind = WIRE_STATUS_RESPONSE, .height = ledger->state.height, .base = ledger->base};
    peer->owes_status = !send(serve, peer, &status);
}

/* Megabytes of extensions of many validators do not, nor would CometBFT take them. */
static bool fits(const struct blob *block, const struct blob *extended) {
    return extended == NULL || block->size + extended->size + 32 <= WIRE_BLOCKSYNC_BYTES_MAX;
}

/* Where vote extensions are on, a block goes with its extended commit or not at all. */
static void answer_block(struct blockserve *serve, struct blockserve_peer *peer) {
    int64_t height = peer->heights[peer->first];
    bool may_be = height >= serve->ledger->base && height <= serve->ledger->state.height;
    bool extends = may_be && ledger_extends(serve->ledger, height);
    struct blob *bytes = may_be ? ledger_block_bytes(serve->ledger, height) : NULL;
    struct blob *extended = extends ? ledger_extended_commit_bytes(serve->ledger, height) : NULL;
    struct wire_blocksync answer = {.kind = WIRE_NO_BLOCK, .height = height};
    if (bytes != NULL && (extended != NULL || !extends) && fits(bytes, extended))
        answer = (struct wire_blocksync){.kind = WIRE_BLOCK_RESPONSE,
                                         .has_block = true,
                                         .block = blob_span(bytes),
                                         .has_extended_commit = extends,
                                         .extended_commit = extended != NULL ? blob_span(extended) : span_of(NULL, 0)};
    if (send(serve, peer, &answer)) {
        peer->first = (peer->first + 1) % BLOCKSERVE_WAITING_MAX;
        peer->count--;
    }
    blob_release(extended);
    blob_release(bytes);
}

static bool can_answer(const struct blockserve_peer *peer) {
    return peer->number != 0 && !peer->is_full && peer->credit > 0 && (peer->owes_status || peer->count > 0);
}

static void serve_peer(struct blockserve *serve, struct blockserve_peer *peer, int64_t elapsed_ms) {
    int64_t credit = peer->credit + elapsed_ms * (BLOCKSERVE_RATE / 1000);
    peer->credit = credit < BLOCKSERVE_BURST ? credit : BLOCKSERVE_BURST;
    int64_t stop = peer->credit - BLOCKSERVE_TURN_BYTES;
    while (can_answer(peer) && peer->credit > stop) {
        if (peer->owes_status)
            answer_status(serve, peer);
        else
            answer_block(serve, peer);
    }
}

int64_t blockserve_turn(struct blockserve *serve, int64_t now_ms) {
    if (serve->waiting == 0)
        return -1;
    int64_t elapsed_ms = now_ms - serve->turn_ms, come_again_ms = -1;
    serve->turn_ms = now_ms;
    if (elapsed_ms > 1000)
        elapsed_ms = 1000; /* more than the burst anyway */
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++) {
        struct blockserve_peer *peer = &serve->peers[i];
        if (peer->number == 0)
            continue;
        serve_peer(serve, peer, elapsed_ms);
        if (can_answer(peer))
            come_again_ms = 0;
        else if (!peer->is_full && (peer->owes_status || peer->count > 0) && come_again_ms < 0)
            come_again_ms = COME_AGAIN_MS;
    }
    return come_again_ms;
}
