/* The agreement under way (cometbft: rpc/core/consensus.go, consensus/types/round_state.go). All of it is read, and written down, on the loop that
 * owns the engine, so nothing is locked (wound 16). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/text.h"
#include "rpc/call.h"
#include "rpc/shapes.h"

/* ---- votes */

enum { PRINT_BYTES = 6 };

static void fingerprint(char out[static TEXT_HEX_SIZE(PRINT_BYTES)], struct span bytes) {
    uint8_t head[PRINT_BYTES] = {0};
    if (bytes.size > 0)
        memcpy(head, bytes.data, bytes.size < PRINT_BYTES ? bytes.size : PRINT_BYTES);
    text_hex_upper(out, span_of(head, sizeof head));
}

static void put_vote(struct emit *out, const struct vote *vote) {
    char address[TEXT_HEX_SIZE(PRINT_BYTES)], block[sizeof address], signature[sizeof address], extension[sizeof address];
    char time[TIMESTAMP_TEXT_SIZE], text[256];
    fingerprint(address, address_span(&vote->validator_address));
    fingerprint(block, digest_span(&vote->block_id.hash));
    fingerprint(signature, span_of(vote->signature.bytes, vote->signature.size));
    fingerprint(extension, vote->extension);
    timestamp_text(time, &vote->timestamp);
    bool is_prevote = vote->type == VOTE_PREVOTE;
    snprintf(text, sizeof text, "Vote{%d:%s %" PRId64 "/%02d/%s(%s) %s %s %s @ %s}", vote->validator_index, address, vote->height, vote->round,
             is_prevote ? "SIGNED_MSG_TYPE_PREVOTE" : "SIGNED_MSG_TYPE_PRECOMMIT", is_prevote ? "Prevote" : "Precommit", block, signature,
             extension, time);
    emit_cstring(out, text);
}

static void put_votes(struct emit *out, const struct tally *tally) {
    struct vote vote;
    emit_open(out, '[');
    for (uint32_t i = 0; i < tally->validators->count; i++) {
        if (tally_vote(tally, &vote, i))
            put_vote(out, &vote);
        else
            emit_cstring(out, "nil-Vote");
    }
    emit_shut(out, ']');
}

/* "BA{3:x_x} 20/30 = 0.67" */
static void put_bits(struct call *call, const struct tally *tally) {
    const struct bit_array *voted = tally_voted(tally);
    uint32_t count = tally->validators->count;
    int64_t total = tally->validators->total_power;
    char *text = arena_take(call->arena, count + 128, 1);
    if (text == NULL) {
        emit_null(call->out);
        return;
    }
    int head = sprintf(text, "BA{%u:", count);
    char *at = text + head;
    for (uint32_t i = 0; i < count; i++)
        *at++ = bit_array_get(voted, i) ? 'x' : '_';
    sprintf(at, "} %" PRId64 "/%" PRId64 " = %.2f", tally->power, total, total > 0 ? (double)tally->power / (double)total : 0.0);
    emit_cstring(call->out, text);
}

static void put_round(struct call *call, const struct engine *engine, int32_t round) {
    const struct tally *prevotes = rounds_tally(&engine->rounds, round, VOTE_PREVOTE);
    const struct tally *precommits = rounds_tally(&engine->rounds, round, VOTE_PRECOMMIT);
    if (prevotes == NULL || precommits == NULL)
        return;
    emit_open(call->out, '{');
    shapes_number(call->out, "round", round);
    emit_key(call->out, "prevotes");
    put_votes(call->out, prevotes);
    emit_key(call->out, "prevotes_bit_array");
    put_bits(call, prevotes);
    emit_key(call->out, "precommits");
    put_votes(call->out, precommits);
    emit_key(call->out, "precommits_bit_array");
    put_bits(call, precommits);
    emit_shut(call->out, '}');
}

/* An engine that has lingered through very many rounds shows the last of them. */
enum { ROUNDS_SHOWN = 100 };

static void put_rounds(struct call *call, const struct engine *engine) {
    emit_open(call->out, '[');
    int32_t first = engine->round > ROUNDS_SHOWN ? engine->round - ROUNDS_SHOWN : 0;
    for (int32_t round = first; engine->height > 0 && round <= engine->round; round++)
        put_round(call, engine, round);
    emit_shut(call->out, ']');
}

/* ---- consensus_state */

static void put_proposer(struct call *call, const struct engine *engine) {
    static const struct address nobody;
    int32_t index = engine->height > 0 ? engine_proposer(engine, engine->round) : -1;
    const struct address *address = index < 0 ? &nobody : &engine->begin.validators->validators[index].address;
    emit_open(call->out, '{');
    shapes_hex(call->out, "address", address_span(address));
    shapes_number(call->out, "index", index);
    emit_shut(call->out, '}');
}

static struct span proposed_hash(const struct engine *engine) {
    return engine->has_proposal ? digest_span(&engine->proposal.block_id.hash) : digest_span(&engine->wanted.hash);
}

static void put_consensus_state(struct call *call) {
    const struct engine *engine = call->host->engine;
    struct emit *out = call->out;
    char place[64];
    struct timestamp start = call->host->height_started(call->host->context);
    snprintf(place, sizeof place, "%" PRId64 "/%d/%u", engine->height, engine->round, engine->phase);
    emit_open(out, '{');
    emit_key(out, "round_state");
    emit_open(out, '{');
    shapes_text(out, "height/round/step", span_text(place));
    shapes_time(out, "start_time", &start);
    shapes_hex(out, "proposal_block_hash", proposed_hash(engine));
    shapes_hex(out, "locked_block_hash", digest_span(&engine->locked.hash));
    shapes_hex(out, "valid_block_hash", digest_span(&engine->valid.hash));
    emit_key(out, "height_vote_set");
    put_rounds(call, engine);
    emit_key(out, "proposer");
    put_proposer(call, engine);
    emit_shut(out, '}');
    emit_shut(out, '}');
}

/* ---- dump_consensus_state */

static void put_last_commit(struct call *call, const struct engine *engine) {
    if (!engine->has_last_commit) {
        emit_null(call->out);
        return;
    }
    emit_open(call->out, '{');
    emit_key(call->out, "votes");
    put_votes(call->out, &engine->last_commit);
    emit_key(call->out, "votes_bit_array");
    put_bits(call, &engine->last_commit);
    emit_key(call->out, "peer_maj_23s");
    emit_open(call->out, '{');
    emit_shut(call->out, '}');
    emit_shut(call->out, '}');
}

static void put_null(struct emit *out, const char *key) {
    emit_key(out, key);
    emit_null(out);
}

static void put_set(struct emit *out, const char *key, const struct valset *set) {
    emit_key(out, key);
    if (set != NULL && set->count > 0)
        shapes_valset(out, set);
    else
        emit_null(out);
}

/* The engine knows blocks by name only, so their bodies and parts read null here. */
static void put_round_state(struct call *call, const struct engine *engine) {
    struct emit *out = call->out;
    struct timestamp start = call->host->height_started(call->host->context), never = TIMESTAMP_ZERO;
    emit_open(out, '{');
    shapes_int64(out, "height", engine->height);
    shapes_number(out, "round", engine->round);
    shapes_number(out, "step", engine->phase);
    shapes_time(out, "start_time", &start);
    shapes_time(out, "commit_time", &never);
    put_set(out, "validators", engine->height > 0 ? &engine->turn : NULL);
    emit_key(out, "proposal");
    if (engine->has_proposal)
        shapes_proposal(out, &engine->proposal);
    else
        emit_null(out);
    put_null(out, "proposal_block");
    put_null(out, "proposal_block_parts");
    shapes_number(out, "locked_round", engine->locked_round);
    put_null(out, "locked_block");
    put_null(out, "locked_block_parts");
    shapes_number(out, "valid_round", engine->valid_round);
    put_null(out, "valid_block");
    put_null(out, "valid_block_parts");
    emit_key(out, "votes");
    put_rounds(call, engine);
    shapes_number(out, "commit_round", engine->commit_round);
    emit_key(out, "last_commit");
    put_last_commit(call, engine);
    put_set(out, "last_validators", &call->host->ledger->state.last_validators);
    emit_key(out, "triggered_timeout_precommit");
    emit_bool(out, engine->precommit_timed);
    emit_shut(out, '}');
}

static void put_peer_round(struct emit *out, const struct rpc_peer *peer) {
    static const char *const unknown[] = {"prevotes", "precommits"};
    static const struct block_id none;
    struct timestamp never = TIMESTAMP_ZERO;
    emit_open(out, '{');
    shapes_int64(out, "height", peer->height);
    shapes_number(out, "round", peer->round);
    shapes_number(out, "step", peer->step);
    shapes_time(out, "start_time", &never);
    emit_key(out, "proposal");
    emit_bool(out, false);
    emit_key(out, "proposal_block_part_set_header");
    emit_open(out, '{');
    shapes_number(out, "total", none.parts.total);
    shapes_hex(out, "hash", digest_span(&none.parts.hash));
    emit_shut(out, '}');
    put_null(out, "proposal_block_parts");
    shapes_number(out, "proposal_pol_round", -1);
    put_null(out, "proposal_pol");
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        put_null(out, unknown[i]);
    shapes_number(out, "last_commit_round", -1);
    put_null(out, "last_commit");
    shapes_number(out, "catchup_commit_round", -1);
    put_null(out, "catchup_commit");
    emit_shut(out, '}');
}

static void put_peer(struct emit *out, const struct rpc_peer *peer) {
    char address[128];
    snprintf(address, sizeof address, "%s@%s", peer->info.id, peer->remote_ip);
    emit_open(out, '{');
    shapes_text(out, "node_address", span_text(address));
    emit_key(out, "peer_state");
    emit_open(out, '{');
    emit_key(out, "round_state");
    put_peer_round(out, peer);
    emit_key(out, "stats");
    emit_open(out, '{');
    shapes_int64(out, "votes", 0);
    shapes_int64(out, "block_parts", 0);
    emit_shut(out, '}');
    emit_shut(out, '}');
    emit_shut(out, '}');
}

static void put_dump(struct call *call) {
    const struct routes_peers *peers = routes_find_peers(call);
    struct emit *out = call->out;
    if (peers == NULL)
        return;
    emit_open(out, '{');
    emit_key(out, "round_state");
    put_round_state(call, call->host->engine);
    emit_key(out, "peers");
    emit_open(out, '[');
    for (uint32_t i = 0; i < peers->count; i++)
        put_peer(out, &peers->list[i]);
    emit_shut(out, ']');
    emit_shut(out, '}');
}

/* ---- on the core's thread. Writing all votes of many rounds down may take milliseconds: what was written is given again for twenty times as long, so
 * that no flood of questions costs the core more than a twentieth of its time. */

enum { SHARE = 20 };

static int64_t clock_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void put_shared(struct call *call, struct desk_text *shared, void (*put)(struct call *call)) {
    int64_t begin = clock_us();
    if (shared->text.size > 0 && begin - shared->made_us <= SHARE * shared->took_us) {
        emit_raw(call->out, span_of(shared->text.data, shared->text.size));
        return;
    }
    size_t from = call->out->size;
    put(call);
    if (call->failed)
        return;
    shared->made_us = clock_us();
    shared->took_us = shared->made_us - begin;
    emit_clear(&shared->text);
    emit_raw(&shared->text, span_of(call->out->data + from, call->out->size - from));
}

static void ask(struct call *call, unsigned which, void (*put)(struct call *call)) {
    if (call->rpc->apart)
        put_shared(call, &call->rpc->desk.texts[which], put);
    else
        put(call);
}

void routes_ask_consensus_state(struct call *call) { ask(call, 0, put_consensus_state); }

void routes_ask_dump_consensus_state(struct call *call) { ask(call, 1, put_dump); }

void routes_answered(struct call *call) { (void)call; }
