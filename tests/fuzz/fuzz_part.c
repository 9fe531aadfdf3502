/* Parts of blocks: as they come, and with a proof mended so that it leads to its set's root. Sets cut from the input are put together again. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "ledger/part_set.h"
#include "node/candidates.h"

static bool read(struct part *part, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    *part = (struct part){0};
    part_read(part, &reader);
    return !reader.bad;
}

static void trip(const struct part *part) {
    static struct part again;
    FUZZ_WRITE(first, part_write(&first, part));
    assert(read(&again, proto_writer_span(&first)));
    FUZZ_WRITE(second, part_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
}

static void must_be_held(struct part_set *set, const struct part *part) {
    static struct part held;
    assert(part_set_get(set, &held, part->index));
    assert(span_equal(held.bytes, part->bytes));
    assert(merkle_proof_verify(&held.proof, part_set_header(set)->hash.bytes, held.bytes));
    assert(part_set_add(set, part, 1 << 20) == PART_KNOWN);
}

static void add(const struct part *part, const struct part_header *header) {
    struct part_set *set = part_set_new(header);
    assert((set == NULL) == (header->total == 0 || header->total > PART_SET_TOTAL_MAX));
    if (set == NULL)
        return;
    if (part_set_add(set, part, 1 << 20) == PART_GOOD) {
        assert(part_check(part) == PART_GOOD && part->proof.total == (int64_t)header->total);
        must_be_held(set, part);
    }
    assert(part_set_is_complete(set) == (part_set_bytes(set) != NULL));
    part_set_release(set);
}

/* `more`: the set has so many parts more than the proof says. */
static void mended(struct part *part, uint32_t more) {
    struct part_header header = {.total = (uint32_t)part->proof.total + more, .hash.size = SHA256_BYTES};
    merkle_leaf_hash(part->proof.leaf_hash, part->bytes);
    part->proof.leaf_hash_size = SHA256_BYTES;
    part->proof.index = part->index;
    if (merkle_proof_root(&part->proof, header.hash.bytes) && part->proof.total <= PART_SET_TOTAL_MAX)
        add(part, &header);
}

static void through_candidates(struct span bytes) {
    static struct candidates candidates;
    static struct part part;
    struct blob *blob = blob_new(bytes);
    struct part_set *whole = part_set_of(blob);
    struct block_id id = {.hash.size = 32, .parts = *part_set_header(whole)};
    candidates_init(&candidates);
    candidates_begin(&candidates, 1, 1 << 20);
    struct candidate *candidate = candidates_want(&candidates, &id), *done = NULL;
    assert((candidate != NULL) == (bytes.size > 0));
    if (candidate != NULL && part_set_get(whole, &part, 0)) {
        assert(candidates_note(&candidates, &done, &part) == PART_GOOD);
        assert(done != NULL && done->complete && done->block == NULL); /* the id is not that of any header */
    }
    candidates_close(&candidates);
    part_set_release(whole);
    blob_release(blob);
}

/* A block of a few whole parts, which come in the order that the input says, some of them altered. */
static void many(struct fuzz *fuzz) {
    static struct part part;
    size_t size = 1 + fuzz_number(fuzz, 3) % (6 * PARAMS_PART_BYTES);
    struct blob *blob = blob_reserve(size);
    for (size_t i = 0; i < size; i++)
        blob->data[i] = (uint8_t)(i >> 8 ^ i);
    struct part_set *whole = part_set_of(blob), *copy = part_set_new(part_set_header(whole));
    uint32_t total = part_set_header(whole)->total, held = 0;
    while (fuzz->at < fuzz->end) {
        uint8_t op = fuzz_byte(fuzz);
        if (!part_set_get(whole, &part, op % total))
            break;
        if (op >= 128)
            part.proof.leaf_hash[op & 31] ^= 1;
        enum part_verdict verdict = part_set_add(copy, &part, (int64_t)size);
        assert(verdict == (bit_array_get(part_set_has(copy), op % total) && verdict != PART_GOOD ? PART_KNOWN : op >= 128 ? PART_BAD_PROOF : PART_GOOD));
        held += verdict == PART_GOOD;
        assert(bit_array_count(part_set_has(copy)) == held);
        if (verdict == PART_GOOD)
            must_be_held(copy, &part);
    }
    assert(part_set_is_complete(copy) == (held == total));
    if (held == total)
        fuzz_same(blob_span(part_set_bytes(copy)), blob_span(blob));
    part_set_release(copy);
    part_set_release(whole);
    blob_release(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct part part;
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice == 4)
        many(&fuzz);
    struct part_header header = {.total = choice == 2 ? (uint32_t)fuzz_number(&fuzz, 4) : 1, .hash.size = SHA256_BYTES};
    struct span bytes = fuzz_rest(&fuzz);
    if (choice == 3) {
        through_candidates(bytes);
    } else if (read(&part, bytes)) {
        trip(&part);
        add(&part, &header);
        if (choice > 0)
            mended(&part, choice - 1u);
    }
    fuzz_end();
    return 0;
}
