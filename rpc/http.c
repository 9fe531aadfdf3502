/* Connections. One request at a time on each: what comes after it waits in the buffer until the answer is out. Every connection has a deadline,
 * looked at once a second: a whole request within read_ms of its first byte, an answer taken within write_ms and a little per byte. */
#define _GNU_SOURCE /* asprintf */
#include "rpc/http.h"

#include <assert.h>
#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rpc/http_inside.h"
#include "rpc/listen.h"

static const struct http_patience usual = {.read_ms = 10000, .write_ms = 10000, .idle_ms = 60000, .output_bytes_max = 256u * 1024 * 1024};

int64_t rpc_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- life of a connection */

static void sweep_begin(struct http *http);

void http_forget_output(struct connection *c) {
    c->http->out_bytes -= c->out.capacity;
    emit_close(&c->out);
    c->out_at = 0;
}

void http_close(struct connection *c) {
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
    stream_close(&c->stream);
    http_forget_output(c);
    if (c->websocket != NULL)
        websocket_close(c->websocket);
    *(c->previous == NULL ? &http->connections : &c->previous->next) = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    http->count--;
    if (http->full) {
        http->full = false;
        evconnlistener_enable(http->listener);
    }
}

void http_enter(struct connection *c) { c->entered++; }

void http_leave(struct connection *c) {
    if (--c->entered > 0 || !c->closed)
        return;
    if (c->websocket != NULL)
        websocket_free(c->websocket);
    free(c->in);
    free(c);
}

/* From outside of its handlers. */
void http_drop(struct connection *c) {
    http_enter(c);
    http_close(c);
    http_leave(c);
}

void http_want_read(struct connection *c, bool want) {
    if (c->reading == want)
        return;
    c->reading = want;
    if (!want)
        event_del(c->readable);
    else
        event_add(c->readable, NULL);
    if (want && stream_has_read_ahead(&c->stream))
        event_active(c->readable, EV_READ, 0);
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
    if (stream_read(&c->stream, waste, sizeof waste) == STREAM_OVER)
        http_close(c);
}

/* While an answer is under way we only look whether the client is still there. */
static void peek(struct connection *c) {
    bool has_more;
    if (stream_is_gone(&c->stream, &has_more))
        http_close(c);
    else if (has_more)
        http_want_read(c, false);
}

static void receive(struct connection *c) {
    make_room(c);
    ssize_t got = stream_read(&c->stream, c->in + c->in_size, c->in_capacity - c->in_size);
    if (got == STREAM_OVER) {
        http_close(c);
        return;
    }
    if (got == STREAM_AGAIN) {
        if (c->stream.wants_write)
            event_add(c->writable, NULL);
        return;
    }
    if (c->in_at == c->in_size)
        c->deadline_ms = rpc_clock_ms() + c->http->patience.read_ms; /* the first byte of a request */
    c->in_size += (size_t)got;
    http_serve(c);
    if (c->closed || c->websocket != NULL)
        return;
    if (c->reading && stream_has_read_ahead(&c->stream))
        event_active(c->readable, EV_READ, 0);
    if (c->in_at == c->in_size && c->in_capacity > BUFFER_KEPT_BYTES && c->waiting == NULL) {
        free(c->in);
        c->in = NULL;
        c->in_at = c->in_size = c->in_capacity = 0;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    struct connection *c = context;
    (void)fd;
    (void)what;
    http_enter(c);
    if (c->websocket != NULL)
        websocket_readable(c->websocket);
    else if (c->lingering)
        drain(c);
    else if (c->waiting != NULL)
        peek(c);
    else
        receive(c);
    http_leave(c);
}

static void send_rest(struct connection *c) {
    struct iovec rest = {c->out.data + c->out_at, c->out.size - c->out_at};
    ssize_t sent = stream_write(&c->stream, &rest, 1);
    if (sent > 0)
        c->out_at += (size_t)sent;
    if (sent == STREAM_OVER) {
        http_close(c);
    } else if (c->out_at < c->out.size) {
        event_add(c->writable, NULL);
    } else {
        http_forget_output(c);
        c->deadline_ms = rpc_clock_ms() + c->http->patience.idle_ms;
        http_want_read(c, true);
        http_answer_is_out(c);
        http_serve(c);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    struct connection *c = context;
    (void)fd;
    (void)what;
    http_enter(c);
    if (c->websocket != NULL)
        websocket_writable(c->websocket);
    else if (c->out.size > 0)
        send_rest(c);
    else if (!c->lingering && c->waiting == NULL)
        receive(c); /* a handshake goes on */
    http_leave(c);
}

static void on_sweep(evutil_socket_t fd, short what, void *context) {
    struct http *http = context;
    (void)fd;
    (void)what;
    int64_t now = rpc_clock_ms();
    for (struct connection *c = http->connections, *next; c != NULL; c = next) {
        next = c->next;
        http_enter(c);
        if (c->websocket != NULL)
            websocket_look(c->websocket, now);
        else if (c->deadline_ms <= now)
            http_close(c);
        http_leave(c);
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
        if (http_is_open(c) && c->in_at == c->in_size && (oldest == NULL || c->deadline_ms < oldest->deadline_ms))
            oldest = c;
    return oldest;
}

static void connection_open(struct http *http, int fd, const struct bucket_client *client) {
    struct connection *c = calloc(1, sizeof *c);
    int yes = 1;
    assert(c != NULL);
    c->http = http;
    c->client = *client;
    stream_open(&c->stream, fd);
    if (http->tls != NULL)
        stream_tls_begin(&c->stream, http->tls);
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
    http_want_read(c, true);
    sweep_begin(http);
}

/* Many sockets from one address must leave room for others; a proxy on this host speaks for many. */
static bool has_enough(const struct http *http, const struct bucket_client *client) {
    uint32_t limit = http->rpc->config.max_connections_per_address, count = 0;
    if (limit == 0 || client->is_local)
        return false;
    for (const struct connection *c = http->connections; c != NULL; c = c->next)
        count += memcmp(c->client.bytes, client->bytes, sizeof client->bytes) == 0;
    return count >= limit;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size, void *context) {
    struct http *http = context;
    struct bucket_client client;
    (void)size;
    bucket_client_of(&client, address);
    if (has_enough(http, &client)) {
        close(fd);
        return;
    }
    connection_open(http, fd, &client);
    if (http->count < http->count_max)
        return;
    struct connection *idle = find_idle(http);
    if (idle != NULL) {
        http_drop(idle);
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

static const char *given(const char *text) { return text != NULL && text[0] != '\0' ? text : NULL; }

/* false: *error. */
static bool open_tls(struct http *http, const struct rpc_config *config, char **error) {
    const char *cert = given(config->tls_cert_file), *key = given(config->tls_key_file), *authority = given(config->client_ca_file);
    const char *fault = (cert == NULL) != (key == NULL)    ? "rpc.tls_cert_file and rpc.tls_key_file: one without the other serves nothing"
                        : authority != NULL && cert == NULL ? "quorate.rpc_client_ca_file: clients show certificates under TLS only; set rpc.tls_cert_file "
                                                              "and rpc.tls_key_file"
                                                            : NULL;
    if (fault != NULL)
        *error = strdup(fault);
    else if (cert != NULL)
        http->tls = stream_tls_new(cert, key, authority, error);
    return fault == NULL && (cert == NULL || http->tls != NULL);
}

struct http *http_start(struct rpc *rpc, char **error) {
    struct http *http = calloc(1, sizeof *http);
    const char *why = NULL;
    assert(http != NULL);
    http->rpc = rpc;
    if (!open_tls(http, &rpc->config, error)) {
        free(http);
        return NULL;
    }
    http->patience = usual;
    http->stamp_at = INT64_MIN;
    http->count_max = rpc->config.max_open_connections > 0 ? rpc->config.max_open_connections : CONNECTIONS_MAX;
    http->listener = listen_at(rpc->base, rpc->config.laddr, on_accept, http, &why);
    if (http->listener == NULL) {
        const char *hint = why == NULL && errno == EADDRINUSE ? ": is another node running? choose another address" : "";
        if (asprintf(error, "rpc.laddr %s: %s%s", rpc->config.laddr, why != NULL ? why : strerror(errno), hint) < 0)
            abort();
        stream_tls_free(http->tls);
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
        http_drop(http->connections);
    listen_close(http->listener, http->rpc->config.laddr);
    event_free(http->sweep);
    event_free(http->retry);
    emit_close(&http->head);
    stream_tls_free(http->tls);
    free(http);
}

void http_set_patience(struct http *http, const struct http_patience *patience) { http->patience = *patience; }

uint16_t http_port(const struct http *http) { return http->port; }

