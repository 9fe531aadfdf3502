/* The other reactors' messages and those between node and remote signer. The first byte chooses. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "node/wire.h"

static void mempool(struct span bytes) {
    struct span *txs;
    uint32_t count;
    if (wire_txs_decode(&txs, &count, bytes, 1024, fuzz_arena()) != NULL)
        return;
    size_t total = 0;
    assert(count > 0);
    for (uint32_t i = 0; i < count; i++)
        total += txs[i].size;
    assert(total <= 1024);
    FUZZ_WRITE(first, wire_txs_write(&first, txs, count));
    assert(wire_txs_decode(&txs, &count, proto_writer_span(&first), 1024, fuzz_arena()) == NULL);
    FUZZ_WRITE(second, wire_txs_write(&second, txs, count));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
}

static void pex(struct span bytes) {
    struct wire_pex message, again;
    if (wire_pex_decode(&message, bytes, fuzz_arena()) != NULL)
        return;
    assert(message.count <= WIRE_ADDRESSES_MAX);
    FUZZ_WRITE(first, wire_pex_write(&first, &message));
    assert(wire_pex_decode(&again, proto_writer_span(&first), fuzz_arena()) == NULL);
    FUZZ_WRITE(second, wire_pex_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
}

static void blocksync(struct span bytes) {
    struct wire_blocksync message, again;
    const char *parsed = wire_blocksync_parse(&message, bytes), *decoded = wire_blocksync_decode(&again, bytes);
    assert(parsed == NULL || decoded != NULL);
    if (parsed != NULL)
        return;
    FUZZ_WRITE(first, wire_blocksync_write(&first, &message));
    assert(wire_blocksync_parse(&again, proto_writer_span(&first)) == NULL);
    FUZZ_WRITE(second, wire_blocksync_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    assert((wire_blocksync_decode(&again, proto_writer_span(&first)) == NULL) == (decoded == NULL));
}

static void statesync(struct span bytes) {
    struct wire_statesync message, again;
    const char *parsed = wire_statesync_parse(&message, bytes), *decoded = wire_statesync_decode(&again, bytes);
    assert(parsed == NULL || decoded != NULL);
    if (parsed != NULL)
        return;
    FUZZ_WRITE(first, wire_statesync_write(&first, &message));
    assert(wire_statesync_parse(&again, proto_writer_span(&first)) == NULL);
    FUZZ_WRITE(second, wire_statesync_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
    assert((wire_statesync_decode(&again, proto_writer_span(&first)) == NULL) == (decoded == NULL));
}

static void privval(struct span bytes) {
    struct wire_privval message, again;
    if (wire_privval_decode(&message, bytes) != NULL)
        return;
    FUZZ_WRITE(first, wire_privval_write(&first, &message));
    assert(wire_privval_decode(&again, proto_writer_span(&first)) == NULL);
    FUZZ_WRITE(second, wire_privval_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kinds[])(struct span bytes) = {mempool, pex, blocksync, statesync, privval};
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice < sizeof kinds / sizeof kinds[0])
        kinds[choice](fuzz_rest(&fuzz));
    fuzz_end();
    return 0;
}
