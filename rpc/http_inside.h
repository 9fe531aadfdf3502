/* Shared by the files of the HTTP server (http*.c) only. */
#ifndef QUORATE_RPC_HTTP_INSIDE_H
#define QUORATE_RPC_HTTP_INSIDE_H

#include <event2/event.h>

#include "rpc/call.h"
#include "rpc/http.h"
#include "rpc/request.h"
#include "rpc/stream.h"
#include "rpc/websocket.h"

enum {
    WRITE_BYTES_PER_MS = 64,  /* slower readers are cut off */
    LINGER_MS = 1000,
    RETRY_MS = 1000,          /* after accept failed */
    BUFFER_BYTES = 4096,
    BUFFER_KEPT_BYTES = 65536,
    CONNECTIONS_MAX = 65536,  /* when the config says 0 */
};

struct connection {
    struct http *http;
    struct connection *next, *previous;
    struct event *readable, *writable;
    struct stream stream;
    uint8_t *in;
    size_t in_at, in_size, in_capacity; /* unread bytes lie in [in_at, in_size) */
    size_t head_seen, head_size;        /* of the request at in_at; head_size 0: not whole yet */
    struct request request;
    struct request_chunks chunks;
    struct bucket_client client;
    int rights; /* of the request at in_at, or of the websocket */
    struct exchange *waiting;
    struct websocket *websocket; /* after an upgrade: all that follows is its */
    struct emit out; /* what the socket did not take, from out_at on */
    size_t out_at;
    int64_t deadline_ms;
    uint32_t entered; /* handlers on the stack: it is not freed under them */
    bool reading, closing, lingering, closed;
};

struct http {
    struct rpc *rpc;
    struct http_patience patience;
    struct evconnlistener *listener;
    struct stream_tls *tls; /* NULL: plain */
    struct event *sweep, *retry;
    struct connection *connections; /* the latest first */
    uint32_t count, count_max;
    uint64_t out_bytes; /* waiting in all `out`s */
    bool full;          /* not accepting until one closes */
    struct emit head;   /* scratch */
    char stamp[96];     /* Date and X-Server-Time lines of second stamp_at */
    int64_t stamp_at;
    uint16_t port;
};

struct http_answer {
    int status;
    struct span type; /* Content-Type; empty: none */
    bool cacheable;
    struct span body;
    const char *lines; /* more of the head, each with its CRLF; NULL: none */
};

/* http.c: the life of a connection. What lasts until http_leave may close it and still look at it. */
void http_enter(struct connection *c);
void http_leave(struct connection *c);
void http_close(struct connection *c);
void http_drop(struct connection *c); /* from outside of its handlers */
void http_want_read(struct connection *c, bool want);
void http_forget_output(struct connection *c);
void http_cap_output(struct http *http); /* too much waits for slow readers: the one with the most goes */

/* http_answer.c. `owner`: whose memory the body is, if it may be taken; else NULL */
void http_answer(struct connection *c, const struct http_answer *answer, struct emit *owner);
void http_answer_exchange(struct connection *c, struct exchange *exchange);
void http_refuse(struct connection *c, int status); /* the connection ends with a plain word on why */
void http_refuse_body(struct connection *c, const char *why);
void http_answer_is_out(struct connection *c);

/* http_serve.c: the requests in its buffer, one after the other. */
void http_serve(struct connection *c);
bool http_is_open(const struct connection *c); /* ready for a request */

#endif
