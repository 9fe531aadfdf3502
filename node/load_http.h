/* One keep-alive HTTP/1.1 connection to a node's RPC, a request at a time: what a load generator and a watcher need and no more. Answers are
 * bounded and may come with a length or in chunks; compressed ones are refused (none is asked for), so no answer can unfold. */
#ifndef QUORATE_NODE_LOAD_HTTP_H
#define QUORATE_NODE_LOAD_HTTP_H

#include "node/buffer.h"

struct event_base;
struct event;

#define LOAD_HTTP_HEAD_MAX 16384
#define LOAD_HTTP_HOST_MAX 128

struct load_http_place { /* where a node listens */
    char host[LOAD_HTTP_HOST_MAX]; /* as it goes into Host, with the port */
    uint8_t address[28];           /* struct sockaddr_in or sockaddr_in6 */
    uint32_t address_size;
};
/* "http://host:port", also without the scheme or with tcp://, a '/' at the end allowed. Names are resolved now (it may block). NULL, or a
 * static text that says what is wrong. */
const char *load_http_resolve(struct load_http_place *place, const char *url);

/* Exactly one of them is called for each load_http_post; both may post again. `body` is a loan for the call. After `broke` the connection
 * is closed; the next load_http_post opens it anew. */
struct load_http_owner {
    void *context;
    void (*answered)(void *context, int status, struct span body);
    void (*broke)(void *context, const char *reason);
};

struct load_http {
    struct event_base *base;
    const struct load_http_place *place;
    struct load_http_owner owner;
    size_t body_max;
    int fd; /* −1: closed */
    bool is_waiting;
    struct event *readable, *writable;
    struct buffer in, out, chunks;
    /* of the answer being read */
    bool in_body, is_chunked, is_last;
    int status;
    size_t head_size, length;
};

void load_http_init(struct load_http *http, struct event_base *base, const struct load_http_place *place, size_t body_max,
                    struct load_http_owner owner);
void load_http_close(struct load_http *http); /* calls nobody; may be used again */
/* Must not be waiting for an answer. A failure is told by `broke`, at the earliest from the loop, never from within. */
void load_http_post(struct load_http *http, struct span body);

#endif
