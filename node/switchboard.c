#include "node/switchboard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/pex.h"
#include "node/wire.h"

#define HANDSHAKES_PER_IP_MAX 8
#define PERSISTENT_MAX        128
#define REDIAL_FIRST_MS       250
#define REDIAL_CAP_MS         30000
#define TICK_MS               250

struct target { /* a persistent peer, dialled for ever */
    struct netaddress address;
    uint32_t attempts;
    int64_t next_ms;
    bool said; /* that it is not reachable: once, not at every try */
};

struct ban {
    char id[41];
    int64_t until_ms;
};

struct place { /* of a link; peer number = generation · SWITCHBOARD_LINKS_MAX + index */
    struct link *link;
    uint32_t number; /* 0: not up */
    bool dead;       /* to be freed at the next turn */
    struct target *target;
    struct pex_talk talk;
};

struct switchboard {
    struct switchboard_config config;
    struct switchboard_listener listener;
    struct link_settings settings;
    struct link_owner owner;
    struct node_info *info;
    struct event_base *base;
    struct evconnlistener *socket;
    struct event *tick;
    struct pex pex;
    uint16_t port;
    uint32_t generation;
    struct place places[SWITCHBOARD_LINKS_MAX];
    uint32_t target_count;
    struct target targets[PERSISTENT_MAX];
    uint32_t ban_count;
    struct ban bans[SWITCHBOARD_BANS_MAX];
    bool closing;
};

/* CometBFT's priorities, queues and capacities (protocol.md §4.4). */
static const struct mconn_channel channels[] = {
    {WIRE_STATE, 6, 100, WIRE_CONSENSUS_BYTES_MAX}, {WIRE_DATA, 10, 100, WIRE_CONSENSUS_BYTES_MAX},
    {WIRE_VOTE, 7, 100, WIRE_CONSENSUS_BYTES_MAX},  {WIRE_VOTE_SET_BITS, 1, 8, WIRE_CONSENSUS_BYTES_MAX},
    {WIRE_MEMPOOL, 5, 64, 4 * 1024 * 1024 + 64},    {WIRE_PEX, 1, 10, 64000},
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void say(struct switchboard *board, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct switchboard *board, enum world_level level, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    board->listener.log(board->listener.context, level, text);
}

static char *error_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *error_text(const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return strdup(text);
}

/* ---- lists of the configuration */

static bool list_has(const char *list, const char *id) {
    for (const char *at = list; at != NULL && *at != '\0';) {
        while (*at == ',' || *at == ' ')
            at++;
        if (strncasecmp(at, id, 40) == 0)
            return true;
        at = strchr(at, ',');
    }
    return false;
}

static bool is_unconditional(const struct switchboard *board, const char *id) {
    return list_has(board->config.unconditional_peer_ids, id) || list_has(board->config.persistent_peers, id);
}

static bool is_allowed(const struct switchboard *board, const char *id) {
    const struct switchboard_config *config = &board->config;
    return !config->allow_only || is_unconditional(board, id) || list_has(config->private_peer_ids, id) || list_has(config->seeds, id);
}

/* ---- bans */

bool switchboard_is_banned(const struct switchboard *board, const char *id) {
    for (uint32_t i = 0; i < board->ban_count; i++)
        if (strcmp(board->bans[i].id, id) == 0)
            return board->bans[i].until_ms > now_ms();
    return false;
}

/* When the table is full, the ban that ends first makes room. */
static struct ban *ban_place(struct switchboard *board, const char *id) {
    struct ban *first_to_end = &board->bans[0];
    for (uint32_t i = 0; i < board->ban_count; i++) {
        if (strcmp(board->bans[i].id, id) == 0)
            return &board->bans[i];
        if (board->bans[i].until_ms < first_to_end->until_ms)
            first_to_end = &board->bans[i];
    }
    return board->ban_count < SWITCHBOARD_BANS_MAX ? &board->bans[board->ban_count++] : first_to_end;
}

static void ban(struct switchboard *board, const char *id, int64_t duration_ms) {
    struct ban *place = ban_place(board, id);
    snprintf(place->id, sizeof place->id, "%s", id);
    place->until_ms = now_ms() + duration_ms;
}

/* ---- places */

static struct place *place_of(struct link *link) { return link_tag(link); }

static struct place *find_number(struct switchboard *board, uint32_t number) {
    struct place *place = &board->places[number % SWITCHBOARD_LINKS_MAX];
    return number != 0 && place->number == number ? place : NULL;
}

static struct place *find_id(struct switchboard *board, const char *id) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0 && strcmp(link_id(board->places[i].link), id) == 0)
            return &board->places[i];
    return NULL;
}

static struct place *free_place(struct switchboard *board) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].link == NULL)
            return &board->places[i];
    return NULL;
}

uint32_t switchboard_count(const struct switchboard *board, bool outbound) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        count += board->places[i].number != 0 && link_is_outbound(board->places[i].link) == outbound;
    return count;
}

static uint32_t count_ip(const struct switchboard *board, const char *ip, bool up) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++) {
        const struct place *place = &board->places[i];
        if (place->link != NULL && !place->dead && (place->number != 0) == up && strcmp(link_remote_ip(place->link), ip) == 0)
            count++;
    }
    return count;
}

/* ---- the links' questions */

/* Two nodes that dial each other at once make two connections; both sides keep the one dialled by the smaller id. */
static const char *settle_duplicate(struct switchboard *board, struct link *link, const char *id) {
    struct place *present = find_id(board, id);
    if (present == NULL)
        return NULL;
    bool keep_new = link_is_outbound(link) != link_is_outbound(present->link) &&
                    link_is_outbound(link) == (strcmp(board->info->id, id) < 0) && link_age_ms(present->link, now_ms()) < 10000;
    if (!keep_new)
        return "already connected with this node";
    link_kill(present->link, "replaced by the other of two connections between the same nodes", false);
    return NULL;
}

static const char *on_authenticated(void *context, struct link *link, const char *id) {
    struct switchboard *board = context;
    if (strcmp(id, board->info->id) == 0)
        return "this is our own key: we dialled ourselves, or another node runs with our node_key.json";
    if (switchboard_is_banned(board, id))
        return "banned for what it did before";
    if (!is_allowed(board, id))
        return "not on the list of allowed peers (p2p.allow_only)";
    (void)link;
    return NULL;
}

static const char *on_introduced(void *context, struct link *link) {
    struct switchboard *board = context;
    const char *id = link_id(link);
    const char *duplicate = settle_duplicate(board, link, id);
    if (duplicate != NULL)
        return duplicate;
    bool exempt = is_unconditional(board, id);
    if (!exempt && !link_is_outbound(link) && switchboard_count(board, false) >= board->config.max_num_inbound_peers)
        return "no room for more inbound peers (p2p.max_num_inbound_peers)";
    if (!exempt && !board->config.allow_duplicate_ip && count_ip(board, link_remote_ip(link), true) > 0)
        return "another peer has the same IP address (p2p.allow_duplicate_ip)";
    struct place *place = place_of(link);
    place->number = ++board->generation * SWITCHBOARD_LINKS_MAX + (uint32_t)(place - board->places);
    if (place->target != NULL) {
        place->target->attempts = 0;
        place->target->said = false;
    }
    say(board, WORLD_INFO, "peer %s up (%s, %s, %s)", id, link_is_outbound(link) ? "dialled" : "accepted", link_remote_ip(link),
        link_info(link)->moniker);
    pex_peer_up(&board->pex, &place->talk, link);
    board->listener.peer_up(board->listener.context, place->number, id);
    if (pex_wants_addresses(&board->pex, link))
        pex_ask(&board->pex, &place->talk, link);
    return NULL;
}

static void on_message(void *context, struct link *link, uint8_t channel, struct span bytes) {
    struct switchboard *board = context;
    struct place *place = place_of(link);
    if (channel != WIRE_PEX) {
        board->listener.message(board->listener.context, place->number, channel, bytes);
        return;
    }
    const char *wrong = pex_receive(&board->pex, &place->talk, link, bytes, now_ms());
    if (wrong == NULL)
        return;
    ban(board, link_id(link), SWITCHBOARD_PEX_BAN_MS);
    link_kill(link, wrong, true);
}

static void on_writable(void *context, struct link *link) {
    struct switchboard *board = context;
    if (place_of(link)->number != 0)
        board->listener.writable(board->listener.context, place_of(link)->number);
}

static void plan_redial(struct switchboard *board, struct target *target) {
    int64_t cap = board->config.persistent_peers_max_dial_period_ms > 0 ? board->config.persistent_peers_max_dial_period_ms : REDIAL_CAP_MS;
    uint32_t doublings = target->attempts < 12 ? target->attempts : 12;
    int64_t delay = (int64_t)REDIAL_FIRST_MS << doublings;
    target->attempts++;
    /* nodes that fell together must not redial in step: spread by the id, up to half more */
    delay += delay / 2 * target->address.id[0] / 256;
    target->next_ms = now_ms() + (delay < cap ? delay : cap);
}

static void on_dead(void *context, struct link *link, const char *why, bool fault) {
    struct switchboard *board = context;
    struct place *place = place_of(link);
    if (place == NULL)
        return;
    bool was_up = place->number != 0;
    const char *who = link_id(link)[0] != '\0' ? link_id(link) : link_remote_ip(link);
    bool quiet = place->target != NULL && !was_up && place->target->said;
    if (!board->closing && !quiet)
        say(board, fault ? WORLD_WARN : WORLD_INFO, "%s %s: %s", was_up ? "lost peer" : "no connection with", who, why);
    if (place->target != NULL) {
        place->target->said = true;
        plan_redial(board, place->target);
    }
    place->dead = true;
    uint32_t number = place->number;
    place->number = 0;
    if (was_up)
        board->listener.peer_down(board->listener.context, number);
}

/* ---- dialling and accepting */

static void seat(struct place *place, struct link *link, struct target *target) {
    *place = (struct place){.link = link, .target = target};
    link_set_tag(link, place);
}

static bool target_is_busy(struct switchboard *board, const struct target *target) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].link != NULL && board->places[i].target == target)
            return true;
    return false;
}

static void lower_id(char out[41], const struct netaddress *address) {
    snprintf(out, 41, "%s", address->id_text);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'F' ? *c + 32 : *c);
}

static void dial(struct switchboard *board, const struct netaddress *address, struct target *target) {
    struct place *place = free_place(board);
    struct link *link = place == NULL ? NULL : link_dial(&board->settings, &board->owner, address);
    if (link == NULL) {
        if (target != NULL)
            plan_redial(board, target);
        return;
    }
    seat(place, link, target);
}

static void dial_persistent(struct switchboard *board, int64_t now) {
    for (uint32_t i = 0; i < board->target_count; i++) {
        struct target *target = &board->targets[i];
        char id[41];
        lower_id(id, &target->address);
        if (now < target->next_ms || target_is_busy(board, target) || find_id(board, id) != NULL || strcmp(id, board->info->id) == 0 ||
            switchboard_is_banned(board, id))
            continue;
        dial(board, &target->address, target);
    }
}

static void dial_known(struct switchboard *board, int64_t now) {
    if (!board->config.pex || switchboard_count(board, true) >= board->config.max_num_outbound_peers)
        return;
    struct netaddress address;
    if (!pex_pick(&board->pex, &address, now))
        return;
    char id[41];
    lower_id(id, &address);
    if (find_id(board, id) == NULL && strcmp(id, board->info->id) != 0 && !switchboard_is_banned(board, id) && is_allowed(board, id))
        dial(board, &address, NULL);
}

static void text_of(char out[64], const struct sockaddr *from) {
    out[0] = '\0';
    if (from->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, out, 64);
    else if (from->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)from)->sin6_addr, out, 64);
}

static void on_accept(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *from, int size, void *context) {
    (void)socket;
    (void)size;
    struct switchboard *board = context;
    char ip[64];
    text_of(ip, from);
    struct place *place = free_place(board);
    if (place == NULL || count_ip(board, ip, false) >= HANDSHAKES_PER_IP_MAX) {
        evutil_closesocket(fd); /* whoever opens connections without ever shaking hands gets no memory from us */
        return;
    }
    struct link *link = link_accept(&board->settings, &board->owner, fd, ip);
    if (link != NULL)
        seat(place, link, NULL);
}

/* ---- turns */

static void bury_dead(struct switchboard *board) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++) {
        struct place *place = &board->places[i];
        if (!place->dead)
            continue;
        link_free(place->link);
        *place = (struct place){.link = NULL};
    }
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct switchboard *board = context;
    int64_t now = now_ms();
    bury_dead(board);
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].link != NULL && !board->places[i].dead)
            link_tick(board->places[i].link, now);
    dial_persistent(board, now);
    dial_known(board, now);
}

void switchboard_flush(struct switchboard *board) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0 && link_has_pending(board->places[i].link))
            link_flush(board->places[i].link);
}

bool switchboard_send(struct switchboard *board, uint32_t peer, uint8_t channel, struct blob *message) {
    struct place *place = find_number(board, peer);
    return place != NULL && link_send(place->link, channel, message);
}

void switchboard_drop(struct switchboard *board, uint32_t peer, enum world_blame blame, const char *reason) {
    struct place *place = find_number(board, peer);
    if (place == NULL)
        return;
    if (blame == WORLD_BLAME_MALICE)
        ban(board, link_id(place->link), SWITCHBOARD_BAN_MS);
    link_kill(place->link, reason, blame != WORLD_BLAME_NONE);
}

void switchboard_each(const struct switchboard *board, void (*visit)(void *context, uint32_t peer, const struct link *link), void *context) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0)
            visit(context, board->places[i].number, board->places[i].link);
}

uint16_t switchboard_port(const struct switchboard *board) { return board->port; }

/* ---- life */

static bool read_targets(struct switchboard *board, char **error) {
    for (const char *at = board->config.persistent_peers; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        struct span text = span_of(at, size);
        while (text.size > 0 && text.data[0] == ' ')
            text = span_of(text.data + 1, text.size - 1);
        while (text.size > 0 && text.data[text.size - 1] == ' ')
            text.size--;
        if (text.size > 0) {
            struct target *target = &board->targets[board->target_count];
            enum netaddress_verdict verdict = board->target_count < PERSISTENT_MAX ? netaddress_parse(&target->address, text) : NETADDRESS_BAD_HOST;
            if (verdict != NETADDRESS_GOOD) {
                *error = error_text("p2p.persistent_peers: \"%.*s\": %s; give id@host:port, separated by commas", (int)text.size,
                                    (const char *)text.data, netaddress_verdict_text(verdict));
                return false;
            }
            board->target_count++;
        }
        at += size;
        at += *at == ',';
    }
    return true;
}

static bool listen_at(struct switchboard *board, char **error) {
    const char *laddr = board->config.laddr;
    struct netaddress address;
    if (netaddress_parse_host_port(&address, span_text(laddr)) != NETADDRESS_GOOD || !address.is_ip) {
        *error = error_text("p2p.laddr \"%s\" is not tcp://IP:PORT", laddr);
        return false;
    }
    char text[NETADDRESS_TEXT_SIZE];
    netaddress_format_host_port(text, &address);
    struct sockaddr_storage where;
    int size = sizeof where;
    if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&where, &size) != 0) {
        *error = error_text("p2p.laddr \"%s\" cannot be used as an address", laddr);
        return false;
    }
    board->socket = evconnlistener_new_bind(board->base, on_accept, board, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC, 128,
                                            (struct sockaddr *)&where, size);
    if (board->socket == NULL) {
        *error = error_text("cannot listen at p2p.laddr %s: %s; is another node running there?", laddr, strerror(errno));
        return false;
    }
    socklen_t bound_size = sizeof where;
    getsockname(evconnlistener_get_fd(board->socket), (struct sockaddr *)&where, &bound_size);
    board->port = ntohs(where.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&where)->sin6_port : ((struct sockaddr_in *)&where)->sin_port);
    return true;
}

struct switchboard *switchboard_new(struct event_base *base, const struct switchboard_config *config, const struct ed25519_key *node_key,
                                    struct node_info *info, const struct switchboard_listener *listener, char **error) {
    struct switchboard *board = calloc(1, sizeof *board);
    assert(board != NULL);
    board->config = *config;
    board->listener = *listener;
    board->base = base;
    board->info = info;
    board->settings = (struct link_settings){
        .base = base,
        .node_key = node_key,
        .info = info,
        .channels = channels,
        .channel_count = sizeof channels / sizeof channels[0] - (config->pex ? 0 : 1),
        .handshake_timeout_ms = config->handshake_timeout_ms,
        .dial_timeout_ms = config->dial_timeout_ms,
        .ping_interval_ms = 60000,
        .pong_timeout_ms = 45000,
    };
    info->channel_count = 0;
    for (size_t i = 0; i < board->settings.channel_count; i++)
        info->channels[info->channel_count++] = channels[i].id;
    if (config->send_rate > 0 && config->recv_rate > 0) {
        static const struct timeval slice = {0, 100000};
        size_t read = (size_t)config->recv_rate / 10, write = (size_t)config->send_rate / 10;
        /* what was not used for a second may be used at once */
        board->settings.rate = ev_token_bucket_cfg_new(read, read * 10, write, write * 10, &slice);
    }
    board->owner = (struct link_owner){board, on_authenticated, on_introduced, on_message, on_writable, on_dead};
    pex_init(&board->pex, config->addr_book_strict, config->private_peer_ids);
    if (!read_targets(board, error) || !listen_at(board, error)) {
        switchboard_free(board);
        return NULL;
    }
    board->tick = event_new(base, -1, EV_PERSIST, on_tick, board);
    struct timeval period = {0, TICK_MS * 1000};
    event_add(board->tick, &period);
    event_active(board->tick, EV_TIMEOUT, 0);
    return board;
}

void switchboard_free(struct switchboard *board) {
    if (board == NULL)
        return;
    board->closing = true;
    if (board->tick != NULL)
        event_free(board->tick);
    if (board->socket != NULL)
        evconnlistener_free(board->socket);
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        link_free(board->places[i].link);
    if (board->settings.rate != NULL)
        ev_token_bucket_cfg_free(board->settings.rate);
    pex_close(&board->pex);
    free(board);
}
