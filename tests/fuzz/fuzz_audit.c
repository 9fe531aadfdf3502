/* What auditors are handed: bundles (with a checksum that is mended, so that more than the checksum is reached), signed logs, requests and answers, JSON of
 * any kind, journals. Nothing of it convicts whom it did not convict before: the seeds' bundle is the demonstration's. */
#define FUZZ_BYTES_MAX 16384
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "crypto/sha256.h"
#include "node/audit_request.h"
#include "node/docket.h"
#include "tendermint/audit_verify.h"

enum { ARENA_BYTES = 8 << 20 };

static void bundle(struct span bytes, bool mend) {
    static const uint8_t head[5] = {AUDIT_BUNDLE_END, 0, 0, 0, SHA256_BYTES};
    size_t magic = strlen(AUDIT_BUNDLE_MAGIC), size = magic + bytes.size + sizeof head + SHA256_BYTES;
    uint8_t *whole = fuzz_room(size);
    struct audit_verified seen;
    struct audit_trust trust = {.height = 0, .set_hash = {.size = 32}};
    struct arena arena;
    size_t offset;
    memcpy(whole, AUDIT_BUNDLE_MAGIC, magic);
    if (bytes.size > 0)
        memcpy(whole + magic, bytes.data, bytes.size);
    memcpy(whole + magic + bytes.size, head, sizeof head);
    if (mend)
        sha256_once(whole + size - SHA256_BYTES, span_of(whole, size - SHA256_BYTES - sizeof head));
    else
        memset(whole + size - SHA256_BYTES, 7, SHA256_BYTES);
    if (bytes.size > 60) /* whatever it says that it is built on */
        for (size_t i = 0; i + 34 < bytes.size && i < 96; i++)
            if (bytes.data[i] == 0x2a && bytes.data[i + 1] == 32)
                memcpy(trust.set_hash.bytes, bytes.data + i + 2, 32);
    arena_init(&arena, ARENA_BYTES);
    const char *wrong = audit_verify(&seen, &offset, span_of(whole, size), &trust, span_text("sim"), NULL, &arena);
    assert(mend || wrong != NULL);
    if (wrong == NULL)
        for (uint32_t i = 1; i < seen.statement_count; i++)
            assert(address_compare(&seen.statements[i - 1].who, &seen.statements[i].who) <= 0);
    arena_close(&arena);
}

static void log_of(struct span bytes) {
    struct audit_log log;
    struct span rest = bytes, item;
    enum audit_log_item kind;
    if (audit_log_read(&log, bytes)) {
        assert(log.manifest.note_count <= AUDIT_LOG_NOTES_MAX);
        rest = log.items;
    }
    for (uint32_t i = 0; (kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END; i++)
        assert(i <= bytes.size);
}

static void texts(struct span bytes) {
    struct audit_request request;
    struct span log;
    struct arena arena;
    struct emit emit;
    arena_init(&arena, ARENA_BYTES);
    emit_init(&emit);
    if (audit_request_parse(&request, bytes, &arena) == NULL) {
        struct audit_request again;
        audit_request_emit(&emit, &request, NULL);
        assert(audit_request_parse(&again, span_of(emit.data, emit.size), &arena) == NULL && memcmp(again.id, request.id, sizeof again.id) == 0);
    }
    (void)audit_answer_parse(&request, &log, bytes, &arena);
    emit_close(&emit);
    arena_close(&arena);
}

/* Files, a zero byte between two. */
static struct span next_file(struct span *rest) {
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, 0, rest->size);
    struct span file = span_of(rest->data, end == NULL ? rest->size : (size_t)(end - rest->data));
    *rest = end == NULL ? span_of(NULL, 0) : span_of(end + 1, rest->size - file.size - 1);
    return file;
}

static void docket_of(struct span bytes) {
    struct docket *docket = calloc(1, sizeof *docket);
    assert(docket != NULL);
    docket_init(docket, AUDIT_STRICT, span_text("sim"));
    struct docket_source *source = docket_source(docket, "fuzz");
    for (struct span rest = bytes; rest.size > 0;)
        docket_add_json(docket, source, next_file(&rest));
    if (docket->set_count > 0) /* the first is trusted */
        valset_hash(&docket->trust.set_hash, &docket->sets[0]);
    char *error = docket_settle(docket, 0);
    for (struct span rest = bytes; error == NULL && rest.size > 0;)
        docket_add_json_evidence(docket, source, next_file(&rest));
    free(error);
    docket_close(docket);
    free(docket);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > FUZZ_BYTES_MAX)
        return 0;
    struct span bytes = span_of(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0: bundle(bytes, true); break;
    case 1: bundle(bytes, false); break;
    case 2: log_of(bytes); break;
    case 3: texts(bytes); break;
    case 4: docket_of(bytes); break;
    }
    fuzz_end();
    return 0;
}
