/* The small messages that others are made of, and what is read back from the store: what reads well writes to bytes that read to the same. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "ledger/kv.h"
#include "ledger/state.h"
#include "tendermint/header.h"
#include "tendermint/params.h"
#include "tendermint/vote.h"

/* One function per type: X_init, X_read, X_write over `bytes`, twice. */
#define TRIP(name, type, initialise, read, write)                              \
    static bool name(type *out, struct span bytes) {                           \
        struct proto_reader reader = proto_reader_over(bytes);                 \
        initialise;                                                            \
        read;                                                                  \
        return !reader.bad;                                                    \
    }                                                                          \
    static bool name##_trip(type *value, struct span bytes) {                  \
        static type again;                                                     \
        if (!name(value, bytes))                                               \
            return false;                                                      \
        struct proto_writer *writer;                                           \
        const type *from = value;                                              \
        FUZZ_WRITE(first, (writer = &first, write));                           \
        assert(name(&again, proto_writer_span(&first)));                       \
        from = &again;                                                         \
        FUZZ_WRITE(second, (writer = &second, write));                         \
        fuzz_same(proto_writer_span(&first), proto_writer_span(&second));      \
        return true;                                                           \
    }

TRIP(header, struct header, header_init(out), header_read(out, &reader), header_write(writer, from))
TRIP(vote, struct vote, vote_init(out), vote_read(out, &reader), vote_write(writer, from))
TRIP(proposal, struct proposal, proposal_init(out), proposal_read(out, &reader), proposal_write(writer, from))
TRIP(block_id, struct block_id, *out = (struct block_id){0}, block_id_read(out, &reader), block_id_write(writer, from))
TRIP(params, struct params, params_defaults(out, PARAMS_V038), params_read(out, &reader), params_write(writer, from))
TRIP(pubkey, struct pubkey, *out = (struct pubkey){0}, pubkey_read(out, &reader), pubkey_write(writer, from))
TRIP(validator, struct validator, *out = (struct validator){0}, validator_read(out, &reader), validator_write(writer, from))

static void headers(struct span bytes) {
    static struct header value;
    uint8_t leaf[256];
    struct digest hash;
    if (!header_trip(&value, bytes))
        return;
    header_check(&value);
    header_hash(&hash, &value);
    for (unsigned i = 0; i < 14; i++)
        assert(header_leaf(leaf, &value, i) <= sizeof leaf);
}

static void votes(struct span bytes) {
    static struct vote value;
    uint8_t out[VOTE_SIGN_BYTES_MAX];
    struct pubkey key = {.type = PUBKEY_ED25519, .size = 32};
    if (!vote_trip(&value, bytes))
        return;
    vote_check(&value);
    assert(vote_sign_bytes(out, &value, span_text("a-chain-id-of-fifty-bytes-which-is-the-longest-one")) <= sizeof out);
    vote_verify_vartime(&value, span_text("chain"), &key);
}

static void proposals(struct span bytes) {
    static struct proposal value;
    uint8_t out[VOTE_SIGN_BYTES_MAX];
    if (!proposal_trip(&value, bytes))
        return;
    proposal_check(&value);
    assert(proposal_sign_bytes(out, &value, span_text("a-chain-id-of-fifty-bytes-which-is-the-longest-one")) <= sizeof out);
}

static void block_ids(struct span bytes) {
    struct block_id value, nil = {0};
    char text[BLOCK_ID_TEXT_SIZE];
    if (!block_id_trip(&value, bytes))
        return;
    block_id_text(text, &value);
    assert(block_id_compare(&value, &value) == 0 && block_id_is_nil(&value) == block_id_equal(&value, &nil));
    assert(!(block_id_is_nil(&value) && block_id_is_complete(&value)));
}

static void parameters(struct span bytes) {
    static struct params value;
    struct digest hash;
    if (!params_trip(&value, bytes))
        return;
    params_hash(&hash, &value);
    params_check(&value, PARAMS_V038);
    params_check(&value, PARAMS_V040);
    params_block_bytes(&value);
    params_parts_allowed(&value, 7);
    params_data_bytes_max(value.block_bytes_max, value.evidence_bytes_max, 100, PARAMS_V038);
}

static void keys(struct span bytes) {
    struct pubkey value;
    struct signature signature = {.size = 64};
    if (!pubkey_trip(&value, bytes))
        return;
    pubkey_address(&value);
    pubkey_verify_vartime(&value, bytes, &signature);
}

static void validators(struct span bytes) {
    struct validator value;
    validator_trip(&value, bytes);
}

static bool read_bits(struct bit_array *out, struct span bytes) {
    bit_array_close(out);
    struct proto_reader reader = proto_reader_over(bytes);
    bit_array_read(out, &reader);
    return !reader.bad;
}

static void bits(struct span bytes) {
    static struct bit_array array, again;
    if (!read_bits(&array, bytes))
        return;
    assert(array.bits <= BIT_ARRAY_BITS_MAX);
    FUZZ_WRITE(first, bit_array_write(&first, &array));
    assert(read_bits(&again, proto_writer_span(&first)));
    FUZZ_WRITE(second, bit_array_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    char *text = fuzz_room(array.bits + 1);
    bit_array_text(text, &array);
    uint32_t count = 0;
    for (uint32_t i = 0; i < array.bits; i++) {
        assert((text[i] == 'x') == bit_array_get(&array, i));
        count += text[i] == 'x';
    }
    assert(count == bit_array_count(&array));
    bit_array_or(&again, &array);
    assert(bit_array_pick(&array, &again, 7) == -1);
}

static void finalized(struct span bytes) {
    static struct abci_finalized value, again;
    if (!abci_finalized_decode(&value, bytes, fuzz_arena()))
        return;
    FUZZ_WRITE(first, abci_finalized_write(&first, &value));
    assert(abci_finalized_decode(&again, proto_writer_span(&first), fuzz_arena()));
    FUZZ_WRITE(second, abci_finalized_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    struct digest hash;
    abci_results_hash(&hash, value.tx_results, value.tx_count);
}

static bool has_proposer(const struct valset *set) { return set->count == 0 || set->proposer >= 0; }

/* A set without a proposer, which no state of ours has, comes back with the next set's. */
static void states(struct span bytes) {
    struct state state, again;
    uint8_t *first, *second;
    state_init(&state);
    state_init(&again);
    if (state_decode(&state, bytes) && has_proposer(&state.validators) && has_proposer(&state.last_validators)) {
        size_t size = state_encode(&state, &first);
        assert(state_decode(&again, span_of(first, size)));
        size_t other = state_encode(&again, &second);
        fuzz_same(span_of(first, size), span_of(second, other));
        free(first);
        free(second);
    }
    state_close(&state);
    state_close(&again);
}

static void batches(struct span bytes) {
    struct kv_batch batch;
    struct span key, value;
    size_t cursor = 0;
    uint32_t count = 0;
    bool is_delete;
    kv_batch_init(&batch);
    bool good = kv_batch_load(&batch, bytes);
    assert(good || batch.size == 0);
    while (kv_batch_next(&batch, &cursor, &key, &value, &is_delete))
        count++;
    assert(count == batch.count && cursor == batch.size);
    kv_batch_close(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kinds[])(struct span bytes) = {headers, votes, proposals,  block_ids, parameters, keys,
                                                       validators, bits, finalized, states,    batches};
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice < sizeof kinds / sizeof kinds[0])
        kinds[choice](fuzz_rest(&fuzz));
    fuzz_end();
    return 0;
}
