#include "node/wire.h"

static void read_inner(struct wire_blocksync *message, struct proto_reader *reader, const struct proto_field *field) {
    bool is_response = message->kind == WIRE_BLOCK_RESPONSE;
    if (message->kind == WIRE_STATUS_REQUEST || field->number > 2)
        return;
    if (is_response && field->number == 1) {
        message->block = proto_bytes(reader, field);
        message->has_block = true;
    } else if (is_response) {
        message->extended_commit = proto_bytes(reader, field);
        message->has_extended_commit = true;
    } else if (field->number == 1) {
        message->height = proto_int64(reader, field);
    } else if (message->kind == WIRE_STATUS_RESPONSE) {
        message->base = proto_int64(reader, field);
    }
}

const char *wire_blocksync_parse(struct wire_blocksync *out, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field outer, field;
    struct wire_blocksync message = {0};
    while (proto_next(&reader, &outer)) {
        if (outer.number < WIRE_BLOCK_REQUEST || outer.number > WIRE_STATUS_RESPONSE)
            continue;
        message = (struct wire_blocksync){.kind = (enum wire_blocksync_kind)outer.number};
        struct proto_reader inner = proto_sub(&reader, &outer);
        while (proto_next(&inner, &field))
            read_inner(&message, &inner, &field);
        proto_join(&reader, &inner);
    }
    if (reader.bad)
        return "malformed block sync message";
    if (message.kind == 0)
        return "unknown block sync message";
    *out = message;
    return NULL;
}

/* cometbft: blocksync/msgs.go */
static const char *check(const struct wire_blocksync *message) {
    if (message->height < 0)
        return "negative height";
    if (message->base < 0)
        return "negative base";
    if (message->base > message->height)
        return "base above height";
    return message->kind == WIRE_BLOCK_RESPONSE && !message->has_block ? "block response without a block" : NULL;
}

const char *wire_blocksync_decode(struct wire_blocksync *out, struct span bytes) {
    struct wire_blocksync message;
    const char *why = wire_blocksync_parse(&message, bytes);
    if (why == NULL)
        why = check(&message);
    if (why == NULL)
        *out = message;
    return why;
}

void wire_blocksync_write(struct proto_writer *writer, const struct wire_blocksync *message) {
    size_t mark = proto_begin(writer, message->kind);
    if (message->kind == WIRE_BLOCK_RESPONSE) {
        if (message->has_block)
            proto_put_bytes_always(writer, 1, message->block);
        if (message->has_extended_commit)
            proto_put_bytes_always(writer, 2, message->extended_commit);
    } else {
        proto_put_int64(writer, 1, message->height);
        proto_put_int64(writer, 2, message->base);
    }
    proto_end(writer, mark);
}
