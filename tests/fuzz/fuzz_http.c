/* HTTP requests as bytes: the end of a head and a chunked body are found at the same place however the bytes are cut. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include "rpc/cors.h"

static void head(struct span bytes, size_t step) {
    struct request request;
    size_t seen = 0, cut_seen = 0, found = 0;
    size_t whole = request_head_size(bytes, &seen);
    for (size_t size = 0; size < bytes.size && found == 0;) {
        size = bytes.size - size < step ? bytes.size : size + step;
        found = request_head_size(span_of(bytes.data, size), &cut_seen);
    }
    assert(found == whole && whole <= bytes.size);
    if (whole == 0)
        return;
    static const struct rpc_config config = {
        .cors_allowed_origins = "http://a.*, *.b", .cors_allowed_methods = "HEAD,GET,POST", .cors_allowed_headers = "Origin,X-A"};
    struct emit emit;
    int status = request_parse(&request, fuzz_copy(span_of(bytes.data, whole)));
    assert(status == 0 || status == 400 || status == 501 || status == 505);
    if (status != 0)
        return;
    assert(!(request.chunked && request.has_length) && request.method.size > 0 && request.path.size > 0);
    emit_init(&emit);
    cors_is_preflight(&config, &request);
    cors_headers(&emit, &config, &request);
    /* Nothing of a request may begin a line of its own in the answer. */
    for (size_t i = 0; i < emit.size; i++)
        assert(emit.data[i] != '\n' || (i > 0 && emit.data[i - 1] == '\r'));
    for (size_t i = 0; i < emit.size; i++)
        assert(emit.data[i] != '\r' || (i + 1 < emit.size && emit.data[i + 1] == '\n'));
    emit_close(&emit);
}

struct unpacked {
    enum request_progress progress;
    struct request_chunks chunks;
    uint8_t *bytes;
};

enum { BODY_MAX = 40 };

static struct unpacked unpack(struct span raw, size_t step, uint64_t body_max) {
    struct unpacked out = {.progress = REQUEST_MORE, .bytes = fuzz_room(raw.size)};
    for (size_t size = 0; size < raw.size && out.progress == REQUEST_MORE;) {
        size_t more = raw.size - size < step ? raw.size - size : step;
        memcpy(out.bytes + size, raw.data + size, more);
        size += more;
        out.progress = request_unchunk(&out.chunks, out.bytes, size, body_max);
        assert(out.chunks.out <= out.chunks.in && out.chunks.in <= size && out.chunks.out <= body_max);
    }
    return out;
}

static void chunks(struct span raw, size_t step) {
    struct unpacked one = unpack(raw, raw.size, BODY_MAX), other = unpack(raw, step, BODY_MAX);
    assert(one.progress == other.progress);
    if (one.progress == REQUEST_WHOLE) {
        assert(one.chunks.in == other.chunks.in);
        fuzz_same(span_of(one.bytes, one.chunks.out), span_of(other.bytes, other.chunks.out));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice & 1)
        chunks(fuzz_rest(&fuzz), 1 + (choice >> 1));
    else
        head(fuzz_rest(&fuzz), 1 + (choice >> 1));
    fuzz_end();
    return 0;
}
