/* Commits, plain and extended: codec, shape, hash, and the verdicts of every kind of verification against a set whose keys did sign the seeds. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "rpc/shapes.h"
#include "tests/fuzz/world.h"

static void verify(const struct commit *commit) {
    struct chain *chain = world_chain();
    const struct valset *set = &chain->ledger.state.last_validators;
    struct span chain_id = span_text(CHAIN_ID);
    uint32_t culprit;
    enum commit_verdict whole = commit_verify(commit, &culprit, set, chain_id, &commit->block_id, commit->height, NULL);
    enum commit_verdict light = commit_verify_light(commit, set, chain_id, &commit->block_id, commit->height);
    enum commit_verdict all = commit_verify_light_all(commit, set, chain_id, &commit->block_id, commit->height);
    enum commit_verdict trusting = commit_verify_trusting(commit, set, chain_id, 1, 3, false);
    commit_verify_trusting(commit, set, chain_id, commit->height > 0 ? (uint64_t)commit->height : 0, 3, true);
    if (whole == COMMIT_GOOD)
        assert(all == COMMIT_GOOD && light == COMMIT_GOOD && trusting == COMMIT_GOOD);
    if (all == COMMIT_GOOD)
        assert(light == COMMIT_GOOD);
    commit_median_time(commit, set, true, fuzz_arena());
    struct timestamp median = commit_median_time(commit, set, false, fuzz_arena());
    assert(timestamp_valid(&median));
}

static void single(const struct commit *commit) {
    struct vote vote;
    struct emit emit;
    struct digest hash;
    commit_hash(&hash, commit);
    for (uint32_t i = 0; i < commit->count && i < 8; i++)
        commit_vote(&vote, commit, i);
    emit_init(&emit);
    shapes_commit(&emit, commit);
    emit_close(&emit);
}

/* An extended commit is a commit with two fields more in each entry. */
static void extended(struct span bytes) {
    struct commit commit, again, plain;
    if (!commit_extended_decode(&commit, bytes, fuzz_arena()))
        return;
    assert(commit_decode(&plain, bytes, fuzz_arena()) && plain.count == commit.count);
    FUZZ_WRITE(first, commit_extended_write(&first, &commit));
    assert(commit_extended_decode(&again, proto_writer_span(&first), fuzz_arena()));
    FUZZ_WRITE(second, commit_extended_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    assert(commit_extended_check(&commit) == commit_extended_check(&again));
    assert(commit_extended_ensure(&commit) == commit_extended_ensure(&again));
    uint32_t culprit = 0;
    const struct valset *set = &world_chain()->ledger.state.last_validators;
    enum commit_verdict whole =
        commit_extended_verify(&commit, &culprit, set, span_text(CHAIN_ID), &commit.block_id, commit.height, NULL);
    if (whole == COMMIT_GOOD)
        assert(commit_extended_ensure(&commit) == COMMIT_GOOD && commit_verify(&commit, NULL, set, span_text(CHAIN_ID), &commit.block_id, commit.height, NULL) == COMMIT_GOOD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct commit commit, again;
    if (commit_decode(&commit, span_of(data, size), fuzz_arena())) {
        FUZZ_WRITE(first, commit_write(&first, &commit));
        assert(commit_decode(&again, proto_writer_span(&first), fuzz_arena()));
        FUZZ_WRITE(second, commit_write(&second, &again));
        fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
        assert(commit_check(&commit) == commit_check(&again));
        if (commit_check(&commit) == COMMIT_GOOD) {
            single(&commit);
            verify(&commit);
        }
    }
    extended(span_of(data, size));
    fuzz_end();
    return 0;
}
