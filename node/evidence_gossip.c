#include "node/evidence_gossip.h"

#include <inttypes.h>
#include <stdio.h>

/* The message of one piece: EvidenceList {1 rep Evidence}. */
static struct blob *encode(const struct evidence_piece *piece) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    proto_put_bytes_always(&writer, 1, blob_span(piece->bytes));
    struct blob *blob = blob_reserve(writer.size);
    proto_writer_init(&writer, blob->data, blob->size);
    proto_put_bytes_always(&writer, 1, blob_span(piece->bytes));
    return blob;
}

static bool send(struct replica *replica, const struct replica_peer *peer, const struct evidence_piece *piece) {
    struct blob *blob = encode(piece);
    bool done = blob->size > WIRE_EVIDENCE_BYTES_MAX || replica->world->table->send(replica->world, peer->number, WIRE_EVIDENCE, blob);
    blob_release(blob);
    return done;
}

/* A peer at height h has applied h − 1. It waits for nothing that comes later: whoever is behind now gets all in time. */
void evidence_gossip_peer(struct replica *replica, struct replica_peer *peer) {
    const struct ledger *ledger = replica->ledger;
    int64_t height = peer->state.height;
    const struct evidence_piece *piece;
    while (peer->present && height > 0 && (piece = evidence_pool_next(&ledger->evidence, peer->evidence_cursor)) != NULL) {
        bool too_old = height - piece->height > ledger->state.params.evidence_age_blocks_max;
        if (!too_old && (height <= piece->ready_at || !send(replica, peer, piece)))
            return;
        peer->evidence_cursor = piece->number;
    }
}

/* A forged double vote is proven malice. Of attacks the rules differ between releases (the keys of those listed), and of times a node that was
 * rolled back may be wrong: such a peer is let go, no more. */
static enum world_blame blame_for(enum evidence_pool_verdict verdict, const struct evidence *evidence) {
    bool forged = verdict == EVIDENCE_POOL_UNPROVEN && evidence->kind == EVIDENCE_DUPLICATE_VOTE;
    return forged ? WORLD_BLAME_MALICE : WORLD_BLAME_FAULT;
}

/* Who has had everything before it, and sends it, need not get it back. */
static void note_sender(struct replica *replica, struct replica_peer *from, const struct evidence *evidence) {
    const struct evidence_pool *pool = &replica->ledger->evidence;
    struct digest hash;
    evidence_hash(&hash, evidence);
    const struct evidence_piece *piece = evidence_pool_find(pool, evidence_height(evidence), &hash);
    const struct evidence_piece *next = evidence_pool_next(pool, from->evidence_cursor);
    if (piece != NULL && piece == next)
        from->evidence_cursor = piece->number;
}

static void tell(struct replica *replica, const struct replica_peer *from, const struct evidence *evidence) {
    bool is_attack = evidence->kind == EVIDENCE_LIGHT_ATTACK;
    replica->push_evidence = true;
    replica_say(replica, WORLD_WARN, "evidence of a %s at height %" PRId64 " from peer %s: verified, to be committed",
                is_attack ? "light client attack" : "double vote", evidence_height(evidence), from->id);
}

void evidence_gossip_receive(struct replica *replica, struct replica_peer *from, struct span message) {
    struct evidence *items;
    uint32_t count;
    arena_reset(&replica->receive_arena);
    const char *wrong = wire_evidence_decode(&items, &count, message, &replica->receive_arena);
    if (wrong != NULL) {
        replica->world->table->drop(replica->world, from->number, WORLD_BLAME_FAULT, wrong);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        enum evidence_pool_verdict verdict = evidence_pool_add(replica->ledger, &items[i]);
        if (evidence_pool_is_fault(verdict)) {
            char reason[128];
            snprintf(reason, sizeof reason, "evidence: %s", evidence_pool_verdict_text(verdict));
            replica->world->table->drop(replica->world, from->number, blame_for(verdict, &items[i]), reason);
            return;
        }
        if (verdict == EVIDENCE_POOL_GOOD)
            forkwatch_evidence(replica, &items[i]);
        if (verdict == EVIDENCE_POOL_GOOD || verdict == EVIDENCE_POOL_HELD)
            tell(replica, from, &items[i]);
        note_sender(replica, from, &items[i]);
    }
}
