#include "node/pex.h"

#include <assert.h>
#include <stdio.h>

#include "crypto/text.h"
#include "node/wire.h"

void pex_init(struct pex *pex, const char *own_id, bool strict, const char *private_ids, bool seed_mode) {
    *pex = (struct pex){.seed_mode = seed_mode};
    addrbook_init(&pex->book, own_id, strict, private_ids);
    arena_init(&pex->arena, 1024 * 1024);
}

void pex_close(struct pex *pex) {
    addrbook_close(&pex->book);
    arena_close(&pex->arena);
}

/* ---- who is there */

static bool join(struct addrbook_address *out, struct span id, struct span host, uint32_t port) {
    char text[NETADDRESS_TEXT_SIZE];
    struct netaddress address;
    bool six = memchr(host.data, ':', host.size) != NULL;
    int size = snprintf(text, sizeof text, six ? "%.*s@[%.*s]:%u" : "%.*s@%.*s:%u", (int)id.size, (const char *)id.data, (int)host.size,
                        (const char *)host.data, port);
    return size > 0 && (size_t)size < sizeof text && netaddress_parse(&address, span_of(text, (size_t)size)) == NETADDRESS_GOOD &&
           addrbook_address_of(out, &address);
}

/* Where it speaks from; the port is where it says that it listens. */
static bool teller_of(struct addrbook_address *out, const struct link *link) {
    struct netaddress said;
    bool listens = netaddress_parse_host_port(&said, span_text(link_info(link)->listen_addr)) == NETADDRESS_GOOD;
    return join(out, span_text(link_id(link)), span_text(link_remote_ip(link)), listens ? said.port : 0);
}

/* A peer says where it listens; of "0.0.0.0" only the port is true. */
void pex_peer_up(struct pex *pex, const struct link *link, int64_t wall_ms) {
    static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff}, any6[16] = {0};
    struct netaddress said;
    struct addrbook_address address, teller;
    if (netaddress_parse_host_port(&said, span_text(link_info(link)->listen_addr)) != NETADDRESS_GOOD || !said.is_ip || !teller_of(&teller, link))
        return;
    bool any = memcmp(said.ip, any4, 16) == 0 || memcmp(said.ip, any6, 16) == 0;
    if (join(&address, span_text(link_id(link)), span_text(any ? link_remote_ip(link) : said.host), said.port))
        addrbook_add(&pex->book, &address, &teller, wall_ms);
}

void pex_peer_good(struct pex *pex, const struct link *link, int64_t wall_ms) {
    struct addrbook_address there;
    if (!teller_of(&there, link))
        return;
    const struct addrbook_entry *entry = addrbook_find(&pex->book, there.id);
    addrbook_answered(&pex->book, there.id);
    if (entry != NULL && link_is_outbound(link) && memcmp(entry->address.ip, there.ip, sizeof there.ip) == 0)
        addrbook_good(&pex->book, there.id, wall_ms);
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

static void answer(struct pex *pex, struct link *link, uint32_t new_percent, int64_t wall_ms) {
    static struct addrbook_address chosen[ADDRBOOK_SELECTION_MAX];
    struct addrbook_address asker;
    if (!teller_of(&asker, link))
        asker = (struct addrbook_address){.port = 0};
    struct wire_pex message = {.count = addrbook_select(&pex->book, chosen, new_percent, asker.id, wall_ms)};
    message.addresses = arena_take(&pex->arena, message.count, sizeof *message.addresses);
    for (uint32_t i = 0; i < message.count; i++) {
        struct netaddress *address = arena_take(&pex->arena, 1, sizeof *address); /* the arena has room for all of them */
        assert(address != NULL);
        addrbook_netaddress(address, &chosen[i]);
        message.addresses[i] = (struct wire_address){span_text(address->id_text), span_text(address->host), address->port};
    }
    send(link, &message);
}

static void learn(struct pex *pex, const struct wire_pex *message, const struct link *link, int64_t wall_ms) {
    struct addrbook_address teller, address;
    if (!teller_of(&teller, link))
        return;
    for (uint32_t i = 0; i < message->count; i++)
        if (join(&address, message->addresses[i].id, message->addresses[i].ip, message->addresses[i].port))
            addrbook_add(&pex->book, &address, &teller, wall_ms);
}

/* A seed tells whoever comes once; it is about to hang up, so it takes no offence. */
static bool is_told(struct pex *pex, struct pex_talk *talk, struct link *link, int64_t wall_ms) {
    if (!pex->seed_mode || link_is_outbound(link))
        return false;
    if (!talk->told)
        answer(pex, link, PEX_SEED_NEW_PERCENT, wall_ms);
    talk->told = true;
    return true;
}

const char *pex_receive(struct pex *pex, struct pex_talk *talk, struct link *link, struct span bytes, int64_t now_ms, int64_t wall_ms) {
    struct wire_pex message;
    arena_reset(&pex->arena);
    const char *wrong = wire_pex_decode(&message, bytes, &pex->arena);
    if (wrong != NULL)
        return wrong;
    if (!message.is_request) {
        if (!talk->asked)
            return "it sent addresses that nobody asked for";
        talk->asked = false;
        talk->answered = true;
        learn(pex, &message, link, wall_ms);
        return NULL;
    }
    if (is_told(pex, talk, link, wall_ms))
        return NULL;
    if (talk->requests >= 2 && now_ms - talk->last_request_ms < PEX_REQUEST_GAP_MS)
        return "it asks for addresses too often";
    talk->requests += talk->requests < 2;
    talk->last_request_ms = now_ms;
    answer(pex, link, 101, wall_ms);
    return NULL;
}
