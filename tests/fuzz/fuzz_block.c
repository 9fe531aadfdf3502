/* Blocks: as bytes from a peer, and put together anew from what an input says, so that the hashes in the header fit and the judge is reached. */
#define FUZZ_BYTES_MAX 16384
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdlib.h>

#include "rpc/shapes.h"
#include "tests/fuzz/world.h"

static void must_be_json(const struct emit *emit) {
    json_error_t error;
    json_t *value = json_loadb(emit->data, emit->size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    assert(value != NULL);
    json_decref(value);
}

static void show(const struct block *block) {
    struct emit emit;
    emit_init(&emit);
    shapes_block(&emit, block);
    must_be_json(&emit);
    emit_close(&emit);
}

static void parts(struct block *block) {
    static struct part part;
    struct part_set *whole = block_parts(block), *copy = part_set_new(part_set_header(whole));
    assert(copy != NULL);
    for (uint32_t i = 0; i < part_set_header(whole)->total; i++) {
        assert(part_set_get(whole, &part, i));
        assert(part_set_add(copy, &part, 1 << 24) == PART_GOOD);
    }
    fuzz_same(blob_span(part_set_bytes(copy)), blob_span(block->bytes));
    part_set_release(copy);
}

static struct block *rebuilt(const struct block *block) {
    return block_build(&(struct block_plan){.header = block->header,
                                            .txs = block->txs,
                                            .tx_hashes = (const uint8_t(*)[32])block->tx_hashes,
                                            .tx_count = block->tx_count,
                                            .evidence = block->evidence,
                                            .evidence_count = block->evidence_count,
                                            .last_commit = &block->last_commit});
}

static void proofs(const struct block *block) {
    static struct merkle_proof proof;
    for (uint32_t i = 0; i < block->tx_count && i < 3; i++) {
        block_tx_proof(block, &proof, i);
        assert(merkle_proof_verify(&proof, block->header.data_hash.bytes, span_of(block->tx_hashes[i], 32)));
    }
}

/* A good block: written anew it is the same block, perhaps in other bytes. */
static void good(struct block *block) {
    enum block_verdict verdict;
    struct block *twin = rebuilt(block);
    fuzz_same(digest_span(&twin->hash), digest_span(&block->hash));
    struct block *again = block_decode(twin->bytes, &verdict);
    assert(again != NULL && digest_equal(&again->hash, &block->hash) && again->tx_count == block->tx_count);
    block_release(again);
    block_release(twin);
    parts(block);
    proofs(block);
    show(block);
    ledger_judge(&world_chain()->ledger, block, NULL);
}

static void as_it_comes(struct span bytes) {
    enum block_verdict verdict = BLOCK_GOOD;
    struct blob *blob = blob_new(bytes);
    struct block *block = block_decode(blob, &verdict);
    assert((block == NULL) == (verdict != BLOCK_GOOD));
    if (block != NULL)
        good(block);
    block_release(block);
    blob_release(blob);
}

struct loose { /* the pieces of a block, without regard for what fits together */
    struct header header;
    struct span txs[64];
    uint32_t tx_count, evidence_count;
    struct evidence evidence[16];
    struct commit last_commit;
};

static void get_list(struct loose *loose, struct proto_reader *outer, const struct proto_field *field, bool txs) {
    struct proto_reader list = proto_sub(outer, field);
    struct proto_field item;
    while (proto_next(&list, &item)) {
        if (item.number != 1 || item.wire != PROTO_BYTES)
            continue;
        if (txs && loose->tx_count < 64)
            loose->txs[loose->tx_count++] = item.bytes;
        if (!txs && loose->evidence_count < 16) {
            struct proto_reader sub = proto_sub(&list, &item);
            evidence_read(&loose->evidence[loose->evidence_count], &sub, fuzz_arena());
            loose->evidence_count += !sub.bad && evidence_check(&loose->evidence[loose->evidence_count]); /* the builder takes no other */
        }
    }
}

static void get_loose(struct loose *loose, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    header_init(&loose->header);
    while (proto_next(&reader, &field)) {
        if (field.wire != PROTO_BYTES)
            continue;
        struct proto_reader sub = proto_sub(&reader, &field);
        if (field.number == 1)
            header_read(&loose->header, &sub);
        else if (field.number == 2 || field.number == 3)
            get_list(loose, &reader, &field, field.number == 2);
        else if (field.number == 4)
            commit_read(&loose->last_commit, &sub, fuzz_arena());
    }
}

static void mended(struct span bytes) {
    static struct loose loose;
    enum block_verdict verdict;
    loose = (struct loose){0};
    get_loose(&loose, bytes);
    struct block *built = block_build(&(struct block_plan){.header = loose.header,
                                                           .txs = loose.txs,
                                                           .tx_count = loose.tx_count,
                                                           .evidence = loose.evidence,
                                                           .evidence_count = loose.evidence_count,
                                                           .last_commit = &loose.last_commit});
    struct block *block = block_decode(built->bytes, &verdict);
    if (block != NULL)
        good(block);
    block_release(block);
    block_release(built);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice == 0)
        as_it_comes(fuzz_rest(&fuzz));
    else
        mended(fuzz_rest(&fuzz));
    fuzz_end();
    return 0;
}
