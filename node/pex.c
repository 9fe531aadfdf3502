#include "node/pex.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/targets.h"
#include "node/wire.h"

void pex_init(struct pex *pex, const char *own_id, bool strict, const char *private_ids) {
    *pex = (struct pex){.own_id = own_id, .strict = strict, .private_ids = private_ids};
    arena_init(&pex->arena, 1024 * 1024);
}

void pex_close(struct pex *pex) {
    free(pex->known);
    pex->known = NULL;
    arena_close(&pex->arena);
}

/* ---- the table */

static struct pex_known *find(struct pex *pex, const uint8_t id[NETADDRESS_ID_BYTES]) {
    for (uint32_t i = 0; i < pex->count; i++)
        if (memcmp(pex->known[i].address.id, id, NETADDRESS_ID_BYTES) == 0)
            return &pex->known[i];
    return NULL;
}

static bool is_acceptable(const struct pex *pex, const struct netaddress *address, const char *id) {
    return address->is_ip && address->port != 0 && (!pex->strict || netaddress_is_routable(address->ip)) && strcmp(id, pex->own_id) != 0 &&
           !targets_list_has(pex->private_ids, id);
}

static uint32_t count_of_source(const struct pex *pex, const char *source) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pex->count; i++)
        count += strcmp(pex->known[i].source, source) == 0;
    return count;
}

/* Room is doubled at powers of two. When the table is full, the hearsay that was dialled in vain most often goes. */
static struct pex_known *make_room(struct pex *pex) {
    if (pex->count < PEX_KNOWN_MAX) {
        if ((pex->count & (pex->count - 1)) == 0) {
            pex->known = realloc(pex->known, (pex->count == 0 ? 1 : 2 * pex->count) * sizeof *pex->known);
            assert(pex->known != NULL);
        }
        return &pex->known[pex->count++];
    }
    struct pex_known *worst = NULL;
    for (uint32_t i = 0; i < pex->count; i++)
        if (!pex->known[i].proven && pex->known[i].attempts > (worst == NULL ? 0 : worst->attempts))
            worst = &pex->known[i];
    return worst;
}

void pex_note(struct pex *pex, const struct netaddress *address, const char *source) {
    char id[41];
    text_hex_lower(id, span_of(address->id, NETADDRESS_ID_BYTES));
    if (!is_acceptable(pex, address, id))
        return;
    bool of_itself = strcmp(source, id) == 0;
    struct pex_known *known = find(pex, address->id);
    if (known != NULL && (known->proven || (!of_itself && known->attempts == 0)))
        return;
    if (known == NULL && !of_itself && count_of_source(pex, source) >= PEX_SOURCE_MAX)
        return;
    if (known == NULL) {
        known = make_room(pex);
        if (known == NULL)
            return;
        *known = (struct pex_known){.attempts = 0};
    }
    known->address = *address; /* the attempts stay: another place for the same name is not a new start */
    memcpy(known->id, id, sizeof known->id);
    snprintf(known->source, sizeof known->source, "%s", source);
}

void pex_good(struct pex *pex, const char *id) {
    for (uint32_t i = 0; i < pex->count; i++)
        if (strcmp(pex->known[i].id, id) == 0)
            pex->known[i].attempts = 0;
}

static bool join(struct netaddress *out, struct span id, struct span host, uint32_t port) {
    char text[NETADDRESS_TEXT_SIZE];
    bool six = memchr(host.data, ':', host.size) != NULL;
    int size = snprintf(text, sizeof text, six ? "%.*s@[%.*s]:%u" : "%.*s@%.*s:%u", (int)id.size, (const char *)id.data, (int)host.size,
                        (const char *)host.data, port);
    return size > 0 && (size_t)size < sizeof text && netaddress_parse(out, span_of(text, (size_t)size)) == NETADDRESS_GOOD;
}

/* A peer says where it listens; of "0.0.0.0" only the port is true. If that is where we dialled it, it is proven. */
void pex_peer_up(struct pex *pex, const struct link *link) {
    static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff}, any6[16] = {0};
    struct netaddress said, address;
    if (netaddress_parse_host_port(&said, span_text(link_info(link)->listen_addr)) != NETADDRESS_GOOD || !said.is_ip)
        return;
    bool any = memcmp(said.ip, any4, 16) == 0 || memcmp(said.ip, any6, 16) == 0;
    if (!join(&address, span_text(link_id(link)), span_text(any ? link_remote_ip(link) : said.host), said.port))
        return;
    pex_note(pex, &address, link_id(link));
    struct pex_known *known = link_is_outbound(link) ? find(pex, address.id) : NULL;
    if (known != NULL && strcmp(known->address.host, link_remote_ip(link)) == 0)
        known->proven = true;
}

/* ---- the talk */

static void send(struct link *link, const struct wire_pex *message) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    wire_pex_write(&writer, message);
    struct blob *blob = blob_reserve(writer.size);
    proto_writer_init(&writer, blob->data, blob->size);
    wire_pex_write(&writer, message);
    link_send(link, WIRE_PEX, blob);
    blob_release(blob);
}

void pex_ask(struct pex_talk *talk, struct link *link) {
    if (talk->asked || link_phase(link) != LINK_UP || !node_info_has_channel(link_info(link), WIRE_PEX))
        return;
    talk->asked = true;
    send(link, &(struct wire_pex){.is_request = true});
}

/* A quarter of the table, but not few and not too many; the next one who asks gets the following ones. */
static void answer(struct pex *pex, struct link *link) {
    struct wire_address addresses[PEX_ANSWER_MAX];
    struct wire_pex message = {.addresses = addresses};
    uint32_t most = pex->count / 4 < 32 ? 32 : pex->count / 4, i;
    most = most < PEX_ANSWER_MAX ? most : PEX_ANSWER_MAX;
    for (i = 0; i < pex->count && message.count < most; i++) {
        const struct pex_known *known = &pex->known[(pex->cursor + i) % pex->count];
        if (known->attempts < PEX_ATTEMPTS_MAX && strcmp(known->id, link_id(link)) != 0)
            addresses[message.count++] = (struct wire_address){span_text(known->id), span_text(known->address.host), known->address.port};
    }
    pex->cursor = pex->count == 0 ? 0 : (pex->cursor + i) % pex->count;
    send(link, &message);
}

static void learn(struct pex *pex, const struct wire_pex *message, const char *source) {
    for (uint32_t i = 0; i < message->count; i++) {
        const struct wire_address *said = &message->addresses[i];
        struct netaddress address;
        if (join(&address, said->id, said->ip, said->port))
            pex_note(pex, &address, source);
    }
}

const char *pex_receive(struct pex *pex, struct pex_talk *talk, struct link *link, struct span bytes, int64_t now_ms) {
    struct wire_pex message;
    arena_reset(&pex->arena);
    const char *wrong = wire_pex_decode(&message, bytes, &pex->arena);
    if (wrong != NULL)
        return wrong;
    if (!message.is_request) {
        if (!talk->asked)
            return "it sent addresses that nobody asked for";
        talk->asked = false;
        learn(pex, &message, link_id(link));
        return NULL;
    }
    if (talk->requests >= 2 && now_ms - talk->last_request_ms < PEX_REQUEST_GAP_MS)
        return "it asks for addresses too often";
    talk->requests += talk->requests < 2;
    talk->last_request_ms = now_ms;
    answer(pex, link);
    return NULL;
}

bool pex_pick(struct pex *pex, struct netaddress *out, int64_t now_ms, bool (*wanted)(void *context, const struct pex_known *known), void *context) {
    for (uint32_t i = 0; i < pex->count; i++) {
        struct pex_known *known = &pex->known[(pex->cursor + i) % pex->count];
        if (known->next_dial_ms > now_ms || known->attempts >= PEX_ATTEMPTS_MAX || !wanted(context, known))
            continue;
        known->next_dial_ms = now_ms + ((int64_t)1000 << (known->attempts < 12 ? known->attempts : 12));
        known->attempts++;
        pex->cursor = (pex->cursor + i + 1) % pex->count;
        *out = known->address;
        return true;
    }
    return false;
}
