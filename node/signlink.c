#include "node/signlink.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "crypto/random.h"
#include "node/link.h"

struct signlink {
    const struct signlink_settings *settings;
    struct signlink_owner owner;
    struct bufferevent *socket;
    struct event *hurry; /* the handshake's time is over */
    struct secretconn *secret; /* NULL: plain */
    struct buffer plain_in, sealed_out;
    bool is_greeted, is_ready, is_dead, is_freed;
    unsigned busy; /* callbacks of ours on the stack: it is freed behind the last */
    char stillborn[SIGNLINK_WHY_SIZE]; /* why the dial failed before its owner knew the link */
};

/* ---- addresses */

const char *signlink_address_parse(struct signlink_address *out, const char *text) {
    struct signlink_address address = {0};
    const char *end = strstr(text, "://");
    size_t size = end == NULL ? 0 : (size_t)(end - text);
    const char *rest = end == NULL ? text : end + 3;
    if (end != NULL && size == 5 && memcmp(text, "noise", 5) == 0)
        return "noise:// is not spoken here; use tcp:// or unix://";
    address.is_unix = size == 4 && memcmp(text, "unix", 4) == 0;
    if (end != NULL && !address.is_unix && (size != 3 || memcmp(text, "tcp", 3) != 0))
        return "tcp://HOST:PORT or unix://PATH is wanted";
    if (!address.is_unix && netaddress_parse_host_port(&address.host, span_text(rest)) != NETADDRESS_GOOD)
        return "tcp://HOST:PORT is wanted";
    if (address.is_unix && (rest[0] == '\0' || strlen(rest) >= sizeof address.path))
        return "unix:// needs the path of a socket, of at most 107 bytes";
    if (address.is_unix)
        strcpy(address.path, rest);
    *out = address;
    return NULL;
}

/* ---- life */

static void destroy(struct signlink *link) {
    bufferevent_free(link->socket);
    event_free(link->hurry);
    secretconn_free(link->secret);
    buffer_close(&link->plain_in);
    buffer_close(&link->sealed_out);
    free(link);
}

static void leave(struct signlink *link) {
    if (--link->busy == 0 && link->is_freed)
        destroy(link);
}

void signlink_free(struct signlink *link) {
    if (link == NULL)
        return;
    link->is_dead = link->is_freed = true;
    if (link->busy == 0)
        destroy(link);
}

void signlink_kill(struct signlink *link, const char *why) {
    if (link->is_dead)
        return;
    link->is_dead = true;
    link->busy++;
    bufferevent_disable(link->socket, EV_READ | EV_WRITE);
    event_del(link->hurry);
    link->owner.dead(link->owner.context, link, why);
    leave(link);
}

/* ---- out */

static void write_out(struct signlink *link, struct span bytes) {
    bufferevent_write(link->socket, bytes.data, bytes.size);
    if (evbuffer_get_length(bufferevent_get_output(link->socket)) > SIGNLINK_OUTPUT_MAX + 2 * link->settings->message_bytes_max)
        signlink_kill(link, "the other side does not read");
}

static void write_sealed(struct signlink *link) {
    struct span bytes = buffer_span(&link->sealed_out);
    if (bytes.size == 0)
        return;
    write_out(link, bytes);
    buffer_consume(&link->sealed_out, bytes.size);
}

static void send_plain(struct signlink *link, struct span bytes) {
    if (link->secret == NULL) {
        write_out(link, bytes);
        return;
    }
    enum secretconn_verdict verdict = secretconn_seal(link->secret, &link->sealed_out, bytes);
    write_sealed(link);
    if (verdict != SECRETCONN_GOOD)
        signlink_kill(link, secretconn_verdict_text(verdict));
}

void signlink_send(struct signlink *link, const struct wire_privval *message) {
    struct proto_writer writer;
    if (link->is_dead || !link->is_ready)
        return;
    link->busy++;
    proto_writer_measure(&writer);
    wire_privval_write(&writer, message);
    size_t size = writer.size;
    uint8_t *bytes = malloc(size + 10);
    assert(bytes != NULL);
    proto_writer_init(&writer, bytes, size + 10);
    proto_put_varint(&writer, size);
    wire_privval_write(&writer, message);
    assert(!writer.overflow);
    send_plain(link, proto_writer_span(&writer));
    free(bytes);
    leave(link);
}

/* ---- in */

static void take_messages(struct signlink *link) {
    struct wire_privval message;
    struct span bytes;
    while (!link->is_dead && link->is_ready) {
        long size = proto_delimited(&bytes, buffer_span(&link->plain_in), link->settings->message_bytes_max);
        if (size == 0)
            return;
        const char *wrong = size < 0 ? "a message is too long" : wire_privval_decode(&message, bytes);
        if (wrong != NULL)
            signlink_kill(link, wrong);
        else
            link->owner.message(link->owner.context, link, &message);
        if (size > 0 && !link->is_freed)
            buffer_consume(&link->plain_in, (size_t)size);
    }
}

static void become_ready(struct signlink *link) {
    link->is_ready = true;
    event_del(link->hurry);
    link->owner.ready(link->owner.context, link);
}

static void take_sealed(struct signlink *link, struct span *received) {
    bool was_done = secretconn_is_done(link->secret);
    enum secretconn_verdict verdict = was_done ? secretconn_open(link->secret, &link->plain_in, received)
                                               : secretconn_shake(link->secret, &link->sealed_out, &link->plain_in, received);
    write_sealed(link);
    if (verdict != SECRETCONN_GOOD)
        signlink_kill(link, secretconn_verdict_text(verdict));
    else if (!was_done && secretconn_is_done(link->secret) && !link->is_dead)
        become_ready(link);
}

static size_t take(struct signlink *link, struct span received) {
    size_t size = received.size;
    if (link->secret != NULL) {
        take_sealed(link, &received);
        return size - received.size;
    }
    buffer_append(&link->plain_in, received);
    return size;
}

static void on_read(struct bufferevent *socket, void *context) {
    struct signlink *link = context;
    struct evbuffer *input = bufferevent_get_input(socket);
    link->busy++;
    while (link->is_greeted && !link->is_dead) {
        size_t size = evbuffer_get_length(input);
        if (size == 0)
            break;
        size_t taken = take(link, span_of(evbuffer_pullup(input, -1), size));
        evbuffer_drain(input, taken);
        take_messages(link);
        if (taken == 0)
            break;
    }
    leave(link);
}

static void greet(struct signlink *link) {
    uint8_t ephemeral[SECRETCONN_EPHEMERAL_BYTES];
    int on = 1;
    link->is_greeted = true;
    if (link->settings->key == NULL) {
        become_ready(link);
        return;
    }
    random_fill(ephemeral, sizeof ephemeral);
    link->secret = secretconn_new(link->settings->key, ephemeral);
    explicit_bzero(ephemeral, sizeof ephemeral);
    setsockopt(bufferevent_getfd(link->socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    secretconn_greet(link->secret, &link->sealed_out);
    write_sealed(link);
}

static void on_event(struct bufferevent *socket, short what, void *context) {
    struct signlink *link = context;
    if (link->is_dead)
        return;
    link->busy++;
    if (what & BEV_EVENT_CONNECTED) {
        greet(link);
        on_read(socket, link); /* what came together with the connection is not announced again */
    } else {
        const char *why = what & BEV_EVENT_ERROR ? evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()) : "the other side closed the connection";
        snprintf(link->stillborn, sizeof link->stillborn, "%s", why);
        struct timeval now = {0, 0};
        event_add(link->hurry, &now);
    }
    leave(link);
}

static void on_hurry(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct signlink *link = context;
    signlink_kill(link, link->stillborn[0] != '\0' ? link->stillborn : "no connection or handshake in time");
}

static struct signlink *make(const struct signlink_settings *settings, const struct signlink_owner *owner, int fd) {
    struct signlink *link = calloc(1, sizeof *link);
    assert(link != NULL);
    *link = (struct signlink){.settings = settings, .owner = *owner};
    link->socket = bufferevent_socket_new(settings->base, fd, BEV_OPT_CLOSE_ON_FREE);
    link->hurry = evtimer_new(settings->base, on_hurry, link);
    assert(link->socket != NULL && link->hurry != NULL);
    buffer_init(&link->plain_in);
    buffer_init(&link->sealed_out);
    bufferevent_setcb(link->socket, on_read, NULL, on_event, link);
    bufferevent_setwatermark(link->socket, EV_READ, 0, SIGNLINK_OUTPUT_MAX); /* what is not read yet stays in the kernel */
    bufferevent_enable(link->socket, EV_READ | EV_WRITE);
    struct timeval timeout = {settings->shake_timeout_ms / 1000, settings->shake_timeout_ms % 1000 * 1000};
    event_add(link->hurry, &timeout);
    return link;
}

struct signlink *signlink_accept(const struct signlink_settings *settings, const struct signlink_owner *owner, int fd) {
    struct signlink *link = make(settings, owner, fd);
    bufferevent_trigger_event(link->socket, BEV_EVENT_CONNECTED, BEV_TRIG_DEFER_CALLBACKS);
    return link;
}

static int connect_to(struct signlink *link, const struct signlink_address *address) {
    struct sockaddr_storage where;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    if (address->is_unix) {
        strcpy(local.sun_path, address->path);
        return bufferevent_socket_connect(link->socket, (struct sockaddr *)&local, sizeof local);
    }
    if (!address->host.is_ip)
        return bufferevent_socket_connect_hostname(link->socket, NULL, AF_UNSPEC, address->host.host, address->host.port);
    int size = (int)link_sockaddr(&where, &address->host);
    return bufferevent_socket_connect(link->socket, (struct sockaddr *)&where, size);
}

struct signlink *signlink_dial(const struct signlink_settings *settings, const struct signlink_owner *owner, const struct signlink_address *address) {
    struct signlink *link = make(settings, owner, -1);
    struct timeval now = {0, 0};
    link->busy++;
    if (connect_to(link, address) != 0 && link->stillborn[0] == '\0')
        snprintf(link->stillborn, sizeof link->stillborn, "%s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    link->busy--;
    if (link->stillborn[0] != '\0')
        event_add(link->hurry, &now);
    return link;
}
