#include "node/abci_server.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/complaint.h"
#include "rpc/listen.h"

enum { LISTS_BYTES = 1 << 20, READ_BYTES = 1 << 16, SEND_BYTES = 1 << 16 };

struct connection {
    struct abci_server *server;
    struct bufferevent *socket; /* NULL: a free place */
    struct evbuffer *out;       /* answers of this turn */
    uint64_t number;
    bool is_ending; /* after what waits in its output */
};

struct abci_server {
    struct event_base *base;
    struct abci_host *host;
    const char *address;
    void (*log)(enum world_level level, const char *text);
    struct evconnlistener *listener;
    struct connection connections[ABCI_SERVER_CONNECTIONS_MAX];
    uint64_t accepted;
    struct arena arena; /* of one request */
};

static void say(struct abci_server *server, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct abci_server *server, enum world_level level, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    server->log(level, text);
}

static void end(struct connection *connection, enum world_level level, const char *why) {
    say(connection->server, level, "connection %" PRIu64 ": %s", connection->number, why);
    bufferevent_free(connection->socket);
    evbuffer_free(connection->out);
    connection->socket = NULL;
}

/* ---- one request */

static void tell(struct abci_server *server, const struct abci_request *request, const struct abci_response *response) {
    const struct abci_host *host = server->host;
    if (response->call == ABCI_EXCEPTION)
        say(server, WORLD_ERROR, "%s is refused: %s", abci_call_text(request->call), host->error);
    else if (request->call == ABCI_INIT_CHAIN)
        say(server, WORLD_INFO, "chain %s begins at height %" PRId64, host->chain_id, host->initial_height);
    else if (request->call == ABCI_COMMIT)
        say(server, WORLD_DEBUG, "committed height %" PRId64, host->height);
}

static void write_response(struct connection *connection, const struct abci_response *response) {
    struct evbuffer *out = connection->out;
    struct evbuffer_iovec place;
    struct proto_writer writer;
    proto_writer_measure(&writer);
    abci_response_write(&writer, response);
    size_t size = writer.size;
    int reserved = evbuffer_reserve_space(out, (ev_ssize_t)(size + ABCI_MESSAGE_LENGTH_MAX), &place, 1);
    assert(reserved == 1);
    proto_writer_init(&writer, place.iov_base, size + ABCI_MESSAGE_LENGTH_MAX);
    proto_put_varint(&writer, size);
    abci_response_write(&writer, response);
    assert(!writer.overflow);
    place.iov_len = writer.size;
    evbuffer_commit_space(out, &place, 1);
}

/* false: the connection ends, at once or after the exception has gone out. */
static bool serve(struct connection *connection, struct span message) {
    struct abci_server *server = connection->server;
    struct abci_request request;
    struct abci_response response;
    arena_reset(&server->arena);
    server->arena.bytes_max = LISTS_BYTES + ABCI_MESSAGE_GROWTH * message.size;
    bool good = abci_request_decode(&request, message, &server->arena);
    server->arena.bytes_max = SIZE_MAX / 4; /* our own answer is not bounded */
    if (!good) {
        end(connection, WORLD_ERROR, "a message that is no request; closed");
        return false;
    }
    abci_host_answer(server->host, &response, &request, &server->arena);
    tell(server, &request, &response);
    write_response(connection, &response);
    connection->is_ending = response.call == ABCI_EXCEPTION;
    return !connection->is_ending;
}

/* ---- connections */

/* Straight into the socket, if nothing waits before it: by way of the loop each answer would cost two turns more. */
static void send_out(struct connection *connection) {
    if (evbuffer_get_length(bufferevent_get_output(connection->socket)) == 0)
        evbuffer_write(connection->out, bufferevent_getfd(connection->socket));
    if (evbuffer_get_length(connection->out) > 0)
        bufferevent_write_buffer(connection->socket, connection->out);
}

static void look(struct bufferevent *socket, struct connection *connection) {
    bool full = evbuffer_get_length(bufferevent_get_output(socket)) > ABCI_SERVER_OUTPUT_MAX;
    if (full || connection->is_ending)
        bufferevent_disable(socket, EV_READ);
    else
        bufferevent_enable(socket, EV_READ);
}

/* How much of the input the first message takes: 0: not all of it is there; −1: it is none. */
static long first_message(struct evbuffer *in, struct span *message) {
    uint8_t head[10];
    ev_ssize_t got = evbuffer_copyout(in, head, sizeof head);
    struct span bytes = span_of(head, got > 0 ? (size_t)got : 0);
    struct proto_reader reader = proto_reader_over(bytes);
    uint64_t size = proto_varint(&reader);
    if (reader.bad)
        return bytes.size < sizeof head ? 0 : -1;
    size_t prefix = (size_t)(reader.at - bytes.data);
    if (size > ABCI_MESSAGE_BYTES_MAX)
        return -1;
    if (evbuffer_get_length(in) < prefix + size)
        return 0;
    const uint8_t *whole = evbuffer_pullup(in, (ev_ssize_t)(prefix + size));
    assert(whole != NULL);
    *message = span_of(whole + prefix, (size_t)size);
    return (long)(prefix + size);
}

/* false: enough for now: it is ending, gone, or does not read what it asked for. */
static bool serve_next(struct connection *connection, struct evbuffer *in) {
    struct span message;
    long taken = first_message(in, &message);
    if (taken < 0)
        end(connection, WORLD_ERROR, "a length that is none; closed");
    if (taken <= 0 || !serve(connection, message))
        return false;
    evbuffer_drain(in, (size_t)taken);
    if (evbuffer_get_length(connection->out) > SEND_BYTES)
        send_out(connection);
    return evbuffer_get_length(bufferevent_get_output(connection->socket)) <= ABCI_SERVER_OUTPUT_MAX;
}

static void on_read(struct bufferevent *socket, void *context) {
    struct connection *connection = context;
    struct evbuffer *in = bufferevent_get_input(socket);
    while (serve_next(connection, in))
        continue;
    if (connection->socket == NULL)
        return;
    send_out(connection);
    if (connection->is_ending && evbuffer_get_length(bufferevent_get_output(socket)) == 0)
        end(connection, WORLD_INFO, "closed after the exception");
    else
        look(socket, connection);
}

static void on_written(struct bufferevent *socket, void *context) {
    struct connection *connection = context;
    if (connection->is_ending) {
        end(connection, WORLD_INFO, "closed after the exception");
        return;
    }
    on_read(socket, context);
}

static void on_event(struct bufferevent *socket, short what, void *context) {
    (void)socket;
    end(context, WORLD_INFO, (what & BEV_EVENT_EOF) != 0 ? "closed by the node" : strerror(EVUTIL_SOCKET_ERROR()));
}

static struct connection *free_place(struct abci_server *server) {
    for (size_t i = 0; i < ABCI_SERVER_CONNECTIONS_MAX; i++)
        if (server->connections[i].socket == NULL)
            return &server->connections[i];
    return NULL;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size, void *context) {
    (void)listener, (void)size;
    struct abci_server *server = context;
    struct connection *connection = free_place(server);
    int one = 1;
    server->accepted++;
    if (connection == NULL) {
        say(server, WORLD_WARN, "connection %" PRIu64 ": turned away, there are %d already", server->accepted, ABCI_SERVER_CONNECTIONS_MAX);
        close(fd);
        return;
    }
    if (address->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *connection = (struct connection){.server = server, .out = evbuffer_new(), .number = server->accepted};
    connection->socket = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    assert(connection->socket != NULL && connection->out != NULL);
    bufferevent_set_max_single_read(connection->socket, READ_BYTES);
    bufferevent_setcb(connection->socket, on_read, on_written, on_event, connection);
    bufferevent_enable(connection->socket, EV_READ | EV_WRITE);
    say(server, WORLD_INFO, "connection %" PRIu64 ": a node", connection->number);
}

/* ---- life */

struct abci_server *abci_server_new(struct event_base *base, struct abci_host *host, const char *address, void (*log)(enum world_level level, const char *text),
                                    char **error) {
    struct abci_server *server = calloc(1, sizeof *server);
    const char *why;
    assert(server != NULL);
    *server = (struct abci_server){.base = base, .host = host, .address = address, .log = log};
    arena_init(&server->arena, SIZE_MAX / 4);
    server->listener = listen_at(base, address, on_accept, server, &why);
    if (server->listener != NULL)
        return server;
    *error = complaint_of("cannot listen at %s: %s", address, why != NULL ? why : strerror(errno));
    abci_server_free(server);
    return NULL;
}

void abci_server_free(struct abci_server *server) {
    if (server == NULL)
        return;
    for (size_t i = 0; i < ABCI_SERVER_CONNECTIONS_MAX; i++)
        if (server->connections[i].socket != NULL) {
            bufferevent_free(server->connections[i].socket);
            evbuffer_free(server->connections[i].out);
        }
    if (server->listener != NULL)
        listen_close(server->listener, server->address);
    arena_close(&server->arena);
    free(server);
}

uint16_t abci_server_port(const struct abci_server *server) { return listen_port(server->listener); }
