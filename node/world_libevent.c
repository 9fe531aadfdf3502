#include "node/world_libevent.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "node/log.h"
#include "node/notary.h"
#include "node/wire.h"

enum { CHANNELS_END = WIRE_BLOCKSYNC + 1, FIELDS = 16 };

struct timer_place {
    struct world_libevent *real;
    enum world_timer which;
    struct event *event;
};

struct world_libevent {
    struct world world;
    struct event_base *base;
    struct replica *replica;
    struct switchboard *board;
    struct notary *notary;
    struct timer_place timers[WORLD_TIMER_COUNT];
    struct event *turn_end;
    bool turn_end_due;
    struct metrics *metrics; /* NULL: nobody counts */
    struct metrics_cell *cells[2][CHANNELS_END][FIELDS]; /* of messages received and sent, by channel and first field */
};

static struct world_libevent *real_of(struct world *world) { return (struct world_libevent *)world; }

static struct timestamp clock_now(struct world *world) {
    (void)world;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct timestamp){now.tv_sec, (int32_t)now.tv_nsec};
}

static int64_t clock_ms(struct world *world) {
    (void)world;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void world_libevent_touch(struct world_libevent *real) {
    if (real->turn_end_due)
        return;
    real->turn_end_due = true;
    event_active(real->turn_end, EV_TIMEOUT, 0); /* behind all that is active now: more of the turn's work is gathered */
}

static void on_turn_end(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct world_libevent *real = context;
    replica_flush(real->replica); /* what it sends needs no further turn: it leaves below */
    real->turn_end_due = false;
    if (real->board != NULL)
        switchboard_flush(real->board);
}

static void count_message(struct world_libevent *real, bool sent, uint8_t channel, struct span bytes) {
    if (real->metrics == NULL || bytes.size == 0 || channel >= CHANNELS_END || bytes.data[0] >> 3 >= FIELDS)
        return;
    struct metrics_cell **cell = &real->cells[sent][channel][bytes.data[0] >> 3];
    const char *name = *cell == NULL ? metrics_message_name(channel, bytes.data[0]) : NULL;
    if (name != NULL && name[0] != '\0')
        *cell = metrics_cell(real->metrics, sent ? METRICS_MESSAGE_SENT : METRICS_MESSAGE_RECEIVED, name, NULL);
    metrics_cell_add(*cell, (double)bytes.size);
}

static bool send_message(struct world *world, uint32_t peer, uint8_t channel, struct blob *message) {
    struct world_libevent *real = real_of(world);
    bool taken = real->board != NULL && switchboard_send(real->board, peer, channel, message);
    if (taken)
        count_message(real, true, channel, blob_span(message));
    if (taken) /* a full queue gives no reason for a turn: the loop would spin as long as it is full */
        world_libevent_touch(real);
    return taken;
}

static void drop(struct world *world, uint32_t peer, enum world_blame blame, const char *reason) {
    if (real_of(world)->board != NULL)
        switchboard_drop(real_of(world)->board, peer, blame, reason);
}

static void on_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct timer_place *place = context;
    replica_timer(place->real->replica, place->which);
    world_libevent_touch(place->real);
}

static void set_timer(struct world *world, enum world_timer which, int64_t delay_ms) {
    if (delay_ms < 0)
        delay_ms = 0;
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
    evtimer_add(real_of(world)->timers[which].event, &delay);
}

static void write_log(struct world *world, enum world_level level, const char *text) {
    (void)world;
    log_line(level, text);
}

static void sign(struct world *world, const struct world_signing *wish) { notary_ask(real_of(world)->notary, wish); }

static void ping(struct world *world, uint32_t peer) {
    if (real_of(world)->board != NULL)
        switchboard_ping(real_of(world)->board, peer);
}

static const struct world_table table = {clock_now, clock_ms, send_message, drop, set_timer, write_log, sign, ping};

/* ---- the switchboard's words */

static void on_peer_up(void *context, uint32_t peer, const char *id) {
    struct world_libevent *real = context;
    replica_peer_up(real->replica, peer, id);
    world_libevent_touch(real);
}

static void on_peer_down(void *context, uint32_t peer) {
    struct world_libevent *real = context;
    replica_peer_down(real->replica, peer);
    world_libevent_touch(real);
}

static void on_message(void *context, uint32_t peer, uint8_t channel, struct span bytes) {
    struct world_libevent *real = context;
    count_message(real, false, channel, bytes);
    replica_receive(real->replica, peer, channel, bytes);
    world_libevent_touch(real);
}

static void on_writable(void *context, uint32_t peer) {
    struct world_libevent *real = context;
    replica_peer_writable(real->replica, peer);
    world_libevent_touch(real);
}

static void on_pong(void *context, uint32_t peer, int64_t round_trip_us) {
    struct world_libevent *real = context;
    replica_pong(real->replica, peer, round_trip_us);
    world_libevent_touch(real);
}

static void on_log(void *context, enum world_level level, const char *text) {
    (void)context;
    log_line(level, text);
}

struct switchboard_listener world_libevent_listener(struct world_libevent *real) {
    return (struct switchboard_listener){real, on_peer_up, on_peer_down, on_message, on_writable, on_log, on_pong};
}

/* ---- life */

struct world_libevent *world_libevent_new(struct event_base *base, struct disk *disk, struct notary *notary) {
    struct world_libevent *real = calloc(1, sizeof *real);
    assert(real != NULL);
    real->world = (struct world){&table, disk};
    real->base = base;
    real->notary = notary;
    real->turn_end = event_new(base, -1, 0, on_turn_end, real);
    for (int which = 0; which < WORLD_TIMER_COUNT; which++) {
        real->timers[which] = (struct timer_place){real, (enum world_timer)which, NULL};
        real->timers[which].event = evtimer_new(base, on_timer, &real->timers[which]);
    }
    return real;
}

void world_libevent_count(struct world_libevent *real, struct metrics *metrics) { real->metrics = metrics; }

void world_libevent_attach(struct world_libevent *real, struct replica *replica, struct switchboard *board) {
    real->replica = replica;
    real->board = board;
}

struct world *world_libevent_world(struct world_libevent *real) { return &real->world; }

void world_libevent_free(struct world_libevent *real) {
    if (real == NULL)
        return;
    event_free(real->turn_end);
    for (int which = 0; which < WORLD_TIMER_COUNT; which++)
        event_free(real->timers[which].event);
    free(real);
}
