/* The address book: where nodes are said to be, who said so, and what came of it (protocol.md §4.5; cometbft: p2p/pex/addrbook.go, known_address.go, params.go).
 *
 * NEW addresses are hearsay; OLD ones proved themselves. Both lie in buckets that a keyed hash chooses from the groups (about a /16) of the address and of
 * its teller: whatever one group of tellers says reaches 32 of 256 new buckets, and pushes out nothing that is old. So a liar with one network can neither
 * fill the book nor empty it (eclipse). Everything is bounded by the buckets.
 *
 * Times are of the wall clock (they are kept in the file), Unix milliseconds; a clock that went back makes nothing wait longer.
 * Otherwise than CometBFT: buckets come from the file's key, not from a key of each run, so a restart opens no further buckets to anyone; a banned
 * address stays in its place with the end of its ban, so bans outlive a restart; addresses of our own are known by id and by place. */
#ifndef QUORATE_NODE_ADDRBOOK_H
#define QUORATE_NODE_ADDRBOOK_H

#include "node/netaddress.h"

#define ADDRBOOK_NEW_BUCKETS       256
#define ADDRBOOK_OLD_BUCKETS       64
#define ADDRBOOK_BUCKET_MAX        65 /* CometBFT says 64 and takes one more */
#define ADDRBOOK_NEW_PER_GROUP     32 /* buckets that a group of tellers reaches */
#define ADDRBOOK_OLD_PER_GROUP     4
#define ADDRBOOK_BUCKETS_OF_ONE    4 /* new buckets that hold the same address */
#define ADDRBOOK_ENTRIES_MAX       ((ADDRBOOK_NEW_BUCKETS + ADDRBOOK_OLD_BUCKETS) * ADDRBOOK_BUCKET_MAX)
#define ADDRBOOK_WANTED            1000 /* with fewer we ask for more */
#define ADDRBOOK_SELECTION_MAX     250
#define ADDRBOOK_ATTEMPTS_MAX      16 /* after so many dials in vain an address is not told any more, and tried once a day */
#define ADDRBOOK_REST_MS           (24 * 3600 * 1000ll)
#define ADDRBOOK_PLACES_MAX        4  /* of our own */
#define ADDRBOOK_KEY_MAX           64
#define ADDRBOOK_NEVER_MS          (-62135596800000ll) /* Go's zero time */
#define ADDRBOOK_BYTES_MAX         (32u << 20)         /* of a file */

struct addrbook_address {
    uint8_t id[NETADDRESS_ID_BYTES], ip[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint16_t port;
};

struct addrbook_entry {
    struct addrbook_address address, teller;
    int64_t last_attempt_ms, last_success_ms, banned_until_ms;
    int32_t attempts; /* in vain, since it was last good */
    uint16_t buckets[ADDRBOOK_BUCKETS_OF_ONE];
    uint8_t bucket_count; /* 0: the place is free */
    bool is_old;
    uint16_t next; /* in the table of ids, or of free places */
};

struct addrbook_bucket {
    uint16_t count, entries[ADDRBOOK_BUCKET_MAX];
};

struct addrbook {
    bool strict;                          /* only addresses that can be reached from anywhere */
    const char *own_id, *private_ids;     /* loans; neither is kept nor told, and private ones tell us nothing either */
    struct addrbook_address places[ADDRBOOK_PLACES_MAX]; /* our own; ids are not looked at */
    uint32_t place_count;
    char key[ADDRBOOK_KEY_MAX + 1];
    uint32_t new_count, old_count;
    bool changed; /* since it was last read or written */
    struct addrbook_entry *entries;
    uint32_t entries_made;
    uint16_t free, *heads;
    uint64_t salt; /* of the table of ids */
    struct addrbook_bucket *new_buckets, *old_buckets;
};

enum addrbook_verdict {
    ADDRBOOK_GOOD = 0, /* it is in the book now, perhaps once more */
    ADDRBOOK_KNOWN,    /* it was, and stays as it is */
    ADDRBOOK_INVALID,  /* no such address can be dialled */
    ADDRBOOK_UNROUTABLE,
    ADDRBOOK_OURS,
    ADDRBOOK_PRIVATE, /* the address or its teller */
    ADDRBOOK_BANNED,
};
const char *addrbook_verdict_text(enum addrbook_verdict verdict);

void addrbook_init(struct addrbook *book, const char *own_id, bool strict, const char *private_ids);
void addrbook_close(struct addrbook *book);
void addrbook_own_place(struct addrbook *book, const struct netaddress *place); /* of a literal address and port; others are passed over */

/* false: the address is no literal one. */
bool addrbook_address_of(struct addrbook_address *out, const struct netaddress *address);
void addrbook_netaddress(struct netaddress *out, const struct addrbook_address *address);

/* Takes it in as new. Of a known one only what it says of itself, or what is said after dials in vain, changes the place; a known old one stays where it
 * is unless it is itself that says so after dials in vain. */
enum addrbook_verdict addrbook_add(struct addrbook *book, const struct addrbook_address *address, const struct addrbook_address *teller, int64_t now_ms);

/* All of these do nothing for an id that is not in the book. */
void addrbook_attempt(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms);
void addrbook_answered(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES]); /* no longer in vain, not yet good */
void addrbook_good(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms);
void addrbook_ban(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms, int64_t until_ms); /* it is new again; never made shorter */
void addrbook_remove(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES]);

const struct addrbook_entry *addrbook_find(const struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES]); /* NULL: unknown */
bool addrbook_is_banned(const struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms);
static inline uint32_t addrbook_count(const struct addrbook *book) { return book->new_count + book->old_count; }
static inline bool addrbook_wants_more(const struct addrbook *book) { return addrbook_count(book) < ADDRBOOK_WANTED; }
bool addrbook_is_due(const struct addrbook_entry *entry, int64_t now_ms); /* not banned, and its pause (2^attempts seconds) is over */

/* Someone to dial: due, wanted, out of a random bucket; new ones the more often the higher `new_percent`. In a small book everyone is looked at before it
 * says no. Counts nothing. */
bool addrbook_pick(const struct addrbook *book, struct addrbook_address *out, uint32_t new_percent, int64_t now_ms,
                   bool (*wanted)(void *context, const struct addrbook_entry *entry), void *context);
/* A random part of the book to tell: 23 %, at least 32, at most ADDRBOOK_SELECTION_MAX, without the banned, the often tried in vain, and `but`.
 * `new_percent` of them new if there are enough of both; above 100: as it comes. Returns how many. */
uint32_t addrbook_select(const struct addrbook *book, struct addrbook_address out[static ADDRBOOK_SELECTION_MAX], uint32_t new_percent,
                         const uint8_t but[NETADDRESS_ID_BYTES], int64_t now_ms);

/* ---- addrbook_file.c: addrbook.json, which either program reads and writes */

/* Into an initialised, empty book. false with *error malloc'ed, and the book is empty: nothing of a damaged file is believed. What could not be dialled,
 * is ours or private is left out, and counted. */
bool addrbook_parse(struct addrbook *book, uint32_t *left_out, struct span json, char **error);
char *addrbook_text(const struct addrbook *book); /* malloc'ed */

enum addrbook_load { ADDRBOOK_LOADED, ADDRBOOK_ABSENT, ADDRBOOK_DAMAGED /* moved aside */, ADDRBOOK_UNREADABLE };
/* *said: what to tell the operator, malloc'ed; NULL when LOADED whole or ABSENT. */
enum addrbook_load addrbook_load(struct addrbook *book, const char *path, char **said);
bool addrbook_save(struct addrbook *book, const char *path, char **error); /* whole or not at all; `changed` ends if it succeeds */

/* ---- inside: for addrbook*.c */

void addrbook_clear(struct addrbook *book);
bool addrbook_put(struct addrbook *book, const struct addrbook_entry *entry); /* with the buckets that it names; false: known, or no room there */
enum addrbook_verdict addrbook_check(const struct addrbook *book, const struct addrbook_address *address);

#endif
