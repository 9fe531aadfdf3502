/* Connections. One request at a time on each: what comes after it waits in the buffer until the answer is out. Every connection has a deadline,
 * looked at once a second: a whole request within read_ms of its first byte, an answer taken within write_ms and a little per byte. */
#define _GNU_SOURCE /* asprintf */
#include "rpc/http.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rpc/call.h"
#include "rpc/cors.h"
#include "rpc/listen.h"
#include "rpc/request.h"

static const struct http_patience usual = {.read_ms = 10000, .write_ms = 10000, .idle_ms = 60000, .output_bytes_max = 256u * 1024 * 1024};

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
    int fd;
    uint8_t *in;
    size_t in_at, in_size, in_capacity; /* unread bytes lie in [in_at, in_size) */
    size_t head_seen, head_size;        /* of the request at in_at; head_size 0: not whole yet */
    struct request request;
    struct request_chunks chunks;
    struct exchange *waiting;
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

int64_t rpc_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- life of a connection */

static void sweep_begin(struct http *http);

static void forget_output(struct connection *c) {
    c->http->out_bytes -= c->out.capacity;
    emit_close(&c->out);
    c->out_at = 0;
}

static void connection_close(struct connection *c) {
    if (c->closed)
        return;
    struct http *http = c->http;
    c->closed = true;
    if (c->waiting != NULL) {
        exchange_close_with(c->waiting, c->in); /* its request lies in there */
        c->in = NULL;
    }
    c->waiting = NULL;
    event_free(c->readable);
    event_free(c->writable);
    close(c->fd);
    forget_output(c);
    *(c->previous == NULL ? &http->connections : &c->previous->next) = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    http->count--;
    if (http->full) {
        http->full = false;
        evconnlistener_enable(http->listener);
    }
}

static void enter(struct connection *c) { c->entered++; }

static void leave(struct connection *c) {
    if (--c->entered > 0 || !c->closed)
        return;
    free(c->in);
    free(c);
}

/* From outside of its handlers. */
static void connection_drop(struct connection *c) {
    enter(c);
    connection_close(c);
    leave(c);
}

static void want_read(struct connection *c, bool want) {
    if (c->reading == want)
        return;
    c->reading = want;
    if (want)
        event_add(c->readable, NULL);
    else
        event_del(c->readable);
}

/* ---- output */

static const char *reason_of(int status) {
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 505: return "HTTP Version Not Supported";
    default: return "Internal Server Error";
    }
}

static const char *stamp_of(struct http *http) {
    struct timestamp now = http->rpc->host.now(http->rpc->host.context);
    if (now.seconds != http->stamp_at) {
        struct tm parts;
        char date[40];
        time_t seconds = (time_t)now.seconds;
        gmtime_r(&seconds, &parts);
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        snprintf(http->stamp, sizeof http->stamp, "X-Server-Time: %lld\r\nDate: %s\r\n", (long long)now.seconds, date);
        http->stamp_at = now.seconds;
    }
    return http->stamp;
}

struct answer {
    int status;
    struct span type; /* Content-Type; empty: none */
    bool cacheable;
    struct span body;
};

static void write_head(struct connection *c, const struct answer *answer) {
    struct emit *head = &c->http->head;
    char text[128];
    head->size = 0;
    snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\n", answer->status, reason_of(answer->status));
    emit_literal(head, text);
    emit_literal(head, stamp_of(c->http));
    if (answer->type.size > 0) {
        emit_literal(head, "Content-Type: ");
        emit_raw(head, answer->type);
        emit_literal(head, "\r\n");
    }
    if (answer->cacheable)
        emit_literal(head, "Cache-Control: public, max-age=86400\r\n");
    if (c->head_size > 0)
        cors_headers(head, &c->http->rpc->config, &c->request);
    if (c->closing)
        emit_literal(head, "Connection: close\r\n");
    else if (c->request.is_http_1_0)
        emit_literal(head, "Connection: keep-alive\r\n");
    snprintf(text, sizeof text, "Content-Length: %zu\r\n\r\n", answer->body.size);
    emit_literal(head, answer->status == 204 ? "\r\n" : text);
}

/* Too much waits for slow readers: the one with the most goes. */
static void cap_output(struct http *http) {
    while (http->out_bytes > http->patience.output_bytes_max) {
        struct connection *worst = http->connections;
        for (struct connection *c = worst; c != NULL; c = c->next)
            if (c->out.capacity > worst->out.capacity)
                worst = c;
        connection_drop(worst);
    }
}

/* Keeps what the socket did not take: `taken` bytes of head and body are gone. The body's memory moves if it can. */
static void keep_output(struct connection *c, struct span body, size_t taken, struct emit *owner) {
    struct emit *head = &c->http->head;
    assert(c->out.size == 0);
    if (taken >= head->size && owner != NULL && owner->capacity > 0) {
        size_t offset = (size_t)((const char *)body.data - owner->data);
        c->out = emit_take(owner);
        c->out_at = offset + (taken - head->size);
    } else {
        emit_init(&c->out);
        emit_room(&c->out, head->size + body.size);
        emit_raw(&c->out, span_of(head->data, head->size));
        emit_raw(&c->out, body);
        c->out_at = taken;
    }
    c->http->out_bytes += c->out.capacity;
    c->deadline_ms = rpc_clock_ms() + c->http->patience.write_ms + (int64_t)((c->out.size - c->out_at) / WRITE_BYTES_PER_MS);
    want_read(c, false);
    event_add(c->writable, NULL);
    cap_output(c->http);
}

static void begin_linger(struct connection *c) {
    shutdown(c->fd, SHUT_WR);
    c->lingering = true;
    c->deadline_ms = rpc_clock_ms() + LINGER_MS;
    want_read(c, true);
}

static void answer_is_out(struct connection *c) {
    if (!c->closing)
        return;
    /* The client may still be sending: closing now would reset the connection and lose the answer. */
    begin_linger(c);
}

static void send_answer(struct connection *c, const struct answer *answer, struct emit *owner) {
    write_head(c, answer);
    struct span body = answer->body;
    if (c->head_size > 0 && span_equal(c->request.method, span_text("HEAD")))
        body.size = 0;
    struct iovec pieces[2] = {
        {c->http->head.data, c->http->head.size},
        {(void *)(uintptr_t)body.data, body.size},
    };
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = body.size > 0 ? 2 : 1};
    ssize_t sent;
    do
        sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        connection_close(c);
        return;
    }
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    if (taken < c->http->head.size + body.size)
        keep_output(c, body, taken, owner);
    else
        answer_is_out(c);
}

static void send_exchange(struct connection *c, struct exchange *exchange) {
    struct answer answer = {
        .status = exchange->status,
        .cacheable = exchange->cacheable,
        .body = exchange_body(exchange),
    };
    if (answer.body.size > 0)
        answer.type = exchange->plain.size > 0 ? exchange->plain : span_text("application/json");
    send_answer(c, &answer, &exchange->out);
}

/* The connection ends with a plain word on why. */
static void refuse(struct connection *c, int status) {
    char text[64];
    snprintf(text, sizeof text, "%d %s", status, reason_of(status));
    c->closing = true;
    send_answer(c, &(struct answer){.status = status, .type = span_text("text/plain; charset=utf-8"), .body = span_text(text)}, NULL);
}

static void refuse_body(struct connection *c, const char *why) {
    char text[256];
    snprintf(text, sizeof text,
             "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"Invalid Request\",\"data\":\"error reading request body: %s\"}}", why);
    c->closing = true;
    send_answer(c, &(struct answer){.status = 400, .type = span_text("application/json"), .body = span_text(text)}, NULL);
}

/* ---- requests */

static void serve(struct connection *c);

/* The request at the front is answered: on to the next. */
static void finish_request(struct connection *c, size_t body_raw) {
    c->in_at += c->head_size + body_raw;
    c->head_size = c->head_seen = 0;
    c->chunks = (struct request_chunks){0};
}

static size_t raw_body_size(const struct connection *c) { return c->request.chunked ? c->chunks.in : (size_t)c->request.length; }

static void on_done(struct exchange *exchange) {
    struct connection *c = exchange->context;
    enter(c);
    c->waiting = NULL;
    c->deadline_ms = rpc_clock_ms() + c->http->patience.idle_ms;
    send_exchange(c, exchange);
    exchange_close(exchange);
    if (!c->closed) {
        finish_request(c, raw_body_size(c));
        if (c->out.size == 0)
            want_read(c, true);
        serve(c);
    }
    leave(c);
}

static void send_index(struct connection *c) {
    struct emit page;
    emit_init(&page);
    routes_index(&page, c->request.host);
    send_answer(c, &(struct answer){.status = 200, .type = span_text("text/html"), .body = span_of(page.data, page.size)}, &page);
    emit_close(&page);
}

static bool is_form(const struct request *request) {
    static const char type[] = "application/x-www-form-urlencoded";
    return span_equal(request->method, span_text("POST")) && request->content_type.size >= sizeof type - 1 &&
           request_text_is(span_of(request->content_type.data, sizeof type - 1), type);
}

/* true: complete. */
static bool run_exchange(struct connection *c, struct exchange *exchange, struct span path, struct span body) {
    if (span_equal(path, span_text("/")))
        return exchange_post(exchange, body);
    struct span method = span_of(path.data + 1, path.size - 1);
    return exchange_uri(exchange, method, c->request.query, is_form(&c->request) ? body : span_of(NULL, 0));
}

/* false: the answer comes later. */
static bool handle(struct connection *c, struct span body) {
    if (cors_is_preflight(&c->http->rpc->config, &c->request)) {
        send_answer(c, &(struct answer){.status = 204}, NULL);
        return true;
    }
    struct span path = c->request.path;
    if (span_equal(path, span_text("/")) && body.size == 0) {
        send_index(c);
        return true;
    }
    struct exchange *exchange = exchange_open(c->http->rpc);
    exchange->done = on_done;
    exchange->context = c;
    if (memchr(path.data, '%', path.size) != NULL && !args_unescape(&path, path, false, &exchange->arena)) {
        exchange_close(exchange);
        refuse(c, 400);
        return true;
    }
    bool complete = run_exchange(c, exchange, path, body);
    if (complete) {
        send_exchange(c, exchange);
        exchange_close(exchange);
    } else {
        c->waiting = exchange;
        c->deadline_ms = INT64_MAX; /* the waiters have their own */
    }
    return complete;
}

static void say_continue(struct connection *c) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    ssize_t sent = send(c->fd, text, sizeof text - 1, MSG_NOSIGNAL);
    if (sent != (ssize_t)sizeof text - 1)
        connection_close(c); /* the buffer of a client that has got nothing yet is full: no client of ours */
}

/* false: not whole yet, or refused. */
static bool take_head(struct connection *c) {
    const struct rpc_config *config = &c->http->rpc->config;
    struct span unread = span_of(c->in + c->in_at, c->in_size - c->in_at);
    size_t size = request_head_size(unread, &c->head_seen);
    if ((size == 0 ? unread.size : size) > config->max_header_bytes) {
        refuse(c, 431);
        return false;
    }
    if (size == 0)
        return false;
    int status = request_parse(&c->request, span_of(unread.data, size));
    if (status != 0) {
        refuse(c, status);
        return false;
    }
    c->head_size = size;
    c->closing = !c->request.keep_alive;
    if (c->request.length > config->max_body_bytes) {
        refuse_body(c, "http: request body too large");
        return false;
    }
    if (c->request.expects_continue && unread.size == size)
        say_continue(c);
    return !c->closed;
}

/* The body's bytes, once whole. */
static bool take_body(struct connection *c, struct span *body) {
    uint8_t *raw = c->in + c->in_at + c->head_size;
    size_t raw_size = c->in_size - c->in_at - c->head_size;
    if (!c->request.chunked) {
        *body = span_of(raw, (size_t)c->request.length);
        return raw_size >= c->request.length;
    }
    enum request_progress progress = request_unchunk(&c->chunks, raw, raw_size, c->http->rpc->config.max_body_bytes);
    *body = span_of(raw, c->chunks.out);
    if (progress == REQUEST_TOO_LARGE)
        refuse_body(c, "http: request body too large");
    else if (progress == REQUEST_BAD)
        refuse_body(c, "malformed chunked encoding");
    else if (progress == REQUEST_MORE) { /* the framing's place is free again */
        memmove(raw + c->chunks.out, raw + c->chunks.in, raw_size - c->chunks.in);
        c->in_size -= c->chunks.in - c->chunks.out;
        c->chunks.in = c->chunks.out;
    }
    return progress == REQUEST_WHOLE;
}

static bool is_open(const struct connection *c) { return !c->closed && !c->lingering && c->waiting == NULL && c->out.size == 0; }

static void skip_blank_lines(struct connection *c) {
    while (c->head_size == 0 && c->head_seen == 0 && c->in_at < c->in_size && (c->in[c->in_at] == '\r' || c->in[c->in_at] == '\n'))
        c->in_at++;
}

static void serve(struct connection *c) {
    struct span body;
    while (is_open(c)) {
        skip_blank_lines(c);
        if (c->in_at == c->in_size)
            break;
        if ((c->head_size == 0 && !take_head(c)) || !take_body(c, &body))
            return;
        c->deadline_ms = rpc_clock_ms() + c->http->patience.idle_ms;
        if (!handle(c, body) || c->closed)
            return;
        finish_request(c, raw_body_size(c));
        if (c->in_at < c->in_size && c->out.size == 0 && !c->lingering)
            c->deadline_ms = rpc_clock_ms() + c->http->patience.read_ms;
    }
}

/* ---- events */

/* Room for what is known to come, or at least for a page. The request that lies in the buffer moves to its front; its loans move too, so
 * this happens only between requests or while a body is still coming. */
static void make_room(struct connection *c) {
    if (c->in_at == c->in_size)
        c->in_at = c->in_size = 0;
    size_t unread = c->in_size - c->in_at, wanted = BUFFER_BYTES;
    if (c->head_size > 0 && !c->request.chunked && c->head_size + c->request.length > unread)
        wanted = c->head_size + (size_t)c->request.length - unread;
    if (c->in_capacity - c->in_size >= (wanted < BUFFER_BYTES ? wanted : BUFFER_BYTES / 2) && c->in_capacity > 0)
        return;
    size_t capacity = unread + wanted > 2 * c->in_capacity ? unread + wanted : 2 * c->in_capacity;
    uint8_t *moved = malloc(capacity);
    assert(moved != NULL);
    if (unread > 0)
        memcpy(moved, c->in + c->in_at, unread);
    free(c->in);
    c->in = moved;
    c->in_capacity = capacity;
    c->in_at = 0;
    c->in_size = unread;
    if (c->head_size > 0) {
        int status = request_parse(&c->request, span_of(c->in, c->head_size)); /* the loans anew */
        assert(status == 0);
    }
}

static void drain(struct connection *c) {
    uint8_t waste[16384];
    ssize_t got = recv(c->fd, waste, sizeof waste, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        connection_close(c);
}

/* While an answer is under way we only look whether the client is still there. */
static void peek(struct connection *c) {
    uint8_t byte;
    ssize_t got = recv(c->fd, &byte, 1, MSG_PEEK);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        connection_close(c);
    else if (got > 0)
        want_read(c, false);
}

static void receive(struct connection *c) {
    make_room(c);
    ssize_t got = recv(c->fd, c->in + c->in_size, c->in_capacity - c->in_size, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        connection_close(c);
        return;
    }
    got = got < 0 ? 0 : got;
    if (got > 0 && c->in_at == c->in_size)
        c->deadline_ms = rpc_clock_ms() + c->http->patience.read_ms; /* the first byte of a request */
    c->in_size += (size_t)got;
    serve(c);
    if (!c->closed && c->in_at == c->in_size && c->in_capacity > BUFFER_KEPT_BYTES && c->waiting == NULL) {
        free(c->in);
        c->in = NULL;
        c->in_at = c->in_size = c->in_capacity = 0;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    struct connection *c = context;
    (void)fd;
    (void)what;
    enter(c);
    if (c->lingering)
        drain(c);
    else if (c->waiting != NULL)
        peek(c);
    else
        receive(c);
    leave(c);
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    struct connection *c = context;
    (void)what;
    enter(c);
    ssize_t sent = send(fd, c->out.data + c->out_at, c->out.size - c->out_at, MSG_NOSIGNAL);
    if (sent > 0)
        c->out_at += (size_t)sent;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        connection_close(c);
    } else if (c->out_at < c->out.size) {
        event_add(c->writable, NULL);
    } else {
        forget_output(c);
        c->deadline_ms = rpc_clock_ms() + c->http->patience.idle_ms;
        want_read(c, true);
        answer_is_out(c);
        serve(c);
    }
    leave(c);
}

static void on_sweep(evutil_socket_t fd, short what, void *context) {
    struct http *http = context;
    (void)fd;
    (void)what;
    int64_t now = rpc_clock_ms();
    for (struct connection *c = http->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (c->deadline_ms <= now)
            connection_drop(c);
    }
    sweep_begin(http);
}

static void sweep_begin(struct http *http) {
    static const struct timeval second = {1, 0};
    if (http->count > 0 && !event_pending(http->sweep, EV_TIMEOUT, NULL))
        event_add(http->sweep, &second);
}

/* ---- accepting */

/* The connection that has been idle longest gives way; NULL: none is idle. */
static struct connection *find_idle(struct http *http) {
    struct connection *oldest = NULL;
    for (struct connection *c = http->connections->next; c != NULL; c = c->next) /* the first has just come */
        if (is_open(c) && c->in_at == c->in_size && (oldest == NULL || c->deadline_ms < oldest->deadline_ms))
            oldest = c;
    return oldest;
}

static void connection_open(struct http *http, int fd) {
    struct connection *c = calloc(1, sizeof *c);
    int yes = 1;
    assert(c != NULL);
    c->http = http;
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* fails on a unix socket: no matter */
    c->readable = event_new(http->rpc->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(http->rpc->base, fd, EV_WRITE, on_writable, c);
    assert(c->readable != NULL && c->writable != NULL);
    c->deadline_ms = rpc_clock_ms() + http->patience.read_ms;
    c->next = http->connections;
    if (c->next != NULL)
        c->next->previous = c;
    http->connections = c;
    http->count++;
    want_read(c, true);
    sweep_begin(http);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size, void *context) {
    struct http *http = context;
    (void)address;
    (void)size;
    connection_open(http, fd);
    if (http->count < http->count_max)
        return;
    struct connection *idle = find_idle(http);
    if (idle != NULL) {
        connection_drop(idle);
        return;
    }
    http->full = true;
    evconnlistener_disable(listener);
}

static void on_retry(evutil_socket_t fd, short what, void *context) {
    struct http *http = context;
    (void)fd;
    (void)what;
    if (!http->full)
        evconnlistener_enable(http->listener);
}

/* No descriptors left, most likely: rest a while instead of spinning. */
static void on_accept_error(struct evconnlistener *listener, void *context) {
    struct http *http = context;
    static const struct timeval rest = {RETRY_MS / 1000, 0};
    evconnlistener_disable(listener);
    event_add(http->retry, &rest);
}

/* ---- start and stop */

struct http *http_start(struct rpc *rpc, char **error) {
    struct http *http = calloc(1, sizeof *http);
    const char *why = NULL;
    assert(http != NULL);
    http->rpc = rpc;
    http->patience = usual;
    http->stamp_at = INT64_MIN;
    http->count_max = rpc->config.max_open_connections > 0 ? rpc->config.max_open_connections : CONNECTIONS_MAX;
    http->listener = listen_at(rpc->base, rpc->config.laddr, on_accept, http, &why);
    if (http->listener == NULL) {
        const char *hint = why == NULL && errno == EADDRINUSE ? ": is another node running? choose another address" : "";
        if (asprintf(error, "rpc.laddr %s: %s%s", rpc->config.laddr, why != NULL ? why : strerror(errno), hint) < 0)
            abort();
        free(http);
        return NULL;
    }
    evconnlistener_set_error_cb(http->listener, on_accept_error);
    http->sweep = event_new(rpc->base, -1, 0, on_sweep, http);
    http->retry = event_new(rpc->base, -1, 0, on_retry, http);
    assert(http->sweep != NULL && http->retry != NULL);
    http->port = listen_port(http->listener);
    return http;
}

void http_stop(struct http *http) {
    http->full = false;
    while (http->connections != NULL)
        connection_drop(http->connections);
    listen_close(http->listener, http->rpc->config.laddr);
    event_free(http->sweep);
    event_free(http->retry);
    emit_close(&http->head);
    free(http);
}

void http_set_patience(struct http *http, const struct http_patience *patience) { http->patience = *patience; }

uint16_t http_port(const struct http *http) { return http->port; }
