#include "node/pex.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/wire.h"

void pex_init(struct pex *pex, bool strict, const char *private_ids) {
    *pex = (struct pex){.strict = strict, .private_ids = private_ids == NULL ? "" : private_ids};
    arena_init(&pex->arena, 1024 * 1024);
}

void pex_close(struct pex *pex) {
    free(pex->known);
    pex->known = NULL;
    arena_close(&pex->arena);
}

static bool is_private(const struct pex *pex, const char *id) {
    for (const char *at = pex->private_ids; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strncasecmp(at, id, 40) == 0)
            return true;
    return false;
}

void pex_note(struct pex *pex, const struct netaddress *address) {
    if (!address->is_ip || address->port == 0 || (pex->strict && !netaddress_is_routable(address->ip)))
        return;
    for (uint32_t i = 0; i < pex->count; i++)
        if (memcmp(pex->known[i].address.id, address->id, NETADDRESS_ID_BYTES) == 0) {
            pex->known[i].address = *address;
            return;
        }
    if (pex->count == PEX_KNOWN_MAX)
        return;
    if ((pex->count & (pex->count - 1)) == 0) { /* room is doubled at powers of two */
        pex->known = realloc(pex->known, (pex->count == 0 ? 1 : 2 * pex->count) * sizeof *pex->known);
        assert(pex->known != NULL);
    }
    pex->known[pex->count++] = (struct pex_known){.address = *address};
}

/* An inbound peer says where it listens; of "0.0.0.0" only the port is true. */
void pex_peer_up(struct pex *pex, struct pex_talk *talk, const struct link *link) {
    *talk = (struct pex_talk){.asked = false};
    struct netaddress address;
    if (netaddress_parse_host_port(&address, span_text(link_info(link)->listen_addr)) != NETADDRESS_GOOD || !address.is_ip)
        return;
    static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff}, any6[16] = {0};
    char text[NETADDRESS_TEXT_SIZE + 64];
    bool any = memcmp(address.ip, any4, 16) == 0 || memcmp(address.ip, any6, 16) == 0;
    snprintf(text, sizeof text, strchr(any ? link_remote_ip(link) : address.host, ':') != NULL ? "%s@[%s]:%u" : "%s@%s:%u", link_id(link),
             any ? link_remote_ip(link) : address.host, address.port);
    if (netaddress_parse(&address, span_text(text)) != NETADDRESS_GOOD)
        return;
    pex_note(pex, &address);
    for (uint32_t i = 0; i < pex->count; i++)
        if (memcmp(pex->known[i].address.id, address.id, NETADDRESS_ID_BYTES) == 0)
            pex->known[i].attempts = 0; /* it answers: worth dialling again */
}

bool pex_wants_addresses(const struct pex *pex, const struct link *link) { return link_is_outbound(link) && pex->count < PEX_KNOWN_MAX; }

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

void pex_ask(struct pex *pex, struct pex_talk *talk, struct link *link) {
    (void)pex;
    if (talk->asked || !node_info_has_channel(link_info(link), WIRE_PEX))
        return;
    talk->asked = true;
    send(link, &(struct wire_pex){.is_request = true});
}

static void answer(struct pex *pex, struct link *link) {
    struct wire_address addresses[PEX_ANSWER_MAX];
    static char ids[PEX_ANSWER_MAX][41];
    struct wire_pex message = {.addresses = addresses};
    for (uint32_t i = 0; i < pex->count && message.count < PEX_ANSWER_MAX; i++) {
        const struct netaddress *known = &pex->known[(pex->cursor + i) % pex->count].address;
        char *id = ids[message.count];
        text_hex_lower(id, span_of(known->id, NETADDRESS_ID_BYTES));
        if (is_private(pex, id) || strcmp(id, link_id(link)) == 0)
            continue;
        addresses[message.count++] = (struct wire_address){span_text(id), span_text(known->host), known->port};
    }
    pex->cursor = pex->count == 0 ? 0 : (pex->cursor + PEX_ANSWER_MAX) % pex->count;
    send(link, &message);
}

static void learn(struct pex *pex, const struct wire_pex *message) {
    for (uint32_t i = 0; i < message->count; i++) {
        const struct wire_address *said = &message->addresses[i];
        char text[NETADDRESS_TEXT_SIZE];
        struct netaddress address;
        bool six = memchr(said->ip.data, ':', said->ip.size) != NULL;
        int size = snprintf(text, sizeof text, six ? "%.*s@[%.*s]:%u" : "%.*s@%.*s:%u", (int)said->id.size, (const char *)said->id.data,
                            (int)said->ip.size, (const char *)said->ip.data, said->port);
        if (size > 0 && (size_t)size < sizeof text && netaddress_parse(&address, span_of(text, (size_t)size)) == NETADDRESS_GOOD)
            pex_note(pex, &address);
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
        learn(pex, &message);
        return NULL;
    }
    if (++talk->requests > 2 && now_ms - talk->last_request_ms < PEX_REQUEST_GAP_MS)
        return "it asks for addresses too often";
    talk->last_request_ms = now_ms;
    answer(pex, link);
    return NULL;
}

bool pex_pick(struct pex *pex, struct netaddress *out, int64_t now_ms) {
    for (uint32_t i = 0; i < pex->count; i++) {
        struct pex_known *known = &pex->known[(pex->cursor + i) % pex->count];
        if (known->next_dial_ms > now_ms || known->attempts >= PEX_ATTEMPTS_MAX)
            continue;
        known->next_dial_ms = now_ms + ((int64_t)1000 << (known->attempts < 12 ? known->attempts : 12));
        known->attempts++;
        pex->cursor = (pex->cursor + i + 1) % pex->count;
        *out = known->address;
        return true;
    }
    return false;
}
