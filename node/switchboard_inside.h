/* The switchboard's inside, shared by its own files only: switchboard.c (the links' questions, turns, life), switchboard_dial.c (whom we look for),
 * switchboard_accept.c (who comes), switchboard_book.c (what is known of whom, and a seed's visits). */
#ifndef QUORATE_NODE_SWITCHBOARD_INSIDE_H
#define QUORATE_NODE_SWITCHBOARD_INSIDE_H

#include "node/bans.h"
#include "node/pex.h"
#include "node/switchboard.h"
#include "node/targets.h"

#define SWITCHBOARD_REDIAL_CAP_MS 30000

struct place { /* of a link */
    struct link *link;
    uint32_t number; /* 0: not up */
    bool dead;       /* to be freed at the end of this turn */
    int64_t up_ms;
    struct target *target; /* the persistent peer that it is */
    struct pex_talk talk;
    uint16_t port;      /* of the other side's end */
    bool noted_as_good; /* in the address book */
    int64_t told_ms;    /* when a seed had told it; 0: not yet */
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
    int64_t next_ensure_ms, next_seed_ms, next_save_ms;
    char *unconditional, *private; /* lists that are longer by now than the configuration's; NULL: they are not */
    char *book_path; /* NULL: the book is not kept */
    uint32_t next_seed, seeds_left; /* in this round */
    uint32_t complaints;
    int64_t complaints_from_ms;
    bool refuses; /* accept failed: no more until the next tick */
};

/* switchboard.c */
int64_t switchboard_now_ms(void);
void switchboard_say(struct switchboard *board, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool switchboard_may_complain(struct switchboard *board); /* about strangers: not too often */
bool switchboard_is_allowed(const struct switchboard *board, const char *id);
static inline bool switchboard_is_alive(const struct place *place) { return place->link != NULL && !place->dead; }
bool switchboard_is_busy(struct switchboard *board, const char *id); /* connected, or being dialled */
bool switchboard_has_ip(const struct switchboard *board, const char *ip);
struct place *switchboard_free_place(struct switchboard *board); /* NULL: none */
void switchboard_seat(struct place *place, struct link *link, struct target *target, uint16_t port);
bool switchboard_admits_address(const struct switchboard *board, const char *ip, uint16_t port); /* filter_peers */

/* switchboard_dial.c */
void switchboard_dial_due(struct switchboard *board, int64_t now);
uint32_t switchboard_count_out(const struct switchboard *board); /* being dialled included */
bool switchboard_is_wanted(void *context, const struct addrbook_entry *entry); /* context: the board; worth dialling now */
bool switchboard_dial_known(struct switchboard *board, const struct addrbook_address *address);
void switchboard_dial_seed(struct switchboard *board, int64_t now);

/* switchboard_accept.c */
char *switchboard_listen(struct switchboard *board); /* NULL, or a complaint; tells info the real address */
void switchboard_accept_again(struct switchboard *board); /* if accepting had failed */


/* switchboard_book.c */
int64_t switchboard_wall_ms(void);
void switchboard_book_open(struct switchboard *board);
void switchboard_book_close(struct switchboard *board); /* written once more */
void switchboard_book_tick(struct switchboard *board, int64_t now);
void switchboard_book_ban(struct switchboard *board, const char *id, int64_t ms);
bool switchboard_book_has_banned(const struct switchboard *board, const char *id);
void switchboard_book_dead(struct switchboard *board, const struct place *place); /* a link that ended */
void switchboard_crawl(struct switchboard *board, int64_t now); /* seed mode */

#endif
