/* Who is connected: listening, dialling, redialling, limits, bans, and the exchange of addresses (channel 00; protocol.md §4.2, §4.5; cometbft: p2p/switch.go,
 * p2p/transport.go, p2p/pex). Links (link.h) do the bytes. Peers are numbered from 1 and a number is not used again (before 2^32 others were).
 *
 * Bounds: SWITCHBOARD_LINKS_MAX links, of which those to persistent peers and max_num_outbound_peers are kept free of strangers; few half-open
 * connections in all and from one address, of which the oldest gives way once it had a second. Of two connections between the same nodes both
 * sides keep the one dialled by the smaller id. Ids in unconditional_peer_ids and persistent_peers are exempt from the limits of number and
 * address. SIGPIPE is ignored from switchboard_new on. */
#ifndef QUORATE_NODE_SWITCHBOARD_H
#define QUORATE_NODE_SWITCHBOARD_H

#include "node/link.h"
#include "node/world.h"

#define SWITCHBOARD_LINKS_MAX 256  /* handshakes under way included */
#define SWITCHBOARD_HANDSHAKES_MAX 64 /* inbound */
#define SWITCHBOARD_HANDSHAKES_PER_IP_MAX 8 /* 48 if addresses may be shared (allow_duplicate_ip) */
#define SWITCHBOARD_STAYED_MS 10000 /* a peer that leaves sooner is redialled as one that never came */
#define SWITCHBOARD_PROBE_MS  10000 /* for the present connection's pong when its node connects once more */
#define SWITCHBOARD_ENSURE_MS 30000 /* between requests for addresses, and between seeds, while outbound peers are lacking */
#define SWITCHBOARD_BAN_MS    (10 * 60 * 1000)
#define SWITCHBOARD_PEX_BAN_MS (24 * 3600 * 1000) /* for unsolicited or too frequent address talk */
#define SWITCHBOARD_SAVE_MS     (2 * 60 * 1000) /* between writings of the address book, if it changed */
#define SWITCHBOARD_CRAWL_MS    (2 * 60 * 1000) /* before a seed visits the same node again */
#define SWITCHBOARD_VISIT_MS    10000 /* for the answer of a node that a seed visits */
#define SWITCHBOARD_WAIT_MS     60000 /* for the question of a node that comes to a seed */

struct switchboard_config { /* [p2p] of config.toml; texts are loans, lists are comma separated */
    const char *laddr;      /* "tcp://0.0.0.0:26656" */
    const char *persistent_peers, *seeds, *unconditional_peer_ids, *private_peer_ids;
    const char *addr_book_path; /* addrbook.json; NULL: addresses are forgotten at the end */
    const char *allow_only_ids; /* not empty: these, and those named above, and nobody else; may be NULL */
    uint32_t max_num_inbound_peers, max_num_outbound_peers;
    bool allow_duplicate_ip, pex, addr_book_strict;
    bool seed_mode; /* with pex: looks for nodes, tells of them and hangs up; speaks on channel 00 alone, and the listener hears of nobody */
    bool allow_only; /* the same without further ids */
    int64_t persistent_peers_max_dial_period_ms; /* 0: our cap of 30 s */
    int64_t handshake_timeout_ms, dial_timeout_ms; /* 0: 20 s, 3 s */
    int64_t ban_ms; /* for provable malice; 0: SWITCHBOARD_BAN_MS */
    /* filter_peers: may a peer of this address ("/p2p/filter/addr/IP:PORT", before the handshake) and id ("/p2p/filter/id/ID") come? NULL: all may. */
    bool (*admits)(void *context, const char *path);
    void *admits_context;
    int64_t send_rate, recv_rate; /* bytes per second and peer, a second's worth at once; 0: no limit */
};

struct switchboard_listener {
    void *context;
    void (*peer_up)(void *context, uint32_t peer, const char *id);
    void (*peer_down)(void *context, uint32_t peer);
    void (*message)(void *context, uint32_t peer, uint8_t channel, struct span bytes);
    void (*writable)(void *context, uint32_t peer);
    void (*log)(void *context, enum world_level level, const char *text);
    void (*pong)(void *context, uint32_t peer, int64_t round_trip_us); /* may be NULL */
};

struct switchboard;

/* `info` gets our channels, and the real listen address if it has none or port 0; it is kept as a loan, like `node_key`. NULL with *error
 * malloc'ed (a taken port, a malformed address). Begins to listen and dial at once. */
struct switchboard *switchboard_new(struct event_base *base, const struct switchboard_config *config, const struct ed25519_key *node_key,
                                    struct node_info *info, const struct switchboard_listener *listener, char **error);
void switchboard_free(struct switchboard *board); /* without a word to the listener; not from inside its callbacks */

bool switchboard_send(struct switchboard *board, uint32_t peer, uint8_t channel, struct blob *message);
void switchboard_ping(struct switchboard *board, uint32_t peer);
void switchboard_drop(struct switchboard *board, uint32_t peer, enum world_blame blame, const char *reason);
void switchboard_flush(struct switchboard *board); /* what was sent in this turn leaves */

struct switchboard_wish { /* as in switchboard_config */
    const char *addresses; /* "id@host:port,…" */
    bool persistent, unconditional, private;
};
/* Dials these at once, and from now on if they are persistent. NULL, or a complaint (malloc'ed): then nothing was done. */
char *switchboard_dial(struct switchboard *board, const struct switchboard_wish *wish);

uint16_t switchboard_port(const struct switchboard *board);
uint32_t switchboard_count(const struct switchboard *board, bool outbound);
/* Calls for each peer that is up; `visit` drops none. */
void switchboard_each(const struct switchboard *board, void (*visit)(void *context, uint32_t peer, const struct link *link), void *context);
const struct mconn_channel *switchboard_channel(uint8_t id); /* NULL: none of ours */
bool switchboard_is_banned(const struct switchboard *board, const char *id);

#endif
