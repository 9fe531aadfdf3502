/* What is known of whom: the address book's file, bans, who proved good; and a seed's visits, which have no other purpose. */
#include <stdlib.h>
#include <time.h>

#include "crypto/text.h"
#include "node/switchboard_inside.h"

#define HANG_UP_MS 1000 /* after a seed has told: what the other side did not read yet must not be lost */
#define DRAIN_MS   5000 /* ... and how long its slow reading is waited for */

int64_t switchboard_wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the file */

static void learn_own_places(struct switchboard *board) {
    struct netaddress place;
    if (netaddress_parse_host_port(&place, span_text(board->info->listen_addr)) == NETADDRESS_GOOD)
        addrbook_own_place(&board->pex.book, &place);
    if (netaddress_parse_host_port(&place, span_text(board->config.laddr)) == NETADDRESS_GOOD) {
        place.port = board->port;
        addrbook_own_place(&board->pex.book, &place);
    }
}

/* A file that cannot be read may be a good one: it is not written over. */
void switchboard_book_open(struct switchboard *board) {
    char *said = NULL;
    if (!board->config.pex)
        return;
    learn_own_places(board);
    board->next_save_ms = switchboard_now_ms() + SWITCHBOARD_SAVE_MS;
    if (board->config.addr_book_path == NULL)
        return;
    enum addrbook_load load = addrbook_load(&board->pex.book, board->config.addr_book_path, &said);
    if (said != NULL)
        switchboard_say(board, load == ADDRBOOK_LOADED ? WORLD_INFO : WORLD_WARN, "p2p.addr_book_file: %s", said);
    free(said);
    if (load != ADDRBOOK_UNREADABLE)
        board->book_path = strdup(board->config.addr_book_path);
}

static void save(struct switchboard *board) {
    char *error = NULL;
    if (board->book_path == NULL || !board->pex.book.changed)
        return;
    if (!addrbook_save(&board->pex.book, board->book_path, &error))
        switchboard_say(board, WORLD_WARN, "the address book is not kept: %s", error);
    free(error);
}

void switchboard_book_close(struct switchboard *board) {
    save(board);
    free(board->book_path);
}

/* ---- bans */

static bool id_of(uint8_t out[NETADDRESS_ID_BYTES], const char *text) {
    size_t size = 0;
    return text_hex_decode(out, &size, NETADDRESS_ID_BYTES, span_text(text)) && size == NETADDRESS_ID_BYTES;
}

void switchboard_book_ban(struct switchboard *board, const char *text, int64_t ms) {
    uint8_t id[NETADDRESS_ID_BYTES];
    int64_t wall = switchboard_wall_ms();
    bans_add(&board->bans, text, switchboard_now_ms() + ms);
    if (id_of(id, text))
        addrbook_ban(&board->pex.book, id, wall, wall + ms);
}

bool switchboard_book_has_banned(const struct switchboard *board, const char *text) {
    uint8_t id[NETADDRESS_ID_BYTES];
    return id_of(id, text) && addrbook_is_banned(&board->pex.book, id, switchboard_wall_ms());
}

/* ---- who is good */

static bool stayed(const struct place *place, int64_t now) { return now - place->up_ms >= SWITCHBOARD_STAYED_MS; }

/* Whoever answers where we dialled another: that place is not where the other one is. The other one is not to blame. */
void switchboard_book_dead(struct switchboard *board, const struct place *place) {
    const char *id = link_id(place->link), *expected = link_expected_id(place->link);
    uint8_t bytes[NETADDRESS_ID_BYTES];
    if (place->number != 0 && stayed(place, switchboard_now_ms()) && !board->config.seed_mode)
        pex_peer_good(&board->pex, place->link, switchboard_wall_ms());
    if (!link_is_outbound(place->link) || id[0] == '\0' || strcmp(id, expected) == 0 || !id_of(bytes, expected))
        return;
    struct netaddress here;
    const struct addrbook_entry *entry = addrbook_find(&board->pex.book, bytes);
    if (entry != NULL && strcmp(id, board->info->id) == 0) {
        addrbook_netaddress(&here, &entry->address);
        addrbook_own_place(&board->pex.book, &here);
    }
    addrbook_remove(&board->pex.book, bytes);
}

static void note_good(struct switchboard *board, struct place *place, int64_t now) {
    if (place->noted_as_good || !(board->config.seed_mode ? place->talk.answered : stayed(place, now)))
        return;
    place->noted_as_good = true;
    pex_peer_good(&board->pex, place->link, switchboard_wall_ms());
}

/* ---- a seed */

/* NULL, or why it may go: it has what it came for, or we have. */
static const char *is_done(struct switchboard *board, struct place *place, int64_t now) {
    if (place->target != NULL || targets_list_has(board->config.unconditional_peer_ids, link_id(place->link)))
        return NULL;
    if (place->talk.told && place->told_ms == 0)
        place->told_ms = now;
    if (place->told_ms != 0 && now - place->told_ms >= (link_is_drained(place->link) ? HANG_UP_MS : DRAIN_MS))
        return "it was told of others; a seed hangs up";
    if (link_is_outbound(place->link) && place->talk.answered)
        return "it told of others; a seed hangs up";
    if (now - place->up_ms >= (link_is_outbound(place->link) ? SWITCHBOARD_VISIT_MS : SWITCHBOARD_WAIT_MS))
        return "it neither asked nor answered; a seed hangs up";
    return NULL;
}

void switchboard_book_tick(struct switchboard *board, int64_t now) {
    if (!board->config.pex)
        return;
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++) {
        struct place *place = &board->places[i];
        if (place->number == 0)
            continue;
        note_good(board, place, now);
        const char *done = board->config.seed_mode ? is_done(board, place, now) : NULL;
        if (done != NULL)
            link_kill(place->link, done, false);
    }
    if (now < board->next_save_ms)
        return;
    board->next_save_ms = now + SWITCHBOARD_SAVE_MS;
    save(board);
}

static bool is_worth_a_visit(void *context, const struct addrbook_entry *entry) {
    bool never = entry->attempts == 0 && entry->last_success_ms == ADDRBOOK_NEVER_MS;
    int64_t since_ms = switchboard_wall_ms() - entry->last_attempt_ms;
    return (never || since_ms < 0 || since_ms >= SWITCHBOARD_CRAWL_MS) && switchboard_is_wanted(context, entry);
}

void switchboard_crawl(struct switchboard *board, int64_t now) {
    struct addrbook_address address;
    if (switchboard_count_out(board) >= board->config.max_num_outbound_peers)
        return;
    if (addrbook_pick(&board->pex.book, &address, 50, switchboard_wall_ms(), is_worth_a_visit, board))
        switchboard_dial_known(board, &address);
    else
        switchboard_dial_seed(board, now);
}
