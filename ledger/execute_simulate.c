#include "ledger/execute_simulate.h"

/* What signing adds to the bytes: the signature, the mode, the gas limit; with some room. */
enum { SIGNED_BYTES_MORE = 96, GAS_MORE = 10 * SIGNED_BYTES_MORE };

static struct span tx_in(struct span request, bool *good) {
    struct proto_reader reader = proto_reader_over(request);
    struct proto_field field;
    struct span tx = span_of(NULL, 0);
    while (proto_next(&reader, &field))
        if (field.number == 2)
            tx = proto_bytes(&reader, &field);
    *good = !reader.bad;
    return tx;
}

static void refuse(struct abci_answer *out, enum codes code, const char *log, struct arena *arena) {
    out->code = code;
    out->codespace = span_text(CODES_CODESPACE);
    if (!arena_copy(arena, &out->log, span_text(log)))
        out->log = span_text("");
}

void execute_simulate(const struct execute *where, struct execute_tx *tx, struct abci_answer *out, struct span request, struct arena *arena) {
    bool good;
    struct span bytes = tx_in(request, &good);
    *out = (struct abci_answer){.code = CODES_OK};
    if (!good) {
        refuse(out, CODES_PARSE, "malformed request", arena);
        return;
    }
    if (!execute_read(where, tx, bytes) || !execute_run(where, tx)) {
        refuse(out, tx->code, tx->log, arena);
        return;
    }
    uint8_t answer[64];
    struct proto_writer writer;
    proto_writer_init(&writer, answer, sizeof answer);
    size_t mark = proto_begin(&writer, 1);
    proto_put_uint64(&writer, 1, tx->said.gas_limit);
    proto_put_int64(&writer, 2, tx->gas_used + GAS_MORE);
    proto_end(&writer, mark);
    if (writer.overflow || !arena_copy(arena, &out->value, proto_writer_span(&writer)))
        refuse(out, CODES_INTERNAL, "the answer is too large", arena);
}
