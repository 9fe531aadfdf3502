/* MConnection (protocol.md §4.3; cometbft p2p/conn/connection.go): messages of many channels as packets on one stream, and
 * back. Pure: no socket, no clock. The owner moves bytes, seals them, answers pings, keeps the rates and calls mconn_decay
 * every two seconds. */
#ifndef QUORATE_NODE_MCONN_H
#define QUORATE_NODE_MCONN_H

#include "crypto/blob.h"
#include "node/buffer.h"

#define MCONN_CHANNELS_MAX 16
#define MCONN_PAYLOAD_MAX  1024 /* max_packet_msg_payload_size; a receiver takes packets of this payload + 10 bytes */
#define MCONN_PACKET_MAX   (MCONN_PAYLOAD_MAX + 12) /* with its length prefix */

struct mconn_channel {
    uint8_t id;
    uint16_t priority;              /* at least 1 */
    uint32_t send_queue_capacity;   /* messages, the one in flight included; at least 1 */
    uint32_t recv_message_capacity; /* bytes */
};

struct mconn;

/* Copies the table. Ids are distinct. */
struct mconn *mconn_new(const struct mconn_channel *channels, size_t count);
void mconn_free(struct mconn *conn); /* releases what is queued; NULL allowed */

/* Sending. try_send holds the blob if it takes it; false: the queue is full, or we have no such channel. */
bool mconn_try_send(struct mconn *conn, uint8_t channel, struct blob *message);
bool mconn_has_room(const struct mconn *conn, uint8_t channel);
size_t mconn_queue_size(const struct mconn *conn, uint8_t channel); /* messages waiting, the one in flight included */
uint64_t mconn_recently_sent(const struct mconn *conn, uint8_t channel);
void mconn_totals(const struct mconn *conn, uint8_t channel, uint64_t *sent, uint64_t *received); /* bytes of messages with their packets; since the beginning */
void mconn_ping(struct mconn *conn); /* goes before all messages; asking again before it left changes nothing */
void mconn_pong(struct mconn *conn);
bool mconn_is_pending(const struct mconn *conn); /* would mconn_pull give anything? */
/* Appends whole packets, together at most bytes_max (give at least MCONN_PACKET_MAX): always of the channel that sent least
 * for its priority, the earlier in the table if equal; a channel's messages never mix. Returns how many bytes. *room_made
 * (may be NULL) becomes true when a full queue has room again. */
size_t mconn_pull(struct mconn *conn, struct buffer *out, size_t bytes_max, bool *room_made);
void mconn_decay(struct mconn *conn); /* what was recently sent counts 4/5 from now on */

/* Receiving. */
enum mconn_verdict {
    MCONN_MORE = 0, /* no whole packet is left: come again with what follows */
    MCONN_MESSAGE,
    MCONN_PING, /* answer with mconn_pong */
    MCONN_PONG,
    /* faults of the peer; final */
    MCONN_BAD_PACKET,
    MCONN_PACKET_TOO_LARGE,
    MCONN_UNKNOWN_CHANNEL,
    MCONN_MESSAGE_TOO_LARGE,
};
const char *mconn_verdict_text(enum mconn_verdict verdict);
static inline bool mconn_is_fault(enum mconn_verdict verdict) { return verdict >= MCONN_BAD_PACKET; }

struct mconn_message {
    uint8_t channel;
    struct span bytes; /* a loan until the next call, and as long as the input lives */
};

/* Call until it says MORE. Advances `plain` over what it consumed. What is held of unfinished messages grows only with what
 * arrived, at most to twice that, and never above their channel's capacity. */
enum mconn_verdict mconn_receive(struct mconn *conn, struct mconn_message *message, struct span *plain);

#endif
