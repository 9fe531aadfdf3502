/* Whole replicas in virtual time: one of four validators turns against another with its key, by a script of messages, raw or made to fit the
 * moment and signed. It may cost it the connection. The others must go on, agree, and never sign twice. */
#define FUZZ_BYTES_MAX 1024
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#include "node/sim.h"
#include "node/wire.h"

enum { VICTIM = 0, TRAITOR = 3 };

static const uint8_t channels[] = {WIRE_STATE, WIRE_DATA, WIRE_VOTE, WIRE_VOTE_SET_BITS, WIRE_MEMPOOL, WIRE_EVIDENCE, WIRE_BLOCKSYNC, WIRE_PEX, 0x77};

static void sign_vote(struct sim *sim, struct vote *vote) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX], key[32];
    const struct engine *engine = replica_engine(sim_replica(sim, VICTIM));
    ed25519_key_public(sim_key(sim, TRAITOR), key);
    struct pubkey pub = pubkey_ed25519(key);
    vote->validator_address = pubkey_address(&pub);
    vote->validator_index = valset_find(engine->begin.validators, &vote->validator_address);
    size_t size = vote_sign_bytes(bytes, vote, span_text("sim"));
    vote->signature.size = 64;
    ed25519_sign(sim_key(sim, TRAITOR), vote->signature.bytes, span_of(bytes, size));
}

static void sign_proposal(struct sim *sim, struct proposal *proposal) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = proposal_sign_bytes(bytes, proposal, span_text("sim"));
    proposal->signature.size = 64;
    ed25519_sign(sim_key(sim, TRAITOR), proposal->signature.bytes, span_of(bytes, size));
}

/* Height and round as far from the victim's as the input says, the block the one that it wants, the signature good. */
static void fit(struct sim *sim, struct wire_consensus *message, uint8_t how) {
    const struct engine *engine = replica_engine(sim_replica(sim, VICTIM));
    int64_t height = engine->height + (int64_t)(how & 3) - 1;
    int32_t round = engine->round + (how >> 2 & 3);
    if (how & 64)
        message->vote.block_id = message->proposal.block_id = message->block_id = engine->wanted;
    if (how & 16) {
        message->height = message->vote.height = message->proposal.height = height;
        message->round = message->vote.round = message->proposal.round = round;
        message->part.proof.index = message->part.index;
    }
    if (how & 32 && message->kind == WIRE_VOTE_MESSAGE)
        sign_vote(sim, &message->vote);
    if (how & 32 && message->kind == WIRE_PROPOSAL)
        sign_proposal(sim, &message->proposal);
    if (how & 128) /* and then it is not good */
        message->vote.signature.bytes[5] ^= 1, message->proposal.signature.bytes[5] ^= 1;
}

static void send_fitting(struct sim *sim, struct fuzz *fuzz) {
    static struct wire_consensus message;
    uint8_t how = fuzz_byte(fuzz);
    if (wire_consensus_parse(&message, fuzz_piece(fuzz), fuzz_arena()) != NULL)
        return;
    fit(sim, &message, how);
    FUZZ_WRITE(bytes, wire_consensus_write(&bytes, &message));
    sim_inject(sim, TRAITOR, VICTIM, wire_consensus_channel(message.kind), proto_writer_span(&bytes));
}

/* A block as a node that is behind has asked for, or perhaps not, whole or with one byte altered, and the next one's commit not with it. */
static void send_block(struct sim *sim, struct fuzz *fuzz) {
    uint8_t how = fuzz_byte(fuzz);
    uint16_t flip = (uint16_t)fuzz_number(fuzz, 2);
    struct blob *block = ledger_block_bytes(sim_ledger(sim, TRAITOR), sim_ledger(sim, VICTIM)->state.height + (how & 3));
    struct wire_blocksync message = {.kind = WIRE_BLOCK_RESPONSE, .has_block = true};
    if (block == NULL)
        return;
    struct span bytes = fuzz_copy(blob_span(block));
    if (how & 4)
        ((uint8_t *)(uintptr_t)bytes.data)[flip % bytes.size] ^= (uint8_t)(1 << (how >> 3 & 7));
    message.block = bytes;
    FUZZ_WRITE(written, wire_blocksync_write(&written, &message));
    sim_inject(sim, TRAITOR, VICTIM, WIRE_BLOCKSYNC, proto_writer_span(&written));
    blob_release(block);
}

/* The victim was away and comes back behind the others. */
static void fall_behind(struct sim *sim) {
    sim_kill(sim, VICTIM);
    bool good = sim_run_to_height(sim, 6, 60000) && sim_start(sim, VICTIM);
    assert(good);
    sim_run_for(sim, 30);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    struct sim_config config;
    sim_defaults(&config);
    config.seed = fuzz_byte(&fuzz);
    struct sim *sim = sim_new(&config);
    bool good = sim_run_to_height(sim, 1, 60000);
    assert(good);
    if (config.seed & 128)
        fall_behind(sim);
    for (int ops = 0; fuzz.at < fuzz.end && ops < 40; ops++) {
        uint8_t op = fuzz_byte(&fuzz);
        if ((op & 3) == 0)
            sim_run_for(sim, op);
        else if ((op & 3) == 1)
            sim_inject(sim, TRAITOR, VICTIM, channels[(op >> 2) % sizeof channels], fuzz_piece(&fuzz));
        else if ((op & 3) == 2 || op < 0xc0)
            send_fitting(sim, &fuzz);
        else
            send_block(sim, &fuzz);
    }
    sim_run_for(sim, 100);
    sim_kill(sim, TRAITOR);
    good = sim_run_to_height(sim, sim_ledger(sim, VICTIM)->state.height + 1, 120000);
    if (!good || sim_complaint(sim)[0] != '\0')
        fprintf(stderr, "complaint: %s; last drop: %s\n", sim_complaint(sim), sim_last_drop(sim));
    assert(good && sim_complaint(sim)[0] == '\0');
    sim_free(sim);
    fuzz_end();
    return 0;
}
