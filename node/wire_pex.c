#include "node/wire.h"

#include <arpa/inet.h>

static void read_address(struct wire_address *address, struct proto_reader *reader) {
    struct proto_field field;
    while (proto_next(reader, &field)) {
        switch (field.number) {
        case 1: address->id = proto_bytes(reader, &field); break;
        case 2: address->ip = proto_bytes(reader, &field); break;
        case 3: address->port = proto_uint32(reader, &field); break;
        }
    }
}

/* Room is taken once, for the most that a message may hold. */
static const char *read_addresses(struct wire_pex *message, struct proto_reader *reader, struct arena *arena) {
    struct proto_field field;
    while (proto_next(reader, &field)) {
        if (field.number != 1)
            continue;
        if (message->addresses == NULL)
            message->addresses = arena_take(arena, WIRE_ADDRESSES_MAX, sizeof message->addresses[0]);
        if (message->addresses == NULL || message->count == WIRE_ADDRESSES_MAX)
            return "too many addresses";
        struct proto_reader sub = proto_sub(reader, &field);
        read_address(&message->addresses[message->count++], &sub);
        proto_join(reader, &sub);
    }
    return NULL;
}

static bool is_ip(struct span text) {
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr ip;
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, 0, text.size) != NULL)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return inet_pton(AF_INET, copy, &ip) == 1 || inet_pton(AF_INET6, copy, &ip) == 1;
}

static const char *check(const struct wire_pex *message) {
    for (uint32_t i = 0; i < message->count; i++) {
        if (!is_ip(message->addresses[i].ip))
            return "not an IP address";
        if (message->addresses[i].port > UINT16_MAX)
            return "port out of range";
    }
    return NULL;
}

const char *wire_pex_decode(struct wire_pex *out, struct span bytes, struct arena *arena) {
    if (bytes.size > WIRE_PEX_BYTES_MAX)
        return "peer exchange message too large";
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field outer;
    struct wire_pex message = {0};
    bool known = false;
    const char *why = NULL;
    while (why == NULL && proto_next(&reader, &outer)) {
        if (outer.number != 1 && outer.number != 2)
            continue;
        known = true;
        message = (struct wire_pex){.is_request = outer.number == 1};
        struct proto_reader inner = proto_sub(&reader, &outer);
        if (!message.is_request)
            why = read_addresses(&message, &inner, arena);
        proto_join(&reader, &inner);
    }
    if (why == NULL && (reader.bad || !known))
        why = reader.bad ? "malformed peer exchange message" : "unknown peer exchange message";
    if (why == NULL)
        why = check(&message);
    if (why == NULL)
        *out = message;
    return why;
}

void wire_pex_write(struct proto_writer *writer, const struct wire_pex *message) {
    size_t mark = proto_begin(writer, message->is_request ? 1 : 2);
    for (uint32_t i = 0; i < message->count; i++) {
        size_t inner = proto_begin(writer, 1);
        proto_put_bytes(writer, 1, message->addresses[i].id);
        proto_put_bytes(writer, 2, message->addresses[i].ip);
        proto_put_uint64(writer, 3, message->addresses[i].port);
        proto_end(writer, inner);
    }
    proto_end(writer, mark);
}
