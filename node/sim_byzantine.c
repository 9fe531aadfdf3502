#define _GNU_SOURCE /* memmem */
#include "node/sim_byzantine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/app_extender.h"
#include "node/replica_inside.h"
#include "node/sim_plan.h"

#define MEMORY     256 /* messages that a replayer remembers */
#define PARENT_MAX (1u << 22)

struct remembered {
    uint8_t channel;
    struct blob *message;
};

struct sim_liar {
    struct sim *sim;
    uint32_t node, nodes;
    enum sim_liar_kind kind;
    struct sim_chance chance;
    struct block *other;   /* the second story about `other_height`, `other_round` */
    int64_t other_height;
    int32_t other_round;
    struct block_id seen[4]; /* ids of blocks that were talked about */
    uint32_t seen_count;
    uint32_t memory_count;
    struct remembered memory[MEMORY];
};

const char *sim_liar_kind_text(enum sim_liar_kind kind) {
    static const char *const texts[SIM_LIAR_KINDS] = {"tells of two proposals",  "votes twice", "forgets its locks", "lies about majorities", "withholds parts",
                                                      "proposes invalid blocks", "floods",      "is mute",           "replays old messages",  "mutates bytes",
                                                      "extends wrongly"};
    return texts[kind];
}

static int64_t dice(struct sim_liar *liar, int64_t sides) { return sim_chance_below(&liar->chance, sides); }

/* ---- saying things */

static void say(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    wire_consensus_write(&writer, message);
    struct blob *blob = blob_reserve(writer.size);
    proto_writer_init(&writer, blob->data, blob->size);
    wire_consensus_write(&writer, message);
    sim_inject(liar->sim, liar->node, to, wire_consensus_channel(message->kind), blob_span(blob));
    blob_release(blob);
}

static void sign_extension(struct sim_liar *liar, struct vote *vote) {
    uint8_t bytes[APP_EXTENDER_BYTES_MAX + 128];
    size_t size = vote_extension_sign_bytes(bytes, sizeof bytes, vote->extension, vote->height, vote->round, span_text("sim"));
    vote->extension_signature.size = 64;
    ed25519_sign(sim_key(liar->sim, liar->node), vote->extension_signature.bytes, span_of(bytes, size));
}

static bool has_extension(const struct sim_liar *liar, const struct vote *vote) {
    return vote->type == VOTE_PRECOMMIT && !block_id_is_nil(&vote->block_id) && ledger_extends(sim_ledger(liar->sim, liar->node), vote->height);
}

static void say_vote(struct sim_liar *liar, uint32_t to, struct vote *vote) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX], extension[APP_EXTENDER_BYTES_MAX];
    vote->extension = span_of(NULL, 0);
    vote->extension_signature.size = 0;
    if (has_extension(liar, vote)) {
        vote->extension = span_of(extension, app_extender_text(extension, vote->height, &vote->block_id.hash));
        sign_extension(liar, vote);
    }
    size_t size = vote_sign_bytes(bytes, vote, span_text("sim"));
    vote->signature.size = 64;
    ed25519_sign(sim_key(liar->sim, liar->node), vote->signature.bytes, span_of(bytes, size));
    say(liar, to, &(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = *vote});
}

static void say_proposal(struct sim_liar *liar, uint32_t to, struct proposal *proposal) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = proposal_sign_bytes(bytes, proposal, span_text("sim"));
    proposal->signature.size = 64;
    ed25519_sign(sim_key(liar->sim, liar->node), proposal->signature.bytes, span_of(bytes, size));
    say(liar, to, &(struct wire_consensus){.kind = WIRE_PROPOSAL, .proposal = *proposal});
}

static void say_block(struct sim_liar *liar, uint32_t to, struct block *block, int32_t round) {
    struct part_set *parts = block_parts(block);
    struct wire_consensus message = {.kind = WIRE_BLOCK_PART, .height = block->header.height, .round = round};
    for (uint32_t i = 0; i < part_set_header(parts)->total; i++)
        if (part_set_get(parts, &message.part, i))
            say(liar, to, &message);
}

static void pass_on(struct sim_liar *liar, uint32_t to, uint8_t channel, struct span message) {
    sim_inject(liar->sim, liar->node, to, channel, message);
}

/* ---- what it knows */

static const struct replica *replica_of(const struct sim_liar *liar) { return sim_replica(liar->sim, liar->node); }
static const struct engine *engine_of(const struct sim_liar *liar) { return replica_engine(replica_of(liar)); }

static bool is_own_vote(const struct sim_liar *liar, const struct vote *vote) {
    return address_equal(&vote->validator_address, sim_address(liar->sim, liar->node));
}

static void note_id(struct sim_liar *liar, const struct block_id *id) {
    for (uint32_t i = 0; i < liar->seen_count && i < 4; i++)
        if (block_id_equal(&liar->seen[i], id))
            return;
    if (!block_id_is_nil(id))
        liar->seen[liar->seen_count++ % 4] = *id;
}

/* Half of the others, another half each height. */
static bool is_of_other_half(const struct sim_liar *liar, uint32_t to, int64_t height) {
    struct sim_chance chance = {liar->node * 7919u + (uint64_t)height};
    return (to + sim_chance_roll(&chance) % 2) % 2 == 0;
}

/* ---- a second block */

static struct block *own_block(const struct sim_liar *liar) {
    struct replica *replica = (struct replica *)replica_of(liar); /* candidates_find only looks */
    struct candidate *candidate = candidates_find(&replica->candidates, &engine_of(liar)->proposal.block_id);
    return candidate == NULL ? NULL : candidate->block;
}

static void spoil_header(struct sim_liar *liar, struct header *header) {
    switch (dice(liar, 8)) {
    case 0: header->app_hash.bytes[0] ^= 1; break;
    case 1: header->validators_hash.bytes[0] ^= 1; break;
    case 2: header->next_validators_hash.bytes[0] ^= 1; break;
    case 3: header->last_results_hash.bytes[0] ^= 1; break;
    case 4: header->consensus_hash.bytes[0] ^= 1; break;
    case 5: header->time.seconds += 3600; break;
    case 6: header->last_block_id.hash.bytes[0] ^= 1; break;
    default: header->proposer_address.bytes[0] ^= 1; break;
    }
}

/* The own block with another transaction in it, or with a header that is wrong. */
static struct block *vary(struct sim_liar *liar, const struct block *block, bool spoils) {
    char text[64];
    snprintf(text, sizeof text, "liar%u-%" PRId64 "-%d=%d", liar->node, block->header.height, engine_of(liar)->round, (int)dice(liar, 1000));
    struct span *txs = calloc(block->tx_count + 1, sizeof *txs);
    assert(txs != NULL);
    for (uint32_t i = 0; i < block->tx_count; i++)
        txs[i] = block->txs[i];
    txs[block->tx_count] = span_text(text);
    struct block_plan plan = {.header = block->header,
                              .txs = txs,
                              .tx_count = block->tx_count + !spoils,
                              .evidence = block->evidence,
                              .evidence_count = block->evidence_count,
                              .last_commit = &block->last_commit};
    if (spoils)
        spoil_header(liar, &plan.header);
    struct block *varied = block_build(&plan);
    free(txs);
    return varied;
}

/* NULL: it is not its turn, or it has no block. */
static struct block *second_block(struct sim_liar *liar, const struct proposal *proposal) {
    if (liar->other != NULL && liar->other_height == proposal->height && liar->other_round == proposal->round)
        return liar->other;
    struct block *block = own_block(liar);
    if (block == NULL)
        return NULL;
    block_release(liar->other);
    liar->other = vary(liar, block, liar->kind == SIM_LIAR_BAD_BLOCKS);
    liar->other_height = proposal->height;
    liar->other_round = proposal->round;
    return liar->other;
}

static bool tells_second(const struct sim_liar *liar, uint32_t to, int64_t height) {
    return liar->kind == SIM_LIAR_BAD_BLOCKS || is_of_other_half(liar, to, height);
}

static bool is_own_proposal(const struct sim_liar *liar, const struct proposal *proposal) {
    const struct engine *engine = engine_of(liar);
    int32_t own = valset_find(engine->begin.validators, sim_address(liar->sim, liar->node));
    return proposal->height == engine->height && proposal->round == engine->round && own >= 0 && engine_proposer(engine, engine->round) == own;
}

static bool propose_second(struct sim_liar *liar, uint32_t to, const struct proposal *proposal) {
    if (!is_own_proposal(liar, proposal) || !tells_second(liar, to, proposal->height))
        return false;
    struct block *block = second_block(liar, proposal);
    if (block == NULL)
        return false;
    struct proposal second = *proposal;
    block_id_of(block, &second.block_id);
    sim_tally(liar->sim, liar->kind == SIM_LIAR_BAD_BLOCKS ? SIM_COUNT_BAD_BLOCKS : SIM_COUNT_SECOND_PROPOSALS, 1);
    say_proposal(liar, to, &second);
    say_block(liar, to, block, proposal->round);
    return true;
}

/* Whoever was told of the second block hears votes for it. */
static bool vote_second(struct sim_liar *liar, uint32_t to, const struct vote *vote) {
    if (liar->kind == SIM_LIAR_BAD_BLOCKS || liar->other == NULL || !is_own_vote(liar, vote) || vote->height != liar->other_height ||
        vote->round != liar->other_round || !is_of_other_half(liar, to, vote->height))
        return false;
    struct vote second = *vote;
    block_id_of(liar->other, &second.block_id);
    say_vote(liar, to, &second);
    return true;
}

static bool is_part_of_other(const struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    return liar->other != NULL && message->height == liar->other_height && message->round == liar->other_round &&
           tells_second(liar, to, message->height);
}

static bool tell_two(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    switch (message->kind) {
    case WIRE_PROPOSAL: return propose_second(liar, to, &message->proposal);
    case WIRE_BLOCK_PART: return is_part_of_other(liar, to, message);
    case WIRE_VOTE_MESSAGE: return vote_second(liar, to, &message->vote);
    default: return false;
    }
}

/* ---- votes */

static bool vote_twice(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    if (message->kind != WIRE_VOTE_MESSAGE || !is_own_vote(liar, &message->vote))
        return false;
    note_id(liar, &message->vote.block_id);
    if (!is_of_other_half(liar, to, message->vote.height))
        return false;
    struct vote second = message->vote;
    uint32_t known = liar->seen_count < 4 ? liar->seen_count : 4;
    memset(&second.block_id, 0, sizeof second.block_id);
    if (block_id_is_nil(&message->vote.block_id) && known > 0)
        second.block_id = liar->seen[dice(liar, known)];
    else if (dice(liar, 3) == 0 && known > 0)
        second.block_id = liar->seen[dice(liar, known)];
    sim_tally(liar->sim, SIM_COUNT_SECOND_VOTES, !block_id_equal(&second.block_id, &message->vote.block_id));
    say_vote(liar, to, &second);
    return true;
}

static bool forget_lock(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    const struct engine *engine = engine_of(liar);
    if (message->kind != WIRE_VOTE_MESSAGE || !is_own_vote(liar, &message->vote) || message->vote.height != engine->height ||
        message->vote.round != engine->round || !engine->has_proposal)
        return false;
    struct vote vote = message->vote;
    vote.block_id = engine->proposal.block_id;
    sim_tally(liar->sim, SIM_COUNT_LOCKS_FORGOTTEN, !block_id_equal(&message->vote.block_id, &vote.block_id));
    say_vote(liar, to, &vote);
    return true;
}

/* A good vote, but for what it carries. Those whom it tells the truth pass the vote on. */
static bool extend_wrongly(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    if (message->kind != WIRE_VOTE_MESSAGE || !is_own_vote(liar, &message->vote))
        return false;
    struct vote vote = message->vote;
    bool belongs = has_extension(liar, &vote);
    switch (dice(liar, 8)) {
    case 0: vote.extension = span_text("a wrong one"); break; /* signed as it was */
    case 1:
        vote.extension = span_text("a wrong one");
        sign_extension(liar, &vote);
        break;
    case 2:
        vote.extension = span_of(NULL, 0);
        vote.extension_signature.size = 0;
        break;
    case 3:
        vote.round++; /* signs for another round */
        sign_extension(liar, &vote);
        vote.round--;
        break;
    case 4:
        if (!belongs) /* where none belongs */
            sign_extension(liar, &vote);
        vote.extension_signature.bytes[7] ^= belongs;
        break;
    default: return false;
    }
    sim_tally(liar->sim, SIM_COUNT_WRONG_EXTENSIONS, 1);
    say(liar, to, &(struct wire_consensus){.kind = WIRE_VOTE_MESSAGE, .vote = vote});
    return true;
}

/* ---- claims */

static struct block_id some_id(struct sim_liar *liar) {
    uint32_t known = liar->seen_count < 4 ? liar->seen_count : 4;
    struct block_id id = {0};
    if (known > 0 && dice(liar, 2) == 0)
        return liar->seen[dice(liar, known)];
    if (dice(liar, 4) == 0)
        return id;
    id.hash.size = id.parts.hash.size = 32;
    id.parts.total = 1 + (uint32_t)dice(liar, 3);
    id.hash.bytes[0] = id.parts.hash.bytes[0] = (uint8_t)dice(liar, 256);
    return id;
}

static void claim(struct sim_liar *liar, uint32_t to) {
    const struct engine *engine = engine_of(liar);
    uint64_t words[4] = {sim_chance_roll(&liar->chance)};
    int64_t validators = engine->begin.validators->count;
    struct wire_consensus message = {.height = engine->height + dice(liar, 3) - 1,
                                     .round = (int32_t)(engine->round + dice(liar, 4) - 1),
                                     .type = dice(liar, 2) == 0 ? VOTE_PREVOTE : VOTE_PRECOMMIT,
                                     .index = (int32_t)dice(liar, validators),
                                     .step = (uint32_t)(1 + dice(liar, 8)),
                                     .last_commit_round = 0,
                                     .block_id = some_id(liar)};
    static const enum wire_consensus_kind kinds[] = {WIRE_VOTE_SET_MAJ23, WIRE_VOTE_SET_MAJ23, WIRE_HAS_VOTE, WIRE_VOTE_SET_BITS_MESSAGE,
                                                     WIRE_NEW_VALID_BLOCK, WIRE_NEW_ROUND_STEP};
    message.kind = kinds[dice(liar, 6)];
    message.parts = message.block_id.parts;
    message.is_commit = dice(liar, 2) == 0;
    bool of_parts = message.kind == WIRE_NEW_VALID_BLOCK;
    uint32_t bits = of_parts ? message.parts.total : (uint32_t)(validators < 64 ? validators : 64);
    message.bits = (struct wire_bits){bits, words};
    words[0] &= bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    if (message.round < 0)
        message.round = 0;
    if (wire_consensus_check(&message, replica_of(liar)->ledger->state.initial_height) != NULL)
        return;
    sim_tally(liar->sim, SIM_COUNT_FALSE_CLAIMS, 1);
    say(liar, to, &message);
}

/* Of heights that it does not have, and blocks that are none. */
static void claim_blocks(struct sim_liar *liar, uint32_t to) {
    uint8_t bytes[256];
    struct proto_writer writer;
    int64_t height = sim_ledger(liar->sim, liar->node)->state.height;
    static const uint8_t noise[] = {0x0a, 0x02, 0x08, 0x01};
    struct wire_blocksync message = {.kind = dice(liar, 4) == 0 ? WIRE_BLOCK_RESPONSE : dice(liar, 4) == 0 ? WIRE_NO_BLOCK : WIRE_STATUS_RESPONSE,
                                     .height = dice(liar, 2) == 0 ? (int64_t)(sim_chance_roll(&liar->chance) >> 1) : height + dice(liar, 40) - 10,
                                     .base = dice(liar, 2) == 0 ? 1 : height + dice(liar, 20) - 10,
                                     .block = span_of(noise, sizeof noise),
                                     .has_block = true};
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_blocksync_write(&writer, &message);
    if (!writer.overflow)
        pass_on(liar, to, WIRE_BLOCKSYNC, proto_writer_span(&writer));
}

static bool lie_about_majorities(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    if (message->kind == WIRE_VOTE_MESSAGE)
        note_id(liar, &message->vote.block_id);
    if (dice(liar, 6) == 0)
        claim(liar, to);
    if (dice(liar, 30) == 0)
        claim_blocks(liar, to);
    return message->kind == WIRE_VOTE_SET_MAJ23;
}

/* ---- floods and old stories */

static void flood_txs(struct sim_liar *liar, uint32_t to) {
    enum { COUNT = 20, SIZE = 32 };
    char texts[COUNT][SIZE];
    struct span txs[COUNT];
    uint8_t bytes[COUNT * (SIZE + 4)];
    struct proto_writer writer;
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], SIZE, "flood%d=%d", (int)dice(liar, 1000000), i);
        txs[i] = span_text(texts[i]);
    }
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_txs_write(&writer, txs, COUNT);
    if (!writer.overflow)
        pass_on(liar, to, WIRE_MEMPOOL, proto_writer_span(&writer));
}

static void flood(struct sim_liar *liar, uint32_t to, uint8_t channel, struct span message) {
    const struct engine *engine = engine_of(liar);
    if (dice(liar, 8) != 0)
        return;
    sim_tally(liar->sim, SIM_COUNT_FLOOD, 10);
    for (int64_t i = 0; i < 6; i++)
        pass_on(liar, to, channel, message);
    if (dice(liar, 4) == 0)
        flood_txs(liar, to);
    int32_t own = valset_find(engine->begin.validators, sim_address(liar->sim, liar->node));
    if (own < 0)
        return;
    for (int64_t i = 0; i < 4; i++) {
        struct vote vote;
        vote_init(&vote);
        vote.type = i % 2 == 0 ? VOTE_PREVOTE : VOTE_PRECOMMIT;
        vote.height = engine->height;
        vote.round = (int32_t)(engine->round + dice(liar, 50));
        vote.block_id = some_id(liar);
        vote.timestamp = (struct timestamp){1700000000, 0};
        vote.validator_address = *sim_address(liar->sim, liar->node);
        vote.validator_index = own;
        say_vote(liar, to, &vote);
    }
}

static void remember(struct sim_liar *liar, uint8_t channel, struct span message) {
    struct remembered *place = &liar->memory[liar->memory_count++ % MEMORY];
    blob_release(place->message);
    *place = (struct remembered){channel, blob_new(message)};
}

static void replay(struct sim_liar *liar) {
    uint32_t known = liar->memory_count < MEMORY ? liar->memory_count : MEMORY;
    uint32_t to = (uint32_t)dice(liar, liar->nodes);
    const struct remembered *old = &liar->memory[dice(liar, known)];
    sim_tally(liar->sim, SIM_COUNT_REPLAYS, to != liar->node);
    if (to != liar->node)
        pass_on(liar, to, old->channel, blob_span(old->message));
}

/* kvstore lets anybody name validators: a name with a changed byte would be a validator who never comes. */
static bool names_validators(uint8_t channel, struct span message) {
    return channel == WIRE_MEMPOOL && message.size > 0 && memmem(message.data, message.size, "val=", 4) != NULL;
}

static void mutate(struct sim_liar *liar, uint32_t to, uint8_t channel, struct span message) {
    struct blob *copy = blob_new(message);
    for (int64_t i = dice(liar, 3); copy->size > 0 && i >= 0; i--)
        copy->data[dice(liar, (int64_t)copy->size)] = (uint8_t)dice(liar, 256);
    size_t size = dice(liar, 8) == 0 ? (size_t)dice(liar, (int64_t)copy->size + 1) : copy->size;
    sim_tally(liar->sim, SIM_COUNT_MUTATIONS, 1);
    pass_on(liar, to, channel, span_of(copy->data, size));
    blob_release(copy);
}

/* ---- the mouth */

static bool withhold(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    bool withheld = message->kind == WIRE_BLOCK_PART && (message->part.index > 0 || is_of_other_half(liar, to, message->height));
    sim_tally(liar->sim, SIM_COUNT_PARTS_WITHHELD, withheld);
    return withheld;
}

/* true: something else was said instead. */
static bool speak_of_consensus(struct sim_liar *liar, uint32_t to, const struct wire_consensus *message) {
    switch (liar->kind) {
    case SIM_LIAR_TWO_PROPOSALS:
    case SIM_LIAR_BAD_BLOCKS: return tell_two(liar, to, message);
    case SIM_LIAR_TWO_VOTES: return vote_twice(liar, to, message);
    case SIM_LIAR_AMNESIAC: return forget_lock(liar, to, message);
    case SIM_LIAR_EXTENDER: return extend_wrongly(liar, to, message);
    case SIM_LIAR_MAJORITIES: return lie_about_majorities(liar, to, message);
    case SIM_LIAR_WITHHOLDER: return withhold(liar, to, message);
    default: return false;
    }
}

static bool speak_instead(struct sim_liar *liar, uint32_t to, uint8_t channel, struct span bytes) {
    if (channel < WIRE_STATE || channel > WIRE_VOTE_SET_BITS || (liar->kind >= SIM_LIAR_FLOODER && liar->kind != SIM_LIAR_EXTENDER))
        return false;
    struct wire_consensus message;
    struct arena arena;
    arena_init(&arena, PARENT_MAX);
    bool instead = wire_consensus_parse(&message, bytes, &arena) == NULL && speak_of_consensus(liar, to, &message);
    arena_close(&arena);
    return instead;
}

static void speak(void *context, uint32_t to, uint8_t channel, struct span bytes) {
    struct sim_liar *liar = context;
    sim_tally(liar->sim, SIM_COUNT_SILENCE, liar->kind == SIM_LIAR_MUTE);
    if (liar->kind == SIM_LIAR_MUTE || speak_instead(liar, to, channel, bytes))
        return;
    if (liar->kind == SIM_LIAR_MUTATOR && dice(liar, 8) == 0 && !names_validators(channel, bytes)) {
        mutate(liar, to, channel, bytes);
        return;
    }
    pass_on(liar, to, channel, bytes);
    if (liar->kind == SIM_LIAR_FLOODER && channel <= WIRE_EVIDENCE)
        flood(liar, to, channel, bytes);
    if (liar->kind != SIM_LIAR_REPLAYER)
        return;
    if (dice(liar, 5) == 0)
        remember(liar, channel, bytes);
    if (liar->memory_count > 0 && dice(liar, 10) == 0)
        replay(liar);
}

struct sim_liar *sim_liar_new(struct sim *sim, uint32_t node, enum sim_liar_kind kind, uint64_t seed) {
    struct sim_liar *liar = calloc(1, sizeof *liar);
    assert(liar != NULL);
    liar->sim = sim;
    liar->node = node;
    liar->nodes = sim_node_count(sim);
    liar->kind = kind;
    liar->chance.state = seed;
    sim_set_faulty(sim, node);
    sim_set_speaker(sim, node, speak, liar);
    return liar;
}

void sim_liar_end(struct sim_liar *liar) { sim_set_speaker(liar->sim, liar->node, NULL, NULL); }

void sim_liar_free(struct sim_liar *liar) {
    if (liar == NULL)
        return;
    for (uint32_t i = 0; i < MEMORY; i++)
        blob_release(liar->memory[i].message);
    block_release(liar->other);
    free(liar);
}
