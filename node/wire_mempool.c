#include "node/wire.h"

struct counted {
    uint32_t count;
    size_t bytes;
};

static const char *count_tx(struct counted *counted, struct span tx, uint32_t tx_bytes_max) {
    if (tx.size == 0)
        return "empty transaction";
    if (tx.size > tx_bytes_max)
        return "transaction too large";
    counted->bytes += tx.size;
    counted->count++;
    return counted->bytes > tx_bytes_max ? "too many transactions in one message" : NULL;
}

/* Counts before anything is allocated: a small message of empty entries must not cost memory (wound 35). */
static const char *count_txs(struct counted *counted, struct proto_reader *reader, const struct proto_field *outer,
                             uint32_t tx_bytes_max) {
    struct proto_reader inner = proto_sub(reader, outer);
    struct proto_field field;
    const char *why = NULL;
    while (why == NULL && proto_next(&inner, &field))
        if (field.number == 1)
            why = count_tx(counted, proto_bytes(&inner, &field), tx_bytes_max);
    proto_join(reader, &inner);
    return reader->bad ? "malformed transactions" : why;
}

static void take_txs(struct span *txs, struct span inner_bytes) {
    struct proto_reader inner = proto_reader_over(inner_bytes);
    struct proto_field field;
    while (proto_next(&inner, &field))
        if (field.number == 1)
            *txs++ = proto_bytes(&inner, &field);
}

/* A oneof with one member: the last occurrence is the message, yet all occurrences are judged. */
const char *wire_txs_decode(struct span **txs, uint32_t *count, struct span bytes, uint32_t tx_bytes_max, struct arena *arena) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    struct counted all = {0}, last = {0};
    struct span inner = {0};
    const char *why = NULL;
    while (why == NULL && proto_next(&reader, &field)) {
        if (field.number != 1)
            continue;
        struct counted before = all;
        inner = field.bytes;
        why = count_txs(&all, &reader, &field, tx_bytes_max);
        last = (struct counted){all.count - before.count, all.bytes - before.bytes};
    }
    if (why != NULL || reader.bad)
        return why != NULL ? why : "malformed mempool message";
    if (last.count == 0)
        return "no transaction";
    struct span *taken = arena_take(arena, last.count, sizeof taken[0]);
    if (taken == NULL)
        return "too many transactions in one message";
    take_txs(taken, inner);
    *txs = taken;
    *count = last.count;
    return NULL;
}

void wire_txs_write(struct proto_writer *writer, const struct span *txs, uint32_t count) {
    size_t mark = proto_begin(writer, 1);
    for (uint32_t i = 0; i < count; i++)
        proto_put_bytes_always(writer, 1, txs[i]);
    proto_end(writer, mark);
}
