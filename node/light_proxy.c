#define _GNU_SOURCE
#include "node/light_proxy.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/buffer.h"
#include "node/complaint.h"
#include "rpc/request.h"

enum { HEAD_MAX = 65536, PATIENCE_MS = 30000, TICK_MS = 200 };

struct light_proxy {
    struct light_gate *gate;
    int fd;
    uint16_t port;
    uint32_t connections_max;
    atomic_uint connections;
    atomic_bool stopping;
    pthread_t thread;
};

struct connection {
    struct light_proxy *proxy;
    int fd;
    struct buffer in;
    struct emit out;
};

/* ---- bytes */

/* Waits in short steps, so that a stop is seen soon. */
static bool wait_for(struct connection *connection, short events) {
    struct pollfd poll_fd = {.fd = connection->fd, .events = events};
    for (int waited = 0; waited < PATIENCE_MS && !atomic_load(&connection->proxy->stopping); waited += TICK_MS) {
        int ready = poll(&poll_fd, 1, TICK_MS);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
    return false;
}

static bool read_more(struct connection *connection) {
    if (!wait_for(connection, POLLIN))
        return false;
    uint8_t *place = buffer_reserve(&connection->in, 65536);
    ssize_t got = recv(connection->fd, place, 65536, 0);
    if (got > 0)
        buffer_add(&connection->in, (size_t)got);
    return got > 0;
}

static bool send_all(struct connection *connection, struct span bytes) {
    while (bytes.size > 0) {
        ssize_t sent = send(connection->fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (sent < 0 && !wait_for(connection, POLLOUT))
            return false;
        if (sent > 0)
            bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return true;
}

static const char *reason_of(int status) {
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    }
    return "Internal Server Error";
}

static bool respond(struct connection *connection, int status, const char *type, struct span body, bool keep_alive) {
    char head[256];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n", status, reason_of(status),
                        type, body.size, keep_alive ? "keep-alive" : "close");
    return send_all(connection, span_of(head, (size_t)size)) && send_all(connection, body) && keep_alive;
}

/* ---- requests */

static const char index_text[] =
    "quorate light: a local RPC whose answers were verified against headers\n\n"
    "verified:  /block /block_by_hash /header /header_by_hash /commit /validators /blockchain /block_results\n"
    "           /consensus_params /tx /abci_query (paths /store/NAME/key)\n"
    "passed on: /status /health /net_info /genesis /genesis_chunked /tx_search /block_search /abci_info\n"
    "           /consensus_state /dump_consensus_state /unconfirmed_txs /num_unconfirmed_txs /check_tx\n"
    "           /broadcast_tx_sync /broadcast_tx_async /broadcast_tx_commit /broadcast_evidence\n";

static bool answer(struct connection *connection, const struct request *request, struct span body) {
    bool is_get = span_equal(request->method, span_text("GET")), is_post = span_equal(request->method, span_text("POST"));
    bool is_root = request->path.size <= 1;
    emit_clear(&connection->out);
    if (!is_get && !is_post)
        return respond(connection, 405, "text/plain", span_text("GET or POST\n"), false);
    if (is_get && is_root)
        return respond(connection, 200, "text/plain", span_text(index_text), request->keep_alive);
    int status = is_get ? light_routes_uri(connection->proxy->gate, &connection->out, span_of(request->path.data + 1, request->path.size - 1), request->query)
                        : light_routes_post(connection->proxy->gate, &connection->out, body);
    return respond(connection, status, "application/json", span_of(connection->out.data, connection->out.size), request->keep_alive);
}

static bool need(struct connection *connection, size_t size) {
    while (buffer_size(&connection->in) < size)
        if (!read_more(connection))
            return false;
    return true;
}

/* One request. false: the connection is over. */
static bool serve_one(struct connection *connection) {
    size_t seen = 0, head_size;
    struct request request;
    while ((head_size = request_head_size(buffer_span(&connection->in), &seen)) == 0)
        if (buffer_size(&connection->in) > HEAD_MAX || !read_more(connection))
            return false;
    int status = request_parse(&request, span_of(buffer_span(&connection->in).data, head_size));
    if (status == 0 && request.chunked)
        status = 501;
    if (status == 0 && request.has_length && request.length > LIGHT_PROXY_BODY_MAX)
        status = 413;
    if (status != 0)
        return respond(connection, status, "text/plain", span_text("the request is malformed, too large, or chunked\n"), false);
    size_t length = request.has_length ? (size_t)request.length : 0;
    if (request.expects_continue && !send_all(connection, span_text("HTTP/1.1 100 Continue\r\n\r\n")))
        return false;
    if (!need(connection, head_size + length))
        return false;
    struct span all = buffer_span(&connection->in); /* which may have moved */
    request_parse(&request, span_of(all.data, head_size));
    bool goes_on = answer(connection, &request, span_of(all.data + head_size, length));
    buffer_consume(&connection->in, head_size + length);
    return goes_on;
}

static void *serve(void *context) {
    struct connection *connection = context;
    struct light_proxy *proxy = connection->proxy;
    buffer_init(&connection->in);
    emit_init(&connection->out);
    while (!atomic_load(&proxy->stopping) && serve_one(connection))
        continue;
    close(connection->fd);
    buffer_close(&connection->in);
    emit_close(&connection->out);
    free(connection);
    atomic_fetch_sub(&proxy->connections, 1);
    return NULL;
}

/* ---- the server */

static void welcome(struct light_proxy *proxy, int fd) {
    struct connection *connection = calloc(1, sizeof *connection);
    pthread_t thread;
    pthread_attr_t detached;
    assert(connection != NULL);
    *connection = (struct connection){.proxy = proxy, .fd = fd};
    if (atomic_load(&proxy->connections) >= proxy->connections_max) {
        respond(connection, 503, "text/plain", span_text("too many connections\n"), false);
        close(fd);
        free(connection);
        return;
    }
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    atomic_fetch_add(&proxy->connections, 1);
    if (pthread_create(&thread, &detached, serve, connection) != 0) {
        atomic_fetch_sub(&proxy->connections, 1);
        close(fd);
        free(connection);
    }
    pthread_attr_destroy(&detached);
}

static void *accept_all(void *context) {
    struct light_proxy *proxy = context;
    struct pollfd poll_fd = {.fd = proxy->fd, .events = POLLIN};
    while (!atomic_load(&proxy->stopping)) {
        if (poll(&poll_fd, 1, TICK_MS) <= 0)
            continue;
        int fd = accept4(proxy->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            welcome(proxy, fd);
        else if (errno == EMFILE || errno == ENFILE)
            poll(NULL, 0, TICK_MS);
    }
    return NULL;
}

static bool split_address(char *host, size_t capacity, const char **port, const char *laddr) {
    const char *begin = strncmp(laddr, "tcp://", 6) == 0 ? laddr + 6 : laddr, *colon = strrchr(begin, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - begin);
    bool bracketed = size >= 2 && begin[0] == '[' && begin[size - 1] == ']';
    if (colon == NULL || size >= capacity || strstr(begin, "://") != NULL || colon[1] == '\0')
        return false;
    snprintf(host, capacity, "%.*s", (int)(bracketed ? size - 2 : size), bracketed ? begin + 1 : begin);
    *port = colon + 1;
    return true;
}

static int bind_any(const struct addrinfo *addresses) {
    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next) {
        int one = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 128) == 0)
            return fd;
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return -1;
}

static uint16_t port_of(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
}

static int listen_on(const char *laddr, char **error) {
    char host[256];
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *addresses = NULL;
    if (!split_address(host, sizeof host, &port, laddr)) {
        *error = complaint_of("--laddr %s: tcp://host:port is wanted", laddr);
        return -1;
    }
    int found = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &addresses);
    int fd = found == 0 ? bind_any(addresses) : -1;
    if (fd < 0)
        *error = complaint_of("%s: %s. Is something else listening there? Choose another with --laddr", laddr, found != 0 ? gai_strerror(found) : strerror(errno));
    if (found == 0)
        freeaddrinfo(addresses);
    return fd;
}

struct light_proxy *light_proxy_start(struct light_gate *gate, const char *laddr, uint32_t connections_max, char **error) {
    int fd = listen_on(laddr, error);
    if (fd < 0)
        return NULL;
    struct light_proxy *proxy = calloc(1, sizeof *proxy);
    assert(proxy != NULL);
    proxy->gate = gate;
    proxy->fd = fd;
    proxy->port = port_of(fd);
    proxy->connections_max = connections_max;
    if (pthread_create(&proxy->thread, NULL, accept_all, proxy) == 0)
        return proxy;
    *error = complaint_of("no thread can be started: %s", strerror(errno));
    close(fd);
    free(proxy);
    return NULL;
}

uint16_t light_proxy_port(const struct light_proxy *proxy) { return proxy->port; }

void light_proxy_stop(struct light_proxy *proxy) {
    atomic_store(&proxy->stopping, true);
    pthread_join(proxy->thread, NULL);
    close(proxy->fd);
    while (atomic_load(&proxy->connections) > 0)
        poll(NULL, 0, 20);
    free(proxy);
}
