#include "tests/processes/actor.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/wire.h"

/* ---- what it hears */

static void answer(struct actor *actor, const struct wire_blocksync *message) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    wire_blocksync_write(&writer, message);
    struct blob *blob = blob_reserve(writer.size);
    proto_writer_init(&writer, blob->data, blob->size);
    wire_blocksync_write(&writer, message);
    outsider_say(&actor->line, WIRE_BLOCKSYNC, blob->data, blob->size);
    blob_release(blob);
}

static void say_status(struct actor *actor) {
    bool shrunk = actor->temper == ACTOR_SHRINKS && actor->served > 20;
    actor->statuses++;
    answer(actor, &(struct wire_blocksync){.kind = WIRE_STATUS_RESPONSE, .height = shrunk ? 5 : actor->chain->ledger.state.height, .base = 1});
}

/* A signature of the commit inside, which only whoever verifies will notice. */
static void spoil(struct blob *bytes) {
    assert(bytes->size > 40);
    bytes->data[bytes->size - 20] ^= 1;
}

static void serve(struct actor *actor, int64_t height) {
    actor->asked++;
    if (actor->temper == ACTOR_SILENT || (actor->temper == ACTOR_SHRINKS && actor->served > 20))
        return;
    struct blob *stored = actor->temper == ACTOR_LAZY ? NULL : ledger_block_bytes(&actor->chain->ledger, height);
    if (stored == NULL) {
        answer(actor, &(struct wire_blocksync){.kind = WIRE_NO_BLOCK, .height = height});
        return;
    }
    struct blob *bytes = blob_new(blob_span(stored));
    if (actor->temper == ACTOR_LIAR && height % 10 == 0)
        spoil(bytes);
    answer(actor, &(struct wire_blocksync){.kind = WIRE_BLOCK_RESPONSE, .block = blob_span(bytes), .has_block = true});
    blob_release(bytes);
    blob_release(stored);
    actor->served++;
    if (actor->temper == ACTOR_SHRINKS && actor->served == 21)
        say_status(actor);
}

static void keep(struct actor *actor, struct span bytes) {
    enum block_verdict verdict;
    blob_release(actor->got);
    actor->got = blob_new(bytes);
    struct block *block = block_decode(actor->got, &verdict);
    actor->got_height = block == NULL ? -2 : block->header.height;
    block_release(block);
}

static void hear_blocksync(struct actor *actor, struct span bytes) {
    struct wire_blocksync message;
    if (wire_blocksync_decode(&message, bytes) != NULL)
        return;
    switch (message.kind) {
    case WIRE_STATUS_REQUEST: say_status(actor); break;
    case WIRE_BLOCK_REQUEST: serve(actor, message.height); break;
    case WIRE_NO_BLOCK: actor->got_height = -1; break;
    case WIRE_BLOCK_RESPONSE: keep(actor, message.block); break;
    case WIRE_STATUS_RESPONSE:
        actor->told_height = message.height;
        actor->told_base = message.base;
        break;
    }
}

static void hear(struct outsider *line, uint8_t channel, struct span bytes) {
    struct actor *actor = line->context;
    struct wire_consensus message;
    struct arena arena;
    if (channel == WIRE_BLOCKSYNC)
        hear_blocksync(actor, bytes);
    if (channel != WIRE_STATE)
        return;
    arena_init(&arena, 1 << 20);
    if (wire_consensus_decode(&message, bytes, WIRE_STATE, 1, &arena) == NULL && message.kind == WIRE_NEW_ROUND_STEP) {
        actor->step_height = message.height;
        actor->step_round = message.round;
    }
    arena_close(&arena);
}

/* ---- life */

bool actor_open(struct actor *actor, struct chain *chain, uint32_t seed, uint16_t port, enum actor_temper temper, int64_t ms) {
    static const uint8_t channels[] = {0x20, 0x21, 0x22, 0x30, 0x40, 0x00};
    *actor = (struct actor){.chain = chain, .temper = temper, .told_height = -1, .line = {.fd = -1}};
    int fd = outsider_connect(port, 1);
    if (fd < 0)
        return false;
    outsider_open(&actor->line, fd, seed, CHAIN_ID, OUTSIDER_UP);
    memcpy(actor->line.info.channels, channels, sizeof channels);
    actor->line.info.channel_count = sizeof channels;
    actor->line.hear = hear;
    actor->line.context = actor;
    for (int64_t end = outsider_clock() + ms; outsider_clock() < end && actor_is_heard(actor) && actor->line.stage != OUTSIDER_UP;)
        outsider_turn(NULL);
    if (actor->line.stage != OUTSIDER_UP || !actor_is_heard(actor))
        return false;
    say_status(actor); /* unasked, as everybody does */
    return true;
}

void actor_close(struct actor *actor) {
    outsider_close(&actor->line);
    blob_release(actor->got);
    actor->got = NULL;
}

bool actor_is_heard(const struct actor *actor) { return actor->line.key != NULL && !outsider_is_cut_off(&actor->line); }

/* ---- what it says */

void actor_ask_status(struct actor *actor) { outsider_say(&actor->line, WIRE_BLOCKSYNC, "\x22\x00", 2); }

void actor_ask_block(struct actor *actor, int64_t height) {
    uint8_t bytes[16] = {0x0a, 0, 0x08};
    size_t size = 3;
    uint64_t left = (uint64_t)height;
    for (; left >= 0x80; left >>= 7)
        bytes[size++] = (uint8_t)(left | 0x80);
    bytes[size++] = (uint8_t)left;
    bytes[1] = (uint8_t)(size - 2);
    actor->got_height = 0;
    outsider_say(&actor->line, WIRE_BLOCKSYNC, bytes, size);
}

static void say(struct actor *actor, uint8_t channel, const struct wire_consensus *message) {
    static uint8_t bytes[WIRE_CONSENSUS_BYTES_MAX];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_consensus_write(&writer, message);
    assert(!writer.overflow);
    outsider_say(&actor->line, channel, bytes, writer.size);
}

void actor_say_step(struct actor *actor, int64_t height, int32_t round, uint8_t step) {
    say(actor, WIRE_STATE, &(struct wire_consensus){.kind = WIRE_NEW_ROUND_STEP, .height = height, .round = round, .step = step,
                                                    .last_commit_round = height > 1 ? 0 : -1});
}

static void say_parts(struct actor *actor, struct block *block, int64_t height, int32_t round) {
    static struct wire_consensus message;
    struct part_set *parts = block_parts(block);
    message = (struct wire_consensus){.kind = WIRE_BLOCK_PART, .height = height, .round = round};
    for (uint32_t i = 0; part_set_get(parts, &message.part, i); i++)
        say(actor, WIRE_DATA, &message);
}

static void say_votes(struct actor *actor, const struct commit *commit, int32_t type) {
    for (uint32_t i = 0; i < commit->count; i++) {
        struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
        uint8_t bytes[VOTE_SIGN_BYTES_MAX];
        struct vote *vote = &message.vote;
        vote_init(vote);
        vote->type = type;
        vote->height = commit->height;
        vote->round = commit->round;
        vote->block_id = commit->block_id;
        vote->timestamp = commit->sigs[i].timestamp;
        vote->validator_address = commit->sigs[i].validator_address;
        vote->validator_index = (int32_t)i;
        vote->signature = commit->sigs[i].signature;
        if (type == VOTE_PREVOTE)
            ed25519_sign(chain_key(actor->chain, &vote->validator_address), vote->signature.bytes,
                         span_of(bytes, vote_sign_bytes(bytes, vote, span_text(CHAIN_ID))));
        say(actor, WIRE_VOTE, &message);
    }
}

void actor_say_decided(struct actor *actor, int64_t height) {
    struct arena arena;
    struct commit commit;
    bool canonical;
    arena_init(&arena, 1 << 24);
    struct block *block = ledger_block(&actor->chain->ledger, height);
    bool good = block != NULL && ledger_commit(&actor->chain->ledger, &commit, &canonical, height, &arena);
    assert(good);
    say_votes(actor, &commit, VOTE_PRECOMMIT);
    say_parts(actor, block, height, commit.round);
    block_release(block);
    arena_close(&arena);
}

void actor_say_proposal(struct actor *actor, struct block *block, int32_t round) {
    struct wire_consensus message = {.kind = WIRE_PROPOSAL};
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    struct proposal *proposal = &message.proposal;
    proposal_init(proposal);
    proposal->height = block->header.height;
    proposal->round = round;
    proposal->type = VOTE_PROPOSAL;
    proposal->pol_round = -1;
    block_id_of(block, &proposal->block_id);
    proposal->timestamp = block->header.time;
    proposal->signature.size = 64;
    ed25519_sign(chain_key(actor->chain, &block->header.proposer_address), proposal->signature.bytes,
                 span_of(bytes, proposal_sign_bytes(bytes, proposal, span_text(CHAIN_ID))));
    say(actor, WIRE_DATA, &message);
    say_parts(actor, block, block->header.height, round);
}

void actor_say_vote(struct actor *actor, int32_t type, int64_t height, int32_t round, uint32_t index, const struct block_id *id) {
    struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    struct vote *vote = &message.vote;
    vote_init(vote);
    vote->type = type;
    vote->height = height;
    vote->round = round;
    vote->block_id = *id;
    vote->timestamp = timestamp_add_ns(&actor->chain->ledger.state.block_time, 1000000000);
    vote->validator_address = actor->chain->ledger.state.validators.validators[index].address;
    vote->validator_index = (int32_t)index;
    vote->signature.size = 64;
    ed25519_sign(chain_key(actor->chain, &vote->validator_address), vote->signature.bytes, span_of(bytes, vote_sign_bytes(bytes, vote, span_text(CHAIN_ID))));
    say(actor, WIRE_VOTE, &message);
}

void actor_say_round(struct actor *actor, struct block *block, const struct commit *commit) {
    actor_say_proposal(actor, block, commit->round);
    say_votes(actor, commit, VOTE_PREVOTE);
    say_votes(actor, commit, VOTE_PRECOMMIT);
}

/* ---- where its chain begins */

bool actor_write_genesis(const struct chain *chain, const char *home) {
    char path[512], key[TEXT_BASE64_SIZE(32)], address[41];
    snprintf(path, sizeof path, "%s/config/genesis.json", home);
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return false;
    fprintf(out, "{\"genesis_time\":\"2023-11-14T22:13:20.123456789Z\",\"chain_id\":\"" CHAIN_ID "\",\"initial_height\":\"1\",\"app_hash\":\"\",\"validators\":[");
    for (int i = 0; i < 4; i++) {
        text_base64(key, span_of(chain->pub_keys[i].bytes, 32));
        text_hex_upper(address, span_of(chain->addresses[i].bytes, 20));
        fprintf(out, "%s{\"address\":\"%s\",\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"%s\"},\"power\":\"10\",\"name\":\"\"}", i > 0 ? "," : "",
                address, key);
    }
    fprintf(out, "]}\n");
    return fclose(out) == 0;
}
