/* Whom we look for: persistent peers, addresses that peers told us, seeds, and whom the operator names. */
#define _GNU_SOURCE /* asprintf */
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"
#include "node/switchboard_inside.h"

/* Those that are being dialled count, or there would be too many when they answer. */
uint32_t switchboard_count_out(const struct switchboard *board) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        count += switchboard_is_alive(&board->places[i]) && link_is_outbound(board->places[i].link);
    return count;
}

static bool dial(struct switchboard *board, const struct netaddress *address, struct target *target) {
    struct place *place = switchboard_free_place(board);
    struct link *link = place == NULL ? NULL : link_dial(&board->settings, &board->owner, address);
    if (link != NULL)
        switchboard_seat(place, link, target, address->port);
    return link != NULL;
}

static void dial_persistent(struct switchboard *board, int64_t now) {
    for (uint32_t i = 0; i < board->persistent.count; i++) {
        struct target *target = &board->persistent.targets[i];
        if (now < target->next_ms || switchboard_is_busy(board, target->id) || switchboard_is_banned(board, target->id))
            continue;
        if (!dial(board, &target->address, target))
            targets_plan(target, now, SWITCHBOARD_REDIAL_CAP_MS);
    }
}

bool switchboard_is_wanted(void *context, const struct addrbook_entry *entry) {
    struct switchboard *board = context;
    struct netaddress address;
    addrbook_netaddress(&address, &entry->address);
    const char *id = address.id_text;
    return !switchboard_is_busy(board, id) && !bans_has(&board->bans, id, switchboard_now_ms()) && switchboard_is_allowed(board, id) &&
           targets_find(&board->persistent, id) == NULL && targets_find(&board->seeds, id) == NULL &&
           (board->config.allow_duplicate_ip || !switchboard_has_ip(board, address.host));
}

bool switchboard_dial_known(struct switchboard *board, const struct addrbook_address *address) {
    struct netaddress where;
    addrbook_attempt(&board->pex.book, address->id, switchboard_wall_ms());
    addrbook_netaddress(&where, address);
    return dial(board, &where, NULL);
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

static bool is_with_a_seed(struct switchboard *board) {
    for (uint32_t i = 0; i < board->seeds.count; i++)
        if (switchboard_is_busy(board, board->seeds.targets[i].id))
            return true;
    return false;
}

/* Seeds are for those who know nobody else to dial: one after the other until one answers, and again after a while. */
void switchboard_dial_seed(struct switchboard *board, int64_t now) {
    if (now >= board->next_seed_ms) {
        board->next_seed_ms = now + SWITCHBOARD_ENSURE_MS;
        board->seeds_left = board->seeds.count;
    }
    if (board->seeds_left == 0 || is_with_a_seed(board))
        return;
    board->seeds_left--;
    struct target *seed = &board->seeds.targets[board->next_seed++ % board->seeds.count];
    if (!switchboard_is_banned(board, seed->id))
        dial(board, &seed->address, NULL);
}

/* The fewer we have, the rather those that proved themselves. */
static void ensure_outbound(struct switchboard *board, int64_t now) {
    uint32_t out = switchboard_count_out(board);
    if (!board->config.pex || out >= board->config.max_num_outbound_peers)
        return;
    bool wants_more = addrbook_wants_more(&board->pex.book);
    if (now >= board->next_ensure_ms) {
        board->next_ensure_ms = now + SWITCHBOARD_ENSURE_MS;
        if (wants_more)
            ask_someone(board);
    }
    struct addrbook_address address;
    if (addrbook_pick(&board->pex.book, &address, (out < 8 ? out : 8) * 10 + 10, switchboard_wall_ms(), switchboard_is_wanted, board))
        switchboard_dial_known(board, &address);
    else if (wants_more)
        switchboard_dial_seed(board, now);
}

void switchboard_dial_due(struct switchboard *board, int64_t now) {
    dial_persistent(board, now);
    if (board->config.seed_mode)
        switchboard_crawl(board, now);
    else
        ensure_outbound(board, now);
}

/* ---- by the operator's wish */

/* The list of the configuration, with ids behind it; ours from then on. */
static void append_id(char **owned, const char **list, const char *id) {
    char *longer;
    if (targets_list_has(*list, id))
        return;
    if (asprintf(&longer, "%s%s%s", *list == NULL ? "" : *list, *list == NULL || **list == '\0' ? "" : ",", id) < 0)
        abort();
    free(*owned);
    *owned = longer;
    *list = longer;
}

static struct target *make_persistent(struct switchboard *board, const struct target *wished) {
    struct target *known = targets_find(&board->persistent, wished->id);
    if (known != NULL)
        return known;
    struct target *added = &board->persistent.targets[board->persistent.count++];
    *added = *wished;
    return added;
}

char *switchboard_dial(struct switchboard *board, const struct switchboard_wish *wish) {
    struct targets wished;
    char *fault = targets_read(&wished, "the list", wish->addresses, board->info->id);
    if (fault == NULL && wish->persistent && board->persistent.count + wished.count > TARGETS_MAX)
        fault = complaint_of("more than %d persistent peers", TARGETS_MAX);
    for (uint32_t i = 0; fault == NULL && i < wished.count; i++) {
        const struct target *one = &wished.targets[i];
        if (wish->unconditional)
            append_id(&board->unconditional, &board->config.unconditional_peer_ids, one->id);
        if (wish->private)
            append_id(&board->private, &board->config.private_peer_ids, one->id);
        board->pex.book.private_ids = board->config.private_peer_ids;
        struct target *target = wish->persistent ? make_persistent(board, one) : NULL;
        if (!switchboard_is_busy(board, one->id) && !switchboard_is_banned(board, one->id))
            dial(board, &one->address, target);
    }
    targets_close(&wished);
    return fault;
}
