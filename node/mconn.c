#include "node/mconn.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/proto.h"

/* A full packet with a one-byte channel id, without its length prefix: what the other side takes at most. */
enum { PACKET_BODY_MAX = MCONN_PAYLOAD_MAX + 10 };
enum { PACKET_PING = 1, PACKET_PONG = 2, PACKET_MSG = 3 };
enum { PARTIAL_KEPT = 4096, SENT_MAX_LOG2 = 46 };

struct channel {
    struct mconn_channel table;
    struct blob **queue; /* a ring */
    size_t first, queued;
    size_t sent_of_first;   /* bytes of the message in flight that have left */
    uint64_t recently_sent; /* bytes on the wire, decaying */
    uint64_t sent, received;
    uint8_t *partial;       /* the message that is arriving */
    size_t partial_size, partial_capacity;
};

struct mconn {
    struct channel channels[MCONN_CHANNELS_MAX];
    size_t channel_count;
    uint8_t index_of[256];   /* channel id → index + 1, 0: unknown */
    size_t queued;           /* messages in all queues */
    bool wants_ping, wants_pong;
    enum mconn_verdict fault;
    struct channel *lent; /* whose whole message the caller may still be reading */
};

const char *mconn_verdict_text(enum mconn_verdict verdict) {
    static const char *const texts[] = {
        [MCONN_MORE] = "more bytes are needed",
        [MCONN_MESSAGE] = "a message",
        [MCONN_PING] = "a ping",
        [MCONN_PONG] = "a pong",
        [MCONN_BAD_PACKET] = "a packet does not decode",
        [MCONN_PACKET_TOO_LARGE] = "a packet is too large",
        [MCONN_UNKNOWN_CHANNEL] = "a packet of an unknown channel",
        [MCONN_MESSAGE_TOO_LARGE] = "a message is larger than its channel allows",
    };
    return texts[verdict];
}

struct mconn *mconn_new(const struct mconn_channel *channels, size_t count) {
    assert(count <= MCONN_CHANNELS_MAX);
    struct mconn *conn = calloc(1, sizeof *conn);
    assert(conn != NULL);
    conn->channel_count = count;
    for (size_t i = 0; i < count; i++) {
        assert(channels[i].priority > 0);
        assert(channels[i].send_queue_capacity > 0);
        assert(conn->index_of[channels[i].id] == 0);
        conn->index_of[channels[i].id] = (uint8_t)(i + 1);
        conn->channels[i].table = channels[i];
        conn->channels[i].queue = calloc(channels[i].send_queue_capacity, sizeof(struct blob *));
        assert(conn->channels[i].queue != NULL);
    }
    return conn;
}

static struct blob *pop(struct channel *channel) {
    struct blob *message = channel->queue[channel->first];
    channel->first = (channel->first + 1) % channel->table.send_queue_capacity;
    channel->queued--;
    channel->sent_of_first = 0;
    return message;
}

void mconn_free(struct mconn *conn) {
    if (conn == NULL)
        return;
    for (size_t i = 0; i < conn->channel_count; i++) {
        struct channel *channel = &conn->channels[i];
        while (channel->queued > 0)
            blob_release(pop(channel));
        free(channel->queue);
        free(channel->partial);
    }
    free(conn);
}

/* Sending */

static const struct channel *find(const struct mconn *conn, uint8_t id) {
    uint8_t index = conn->index_of[id];
    return index == 0 ? NULL : &conn->channels[index - 1];
}

bool mconn_has_room(const struct mconn *conn, uint8_t channel) {
    const struct channel *found = find(conn, channel);
    return found != NULL && found->queued < found->table.send_queue_capacity;
}

size_t mconn_queue_size(const struct mconn *conn, uint8_t channel) {
    const struct channel *found = find(conn, channel);
    return found == NULL ? 0 : found->queued;
}

uint64_t mconn_recently_sent(const struct mconn *conn, uint8_t channel) {
    const struct channel *found = find(conn, channel);
    return found == NULL ? 0 : found->recently_sent;
}

void mconn_totals(const struct mconn *conn, uint8_t channel, uint64_t *sent, uint64_t *received) {
    const struct channel *found = find(conn, channel);
    *sent = found == NULL ? 0 : found->sent;
    *received = found == NULL ? 0 : found->received;
}

bool mconn_try_send(struct mconn *conn, uint8_t channel, struct blob *message) {
    if (!mconn_has_room(conn, channel))
        return false;
    struct channel *found = &conn->channels[conn->index_of[channel] - 1];
    size_t last = (found->first + found->queued) % found->table.send_queue_capacity;
    found->queue[last] = blob_hold(message);
    found->queued++;
    conn->queued++;
    return true;
}

void mconn_ping(struct mconn *conn) { conn->wants_ping = true; }

void mconn_pong(struct mconn *conn) { conn->wants_pong = true; }

bool mconn_is_pending(const struct mconn *conn) { return conn->queued > 0 || conn->wants_ping || conn->wants_pong; }

void mconn_decay(struct mconn *conn) {
    for (size_t i = 0; i < conn->channel_count; i++)
        conn->channels[i].recently_sent = conn->channels[i].recently_sent * 4 / 5;
}

/* sent_a / priority_a < sent_b / priority_b, without a division */
static bool sent_less(const struct channel *a, const struct channel *b) {
    return a->recently_sent * b->table.priority < b->recently_sent * a->table.priority;
}

static struct channel *least_sent(struct mconn *conn) {
    struct channel *least = NULL;
    for (size_t i = 0; i < conn->channel_count; i++) {
        struct channel *channel = &conn->channels[i];
        if (channel->queued > 0 && (least == NULL || sent_less(channel, least)))
            least = channel;
    }
    return least;
}

struct packet {
    struct span data;
    uint8_t channel;
    bool is_last;
    size_t message_size; /* of PacketMsg */
};

/* A channel id of two bytes costs a payload byte: the receiver's limit is counted with one. */
static struct packet next_packet(const struct channel *channel) {
    struct span rest = blob_span(channel->queue[channel->first]);
    rest = span_of(rest.data + channel->sent_of_first, rest.size - channel->sent_of_first);
    size_t payload_max = MCONN_PAYLOAD_MAX - (channel->table.id >= 128);
    struct packet packet = {.channel = channel->table.id, .is_last = rest.size <= payload_max};
    packet.data = span_of(rest.data, packet.is_last ? rest.size : payload_max);
    packet.message_size = (packet.channel > 0 ? 1 + proto_varint_size(packet.channel) : 0) + (packet.is_last ? 2 : 0) +
                          (packet.data.size > 0 ? 1 + proto_varint_size(packet.data.size) + packet.data.size : 0);
    return packet;
}

static size_t packet_size(const struct packet *packet) {
    size_t body = 1 + proto_varint_size(packet->message_size) + packet->message_size;
    assert(body <= PACKET_BODY_MAX);
    return proto_varint_size(body) + body;
}

static void write_packet(struct buffer *out, const struct packet *packet, size_t size) {
    struct proto_writer writer;
    proto_writer_init(&writer, buffer_reserve(out, size), size);
    proto_put_varint(&writer, 1 + proto_varint_size(packet->message_size) + packet->message_size);
    proto_put_varint(&writer, PACKET_MSG << 3 | PROTO_BYTES);
    proto_put_varint(&writer, packet->message_size);
    proto_put_uint64(&writer, 1, packet->channel);
    proto_put_bool(&writer, 2, packet->is_last);
    proto_put_bytes(&writer, 3, packet->data);
    assert(!writer.overflow && writer.size == size);
    buffer_add(out, size);
}

static size_t pull_control(struct buffer *out, bool *wanted, uint8_t kind, size_t bytes_max) {
    uint8_t packet[3] = {2, (uint8_t)(kind << 3 | PROTO_BYTES), 0};
    if (!*wanted || bytes_max < sizeof packet)
        return 0;
    buffer_append(out, span_of(packet, sizeof packet));
    *wanted = false;
    return sizeof packet;
}

static void note_sent(struct mconn *conn, struct channel *channel, const struct packet *packet, size_t size, bool *room_made) {
    if (channel->recently_sent < UINT64_C(1) << SENT_MAX_LOG2) /* so that sent_less cannot overflow */
        channel->recently_sent += size;
    channel->sent += size;
    channel->sent_of_first += packet->data.size;
    if (!packet->is_last)
        return;
    if (room_made != NULL && channel->queued == channel->table.send_queue_capacity)
        *room_made = true;
    blob_release(pop(channel));
    conn->queued--;
}

size_t mconn_pull(struct mconn *conn, struct buffer *out, size_t bytes_max, bool *room_made) {
    size_t pulled = pull_control(out, &conn->wants_pong, PACKET_PONG, bytes_max);
    pulled += pull_control(out, &conn->wants_ping, PACKET_PING, bytes_max - pulled);
    for (struct channel *channel; conn->queued > 0; ) {
        channel = least_sent(conn);
        struct packet packet = next_packet(channel);
        size_t size = packet_size(&packet);
        if (size > bytes_max - pulled)
            break;
        write_packet(out, &packet, size);
        note_sent(conn, channel, &packet, size, room_made);
        pulled += size;
    }
    return pulled;
}

/* Receiving */

struct packet_in {
    uint32_t kind; /* of the oneof; the last one wins, as a whole */
    int32_t channel;
    bool is_last;
    struct span data;
};

static void read_packet_msg(struct packet_in *packet, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: packet->channel = proto_int32(reader, &field); break;
        case 2: packet->is_last = proto_bool(reader, &field); break;
        case 3: packet->data = proto_bytes(reader, &field); break;
        }
    }
}

static bool decode_packet(struct packet_in *packet, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    *packet = (struct packet_in){0};
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number > PACKET_MSG)
            continue;
        *packet = (struct packet_in){.kind = field.number};
        struct proto_reader sub = proto_sub(&reader, &field);
        if (field.number == PACKET_MSG)
            read_packet_msg(packet, &sub);
        else
            for (struct proto_field unknown; proto_next(&sub, &unknown);)
                ;
        proto_join(&reader, &sub);
    }
    return !reader.bad && packet->kind != 0;
}

static void hold_partial(struct channel *channel, struct span data) {
    if (data.size == 0)
        return;
    size_t wanted = channel->partial_size + data.size, cap = channel->table.recv_message_capacity;
    assert(wanted <= cap);
    if (wanted > channel->partial_capacity) {
        size_t capacity = wanted <= cap / 2 ? wanted * 2 : cap;
        uint8_t *grown = realloc(channel->partial, capacity);
        assert(grown != NULL);
        channel->partial = grown;
        channel->partial_capacity = capacity;
    }
    memcpy(channel->partial + channel->partial_size, data.data, data.size);
    channel->partial_size = wanted;
}

/* A message in one packet is lent from the input without a copy. */
static enum mconn_verdict take_packet(struct mconn *conn, struct mconn_message *message, const struct packet_in *packet) {
    uint8_t index = packet->channel < 0 || packet->channel > UINT8_MAX ? 0 : conn->index_of[packet->channel];
    if (index == 0)
        return MCONN_UNKNOWN_CHANNEL;
    struct channel *channel = &conn->channels[index - 1];
    if (packet->data.size > channel->table.recv_message_capacity - channel->partial_size)
        return MCONN_MESSAGE_TOO_LARGE;
    channel->received += packet->data.size;
    bool is_whole = packet->is_last && channel->partial_size == 0;
    if (!is_whole)
        hold_partial(channel, packet->data);
    if (!packet->is_last)
        return MCONN_MORE;
    *message = (struct mconn_message){channel->table.id, is_whole ? packet->data : span_of(channel->partial, channel->partial_size)};
    conn->lent = is_whole ? NULL : channel;
    return MCONN_MESSAGE;
}

static void end_loan(struct mconn *conn) {
    struct channel *channel = conn->lent;
    if (channel == NULL)
        return;
    conn->lent = NULL;
    channel->partial_size = 0;
    if (channel->partial_capacity <= PARTIAL_KEPT)
        return;
    free(channel->partial);
    channel->partial = NULL;
    channel->partial_capacity = 0;
}

static enum mconn_verdict receive_packet(struct mconn *conn, struct mconn_message *message, struct span body) {
    struct packet_in packet;
    if (!decode_packet(&packet, body))
        return MCONN_BAD_PACKET;
    switch (packet.kind) {
    case PACKET_PING: return MCONN_PING;
    case PACKET_PONG: return MCONN_PONG;
    default: return take_packet(conn, message, &packet);
    }
}

enum mconn_verdict mconn_receive(struct mconn *conn, struct mconn_message *message, struct span *plain) {
    end_loan(conn);
    while (conn->fault == MCONN_MORE) {
        struct span body;
        long size = proto_delimited(&body, *plain, PACKET_BODY_MAX);
        if (size == 0)
            return MCONN_MORE;
        enum mconn_verdict verdict = size < 0 ? MCONN_PACKET_TOO_LARGE : receive_packet(conn, message, body);
        if (mconn_is_fault(verdict)) {
            conn->fault = verdict;
            break;
        }
        *plain = span_of(plain->data + size, plain->size - (size_t)size);
        if (verdict != MCONN_MORE)
            return verdict;
    }
    return conn->fault;
}
