#include "node/switchboard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/bans.h"
#include "node/complaint.h"
#include "node/pex.h"
#include "node/targets.h"
#include "node/wire.h"

#define HANDSHAKES_SHARED_IP_MAX 48
#define HANDSHAKE_GRACE_MS       1000
#define REDIAL_CAP_MS            30000
#define TICK_MS                  250
#define COMPLAINTS_MAX           20 /* lines about strangers in COMPLAINTS_MS */
#define COMPLAINTS_MS            10000

struct place { /* of a link */
    struct link *link;
    uint32_t number; /* 0: not up */
    bool dead;       /* to be freed at the end of this turn */
    int64_t up_ms;
    struct target *target; /* the persistent peer that it is */
    struct pex_talk talk;
};

struct switchboard {
    struct switchboard_config config;
    struct switchboard_listener listener;
    struct link_settings settings;
    struct link_owner owner;
    struct node_info *info;
    struct event_base *base;
    struct evdns_base *dns;
    struct evconnlistener *socket;
    struct event *tick, *bury;
    struct pex pex;
    struct targets persistent, seeds;
    struct bans bans;
    uint16_t port;
    uint32_t inbound_max, reserved; /* places for those we dial */
    uint32_t last_number;
    struct place *numbered[SWITCHBOARD_LINKS_MAX]; /* by number modulo the size */
    struct place places[SWITCHBOARD_LINKS_MAX];
    uint32_t asked; /* place of the peer last asked for addresses */
    int64_t next_ensure_ms, next_seed_ms;
    uint32_t next_seed;
    uint32_t complaints;
    int64_t complaints_from_ms;
    bool refuses; /* accept failed: no more until the next tick */
};

/* CometBFT's priorities, queues and capacities (protocol.md §4.4). PEX is the last: it may be switched off. */
static const struct mconn_channel channels[] = {
    {WIRE_STATE, 6, 100, WIRE_CONSENSUS_BYTES_MAX}, {WIRE_DATA, 10, 100, WIRE_CONSENSUS_BYTES_MAX},
    {WIRE_VOTE, 7, 100, WIRE_CONSENSUS_BYTES_MAX},  {WIRE_VOTE_SET_BITS, 1, 8, WIRE_CONSENSUS_BYTES_MAX},
    {WIRE_MEMPOOL, 5, 64, 4 * 1024 * 1024 + 64},    {WIRE_PEX, 1, 10, WIRE_PEX_BYTES_MAX},
};

const struct mconn_channel *switchboard_channel(uint8_t id) {
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        if (channels[i].id == id)
            return &channels[i];
    return NULL;
}

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void say(struct switchboard *board, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct switchboard *board, enum world_level level, const char *format, ...) {
    char text[1536]; /* a moniker may have 1023 */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    board->listener.log(board->listener.context, level, text);
}

/* Strangers must not fill the disk through the log. */
static bool may_complain(struct switchboard *board) {
    int64_t now = now_ms();
    if (now - board->complaints_from_ms >= COMPLAINTS_MS) {
        if (board->complaints > COMPLAINTS_MAX)
            say(board, WORLD_INFO, "%u more connections came to nothing", board->complaints - COMPLAINTS_MAX);
        board->complaints = 0;
        board->complaints_from_ms = now;
    }
    return ++board->complaints <= COMPLAINTS_MAX;
}

/* ---- who may */

static bool is_exempt(const struct switchboard *board, const char *id) {
    return targets_list_has(board->config.unconditional_peer_ids, id) || targets_find(&board->persistent, id) != NULL;
}

static bool is_allowed(const struct switchboard *board, const char *id) {
    const struct switchboard_config *config = &board->config;
    bool is_open = !config->allow_only && (config->allow_only_ids == NULL || config->allow_only_ids[0] == '\0');
    return is_open || is_exempt(board, id) || targets_find(&board->seeds, id) != NULL || targets_list_has(config->private_peer_ids, id) ||
           targets_list_has(config->allow_only_ids, id);
}

bool switchboard_is_banned(const struct switchboard *board, const char *id) { return bans_has(&board->bans, id, now_ms()); }

/* ---- places */

static struct place *place_of(struct link *link) { return link_tag(link); }

static struct place *find_number(struct switchboard *board, uint32_t number) {
    struct place *place = board->numbered[number % SWITCHBOARD_LINKS_MAX];
    return place != NULL && place->number == number ? place : NULL;
}

static void give_number(struct switchboard *board, struct place *place) {
    do
        board->last_number++;
    while (board->last_number == 0 || board->numbered[board->last_number % SWITCHBOARD_LINKS_MAX] != NULL);
    place->number = board->last_number;
    board->numbered[place->number % SWITCHBOARD_LINKS_MAX] = place;
}

static void take_number(struct switchboard *board, struct place *place) {
    if (place->number != 0)
        board->numbered[place->number % SWITCHBOARD_LINKS_MAX] = NULL;
    place->number = 0;
}

static struct place *find_id(struct switchboard *board, const char *id) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0 && strcmp(link_id(board->places[i].link), id) == 0)
            return &board->places[i];
    return NULL;
}

static bool is_alive(const struct place *place) { return place->link != NULL && !place->dead; }

/* Connected, or being dialled. */
static bool is_busy(struct switchboard *board, const char *id) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (is_alive(&board->places[i]) && strcmp(link_expected_id(board->places[i].link), id) == 0)
            return true;
    return find_id(board, id) != NULL;
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

static uint32_t count_strangers_in(const struct switchboard *board) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++) {
        const struct place *place = &board->places[i];
        count += place->number != 0 && !link_is_outbound(place->link) && !is_exempt(board, link_id(place->link));
    }
    return count;
}

/* Those that are being dialled count, or there would be too many when they answer. */
static uint32_t count_out(const struct switchboard *board) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        count += is_alive(&board->places[i]) && link_is_outbound(board->places[i].link);
    return count;
}

static bool has_ip(const struct switchboard *board, const char *ip) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0 && strcmp(link_remote_ip(board->places[i].link), ip) == 0)
            return true;
    return false;
}

/* ---- the links' questions */

/* Two nodes that dial each other at once make two connections; both sides keep the one dialled by the smaller id. A second one in the same
 * direction says that the other side may have lost the first without our hearing of it. */
static const char *settle_duplicate(struct switchboard *board, struct link *link, const char *id) {
    struct place *present = find_id(board, id);
    if (present == NULL)
        return NULL;
    bool crossing = link_is_outbound(link) != link_is_outbound(present->link);
    if (!crossing || link_is_outbound(link) != (strcmp(board->info->id, id) < 0)) {
        if (!crossing)
            link_probe(present->link, now_ms(), SWITCHBOARD_PROBE_MS);
        return "already connected with this node";
    }
    link_kill(present->link, "replaced by the other of two connections between the same nodes", false);
    return NULL;
}

static const char *on_authenticated(void *context, struct link *link, const char *id) {
    struct switchboard *board = context;
    (void)link;
    if (strcmp(id, board->info->id) == 0)
        return "this is our own key: we dialled ourselves, or another node runs with our node_key.json";
    if (switchboard_is_banned(board, id))
        return "banned for what it did before";
    if (!is_allowed(board, id))
        return "not on the list of allowed peers (p2p.allow_only)";
    return NULL;
}

static const char *refusal_of(struct switchboard *board, struct link *link, const char *id) {
    const char *duplicate = settle_duplicate(board, link, id);
    if (duplicate != NULL)
        return duplicate;
    if (is_exempt(board, id))
        return NULL;
    if (!link_is_outbound(link) && count_strangers_in(board) >= board->inbound_max)
        return "no room for more inbound peers (p2p.max_num_inbound_peers)";
    if (!board->config.allow_duplicate_ip && has_ip(board, link_remote_ip(link)))
        return "another peer has the same IP address (p2p.allow_duplicate_ip)";
    return NULL;
}

static const char *on_introduced(void *context, struct link *link) {
    struct switchboard *board = context;
    struct place *place = place_of(link);
    const char *id = link_id(link);
    const char *refused = refusal_of(board, link, id);
    if (refused != NULL)
        return refused;
    give_number(board, place);
    place->up_ms = now_ms();
    place->target = targets_find(&board->persistent, id); /* also if it dialled us */
    say(board, WORLD_INFO, "peer %s up (%s, %s, %s)", id, link_is_outbound(link) ? "dialled" : "accepted", link_remote_ip(link),
        link_info(link)->moniker);
    if (board->config.pex)
        pex_peer_up(&board->pex, link);
    board->listener.peer_up(board->listener.context, place->number, id);
    if (board->config.pex && link_is_outbound(link) && board->pex.count < PEX_KNOWN_MAX)
        pex_ask(&place->talk, link);
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
    bans_add(&board->bans, link_id(link), now_ms() + SWITCHBOARD_PEX_BAN_MS);
    link_kill(link, wrong, true);
}

static void on_writable(void *context, struct link *link) {
    struct switchboard *board = context;
    if (place_of(link)->number != 0)
        board->listener.writable(board->listener.context, place_of(link)->number);
}

static void say_dead(struct switchboard *board, struct place *place, const char *why, bool fault) {
    const char *id = link_id(place->link)[0] != '\0' ? link_id(place->link) : link_expected_id(place->link);
    if (place->number != 0)
        say(board, fault ? WORLD_WARN : WORLD_INFO, "lost peer %s (%s): %s", id, link_remote_ip(place->link), why);
    else if (place->target != NULL ? !place->target->said : may_complain(board))
        say(board, fault ? WORLD_WARN : WORLD_INFO, "no connection with %s%s%s: %s", id, id[0] == '\0' ? "" : " at ",
            link_remote_ip(place->link), why);
}

/* A peer that stayed is dialled again soon; one that goes as soon as it came (it has no room, it is of another mind) ever more seldom. */
static void plan_redial(struct switchboard *board, struct place *place) {
    bool stayed = place->number != 0 && now_ms() - place->up_ms >= SWITCHBOARD_STAYED_MS;
    if (stayed)
        pex_good(&board->pex, link_id(place->link));
    struct target *target = place->target;
    if (target == NULL)
        return;
    int64_t cap = board->config.persistent_peers_max_dial_period_ms;
    if (stayed)
        target->attempts = 0;
    target->said = place->number == 0;
    targets_plan(target, now_ms(), cap > 0 ? cap : REDIAL_CAP_MS);
}

static void on_dead(void *context, struct link *link, const char *why, bool fault) {
    struct switchboard *board = context;
    struct place *place = place_of(link);
    say_dead(board, place, why, fault);
    plan_redial(board, place);
    uint32_t number = place->number;
    place->dead = true;
    take_number(board, place);
    event_active(board->bury, EV_TIMEOUT, 0); /* soon, or who comes and goes would hold all places */
    if (number != 0)
        board->listener.peer_down(board->listener.context, number);
}

/* ---- dialling */

static void seat(struct place *place, struct link *link, struct target *target) {
    *place = (struct place){.link = link, .target = target};
    link_set_tag(link, place);
}

static bool dial(struct switchboard *board, const struct netaddress *address, struct target *target) {
    struct place *place = free_place(board);
    struct link *link = place == NULL ? NULL : link_dial(&board->settings, &board->owner, address);
    if (link != NULL)
        seat(place, link, target);
    return link != NULL;
}

static void dial_persistent(struct switchboard *board, int64_t now) {
    for (uint32_t i = 0; i < board->persistent.count; i++) {
        struct target *target = &board->persistent.targets[i];
        if (now < target->next_ms || is_busy(board, target->id) || switchboard_is_banned(board, target->id))
            continue;
        if (!dial(board, &target->address, target))
            targets_plan(target, now, REDIAL_CAP_MS);
    }
}

static bool is_wanted(void *context, const struct pex_known *known) {
    struct switchboard *board = context;
    return !is_busy(board, known->id) && !switchboard_is_banned(board, known->id) && is_allowed(board, known->id) &&
           targets_find(&board->persistent, known->id) == NULL && (board->config.allow_duplicate_ip || !has_ip(board, known->address.host));
}

static void ask_someone(struct switchboard *board) {
    for (uint32_t i = 1; i <= SWITCHBOARD_LINKS_MAX; i++) {
        uint32_t index = (board->asked + i) % SWITCHBOARD_LINKS_MAX;
        struct place *place = &board->places[index];
        if (place->number == 0)
            continue;
        board->asked = index;
        pex_ask(&place->talk, place->link);
        return;
    }
}

/* Seeds are for those who know nobody else to dial. */
static void dial_seed(struct switchboard *board, int64_t now) {
    if (board->seeds.count == 0 || now < board->next_seed_ms)
        return;
    board->next_seed_ms = now + SWITCHBOARD_ENSURE_MS;
    struct target *seed = &board->seeds.targets[board->next_seed++ % board->seeds.count];
    if (!is_busy(board, seed->id) && !switchboard_is_banned(board, seed->id))
        dial(board, &seed->address, NULL);
}

static void ensure_outbound(struct switchboard *board, int64_t now) {
    if (!board->config.pex || count_out(board) >= board->config.max_num_outbound_peers)
        return;
    if (now >= board->next_ensure_ms) {
        board->next_ensure_ms = now + SWITCHBOARD_ENSURE_MS;
        if (board->pex.count < PEX_KNOWN_MAX)
            ask_someone(board);
    }
    struct netaddress address;
    if (pex_pick(&board->pex, &address, now, is_wanted, board))
        dial(board, &address, NULL);
    else
        dial_seed(board, now);
}

/* ---- accepting */

static void text_of(char out[64], const struct sockaddr *from) {
    uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};
    if (from->sa_family == AF_INET)
        memcpy(ip + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    else if (from->sa_family == AF_INET6)
        memcpy(ip, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    netaddress_format_ip(out, ip);
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
    int64_t now = now_ms();
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
    text_of(ip, from);
    struct place *place = make_room(board, ip) ? free_place(board) : NULL;
    if (place == NULL) {
        evutil_closesocket(fd);
        return;
    }
    struct link *link = link_accept(&board->settings, &board->owner, fd, ip);
    if (link != NULL)
        seat(place, link, NULL);
}

/* No more file descriptors, most likely: the socket stays readable, so the loop would spin. */
static void on_accept_error(struct evconnlistener *socket, void *context) {
    struct switchboard *board = context;
    if (may_complain(board))
        say(board, WORLD_ERROR, "cannot accept connections: %s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    board->refuses = true;
    evconnlistener_disable(socket);
}

/* ---- turns */

static void on_bury(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct switchboard *board = context;
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
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (is_alive(&board->places[i]))
            link_tick(board->places[i].link, now);
    dial_persistent(board, now);
    ensure_outbound(board, now);
    if (board->refuses)
        evconnlistener_enable(board->socket);
    board->refuses = false;
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
        bans_add(&board->bans, link_id(place->link), now_ms() + (board->config.ban_ms > 0 ? board->config.ban_ms : SWITCHBOARD_BAN_MS));
    link_kill(place->link, reason, blame != WORLD_BLAME_NONE);
}

void switchboard_each(const struct switchboard *board, void (*visit)(void *context, uint32_t peer, const struct link *link), void *context) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0)
            visit(context, board->places[i].number, board->places[i].link);
}

uint16_t switchboard_port(const struct switchboard *board) { return board->port; }

/* ---- life */

static char *listen_at(struct switchboard *board) {
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

/* Names are looked up beside the loop, never in it. */
static void open_resolver(struct switchboard *board) {
    bool needed = false;
    for (uint32_t i = 0; i < board->persistent.count; i++)
        needed |= !board->persistent.targets[i].address.is_ip;
    for (uint32_t i = 0; i < board->seeds.count; i++)
        needed |= !board->seeds.targets[i].address.is_ip;
    if (!needed)
        return;
    board->dns = evdns_base_new(board->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (board->dns == NULL) { /* no resolv.conf: the hosts file alone */
        board->dns = evdns_base_new(board->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (board->dns != NULL)
            evdns_base_load_hosts(board->dns, "/etc/hosts");
    }
    board->settings.dns = board->dns;
}

static size_t slice_of(int64_t rate) {
    size_t most = EV_RATE_LIMIT_MAX / 10, slice = (size_t)rate / 10;
    return rate <= 0 || slice > most ? most : slice == 0 ? 1 : slice;
}

static void limit_rates(struct switchboard *board) {
    static const struct timeval period = {0, 100000};
    if (board->config.send_rate <= 0 && board->config.recv_rate <= 0)
        return;
    size_t read = slice_of(board->config.recv_rate), write = slice_of(board->config.send_rate);
    board->settings.rate = ev_token_bucket_cfg_new(read, read * 10, write, write * 10, &period);
    assert(board->settings.rate != NULL);
}

static void settle_limits(struct switchboard *board) {
    const struct switchboard_config *config = &board->config;
    uint64_t reserved = (uint64_t)board->persistent.count + (config->pex ? config->max_num_outbound_peers : 0);
    board->reserved = reserved < SWITCHBOARD_LINKS_MAX / 2 ? (uint32_t)reserved : SWITCHBOARD_LINKS_MAX / 2;
    uint32_t most = SWITCHBOARD_LINKS_MAX - board->reserved - SWITCHBOARD_HANDSHAKES_MAX;
    board->inbound_max = config->max_num_inbound_peers < most ? config->max_num_inbound_peers : most;
    if (board->inbound_max < config->max_num_inbound_peers)
        say(board, WORLD_WARN, "p2p.max_num_inbound_peers is %u, but there is room for %u", config->max_num_inbound_peers, most);
}

static void settle(struct switchboard *board, const struct ed25519_key *node_key) {
    const struct switchboard_config *config = &board->config;
    board->settings = (struct link_settings){
        .base = board->base,
        .node_key = node_key,
        .info = board->info,
        .channels = channels,
        .channel_count = sizeof channels / sizeof channels[0] - (config->pex ? 0 : 1),
        .handshake_timeout_ms = config->handshake_timeout_ms > 0 ? config->handshake_timeout_ms : 20000,
        .dial_timeout_ms = config->dial_timeout_ms > 0 ? config->dial_timeout_ms : 3000,
        .ping_interval_ms = 60000,
        .pong_timeout_ms = 45000,
    };
    board->info->channel_count = 0;
    for (size_t i = 0; i < board->settings.channel_count; i++)
        board->info->channels[board->info->channel_count++] = channels[i].id;
    board->owner = (struct link_owner){board, on_authenticated, on_introduced, on_message, on_writable, on_dead};
    limit_rates(board);
    settle_limits(board);
    open_resolver(board);
}

struct switchboard *switchboard_new(struct event_base *base, const struct switchboard_config *config, const struct ed25519_key *node_key,
                                    struct node_info *info, const struct switchboard_listener *listener, char **error) {
    struct switchboard *board = calloc(1, sizeof *board);
    assert(board != NULL);
    board->config = *config;
    board->listener = *listener;
    board->base = base;
    board->info = info;
    signal(SIGPIPE, SIG_IGN);
    pex_init(&board->pex, info->id, config->addr_book_strict, config->private_peer_ids);
    *error = targets_read(&board->persistent, "p2p.persistent_peers", config->persistent_peers, info->id);
    if (*error == NULL)
        *error = targets_read(&board->seeds, "p2p.seeds", config->seeds, info->id);
    if (*error == NULL)
        *error = listen_at(board);
    if (*error != NULL) {
        switchboard_free(board);
        return NULL;
    }
    settle(board, node_key);
    board->next_ensure_ms = now_ms() + SWITCHBOARD_ENSURE_MS;
    board->bury = event_new(base, -1, 0, on_bury, board);
    board->tick = event_new(base, -1, EV_PERSIST, on_tick, board);
    struct timeval period = {0, TICK_MS * 1000};
    event_add(board->tick, &period);
    event_active(board->tick, EV_TIMEOUT, 0);
    return board;
}

void switchboard_free(struct switchboard *board) {
    if (board == NULL)
        return;
    if (board->tick != NULL)
        event_free(board->tick);
    if (board->bury != NULL)
        event_free(board->bury);
    if (board->socket != NULL)
        evconnlistener_free(board->socket);
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        link_free(board->places[i].link);
    if (board->dns != NULL)
        evdns_base_free(board->dns, 1);
    if (board->settings.rate != NULL)
        ev_token_bucket_cfg_free(board->settings.rate);
    targets_close(&board->persistent);
    targets_close(&board->seeds);
    pex_close(&board->pex);
    free(board);
}
