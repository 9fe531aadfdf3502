/* What a light client reads from strangers: answers of /commit, /validators, /block and the rest as JSON, the envelope around them, blocks of its store,
 * and proofs about state. What is read as a light block is written and read again as the same; nothing is believed that a hash does not lead to. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "ledger/state_proof.h"
#include "node/rpcclient.h"
#include "rpc/light_height.h"
#include "rpc/light_json.h"
#include "rpc/light_results.h"
#include "tendermint/light_verify.h"

static void must_survive(const struct light_block *block) {
    struct emit emit;
    struct span value;
    const char *error;
    emit_init(&emit);
    light_json_write(&emit, block);
    assert(scan_value(&value, span_of(emit.data, emit.size), NULL));
    struct light_block *again = light_json_block(&error, value, fuzz_arena());
    assert(again == NULL || digest_equal(&again->hash, &block->hash));
    if (light_check(block, header_chain_id(&block->header)) == LIGHT_GOOD)
        assert(again != NULL && light_check(again, header_chain_id(&block->header)) == LIGHT_GOOD);
    light_block_release(again);
    emit_close(&emit);
}

static void read_stored(struct span bytes) {
    struct light_block *block = light_block_decode(bytes);
    if (block == NULL)
        return;
    struct proto_writer writer;
    proto_writer_measure(&writer);
    light_block_write(&writer, block);
    uint8_t *place = fuzz_room(writer.size);
    proto_writer_init(&writer, place, writer.size);
    light_block_write(&writer, block);
    struct light_block *again = light_block_decode(proto_writer_span(&writer));
    assert(again != NULL && digest_equal(&again->hash, &block->hash) && light_block_same_priorities(again, block));
    light_block_release(again);
    must_survive(block);
    light_block_release(block);
}

static void read_json(struct span value) {
    static struct validator members[VALSET_COUNT_MAX];
    const char *error = NULL;
    struct header header;
    struct commit commit;
    uint32_t count = 0;
    int64_t total, height;
    struct light_block *block = light_json_block(&error, value, fuzz_arena());
    assert(block != NULL || error != NULL);
    if (block != NULL)
        must_survive(block);
    light_block_release(block);
    light_json_commit(&header, &commit, &error, value, fuzz_arena());
    if (light_json_validators(members, &count, &total, &height, &error, value, fuzz_arena()))
        assert(count > 0 && total > 0);
}

static void read_results(struct span value) {
    int64_t height, heights[8];
    struct digest hash = {0}, hashes[8];
    uint32_t count;
    struct light_results_query query;
    struct app_hash app_hash = {.size = 32};
    if (light_results_block(value, &height, &hash, fuzz_arena()) == NULL || light_results_header(value, &height, &hash, fuzz_arena()) == NULL)
        assert(height > 0);
    light_results_blockchain(value, heights, hashes, &count, 8, fuzz_arena());
    if (light_results_txs(value, &height, &hash, fuzz_arena()) == NULL || light_results_params(value, &height, &hash, fuzz_arena()) == NULL)
        assert(height > 0 && hash.size == 32);
    light_results_tx(value, &(struct digest){0}, &height, &hash, fuzz_arena());
    if (light_results_query(&query, value, fuzz_arena()) == NULL)
        assert(light_results_query_verify(&query, span_text("/store/bank/key"), query.key, &app_hash) != NULL); /* nobody finds what hashes to zeroes */
}

/* Whole heights: nothing leads to a header of zeroes. */
static void read_height(struct span value) {
    static struct block block;
    static struct light_block next;
    struct abci_finalized finalized;
    const char *wrong = NULL;
    header_init(&next.header);
    valset_init(&next.set);
    assert(light_height_block(&wrong, value, &next.header, fuzz_arena()) == NULL && wrong != NULL);
    assert(light_height_results(&finalized, value, &block, &next, fuzz_arena()) != NULL);
}

static void read_envelope(struct span bytes) {
    struct rpcclient_answer answer;
    rpcclient_read(&answer, blob_new(bytes));
    assert((answer.kind == RPCCLIENT_RESULT) == (answer.text == NULL));
    if (answer.kind == RPCCLIENT_RESULT) {
        read_results(answer.result);
        read_height(answer.result);
    }
    rpcclient_close(&answer);
}

static void read_proof(struct span bytes, bool exists) {
    static const uint8_t root[32];
    const struct proofop ops[2] = {{span_text(exists ? STATE_PROOF_EXISTS : STATE_PROOF_ABSENT), span_text("k"), bytes}, {span_text("simple:v"), span_text("bank"), bytes}};
    assert(!state_proof_verify(ops, 2, span_of(root, 32), span_text("bank"), span_text("k"), exists ? span_text("v") : span_of(NULL, 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t what = fuzz_byte(&fuzz) % 6;
    struct span bytes = fuzz_copy(fuzz_rest(&fuzz)), value;
    bool is_json = what < 2 && scan_value(&value, bytes, NULL);
    switch (what) {
    case 0: if (is_json) read_json(value); break;
    case 1: if (is_json) read_results(value); break;
    case 2: read_envelope(bytes); break;
    case 3: read_stored(bytes); break;
    default: read_proof(bytes, what == 4); break;
    }
    fuzz_end();
    return 0;
}
