/* Requests to an application and its responses, behind their lengths. The first byte chooses the direction. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "ledger/abci_response.h"

static void request(struct span bytes) {
    struct abci_request message, again;
    struct span inner;
    long frame = proto_delimited(&inner, bytes, ABCI_MESSAGE_BYTES_MAX);
    if (frame > 0)
        assert(inner.size < bytes.size && (size_t)frame <= bytes.size);
    if (!abci_request_decode(&message, bytes, fuzz_arena()))
        return;
    FUZZ_WRITE(first, abci_request_write(&first, &message));
    assert(abci_request_decode(&again, proto_writer_span(&first), fuzz_arena()));
    assert(again.call == message.call);
    FUZZ_WRITE(second, abci_request_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
}

static void response(struct span bytes) {
    struct abci_response message, again;
    if (!abci_response_decode(&message, bytes, fuzz_arena()))
        return;
    FUZZ_WRITE(first, abci_response_write(&first, &message));
    assert(abci_response_decode(&again, proto_writer_span(&first), fuzz_arena()));
    assert(again.call == message.call);
    FUZZ_WRITE(second, abci_response_write(&second, &again));
    fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    struct span rest = fuzz_copy(fuzz_rest(&fuzz));
    if (choice == 0)
        request(rest);
    else if (choice == 1)
        response(rest);
    fuzz_end();
    return 0;
}
