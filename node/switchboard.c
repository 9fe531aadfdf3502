#include "node/switchboard_inside.h"

#include <assert.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/random.h"
#include "node/wire.h"

#define TICK_MS        250
#define COMPLAINTS_MAX 20 /* lines about strangers in COMPLAINTS_MS */
#define COMPLAINTS_MS  10000

/* CometBFT's priorities, queues and capacities (protocol.md §4.4). PEX is the last: it may be switched off, and a seed has nothing else. */
static const struct mconn_channel channels[] = {
    {WIRE_STATE, 6, 100, WIRE_CONSENSUS_BYTES_MAX}, {WIRE_DATA, 10, 100, WIRE_CONSENSUS_BYTES_MAX},
    {WIRE_VOTE, 7, 100, WIRE_CONSENSUS_BYTES_MAX},  {WIRE_VOTE_SET_BITS, 1, 8, WIRE_CONSENSUS_BYTES_MAX},
    {WIRE_MEMPOOL, 5, 64, 4 * 1024 * 1024 + 64},    {WIRE_EVIDENCE, 6, 4, WIRE_EVIDENCE_BYTES_MAX},
    {WIRE_BLOCKSYNC, 5, 32, WIRE_BLOCKSYNC_BYTES_MAX},
    {WIRE_PEX, 1, 10, WIRE_PEX_BYTES_MAX},
};
#define CHANNELS (sizeof channels / sizeof channels[0])

const struct mconn_channel *switchboard_channel(uint8_t id) {
    for (size_t i = 0; i < CHANNELS; i++)
        if (channels[i].id == id)
            return &channels[i];
    return NULL;
}

int64_t switchboard_now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void switchboard_say(struct switchboard *board, enum world_level level, const char *format, ...) {
    char text[1536]; /* a moniker may have 1023 */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    board->listener.log(board->listener.context, level, text);
}

/* Strangers must not fill the disk through the log. */
bool switchboard_may_complain(struct switchboard *board) {
    int64_t now = switchboard_now_ms();
    if (now - board->complaints_from_ms >= COMPLAINTS_MS) {
        if (board->complaints > COMPLAINTS_MAX)
            switchboard_say(board, WORLD_INFO, "%u more connections came to nothing", board->complaints - COMPLAINTS_MAX);
        board->complaints = 0;
        board->complaints_from_ms = now;
    }
    return ++board->complaints <= COMPLAINTS_MAX;
}

/* ---- who may */

static bool is_exempt(const struct switchboard *board, const char *id) {
    return targets_list_has(board->config.unconditional_peer_ids, id) || targets_find(&board->persistent, id) != NULL;
}

bool switchboard_is_allowed(const struct switchboard *board, const char *id) {
    const struct switchboard_config *config = &board->config;
    bool is_open = !config->allow_only && (config->allow_only_ids == NULL || config->allow_only_ids[0] == '\0');
    return is_open || is_exempt(board, id) || targets_find(&board->seeds, id) != NULL || targets_list_has(config->private_peer_ids, id) ||
           targets_list_has(config->allow_only_ids, id);
}

bool switchboard_is_banned(const struct switchboard *board, const char *id) {
    return bans_has(&board->bans, id, switchboard_now_ms()) || switchboard_book_has_banned(board, id);
}

/* filter_peers: the application's word (cometbft: node/setup.go createTransport). */
static bool admits(const struct switchboard *board, const char *what, const char *who) {
    char path[32 + NETADDRESS_TEXT_SIZE];
    if (board->config.admits == NULL)
        return true;
    snprintf(path, sizeof path, "/p2p/filter/%s/%s", what, who);
    return board->config.admits(board->config.admits_context, path);
}

bool switchboard_admits_address(const struct switchboard *board, const char *ip, uint16_t port) {
    struct netaddress address = {.port = port};
    char text[NETADDRESS_TEXT_SIZE];
    snprintf(address.host, sizeof address.host, "%s", ip);
    netaddress_format_host_port(text, &address);
    return admits(board, "addr", text);
}

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

/* Connected, or being dialled. */
bool switchboard_is_busy(struct switchboard *board, const char *id) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (switchboard_is_alive(&board->places[i]) && strcmp(link_expected_id(board->places[i].link), id) == 0)
            return true;
    return find_id(board, id) != NULL;
}

struct place *switchboard_free_place(struct switchboard *board) {
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

bool switchboard_has_ip(const struct switchboard *board, const char *ip) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0 && strcmp(link_remote_ip(board->places[i].link), ip) == 0)
            return true;
    return false;
}

void switchboard_seat(struct place *place, struct link *link, struct target *target, uint16_t port) {
    *place = (struct place){.link = link, .target = target, .port = port};
    link_set_tag(link, place);
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
            link_probe(present->link, switchboard_now_ms(), SWITCHBOARD_PROBE_MS);
        return "already connected with this node";
    }
    link_kill(present->link, "replaced by the other of two connections between the same nodes", false);
    return NULL;
}

static const char *on_authenticated(void *context, struct link *link, const char *id) {
    struct switchboard *board = context;
    if (strcmp(id, board->info->id) == 0)
        return "this is our own key: we dialled ourselves, or another node runs with our node_key.json";
    if (switchboard_is_banned(board, id))
        return "banned for what it did before";
    if (!switchboard_is_allowed(board, id))
        return "not on the list of allowed peers (p2p.allow_only)";
    if (link_is_outbound(link) && !switchboard_admits_address(board, link_remote_ip(link), place_of(link)->port))
        return "the application refuses its address (filter_peers)";
    return admits(board, "id", id) ? NULL : "the application refuses its id (filter_peers)";
}

static const char *refusal_of(struct switchboard *board, struct link *link, const char *id) {
    const char *duplicate = settle_duplicate(board, link, id);
    if (duplicate != NULL)
        return duplicate;
    if (is_exempt(board, id))
        return NULL;
    if (!link_is_outbound(link) && count_strangers_in(board) >= board->inbound_max)
        return "no room for more inbound peers (p2p.max_num_inbound_peers)";
    if (!board->config.allow_duplicate_ip && switchboard_has_ip(board, link_remote_ip(link)))
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
    place->up_ms = switchboard_now_ms();
    place->target = targets_find(&board->persistent, id); /* also if it dialled us */
    switchboard_say(board, WORLD_INFO, "peer %s up (%s, %s, %s)", id, link_is_outbound(link) ? "dialled" : "accepted", link_remote_ip(link),
        link_info(link)->moniker);
    if (board->config.pex)
        pex_peer_up(&board->pex, link, switchboard_wall_ms());
    if (!board->config.seed_mode)
        board->listener.peer_up(board->listener.context, place->number, id);
    if (board->config.pex && link_is_outbound(link) && (board->config.seed_mode || addrbook_wants_more(&board->pex.book)))
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
    const char *wrong = pex_receive(&board->pex, &place->talk, link, bytes, switchboard_now_ms(), switchboard_wall_ms());
    if (wrong == NULL)
        return;
    switchboard_book_ban(board, link_id(link), SWITCHBOARD_PEX_BAN_MS);
    link_kill(link, wrong, true);
}

static void on_writable(void *context, struct link *link) {
    struct switchboard *board = context;
    if (place_of(link)->number != 0 && !board->config.seed_mode)
        board->listener.writable(board->listener.context, place_of(link)->number);
}

static void on_pong(void *context, struct link *link, int64_t round_trip_us) {
    struct switchboard *board = context;
    if (board->listener.pong != NULL && place_of(link)->number != 0 && !board->config.seed_mode)
        board->listener.pong(board->listener.context, place_of(link)->number, round_trip_us);
}

static void say_dead(struct switchboard *board, struct place *place, const char *why, bool fault) {
    const char *id = link_id(place->link)[0] != '\0' ? link_id(place->link) : link_expected_id(place->link);
    if (place->number != 0)
        switchboard_say(board, fault ? WORLD_WARN : WORLD_INFO, "lost peer %s (%s): %s", id, link_remote_ip(place->link), why);
    else if (place->target != NULL ? !place->target->said : switchboard_may_complain(board))
        switchboard_say(board, fault ? WORLD_WARN : WORLD_INFO, "no connection with %s%s%s: %s", id, id[0] == '\0' ? "" : " at ",
            link_remote_ip(place->link), why);
}

/* A peer that stayed is dialled again soon; one that goes as soon as it came (it has no room, it is of another mind) ever more seldom. */
static void plan_redial(struct switchboard *board, struct place *place) {
    bool stayed = place->number != 0 && switchboard_now_ms() - place->up_ms >= SWITCHBOARD_STAYED_MS;
    struct target *target = place->target;
    if (target == NULL)
        return;
    int64_t cap = board->config.persistent_peers_max_dial_period_ms;
    if (stayed)
        target->attempts = 0;
    target->said = place->number == 0;
    targets_plan(target, switchboard_now_ms(), cap > 0 ? cap : SWITCHBOARD_REDIAL_CAP_MS);
}

static void on_dead(void *context, struct link *link, const char *why, bool fault) {
    struct switchboard *board = context;
    struct place *place = place_of(link);
    say_dead(board, place, why, fault);
    plan_redial(board, place);
    switchboard_book_dead(board, place);
    uint32_t number = place->number;
    place->dead = true;
    take_number(board, place);
    event_active(board->bury, EV_TIMEOUT, 0); /* soon, or who comes and goes would hold all places */
    if (number != 0 && !board->config.seed_mode)
        board->listener.peer_down(board->listener.context, number);
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
    int64_t now = switchboard_now_ms();
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (switchboard_is_alive(&board->places[i]))
            link_tick(board->places[i].link, now);
    switchboard_book_tick(board, now);
    switchboard_dial_due(board, now);
    switchboard_accept_again(board);
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

void switchboard_ping(struct switchboard *board, uint32_t peer) {
    struct place *place = find_number(board, peer);
    if (place != NULL)
        link_ping(place->link);
}

void switchboard_drop(struct switchboard *board, uint32_t peer, enum world_blame blame, const char *reason) {
    struct place *place = find_number(board, peer);
    if (place == NULL)
        return;
    if (blame == WORLD_BLAME_MALICE)
        switchboard_book_ban(board, link_id(place->link), board->config.ban_ms > 0 ? board->config.ban_ms : SWITCHBOARD_BAN_MS);
    link_kill(place->link, reason, blame != WORLD_BLAME_NONE);
}

void switchboard_each(const struct switchboard *board, void (*visit)(void *context, uint32_t peer, const struct link *link), void *context) {
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        if (board->places[i].number != 0)
            visit(context, board->places[i].number, board->places[i].link);
}

uint16_t switchboard_port(const struct switchboard *board) { return board->port; }

/* ---- life */

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
        switchboard_say(board, WORLD_WARN, "p2p.max_num_inbound_peers is %u, but there is room for %u", config->max_num_inbound_peers, most);
}

static void settle(struct switchboard *board, const struct ed25519_key *node_key) {
    const struct switchboard_config *config = &board->config;
    board->settings = (struct link_settings){
        .base = board->base,
        .node_key = node_key,
        .info = board->info,
        .channels = config->seed_mode ? &channels[CHANNELS - 1] : channels,
        .channel_count = config->seed_mode ? 1 : CHANNELS - (config->pex ? 0 : 1),
        .handshake_timeout_ms = config->handshake_timeout_ms > 0 ? config->handshake_timeout_ms : 20000,
        .dial_timeout_ms = config->dial_timeout_ms > 0 ? config->dial_timeout_ms : 3000,
        .ping_interval_ms = 60000,
        .pong_timeout_ms = 45000,
    };
    board->info->channel_count = 0;
    for (size_t i = 0; i < board->settings.channel_count; i++)
        board->info->channels[board->info->channel_count++] = board->settings.channels[i].id;
    board->owner = (struct link_owner){board, on_authenticated, on_introduced, on_message, on_writable, on_dead, on_pong};
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
    pex_init(&board->pex, info->id, config->addr_book_strict, config->private_peer_ids, config->seed_mode);
    *error = targets_read(&board->persistent, "p2p.persistent_peers", config->persistent_peers, info->id);
    if (*error == NULL)
        *error = targets_read(&board->seeds, "p2p.seeds", config->seeds, info->id);
    if (*error == NULL)
        *error = switchboard_listen(board);
    if (*error != NULL) {
        switchboard_free(board);
        return NULL;
    }
    settle(board, node_key);
    random_fill(&board->next_seed, sizeof board->next_seed); /* not everybody begins with the same */
    switchboard_book_open(board);
    board->next_ensure_ms = switchboard_now_ms() + SWITCHBOARD_ENSURE_MS;
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
    free(board->unconditional);
    free(board->private);
    targets_close(&board->seeds);
    switchboard_book_close(board);
    pex_close(&board->pex);
    free(board);
}
