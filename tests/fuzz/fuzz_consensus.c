/* Consensus messages of each channel: what parses encodes to bytes that parse to the same, and keeps its verdict. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "node/wire.h"

static const uint8_t channels[] = {WIRE_STATE, WIRE_DATA, WIRE_VOTE, WIRE_VOTE_SET_BITS};
static const int64_t initial_heights[] = {1, 2, 1000, INT64_MAX};

static void sign_bytes(const struct wire_consensus *message) {
    uint8_t out[VOTE_SIGN_BYTES_MAX];
    struct span chain_id = span_text("a-chain-id-of-fifty-bytes-which-is-the-longest-one");
    if (message->kind == WIRE_VOTE_MESSAGE) {
        assert(vote_sign_bytes(out, &message->vote, chain_id) <= sizeof out);
        size_t capacity = message->vote.extension.size + 128;
        assert(vote_extension_sign_bytes(fuzz_room(capacity), capacity, message->vote.extension, message->vote.height, message->vote.round,
                                         chain_id) != 0);
    } else if (message->kind == WIRE_PROPOSAL) {
        assert(proposal_sign_bytes(out, &message->proposal, chain_id) <= sizeof out);
    }
}

static void trip(struct span bytes, uint8_t channel, int64_t initial_height) {
    struct wire_consensus message, again, decoded;
    struct arena *arena = fuzz_arena();
    const char *parsed = wire_consensus_parse(&message, bytes, arena);
    const char *why = wire_consensus_decode(&decoded, bytes, channel, initial_height, arena);
    if (parsed != NULL) {
        assert(why != NULL);
        return;
    }
    bool good = wire_consensus_check(&message, initial_height) == NULL && wire_consensus_channel(message.kind) == channel;
    assert(good == (why == NULL));
    FUZZ_WRITE(first, wire_consensus_write(&first, &message));
    assert(wire_consensus_parse(&again, proto_writer_span(&first), arena) == NULL);
    FUZZ_WRITE(second, wire_consensus_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    if (!good)
        return;
    assert(wire_consensus_decode(&decoded, proto_writer_span(&first), channel, initial_height, arena) == NULL);
    sign_bytes(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    trip(fuzz_rest(&fuzz), channels[choice & 3], initial_heights[choice >> 2 & 3]);
    fuzz_end();
    return 0;
}
