#include "node/wire.h"

static uint32_t count_items(struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    uint32_t count = 0;
    while (proto_next(&reader, &field))
        count += field.number == 1;
    return count;
}

const char *wire_evidence_parse(struct evidence **items, uint32_t *count, struct span bytes, struct arena *arena) {
    if (bytes.size > WIRE_EVIDENCE_BYTES_MAX)
        return "evidence message too large";
    uint32_t total = count_items(bytes), taken = 0;
    struct evidence *list = arena_take(arena, total, sizeof list[0]);
    if (list == NULL && total > 0)
        return "too much evidence in one message";
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    while (proto_next(&reader, &field)) {
        if (field.number != 1)
            continue;
        struct proto_reader sub = proto_sub(&reader, &field);
        evidence_read(&list[taken], &sub, arena);
        if (!sub.bad && list[taken++].kind == EVIDENCE_NONE)
            sub.bad = true;
        proto_join(&reader, &sub);
    }
    if (reader.bad)
        return "malformed evidence";
    *items = list;
    *count = taken;
    return NULL;
}

const char *wire_evidence_decode(struct evidence **items, uint32_t *count, struct span bytes, struct arena *arena) {
    struct evidence *list = NULL;
    uint32_t total = 0;
    const char *why = wire_evidence_parse(&list, &total, bytes, arena);
    for (uint32_t i = 0; why == NULL && i < total; i++)
        why = evidence_check(&list[i]) ? NULL : "evidence breaks its own rules";
    if (why == NULL) {
        *items = list;
        *count = total;
    }
    return why;
}

void wire_evidence_write(struct proto_writer *writer, const struct evidence *items, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        size_t mark = proto_begin(writer, 1);
        evidence_write(writer, &items[i]);
        proto_end(writer, mark);
    }
}
