/* Evidence as it comes from a peer, one list, and what is made of two votes. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "node/wire.h"
#include "rpc/shapes.h"
#include "tests/fuzz/world.h"

static void sign(struct vote *vote) {
    struct chain *chain = world_chain();
    const struct valset *set = &chain->ledger.state.validators;
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    uint32_t index = (uint32_t)vote->validator_index % set->count;
    vote->validator_address = set->validators[index].address;
    vote->signature.size = 64;
    size_t size = vote_sign_bytes(bytes, vote, span_text(CHAIN_ID));
    ed25519_sign(chain_key(chain, &vote->validator_address), vote->signature.bytes, span_of(bytes, size));
}

/* The same two votes by a validator of ours, at the time that our chain knows: far more is looked at. */
static void mended(const struct evidence *piece) {
    struct ledger *ledger = &world_chain()->ledger;
    struct vote a = piece->duplicate.vote_a, b = piece->duplicate.vote_b;
    struct ledger_meta meta;
    struct evidence made;
    b.validator_index = a.validator_index;
    sign(&a);
    sign(&b);
    if (!ledger_block_meta(ledger, &meta, a.height))
        return;
    if (evidence_from_votes(&made, &a, &b, &ledger->state.validators, &meta.header.time, fuzz_arena()) &&
        evidence_pool_verify(ledger, &made) == EVIDENCE_POOL_GOOD)
        assert(evidence_check(&made) && a.height == b.height && a.round == b.round && a.type == b.type && !block_id_equal(&a.block_id, &b.block_id));
}

static void look_at(const struct evidence *piece) {
    struct chain *chain = world_chain();
    struct digest hash;
    struct emit emit;
    evidence_hash(&hash, piece);
    assert(hash.size == 32);
    emit_init(&emit);
    shapes_evidence(&emit, piece);
    emit_close(&emit);
    if (evidence_pool_verify(&chain->ledger, piece) <= EVIDENCE_POOL_HELD)
        assert(evidence_check(piece));
    if (piece->kind != EVIDENCE_DUPLICATE_VOTE)
        return;
    if (evidence_verify_duplicate(piece, &chain->ledger.state.validators, span_text(CHAIN_ID)))
        assert(evidence_check(piece));
    mended(piece);
    struct evidence made;
    struct timestamp time = {1, 2};
    if (evidence_from_votes(&made, &piece->duplicate.vote_b, &piece->duplicate.vote_a, &chain->ledger.state.validators, &time, fuzz_arena()))
        assert(block_id_compare(&made.duplicate.vote_a.block_id, &made.duplicate.vote_b.block_id) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct evidence *items, *again;
    uint32_t count, count_again;
    struct arena *arena = fuzz_arena();
    const char *decoded = wire_evidence_decode(&items, &count, span_of(data, size), arena);
    const char *parsed = wire_evidence_parse(&items, &count, span_of(data, size), arena);
    assert(parsed == NULL || decoded != NULL);
    if (parsed == NULL) {
        struct digest hash, hash_again;
        FUZZ_WRITE(first, wire_evidence_write(&first, items, count));
        assert(wire_evidence_parse(&again, &count_again, proto_writer_span(&first), arena) == NULL && count_again == count);
        FUZZ_WRITE(second, wire_evidence_write(&second, again, count));
        fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
        evidence_list_hash(&hash, items, count);
        evidence_list_hash(&hash_again, again, count);
        assert(digest_equal(&hash, &hash_again));
        for (uint32_t i = 0; i < count && i < 16; i++) {
            assert(evidence_check(&items[i]) == evidence_check(&again[i]));
            look_at(&items[i]);
        }
    }
    fuzz_end();
    return 0;
}
