#include "node/addrbook.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "crypto/text.h"
#include "ledger/salted.h"
#include "node/addrbook_place.h"
#include "node/targets.h"

#define NONE  UINT16_MAX
#define HEADS 16384 /* lists of entries by id */
_Static_assert(ADDRBOOK_ENTRIES_MAX < NONE, "entries are numbered by 16 bits");

const char *addrbook_verdict_text(enum addrbook_verdict verdict) {
    static const char *const texts[] = {"good", "known", "no address to dial", "not routable (p2p.addr_book_strict)", "our own", "private", "banned"};
    return texts[verdict];
}

static bool same_id(const struct addrbook_address *address, const uint8_t *id) { return memcmp(address->id, id, NETADDRESS_ID_BYTES) == 0; }

static bool same_place(const struct addrbook_address *a, const struct addrbook_address *b) {
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0 && a->port == b->port;
}

/* ---- life */

void addrbook_clear(struct addrbook *book) {
    memset(book->heads, 0xff, HEADS * sizeof *book->heads);
    memset(book->new_buckets, 0, ADDRBOOK_NEW_BUCKETS * sizeof *book->new_buckets);
    memset(book->old_buckets, 0, ADDRBOOK_OLD_BUCKETS * sizeof *book->old_buckets);
    book->new_count = book->old_count = book->entries_made = 0;
    book->free = NONE;
}

void addrbook_init(struct addrbook *book, const char *own_id, bool strict, const char *private_ids) {
    *book = (struct addrbook){.strict = strict, .own_id = own_id, .private_ids = private_ids};
    book->heads = malloc(HEADS * sizeof *book->heads);
    book->new_buckets = malloc(ADDRBOOK_NEW_BUCKETS * sizeof *book->new_buckets);
    book->old_buckets = malloc(ADDRBOOK_OLD_BUCKETS * sizeof *book->old_buckets);
    assert(book->heads != NULL && book->new_buckets != NULL && book->old_buckets != NULL);
    uint8_t key[12];
    random_fill(key, sizeof key);
    text_hex_lower(book->key, span_of(key, sizeof key));
    random_fill(&book->salt, sizeof book->salt);
    addrbook_clear(book);
}

void addrbook_close(struct addrbook *book) {
    free(book->entries);
    free(book->heads);
    free(book->new_buckets);
    free(book->old_buckets);
    *book = (struct addrbook){.strict = false};
}

void addrbook_own_place(struct addrbook *book, const struct netaddress *place) {
    if (place->is_ip && place->port != 0 && book->place_count < ADDRBOOK_PLACES_MAX)
        addrbook_address_of(&book->places[book->place_count++], place);
}

bool addrbook_address_of(struct addrbook_address *out, const struct netaddress *address) {
    *out = (struct addrbook_address){.port = address->port};
    memcpy(out->id, address->id, sizeof out->id);
    memcpy(out->ip, address->ip, sizeof out->ip);
    return address->is_ip;
}

void addrbook_netaddress(struct netaddress *out, const struct addrbook_address *address) {
    *out = (struct netaddress){.is_ip = true, .port = address->port};
    memcpy(out->id, address->id, sizeof out->id);
    memcpy(out->ip, address->ip, sizeof out->ip);
    text_hex_lower(out->id_text, span_of(address->id, NETADDRESS_ID_BYTES));
    netaddress_format_ip(out->host, address->ip);
}

/* ---- places of entries, and their ids */

static uint16_t *head_of(const struct addrbook *book, const uint8_t *id) { return &book->heads[salted_hash(book->salt, span_of(id, NETADDRESS_ID_BYTES)) % HEADS]; }

static uint16_t index_of(const struct addrbook *book, const uint8_t *id) {
    uint16_t index = *head_of(book, id);
    while (index != NONE && !same_id(&book->entries[index].address, id))
        index = book->entries[index].next;
    return index;
}

static struct addrbook_entry *entry_of(const struct addrbook *book, const uint8_t *id) {
    uint16_t index = index_of(book, id);
    return index == NONE ? NULL : &book->entries[index];
}

const struct addrbook_entry *addrbook_find(const struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES]) { return entry_of(book, id); }

/* Room is doubled at powers of two; each entry is in a bucket, so there are never more than the buckets hold. */
static uint16_t take_place(struct addrbook *book) {
    uint16_t index = book->free;
    if (index != NONE) {
        book->free = book->entries[index].next;
        return index;
    }
    uint32_t made = book->entries_made;
    assert(made < ADDRBOOK_ENTRIES_MAX + 1);
    if ((made & (made - 1)) == 0) {
        book->entries = realloc(book->entries, (made == 0 ? 1 : 2 * made) * sizeof *book->entries);
        assert(book->entries != NULL);
    }
    book->entries_made++;
    return (uint16_t)made;
}

static uint16_t enlist(struct addrbook *book, const struct addrbook_entry *entry) {
    uint16_t index = take_place(book), *head = head_of(book, entry->address.id);
    book->entries[index] = *entry;
    book->entries[index].bucket_count = 0;
    book->entries[index].next = *head;
    *head = index;
    return index;
}

static void strike(struct addrbook *book, uint16_t index) {
    struct addrbook_entry *entry = &book->entries[index];
    assert(entry->bucket_count == 0);
    uint16_t *link = head_of(book, entry->address.id);
    while (*link != index)
        link = &book->entries[*link].next;
    *link = entry->next;
    entry->next = book->free;
    book->free = index;
}

/* ---- buckets */

static struct addrbook_bucket *bucket_of(const struct addrbook *book, bool is_old, uint16_t number) {
    return is_old ? &book->old_buckets[number] : &book->new_buckets[number];
}

static bool is_in(const struct addrbook_entry *entry, uint16_t number) {
    for (uint8_t i = 0; i < entry->bucket_count; i++)
        if (entry->buckets[i] == number)
            return true;
    return false;
}

static void enter(struct addrbook *book, uint16_t index, uint16_t number) {
    struct addrbook_entry *entry = &book->entries[index];
    struct addrbook_bucket *bucket = bucket_of(book, entry->is_old, number);
    assert(bucket->count < ADDRBOOK_BUCKET_MAX && entry->bucket_count < ADDRBOOK_BUCKETS_OF_ONE);
    bucket->entries[bucket->count++] = index;
    if (entry->bucket_count == 0)
        *(entry->is_old ? &book->old_count : &book->new_count) += 1;
    entry->buckets[entry->bucket_count++] = number;
    book->changed = true;
}

static void leave(struct addrbook *book, uint16_t index, uint16_t number) {
    struct addrbook_entry *entry = &book->entries[index];
    struct addrbook_bucket *bucket = bucket_of(book, entry->is_old, number);
    for (uint16_t i = 0; i < bucket->count; i++)
        if (bucket->entries[i] == index)
            bucket->entries[i--] = bucket->entries[--bucket->count];
    for (uint8_t i = 0; i < entry->bucket_count; i++)
        if (entry->buckets[i] == number)
            entry->buckets[i--] = entry->buckets[--entry->bucket_count];
    if (entry->bucket_count == 0)
        *(entry->is_old ? &book->old_count : &book->new_count) -= 1;
    book->changed = true;
}

static void leave_all(struct addrbook *book, uint16_t index) {
    while (book->entries[index].bucket_count > 0)
        leave(book, index, book->entries[index].buckets[0]);
}

/* ---- who goes when a bucket is full */

static bool is_hopeless(const struct addrbook_entry *entry, int64_t now_ms) {
    const int64_t week_ms = 7 * 24 * 3600 * 1000ll;
    if (entry->last_attempt_ms > now_ms - 60000 || entry->banned_until_ms > now_ms)
        return false;
    return entry->last_attempt_ms < now_ms - week_ms || (entry->last_success_ms == ADDRBOOK_NEVER_MS && entry->attempts >= 3) ||
           (entry->last_success_ms < now_ms - week_ms && entry->attempts >= 10);
}

/* A flood is no way out of a ban: the banned go last. */
static uint16_t longest_untried(const struct addrbook *book, const struct addrbook_bucket *bucket, int64_t now_ms) {
    uint16_t best = bucket->entries[0];
    for (uint16_t i = 1; i < bucket->count; i++) {
        const struct addrbook_entry *entry = &book->entries[bucket->entries[i]], *other = &book->entries[best];
        bool banned = entry->banned_until_ms > now_ms, other_banned = other->banned_until_ms > now_ms;
        if (banned != other_banned ? other_banned : entry->last_attempt_ms < other->last_attempt_ms)
            best = bucket->entries[i];
    }
    return best;
}

static uint16_t victim_of(const struct addrbook *book, const struct addrbook_bucket *bucket, int64_t now_ms) {
    for (uint16_t i = 0; i < bucket->count; i++)
        if (is_hopeless(&book->entries[bucket->entries[i]], now_ms))
            return bucket->entries[i];
    return longest_untried(book, bucket, now_ms);
}

static void enter_new(struct addrbook *book, uint16_t index, int64_t now_ms) {
    struct addrbook_entry *entry = &book->entries[index];
    uint16_t number = addrbook_place_new(book, &entry->address, &entry->teller);
    struct addrbook_bucket *bucket = &book->new_buckets[number];
    if (is_in(entry, number) || entry->bucket_count == ADDRBOOK_BUCKETS_OF_ONE)
        return;
    if (bucket->count == ADDRBOOK_BUCKET_MAX) {
        uint16_t victim = victim_of(book, bucket, now_ms);
        leave(book, victim, number);
        if (book->entries[victim].bucket_count == 0)
            strike(book, victim);
    }
    enter(book, index, number);
}

/* ---- what is heard */

enum addrbook_verdict addrbook_check(const struct addrbook *book, const struct addrbook_address *address) {
    static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff}, any6[16] = {0}, all4[16] = {[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    char id[41];
    text_hex_lower(id, span_of(address->id, NETADDRESS_ID_BYTES));
    if (address->port == 0 || memcmp(address->ip, any4, 16) == 0 || memcmp(address->ip, any6, 16) == 0 || memcmp(address->ip, all4, 16) == 0)
        return ADDRBOOK_INVALID;
    if (strcmp(id, book->own_id) == 0)
        return ADDRBOOK_OURS;
    for (uint32_t i = 0; i < book->place_count; i++)
        if (same_place(&book->places[i], address))
            return ADDRBOOK_OURS;
    if (targets_list_has(book->private_ids, id))
        return ADDRBOOK_PRIVATE;
    return book->strict && !netaddress_is_routable(address->ip) ? ADDRBOOK_UNROUTABLE : ADDRBOOK_GOOD;
}

static bool may_move(const struct addrbook_entry *entry, const struct addrbook_address *address, const struct addrbook_address *teller) {
    bool of_itself = same_id(teller, address->id);
    return !same_place(&entry->address, address) && (entry->is_old ? of_itself && entry->attempts > 0 : of_itself || entry->attempts > 0);
}

/* The attempts stay: another place for the same name is not a new start. */
static void move(struct addrbook *book, uint16_t index, const struct addrbook_address *address, const struct addrbook_address *teller, int64_t now_ms) {
    leave_all(book, index);
    struct addrbook_entry *entry = &book->entries[index];
    entry->address = *address;
    entry->teller = *teller;
    entry->is_old = false;
    enter_new(book, index, now_ms);
}

/* The more buckets hold it already, the less likely it gets into another. */
static bool repeat(struct addrbook *book, uint16_t index, const struct addrbook_address *teller, int64_t now_ms) {
    struct addrbook_entry *entry = &book->entries[index];
    uint8_t before = entry->bucket_count;
    if (entry->is_old || before == ADDRBOOK_BUCKETS_OF_ONE || addrbook_place_chance(2u * before) != 0)
        return false;
    struct addrbook_address first = entry->teller;
    entry->teller = *teller;
    enter_new(book, index, now_ms);
    book->entries[index].teller = first;
    return book->entries[index].bucket_count > before;
}

enum addrbook_verdict addrbook_add(struct addrbook *book, const struct addrbook_address *address, const struct addrbook_address *teller, int64_t now_ms) {
    enum addrbook_verdict verdict = addrbook_check(book, address);
    char id[41];
    text_hex_lower(id, span_of(teller->id, NETADDRESS_ID_BYTES));
    if (verdict == ADDRBOOK_GOOD && targets_list_has(book->private_ids, id))
        verdict = ADDRBOOK_PRIVATE;
    if (verdict != ADDRBOOK_GOOD)
        return verdict;
    uint16_t index = index_of(book, address->id);
    if (index == NONE) {
        struct addrbook_entry made = {*address, *teller, now_ms, ADDRBOOK_NEVER_MS, ADDRBOOK_NEVER_MS, 0, {0}, 0, false, NONE};
        enter_new(book, enlist(book, &made), now_ms);
        return ADDRBOOK_GOOD;
    }
    if (book->entries[index].banned_until_ms > now_ms)
        return ADDRBOOK_BANNED;
    if (may_move(&book->entries[index], address, teller)) {
        move(book, index, address, teller, now_ms);
        return ADDRBOOK_GOOD;
    }
    return same_place(&book->entries[index].address, address) && repeat(book, index, teller, now_ms) ? ADDRBOOK_GOOD : ADDRBOOK_KNOWN;
}

/* ---- what came of it */

void addrbook_attempt(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms) {
    struct addrbook_entry *entry = entry_of(book, id);
    if (entry == NULL)
        return;
    entry->attempts += entry->attempts < INT32_MAX;
    entry->last_attempt_ms = now_ms;
    book->changed = true;
}

void addrbook_answered(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES]) {
    struct addrbook_entry *entry = entry_of(book, id);
    if (entry == NULL)
        return;
    entry->attempts = 0;
    book->changed = true;
}

/* The one that was not tried for longest makes room; it is hearsay again. */
static void enter_old(struct addrbook *book, uint16_t index, int64_t now_ms) {
    uint16_t number = addrbook_place_old(book, &book->entries[index].address);
    struct addrbook_bucket *bucket = &book->old_buckets[number];
    leave_all(book, index); /* first, or the demoted one could push it out */
    book->entries[index].is_old = true;
    if (bucket->count == ADDRBOOK_BUCKET_MAX) {
        uint16_t victim = longest_untried(book, bucket, now_ms);
        leave(book, victim, number);
        book->entries[victim].is_old = false;
        enter_new(book, victim, now_ms);
    }
    enter(book, index, number);
}

void addrbook_good(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms) {
    uint16_t index = index_of(book, id);
    if (index == NONE || book->entries[index].banned_until_ms > now_ms)
        return;
    book->entries[index].last_attempt_ms = book->entries[index].last_success_ms = now_ms;
    book->entries[index].attempts = 0;
    book->changed = true;
    if (!book->entries[index].is_old)
        enter_old(book, index, now_ms);
}

void addrbook_ban(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms, int64_t until_ms) {
    uint16_t index = index_of(book, id);
    if (index == NONE || book->entries[index].banned_until_ms >= until_ms)
        return;
    book->entries[index].banned_until_ms = until_ms;
    book->changed = true;
    if (!book->entries[index].is_old)
        return;
    leave_all(book, index);
    book->entries[index].is_old = false;
    enter_new(book, index, now_ms);
}

void addrbook_remove(struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES]) {
    uint16_t index = index_of(book, id);
    if (index == NONE)
        return;
    leave_all(book, index);
    strike(book, index);
}

bool addrbook_is_banned(const struct addrbook *book, const uint8_t id[NETADDRESS_ID_BYTES], int64_t now_ms) {
    const struct addrbook_entry *entry = addrbook_find(book, id);
    return entry != NULL && entry->banned_until_ms > now_ms;
}

bool addrbook_put(struct addrbook *book, const struct addrbook_entry *entry) {
    if (index_of(book, entry->address.id) != NONE)
        return false;
    uint16_t index = enlist(book, entry);
    for (uint8_t i = 0; i < entry->bucket_count; i++)
        if (bucket_of(book, entry->is_old, entry->buckets[i])->count < ADDRBOOK_BUCKET_MAX && !is_in(&book->entries[index], entry->buckets[i]))
            enter(book, index, entry->buckets[i]);
    if (book->entries[index].bucket_count > 0)
        return true;
    strike(book, index);
    return false;
}
