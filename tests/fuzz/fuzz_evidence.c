/* Evidence as it comes from a peer, one list, and what is made of two votes. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "node/wire.h"
#include "rpc/shapes.h"
#include "tests/fuzz/world.h"

static void look_at(const struct evidence *piece) {
    struct chain *chain = world_chain();
    struct digest hash;
    struct emit emit;
    evidence_hash(&hash, piece);
    assert(hash.size == 32);
    emit_init(&emit);
    shapes_evidence(&emit, piece);
    emit_close(&emit);
    if (piece->kind != EVIDENCE_DUPLICATE_VOTE)
        return;
    if (evidence_verify_duplicate(piece, &chain->ledger.state.validators, span_text(CHAIN_ID)))
        assert(evidence_check(piece));
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
