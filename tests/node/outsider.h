/* For tests of the network: a clock, a turn of the loop, and an outsider: a peer on a real loopback socket that speaks the protocol with the node's own pure
 * parts (secretconn, mconn, node_info), and can stop, stay silent or speak nonsense at any point. */
#ifndef QUORATE_TESTS_OUTSIDER_H
#define QUORATE_TESTS_OUTSIDER_H

#include <event2/event.h>

#include "node/mconn.h"
#include "node/node_info.h"
#include "node/secretconn.h"

enum outsider_stage { OUTSIDER_SILENT, OUTSIDER_GREETED, OUTSIDER_SECRET, OUTSIDER_UP };

struct outsider {
    int fd; /* −1: closed */
    struct ed25519_key *key;
    char id[41];
    enum outsider_stage goes_to; /* no further by itself; SILENT: raw bytes only */
    enum outsider_stage stage;
    struct secretconn *secret;
    struct mconn *mconn;
    struct node_info info, theirs;
    struct buffer in, plain, out, packets;
    bool deaf;  /* reads nothing */
    bool drips; /* sends a byte at a time */
    bool pongs; /* answers pings */
    uint32_t pings, messages;
    uint64_t bytes; /* read off the socket */
    uint8_t last_channel;
    uint8_t last[65536];
    size_t last_size;
    void (*hear)(struct outsider *outsider, uint8_t channel, struct span message); /* NULL, or called for each message, whole */
    void *context;
};

int64_t outsider_clock(void); /* CLOCK_MONOTONIC, ms */
/* A socket of 127.0.0.1 that listens at *port (0: any, told). −1: taken. */
int outsider_listen(uint16_t *port);
/* A connection to 127.0.0.1:port from the loopback address 127.0.0.`source`. −1: refused. */
int outsider_connect(uint16_t port, uint8_t source);

struct ed25519_key *outsider_key(uint32_t seed);
struct node_info outsider_info(const struct ed25519_key *key, const char *network);
/* Takes fd. Goes as far as `goes_to` when pumped. */
void outsider_open(struct outsider *outsider, int fd, uint32_t seed, const char *network, enum outsider_stage goes_to);
void outsider_close(struct outsider *outsider);            /* also one that was never opened, if all zero */
bool outsider_is_cut_off(const struct outsider *outsider); /* the other side closed */
void outsider_pump(struct outsider *outsider);             /* what can be done now without waiting */
void outsider_raw(struct outsider *outsider, const void *bytes, size_t size);
void outsider_plain(struct outsider *outsider, const void *bytes, size_t size); /* into the secret connection */
void outsider_say(struct outsider *outsider, uint8_t channel, const void *bytes, size_t size);

/* One look at everything: the loop (NULL: none) and all open outsiders. */
void outsider_turn(struct event_base *base);
/* Turns until the condition holds; a test that waits too long fails at its line. */
#define outsider_wait(base, ms, condition)                                                                                     \
    do {                                                                                                                       \
        int64_t give_up = outsider_clock() + (ms);                                                                             \
        while (!(condition)) {                                                                                                 \
            ck_assert_msg(outsider_clock() < give_up, "in vain: %s", #condition);                                              \
            outsider_turn(base);                                                                                               \
        }                                                                                                                      \
    } while (0)
void outsider_rest(struct event_base *base, int64_t ms); /* turns for so long */

#endif
