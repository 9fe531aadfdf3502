#include "node/sim_trace.h"

#include <assert.h>
#include <inttypes.h>

#include "node/wire.h"

/* ---- the hash */

static void flush(struct sim_trace *trace) {
    sha256_add(&trace->hash, span_of(trace->pending, trace->pending_size));
    trace->pending_size = 0;
}

static void put(struct sim_trace *trace, const void *bytes, size_t size) {
    assert(size <= sizeof trace->pending);
    if (trace->pending_size + size > sizeof trace->pending)
        flush(trace);
    memcpy(trace->pending + trace->pending_size, bytes, size);
    trace->pending_size += size;
}

/* Not against an enemy: two runs of one program are compared. */
static uint64_t digest_of_bytes(struct span bytes) {
    uint64_t hash = 0x9e3779b97f4a7c15ull ^ bytes.size, word;
    size_t at = 0;
    for (; at + 8 <= bytes.size; at += 8) {
        memcpy(&word, bytes.data + at, 8);
        hash = (hash ^ word) * 0xbf58476d1ce4e5b9ull;
        hash ^= hash >> 29;
    }
    word = 0;
    if (at < bytes.size)
        memcpy(&word, bytes.data + at, bytes.size - at);
    hash = (hash ^ word) * 0x94d049bb133111ebull;
    return hash ^ hash >> 32;
}

struct record {
    int64_t at_us;
    uint64_t content;
    int64_t more;
    uint16_t from, to;
    char kind;
    uint8_t channel;
    uint8_t zero[2];
};

static void note(struct sim_trace *trace, char kind, uint32_t from, uint32_t to, uint8_t channel, struct span bytes, int64_t more) {
    if (trace->is_off)
        return;
    struct record record = {sim_now_us(trace->sim), digest_of_bytes(bytes), more, (uint16_t)from, (uint16_t)to, kind, channel, {0}};
    trace->events++;
    put(trace, &record, sizeof record);
}

void sim_trace_init(struct sim_trace *trace, FILE *out) {
    *trace = (struct sim_trace){.out = out};
    sha256_init(&trace->hash);
}

void sim_trace_begin(struct sim_trace *trace, const struct sim *sim) { trace->sim = sim; }

void sim_trace_end(struct sim_trace *trace, uint8_t out[static SHA256_BYTES]) {
    flush(trace);
    sha256_final(&trace->hash, out);
}

/* ---- words */

static const char *id_text(char out[8], const struct block_id *id) {
    if (block_id_is_nil(id))
        return "nil";
    snprintf(out, 8, "%02X%02X%02X", id->hash.bytes[0], id->hash.bytes[1], id->hash.bytes[2]);
    return out;
}

static const char *type_text(int32_t type) { return type == VOTE_PREVOTE ? "prevote" : type == VOTE_PRECOMMIT ? "precommit" : "?"; }

static uint32_t bits_set(const struct wire_bits *bits) {
    uint32_t set = 0;
    for (uint32_t i = 0; i < (bits->bits + 63) / 64; i++)
        set += (uint32_t)__builtin_popcountll(bits->words[i]);
    return set;
}

static void consensus_text(char *out, size_t size, const struct wire_consensus *m) {
    char id[8];
    switch (m->kind) {
    case WIRE_NEW_ROUND_STEP:
        snprintf(out, size, "step %d %s height %" PRId64, m->round, engine_phase_text(m->step), m->height);
        return;
    case WIRE_NEW_VALID_BLOCK:
        snprintf(out, size, "valid %02X… round %d height %" PRId64 ", has %u of %u parts%s", m->parts.hash.bytes[0], m->round, m->height, bits_set(&m->bits),
                 m->parts.total, m->is_commit ? ", commit" : "");
        return;
    case WIRE_PROPOSAL:
        snprintf(out, size, "propose %d %s height %" PRId64 " pol %d", m->proposal.round, id_text(id, &m->proposal.block_id), m->proposal.height,
                 m->proposal.pol_round);
        return;
    case WIRE_PROPOSAL_POL: snprintf(out, size, "polka of round %d height %" PRId64, m->round, m->height); return;
    case WIRE_BLOCK_PART: snprintf(out, size, "part %u of %u round %d height %" PRId64, m->part.index, (unsigned)m->part.proof.total, m->round, m->height); return;
    case WIRE_VOTE_MESSAGE:
        snprintf(out, size, "%s %s from %d round %d height %" PRId64, type_text(m->vote.type), id_text(id, &m->vote.block_id), m->vote.validator_index,
                 m->vote.round, m->vote.height);
        return;
    case WIRE_HAS_VOTE:
        snprintf(out, size, "have %s %d from %d height %" PRId64, type_text(m->type), m->round, m->index, m->height);
        return;
    case WIRE_VOTE_SET_MAJ23:
        snprintf(out, size, "claim %s %s round %d height %" PRId64, type_text(m->type), id_text(id, &m->block_id), m->round, m->height);
        return;
    case WIRE_VOTE_SET_BITS_MESSAGE:
        snprintf(out, size, "bits %s %s round %d height %" PRId64 ": %u", type_text(m->type), id_text(id, &m->block_id), m->round, m->height,
                 bits_set(&m->bits));
        return;
    }
}

static void blocksync_text(char *out, size_t size, struct span message) {
    static const char *const words[] = {"?", "request block", "no block", "block", "status request", "status"};
    struct wire_blocksync decoded;
    const char *wrong = wire_blocksync_parse(&decoded, message);
    if (wrong != NULL || decoded.kind > WIRE_STATUS_RESPONSE)
        snprintf(out, size, "block sync: %s", wrong == NULL ? "?" : wrong);
    else
        snprintf(out, size, "%s %" PRId64 " (%zu bytes)", words[decoded.kind], decoded.height, message.size);
}

void sim_trace_text(char *out, size_t size, uint8_t channel, struct span message) {
    struct wire_consensus decoded;
    struct arena arena;
    if (channel == WIRE_BLOCKSYNC) {
        blocksync_text(out, size, message);
        return;
    }
    if (channel < WIRE_STATE || channel > WIRE_VOTE_SET_BITS) {
        snprintf(out, size, "%s, %zu bytes", channel == WIRE_MEMPOOL ? "txs" : channel == WIRE_EVIDENCE ? "evidence" : "?", message.size);
        return;
    }
    arena_init(&arena, 4u << 20);
    const char *wrong = wire_consensus_parse(&decoded, message, &arena);
    if (wrong != NULL)
        snprintf(out, size, "noise, %zu bytes: %s", message.size, wrong);
    else
        consensus_text(out, size, &decoded);
    arena_close(&arena);
}

/* ---- events */

static void begin_line(struct sim_trace *trace) {
    int64_t us = sim_now_us(trace->sim);
    fprintf(trace->out, "%6" PRId64 ".%06" PRId64 "  ", us / 1000000, us % 1000000);
}

void sim_trace_sent(struct sim_trace *trace, uint32_t from, uint32_t to, uint8_t channel, struct span message, int64_t arrives_us) {
    note(trace, 's', from, to, channel, message, arrives_us);
}

void sim_trace_arrived(struct sim_trace *trace, uint32_t from, uint32_t to, uint8_t channel, struct span message) {
    char text[256];
    note(trace, 'a', from, to, channel, span_of(NULL, 0), (int64_t)message.size); /* its bytes are in what was sent */
    if (trace->out == NULL)
        return;
    sim_trace_text(text, sizeof text, channel, message);
    begin_line(trace);
    fprintf(trace->out, "%u>%u  %s\n", from, to, text);
}

void sim_trace_applied(struct sim_trace *trace, uint32_t node, struct block *block) {
    note(trace, 'd', node, 0, 0, digest_span(&block->hash), block->header.height);
    if (trace->out == NULL)
        return;
    begin_line(trace);
    fprintf(trace->out, "%u  decide %02X%02X%02X height %" PRId64 ", %u txs\n", node, block->hash.bytes[0], block->hash.bytes[1], block->hash.bytes[2],
            block->header.height, block->tx_count);
}

static void print_turn(struct sim_trace *trace, uint32_t node, const struct engine *engine, const struct sim_place *was) {
    char id[8];
    bool same_height = was->height == engine->height;
    begin_line(trace);
    fprintf(trace->out, "%u  = height %" PRId64 " round %d %s", node, engine->height, engine->round, engine_phase_text(engine->phase));
    if (same_height && engine->locked_round != was->locked_round)
        fprintf(trace->out, ", locked %s %d", engine->locked_round < 0 ? "none" : id_text(id, &engine->locked), engine->locked_round);
    if (same_height && engine->valid_round != was->valid_round)
        fprintf(trace->out, ", valid %s %d", id_text(id, &engine->valid), engine->valid_round);
    fputc('\n', trace->out);
}

void sim_trace_turned(struct sim_trace *trace, uint32_t node, const struct replica *replica) {
    const struct engine *engine = replica_engine(replica);
    struct sim_place *was = &trace->places[node];
    if (was->height == engine->height && was->round == engine->round && was->phase == engine->phase && was->locked_round == engine->locked_round &&
        was->valid_round == engine->valid_round)
        return;
    note(trace, 't', node, (uint32_t)engine->round, (uint8_t)engine->phase, span_of(NULL, 0), engine->height * 1000003 + engine->locked_round);
    if (trace->out != NULL)
        print_turn(trace, node, engine, was);
    *was = (struct sim_place){engine->height, engine->round, engine->locked_round, engine->valid_round, engine->phase};
}

void sim_trace_happened(struct sim_trace *trace, uint32_t node, const char *text) {
    note(trace, 'h', node, 0, 0, span_text(text), 0);
    if (trace->out == NULL)
        return;
    begin_line(trace);
    fprintf(trace->out, "%u  ! %s\n", node, text);
}
