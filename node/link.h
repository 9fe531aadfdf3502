/* One connection to one node: socket, SecretConnection, NodeInfo, MConnection, from the first byte to the last. It knows nothing of what messages mean,
 * nor whether the peer is wanted: its owner (the switchboard) is asked at each door. libevent is known here and in the other p2p files only.
 *
 * What is handed to link_send in one turn of the loop leaves in as few frames as possible at link_flush. Queues are bounded by the
 * channel table, what waits in the socket's buffer by LINK_OUTPUT_MAX and one pull (64 KiB) more, what arrived by the same and the
 * capacities of the channels.
 *
 * A link dies once (link_kill, from wherever: also inside its own callbacks, in the middle of a batch of messages) and is freed by its owner in a
 * later turn of the loop. Writing to a socket that the other side left raises SIGPIPE: the process ignores it. */
#ifndef QUORATE_NODE_LINK_H
#define QUORATE_NODE_LINK_H

#include "node/mconn.h"
#include "node/node_info.h"
#include "node/secretconn.h"

struct bufferevent;
struct sockaddr_storage;
struct event_base;
struct evdns_base;
struct ev_token_bucket_cfg;

#define LINK_OUTPUT_MAX (256 * 1024) /* bytes in the socket's buffer above which no more are pulled from the queues */
#define LINK_WHY_SIZE   160

enum link_phase { LINK_CONNECTING, LINK_SHAKING, LINK_INTRODUCING, LINK_UP, LINK_DEAD };

struct link;

struct link_owner { /* `context` goes with every call; none may free the link: link_kill, and link_free in a later turn */
    void *context;
    /* The key is proven: may it stay? NULL or a reason (static text). */
    const char *(*authenticated)(void *context, struct link *link, const char *id);
    /* Introduced and compatible: the link is up. NULL or a reason. */
    const char *(*introduced)(void *context, struct link *link);
    void (*message)(void *context, struct link *link, uint8_t channel, struct span bytes);
    void (*writable)(void *context, struct link *link); /* a queue that was full has room */
    /* The link is dead: why (a loan until return), and whether the peer is at fault. Called once, never before link_accept or link_dial return. */
    void (*dead)(void *context, struct link *link, const char *why, bool fault);
    void (*pong)(void *context, struct link *link, int64_t round_trip_us); /* may be NULL */
};

struct link_settings { /* loans for the links' lives */
    struct event_base *base;
    struct evdns_base *dns; /* for hosts that are no literal addresses; NULL: those cannot be dialled. Never resolved in the loop's own time. */
    const struct ed25519_key *node_key;
    const struct node_info *info;
    const struct mconn_channel *channels;
    size_t channel_count;
    int64_t handshake_timeout_ms, dial_timeout_ms;
    int64_t ping_interval_ms, pong_timeout_ms; /* 60 s, 45 s */
    struct ev_token_bucket_cfg *rate; /* send_rate, recv_rate; NULL: no limit */
};

struct link_counts {
    uint64_t bytes_sent, bytes_received;
};

/* An accepted socket (owned from now on), or a dial to an address, whose id is whom we expect to answer. NULL when there is no socket to be had. */
struct link *link_accept(const struct link_settings *settings, const struct link_owner *owner, int fd, const char *remote_ip);
struct link *link_dial(const struct link_settings *settings, const struct link_owner *owner, const struct netaddress *address);
/* A literal address for the system; returns its size. */
unsigned link_sockaddr(struct sockaddr_storage *out, const struct netaddress *address);
void link_free(struct link *link); /* silently; not from inside a callback of this link */
void link_kill(struct link *link, const char *why, bool fault); /* dead is called now; free it later */

bool link_send(struct link *link, uint8_t channel, struct blob *message); /* holds it if taken */
void link_flush(struct link *link);
bool link_has_pending(const struct link *link);
bool link_is_drained(const struct link *link); /* all that was sent has left for the kernel */
void link_tick(struct link *link, int64_t now_ms); /* about every second or more often (CLOCK_MONOTONIC): pings, timeouts */
/* Is it still there? A ping now; without its pong within `within_ms` the link dies. */
void link_probe(struct link *link, int64_t now_ms, int64_t within_ms);

void link_ping(struct link *link); /* without a threat; its pong is told */
size_t link_pending_bytes(const struct link *link); /* in the socket's buffer */

enum link_phase link_phase(const struct link *link);
bool link_is_outbound(const struct link *link);
const char *link_id(const struct link *link);          /* "" until authenticated; lower case */
const char *link_expected_id(const struct link *link); /* whom we dialled; "" inbound */
const char *link_remote_ip(const struct link *link); /* canonical; the host as written until a name is resolved */
const struct node_info *link_info(const struct link *link); /* when up */
const struct mconn *link_mconn(const struct link *link);    /* when up */
struct link_counts link_count(const struct link *link);
int64_t link_age_ms(const struct link *link, int64_t now_ms);
void *link_tag(const struct link *link); /* the owner's */
void link_set_tag(struct link *link, void *tag);

#endif
