#include "node/link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "crypto/random.h"

struct link {
    const struct link_settings *settings;
    struct link_owner owner;
    void *tag;
    enum link_phase phase;
    bool outbound;
    char stillborn[LINK_WHY_SIZE]; /* why the dial failed before anybody knew the link: told at the next tick */
    bool handed_over;              /* the owner knows it */
    char expected_id[41];
    char id[41];
    char remote_ip[64];
    struct node_info info;
    struct bufferevent *socket;
    struct secretconn *secret;
    struct mconn *mconn;
    struct buffer plain_in, plain_out, sealed_out;
    struct link_counts counts;
    int64_t born_ms, deadline_ms, next_ping_ms, pong_due_ms, next_decay_ms;
    int64_t pinged_us; /* the ping that waits for its pong; 0: none does */
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

enum link_phase link_phase(const struct link *link) { return link->phase; }
bool link_is_outbound(const struct link *link) { return link->outbound; }
const char *link_id(const struct link *link) { return link->id; }
const char *link_expected_id(const struct link *link) { return link->expected_id; }
const char *link_remote_ip(const struct link *link) { return link->remote_ip; }
const struct node_info *link_info(const struct link *link) { return &link->info; }
const struct mconn *link_mconn(const struct link *link) { return link->mconn; }
struct link_counts link_count(const struct link *link) { return link->counts; }
int64_t link_age_ms(const struct link *link, int64_t now) { return now - link->born_ms; }
void *link_tag(const struct link *link) { return link->tag; }
void link_set_tag(struct link *link, void *tag) { link->tag = tag; }

void link_kill(struct link *link, const char *why, bool fault) {
    if (link->phase == LINK_DEAD)
        return;
    link->phase = LINK_DEAD;
    bufferevent_disable(link->socket, EV_READ | EV_WRITE);
    link->owner.dead(link->owner.context, link, why, fault);
}

void link_free(struct link *link) {
    if (link == NULL)
        return;
    if (link->socket != NULL)
        bufferevent_free(link->socket);
    secretconn_free(link->secret);
    mconn_free(link->mconn);
    buffer_close(&link->plain_in);
    buffer_close(&link->plain_out);
    buffer_close(&link->sealed_out);
    free(link);
}

/* ---- out */

static void write_sealed(struct link *link) {
    struct span bytes = buffer_span(&link->sealed_out);
    if (bytes.size == 0)
        return;
    link->counts.bytes_sent += bytes.size;
    bufferevent_write(link->socket, bytes.data, bytes.size);
    buffer_consume(&link->sealed_out, bytes.size);
}

static void seal_plain(struct link *link) {
    struct span plain = buffer_span(&link->plain_out);
    if (plain.size == 0)
        return;
    enum secretconn_verdict verdict = secretconn_seal(link->secret, &link->sealed_out, plain);
    buffer_consume(&link->plain_out, plain.size);
    write_sealed(link);
    if (verdict != SECRETCONN_GOOD)
        link_kill(link, secretconn_verdict_text(verdict), false);
}

void link_flush(struct link *link) {
    bool room = false;
    while (link->phase == LINK_UP && mconn_is_pending(link->mconn)) {
        size_t waiting = evbuffer_get_length(bufferevent_get_output(link->socket));
        if (waiting >= LINK_OUTPUT_MAX)
            break;
        bool room_made = false;
        /* whole frames' worth at a time: 63 KiB of packets fill 62 frames */
        mconn_pull(link->mconn, &link->plain_out, 64512, &room_made);
        seal_plain(link);
        room |= room_made;
    }
    if (room && link->phase == LINK_UP)
        link->owner.writable(link->owner.context, link);
}

bool link_has_pending(const struct link *link) { return link->phase == LINK_UP && mconn_is_pending(link->mconn); }

bool link_is_drained(const struct link *link) {
    return !link_has_pending(link) && evbuffer_get_length(bufferevent_get_output(link->socket)) == 0;
}

bool link_send(struct link *link, uint8_t channel, struct blob *message) {
    return link->phase == LINK_UP && node_info_has_channel(&link->info, channel) && mconn_try_send(link->mconn, channel, message);
}

static void on_drained(struct bufferevent *socket, void *context) {
    (void)socket;
    link_flush(context);
}

/* ---- in */

static void introduce_ourselves(struct link *link) {
    uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    size_t size = node_info_encode(bytes, link->settings->info);
    buffer_append(&link->plain_out, span_of(bytes, size));
    link->phase = LINK_INTRODUCING; /* before sealing, which may kill */
    seal_plain(link);
}

static bool is_authenticated(struct link *link) {
    node_info_id_of(link->id, secretconn_remote(link->secret));
    if (link->expected_id[0] != '\0' && strcmp(link->id, link->expected_id) != 0) {
        char why[LINK_WHY_SIZE];
        snprintf(why, sizeof why, "the node that answers is %s, not the %s that was dialled", link->id, link->expected_id);
        link_kill(link, why, true);
        return false;
    }
    const char *refused = link->owner.authenticated(link->owner.context, link, link->id);
    if (refused != NULL)
        link_kill(link, refused, false);
    return refused == NULL;
}

static void take_handshake(struct link *link, struct span *received) {
    enum secretconn_verdict verdict = secretconn_shake(link->secret, &link->sealed_out, &link->plain_in, received);
    write_sealed(link);
    if (verdict != SECRETCONN_GOOD)
        link_kill(link, secretconn_verdict_text(verdict), true);
    else if (secretconn_is_done(link->secret) && is_authenticated(link))
        introduce_ourselves(link);
}

static void take_introduction(struct link *link) {
    long size = node_info_decode(&link->info, buffer_span(&link->plain_in));
    if (size == 0)
        return;
    if (size < 0) {
        link_kill(link, "its node info does not decode or is too long", true);
        return;
    }
    buffer_consume(&link->plain_in, (size_t)size);
    enum node_info_verdict verdict = node_info_check(&link->info);
    if (verdict == NODE_INFO_GOOD)
        verdict = node_info_check_id(&link->info, secretconn_remote(link->secret));
    if (verdict == NODE_INFO_GOOD)
        verdict = node_info_compatible(link->settings->info, &link->info);
    if (verdict != NODE_INFO_GOOD) {
        link_kill(link, node_info_verdict_text(verdict), true);
        return;
    }
    link->mconn = mconn_new(link->settings->channels, link->settings->channel_count);
    link->phase = LINK_UP;
    link->next_ping_ms = now_ms() + link->settings->ping_interval_ms;
    link->next_decay_ms = now_ms() + 2000;
    const char *refused = link->owner.introduced(link->owner.context, link);
    if (refused != NULL)
        link_kill(link, refused, false);
}

static void take_pong(struct link *link) {
    int64_t pinged_us = link->pinged_us;
    link->pong_due_ms = link->pinged_us = 0;
    if (pinged_us != 0 && link->owner.pong != NULL)
        link->owner.pong(link->owner.context, link, now_us() - pinged_us);
}

static void take_packets(struct link *link) {
    struct span plain = buffer_span(&link->plain_in);
    size_t before = plain.size;
    struct mconn_message message;
    while (link->phase == LINK_UP) {
        enum mconn_verdict verdict = mconn_receive(link->mconn, &message, &plain);
        if (verdict == MCONN_MORE)
            break;
        if (verdict == MCONN_MESSAGE)
            link->owner.message(link->owner.context, link, message.channel, message.bytes);
        else if (verdict == MCONN_PING)
            mconn_pong(link->mconn);
        else if (verdict == MCONN_PONG)
            take_pong(link);
        else
            link_kill(link, mconn_verdict_text(verdict), true);
    }
    buffer_consume(&link->plain_in, before - plain.size);
}

static void take_frames(struct link *link, struct span *received) {
    enum secretconn_verdict verdict = secretconn_open(link->secret, &link->plain_in, received);
    if (link->phase == LINK_INTRODUCING)
        take_introduction(link);
    if (link->phase == LINK_UP)
        take_packets(link);
    if (verdict != SECRETCONN_GOOD)
        link_kill(link, secretconn_verdict_text(verdict), true);
}

static void on_read(struct bufferevent *socket, void *context) {
    struct link *link = context;
    struct evbuffer *input = bufferevent_get_input(socket);
    while (link->phase != LINK_DEAD) {
        size_t size = evbuffer_get_length(input);
        if (size == 0)
            break;
        struct span received = span_of(evbuffer_pullup(input, -1), size);
        if (link->phase == LINK_SHAKING)
            take_handshake(link, &received);
        if (link->phase == LINK_INTRODUCING || link->phase == LINK_UP)
            take_frames(link, &received);
        size_t consumed = size - received.size;
        link->counts.bytes_received += consumed;
        if (consumed == 0)
            break;
        evbuffer_drain(input, consumed);
    }
    if (link->phase == LINK_UP && mconn_is_pending(link->mconn))
        link_flush(link); /* a pong, or an answer that the message brought about */
}

static void begin_handshake(struct link *link) {
    uint8_t ephemeral[SECRETCONN_EPHEMERAL_BYTES];
    random_fill(ephemeral, sizeof ephemeral);
    link->secret = secretconn_new(link->settings->node_key, ephemeral);
    explicit_bzero(ephemeral, sizeof ephemeral);
    link->phase = LINK_SHAKING;
    link->deadline_ms = now_ms() + link->settings->handshake_timeout_ms;
    int on = 1;
    setsockopt(bufferevent_getfd(link->socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    secretconn_greet(link->secret, &link->sealed_out);
    write_sealed(link);
}

/* An IPv4 address that came in through an IPv6 socket is the IPv4 address: rules on addresses must not see two. */
static void note_peer_address(struct link *link) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};
    if (getpeername(bufferevent_getfd(link->socket), (struct sockaddr *)&peer, &size) != 0)
        return;
    if (peer.ss_family == AF_INET)
        memcpy(ip + 12, &((struct sockaddr_in *)&peer)->sin_addr, 4);
    else if (peer.ss_family == AF_INET6)
        memcpy(ip, &((struct sockaddr_in6 *)&peer)->sin6_addr, 16);
    else
        return;
    netaddress_format_ip(link->remote_ip, ip);
}

static void on_event(struct bufferevent *socket, short what, void *context) {
    struct link *link = context;
    if (link->phase == LINK_DEAD)
        return; /* a dial that was given up may still get through before it is buried */
    if (what & BEV_EVENT_CONNECTED) {
        note_peer_address(link);
        begin_handshake(link);
        on_read(socket, link); /* what came together with the connection is not announced again */
        return;
    }
    int dns = bufferevent_socket_get_dns_error(socket);
    char why[LINK_WHY_SIZE];
    if ((what & BEV_EVENT_ERROR) == 0)
        snprintf(why, sizeof why, "the other side closed the connection");
    else
        snprintf(why, sizeof why, "%s%s", dns != 0 ? "the name leads to no address; DNS or /etc/hosts must know it: " : "",
                 dns != 0 ? evutil_gai_strerror(dns) : evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    if (link->handed_over)
        link_kill(link, why, false);
    else
        memcpy(link->stillborn, why, sizeof why);
}

/* ---- life */

static struct link *make(const struct link_settings *settings, const struct link_owner *owner, int fd) {
    struct bufferevent *socket = bufferevent_socket_new(settings->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (socket == NULL)
        return NULL;
    struct link *link = calloc(1, sizeof *link);
    assert(link != NULL);
    *link = (struct link){.settings = settings, .owner = *owner, .socket = socket, .born_ms = now_ms()};
    buffer_init(&link->plain_in);
    buffer_init(&link->plain_out);
    buffer_init(&link->sealed_out);
    bufferevent_setcb(socket, on_read, on_drained, on_event, link);
    bufferevent_setwatermark(socket, EV_WRITE, LINK_OUTPUT_MAX / 4, 0);
    bufferevent_setwatermark(socket, EV_READ, 0, LINK_OUTPUT_MAX); /* what is not read yet stays in the kernel */
    if (settings->rate != NULL)
        bufferevent_set_rate_limit(socket, settings->rate);
    bufferevent_enable(socket, EV_READ | EV_WRITE);
    return link;
}

struct link *link_accept(const struct link_settings *settings, const struct link_owner *owner, int fd, const char *remote_ip) {
    struct link *link = make(settings, owner, fd);
    if (link == NULL) {
        evutil_closesocket(fd);
        return NULL;
    }
    snprintf(link->remote_ip, sizeof link->remote_ip, "%s", remote_ip);
    begin_handshake(link);
    link->handed_over = true;
    return link;
}

unsigned link_sockaddr(struct sockaddr_storage *out, const struct netaddress *address) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (memcmp(address->ip, mapped, sizeof mapped) == 0) {
        four->sin_family = AF_INET;
        four->sin_port = htons(address->port);
        memcpy(&four->sin_addr, address->ip + 12, 4);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(address->port);
    memcpy(&six->sin6_addr, address->ip, 16);
    return sizeof *six;
}

/* Without a resolver libevent would block the whole loop until a name is known. */
static int connect_to(struct link *link, const struct netaddress *address) {
    struct sockaddr_storage where;
    if (address->is_ip) {
        int size = (int)link_sockaddr(&where, address);
        return bufferevent_socket_connect(link->socket, (struct sockaddr *)&where, size);
    }
    if (link->settings->dns != NULL)
        return bufferevent_socket_connect_hostname(link->socket, link->settings->dns, AF_UNSPEC, address->host, address->port);
    snprintf(link->stillborn, sizeof link->stillborn, "no resolver for names");
    return 0;
}

struct link *link_dial(const struct link_settings *settings, const struct link_owner *owner, const struct netaddress *address) {
    struct link *link = make(settings, owner, -1);
    if (link == NULL)
        return NULL;
    link->outbound = true;
    for (size_t i = 0; i < sizeof link->expected_id; i++)
        link->expected_id[i] = (char)tolower((unsigned char)address->id_text[i]);
    snprintf(link->remote_ip, sizeof link->remote_ip, "%.63s", address->host);
    link->phase = LINK_CONNECTING;
    link->deadline_ms = now_ms() + settings->dial_timeout_ms;
    if (connect_to(link, address) != 0) {
        link_free(link);
        return NULL;
    }
    link->handed_over = true;
    return link;
}

static void tick_before_up(struct link *link, int64_t now) {
    if (link->stillborn[0] != '\0')
        link_kill(link, link->stillborn, false);
    else if (now > link->deadline_ms)
        link_kill(link, link->phase == LINK_CONNECTING ? "no answer to the dial in time" : "the handshake took too long",
                  link->phase != LINK_CONNECTING);
}

static void ask_for_pong(struct link *link) {
    mconn_ping(link->mconn);
    if (link->pinged_us == 0)
        link->pinged_us = now_us();
}

void link_ping(struct link *link) {
    if (link->phase != LINK_UP)
        return;
    ask_for_pong(link);
    link_flush(link);
}

size_t link_pending_bytes(const struct link *link) { return link->phase == LINK_DEAD ? 0 : evbuffer_get_length(bufferevent_get_output(link->socket)); }

void link_probe(struct link *link, int64_t now, int64_t within_ms) {
    if (link->phase != LINK_UP)
        return;
    ask_for_pong(link);
    if (link->pong_due_ms == 0 || link->pong_due_ms > now + within_ms)
        link->pong_due_ms = now + within_ms;
    link_flush(link);
}

void link_tick(struct link *link, int64_t now) {
    if (link->phase == LINK_DEAD)
        return;
    if (link->phase != LINK_UP) {
        tick_before_up(link, now);
        return;
    }
    if (link->pong_due_ms != 0 && now > link->pong_due_ms) {
        link_kill(link, "no pong came back in time", true);
        return;
    }
    if (now >= link->next_ping_ms) {
        link->next_ping_ms = now + link->settings->ping_interval_ms;
        link_probe(link, now, link->settings->pong_timeout_ms);
    }
    if (now >= link->next_decay_ms) {
        mconn_decay(link->mconn);
        link->next_decay_ms = now + 2000;
    }
    link_flush(link);
}
