/* Whom we look for: persistent peers, addresses that peers told us, seeds. */
#include "node/switchboard_inside.h"

/* Those that are being dialled count, or there would be too many when they answer. */
static uint32_t count_out(const struct switchboard *board) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWITCHBOARD_LINKS_MAX; i++)
        count += switchboard_is_alive(&board->places[i]) && link_is_outbound(board->places[i].link);
    return count;
}

static bool dial(struct switchboard *board, const struct netaddress *address, struct target *target) {
    struct place *place = switchboard_free_place(board);
    struct link *link = place == NULL ? NULL : link_dial(&board->settings, &board->owner, address);
    if (link != NULL)
        switchboard_seat(place, link, target);
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

static bool is_wanted(void *context, const struct pex_known *known) {
    struct switchboard *board = context;
    return !switchboard_is_busy(board, known->id) && !switchboard_is_banned(board, known->id) && switchboard_is_allowed(board, known->id) &&
           targets_find(&board->persistent, known->id) == NULL && (board->config.allow_duplicate_ip || !switchboard_has_ip(board, known->address.host));
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
    if (!switchboard_is_busy(board, seed->id) && !switchboard_is_banned(board, seed->id))
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

void switchboard_dial_due(struct switchboard *board, int64_t now) {
    dial_persistent(board, now);
    ensure_outbound(board, now);
}
