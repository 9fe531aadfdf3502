/* Who comes: the listening socket, and places for those who have not shaken hands yet. */
#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>

#include "node/complaint.h"
#include "node/switchboard_inside.h"

#define HANDSHAKES_SHARED_IP_MAX 48
#define HANDSHAKE_GRACE_MS       1000

static void text_of(char out[64], uint16_t *port, const struct sockaddr *from) {
    uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};
    if (from->sa_family == AF_INET)
        memcpy(ip + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    else if (from->sa_family == AF_INET6)
        memcpy(ip, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    netaddress_format_ip(out, ip);
    *port = ntohs(from->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)from)->sin6_port : ((const struct sockaddr_in *)from)->sin_port);
}

struct half_open {
    uint32_t count;
    struct place *oldest;
};

static void note_half_open(struct half_open *half, struct place *place, int64_t now) {
    half->count++;
    if (half->oldest == NULL || link_age_ms(place->link, now) > link_age_ms(half->oldest->link, now))
        half->oldest = place;
}

/* Whoever opens connections without ever shaking hands holds few places, and those only until somebody else wants them. */
static bool make_room(struct switchboard *board, const char *ip) {
    struct half_open all = {0}, same_ip = {0};
    uint32_t inbound = 0;
    int64_t now = switchboard_now_ms();
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++) {
        struct place *place = &board->places[i];
        if (place->link == NULL || link_is_outbound(place->link))
            continue;
        inbound++;
        if (place->dead || place->number != 0)
            continue;
        note_half_open(&all, place, now);
        if (strcmp(link_remote_ip(place->link), ip) == 0)
            note_half_open(&same_ip, place, now);
    }
    if (inbound >= SWITCHBOARD_LINKS_MAX - board->reserved)
        return false;
    uint32_t per_ip = board->config.allow_duplicate_ip ? HANDSHAKES_SHARED_IP_MAX : SWITCHBOARD_HANDSHAKES_PER_IP_MAX;
    struct place *victim = same_ip.count >= per_ip ? same_ip.oldest : all.count >= SWITCHBOARD_HANDSHAKES_MAX ? all.oldest : NULL;
    if (victim != NULL && link_age_ms(victim->link, now) < HANDSHAKE_GRACE_MS)
        return false;
    if (victim != NULL)
        link_kill(victim->link, "its handshake was slow, and others waited", true);
    return true;
}

static void on_accept(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *from, int size, void *context) {
    (void)socket;
    (void)size;
    struct switchboard *board = context;
    char ip[64];
    uint16_t port;
    text_of(ip, &port, from);
    struct place *place = make_room(board, ip) ? switchboard_free_place(board) : NULL;
    if (place != NULL && !switchboard_admits_address(board, ip, port)) {
        if (switchboard_may_complain(board))
            switchboard_say(board, WORLD_INFO, "no connection with %s: the application refuses its address (filter_peers)", ip);
        place = NULL;
    }
    if (place == NULL) {
        evutil_closesocket(fd);
        return;
    }
    struct link *link = link_accept(&board->settings, &board->owner, fd, ip);
    if (link != NULL)
        switchboard_seat(place, link, NULL, port);
}

/* No more file descriptors, most likely: the socket stays readable, so the loop would spin. */
static void on_accept_error(struct evconnlistener *socket, void *context) {
    struct switchboard *board = context;
    if (switchboard_may_complain(board))
        switchboard_say(board, WORLD_ERROR, "cannot accept connections: %s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    board->refuses = true;
    evconnlistener_disable(socket);
}

void switchboard_accept_again(struct switchboard *board) {
    if (board->refuses)
        evconnlistener_enable(board->socket);
    board->refuses = false;
}

char *switchboard_listen(struct switchboard *board) {
    const char *laddr = board->config.laddr;
    struct netaddress address;
    char text[NETADDRESS_TEXT_SIZE];
    struct sockaddr_storage where;
    if (netaddress_parse_host_port(&address, span_text(laddr)) != NETADDRESS_GOOD || !address.is_ip)
        return complaint_of("p2p.laddr \"%s\" is not tcp://IP:PORT", laddr);
    int size = (int)link_sockaddr(&where, &address);
    board->socket = evconnlistener_new_bind(board->base, on_accept, board, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
                                            128, (struct sockaddr *)&where, size);
    if (board->socket == NULL)
        return complaint_of("cannot listen at p2p.laddr %s: %s; is another node running there?", laddr, strerror(errno));
    evconnlistener_set_error_cb(board->socket, on_accept_error);
    socklen_t bound_size = sizeof where;
    getsockname(evconnlistener_get_fd(board->socket), (struct sockaddr *)&where, &bound_size);
    board->port = ntohs(where.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&where)->sin6_port : ((struct sockaddr_in *)&where)->sin_port);
    struct netaddress told;
    if (netaddress_parse_host_port(&told, span_text(board->info->listen_addr)) == NETADDRESS_GOOD && told.port != 0)
        return NULL;
    address.port = board->port;
    netaddress_format_host_port(text, &address);
    snprintf(board->info->listen_addr, sizeof board->info->listen_addr, "tcp://%s", text);
    return NULL;
}
