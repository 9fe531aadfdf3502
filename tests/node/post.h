/* For tests of the network: a switchboard with a listener that writes down what it hears, on a real loopback socket. */
#ifndef QUORATE_TESTS_POST_H
#define QUORATE_TESTS_POST_H

#include "node/switchboard.h"
#include "tests/node/outsider.h"

#define POST_HEARD_MAX 4096
#define POST_LINES_MAX 2048

enum post_heard { POST_UP = 1, POST_DOWN, POST_MESSAGE, POST_WRITABLE };

struct post {
    struct ed25519_key *key;
    struct node_info info;
    struct switchboard_config config;
    struct switchboard *board;
    struct { /* in order */
        enum post_heard what;
        uint32_t peer;
        uint8_t channel;
        size_t size;
    } heard[POST_HEARD_MAX];
    uint32_t heard_count, ups, downs, messages, writables;
    uint32_t last_peer; /* that came up */
    char last_id[41];
    uint32_t line_count;
    char *lines[POST_LINES_MAX];
    void (*react)(struct post *post, enum post_heard what, uint32_t peer); /* NULL, or what the listener does besides */
};

/* Sets key, info and a config: 127.0.0.1:`port`, 40 in, 10 out, shared addresses allowed, no address exchange. Change it, then start. */
void post_prepare(struct post *post, uint32_t seed, uint16_t port);
void post_start(struct post *post, struct event_base *base); /* the test fails if it cannot */
void post_stop(struct post *post);                           /* the board alone; may be started again */
void post_close(struct post *post);
void post_address(char out[100], const struct post *post);   /* id@127.0.0.1:port of a started one */
void post_admit(struct post *post, struct outsider *outsider, uint32_t seed, uint8_t source, enum outsider_stage goes_to);
bool post_send(struct post *post, uint32_t peer, uint8_t channel, size_t size, uint8_t fill);
uint32_t post_peers(const struct post *post);
bool post_said(const struct post *post, const char *part); /* in any line of its log */
uint16_t post_free_port(void);

#endif
